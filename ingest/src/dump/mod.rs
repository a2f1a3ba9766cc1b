//! Dumps of tables as the tools of MySQL and MariaDB write them.
//!
//! A reader of a format tells a [`TableSink`] of each table and hands it the rows one at a
//! time, each as cells without a type. It holds one row at a time, however large the dump
//! or one of its statements is. A row that cannot be taken apart is handed over as broken
//! with its line, and reading goes on behind it; a dump that ends before its own end is a
//! fault. What the cells mean is not known here.

mod grid; // tables drawn with lines
mod lexer; // pieces of statements
mod lines; // one line at a time
mod outfile; // separated fields with backslashes
mod source; // bytes by their lines
pub(crate) mod sql; // statements
mod table; // rows without types, and who takes them
#[cfg(test)]
mod tests;
mod tuple; // the values of one row of a statement
mod vertical; // a column a line
mod xml; // elements

use std::io::Read;

pub(crate) use self::{
    outfile::{Style, escapes_are_meant, first_record},
    table::{Cells, Dialect, DumpRow, TableName, TableSink, Wish},
};
use crate::{batch::Stop, window::Window};

/// Reads all tables. `columns` are those of rows that come without names. A failure of the
/// input ends it early and is left in the window.
pub(crate) fn read<R: Read>(
    dialect: Dialect,
    window: &mut Window<R>,
    columns: Option<&[String]>,
    sink: &mut dyn TableSink,
) -> Result<(), Stop> {
    match dialect {
        Dialect::Sql => sql::read(window, sink),
        Dialect::Outfile { separator, quote } => {
            outfile::read(window, outfile::Style { separator, quote }, columns, sink)
        }
        Dialect::Grid => grid::read(window, sink),
        Dialect::Vertical => vertical::read(window, sink),
        Dialect::Xml => xml::read(window, sink),
    }
}

/// The dialect of an input that begins with these bytes; `None` if it is none of them.
/// Separated fields are told by `outfile_style`.
pub(crate) fn dialect_of(sample: &[u8]) -> Option<Dialect> {
    if sql::begins_with_statement(sample) {
        return Some(Dialect::Sql);
    }
    if sample.starts_with(b"<?xml") || sample.starts_with(b"<resultset") {
        return Some(Dialect::Xml);
    }
    lines::first_drawn(sample)
}
