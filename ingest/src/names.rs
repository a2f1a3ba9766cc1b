//! Finding the columns of a stream among the names of an input.
//!
//! Names are compared without regard to case and surrounding blanks: databases
//! export `ID` as well as `id`.

use crate::{
    error::{Fault, MissingColumns, quoted},
    table::{Need, Row},
};

/// Names of an input that an error shows; a header may be a wrong line.
const FOUND_MAX: usize = 40;

/// The number in `T`'s table of the column called `name`.
pub(crate) fn column_of<T: Row>(name: &str) -> Option<usize> {
    let name = name.trim();
    T::columns().iter().position(|column| column.name.eq_ignore_ascii_case(name))
}

/// The required columns of a stream, for messages.
pub(crate) fn required<T: Row>() -> String {
    let required = T::columns().iter().filter(|column| column.need == Need::Required);
    quoted(required.map(|column| column.name))
}

/// True if all required columns of a stream are among `found`.
pub(crate) fn has_required<T: Row>(found: &[String]) -> bool {
    T::columns()
        .iter()
        .filter(|column| column.need == Need::Required)
        .all(|column| position_of(found, column.name).is_some())
}

/// The position of a column among names.
pub(crate) fn position_of(found: &[String], name: &str) -> Option<usize> {
    found.iter().position(|found| found.trim().eq_ignore_ascii_case(name))
}

/// For each column of the table its position among `found`.
pub(crate) fn positions<T: Row>(
    input: &str,
    found: &[String],
    hint: &'static str,
) -> Result<Vec<Option<usize>>, Fault> {
    let mut positions = vec![None; T::columns().len()];
    for (position, name) in found.iter().enumerate() {
        let Some(column) = column_of::<T>(name) else { continue };
        if positions[column].replace(position).is_some() {
            let column = T::columns()[column].name;
            return Err(Fault::ColumnTwice { input: input.to_owned(), column });
        }
    }
    let missing: Vec<&str> = T::columns()
        .iter()
        .zip(&positions)
        .filter(|(column, position)| column.need == Need::Required && position.is_none())
        .map(|(column, _)| column.name)
        .collect();
    if missing.is_empty() {
        return Ok(positions);
    }
    let names = found.iter().take(FOUND_MAX).map(|name| crate::value::cut(name.trim(), 60));
    Err(Fault::MissingColumns(Box::new(MissingColumns {
        input: input.to_owned(),
        stream: T::STREAM,
        missing: quoted(missing),
        required: required::<T>(),
        found: quoted(names),
        hint,
    })))
}
