-- Through which instant somebody said that a source is complete. The latest event of a
-- source says so, too; what counts is the later of both.

CREATE TABLE source_complete (
    source_id  INTEGER NOT NULL PRIMARY KEY REFERENCES source (source_id),
    through_ms INTEGER NOT NULL
) STRICT;

-- What a run of the usage job has to tell besides an error: which source it waits for,
-- which counters cannot be right.
ALTER TABLE job ADD COLUMN note TEXT NOT NULL DEFAULT '';
