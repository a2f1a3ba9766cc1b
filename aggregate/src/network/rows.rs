//! The records of a bill: series become rows of a period.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{
    AccountId, Instant, NetworkId, NicId, Period, ResourceId, SourceId, Text, UsageRecord,
    UsageTypeId, ZoneId,
};

use super::{
    Slot,
    series::{Bytes, Series},
};

/// The key of a row of the bill: a series but for its address. Rows of one type of use
/// are in this order in their period.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey<'a> {
    source: SourceId,
    account: AccountId,
    device: u64,
    zone: ZoneId,
    network: NetworkId,
    device_type: &'a str,
    start: Instant,
}

impl<'a> RowKey<'a> {
    fn new(series: &'a Series, start: Instant) -> Self {
        Self {
            source: series.source,
            account: series.key.account,
            device: series.key.device,
            zone: series.key.zone,
            network: series.key.network,
            device_type: series.key.device_type.as_name(),
            start,
        }
    }
}

/// The records of the period with that index, sorted: its ordinary ones and those
/// folded into it. Both directions, or none.
pub(super) fn records(series: &[Series], index: usize, period: Period) -> Vec<UsageRecord> {
    let shares = series.iter().flat_map(|series| {
        shares(series, index, period).map(|(start, bytes)| (RowKey::new(series, start), bytes))
    });
    let mut rows: Vec<(RowKey<'_>, Bytes)> = shares.collect();
    rows.sort_unstable_by_key(|(key, _)| *key);
    rows.dedup_by(|(key, bytes), (kept, sum)| {
        let is_same = key == kept;
        if is_same {
            *sum = sum.plus(*bytes);
        }
        is_same
    });
    rows.retain(|(_, bytes)| *bytes != Bytes::default());
    let mut records = Vec::with_capacity(rows.len() * 2);
    for of_account in rows.chunk_by(|(a, _), (b, _)| (a.source, a.account) == (b.source, b.account))
    {
        let all = |usage_type, of: fn(&Bytes) -> u128| {
            of_account.iter().map(move |(key, bytes)| record(key, usage_type, of(bytes)))
        };
        records.extend(all(UsageTypeId::NETWORK_BYTES_SENT, |bytes| bytes.sent));
        records.extend(all(UsageTypeId::NETWORK_BYTES_RECEIVED, |bytes| bytes.received));
    }
    records
}

/// The bytes that a series adds to rows of the period with that index, by the start of the row.
fn shares(series: &Series, index: usize, period: Period) -> impl Iterator<Item = (Instant, Bytes)> {
    let own = series.entries.binary_search_by_key(&index, |entry| entry.period).ok();
    let own = own.map(|at| (period.start, series.entries[at].own));
    let folded = series.folded.as_ref().filter(|folded| folded.into == index);
    own.into_iter().chain(folded.map(|folded| (folded.from, folded.bytes)))
}

/// Indexes of the series that add to a row of `slots` which does not fit a record:
/// several addresses of one device may do so together.
pub(super) fn overfull(series: &[Series], slots: &[Slot]) -> BTreeSet<usize> {
    let all = series.iter().flat_map(|series| {
        let own = series.entries.iter().map(|entry| entry.own);
        own.chain(series.folded.as_ref().map(|folded| folded.bytes))
    });
    if all.fold(Bytes::default(), Bytes::plus).fits() {
        return BTreeSet::new();
    }
    let mut rows: BTreeMap<(usize, RowKey<'_>), (Bytes, Vec<usize>)> = BTreeMap::new();
    for (number, series) in series.iter().enumerate() {
        let entries = series.entries.iter().filter(|entry| entry.own != Bytes::default());
        let own = entries.map(|entry| entry.period);
        let folded = series.folded.as_ref().map(|folded| folded.into);
        for index in own.chain(folded).collect::<BTreeSet<_>>() {
            for (start, bytes) in shares(series, index, slots[index].period) {
                let row = rows.entry((index, RowKey::new(series, start))).or_default();
                row.0 = row.0.plus(bytes);
                row.1.push(number);
            }
        }
    }
    let too_large = rows.into_values().filter(|(bytes, _)| !bytes.fits());
    too_large.flat_map(|(_, numbers)| numbers).collect()
}

fn record(key: &RowKey<'_>, usage_type: UsageTypeId, quantity: u128) -> UsageRecord {
    UsageRecord {
        source: key.source,
        account: key.account,
        usage_type,
        resource: ResourceId(key.device),
        zone: key.zone,
        nic: NicId(0),
        offering: None,
        template: None,
        size: None,
        network: key.network,
        resource_type: Some(key.device_type).filter(|name| !name.is_empty()).map(Text::new),
        start: key.start,
        corrects: None,
        virtual_size: None,
        name: None,
        is_source_nat: None,
        is_elastic: None,
        is_default: None,
        quantity: i64::try_from(quantity).expect("rows that do not fit wait"),
    }
}
