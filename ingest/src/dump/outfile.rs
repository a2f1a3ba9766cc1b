//! Separated fields in which a backslash escapes, as `INTO OUTFILE` writes them.
//!
//! Fields may be enclosed by a quote, where a quote inside is escaped or doubled. A
//! backslash stands before a quote, a separator, a line break or a backslash that means
//! itself; `\0` is a NUL, and a field `\N` is NULL. Before anything else it is an ordinary
//! character, since no server writes it. A quote that is never closed costs one line.

use std::io::Read;

use super::{
    source::Source,
    table::{Cells, DumpRow, TableSink, Wish},
};
use crate::{batch::Stop, csv::ROW_BYTES_MAX, window::Window};

/// Bytes that may be read in vain for each byte consumed.
const EARNED_PER_BYTE: usize = 8;

/// The separator and the quote of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) separator: u8,
    pub(crate) quote: u8,
}

/// The meaning of a backslash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escapes {
    Backslash,
    /// It is an ordinary character.
    None,
}

/// The result of reading some bytes that begin with a record.
#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    /// A record of so many bytes, its line break included.
    Whole(usize),
    Unfinished,
    Bad(&'static str),
}

/// Reads all rows, with the columns of the first line if none are given.
pub(super) fn read<R: Read>(
    window: &mut Window<R>,
    style: Style,
    columns: Option<&[String]>,
    sink: &mut dyn TableSink,
) -> Result<(), Stop> {
    let (source, cells) = (Source::new(window), Cells::default());
    let mut records = Records { source, cells, style, credit: ROW_BYTES_MAX };
    let mut wish = match columns {
        Some(columns) => Some(sink.table(None, columns)?),
        None => None,
    };
    loop {
        let line = records.source.line;
        let Some((length, read)) = records.next() else { return Ok(()) };
        let text = without_break(&records.source.unread()[..length]);
        if !text.is_empty() {
            match (read, wish) {
                (Ok(()), Some(Wish::Wanted)) => {
                    sink.row(DumpRow { line, text, cells: &records.cells })?;
                }
                (Ok(()), Some(Wish::Unwanted)) => {}
                (Ok(()), None) => wish = Some(sink.table(None, &records.cells.names())?),
                (Err(reason), _) => sink.broken(line, reason, text)?,
            }
        }
        records.consume(length);
    }
}

/// The fields of the first record of a sample, as names.
pub(crate) fn first_record(sample: &[u8], style: Style) -> Vec<String> {
    let mut cells = Cells::default();
    // A sample that ends within its first line is one all the same.
    let closed = [sample, b"\n"].concat();
    match parse(&closed, style, Escapes::Backslash, &mut cells) {
        Parsed::Whole(_) => cells.names(),
        Parsed::Unfinished | Parsed::Bad(_) => Vec::new(),
    }
}

/// True if the backslashes of a sample must be escapes: fewer of its records are unsound by
/// that reading than by that of doubled quotes, or no more where there are fields `\N`, too.
pub(crate) fn escapes_are_meant(sample: &[u8], style: Style) -> bool {
    let escapes = |pair: &[u8]| pair[0] == b'\\' && matches!(pair[1], b'"' | b'\'' | b'\n' | b'\\');
    if !sample.windows(2).any(escapes) {
        return false;
    }
    let has_null = has_null(sample, style.separator);
    let escaped = unsound(sample, style, Escapes::Backslash);
    let doubled = unsound(sample, style, Escapes::None);
    escaped < doubled || has_null && escaped == doubled
}

/// True if a whole field is `\N`.
fn has_null(sample: &[u8], separator: u8) -> bool {
    let is_edge = |byte: Option<&u8>| {
        byte.is_none_or(|byte| *byte == separator || matches!(byte, b'\n' | b'\r'))
    };
    sample.windows(2).enumerate().any(|(at, pair)| {
        let before = at.checked_sub(1).and_then(|before| sample.get(before));
        pair == b"\\N" && is_edge(before) && is_edge(sample.get(at + 2))
    })
}

/// Counts the records of a sample that cannot be taken apart or have another number of
/// fields than the first, up to a bound.
fn unsound(sample: &[u8], style: Style, escapes: Escapes) -> usize {
    const COUNTED_MAX: usize = 100;
    let (mut cells, mut fields, mut count) = (Cells::default(), None, 0);
    let mut rest = sample;
    while count < COUNTED_MAX {
        // The sample may end within its last line.
        let Some(line) = rest.iter().position(|byte| *byte == b'\n') else { break };
        let length = match parse(rest, style, escapes, &mut cells) {
            Parsed::Whole(length) => {
                count += usize::from(*fields.get_or_insert(cells.len()) != cells.len());
                length
            }
            Parsed::Unfinished | Parsed::Bad(_) => {
                count += 1;
                line + 1
            }
        };
        rest = &rest[length..];
    }
    count
}

struct Records<'w, R> {
    source: Source<'w, R>,
    cells: Cells,
    style: Style,
    /// Bytes that may be read behind the first line of a record, at most [`ROW_BYTES_MAX`].
    credit: usize,
}

impl<R: Read> Records<'_, R> {
    /// The length of the next record, and the reason if it cannot be taken apart.
    fn next(&mut self) -> Option<(usize, Result<(), String>)> {
        loop {
            let unread = self.source.unread();
            if unread.is_empty() && !self.source.fill() {
                return None;
            }
            let unread = self.source.unread();
            let bound = ROW_BYTES_MAX.min(self.credit.max(64 * 1024));
            let record = &unread[..unread.len().min(bound)];
            match parse(record, self.style, Escapes::Backslash, &mut self.cells) {
                Parsed::Whole(length) => return Some((length, Ok(()))),
                Parsed::Bad(reason) => return Some(self.first_line(reason.to_owned())),
                Parsed::Unfinished if unread.len() >= bound => {
                    let reason = format!("the row does not end within {bound} bytes");
                    return Some(self.first_line(reason));
                }
                Parsed::Unfinished if self.source.fill() => {}
                Parsed::Unfinished if self.source.window.failed() => return None,
                Parsed::Unfinished => return Some(self.last()),
            }
        }
    }

    /// Reads the last record, which no line break ends.
    fn last(&mut self) -> (usize, Result<(), String>) {
        let mut text = self.source.unread().to_vec();
        let length = text.len();
        text.push(b'\n');
        match parse(&text, self.style, Escapes::Backslash, &mut self.cells) {
            Parsed::Whole(whole) if whole == text.len() => (length, Ok(())),
            Parsed::Bad(reason) => self.first_line(reason.to_owned()),
            Parsed::Whole(_) | Parsed::Unfinished => self.first_line(
                "a field opens a quote that is never closed, and the file ends within it; it may \
                 have been cut off"
                    .to_owned(),
            ),
        }
    }

    /// Goes back to the first line of what was read.
    fn first_line(&mut self, reason: String) -> (usize, Result<(), String>) {
        let unread = self.source.unread();
        let length = unread.iter().position(|byte| *byte == b'\n');
        let length = length.map_or(unread.len(), |at| at + 1);
        let in_vain = unread.len().min(ROW_BYTES_MAX).saturating_sub(length);
        self.credit = self.credit.saturating_sub(in_vain);
        (length, Err(reason))
    }

    fn consume(&mut self, length: usize) {
        self.credit = (self.credit + EARNED_PER_BYTE * length).min(ROW_BYTES_MAX);
        self.source.consume(length);
    }
}

fn without_break(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Reads the record that some bytes begin with into cells.
fn parse(bytes: &[u8], style: Style, escapes: Escapes, cells: &mut Cells) -> Parsed {
    cells.clear();
    let mut at = 0;
    loop {
        // `INTO OUTFILE` writes none, but tools put a blank behind the separator.
        at += bytes[at..].iter().take_while(|byte| **byte == b' ').count();
        let field = match bytes.get(at) {
            None => return Parsed::Unfinished,
            Some(quote) if *quote == style.quote => enclosed(&bytes[at..], style, escapes, cells),
            Some(_) => plain(&bytes[at..], style, escapes, cells),
        };
        match field {
            Some(length) => at += length,
            None => return Parsed::Unfinished,
        }
        match bytes[at..] {
            [] => return Parsed::Unfinished,
            [b'\n', ..] => return Parsed::Whole(at + 1),
            [b'\r', b'\n', ..] => return Parsed::Whole(at + 2),
            [b'\r'] => return Parsed::Unfinished,
            [byte, ..] if byte == style.separator => at += 1,
            _ => return Parsed::Bad("a quoted field goes on after its closing quote"),
        }
    }
}

/// Reads a field in quotes; `None` if the bytes end within it.
fn enclosed(bytes: &[u8], style: Style, escapes: Escapes, cells: &mut Cells) -> Option<usize> {
    let is_escape = |byte: u8| byte == b'\\' && escapes == Escapes::Backslash;
    let mut at = 1;
    loop {
        let rest = &bytes[at..];
        let plain = rest.iter().position(|byte| *byte == style.quote || is_escape(*byte))?;
        cells.extend(&rest[..plain]);
        at += plain;
        let next = bytes.get(at + 1)?;
        if is_escape(bytes[at]) {
            escaped(*next, style, cells);
            at += 2;
        } else if *next == style.quote {
            cells.push(style.quote);
            at += 2;
        } else {
            cells.end();
            return Some(at + 1);
        }
    }
}

/// Reads a field without quotes; `None` if the bytes end within it.
fn plain(bytes: &[u8], style: Style, escapes: Escapes, cells: &mut Cells) -> Option<usize> {
    let is_escape = |byte: u8| byte == b'\\' && escapes == Escapes::Backslash;
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let is_end = |byte: &u8| *byte == style.separator || *byte == b'\n' || is_escape(*byte);
        let plain = rest.iter().position(is_end)?;
        cells.extend(&rest[..plain]);
        at += plain;
        if !is_escape(bytes[at]) {
            break;
        }
        let next = bytes.get(at + 1)?;
        escaped(*next, style, cells);
        at += 2;
    }
    let length = match bytes[..at].ends_with(b"\r") && bytes[at] == b'\n' {
        true => at - 1,
        false => at,
    };
    match &bytes[..length] {
        b"\\N" => cells.end_null(),
        text if text.len() < at => {
            // The carriage return belongs to the line break.
            cells.pop();
            cells.end();
        }
        _ => cells.end(),
    }
    Some(length)
}

fn escaped(byte: u8, style: Style, cells: &mut Cells) {
    match byte {
        b'0' => cells.push(0),
        b'\\' | b'\n' | b'\r' | b'\t' | b'"' | b'\'' => cells.push(byte),
        _ if byte == style.separator || byte == style.quote => cells.push(byte),
        // The client writes letters where the server writes the bytes.
        b't' if style.separator == b'\t' => cells.push(b'\t'),
        b'n' if style.separator == b'\t' => cells.push(b'\n'),
        _ => cells.extend(&[b'\\', byte]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Style = Style { separator: b',', quote: b'"' };

    fn parsed(text: &str) -> (Parsed, Vec<Option<String>>) {
        let mut cells = Cells::default();
        let parsed = parse(text.as_bytes(), COMMA, Escapes::Backslash, &mut cells);
        let text = |at| cells.get(at).map(|cell| String::from_utf8_lossy(cell).into_owned());
        (parsed, (0..cells.len()).map(text).collect())
    }

    #[test]
    fn fields_with_and_without_quotes() {
        let text = "1,\"a\\\"b\"\"c\\\\\\\nd\\0e\",\\N,x\\,y,C:\\temp,\"\"\r\n";
        let (result, cells) = parsed(text);
        assert_eq!(result, Parsed::Whole(text.len()));
        let expected =
            [Some("1"), Some("a\"b\"c\\\nd\0e"), None, Some("x,y"), Some("C:\\temp"), Some("")];
        assert_eq!(cells.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
        assert_eq!(parsed("1,\\N\r\n").1, [Some("1".to_owned()), None]);
        assert_eq!(parsed("1,a\r\n").1, [Some("1".to_owned()), Some("a".to_owned())]);
    }

    #[test]
    fn every_cut_is_unfinished() {
        let text = "1,\"a\\\"b\",\\N,x\n";
        for length in 0..text.len() {
            assert_eq!(parsed(&text[..length]).0, Parsed::Unfinished, "{}", &text[..length]);
        }
    }

    #[test]
    fn backslashes_are_escapes_where_doubling_would_break() {
        assert!(escapes_are_meant(b"1,\"a\\\"b\",x\n2,\"c\",y\n", COMMA));
        assert!(escapes_are_meant(b"1,\"a\\\\b\",\\N\n2,\"c\",\\N\n", COMMA));
        assert!(!escapes_are_meant(b"1,\"C:\\\",x\n2,\"c\",y\n", COMMA));
        assert!(!escapes_are_meant(b"1,\"a\"\"b\",x\n2,\"c\",y\n", COMMA));
        // A broken line in between decides nothing.
        assert!(escapes_are_meant(b"1,\"a\\\"b\"\n2,\"open\n3,\"c\"\n", COMMA));
    }
}
