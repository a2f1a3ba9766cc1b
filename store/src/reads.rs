//! Reads besides records by window: the catalogue's
//! lists and whole files of the lake.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::{Arc, PoisonError},
};

use cloudtally_model::{
    Instant, NetworkSample, ResourceId, Segment, SegmentColumns, SegmentRow, SourceName, Sources,
    UsageEvent, UsageRecord,
};
use rusqlite::params;

use crate::{
    Accounts, Anomaly, BilledCounter, CorrectionNote, DaySheet, EventFile, IngestRun, JobRun,
    LakeFile, MendedEvent, PublishedPeriod, PullMark, QuarantineKind, QuarantinedRow, SampleFile,
    Snapshot, Store, StoreError, UnmeteredEvents,
    catalogue::{
        checksums::{self, not_as_written},
        load, notes, pulls, sheet, sql,
    },
    lake::{
        self, EventColumns, OpenThing, RecordReader, SampleColumns, blocks::KeptChecksums,
        file::NewFile, verified::NamedFile,
    },
    lock::FolderLock,
};

/// Memory for a path beside the checksums of its file.
const PATH_BYTES: usize = 200;

impl Store {
    /// One consistent view of the catalogue.
    ///
    /// # Errors
    /// `DatabaseDamaged` if a row of it is not what was written, or might be missing.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.db()?.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_A_SNAPSHOT)?;
            load::snapshot(db)
        })
    }

    /// The account dimension; kept in memory until it changes.
    pub fn accounts(&self) -> Result<Arc<Accounts>, StoreError> {
        self.db()?.read(|db| {
            let version = db.number(sql::ingest::COUNTER, params!["accounts"])?;
            let mut cached = self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, accounts)) = &*cached
                && *at == version
            {
                return Ok(Arc::clone(accounts));
            }
            checksums::refuse_untrusted(db, checksums::OF_ACCOUNTS)?;
            let accounts = Arc::new(Accounts::load(db)?);
            *cached = Some((version, Arc::clone(&accounts)));
            Ok(accounts)
        })
    }

    /// Runs of jobs, newest first: `most` behind the first `skip`.
    pub fn jobs(&self, skip: usize, most: usize) -> Result<Vec<JobRun>, StoreError> {
        load::jobs(&*self.db()?, skip, most, &|| FolderLock::is_held(self.dir()))
    }

    /// Counts all runs of jobs.
    pub fn job_count(&self) -> Result<u64, StoreError> {
        self.db()?.number(sql::jobs::COUNT, [])
    }

    /// Anomalies, latest period first.
    pub fn anomalies(&self, most: usize) -> Result<Vec<Anomaly>, StoreError> {
        load::anomalies(&*self.db()?, most)
    }

    /// The notes on events of a source that people added, by id.
    ///
    /// # Errors
    /// `DatabaseDamaged` if one is not what was written.
    pub fn correction_notes(&self, source: &SourceName) -> Result<Vec<CorrectionNote>, StoreError> {
        notes::of(&*self.db()?, source)
    }

    /// The mends of events of a source, by id and column.
    ///
    /// # Errors
    /// `DatabaseDamaged` if one is not what was written.
    pub fn mended_events(&self, source: &SourceName) -> Result<Vec<MendedEvent>, StoreError> {
        notes::mends_of(&*self.db()?, source)
    }

    /// Reads to where the database of a source is pulled; none where it never was.
    ///
    /// # Errors
    /// `DatabaseDamaged` if it is not what was written.
    pub fn pull_mark(&self, source: &SourceName) -> Result<Option<PullMark>, StoreError> {
        pulls::of(&*self.db()?, source)
    }

    /// The day sheet of a generation of a period; none where an earlier version published it.
    ///
    /// # Errors
    /// `DatabaseDamaged` if it is not what was written.
    pub fn sheet(&self, known: &PublishedPeriod) -> Result<Option<DaySheet>, StoreError> {
        sheet::get(&*self.db()?, known.period.start, known.generation)
    }

    /// Counts the anomalies.
    pub fn anomaly_count(&self) -> Result<u64, StoreError> {
        self.db()?.number(sql::periods::ANOMALY_COUNT, [])
    }

    /// Rows set aside by ingest, newest first.
    pub fn quarantined(
        &self,
        source: Option<&SourceName>,
        most: usize,
    ) -> Result<Vec<QuarantinedRow>, StoreError> {
        load::quarantined(&*self.db()?, source, most)
    }

    /// Counts the rows set aside, those included that are only counted.
    pub fn quarantine_count(&self) -> Result<u64, StoreError> {
        self.db()?.number(sql::quarantine::COUNT, params![None::<&str>])
    }

    /// Kinds of reasons that rows were set aside for, those with most rows first.
    pub fn quarantine_kinds(
        &self,
        source: Option<&SourceName>,
    ) -> Result<Vec<QuarantineKind>, StoreError> {
        load::quarantine_kinds(&*self.db()?, source)
    }

    /// Accepted events of types that nothing meters, by source and type.
    pub fn unmetered_events(&self) -> Result<Vec<UnmeteredEvents>, StoreError> {
        load::unmetered_events(&*self.db()?)
    }

    /// Runs of ingest, newest first.
    pub fn ingest_runs(&self, most: usize) -> Result<Vec<IngestRun>, StoreError> {
        load::ingest_runs(&*self.db()?, most)
    }

    /// Events of one file with `created` in `[from, to)`, by (created, id). Row
    /// groups outside are skipped.
    pub fn read_events(
        &self,
        file: &EventFile,
        from: Instant,
        to: Instant,
        each: &mut dyn FnMut(UsageEvent),
    ) -> Result<(), StoreError> {
        let path = self.dir().join(&file.path);
        lake::events::read(&self.named(&path, file.rows, file.bytes), from, to, each)
    }

    /// Like [`Self::read_events`], as columns of some thousand events.
    pub fn event_columns(
        &self,
        file: &EventFile,
        from: Instant,
        to: Instant,
        each: &mut dyn FnMut(EventColumns),
    ) -> Result<(), StoreError> {
        let path = self.dir().join(&file.path);
        let named = self.named(&path, file.rows, file.bytes);
        lake::events::columns(&named, from, to, each)
    }

    /// Samples of one file with `sampled` in `(from, to]`, by (sampled, series).
    pub fn read_samples(
        &self,
        file: &SampleFile,
        from: Instant,
        to: Instant,
        each: &mut dyn FnMut(NetworkSample),
    ) -> Result<(), StoreError> {
        let path = self.dir().join(&file.path);
        lake::samples::read(&self.named(&path, file.rows, file.bytes), from, to, each)
    }

    /// Like [`Self::read_samples`], as columns of some thousand samples; of one device
    /// alone if one is given.
    pub fn sample_columns(
        &self,
        file: &SampleFile,
        bounds: (Instant, Instant),
        device: Option<u64>,
        each: &mut dyn FnMut(SampleColumns),
    ) -> Result<(), StoreError> {
        let path = self.dir().join(&file.path);
        let named = self.named(&path, file.rows, file.bytes);
        lake::samples::columns(&named, bounds, device, each)
    }

    /// Open segments at the end of a published period. `sources` gives ranks.
    ///
    /// # Errors
    /// `NothingPublished` if the period was published without them: they are
    /// unknown then, which is not the same as none.
    pub fn read_open(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
    ) -> Result<Vec<Segment>, StoreError> {
        Ok(segments(&self.open_columns(period, sources)?))
    }

    /// Like [`Self::read_open`], as columns.
    pub fn open_columns(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
    ) -> Result<SegmentColumns, StoreError> {
        self.open_file(period, |file| lake::segments::read(file, sources, None))
    }

    /// Like [`Self::read_open`], of one resource.
    pub fn read_open_of(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
        resource: ResourceId,
    ) -> Result<Vec<Segment>, StoreError> {
        let read = |file: &NamedFile<'_>| lake::segments::read(file, sources, Some(resource));
        Ok(segments(&self.open_file(period, read)?))
    }

    /// Like [`Self::read_open`], of which things they are alone.
    pub fn read_open_things(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
    ) -> Result<Vec<OpenThing>, StoreError> {
        self.open_file(period, |file| lake::segments::read_things(file, sources))
    }

    fn open_file<T>(
        &self,
        period: &PublishedPeriod,
        read: impl FnOnce(&NamedFile<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(file) = &period.segments else {
            let what = "open segments";
            return Err(StoreError::NothingPublished { period: period.period, what });
        };
        let path = self.dir().join(&file.path);
        read(&self.named_lake(&path, file))
    }

    /// Bytes already billed of the series whose samples lie in a published period;
    /// empty if none were billed yet.
    pub fn read_counters(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
    ) -> Result<Vec<BilledCounter>, StoreError> {
        let Some(file) = &period.counters else { return Ok(Vec::new()) };
        let path = self.dir().join(&file.path);
        lake::counters::read(&self.named_lake(&path, file), sources)
    }

    /// All records of one published period, in order.
    pub fn read_records(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
    ) -> Result<Vec<UsageRecord>, StoreError> {
        let file = &period.records;
        let path = self.dir().join(&file.path);
        let mut records = Vec::new();
        let everything = 0..file.rows;
        let ranges = if file.rows == 0 { &[] } else { std::slice::from_ref(&everything) };
        let footers = &self.inner.footers;
        let file = self.named_lake(&path, file);
        let _ = lake::records::read(&file, footers, ranges, sources, &mut |record| {
            records.push(record);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(records)
    }

    /// All records of one published period, in order, some thousand at a time.
    pub fn record_columns<'a>(
        &self,
        period: &PublishedPeriod,
        sources: &'a Sources,
    ) -> Result<RecordReader<'a>, StoreError> {
        self.records_of_file(&period.records, sources)
    }

    /// All records of one file of records, in order, some thousand at a time.
    pub fn records_of_file<'a>(
        &self,
        file: &LakeFile,
        sources: &'a Sources,
    ) -> Result<RecordReader<'a>, StoreError> {
        let path = self.dir().join(&file.path);
        let everything = 0..file.rows;
        let ranges = if file.rows == 0 { &[] } else { std::slice::from_ref(&everything) };
        lake::records::columns(&self.named_lake(&path, file), &self.inner.footers, ranges, sources)
    }

    /// The records of bytes of one published period, in order.
    pub fn read_byte_records(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
    ) -> Result<Vec<UsageRecord>, StoreError> {
        let path = self.dir().join(&period.records.path);
        lake::records::read_bytes(&self.named_lake(&path, &period.records), sources)
    }

    /// A file of the lake by its absolute path.
    pub(crate) fn named<'a>(&'a self, path: &'a Path, rows: u64, bytes: u64) -> NamedFile<'a> {
        NamedFile { path, rows, bytes, checksums: self }
    }

    /// Keeps the checksums of a file that the catalogue does not name yet at hand.
    pub(crate) fn remember_blocks(&self, new: &NewFile) {
        let size = new.blocks.len() + PATH_BYTES;
        self.inner.blocks.put(&self.dir().join(&new.path), Arc::clone(&new.blocks), size);
    }

    fn named_lake<'a>(&'a self, path: &'a Path, file: &'a LakeFile) -> NamedFile<'a> {
        self.named(path, file.rows, file.bytes)
    }
}

impl KeptChecksums for Store {
    /// Those that the catalogue keeps.
    fn checksums_of(&self, path: &Path) -> Result<Arc<[u8]>, StoreError> {
        if let Some(known) = self.inner.blocks.get(path) {
            return Ok(known);
        }
        let db = self.db()?;
        let name = load::path_text(path.strip_prefix(self.dir()).unwrap_or(path));
        let row = db.row(sql::lake::BLOCKS, params![name], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, bool>(1)?))
        })?;
        match row {
            Some((blocks, true)) => {
                let blocks: Arc<[u8]> = blocks.into();
                self.inner.blocks.put(path, Arc::clone(&blocks), blocks.len() + PATH_BYTES);
                Ok(blocks)
            }
            Some((_, false)) => {
                Err(db.damaged(not_as_written("file_block", &format!("path {name}"))))
            }
            None => Err(db.damaged(format!("no checksums are kept of `{name}`"))),
        }
    }
}

fn segments(columns: &SegmentColumns) -> Vec<Segment> {
    columns.rows().map(SegmentRow::to_segment).collect()
}
