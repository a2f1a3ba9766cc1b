//! The generation of a period that was published at an instant, and its inputs.
//!
//! The one place that resolves an instant of the past. Generations that are older than the
//! table of publications have no instant there; all that is known of them is that they were
//! published before the first one that has, so an instant before that is refused.

use std::collections::{HashMap, HashSet};

use cloudtally_model::{Instant, Period};
use rusqlite::params;

use super::{
    Adjustment, Inputs, LakeFile, PublishedPeriod, Restated, Snapshot, checksums,
    db::Db,
    load::{self, at, no_file, number, record_files, unsigned},
    sql,
};
use crate::StoreError;

/// One publication of a generation.
struct Publication {
    published: Instant,
    start: Instant,
    generation: u32,
    inputs: Inputs,
}

/// A generation, and the inputs that it was computed from, as far as they are known.
#[derive(Clone, Copy)]
struct Generation {
    number: u32,
    inputs: Option<Inputs>,
}

/// The generations that were shown at an instant, by the start of their period.
struct AsOf {
    generations: HashMap<Instant, Generation>,
    /// The inputs of what closed periods were restated as.
    restated: HashMap<(Instant, u32), Inputs>,
    files: HashMap<(Instant, u32), LakeFile>,
}

/// Refuses an instant of which it is not known what was published then.
///
/// # Errors
/// `AsOfUnknown`.
pub(crate) fn refuse_unknown(db: &Db, instant: Instant) -> Result<(), StoreError> {
    AsOf::load(db, instant).map(drop)
}

/// Like `load::periods_in`, with the generations and files of an instant.
pub(crate) fn periods_in(
    db: &Db,
    (from, to): (Instant, Instant),
    instant: Instant,
) -> Result<Vec<(Period, u32, LakeFile)>, StoreError> {
    checksums::refuse_untrusted(db, checksums::OF_RECORDS)?;
    let mut as_of = AsOf::load(db, instant)?;
    let window = params![from.as_millis(), to.as_millis()];
    let periods = db.rows(sql::periods::IN_WINDOW, window, |row| load::period(row, 0))?;
    let published = periods.into_iter().filter_map(|period| {
        let number = as_of.generations.get(&period.start)?.number;
        let file = as_of.files.remove(&(period.start, number));
        let file = file.ok_or_else(|| no_file(db, "records", period));
        Some(file.map(|file| (period, number, file)))
    });
    published.collect()
}

/// The folder with the generations of an instant, each with the inputs it was computed from.
/// The files of events and samples are those of today: what a generation has seen of them,
/// its inputs say. Generations whose inputs nobody kept are left out.
pub(crate) fn snapshot(db: &Db, instant: Instant) -> Result<Snapshot, StoreError> {
    let mut snapshot = load::snapshot(db)?;
    let mut as_of = AsOf::load(db, instant)?;
    let mut periods = Vec::with_capacity(snapshot.periods.len());
    for mut known in std::mem::take(&mut snapshot.periods) {
        let Some(then) = as_of.generations.get(&known.period.start) else { continue };
        let is_current = then.number == known.generation;
        let Some(inputs) = then.inputs.or(is_current.then_some(known.inputs)) else { continue };
        if !is_current {
            let file = as_of.files.remove(&(known.period.start, then.number));
            known.records = file.ok_or_else(|| no_file(db, "records", known.period))?;
            known.rows = known.records.rows;
            known.generation = then.number;
        }
        if inputs != known.inputs {
            // Those that lie there are of other inputs.
            (known.segments, known.counters) = (None, None);
            known.inputs = inputs;
        }
        periods.push(known);
    }
    snapshot.adjustments = load::adjustments_of(db, &periods)?;
    for known in &mut periods {
        known.restated = as_of.restated(db, known, &snapshot.adjustments)?;
        let restated = known.restated.as_ref();
        let key = restated.map(|restated| (known.period.start, restated.generation));
        if let Some(inputs) = key.and_then(|key| as_of.restated.get(&key).copied()) {
            (known.segments, known.counters, known.inputs) = (None, None, inputs);
        }
    }
    snapshot.periods = periods;
    snapshot.stretches.clear();
    Ok(snapshot)
}

/// The instant at which each generation that has one was published first.
pub(crate) fn instants(db: &Db) -> Result<HashMap<(Instant, u32), Instant>, StoreError> {
    let mut instants = HashMap::new();
    for row in publications(db)? {
        instants.entry((row.start, row.generation)).or_insert(row.published);
    }
    Ok(instants)
}

impl AsOf {
    fn load(db: &Db, instant: Instant) -> Result<Self, StoreError> {
        checksums::refuse_untrusted(db, checksums::OF_PUBLICATIONS)?;
        if let Some(since) = load::pruned(db)?.as_of_from.filter(|since| instant < *since) {
            return Err(StoreError::AsOfPruned { at: instant, since });
        }
        let (rows, files) = (publications(db)?, record_files(db)?);
        let with_instant: HashSet<(Instant, u32)> =
            rows.iter().map(|row| (row.start, row.generation)).collect();
        let mut generations: HashMap<Instant, Generation> = HashMap::new();
        // 1. Those older than all instants: the last of each period.
        let shown = load::shown_generations(db)?;
        // What a closed period is restated as was never shown.
        let is_shown = |(start, number): &(Instant, u32)| shown.get(start) >= Some(number);
        let without = files.keys().copied().filter(|key| !with_instant.contains(key));
        for (start, number) in without.filter(is_shown) {
            let oldest = Generation { number, inputs: None };
            let last = generations.entry(start).or_insert(oldest);
            last.number = last.number.max(number);
        }
        let since = rows.first().map(|row| row.published);
        if !generations.is_empty() && since.is_none_or(|since| instant < since) {
            return Err(StoreError::AsOfUnknown { at: instant, since });
        }
        // 2. What was published since, in its order.
        let mut restated = HashMap::new();
        for row in rows.into_iter().filter(|row| row.published <= instant) {
            let key = (row.start, row.generation);
            if is_shown(&key) {
                let then = Generation { number: row.generation, inputs: Some(row.inputs) };
                generations.insert(row.start, then);
            } else {
                restated.insert(key, row.inputs);
            }
        }
        Ok(Self { generations, restated, files })
    }

    /// The records that a closed period was restated as, by the adjustments that were shown.
    fn restated(
        &mut self,
        db: &Db,
        known: &PublishedPeriod,
        adjustments: &[Adjustment],
    ) -> Result<Option<Restated>, StoreError> {
        let of_it = adjustments.iter().filter(|of| of.corrects == known.period.start);
        let last = of_it.map(|of| of.to).max().filter(|to| *to != known.generation);
        let Some(generation) = last else { return Ok(None) };
        let records = self.files.remove(&(known.period.start, generation));
        let records = records.ok_or_else(|| no_file(db, "restated records", known.period))?;
        Ok(Some(Restated { generation, records }))
    }
}

fn publications(db: &Db) -> Result<Vec<Publication>, StoreError> {
    db.rows(sql::periods::PUBLICATIONS, [], |row| {
        let inputs = Inputs {
            events_seq: unsigned(row, 3)?,
            samples_seq: number(row, 4)?,
            accounts_seq: unsigned(row, 5)?,
        };
        Ok(Publication {
            published: at(row, 0)?,
            start: at(row, 1)?,
            generation: row.get(2)?,
            inputs,
        })
    })
}
