//! Accepted events and samples, to tell duplicates from news.
//!
//! They are not held in memory, however many there are. The catalogue keeps the
//! range of each file, and of events a compressed bitmap of the ids. A batch asks only
//! the files whose range it reaches into: for a cloud that goes on counting where it
//! stopped that is none, and for rows that come again those that hold them. Ids in no
//! order reach into every file for every batch, so the first some million that were asked
//! for stay in memory. Contents are compared only on a hit, by reading the row groups that
//! may hold the rows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cloudtally_model::{EventId, Instant, Millis, SourceName, UsageEvent, row_index};
use roaring::RoaringTreemap;
use rusqlite::params;

use super::Writer;
use crate::{
    Store, StoreError,
    catalogue::{checksums, db::Db, load, sql},
    lake::{self, SeriesRow},
    table::SampleTable,
};

/// Ids of files that are kept in memory at most: 64 MiB.
const IDS_KEPT_MAX: usize = 8 << 20;

/// The accepted events of one source.
#[derive(Debug)]
pub struct KnownEvents {
    pub(super) source: SourceName,
    /// The source's last file when its events were last looked up or appended to.
    pub(super) last_seq: u64,
    pruned_before: Option<Instant>,
    kept: Mutex<KeptIds>,
}

/// Ids of files that were asked for, in order. A file of a number never changes.
#[derive(Debug, Default)]
struct KeptIds {
    by_seq: HashMap<u64, Arc<[u64]>>,
    count: usize,
}

/// Counters of a sample that is in the lake, and the place of the sample that asked.
pub type StoredCounters = (usize, (u64, u64));

impl Writer {
    /// Begins to look up the accepted events of a source.
    ///
    /// # Errors
    /// `DatabaseDamaged` if the sets of ids are not what was written.
    pub fn known_events(&self, source: &SourceName) -> Result<KnownEvents, StoreError> {
        self.db()?.read(|db| {
            checksums::refuse_damaged(db, &[checksums::EVENT_FILE, checksums::PRUNED_EVENT_FILE])?;
            let last_seq = last_seq(db, source)?;
            let pruned_before = load::pruned(db)?.rows_before;
            let source = source.clone();
            Ok(KnownEvents { source, last_seq, pruned_before, kept: Mutex::default() })
        })
    }

    /// Finds the samples of the lake that have the instant and series of rows of a table,
    /// which are in the order of files. Of rows that are equal the first is found. The
    /// places are those in `rows`, in order.
    pub fn stored_counters(
        &self,
        source: &SourceName,
        samples: &SampleTable,
        rows: &[u32],
    ) -> Result<Vec<StoredCounters>, StoreError> {
        let sampled = |row: u32| samples.sampled(row_index(row));
        let (mut found, mut start) = (Vec::new(), 0);
        for day in rows.chunk_by(|a, b| sampled(*a).utc_day() == sampled(*b).utc_day()) {
            let (first, last) = (sampled(day[0]), sampled(day[day.len() - 1]));
            let query = sql::ingest::SAMPLE_FILES_OF_DAY;
            let params = params![source.as_str(), first.utc_day()];
            let mut files = load::sample_files(&*self.db()?, query, params)?;
            files.retain(|file| file.first_sampled <= last && first <= file.last_sampled);
            for file in &files {
                let mut rest = day.iter().zip(start..).peekable();
                let bounds = (first - Millis(1), last);
                self.sample_columns(file, bounds, None, &mut |stored| {
                    for row in 0..stored.height() {
                        let compare = |asked: u32| {
                            sampled(asked).cmp(&stored.sampled(row)).then_with(|| {
                                let asked = SeriesRow::in_table(samples, row_index(asked));
                                asked.compare(&stored.series(row))
                            })
                        };
                        while rest.next_if(|(asked, _)| compare(**asked).is_lt()).is_some() {}
                        if let Some((_, place)) =
                            rest.next_if(|(asked, _)| compare(**asked).is_eq())
                        {
                            found.push((place, stored.bytes(row)));
                        }
                    }
                })?;
            }
            start += day.len();
        }
        found.sort_unstable_by_key(|(place, _)| *place);
        Ok(found)
    }
}

impl KnownEvents {
    /// Finds those of some ids whose events were accepted. The ids must be in order, and
    /// so are those found.
    pub fn among(&self, store: &Store, ids: &[u64]) -> Result<Vec<u64>, StoreError> {
        store.db()?.read(|db| self.find(db, ids))
    }

    /// Finds those of some ids whose events were accepted and are pruned. The ids must be in
    /// order, and so are those found.
    pub fn pruned_among(&self, store: &Store, ids: &[u64]) -> Result<Vec<u64>, StoreError> {
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(Vec::new()) };
        store.db()?.read(|db| {
            let params = params![self.source.as_str(), first.cast_signed(), last.cast_signed()];
            let sets =
                db.rows(sql::prune::PRUNED_IDS_OF_SOURCE, params, |row| row.get::<_, Vec<u8>>(0))?;
            let mut found = Vec::new();
            for set in &sets {
                let set = from_blob(db, set)?;
                found.extend(ids.iter().filter(|id| set.contains(**id)));
            }
            found.sort_unstable();
            found.dedup();
            Ok(found)
        })
    }

    /// Tells up to where events are pruned.
    pub fn pruned_before(&self) -> Option<Instant> {
        self.pruned_before
    }

    pub(super) fn find(&self, db: &Db, ids: &[u64]) -> Result<Vec<u64>, StoreError> {
        let mut found = Vec::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let ranges = db.rows(
            sql::ingest::EVENT_ID_RANGES_OF_SOURCE,
            params![self.source.as_str()],
            |row| Ok((load::unsigned(row, 0)?, load::unsigned(row, 3)?, load::unsigned(row, 4)?)),
        )?;
        for (seq, min, max) in ranges {
            let within = ids.partition_point(|id| *id < min)..ids.partition_point(|id| *id <= max);
            if within.is_empty() {
                continue;
            }
            let stored = self.ids_of(db, seq)?;
            found.extend(ids[within].iter().filter(|id| stored.binary_search(id).is_ok()));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The ids of one file, in order.
    fn ids_of(&self, db: &Db, seq: u64) -> Result<Arc<[u64]>, StoreError> {
        // A panic elsewhere leaves at worst a wrong count of them.
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ids) = kept().by_seq.get(&seq) {
            return Ok(Arc::clone(ids));
        }
        let ids: Arc<[u64]> = file_ids(db, seq)?.iter().collect();
        let mut kept = kept();
        if kept.count + ids.len() <= IDS_KEPT_MAX {
            kept.count += ids.len();
            kept.by_seq.insert(seq, Arc::clone(&ids));
        }
        Ok(ids)
    }

    /// The stored events of these ids, all of them known; only the row groups that
    /// may hold them are read.
    pub fn contents(
        &self,
        store: &Store,
        ids: &[EventId],
    ) -> Result<HashMap<EventId, UsageEvent>, StoreError> {
        let mut missing: RoaringTreemap = ids.iter().map(|id| id.0).collect();
        let mut contents = HashMap::with_capacity(ids.len());
        let (Some(least), Some(most)) = (missing.min(), missing.max()) else { return Ok(contents) };
        // The files as they are now: some may have been merged since we were loaded.
        let db = store.db()?;
        let files = db.read(|db| {
            let params = params![self.source.as_str()];
            let mut files = db.rows(sql::ingest::EVENT_ID_RANGES_OF_SOURCE, params, |row| {
                let range = (load::unsigned(row, 3)?, load::unsigned(row, 4)?);
                let file = (load::path(row, 1)?, load::unsigned(row, 2)?, load::unsigned(row, 5)?);
                Ok((load::unsigned(row, 0)?, file, range))
            })?;
            files.retain(|(_, _, (min, max))| *min <= most && least <= *max);
            files
                .into_iter()
                .map(|(seq, file, _)| Ok((file, file_ids(db, seq)?)))
                .collect::<Result<Vec<_>, StoreError>>()
        })?;
        for ((path, rows, bytes), stored) in files {
            let wanted = stored & &missing;
            if wanted.is_empty() {
                continue;
            }
            missing -= &wanted;
            let path = store.dir().join(path);
            let file = store.named(&path, rows, bytes);
            lake::events::read_ids(&file, &wanted, &mut |event| {
                contents.insert(event.id, event);
            })?;
        }
        Ok(contents)
    }
}

/// The source's last file.
pub(super) fn last_seq(db: &Db, source: &SourceName) -> Result<u64, StoreError> {
    db.number(sql::ingest::LAST_SEQ_OF_SOURCE, params![source.as_str()])
}

/// The ids of one file.
pub(super) fn file_ids(db: &Db, seq: u64) -> Result<RoaringTreemap, StoreError> {
    let blob = db.row(sql::ingest::EVENT_IDS_OF_FILE, params![seq.cast_signed()], |row| {
        row.get::<_, Vec<u8>>(0)
    })?;
    from_blob(db, &blob.unwrap_or_default())
}

/// The stored form of an id set.
pub(super) fn to_blob(ids: &RoaringTreemap) -> Vec<u8> {
    let mut ids = ids.clone();
    ids.optimize();
    let mut blob = Vec::with_capacity(ids.serialized_size());
    ids.serialize_into(&mut blob).expect("writing to memory cannot fail");
    blob
}

fn from_blob(db: &Db, blob: &[u8]) -> Result<RoaringTreemap, StoreError> {
    RoaringTreemap::deserialize_from(blob)
        .map_err(|e| db.damaged(format!("a set of event ids is unreadable: {e}")))
}
