-- A device that knows that it counts from 0 again says so: two samples alone cannot tell
-- a restart from a reading that failed, or from much traffic.

ALTER TABLE outbox_sample
    ADD COLUMN restarted INTEGER NOT NULL DEFAULT 0 CHECK (restarted IN (0, 1));
