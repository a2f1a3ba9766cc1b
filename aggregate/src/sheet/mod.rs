//! The day sheet: a period's use summed up three ways, before it is published.
//!
//! For each source and usage type the sum of the records, the sum of the clipped segments
//! and the sum that [`recompute`] finds without either must be one number. Of bytes, which
//! have no segments, the records are held against the counters of the bill, and what each
//! period is worth by these against a [`Recount`] of its samples. A period that does not add
//! up is not published, and neither is what comes behind it.
//!
//! # Source
//! Usage rules 7.

mod check; // a sheet beside the records
mod moves; // the plus and minus of each usage type
mod recompute; // the use of each period a second time
mod recount; // the bytes of each period a second time

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cloudtally_model::{Period, SourceId, Sources, UsageTypeId};
use cloudtally_store::{Anomaly, RecordRows, SheetEvents, SheetLine};
use foldhash::fast::RandomState;

pub(crate) use check::{FilesNow, RecordSums, differences};
pub(crate) use moves::Moves;
pub(crate) use recompute::{RecomputedPeriod, recompute};
pub(crate) use recount::{BothWays, Recount};

use crate::{AggregateError, period::PeriodRecords, segments::Segments};

/// Bytes of all series of a source in each direction.
pub(crate) type ByteSums = BTreeMap<(SourceId, UsageTypeId), u128>;

/// The sums of one source and usage type, as the pipeline has them.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    records: i128,
    segments: i128,
    open_at_end: i64,
}

/// The sums of a period, as the pipeline has them.
#[derive(Debug, Default)]
pub(crate) struct Sums(BTreeMap<(SourceId, UsageTypeId), Sum>);

impl Sums {
    /// Adds up the records of a period and the segments inside it, of all sources but those
    /// that are left out.
    pub(crate) fn of(
        period: Period,
        records: &PeriodRecords<'_>,
        segments: &Segments,
        left_out: &BTreeSet<SourceId>,
    ) -> Self {
        let mut sums: HashMap<(SourceId, UsageTypeId), Sum, RandomState> = HashMap::default();
        for row in 0..records.height() {
            let sum = sums.entry((records.source(row), records.usage_type(row))).or_default();
            sum.records += i128::from(records.quantity(row));
        }
        let columns = segments.columns();
        for inside in segments.inside(period) {
            let shown = segments.shown(inside.row);
            let sum = sums.entry((shown.source(), shown.usage_type())).or_default();
            if !shown.is_nothing() {
                sum.segments += i128::from(inside.millis);
            }
            sum.open_at_end += i64::from(columns.end[inside.row] >= period.end);
        }
        // Bytes are of what has been counted, however late a source is.
        let is_counted = |(source, usage_type): &(SourceId, UsageTypeId)| {
            usage_type.is_bytes() || !left_out.contains(source)
        };
        Self(sums.into_iter().filter(|(usage, _)| is_counted(usage)).collect())
    }

    /// Adds what the counters of the bill say of bytes sent and received.
    pub(crate) fn add_bytes(&mut self, counted: &ByteSums) {
        for ((source, usage_type), bytes) in counted.iter().filter(|(_, bytes)| **bytes > 0) {
            self.0.entry((*source, *usage_type)).or_default().segments += bytes.cast_signed();
        }
    }

    /// The sum of the records of a source and usage type.
    pub(crate) fn records(&self, usage: &(SourceId, UsageTypeId)) -> i128 {
        self.0.get(usage).map_or(0, |sum| sum.records)
    }
}

/// The lines of a period's sheet, if the sums of each are the same.
///
/// # Errors
/// `DoesNotAddUp` with the first that are not.
pub(crate) fn lines(
    period: Period,
    sums: &Sums,
    recomputed: &RecomputedPeriod,
    recounted: &ByteSums,
    left_out: &BTreeSet<SourceId>,
    sources: &Sources,
) -> Result<Vec<SheetLine>, AggregateError> {
    let counted = recomputed.usage.keys().filter(|(source, _)| !left_out.contains(source));
    let usages: BTreeSet<_> = sums.0.keys().chain(counted).copied().collect();
    let mut lines = Vec::with_capacity(usages.len());
    for usage @ (source, usage_type) in usages {
        let Sum { records, segments, open_at_end } =
            sums.0.get(&usage).copied().unwrap_or_default();
        let again = recomputed.usage.get(&usage).copied().unwrap_or_default();
        let line = SheetLine {
            source: sources.name(source).as_str().to_owned(),
            usage_type: usage_type.0,
            records,
            segments,
            recomputed: match usage_type.is_bytes() {
                false => Some(again.used_ms),
                // A record that bills other periods, too, says more than its own.
                true => recounted
                    .get(&usage)
                    .and_then(|bytes| i64::try_from(*bytes).ok())
                    .filter(|bytes| i128::from(*bytes) == records),
            },
            opened: again.opened,
            closed: again.closed,
            open_at_end,
        };
        if !line.adds_up() || open_at_end != again.open_at_end {
            let open = (open_at_end, again.open_at_end);
            return Err(AggregateError::DoesNotAddUp { period, line: Box::new(line), open });
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The events of a period, by what became of them.
pub(crate) fn events(recomputed: &RecomputedPeriod, anomalies: &[Anomaly]) -> SheetEvents {
    let odd: BTreeSet<_> =
        anomalies.iter().filter_map(|odd| Some((&odd.source, odd.event?))).collect();
    let anomalies = odd.len() as u64;
    let RecomputedPeriod { unmetered, metered, .. } = *recomputed;
    SheetEvents {
        accepted: metered + unmetered,
        used: metered.saturating_sub(anomalies),
        without_meter: unmetered,
        anomalies,
    }
}

#[cfg(test)]
mod tests {
    use cloudtally_model::{Instant, SourceName};

    use super::*;

    #[test]
    fn a_sum_that_differs_is_told_and_kept_from_being_published() {
        let sources = Sources::new(vec![SourceName::new("a").unwrap()]);
        let usage = (sources.id("a").unwrap(), UsageTypeId::RUNNING_VM);
        let period = Period { start: Instant::EPOCH, end: Instant::from_millis(86_400_000) };
        let again = |used_ms, open_at_end| {
            let of = recompute::Recomputed { used_ms, open_at_end, ..Default::default() };
            RecomputedPeriod { usage: [(usage, of)].into(), ..RecomputedPeriod::default() }
        };
        let told = |sum: Sum, again: &RecomputedPeriod| {
            lines(
                period,
                &Sums([(usage, sum)].into()),
                again,
                &ByteSums::new(),
                &BTreeSet::new(),
                &sources,
            )
        };
        let sum = Sum { records: 5, segments: 5, open_at_end: 1 };
        assert_eq!(told(sum, &again(5, 1)).unwrap().len(), 1);
        let differs = [
            (Sum { records: 4, ..sum }, again(5, 1)),
            (Sum { segments: 4, ..sum }, again(5, 1)),
            (sum, again(4, 1)),
            (sum, again(5, 0)),
            (sum, RecomputedPeriod::default()),
            (Sum::default(), again(5, 1)),
        ];
        for (sum, again) in differs {
            assert!(told(sum, &again).is_err(), "{sum:?} {again:?}");
        }
        let text = told(Sum { records: 4, ..sum }, &again(6, 0)).unwrap_err().to_string();
        assert_eq!(
            text,
            "period 1970-01-01T00:00:00Z..1970-01-02T00:00:00Z does not add up: usage type 1 of \
             source `a` has 4 in its records, 5 in what they were made of, 6 recomputed, with 1 \
             uses open at the end and 0 recomputed; it is not published, nor is what comes behind \
             it, and what was published before stands; this is a fault of the program: keep the \
             folder as it is and report it with the output of `cloudtally check`"
        );
        // What is left out of a period is not held against it.
        let left_out = BTreeSet::from([usage.0]);
        assert_eq!(
            lines(period, &Sums::default(), &again(5, 1), &ByteSums::new(), &left_out, &sources)
                .unwrap(),
            []
        );
    }
}
