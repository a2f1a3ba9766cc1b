-- Days that are closed, and what became of them afterwards.

-- Every closing, each further than the one before: the periods that end by through_ms are
-- never published again. Nothing takes a row away.
CREATE TABLE closing (
    through_ms INTEGER NOT NULL PRIMARY KEY,
    closed_ms  INTEGER NOT NULL,
    closed_by  TEXT NOT NULL,
    reason     TEXT,
    checksum   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The generation that a closed period would have by what is known now. `period` goes on
-- naming the one that it was closed with.
CREATE TABLE restated (
    start_ms   INTEGER NOT NULL PRIMARY KEY,
    generation INTEGER NOT NULL,
    checksum   INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (start_ms, generation) REFERENCES record_file (start_ms, generation)
) STRICT;

-- The closed periods that a generation of a period carries adjustments for: its records say in
-- addition what one generation of such a period has and the other has not.
CREATE TABLE adjustment (
    start_ms        INTEGER NOT NULL,
    generation      INTEGER NOT NULL,
    corrects_ms     INTEGER NOT NULL CHECK (corrects_ms < start_ms),
    from_generation INTEGER NOT NULL,
    to_generation   INTEGER NOT NULL,
    checksum        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (start_ms, generation, corrects_ms)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER closing_is_new AFTER INSERT ON closing BEGIN
    UPDATE closing SET checksum =
        checksum_of('closing', NEW.through_ms, NEW.closed_ms, NEW.closed_by, NEW.reason)
    WHERE through_ms = NEW.through_ms;
END;

CREATE TRIGGER closing_changes AFTER UPDATE OF through_ms, closed_ms, closed_by, reason
ON closing BEGIN
    UPDATE closing SET checksum = CASE OLD.checksum WHEN
        checksum_of('closing', OLD.through_ms, OLD.closed_ms, OLD.closed_by, OLD.reason)
    THEN
        checksum_of('closing', NEW.through_ms, NEW.closed_ms, NEW.closed_by, NEW.reason)
    ELSE -1 END
    WHERE through_ms = NEW.through_ms;
END;

CREATE TRIGGER restated_is_new AFTER INSERT ON restated BEGIN
    UPDATE restated SET checksum =
        checksum_of('restated', NEW.start_ms, NEW.generation)
    WHERE start_ms = NEW.start_ms;
END;

CREATE TRIGGER restated_changes AFTER UPDATE OF start_ms, generation
ON restated BEGIN
    UPDATE restated SET checksum = CASE OLD.checksum WHEN
        checksum_of('restated', OLD.start_ms, OLD.generation)
    THEN
        checksum_of('restated', NEW.start_ms, NEW.generation)
    ELSE -1 END
    WHERE start_ms = NEW.start_ms;
END;

CREATE TRIGGER adjustment_is_new AFTER INSERT ON adjustment BEGIN
    UPDATE adjustment SET checksum =
        checksum_of('adjustment', NEW.start_ms, NEW.generation, NEW.corrects_ms,
            NEW.from_generation, NEW.to_generation)
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation
        AND corrects_ms = NEW.corrects_ms;
END;

CREATE TRIGGER adjustment_changes AFTER UPDATE OF start_ms, generation, corrects_ms,
    from_generation, to_generation
ON adjustment BEGIN
    UPDATE adjustment SET checksum = CASE OLD.checksum WHEN
        checksum_of('adjustment', OLD.start_ms, OLD.generation, OLD.corrects_ms,
            OLD.from_generation, OLD.to_generation)
    THEN
        checksum_of('adjustment', NEW.start_ms, NEW.generation, NEW.corrects_ms,
            NEW.from_generation, NEW.to_generation)
    ELSE -1 END
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation
        AND corrects_ms = NEW.corrects_ms;
END;
