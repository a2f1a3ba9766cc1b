-- The simulated cloud: what it is, and what it has to tell the bill.
--
-- A thing is one row whatever its kind, with its attributes as JSON: the tables
-- of the API say what a kind has, the database need not. Everything is read once
-- when the server starts and only written from then on, so there is no index.
-- Conventions as in the first migration; settings stay where they are.

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
    bytes_received INTEGER NOT NULL
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
