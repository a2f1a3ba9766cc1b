//! The records of a bill: series become rows of a period.

use std::collections::BTreeMap;

use cloudtally_model::{
    AccountId, Instant, NetworkId, NicId, Period, ResourceId, SourceId, Text, UsageRecord,
    UsageTypeId, ZoneId,
};

use super::series::{Bytes, Series};
use crate::AggregateError;

/// What tells one row of the bill from another: a series but for its address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    source: SourceId,
    account: AccountId,
    zone: ZoneId,
    device_type: Text,
    device: u64,
    network: NetworkId,
    start: Instant,
}

impl RowKey {
    fn new(series: &Series, start: Instant) -> Self {
        Self {
            source: series.source,
            account: series.key.account,
            zone: series.key.zone,
            device_type: series.key.device_type.as_name().into(),
            device: series.key.device,
            network: series.key.network,
            start,
        }
    }
}

/// The records of the period with that index, sorted: its ordinary ones and those
/// folded into it. Both directions, or none.
pub(super) fn records(
    series: &[Series],
    index: usize,
    period: Period,
) -> Result<Vec<UsageRecord>, AggregateError> {
    let mut rows: BTreeMap<RowKey, Bytes> = BTreeMap::new();
    let mut add = |key: RowKey, bytes: Bytes| -> Result<(), AggregateError> {
        let row = rows.entry(key).or_default();
        *row = row.checked_add(bytes)?;
        Ok(())
    };
    for series in series {
        if let Ok(at) = series.entries.binary_search_by_key(&index, |entry| entry.period) {
            add(RowKey::new(series, period.start), series.entries[at].own)?;
        }
        if let Some(folded) = series.folded.as_ref().filter(|folded| folded.into == index) {
            add(RowKey::new(series, folded.from), folded.bytes)?;
        }
    }
    let mut records = Vec::with_capacity(rows.len() * 2);
    for (key, bytes) in rows {
        if bytes == Bytes::default() {
            continue;
        }
        records.push(record(&key, UsageTypeId::NETWORK_BYTES_SENT, bytes.sent));
        records.push(record(&key, UsageTypeId::NETWORK_BYTES_RECEIVED, bytes.received));
    }
    records.sort_unstable();
    Ok(records)
}

fn record(key: &RowKey, usage_type: UsageTypeId, quantity: u64) -> UsageRecord {
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
        resource_type: Some(key.device_type.clone()).filter(|name| !name.is_empty()),
        start: key.start,
        virtual_size: None,
        name: None,
        is_source_nat: None,
        is_elastic: None,
        is_default: None,
        quantity,
    }
}
