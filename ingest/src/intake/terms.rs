//! The terms that hold for all inputs of a run.

use cloudtally_model::{Calendar, Instant};
use cloudtally_store::Stream;

use crate::{chunks::Chunks, plausible::Plausible};

/// The terms by which inputs are read.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The stream that is wanted; all of them if it is none.
    pub(crate) wanted: Option<Stream>,
    /// The columns of rows without a header.
    pub(crate) columns: Option<Vec<String>>,
    /// The instant of counters that have none of their own.
    pub(crate) sampled: Option<Instant>,
    /// The highest series of counters that was there at an instant before: later ones began
    /// at 0 behind it.
    pub(crate) born: Option<(u64, Instant)>,
    pub(crate) calendar: Calendar,
    pub(crate) plausible: Plausible,
    pub(crate) chunks: Chunks,
}
