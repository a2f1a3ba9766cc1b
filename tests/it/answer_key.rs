//! A simulated month with mess in it: the export equals the answer key to the
//! millisecond and byte, in zones with and without clock changes.

use std::{collections::BTreeMap, fs};

use crate::support::{Cloudtally, Row, csv_rows};

/// Day, account, type and what else tells records apart.
type Key = Vec<String>;

/// One simulated month.
struct Month {
    zone: &'static str,
    start: &'static str,
    /// First and last local day to aggregate.
    days: (&'static str, &'static str),
    format: &'static str,
    seed: &'static str,
}

fn check(month: &Month) {
    let cloudtally = Cloudtally::new();
    let Month { zone, start, days, format, seed } = month;
    cloudtally.ok(&[
        "simulate",
        "--days",
        "31",
        "--vms",
        "150",
        "--mess",
        "0.01",
        "--seed",
        seed,
        "--start",
        start,
        "--timezone",
        zone,
        "--format",
        format,
        "--out",
        "sim",
    ]);
    cloudtally.ok(&["settings", "usage.aggregation.timezone", zone]);
    let file = |name: &str| format!("sim/{name}.{format}");
    cloudtally.ok(&["ingest", "accounts", &file("accounts")]);
    cloudtally.ok(&["ingest", "events", &file("usage_events"), &file("usage_events_late")]);
    cloudtally.ok(&["ingest", "samples", &file("network_samples"), &file("network_samples_late")]);
    cloudtally.ok(&["aggregate", "--from", days.0, "--to", days.1]);

    let name = format!("sim/answer_key_{}.csv", zone.replace('/', "_"));
    let key = csv_rows(&fs::read_to_string(cloudtally.path(&name)).unwrap());
    let inside = |day: &str| days.0 <= day && day <= days.1;
    let expected: BTreeMap<Key, u64> = key
        .iter()
        .filter(|row| {
            row["complete"] == "yes" && inside(&row["day"]) && !row["billable"].is_empty()
        })
        .map(|row| (answer_key_of(row), row["billable"].parse().unwrap()))
        .collect();
    let complete: Vec<&String> =
        key.iter().filter(|row| row["complete"] == "yes").map(|row| &row["day"]).collect();
    let records: BTreeMap<Key, u64> = csv_rows(&cloudtally.export())
        .iter()
        .filter(|row| complete.iter().any(|day| row["startdate"].starts_with(day.as_str())))
        .map(|row| (record_key_of(row), row["quantity"].parse().unwrap()))
        .collect();
    let wrong: Vec<_> = expected
        .iter()
        .filter(|(key, quantity)| records.get(*key) != Some(quantity))
        .map(|(key, quantity)| (key, *quantity, records.get(key)))
        .collect();
    let extra: Vec<_> = records.keys().filter(|key| !expected.contains_key(*key)).collect();
    assert!(wrong.is_empty() && extra.is_empty(), "{zone}: wrong {wrong:#?}\nextra {extra:#?}");
    assert!(expected.len() > 5_000, "{} rows are a month of this cloud", expected.len());
    cloudtally.ok(&["check"]);
}

fn answer_key_of(row: &Row) -> Key {
    [
        "day",
        "accountid",
        "usagetype",
        "zoneid",
        "resourceid",
        "nicid",
        "offeringid",
        "templateid",
        "size",
        "devicetype",
        "networkid",
    ]
    .iter()
    .map(|column| row[*column].clone())
    .collect()
}

/// The same key from an exported record: columns that are not part of a type's
/// key are left empty, as the answer key has them.
fn record_key_of(row: &Row) -> Key {
    let usage_type = row["usagetype"].as_str();
    let keyed = |column: &str, types: &[&str]| {
        if types.contains(&usage_type) { row[column].clone() } else { String::new() }
    };
    let resource = if usage_type == "13" { "virtualmachineid" } else { "usageid" };
    vec![
        row["startdate"][..10].to_owned(),
        row["accountid"].clone(),
        usage_type.to_owned(),
        row["zoneid"].clone(),
        row[resource].clone(),
        keyed("nicid", &["13"]),
        keyed("offeringid", &["1", "2", "6", "13"]),
        keyed("templateid", &["1", "2"]),
        keyed("size", &["6", "7", "8", "9"]),
        keyed("type", &["4", "5"]),
        keyed("networkid", &["4", "5"]),
    ]
}

#[test]
fn january_in_utc() {
    check(&Month {
        zone: "UTC",
        start: "2026-01-01",
        days: ("2026-01-01", "2026-01-31"),
        format: "csv",
        seed: "7",
    });
}

#[test]
fn march_in_new_york() {
    check(&Month {
        zone: "America/New_York",
        start: "2026-03-01",
        days: ("2026-03-01", "2026-03-30"),
        format: "parquet",
        seed: "8",
    });
}

#[test]
fn november_in_new_york() {
    check(&Month {
        zone: "America/New_York",
        start: "2025-11-01",
        days: ("2025-11-01", "2025-11-30"),
        format: "jsonl",
        seed: "9",
    });
}

#[test]
fn april_on_lord_howe_island() {
    check(&Month {
        zone: "Australia/Lord_Howe",
        start: "2026-04-01",
        days: ("2026-04-01", "2026-04-30"),
        format: "csv",
        seed: "10",
    });
}
