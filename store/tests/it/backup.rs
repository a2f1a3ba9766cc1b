//! Backups: made while others write, refused when damaged, whole after any crash.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use cloudtally_store::{BackupError, Prune, Store, StoreError, Stream, crash_points};

use crate::support::{
    all_events, all_records, assert_clean, day, event, logical_content, run, source, writer,
};
use crate::{crash::publish, damage::world};

fn backup(data: &Path, to: &Path) -> Result<cloudtally_store::BackupReport, BackupError> {
    Store::open_existing(data)?.backup(to, Prune::Keep, &mut |_, _| {})
}

fn restore(from: &Path, to: &Path) -> Result<(), BackupError> {
    Store::restore(from, to, &mut |_, _| {}).map(drop)
}

/// A folder with events, samples, two generations of a period and the state at its end.
fn folder(dir: &Path) -> PathBuf {
    let data = dir.join("data");
    world(&data);
    data
}

/// The files below a folder and what they hold; locks and what SQLite keeps beside left out.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "parquet") {
                found.push((path.strip_prefix(dir).unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_restored_folder_is_the_one_that_was_backed_up() {
    let dir = tempfile::tempdir().unwrap();
    let data = folder(dir.path());
    let (to, again) = (dir.path().join("backups/1"), dir.path().join("again"));
    let (content, before) = (logical_content(&data), files(&data));
    let mut told = Vec::new();
    let store = Store::open_existing(&data).unwrap();
    let report = store.backup(&to, Prune::Keep, &mut |done, total| told.push((done, total)));
    let report = report.unwrap();
    assert_eq!(report.copied + report.linked + 1, report.files);
    assert_eq!((report.kept, report.pruned), (0, 0));
    assert_eq!(told.last(), Some(&(report.bytes, report.bytes)));
    drop(store);
    // Anybody can verify it.
    let mut sums = Command::new("sha256sum");
    sums.args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&to);
    assert!(sums.status().unwrap().success());

    restore(&to, &again).unwrap();
    assert_clean(&again);
    assert_eq!(logical_content(&again), content);
    assert_eq!(files(&again), before, "the same files with the same bytes, links included");
    // It goes on as a folder of its own.
    let restored = Store::open_existing(&again).unwrap();
    let mut known = writer(&restored).known_events(&source()).unwrap();
    let news = vec![event(9_000, 1)];
    writer(&restored).append_events(&mut known, news, &[], &mut run(Stream::Events)).unwrap();
    assert!(all_events(&restored).contains_key(&9_000));
    assert_eq!(logical_content(&data), content, "the first folder has nothing of it");
}

#[test]
fn a_second_backup_brings_only_what_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let data = folder(dir.path());
    let (to, again) = (dir.path().join("backup"), dir.path().join("again"));
    let first = backup(&data, &to).unwrap();
    let store = Store::open_existing(&data).unwrap();
    publish(&writer(&store), day(7), 4, 900).unwrap();
    let second = store.backup(&to, Prune::Keep, &mut |_, _| {}).unwrap();
    assert_eq!(second.kept, first.files - 1, "all files but the catalogue");
    assert!(second.copied + second.linked >= 1, "{second:?}");
    restore(&to, &again).unwrap();
    assert_clean(&again);
    assert_eq!(logical_content(&again), logical_content(&data));

    // A third one without what a compaction has replaced, first kept, then pruned.
    let mut known = writer(&store).known_events(&source()).unwrap();
    for id in 0..20 {
        let news = vec![event(8_000 + id, 3)];
        writer(&store).append_events(&mut known, news, &[], &mut run(Stream::Events)).unwrap();
        if id == 10 {
            store.backup(&to, Prune::Keep, &mut |_, _| {}).unwrap();
        }
    }
    writer(&store).compact().unwrap();
    let kept = store.backup(&to, Prune::Keep, &mut |_, _| {}).unwrap();
    let there = files(&to).len();
    assert!(there as u64 > kept.files - 1, "{there} {kept:?}");
    let pruned = store.backup(&to, Prune::Remove, &mut |_, _| {}).unwrap();
    assert!(pruned.pruned > 0, "{pruned:?}");
    assert_eq!(files(&to).len() as u64, pruned.files - 1);
    assert_eq!(fs::read_dir(to.join("catalogue")).unwrap().count(), 1, "one catalogue");
    let last = dir.path().join("last");
    restore(&to, &last).unwrap();
    assert_eq!(logical_content(&last), logical_content(&data));
}

/// A backup is one moment of the folder, whoever writes meanwhile.
#[test]
fn a_backup_while_others_write_is_a_moment_of_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let data = folder(dir.path());
    let store = Store::open_existing(&data).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let writing = {
        let (store, over) = (store.clone(), Arc::clone(&over));
        thread::spawn(move || {
            let mut rounds = 0u64;
            while !over.load(Ordering::SeqCst) && rounds < 400 {
                let writer = writer(&store);
                let mut known = writer.known_events(&source()).unwrap();
                // Two at a time: half of them would be no moment.
                let news = (0..2).map(|i| event(10_000 + rounds * 2 + i, 5)).collect();
                writer.append_events(&mut known, news, &[], &mut run(Stream::Events)).unwrap();
                publish(&writer, day(0), 5 + rounds % 7, 10_000 + rounds).unwrap();
                if rounds.is_multiple_of(5) {
                    writer.compact().unwrap();
                }
                rounds += 1;
            }
            rounds
        })
    };
    let to = dir.path().join("backup");
    for round in 0..6 {
        store.backup(&to, Prune::Remove, &mut |_, _| {}).unwrap();
        let again = dir.path().join(format!("again-{round}"));
        restore(&to, &again).unwrap();
        assert_clean(&again);
        let restored = Store::open_existing(&again).unwrap();
        assert!(all_events(&restored).keys().filter(|id| **id >= 10_000).count().is_multiple_of(2));
        assert!(!all_records(&restored).is_empty());
    }
    over.store(true, Ordering::SeqCst);
    assert!(writing.join().unwrap() > 0);
    assert_clean(&data);
}

#[test]
fn what_is_no_whole_backup_is_refused_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = folder(dir.path());
    let (to, again) = (dir.path().join("backup"), dir.path().join("again"));
    backup(&data, &to).unwrap();
    let list = to.join("SHA256SUMS");
    let lines = fs::read_to_string(&list).unwrap();
    let refused = |what: &str| {
        let text = restore(&to, &again).unwrap_err().to_string();
        assert!(text.contains(what), "{what} in {text}");
        assert!(!again.exists(), "{what}: nothing is left");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "{what}: nothing beside it");
    };
    // Each file changed by one bit, cut, or gone.
    for line in lines.lines() {
        let name = line.split_once("  ").unwrap().1;
        let path = to.join(name);
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        for damaged in [&flipped[..], &whole[..whole.len() - 1], &[]] {
            fs::remove_file(&path).unwrap();
            fs::write(&path, damaged).unwrap();
            refused(name);
        }
        fs::remove_file(&path).unwrap();
        refused(name);
        fs::write(&path, &whole).unwrap();
        // The list without it, and with another checksum.
        let without = lines.replace(&format!("{line}\n"), "");
        fs::write(&list, without).unwrap();
        refused(if name.starts_with("catalogue") { "SHA256SUMS" } else { name });
        let flip = if line.starts_with('0') { "1" } else { "0" };
        fs::write(&list, lines.replacen(line, &format!("{flip}{}", &line[1..]), 1)).unwrap();
        refused(name);
        fs::write(&list, &lines).unwrap();
    }
    // A list that was cut, or that is not there.
    fs::write(&list, &lines[..lines.len() - 1]).unwrap();
    refused("SHA256SUMS");
    fs::remove_file(&list).unwrap();
    refused("SHA256SUMS");
    fs::write(&list, &lines).unwrap();
    restore(&to, &again).unwrap();
    assert_clean(&again);
}

#[test]
fn folders_that_hold_something_are_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let data = folder(dir.path());
    let to = dir.path().join("backup");
    backup(&data, &to).unwrap();
    for inside in [data.clone(), data.join("backup"), data.join("events/x/y")] {
        let refused = backup(&data, &inside).unwrap_err();
        assert!(matches!(refused, BackupError::InFolder { .. }), "{refused}");
    }
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    restore(&to, &other).unwrap();
    assert_clean(&other);
    let content = logical_content(&other);
    let refused = restore(&to, &other).unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty { .. }), "{refused}");
    let refused = backup(&data, &other).unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty { .. }), "{refused}");
    assert_eq!(logical_content(&other), content);
    // A backup of another folder does not get files of this one.
    let stranger = dir.path().join("stranger");
    let store = Store::open(&stranger).unwrap();
    let mut known = writer(&store).known_events(&source()).unwrap();
    let news = vec![event(77, 1)];
    writer(&store).append_events(&mut known, news, &[], &mut run(Stream::Events)).unwrap();
    let refused = backup(&stranger, &to).unwrap_err();
    assert!(matches!(refused, BackupError::OfAnother { .. }), "{refused}");
    let last = dir.path().join("last");
    restore(&to, &last).unwrap();
    assert_eq!(logical_content(&last), logical_content(&data));
}

#[test]
fn damage_in_the_folder_is_not_backed_up() {
    let dir = tempfile::tempdir().unwrap();
    let data = folder(dir.path());
    let (to, again) = (dir.path().join("backup"), dir.path().join("again"));
    backup(&data, &to).unwrap();
    let content = logical_content(&data);
    let (name, mut bytes) = files(&data).remove(0);
    let there = fs::read(to.join(&name)).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    fs::remove_file(data.join(&name)).unwrap();
    fs::write(data.join(&name), bytes).unwrap();
    let fresh = dir.path().join("fresh");
    let refused = backup(&data, &fresh).unwrap_err();
    assert!(refused.to_string().contains(&*name.to_string_lossy()), "{refused}");
    assert!(matches!(refused, BackupError::Store(StoreError::DamagedFile { .. })), "{refused}");
    assert!(!fresh.join("SHA256SUMS").exists());
    // The earlier backup has the file as it was, and goes on to be one.
    backup(&data, &to).unwrap();
    assert_eq!(fs::read(to.join(&name)).unwrap(), there);
    restore(&to, &again).unwrap();
    assert_eq!(logical_content(&again), content);
}

const DIR: &str = "CLOUDTALLY_TEST_BACKUP";

/// The process to be killed; not a test by itself.
#[test]
#[ignore = "run by the test below as a process of its own"]
fn child() {
    let Some(dir) = env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let steps = backup(&dir.join("data"), &dir.join("backup"))
        .and_then(|_| restore(&dir.join("backup"), &dir.join("again")));
    if let Err(cause) = steps {
        let is_full = matches!(cause, BackupError::Store(StoreError::DiskFull { .. }));
        assert!(is_full, "{cause}");
        std::process::exit(28);
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no crash points")]
fn killed_or_out_of_room_at_every_point_there_is_a_whole_backup_or_none() {
    let points = crash_points().iter();
    let points: Vec<_> = points
        .filter(|point| point.starts_with("backup") || point.starts_with("restore"))
        .collect();
    assert_eq!(points.len(), 14);
    for variable in ["CLOUDTALLY_CRASH_AT", "CLOUDTALLY_FAIL_AT"] {
        for point in &points {
            let dir = tempfile::tempdir().unwrap();
            let data = folder(dir.path());
            let (to, again) = (dir.path().join("backup"), dir.path().join("again"));
            // An earlier backup, whose content must not be lost.
            let earlier = logical_content(&data);
            backup(&data, &to).unwrap();
            let store = Store::open_existing(&data).unwrap();
            publish(&writer(&store), day(9), 3, 950).unwrap();
            drop(store);
            let content = logical_content(&data);
            let status = Command::new(env::current_exe().unwrap())
                .args(["--exact", "backup::child", "--ignored", "--test-threads", "1"])
                .env(DIR, dir.path())
                .env(variable, format!("{point}:1"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            let expected = if variable == "CLOUDTALLY_CRASH_AT" { None } else { Some(28) };
            assert_eq!(status.code(), expected, "{variable} {point}");
            // What was there is whole: the folder, the earlier backup or the new one, and a
            // restored folder if there is one.
            assert_clean(&data);
            let look = dir.path().join("look");
            restore(&to, &look).unwrap();
            assert!([&earlier, &content].contains(&&logical_content(&look)), "{point}");
            if again.exists() {
                assert_clean(&again);
                assert_eq!(logical_content(&again), content, "{point}");
                fs::remove_dir_all(&again).unwrap();
            }
            // The same again comes through.
            backup(&data, &to).unwrap();
            restore(&to, &again).unwrap();
            assert_clean(&again);
            assert_eq!(logical_content(&again), content, "{variable} {point}");
            assert!(!dir.path().join(".again.restoring").exists(), "{point}");
        }
    }
}
