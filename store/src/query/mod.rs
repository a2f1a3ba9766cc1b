//! Records by window, account and type.
//!
//! A [`RecordSet`] is made from the catalogue and the key indexes of its files: it knows
//! how many rows of each period of the window belong to it, and finds the rows themselves
//! as they are asked for. Counting is a few descents a file, and a page is a binary search
//! over the periods followed by reading just the pages of the files that hold its rows, so
//! neither depends on the size of the table or the number of accounts.
//! Record files are never changed or removed, so a set stays whole while newer
//! generations are published.

mod choice; // the filter, as key indexes are asked
mod corrections; // what replacing generations changed
mod filter;

use std::{
    ops::{ControlFlow, Range},
    panic::resume_unwind,
    sync::Arc,
    thread,
};

use cloudtally_model::{Instant, Period, RecordId, RecordRow, Sources, UsageRecord};

use crate::{
    LakeFile, Store, StoreError,
    catalogue::load,
    lake::{
        self, RecordColumns, RecordField, RecordScan,
        key_index::{KeyIndex, NodeError, NodeFile},
        verified::NamedFile,
    },
};
use choice::Sorted;
pub use corrections::{CorrectionSet, ServedCorrection};
pub use filter::RecordFilter;

/// Ranges of rows that a period's part of a set may keep; where it has more, they are found
/// when they are read.
const FEW_RANGES: usize = 4;
/// Periods from which two threads read the records of a page.
const PERIODS_FOR_TWO: usize = 6;
/// Ranges of rows that are found and read at a time.
const RANGES_AT_ONCE: usize = 4 * 1024;

/// A window of periods: both ends inclusive to the second. A record matches when its
/// period's start is at or after `from` and its period's displayed end
/// (`end - 1 s`) at or before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordWindow {
    /// Earliest start of a period.
    pub from: Instant,
    /// Latest displayed end of a period.
    pub to: Instant,
}

/// A record with what it takes to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedRecord {
    /// The period it belongs to.
    pub period: Period,
    /// The generation of the period's records.
    pub generation: u32,
    /// The record; its source is a rank in [`RecordSet::sources`].
    pub record: UsageRecord,
}

/// Records of one period with what it takes to show them, as columns.
#[derive(Debug)]
pub struct ServedColumns {
    /// The period they belong to.
    pub period: Period,
    /// The generation of the period's records.
    pub generation: u32,
    /// The records; their sources are ranks in [`RecordSet::sources`].
    pub columns: RecordColumns,
}

/// The records of one query: a consistent set, whatever is published meanwhile.
#[derive(Debug)]
pub struct RecordSet {
    store: Store,
    sources: Sources,
    filter: Sorted,
    /// Periods that hold at least one record of the set, by start.
    parts: Vec<Part>,
}

/// The records of the set in one period.
#[derive(Debug)]
struct Part {
    period: Period,
    generation: u32,
    file: LakeFile,
    rows: Rows,
    /// Number of records of the set before this part and in it.
    count_through: u64,
}

/// The rows of a file that are of the set.
#[derive(Debug)]
enum Rows {
    /// These, in order, not touching.
    Few(Vec<Range<u64>>),
    /// Those that the key index finds.
    Found,
}

impl Store {
    /// The records of a window, ready to count and to page.
    pub fn records(
        &self,
        window: RecordWindow,
        filter: &RecordFilter,
    ) -> Result<RecordSet, StoreError> {
        let (periods, sources) = self
            .db()?
            .read(|db| Ok((load::periods_in(db, window.from, window.to)?, load::sources(db)?)))?;
        self.set_of(periods, sources, filter)
    }

    /// The records of those generations.
    pub(crate) fn set_of(
        &self,
        periods: Vec<(Period, u32, LakeFile)>,
        sources: Sources,
        filter: &RecordFilter,
    ) -> Result<RecordSet, StoreError> {
        let filter = Sorted::new(filter);
        let mut set = RecordSet { store: self.clone(), sources, filter, parts: Vec::new() };
        for (period, generation, file) in periods.into_iter().filter(|(.., file)| file.rows > 0) {
            let (rows, count) = if set.filter.is_everything() {
                (Rows::Few(std::iter::once(0..file.rows).collect()), file.rows)
            } else {
                self.chosen(&set.filter, &file)?
            };
            if count > 0 {
                let count_through = set.count() + count;
                set.parts.push(Part { period, generation, file, rows, count_through });
            }
        }
        Ok(set)
    }

    /// The rows of a file that a filter chooses, and their number.
    fn chosen(&self, filter: &Sorted, file: &LakeFile) -> Result<(Rows, u64), StoreError> {
        self.with_index(file, |index, nodes| {
            let choice = filter.choice(index);
            if choice.keys.is_empty() {
                return Ok((Rows::Few(Vec::new()), 0));
            }
            let first = index.find(&choice, 0..u64::MAX, FEW_RANGES, nodes)?;
            if first.ranges.len() < FEW_RANGES {
                return Ok((Rows::Few(first.ranges), first.through));
            }
            Ok((Rows::Found, index.count(&choice, nodes)?))
        })
    }

    /// Calls `ask` with the key index of a file.
    fn with_index<T>(
        &self,
        file: &LakeFile,
        ask: impl FnOnce(&KeyIndex, &NodeFile<'_>) -> Result<T, NodeError>,
    ) -> Result<T, StoreError> {
        let cache = &self.inner.key_indexes;
        let path = self.dir().join(&file.path);
        let index = match cache.get(&file.path) {
            Some(index) => index,
            None => {
                let named = self.named(&path, file.rows, file.bytes);
                let index = Arc::new(lake::records::key_index(&named)?);
                cache.put(&file.path, Arc::clone(&index), index.size_bytes());
                index
            }
        };
        let nodes = NodeFile::open(&path, index.place())?;
        ask(&index, &nodes).map_err(|cause| nodes.error(cause))
    }
}

/// Takes some columns of the records of a period; breaking off ends the reading.
type TakeColumns<'a> = dyn FnMut(RecordColumns) -> Result<ControlFlow<()>, StoreError> + 'a;

/// Reads rows of a file, in order; breaking off ends the reading.
type ReadRows<'a> =
    dyn FnMut(&NamedFile<'_>, &[Range<u64>]) -> Result<ControlFlow<()>, StoreError> + 'a;

impl RecordSet {
    /// Counts the records, as the key indexes did; reads no file.
    pub fn count(&self) -> u64 {
        self.parts.last().map_or(0, |part| part.count_through)
    }

    /// Records `[offset, offset + limit)` of the set, by period and record order;
    /// fewer where the set ends.
    pub fn page(&self, offset: u64, limit: u64) -> Result<Vec<ServedRecord>, StoreError> {
        let wanted = self.wanted(offset..offset.saturating_add(limit));
        if wanted.len() < PERIODS_FOR_TWO {
            return self.served(&wanted);
        }
        // An account's page is a few rows each of many files.
        let (first, second) = wanted.split_at(wanted.len() / 2);
        thread::scope(|scope| {
            let second = scope.spawn(|| self.served(second));
            let mut page = self.served(first)?;
            page.extend(second.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            Ok(page)
        })
    }

    fn served(&self, wanted: &[(&Part, Range<u64>)]) -> Result<Vec<ServedRecord>, StoreError> {
        let mut served = Vec::new();
        for (part, rows) in wanted {
            let (period, generation) = (part.period, part.generation);
            self.read(part, rows.clone(), &mut |columns| {
                served.extend(columns.rows().map(|row| ServedRecord {
                    period,
                    generation,
                    record: row.to_record(),
                }));
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(served)
    }

    /// The periods that hold the records of those numbers, and their numbers in each.
    fn wanted(&self, rows: Range<u64>) -> Vec<(&Part, Range<u64>)> {
        let end = rows.end.min(self.count());
        let first = self.parts.partition_point(|part| part.count_through <= rows.start);
        let mut before = self.count_before(first);
        let mut wanted = Vec::new();
        for part in &self.parts[first..] {
            if before >= end {
                break;
            }
            let of_part = rows.start.max(before) - before..end.min(part.count_through) - before;
            wanted.push((part, of_part));
            before = part.count_through;
        }
        wanted
    }

    /// The set in stretches of at most `most` records, each of one period, in order.
    pub fn chunks(&self, most: u64) -> Vec<Range<u64>> {
        let mut chunks = Vec::new();
        let mut at = 0;
        for part in &self.parts {
            while at < part.count_through {
                let end = part.count_through.min(at + most);
                chunks.push(at..end);
                at = end;
            }
        }
        chunks
    }

    /// The records of those numbers, as columns.
    pub fn columns(&self, rows: Range<u64>) -> Result<Vec<ServedColumns>, StoreError> {
        let mut all = Vec::new();
        self.take(rows, &mut |part, columns| {
            let (period, generation) = (part.period, part.generation);
            all.push(ServedColumns { period, generation, columns });
            Ok(())
        })?;
        Ok(all)
    }

    /// Takes the records of those numbers, period by period, as columns.
    fn take(
        &self,
        rows: Range<u64>,
        each: &mut dyn FnMut(&Part, RecordColumns) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for (part, of_part) in self.wanted(rows) {
            self.read(part, of_part, &mut |columns| {
                each(part, columns).map(ControlFlow::Continue)
            })?;
        }
        Ok(())
    }

    /// All records in order, streamed: memory does not grow with their number.
    pub fn for_each(
        &self,
        each: &mut dyn FnMut(ServedRecord) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.take(0..u64::MAX, &mut |part, columns| {
            let (period, generation) = (part.period, part.generation);
            columns.rows().try_for_each(|row| {
                each(ServedRecord { period, generation, record: row.to_record() })
            })
        })
    }

    /// The number of periods that hold records of the set.
    pub fn periods(&self) -> usize {
        self.parts.len()
    }

    /// Calls `each` with the quantity and the wanted columns of the records of one period, by its position
    /// among those of the set; nothing else of them is decoded.
    pub fn scan(
        &self,
        period: usize,
        wanted: &[RecordField],
        each: &mut dyn FnMut(Period, RecordScan<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(part) = self.parts.get(period) else { return Ok(()) };
        let footers = &self.store.inner.footers;
        let all = 0..self.count_of(period);
        self.stretches(part, all, &mut |file, ranges| {
            lake::record_scan::scan(file, footers, ranges, &self.sources, wanted, &mut |scan| {
                each(part.period, scan)
            })?;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The number of records of the part at a position.
    fn count_of(&self, at: usize) -> u64 {
        self.parts[at].count_through - self.count_before(at)
    }

    /// The number of records before the part at a position.
    fn count_before(&self, at: usize) -> u64 {
        at.checked_sub(1).map_or(0, |last| self.parts[last].count_through)
    }

    /// The sources whose ranks the records carry.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The record of this id, if it is in the set. Looks through one period.
    pub fn find(&self, id: RecordId) -> Result<Option<ServedRecord>, StoreError> {
        let at = self.parts.partition_point(|part| part.period.start < id.period_start());
        let Some(part) = self.parts.get(at) else { return Ok(None) };
        let (period, generation) = (part.period, part.generation);
        let (mut key, mut found) = (Vec::new(), None);
        self.read(part, 0..self.count_of(at), &mut |columns| {
            let is_it =
                |row: &RecordRow<'_>| row.id(self.sources.name(row.source), period, &mut key) == id;
            let Some(row) = columns.rows().find(is_it) else {
                return Ok(ControlFlow::Continue(()));
            };
            found = Some(ServedRecord { period, generation, record: row.to_record() });
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Takes those records of a period number `wanted` among its own, as columns.
    fn read(
        &self,
        part: &Part,
        wanted: Range<u64>,
        each: &mut TakeColumns<'_>,
    ) -> Result<(), StoreError> {
        self.stretches(part, wanted, &mut |file, ranges| {
            let footers = &self.store.inner.footers;
            for columns in lake::records::columns(file, footers, ranges, &self.sources)? {
                if each(columns?)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Calls `each` with the rows of the file that hold those records of a period, a bounded
    /// number of ranges at a time.
    fn stretches(
        &self,
        part: &Part,
        wanted: Range<u64>,
        each: &mut ReadRows<'_>,
    ) -> Result<(), StoreError> {
        let LakeFile { rows, bytes, path, .. } = &part.file;
        let path = self.store.dir().join(path);
        let file = self.store.named(&path, *rows, *bytes);
        if let Rows::Few(ranges) = &part.rows {
            return each(&file, &slice(ranges, wanted)).map(drop);
        }
        let mut next = wanted.start;
        while next < wanted.end {
            let found = self.store.with_index(&part.file, |index, nodes| {
                let choice = self.filter.choice(index);
                let found = index.find(&choice, next..wanted.end, RANGES_AT_ONCE, nodes)?;
                // What was counted is there, in a file that is what it was.
                if found.ranges.is_empty() { Err(NodeError::Damaged) } else { Ok(found) }
            })?;
            next = found.through;
            if each(&file, &found.ranges)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The part of `ranges` that holds their rows number `wanted`, counted through all of them.
fn slice(ranges: &[Range<u64>], wanted: Range<u64>) -> Vec<Range<u64>> {
    let mut sliced = Vec::new();
    let mut before = 0;
    for range in ranges {
        let length = range.end - range.start;
        let from = wanted.start.clamp(before, before + length) - before;
        let to = wanted.end.clamp(before, before + length) - before;
        if from < to {
            sliced.push(range.start + from..range.start + to);
        }
        before += length;
        if before >= wanted.end {
            break;
        }
    }
    sliced
}

#[cfg(test)]
mod tests {
    use super::slice;

    #[test]
    fn slices_of_ranges() {
        let ranges = [0..3, 10..12, 20..21];
        assert_eq!(slice(&ranges, 0..6), ranges);
        assert_eq!(slice(&ranges, 2..4), [2..3, 10..11]);
        assert_eq!(slice(&ranges, 3..5), vec![10..12]);
        assert_eq!(slice(&ranges, 5..6), vec![20..21]);
        assert_eq!(slice(&ranges, 6..6), []);
    }
}
