//! The mark to which a database is pulled, and the test that it still has the history that was pulled.
//!
//! Ids are given when a row is inserted, and rows are seen when they are committed: a number
//! that is missed may still come. Such holes are asked for again for a day. The last rows are
//! kept by their hashes: where they are others now, the database went back in time.

use std::collections::VecDeque;

use cloudtally_model::{Instant, Millis};
use cloudtally_store::{Hole, PullMark, RowMark};
use xxhash_rust::xxh3::Xxh3Default;

use super::server::Cell;

/// Rows that are kept by their hashes.
pub(super) const FINGERPRINT_ROWS: usize = 4096;
/// Time for which a number that is missed may still come.
const HOLE_LIFE: Millis = Millis(24 * 60 * 60 * 1000);
/// Holes that are kept; of more, the oldest are settled.
const HOLES_MAX: usize = 100_000;
/// The bits of an id that are the database's; those above are the history's.
pub(super) const ID_BITS: u32 = 48;

/// The course of a pull through the ids of events.
#[derive(Debug)]
pub(super) struct Course {
    mark: PullMark,
    fingerprint: VecDeque<RowMark>,
    /// The latest `created` by now.
    latest: Instant,
    /// True of the first pull, before which nothing is missed.
    is_first: bool,
}

impl Course {
    /// Begins where the last pull ended.
    pub(super) fn from(mark: Option<PullMark>, snapshot: Instant, server: String) -> Self {
        let is_first = mark.is_none();
        let mut mark = mark.unwrap_or(PullMark {
            epoch: 0,
            floor: 0,
            seen: 0,
            first: 0,
            holes: Vec::new(),
            fingerprint: Vec::new(),
            server: String::new(),
            snapshot,
            sampled: None,
            series: 0,
        });
        let fingerprint = std::mem::take(&mut mark.fingerprint).into();
        let latest = Instant::from_millis(i64::MIN);
        (mark.snapshot, mark.server) = (snapshot, server);
        Self { mark, fingerprint, latest, is_first }
    }

    pub(super) fn mark(&mut self) -> &mut PullMark {
        &mut self.mark
    }

    /// True if a row of an id that was passed was missed. It is missed no more.
    pub(super) fn fills(&mut self, row: RowMark) -> bool {
        let holes = &mut self.mark.holes;
        let at = holes.partition_point(|hole| hole.last < row.id);
        let Some(hole) = holes.get(at).copied().filter(|hole| hole.first <= row.id) else {
            return false;
        };
        let before = (hole.first < row.id).then(|| Hole { last: row.id - 1, ..hole });
        let behind = (row.id < hole.last).then(|| Hole { first: row.id + 1, ..hole });
        holes.splice(at..=at, before.into_iter().chain(behind));
        let place = self.fingerprint.partition_point(|kept| kept.id < row.id);
        if place > 0 {
            self.fingerprint.insert(place, row);
        }
        true
    }

    /// Passes a row behind all others.
    pub(super) fn pass(&mut self, row: RowMark, created: Option<Instant>) {
        let now = self.mark.snapshot;
        // What is missed was given out before the row behind it was.
        self.latest = created.map_or(now, |created| created.max(self.latest)).min(now);
        if self.is_first {
            (self.is_first, self.mark.first, self.mark.floor) = (false, row.id, row.id - 1);
        } else if row.id > self.mark.seen + 1 {
            let (first, last) = (self.mark.seen + 1, row.id - 1);
            self.mark.holes.push(Hole { first, last, since: self.latest });
        }
        self.mark.seen = row.id;
        self.fingerprint.push_back(row);
        if self.fingerprint.len() > FINGERPRINT_ROWS {
            self.fingerprint.pop_front();
        }
    }

    /// Settles what is missed for too long; the mark, and how many numbers that were.
    pub(super) fn end(mut self) -> (PullMark, u64) {
        let oldest = self.mark.snapshot - HOLE_LIFE;
        let too_many = self.mark.holes.len().saturating_sub(HOLES_MAX);
        let mut settled = 0_u64;
        let mut at = 0;
        self.mark.holes.retain(|hole| {
            at += 1;
            let is_open = hole.since > oldest && at > too_many;
            if !is_open {
                settled = settled.saturating_add(hole.last - hole.first + 1);
            }
            is_open
        });
        self.mark.floor = self.mark.holes.first().map_or(self.mark.seen, |hole| hole.first - 1);
        while self.fingerprint.len() > FINGERPRINT_ROWS {
            self.fingerprint.pop_front();
        }
        self.mark.fingerprint = self.fingerprint.into();
        (self.mark, settled)
    }
}

/// The hash of cells, of which none is taken for another.
pub(super) fn hash<'a>(id: u64, cells: impl Iterator<Item = Cell<'a>>) -> RowMark {
    let mut hasher = Xxh3Default::new();
    for cell in cells {
        match cell {
            None => hasher.update(&[0]),
            Some(bytes) => {
                hasher.update(&[1]);
                hasher.update(&(bytes.len() as u64).to_le_bytes());
                hasher.update(bytes);
            }
        }
    }
    RowMark { id, hash: hasher.digest() }
}

/// The fate of the rows that were pulled last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The history goes on, but for so many rows that somebody changed or deleted.
    GoesOn { changed: usize },
    /// The last row is another or gone; so many of the rows before are as they were.
    WentBack { same: usize },
}

/// Holds the rows that were pulled last against those that are there now, both by id.
pub(super) fn compare(pulled: &[RowMark], now: &[RowMark]) -> Verdict {
    let is_same = |row: &RowMark| {
        now.binary_search_by_key(&row.id, |row| row.id).is_ok_and(|at| now[at].hash == row.hash)
    };
    let same = pulled.iter().rposition(is_same).map_or(0, |last| last + 1);
    if same < pulled.len() {
        return Verdict::WentBack { same };
    }
    Verdict::GoesOn { changed: pulled.iter().filter(|row| !is_same(row)).count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn row(id: u64) -> RowMark {
        RowMark { id, hash: id * 7 }
    }

    #[test]
    fn a_number_that_is_missed_is_waited_for_a_day() {
        let (morning, noon) = (at("2026-01-05 00:00:00"), at("2026-01-05 12:00:00"));
        let mut course = Course::from(None, noon, String::new());
        for id in [5, 6, 9, 12] {
            course.pass(row(id), Some(morning));
        }
        let (mark, settled) = course.end();
        assert_eq!((mark.first, mark.floor, mark.seen, settled), (5, 6, 12, 0));
        let hole = |first, last| Hole { first, last, since: morning };
        assert_eq!(mark.holes, [hole(7, 8), hole(10, 11)]);

        // One of them comes; what was there is not taken again.
        let mut course = Course::from(Some(mark), noon, String::new());
        assert!(!course.fills(row(9)));
        assert!(course.fills(row(8)));
        assert!(!course.fills(row(8)));
        let (mark, _) = course.end();
        assert_eq!(mark.holes, [hole(7, 7), hole(10, 11)]);
        assert_eq!(mark.fingerprint, [5, 6, 8, 9, 12].map(row));

        // A day later nobody waits any more.
        let course = Course::from(Some(mark), at("2026-01-06 00:00:00"), String::new());
        let (mark, settled) = course.end();
        assert_eq!((mark.floor, mark.holes.len(), settled), (12, 0, 3));
    }

    #[test]
    fn a_history_goes_on_or_went_back() {
        let pulled = [1, 2, 3, 4].map(row);
        assert_eq!(compare(&pulled, &pulled), Verdict::GoesOn { changed: 0 });
        assert_eq!(compare(&pulled, &[1, 2, 4].map(row)), Verdict::GoesOn { changed: 1 });
        assert_eq!(compare(&pulled, &[1, 2].map(row)), Verdict::WentBack { same: 2 });
        let reused = [row(1), row(2), RowMark { id: 3, hash: 1 }, RowMark { id: 4, hash: 2 }];
        assert_eq!(compare(&pulled, &reused), Verdict::WentBack { same: 2 });
        assert_eq!(compare(&pulled, &[]), Verdict::WentBack { same: 0 });
        assert_eq!(compare(&[], &pulled), Verdict::GoesOn { changed: 0 });
    }
}
