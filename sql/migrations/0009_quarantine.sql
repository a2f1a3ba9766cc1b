-- A bounded quarantine, and events that nothing meters.

-- `kind` is the reason with its values left out, so that equal reasons are counted
-- together. Rows of folders before this column have no kind and count as one.
ALTER TABLE quarantine ADD COLUMN kind TEXT NOT NULL DEFAULT '';

-- How many rows each reason has set aside. Only the first of them are kept in
-- `quarantine`, so that a damaged or hostile file of any size costs a bounded number
-- of rows; the others are counted here, each time they come.
CREATE TABLE quarantine_kind (
    source   TEXT NOT NULL,
    stream   TEXT NOT NULL CHECK (stream IN ('events', 'samples', 'accounts')),
    kind     TEXT NOT NULL,
    kept     INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    not_kept INTEGER NOT NULL,
    PRIMARY KEY (source, stream, kind)
) STRICT, WITHOUT ROWID;

INSERT INTO quarantine_kind (source, stream, kind, kept, bytes, not_kept)
SELECT source, stream, kind, count(*), sum(length(CAST(raw AS BLOB))), 0
FROM quarantine GROUP BY source, stream, kind;

CREATE INDEX quarantine_by_kind ON quarantine (source, stream, kind);

-- Accepted events of types that nothing meters, by type: a misspelt or new type is
-- told, and not silently free.
CREATE TABLE unmetered_event (
    source    TEXT NOT NULL,
    type      TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    PRIMARY KEY (source, type)
) STRICT, WITHOUT ROWID;
