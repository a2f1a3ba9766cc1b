//! The replay of samples: the bytes of every series in each period by now, and what of that
//! is billed.
//!
//! Reading all samples there ever were would do; a replay starts behind the
//! *settled* periods instead. A period is settled if it and all before it are
//! published and none of them has something to learn: no file of samples that it
//! has not seen tells of an instant up to its end. (Not only of one inside it: a
//! late sample may change what the next sample of its series is worth, and that
//! may lie in any later period.) In settled periods the bill is complete, see the
//! module above, and the last one's counters are what each series last said.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::RandomState},
    hash::BuildHasher,
};

use cloudtally_model::{Calendar, Instant, Period, SourceId, UsageTypeId};
use cloudtally_store::{
    BilledCounter, PublishedPeriod, SampleColumns, SampleFile, SeriesRow, SheetLine, Snapshot,
    Store, StoreError,
};
use rayon::prelude::*;

use super::{
    series::{Reading, Series},
    slot::Slot,
};
use crate::{
    AggregateError,
    sheet::{BothWays, Recount},
};

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
    /// The bytes of each source in each slot, counted a second time: the same.
    pub(super) recounted: BTreeMap<(SourceId, usize), BothWays>,
    /// The periods that the run publishes.
    pub(super) targets: Vec<Period>,
}

/// The published periods: those with files, and stretches of empty ones.
pub(super) struct Published<'a> {
    periods: BTreeMap<Instant, &'a PublishedPeriod>,
    snapshot: &'a Snapshot,
}

impl<'a> Published<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let periods = snapshot.periods.iter().map(|known| (known.period.start, known)).collect();
        Self { periods, snapshot }
    }

    /// `None`: the period is not published. Else up to which file it has seen its samples.
    fn samples_seq(&self, period: Period) -> Option<Option<u64>> {
        let known = self.periods.get(&period.start).map(|known| known.inputs.samples_seq);
        known.or_else(|| Some(self.snapshot.stretch_at(period.start)?.inputs.samples_seq))
    }

    /// Up to which file the period that answers for an instant has seen its samples. At the
    /// origin no period ends: the one that begins there answers for it.
    pub(super) fn seen_seq(
        &self,
        calendar: Calendar,
        origin: Option<Instant>,
        at: Instant,
    ) -> Option<u64> {
        let period = if origin == Some(at) {
            calendar.period_at(at)
        } else {
            calendar.period_ending_at_or_after(at)
        };
        self.samples_seq(period).flatten()
    }
}

impl NetworkBiller<'_> {
    /// The start of the period of the earliest accepted row; none if there is none.
    pub(super) fn origin(&self) -> Option<Instant> {
        Some(self.calendar.period_at(self.snapshot.earliest()?).start)
    }

    /// Reads everything from the first target on, or from the first period that is
    /// not settled if that is earlier. Targets are extents of periods in a row.
    pub(super) fn replay(&self, targets: &[Period]) -> Result<Replayed, AggregateError> {
        self.replay_until(targets, Instant::END_OF_TIME)
    }

    /// Like [`Self::replay`], of the targets alone, if they and all before them are
    /// settled: what lies ahead has nothing to say of them. `None` if they are not.
    pub(super) fn replay_settled(
        &self,
        targets: &[Period],
    ) -> Result<Option<Replayed>, AggregateError> {
        let (Some(origin), Some(last)) = (self.origin(), targets.last()) else {
            return Ok(None);
        };
        if self.settled_until(origin) < last.end {
            return Ok(None);
        }
        let replayed = self.replay_until(targets, last.end)?;
        // By what settled means; where it is not so, all there is must be looked at.
        Ok(Some(replayed).filter(|replayed| replayed.series.iter().all(Series::is_settled)))
    }

    fn replay_until(&self, targets: &[Period], until: Instant) -> Result<Replayed, AggregateError> {
        let (Some(origin), Some(target)) = (self.origin(), targets.first()) else {
            return Ok(Replayed::default());
        };
        let published = Published::of(self.snapshot);
        let first = self.settled_until(origin).min(target.start);
        let (from, said) = self.said_before(first)?;
        let mut slots = self.slots((from, first), targets, &published);
        slots.retain(|slot| slot.period.end <= until);

        let mut replay = Replay {
            calendar: self.calendar,
            published: &published,
            origin,
            recount: Recount::new(slots.iter().map(|slot| slot.period).collect()),
            slots,
            numbers: Numbers::default(),
            series: Vec::new(),
        };
        for counter in said {
            replay.recount.remember(&counter);
            replay.series(counter.source, SeriesRow::of(&counter.series)).remember(&counter);
        }
        self.read_samples(from, &mut replay)?;
        for index in 0..replay.slots.len() {
            let start = replay.slots[index].period.start;
            let Some(known) = published.periods.get(&start) else { continue };
            for counter in self.store.read_counters(known, &self.snapshot.sources)? {
                replay
                    .series(counter.source, SeriesRow::of(&counter.series))
                    .recall(index, &counter);
            }
        }
        let Replay { slots, mut series, recount, .. } = replay;
        let recounted = recount.finish();
        self.check_recount(&slots, &series, &recounted)?;
        series.sort_unstable_by(|a, b| (a.source, &a.key).cmp(&(b.source, &b.key)));
        Ok(Replayed { slots, series, recounted, targets: targets.to_vec() })
    }

    /// The counters of every series as they stand before a period that begins at `first`, and
    /// the instant up to which they count.
    pub(crate) fn said_before(
        &self,
        first: Instant,
    ) -> Result<(Instant, Vec<BilledCounter>), StoreError> {
        // A period without counters, like one without files, has nothing of a series: what
        // each last said stands in the counters before it.
        let mut before = self.snapshot.periods.iter().rev();
        let is_state = |p: &&PublishedPeriod| p.period.start < first && p.counters.is_some();
        let Some(state) = before.find(is_state) else {
            return Ok((Instant::from_millis(-1), Vec::new()));
        };
        let mut said = self.store.read_counters(state, &self.snapshot.sources)?;
        // Not what was billed here for a period ahead.
        said.retain(|counter| counter.last_sampled <= state.period.end);
        Ok((state.period.end, said))
    }

    /// Holds what the series are worth in each slot against the second count.
    ///
    /// # Errors
    /// `DoesNotAddUp` with the first that differs.
    fn check_recount(
        &self,
        slots: &[Slot],
        series: &[Series],
        recounted: &BTreeMap<(SourceId, usize), BothWays>,
    ) -> Result<(), AggregateError> {
        let mut worth: BTreeMap<(SourceId, usize), BothWays> = BTreeMap::new();
        for series in series {
            for entry in &series.entries {
                let sum = worth.entry((series.source, entry.period)).or_default();
                *sum = (sum.0 + entry.usage.sent, sum.1 + entry.usage.received);
            }
        }
        worth.retain(|_, sum| *sum != (0, 0));
        let keys = worth.keys().chain(recounted.keys());
        let Some(&key) = keys.filter(|key| worth.get(key) != recounted.get(key)).min() else {
            return Ok(());
        };
        let of = |sums: &BTreeMap<_, BothWays>| sums.get(&key).copied().unwrap_or_default();
        let (told, again) = (of(&worth), of(recounted));
        let (usage_type, told, again) = match told.0 == again.0 {
            false => (UsageTypeId::NETWORK_BYTES_SENT, told.0, again.0),
            true => (UsageTypeId::NETWORK_BYTES_RECEIVED, told.1, again.1),
        };
        let line = SheetLine {
            source: self.snapshot.sources.name(key.0).as_str().to_owned(),
            usage_type: usage_type.0,
            records: told.cast_signed(),
            segments: told.cast_signed(),
            recomputed: Some(i64::try_from(again).unwrap_or(i64::MAX)),
            opened: 0,
            closed: 0,
            open_at_end: 0,
        };
        let period = slots[key.1].period;
        Err(AggregateError::DoesNotAddUp { period, line: Box::new(line), open: (0, 0) })
    }

    /// Tells whether a published period is not settled: bytes may move yet between the
    /// records there are and those of a later run.
    pub(crate) fn is_unsettled(&self) -> bool {
        let (Some(origin), Some(end)) = (self.origin(), self.snapshot.published_end()) else {
            return false;
        };
        self.settled_until(origin) < end
    }

    /// End of the settled periods, of those by `until`; `until` if there are no samples.
    pub(crate) fn settled_before(&self, until: Instant) -> Instant {
        match self.origin() {
            Some(origin) if !self.snapshot.sample_files.is_empty() => {
                self.settled_until(origin).min(until)
            }
            _ => until,
        }
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

    /// Samples after `from`, some days of the lake at a time: that keeps memory to their
    /// samples, and every core has a day to decode.
    fn read_samples(&self, from: Instant, replay: &mut Replay<'_>) -> Result<(), AggregateError> {
        let Some(end) = replay.slots.last().map(|slot| slot.period.end) else { return Ok(()) };
        let mut days: BTreeMap<i64, Vec<&SampleFile>> = BTreeMap::new();
        let files = self.snapshot.sample_files.iter();
        for file in files.filter(|file| file.last_sampled > from && file.first_sampled <= end) {
            days.entry(file.utc_day).or_default().push(file);
        }
        let days: Vec<Vec<&SampleFile>> = days.into_values().collect();
        for days in days.chunks(rayon::current_num_threads()) {
            let loaded: Vec<Vec<FileSamples>> = days
                .par_iter()
                .map(|files| files.iter().filter_map(|file| self.load(file, from, end)).collect())
                .collect::<Result<_, StoreError>>()?;
            for files in loaded {
                let told = files.iter().map(|file| (file.source, file.seq, &file.columns[..]));
                replay.recount.add_day(told);
                replay.add_day(files);
            }
        }
        Ok(())
    }

    fn load(
        &self,
        file: &SampleFile,
        from: Instant,
        end: Instant,
    ) -> Option<Result<FileSamples, StoreError>> {
        let source = self.snapshot.sources.id(file.source.as_str())?;
        let mut samples = FileSamples { source, seq: file.seq, columns: Vec::new() };
        let read = self.store.sample_columns(file, (from, end), None, &mut |columns| {
            samples.columns.push(columns);
        });
        Some(read.map(|()| samples))
    }
}

/// Samples of one file.
struct FileSamples {
    source: SourceId,
    seq: u64,
    columns: Vec<SampleColumns>,
}

/// Tells whether a period is one of those that extents hold, which are in order.
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
    numbers: Numbers,
    series: Vec<Series>,
    /// The second count of all samples.
    recount: Recount,
}

/// The positions of series among all.
#[derive(Default)]
struct Numbers {
    by_hash: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
    /// The series that came behind each one the last time: devices are polled in turns,
    /// so it mostly does again.
    behind: Vec<usize>,
    last: usize,
}

/// An instant of samples, and what there is to know of it.
#[derive(Clone, Copy)]
struct Moment {
    /// Position of the period of the bill it lies in, if it does in one.
    slot: Option<usize>,
    /// Up to which file the period that answers for it has seen its samples.
    seen_seq: Option<u64>,
    is_origin: bool,
}

/// A sample of a day: one row of its columns.
struct Numbered {
    series: u32,
    moment: u32,
    seq: u64,
    at: Instant,
    bytes: (u64, u64),
    restarted: bool,
}

impl Replay<'_> {
    fn series(&mut self, source: SourceId, key: SeriesRow<'_>) -> &mut Series {
        let number = self.number(source, key);
        &mut self.series[number]
    }

    fn number(&mut self, source: SourceId, key: SeriesRow<'_>) -> usize {
        let Self { numbers, series, .. } = self;
        let is_it = |series: &Series| series.source == source && SeriesRow::of(&series.key) == key;
        let likely = numbers.behind.get(numbers.last).copied();
        let number = match likely.filter(|number| is_it(&series[*number])) {
            Some(number) => number,
            None => {
                let alike = numbers.by_hash.entry(numbers.hasher.hash_one((source, key)));
                let alike = alike.or_default();
                let known = alike.iter().copied().find(|number| is_it(&series[*number]));
                let number = known.unwrap_or(series.len());
                if known.is_none() {
                    alike.push(number);
                    series.push(Series::new(source, key.to_key()));
                    numbers.behind.push(number);
                }
                numbers.behind[numbers.last] = number;
                number
            }
        };
        numbers.last = number;
        number
    }

    /// Adds the samples of a day, series by series, all of them side by side.
    fn add_day(&mut self, files: Vec<FileSamples>) {
        let mut moments: Vec<Moment> = Vec::new();
        let mut numbered: Vec<Numbered> = Vec::new();
        for FileSamples { source, seq, columns } in files {
            let mut asked = None;
            for columns in columns {
                for row in 0..columns.height() {
                    // Samples of all series share instants; ask once for each run of them.
                    let at = columns.sampled(row);
                    if asked != Some(at) {
                        moments.push(self.moment(at));
                        asked = Some(at);
                    }
                    let series = self.number(source, columns.series(row));
                    let (series, moment) = (narrow(series), narrow(moments.len() - 1));
                    let (bytes, restarted) = (columns.bytes(row), columns.restarted(row));
                    numbered.push(Numbered { series, moment, seq, at, bytes, restarted });
                }
            }
        }
        let (mut positions, starts) = by_series(&numbered, self.series.len());
        let (mut of_series, mut rest) = (Vec::with_capacity(self.series.len()), &mut positions[..]);
        for bounds in starts.windows(2) {
            let (of_one, behind) = rest.split_at_mut(bounds[1] - bounds[0]);
            of_series.push(of_one);
            rest = behind;
        }
        self.series.par_iter_mut().zip(of_series).for_each(|(series, positions)| {
            let key = |at: &u32| (numbered[wide(*at)].at, numbered[wide(*at)].seq);
            // They come in order but where a day has several files.
            if !positions.is_sorted_by_key(key) {
                positions.sort_unstable_by_key(key);
            }
            for at in positions {
                let Numbered { moment, seq, at, bytes, restarted, .. } = numbered[wide(*at)];
                let moment = moments[wide(moment)];
                moment.add(series, Reading::new(at, bytes, restarted), Some(seq) > moment.seen_seq);
            }
        });
    }

    fn moment(&self, at: Instant) -> Moment {
        let slot = self.slots.partition_point(|slot| slot.period.end < at);
        let slot =
            Some(slot).filter(|slot| self.slots.get(*slot).is_some_and(|s| s.period.start < at));
        Moment { slot, seen_seq: self.seen_seq(at), is_origin: at == self.origin }
    }

    fn seen_seq(&self, at: Instant) -> Option<u64> {
        self.published.seen_seq(self.calendar, Some(self.origin), at)
    }
}

impl Moment {
    fn add(self, series: &mut Series, reading: Reading, is_unseen: bool) {
        if series.skips(reading) {
            return;
        }
        let Some(slot) = self.slot else {
            series.add_before(reading);
            if is_unseen && self.is_origin {
                series.unseen_before = Some(reading.at);
            }
            return;
        };
        let entry = series.add(slot, reading);
        if is_unseen {
            entry.unseen_from.get_or_insert(reading.at);
        }
    }
}

/// The positions of each series' samples among all, in the order they came in, for each
/// series one after the other; and where each series' begin.
fn by_series(numbered: &[Numbered], series: usize) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0; series + 1];
    for sample in numbered {
        starts[wide(sample.series) + 1] += 1;
    }
    for at in 0..series {
        starts[at + 1] += starts[at];
    }
    let (mut next, mut positions) = (starts.clone(), vec![0; numbered.len()]);
    for (at, sample) in numbered.iter().enumerate() {
        let next = &mut next[wide(sample.series)];
        positions[*next] = narrow(at);
        *next += 1;
    }
    (positions, starts)
}

fn narrow(position: usize) -> u32 {
    u32::try_from(position).expect("samples of a day are fewer")
}

fn wide(position: u32) -> usize {
    usize::try_from(position).expect("positions fit in memory")
}
