//! JSON Lines: one object a line; absent values are `null`.

use std::io::{self, Write};

use cloudtally_model::write_millionths;
use cloudtally_store::ServedColumns;

use super::{
    ExportFormat, Out, Sink,
    columns::{COLUMNS, Cell},
    row::{ExportRow, Names, for_each},
    write,
};

impl ExportFormat {
    /// JSON Lines.
    pub const JSON_LINES: &'static Self = &Self {
        name: "jsonl",
        help: "One JSON object a line",
        spreadsheet_safe: None,
        write: |records, names, out, progress| {
            write::<JsonLinesSink<'_>>(records, names, out, progress)
        },
    };
}

struct JsonLinesSink<'a>(Out<'a>);

impl<'a> Sink<'a> for JsonLinesSink<'a> {
    type Chunk = Vec<u8>;

    fn encode(records: &[ServedColumns], names: Names<'_>) -> io::Result<Self::Chunk> {
        let (mut text, mut buffer) = (Vec::new(), String::new());
        for_each(records, names, &mut |row| write_row(&mut text, row, &mut buffer))?;
        Ok(text)
    }

    fn begin(out: Out<'a>) -> io::Result<Self> {
        Ok(Self(out))
    }

    fn write(&mut self, chunks: Vec<Self::Chunk>) -> io::Result<()> {
        chunks.iter().try_for_each(|text| self.0.write_all(text))
    }

    fn finish(self) -> io::Result<()> {
        self.0.flush()
    }
}

fn write_row(mut out: impl Write, row: &ExportRow<'_>, buffer: &mut String) -> io::Result<()> {
    // Column names are plain words; only values need escaping.
    for (index, column) in COLUMNS.iter().enumerate() {
        let mark = if index == 0 { '{' } else { ',' };
        write!(out, "{mark}\"{}\":", column.name)?;
        match (column.value)(row, buffer) {
            Cell::Absent => out.write_all(b"null")?,
            Cell::Text(text) => serde_json::to_writer(&mut out, text)?,
            Cell::Decimal(millionths) => {
                buffer.clear();
                write_millionths(millionths, buffer);
                serde_json::to_writer(&mut out, &*buffer)?;
            }
            Cell::Number(number) => write!(out, "{number}")?,
            Cell::Signed(number) => write!(out, "{number}")?,
            Cell::Flag(flag) => write!(out, "{flag}")?,
            Cell::Date((_, shown)) => serde_json::to_writer(&mut out, &**shown)?,
        }
    }
    out.write_all(b"}\n")
}
