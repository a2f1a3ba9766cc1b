-- Corrections of what a cloud told.

-- Events that people added, since the cloud never told them: who answers for each, and why.
CREATE TABLE correction_note (
    source_id  INTEGER NOT NULL REFERENCES source (source_id),
    event_id   INTEGER NOT NULL,
    author     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    entered_ms INTEGER NOT NULL,
    checksum   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER correction_note_is_new AFTER INSERT ON correction_note BEGIN
    UPDATE correction_note SET checksum =
        checksum_of('correction_note', NEW.source_id, NEW.event_id, NEW.author, NEW.reason,
            NEW.entered_ms)
    WHERE source_id = NEW.source_id AND event_id = NEW.event_id;
END;

CREATE TRIGGER correction_note_changes AFTER UPDATE OF source_id, event_id, author, reason,
    entered_ms
ON correction_note BEGIN
    UPDATE correction_note SET checksum = CASE OLD.checksum WHEN
        checksum_of('correction_note', OLD.source_id, OLD.event_id, OLD.author, OLD.reason,
            OLD.entered_ms)
    THEN
        checksum_of('correction_note', NEW.source_id, NEW.event_id, NEW.author, NEW.reason,
            NEW.entered_ms)
    ELSE -1 END
    WHERE source_id = NEW.source_id AND event_id = NEW.event_id;
END;
