-- name: value
SELECT value FROM setting WHERE name = ?1;

-- name: all
SELECT name, value FROM setting;

-- name: set
INSERT INTO setting (name, value) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: admin_keys
SELECT api_key, secret_key FROM admin_key;

-- name: set_admin_keys
INSERT INTO admin_key (only_row, api_key, secret_key) VALUES (1, ?1, ?2)
ON CONFLICT (only_row) DO UPDATE SET api_key = excluded.api_key, secret_key = excluded.secret_key;

-- name: clear
DELETE FROM setting WHERE name = ?1;
