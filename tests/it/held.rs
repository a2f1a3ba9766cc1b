//! Changes that are too large, on the command line.

use serde_json::Value;

use crate::support::Cloudtally;

const HEADER: &str =
    "id,type,created,account_id,zone_id,resource_id,resource_name,offering_id,template_id\n";
const START: &str = "1,VM.START,2026-01-30 08:00:00,2,1,4,web-1,1,5\n";
const STOP: &str = "2,VM.STOP,2026-01-31 18:00:00,2,1,4,web-1,1,5\n";
const NOW: &str = "2026-02-01T00:15:00Z";

#[test]
fn a_late_stop_waits_until_somebody_accepts_it() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", format!("{HEADER}{START}"));
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    let nothing = cloudtally.fails(2, &["aggregate", "--accept", "2026-01-31"]);
    assert!(nothing.contains("holds back nothing"), "{nothing}");
    cloudtally.ok(&["settings", "usage.publish.max.change", "20"]);
    cloudtally.ok(&["aggregate", "--now", NOW]);
    cloudtally.file("late.csv", format!("{HEADER}{STOP}"));
    cloudtally.ok(&["ingest", "events", "late.csv"]);
    let before = cloudtally.export();

    let dry: Value = {
        let run = cloudtally.run(&["aggregate", "--now", NOW, "--dry-run", "--json"]);
        assert_eq!(run.status, Some(3));
        serde_json::from_str(&run.stdout).unwrap()
    };
    let held = &dry["held"][0];
    assert_eq!((&held["day"], &held["allowedpercent"]), (&"2026-01-31".into(), &20.into()));
    assert_eq!(held["usages"][0]["published"], "86400000");
    assert_eq!(held["movers"][0]["account"], 2);
    assert_eq!(
        (&held["movers"][0]["up"], &held["movers"][0]["down"]),
        (&"0".into(), &"21600000".into())
    );
    let run = cloudtally.run(&["aggregate", "--now", NOW]);
    assert_eq!(run.status, Some(3), "cron learns that somebody has to look");
    let told = run.stdout;
    assert!(told.contains("published nothing: what there is to do is held back"), "{told}");
    assert!(told.contains("would move 6 Hrs of 24 Hrs"), "{told}");
    assert!(told.contains("account 2 of source `default`, usage type 1: +0 Hrs, -6 Hrs"), "{told}");
    assert!(
        told.contains("to publish all of it: cloudtally aggregate --accept 2026-01-31"),
        "{told}"
    );
    assert_eq!(cloudtally.export(), before);
    let jobs = cloudtally.ok(&["jobs", "--json"]);
    assert!(jobs.contains("is held back"), "{jobs}");
    let close = ["close", "--through", "2026-01-31", "--by", "finance"];
    assert!(cloudtally.fails(1, &close).contains("cloudtally aggregate"));

    cloudtally.ok(&["aggregate", "--now", NOW, "--accept", "2026-01-31"]);
    assert!(cloudtally.export().contains("18 Hrs"));
    cloudtally.ok(&["check"]);
}
