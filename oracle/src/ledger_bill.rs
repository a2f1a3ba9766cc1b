//! The sum of a ledger: exact quantities by local day, to be held against usage
//! records.
//!
//! The days are cut by the second calendar ([`local_days`]), on purpose not by that of
//! the aggregation.

use std::collections::BTreeMap;

use cloudtally_model::{
    Instant, Text, UsageTypeId,
    port::{LedgerEntry, Use},
};
use thiserror::Error;

use crate::days::{LocalDay, UnknownTimeZone, Window, local_days};

/// One line of a bill: the quantity that one usage record must say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BillLine {
    /// The local day, `2026-01-31`.
    pub day: Text,
    /// The thing used, and who pays.
    pub what: Use,
    /// Milliseconds; bytes for types 4 and 5.
    pub quantity: u64,
}

/// The cause for which there is no bill.
#[derive(Debug, Error)]
#[error("the ledger cannot be cut into days")]
pub struct BillError(#[from] UnknownTimeZone);

/// Sums the entries of a ledger by day of a time zone, inside a window; use that
/// lasts counts up to the window's end. Sorted by day and key, each pair once.
///
/// Types 4 and 5 come together or, where both are zero, not at all; bytes counted
/// exactly at a midnight belong to the day that ends there. Other uses of no
/// length are left out, but for images of size 0, which are there with 0.
///
/// # Errors
/// If there is no such time zone.
pub fn ledger_bill<'a>(
    entries: impl IntoIterator<Item = &'a LedgerEntry>,
    zone: &str,
    window: Window,
) -> Result<Vec<BillLine>, BillError> {
    let days = local_days(zone, window)?;
    let mut sums: BTreeMap<(usize, Use), u64> = BTreeMap::new();
    for entry in entries {
        match entry.bytes {
            Some(bytes) => add_bytes(&mut sums, &days, entry, bytes, window),
            None => add_time(&mut sums, &days, entry, window),
        }
    }
    let line = |((day, what), quantity): ((usize, Use), u64)| BillLine {
        day: days[day].name.clone(),
        what,
        quantity,
    };
    Ok(sums.into_iter().map(line).collect())
}

fn add_bytes(
    sums: &mut BTreeMap<(usize, Use), u64>,
    days: &[LocalDay],
    entry: &LedgerEntry,
    (sent, received): (u64, u64),
    window: Window,
) {
    let is_inside = |at: &Instant| *at > window.start && *at <= window.end;
    let Some(at) = entry.end.filter(is_inside) else { return };
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
    window: Window,
) {
    let start = entry.start.max(window.start);
    let end = entry.end.unwrap_or(window.end).min(window.end);
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
        let entries: Vec<LedgerEntry> = entries.into_iter().collect();
        let start = Instant::parse("2026-03-07 05:00:00").unwrap();
        let window = Window { start, end: Instant::parse(to).unwrap() };
        let lines = ledger_bill(&entries, "America/New_York", window).unwrap();
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
