//! Many small files of a day into one.
//!
//! Each step of an ingest leaves a file a day, so hourly ingest makes 24 small
//! files. Merging copies rows, never drops or changes one; the replaced files stay
//! for a while, for readers that looked at the catalogue before the swap.

use std::collections::BTreeMap;

use cloudtally_model::{Instant, Millis, SourceName};
use rusqlite::params;

use super::{
    Writer,
    append::{
        BEFORE_ALL, insert_event_file, insert_sample_file, rename_events, rename_samples,
        sort_samples,
    },
    retire, source_id,
};
use crate::{
    EventFile, SampleFile, StoreError,
    catalogue::{load, sql},
    crash,
    lake::file::sync_folders,
};

/// A day with at least so many small files is merged.
const FILES_MIN: usize = 16;
/// A file with fewer rows is small.
const SMALL_ROWS: u64 = 128 * 1024;
/// A merged file has at most about so many rows: they are sorted in memory.
const MERGED_ROWS_MAX: u64 = 512 * 1024;

impl Writer {
    /// Merges the small files of days that have many (16 or more) into few. A merged
    /// file has the highest `seq` of its inputs.
    pub fn compact(&self) -> Result<(), StoreError> {
        let (events, samples) = self.db()?.read(|db| {
            Ok((load::event_files(db)?, load::sample_files(db, sql::ingest::SAMPLE_FILES, [])?))
        })?;
        let (of_events, of_samples) = self.seen_boundaries()?;
        let stretch = |boundaries: &[u64], seq| boundaries.partition_point(|seen| *seen < seq);
        let events = groups(events, |file| {
            ((file.source.clone(), file.utc_day, stretch(&of_events, file.seq)), file.rows)
        });
        for group in events {
            self.merge_events(&group)?;
        }
        let samples = self.seen_by_their_periods(samples)?;
        let samples = groups(samples, |file| {
            ((file.source.clone(), file.utc_day, stretch(&of_samples, file.seq)), file.rows)
        });
        for group in samples {
            self.merge_samples(&group)?;
        }
        Ok(())
    }

    /// The last files of events and of samples that some generation has seen, in order. What
    /// one has seen and what came later stays apart: it is explained from the one, and its
    /// corrections name the other.
    fn seen_boundaries(&self) -> Result<(Vec<u64>, Vec<u64>), StoreError> {
        let rows = self.db()?.rows(sql::periods::SEEN_BOUNDARIES, [], |row| {
            Ok((row.get::<_, i64>(0)?, load::unsigned(row, 1)?))
        })?;
        let of = |kind| rows.iter().filter(|row| row.0 == kind).map(|row| row.1).collect();
        Ok((of(1), of(2)))
    }

    /// Sample files that every published period of their day has billed. A merged
    /// file has the highest `seq` of its inputs: with one that is not billed yet,
    /// samples billed long ago would look late.
    fn seen_by_their_periods(&self, files: Vec<SampleFile>) -> Result<Vec<SampleFile>, StoreError> {
        let published = self.snapshot()?.published();
        let is_seen = |file: &SampleFile| {
            let from = Instant::from_millis(file.utc_day * Millis::DAY.0);
            let of_day = published
                .iter()
                .filter(|(extent, _)| extent.start < from + Millis::DAY && extent.end >= from);
            of_day
                .into_iter()
                .all(|(_, inputs)| inputs.samples_seq.is_some_and(|seen| seen >= file.seq))
        };
        Ok(files.into_iter().filter(is_seen).collect())
    }

    fn merge_events(&self, files: &[EventFile]) -> Result<(), StoreError> {
        let Some(last) = files.last() else { return Ok(()) };
        let mut events = Vec::new();
        for file in files {
            self.read_events(file, Instant::EPOCH, Instant::END_OF_TIME, &mut |e| events.push(e))?;
        }
        self.expect_rows(files.iter().map(|file| file.rows), events.len())?;
        events.sort_unstable_by_key(|event| (event.created, event.id));
        let staged = self.stage_events(&last.source, &events, &crash::COMPACT)?;
        let db = self.db()?;
        db.write(|db| {
            let source_id = source_id(db, &last.source)?;
            let name = |seq| merged_name(seq, &last.source);
            for (seq, file, ranges) in rename_events(vec![(last.seq, staged)], name)? {
                sync_folders(self.dir(), [&file], &crash::COMPACT)?;
                for input in files {
                    db.execute(sql::ingest::DELETE_EVENT_FILE, params![input.seq.cast_signed()])?;
                    retire(db, &input.path)?;
                }
                insert_event_file(db, seq, source_id, &file, &ranges)?;
            }
            db.point(crash::COMPACT.before_commit)
        })?;
        db.point(crash::COMPACT.after_commit)
    }

    fn merge_samples(&self, files: &[SampleFile]) -> Result<(), StoreError> {
        let Some(last) = files.last() else { return Ok(()) };
        let mut samples = Vec::new();
        for file in files {
            self.read_samples(file, BEFORE_ALL, Instant::END_OF_TIME, &mut |s| samples.push(s))?;
        }
        self.expect_rows(files.iter().map(|file| file.rows), samples.len())?;
        sort_samples(&mut samples);
        let staged = self.stage_samples(&last.source, &samples, &crash::COMPACT)?;
        let db = self.db()?;
        db.write(|db| {
            let source_id = source_id(db, &last.source)?;
            let name = |seq| merged_name(seq, &last.source);
            for (seq, file, ranges) in rename_samples(vec![(last.seq, staged)], name)? {
                sync_folders(self.dir(), [&file], &crash::COMPACT)?;
                for input in files {
                    db.execute(sql::ingest::DELETE_SAMPLE_FILE, params![input.seq.cast_signed()])?;
                    retire(db, &input.path)?;
                }
                insert_sample_file(db, seq, source_id, &file, &ranges)?;
            }
            db.point(crash::COMPACT.before_commit)
        })?;
        db.point(crash::COMPACT.after_commit)
    }

    /// Never swaps files for one with fewer or more rows.
    fn expect_rows(
        &self,
        named: impl Iterator<Item = u64>,
        found: usize,
    ) -> Result<(), StoreError> {
        let named: u64 = named.sum();
        if named == found as u64 {
            return Ok(());
        }
        let what = format!("files of one day hold {found} rows and the catalogue says {named}");
        Err(self.db()?.damaged(what))
    }
}

/// A seq names one file that was written by an append and at most one merged file.
fn merged_name(seq: u64, source: &SourceName) -> String {
    format!("{seq}m-{source}.parquet")
}

/// A source, a day, and which generations have seen a file.
type Place = (SourceName, i64, usize);

/// Groups the files to merge by their place, in order of `seq`. `about` tells a file's place
/// and its rows.
fn groups<F>(files: Vec<F>, about: impl Fn(&F) -> (Place, u64)) -> Vec<Vec<F>> {
    let mut days: BTreeMap<Place, Vec<(u64, F)>> = BTreeMap::new();
    for file in files {
        let (place, rows) = about(&file);
        if rows < SMALL_ROWS {
            days.entry(place).or_default().push((rows, file));
        }
    }
    let mut groups = Vec::new();
    for files in days.into_values().filter(|files| files.len() >= FILES_MIN) {
        let (mut group, mut rows_so_far) = (Vec::new(), 0);
        for (rows, file) in files {
            if rows_so_far + rows > MERGED_ROWS_MAX {
                groups.push(std::mem::take(&mut group));
                rows_so_far = 0;
            }
            rows_so_far += rows;
            group.push(file);
        }
        groups.push(group);
    }
    groups.retain(|group| group.len() > 1);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_with_many_small_files_are_merged_in_bounded_groups() {
        let source = SourceName::new("s").unwrap();
        let about = |file: &(i64, u64)| ((source.clone(), file.0, 0), file.1);
        let few: Vec<_> = (0..15).map(|_| (1, 10)).collect();
        assert_eq!(groups(few, about).len(), 0);
        let mut files: Vec<_> = (0..16).map(|_| (1, 100_000)).collect();
        files.push((1, SMALL_ROWS));
        let sizes: Vec<usize> = groups(files, about).iter().map(Vec::len).collect();
        assert_eq!(sizes, [5, 5, 5], "the one left over has nothing to merge with");
    }
}
