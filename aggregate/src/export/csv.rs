//! CSV: a header row and comma-separated values; absent values are empty.

use std::io::{self, Write};

use ::csv::{IntoInnerError, Writer};

use cloudtally_model::write_millionths;
use cloudtally_store::ServedColumns;

use super::{
    ExportFormat, Out, Sink,
    columns::{COLUMNS, Cell, export_columns},
    row::{ExportRow, Names, for_each},
    write,
};

impl ExportFormat {
    /// CSV with texts as they are.
    pub const CSV: &'static Self = &Self {
        name: "csv",
        help: "Comma-separated values with a header row",
        spreadsheet_safe: Some(Self::CSV_SPREADSHEET_SAFE),
        write: |records, names, out, progress| {
            write::<CsvSink<'_, false>>(records, names, out, progress)
        },
    };

    /// CSV with a leading `'` where a spreadsheet would take a text for a formula: names
    /// come from whoever named a machine, and a formula can send a file away.
    pub const CSV_SPREADSHEET_SAFE: &'static Self = &Self {
        name: "csv",
        help: "Comma-separated values for spreadsheets",
        spreadsheet_safe: None,
        write: |records, names, out, progress| {
            write::<CsvSink<'_, true>>(records, names, out, progress)
        },
    };
}

struct CsvSink<'a, const ESCAPES_FORMULAS: bool>(Out<'a>);

impl<'a, const ESCAPES_FORMULAS: bool> Sink<'a> for CsvSink<'a, ESCAPES_FORMULAS> {
    type Chunk = Vec<u8>;

    fn encode(records: &[ServedColumns], names: Names<'_>) -> io::Result<Self::Chunk> {
        let mut writer = Writer::from_writer(Vec::new());
        let mut buffer = String::new();
        for_each(records, names, &mut |row| {
            write_row::<_, ESCAPES_FORMULAS>(&mut writer, row, &mut buffer)
        })?;
        writer.into_inner().map_err(IntoInnerError::into_error)
    }

    fn begin(out: Out<'a>) -> io::Result<Self> {
        let mut writer = Writer::from_writer(&mut *out);
        writer.write_record(export_columns())?;
        writer.flush()?;
        drop(writer);
        Ok(Self(out))
    }

    fn write(&mut self, chunks: Vec<Self::Chunk>) -> io::Result<()> {
        chunks.iter().try_for_each(|text| self.0.write_all(text))
    }

    fn finish(self) -> io::Result<()> {
        self.0.flush()
    }
}

fn write_row<W: Write, const ESCAPES_FORMULAS: bool>(
    writer: &mut Writer<W>,
    row: &ExportRow<'_>,
    buffer: &mut String,
) -> io::Result<()> {
    for column in COLUMNS {
        match (column.value)(row, buffer) {
            Cell::Absent => writer.write_field("")?,
            Cell::Text(text) if ESCAPES_FORMULAS && is_formula(text) => {
                writer.write_field(format!("'{text}"))?;
            }
            Cell::Text(text) => writer.write_field(text)?,
            Cell::Decimal(millionths) => {
                buffer.clear();
                write_millionths(millionths, buffer);
                writer.write_field(&*buffer)?;
            }
            Cell::Number(number) => writer.write_field(itoa::Buffer::new().format(number))?,
            Cell::Signed(number) => writer.write_field(itoa::Buffer::new().format(number))?,
            Cell::Flag(flag) => writer.write_field(if flag { "true" } else { "false" })?,
            Cell::Date((_, shown)) => writer.write_field(shown.as_ref())?,
        }
    }
    Ok(writer.write_record(None::<&[u8]>)?)
}

/// True of what spreadsheets take for a formula.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}
