//! When the usage job runs.
//!
//! `usage.stats.job.exec.time` in `usage.execution.timezone`, and every
//! aggregation range from there when the range is shorter than a day. Times of
//! day are local: a run at 00:15 stays at 00:15 when the clocks change, and one
//! at a time of day that the clocks skip runs when the gap ends.

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use cloudtally_model::{
    AggregationRange, Instant,
    calendar::time_zone,
    settings::{self, exec_time},
};
use cloudtally_store::{Store, StoreError};
use thiserror::Error;

/// The times of day at which the usage job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    zone: Tz,
    times: Vec<NaiveTime>,
}

/// Why there is no schedule.
#[derive(Debug, Error)]
pub enum ScheduleError {
    /// A setting does not make sense.
    #[error("setting `{name}`: {reason}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Schedule {
    /// The schedule of a folder's settings.
    pub fn of(store: &Store) -> Result<Self, ScheduleError> {
        let wrong = |name| move |reason: String| ScheduleError::Setting { name, reason };
        let exec =
            exec_time(&store.setting(settings::EXEC_TIME)?).map_err(wrong(settings::EXEC_TIME))?;
        let zone = time_zone(&store.setting(settings::EXECUTION_TIMEZONE)?)
            .map_err(|error| wrong(settings::EXECUTION_TIMEZONE)(error.to_string()))?;
        Ok(Self::new(zone, exec, store.calendar()?.range()))
    }

    /// Runs at `exec` (hour, minute) and every `range` from there, round the clock.
    pub fn new(zone: Tz, exec: (u32, u32), range: AggregationRange) -> Self {
        let step = u32::from(range.minutes());
        let first = exec.0 * 60 + exec.1;
        let mut times: Vec<NaiveTime> = (0..1440 / step)
            .filter_map(|run| {
                let minute = (first + run * step) % 1440;
                NaiveTime::from_hms_opt(minute / 60, minute % 60, 0)
            })
            .collect();
        times.sort_unstable();
        Self { zone, times }
    }

    /// The next run after `instant`.
    pub fn next_after(&self, instant: Instant) -> Instant {
        let utc = DateTime::from_timestamp_millis(instant.as_millis())
            .expect("instants lie within the years chrono knows");
        let today = utc.with_timezone(&self.zone).date_naive();
        // Yesterday too: a skipped time of day runs at the end of its gap.
        let days = (0..4).filter_map(|day| {
            today.checked_sub_days(Days::new(1))?.checked_add_days(Days::new(day))
        });
        let runs = days.flat_map(|day| self.times.iter().map(move |time| day.and_time(*time)));
        runs.map(|local| self.instant_of(local))
            .filter(|run| *run > instant)
            .min()
            .expect("a schedule has a run every day")
    }

    fn instant_of(&self, local: NaiveDateTime) -> Instant {
        let mut shown = local;
        loop {
            match self.zone.from_local_datetime(&shown).earliest() {
                Some(time) => return Instant::from_millis(time.timestamp_millis()),
                None => shown += TimeDelta::minutes(1),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn check(zone: &str, exec: &str, range: &str, after: &str, expected: &str) {
        let zone = time_zone(zone).unwrap();
        let schedule = Schedule::new(zone, exec_time(exec).unwrap(), range.parse().unwrap());
        assert_eq!(schedule.next_after(at(after)), at(expected), "{exec} {range} after {after}");
    }

    #[test]
    fn once_a_day_at_local_time_across_a_clock_change() {
        check("UTC", "00:15", "1440", "2026-01-01 00:15:00", "2026-01-02 00:15:00");
        check("UTC", "00:15", "1440", "2026-01-01 00:14:59", "2026-01-01 00:15:00");
        check("America/New_York", "00:15", "1440", "2026-03-07 12:00:00", "2026-03-08 05:15:00");
        check("America/New_York", "00:15", "1440", "2026-03-08 12:00:00", "2026-03-09 04:15:00");
    }

    #[test]
    fn a_skipped_time_of_day_runs_when_the_gap_ends() {
        check("America/New_York", "02:30", "1440", "2026-03-08 05:00:00", "2026-03-08 07:00:00");
    }

    #[test]
    fn several_times_a_day_when_the_range_is_shorter() {
        check("UTC", "00:15", "60", "2026-01-01 00:15:00", "2026-01-01 01:15:00");
        check("UTC", "23:50", "720", "2026-01-01 00:00:00", "2026-01-01 11:50:00");
        check("UTC", "00:00", "90", "2026-01-01 22:30:00", "2026-01-02 00:00:00");
    }
}
