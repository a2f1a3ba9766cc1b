//! Rows of the catalogue as the types of this crate.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use cloudtally_model::{
    EventId, Instant, Period, ResourceId, SourceName, Sources, Text, UsageTypeId,
};
use rusqlite::{Row, params};

use super::{
    Adjustment, Anomaly, Closing, EmptyStretch, EventFile, IngestRun, Inputs, JobRun, JobState,
    LakeFile, Pruned, PublishedPeriod, QuarantineKind, QuarantinedRow, Restated, SampleFile,
    Snapshot, Stream, UnmeteredEvents, accounts, checksums, db::Db, sql,
};
use crate::StoreError;

/// An id or count; the catalogue keeps the bits in a signed column.
pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

/// Like [`unsigned`], `None` for null.
pub(crate) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

/// An instant, `None` for null.
pub(crate) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Instant>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Instant::from_millis))
}

/// A text, `None` for null.
pub(crate) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Text>> {
    Ok(row.get::<_, Option<String>>(column)?.map(Text::from))
}

/// An instant that is never null.
pub(crate) fn at(row: &Row<'_>, column: usize) -> rusqlite::Result<Instant> {
    row.get(column).map(Instant::from_millis)
}

/// A period from two columns.
pub(crate) fn period(row: &Row<'_>, column: usize) -> rusqlite::Result<Period> {
    Ok(Period { start: at(row, column)?, end: at(row, column + 1)? })
}

/// A path as the catalogue writes it.
pub(crate) fn path(row: &Row<'_>, column: usize) -> rusqlite::Result<PathBuf> {
    row.get::<_, String>(column).map(PathBuf::from)
}

/// A path as the catalogue writes it, whatever the system's separator.
pub(crate) fn path_text(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// A name that was checked when it was stored.
pub(crate) fn source_name(db: &Db, name: &str) -> Result<SourceName, StoreError> {
    SourceName::new(name).map_err(|e| db.damaged(e.to_string()))
}

/// `path, row_count, bytes, sha256` from `column` on.
pub(crate) fn file(row: &Row<'_>, column: usize) -> rusqlite::Result<LakeFile> {
    Ok(LakeFile {
        path: path(row, column)?,
        rows: unsigned(row, column + 1)?,
        bytes: unsigned(row, column + 2)?,
        sha256: row.get(column + 3)?,
    })
}

/// The current state of everything; call it inside one transaction.
pub(crate) fn snapshot(db: &Db) -> Result<Snapshot, StoreError> {
    let account_removals = accounts::removals(db)?;
    let periods = periods(db)?;
    Ok(Snapshot {
        sources: sources(db)?,
        event_files: event_files(db)?,
        sample_files: sample_files(db, sql::ingest::SAMPLE_FILES, [])?,
        stretches: stretches(db, sql::periods::STRETCHES, [])?,
        accounts_seq: account_removals.last().map_or(0, |removal| removal.seq),
        account_removals,
        complete_through: complete_through(db)?,
        closings: closings(db)?,
        pruned: pruned(db)?,
        adjustments: adjustments_of(db, &periods)?,
        periods,
    })
}

/// Up to where the folder has let go of what it was told.
pub(crate) fn pruned(db: &Db) -> Result<Pruned, StoreError> {
    let row = db.row(sql::prune::PRUNED, [], |row| {
        let instant = |column| row.get(column).map(|ms: Option<i64>| ms.map(Instant::from_millis));
        Ok(Pruned { rows_before: instant(0)?, as_of_from: instant(1)? })
    })?;
    Ok(row.unwrap_or_default())
}

/// Every closing, the last one last.
pub(crate) fn closings(db: &Db) -> Result<Vec<Closing>, StoreError> {
    db.rows(sql::closings::CLOSINGS, [], |row| {
        let (through, closed_ms) = (at(row, 0)?, row.get(1)?);
        Ok(Closing { through, closed_ms, by: row.get(2)?, reason: row.get(3)? })
    })
}

/// The generations that carry adjustments, and for which closed periods, by their starts.
pub(crate) fn adjustments(db: &Db) -> Result<Vec<(u32, Adjustment)>, StoreError> {
    db.rows(sql::closings::ADJUSTMENTS, [], |row| {
        let (start, corrects) = (at(row, 0)?, at(row, 1)?);
        Ok((row.get(4)?, Adjustment { start, corrects, from: row.get(2)?, to: row.get(3)? }))
    })
}

/// The adjustments that the generations of some periods carry.
pub(crate) fn adjustments_of(
    db: &Db,
    periods: &[PublishedPeriod],
) -> Result<Vec<Adjustment>, StoreError> {
    let all = adjustments(db)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let shown: HashMap<Instant, u32> =
        periods.iter().map(|known| (known.period.start, known.generation)).collect();
    let of_shown = |(generation, row): (u32, Adjustment)| {
        (shown.get(&row.start) == Some(&generation)).then_some(row)
    };
    Ok(all.into_iter().filter_map(of_shown).collect())
}

/// Reads the instants through which sources were declared complete, by source.
fn complete_through(db: &Db) -> Result<Vec<(SourceName, Instant)>, StoreError> {
    let rows = db.rows(sql::ingest::COMPLETE_THROUGH, [], |row| {
        Ok((row.get::<_, String>(0)?, at(row, 1)?))
    })?;
    rows.into_iter().map(|(name, through)| Ok((source_name(db, &name)?, through))).collect()
}

/// All registered sources.
pub(crate) fn sources(db: &Db) -> Result<Sources, StoreError> {
    let names = db.rows(sql::ingest::SOURCES, [], |row| row.get::<_, String>(0))?;
    let names = names.iter().map(|name| source_name(db, name));
    Ok(Sources::new(names.collect::<Result<_, _>>()?))
}

/// All event files, by `seq`.
pub(crate) fn event_files(db: &Db) -> Result<Vec<EventFile>, StoreError> {
    // Names are checked in a second step because a row cannot fail with our error.
    let rows = db.rows(sql::ingest::EVENT_FILES, [], |row| {
        let file = (
            unsigned(row, 0)?,
            path(row, 1)?,
            row.get::<_, String>(2)?,
            row.get(3)?,
            unsigned(row, 4)?,
        );
        let ids = (unsigned(row, 7)?, unsigned(row, 8)?);
        Ok((file, (at(row, 5)?, at(row, 6)?), ids, unsigned(row, 9)?, row.get(10)?))
    })?;
    rows.into_iter()
        .map(|((seq, path, name, utc_day, rows), created, ids, bytes, sha256)| {
            Ok(EventFile {
                seq,
                path,
                source: source_name(db, &name)?,
                utc_day,
                rows,
                first_created: created.0,
                last_created: created.1,
                min_id: ids.0,
                max_id: ids.1,
                bytes,
                sha256,
            })
        })
        .collect()
}

/// Sample files of a query, by `seq`.
pub(crate) fn sample_files(
    db: &Db,
    query: &'static str,
    params: impl rusqlite::Params,
) -> Result<Vec<SampleFile>, StoreError> {
    let rows = db.rows(query, params, |row| {
        let file = (
            unsigned(row, 0)?,
            path(row, 1)?,
            row.get::<_, String>(2)?,
            row.get(3)?,
            unsigned(row, 4)?,
        );
        Ok((file, (at(row, 5)?, at(row, 6)?), unsigned(row, 7)?, row.get(8)?))
    })?;
    rows.into_iter()
        .map(|((seq, path, name, utc_day, rows), sampled, bytes, sha256)| {
            Ok(SampleFile {
                seq,
                path,
                source: source_name(db, &name)?,
                utc_day,
                rows,
                first_sampled: sampled.0,
                last_sampled: sampled.1,
                bytes,
                sha256,
            })
        })
        .collect()
}

/// Stretches of empty periods of a query.
pub(crate) fn stretches(
    db: &Db,
    query: &'static str,
    params: impl rusqlite::Params,
) -> Result<Vec<EmptyStretch>, StoreError> {
    db.rows(query, params, |row| {
        let inputs = Inputs {
            events_seq: unsigned(row, 2)?,
            samples_seq: number(row, 3)?,
            accounts_seq: unsigned(row, 4)?,
        };
        Ok(EmptyStretch { extent: period(row, 0)?, inputs })
    })
}

/// The files of records by the start of their period and their generation.
pub(crate) fn record_files(db: &Db) -> Result<HashMap<(Instant, u32), LakeFile>, StoreError> {
    let rows = db.rows(sql::periods::FILES_OF_RECORDS, [], |row| {
        Ok(((at(row, 0)?, row.get(1)?), file(row, 2)?))
    })?;
    Ok(rows.into_iter().collect())
}

/// An error for a period without its file.
pub(crate) fn no_file(db: &Db, what: &str, period: Period) -> StoreError {
    db.damaged(format!("the period {period} names no file of {what}"))
}

/// The current generation and file of the periods that begin at or after `from` and are
/// shown to end at or before `to`, by start. Only what was written is listed.
pub(crate) fn periods_in(
    db: &Db,
    from: Instant,
    to: Instant,
) -> Result<Vec<(Period, u32, LakeFile)>, StoreError> {
    checksums::refuse_untrusted(db, checksums::OF_RECORDS)?;
    let window = params![from.as_millis(), to.as_millis()];
    let periods = db.rows(sql::periods::IN_WINDOW, window, |row| {
        Ok((period(row, 0)?, row.get::<_, u32>(2)?))
    })?;
    let mut files = record_files(db)?;
    let file = |(period, generation): (Period, u32)| {
        let file = files.remove(&(period.start, generation));
        Ok((period, generation, file.ok_or_else(|| no_file(db, "records", period))?))
    };
    periods.into_iter().map(file).collect()
}

/// The generation of each published period that is shown, by start.
pub(crate) fn shown_generations(db: &Db) -> Result<HashMap<Instant, u32>, StoreError> {
    let rows = db.rows(sql::periods::PUBLISHED, [], |row| Ok((at(row, 0)?, row.get(2)?)))?;
    Ok(rows.into_iter().collect())
}

/// All published periods that have files, by start.
pub(crate) fn periods(db: &Db) -> Result<Vec<PublishedPeriod>, StoreError> {
    let rows = db.rows(sql::periods::PUBLISHED, [], |row| {
        let inputs = Inputs {
            events_seq: unsigned(row, 3)?,
            samples_seq: number(row, 4)?,
            accounts_seq: unsigned(row, 5)?,
        };
        let versions: (Option<i64>, Option<i64>) = (row.get(6)?, row.get(7)?);
        Ok((period(row, 0)?, row.get::<_, u32>(2)?, inputs, versions))
    })?;
    let state = db.rows(sql::periods::FILES_OF_STATE, [], |row| {
        Ok(((at(row, 0)?, row.get::<_, bool>(1)?, row.get::<_, i64>(2)?), file(row, 3)?))
    })?;
    let mut state: HashMap<_, _> = state.into_iter().collect();
    let mut files = record_files(db)?;
    let restated = db.rows(sql::closings::RESTATED, [], |row| Ok((at(row, 0)?, row.get(1)?)))?;
    let restated: HashMap<Instant, u32> = restated.into_iter().collect();
    let mut of_state = |period: Period, is_segments: bool, version: Option<i64>| {
        let Some(version) = version else { return Ok(None) };
        let file = state.remove(&(period.start, is_segments, version));
        let what = if is_segments { "open segments" } else { "billed counters" };
        file.map(Some).ok_or_else(|| no_file(db, what, period))
    };
    rows.into_iter()
        .map(|(period, generation, inputs, versions)| {
            let records = files.remove(&(period.start, generation));
            let records = records.ok_or_else(|| no_file(db, "records", period))?;
            let restated = restated.get(&period.start).map(|&generation| {
                let records = files.remove(&(period.start, generation));
                let records = records.ok_or_else(|| no_file(db, "restated records", period))?;
                Ok::<_, StoreError>(Restated { generation, records })
            });
            let restated = restated.transpose()?;
            let segments = of_state(period, true, versions.0)?;
            let counters = of_state(period, false, versions.1)?;
            let rows = records.rows;
            Ok(PublishedPeriod {
                period,
                generation,
                inputs,
                rows,
                records,
                restated,
                segments,
                counters,
            })
        })
        .collect()
}

/// The state of a run by two columns. One that runs was cut off if nobody is writing.
pub(crate) fn job_state(success: Option<bool>, finished_ms: Option<i64>) -> JobState {
    match (success, finished_ms) {
        (Some(true), _) => JobState::Done,
        (Some(false), Some(_)) => JobState::Failed,
        (Some(false), None) => JobState::CutOff,
        (None, _) => JobState::Running,
    }
}

/// Runs of jobs, newest first. `writing` tells whether some process is writing now.
pub(crate) fn jobs(
    db: &Db,
    skip: usize,
    most: usize,
    writing: &dyn Fn() -> bool,
) -> Result<Vec<JobRun>, StoreError> {
    db.rows(sql::jobs::NEWEST, params![limit(skip), limit(most)], |row| {
        let state = match job_state(row.get(7)?, row.get(4)?) {
            JobState::Running if !writing() => JobState::CutOff,
            state => state,
        };
        Ok(JobRun {
            id: unsigned(row, 0)?,
            kind: row.get(1)?,
            started_ms: row.get(2)?,
            as_of: instant(row, 3)?,
            finished_ms: row.get(4)?,
            from: instant(row, 5)?,
            to: instant(row, 6)?,
            state,
            periods: unsigned(row, 8)?,
            records: unsigned(row, 9)?,
            message: row.get(10)?,
            note: row.get(11)?,
        })
    })
}

/// Anomalies, latest period first.
pub(crate) fn anomalies(db: &Db, most: usize) -> Result<Vec<Anomaly>, StoreError> {
    let rows = db.rows(sql::periods::ANOMALIES, params![limit(most)], |row| {
        let about = (number(row, 3)?.map(EventId), row.get(4)?, ResourceId(unsigned(row, 5)?));
        Ok((period(row, 0)?, row.get::<_, String>(2)?, about, at(row, 6)?, row.get(7)?))
    })?;
    rows.into_iter()
        .map(|(period, name, (event, usage_type, resource), at, text)| {
            let (source, usage_type) = (source_name(db, &name)?, UsageTypeId(usage_type));
            Ok(Anomaly { period, source, event, usage_type, resource, at, text })
        })
        .collect()
}

/// Rows set aside, newest first.
pub(crate) fn quarantined(
    db: &Db,
    source: Option<&SourceName>,
    most: usize,
) -> Result<Vec<QuarantinedRow>, StoreError> {
    let which = params![limit(most), source.map(SourceName::as_str)];
    let rows = db.rows(sql::quarantine::NEWEST, which, |row| {
        let place = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
        Ok((place, row.get(2)?, unsigned(row, 3)?, row.get(4)?, row.get(5)?))
    })?;
    rows.into_iter()
        .map(|((name, stream), input, row, reason, raw)| {
            let (source, stream) = (source_name(db, &name)?, self::stream(db, &stream)?);
            Ok(QuarantinedRow { source, stream, input, row, reason, raw })
        })
        .collect()
}

/// Kinds of reasons that rows were set aside for, those with most rows first.
pub(crate) fn quarantine_kinds(
    db: &Db,
    source: Option<&SourceName>,
) -> Result<Vec<QuarantineKind>, StoreError> {
    let which = params![source.map(SourceName::as_str)];
    let rows = db.rows(sql::quarantine::SUMMARY, which, |row| {
        let of = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
        Ok((of, unsigned(row, 2)?, unsigned(row, 3)?, row.get(4)?))
    })?;
    rows.into_iter()
        .map(|((name, stream), kept, not_kept, example)| {
            let (source, stream) = (source_name(db, &name)?, self::stream(db, &stream)?);
            Ok(QuarantineKind { source, stream, kept, not_kept, example })
        })
        .collect()
}

/// Accepted events of types that nothing meters: source, type, rows.
pub(crate) fn unmetered_events(db: &Db) -> Result<Vec<UnmeteredEvents>, StoreError> {
    let rows = db.rows(sql::ingest::UNMETERED, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get(1)?, unsigned(row, 2)?))
    })?;
    rows.into_iter()
        .map(|(name, event_type, rows)| {
            Ok(UnmeteredEvents { source: source_name(db, &name)?, event_type, rows })
        })
        .collect()
}

/// Runs of ingest, newest first.
pub(crate) fn ingest_runs(db: &Db, most: usize) -> Result<Vec<IngestRun>, StoreError> {
    let rows = db.rows(sql::ingest::RUNS, params![limit(most)], |row| {
        let head = (unsigned(row, 0)?, row.get(1)?);
        let about = (row.get::<_, String>(2)?, row.get::<_, String>(3)?, row.get(4)?);
        let counts = [unsigned(row, 5)?, unsigned(row, 6)?, unsigned(row, 7)?, unsigned(row, 8)?];
        Ok((head, about, counts, row.get(9)?))
    })?;
    rows.into_iter()
        .map(|((id, started_ms), (name, stream, inputs), counts, finished)| {
            let [read, accepted, duplicate, quarantined] = counts;
            Ok(IngestRun {
                id: Some(id),
                started_ms,
                source: source_name(db, &name)?,
                stream: self::stream(db, &stream)?,
                inputs,
                read,
                accepted,
                duplicate,
                quarantined,
                finished,
                taken: None,
            })
        })
        .collect()
}

fn stream(db: &Db, name: &str) -> Result<Stream, StoreError> {
    Stream::from_name(name).ok_or_else(|| db.damaged(format!("`{name}` is not a stream")))
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
