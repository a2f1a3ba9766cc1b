//! A column a line, as the client of MySQL shows a row with `\G`.
//!
//! ```text
//! *************************** 1. row ***************************
//!   id: 1
//! type: VM.START
//! ```
//!
//! Names end at one colon, so a line that has none there goes on with the value before it.
//! Rows are numbered: one that is missing is told.

use std::io::Read;

use super::{
    lines::{self, TextLine},
    source::Source,
    table::{Cells, DumpRow, TableSink, Wish},
};
use crate::{batch::Stop, csv::ROW_BYTES_MAX, window::Window};

/// A row whose lines are gathered.
#[derive(Default)]
struct Gathered {
    line: u64,
    number: u64,
    text: Vec<u8>,
    names: Vec<String>,
    values: Vec<Vec<u8>>,
    /// The place of the colon behind the names.
    colon: Option<usize>,
}

/// Reads all rows.
pub(super) fn read<R: Read>(window: &mut Window<R>, sink: &mut dyn TableSink) -> Result<(), Stop> {
    let mut rows =
        Rows { cells: Cells::default(), columns: Vec::new(), wish: Wish::Unwanted, last: 0 };
    let mut source = Source::new(window);
    let mut gathered: Option<Gathered> = None;
    while let Some(line) = lines::next(&mut source) {
        if let Some(number) = lines::row_number(&line.text) {
            rows.finish(gathered.take(), sink)?;
            gathered = Some(Gathered { line: line.number, number, ..Gathered::default() });
            continue;
        }
        if let Some(said) = lines::rows_in_set(&line.text) {
            rows.finish(gathered.take(), sink)?;
            if said != rows.last {
                let reason =
                    format!("the rows end at {}, but `{said} rows in set` stands below", rows.last);
                sink.broken(line.number, reason, &line.text)?;
            }
            rows.last = 0;
            continue;
        }
        if let Some(gathered) = &mut gathered {
            gathered.take(line);
        }
    }
    match source.window.failed() {
        // The row may go on behind what could be read.
        true => Ok(()),
        false => rows.finish(gathered, sink),
    }
}

impl Gathered {
    fn take(&mut self, line: TextLine) {
        if self.text.len() > ROW_BYTES_MAX {
            return;
        }
        self.text.extend_from_slice(&line.text);
        self.text.push(b'\n');
        if self.colon.is_none() {
            self.colon = line.text.iter().position(|byte| *byte == b':');
        }
        let named = self.colon.and_then(|colon| named(&line.text, colon));
        match (named, self.values.last_mut()) {
            (Some((name, value)), _) => {
                self.names.push(name);
                self.values.push(value.to_vec());
            }
            (None, Some(last)) => {
                last.push(b'\n');
                last.extend_from_slice(&line.text);
            }
            (None, None) => {}
        }
    }
}

/// The name that ends at a colon, and the value behind it.
fn named(line: &[u8], colon: usize) -> Option<(String, &[u8])> {
    if line.get(colon) != Some(&b':') {
        return None;
    }
    let name = std::str::from_utf8(line[..colon].trim_ascii_start()).ok()?;
    let is_name = !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let value = &line[colon + 1..];
    is_name.then(|| (name.to_owned(), value.strip_prefix(b" ").unwrap_or(value)))
}

struct Rows {
    cells: Cells,
    /// The columns of the rows before.
    columns: Vec<String>,
    wish: Wish,
    /// The number of the last row.
    last: u64,
}

impl Rows {
    fn finish(&mut self, row: Option<Gathered>, sink: &mut dyn TableSink) -> Result<(), Stop> {
        let Some(row) = row else { return Ok(()) };
        let is_first = row.number <= 1 || self.columns.is_empty();
        if !is_first && row.number != self.last + 1 && self.wish == Wish::Wanted {
            let reason =
                format!("row {} comes behind row {}; some are missing", row.number, self.last);
            sink.broken(row.line, reason, b"")?;
        }
        self.last = row.number;
        if row.text.len() > ROW_BYTES_MAX {
            let reason = format!("the row is longer than {ROW_BYTES_MAX} bytes");
            return sink.broken(row.line, reason, &row.text);
        }
        if is_first && row.names != self.columns {
            self.wish = sink.table(None, &row.names)?;
            self.columns.clone_from(&row.names);
        }
        if self.wish == Wish::Unwanted {
            return Ok(());
        }
        if row.names != self.columns {
            let reason = format!(
                "the row has {} columns but the first has {}, or they have other names",
                row.names.len(),
                self.columns.len()
            );
            return sink.broken(row.line, reason, &row.text);
        }
        self.cells.clear();
        for value in &row.values {
            match value.as_slice() {
                b"NULL" => self.cells.end_null(),
                value => {
                    self.cells.extend(value);
                    self.cells.end();
                }
            }
        }
        sink.row(DumpRow { line: row.line, text: &row.text, cells: &self.cells })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_at_the_colon_of_all() {
        assert_eq!(named(b"  id: 1", 4), Some(("id".to_owned(), &b"1"[..])));
        assert_eq!(named(b"type: a: b", 4), Some(("type".to_owned(), &b"a: b"[..])));
        assert_eq!(named(b"type:", 4), Some(("type".to_owned(), &b""[..])));
        assert_eq!(named(b"a note: x", 4), None);
        assert_eq!(named(b"x", 4), None);
    }
}
