//! Tab-separated text, as `mysql --batch` prints the result of a query.
//!
//! A row is a line and a field ends at a tab. Inside a field the client writes `\t`,
//! `\n`, `\\` and `\0` for a tab, a line break, a backslash and a NUL; quotes and
//! carriage returns are ordinary characters. So no field can swallow what follows,
//! and a line with another number of fields than the header is set aside alone.

use std::{borrow::Cow, io::Read};

use crate::{
    batch::{Batcher, Stop},
    chunks::Chunks,
    csv::ROW_BYTES_MAX,
    decode::Decode,
    lines::{self, Line, LineEnd},
    names,
    value::{RawValue, Values},
    window::{Filled, Window},
};

/// True if the first line is a header whose columns are separated by tabs.
pub(crate) fn is_tsv<R: Read>(window: &mut Window<R>) -> bool {
    let mut searched = 0;
    loop {
        let unread = window.unread();
        let end = unread[searched..].iter().position(|b| *b == b'\n').map(|at| searched + at);
        searched = unread.len();
        if end.is_some() || searched > ROW_BYTES_MAX || window.fill() == Filled::NoMore {
            let header = &window.unread()[..end.unwrap_or(searched)];
            return header.contains(&b'\t') && !header.contains(&b',');
        }
    }
}

/// Reads all rows. A failure of the input ends it early and is left in the window.
pub(crate) fn read<T: Decode, R: Read>(
    input: &str,
    window: &mut Window<R>,
    chunks: Chunks,
    batcher: &mut Batcher<T>,
) -> Result<(), Stop> {
    let header = lines::first(window, |line| {
        Header::read::<T>(input, line.strip_suffix(b"\n").unwrap_or(line))
    })?;
    let Some(header) = header else { return Ok(()) };
    let plausible = batcher.plausible;
    lines::each(window, chunks, batcher, |Line { text, end, number }, block| {
        let line = text.strip_suffix(b"\n").unwrap_or(text);
        let line = header.without_carriage_return(line);
        if line.is_empty() {
            return;
        }
        let decoded = match end {
            LineEnd::TooLong => Err(format!("the line is longer than {ROW_BYTES_MAX} bytes")),
            LineEnd::Break | LineEnd::OfInput => header.decode(line),
        };
        let decoded = decoded.map_err(|reason| end.explain(reason));
        // Line breaks inside fields are escaped, so a row is found by its line; the
        // header is the first.
        let decoded = decoded.map_err(|reason| format!("line {}: {reason}", number + 1));
        block.take_text(decoded, line, plausible);
    })
}

/// The first line, as all others are read by it.
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
        let positions = names::positions::<T>(input, &names, "")?;
        let carriage_returns = line.ends_with(b"\r");
        Ok(Self { positions, fields: names.len(), carriage_returns })
    }

    fn without_carriage_return<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        match line.strip_suffix(b"\r") {
            Some(line) if self.carriage_returns => line,
            _ => line,
        }
    }

    fn decode<T: Decode>(&self, line: &[u8]) -> Result<T, String> {
        let fields: Vec<Cow<'_, [u8]>> = line.split(|b| *b == b'\t').map(unescaped).collect();
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

/// A field as it stands in the database. A backslash before any other character is
/// kept: `\N` is how exports by `INTO OUTFILE` write NULL.
fn unescaped(field: &[u8]) -> Cow<'_, [u8]> {
    if !field.contains(&b'\\') {
        return Cow::Borrowed(field);
    }
    let mut text = Vec::with_capacity(field.len());
    let mut rest = field.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        match rest.next() {
            Some(b't') => text.push(b'\t'),
            Some(b'n') => text.push(b'\n'),
            Some(b'0') => text.push(0),
            Some(b'\\') => text.push(b'\\'),
            Some(other) => text.extend([b'\\', other]),
            None => text.push(b'\\'),
        }
    }
    Cow::Owned(text)
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
    fn escapes_of_the_client_are_undone() {
        for (field, expected) in [
            (&b"web-1"[..], &b"web-1"[..]),
            (br"a\tb\nc", b"a\tb\nc"),
            (br"C:\\temp", br"C:\temp"),
            (br"\\n", br"\n"),
            (br"x\0y", b"x\0y"),
            (br"\N", br"\N"),
            (br"end\", br"end\"),
            (b"a \"quoted\" name\r", b"a \"quoted\" name\r"),
        ] {
            assert_eq!(unescaped(field).as_ref(), expected);
        }
    }

    #[test]
    fn tabs_in_the_first_line_make_it_tsv() {
        let is_tsv = |text: &'static str| is_tsv(&mut Window::new(text.as_bytes()));
        assert!(is_tsv("id\ttype\n1,2\t3\n"));
        assert!(is_tsv("id\ttype"));
        assert!(!is_tsv("id,type\n1\t2\n"));
        assert!(!is_tsv("id,\ttype\n"));
        assert!(!is_tsv("id\n1\t2\n"));
    }
}
