//! Computing the periods of a run and publishing them, window by window.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cloudtally_model::{
    Calendar, Instant, Period, RecordId, Segment, SourceId, Sources, UsageRecord,
};
use cloudtally_store::{
    Anomaly, Inputs, PeriodDraft, PublishedPeriod, Snapshot, StagedPeriod, Store,
};
use rayon::prelude::*;

use super::{
    AggregateProgress, RunReport, Target, View, WindowLimits, is_stale,
    plan::{NetworkMode, Planned},
    ready::Completeness,
};
use crate::{
    AggregateError,
    network::{NetworkBill, NetworkBiller, Published},
    window::{FoldedWindow, WindowFolder},
};

/// One run of the job.
pub(super) struct Run<'a> {
    target: Target<'a>,
    limits: WindowLimits,
    snapshot: &'a Snapshot,
    calendar: Calendar,
    completeness: &'a Completeness,
    folder: WindowFolder<'a>,
    published: BTreeMap<Instant, &'a PublishedPeriod>,
    /// Periods of this run's earlier windows.
    done: BTreeMap<Instant, Inputs>,
    /// Computed and on disk, and not named by the catalogue yet.
    pending: Pending,
    report: &'a mut RunReport,
}

/// Periods that will be published in one transaction.
#[derive(Default)]
struct Pending {
    staged: Vec<StagedPeriod>,
    counts: RunReport,
}

/// One period computed, before it is written.
struct Computed {
    period: Period,
    records: Vec<UsageRecord>,
    open: Option<Vec<Segment>>,
    anomalies: Vec<Anomaly>,
    inputs: Inputs,
    change: Change,
    /// Whether the use of a source that is short was left out of it.
    left_out: bool,
}

/// How a computed period compares with what is published.
#[derive(Clone, Copy, Default)]
struct Change {
    kind: ChangeKind,
    added: u64,
    changed: u64,
    removed: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ChangeKind {
    #[default]
    New,
    Replaced,
    Unchanged,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        target: Target<'a>,
        limits: WindowLimits,
        view: &'a View<'a>,
        report: &'a mut RunReport,
    ) -> Self {
        let View { snapshot, calendar, removals, completeness } = view;
        Self {
            target,
            limits,
            snapshot,
            calendar: *calendar,
            completeness,
            folder: WindowFolder::new(target.store(), snapshot, removals, u64::MAX),
            published: snapshot.periods.iter().map(|p| (p.period.start, p)).collect(),
            done: BTreeMap::new(),
            pending: Pending::default(),
            report,
        }
    }

    fn sources(&self) -> &'a Sources {
        &self.snapshot.sources
    }

    fn store(&self) -> &'a Store {
        self.target.store()
    }

    fn bill(&self, planned: &Planned) -> Result<NetworkBill, AggregateError> {
        let biller =
            NetworkBiller { store: self.store(), snapshot: self.snapshot, calendar: self.calendar };
        let is_new = |period: &&Period| !self.published.contains_key(&period.start);
        match planned.network {
            NetworkMode::Scheduled => {
                let new: Vec<Period> = planned.periods.iter().filter(is_new).copied().collect();
                biller.scheduled(&new)
            }
            NetworkMode::BackFill(published) => biller.back_fill(&planned.periods, published),
        }
    }

    /// Computes the planned periods and publishes them, if there is where.
    pub(super) fn compute(
        mut self,
        planned: &Planned,
        progress: &mut dyn FnMut(AggregateProgress),
    ) -> Result<(), AggregateError> {
        let bill = &self.bill(planned)?;
        self.report.folded_series = bill.folded_series();
        self.report.oversized = bill.oversized(self.sources());
        let total = planned.periods.len();
        let mut done = 0;
        progress(AggregateProgress { done, planned: total });
        for stretch in contiguous(&planned.periods) {
            let mut open = self.open_before(stretch[0])?;
            let mut rest = stretch;
            while !rest.is_empty() {
                let window = &rest[..self.window_length(rest, open.len())];
                let bounds = (window[0].start, window[window.len() - 1].end);
                let folded = self.folder.fold(open, bounds, window)?;
                let next_open = folded.open_at(bounds.1);
                let computed = self.finish_window(folded, window, planned, bill)?;
                // What a scheduled bill changes elsewhere is published together with
                // the period that its records stand in: one step, or none of it.
                let bills = bill.into().is_some_and(|into| window.contains(&into));
                let elsewhere = if bills { bill.touched().collect() } else { Vec::new() };
                self.stage(&computed, &elsewhere, planned, bill)?;
                self.count(&computed);
                if !bill.is_whole() {
                    self.publish()?;
                }
                open = next_open;
                rest = &rest[window.len()..];
                done += window.len();
                progress(AggregateProgress { done, planned: total });
            }
        }
        self.publish()
    }

    /// How many of the next periods fit one window.
    ///
    /// A period makes about as many records as there are segments in it: those open
    /// before and those its events open, about every other one.
    fn window_length(&self, periods: &[Period], open: usize) -> usize {
        let from = periods[0].start;
        let fits = |length: usize| {
            let events = self.folder.events_at_most(from, periods[length - 1].end);
            let segments = (open as u64).saturating_add(events / 2);
            let records = segments.saturating_mul(length as u64);
            events <= self.limits.events && records <= self.limits.records as u64
        };
        (2..=periods.len()).take_while(|&length| fits(length)).last().unwrap_or(1)
    }

    /// The segments open at the start of `period`: those of the latest published
    /// period before it that nothing late has touched, replayed up to it.
    fn open_before(&self, period: Period) -> Result<Vec<Segment>, AggregateError> {
        let state = self
            .published
            .values()
            .rev()
            .filter(|known| known.period.end <= period.start && known.segments.is_some())
            .find(|known| !is_stale(self.snapshot, known));
        let (mut open, mut from) = match state {
            Some(known) => (self.store().read_open(known, self.sources())?, known.period.end),
            None => {
                let earliest = self.snapshot.earliest().unwrap_or(Instant::EPOCH);
                (Vec::new(), self.calendar.period_at(earliest).start)
            }
        };
        // Replayed a day or more at a time, to bound memory.
        while from < period.start {
            let mut to = self.calendar.period_at(from).end.min(period.start);
            while to < period.start {
                let further = self.calendar.period_at(to).end.min(period.start);
                if self.folder.events_at_most(from, further) > self.limits.events {
                    break;
                }
                to = further;
            }
            open = self.folder.fold(open, (from, to), &[])?.open_at(to);
            from = to;
        }
        Ok(open)
    }

    fn finish_window(
        &self,
        mut folded: FoldedWindow,
        window: &[Period],
        planned: &Planned,
        bill: &NetworkBill,
    ) -> Result<Vec<Computed>, AggregateError> {
        let lifecycles = std::mem::take(&mut folded.records);
        let folded = &folded;
        window
            .par_iter()
            .zip(lifecycles)
            .map(|(&period, records)| self.finish_period(folded, period, records, planned, bill))
            .collect()
    }

    fn finish_period(
        &self,
        folded: &FoldedWindow,
        period: Period,
        mut records: Vec<UsageRecord>,
        planned: &Planned,
        bill: &NetworkBill,
    ) -> Result<Computed, AggregateError> {
        let known = self.published.get(&period.start).copied();
        let before = match known {
            Some(known) => self.store().read_records(known, self.sources())?,
            None => Vec::new(),
        };
        let of_bytes = before.iter().filter(|record| record.usage_type.is_bytes());
        let left_out = self.left_out(known, &before, &mut records, planned);
        let recomputes_bytes = match planned.network {
            NetworkMode::BackFill(Published::Recompute) => true,
            NetworkMode::BackFill(Published::Keep) | NetworkMode::Scheduled => known.is_none(),
        };
        if recomputes_bytes {
            // A folded record is a unit: a rebuild reproduces it.
            records.extend(of_bytes.filter(|r| r.is_folded(period)).cloned());
            records.extend(bill.records(period));
        } else {
            records.extend(of_bytes.cloned());
        }
        records.sort_unstable();

        let samples_seq = match bill.samples_seq(period) {
            Some(seq) if bills_with_period(period, planned, bill) => seq,
            _ => known.and_then(|known| known.inputs.samples_seq),
        };
        let mut inputs = Inputs {
            events_seq: self.snapshot.events_seq(),
            samples_seq,
            accounts_seq: self.snapshot.accounts_seq,
        };
        if let Some(known) = known.filter(|_| left_out) {
            // It has not seen what it leaves out, and is looked at again by the next run.
            inputs.events_seq = known.inputs.events_seq;
            inputs.accounts_seq = known.inputs.accounts_seq;
        }
        let ends_a_day = self.calendar.date_of(period.start) != self.calendar.date_of(period.end);
        let change = match known {
            Some(_) => self.compare(period, &before, &records),
            None => Change { added: records.len() as u64, ..Change::default() },
        };
        Ok(Computed {
            period,
            open: ends_a_day.then(|| folded.open_at(period.end)),
            anomalies: self.anomalies(folded, period),
            records,
            inputs,
            change,
            left_out,
        })
    }

    /// Leaves the use of sources that are short of a published period out of it, unless
    /// it bills them already: a dump that comes late must not be billed further than
    /// what it tells. Says whether there was any.
    fn left_out(
        &self,
        known: Option<&PublishedPeriod>,
        before: &[UsageRecord],
        records: &mut Vec<UsageRecord>,
        planned: &Planned,
    ) -> bool {
        let (Some(known), NetworkMode::Scheduled) = (known, &planned.network) else {
            return false;
        };
        let short = self.completeness.short(known.period.end);
        let ids = short.iter().filter_map(|short| self.sources().id(short.source.as_str()));
        let is_billed = |source: &SourceId| {
            before.iter().any(|r| r.source == *source && !r.usage_type.is_bytes())
        };
        let short: BTreeSet<SourceId> = ids.filter(|source| !is_billed(source)).collect();
        let all = records.len();
        records.retain(|record| !short.contains(&record.source));
        records.len() < all
    }

    fn anomalies(&self, folded: &FoldedWindow, period: Period) -> Vec<Anomaly> {
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

    fn compare(&self, period: Period, before: &[UsageRecord], after: &[UsageRecord]) -> Change {
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

    /// Encodes computed periods to temporary files.
    fn stage(
        &mut self,
        computed: &[Computed],
        elsewhere: &[Period],
        planned: &Planned,
        bill: &NetworkBill,
    ) -> Result<(), AggregateError> {
        let Target::Publish(writer) = self.target else { return Ok(()) };
        let stage = |computed: &Computed| -> Result<Option<StagedPeriod>, AggregateError> {
            let period = computed.period;
            let bills = bills_with_period(period, planned, bill) || elsewhere.contains(&period);
            let counters = bill.counters(period).filter(|_| bills);
            let mut inputs = computed.inputs;
            if let Some(seq) = bill.samples_seq(period).filter(|_| bills) {
                inputs.samples_seq = seq;
            }
            let replaces = computed.change.kind != ChangeKind::Unchanged;
            if computed.left_out && !replaces && !bills {
                return Ok(None);
            }
            let draft = PeriodDraft {
                period,
                records: replaces.then_some(&computed.records),
                open: computed.open.as_deref(),
                counters: counters.as_deref(),
                anomalies: Some(&computed.anomalies),
                inputs,
            };
            Ok(Some(writer.stage(&draft, self.sources())?))
        };
        let staged: Vec<Option<StagedPeriod>> =
            computed.par_iter().map(stage).collect::<Result<_, _>>()?;
        self.pending.staged.extend(staged.into_iter().flatten());
        let in_window = |period: &Period| computed.iter().any(|c| c.period == *period);
        for &period in elsewhere.iter().filter(|period| !in_window(period)) {
            let Some(inputs) = self.inputs_elsewhere(period) else { continue };
            let samples_seq = bill.samples_seq(period).unwrap_or(inputs.samples_seq);
            let counters = bill.counters(period);
            let draft = PeriodDraft {
                period,
                records: None,
                open: None,
                counters: counters.as_deref(),
                anomalies: None,
                inputs: Inputs { samples_seq, ..inputs },
            };
            let staged = writer.stage(&draft, self.sources())?;
            self.pending.staged.push(staged);
        }
        Ok(())
    }

    /// Publishes what is staged, all of it or nothing.
    fn publish(&mut self) -> Result<(), AggregateError> {
        let Pending { staged, counts } = std::mem::take(&mut self.pending);
        if let Target::Publish(writer) = self.target {
            writer.publish_cut_by(self.calendar, staged)?;
        }
        self.report.add(&counts);
        Ok(())
    }

    /// What a published period outside the window was computed from: by an
    /// earlier window of this run, or before it.
    fn inputs_elsewhere(&self, period: Period) -> Option<Inputs> {
        let before = || self.published.get(&period.start).map(|known| known.inputs);
        self.done.get(&period.start).copied().or_else(before)
    }

    fn count(&mut self, computed: &[Computed]) {
        for Computed { period, records, inputs, anomalies, change, .. } in computed {
            self.done.insert(period.start, *inputs);
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
            report.records += records.len() as u64;
            report.added += change.added;
            report.changed += change.changed;
            report.removed += change.removed;
            report.anomalies += anomalies.len() as u64;
        }
    }
}

/// Whether the transaction that publishes `period` also says that its samples are
/// billed. In a scheduled run that is the period all growth goes into; later ones
/// follow in the same transaction or after it.
fn bills_with_period(period: Period, planned: &Planned, bill: &NetworkBill) -> bool {
    match planned.network {
        NetworkMode::BackFill(_) => true,
        NetworkMode::Scheduled => bill.into().is_some_and(|into| into <= period),
    }
}

/// Splits sorted periods where one does not follow the other.
fn contiguous(periods: &[Period]) -> impl Iterator<Item = &[Period]> {
    periods.chunk_by(|a, b| a.end == b.start)
}
