-- name: things
SELECT thing_id, kind, uuid, owner_id, state, created_ms, removed_ms, body
FROM thing ORDER BY thing_id;

-- name: events_before
SELECT thing_id, kind, uuid, owner_id, state, created_ms, removed_ms, body
FROM thing WHERE kind = 'Event' AND created_ms < ?1 ORDER BY thing_id;

-- name: body
SELECT body FROM thing WHERE thing_id = ?1;

-- name: put
INSERT INTO thing (thing_id, kind, uuid, owner_id, state, created_ms, removed_ms, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (thing_id) DO UPDATE SET
    kind = excluded.kind, uuid = excluded.uuid, owner_id = excluded.owner_id,
    state = excluded.state, created_ms = excluded.created_ms,
    removed_ms = excluded.removed_ms, body = excluded.body;

-- name: erase
DELETE FROM thing WHERE thing_id = ?1;

-- name: numbers
SELECT name, value FROM cloud_number;

-- name: put_number
INSERT INTO cloud_number (name, value) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: tell_event
INSERT INTO outbox_event (event_id, type, created_ms, account_id, zone_id, resource_id,
    resource_name, offering_id, template_id, size, virtual_size, resource_type)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);

-- name: tell_sample
INSERT INTO outbox_sample (sampled_ms, account_id, zone_id, device_type, device_id, network_id,
    address, bytes_sent, bytes_received, restarted)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: tell_account
INSERT INTO outbox_account (account_id, name, uuid, type, domain_id, domain_path, state,
    created_ms, removed_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: told_events
-- The last column of each of the three says whether the row is what was written.
SELECT seq, event_id, type, created_ms, account_id, zone_id, resource_id,
    resource_name, offering_id, template_id, size, virtual_size, resource_type,
    checksum = checksum_of('outbox_event', seq, event_id, type, created_ms, account_id, zone_id,
        resource_id, resource_name, offering_id, template_id, size, virtual_size, resource_type)
FROM outbox_event WHERE seq > ?1 ORDER BY seq LIMIT ?2;

-- name: told_samples
SELECT seq, sampled_ms, account_id, zone_id, device_type, device_id, network_id,
    address, bytes_sent, bytes_received, restarted,
    checksum = checksum_of('outbox_sample', seq, sampled_ms, account_id, zone_id, device_type,
        device_id, network_id, address, bytes_sent, bytes_received, restarted)
FROM outbox_sample WHERE seq > ?1 ORDER BY seq LIMIT ?2;

-- name: told_accounts
SELECT seq, account_id, name, uuid, type, domain_id, domain_path, state, created_ms, removed_ms,
    checksum = checksum_of('outbox_account', seq, account_id, name, uuid, type, domain_id,
        domain_path, state, created_ms, removed_ms)
FROM outbox_account WHERE seq > ?1 ORDER BY seq LIMIT ?2;

-- name: take_events
DELETE FROM outbox_event WHERE seq <= ?1;

-- name: take_samples
DELETE FROM outbox_sample WHERE seq <= ?1;

-- name: take_accounts
DELETE FROM outbox_account WHERE seq <= ?1;

-- name: ledger
SELECT number, thing_id, usage_type, account_id, zone_id, resource_id, nic_id, offering_id,
    template_id, size, network_id, start_ms, end_ms, bytes_sent, bytes_received
FROM ledger ORDER BY number;

-- name: put_ledger_entry
INSERT INTO ledger (number, thing_id, usage_type, account_id, zone_id, resource_id, nic_id,
    offering_id, template_id, size, network_id, start_ms, end_ms, bytes_sent, bytes_received)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
ON CONFLICT (number) DO UPDATE SET
    start_ms = excluded.start_ms, end_ms = excluded.end_ms, bytes_sent = excluded.bytes_sent,
    bytes_received = excluded.bytes_received;
