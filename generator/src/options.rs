//! Options of the generator, checked before anything is generated.

use std::{fmt, str::FromStr};

use cloudtally_model::{Instant, Millis};
use cloudtally_oracle::{UnknownTimeZone, Window, check_time_zone};
use thiserror::Error;

/// Options of the generator. The same options give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Length of the window in days of 24 hours.
    pub days: u32,
    /// Virtual machines over the whole window, short-lived ones included.
    pub vms: u32,
    /// Any number; another seed is another cloud.
    pub seed: u64,
    /// First instant of the window.
    pub start: Instant,
    /// The rate of each kind of mess.
    pub mess: Rate,
    /// IANA zones an answer key will be asked for. Some events fall exactly on a
    /// local midnight of these zones, so the list is part of what is generated.
    pub timezones: Vec<String>,
    /// Minutes between two samples of a series.
    pub sample_minutes: u32,
}

impl Options {
    /// A month of a small cloud: 31 days from 2026-01-01, hourly samples, no mess.
    pub fn new(vms: u32, seed: u64) -> Self {
        Self {
            days: 31,
            vms,
            seed,
            start: Instant::from_millis(1_767_225_600_000),
            mess: Rate::NONE,
            timezones: vec!["UTC".to_owned()],
            sample_minutes: 60,
        }
    }

    /// The generated stretch of time.
    pub fn window(&self) -> Window {
        let length = Millis(i64::from(self.days) * Millis::DAY.0);
        Window { start: self.start, end: self.start + length }
    }

    pub(crate) fn sample_interval(&self) -> Millis {
        Millis(i64::from(self.sample_minutes) * Millis::MINUTE.0)
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let within = |name, value, least, most| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(OptionsError::OutOfRange { name, value, least, most })
            }
        };
        within("days", self.days, 1, MOST_DAYS)?;
        within("vms", self.vms, 1, MOST_VMS)?;
        within("sample-minutes", self.sample_minutes, 1, 1440)?;
        if self.start < Instant::EPOCH || self.window().end >= Instant::END_OF_TIME {
            return Err(OptionsError::Start(self.start));
        }
        for name in &self.timezones {
            check_time_zone(name)?;
        }
        Ok(())
    }
}

const MOST_DAYS: u32 = 3_660;
const MOST_VMS: u32 = 1_000_000;

/// Why nothing can be generated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// A number is too small or too large.
    #[error("`{name}` is {value}; it must lie between {least} and {most}")]
    OutOfRange {
        /// The option.
        name: &'static str,
        /// The value that was given.
        value: u32,
        /// The least allowed.
        least: u32,
        /// The most allowed.
        most: u32,
    },
    /// The window leaves the years that can be billed.
    #[error("a window that starts at `{0}` leaves the years 1970 to 9999; choose another start")]
    Start(Instant),
    /// Not a zone of the database.
    #[error(transparent)]
    TimeZone(#[from] UnknownTimeZone),
}

/// A share of rows in millionths, 0 to 10 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u32);

/// Why a text is not a rate.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a rate of rows; write a share from 0 to 0.1, such as `0.01` or `1%`")]
pub struct RateError(String);

impl Rate {
    /// No mess.
    pub const NONE: Self = Self(0);
    const MOST: u32 = 100_000;

    /// A rate from millionths; more than a tenth of all rows is refused, since
    /// six kinds of mess at that rate leave few rows untouched.
    pub fn from_millionths(millionths: u32) -> Result<Self, RateError> {
        if millionths > Self::MOST {
            return Err(RateError(format!("{millionths} millionths")));
        }
        Ok(Self(millionths))
    }

    /// The rate in millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = RateError;
    fn from_str(text: &str) -> Result<Self, RateError> {
        let error = || RateError(text.to_owned());
        let (number, places) = match text.strip_suffix('%') {
            Some(percent) => (percent, 4),
            None => (text, 6),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || fraction.len() > places
        {
            return Err(error());
        }
        let digits = format!("{whole}{fraction:0<places$}");
        let millionths = digits.parse().map_err(|_| error())?;
        Self::from_millionths(millionths).map_err(|_| error())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0.{:06}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_as_people_write_them() {
        for (text, millionths) in
            [("0", 0), ("0.01", 10_000), ("1%", 10_000), ("0.25%", 2_500), ("0.000001", 1)]
        {
            assert_eq!(text.parse::<Rate>().map(Rate::millionths), Ok(millionths), "{text}");
        }
        for text in ["", "a", "-0.1", "0.2", "1", "11%", "0.0000001", ".5", "%", "99999999999999"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let good = Options::new(10, 1);
        assert_eq!(good.check(), Ok(()));
        let refused = [
            Options { days: 0, ..good.clone() },
            Options { vms: 0, ..good.clone() },
            Options { sample_minutes: 0, ..good.clone() },
            Options { start: Instant::END_OF_TIME, ..good.clone() },
            Options { timezones: vec!["Mars/Olympus".to_owned()], ..good.clone() },
        ];
        for options in refused {
            assert!(options.check().is_err(), "{options:?}");
        }
    }
}
