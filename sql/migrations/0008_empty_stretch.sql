-- Published periods in a row in which nothing was used: no records, nothing open, no
-- samples. One row for all of them, however many: a single early event would otherwise
-- open years of periods with three files each. A period that something is found in
-- leaves its stretch and gets files like any other.

CREATE TABLE empty_stretch (
    start_ms     INTEGER NOT NULL PRIMARY KEY,
    end_ms       INTEGER NOT NULL CHECK (end_ms > start_ms),
    events_seq   INTEGER NOT NULL,
    samples_seq  INTEGER,
    accounts_seq INTEGER NOT NULL
) STRICT;
