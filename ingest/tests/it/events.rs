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
