//! Checksums of rows: one changed bit of any value of the catalogue is seen.
//!
//! Triggers keep them with a function that every connection of ours has, so that no
//! statement can forget them; `sql/migrations/0010_checksums.sql` says more.

use rusqlite::{
    Connection,
    functions::FunctionFlags,
    types::{Value, ValueRef},
};
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    db::Db,
    sql::{self, checksums as of},
};
use crate::StoreError;

/// The function's name in SQL.
const FUNCTION: &str = "checksum_of";
/// Keys told of one table.
const KEYS_MAX: usize = 20;

/// A table, and the query of its rows that are not what was written.
type Table = (&'static str, &'static str);

/// All tables with checksums.
pub(crate) const TABLES: [Table; 41] = [
    ("account", of::ACCOUNT),
    COUNTER,
    PERIOD,
    ("setting", of::SETTING),
    ("admin_key", of::ADMIN_KEY),
    ("source", of::SOURCE),
    ("source_complete", of::SOURCE_COMPLETE),
    EVENT_FILE,
    ("sample_file", of::SAMPLE_FILE),
    ("record_file", of::RECORD_FILE),
    PUBLICATION,
    CORRECTION_FILE,
    ("empty_stretch", of::EMPTY_STRETCH),
    ("open_file", of::OPEN_FILE),
    ("retired_file", of::RETIRED_FILE),
    ("file_block", of::FILE_BLOCK),
    ("account_removal", of::ACCOUNT_REMOVAL),
    ACCOUNT_CHANGE,
    ("ingest_run", of::INGEST_RUN),
    ("quarantine", of::QUARANTINE),
    ("quarantine_kind", of::QUARANTINE_KIND),
    ("unmetered_event", of::UNMETERED_EVENT),
    ("dropped_sample", of::DROPPED_SAMPLE),
    CLOSING,
    RESTATED,
    ADJUSTMENT,
    PRUNED,
    PRUNED_EVENT_FILE,
    ("anomaly", of::ANOMALY),
    ("job", of::JOB),
    ("thing", of::THING),
    CLOUD_NUMBER,
    ("outbox_event", of::OUTBOX_EVENT),
    ("outbox_sample", of::OUTBOX_SAMPLE),
    ("outbox_account", of::OUTBOX_ACCOUNT),
    ("ledger", of::LEDGER),
    ("day_sheet", of::DAY_SHEET),
    ("correction_note", of::CORRECTION_NOTE),
    ("mended_event", of::MENDED_EVENT),
    ("pull_mark", of::PULL_MARK),
    LEASE,
];

/// The numbers of the cloud.
pub(crate) const CLOUD_NUMBER: Table = ("cloud_number", of::CLOUD_NUMBER);
/// The files of events, with the sets of their ids.
pub(crate) const EVENT_FILE: Table = ("event_file", of::EVENT_FILE);
const ACCOUNT_CHANGE: Table = ("account_change", of::ACCOUNT_CHANGE);
const CORRECTION_FILE: Table = ("correction_file", of::CORRECTION_FILE);
/// The right to write.
const LEASE: Table = ("lease", of::LEASE);
const COUNTER: Table = ("counter", of::COUNTER);
const PERIOD: Table = ("period", of::PERIOD);
const PUBLICATION: Table = ("publication", of::PUBLICATION);
const RECORD_FILE: Table = ("record_file", of::RECORD_FILE);
const CLOSING: Table = ("closing", of::CLOSING);
const RESTATED: Table = ("restated", of::RESTATED);
const ADJUSTMENT: Table = ("adjustment", of::ADJUSTMENT);
const PRUNED: Table = ("pruned", of::PRUNED);
/// The ids of events that are gone.
pub(crate) const PRUNED_EVENT_FILE: Table = ("pruned_event_file", of::PRUNED_EVENT_FILE);
const SOURCE: Table = ("source", of::SOURCE);

/// The tables that a cloud is read from when it is opened. What it has told is held against
/// its checksums as it is taken (`outbox`).
pub(crate) const OF_A_CLOUD: &[Table] = &[
    ("thing", of::THING),
    CLOUD_NUMBER,
    ("setting", of::SETTING),
    ("admin_key", of::ADMIN_KEY),
    ("ledger", of::LEDGER),
];

/// The tables that a writer of the lake goes by. Those of files are held against the files,
/// what our own cloud has told as it is taken.
pub(crate) const OF_A_WRITER: &[Table] = &[
    COUNTER,
    PERIOD,
    LEASE,
    ("setting", of::SETTING),
    ("source", of::SOURCE),
    ("source_complete", of::SOURCE_COMPLETE),
    ("empty_stretch", of::EMPTY_STRETCH),
    ("account_removal", of::ACCOUNT_REMOVAL),
    PUBLICATION,
    CLOSING,
    RESTATED,
    ADJUSTMENT,
    PRUNED,
];

/// The tables that records are found by.
pub(crate) const OF_RECORDS: &[Table] = &[PERIOD, RECORD_FILE, SOURCE];
/// The tables that tell which generation was published when.
pub(crate) const OF_PUBLICATIONS: &[Table] = &[PUBLICATION, RECORD_FILE, PRUNED];
/// The tables that corrections are found by.
pub(crate) const OF_CORRECTIONS: &[Table] = &[PERIOD, PUBLICATION, CORRECTION_FILE, SOURCE];

/// The tables that tell what the folder holds.
pub(crate) const OF_A_SNAPSHOT: &[Table] = &[
    SOURCE,
    EVENT_FILE,
    ("sample_file", of::SAMPLE_FILE),
    PERIOD,
    RECORD_FILE,
    ("open_file", of::OPEN_FILE),
    ("empty_stretch", of::EMPTY_STRETCH),
    ("account_removal", of::ACCOUNT_REMOVAL),
    ("source_complete", of::SOURCE_COMPLETE),
    CLOSING,
    RESTATED,
    ADJUSTMENT,
    PRUNED,
];

/// The tables of the account dimension.
pub(crate) const OF_ACCOUNTS: &[Table] = &[("account", of::ACCOUNT), COUNTER, SOURCE];
/// The tables that tell what accounts said before.
pub(crate) const OF_CHANGES: &[Table] = &[ACCOUNT_CHANGE, SOURCE];
/// The closings.
pub(crate) const OF_CLOSINGS: &[Table] = &[CLOSING];
/// The settings.
pub(crate) const OF_SETTINGS: &[Table] = &[("setting", of::SETTING)];
/// Samples that were taken out.
pub(crate) const OF_DROPPED: &[Table] = &[("dropped_sample", of::DROPPED_SAMPLE), SOURCE];

/// Gives a connection the function.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(FUNCTION, -1, flags, |context| {
        Ok(checksum((0..context.len()).map(|at| context.get_raw(at))))
    })
}

/// A hash of values with their types and lengths, never negative.
fn checksum<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> i64 {
    let mut hash = Xxh3Default::new();
    for value in values {
        let (kind, number): (u8, [u8; 8]) = match value {
            ValueRef::Null => (0, [0; 8]),
            ValueRef::Integer(number) => (1, number.to_le_bytes()),
            ValueRef::Real(number) => (2, number.to_le_bytes()),
            ValueRef::Text(text) => (3, (text.len() as u64).to_le_bytes()),
            ValueRef::Blob(blob) => (4, (blob.len() as u64).to_le_bytes()),
        };
        hash.update(&[kind]);
        hash.update(&number);
        if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = value {
            hash.update(bytes);
        }
    }
    hash.digest().cast_signed() & i64::MAX
}

/// Lists the rows of tables that are not what was written, a text a row.
pub(crate) fn damaged(db: &Db, tables: &[Table]) -> Result<Vec<String>, StoreError> {
    let mut wrong = Vec::new();
    for (table, query) in tables {
        let keys: Vec<Value> = db.rows(query, [], |row| row.get(0).or(Ok(Value::Null)))?;
        wrong.extend(keys.iter().take(KEYS_MAX).map(|key| {
            let key = match key {
                Value::Text(key) => key.as_str(),
                _ => "its key cannot be read",
            };
            not_as_written(table, key)
        }));
        if keys.len() > KEYS_MAX {
            let count = keys.len() - KEYS_MAX;
            wrong.push(format!("{count} more rows of `{table}` are not what was written"));
        }
    }
    Ok(wrong)
}

/// Names a damaged row by its table and key.
pub(crate) fn not_as_written(table: &str, key: &str) -> String {
    format!("the row of `{table}` ({key}) is not what was written")
}

/// Refuses to go on with a damaged row of the tables.
///
/// # Errors
/// `DatabaseDamaged` with the table and the key.
pub(crate) fn refuse_damaged(db: &Db, tables: &[Table]) -> Result<(), StoreError> {
    match damaged(db, tables)?.into_iter().next() {
        Some(what) => Err(db.damaged(what)),
        None => Ok(()),
    }
}

/// Refuses to answer from tables of which a row is not what was written, or of whose pages
/// some are out of order, so that rows might be missing.
///
/// # Errors
/// `DatabaseDamaged` with the table.
pub(crate) fn refuse_untrusted(db: &Db, tables: &[Table]) -> Result<(), StoreError> {
    let text = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    if let Some(names) = db.rows(sql::connection::SHARED_ROOTS, [], text)?.into_iter().next() {
        return Err(db.damaged(format!("{names} lie at one place")));
    }
    for (table, _) in tables {
        let found = db.rows(sql::connection::QUICK_CHECK, [table], text)?;
        if found != ["ok"] {
            return Err(db.damaged(format!("the table `{table}`: {}", found.join("; "))));
        }
    }
    refuse_damaged(db, tables)
}
