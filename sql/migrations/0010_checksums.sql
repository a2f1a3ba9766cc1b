-- A checksum of each row, so that `check` sees one changed bit of any value.
--
-- `checksum_of` is a function of the program: a hash of the table's name and of all the
-- row's values in their order. Triggers keep it, so that no statement can forget it. Other
-- programs read the tables as before; one that would write lacks the function and is refused.
--
-- A row that a statement replaces whole gets the checksum of what it is now. A row of
-- which a statement changes a part keeps a wrong checksum: what was damaged before must not
-- be certified by a later change. -1 is never the checksum of a row.

ALTER TABLE setting ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE setting SET checksum =
    checksum_of('setting', name, value);

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

ALTER TABLE admin_key ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE admin_key SET checksum =
    checksum_of('admin_key', only_row, api_key, secret_key);

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

ALTER TABLE counter ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE counter SET checksum =
    checksum_of('counter', name, value);

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

ALTER TABLE source ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE source SET checksum =
    checksum_of('source', source_id, name);

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

ALTER TABLE event_file ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE event_file SET checksum =
    checksum_of('event_file', seq, source_id, utc_day, path, row_count, bytes, sha256,
        first_created_ms, last_created_ms, min_id, max_id, ids);

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

ALTER TABLE sample_file ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE sample_file SET checksum =
    checksum_of('sample_file', seq, source_id, utc_day, path, row_count, bytes, sha256,
        first_sampled_ms, last_sampled_ms);

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

ALTER TABLE period ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE period SET checksum =
    checksum_of('period', start_ms, end_ms, generation, open_version, segments_version,
        counters_version, events_seq, samples_seq, accounts_seq);

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

ALTER TABLE record_file ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE record_file SET checksum =
    checksum_of('record_file', start_ms, generation, path, row_count, bytes, sha256, key_index);

CREATE TRIGGER record_file_is_new AFTER INSERT ON record_file BEGIN
    UPDATE record_file SET checksum =
        checksum_of('record_file', NEW.start_ms, NEW.generation, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256, NEW.key_index)
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation;
END;

CREATE TRIGGER record_file_changes AFTER UPDATE OF start_ms, generation, path, row_count, bytes,
    sha256, key_index
ON record_file BEGIN
    UPDATE record_file SET checksum = CASE OLD.checksum WHEN
        checksum_of('record_file', OLD.start_ms, OLD.generation, OLD.path, OLD.row_count,
            OLD.bytes, OLD.sha256, OLD.key_index)
    THEN
        checksum_of('record_file', NEW.start_ms, NEW.generation, NEW.path, NEW.row_count,
            NEW.bytes, NEW.sha256, NEW.key_index)
    ELSE -1 END
    WHERE start_ms = NEW.start_ms AND generation = NEW.generation;
END;

ALTER TABLE open_file ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE open_file SET checksum =
    checksum_of('open_file', start_ms, kind, version, path, row_count, bytes, sha256);

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

ALTER TABLE retired_file ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE retired_file SET checksum =
    checksum_of('retired_file', path, retired_ms);

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

ALTER TABLE account ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE account SET checksum =
    checksum_of('account', source_id, account_id, name, uuid, type, domain_id, domain_path,
        state, created_ms, removed_ms);

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

ALTER TABLE account_removal ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE account_removal SET checksum =
    checksum_of('account_removal', seq, source_id, account_id, before_ms, after_ms);

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

ALTER TABLE ingest_run ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE ingest_run SET checksum =
    checksum_of('ingest_run', run_id, started_ms, source, stream, inputs, read, accepted,
        duplicate, quarantined, finished);

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

ALTER TABLE quarantine ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE quarantine SET checksum =
    checksum_of('quarantine', quarantine_id, source, stream, input, row_number, raw_hash,
        reason, raw, kind);

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

ALTER TABLE anomaly ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE anomaly SET checksum =
    checksum_of('anomaly', anomaly_id, start_ms, end_ms, source, event_id, usage_type,
        resource_id, at_ms, text);

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

ALTER TABLE job ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE job SET checksum =
    checksum_of('job', job_id, kind, started_ms, finished_ms, from_ms, to_ms, success, periods,
        records, message, as_of_ms, note);

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

ALTER TABLE thing ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE thing SET checksum =
    checksum_of('thing', thing_id, kind, uuid, owner_id, state, created_ms, removed_ms, body);

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

ALTER TABLE cloud_number ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE cloud_number SET checksum =
    checksum_of('cloud_number', name, value);

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

ALTER TABLE outbox_event ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE outbox_event SET checksum =
    checksum_of('outbox_event', seq, event_id, type, created_ms, account_id, zone_id,
        resource_id, resource_name, offering_id, template_id, size, virtual_size,
        resource_type);

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

ALTER TABLE outbox_sample ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE outbox_sample SET checksum =
    checksum_of('outbox_sample', seq, sampled_ms, account_id, zone_id, device_type, device_id,
        network_id, address, bytes_sent, bytes_received, restarted);

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

ALTER TABLE outbox_account ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE outbox_account SET checksum =
    checksum_of('outbox_account', seq, account_id, name, uuid, type, domain_id, domain_path,
        state, created_ms, removed_ms);

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

ALTER TABLE ledger ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE ledger SET checksum =
    checksum_of('ledger', number, thing_id, usage_type, account_id, zone_id, resource_id,
        nic_id, offering_id, template_id, size, network_id, start_ms, end_ms, bytes_sent,
        bytes_received);

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

ALTER TABLE source_complete ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE source_complete SET checksum =
    checksum_of('source_complete', source_id, through_ms);

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

ALTER TABLE empty_stretch ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE empty_stretch SET checksum =
    checksum_of('empty_stretch', start_ms, end_ms, events_seq, samples_seq, accounts_seq);

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

ALTER TABLE quarantine_kind ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE quarantine_kind SET checksum =
    checksum_of('quarantine_kind', source, stream, kind, kept, bytes, not_kept);

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

ALTER TABLE unmetered_event ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

UPDATE unmetered_event SET checksum =
    checksum_of('unmetered_event', source, type, row_count);

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
