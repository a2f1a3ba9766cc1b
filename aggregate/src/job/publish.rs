//! Computed periods on their way into the folder: staged, counted, published.

use std::collections::BTreeSet;

use cloudtally_model::Period;
use cloudtally_store::{
    BilledCounter, EmptyStretch, Inputs, PeriodDraft, PeriodRows, RecordEncoder, StagedPeriod,
    WriteRecords, Writer,
};

use super::{
    change::ChangeKind,
    computed::{Computed, Work},
    plan::{NetworkMode, Planned, unpublished},
    report::Target,
    state::{Pending, Run},
};
use crate::{AggregateError, network::NetworkBill, period::PeriodRecords, segments::Segments};

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

    /// Encodes a computed period to temporary files, if it needs any.
    pub(super) fn stage(
        &self,
        computed: &Computed,
        records: &PeriodRecords<'_>,
        segments: &Segments,
        work: &Work<'_>,
    ) -> Result<Option<StagedPeriod>, AggregateError> {
        let Target::Publish(writer) = self.target else { return Ok(None) };
        let (period, bill) = (computed.period, work.bill);
        let bills =
            bills_with_period(period, work.planned, bill) || work.elsewhere.contains(&period);
        let counters = bill.counters(period).filter(|_| bills);
        let mut inputs = computed.inputs;
        // A period in which no series has anything has seen its samples with the others.
        if let Some(seq) = bill.samples_seq(period).filter(|_| bills || work.has_growth) {
            inputs.samples_seq = seq;
        }
        if computed.is_held {
            // A scheduled bill may have seen its samples all the same.
            let has_files = self.published.contains_key(&period.start);
            let is_billed = bills && matches!(work.planned.network, NetworkMode::Scheduled);
            return (is_billed && (has_files || counters.is_some()))
                .then(|| self.stage_seen(writer, period, (inputs, has_files), counters.as_deref()))
                .transpose();
        }
        let is_new = !self.published.contains_key(&period.start);
        let replaces = is_new || computed.change.kind != ChangeKind::Unchanged;
        if computed.is_empty || computed.left_out && !replaces && !bills {
            return Ok(None);
        }
        let write = |encoder: &mut RecordEncoder<'_>| encoder.write(records);
        let open = computed.keeps_open.then(|| segments.open_at(period.end));
        let rows = PeriodRows {
            period,
            records: replaces.then_some(&write as &WriteRecords<'_>),
            open: open.as_deref().map(|rows| (segments.columns(), rows)),
            counters: counters.as_deref(),
            anomalies: Some(&computed.anomalies),
            corrections: computed.corrections.as_ref(),
            inputs,
        };
        let staged = writer.stage_rows(&rows, self.sources())?;
        Ok(Some(match &computed.carries {
            Some(closed) => staged.carrying(closed.clone()),
            None => staged,
        }))
    }

    /// Stages a period whose records stay: it has seen more samples, and its counters may say so.
    fn stage_seen(
        &self,
        writer: &Writer,
        period: Period,
        (inputs, has_files): (Inputs, bool),
        counters: Option<&[BilledCounter]>,
    ) -> Result<StagedPeriod, AggregateError> {
        let draft = PeriodDraft {
            period,
            records: if has_files { None } else { Some(&[]) },
            open: if has_files { None } else { Some(&[]) },
            counters,
            anomalies: None,
            inputs,
        };
        Ok(writer.stage(&draft, self.sources())?)
    }

    /// Takes computed periods into what is published next, and what a scheduled bill
    /// changes elsewhere.
    pub(super) fn take(
        &mut self,
        mut computed: Vec<Computed>,
        work: &Work<'_>,
    ) -> Result<(), AggregateError> {
        self.count(&computed);
        for computed in &mut computed {
            if let Some(owed) = computed.owed.take() {
                self.owed.insert(computed.period.start, owed);
            }
        }
        let Target::Publish(writer) = self.target else { return Ok(()) };
        let Work { bill, has_growth, ref elsewhere, .. } = *work;
        let publication = &mut self.pending.publication;
        publication.periods.extend(computed.iter_mut().filter_map(|c| c.staged.take()));
        for empty in computed.iter().filter(|c| c.is_empty) {
            let (period, mut inputs) = (empty.period, empty.inputs);
            if let Some(seq) = bill.samples_seq(period).filter(|_| has_growth) {
                inputs.samples_seq = seq;
            }
            publication.empty.push(EmptyStretch { extent: period, inputs });
        }
        if has_growth {
            publication.seen = bill.seen_by_empty();
        }
        let in_window = |period: &Period| computed.iter().any(|c| c.period == *period);
        for &period in elsewhere.iter().filter(|period| !in_window(period)) {
            let Some((inputs, has_files)) = self.inputs_elsewhere(period, bill) else { continue };
            let samples_seq = bill.samples_seq(period).unwrap_or(inputs.samples_seq);
            let seen = (Inputs { samples_seq, ..inputs }, has_files);
            let staged = self.stage_seen(writer, period, seen, bill.counters(period).as_deref())?;
            self.pending.publication.periods.push(staged);
        }
        Ok(())
    }

    /// The periods that have seen their samples once the growth is published: those that
    /// the bill touches, and those of earlier windows that no series has anything in.
    pub(super) fn billed_elsewhere(&self, bill: &NetworkBill) -> BTreeSet<Period> {
        let done = self.done.keys().map(|start| self.calendar.period_at(*start));
        let done = done.filter(|period| bill.samples_seq(*period).is_some());
        bill.touched().chain(done).collect()
    }

    /// Lets go of what is staged if a part of it is held back: bytes move between its periods,
    /// and would be billed twice, or not at all.
    pub(super) fn hold_together(&mut self) {
        let held = std::mem::take(&mut self.pending.counts.held);
        if !held.is_empty() {
            self.pending = Pending::default();
        }
        self.pending.counts.held = held;
    }

    /// Publishes what is staged, all of it or nothing.
    pub(super) fn publish(&mut self) -> Result<(), AggregateError> {
        let Pending { mut publication, counts } = std::mem::take(&mut self.pending);
        publication.published = Some(self.published_as);
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

    fn count(&mut self, computed: &[Computed]) {
        for computed in computed {
            let Computed { period, height, inputs, anomalies, change, is_empty, .. } = computed;
            let is_restated = computed.is_closed && change.kind == ChangeKind::Replaced;
            if !is_empty {
                self.done.insert(period.start, *inputs);
            }
            let report = &mut self.pending.counts;
            report.held.extend(computed.held.iter().cloned());
            if computed.is_held {
                continue;
            }
            report.records += height;
            report.anomalies += anomalies.len() as u64;
            if computed.carries.is_some() {
                report.adjustments += self.carried.records.len() as u64;
            }
            if is_restated {
                report.restated += 1;
                continue;
            }
            if change.kind != ChangeKind::Unchanged {
                let start = report.extent.map_or(period.start, |extent| extent.start);
                report.extent = Some(Period { start, end: period.end });
            }
            match change.kind {
                ChangeKind::New => report.published += 1,
                ChangeKind::Replaced => report.republished += 1,
                ChangeKind::Unchanged => report.unchanged += 1,
            }
            report.added += change.added;
            report.changed += change.changed;
            report.removed += change.removed;
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
