//! What the ledger adds up to: exact quantities by local day, to be held against
//! usage records.
//!
//! The days are cut by the calendar of the answer key ([`crate::bulk`]), on purpose
//! not by that of the aggregation.

use std::collections::BTreeMap;

use cloudtally_model::{
    Instant, Text, UsageTypeId,
    port::{LedgerEntry, Use},
};
use thiserror::Error;

use super::Ledger;
use crate::bulk::{LocalDay, OptionsError, Window, local_days};

/// What one usage record must say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The local day, `2026-01-31`.
    pub day: Text,
    /// What was used, and by whom.
    pub what: Use,
    /// Milliseconds; bytes for types 4 and 5.
    pub quantity: u64,
}

/// Why there is no bill.
#[derive(Debug, Error)]
#[error("the ledger cannot be cut into days")]
pub struct BillError(#[from] OptionsError);

impl Ledger {
    /// What was used from `from` until before `to`, by day of a time zone; use that
    /// lasts counts up to `to`. Sorted by day and key, each pair once.
    ///
    /// Types 4 and 5 come together or, where both are zero, not at all; bytes counted
    /// exactly at a midnight belong to the day that ends there. Other uses of no
    /// length are left out, but for images of size 0, which are there with 0.
    ///
    /// # Errors
    /// If there is no such time zone.
    pub fn bill(&self, zone: &str, from: Instant, to: Instant) -> Result<Vec<Line>, BillError> {
        let days = local_days(zone, Window { start: from, end: to })?;
        let mut sums: BTreeMap<(usize, Use), u64> = BTreeMap::new();
        for entry in self.entries() {
            match entry.bytes {
                Some(bytes) => add_bytes(&mut sums, &days, entry, bytes, (from, to)),
                None => add_time(&mut sums, &days, entry, (from, to)),
            }
        }
        let line = |((day, what), quantity): ((usize, Use), u64)| Line {
            day: days[day].name.clone(),
            what,
            quantity,
        };
        Ok(sums.into_iter().map(line).collect())
    }
}

fn add_bytes(
    sums: &mut BTreeMap<(usize, Use), u64>,
    days: &[LocalDay],
    entry: &LedgerEntry,
    (sent, received): (u64, u64),
    (from, to): (Instant, Instant),
) {
    let Some(at) = entry.end.filter(|at| *at > from && *at <= to) else { return };
    if sent == 0 && received == 0 {
        return;
    }
    let day = days.partition_point(|day| day.end < at);
    for (usage_type, bytes) in [
        (UsageTypeId::NETWORK_BYTES_SENT, sent),
        (UsageTypeId::NETWORK_BYTES_RECEIVED, received),
    ] {
        *sums.entry((day, Use { usage_type, ..entry.what })).or_default() += bytes;
    }
}

fn add_time(
    sums: &mut BTreeMap<(usize, Use), u64>,
    days: &[LocalDay],
    entry: &LedgerEntry,
    (from, to): (Instant, Instant),
) {
    let (start, end) = (entry.start.max(from), entry.end.unwrap_or(to).min(to));
    let holds_nothing = matches!(entry.what.usage_type, UsageTypeId::TEMPLATE | UsageTypeId::ISO)
        && entry.what.size == Some(0);
    let first = days.partition_point(|day| day.end <= start);
    for (at, day) in days.iter().enumerate().skip(first) {
        let (start, end) = (start.max(day.start), end.min(day.end));
        if start >= end {
            break;
        }
        let length_ms = if holds_nothing { 0 } else { end.since(start).0.unsigned_abs() };
        *sums.entry((at, entry.what)).or_default() += length_ms;
    }
}
