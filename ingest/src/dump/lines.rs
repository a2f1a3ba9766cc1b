//! One line at a time, of formats that people copy from a terminal.

use std::io::Read;

use super::{source::Source, table::Dialect};
use crate::csv::ROW_BYTES_MAX;

/// A line of an input, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextLine {
    pub(super) text: Vec<u8>,
    pub(super) number: u64,
    /// True if a line break ends it.
    pub(super) is_whole: bool,
}

/// Takes the next line; `None` at the end, or where the input failed within it. Of a line
/// beyond the bound the beginning is kept.
pub(super) fn next<R: Read>(source: &mut Source<'_, R>) -> Option<TextLine> {
    let number = source.line;
    let (length, is_whole) = match source.through(b"\n") {
        Some(length) => (length, true),
        None => (source.unread().len(), false),
    };
    if length == 0 || !is_whole && source.window.failed() {
        return None;
    }
    let is_too_long = length > ROW_BYTES_MAX;
    let mut text = source.unread()[..length.min(ROW_BYTES_MAX)].to_vec();
    source.consume(length);
    if is_too_long && !is_whole {
        source.skip_through(b"\n");
    }
    if text.ends_with(b"\n") {
        text.pop();
    }
    if text.ends_with(b"\r") {
        text.pop();
    }
    Some(TextLine { text, number, is_whole })
}

/// The format of the first drawn table or list in a sample, which may have queries and
/// prompts before it.
pub(super) fn first_drawn(sample: &[u8]) -> Option<Dialect> {
    let first = sample.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty())?;
    if is_drawn_row(first.trim_ascii()) && first.trim_ascii().len() > 2 {
        return Some(Dialect::Grid);
    }
    sample.split(|byte| *byte == b'\n').find_map(|line| match line.trim_ascii() {
        line if row_number(line).is_some() => Some(Dialect::Vertical),
        line if is_rule(line) => Some(Dialect::Grid),
        _ => None,
    })
}

/// True of `+----+------+` and of the rule of Markdown, `|----|------|`.
pub(super) fn is_rule(line: &[u8]) -> bool {
    let is_corner = |byte: &u8| matches!(byte, b'+' | b'|');
    line.len() >= 3
        && line.first().is_some_and(is_corner)
        && line.last().is_some_and(is_corner)
        && line.contains(&b'-')
        && line.iter().all(|byte| is_corner(byte) || matches!(byte, b'-' | b':' | b' '))
}

/// True of `| id | type |`.
pub(super) fn is_drawn_row(line: &[u8]) -> bool {
    line.starts_with(b"| ") && line.ends_with(b" |")
}

/// The number in `*** 1. row ***`.
pub(super) fn row_number(line: &[u8]) -> Option<u64> {
    let line = line.trim_ascii();
    if !line.starts_with(b"***") || !line.ends_with(b"***") {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?.trim_matches('*').trim();
    text.strip_suffix(". row")?.parse().ok()
}

/// The number in `5 rows in set (0.00 sec)`.
pub(super) fn rows_in_set(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let (number, rest) = text.split_once(' ')?;
    (rest.starts_with("row in set") || rest.starts_with("rows in set"))
        .then(|| number.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_tables_are_found_behind_a_prompt() {
        let pasted = b"```\nmysql> select * from usage_event;\n+----+\n| id |\n+----+\n";
        assert_eq!(first_drawn(pasted), Some(Dialect::Grid));
        assert_eq!(first_drawn(b"| id | type |\n|----|------|\n"), Some(Dialect::Grid));
        let vertical = b"MariaDB [cloud]> x\\G\n*************************** 1. row *****\nid: 1\n";
        assert_eq!(first_drawn(vertical), Some(Dialect::Vertical));
        assert_eq!(first_drawn(b"id,type\n1,a-b\n"), None);
    }

    #[test]
    fn counts_of_rows() {
        assert_eq!(rows_in_set(b"5 rows in set (0.00 sec)"), Some(5));
        assert_eq!(rows_in_set(b"1 row in set"), Some(1));
        assert_eq!(rows_in_set(b"Empty set"), None);
        assert_eq!(row_number(b"*** 12. row ***"), Some(12));
        assert_eq!(row_number(b"*** row ***"), None);
    }
}
