//! One counter: what it said in each period and what of that is billed.

use std::ops::RangeBounds;

use cloudtally_model::{Instant, SeriesKey, SourceId};
use cloudtally_store::BilledCounter;

use super::Slot;
use crate::AggregateError;

/// Bytes sent and received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) sent: u64,
    pub(super) received: u64,
}

impl Bytes {
    pub(super) fn checked_add(self, other: Self) -> Result<Self, AggregateError> {
        let add = |a: u64, b: u64| {
            a.checked_add(b)
                .ok_or(AggregateError::BytesOverflow { sum: i128::from(a) + i128::from(b) })
        };
        Ok(Self {
            sent: add(self.sent, other.sent)?,
            received: add(self.received, other.received)?,
        })
    }

    /// What a counter counted between saying `earlier` and `self`: a smaller value
    /// means that it restarted.
    fn since(self, earlier: Self) -> Self {
        let since = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        Self {
            sent: since(self.sent, earlier.sent),
            received: since(self.received, earlier.received),
        }
    }
}

/// What a counter said, and when.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) at: Instant,
    pub(super) bytes: Bytes,
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
        let less = |usage: u64, billed: u64| i128::from(usage) - i128::from(billed);
        Self {
            sent: less(entry.usage.sent, entry.billed.sent),
            received: less(entry.usage.received, entry.billed.received),
        }
    }

    /// # Errors
    /// `BytesOverflow` if it does not fit 64 bits.
    pub(super) fn to_bytes(self) -> Result<Bytes, AggregateError> {
        let bytes =
            |sum: i128| u64::try_from(sum).map_err(|_| AggregateError::BytesOverflow { sum });
        Ok(Bytes { sent: bytes(self.sent)?, received: bytes(self.received)? })
    }
}

/// Growth that goes into one record of a period, from an instant.
pub(super) struct Folded {
    /// Index of the period.
    pub(super) into: usize,
    pub(super) from: Instant,
    pub(super) bytes: Bytes,
}

/// What one series has in one period.
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
    /// Whether the period's counters tell of this series.
    is_recalled: bool,
    first_at: Instant,
    last: Reading,
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
        }
    }

    pub(super) fn is_billed(&self) -> bool {
        self.usage == self.billed
    }

    /// Whether all that is billed of it stands in its period's own ordinary record.
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

    /// A sample before the first period of the bill: only the last one matters.
    pub(super) fn add_before(&mut self, reading: Reading) {
        self.before = Some(reading);
    }

    /// A sample of a period of the bill, in order of time.
    pub(super) fn add(
        &mut self,
        period: usize,
        reading: Reading,
    ) -> Result<&mut Entry, AggregateError> {
        let previous = self.entries.last().map(|entry| entry.last).or(self.before);
        let usage = previous.map(|previous| reading.bytes.since(previous.bytes));
        let entry = self.entry_or(period, reading);
        entry.usage = entry.usage.checked_add(usage.unwrap_or_default())?;
        entry.last = reading;
        Ok(entry)
    }

    /// Takes over what is billed in a period.
    pub(super) fn recall(&mut self, period: usize, counter: &BilledCounter) {
        let billed = Bytes { sent: counter.sent, received: counter.received };
        let own = Bytes { sent: counter.own_sent, received: counter.own_received };
        // A period without a sample of its own has nothing billed, but its record may
        // hold what was late for the one before.
        let has_entry = self.entries.iter().any(|entry| entry.period == period);
        if has_entry || own != Bytes::default() {
            let entry = self.entry_or(period, last_said(counter));
            (entry.billed, entry.own, entry.is_recalled) = (billed, own, true);
            entry.folded_from = counter.folded_from;
        }
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

    /// The state at the end of a period; `None` if the series is not known by then.
    pub(super) fn counter(&self, period: usize) -> Option<BilledCounter> {
        let upto = self.entries.partition_point(|entry| entry.period <= period);
        let entry = upto.checked_sub(1).map(|at| &self.entries[at]);
        let last = entry.map(|entry| entry.last).or(self.before)?;
        let here = entry.filter(|entry| entry.period == period);
        let billed = here.map_or_else(Bytes::default, |entry| entry.billed);
        let own = here.map_or_else(Bytes::default, |entry| entry.own);
        Some(BilledCounter {
            source: self.source,
            series: self.key.clone(),
            last_sampled: last.at,
            last_sent: last.bytes.sent,
            last_received: last.bytes.received,
            sent: billed.sent,
            received: billed.received,
            own_sent: own.sent,
            own_received: own.received,
            folded_from: here.and_then(|entry| entry.folded_from),
        })
    }
}

fn last_said(counter: &BilledCounter) -> Reading {
    let bytes = Bytes { sent: counter.last_sent, received: counter.last_received };
    Reading { at: counter.last_sampled, bytes }
}
