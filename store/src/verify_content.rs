//! Checks of the files' content against the rows of the catalogue.
//!
//! A file may be what was written, by its checksum, and yet not be what its row says: no
//! decoder reads it, or the catalogue's set of ids, its instants or its key index are of
//! other rows. Each file is read here, the columns that say so and no others.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use cloudtally_model::{Instant, Sources};
use roaring::RoaringTreemap;
use rusqlite::params;

use crate::{
    Finding, LakeFile, Store, StoreError,
    catalogue::{
        db::{DATABASE, Db},
        load, sql,
    },
    lake::{
        self,
        key_index::{KeyIndexBuilder, NodeFile},
    },
};

impl Store {
    /// Adds what the files hold that the catalogue does not say of them. Of a file that is
    /// told of already, nothing more is said.
    pub(crate) fn check_content(
        &self,
        db: &Db,
        findings: &mut Vec<Finding>,
    ) -> Result<(), StoreError> {
        let mut look = Look { store: self, db, findings };
        let parts = [Look::events, Look::samples, Look::records, Look::open, Look::corrections];
        for part in parts {
            // One part that cannot be read keeps nobody from hearing of the others.
            match part(&mut look) {
                Err(cause) if look.findings.is_empty() => return Err(cause),
                Err(cause) => look.findings.push(Finding::error(
                    Path::new(DATABASE),
                    format!("the rest of it could not be looked at: {cause}"),
                )),
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

struct Look<'a> {
    store: &'a Store,
    db: &'a Db,
    findings: &'a mut Vec<Finding>,
}

impl Look<'_> {
    /// The sets of ids by which `ingest` knows what it has taken. One that has lost an id
    /// bills an event twice; one that has another loses an event.
    fn events(&mut self) -> Result<(), StoreError> {
        let (files, sets) = self.db.read(|db| {
            let sets = db.rows(sql::ingest::EVENT_ID_SETS, [], |row| {
                Ok((load::path(row, 0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
            Ok((load::event_files(db)?, sets))
        })?;
        let sets: HashMap<PathBuf, Vec<u8>> = sets.into_iter().collect();
        for file in files {
            let blob = sets.get(&file.path).map(Vec::as_slice).unwrap_or_default();
            let path = self.store.dir().join(&file.path);
            let named = self.store.named(&path, file.rows, file.bytes);
            let Some((ids, created)) = self.read(&file.path, lake::events::extent(&named))? else {
                continue;
            };
            let kept = RoaringTreemap::deserialize_from(blob);
            let is_right = kept.is_ok_and(|kept| kept == ids)
                && (Some(file.min_id), Some(file.max_id)) == (ids.min(), ids.max())
                && created == Some((file.first_created, file.last_created));
            if !is_right {
                let rows = file.rows;
                self.tell(&file.path, "the set of ids", &format!("that of its {rows} events"));
            }
        }
        Ok(())
    }

    /// The instants by which a run knows which files of samples concern it.
    fn samples(&mut self) -> Result<(), StoreError> {
        let files = self.db.read(|db| load::sample_files(db, sql::ingest::SAMPLE_FILES, []))?;
        for file in files {
            let mut found: Option<(Instant, Instant)> = None;
            let before_all = Instant::from_millis(-1);
            let read =
                self.store.read_samples(&file, before_all, Instant::END_OF_TIME, &mut |sample| {
                    let at = sample.sampled;
                    let (first, last) = found.unwrap_or((at, at));
                    found = Some((first.min(at), last.max(at)));
                });
            let is_read = self.read(&file.path, read)?.is_some();
            if is_read && found != Some((file.first_sampled, file.last_sampled)) {
                let rows = file.rows;
                let wanted = format!("that of its {rows} samples");
                self.tell(&file.path, "the stretch of time", &wanted);
            }
        }
        Ok(())
    }

    /// The key indexes by which pages and sums find the records of an account.
    fn records(&mut self) -> Result<(), StoreError> {
        let (files, sources) = self.db.read(|db| {
            let files = db.rows(sql::periods::RECORD_FILES, [], |row| {
                Ok(LakeFile {
                    path: load::path(row, 0)?,
                    rows: load::unsigned(row, 1)?,
                    bytes: load::unsigned(row, 2)?,
                    sha256: row.get(3)?,
                })
            })?;
            Ok((files, load::sources(db)?))
        })?;
        for file in files {
            let is_right = self.has_its_index(&file, &sources);
            if self.read(&file.path, is_right)? == Some(false) {
                let (path, rows) = (file.path.display(), file.rows);
                let text = format!(
                    "the key index in `{path}` is not that of its {rows} records: restore the whole data folder from a backup"
                );
                self.findings.push(Finding::error(&file.path, text));
            }
        }
        Ok(())
    }

    /// Returns true if a file's key index is the one that its rows make.
    fn has_its_index(&self, file: &LakeFile, sources: &Sources) -> Result<bool, StoreError> {
        let path = self.store.dir().join(&file.path);
        let named = self.store.named(&path, file.rows, file.bytes);
        let place = lake::records::key_index(&named)?.place();
        let mut expected = KeyIndexBuilder::default();
        let mut is_sorted = true;
        lake::records::read_keys(&named, sources, &mut |key| {
            is_sorted &= expected.push(key, sources);
        })?;
        let nodes = NodeFile::open(&path, place)?;
        let found = nodes.read_all(place).map_err(|cause| nodes.error(cause))?;
        let expected = expected.finish();
        Ok(is_sorted && expected.is_at(place) && expected.bytes == found)
    }

    /// Open segments and billed counters, which are read or not.
    fn open(&mut self) -> Result<(), StoreError> {
        let snapshot = self.db.read(load::snapshot)?;
        for known in &snapshot.periods {
            let path = |file: &Option<LakeFile>| file.as_ref().map(|file| file.path.clone());
            if let Some(path) = path(&known.segments) {
                self.read(&path, self.store.read_open(known, &snapshot.sources))?;
            }
            if let Some(path) = path(&known.counters) {
                self.read(&path, self.store.read_counters(known, &snapshot.sources))?;
            }
        }
        Ok(())
    }

    /// Corrections, which are read or not.
    fn corrections(&mut self) -> Result<(), StoreError> {
        let (files, sources) = self.db.read(|db| {
            let files = db.rows(sql::periods::CORRECTIONS, [], |row| load::file(row, 2))?;
            Ok((files, load::sources(db)?))
        })?;
        for file in files {
            let path = self.store.dir().join(&file.path);
            let named = self.store.named(&path, file.rows, file.bytes);
            let read =
                lake::corrections::read(&named, &sources, &mut |_| Ok(ControlFlow::Continue(())));
            self.read(&file.path, read)?;
        }
        Ok(())
    }

    /// Takes a file's content; returns `None` with a finding if it cannot be read, and without one
    /// if it is told of already or was replaced meanwhile.
    fn read<T>(
        &mut self,
        path: &Path,
        result: Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let cause = match result {
            Ok(read) => return Ok(Some(read)),
            Err(cause) => cause,
        };
        let is_told = self.findings.iter().any(|finding| finding.path == path);
        let named = params![path.to_string_lossy()];
        if !is_told && self.db.number(sql::lake::IS_NAMED, named)? == 1 {
            let text = format!("it is what was written and cannot be read: {cause}");
            self.findings.push(Finding::error(path, text));
        }
        Ok(None)
    }

    fn tell(&mut self, path: &Path, what: &str, wanted: &str) {
        let text = format!(
            "{what} that the catalogue keeps of `{}` is not {wanted}: restore the whole data folder from a backup",
            path.display(),
        );
        self.findings.push(Finding::error(Path::new(DATABASE), text));
    }
}
