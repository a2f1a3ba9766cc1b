#![doc = include_str!("../README.md")]

mod archived; // archived events of the simulated cloud
mod backup; // a copy while everything goes on
mod body; // attributes of the cloud's things as text
mod cache; // footers and key indexes that are used again and again
mod catalogue; // the SQLite side: what exists and what it was made from
mod crash; // crash points, for tests of debug builds
mod disk; // every operation on files
mod error;
mod figures; // sums for whoever watches
mod format; // which files a folder has
mod group_access; // the setting that lets the group read
mod guard; // a decoder that may panic
mod journal; // what the simulated cloud keeps
mod lake; // the Parquet side: one module a kind of file
mod lease; // who may write, between machines
mod lock; // one writer at a time
mod modes; // rights of files and folders
mod open; // opening, connections
mod outbox; // what the cloud tells the bill
mod query; // records by window, account and type
mod reads; // lists of the catalogue, whole files of the lake
mod table; // rows on their way into the lake, as columns
mod verify; // what `check` looks at
mod verify_content; // what is inside the files of the lake
mod verify_rows; // every row of the catalogue
mod view; // the folder as it was shown at an instant
mod writer; // everything that changes the folder

use std::sync::Arc;

pub use backup::{BackupError, BackupReport, Prune, RestoreReport};
pub use catalogue::{
    AccountRemoval, Accounts, Adjustment, AdminKeys, Anomaly, Closing, EmptyStretch, EventFile,
    IngestRun, Inputs, JobRun, JobState, LakeFile, Pruned, PublishedPeriod, QuarantineKind,
    QuarantinedRow, Restated, SampleFile, Snapshot, Stream, UnmeteredEvents,
    notes::{CorrectionNote, MendedEvent},
    pulls::{Hole, PullMark, RowMark},
    sheet::{DaySheet, SheetEvents, SheetFile, SheetLine},
    sql::named_query,
};
pub use crash::crash_points;
pub use error::StoreError;
pub use figures::{Figures, FileFigures, IngestedRows, JobFigures, OUTBOX_ROWS_MAX};
pub use guard::guarded;
pub use journal::SqliteJournal;
pub use lake::{
    BilledCounter, Correction, CorrectionCause, CorrectionEncoder, EncodedCorrections,
    EventColumns, OpenThing, RecordColumns, RecordEncoder, RecordField, RecordReader, RecordRows,
    RecordScan, SampleColumns, SeriesRow,
};
pub use lock::LockWait;
pub use outbox::Told;
pub use query::{
    CorrectionSet, RecordFilter, RecordSet, RecordWindow, ServedColumns, ServedCorrection,
    ServedRecord,
};
pub use table::{EventTable, SampleOrder, SampleTable, Words};
pub use verify::{Finding, Severity};
pub use view::View;
pub use writer::{
    DroppedSample, KnownEvents, LivedAhead, PeriodDraft, PeriodRows, Prunable, PruneLimits,
    Publication, Published, SamplesAt, SeenSamples, StagedPeriod, StoredCounters, Upgrade,
    WriteRecords, Writer,
};

/// Faults by a plan, and what tests compare after them; debug builds alone have them.
#[cfg(debug_assertions)]
pub mod faults {
    pub use crate::{
        catalogue::rows::rows,
        disk::faults::{Fault, Faults, Struck, step_clock},
    };
}

/// A folder of state, open for reading. Cheap to clone; safe to share.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<open::Inner>,
}
