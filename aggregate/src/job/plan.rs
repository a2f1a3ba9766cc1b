//! The plan of a run: the periods it computes, and how it bills bytes in them.

use chrono::NaiveDate;
use cloudtally_model::{Calendar, Instant, Period};
use cloudtally_store::Snapshot;

use super::{ready::Completeness, stale::stale_from};
use crate::{AggregateError, network::Published};

/// The periods to aggregate.
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
        /// The treatment of periods that are published.
        rebuild: Rebuild,
        /// The treatment of periods that are not over.
        unfinished: Unfinished,
    },
    /// Every published period again.
    RebuildAll,
}

/// True if published periods are computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// Only those that late events have touched.
    Touched,
    /// All of them.
    All,
}

/// The treatment by a back-fill of periods that are not over: usage of the future is
/// not use, and billing it would be a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Refuse the run and name the first one.
    Refuse,
    /// Leave them for later.
    LeaveOut,
}

/// The periods of a run and how bytes are billed in them.
///
/// Periods in a row are one *span*: nobody lists the periods of decades in which
/// perhaps nothing happened.
pub(super) struct Planned {
    /// In order; they do not touch.
    pub(super) spans: Vec<Period>,
    pub(super) network: NetworkMode,
}

/// The way in which a run bills bytes.
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
    let Some(earliest) = snapshot.earliest() else {
        return match plan {
            Plan::BackFill { .. } => Err(AggregateError::NothingIngested),
            _ => Ok(Planned { spans: Vec::new(), network: NetworkMode::Scheduled }),
        };
    };
    match plan {
        Plan::Scheduled => {
            let until = completeness.ready_until().min(now);
            let mut spans = unpublished(snapshot, over(calendar, earliest, until));
            // What is published is repaired wherever it lies, and be it ahead of now.
            spans.extend(stale(snapshot, calendar));
            let spans = joined(spans);
            Ok(Planned { spans, network: NetworkMode::Scheduled })
        }
        Plan::RebuildAll if snapshot.closing().is_some() => {
            Err(closed(snapshot, calendar, "`--rebuild` without dates would publish them again"))
        }
        Plan::RebuildAll => Ok(Planned {
            spans: joined(snapshot.published().into_iter().map(|(extent, _)| extent).collect()),
            network: NetworkMode::BackFill(Published::Recompute),
        }),
        Plan::BackFill { from, to, rebuild, unfinished } => {
            if from > to {
                return Err(AggregateError::WindowReversed { from, to });
            }
            let (start, end) = (calendar.day_bounds(from)?.0, calendar.day_bounds(to)?.1);
            if start < snapshot.closed_through() {
                let what = "a back-fill of such days would publish them again";
                return Err(closed(snapshot, calendar, what));
            }
            // Nothing is billed before the first event.
            let start = start.max(calendar.period_at(earliest).start);
            // Nobody walks to the end of a calendar to find that it is not over.
            if unfinished == Unfinished::Refuse && end > now && end > start {
                let period = calendar.period_at(now.max(start));
                return Err(AggregateError::PeriodNotOver { period, now });
            }
            let days = over(calendar, start, end.min(now));
            Ok(match rebuild {
                Rebuild::Touched => {
                    let new = unpublished(snapshot, days);
                    let touched = stale(snapshot, calendar).into_iter();
                    let touched = touched.filter_map(|extent| common(extent, days));
                    let spans = joined(new.into_iter().chain(touched).collect());
                    Planned { spans, network: NetworkMode::BackFill(Published::Keep) }
                }
                Rebuild::All => Planned {
                    spans: joined(vec![days]),
                    network: NetworkMode::BackFill(Published::Recompute),
                },
            })
        }
    }
}

/// The periods from the one that holds `from` to the last that is over by `until`; an
/// extent that ends before it starts if there is none.
pub(super) fn over(calendar: Calendar, from: Instant, until: Instant) -> Period {
    Period { start: calendar.period_at(from).start, end: calendar.period_at(until).start }
}

/// Lists the parts of `within` that are not published, in order.
pub(super) fn unpublished(snapshot: &Snapshot, within: Period) -> Vec<Period> {
    let mut gaps = Vec::new();
    let mut at = within.start;
    for (known, _) in snapshot.published() {
        gaps.extend(common(Period { start: at, end: known.start }, within));
        at = at.max(known.end);
    }
    gaps.extend(common(Period { start: at, end: within.end }, within));
    gaps
}

/// The refusal of what would publish closed days again.
fn closed(snapshot: &Snapshot, calendar: Calendar, what: &'static str) -> AggregateError {
    let closed = snapshot.closing().map_or_else(String::new, |closing| closing.told(calendar));
    let first_open = calendar.date_of(snapshot.closed_through());
    AggregateError::Closed { what, closed, first_open }
}

/// Lists the published periods that late events or removals have touched, and the first open
/// one if it carries what became of closed ones.
pub(super) fn stale(snapshot: &Snapshot, calendar: Calendar) -> Vec<Period> {
    let periods = snapshot.periods.iter().filter_map(|known| {
        stale_from(snapshot, known.period, &known.inputs).map(|_| known.period)
    });
    // Of empty ones only what comes behind: nothing was open before.
    let stretches = snapshot.stretches.iter().filter_map(move |empty| {
        let from = stale_from(snapshot, empty.extent, &empty.inputs)?;
        let start = calendar.period_at(from.max(empty.extent.start)).start;
        Some(Period { start, end: empty.extent.end })
    });
    let mut stale: Vec<Period> = periods.chain(stretches).collect();
    let Some(closing) = snapshot.closing() else { return stale };
    let restates = stale.iter().any(|extent| extent.start < closing.through);
    // Late use of days that were closed with nothing known of them is restated, too.
    let is_gap =
        |earliest| !unpublished(snapshot, over(calendar, earliest, closing.through)).is_empty();
    if restates || snapshot.earliest().is_some_and(is_gap) || snapshot.owed().next().is_some() {
        let first_open = calendar.period_at(closing.through);
        let is_published = !unpublished(snapshot, first_open).contains(&first_open);
        let is_listed = stale.iter().any(|extent| extent.contains(first_open.start));
        if is_published && !is_listed {
            stale.push(first_open);
        }
    }
    stale
}

/// The part that two extents have in common, if any.
fn common(a: Period, b: Period) -> Option<Period> {
    let both = Period { start: a.start.max(b.start), end: a.end.min(b.end) };
    (both.start < both.end).then_some(both)
}

/// Sorts extents and joins those that touch or overlap.
fn joined(mut extents: Vec<Period>) -> Vec<Period> {
    extents.retain(|extent| extent.start < extent.end);
    extents.sort_unstable();
    let mut joined: Vec<Period> = Vec::with_capacity(extents.len());
    for extent in extents {
        match joined.last_mut() {
            Some(last) if extent.start <= last.end => last.end = last.end.max(extent.end),
            _ => joined.push(extent),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_that_touch_are_one() {
        let extent = |start: i64, end: i64| Period {
            start: Instant::from_millis(start),
            end: Instant::from_millis(end),
        };
        let all = vec![extent(5, 7), extent(0, 2), extent(2, 3), extent(6, 9), extent(4, 4)];
        assert_eq!(joined(all), [extent(0, 3), extent(5, 9)]);
    }
}
