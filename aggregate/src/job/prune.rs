//! The rows and generations that closed days need no more.
//!
//! A later run begins with what was open at the end of some closed period, and with what
//! each counter said there. So rows go up to the last end of a period by the day named at which that
//! is kept; the use that is open there is billed on as if nothing had gone.

use chrono::{Days, NaiveDate};
use cloudtally_model::{Calendar, Instant, Millis, settings};
use cloudtally_store::{PruneLimits, Snapshot, Store, StoreError};

use super::stale::{is_stale, stale_from};
use crate::{AggregateError, network::NetworkBiller};

/// The limits by which everything goes of the days before one that is not needed any more.
///
/// # Errors
/// `PrunesOpenDays`, `PrunesStale`, `PrunesWaiting`.
pub fn prune_limits(store: &Store, day: NaiveDate) -> Result<PruneLimits, AggregateError> {
    let (snapshot, calendar) = (store.snapshot()?, store.calendar()?);
    let until = calendar.day_bounds(day)?.0;
    if until > snapshot.closed_through() {
        let last = day.checked_sub_days(Days::new(1)).unwrap_or(day);
        return Err(AggregateError::PrunesOpenDays { day, last });
    }
    if settled_by(store, &snapshot, calendar, until) < until {
        return Err(blocked(store, &snapshot, calendar, until, day)?);
    }
    Ok(PruneLimits { rows_before: resumable(&snapshot, until), replaced_by: Some(until) })
}

/// The limits that the settings say of retention at an instant.
#[derive(Debug, Default)]
pub struct Retention {
    /// The limits; none if the settings keep everything.
    pub limits: Option<PruneLimits>,
    /// The instant before which archived events of the simulated cloud go, by its own setting.
    pub archived_before: Option<Instant>,
    /// The input that keeps rows of days that the settings would let go, and the remedy.
    pub blocked: Option<AggregateError>,
}

/// The limits that the settings say of retention at an instant.
pub fn retention(store: &Store, now: Instant) -> Result<Retention, AggregateError> {
    let days = |name: &str| -> Result<Option<Instant>, StoreError> {
        let days: i64 = store.setting(name)?.parse().unwrap_or(-1);
        // -1 keeps everything.
        Ok((days >= 0).then(|| now - Millis(days.saturating_mul(Millis::DAY.0))))
    };
    let rows = days(settings::RETENTION_ROWS)?;
    let replaced_by = days(settings::RETENTION_GENERATIONS)?;
    // Of the cloud's own settings 0 keeps everything.
    let archived: i64 = store.setting(settings::ARCHIVED_EVENTS_PURGE)?.parse().unwrap_or(0);
    let archived_before =
        (archived > 0).then(|| now - Millis(archived.saturating_mul(Millis::DAY.0)));
    let Some(rows) = rows else {
        let limits = replaced_by.map(|_| PruneLimits { rows_before: None, replaced_by });
        return Ok(Retention { limits, archived_before, blocked: None });
    };
    // Days that are not closed wait until they are, and so do those that late rows wait for.
    let (snapshot, calendar) = (store.snapshot()?, store.calendar()?);
    let until = calendar.day_bounds(calendar.date_of(rows))?.0;
    let wanted = until.min(snapshot.closed_through());
    let until = settled_by(store, &snapshot, calendar, wanted);
    let blocked = (until < wanted)
        .then(|| blocked(store, &snapshot, calendar, wanted, calendar.date_of(wanted)));
    let limits = PruneLimits { rows_before: resumable(&snapshot, until), replaced_by };
    Ok(Retention { limits: Some(limits), archived_before, blocked: blocked.transpose()? })
}

/// Says what keeps the rows before an instant: samples that no run bills, by their series, or
/// late input that the next run takes.
fn blocked(
    store: &Store,
    snapshot: &Snapshot,
    calendar: Calendar,
    until: Instant,
    day: NaiveDate,
) -> Result<AggregateError, AggregateError> {
    let series = NetworkBiller { store, snapshot, calendar }.stuck()?;
    Ok(match late_events(snapshot, until) < until || series.is_empty() {
        true => AggregateError::PrunesStale { day },
        false => {
            let series = series.iter().map(ToString::to_string).collect();
            AggregateError::PrunesWaiting { day, series }
        }
    })
}

/// The instant, by another, before which no late event or sample waits.
fn settled_by(store: &Store, snapshot: &Snapshot, calendar: Calendar, until: Instant) -> Instant {
    NetworkBiller { store, snapshot, calendar }.settled_before(late_events(snapshot, until))
}

/// The instant, by another, before which no late event waits.
fn late_events(snapshot: &Snapshot, until: Instant) -> Instant {
    let published = snapshot.published();
    let late = published.iter().filter_map(|(extent, seen)| stale_from(snapshot, *extent, seen));
    late.fold(until, Instant::min)
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
