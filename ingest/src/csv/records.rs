//! The rows of a CSV input, one at a time.

use std::io::Read;

use csv_core::{ReadRecordResult, ReaderBuilder};

use super::{EARNED_PER_BYTE, ROW_BYTES_MAX};
use crate::window::{Filled, Window};

/// The next item of a CSV input.
pub(super) enum Next {
    /// A row, taken apart.
    Row(LineBreak),
    /// A line that cannot be taken apart, and why.
    Broken(String),
    /// The input failed in the middle of a row.
    Cut,
    /// There are no more rows.
    End,
}

/// The presence of a line break at a row's end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineBreak {
    There,
    Missing,
}

impl LineBreak {
    pub(super) fn explain(self, reason: String) -> String {
        match self {
            Self::There => reason,
            Self::Missing => format!(
                "{reason} (the last line has no line break: the file may have been cut off)"
            ),
        }
    }
}

/// The rows of a window, one at a time: `next`, look at it, `consume`.
pub(super) struct Records<'w, R> {
    pub(super) window: &'w mut Window<R>,
    core: csv_core::Reader,
    separator: u8,
    /// The fields of the row without quotes, one after the other.
    output: Vec<u8>,
    /// The end of each field in `output`; only the first `fields` count.
    ends: Vec<usize>,
    pub(super) fields: usize,
    /// Bytes of the row in the window, line break included.
    pub(super) length: usize,
    /// Bytes that may be read behind the row's first line, at most [`ROW_BYTES_MAX`].
    pub(super) credit: usize,
    /// Bytes given to the parser, over and over again or not.
    #[cfg(test)]
    parsed: usize,
}

impl<'w, R: Read> Records<'w, R> {
    pub(super) fn new(window: &'w mut Window<R>, separator: u8) -> Self {
        Self {
            window,
            core: ReaderBuilder::new().delimiter(separator).build(),
            separator,
            output: vec![0; 4096],
            ends: vec![0; 64],
            fields: 0,
            length: 0,
            credit: ROW_BYTES_MAX,
            #[cfg(test)]
            parsed: 0,
        }
    }

    pub(super) fn next(&mut self) -> Next {
        let (mut written, mut last) = (0, LineBreak::There);
        (self.fields, self.length) = (0, 0);
        let bound = self.row_bound();
        loop {
            let all_parsed = self.length == self.window.unread().len();
            if all_parsed && last == LineBreak::There && self.window.fill() == Filled::NoMore {
                if self.window.failed() {
                    return Next::Cut;
                }
                last = LineBreak::Missing;
            }
            // An empty input tells the parser that there is no more.
            let unread = self.window.unread();
            let (result, read, wrote, ended) = self.core.read_record(
                &unread[self.length..unread.len().min(bound + 1)],
                &mut self.output[written..],
                &mut self.ends[self.fields..],
            );
            self.length += read;
            written += wrote;
            self.fields += ended;
            #[cfg(test)]
            {
                self.parsed += read;
            }
            if self.length > bound {
                return self.broken(match bound {
                    ROW_BYTES_MAX => format!(
                        "the row is longer than {ROW_BYTES_MAX} bytes; a quote may be missing"
                    ),
                    _ => format!("a field opens a quote that is not closed within {bound} bytes"),
                });
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::End => return Next::End,
                ReadRecordResult::Record => return self.checked(last),
            }
        }
    }

    /// Bytes that the next row may have: its first line, whatever it costs, and behind
    /// it what was earned.
    fn row_bound(&mut self) -> usize {
        if self.credit == ROW_BYTES_MAX {
            return ROW_BYTES_MAX;
        }
        let first_line = loop {
            let unread = self.window.unread();
            let blank = unread.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
            match unread[blank..].iter().position(|b| *b == b'\n') {
                Some(at) => break blank + at + 1,
                None if unread.len() > ROW_BYTES_MAX => break ROW_BYTES_MAX,
                None if self.window.fill() == Filled::NoMore => break self.window.unread().len(),
                None => {}
            }
        };
        (first_line + self.credit).min(ROW_BYTES_MAX)
    }

    /// A row whose quotes make sense, or its first line.
    fn checked(&mut self, last: LineBreak) -> Next {
        match broken_quotes(self.text(), self.separator) {
            None => Next::Row(last),
            Some(reason) => self.broken(last.explain(reason.to_owned())),
        }
    }

    /// Goes back to the first line of what was read.
    fn broken(&mut self, reason: String) -> Next {
        self.core.reset();
        let unread = &self.window.unread()[..self.length];
        let blank = unread.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
        // One long line keeps its beginning here, `consume` skips the rest.
        if let Some(at) = unread[blank..].iter().position(|b| *b == b'\n') {
            let first_line = blank + at + 1;
            self.credit = self.credit.saturating_sub(self.length - first_line);
            self.length = first_line;
        }
        Next::Broken(reason)
    }

    /// The text of the row, without the blank lines before it and its line break.
    pub(super) fn text(&self) -> &[u8] {
        let text = &self.window.unread()[..self.length];
        let blank = text.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
        let text = &text[blank..];
        let ending = text.iter().rev().take_while(|b| matches!(b, b'\n' | b'\r')).count();
        &text[..text.len() - ending]
    }

    pub(super) fn header(&self) -> Vec<String> {
        (0..self.fields).map(|at| String::from_utf8_lossy(self.field(at)).into_owned()).collect()
    }

    pub(super) fn field(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.output[start..self.ends[at]]
    }

    /// Done with the row.
    pub(super) fn consume(&mut self) {
        self.credit = (self.credit + EARNED_PER_BYTE * self.length).min(ROW_BYTES_MAX);
        let whole_line = self.window.unread()[..self.length].ends_with(b"\n");
        self.window.consume(self.length);
        if !whole_line && self.length > ROW_BYTES_MAX {
            self.window.skip_line();
        }
    }
}

/// Finds the fault in the quotes of a row, if there is one. A quote inside a field
/// that does not begin with one is an ordinary character.
fn broken_quotes(row: &[u8], separator: u8) -> Option<&'static str> {
    enum At {
        FieldStart,
        Plain,
        Quoted,
        QuoteInQuoted,
    }
    if !row.contains(&b'"') {
        return None;
    }
    let mut at = At::FieldStart;
    for byte in row {
        at = match (at, byte) {
            (At::FieldStart | At::Plain | At::QuoteInQuoted, byte) if *byte == separator => {
                At::FieldStart
            }
            (At::FieldStart | At::QuoteInQuoted, b'"') => At::Quoted,
            (At::FieldStart | At::Plain, _) => At::Plain,
            (At::Quoted, b'"') => At::QuoteInQuoted,
            (At::Quoted, _) => At::Quoted,
            (At::QuoteInQuoted, _) => {
                return Some(
                    "a quoted field goes on after its closing quote; \
                     double the quotes inside a field",
                );
            }
        };
    }
    match at {
        At::Quoted => Some("a field opens a quote that is never closed"),
        At::FieldStart | At::Plain | At::QuoteInQuoted => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes given to the parser, and the rows and broken lines that came of them.
    fn parse(csv: &[u8]) -> (usize, usize, usize) {
        let mut window = Window::new(csv);
        let mut records = Records::new(&mut window, b',');
        let (mut rows, mut broken) = (0, 0);
        loop {
            match records.next() {
                Next::Row(_) => rows += 1,
                Next::Broken(_) => broken += 1,
                Next::Cut | Next::End => return (records.parsed, rows, broken),
            }
            records.consume();
        }
    }

    #[test]
    fn lines_that_all_open_a_quote_cost_a_few_times_their_size() {
        // Alone, each line opens a quote; inside one, it closes that and opens another.
        let line = b"1,a\"b,\"c\n";
        let csv = line.repeat(4 * 1024 * 1024 / line.len());
        let (parsed, rows, broken) = parse(&csv);
        assert_eq!((rows, broken), (0, csv.len() / line.len()));
        let bound = (EARNED_PER_BYTE + 2) * csv.len() + ROW_BYTES_MAX;
        assert!(parsed <= bound, "{parsed} bytes parsed of {}", csv.len());
    }

    #[test]
    fn a_long_quoted_row_is_read_whatever_came_before() {
        let broken = "1,\"open\n".repeat(3);
        let long = format!("2,\"{}\"\n", "line\n".repeat(100_000));
        let good = "3,c\n".repeat(100_000);
        assert_eq!(parse(long.as_bytes()).1, 1);
        let csv = format!("{broken}{good}{long}");
        let (_, rows, _) = parse(csv.as_bytes());
        assert_eq!(rows, 100_001);
    }
}
