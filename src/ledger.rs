//! The bill of our own cloud beside what its tenants really had.
//!
//! The simulated cloud keeps a ledger below its usage events, from what hosts,
//! pools and routers really did. It shares nothing with ingest and aggregation, so
//! where both agree to the millisecond and the byte, nothing was lost on the way
//! and nothing billed twice.

use std::collections::BTreeMap;

use cloudtally_model::{
    Instant, SourceName, Text, UsageTypeId, port::Use, usage_type, usage_types,
};
use cloudtally_oracle::{BillLine, Window, ledger_bill};
use cloudtally_store::Store;

use crate::{
    console::{self, grouped, table},
    failure::Failure,
};

/// Bytes are summed over days: a job that runs late bills them with its last day.
type Key = (Text, Use);

/// The two sides, and where they differ.
pub(crate) struct Comparison {
    /// By usage type: what was billed and what was had, in milliseconds or bytes.
    pub(crate) totals: BTreeMap<u16, (i128, i128)>,
    /// Lines that are not the same on both sides, for people.
    pub(crate) differences: Vec<String>,
    /// Lines that were compared.
    pub(crate) lines: usize,
}

/// Holds what is published of our own cloud against its ledger; none if there is
/// nothing of either.
pub(crate) fn compare(store: &Store) -> Result<Option<Comparison>, Failure> {
    // The bill first: the cloud may live on meanwhile, and what was billed stays had.
    let snapshot = store.snapshot()?;
    let entries = store.ledger()?;
    let Some(published_end) = snapshot.published_end() else { return Ok(None) };
    if entries.is_empty() {
        return Ok(None);
    }
    // 1. What was billed.
    let calendar = store.calendar()?;
    let own = own_cloud()?;
    let mut sides: BTreeMap<Key, (i128, i128)> = BTreeMap::new();
    for known in &snapshot.periods {
        let day: Text = calendar.date_of(known.period.start).to_string().into();
        for record in store.read_records(known, &snapshot.sources)? {
            if *snapshot.sources.name(record.source) == own {
                // What was adjusted was had on the day that is corrected.
                let corrected = record.corrects.map(|at| calendar.date_of(at).to_string().into());
                let day = corrected.as_ref().unwrap_or(&day);
                let key = (day_of(day, record.usage_type), Use::from(&record));
                sides.entry(key).or_default().0 += i128::from(record.quantity);
            }
        }
    }
    // 2. What was had. What lasts has lasted until now, whatever was billed.
    let zone = calendar.zone().name();
    let until = published_end.min(console::present(store)?);
    let bill = ledger_bill(&entries, zone, Window { start: Instant::EPOCH, end: until });
    for BillLine { day, what, quantity } in bill.map_err(|error| Failure::Failed(error.into()))? {
        let key = (day_of(&day, what.usage_type), what);
        sides.entry(key).or_default().1 += i128::from(quantity);
    }
    // 3. Both beside each other.
    let mut comparison =
        Comparison { totals: BTreeMap::new(), differences: Vec::new(), lines: sides.len() };
    for ((day, what), (billed, had)) in sides {
        let total = comparison.totals.entry(what.usage_type.0).or_default();
        total.0 += billed;
        total.1 += had;
        if billed != had {
            let name = usage_type(what.usage_type).map_or("", |row| row.description);
            comparison.differences.push(format!(
                "{day} account {} {name} of {}: billed {billed}, had {had}",
                what.account, what.resource
            ));
        }
    }
    Ok(Some(comparison))
}

/// The source of the events of our own cloud.
pub(crate) fn own_cloud() -> Result<SourceName, Failure> {
    SourceName::new(SourceName::PLATFORM).map_err(|error| Failure::usage(error.to_string()))
}

/// Bytes have no day of their own.
fn day_of(day: &Text, usage_type: UsageTypeId) -> Text {
    if usage_type.is_bytes() { Text::default() } else { day.clone() }
}

/// Prints the bill beside the ledger.
pub(crate) fn print(comparison: &Comparison) {
    let mut output = table(&["usage type", "billed", "had", "difference"], &[1, 2, 3]);
    for row in usage_types() {
        let Some((billed, had)) = comparison.totals.get(&row.id.0) else { continue };
        let [billed, had, difference] =
            [*billed, *had, (billed - had).abs()].map(|number| grouped(&number.to_string()));
        output.add_row([format!("{:>2} {}", row.id.0, row.description), billed, had, difference]);
    }
    println!("{output}");
    println!(
        "{} lines compared, {} differ (milliseconds and bytes)",
        comparison.lines,
        comparison.differences.len()
    );
}
