//! Errors of the folder: the file, the value, the remedy.
//!
//! Every variant names the file or the value and ends with the remedy. Failures
//! of the operating system are sorted into the few a person can do something
//! about (disk full, no permission, a file where a folder belongs); the rest keep
//! the system's own words as their cause.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use cloudtally_model::{EventId, Instant, Period, SourceName};
use parquet::errors::ParquetError;

use crate::lake::blocks::DamagedBlock;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no folder of state.
    #[error(
        "there is no data folder at `{}`; make one with `cloudtally ingest events FILE`, or name another with `--data DIR`",
        .dir.display()
    )]
    NoFolder {
        /// The folder that was looked for.
        dir: PathBuf,
    },
    /// Days that are closed stay closed.
    #[error(
        "the days that end by {through} are closed already, and nothing opens them again; close a later day"
    )]
    ClosedAlready {
        /// End of the last closed day.
        through: Instant,
    },
    /// A command that would change closed periods.
    #[error(
        "periods that end by {through} would be withdrawn, and {closed}; go back to a later instant, or begin another folder (`--data DIR`)"
    )]
    WithdrawsClosed {
        /// The instant by which the closed ones end.
        through: Instant,
        /// The closing, in words: by whom, when and why.
        closed: String,
    },
    /// There is a folder but it holds no database.
    #[error(
        "`{}` is not a data folder: it holds no `cloudtally.db`; make one with `cloudtally ingest events FILE`, or name another with `--data DIR`",
        .dir.display()
    )]
    NoCatalogue {
        /// The folder.
        dir: PathBuf,
    },
    /// A file stands where a folder belongs.
    #[error(
        "`{}` is a file but a folder is needed there; move it away or name another folder with `--data DIR`",
        .path.display()
    )]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// There are lake files but the database that names them is missing or empty.
    #[error(
        "`{}` is missing or empty while `{}` holds files of the lake; nothing was touched: restore `cloudtally.db` from the same backup as the files, or move the files away to begin anew",
        .database.display(), .lake.display()
    )]
    LakeWithoutCatalogue {
        /// The database.
        database: PathBuf,
        /// A folder of the lake that is not empty.
        lake: PathBuf,
    },
    /// An instant of the past was asked for that has not come.
    #[error(
        "the instant {at} lies ahead of the clock, which says {present}; name an instant up to that"
    )]
    AsOfAhead {
        /// The instant.
        at: Instant,
        /// The clock of what is billed.
        present: Instant,
    },
    /// An instant was asked for at which it is not known what was published.
    #[error(
        "what was published at {at} is not known, as an earlier version published it; {}",
        match .since {
            Some(since) => format!("name an instant from {since} on, since which it is kept"),
            None => "it is kept from the next run of `cloudtally aggregate` on".to_owned(),
        }
    )]
    AsOfUnknown {
        /// The instant.
        at: Instant,
        /// The first instant that is known.
        since: Option<Instant>,
    },
    /// An instant of which what was shown has been pruned.
    #[error(
        "what was shown at {at} is not kept any more: `cloudtally prune` took what was replaced before {since}; name an instant from then on"
    )]
    AsOfPruned {
        /// The instant.
        at: Instant,
        /// The first instant that is kept.
        since: Instant,
    },
    /// Rows that would be pruned, of a period that is open.
    #[error(
        "the events before {before} cannot go, since only periods that end by {through} are closed; close the days first"
    )]
    PrunesOpen {
        /// The end of what was to go.
        before: Instant,
        /// End of the last closed period.
        through: Instant,
    },
    /// The database was written by a newer version.
    #[error(
        "`{}` is of a newer version of Cloudtally (its schema is {found}, this program knows up to {known}); use the newer program",
        .path.display()
    )]
    NewerDatabase {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// The database is of an earlier version and cannot be brought up to date.
    #[error(
        "`{}` is of an earlier version of Cloudtally (its schema is {found}, this program's is {known}) and cannot be written; check it with the earlier program, or make a copy that can be written",
        .path.display()
    )]
    OlderDatabase {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// This program's.
        known: u32,
    },
    /// The files of the folder are of an earlier format.
    #[error(
        "the files of `{}` are of format {found}, and this program works with format {known}; copy the folder, then run `cloudtally upgrade --data {}`, which tells what it would do",
        .dir.display(), .dir.display()
    )]
    EarlierFormat {
        /// The folder.
        dir: PathBuf,
        /// The format of its files.
        found: u64,
        /// This program's.
        known: u64,
    },
    /// The files of the folder are of a later format.
    #[error(
        "the files of `{}` are of format {found}, made by a newer version of Cloudtally (this program knows up to {known}); use the newer program",
        .dir.display()
    )]
    LaterFormat {
        /// The folder.
        dir: PathBuf,
        /// The format of its files.
        found: u64,
        /// The latest this program knows.
        known: u64,
    },
    /// A file that was written anew does not hold what the earlier one holds.
    #[error(
        "`{}` does not hold the same rows when it is written anew; nothing was changed: keep the folder and the earlier program, and report this",
        .path.display()
    )]
    RewrittenDiffers {
        /// The earlier file.
        path: PathBuf,
    },
    /// The file called `cloudtally.db` is something else.
    #[error(
        "`{}` is not a database of Cloudtally; move it away or name another folder with `--data DIR`",
        .path.display()
    )]
    ForeignDatabase {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the folder's lock.
    #[error(
        "another process{holder} is writing to the folder (lock `{}`); waited {} s: try again when it is done",
        .path.display(), .waited.as_secs()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Time spent waiting.
        waited: Duration,
        /// ` (process 1234)` where known, else empty.
        holder: String,
    },
    /// Another machine holds the folder's lease.
    #[error(
        "{holder} writes to the folder since {since} and was heard of at {heard}; try again when it is done, or after {until} if it is no more"
    )]
    Leased {
        /// Whoever holds it.
        holder: String,
        /// Wall time since when.
        since: Instant,
        /// Wall time of its last sign of life.
        heard: Instant,
        /// Wall time at which another may take over.
        until: Instant,
    },
    /// Another machine has taken the folder over.
    #[error(
        "{holder} writes to the folder since {since}, since nothing was heard of this process for five minutes; nothing of this step was written: run the command again"
    )]
    LeaseLost {
        /// Whoever holds it.
        holder: String,
        /// Wall time since when.
        since: Instant,
    },
    /// Another process serves the folder's cloud.
    #[error(
        "another process{holder} serves the cloud of this folder (lock `{}`); stop it first, or name another folder with `--data DIR`",
        .path.display()
    )]
    Served {
        /// The lock file.
        path: PathBuf,
        /// ` (process 1234)` where known, else empty.
        holder: String,
    },
    /// No room left.
    #[error(
        "no room left on the disk for `{}`; nothing was lost: free some space and repeat the command",
        .path.display()
    )]
    DiskFull {
        /// The path that was being written.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// Not allowed.
    #[error(
        "no permission for `{}`; run as the user who owns the data folder, or change its owner or mode",
        .path.display()
    )]
    Permission {
        /// The path that was being read or written.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The system failed in some other way.
    #[error("cannot {doing} `{}`", .path.display())]
    Io {
        /// The operation, a verb.
        doing: &'static str,
        /// The file it was for.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
    /// The database is busy for longer than we wait.
    #[error(
        "`{}` is busy with another program for too long; close programs that have it open and repeat the command",
        .path.display()
    )]
    DatabaseBusy {
        /// The database.
        path: PathBuf,
        /// The database's words.
        #[source]
        cause: rusqlite::Error,
    },
    /// The disk failed while a transaction was made durable.
    #[error(
        "the disk failed while a change was written to `{}`, which may or may not hold it; look at the disk, then start again and see whether it is there",
        .path.display()
    )]
    UnknownFate {
        /// The database.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The cloud has told what is not in the lake yet.
    #[error("the cloud has told what is not in the lake yet; take its outbox first")]
    OutboxNotTaken,
    /// The database does not make sense.
    #[error(
        "`{}` is damaged: {what}; restore the whole data folder from a backup",
        .path.display()
    )]
    DatabaseDamaged {
        /// The database.
        path: PathBuf,
        /// The fault.
        what: String,
    },
    /// The database failed in some other way.
    #[error("the database `{}` refused `{query}`", .path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// The first line of the query.
        query: String,
        /// The database's words.
        #[source]
        cause: rusqlite::Error,
    },
    /// A file that the catalogue names is not there.
    #[error(
        "`{}` is missing; restore it from a backup (`cloudtally check` lists all that are missing)",
        .path.display()
    )]
    MissingFile {
        /// The file.
        path: PathBuf,
    },
    /// A file of the lake cannot be decoded, or does not hold what the catalogue says.
    #[error(
        "`{}` is damaged: {what}; restore it from a backup (`cloudtally check` lists all that are damaged)",
        .path.display()
    )]
    DamagedFile {
        /// The file.
        path: PathBuf,
        /// The fault.
        what: String,
    },
    /// A file could not be encoded.
    #[error("cannot encode `{file}`")]
    Encode {
        /// The kind of file that was being encoded.
        file: &'static str,
        /// The encoder's words.
        #[source]
        cause: ParquetError,
    },
    /// A number that a file cannot hold.
    #[error(
        "`{value}` does not fit the column `{column}` of {file}, which holds numbers from 0 to {most}; nothing was written"
    )]
    NumberTooLarge {
        /// The kind of file.
        file: &'static str,
        /// The column.
        column: String,
        /// The number.
        value: u64,
        /// The largest number that fits.
        most: u64,
    },
    /// There is no setting of this name.
    #[error("there is no setting `{name}`; {hint}")]
    UnknownSetting {
        /// The name asked for.
        name: String,
        /// Names that are near.
        hint: String,
    },
    /// A setting cannot have this value.
    #[error("`{value}` cannot be the value of `{name}`: {reason}")]
    SettingValue {
        /// The setting.
        name: String,
        /// The refused value.
        value: String,
        /// The reason.
        reason: String,
    },
    /// The setting is fixed once a period is published.
    #[error(
        "`{name}` stays `{current}`: the period {published} is already published, and cutting time differently after it would overlap or leave a gap; to use `{value}`, begin another data folder"
    )]
    SettingFixed {
        /// The setting.
        name: String,
        /// Its value.
        current: String,
        /// The refused value.
        value: String,
        /// The first published period.
        published: Period,
    },
    /// The settings that cut time were changed while periods were computed.
    #[error(
        "time is now cut in `{zone}` every {minutes} minutes, which was changed while the first periods were computed; nothing was published, the next run goes by it"
    )]
    CalendarChanged {
        /// The zone in force.
        zone: String,
        /// The range in force.
        minutes: u16,
    },
    /// A source that nothing registered.
    #[error("there is no source `{source_name}` in this folder; known are {known}")]
    UnknownSource {
        /// The name asked for.
        source_name: String,
        /// The names that are known.
        known: String,
    },
    /// An event that is already stored was to be stored again.
    #[error(
        "event {id} of source `{source_name}` is already stored; nothing was appended: load the known ids again"
    )]
    EventTwice {
        /// Its source.
        source_name: SourceName,
        /// Its id.
        id: EventId,
    },
    /// A sample occurs twice in a batch.
    #[error(
        "two samples of one series of source `{source_name}` have the same instant {sampled}; nothing was appended"
    )]
    SampleTwice {
        /// Its source.
        source_name: SourceName,
        /// Its instant.
        sampled: Instant,
    },
    /// Rows that are to be published are not sorted.
    #[error("the {what} of period {period} are not sorted at row {row}; nothing was published")]
    NotSorted {
        /// `records`, `open segments`.
        what: &'static str,
        /// The period.
        period: Period,
        /// The first row that comes before its predecessor.
        row: usize,
    },
    /// A period overlaps a published one.
    #[error(
        "the period {period} overlaps the published period {published}; nothing was published: `{}` and `{}` must be as they were then",
        cloudtally_model::settings::AGGREGATION_TIMEZONE,
        cloudtally_model::settings::AGGREGATION_RANGE
    )]
    PeriodOverlap {
        /// The new one.
        period: Period,
        /// The published one.
        published: Period,
    },
    /// There is nothing to keep.
    #[error("the period {period} has no {what} yet; publish it with some first")]
    NothingPublished {
        /// The period.
        period: Period,
        /// `records`, `open segments`.
        what: &'static str,
    },
    /// There is no such job.
    #[error("there is no job {id} to finish; begin it first")]
    UnknownJob {
        /// Its number.
        id: u64,
    },
    /// An error of a caller's own callback, handed through.
    #[error(transparent)]
    Callback(Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Sorts a failure of the operating system.
    pub(crate) fn io(doing: &'static str, path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        match cause.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull { path, cause: cause.into() },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Permission { path, cause: cause.into() }
            }
            io::ErrorKind::NotADirectory => {
                let file = path.ancestors().find(|part| part.is_file()).unwrap_or(&path).to_owned();
                Self::NotAFolder { path: file }
            }
            _ => Self::Io { doing, path, cause },
        }
    }

    /// Sorts a failure of the database.
    pub(crate) fn database(path: &Path, sql: &str, cause: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull { path, cause: cause.into() },
            Some(ErrorCode::CannotOpen) if !path.exists() => Self::MissingFile { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::Permission { path, cause: cause.into() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::DatabaseBusy { path, cause }
            }
            Some(ErrorCode::NotADatabase) => Self::ForeignDatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => {
                Self::DatabaseDamaged { path, what: cause.to_string() }
            }
            _ if is_of_a_value(&cause) => Self::DatabaseDamaged { path, what: cause.to_string() },
            _ => Self::Database { path, query: first_line(sql), cause },
        }
    }

    /// Sorts a failure to decode a lake file.
    pub(crate) fn decode(path: &Path, cause: ParquetError) -> Self {
        if let ParquetError::External(inner) = cause {
            return match inner.downcast::<io::Error>() {
                Ok(cause) if is_of_content(&cause) => {
                    Self::DamagedFile { path: path.to_owned(), what: cause.to_string() }
                }
                Ok(cause) => Self::io("read", path, *cause),
                Err(other) => Self::DamagedFile { path: path.to_owned(), what: other.to_string() },
            };
        }
        Self::DamagedFile { path: path.to_owned(), what: cause.to_string() }
    }
}

/// Returns true if the disk read what it was asked for, and it is not what was written.
fn is_of_content(cause: &io::Error) -> bool {
    let is_block = cause.get_ref().is_some_and(|cause| cause.is::<DamagedBlock>());
    is_block || cause.kind() == io::ErrorKind::UnexpectedEof
}

/// Returns true if a stored value is of another type or range than we store.
fn is_of_a_value(cause: &rusqlite::Error) -> bool {
    use rusqlite::Error as Cause;
    matches!(
        cause,
        Cause::FromSqlConversionFailure(..)
            | Cause::IntegralValueOutOfRange(..)
            | Cause::InvalidColumnType(..)
            | Cause::Utf8Error(..)
    )
}

fn first_line(sql: &str) -> String {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("--");
    sql.lines().find(is_code).unwrap_or_default().to_owned()
}
