//! Letting go of what the records of closed days were made from, and of generations that
//! nobody asks for any more.
//!
//! Records stay, with their day sheets and corrections. What goes is events and samples of
//! closed days, whole files at a time, and generations that were replaced. Ids of events stay,
//! so that rows which come again are known; other rows of such days are refused from then on,
//! since nothing could say what they change.

use std::collections::{BTreeMap, HashMap, HashSet};

use cloudtally_model::Instant;
use rusqlite::params;

use super::{Writer, retire};
use crate::{
    EventFile, LakeFile, Pruned, SampleFile, Snapshot, Store, StoreError,
    catalogue::{checksums, db::Db, history, load, sql},
};

/// The limits of what is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PruneLimits {
    /// Events before this end of a closed period, and samples up to it.
    pub rows_before: Option<Instant>,
    /// Generations that were replaced by this instant.
    pub replaced_by: Option<Instant>,
}

/// The files that go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prunable {
    /// Event files, all of whose events lie before the limit.
    pub events: Vec<EventFile>,
    /// Sample files likewise.
    pub samples: Vec<SampleFile>,
    /// Generations of periods, by their starts.
    pub generations: Vec<(Instant, u32, LakeFile)>,
}

impl Prunable {
    /// The bytes on disk that become free.
    pub fn bytes(&self) -> u64 {
        let events = self.events.iter().map(|file| file.bytes);
        let samples = self.samples.iter().map(|file| file.bytes);
        let generations = self.generations.iter().map(|(.., file)| file.bytes);
        events.chain(samples).chain(generations).sum()
    }

    /// Tells whether nothing goes.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.samples.is_empty() && self.generations.is_empty()
    }
}

impl Store {
    /// Up to where the folder has let go of what it was told.
    pub fn pruned(&self) -> Result<Pruned, StoreError> {
        self.db()?.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_PUBLICATIONS)?;
            load::pruned(db)
        })
    }

    /// Lists what would go.
    ///
    /// # Errors
    /// `PrunesOpen` if events of a period that is open would.
    pub fn prunable(&self, limits: PruneLimits) -> Result<Prunable, StoreError> {
        self.db()?.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_A_SNAPSHOT)?;
            checksums::refuse_untrusted(db, checksums::OF_PUBLICATIONS)?;
            prunable(db, limits)
        })
    }
}

impl Writer {
    /// Lets go of what may go, in one step; the files themselves are removed once no reader
    /// can be at them.
    ///
    /// # Errors
    /// `PrunesOpen` as in [`Store::prunable`].
    pub fn prune(&self, limits: PruneLimits) -> Result<Prunable, StoreError> {
        self.db()?.write(|db| {
            checksums::refuse_untrusted(db, checksums::OF_A_SNAPSHOT)?;
            checksums::refuse_untrusted(db, checksums::OF_PUBLICATIONS)?;
            let going = prunable(db, limits)?;
            if going.is_empty() {
                return Ok(going);
            }
            for file in &going.events {
                let seq = params![file.seq.cast_signed()];
                db.execute(sql::prune::KEEP_IDS, seq)?;
                db.execute(sql::ingest::DELETE_EVENT_FILE, seq)?;
                retire(db, &file.path)?;
            }
            for file in &going.samples {
                db.execute(sql::ingest::DELETE_SAMPLE_FILE, params![file.seq.cast_signed()])?;
                retire(db, &file.path)?;
            }
            for (start, generation, file) in &going.generations {
                let key = params![start.as_millis(), generation];
                db.execute(sql::prune::DELETE_GENERATION, key)?;
                retire(db, &file.path)?;
            }
            // Nothing that went comes back.
            let before = load::pruned(db)?;
            let rows_before = before.rows_before.max(limits.rows_before);
            let as_of_from = before.as_of_from.max(limits.replaced_by);
            let limits = [rows_before, as_of_from].map(|at| at.map(Instant::as_millis));
            db.execute(sql::prune::PUT, limits)?;
            Ok(going)
        })
    }
}

fn prunable(db: &Db, limits: PruneLimits) -> Result<Prunable, StoreError> {
    let mut snapshot = load::snapshot(db)?;
    let generations = match limits.replaced_by {
        Some(instant) => replaced_by(db, &snapshot, instant)?,
        None => Vec::new(),
    };
    let Some(before) = limits.rows_before else {
        return Ok(Prunable { generations, ..Prunable::default() });
    };
    let through = snapshot.closed_through();
    if before > through {
        return Err(StoreError::PrunesOpen { before, through });
    }
    // The last file of each source says how far the source has told, and the last of all how
    // many there have been.
    let mut last: HashMap<_, (Instant, u64)> = HashMap::new();
    for file in &snapshot.event_files {
        let of_source = last.entry(&file.source).or_default();
        *of_source = (*of_source).max((file.last_created, file.seq));
    }
    let mut kept: HashSet<u64> = last.into_values().map(|(_, seq)| seq).collect();
    kept.extend(snapshot.event_files.last().map(|file| file.seq));
    let last_samples = snapshot.samples_seq();
    let events = std::mem::take(&mut snapshot.event_files).into_iter();
    let samples = std::mem::take(&mut snapshot.sample_files).into_iter();
    Ok(Prunable {
        events: events
            .filter(|file| file.last_created < before && !kept.contains(&file.seq))
            .collect(),
        samples: samples
            .filter(|file| file.last_sampled <= before && file.seq != last_samples)
            .collect(),
        generations,
    })
}

/// The generations that were not shown any more at an instant, and that nothing refers to.
fn replaced_by(
    db: &Db,
    snapshot: &Snapshot,
    instant: Instant,
) -> Result<Vec<(Instant, u32, LakeFile)>, StoreError> {
    let published: BTreeMap<(Instant, u32), Instant> = history::instants(db)?.into_iter().collect();
    let shown = load::shown_generations(db)?;
    let mut needed: HashSet<(Instant, u32)> = HashSet::new();
    for known in &snapshot.periods {
        needed.insert((known.period.start, known.generation));
        needed.insert((known.period.start, known.restated_generation()));
    }
    for (_, of) in load::adjustments(db)? {
        needed.extend([(of.corrects, of.from), (of.corrects, of.to)]);
    }
    let mut files: Vec<((Instant, u32), LakeFile)> =
        load::record_files(db)?.into_iter().filter(|(key, _)| !needed.contains(key)).collect();
    files.sort_unstable_by_key(|(key, _)| *key);
    // A generation is shown until the next one is published.
    let until = |(start, generation): (Instant, u32)| {
        published.range((start, generation + 1)..=(start, u32::MAX)).map(|(_, at)| *at).min()
    };
    let is_restated = |(start, generation)| shown.get(&start).is_some_and(|of| generation > *of);
    let going = files
        .into_iter()
        .filter(|(key, _)| is_restated(*key) || until(*key).is_some_and(|until| until <= instant));
    Ok(going.map(|((start, generation), file)| (start, generation, file)).collect())
}
