//! Rows that ingest set aside: the first ones of each kind of reason are kept, all are
//! counted.
//!
//! A damaged file, or a hostile one, can hold any number of bad rows. A person who
//! looks for the cause needs a few examples of each reason, so that is what is kept,
//! and the catalogue stays small.

use std::collections::BTreeMap;

use cloudtally_model::SourceName;
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::Writer;
use crate::{
    QuarantinedRow, StoreError,
    catalogue::{db::Db, load, sql},
};

/// Rows of one kind of reason that are kept, for each source and stream.
const KEPT_ROWS_MAX: u64 = 1000;
/// Bytes of all rows that are kept.
const KEPT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Kinds of reasons that are told apart.
const KINDS_MAX: u64 = 1000;
/// Stands for all further kinds.
const OTHER_KINDS: &str = "other reasons";

impl Writer {
    /// Removes the rows set aside, of one source or of all, and returns how many they
    /// were. Ingesting their file again sets aside what is still wrong.
    pub fn empty_quarantine(&self, source: Option<&SourceName>) -> Result<u64, StoreError> {
        let source = source.map(SourceName::as_str);
        self.db()?.write(|db| {
            let rows = db.number(sql::quarantine::COUNT, params![source])?;
            db.execute(sql::quarantine::EMPTY, params![source])?;
            db.execute(sql::quarantine::EMPTY_KINDS, params![source])?;
            Ok(rows)
        })
    }
}

/// Rows of one kind of reason, as the catalogue counts them.
#[derive(Clone, Copy, Default)]
struct Kind {
    kept: u64,
    bytes: u64,
    not_kept: u64,
}

/// Keeps and counts rows that were set aside; those that are kept already change
/// nothing.
pub(super) fn set_aside(db: &Db, rows: &[QuarantinedRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut kinds: BTreeMap<(&str, &str, String), Kind> = BTreeMap::new();
    let mut kind_count = db.number(sql::quarantine::KINDS, [])?;
    let mut bytes = db.number(sql::quarantine::BYTES, [])?;
    for row in rows {
        let (source, stream) = (row.source.as_str(), row.stream.as_name());
        let mut key = (source, stream, kind_of(&row.reason));
        if !kinds.contains_key(&key) {
            let mut known = stored(db, &key)?;
            if known.is_none() && kind_count >= KINDS_MAX {
                key.2 = OTHER_KINDS.to_owned();
                known = stored(db, &key)?;
            }
            kind_count += u64::from(known.is_none());
            kinds.entry(key.clone()).or_insert(known.unwrap_or_default());
        }
        let kind = kinds.get_mut(&key).expect("it was put there if it was missing");
        let hash = Sha256::digest(row.raw.as_bytes());
        let (row_number, hash) = (row.row.cast_signed(), &hash[..16]);
        if kind.kept < KEPT_ROWS_MAX && bytes < KEPT_BYTES_MAX {
            let params =
                params![source, stream, row.input, row_number, hash, row.reason, row.raw, key.2];
            if db.execute(sql::quarantine::SET_ASIDE, params)? > 0 {
                let length = row.raw.len() as u64;
                (kind.kept, kind.bytes) = (kind.kept + 1, kind.bytes + length);
                bytes += length;
            }
        } else {
            let place = params![source, stream, row.input, row_number, hash];
            let is_kept = db.number(sql::quarantine::IS_SET_ASIDE, place)? > 0;
            kind.not_kept += u64::from(!is_kept);
        }
    }
    for ((source, stream, name), kind) in kinds {
        let [kept, bytes, not_kept] = [kind.kept, kind.bytes, kind.not_kept].map(u64::cast_signed);
        db.execute(
            sql::quarantine::PUT_KIND,
            params![source, stream, name, kept, bytes, not_kept],
        )?;
    }
    Ok(())
}

fn stored(db: &Db, key: &(&str, &str, String)) -> Result<Option<Kind>, StoreError> {
    db.row(sql::quarantine::KIND, params![key.0, key.1, key.2], |row| {
        let (kept, bytes) = (load::unsigned(row, 0)?, load::unsigned(row, 1)?);
        Ok(Kind { kept, bytes, not_kept: load::unsigned(row, 2)? })
    })
}

/// A reason with its values left out: what stands in backquotes, but for names of
/// columns, and all digits.
fn kind_of(reason: &str) -> String {
    let mut kind = String::with_capacity(reason.len());
    for (at, part) in reason.split('`').enumerate() {
        let is_quoted = at % 2 == 1;
        if is_quoted {
            let is_column = kind.ends_with("column ") || kind.ends_with("another ");
            kind.push('`');
            kind.push_str(if is_column { part } else { ".." });
            kind.push('`');
            continue;
        }
        for character in part.chars() {
            match character.is_ascii_digit() {
                false => kind.push(character),
                true if kind.ends_with('#') => {}
                true => kind.push('#'),
            }
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::kind_of;

    #[test]
    fn reasons_that_differ_in_values_alone_are_of_one_kind() {
        for (reason, expected) in [
            (
                "column `size`: `-5` is not a whole number from 0 to 9223372036854775807",
                "column `size`: `..` is not a whole number from # to #",
            ),
            (
                "event 17 is already there with another `size`: `1` was stored, nothing comes now",
                "event # is already there with another `size`: `..` was stored, nothing comes now",
            ),
            ("line 12: the row has 3 fields", "line #: the row has # fields"),
            ("an odd ` quote", "an odd `..`"),
        ] {
            assert_eq!(kind_of(reason), expected);
        }
    }
}
