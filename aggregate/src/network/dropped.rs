//! Samples that cannot be right, taken out: the way to free a series that waits for them.
//!
//! Nothing that is billed is taken back. A period that has seen a sample has billed it; and
//! where a series waits, what its published periods have billed must still be there without
//! the sample. So the drop is tried, what is left is worth is looked at, and it is kept or
//! undone in the same transaction.

use cloudtally_model::{NetworkSample, SeriesKey};
use cloudtally_store::{SamplesAt, Writer};

use super::{NetworkBiller, replay::Published, series::Bytes};
use crate::AggregateError;

/// A drop in earnest, or a look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// Make it.
    Really,
    /// Only tell of it.
    DryRun,
}

/// Drops the samples that are meant, or tells which they are; returns them.
///
/// # Errors
/// `NoSuchSample`; `SampleBilled` if one of them is billed.
pub fn drop_samples(
    writer: &Writer,
    wanted: &SamplesAt,
    dropped_ms: i64,
    how: Drop,
) -> Result<Vec<NetworkSample>, AggregateError> {
    let (before, calendar) = (writer.snapshot()?, writer.calendar()?);
    let found = writer.samples_at(wanted)?;
    if found.is_empty() {
        return Err(AggregateError::NoSuchSample { wanted: Box::new(wanted.clone()) });
    }
    let billed = || AggregateError::SampleBilled { wanted: Box::new(wanted.clone()) };
    let origin = NetworkBiller { store: writer, snapshot: &before, calendar }.origin();
    let seen_seq = Published::of(&before).seen_seq(calendar, origin, wanted.at);
    if found.iter().any(|(seq, _)| seen_seq >= Some(*seq)) {
        return Err(billed());
    }
    let samples: Vec<NetworkSample> = found.into_iter().map(|(_, sample)| sample).collect();
    let mut is_left: Result<bool, AggregateError> = Ok(false);
    writer.drop_samples(wanted, dropped_ms, &mut |after| {
        let biller = NetworkBiller { store: writer, snapshot: after, calendar };
        let mut all = samples.iter().map(|sample| biller.is_billed_still_there(wanted, sample));
        is_left = all.try_fold(true, |all, one| Ok(all && one?));
        matches!(is_left, Ok(true)) && how == Drop::Really
    })?;
    match is_left? {
        true => Ok(samples),
        false => Err(billed()),
    }
}

impl NetworkBiller<'_> {
    /// Says whether each published period that is not settled is worth, of the sample's series,
    /// at least what it has billed.
    fn is_billed_still_there(
        &self,
        wanted: &SamplesAt,
        sample: &NetworkSample,
    ) -> Result<bool, AggregateError> {
        let Some(end) = self.snapshot.published_end() else { return Ok(true) };
        let last = self.calendar.period_ending_at_or_after(end);
        let replayed = self.replay(&[last])?;
        let source = self.snapshot.sources.id(wanted.source.as_str());
        let is_it = |key: &SeriesKey| *key == sample.series;
        let series = replayed.series.iter().find(|s| Some(s.source) == source && is_it(&s.key));
        for (index, slot) in replayed.slots.iter().enumerate() {
            let start = slot.period.start;
            let known = self.snapshot.periods.iter().find(|known| known.period.start == start);
            let Some(known) = known else { continue };
            let entry = series.and_then(|s| s.entries.iter().find(|e| e.period == index));
            let usage = entry.map(|entry| entry.usage).unwrap_or_default();
            let counters = self.store.read_counters(known, &self.snapshot.sources)?;
            let of_it = counters.iter().filter(|c| Some(c.source) == source && is_it(&c.series));
            let mut billed = of_it.map(|c| Bytes::new(c.sent, c.received));
            if billed.any(|b| usage.sent < b.sent || usage.received < b.received) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
