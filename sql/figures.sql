-- What a monitoring system asks for: sums that cost a walk over small tables.

-- name: rows_of_runs
SELECT stream, sum(accepted), sum(duplicate), sum(quarantined) FROM ingest_run GROUP BY stream ORDER BY stream;

-- name: last_events
SELECT name, max(last_created_ms) FROM event_file JOIN source USING (source_id) GROUP BY name ORDER BY name;

-- name: outbox
-- Counted no further than ?1, because rows pile up where no job runs.
SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox_event LIMIT ?1)),
    (SELECT count(*) FROM (SELECT 1 FROM outbox_sample LIMIT ?1)),
    (SELECT count(*) FROM (SELECT 1 FROM outbox_account LIMIT ?1));

-- name: runs_of_jobs
SELECT kind, started_ms, finished_ms, success FROM job ORDER BY kind, job_id;

-- name: anomalies
SELECT usage_type, count(*) FROM anomaly GROUP BY usage_type ORDER BY usage_type;

-- name: corrections
SELECT coalesce(sum(row_count), 0) FROM correction_file;

-- name: files
SELECT 'events', count(*), coalesce(sum(bytes), 0) FROM event_file
UNION ALL SELECT 'samples', count(*), coalesce(sum(bytes), 0) FROM sample_file
UNION ALL SELECT 'records', count(*), coalesce(sum(bytes), 0) FROM record_file
UNION ALL SELECT 'open', count(*), coalesce(sum(bytes), 0) FROM open_file;
