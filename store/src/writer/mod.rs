//! Everything that changes the folder.
//!
//! One rule holds throughout: files first, then one transaction of the catalogue
//! that names them. Whatever happens before its commit leaves the folder as it
//! was, plus perhaps files that nothing names; the next writer removes those.

mod accounts; // the account dimension
mod append; // events and samples
mod closings; // closed days, and what they are restated as
mod compact; // many small files into one
mod dropped; // samples taken out
mod known; // accepted events and samples, by what a batch asks
mod links; // the current records under one name a period
mod orphans; // what a crash left behind
mod prune; // letting go of what is old
mod publish; // periods
mod quarantine; // rows set aside, as many as fit
mod set_back; // a folder that lived ahead of time
mod stretches; // periods in which nothing was used
mod upgrade; // files of an earlier format

use std::{ops::Deref, path::Path};

use cloudtally_model::{Instant, SourceName};
use rusqlite::params;
use tracing::Span;

use crate::{
    IngestRun, JobRun, JobState, LockWait, PullMark, Store, StoreError, Stream,
    catalogue::{
        checksums,
        db::Db,
        load::{self, path_text},
        pulls, sql,
    },
    disk,
    lake::file::NewFile,
    lease::{Fenced, Lease},
    lock::FolderLock,
};

pub(crate) use dropped::dropped;
pub use dropped::{DroppedSample, SamplesAt};
pub use known::{KnownEvents, StoredCounters};
pub use prune::{Prunable, PruneLimits};
pub use publish::{PeriodDraft, PeriodRows, Publication, Published, StagedPeriod, WriteRecords};
pub use set_back::LivedAhead;
pub use stretches::SeenSamples;
pub use upgrade::Upgrade;

/// A store whose lock is held; freed when dropped.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    // Given back before the lock is free.
    lease: Lease,
    _lock: FolderLock,
}

impl Deref for Writer {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Store {
    /// Takes the folder's lock, waiting for it up to `wait.limit`, and removes what
    /// a crash left behind. Reading never needs the lock.
    ///
    /// # Errors
    /// `Locked` when another process still holds it at the end of the wait, `Leased` when
    /// one of another machine does;
    /// `DatabaseDamaged` when a row that all writing goes by is not what was written.
    pub fn writer(&self, wait: LockWait<'_>) -> Result<Writer, StoreError> {
        self.refuse_if_read_only()?;
        let LockWait { limit, on_wait } = wait;
        let lock = FolderLock::take(self.dir(), LockWait { limit, on_wait })?;
        self.writer_with(lock, LockWait { limit, on_wait })
    }

    /// Does the same with the folder's lock in hand.
    fn writer_with(&self, lock: FolderLock, wait: LockWait<'_>) -> Result<Writer, StoreError> {
        self.db()?.read(|db| checksums::refuse_damaged(db, checksums::OF_A_WRITER))?;
        let lease = Lease::take(self, wait)?;
        let writer = Writer { store: self.clone(), lease, _lock: lock };
        writer.remove_orphans()?;
        writer.apply_modes()?;
        // Nobody is at a job now: one without an end was cut off.
        writer.db()?.write(|db| db.execute(sql::jobs::CUT_OFF, []).map(drop))?;
        Ok(writer)
    }
}

impl Writer {
    /// A connection whose changes are refused once another machine has taken over.
    pub(crate) fn db(&self) -> Result<Fenced<'_>, StoreError> {
        Ok(self.lease.fence(self.store.db()?))
    }

    /// Registers a source; one that is registered stays as it is.
    pub fn source(&self, name: &SourceName) -> Result<(), StoreError> {
        self.db()?.write(|db| source_id(db, name).map(drop))
    }

    /// Says that a source is complete through `instant`, in place of what was said before:
    /// all its events up to then have been ingested. Registers the source if need be.
    pub fn set_complete_through(
        &self,
        name: &SourceName,
        instant: Instant,
    ) -> Result<(), StoreError> {
        self.db()?.write(|db| {
            let params = params![source_id(db, name)?, instant.as_millis()];
            db.execute(sql::ingest::SET_COMPLETE_THROUGH, params).map(drop)
        })
    }

    /// Stores how far the database of a source is pulled, and that the source is complete
    /// through the instant of the snapshot. Registers the source if need be.
    pub fn end_pull(&self, name: &SourceName, mark: &PullMark) -> Result<(), StoreError> {
        self.db()?.write(|db| {
            let source_id = source_id(db, name)?;
            pulls::put(db, source_id, mark)?;
            let params = params![source_id, mark.snapshot.as_millis()];
            db.execute(sql::ingest::SET_COMPLETE_THROUGH, params).map(drop)
        })
    }

    /// Notes that a job began; returns its number. `as_of` is the present it goes by.
    pub fn begin_job(
        &self,
        kind: &str,
        started_ms: i64,
        as_of: Instant,
    ) -> Result<u64, StoreError> {
        let row = params![kind, started_ms, as_of.as_millis()];
        let id = self.db()?.write(|db| db.number(sql::jobs::BEGIN, row))?;
        // Lines that the run logs from here on name it, where a span waits for it.
        Span::current().record("job", id);
        Ok(id)
    }

    /// Notes how a job ended, by its `id`.
    pub fn finish_job(&self, job: &JobRun) -> Result<(), StoreError> {
        let success = match job.state {
            JobState::Running => None,
            JobState::Done => Some(true),
            JobState::Failed | JobState::CutOff => Some(false),
        };
        let changed = self.db()?.write(|db| {
            db.execute(
                sql::jobs::FINISH,
                params![
                    job.id.cast_signed(),
                    job.finished_ms,
                    job.from.map(Instant::as_millis),
                    job.to.map(Instant::as_millis),
                    success,
                    job.periods.cast_signed(),
                    job.records.cast_signed(),
                    job.message,
                    job.note,
                ],
            )
        })?;
        if changed == 0 {
            return Err(StoreError::UnknownJob { id: job.id });
        }
        Ok(())
    }
}

/// The catalogue's number of a source, registering it if need be.
fn source_id(db: &Db, name: &SourceName) -> Result<i64, StoreError> {
    db.execute(sql::ingest::REGISTER_SOURCE, params![name.as_str()])?;
    db.row(sql::ingest::SOURCE_ID, params![name.as_str()], |row| row.get(0))?
        .ok_or_else(|| db.damaged(format!("the source `{name}` cannot be registered")))
}

/// Saves a run's counters; returns its number.
fn save_run(db: &Db, run: &IngestRun) -> Result<u64, StoreError> {
    if let Some(taken) = run.taken {
        let take = match run.stream {
            Stream::Events => sql::platform::TAKE_EVENTS,
            Stream::Samples => sql::platform::TAKE_SAMPLES,
            Stream::Accounts => sql::platform::TAKE_ACCOUNTS,
        };
        db.execute(take, params![taken.cast_signed()])?;
    }
    let counts = [run.read, run.accepted, run.duplicate, run.quarantined].map(u64::cast_signed);
    let [read, accepted, duplicate, quarantined] = counts;
    let (source, stream) = (run.source.as_str(), run.stream.as_name());
    let (started_ms, inputs, finished) = (run.started_ms, &run.inputs, run.finished);
    if let Some(id) = run.id {
        let changed = db.execute(
            sql::ingest::UPDATE_RUN,
            params![
                id.cast_signed(),
                started_ms,
                source,
                stream,
                inputs,
                read,
                accepted,
                duplicate,
                quarantined,
                finished
            ],
        )?;
        if changed == 1 {
            return Ok(id);
        }
    }
    db.number(
        sql::ingest::INSERT_RUN,
        params![
            started_ms,
            source,
            stream,
            inputs,
            read,
            accepted,
            duplicate,
            quarantined,
            finished
        ],
    )
}

/// Takes the next `count` numbers of a counter; returns the first.
fn next_numbers(db: &Db, counter: &str, count: usize) -> Result<u64, StoreError> {
    let count = count as u64;
    let last = db.number(sql::ingest::COUNT_UP, params![counter, count.cast_signed()])?;
    Ok(last + 1 - count)
}

/// The instant under which a transaction is noted: that of a clock, but never before what was
/// noted last, so that what was there at an instant never changes.
fn noted(db: &Db, at: Instant) -> Result<Instant, StoreError> {
    let last = db.row(sql::periods::LAST_NOTED, [], |row| load::at(row, 0))?;
    Ok(last.map_or(at, |last| last.max(at)))
}

/// Lets a file go that something newer has replaced in this transaction.
fn retire(db: &Db, path: &Path) -> Result<(), StoreError> {
    db.execute(sql::lake::RETIRE, params![path_text(path), now_ms()]).map(drop)
}

/// Keeps the checksums of the blocks of a file that this transaction names.
fn put_blocks(db: &Db, file: &NewFile) -> Result<(), StoreError> {
    db.execute(sql::lake::PUT_BLOCKS, params![path_text(&file.path), &*file.blocks]).map(drop)
}

/// Wall time, for housekeeping alone: no record depends on it.
pub(crate) fn now_ms() -> i64 {
    disk::now_ms()
}
