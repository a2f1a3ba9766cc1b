-- Setting a folder back that lived ahead: ?1 is the instant it is set back to.

-- name: withdraw_periods
-- ?1: the start of the first period that ends after the instant.
DELETE FROM period WHERE start_ms >= ?1;

-- name: withdraw_records
DELETE FROM record_file WHERE start_ms >= ?1;

-- name: withdraw_publications
DELETE FROM publication WHERE start_ms >= ?1;

-- name: withdraw_corrections
DELETE FROM correction_file WHERE start_ms >= ?1;

-- name: set_back_publications
UPDATE publication SET published_ms = ?1 WHERE published_ms > ?1;

-- name: set_back_changes
UPDATE account_change SET at_ms = min(at_ms, ?1),
    created_ms = CASE source_id WHEN ?2 THEN min(created_ms, ?1) ELSE created_ms END,
    removed_ms = CASE source_id WHEN ?2 THEN min(removed_ms, ?1) ELSE removed_ms END
WHERE at_ms > ?1 OR source_id = ?2 AND (created_ms > ?1 OR removed_ms > ?1);

-- name: withdraw_open_files
DELETE FROM open_file WHERE start_ms >= ?1;

-- name: withdraw_anomalies
DELETE FROM anomaly WHERE start_ms >= ?1;

-- name: withdraw_sheets
DELETE FROM day_sheet WHERE start_ms >= ?1;

-- name: withdraw_adjustments
DELETE FROM adjustment WHERE start_ms >= ?1;

-- name: set_back_pruned
UPDATE pruned SET as_of_from_ms = min(as_of_from_ms, ?1) WHERE as_of_from_ms > ?1;

-- name: set_back_jobs
-- ?2 as in `withdraw_periods`. The least of two is null where one is.
UPDATE job SET started_ms = min(started_ms, ?1), finished_ms = min(finished_ms, ?1),
    as_of_ms = min(as_of_ms, ?1), from_ms = min(from_ms, ?2), to_ms = min(to_ms, ?2)
WHERE max(started_ms, coalesce(finished_ms, 0), coalesce(as_of_ms, 0), coalesce(to_ms, 0)) > ?1;

-- name: set_back_runs
UPDATE ingest_run SET started_ms = ?1 WHERE started_ms > ?1;

-- name: forget_retired
-- Replaced files of withdrawn periods, whose names come again: those of the folders from ?1
-- on and before ?2. The next sweep of files that nobody names removes them.
DELETE FROM retired_file WHERE path >= ?1 AND path < ?2;

-- name: set_back_accounts
UPDATE account SET created_ms = min(created_ms, ?1), removed_ms = min(removed_ms, ?1)
WHERE source_id = ?2 AND (created_ms > ?1 OR removed_ms > ?1);

-- name: set_back_removals
UPDATE account_removal SET before_ms = min(before_ms, ?1), after_ms = min(after_ms, ?1)
WHERE source_id = ?2 AND (before_ms > ?1 OR after_ms > ?1);

-- name: set_back_completeness
-- ?3: the present. Of sources that are not our own, what is said up to it stays.
UPDATE source_complete SET through_ms = ?1
WHERE through_ms > CASE WHEN source_id = ?2 THEN ?1 ELSE ?3 END;
