//! State of the simulated cloud in the database: its things, settings and numbers, and
//! the outbox of rows for the bill.
//!
//! A change set is one transaction; it is on disk when `commit` returns. The
//! journal has a connection of its own and statements that stay prepared. It
//! does not take the folder's lock, which a usage job may hold for minutes: the
//! files of the lake are not its business, and for the rows both write SQLite
//! orders the transactions. What it does hold is the cloud's own lock, because
//! the cloud lives in one process's memory.

use cloudtally_model::{
    Account, Instant, NetworkId, NetworkSample, Text, UsageEvent, UsageTypeId, ZoneId,
    port::{
        ChangeSet, Journal, JournalError, Kept, LedgerEntry, Row as Thing, UnknownFate, Use, Value,
    },
    settings::{AGGREGATION_RANGE, AGGREGATION_TIMEZONE, FILES_GROUP_READABLE},
};
use rusqlite::{Row, params};
use tracing::warn;

use crate::{
    LockWait, Store, StoreError, body,
    catalogue::{
        checksums,
        db::{DATABASE, Db, Mode},
        load::{at, instant, number, period, unsigned},
        sql,
    },
    crash,
    lock::FolderLock,
};

/// The kind whose attributes may be the root admin's keys.
const USER: &str = "User";
const API_KEY: &str = "apikey";
const SECRET_KEY: &str = "usersecretkey";

/// Keeps a cloud in a folder; while it lives no other process can have it.
#[derive(Debug)]
pub struct SqliteJournal {
    db: Db,
    store: Store,
    _lock: FolderLock,
}

impl Store {
    /// The journal of the folder's cloud.
    ///
    /// # Errors
    /// `Served` when another process still has it at the end of the wait.
    pub fn journal(&self, wait: LockWait<'_>) -> Result<SqliteJournal, StoreError> {
        self.refuse_if_read_only()?;
        let lock = FolderLock::take_cloud(self.dir(), wait)?;
        Ok(SqliteJournal {
            db: Db::connect(self.dir(), Mode::Write)?,
            store: self.clone(),
            _lock: lock,
        })
    }
}

impl SqliteJournal {
    /// Keeps a change set, in one transaction.
    pub(crate) fn keep(&self, changes: &ChangeSet) -> Result<(), StoreError> {
        self.db.write(|db| {
            keep(db, changes)?;
            db.point(crash::CLOUD_BEFORE_COMMIT)
        })
    }
}

impl Journal for SqliteJournal {
    fn load(&mut self) -> Result<Kept, JournalError> {
        Ok(self.db.read(load)?)
    }

    fn commit(&mut self, changes: &ChangeSet) -> Result<(), JournalError> {
        self.keep(changes).map_err(told)?;
        // A test that lets this fail has a disk that wrote all and could not say so.
        self.db.point(crash::CLOUD_AFTER_COMMIT).map_err(|cause| {
            let path = self.store.dir().join(DATABASE);
            told(StoreError::UnknownFate { path, cause: cause.into() })
        })?;
        if changes.settings.iter().any(|(name, _)| name == FILES_GROUP_READABLE)
            && let Err(cause) = self.store.apply_modes()
        {
            // The next writer of the lake does it again.
            warn!(%cause, "`{FILES_GROUP_READABLE}` is not in force everywhere yet: {cause}");
        }
        Ok(())
    }
}

/// An error as whoever has the cloud in memory must know it.
fn told(error: StoreError) -> JournalError {
    match error {
        StoreError::UnknownFate { .. } => Box::new(UnknownFate(error.into())),
        other => other.into(),
    }
}

fn load(db: &Db) -> Result<Kept, StoreError> {
    checksums::refuse_damaged(db, checksums::OF_A_CLOUD)?;
    let mut rows = Vec::new();
    db.for_each(sql::platform::THINGS, [], |row| {
        let (mut thing, body) = thing(row).map_err(|e| db.damaged(e.to_string()))?;
        thing.values = body::decode(&body)
            .map_err(|e| db.damaged(format!("the thing {} cannot be read: {e}", thing.id)))?;
        rows.push(thing);
        Ok(())
    })?;
    // Ids above 2^63 are negative in SQLite and so come first.
    rows.sort_unstable_by_key(|thing| thing.id);
    let settings = db.rows(sql::settings::ALL_VALUES, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Kept { rows, settings, numbers: numbers(db)?, ledger: entries(db)? })
}

/// Numbers of the cloud itself.
pub(crate) fn numbers(db: &Db) -> Result<Vec<(String, i64)>, StoreError> {
    db.rows(sql::platform::NUMBERS, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The whole ledger.
pub(crate) fn entries(db: &Db) -> Result<Vec<LedgerEntry>, StoreError> {
    db.rows(sql::platform::LEDGER, [], ledger_entry)
}

impl Store {
    /// Everything that the folder's cloud has kept, without taking the cloud.
    ///
    /// # Errors
    /// `DatabaseDamaged` with the row that cannot be read or is not what was written.
    pub fn kept(&self) -> Result<Kept, StoreError> {
        self.db()?.read(load)
    }

    /// Reads the ledger: the real use in the folder's cloud, as the cloud itself saw it.
    pub fn ledger(&self) -> Result<Vec<LedgerEntry>, StoreError> {
        entries(&*self.db()?)
    }
}

fn ledger_entry(row: &Row<'_>) -> rusqlite::Result<LedgerEntry> {
    let bytes = (number(row, 13)?, number(row, 14)?);
    Ok(LedgerEntry {
        number: unsigned(row, 0)?,
        thing: unsigned(row, 1)?,
        what: Use {
            usage_type: UsageTypeId(row.get(2)?),
            account: unsigned(row, 3)?.into(),
            zone: row.get::<_, Option<i64>>(4)?.map_or(ZoneId::NONE, ZoneId::from_source),
            resource: unsigned(row, 5)?.into(),
            nic: unsigned(row, 6)?.into(),
            offering: number(row, 7)?.map(Into::into),
            template: number(row, 8)?.map(Into::into),
            size: number(row, 9)?,
            network: NetworkId(unsigned(row, 10)?),
        },
        start: at(row, 11)?,
        end: instant(row, 12)?,
        bytes: bytes.0.zip(bytes.1),
    })
}

fn put_ledger_entry(db: &Db, entry: &LedgerEntry) -> Result<(), StoreError> {
    let LedgerEntry { number, thing, what, start, end, bytes } = entry;
    let params = params![
        number.cast_signed(),
        thing.cast_signed(),
        what.usage_type.0,
        what.account.0.cast_signed(),
        signed(what.zone.number()),
        what.resource.0.cast_signed(),
        what.nic.0.cast_signed(),
        what.offering.map(|id| id.0.cast_signed()),
        what.template.map(|id| id.0.cast_signed()),
        signed(what.size),
        what.network.0.cast_signed(),
        start.as_millis(),
        end.map(Instant::as_millis),
        signed(bytes.map(|(sent, _)| sent)),
        signed(bytes.map(|(_, received)| received)),
    ];
    db.execute(sql::platform::PUT_LEDGER_ENTRY, params).map(drop)
}

/// A thing without its attributes, and their text.
pub(crate) fn thing(row: &Row<'_>) -> rusqlite::Result<(Thing, String)> {
    let thing = Thing {
        id: unsigned(row, 0)?,
        kind: row.get::<_, String>(1)?.into(),
        uuid: u128::from_be_bytes(row.get(2)?),
        owner: number(row, 3)?,
        state: row.get::<_, String>(4)?.into(),
        created: at(row, 5)?,
        removed: instant(row, 6)?,
        values: Vec::new(),
    };
    Ok((thing, row.get(7)?))
}

fn keep(db: &Db, changes: &ChangeSet) -> Result<(), StoreError> {
    let ChangeSet { rows, erased, usage, samples, accounts, settings, numbers, ledger } = changes;
    for id in erased {
        db.execute(sql::platform::ERASE, params![id.cast_signed()])?;
    }
    for thing in rows {
        if thing.kind == USER {
            follow_admin_keys(db, thing)?;
        }
        put(db, thing)?;
    }
    for (name, value) in settings {
        set(db, name, value.as_deref())?;
    }
    for (name, value) in numbers {
        db.execute(sql::platform::PUT_NUMBER, params![name, value])?;
    }
    for event in usage {
        tell_event(db, event)?;
    }
    for sample in samples {
        tell_sample(db, sample)?;
    }
    for account in accounts {
        tell_account(db, account)?;
    }
    for entry in ledger {
        put_ledger_entry(db, entry)?;
    }
    Ok(())
}

fn put(db: &Db, thing: &Thing) -> Result<(), StoreError> {
    let params = params![
        thing.id.cast_signed(),
        thing.kind.as_str(),
        thing.uuid.to_be_bytes(),
        thing.owner.map(u64::cast_signed),
        thing.state.as_str(),
        thing.created.as_millis(),
        thing.removed.map(Instant::as_millis),
        body::encode(&thing.values),
    ];
    db.execute(sql::platform::PUT, params).map(drop)
}

/// The user who holds the root admin's keys goes on holding them when the cloud
/// gives it new ones, so that `cloudtally keys` shows what is in force.
fn follow_admin_keys(db: &Db, user: &Thing) -> Result<(), StoreError> {
    let Some(new) = keys(&user.values) else { return Ok(()) };
    let admin: Option<(String, String)> =
        db.row(sql::settings::ADMIN_KEYS, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(admin) = admin.filter(|admin| (admin.0.as_str(), admin.1.as_str()) != new) else {
        return Ok(());
    };
    let id = params![user.id.cast_signed()];
    let before: Option<String> = db.row(sql::platform::BODY, id, |row| row.get(0))?;
    let Some(before) = before else { return Ok(()) };
    let before = body::decode(&before)
        .map_err(|e| db.damaged(format!("the thing {} cannot be read: {e}", user.id)))?;
    if keys(&before) == Some((&admin.0, &admin.1)) {
        db.execute(sql::settings::SET_ADMIN_KEYS, params![new.0, new.1])?;
    }
    Ok(())
}

fn keys(values: &[(Text, Value)]) -> Option<(&str, &str)> {
    let text = |wanted: &str| {
        values.iter().find_map(|(name, value)| match value {
            Value::Text(text) if name == wanted => Some(text.as_str()),
            _ => None,
        })
    };
    Some((text(API_KEY)?, text(SECRET_KEY)?))
}

/// Sets a setting; how time is cut stays once a period is published.
fn set(db: &Db, name: &str, value: Option<&str>) -> Result<(), StoreError> {
    let current: Option<String> = db.row(sql::settings::VALUE, params![name], |row| row.get(0))?;
    if current.as_deref() == value {
        return Ok(());
    }
    if matches!(name, AGGREGATION_TIMEZONE | AGGREGATION_RANGE)
        && let Some(published) = db.row(sql::periods::ANY, [], |row| period(row, 0))?
    {
        return Err(StoreError::SettingFixed {
            name: name.to_owned(),
            current: current.unwrap_or_else(|| "the default".to_owned()),
            value: value.unwrap_or("the default").to_owned(),
            published,
        });
    }
    match value {
        Some(value) => db.execute(sql::settings::SET, params![name, value]).map(drop),
        None => db.execute(sql::settings::CLEAR, params![name]).map(drop),
    }
}

fn signed(id: Option<impl Into<u64>>) -> Option<i64> {
    id.map(|id| id.into().cast_signed())
}

fn text(text: &Option<Text>) -> Option<&str> {
    text.as_deref()
}

fn tell_event(db: &Db, event: &UsageEvent) -> Result<(), StoreError> {
    let params = params![
        event.id.0.cast_signed(),
        event.event_type.as_str(),
        event.created.as_millis(),
        event.account.0.cast_signed(),
        signed(event.zone.number()),
        event.resource.0.cast_signed(),
        text(&event.resource_name),
        event.offering.map(|id| id.0.cast_signed()),
        event.template.map(|id| id.0.cast_signed()),
        signed(event.size),
        signed(event.virtual_size),
        text(&event.resource_type),
    ];
    db.execute(sql::platform::TELL_EVENT, params).map(drop)
}

fn tell_sample(db: &Db, sample: &NetworkSample) -> Result<(), StoreError> {
    let series = &sample.series;
    let params = params![
        sample.sampled.as_millis(),
        series.account.0.cast_signed(),
        signed(series.zone.number()),
        series.device_type.as_name(),
        series.device.cast_signed(),
        series.network.0.cast_signed(),
        text(&series.address),
        sample.bytes_sent.cast_signed(),
        sample.bytes_received.cast_signed(),
        sample.restarted,
    ];
    db.execute(sql::platform::TELL_SAMPLE, params).map(drop)
}

fn tell_account(db: &Db, account: &Account) -> Result<(), StoreError> {
    let params = params![
        account.id.0.cast_signed(),
        account.name.as_str(),
        text(&account.uuid),
        account.account_type.map(|t| t.number().cast_signed()),
        account.domain.map(|id| id.0.cast_signed()),
        text(&account.domain_path),
        text(&account.state),
        account.created.map(Instant::as_millis),
        account.removed.map(Instant::as_millis),
    ];
    db.execute(sql::platform::TELL_ACCOUNT, params).map(drop)
}
