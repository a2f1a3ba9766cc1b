//! Brings a database of an earlier version up to date.

use std::{thread, time::Duration};

use super::{
    db::{Db, known_version},
    relocate,
    sql::{self, MIGRATIONS},
};
use crate::{StoreError, crash};

/// Brings the schema up to date. Safe when several processes open at once.
pub(crate) fn migrate(db: &Db) -> Result<(), StoreError> {
    if db.schema_version()? == known_version() {
        return Ok(());
    }
    use_wal(db)?;
    db.write(|db| {
        // Another process may have been here since we looked.
        let from = db.schema_version()?;
        for (version, migration) in (1..).zip(MIGRATIONS).skip_while(|(v, _)| *v <= from) {
            if version == relocate::GENERATIONS_APART
                && let Some(dir) = db.path().parent()
            {
                relocate::link_generations(db, dir)?;
            }
            db.batch(migration)?;
            db.set_schema_version(version)?;
        }
        db.batch(sql::connection::SET_APPLICATION_ID)?;
        db.point(crash::MIGRATION_BEFORE_COMMIT)
    })?;
    db.point(crash::MIGRATION_AFTER_COMMIT)
}

/// Switches the journal to WAL. Changing its mode does not wait for other connections by
/// itself.
fn use_wal(db: &Db) -> Result<(), StoreError> {
    const TRIES: u32 = 200;
    for left in (0..TRIES).rev() {
        let mode: Option<String> = db.row(sql::connection::JOURNAL_MODE, [], |row| row.get(0))?;
        if mode.as_deref() == Some("wal") {
            break;
        }
        match db.row(sql::connection::USE_WAL, [], |row| row.get::<_, String>(0)) {
            Err(StoreError::DatabaseBusy { .. }) if left > 0 => {
                thread::sleep(Duration::from_millis(10));
            }
            result => drop(result?),
        }
    }
    Ok(())
}
