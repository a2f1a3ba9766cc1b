//! The rows and generations that closed days need no more.
//!
//! A later run begins with what was open at the end of some closed period, and with what
//! each counter said there. So rows go up to the last end of a period by the day named at which that
//! is kept; the use that is open there is billed on as if nothing had gone.

use chrono::{Days, NaiveDate};
use cloudtally_model::{Instant, Millis, settings};
use cloudtally_store::{Prunable, PruneLimits, Snapshot, Store, StoreError, Writer};

use super::stale::{is_stale, stale_from};
use crate::{AggregateError, network::NetworkBiller};

/// The rows and generations that are to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrunePlan {
    /// The limits.
    pub limits: PruneLimits,
}

impl PrunePlan {
    /// Everything of the days before one that is not needed any more.
    ///
    /// # Errors
    /// `PrunesOpenDays`, `PrunesStale`.
    pub fn before(store: &Store, day: NaiveDate) -> Result<Self, AggregateError> {
        let (snapshot, calendar) = (store.snapshot()?, store.calendar()?);
        let until = calendar.day_bounds(day)?.0;
        if until > snapshot.closed_through() {
            let last = day.checked_sub_days(Days::new(1)).unwrap_or(day);
            return Err(AggregateError::PrunesOpenDays { day, last });
        }
        let is_late = snapshot.published().iter().any(|(extent, inputs)| {
            stale_from(&snapshot, *extent, inputs).is_some_and(|from| from < until)
        });
        let biller = NetworkBiller { store, snapshot: &snapshot, calendar };
        if is_late || biller.settled_before(until) < until {
            return Err(AggregateError::PrunesStale { day });
        }
        let rows_before = resumable(&snapshot, until);
        Ok(Self { limits: PruneLimits { rows_before, replaced_by: Some(until) } })
    }

    /// The plan of the settings for retention at an instant; `None` if they keep everything.
    pub(super) fn of_settings(store: &Store, now: Instant) -> Result<Option<Self>, AggregateError> {
        let days = |name: &str| -> Result<Option<Instant>, StoreError> {
            let days: i64 = store.setting(name)?.parse().unwrap_or(-1);
            // -1 keeps everything.
            Ok((days >= 0).then(|| now - Millis(days.saturating_mul(Millis::DAY.0))))
        };
        let (rows, replaced_by) =
            (days(settings::RETENTION_ROWS)?, days(settings::RETENTION_GENERATIONS)?);
        if rows.is_none() && replaced_by.is_none() {
            return Ok(None);
        }
        let (snapshot, calendar) = (store.snapshot()?, store.calendar()?);
        let mut limits = PruneLimits { rows_before: None, replaced_by };
        if let Some(rows) = rows {
            // Days that are not closed wait until they are, and so do late rows.
            let until = calendar.day_bounds(calendar.date_of(rows))?.0;
            let until = until.min(snapshot.closed_through());
            let late = snapshot
                .published()
                .iter()
                .filter_map(|(extent, inputs)| stale_from(&snapshot, *extent, inputs))
                .min();
            let biller = NetworkBiller { store, snapshot: &snapshot, calendar };
            let until =
                late.map_or(until, |late| late.min(until)).min(biller.settled_before(until));
            limits.rows_before = resumable(&snapshot, until);
        }
        Ok(Some(Self { limits }))
    }
}

/// Lets go of what a plan names.
///
/// # Errors
/// Those of the store.
pub fn prune(writer: &Writer, plan: PrunePlan) -> Result<Prunable, AggregateError> {
    Ok(writer.prune(plan.limits)?)
}

/// The last end of a period by an instant at which all that was open is kept.
fn resumable(snapshot: &Snapshot, until: Instant) -> Option<Instant> {
    let kept = snapshot.periods.iter().filter(|known| known.segments.is_some());
    let kept = kept.filter(|known| known.period.end <= until && !is_stale(snapshot, known));
    // Nothing is open in stretches in which nothing was used.
    let stretches = snapshot.stretches.iter().map(|empty| empty.extent.end);
    let ends = kept.map(|known| known.period.end).chain(stretches.filter(|end| *end <= until));
    ends.max().max(snapshot.pruned.rows_before)
}
