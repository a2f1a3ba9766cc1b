//! Appending events and samples: one file a UTC day, one transaction a batch.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use cloudtally_model::{
    EventId, Instant, NetworkSample, SeriesKey, SourceName, UsageEvent, event_code, utc_day_name,
};
use rayon::prelude::*;
use roaring::RoaringTreemap;
use rusqlite::params;

use super::{
    KnownEvents, Writer,
    known::{last_seq, to_blob},
    next_numbers, path_text, put_blocks,
    quarantine::set_aside,
    save_run, source_id,
};
use crate::{
    IngestRun, QuarantinedRow, StoreError,
    catalogue::{db::Db, load, sql},
    crash::{self, Steps},
    lake::{
        self,
        file::{NewFile, StagedFile, sync_folders},
    },
};

/// Accepted samples: (series, instant) to (bytes sent, bytes received).
pub type KnownSamples = HashMap<(SeriesKey, Instant), (u64, u64)>;

/// Events of one day on their way into the catalogue.
pub(super) struct EventDay {
    pub(super) file: StagedFile,
    pub(super) utc_day: i64,
    first: Instant,
    last: Instant,
    ids: RoaringTreemap,
}

/// Samples of one day on their way into the catalogue.
pub(super) struct SampleDay {
    pub(super) file: StagedFile,
    pub(super) utc_day: i64,
    first: Instant,
    last: Instant,
}

impl Writer {
    /// One atomic step of an ingest: the events (one file a UTC day), their ids, the
    /// rows set aside and the run's counters, all or nothing. `known` learns the new
    /// ids; `run` gets its number.
    ///
    /// # Errors
    /// `EventTwice` if an id is known already or occurs twice in `events`.
    pub fn append_events(
        &self,
        known: &mut KnownEvents,
        mut events: Vec<UsageEvent>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        // 1. No event twice, whatever the caller did.
        let ids: RoaringTreemap = events.iter().map(|event| event.id.0).collect();
        let unmetered = unmetered(&events);
        refuse_known(known, &ids)?;
        if ids.len() != events.len() as u64 {
            return Err(event_twice(&known.source, repeated_id(&events)));
        }
        // 2. The files, a day each, under temporary names.
        events.par_sort_unstable_by_key(|event| (event.created, event.id));
        let days: Vec<&[UsageEvent]> =
            events.chunk_by(|a, b| a.created.utc_day() == b.created.utc_day()).collect();
        let days =
            days.into_par_iter().map(|day| self.stage_events(&known.source, day, &crash::EVENTS));
        let days = days.collect::<Result<Vec<_>, _>>()?;
        // 3. Their names and the transaction that makes them count.
        let db = self.db()?;
        let (run_id, last) = db.write(|db| {
            if last_seq(db, &known.source)? != known.last_seq {
                // Someone appended since the ids were loaded.
                *known = KnownEvents::load(db, &known.source)?;
                refuse_known(known, &ids)?;
            }
            let source_id = source_id(db, &known.source)?;
            if !days.is_empty() {
                let first_seq = next_numbers(db, "events", days.len())?;
                let files: Vec<_> = (first_seq..).zip(days).collect();
                let names = |seq| format!("{seq}-{}.parquet", known.source);
                let files = rename_events(files, names)?;
                sync_folders(self.dir(), files.iter().map(|(_, file, _)| file), &crash::EVENTS)?;
                for (seq, file, day) in &files {
                    insert_event_file(db, *seq, source_id, file, day)?;
                }
            }
            count_unmetered(db, &known.source, &unmetered)?;
            set_aside(db, quarantined)?;
            let run_id = save_run(db, run)?;
            db.point(crash::EVENTS.before_commit)?;
            Ok((run_id, last_seq(db, &known.source)?))
        })?;
        known.ids |= ids;
        known.last_seq = last;
        run.id = Some(run_id);
        db.point(crash::EVENTS.after_commit)
    }

    /// Encodes sorted events of one day.
    pub(super) fn stage_events(
        &self,
        source: &SourceName,
        events: &[UsageEvent],
        steps: &'static Steps,
    ) -> Result<EventDay, StoreError> {
        let (first, last) = (events[0].created, events[events.len() - 1].created);
        let folder = day_folder(lake::EVENTS, first.utc_day());
        let content = lake::events::encode(source, events)?;
        let file =
            StagedFile::write(self.dir(), &folder, &content, events.len(), self.readers(), steps)?;
        let ids = events.iter().map(|event| event.id.0).collect();
        Ok(EventDay { file, utc_day: first.utc_day(), first, last, ids })
    }

    /// One atomic step of an ingest of samples, like [`Writer::append_events`].
    ///
    /// # Errors
    /// `SampleTwice` if two samples of a series have the same instant.
    pub fn append_samples(
        &self,
        source: &SourceName,
        mut samples: Vec<NetworkSample>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        sort_samples(&mut samples);
        let same = |pair: &&[NetworkSample]| {
            pair[0].sampled == pair[1].sampled && pair[0].series == pair[1].series
        };
        if let Some(pair) = samples.windows(2).find(same) {
            let (source_name, sampled) = (source.clone(), pair[0].sampled);
            return Err(StoreError::SampleTwice { source_name, sampled });
        }
        let days: Vec<&[NetworkSample]> =
            samples.chunk_by(|a, b| a.sampled.utc_day() == b.sampled.utc_day()).collect();
        let days = days.into_par_iter().map(|day| self.stage_samples(source, day, &crash::SAMPLES));
        let days = days.collect::<Result<Vec<_>, _>>()?;
        let db = self.db()?;
        let run_id = db.write(|db| {
            let source_id = source_id(db, source)?;
            if !days.is_empty() {
                let first_seq = next_numbers(db, "samples", days.len())?;
                let files: Vec<_> = (first_seq..).zip(days).collect();
                let files = rename_samples(files, |seq| format!("{seq}-{source}.parquet"))?;
                sync_folders(self.dir(), files.iter().map(|(_, file, _)| file), &crash::SAMPLES)?;
                for (seq, file, day) in &files {
                    insert_sample_file(db, *seq, source_id, file, day)?;
                }
            }
            set_aside(db, quarantined)?;
            let run_id = save_run(db, run)?;
            db.point(crash::SAMPLES.before_commit)?;
            Ok(run_id)
        })?;
        run.id = Some(run_id);
        db.point(crash::SAMPLES.after_commit)
    }

    /// Encodes sorted samples of one day.
    pub(super) fn stage_samples(
        &self,
        source: &SourceName,
        samples: &[NetworkSample],
        steps: &'static Steps,
    ) -> Result<SampleDay, StoreError> {
        let (first, last) = (samples[0].sampled, samples[samples.len() - 1].sampled);
        let folder = day_folder(lake::SAMPLES, first.utc_day());
        let content = lake::samples::encode(source, samples)?;
        let file =
            StagedFile::write(self.dir(), &folder, &content, samples.len(), self.readers(), steps)?;
        Ok(SampleDay { file, utc_day: first.utc_day(), first, last })
    }

    /// Accepted samples of one UTC day of a source, to find duplicates: (series,
    /// instant) to (sent, received).
    pub fn known_samples(
        &self,
        source: &SourceName,
        utc_day: i64,
    ) -> Result<KnownSamples, StoreError> {
        let query = sql::ingest::SAMPLE_FILES_OF_DAY;
        let files = load::sample_files(&*self.db()?, query, params![source.as_str(), utc_day])?;
        let mut known = HashMap::new();
        for file in files {
            self.read_samples(&file, BEFORE_ALL, Instant::END_OF_TIME, &mut |sample| {
                let counters = (sample.bytes_sent, sample.bytes_received);
                known.insert((sample.series, sample.sampled), counters);
            })?;
        }
        Ok(known)
    }
}

/// Just before the first instant there can be.
pub(super) const BEFORE_ALL: Instant = Instant::from_millis(-1);

/// Events of one day as `rename_events` hands them on: number, file, ranges.
type NamedEvents = (u64, NewFile, EventRanges);

/// The catalogue's columns of a file of events besides its name.
pub(super) struct EventRanges {
    utc_day: i64,
    first: Instant,
    last: Instant,
    ids: RoaringTreemap,
}

/// Samples of one day as `rename_samples` hands them on.
type NamedSamples = (u64, NewFile, SampleRanges);

/// The catalogue's columns of a file of samples besides its name.
pub(super) struct SampleRanges {
    utc_day: i64,
    first: Instant,
    last: Instant,
}

pub(super) fn rename_events(
    days: Vec<(u64, EventDay)>,
    name: impl Fn(u64) -> String,
) -> Result<Vec<NamedEvents>, StoreError> {
    let rename = |(seq, day): (u64, EventDay)| {
        let EventDay { file, utc_day, first, last, ids } = day;
        Ok((seq, file.rename(&name(seq))?, EventRanges { utc_day, first, last, ids }))
    };
    days.into_iter().map(rename).collect()
}

pub(super) fn rename_samples(
    days: Vec<(u64, SampleDay)>,
    name: impl Fn(u64) -> String,
) -> Result<Vec<NamedSamples>, StoreError> {
    let rename = |(seq, day): (u64, SampleDay)| {
        let SampleDay { file, utc_day, first, last } = day;
        Ok((seq, file.rename(&name(seq))?, SampleRanges { utc_day, first, last }))
    };
    days.into_iter().map(rename).collect()
}

pub(super) fn insert_event_file(
    db: &Db,
    seq: u64,
    source_id: i64,
    file: &NewFile,
    ranges: &EventRanges,
) -> Result<(), StoreError> {
    put_blocks(db, file)?;
    db.execute(
        sql::ingest::INSERT_EVENT_FILE,
        params![
            seq.cast_signed(),
            source_id,
            ranges.utc_day,
            path_text(&file.path),
            file.rows.cast_signed(),
            file.bytes.cast_signed(),
            file.sha256,
            ranges.first.as_millis(),
            ranges.last.as_millis(),
            ranges.ids.min().unwrap_or_default().cast_signed(),
            ranges.ids.max().unwrap_or_default().cast_signed(),
            to_blob(&ranges.ids),
        ],
    )?;
    Ok(())
}

pub(super) fn insert_sample_file(
    db: &Db,
    seq: u64,
    source_id: i64,
    file: &NewFile,
    ranges: &SampleRanges,
) -> Result<(), StoreError> {
    put_blocks(db, file)?;
    db.execute(
        sql::ingest::INSERT_SAMPLE_FILE,
        params![
            seq.cast_signed(),
            source_id,
            ranges.utc_day,
            path_text(&file.path),
            file.rows.cast_signed(),
            file.bytes.cast_signed(),
            file.sha256,
            ranges.first.as_millis(),
            ranges.last.as_millis(),
        ],
    )?;
    Ok(())
}

/// The order of a file of samples.
pub(super) fn sort_samples(samples: &mut [NetworkSample]) {
    samples.par_sort_unstable_by(|a, b| {
        a.sampled.cmp(&b.sampled).then_with(|| a.series.cmp(&b.series))
    });
}

fn day_folder(stream: &str, utc_day: i64) -> PathBuf {
    Path::new(stream).join(utc_day_name(utc_day))
}

/// Types of one source that are counted by name; a hostile source has more.
const UNMETERED_TYPES_MAX: u64 = 1000;
/// Bytes of a type's name that are kept.
const UNMETERED_NAME_BYTES_MAX: usize = 100;
/// Counts the events of all further types.
const OTHER_TYPES: &str = "(other types)";

/// Counts the events that nothing meters, by type.
fn unmetered(events: &[UsageEvent]) -> BTreeMap<String, u64> {
    let mut unmetered: BTreeMap<String, u64> = BTreeMap::new();
    for event in events.iter().filter(|event| event_code(&event.event_type).is_none()) {
        let name: &str = &event.event_type;
        let name = &name[..name.floor_char_boundary(UNMETERED_NAME_BYTES_MAX)];
        match unmetered.get_mut(name) {
            Some(rows) => *rows += 1,
            None => drop(unmetered.insert(name.to_owned(), 1)),
        }
    }
    unmetered
}

fn count_unmetered(
    db: &Db,
    source: &SourceName,
    unmetered: &BTreeMap<String, u64>,
) -> Result<(), StoreError> {
    for (name, rows) in unmetered {
        let (source, name) = (source.as_str(), name.as_str());
        let is_known = db.number(sql::ingest::IS_UNMETERED_TYPE, params![source, name])? > 0;
        let has_room =
            db.number(sql::ingest::UNMETERED_TYPES, params![source])? < UNMETERED_TYPES_MAX;
        let name = if is_known || has_room { name } else { OTHER_TYPES };
        db.execute(sql::ingest::COUNT_UNMETERED, params![source, name, rows.cast_signed()])?;
    }
    Ok(())
}

fn refuse_known(known: &KnownEvents, ids: &RoaringTreemap) -> Result<(), StoreError> {
    match (&known.ids & ids).min() {
        Some(id) => Err(event_twice(&known.source, EventId(id))),
        None => Ok(()),
    }
}

fn event_twice(source: &SourceName, id: EventId) -> StoreError {
    StoreError::EventTwice { source_name: source.clone(), id }
}

fn repeated_id(events: &[UsageEvent]) -> EventId {
    let mut seen = RoaringTreemap::new();
    let repeated = events.iter().find(|event| !seen.insert(event.id.0));
    repeated.map(|event| event.id).unwrap_or_default()
}
