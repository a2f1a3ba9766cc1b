-- Who may write, for folders that several machines reach.
--
-- The operating system's lock on `DATA/lock` says who may write on one machine, and is free
-- at once when a process ends. Between machines it may not reach. So whoever writes also
-- takes a lease here, says again and again that it lives, and every transaction of the
-- lake's writer begins by looking whether the token is still its own: `token` grows with each
-- taking, so a writer that was suspended until another took over is refused.

CREATE TABLE lease (
    only_row     INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    token        INTEGER NOT NULL,
    holder       TEXT NOT NULL,
    machine      TEXT NOT NULL,
    taken_ms     INTEGER NOT NULL,
    heartbeat_ms INTEGER NOT NULL,
    released     INTEGER NOT NULL CHECK (released IN (0, 1)),
    checksum     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER lease_is_new AFTER INSERT ON lease BEGIN
    UPDATE lease SET checksum =
        checksum_of('lease', NEW.only_row, NEW.token, NEW.holder, NEW.machine, NEW.taken_ms,
            NEW.heartbeat_ms, NEW.released)
    WHERE only_row = NEW.only_row;
END;

CREATE TRIGGER lease_changes AFTER UPDATE OF only_row, token, holder, machine, taken_ms,
    heartbeat_ms, released
ON lease BEGIN
    UPDATE lease SET checksum = CASE OLD.checksum WHEN
        checksum_of('lease', OLD.only_row, OLD.token, OLD.holder, OLD.machine, OLD.taken_ms,
            OLD.heartbeat_ms, OLD.released)
    THEN
        checksum_of('lease', NEW.only_row, NEW.token, NEW.holder, NEW.machine, NEW.taken_ms,
            NEW.heartbeat_ms, NEW.released)
    ELSE -1 END
    WHERE only_row = NEW.only_row;
END;
