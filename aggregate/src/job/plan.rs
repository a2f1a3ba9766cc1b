//! Which periods a run computes, and how it bills bytes in them.

use std::collections::HashMap;

use chrono::NaiveDate;
use cloudtally_model::{Calendar, Instant, Period};
use cloudtally_store::{PublishedPeriod, Snapshot};

use super::{is_stale, ready::Completeness};
use crate::{AggregateError, network::Published};

/// What to aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The job as the schedule runs it.
    Scheduled,
    /// Days, both inclusive.
    BackFill {
        /// The first day.
        from: NaiveDate,
        /// The last day.
        to: NaiveDate,
        /// What to do with periods that are published.
        rebuild: Rebuild,
        /// What to do with periods that are not over.
        unfinished: Unfinished,
    },
    /// Every published period again.
    RebuildAll,
}

/// Whether published periods are computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// Only those that late events have touched.
    Touched,
    /// All of them.
    All,
}

/// What a back-fill does with periods that are not over: usage of the future is
/// not use, and billing it would be a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Refuse the run and name the first one.
    Refuse,
    /// Leave them for later.
    LeaveOut,
}

/// The periods of a run, in order, and how bytes are billed in them.
pub(super) struct Planned {
    pub(super) periods: Vec<Period>,
    pub(super) network: NetworkMode,
}

/// How a run bills bytes.
pub(super) enum NetworkMode {
    Scheduled,
    BackFill(Published),
}

pub(super) fn plan_periods(
    snapshot: &Snapshot,
    calendar: Calendar,
    plan: Plan,
    now: Instant,
    completeness: &Completeness,
) -> Result<Planned, AggregateError> {
    let published: HashMap<Instant, &PublishedPeriod> =
        snapshot.periods.iter().map(|p| (p.period.start, p)).collect();
    let wanted = |period: &Period| {
        published.get(&period.start).is_none_or(|known| is_stale(snapshot, known))
    };
    let Some(earliest) = snapshot.earliest() else {
        return match plan {
            Plan::BackFill { .. } => Err(AggregateError::NothingIngested),
            _ => Ok(Planned { periods: Vec::new(), network: NetworkMode::Scheduled }),
        };
    };
    match plan {
        Plan::Scheduled => {
            let until = completeness.ready_until().min(now);
            let new = calendar.complete_periods(earliest, until);
            let new = new.filter(|period| !published.contains_key(&period.start));
            // What is published is repaired wherever it lies, and be it ahead of now.
            let stale = snapshot.periods.iter().filter(|known| is_stale(snapshot, known));
            let mut periods: Vec<Period> = new.chain(stale.map(|known| known.period)).collect();
            periods.sort_unstable();
            Ok(Planned { periods, network: NetworkMode::Scheduled })
        }
        Plan::RebuildAll => Ok(Planned {
            periods: snapshot.periods.iter().map(|p| p.period).collect(),
            network: NetworkMode::BackFill(Published::Recompute),
        }),
        Plan::BackFill { from, to, rebuild, unfinished } => {
            if from > to {
                return Err(AggregateError::WindowReversed { from, to });
            }
            let (start, end) = (calendar.day_bounds(from)?.0, calendar.day_bounds(to)?.1);
            // Nothing is billed before the first event.
            let start = start.max(calendar.period_at(earliest).start);
            // Nobody walks to the end of a calendar to find that it is not over.
            if unfinished == Unfinished::Refuse && end > now && end > start {
                let period = calendar.period_at(now.max(start));
                return Err(AggregateError::PeriodNotOver { period, now });
            }
            let mut periods: Vec<Period> = calendar.complete_periods(start, end.min(now)).collect();
            let network = match rebuild {
                Rebuild::Touched => {
                    periods.retain(wanted);
                    NetworkMode::BackFill(Published::Keep)
                }
                Rebuild::All => NetworkMode::BackFill(Published::Recompute),
            };
            Ok(Planned { periods, network })
        }
    }
}
