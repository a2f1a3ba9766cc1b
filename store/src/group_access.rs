//! The setting that lets the group read the lake, applied to what is in the folder.

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use cloudtally_model::settings::FILES_GROUP_READABLE;
use tracing::warn;

use crate::{
    Store, StoreError,
    catalogue::db::DATABASE,
    disk,
    lake::{FOLDERS, RECORDS},
    lock,
    modes::{Bounds, Readers, bound},
};

/// The readers of an open folder's lake, as the setting said when it was last looked at.
#[derive(Debug, Default)]
pub(crate) struct GroupReads(AtomicBool);

impl Store {
    /// The readers of files of the lake that are made now.
    pub(crate) fn readers(&self) -> Readers {
        match self.inner.group_reads.0.load(Ordering::Relaxed) {
            true => Readers::Group,
            false => Readers::Owner,
        }
    }

    /// Looks at the setting and gives everything that is in the folder its rights.
    /// Files of other owners stay as they are.
    pub(crate) fn apply_modes(&self) -> Result<(), StoreError> {
        let is_group = self.setting(FILES_GROUP_READABLE)? == "true";
        self.inner.group_reads.0.store(is_group, Ordering::Relaxed);
        let readers = self.readers();
        let dir = self.dir();
        bound_existing(dir, readers.folder())?;
        for name in [DATABASE.to_owned(), format!("{DATABASE}-wal"), format!("{DATABASE}-shm")]
            .into_iter()
            .chain(lock::NAMES.map(str::to_owned))
        {
            bound_existing(&dir.join(name), Readers::Owner.file())?;
        }
        for folder in FOLDERS.iter().chain([&RECORDS]) {
            bound_tree(&dir.join(folder), readers)?;
        }
        Ok(())
    }
}

/// Gives a folder of the lake and all in it their rights.
fn bound_tree(top: &Path, readers: Readers) -> Result<(), StoreError> {
    let mut folders: Vec<PathBuf> = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        bound_existing(&folder, readers.folder())?;
        let error = |e| StoreError::io("list", &folder, e);
        let entries = match disk::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(error(e)),
        };
        for entry in entries {
            let path = entry.map_err(error)?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => bound_existing(&path, readers.file())?,
            }
        }
    }
    Ok(())
}

/// Brings the rights of a file or folder within bounds, if it is there and ours.
fn bound_existing(path: &Path, bounds: Bounds) -> Result<(), StoreError> {
    match bound(path, bounds) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            warn!(path = %path.display(), "cannot change who may read {}: it has another owner", path.display());
            Ok(())
        }
        result => result.map_err(|e| StoreError::io("change the mode of", path, e)),
    }
}
