//! Points in time and lengths of time, as integers of milliseconds.
//!
//! An [`Instant`] is what a usage event carries: UTC, milliseconds since 1970,
//! no zone of its own. Zones enter only where time is cut into periods or shown
//! to a person ([`Calendar`](crate::Calendar)).

use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
};

use chrono::{DateTime, Datelike, SecondsFormat};
use thiserror::Error;

/// Milliseconds since 1970-01-01T00:00:00Z, within the years 1970 to 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// A length of time in milliseconds. Usage is summed in these; hours are only a
/// way of printing ([`hours`](crate::hours)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

/// Why a text is not an instant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InstantError {
    /// The text has none of the accepted layouts.
    #[error(
        "`{0}` is not an instant; write `2026-01-31 23:59:59` (UTC) or `2026-01-31T23:59:59+01:00`"
    )]
    Layout(String),
    /// A field is out of its range, such as month 13 or 30 February.
    #[error("`{0}` is not an instant: there is no such date or time of day")]
    NoSuchTime(String),
    /// The year lies outside 1970 to 9999.
    #[error("`{0}` is not an instant we can bill: the year must lie in 1970 to 9999")]
    Year(String),
}

impl Instant {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// Later than any instant that can be read: 10000-01-01T00:00:00Z.
    pub const END_OF_TIME: Self = Self(253_402_300_800_000);

    /// An instant from milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The length from `earlier` to this instant; negative if it lies before.
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0 - earlier.0)
    }

    /// Days since 1970-01-01 in UTC: the folder of the lake an event lives in.
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(Millis::DAY.0)
    }

    /// Reads an instant as usage events carry it.
    ///
    /// Accepts `2026-01-31 23:59:59` (UTC), a fraction of any length (cut to
    /// milliseconds), `T` instead of the blank, and an offset: `Z`, `+0530`,
    /// `-07:00` or `+05`. Without an offset the time is UTC.
    pub fn parse(text: &str) -> Result<Self, InstantError> {
        let (local, offset_ms) = parse_local(text)?;
        let instant = Self(local - offset_ms.unwrap_or(0));
        if instant < Self::EPOCH || instant >= Self::END_OF_TIME {
            return Err(InstantError::Year(text.to_owned()));
        }
        Ok(instant)
    }
}

impl Millis {
    /// One second.
    pub const SECOND: Self = Self(1_000);
    /// One minute.
    pub const MINUTE: Self = Self(60_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600_000);
    /// 24 hours. A calendar day may be longer or shorter.
    pub const DAY: Self = Self(86_400_000);
}

impl Add<Millis> for Instant {
    type Output = Self;
    fn add(self, length: Millis) -> Self {
        Self(self.0 + length.0)
    }
}

impl Sub<Millis> for Instant {
    type Output = Self;
    fn sub(self, length: Millis) -> Self {
        Self(self.0 - length.0)
    }
}

impl Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

/// `2026-01-31T23:59:59Z`, with milliseconds only where there are any.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_millis(self.0) {
            Some(utc) if self.0 % 1000 == 0 => {
                f.write_str(&utc.to_rfc3339_opts(SecondsFormat::Secs, true))
            }
            Some(utc) => f.write_str(&utc.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// Reads a local date and time and, if there is one, its offset.
///
/// Returns the local time as milliseconds since the local 1970 and the offset
/// in milliseconds. Written by hand because every ingested row passes here.
pub(crate) fn parse_local(text: &str) -> Result<(i64, Option<i64>), InstantError> {
    let layout = || InstantError::Layout(text.to_owned());
    let bytes = text.as_bytes();
    if bytes.len() < 19
        || bytes[4] != b'-'
        || bytes[7] != b'-'
        || !matches!(bytes[10], b' ' | b'T' | b't')
        || bytes[13] != b':'
        || bytes[16] != b':'
    {
        return Err(layout());
    }
    let number = |from: usize, to: usize| digits(&bytes[from..to]).ok_or_else(layout);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return Err(InstantError::NoSuchTime(text.to_owned()));
    }
    let days = days_from_civil(year, month, day)
        .ok_or_else(|| InstantError::NoSuchTime(text.to_owned()))?;

    let mut rest = &bytes[19..];
    let mut fraction_ms = 0;
    if let [b'.' | b',', tail @ ..] = rest {
        let length = tail.iter().take_while(|b| b.is_ascii_digit()).count();
        if length == 0 {
            return Err(layout());
        }
        for place in 0..3 {
            let digit = tail[..length].get(place).map_or(0, |b| i64::from(b - b'0'));
            fraction_ms = fraction_ms * 10 + digit;
        }
        rest = &tail[length..];
    }
    let offset_ms = parse_offset(rest).ok_or_else(layout)?;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Ok((seconds * 1000 + fraction_ms, offset_ms))
}

/// `Some(None)`: no offset; `None`: not an offset.
fn parse_offset(bytes: &[u8]) -> Option<Option<i64>> {
    let (sign, tail) = match bytes {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        b" UTC" => return Some(Some(0)),
        [b'+', tail @ ..] => (1, tail),
        [b'-', tail @ ..] => (-1, tail),
        _ => return None,
    };
    let (hours, minutes) = match tail.len() {
        2 => (digits(tail)?, 0),
        4 => (digits(&tail[..2])?, digits(&tail[2..])?),
        5 if tail[2] == b':' => (digits(&tail[..2])?, digits(&tail[3..])?),
        _ => return None,
    };
    (hours <= 18 && minutes <= 59)
        .then_some(Some(sign * (hours * Millis::HOUR.0 + minutes * Millis::MINUTE.0)))
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes
        .iter()
        .try_fold(0, |number, b| b.is_ascii_digit().then(|| number * 10 + i64::from(b - b'0')))
}

/// Days since 1970-01-01 of a proleptic Gregorian date, `None` if it does not exist.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    // Count from 1 March, so that the leap day is the last of its year.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The UTC date of a day of the lake, as its folder is called: `2026-01-31`.
pub fn utc_day_name(utc_day: i64) -> String {
    match DateTime::from_timestamp_millis(utc_day * Millis::DAY.0) {
        Some(utc) => format!("{:04}-{:02}-{:02}", utc.year(), utc.month(), utc.day()),
        None => format!("day{utc_day}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected_ms: i64) {
        assert_eq!(Instant::parse(text), Ok(Instant(expected_ms)), "{text}");
    }

    #[test]
    fn layouts_of_a_real_dump_and_of_rfc_3339() {
        check("1970-01-01 00:00:00", 0);
        check("2026-01-31 23:59:59", 1_769_903_999_000);
        check("2026-01-31 23:59:59.5", 1_769_903_999_500);
        check("2026-01-31 23:59:59.123456", 1_769_903_999_123);
        check("2026-01-31T23:59:59Z", 1_769_903_999_000);
        check("2026-02-01T05:29:59+0530", 1_769_903_999_000);
        check("2026-01-31T16:59:59-07:00", 1_769_903_999_000);
        check("2024-02-29 12:00:00", 1_709_208_000_000);
    }

    #[test]
    fn what_is_not_an_instant_says_why() {
        for text in ["", "2026-01-31", "2026-01-31 23:59", "31/01/2026 23:59:59", "NULL"] {
            assert!(matches!(Instant::parse(text), Err(InstantError::Layout(_))), "{text}");
        }
        for text in ["2026-02-30 00:00:00", "2026-13-01 00:00:00", "2026-01-01 24:00:00"] {
            assert!(matches!(Instant::parse(text), Err(InstantError::NoSuchTime(_))), "{text}");
        }
        for text in ["1969-12-31 23:59:59", "0001-01-01 00:00:00"] {
            assert!(matches!(Instant::parse(text), Err(InstantError::Year(_))), "{text}");
        }
        assert!(Instant::parse("0000-00-00 00:00:00").is_err(), "MySQL's zero date");
        assert!(Instant::parse("2026-01-31 23:59:59+99:00").is_err());
    }

    #[test]
    fn every_day_of_four_centuries_agrees_with_chrono() {
        for day in 0..146_097 {
            let text = format!("{} 00:00:00", utc_day_name(day));
            check(&text, day * Millis::DAY.0);
        }
    }

    #[test]
    fn shown_with_milliseconds_only_where_there_are_any() {
        assert_eq!(Instant(1_769_903_999_000).to_string(), "2026-01-31T23:59:59Z");
        assert_eq!(Instant(1_769_903_999_001).to_string(), "2026-01-31T23:59:59.001Z");
    }
}
