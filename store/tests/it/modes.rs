//! Rights of the files and folders that the product makes.

#![cfg(unix)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use cloudtally_model::port::{ChangeSet, Journal};
use cloudtally_store::Store;

use crate::{
    damage::world,
    journal,
    support::{all_records, writer},
};

const SETTING: &str = "usage.files.group.readable";

/// The rights of everything below a folder, itself included, by path.
fn rights(dir: &Path) -> Vec<(PathBuf, bool, u32)> {
    let mut found = Vec::new();
    let mut paths = vec![dir.to_owned()];
    while let Some(path) = paths.pop() {
        let metadata = fs::metadata(&path).unwrap();
        if metadata.is_dir() {
            paths.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push((path, metadata.is_dir(), metadata.permissions().mode() & 0o777));
    }
    found.sort();
    found
}

/// Says of a file that it never opens to the group.
fn is_private(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    name.starts_with("cloudtally.db") || name.ends_with("lock")
}

fn assert_rights(dir: &Path, folder: u32, file: u32) {
    let found = rights(dir);
    assert!(found.len() > 12, "{found:?}");
    for (path, is_folder, mode) in found {
        let expected = match (is_folder, is_private(&path)) {
            (true, _) => folder,
            (false, true) => 0o600,
            (false, false) => file,
        };
        assert_eq!(mode, expected, "{} has {mode:o}", path.display());
    }
}

fn open_to_all(dir: &Path) {
    for (path, is_folder, _) in rights(dir) {
        let mode = if is_folder { 0o755 } else { 0o644 };
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn what_is_made_is_the_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("deep/data");
    let (store, _) = world(&data);
    let journal = journal::journal(&store).unwrap();
    assert!(data.join("cloud.lock").exists() && data.join("lock").exists());
    assert_rights(&data, 0o700, 0o600);
    drop(journal);
    let above = fs::metadata(dir.path().join("deep")).unwrap().permissions().mode();
    let usual = dir.path().join("usual");
    fs::create_dir(&usual).unwrap();
    assert_eq!(above, fs::metadata(usual).unwrap().permissions().mode(), "not ours to narrow");
}

#[test]
fn a_writer_narrows_what_earlier_versions_left_open() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (store, _) = world(&data);
    drop(journal::journal(&store).unwrap());
    let before = all_records(&store);
    open_to_all(&data);
    // A file may have fewer rights than it could, and folders other bits than rights.
    fs::set_permissions(data.join("events"), Permissions::from_mode(0o2755)).unwrap();
    drop(writer(&store));
    assert_rights(&data, 0o700, 0o600);
    let mode = fs::metadata(data.join("events")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o2700, "the group of new files is still inherited");
    assert_eq!(all_records(&store), before);
}

#[test]
fn lock_files_that_anybody_could_hold_are_narrowed_when_they_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (store, _) = world(&data);
    drop(journal::journal(&store).unwrap());
    for name in ["lock", "cloud.lock"] {
        fs::set_permissions(data.join(name), Permissions::from_mode(0o666)).unwrap();
    }
    let (writer, journal) = (writer(&store), journal::journal(&store).unwrap());
    for name in ["lock", "cloud.lock"] {
        let mode = fs::metadata(data.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop((writer, journal));
}

#[test]
fn a_setting_opens_the_lake_to_the_group_and_closes_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (store, _) = world(&data);
    drop(journal::journal(&store).unwrap());
    writer(&store).set_setting(SETTING, "true").unwrap();
    assert_rights(&data, 0o750, 0o640);
    // What is made from now on is open likewise, whoever opens the folder.
    let again = Store::open_existing(&data).unwrap();
    crate::damage::publish_again(&writer(&again));
    assert_rights(&data, 0o750, 0o640);
    writer(&again).set_setting(SETTING, "false").unwrap();
    assert_rights(&data, 0o700, 0o600);
}

#[test]
fn the_clouds_own_settings_open_the_lake_too() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (store, _) = world(&data);
    let mut journal = journal::journal(&store).unwrap();
    for (value, folder, file) in [(Some("true"), 0o750, 0o640), (None, 0o700, 0o600)] {
        let settings = vec![(SETTING.to_owned(), value.map(str::to_owned))];
        journal.commit(&ChangeSet { settings, ..ChangeSet::default() }).unwrap();
        assert_rights(&data, folder, file);
    }
}
