//! The usage job: which periods to compute, and publishing them.
//!
//! A run plans its periods first, then walks them oldest first in windows that
//! bound memory: fold the window's events onto the segments that were open
//! before it, cut, sum, add the bytes, compare with what is published, publish.
//! Each window is published in one catalogue transaction; a run that is killed
//! leaves whole periods and the next run goes on behind them to the same bytes.
//!
//! A *scheduled* run publishes every complete period that is not published yet
//! and republishes those that late events, or late word of an account's removal,
//! have touched. A *back-fill* does the same for the days it names; told to
//! rebuild, it recomputes published ones as well.
//!
//! # Source
//! Usage rules 6.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use cloudtally_model::{
    Calendar, Instant, Period, RecordId, Segment, Sources, UsageRecord, UsageTypeId,
};
use cloudtally_store::{
    Anomaly, Inputs, JobRun, PeriodDraft, PublishedPeriod, Snapshot, StagedPeriod, Store, Writer,
};
use rayon::prelude::*;

use crate::{
    AggregateError,
    network::{NetworkBill, NetworkBiller, Published},
    window::{FoldedWindow, Removals, WindowFolder},
};

/// What bounds the memory of a run. The result does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// Events a window loads at most, unless one period alone has more.
    pub events: u64,
    /// Records a window makes at most, unless one period alone has more.
    pub records: usize,
}

impl Default for WindowLimits {
    fn default() -> Self {
        Self { events: 1_000_000, records: 500_000 }
    }
}

/// What to aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The job as the schedule runs it.
    Scheduled,
    /// Days, both inclusive.
    BackFill {
        /// The first day.
        from: NaiveDate,
        /// The last day.
        to: NaiveDate,
        /// What to do with periods that are published.
        rebuild: Rebuild,
        /// What to do with periods that are not over.
        unfinished: Unfinished,
    },
    /// Every published period again.
    RebuildAll,
}

/// Whether published periods are computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// Only those that late events have touched.
    Touched,
    /// All of them.
    All,
}

/// What a back-fill does with periods that are not over: usage of the future is
/// not use, and billing it would be a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Refuse the run and name the first one.
    Refuse,
    /// Leave them for later.
    LeaveOut,
}

/// Where the result goes.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// Publish.
    Publish(&'a Writer),
    /// Compute and compare, and write nothing.
    DryRun(&'a Store),
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregateProgress {
    /// Periods done.
    pub done: usize,
    /// Periods planned.
    pub planned: usize,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Periods published for the first time.
    pub published: u64,
    /// Periods that got a new generation.
    pub republished: u64,
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
    /// End of the contiguous run of published periods, if there is one.
    pub checkpoint: Option<Instant>,
}

/// Runs the aggregation. `now` is the present of the cloud that is billed.
pub fn aggregate(
    target: Target<'_>,
    plan: Plan,
    now: Instant,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<RunReport, AggregateError> {
    aggregate_within(target, plan, now, WindowLimits::default(), progress)
}

/// Like [`aggregate`], within other bounds of memory.
pub fn aggregate_within(
    target: Target<'_>,
    plan: Plan,
    now: Instant,
    limits: WindowLimits,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<RunReport, AggregateError> {
    let store = target.store();
    let snapshot = store.snapshot()?;
    let calendar = store.calendar()?;
    let planned = plan_periods(&snapshot, calendar, plan, now)?;
    let removals = removals(&snapshot, store)?;
    let mut run = Run {
        target,
        limits,
        snapshot: &snapshot,
        calendar,
        folder: WindowFolder::new(store, &snapshot, &removals, u64::MAX),
        published: snapshot.periods.iter().map(|p| (p.period.start, p)).collect(),
        done: BTreeMap::new(),
        report: RunReport::default(),
    };
    let bill = run.bill(&planned)?;
    run.report.folded_series = bill.folded_series();
    run.compute(&planned, &bill, progress)?;
    let mut report = run.report;
    report.checkpoint = checkpoint(&store.snapshot()?, calendar);
    Ok(report)
}

/// Like [`aggregate`], and writes the run into the job history.
pub fn run_job(
    writer: &Writer,
    kind: &str,
    plan: Plan,
    now: Instant,
    wall_clock_ms: &dyn Fn() -> i64,
    progress: &mut dyn FnMut(AggregateProgress),
) -> Result<RunReport, AggregateError> {
    let started_ms = wall_clock_ms();
    let id = writer.begin_job(kind, started_ms)?;
    let result = aggregate(Target::Publish(writer), plan, now, progress);
    let mut job = JobRun {
        id,
        kind: kind.to_owned(),
        started_ms,
        finished_ms: Some(wall_clock_ms()),
        from: None,
        to: None,
        success: Some(result.is_ok()),
        periods: 0,
        records: 0,
        message: String::new(),
    };
    match &result {
        Ok(report) => {
            job.to = report.checkpoint;
            job.periods = report.published + report.republished;
            job.records = report.records;
        }
        Err(error) => job.message = error.to_string(),
    }
    writer.finish_job(&job)?;
    result
}

/// End of the contiguous run of published periods that begins with the period of
/// the earliest accepted event.
pub fn checkpoint(snapshot: &Snapshot, calendar: Calendar) -> Option<Instant> {
    let published: BTreeSet<Period> = snapshot.periods.iter().map(|p| p.period).collect();
    let mut period = calendar.period_at(snapshot.earliest()?);
    let mut end = None;
    while published.contains(&period) {
        end = Some(period.end);
        period = calendar.next(period);
    }
    end
}

impl<'a> Target<'a> {
    fn store(self) -> &'a Store {
        match self {
            Self::Publish(writer) => writer,
            Self::DryRun(store) => store,
        }
    }
}

/// The periods of a run, in order, and how bytes are billed in them.
struct Planned {
    periods: Vec<Period>,
    network: NetworkMode,
}

enum NetworkMode {
    Scheduled,
    BackFill(Published),
}

fn plan_periods(
    snapshot: &Snapshot,
    calendar: Calendar,
    plan: Plan,
    now: Instant,
) -> Result<Planned, AggregateError> {
    let published: HashMap<Instant, &PublishedPeriod> =
        snapshot.periods.iter().map(|p| (p.period.start, p)).collect();
    let wanted = |period: &Period| {
        published.get(&period.start).is_none_or(|known| is_stale(snapshot, known))
    };
    let Some(earliest) = snapshot.earliest() else {
        return match plan {
            Plan::BackFill { .. } => Err(AggregateError::NothingIngested),
            _ => Ok(Planned { periods: Vec::new(), network: NetworkMode::Scheduled }),
        };
    };
    match plan {
        Plan::Scheduled => {
            let periods = calendar.complete_periods(earliest, now).filter(wanted).collect();
            Ok(Planned { periods, network: NetworkMode::Scheduled })
        }
        Plan::RebuildAll => Ok(Planned {
            periods: snapshot.periods.iter().map(|p| p.period).collect(),
            network: NetworkMode::BackFill(Published::Recompute),
        }),
        Plan::BackFill { from, to, rebuild, unfinished } => {
            if from > to {
                return Err(AggregateError::WindowReversed { from, to });
            }
            let (start, end) = (calendar.day_bounds(from)?.0, calendar.day_bounds(to)?.1);
            // Nothing is billed before the first event.
            let start = start.max(calendar.period_at(earliest).start);
            let present = now.max(latest(snapshot));
            let mut periods = Vec::new();
            for period in calendar.complete_periods(start, end) {
                if period.end > present {
                    if unfinished == Unfinished::Refuse {
                        return Err(AggregateError::PeriodNotOver { period, now: present });
                    }
                    break;
                }
                periods.push(period);
            }
            let network = match rebuild {
                Rebuild::Touched => {
                    periods.retain(wanted);
                    NetworkMode::BackFill(Published::Keep)
                }
                Rebuild::All => NetworkMode::BackFill(Published::Recompute),
            };
            Ok(Planned { periods, network })
        }
    }
}

/// The latest instant the sources have told of.
fn latest(snapshot: &Snapshot) -> Instant {
    let events = snapshot.event_files.iter().map(|file| file.last_created);
    let samples = snapshot.sample_files.iter().map(|file| file.last_sampled);
    events.chain(samples).max().unwrap_or(Instant::EPOCH)
}

/// How many published periods wait to be republished.
pub(crate) fn stale_periods(snapshot: &Snapshot) -> usize {
    snapshot.periods.iter().filter(|known| is_stale(snapshot, known)).count()
}

/// Whether events or removals have arrived that a published period has not seen
/// and that lie before its end.
pub(crate) fn is_stale(snapshot: &Snapshot, known: &PublishedPeriod) -> bool {
    let inputs = &known.inputs;
    let end = known.period.end;
    let late_events = snapshot
        .event_files
        .iter()
        .any(|file| file.seq > inputs.events_seq && file.first_created < end);
    let late_removals = snapshot.account_removals.iter().any(|removal| {
        removal.seq > inputs.accounts_seq
            && [removal.before, removal.after].into_iter().flatten().any(|at| at < end)
    });
    late_events || late_removals
}

pub(crate) fn removals(snapshot: &Snapshot, store: &Store) -> Result<Removals, AggregateError> {
    let accounts = store.accounts()?;
    let removed = accounts.iter().filter_map(|(source, account)| {
        let source = snapshot.sources.id(source.as_str())?;
        Some(((source, account.id), account.removed?))
    });
    Ok(removed.collect())
}

struct Run<'a> {
    target: Target<'a>,
    limits: WindowLimits,
    snapshot: &'a Snapshot,
    calendar: Calendar,
    folder: WindowFolder<'a>,
    published: BTreeMap<Instant, &'a PublishedPeriod>,
    /// Periods of this run's earlier windows.
    done: BTreeMap<Instant, Inputs>,
    report: RunReport,
}

/// One period computed, before it is written.
struct Computed {
    period: Period,
    records: Vec<UsageRecord>,
    open: Option<Vec<Segment>>,
    anomalies: Vec<Anomaly>,
    inputs: Inputs,
    change: Change,
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

    fn compute(
        &mut self,
        planned: &Planned,
        bill: &NetworkBill,
        progress: &mut dyn FnMut(AggregateProgress),
    ) -> Result<(), AggregateError> {
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
                self.publish(&computed, &elsewhere, planned, bill)?;
                self.count(&computed);
                open = next_open;
                rest = &rest[window.len()..];
                done += window.len();
                progress(AggregateProgress { done, planned: total });
            }
        }
        Ok(())
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
        let of_bytes = before.iter().filter(|record| is_bytes(record));
        let recomputes_bytes = match planned.network {
            NetworkMode::BackFill(Published::Recompute) => true,
            NetworkMode::BackFill(Published::Keep) | NetworkMode::Scheduled => known.is_none(),
        };
        if recomputes_bytes {
            // A folded record is a unit: a rebuild reproduces it.
            records.extend(of_bytes.filter(|r| r.is_folded(period)).cloned());
            records.extend(bill.records(period)?);
        } else {
            records.extend(of_bytes.cloned());
        }
        records.sort_unstable();

        let samples_seq = match bill.samples_seq(period) {
            Some(seq) if bills_with_period(period, planned, bill) => seq,
            _ => known.and_then(|known| known.inputs.samples_seq),
        };
        let inputs = Inputs {
            events_seq: self.snapshot.events_seq(),
            samples_seq,
            accounts_seq: self.snapshot.accounts_seq,
        };
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
        })
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

    fn publish(
        &self,
        computed: &[Computed],
        elsewhere: &[Period],
        planned: &Planned,
        bill: &NetworkBill,
    ) -> Result<(), AggregateError> {
        let Target::Publish(writer) = self.target else { return Ok(()) };
        let stage = |computed: &Computed| -> Result<StagedPeriod, AggregateError> {
            let period = computed.period;
            let bills = bills_with_period(period, planned, bill) || elsewhere.contains(&period);
            let counters = bill.counters(period).filter(|_| bills);
            let mut inputs = computed.inputs;
            if let Some(seq) = bill.samples_seq(period).filter(|_| bills) {
                inputs.samples_seq = seq;
            }
            let replaces = computed.change.kind != ChangeKind::Unchanged;
            let draft = PeriodDraft {
                period,
                records: replaces.then_some(&computed.records),
                open: computed.open.as_deref(),
                counters: counters.as_deref(),
                anomalies: Some(&computed.anomalies),
                inputs,
            };
            Ok(writer.stage(&draft, self.sources())?)
        };
        let mut staged: Vec<StagedPeriod> =
            computed.par_iter().map(stage).collect::<Result<_, _>>()?;
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
            staged.push(writer.stage(&draft, self.sources())?);
        }
        writer.publish(staged)?;
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
            let report = &mut self.report;
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

fn is_bytes(record: &UsageRecord) -> bool {
    matches!(
        record.usage_type,
        UsageTypeId::NETWORK_BYTES_SENT | UsageTypeId::NETWORK_BYTES_RECEIVED
    )
}

/// Splits sorted periods where one does not follow the other.
fn contiguous(periods: &[Period]) -> impl Iterator<Item = &[Period]> {
    periods.chunk_by(|a, b| a.end == b.start)
}
