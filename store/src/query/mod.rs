//! Records by window, account and type.
//!
//! A [`RecordSet`] is made from the catalogue alone: it knows for each period of
//! the window which rows of which file belong to it. Counting is adding, and a
//! page is a binary search over the periods followed by reading just the pages of
//! the file that hold its rows, so neither depends on the size of the table.
//! Record files are never changed or removed, so a set stays whole while newer
//! generations are published.

mod filter;
pub(crate) mod key_index;

use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

use cloudtally_model::{Instant, Period, RecordId, RecordRow, Sources, UsageRecord};
use rusqlite::params;

use crate::{
    LakeFile, Store, StoreError,
    catalogue::{db::Db, load, sql},
    lake::{self, RecordColumns, RecordField, RecordReader, RecordScan},
};
pub use filter::RecordFilter;
use key_index::KeyIndex;

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
    /// Periods that hold at least one record of the set, by start.
    parts: Vec<Part>,
}

/// The records of the set in one period.
#[derive(Debug)]
struct Part {
    period: Period,
    generation: u32,
    file: LakeFile,
    /// The rows of the set, in order, not touching.
    ranges: Vec<Range<u64>>,
    /// Number of records of the set before this part and in it.
    count_through: u64,
}

impl Store {
    /// The records of a window, ready to count and to page.
    pub fn records(
        &self,
        window: RecordWindow,
        filter: &RecordFilter,
    ) -> Result<RecordSet, StoreError> {
        self.db()?.read(|db| {
            let (from, to) = (window.from.as_millis(), window.to.as_millis());
            let periods = db.rows(sql::periods::IN_WINDOW, params![from, to], |row| {
                let file = LakeFile {
                    path: load::path(row, 3)?,
                    rows: load::unsigned(row, 4)?,
                    bytes: load::unsigned(row, 5)?,
                    sha256: row.get(6)?,
                };
                Ok((load::period(row, 0)?, row.get::<_, u32>(2)?, file))
            })?;
            let mut set =
                RecordSet { store: self.clone(), sources: load::sources(db)?, parts: Vec::new() };
            for (period, generation, file) in periods {
                let everything = *filter == RecordFilter::default();
                let ranges = if everything && file.rows > 0 {
                    std::iter::once(0..file.rows).collect()
                } else if file.rows > 0 {
                    self.key_index(db, period, generation, &file)?.select(filter)
                } else {
                    Vec::new()
                };
                set.push(period, generation, file, ranges);
            }
            Ok(set)
        })
    }

    fn key_index(
        &self,
        db: &Db,
        period: Period,
        generation: u32,
        file: &LakeFile,
    ) -> Result<Arc<KeyIndex>, StoreError> {
        let path = &file.path;
        let cache = &self.inner.key_indexes;
        if let Some(index) = cache.get(path) {
            return Ok(index);
        }
        let params = params![period.start.as_millis(), generation];
        let blob = db.row(sql::periods::KEY_INDEX, params, |row| row.get::<_, Vec<u8>>(0))?;
        let index = blob.as_deref().and_then(KeyIndex::from_blob);
        let index = index.filter(|index| index.rows() == file.rows);
        let unreadable = || db.damaged(format!("the key index of `{}` is damaged", path.display()));
        let index = Arc::new(index.ok_or_else(unreadable)?);
        cache.put(path, Arc::clone(&index), index.size_bytes());
        Ok(index)
    }
}

impl RecordSet {
    fn push(&mut self, period: Period, generation: u32, file: LakeFile, ranges: Vec<Range<u64>>) {
        let count: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        if count > 0 {
            let count_through = self.count() + count;
            self.parts.push(Part { period, generation, file, ranges, count_through });
        }
    }

    /// Counts the records; reads no file.
    pub fn count(&self) -> u64 {
        self.parts.last().map_or(0, |part| part.count_through)
    }

    /// Records `[offset, offset + limit)` of the set, by period and record order;
    /// fewer where the set ends.
    pub fn page(&self, offset: u64, limit: u64) -> Result<Vec<ServedRecord>, StoreError> {
        let end = offset.saturating_add(limit).min(self.count());
        let mut page = Vec::new();
        if offset >= end {
            return Ok(page);
        }
        let first = self.parts.partition_point(|part| part.count_through <= offset);
        let mut before = if first == 0 { 0 } else { self.parts[first - 1].count_through };
        for part in &self.parts[first..] {
            if before >= end {
                break;
            }
            let wanted = offset.max(before) - before..end.min(part.count_through) - before;
            self.read(part, &slice(&part.ranges, wanted), &mut |record| {
                page.push(record);
                Ok(ControlFlow::Continue(()))
            })?;
            before = part.count_through;
        }
        Ok(page)
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
        let first = self.parts.partition_point(|part| part.count_through <= rows.start);
        let mut before = if first == 0 { 0 } else { self.parts[first - 1].count_through };
        for part in &self.parts[first..] {
            if before >= rows.end {
                break;
            }
            let wanted = rows.start.max(before) - before..rows.end.min(part.count_through) - before;
            for columns in self.part_columns(part, &slice(&part.ranges, wanted))? {
                let (period, generation) = (part.period, part.generation);
                all.push(ServedColumns { period, generation, columns: columns? });
            }
            before = part.count_through;
        }
        Ok(all)
    }

    /// All records in order, streamed: memory does not grow with their number.
    pub fn for_each(
        &self,
        each: &mut dyn FnMut(ServedRecord) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for part in &self.parts {
            self.read(part, &part.ranges, &mut |record| each(record).map(ControlFlow::Continue))?;
        }
        Ok(())
    }

    /// The number of periods that hold records of the set.
    pub fn periods(&self) -> usize {
        self.parts.len()
    }

    /// Calls `each` with the wanted columns of the records of one period, by its position
    /// among those of the set; nothing else of them is decoded.
    pub fn scan(
        &self,
        period: usize,
        wanted: &[RecordField],
        each: &mut dyn FnMut(Period, RecordScan<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(part) = self.parts.get(period) else { return Ok(()) };
        let path = self.store.dir().join(&part.file.path);
        let file = self.store.named(&path, part.file.rows, part.file.bytes, &part.file.sha256);
        let footers = &self.store.inner.footers;
        lake::records::scan(&file, footers, &part.ranges, &self.sources, wanted, &mut |scan| {
            each(part.period, scan)
        })
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
        let mut key = Vec::new();
        for columns in self.part_columns(part, &part.ranges)? {
            let columns = columns?;
            let is_it =
                |row: &RecordRow<'_>| row.id(self.sources.name(row.source), period, &mut key) == id;
            if let Some(row) = columns.rows().find(is_it) {
                return Ok(Some(ServedRecord { period, generation, record: row.to_record() }));
            }
        }
        Ok(None)
    }

    fn part_columns(
        &self,
        part: &Part,
        ranges: &[Range<u64>],
    ) -> Result<RecordReader<'_>, StoreError> {
        let path = self.store.dir().join(&part.file.path);
        let file = self.store.named(&path, part.file.rows, part.file.bytes, &part.file.sha256);
        lake::records::columns(&file, &self.store.inner.footers, ranges, &self.sources)
    }

    fn read(
        &self,
        part: &Part,
        ranges: &[Range<u64>],
        each: &mut dyn FnMut(ServedRecord) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let path = self.store.dir().join(&part.file.path);
        let (bytes, sha256) = (part.file.bytes, &part.file.sha256);
        let file = self.store.named(&path, part.file.rows, bytes, sha256);
        let (period, generation) = (part.period, part.generation);
        let footers = &self.store.inner.footers;
        lake::records::read(&file, footers, ranges, &self.sources, &mut |record| {
            each(ServedRecord { period, generation, record })
        })
        .map(drop)
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
pub(crate) mod tests_support {
    use cloudtally_model::{UsageRecord, ZoneId};

    /// A record with nothing in it.
    pub(crate) fn record() -> UsageRecord {
        UsageRecord {
            source: Default::default(),
            account: Default::default(),
            usage_type: Default::default(),
            resource: Default::default(),
            zone: ZoneId::NONE,
            nic: Default::default(),
            offering: None,
            template: None,
            size: None,
            network: Default::default(),
            resource_type: None,
            start: Default::default(),
            virtual_size: None,
            name: None,
            is_source_nat: None,
            is_elastic: None,
            is_default: None,
            quantity: 0,
        }
    }
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
