//! The account dimension: read whole, because every record shown needs a name.

use std::collections::BTreeMap;

use cloudtally_model::{Account, AccountId, AccountType, DomainId, Instant, SourceName, Text};
use rusqlite::{Row, params};

use super::{
    AccountRemoval,
    db::Db,
    load::{instant, number, source_name, text, unsigned},
    sql,
};
use crate::StoreError;

/// The account dimension, in memory.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    by_source: BTreeMap<SourceName, BTreeMap<AccountId, Account>>,
}

impl Accounts {
    /// The account of a source, if it has arrived.
    pub fn get(&self, source: &SourceName, id: AccountId) -> Option<&Account> {
        self.by_source.get(source)?.get(&id)
    }

    /// The name of an account as people are shown it: its id until it has arrived.
    pub fn shown_name(&self, source: &SourceName, id: AccountId) -> Text {
        self.get(source, id).map_or_else(|| id.to_string().into(), |account| account.name.clone())
    }

    /// All accounts, by source and id.
    pub fn iter(&self) -> impl Iterator<Item = (&SourceName, &Account)> {
        self.by_source
            .iter()
            .flat_map(|(source, accounts)| accounts.values().map(move |account| (source, account)))
    }

    /// The dimension as it was at an instant: the changes behind it undone, the latest first;
    /// `None` if there are none.
    pub(crate) fn before_changes(&self, db: &Db, at: Instant) -> Result<Option<Self>, StoreError> {
        let changes = db.rows(sql::accounts::CHANGES_AFTER, params![at.as_millis()], |row| {
            let id = AccountId(unsigned(row, 1)?);
            let was_there = row.get::<_, Option<String>>(2)?.is_some();
            let before = was_there.then(|| account(row, 2, id)).transpose()?;
            Ok((row.get::<_, String>(0)?, id, before))
        })?;
        if changes.is_empty() {
            return Ok(None);
        }
        let mut accounts = self.clone();
        for (name, id, before) in changes {
            let of_source = accounts.by_source.entry(source_name(db, &name)?).or_default();
            match before {
                Some(before) => of_source.insert(id, before),
                None => of_source.remove(&id),
            };
        }
        Ok(Some(accounts))
    }

    pub(crate) fn load(db: &Db) -> Result<Self, StoreError> {
        let mut accounts = Self::default();
        let mut last: Option<(String, SourceName)> = None;
        db.for_each(sql::accounts::ALL_ROWS, [], |row| {
            let read = || -> rusqlite::Result<_> {
                let id = AccountId(unsigned(row, 1)?);
                Ok((row.get::<_, String>(0)?, account(row, 2, id)?))
            };
            let (name, account) = read().map_err(|e| db.damaged(e.to_string()))?;
            let source = match &last {
                Some((text, source)) if *text == name => source.clone(),
                _ => source_name(db, &name)?,
            };
            last = Some((name, source.clone()));
            accounts.by_source.entry(source).or_default().insert(account.id, account);
            Ok(())
        })?;
        Ok(accounts)
    }
}

/// The stored account of a source.
pub(crate) fn stored(
    db: &Db,
    source_id: i64,
    id: AccountId,
) -> Result<Option<Account>, StoreError> {
    db.row(sql::accounts::ONE, params![source_id, id.0.cast_signed()], |row| account(row, 0, id))
}

/// Inserts an account or replaces what there was.
pub(crate) fn put(db: &Db, source_id: i64, account: &Account) -> Result<(), StoreError> {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.as_str().to_owned());
    db.execute(
        sql::accounts::PUT,
        params![
            source_id,
            account.id.0.cast_signed(),
            account.name.as_str(),
            text(&account.uuid),
            account.account_type.map(|t| t.number().cast_signed()),
            account.domain.map(|d| d.0.cast_signed()),
            text(&account.domain_path),
            text(&account.state),
            account.created.map(Instant::as_millis),
            account.removed.map(Instant::as_millis),
        ],
    )?;
    Ok(())
}

/// Keeps what the row of an account said until now; `None` if there was none.
pub(crate) fn log_change(
    db: &Db,
    at: Instant,
    (source_id, id): (i64, AccountId),
    before: Option<&Account>,
) -> Result<(), StoreError> {
    let text = |of: fn(&Account) -> Option<&Text>| before.and_then(of).map(Text::as_str);
    let millis = |of: fn(&Account) -> Option<Instant>| before.and_then(of).map(Instant::as_millis);
    db.execute(
        sql::accounts::LOG_CHANGE,
        params![
            at.as_millis(),
            source_id,
            id.0.cast_signed(),
            text(|account| Some(&account.name)),
            text(|account| account.uuid.as_ref()),
            before.and_then(|account| account.account_type).map(|t| t.number().cast_signed()),
            before.and_then(|account| account.domain).map(|domain| domain.0.cast_signed()),
            text(|account| account.domain_path.as_ref()),
            text(|account| account.state.as_ref()),
            millis(|account| account.created),
            millis(|account| account.removed),
        ],
    )
    .map(drop)
}

/// Every change of a removal instant, by `seq`.
pub(crate) fn removals(db: &Db) -> Result<Vec<AccountRemoval>, StoreError> {
    let rows = db.rows(sql::accounts::REMOVALS, [], |row| {
        let name: String = row.get(1)?;
        let account = AccountId(unsigned(row, 2)?);
        Ok((unsigned(row, 0)?, name, account, instant(row, 3)?, instant(row, 4)?))
    })?;
    rows.into_iter()
        .map(|(seq, name, account, before, after)| {
            Ok(AccountRemoval { seq, source: source_name(db, &name)?, account, before, after })
        })
        .collect()
}

/// Reads name to `removed`, beginning at column `first`.
pub(crate) fn account(row: &Row<'_>, first: usize, id: AccountId) -> rusqlite::Result<Account> {
    let text = |column: usize| text(row, first + column);
    Ok(Account {
        id,
        name: text(0)?.unwrap_or_default(),
        uuid: text(1)?,
        account_type: number(row, first + 2)?.map(AccountType::from_number),
        domain: number(row, first + 3)?.map(DomainId),
        domain_path: text(4)?,
        state: text(5)?,
        created: instant(row, first + 6)?,
        removed: instant(row, first + 7)?,
    })
}
