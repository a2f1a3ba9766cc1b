//! A period computed, and how it compares with what is published.

use std::collections::BTreeSet;

use cloudtally_model::{Instant, Period, SourceId, UsageRecord};
use cloudtally_store::{
    Anomaly, DaySheet, EncodedCorrections, Inputs, PublishedPeriod, SheetFile, StagedPeriod,
    StoreError,
};

use super::{
    change::{Change, ChangeKind},
    corrections::{Compared, Corrections},
    difference::{Difference, TakeDifference, Which},
    moves::HeldPeriod,
    plan::Planned,
    report::Target,
    state::Run,
};
use crate::{
    AggregateError,
    network::NetworkBill,
    period::PeriodRecords,
    records::Rows,
    sheet::{self, ByteSums, RecomputedPeriod, Sums},
    window::FoldedWindow,
};

/// One period computed, and its files under temporary names.
pub(super) struct Computed {
    pub(super) period: Period,
    /// `None` if it needs no files, or if nothing is published.
    pub(super) staged: Option<StagedPeriod>,
    /// The number of records.
    pub(super) height: u64,
    /// True if the segments open at its end are kept.
    pub(super) keeps_open: bool,
    pub(super) anomalies: Vec<Anomaly>,
    pub(super) inputs: Inputs,
    pub(super) change: Change,
    /// The differences to what is published, until they are staged.
    pub(super) corrections: Option<EncodedCorrections>,
    /// True if the use of a source that is short was left out of it.
    pub(super) left_out: bool,
    /// The sources whose use is left out.
    pub(super) short: BTreeSet<SourceId>,
    /// The sums of its records.
    pub(super) sums: Sums,
    /// The bytes of its own samples, counted a second time, as far as the bill has looked at
    /// them.
    pub(super) recounted: ByteSums,
    /// The periods that would move too much, and are left as they are.
    pub(super) held: Vec<HeldPeriod>,
    /// True if it stays as it is published, for that reason.
    pub(super) is_held: bool,
    /// True if nothing was used in it and nothing was there before: it needs no files.
    pub(super) is_empty: bool,
    /// True if it is closed: its records are never served, whatever they are.
    pub(super) is_closed: bool,
    /// The difference of a closed period that closed ones do not carry, if it was computed to
    /// other records than before.
    pub(super) owed: Option<Vec<UsageRecord>>,
    /// The starts of the closed periods whose differences it carries, if it is the first open
    /// one.
    pub(super) carries: Option<Vec<Instant>>,
}

/// The surroundings in which the periods of a window are computed.
pub(super) struct Work<'a> {
    pub(super) planned: &'a Planned,
    pub(super) bill: &'a NetworkBill,
    /// True if the period that all growth of a scheduled bill goes into is among them.
    pub(super) has_growth: bool,
    /// Periods that have seen their samples once that growth is published.
    pub(super) elsewhere: BTreeSet<Period>,
}

impl Run<'_> {
    /// Holds the sums of a period against a second computation, and keeps both with what is
    /// published.
    ///
    /// # Errors
    /// `DoesNotAddUp` where they differ.
    pub(super) fn add_sheet(
        &self,
        computed: &mut Computed,
        again: &RecomputedPeriod,
    ) -> Result<(), AggregateError> {
        let Computed { period, sums, short, anomalies, inputs, staged, is_held, .. } = computed;
        let recounted = &computed.recounted;
        let usage = sheet::lines(*period, sums, again, recounted, short, self.sources())?;
        let events = sheet::events(again, anomalies);
        // What is held back keeps the sheet of what is published.
        if let Some(staged) = staged.as_mut().filter(|_| !*is_held) {
            let inputs = self.input_files(*period, inputs);
            staged.keep_sheet(DaySheet { events, usage, inputs, outputs: Vec::new() });
        }
        Ok(())
    }

    /// The files that a period is made of: its events, its samples as far as they are billed,
    /// and the segments that were open before the run.
    fn input_files(&self, period: Period, inputs: &Inputs) -> Vec<SheetFile> {
        let events = self.snapshot.event_files.iter().filter(|file| {
            file.seq <= inputs.events_seq
                && file.first_created < period.end
                && file.last_created >= period.start
        });
        let samples = self.snapshot.sample_files.iter().filter(|file| {
            inputs.samples_seq.is_some_and(|seen| file.seq <= seen)
                && file.first_sampled <= period.end
                && file.last_sampled > period.start
        });
        let files = events.map(|file| (&file.path, &file.sha256));
        let files = files.chain(samples.map(|file| (&file.path, &file.sha256)));
        let files =
            files.map(|(path, sha256)| SheetFile { path: path.clone(), sha256: sha256.clone() });
        files.chain(self.state.clone()).collect()
    }

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

    /// Holds computed records against the published ones; those of a closed period against
    /// what it was restated as last.
    pub(super) fn compare(
        &self,
        known: &PublishedPeriod,
        after: &PeriodRecords<'_>,
    ) -> Result<Compared, StoreError> {
        let before = self.store().records_of_file(known.restated_records(), self.sources())?;
        let is_closed = self.snapshot.is_closed(known.period);
        let which = if is_closed { Which::Ordinary } else { Which::All };
        let corrections = self.corrections(known.period, known.inputs);
        let mut different = Difference::new(Some(before), which, corrections);
        after.rows().try_for_each(|row| different.push(&row))?;
        different.finish()?.finish()
    }

    /// Holds computed records against a period that was published as empty.
    pub(super) fn compare_with_nothing(
        &self,
        seen: Inputs,
        period: Period,
        after: &PeriodRecords<'_>,
    ) -> Result<Compared, StoreError> {
        let mut corrections = self.corrections(period, seen);
        after.rows().try_for_each(|row| corrections.take_new(&row))?;
        corrections.finish()
    }

    /// The change of a period that nothing is published of: one that is closed all the same was
    /// closed with nothing in it.
    pub(super) fn compare_unknown(&self, period: Period, height: u64) -> Compared {
        let is_restated = height > 0 && self.snapshot.is_closed(period);
        let kind = if is_restated { ChangeKind::Replaced } else { ChangeKind::New };
        let change = Change { kind, added: height, ..Change::default() };
        Compared { change, ..Compared::default() }
    }

    fn corrections(&self, period: Period, seen: Inputs) -> Corrections<'_> {
        // What is served of a closed period stays, so nothing corrects it.
        let is_kept = matches!(self.target, Target::Publish(_)) && !self.snapshot.is_closed(period);
        Corrections::new(&self.causes, period, seen, is_kept)
    }
}
