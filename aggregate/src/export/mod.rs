//! Records into files: CSV, JSON Lines and Parquet with the same columns in the
//! same order, and in the order the API serves.
//!
//! One table of columns drives all three formats: a column has a name, a type
//! and a way to take its value from a [`Line`]. Quantities, sizes and dates are
//! typed in Parquet and JSON; ids are text. A file appears under its name
//! only when it is complete (`destination`).
//!
//! Records are read, resolved and encoded in *chunks* on all cores; what the chunks
//! give is put together in order, so a file does not depend on how many cores there
//! are. In Parquet the columns of a row group are compressed side by side, too.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{
        ArrayRef, BooleanBuilder, Decimal128Builder, StringBuilder, TimestampMillisecondBuilder,
        UInt64Builder,
    },
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
};
use cloudtally_model::{Calendar, Instant};
use cloudtally_store::{Accounts, RecordSet, ServedRecord, StoreError};
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves},
    },
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
};
use rayon::prelude::*;

use crate::{
    AggregateError,
    destination::Destination,
    line::{Line, Lines},
};

/// Records of a chunk.
const CHUNK_ROWS: usize = 8_192;
/// Chunks in memory at a time, for each core.
const CHUNKS_PER_CORE: usize = 2;
/// Chunks of a row group in Parquet: a million rows.
const GROUP_CHUNKS: usize = 128;
/// Decimal places of `rawusage`.
const RAW_USAGE_SCALE: i8 = 6;

/// The file formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A header row and comma-separated values; absent values are empty.
    Csv(CsvText),
    /// One JSON object a line; absent values are `null`.
    JsonLines,
    /// Typed columns.
    Parquet,
}

/// The spelling of texts in CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvText {
    /// As they are.
    AsIs,
    /// With a leading `'` where a spreadsheet would take the text for a formula: names
    /// come from whoever named a machine, and a formula can send a file away.
    SpreadsheetSafe,
}

/// Where an export goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportTarget {
    /// A file: a regular one is replaced once the new one is complete, and keeps its
    /// mode and owner; a pipe or device is written to.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// Writes records to `target` and returns how many; `progress` is called with the
/// number written so far.
pub fn export(
    records: &RecordSet,
    accounts: Arc<Accounts>,
    calendar: Calendar,
    format: ExportFormat,
    target: &ExportTarget,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, AggregateError> {
    let lines = &Lines::new(calendar, records.sources().clone(), accounts);
    match target {
        ExportTarget::Stdout => {
            let path = PathBuf::from("-");
            let stdout = BufWriter::new(io::stdout());
            write(records, lines, format, stdout, progress).map_err(|e| e.at(&path))
        }
        ExportTarget::File(path) => {
            let exported = Destination::open(path).map_err(Failure::Io).and_then(|mut to| {
                let written = write(records, lines, format, BufWriter::new(to.file()), progress)?;
                to.complete()?;
                Ok(written)
            });
            exported.map_err(|failure| failure.at(path))
        }
    }
}

/// What can go wrong on the way, before the path is known.
enum Failure {
    Io(io::Error),
    Store(StoreError),
}

impl Failure {
    fn at(self, path: &Path) -> AggregateError {
        match self {
            Self::Io(cause) => AggregateError::WriteExport { path: path.to_owned(), cause },
            Self::Store(error) => AggregateError::Store(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn write(
    records: &RecordSet,
    lines: &Lines,
    format: ExportFormat,
    out: impl Write + Send,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, Failure> {
    let mut sink = Sink::new(format, out)?;
    let count = records.count();
    let at_once = (CHUNK_ROWS * CHUNKS_PER_CORE * rayon::current_num_threads()) as u64;
    let mut written = 0;
    while written < count {
        let end = count.min(written + at_once);
        let starts: Vec<u64> = (written..end).step_by(CHUNK_ROWS).collect();
        let chunks: Vec<Chunk> = starts
            .par_iter()
            .map(|start| {
                let served = records.page(*start, CHUNK_ROWS as u64)?;
                Ok(Chunk::encode(format, lines.clone(), &served)?)
            })
            .collect::<Result<_, Failure>>()?;
        sink.write(chunks)?;
        written = end;
        progress(written);
    }
    sink.finish()?;
    Ok(written)
}

/// A value of one column of one line.
enum Value<'a> {
    Absent,
    Text(&'a str),
    Number(u64),
    Flag(bool),
    Date(&'a (Instant, Arc<str>)),
    /// A number with up to six decimals, as text.
    Decimal(&'a str),
}

struct ExportColumn {
    name: &'static str,
    column_type: ColumnType,
    value: for<'a> fn(&'a Line, &'a mut String) -> Value<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ColumnType {
    Text,
    Number,
    Flag,
    Date,
    Decimal,
}

fn number(value: Option<u64>) -> Value<'static> {
    value.map_or(Value::Absent, Value::Number)
}

/// An id is text: a number of an imported cloud, a uuid of our own, and nothing
/// anybody adds up.
fn id(value: Option<u64>, buffer: &mut String) -> Value<'_> {
    let Some(number) = value else { return Value::Absent };
    buffer.clear();
    buffer.push_str(&number.to_string());
    Value::Text(buffer)
}

fn flag(value: Option<bool>) -> Value<'static> {
    value.map_or(Value::Absent, Value::Flag)
}

fn text(value: Option<&str>) -> Value<'_> {
    value.map_or(Value::Absent, Value::Text)
}

macro_rules! columns {
    ($($name:literal $type:ident |$line:ident, $buffer:ident| $value:expr;)*) => {
        &[$(ExportColumn {
            name: $name,
            column_type: ColumnType::$type,
            value: |$line, $buffer| $value,
        }),*]
    };
}

const COLUMNS: &[ExportColumn] = columns! {
    "recordid" Text |l, b| { b.clear(); b.push_str(&l.record_id.to_string()); Value::Text(b) };
    "startdate" Date |l, _b| Value::Date(&l.start);
    "enddate" Date |l, _b| Value::Date(&l.end);
    "usagetype" Number |l, _b| Value::Number(u64::from(l.usage_type.0));
    "account" Text |l, _b| Value::Text(&l.account);
    "accountid" Text |l, b| id(Some(l.account_id), b);
    "domainid" Text |l, b| id(l.domain_id, b);
    "zoneid" Text |l, b| id(l.zone_id, b);
    "description" Text |l, _b| Value::Text(&l.description);
    "usage" Text |l, _b| Value::Text(&l.usage);
    "rawusage" Decimal |l, _b| Value::Decimal(&l.raw_usage);
    "quantity" Number |l, _b| Value::Number(l.quantity);
    "unit" Text |l, _b| Value::Text(l.unit);
    "usageid" Text |l, b| id(l.usage_id, b);
    "virtualmachineid" Text |l, b| id(l.virtual_machine_id, b);
    "name" Text |l, _b| text(l.name.as_deref());
    "offeringid" Text |l, b| id(l.offering_id, b);
    "templateid" Text |l, b| id(l.template_id, b);
    "type" Text |l, _b| text(l.resource_type.as_deref());
    "size" Number |l, _b| number(l.size);
    "virtualsize" Number |l, _b| number(l.virtual_size);
    "networkid" Text |l, b| id(l.network_id, b);
    "nicid" Text |l, b| id(l.nic_id, b);
    "issourcenat" Flag |l, _b| flag(l.is_source_nat);
    "iselastic" Flag |l, _b| flag(l.is_elastic);
    "isdefault" Flag |l, _b| flag(l.is_default);
    "generation" Number |l, _b| Value::Number(u64::from(l.generation));
    "source" Text |l, _b| Value::Text(l.source.as_str());
};

/// The names of the export's columns, in order.
pub fn export_columns() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|column| column.name)
}

/// A chunk of records, encoded as far as one can without what is before it.
enum Chunk {
    /// Lines of text.
    Text(Vec<u8>),
    /// An array for each column.
    Columns(Vec<ArrayRef>),
}

impl Chunk {
    fn encode(format: ExportFormat, mut lines: Lines, served: &[ServedRecord]) -> io::Result<Self> {
        let lines = served.iter().map(|record| lines.line(record));
        let mut buffer = String::new();
        match format {
            ExportFormat::Csv(text) => {
                let mut writer = csv::Writer::from_writer(Vec::new());
                for line in lines {
                    write_csv(&mut writer, &line, text, &mut buffer)?;
                }
                writer.into_inner().map(Self::Text).map_err(csv::IntoInnerError::into_error)
            }
            ExportFormat::JsonLines => {
                let mut text = Vec::new();
                for line in lines {
                    write_json(&mut text, &line, &mut buffer)?;
                }
                Ok(Self::Text(text))
            }
            ExportFormat::Parquet => {
                let mut builders = builders();
                for line in lines {
                    for (column, builder) in COLUMNS.iter().zip(&mut builders) {
                        builder.append((column.value)(&line, &mut buffer));
                    }
                }
                Ok(Self::Columns(builders.into_iter().map(Builder::finish).collect()))
            }
        }
    }
}

fn write_csv<W: Write>(
    writer: &mut csv::Writer<W>,
    line: &Line,
    csv_text: CsvText,
    buffer: &mut String,
) -> io::Result<()> {
    for column in COLUMNS {
        match (column.value)(line, buffer) {
            Value::Absent => writer.write_field("")?,
            Value::Text(text) if csv_text == CsvText::SpreadsheetSafe && is_formula(text) => {
                writer.write_field(format!("'{text}"))?;
            }
            Value::Text(text) | Value::Decimal(text) => writer.write_field(text)?,
            Value::Number(number) => writer.write_field(number.to_string())?,
            Value::Flag(flag) => writer.write_field(if flag { "true" } else { "false" })?,
            Value::Date((_, shown)) => writer.write_field(shown.as_ref())?,
        }
    }
    Ok(writer.write_record(None::<&[u8]>)?)
}

/// True of what spreadsheets take for a formula.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn write_json(mut out: impl Write, line: &Line, buffer: &mut String) -> io::Result<()> {
    // Column names are plain words; only values need escaping.
    for (index, column) in COLUMNS.iter().enumerate() {
        let mark = if index == 0 { '{' } else { ',' };
        write!(out, "{mark}\"{}\":", column.name)?;
        match (column.value)(line, buffer) {
            Value::Absent => out.write_all(b"null")?,
            Value::Text(text) | Value::Decimal(text) => serde_json::to_writer(&mut out, text)?,
            Value::Number(number) => write!(out, "{number}")?,
            Value::Flag(flag) => write!(out, "{flag}")?,
            Value::Date((_, shown)) => serde_json::to_writer(&mut out, &**shown)?,
        }
    }
    out.write_all(b"}\n")
}

/// Puts chunks together, in order.
enum Sink<W: Write + Send> {
    Text(W),
    Parquet(Box<ParquetSink<W>>),
}

impl<W: Write + Send> Sink<W> {
    fn new(format: ExportFormat, mut out: W) -> io::Result<Self> {
        match format {
            ExportFormat::Csv(_) => {
                let mut writer = csv::Writer::from_writer(&mut out);
                writer.write_record(export_columns())?;
                writer.flush()?;
                drop(writer);
                Ok(Self::Text(out))
            }
            ExportFormat::JsonLines => Ok(Self::Text(out)),
            ExportFormat::Parquet => {
                let sink = ParquetSink::new(out).map_err(io::Error::from)?;
                Ok(Self::Parquet(Box::new(sink)))
            }
        }
    }

    fn write(&mut self, chunks: Vec<Chunk>) -> io::Result<()> {
        let mut columns = Vec::new();
        for chunk in chunks {
            match (&mut *self, chunk) {
                (Self::Text(out), Chunk::Text(text)) => out.write_all(&text)?,
                (_, Chunk::Columns(arrays)) => columns.push(arrays),
                (Self::Parquet(_), Chunk::Text(_)) => unreachable!("chunks are of the format"),
            }
        }
        match self {
            Self::Text(_) => Ok(()),
            Self::Parquet(sink) => sink.write(&columns).map_err(io::Error::from),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Text(mut out) => out.flush(),
            Self::Parquet(sink) => sink.finish().map_err(io::Error::from)?.flush(),
        }
    }
}

/// Writes row groups whose columns are encoded side by side.
struct ParquetSink<W: Write + Send> {
    schema: SchemaRef,
    file: SerializedFileWriter<W>,
    groups: ArrowRowGroupWriterFactory,
    /// The row group under way, column by column.
    columns: Vec<ArrowColumnWriter>,
    /// Chunks in it.
    chunks: usize,
}

enum Builder {
    Text(StringBuilder),
    Number(UInt64Builder),
    Flag(BooleanBuilder),
    Date(TimestampMillisecondBuilder),
    Decimal(Decimal128Builder),
}

const RAW_USAGE: DataType = DataType::Decimal128(26, RAW_USAGE_SCALE);

impl<W: Write + Send> ParquetSink<W> {
    fn new(out: W) -> Result<Self, ParquetError> {
        let fields = COLUMNS.iter().map(|column| {
            let data_type = match column.column_type {
                ColumnType::Text => DataType::Utf8,
                ColumnType::Number => DataType::UInt64,
                ColumnType::Flag => DataType::Boolean,
                ColumnType::Date => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
                ColumnType::Decimal => RAW_USAGE,
            };
            Field::new(column.name, data_type, true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_created_by("cloudtally".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
        let (file, groups) = writer.into_serialized_writer()?;
        let columns = groups.create_column_writers(0)?;
        Ok(Self { schema, file, groups, columns, chunks: 0 })
    }

    fn write(&mut self, mut chunks: &[Vec<ArrayRef>]) -> Result<(), ParquetError> {
        while !chunks.is_empty() {
            let (now, later) = chunks.split_at(chunks.len().min(GROUP_CHUNKS - self.chunks));
            let schema = &self.schema;
            self.columns.par_iter_mut().enumerate().try_for_each(|(index, column)| {
                for chunk in now {
                    for leaf in compute_leaves(schema.field(index), &chunk[index])? {
                        column.write(&leaf)?;
                    }
                }
                Ok::<(), ParquetError>(())
            })?;
            self.chunks += now.len();
            if self.chunks == GROUP_CHUNKS {
                self.end_group()?;
                self.columns =
                    self.groups.create_column_writers(self.file.flushed_row_groups().len())?;
            }
            chunks = later;
        }
        Ok(())
    }

    /// Writes the row group under way, if there is anything in it.
    fn end_group(&mut self) -> Result<(), ParquetError> {
        let columns = std::mem::take(&mut self.columns);
        if std::mem::take(&mut self.chunks) == 0 {
            return Ok(());
        }
        let encoded: Vec<_> =
            columns.into_par_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
        let mut group = self.file.next_row_group()?;
        for column in encoded {
            column.append_to_row_group(&mut group)?;
        }
        group.close().map(drop)
    }

    fn finish(mut self) -> Result<W, ParquetError> {
        self.end_group()?;
        self.file.into_inner()
    }
}

fn builders() -> Vec<Builder> {
    let builder = |column: &ExportColumn| match column.column_type {
        ColumnType::Text => Builder::Text(StringBuilder::new()),
        ColumnType::Number => Builder::Number(UInt64Builder::new()),
        ColumnType::Flag => Builder::Flag(BooleanBuilder::new()),
        ColumnType::Date => Builder::Date(TimestampMillisecondBuilder::new().with_timezone("UTC")),
        ColumnType::Decimal => Builder::Decimal(Decimal128Builder::new().with_data_type(RAW_USAGE)),
    };
    COLUMNS.iter().map(builder).collect()
}

impl Builder {
    fn append(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(builder), Value::Text(text)) => builder.append_value(text),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Number(builder), Value::Number(number)) => builder.append_value(number),
            (Self::Number(builder), _) => builder.append_null(),
            (Self::Flag(builder), Value::Flag(flag)) => builder.append_value(flag),
            (Self::Flag(builder), _) => builder.append_null(),
            (Self::Date(builder), Value::Date((at, _))) => builder.append_value(at.as_millis()),
            (Self::Date(builder), _) => builder.append_null(),
            (Self::Decimal(builder), Value::Decimal(text)) => {
                builder.append_option(scaled(text));
            }
            (Self::Decimal(builder), _) => builder.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Number(mut builder) => Arc::new(builder.finish()),
            Self::Flag(mut builder) => Arc::new(builder.finish()),
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Decimal(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// `2.95288` as 2952880 millionths.
fn scaled(text: &str) -> Option<i128> {
    let (integer, fraction) = text.split_once('.').unwrap_or((text, ""));
    let millionths: i128 = format!("{fraction:0<6}").parse().ok()?;
    Some(integer.parse::<i128>().ok()? * 1_000_000 + millionths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_in_the_order_finance_teams_rely_on() {
        let names: Vec<&str> = export_columns().collect();
        assert_eq!(
            names.join(", "),
            "recordid, startdate, enddate, usagetype, account, accountid, domainid, zoneid, \
             description, usage, rawusage, quantity, unit, usageid, virtualmachineid, name, \
             offeringid, templateid, type, size, virtualsize, networkid, nicid, issourcenat, \
             iselastic, isdefault, generation, source"
        );
    }

    #[test]
    fn raw_usage_as_a_decimal() {
        assert_eq!(scaled("2.95288"), Some(2_952_880));
        assert_eq!(scaled("7"), Some(7_000_000));
        assert_eq!(scaled("0.000001"), Some(1));
        assert_eq!(scaled("18446744073709551615"), Some(18_446_744_073_709_551_615_000_000));
    }
}
