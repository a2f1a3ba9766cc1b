//! Letting go of old rows, on the command line.

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
