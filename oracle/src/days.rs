//! Local days by a second calendar.
//!
//! The days come from the `jiff` crate and its own copy of the time zone database,
//! on purpose not from the calendar of the aggregation: two independent opinions on
//! where 2026-03-08 ends in New York (after 23 hours) must agree.

use cloudtally_model::{Instant, Millis, Text};
use jiff::{Timestamp, tz::TimeZone};
use thiserror::Error;

/// A name that is not a zone of the database.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a time zone; use an IANA name such as `UTC` or `America/New_York`")]
pub struct UnknownTimeZone(pub String);

/// Checks that a time zone of this IANA name exists.
///
/// # Errors
/// If there is no such time zone.
pub fn check_time_zone(name: &str) -> Result<(), UnknownTimeZone> {
    time_zone(name).map(drop)
}

fn time_zone(name: &str) -> Result<TimeZone, UnknownTimeZone> {
    TimeZone::get(name).map_err(|_| UnknownTimeZone(name.to_owned()))
}

/// A stretch of time, `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first instant inside.
    pub start: Instant,
    /// The first instant after.
    pub end: Instant,
}

impl Window {
    /// The instant `numerator / denominator` of the way through, to the second.
    pub fn at(&self, numerator: i64, denominator: i64) -> Instant {
        let seconds = self.end.since(self.start).0 / Millis::SECOND.0;
        self.start + Millis(seconds * numerator / denominator * Millis::SECOND.0)
    }

    /// True of an instant inside.
    pub fn contains(&self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }
}

/// Says if a window covers a local day to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// To its end: a bill of this day must agree.
    Whole,
    /// The window ends inside this day; whoever bills the whole day adds what
    /// was still open to it.
    Partial,
}

/// One local date: from its first instant to the first instant of the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalDay {
    /// The date, `2026-01-31`.
    pub name: Text,
    /// The first instant of the date.
    pub start: Instant,
    /// The first instant of the next date.
    pub end: Instant,
    /// Says if the window covers the date to its end.
    pub coverage: Coverage,
}

/// Lists the local days that overlap a window, oldest first. A date that the zone
/// skipped (Apia, 2011-12-30) has no instants and is left out.
///
/// # Errors
/// If there is no such time zone.
pub fn local_days(zone: &str, window: Window) -> Result<Vec<LocalDay>, UnknownTimeZone> {
    let error = || UnknownTimeZone(zone.to_owned());
    let tz = time_zone(zone)?;
    let first = Timestamp::from_millisecond(window.start.as_millis()).map_err(|_| error())?;
    let mut date = first.to_zoned(tz.clone()).date();
    let mut days = Vec::new();
    // The zone's midnight, or the first instant after the gap where there is none.
    let first_instant = |date: jiff::civil::Date| {
        let midnight = date.to_zoned(tz.clone()).map_err(|_| error())?;
        Ok(Instant::from_millis(midnight.timestamp().as_millisecond()))
    };
    let mut start = first_instant(date)?;
    while start < window.end {
        let next = date.tomorrow().map_err(|_| error())?;
        let end = first_instant(next)?;
        if start < end {
            let coverage = if end <= window.end { Coverage::Whole } else { Coverage::Partial };
            days.push(LocalDay { name: date.to_string().into(), start, end, coverage });
        }
        (date, start) = (next, end);
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours_of(zone: &str, start: &str, days: i64) -> Vec<(String, i64)> {
        let start = Instant::parse(start).unwrap();
        let window = Window { start, end: start + Millis(days * Millis::DAY.0) };
        let days = local_days(zone, window).unwrap();
        days.iter().map(|d| (d.name.to_string(), d.end.since(d.start).0 / 60_000)).collect()
    }

    #[test]
    fn days_of_23_and_25_hours() {
        let minutes = |zone, start| hours_of(zone, start, 1).remove(0);
        assert_eq!(
            minutes("America/New_York", "2026-03-08 12:00:00"),
            ("2026-03-08".into(), 23 * 60)
        );
        assert_eq!(
            minutes("America/New_York", "2026-11-01 12:00:00"),
            ("2026-11-01".into(), 25 * 60)
        );
        // Half an hour only.
        assert_eq!(
            minutes("Australia/Lord_Howe", "2026-04-05 00:00:00"),
            ("2026-04-05".into(), 24 * 60 + 30)
        );
        assert_eq!(
            minutes("Australia/Lord_Howe", "2026-10-04 00:00:00"),
            ("2026-10-04".into(), 23 * 60 + 30)
        );
    }

    #[test]
    fn a_date_without_midnight_and_a_date_that_never_was() {
        // The clocks went from 00:00 to 01:00.
        let brazil = hours_of("America/Sao_Paulo", "2018-11-04 12:00:00", 1);
        assert_eq!(brazil[0], ("2018-11-04".into(), 23 * 60));
        let samoa = hours_of("Pacific/Apia", "2011-12-29 12:00:00", 2);
        assert_eq!(
            samoa.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["2011-12-29", "2011-12-31", "2012-01-01"]
        );
    }

    #[test]
    fn days_meet_without_gap_and_the_last_may_be_partial() {
        let start = Instant::parse("2026-03-01 00:00:00").unwrap();
        let window = Window { start, end: start + Millis(31 * Millis::DAY.0) };
        let days = local_days("America/New_York", window).unwrap();
        assert!(days.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(days[0].start <= window.start && days[days.len() - 1].end >= window.end);
        assert_eq!(days.iter().filter(|d| d.coverage == Coverage::Partial).count(), 1);
        let utc = local_days("UTC", window).unwrap();
        assert_eq!(utc.len(), 31);
        assert!(utc.iter().all(|d| d.coverage == Coverage::Whole));
    }
}
