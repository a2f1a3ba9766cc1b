-- name: begin
INSERT INTO job (kind, started_ms, as_of_ms, periods, records, message) VALUES (?1, ?2, ?3, 0, 0, '')
RETURNING job_id;

-- name: finish
UPDATE job SET finished_ms = ?2, from_ms = ?3, to_ms = ?4, success = ?5, periods = ?6, records = ?7,
    message = ?8, note = ?9
WHERE job_id = ?1;

-- name: cut_off
UPDATE job SET success = 0 WHERE finished_ms IS NULL AND success IS NULL;

-- name: count
SELECT COUNT(*) FROM job;

-- name: newest
SELECT job_id, kind, started_ms, as_of_ms, finished_ms, from_ms, to_ms, success, periods, records, message,
    note
FROM job ORDER BY job_id DESC LIMIT ?2 OFFSET ?1;
