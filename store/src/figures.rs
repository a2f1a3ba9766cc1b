//! Figures of a folder for whoever watches it: sums over the catalogue's small tables.
//!
//! They are read when they are asked for and in one transaction, so they agree with one
//! another and survive a restart. No file of the lake is opened for them. They are for
//! graphs and alarms: no record is made of them, so rows are not held against checksums
//! here, as they are wherever they become an answer.

use cloudtally_model::{Instant, UsageTypeId};
use rusqlite::params;

use crate::{
    JobState, Store, StoreError, Stream,
    catalogue::{db::Db, load, sql},
    lock::FolderLock,
};

/// Rows of the outbox that are counted at most.
pub const OUTBOX_ROWS_MAX: u64 = 1_000_000;

/// The figures of a folder at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Rows that ingest has read, by stream.
    pub ingested: Vec<(Stream, IngestedRows)>,
    /// The latest event of each source, by name.
    pub last_events: Vec<(String, Instant)>,
    /// Rows that the simulated cloud has told and no job has taken yet, by stream, each
    /// at most [`OUTBOX_ROWS_MAX`].
    pub outbox: Vec<(Stream, u64)>,
    /// Ended runs of jobs, by kind.
    pub jobs: Vec<JobFigures>,
    /// True while a run is under way.
    pub job_is_running: bool,
    /// Anomalies of what is published, by usage type.
    pub anomalies: Vec<(UsageTypeId, u64)>,
    /// Corrections that publishing periods again has made.
    pub corrections: u64,
    /// Files of the lake that count, by kind.
    pub files: Vec<FileFigures>,
}

/// Rows of one stream by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestedRows {
    /// Kept.
    pub accepted: u64,
    /// There already.
    pub duplicate: u64,
    /// Set aside.
    pub quarantined: u64,
}

/// Ended runs of one kind of job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFigures {
    /// The kind.
    pub kind: String,
    /// Runs that did what there was to do.
    pub done: u64,
    /// Runs that ended with an error.
    pub failed: u64,
    /// Runs that ended with their process.
    pub cut_off: u64,
    /// Durations of runs that came to their end, in milliseconds, oldest run first.
    pub durations_ms: Vec<u64>,
    /// End of the last successful one, in wall time, milliseconds since 1970.
    pub last_success_ms: Option<i64>,
}

/// Files of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFigures {
    /// `events`, `samples`, `records` (every generation) or `open`.
    pub kind: String,
    /// Number of files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

impl Store {
    /// Reads the figures of the folder.
    pub fn figures(&self) -> Result<Figures, StoreError> {
        let is_writing = FolderLock::is_held(self.dir());
        self.db()?.read(|db| {
            let (jobs, job_is_running) = jobs(db, is_writing)?;
            Ok(Figures {
                ingested: ingested(db)?,
                last_events: db.rows(sql::figures::LAST_EVENTS, [], |row| {
                    Ok((row.get(0)?, load::at(row, 1)?))
                })?,
                outbox: outbox(db)?,
                jobs,
                job_is_running,
                anomalies: db.rows(sql::figures::ANOMALIES, [], |row| {
                    Ok((UsageTypeId(row.get(0)?), load::unsigned(row, 1)?))
                })?,
                corrections: db.number(sql::figures::CORRECTIONS, [])?,
                files: db.rows(sql::figures::FILES, [], |row| {
                    let (files, bytes) = (load::unsigned(row, 1)?, load::unsigned(row, 2)?);
                    Ok(FileFigures { kind: row.get(0)?, files, bytes })
                })?,
            })
        })
    }

    /// Opens the catalogue anew and reads a row of it, as whoever comes next would.
    ///
    /// # Errors
    /// As of [`Self::open_read_only`]: the database is gone, or is not one of ours any more.
    pub fn probe_catalogue(&self) -> Result<(), StoreError> {
        Self::expect_catalogue(self.dir())?;
        Self::open_read_only(self.dir()).map(drop)
    }

    /// Opens the file of the writers' lock, held or not, as the next writer would.
    ///
    /// # Errors
    /// `Permission`, and what else keeps a file from being opened.
    pub fn probe_lock(&self) -> Result<(), StoreError> {
        FolderLock::probe(self.dir())
    }

    /// Returns true if some process has the folder's cloud in memory.
    pub fn cloud_is_held(&self) -> bool {
        FolderLock::is_cloud_held(self.dir())
    }
}

fn ingested(db: &Db) -> Result<Vec<(Stream, IngestedRows)>, StoreError> {
    let rows = db.rows(sql::figures::ROWS_OF_RUNS, [], |row| {
        let [accepted, duplicate, quarantined] =
            [load::unsigned(row, 1)?, load::unsigned(row, 2)?, load::unsigned(row, 3)?];
        Ok((row.get::<_, String>(0)?, IngestedRows { accepted, duplicate, quarantined }))
    })?;
    // A stream that nothing came of yet counts from 0, so that its first rows show.
    let of = |stream: Stream| {
        let found = rows.iter().find(|(name, _)| name == stream.as_name());
        (stream, found.map_or_else(IngestedRows::default, |(_, rows)| *rows))
    };
    Ok([Stream::Events, Stream::Samples, Stream::Accounts].map(of).into())
}

fn outbox(db: &Db) -> Result<Vec<(Stream, u64)>, StoreError> {
    let counts = db.row(sql::figures::OUTBOX, params![OUTBOX_ROWS_MAX.cast_signed()], |row| {
        Ok([load::unsigned(row, 0)?, load::unsigned(row, 1)?, load::unsigned(row, 2)?])
    })?;
    let streams = [Stream::Events, Stream::Samples, Stream::Accounts];
    Ok(streams.into_iter().zip(counts.unwrap_or_default()).collect())
}

/// The ended runs by kind, and true if one is under way.
fn jobs(db: &Db, is_writing: bool) -> Result<(Vec<JobFigures>, bool), StoreError> {
    let (mut kinds, mut is_running) = (Vec::<JobFigures>::new(), false);
    db.for_each(sql::figures::RUNS_OF_JOBS, [], |row| {
        let error = |e| StoreError::database(db.path(), sql::figures::RUNS_OF_JOBS, e);
        let kind: String = row.get(0).map_err(error)?;
        let started_ms: i64 = row.get(1).map_err(error)?;
        let finished_ms: Option<i64> = row.get(2).map_err(error)?;
        let success: Option<bool> = row.get(3).map_err(error)?;
        if kinds.last().is_none_or(|last| last.kind != kind) {
            kinds.push(JobFigures { kind, ..JobFigures::default() });
        }
        let Some(of) = kinds.last_mut() else { return Ok(()) };
        match (load::job_state(success, finished_ms), finished_ms) {
            (JobState::Running, _) if is_writing => is_running = true,
            (JobState::Running | JobState::CutOff, _) => of.cut_off += 1,
            (JobState::Done, _) => of.done += 1,
            (JobState::Failed, _) => of.failed += 1,
        }
        if let Some(finished_ms) = finished_ms {
            of.durations_ms.push(u64::try_from(finished_ms - started_ms).unwrap_or_default());
            if success == Some(true) {
                of.last_success_ms = of.last_success_ms.max(Some(finished_ms));
            }
        }
        Ok(())
    })?;
    Ok((kinds, is_running))
}
