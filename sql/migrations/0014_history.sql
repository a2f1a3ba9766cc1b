-- What was published when, what replacing it changed, and what accounts said before.

-- Every publication of a period: of a new generation of its records, or of the same one
-- that has seen more samples. `published_ms` is the clock that the run went by, and never
-- before that of the row before. Generations that are older than this table have no row:
-- the instant of theirs is not known, but that it lies before all that are.
CREATE TABLE publication (
    number       INTEGER NOT NULL PRIMARY KEY,
    published_ms INTEGER NOT NULL,
    start_ms     INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    events_seq   INTEGER NOT NULL,
    samples_seq  INTEGER,
    accounts_seq INTEGER NOT NULL,
    job_id       INTEGER,
    checksum     INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (start_ms, generation) REFERENCES record_file (start_ms, generation)
) STRICT;

CREATE INDEX publication_by_generation ON publication (start_ms, generation);

CREATE TRIGGER publication_is_new AFTER INSERT ON publication BEGIN
    UPDATE publication SET checksum =
        checksum_of('publication', NEW.number, NEW.published_ms, NEW.start_ms, NEW.generation,
            NEW.events_seq, NEW.samples_seq, NEW.accounts_seq, NEW.job_id)
    WHERE number = NEW.number;
END;

CREATE TRIGGER publication_changes AFTER UPDATE OF number, published_ms, start_ms, generation,
    events_seq, samples_seq, accounts_seq, job_id
ON publication BEGIN
    UPDATE publication SET checksum = CASE OLD.checksum WHEN
        checksum_of('publication', OLD.number, OLD.published_ms, OLD.start_ms, OLD.generation,
            OLD.events_seq, OLD.samples_seq, OLD.accounts_seq, OLD.job_id)
    THEN
        checksum_of('publication', NEW.number, NEW.published_ms, NEW.start_ms, NEW.generation,
            NEW.events_seq, NEW.samples_seq, NEW.accounts_seq, NEW.job_id)
    ELSE -1 END
    WHERE number = NEW.number;
END;

-- The differences between a generation and the one that it replaced.
CREATE TABLE correction_file (
    start_ms   INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    path       TEXT NOT NULL UNIQUE,
    row_count  INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    checksum   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (start_ms, generation),
    FOREIGN KEY (start_ms, generation) REFERENCES record_file (start_ms, generation)
) STRICT;

CREATE TRIGGER correction_file_is_new AFTER INSERT ON correction_file BEGIN
    UPDATE correction_file SET checksum =
        checksum_of('correction_file', NEW.start_ms, NEW.generation, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256)
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation;
END;

CREATE TRIGGER correction_file_changes AFTER UPDATE OF start_ms, generation, path, row_count,
    bytes, sha256
ON correction_file BEGIN
    UPDATE correction_file SET checksum = CASE OLD.checksum WHEN
        checksum_of('correction_file', OLD.start_ms, OLD.generation, OLD.path, OLD.row_count,
            OLD.bytes, OLD.sha256)
    THEN
        checksum_of('correction_file', NEW.start_ms, NEW.generation, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256)
    ELSE -1 END
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation;
END;

-- What an account's row said before it changed, and when it did; `name` is null where the
-- account had not arrived. `at_ms` is on the clock of `publication`.
CREATE TABLE account_change (
    seq         INTEGER NOT NULL PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    source_id   INTEGER NOT NULL REFERENCES source (source_id),
    account_id  INTEGER NOT NULL,
    name        TEXT,
    uuid        TEXT,
    type        INTEGER,
    domain_id   INTEGER,
    domain_path TEXT,
    state       TEXT,
    created_ms  INTEGER,
    removed_ms  INTEGER,
    checksum    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER account_change_is_new AFTER INSERT ON account_change BEGIN
    UPDATE account_change SET checksum =
        checksum_of('account_change', NEW.seq, NEW.at_ms, NEW.source_id, NEW.account_id,
            NEW.name, NEW.uuid, NEW.type, NEW.domain_id, NEW.domain_path, NEW.state,
            NEW.created_ms, NEW.removed_ms)
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER account_change_changes AFTER UPDATE OF seq, at_ms, source_id, account_id, name,
    uuid, type, domain_id, domain_path, state, created_ms, removed_ms
ON account_change BEGIN
    UPDATE account_change SET checksum = CASE OLD.checksum WHEN
        checksum_of('account_change', OLD.seq, OLD.at_ms, OLD.source_id, OLD.account_id,
            OLD.name, OLD.uuid, OLD.type, OLD.domain_id, OLD.domain_path, OLD.state,
            OLD.created_ms, OLD.removed_ms)
    THEN
        checksum_of('account_change', NEW.seq, NEW.at_ms, NEW.source_id, NEW.account_id,
            NEW.name, NEW.uuid, NEW.type, NEW.domain_id, NEW.domain_path, NEW.state,
            NEW.created_ms, NEW.removed_ms)
    ELSE -1 END
    WHERE seq = NEW.seq;
END;

DROP VIEW lake_file;

CREATE VIEW lake_file AS
    SELECT path, row_count, bytes, sha256 FROM event_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM sample_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM record_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM open_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM correction_file;
