//! The number of the format that the files of a folder have.
//!
//! A program writes and reads one format. A folder of an earlier one is refused before
//! anything of it is touched, so that the program it is of can go on with it; `upgrade`
//! rewrites it.

use std::{cmp::Ordering, path::Path};

use crate::{
    StoreError,
    catalogue::{
        db::Db,
        load,
        sql::{self, upgrade::FORMAT},
    },
};

/// The format of this program's files: numbers are signed.
pub(crate) const KNOWN: u64 = 2;
/// The format of files before formats had numbers.
const UNNUMBERED: u64 = 1;
/// The version of the schema that keeps the number.
const NUMBERED_SINCE: u32 = 12;

/// The format of a folder's files. One without files is of any.
pub(crate) fn of(db: &Db) -> Result<u64, StoreError> {
    match db.schema_version()? {
        0 => Ok(KNOWN),
        version if version < NUMBERED_SINCE => {
            let file = db.row(sql::upgrade::NAMED, [], |row| load::unsigned(row, 0))?;
            Ok(file.map_or(KNOWN, |_| UNNUMBERED))
        }
        _ => db.number(FORMAT, []),
    }
}

/// Refuses a folder whose files this program does not read.
///
/// # Errors
/// `EarlierFormat`, `LaterFormat`.
pub(crate) fn refuse_other(db: &Db, dir: &Path) -> Result<(), StoreError> {
    let (dir, found, known) = (dir.to_owned(), of(db)?, KNOWN);
    match found.cmp(&known) {
        Ordering::Equal => Ok(()),
        Ordering::Less => Err(StoreError::EarlierFormat { dir, found, known }),
        Ordering::Greater => Err(StoreError::LaterFormat { dir, found, known }),
    }
}
