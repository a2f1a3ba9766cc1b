//! Accounts, which may change.

use std::collections::HashMap;

use cloudtally_model::{Account, AccountId, Instant, SourceName, row_index, row_numbers};
use cloudtally_store::{IngestRun, QuarantinedRow, StoreError, Writer};

use super::{Keeper, Known, Verdicts};

/// Accounts: identity is the id, and a different account replaces the one before.
pub(crate) struct AccountKeeper<'a> {
    writer: &'a Writer,
    source: SourceName,
    known: HashMap<AccountId, Account>,
    /// The present of the folder's bill.
    now: Instant,
}

impl<'a> AccountKeeper<'a> {
    /// `now` is the clock, where the folder's cloud has none of its own.
    pub(crate) fn new(
        writer: &'a Writer,
        source: &SourceName,
        now: Instant,
    ) -> Result<Self, StoreError> {
        let now = writer.simulated_clock()?.unwrap_or(now);
        let accounts = writer.accounts()?;
        let of_source = accounts.iter().filter(|(of, _)| *of == source);
        let known = of_source.map(|(_, account)| (account.id, account.clone())).collect();
        Ok(Self { writer, source: source.clone(), known, now })
    }
}

impl Keeper<Account> for AccountKeeper<'_> {
    fn judge(&mut self, rows: &Vec<Account>) -> Result<Verdicts, StoreError> {
        let mut verdicts = Verdicts::default();
        for (row, account) in row_numbers(rows.len()).into_iter().zip(rows) {
            if self.known.get(&account.id).is_some_and(|known| known == account) {
                verdicts.known.push((row, Known::Duplicate));
                continue;
            }
            self.known.insert(account.id, account.clone());
            verdicts.new.push(row);
        }
        Ok(verdicts)
    }

    fn append(
        &mut self,
        (rows, new): (&Vec<Account>, Vec<u32>),
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        let new: Vec<Account> = new.into_iter().map(|row| rows[row_index(row)].clone()).collect();
        self.writer.upsert_accounts_at(&self.source, &new, quarantined, run, self.now)?;
        Ok(())
    }
}
