//! Outputs of the crate: totals, findings of the sanity checks, exports.

use std::{collections::BTreeMap, fs::File};

use arrow_array::{
    Array, RecordBatch, cast::AsArray, types::Decimal128Type, types::Int64Type,
    types::TimestampMillisecondType,
};
use arrow_schema::DataType;
use cloudtally_aggregate::{
    ExportFormat, ExportTarget, FORMATS, GroupBy, Lines, Periods, export, export_columns,
    sanity_checks, totals,
};
use cloudtally_model::{Instant, Millis, Period, Segment, UsageRecord, UsageTypeId};
use cloudtally_store::{PeriodDraft, PublishedPeriod, Severity};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use crate::{
    random::{end, histories, ingested},
    support::{World, at, events, samples},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn totals_are_sums(histories in histories(60)) {
        let world = ingested("Europe/Paris", "360", &histories);
        let traffic = "2026-03-28 06:00:00 9 0 0\n2026-03-28 12:00:00 9 100 10";
        world.samples("alpha", &samples(traffic));
        world.job(end());
        let (set, calendar) = (world.set(), world.calendar());
        let accounts = world.writer.accounts().unwrap();
        // By ids in their source, however accounts are called.
        let mut expected: BTreeMap<_, (u64, i128)> = BTreeMap::new();
        for served in world.served() {
            let record = &served.record;
            let source = set.sources().name(record.source);
            let keys = vec![
                calendar.date_of(served.period.start).to_string(),
                record.account.to_string(),
                record.zone.number().map_or_else(String::new, |zone| zone.to_string()),
            ];
            let row =
                expected.entry((keys, Some(source.clone()), record.usage_type)).or_default();
            *row = (row.0 + 1, row.1 + i128::from(record.quantity));
        }
        let groups = [GroupBy::Day, GroupBy::Account, GroupBy::Zone];
        let found = totals(&set, &accounts, calendar, &groups).unwrap();
        let shown: std::collections::BTreeSet<_> =
            found.lines().map(|t| ([0, 1, 2].map(|at| t.label(at)), t.usage_type())).collect();
        prop_assert_eq!(shown.len(), found.len(), "different lines show different things");
        let found: BTreeMap<_, _> = found
            .lines()
            .map(|t| {
                let keys = [0, 1, 2].map(|at| t.key(at).to_owned()).to_vec();
                ((keys, t.source().cloned(), t.usage_type()), (t.records(), t.quantity()))
            })
            .collect();
        prop_assert_eq!(&found, &expected);

        // Whatever the groups, all is there.
        let all: i128 = expected.values().map(|(_, quantity)| quantity).sum();
        for groups in [&[][..], &[GroupBy::Type], &[GroupBy::Source, GroupBy::Resource],
            &[GroupBy::Offering], &[GroupBy::Domain]] {
            let found = totals(&set, &accounts, calendar, groups).unwrap();
            prop_assert_eq!(found.lines().map(|t| t.quantity()).sum::<i128>(), all);
            prop_assert_eq!(found.lines().map(|t| t.records()).sum::<u64>(), set.count());
        }
    }

    #[test]
    fn three_formats_say_the_same(histories in histories(60)) {
        let world = ingested("Europe/Paris", "720", &histories);
        let traffic = "2026-03-28 06:00:00 9 0 0\n2026-03-28 12:00:00 9 9223372036854775807 10";
        world.samples("alpha", &samples(traffic));
        world.job(end());
        let dir = tempfile::tempdir().unwrap();
        let accounts = world.writer.accounts().unwrap();
        let (set, calendar) = (world.set(), world.calendar());
        let write = |format, name: &str| {
            let path = dir.path().join(name);
            let target = ExportTarget::File(path.clone());
            let written =
                export(&set, accounts.clone(), calendar, format, &target, &mut |_| {}).unwrap();
            assert_eq!(written, set.count());
            path
        };
        let csv = read_csv(&write(ExportFormat::CSV, "records.csv"));
        let json = read_json(&write(ExportFormat::JSON_LINES, "records.jsonl"));
        let parquet = read_parquet(&write(ExportFormat::PARQUET, "records.parquet"), calendar);
        prop_assert_eq!(&csv, &json);
        prop_assert_eq!(&csv, &parquet);

        // The order of the set, and the words of the record.
        let served = world.served();
        prop_assert_eq!(csv.len(), served.len());
        let mut lines = Lines::new(calendar, set.sources().clone(), accounts.clone());
        for (row, served) in csv.iter().zip(&served) {
            let (line, record) = (lines.line(served), &served.record);
            let cell = |name: &str| row[name].as_str();
            prop_assert_eq!(cell("recordid"), line.record_id.to_string());
            prop_assert_eq!(cell("startdate"), calendar.show(record.start));
            prop_assert_eq!(cell("enddate"), calendar.show(served.period.end - Millis::SECOND));
            prop_assert_eq!(cell("usage"), record.usage());
            prop_assert_eq!(cell("rawusage"), record.raw_usage());
            prop_assert_eq!(cell("quantity"), record.quantity.to_string());
            prop_assert_eq!(cell("description"), record.description());
            prop_assert_eq!(cell("accountid"), record.account.to_string());
        }
    }
}

type Row = BTreeMap<String, String>;

/// More than one core takes at a time, and days that do not end with a chunk.
#[test]
fn an_export_is_the_same_bytes_on_one_core_and_on_four() {
    let world = World::utc();
    let text: String = (1..=13_001u32)
        .map(|rule| format!("2026-03-28 {:02}:{:02}:00 LB.CREATE {rule}\n", rule % 24, rule % 60))
        .collect();
    world.events("default", &events(&text));
    world.job(at("2026-04-01 00:00:00"));
    let dir = tempfile::tempdir().unwrap();
    let (set, calendar) = (world.set(), world.calendar());
    assert_eq!(set.count(), 4 * 13_001);
    let accounts = world.writer.accounts().unwrap();
    for format in FORMATS {
        let bytes = |threads: usize| {
            let path = dir.path().join(format!("{threads}"));
            let target = ExportTarget::File(path.clone());
            let mut told = Vec::new();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut progress = |written| told.push(written);
                export(&set, accounts.clone(), calendar, format, &target, &mut progress).unwrap()
            });
            assert!(told.is_sorted() && told.last() == Some(&set.count()), "{told:?}");
            std::fs::read(path).unwrap()
        };
        let one = bytes(1);
        assert!(one == bytes(4), "{format:?}");
        if format.name == ExportFormat::CSV.name {
            let ids = String::from_utf8(one).unwrap();
            let ids: Vec<&str> =
                ids.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
            let expected = world.served();
            let expected =
                expected.iter().map(|s| s.record.id(set.sources().name(s.record.source), s.period));
            assert!(expected.map(|id| id.to_string()).eq(ids), "every record, in its order");
        }
    }
}

fn read_csv(path: &std::path::Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert!(header.iter().map(String::as_str).eq(export_columns()));
    let row = |row: csv::StringRecord| {
        header.iter().cloned().zip(row.iter().map(str::to_owned)).collect::<Row>()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn read_json(path: &std::path::Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).unwrap();
        assert!(object.keys().map(String::as_str).eq(export_columns()));
        let text = |value: serde_json::Value| match value {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        object.into_iter().map(|(name, value)| (name, text(value))).collect::<Row>()
    };
    text.lines().map(row).collect()
}

fn read_parquet(path: &std::path::Path, calendar: cloudtally_model::Calendar) -> Vec<Row> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let mut rows = Vec::new();
    for batch in builder.build().unwrap() {
        let batch = batch.unwrap();
        let names: Vec<String> =
            batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert!(names.iter().map(String::as_str).eq(export_columns()));
        for at in 0..batch.num_rows() {
            let cell = |column: usize| cell(&batch, column, at, calendar);
            rows.push(names.iter().cloned().enumerate().map(|(c, n)| (n, cell(c))).collect());
        }
    }
    rows
}

fn cell(
    batch: &RecordBatch,
    column: usize,
    row: usize,
    calendar: cloudtally_model::Calendar,
) -> String {
    let array = batch.column(column);
    if array.is_null(row) {
        return String::new();
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Timestamp(..) => {
            let ms = array.as_primitive::<TimestampMillisecondType>().value(row);
            calendar.show(Instant::from_millis(ms))
        }
        DataType::Decimal128(_, 6) => {
            let millionths = array.as_primitive::<Decimal128Type>().value(row);
            let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        other => panic!("{other}"),
    }
}

fn findings(world: &World) -> Vec<(Severity, String)> {
    let found = sanity_checks(&world.writer, Periods::All, Instant::EPOCH, &mut |done, total| {
        assert!(done <= total)
    })
    .unwrap();
    found.into_iter().map(|f| (f.severity, format!("{}: {}", f.subject, f.problem))).collect()
}

fn sane() -> World {
    let world = World::utc();
    let text = "2026-03-01 00:00:00 VM.CREATE 4 o=1
                2026-03-01 12:00:00 VM.START 4 o=1
                2026-03-01 00:00:00 TEMPLATE.CREATE 5 z=1 s=9
                2026-03-01 00:00:00 TEMPLATE.COPY 5 z=2 s=9
                2026-03-01 00:00:00 VOLUME.CREATE 6 s=9";
    world.events("default", &events(text));
    world.account("default", 2, None);
    let traffic = "2026-03-01 06:00:00 9 0 0\n2026-03-01 12:00:00 9 100 10";
    world.samples("default", &samples(traffic));
    world.job(at("2026-03-03 00:00:00"));
    // A folded record and one that late bytes were missing from.
    let late = "2026-03-01 13:00:00 9 110 11\n2026-03-03 12:00:00 9 200 20";
    world.samples("default", &samples(late));
    world.job(at("2026-03-04 00:00:00"));
    world
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert_eq!(findings(&sane()), []);
}

#[test]
fn late_events_that_wait_are_a_warning() {
    let world = sane();
    world.events("default", &events("2026-03-01 18:00:00 VM.STOP 4 id=77"));
    let found = findings(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, Severity::Warning);
    assert!(found[0].1.starts_with("3 published periods"), "{found:?}");
    world.job(at("2026-03-04 00:00:00"));
    assert_eq!(findings(&world), []);
}

/// Publishes something else for the first period and expects to hear of it.
fn check_bad(
    spoil: impl FnOnce(&mut Vec<UsageRecord>, &mut Vec<Segment>, Period),
    expected: &[&str],
) {
    let world = sane();
    let snapshot = world.writer.snapshot().unwrap();
    let known = &snapshot.periods[2];
    let mut records = world.writer.read_records(known, &snapshot.sources).unwrap();
    let mut open = world.writer.read_open(known, &snapshot.sources).unwrap();
    spoil(&mut records, &mut open, known.period);
    records.sort();
    open.sort();
    publish_instead(&world, known, &records, Some(&open));
    let found = findings(&world);
    for expected in expected {
        assert!(found.iter().any(|(_, text)| text.contains(expected)), "{expected}: {found:?}");
    }
    assert!(!found.is_empty());
}

/// Publishes these records, and segments if some are given, in the place of a period's.
fn publish_instead(
    world: &World,
    known: &PublishedPeriod,
    records: &[UsageRecord],
    open: Option<&[Segment]>,
) {
    let draft = PeriodDraft {
        period: known.period,
        records: Some(records),
        open,
        counters: None,
        anomalies: None,
        inputs: known.inputs,
    };
    let sources = world.writer.snapshot().unwrap().sources;
    world.writer.publish(vec![world.writer.stage(&draft, &sources).unwrap()]).unwrap();
}

#[test]
fn a_run_that_published_many_periods_is_looked_over_as_a_whole() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 00:00:00 VOLUME.CREATE 6 s=9"));
    world.job(at("2026-03-11 00:15:00"));
    let snapshot = world.writer.snapshot().unwrap();
    let known = snapshot.periods[1].clone();
    let mut records = world.writer.read_records(&known, &snapshot.sources).unwrap();
    records[0].quantity += 1;
    publish_instead(&world, &known, &records, None);
    let found =
        |periods| sanity_checks(&world.writer, periods, Instant::EPOCH, &mut |_, _| {}).unwrap();
    for before in [Vec::new(), snapshot.periods] {
        let found = found(Periods::Since(before));
        assert!(found.iter().any(|f| f.subject.contains("2026-03-02")), "{found:?}");
    }
    let before = world.writer.snapshot().unwrap().periods;
    assert_eq!(found(Periods::Since(before)), [], "another run has nothing to do with it");
}

#[test]
fn use_on_the_day_of_a_removal_ends_with_it() {
    let world = sane();
    world.account("default", 2, Some(at("2026-03-02 12:00:00")));
    world.job(at("2026-03-04 00:00:00"));
    let snapshot = world.writer.snapshot().unwrap();
    let known = snapshot.periods[1].clone();
    let mut records = world.writer.read_records(&known, &snapshot.sources).unwrap();
    of_type(&mut records, UsageTypeId::VOLUME).quantity += 1;
    publish_instead(&world, &known, &records, None);
    let found = findings(&world);
    assert!(found.iter().any(|(_, text)| text.contains("account was removed at")), "{found:?}");
}

fn of_type(records: &mut [UsageRecord], id: UsageTypeId) -> &mut UsageRecord {
    records.iter_mut().find(|record| record.usage_type == id).unwrap()
}

#[test]
fn bad_records_are_found() {
    check_bad(
        |records, _, _| of_type(records, UsageTypeId::VOLUME).quantity += 1,
        &["86400001 ms in a period of 86400000 ms"],
    );
    check_bad(
        |records, _, _| of_type(records, UsageTypeId::ALLOCATED_VM).quantity = 1000,
        &["running 86400000 ms, allocated only 1000 ms"],
    );
    check_bad(
        |records, _, _| records.retain(|r| r.usage_type != UsageTypeId::ALLOCATED_VM),
        &["running 86400000 ms, allocated only 0 ms"],
    );
    check_bad(
        |_, open, _| {
            let mut twice = open[0].clone();
            twice.start = twice.start + Millis(1);
            open.push(twice);
        },
        &["2 segments are open where one may be"],
    );
    check_bad(|records, _, _| records[0].quantity -= 3_600_000, &["its events say 86400000"]);
}

#[test]
fn use_after_removal_and_unbalanced_ingest_are_found() {
    let world = sane();
    world.account("default", 2, Some(at("2026-03-02 12:00:00")));
    let found = findings(&world);
    let removed = found.iter().filter(|(_, text)| text.contains("its account was removed"));
    assert!(removed.count() >= 3, "{found:?}");
    world.job(at("2026-03-04 00:00:00"));
    assert_eq!(findings(&world), []);

    let source = crate::support::source("default");
    let mut run = cloudtally_store::IngestRun {
        id: None,
        started_ms: 1,
        source: source.clone(),
        stream: cloudtally_store::Stream::Accounts,
        inputs: "accounts.csv".to_owned(),
        read: 5,
        accepted: 1,
        duplicate: 1,
        quarantined: 1,
        finished: true,
        taken: None,
    };
    world.writer.upsert_accounts(&source, &[], &[], &mut run).unwrap();
    let found = findings(&world);
    assert_eq!(found.len(), 1);
    assert!(found[0].1.contains("read 5 rows, but accepted 1 + duplicate 1 + quarantined 1"));
}
