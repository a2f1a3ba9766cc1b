//! Archived events of the simulated cloud, which `prune` lets go of.
//!
//! They are rows of the cloud, so whoever removes them must have the cloud: a server that holds it
//! in memory would write them again.

use cloudtally_model::{
    Instant,
    port::{ChangeSet, Value},
};
use rusqlite::params;

use crate::{
    LockWait, Store, StoreError, body,
    catalogue::{checksums, sql},
    journal,
};

/// The attribute of an event that is archived.
const ARCHIVED: &str = "archived";

impl Store {
    /// Ids of the archived events of the simulated cloud from before an instant, in order.
    ///
    /// # Errors
    /// `DatabaseDamaged` if an event is not what was written.
    pub fn archived_events(&self, before: Instant) -> Result<Vec<u64>, StoreError> {
        self.db()?.read(|db| {
            checksums::refuse_damaged(db, checksums::OF_A_CLOUD)?;
            let mut archived = Vec::new();
            db.for_each(sql::platform::EVENTS_BEFORE, params![before.as_millis()], |row| {
                let (event, text) = journal::thing(row).map_err(|e| db.damaged(e.to_string()))?;
                let values = body::decode(&text).map_err(|e| {
                    db.damaged(format!("the thing {} cannot be read: {e}", event.id))
                })?;
                if values
                    .iter()
                    .any(|(name, value)| name == ARCHIVED && *value == Value::Bool(true))
                {
                    archived.push(event.id);
                }
                Ok(())
            })?;
            archived.sort_unstable();
            Ok(archived)
        })
    }

    /// Removes those events; returns their number.
    ///
    /// # Errors
    /// `Served` while another process has the cloud.
    pub fn remove_archived_events(
        &self,
        before: Instant,
        wait: LockWait<'_>,
    ) -> Result<u64, StoreError> {
        let journal = self.journal(wait)?;
        let erased = self.archived_events(before)?;
        let count = erased.len() as u64;
        if count > 0 {
            journal.keep(&ChangeSet { erased, ..ChangeSet::default() })?;
        }
        Ok(count)
    }
}
