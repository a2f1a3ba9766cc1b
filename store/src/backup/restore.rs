//! A data folder from a backup.
//!
//! Files are copied, never linked, into a folder beside the one that is to be, and held
//! against their checksums on the way. That folder gets its name in one step at the end.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{BackupError, list, list::Listed, names, place};
use crate::{
    LockWait, Store, StoreError,
    catalogue::{
        db::{DATABASE, Db, Mode},
        sql,
    },
    crash::{self, RESTORE},
    disk,
    lake::file::{make_folder, sync_folder},
    modes::{self, Readers},
};

/// The result of a restore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// Files that were copied, the catalogue included.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

impl Store {
    /// Makes the data folder `to` from the backup `from`. `progress(done, total)` in bytes.
    ///
    /// # Errors
    /// `NotABackup`, `Damaged` with the file; `NotEmpty` if `to` holds anything. There is no
    /// folder `to` then, or the empty one that was there.
    pub fn restore(
        from: &Path,
        to: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<RestoreReport, BackupError> {
        // 1. A whole backup, and room for it.
        let files = list::read(from)?;
        let to = target(to)?;
        let staging = staging(&to);
        match disk::remove_dir_all(&staging) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("remove", &staging, e).into());
            }
            _ => {}
        }
        if let Some(above) = to.parent() {
            disk::create_dir_all(above).map_err(|e| StoreError::io("make the folder", above, e))?;
        }
        modes::create_folder(&staging, Readers::Owner)
            .map_err(|e| StoreError::io("make the folder", &staging, e))?;
        // 2. All of it beside its place, then its name.
        let result = fill(from, &staging, &files, progress).and_then(|report| {
            name(&staging, &to)?;
            Ok(report)
        });
        if result.is_err() {
            // The first error is the one to tell; the next restore removes what is left.
            let _ = disk::remove_dir_all(&staging);
        }
        result
    }
}

/// The folder to make, with links resolved: it must not be there or be empty.
fn target(to: &Path) -> Result<PathBuf, BackupError> {
    let mut entries = match disk::read_dir(to) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return std::path::absolute(to).map_err(|e| StoreError::io("read", to, e).into());
        }
        Err(e) => return Err(StoreError::io("list", to, e).into()),
    };
    if let Some(found) = entries.next() {
        let found = found.map_err(|e| StoreError::io("list", to, e))?.path();
        return Err(BackupError::NotEmpty { dir: to.to_owned(), found });
    }
    disk::canonicalize(to).map_err(|e| StoreError::io("read", to, e).into())
}

/// The folder beside `to` that is filled first.
fn staging(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(format!(".{name}.restoring"))
}

fn fill(
    from: &Path,
    staging: &Path,
    files: &[Listed],
    progress: &mut dyn FnMut(u64, u64),
) -> Result<RestoreReport, BackupError> {
    let total = files.iter().map(|file| file.bytes).sum();
    let mut report = RestoreReport::default();
    progress(0, total);
    for file in files {
        let source = from.join(&file.path);
        let path = match file.is_catalogue() {
            true => Path::new(DATABASE),
            false => &file.path,
        };
        crash::point(RESTORE.before_write).map_err(|e| StoreError::io("write", staging, e))?;
        make_folder(staging, path.parent().unwrap_or(Path::new("")), Readers::Owner)?;
        let (bytes, sha256) = match place::copy(&source, &staging.join(path), &RESTORE) {
            Err(StoreError::MissingFile { path }) => {
                return Err(BackupError::Damaged { path, what: "missing".to_owned() });
            }
            result => result?,
        };
        if sha256 != file.sha256 {
            let expected = &file.sha256;
            let what = format!(
                "changed: expected sha-256 {expected}, found {bytes} bytes with sha-256 {sha256}"
            );
            return Err(BackupError::Damaged { path: source, what });
        }
        crash::point(RESTORE.after_sync).map_err(|e| StoreError::io("write", staging, e))?;
        report.files += 1;
        report.bytes += bytes;
        progress(report.bytes, total);
    }
    refuse_missing(from, staging, files)?;
    settle(staging)?;
    sync_tree(staging)?;
    crash::point(RESTORE.after_folder_sync).map_err(|e| StoreError::io("sync", staging, e))?;
    Ok(report)
}

/// Refuses a list that leaves out a file which the catalogue names.
fn refuse_missing(from: &Path, staging: &Path, files: &[Listed]) -> Result<(), BackupError> {
    let listed: HashMap<&Path, &Listed> =
        files.iter().map(|file| (file.path.as_path(), file)).collect();
    let db = Db::connect(staging, Mode::Still)?;
    for named in names(&db)? {
        if listed.get(named.path.as_path()).is_none_or(|file| file.sha256 != named.sha256) {
            let what = "not in the list of the backup as its catalogue names it".to_owned();
            return Err(BackupError::Damaged { path: from.join(named.path), what });
        }
    }
    Ok(())
}

/// Makes of the files a folder that a writer leaves: the names in `records`, and no lease
/// of whoever wrote when the backup was made.
fn settle(staging: &Path) -> Result<(), BackupError> {
    let store = match Store::open_existing(staging) {
        // `upgrade` does it.
        Err(StoreError::EarlierFormat { .. }) => return Ok(()),
        opened => opened?,
    };
    store.db()?.write(|db| db.execute(sql::lease::FORGET, []).map(drop))?;
    drop(store.writer(LockWait { limit: Duration::ZERO, on_wait: &mut || {} })?);
    Ok(())
}

/// Puts the names of all files and folders on disk.
fn sync_tree(top: &Path) -> Result<(), StoreError> {
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        let error = |e| StoreError::io("list", &folder, e);
        for entry in disk::read_dir(&folder).map_err(error)? {
            let path = entry.map_err(error)?.path();
            if path.is_dir() {
                folders.push(path);
            }
        }
        sync_folder(&folder)?;
    }
    Ok(())
}

fn name(staging: &Path, to: &Path) -> Result<(), StoreError> {
    let renamed = |e| StoreError::io("rename the restored folder to", to, e);
    crash::point(RESTORE.before_commit).map_err(renamed)?;
    disk::rename(staging, to).map_err(renamed)?;
    crash::point(RESTORE.after_rename).map_err(renamed)?;
    sync_folder(to.parent().unwrap_or(Path::new("/")))?;
    crash::point(RESTORE.after_commit).map_err(renamed)
}
