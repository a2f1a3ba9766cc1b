-- name: begin
INSERT INTO job (kind, started_ms, periods, records, message) VALUES (?1, ?2, 0, 0, '')
RETURNING job_id;

-- name: finish
UPDATE job SET kind = ?2, started_ms = ?3, finished_ms = ?4, from_ms = ?5, to_ms = ?6, success = ?7,
    periods = ?8, records = ?9, message = ?10
WHERE job_id = ?1;

-- name: newest
SELECT job_id, kind, started_ms, finished_ms, from_ms, to_ms, success, periods, records, message
FROM job ORDER BY job_id DESC LIMIT ?1;
