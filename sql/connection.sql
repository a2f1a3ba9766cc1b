-- What a connection says about itself and its transactions.

-- name: application_id
PRAGMA application_id;

-- name: set_application_id
-- "Clty"; tells our database from any other SQLite file.
PRAGMA application_id = 1131181177;

-- name: schema_version
PRAGMA user_version;

-- name: table_count
SELECT count(*) FROM sqlite_schema;

-- name: journal_mode
PRAGMA journal_mode;

-- name: use_wal
PRAGMA journal_mode = WAL;

-- name: configure
-- FULL: a committed transaction survives a power cut, also in WAL mode.
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;

-- name: begin_read
BEGIN DEFERRED;

-- name: begin_write
BEGIN IMMEDIATE;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- name: integrity
PRAGMA integrity_check(20);

-- name: quick_check
-- The pages of one table and its indexes.
SELECT * FROM pragma_quick_check(?1);

-- name: shared_roots
SELECT group_concat(name, ', ') FROM sqlite_schema WHERE rootpage > 0
GROUP BY rootpage HAVING count(*) > 1;

-- name: foreign_keys
PRAGMA foreign_key_check;

-- name: schema
-- With their types: SQLite takes bytes for text where we ask for a name.
SELECT type || ' ' || name,
    tbl_name || ' ' || typeof(type) || ' ' || typeof(name) || ' ' || typeof(tbl_name) || ' ' || coalesce(sql, '')
FROM sqlite_schema ORDER BY name;
