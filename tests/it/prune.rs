//! Letting go of old rows, on the command line.

use std::time::Duration;

use cloudtally_model::{
    Instant,
    port::{ChangeSet, Journal, Row, Value as Held},
};
use cloudtally_store::{LockWait, Store};
use serde_json::Value;

use crate::support::Cloudtally;

const HEADER: &str =
    "id,type,created,account_id,zone_id,resource_id,resource_name,offering_id,template_id\n";

/// A machine that ran on each of the first days of January.
fn events() -> String {
    let days = (1..=9).map(|day| {
        format!(
            "{},VM.START,2026-01-{day:02} 08:00:00,2,1,4,web-1,1,5\n{},VM.STOP,2026-01-{day:02} 18:00:00,2,1,4,web-1,1,5\n",
            2 * day,
            2 * day + 1
        )
    });
    format!("{HEADER}{}", days.collect::<String>())
}

fn json(cloudtally: &Cloudtally, arguments: &[&str]) -> Value {
    serde_json::from_str(&cloudtally.ok(arguments)).unwrap()
}

#[test]
fn rows_of_closed_days_go_and_do_not_come_back() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", events());
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    cloudtally.ok(&["aggregate", "--now", "2026-01-10T00:15:00Z"]);
    let open = cloudtally.fails(1, &["prune", "--before", "2026-01-08"]);
    assert!(open.contains("`cloudtally close --through 2026-01-07` first"), "{open}");
    cloudtally.ok(&["close", "--through", "2026-01-07", "--by", "finance"]);
    let before = cloudtally.export();

    let dry = json(&cloudtally, &["prune", "--before", "2026-01-08", "--dry-run", "--json"]);
    assert_eq!(dry["dryrun"], true);
    let told = json(&cloudtally, &["prune", "--before", "2026-01-08", "--json"]);
    assert_eq!(told["events"], dry["events"]);
    assert!(told["events"].as_u64().unwrap() > 5, "{told}");
    assert_eq!(cloudtally.export(), before);
    cloudtally.ok(&["check"]);
    let again = cloudtally.ok(&["prune", "--before", "2026-01-08"]);
    assert!(again.contains("pruned nothing"), "{again}");

    // The same dump again, and a row that nobody has seen.
    let told = json(&cloudtally, &["ingest", "events", "events.csv", "--json"]);
    let counts = |told: &Value| {
        ["accepted", "duplicate", "quarantined"].map(|name| told[name].as_u64().unwrap())
    };
    assert_eq!(counts(&told), [0, 18, 0], "{told}");
    let late = "99,VM.START,2026-01-02 08:00:00,2,1,9,web-9,1,5\n";
    cloudtally.file("late.csv", format!("{HEADER}{late}"));
    let told = json(&cloudtally, &["ingest", "events", "late.csv", "--json"]);
    assert_eq!(counts(&told), [0, 0, 1], "{told}");
    let aside = cloudtally.ok(&["quarantine"]);
    assert!(aside.contains("are pruned and their days are closed"), "{aside}");
    // A pruned id that comes again for an open day is no duplicate of it.
    let again = "4,VM.START,2026-01-09 20:00:00,2,1,9,web-9,1,5\n";
    cloudtally.file("again.csv", format!("{HEADER}{again}"));
    let told = json(&cloudtally, &["ingest", "events", "again.csv", "--json"]);
    assert_eq!(counts(&told), [0, 0, 1], "{told}");
    let aside = cloudtally.ok(&["quarantine"]);
    assert!(aside.contains("was there, and is pruned"), "{aside}");
    cloudtally.ok(&["aggregate", "--now", "2026-01-10T00:30:00Z"]);
    assert_eq!(cloudtally.export(), before);
}

/// A folder whose days through 7 January are closed.
fn closed() -> Cloudtally {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", events());
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    cloudtally.ok(&["aggregate", "--now", "2026-01-10T00:15:00Z"]);
    cloudtally.ok(&["close", "--through", "2026-01-07", "--by", "finance"]);
    cloudtally
}

#[test]
fn settings_of_retention_have_a_dry_run() {
    let cloudtally = closed();
    let neither = cloudtally.fails(2, &["prune"]);
    assert!(neither.contains("--before"), "{neither}");
    let nothing = cloudtally.ok(&["prune", "--dry-run"]);
    assert_eq!(nothing, "the settings of retention would prune nothing of the lake\n");
    cloudtally.ok(&["settings", "usage.retention.rows.days", "3"]);
    let dry = json(&cloudtally, &["prune", "--dry-run", "--json"]);
    assert!(dry["events"].as_u64().unwrap() > 5, "{dry}");
    assert_eq!((&dry["dryrun"], &dry["blocked"]), (&true.into(), &Value::Null));
    let told = cloudtally.ok(&["prune", "--dry-run"]);
    assert!(told.starts_with("the settings of retention would prune"), "{told}");
    // Nothing went yet; the next run takes just that.
    let again = json(&cloudtally, &["prune", "--dry-run", "--json"]);
    assert_eq!(again, dry);
    let before = cloudtally.export();
    cloudtally.ok(&["aggregate"]);
    let after = json(&cloudtally, &["prune", "--dry-run", "--json"]);
    assert_eq!(after["events"], 0, "{after}");
    assert!(cloudtally.export().starts_with(&before), "records stay");
}

/// Archived events of the simulated cloud go with the days before the one named, and stay while a
/// server has the cloud in memory.
#[test]
fn archived_events_go_with_their_days() {
    let cloudtally = closed();
    let store = Store::open_existing(&cloudtally.path("data")).unwrap();
    let wait = || LockWait { limit: Duration::ZERO, on_wait: Box::leak(Box::new(|| {})) };
    let event = |id: u64, created: &str, archived: bool| Row {
        id,
        kind: "Event".into(),
        uuid: id.into(),
        owner: None,
        state: "Completed".into(),
        created: Instant::parse(created).unwrap(),
        removed: None,
        values: vec![("archived".into(), Held::Bool(archived))],
    };
    let rows = vec![
        event(1, "2026-01-02 00:00:00", true),
        event(2, "2026-01-02 00:00:00", false),
        event(3, "2026-01-05 23:59:59", true),
        event(4, "2026-01-06 00:00:00", true),
    ];
    let mut journal = store.journal(wait()).unwrap();
    journal.commit(&ChangeSet { rows, ..ChangeSet::default() }).unwrap();
    let prune = ["prune", "--before", "2026-01-06"];
    let dry = cloudtally.ok(&[&prune[..], &["--dry-run"]].concat());
    assert!(dry.contains("2 archived events of the simulated cloud stay"), "{dry}");
    let served = cloudtally.ok(&prune);
    assert!(served.contains("2 archived events of the simulated cloud stay"), "{served}");
    drop(journal);
    let dry = json(&cloudtally, &[&prune[..], &["--dry-run", "--json"]].concat());
    assert_eq!((&dry["archivedevents"], &dry["archivedeventsstay"]), (&2.into(), &false.into()));
    let told = cloudtally.ok(&prune);
    assert!(told.contains("pruned 2 archived events of the simulated cloud"), "{told}");
    let kept = store.journal(wait()).unwrap().load().unwrap();
    let ids: Vec<u64> = kept.rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, [2, 4]);
}
