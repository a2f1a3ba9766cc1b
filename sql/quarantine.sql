-- Rows that ingest set aside.

-- name: kinds
SELECT count(*) FROM quarantine_kind;

-- name: bytes
SELECT coalesce(sum(bytes), 0) FROM quarantine_kind;

-- name: kind
SELECT kept, bytes, not_kept FROM quarantine_kind WHERE source = ?1 AND stream = ?2 AND kind = ?3;

-- name: put_kind
INSERT INTO quarantine_kind (source, stream, kind, kept, bytes, not_kept) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (source, stream, kind) DO UPDATE
SET kept = excluded.kept, bytes = excluded.bytes, not_kept = excluded.not_kept;

-- name: set_aside
INSERT INTO quarantine (source, stream, input, row_number, raw_hash, reason, raw, kind)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (source, stream, input, row_number, raw_hash) DO NOTHING;

-- name: is_set_aside
SELECT count(*) FROM quarantine
WHERE source = ?1 AND stream = ?2 AND input = ?3 AND row_number = ?4 AND raw_hash = ?5;

-- name: newest
SELECT source, stream, input, row_number, reason, raw FROM quarantine
WHERE ?2 IS NULL OR source = ?2
ORDER BY quarantine_id DESC LIMIT ?1;

-- name: count
SELECT coalesce(sum(kept + not_kept), 0) FROM quarantine_kind WHERE ?1 IS NULL OR source = ?1;

-- name: summary
SELECT source, stream, kept, not_kept,
    coalesce((SELECT reason FROM quarantine
        WHERE quarantine.source = quarantine_kind.source AND quarantine.stream = quarantine_kind.stream
            AND quarantine.kind = quarantine_kind.kind
        ORDER BY quarantine_id LIMIT 1), kind)
FROM quarantine_kind
WHERE ?1 IS NULL OR source = ?1
ORDER BY kept + not_kept DESC, source, stream, kind;

-- name: empty
DELETE FROM quarantine WHERE ?1 IS NULL OR source = ?1;

-- name: empty_kinds
DELETE FROM quarantine_kind WHERE ?1 IS NULL OR source = ?1;
