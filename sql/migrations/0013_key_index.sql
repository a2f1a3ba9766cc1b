-- The key index of a record file stands in the file itself, where a page of records reads a
-- few kilobytes of it; here it was read as a whole. A row that was damaged stays so.

DROP TRIGGER record_file_is_new;

DROP TRIGGER record_file_changes;

UPDATE record_file SET checksum = CASE checksum WHEN
    checksum_of('record_file', start_ms, generation, path, row_count, bytes, sha256, key_index)
THEN
    checksum_of('record_file', start_ms, generation, path, row_count, bytes, sha256)
ELSE -1 END;

ALTER TABLE record_file DROP COLUMN key_index;

CREATE TRIGGER record_file_is_new AFTER INSERT ON record_file BEGIN
    UPDATE record_file SET checksum =
        checksum_of('record_file', NEW.start_ms, NEW.generation, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256)
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation;
END;

CREATE TRIGGER record_file_changes AFTER UPDATE OF start_ms, generation, path, row_count, bytes,
    sha256
ON record_file BEGIN
    UPDATE record_file SET checksum = CASE OLD.checksum WHEN
        checksum_of('record_file', OLD.start_ms, OLD.generation, OLD.path, OLD.row_count,
            OLD.bytes, OLD.sha256)
    THEN
        checksum_of('record_file', NEW.start_ms, NEW.generation, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256)
    ELSE -1 END
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation;
END;
