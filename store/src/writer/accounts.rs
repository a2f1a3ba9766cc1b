//! The account dimension: inserted, updated, and every change of a removal logged.

use cloudtally_model::{Account, Instant, SourceName};
use rusqlite::params;

use super::{Writer, next_numbers, noted, quarantine::set_aside, save_run, source_id};
use crate::{
    IngestRun, QuarantinedRow, StoreError,
    catalogue::{accounts, sql},
    crash,
};

impl Writer {
    /// Inserts new accounts and updates changed ones, with the rows set aside and the
    /// run's counters, all or nothing. A changed `removed` is logged; a new account
    /// that is removed already counts as changed from "not removed".
    ///
    /// Keeps the earlier row of an account with the instant of the change: the start of the
    /// run. Returns how many were equal to what was there.
    pub fn upsert_accounts(
        &self,
        source: &SourceName,
        accounts: &[Account],
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<u64, StoreError> {
        let at = Instant::from_millis(run.started_ms);
        self.upsert_accounts_at(source, accounts, quarantined, run, at)
    }

    /// Does the same at another instant, by the clock that the folder's bill goes by.
    pub fn upsert_accounts_at(
        &self,
        source: &SourceName,
        accounts: &[Account],
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
        at: Instant,
    ) -> Result<u64, StoreError> {
        let db = self.db()?;
        let (run_id, equal) = db.write(|db| {
            let source_id = source_id(db, source)?;
            let at = noted(db, at)?;
            let mut equal = 0;
            for account in accounts {
                let stored = accounts::stored(db, source_id, account.id)?;
                if stored.as_ref() == Some(account) {
                    equal += 1;
                    continue;
                }
                accounts::put(db, source_id, account)?;
                accounts::log_change(db, at, (source_id, account.id), stored.as_ref())?;
                let before = stored.and_then(|stored| stored.removed);
                if before != account.removed {
                    let millis = |instant: Option<Instant>| instant.map(Instant::as_millis);
                    let id = account.id.0.cast_signed();
                    let params = params![source_id, id, millis(before), millis(account.removed)];
                    db.execute(sql::accounts::LOG_REMOVAL, params)?;
                }
            }
            if equal < accounts.len() as u64 {
                next_numbers(db, "accounts", 1)?;
            }
            set_aside(db, quarantined)?;
            let run_id = save_run(db, run)?;
            db.point(crash::ACCOUNTS_BEFORE_COMMIT)?;
            Ok((run_id, equal))
        })?;
        run.id = Some(run_id);
        db.point(crash::ACCOUNTS_AFTER_COMMIT)?;
        Ok(equal)
    }
}
