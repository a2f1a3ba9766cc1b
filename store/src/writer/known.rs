//! The ids of all accepted events of a source, to tell duplicates from news.
//!
//! Ids of a real cloud are nearly dense, so a compressed bitmap of them costs
//! next to nothing: ten million ids in a row take a few kilobytes. The catalogue
//! keeps one bitmap a file; here they are joined. Contents are compared only on a
//! hit, by reading the row groups that hold the ids.

use std::collections::HashMap;

use cloudtally_model::{EventId, SourceName, UsageEvent};
use roaring::RoaringTreemap;
use rusqlite::params;

use super::Writer;
use crate::{
    Store, StoreError,
    catalogue::{checksums, db::Db, load, sql},
    lake,
};

/// The ids of all accepted events of one source.
#[derive(Debug)]
pub struct KnownEvents {
    pub(super) source: SourceName,
    pub(super) ids: RoaringTreemap,
    /// The source's last file when the ids were loaded.
    pub(super) last_seq: u64,
}

impl Writer {
    /// Loads the ids of all accepted events of a source.
    pub fn known_events(&self, source: &SourceName) -> Result<KnownEvents, StoreError> {
        self.db()?.read(|db| KnownEvents::load(db, source))
    }
}

impl KnownEvents {
    /// Returns true if the event of this id was accepted.
    pub fn contains(&self, id: EventId) -> bool {
        self.ids.contains(id.0)
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
                let sum = (load::unsigned(row, 5)?, row.get::<_, String>(6)?);
                let file = (load::path(row, 1)?, load::unsigned(row, 2)?, sum);
                Ok((load::unsigned(row, 0)?, file, range))
            })?;
            files.retain(|(_, _, (min, max))| *min <= most && least <= *max);
            files
                .into_iter()
                .map(|(seq, file, _)| Ok((file, file_ids(db, seq)?)))
                .collect::<Result<Vec<_>, StoreError>>()
        })?;
        for ((path, rows, (bytes, sha256)), stored) in files {
            let wanted = stored & &missing;
            if wanted.is_empty() {
                continue;
            }
            missing -= &wanted;
            let path = store.dir().join(path);
            let file = store.named(&path, rows, bytes, &sha256);
            lake::events::read_ids(&file, &wanted, &mut |event| {
                contents.insert(event.id, event);
            })?;
        }
        Ok(contents)
    }

    pub(super) fn load(db: &Db, source: &SourceName) -> Result<Self, StoreError> {
        checksums::refuse_damaged(db, &[checksums::EVENT_FILE])?;
        let mut ids = RoaringTreemap::new();
        db.for_each(sql::ingest::EVENT_IDS_OF_SOURCE, params![source.as_str()], |row| {
            let blob: Vec<u8> = row.get(0).map_err(|e| db.damaged(e.to_string()))?;
            ids |= from_blob(db, &blob)?;
            Ok(())
        })?;
        Ok(Self { source: source.clone(), ids, last_seq: last_seq(db, source)? })
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
