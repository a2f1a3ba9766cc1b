//! A period computed, and how it compares with what is published.

use std::{cmp::Ordering, collections::BTreeSet};

use cloudtally_model::{Period, RecordRow, SourceId};
use cloudtally_store::{
    Anomaly, DaySheet, EncodedCorrections, Inputs, PublishedPeriod, RecordColumns, RecordReader,
    SheetFile, StagedPeriod, StoreError,
};

use super::{change::Change, corrections::Corrections, plan::Planned, report::Target, state::Run};
use crate::{
    AggregateError,
    network::NetworkBill,
    period::PeriodRecords,
    records::Rows,
    sheet::{self, RecomputedPeriod, Sums},
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
    /// True if nothing was used in it and nothing was there before: it needs no files.
    pub(super) is_empty: bool,
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
        let Computed { period, sums, short, anomalies, inputs, staged, .. } = computed;
        let usage = sheet::lines(*period, sums, again, short, self.sources())?;
        let events = sheet::events(again, anomalies);
        if let Some(staged) = staged {
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

    /// Holds computed records against the published ones.
    pub(super) fn compare(
        &self,
        known: &PublishedPeriod,
        after: &PeriodRecords<'_>,
    ) -> Result<(Change, Option<EncodedCorrections>), StoreError> {
        let before = self.store().record_columns(known, self.sources())?;
        let corrections = self.corrections(known.period, known.inputs);
        let mut different = Difference::new(before, corrections);
        after.rows().try_for_each(|row| different.push(&row))?;
        different.finish()
    }

    /// Holds computed records against a period that was published as empty.
    pub(super) fn compare_with_nothing(
        &self,
        seen: Inputs,
        period: Period,
        after: &PeriodRecords<'_>,
    ) -> Result<(Change, Option<EncodedCorrections>), StoreError> {
        let mut corrections = self.corrections(period, seen);
        after.rows().try_for_each(|row| corrections.push_new(&row))?;
        corrections.finish()
    }

    fn corrections(&self, period: Period, seen: Inputs) -> Corrections<'_> {
        let is_kept = matches!(self.target, Target::Publish(_));
        Corrections::new(&self.causes, period, seen, is_kept)
    }
}

/// Two runs of records in order, walked side by side: what only one of them has.
struct Difference<'a> {
    reader: RecordReader<'a>,
    columns: Option<RecordColumns>,
    row: usize,
    corrections: Corrections<'a>,
}

impl<'a> Difference<'a> {
    fn new(reader: RecordReader<'a>, corrections: Corrections<'a>) -> Self {
        Self { reader, columns: None, row: 0, corrections }
    }

    /// Reads on, if need be; returns false at the end of what is published.
    fn read(&mut self) -> Result<bool, StoreError> {
        while self.columns.as_ref().is_none_or(|columns| self.row == columns.height()) {
            let Some(columns) = self.reader.next() else { return Ok(false) };
            (self.columns, self.row) = (Some(columns?), 0);
        }
        Ok(true)
    }

    /// Takes the next computed record.
    fn push(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError> {
        loop {
            let order = match self.read()? {
                true => self.columns.as_ref().map(|columns| columns.row(self.row).cmp(row)),
                false => None,
            };
            match order {
                Some(Ordering::Equal) => {
                    self.row += 1;
                    return Ok(());
                }
                Some(Ordering::Less) => self.take_gone()?,
                Some(Ordering::Greater) | None => return self.corrections.push_new(row),
            }
        }
    }

    fn take_gone(&mut self) -> Result<(), StoreError> {
        if let Some(columns) = &self.columns {
            self.corrections.push_gone(&columns.row(self.row))?;
            self.row += 1;
        }
        Ok(())
    }

    /// The numbers of what changed, and the corrections.
    fn finish(mut self) -> Result<(Change, Option<EncodedCorrections>), StoreError> {
        while self.read()? {
            self.take_gone()?;
        }
        self.corrections.finish()
    }
}
