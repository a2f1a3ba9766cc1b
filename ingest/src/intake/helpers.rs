//! Rows of tables beside the three streams: paths of domains, accounts of addresses, zones.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use cloudtally_model::{Account, Text};

use super::shape::Helper;
use crate::{
    border::{Addresses, Zones},
    dump::DumpRow,
    table::Kind,
    value::{RawValue, Reason, is_absent, to_unsigned},
};

/// Rows of one helping table that are kept; more are damage or an attack.
const ROWS_MAX: usize = 4_000_000;

/// The facts that the helping tables of a run have told so far.
#[derive(Debug, Default)]
pub(super) struct Helpers {
    domains: HashMap<u64, Text>,
    addresses: Addresses,
    zones: HashSet<u64>,
    stores: HashMap<u64, Option<u64>>,
    /// True if zones or stores came since they were taken.
    is_zone_new: bool,
}

/// The cells of a row by the columns of its helping table.
pub(super) struct HelperRow<'a> {
    pub(super) row: DumpRow<'a>,
    pub(super) positions: &'a [Option<usize>],
}

impl<'a> HelperRow<'a> {
    pub(super) fn value(&self, column: usize) -> RawValue<'a> {
        let cell = self.positions[column].and_then(|position| self.row.cells.get(position));
        cell.map_or(RawValue::Absent, RawValue::Text)
    }

    pub(super) fn unsigned(&self, column: usize) -> Result<u64, Reason> {
        to_unsigned(self.value(column))
    }

    pub(super) fn unsigned_if_any(&self, column: usize) -> Result<Option<u64>, Reason> {
        let value = self.value(column);
        if is_absent(Kind::Unsigned, value) { Ok(None) } else { to_unsigned(value).map(Some) }
    }
}

impl Helpers {
    /// Takes a row of a table that tells about others.
    pub(super) fn take(&mut self, helper: Helper, row: &HelperRow<'_>) -> Result<(), Reason> {
        let id = row.unsigned(0)?;
        let held = self.domains.len() + self.addresses.len() + self.zones.len() + self.stores.len();
        if held >= ROWS_MAX {
            return Err(format!("more than {ROWS_MAX} rows of such tables are not kept"));
        }
        match helper {
            Helper::Domains => {
                let path = crate::value::to_str(row.value(1))?;
                self.domains.insert(id, Text::from(&*path));
            }
            Helper::Addresses => {
                if let Some(account) = row.unsigned_if_any(1)? {
                    self.addresses.insert(id, account);
                }
            }
            Helper::Zones => self.is_zone_new |= self.zones.insert(id),
            Helper::Stores => {
                self.stores.insert(id, row.unsigned_if_any(1)?);
                self.is_zone_new = true;
            }
            Helper::Series | Helper::SeriesLog => {}
        }
        Ok(())
    }

    /// The zones, if some came since the last time.
    pub(super) fn new_zones(&mut self) -> Option<Zones> {
        mem::take(&mut self.is_zone_new)
            .then(|| Zones { zones: self.zones.clone(), stores: self.stores.clone() })
    }

    pub(super) fn addresses(&mut self) -> Addresses {
        mem::take(&mut self.addresses)
    }

    /// Gives an account the path of its domain.
    pub(super) fn complete(&self, account: &mut Account) {
        if account.domain_path.is_none() {
            let path = account.domain.and_then(|domain| self.domains.get(&domain.0));
            account.domain_path = path.cloned();
        }
    }
}
