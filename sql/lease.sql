-- Who may write, and since when.

-- name: current
SELECT token, holder, machine, taken_ms, heartbeat_ms, released FROM lease;

-- name: take
INSERT INTO lease (only_row, token, holder, machine, taken_ms, heartbeat_ms, released)
VALUES (1, 1, ?1, ?2, ?3, ?3, 0)
ON CONFLICT (only_row) DO UPDATE SET token = token + 1, holder = excluded.holder,
    machine = excluded.machine, taken_ms = excluded.taken_ms,
    heartbeat_ms = excluded.heartbeat_ms, released = 0
RETURNING token;

-- name: beat
UPDATE lease SET heartbeat_ms = ?2 WHERE token = ?1;

-- name: release
UPDATE lease SET released = 1 WHERE token = ?1;

-- name: forget
DELETE FROM lease;

-- name: lax
-- A lease that a power cut undoes went together with its holder, and every transaction of
-- the lake, which is synced, syncs what stands before it: no sync of its own is needed.
PRAGMA synchronous = NORMAL;
