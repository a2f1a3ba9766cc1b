//! The SQLite side: what exists and what it was made from.
//!
//! These are plain data; how they are read stands in the modules below. SQL
//! itself lives in `sql/` and nowhere else.

pub(crate) mod accounts; // the account dimension
pub(crate) mod checksums; // a hash of each row
mod closing; // closed days, and what became of them
pub(crate) mod db; // connections, transactions, migrations
pub(crate) mod history; // which generation was published when
pub(crate) mod load; // rows to the types below
pub(crate) mod migrate; // an earlier database brought up to date
pub(crate) mod notes; // who added events, and why
pub(crate) mod pulls; // how far databases of clouds are pulled
mod relocate; // files that a migration gives other names
#[cfg(debug_assertions)]
pub(crate) mod rows; // all of it as text
pub(crate) mod settings; // the global configuration and the root admin's keys
pub(crate) mod sheet; // the account of each published period
pub(crate) mod sql; // the texts of sql/

use std::{fmt, path::PathBuf};

pub use accounts::Accounts;
pub use closing::{Adjustment, Closing, Restated};

use cloudtally_model::{
    AccountId, EventId, Instant, Period, ResourceId, SourceName, Sources, UsageTypeId,
};

/// One consistent view of what the folder holds.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// All registered sources.
    pub sources: Sources,
    /// Files of events, by `seq`.
    pub event_files: Vec<EventFile>,
    /// Files of samples, by `seq`.
    pub sample_files: Vec<SampleFile>,
    /// The current generation of each published period that has files, by start.
    pub periods: Vec<PublishedPeriod>,
    /// Published periods without any, by start.
    pub stretches: Vec<EmptyStretch>,
    /// Every change of an account's removal instant, by `seq`.
    pub account_removals: Vec<AccountRemoval>,
    /// Grows with every change of a removal instant; 0 if there was none.
    pub accounts_seq: u64,
    /// The instant through which a source was declared complete, by source.
    pub complete_through: Vec<(SourceName, Instant)>,
    /// Every closing, the last one last.
    pub closings: Vec<Closing>,
    /// The periods that carry adjustments, and for which closed ones, by their starts.
    pub adjustments: Vec<Adjustment>,
    /// Up to where what the folder was told is gone.
    pub pruned: Pruned,
}

impl Snapshot {
    /// Highest `seq` of the event files, 0 if there are none.
    pub fn events_seq(&self) -> u64 {
        self.event_files.last().map_or(0, |file| file.seq)
    }

    /// Highest `seq` of the sample files, 0 if there are none.
    pub fn samples_seq(&self) -> u64 {
        self.sample_files.last().map_or(0, |file| file.seq)
    }

    /// The published extents in order: periods with files one by one, empty ones as
    /// stretches, each with the inputs it was computed from.
    pub fn published(&self) -> Vec<(Period, Inputs)> {
        let periods = self.periods.iter().map(|known| (known.period, known.inputs));
        let stretches = self.stretches.iter().map(|empty| (empty.extent, empty.inputs));
        let mut published: Vec<_> = periods.chain(stretches).collect();
        published.sort_unstable_by_key(|(extent, _)| extent.start);
        published
    }

    /// The first published period, or the stretch of empty ones that is first.
    pub fn first_published(&self) -> Option<Period> {
        let period = self.periods.first().map(|known| known.period);
        let stretch = self.stretches.first().map(|empty| empty.extent);
        period.into_iter().chain(stretch).min()
    }

    /// End of the last published period.
    pub fn published_end(&self) -> Option<Instant> {
        let period = self.periods.last().map(|known| known.period.end);
        period.max(self.stretches.last().map(|empty| empty.extent.end))
    }

    /// The stretch of empty periods that holds an instant.
    pub fn stretch_at(&self, instant: Instant) -> Option<&EmptyStretch> {
        let at = self.stretches.partition_point(|empty| empty.extent.end <= instant);
        self.stretches.get(at).filter(|empty| empty.extent.contains(instant))
    }

    /// The earliest accepted event or sample; the end of what is pruned, if anything is.
    pub fn earliest(&self) -> Option<Instant> {
        if self.pruned.rows_before.is_some() {
            return self.pruned.rows_before;
        }
        let events = self.event_files.iter().map(|file| file.first_created);
        events.chain(self.sample_files.iter().map(|file| file.first_sampled)).min()
    }
}

/// Up to where a folder has let go of what it was told. Records stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events before this end of a closed period are gone, and samples up to it.
    pub rows_before: Option<Instant>,
    /// Generations that were shown last before this instant are gone.
    pub as_of_from: Option<Instant>,
}

/// Accepted events of one source and UTC day, as one step of an ingest left them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFile {
    /// Grows with every file; a merged file carries the highest of its inputs.
    pub seq: u64,
    /// Relative to the folder of state.
    pub path: PathBuf,
    /// The source of the events.
    pub source: SourceName,
    /// Days since 1970-01-01, in UTC.
    pub utc_day: i64,
    /// Number of events.
    pub rows: u64,
    /// Earliest `created`.
    pub first_created: Instant,
    /// Latest `created`.
    pub last_created: Instant,
    /// Smallest id.
    pub min_id: u64,
    /// Largest id.
    pub max_id: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Checksum in lower-case hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

/// Accepted samples of one source and UTC day, as one step of an ingest left them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFile {
    /// Grows with every file; a merged file carries the highest of its inputs.
    pub seq: u64,
    /// Relative to the folder of state.
    pub path: PathBuf,
    /// The source of the samples.
    pub source: SourceName,
    /// Days since 1970-01-01, in UTC.
    pub utc_day: i64,
    /// Number of samples.
    pub rows: u64,
    /// Earliest `sampled`.
    pub first_sampled: Instant,
    /// Latest `sampled`.
    pub last_sampled: Instant,
    /// Size of the file.
    pub bytes: u64,
    /// Checksum in lower-case hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

/// A file of the lake as the catalogue names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeFile {
    /// Relative to the folder of state.
    pub path: PathBuf,
    /// Number of rows.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Checksum in lower-case hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

/// A published period in its current generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedPeriod {
    /// The period.
    pub period: Period,
    /// 1 for the first publication of its records, one more for each that replaces them. A
    /// closed period keeps the one it was closed with.
    pub generation: u32,
    /// The inputs it was computed from, or restated from if it is closed.
    pub inputs: Inputs,
    /// Number of records.
    pub rows: u64,
    /// The records that are served.
    pub records: LakeFile,
    /// The records of a closed period by what has become known since, if they differ.
    pub restated: Option<Restated>,
    /// The segments open at its end; `None` if it was published without them.
    pub segments: Option<LakeFile>,
    /// The billed counters of its samples; `None` if it was published without them.
    pub counters: Option<LakeFile>,
}

/// Published periods in a row in which nothing was used: no records, nothing open, no
/// samples. They have no files; each counts as the first generation of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmptyStretch {
    /// From the start of the first period to the end of the last.
    pub extent: Period,
    /// The inputs they were computed from.
    pub inputs: Inputs,
}

/// A change of an account's removal instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRemoval {
    /// Grows with every change.
    pub seq: u64,
    /// The source of the account.
    pub source: SourceName,
    /// The account.
    pub account: AccountId,
    /// `removed` before the change.
    pub before: Option<Instant>,
    /// `removed` after it.
    pub after: Option<Instant>,
}

/// The inputs of a period: the highest `seq` of each kind it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Of event files.
    pub events_seq: u64,
    /// Of sample files; `None`: the period's samples are not billed yet.
    pub samples_seq: Option<u64>,
    /// Of changes of removal instants.
    pub accounts_seq: u64,
}

/// The root admin's keys.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminKeys {
    /// The public half.
    pub api_key: String,
    /// The secret that signs requests.
    pub secret_key: String,
}

impl fmt::Debug for AdminKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminKeys").field("api_key", &self.api_key).finish_non_exhaustive()
    }
}

/// One run of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobRun {
    /// Its number, from `begin_job`.
    pub id: u64,
    /// The kind of job.
    pub kind: String,
    /// Wall time, milliseconds since 1970.
    pub started_ms: i64,
    /// The present it went by, which is a simulated cloud's own; `None` for runs older
    /// than this column.
    pub as_of: Option<Instant>,
    /// Wall time; `None` while it runs, or when it never came to its end.
    pub finished_ms: Option<i64>,
    /// Start of the first period it published.
    pub from: Option<Instant>,
    /// End of the last period it published.
    pub to: Option<Instant>,
    /// Its state.
    pub state: JobState,
    /// Periods published, again or for the first time.
    pub periods: u64,
    /// Records of the periods computed.
    pub records: u64,
    /// The failure, for people; empty if there was none.
    pub message: String,
    /// Notes on the run: a source it waits for, counters that cannot be
    /// right. One note a line; empty if there is none.
    pub note: String,
}

/// The state of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JobState {
    /// Under way.
    #[default]
    Running,
    /// It did what there was to do.
    Done,
    /// It came to its end with an error.
    Failed,
    /// Its process ended before it did. What it had published stands.
    CutOff,
}

impl JobState {
    /// As people and programs read it.
    pub fn as_name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::CutOff => "cut off",
        }
    }
}

/// One of the three streams of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Usage events.
    Events,
    /// Network samples.
    Samples,
    /// Accounts.
    Accounts,
}

impl Stream {
    /// As the catalogue and the command line write it.
    pub fn as_name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Samples => "samples",
            Self::Accounts => "accounts",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Events, Self::Samples, Self::Accounts].into_iter().find(|s| s.as_name() == name)
    }
}

/// A row that ingest set aside. Unique by (source, stream, input, row, raw): the
/// same file again adds nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedRow {
    /// The source of the row.
    pub source: SourceName,
    /// Of which stream.
    pub stream: Stream,
    /// File name, or `-`.
    pub input: String,
    /// 1 is the first data row.
    pub row: u64,
    /// The reason it was set aside.
    pub reason: String,
    /// The row as it came.
    pub raw: String,
}

/// The rows of one kind of reason, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineKind {
    /// The source of the rows.
    pub source: SourceName,
    /// Of which stream.
    pub stream: Stream,
    /// Rows that are kept and can be looked at.
    pub kept: u64,
    /// Further rows that were only counted, each time they came.
    pub not_kept: u64,
    /// The reason of the first row.
    pub example: String,
}

/// Accepted events of one type that nothing meters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmeteredEvents {
    /// The source of the events.
    pub source: SourceName,
    /// Their type, in capital letters.
    pub event_type: String,
    /// Number of events.
    pub rows: u64,
}

/// One run of ingest and its counters. The caller counts; each append saves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestRun {
    /// Given by the first append.
    pub id: Option<u64>,
    /// Wall time, milliseconds since 1970.
    pub started_ms: i64,
    /// The source of the rows.
    pub source: SourceName,
    /// Of which stream.
    pub stream: Stream,
    /// The inputs that were read, for people.
    pub inputs: String,
    /// Rows read.
    pub read: u64,
    /// Rows kept.
    pub accepted: u64,
    /// Rows that were there already.
    pub duplicate: u64,
    /// Rows set aside.
    pub quarantined: u64,
    /// True if it came to its end.
    pub finished: bool,
    /// The last offset of our own cloud's outbox that this step takes: its rows are kept
    /// and taken off the outbox in one transaction.
    pub taken: Option<u64>,
}

/// Something odd in the history of a resource, found while aggregating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The period that was computed.
    pub period: Period,
    /// The source of the resource.
    pub source: SourceName,
    /// The event that is odd, if it is one.
    pub event: Option<EventId>,
    /// The usage type concerned.
    pub usage_type: UsageTypeId,
    /// The resource concerned.
    pub resource: ResourceId,
    /// The instant concerned.
    pub at: Instant,
    /// The oddity, in words.
    pub text: String,
}
