//! The committed sample dump gives the committed expected records, which an
//! independent script derived from the rules.

use std::{collections::BTreeSet, fs, process::Command};

use crate::support::{Cloudtally, Row, csv_rows, repository, tools_are_required};

fn sample(name: &str) -> String {
    repository().join("sample-data").join(name).display().to_string()
}

fn check(zone: &str, expected_file: &str) {
    let cloudtally = Cloudtally::new();
    cloudtally.ok(&["settings", "usage.aggregation.timezone", zone]);
    cloudtally.ok(&["ingest", "accounts", &sample("account.csv")]);
    let events = cloudtally.ok(&["ingest", "events", &sample("usage_event.csv")]);
    let samples = cloudtally.ok(&["ingest", "samples", &sample("network_sample.csv")]);
    assert!(events.contains("read 89, accepted 84, duplicate 1, quarantined 4"), "{events}");
    assert!(samples.contains("read 25, accepted 22, duplicate 1, quarantined 2"), "{samples}");
    cloudtally.ok(&["aggregate", "--from", "2026-03-05", "--to", "2026-03-09"]);

    let ours = csv_rows(&cloudtally.export());
    let expected = csv_rows(&fs::read_to_string(sample(expected_file)).unwrap());
    let columns: BTreeSet<&String> = expected[0].keys().collect();
    let pick = |rows: &[Row]| -> BTreeSet<Vec<String>> {
        rows.iter().map(|row| columns.iter().map(|c| row[*c].clone()).collect()).collect()
    };
    let (a, b) = (pick(&ours), pick(&expected));
    let extra: Vec<_> = a.difference(&b).collect();
    let missing: Vec<_> = b.difference(&a).collect();
    assert!(
        extra.is_empty() && missing.is_empty(),
        "{zone}: columns {columns:?}\nours only: {extra:#?}\nexpected only: {missing:#?}"
    );
    assert_eq!(ours.len(), expected.len());
}

#[test]
fn the_sample_dump_in_utc() {
    check("UTC", "expected_UTC.csv");
}

#[test]
fn the_sample_dump_in_new_york_over_the_clock_change() {
    check("America/New_York", "expected_America_New_York.csv");
}

#[test]
fn the_expected_records_are_what_the_script_derives() {
    let script = repository().join("sample-data/expected.py");
    match Command::new("python3").arg(script).arg("--check").output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(cause) if tools_are_required() => panic!("python3 cannot be started: {cause}"),
        Err(cause) => eprintln!("skipped: python3 cannot be started: {cause}"),
    }
}
