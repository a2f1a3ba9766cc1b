-- Generations of records lie in a folder of their own; `records` holds links to the
-- current ones and nothing else, so that any reader of that folder reads the bill. The
-- files have their new names before this runs; the old ones stay for a while, for
-- readers that looked at the catalogue before.

INSERT OR IGNORE INTO retired_file (path, retired_ms)
SELECT path, CAST(strftime('%s', 'now') AS INTEGER) * 1000 FROM record_file
WHERE path LIKE 'records/%';

UPDATE record_file SET path = 'generations/' || substr(path, length('records/') + 1)
WHERE path LIKE 'records/%';
