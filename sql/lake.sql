-- Which files of the lake count.

-- name: named
SELECT path, bytes, sha256 FROM event_file
UNION ALL SELECT path, bytes, sha256 FROM sample_file
UNION ALL SELECT path, bytes, sha256 FROM record_file
UNION ALL SELECT path, bytes, sha256 FROM open_file
UNION ALL SELECT path, bytes, sha256 FROM correction_file
ORDER BY path;

-- name: records_of_earlier_layout
SELECT path FROM record_file WHERE path LIKE 'records/%' ORDER BY path;

-- name: is_named
SELECT EXISTS (SELECT 1 FROM event_file WHERE path = ?1)
    OR EXISTS (SELECT 1 FROM sample_file WHERE path = ?1)
    OR EXISTS (SELECT 1 FROM record_file WHERE path = ?1)
    OR EXISTS (SELECT 1 FROM open_file WHERE path = ?1)
    OR EXISTS (SELECT 1 FROM correction_file WHERE path = ?1);

-- name: retired
SELECT path, retired_ms FROM retired_file ORDER BY path;

-- name: retire
INSERT INTO retired_file (path, retired_ms) VALUES (?1, ?2);

-- name: forget_retired
DELETE FROM retired_file WHERE path = ?1;

-- name: put_blocks
INSERT INTO file_block (path, blocks) VALUES (?1, ?2)
ON CONFLICT (path) DO UPDATE SET blocks = excluded.blocks;

-- name: blocks
SELECT blocks, checksum = checksum_of('file_block', path, blocks) FROM file_block WHERE path = ?1;

-- name: forget_blocks
-- Those of files that are there no longer.
DELETE FROM file_block
WHERE path NOT IN (SELECT path FROM lake_file) AND path NOT IN (SELECT path FROM retired_file);

-- name: settle
-- Changes something: a transaction that only reads takes nobody's place.
INSERT INTO counter (name, value) VALUES ('settled', 1)
ON CONFLICT (name) DO UPDATE SET value = value + 1;
