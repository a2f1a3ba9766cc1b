//! Files of operators, from the dump to the bill: dumps without a flag, events that
//! their cloud wrote wrongly, and what goes wrong on the way.

use crate::support::{Cloudtally, csv_rows, repository};

fn sample(name: &str) -> String {
    repository().join("sample-data/dumps").join(name).display().to_string()
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn a_dump_of_a_database_is_billed_as_it_comes() {
    let cloudtally = Cloudtally::new();
    let said = cloudtally.ok(&["ingest", &sample("dump.sql")]);
    says(
        &said,
        &[
            "accounts: read 4, accepted 4, duplicate 0, quarantined 0",
            "events: read 22, accepted 21, duplicate 0, quarantined 1",
            "samples: read 2, accepted 2, duplicate 0, quarantined 0",
            "\nread 28, accepted 27, duplicate 0, quarantined 1\n",
            "1 accepted events were mended",
            "say when the dump was taken with `--sampled INSTANT`",
            "VOLUME.ATTACH 1",
            "`18446744073709551615` is not a whole number",
        ],
    );
    cloudtally.ok(&["aggregate", "--from", "2026-01-01", "--to", "2026-01-03"]);
    cloudtally.ok(&["check"]);
    let rows = csv_rows(&cloudtally.export());
    // The account with its domain, from tables of the same dump.
    let address = rows.iter().find(|row| row["usagetype"] == "3").unwrap();
    assert_eq!(address["account"], "o'hara; \"x\", \\ | y");
    assert_eq!((&*address["accountid"], &*address["quantity"]), ("3", "43200000"));
    let sent: u64 = rows
        .iter()
        .filter(|row| row["usagetype"] == "4")
        .map(|row| row["quantity"].parse::<u64>().unwrap())
        .sum();
    assert_eq!(sent, 550 - 200);

    // How the event was mended stays with it.
    let record = &address["recordid"];
    let explained = cloudtally.ok(&["explain", record]);
    says(
        &explained,
        &[
            "mended   event 20, account_id was 77: the cloud wrote the id of the address; its \
             row in user_ip_address has the account",
            "equals the record",
        ],
    );
    let json: serde_json::Value =
        serde_json::from_str(&cloudtally.ok(&["explain", record, "--json"])).unwrap();
    assert_eq!(json["mended"][0]["event"], 20);
    assert_eq!(json["mended"][0]["column"], "account_id");
    assert_eq!(json["mended"][0]["original"], 77);
    let explained = cloudtally.ok(&["explain", "--event", "20"]);
    says(&explained, &["begins a stretch of it", "mended   event 20, account_id was 77"]);

    // The counters as they were when the dump was taken, and the rest once more.
    let again = ["ingest", &sample("dump.sql"), "--sampled", "2026-01-04 00:00:00", "--json"];
    let json: serde_json::Value = serde_json::from_str(&cloudtally.ok(&again)).unwrap();
    assert_eq!((&json["accepted"], &json["duplicate"]), (&2.into(), &27.into()));
    assert_eq!(json["streams"].as_array().unwrap().len(), 3);
}

#[test]
fn attaching_a_volume_is_no_usage() {
    let cloudtally = Cloudtally::new();
    let header = "id,type,created,account_id,zone_id,resource_id,resource_name,size,vm_id\n";
    let events = "1,VOLUME.CREATE,2026-01-05 00:00:00,2,1,7,data,1024,NULL\n\
                  2,VOLUME.ATTACH,2026-01-05 06:00:00,2,1,7,data,1024,9\n\
                  3,VOLUME.DETACH,2026-01-05 07:00:00,2,1,7,data,1024,9\n\
                  4,VOLUME.ATTACH,2026-01-05 08:00:00,2,1,7,data,1024,9\n\
                  5,VOLUME.DELETE,2026-01-05 12:00:00,2,1,7,data,1024,9\n\
                  6,VOLUME.DETACH,2026-01-05 13:00:00,2,1,7,data,1024,9\n";
    cloudtally.file("usage_event.csv", format!("{header}{events}"));
    let said = cloudtally.ok(&["ingest", "usage_event.csv"]);
    says(&said, &["read 6, accepted 6", "VOLUME.ATTACH 2, VOLUME.DETACH 2"]);
    cloudtally.ok(&["aggregate", "--from", "2026-01-05", "--to", "2026-01-06"]);
    let rows = csv_rows(&cloudtally.export());
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((&*rows[0]["usagetype"], &*rows[0]["quantity"]), ("6", "43200000"));
}

#[test]
fn a_dump_that_was_cut_fails_and_the_whole_one_completes_it() {
    let cloudtally = Cloudtally::new();
    let dump = std::fs::read(sample("dump.sql")).unwrap();
    let end = dump.windows(8).position(|found| found == b"back\\\\sl").unwrap();
    cloudtally.file("cut.sql", &dump[..end]);
    let message = cloudtally.fails(1, &["ingest", "cut.sql"]);
    says(&message, &["error: `cut.sql` is cut off: it ends at line ", "get the whole file"]);
    let said = cloudtally.ok(&["ingest", &sample("dump.sql")]);
    says(&said, &["events: read 22, accepted 18, duplicate 3, quarantined 1"]);
}

#[test]
fn the_first_word_is_a_stream_or_a_file() {
    let cloudtally = Cloudtally::new();
    let row = "1,VM.START,2026-01-05 00:00:00,2,1,7\n";
    cloudtally.file("events", format!("id,type,created,account_id,zone_id,resource_id\n{row}"));
    says(&cloudtally.fails(2, &["ingest", "events"]), &["no file is named"]);
    says(&cloudtally.ok(&["ingest", "./events"]), &["read 1, accepted 1"]);
    says(&cloudtally.ok(&["ingest", "events", "events"]), &["read 1, accepted 0, duplicate 1"]);
    cloudtally.file("rows.csv", row.replace("1,VM", "2,VM"));
    let message = cloudtally.fails(1, &["ingest", "rows.csv"]);
    says(&message, &["`rows.csv` has no header row", "`--columns`", "`rows.sql`"]);
    let columns = "id,type,created,account_id,zone_id,resource_id";
    let said = cloudtally.ok(&["ingest", "rows.csv", "--columns", columns]);
    says(&said, &["read 1, accepted 1"]);
    let refused = ["ingest", "corrections", "events", "--columns", columns];
    says(&cloudtally.fails(2, &refused), &["leave `--columns` out"]);
    let refused = ["ingest", "events", "events", "--sampled", "2026-01-05 00:00:00"];
    says(&cloudtally.fails(2, &refused), &["`--sampled` is about counters"]);
    let refused = cloudtally.fails(1, &["ingest", "corrections", &sample("dump.sql")]);
    says(&refused, &["is a dump of SQL statements; write them as CSV"]);
}
