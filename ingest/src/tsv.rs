//! Tab-separated text, as `mysql --batch` prints the result of a query and as
//! `mysqldump --tab` and `INTO OUTFILE` write a table.
//!
//! A row is a line and a field ends at a tab. The client writes `\t`, `\n`, `\\` and `\0` for
//! a tab, a line break, a backslash and a NUL; the server puts a backslash before a tab or a
//! line break, which then end nothing. Quotes and carriage returns are ordinary characters.
//! A row with another number of fields than the header is set aside: its first line alone, so
//! that no field can swallow what follows.

use std::{borrow::Cow, io::Read};

use crate::{
    batch::{Batcher, Stop},
    block::Block,
    chunks::Chunks,
    csv::ROW_BYTES_MAX,
    decode::Decode,
    lines::{self, Line, LineEnd},
    names,
    plausible::Plausible,
    value::{RawValue, Values},
    window::{Filled, Window},
};

/// The first line of an input, without its line break.
pub(crate) fn first_line<R: Read>(window: &mut Window<R>) -> &[u8] {
    let mut searched = 0;
    loop {
        let unread = window.unread();
        let end = unread[searched..].iter().position(|b| *b == b'\n').map(|at| searched + at);
        searched = unread.len();
        if end.is_some() || searched > ROW_BYTES_MAX || window.fill() == Filled::NoMore {
            return &window.unread()[..end.unwrap_or(searched)];
        }
    }
}

/// True if the columns of a first line are separated by tabs.
pub(crate) fn is_tsv(first_line: &[u8]) -> bool {
    let count = |separator: u8| first_line.iter().filter(|byte| **byte == separator).count();
    // A name in another format may hold a tab, too.
    count(b'\t') > count(b',').max(count(b';')).max(count(b'|'))
}

/// Reads all rows, with the columns of the first line if none are given. A failure of the
/// input ends it early and is left in the window.
pub(crate) fn read<T: Decode, R: Read>(
    input: &str,
    window: &mut Window<R>,
    columns: Option<&[String]>,
    chunks: Chunks,
    batcher: &mut Batcher<T>,
) -> Result<(), Stop> {
    let (header, lines_before) = match columns {
        Some(columns) => {
            let carriage_returns = first_line(window).ends_with(b"\r");
            (Header::of::<T>(input, columns, carriage_returns)?, 0)
        }
        None => {
            let header = lines::first(window, |line| {
                Header::read::<T>(input, line.strip_suffix(b"\n").unwrap_or(line))
            })?;
            let Some(header) = header else { return Ok(()) };
            (header, 1)
        }
    };
    let (plausible, lines_before) = (batcher.plausible, lines_before + window.lines_before);
    lines::each(window, is_end, chunks, batcher, |line, block| {
        let number = line.number + lines_before;
        header.take(Line { number, ..line }, block, plausible);
    })
}

/// True of a line break without a backslash that escapes it.
fn is_end(text: &[u8], at: usize) -> bool {
    let backslashes = text[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
    backslashes.is_multiple_of(2)
}

/// The columns of all lines.
struct Header {
    /// The position of each column of the table.
    positions: Vec<Option<usize>>,
    fields: usize,
    /// Lines end with a carriage return and a line feed.
    carriage_returns: bool,
}

impl Header {
    fn read<T: Decode>(input: &str, line: &[u8]) -> Result<Self, Stop> {
        let names: Vec<String> = line
            .split(|b| *b == b'\t')
            .map(|name| String::from_utf8_lossy(name).trim().to_owned())
            .collect();
        Self::of::<T>(input, &names, line.ends_with(b"\r"))
    }

    fn of<T: Decode>(input: &str, names: &[String], carriage_returns: bool) -> Result<Self, Stop> {
        let positions = names::positions::<T>(input, names, "")?;
        Ok(Self { positions, fields: names.len(), carriage_returns })
    }

    fn without_carriage_return<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        match line.strip_suffix(b"\r") {
            Some(line) if self.carriage_returns => line,
            _ => line,
        }
    }

    /// Takes the row of a line, or of several whose breaks are escaped.
    fn take<T: Decode>(&self, line: Line<'_>, block: &mut Block<T>, plausible: Plausible) {
        let Line { text, end, mut number } = line;
        let mut rest = text.strip_suffix(b"\n").unwrap_or(text);
        loop {
            let row = self.without_carriage_return(rest);
            if row.is_empty() {
                return;
            }
            let decoded = match end {
                LineEnd::TooLong => Err(format!("the line is longer than {ROW_BYTES_MAX} bytes")),
                LineEnd::Break | LineEnd::OfInput => self.decode(row),
            };
            let told = |reason: String| format!("line {number}: {}", end.explain(reason));
            match (decoded, row.iter().position(|byte| *byte == b'\n')) {
                // No row: its first line may have been one that ends with a backslash.
                (Err(_), Some(at)) if !self.is_row(row) => {
                    let first = &row[..at];
                    block.take_text(self.decode(first).map_err(told), first, plausible);
                    rest = &rest[at + 1..];
                    number += 1;
                }
                (decoded, _) => {
                    block.take_text(decoded.map_err(told), row, plausible);
                    return;
                }
            }
        }
    }

    fn is_row(&self, row: &[u8]) -> bool {
        fields(row, self.fields).len() == self.fields
    }

    fn decode<T: Decode>(&self, line: &[u8]) -> Result<T, String> {
        let fields = fields(line, self.fields);
        if fields.len() != self.fields {
            return Err(format!(
                "the row has {} {} but the header has {}",
                fields.len(),
                if fields.len() == 1 { "field" } else { "fields" },
                self.fields
            ));
        }
        T::decode(&RowValues { fields: &fields, positions: &self.positions })
    }
}

/// The fields of a row, as they stand in the database. Where backslashes as escapes give
/// another number of fields than wanted and as ordinary characters the right one, they are
/// those.
fn fields(row: &[u8], wanted: usize) -> Vec<Cow<'_, [u8]>> {
    let plain = || row.split(|b| *b == b'\t').map(Cow::Borrowed);
    if !row.contains(&b'\\') {
        return plain().collect();
    }
    let escaped = unescaped(row);
    if escaped.len() != wanted && plain().count() == wanted && !row.contains(&b'\n') {
        return plain().collect();
    }
    escaped
}

/// The fields of a row, without their escapes. A backslash before any other character is
/// kept: `\N` is how the server writes NULL.
fn unescaped<'a>(row: &[u8]) -> Vec<Cow<'a, [u8]>> {
    let (mut fields, mut text) = (Vec::new(), Vec::new());
    let mut rest = row.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'\t' => fields.push(Cow::Owned(std::mem::take(&mut text))),
            b'\\' => match rest.next() {
                Some(b't') => text.push(b'\t'),
                Some(b'n') => text.push(b'\n'),
                Some(b'0') => text.push(0),
                Some(raw @ (b'\\' | b'\t' | b'\n' | b'\r')) => text.push(raw),
                Some(other) => text.extend([b'\\', other]),
                None => text.push(b'\\'),
            },
            byte => text.push(byte),
        }
    }
    fields.push(Cow::Owned(text));
    fields
}

struct RowValues<'a> {
    fields: &'a [Cow<'a, [u8]>],
    positions: &'a [Option<usize>],
}

impl Values for RowValues<'_> {
    fn value(&self, column: usize) -> RawValue<'_> {
        self.positions[column]
            .map_or(RawValue::Absent, |position| RawValue::Text(&self.fields[position]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_client_and_server_are_undone() {
        for (row, expected) in [
            (&b"web-1"[..], &[&b"web-1"[..]][..]),
            (br"a\tb\nc", &[b"a\tb\nc"]),
            (b"a\\\tb\tc", &[b"a\tb", b"c"]),
            (b"a\\\nb\tc", &[b"a\nb", b"c"]),
            (br"C:\\temp", &[br"C:\temp"]),
            (b"C:\\\\\tb", &[b"C:\\", b"b"]),
            (br"\\n", &[br"\n"]),
            (br"x\0y", &[b"x\0y"]),
            (br"\N", &[br"\N"]),
            (br"end\", &[br"end\"]),
            (b"a \"quoted\" name\r", &[b"a \"quoted\" name\r"]),
        ] {
            let found = fields(row, expected.len());
            assert_eq!(found.iter().map(AsRef::as_ref).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn backslashes_are_ordinary_where_only_that_gives_the_number_of_fields() {
        let found = fields(b"C:\\\t7", 2);
        assert_eq!(found.iter().map(AsRef::as_ref).collect::<Vec<_>>(), [&b"C:\\"[..], b"7"]);
    }

    #[test]
    fn tabs_in_the_first_line_make_it_tsv() {
        assert!(is_tsv(b"id\ttype"));
        assert!(is_tsv(b"1\tVM.START\ta, b"));
        assert!(!is_tsv(b"id,type"));
        assert!(!is_tsv(b"id,\ttype"));
        assert!(!is_tsv(b"1;VM.START;\"a\tb\""));
        assert!(!is_tsv(b"id"));
    }
}
