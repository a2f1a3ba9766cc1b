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
    for (usage_type, bytes) in
        [(UsageTypeId::NETWORK_BYTES_SENT, sent), (UsageTypeId::NETWORK_BYTES_RECEIVED, received)]
    {
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

#[cfg(test)]
mod tests {
    use cloudtally_model::{NetworkId, NicId, ZoneId};

    use super::*;

    fn entry(number: u64, size: u64, start: &str, end: Option<&str>) -> LedgerEntry {
        LedgerEntry {
            number,
            thing: 9,
            what: Use {
                usage_type: UsageTypeId::TEMPLATE,
                account: 2.into(),
                zone: ZoneId::from_source(1),
                resource: 9.into(),
                nic: NicId(0),
                offering: None,
                template: None,
                size: Some(size),
                network: NetworkId(0),
            },
            start: Instant::parse(start).unwrap(),
            end: end.map(|end| Instant::parse(end).unwrap()),
            bytes: None,
        }
    }

    fn days(entries: impl IntoIterator<Item = LedgerEntry>, to: &str) -> Vec<(String, u64)> {
        let mut ledger = Ledger::default();
        for entry in entries {
            ledger.put(entry.number, Some(entry));
        }
        let from = Instant::parse("2026-03-07 05:00:00").unwrap();
        let lines = ledger.bill("America/New_York", from, Instant::parse(to).unwrap()).unwrap();
        lines.into_iter().map(|line| (line.day.to_string(), line.quantity)).collect()
    }

    #[test]
    fn days_are_as_long_as_the_zone_has_them() {
        let hours = 3_600_000;
        // From noon on the 7th, over the 8th with its 23 hours, to the end of the bill.
        let open = entry(1, 5, "2026-03-07 17:00:00", None);
        let bill = days([open], "2026-03-09 16:00:00");
        let expected = [("2026-03-07", 12), ("2026-03-08", 23), ("2026-03-09", 12)];
        assert_eq!(bill, expected.map(|(day, h)| (day.to_owned(), h * hours)));
    }

    #[test]
    fn stretches_of_one_key_and_day_are_one_line_and_nothing_is_billed_as_nothing() {
        let first = entry(1, 5, "2026-03-06 00:00:00", Some("2026-03-07 05:00:01"));
        let second = entry(2, 5, "2026-03-07 06:00:00", Some("2026-03-07 06:00:02"));
        assert_eq!(
            days([first, second], "2026-03-09 00:00:00"),
            [("2026-03-07".to_owned(), 3_000)]
        );
        let metal = entry(1, 0, "2026-03-07 17:00:00", Some("2026-03-07 18:00:00"));
        assert_eq!(days([metal], "2026-03-09 00:00:00"), [("2026-03-07".to_owned(), 0)]);
    }

    #[test]
    fn bytes_counted_on_a_midnight_are_of_the_day_that_ends_there() {
        let count = |at: &str| LedgerEntry { bytes: Some((100, 0)), ..entry(1, 5, at, Some(at)) };
        let both = |day: &str| [(day.to_owned(), 100), (day.to_owned(), 0)];
        let bill = |at: &str| days([count(at)], "2026-03-10 04:00:00");
        assert_eq!(bill("2026-03-08 05:00:00"), both("2026-03-07"));
        assert_eq!(bill("2026-03-08 05:00:00.001"), both("2026-03-08"));
        assert_eq!(bill("2026-03-07 05:00:00"), []);
    }
}
