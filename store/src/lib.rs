#![doc = include_str!("../README.md")]

mod catalogue; // the SQLite side: what exists and what it was made from
mod error;
mod lock; // one writer at a time
mod query; // records by window, account and type
mod verify; // what `check` looks at
mod writer; // everything that changes the folder

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cloudtally_model::{
    Calendar, Instant, NetworkSample, Segment, Sources, UsageEvent, UsageRecord, settings::Setting,
};

pub use catalogue::{
    AccountRemoval, Accounts, AdminKeys, Anomaly, EventFile, IngestRun, Inputs, JobRun, LakeFile,
    PublishedPeriod, QuarantinedRow, SampleFile, Snapshot, Stream,
};
pub use error::StoreError;
pub use lock::LockWait;
pub use query::{RecordFilter, RecordSet, RecordWindow, ServedRecord};
pub use verify::{Finding, Severity};
pub use writer::{BilledCounter, KnownEvents, PeriodDraft, StagedPeriod, Writer};

/// A folder of state, open for reading. Cheap to clone; safe to share.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
}

/// All crash points of debug builds, for tests that walk them.
pub fn crash_points() -> &'static [&'static str] {
    todo!()
}

#[expect(unused_variables, reason = "interface first")]
impl Store {
    /// Opens the folder, creating it and its database if they are not there.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        todo!()
    }

    /// Opens an existing folder; the error says how to make one.
    pub fn open_existing(dir: &Path) -> Result<Self, StoreError> {
        todo!()
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Takes the folder's lock, waiting for it, and removes what a crash left behind.
    pub fn writer(&self, wait: LockWait<'_>) -> Result<Writer, StoreError> {
        todo!()
    }

    /// One consistent view of the catalogue.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        todo!()
    }

    /// How time is cut, from the two settings.
    pub fn calendar(&self) -> Result<Calendar, StoreError> {
        todo!()
    }

    /// The value of a setting, or its default.
    pub fn setting(&self, name: &str) -> Result<String, StoreError> {
        todo!()
    }

    /// All settings with their values, by name.
    pub fn settings(&self) -> Result<Vec<(&'static Setting, String)>, StoreError> {
        todo!()
    }

    /// The account dimension; cached until it changes.
    pub fn accounts(&self) -> Result<Arc<Accounts>, StoreError> {
        todo!()
    }

    /// The root admin's keys.
    pub fn admin_keys(&self) -> Result<Option<AdminKeys>, StoreError> {
        todo!()
    }

    /// Runs of jobs, newest first.
    pub fn jobs(&self, most: usize) -> Result<Vec<JobRun>, StoreError> {
        todo!()
    }

    /// Anomalies, latest period first.
    pub fn anomalies(&self, most: usize) -> Result<Vec<Anomaly>, StoreError> {
        todo!()
    }

    /// How many anomalies there are.
    pub fn anomaly_count(&self) -> Result<u64, StoreError> {
        todo!()
    }

    /// Rows set aside by ingest, newest first.
    pub fn quarantined(&self, most: usize) -> Result<Vec<QuarantinedRow>, StoreError> {
        todo!()
    }

    /// How many rows are set aside.
    pub fn quarantine_count(&self) -> Result<u64, StoreError> {
        todo!()
    }

    /// Runs of ingest, newest first.
    pub fn ingest_runs(&self, most: usize) -> Result<Vec<IngestRun>, StoreError> {
        todo!()
    }

    /// Events of one file with `created` in `[from, to)`, by (created, id).
    pub fn read_events(
        &self,
        file: &EventFile,
        from: Instant,
        to: Instant,
        each: &mut dyn FnMut(UsageEvent),
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Samples of one file with `sampled` in `(from, to]`, by (sampled, series).
    pub fn read_samples(
        &self,
        file: &SampleFile,
        from: Instant,
        to: Instant,
        each: &mut dyn FnMut(NetworkSample),
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Open segments at the end of a published period.
    pub fn read_open(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
    ) -> Result<Vec<Segment>, StoreError> {
        todo!()
    }

    /// Bytes already billed of the series whose samples lie in a published period.
    pub fn read_counters(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
    ) -> Result<Vec<BilledCounter>, StoreError> {
        todo!()
    }

    /// All records of one published period, in order.
    pub fn read_records(
        &self,
        period: &PublishedPeriod,
        sources: &Sources,
    ) -> Result<Vec<UsageRecord>, StoreError> {
        todo!()
    }

    /// The records of a window, ready to count and to page.
    pub fn records(
        &self,
        window: RecordWindow,
        filter: &RecordFilter,
    ) -> Result<RecordSet, StoreError> {
        todo!()
    }

    /// Everything wrong with the folder. `progress(done, total)` in bytes.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Finding>, StoreError> {
        todo!()
    }
}
