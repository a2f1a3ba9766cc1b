//! Many rows of a stream as one value, most of them as columns.

use std::{collections::BTreeMap, fmt::Debug, ops::Range};

use cloudtally_model::{NetworkSample, UsageEvent, event_code};
use cloudtally_store::{EventTable, SampleTable};

/// Rows of one stream, in order.
pub(crate) trait Rows<T>: Default + Debug + Send + Sync {
    /// The number of rows.
    fn height(&self) -> usize;

    /// Adds a row.
    fn push(&mut self, row: T);

    /// Adds rows of another table.
    fn append(&mut self, other: &Self, rows: Range<usize>);

    /// The row of a number.
    fn row(&self, row: usize) -> T;

    /// Counts those of `rows` whose type nothing meters, by type.
    fn count_without_meter(&self, _rows: &[u32], _counts: &mut BTreeMap<String, u64>) {}
}

impl Rows<UsageEvent> for EventTable {
    fn height(&self) -> usize {
        self.height()
    }

    fn push(&mut self, event: UsageEvent) {
        self.push(&event);
    }

    fn append(&mut self, other: &Self, rows: Range<usize>) {
        self.append(other, rows);
    }

    fn row(&self, row: usize) -> UsageEvent {
        self.row(row)
    }

    fn count_without_meter(&self, rows: &[u32], counts: &mut BTreeMap<String, u64>) {
        let mut found: Vec<(String, u64)> = Vec::new();
        let place = |name: &str| {
            event_code(name).is_none().then(|| {
                found.push((name.to_owned(), 0));
                found.len() - 1
            })
        };
        let places: Vec<usize> = self.event_type.map(rows, place).flatten().flatten().collect();
        places.into_iter().for_each(|place| found[place].1 += 1);
        for (name, rows) in found.into_iter().filter(|(_, rows)| *rows > 0) {
            *counts.entry(name).or_default() += rows;
        }
    }
}

impl Rows<NetworkSample> for SampleTable {
    fn height(&self) -> usize {
        self.height()
    }

    fn push(&mut self, sample: NetworkSample) {
        self.push(&sample);
    }

    fn append(&mut self, other: &Self, rows: Range<usize>) {
        self.append(other, rows);
    }

    fn row(&self, row: usize) -> NetworkSample {
        self.row(row)
    }
}

/// Accounts are few, so they stay structs.
impl<T: Clone + Debug + Send + Sync> Rows<T> for Vec<T> {
    fn height(&self) -> usize {
        self.len()
    }

    fn push(&mut self, row: T) {
        self.push(row);
    }

    fn append(&mut self, other: &Self, rows: Range<usize>) {
        self.extend_from_slice(&other[rows]);
    }

    fn row(&self, row: usize) -> T {
        self[row].clone()
    }
}
