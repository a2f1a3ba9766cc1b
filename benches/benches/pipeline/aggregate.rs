//! Events to published records.
//!
//! `fold` is the arithmetic alone, on one thread and in memory: group by
//! resource, fold to segments, cut at 31 days, sum. `recompute` is a dry run of
//! the rebuild of the month: it reads the lake, folds over all cores, reads what
//! is published and compares. `publish` is the first back-fill of the month with
//! everything that makes it durable.

use std::collections::BTreeMap;

use cloudtally_aggregate::{Plan, Target, add_resource, aggregate, fold::Fold};
use cloudtally_model::{
    Calendar, EventCode, Period, ResourceId, ResourceKind, SourceId, UsageEvent, UsageRecord,
    event_code, kinds_of,
};
use criterion::{BatchSize, Criterion, Throughput};

use crate::cloud::{Month, afterwards, open};

pub(crate) fn benches(criterion: &mut Criterion, month: &Month) {
    let mut group = criterion.benchmark_group("aggregate");
    let store = month.published();
    let recompute = || {
        aggregate(Target::DryRun(&store), Plan::RebuildAll, afterwards(), &mut |_| {})
            .expect("the month aggregates")
    };
    let report = recompute();
    assert_eq!(report.unchanged, 31, "a rebuild changes nothing");
    group.sample_size(10).throughput(Throughput::Elements(report.records));

    let periods = days(&month.events);
    group.bench_function("fold", |bencher| bencher.iter(|| fold(&month.events, &periods)));
    group.bench_function("recompute", |bencher| bencher.iter(recompute));
    group.bench_function("publish", |bencher| {
        bencher.iter_batched_ref(
            || {
                let dir = month.ingested_copy();
                (open(dir.path()), dir)
            },
            |(store, _)| assert_eq!(month.publish(store), report.records),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// The days of the history, in UTC.
fn days(events: &[UsageEvent]) -> Vec<Period> {
    let first = events.first().expect("a month has events").created;
    Calendar::utc_days().complete_periods(first, afterwards()).collect()
}

fn fold(events: &[UsageEvent], periods: &[Period]) -> Vec<Vec<UsageRecord>> {
    let mut resources: BTreeMap<(ResourceKind, ResourceId), Vec<(EventCode, &UsageEvent)>> =
        BTreeMap::new();
    for event in events {
        let Some(code) = event_code(&event.event_type) else { continue };
        for kind in kinds_of(code) {
            resources.entry((kind, event.resource)).or_default().push((code, event));
        }
    }
    let end = periods.last().expect("a month has days").end;
    let mut records = vec![Vec::new(); periods.len()];
    for ((kind, resource), events) in resources {
        let mut fold = Fold::resume(SourceId(0), kind, resource, Vec::new());
        for (code, event) in events {
            fold.apply(code, event, &|_| None);
        }
        add_resource(&fold.finish(end, &|_| None).segments, periods, &mut records);
    }
    records
}
