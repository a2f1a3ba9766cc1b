//! A folder of an earlier format, rewritten in this program's.
//!
//! Every file that the catalogue names, those of earlier generations too, is read whole,
//! held against its checksum, encoded anew under another name and read back: row for row
//! it must be what was read. Then one transaction names all new files and the new format.
//! Until it commits, the folder is as it was, plus files that nothing names and that the
//! next attempt removes; so an attempt may be cut off or fail anywhere. The replaced files
//! stay a while, like any that was replaced.

use std::{
    ops::Range,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use cloudtally_model::{
    Instant, NetworkSample, Period, SegmentRow, SourceName, Sources, UsageEvent, row_numbers,
};
use rayon::prelude::*;
use rusqlite::params;

use super::{Writer, append::BEFORE_ALL, path_text, put_blocks, retire};
use crate::{
    LakeFile, LockWait, Store, StoreError,
    catalogue::{
        checksums,
        db::{Db, Mode},
        load,
        migrate::migrate,
        sql,
    },
    crash::{self, UPGRADE},
    format,
    lake::{
        self,
        file::{NewFile, StagedFile, sync_folders},
        read::Footers,
        records::{EncodedRecords, RecordEncoder},
        verified::{NamedFile, checksums_of_whole},
    },
    lock::FolderLock,
    table::{EventTable, SampleTable},
};

/// The rewriting of a folder, ahead or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The format the files have before.
    pub from: u64,
    /// The format they have after.
    pub to: u64,
    /// Number of files.
    pub files: u64,
    /// Their bytes before.
    pub bytes: u64,
}

/// A file to be rewritten.
struct Earlier {
    file: LakeFile,
    holds: Holds,
}

enum Holds {
    Events(SourceName),
    Samples(SourceName),
    Records { start: Instant },
    Segments,
    Counters,
}

/// A file and the one that it was rewritten to.
struct Later {
    earlier: Earlier,
    staged: StagedFile,
}

impl Store {
    /// Tells what an upgrade of the folder would do, and changes nothing; `None` if its
    /// files are of this program's format.
    ///
    /// # Errors
    /// As of [`Self::open_existing`]; `LaterFormat`.
    pub fn upgrade_ahead(dir: &Path) -> Result<Option<Upgrade>, StoreError> {
        Self::expect_catalogue(dir)?;
        let db = Db::connect(dir, Mode::Read)?;
        let from = match format::refuse_other(&db, dir) {
            Err(StoreError::EarlierFormat { found, .. }) => found,
            other => return other.map(|()| None),
        };
        let sizes = db.rows(sql::upgrade::NAMED, [], |row| load::unsigned(row, 0))?;
        let (files, bytes) = (sizes.len() as u64, sizes.iter().sum());
        Ok(Some(Upgrade { from, to: format::KNOWN, files, bytes }))
    }

    /// Rewrites the files of a folder of an earlier format; `None` if there is nothing to
    /// do. `progress(done, total)` in bytes.
    ///
    /// # Errors
    /// As of [`Self::open_existing`]; `Served`, `Locked`; `DatabaseDamaged`, `DamagedFile`,
    /// `NumberTooLarge`. The folder is as it was then.
    pub fn upgrade(
        dir: &Path,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Option<Upgrade>, StoreError> {
        let Some(upgrade) = Self::upgrade_ahead(dir)? else { return Ok(None) };
        // Nobody writes, and nobody has the cloud in memory, while the schema changes.
        let _cloud = FolderLock::take_cloud(dir, at_once(&mut || {}))?;
        let lock = FolderLock::take(dir, at_once(&mut || {}))?;
        let db = Db::connect(dir, Mode::Write)?;
        migrate(&db)?;
        let writer = Self::of(dir, db, Mode::Write).writer_with(lock, at_once(&mut || {}))?;
        let done = writer.rewrite_all(upgrade, progress);
        if done.is_err() {
            // The first error is the one to tell; what stays is removed by the next attempt.
            let _ = writer.remove_orphans();
        }
        done.map(|()| Some(upgrade))
    }
}

fn at_once(on_wait: &mut dyn FnMut()) -> LockWait<'_> {
    LockWait { limit: Duration::ZERO, on_wait }
}

impl Writer {
    fn rewrite_all(
        &self,
        upgrade: Upgrade,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(), StoreError> {
        let db = self.db()?;
        // A row that is changed gets the checksum of what it is by then.
        db.read(|db| checksums::refuse_damaged(db, &checksums::TABLES))?;
        let sources = db.read(load::sources)?;
        let earlier = self.earlier_files()?;

        // 1. All files, under temporary names.
        let done = AtomicU64::new(0);
        progress(0, upgrade.bytes);
        let rewrite = |earlier: Earlier| {
            let bytes = earlier.file.bytes;
            let later = self.rewrite(earlier, &sources)?;
            progress(done.fetch_add(bytes, Ordering::Relaxed) + bytes, upgrade.bytes);
            Ok(later)
        };
        let later = earlier.into_par_iter().map(rewrite).collect::<Result<Vec<_>, StoreError>>()?;

        // 2. Their names, and the transaction that makes them count.
        db.write(|db| {
            let mut renamed = Vec::with_capacity(later.len());
            for Later { earlier, staged } in later {
                let name = name_of(&earlier.file.path, upgrade.to);
                renamed.push((earlier, staged.rename(&name)?));
            }
            sync_folders(self.dir(), renamed.iter().map(|(_, new)| new), &UPGRADE)?;
            for (earlier, new) in &renamed {
                retire(db, &earlier.file.path)?;
                name(db, earlier, new)?;
            }
            db.execute(sql::upgrade::SET_FORMAT, params![upgrade.to.cast_signed()])?;
            db.point(UPGRADE.before_commit)
        })?;
        db.point(crash::UPGRADE.after_commit)?;
        // 3. The names in `records`.
        self.remove_orphans()
    }

    fn earlier_files(&self) -> Result<Vec<Earlier>, StoreError> {
        self.db()?.read(|db| {
            let file = |path, rows, bytes, sha256| LakeFile { path, rows, bytes, sha256 };
            let mut files = Vec::new();
            files.extend(load::event_files(db)?.into_iter().map(|of| Earlier {
                file: file(of.path, of.rows, of.bytes, of.sha256),
                holds: Holds::Events(of.source),
            }));
            let samples = load::sample_files(db, sql::ingest::SAMPLE_FILES, [])?;
            files.extend(samples.into_iter().map(|of| Earlier {
                file: file(of.path, of.rows, of.bytes, of.sha256),
                holds: Holds::Samples(of.source),
            }));
            files.extend(db.rows(sql::upgrade::RECORD_FILES, [], |row| {
                let holds = Holds::Records { start: load::at(row, 0)? };
                Ok(Earlier { file: load::file(row, 1)?, holds })
            })?);
            files.extend(db.rows(sql::upgrade::OPEN_FILES, [], |row| {
                let holds = if row.get(0)? { Holds::Segments } else { Holds::Counters };
                Ok(Earlier { file: load::file(row, 1)?, holds })
            })?);
            Ok(files)
        })
    }

    /// Encodes a file anew and reads it back.
    fn rewrite(&self, earlier: Earlier, sources: &Sources) -> Result<Later, StoreError> {
        let path = self.dir().join(&earlier.file.path);
        let file = &earlier.file;
        let checksums = checksums_of_whole(&path, file.bytes, &file.sha256)?;
        let named =
            NamedFile { path: &path, rows: file.rows, bytes: file.bytes, checksums: &checksums };
        let stage = |content: Vec<u8>| {
            let folder = file.path.parent().unwrap_or(Path::new(""));
            let rows = usize::try_from(file.rows).expect("rows of one file fit in memory");
            StagedFile::write(self.dir(), folder, &content, rows, self.readers(), &UPGRADE)
        };
        let (staged, is_same) = match &earlier.holds {
            Holds::Events(source) => {
                let rows = events(&named)?;
                let table = EventTable::from_iter(&rows);
                let content = lake::events::encode(source, &table, &row_numbers(table.height()))?;
                let staged = stage(content)?;
                let is_same = events(&staged.written())? == rows;
                (staged, is_same)
            }
            Holds::Samples(source) => {
                let rows = samples(&named)?;
                let table = SampleTable::from_iter(&rows);
                let content = lake::samples::encode(source, &table, &row_numbers(table.height()))?;
                let staged = stage(content)?;
                let is_same = samples(&staged.written())? == rows;
                (staged, is_same)
            }
            Holds::Segments => {
                let read = |file: &NamedFile<'_>| lake::segments::read(file, sources, None);
                let rows = read(&named)?;
                let all = row_numbers(rows.height());
                let staged = stage(lake::segments::encode(&rows, &all, sources)?)?;
                let again = read(&staged.written())?;
                let is_same = again
                    .rows()
                    .map(SegmentRow::to_segment)
                    .eq(rows.rows().map(SegmentRow::to_segment));
                (staged, is_same)
            }
            Holds::Counters => {
                let rows = lake::counters::read(&named, sources)?;
                let staged = stage(lake::counters::encode(&rows, sources)?)?;
                let is_same = lake::counters::read(&staged.written(), sources)? == rows;
                (staged, is_same)
            }
            Holds::Records { start } => {
                let staged = stage(records(&named, *start, sources)?.content)?;
                let is_same = are_same_records(&named, &staged.written(), sources)?;
                (staged, is_same)
            }
        };
        if !is_same {
            return Err(StoreError::RewrittenDiffers { path });
        }
        Ok(Later { earlier, staged })
    }
}

/// `12-default.parquet` as `v2-12-default.parquet`: no name that a file had before.
fn name_of(path: &Path, format: u64) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("v{format}-{name}")
}

/// Names the new file in place of the earlier one.
fn name(db: &Db, earlier: &Earlier, new: &NewFile) -> Result<(), StoreError> {
    put_blocks(db, new)?;
    let (path, to) = (path_text(&earlier.file.path), path_text(&new.path));
    let (bytes, sha256) = (new.bytes.cast_signed(), &new.sha256);
    let query = match earlier.holds {
        Holds::Events(_) => sql::upgrade::EVENT_FILE,
        Holds::Samples(_) => sql::upgrade::SAMPLE_FILE,
        Holds::Records { .. } => sql::upgrade::RECORD_FILE,
        Holds::Segments | Holds::Counters => sql::upgrade::OPEN_FILE,
    };
    match db.execute(query, params![path, to, bytes, sha256])? {
        1 => Ok(()),
        _ => Err(db.damaged(format!("`{path}` is named no longer, or twice"))),
    }
}

fn events(file: &NamedFile<'_>) -> Result<Vec<UsageEvent>, StoreError> {
    let mut rows = Vec::new();
    lake::events::read(file, Instant::EPOCH, Instant::END_OF_TIME, &mut |row| rows.push(row))?;
    Ok(rows)
}

fn samples(file: &NamedFile<'_>) -> Result<Vec<NetworkSample>, StoreError> {
    let mut rows = Vec::new();
    lake::samples::read(file, BEFORE_ALL, Instant::END_OF_TIME, &mut |row| rows.push(row))?;
    Ok(rows)
}

fn records(
    file: &NamedFile<'_>,
    start: Instant,
    sources: &Sources,
) -> Result<EncodedRecords, StoreError> {
    // Where there is no record, none has the end.
    let end = lake::records::period_end(file)?.unwrap_or(start);
    let mut encoder = RecordEncoder::new(Period { start, end }, sources)?;
    for columns in lake::records::columns(file, &no_footers(), &all_rows(file), sources)? {
        columns?.rows().try_for_each(|row| encoder.push(&row))?;
    }
    encoder.finish()
}

fn are_same_records(
    earlier: &NamedFile<'_>,
    later: &NamedFile<'_>,
    sources: &Sources,
) -> Result<bool, StoreError> {
    let footers = no_footers();
    let read = |file: &NamedFile<'_>| {
        let columns = lake::records::columns(file, &footers, &all_rows(file), sources)?;
        Ok::<_, StoreError>(columns)
    };
    if lake::records::period_end(earlier)? != lake::records::period_end(later)? {
        return Ok(false);
    }
    let (mut a, mut b) = (read(earlier)?, read(later)?);
    loop {
        match (a.next().transpose()?, b.next().transpose()?) {
            (None, None) => return Ok(true),
            (Some(a), Some(b)) if a.rows().eq(b.rows()) => {}
            _ => return Ok(false),
        }
    }
}

/// The rows of a file, in as many ranges as it takes.
fn all_rows(file: &NamedFile<'_>) -> Vec<Range<u64>> {
    std::iter::once(0..file.rows).filter(|rows| !rows.is_empty()).collect()
}

/// Footers of files that are read once.
fn no_footers() -> Footers {
    Footers::new(0)
}
