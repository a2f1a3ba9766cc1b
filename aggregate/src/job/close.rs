//! Closing days: from then on what is served of them stays what it is.
//!
//! Only what is published and up to date is closed, so that a closing never freezes a bill
//! that is known to be wrong: whatever had arrived by then is in it, or in the adjustments of
//! a period that is closed with it.

use chrono::NaiveDate;
use cloudtally_model::{Calendar, Instant, Period};
use cloudtally_store::{Closing, Snapshot, Writer};

use super::{
    plan::{over, stale, unpublished},
    ready::waiting_period,
};
use crate::AggregateError;

/// Characters that a name or a reason may have.
const TEXT_MAX: usize = 1000;

/// Closes all days through one. `now` is the present of the cloud that is billed, and
/// `closed_ms` the wall time that is kept.
///
/// # Errors
/// `ClosedAlready`, `ClosesUnfinished`, `ClosesUnpublished`, `ClosesStale`; `ClosingText` of a
/// name or a reason that cannot be kept.
pub fn close(
    writer: &Writer,
    through: NaiveDate,
    (by, reason): (&str, Option<&str>),
    now: Instant,
    closed_ms: i64,
) -> Result<Closing, AggregateError> {
    check_text("name", by)?;
    reason.map_or(Ok(()), |reason| check_text("reason", reason))?;
    let (snapshot, calendar) = (writer.snapshot()?, writer.calendar()?);
    let end = calendar.day_bounds(through)?.1;
    refuse_closed(&snapshot, calendar, end)?;
    if end > now {
        return Err(AggregateError::ClosesUnfinished { day: through, now });
    }
    let earliest = snapshot.earliest().ok_or(AggregateError::NothingIngested)?;
    let remedy = || -> Result<String, AggregateError> {
        let waits = waiting_period(writer, &snapshot, now)?;
        let waits = waits.filter(|waits| waits.period.start < end);
        Ok(waits.map_or_else(
            || "run `cloudtally aggregate` first".to_owned(),
            |waits| format!("run `cloudtally aggregate` first ({waits})"),
        ))
    };
    let first = |extents: Vec<Period>| {
        let start = extents.iter().map(|extent| extent.start).min()?;
        (start < end).then(|| calendar.period_at(start))
    };
    if let Some(period) = first(unpublished(&snapshot, over(calendar, earliest, end))) {
        return Err(AggregateError::ClosesUnpublished { period, remedy: remedy()? });
    }
    if let Some(period) = first(stale(&snapshot, calendar)) {
        return Err(AggregateError::ClosesStale { period, remedy: remedy()? });
    }
    let reason = reason.map(str::to_owned);
    let closing = Closing { through: end, closed_ms, by: by.to_owned(), reason };
    writer.close(&closing)?;
    Ok(closing)
}

fn refuse_closed(
    snapshot: &Snapshot,
    calendar: Calendar,
    end: Instant,
) -> Result<(), AggregateError> {
    match snapshot.closing() {
        Some(closing) if end <= closing.through => Err(AggregateError::ClosedAlready {
            closed: closing.told(calendar),
            first_open: calendar.date_of(closing.through),
        }),
        _ => Ok(()),
    }
}

fn check_text(what: &'static str, text: &str) -> Result<(), AggregateError> {
    let problem = if text.trim().is_empty() {
        "empty"
    } else if text.chars().count() > TEXT_MAX {
        "longer"
    } else if text.chars().any(char::is_control) {
        "of several lines or control characters"
    } else {
        return Ok(());
    };
    Err(AggregateError::ClosingText { what, problem })
}
