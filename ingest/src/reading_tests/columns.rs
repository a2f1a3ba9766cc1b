//! Columns of Parquet of every type against rows that are decoded one at a time.
//!
//! [`read`] compares the two.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, UInt64Array,
};
use cloudtally_model::NetworkSample;
use parquet::arrow::ArrowWriter;

use super::*;
use crate::{Kind, Need};

/// Numbers in an order that a seed decides.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        const FACTOR: u64 = 6_364_136_223_846_793_005;
        self.0 = self.0.wrapping_mul(FACTOR).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// Most values are sound, some are absent; where `odd`, some are of the last ones.
    fn values<T: Copy>(&mut self, rows: usize, sound: &[T], wrong: &[T]) -> Vec<Option<T>> {
        let odd = self.below(4) == 0;
        let value = |_| match self.below(40) {
            0 => None,
            1 if odd => Some(wrong[self.below(wrong.len())]),
            _ => Some(sound[self.below(sound.len())]),
        };
        (0..rows).map(value).collect()
    }
}

/// A column in one of the types that files have.
fn column(random: &mut Random, kind: Kind, rows: usize) -> ArrayRef {
    let long = "l".repeat(70_000);
    let texts: &[&str] = match kind {
        Kind::Text => &["vm.start", "VM.STOP", " web ", "7", "\u{a0}"],
        Kind::Instant => &["2026-01-31 23:59:59", "2026-01-31T23:59:59.5+01:00"],
        Kind::Flag => &["true", "0", " 1"],
        Kind::Unsigned | Kind::Signed => &["0", "1", " 12.0 ", "9223372036854775807"],
    };
    let wrong = ["x", "-1", "1.5", "9223372036854775808", "NULL", "na", "", &*long];
    let at = 1_769_000_000_000;
    match (kind, random.below(5)) {
        (Kind::Instant, 0) => {
            let (sound, wrong) = ([at * 1000, at * 1000 + 1999], [-1, 0, i64::MAX]);
            Arc::new(TimestampMicrosecondArray::from(random.values(rows, &sound, &wrong)))
        }
        (Kind::Instant, 1) => {
            let (sound, wrong) = ([at, at + 1], [-1, 0, i64::MIN]);
            Arc::new(TimestampMillisecondArray::from(random.values(rows, &sound, &wrong)))
        }
        (Kind::Unsigned | Kind::Signed | Kind::Text, 0) => {
            Arc::new(Int64Array::from(random.values(rows, &[0, 1, i64::MAX], &[-1, i64::MIN])))
        }
        (Kind::Unsigned | Kind::Signed | Kind::Text, 1) => {
            Arc::new(UInt64Array::from(random.values(rows, &[0, 1, 77], &[u64::MAX, 1 << 63])))
        }
        (Kind::Unsigned | Kind::Signed, 2) => {
            let wrong = [-1.0, 0.5, f64::NAN, f64::INFINITY];
            Arc::new(Float64Array::from(random.values(rows, &[0.0, 1.0, 1e9], &wrong)))
        }
        (_, 3) => {
            let sound: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
            Arc::new(BinaryArray::from_iter(random.values(rows, &sound, &[b"\xff", b"NaN"])))
        }
        _ => Arc::new(StringArray::from_iter(random.values(rows, texts, &wrong))),
    }
}

fn file_of<T: Row>(random: &mut Random, rows: usize) -> Vec<u8> {
    let mut columns = Vec::new();
    for of in T::columns() {
        if of.need == Need::Required || random.below(2) == 0 {
            columns.push((of.name, column(random, of.kind, rows)));
        }
    }
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn columns_of_any_type_mean_what_single_rows_mean() {
    let (mut good, mut bad) = (0, 0);
    for seed in 0..150 {
        let mut random = Random(seed);
        let rows = 1 + random.below(300);
        let events = read::<UsageEvent>(&file_of::<UsageEvent>(&mut random, rows));
        let samples = read::<NetworkSample>(&file_of::<NetworkSample>(&mut random, rows));
        assert_eq!((events.fault, samples.fault), (None, None));
        assert_eq!(events.rows.len() + events.bad.len(), rows);
        good += events.rows.len() + samples.rows.len();
        bad += events.bad.len() + samples.bad.len();
    }
    assert!(good > 1000 && bad > 1000, "{good} good rows, {bad} bad ones");
}
