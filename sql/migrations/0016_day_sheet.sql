-- Day sheets: the account of each published period.

-- One row a generation, in JSON: the sums that it was published by and the files that they
-- were made from. Written with the period and never changed. Periods that were published
-- by earlier versions have none.
CREATE TABLE day_sheet (
    start_ms   INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    sheet      TEXT NOT NULL,
    checksum   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (start_ms, generation)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER day_sheet_is_new AFTER INSERT ON day_sheet BEGIN
    UPDATE day_sheet SET checksum =
        checksum_of('day_sheet', NEW.start_ms, NEW.generation, NEW.sheet)
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation;
END;

CREATE TRIGGER day_sheet_changes AFTER UPDATE OF start_ms, generation, sheet
ON day_sheet BEGIN
    UPDATE day_sheet SET checksum = CASE OLD.checksum WHEN
        checksum_of('day_sheet', OLD.start_ms, OLD.generation, OLD.sheet)
    THEN
        checksum_of('day_sheet', NEW.start_ms, NEW.generation, NEW.sheet)
    ELSE -1 END
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation;
END;
