//! Publishing periods: encode and sync first (slow, from several threads), then
//! rename and commit (quick, all periods of a run at once).

use std::path::PathBuf;

use cloudtally_model::{
    Calendar, Instant, Period, Segment, SegmentColumns, Sources, UsageRecord, row_numbers,
};
use rusqlite::params;

use super::{SeenSamples, Writer, closings, noted, path_text, put_blocks, retire, stretches};
use crate::{
    Anomaly, BilledCounter, DaySheet, EmptyStretch, Inputs, SheetFile, StoreError,
    catalogue::{db::Db, load, settings::calendar_of, sheet, sql},
    crash,
    lake::{
        self, EncodedCorrections,
        file::{NewFile, StagedFile, sync_folders},
        period_name,
        records::{EncodedRecords, RecordEncoder},
    },
};

/// The content of one period to publish.
#[derive(Clone, Debug)]
pub struct PeriodDraft<'a> {
    /// The period.
    pub period: Period,
    /// Sorted; `None` keeps the current records and generation.
    pub records: Option<&'a [UsageRecord]>,
    /// Segments open at the end, sorted; `None` keeps the current ones.
    pub open: Option<&'a [Segment]>,
    /// The billed counters of the period's samples; `None` keeps the current ones.
    pub counters: Option<&'a [BilledCounter]>,
    /// Replaces the period's anomalies; `None` keeps them.
    pub anomalies: Option<&'a [Anomaly]>,
    /// The inputs it was computed from.
    pub inputs: Inputs,
}

/// Writes the records of a period into its file.
pub type WriteRecords<'a> =
    dyn Fn(&mut RecordEncoder<'_>) -> Result<(), StoreError> + Send + Sync + 'a;

/// The draft of one period, like [`PeriodDraft`], with records that are made as
/// they are written and segments that stay where they are.
#[derive(Clone, Copy)]
pub struct PeriodRows<'a> {
    /// The period.
    pub period: Period,
    /// Writes the records; `None` keeps the current records and generation.
    pub records: Option<&'a WriteRecords<'a>>,
    /// Segments open at the end, as rows of columns, sorted; whatever ends them later is left
    /// out. `None` keeps the current ones.
    pub open: Option<(&'a SegmentColumns, &'a [u32])>,
    /// The billed counters of the period's samples; `None` keeps the current ones.
    pub counters: Option<&'a [BilledCounter]>,
    /// Replaces the period's anomalies; `None` keeps them.
    pub anomalies: Option<&'a [Anomaly]>,
    /// The differences to the records that are replaced; `None` if none are.
    pub corrections: Option<&'a EncodedCorrections>,
    /// The inputs it was computed from.
    pub inputs: Inputs,
}

/// One period's files, encoded and on disk under temporary names. They go away
/// when it is dropped unpublished.
#[derive(Debug)]
pub struct StagedPeriod {
    period: Period,
    records: Option<StagedFile>,
    segments: Option<StagedFile>,
    counters: Option<StagedFile>,
    corrections: Option<StagedFile>,
    anomalies: Option<Vec<Anomaly>>,
    carries: Option<Vec<Instant>>,
    inputs: Inputs,
    sheet: Option<DaySheet>,
}

impl StagedPeriod {
    /// Says for which closed periods, by their starts, it carries adjustments; what was said
    /// of it before counts no longer.
    #[must_use]
    pub fn carrying(self, closed: Vec<Instant>) -> Self {
        Self { carries: Some(closed), ..self }
    }
}

/// The instant of a publication, and the run that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The present that the run goes by.
    pub at: Instant,
    /// The run's number in the history of jobs, if it has one.
    pub job: Option<u64>,
}

/// The changes that are published in one step.
#[derive(Debug, Default)]
pub struct Publication {
    /// Periods without records, nothing open and no samples, in place of what is
    /// known of them.
    pub empty: Vec<EmptyStretch>,
    /// The sample files that all stretches behind an instant have seen by now.
    pub seen: Option<SeenSamples>,
    /// Periods with files. One that lay in a stretch leaves it.
    pub periods: Vec<StagedPeriod>,
    /// Their instant; `None` leaves it unknown, as in a folder of an earlier version.
    pub published: Option<Published>,
}

/// One period whose files have their names.
struct NamedPeriod {
    period: Period,
    /// The generation that is served.
    generation: u32,
    /// New generations.
    records: Vec<(u32, NewFile)>,
    is_closed: bool,
    /// The new generation of a closed period, which is not served.
    restated: Option<u32>,
    /// Version of the files of open segments and counters of this publication.
    version: u64,
    segments: Option<NewFile>,
    counters: Option<NewFile>,
    corrections: Option<NewFile>,
    current: Current,
    anomalies: Option<Vec<Anomaly>>,
    carries: Option<Vec<Instant>>,
    inputs: Inputs,
    sheet: Option<DaySheet>,
}

/// The files that a period names before it is published again.
#[derive(Clone, Copy, Default)]
struct Current {
    generation: Option<u32>,
    open_version: u64,
    segments: Option<u64>,
    counters: Option<u64>,
    samples_seq: Option<u64>,
}

impl StagedPeriod {
    /// Adds the sheet that is kept beside its records. The files that it writes stand in it
    /// once they have their names.
    pub fn keep_sheet(&mut self, sheet: DaySheet) {
        self.sheet = Some(sheet);
    }
}

impl Writer {
    /// Encodes and syncs the files of one period under temporary names. May be
    /// called from several threads.
    ///
    /// # Errors
    /// `NotSorted` if records or segments are not in their order.
    pub fn stage(
        &self,
        draft: &PeriodDraft<'_>,
        sources: &Sources,
    ) -> Result<StagedPeriod, StoreError> {
        let PeriodDraft { period, counters, anomalies, inputs, .. } = *draft;
        if let Some(records) = draft.records {
            check_order("records", period, records.is_sorted_by(|a, b| a <= b), || {
                records.windows(2).position(|pair| pair[0] > pair[1])
            })?;
        }
        if let Some(segments) = draft.open {
            check_order("open segments", period, segments.is_sorted_by(|a, b| a <= b), || {
                segments.windows(2).position(|pair| pair[0] > pair[1])
            })?;
        }
        let write =
            |encoder: &mut RecordEncoder<'_>| encoder.write(draft.records.unwrap_or_default());
        let records = draft.records.is_some().then_some(&write as &WriteRecords<'_>);
        let open: Option<SegmentColumns> = draft.open.map(|open| open.iter().collect());
        let rows = row_numbers(open.as_ref().map_or(0, SegmentColumns::height));
        let open = open.as_ref().map(|open| (open, &rows[..]));
        let corrections = None;
        let rows = PeriodRows { period, records, open, counters, anomalies, corrections, inputs };
        self.stage_rows(&rows, sources)
    }

    /// Like [`Self::stage`], of records that are nowhere all at once. They and the open
    /// segments must be in their order.
    ///
    /// # Errors
    /// `NotSorted` if an account's records of a type do not stand together.
    pub fn stage_rows(
        &self,
        rows: &PeriodRows<'_>,
        sources: &Sources,
    ) -> Result<StagedPeriod, StoreError> {
        let period = rows.period;
        let write = |folder: &str, content: &[u8], rows: usize| {
            let folder = PathBuf::from(folder).join(period_name(period));
            StagedFile::write(self.dir(), &folder, content, rows, self.readers(), &crash::PERIODS)
        };
        let records = || -> Result<_, StoreError> {
            let Some(push) = rows.records else { return Ok(None) };
            let mut encoder = RecordEncoder::new(period, sources)?;
            push(&mut encoder)?;
            let EncodedRecords { content, rows } = encoder.finish()?;
            let rows = usize::try_from(rows).expect("rows of one file fit in memory");
            Ok(Some(write(lake::GENERATIONS, &content, rows)?))
        };
        let state = || -> Result<_, StoreError> {
            let segments = rows.open.map(|(segments, rows)| {
                write(lake::OPEN, &lake::segments::encode(segments, rows, sources)?, rows.len())
            });
            let counters = rows.counters.map(|counters| {
                write(lake::OPEN, &lake::counters::encode(counters, sources)?, counters.len())
            });
            let corrections = rows.corrections.map(|EncodedCorrections { content, rows }| {
                let rows = usize::try_from(*rows).expect("rows of one file fit in memory");
                write(lake::CORRECTIONS, content, rows)
            });
            Ok((segments.transpose()?, counters.transpose()?, corrections.transpose()?))
        };
        // Where there is one period alone, two cores have something to do.
        let (records, state) = rayon::join(records, state);
        let (records, (segments, counters, corrections)) = (records?, state?);
        let anomalies = rows.anomalies.map(<[Anomaly]>::to_vec);
        let (inputs, carries, sheet) = (rows.inputs, None, None);
        Ok(StagedPeriod {
            period,
            records,
            segments,
            counters,
            corrections,
            anomalies,
            carries,
            inputs,
            sheet,
        })
    }

    /// Publishes staged periods, all or none. Records become a new generation;
    /// earlier ones stay on disk and in the catalogue's history. Those of a closed period
    /// become what it is restated as, and what is served of it stays.
    ///
    /// # Errors
    /// `PeriodOverlap`; `NothingPublished` if a period without records has none to keep.
    pub fn publish(&self, staged: Vec<StagedPeriod>) -> Result<(), StoreError> {
        self.publish_if(Publication { periods: staged, ..Publication::default() }, |_| Ok(()))
    }

    /// Publishes periods that were cut by a calendar, if that is still the folder's.
    /// The cloud's settings do not wait for the folder's lock, so they may change while
    /// the first periods are computed; published, those would be of another calendar
    /// than all that follow.
    ///
    /// # Errors
    /// `CalendarChanged`, and those of [`Self::publish`].
    pub fn publish_cut_by(
        &self,
        calendar: Calendar,
        publication: Publication,
    ) -> Result<(), StoreError> {
        self.publish_if(publication, |db| match calendar_of(db)? {
            now if now == calendar => Ok(()),
            now => Err(StoreError::CalendarChanged {
                zone: now.zone().name().to_owned(),
                minutes: now.range().minutes(),
            }),
        })
    }

    fn publish_if(
        &self,
        publication: Publication,
        check: impl FnOnce(&Db) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let db = self.db()?;
        let published = db.write(|db| {
            check(db)?;
            for empty in &publication.empty {
                stretches::put(db, empty)?;
            }
            if let Some(seen) = publication.seen {
                stretches::see(db, seen)?;
            }
            let noted = |published: Published| {
                Ok::<_, StoreError>(Published { at: noted(db, published.at)?, ..published })
            };
            let published = publication.published.map(noted).transpose()?;
            let closed_through = load::closings(db)?.last().map(|closing| closing.through);
            let mut named = Vec::with_capacity(publication.periods.len());
            for staged in publication.periods {
                // Saved at once, so that the next one is checked against it too.
                let is_closed = closed_through.is_some_and(|end| staged.period.end <= end);
                let period = self.name_files(db, staged, is_closed)?;
                save(db, &period)?;
                note(db, &period, published)?;
                named.push(period);
            }
            let files = named.iter().flat_map(|period: &NamedPeriod| {
                let records = period.records.iter().map(|(_, file)| file);
                let of_state = period.segments.iter().chain(&period.counters);
                records.chain(of_state).chain(&period.corrections)
            });
            sync_folders(self.dir(), files, &crash::PERIODS)?;
            db.point(crash::PERIODS.before_commit)?;
            let served = named.iter().flat_map(|named| {
                let served = named.records.iter().filter(|(of, _)| *of == named.generation);
                served.map(|(_, file)| (named.period, file.path.clone()))
            });
            Ok(served.collect::<Vec<_>>())
        })?;
        db.point(crash::PERIODS.after_commit)?;
        self.link_published(&published)
    }

    /// Checks that the period fits among the published ones, then renames its files.
    fn name_files(
        &self,
        db: &Db,
        staged: StagedPeriod,
        is_closed: bool,
    ) -> Result<NamedPeriod, StoreError> {
        let period = staged.period;
        let (start, end) = (period.start.as_millis(), period.end.as_millis());
        let overlapping =
            db.row(sql::periods::OVERLAPPING, params![start, end], |row| load::period(row, 0))?;
        if let Some(published) = overlapping {
            return Err(StoreError::PeriodOverlap { period, published });
        }
        let current = db.row(sql::periods::CURRENT, params![start], |row| {
            Ok(Current {
                generation: row.get(0)?,
                open_version: load::unsigned(row, 1)?,
                segments: load::number(row, 2)?,
                counters: load::number(row, 3)?,
                samples_seq: load::number(row, 4)?,
            })
        })?;
        let current = current.unwrap_or_default();
        let was_empty = stretches::take(db, period)?;
        let mut records: Vec<(u32, NewFile)> = Vec::new();
        let new_generation = match (&staged.records, current.generation) {
            // Its empty records were the first generation, and are if they still are empty.
            // A closed period that is not published was closed with nothing in it.
            (Some(file), None) if was_empty || is_closed => 1 + u32::from(file.rows > 0),
            (Some(_), _) => next_generation(db, start)?,
            (None, Some(generation)) => generation,
            (None, None) => return Err(StoreError::NothingPublished { period, what: "records" }),
        };
        let generation = match current.generation {
            Some(generation) if is_closed => generation,
            None if is_closed => 1,
            _ => new_generation,
        };
        if is_closed && current.generation.is_none() && new_generation > 1 {
            records.push((generation, self.stage_nothing(db, period)?.rename(RECORDS_OF_NOTHING)?));
        }
        let is_new_version = staged.segments.is_some() || staged.counters.is_some();
        let version = current.open_version + u64::from(is_new_version);
        let rename = |file: Option<StagedFile>, kind: &str| {
            file.map(|file| file.rename(&format!("{version}-{kind}.parquet"))).transpose()
        };
        let restated =
            (staged.records.is_some() && new_generation != generation).then_some(new_generation);
        if let Some(file) = staged.records {
            let file = file.rename(&format!("{new_generation}.parquet"))?;
            records.push((new_generation, file));
        }
        // What a closed period is restated as corrects nothing that is shown.
        let corrections = staged.corrections.filter(|_| !is_closed);
        let corrections = corrections.map(|file| file.rename(&format!("{generation}.parquet")));
        Ok(NamedPeriod {
            period,
            generation,
            records,
            is_closed,
            restated,
            version,
            segments: rename(staged.segments, SEGMENTS)?,
            counters: rename(staged.counters, COUNTERS)?,
            corrections: corrections.transpose()?,
            current,
            anomalies: staged.anomalies,
            carries: staged.carries,
            inputs: staged.inputs,
            sheet: staged.sheet,
        })
    }

    /// The file of a period without records.
    fn stage_nothing(&self, db: &Db, period: Period) -> Result<StagedFile, StoreError> {
        let content = RecordEncoder::new(period, &load::sources(db)?)?.finish()?.content;
        let folder = PathBuf::from(lake::GENERATIONS).join(period_name(period));
        StagedFile::write(self.dir(), &folder, &content, 0, self.readers(), &crash::PERIODS)
    }
}

fn check_order(
    what: &'static str,
    period: Period,
    is_sorted: bool,
    position: impl FnOnce() -> Option<usize>,
) -> Result<(), StoreError> {
    if is_sorted {
        return Ok(());
    }
    let row = position().unwrap_or_default() + 1;
    Err(StoreError::NotSorted { what, period, row })
}

/// The name of the first generation of a period that was closed with nothing in it.
const RECORDS_OF_NOTHING: &str = "1.parquet";
const SEGMENTS: &str = "segments";
const COUNTERS: &str = "counters";

fn next_generation(db: &Db, start: i64) -> Result<u32, StoreError> {
    let last = db.number(sql::periods::LAST_GENERATION, params![start])?;
    u32::try_from(last + 1).map_err(|_| db.damaged(format!("{last} is not a generation")))
}

/// The rows of one period.
fn save(db: &Db, named: &NamedPeriod) -> Result<(), StoreError> {
    let (start, end) = (named.period.start.as_millis(), named.period.end.as_millis());
    let records = named.records.iter().map(|(of, file)| (sql::periods::INSERT_RECORDS, *of, file));
    let corrections = named.corrections.iter();
    let corrections =
        corrections.map(|file| (sql::periods::INSERT_CORRECTIONS, named.generation, file));
    for (insert, generation, file) in records.chain(corrections) {
        put_blocks(db, file)?;
        db.execute(
            insert,
            params![
                start,
                generation,
                path_text(&file.path),
                file.rows.cast_signed(),
                file.bytes.cast_signed(),
                file.sha256,
            ],
        )?;
    }
    let segments = replace_open(db, named, SEGMENTS, &named.segments, named.current.segments)?;
    let counters = replace_open(db, named, COUNTERS, &named.counters, named.current.counters)?;
    db.execute(
        sql::periods::PUT,
        params![
            start,
            end,
            named.generation,
            named.version.cast_signed(),
            segments,
            counters,
            named.inputs.events_seq.cast_signed(),
            named.inputs.samples_seq.map(u64::cast_signed),
            named.inputs.accounts_seq.cast_signed(),
        ],
    )?;
    closings::restate(db, named.period, named.restated)?;
    if let Some(closed) = &named.carries {
        closings::carry(db, (named.period, named.generation), closed)?;
    }
    if let Some(anomalies) = &named.anomalies {
        db.execute(sql::periods::CLEAR_ANOMALIES, params![start])?;
        for anomaly in anomalies {
            insert_anomaly(db, start, end, anomaly)?;
        }
    }
    if let Some(sheet) = &named.sheet {
        let mut sheet = sheet.clone();
        // The sheet of what is served of a closed period stays.
        let generation = match named.is_closed {
            true => closings::restated(db, named.period)?.unwrap_or(named.generation),
            false => named.generation,
        };
        let records = named.records.iter().filter(|(of, _)| *of == generation);
        let of_state = named.segments.iter().chain(&named.counters);
        let files = records.map(|(_, file)| file).chain(of_state).chain(&named.corrections);
        let file =
            |file: &NewFile| SheetFile { path: file.path.clone(), sha256: file.sha256.clone() };
        sheet.outputs = files.map(file).collect();
        sheet::put(db, named.period.start, generation, &sheet)?;
    }
    Ok(())
}

/// Keeps when a generation was published, and from what; again where more samples than
/// before are seen. What a closed period is restated as has its own inputs.
fn note(db: &Db, named: &NamedPeriod, published: Option<Published>) -> Result<(), StoreError> {
    let Some(Published { at, job }) = published else { return Ok(()) };
    let insert = |generation: u32, is_new: bool| {
        let params = params![
            at.as_millis(),
            named.period.start.as_millis(),
            generation,
            named.inputs.events_seq.cast_signed(),
            named.inputs.samples_seq.map(u64::cast_signed),
            named.inputs.accounts_seq.cast_signed(),
            job.map(u64::cast_signed),
            is_new,
        ];
        db.execute(sql::periods::INSERT_PUBLICATION, params).map(drop)
    };
    let is_new = named.records.iter().any(|(of, _)| *of == named.generation);
    let sees_more = named.current.samples_seq != named.inputs.samples_seq;
    if is_new || sees_more && !named.is_closed {
        insert(named.generation, is_new)?;
    }
    named.restated.map_or(Ok(()), |generation| insert(generation, true))
}

/// Names a new file of a kind and lets the one before go; returns the version that
/// counts now.
fn replace_open(
    db: &Db,
    named: &NamedPeriod,
    kind: &str,
    file: &Option<NewFile>,
    current: Option<u64>,
) -> Result<Option<i64>, StoreError> {
    let Some(file) = file else { return Ok(current.map(u64::cast_signed)) };
    let start = named.period.start.as_millis();
    let replaced =
        db.rows(sql::periods::OPEN_FILES_OF_KIND, params![start, kind], |row| load::path(row, 0))?;
    for path in replaced {
        retire(db, &path)?;
    }
    db.execute(sql::periods::DELETE_OPEN_OF_KIND, params![start, kind])?;
    let version = named.version.cast_signed();
    put_blocks(db, file)?;
    db.execute(
        sql::periods::INSERT_OPEN,
        params![
            start,
            kind,
            version,
            path_text(&file.path),
            file.rows.cast_signed(),
            file.bytes.cast_signed(),
            file.sha256
        ],
    )?;
    Ok(Some(version))
}

fn insert_anomaly(db: &Db, start: i64, end: i64, anomaly: &Anomaly) -> Result<(), StoreError> {
    db.execute(
        sql::periods::INSERT_ANOMALY,
        params![
            start,
            end,
            anomaly.source.as_str(),
            anomaly.event.map(|event| event.0.cast_signed()),
            anomaly.usage_type.0,
            anomaly.resource.0.cast_signed(),
            anomaly.at.as_millis(),
            anomaly.text
        ],
    )?;
    Ok(())
}
