//! `DATA/records`: one hard link a period to its current generation, and nothing else,
//! so that `DATA/records/*.parquet` is the bill for any reader.
//!
//! The catalogue says what is current; links follow it. They are made right after the
//! transaction that publishes, so a reader of the folder sees a period as it was or as
//! it is, never both. What a crash between the two left wrong is put right by the next
//! writer, which looks at all of them.

use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Path, PathBuf},
};

use tracing::info;

use super::Writer;
use crate::{
    StoreError,
    catalogue::{load, sql},
    disk,
    lake::{
        RECORDS,
        file::{make_folder, sync_folder},
        links::{is_same, record_link, replace},
    },
};
use cloudtally_model::Period;

impl Writer {
    /// Links periods to records that were just published, by their paths.
    pub(super) fn link_published(&self, published: &[(Period, PathBuf)]) -> Result<(), StoreError> {
        if published.is_empty() {
            return Ok(());
        }
        self.alone(|writer| {
            make_folder(writer.dir(), Path::new(RECORDS), writer.readers())?;
            for (period, path) in published {
                replace(&writer.dir().join(path), &writer.dir().join(record_link(*period)))?;
            }
            sync_folder(&writer.dir().join(RECORDS))
        })
    }

    /// Makes `DATA/records` what the catalogue says: links that are missing or wrong are
    /// made, everything else goes, but for files in `kept`.
    pub(super) fn link_current(&self, kept: &HashSet<PathBuf>) -> Result<(), StoreError> {
        let db = self.db()?;
        let current = db.rows(sql::periods::CURRENT_RECORDS, [], |row| {
            Ok((load::period(row, 0)?, load::path(row, 2)?))
        })?;
        let mut wanted: HashMap<PathBuf, PathBuf> =
            current.into_iter().map(|(period, path)| (record_link(period), path)).collect();
        let folder = self.dir().join(RECORDS);
        let mut changed = false;
        for name in entries(&folder)? {
            let link = Path::new(RECORDS).join(name);
            if self.dir().join(&link).is_dir() {
                self.empty_folder(&link, kept)?;
            } else if let Some(path) = wanted.remove(&link) {
                changed |= self.mend(&path, &link)?;
            } else if !kept.contains(&link) {
                self.remove(&link)?;
                info!(path = %link.display(), "removed {}: it is no current record file", link.display());
            }
        }
        if !wanted.is_empty() {
            make_folder(self.dir(), Path::new(RECORDS), self.readers())?;
        }
        for (link, path) in &wanted {
            changed |= self.mend(path, link)?;
        }
        if changed { sync_folder(&folder) } else { Ok(()) }
    }

    /// Makes a link if it is missing or leads elsewhere; says whether it did.
    fn mend(&self, path: &Path, link: &Path) -> Result<bool, StoreError> {
        let (file, linked) = (self.dir().join(path), self.dir().join(link));
        let look = |path: &Path| match disk::metadata(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            result => result.map(Some).map_err(|e| StoreError::io("read", path, e)),
        };
        // A file that is missing is for `check` to tell; what is left of it stays.
        let Some(found) = look(&file)? else { return Ok(false) };
        if look(&linked)?.is_some_and(|linked| is_same(&found, &linked)) {
            return Ok(false);
        }
        replace(&file, &linked)?;
        Ok(true)
    }

    /// Removes a folder below `DATA/records`, as earlier versions made them, but for
    /// files that are kept for readers.
    fn empty_folder(&self, folder: &Path, kept: &HashSet<PathBuf>) -> Result<(), StoreError> {
        let mut is_empty = true;
        for name in entries(&self.dir().join(folder))? {
            let path = folder.join(name);
            if self.dir().join(&path).is_dir() {
                self.empty_folder(&path, kept)?;
            } else if kept.contains(&path) {
                is_empty = false;
            } else {
                self.remove(&path)?;
                info!(path = %path.display(), "removed {}: nothing names it", path.display());
            }
        }
        if is_empty {
            // A folder that something is in all the same is looked at again next time.
            let _ = disk::remove_dir(&self.dir().join(folder));
        }
        Ok(())
    }
}

/// Names in a folder; none if it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let error = |e| StoreError::io("list", folder, e);
    let entries = match disk::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(error(e)),
    };
    let names = entries.map(|entry| Ok(PathBuf::from(entry.map_err(error)?.file_name())));
    names.collect()
}
