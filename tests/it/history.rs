//! Answers as of an instant, corrections with their events, and the way back from these.

use std::fs;

use serde_json::Value;

use crate::support::{Cloudtally, csv_rows};

const HEADER: &str =
    "id,type,created,account_id,zone_id,resource_id,resource_name,offering_id,template_id\n";
const ACCOUNTS: &str = "id,account_name,domain_path\n";

/// Commands that print what is published, each without its instant.
const SHOWN: [&[&str]; 7] = [
    &["usage"],
    &["usage", "--group-by", "day,account,resource"],
    &["usage", "--account", "acme", "--json"],
    &["export", "--format", "csv", "--out", "-"],
    &["export", "--format", "csv", "--spreadsheet-safe", "--account", "acme", "--out", "-"],
    &["export", "--format", "jsonl", "--out", "-"],
    &["export", "--format", "parquet", "--out", "-"],
];

fn printed(cloudtally: &Cloudtally, more: &[&str]) -> Vec<Vec<u8>> {
    let run = |arguments: &&[&str]| {
        let output = cloudtally.command(&[arguments, more].concat()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        output.stdout
    };
    SHOWN.iter().map(run).collect()
}

/// A VM whose stop is told three days late.
fn folder() -> Cloudtally {
    let cloudtally = Cloudtally::new();
    cloudtally.ok(&["settings", "usage.source.patience.hours", "-1"]);
    cloudtally.file("a.csv", format!("{ACCOUNTS}2,acme,/a/\n3,birch,/b/\n"));
    cloudtally.ok(&["ingest", "accounts", "a.csv", "--now", "2026-03-01T00:00:00Z"]);
    cloudtally.file(
        "e.csv",
        format!(
            "{HEADER}1,VM.START,2026-03-01 06:00:00,2,1,4,web-1,1,5\n2,VM.START,2026-03-01 00:00:00,3,1,5,db-1,1,5\n"
        ),
    );
    cloudtally.ok(&["ingest", "events", "e.csv", "--now", "2026-03-05T00:00:00Z"]);
    cloudtally.ok(&["aggregate", "--now", "2026-03-05T00:15:00Z"]);
    cloudtally
}

fn hear_of_the_stop(cloudtally: &Cloudtally) {
    cloudtally.file("l.csv", format!("{HEADER}3,VM.STOP,2026-03-02 18:00:00,2,1,4,web-1,1,5\n"));
    cloudtally.ok(&["ingest", "events", "l.csv", "--now", "2026-03-05T10:00:00Z"]);
    // An account is renamed, and another one arrives.
    cloudtally.file("a.csv", format!("{ACCOUNTS}2,acme inc,/a/\n3,birch,/b/\n9,new,/n/\n"));
    cloudtally.ok(&["ingest", "accounts", "a.csv", "--now", "2026-03-05T11:00:00Z"]);
    cloudtally.ok(&["aggregate", "--now", "2026-03-05T12:00:00Z"]);
}

#[test]
fn as_of_an_instant_every_command_prints_what_it_printed_then() {
    let cloudtally = folder();
    let before = printed(&cloudtally, &[]);
    hear_of_the_stop(&cloudtally);
    for instant in ["2026-03-05T00:15:00Z", "2026-03-05T10:59:59Z"] {
        let then = printed(&cloudtally, &["--asof", instant]);
        for ((then, before), command) in then.iter().zip(&before).zip(SHOWN) {
            assert!(then == before, "{command:?} as of {instant}");
        }
    }
    // `--account acme` means nobody any more.
    let now = cloudtally.ok(SHOWN[3]);
    assert_eq!(cloudtally.ok(&[SHOWN[3], &["--asof", "2026-03-05T12:00:00Z"]].concat()), now);
    assert!(now != String::from_utf8(before[3].clone()).unwrap());
    assert!(now.contains("acme inc"));
    // Renamed, and not yet published anew.
    let between = cloudtally.ok(&["usage", "--asof", "2026-03-05T11:30:00Z"]);
    assert!(between.contains("acme inc") && between.contains("90.000000"), "{between}");

    // Before anything was published there is nothing; what has not come is refused.
    let early = cloudtally.ok(&["usage", "--asof", "2026-03-05"]);
    assert!(early.starts_with("no usage records"), "{early}");
    let ahead = cloudtally.fails(2, &["usage", "--asof", "2999-01-01T00:00:00Z"]);
    assert!(ahead.contains("lies ahead of the clock"), "{ahead}");
    cloudtally.ok(&["check"]);
}

#[test]
fn corrections_are_listed_with_their_events_and_totals() {
    let cloudtally = folder();
    assert!(cloudtally.ok(&["corrections"]).starts_with("no corrections in this selection"));
    hear_of_the_stop(&cloudtally);
    let rows = csv_rows(&cloudtally.ok(&["corrections", "--format", "csv"]));
    let told: Vec<[&str; 6]> = rows
        .iter()
        .map(|row| {
            ["startdate", "before", "after", "difference", "cause", "events"].map(|c| &*row[c])
        })
        .collect();
    assert_eq!(
        told,
        [
            ["2026-03-02T00:00:00+0000", "86400000", "64800000", "-21600000", "late events", "3"],
            ["2026-03-03T00:00:00+0000", "86400000", "", "-86400000", "late events", "3"],
            ["2026-03-04T00:00:00+0000", "86400000", "", "-86400000", "late events", "3"],
        ]
    );
    let json: Value =
        serde_json::from_str(&cloudtally.ok(&["corrections", "--format", "json"])).unwrap();
    assert_eq!(json["corrections"].as_array().unwrap().len(), 3);
    assert_eq!(json["corrections"][0]["published"], "2026-03-05T12:00:00Z");
    assert_eq!(json["corrections"][0]["recordid"], rows[0]["recordid"].as_str());
    // 54 hours, worked out by hand: 6 of the second day, 24 of each behind it.
    assert_eq!(json["totals"][0]["difference"], (-54 * 3_600_000_i64).to_string());
    assert_eq!(
        serde_json::from_str::<Value>(&cloudtally.ok(&["corrections", "--json"])).unwrap(),
        json
    );
    let table = cloudtally.ok(&["corrections", "--rows", "1"]);
    for part in ["web-1 running time", "late events 3", "-54", "1 of 3 corrections"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    // Windows and filters are those of `usage`.
    let some = |more: &[&str]| {
        csv_rows(&cloudtally.ok(&[&["corrections", "--format", "csv"], more].concat())).len()
    };
    assert_eq!(some(&["--to", "2026-03-02"]), 1);
    assert_eq!(some(&["--account", "birch"]), 0);
    assert_eq!(some(&["--account", "acme inc", "--type", "1"]), 3);
    assert_eq!(some(&["--type", "2"]), 0);
    cloudtally.fails(2, &["corrections", "--json", "--format", "csv"]);
    // What is damaged is never shown, and `check` names it.
    let file = cloudtally.path("data/corrections/20260302T000000Z/2.parquet");
    let mut bytes = fs::read(&file).unwrap();
    bytes[40] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert!(cloudtally.fails(1, &["corrections"]).contains("2.parquet"));
    let checked = cloudtally.run(&["check"]);
    assert_eq!(checked.status, Some(1));
    assert!(checked.stdout.contains("corrections/20260302T000000Z/2.parquet"), "{checked:?}");
}

#[test]
fn explanations_go_back_in_time_and_from_an_event_to_its_records() {
    let cloudtally = folder();
    let export = csv_rows(&cloudtally.export());
    let of_the_third = export
        .iter()
        .find(|row| row["name"] == "web-1" && row["startdate"].starts_with("2026-03-03"));
    let id = of_the_third.unwrap()["recordid"].clone();
    let before = cloudtally.ok(&["explain", &id]);
    assert!(before.contains("event 1") && before.contains("equals the record"), "{before}");
    hear_of_the_stop(&cloudtally);
    assert_eq!(cloudtally.ok(&["explain", &id, "--asof", "2026-03-05T10:00:00Z"]), before);
    let gone = cloudtally.fails(1, &["explain", &id]);
    assert!(gone.contains("there is no record"), "{gone}");

    // Backwards: what the start and the stop touched.
    let touched = |arguments: &[&str]| -> Vec<(String, Value, Value)> {
        let json = cloudtally.ok(&[&["explain", "--json"], arguments].concat());
        let json: Value = serde_json::from_str(&json).unwrap();
        let records = json["records"].as_array().unwrap().iter();
        let day = |row: &Value| row["startdate"].as_str().unwrap()[..10].to_owned();
        records.map(|row| (day(row), row["begins"].clone(), row["ends"].clone())).collect()
    };
    let yes = |day: &str, begins: bool, ends: bool| (day.to_owned(), begins.into(), ends.into());
    let both = [("2026-03-01", "3"), ("2026-03-02", "3")];
    assert_eq!(
        touched(&["--event", "1"]),
        both.map(|(day, _)| yes(day, true, false)),
        "the first two days"
    );
    assert_eq!(touched(&["--event", "3"]), both.map(|(day, _)| yes(day, false, true)));
    assert_eq!(touched(&["--event", "1", "--asof", "2026-03-05T10:00:00Z"]).len(), 4);
    let of_vm: Vec<String> =
        touched(&["--resource", "5", "--type", "RUNNING_VM", "--from", "2026-03-03"])
            .into_iter()
            .map(|(day, ..)| day)
            .collect();
    assert_eq!(of_vm, ["2026-03-03", "2026-03-04"]);
    assert!(cloudtally.ok(&["explain", "--event", "3"]).contains("ends a stretch of it"));
    let unknown = cloudtally.fails(1, &["explain", "--event", "77"]);
    assert!(unknown.contains("there is no event 77"), "{unknown}");
    for contradiction in [
        &["explain"][..],
        &["explain", "--resource", "5"],
        &["explain", &id, "--event", "3"],
        &["explain", "--event", "3", "--from", "2026-03-01"],
    ] {
        cloudtally.fails(2, contradiction);
    }
}
