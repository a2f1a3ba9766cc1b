//! Rows into files: the mirror of the readers, with the same columns in the
//! same order.
//!
//! `cloudtally simulate` and the tests write with these; nothing here is the lake,
//! whose files only the store writes.
//!
//! Spelling, in every format: instants in UTC, with milliseconds only where
//! there are any (`2026-01-31 23:59:59`, `2026-01-31 23:59:59.500`; typed in
//! Parquet); an absent value is empty in CSV and null elsewhere; "no zone" is 0;
//! `processed` is 0. The readers take an empty text, `NULL` and `\N` for an
//! absent value, so a row that holds one of these does not come back as it was.

mod parquet; // typed columns, a row group at a time
mod text; // CSV and JSON Lines

use std::{
    io,
    marker::PhantomData,
    path::{Path, PathBuf},
    str::FromStr,
};

use cloudtally_model::{Account, NetworkSample, UsageEvent};
use thiserror::Error;

use self::{parquet::ParquetRows, text::TextRows};
use crate::table::Row;

/// The format of an input or output file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A header row, then one row a line.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Typed columns.
    Parquet,
}

/// A text that names no format.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a format; use `csv`, `jsonl` or `parquet`")]
pub struct FormatError(String);

/// An error in writing a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The file could not be made.
    #[error("cannot create `{}`", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A row could not be written.
    #[error("cannot write to `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

/// The fate of a line given to [`RowWriter::write_raw_line`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawLine {
    /// Written as it was.
    Written,
    /// Left out: Parquet has no lines, and its columns have types.
    LeftOut,
}

/// Writes the rows of one stream into one file.
///
/// Rows sit in memory until there are enough of them; the file is whole only
/// after [`RowWriter::finish`].
#[derive(Debug)]
pub struct RowWriter<T> {
    path: PathBuf,
    rows: u64,
    sink: Sink,
    of: PhantomData<fn(&T)>,
}

/// Writes usage events.
pub type EventWriter = RowWriter<UsageEvent>;
/// Writes network samples.
pub type SampleWriter = RowWriter<NetworkSample>;
/// Writes accounts.
pub type AccountWriter = RowWriter<Account>;

#[derive(Debug)]
enum Sink {
    Text(TextRows),
    Parquet(Box<ParquetRows>),
}

impl<T: Row> RowWriter<T> {
    /// Makes the file, replacing one that is there, and writes the header.
    pub fn create(path: &Path, format: Format) -> Result<Self, WriteError> {
        let sink = match format {
            Format::Csv | Format::JsonLines => TextRows::create::<T>(path, format).map(Sink::Text),
            Format::Parquet => {
                ParquetRows::create::<T>(path).map(|rows| Sink::Parquet(Box::new(rows)))
            }
        };
        let sink = sink.map_err(|cause| WriteError::Create { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), rows: 0, sink, of: PhantomData })
    }

    /// Writes one row.
    pub fn write(&mut self, row: &T) -> Result<(), WriteError> {
        self.rows += 1;
        let written = match &mut self.sink {
            Sink::Text(rows) => rows.write(row),
            Sink::Parquet(rows) => rows.write(row),
        };
        written.map_err(|cause| WriteError::Write { path: self.path.clone(), cause })
    }

    /// Writes a line as it is, to make inputs with malformed rows. The line ends
    /// with a line break whether `line` has one or not, and counts as a row.
    ///
    /// A Parquet file cannot hold a malformed row, so there the line is left out.
    pub fn write_raw_line(&mut self, line: &[u8]) -> Result<RawLine, WriteError> {
        let Sink::Text(rows) = &mut self.sink else { return Ok(RawLine::LeftOut) };
        self.rows += 1;
        match rows.write_raw_line(line) {
            Ok(()) => Ok(RawLine::Written),
            Err(cause) => Err(WriteError::Write { path: self.path.clone(), cause }),
        }
    }

    /// Writes what is still in memory and closes the file. Returns the number
    /// of rows in it, raw lines included.
    pub fn finish(self) -> Result<u64, WriteError> {
        let finished = match self.sink {
            Sink::Text(rows) => rows.finish(),
            Sink::Parquet(rows) => rows.finish(),
        };
        finished.map_err(|cause| WriteError::Write { path: self.path, cause })?;
        Ok(self.rows)
    }
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Csv, Self::JsonLines, Self::Parquet];

    /// The name of the format, which is also the extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

impl FromStr for Format {
    type Err = FormatError;
    fn from_str(text: &str) -> Result<Self, FormatError> {
        Self::ALL
            .into_iter()
            .find(|format| format.extension() == text)
            .ok_or_else(|| FormatError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use cloudtally_model::{Instant, ZoneId};

    use ::parquet::arrow::arrow_reader::ArrowReaderMetadata;
    use arrow_schema::DataType;

    use super::*;

    fn event() -> UsageEvent {
        UsageEvent {
            id: 7u64.into(),
            event_type: "VM.START".into(),
            created: Instant::from_millis(1_769_903_999_000),
            account: 2u64.into(),
            zone: ZoneId::from_source(-1),
            resource: 9u64.into(),
            resource_name: Some("a \"b\", c\nd".into()),
            offering: Some(3u64.into()),
            template: None,
            size: Some(i64::MAX as u64),
            virtual_size: None,
            resource_type: Some("KVM".into()),
        }
    }

    fn check(format: Format, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events");
        let mut writer = EventWriter::create(&path, format).unwrap();
        writer.write(&event()).unwrap();
        let late = Instant::from_millis(1_769_904_000_007);
        writer.write(&UsageEvent { created: late, resource_name: None, ..event() }).unwrap();
        assert_eq!(writer.write_raw_line(b"no row").unwrap(), RawLine::Written);
        assert_eq!(writer.finish().unwrap(), 3);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        check(
            Format::Csv,
            "id,type,created,account_id,zone_id,resource_id,resource_name,offering_id,template_id,\
             size,virtual_size,resource_type,processed\n\
             7,VM.START,2026-01-31 23:59:59,2,0,9,\"a \"\"b\"\", c\nd\",3,,9223372036854775807,,KVM,0\n\
             7,VM.START,2026-02-01 00:00:00.007,2,0,9,,3,,9223372036854775807,,KVM,0\n\
             no row\n",
        );
    }

    #[test]
    fn json_keeps_numbers_bare_and_absent_values_null() {
        check(
            Format::JsonLines,
            "{\"id\":7,\"type\":\"VM.START\",\"created\":\"2026-01-31 23:59:59\",\"account_id\":2,\
             \"zone_id\":0,\"resource_id\":9,\"resource_name\":\"a \\\"b\\\", c\\nd\",\
             \"offering_id\":3,\"template_id\":null,\"size\":9223372036854775807,\
             \"virtual_size\":null,\"resource_type\":\"KVM\",\"processed\":0}\n\
             {\"id\":7,\"type\":\"VM.START\",\"created\":\"2026-02-01 00:00:00.007\",\
             \"account_id\":2,\"zone_id\":0,\"resource_id\":9,\"resource_name\":null,\
             \"offering_id\":3,\"template_id\":null,\"size\":9223372036854775807,\
             \"virtual_size\":null,\"resource_type\":\"KVM\",\"processed\":0}\nno row\n",
        );
    }

    #[test]
    fn a_malformed_line_is_left_out_of_parquet() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.parquet");
        let mut writer = EventWriter::create(&path, Format::Parquet).unwrap();
        writer.write(&event()).unwrap();
        assert_eq!(writer.write_raw_line(b"no row").unwrap(), RawLine::LeftOut);
        assert_eq!(writer.finish().unwrap(), 1);
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    }

    #[test]
    fn parquet_has_signed_numbers_and_refuses_those_beyond() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.parquet");
        let mut writer = EventWriter::create(&path, Format::Parquet).unwrap();
        writer.write(&event()).unwrap();
        writer.finish().unwrap();
        let file = std::fs::File::open(&path).unwrap();
        let schema = ArrowReaderMetadata::load(&file, Default::default()).unwrap().schema().clone();
        let numbers = schema.fields().iter().filter(|field| field.data_type().is_integer());
        let types: Vec<_> = numbers.map(|field| field.data_type().clone()).collect();
        assert_eq!(types, vec![DataType::Int64; 9]);
        let mut writer = EventWriter::create(&path, Format::Parquet).unwrap();
        assert!(writer.write(&UsageEvent { size: Some(1 << 63), ..event() }).is_err());
    }

    #[test]
    fn the_same_rows_make_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        for format in Format::ALL {
            let bytes = ["a", "b"].map(|name| {
                let path = dir.path().join(name);
                let mut writer = EventWriter::create(&path, format).unwrap();
                writer.write(&event()).unwrap();
                writer.finish().unwrap();
                std::fs::read(&path).unwrap()
            });
            assert_eq!(bytes[0], bytes[1], "{format:?}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = EventWriter::create(Path::new("no/such/events.csv"), Format::Csv).unwrap_err();
        assert_eq!(error.to_string(), "cannot create `no/such/events.csv`");
    }

    #[test]
    fn formats_by_name() {
        assert_eq!("jsonl".parse(), Ok(Format::JsonLines));
        let error = "json".parse::<Format>().unwrap_err();
        assert_eq!(error.to_string(), "`json` is not a format; use `csv`, `jsonl` or `parquet`");
    }
}
