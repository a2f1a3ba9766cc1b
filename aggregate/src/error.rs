//! Errors of an aggregation, each with its remedy.

use std::path::PathBuf;

use chrono::NaiveDate;
use cloudtally_model::{EventId, Instant, Period, RecordId, calendar::DayError};
use cloudtally_store::{SamplesAt, SheetLine, StoreError};
use thiserror::Error;

/// Why a command of this crate could not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// The folder failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A day that does not exist.
    #[error(transparent)]
    Day(#[from] DayError),
    /// A window that ends before it starts.
    #[error("the window ends before it starts: `--from {from}` lies after `--to {to}`; swap them")]
    WindowReversed {
        /// The first day asked for.
        from: NaiveDate,
        /// The last day asked for.
        to: NaiveDate,
    },
    /// Nothing has been ingested.
    #[error(
        "there is nothing to aggregate: no usage event or network sample has been accepted yet; run `cloudtally ingest events FILE` first"
    )]
    NothingIngested,
    /// Usage after the present is not use.
    #[error(
        "period {period} is not over: it is {now}, and what lies ahead is not use; end with an earlier `--to` (`--now` goes back in time, and ahead only with `--force-now`)"
    )]
    PeriodNotOver {
        /// The first period that is not over.
        period: Period,
        /// The present, by the clock.
        now: Instant,
    },
    /// Closed days are never published again.
    #[error(
        "{what}, and {closed}; nothing opens them again: give days from {first_open} on, and late events become adjustments there with the next `cloudtally aggregate`"
    )]
    Closed {
        /// The thing that would change them.
        what: &'static str,
        /// The closing, in words: by whom, when and why.
        closed: String,
        /// The first day that is not closed.
        first_open: NaiveDate,
    },
    /// Days that are closed already.
    #[error("{closed}; nothing opens them again: close a day from {first_open} on")]
    ClosedAlready {
        /// The closing, in words: by whom, when and why.
        closed: String,
        /// The first day that is not closed.
        first_open: NaiveDate,
    },
    /// A period that would be closed is not published.
    #[error("period {period} is not published, so it cannot be closed; {remedy}")]
    ClosesUnpublished {
        /// The first such period.
        period: Period,
        /// The thing to do first.
        remedy: String,
    },
    /// Late events of a period that would be closed wait.
    #[error(
        "late events or account removals of period {period} wait to be published, so it cannot be closed; {remedy}"
    )]
    ClosesStale {
        /// The first such period.
        period: Period,
        /// The thing to do first.
        remedy: String,
    },
    /// A day that is not over is not closed.
    #[error("the day {day} is not over: it is {now}; close an earlier one")]
    ClosesUnfinished {
        /// The day asked for.
        day: NaiveDate,
        /// The present, by the clock.
        now: Instant,
    },
    /// A text that a closing keeps.
    #[error("the {what} of a closing cannot be {problem}; give up to 1000 characters on one line")]
    ClosingText {
        /// The name of the text.
        what: &'static str,
        /// The fault.
        problem: &'static str,
    },
    /// An id that names no record.
    #[error(
        "there is no record `{id}`; copy the id from an export or from listUsageRecords of this data folder"
    )]
    NoSuchRecord {
        /// The id asked for.
        id: RecordId,
    },
    /// A generation that an earlier version published and that was replaced since.
    #[error(
        "the record `{id}` was published by an earlier version, which did not keep what it was computed from; leave out `--asof` to explain it as it is now"
    )]
    InputsNotKept {
        /// The id asked for.
        id: RecordId,
    },
    /// A record whose events or samples are gone.
    #[error(
        "the events and samples behind the record `{id}` are pruned, like all before {before}; the record stays as it was closed, and `cloudtally sheet` shows what its day added up to"
    )]
    Pruned {
        /// The id asked for.
        id: RecordId,
        /// The end of what is pruned.
        before: Instant,
    },
    /// Days that cannot be pruned.
    #[error(
        "the days before {day} are not all closed, and open ones need their events; run `cloudtally close --through {last}` first, or name an earlier day"
    )]
    PrunesOpenDays {
        /// The day named.
        day: NaiveDate,
        /// The day before.
        last: NaiveDate,
    },
    /// Days that cannot be pruned because late input waits for them.
    #[error(
        "late events or samples wait for days before {day}; run `cloudtally aggregate` first, which says what it holds back; late samples are billed with the next day that is published"
    )]
    PrunesStale {
        /// The day named.
        day: NaiveDate,
    },
    /// Days that cannot be pruned because samples wait that no run bills.
    #[error(
        "samples of days before {day} wait, and no run bills them as they are: {}{}",
        .series[0],
        more_series(.series.len())
    )]
    PrunesWaiting {
        /// The day named.
        day: NaiveDate,
        /// The series that wait, in words, each with its remedy.
        series: Vec<String>,
    },
    /// A number that no event has.
    #[error(
        "there is no event {id}, or it had not arrived, or its day is pruned; give the id from the cloud's usage_event"
    )]
    NoSuchEvent {
        /// The number asked for.
        id: EventId,
    },
    /// A number that events of several sources have.
    #[error("the event {id} is in {} sources: {}; choose one with `--source`", .sources.len(), .sources.join(", "))]
    EventOfSeveral {
        /// The number asked for.
        id: EventId,
        /// The sources that have one.
        sources: Vec<String>,
    },
    /// An adjustment without the generations that it stands between.
    #[error(
        "the catalogue does not say between which generations the adjustment `{id}` stands; run `cloudtally check`"
    )]
    AdjustsNothing {
        /// The adjustment.
        id: RecordId,
    },
    /// No sample is meant.
    #[error(
        "there is no sample of device {} at {} in source `{}`; copy the instant from `cloudtally check`, and narrow by `--account` and `--address` only to what is there",
        .wanted.device, .wanted.at, .wanted.source
    )]
    NoSuchSample {
        /// The value asked for.
        wanted: Box<SamplesAt>,
    },
    /// Billed bytes are not taken back.
    #[error(
        "the sample of device {} at {} in source `{}` cannot be dropped, for bytes that it counted are billed; only samples that wait are",
        .wanted.device, .wanted.at, .wanted.source
    )]
    SampleBilled {
        /// The value asked for.
        wanted: Box<SamplesAt>,
    },
    /// An export that cannot be written.
    #[error("cannot write the export to `{path}`")]
    WriteExport {
        /// The destination.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// A grouping that polars refused.
    #[error("cannot group the records")]
    Group(#[source] Box<polars::error::PolarsError>),
    /// The sums of a period differ.
    #[error(
        "period {period} does not add up: {}; it is not published, nor is what comes behind it, and what was published before stands; this is a fault of the program: keep the folder as it is and report it with the output of `cloudtally check`",
        differing(.line, *.open)
    )]
    DoesNotAddUp {
        /// The period.
        period: Period,
        /// The first line that differs.
        line: Box<SheetLine>,
        /// Uses open at the end by the segments, and by the count.
        open: (i64, i64),
    },
    /// A column that is asked for twice.
    #[error("`{name}` is a group twice; name it once")]
    GroupTwice {
        /// The column.
        name: &'static str,
    },
    /// A column that records cannot be grouped by.
    #[error("`{name}` is not something to group by; use any of {}", .allowed.join(", "))]
    UnknownGroup {
        /// The value asked for.
        name: String,
        /// The values there are.
        allowed: Vec<&'static str>,
    },
}

/// ` (and 2 more series)`
fn more_series(count: usize) -> String {
    match count.saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more series)"),
    }
}

/// `usage type 1 of source `default` has 5 in its records, 5 in its segments and 6 ...`
fn differing(line: &SheetLine, (open, counted): (i64, i64)) -> String {
    let SheetLine { source, usage_type, records, segments, recomputed, .. } = line;
    let again = recomputed.map_or_else(String::new, |ms| format!(", {ms} recomputed"));
    format!(
        "usage type {usage_type} of source `{source}` has {records} in its records, {segments} in what they were made of{again}, with {open} uses open at the end and {counted} recomputed"
    )
}
