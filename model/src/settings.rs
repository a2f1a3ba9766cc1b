//! The global configuration, one row a setting.
//!
//! The names and defaults are those of the guide and the 4.2 server; the value
//! is text, as `updateConfiguration` sends it, and each row says how to check it.

use std::str::FromStr;

use crate::calendar::{AggregationRange, time_zone};

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The name, such as `usage.aggregation.timezone`.
    pub name: &'static str,
    /// The category `listConfigurations` shows.
    pub category: &'static str,
    /// The value of a fresh folder.
    pub default: &'static str,
    /// One line that says what it does and in which unit.
    pub description: &'static str,
    /// Refuses a value with what is allowed.
    pub check: fn(&str) -> Result<(), String>,
}

/// Zone of the day boundaries and of the dates in records.
pub const AGGREGATION_TIMEZONE: &str = "usage.aggregation.timezone";
/// Minutes a period lasts.
pub const AGGREGATION_RANGE: &str = "usage.stats.job.aggregation.range";
/// When the usage job runs.
pub const EXEC_TIME: &str = "usage.stats.job.exec.time";
/// Zone of [`EXEC_TIME`].
pub const EXECUTION_TIMEZONE: &str = "usage.execution.timezone";
/// Whether the usage job runs on its schedule.
pub const ENABLE_USAGE: &str = "enable.usage.server";
/// Page size where a request names none, and the largest allowed.
pub const DEFAULT_PAGE_SIZE: &str = "default.page.size";

/// All settings, sorted by name.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: DEFAULT_PAGE_SIZE,
        category: "Advanced",
        default: "500",
        description: "items on a page of a list answer, and the largest `pagesize` a caller may ask for",
        check: |value| number_between(value, 1, 100_000),
    },
    Setting {
        name: ENABLE_USAGE,
        category: "Usage",
        default: "true",
        description: "whether `serve` runs the usage job on its schedule",
        check: |value| match value {
            "true" | "false" => Ok(()),
            _ => Err("it must be `true` or `false`".to_owned()),
        },
    },
    Setting {
        name: AGGREGATION_TIMEZONE,
        category: "Usage",
        default: "UTC",
        description: "IANA zone in which days begin and record dates are shown; fixed once a period is published",
        check: |value| time_zone(value).map(drop).map_err(|e| e.to_string()),
    },
    Setting {
        name: EXECUTION_TIMEZONE,
        category: "Usage",
        default: "UTC",
        description: "IANA zone of `usage.stats.job.exec.time`",
        check: |value| time_zone(value).map(drop).map_err(|e| e.to_string()),
    },
    Setting {
        name: AGGREGATION_RANGE,
        category: "Usage",
        default: "1440",
        description: "minutes a period lasts: 1440 (a calendar day) or a divisor of it of at least 10; fixed once a period is published",
        check: |value| AggregationRange::from_str(value).map(drop).map_err(|e| e.to_string()),
    },
    Setting {
        name: EXEC_TIME,
        category: "Usage",
        default: "00:15",
        description: "time of day `HH:MM` at which the usage job runs; with a shorter range it runs every range from there",
        check: |value| exec_time(value).map(drop),
    },
];

/// The row of a setting.
pub fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|row| row.name == name)
}

/// Reads `HH:MM` as (hour, minute).
pub fn exec_time(value: &str) -> Result<(u32, u32), String> {
    let parsed = value.split_once(':').and_then(|(hour, minute)| {
        let digits = |s: &str| {
            (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok())
        };
        Some((digits(hour)??, digits(minute)??))
    });
    parsed
        .filter(|(hour, minute)| *hour < 24 && *minute < 60)
        .ok_or_else(|| format!("`{value}` is not a time of day; write `HH:MM`, such as `00:15`"))
}

fn number_between(value: &str, least: u32, most: u32) -> Result<(), String> {
    match value.parse::<u32>() {
        Ok(number) if (least..=most).contains(&number) => Ok(()),
        _ => Err(format!("`{value}` is not a whole number from {least} to {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_pass_their_own_check() {
        for row in SETTINGS {
            assert_eq!((row.check)(row.default), Ok(()), "{}", row.name);
        }
    }

    #[test]
    fn times_of_day() {
        assert_eq!(exec_time("00:15"), Ok((0, 15)));
        assert_eq!(exec_time("23:59"), Ok((23, 59)));
        for value in ["24:00", "0:15", "00:60", "0015", "00:15:00", ""] {
            assert!(exec_time(value).is_err(), "{value}");
        }
    }
}
