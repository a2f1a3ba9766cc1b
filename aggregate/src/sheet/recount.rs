//! The bytes of each period a second time, by where each counter would stand had it never
//! restarted.
//!
//! The bill follows each series from sample to sample and adds up the steps of a period. This is
//! another way to the same sums, and shares no code with it: what a counter had said when it
//! restarted is added to all that it says later, and the bytes of a period are where it then
//! stands at the end of the period less where it stood before.
//!
//! Worked example: readings of 10, 100, then 40 after a restart stand at 10, 100 and 140: 130
//! bytes.
//!
//! # Source
//! Usage rules 5 and 7.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

use cloudtally_model::{Instant, Period, SourceId};
use cloudtally_store::{BilledCounter, SampleColumns, SeriesRow};
use foldhash::fast::RandomState;

/// Bytes sent and received.
pub(crate) type BothWays = (u128, u128);

/// One counter.
#[derive(Clone, Copy)]
struct Counter {
    /// The sum of its readings before restarts.
    lost: BothWays,
    /// Its last reading.
    last: (u64, u64),
    /// The last period that it said something in.
    period: Option<usize>,
    /// Its stand before that.
    began: BothWays,
}

impl Counter {
    fn stands(&self) -> BothWays {
        (self.lost.0 + u128::from(self.last.0), self.lost.1 + u128::from(self.last.1))
    }
}

/// A sample of a day.
struct Said<'a> {
    at: Instant,
    /// Number of its file: of one instant the later file counts.
    file: u64,
    source: SourceId,
    columns: &'a SampleColumns,
    row: usize,
}

/// The second count of the bytes of some periods.
pub(crate) struct Recount {
    /// In order; they do not overlap.
    periods: Vec<Period>,
    /// The position of the period that the last sample fell in.
    current: usize,
    counters: HashMap<u64, (SourceId, Counter), RandomState>,
    hasher: RandomState,
    sums: BTreeMap<(SourceId, usize), BothWays>,
}

impl Recount {
    /// Begins before some periods, which are in order.
    pub(crate) fn new(periods: Vec<Period>) -> Self {
        let (counters, hasher) = (HashMap::default(), RandomState::default());
        Self { periods, current: 0, counters, hasher, sums: BTreeMap::new() }
    }

    /// Takes over what a counter last said before all samples.
    pub(crate) fn remember(&mut self, counter: &BilledCounter) {
        let key = self.key(counter.source, SeriesRow::of(&counter.series));
        let last = (counter.last_sent, counter.last_received);
        let known = Counter { lost: (0, 0), last, period: None, began: (0, 0) };
        self.counters.insert(key, (counter.source, known));
    }

    /// Counts the samples of a day, of some files with their numbers.
    pub(crate) fn add_day<'a>(
        &mut self,
        files: impl Iterator<Item = (SourceId, u64, &'a [SampleColumns])>,
    ) {
        let files: Vec<_> = files.collect();
        if let [(source, _, parts)] = files[..] {
            // One file is in order.
            for columns in parts {
                (0..columns.height()).for_each(|row| self.add(source, columns, row));
            }
            return;
        }
        let mut all: Vec<Said<'_>> = Vec::new();
        for (source, file, parts) in files {
            for columns in parts {
                let said = |row| Said { at: columns.sampled(row), file, source, columns, row };
                all.extend((0..columns.height()).map(said));
            }
        }
        all.sort_by_key(|said| (said.at, said.file));
        for Said { source, columns, row, .. } in all {
            self.add(source, columns, row);
        }
    }

    /// The position of the period that an instant falls in: what is said at its end is of it.
    fn period_of(&mut self, at: Instant) -> Option<usize> {
        let has = |period: &Period| period.start < at && at <= period.end;
        // Samples come by time, mostly several of one period.
        if !self.periods.get(self.current).is_some_and(has) {
            self.current = self.periods.partition_point(|period| period.end < at);
        }
        self.periods.get(self.current).is_some_and(has).then_some(self.current)
    }

    fn add(&mut self, source: SourceId, columns: &SampleColumns, row: usize) {
        let (now, restarted) = (columns.bytes(row), columns.restarted(row));
        let key = self.key(source, columns.series(row));
        let period = self.period_of(columns.sampled(row));
        let Some((_, counter)) = self.counters.get_mut(&key) else {
            // What it says first is where it stands, not use.
            let began = (u128::from(now.0), u128::from(now.1));
            let counter = Counter { lost: (0, 0), last: now, period, began };
            self.counters.insert(key, (source, counter));
            return;
        };
        if now == (0, 0) && !restarted {
            // A poll that failed.
            return;
        }
        let before = counter.stands();
        if restarted || now.0 < counter.last.0 {
            counter.lost.0 += u128::from(counter.last.0);
        }
        if restarted || now.1 < counter.last.1 {
            counter.lost.1 += u128::from(counter.last.1);
        }
        if counter.period != period {
            if let Some(ended) = counter.period {
                add_to(&mut self.sums, (source, ended), counter.began, before);
            }
            (counter.period, counter.began) = (period, before);
        }
        counter.last = now;
    }

    /// The bytes of each source in each period, by its position; those without any are left
    /// out.
    pub(crate) fn finish(mut self) -> BTreeMap<(SourceId, usize), BothWays> {
        for (source, counter) in std::mem::take(&mut self.counters).into_values() {
            if let Some(ended) = counter.period {
                add_to(&mut self.sums, (source, ended), counter.began, counter.stands());
            }
        }
        self.sums.retain(|_, sum| *sum != (0, 0));
        self.sums
    }

    fn key(&self, source: SourceId, series: SeriesRow<'_>) -> u64 {
        self.hasher.hash_one((source, series))
    }
}

fn add_to(
    sums: &mut BTreeMap<(SourceId, usize), BothWays>,
    key: (SourceId, usize),
    began: BothWays,
    ended: BothWays,
) {
    let sum = sums.entry(key).or_default();
    sum.0 += ended.0 - began.0;
    sum.1 += ended.1 - began.1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_stands_where_it_would_without_restarts() {
        let lost = Counter { lost: (100, 5), last: (40, 6), period: None, began: (0, 0) };
        assert_eq!(lost.stands(), (140, 11));
        let mut sums = BTreeMap::new();
        add_to(&mut sums, (SourceId(0), 1), (10, 0), lost.stands());
        add_to(&mut sums, (SourceId(0), 1), (0, 0), (1, 1));
        assert_eq!(sums, [((SourceId(0), 1), (131, 12))].into());
    }
}
