//! Appending events and samples: one file a UTC day, one transaction a batch.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use cloudtally_model::{
    EventId, Instant, NetworkSample, SourceName, UsageEvent, event_code, row_index, row_numbers,
    utc_day_name,
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
    CorrectionNote, IngestRun, MendedEvent, QuarantinedRow, StoreError,
    catalogue::{db::Db, notes, sql},
    crash::{self, Steps},
    lake::{
        self,
        file::{NewFile, StagedFile, sync_folders},
    },
    table::{EventTable, SampleTable},
};

/// Events of one day on their way into the catalogue.
pub(super) struct EventDay {
    pub(super) file: StagedFile,
    pub(super) utc_day: i64,
    first: Instant,
    last: Instant,
    ids: RoaringTreemap,
}

/// Notes that are kept with events.
#[derive(Clone, Copy, Default)]
struct Notes<'a> {
    corrections: &'a [CorrectionNote],
    mends: &'a [MendedEvent],
}

/// Samples of one day on their way into the catalogue.
pub(super) struct SampleDay {
    pub(super) file: StagedFile,
    pub(super) utc_day: i64,
    first: Instant,
    last: Instant,
}

impl Writer {
    /// One atomic step of an ingest: the rows of a table that are new (one file a UTC
    /// day), their ids, the rows set aside and the run's counters, all or nothing.
    /// `known` learns the new ids; `run` gets its number.
    ///
    /// # Errors
    /// `EventTwice` if an id is known already or occurs twice among the new rows.
    pub fn append_event_table(
        &self,
        known: &mut KnownEvents,
        (events, new): (&EventTable, Vec<u32>),
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        self.append_noted(known, (events, new), Notes::default(), quarantined, run)
    }

    /// Like [`Writer::append_event_table`], of events of which some were mended.
    ///
    /// # Errors
    /// `EventTwice` if an id is known already or occurs twice among the new rows.
    pub fn append_mended(
        &self,
        known: &mut KnownEvents,
        events: (&EventTable, Vec<u32>),
        mends: &[MendedEvent],
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        let notes = Notes { corrections: &[], mends };
        self.append_noted(known, events, notes, quarantined, run)
    }

    /// Like [`Writer::append_event_table`], of events that people add, with a note on each.
    ///
    /// # Errors
    /// `EventTwice` if an id is known already or occurs twice among the new rows.
    pub fn append_corrections(
        &self,
        known: &mut KnownEvents,
        events: (&EventTable, Vec<u32>),
        notes: &[CorrectionNote],
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        let notes = Notes { corrections: notes, mends: &[] };
        self.append_noted(known, events, notes, quarantined, run)
    }

    fn append_noted(
        &self,
        known: &mut KnownEvents,
        (events, mut new): (&EventTable, Vec<u32>),
        notes: Notes<'_>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        // 1. No event twice, whatever the caller did.
        let ids = sorted_ids(events, &new);
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(event_twice(&known.source, EventId(pair[0])));
        }
        self.db()?.read(|db| refuse_known(db, known, &ids))?;
        let unmetered = unmetered(events, &new);
        // 2. The files, a day each, under temporary names.
        events.sort(&mut new);
        let day = |row: u32| events.created(row_index(row)).utc_day();
        let days: Vec<&[u32]> = new.chunk_by(|a, b| day(*a) == day(*b)).collect();
        let days = days
            .into_par_iter()
            .map(|rows| self.stage_event_rows(&known.source, events, rows, &crash::EVENTS));
        let days = days.collect::<Result<Vec<_>, _>>()?;
        // 3. Their names and the transaction that makes them count.
        let db = self.db()?;
        let (run_id, last) = db.write(|db| {
            if last_seq(db, &known.source)? != known.last_seq {
                // Someone appended since the ids were looked up.
                refuse_known(db, known, &ids)?;
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
            for note in notes.corrections {
                notes::put(db, source_id, note)?;
            }
            for mend in notes.mends {
                notes::put_mend(db, source_id, mend)?;
            }
            count_unmetered(db, &known.source, &unmetered)?;
            set_aside(db, quarantined)?;
            let run_id = save_run(db, run)?;
            db.point(crash::EVENTS.before_commit)?;
            Ok((run_id, last_seq(db, &known.source)?))
        })?;
        known.last_seq = last;
        run.id = Some(run_id);
        db.point(crash::EVENTS.after_commit)
    }

    /// Like [`Writer::append_event_table`], for a few events that are all new.
    ///
    /// # Errors
    /// `EventTwice` if an id is known already or occurs twice in `events`.
    pub fn append_events(
        &self,
        known: &mut KnownEvents,
        events: Vec<UsageEvent>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        let table: EventTable = events.iter().collect();
        self.append_event_table(known, (&table, row_numbers(table.height())), quarantined, run)
    }

    /// Encodes rows of a table, events of one day in the order of its file.
    fn stage_event_rows(
        &self,
        source: &SourceName,
        events: &EventTable,
        rows: &[u32],
        steps: &'static Steps,
    ) -> Result<EventDay, StoreError> {
        let (first, last) = ends(rows);
        let (first, last) = (events.created(first), events.created(last));
        let folder = day_folder(lake::EVENTS, first.utc_day());
        let content = lake::events::encode(source, events, rows)?;
        let file =
            StagedFile::write(self.dir(), &folder, &content, rows.len(), self.readers(), steps)?;
        let ids = RoaringTreemap::from_sorted_iter(sorted_ids(events, rows));
        let ids = ids.expect("they are in order");
        Ok(EventDay { file, utc_day: first.utc_day(), first, last, ids })
    }

    /// Encodes sorted events of one day.
    pub(super) fn stage_events(
        &self,
        source: &SourceName,
        events: &[UsageEvent],
        steps: &'static Steps,
    ) -> Result<EventDay, StoreError> {
        let table: EventTable = events.iter().collect();
        self.stage_event_rows(source, &table, &row_numbers(table.height()), steps)
    }

    /// One atomic step of an ingest of samples, like [`Writer::append_event_table`].
    ///
    /// # Errors
    /// `SampleTwice` if two of the new samples of a series have the same instant.
    pub fn append_sample_table(
        &self,
        source: &SourceName,
        (samples, mut new): (&SampleTable, Vec<u32>),
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        let order = samples.order();
        order.sort(&mut new);
        let same = |pair: &&[u32]| order.compare(pair[0], pair[1]).is_eq();
        if let Some(pair) = new.windows(2).find(same) {
            let (source_name, sampled) = (source.clone(), samples.sampled(row_index(pair[0])));
            return Err(StoreError::SampleTwice { source_name, sampled });
        }
        let day = |row: u32| samples.sampled(row_index(row)).utc_day();
        let days: Vec<&[u32]> = new.chunk_by(|a, b| day(*a) == day(*b)).collect();
        let days = days
            .into_par_iter()
            .map(|rows| self.stage_sample_rows(source, samples, rows, &crash::SAMPLES));
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

    /// Like [`Writer::append_sample_table`], for a few samples that are all new.
    ///
    /// # Errors
    /// `SampleTwice` if two samples of a series have the same instant.
    pub fn append_samples(
        &self,
        source: &SourceName,
        samples: Vec<NetworkSample>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        let table: SampleTable = samples.iter().collect();
        self.append_sample_table(source, (&table, row_numbers(table.height())), quarantined, run)
    }

    /// Encodes rows of a table, samples of one day in the order of its file.
    fn stage_sample_rows(
        &self,
        source: &SourceName,
        samples: &SampleTable,
        rows: &[u32],
        steps: &'static Steps,
    ) -> Result<SampleDay, StoreError> {
        let (first, last) = ends(rows);
        let (first, last) = (samples.sampled(first), samples.sampled(last));
        let folder = day_folder(lake::SAMPLES, first.utc_day());
        let content = lake::samples::encode(source, samples, rows)?;
        let file =
            StagedFile::write(self.dir(), &folder, &content, rows.len(), self.readers(), steps)?;
        Ok(SampleDay { file, utc_day: first.utc_day(), first, last })
    }

    /// Encodes sorted samples of one day.
    pub(super) fn stage_samples(
        &self,
        source: &SourceName,
        samples: &[NetworkSample],
        steps: &'static Steps,
    ) -> Result<SampleDay, StoreError> {
        let table: SampleTable = samples.iter().collect();
        self.stage_sample_rows(source, &table, &row_numbers(table.height()), steps)
    }
}

/// The first and the last row of a file, which has one.
fn ends(rows: &[u32]) -> (usize, usize) {
    (row_index(rows[0]), row_index(rows[rows.len() - 1]))
}

fn sorted_ids(events: &EventTable, rows: &[u32]) -> Vec<u64> {
    let mut ids: Vec<u64> = rows.iter().map(|row| events.id[row_index(*row)]).collect();
    if !ids.is_sorted() {
        ids.par_sort_unstable();
    }
    ids
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
fn unmetered(events: &EventTable, rows: &[u32]) -> BTreeMap<String, u64> {
    let mut names: Vec<String> = Vec::new();
    let place = |name: &str| {
        event_code(name).is_none().then(|| {
            names.push(name[..name.floor_char_boundary(UNMETERED_NAME_BYTES_MAX)].to_owned());
            names.len() - 1
        })
    };
    let places: Vec<usize> = events.event_type.map(rows, place).flatten().flatten().collect();
    let mut counts = vec![0; names.len()];
    places.into_iter().for_each(|place| counts[place] += 1);
    let mut unmetered: BTreeMap<String, u64> = BTreeMap::new();
    for (name, rows) in names.into_iter().zip(counts).filter(|(_, rows)| *rows > 0) {
        *unmetered.entry(name).or_default() += rows;
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

fn refuse_known(db: &Db, known: &KnownEvents, ids: &[u64]) -> Result<(), StoreError> {
    match known.find(db, ids)?.first() {
        Some(id) => Err(event_twice(&known.source, EventId(*id))),
        None => Ok(()),
    }
}

fn event_twice(source: &SourceName, id: EventId) -> StoreError {
    StoreError::EventTwice { source_name: source.clone(), id }
}
