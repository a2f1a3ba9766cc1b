-- Published periods, their files, their anomalies.

-- name: published
SELECT start_ms, end_ms, generation, events_seq, samples_seq, accounts_seq, segments_version, counters_version
FROM period ORDER BY start_ms;

-- name: files_of_records
-- Row by row, and so are those of state: an index that is damaged would give the wrong ones.
SELECT start_ms, generation, path, row_count, bytes, sha256 FROM record_file NOT INDEXED;

-- name: files_of_state
SELECT start_ms, kind = 'segments', version, path, row_count, bytes, sha256 FROM open_file NOT INDEXED;

-- name: any
-- Days that were closed with nothing known of them are published, too.
SELECT start_ms, end_ms FROM period UNION ALL SELECT start_ms, end_ms FROM empty_stretch
UNION ALL SELECT through_ms - 86400000, through_ms FROM closing
ORDER BY 1 LIMIT 1;

-- name: stretches
SELECT start_ms, end_ms, events_seq, samples_seq, accounts_seq FROM empty_stretch ORDER BY start_ms;

-- name: stretches_overlapping
SELECT start_ms, end_ms, events_seq, samples_seq, accounts_seq FROM empty_stretch
WHERE start_ms < ?2 AND end_ms > ?1 ORDER BY start_ms;

-- name: stretches_touching
-- Those that end where another begins, or begin where it ends, and know the same.
SELECT start_ms, end_ms FROM empty_stretch
WHERE (end_ms = ?1 OR start_ms = ?2) AND events_seq = ?3 AND samples_seq IS ?4 AND accounts_seq = ?5
ORDER BY start_ms;

-- name: delete_stretch
DELETE FROM empty_stretch WHERE start_ms = ?1;

-- name: insert_stretch
INSERT INTO empty_stretch (start_ms, end_ms, events_seq, samples_seq, accounts_seq)
VALUES (?1, ?2, ?3, ?4, ?5);

-- name: stretches_see_samples
UPDATE empty_stretch SET samples_seq = ?2 WHERE end_ms > ?1;

-- name: overlapping_stretch
SELECT start_ms, end_ms FROM period WHERE start_ms < ?2 AND end_ms > ?1 ORDER BY start_ms LIMIT 1;

-- name: current_records
SELECT period.start_ms, end_ms, path
FROM period JOIN record_file USING (start_ms, generation)
ORDER BY period.start_ms;

-- name: in_window
-- Both ends inclusive to the second: a period is shown to end a second early.
SELECT start_ms, end_ms, generation FROM period WHERE start_ms >= ?1 AND end_ms - 1000 <= ?2
ORDER BY start_ms;

-- name: record_files
SELECT path, row_count, bytes, sha256 FROM record_file ORDER BY start_ms, generation;

-- name: overlapping
SELECT start_ms, end_ms FROM period
WHERE start_ms < ?2 AND end_ms > ?1 AND NOT (start_ms = ?1 AND end_ms = ?2)
ORDER BY start_ms LIMIT 1;

-- name: current
SELECT generation, open_version, segments_version, counters_version, samples_seq FROM period WHERE start_ms = ?1;

-- name: last_generation
SELECT coalesce(max(generation), 0) FROM record_file WHERE start_ms = ?1;

-- name: insert_records
INSERT INTO record_file (start_ms, generation, path, row_count, bytes, sha256)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: insert_open
INSERT INTO open_file (start_ms, kind, version, path, row_count, bytes, sha256)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: open_files_of_kind
SELECT path FROM open_file WHERE start_ms = ?1 AND kind = ?2;

-- name: delete_open_of_kind
DELETE FROM open_file WHERE start_ms = ?1 AND kind = ?2;

-- name: put
INSERT INTO period (start_ms, end_ms, generation, open_version, segments_version, counters_version,
    events_seq, samples_seq, accounts_seq)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (start_ms) DO UPDATE SET
    generation = excluded.generation, open_version = excluded.open_version,
    segments_version = excluded.segments_version, counters_version = excluded.counters_version,
    events_seq = excluded.events_seq, samples_seq = excluded.samples_seq,
    accounts_seq = excluded.accounts_seq;

-- name: clear_anomalies
DELETE FROM anomaly WHERE start_ms = ?1;

-- name: insert_anomaly
INSERT INTO anomaly (start_ms, end_ms, source, event_id, usage_type, resource_id, at_ms, text)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: anomalies
-- By content and not by row number, which depends on what was published when.
SELECT start_ms, end_ms, source, event_id, usage_type, resource_id, at_ms, text FROM anomaly
ORDER BY start_ms DESC, at_ms DESC, source, usage_type, resource_id, event_id, text LIMIT ?1;

-- name: anomaly_count
SELECT count(*) FROM anomaly;

-- name: insert_publication
-- ?8: a new generation. One that is published again is noted where its first publication is.
INSERT INTO publication (published_ms, start_ms, generation, events_seq, samples_seq, accounts_seq, job_id)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
WHERE ?8 OR EXISTS (SELECT 1 FROM publication WHERE start_ms = ?2 AND generation = ?3);

-- name: publications
-- In their order, row by row.
SELECT published_ms, start_ms, generation, events_seq, samples_seq, accounts_seq
FROM publication NOT INDEXED ORDER BY number;

-- name: last_noted
-- The latest instant of a publication, or of a change of an account.
SELECT max(coalesce((SELECT published_ms FROM publication ORDER BY number DESC LIMIT 1), 0),
    coalesce((SELECT at_ms FROM account_change ORDER BY seq DESC LIMIT 1), 0));

-- name: seen_boundaries
-- The last files that some generation has seen: 1 for those of events, 2 of samples.
SELECT DISTINCT 1, events_seq FROM publication
UNION SELECT DISTINCT 1, events_seq FROM period
UNION SELECT DISTINCT 2, samples_seq FROM publication WHERE samples_seq IS NOT NULL
UNION SELECT DISTINCT 2, samples_seq FROM period WHERE samples_seq IS NOT NULL
ORDER BY 1, 2;

-- name: insert_corrections
INSERT INTO correction_file (start_ms, generation, path, row_count, bytes, sha256)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: corrections
-- Row by row, as the record files.
SELECT start_ms, generation, path, row_count, bytes, sha256 FROM correction_file NOT INDEXED
ORDER BY start_ms, generation;

-- name: put_sheet
-- A period that is computed again to the same records keeps its generation; what it was
-- computed from last counts.
INSERT OR REPLACE INTO day_sheet (start_ms, generation, sheet) VALUES (?1, ?2, ?3);

-- name: sheet
-- With a 1 if it is what was written.
SELECT sheet, checksum = checksum_of('day_sheet', start_ms, generation, sheet)
FROM day_sheet WHERE start_ms = ?1 AND generation = ?2;
