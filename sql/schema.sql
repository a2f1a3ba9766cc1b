-- The whole schema as the migrations leave it, for reading. A test compares the two.

-- Values that differ from the defaults.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The root admin's keys: one row or none.
CREATE TABLE admin_key (
    only_row   INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    api_key    TEXT NOT NULL,
    secret_key TEXT NOT NULL
) STRICT;

-- Numbers that only grow. `events` and `samples` are the last `seq` given to a
-- file; they are counted here and not with max(seq) so that no number is ever
-- given twice. `accounts` grows with every change of the dimension and tells
-- readers when their copy is old.
CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE source (
    source_id INTEGER NOT NULL PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE
) STRICT;

-- Through which instant somebody said that a source is complete. The latest event of a
-- source says so, too; what counts is the later of both.
CREATE TABLE source_complete (
    source_id  INTEGER NOT NULL PRIMARY KEY REFERENCES source (source_id),
    through_ms INTEGER NOT NULL
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
    ids              BLOB NOT NULL
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
    last_sampled_ms  INTEGER NOT NULL
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
    FOREIGN KEY (start_ms, generation) REFERENCES record_file (start_ms, generation)
) STRICT;

-- Every generation of every period; earlier ones stay. `key_index` maps (source,
-- account, usage type) to row ranges; last for the same reason as `ids` above.
CREATE TABLE record_file (
    start_ms   INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    path       TEXT NOT NULL UNIQUE,
    row_count  INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    key_index  BLOB NOT NULL,
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
    accounts_seq INTEGER NOT NULL
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
    PRIMARY KEY (start_ms, kind, version)
) STRICT;

-- Files that something newer has replaced (merged, or a newer version of the open
-- segments). They stay for a while because a reader may have looked at the
-- catalogue before the swap.
CREATE TABLE retired_file (
    path       TEXT NOT NULL PRIMARY KEY,
    retired_ms INTEGER NOT NULL
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
    PRIMARY KEY (source_id, account_id)
) STRICT, WITHOUT ROWID;

-- Every change of account.removed_ms, because usage ends there and published
-- periods may have to be computed again. Rows are never deleted, so seq only grows.
CREATE TABLE account_removal (
    seq        INTEGER NOT NULL PRIMARY KEY,
    source_id  INTEGER NOT NULL REFERENCES source (source_id),
    account_id INTEGER NOT NULL,
    before_ms  INTEGER,
    after_ms   INTEGER
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
    finished    INTEGER NOT NULL CHECK (finished IN (0, 1))
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
    PRIMARY KEY (source, stream, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX quarantine_by_kind ON quarantine (source, stream, kind);

-- Accepted events of types that nothing meters, by type.
CREATE TABLE unmetered_event (
    source    TEXT NOT NULL,
    type      TEXT NOT NULL,
    row_count INTEGER NOT NULL,
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
    text        TEXT NOT NULL
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
    note        TEXT NOT NULL DEFAULT ''
) STRICT;

-- Whoever takes the folder's lock looks for runs that nobody can be at any more.
CREATE INDEX job_unfinished ON job (job_id) WHERE finished_ms IS NULL AND success IS NULL;

-- For people and their tools; the program does not read these two. All files that
-- count, with what `sha256sum` must print:
CREATE VIEW lake_file AS
    SELECT path, row_count, bytes, sha256 FROM event_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM sample_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM record_file
    UNION ALL SELECT path, row_count, bytes, sha256 FROM open_file;

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
    body       TEXT NOT NULL
) STRICT;

-- The next id, the seed, the clock.
CREATE TABLE cloud_number (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
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
    resource_type TEXT
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
    restarted      INTEGER NOT NULL DEFAULT 0 CHECK (restarted IN (0, 1))
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
    removed_ms  INTEGER
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
    bytes_received INTEGER
) STRICT;
