-- Days whose events and samples have been let go.

-- Up to where the folder has let go of what it was told: one row once it has.
CREATE TABLE pruned (
    only_row        INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    -- Events before this end of a closed period are gone, and samples up to it.
    rows_before_ms  INTEGER,
    -- What was shown before this instant is not known any more.
    as_of_from_ms   INTEGER,
    checksum        INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The event files that are gone, with the ids in them: rows that come again are known.
CREATE TABLE pruned_event_file (
    seq       INTEGER NOT NULL PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source (source_id),
    row_count INTEGER NOT NULL,
    sha256    TEXT NOT NULL,
    min_id    INTEGER NOT NULL,
    max_id    INTEGER NOT NULL,
    ids       BLOB NOT NULL,
    checksum  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER pruned_is_new AFTER INSERT ON pruned BEGIN
    UPDATE pruned SET checksum =
        checksum_of('pruned', NEW.only_row, NEW.rows_before_ms, NEW.as_of_from_ms)
    WHERE only_row = NEW.only_row;
END;

CREATE TRIGGER pruned_changes AFTER UPDATE OF only_row, rows_before_ms, as_of_from_ms
ON pruned BEGIN
    UPDATE pruned SET checksum = CASE OLD.checksum WHEN
        checksum_of('pruned', OLD.only_row, OLD.rows_before_ms, OLD.as_of_from_ms)
    THEN
        checksum_of('pruned', NEW.only_row, NEW.rows_before_ms, NEW.as_of_from_ms)
    ELSE -1 END
    WHERE only_row = NEW.only_row;
END;

CREATE TRIGGER pruned_event_file_is_new AFTER INSERT ON pruned_event_file BEGIN
    UPDATE pruned_event_file SET checksum =
        checksum_of('pruned_event_file', NEW.seq, NEW.source_id, NEW.row_count, NEW.sha256,
            NEW.min_id, NEW.max_id, NEW.ids)
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER pruned_event_file_changes AFTER UPDATE OF seq, source_id, row_count, sha256, min_id,
    max_id, ids
ON pruned_event_file BEGIN
    UPDATE pruned_event_file SET checksum = CASE OLD.checksum WHEN
        checksum_of('pruned_event_file', OLD.seq, OLD.source_id, OLD.row_count, OLD.sha256,
            OLD.min_id, OLD.max_id, OLD.ids)
    THEN
        checksum_of('pruned_event_file', NEW.seq, NEW.source_id, NEW.row_count, NEW.sha256,
            NEW.min_id, NEW.max_id, NEW.ids)
    ELSE -1 END
    WHERE seq = NEW.seq;
END;
