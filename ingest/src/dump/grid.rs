//! Tables drawn with lines, as the client of MySQL shows them in a terminal.
//!
//! ```text
//! +----+----------+
//! | id | type     |
//! +----+----------+
//! |  1 | VM.START |
//! +----+----------+
//! 1 row in set (0.00 sec)
//! ```
//!
//! A line break inside a value breaks the row: its lines are put together again where that
//! gives the header's number of cells, and else its first line is set aside. Other lines,
//! such as prompts and queries, are passed over.

use std::io::Read;

use super::{
    lines::{self, TextLine},
    source::Source,
    table::{Cells, DumpRow, TableSink, Wish},
};
use crate::{batch::Stop, csv::ROW_BYTES_MAX, window::Window};

/// Reads all tables.
pub(super) fn read<R: Read>(window: &mut Window<R>, sink: &mut dyn TableSink) -> Result<(), Stop> {
    let mut grid = Grid { source: Source::new(window), held: None, cells: Cells::default() };
    let mut drawn: Option<u64> = None;
    while let Some(line) = grid.next() {
        if let (Some(rows), Some(said)) = (drawn, lines::rows_in_set(&line.text)) {
            if said != rows {
                let reason =
                    format!("the table has {rows} rows, but `{said} rows in set` stands below it");
                sink.broken(line.number, reason, &line.text)?;
            }
            drawn = None;
            continue;
        }
        let text = line.text.trim_ascii();
        if lines::is_drawn_row(text) && !lines::is_rule(text) {
            drawn = Some(grid.table(&line, sink)?);
        }
    }
    Ok(())
}

struct Grid<'w, R> {
    source: Source<'w, R>,
    /// A line that was looked at and not taken.
    held: Option<TextLine>,
    cells: Cells,
}

impl<R: Read> Grid<'_, R> {
    fn next(&mut self) -> Option<TextLine> {
        self.held.take().or_else(|| lines::next(&mut self.source))
    }

    /// Reads the table whose header is given, and returns the number of its rows.
    fn table(&mut self, header: &TextLine, sink: &mut dyn TableSink) -> Result<u64, Stop> {
        take_apart(header.text.trim_ascii(), &mut self.cells);
        let columns = self.cells.names();
        let is_wanted = sink.table(None, &columns)? == Wish::Wanted;
        // A table of Markdown has no line that closes it.
        let mut is_closed = false;
        match self.next() {
            Some(rule) if lines::is_rule(rule.text.trim_ascii()) => {
                is_closed = rule.text.trim_ascii().starts_with(b"+");
            }
            other => self.held = other,
        }
        let mut rows = 0;
        loop {
            let Some(line) = self.next() else {
                if is_closed && !self.source.window.failed() {
                    return Err(sink.cut(self.source.line, "the line that closes a table"));
                }
                return Ok(rows);
            };
            let text = line.text.trim_ascii_end();
            if lines::is_rule(text.trim_ascii()) || text.is_empty() || !text.starts_with(b"|") {
                if !text.is_empty() && !lines::is_rule(text.trim_ascii()) {
                    self.held = Some(line);
                }
                return Ok(rows);
            }
            rows += 1;
            let whole = self.whole_row(line, columns.len());
            if !is_wanted {
                continue;
            }
            take_apart(whole.text.trim_ascii(), &mut self.cells);
            let (line, text) = (whole.number, &whole.text[..]);
            match lines::is_drawn_row(text.trim_ascii()) {
                true => sink.row(DumpRow { line, text, cells: &self.cells })?,
                false => sink.broken(line, "the row has no end ` |`".to_owned(), text)?,
            }
        }
    }

    /// Adds lines to a row whose values hold line breaks.
    fn whole_row(&mut self, first: TextLine, columns: usize) -> TextLine {
        let is_whole = |text: &[u8]| {
            let text = text.trim_ascii_end();
            text.ends_with(b" |") && separators(text) > columns
        };
        let mut row = first.clone();
        while !is_whole(&row.text) && row.text.len() < ROW_BYTES_MAX {
            match self.next() {
                Some(next) if !next.text.starts_with(b"| ") && !lines::is_rule(&next.text) => {
                    row.text.push(b'\n');
                    row.text.extend_from_slice(&next.text);
                }
                other => {
                    self.held = other;
                    break;
                }
            }
        }
        row
    }
}

/// The number of `|` that stand between cells or around them.
fn separators(row: &[u8]) -> usize {
    let within = row.windows(3).filter(|found| found == b" | ").count();
    within + usize::from(row.starts_with(b"| ")) + usize::from(row.ends_with(b" |"))
}

/// Takes `| a | b |` apart.
fn take_apart(row: &[u8], cells: &mut Cells) {
    cells.clear();
    let inner = row.strip_prefix(b"|").unwrap_or(row);
    let inner = inner.strip_suffix(b"|").unwrap_or(inner);
    let mut start = 0;
    loop {
        let found = inner[start..].windows(3).position(|found| found == b" | ");
        let end = found.map_or(inner.len(), |at| start + at);
        let cell = inner[start..end].trim_ascii();
        match cell {
            b"NULL" => cells.end_null(),
            _ => {
                cells.extend(cell);
                cells.end();
            }
        }
        match found {
            // The blank behind the bar may be the one before the next.
            Some(_) => start = end + 2,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_apart_at_bars_between_blanks() {
        let mut cells = Cells::default();
        take_apart(b"|  1 | a|b  | NULL |      | x |", &mut cells);
        let all: Vec<_> = (0..cells.len()).map(|at| cells.get(at)).collect();
        let expected: [Option<&[u8]>; 5] = [Some(b"1"), Some(b"a|b"), None, Some(b""), Some(b"x")];
        assert_eq!(all, expected);
        assert_eq!(separators(b"| 1 | a|b |"), 3);
    }
}
