//! Everything that changes the folder.

use std::{collections::HashMap, ops::Deref};

use cloudtally_model::{
    Account, EventId, Instant, NetworkSample, Period, Segment, SeriesKey, SourceId, SourceName,
    Sources, UsageEvent, UsageRecord,
};

use crate::{AdminKeys, Anomaly, IngestRun, Inputs, JobRun, QuarantinedRow, Store, StoreError};

/// A store whose lock is held.
#[derive(Debug)]
pub struct Writer {
    store: Store,
}

impl Deref for Writer {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

/// The ids of all accepted events of one source.
#[derive(Debug)]
pub struct KnownEvents {}

#[expect(unused_variables, reason = "interface first")]
impl KnownEvents {
    /// Whether the event of this id was accepted.
    pub fn contains(&self, id: EventId) -> bool {
        todo!()
    }

    /// The stored events of these ids, all of them known.
    pub fn contents(
        &self,
        store: &Store,
        ids: &[EventId],
    ) -> Result<HashMap<EventId, UsageEvent>, StoreError> {
        todo!()
    }
}

/// What to publish for one period.
#[derive(Clone, Debug)]
pub struct PeriodDraft<'a> {
    /// The period.
    pub period: Period,
    /// Sorted; `None` keeps the current records and generation.
    pub records: Option<&'a [UsageRecord]>,
    /// Segments open at the end, sorted; `None` keeps the current ones.
    pub open: Option<&'a [Segment]>,
    /// What was billed of the period's samples; `None` keeps the current ones.
    pub counters: Option<&'a [BilledCounter]>,
    /// Replaces the period's anomalies; `None` keeps them.
    pub anomalies: Option<&'a [Anomaly]>,
    /// What it was computed from.
    pub inputs: Inputs,
}

/// What one series last said and what of it is billed, at the end of a period.
///
/// A period's file has a row for every series known by its end, so that the
/// next period needs no older sample. (All fields are columns of the file.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledCounter {
    /// Whose series.
    pub source: SourceId,
    /// Which series.
    pub series: SeriesKey,
    /// Instant of its latest sample up to the end of the period.
    pub last_sampled: Instant,
    /// That sample's counter of bytes sent.
    pub last_sent: u64,
    /// That sample's counter of bytes received.
    pub last_received: u64,
    /// Bytes sent by this period's own samples that are billed, in whatever record.
    pub sent: u64,
    /// Bytes received likewise.
    pub received: u64,
    /// Bytes sent that stand in this period's own ordinary record.
    pub own_sent: u64,
    /// Bytes received likewise.
    pub own_received: u64,
    /// Start of the folded record that covers this period, if one does.
    pub folded_from: Option<Instant>,
}

/// One period's files, encoded and on disk under temporary names.
#[derive(Debug)]
pub struct StagedPeriod {}

#[expect(unused_variables, reason = "interface first")]
impl Writer {
    /// Registers a source.
    pub fn source(&self, name: &SourceName) -> Result<(), StoreError> {
        todo!()
    }

    /// Loads the ids of all accepted events of a source.
    pub fn known_events(&self, source: &SourceName) -> Result<KnownEvents, StoreError> {
        todo!()
    }

    /// One atomic step of an ingest of events.
    pub fn append_events(
        &self,
        known: &mut KnownEvents,
        events: Vec<UsageEvent>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// One atomic step of an ingest of samples.
    pub fn append_samples(
        &self,
        source: &SourceName,
        samples: Vec<NetworkSample>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Accepted samples of one UTC day: (series, instant) to (sent, received).
    pub fn known_samples(
        &self,
        source: &SourceName,
        utc_day: i64,
    ) -> Result<HashMap<(SeriesKey, Instant), (u64, u64)>, StoreError> {
        todo!()
    }

    /// Inserts new accounts and updates changed ones. Returns how many were equal
    /// to what was there.
    pub fn upsert_accounts(
        &self,
        source: &SourceName,
        accounts: &[Account],
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<u64, StoreError> {
        todo!()
    }

    /// Merges the small files of days that have many.
    pub fn compact(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// Encodes and syncs the files of one period under temporary names.
    pub fn stage(
        &self,
        draft: &PeriodDraft<'_>,
        sources: &Sources,
    ) -> Result<StagedPeriod, StoreError> {
        todo!()
    }

    /// Publishes staged periods, all or none.
    pub fn publish(&self, staged: Vec<StagedPeriod>) -> Result<(), StoreError> {
        todo!()
    }

    /// Sets a setting after checking it.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        todo!()
    }

    /// Stores the root admin's keys.
    pub fn set_admin_keys(&self, keys: &AdminKeys) -> Result<(), StoreError> {
        todo!()
    }

    /// Notes that a job began; returns its number.
    pub fn begin_job(&self, kind: &str, started_ms: i64) -> Result<u64, StoreError> {
        todo!()
    }

    /// Notes how a job ended.
    pub fn finish_job(&self, job: &JobRun) -> Result<(), StoreError> {
        todo!()
    }
}
