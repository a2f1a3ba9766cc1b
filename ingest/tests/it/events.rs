//! Events: kept once, compared on a second sight, set aside when they contradict.

use cloudtally_ingest::write::Format;
use cloudtally_model::UsageEvent;
use cloudtally_store::Stream;

use crate::{Cloud, at, counts, event};

const HEADER: &str = "id,type,created,account_id,zone_id,resource_id,size";

#[test]
fn the_same_file_in_any_format_adds_nothing() {
    let cloud = Cloud::new();
    let events: Vec<UsageEvent> = (1..3000).map(event).collect();
    let first = cloud.rows("a.csv", Format::Csv, &events);
    let summary = cloud.ingest(Stream::Events, &[&first]);
    assert_eq!(summary.counts, counts(2999, 2999, 0, 0));
    for format in Format::ALL {
        let again = cloud.rows(format.extension(), format, &events);
        let summary = cloud.ingest(Stream::Events, &[&again]);
        assert_eq!(summary.counts, counts(2999, 0, 2999, 0), "{format:?}");
    }
    let stored: Vec<UsageEvent> = cloud.events().into_iter().map(|(_, event)| event).collect();
    assert_eq!(stored, events);
}

#[test]
fn sources_do_not_meet() {
    let cloud = Cloud::new();
    let file = cloud.rows("a.csv", Format::Csv, &[event(1)]);
    for source in ["east", "west"] {
        let summary = cloud.try_ingest_of(source, Stream::Events, &[&file]).unwrap();
        assert_eq!(summary.counts, counts(1, 1, 0, 0));
    }
    let sources: Vec<String> = cloud.events().into_iter().map(|(source, _)| source).collect();
    assert_eq!(sources, ["east", "west"]);
}

#[test]
fn a_contradiction_is_set_aside_and_the_first_stays() {
    let cloud = Cloud::new();
    let row = "VM.START,2026-01-31 23:59:59,2,1,9";
    let first = cloud.file("first.csv", format!("{HEADER}\n1,{row},\n"));
    cloud.ingest(Stream::Events, &[&first]);

    // Against what is stored, and within one batch.
    let text = format!(
        "{HEADER}\n1,{row},77\n2,{row},\n1,{row},\n2,VM.STOP,2026-01-31 23:59:59,2,1,9,\n2,{row},\n"
    );
    let second = cloud.file("second.csv", text);
    let summary = cloud.ingest(Stream::Events, &[&second]);
    assert_eq!(summary.counts, counts(5, 1, 2, 2));
    let expected = [
        (
            "second.csv".to_owned(),
            1,
            "event 1 is already there with another `size`: nothing was stored, `77` comes now"
                .to_owned(),
            format!("1,{row},77"),
        ),
        (
            "second.csv".to_owned(),
            4,
            "event 2 is already there with another `type`: `VM.START` was stored, `VM.STOP` comes \
             now"
            .to_owned(),
            "2,VM.STOP,2026-01-31 23:59:59,2,1,9,".to_owned(),
        ),
    ];
    assert_eq!(cloud.quarantined(), expected);
    let reasons: Vec<&str> = summary.first_quarantined.iter().map(|row| &*row.reason).collect();
    assert_eq!(reasons, [&*expected[0].2, &*expected[1].2]);
    assert!(cloud.events().iter().all(|(_, event)| event.size.is_none()));

    // The same file again: the quarantine has these rows already.
    let summary = cloud.ingest(Stream::Events, &[&second]);
    assert_eq!(summary.counts, counts(5, 0, 3, 2));
    assert_eq!(cloud.quarantined(), expected);
}

#[test]
fn a_contradiction_in_parquet_is_spelt_as_json() {
    let cloud = Cloud::new();
    let first = cloud.rows("a.csv", Format::Csv, &[event(1)]);
    let other = UsageEvent { created: at("2026-02-01 00:00:00"), ..event(1) };
    let second = cloud.rows("b.parquet", Format::Parquet, &[other]);
    let summary = cloud.ingest(Stream::Events, &[&first, &second]);
    assert_eq!(summary.counts, counts(2, 1, 0, 1));
    let by_input: Vec<_> = summary.inputs.iter().map(|input| input.counts).collect();
    assert_eq!(by_input, [counts(1, 1, 0, 0), counts(1, 0, 0, 1)]);
    let [(input, row, reason, raw)] = &cloud.quarantined()[..] else { panic!() };
    assert_eq!((&**input, *row), ("b.parquet", 1));
    assert_eq!(
        reason,
        "event 1 is already there with another `created`: `2026-01-31 22:54:20` was stored, \
         `2026-02-01 00:00:00` comes now"
    );
    assert_eq!(
        raw,
        "{\"id\":1,\"type\":\"VM.START\",\"created\":\"2026-02-01 00:00:00\",\"account_id\":2,\
         \"zone_id\":1,\"resource_id\":7,\"resource_name\":\"vm-1\",\"offering_id\":3,\
         \"template_id\":null,\"size\":null,\"virtual_size\":null,\"resource_type\":\"KVM\",\
         \"processed\":0}"
    );
}

#[test]
fn processed_is_not_content() {
    let cloud = Cloud::new();
    let header = "id,type,created,account_id,zone_id,resource_id,processed";
    let row = "1,VM.START,2026-01-31 23:59:59,2,1,9";
    let text = format!("{header}\n{row},0\n{row},1\n{row},whatever\n");
    let file = cloud.file("a.csv", text);
    assert_eq!(cloud.ingest(Stream::Events, &[&file]).counts, counts(3, 1, 2, 0));
}

#[test]
fn a_run_is_on_record() {
    let cloud = Cloud::new();
    let file = cloud.file("a.csv", format!("{HEADER}\n1,VM.START,never,2,1,9,\n"));
    cloud.ingest(Stream::Events, &[&file]);
    let run = cloud.store.ingest_runs(10).unwrap().remove(0);
    assert_eq!((run.read, run.accepted, run.duplicate, run.quarantined), (1, 0, 0, 1));
    assert!(run.finished);
    assert_eq!(run.inputs, file.display().to_string());
}

#[test]
fn types_that_nothing_meters_are_counted_by_name() {
    let cloud = Cloud::new();
    let text = format!(
        "{HEADER}\n1, vm.create ,2026-01-31 23:59:59,2,1,9,\n2,VM.REBOOT,2026-01-31 23:59:59,2,1,9,\n\
         3,vm.reboot,2026-01-31 23:59:59,2,1,9,\n4,VM.STRAT,2026-01-31 23:59:59,2,1,9,\n"
    );
    let file = cloud.file("a.csv", text);
    let summary = cloud.ingest(Stream::Events, &[&file]);
    assert_eq!(summary.counts, counts(4, 4, 0, 0));
    let expected = [("VM.REBOOT".to_owned(), 2), ("VM.STRAT".to_owned(), 1)];
    assert_eq!(summary.without_meter.into_iter().collect::<Vec<_>>(), expected);
    let stored = || {
        let events = cloud.store.unmetered_events().unwrap().into_iter();
        events.map(|events| (events.event_type, events.rows)).collect::<Vec<_>>()
    };
    assert_eq!(stored(), expected);

    // The same file again: duplicates are not accepted and not counted.
    let summary = cloud.ingest(Stream::Events, &[&file]);
    assert_eq!(summary.counts, counts(4, 0, 4, 0));
    assert!(summary.without_meter.is_empty());
    assert_eq!(stored(), expected);
}

#[test]
fn a_source_of_endless_types_is_counted_in_bounds() {
    let cloud = Cloud::new();
    let rows = (1..=1500).map(|id| format!("{id},TYPE.{id},2026-01-31 23:59:59,2,1,9,\n"));
    let file = cloud.file("a.csv", format!("{HEADER}\n{}", rows.collect::<String>()));
    assert_eq!(cloud.ingest(Stream::Events, &[&file]).counts, counts(1500, 1500, 0, 0));
    let stored = cloud.store.unmetered_events().unwrap();
    assert_eq!(stored.len(), 1001);
    assert_eq!(stored.iter().map(|events| events.rows).sum::<u64>(), 1500);
    assert_eq!((&*stored[0].event_type, stored[0].rows), ("(other types)", 500));
}

#[test]
fn names_that_two_exports_render_differently_are_one_row() {
    let cloud = Cloud::new();
    let header = "id,type,created,account_id,zone_id,resource_id,resource_name";
    let start = "VM.START,2026-01-31 23:59:59,2,1,9";
    let nic = "NETWORK.OFFERING.ASSIGN,2026-01-31 23:59:59,2,1,9";
    let first = cloud.file("a.csv", format!("{header}\n1,{start},one\n2,{nic},17\n"));
    let second = cloud.file("b.csv", format!("{header}\n1,{start},ONE?\n2,{nic},18\n"));
    cloud.ingest(Stream::Events, &[&first]);
    assert_eq!(cloud.ingest(Stream::Events, &[&second]).counts, counts(2, 0, 1, 1));
    assert_eq!(
        cloud.quarantined()[0].2,
        "event 2 is already there with another `resource_name`: `17` was stored, `18` comes now"
    );
    let names: Vec<_> = cloud.events().into_iter().map(|(_, e)| e.resource_name).collect();
    assert_eq!(names, [Some("one".into()), Some("17".into())]);
}

#[test]
fn the_quarantine_counts_all_rows_and_keeps_the_first_of_each_reason() {
    let cloud = Cloud::new();
    let bad = (1..=2500).map(|id| format!("{id},VM.START,never,2,1,9,\n"));
    let other = "9001,VM.START,2026-01-31 23:59:59,2,1,nine,\n";
    let file = cloud.file("a.csv", format!("{HEADER}\n{}{other}", bad.collect::<String>()));
    for _ in 0..2 {
        let summary = cloud.ingest(Stream::Events, &[&file]);
        assert_eq!(summary.counts, counts(2501, 0, 0, 2501));
    }
    let kinds = cloud.store.quarantine_kinds(None).unwrap();
    let [never, nine] = &kinds[..] else { panic!("{kinds:?}") };
    // Rows that are not kept cannot be told from new ones when they come again.
    assert_eq!((never.kept, never.not_kept), (1000, 3000));
    assert!(never.example.starts_with("column `created`: `never` is not an instant"));
    assert_eq!((nine.kept, nine.not_kept), (1, 0));
    assert_eq!(cloud.store.quarantine_count().unwrap(), 4001);
    assert_eq!(cloud.quarantined().len(), 1000);

    // Emptied, it begins anew.
    let wait = cloudtally_store::LockWait { limit: std::time::Duration::ZERO, on_wait: &mut || {} };
    let writer = cloud.store.writer(wait).unwrap();
    let elsewhere = cloudtally_model::SourceName::new("elsewhere").unwrap();
    assert_eq!(writer.empty_quarantine(Some(&elsewhere)).unwrap(), 0);
    assert_eq!(writer.empty_quarantine(None).unwrap(), 4001);
    drop(writer);
    assert_eq!((cloud.store.quarantine_count().unwrap(), cloud.quarantined()), (0, vec![]));
}
