//! Local days, and the instants at which things happen.
//!
//! The days of the answer key come from the `jiff` crate and its own copy of the
//! time zone database, on purpose not from the calendar of the aggregation:
//! two independent opinions on where 2026-03-08 ends in New York (after 23 hours)
//! must agree.

use cloudtally_model::{Instant, Millis, Text};
use jiff::Timestamp;

use super::{
    dice::Dice,
    options::{OptionsError, Window, time_zone},
};

/// Whether the window covers a local day to its end.
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
pub(crate) struct LocalDay {
    pub(crate) name: Text,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    pub(crate) coverage: Coverage,
}

/// The local days that overlap a window, oldest first. A date that the zone
/// skipped (Apia, 2011-12-30) has no instants and is left out.
pub(crate) fn local_days(zone: &str, window: Window) -> Result<Vec<LocalDay>, OptionsError> {
    let error = || OptionsError::TimeZone(zone.to_owned());
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

/// Chooses instants inside the window.
pub(crate) struct Moments {
    pub(crate) window: Window,
    /// UTC and local midnights inside the window, ascending.
    midnights: Vec<Instant>,
    /// How many zones they are of.
    zones: usize,
}

/// Nothing begins this close to the end of the window, so that an action of
/// several events never runs over it.
pub(crate) const LAST_ACTION: Millis = Millis(5 * Millis::MINUTE.0);

impl Moments {
    pub(crate) fn new(window: Window, zones: &[String]) -> Result<Self, OptionsError> {
        let mut midnights = Vec::new();
        for zone in zones.iter().map(String::as_str).chain(["UTC"]) {
            midnights.extend(local_days(zone, window)?.into_iter().map(|day| day.start));
        }
        midnights.sort();
        midnights.dedup();
        Ok(Self { window, midnights, zones: zones.len() + 1 })
    }

    /// An instant a little after `earlier + gap`: nearly always a whole second, as
    /// in a dump of a real cloud; sometimes with milliseconds, sometimes exactly a
    /// midnight. `None` if too little of the window is left.
    pub(crate) fn after(&self, dice: &mut Dice, earlier: Instant, gap: Millis) -> Option<Instant> {
        let due = earlier + gap;
        let whole = Instant::from_millis((due.as_millis() + 999).div_euclid(1_000) * 1_000);
        let instant = match dice.below(40) {
            0 => due + Millis(dice.below_ms(1_000)),
            1 => self.midnight_after(dice, due).unwrap_or(whole),
            _ => whole,
        };
        (instant + LAST_ACTION < self.window.end).then_some(instant)
    }

    /// One of the next midnights at or after an instant: of any zone, since the next
    /// one after working hours would always be of the same.
    fn midnight_after(&self, dice: &mut Dice, instant: Instant) -> Option<Instant> {
        let next = self.midnights.partition_point(|midnight| *midnight < instant);
        self.midnights.get(next + dice.index(self.zones)).copied()
    }
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
