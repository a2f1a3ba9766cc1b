//! The catalogue as text, for tests that compare two folders.

use std::path::Path;

use rusqlite::types::ValueRef;

use super::{
    checksums,
    db::{Db, Mode},
    sql,
};
use crate::StoreError;

/// Writes the rows of all tables of the folder's catalogue, in order, as text; `is_left_out` is
/// asked of a table, and of each of its columns.
pub fn rows(
    dir: &Path,
    is_left_out: &dyn Fn(&str, Option<&str>) -> bool,
) -> Result<Vec<String>, StoreError> {
    let db = Db::connect(dir, Mode::Write)?;
    let mut rows = Vec::new();
    for (table, _) in checksums::TABLES.iter().filter(|(table, _)| !is_left_out(table, None)) {
        let of_table = db.rows_of(sql::faults::ROWS, table, |row| {
            let mut text = (*table).to_owned();
            for (at, column) in row.as_ref().column_names().enumerate() {
                if column == "checksum" || is_left_out(table, Some(column)) {
                    continue;
                }
                text.push_str(&format!(" {column}={}", shown(row.get_ref(at)?)));
            }
            Ok(text)
        })?;
        rows.extend(of_table);
    }
    rows.sort_unstable();
    Ok(rows)
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "-".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
