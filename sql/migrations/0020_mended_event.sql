-- Events that the cloud wrote wrongly.

-- Columns of events that were mended as they came in: what the cloud wrote, and where the
-- right value stands. The same row that comes again is known by it.
CREATE TABLE mended_event (
    source_id   INTEGER NOT NULL REFERENCES source (source_id),
    event_id    INTEGER NOT NULL,
    column_name TEXT NOT NULL,
    original    INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    entered_ms  INTEGER NOT NULL,
    checksum    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source_id, event_id, column_name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER mended_event_is_new AFTER INSERT ON mended_event BEGIN
    UPDATE mended_event SET checksum =
        checksum_of('mended_event', NEW.source_id, NEW.event_id, NEW.column_name, NEW.original,
            NEW.reason, NEW.entered_ms)
    WHERE source_id = NEW.source_id AND event_id = NEW.event_id AND column_name = NEW.column_name;
END;

CREATE TRIGGER mended_event_changes AFTER UPDATE OF source_id, event_id, column_name, original,
    reason, entered_ms
ON mended_event BEGIN
    UPDATE mended_event SET checksum = CASE OLD.checksum WHEN
        checksum_of('mended_event', OLD.source_id, OLD.event_id, OLD.column_name, OLD.original,
            OLD.reason, OLD.entered_ms)
    THEN
        checksum_of('mended_event', NEW.source_id, NEW.event_id, NEW.column_name, NEW.original,
            NEW.reason, NEW.entered_ms)
    ELSE -1 END
    WHERE source_id = NEW.source_id AND event_id = NEW.event_id AND column_name = NEW.column_name;
END;
