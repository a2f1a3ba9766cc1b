//! The bounds, the place, the progress and the summary of a run.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use cloudtally_model::{Instant, Period, settings};
use cloudtally_store::{Store, Writer};

use super::{
    moves::HeldPeriod,
    plan::{Plan, Rebuild},
    ready::{ShortSource, WaitingPeriod},
};
use crate::network::OversizedSeries;

/// The bounds of a run's memory. The result does not depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// Events a window loads at most, unless one period alone has more.
    pub events: u64,
    /// Segments a window has at most, unless one period alone has more.
    pub segments: u64,
}

impl Default for WindowLimits {
    fn default() -> Self {
        Self { events: 1_000_000, segments: 1_500_000 }
    }
}

/// The wish of whoever starts a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// The periods to aggregate.
    pub plan: Plan,
    /// Days whose changes are published, however large (`usage.publish.max.change`).
    pub accepted: Vec<NaiveDate>,
}

impl RunRequest {
    /// The command that does the same and accepts what was held back.
    pub(super) fn accepting(&self, held: &[HeldPeriod]) -> Option<String> {
        let days: BTreeSet<NaiveDate> = held.iter().map(|held| held.day).collect();
        if days.is_empty() {
            return None;
        }
        let mut command = "cloudtally aggregate".to_owned();
        match self.plan {
            Plan::Scheduled => {}
            Plan::RebuildAll => command.push_str(" --rebuild"),
            Plan::BackFill { from, to, rebuild, .. } => {
                command.push_str(if rebuild == Rebuild::All { " --rebuild" } else { "" });
                command.push_str(&format!(" --from {from} --to {to}"));
            }
        }
        for day in self.accepted.iter().copied().chain(days).collect::<BTreeSet<_>>() {
            command.push_str(&format!(" --accept {day}"));
        }
        Some(command)
    }
}

impl From<Plan> for RunRequest {
    fn from(plan: Plan) -> Self {
        Self { plan, accepted: Vec::new() }
    }
}

/// The place that the result goes to.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// Publish.
    Publish(&'a Writer),
    /// Compute and compare, and write nothing.
    DryRun(&'a Store),
}

impl<'a> Target<'a> {
    pub(super) fn store(self) -> &'a Store {
        match self {
            Self::Publish(writer) => writer,
            Self::DryRun(store) => store,
        }
    }
}

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregateProgress {
    /// Periods done.
    pub done: u64,
    /// Periods planned.
    pub planned: u64,
}

/// The summary of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Periods published for the first time.
    pub published: u64,
    /// Periods that got a new generation.
    pub republished: u64,
    /// Closed periods that late events have touched: what is served of them stays.
    pub restated: u64,
    /// Adjustments in the first open period, if it was computed: what became of closed ones.
    pub adjustments: u64,
    /// Periods computed again to the same records.
    pub unchanged: u64,
    /// Records of the periods computed.
    pub records: u64,
    /// Records that were not there before.
    pub added: u64,
    /// Records whose quantity or fields changed.
    pub changed: u64,
    /// Records that are no more.
    pub removed: u64,
    /// Oddities found in the periods computed.
    pub anomalies: u64,
    /// Series of network samples that went into folded records.
    pub folded_series: u64,
    /// Series of network samples that wait because their bytes do not fit a record.
    pub oversized: Vec<OversizedSeries>,
    /// Periods whose published numbers would move more than allowed, and stay.
    pub held: Vec<HeldPeriod>,
    /// The command that publishes them, if there are any.
    pub accept_by: Option<String>,
    /// The first period that a scheduled run left for later because a source is not
    /// complete.
    pub waits: Option<WaitingPeriod>,
    /// The reason why rows stay that the settings of retention would let go, if some do.
    pub keeps_rows: Option<String>,
    /// Sources that are not complete through the end of what a back-fill computed.
    pub incomplete: Vec<ShortSource>,
    /// From the start of the first period published to the end of the last.
    pub extent: Option<Period>,
    /// End of the contiguous run of published periods, if there is one.
    pub checkpoint: Option<Instant>,
}

impl RunReport {
    /// Adds what later periods of the same run did.
    pub(super) fn add(&mut self, more: &Self) {
        let sums = [
            (&mut self.published, more.published),
            (&mut self.republished, more.republished),
            (&mut self.restated, more.restated),
            (&mut self.adjustments, more.adjustments),
            (&mut self.unchanged, more.unchanged),
            (&mut self.records, more.records),
            (&mut self.added, more.added),
            (&mut self.changed, more.changed),
            (&mut self.removed, more.removed),
            (&mut self.anomalies, more.anomalies),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
        self.held.extend(more.held.iter().cloned());
        self.extent = match (self.extent, more.extent) {
            (Some(first), Some(last)) => Some(Period { start: first.start, end: last.end }),
            (first, last) => first.or(last),
        };
    }
}

impl RunReport {
    /// Remarks of the run besides its numbers, one a line.
    pub(super) fn note(&self) -> String {
        let held = self.held.iter().map(ToString::to_string);
        let accept = self.accept_by.iter().map(|command| format!("`{command}` publishes it"));
        let waits = self.waits.iter().map(ToString::to_string);
        let incomplete = self.incomplete.iter().map(ToString::to_string);
        let oversized = self.oversized.iter().map(ToString::to_string);
        let keeps_rows = self.keeps_rows.iter();
        let keeps_rows =
            keeps_rows.map(|why| format!("`{}` keeps rows: {why}", settings::RETENTION_ROWS));
        let restated = (self.restated > 0).then(|| {
            format!(
                "late events touched {} closed periods; {} adjustments stand in the first open one",
                self.restated, self.adjustments
            )
        });
        restated
            .into_iter()
            .chain(held)
            .chain(accept)
            .chain(waits)
            .chain(incomplete)
            .chain(oversized)
            .chain(keeps_rows)
            .collect::<Vec<_>>()
            .join("\n")
    }
}
