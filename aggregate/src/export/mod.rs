//! Records into files: the same columns in the same order in every format, and in the
//! order the API serves.
//!
//! One table of columns drives all formats ([`columns`]). Quantities, sizes and dates are
//! typed where a format has types; ids are text. A file appears under its name only when
//! it is complete (`destination`).
//!
//! A format is a file of this folder: it implements [`Sink`] and stands in [`FORMATS`],
//! from which the command line takes its choices.
//!
//! Records are read, resolved and encoded in *chunks* on all cores; what the chunks
//! give is put together in order, so a file does not depend on how many cores there
//! are. In Parquet the columns of a row group are compressed side by side, too.

mod columns;
mod csv;
mod jsonl;
mod parquet;
mod row;

use std::{
    fmt,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use cloudtally_model::Calendar;
use cloudtally_store::{Accounts, RecordSet, ServedColumns, StoreError};
use rayon::prelude::*;

pub use self::columns::export_columns;
use self::row::Names;
use crate::{AggregateError, destination::Destination};

/// Records of a chunk, at most: a row group of the lake.
const CHUNK_ROWS: u64 = 64 * 1024;
/// Chunks in memory at a time, for each core.
const CHUNKS_PER_CORE: usize = 2;

/// The file formats of an export, in the order in which they are offered.
pub const FORMATS: [&ExportFormat; 3] =
    [ExportFormat::CSV, ExportFormat::JSON_LINES, ExportFormat::PARQUET];

/// A file format of an export.
pub struct ExportFormat {
    /// The name on the command line; also a file's extension.
    pub name: &'static str,
    /// The format in a few words, for people who choose.
    pub help: &'static str,
    /// The same format with texts that no spreadsheet takes for formulas, if it is one
    /// that spreadsheets open.
    pub spreadsheet_safe: Option<&'static ExportFormat>,
    write: WriteAll,
}

impl fmt::Debug for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Writes all records of a set, tells how many are done, and answers how many there are.
type WriteAll =
    for<'a> fn(&RecordSet, Names<'_>, Out<'a>, &mut dyn FnMut(u64)) -> Result<u64, Failure>;

/// The place that the bytes of an export go to.
type Out<'a> = &'a mut (dyn Write + Send);

/// A file of one format under way: puts chunks together, in order.
trait Sink<'a>: Sized {
    /// A chunk of records, encoded as far as one can without what is before it.
    type Chunk: Send;

    /// Encodes a chunk, on any core.
    fn encode(records: &[ServedColumns], names: Names<'_>) -> io::Result<Self::Chunk>;

    /// Begins a file.
    fn begin(out: Out<'a>) -> io::Result<Self>;

    /// Writes the next chunks.
    fn write(&mut self, chunks: Vec<Self::Chunk>) -> io::Result<()>;

    /// Ends the file.
    fn finish(self) -> io::Result<()>;
}

/// The destination of an export.
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
    format: &ExportFormat,
    target: &ExportTarget,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, AggregateError> {
    let names = Names { calendar, sources: records.sources(), accounts: &accounts };
    match target {
        ExportTarget::Stdout => {
            let path = PathBuf::from("-");
            let mut stdout = BufWriter::new(io::stdout());
            (format.write)(records, names, &mut stdout, progress).map_err(|e| e.at(&path))
        }
        ExportTarget::File(path) => {
            let exported = Destination::open(path).map_err(Failure::Io).and_then(|mut to| {
                let mut file = BufWriter::new(to.file());
                let written = (format.write)(records, names, &mut file, progress)?;
                drop(file);
                to.complete()?;
                Ok(written)
            });
            exported.map_err(|failure| failure.at(path))
        }
    }
}

/// An error on the way, before the path is known.
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

/// Writes all records in the format of a sink.
fn write<'a, S: Sink<'a>>(
    records: &RecordSet,
    names: Names<'_>,
    out: Out<'a>,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, Failure> {
    let mut sink = S::begin(out)?;
    let mut written = 0;
    let chunks = records.chunks(CHUNK_ROWS);
    for at_once in chunks.chunks(CHUNKS_PER_CORE * rayon::current_num_threads()) {
        let encoded: Vec<S::Chunk> = at_once
            .par_iter()
            .map(|rows| Ok(S::encode(&records.columns(rows.clone())?, names)?))
            .collect::<Result<_, Failure>>()?;
        sink.write(encoded)?;
        written = at_once.last().map_or(written, |rows| rows.end);
        progress(written);
    }
    sink.finish()?;
    Ok(written)
}
