//! Closed days on the command line and over the port.

use std::fs;

use cloudtally_serve::signed_query;
use serde_json::Value;

use crate::{
    api::{API_KEY, SECRET_KEY, Serving},
    support::{Cloudtally, csv_rows},
};

const HEADER: &str =
    "id,type,created,account_id,zone_id,resource_id,resource_name,offering_id,template_id\n";
const START: &str = "1,VM.START,2026-01-31 08:00:00,2,1,4,web-1,1,5\n";
const STOP: &str = "2,VM.STOP,2026-01-31 18:00:00,2,1,4,web-1,1,5\n";
const NOW: &str = "2026-02-03T00:15:00Z";

/// January is published and closed, then a stop arrives that happened in it.
fn closed() -> Cloudtally {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", format!("{HEADER}{START}"));
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    let early = cloudtally.fails(1, &["close", "--through", "2026-01-31", "--by", "finance"]);
    assert!(
        early.contains("period 2026-01-31") && early.contains("cloudtally aggregate"),
        "{early}"
    );
    cloudtally.ok(&["aggregate", "--now", NOW]);
    let close =
        ["close", "--through", "2026-01-31", "--reason", "invoices sent", "--by", "finance"];
    let told = cloudtally.ok(&close);
    assert!(told.contains("the days through 2026-01-31 were closed by finance at 20"), "{told}");
    assert!(told.contains(": invoices sent"), "{told}");
    cloudtally.file("late.csv", format!("{HEADER}{STOP}"));
    cloudtally.ok(&["ingest", "events", "late.csv"]);
    cloudtally
}

fn january(cloudtally: &Cloudtally) -> Vec<u8> {
    fs::read(cloudtally.path("data/records/20260131T000000Z.parquet")).unwrap()
}

fn json(cloudtally: &Cloudtally, arguments: &[&str]) -> Value {
    serde_json::from_str(&cloudtally.ok(arguments)).unwrap()
}

#[test]
fn late_use_of_a_closed_day_is_billed_in_the_first_open_one() {
    let cloudtally = closed();
    let before = january(&cloudtally);
    let states = |cloudtally: &Cloudtally| -> Vec<(String, bool)> {
        let told = json(cloudtally, &["periods", "--to", "2026-02-02", "--json"]);
        let rows = told["periods"].as_array().unwrap().clone();
        let state = |row: &Value| row["state"].as_str().unwrap().to_owned();
        rows.iter().map(|row| (state(row), row["waits"].as_bool().unwrap())).collect()
    };
    let of = |states: [(&str, bool); 3]| states.map(|(state, waits)| (state.to_owned(), waits));
    assert_eq!(states(&cloudtally), of([("closed", true), ("stale", false), ("stale", false)]));
    let told = cloudtally.ok(&["aggregate", "--now", NOW]);
    assert!(told.contains("late events touched 1 closed periods"), "{told}");
    assert!(told.contains("1 adjustments stand in the first open one"), "{told}");
    // 2 February was in use before and is empty now.
    assert_eq!(states(&cloudtally), of([("closed", false), ("open", false), ("open", false)]));
    assert_eq!(january(&cloudtally), before, "not a byte of it has changed");

    // Exports and totals.
    let rows = csv_rows(&cloudtally.export());
    let shown = |column: &str| rows.iter().map(|row| row[column].clone()).collect::<Vec<_>>();
    assert_eq!(shown("corrects"), ["", "2026-01-31T00:00:00+0000"]);
    assert_eq!(shown("startdate"), ["2026-01-31T00:00:00+0000", "2026-02-01T00:00:00+0000"]);
    assert_eq!(shown("usage"), ["16 Hrs", "-6 Hrs"]);
    assert_eq!(shown("rawusage"), ["16", "-6"]);
    assert_eq!(shown("quantity"), ["57600000", "-21600000"]);
    let lines = cloudtally.ok(&["export", "--format", "jsonl", "--out", "-"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["corrects"], Value::Null);
    assert_eq!(lines[1]["corrects"], "2026-01-31T00:00:00+0000");
    assert_eq!(lines[1]["quantity"], -21_600_000);
    let totals = json(&cloudtally, &["usage", "--group-by", "type", "--json"]);
    let total = &totals["totals"][0];
    assert_eq!((&total["quantity"], &total["usage"]), (&"36000000".into(), &"10 Hrs".into()));

    // Explained, both the closed record and its adjustment.
    let ids = shown("recordid");
    let told = json(&cloudtally, &["explain", &ids[1], "--json"]);
    let adjusted = &told["adjusted"];
    assert_eq!(told["corrects"], "2026-01-31T00:00:00Z");
    assert_eq!(
        [&adjusted["served"], &adjusted["before"], &adjusted["after"], &adjusted["restated"]],
        [57_600_000, 57_600_000, 36_000_000, 36_000_000]
    );
    assert_eq!(told["events"], serde_json::json!([1, 2]));
    assert_eq!(told["addsup"], true);
    let told = cloudtally.ok(&["explain", &ids[0]]);
    assert!(told.contains("as it is served, for good: 57600000 ms = 16 Hrs"), "{told}");
    assert!(told.contains("by what is known now:      36000000 ms = 10 Hrs"), "{told}");
    cloudtally.ok(&["check"]);

    let csv = csv_rows(&cloudtally.ok(&["periods", "--to", "2026-02-01", "--format", "csv"]));
    let shown = |column: &str| csv.iter().map(|row| row[column].clone()).collect::<Vec<_>>();
    assert_eq!(shown("generation"), ["1", "2"]);
    assert_eq!(shown("restated"), ["2", ""]);
    assert_eq!(shown("corrects"), ["", "2026-01-31T00:00:00+0000"]);
    assert_eq!(shown("closedby"), ["finance", ""]);
    assert_eq!(shown("reason"), ["invoices sent", ""]);
    let table = cloudtally.ok(&["periods"]);
    assert!(table.contains("closed") && table.contains("invoices sent"), "{table}");
}

#[test]
fn nothing_opens_closed_days_again() {
    let cloudtally = closed();
    let before = january(&cloudtally);
    for arguments in [
        &["close", "--through", "2026-01-31", "--by", "somebody"][..],
        &["close", "--through", "2026-01-30", "--by", "somebody"],
        &["aggregate", "--rebuild"],
        &["aggregate", "--from", "2026-01-31", "--to", "2026-02-01"],
        &["aggregate", "--from", "2026-01-01", "--to", "2026-01-31", "--rebuild", "--dry-run"],
    ] {
        let told = cloudtally.fails(1, arguments);
        assert!(told.contains("the days through 2026-01-31 were closed by finance"), "{told}");
        assert!(told.contains("invoices sent") && told.contains("2026-02-01"), "{told}");
    }
    assert_eq!(january(&cloudtally), before);
}

#[test]
fn the_port_tells_of_closed_days_and_adjustments() {
    let cloudtally = closed();
    cloudtally.ok(&["aggregate", "--now", NOW]);
    let keys = [("CLOUDTALLY_ADMIN_API_KEY", API_KEY), ("CLOUDTALLY_ADMIN_SECRET_KEY", SECRET_KEY)];
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    let serving = Serving::start_with(&cloudtally, &[], &keys);
    let ask = |parameters: &[(&str, &str)]| {
        let all = [parameters, &[("response", "json")]].concat();
        let (status, _, body) = serving.try_get(&signed_query(&all, API_KEY, SECRET_KEY)).unwrap();
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let days = [("startdate", "2026-01-31"), ("enddate", "2026-02-02")];
    let (_, listed) = ask(&[&[("command", "listUsageRecords")], &days[..]].concat());
    let records = &listed["listusagerecordsresponse"]["usagerecord"];
    assert_eq!(records[0].get("corrects"), None);
    assert_eq!(records[1]["corrects"], "2026-01-31T00:00:00+0000");
    assert_eq!((&records[1]["usage"], &records[1]["rawusage"]), (&"-6 Hrs".into(), &"-6".into()));

    let (_, listed) = ask(&[&[("command", "listUsagePeriods")], &days[..]].concat());
    let listed = &listed["listusageperiodsresponse"];
    let periods = &listed["usageperiod"];
    assert_eq!(listed["count"], 3);
    assert_eq!((&periods[0]["state"], &periods[1]["state"]), (&"closed".into(), &"open".into()));
    assert_eq!((&periods[0]["closedby"], &periods[0]["restated"]), (&"finance".into(), &2.into()));
    assert_eq!(periods[0]["reason"], "invoices sent");
    assert_eq!(periods[1]["corrects"], "2026-01-31T00:00:00+0000");
    let (_, all) = ask(&[("command", "listUsagePeriods")]);
    assert!(all["listusageperiodsresponse"]["count"].as_u64().unwrap() >= 3, "{all}");

    let (status, refused) = ask(&[&[("command", "generateUsageRecords")], &days[..]].concat());
    let told = refused.to_string();
    assert_eq!(status, 431, "{told}");
    assert!(told.contains("closed by finance") && told.contains("2026-02-01 on"), "{told}");
}
