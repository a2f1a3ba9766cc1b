//! The folder as it is, or as it was shown at an instant.
//!
//! Whoever shows records asks a view: what it answers of an instant is what the same
//! question was answered then. A view of the present is the folder itself.

use std::sync::Arc;

use cloudtally_model::Instant;

use crate::{
    Accounts, RecordFilter, RecordSet, RecordWindow, Snapshot, Store, StoreError,
    catalogue::{checksums, history, load},
};

/// A folder as it is now, or as it was shown at an instant.
#[derive(Clone, Debug)]
pub struct View {
    store: Store,
    as_of: Option<Instant>,
}

impl Store {
    /// The folder as it is now, or as it was at an instant; `present` is the clock of what is
    /// billed in it.
    ///
    /// # Errors
    /// `AsOfAhead` if the instant has not come; `AsOfUnknown` if the folder is older than its
    /// memory, and the instant lies before that begins.
    pub fn view(&self, as_of: Option<Instant>, present: Instant) -> Result<View, StoreError> {
        if let Some(at) = as_of {
            if at > present {
                return Err(StoreError::AsOfAhead { at, present });
            }
            self.db()?.read(|db| history::refuse_unknown(db, at))?;
        }
        Ok(View { store: self.clone(), as_of })
    }

    /// The folder as it is now.
    pub fn current(&self) -> View {
        View { store: self.clone(), as_of: None }
    }
}

impl View {
    /// The folder.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The instant; `None` is now.
    pub fn as_of(&self) -> Option<Instant> {
        self.as_of
    }

    /// The records of a window.
    pub fn records(
        &self,
        window: RecordWindow,
        filter: &RecordFilter,
    ) -> Result<RecordSet, StoreError> {
        let Some(at) = self.as_of else { return self.store.records(window, filter) };
        let (periods, sources) = self.store.db()?.read(|db| {
            let bounds = (window.from, window.to);
            Ok((history::periods_in(db, bounds, at)?, load::sources(db)?))
        })?;
        self.store.set_of(periods, sources, filter)
    }

    /// The account dimension.
    pub fn accounts(&self) -> Result<Arc<Accounts>, StoreError> {
        let accounts = self.store.accounts()?;
        let Some(at) = self.as_of else { return Ok(accounts) };
        let before = self.store.db()?.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_CHANGES)?;
            accounts.before_changes(db, at)
        })?;
        Ok(before.map_or(accounts, Arc::new))
    }

    /// The content of the folder: of an instant, the periods with their generations and inputs of
    /// then, and no stretches. Generations whose inputs are not known are left out.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let Some(at) = self.as_of else { return self.store.snapshot() };
        self.store.db()?.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_A_SNAPSHOT)?;
            history::snapshot(db, at)
        })
    }
}
