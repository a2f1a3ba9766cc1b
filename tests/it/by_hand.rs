//! Inputs that people write: lists of what a cloud has in use, and events that it never told.

use crate::support::{Cloudtally, csv_rows};

const EVENTS: &str = "id,type,created,account_id,zone_id,resource_id,resource_name,offering_id,template_id,size\n\
1,VM.CREATE,2026-03-01 00:00:00,2,1,4,web-1,11,5,\n\
2,VM.START,2026-03-01 00:00:00,2,1,4,web-1,11,5,\n\
3,VOLUME.CREATE,2026-03-01 00:00:00,2,1,7,data-7,,,10\n\
4,VOLUME.CREATE,2026-03-01 00:00:00,2,1,8,data-8,,,10\n\
5,VOLUME.DELETE,2026-03-01 06:00:00,2,1,8,data-8,,,\n\
6,TEMPLATE.CREATE,2026-03-01 00:00:00,2,1,30,image,,,5\n\
7,TEMPLATE.COPY,2026-03-01 00:00:00,2,2,30,image,,,5\n\
8,NETWORK.OFFERING.ASSIGN,2026-03-01 00:00:00,2,1,4,100,6,,\n\
9,NETWORK.OFFERING.ASSIGN,2026-03-01 00:00:00,2,1,4,101,6,,\n\
10,NET.IPASSIGN,2026-03-01 00:00:00,2,1,50,10.1.1.1,,,0\n";

fn billed() -> Cloudtally {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", EVENTS);
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    cloudtally.ok(&["aggregate", "--from", "2026-03-01", "--to", "2026-03-02"]);
    cloudtally
}

#[test]
fn an_inventory_shows_what_is_billed_and_gone_and_what_is_there_and_not_billed() {
    let cloudtally = billed();
    cloudtally.file(
        "inventory.csv",
        "usage_type,resource_id,zone_id,nic_id,account_id,name\n\
         RUNNING_VM,4,,,,\n\
         2,4,,,,\n\
         VOLUME,8,,,2,data-8\n\
         volume,9,,,3,data-9\n\
         TEMPLATE,30,2,,,\n\
         NETWORK_OFFERING,4,,101,,\n\
         VM,4,,,,\n\
         NETWORK_BYTES_SENT,4,,,,\n",
    );
    let ran = cloudtally.run(&["check", "--inventory", "inventory.csv"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    let text = ran.stdout;
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("not published")).collect();
    let expected = [
        "error: inventory.csv row 7 is not compared: column `usage_type`: `VM` is not a usage type; there are 1 RUNNING_VM, 2 ALLOCATED_VM, ",
        "error: inventory.csv row 8 is not compared: column `usage_type`: bytes are counted, nothing of them is in use; leave the row out",
        "warning: VOLUME 7 (`data-7`) of account 2 is open since 2026-03-01T00:00:00Z and billed for 48 h, and is not in inventory.csv; if it is gone, tell of its end with `cloudtally ingest corrections`",
        "warning: TEMPLATE 30 in zone 1 (`image`) of account 2 is open since 2026-03-01T00:00:00Z and billed for 48 h, and is not in inventory.csv; if it is gone, tell of its end with `cloudtally ingest corrections`",
        "warning: NETWORK_OFFERING 4, NIC 100 (`100`) of account 2 is open since 2026-03-01T00:00:00Z and billed for 48 h, and is not in inventory.csv; if it is gone, tell of its end with `cloudtally ingest corrections`",
        "warning: VOLUME 8 (`data-8`) of account 2 is in inventory.csv and is not billed: its use ended at 2026-03-01T06:00:00Z, 6 h were billed; if it is in use, tell of that with `cloudtally ingest corrections`",
        "warning: VOLUME 9 (`data-9`) of account 3 is in inventory.csv and is not billed: no event tells of its use; if it is in use, tell of that with `cloudtally ingest corrections`",
        "4 uses are both billed and in the inventory; 3 are billed alone, 2 listed alone",
        "  not compared, as the inventory does not name them: IP_ADDRESS",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
    assert_eq!(lines.len(), expected.len(), "{text}");
    let json = cloudtally.run(&["--json", "check", "--inventory", "inventory.csv"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let report = &json["inventory"];
    assert_eq!(report["matched"], 4);
    assert_eq!(report["ghosts"][0]["billedms"], 48 * 3_600_000);
    assert_eq!(report["unbilled"][1]["since"], serde_json::Value::Null);
    assert_eq!(report["notcompared"], serde_json::json!([3]));
}

#[test]
fn an_inventory_that_is_no_list_and_a_source_without_one_are_refused() {
    let cloudtally = billed();
    cloudtally.file("list.csv", "usage_type,id\nVOLUME,7\n");
    let text = cloudtally.fails(1, &["check", "--inventory", "list.csv"]);
    assert!(text.contains("`resource_id`"), "{text}");
    cloudtally.fails(2, &["check", "--source", "default"]);
    cloudtally.file("list.csv", "usage_type,resource_id\nVOLUME,7\n");
    let other = cloudtally.ok(&["check", "--inventory", "list.csv", "--source", "other"]);
    assert!(other.contains("VOLUME 7 is in list.csv and is not billed: no event tells"), "{other}");
}

#[test]
fn a_correction_ends_what_is_gone_and_says_who_and_why() {
    let cloudtally = billed();
    let corrections = "id,type,created,account_id,zone_id,resource_id,author,reason\n\
                       1,VOLUME.DELETE,2026-03-01 12:00:00,2,1,7,ann,ticket 5: gone since the outage\n\
                       2,VOLUME.DELETE,2026-03-01 12:00:00,2,1,7,,no author\n\
                       2305843009213693952,VOLUME.DELETE,2026-03-01 12:00:00,2,1,7,ann,too large\n";
    cloudtally.file("corrections.csv", corrections);
    let text = cloudtally.ok(&["ingest", "corrections", "corrections.csv"]);
    assert!(text.contains("read 3, accepted 1, duplicate 0, quarantined 2"), "{text}");
    assert!(
        text.contains("row 2: column `author` has no value, but every row needs one"),
        "{text}"
    );
    assert!(text.contains("row 3: column `id`: `2305843009213693952` is too large"), "{text}");
    let again = cloudtally.ok(&["ingest", "corrections", "corrections.csv"]);
    assert!(again.contains("read 3, accepted 0, duplicate 1, quarantined 2"), "{again}");
    // Its number is no number of the cloud's.
    cloudtally.file(
        "late.csv",
        "id,type,created,account_id,zone_id,resource_id\n1,VM.CREATE,2026-03-01 00:00:00,2,1,4\n",
    );
    let late = cloudtally.ok(&["ingest", "events", "late.csv"]);
    assert!(late.contains("quarantined 1"), "{late}");

    cloudtally.ok(&["aggregate", "--from", "2026-03-01", "--to", "2026-03-02"]);
    let rows = csv_rows(&cloudtally.export());
    let volume: Vec<_> = rows.iter().filter(|row| row["usageid"] == "7").collect();
    assert_eq!(volume.len(), 1);
    assert_eq!(
        (&*volume[0]["usage"], &*volume[0]["startdate"]),
        ("12 Hrs", "2026-03-01T00:00:00+0000")
    );
    let told = cloudtally.ok(&["explain", &volume[0]["recordid"]]);
    assert!(told.contains("ann: ticket 5: gone since the outage"), "{told}");
    cloudtally.ok(&["check"]);
    // Without the columns that say who and why it is no correction.
    let no_author = cloudtally.fails(1, &["ingest", "corrections", "events.csv"]);
    assert!(no_author.contains("`author`") && no_author.contains("`reason`"), "{no_author}");
}
