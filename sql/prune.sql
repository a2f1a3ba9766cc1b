-- What a folder lets go of.

-- name: pruned
SELECT rows_before_ms, as_of_from_ms FROM pruned;

-- name: put
INSERT INTO pruned (only_row, rows_before_ms, as_of_from_ms) VALUES (1, ?1, ?2)
ON CONFLICT (only_row) DO UPDATE
SET rows_before_ms = excluded.rows_before_ms, as_of_from_ms = excluded.as_of_from_ms;

-- name: keep_ids
INSERT INTO pruned_event_file (seq, source_id, row_count, sha256, min_id, max_id, ids)
SELECT seq, source_id, row_count, sha256, min_id, max_id, ids FROM event_file WHERE seq = ?1;

-- name: delete_generation
DELETE FROM record_file WHERE start_ms = ?1 AND generation = ?2;

-- name: pruned_ids_of_source
SELECT ids FROM pruned_event_file JOIN source USING (source_id)
WHERE name = ?1 AND min_id <= ?3 AND max_id >= ?2 ORDER BY seq;
