//! A copy of the folder that is made while everything goes on.
//!
//! The catalogue is copied first, by SQLite's own online backup: one moment of it, whoever
//! writes meanwhile. Then come the files that this *copy* names. Files of the lake never
//! change, so the whole is the folder at the moment of the catalogue's copy. A file that is
//! replaced meanwhile stays for its readers for an hour; a lock that is held while the
//! backup runs keeps it longer ([`FolderLock::keep_retired`]).
//!
//! The list of checksums comes last and takes its name in one step: a folder without it is
//! no backup, and an earlier list stays good until then, because no file that it names is
//! touched.

mod error; // what is wrong with a backup
mod list; // checksums, as `sha256sum` writes them
mod place; // one file into the backup
mod restore; // back again

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

pub use error::BackupError;
use list::Listed;
pub use restore::RestoreReport;

use crate::{
    LockWait, Store, StoreError,
    catalogue::{
        checksums,
        db::{DATABASE, Db, Mode},
        load, sql,
    },
    crash::{self, BACKUP},
    disk,
    lake::{
        self,
        file::{TEMPORARY, above, make_folder, sync_folder},
    },
    lock::FolderLock,
    modes::{self, Readers},
    writer::now_ms,
};

/// The list of checksums.
const LIST: &str = "SHA256SUMS";
/// Folder of the catalogue's copies, one folder a backup.
const CATALOGUES: &str = "catalogue";
/// Held by the backup that writes to the folder.
const LOCK: &str = "lock";

/// The handling of files that a backup does not need any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prune {
    /// They stay.
    Keep,
    /// They are removed once the new list is in place.
    Remove,
}

/// The result of a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Wall time of the catalogue's copy, milliseconds since 1970.
    pub at_ms: i64,
    /// Files of the backup, the catalogue included.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Files that were copied now.
    pub copied: u64,
    /// Files that were linked now, since they lie on the same file system.
    pub linked: u64,
    /// Files that an earlier backup had brought.
    pub kept: u64,
    /// Files of earlier backups that were removed.
    pub pruned: u64,
}

impl Store {
    /// Copies the folder to `to`, beside whoever reads and writes. `progress(done, total)`
    /// in bytes.
    ///
    /// # Errors
    /// `BackupError::InFolder`, `NotABackup`, `OfAnother` for a folder that cannot take it;
    /// `MissingFile`, `DamagedFile`, `DatabaseDamaged` for what cannot be backed up, because
    /// it is not what was written. An earlier backup in the folder is as it was then.
    pub fn backup(
        &self,
        to: &Path,
        prune: Prune,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BackupReport, BackupError> {
        // 1. The folder, for one backup at a time.
        refuse_other_folder(self.dir(), to)?;
        make_root(to)?;
        let at_once = LockWait { limit: std::time::Duration::ZERO, on_wait: &mut || {} };
        let _alone = FolderLock::take_file(to.join(LOCK), at_once)?;
        let earlier = list::read_if_any(to)?;
        remove_temporary(to)?;

        // 2. The catalogue, and what it names.
        let _kept = FolderLock::keep_retired(self.dir())?;
        let at_ms = now_ms();
        let catalogue = self.copy_catalogue(to, at_ms)?;
        let named = named_by(&to.join(&catalogue.path))?;

        // 3. Its files.
        let total = catalogue.bytes + named.iter().map(|file| file.bytes).sum::<u64>();
        let mut report = BackupReport { at_ms, bytes: total, ..BackupReport::default() };
        let mut done = catalogue.bytes;
        progress(done, total);
        let known: HashMap<&Path, &Listed> =
            earlier.iter().map(|file| (file.path.as_path(), file)).collect();
        for file in &named {
            let known = known.get(file.path.as_path()).copied();
            place::place(self.dir(), to, file, known, &mut report)?;
            done += file.bytes;
            progress(done, total);
        }
        sync_folders_of(to, &named)?;

        // 4. The list.
        let mut files = named;
        files.push(catalogue);
        report.files = files.len() as u64;
        list::write(to, &files)?;
        crash::point(BACKUP.after_commit).map_err(|e| StoreError::io("write", to, e))?;

        // 5. What only earlier lists named.
        report.pruned = remove_unneeded(to, &files, prune)?;
        Ok(report)
    }

    fn copy_catalogue(&self, to: &Path, at_ms: i64) -> Result<Listed, StoreError> {
        let step =
            |name, path: &Path| crash::point(name).map_err(|e| StoreError::io("write", path, e));
        // A clock that was put back must not hit the name of an earlier copy.
        let folder = (at_ms..)
            .map(|ms| Path::new(CATALOGUES).join(ms.to_string()))
            .find(|folder| !to.join(folder).exists())
            .expect("not all names are taken");
        step(BACKUP.before_write, &to.join(&folder))?;
        make_folder(to, &folder, Readers::Owner)?;
        Db::create_file(&to.join(&folder))?;
        let path = folder.join(DATABASE);
        let target = to.join(&path);
        self.db()?.copy_to(&target)?;
        step(BACKUP.after_write, &target)?;
        let synced = disk::open(&target).and_then(|file| file.sync_all());
        synced.map_err(|e| StoreError::io("write", &target, e))?;
        sync_folder(&to.join(&folder))?;
        step(BACKUP.after_sync, &target)?;
        let (bytes, sha256) = place::hash(&target)?;
        // Nobody else knows what its checksum should be: a read that brought something else, or
        // ended early, is told here, and not when somebody needs the backup.
        if place::hash(&target)? != (bytes, sha256.clone()) {
            let what = "two reads of it differ; look at the disk, then repeat the backup";
            return Err(StoreError::DamagedFile { path: target, what: what.to_owned() });
        }
        let length = disk::metadata(&target).map_err(|e| StoreError::io("read", &target, e))?.len();
        if bytes != length {
            let what = format!("{bytes} of its {length} bytes were read; repeat the backup");
            return Err(StoreError::DamagedFile { path: target, what });
        }
        Ok(Listed { path, bytes, sha256 })
    }
}

/// The files that a copied catalogue names; none if a row of it is not what was written.
fn named_by(catalogue: &Path) -> Result<Vec<Listed>, StoreError> {
    let folder = catalogue.parent().unwrap_or(Path::new(""));
    let db = Db::connect(folder, Mode::Still)?;
    checksums::refuse_damaged(&db, &checksums::TABLES)?;
    names(&db)
}

/// The files that a catalogue names, by path.
fn names(db: &Db) -> Result<Vec<Listed>, StoreError> {
    db.rows(sql::lake::NAMED, [], |row| {
        let (path, bytes) = (load::path(row, 0)?, load::unsigned(row, 1)?);
        Ok(Listed { path, bytes, sha256: row.get(2)? })
    })
}

/// Refuses folders that are no place for a backup of `data`.
fn refuse_other_folder(data: &Path, to: &Path) -> Result<(), BackupError> {
    let data = disk::canonicalize(data).map_err(|e| StoreError::io("read", data, e))?;
    // The nearest folder that is there tells where a new one would be.
    let absolute = std::path::absolute(to).map_err(|e| StoreError::io("read", to, e))?;
    let there = absolute.ancestors().find_map(|above| disk::canonicalize(above).ok());
    if there.is_some_and(|there| there.starts_with(&data)) {
        return Err(BackupError::InFolder { to: to.to_owned(), data });
    }
    let entries = match disk::read_dir(to) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(StoreError::io("list", to, e).into()),
    };
    for entry in entries {
        let name = entry.map_err(|e| StoreError::io("list", to, e))?.file_name();
        let text = name.to_string_lossy();
        let is_ours = [LIST, CATALOGUES, LOCK].contains(&&*text)
            || lake::FOLDERS.contains(&&*text)
            || text.starts_with(TEMPORARY);
        if !is_ours {
            let found = to.join(name);
            return Err(BackupError::NotEmpty { dir: to.to_owned(), found });
        }
    }
    Ok(())
}

fn make_root(to: &Path) -> Result<(), StoreError> {
    if to.is_dir() {
        return Ok(());
    }
    disk::create_dir_all(above(to)).map_err(|e| StoreError::io("make the folder", above(to), e))?;
    modes::create_folder(to, Readers::Owner)
        .map_err(|e| StoreError::io("make the folder", to, e))?;
    sync_folder(above(to))
}

fn sync_folders_of(to: &Path, files: &[Listed]) -> Result<(), StoreError> {
    let mut folders: Vec<&Path> = files.iter().filter_map(|file| file.path.parent()).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        sync_folder(&to.join(folder))?;
    }
    crash::point(BACKUP.after_folder_sync).map_err(|e| StoreError::io("sync", to, e))
}

/// Removes temporary files that a backup which was cut off left.
fn remove_temporary(to: &Path) -> Result<(), StoreError> {
    let is_temporary = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY))
    };
    let mut left = lake::file::list(to)?;
    for entry in disk::read_dir(to).map_err(|e| StoreError::io("list", to, e))?.flatten() {
        left.push(entry.file_name().into());
    }
    for path in left.iter().filter(|path| is_temporary(path)) {
        remove(&to.join(path))?;
    }
    Ok(())
}

/// Removes copies of the catalogue that no list names any more and, if asked to, files of
/// the lake. Counts files of the lake.
fn remove_unneeded(to: &Path, files: &[Listed], prune: Prune) -> Result<u64, StoreError> {
    let needed: std::collections::HashSet<&Path> =
        files.iter().map(|file| file.path.as_path()).collect();
    let catalogues = to.join(CATALOGUES);
    let entries =
        disk::read_dir(&catalogues).map_err(|e| StoreError::io("list", &catalogues, e))?;
    for entry in entries.flatten() {
        let folder = Path::new(CATALOGUES).join(entry.file_name());
        if !needed.contains(&*folder.join(DATABASE)) {
            let path = to.join(folder);
            disk::remove_dir_all(&path).map_err(|e| StoreError::io("remove", &path, e))?;
        }
    }
    if prune == Prune::Keep {
        return Ok(0);
    }
    let mut pruned = 0;
    for path in lake::file::list(to)?.iter().filter(|path| !needed.contains(path.as_path())) {
        remove(&to.join(path))?;
        if let Some(folder) = path.parent() {
            // One that something is in stays.
            let _ = disk::remove_dir(&to.join(folder));
        }
        pruned += 1;
    }
    Ok(pruned)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match disk::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path, e)),
        _ => Ok(()),
    }
}
