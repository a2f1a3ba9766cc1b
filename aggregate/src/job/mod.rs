//! The usage job: which periods to compute, and publishing them.
//!
//! A run plans its periods first, then walks them oldest first in windows that
//! bound memory: fold the window's events onto the segments that were open
//! before it, cut, sum, add the bytes, compare with what is published, publish.
//! Each window is published in one catalogue transaction; a run that is killed
//! leaves whole periods and the next run goes on behind them to the same bytes. A
//! rebuild that takes bytes from one published period to another is published at
//! its end, in one transaction: a bill in which they stand twice never shows.
//!
//! A *scheduled* run publishes every period that is over, not published yet and *ready*
//! (module `ready`), and republishes those that late events, or late word of an
//! account's removal, have touched, wherever they lie. A *back-fill* does the same for the days it names; told to
//! rebuild, it recomputes published ones as well.
//!
//! # Source
//! Usage rules 6.

use cloudtally_model::{Calendar, Instant, Period, with_causes};
use cloudtally_store::{Inputs, JobRun, JobState, PublishedPeriod, Snapshot, Store, Writer};

mod computed; // a period computed, beside what is published
mod plan; // which periods to compute
mod publish; // staging and publishing what is computed
mod ready; // which periods every source is complete for
mod run; // computing them

use plan::plan_periods;
pub use plan::{Plan, Rebuild, Unfinished};
use ready::Completeness;
pub use ready::{ShortSource, WaitingPeriod, waiting_period};
use run::Run;

use crate::{AggregateError, network::OversizedSeries, window::Removals};

/// What bounds the memory of a run. The result does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// Events a window loads at most, unless one period alone has more.
    pub events: u64,
    /// Segments a window has at most, unless one period alone has more.
    pub segments: u64,
}

impl Default for WindowLimits {
    fn default() -> Self {
        Self { events: 1_000_000, segments: 1_500_000 }
    }
}

/// Where the result goes.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// Publish.
    Publish(&'a Writer),
    /// Compute and compare, and write nothing.
    DryRun(&'a Store),
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregateProgress {
    /// Periods done.
    pub done: u64,
    /// Periods planned.
    pub planned: u64,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Periods published for the first time.
    pub published: u64,
    /// Periods that got a new generation.
    pub republished: u64,
    /// Periods computed again to the same records.
    pub unchanged: u64,
    /// Records of the periods computed.
    pub records: u64,
    /// Records that were not there before.
    pub added: u64,
    /// Records whose quantity or fields changed.
    pub changed: u64,
    /// Records that are no more.
    pub removed: u64,
    /// Oddities found in the periods computed.
    pub anomalies: u64,
    /// Series of network samples that went into folded records.
    pub folded_series: u64,
    /// Series of network samples that wait because their bytes do not fit a record.
    pub oversized: Vec<OversizedSeries>,
    /// The first period that a scheduled run left for later because a source is not
    /// complete.
    pub waits: Option<WaitingPeriod>,
    /// Sources that are not complete through the end of what a back-fill computed.
    pub incomplete: Vec<ShortSource>,
    /// From the start of the first period published to the end of the last.
    pub extent: Option<Period>,
    /// End of the contiguous run of published periods, if there is one.
    pub checkpoint: Option<Instant>,
}

impl RunReport {
    /// Adds what later periods of the same run did.
    fn add(&mut self, more: &Self) {
        let sums = [
            (&mut self.published, more.published),
            (&mut self.republished, more.republished),
            (&mut self.unchanged, more.unchanged),
            (&mut self.records, more.records),
            (&mut self.added, more.added),
            (&mut self.changed, more.changed),
            (&mut self.removed, more.removed),
            (&mut self.anomalies, more.anomalies),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
        self.extent = match (self.extent, more.extent) {
            (Some(first), Some(last)) => Some(Period { start: first.start, end: last.end }),
            (first, last) => first.or(last),
        };
    }
}

/// Runs the aggregation. `now` is the present of the cloud that is billed.
pub fn aggregate(
    target: Target<'_>,
    plan: Plan,
    now: Instant,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<RunReport, AggregateError> {
    aggregate_within(target, plan, now, WindowLimits::default(), progress)
}

/// Like [`aggregate`], within other bounds of memory.
pub fn aggregate_within(
    target: Target<'_>,
    plan: Plan,
    now: Instant,
    limits: WindowLimits,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<RunReport, AggregateError> {
    let mut report = RunReport::default();
    aggregate_into(&mut report, target, plan, now, limits, progress)?;
    Ok(report)
}

/// Like [`aggregate`]; when it fails, `report` is about what was published before.
fn aggregate_into(
    report: &mut RunReport,
    target: Target<'_>,
    plan: Plan,
    now: Instant,
    limits: WindowLimits,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<(), AggregateError> {
    let store = target.store();
    let snapshot = store.snapshot()?;
    let calendar = store.calendar()?;
    let completeness = Completeness::of(store, &snapshot, now)?;
    let planned = plan_periods(&snapshot, calendar, plan, now, &completeness)?;
    if plan != Plan::Scheduled
        && let Some(last) = planned.spans.last()
    {
        report.incomplete = completeness.short(last.end);
    }
    let removals = removals(&snapshot, store)?;
    let view = View { snapshot: &snapshot, calendar, removals: &removals, completeness };
    Run::new(target, limits, &view, report).compute(&planned, progress)?;
    let after = store.snapshot()?;
    report.checkpoint = checkpoint(&after, calendar);
    if plan == Plan::Scheduled {
        report.waits = view.completeness.waiting(&after, calendar, now);
    }
    Ok(())
}

/// The consistent view that a run computes from.
struct View<'a> {
    snapshot: &'a Snapshot,
    calendar: Calendar,
    removals: &'a Removals,
    completeness: Completeness,
}

impl RunReport {
    /// Remarks of the run besides its numbers, one a line.
    fn note(&self) -> String {
        let waits = self.waits.iter().map(ToString::to_string);
        let incomplete = self.incomplete.iter().map(ToString::to_string);
        let oversized = self.oversized.iter().map(ToString::to_string);
        waits.chain(incomplete).chain(oversized).collect::<Vec<_>>().join("\n")
    }
}

/// Like [`aggregate`], and writes the run into the job history.
pub fn run_job(
    writer: &Writer,
    kind: &str,
    plan: Plan,
    now: Instant,
    wall_clock_ms: &dyn Fn() -> i64,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<RunReport, AggregateError> {
    let started_ms = wall_clock_ms();
    let id = writer.begin_job(kind, started_ms, now)?;
    let mut report = RunReport::default();
    let (target, limits) = (Target::Publish(writer), WindowLimits::default());
    let result = aggregate_into(&mut report, target, plan, now, limits, progress);
    let (state, message) = match &result {
        Ok(()) => (JobState::Done, String::new()),
        Err(error) => (JobState::Failed, with_causes(error)),
    };
    writer.finish_job(&JobRun {
        id,
        kind: kind.to_owned(),
        started_ms,
        as_of: Some(now),
        finished_ms: Some(wall_clock_ms()),
        from: report.extent.map(|extent| extent.start),
        to: report.extent.map(|extent| extent.end),
        state,
        periods: report.published + report.republished,
        records: report.records,
        message,
        note: report.note(),
    })?;
    result.map(|()| report)
}

/// End of the contiguous run of published periods that begins with the period of
/// the earliest accepted event.
pub fn checkpoint(snapshot: &Snapshot, calendar: Calendar) -> Option<Instant> {
    let start = calendar.period_at(snapshot.earliest()?).start;
    let mut end = start;
    for (known, _) in snapshot.published() {
        if known.start <= end && end < known.end {
            end = known.end;
        }
    }
    (end > start).then_some(end)
}

impl<'a> Target<'a> {
    fn store(self) -> &'a Store {
        match self {
            Self::Publish(writer) => writer,
            Self::DryRun(store) => store,
        }
    }
}

/// How many published periods wait to be republished, because late events or late
/// word of an account's removal have touched them.
pub fn stale_periods(snapshot: &Snapshot, calendar: Calendar) -> u64 {
    stale_before(snapshot, calendar, Instant::END_OF_TIME)
}

/// Like [`stale_periods`], of those that begin before an instant.
pub(crate) fn stale_before(snapshot: &Snapshot, calendar: Calendar, before: Instant) -> u64 {
    let stale = plan::stale(snapshot, calendar).filter(|extent| extent.start < before);
    stale.map(|extent| calendar.count(extent)).sum()
}

/// Whether events or removals have arrived that a published period has not seen
/// and that lie before its end.
pub(crate) fn is_stale(snapshot: &Snapshot, known: &PublishedPeriod) -> bool {
    stale_from(snapshot, known.period, &known.inputs).is_some()
}

/// The earliest of the events and removals that published periods have not seen and
/// that lie before their end.
pub(crate) fn stale_from(
    snapshot: &Snapshot,
    published: Period,
    inputs: &Inputs,
) -> Option<Instant> {
    let files = snapshot.event_files.iter().filter(|file| file.seq > inputs.events_seq);
    let removals = snapshot.account_removals.iter();
    let removals = removals.filter(|removal| removal.seq > inputs.accounts_seq);
    let removed = removals.flat_map(|removal| [removal.before, removal.after]).flatten();
    let late = files.map(|file| file.first_created).chain(removed);
    late.filter(|at| *at < published.end).min()
}

pub(crate) fn removals(snapshot: &Snapshot, store: &Store) -> Result<Removals, AggregateError> {
    let accounts = store.accounts()?;
    let removed = accounts.iter().filter_map(|(source, account)| {
        let source = snapshot.sources.id(source.as_str())?;
        Some(((source, account.id), account.removed?))
    });
    Ok(removed.collect())
}
