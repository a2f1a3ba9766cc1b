-- Sources, event and sample files, runs.

-- name: sources
SELECT name FROM source NOT INDEXED ORDER BY name;

-- name: source_id
SELECT source_id FROM source WHERE name = ?1;

-- name: register_source
INSERT INTO source (name) VALUES (?1) ON CONFLICT (name) DO NOTHING;

-- name: complete_through
SELECT name, through_ms FROM source_complete JOIN source NOT INDEXED USING (source_id) ORDER BY name;

-- name: set_complete_through
INSERT INTO source_complete (source_id, through_ms) VALUES (?1, ?2)
ON CONFLICT (source_id) DO UPDATE SET through_ms = excluded.through_ms;

-- name: counter
SELECT value FROM counter WHERE name = ?1;

-- name: count_up
UPDATE counter SET value = value + ?2 WHERE name = ?1 RETURNING value;

-- name: event_files
SELECT seq, path, name, utc_day, row_count, first_created_ms, last_created_ms, min_id, max_id, bytes, sha256
FROM event_file NOT INDEXED JOIN source NOT INDEXED USING (source_id) ORDER BY seq;

-- name: sample_files
SELECT seq, path, name, utc_day, row_count, first_sampled_ms, last_sampled_ms, bytes, sha256
FROM sample_file NOT INDEXED JOIN source NOT INDEXED USING (source_id) ORDER BY seq;

-- name: sample_files_of_day
SELECT seq, path, name, utc_day, row_count, first_sampled_ms, last_sampled_ms, bytes, sha256
FROM sample_file JOIN source USING (source_id) WHERE name = ?1 AND utc_day = ?2 ORDER BY seq;

-- name: event_id_sets
SELECT path, ids FROM event_file ORDER BY seq;

-- name: event_ids_of_file
SELECT ids FROM event_file WHERE seq = ?1;

-- name: last_seq_of_source
SELECT coalesce(max(seq), 0) FROM event_file JOIN source USING (source_id) WHERE name = ?1;

-- name: event_id_ranges_of_source
SELECT seq, path, row_count, min_id, max_id, bytes
FROM event_file JOIN source USING (source_id) WHERE name = ?1 ORDER BY seq;

-- name: insert_event_file
INSERT INTO event_file (seq, source_id, utc_day, path, row_count, bytes, sha256,
    first_created_ms, last_created_ms, min_id, max_id, ids)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);

-- name: insert_sample_file
INSERT INTO sample_file (seq, source_id, utc_day, path, row_count, bytes, sha256,
    first_sampled_ms, last_sampled_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: delete_event_file
DELETE FROM event_file WHERE seq = ?1;

-- name: delete_sample_file
DELETE FROM sample_file WHERE seq = ?1;

-- name: insert_run
INSERT INTO ingest_run (started_ms, source, stream, inputs, read, accepted, duplicate, quarantined, finished)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
RETURNING run_id;

-- name: update_run
UPDATE ingest_run SET started_ms = ?2, source = ?3, stream = ?4, inputs = ?5, read = ?6, accepted = ?7,
    duplicate = ?8, quarantined = ?9, finished = ?10
WHERE run_id = ?1;

-- name: runs
SELECT run_id, started_ms, source, stream, inputs, read, accepted, duplicate, quarantined, finished
FROM ingest_run ORDER BY run_id DESC LIMIT ?1;

-- name: count_unmetered
INSERT INTO unmetered_event (source, type, row_count) VALUES (?1, ?2, ?3)
ON CONFLICT (source, type) DO UPDATE SET row_count = row_count + excluded.row_count;

-- name: unmetered_types
SELECT count(*) FROM unmetered_event WHERE source = ?1;

-- name: is_unmetered_type
SELECT count(*) FROM unmetered_event WHERE source = ?1 AND type = ?2;

-- name: unmetered
SELECT source, type, row_count FROM unmetered_event ORDER BY source, type;

-- name: insert_dropped
INSERT INTO dropped_sample (dropped_ms, source_id, sampled_ms, account_id, zone_id, device_type,
    device_id, network_id, address, bytes_sent, bytes_received, restarted)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);

-- name: dropped
SELECT dropped_ms, name, sampled_ms, account_id, zone_id, device_type, device_id, network_id, address,
    bytes_sent, bytes_received, restarted
FROM dropped_sample JOIN source NOT INDEXED USING (source_id) ORDER BY number;

-- name: note_correction
INSERT INTO correction_note (source_id, event_id, author, reason, entered_ms)
VALUES (?1, ?2, ?3, ?4, ?5);

-- name: correction_notes
-- With a 1 if it is what was written.
SELECT event_id, author, reason, entered_ms,
    correction_note.checksum =
        checksum_of('correction_note', source_id, event_id, author, reason, entered_ms)
FROM correction_note JOIN source USING (source_id) WHERE source.name = ?1 ORDER BY event_id;

-- name: note_mend
INSERT INTO mended_event (source_id, event_id, column_name, original, reason, entered_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: mends
-- With a 1 if it is what was written.
SELECT event_id, column_name, original, reason, entered_ms,
    mended_event.checksum = checksum_of('mended_event', source_id, event_id, column_name, original,
        reason, entered_ms)
FROM mended_event JOIN source USING (source_id) WHERE source.name = ?1
ORDER BY event_id, column_name;

-- name: set_pull_mark
INSERT INTO pull_mark (source_id, epoch, floor_id, seen_id, first_id, holes,
    fingerprint, server, snapshot_ms, sampled_ms, series_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (source_id) DO UPDATE SET
    epoch = excluded.epoch,
    floor_id = excluded.floor_id,
    seen_id = excluded.seen_id,
    first_id = excluded.first_id,
    holes = excluded.holes,
    fingerprint = excluded.fingerprint,
    server = excluded.server,
    snapshot_ms = excluded.snapshot_ms,
    sampled_ms = excluded.sampled_ms,
    series_id = excluded.series_id;

-- name: pull_mark
-- With a 1 if it is what was written.
SELECT epoch, floor_id, seen_id, first_id, holes,
    fingerprint, server, snapshot_ms, sampled_ms, series_id,
    pull_mark.checksum = checksum_of('pull_mark', source_id, epoch, floor_id, seen_id,
        first_id, holes, fingerprint, server,
        snapshot_ms, sampled_ms, series_id)
FROM pull_mark JOIN source USING (source_id) WHERE source.name = ?1;
