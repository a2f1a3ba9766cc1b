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
//! A *closed* period is never served otherwise than it was when it was closed: what late
//! events make of it goes into the first open period (module `carried`).
//!
//! # Source
//! Usage rules 6.

use cloudtally_model::{Calendar, Instant, with_causes};
use cloudtally_store::{JobRun, JobState, Published, Snapshot, Store, Writer};

mod carried; // what became of closed periods
mod change; // the numbers of what it changes
mod close; // closing days
mod computed; // a period computed, beside what is published
mod corrections; // what replacing a generation changes, and why
mod difference; // records of two generations beside each other
mod held; // changes that are too large
mod moves; // how much is moved, and what is held back
mod periods; // the state of each period
mod plan; // which periods to compute
mod prune; // what closed days need no more
mod publish; // staging and publishing what is computed
mod ready; // which periods every source is complete for
mod report; // bounds, place, progress and summary of a run
mod run; // computing them
mod stale; // periods that late events have touched
mod state; // one run

pub use close::close;
pub(crate) use difference::adjustments_between;
use moves::Allowance;
pub use moves::{HeldPeriod, HeldUsage, Mover};
pub use periods::{PeriodRow, PeriodState, periods};
use plan::plan_periods;
pub use plan::{Plan, Rebuild, Unfinished};
pub use prune::{Retention, prune_limits, retention};
use ready::Completeness;
pub use ready::{ShortSource, WaitingPeriod, waiting_period};
pub use report::{AggregateProgress, RunReport, RunRequest, Target, WindowLimits};
pub(crate) use stale::is_stale;
use state::{Run, View};

use crate::{AggregateError, window::Removals};

/// Runs the aggregation. `now` is the present of the cloud that is billed.
pub fn aggregate(
    target: Target<'_>,
    request: impl Into<RunRequest>,
    now: Instant,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<RunReport, AggregateError> {
    aggregate_within(target, request, now, WindowLimits::default(), progress)
}

/// Like [`aggregate`], within other bounds of memory.
pub fn aggregate_within(
    target: Target<'_>,
    request: impl Into<RunRequest>,
    now: Instant,
    limits: WindowLimits,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<RunReport, AggregateError> {
    let mut report = RunReport::default();
    let published_as = Published { at: now, job: None };
    aggregate_into(&mut report, target, &request.into(), published_as, limits, progress)?;
    Ok(report)
}

/// Like [`aggregate`]; when it fails, `report` is about what was published before.
fn aggregate_into(
    report: &mut RunReport,
    target: Target<'_>,
    request: &RunRequest,
    published_as: Published,
    limits: WindowLimits,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<(), AggregateError> {
    let (now, plan) = (published_as.at, request.plan);
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
    let allowance = Allowance::of(store, &request.accepted)?;
    let (snapshot, removals) = (&snapshot, &removals);
    let view = View { snapshot, calendar, removals, completeness, allowance, published_as };
    Run::new(target, limits, &view, report).compute(&planned, progress)?;
    report.accept_by = request.accepting(&report.held);
    let after = store.snapshot()?;
    report.checkpoint = checkpoint(&after, calendar);
    if plan == Plan::Scheduled {
        report.waits = view.completeness.waiting(&after, calendar, now);
    }
    Ok(())
}

/// Like [`aggregate`], and writes the run into the job history.
pub fn run_job(
    writer: &Writer,
    kind: &str,
    request: impl Into<RunRequest>,
    now: Instant,
    wall_clock_ms: &dyn Fn() -> i64,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<RunReport, AggregateError> {
    let started_ms = wall_clock_ms();
    let id = writer.begin_job(kind, started_ms, now)?;
    let mut report = RunReport::default();
    let (target, limits) = (Target::Publish(writer), WindowLimits::default());
    let published_as = Published { at: now, job: Some(id) };
    let request = request.into();
    let result = aggregate_into(&mut report, target, &request, published_as, limits, progress);
    let plan = request.plan;
    let result = result.and_then(|()| match plan {
        Plan::Scheduled => prune_by_settings(writer, now, &mut report),
        _ => Ok(()),
    });
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

/// Lets go of what the settings keep no longer.
fn prune_by_settings(
    writer: &Writer,
    now: Instant,
    report: &mut RunReport,
) -> Result<(), AggregateError> {
    let Retention { limits, blocked, .. } = retention(writer, now)?;
    report.keeps_rows = blocked.map(|cause| cause.to_string());
    let Some(limits) = limits else { return Ok(()) };
    Ok(writer.prune(limits).map(drop)?)
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
    // What is pruned was published.
    (end > start || snapshot.pruned.rows_before.is_some()).then_some(end)
}

/// Counts the published periods that wait to be republished, because late events or late
/// word of an account's removal have touched them.
pub fn stale_periods(snapshot: &Snapshot, calendar: Calendar) -> u64 {
    stale_before(snapshot, calendar, Instant::END_OF_TIME)
}

/// Like [`stale_periods`], of those that begin before an instant.
pub(crate) fn stale_before(snapshot: &Snapshot, calendar: Calendar, before: Instant) -> u64 {
    let stale = plan::stale(snapshot, calendar).into_iter();
    let stale = stale.filter(|extent| extent.start < before);
    stale.map(|extent| calendar.count(extent)).sum()
}

pub(crate) fn removals(snapshot: &Snapshot, store: &Store) -> Result<Removals, AggregateError> {
    let accounts = store.accounts()?;
    let removed = accounts.iter().filter_map(|(source, account)| {
        let source = snapshot.sources.id(source.as_str())?;
        Some(((source, account.id), account.removed?))
    });
    Ok(removed.collect())
}
