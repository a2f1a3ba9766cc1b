-- The ledger: what each tenant of the simulated cloud really had, and when.
--
-- It is the second opinion on the bill and is written by other code than the
-- usage events, so it is a table of its own and not derived from the outbox. As
-- the things, it is read once when the server starts: no index.

-- An entry lasts while `end_ms` is null. `zone_id` null is "no zone"; ids that a
-- usage type does not have are 0 or null as in the records. `bytes_*` are for
-- traffic alone, whose entries gather what was counted within a quarter of an hour.
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
