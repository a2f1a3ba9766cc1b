//! Bytes: from cumulative counters to records, each byte billed once.
//!
//! A series is a counter that goes on from sample to sample. The usage between
//! two consecutive samples is their difference and belongs to the period of the
//! later one; a smaller value means the counter restarted and is itself the
//! usage; the first sample of a series is its baseline. A later reading of 0 in both
//! directions is a poll that failed and is passed over, unless it says that it restarted.
//!
//! Example: samples 0 at 00:00, 100 at 12:00, 40 at 18:00 (restarted) on one day
//! and 50 on the next at 06:00 give 140 bytes and then 10.
//!
//! Billed bytes are remembered per series and period
//! ([`BilledCounter`]). A run looks at all samples there are: in published
//! periods, in its *targets*, which it publishes, and in *gaps*, which are neither
//! (a back-fill went ahead of the schedule). It *bills* a series, or the series
//! *waits* for a later scheduled run and nothing of it changes:
//!
//! - A *scheduled* run puts the growth of all periods up to the last that it
//!   publishes into that one, folded if a sample is late ("all its growth goes into
//!   one record of that last period", the guide's network exception). What is late
//!   for a period ahead waits for a run that ends behind it. But a sample in a gap
//!   or before it may take from a period ahead what another gets: where more is
//!   billed ahead than that is worth by now, the growth ahead counts in. Then the
//!   sum may be negative, as the gap that gets the bytes is not published yet:
//!   the series waits.
//! - A *back-fill* "computes each period as if the job had run on time, so it never
//!   folds": what a target is worth, seen from the samples of a gap before it too,
//!   stands in its own record. The series waits if a published period that is not
//!   a target, may not be recomputed or is part of a folded span would have to change.
//!
//! # Why nothing is lost and nothing billed twice
//!
//! A period is *worth* the usage of its samples, by all samples there are now. For
//! one series let `total` be the worth of all periods. It never shrinks: a sample
//! more, anywhere in the order, adds or changes nothing (from `a` to `c` by way of
//! `b` a counter counts at least what it does from `a` to `c`), but for one: a sample
//! before a first one of 0 and 0 makes that a failed poll. The series waits then until it
//! is worth more than is billed.
//!
//! 1. *Never is more billed than `total`.* A run that bills the series leaves as
//!    billed at most what the published periods are worth: a back-fill and a run that
//!    counts in what is ahead just that, another scheduled run no more than that
//!    ahead and just that before. The rest of `total`, in gaps and in the future, is
//!    not negative. A run in which the series waits bills nothing, and new samples
//!    only raise `total`.
//! 2. *In the end all is billed.* A scheduled run publishes every period up to
//!    now, so what it leaves as gaps lies behind it. The first one behind which nothing
//!    is published and no sample lies finds a growth that is `total` less what is
//!    billed, not negative by 1: the series does not wait and `total` is billed.
//! 3. *A run may leave out settled periods* (module `replay`), and a rebuild of settled
//!    ones what lies ahead of them: published without a gap, and each has seen every
//!    sample up to its end. A run says of a period
//!    that it has seen its samples only if each series has billed there what it is
//!    worth; and as long as nothing is accepted up to its end, it is worth the same.
//!
//! A series waits, too, if its bytes of a period or of a row do not fit a record
//! (module `oversized`): it bills nothing, like any that waits, and the others go on.
//!
//! This is about whole runs, so what takes bytes of one published period to
//! another is published in one transaction: what a scheduled bill changes
//! elsewhere, and all of a rebuild that changes what is billed already
//! ([`NetworkBill::is_whole`]). A back-fill that only adds need not be: each of
//! its periods has its own bytes.
//!
//! # Source
//! Usage rules 5 and 6; guide 8.4.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{Instant, Period, SeriesKey, SourceId, UsageRecord, UsageTypeId};
use cloudtally_store::{BilledCounter, SeenSamples};

use crate::{
    AggregateError,
    sheet::{BothWays, ByteSums},
};

mod dropped; // samples taken out
mod oversized; // series whose bytes do not fit a record
mod replay; // what each series has and what of it is billed
mod rows; // a bill becomes records
mod series; // one counter, period by period
mod slot; // periods, as the replay needs to know them
mod stuck; // series that no run bills as they are

pub use dropped::{Drop, drop_samples};
pub use oversized::OversizedSeries;
pub(crate) use replay::NetworkBiller;
use replay::{Replayed, is_within};
use series::{Bytes, Folded, Series};
use slot::Slot;

/// The bill of the network samples of a run.
pub(crate) struct NetworkBill {
    /// In order. A period without a slot has nothing of any series.
    slots: Vec<Slot>,
    series: Vec<Series>,
    /// The bytes of each source in each slot, counted a second time.
    recounted: BTreeMap<(SourceId, usize), BothWays>,
    /// The periods that the run publishes, as extents.
    targets: Vec<Period>,
    /// Up to which file the snapshot knows of samples.
    newest_seq: u64,
    /// Indexes of the slots that a series has something in.
    busy: BTreeSet<usize>,
    /// Periods whose counters change, and up to which file they have seen their
    /// samples once the run is published.
    seen_seq: BTreeMap<usize, Option<u64>>,
    /// The period that all growth goes into, in a scheduled run.
    into: Option<usize>,
    /// True if a back-fill changes what published periods have billed.
    rebills: bool,
    /// Series that wait because their bytes do not fit a record.
    oversized: BTreeSet<usize>,
    /// Series that are worth less than is billed, with their earliest sample that waits.
    shrunk: BTreeMap<usize, Instant>,
}

/// Series that wait whatever they are worth, because a row with them does not fit.
type Refused = BTreeSet<(SourceId, SeriesKey)>;

/// The published periods that a back-fill may recompute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// Leave them.
    Keep,
    /// Recompute those of the run.
    Recompute,
}

impl NetworkBiller<'_> {
    /// Bills a scheduled run that newly publishes `targets`: extents of periods in a row,
    /// in order.
    pub(crate) fn scheduled(&self, targets: &[Period]) -> Result<NetworkBill, AggregateError> {
        fitting(|refused| self.scheduled_without(targets, refused))
    }

    fn scheduled_without(
        &self,
        targets: &[Period],
        refused: &Refused,
    ) -> Result<NetworkBill, AggregateError> {
        let mut bill = NetworkBill::of(self.replay(targets)?);
        let last = targets.last().map(|last| self.calendar.period_ending_at_or_after(last.end));
        let into = last.and_then(|last| Some((last, bill.index_of(last)?)));
        let Some((last, into)) = into else { return Ok(bill) };
        let slots = &bill.slots;
        let mut waiting = BTreeSet::new();
        for (number, series) in bill.series.iter_mut().enumerate() {
            let (growth, ahead) = (series.growth(slots, ..=into), series.growth(slots, into + 1..));
            let through = if !growth.is_negative() && !ahead.is_negative() {
                Some((growth, into))
            } else if !growth.plus(ahead).is_negative() {
                Some((growth.plus(ahead), slots.len() - 1))
            } else {
                None
            };
            match (series.unbilled_from(slots, into), through) {
                (None, _) => series.bill_through(slots, into),
                (Some(from), None) => drop(bill.shrunk.insert(number, from)),
                (Some(from), Some((growth, through))) => {
                    let fits = series.fits_through(slots, through) && !series.is_in(refused);
                    let Some(bytes) = growth.to_bytes().filter(|_| fits) else {
                        bill.oversized.insert(number);
                        waiting.extend(series.waiting());
                        continue;
                    };
                    if from < last.start {
                        series.fold(Folded { into, from, bytes }, slots);
                    } else if bytes != Bytes::default() {
                        // Where the sample is stamped exactly at the start, a folded
                        // record would start there too: it is the ordinary one.
                        series.entry(into).own = bytes;
                    }
                    series.bill_through(slots, through);
                }
            }
            waiting.extend(series.waiting());
        }
        bill.into = Some(into);
        bill.see(self.snapshot.samples_seq(), &waiting, |slot| !slot.is_gap());
        Ok(bill)
    }

    /// Bills a back-fill of `targets`, extents likewise.
    pub(crate) fn back_fill(
        &self,
        targets: &[Period],
        published: Published,
    ) -> Result<NetworkBill, AggregateError> {
        if let Some(replayed) = self.replay_settled(targets)? {
            // All is billed and nothing changes; only the targets were looked at.
            let mut bill = NetworkBill::of(replayed);
            bill.see(self.snapshot.samples_seq(), &BTreeSet::new(), |slot| slot.is_target);
            return Ok(bill);
        }
        fitting(|refused| self.back_fill_without(targets, published, refused))
    }

    fn back_fill_without(
        &self,
        targets: &[Period],
        published: Published,
        refused: &Refused,
    ) -> Result<NetworkBill, AggregateError> {
        let mut bill = NetworkBill::of(self.replay(targets)?);
        let slots = &bill.slots;
        let mut waiting = BTreeSet::new();
        let mut rebills = false;
        for (number, series) in bill.series.iter_mut().enumerate() {
            let may_bill = |entry: &series::Entry| {
                let slot = &slots[entry.period];
                let is_new = slot.published.is_none();
                slot.is_target && (is_new || published == Published::Recompute && entry.is_plain())
            };
            let is_done =
                |e: &series::Entry| e.is_billed() || may_bill(e) || slots[e.period].is_gap();
            let changes = |e: &series::Entry| !e.is_billed() && may_bill(e);
            let is_oversized = |e: &series::Entry| changes(e) && !e.usage.fits();
            let is_refused = series.is_in(refused) && series.entries.iter().any(changes);
            if is_refused || series.entries.iter().any(is_oversized) {
                bill.oversized.insert(number);
                waiting.extend(series.waiting());
                continue;
            }
            if !series.entries.iter().all(is_done) {
                waiting.extend(series.waiting());
                continue;
            }
            for entry in &mut series.entries {
                if !entry.is_billed() && may_bill(entry) {
                    (entry.own, entry.billed) = (entry.usage, entry.usage);
                    rebills |= slots[entry.period].published.is_some();
                }
            }
        }
        bill.rebills = rebills;
        bill.see(self.snapshot.samples_seq(), &waiting, |slot| slot.is_target);
        Ok(bill)
    }
}

/// Bills, and again without the series that share a row which does not fit, until all do.
fn fitting(
    bill: impl Fn(&Refused) -> Result<NetworkBill, AggregateError>,
) -> Result<NetworkBill, AggregateError> {
    let mut refused = Refused::new();
    loop {
        let made = bill(&refused)?;
        let known = refused.len();
        refused.extend(made.overfull());
        if refused.len() == known {
            return Ok(made);
        }
    }
}

impl NetworkBill {
    fn of(replayed: Replayed) -> Self {
        let Replayed { slots, series, recounted, targets } = replayed;
        let (newest_seq, busy) = (0, BTreeSet::new());
        let (seen_seq, oversized, shrunk) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let (into, rebills) = (None, false);
        Self {
            slots,
            series,
            recounted,
            targets,
            newest_seq,
            busy,
            seen_seq,
            into,
            rebills,
            oversized,
            shrunk,
        }
    }

    /// Periods have seen all their samples, but for those in which a series waits.
    fn see(&mut self, seq: u64, waiting: &BTreeSet<usize>, which: impl Fn(&Slot) -> bool) {
        for (index, slot) in self.slots.iter().enumerate().filter(|(_, slot)| which(slot)) {
            let before = slot.published.flatten();
            let seen_seq = if waiting.contains(&index) { before } else { Some(seq) };
            self.seen_seq.insert(index, seen_seq);
        }
        let entries = self.series.iter().flat_map(|series| series.busy());
        self.busy = entries.collect();
        self.newest_seq = seq;
    }

    /// Tells whether no series has anything in a period: no sample, nothing to bill.
    pub(crate) fn is_quiet(&self, period: Period) -> bool {
        self.index_of(period).is_none_or(|index| !self.busy.contains(&index))
    }

    /// The first period from an instant on that a series has something in.
    pub(crate) fn next_busy(&self, from: Instant) -> Option<Period> {
        let first = self.slots.partition_point(|slot| slot.period.start < from);
        self.busy.range(first..).next().map(|&index| self.slots[index].period)
    }

    /// The samples that empty periods have seen once a scheduled bill is published.
    pub(crate) fn seen_by_empty(&self) -> Option<SeenSamples> {
        self.into?;
        let from = self.slots.first()?.period.start;
        Some(SeenSamples { from, seq: self.newest_seq })
    }

    fn index_of(&self, period: Period) -> Option<usize> {
        self.slots.binary_search_by_key(&period, |slot| slot.period).ok()
    }

    /// The period that all growth goes into, in a scheduled run.
    pub(crate) fn into(&self) -> Option<Period> {
        self.into.map(|index| self.slots[index].period)
    }

    /// Tells whether its periods must be published at once: it changes what is billed in
    /// published ones, and half of that might bill bytes twice or not at all.
    pub(crate) fn is_whole(&self) -> bool {
        self.rebills
    }

    /// Periods whose counters change, whether or not their records do.
    pub(crate) fn touched(&self) -> impl Iterator<Item = Period> + '_ {
        self.seen_seq.keys().map(|&index| self.slots[index].period)
    }

    /// The samples of `period` that are billed once the bill is published:
    /// `None` where the bill says nothing of it.
    pub(crate) fn samples_seq(&self, period: Period) -> Option<Option<u64>> {
        match self.index_of(period) {
            Some(index) => self.seen_seq.get(&index).copied(),
            None => is_within(&self.targets, period).then_some(Some(self.newest_seq)),
        }
    }

    /// The records of bytes of `period` that this bill makes, sorted: its
    /// ordinary ones and those folded into it. Both directions, or none.
    pub(crate) fn records(&self, period: Period) -> Vec<UsageRecord> {
        match self.index_of(period) {
            Some(index) => rows::records(&self.series, index, period),
            None => Vec::new(),
        }
    }

    /// The bytes that this bill puts into records of `period`, as its counters have them.
    pub(crate) fn bytes(&self, period: Period) -> ByteSums {
        let mut sums = ByteSums::new();
        let Some(index) = self.index_of(period) else { return sums };
        for series in &self.series {
            let bytes = series.bytes_in(index);
            let mut add = |usage_type, bytes: u128| {
                *sums.entry((series.source, usage_type)).or_default() += bytes;
            };
            add(UsageTypeId::NETWORK_BYTES_SENT, bytes.sent);
            add(UsageTypeId::NETWORK_BYTES_RECEIVED, bytes.received);
        }
        sums
    }

    /// The bytes of the samples of `period`, counted a second time.
    pub(crate) fn recounted(&self, period: Period) -> ByteSums {
        let mut sums = ByteSums::new();
        let Some(index) = self.index_of(period) else { return sums };
        for ((source, _), (sent, received)) in
            self.recounted.iter().filter(|((_, slot), _)| *slot == index)
        {
            sums.insert((*source, UsageTypeId::NETWORK_BYTES_SENT), *sent);
            sums.insert((*source, UsageTypeId::NETWORK_BYTES_RECEIVED), *received);
        }
        sums
    }

    /// The state of every series known by the end of `period`.
    pub(crate) fn counters(&self, period: Period) -> Option<Vec<BilledCounter>> {
        let here = self.index_of(period);
        if here.is_none() && !is_within(&self.targets, period) {
            return None;
        }
        let through = self.slots.partition_point(|slot| slot.period.end <= period.end);
        let counters = self.series.iter().filter_map(|series| series.counter(through, here));
        Some(counters.collect())
    }

    /// The number of series that went into folded records.
    pub(crate) fn folded_series(&self) -> u64 {
        let folded =
            |series: &&Series| series.folded.as_ref().is_some_and(|f| f.bytes != Bytes::default());
        self.series.iter().filter(folded).count() as u64
    }
}
