//! Series that no run bills as they are: those whose bytes fit no record (module `oversized`), and
//! those that are worth less than is billed.
//!
//! The latter is rare: a late sample makes what was the first reading of its series, 0 in both
//! directions, a poll that failed, and the counter is measured from the late one instead. The
//! series waits until it is worth more; one that counts no more waits for good, and
//! its rows with it, so whoever wants them to go has to know which it is.

use std::fmt;

use cloudtally_model::{Instant, SeriesKey, SourceName};

use super::{
    NetworkBiller,
    oversized::{Named, OversizedSeries},
};
use crate::AggregateError;

/// A series that waits until somebody acts, or until it counts more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StuckSeries {
    /// Its bytes do not fit a record.
    Oversized(OversizedSeries),
    /// It is worth less than is billed.
    Shrunk {
        /// The source of the series.
        source: SourceName,
        /// The series.
        series: SeriesKey,
        /// The earliest sample that waits.
        from: Instant,
    },
}

impl fmt::Display for StuckSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oversized(series) => series.fmt(f),
            Self::Shrunk { source, series, from } => write!(
                f,
                "{}: with its late sample of {from} it is worth less than is billed, so its traffic waits until it has counted more; `cloudtally drop-samples --source {source} --device {} --at {from}` takes the sample out",
                Named(source, series),
                series.device
            ),
        }
    }
}

impl NetworkBiller<'_> {
    /// The series that wait by now and that a run which publishes nothing new would not bill.
    pub(crate) fn stuck(&self) -> Result<Vec<StuckSeries>, AggregateError> {
        let Some(end) = self.snapshot.published_end().filter(|_| self.is_unsettled()) else {
            return Ok(Vec::new());
        };
        let last = self.calendar.period_ending_at_or_after(end);
        let bill = self.scheduled(&[last])?;
        let sources = &self.snapshot.sources;
        let oversized = bill.oversized(sources).into_iter().map(StuckSeries::Oversized);
        let shrunk = bill.shrunk.iter().map(|(number, from)| {
            let series = &bill.series[*number];
            let source = sources.name(series.source).clone();
            StuckSeries::Shrunk { source, series: series.key.clone(), from: *from }
        });
        Ok(oversized.chain(shrunk).collect())
    }
}
