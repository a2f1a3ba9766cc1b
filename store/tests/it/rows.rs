//! One changed bit of a row of the catalogue: `verify` tells the table and the key, and who
//! would work with the row refuses.

use std::{collections::BTreeSet, fs, path::Path};

use cloudtally_model::{
    Account, AccountId, EventId, Instant, NetworkId, NicId, Period, Sources, UsageEvent,
    UsageTypeId, ZoneId,
    port::{ChangeSet, Journal, LedgerEntry, Use},
};
use cloudtally_store::{
    AdminKeys, Anomaly, Closing, Correction, CorrectionCause, CorrectionEncoder, CorrectionNote,
    DaySheet, EmptyStretch, EventTable, Hole, Inputs, MendedEvent, PeriodDraft, PeriodRows,
    PruneLimits, Publication, Published, PullMark, QuarantinedRow, RecordEncoder, RowMark,
    SamplesAt, Severity, SheetEvents, Store, StoreError, Stream, Writer,
};
use rusqlite::{Connection, config::DbConfig, types::Value};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::{
    damage::{publish_again, world},
    journal::{journal, row},
    support::{
        assert_clean, counter, day, event, records, run, sample, source, try_writer, writer,
    },
};

/// The catalogue as somebody finds it who lacks the function of the checksums, and whose
/// changes leave them as they are.
pub(crate) fn raw(dir: &Path) -> Connection {
    let connection = Connection::open(dir.join("cloudtally.db")).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    connection
}

fn account(id: u64, removed: Option<Instant>) -> Account {
    Account {
        id: AccountId(id),
        name: "acme".into(),
        uuid: Some("a-b".into()),
        account_type: Some(cloudtally_model::AccountType::Project),
        domain: Some(1.into()),
        domain_path: Some("/acme/".into()),
        state: Some("enabled".into()),
        created: Some(day(0).start),
        removed,
    }
}

fn of_the_lake(writer: &Writer) {
    let mut known = writer.known_events(&source()).unwrap();
    let aside = [QuarantinedRow {
        source: source(),
        stream: Stream::Events,
        input: "jan.csv".to_owned(),
        row: 3,
        reason: "no id".to_owned(),
        raw: "a,b".to_owned(),
    }];
    let mut odd = event(2, 1);
    odd.event_type = "NO.METER".into();
    writer.append_events(&mut known, vec![odd], &aside, &mut run(Stream::Events)).unwrap();
    // An event that somebody adds.
    let mut added = EventTable::default();
    added.push(&event(3, 1));
    let (author, reason) = ("ann".to_owned(), "lost".to_owned());
    let note = CorrectionNote { event: 3.into(), author, reason, entered_ms: 5 };
    let mut corrected = run(Stream::Events);
    writer.append_corrections(&mut known, (&added, vec![0]), &[note], &[], &mut corrected).unwrap();
    // One that is mended.
    let mut wrong = EventTable::default();
    wrong.push(&event(4, 1));
    let (column, reason) = ("account_id".to_owned(), "wrong".to_owned());
    let mend = MendedEvent { event: 4.into(), column, original: 77, reason, entered_ms: 5 };
    let mut mended = run(Stream::Events);
    writer.append_mended(&mut known, (&wrong, vec![0]), &[mend], &[], &mut mended).unwrap();
    // A database that is pulled.
    let since = Instant::from_millis(5);
    let mark = PullMark {
        epoch: 1,
        floor: 3,
        seen: 9,
        first: 1,
        holes: vec![Hole { first: 4, last: 5, since }],
        fingerprint: vec![RowMark { id: 9, hash: u64::MAX }],
        server: "db:3306".to_owned(),
        snapshot: since,
        sampled: Some(since),
        series: 7,
    };
    writer.end_pull(&source(), &mark).unwrap();
    assert_eq!(writer.pull_mark(&source()).unwrap(), Some(mark));
    // A sample that is dropped again.
    let mut taken = run(Stream::Samples);
    writer.append_samples(&source(), vec![sample(9, 5)], &[], &mut taken).unwrap();
    let at = sample(9, 5).sampled;
    let wanted = SamplesAt { source: source(), device: 9, at, account: None, address: None };
    assert!(writer.drop_samples(&wanted, 7, &mut |_| true).unwrap());
    let two = (account(2, None), account(3, None));
    let accounts = |accounts: &[Account]| {
        writer.upsert_accounts(&source(), accounts, &[], &mut run(Stream::Accounts)).unwrap()
    };
    accounts(&[two.0, two.1]);
    accounts(&[account(2, Some(day(1).start))]);
    writer.set_complete_through(&source(), day(3).start).unwrap();
    let job = writer.begin_job("usage", 5, day(2).start).unwrap();
    let job = cloudtally_store::JobRun { id: job, finished_ms: Some(7), ..Default::default() };
    writer.finish_job(&job).unwrap();
    let keys = AdminKeys { api_key: "a".to_owned(), secret_key: "b".to_owned() };
    writer.set_admin_keys(&keys).unwrap();
    writer.set_setting("session.timeout", "60").unwrap();
    let sources = writer.snapshot().unwrap().sources;
    let found = records(day(0), 12);
    let draft = PeriodDraft {
        period: day(0),
        records: Some(&found),
        open: Some(&[]),
        counters: Some(&[counter(1, day(0))]),
        anomalies: Some(&[Anomaly {
            period: day(0),
            source: source(),
            event: None,
            usage_type: UsageTypeId::VOLUME,
            resource: 4.into(),
            at: day(0).start,
            text: "odd".to_owned(),
        }]),
        inputs: Inputs::default(),
    };
    let extent = Period { start: day(4).start, end: day(9).end };
    // A second one for the same day, with what it changes.
    let mut corrections = CorrectionEncoder::new(day(0), &sources).unwrap();
    let correction = Correction {
        id: found[0].id(sources.name(found[0].source), day(0)),
        record: found[0].clone(),
        before: Some(5),
        after: None,
        changes: Some("name: a -> b".into()),
        cause: CorrectionCause::LateEvents,
        events: vec![EventId(2)],
    };
    corrections.push(correction).unwrap();
    let write = |encoder: &mut RecordEncoder<'_>| encoder.write(&found[1..]);
    let again = PeriodRows {
        period: day(0),
        records: Some(&write),
        open: None,
        counters: None,
        anomalies: None,
        corrections: Some(&corrections.finish().unwrap()),
        inputs: Inputs::default(),
    };
    let mut staged =
        [writer.stage(&draft, &sources), writer.stage_rows(&again, &sources)].map(Result::unwrap);
    let (events, usage) = (SheetEvents::default(), Vec::new());
    staged[0].keep_sheet(DaySheet { events, usage, inputs: Vec::new(), outputs: Vec::new() });
    let publication = Publication {
        empty: vec![EmptyStretch { extent, inputs: Inputs::default() }],
        periods: staged.into(),
        published: Some(Published { at: day(9).start, job: Some(1) }),
        ..Publication::default()
    };
    writer.publish_cut_by(cloudtally_model::Calendar::utc_days(), publication).unwrap();
    closed(writer, &sources);
}

/// The first day is closed, is restated, and the second one says so.
fn closed(writer: &Writer, sources: &Sources) {
    let (by, reason) = ("finance".to_owned(), Some("sent".to_owned()));
    writer.close(&Closing { through: day(0).end, closed_ms: 9, by, reason }).unwrap();
    let (period, inputs) = (day(0), Inputs::default());
    let found = records(period, 13);
    let draft = PeriodDraft {
        period,
        records: Some(&found),
        open: None,
        counters: None,
        anomalies: None,
        inputs,
    };
    let restated = writer.stage(&draft, sources).unwrap();
    writer.publish(vec![restated]).unwrap();
    let draft = PeriodDraft { period: day(1), records: None, ..draft };
    let carrying = writer.stage(&draft, sources).unwrap().carrying(vec![day(0).start]);
    writer.publish(vec![carrying]).unwrap();
    // What the first day was made from goes.
    let mut known = writer.known_events(&source()).unwrap();
    writer.append_events(&mut known, vec![event(50, 2)], &[], &mut run(Stream::Events)).unwrap();
    for (id, date) in [(51, day(8)), (52, day(9))] {
        let later = UsageEvent { created: date.start, ..event(id, 3) };
        writer.append_events(&mut known, vec![later], &[], &mut run(Stream::Events)).unwrap();
    }
    let limits = PruneLimits { rows_before: Some(day(0).end), replaced_by: None };
    assert!(!writer.prune(limits).unwrap().events.is_empty());
}

fn of_the_cloud(store: &Store) {
    let what = Use {
        usage_type: UsageTypeId::VOLUME,
        account: 2.into(),
        zone: ZoneId::from_source(1),
        resource: 4.into(),
        nic: NicId(0),
        offering: None,
        template: None,
        size: Some(7),
        network: NetworkId(0),
    };
    let entry =
        LedgerEntry { number: 1, thing: 4, what, start: day(0).start, end: None, bytes: None };
    let name = |name: &str| vec![("name".into(), cloudtally_model::port::Value::Text(name.into()))];
    let changes = ChangeSet {
        rows: vec![row(3, name("one")), row(4, name("two"))],
        usage: vec![event(7, 1)],
        samples: vec![sample(7, 1)],
        accounts: vec![account(9, None)],
        numbers: vec![("next_id", 5)],
        ledger: vec![entry],
        ..ChangeSet::default()
    };
    let mut cloud = journal(store).unwrap();
    cloud.commit(&changes).unwrap();
    // A second time, so that rows have been changed, too.
    let changes = ChangeSet { rows: vec![row(4, name("three"))], ..ChangeSet::default() };
    cloud.commit(&changes).unwrap();
}

/// A folder with a row in every table of the catalogue, all of it in one file.
pub(crate) fn full(dir: &Path) -> Store {
    let (store, _) = world(dir);
    let writer = writer(&store);
    publish_again(&writer);
    of_the_lake(&writer);
    of_the_cloud(&store);
    drop((writer, store));
    assert_clean(dir);
    settle(dir);
    Store::open_read_only(dir).unwrap()
}

/// Brings all that was written into the database itself, without gaps.
pub(crate) fn settle(dir: &Path) {
    let connection = raw(dir);
    connection.execute_batch("VACUUM").unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    texts(connection, sql)
}

fn columns(connection: &Connection, table: &str) -> Vec<String> {
    texts(connection, &format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"))
}

/// The findings of `verify` on the folder, or its error.
fn told(dir: &Path) -> Vec<String> {
    let findings = Store::open_read_only(dir).and_then(|store| store.verify(&mut |_, _| {}));
    match findings {
        Ok(all) => all
            .into_iter()
            .filter(|one| one.severity == Severity::Error)
            .map(|one| one.text)
            .collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// Puts the database in the place of what there is.
pub(crate) fn put(dir: &Path, database: &[u8]) {
    for rest in ["cloudtally.db-wal", "cloudtally.db-shm"] {
        drop(fs::remove_file(dir.join(rest)));
    }
    fs::write(dir.join("cloudtally.db"), database).unwrap();
}

#[test]
fn a_change_of_any_value_of_any_table_is_told_with_table_and_key() {
    let dir = tempfile::tempdir().unwrap();
    drop(full(dir.path()));
    let whole = fs::read(dir.path().join("cloudtally.db")).unwrap();
    let places: Vec<(String, String)> = {
        let connection = raw(dir.path());
        let of = |table: String| {
            let columns = columns(&connection, &table).into_iter();
            columns.map(|column| (table.clone(), column)).collect::<Vec<_>>()
        };
        tables(&connection).into_iter().flat_map(of).collect()
    };
    assert!(places.len() > 150);
    for (table, column) in places {
        let connection = raw(dir.path());
        let changed = format!(
            "UPDATE {table} SET {column} = CASE typeof({column}) WHEN 'integer' THEN {column} + 1000000007
                 WHEN 'text' THEN {column} || 'x' WHEN 'blob' THEN CAST({column} || x'00' AS BLOB)
                 WHEN 'null' THEN 77 END
             WHERE checksum = (SELECT max(checksum) FROM {table})"
        );
        assert_eq!(connection.execute(&changed, []).unwrap(), 1, "{table} has a row");
        drop(connection);
        let told = told(dir.path());
        let row = format!("the row of `{table}` (");
        let is_told =
            |text: &String| text.contains(&row) && text.contains("restore the whole data folder");
        assert!(told.iter().any(is_told), "{table}.{column}: {told:?}");
        put(dir.path(), &whole);
    }
    assert_eq!(told(dir.path()), [""; 0]);
}

/// All values of all rows.
fn content(dir: &Path) -> Vec<Vec<Value>> {
    let connection = raw(dir);
    let mut rows = Vec::new();
    for table in tables(&connection) {
        let columns = columns(&connection, &table);
        let columns = columns.iter().filter(|column| *column != "checksum");
        let columns = columns.map(String::as_str).collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {columns} FROM {table} ORDER BY {columns}");
        let mut statement = connection.prepare(&sql).unwrap();
        let count = statement.column_count();
        let read = statement.query_map([], |row| (0..count).map(|at| row.get(at)).collect());
        rows.extend(read.unwrap().map(Result::unwrap));
    }
    rows
}

/// The bytes of a database in which something is stored: what is behind the array of cells
/// of each page. Pages of other forms hold the rest of long values.
fn live(database: &[u8]) -> Vec<usize> {
    let size = usize::from(u16::from_be_bytes([database[16], database[17]]));
    let mut live = Vec::new();
    for page in 0..database.len() / size {
        let begin = page * size;
        let head = begin + if page == 0 { 100 } else { 0 };
        let is_tree = matches!(database[head], 0x02 | 0x05 | 0x0a | 0x0d);
        let from = u16::from_be_bytes([database[head + 5], database[head + 6]]);
        let from = if is_tree { begin + usize::from(from) } else { begin };
        live.extend(from..begin + size);
    }
    live
}

/// Places the stored values are changed at.
const PLACES: usize = 600;

#[test]
fn a_changed_bit_of_what_is_stored_is_told_or_changes_no_value() {
    let dir = tempfile::tempdir().unwrap();
    drop(full(dir.path()));
    let whole = fs::read(dir.path().join("cloudtally.db")).unwrap();
    let (live, undamaged) = (live(&whole), content(dir.path()));
    put(dir.path(), &whole);
    assert_eq!(told(dir.path()), [""; 0]);
    let (step, mut missed) = (live.len() / PLACES, BTreeSet::new());
    for number in 0..PLACES {
        let (place, bit) = (live[number * step + number % step], number % 8);
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << bit;
        put(dir.path(), &flipped);
        if told(dir.path()).is_empty() {
            put(dir.path(), &flipped);
            let damaged = content(dir.path());
            let differs = damaged.iter().zip(&undamaged).find(|(a, b)| a != b);
            assert!(differs.is_none(), "bit {bit} of byte {place} is not told: {differs:?}");
            missed.insert(place);
        }
    }
    println!("{} of {PLACES} flips change no value and are not told", missed.len());
    assert!(missed.len() * 10 < PLACES, "{missed:?}");
}

#[test]
fn whoever_would_work_with_a_damaged_row_refuses() {
    let dir = tempfile::tempdir().unwrap();
    drop(full(dir.path()));
    let damage = |sql: &str| assert!(raw(dir.path()).execute(sql, []).unwrap() > 0, "{sql}");
    let whole = fs::read(dir.path().join("cloudtally.db")).unwrap();
    let refused = |error: Option<StoreError>, row: &str| {
        let text = error.expect(row).to_string();
        assert!(text.contains(row) && text.contains("restore the whole data folder"), "{text}");
    };
    for (sql, row) in [
        ("UPDATE counter SET value = 0 WHERE name = 'events'", "`counter` (name events)"),
        ("UPDATE period SET events_seq = 9 WHERE start_ms % 7 >= 0", "`period` (start_ms "),
    ] {
        damage(sql);
        let store = Store::open_existing(dir.path()).unwrap();
        refused(try_writer(&store).err(), row);
        drop(store);
        put(dir.path(), &whole);
    }
    // What waits to be taken may be millions of rows: held against its checksums as it is.
    for (sql, row) in [
        ("UPDATE outbox_event SET size = 9", "`outbox_event` (seq 1)"),
        ("UPDATE outbox_sample SET bytes_sent = 9", "`outbox_sample` (seq 1)"),
        ("UPDATE outbox_account SET name = 'acne'", "`outbox_account` (seq 1)"),
    ] {
        damage(sql);
        let store = Store::open_existing(dir.path()).unwrap();
        let held = writer(&store);
        let error = match row {
            _ if row.contains("event") => held.told_events(0, 9).err(),
            _ if row.contains("sample") => held.told_samples(0, 9).err(),
            _ => held.told_accounts(0, 9).err(),
        };
        refused(error, row);
        drop((held, store));
        put(dir.path(), &whole);
    }
    for (sql, row) in [
        ("UPDATE thing SET state = 'Allocated' WHERE thing_id = 4", "`thing` (thing_id 4)"),
        ("UPDATE cloud_number SET value = 99", "`cloud_number` (name next_id)"),
        ("UPDATE ledger SET end_ms = 99", "`ledger` (number 1)"),
    ] {
        damage(sql);
        let store = Store::open_existing(dir.path()).unwrap();
        let error = journal(&store).unwrap().load().unwrap_err();
        assert!(error.to_string().contains(row), "{error}");
        refused(store.kept().err(), row);
        drop(store);
        put(dir.path(), &whole);
    }
    damage("UPDATE account SET name = 'acne' WHERE account_id = 3");
    let store = Store::open_existing(dir.path()).unwrap();
    refused(store.accounts().err(), "`account` (source_id 1, account_id 3)");
    drop(store);
    put(dir.path(), &whole);
    let store = Store::open_existing(dir.path()).unwrap();
    let held = writer(&store);
    damage("UPDATE event_file SET ids = zeroblob(8) WHERE seq = (SELECT min(seq) FROM event_file)");
    refused(held.known_events(&source()).err(), "`event_file` (seq ");
}

#[test]
fn a_later_change_of_a_damaged_row_does_not_certify_the_damage() {
    let dir = tempfile::tempdir().unwrap();
    drop(full(dir.path()));
    let store = Store::open_existing(dir.path()).unwrap();
    let held = writer(&store);
    let sql = "UPDATE job SET started_ms = started_ms + 1";
    assert!(raw(dir.path()).execute(sql, []).unwrap() > 0);
    let job = cloudtally_store::JobRun { id: 1, finished_ms: Some(8), ..Default::default() };
    held.finish_job(&job).unwrap();
    drop(held);
    let told = told(dir.path());
    assert!(told.iter().any(|text| text.contains("`job` (job_id 1)")), "{told:?}");
}

#[test]
fn an_id_set_of_other_events_than_those_of_the_file_is_told() {
    let dir = tempfile::tempdir().unwrap();
    drop(full(dir.path()));
    let connection = raw(dir.path());
    // Two files of as many events.
    let sql = "SELECT a.seq, b.seq, a.path FROM event_file a JOIN event_file b USING (row_count)
               WHERE a.seq < b.seq";
    let (one, other, path): (i64, i64, String) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let sql =
        "UPDATE event_file SET ids = (SELECT ids FROM event_file WHERE seq = ?2) WHERE seq = ?1";
    assert_eq!(connection.execute(sql, [one, other]).unwrap(), 1);
    drop(connection);
    let told = told(dir.path());
    let wanted = format!("the set of ids that the catalogue keeps of `{path}` is not that of");
    assert!(told.iter().any(|text| text.contains(&wanted)), "{told:?}");
}

/// Rows that are what was written, beside files of other content: nobody but `verify` reads
/// the files whole.
#[test]
fn a_file_of_other_content_than_the_catalogue_says_is_told() {
    let dir = tempfile::tempdir().unwrap();
    drop(full(dir.path()));
    let whole = fs::read(dir.path().join("cloudtally.db")).unwrap();
    let snapshot = Store::open_read_only(dir.path()).unwrap().snapshot().unwrap();
    // The last period is an open one.
    let (samples, records) = (&snapshot.sample_files[0].path, &snapshot.periods[1].records.path);
    // Two generations with as many records, of other accounts.
    let store = Store::open_existing(dir.path()).unwrap();
    let held = writer(&store);
    let last = &snapshot.periods[1];
    let mut others = store.read_records(last, &snapshot.sources).unwrap();
    for record in &mut others {
        record.account.0 += 7;
    }
    let draft = PeriodDraft {
        period: last.period,
        records: Some(&others),
        open: None,
        counters: None,
        anomalies: None,
        inputs: Inputs::default(),
    };
    held.publish(vec![held.stage(&draft, &snapshot.sources).unwrap()]).unwrap();
    drop((held, store));
    settle(dir.path());
    // The rows of one and the index of the other, which stands behind the last column.
    let snapshot = Store::open_read_only(dir.path()).unwrap().snapshot().unwrap();
    let [before, after] = [records, &snapshot.periods[1].records.path]
        .map(|path| fs::read(dir.path().join(path)).unwrap());
    let start = index_start(&before);
    assert_eq!((start, before.len()), (index_start(&after), after.len()));
    let mixed = [&before[..start], &after[start..]].concat();
    let sha256: String = Sha256::digest(&mixed).iter().map(|b| format!("{b:02x}")).collect();
    set_blocks(dir.path(), records, &mixed);
    fs::write(dir.path().join(records), mixed).unwrap();
    let other_index =
        format!("UPDATE record_file SET sha256 = '{sha256}' WHERE path = '{}'", records.display());
    let kept = format!(
        "the stretch of time that the catalogue keeps of `{}` is not that of",
        samples.display()
    );
    let written = format!("the key index in `{}` is not that of its ", records.display());
    for (sql, wanted) in [
        ("UPDATE sample_file SET first_sampled_ms = first_sampled_ms - 1", kept),
        (&*other_index, written),
    ] {
        assert!(raw(dir.path()).execute(sql, []).unwrap() > 0, "{sql}");
        let told = told(dir.path());
        assert!(told.iter().any(|text| text.contains(&wanted)), "{sql}: {told:?}");
    }
    put(dir.path(), &whole);
}

/// The offset of the key index in a file of records, by the note in its footer.
fn index_start(file: &[u8]) -> usize {
    let note = b"cloudtally.key_index";
    let at = file.windows(note.len()).position(|bytes| bytes == note).unwrap() + note.len();
    // The note's length stands between its name and its text: `1 4711 ...`.
    let text = String::from_utf8_lossy(&file[at..at + 40]).into_owned();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Makes the catalogue say that these are the blocks of a file, in a row that is what was
/// written.
fn set_blocks(dir: &Path, path: &Path, content: &[u8]) {
    let path = path.to_str().unwrap();
    let blocks = content.chunks(16 * 1024).flat_map(|block| xxh3_64(block).to_le_bytes());
    let blocks: Vec<u8> = blocks.collect();
    // As the function hashes the row: type, length and bytes of each value.
    let mut row = Xxh3Default::new();
    for (kind, value) in [(3, &b"file_block"[..]), (3, path.as_bytes()), (4, &blocks[..])] {
        row.update(&[kind]);
        row.update(&(value.len() as u64).to_le_bytes());
        row.update(value);
    }
    let checksum = row.digest().cast_signed() & i64::MAX;
    let sql = "UPDATE file_block SET blocks = ?1, checksum = ?2 WHERE path = ?3";
    let row = rusqlite::params![blocks, checksum, path];
    assert_eq!(raw(dir).execute(sql, row).unwrap(), 1);
}

/// A file by its checksum, and yet no rows: skipped in silence, its events would be taken
/// again by the next `ingest`.
#[test]
fn a_file_that_no_decoder_reads_is_told_though_its_checksum_is_right() {
    let dir = tempfile::tempdir().unwrap();
    drop(full(dir.path()));
    let snapshot = Store::open_read_only(dir.path()).unwrap().snapshot().unwrap();
    let period = &snapshot.periods[0];
    for (table, path) in [
        ("event_file", &snapshot.event_files[0].path),
        ("sample_file", &snapshot.sample_files[0].path),
        ("record_file", &period.records.path),
        ("open_file", &period.segments.as_ref().unwrap().path),
        ("open_file", &period.counters.as_ref().unwrap().path),
    ] {
        let file = dir.path().join(path);
        let whole = fs::read(&file).unwrap();
        let mut damaged = whole.clone();
        let (middle, end) = (damaged.len() - 12, damaged.len() - 8);
        damaged[middle..end].fill(0xff);
        fs::write(&file, &damaged).unwrap();
        let sum = |bytes: &[u8]| -> String {
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let set = |sum: &str| {
            let sql = format!("UPDATE {table} SET sha256 = ?1 WHERE path = ?2");
            let path = path.to_str().unwrap();
            assert_eq!(raw(dir.path()).execute(&sql, [sum, path]).unwrap(), 1);
        };
        let set_blocks = |bytes: &[u8]| set_blocks(dir.path(), path, bytes);
        set(&sum(&damaged));
        set_blocks(&damaged);
        let findings = Store::open_read_only(dir.path()).unwrap().verify(&mut |_, _| {}).unwrap();
        let of_file: Vec<_> = findings.iter().filter(|one| one.path == *path).collect();
        assert_eq!(of_file.len(), 1, "{path:?}: {findings:?}");
        assert!(of_file[0].text.contains("it is what was written and cannot be read"));
        fs::write(&file, &whole).unwrap();
        set(&sum(&whole));
        let findings = told(dir.path());
        assert!(findings.iter().any(|one| one.contains("the checksums of its blocks")));
        set_blocks(&whole);
        assert_eq!(told(dir.path()), [""; 0]);
    }
}

#[test]
fn other_programs_read_the_catalogue_as_before() {
    let dir = tempfile::tempdir().unwrap();
    drop(full(dir.path()));
    assert!(!content(dir.path()).is_empty());
    let connection = Connection::open(dir.path().join("cloudtally.db")).unwrap();
    for view in ["lake_file", "current_record_file"] {
        let sql = format!("SELECT count(*) FROM {view}");
        let rows: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert!(rows > 0, "{view}");
    }
    let refused = connection.execute("UPDATE setting SET value = '61'", []).unwrap_err();
    assert!(refused.to_string().contains("checksum_of"), "{refused}");
}
