//! Bytes: from cumulative counters to records, each byte billed once.
//!
//! A series is a counter that goes on from sample to sample. The usage between
//! two consecutive samples is their difference and belongs to the period of the
//! later one; a smaller value means the counter restarted and is itself the
//! usage; the first sample of a series is its baseline.
//!
//! Example: samples 0 at 00:00, 100 at 12:00, 40 at 18:00 (restarted) on one day
//! and 50 on the next at 06:00 give 140 bytes and then 10.
//!
//! What has been billed is remembered per series and period
//! ([`BilledCounter`]). A run looks at all samples there are, in published
//! periods, in those it publishes and in *gaps* (neither: a back-fill went ahead
//! of the schedule), and for every series does one of two things:
//!
//! - it *bills* the series: afterwards each published period has billed just what
//!   its samples are worth now. A *scheduled* run puts the growth of all periods
//!   together into the last period it publishes, folded if a sample is late
//!   ("all its growth goes into one record of that last period", the guide's
//!   network exception). A *back-fill* "computes each period as if the job had run
//!   on time, so it never folds": what a period is worth goes into its own record,
//!   the samples of a gap before it included, and only its targets may change;
//! - or the series *waits* for a later scheduled run and nothing is billed of it. In a
//!   back-fill that is so if a period that it may not touch would have to change.
//!   In a scheduled run, if more is billed than all published periods are worth
//!   (a sample in a gap took from a period ahead what its own period, not yet
//!   published, gets), or if all that is new lies behind the run.
//!
//! # Why nothing is lost and nothing billed twice
//!
//! For one series let `total` be the usage of all its samples. It never shrinks:
//! a sample more, anywhere in the order, adds or changes nothing (from `a` to `c`
//! by way of `b` a counter counts at least what it does from `a` to `c`).
//!
//! 1. *Never more is billed than `total`.* A run that bills the series leaves as
//!    billed what the published periods are worth, and that is `total` less the
//!    worth of gaps and of the future, neither of which is negative. A run in which
//!    it waits changes nothing. New samples only raise `total`.
//! 2. *In the end it is all billed.* A scheduled run publishes all periods up to
//!    now, so what it leaves as gaps lies behind it. If there are none and no late
//!    sample lies behind it, the published periods are worth `total`; by 1 the
//!    growth is not negative, so the series does not wait and `total` is billed.
//! 3. *A run may leave out settled periods* (module `replay`): published without
//!    a gap, and each has seen all samples up to its end. A run says that a period
//!    has seen its samples only if no series that waits has something there that is
//!    not billed. So at that moment the period has billed what it is worth, and as
//!    long as nothing is accepted up to its end it is worth the same.
//!
//! A run that is killed publishes whole windows. A scheduled bill is one
//! transaction. A back-fill's is not: a rebuild that moves bytes from one period to
//! another is whole again after the next rebuild of these, and until then the
//! series waits as in 1 if more is billed than it is worth.
//!
//! # Source
//! Usage rules 5 and 6; guide 8.4.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{Period, UsageRecord};
use cloudtally_store::BilledCounter;

use crate::AggregateError;

mod replay; // what each series has and what of it is billed
mod rows; // a bill becomes records
mod series; // one counter, period by period

pub(crate) use replay::NetworkBiller;
use replay::Replayed;
use series::{Bytes, Folded, Growth, Series};

/// A period of a bill.
struct Slot {
    period: Period,
    /// `None`: it is not published. Else up to which file it has seen its samples.
    published: Option<Option<u64>>,
    /// Whether the run computes it.
    is_target: bool,
}

impl Slot {
    /// Whether it is neither published nor about to be.
    fn is_gap(&self) -> bool {
        self.published.is_none() && !self.is_target
    }

    /// Whether it is published but a series waited then.
    fn is_half_billed(&self) -> bool {
        self.published == Some(None)
    }
}

/// The bill of the network samples of a run.
pub(crate) struct NetworkBill {
    slots: Vec<Slot>,
    series: Vec<Series>,
    /// Periods whose counters change, and up to which file they have seen their
    /// samples once the run is published.
    seen_seq: BTreeMap<usize, Option<u64>>,
    /// The period that all growth goes into, in a scheduled run.
    into: Option<usize>,
}

/// Which published periods a back-fill may recompute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// Leave them.
    Keep,
    /// Recompute those of the run.
    Recompute,
}

impl NetworkBiller<'_> {
    /// Bills a scheduled run that newly publishes `targets` (in order).
    pub(crate) fn scheduled(&self, targets: &[Period]) -> Result<NetworkBill, AggregateError> {
        let mut bill = NetworkBill::of(self.replay(targets)?);
        let into = targets.last().and_then(|last| Some((*last, bill.index_of(*last)?)));
        let Some((last, into)) = into else { return Ok(bill) };
        let slots = &bill.slots;
        let mut waiting = BTreeSet::new();
        for series in &mut bill.series {
            let Some(unbilled_from) = series.unbilled_from(slots) else { continue };
            let bytes = match series.growth(slots)? {
                Growth::Of(bytes) if unbilled_from <= last.end => bytes,
                _ => {
                    waiting.extend(series.waiting());
                    continue;
                }
            };
            if unbilled_from >= last.start {
                // Where the sample is stamped exactly at the start, a folded record
                // would start there too: it is the ordinary one.
                if bytes != Bytes::default() {
                    series.entry(into).own = bytes;
                }
            } else {
                series.fold(Folded { into, from: unbilled_from, bytes }, slots);
            }
            for entry in series.entries.iter_mut().filter(|e| !slots[e.period].is_gap()) {
                entry.billed = entry.usage;
            }
        }
        bill.into = Some(into);
        bill.see(self.snapshot.samples_seq(), &waiting, |slot| !slot.is_gap());
        Ok(bill)
    }

    /// Bills a back-fill of `targets` (in order).
    pub(crate) fn back_fill(
        &self,
        targets: &[Period],
        published: Published,
    ) -> Result<NetworkBill, AggregateError> {
        let mut bill = NetworkBill::of(self.replay(targets)?);
        let slots = &bill.slots;
        let mut waiting = BTreeSet::new();
        for series in &mut bill.series {
            let may_bill = |entry: &series::Entry| {
                let slot = &slots[entry.period];
                let is_new = slot.published.is_none();
                slot.is_target && (is_new || published == Published::Recompute && entry.is_plain())
            };
            let is_done =
                |e: &series::Entry| e.is_billed() || may_bill(e) || slots[e.period].is_gap();
            if !series.entries.iter().all(is_done) {
                waiting.extend(series.waiting());
                continue;
            }
            for entry in &mut series.entries {
                if !entry.is_billed() && may_bill(entry) {
                    (entry.own, entry.billed) = (entry.usage, entry.usage);
                }
            }
        }
        bill.see(self.snapshot.samples_seq(), &waiting, |slot| slot.is_target);
        Ok(bill)
    }
}

impl NetworkBill {
    fn of(replayed: Replayed) -> Self {
        let Replayed { slots, series } = replayed;
        Self { slots, series, seen_seq: BTreeMap::new(), into: None }
    }

    /// Periods have seen all their samples, but for those in which a series waits.
    fn see(&mut self, seq: u64, waiting: &BTreeSet<usize>, which: impl Fn(&Slot) -> bool) {
        for (index, slot) in self.slots.iter().enumerate().filter(|(_, slot)| which(slot)) {
            let before = slot.published.flatten();
            let seen_seq = if waiting.contains(&index) { before } else { Some(seq) };
            self.seen_seq.insert(index, seen_seq);
        }
    }

    fn index_of(&self, period: Period) -> Option<usize> {
        self.slots.binary_search_by_key(&period, |slot| slot.period).ok()
    }

    /// The period that all growth goes into, in a scheduled run.
    pub(crate) fn into(&self) -> Option<Period> {
        self.into.map(|index| self.slots[index].period)
    }

    /// Periods whose counters change, whether or not their records do.
    pub(crate) fn touched(&self) -> impl Iterator<Item = Period> + '_ {
        self.seen_seq.keys().map(|&index| self.slots[index].period)
    }

    /// Which samples of `period` are billed once the bill is published:
    /// `None` where the bill says nothing of it.
    pub(crate) fn samples_seq(&self, period: Period) -> Option<Option<u64>> {
        self.seen_seq.get(&self.index_of(period)?).copied()
    }

    /// The records of bytes of `period` that this bill makes, sorted: its
    /// ordinary ones and those folded into it. Both directions, or none.
    pub(crate) fn records(&self, period: Period) -> Result<Vec<UsageRecord>, AggregateError> {
        match self.index_of(period) {
            Some(index) => rows::records(&self.series, index, period),
            None => Ok(Vec::new()),
        }
    }

    /// The state of every series known by the end of `period`.
    pub(crate) fn counters(&self, period: Period) -> Option<Vec<BilledCounter>> {
        let index = self.index_of(period)?;
        Some(self.series.iter().filter_map(|series| series.counter(index)).collect())
    }

    /// How many series went into folded records.
    pub(crate) fn folded_series(&self) -> u64 {
        let folded =
            |series: &&Series| series.folded.as_ref().is_some_and(|f| f.bytes != Bytes::default());
        self.series.iter().filter(folded).count() as u64
    }
}
