//! Questions to published records: a count, the first page, the last page, an
//! account's page, a record by its id, an export.
//!
//! Pages are as `listUsageRecords` asks for them: the set is made anew each time,
//! from the catalogue, and holds all days.

use cloudtally_aggregate::{ExportTarget, FORMATS, export};
use cloudtally_model::Instant;
use cloudtally_store::{RecordFilter, RecordSet, RecordWindow, Store};
use criterion::{Criterion, Throughput};

use crate::cloud::{Month, folder};

/// The largest page that a client may ask for by default.
const PAGE_ROWS: u64 = 500;
const ALL: RecordWindow = RecordWindow { from: Instant::EPOCH, to: Instant::END_OF_TIME };

pub(crate) fn benches(criterion: &mut Criterion, month: &Month) {
    let store = month.published();
    let count = all(&store).count();
    let last = (count - 1) / PAGE_ROWS * PAGE_ROWS;
    let records = all(&store).page(last, PAGE_ROWS).expect("the page reads");
    let record = records.last().expect("the last page holds something");
    let source = all(&store).sources().name(record.record.source).clone();
    let account = RecordFilter {
        source: None,
        accounts: Some(vec![(source.clone(), record.record.account)]),
        usage_type: None,
    };
    let id = record.record.id(&source, record.period);

    let mut group = criterion.benchmark_group("read");
    group.bench_function("count", |bencher| bencher.iter(|| all(&store).count()));
    group.bench_function("first page", |bencher| {
        bencher.iter(|| all(&store).page(0, PAGE_ROWS).expect("the page reads"));
    });
    group.bench_function("last page", |bencher| {
        bencher.iter(|| all(&store).page(last, PAGE_ROWS).expect("the page reads"));
    });
    group.bench_function("account's first page", |bencher| {
        bencher.iter(|| {
            let set = store.records(ALL, &account).expect("the catalogue reads");
            set.page(0, PAGE_ROWS).expect("the page reads")
        });
    });
    group.bench_function("record by id", |bencher| {
        bencher.iter(|| all(&store).find(id).expect("the period reads").expect("it is there"));
    });
    group.finish();

    let mut group = criterion.benchmark_group("export");
    group.sample_size(10).throughput(Throughput::Elements(count));
    let dir = folder();
    for format in FORMATS {
        let target = ExportTarget::File(dir.path().join(format.name));
        group.bench_function(format.name, |bencher| {
            bencher.iter(|| {
                let accounts = store.accounts().expect("the accounts read");
                let calendar = store.calendar().expect("the settings read");
                let written =
                    export(&all(&store), accounts, calendar, format, &target, &mut |_| {});
                assert_eq!(written.expect("there is room"), count);
            });
        });
    }
    group.finish();
}

fn all(store: &Store) -> RecordSet {
    store.records(ALL, &RecordFilter::default()).expect("the catalogue reads")
}
