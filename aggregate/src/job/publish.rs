//! Computed periods on their way into the folder: staged, counted, published.

use std::collections::BTreeSet;

use cloudtally_model::Period;
use cloudtally_store::{
    EmptyStretch, Inputs, PeriodDraft, PeriodRows, PushRecords, RecordEncoder, StagedPeriod,
};
use rayon::prelude::*;

use super::{
    computed::{ChangeKind, Computed},
    plan::{NetworkMode, Planned, unpublished},
    report::Target,
    state::{Pending, Run},
};
use crate::{AggregateError, network::NetworkBill};

impl Run<'_> {
    /// Takes empty periods in a row into what is published next.
    pub(super) fn pass_over(&mut self, empty: Period, planned: &Planned, bill: &NetworkBill) {
        // What was empty before has seen its samples, and has none.
        let known = self
            .snapshot
            .stretches
            .iter()
            .filter(|known| known.extent.start < empty.end && empty.start < known.extent.end);
        let overlap = |known: &EmptyStretch| Period {
            start: known.extent.start.max(empty.start),
            end: known.extent.end.min(empty.end),
        };
        let parts = known.map(|known| (overlap(known), known.inputs.samples_seq));
        let mut parts: Vec<(Period, Option<u64>)> = parts.collect();
        let counts = &mut self.pending.counts;
        let again: u64 = parts.iter().map(|(part, _)| self.calendar.count(*part)).sum();
        let new = self.calendar.count(empty) - again;
        counts.unchanged += again;
        counts.published += new;
        if new > 0 {
            let start = counts.extent.map_or(empty.start, |extent| extent.start);
            counts.extent = Some(Period { start, end: empty.end });
        }
        parts.extend(unpublished(self.snapshot, empty).into_iter().map(|part| (part, None)));
        for (extent, samples_seq) in parts {
            // A part lies wholly before the period that all growth goes into, or not: it
            // is cut there if need be.
            for extent in self.cut_at_bill(extent, bill) {
                let billed = bills_with_period(extent, planned, bill);
                let seen = bill.samples_seq(self.calendar.period_at(extent.start));
                let samples_seq = seen.filter(|_| billed).unwrap_or(samples_seq);
                let inputs = Inputs { samples_seq, ..self.inputs() };
                self.pending.publication.empty.push(EmptyStretch { extent, inputs });
            }
        }
    }

    /// An extent in two where the period that all growth goes into begins.
    fn cut_at_bill(&self, extent: Period, bill: &NetworkBill) -> Vec<Period> {
        match bill.into() {
            Some(into) if extent.start < into.start && into.start < extent.end => {
                let before = Period { start: extent.start, end: into.start };
                vec![before, Period { start: into.start, end: extent.end }]
            }
            _ => vec![extent],
        }
    }

    /// The inputs of a period that is computed now, but for its samples.
    pub(super) fn inputs(&self) -> Inputs {
        Inputs {
            events_seq: self.snapshot.events_seq(),
            samples_seq: None,
            accounts_seq: self.snapshot.accounts_seq,
        }
    }

    /// Encodes computed periods to temporary files.
    pub(super) fn stage(
        &mut self,
        computed: &[Computed<'_>],
        has_growth: bool,
        planned: &Planned,
        bill: &NetworkBill,
    ) -> Result<(), AggregateError> {
        let Target::Publish(writer) = self.target else { return Ok(()) };
        let elsewhere = if has_growth { self.billed_elsewhere(bill) } else { BTreeSet::new() };
        let stage = |computed: &Computed<'_>| -> Result<Option<StagedPeriod>, AggregateError> {
            let period = computed.period();
            let bills = bills_with_period(period, planned, bill) || elsewhere.contains(&period);
            let counters = bill.counters(period).filter(|_| bills);
            let mut inputs = computed.inputs;
            if let Some(seq) = bill.samples_seq(period).filter(|_| bills) {
                inputs.samples_seq = seq;
            }
            let is_new = !self.published.contains_key(&period.start);
            let replaces = is_new || computed.change.kind != ChangeKind::Unchanged;
            if computed.is_empty {
                return Ok(None);
            }
            if computed.left_out && !replaces && !bills {
                return Ok(None);
            }
            let records = &computed.records;
            let push = |encoder: &mut RecordEncoder<'_>| {
                records.for_each(&mut |record| encoder.push(record))
            };
            let open = computed.keeps_open.then(|| records.segments.open_at(period.end));
            let rows = PeriodRows {
                period,
                records: replaces.then_some(&push as &PushRecords<'_>),
                open: open.as_deref(),
                counters: counters.as_deref(),
                anomalies: Some(&computed.anomalies),
                inputs,
            };
            Ok(Some(writer.stage_rows(&rows, self.sources())?))
        };
        let staged: Vec<Option<StagedPeriod>> =
            computed.par_iter().map(stage).collect::<Result<_, _>>()?;
        let publication = &mut self.pending.publication;
        publication.periods.extend(staged.into_iter().flatten());
        for empty in computed.iter().filter(|c| c.is_empty) {
            let (period, mut inputs) = (empty.period(), empty.inputs);
            if let Some(seq) = bill.samples_seq(period).filter(|_| has_growth) {
                inputs.samples_seq = seq;
            }
            publication.empty.push(EmptyStretch { extent: period, inputs });
        }
        if has_growth {
            publication.seen = bill.seen_by_empty();
        }
        let in_window = |period: &Period| computed.iter().any(|c| c.period() == *period);
        for &period in elsewhere.iter().filter(|period| !in_window(period)) {
            let Some((inputs, has_files)) = self.inputs_elsewhere(period, bill) else { continue };
            let samples_seq = bill.samples_seq(period).unwrap_or(inputs.samples_seq);
            let counters = bill.counters(period);
            let draft = PeriodDraft {
                period,
                records: if has_files { None } else { Some(&[]) },
                open: if has_files { None } else { Some(&[]) },
                counters: counters.as_deref(),
                anomalies: None,
                inputs: Inputs { samples_seq, ..inputs },
            };
            let staged = writer.stage(&draft, self.sources())?;
            self.pending.publication.periods.push(staged);
        }
        Ok(())
    }

    /// The periods that have seen their samples once the growth is published: those that
    /// the bill touches, and those of earlier windows that no series has anything in.
    fn billed_elsewhere(&self, bill: &NetworkBill) -> BTreeSet<Period> {
        let done = self.done.keys().map(|start| self.calendar.period_at(*start));
        let done = done.filter(|period| bill.samples_seq(*period).is_some());
        bill.touched().chain(done).collect()
    }

    /// Publishes what is staged, all of it or nothing.
    pub(super) fn publish(&mut self) -> Result<(), AggregateError> {
        let Pending { publication, counts } = std::mem::take(&mut self.pending);
        if let Target::Publish(writer) = self.target {
            writer.publish_cut_by(self.calendar, publication)?;
        }
        self.report.add(&counts);
        Ok(())
    }

    /// The inputs that a published period outside the window was computed from, by an earlier
    /// window of this run or before it, and whether it has files. `None` for an empty one
    /// that stays so.
    fn inputs_elsewhere(&self, period: Period, bill: &NetworkBill) -> Option<(Inputs, bool)> {
        let before = || self.published.get(&period.start).map(|known| known.inputs);
        if let Some(inputs) = self.done.get(&period.start).copied().or_else(before) {
            return Some((inputs, true));
        }
        let empty = self.snapshot.stretch_at(period.start).filter(|_| !bill.is_quiet(period))?;
        Some((empty.inputs, false))
    }

    pub(super) fn count(&mut self, computed: &[Computed<'_>]) {
        for computed in computed {
            let Computed { height, inputs, anomalies, change, is_empty, .. } = computed;
            let period = computed.period();
            if !is_empty {
                self.done.insert(period.start, *inputs);
            }
            let report = &mut self.pending.counts;
            if change.kind != ChangeKind::Unchanged {
                let start = report.extent.map_or(period.start, |extent| extent.start);
                report.extent = Some(Period { start, end: period.end });
            }
            match change.kind {
                ChangeKind::New => report.published += 1,
                ChangeKind::Replaced => report.republished += 1,
                ChangeKind::Unchanged => report.unchanged += 1,
            }
            report.records += height;
            report.added += change.added;
            report.changed += change.changed;
            report.removed += change.removed;
            report.anomalies += anomalies.len() as u64;
        }
    }
}

/// Tells whether the transaction that publishes `period` also says that its samples are
/// billed. In a scheduled run that is the period all growth goes into; later ones
/// follow in the same transaction or after it.
pub(super) fn bills_with_period(period: Period, planned: &Planned, bill: &NetworkBill) -> bool {
    match planned.network {
        NetworkMode::BackFill(_) => true,
        NetworkMode::Scheduled => bill.into().is_some_and(|into| into <= period),
    }
}
