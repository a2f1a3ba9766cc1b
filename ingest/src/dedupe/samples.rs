//! Samples: identity is series and instant.

use cloudtally_model::{Instant, NetworkSample, SourceName, row_index, row_numbers};
use cloudtally_store::{IngestRun, QuarantinedRow, SampleTable, StoreError, Writer};

use super::{Keeper, Known, Verdicts, difference};

/// Keeps the samples of one source.
pub(crate) struct SampleKeeper<'a> {
    writer: &'a Writer,
    source: SourceName,
    /// Samples that an operator took out: they are not taken in again.
    dropped: Vec<NetworkSample>,
    /// Samples up to here are pruned.
    pruned_before: Option<Instant>,
}

impl<'a> SampleKeeper<'a> {
    pub(crate) fn new(writer: &'a Writer, source: &SourceName) -> Result<Self, StoreError> {
        let dropped = writer.dropped_samples()?.into_iter();
        let dropped = dropped.filter(|dropped| dropped.source == *source);
        let dropped = dropped.map(|dropped| dropped.sample).collect();
        let pruned_before = writer.pruned()?.rows_before;
        Ok(Self { writer, source: source.clone(), dropped, pruned_before })
    }

    fn is_dropped(&self, samples: &SampleTable, row: u32) -> bool {
        let at = samples.sampled(row_index(row));
        self.dropped
            .iter()
            .any(|dropped| dropped.sampled == at && *dropped == samples.row(row_index(row)))
    }
}

impl Keeper<NetworkSample> for SampleKeeper<'_> {
    fn judge(&mut self, samples: &SampleTable) -> Result<Verdicts, StoreError> {
        // Rows of one series and instant side by side, in the order in which they came.
        let mut rows = row_numbers(samples.height());
        let order = samples.order();
        order.sort(&mut rows);
        let stored = self.writer.stored_counters(&self.source, samples, &rows)?;
        let mut stored = stored.into_iter().peekable();
        let mut verdicts = Verdicts::default();
        let mut place = 0;
        for same in rows.chunk_by(|a, b| order.compare(*a, *b).is_eq()) {
            let mut first = stored.next_if(|(at, _)| *at == place).map(|(_, counters)| counters);
            place += same.len();
            for row in same {
                if self.is_dropped(samples, *row) {
                    verdicts.known.push((*row, Known::Duplicate));
                    continue;
                }
                match first {
                    Some(first) => verdicts.known.push((*row, judge_one(samples, *row, first))),
                    // Nothing tells those that are gone from those that are late.
                    None if Some(samples.sampled(row_index(*row))) <= self.pruned_before => {
                        verdicts.known.push((*row, Known::Duplicate));
                    }
                    None => {
                        first = Some(samples.bytes(row_index(*row)));
                        verdicts.new.push(*row);
                    }
                }
            }
        }
        verdicts.known.sort_unstable_by_key(|(row, _)| *row);
        Ok(verdicts)
    }

    fn append(
        &mut self,
        rows: (&SampleTable, Vec<u32>),
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        self.writer.append_sample_table(&self.source, rows, quarantined, run)
    }
}

/// Judges a sample whose series and instant have other counters, or the same.
fn judge_one(samples: &SampleTable, row: u32, (bytes_sent, bytes_received): (u64, u64)) -> Known {
    let sample = samples.row(row_index(row));
    let first = NetworkSample { bytes_sent, bytes_received, ..sample.clone() };
    match difference(&first, &sample) {
        None => Known::Duplicate,
        Some(other) => Known::Conflict(format!(
            "a sample of this series at {} is already there with {other}",
            sample.sampled
        )),
    }
}
