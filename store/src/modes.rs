//! Rights of what is made: folders 0700 and files 0600, so that nobody else on the machine
//! reads the bill, or holds a lock that the product waits for.
//!
//! A setting lets the group read the lake: 0750 and 0640. The database, which holds
//! keys, and the lock files stay with the owner all the same.

use std::{fs::DirBuilder, io, path::Path};

use crate::disk::{self, Metadata};

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
pub(crate) struct Bounds {
    most: u32,
    least: u32,
}

impl Readers {
    /// The bounds of a file of the lake.
    pub(crate) fn file(self) -> Bounds {
        match self {
            Self::Owner => Bounds { most: 0o600, least: 0 },
            Self::Group => Bounds { most: 0o640, least: 0o040 },
        }
    }

    /// The bounds of a folder of the lake.
    pub(crate) fn folder(self) -> Bounds {
        match self {
            Self::Owner => Bounds { most: 0o700, least: 0 },
            Self::Group => Bounds { most: 0o750, least: 0o050 },
        }
    }
}

/// Brings the rights of a file or folder within bounds.
#[cfg(unix)]
pub(crate) fn bound(path: &Path, bounds: Bounds) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = disk::metadata(path)?.permissions().mode();
    // What is no right, such as that new files inherit a folder's group, stays.
    let wanted = (mode & !RIGHTS) | (mode & bounds.most) | bounds.least;
    if wanted == mode { Ok(()) } else { disk::set_mode(path, wanted) }
}

#[cfg(not(unix))]
pub(crate) fn bound(path: &Path, _: Bounds) -> io::Result<()> {
    disk::metadata(path).map(drop)
}

/// Creates one folder.
pub(crate) fn create_folder(path: &Path, readers: Readers) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, readers.folder().most);
    disk::create_dir(&builder, path)?;
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
