//! A folder that lived ahead of time, set back.

use cloudtally_model::{Instant, Millis};
use cloudtally_store::{Store, StoreError};

use crate::{
    damage::{publish_again, world},
    rows::{full, raw, settle},
    support::{assert_clean, day, source, writer},
};

/// Some time on the second day of the year; the periods of it and behind it are withdrawn.
fn to() -> Instant {
    day(1).start + Millis::HOUR
}

fn retired(dir: &std::path::Path) -> Vec<String> {
    let connection = raw(dir);
    let mut statement = connection.prepare("SELECT path FROM retired_file ORDER BY path").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Whoever looked at the catalogue before a file was replaced reads it for an hour more,
/// unless the period itself is withdrawn.
#[test]
fn replaced_files_stay_for_their_readers_but_those_of_withdrawn_periods() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = world(dir.path());
    let held = writer(&store);
    publish_again(&held);
    publish_again(&held);
    let before = retired(dir.path());
    let is_of = |number: i64| {
        let folder = format!("/{}T", ["20260101", "20260102"][usize::try_from(number).unwrap()]);
        move |path: &&String| path.contains(&folder)
    };
    let (kept, withdrawn): (Vec<&String>, Vec<&String>) = before.iter().partition(is_of(0));
    assert!(kept.len() >= 2 && withdrawn.len() >= 2, "{before:?}");
    held.set_back(&source(), to(), to()).unwrap();
    assert_eq!(retired(dir.path()).iter().collect::<Vec<_>>(), kept);
    for path in kept {
        assert!(dir.path().join(path).exists(), "{path} stays");
    }
    for path in withdrawn {
        assert!(!dir.path().join(path).exists(), "{path} goes");
    }
    // The names of the withdrawn period come again.
    publish_again(&held);
    publish_again(&held);
    drop(held);
    assert_clean(dir.path());
}

/// A change of a part of a damaged row, in tables of which the repair changes a part or
/// goes by the whole: set back, the damage would look like what was written.
#[test]
fn a_damaged_row_is_refused_with_its_key_and_gets_no_fresh_checksum() {
    let dir = tempfile::tempdir().unwrap();
    drop(full(dir.path()));
    for (damage, row) in [
        ("account SET name = 'acne' WHERE account_id = 3", "`account` (source_id 1, account_id 3)"),
        ("account_removal SET after_ms = after_ms + 1", "`account_removal` (seq 1)"),
        ("ingest_run SET accepted = accepted + 1 WHERE run_id = 1", "`ingest_run` (run_id 1)"),
        ("job SET records = records + 1", "`job` (job_id 1)"),
        ("source_complete SET through_ms = through_ms + 1", "`source_complete` (source_id 1)"),
        (
            "event_file SET last_created_ms = 1 WHERE seq = (SELECT min(seq) FROM event_file)",
            "`event_file` (seq ",
        ),
        ("sample_file SET last_sampled_ms = 1 WHERE seq = 1", "`sample_file` (seq 1)"),
        ("open_file SET row_count = 7 WHERE version = 1", "`open_file` (start_ms "),
        ("record_file SET row_count = 7 WHERE generation = 1", "`record_file` (start_ms "),
    ] {
        settle(dir.path());
        let database = dir.path().join("cloudtally.db");
        let whole = std::fs::read(&database).unwrap();
        let store = Store::open_existing(dir.path()).unwrap();
        let held = writer(&store);
        let sum = |text: &str| -> i64 {
            let table = text.split(' ').next().unwrap();
            let sql = format!("SELECT sum(checksum % 1000003) FROM {table}");
            raw(dir.path()).query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let before = sum(damage);
        assert!(raw(dir.path()).execute(&format!("UPDATE {damage}"), []).unwrap() > 0, "{damage}");
        let refused = |error: StoreError| {
            let text = error.to_string();
            assert!(text.contains(row) && text.contains("restore the whole data folder"), "{text}");
        };
        refused(held.lived_ahead(&source(), to()).unwrap_err());
        refused(held.set_back(&source(), to(), to()).unwrap_err());
        assert_eq!(sum(damage), before, "{damage}: no fresh checksum");
        drop((held, store));
        crate::rows::put(dir.path(), &whole);
    }
}
