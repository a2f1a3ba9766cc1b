-- The files of a folder of an earlier format, rewritten. ?1 is the path of a file.

-- name: format
SELECT value FROM counter WHERE name = 'format';

-- name: set_format
UPDATE counter SET value = ?1 WHERE name = 'format';

-- name: named
-- Those of a folder whose schema is of an earlier version, too.
SELECT bytes FROM event_file UNION ALL SELECT bytes FROM sample_file
UNION ALL SELECT bytes FROM record_file UNION ALL SELECT bytes FROM open_file;

-- name: record_files
SELECT start_ms, path, row_count, bytes, sha256 FROM record_file ORDER BY start_ms, generation;

-- name: open_files
SELECT kind = 'segments', path, row_count, bytes, sha256 FROM open_file ORDER BY start_ms, kind, version;

-- name: event_file
UPDATE event_file SET path = ?2, bytes = ?3, sha256 = ?4 WHERE path = ?1;

-- name: sample_file
UPDATE sample_file SET path = ?2, bytes = ?3, sha256 = ?4 WHERE path = ?1;

-- name: record_file
UPDATE record_file SET path = ?2, bytes = ?3, sha256 = ?4 WHERE path = ?1;

-- name: open_file
UPDATE open_file SET path = ?2, bytes = ?3, sha256 = ?4 WHERE path = ?1;
