//! A folder that lived ahead of time, set back.
//!
//! One rule holds: whatever our own cloud dated after an instant gets that instant.
//! Events keep their ids and their order. Samples of a series need instants of their own:
//! they follow the instant a millisecond apart, and those that only say what the next one
//! says as well go. Periods that end after the instant are withdrawn, all of their
//! generations, and with them earlier ones whose bytes one of them bills; the next runs of
//! the job publish them when they are over. Their files go at once, since their names come
//! again; whatever else was replaced stays for its readers as after any command.
//!
//! A damaged row of the catalogue is refused first: set back, it would look like what was
//! written.

use std::{collections::BTreeMap, path::Path};

use cloudtally_model::{Instant, Millis, NetworkSample, Period, SeriesKey, SourceName, UsageEvent};
use rusqlite::params;

use super::{
    Writer,
    append::{insert_event_file, insert_sample_file, rename_events, rename_samples, sort_samples},
    next_numbers, path_text, retire, source_id, stretches,
};
use crate::{
    EventFile, SampleFile, Snapshot, Store, StoreError,
    catalogue::{checksums, db::Db, sql},
    crash,
    lake::{self, file::sync_folders, period_name},
};

/// The time between two samples of a series that had other instants.
const APART: Millis = Millis(1);

/// Numbers of rows ahead of an instant, which are set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LivedAhead {
    /// Events that our own cloud told, taken into the lake or not.
    pub events: u64,
    /// Samples that it told.
    pub samples: u64,
    /// Published periods.
    pub periods: u64,
}

/// Events and samples of a source that are dated after an instant, and their files.
struct Misdated {
    event_files: Vec<(EventFile, Vec<UsageEvent>)>,
    events: Vec<UsageEvent>,
    sample_files: Vec<(SampleFile, Vec<NetworkSample>)>,
    samples: Vec<NetworkSample>,
}

impl Store {
    /// Counts the rows of `source`, our own cloud, and the published periods that lie after `to`.
    ///
    /// # Errors
    /// `DatabaseDamaged` if a row of the catalogue is not what was written;
    /// `WithdrawsClosed` if a period would be withdrawn that is closed.
    pub fn lived_ahead(&self, source: &SourceName, to: Instant) -> Result<LivedAhead, StoreError> {
        self.db()?.read(|db| checksums::refuse_damaged(db, &checksums::TABLES))?;
        let snapshot = self.snapshot()?;
        let misdated = self.misdated(&snapshot, source, to)?;
        let told_events = self.told_events(0, usize::MAX)?;
        let told_samples = self.told_samples(0, usize::MAX)?;
        let events = told_events.iter().filter(|told| told.item.created > to).count();
        let samples = told_samples.iter().filter(|told| told.item.sampled > to).count();
        let (calendar, from) = (self.calendar()?, self.withdrawn_from(&snapshot, to)?);
        self.refuse_closed(&snapshot, from)?;
        let with_files = snapshot.periods.iter().filter(|known| known.period.start >= from).count();
        let empty = snapshot.stretches.iter().filter(|stretch| stretch.extent.end > from);
        let empty = empty.map(|stretch| {
            let Period { start, end } = stretch.extent;
            calendar.count(Period { start: start.max(from), end })
        });
        Ok(LivedAhead {
            events: (misdated.events.len() + events) as u64,
            samples: (misdated.samples.len() + samples) as u64,
            periods: with_files as u64 + empty.sum::<u64>(),
        })
    }

    /// The start of the first period to withdraw: the one that `to` lies in, or an earlier
    /// one whose bytes a withdrawn period bills in a folded record; it is billed again by
    /// itself then.
    fn withdrawn_from(&self, snapshot: &Snapshot, to: Instant) -> Result<Instant, StoreError> {
        let calendar = self.calendar()?;
        let mut from = calendar.period_at(to).start;
        let mut looked_at = Instant::END_OF_TIME;
        loop {
            let mut folded = from;
            let withdrawn = |start: Instant| start >= from && start < looked_at;
            for known in snapshot.periods.iter().filter(|known| withdrawn(known.period.start)) {
                for counter in self.read_counters(known, &snapshot.sources)? {
                    folded = folded.min(counter.folded_from.unwrap_or(folded));
                }
            }
            if folded >= from {
                return Ok(from);
            }
            (looked_at, from) = (from, calendar.period_at(folded).start);
        }
    }

    /// Refuses to withdraw closed periods: a bill that was sent stays what it is.
    fn refuse_closed(&self, snapshot: &Snapshot, from: Instant) -> Result<(), StoreError> {
        match snapshot.closing() {
            Some(closing) if from < closing.through => Err(StoreError::WithdrawsClosed {
                through: closing.through,
                closed: closing.told(self.calendar()?),
            }),
            _ => Ok(()),
        }
    }

    fn misdated(
        &self,
        snapshot: &Snapshot,
        source: &SourceName,
        to: Instant,
    ) -> Result<Misdated, StoreError> {
        let (mut event_files, mut events) = (Vec::new(), Vec::new());
        let ahead = |file: &&EventFile| file.source == *source && file.last_created > to;
        for file in snapshot.event_files.iter().filter(ahead) {
            let mut kept = Vec::new();
            self.read_events(file, Instant::EPOCH, Instant::END_OF_TIME, &mut |event| {
                if event.created > to { events.push(event) } else { kept.push(event) }
            })?;
            event_files.push((file.clone(), kept));
        }
        let (mut sample_files, mut samples) = (Vec::new(), Vec::new());
        let ahead = |file: &&SampleFile| file.source == *source && file.last_sampled > to;
        for file in snapshot.sample_files.iter().filter(ahead) {
            let mut kept = Vec::new();
            let before_all = super::append::BEFORE_ALL;
            self.read_samples(file, before_all, Instant::END_OF_TIME, &mut |sample| {
                if sample.sampled > to { samples.push(sample) } else { kept.push(sample) }
            })?;
            sample_files.push((file.clone(), kept));
        }
        Ok(Misdated { event_files, events, sample_files, samples })
    }
}

impl Writer {
    /// Sets what `source`, our own cloud, dated after `to` back to it, and withdraws the
    /// periods that end after it, in one transaction. What the cloud has told must have
    /// been taken before. Returns the latest instant that something got.
    ///
    /// Doing it again changes nothing.
    ///
    /// # Errors
    /// `OutboxNotTaken` if something of the outbox waits; `DatabaseDamaged` if a row of the
    /// catalogue is not what was written; `WithdrawsClosed` if a period would be withdrawn
    /// that is closed.
    pub fn set_back(
        &self,
        source: &SourceName,
        to: Instant,
        present: Instant,
    ) -> Result<Instant, StoreError> {
        // A row that is changed gets the checksum of what it is by then.
        self.db()?.read(|db| checksums::refuse_damaged(db, &checksums::TABLES))?;
        if !self.told_events(0, 1)?.is_empty() || !self.told_samples(0, 1)?.is_empty() {
            return Err(StoreError::OutboxNotTaken);
        }
        let snapshot = self.snapshot()?;
        let mut misdated = self.misdated(&snapshot, source, to)?;
        for event in &mut misdated.events {
            event.created = to;
        }
        misdated.events.sort_unstable_by_key(|event| event.id);
        misdated.samples = after(to, std::mem::take(&mut misdated.samples));
        let last = misdated.samples.iter().map(|sample| sample.sampled).max().unwrap_or(to);
        let (calendar, from) = (self.calendar()?, self.withdrawn_from(&snapshot, to)?);
        self.refuse_closed(&snapshot, from)?;
        let db = self.db()?;
        db.write(|db| {
            let own = source_id(db, source)?;
            self.swap_events(db, source, own, &misdated)?;
            self.swap_samples(db, source, own, &misdated)?;
            withdraw(db, calendar.period_at(from))?;
            let to = to.as_millis();
            db.execute(sql::repair::SET_BACK_JOBS, params![to, from.as_millis()])?;
            db.execute(sql::repair::SET_BACK_PRUNED, params![to])?;
            db.execute(sql::repair::SET_BACK_RUNS, params![to])?;
            db.execute(sql::repair::SET_BACK_REMOVALS, params![to, own])?;
            db.execute(sql::repair::SET_BACK_PUBLICATIONS, params![to])?;
            db.execute(sql::repair::SET_BACK_CHANGES, params![to, own])?;
            if db.execute(sql::repair::SET_BACK_ACCOUNTS, params![to, own])? > 0 {
                next_numbers(db, "accounts", 1)?;
            }
            let params = params![to, own, present.as_millis()];
            db.execute(sql::repair::SET_BACK_COMPLETENESS, params)?;
            db.point(crash::COMPACT.before_commit)
        })?;
        db.point(crash::COMPACT.after_commit)?;
        // Files of withdrawn periods are named by nobody; their names come again.
        self.remove_orphans()?;
        Ok(last)
    }

    /// Puts files in the place of those that hold misdated events: what stays of each under
    /// its number, and what is set back under new ones.
    fn swap_events(
        &self,
        db: &Db,
        source: &SourceName,
        own: i64,
        misdated: &Misdated,
    ) -> Result<(), StoreError> {
        if misdated.events.is_empty() {
            return Ok(());
        }
        let number = next_numbers(db, "events", 1)?;
        let mut files = Vec::new();
        for (file, kept) in &misdated.event_files {
            db.execute(sql::ingest::DELETE_EVENT_FILE, params![file.seq.cast_signed()])?;
            retire(db, &file.path)?;
            if !kept.is_empty() {
                files.push((file.seq, self.stage_events(source, kept, &crash::COMPACT)?));
            }
        }
        files.push((number, self.stage_events(source, &misdated.events, &crash::COMPACT)?));
        let files = rename_events(files, |seq| set_back_name(seq, number, source))?;
        sync_folders(self.dir(), files.iter().map(|(_, file, _)| file), &crash::COMPACT)?;
        for (seq, file, day) in &files {
            insert_event_file(db, *seq, own, file, day)?;
        }
        Ok(())
    }

    /// Does the same with samples. Those that are set back may reach into the next day.
    fn swap_samples(
        &self,
        db: &Db,
        source: &SourceName,
        own: i64,
        misdated: &Misdated,
    ) -> Result<(), StoreError> {
        let days: Vec<&[NetworkSample]> =
            misdated.samples.chunk_by(|a, b| a.sampled.utc_day() == b.sampled.utc_day()).collect();
        if days.is_empty() {
            return Ok(());
        }
        let number = next_numbers(db, "samples", days.len())?;
        let mut files = Vec::new();
        for (file, kept) in &misdated.sample_files {
            db.execute(sql::ingest::DELETE_SAMPLE_FILE, params![file.seq.cast_signed()])?;
            retire(db, &file.path)?;
            if !kept.is_empty() {
                files.push((file.seq, self.stage_samples(source, kept, &crash::COMPACT)?));
            }
        }
        for (seq, day) in (number..).zip(days) {
            files.push((seq, self.stage_samples(source, day, &crash::COMPACT)?));
        }
        let files = rename_samples(files, |seq| set_back_name(seq, number, source))?;
        sync_folders(self.dir(), files.iter().map(|(_, file, _)| file), &crash::COMPACT)?;
        for (seq, file, day) in &files {
            insert_sample_file(db, *seq, own, file, day)?;
        }
        Ok(())
    }
}

/// Sorts behind the name of every period, which begins with a digit.
const AFTER_ALL_PERIODS: &str = "~";

/// Withdraws a period and all behind it. Files of theirs that were replaced before, and may
/// have readers yet, are forgotten, too: the next publication of such a period begins again
/// with the first name.
fn withdraw(db: &Db, first: Period) -> Result<(), StoreError> {
    let from = first.start;
    let start = params![from.as_millis()];
    db.execute(sql::repair::WITHDRAW_ADJUSTMENTS, start)?;
    db.execute(sql::repair::WITHDRAW_PERIODS, start)?;
    db.execute(sql::repair::WITHDRAW_PUBLICATIONS, start)?;
    db.execute(sql::repair::WITHDRAW_CORRECTIONS, start)?;
    db.execute(sql::repair::WITHDRAW_RECORDS, start)?;
    db.execute(sql::repair::WITHDRAW_OPEN_FILES, start)?;
    db.execute(sql::repair::WITHDRAW_ANOMALIES, start)?;
    db.execute(sql::repair::WITHDRAW_SHEETS, start)?;
    let open = Path::new(lake::OPEN);
    let folders = [open.join(period_name(first)), open.join(AFTER_ALL_PERIODS)];
    db.execute(sql::repair::FORGET_RETIRED, folders.map(|folder| path_text(&folder)))?;
    db.execute(sql::lake::FORGET_BLOCKS, [])?;
    stretches::take(db, Period { start: from, end: Instant::END_OF_TIME }).map(drop)
}

/// Gives samples instants right behind `to`, in the order of each series. One that counts
/// nothing which the next does not count as well is left out; the first stays, for it may
/// be the first of its series.
fn after(to: Instant, samples: Vec<NetworkSample>) -> Vec<NetworkSample> {
    let mut by_series: BTreeMap<SeriesKey, Vec<NetworkSample>> = BTreeMap::new();
    for sample in samples {
        by_series.entry(sample.series.clone()).or_default().push(sample);
    }
    let mut moved = Vec::new();
    for mut series in by_series.into_values() {
        series.sort_unstable_by_key(|sample| sample.sampled);
        let is_told_by_next = |at: usize| {
            let (this, next) = (&series[at], series.get(at + 1));
            next.is_some_and(|next| {
                !this.restarted
                    && !next.restarted
                    && next.bytes_sent >= this.bytes_sent
                    && next.bytes_received >= this.bytes_received
            })
        };
        let stays: Vec<bool> =
            (0..series.len()).map(|at| at == 0 || !is_told_by_next(at)).collect();
        let mut at = to;
        for (mut sample, _) in series.into_iter().zip(stays).filter(|(_, stays)| *stays) {
            at = at + APART;
            sample.sampled = at;
            moved.push(sample);
        }
    }
    sort_samples(&mut moved);
    moved
}

/// A seq names one such file, since no two repairs take the same number.
fn set_back_name(seq: u64, number: u64, source: &SourceName) -> String {
    format!("{seq}b{number}-{source}.parquet")
}

#[cfg(test)]
mod tests {
    use cloudtally_model::{DeviceType, NetworkId, ZoneId};

    use super::*;

    fn sample(ms: i64, bytes: u64, restarted: bool) -> NetworkSample {
        NetworkSample {
            sampled: Instant::from_millis(ms),
            series: SeriesKey {
                account: 2.into(),
                zone: ZoneId::from_source(1),
                device_type: DeviceType::from_name("DomainRouter"),
                device: 7,
                network: NetworkId(9),
                address: None,
            },
            bytes_sent: bytes,
            bytes_received: 0,
            restarted,
        }
    }

    #[test]
    fn samples_keep_every_byte_that_they_count() {
        let samples = [(50, 10, false), (60, 20, false), (70, 30, false), (80, 4, true)];
        let samples = samples.map(|(ms, bytes, restarted)| sample(ms, bytes, restarted));
        let moved = after(Instant::from_millis(5), samples.to_vec());
        let told: Vec<_> = moved
            .iter()
            .map(|sample| (sample.sampled.as_millis(), sample.bytes_sent, sample.restarted))
            .collect();
        assert_eq!(told, [(6, 10, false), (7, 30, false), (8, 4, true)]);
    }
}
