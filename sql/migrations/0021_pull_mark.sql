-- Pulls of the databases of clouds.

-- How far the database of a cloud is pulled: every event up to `floor_id` is settled, those
-- in `holes` (their first, their last, the instant from which they are missed) may still come,
-- `seen_id` is the last. `fingerprint` has the last rows by id and hash, `epoch` grows when a
-- database that went back in time begins a new history.
CREATE TABLE pull_mark (
    source_id   INTEGER PRIMARY KEY REFERENCES source (source_id),
    epoch       INTEGER NOT NULL,
    floor_id    INTEGER NOT NULL,
    seen_id     INTEGER NOT NULL,
    first_id    INTEGER NOT NULL,
    holes       BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    server      TEXT NOT NULL,
    snapshot_ms INTEGER NOT NULL,
    sampled_ms  INTEGER,
    series_id   INTEGER NOT NULL,
    checksum    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER pull_mark_is_new AFTER INSERT ON pull_mark BEGIN
    UPDATE pull_mark SET checksum =
        checksum_of('pull_mark', NEW.source_id, NEW.epoch, NEW.floor_id, NEW.seen_id,
            NEW.first_id, NEW.holes, NEW.fingerprint, NEW.server,
            NEW.snapshot_ms, NEW.sampled_ms, NEW.series_id)
    WHERE source_id = NEW.source_id;
END;

CREATE TRIGGER pull_mark_changes AFTER UPDATE OF source_id, epoch, floor_id, seen_id, first_id,
    holes, fingerprint, server, snapshot_ms, sampled_ms, series_id
ON pull_mark BEGIN
    UPDATE pull_mark SET checksum = CASE OLD.checksum WHEN
        checksum_of('pull_mark', OLD.source_id, OLD.epoch, OLD.floor_id, OLD.seen_id,
            OLD.first_id, OLD.holes, OLD.fingerprint, OLD.server,
            OLD.snapshot_ms, OLD.sampled_ms, OLD.series_id)
    THEN
        checksum_of('pull_mark', NEW.source_id, NEW.epoch, NEW.floor_id, NEW.seen_id,
            NEW.first_id, NEW.holes, NEW.fingerprint, NEW.server,
            NEW.snapshot_ms, NEW.sampled_ms, NEW.series_id)
    ELSE -1 END
    WHERE source_id = NEW.source_id;
END;
