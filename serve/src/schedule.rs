//! The schedule of the usage job.
//!
//! `usage.stats.job.exec.time` in `usage.execution.timezone`, and every
//! aggregation range from there when the range is shorter than a day. Times of
//! day are local: a run at 00:15 stays at 00:15 when the clocks change, one at a
//! time of day that the clocks skip runs when the gap ends, and one at a time
//! that comes twice runs once if it is the only one of its day and else both
//! times.

use chrono::{DateTime, Days, MappedLocalTime, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use cloudtally_model::{
    AggregationRange, Instant, Millis,
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

/// An error in the settings of the schedule.
#[derive(Debug, Error)]
pub enum ScheduleError {
    /// A setting does not make sense.
    #[error("setting `{name}`: {reason}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// The fault in it.
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
        runs.flat_map(|local| self.instants_of(local))
            .filter(|run| *run > instant)
            .min()
            .expect("a schedule has a run every day")
    }

    fn instants_of(&self, local: NaiveDateTime) -> impl Iterator<Item = Instant> {
        let mut shown = local;
        let (first, again) = loop {
            match self.zone.from_local_datetime(&shown) {
                MappedLocalTime::Single(time) => break (time, None),
                MappedLocalTime::Ambiguous(first, again) => break (first, Some(again)),
                MappedLocalTime::None => shown += TimeDelta::minutes(1),
            }
        };
        let again = again.filter(|_| self.times.len() > 1);
        let instant = |time: DateTime<Tz>| Instant::from_millis(time.timestamp_millis());
        std::iter::once(first).chain(again).map(instant)
    }
}

/// The instants at which the job has to run, asked again and again.
///
/// It is due when the schedule has a run between the last look and now. So a
/// setting that has changed counts at the next look, a run that was missed (the
/// machine slept, an earlier run took long) is made up for once, and a clock
/// that is put back runs nothing twice that it can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timetable {
    /// Everything the schedule has up to here is done with.
    seen: Instant,
    /// The instant a failed run is tried again.
    again: Option<Instant>,
}

/// Time after a failed run until it is tried again.
const RETRY: Millis = Millis(10 * Millis::MINUTE.0);

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It did what there was to do.
    Done,
    /// Another process was writing: the next look tries again.
    Busy,
    /// It failed, and would fail again at once.
    Failed,
}

impl Timetable {
    /// Takes up the schedule where a folder left it: the run that the last published
    /// period should have been followed by is due next, also if that was long ago. In
    /// a folder that was never aggregated nothing has been missed, but a run may be due
    /// at this moment: a simulated clock can stand at it.
    pub(crate) fn of(store: &Store, now: Instant) -> Result<Self, StoreError> {
        let snapshot = store.snapshot()?;
        let seen = match snapshot.published_end() {
            // A run at the very end of a period counts as one that publishes it.
            Some(end) => (store.calendar()?.period_at(end).end - Millis(1)).min(now),
            None => now - Millis(1),
        };
        Ok(Self::since(seen))
    }

    /// A timetable in which all runs up to `seen` are done with.
    pub(crate) fn since(seen: Instant) -> Self {
        Self { seen, again: None }
    }

    /// Returns true if the job has to run at `now`.
    pub(crate) fn is_due(&mut self, schedule: &Schedule, now: Instant) -> bool {
        let scheduled = schedule.next_after(self.seen) <= now;
        self.seen = now;
        scheduled || self.again.is_some_and(|again| again <= now)
    }

    /// Returns the instant of the job's next run.
    pub(crate) fn next(&self, schedule: &Schedule) -> Instant {
        let scheduled = schedule.next_after(self.seen);
        self.again.map_or(scheduled, |again| again.min(scheduled))
    }

    /// Notes how a run that began at `began` ended.
    pub(crate) fn ended(&mut self, began: Instant, how: Ended) {
        self.again = match how {
            Ended::Done => None,
            Ended::Busy => Some(began),
            Ended::Failed => Some(began + RETRY),
        };
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

    #[test]
    fn a_time_of_day_that_comes_twice() {
        // 01:30 in New York is 05:30 and 06:30 UTC on 2026-11-01.
        check("America/New_York", "01:30", "1440", "2026-11-01 05:30:00", "2026-11-02 06:30:00");
        check("America/New_York", "00:30", "60", "2026-11-01 05:30:00", "2026-11-01 06:30:00");
        check("America/New_York", "00:30", "60", "2026-11-01 06:30:00", "2026-11-01 07:30:00");
    }

    #[test]
    fn runs_are_a_range_apart_and_at_most_an_hour_more_when_the_clocks_change() {
        for (zone, range, longest) in [
            ("UTC", "60", "1"),
            ("America/New_York", "60", "1"),
            ("Pacific/Apia", "60", "1"),
            ("Australia/Lord_Howe", "60", "1.5"),
            ("America/New_York", "720", "13"),
            ("America/New_York", "1440", "25"),
        ] {
            let schedule = Schedule::new(time_zone(zone).unwrap(), (0, 15), range.parse().unwrap());
            let mut found = 0;
            for year in [2011, 2026] {
                let mut last = at(&format!("{year}-01-01 00:00:00"));
                while last < at(&format!("{}-01-01 00:00:00", year + 1)) {
                    let next = schedule.next_after(last);
                    found = found.max(next.since(last).0);
                    last = next;
                }
            }
            let found = cloudtally_model::hours(found.unsigned_abs());
            assert_eq!(found, longest, "{zone} every {range} minutes");
        }
    }

    /// Times of day that run, of the looks given, with 00:15 UTC once a day.
    fn due(timetable: &mut Timetable, looks: &[&str]) -> Vec<String> {
        let schedule = Schedule::new(Tz::UTC, (0, 15), AggregationRange::DAY);
        let mut due = Vec::new();
        for look in looks {
            if timetable.is_due(&schedule, at(look)) {
                due.push((*look).to_owned());
            }
        }
        due
    }

    #[test]
    fn due_once_whatever_the_looks() {
        let mut timetable = Timetable::since(at("2026-01-01 00:00:00"));
        let looks = [
            "2026-01-01 00:14:59",
            "2026-01-01 00:15:00",
            "2026-01-01 00:16:00",
            "2026-01-01 00:10:00", // the clock was put back: not again
            "2026-01-01 00:14:00",
            "2026-01-04 12:00:00", // asleep for three days: once
            "2026-01-04 12:01:00",
        ];
        // After the clock was put back, 00:15 comes a second time and is a run of its own.
        assert_eq!(due(&mut timetable, &looks), ["2026-01-01 00:15:00", "2026-01-04 12:00:00"]);
    }

    #[test]
    fn a_run_that_was_missed_before_the_start_is_due_at_once() {
        let mut timetable = Timetable::since(at("2025-12-31 23:59:59"));
        assert_eq!(due(&mut timetable, &["2026-01-01 09:00:00"]).len(), 1);
    }

    #[test]
    fn failed_runs_are_tried_again() {
        let began = at("2026-01-01 00:15:00");
        let mut timetable = Timetable::since(began);
        timetable.ended(began, Ended::Failed);
        let looks = ["2026-01-01 00:16:00", "2026-01-01 00:25:00"];
        assert_eq!(due(&mut timetable, &looks), ["2026-01-01 00:25:00"]);
        timetable.ended(at("2026-01-01 00:25:00"), Ended::Busy);
        assert_eq!(due(&mut timetable, &["2026-01-01 00:26:00"]).len(), 1);
        timetable.ended(at("2026-01-01 00:26:00"), Ended::Done);
        assert_eq!(due(&mut timetable, &["2026-01-01 00:27:00"]).len(), 0);
    }

    #[test]
    fn a_setting_that_changed_counts_at_the_next_look() {
        let mut timetable = Timetable::since(at("2026-01-01 00:14:00"));
        let later = Schedule::new(Tz::UTC, (3, 0), AggregationRange::DAY);
        assert!(!timetable.is_due(&later, at("2026-01-01 00:15:30")), "put off");
        let sooner = Schedule::new(Tz::UTC, (0, 16), AggregationRange::DAY);
        assert!(timetable.is_due(&sooner, at("2026-01-01 00:16:30")), "brought nearer");
    }
}
