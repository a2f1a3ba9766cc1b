//! Status of the usage job, for the command line and `getUsageJobStatus`.

use cloudtally_aggregate::{WaitingPeriod, checkpoint, stale_periods, waiting_period};
use cloudtally_model::{Instant, settings};
use cloudtally_store::Store;

use crate::schedule::{Schedule, ScheduleError, Timetable};

/// The status of the usage job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageJobStatus {
    /// True if `serve` runs it on its schedule (`enable.usage.server`).
    pub enabled: bool,
    /// The instant its next run is due; in the past if one was missed.
    pub next: Instant,
    /// Usage is published without a gap up to here; `None` if none is.
    pub published_until: Option<Instant>,
    /// Published periods that late events have touched; the next run publishes them
    /// again.
    pub stale_periods: u64,
    /// The first period that is over and waits for a source.
    pub waits: Option<WaitingPeriod>,
}

impl UsageJobStatus {
    /// As a folder has it at `now` that nobody serves.
    pub fn of(store: &Store, now: Instant) -> Result<Self, ScheduleError> {
        Self::with_next(store, Timetable::of(store, now)?.next(&Schedule::of(store)?), now)
    }

    /// With a next run that is known.
    pub(crate) fn with_next(
        store: &Store,
        next: Instant,
        now: Instant,
    ) -> Result<Self, ScheduleError> {
        let (snapshot, calendar) = (store.snapshot()?, store.calendar()?);
        Ok(Self {
            enabled: is_enabled(store)?,
            next,
            published_until: checkpoint(&snapshot, calendar),
            stale_periods: stale_periods(&snapshot, calendar),
            waits: waiting_period(store, &snapshot, now)?,
        })
    }
}

/// Returns true if the usage job runs on its schedule at all.
pub(crate) fn is_enabled(store: &Store) -> Result<bool, ScheduleError> {
    Ok(store.setting(settings::ENABLE_USAGE)? == "true")
}
