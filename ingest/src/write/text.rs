//! CSV and JSON Lines: one buffer of bytes, a line at a time.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use cloudtally_model::{Instant, utc_day_name};

use super::Format;
use crate::table::{Cell, Row, time_of_day};

/// Bytes gathered before they go to the file.
const BUFFER_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct TextRows {
    file: File,
    format: Format,
    buffer: Vec<u8>,
    dates: Dates,
}

impl TextRows {
    pub(super) fn create<T: Row>(path: &Path, format: Format) -> io::Result<Self> {
        let file = File::create(path)?;
        let mut buffer = Vec::with_capacity(BUFFER_BYTES + 4096);
        if format == Format::Csv {
            let names: Vec<&str> = T::columns().iter().map(|column| column.name).collect();
            buffer.extend_from_slice(names.join(",").as_bytes());
            buffer.push(b'\n');
        }
        Ok(Self { file, format, buffer, dates: Dates::default() })
    }

    pub(super) fn write<T: Row>(&mut self, row: &T) -> io::Result<()> {
        match self.format {
            Format::JsonLines => self.append_json(row)?,
            Format::Csv | Format::Parquet => self.append_csv(row),
        }
        self.flush_when_full()
    }

    pub(super) fn write_raw_line(&mut self, line: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            self.buffer.push(b'\n');
        }
        self.flush_when_full()
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)
    }

    fn flush_when_full(&mut self) -> io::Result<()> {
        if self.buffer.len() >= BUFFER_BYTES {
            self.file.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    fn append_csv<T: Row>(&mut self, row: &T) {
        for (index, column) in T::columns().iter().enumerate() {
            if index > 0 {
                self.buffer.push(b',');
            }
            match (column.cell)(row) {
                Cell::Absent => {}
                Cell::Unsigned(number) => append_number(&mut self.buffer, number),
                Cell::Signed(number) => append_number(&mut self.buffer, number),
                Cell::Text(text) => append_field(&mut self.buffer, text),
                Cell::Set => self.buffer.extend_from_slice(b"true"),
                Cell::Instant(instant) => self.dates.append(&mut self.buffer, instant),
            }
        }
        self.buffer.push(b'\n');
    }

    fn append_json<T: Row>(&mut self, row: &T) -> io::Result<()> {
        for (index, column) in T::columns().iter().enumerate() {
            // Column names are plain words: nothing in them needs an escape.
            self.buffer.extend_from_slice(if index == 0 { b"{\"" } else { b",\"" });
            self.buffer.extend_from_slice(column.name.as_bytes());
            self.buffer.extend_from_slice(b"\":");
            match (column.cell)(row) {
                Cell::Absent => self.buffer.extend_from_slice(b"null"),
                Cell::Unsigned(number) => append_number(&mut self.buffer, number),
                Cell::Signed(number) => append_number(&mut self.buffer, number),
                Cell::Text(text) => serde_json::to_writer(&mut self.buffer, text)?,
                Cell::Set => self.buffer.extend_from_slice(b"true"),
                Cell::Instant(instant) => {
                    self.buffer.push(b'"');
                    self.dates.append(&mut self.buffer, instant);
                    self.buffer.push(b'"');
                }
            }
        }
        self.buffer.extend_from_slice(b"}\n");
        Ok(())
    }
}

fn append_number(buffer: &mut Vec<u8>, number: impl itoa::Integer) {
    buffer.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a CSV field, in quotes where it needs them.
fn append_field(buffer: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r')) {
        buffer.extend_from_slice(text.as_bytes());
        return;
    }
    buffer.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            buffer.push(b'"');
        }
        buffer.push(byte);
    }
    buffer.push(b'"');
}

/// Spells instants, remembering the last date: rows mostly come in order.
#[derive(Debug, Default)]
struct Dates {
    last: Option<(i64, String)>,
}

impl Dates {
    fn append(&mut self, buffer: &mut Vec<u8>, instant: Instant) {
        let day = instant.utc_day();
        let (_, date) = match self.last.take() {
            Some(last) if last.0 == day => self.last.insert(last),
            _ => self.last.insert((day, utc_day_name(day))),
        };
        buffer.extend_from_slice(date.as_bytes());
        buffer.extend_from_slice(time_of_day(instant).as_bytes());
    }
}
