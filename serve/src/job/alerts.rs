//! Alerts to the administrator about runs of the usage job, raised and cleared.

use std::sync::PoisonError;

use cloudtally_aggregate::{
    AggregateError, Periods, RunReport, sanity_checks, stale_periods, waiting_period,
};
use cloudtally_model::{Instant, with_causes};
use cloudtally_platform::{
    alerts::{self, AlertType, MANAGEMENT_NODE, Place, USAGE_SANITY_RESULT, USAGE_SERVER_RESULT},
    engine::{Answer, Tx},
};
use cloudtally_store::{JobState, PublishedPeriod, Severity, StoreError};
use tracing::{error, warn};

use super::{SCHEDULED, UsageJobTimer};

/// Runs among which the last scheduled one is looked for.
const RUNS_LOOKED_AT: usize = 100;

/// The periods that a run was to bring up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All that are ready.
    All,
    /// Those of the days that somebody named.
    SomeDays,
}

impl UsageJobTimer {
    /// Reports that a run of the usage job has come to its end; `before` was published before it.
    ///
    /// A run of some days clears alert 20 only where no other day is stale, and alert 23 never:
    /// what raised them may be one of those that were not named.
    pub(crate) fn ran(
        &self,
        now: Instant,
        before: Vec<PublishedPeriod>,
        report: &RunReport,
        reach: Reach,
    ) {
        let clears = match reach {
            Reach::All => true,
            Reach::SomeDays => self.is_up_to_date(),
        };
        self.look_over(now, before, reach);
        if reach == Reach::All || !report.held.is_empty() {
            *self.periods_held.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(report.held.len());
        }
        if let (Some(first), Some(command)) = (report.held.first(), &report.accept_by) {
            let text = format!("the usage job holds periods back: {first}: `{command}`");
            warn!("{text}");
            return self.wrong(now, USAGE_SERVER_RESULT, text);
        }
        let snapshot = self.store.snapshot();
        match snapshot.and_then(|snapshot| waiting_period(&self.store, &snapshot, now)) {
            Ok(None) if clears => self.well(now, USAGE_SERVER_RESULT),
            Ok(None) => {}
            Ok(Some(waits)) => {
                let text = format!("the usage job waits for a source: {waits}");
                warn!("{text}");
                self.wrong(now, USAGE_SERVER_RESULT, text);
            }
            Err(cause) => self.failed(now, &cause.into()),
        }
    }

    /// Reports that a run of the usage job has failed.
    pub(crate) fn failed(&self, now: Instant, cause: &AggregateError) {
        let text = format!("the usage job failed: {}", with_causes(cause));
        error!("{text}");
        if matches!(cause, AggregateError::DoesNotAddUp { .. }) {
            self.wrong(now, USAGE_SANITY_RESULT, cause.to_string());
        }
        self.wrong(now, USAGE_SERVER_RESULT, text);
    }

    /// Tells whether no published period waits to be published again, and the last scheduled run
    /// did not fail: no other day is held back or does not add up.
    fn is_up_to_date(&self) -> bool {
        let is_up_to_date = || {
            let (snapshot, calendar) = (self.store.snapshot()?, self.store.calendar()?);
            let runs = self.store.jobs(0, RUNS_LOOKED_AT)?;
            let scheduled = runs.iter().find(|run| run.kind == SCHEDULED);
            let failed = scheduled.is_some_and(|run| run.state != JobState::Done);
            Ok::<bool, StoreError>(!failed && stale_periods(&snapshot, calendar) == 0)
        };
        is_up_to_date().unwrap_or(false)
    }

    /// The sanity checks of what was just published (usage rules 7).
    fn look_over(&self, now: Instant, before: Vec<PublishedPeriod>, reach: Reach) {
        let found = sanity_checks(&self.store, Periods::Since(before), now, &mut |_, _| {});
        let wrong = match found {
            Ok(findings) => {
                let errors = findings.iter().filter(|found| found.severity == Severity::Error);
                self.set_sanity_failed(errors.count());
                let worst = findings.into_iter().find(|found| found.severity == Severity::Error);
                worst.map(|found| format!("{}: {}; {}", found.subject, found.problem, found.remedy))
            }
            Err(cause) => {
                self.set_sanity_failed(1);
                Some(format!("the checks failed: {}", with_causes(&cause)))
            }
        };
        match wrong {
            Some(text) => {
                error!("what was published does not add up: {text}");
                self.wrong(now, USAGE_SANITY_RESULT, text);
            }
            None if reach == Reach::All => self.well(now, USAGE_SANITY_RESULT),
            None => {}
        }
    }

    fn set_sanity_failed(&self, failed: usize) {
        *self.sanity_failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
    }

    /// Counts the periods that the last run held back; none before the first.
    pub(crate) fn periods_held(&self) -> Option<usize> {
        *self.periods_held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the findings of the sanity checks after the last run; none before the first.
    pub(crate) fn sanity_failed(&self) -> Option<usize> {
        *self.sanity_failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises or clears the alert about the machine's clock.
    pub(crate) fn tell_of_clock(&self, now: Instant, problem: Option<String>) {
        match problem {
            Some(text) => self.wrong(now, MANAGEMENT_NODE, text),
            None => self.well(now, MANAGEMENT_NODE),
        }
    }

    pub(super) fn wrong(&self, now: Instant, what: AlertType, text: String) {
        self.change(now, move |tx| {
            alerts::raise(tx, what, None, Place::default(), &text);
        });
    }

    pub(super) fn well(&self, now: Instant, what: AlertType) {
        self.change(now, move |tx| alerts::resolve(tx, what, None, Place::default()));
    }

    fn change(&self, now: Instant, change: impl FnOnce(&mut Tx<'_>) + Send + 'static) {
        let Some(cloud) = self.cloud.upgrade() else { return };
        let kept = cloud.change(now, move |tx| {
            change(tx);
            Ok(Answer::Success)
        });
        if let Err(cause) = kept {
            error!("cannot keep what the administrator is to be told: {cause}");
        }
    }
}
