//! Rights of what is made: folders 0700 and files 0600, so that nobody else on the machine
//! reads the bill, or holds a lock that the product waits for.
//!
//! A setting lets the group read the lake: 0750 and 0640. The database, which holds
//! keys, and the lock files stay with the owner all the same.

use std::{
    fs::{self, DirBuilder, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use cloudtally_model::settings::FILES_GROUP_READABLE;
use tracing::warn;

use crate::{
    Store, StoreError,
    catalogue::db::DATABASE,
    lake::{FOLDERS, RECORDS},
    lock,
};

/// The readers of the lake besides the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Nobody.
    Owner,
    /// The group of the files.
    Group,
}

/// The bits of a mode that say who may do what.
const RIGHTS: u32 = 0o777;

/// The rights that a file or folder has at most, and those it has at least.
#[derive(Clone, Copy)]
struct Bounds {
    most: u32,
    least: u32,
}

impl Readers {
    fn file(self) -> Bounds {
        match self {
            Self::Owner => Bounds { most: 0o600, least: 0 },
            Self::Group => Bounds { most: 0o640, least: 0o040 },
        }
    }

    fn folder(self) -> Bounds {
        match self {
            Self::Owner => Bounds { most: 0o700, least: 0 },
            Self::Group => Bounds { most: 0o750, least: 0o050 },
        }
    }
}

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
        let entries = match fs::read_dir(&folder) {
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

#[cfg(unix)]
fn bound(path: &Path, bounds: Bounds) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode();
    // What is no right, such as that new files inherit a folder's group, stays.
    let wanted = (mode & !RIGHTS) | (mode & bounds.most) | bounds.least;
    if wanted == mode {
        Ok(())
    } else {
        fs::set_permissions(path, fs::Permissions::from_mode(wanted))
    }
}

#[cfg(not(unix))]
fn bound(path: &Path, _: Bounds) -> io::Result<()> {
    fs::metadata(path).map(drop)
}

/// Lets nobody but the owner have what these options create.
pub(crate) fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, Readers::Owner.file().most);
    options
}

/// Creates one folder.
pub(crate) fn create_folder(path: &Path, readers: Readers) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, readers.folder().most);
    builder.create(path)?;
    bound(path, readers.folder())
}

/// Gives a file of the lake that was just made its rights.
pub(crate) fn bound_file(path: &Path, readers: Readers) -> io::Result<()> {
    bound(path, readers.file())
}

/// Takes from a lock file what others may do with it, if it is ours.
pub(crate) fn bound_lock(path: &Path, found: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if found.permissions().mode() & RIGHTS & !Readers::Owner.file().most != 0 {
            // One of another owner is theirs to change.
            let _ = bound(path, Readers::Owner.file());
        }
    }
    #[cfg(not(unix))]
    let _ = (path, found);
}
