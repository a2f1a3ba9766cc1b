//! A period computed, and how it compares with what is published.

use std::collections::HashMap;

use cloudtally_model::{Period, RecordId, Segment, UsageRecord};
use cloudtally_store::{Anomaly, Inputs};

use super::run::Run;
use crate::window::FoldedWindow;

/// One period computed, before it is written.
pub(super) struct Computed {
    pub(super) period: Period,
    pub(super) records: Vec<UsageRecord>,
    pub(super) open: Option<Vec<Segment>>,
    pub(super) anomalies: Vec<Anomaly>,
    pub(super) inputs: Inputs,
    pub(super) change: Change,
    /// True if the use of a source that is short was left out of it.
    pub(super) left_out: bool,
    /// True if nothing was used in it and nothing was there before: it needs no files.
    pub(super) is_empty: bool,
}

/// A computed period beside what is published.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) kind: ChangeKind,
    pub(super) added: u64,
    pub(super) changed: u64,
    pub(super) removed: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ChangeKind {
    #[default]
    New,
    Replaced,
    Unchanged,
}

impl Run<'_> {
    pub(super) fn anomalies(&self, folded: &FoldedWindow, period: Period) -> Vec<Anomaly> {
        let inside = folded.oddities.iter().filter(|(_, odd)| period.contains(odd.at));
        let mut anomalies: Vec<Anomaly> = inside
            .map(|(source, odd)| Anomaly {
                period,
                source: self.sources().name(*source).clone(),
                event: odd.event,
                usage_type: odd.usage_type,
                resource: odd.resource,
                at: odd.at,
                text: odd.text.clone(),
            })
            .collect();
        anomalies.sort_by(|a, b| {
            (a.at, a.event, &a.source, a.usage_type, a.resource).cmp(&(
                b.at,
                b.event,
                &b.source,
                b.usage_type,
                b.resource,
            ))
        });
        anomalies
    }

    pub(super) fn compare(
        &self,
        period: Period,
        before: &[UsageRecord],
        after: &[UsageRecord],
    ) -> Change {
        if before == after {
            return Change { kind: ChangeKind::Unchanged, ..Change::default() };
        }
        let id = |record: &UsageRecord| record.id(self.sources().name(record.source), period);
        let mut old: HashMap<RecordId, &UsageRecord> =
            before.iter().map(|record| (id(record), record)).collect();
        let mut change = Change { kind: ChangeKind::Replaced, ..Change::default() };
        for record in after {
            match old.remove(&id(record)) {
                None => change.added += 1,
                Some(known) if known != record => change.changed += 1,
                Some(_) => {}
            }
        }
        change.removed = old.len() as u64;
        change
    }
}
