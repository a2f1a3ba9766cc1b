//! Network samples as columns.

use std::{cmp::Ordering, ops::Range};

use cloudtally_model::{
    AccountId, DeviceType, Instant, NetworkId, NetworkSample, SeriesKey, Text, Texts, ZoneId,
    row_index,
};
use rayon::prelude::*;

use super::{columns::Words, events::zone};

/// Network samples, a column each attribute. All columns have the same length.
#[derive(Clone, Debug, Default)]
pub struct SampleTable {
    /// Milliseconds since 1970.
    pub sampled: Vec<i64>,
    /// Accounts that pay for the traffic.
    pub account: Vec<u64>,
    /// Zones; 0 is "no zone".
    pub zone: Vec<u64>,
    /// Names of the kinds of device, empty for an unknown one; every row has one.
    pub device_type: Words,
    /// Ids of the devices.
    pub device: Vec<u64>,
    /// Guest networks; 0 is none.
    pub network: Vec<u64>,
    /// Public addresses counted for.
    pub address: Texts,
    /// Bytes sent.
    pub sent: Vec<u64>,
    /// Bytes received.
    pub received: Vec<u64>,
    /// True where a device began to count anew.
    pub restarted: Vec<bool>,
}

impl SampleTable {
    /// The number of rows.
    pub fn height(&self) -> usize {
        self.sampled.len()
    }

    /// Adds a row.
    pub fn push(&mut self, sample: &NetworkSample) {
        let series = &sample.series;
        self.sampled.push(sample.sampled.as_millis());
        self.account.push(series.account.0);
        self.zone.push(series.zone.number().unwrap_or(0));
        self.device_type.push(Some(series.device_type.as_name()));
        self.device.push(series.device);
        self.network.push(series.network.0);
        self.address.push(series.address.as_deref());
        self.sent.push(sample.bytes_sent);
        self.received.push(sample.bytes_received);
        self.restarted.push(sample.restarted);
    }

    /// Adds rows of another table.
    pub fn append(&mut self, other: &Self, rows: Range<usize>) {
        self.sampled.extend_from_slice(&other.sampled[rows.clone()]);
        self.account.extend_from_slice(&other.account[rows.clone()]);
        self.zone.extend_from_slice(&other.zone[rows.clone()]);
        self.device_type.append(&other.device_type, rows.clone());
        self.device.extend_from_slice(&other.device[rows.clone()]);
        self.network.extend_from_slice(&other.network[rows.clone()]);
        self.address.append(&other.address, rows.clone());
        self.sent.extend_from_slice(&other.sent[rows.clone()]);
        self.received.extend_from_slice(&other.received[rows.clone()]);
        self.restarted.extend_from_slice(&other.restarted[rows]);
    }

    /// The instant of a row's sample.
    pub fn sampled(&self, row: usize) -> Instant {
        Instant::from_millis(self.sampled[row])
    }

    /// The counters of a row's sample: bytes sent and received.
    pub fn bytes(&self, row: usize) -> (u64, u64) {
        (self.sent[row], self.received[row])
    }

    /// The zone of a row's device.
    pub(crate) fn zone(&self, row: usize) -> ZoneId {
        zone(self.zone[row])
    }

    /// The sample of a row.
    pub fn row(&self, row: usize) -> NetworkSample {
        NetworkSample {
            sampled: self.sampled(row),
            series: SeriesKey {
                account: AccountId(self.account[row]),
                zone: self.zone(row),
                device_type: DeviceType::from_name(self.device_type.get(row).unwrap_or_default()),
                device: self.device[row],
                network: NetworkId(self.network[row]),
                address: self.address.get(row).map(Text::new),
            },
            bytes_sent: self.sent[row],
            bytes_received: self.received[row],
            restarted: self.restarted[row],
        }
    }

    /// The order of rows in a file.
    pub fn order(&self) -> SampleOrder<'_> {
        let mut types: Vec<DeviceType> =
            self.device_type.ranked(|name| DeviceType::from_name(name));
        types.sort_unstable();
        let rank = |name: &Text| types.partition_point(|of| *of < DeviceType::from_name(name));
        SampleOrder { table: self, type_ranks: self.device_type.ranked(rank) }
    }
}

impl<'a> FromIterator<&'a NetworkSample> for SampleTable {
    fn from_iter<I: IntoIterator<Item = &'a NetworkSample>>(samples: I) -> Self {
        let mut table = Self::default();
        samples.into_iter().for_each(|sample| table.push(sample));
        table
    }
}

/// The order of the samples of a table in a file: by instant and series.
#[derive(Debug)]
pub struct SampleOrder<'a> {
    table: &'a SampleTable,
    /// The rank of each device type among those of the table.
    type_ranks: Vec<usize>,
}

impl SampleOrder<'_> {
    /// Compares the instants and series of two rows.
    pub fn compare(&self, a: u32, b: u32) -> Ordering {
        let table = self.table;
        (table.sampled[row_index(a)].cmp(&table.sampled[row_index(b)]))
            .then_with(|| self.compare_series(a, b))
    }

    fn compare_series(&self, a: u32, b: u32) -> Ordering {
        let (table, a, b) = (self.table, row_index(a), row_index(b));
        let rank = |row| self.type_ranks.get(table.device_type.code_at(row));
        (table.account[a].cmp(&table.account[b]))
            .then_with(|| table.zone[a].cmp(&table.zone[b]))
            .then_with(|| rank(a).cmp(&rank(b)))
            .then_with(|| table.device[a].cmp(&table.device[b]))
            .then_with(|| table.network[a].cmp(&table.network[b]))
            .then_with(|| table.address.get(a).cmp(&table.address.get(b)))
    }

    /// Puts rows into this order; equal ones by their number.
    pub fn sort(&self, rows: &mut [u32]) {
        let before = |a: u32, b: u32| self.compare(a, b).then(a.cmp(&b));
        if rows.is_sorted_by(|a, b| before(*a, *b).is_le()) {
            return;
        }
        let table = self.table;
        let mut keyed: Vec<(i64, u64, u32)> = rows
            .iter()
            .map(|row| (table.sampled[row_index(*row)], table.account[row_index(*row)], *row))
            .collect();
        keyed.par_sort_unstable_by(|a, b| {
            (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| before(a.2, b.2))
        });
        rows.iter_mut().zip(keyed).for_each(|(row, (.., sorted))| *row = sorted);
    }
}
