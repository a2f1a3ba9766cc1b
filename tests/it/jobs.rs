//! The history of the usage job on the command line.

use std::process::Stdio;

use serde_json::Value;

use crate::support::{Cloudtally, ran};

const EVENTS: &str = "id,type,created,account_id,zone_id,resource_id,size\n\
                      1,VOLUME.CREATE,2026-01-01 00:00:00,2,1,501,1073741824\n";

fn jobs(cloudtally: &Cloudtally) -> Value {
    serde_json::from_str(&cloudtally.ok(&["jobs", "--json"])).unwrap()
}

fn field(jobs: &Value, field: &str) -> Vec<Value> {
    jobs["jobs"].as_array().unwrap().iter().map(|job| job[field].clone()).collect()
}

#[test]
fn every_run_is_told_with_how_it_ended() {
    let cloudtally = Cloudtally::new();
    let nothing = cloudtally.fails(1, &["jobs"]);
    assert!(nothing.contains("there is no data folder"), "{nothing}");
    cloudtally.file("events.csv", EVENTS);
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    let text = cloudtally.ok(&["jobs"]);
    assert!(text.contains("has not run yet") && text.contains("nothing is published"), "{text}");
    cloudtally.ok(&["aggregate", "--now", "2026-01-03T00:15:00Z"]);
    // Killed after the files are there and before the catalogue names them.
    let mut killed = cloudtally.command(&["aggregate", "--now", "2026-01-05T00:15:00Z"]);
    killed.env("CLOUDTALLY_CRASH_AT", "periods.before_commit:1").stderr(Stdio::null());
    assert!(!killed.status().unwrap().success());
    assert_eq!(field(&jobs(&cloudtally), "state"), ["cut off", "done"]);
    cloudtally.ok(&["aggregate", "--now", "2026-01-04T00:15:00Z"]);
    cloudtally.ok(&["aggregate", "--from", "2026-01-01", "--to", "2026-01-02", "--rebuild"]);
    let told = jobs(&cloudtally);
    assert_eq!(field(&told, "state"), ["done", "done", "cut off", "done"]);
    assert_eq!(field(&told, "type"), ["back-fill", "scheduled", "scheduled", "scheduled"]);
    assert_eq!(field(&told, "periods"), [0, 1, 0, 2]);
    assert_eq!(field(&told, "asof")[1..3], ["2026-01-04T00:15:00Z", "2026-01-05T00:15:00Z"]);
    assert_eq!(told["jobs"][1]["startdate"], "2026-01-03T00:00:00Z");
    assert_eq!(told["jobs"][3]["enddate"], "2026-01-03T00:00:00Z");
    assert_eq!(told["nextrun"], "2026-01-05T00:15:00Z", "the day behind what is published");
    assert_eq!(
        (&told["publisheduntil"], &told["count"]),
        (&"2026-01-04T00:00:00Z".into(), &4.into())
    );

    let text = cloudtally.ok(&["jobs", "--last", "2"]);
    assert!(text.contains("the latest 2 of 4 runs"), "{text}");
    assert!(text.contains("published without a gap up to 2026-01-04T00:00:00Z"), "{text}");
    assert!(text.contains("a run has been due since 2026-01-05T00:15:00Z"), "{text}");
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    let text = cloudtally.ok(&["jobs"]);
    assert!(text.contains("no next run: `enable.usage.server` is false"), "{text}");
}

#[test]
fn a_run_that_fails_says_why() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", EVENTS);
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    let mut failing = cloudtally.command(&["aggregate", "--now", "2026-01-03T00:15:00Z"]);
    failing.env("CLOUDTALLY_FAIL_AT", "periods.after_sync:1");
    let failed = ran(&failing.output().unwrap());
    assert_eq!(failed.status, Some(1), "{failed:?}");
    let told = jobs(&cloudtally);
    assert_eq!(
        (field(&told, "state"), field(&told, "periods")),
        (vec!["failed".into()], vec![0.into()])
    );
    let text = told["jobs"][0]["errortext"].as_str().unwrap();
    assert!(
        text.contains("no room left on the disk") && text.contains("data/generations/2026"),
        "{text}"
    );
    assert!(failed.stderr.contains(text), "the same that the command said: {failed:?}");
    let shown = cloudtally.ok(&["jobs"]);
    assert!(shown.contains(&format!("run 1 failed: {text}")), "{shown}");
}
