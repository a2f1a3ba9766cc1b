//! Elements, as `mysql --xml` and `mysqldump --xml` write them.
//!
//! ```text
//! <row>
//!   <field name="id">1</field>
//!   <field name="size" xsi:nil="true" />
//! </row>
//! ```

use std::io::Read;

use super::{
    source::Source,
    table::{Cells, DumpRow, TableName, TableSink, Wish},
};
use crate::{batch::Stop, csv::ROW_BYTES_MAX, window::Window};

/// Reads all tables.
pub(super) fn read<R: Read>(window: &mut Window<R>, sink: &mut dyn TableSink) -> Result<(), Stop> {
    let mut source = Source::new(window);
    let mut database = None;
    let mut name: Option<TableName> = None;
    let mut current: Option<(Vec<String>, Wish)> = None;
    let mut cells = Cells::default();
    let mut closed = false;
    loop {
        source.skip_while(|byte| byte != b'<');
        let line = source.line;
        let Some(length) = source.through(b">") else { break };
        let tag = source.unread()[..length].to_vec();
        if tag.starts_with(b"<database ") {
            database = attribute(&tag, "name");
        } else if tag.starts_with(b"<table_data ") {
            name = attribute(&tag, "name")
                .map(|table| TableName { database: database.clone(), table });
            current = None;
        } else if tag.starts_with(b"</resultset") || tag.starts_with(b"</mysqldump") {
            closed = true;
        }
        if tag != b"<row>" {
            source.consume(length);
            continue;
        }
        let Some(length) = source.through(b"</row>") else {
            if source.unread().len() > ROW_BYTES_MAX {
                let reason = format!("the row is longer than {ROW_BYTES_MAX} bytes");
                sink.broken(line, reason, source.unread())?;
                source.skip_through(b"</row>");
                continue;
            }
            if !source.window.failed() {
                let reason = "the dump ends within the row".to_owned();
                sink.broken(line, reason, source.unread())?;
            }
            break;
        };
        let text = &source.unread()[..length];
        match fields(text, &mut cells) {
            Err(reason) => sink.broken(line, reason.to_owned(), text)?,
            Ok(columns) => {
                let is_same = current.as_ref().is_some_and(|(known, _)| *known == columns);
                if !is_same {
                    let wish = sink.table(name.as_ref(), &columns)?;
                    current = Some((columns, wish));
                }
                if current.as_ref().is_some_and(|(_, wish)| *wish == Wish::Wanted) {
                    sink.row(DumpRow { line, text, cells: &cells })?;
                }
            }
        }
        source.consume(length);
    }
    match closed || source.window.failed() {
        true => Ok(()),
        false => Err(sink.cut(source.line, "its closing element")),
    }
}

/// Reads the fields of a row into cells and returns their names.
fn fields(row: &[u8], cells: &mut Cells) -> Result<Vec<String>, &'static str> {
    const FIELD: &[u8] = b"<field ";
    cells.clear();
    let mut names = Vec::new();
    let mut rest = row;
    while let Some(at) = rest.windows(FIELD.len()).position(|found| found == FIELD) {
        rest = &rest[at..];
        let end = rest.iter().position(|byte| *byte == b'>').ok_or("a field has no end")?;
        let tag = &rest[..=end];
        names.push(attribute(tag, "name").ok_or("a field has no name")?);
        rest = &rest[end + 1..];
        if attribute(tag, "xsi:nil").as_deref() == Some("true") {
            cells.end_null();
        } else if tag.ends_with(b"/>") {
            cells.end();
        } else {
            let end = rest.iter().position(|byte| *byte == b'<').ok_or("a field has no end")?;
            if !rest[end..].starts_with(b"</field>") {
                return Err("a field holds another element");
            }
            let text = unescaped(&rest[..end]).ok_or("a field holds an unknown `&` reference")?;
            cells.extend(&text);
            cells.end();
            rest = &rest[end..];
        }
    }
    Ok(names)
}

/// The value of an attribute of a tag.
fn attribute(tag: &[u8], name: &str) -> Option<String> {
    let tag = std::str::from_utf8(tag).ok()?;
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let value = unescaped(value.as_bytes())?;
    String::from_utf8(value).ok()
}

/// The text that references such as `&amp;` stand for.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'&') {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let end = rest.iter().take(12).position(|byte| *byte == b';')?;
        let name = std::str::from_utf8(&rest[1..end]).ok()?;
        let character = match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        };
        plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[end + 1..];
    }
    plain.extend_from_slice(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_nulls() {
        let row = b"<row><field name=\"id\">1</field><field name=\"a\" xsi:nil=\"true\" />\
                    <field name=\"b\">&lt;&amp;&#233;&#xe9;\"</field></row>";
        let mut cells = Cells::default();
        assert_eq!(fields(row, &mut cells).unwrap(), ["id", "a", "b"]);
        assert_eq!((cells.get(0), cells.get(1)), (Some(&b"1"[..]), None));
        assert_eq!(cells.get(2), Some("<&\u{e9}\u{e9}\"".as_bytes()));
        assert!(fields(b"<row><field name=\"a\">&what;</field></row>", &mut cells).is_err());
    }
}
