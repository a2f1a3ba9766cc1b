//! Findings of `verify` on damaged folders.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use cloudtally_store::{
    Finding, Inputs, PeriodDraft, RecordFilter, Severity, Store, StoreError, Stream, Writer,
};

use crate::support::{
    ALL, assert_clean, counter, day, event, records, run, sample, segment, source, writer,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with one file of each kind; their paths.
pub(crate) fn world(dir: &Path) -> (Store, Vec<PathBuf>) {
    let store = Store::open(dir).unwrap();
    let writer = writer(&store);
    let mut known = writer.known_events(&source()).unwrap();
    writer.append_events(&mut known, vec![event(1, 1)], &[], &mut run(Stream::Events)).unwrap();
    let samples = vec![sample(1, 1)];
    writer.append_samples(&source(), samples, &[], &mut run(Stream::Samples)).unwrap();
    let (records, open) = (records(day(0), 20), [segment(1, day(0).start)]);
    let draft = PeriodDraft {
        period: day(0),
        records: Some(&records),
        open: Some(&open),
        counters: Some(&[counter(1, day(0))]),
        anomalies: None,
        inputs: Inputs::default(),
    };
    let snapshot = store.snapshot().unwrap();
    writer.publish(vec![writer.stage(&draft, &snapshot.sources).unwrap()]).unwrap();
    let snapshot = store.snapshot().unwrap();
    let period = snapshot.periods[0].clone();
    let paths = vec![
        snapshot.event_files[0].path.clone(),
        snapshot.sample_files[0].path.clone(),
        period.records.path,
        period.segments.unwrap().path,
        period.counters.unwrap().path,
    ];
    (store, paths)
}

/// Publishes the folder's period anew, with files of all kinds, and the next one.
pub(crate) fn publish_again(writer: &Writer) {
    let snapshot = writer.snapshot().unwrap();
    for number in [0, 1] {
        let records = records(day(number), 30);
        let draft = PeriodDraft {
            period: day(number),
            records: Some(&records),
            open: Some(&[segment(2, day(number).start)]),
            counters: Some(&[counter(2, day(number))]),
            anomalies: None,
            inputs: Inputs::default(),
        };
        writer.publish(vec![writer.stage(&draft, &snapshot.sources).unwrap()]).unwrap();
    }
}

/// The path and text of the only finding.
///
/// Other tests start processes, and such a one holds a copy of every lock of this
/// process until it runs a program of its own. For so long it may look as if
/// somebody were writing, and files without a name would not be found yet.
fn only_finding(store: &Store, severity: Severity) -> (PathBuf, String) {
    let mut findings = findings(store);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let finding = findings.remove(0);
    assert_eq!(finding.severity, severity);
    (finding.path, finding.text)
}

/// Waits for findings, and returns them.
pub(crate) fn findings(store: &Store) -> Vec<Finding> {
    let began = Instant::now();
    let mut findings = Vec::new();
    while findings.is_empty() && began.elapsed() < PATIENCE {
        findings = store.verify(&mut |_, _| {}).unwrap();
    }
    findings
}

#[test]
fn one_changed_byte_of_any_file_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let (store, paths) = world(dir.path());
    assert_clean(dir.path());
    for path in paths {
        let file = dir.path().join(&path);
        let whole = fs::read(&file).unwrap();
        for (place, word) in
            [(0, "changed"), (whole.len() / 2, "changed"), (whole.len() - 1, "changed")]
        {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(&file, &damaged).unwrap();
            let (found, text) = only_finding(&store, Severity::Error);
            assert_eq!(found, path);
            assert!(text.contains(word) && text.contains("restore"), "{text}");
        }
        fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        assert!(only_finding(&store, Severity::Error).1.contains("truncated"));
        fs::remove_file(&file).unwrap();
        let (found, text) = only_finding(&store, Severity::Error);
        assert!(found == path && text.contains("missing"), "{text}");
        fs::write(&file, &whole).unwrap();
        // A restored file is another one than its link leads to.
        drop(writer(&store));
    }
    assert_clean(dir.path());
}

#[test]
fn a_file_that_nothing_names_is_found_and_then_removed_by_a_writer() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = world(dir.path());
    let stray = Path::new("generations/20260101T000000Z/77.parquet");
    fs::write(dir.path().join(stray), "half a file").unwrap();
    let (found, text) = only_finding(&store, Severity::Warning);
    assert!(found == stray && text.contains("does not name"), "{text}");
    let holding = writer(&store);
    assert!(!dir.path().join(stray).exists());
    assert_eq!(store.verify(&mut |_, _| {}).unwrap(), []);
    drop(holding);
}

#[test]
fn reading_a_missing_or_damaged_file_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, paths) = world(dir.path());
    let file = dir.path().join(&paths[2]);
    let set = store.records(ALL, &RecordFilter::default()).unwrap();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let error = set.page(0, 5).unwrap_err();
    assert!(matches!(&error, StoreError::DamagedFile { path, .. } if *path == file), "{error}");
    fs::remove_file(&file).unwrap();
    let error = set.page(0, 5).unwrap_err();
    assert!(matches!(&error, StoreError::MissingFile { path } if *path == file), "{error}");
}

#[test]
fn checksums_are_what_sha256sum_prints() {
    let dir = tempfile::tempdir().unwrap();
    let (_, paths) = world(dir.path());
    let database = rusqlite::Connection::open(dir.path().join("cloudtally.db")).unwrap();
    let mut query = database.prepare("SELECT sha256 || '  ' || path FROM lake_file").unwrap();
    let lines: Vec<String> =
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(lines.len(), paths.len());
    let list = dir.path().join("sums");
    fs::write(&list, lines.join("\n") + "\n").unwrap();
    let checked = std::process::Command::new("sha256sum")
        .args(["--check", "--quiet", "--strict"])
        .arg(&list)
        .current_dir(dir.path())
        .status();
    match checked {
        Ok(status) => assert!(status.success()),
        Err(e) => eprintln!("no sha256sum here, not compared: {e}"),
    }
}
