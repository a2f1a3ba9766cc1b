//! One counter: what it said in each period and what of that is billed.

use std::ops::RangeBounds;

use cloudtally_model::{Instant, NetworkSample, SeriesKey, SourceId};
use cloudtally_store::BilledCounter;

use super::slot::Slot;

/// The most bytes that a record can say.
const RECORD_BYTES_MAX: u128 = i64::MAX.unsigned_abs() as u128;

/// Bytes sent and received. Sums of 64-bit counters cannot overflow these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) sent: u128,
    pub(super) received: u128,
}

impl Bytes {
    pub(super) fn new(sent: u64, received: u64) -> Self {
        Self { sent: sent.into(), received: received.into() }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { sent: self.sent + other.sent, received: self.received + other.received }
    }

    /// True if each direction fits a record.
    pub(super) fn fits(self) -> bool {
        self.most() <= RECORD_BYTES_MAX
    }

    /// The direction with more.
    fn most(self) -> u128 {
        self.sent.max(self.received)
    }

    /// The bytes counted between the readings `earlier` and `self`: a smaller value
    /// means that it restarted.
    fn since(self, earlier: Self) -> Self {
        let since = |now: u128, before: u128| now.checked_sub(before).unwrap_or(now);
        Self {
            sent: since(self.sent, earlier.sent),
            received: since(self.received, earlier.received),
        }
    }
}

/// A reading of a counter, with its instant.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) at: Instant,
    pub(super) bytes: Bytes,
    /// True if it is known to have begun anew since the reading before.
    restarted: bool,
    /// True if it says nothing, unless it is the first of its series.
    is_blank: bool,
}

impl Reading {
    pub(super) fn new(at: Instant, (sent, received): (u64, u64), restarted: bool) -> Self {
        let is_blank = NetworkSample::says_nothing((sent, received), restarted);
        Self { at, bytes: Bytes::new(sent, received), restarted, is_blank }
    }

    /// The bytes since the reading before.
    fn since(self, previous: Option<Self>) -> Bytes {
        match previous {
            // The first reading of a series is its baseline.
            None => Bytes::default(),
            Some(_) if self.restarted => self.bytes,
            Some(previous) => self.bytes.since(previous.bytes),
        }
    }
}

/// Consecutive readings, and the bytes between them.
#[derive(Clone, Copy)]
struct Step {
    from: Instant,
    to: Instant,
    bytes: Bytes,
}

/// Usage less what is billed: negative where more is billed.
#[derive(Clone, Copy, Default)]
pub(super) struct Growth {
    sent: i128,
    received: i128,
}

impl Growth {
    pub(super) fn is_negative(self) -> bool {
        self.sent < 0 || self.received < 0
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { sent: self.sent + other.sent, received: self.received + other.received }
    }

    fn of(entry: &Entry) -> Self {
        let less = |usage: u128, billed: u128| usage.cast_signed() - billed.cast_signed();
        Self {
            sent: less(entry.usage.sent, entry.billed.sent),
            received: less(entry.usage.received, entry.billed.received),
        }
    }

    /// The bytes, if they are not negative and fit a record.
    pub(super) fn to_bytes(self) -> Option<Bytes> {
        let bytes = |sum: i128| u128::try_from(sum).ok();
        let bytes = Bytes { sent: bytes(self.sent)?, received: bytes(self.received)? };
        Some(bytes).filter(|bytes| bytes.fits())
    }
}

/// Growth that goes into one record of a period, from an instant.
pub(super) struct Folded {
    /// Index of the period.
    pub(super) into: usize,
    pub(super) from: Instant,
    pub(super) bytes: Bytes,
}

/// The bytes of one series in one period.
pub(super) struct Entry {
    /// Index of the period.
    pub(super) period: usize,
    /// By the samples as they are now.
    pub(super) usage: Bytes,
    /// Billed so far, in whatever record.
    pub(super) billed: Bytes,
    /// Billed in the period's own ordinary record.
    pub(super) own: Bytes,
    /// Start of the folded record that covers this period, if one does.
    pub(super) folded_from: Option<Instant>,
    /// The earliest of its samples that the period has not seen.
    pub(super) unseen_from: Option<Instant>,
    /// True if the period's counters tell of this series.
    is_recalled: bool,
    first_at: Instant,
    last: Reading,
    /// The readings of this period with the most bytes between them.
    largest: Option<Step>,
}

impl Entry {
    fn new(period: usize, reading: Reading) -> Self {
        Self {
            period,
            usage: Bytes::default(),
            billed: Bytes::default(),
            own: Bytes::default(),
            folded_from: None,
            unseen_from: None,
            is_recalled: false,
            first_at: reading.at,
            last: reading,
            largest: None,
        }
    }

    pub(super) fn is_billed(&self) -> bool {
        self.usage == self.billed
    }

    /// Tells whether all that is billed of it stands in its period's own ordinary record.
    pub(super) fn is_plain(&self) -> bool {
        self.folded_from.is_none() && self.own == self.billed
    }
}

/// One counter and what it gives in each period of the bill.
pub(super) struct Series {
    pub(super) source: SourceId,
    pub(super) key: SeriesKey,
    /// The sample before the first period of the bill.
    before: Option<Reading>,
    /// In order of periods, those with samples or a bill.
    pub(super) entries: Vec<Entry>,
    /// The unseen sample at the start of the first period there is.
    pub(super) unseen_before: Option<Instant>,
    pub(super) folded: Option<Folded>,
}

impl Series {
    pub(super) fn new(source: SourceId, key: SeriesKey) -> Self {
        Self { source, key, before: None, entries: Vec::new(), unseen_before: None, folded: None }
    }

    /// Takes over what the series last said before the bill.
    pub(super) fn remember(&mut self, counter: &BilledCounter) {
        self.before = Some(last_said(counter));
    }

    /// Tells whether all that it is worth in each period is billed and seen.
    pub(super) fn is_settled(&self) -> bool {
        let is_settled = |entry: &Entry| entry.is_billed() && entry.unseen_from.is_none();
        self.unseen_before.is_none() && self.entries.iter().all(is_settled)
    }

    /// Tells whether the next reading is no sample of the series: a poll that failed.
    pub(super) fn skips(&self, reading: Reading) -> bool {
        reading.is_blank && self.latest().is_some()
    }

    fn latest(&self) -> Option<Reading> {
        self.entries.last().map(|entry| entry.last).or(self.before)
    }

    /// A sample before the first period of the bill: only the last one matters.
    pub(super) fn add_before(&mut self, reading: Reading) {
        self.before = Some(reading);
    }

    /// A sample of a period of the bill, in order of time.
    pub(super) fn add(&mut self, period: usize, reading: Reading) -> &mut Entry {
        let previous = self.latest();
        let bytes = reading.since(previous);
        let step =
            Step { from: previous.map_or(reading.at, |from| from.at), to: reading.at, bytes };
        let entry = self.entry_or(period, reading);
        entry.usage = entry.usage.plus(bytes);
        entry.last = reading;
        if entry.largest.is_none_or(|largest| largest.bytes.most() < bytes.most()) {
            entry.largest = Some(step);
        }
        entry
    }

    /// The readings with the most bytes between them, in periods whose bytes do not fit
    /// a record if there are such, else in those that are not billed.
    pub(super) fn largest_step(&self) -> (Instant, Instant) {
        let is_suspect = |of: fn(&Entry) -> bool| self.entries.iter().any(of);
        let too_large: fn(&Entry) -> bool = |entry| !entry.usage.fits();
        let unbilled: fn(&Entry) -> bool = |entry| !entry.is_billed();
        let wanted = if is_suspect(too_large) { too_large } else { unbilled };
        let steps = self.entries.iter().filter(|e| wanted(e)).filter_map(|e| e.largest);
        let largest = steps.max_by_key(|step| (step.bytes.most(), step.to));
        largest.map_or((Instant::EPOCH, Instant::EPOCH), |step| (step.from, step.to))
    }

    /// Tells whether what each period is worth fits a record, in periods up to `through` but gaps.
    pub(super) fn fits_through(&self, slots: &[Slot], through: usize) -> bool {
        let counts = |e: &&Entry| e.period <= through && !slots[e.period].is_gap();
        self.entries.iter().filter(counts).all(|entry| entry.is_billed() || entry.usage.fits())
    }

    /// Takes over what is billed in a period.
    pub(super) fn recall(&mut self, period: usize, counter: &BilledCounter) {
        let billed = Bytes::new(counter.sent, counter.received);
        let own = Bytes::new(counter.own_sent, counter.own_received);
        // A period without a sample of its own has nothing billed, but its record may
        // hold what was late for the one before.
        let has_entry = self.entries.iter().any(|entry| entry.period == period);
        if has_entry || own != Bytes::default() {
            let entry = self.entry_or(period, last_said(counter));
            (entry.billed, entry.own, entry.is_recalled) = (billed, own, true);
            entry.folded_from = counter.folded_from;
        }
    }

    /// The bytes that it puts into records of a period: its own, and what is folded into it.
    pub(super) fn bytes_in(&self, period: usize) -> Bytes {
        let own = self.entries.binary_search_by_key(&period, |entry| entry.period);
        let own = own.map_or_else(|_| Bytes::default(), |at| self.entries[at].own);
        let folded = self.folded.as_ref().filter(|folded| folded.into == period);
        own.plus(folded.map_or_else(Bytes::default, |folded| folded.bytes))
    }

    /// Usage less what is billed, over those periods but gaps.
    pub(super) fn growth(&self, slots: &[Slot], periods: impl RangeBounds<usize>) -> Growth {
        let counts = |e: &&Entry| periods.contains(&e.period) && !slots[e.period].is_gap();
        self.entries.iter().filter(counts).map(Growth::of).fold(Growth::default(), Growth::plus)
    }

    /// The earliest sample, but in a gap, that waits to be billed in a period up to
    /// `into`; `None` if the bill is complete there.
    pub(super) fn unbilled_from(&self, slots: &[Slot], into: usize) -> Option<Instant> {
        let counts = |entry: &&Entry| entry.period <= into && !slots[entry.period].is_gap();
        let entries = || self.entries.iter().filter(counts);
        // A period in which another series waits says of none of its samples that they
        // are billed; its counters know better.
        let is_known = |entry: &Entry| {
            slots[entry.period].is_half_billed() && entry.is_recalled && entry.is_billed()
        };
        let unseen = entries().filter(|entry| !is_known(entry)).filter_map(|e| e.unseen_from);
        let earliest = self.unseen_before.into_iter().chain(unseen).min();
        earliest.or_else(|| entries().find(|entry| !entry.is_billed()).map(|entry| entry.first_at))
    }

    /// Takes growth into one record, and marks the periods that it covers.
    pub(super) fn fold(&mut self, folded: Folded, slots: &[Slot]) {
        for entry in &mut self.entries {
            if slots[entry.period].period.end > folded.from && entry.period <= folded.into {
                let earlier = entry.folded_from.unwrap_or(folded.from);
                entry.folded_from = Some(earlier.min(folded.from));
            }
        }
        self.folded = Some(folded);
    }

    /// All that it is worth up to that period is billed now.
    pub(super) fn bill_through(&mut self, slots: &[Slot], period: usize) {
        let counts = |e: &&mut Entry| e.period <= period && !slots[e.period].is_gap();
        for entry in self.entries.iter_mut().filter(counts) {
            (entry.billed, entry.unseen_from) = (entry.usage, None);
        }
        self.unseen_before = None;
    }

    /// The periods that have something of it to bill, or to say that it is seen.
    pub(super) fn waiting(&self) -> impl Iterator<Item = usize> {
        let waits = |entry: &&Entry| !entry.is_billed() || entry.unseen_from.is_some();
        let entries = self.entries.iter().filter(waits).map(|entry| entry.period);
        entries.chain(self.unseen_before.map(|_| 0))
    }

    /// The entry of a period, made if the series has no sample in it.
    pub(super) fn entry(&mut self, period: usize) -> &mut Entry {
        let at = self.entries.partition_point(|entry| entry.period < period);
        let previous = at.checked_sub(1).map(|at| self.entries[at].last).or(self.before);
        // Late samples of a period ahead may be the first of their series.
        let later = || self.entries.get(at).map(|entry| entry.last);
        let reading = previous.or_else(later).expect("a series has samples");
        self.entry_or(period, reading)
    }

    fn entry_or(&mut self, period: usize, reading: Reading) -> &mut Entry {
        let at = self.entries.partition_point(|entry| entry.period < period);
        if self.entries.get(at).is_none_or(|entry| entry.period != period) {
            self.entries.insert(at, Entry::new(period, reading));
        }
        &mut self.entries[at]
    }

    /// Indexes of the periods that have something of it.
    pub(super) fn busy(&self) -> impl Iterator<Item = usize> + '_ {
        let entries = self.entries.iter().map(|entry| entry.period);
        let folded = self.folded.as_ref().map(|folded| folded.into);
        entries.chain(folded).chain(self.unseen_before.map(|_| 0))
    }

    /// The state at the end of a period: of the first `through` slots, the last of which
    /// is `here` if the period is one. `None` if the series is not known by then.
    pub(super) fn counter(&self, through: usize, here: Option<usize>) -> Option<BilledCounter> {
        let upto = self.entries.partition_point(|entry| entry.period < through);
        let entry = upto.checked_sub(1).map(|at| &self.entries[at]);
        let last = entry.map(|entry| entry.last).or(self.before)?;
        let here = entry.filter(|entry| Some(entry.period) == here);
        let billed = here.map_or_else(Bytes::default, |entry| entry.billed);
        let own = here.map_or_else(Bytes::default, |entry| entry.own);
        // Readings are 64 bits wide, and what does not fit waits to be billed.
        let narrow = |bytes: u128| u64::try_from(bytes).expect("bytes that are billed fit");
        Some(BilledCounter {
            source: self.source,
            series: self.key.clone(),
            last_sampled: last.at,
            last_sent: narrow(last.bytes.sent),
            last_received: narrow(last.bytes.received),
            sent: narrow(billed.sent),
            received: narrow(billed.received),
            own_sent: narrow(own.sent),
            own_received: narrow(own.received),
            folded_from: here.and_then(|entry| entry.folded_from),
        })
    }
}

fn last_said(counter: &BilledCounter) -> Reading {
    let bytes = Bytes::new(counter.last_sent, counter.last_received);
    Reading { at: counter.last_sampled, bytes, restarted: false, is_blank: false }
}
