//! Publishing and reading again.

use cloudtally_model::{EventId, Millis, Period, ResourceId, Sources, UsageTypeId};
use cloudtally_store::{
    Anomaly, EmptyStretch, Inputs, PeriodDraft, Publication, RecordFilter, StagedPeriod, Store,
    StoreError, Writer,
};

use crate::support::{
    ALL, all_records, assert_clean, counter, day, records, segment, source, writer,
};

fn draft(period: Period) -> PeriodDraft<'static> {
    PeriodDraft {
        period,
        records: None,
        open: None,
        counters: None,
        anomalies: None,
        inputs: Inputs { events_seq: 1, samples_seq: None, accounts_seq: 0 },
    }
}

fn of(periods: Vec<StagedPeriod>) -> Publication {
    Publication { periods, ..Publication::default() }
}

fn publish(writer: &Writer, drafts: &[PeriodDraft<'_>]) -> Result<(), StoreError> {
    let sources = writer.snapshot()?.sources;
    let staged = drafts.iter().map(|draft| writer.stage(draft, &sources));
    writer.publish(staged.collect::<Result<_, _>>()?)
}

fn anomaly(period: Period, event: u64) -> Anomaly {
    Anomaly {
        period,
        source: source(),
        event: Some(EventId(event)),
        usage_type: UsageTypeId::RUNNING_VM,
        resource: ResourceId(4),
        at: period.start,
        text: "stopped while stopped".to_owned(),
    }
}

#[test]
fn periods_cut_by_a_calendar_that_was_changed_meanwhile_are_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let sources = writer.snapshot().unwrap().sources;
    let content = records(day(0), 5);
    let draft = PeriodDraft { records: Some(&content), open: Some(&[]), ..draft(day(0)) };
    let cut_by = writer.calendar().unwrap();
    let staged = vec![writer.stage(&draft, &sources).unwrap()];
    writer.set_setting("usage.aggregation.timezone", "Europe/Berlin").unwrap();
    let refused = writer.publish_cut_by(cut_by, of(staged)).unwrap_err();
    assert!(matches!(refused, StoreError::CalendarChanged { .. }), "{refused}");
    assert_eq!(writer.snapshot().unwrap().periods, []);
    writer.set_setting("usage.aggregation.timezone", "UTC").unwrap();
    let staged = vec![writer.stage(&draft, &sources).unwrap()];
    writer.publish_cut_by(cut_by, of(staged)).unwrap();
    assert_eq!(writer.snapshot().unwrap().periods.len(), 1);
    drop(writer);
    assert_clean(dir.path());
}

#[test]
fn a_period_comes_back_as_it_was_published_and_keeps_what_a_draft_leaves_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let (first, second) = (records(day(0), 50), records(day(0), 30));
    let open = [segment(1, day(0).start), segment(2, day(0).start)];
    let counters = [counter(1, day(0)), counter(2, day(0)), counter(3, day(0))];
    let anomalies = [anomaly(day(0), 1), anomaly(day(0), 2)];
    let everything = PeriodDraft {
        records: Some(&first),
        open: Some(&open),
        counters: Some(&counters),
        anomalies: Some(&anomalies),
        ..draft(day(0))
    };
    publish(&writer, &[everything]).unwrap();

    let check = |generation: u32, expected: &[_], samples_seq: Option<u64>| {
        let snapshot = store.snapshot().unwrap();
        let period = &snapshot.periods[0];
        assert_eq!((period.generation, period.rows), (generation, expected.len() as u64));
        assert_eq!(period.inputs.samples_seq, samples_seq);
        assert_eq!(store.read_records(period, &snapshot.sources).unwrap(), expected);
        assert_eq!(store.read_open(period, &snapshot.sources).unwrap(), open);
        assert_eq!(store.read_counters(period, &snapshot.sources).unwrap(), counters);
    };
    check(1, &first, None);
    assert_eq!(store.anomaly_count().unwrap(), 2);

    let new_records = PeriodDraft { records: Some(&second), ..draft(day(0)) };
    publish(&writer, &[new_records]).unwrap();
    check(2, &second, None);
    assert!(dir.path().join("generations/20260101T000000Z/1.parquet").exists(), "history stays");

    let inputs = Inputs { events_seq: 1, samples_seq: Some(3), accounts_seq: 0 };
    publish(&writer, &[PeriodDraft { inputs, anomalies: Some(&[]), ..draft(day(0)) }]).unwrap();
    check(2, &second, Some(3));
    assert_eq!(store.anomalies(9).unwrap(), []);

    let same_open = PeriodDraft { open: Some(&open), ..draft(day(0)) };
    publish(&writer, &[same_open]).unwrap();
    check(2, &second, None);
    drop(writer);
    assert_clean(dir.path());
}

#[test]
fn the_same_rows_make_the_same_bytes() {
    let mut checksums = Vec::new();
    for _ in 0..2 {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let writer = writer(&store);
        writer.source(&source()).unwrap();
        let records = records(day(0), 500);
        publish(&writer, &[PeriodDraft { records: Some(&records), ..draft(day(0)) }]).unwrap();
        let period = store.snapshot().unwrap().periods.remove(0);
        let file = std::fs::read(dir.path().join(&period.records.path)).unwrap();
        let text = String::from_utf8_lossy(&file);
        assert!(!text.contains("parquet-rs") && !text.contains("ARROW"), "no version in the file");
        checksums.push(period.records.sha256);
    }
    assert_eq!(checksums[0], checksums[1]);
}

#[test]
fn a_set_that_is_open_does_not_notice_a_new_generation() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let (old, new) = (records(day(0), 40), records(day(0), 10));
    publish(&writer, &[PeriodDraft { records: Some(&old), ..draft(day(0)) }]).unwrap();
    let set = store.records(ALL, &RecordFilter::default()).unwrap();
    publish(&writer, &[PeriodDraft { records: Some(&new), ..draft(day(0)) }]).unwrap();
    let page = set.page(0, 100).unwrap();
    assert_eq!((set.count(), page.len()), (40, 40));
    assert!(page.iter().all(|served| served.generation == 1));
    assert!(page.iter().map(|served| &served.record).eq(&old));
    assert_eq!(all_records(&store).len(), 10);
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let sorted = records(day(0), 9);
    let mut unsorted = sorted.clone();
    unsorted.swap(3, 4);
    let with = |period, records| PeriodDraft { records: Some(records), ..draft(period) };
    let refused = |drafts: &[PeriodDraft<'_>], part: &str| {
        let error = publish(&writer, drafts).unwrap_err().to_string();
        assert!(error.contains(part), "`{part}` in: {error}");
    };
    refused(&[with(day(0), &unsorted)], "not sorted at row 4");
    refused(&[with(day(1), &sorted), draft(day(0))], "has no records yet");
    assert_eq!(store.snapshot().unwrap().periods, [], "all or none");
    let half = Period { end: day(0).start + Millis::HOUR, ..day(0) };
    refused(&[with(day(0), &sorted), with(half, &sorted)], "overlaps the published period");
    publish(&writer, &[with(day(0), &sorted)]).unwrap();
    refused(&[with(half, &sorted)], "overlaps the published period");
    let snapshot = store.snapshot().unwrap();
    let error = store.read_open(&snapshot.periods[0], &snapshot.sources).unwrap_err();
    assert!(error.to_string().contains("no open segments"), "{error}");
    let nobody = store.read_records(&snapshot.periods[0], &Sources::default()).unwrap_err();
    assert!(nobody.to_string().contains("no source `default`"), "{nobody}");
    drop(writer);
    assert_clean(dir.path());
}

#[test]
fn staged_periods_that_are_not_published_go_away() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let records = records(day(0), 9);
    let draft = PeriodDraft { records: Some(&records), ..draft(day(0)) };
    let staged = writer.stage(&draft, &store.snapshot().unwrap().sources).unwrap();
    let folder = dir.path().join("generations/20260101T000000Z");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    drop(staged);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn empty_periods_are_one_row_until_something_is_found_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let writer = writer(&store);
    writer.source(&source()).unwrap();
    let calendar = cloudtally_model::Calendar::utc_days();
    let inputs = Inputs { events_seq: 1, samples_seq: Some(1), accounts_seq: 0 };
    let days = |from: i64, to: i64| Period { start: day(from).start, end: day(to).end };
    let publish = |empty: &[EmptyStretch], drafts: &[PeriodDraft<'_>]| {
        let sources = store.snapshot().unwrap().sources;
        let staged = drafts.iter().map(|draft| writer.stage(draft, &sources).unwrap());
        let periods = staged.collect();
        let publication = Publication { empty: empty.to_vec(), periods, ..Publication::default() };
        writer.publish_cut_by(calendar, publication)
    };
    let stretches = || store.snapshot().unwrap().stretches;
    publish(&[EmptyStretch { extent: days(0, 3), inputs }], &[]).unwrap();
    publish(&[EmptyStretch { extent: days(4, 999), inputs }], &[]).unwrap();
    assert_eq!(stretches(), [EmptyStretch { extent: days(0, 999), inputs }], "joined");
    assert_eq!(store.snapshot().unwrap().first_published(), Some(days(0, 999)));

    // A day in the middle gets records: its second generation.
    let records = records(day(5), 9);
    let found = PeriodDraft { records: Some(&records), open: Some(&[]), ..draft(day(5)) };
    publish(&[], std::slice::from_ref(&found)).unwrap();
    let (before, behind) = (days(0, 4), days(6, 999));
    let rest = [before, behind].map(|extent| EmptyStretch { extent, inputs });
    assert_eq!(stretches(), rest);
    assert_eq!(store.snapshot().unwrap().periods[0].generation, 2);
    // One that stays without keeps its first.
    let nothing = PeriodDraft { records: Some(&[]), open: Some(&[]), ..draft(day(7)) };
    publish(&[], &[nothing]).unwrap();
    assert_eq!(store.snapshot().unwrap().periods[1].generation, 1);

    // A part that is computed again knows more; with files no period is empty.
    let more = Inputs { events_seq: 2, ..inputs };
    publish(&[EmptyStretch { extent: days(0, 1), inputs: more }], &[]).unwrap();
    assert_eq!(stretches()[0], EmptyStretch { extent: days(0, 1), inputs: more });
    assert_eq!(stretches()[1], EmptyStretch { extent: days(2, 4), inputs });
    let refused = publish(&[EmptyStretch { extent: days(3, 5), inputs }], &[]).unwrap_err();
    assert!(matches!(refused, StoreError::PeriodOverlap { .. }), "{refused}");
    assert_eq!(stretches().len(), 4, "all or none");
    let published = store.snapshot().unwrap().published();
    assert!(published.windows(2).all(|pair| pair[0].0.end == pair[1].0.start), "{published:?}");
}
