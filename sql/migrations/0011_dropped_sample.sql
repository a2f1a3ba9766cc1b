-- Readings that were taken back.

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
