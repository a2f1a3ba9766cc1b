-- A number for the format of the files, and a checksum of each of their blocks.
--
-- The counter `format`: in files of format 1 numbers are unsigned, from format 2 on they
-- are signed. A folder that has files is of format 1 until `cloudtally upgrade` has
-- rewritten them; a new one, or one without files, is of format 2.

INSERT INTO counter (name, value)
SELECT 'format', CASE WHEN EXISTS (SELECT 1 FROM lake_file) THEN 1 ELSE 2 END;

-- One XXH3-64, little-endian, for each 16 KiB of a file of the lake, so that a reader can
-- verify just the blocks that it reads. They stand beside the tables of files and not in
-- them: a listing verifies the rows that it reads, and would read the blocks of all files.
-- A file that was replaced keeps its row for as long as it has readers.
CREATE TABLE file_block (
    path     TEXT NOT NULL PRIMARY KEY,
    blocks   BLOB NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER file_block_is_new AFTER INSERT ON file_block BEGIN
    UPDATE file_block SET checksum =
        checksum_of('file_block', NEW.path, NEW.blocks)
    WHERE path = NEW.path;
END;

CREATE TRIGGER file_block_changes AFTER UPDATE OF path, blocks
ON file_block BEGIN
    UPDATE file_block SET checksum = CASE OLD.checksum WHEN
        checksum_of('file_block', OLD.path, OLD.blocks)
    THEN
        checksum_of('file_block', NEW.path, NEW.blocks)
    ELSE -1 END
    WHERE path = NEW.path;
END;
