//! One changed byte of any file of a folder and of its backup: `check` names the file, and a backup is refused.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cloudtally_fuzz::Dice;
use cloudtally_model::with_causes;
use cloudtally_store::{
    Prune, Severity, Store,
    faults::{Fault, Faults},
};

use crate::{
    alone,
    history::History,
    life::{Life, files, rows},
};

/// Places of the folder's files that are changed.
const PLACES: usize = 400;
/// Places of the backup's.
const PLACES_OF_BACKUP: usize = 200;
const DATABASE: &str = "cloudtally.db";

/// All files below a folder but locks, relative to it.
fn all(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().ends_with("lock") {
                found.push(path.strip_prefix(dir).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The kind of a file: the folder it is in, or its name.
fn kind(path: &Path) -> String {
    path.iter().next().unwrap().to_string_lossy().into_owned()
}

/// Files by kind, so that each kind is changed as often.
fn by_kind(files: Vec<PathBuf>) -> Vec<(String, Vec<PathBuf>)> {
    let mut kinds: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in files {
        kinds.entry(kind(&path)).or_default().push(path);
    }
    kinds.into_iter().collect()
}

/// Changes one byte of a file, calls `look`, and puts the file back. Written in place, as a disk
/// does it: whoever has a second name of the file sees it, too.
fn with_one_changed(path: &Path, dice: &mut Dice, look: impl FnOnce(&str)) {
    let whole = fs::read(path).unwrap();
    let (at, by) = (dice.index(whole.len()), 1 + dice.below(255));
    let mut changed = whole.clone();
    changed[at] ^= u8::try_from(by).unwrap();
    fs::write(path, changed).unwrap();
    look(&format!("byte {at} of {} ^ {by}", path.display()));
    fs::write(path, whole).unwrap();
}

fn settle(dir: &Path) {
    for rest in ["-wal", "-shm"] {
        drop(fs::remove_file(dir.join(format!("{DATABASE}{rest}"))));
    }
}

#[test]
fn check_names_the_file_of_a_changed_byte() {
    let mut dice = Dice::new(3);
    let life = alone(|| Life::led(&History::new(3)));
    let (data, content, lake) = (life.data(), rows(&life.data()), files(&life.data()));
    settle(&data);
    let kinds = by_kind(all(&data));
    let names: Vec<&str> = kinds.iter().map(|(name, _)| name.as_str()).collect();
    for wanted in ["corrections", "events", "generations", "open", "records", "samples", DATABASE] {
        assert!(names.contains(&wanted), "{wanted} of {names:?}");
    }
    let mut harmless = 0;
    for place in 0..PLACES {
        let (kind, paths) = &kinds[place % kinds.len()];
        let name = dice.pick(paths);
        with_one_changed(&data.join(name), &mut dice, |what| {
            let told = Store::open_read_only(&data).and_then(|store| store.verify(&mut |_, _| {}));
            let findings = match told {
                Ok(findings) => findings,
                Err(error) => {
                    let text = with_causes(&error);
                    assert!(kind == DATABASE && text.contains(DATABASE), "{what}: {text}");
                    return;
                }
            };
            let errors = findings.iter().filter(|one| one.severity == Severity::Error);
            let mut paths = errors.map(|one| data.join(&one.path));
            // The current generation has two names, and one content.
            let is_named = paths.any(|path| {
                path == data.join(name) || fs::read(path).ok() == fs::read(data.join(name)).ok()
            });
            if kind == DATABASE && !is_named {
                // Of a page that nothing stands on.
                harmless += 1;
                assert_eq!(rows(&data), content, "{what}");
            } else {
                assert!(is_named, "{what}: {findings:?}");
            }
        });
        settle(&data);
    }
    println!("{PLACES} changed bytes of {names:?}, {harmless} of them of no row, all others named");
    assert!(harmless < PLACES / kinds.len(), "some of the database are told");
    assert_eq!((rows(&data), files(&data)), (content, lake));
}

#[test]
fn a_backup_with_a_changed_byte_is_refused_by_the_files_name() {
    let mut dice = Dice::new(4);
    let life = alone(|| Life::led(&History::new(4)));
    let (backup, to) = (life.backup(), life.root().join("again"));
    let kinds = by_kind(all(&backup));
    assert!(kinds.iter().any(|(name, _)| name == "SHA256SUMS"), "{kinds:?}");
    for place in 0..PLACES_OF_BACKUP {
        let (kind, paths) = &kinds[place % kinds.len()];
        let name = dice.pick(paths);
        with_one_changed(&backup.join(name), &mut dice, |what| {
            let told = Store::restore(&backup, &to, &mut |_, _| {});
            let text = with_causes(&told.expect_err(what));
            // A changed line of the list is one that its file does not match.
            let file = name.file_name().unwrap().to_string_lossy();
            assert!(text.contains(&*file) || kind == "SHA256SUMS", "{what}: {text}");
            assert!(!to.exists(), "{what}: nothing is restored");
        });
    }
    Store::restore(&backup, &to, &mut |_, _| {}).unwrap();
    println!("{PLACES_OF_BACKUP} changed bytes of a backup, all refused");
}

/// A backup that says it is done can be restored, whichever of its reads brought a changed bit: the
/// copy of the catalogue, too, whose checksum nobody knows before.
#[test]
fn a_bit_changed_in_a_read_of_a_backup_is_told_or_does_no_harm() {
    alone(|| {
        let life = Life::led(&History::new(3));
        let faults = Faults::over(&life.root(), &life.data().join(DATABASE), 1);
        let store = Store::open_existing(&life.data()).unwrap();
        let place = |name: String| life.root().join("backups").join(name);
        let backup = |to: &Path| store.backup(to, Prune::Remove, &mut |_, _| {});
        faults.plan(Fault::CrashBefore, u64::MAX / 2);
        backup(&place("whole".to_owned())).unwrap();
        let reads = faults.chances(Fault::BitFlip);
        assert!(reads > 10, "{reads}");
        let mut told = 0;
        for read in 0..reads {
            let to = place(format!("read-{read}"));
            faults.plan(Fault::BitFlip, read);
            let done = backup(&to);
            let struck = faults.stop().unwrap();
            match done {
                Err(error) => {
                    told += 1;
                    let file = struck.path.file_name().unwrap().to_string_lossy();
                    let folder = struck.path.parent().unwrap().file_name().unwrap();
                    let text = with_causes(&error);
                    let is_named =
                        text.contains(&*file) || text.contains(&*folder.to_string_lossy());
                    assert!(is_named, "{struck}: {text}");
                }
                Ok(_) => {
                    let restored = life.root().join(format!("restored-{read}"));
                    let result = Store::restore(&to, &restored, &mut |_, _| {});
                    result.unwrap_or_else(|e| panic!("{struck}: {}", with_causes(&e)));
                }
            }
        }
        println!("{reads} reads of a backup with a changed bit, {told} of them told");
    });
}

/// Changes that only the log of the database holds are lost with a changed byte, as with
/// a power cut before it: the folder is that of an earlier commit, or the file is named.
#[test]
fn a_changed_byte_of_the_log_leaves_an_earlier_state_or_is_told() {
    let mut dice = Dice::new(5);
    let (states, folder) = alone(|| Life::led_with_log(&History::new(5)));
    let data = folder.path();
    let log = data.join(format!("{DATABASE}-wal"));
    let (whole, database) = (fs::read(&log).unwrap(), fs::read(data.join(DATABASE)).unwrap());
    assert!(whole.len() > 10_000, "{} bytes", whole.len());
    let (mut told, mut earlier) = (0, 0);
    for _ in 0..100 {
        let mut changed = whole.clone();
        let at = dice.index(changed.len());
        changed[at] ^= 1 << dice.below(8);
        settle(data);
        fs::write(data.join(DATABASE), &database).unwrap();
        fs::write(&log, changed).unwrap();
        match Store::open_existing(data) {
            Err(error) => {
                told += 1;
                assert!(with_causes(&error).contains(DATABASE), "byte {at}: {error}");
            }
            Ok(store) => {
                drop(store);
                earlier += 1;
                let now = rows(data);
                assert!(states.contains(&now), "byte {at}: a state that never was");
            }
        }
    }
    println!(
        "100 changed bytes of the log: {told} told, {earlier} leave an earlier state or the last"
    );
}
