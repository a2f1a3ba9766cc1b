-- name: all
SELECT source.name, account_id, account.name, uuid, type, domain_id, domain_path, state, created_ms, removed_ms
FROM account JOIN source NOT INDEXED USING (source_id);

-- name: one
SELECT name, uuid, type, domain_id, domain_path, state, created_ms, removed_ms
FROM account WHERE source_id = ?1 AND account_id = ?2;

-- name: put
INSERT INTO account (source_id, account_id, name, uuid, type, domain_id, domain_path, state, created_ms, removed_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (source_id, account_id) DO UPDATE SET
    name = excluded.name, uuid = excluded.uuid, type = excluded.type, domain_id = excluded.domain_id,
    domain_path = excluded.domain_path, state = excluded.state, created_ms = excluded.created_ms,
    removed_ms = excluded.removed_ms;

-- name: log_removal
INSERT INTO account_removal (source_id, account_id, before_ms, after_ms) VALUES (?1, ?2, ?3, ?4);

-- name: removals
SELECT seq, name, account_id, before_ms, after_ms
FROM account_removal JOIN source USING (source_id) ORDER BY seq;

-- name: log_change
INSERT INTO account_change (at_ms, source_id, account_id, name, uuid, type, domain_id, domain_path, state, created_ms, removed_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- name: changes_after
-- The latest first: undone in this order, they give the rows as they were at ?1.
SELECT source.name, account_id, account_change.name, uuid, type, domain_id, domain_path, state, created_ms, removed_ms
FROM account_change NOT INDEXED JOIN source USING (source_id) WHERE at_ms > ?1 ORDER BY seq DESC;
