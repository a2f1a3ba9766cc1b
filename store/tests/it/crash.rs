//! Killed at every step: the folder opens, checks clean, and after repeating the
//! operation says the same as an undisturbed one.
//!
//! The test binary starts itself again as the process to be killed; what that one
//! runs is [`work`], which like every command may be repeated after any crash.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use cloudtally_model::{
    Account, AccountId, Instant, Period,
    port::{ChangeSet, Journal, JournalError, UnknownFate, Value},
};
use cloudtally_store::{
    Anomaly, Inputs, PeriodDraft, QuarantinedRow, Store, StoreError, Stream, Writer, crash_points,
};

use crate::journal;
use crate::support::{
    assert_clean, counter, day, event, logical_content, records, run, sample, segment, source,
    try_writer,
};

const DIR: &str = "CLOUDTALLY_TEST_DIR";
/// The child's exit code if the work ended with "disk full" and nothing worse.
const DISK_FULL: i32 = 28;
/// The child's word for a change of which nobody knows whether it was kept.
const UNKNOWN: i32 = 29;

/// Everything a store can do, each step skipped if it is done already.
fn work(dir: &Path) -> Result<(), StoreError> {
    let store = Store::open(dir)?;
    let writer = try_writer(&store)?;
    append(&writer)?;
    publish(&writer, day(0), 20, 1)?;
    publish(&writer, day(1), 30, 1)?;
    publish(&writer, day(0), 25, 2)?;
    writer.compact()?;
    drop(writer);
    keep(&store)?;
    // A file that a crash might have left.
    let stray = dir.join("events/2026-01-01/.tmp-1-1");
    fs::write(&stray, "half a file").map_err(|e| StoreError::Callback(e.into()))?;
    try_writer(&store).map(drop)
}

fn append(writer: &Writer) -> Result<(), StoreError> {
    let mut known = writer.known_events(&source())?;
    for batch in 0..17u64 {
        // Two days in the first batches, many small files of the first day after.
        let minutes = if batch < 3 { 700 } else { 60 };
        let events = (0..4).map(|i| event(batch * 4 + i, i64::try_from(i).unwrap() * minutes));
        let events: Vec<_> = events.collect();
        let ids: Vec<u64> = events.iter().map(|event| event.id.0).collect();
        let there = known.among(writer, &ids)?;
        let news = events.into_iter().filter(|event| !there.contains(&event.id.0)).collect();
        let aside = QuarantinedRow {
            source: source(),
            stream: Stream::Events,
            input: "events.csv".to_owned(),
            row: batch,
            reason: "unreadable".to_owned(),
            raw: "?".to_owned(),
        };
        writer.append_events(&mut known, news, &[aside], &mut run(Stream::Events))?;
        let minute = i64::try_from(batch).unwrap();
        let samples = [sample(1, minute), sample(2, minute)];
        let stored = writer.stored_counters(&source(), &samples.iter().collect(), &[0, 1])?;
        let is_new = |(place, _): &(usize, _)| stored.iter().all(|(there, _)| there != place);
        let samples = samples.into_iter().enumerate().filter(is_new).map(|(_, s)| s).collect();
        writer.append_samples(&source(), samples, &[], &mut run(Stream::Samples))?;
    }
    let account = |id: u64, removed: Option<Instant>| Account {
        id: AccountId(id),
        name: "a".into(),
        uuid: None,
        account_type: None,
        domain: None,
        domain_path: None,
        state: None,
        created: None,
        removed,
    };
    let accounts = [account(2, Some(day(1).start)), account(3, None)];
    writer.upsert_accounts(&source(), &accounts, &[], &mut run(Stream::Accounts)).map(drop)
}

/// Publishes unless it is done; `events_seq` tells what the period has seen.
pub(crate) fn publish(
    writer: &Writer,
    period: Period,
    count: u64,
    events_seq: u64,
) -> Result<(), StoreError> {
    let snapshot = writer.snapshot()?;
    let published = snapshot.periods.iter().find(|published| published.period == period);
    if published.is_some_and(|published| published.inputs.events_seq >= events_seq) {
        return Ok(());
    }
    let records = records(period, count);
    let draft = PeriodDraft {
        period,
        records: Some(&records),
        open: Some(&[segment(count, period.start)]),
        counters: Some(&[counter(count, period)]),
        anomalies: Some(&[Anomaly {
            period,
            source: source(),
            event: None,
            usage_type: records[0].usage_type,
            resource: count.into(),
            at: period.start,
            text: "odd".to_owned(),
        }]),
        inputs: Inputs { events_seq, samples_seq: Some(events_seq), accounts_seq: 0 },
    };
    writer.publish(vec![writer.stage(&draft, &snapshot.sources)?])
}

/// Keeps four changes of the cloud, each unless it is done.
fn keep(store: &Store) -> Result<(), StoreError> {
    let kept = |error: JournalError| match error.downcast::<StoreError>() {
        Ok(error) => *error,
        Err(error) => StoreError::Callback(error),
    };
    let mut journal = journal::journal(store)?;
    let done = journal.load().map_err(kept)?.rows.len() as u64;
    for id in done + 1..=4 {
        let changes = ChangeSet {
            rows: vec![journal::row(id, vec![("size".into(), Value::Int(7))])],
            usage: vec![event(1000 + id, 1)],
            ..ChangeSet::default()
        };
        journal.commit(&changes).map_err(kept)?;
    }
    Ok(())
}

/// The process to be killed; not a test by itself.
#[test]
#[ignore = "run by the tests below as a process of its own"]
fn child() {
    let Some(dir) = env::var_os(DIR) else { return };
    match work(Path::new(&dir)) {
        Ok(()) => {}
        Err(StoreError::DiskFull { .. }) => std::process::exit(DISK_FULL),
        Err(StoreError::Callback(cause)) if cause.is::<UnknownFate>() => {
            assert!(cause.to_string().contains("may or may not"), "{cause}");
            std::process::exit(UNKNOWN)
        }
        Err(e) => panic!("{e}"),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    DiskFull,
    Killed,
    Unknown,
}

fn run_child(dir: &Path, variable: &str, point: &str, passing: u32) -> End {
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--test-threads", "1"])
        .env(DIR, dir)
        .env(variable, format!("{point}:{passing}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    match status.code() {
        Some(0) => End::Done,
        Some(DISK_FULL) => End::DiskFull,
        Some(UNKNOWN) => End::Unknown,
        Some(code) => panic!("{point}:{passing} ended with {code}"),
        None => End::Killed,
    }
}

fn undisturbed() -> String {
    let dir = tempfile::tempdir().unwrap();
    work(dir.path()).unwrap();
    assert_clean(dir.path());
    logical_content(dir.path())
}

fn check(variable: &str, expected_end: End, passings: &[u32]) {
    let expected = undisturbed();
    // Those of `upgrade` are passed by folders of an earlier format alone, those of backups
    // in `backup.rs`.
    let elsewhere = ["upgrade", "backup", "restore"];
    let is_here = |point: &&&str| !elsewhere.iter().any(|name| point.starts_with(name));
    for point in crash_points().iter().filter(is_here) {
        for passing in passings {
            let dir = tempfile::tempdir().unwrap();
            let end = run_child(dir.path(), variable, point, *passing);
            if end == End::Done && *passing > 1 {
                continue;
            }
            // The disk wrote all and could not say so.
            let is_kept = *point == "cloud.after_commit" && expected_end == End::DiskFull;
            let expected_end = if is_kept { End::Unknown } else { expected_end };
            assert_eq!(end, expected_end, "{point} is passed at least once");
            // Before anything is repeated: whole, whatever was being done.
            assert_clean_if_there(dir.path());
            work(dir.path()).unwrap_or_else(|e| panic!("repeating after {point}:{passing}: {e}"));
            assert_clean(dir.path());
            let content = logical_content(dir.path());
            assert!(content == expected, "after {point}:{passing}:\n{content}\nnot\n{expected}");
        }
    }
}

fn assert_clean_if_there(dir: &Path) {
    match Store::open_existing(dir) {
        Ok(_) => assert_clean(dir),
        Err(e) => assert!(matches!(e, StoreError::NoCatalogue { .. }), "{e}"),
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no crash points")]
fn killed_at_every_point_the_folder_stays_whole() {
    check("CLOUDTALLY_CRASH_AT", End::Killed, &[1, 4]);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no crash points")]
fn a_full_disk_at_every_point_loses_nothing() {
    check("CLOUDTALLY_FAIL_AT", End::DiskFull, &[1]);
}
