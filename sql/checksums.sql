-- The keys of rows that are not what was written, a query a table.

-- name: setting
SELECT 'name ' || name FROM setting WHERE checksum <>
    checksum_of('setting', name, value);

-- name: admin_key
SELECT 'only_row ' || only_row FROM admin_key WHERE checksum <>
    checksum_of('admin_key', only_row, api_key, secret_key);

-- name: counter
SELECT 'name ' || name FROM counter WHERE checksum <>
    checksum_of('counter', name, value);

-- name: source
SELECT 'source_id ' || source_id FROM source WHERE checksum <>
    checksum_of('source', source_id, name);

-- name: event_file
SELECT 'seq ' || seq FROM event_file WHERE checksum <>
    checksum_of('event_file', seq, source_id, utc_day, path, row_count, bytes, sha256,
        first_created_ms, last_created_ms, min_id, max_id, ids);

-- name: sample_file
SELECT 'seq ' || seq FROM sample_file WHERE checksum <>
    checksum_of('sample_file', seq, source_id, utc_day, path, row_count, bytes, sha256,
        first_sampled_ms, last_sampled_ms);

-- name: period
SELECT 'start_ms ' || start_ms FROM period WHERE checksum <>
    checksum_of('period', start_ms, end_ms, generation, open_version, segments_version,
        counters_version, events_seq, samples_seq, accounts_seq);

-- name: record_file
SELECT 'start_ms ' || start_ms || ', generation ' || generation FROM record_file WHERE checksum <>
    checksum_of('record_file', start_ms, generation, path, row_count, bytes, sha256);

-- name: open_file
SELECT 'start_ms ' || start_ms || ', kind ' || kind || ', version ' || version FROM open_file WHERE checksum <>
    checksum_of('open_file', start_ms, kind, version, path, row_count, bytes, sha256);

-- name: file_block
SELECT 'path ' || path FROM file_block WHERE checksum <>
    checksum_of('file_block', path, blocks);

-- name: retired_file
SELECT 'path ' || path FROM retired_file WHERE checksum <>
    checksum_of('retired_file', path, retired_ms);

-- name: account
SELECT 'source_id ' || source_id || ', account_id ' || account_id FROM account WHERE checksum <>
    checksum_of('account', source_id, account_id, name, uuid, type, domain_id, domain_path,
        state, created_ms, removed_ms);

-- name: account_removal
SELECT 'seq ' || seq FROM account_removal WHERE checksum <>
    checksum_of('account_removal', seq, source_id, account_id, before_ms, after_ms);

-- name: ingest_run
SELECT 'run_id ' || run_id FROM ingest_run WHERE checksum <>
    checksum_of('ingest_run', run_id, started_ms, source, stream, inputs, read, accepted,
        duplicate, quarantined, finished);

-- name: quarantine
SELECT 'quarantine_id ' || quarantine_id FROM quarantine WHERE checksum <>
    checksum_of('quarantine', quarantine_id, source, stream, input, row_number, raw_hash,
        reason, raw, kind);

-- name: anomaly
SELECT 'anomaly_id ' || anomaly_id FROM anomaly WHERE checksum <>
    checksum_of('anomaly', anomaly_id, start_ms, end_ms, source, event_id, usage_type,
        resource_id, at_ms, text);

-- name: job
SELECT 'job_id ' || job_id FROM job WHERE checksum <>
    checksum_of('job', job_id, kind, started_ms, finished_ms, from_ms, to_ms, success, periods,
        records, message, as_of_ms, note);

-- name: thing
SELECT 'thing_id ' || thing_id FROM thing WHERE checksum <>
    checksum_of('thing', thing_id, kind, uuid, owner_id, state, created_ms, removed_ms, body);

-- name: cloud_number
SELECT 'name ' || name FROM cloud_number WHERE checksum <>
    checksum_of('cloud_number', name, value);

-- name: outbox_event
SELECT 'seq ' || seq FROM outbox_event WHERE checksum <>
    checksum_of('outbox_event', seq, event_id, type, created_ms, account_id, zone_id,
        resource_id, resource_name, offering_id, template_id, size, virtual_size,
        resource_type);

-- name: outbox_sample
SELECT 'seq ' || seq FROM outbox_sample WHERE checksum <>
    checksum_of('outbox_sample', seq, sampled_ms, account_id, zone_id, device_type, device_id,
        network_id, address, bytes_sent, bytes_received, restarted);

-- name: outbox_account
SELECT 'seq ' || seq FROM outbox_account WHERE checksum <>
    checksum_of('outbox_account', seq, account_id, name, uuid, type, domain_id, domain_path,
        state, created_ms, removed_ms);

-- name: ledger
SELECT 'number ' || number FROM ledger WHERE checksum <>
    checksum_of('ledger', number, thing_id, usage_type, account_id, zone_id, resource_id,
        nic_id, offering_id, template_id, size, network_id, start_ms, end_ms, bytes_sent,
        bytes_received);

-- name: source_complete
SELECT 'source_id ' || source_id FROM source_complete WHERE checksum <>
    checksum_of('source_complete', source_id, through_ms);

-- name: empty_stretch
SELECT 'start_ms ' || start_ms FROM empty_stretch WHERE checksum <>
    checksum_of('empty_stretch', start_ms, end_ms, events_seq, samples_seq, accounts_seq);

-- name: quarantine_kind
SELECT 'source ' || source || ', stream ' || stream || ', kind ' || kind FROM quarantine_kind WHERE checksum <>
    checksum_of('quarantine_kind', source, stream, kind, kept, bytes, not_kept);

-- name: unmetered_event
SELECT 'source ' || source || ', type ' || type FROM unmetered_event WHERE checksum <>
    checksum_of('unmetered_event', source, type, row_count);

-- name: dropped_sample
SELECT 'number ' || number FROM dropped_sample WHERE checksum <>
    checksum_of('dropped_sample', number, dropped_ms, source_id, sampled_ms, account_id,
        zone_id, device_type, device_id, network_id, address, bytes_sent, bytes_received,
        restarted);

-- name: publication
SELECT 'number ' || number FROM publication WHERE checksum <>
    checksum_of('publication', number, published_ms, start_ms, generation, events_seq,
        samples_seq, accounts_seq, job_id);

-- name: correction_file
SELECT 'start_ms ' || start_ms || ', generation ' || generation FROM correction_file WHERE checksum <>
    checksum_of('correction_file', start_ms, generation, path, row_count, bytes, sha256);

-- name: account_change
SELECT 'seq ' || seq FROM account_change WHERE checksum <>
    checksum_of('account_change', seq, at_ms, source_id, account_id, name, uuid, type,
        domain_id, domain_path, state, created_ms, removed_ms);

-- name: day_sheet
SELECT 'start_ms ' || start_ms || ', generation ' || generation FROM day_sheet WHERE checksum <>
    checksum_of('day_sheet', start_ms, generation, sheet);

-- name: correction_note
SELECT 'source_id ' || source_id || ', event_id ' || event_id FROM correction_note WHERE checksum <>
    checksum_of('correction_note', source_id, event_id, author, reason, entered_ms);

-- name: lease
SELECT 'only_row ' || only_row FROM lease WHERE checksum <>
    checksum_of('lease', only_row, token, holder, machine, taken_ms, heartbeat_ms, released);

-- name: closing
SELECT 'through_ms ' || through_ms FROM closing WHERE checksum <>
    checksum_of('closing', through_ms, closed_ms, closed_by, reason);

-- name: restated
SELECT 'start_ms ' || start_ms FROM restated WHERE checksum <>
    checksum_of('restated', start_ms, generation);

-- name: adjustment
SELECT 'start_ms ' || start_ms || ', generation ' || generation || ', corrects_ms ' || corrects_ms
FROM adjustment WHERE checksum <>
    checksum_of('adjustment', start_ms, generation, corrects_ms, from_generation, to_generation);

-- name: pruned
SELECT 'only_row ' || only_row FROM pruned WHERE checksum <>
    checksum_of('pruned', only_row, rows_before_ms, as_of_from_ms);

-- name: pruned_event_file
SELECT 'seq ' || seq FROM pruned_event_file WHERE checksum <>
    checksum_of('pruned_event_file', seq, source_id, row_count, sha256, min_id, max_id, ids);

-- name: mended_event
SELECT 'source_id ' || source_id || ', event_id ' || event_id || ', column_name ' || column_name
FROM mended_event WHERE checksum <>
    checksum_of('mended_event', source_id, event_id, column_name, original, reason, entered_ms);

-- name: pull_mark
SELECT 'source_id ' || source_id FROM pull_mark WHERE checksum <>
    checksum_of('pull_mark', source_id, epoch, floor_id, seen_id,
        first_id, holes, fingerprint, server,
        snapshot_ms, sampled_ms, series_id);
