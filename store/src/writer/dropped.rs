//! Samples that cannot be right, taken out of the lake.
//!
//! A file is replaced by one without them, under its number, in one transaction with a row
//! a sample that keeps what was dropped and when. The file that was there stays a while for
//! its readers, like any that was replaced.

use std::collections::BTreeMap;

use cloudtally_model::{
    AccountId, DeviceType, Instant, NetworkId, NetworkSample, SeriesKey, SourceName, Text, ZoneId,
};
use rusqlite::{Row, params};

use super::{
    Writer,
    append::{BEFORE_ALL, insert_sample_file, rename_samples},
    next_numbers, retire, source_id,
};
use crate::{
    SampleFile, Snapshot, Store, StoreError,
    catalogue::{checksums, db::Db, load, sql},
    crash,
    lake::{file::sync_folders, samples::network_number},
};

/// A choice of samples: those of a device at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamplesAt {
    /// Of which source.
    pub source: SourceName,
    /// Of which device.
    pub device: u64,
    /// The instant they were taken.
    pub at: Instant,
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only those of this address.
    pub address: Option<Text>,
}

impl SamplesAt {
    fn is_of(&self, sample: &NetworkSample) -> bool {
        let series = &sample.series;
        sample.sampled == self.at
            && series.device == self.device
            && self.account.is_none_or(|account| account == series.account)
            && self.address.as_ref().is_none_or(|address| series.address.as_ref() == Some(address))
    }
}

/// A sample that was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedSample {
    /// Wall time, milliseconds since 1970.
    pub dropped_ms: i64,
    /// The source of the sample.
    pub source: SourceName,
    /// The sample as it stood in the lake.
    pub sample: NetworkSample,
}

impl Store {
    /// The samples that are meant, each with the number of its file.
    pub fn samples_at(&self, wanted: &SamplesAt) -> Result<Vec<(u64, NetworkSample)>, StoreError> {
        let mut found = Vec::new();
        for file in self.files_at(wanted)? {
            let before = wanted.at - cloudtally_model::Millis(1);
            self.read_samples(&file, before, wanted.at, &mut |sample| {
                if wanted.is_of(&sample) {
                    found.push((file.seq, sample));
                }
            })?;
        }
        Ok(found)
    }

    fn files_at(&self, wanted: &SamplesAt) -> Result<Vec<SampleFile>, StoreError> {
        let of_day = params![wanted.source.as_str(), wanted.at.utc_day()];
        let mut files = load::sample_files(&*self.db()?, sql::ingest::SAMPLE_FILES_OF_DAY, of_day)?;
        files.retain(|file| file.first_sampled <= wanted.at && wanted.at <= file.last_sampled);
        Ok(files)
    }

    /// All samples that were dropped, in the order in which they were.
    pub fn dropped_samples(&self) -> Result<Vec<DroppedSample>, StoreError> {
        self.db()?.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_DROPPED)?;
            dropped(db)
        })
    }
}

impl Writer {
    /// Drops the samples that are meant, if `keep` says so of what is there without them;
    /// returns whether it did.
    pub fn drop_samples(
        &self,
        wanted: &SamplesAt,
        dropped_ms: i64,
        keep: &mut dyn FnMut(&Snapshot) -> bool,
    ) -> Result<bool, StoreError> {
        let mut parts: BTreeMap<u64, (SampleFile, Vec<NetworkSample>)> = BTreeMap::new();
        let mut gone = Vec::new();
        for file in self.files_at(wanted)? {
            let (mut stays, before) = (Vec::new(), gone.len());
            self.read_samples(&file, BEFORE_ALL, Instant::END_OF_TIME, &mut |sample| {
                if wanted.is_of(&sample) { gone.push(sample) } else { stays.push(sample) }
            })?;
            if gone.len() > before {
                parts.insert(file.seq, (file, stays));
            }
        }
        let source = &wanted.source;
        let db = self.db()?;
        let done = db.write_if(|db| {
            let of = source_id(db, source)?;
            // A name that no other file has.
            let number = next_numbers(db, "samples", 1)?;
            let mut files = Vec::new();
            for (seq, (file, stays)) in &parts {
                db.execute(sql::ingest::DELETE_SAMPLE_FILE, params![seq.cast_signed()])?;
                retire(db, &file.path)?;
                if !stays.is_empty() {
                    files.push((*seq, self.stage_samples(source, stays, &crash::COMPACT)?));
                }
            }
            let files = rename_samples(files, |seq| format!("{seq}d{number}-{source}.parquet"))?;
            sync_folders(self.dir(), files.iter().map(|(_, file, _)| file), &crash::COMPACT)?;
            for (seq, file, day) in &files {
                // `keep` reads them before anybody else sees their rows.
                self.remember_blocks(file);
                insert_sample_file(db, *seq, of, file, day)?;
            }
            for sample in &gone {
                note(db, of, sample, dropped_ms)?;
            }
            if !keep(&load::snapshot(db)?) {
                return Ok(None);
            }
            db.point(crash::COMPACT.before_commit)?;
            Ok(Some(()))
        })?;
        if done.is_none() {
            self.remove_orphans()?;
            return Ok(false);
        }
        db.point(crash::COMPACT.after_commit)?;
        Ok(true)
    }
}

fn note(db: &Db, source: i64, sample: &NetworkSample, dropped_ms: i64) -> Result<(), StoreError> {
    let series = &sample.series;
    let row = params![
        dropped_ms,
        source,
        sample.sampled.as_millis(),
        series.account.0.cast_signed(),
        series.zone.number().map(u64::cast_signed),
        series.device_type.as_name(),
        series.device.cast_signed(),
        network_number(series.network).unwrap_or_default().cast_signed(),
        series.address.as_deref(),
        sample.bytes_sent.cast_signed(),
        sample.bytes_received.cast_signed(),
        sample.restarted,
    ];
    db.execute(sql::ingest::INSERT_DROPPED, row).map(drop)
}

/// All samples that were dropped.
pub(crate) fn dropped(db: &Db) -> Result<Vec<DroppedSample>, StoreError> {
    let rows = db.rows(sql::ingest::DROPPED, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, sample(row)?))
    })?;
    let dropped = |(dropped_ms, source, sample): (i64, String, NetworkSample)| {
        Ok(DroppedSample { dropped_ms, source: load::source_name(db, &source)?, sample })
    };
    rows.into_iter().map(dropped).collect()
}

/// A sample from the column 2 on.
fn sample(row: &Row<'_>) -> rusqlite::Result<NetworkSample> {
    let zone = row.get::<_, Option<i64>>(4)?.map_or(ZoneId::NONE, ZoneId::from_source);
    Ok(NetworkSample {
        sampled: load::at(row, 2)?,
        series: SeriesKey {
            account: AccountId(load::unsigned(row, 3)?),
            zone,
            device_type: DeviceType::from_name(&row.get::<_, String>(5)?),
            device: load::unsigned(row, 6)?,
            network: NetworkId(load::unsigned(row, 7)?),
            address: load::text(row, 8)?,
        },
        bytes_sent: load::unsigned(row, 9)?,
        bytes_received: load::unsigned(row, 10)?,
        restarted: row.get(11)?,
    })
}
