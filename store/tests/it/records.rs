//! Windows, filters, pages.

use cloudtally_model::{AccountId, Millis, Period, SourceName, UsageRecord, UsageTypeId};
use cloudtally_store::{
    Inputs, PeriodDraft, RecordField, RecordFilter, RecordWindow, ServedRecord, Store, Writer,
};
use proptest::{collection, option, prelude::*};

use crate::support::{ALL, all_records, day, record, records, source, writer};

fn publish(writer: &Writer, period: Period, records: &[UsageRecord]) {
    let draft = PeriodDraft {
        period,
        records: Some(records),
        open: None,
        counters: None,
        anomalies: None,
        inputs: Inputs::default(),
    };
    let sources = writer.snapshot().unwrap().sources;
    writer.publish(vec![writer.stage(&draft, &sources).unwrap()]).unwrap();
}

fn matches(filter: &RecordFilter, served: &ServedRecord, source: &SourceName) -> bool {
    let record = &served.record;
    let account = (source.clone(), record.account);
    filter.accounts.as_ref().is_none_or(|accounts| accounts.contains(&account))
        && filter.usage_type.is_none_or(|usage_type| usage_type == record.usage_type)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_page_of_any_filter_is_a_slice_of_the_whole(
        days in collection::vec(collection::vec((2..6u64, 0..4usize, 0..50u64), 0..60), 1..10),
        accounts in option::of(collection::vec(2..8u64, 0..3)),
        usage_type in option::of(0..4usize),
        pages in collection::vec((0..200u64, 0..200u64), 8),
    ) {
        const TYPES: [u16; 4] = [1, 3, 6, 13];
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let writer = writer(&store);
        writer.source(&source()).unwrap();
        for (number, rows) in (0..).zip(days) {
            let mut records: Vec<_> = rows
                .into_iter()
                .map(|(account, kind, resource)| record(account, TYPES[kind], resource, day(number)))
                .collect();
            records.sort();
            records.dedup();
            publish(&writer, day(number), &records);
        }
        let filter = RecordFilter {
            source: None,
            accounts: accounts.map(|ids| ids.into_iter().map(|id| (source(), AccountId(id))).collect()),
            usage_type: usage_type.map(|kind| UsageTypeId(TYPES[kind])),
        };
        let mut expected = all_records(&store);
        expected.retain(|served| matches(&filter, served, &source()));
        let set = store.records(ALL, &filter).unwrap();
        assert_eq!(set.count(), expected.len() as u64);
        let mut streamed = Vec::new();
        set.for_each(&mut |served| { streamed.push(served); Ok(()) }).unwrap();
        assert_eq!(streamed, expected);
        for (offset, limit) in pages {
            let from = usize::try_from(offset).unwrap().min(expected.len());
            let to = usize::try_from(offset + limit).unwrap().min(expected.len());
            assert_eq!(set.page(offset, limit).unwrap(), expected[from..to]);
        }
        assert_eq!(set.page(0, u64::MAX).unwrap(), expected);
    }
}

#[test]
fn pages_across_pages_and_row_groups_of_a_large_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let expected = [records(day(0), 140_000), records(day(1), 3)];
    for (number, records) in (0..).zip(&expected) {
        publish(&writer, day(number), records);
    }
    let all: Vec<_> = expected.concat();
    let set = store.records(ALL, &RecordFilter::default()).unwrap();
    assert_eq!(set.count(), 140_003);
    for (offset, limit) in [
        (0, 1),
        (4_095, 3),
        (65_530, 20),
        (131_071, 2),
        (139_999, 10),
        (60_000, 75_000),
        (140_003, 5),
    ] {
        let page = set.page(offset, limit).unwrap();
        let from = usize::try_from(offset).unwrap();
        let to = usize::try_from(offset + limit).unwrap().min(all.len());
        assert!(page.iter().map(|served| &served.record).eq(&all[from..to]), "{offset} {limit}");
    }
    let filter = RecordFilter { usage_type: Some(UsageTypeId(6)), ..RecordFilter::default() };
    let volumes = store.records(ALL, &filter).unwrap();
    let wanted: Vec<_> = all.iter().filter(|r| r.usage_type == UsageTypeId(6)).collect();
    assert_eq!(volumes.count(), wanted.len() as u64);
    let page = volumes.page(11_000, 30_000).unwrap();
    let expected = wanted[11_000..].iter().take(30_000).copied();
    assert!(page.iter().map(|served| &served.record).eq(expected));
}

/// Rows of more accounts than a set finds at a time, none beside another.
#[test]
fn a_type_of_many_accounts_is_found_piece_by_piece() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let accounts = 0..9_000u64;
    let rows = |account| [1, 6, 13].map(|of| record(account, of, account, day(0)));
    let records: Vec<_> = accounts.clone().flat_map(rows).collect();
    publish(&writer, day(0), &records);
    let mut expected = all_records(&store);
    let some: Vec<_> =
        accounts.filter(|id| id % 2 == 1).map(|id| (source(), AccountId(id))).collect();
    for accounts in [None, Some(some)] {
        let usage_type = Some(UsageTypeId(6));
        let filter = RecordFilter { source: None, accounts, usage_type };
        expected.retain(|served| {
            let id = served.record.account.0;
            served.record.usage_type.0 == 6 && (filter.accounts.is_none() || id % 2 == 1)
        });
        let set = store.records(ALL, &filter).unwrap();
        assert_eq!(set.count(), expected.len() as u64);
        let mut streamed = Vec::new();
        set.for_each(&mut |served| {
            streamed.push(served);
            Ok(())
        })
        .unwrap();
        assert_eq!(streamed, expected);
        for (offset, limit) in [(0, 1), (4_000, 200), (set.count() - 1, 9)] {
            let from = usize::try_from(offset).unwrap();
            let to = usize::try_from((offset + limit).min(set.count())).unwrap();
            assert_eq!(set.page(offset, limit).unwrap(), expected[from..to]);
        }
        let mut found = Vec::new();
        set.scan(0, &[RecordField::Account], &mut |_, scan| {
            found.extend(scan.values(RecordField::Account)?);
            Ok(())
        })
        .unwrap();
        assert!(found.into_iter().eq(expected.iter().map(|served| Some(served.record.account.0))));
        let last = expected.last().unwrap();
        let id = last.record.id(&source(), last.period);
        assert_eq!(set.find(id).unwrap().as_ref(), Some(last));
    }
}

#[test]
fn windows_are_inclusive_to_the_second() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    for number in 0..3 {
        publish(&writer, day(number), &records(day(number), 10));
    }
    let count = |from, to| {
        let window = RecordWindow { from, to };
        store.records(window, &RecordFilter::default()).unwrap().count()
    };
    let shown_end = |number| day(number).end - Millis::SECOND;
    assert_eq!(count(day(0).start, shown_end(2)), 30);
    assert_eq!(count(day(1).start, shown_end(1)), 10);
    assert_eq!(count(day(1).start, shown_end(1) - Millis(1)), 0);
    assert_eq!(count(day(1).start + Millis(1), shown_end(2)), 10);
    assert_eq!(count(day(2).start, shown_end(0)), 0);
}

#[test]
fn a_record_is_found_by_its_id_inside_the_set_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    for number in 0..3 {
        publish(&writer, day(number), &records(day(number), 100));
    }
    let set = store.records(ALL, &RecordFilter::default()).unwrap();
    for served in set.page(95, 10).unwrap() {
        let id = served.record.id(&source(), served.period);
        assert_eq!(set.find(id).unwrap(), Some(served.clone()));
        let one = RecordFilter {
            source: None,
            accounts: Some(vec![(source(), AccountId(served.record.account.0 + 1))]),
            usage_type: None,
        };
        assert_eq!(store.records(ALL, &one).unwrap().find(id).unwrap(), None);
    }
    let elsewhere = record(2, 1, 1, day(9)).id(&source(), day(9));
    assert_eq!(set.find(elsewhere).unwrap(), None);
}

#[test]
fn sources_keep_their_order_whatever_came_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    publish(&writer, day(0), &records(day(0), 5));
    // A name that sorts before: ranks shift, files stay.
    let earlier = SourceName::new("a-cloud").unwrap();
    writer.source(&earlier).unwrap();
    let set = store.records(ALL, &RecordFilter::default()).unwrap();
    for served in set.page(0, 10).unwrap() {
        assert_eq!(set.sources().name(served.record.source), &source());
    }
    let none =
        RecordFilter { accounts: Some(vec![(earlier, AccountId(2))]), ..RecordFilter::default() };
    assert_eq!(store.records(ALL, &none).unwrap().count(), 0);
}
