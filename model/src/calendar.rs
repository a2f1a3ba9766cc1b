//! Calendar: cuts time into periods.
//!
//! A [`Period`] is a piece of billed time, half-open. Periods are cut in one
//! zone (`usage.aggregation.timezone`) from the *first instant of each local
//! date*, so that a day is a day whatever the clocks do: on 2026-03-08 in New
//! York it lasts 23 h, on 2026-11-01 25 h; on 2019-11-03 in Sao Paulo (when the
//! clocks went forward at midnight in earlier years) it began at 01:00; and
//! 2011-12-30 in Apia does not exist, so no period is cut for it.
//!
//! With a range shorter than a day, periods are cut in elapsed minutes from the
//! first instant of the date; the last one of a date may be shorter.
//!
//! # Source
//! Usage rules 2; guide 8.4.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use thiserror::Error;

use crate::{Instant, Millis, instant::parse_local};

/// A piece of billed time, `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// The first instant inside.
    pub start: Instant,
    /// The first instant after.
    pub end: Instant,
}

impl Period {
    /// Returns true if `instant` lies inside.
    pub fn contains(&self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Length of the period.
    pub fn length(&self) -> Millis {
        self.end.since(self.start)
    }
}

/// `2026-01-31T00:00:00Z..2026-02-01T00:00:00Z`
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// Length of a period in minutes: 1440 is one calendar day, anything else a
/// divisor of 1440 of at least 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AggregationRange(u16);

/// Why a number of minutes cannot be the aggregation range.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{value}` is not an aggregation range; allowed are the minutes {}", allowed())]
pub struct RangeError {
    value: String,
}

fn allowed() -> String {
    let texts: Vec<String> = AggregationRange::all().map(|r| r.minutes().to_string()).collect();
    texts.join(", ")
}

impl AggregationRange {
    /// One period a calendar day.
    pub const DAY: Self = Self(1440);

    /// All allowed ranges, shortest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (10..=1440u16).filter(|minutes| 1440 % minutes == 0).map(Self)
    }

    /// The range in minutes.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl FromStr for AggregationRange {
    type Err = RangeError;
    fn from_str(text: &str) -> Result<Self, RangeError> {
        let error = || RangeError { value: text.to_owned() };
        let minutes: u16 = text.trim().parse().map_err(|_| error())?;
        Self::all().find(|range| range.0 == minutes).ok_or_else(error)
    }
}

/// Why a text is not a time zone.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a time zone; use an IANA name such as `UTC` or `America/New_York`")]
pub struct ZoneNameError(String);

/// Reads an IANA zone name; `GMT` and `UTC` are among them.
pub fn time_zone(name: &str) -> Result<Tz, ZoneNameError> {
    name.trim().parse().map_err(|_| ZoneNameError(name.to_owned()))
}

/// Why a text is not a day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DayError {
    /// Not `yyyy-MM-dd` or no such date.
    #[error("`{0}` is not a day; write `2026-01-31`")]
    Layout(String),
    /// The zone skipped this date.
    #[error("there was no {0} in {1}: the clocks skipped it; choose the day before or after")]
    Skipped(NaiveDate, String),
}

/// Reads a day, `2026-01-31`, within the years 1970 to 9999.
pub fn day(text: &str) -> Result<NaiveDate, DayError> {
    let shaped = text.len() == 10 && text.is_ascii();
    let date = shaped.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
    date.filter(|date| ("1970"..="9999").contains(&&text[..4]) && date.to_string() == text)
        .ok_or_else(|| DayError::Layout(text.to_owned()))
}

/// The cut of time: a zone and a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    zone: Tz,
    range: AggregationRange,
}

impl Calendar {
    /// A calendar of `range` minutes in `zone`.
    pub const fn new(zone: Tz, range: AggregationRange) -> Self {
        Self { zone, range }
    }

    /// Calendar days in UTC.
    pub const fn utc_days() -> Self {
        Self::new(Tz::UTC, AggregationRange::DAY)
    }

    /// The zone in which dates begin.
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// The length of periods.
    pub const fn range(&self) -> AggregationRange {
        self.range
    }

    /// The period that contains `instant`.
    pub fn period_at(&self, instant: Instant) -> Period {
        let (mut start, mut end) = self.date_bounds_at(instant);
        if self.range != AggregationRange::DAY {
            let step = Millis(i64::from(self.range.minutes()) * Millis::MINUTE.0);
            let index = instant.since(start).0.div_euclid(step.0);
            start = start + Millis(index * step.0);
            end = end.min(start + step);
        }
        Period { start, end }
    }

    /// The period that closes at or after `instant`: a sample stamped exactly on
    /// a boundary belongs to the period that ends there (usage rules 5).
    pub fn period_ending_at_or_after(&self, instant: Instant) -> Period {
        self.period_at(instant - Millis(1))
    }

    /// The period after `period`.
    pub fn next(&self, period: Period) -> Period {
        self.period_at(period.end)
    }

    /// The period before `period`.
    pub fn previous(&self, period: Period) -> Period {
        self.period_at(period.start - Millis(1))
    }

    /// All periods from the one that contains `from` to the last that has ended by `until`.
    pub fn complete_periods(
        &self,
        from: Instant,
        until: Instant,
    ) -> impl Iterator<Item = Period> + use<> {
        let calendar = *self;
        let first = calendar.period_at(from);
        std::iter::successors(Some(first), move |period| Some(calendar.next(*period)))
            .take_while(move |period| period.end <= until)
    }

    /// Counts the periods from one boundary to another. Takes a step a date.
    pub fn count(&self, extent: Period) -> u64 {
        let step = i64::from(self.range.minutes()) * Millis::MINUTE.0;
        let (mut count, mut at) = (0, extent.start);
        while at < extent.end {
            let (_, end_of_date) = self.date_bounds_at(at);
            let end = end_of_date.min(extent.end);
            let length = end.since(at).0;
            let of_date = match self.range {
                AggregationRange::DAY => 1,
                _ => length.div_euclid(step) + i64::from(length.rem_euclid(step) > 0),
            };
            count += of_date.unsigned_abs();
            at = end;
        }
        count
    }

    /// The local date whose day holds `instant`.
    pub fn date_of(&self, instant: Instant) -> NaiveDate {
        let mut date = self.local(instant).date();
        // Where the clocks fall back over midnight (Newfoundland, 00:01 to 23:01)
        // the old date is shown again after the new one has begun.
        while let Some((start, _)) = self.next_date(date).and_then(|next| self.date_bounds(next)) {
            if start > instant {
                break;
            }
            date = self.local(start).date();
        }
        date
    }

    /// First instant of a local date and of the date after it; `None` if the
    /// zone skipped the date.
    pub fn date_bounds(&self, date: NaiveDate) -> Option<(Instant, Instant)> {
        let start = self.first_instant(date)?;
        let mut next = date;
        loop {
            next = next.checked_add_days(Days::new(1))?;
            if let Some(end) = self.first_instant(next) {
                return Some((start, end));
            }
        }
    }

    /// Like [`Calendar::date_bounds`], with an error that names the zone.
    pub fn day_bounds(&self, date: NaiveDate) -> Result<(Instant, Instant), DayError> {
        self.date_bounds(date).ok_or_else(|| DayError::Skipped(date, self.zone.name().to_owned()))
    }

    /// An instant as records show it, in the aggregation zone:
    /// `2026-01-31T23:59:59-0700`.
    pub fn show(&self, instant: Instant) -> String {
        let local = self.local(instant);
        let offset = self.offset_seconds(instant);
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
        format!("{}{sign}{:02}{:02}", local.format("%Y-%m-%dT%H:%M:%S"), minutes / 60, minutes % 60)
    }

    /// Reads the bounds of a query: `yyyy-MM-dd`, `yyyy-MM-dd HH:mm:ss` or ISO
    /// 8601 with an offset; without an offset in the aggregation zone.
    ///
    /// Returns the first instant meant and the last second meant: they differ for
    /// a bare day, which means the whole day, and for a time of day that the clocks
    /// show twice. A bound outside the years that there can be usage in, such as
    /// `9999-12-31` west of Greenwich, means the first or the last instant of them.
    pub fn query_bound(&self, text: &str) -> Option<(Instant, Instant)> {
        if let Ok(date) = day(text) {
            let (start, end) = match self.date_bounds(date) {
                Some(bounds) => bounds,
                // A skipped date is an empty day just before the next one.
                None => {
                    let next = self.next_date(date)?;
                    let start = self.first_instant(next)?;
                    (start, start)
                }
            };
            return Some((within_time(start), within_time(end - Millis::SECOND)));
        }
        let (local_ms, offset) = parse_local(text).ok()?;
        let (first, last) = match offset {
            Some(offset_ms) => {
                let instant = Instant::from_millis(local_ms - offset_ms);
                (instant, instant)
            }
            None => self.at_local(local_ms)?,
        };
        Some((within_time(first), within_time(last)))
    }

    /// The first and the last instant that show a local time; the end of the gap
    /// for one that the clocks jumped over.
    fn at_local(&self, local_ms: i64) -> Option<(Instant, Instant)> {
        let local = DateTime::<Utc>::from_timestamp_millis(local_ms)?.naive_utc();
        let instant = |t: DateTime<Tz>| Instant::from_millis(t.timestamp_millis());
        Some(match self.zone.from_local_datetime(&local) {
            chrono::LocalResult::Single(t) => (instant(t), instant(t)),
            chrono::LocalResult::Ambiguous(a, b) => {
                (instant(a).min(instant(b)), instant(a).max(instant(b)))
            }
            chrono::LocalResult::None => {
                let end = self.end_of_gap(local);
                (end, end)
            }
        })
    }

    fn date_bounds_at(&self, instant: Instant) -> (Instant, Instant) {
        let date = self.date_of(instant);
        self.date_bounds(date).expect("a date that holds an instant exists")
    }

    fn next_date(&self, date: NaiveDate) -> Option<NaiveDate> {
        let mut next = date;
        // No zone has skipped more than one date in a row; a few are plenty.
        for _ in 0..4 {
            next = next.checked_add_days(Days::new(1))?;
            if self.first_instant(next).is_some() {
                return Some(next);
            }
        }
        None
    }

    /// The first instant whose local date is `date`, `None` if there is none.
    fn first_instant(&self, date: NaiveDate) -> Option<Instant> {
        let midnight = date.and_time(NaiveTime::MIN);
        let first = match self.zone.from_local_datetime(&midnight) {
            chrono::LocalResult::Single(t) => Instant::from_millis(t.timestamp_millis()),
            chrono::LocalResult::Ambiguous(a, b) => {
                Instant::from_millis(a.timestamp_millis().min(b.timestamp_millis()))
            }
            // Midnight does not exist: the day begins where the gap ends.
            chrono::LocalResult::None => self.end_of_gap(midnight),
        };
        (self.local(first).date() == date).then_some(first)
    }

    /// The first instant that shows a local time at or after `missing`, which
    /// the clocks jumped over.
    fn end_of_gap(&self, missing: NaiveDateTime) -> Instant {
        let guess = missing.and_utc().timestamp_millis();
        // Offsets lie within a day of UTC, so the answer does too.
        let (mut before, mut after) = (guess - 2 * Millis::DAY.0, guess + 2 * Millis::DAY.0);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.local(Instant::from_millis(middle)) < missing {
                before = middle;
            } else {
                after = middle;
            }
        }
        Instant::from_millis(after)
    }

    fn local(&self, instant: Instant) -> NaiveDateTime {
        let utc = utc(instant);
        utc.with_timezone(&self.zone).naive_local()
    }

    fn offset_seconds(&self, instant: Instant) -> i32 {
        self.zone.offset_from_utc_datetime(&utc(instant).naive_utc()).fix().local_minus_utc()
    }
}

/// The instant, or the first or last second that there can be usage in.
fn within_time(instant: Instant) -> Instant {
    instant.clamp(Instant::EPOCH, Instant::END_OF_TIME - Millis::SECOND)
}

fn utc(instant: Instant) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(instant.as_millis())
        .expect("instants lie within the years chrono knows")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str, minutes: &str) -> Calendar {
        Calendar::new(time_zone(zone).unwrap(), minutes.parse().unwrap())
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn check_day(zone: &str, date: &str, start_utc: &str, hours: &str) {
        let bounds = calendar(zone, "1440").date_bounds(day(date).unwrap());
        let (start, end) = bounds.unwrap_or_else(|| panic!("{date} exists in {zone}"));
        assert_eq!(start, at(start_utc), "start of {date} in {zone}");
        let length = u64::try_from(end.since(start).0).unwrap();
        assert_eq!(crate::hours(length), hours, "hours of {date} in {zone}");
    }

    #[test]
    fn days_of_23_and_25_hours_and_odd_ones() {
        check_day("UTC", "2026-03-08", "2026-03-08 00:00:00", "24");
        check_day("America/New_York", "2026-03-08", "2026-03-08 05:00:00", "23");
        check_day("America/New_York", "2026-11-01", "2026-11-01 04:00:00", "25");
        check_day("Australia/Lord_Howe", "2026-04-05", "2026-04-04 13:00:00", "24.5");
        check_day("Australia/Lord_Howe", "2026-10-04", "2026-10-03 13:30:00", "23.5");
    }

    #[test]
    fn bounds_outside_of_time_mean_all_there_is() {
        let last = Instant::END_OF_TIME - Millis::SECOND;
        for zone in ["UTC", "America/New_York", "Pacific/Kiritimati"] {
            let calendar = calendar(zone, "1440");
            for text in ["9999-12-31", "9999-12-31 23:59:59", "9999-12-31T23:59:59-1200"] {
                let (_, to) = calendar.query_bound(text).unwrap_or_else(|| panic!("{zone} {text}"));
                assert!(to <= last && to > at("9999-12-30 00:00:00"), "{zone} {text} {to}");
            }
            for text in ["1970-01-01", "0001-01-01 00:00:00", "1969-12-31T23:00:00+0000"] {
                let (from, _) =
                    calendar.query_bound(text).unwrap_or_else(|| panic!("{zone} {text}"));
                assert!(from < at("1970-01-02 00:00:00"), "{zone} {text} {from}");
                assert!(from >= Instant::EPOCH, "{zone} {text} {from}");
            }
        }
    }

    #[test]
    fn midnights_that_do_not_exist() {
        check_day("America/Sao_Paulo", "2018-11-04", "2018-11-04 03:00:00", "23");
        check_day("Asia/Beirut", "2022-03-27", "2022-03-26 22:00:00", "23");
        check_day("Africa/Cairo", "2024-04-26", "2024-04-25 22:00:00", "23");
    }

    #[test]
    fn a_date_the_clocks_skipped_has_no_period() {
        let apia = calendar("Pacific/Apia", "1440");
        assert_eq!(apia.date_bounds(day("2011-12-30").unwrap()), None);
        let before = apia.period_at(at("2011-12-30 09:00:00"));
        assert_eq!(before.end, at("2011-12-30 10:00:00"));
        assert_eq!(apia.date_of(before.end), day("2011-12-31").unwrap());
        assert_eq!(apia.previous(apia.next(before)), before);
    }

    #[test]
    fn counting_periods_is_listing_them() {
        for (zone, minutes) in [
            ("UTC", "1440"),
            ("Pacific/Apia", "1440"),
            ("America/New_York", "720"),
            ("Australia/Lord_Howe", "60"),
            ("America/St_Johns", "1440"),
        ] {
            let calendar = calendar(zone, minutes);
            let periods: Vec<Period> = calendar
                .complete_periods(at("2011-10-01 00:00:00"), at("2012-05-01 00:00:00"))
                .collect();
            for (from, to) in [(0, periods.len() - 1), (3, 9), (40, 100), (7, 7)] {
                let extent = Period { start: periods[from].start, end: periods[to].end };
                assert_eq!(calendar.count(extent), (to - from + 1) as u64, "{zone} {minutes}");
            }
        }
    }

    #[test]
    fn falling_back_over_midnight_keeps_one_period_a_date() {
        // At 00:01 on 2006-10-29 Newfoundland went back to 23:01 of the 28th.
        check_day("America/St_Johns", "2006-10-29", "2006-10-29 02:30:00", "25");
        let st_johns = calendar("America/St_Johns", "1440");
        let shown_as_the_28th = at("2006-10-29 03:00:00");
        assert_eq!(st_johns.date_of(shown_as_the_28th), day("2006-10-29").unwrap());
    }

    #[test]
    fn periods_tile_time_in_every_zone_and_range() {
        for zone in [
            "UTC",
            "America/New_York",
            "America/St_Johns",
            "America/Sao_Paulo",
            "Europe/Paris",
            "Asia/Beirut",
            "Africa/Cairo",
            "Asia/Kolkata",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Pacific/Auckland",
            "Antarctica/Troll",
        ] {
            for minutes in ["10", "90", "720", "1440"] {
                let calendar = calendar(zone, minutes);
                let longest = Millis::HOUR.0 * 26;
                for year in [2006, 2011, 2018, 2024, 2026] {
                    let start = at(&format!("{year}-01-01 00:00:00"));
                    let mut period = calendar.period_at(start);
                    while period.start < start + Millis(366 * Millis::DAY.0) {
                        assert!(period.start < period.end, "{zone} {period}");
                        assert!(period.length().0 <= longest, "{zone} {period}");
                        assert_eq!(calendar.period_at(period.start), period, "{zone}");
                        assert_eq!(calendar.period_at(period.end - Millis(1)), period, "{zone}");
                        let next = calendar.next(period);
                        assert_eq!(next.start, period.end, "{zone}");
                        assert_eq!(calendar.previous(next), period, "{zone}");
                        period = next;
                    }
                }
            }
        }
    }

    #[test]
    fn short_ranges_count_elapsed_minutes_and_the_last_may_be_shorter() {
        let lord_howe = calendar("Australia/Lord_Howe", "60");
        let (start, end) = lord_howe.date_bounds(day("2026-10-04").unwrap()).unwrap();
        let periods: Vec<Period> = lord_howe.complete_periods(start, end).collect();
        assert_eq!(periods.len(), 24);
        assert_eq!(periods[23].length(), Millis(30 * Millis::MINUTE.0));
    }

    #[test]
    fn shown_in_the_aggregation_zone() {
        let new_york = calendar("America/New_York", "1440");
        assert_eq!(new_york.show(at("2026-02-01 04:59:59")), "2026-01-31T23:59:59-0500");
        assert_eq!(
            Calendar::utc_days().show(at("2026-02-01 04:59:59")),
            "2026-02-01T04:59:59+0000"
        );
    }

    #[test]
    fn bounds_of_a_query() {
        let new_york = calendar("America/New_York", "1440");
        let check = |text: &str, from: &str, to: &str| {
            assert_eq!(new_york.query_bound(text), Some((at(from), at(to))), "{text}");
        };
        check("2026-01-31", "2026-01-31 05:00:00", "2026-02-01 04:59:59");
        check("2026-01-31 12:30:00", "2026-01-31 17:30:00", "2026-01-31 17:30:00");
        check("2026-01-31T12:30:00+0100", "2026-01-31 11:30:00", "2026-01-31 11:30:00");
        // Shown twice when the clocks go back: from the first to the second time.
        check("2026-11-01 01:30:00", "2026-11-01 05:30:00", "2026-11-01 06:30:00");
        check("2026-03-08 02:30:00", "2026-03-08 07:00:00", "2026-03-08 07:00:00");
        for text in ["2026-02-30", "31/01/2026", "2026-1-2", "tomorrow", "", "2026-01-31 25:00:00"]
        {
            assert_eq!(new_york.query_bound(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_are_divisors_of_a_day() {
        for text in ["10", "60", "1440"] {
            assert!(text.parse::<AggregationRange>().is_ok());
        }
        for text in ["0", "7", "9", "11", "1439", "2880", "-60", "day"] {
            let error = text.parse::<AggregationRange>().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("10, 12, 15"), "{error}");
        }
    }
}
