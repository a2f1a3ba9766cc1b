-- For tests that compare two folders.

-- name: rows
-- The name of a table follows.
SELECT * FROM
