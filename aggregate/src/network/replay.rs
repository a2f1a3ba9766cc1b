//! What every series has by now in each period, and what of that is billed.
//!
//! Reading all samples there ever were would do; a replay starts behind the
//! *settled* periods instead. A period is settled if it and all before it are
//! published and none of them has something to learn: no file of samples that it
//! has not seen tells of an instant up to its end. (Not only of one inside it: a
//! late sample may change what the next sample of its series is worth, and that
//! may lie in any later period.) In settled periods the bill is complete, see the
//! module above, and the last one's counters are what each series last said.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cloudtally_model::{Calendar, Instant, NetworkSample, Period, SeriesKey, SourceId};
use cloudtally_store::{PublishedPeriod, SampleFile, Snapshot, Store};

use super::{
    Slot,
    series::{Reading, Series},
};
use crate::AggregateError;

/// The consistent view a bill is made from.
pub(crate) struct NetworkBiller<'a> {
    pub(crate) store: &'a Store,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) calendar: Calendar,
}

/// The periods that are not settled, and all series in them.
#[derive(Default)]
pub(super) struct Replayed {
    /// Those with samples, files, or growth to bill; between them nothing happened.
    pub(super) slots: Vec<Slot>,
    pub(super) series: Vec<Series>,
    /// What the run publishes.
    pub(super) targets: Vec<Period>,
}

/// What is published: periods with files, and stretches of empty ones.
struct Published<'a> {
    periods: BTreeMap<Instant, &'a PublishedPeriod>,
    snapshot: &'a Snapshot,
}

impl<'a> Published<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let periods = snapshot.periods.iter().map(|known| (known.period.start, known)).collect();
        Self { periods, snapshot }
    }

    /// `None`: the period is not published. Else up to which file it has seen its samples.
    fn samples_seq(&self, period: Period) -> Option<Option<u64>> {
        let known = self.periods.get(&period.start).map(|known| known.inputs.samples_seq);
        known.or_else(|| Some(self.snapshot.stretch_at(period.start)?.inputs.samples_seq))
    }
}

impl NetworkBiller<'_> {
    /// Reads everything from the first target on, or from the first period that is
    /// not settled if that is earlier. Targets are extents of periods in a row.
    pub(super) fn replay(&self, targets: &[Period]) -> Result<Replayed, AggregateError> {
        let (Some(earliest), Some(target)) = (self.snapshot.earliest(), targets.first()) else {
            return Ok(Replayed::default());
        };
        let origin = self.calendar.period_at(earliest).start;
        let published = Published::of(self.snapshot);
        let first = self.settled_until(origin).min(target.start);
        // A period without counters, like one without files, has nothing of a series: what
        // each last said stands in the counters before it.
        let mut before = published.periods.range(..first).rev().map(|(_, known)| *known);
        let state = before.find(|known| known.counters.is_some());
        let from = state.map_or(Instant::from_millis(-1), |state| state.period.end);
        let slots = self.slots((from, first), targets, &published);

        let mut replay = Replay {
            calendar: self.calendar,
            published: &published,
            origin,
            slots,
            by_key: HashMap::new(),
            series: Vec::new(),
        };
        if let Some(state) = state {
            for counter in self.store.read_counters(state, &self.snapshot.sources)? {
                // Not what was billed here for a period ahead.
                if counter.last_sampled <= state.period.end {
                    replay.series(counter.source, &counter.series).remember(&counter);
                }
            }
        }
        self.read_samples(from, &mut replay)?;
        for index in 0..replay.slots.len() {
            let start = replay.slots[index].period.start;
            let Some(known) = published.periods.get(&start) else { continue };
            for counter in self.store.read_counters(known, &self.snapshot.sources)? {
                replay.series(counter.source, &counter.series).recall(index, &counter);
            }
        }
        let Replay { slots, mut series, .. } = replay;
        series.sort_unstable_by(|a, b| (a.source, &a.key).cmp(&(b.source, &b.key)));
        Ok(Replayed { slots, series, targets: targets.to_vec() })
    }

    /// Whether a published period is not settled: bytes may move yet between the
    /// records there are and those of a later run.
    pub(crate) fn is_unsettled(&self) -> bool {
        let (Some(earliest), Some(end)) = (self.snapshot.earliest(), self.snapshot.published_end())
        else {
            return false;
        };
        let origin = self.calendar.period_at(earliest).start;
        self.settled_until(origin) < end
    }

    /// End of the settled periods; `origin` if there are none.
    fn settled_until(&self, origin: Instant) -> Instant {
        let mut files: Vec<&SampleFile> = self.snapshot.sample_files.iter().collect();
        files.sort_unstable_by_key(|file| file.first_sampled);
        let mut files = files.into_iter().peekable();
        let mut newest_seq = None;
        let mut until = origin;
        for (extent, inputs) in self.snapshot.published() {
            while let Some(file) = files.next_if(|f| f.first_sampled <= extent.end) {
                newest_seq = newest_seq.max(Some(file.seq));
            }
            // The first event may have come late, and lie inside a stretch.
            if extent.start > until || newest_seq > inputs.samples_seq {
                break;
            }
            until = until.max(extent.end);
        }
        until
    }

    /// The periods from `first` on that may have something of a series: those that
    /// files of samples behind `from` tell of, those with files of their own, the first
    /// of all and the last that the run publishes.
    fn slots(
        &self,
        (from, first): (Instant, Instant),
        targets: &[Period],
        published: &Published<'_>,
    ) -> Vec<Slot> {
        let calendar = self.calendar;
        let last_target = targets.last().map_or(first, |last| last.end);
        let end = self.snapshot.published_end().map_or(last_target, |end| end.max(last_target));
        let mut periods: BTreeSet<Period> =
            published.periods.range(first..).map(|(_, known)| known.period).collect();
        periods.insert(calendar.period_at(first));
        periods.insert(calendar.period_ending_at_or_after(last_target));
        let files = self.snapshot.sample_files.iter();
        for file in files.filter(|file| file.last_sampled > from && file.first_sampled <= end) {
            let last = file.last_sampled.min(end);
            let mut period = calendar.period_ending_at_or_after(file.first_sampled.max(first));
            while period.start < last && period.end <= end {
                if period.start >= first {
                    periods.insert(period);
                }
                period = calendar.next(period);
            }
        }
        let is_target = |period: Period| is_within(targets, period);
        let slot = |period: Period| Slot {
            period,
            published: published.samples_seq(period),
            is_target: is_target(period),
        };
        periods.into_iter().filter(|period| period.end <= end).map(slot).collect()
    }

    /// Samples after `from`, a day of the lake at a time: that keeps memory to a
    /// day's samples.
    fn read_samples(&self, from: Instant, replay: &mut Replay<'_>) -> Result<(), AggregateError> {
        let Some(end) = replay.slots.last().map(|slot| slot.period.end) else { return Ok(()) };
        let mut days: BTreeMap<i64, Vec<&SampleFile>> = BTreeMap::new();
        let files = self.snapshot.sample_files.iter();
        for file in files.filter(|file| file.last_sampled > from && file.first_sampled <= end) {
            days.entry(file.utc_day).or_default().push(file);
        }
        for files in days.values() {
            let mut samples = Vec::new();
            for file in files {
                let Some(source) = self.snapshot.sources.id(file.source.as_str()) else { continue };
                self.store.read_samples(file, from, end, &mut |sample| {
                    samples.push((source, sample, file.seq));
                })?;
            }
            replay.add_day(samples);
        }
        Ok(())
    }
}

/// Whether a period is one of those that extents hold, which are in order.
pub(super) fn is_within(extents: &[Period], period: Period) -> bool {
    let at = extents.partition_point(|extent| extent.end <= period.start);
    extents.get(at).is_some_and(|extent| extent.start <= period.start && period.end <= extent.end)
}

struct Replay<'a> {
    calendar: Calendar,
    published: &'a Published<'a>,
    /// Start of the first period there is. It answers for samples at that instant
    /// too: the period that ends there is none of ours.
    origin: Instant,
    slots: Vec<Slot>,
    by_key: HashMap<(SourceId, SeriesKey), usize>,
    series: Vec<Series>,
}

impl Replay<'_> {
    fn series(&mut self, source: SourceId, key: &SeriesKey) -> &mut Series {
        let index = self.index(source, key);
        &mut self.series[index]
    }

    fn index(&mut self, source: SourceId, key: &SeriesKey) -> usize {
        let next = self.series.len();
        let index = *self.by_key.entry((source, key.clone())).or_insert(next);
        if index == next {
            self.series.push(Series::new(source, key.clone()));
        }
        index
    }

    fn add_day(&mut self, samples: Vec<(SourceId, NetworkSample, u64)>) {
        let mut numbered: Vec<(usize, Reading, u64)> = Vec::with_capacity(samples.len());
        for (source, sample, seq) in samples {
            let index = self.index(source, &sample.series);
            numbered.push((index, Reading::of(&sample), seq));
        }
        numbered.sort_unstable_by_key(|(index, reading, seq)| (*index, reading.at, *seq));
        let mut asked = None;
        for (index, reading, seq) in numbered {
            // Samples of all series share instants; ask once for each run of them.
            let seen_seq = match asked {
                Some((at, seen_seq)) if at == reading.at => seen_seq,
                _ => self.seen_seq(reading.at),
            };
            asked = Some((reading.at, seen_seq));
            self.add(index, reading, Some(seq) > seen_seq);
        }
    }

    /// Up to which file the period that answers for an instant has seen its samples.
    fn seen_seq(&self, at: Instant) -> Option<u64> {
        let period = if at == self.origin {
            self.calendar.period_at(at)
        } else {
            self.calendar.period_ending_at_or_after(at)
        };
        self.published.samples_seq(period).flatten()
    }

    fn add(&mut self, index: usize, reading: Reading, is_unseen: bool) {
        let series = &mut self.series[index];
        if series.skips(reading) {
            return;
        }
        let slot = self.slots.partition_point(|slot| slot.period.end < reading.at);
        if self.slots.get(slot).is_none_or(|slot| slot.period.start >= reading.at) {
            series.add_before(reading);
            if is_unseen && reading.at == self.origin {
                series.unseen_before = Some(reading.at);
            }
            return;
        }
        let entry = series.add(slot, reading);
        if is_unseen {
            entry.unseen_from.get_or_insert(reading.at);
        }
    }
}
