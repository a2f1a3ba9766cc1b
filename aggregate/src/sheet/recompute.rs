//! The use of each period a second time, by counting what is open.
//!
//! The fold follows one resource after another and makes segments, which are clipped at the
//! ends of periods and summed by key. This is another way to the same totals, and shares no
//! code with it: each move changes the number of uses that are open, and the use of a period
//! is that number added up over its time. With `n` uses open at its start and changes `d` at
//! instants `t`, a period `[start, end)` has `n * (end - start) + sum(d * (end - t))`.
//!
//! Worked example: one machine runs at 00:00, another starts at 06:00, the first stops at
//! 18:00: `1 * 24 h + 1 * 18 h - 1 * 6 h = 36 h`.
//!
//! It is a loop of its own and neither SQL nor expressions of polars. The latter were tried: an
//! order of all moves by resource and time, and a look at the move before. On a month of 2
//! million records they cost twice the job itself as polars is built here, and to have polars
//! optimised costs ten minutes of every build; this may cost the job no more than a seventh.
//! SQL over the same files is in `docs/audit/day-sheet.sql`, for auditors; a test of the binary
//! holds its sums against those kept here.
//!
//! # Source
//! Usage rules 3 and 7.

use std::collections::BTreeMap;

use cloudtally_model::{
    AccountId, Instant, Period, SegmentColumns, SegmentRow, SourceId, UsageTypeId,
};
use rayon::prelude::*;

use super::moves::{Kind, Move, Moves, PartOf, Used, counts};
use crate::window::Removals;

/// The use of one source and usage type in a period, and how the number of open uses moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recomputed {
    /// Milliseconds.
    pub(crate) used_ms: i64,
    /// Uses that began in it.
    pub(crate) opened: i64,
    /// Uses that ended in it.
    pub(crate) closed: i64,
    /// Uses that are open when it ends.
    pub(crate) open_at_end: i64,
}

/// A period a second time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecomputedPeriod {
    /// By source and usage type.
    pub(crate) usage: BTreeMap<(SourceId, UsageTypeId), Recomputed>,
    /// Events of the period that nothing meters.
    pub(crate) unmetered: u64,
    /// Events of the period that something meters.
    pub(crate) metered: u64,
}

/// Recomputes the periods of a window, which lie side by side, from what was open before it
/// (in the order of the files of open segments) and its moves.
pub(crate) fn recompute(
    open: &SegmentColumns,
    mut moves: Moves,
    removals: &Removals,
    periods: &[Period],
) -> Vec<RecomputedPeriod> {
    let Some((first, last)) = periods.first().zip(periods.last()) else { return Vec::new() };
    if !removals.is_empty() {
        for segment in open.rows() {
            let removed = removals.get(&(segment.source(), segment.account()));
            if let Some(removed) = removed.filter(|removed| **removed < last.end) {
                // Told late: it ends as soon as it may.
                moves.end_of(segment, (*removed).max(first.start));
            }
        }
    }
    moves.moves.par_sort_unstable();
    let parts = parts(&moves.moves, open, rayon::current_num_threads());
    let counts = parts.into_par_iter().map(|part| {
        let mut count = Count::new(periods);
        count.part(part, open);
        count.changes
    });
    let mut changes = Changes::new();
    for of_part in counts.collect::<Vec<_>>() {
        for (usage, of_part) in of_part {
            let all =
                changes.entry(usage).or_insert_with(|| vec![Change::default(); periods.len()]);
            all.iter_mut().zip(of_part).for_each(|(all, change)| all.add(change));
        }
    }
    let mut recomputed = vec![RecomputedPeriod::default(); periods.len()];
    let number = |at: &Instant| periods.partition_point(|period| period.end <= *at);
    moves.metered.iter().for_each(|at| recomputed[number(at)].metered += 1);
    moves.unmetered.iter().for_each(|at| recomputed[number(at)].unmetered += 1);
    for (usage, changes) in changes {
        let (mut counted, mut open) = (0, 0);
        for ((period, change), recomputed) in periods.iter().zip(changes).zip(&mut recomputed) {
            counted += change.counted_before;
            open += change.open_before;
            let used_ms = counted * period.length().0 + change.area_ms;
            counted += change.counted;
            open += change.opened - change.closed;
            let Change { opened, closed, .. } = change;
            let of_type = Recomputed { used_ms, opened, closed, open_at_end: open };
            if of_type != Recomputed::default() {
                recomputed.usage.insert(usage, of_type);
            }
        }
    }
    recomputed
}

type Changes = BTreeMap<(SourceId, UsageTypeId), Vec<Change>>;

/// The changes of the number of open uses of one usage type in one period.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    /// Uses that are open when the window begins, in its first period.
    open_before: i64,
    /// Those of them that count.
    counted_before: i64,
    /// The change of the number of uses that count.
    counted: i64,
    /// Each change of that number times the time that is left of the period.
    area_ms: i64,
    opened: i64,
    closed: i64,
}

impl Change {
    fn add(&mut self, more: Self) {
        self.open_before += more.open_before;
        self.counted_before += more.counted_before;
        self.counted += more.counted;
        self.area_ms += more.area_ms;
        self.opened += more.opened;
        self.closed += more.closed;
    }
}

/// Some resources: all their moves, and the rows of what was open of them.
type Share<'a> = (&'a [Move], std::ops::Range<usize>);

/// Cuts all there is between two resources into about so many parts.
fn parts<'a>(moves: &'a [Move], open: &SegmentColumns, most: usize) -> Vec<Share<'a>> {
    let first_row = |used: Used| {
        let (mut low, mut high) = (0, open.height());
        while low < high {
            let middle = low.midpoint(high);
            if Used::of(open.row(middle)) < used { low = middle + 1 } else { high = middle }
        }
        low
    };
    let (mut parts, mut at, mut row) = (Vec::with_capacity(most), 0, 0);
    for part in 1..=most {
        let mut end = moves.len() * part / most;
        while end > at && end < moves.len() && moves[end].used == moves[end - 1].used {
            end += 1;
        }
        let end = end.max(at);
        let last_row = moves.get(end).map_or(open.height(), |next| first_row(next.used));
        parts.push((&moves[at..end], row..last_row.max(row)));
        (at, row) = (end, last_row.max(row));
    }
    parts
}

/// The count of open uses under way.
struct Count<'a> {
    periods: &'a [Period],
    changes: Changes,
    /// The open uses of the resource that is looked at.
    open: Vec<OpenUse>,
}

/// An open use.
#[derive(Clone, Copy)]
struct OpenUse {
    part: PartOf,
    owner: AccountId,
    counts: bool,
}

impl<'a> Count<'a> {
    fn new(periods: &'a [Period]) -> Self {
        Self { periods, changes: Changes::new(), open: Vec::new() }
    }

    /// Counts some resources, in order.
    fn part(&mut self, (moves, rows): Share<'_>, open: &SegmentColumns) {
        let mut rows = rows.map(|row| open.row(row)).peekable();
        for of_one in moves.chunk_by(|a, b| a.used == b.used) {
            let used = of_one[0].used;
            self.open.clear();
            while let Some(row) = rows.next_if(|row| Used::of(*row) <= used) {
                let before = self.before(row);
                if Used::of(row) == used {
                    self.open.push(before);
                }
            }
            of_one.iter().for_each(|next| self.take(next));
        }
        for row in rows {
            self.before(row);
        }
    }

    /// Counts a use that is open when the window begins.
    fn before(&mut self, row: SegmentRow<'_>) -> OpenUse {
        let open = OpenUse {
            part: PartOf::of(row),
            owner: row.account(),
            counts: counts(row.usage_type(), row.size()),
        };
        let change = &mut self.of((row.source(), row.usage_type()))[0];
        change.open_before += 1;
        change.counted_before += i64::from(open.counts);
        open
    }

    fn take(&mut self, next: &Move) {
        let ends = |open: &OpenUse| match next.kind {
            Kind::Close => next.part.ends(open.part),
            Kind::CloseAll => true,
            Kind::Removed => next.part == open.part && next.account == open.owner,
            Kind::Open | Kind::Split => false,
        };
        let same = self.open.iter().position(|open| open.part == next.part);
        let (mut opened, mut closed, mut counted) = (0, 0, 0);
        match (next.kind, same) {
            (Kind::Open, None) => {
                self.open.push(next.into());
                (opened, counted) = (1, i64::from(next.counts));
            }
            (Kind::Open, Some(at)) => {
                counted = i64::from(next.counts) - i64::from(self.open[at].counts);
                self.open[at] = next.into();
            }
            (Kind::Split, Some(at)) => self.open[at].owner = next.account,
            (Kind::Split, None) => {}
            (Kind::Close | Kind::CloseAll | Kind::Removed, _) => self.open.retain(|open| {
                let ends = ends(open);
                closed += i64::from(ends);
                counted -= i64::from(ends && open.counts);
                !ends
            }),
        }
        if (opened, closed, counted) == (0, 0, 0) {
            return;
        }
        let periods = self.periods;
        let number = periods.partition_point(|period| period.end <= next.at);
        let change = &mut self.of((next.used.source, next.used.usage_type))[number];
        change.opened += opened;
        change.closed += closed;
        change.counted += counted;
        change.area_ms += counted * periods[number].end.since(next.at).0;
    }

    fn of(&mut self, usage: (SourceId, UsageTypeId)) -> &mut Vec<Change> {
        let length = self.periods.len();
        self.changes.entry(usage).or_insert_with(|| vec![Change::default(); length])
    }
}

impl From<&Move> for OpenUse {
    fn from(next: &Move) -> Self {
        Self { part: next.part, owner: next.account, counts: next.counts }
    }
}
