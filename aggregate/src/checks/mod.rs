//! Sanity checks over what is published: the sums an operator relies on, looked
//! at from another side than the code that made them.
//!
//! Per period: no lifecycle record longer than the period, running within
//! allocated per VM, no two open segments of
//! one thing and type, no use after an account's removal, the sums on its day sheet,
//! and for a sample of resources the records equal a recomputation from their events. Over all:
//! read = accepted + duplicate + quarantined for every ingest.
//!
//! # Source
//! Usage rules 7.

use std::collections::BTreeMap;

use cloudtally_model::{
    Calendar, Instant, Part, Period, RecordRow, Unit, UsageRecord, ZoneId, usage_type,
};
use cloudtally_store::{OpenThing, PublishedPeriod, ServedRecord, Severity, Snapshot, Store};
use rayon::prelude::*;

mod allocated; // VMs that run and are not allocated

use allocated::Accounts;

use crate::{
    AggregateError,
    explain::explain_served,
    job::{adjustments_between, removals, stale_before, waiting_period},
    network::NetworkBiller,
    sheet::{FilesNow, RecordSums, differences},
    window::Removals,
};

/// Records recomputed from their events in each period looked at.
const SAMPLE_PER_PERIOD: usize = 3;
/// Periods in which records are recomputed; the latest ones.
const SAMPLED_PERIODS: usize = 3;

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SanityFinding {
    /// Its severity.
    pub severity: Severity,
    /// The period, record or run concerned.
    pub subject: String,
    /// The fault.
    pub problem: String,
    /// The remedy.
    pub remedy: String,
}

/// The periods that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Periods {
    /// All of them.
    All,
    /// The periods that a run of the usage job has published since these were the published ones,
    /// and a few of the latest whether or not it has.
    Since(Vec<PublishedPeriod>),
}

impl Periods {
    fn of(self, published: &[PublishedPeriod]) -> Vec<&PublishedPeriod> {
        let Self::Since(before) = self else { return published.iter().collect() };
        let generations: BTreeMap<Period, u32> =
            before.iter().map(|known| (known.period, known.generation)).collect();
        let latest = published.len().saturating_sub(SAMPLED_PERIODS);
        let is_looked_at = |(index, known): &(usize, &PublishedPeriod)| {
            *index >= latest || generations.get(&known.period) != Some(&known.generation)
        };
        published.iter().enumerate().filter(is_looked_at).map(|(_, known)| known).collect()
    }
}

/// Runs the sanity checks; `progress(done, total)` counts periods.
///
/// `now` is the clock of the folder's cloud.
pub fn sanity_checks(
    store: &Store,
    periods: Periods,
    now: Instant,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<SanityFinding>, AggregateError> {
    let snapshot = store.snapshot()?;
    let calendar = store.calendar()?;
    let mut findings = ingest_balances(store)?;
    findings.extend(periods_tile(&snapshot, calendar));
    let removals = removals(&snapshot, store)?;
    let looked_at = periods.of(&snapshot.periods);
    let total = looked_at.len() as u64;
    let sampled_from = looked_at.len().saturating_sub(SAMPLED_PERIODS);
    let looked_at: Vec<(usize, &PublishedPeriod)> = looked_at.into_iter().enumerate().collect();
    let checks = PeriodChecks {
        store,
        snapshot: &snapshot,
        removals: &removals,
        files: FilesNow::of(&snapshot),
    };
    for side_by_side in looked_at.chunks(2 * rayon::current_num_threads()) {
        let found = side_by_side.par_iter().map(|&(index, known)| {
            let sample = if index >= sampled_from { SAMPLE_PER_PERIOD } else { 0 };
            checks.of(known, sample)
        });
        let found: Vec<_> = found.collect::<Result<_, AggregateError>>()?;
        findings.extend(found.into_iter().flatten());
        progress(side_by_side.last().map_or(0, |(index, _)| *index as u64 + 1), total);
    }
    let biller = NetworkBiller { store, snapshot: &snapshot, calendar };
    findings.extend(biller.oversized()?.into_iter().map(|series| {
        SanityFinding {
            severity: Severity::Error,
            subject: "network samples".to_owned(),
            problem: series.to_string(),
            remedy: "a counter there cannot be right: see what the device said; everything else \
                 is billed"
                .to_owned(),
        }
    }));
    let waits = waiting_period(store, &snapshot, now)?;
    findings.extend(waits.as_ref().map(|waits| SanityFinding {
        severity: Severity::Warning,
        subject: format!("period {}", waits.period),
        problem: "not published: a source is not complete".to_owned(),
        remedy: waits.to_string(),
    }));
    // Of what waits for a source, no run includes more yet.
    let waits_from = waits.map_or(Instant::END_OF_TIME, |waits| waits.period.start);
    let stale = stale_before(&snapshot, calendar, waits_from);
    if stale > 0 {
        findings.push(SanityFinding {
            severity: Severity::Warning,
            subject: format!("{stale} published periods"),
            problem: "events or account removals have arrived that they do not include yet"
                .to_owned(),
            remedy: "run `cloudtally aggregate`; it republishes what changed".to_owned(),
        });
    }
    Ok(findings)
}

fn broken(subject: String, problem: String) -> SanityFinding {
    SanityFinding {
        severity: Severity::Error,
        subject,
        problem,
        remedy: "run `cloudtally aggregate --rebuild` for its days; if it stays, report it"
            .to_owned(),
    }
}

fn ingest_balances(store: &Store) -> Result<Vec<SanityFinding>, AggregateError> {
    let runs = store.ingest_runs(usize::MAX)?;
    let unbalanced =
        runs.into_iter().filter(|run| run.read != run.accepted + run.duplicate + run.quarantined);
    Ok(unbalanced
        .map(|run| {
            broken(
                format!("ingest of {}", run.inputs),
                format!(
                    "read {} rows, but accepted {} + duplicate {} + quarantined {}",
                    run.read, run.accepted, run.duplicate, run.quarantined
                ),
            )
        })
        .collect())
}

/// Published periods must be periods of the calendar and not overlap.
fn periods_tile(snapshot: &Snapshot, calendar: Calendar) -> Vec<SanityFinding> {
    let mut findings = Vec::new();
    for known in &snapshot.periods {
        let expected = calendar.period_at(known.period.start);
        if expected != known.period {
            findings.push(broken(
                format!("period {}", known.period),
                format!("the calendar has {expected} there"),
            ));
        }
    }
    for empty in &snapshot.stretches {
        for at in [empty.extent.start, empty.extent.end] {
            let expected = calendar.period_at(at);
            if expected.start != at {
                findings.push(broken(
                    format!("empty periods {}", empty.extent),
                    format!("the calendar has {expected} there"),
                ));
            }
        }
    }
    let published = snapshot.published();
    for pair in published.windows(2).filter(|pair| pair[1].0.start < pair[0].0.end) {
        findings.push(broken(format!("period {}", pair[1].0), format!("overlaps {}", pair[0].0)));
    }
    findings
}

/// The checks of one period.
struct PeriodChecks<'a> {
    store: &'a Store,
    snapshot: &'a Snapshot,
    removals: &'a Removals,
    files: FilesNow<'a>,
}

impl PeriodChecks<'_> {
    /// Checks a period, and so many of its records against their events.
    fn of(
        &self,
        known: &PublishedPeriod,
        sample: usize,
    ) -> Result<Vec<SanityFinding>, AggregateError> {
        let (store, sources) = (self.store, &self.snapshot.sources);
        let mut findings = Vec::new();
        let mut vms = Accounts::default();
        let mut sampled: Vec<UsageRecord> = Vec::new();
        let step = (known.records.rows / SAMPLE_PER_PERIOD as u64).max(1);
        let mut number = 0;
        let mut adjustments: Vec<UsageRecord> = Vec::new();
        let (mut last, mut is_sorted): (Option<UsageRecord>, bool) = (None, true);
        let mut sums = RecordSums::new();
        for columns in store.record_columns(known, sources)? {
            let columns = columns?;
            is_sorted &= columns.rows().is_sorted()
                && columns
                    .rows()
                    .next()
                    .is_none_or(|row| last.as_ref().is_none_or(|last| last.as_row() <= row));
            for row in columns.rows() {
                findings.extend(self.record(known.period, &row));
                if row.corrects.is_some() {
                    // What it takes away or adds was used in another period.
                    adjustments.push(row.to_record());
                } else {
                    *sums.entry((row.source, row.usage_type)).or_default() +=
                        i128::from(row.quantity);
                    vms.push(&row);
                }
                if number % step == 0 && sampled.len() < sample {
                    sampled.push(row.to_record());
                }
                number += 1;
            }
            last = columns.rows().last().map(|row| row.to_record());
        }
        if !is_sorted {
            let what = "they are out of order".to_owned();
            findings.push(broken(format!("records of {}", known.period), what));
        }
        findings.extend(self.carries(known, adjustments)?);
        if let Some(sheet) = store.sheet(known)? {
            let wrong = differences(&sheet, &sums, sources, &self.files);
            findings.extend(
                wrong
                    .into_iter()
                    .map(|what| broken(format!("day sheet of {}", known.period), what)),
            );
        }
        if vms.finds_one_over() {
            findings.extend(allocated::running_over(store, known, sources)?);
        }
        if known.segments.is_some() {
            findings.extend(open_once(known.period, store.read_open_things(known, sources)?));
        }
        findings.extend(recomputed(store, self.snapshot, known, sampled)?);
        Ok(findings)
    }

    /// Holds the adjustments of a period against the generations that they stand between.
    fn carries(
        &self,
        known: &PublishedPeriod,
        found: Vec<UsageRecord>,
    ) -> Result<Vec<SanityFinding>, AggregateError> {
        let (store, sources, start) = (self.store, &self.snapshot.sources, known.period.start);
        let mut expected = Vec::new();
        for row in self.snapshot.adjustments.iter().filter(|row| row.start == start) {
            let closed = &self.snapshot.periods;
            let closed = closed.iter().find(|known| known.period.start == row.corrects);
            let Some(closed) = closed else { continue };
            let from = store.generation(closed, row.from)?;
            let to = store.generation(closed, row.to)?;
            let files = (&from, &to);
            expected.extend(adjustments_between(store, files, closed.period, start, sources)?);
        }
        expected.sort_unstable();
        if expected == found {
            return Ok(Vec::new());
        }
        let what = format!(
            "{} records correct closed periods, and what became of these gives {}",
            found.len(),
            expected.len()
        );
        Ok(vec![broken(format!("adjustments of {}", known.period), what)])
    }

    /// Finds what is wrong with one record.
    fn record(&self, period: Period, record: &RecordRow<'_>) -> Vec<SanityFinding> {
        let mut findings = Vec::new();
        let length_ms = period.length().0.unsigned_abs();
        let subject = || {
            let (constant, account) = (record.row().constant, record.account);
            format!("{constant} record of {account} {} in {period}", record.resource)
        };
        if record.corrects.is_some() {
            return findings;
        }
        if record.quantity < 0 {
            let what = format!("{}, and it corrects no period", record.quantity);
            findings.push(broken(subject(), what));
        }
        if record.row().unit != Unit::Milliseconds {
            return findings;
        }
        if record.quantity.unsigned_abs() > length_ms {
            let what = format!("{} ms in a period of {length_ms} ms", record.quantity);
            findings.push(broken(subject(), what));
        }
        // A closed period says what was known when it was closed.
        if !self.snapshot.is_closed(period)
            && let Some(removed) = self.removals.get(&(record.source, record.account))
            && (*removed <= period.start
                || record.quantity.unsigned_abs() > removed.since(period.start).0.unsigned_abs())
        {
            findings.push(broken(subject(), format!("its account was removed at {removed}")));
        }
        findings
    }
}

fn open_once(period: Period, mut open: Vec<OpenThing>) -> Vec<SanityFinding> {
    for thing in &mut open {
        let row = usage_type(thing.usage_type).expect("segments come from the table");
        if row.part != Part::Zone {
            thing.zone = ZoneId::NONE;
        }
    }
    open.sort_unstable();
    let twice = open.chunk_by(|a, b| a == b).filter(|same| same.len() > 1);
    twice
        .map(|same| {
            broken(
                format!(
                    "type {} of {} at the end of {period}",
                    same[0].usage_type, same[0].resource
                ),
                format!("{} segments are open where one may be", same.len()),
            )
        })
        .collect()
}

/// Explains records of the period and sees that they add up.
fn recomputed(
    store: &Store,
    snapshot: &Snapshot,
    known: &PublishedPeriod,
    records: Vec<UsageRecord>,
) -> Result<Vec<SanityFinding>, AggregateError> {
    let mut findings = Vec::new();
    for record in records {
        let id = record.id(snapshot.sources.name(record.source), known.period);
        let (period, generation) = (known.period, known.generation);
        let served = ServedRecord { period, generation, record };
        let explanation = match explain_served(&store.current(), snapshot, known, served) {
            // What it was made from is gone.
            Err(AggregateError::Pruned { .. }) => continue,
            explained => explained?,
        };
        if !explanation.adds_up() && !explanation.waits {
            let quantity = explanation.served.record.quantity;
            findings.push(broken(
                format!("record {id}"),
                format!("says {quantity}, its events say {}", explanation.sum),
            ));
        }
    }
    Ok(findings)
}
