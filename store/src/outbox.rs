//! Rows that the cloud has written for the bill, to be taken in their order.
//!
//! A reader remembers the offset of what it took last and asks for what comes
//! after it; offsets only grow and are never given twice.

use cloudtally_model::{
    Account, AccountId, DeviceType, EventId, Instant, NetworkId, NetworkSample, OfferingId,
    ResourceId, SeriesKey, TemplateId, UsageEvent, ZoneId,
    port::{CLOCK_MS, IS_SIMULATED},
};
use rusqlite::{Params, Row};

use crate::{
    Store, StoreError,
    catalogue::{
        accounts::account,
        checksums,
        db::Db,
        load::{at, number, text, unsigned},
        sql,
    },
    journal,
};

/// Something told, and its offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<T> {
    /// Grows from one to the next; there may be gaps.
    pub offset: u64,
    /// The row itself.
    pub item: T,
}

impl Store {
    /// Usage events after `offset`, at most `most`; 0 is before the first.
    ///
    /// # Errors
    /// `DatabaseDamaged` if one of them is not what was written.
    pub fn told_events(
        &self,
        offset: u64,
        most: usize,
    ) -> Result<Vec<Told<UsageEvent>>, StoreError> {
        self.told(sql::platform::TOLD_EVENTS, "outbox_event", after(offset, most), event)
    }

    /// Samples after `offset`, at most `most`; 0 is before the first.
    pub fn told_samples(
        &self,
        offset: u64,
        most: usize,
    ) -> Result<Vec<Told<NetworkSample>>, StoreError> {
        self.told(sql::platform::TOLD_SAMPLES, "outbox_sample", after(offset, most), sample)
    }

    /// Changes of accounts after `offset`, at most `most`; 0 is before the first.
    pub fn told_accounts(
        &self,
        offset: u64,
        most: usize,
    ) -> Result<Vec<Told<Account>>, StoreError> {
        let query = sql::platform::TOLD_ACCOUNTS;
        self.told(query, "outbox_account", after(offset, most), account_told)
    }

    /// A number that the cloud of the folder keeps, by its name.
    pub fn cloud_number(&self, name: &str) -> Result<Option<i64>, StoreError> {
        let numbers = self.db()?.read(|db| {
            checksums::refuse_damaged(db, &[checksums::CLOUD_NUMBER])?;
            journal::numbers(db)
        })?;
        Ok(numbers.into_iter().find(|(kept, _)| kept == name).map(|(_, value)| value))
    }

    /// The clock of the folder's cloud, if it is a simulated one, which has its own time.
    pub fn simulated_clock(&self) -> Result<Option<Instant>, StoreError> {
        if self.cloud_number(IS_SIMULATED)? != Some(1) {
            return Ok(None);
        }
        Ok(self.cloud_number(CLOCK_MS)?.map(Instant::from_millis))
    }

    /// Rows are held against their checksums here, as they are read, and not when a writer
    /// comes: after a long time without a run there may be millions of them.
    fn told<T>(
        &self,
        query: &'static str,
        table: &'static str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<Told<T>>, StoreError> {
        let db = self.db()?;
        let mut told = Vec::new();
        db.for_each(query, params, |row| {
            let failed = |e: rusqlite::Error| StoreError::database(db.path(), query, e);
            let is_as_written = row.as_ref().column_count() - 1;
            let offset = unsigned(row, 0).map_err(failed)?;
            if !row.get::<_, bool>(is_as_written).map_err(failed)? {
                let key = format!("seq {offset}");
                return Err(db.damaged(checksums::not_as_written(table, &key)));
            }
            told.push(Told { offset, item: read(row).map_err(failed)? });
            Ok(())
        })?;
        Ok(told)
    }
}

/// Reads all that was told and not yet taken.
pub(crate) fn read_all(db: &Db) -> Result<(), StoreError> {
    let all = || after(0, usize::MAX);
    db.rows(sql::platform::TOLD_EVENTS, all(), |row| event(row).map(drop))?;
    db.rows(sql::platform::TOLD_SAMPLES, all(), |row| sample(row).map(drop))?;
    db.rows(sql::platform::TOLD_ACCOUNTS, all(), |row| account_told(row).map(drop)).map(drop)
}

fn account_told(row: &Row<'_>) -> rusqlite::Result<Account> {
    account(row, 2, AccountId(unsigned(row, 1)?))
}

fn after(offset: u64, most: usize) -> [i64; 2] {
    let bounded = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    [bounded(offset), bounded(most as u64)]
}

fn zone(row: &Row<'_>, column: usize) -> rusqlite::Result<ZoneId> {
    Ok(ZoneId::from_source(row.get::<_, Option<i64>>(column)?.unwrap_or_default()))
}

fn event(row: &Row<'_>) -> rusqlite::Result<UsageEvent> {
    Ok(UsageEvent {
        id: EventId(unsigned(row, 1)?),
        event_type: row.get::<_, String>(2)?.into(),
        created: at(row, 3)?,
        account: AccountId(unsigned(row, 4)?),
        zone: zone(row, 5)?,
        resource: ResourceId(unsigned(row, 6)?),
        resource_name: text(row, 7)?,
        offering: number(row, 8)?.map(OfferingId),
        template: number(row, 9)?.map(TemplateId),
        size: number(row, 10)?,
        virtual_size: number(row, 11)?,
        resource_type: text(row, 12)?,
    })
}

fn sample(row: &Row<'_>) -> rusqlite::Result<NetworkSample> {
    Ok(NetworkSample {
        sampled: at(row, 1)?,
        series: SeriesKey {
            account: AccountId(unsigned(row, 2)?),
            zone: zone(row, 3)?,
            device_type: DeviceType::from_name(&row.get::<_, String>(4)?),
            device: unsigned(row, 5)?,
            network: NetworkId(unsigned(row, 6)?),
            address: text(row, 7)?,
        },
        bytes_sent: unsigned(row, 8)?,
        bytes_received: unsigned(row, 9)?,
        restarted: row.get(10)?,
    })
}
