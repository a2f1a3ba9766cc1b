//! Errors of an ingest as a whole. A row that is wrong is not an
//! error: it goes to the quarantine and the rest goes on.

use std::{fmt, io};

use cloudtally_store::StoreError;
use parquet::errors::ParquetError;
use thiserror::Error;

use crate::summary::IngestSummary;

/// An ingest that did not come to its end.
#[derive(Debug)]
pub struct IngestError {
    /// The fault.
    pub fault: Fault,
    /// The summary of the rows stored before; they stay.
    pub summary: Box<IngestSummary>,
}

impl fmt::Display for IngestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for IngestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.fault.source()
    }
}

/// The fault that stopped an ingest. `input` is the file as it was named, or `-`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The input could not be opened.
    #[error("cannot open `{input}`{}", open_hint(cause))]
    Open {
        /// The input, as it was named.
        input: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A folder was named where a file belongs.
    #[error("`{input}` is a folder; name the files in it")]
    Folder {
        /// The input, as it was named.
        input: String,
    },
    /// There is nothing in the input.
    #[error(
        "`{input}` is empty: expected a header row with {columns} (or JSON Lines, Parquet or a dump)"
    )]
    Empty {
        /// The input, as it was named.
        input: String,
        /// The required columns.
        columns: String,
    },
    /// A container or encoding that is not read.
    #[error("`{input}` is {what}; {hint}")]
    Unreadable {
        /// The input, as it was named.
        input: String,
        /// The container or encoding.
        what: &'static str,
        /// The remedy.
        hint: &'static str,
    },
    /// Required columns are not there.
    #[error(transparent)]
    MissingColumns(Box<MissingColumns>),
    /// A column is there twice.
    #[error("`{input}` has the column `{column}` twice; rename or drop one of them")]
    ColumnTwice {
        /// The input, as it was named.
        input: String,
        /// The column's name.
        column: &'static str,
    },
    /// A Parquet column has a type that cannot hold such values.
    #[error("the column `{column}` of `{input}` has the type {found}; expected {expected}")]
    ColumnType {
        /// The input, as it was named.
        input: String,
        /// The column's name.
        column: &'static str,
        /// Its type.
        found: String,
        /// The types that are taken.
        expected: &'static str,
    },
    /// A Parquet column is compressed with something that is not read.
    #[error(
        "the column `{column}` of `{input}` is compressed with {codec}, which is not read; write \
         the file with zstd, snappy, gzip or lz4"
    )]
    Codec {
        /// The input, as it was named.
        input: String,
        /// The column's name.
        column: &'static str,
        /// The codec's name.
        codec: String,
    },
    /// A row group of a Parquet file that would take too much memory.
    #[error(
        "the column `{column}` of `{input}` has a row group of {bytes} bytes, and at most \
         {bytes_max} are read; write the file with smaller row groups"
    )]
    RowGroup {
        /// The input, as it was named.
        input: String,
        /// The column's name.
        column: &'static str,
        /// Decompressed, as the file says.
        bytes: i64,
        /// The most that is read.
        bytes_max: i64,
    },
    /// The header row cannot be taken apart.
    #[error("the header row of `{input}` is broken: {reason}")]
    Header {
        /// The input, as it was named.
        input: String,
        /// The reason.
        reason: String,
    },
    /// Compressed data that stop in the middle.
    #[error(
        "`{input}` is cut off in the middle of its compressed data, after row {rows}; the rows \
         before it are kept: get the whole file and ingest it again, rows that are already here \
         count as duplicates"
    )]
    CutOff {
        /// The input, as it was named.
        input: String,
        /// Rows read before.
        rows: u64,
    },
    /// A dump that stops before its own end.
    #[error(
        "`{input}` is cut off: it ends at line {line} without {missing}; the {rows} rows before are \
         kept: get the whole file and ingest it again, rows that are already here count as \
         duplicates"
    )]
    CutDump {
        /// The input, as it was named.
        input: String,
        /// The last line.
        line: u64,
        /// The missing end.
        missing: &'static str,
        /// Rows read before.
        rows: u64,
    },
    /// Rows without the names of their columns.
    #[error(
        "`{input}` has no header row; name its columns in their order with `--columns`, or put the \
         definition of its table beside it as `{beside}`"
    )]
    NoHeader {
        /// The input, as it was named.
        input: String,
        /// The file that would define the table.
        beside: String,
    },
    /// Columns were named for rows that have a header.
    #[error("`{input}` has a header row of its own; leave `--columns` out")]
    HeaderAndColumns {
        /// The input, as it was named.
        input: String,
    },
    /// No table of an input is one that is read.
    #[error("`{input}` holds no rows that are read here; expected {expected}, found {found}")]
    NoTable {
        /// The input, as it was named.
        input: String,
        /// The tables and columns that are read.
        expected: String,
        /// The tables or columns that are there.
        found: String,
    },
    /// A Parquet file that does not end like one.
    #[error(
        "`{input}` is cut off: it begins like a Parquet file but does not end like one, and \
         without its end none of its rows can be read; get the whole file and ingest it again"
    )]
    CutOffParquet {
        /// The input, as it was named.
        input: String,
    },
    /// The input could not be read to its end.
    #[error(
        "cannot read `{input}` after row {rows}; the rows before it are kept: repair the file or \
         get it again, and ingest it again, rows that are already here count as duplicates"
    )]
    Read {
        /// The input, as it was named.
        input: String,
        /// Rows read before.
        rows: u64,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A Parquet file could not be decoded.
    #[error(
        "`{input}` is damaged after row {rows}; the rows before it are kept: get the file again \
         and ingest it again, rows that are already here count as duplicates"
    )]
    Damaged {
        /// The input, as it was named.
        input: String,
        /// Rows read before.
        rows: u64,
        /// The cause.
        #[source]
        cause: ParquetError,
    },
    /// The database of a cloud is not pulled.
    #[error(transparent)]
    Pull(#[from] crate::pull::PullFault),
    /// The folder of state refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An input without columns that its stream needs.
#[derive(Debug, Error)]
#[error("`{input}` has no column {missing}; {stream} need {required}; found {found}{hint}")]
pub struct MissingColumns {
    /// The input, as it was named.
    pub input: String,
    /// The stream, such as `usage events`.
    pub stream: &'static str,
    /// The missing columns, in backquotes.
    pub missing: String,
    /// The required columns.
    pub required: String,
    /// The columns that are there.
    pub found: String,
    /// Another possible cause, or empty.
    pub hint: &'static str,
}

fn open_hint(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::NotFound => ": there is no such file",
        io::ErrorKind::PermissionDenied => {
            ": no permission to read it; change its mode or run as its owner"
        }
        _ => "",
    }
}

/// `` `id`, `type` ``
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
