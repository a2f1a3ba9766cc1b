//! `DATA/records`: the current generation of each period and nothing else, for any
//! reader of Parquet.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use cloudtally_store::{PeriodDraft, RecordFilter, Severity, Store, StoreError, Writer};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{
    rows::raw,
    support::{ALL, all_records, assert_clean, day, records, source, writer},
};

fn publish(writer: &Writer, number: i64, count: u64) -> Result<(), StoreError> {
    let records = records(day(number), count);
    let draft = PeriodDraft {
        period: day(number),
        records: Some(&records),
        open: Some(&[]),
        counters: None,
        anomalies: None,
        inputs: Default::default(),
    };
    writer.publish(vec![writer.stage(&draft, &writer.snapshot()?.sources)?])
}

/// The files that `records/*.parquet` names, in order.
fn glob(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("records")).unwrap().map(|entry| entry.unwrap().path());
    let is_parquet = |path: &PathBuf| path.extension().is_some_and(|e| e == "parquet");
    let mut files: Vec<PathBuf> = entries.filter(is_parquet).collect();
    files.sort();
    files
}

/// Rows and the sum of `quantity`, as a tool that knows nothing of us reads them.
fn read(files: &[PathBuf]) -> (u64, i64) {
    let (mut rows, mut sum) = (0, 0);
    for file in files {
        let file = File::open(file).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        for batch in reader {
            let batch = batch.unwrap();
            rows += batch.num_rows() as u64;
            let quantity = batch.column_by_name("quantity").unwrap();
            sum += quantity.as_primitive::<Int64Type>().values().iter().sum::<i64>();
        }
    }
    (rows, sum)
}

fn billed(store: &Store) -> (u64, i64) {
    let all = all_records(store);
    (all.len() as u64, all.iter().map(|served| served.record.quantity).sum())
}

#[test]
fn the_folder_is_the_bill_after_late_events_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    publish(&writer, 0, 20).unwrap();
    publish(&writer, 1, 30).unwrap();
    let names = ["20260101T000000Z.parquet", "20260102T000000Z.parquet"];
    assert_eq!(glob(dir.path()), names.map(|name| dir.path().join("records").join(name)));
    assert_eq!(read(&glob(dir.path())), billed(&store));

    // A reader in progress keeps what it reads, ours and any other.
    let set = store.records(ALL, &RecordFilter::default()).unwrap();
    let reading = File::open(&glob(dir.path())[0]).unwrap();
    publish(&writer, 0, 25).unwrap();
    assert_eq!((billed(&store).0, set.count()), (55, 50));
    assert_eq!(read(&glob(dir.path())), billed(&store));
    assert_eq!(set.page(0, 99).unwrap().len(), 50);
    let before = ParquetRecordBatchReaderBuilder::try_new(reading).unwrap().build().unwrap();
    assert_eq!(before.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 20);

    let generations = fs::read_dir(dir.path().join("generations/20260101T000000Z")).unwrap();
    assert_eq!(generations.count(), 2, "history stays elsewhere");
    drop(writer);
    assert_clean(dir.path());
}

#[test]
fn what_is_missing_or_wrong_is_told_and_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let first = writer(&store);
    first.source(&source()).unwrap();
    publish(&first, 0, 20).unwrap();
    publish(&first, 1, 30).unwrap();
    publish(&first, 0, 25).unwrap();
    drop(first);
    let link = dir.path().join("records/20260101T000000Z.parquet");
    let old = dir.path().join("generations/20260101T000000Z/1.parquet");
    let stray = dir.path().join("records/20260109T000000Z.parquet");
    type Break<'a> = &'a dyn Fn();
    let breaks: [(Severity, Break<'_>); 4] = [
        (Severity::Warning, &|| fs::remove_file(&link).unwrap()),
        (Severity::Error, &|| {
            fs::remove_file(&link).unwrap();
            fs::hard_link(&old, &link).unwrap();
        }),
        (Severity::Error, &|| {
            fs::remove_file(&link).unwrap();
            fs::write(&link, "not a bill").unwrap();
        }),
        (Severity::Warning, &|| fs::hard_link(&old, &stray).unwrap()),
    ];
    for (number, (severity, how)) in breaks.into_iter().enumerate() {
        how();
        let findings = crate::damage::findings(&store);
        assert_eq!(findings.len(), 1, "{number}: {findings:?}");
        assert_eq!(findings[0].severity, severity, "{number}");
        assert!(findings[0].path.starts_with("records"), "{findings:?}");
        drop(writer(&store));
        assert_eq!(read(&glob(dir.path())), billed(&store), "{number}");
        assert_clean(dir.path());
    }
    fs::remove_dir_all(dir.path().join("records")).unwrap();
    drop(writer(&store));
    assert_eq!(read(&glob(dir.path())), billed(&store));
}

/// Takes the checksums of rows and their triggers away, as they were not there before.
fn without_checksums(database: &rusqlite::Connection) {
    let names = |kind: &str| -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = ?1 AND name NOT LIKE 'sqlite_%'";
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([kind], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for trigger in names("trigger") {
        database.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    for table in names("table") {
        database.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN checksum")).unwrap();
    }
}

#[test]
fn a_folder_of_the_earlier_layout_moves_and_its_readers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let first = writer(&store);
    first.source(&source()).unwrap();
    publish(&first, 0, 20).unwrap();
    publish(&first, 1, 30).unwrap();
    publish(&first, 0, 25).unwrap();
    let expected = all_records(&store);
    drop((first, store));
    // As it was before: every generation below `records`, and a catalogue that says so.
    fs::remove_dir_all(dir.path().join("records")).unwrap();
    fs::rename(dir.path().join("generations"), dir.path().join("records")).unwrap();
    let database = raw(dir.path());
    without_checksums(&database);
    database
        .execute_batch(
            "UPDATE record_file SET path = 'records/' || substr(path, length('generations/') + 1);
             ALTER TABLE record_file ADD COLUMN key_index BLOB NOT NULL DEFAULT x'00';
             DROP TABLE IF EXISTS file_block;
             DELETE FROM counter WHERE name = 'format';
             DROP TABLE IF EXISTS empty_stretch;
             DROP TABLE IF EXISTS dropped_sample;
             DROP VIEW lake_file;
             CREATE VIEW lake_file AS SELECT path FROM event_file;
             DROP TABLE day_sheet;
             DROP TABLE correction_note;
             DROP TABLE mended_event;
             DROP TABLE pull_mark;
             DROP TABLE lease;
             DROP TABLE correction_file;
             DROP TABLE publication;
             DROP TABLE account_change;
             DROP TABLE pruned_event_file;
             DROP TABLE pruned;
             DROP TABLE adjustment;
             DROP TABLE restated;
             DROP TABLE closing;
             DROP INDEX quarantine_by_kind;
             ALTER TABLE quarantine DROP COLUMN kind;
             DROP TABLE quarantine_kind;
             DROP TABLE unmetered_event;
             PRAGMA user_version = 6;",
        )
        .unwrap();
    drop(database);
    let reading = dir.path().join("records/20260101T000000Z/2.parquet");
    assert!(reading.exists());

    let refused = Store::open_existing(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::EarlierFormat { found: 1, .. }), "{refused}");
    let upgrade = Store::upgrade(dir.path(), &|_, _| {}).unwrap().unwrap();
    let store = Store::open_existing(dir.path()).unwrap();
    assert_eq!(all_records(&store), expected);
    drop(writer(&store));
    assert!(reading.exists(), "for those who looked at the catalogue before");
    assert_eq!(read(&glob(dir.path())), billed(&store));
    let again = writer(&store);
    publish(&again, 1, 31).unwrap();
    assert_eq!(read(&glob(dir.path())), billed(&store));
    drop(again);
    assert_clean(dir.path());
    // Once their time is over they go, and so do their folders.
    let database = raw(dir.path());
    let retired = database.execute("UPDATE retired_file SET retired_ms = 0", []).unwrap();
    assert_eq!(retired as u64, 5 + upgrade.files);
    drop(writer(&store));
    assert!(!reading.exists());
    assert_eq!(fs::read_dir(dir.path().join("records")).unwrap().count(), 2);
    assert_clean(dir.path());
}
