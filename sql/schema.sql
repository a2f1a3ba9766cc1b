-- The whole schema as the migrations leave it, for reading. A test compares the two.

-- Values that differ from the defaults.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The root admin's keys: one row or none.
CREATE TABLE admin_key (
    only_row   INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    api_key    TEXT NOT NULL,
    secret_key TEXT NOT NULL,
    checksum   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Numbers that only grow. `events` and `samples` are the last `seq` given to a
-- file; they are counted here and not with max(seq) so that no number is ever
-- given twice. `accounts` grows with every change of the dimension and tells
-- readers when their copy is old. `format` is that of the files.
CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE source (
    source_id INTEGER NOT NULL PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    checksum  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Through which instant somebody said that a source is complete. The latest event of a
-- source says so, too; what counts is the later of both.
CREATE TABLE source_complete (
    source_id  INTEGER NOT NULL PRIMARY KEY REFERENCES source (source_id),
    through_ms INTEGER NOT NULL,
    checksum   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One row a file of accepted events. `ids` is a serialized 64-bit Roaring
-- bitmap of the file's event ids; it comes last so that a listing never reads
-- its overflow pages.
CREATE TABLE event_file (
    seq              INTEGER NOT NULL PRIMARY KEY,
    source_id        INTEGER NOT NULL REFERENCES source (source_id),
    utc_day          INTEGER NOT NULL,
    path             TEXT NOT NULL UNIQUE,
    row_count        INTEGER NOT NULL,
    bytes            INTEGER NOT NULL,
    sha256           TEXT NOT NULL,
    first_created_ms INTEGER NOT NULL,
    last_created_ms  INTEGER NOT NULL,
    min_id           INTEGER NOT NULL,
    max_id           INTEGER NOT NULL,
    ids              BLOB NOT NULL,
    checksum         INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX event_file_by_source ON event_file (source_id, utc_day);

CREATE TABLE sample_file (
    seq              INTEGER NOT NULL PRIMARY KEY,
    source_id        INTEGER NOT NULL REFERENCES source (source_id),
    utc_day          INTEGER NOT NULL,
    path             TEXT NOT NULL UNIQUE,
    row_count        INTEGER NOT NULL,
    bytes            INTEGER NOT NULL,
    sha256           TEXT NOT NULL,
    first_sampled_ms INTEGER NOT NULL,
    last_sampled_ms  INTEGER NOT NULL,
    checksum         INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX sample_file_by_source ON sample_file (source_id, utc_day);

-- The current state of each published period. The files are named by
-- (start_ms, generation) in record_file and by (start_ms, version) in open_file;
-- open_version is the last version given, so that none is given twice.
CREATE TABLE period (
    start_ms         INTEGER NOT NULL PRIMARY KEY,
    end_ms           INTEGER NOT NULL CHECK (end_ms > start_ms),
    generation       INTEGER NOT NULL,
    open_version     INTEGER NOT NULL,
    segments_version INTEGER,
    counters_version INTEGER,
    events_seq       INTEGER NOT NULL,
    samples_seq      INTEGER,
    accounts_seq     INTEGER NOT NULL,
    checksum         INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (start_ms, generation) REFERENCES record_file (start_ms, generation)
) STRICT;

-- Every generation of every period; earlier ones stay.
CREATE TABLE record_file (
    start_ms   INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    path       TEXT NOT NULL UNIQUE,
    row_count  INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    checksum   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (start_ms, generation)
) STRICT;

-- Published periods in a row in which nothing was used: no records, nothing open, no
-- samples. One row for all of them, however many: a single early event would otherwise
-- open years of periods with three files each. A period that something is found in
-- leaves its stretch and gets files like any other.
CREATE TABLE empty_stretch (
    start_ms     INTEGER NOT NULL PRIMARY KEY,
    end_ms       INTEGER NOT NULL CHECK (end_ms > start_ms),
    events_seq   INTEGER NOT NULL,
    samples_seq  INTEGER,
    accounts_seq INTEGER NOT NULL,
    checksum     INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Only the current versions; superseded ones move to retired_file.
CREATE TABLE open_file (
    start_ms  INTEGER NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('segments', 'counters')),
    version   INTEGER NOT NULL,
    path      TEXT NOT NULL UNIQUE,
    row_count INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    sha256    TEXT NOT NULL,
    checksum  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (start_ms, kind, version)
) STRICT;

-- One XXH3-64, little-endian, for each 16 KiB of a file of the lake, so that a reader can
-- verify just the blocks that it reads. They stand beside the tables of files and not in
-- them: a listing verifies the rows that it reads, and would read the blocks of all files.
-- A file that was replaced keeps its row for as long as it has readers.
CREATE TABLE file_block (
    path     TEXT NOT NULL PRIMARY KEY,
    blocks   BLOB NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Files that something newer has replaced (merged, or a newer version of the open
-- segments). They stay for a while because a reader may have looked at the
-- catalogue before the swap.
CREATE TABLE retired_file (
    path       TEXT NOT NULL PRIMARY KEY,
    retired_ms INTEGER NOT NULL,
    checksum   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    source_id   INTEGER NOT NULL REFERENCES source (source_id),
    account_id  INTEGER NOT NULL,
    name        TEXT NOT NULL,
    uuid        TEXT,
    type        INTEGER,
    domain_id   INTEGER,
    domain_path TEXT,
    state       TEXT,
    created_ms  INTEGER,
    removed_ms  INTEGER,
    checksum    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source_id, account_id)
) STRICT, WITHOUT ROWID;

-- Every change of account.removed_ms, because usage ends there and published
-- periods may have to be computed again. Rows are never deleted, so seq only grows.
CREATE TABLE account_removal (
    seq        INTEGER NOT NULL PRIMARY KEY,
    source_id  INTEGER NOT NULL REFERENCES source (source_id),
    account_id INTEGER NOT NULL,
    before_ms  INTEGER,
    after_ms   INTEGER,
    checksum   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE ingest_run (
    run_id      INTEGER NOT NULL PRIMARY KEY,
    started_ms  INTEGER NOT NULL,
    source      TEXT NOT NULL,
    stream      TEXT NOT NULL CHECK (stream IN ('events', 'samples', 'accounts')),
    inputs      TEXT NOT NULL,
    read        INTEGER NOT NULL,
    accepted    INTEGER NOT NULL,
    duplicate   INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    finished    INTEGER NOT NULL CHECK (finished IN (0, 1)),
    checksum    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A row set aside is known by where it stood and what it said; raw_hash stands
-- for `raw` in the key because raw rows can be long.
CREATE TABLE quarantine (
    quarantine_id INTEGER NOT NULL PRIMARY KEY,
    source        TEXT NOT NULL,
    stream        TEXT NOT NULL CHECK (stream IN ('events', 'samples', 'accounts')),
    input         TEXT NOT NULL,
    row_number    INTEGER NOT NULL,
    raw_hash      BLOB NOT NULL,
    reason        TEXT NOT NULL,
    raw           TEXT NOT NULL,
    kind          TEXT NOT NULL DEFAULT '',
    checksum      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source, stream, input, row_number, raw_hash)
) STRICT;

-- How many rows each reason has set aside, whether they are kept above or not.
CREATE TABLE quarantine_kind (
    source   TEXT NOT NULL,
    stream   TEXT NOT NULL CHECK (stream IN ('events', 'samples', 'accounts')),
    kind     TEXT NOT NULL,
    kept     INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    not_kept INTEGER NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source, stream, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX quarantine_by_kind ON quarantine (source, stream, kind);

-- Accepted events of types that nothing meters, by type.
CREATE TABLE unmetered_event (
    source    TEXT NOT NULL,
    type      TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    checksum  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source, type)
) STRICT, WITHOUT ROWID;

CREATE TABLE anomaly (
    anomaly_id  INTEGER NOT NULL PRIMARY KEY,
    start_ms    INTEGER NOT NULL,
    end_ms      INTEGER NOT NULL,
    source      TEXT NOT NULL,
    event_id    INTEGER,
    usage_type  INTEGER NOT NULL,
    resource_id INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    text        TEXT NOT NULL,
    checksum    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX anomaly_by_period ON anomaly (start_ms);

CREATE TABLE job (
    job_id      INTEGER NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL,
    started_ms  INTEGER NOT NULL,
    finished_ms INTEGER,
    from_ms     INTEGER,
    to_ms       INTEGER,
    success     INTEGER CHECK (success IN (0, 1)),
    periods     INTEGER NOT NULL,
    records     INTEGER NOT NULL,
    message     TEXT NOT NULL,
    as_of_ms    INTEGER,
    note        TEXT NOT NULL DEFAULT '',
    checksum    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Whoever takes the folder's lock looks for runs that nobody can be at any more.
CREATE INDEX job_unfinished ON job (job_id) WHERE finished_ms IS NULL AND success IS NULL;

-- For people and their tools; the program does not read these two. All files that
-- count, with what `sha256sum` must print:
CREATE VIEW lake_file AS
    SELECT path, row_count, bytes, sha256 FROM event_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM sample_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM record_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM open_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM correction_file;

-- The record files that are the bill; earlier generations left out.
CREATE VIEW current_record_file AS
    SELECT period.start_ms, period.end_ms, generation, path, row_count, bytes, sha256
    FROM period JOIN record_file USING (start_ms, generation);

-- `uuid` is 16 bytes. `body` is an object of typed values: texts, flags and
-- numbers as such, {"ref": id}, {"ms": instant}, arrays for lists and
-- {"map": [[key, value], ..]}.
CREATE TABLE thing (
    thing_id   INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT NOT NULL,
    uuid       BLOB NOT NULL,
    owner_id   INTEGER,
    state      TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    removed_ms INTEGER,
    body       TEXT NOT NULL,
    checksum   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The next id, the seed, the clock.
CREATE TABLE cloud_number (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What the cloud has to tell the bill, in the order it happened. AUTOINCREMENT,
-- so that an offset is never given twice even when rows that were taken are
-- removed.
CREATE TABLE outbox_event (
    seq           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event_id      INTEGER NOT NULL,
    type          TEXT NOT NULL,
    created_ms    INTEGER NOT NULL,
    account_id    INTEGER NOT NULL,
    zone_id       INTEGER,
    resource_id   INTEGER NOT NULL,
    resource_name TEXT,
    offering_id   INTEGER,
    template_id   INTEGER,
    size          INTEGER,
    virtual_size  INTEGER,
    resource_type TEXT,
    checksum      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE outbox_sample (
    seq            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    sampled_ms     INTEGER NOT NULL,
    account_id     INTEGER NOT NULL,
    zone_id        INTEGER,
    device_type    TEXT NOT NULL,
    device_id      INTEGER NOT NULL,
    network_id     INTEGER NOT NULL,
    address        TEXT,
    bytes_sent     INTEGER NOT NULL,
    bytes_received INTEGER NOT NULL,
    restarted      INTEGER NOT NULL DEFAULT 0 CHECK (restarted IN (0, 1)),
    checksum       INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Columns as in account; one row a change.
CREATE TABLE outbox_account (
    seq         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL,
    name        TEXT NOT NULL,
    uuid        TEXT,
    type        INTEGER,
    domain_id   INTEGER,
    domain_path TEXT,
    state       TEXT,
    created_ms  INTEGER,
    removed_ms  INTEGER,
    checksum    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What each tenant of the simulated cloud really had: the second opinion on the bill.
CREATE TABLE ledger (
    number         INTEGER NOT NULL PRIMARY KEY,
    thing_id       INTEGER NOT NULL,
    usage_type     INTEGER NOT NULL,
    account_id     INTEGER NOT NULL,
    zone_id        INTEGER,
    resource_id    INTEGER NOT NULL,
    nic_id         INTEGER NOT NULL,
    offering_id    INTEGER,
    template_id    INTEGER,
    size           INTEGER,
    network_id     INTEGER NOT NULL,
    start_ms       INTEGER NOT NULL,
    end_ms         INTEGER,
    bytes_sent     INTEGER,
    bytes_received INTEGER,
    checksum       INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Who may write, between machines; one row, or none before the first writer. `token` grows
-- with each taking, and every transaction of the lake's writer compares it with its own.
CREATE TABLE lease (
    only_row     INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    token        INTEGER NOT NULL,
    holder       TEXT NOT NULL,
    machine      TEXT NOT NULL,
    taken_ms     INTEGER NOT NULL,
    heartbeat_ms INTEGER NOT NULL,
    released     INTEGER NOT NULL CHECK (released IN (0, 1)),
    checksum     INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The checksums of rows, kept by triggers; see migration 10.

CREATE TRIGGER setting_is_new AFTER INSERT ON setting BEGIN
    UPDATE setting SET checksum =
        checksum_of('setting', NEW.name, NEW.value)
    WHERE name = NEW.name;
END;

CREATE TRIGGER setting_changes AFTER UPDATE OF name, value
ON setting BEGIN
    UPDATE setting SET checksum =
        checksum_of('setting', NEW.name, NEW.value)
    WHERE name = NEW.name;
END;

CREATE TRIGGER admin_key_is_new AFTER INSERT ON admin_key BEGIN
    UPDATE admin_key SET checksum =
        checksum_of('admin_key', NEW.only_row, NEW.api_key, NEW.secret_key)
    WHERE only_row = NEW.only_row;
END;

CREATE TRIGGER admin_key_changes AFTER UPDATE OF only_row, api_key, secret_key
ON admin_key BEGIN
    UPDATE admin_key SET checksum =
        checksum_of('admin_key', NEW.only_row, NEW.api_key, NEW.secret_key)
    WHERE only_row = NEW.only_row;
END;

CREATE TRIGGER counter_is_new AFTER INSERT ON counter BEGIN
    UPDATE counter SET checksum =
        checksum_of('counter', NEW.name, NEW.value)
    WHERE name = NEW.name;
END;

CREATE TRIGGER counter_changes AFTER UPDATE OF name, value
ON counter BEGIN
    UPDATE counter SET checksum = CASE OLD.checksum WHEN
        checksum_of('counter', OLD.name, OLD.value)
    THEN
        checksum_of('counter', NEW.name, NEW.value)
    ELSE -1 END
    WHERE name = NEW.name;
END;

CREATE TRIGGER source_is_new AFTER INSERT ON source BEGIN
    UPDATE source SET checksum =
        checksum_of('source', NEW.source_id, NEW.name)
    WHERE source_id = NEW.source_id;
END;

CREATE TRIGGER source_changes AFTER UPDATE OF source_id, name
ON source BEGIN
    UPDATE source SET checksum = CASE OLD.checksum WHEN
        checksum_of('source', OLD.source_id, OLD.name)
    THEN
        checksum_of('source', NEW.source_id, NEW.name)
    ELSE -1 END
    WHERE source_id = NEW.source_id;
END;

CREATE TRIGGER event_file_is_new AFTER INSERT ON event_file BEGIN
    UPDATE event_file SET checksum =
        checksum_of('event_file', NEW.seq, NEW.source_id, NEW.utc_day, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256, NEW.first_created_ms, NEW.last_created_ms,
            NEW.min_id, NEW.max_id, NEW.ids)
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER event_file_changes AFTER UPDATE OF seq, source_id, utc_day, path, row_count,
    bytes, sha256, first_created_ms, last_created_ms, min_id, max_id, ids
ON event_file BEGIN
    UPDATE event_file SET checksum = CASE OLD.checksum WHEN
        checksum_of('event_file', OLD.seq, OLD.source_id, OLD.utc_day, OLD.path, OLD.row_count,
            OLD.bytes, OLD.sha256, OLD.first_created_ms, OLD.last_created_ms,
            OLD.min_id, OLD.max_id, OLD.ids)
    THEN
        checksum_of('event_file', NEW.seq, NEW.source_id, NEW.utc_day, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256, NEW.first_created_ms, NEW.last_created_ms,
            NEW.min_id, NEW.max_id, NEW.ids)
    ELSE -1 END
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER sample_file_is_new AFTER INSERT ON sample_file BEGIN
    UPDATE sample_file SET checksum =
        checksum_of('sample_file', NEW.seq, NEW.source_id, NEW.utc_day, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256, NEW.first_sampled_ms, NEW.last_sampled_ms)
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER sample_file_changes AFTER UPDATE OF seq, source_id, utc_day, path, row_count,
    bytes, sha256, first_sampled_ms, last_sampled_ms
ON sample_file BEGIN
    UPDATE sample_file SET checksum = CASE OLD.checksum WHEN
        checksum_of('sample_file', OLD.seq, OLD.source_id, OLD.utc_day, OLD.path, OLD.row_count,
            OLD.bytes, OLD.sha256, OLD.first_sampled_ms, OLD.last_sampled_ms)
    THEN
        checksum_of('sample_file', NEW.seq, NEW.source_id, NEW.utc_day, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256, NEW.first_sampled_ms, NEW.last_sampled_ms)
    ELSE -1 END
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER period_is_new AFTER INSERT ON period BEGIN
    UPDATE period SET checksum =
        checksum_of('period', NEW.start_ms, NEW.end_ms, NEW.generation, NEW.open_version,
            NEW.segments_version, NEW.counters_version, NEW.events_seq, NEW.samples_seq,
            NEW.accounts_seq)
    WHERE start_ms = NEW.start_ms;
END;

CREATE TRIGGER period_changes AFTER UPDATE OF start_ms, end_ms, generation, open_version,
    segments_version, counters_version, events_seq, samples_seq, accounts_seq
ON period BEGIN
    UPDATE period SET checksum = CASE OLD.checksum WHEN
        checksum_of('period', OLD.start_ms, OLD.end_ms, OLD.generation, OLD.open_version,
            OLD.segments_version, OLD.counters_version, OLD.events_seq, OLD.samples_seq,
            OLD.accounts_seq)
    THEN
        checksum_of('period', NEW.start_ms, NEW.end_ms, NEW.generation, NEW.open_version,
            NEW.segments_version, NEW.counters_version, NEW.events_seq, NEW.samples_seq,
            NEW.accounts_seq)
    ELSE -1 END
    WHERE start_ms = NEW.start_ms;
END;

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

CREATE TRIGGER open_file_is_new AFTER INSERT ON open_file BEGIN
    UPDATE open_file SET checksum =
        checksum_of('open_file', NEW.start_ms, NEW.kind, NEW.version, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256)
    WHERE start_ms = NEW.start_ms AND kind = NEW.kind AND version = NEW.version;
END;

CREATE TRIGGER open_file_changes AFTER UPDATE OF start_ms, kind, version, path, row_count,
    bytes, sha256
ON open_file BEGIN
    UPDATE open_file SET checksum = CASE OLD.checksum WHEN
        checksum_of('open_file', OLD.start_ms, OLD.kind, OLD.version, OLD.path, OLD.row_count,
            OLD.bytes, OLD.sha256)
    THEN
        checksum_of('open_file', NEW.start_ms, NEW.kind, NEW.version, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256)
    ELSE -1 END
    WHERE start_ms = NEW.start_ms AND kind = NEW.kind AND version = NEW.version;
END;

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

CREATE TRIGGER retired_file_is_new AFTER INSERT ON retired_file BEGIN
    UPDATE retired_file SET checksum =
        checksum_of('retired_file', NEW.path, NEW.retired_ms)
    WHERE path = NEW.path;
END;

CREATE TRIGGER retired_file_changes AFTER UPDATE OF path, retired_ms
ON retired_file BEGIN
    UPDATE retired_file SET checksum = CASE OLD.checksum WHEN
        checksum_of('retired_file', OLD.path, OLD.retired_ms)
    THEN
        checksum_of('retired_file', NEW.path, NEW.retired_ms)
    ELSE -1 END
    WHERE path = NEW.path;
END;

CREATE TRIGGER account_is_new AFTER INSERT ON account BEGIN
    UPDATE account SET checksum =
        checksum_of('account', NEW.source_id, NEW.account_id, NEW.name, NEW.uuid, NEW.type,
            NEW.domain_id, NEW.domain_path, NEW.state, NEW.created_ms, NEW.removed_ms)
    WHERE source_id = NEW.source_id AND account_id = NEW.account_id;
END;

CREATE TRIGGER account_changes AFTER UPDATE OF source_id, account_id, name, uuid, type,
    domain_id, domain_path, state, created_ms, removed_ms
ON account BEGIN
    UPDATE account SET checksum =
        checksum_of('account', NEW.source_id, NEW.account_id, NEW.name, NEW.uuid, NEW.type,
            NEW.domain_id, NEW.domain_path, NEW.state, NEW.created_ms, NEW.removed_ms)
    WHERE source_id = NEW.source_id AND account_id = NEW.account_id;
END;

CREATE TRIGGER account_removal_is_new AFTER INSERT ON account_removal BEGIN
    UPDATE account_removal SET checksum =
        checksum_of('account_removal', NEW.seq, NEW.source_id, NEW.account_id, NEW.before_ms,
            NEW.after_ms)
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER account_removal_changes AFTER UPDATE OF seq, source_id, account_id, before_ms,
    after_ms
ON account_removal BEGIN
    UPDATE account_removal SET checksum = CASE OLD.checksum WHEN
        checksum_of('account_removal', OLD.seq, OLD.source_id, OLD.account_id, OLD.before_ms,
            OLD.after_ms)
    THEN
        checksum_of('account_removal', NEW.seq, NEW.source_id, NEW.account_id, NEW.before_ms,
            NEW.after_ms)
    ELSE -1 END
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER ingest_run_is_new AFTER INSERT ON ingest_run BEGIN
    UPDATE ingest_run SET checksum =
        checksum_of('ingest_run', NEW.run_id, NEW.started_ms, NEW.source, NEW.stream,
            NEW.inputs, NEW.read, NEW.accepted, NEW.duplicate, NEW.quarantined,
            NEW.finished)
    WHERE run_id = NEW.run_id;
END;

CREATE TRIGGER ingest_run_changes AFTER UPDATE OF run_id, started_ms, source, stream, inputs,
    read, accepted, duplicate, quarantined, finished
ON ingest_run BEGIN
    UPDATE ingest_run SET checksum =
        checksum_of('ingest_run', NEW.run_id, NEW.started_ms, NEW.source, NEW.stream,
            NEW.inputs, NEW.read, NEW.accepted, NEW.duplicate, NEW.quarantined,
            NEW.finished)
    WHERE run_id = NEW.run_id;
END;

CREATE TRIGGER quarantine_is_new AFTER INSERT ON quarantine BEGIN
    UPDATE quarantine SET checksum =
        checksum_of('quarantine', NEW.quarantine_id, NEW.source, NEW.stream, NEW.input,
            NEW.row_number, NEW.raw_hash, NEW.reason, NEW.raw, NEW.kind)
    WHERE quarantine_id = NEW.quarantine_id;
END;

CREATE TRIGGER quarantine_changes AFTER UPDATE OF quarantine_id, source, stream, input,
    row_number, raw_hash, reason, raw, kind
ON quarantine BEGIN
    UPDATE quarantine SET checksum = CASE OLD.checksum WHEN
        checksum_of('quarantine', OLD.quarantine_id, OLD.source, OLD.stream, OLD.input,
            OLD.row_number, OLD.raw_hash, OLD.reason, OLD.raw, OLD.kind)
    THEN
        checksum_of('quarantine', NEW.quarantine_id, NEW.source, NEW.stream, NEW.input,
            NEW.row_number, NEW.raw_hash, NEW.reason, NEW.raw, NEW.kind)
    ELSE -1 END
    WHERE quarantine_id = NEW.quarantine_id;
END;

CREATE TRIGGER anomaly_is_new AFTER INSERT ON anomaly BEGIN
    UPDATE anomaly SET checksum =
        checksum_of('anomaly', NEW.anomaly_id, NEW.start_ms, NEW.end_ms, NEW.source,
            NEW.event_id, NEW.usage_type, NEW.resource_id, NEW.at_ms, NEW.text)
    WHERE anomaly_id = NEW.anomaly_id;
END;

CREATE TRIGGER anomaly_changes AFTER UPDATE OF anomaly_id, start_ms, end_ms, source, event_id,
    usage_type, resource_id, at_ms, text
ON anomaly BEGIN
    UPDATE anomaly SET checksum = CASE OLD.checksum WHEN
        checksum_of('anomaly', OLD.anomaly_id, OLD.start_ms, OLD.end_ms, OLD.source,
            OLD.event_id, OLD.usage_type, OLD.resource_id, OLD.at_ms, OLD.text)
    THEN
        checksum_of('anomaly', NEW.anomaly_id, NEW.start_ms, NEW.end_ms, NEW.source,
            NEW.event_id, NEW.usage_type, NEW.resource_id, NEW.at_ms, NEW.text)
    ELSE -1 END
    WHERE anomaly_id = NEW.anomaly_id;
END;

CREATE TRIGGER job_is_new AFTER INSERT ON job BEGIN
    UPDATE job SET checksum =
        checksum_of('job', NEW.job_id, NEW.kind, NEW.started_ms, NEW.finished_ms, NEW.from_ms,
            NEW.to_ms, NEW.success, NEW.periods, NEW.records, NEW.message, NEW.as_of_ms,
            NEW.note)
    WHERE job_id = NEW.job_id;
END;

CREATE TRIGGER job_changes AFTER UPDATE OF job_id, kind, started_ms, finished_ms, from_ms,
    to_ms, success, periods, records, message, as_of_ms, note
ON job BEGIN
    UPDATE job SET checksum = CASE OLD.checksum WHEN
        checksum_of('job', OLD.job_id, OLD.kind, OLD.started_ms, OLD.finished_ms, OLD.from_ms,
            OLD.to_ms, OLD.success, OLD.periods, OLD.records, OLD.message, OLD.as_of_ms,
            OLD.note)
    THEN
        checksum_of('job', NEW.job_id, NEW.kind, NEW.started_ms, NEW.finished_ms, NEW.from_ms,
            NEW.to_ms, NEW.success, NEW.periods, NEW.records, NEW.message, NEW.as_of_ms,
            NEW.note)
    ELSE -1 END
    WHERE job_id = NEW.job_id;
END;

CREATE TRIGGER thing_is_new AFTER INSERT ON thing BEGIN
    UPDATE thing SET checksum =
        checksum_of('thing', NEW.thing_id, NEW.kind, NEW.uuid, NEW.owner_id, NEW.state,
            NEW.created_ms, NEW.removed_ms, NEW.body)
    WHERE thing_id = NEW.thing_id;
END;

CREATE TRIGGER thing_changes AFTER UPDATE OF thing_id, kind, uuid, owner_id, state, created_ms,
    removed_ms, body
ON thing BEGIN
    UPDATE thing SET checksum =
        checksum_of('thing', NEW.thing_id, NEW.kind, NEW.uuid, NEW.owner_id, NEW.state,
            NEW.created_ms, NEW.removed_ms, NEW.body)
    WHERE thing_id = NEW.thing_id;
END;

CREATE TRIGGER cloud_number_is_new AFTER INSERT ON cloud_number BEGIN
    UPDATE cloud_number SET checksum =
        checksum_of('cloud_number', NEW.name, NEW.value)
    WHERE name = NEW.name;
END;

CREATE TRIGGER cloud_number_changes AFTER UPDATE OF name, value
ON cloud_number BEGIN
    UPDATE cloud_number SET checksum =
        checksum_of('cloud_number', NEW.name, NEW.value)
    WHERE name = NEW.name;
END;

CREATE TRIGGER outbox_event_is_new AFTER INSERT ON outbox_event BEGIN
    UPDATE outbox_event SET checksum =
        checksum_of('outbox_event', NEW.seq, NEW.event_id, NEW.type, NEW.created_ms,
            NEW.account_id, NEW.zone_id, NEW.resource_id, NEW.resource_name,
            NEW.offering_id, NEW.template_id, NEW.size, NEW.virtual_size,
            NEW.resource_type)
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER outbox_event_changes AFTER UPDATE OF seq, event_id, type, created_ms, account_id,
    zone_id, resource_id, resource_name, offering_id, template_id, size, virtual_size,
    resource_type
ON outbox_event BEGIN
    UPDATE outbox_event SET checksum = CASE OLD.checksum WHEN
        checksum_of('outbox_event', OLD.seq, OLD.event_id, OLD.type, OLD.created_ms,
            OLD.account_id, OLD.zone_id, OLD.resource_id, OLD.resource_name,
            OLD.offering_id, OLD.template_id, OLD.size, OLD.virtual_size,
            OLD.resource_type)
    THEN
        checksum_of('outbox_event', NEW.seq, NEW.event_id, NEW.type, NEW.created_ms,
            NEW.account_id, NEW.zone_id, NEW.resource_id, NEW.resource_name,
            NEW.offering_id, NEW.template_id, NEW.size, NEW.virtual_size,
            NEW.resource_type)
    ELSE -1 END
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER outbox_sample_is_new AFTER INSERT ON outbox_sample BEGIN
    UPDATE outbox_sample SET checksum =
        checksum_of('outbox_sample', NEW.seq, NEW.sampled_ms, NEW.account_id, NEW.zone_id,
            NEW.device_type, NEW.device_id, NEW.network_id, NEW.address, NEW.bytes_sent,
            NEW.bytes_received, NEW.restarted)
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER outbox_sample_changes AFTER UPDATE OF seq, sampled_ms, account_id, zone_id,
    device_type, device_id, network_id, address, bytes_sent, bytes_received, restarted
ON outbox_sample BEGIN
    UPDATE outbox_sample SET checksum = CASE OLD.checksum WHEN
        checksum_of('outbox_sample', OLD.seq, OLD.sampled_ms, OLD.account_id, OLD.zone_id,
            OLD.device_type, OLD.device_id, OLD.network_id, OLD.address, OLD.bytes_sent,
            OLD.bytes_received, OLD.restarted)
    THEN
        checksum_of('outbox_sample', NEW.seq, NEW.sampled_ms, NEW.account_id, NEW.zone_id,
            NEW.device_type, NEW.device_id, NEW.network_id, NEW.address, NEW.bytes_sent,
            NEW.bytes_received, NEW.restarted)
    ELSE -1 END
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER outbox_account_is_new AFTER INSERT ON outbox_account BEGIN
    UPDATE outbox_account SET checksum =
        checksum_of('outbox_account', NEW.seq, NEW.account_id, NEW.name, NEW.uuid, NEW.type,
            NEW.domain_id, NEW.domain_path, NEW.state, NEW.created_ms, NEW.removed_ms)
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER outbox_account_changes AFTER UPDATE OF seq, account_id, name, uuid, type,
    domain_id, domain_path, state, created_ms, removed_ms
ON outbox_account BEGIN
    UPDATE outbox_account SET checksum = CASE OLD.checksum WHEN
        checksum_of('outbox_account', OLD.seq, OLD.account_id, OLD.name, OLD.uuid, OLD.type,
            OLD.domain_id, OLD.domain_path, OLD.state, OLD.created_ms, OLD.removed_ms)
    THEN
        checksum_of('outbox_account', NEW.seq, NEW.account_id, NEW.name, NEW.uuid, NEW.type,
            NEW.domain_id, NEW.domain_path, NEW.state, NEW.created_ms, NEW.removed_ms)
    ELSE -1 END
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER ledger_is_new AFTER INSERT ON ledger BEGIN
    UPDATE ledger SET checksum =
        checksum_of('ledger', NEW.number, NEW.thing_id, NEW.usage_type, NEW.account_id,
            NEW.zone_id, NEW.resource_id, NEW.nic_id, NEW.offering_id, NEW.template_id,
            NEW.size, NEW.network_id, NEW.start_ms, NEW.end_ms, NEW.bytes_sent,
            NEW.bytes_received)
    WHERE number = NEW.number;
END;

CREATE TRIGGER ledger_changes AFTER UPDATE OF number, thing_id, usage_type, account_id, zone_id,
    resource_id, nic_id, offering_id, template_id, size, network_id, start_ms, end_ms,
    bytes_sent, bytes_received
ON ledger BEGIN
    UPDATE ledger SET checksum = CASE OLD.checksum WHEN
        checksum_of('ledger', OLD.number, OLD.thing_id, OLD.usage_type, OLD.account_id,
            OLD.zone_id, OLD.resource_id, OLD.nic_id, OLD.offering_id, OLD.template_id,
            OLD.size, OLD.network_id, OLD.start_ms, OLD.end_ms, OLD.bytes_sent,
            OLD.bytes_received)
    THEN
        checksum_of('ledger', NEW.number, NEW.thing_id, NEW.usage_type, NEW.account_id,
            NEW.zone_id, NEW.resource_id, NEW.nic_id, NEW.offering_id, NEW.template_id,
            NEW.size, NEW.network_id, NEW.start_ms, NEW.end_ms, NEW.bytes_sent,
            NEW.bytes_received)
    ELSE -1 END
    WHERE number = NEW.number;
END;

CREATE TRIGGER source_complete_is_new AFTER INSERT ON source_complete BEGIN
    UPDATE source_complete SET checksum =
        checksum_of('source_complete', NEW.source_id, NEW.through_ms)
    WHERE source_id = NEW.source_id;
END;

CREATE TRIGGER source_complete_changes AFTER UPDATE OF source_id, through_ms
ON source_complete BEGIN
    UPDATE source_complete SET checksum =
        checksum_of('source_complete', NEW.source_id, NEW.through_ms)
    WHERE source_id = NEW.source_id;
END;

CREATE TRIGGER empty_stretch_is_new AFTER INSERT ON empty_stretch BEGIN
    UPDATE empty_stretch SET checksum =
        checksum_of('empty_stretch', NEW.start_ms, NEW.end_ms, NEW.events_seq, NEW.samples_seq,
            NEW.accounts_seq)
    WHERE start_ms = NEW.start_ms;
END;

CREATE TRIGGER empty_stretch_changes AFTER UPDATE OF start_ms, end_ms, events_seq, samples_seq,
    accounts_seq
ON empty_stretch BEGIN
    UPDATE empty_stretch SET checksum = CASE OLD.checksum WHEN
        checksum_of('empty_stretch', OLD.start_ms, OLD.end_ms, OLD.events_seq, OLD.samples_seq,
            OLD.accounts_seq)
    THEN
        checksum_of('empty_stretch', NEW.start_ms, NEW.end_ms, NEW.events_seq, NEW.samples_seq,
            NEW.accounts_seq)
    ELSE -1 END
    WHERE start_ms = NEW.start_ms;
END;

CREATE TRIGGER quarantine_kind_is_new AFTER INSERT ON quarantine_kind BEGIN
    UPDATE quarantine_kind SET checksum =
        checksum_of('quarantine_kind', NEW.source, NEW.stream, NEW.kind, NEW.kept, NEW.bytes,
            NEW.not_kept)
    WHERE source = NEW.source AND stream = NEW.stream AND kind = NEW.kind;
END;

CREATE TRIGGER quarantine_kind_changes AFTER UPDATE OF source, stream, kind, kept, bytes,
    not_kept
ON quarantine_kind BEGIN
    UPDATE quarantine_kind SET checksum = CASE OLD.checksum WHEN
        checksum_of('quarantine_kind', OLD.source, OLD.stream, OLD.kind, OLD.kept, OLD.bytes,
            OLD.not_kept)
    THEN
        checksum_of('quarantine_kind', NEW.source, NEW.stream, NEW.kind, NEW.kept, NEW.bytes,
            NEW.not_kept)
    ELSE -1 END
    WHERE source = NEW.source AND stream = NEW.stream AND kind = NEW.kind;
END;

CREATE TRIGGER unmetered_event_is_new AFTER INSERT ON unmetered_event BEGIN
    UPDATE unmetered_event SET checksum =
        checksum_of('unmetered_event', NEW.source, NEW.type, NEW.row_count)
    WHERE source = NEW.source AND type = NEW.type;
END;

CREATE TRIGGER unmetered_event_changes AFTER UPDATE OF source, type, row_count
ON unmetered_event BEGIN
    UPDATE unmetered_event SET checksum = CASE OLD.checksum WHEN
        checksum_of('unmetered_event', OLD.source, OLD.type, OLD.row_count)
    THEN
        checksum_of('unmetered_event', NEW.source, NEW.type, NEW.row_count)
    ELSE -1 END
    WHERE source = NEW.source AND type = NEW.type;
END;

-- Samples that `cloudtally drop-samples` took out of the lake, since they could not be
-- right: what was dropped, and when, stays known. The same row that comes again is no new
-- sample; another one of its series and instant is.
CREATE TABLE dropped_sample (
    number         INTEGER NOT NULL PRIMARY KEY,
    dropped_ms     INTEGER NOT NULL,
    source_id      INTEGER NOT NULL REFERENCES source (source_id),
    sampled_ms     INTEGER NOT NULL,
    account_id     INTEGER NOT NULL,
    zone_id        INTEGER,
    device_type    TEXT NOT NULL,
    device_id      INTEGER NOT NULL,
    network_id     INTEGER NOT NULL,
    address        TEXT,
    bytes_sent     INTEGER NOT NULL,
    bytes_received INTEGER NOT NULL,
    restarted      INTEGER NOT NULL CHECK (restarted IN (0, 1)),
    checksum       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER dropped_sample_is_new AFTER INSERT ON dropped_sample BEGIN
    UPDATE dropped_sample SET checksum =
        checksum_of('dropped_sample', NEW.number, NEW.dropped_ms, NEW.source_id,
            NEW.sampled_ms, NEW.account_id, NEW.zone_id, NEW.device_type, NEW.device_id,
            NEW.network_id, NEW.address, NEW.bytes_sent, NEW.bytes_received, NEW.restarted)
    WHERE number = NEW.number;
END;

CREATE TRIGGER dropped_sample_changes AFTER UPDATE OF number, dropped_ms, source_id, sampled_ms,
    account_id, zone_id, device_type, device_id, network_id, address, bytes_sent, bytes_received,
    restarted
ON dropped_sample BEGIN
    UPDATE dropped_sample SET checksum = CASE OLD.checksum WHEN
        checksum_of('dropped_sample', OLD.number, OLD.dropped_ms, OLD.source_id,
            OLD.sampled_ms, OLD.account_id, OLD.zone_id, OLD.device_type, OLD.device_id,
            OLD.network_id, OLD.address, OLD.bytes_sent, OLD.bytes_received, OLD.restarted)
    THEN
        checksum_of('dropped_sample', NEW.number, NEW.dropped_ms, NEW.source_id,
            NEW.sampled_ms, NEW.account_id, NEW.zone_id, NEW.device_type, NEW.device_id,
            NEW.network_id, NEW.address, NEW.bytes_sent, NEW.bytes_received, NEW.restarted)
    ELSE -1 END
    WHERE number = NEW.number;
END;

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

-- Columns of events that were mended as they came in: what the cloud wrote, and where the
-- right value stands. The same row that comes again is known by it.
CREATE TABLE mended_event (
    source_id   INTEGER NOT NULL REFERENCES source (source_id),
    event_id    INTEGER NOT NULL,
    column_name TEXT NOT NULL,
    original    INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    entered_ms  INTEGER NOT NULL,
    checksum    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source_id, event_id, column_name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER mended_event_is_new AFTER INSERT ON mended_event BEGIN
    UPDATE mended_event SET checksum =
        checksum_of('mended_event', NEW.source_id, NEW.event_id, NEW.column_name, NEW.original,
            NEW.reason, NEW.entered_ms)
    WHERE source_id = NEW.source_id AND event_id = NEW.event_id AND column_name = NEW.column_name;
END;

CREATE TRIGGER mended_event_changes AFTER UPDATE OF source_id, event_id, column_name, original,
    reason, entered_ms
ON mended_event BEGIN
    UPDATE mended_event SET checksum = CASE OLD.checksum WHEN
        checksum_of('mended_event', OLD.source_id, OLD.event_id, OLD.column_name, OLD.original,
            OLD.reason, OLD.entered_ms)
    THEN
        checksum_of('mended_event', NEW.source_id, NEW.event_id, NEW.column_name, NEW.original,
            NEW.reason, NEW.entered_ms)
    ELSE -1 END
    WHERE source_id = NEW.source_id AND event_id = NEW.event_id AND column_name = NEW.column_name;
END;

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

CREATE TRIGGER lease_is_new AFTER INSERT ON lease BEGIN
    UPDATE lease SET checksum =
        checksum_of('lease', NEW.only_row, NEW.token, NEW.holder, NEW.machine, NEW.taken_ms,
            NEW.heartbeat_ms, NEW.released)
    WHERE only_row = NEW.only_row;
END;

CREATE TRIGGER lease_changes AFTER UPDATE OF only_row, token, holder, machine, taken_ms,
    heartbeat_ms, released
ON lease BEGIN
    UPDATE lease SET checksum = CASE OLD.checksum WHEN
        checksum_of('lease', OLD.only_row, OLD.token, OLD.holder, OLD.machine, OLD.taken_ms,
            OLD.heartbeat_ms, OLD.released)
    THEN
        checksum_of('lease', NEW.only_row, NEW.token, NEW.holder, NEW.machine, NEW.taken_ms,
            NEW.heartbeat_ms, NEW.released)
    ELSE -1 END
    WHERE only_row = NEW.only_row;
END;

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

-- Up to where the folder has let go of what it was told: one row once it has.
CREATE TABLE pruned (
    only_row        INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    -- Events before this end of a closed period are gone, and samples up to it.
    rows_before_ms  INTEGER,
    -- What was shown before this instant is not known any more.
    as_of_from_ms   INTEGER,
    checksum        INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The event files that are gone, with the ids in them: rows that come again are known.
CREATE TABLE pruned_event_file (
    seq       INTEGER NOT NULL PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source (source_id),
    row_count INTEGER NOT NULL,
    sha256    TEXT NOT NULL,
    min_id    INTEGER NOT NULL,
    max_id    INTEGER NOT NULL,
    ids       BLOB NOT NULL,
    checksum  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER pruned_is_new AFTER INSERT ON pruned BEGIN
    UPDATE pruned SET checksum =
        checksum_of('pruned', NEW.only_row, NEW.rows_before_ms, NEW.as_of_from_ms)
    WHERE only_row = NEW.only_row;
END;

CREATE TRIGGER pruned_changes AFTER UPDATE OF only_row, rows_before_ms, as_of_from_ms
ON pruned BEGIN
    UPDATE pruned SET checksum = CASE OLD.checksum WHEN
        checksum_of('pruned', OLD.only_row, OLD.rows_before_ms, OLD.as_of_from_ms)
    THEN
        checksum_of('pruned', NEW.only_row, NEW.rows_before_ms, NEW.as_of_from_ms)
    ELSE -1 END
    WHERE only_row = NEW.only_row;
END;

CREATE TRIGGER pruned_event_file_is_new AFTER INSERT ON pruned_event_file BEGIN
    UPDATE pruned_event_file SET checksum =
        checksum_of('pruned_event_file', NEW.seq, NEW.source_id, NEW.row_count, NEW.sha256,
            NEW.min_id, NEW.max_id, NEW.ids)
    WHERE seq = NEW.seq;
END;

CREATE TRIGGER pruned_event_file_changes AFTER UPDATE OF seq, source_id, row_count, sha256, min_id,
    max_id, ids
ON pruned_event_file BEGIN
    UPDATE pruned_event_file SET checksum = CASE OLD.checksum WHEN
        checksum_of('pruned_event_file', OLD.seq, OLD.source_id, OLD.row_count, OLD.sha256,
            OLD.min_id, OLD.max_id, OLD.ids)
    THEN
        checksum_of('pruned_event_file', NEW.seq, NEW.source_id, NEW.row_count, NEW.sha256,
            NEW.min_id, NEW.max_id, NEW.ids)
    ELSE -1 END
    WHERE seq = NEW.seq;
END;
