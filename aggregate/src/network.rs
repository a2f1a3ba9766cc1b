//! Bytes: from cumulative counters to records, each byte billed once.
//!
//! A series is a counter that goes on from sample to sample. The usage between
//! two consecutive samples is their difference and belongs to the period of the
//! later one; a smaller value means the counter restarted and is itself the
//! usage; the first sample of a series is its baseline.
//!
//! What has been billed is remembered per series and period
//! ([`BilledCounter`]), so a run bills exactly the growth since the last one,
//! whatever arrives late:
//!
//! - a *scheduled* run bills all growth in the last period it publishes. If a
//!   series has an unbilled sample at or before the start of that period, its
//!   growth becomes a *folded* record that starts at the earliest such sample
//!   (the guide's network exception, 8.4);
//! - a *back-fill* bills each period what its own samples say, and never folds.
//!   Where that would touch what is already billed in a period it may not
//!   recompute, the series waits for the next scheduled run instead.
//!
//! Example: samples 0 at 00:00, 100 at 12:00, 40 at 18:00 (restarted) on one day
//! and 50 on the next at 06:00 give 140 bytes and then 10.
//!
//! # Source
//! Usage rules 5 and 6; guide 8.4.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cloudtally_model::{
    AccountId, Calendar, Instant, Millis, NetworkId, NetworkSample, NicId, Period, ResourceId,
    SeriesKey, SourceId, Text, UsageRecord, UsageTypeId, ZoneId,
};
use cloudtally_store::{BilledCounter, PublishedPeriod, SampleFile, Snapshot, Store};

use crate::AggregateError;

/// The bill of the network samples of a run.
pub(crate) struct NetworkBill {
    periods: Vec<Period>,
    series: Vec<Series>,
    /// What to do with each period that needs anything done, by index.
    touched: BTreeSet<usize>,
    /// Set where every sample of the period is billed once the run is published.
    samples_seq: BTreeMap<usize, Option<u64>>,
    /// The period that all growth goes into, in a scheduled run.
    into: Option<usize>,
}

/// One counter and what it gives in each period.
struct Series {
    source: SourceId,
    key: SeriesKey,
    /// The sample before the first period of the bill.
    before: Option<Reading>,
    entries: Vec<Entry>,
    /// The unseen sample at the start of the first period there is.
    unseen_before: Option<Instant>,
    /// Growth that goes into one record of this period, from that instant.
    folded: Option<Folded>,
}

struct Folded {
    into: usize,
    from: Instant,
    bytes: Bytes,
}

#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    bytes: Bytes,
}

/// Bytes sent and received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bytes {
    sent: u64,
    received: u64,
}

impl Bytes {
    fn checked_add(self, other: Self) -> Result<Self, AggregateError> {
        let add = |a: u64, b: u64| {
            a.checked_add(b)
                .ok_or(AggregateError::BytesOverflow { sum: i128::from(a) + i128::from(b) })
        };
        Ok(Self {
            sent: add(self.sent, other.sent)?,
            received: add(self.received, other.received)?,
        })
    }
}

/// What one series has in one period.
struct Entry {
    period: usize,
    /// By the samples as they are now.
    usage: Bytes,
    /// Billed so far, in whatever record.
    billed: Bytes,
    /// Billed in the period's own ordinary record.
    own: Bytes,
    folded_from: Option<Instant>,
    /// The earliest of its samples that the period has not seen.
    unseen_from: Option<Instant>,
    /// Whether the period's counters tell of this series.
    is_recalled: bool,
    last: Reading,
}

impl Entry {
    fn new(period: usize, last: Reading) -> Self {
        Self {
            period,
            usage: Bytes::default(),
            billed: Bytes::default(),
            own: Bytes::default(),
            folded_from: None,
            unseen_from: None,
            is_recalled: false,
            last,
        }
    }
}

/// The consistent view a bill is made from.
pub(crate) struct NetworkBiller<'a> {
    pub(crate) store: &'a Store,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) calendar: Calendar,
}

/// What counts of samples in periods that are neither published nor about to be:
/// a back-fill ran ahead of the schedule and left a gap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// They are there: a back-fill bills each period its own differences.
    Seen,
    /// They are not there yet: a scheduled run bills what it can remember.
    Unseen,
}

/// Which published periods a back-fill may recompute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// Leave them.
    Keep,
    /// Recompute those of the run.
    Recompute,
}

impl<'a> NetworkBiller<'a> {
    /// Bills a scheduled run that newly publishes `targets` (in order).
    pub(crate) fn scheduled(&self, targets: &[Period]) -> Result<NetworkBill, AggregateError> {
        let Some(last) = targets.last() else { return Ok(NetworkBill::nothing()) };
        let mut bill = self.replay(targets, Gaps::Unseen)?;
        let Some(into) = bill.index_of(*last) else { return Ok(bill) };
        // What a back-fill has published right behind it is settled as well. Beyond a
        // gap everything waits until the gap is published: only over a stretch
        // without gaps is it certain that late samples add and never take away.
        let published: BTreeSet<Instant> =
            self.snapshot.periods.iter().map(|p| p.period.start).collect();
        let ahead = bill.periods[into + 1..].iter();
        let ahead = ahead.take_while(|period| published.contains(&period.start)).count();
        let through = into + ahead;
        let is_billed = |entry: &Entry| entry.period <= through;
        for series in &mut bill.series {
            let unseen = series.entries.iter().filter(|entry| is_billed(entry));
            let unseen = unseen.filter_map(|entry| entry.unseen_from);
            let unseen = series.unseen_before.into_iter().chain(unseen).min();
            let Some(unbilled_from) = unseen else { continue };
            let growth = growth(series.entries.iter().filter(|entry| is_billed(entry)))?;
            if unbilled_from >= last.start {
                // Where the sample is stamped exactly at the start, a folded record
                // would start there too: it is the ordinary one.
                if growth != Bytes::default() {
                    series.entry(into).own = growth;
                }
            } else {
                series.folded = Some(Folded { into, from: unbilled_from, bytes: growth });
                for entry in &mut series.entries {
                    if bill.periods[entry.period].end > unbilled_from && entry.period <= into {
                        let earlier = entry.folded_from.unwrap_or(unbilled_from);
                        entry.folded_from = Some(earlier.min(unbilled_from));
                    }
                }
            }
            for entry in series.entries.iter_mut().filter(|entry| is_billed(entry)) {
                entry.billed = entry.usage;
            }
        }
        // Every period up to there now has its samples billed.
        bill.touched = (0..bill.periods.len()).collect();
        let seq = Some(self.snapshot.samples_seq());
        bill.samples_seq = (0..=through).map(|index| (index, seq)).collect();
        bill.into = Some(into);
        Ok(bill)
    }

    /// Bills a back-fill of `targets` (in order).
    pub(crate) fn back_fill(
        &self,
        targets: &[Period],
        published: Published,
    ) -> Result<NetworkBill, AggregateError> {
        let mut bill = self.replay(targets, Gaps::Seen)?;
        let by_start: HashMap<Instant, &PublishedPeriod> =
            self.snapshot.periods.iter().map(|p| (p.period.start, p)).collect();
        let target: BTreeSet<Instant> = targets.iter().map(|period| period.start).collect();
        let mut waiting = BTreeSet::new();
        for series in &mut bill.series {
            let may_bill = |entry: &Entry| {
                let start = bill.periods[entry.period].start;
                let plain = entry.folded_from.is_none() && entry.own == entry.billed;
                let recompute = published == Published::Recompute && plain;
                target.contains(&start) && (recompute || !by_start.contains_key(&start))
            };
            let unbilled = |entry: &Entry| entry.usage != entry.billed;
            let is_gap = |entry: &Entry| {
                let start = bill.periods[entry.period].start;
                !target.contains(&start) && !by_start.contains_key(&start)
            };
            let clean = series.entries.iter().all(|e| !unbilled(e) || may_bill(e) || is_gap(e));
            if !clean && series.unseen_before.is_some() {
                waiting.insert(0);
            }
            for entry in &mut series.entries {
                if clean && unbilled(entry) && may_bill(entry) {
                    (entry.own, entry.billed) = (entry.usage, entry.usage);
                }
                // A late sample may change nothing in its own period and all in the
                // next (a counter that restarted), so it waits as well.
                if !clean && (unbilled(entry) || entry.unseen_from.is_some()) {
                    waiting.insert(entry.period);
                }
            }
        }
        let seq = self.snapshot.samples_seq();
        for (index, period) in bill.periods.iter().enumerate() {
            if !target.contains(&period.start) {
                continue;
            }
            let before = by_start.get(&period.start).map(|p| p.inputs.samples_seq);
            let samples_seq = match before {
                _ if !waiting.contains(&index) => Some(seq),
                Some(before) => before,
                None => None,
            };
            bill.touched.insert(index);
            bill.samples_seq.insert(index, samples_seq);
        }
        Ok(bill)
    }

    /// Reads the samples from the earliest period that needs billing on and says
    /// what each period has by now and what of it is billed.
    fn replay(&self, targets: &[Period], gaps: Gaps) -> Result<NetworkBill, AggregateError> {
        let published: BTreeMap<Instant, &PublishedPeriod> =
            self.snapshot.periods.iter().map(|p| (p.period.start, p)).collect();
        let files: Vec<&SampleFile> = self.snapshot.sample_files.iter().collect();
        // The first period answers for samples at its start too: the period that ends
        // there is none of ours.
        let known = published.values().map(|p| p.period.start);
        let origin = targets.iter().map(|period| period.start).chain(known).min();
        let has_samples = |period: Period, after_seq: Option<u64>| {
            let after =
                if Some(period.start) == origin { period.start - Millis(1) } else { period.start };
            files.iter().any(|file| {
                after_seq.is_none_or(|seq| file.seq > seq)
                    && file.first_sampled <= period.end
                    && file.last_sampled > after
            })
        };
        let late = published
            .values()
            .filter(|p| has_samples(p.period, p.inputs.samples_seq))
            .map(|p| p.period);
        let first = targets.iter().copied().chain(late).map(|period| period.start).min();
        let Some(first) = first else { return Ok(NetworkBill::nothing()) };
        // What every series last said before that: the state of the latest
        // period whose samples are billed, and whatever came in between.
        let state = published
            .values()
            .rev()
            .find(|p| p.period.end <= first && p.inputs.samples_seq.is_some());
        let from = state.map_or(Instant::EPOCH, |p| p.period.end);
        let end = targets
            .iter()
            .chain(published.values().map(|p| &p.period))
            .map(|period| period.end)
            .max()
            .expect("there is a target");
        let periods: Vec<Period> = self.calendar.complete_periods(first, end).collect();

        let is_seen = |period: &Period| {
            gaps == Gaps::Seen || published.contains_key(&period.start) || targets.contains(period)
        };
        let mut replay = Replay {
            periods: &periods,
            seen: periods.iter().map(is_seen).collect(),
            origin,
            by_key: HashMap::new(),
            series: Vec::new(),
        };
        if let Some(state) = state {
            for counter in self.store.read_counters(state, &self.snapshot.sources)? {
                // Not what was billed here for a period ahead.
                if counter.last_sampled <= state.period.end {
                    replay.remember(counter);
                }
            }
        }
        let billed_through = |at: Instant| {
            let period = match origin {
                Some(start) if start == at => self.calendar.period_at(at),
                _ => self.calendar.period_ending_at_or_after(at),
            };
            published.get(&period.start).and_then(|p| p.inputs.samples_seq)
        };
        // A day of the lake at a time keeps memory to a day's samples.
        let mut days: BTreeMap<i64, Vec<&SampleFile>> = BTreeMap::new();
        for file in files.iter().filter(|f| f.last_sampled > from && f.first_sampled <= end) {
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
            replay.add_day(samples, &billed_through)?;
        }
        for (index, period) in periods.iter().enumerate() {
            if let Some(known) = published.get(&period.start) {
                for counter in self.store.read_counters(known, &self.snapshot.sources)? {
                    replay.recall(index, &counter);
                }
            }
        }
        // A back-fill that left one series of a new period waiting says of none of its
        // samples that they are billed; the period's counters know of the others.
        let is_half_billed = |index: usize| {
            published.get(&periods[index].start).is_some_and(|p| p.inputs.samples_seq.is_none())
        };
        let mut series = replay.series;
        for entry in series.iter_mut().flat_map(|series| &mut series.entries) {
            let is_billed = entry.is_recalled && entry.billed == entry.usage;
            if is_billed && is_half_billed(entry.period) {
                entry.unseen_from = None;
            }
        }
        series.sort_unstable_by(|a, b| (a.source, &a.key).cmp(&(b.source, &b.key)));
        Ok(NetworkBill { periods, series, ..NetworkBill::nothing() })
    }
}

/// Usage less what is billed, over all these periods. The law of growth says that it
/// cannot be negative: another sample can only add to the sum of differences.
fn growth<'e>(entries: impl Iterator<Item = &'e Entry>) -> Result<Bytes, AggregateError> {
    let mut sent = 0i128;
    let mut received = 0i128;
    for entry in entries {
        sent += i128::from(entry.usage.sent) - i128::from(entry.billed.sent);
        received += i128::from(entry.usage.received) - i128::from(entry.billed.received);
    }
    let bytes = |sum: i128| u64::try_from(sum).map_err(|_| AggregateError::BytesOverflow { sum });
    Ok(Bytes { sent: bytes(sent)?, received: bytes(received)? })
}

struct Replay<'a> {
    periods: &'a [Period],
    /// Of each period, whether its samples count.
    seen: Vec<bool>,
    /// Start of the first period there is.
    origin: Option<Instant>,
    by_key: HashMap<(SourceId, SeriesKey), usize>,
    series: Vec<Series>,
}

impl Replay<'_> {
    fn series(&mut self, source: SourceId, key: &SeriesKey) -> usize {
        if let Some(&index) = self.by_key.get(&(source, key.clone())) {
            return index;
        }
        self.series.push(Series {
            source,
            key: key.clone(),
            before: None,
            entries: Vec::new(),
            unseen_before: None,
            folded: None,
        });
        self.by_key.insert((source, key.clone()), self.series.len() - 1);
        self.series.len() - 1
    }

    /// Takes over what a series last said.
    fn remember(&mut self, counter: BilledCounter) {
        let index = self.series(counter.source, &counter.series);
        self.series[index].before = Some(Reading {
            at: counter.last_sampled,
            bytes: Bytes { sent: counter.last_sent, received: counter.last_received },
        });
    }

    /// Takes over what is billed of a series in a period.
    fn recall(&mut self, period: usize, counter: &BilledCounter) {
        let index = self.series(counter.source, &counter.series);
        let series = &mut self.series[index];
        let billed = Bytes { sent: counter.sent, received: counter.received };
        let own = Bytes { sent: counter.own_sent, received: counter.own_received };
        // A period without a sample of its own has nothing billed, but its record may
        // hold what was late for the one before.
        let has_entry = series.entries.iter().any(|entry| entry.period == period);
        if has_entry || own != Bytes::default() {
            let sampled = Bytes { sent: counter.last_sent, received: counter.last_received };
            let entry =
                series.entry_or(period, Reading { at: counter.last_sampled, bytes: sampled });
            (entry.billed, entry.own, entry.is_recalled) = (billed, own, true);
            entry.folded_from = counter.folded_from;
        }
    }

    fn add_day(
        &mut self,
        samples: Vec<(SourceId, NetworkSample, u64)>,
        billed_through: &dyn Fn(Instant) -> Option<u64>,
    ) -> Result<(), AggregateError> {
        let mut numbered: Vec<(usize, Instant, Bytes, u64)> = Vec::with_capacity(samples.len());
        for (source, sample, seq) in samples {
            let series = self.series(source, &sample.series);
            let bytes = Bytes { sent: sample.bytes_sent, received: sample.bytes_received };
            numbered.push((series, sample.sampled, bytes, seq));
        }
        numbered.sort_unstable_by_key(|(series, at, _, seq)| (*series, *at, *seq));
        let mut asked = (Instant::EPOCH, None);
        for (series, at, bytes, seq) in numbered {
            // Samples of all series share instants; ask once for each run of them.
            if asked.0 != at {
                asked = (at, billed_through(at));
            }
            let unbilled = asked.1.is_none_or(|through| seq > through);
            let reading = Reading { at, bytes };
            self.series[series].add(reading, unbilled, self.periods, &self.seen, self.origin)?;
        }
        Ok(())
    }
}

impl Series {
    fn add(
        &mut self,
        reading: Reading,
        unbilled: bool,
        periods: &[Period],
        seen: &[bool],
        origin: Option<Instant>,
    ) -> Result<(), AggregateError> {
        let previous = self.entries.last().map(|entry| entry.last).or(self.before);
        let period = periods.partition_point(|period| period.end < reading.at);
        let inside = periods.get(period).is_some_and(|period| reading.at > period.start);
        if !inside {
            // Before the first period: only what the series last said matters.
            self.before = Some(reading);
            if unbilled && origin == Some(reading.at) {
                self.unseen_before = Some(reading.at);
            }
            return Ok(());
        }
        if !seen[period] {
            return Ok(());
        }
        let since = |now: u64, before: u64| if now < before { now } else { now - before };
        let usage = previous.map_or_else(Bytes::default, |previous| Bytes {
            sent: since(reading.bytes.sent, previous.bytes.sent),
            received: since(reading.bytes.received, previous.bytes.received),
        });
        if self.entries.last().is_none_or(|entry| entry.period != period) {
            self.entries.push(Entry::new(period, reading));
        }
        if let Some(entry) = self.entries.last_mut() {
            entry.usage = entry.usage.checked_add(usage)?;
            entry.last = reading;
            if unbilled {
                entry.unseen_from.get_or_insert(reading.at);
            }
        }
        Ok(())
    }

    /// The entry of a period, made if the series has no sample in it.
    fn entry(&mut self, period: usize) -> &mut Entry {
        let at = self.entries.partition_point(|entry| entry.period < period);
        let previous = at.checked_sub(1).map(|at| self.entries[at].last).or(self.before);
        // Late samples of a period ahead may be the first of their series.
        let later = || self.entries.get(at).map(|entry| entry.last);
        let last = previous.or_else(later).expect("a series has samples");
        self.entry_or(period, last)
    }

    fn entry_or(&mut self, period: usize, last: Reading) -> &mut Entry {
        let at = self.entries.partition_point(|entry| entry.period < period);
        if self.entries.get(at).is_none_or(|entry| entry.period != period) {
            self.entries.insert(at, Entry::new(period, last));
        }
        &mut self.entries[at]
    }

    fn row_key(&self, start: Instant) -> RowKey {
        RowKey {
            source: self.source,
            account: self.key.account,
            zone: self.key.zone,
            device_type: self.key.device_type.as_name().into(),
            device: self.key.device,
            network: self.key.network,
            start,
        }
    }
}

/// What tells one row of the bill from another: a series but for its address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    source: SourceId,
    account: AccountId,
    zone: ZoneId,
    device_type: Text,
    device: u64,
    network: NetworkId,
    start: Instant,
}

impl NetworkBill {
    fn nothing() -> Self {
        Self {
            periods: Vec::new(),
            series: Vec::new(),
            touched: BTreeSet::new(),
            samples_seq: BTreeMap::new(),
            into: None,
        }
    }

    /// The period that all growth goes into, in a scheduled run.
    pub(crate) fn into(&self) -> Option<Period> {
        self.into.map(|index| self.periods[index])
    }

    fn index_of(&self, period: Period) -> Option<usize> {
        self.periods.binary_search(&period).ok()
    }

    /// Periods whose counters change, whether or not their records do.
    pub(crate) fn touched(&self) -> impl Iterator<Item = Period> + '_ {
        self.touched.iter().map(|&index| self.periods[index])
    }

    /// Which samples of `period` are billed once the bill is published:
    /// `None` where the bill says nothing of it.
    pub(crate) fn samples_seq(&self, period: Period) -> Option<Option<u64>> {
        self.samples_seq.get(&self.index_of(period)?).copied()
    }

    /// The records of bytes of `period` that this bill makes, sorted: its
    /// ordinary ones and those folded into it. Both directions, or none.
    pub(crate) fn records(&self, period: Period) -> Result<Vec<UsageRecord>, AggregateError> {
        let Some(index) = self.index_of(period) else { return Ok(Vec::new()) };
        let mut rows: BTreeMap<RowKey, Bytes> = BTreeMap::new();
        let mut add = |key: RowKey, bytes: Bytes| -> Result<(), AggregateError> {
            let row = rows.entry(key).or_default();
            *row = row.checked_add(bytes)?;
            Ok(())
        };
        for series in &self.series {
            if let Ok(at) = series.entries.binary_search_by_key(&index, |entry| entry.period) {
                add(series.row_key(period.start), series.entries[at].own)?;
            }
            if let Some(folded) = series.folded.as_ref().filter(|folded| folded.into == index) {
                add(series.row_key(folded.from), folded.bytes)?;
            }
        }
        let mut records = Vec::with_capacity(rows.len() * 2);
        for (key, bytes) in rows {
            if bytes == Bytes::default() {
                continue;
            }
            for (usage_type, quantity) in [
                (UsageTypeId::NETWORK_BYTES_SENT, bytes.sent),
                (UsageTypeId::NETWORK_BYTES_RECEIVED, bytes.received),
            ] {
                records.push(record(&key, usage_type, quantity));
            }
        }
        records.sort_unstable();
        Ok(records)
    }

    /// The state of every series known by the end of `period`.
    pub(crate) fn counters(&self, period: Period) -> Option<Vec<BilledCounter>> {
        let index = self.index_of(period)?;
        let counter = |series: &Series| {
            let upto = series.entries.partition_point(|entry| entry.period <= index);
            let entry = upto.checked_sub(1).map(|at| &series.entries[at]);
            let last = entry.map(|entry| entry.last).or(series.before)?;
            let here = entry.filter(|entry| entry.period == index);
            let billed = here.map_or_else(Bytes::default, |entry| entry.billed);
            let own = here.map_or_else(Bytes::default, |entry| entry.own);
            Some(BilledCounter {
                source: series.source,
                series: series.key.clone(),
                last_sampled: last.at,
                last_sent: last.bytes.sent,
                last_received: last.bytes.received,
                sent: billed.sent,
                received: billed.received,
                own_sent: own.sent,
                own_received: own.received,
                folded_from: here.and_then(|entry| entry.folded_from),
            })
        };
        Some(self.series.iter().filter_map(counter).collect())
    }

    /// How many series went into folded records.
    pub(crate) fn folded_series(&self) -> u64 {
        let folded =
            |series: &&Series| series.folded.as_ref().is_some_and(|f| f.bytes != Bytes::default());
        self.series.iter().filter(folded).count() as u64
    }
}

fn record(key: &RowKey, usage_type: UsageTypeId, quantity: u64) -> UsageRecord {
    UsageRecord {
        source: key.source,
        account: key.account,
        usage_type,
        resource: ResourceId(key.device),
        zone: key.zone,
        nic: NicId(0),
        offering: None,
        template: None,
        size: None,
        network: key.network,
        resource_type: Some(key.device_type.clone()).filter(|name| !name.is_empty()),
        start: key.start,
        virtual_size: None,
        name: None,
        is_source_nat: None,
        is_elastic: None,
        is_default: None,
        quantity,
    }
}
