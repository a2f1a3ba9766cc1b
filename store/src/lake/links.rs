//! One more name for a file of the lake: a hard link, or a copy where the file system
//! has none.

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{RECORDS, file::TEMPORARY, period_name};
use crate::{
    StoreError, crash,
    disk::{self, Metadata},
};
use cloudtally_model::Period;

/// The name under which the current records of a period lie in `DATA/records`,
/// relative to the folder of state.
pub(crate) fn record_link(period: Period) -> PathBuf {
    Path::new(RECORDS).join(format!("{}.parquet", period_name(period)))
}

/// Gives `file` the further name `link`, replacing what has it. Readers that have the
/// replaced file open keep it. Both are absolute and on one file system.
pub(crate) fn replace(file: &Path, link: &Path) -> Result<(), StoreError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let temporary = link.with_file_name(format!("{TEMPORARY}{}-{number}", std::process::id()));
    let result = make(file, &temporary, link);
    // Where both are one file already, renaming leaves the temporary name there.
    let left = disk::remove_file(&temporary);
    result.map_err(|e| StoreError::io("link the current records to", link, e))?;
    match left {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", &temporary, e))
        }
        _ => Ok(()),
    }
}

fn make(file: &Path, temporary: &Path, link: &Path) -> io::Result<()> {
    crash::point(crash::LINK_BEFORE_MAKE)?;
    match disk::hard_link(file, temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => copy(file, temporary)?,
        result => result?,
    }
    crash::point(crash::LINK_BEFORE_RENAME)?;
    disk::rename(temporary, link)?;
    crash::point(crash::LINK_AFTER_RENAME)
}

/// A copy that [`is_same`] takes for the file.
fn copy(file: &Path, temporary: &Path) -> io::Result<()> {
    disk::copy(file, temporary)?;
    let copied = disk::open_to_write(temporary)?;
    copied.set_modified(disk::metadata(file)?.modified()?)?;
    copied.sync_all()
}

/// Returns true if two names are of one file, or of a file and its copy.
pub(crate) fn is_same(file: &Metadata, link: &Metadata) -> bool {
    let copied = || match (file.modified(), link.modified()) {
        (Ok(file_at), Ok(link_at)) => file.len() == link.len() && file_at == link_at,
        _ => false,
    };
    is_one(file, link) || copied()
}

#[cfg(unix)]
fn is_one(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_one(_: &Metadata, _: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_link_replaces_what_was_there_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), "first").unwrap();
        fs::write(path("b"), "second").unwrap();
        for file in ["a", "b", "b"] {
            replace(&path(file), &path("link")).unwrap();
            let same = |of: &str| {
                is_same(&fs::metadata(path(of)).unwrap(), &fs::metadata(path("link")).unwrap())
            };
            assert!(same(file));
            assert_eq!(fs::read(path("link")).unwrap(), fs::read(path(file)).unwrap());
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
        assert!(replace(&path("none"), &path("link")).is_err());
        assert_eq!(fs::read(path("link")).unwrap(), b"second", "what was there stays");
    }

    #[test]
    fn a_copy_counts_where_there_are_no_links() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), "first").unwrap();
        copy(&path("a"), &path("copy")).unwrap();
        let metadata = |name: &str| fs::metadata(path(name)).unwrap();
        assert!(is_same(&metadata("a"), &metadata("copy")));
        fs::write(path("copy"), "other").unwrap();
        assert!(!is_same(&metadata("a"), &metadata("copy")));
    }
}
