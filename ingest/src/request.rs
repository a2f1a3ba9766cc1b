//! Orders to ingest.

use cloudtally_model::{Instant, SourceName};
use cloudtally_store::Stream;

use crate::open::Input;

/// An order to ingest.
#[derive(Clone, Debug)]
pub struct IngestRequest {
    /// The stream that the rows are of.
    pub stream: Stream,
    /// The source that they come from.
    pub source: SourceName,
    /// Files, read one after the other.
    pub inputs: Vec<Input>,
    /// Wall time, milliseconds since 1970, for the run's row.
    pub started_ms: i64,
    /// The clock by which instants are believed: the machine's, or the simulated
    /// one that the rows come from.
    pub now: Instant,
}

/// The streams that are taken of inputs which may hold several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Streams {
    /// That of the request.
    #[default]
    Requested,
    /// All that are there, as their tables and columns tell.
    All,
}

/// The terms by which inputs are read, besides their content.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The streams that are taken.
    pub streams: Streams,
    /// The columns, in their order, of rows that come without a header.
    pub columns: Option<Vec<String>>,
    /// The instant at which counters were read that say none.
    pub sampled: Option<Instant>,
}
