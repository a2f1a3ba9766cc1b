//! Files that a migration gives other names.
//!
//! Names come before the transaction that uses them, as in every publication: a crash
//! in between leaves files that nothing names, and the old names still lead to them.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use super::{db::Db, sql};
use crate::{
    StoreError,
    catalogue::load,
    disk,
    lake::{
        GENERATIONS, RECORDS,
        file::{make_folder, sync_folder},
        links::{is_same, replace},
    },
    modes::Readers,
};

/// The schema in which generations have a folder of their own.
pub(super) const GENERATIONS_APART: u32 = 7;

/// Gives every generation that lies in `DATA/records` its name in `DATA/generations`.
/// One that is missing stays missing, for `check` to tell.
pub(super) fn link_generations(db: &Db, dir: &Path) -> Result<(), StoreError> {
    let paths = db.rows(sql::lake::RECORDS_OF_EARLIER_LAYOUT, [], |row| load::path(row, 0))?;
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for path in paths {
        let Ok(rest) = path.strip_prefix(RECORDS) else { continue };
        let renamed = Path::new(GENERATIONS).join(rest);
        let folder = renamed.parent().unwrap_or(Path::new(GENERATIONS)).to_owned();
        make_folder(dir, &folder, Readers::Owner)?;
        let (file, link) = (dir.join(&path), dir.join(&renamed));
        let found = match disk::metadata(&file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            found => found.map_err(|e| StoreError::io("read", &file, e))?,
        };
        // An attempt that was cut off may have come this far.
        if !disk::metadata(&link).is_ok_and(|linked| is_same(&found, &linked)) {
            replace(&file, &link)?;
            folders.insert(folder);
        }
    }
    folders.iter().try_for_each(|folder| sync_folder(&dir.join(folder)))
}
