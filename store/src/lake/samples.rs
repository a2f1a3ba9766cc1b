//! Files of accepted network samples: one source, one UTC day, sorted by
//! (sampled, series).

use std::{
    cmp::Ordering,
    sync::{Arc, LazyLock},
};

use arrow_array::{BooleanArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array};
use cloudtally_model::{
    AccountId, DeviceType, Instant, NetworkId, NetworkSample, SeriesKey, SourceName, Text, ZoneId,
};
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowPredicateFn, RowFilter},
};

use super::{
    encode,
    kind::{Access, Coding::*, Kind, Need::*, Type},
    read::{Batches, Columns, LakeReader, WordArray, flag, instant, name, value, zone},
    verified::NamedFile,
};
use crate::{
    StoreError,
    table::{self, SampleTable},
};

static KIND: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "samples",
        Access::RowGroups,
        &[
            ("source", Type::Word, Always, Repeating),
            ("sampled", Type::Instant, Always, Growing),
            ("account_id", Type::I64, Always, Repeating),
            ("zone_id", Type::I64, Optional, Repeating),
            ("device_type", Type::Word, Always, Repeating),
            ("device_id", Type::I64, Always, Growing),
            ("network_id", Type::I64, Optional, Repeating),
            ("address", Type::Name, Optional, Repeating),
            ("bytes_sent", Type::I64, Always, Plain),
            ("bytes_received", Type::I64, Always, Plain),
            ("restarted", Type::Flag, Optional, Repeating),
        ],
    )
    .appended(1)
});

/// Encodes `rows` of a table, samples of one source in the order of the file.
pub(crate) fn encode(
    source: &SourceName,
    samples: &SampleTable,
    rows: &[u32],
) -> Result<Vec<u8>, StoreError> {
    let device_types = samples.device_type.dictionary();
    let schema = KIND.dictionary_schema();
    encode::encode(&KIND, rows, |rows| {
        RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                table::repeated(source.as_str(), rows.len()),
                table::instants(&samples.sampled, rows),
                table::numbers(&samples.account, rows),
                table::numbers_but_zero(&samples.zone, rows),
                samples.device_type.array(&device_types, rows),
                table::numbers(&samples.device, rows),
                table::numbers_but_zero(&samples.network, rows),
                table::texts(&samples.address, rows),
                table::numbers(&samples.sent, rows),
                table::numbers(&samples.received, rows),
                table::flags(&samples.restarted, rows),
            ],
        )
    })
}

/// A network's number, absent for "no network".
pub(crate) fn network_number(network: NetworkId) -> Option<u64> {
    (network.0 != 0).then_some(network.0)
}

/// Some decoded samples of a file, as columns.
#[derive(Debug)]
pub struct SampleColumns {
    sampled: TimestampMillisecondArray,
    series: SeriesColumns,
    sent: UInt64Array,
    received: UInt64Array,
    /// Files that are older than the column do not have it.
    restarted: Option<BooleanArray>,
}

impl SampleColumns {
    fn of(batch: &RecordBatch) -> Self {
        let columns = Columns(batch);
        Self {
            sampled: columns.instants("sampled").clone(),
            series: SeriesColumns::of(columns),
            sent: columns.u64("bytes_sent"),
            received: columns.u64("bytes_received"),
            restarted: columns.flags_if_any("restarted").cloned(),
        }
    }

    /// The number of rows.
    pub fn height(&self) -> usize {
        self.sent.values().len()
    }

    /// The instant at which the device of a row was read.
    pub fn sampled(&self, row: usize) -> Instant {
        instant(&self.sampled, row)
    }

    /// The counter of a row.
    pub fn series(&self, row: usize) -> SeriesRow<'_> {
        self.series.row(row)
    }

    /// Bytes sent and received since the device of a row started.
    pub fn bytes(&self, row: usize) -> (u64, u64) {
        (self.sent.value(row), self.received.value(row))
    }

    /// True if the device of a row began to count anew.
    pub fn restarted(&self, row: usize) -> bool {
        self.restarted.as_ref().and_then(|flags| flag(flags, row)).unwrap_or(false)
    }

    /// The sample of a row.
    pub fn sample(&self, row: usize) -> NetworkSample {
        let (bytes_sent, bytes_received) = self.bytes(row);
        NetworkSample {
            sampled: self.sampled(row),
            series: self.series(row).to_key(),
            bytes_sent,
            bytes_received,
            restarted: self.restarted(row),
        }
    }
}

/// Calls `each` with the samples whose `sampled` lies in `(from, to]`, in order, some
/// thousand at a time; those of one device alone if one is given, without decoding more
/// than the column of devices of all others.
pub(crate) fn columns(
    file: &NamedFile<'_>,
    (from, to): (Instant, Instant),
    device: Option<u64>,
    each: &mut dyn FnMut(SampleColumns),
) -> Result<(), StoreError> {
    let (from, to) = (from.as_millis(), to.as_millis());
    if from >= to {
        return Ok(());
    }
    let reader = LakeReader::open(file, &KIND, None)?;
    let groups = reader.row_groups("sampled", |first, last| first <= to && last > from);
    let (builder, path) = reader.builder(&["source"]);
    let mut builder = builder.with_row_groups(groups);
    if let Some(device) = device {
        let column = ProjectionMask::columns(builder.parquet_schema(), ["device_id"]);
        let is_of = ArrowPredicateFn::new(column, move |batch: RecordBatch| {
            let devices = Columns(&batch).u64("device_id");
            Ok(devices.values().iter().map(|id| Some(*id == device)).collect::<BooleanArray>())
        });
        builder = builder.with_row_filter(RowFilter::new(vec![Box::new(is_of)]));
    }
    for batch in Batches::build(builder, path)? {
        let batch = batch?;
        let sampled = Columns(&batch).instants("sampled").values();
        let first = sampled.partition_point(|&at| at <= from);
        let end = sampled.partition_point(|&at| at <= to);
        if first < end {
            each(SampleColumns::of(&batch.slice(first, end - first)));
        }
    }
    Ok(())
}

/// Calls `each` with the samples whose `sampled` lies in `(from, to]`, in order.
pub(crate) fn read(
    file: &NamedFile<'_>,
    from: Instant,
    to: Instant,
    each: &mut dyn FnMut(NetworkSample),
) -> Result<(), StoreError> {
    columns(file, (from, to), None, &mut |columns| {
        (0..columns.height()).for_each(|row| each(columns.sample(row)));
    })
}

/// The key of a series with its texts borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeriesRow<'a> {
    account: AccountId,
    zone: ZoneId,
    device_type: &'a str,
    device: u64,
    network: NetworkId,
    address: Option<&'a str>,
}

impl<'a> SeriesRow<'a> {
    /// The key borrowed.
    pub fn of(key: &'a SeriesKey) -> Self {
        Self {
            account: key.account,
            zone: key.zone,
            device_type: key.device_type.as_name(),
            device: key.device,
            network: key.network,
            address: key.address.as_deref(),
        }
    }

    /// The key of a table's row.
    pub(crate) fn in_table(samples: &'a SampleTable, row: usize) -> Self {
        Self {
            account: AccountId(samples.account[row]),
            zone: samples.zone(row),
            device_type: samples.device_type.get(row).unwrap_or_default(),
            device: samples.device[row],
            network: NetworkId(samples.network[row]),
            address: samples.address.get(row),
        }
    }

    /// Compares two keys as [`SeriesKey`] does.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let device_type = |key: &Self| DeviceType::from_name(key.device_type);
        (self.account.cmp(&other.account))
            .then_with(|| self.zone.cmp(&other.zone))
            .then_with(|| match self.device_type == other.device_type {
                true => Ordering::Equal,
                false => device_type(self).cmp(&device_type(other)),
            })
            .then_with(|| self.device.cmp(&other.device))
            .then_with(|| self.network.cmp(&other.network))
            .then_with(|| self.address.cmp(&other.address))
    }

    /// The key with texts of its own.
    pub fn to_key(self) -> SeriesKey {
        SeriesKey {
            account: self.account,
            zone: self.zone,
            device_type: DeviceType::from_name(self.device_type),
            device: self.device,
            network: self.network,
            address: self.address.map(Text::new),
        }
    }
}

/// The columns of series keys.
#[derive(Debug)]
pub(crate) struct SeriesColumns {
    account: UInt64Array,
    zone: UInt64Array,
    device_type: WordArray,
    device: UInt64Array,
    network: UInt64Array,
    address: StringArray,
}

impl SeriesColumns {
    pub(crate) fn of(columns: Columns<'_>) -> Self {
        Self {
            account: columns.u64("account_id"),
            zone: columns.u64("zone_id"),
            device_type: columns.words("device_type").to_owned(),
            device: columns.u64("device_id"),
            network: columns.u64("network_id"),
            address: columns.names("address").clone(),
        }
    }

    pub(crate) fn row(&self, row: usize) -> SeriesRow<'_> {
        SeriesRow {
            account: AccountId(self.account.value(row)),
            zone: zone(&self.zone, row),
            device_type: self.device_type.get(row).unwrap_or_default(),
            device: self.device.value(row),
            network: NetworkId(value(&self.network, row).unwrap_or(0)),
            address: name(&self.address, row),
        }
    }
}
