//! Files of accepted network samples: one source, one UTC day, sorted by
//! (sampled, series).

use std::sync::{Arc, LazyLock};

use arrow::array::{
    BooleanArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array,
};
use cloudtally_model::{
    AccountId, DeviceType, Instant, NetworkId, NetworkSample, SeriesKey, SourceName,
};

use super::{
    kind::{Access, Coding::*, Kind, Need::*, Type},
    read::{Batches, Columns, LakeReader, flag, text, value, zone},
    verified::NamedFile,
};
use crate::StoreError;

static KIND: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "samples",
        Access::RowGroups,
        &[
            ("source", Type::Word, Always, Repeating),
            ("sampled", Type::Instant, Always, Growing),
            ("account_id", Type::U64, Always, Repeating),
            ("zone_id", Type::U64, Optional, Repeating),
            ("device_type", Type::Word, Always, Repeating),
            ("device_id", Type::U64, Always, Growing),
            ("network_id", Type::U64, Optional, Repeating),
            ("address", Type::Name, Optional, Repeating),
            ("bytes_sent", Type::U64, Always, Plain),
            ("bytes_received", Type::U64, Always, Plain),
            ("restarted", Type::Flag, Optional, Repeating),
        ],
    )
    .appended(1)
});

/// Encodes sorted samples of one source.
pub(crate) fn encode(
    source: &SourceName,
    samples: &[NetworkSample],
) -> Result<Vec<u8>, StoreError> {
    KIND.encode(samples, |rows| {
        let numbers =
            |of: fn(&NetworkSample) -> u64| UInt64Array::from_iter_values(rows.iter().map(of));
        let optional = |of: fn(&NetworkSample) -> Option<u64>| -> UInt64Array {
            rows.iter().map(of).collect()
        };
        let sampled = rows.iter().map(|s| s.sampled.as_millis());
        let sampled = TimestampMillisecondArray::from_iter_values(sampled).with_timezone("UTC");
        let device_types = rows.iter().map(|s| s.series.device_type.as_name());
        let addresses = rows.iter().map(|s| s.series.address.as_deref());
        RecordBatch::try_new(
            KIND.write_schema(),
            vec![
                Arc::new(StringArray::from_iter_values(rows.iter().map(|_| source.as_str()))),
                Arc::new(sampled),
                Arc::new(numbers(|s| s.series.account.0)),
                Arc::new(optional(|s| s.series.zone.number())),
                Arc::new(StringArray::from_iter_values(device_types)),
                Arc::new(numbers(|s| s.series.device)),
                Arc::new(optional(|s| network_number(s.series.network))),
                Arc::new(addresses.collect::<StringArray>()),
                Arc::new(numbers(|s| s.bytes_sent)),
                Arc::new(numbers(|s| s.bytes_received)),
                Arc::new(rows.iter().map(|s| Some(s.restarted)).collect::<BooleanArray>()),
            ],
        )
    })
}

/// A network's number, absent for "no network".
pub(crate) fn network_number(network: NetworkId) -> Option<u64> {
    (network.0 != 0).then_some(network.0)
}

/// Calls `each` with the samples whose `sampled` lies in `(from, to]`, in order.
pub(crate) fn read(
    file: &NamedFile<'_>,
    from: Instant,
    to: Instant,
    each: &mut dyn FnMut(NetworkSample),
) -> Result<(), StoreError> {
    let (from, to) = (from.as_millis(), to.as_millis());
    if from >= to {
        return Ok(());
    }
    let reader = LakeReader::open(file, &KIND, None)?;
    let groups = reader.row_groups("sampled", |first, last| first <= to && last > from);
    let (builder, path) = reader.builder(&["source"]);
    for batch in Batches::build(builder.with_row_groups(groups), path)? {
        let batch = batch?;
        let sampled = Columns(&batch).instants("sampled").values();
        let first = sampled.partition_point(|&at| at <= from);
        let end = sampled.partition_point(|&at| at <= to);
        decode(&batch.slice(first, end - first), each);
    }
    Ok(())
}

fn decode(batch: &RecordBatch, each: &mut dyn FnMut(NetworkSample)) {
    let columns = Columns(batch);
    let series = series(columns);
    let sampled = columns.instants("sampled");
    let (sent, received) = (columns.u64("bytes_sent"), columns.u64("bytes_received"));
    // Files that are older than the column do not have it.
    let restarted = columns.flags_if_any("restarted");
    for row in 0..batch.num_rows() {
        each(NetworkSample {
            sampled: Instant::from_millis(sampled.value(row)),
            series: series(row),
            bytes_sent: sent.value(row),
            bytes_received: received.value(row),
            restarted: restarted.and_then(|flags| flag(flags, row)).unwrap_or(false),
        });
    }
}

/// Reads the columns of a series key, row by row.
pub(crate) fn series(columns: Columns<'_>) -> impl Fn(usize) -> SeriesKey {
    let (account, zones) = (columns.u64("account_id"), columns.u64("zone_id"));
    let (device_type, device) = (columns.words("device_type"), columns.u64("device_id"));
    let (network, address) = (columns.u64("network_id"), columns.names("address"));
    move |row| SeriesKey {
        account: AccountId(account.value(row)),
        zone: zone(zones, row),
        device_type: DeviceType::from_name(device_type.get(row).unwrap_or_default()),
        device: device.value(row),
        network: NetworkId(value(network, row).unwrap_or(0)),
        address: text(address, row),
    }
}
