-- What a pull asks the database of a cloud, which is MySQL's or MariaDB's. Words in braces
-- are names of that database and numbers that `ingest/src/pull` puts in.

-- name: isolation
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;

-- name: begin
START TRANSACTION WITH CONSISTENT SNAPSHOT;

-- name: clock
SELECT UTC_TIMESTAMP(), CURRENT_USER(), @@hostname, @@port;

-- name: columns
SELECT column_name FROM information_schema.columns
WHERE table_schema = '{database}' AND table_name = '{table}' ORDER BY ordinal_position LIMIT 1000;

-- name: ends
SELECT MIN(id), MAX(id) FROM `{database}`.`{table}`;

-- name: page
SELECT {columns} FROM `{database}`.`{table}` WHERE id > {above} AND id <= {through}
ORDER BY id LIMIT {limit};

-- name: count
SELECT COUNT(*) FROM `{database}`.`{table}` WHERE id > {above};

-- name: whole
SELECT {columns} FROM `{database}`.`{table}` LIMIT {limit};

-- name: settings
SELECT name, value FROM `{database}`.`{table}`
WHERE name IN ('usage.aggregation.timezone', 'usage.stats.job.aggregation.range') LIMIT 2;
