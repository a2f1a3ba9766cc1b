//! One changed bit, anywhere: every answer is the undamaged one or an error that names
//! the file, and nothing panics.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cloudtally_model::{AccountId, Instant, Millis, Period};
use cloudtally_store::{RecordFilter, Severity, Store, StoreError};

use crate::{
    damage::{publish_again, world},
    support::{ALL, day, source, try_writer, writer},
};

/// Places a file is changed at.
const PLACES: u64 = 60;

/// A number from a seed, the same on every machine.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn before_all() -> Instant {
    Instant::EPOCH - Millis(1)
}

/// Everything that is computed from, as text, one answer a way of reading.
fn answers(store: &Store) -> Vec<Result<String, StoreError>> {
    let snapshot = match store.snapshot() {
        Ok(snapshot) => snapshot,
        Err(error) => return vec![Err(error)],
    };
    let mut answers = Vec::new();
    let end = Instant::END_OF_TIME;
    for file in &snapshot.event_files {
        let mut text = String::new();
        let each = &mut |event| text += &format!("{event:?}");
        let read = store.read_events(file, Instant::EPOCH, end, each);
        answers.push(read.map(|()| text));
    }
    for file in &snapshot.sample_files {
        let mut text = String::new();
        let each = &mut |sample| text += &format!("{sample:?}");
        let read = store.read_samples(file, before_all(), end, each);
        answers.push(read.map(|()| text));
    }
    for period in &snapshot.periods {
        let sources = &snapshot.sources;
        let which = |Period { start, end }| format!("{start}{end}");
        answers.push(Ok(which(period.period)));
        answers.push(store.read_open(period, sources).map(|open| format!("{open:?}")));
        answers.push(store.read_counters(period, sources).map(|read| format!("{read:?}")));
        answers.push(store.read_records(period, sources).map(|read| format!("{read:?}")));
    }
    let account =
        RecordFilter { accounts: Some(vec![(source(), AccountId(3))]), ..RecordFilter::default() };
    for filter in [RecordFilter::default(), account] {
        let page = store.records(ALL, &filter).and_then(|set| {
            let count = set.count();
            set.page(3, 20).map(|page| format!("{count} {page:?}"))
        });
        answers.push(page);
    }
    answers
}

/// A folder with two periods, and the paths of its files of all kinds.
fn folder(dir: &Path) -> Vec<PathBuf> {
    let (store, _) = world(dir);
    publish_again(&writer(&store));
    let snapshot = store.snapshot().unwrap();
    let mut paths: Vec<PathBuf> =
        snapshot.event_files.iter().map(|file| file.path.clone()).collect();
    paths.extend(snapshot.sample_files.iter().map(|file| file.path.clone()));
    let period = snapshot.periods.last().unwrap();
    assert_eq!(period.period, day(1));
    let files = [Some(&period.records), period.segments.as_ref(), period.counters.as_ref()];
    paths.extend(files.into_iter().flatten().map(|file| file.path.clone()));
    assert_eq!(paths.len(), 5);
    paths
}

#[test]
fn a_changed_bit_of_a_file_is_an_error_that_names_it_and_never_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let paths = folder(dir.path());
    let undamaged: Vec<String> = answers(&Store::open_existing(dir.path()).unwrap())
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    let (mut seed, mut refused) = (0x9e37_79b9_7f4a_7c15, 0);
    for path in &paths {
        let file = dir.path().join(path);
        let whole = fs::read(&file).unwrap();
        for _ in 0..PLACES {
            let bit = next(&mut seed) % (whole.len() as u64 * 8);
            let mut flipped = whole.clone();
            flipped[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8);
            fs::write(&file, flipped).unwrap();
            // As another process finds it.
            let store = Store::open_existing(dir.path()).unwrap();
            let answers = answers(&store);
            assert_eq!(answers.len(), undamaged.len());
            for (answer, undamaged) in answers.into_iter().zip(&undamaged) {
                match answer {
                    Ok(text) => assert_eq!(text, *undamaged, "bit {bit} of {}", path.display()),
                    Err(error) => {
                        refused += 1;
                        let text = error.to_string();
                        let is_told =
                            matches!(error, StoreError::DamagedFile { path, .. } if path == file);
                        assert!(is_told, "bit {bit} of {}: {text}", path.display());
                        assert!(text.contains("the block of bytes"), "{text}");
                        assert!(text.contains("restore it from a backup"), "{text}");
                    }
                }
            }
        }
        fs::write(&file, whole).unwrap();
    }
    let least = PLACES * paths.len() as u64;
    assert!(refused >= least, "every flip is met at least once: {refused} of {least}");
}

#[test]
fn a_file_is_verified_again_once_it_is_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let paths = folder(dir.path());
    let store = Store::open_existing(dir.path()).unwrap();
    assert!(answers(&store).iter().all(Result::is_ok));
    let file = dir.path().join(&paths[0]);
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed.push(0);
    fs::write(&file, changed).unwrap();
    assert_eq!(answers(&store).iter().filter(|answer| answer.is_err()).count(), 1);
    fs::write(&file, whole).unwrap();
    assert!(answers(&store).iter().all(Result::is_ok));
}

/// Places the catalogue is changed at.
const CATALOGUE_PLACES: u64 = 300;

#[test]
fn a_changed_bit_of_the_catalogue_is_found_or_changes_nothing_of_the_bill() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path());
    let database = dir.path().join("cloudtally.db");
    // All of it in one file, as in a backup.
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    let undamaged: Vec<String> = answers(&Store::open_read_only(dir.path()).unwrap())
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    let whole = fs::read(&database).unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1d;
    let mut found = 0;
    for _ in 0..CATALOGUE_PLACES {
        let bit = next(&mut seed) % (whole.len() as u64 * 8);
        let mut flipped = whole.clone();
        flipped[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8);
        for rest in ["cloudtally.db-wal", "cloudtally.db-shm"] {
            drop(fs::remove_file(dir.path().join(rest)));
        }
        fs::write(&database, flipped).unwrap();
        let Ok(store) = Store::open_read_only(dir.path()) else {
            found += 1;
            continue;
        };
        let findings = store.verify(&mut |_, _| {});
        let is_told = findings.is_err()
            || findings.is_ok_and(|all| all.iter().any(|one| one.severity == Severity::Error));
        if is_told {
            found += 1;
            drop(answers(&store));
            continue;
        }
        let now: Vec<Result<String, String>> =
            answers(&store).into_iter().map(|answer| answer.map_err(|e| e.to_string())).collect();
        let undamaged: Vec<Result<String, String>> = undamaged.iter().cloned().map(Ok).collect();
        assert!(now == undamaged, "bit {bit} is not told and changes the bill:\n{now:?}");
    }
    println!("{found} of {CATALOGUE_PLACES} flips of the catalogue are told");
    assert!(found > 0);
}

#[test]
fn a_copy_that_nobody_may_write_to_can_be_checked_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path());
    let database = dir.path().join("cloudtally.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    let before = fs::read(&database).unwrap();
    let store = Store::open_read_only(dir.path()).unwrap();
    assert_eq!(store.verify(&mut |_, _| {}).unwrap(), []);
    assert!(answers(&store).iter().all(Result::is_ok));
    let refused = try_writer(&store).unwrap_err();
    assert!(matches!(refused, StoreError::Permission { .. }), "{refused}");
    drop(store);
    assert_eq!(fs::read(&database).unwrap(), before);
}
