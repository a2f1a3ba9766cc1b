//! Closed periods: what is served of them, and what they are restated as.

use std::path::Path;

use cloudtally_model::Period;
use cloudtally_store::{Closing, PeriodDraft, Store, StoreError, Writer};

use crate::support::{all_records, assert_clean, day, records, source, writer};

/// Publishes a day with so many records, which carries what became of the closed days given.
fn publish(writer: &Writer, number: i64, count: u64, carries: Option<&[Period]>) {
    let records = records(day(number), count);
    let draft = PeriodDraft {
        period: day(number),
        records: Some(&records),
        open: Some(&[]),
        counters: None,
        anomalies: None,
        inputs: Default::default(),
    };
    let staged = writer.stage(&draft, &writer.snapshot().unwrap().sources).unwrap();
    let staged = match carries {
        Some(closed) => staged.carrying(closed.iter().map(|of| of.start).collect()),
        None => staged,
    };
    writer.publish(vec![staged]).unwrap();
}

/// The content of the file that is served of a day.
fn linked(dir: &Path, number: u32) -> Vec<u8> {
    std::fs::read(dir.join(format!("records/2026010{}T000000Z.parquet", number + 1))).unwrap()
}

#[test]
fn a_closed_period_keeps_what_is_served_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    publish(&writer, 0, 20, None);
    publish(&writer, 1, 30, None);
    let closing = Closing { through: day(0).end, closed_ms: 5, by: "a".to_owned(), reason: None };
    writer.close(&closing).unwrap();
    let again = writer.close(&closing).unwrap_err();
    assert!(matches!(again, StoreError::ClosedAlready { .. }), "{again}");
    let (before, file) = (all_records(&store), linked(dir.path(), 0));
    publish(&writer, 0, 25, None);
    publish(&writer, 0, 26, None);
    assert_eq!(all_records(&store), before);
    assert_eq!(linked(dir.path(), 0), file);
    let snapshot = store.snapshot().unwrap();
    let known = &snapshot.periods[0];
    assert_eq!((known.generation, known.rows), (1, 20));
    assert_eq!((known.restated_generation(), known.restated_records().rows), (3, 26));
    let owed: Vec<_> = snapshot.owed().map(|known| known.period).collect();
    assert_eq!(owed, [day(0)]);

    // The next one carries it, until it is closed itself.
    let carry = |number: i64| {
        publish(&writer, number, 7, Some(&[day(0)]));
        let snapshot = writer.snapshot().unwrap();
        assert_eq!(snapshot.owed().count(), 0);
        let rows = snapshot.adjustments.iter().map(|of| (of.start, of.from, of.to));
        rows.collect::<Vec<_>>()
    };
    assert_eq!(carry(1), [(day(1).start, 1, 3)]);
    publish(&writer, 0, 27, None);
    assert_eq!(carry(1), [(day(1).start, 1, 4)]);
    writer.close(&Closing { through: day(1).end, ..closing }).unwrap();
    publish(&writer, 0, 28, None);
    assert_eq!(carry(2), [(day(1).start, 1, 4), (day(2).start, 4, 5)]);
    assert_eq!(linked(dir.path(), 0), file);

    // Nothing was known of it when it was closed.
    publish(&writer, -1, 4, None);
    let known = store.snapshot().unwrap().periods[0].clone();
    assert_eq!((known.period, known.generation, known.rows), (day(-1), 1, 0));
    assert_eq!((known.restated_generation(), known.restated_records().rows), (2, 4));
    drop((writer, store));
    assert_clean(dir.path());
}

#[test]
fn quantities_and_what_is_corrected_are_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let mut written = records(day(1), 5_000);
    for (number, record) in written.iter_mut().enumerate().filter(|(number, _)| number % 3 == 0) {
        record.corrects = Some(day(0).start);
        record.quantity = -(i64::try_from(number).unwrap() + i64::MAX / 2);
    }
    written.sort();
    let draft = PeriodDraft {
        period: day(1),
        records: Some(&written),
        open: Some(&[]),
        counters: None,
        anomalies: None,
        inputs: Default::default(),
    };
    let staged = writer.stage(&draft, &writer.snapshot().unwrap().sources).unwrap();
    writer.publish(vec![staged]).unwrap();
    let read: Vec<_> = all_records(&store).into_iter().map(|served| served.record).collect();
    assert_eq!(read, written);
    drop((writer, store));
    assert_clean(dir.path());
}
