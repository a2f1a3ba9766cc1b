//! Bad input of every kind gets a message that says what, which value, where
//! and what to do; nothing is lost.

use std::fs;

use crate::support::Cloudtally;

const HEADER: &str = "id,type,created,account_id,zone_id,resource_id,offering_id,template_id\n";

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

fn check(message: &str, parts: &[&str]) {
    says(message, parts);
    assert!(message.starts_with("error: "), "{message}");
}

/// As `cloudtally settings | head` does when `head` has seen enough.
#[test]
fn a_reader_that_is_gone_ends_a_command_quietly() {
    let cloudtally = Cloudtally::new();
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    for arguments in [&["settings"][..], &["jobs"], &["check"], &["settings", "--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = cloudtally.command(arguments).stdout(writer).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.is_empty(), "{arguments:?}: {told}");
    }
}

#[test]
fn looking_at_settings_makes_no_folder() {
    let cloudtally = Cloudtally::new();
    for arguments in [&["settings"][..], &["settings", "usage.aggregation.timezone"]] {
        check(&cloudtally.fails(1, arguments), &["no data folder at `data`", "--data DIR"]);
    }
    assert!(!cloudtally.path("data").exists());
}

#[test]
fn a_missing_column_is_named_with_the_file() {
    let cloudtally = Cloudtally::new();
    cloudtally
        .file("e.csv", "id,type,created,account_id,zone_id\n1,VM.START,2026-01-01 00:00:00,2,1\n");
    check(&cloudtally.fails(1, &["ingest", "events", "e.csv"]), &["e.csv", "resource_id"]);
}

#[test]
fn a_wrong_type_is_quarantined_with_row_column_and_value() {
    let cloudtally = Cloudtally::new();
    cloudtally.file(
        "e.csv",
        format!("{HEADER}1,VM.CREATE,2026-01-01 00:00:00,two,1,5,1,1\n2,VM.CREATE,2026-01-01 00:00:00,2,1,5,1,1\n"),
    );
    let out = cloudtally.ok(&["ingest", "events", "e.csv"]);
    for part in
        ["read 2, accepted 1, duplicate 0, quarantined 1", "e.csv row 1", "account_id", "`two`"]
    {
        assert!(out.contains(part), "{out}");
    }
    assert_eq!(cloudtally.run(&["ingest", "events", "e.csv", "--strict"]).status, Some(3));
}

#[test]
fn an_unknown_time_zone_and_a_forbidden_range() {
    let cloudtally = Cloudtally::new();
    let zone = cloudtally.run(&["settings", "usage.aggregation.timezone", "Mars/Olympus"]);
    assert_ne!(zone.status, Some(0));
    check(&zone.stderr, &["Mars/Olympus", "IANA"]);
    let range = cloudtally.run(&["settings", "usage.stats.job.aggregation.range", "7"]);
    assert_ne!(range.status, Some(0));
    check(&range.stderr, &["`7`", "10, 12, 15", "1440"]);
    let name = cloudtally.run(&["settings", "usage.agregation.timezone", "UTC"]);
    check(&name.stderr, &["usage.agregation.timezone", "usage.aggregation.timezone"]);
}

#[test]
fn zone_and_range_are_fixed_once_a_period_is_published() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("e.csv", format!("{HEADER}1,VM.CREATE,2026-01-01 00:00:00,2,1,5,1,1\n"));
    cloudtally.ok(&["ingest", "events", "e.csv"]);
    cloudtally.ok(&["aggregate", "--now", "2026-01-03T00:15:00Z"]);
    for (name, value) in [
        ("usage.aggregation.timezone", "Europe/Paris"),
        ("usage.stats.job.aggregation.range", "60"),
    ] {
        let refused = cloudtally.run(&["settings", name, value]);
        assert_ne!(refused.status, Some(0));
        check(&refused.stderr, &[name, "published"]);
    }
}

#[test]
fn a_file_cut_in_the_middle_keeps_what_was_read_and_is_completed_later() {
    let cloudtally = Cloudtally::new();
    cloudtally
        .ok(&["simulate", "--days", "3", "--vms", "20", "--format", "parquet", "--out", "sim"]);
    let whole = fs::read(cloudtally.path("sim/usage_events.parquet")).unwrap();
    cloudtally.file("cut.parquet", &whole[..whole.len() / 2]);
    check(&cloudtally.fails(1, &["ingest", "events", "cut.parquet"]), &["cut.parquet"]);
    cloudtally.ok(&["ingest", "events", "sim/usage_events.parquet"]);

    cloudtally.file(
        "e.csv",
        format!("{HEADER}9000001,VM.CREATE,2026-01-01 00:00:00,2,1,5,1,1\n9000002,VM.STA"),
    );
    let out = cloudtally.ok(&["ingest", "events", "e.csv"]);
    assert!(out.contains("accepted 1, duplicate 0, quarantined 1"), "{out}");
    cloudtally.file("e.csv", format!("{HEADER}9000001,VM.CREATE,2026-01-01 00:00:00,2,1,5,1,1\n9000002,VM.START,2026-01-01 00:00:01,2,1,5,1,1\n"));
    let out = cloudtally.ok(&["ingest", "events", "e.csv"]);
    assert!(out.contains("accepted 1, duplicate 1, quarantined 0"), "{out}");
}

#[test]
fn an_empty_file_a_folder_and_a_missing_file() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("empty.csv", "");
    fs::create_dir(cloudtally.path("folder")).unwrap();
    check(
        &cloudtally.fails(1, &["ingest", "events", "empty.csv"]),
        &["empty.csv", "empty", "header"],
    );
    check(&cloudtally.fails(1, &["ingest", "events", "folder"]), &["folder"]);
    check(&cloudtally.fails(1, &["ingest", "events", "none.csv"]), &["none.csv"]);
}

#[test]
fn a_full_disk_loses_nothing() {
    // `/dev/full` takes no byte; where it is missing there is nothing to test with.
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let (cloudtally, _) = Cloudtally::with_demo();
    let before = cloudtally.export();
    std::os::unix::fs::symlink("/dev/full", cloudtally.path("full.csv")).unwrap();
    let message = cloudtally.fails(1, &["export", "--format", "csv", "--out", "full.csv"]);
    check(&message, &["full.csv", "No space left"]);
    assert!(fs::symlink_metadata(cloudtally.path("full.csv")).unwrap().is_symlink());
    assert_eq!(before, cloudtally.export());
}

#[test]
fn a_window_that_ends_before_it_starts() {
    let (cloudtally, _) = Cloudtally::with_demo();
    for command in [
        &["aggregate", "--from", "2026-01-31", "--to", "2026-01-01"][..],
        &["usage", "--from", "2026-01-31", "--to", "2026-01-01"],
        &["export", "--format", "csv", "--out", "-", "--from", "2026-01-31", "--to", "2026-01-01"],
    ] {
        check(
            &cloudtally.fails(2, command),
            &["2026-01-31", "2026-01-01", "ends before it starts"],
        );
    }
}

#[test]
fn usage_of_the_future_is_not_billed() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("e.csv", format!("{HEADER}1,VM.CREATE,2026-01-01 00:00:00,2,1,5,1,1\n"));
    cloudtally.ok(&["ingest", "events", "e.csv"]);
    let future = ["aggregate", "--from", "2026-01-01", "--to", "9998-01-01"];
    check(&cloudtally.fails(1, &future), &["not over", "--now"]);
}

#[test]
fn a_now_ahead_of_the_clock_is_refused_unless_forced() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("e.csv", format!("{HEADER}1,VM.CREATE,2026-01-01 00:00:00,2,1,5,1,1\n"));
    cloudtally.ok(&["ingest", "events", "e.csv"]);
    let ahead = ["aggregate", "--now", "2400-01-01"];
    check(&cloudtally.fails(2, &ahead), &["2400-01-01", "ahead of the clock", "--force-now"]);
    assert!(cloudtally.ok(&["jobs"]).contains("has not run yet"));
    // It is forced, and still bills no further than the source is known to be complete.
    let forced = cloudtally.ok(&["aggregate", "--now", "2400-01-01", "--force-now"]);
    says(&forced, &["published 7 periods", "`default`", "short by"]);
    let ahead = ["ingest", "events", "--complete-through", "2400-01-01"];
    check(&cloudtally.fails(2, &ahead), &["2400-01-01", "ahead of the clock"]);
}

#[test]
fn a_dump_of_the_past_is_not_billed_to_the_present() {
    let cloudtally = Cloudtally::new();
    cloudtally.file("e.csv", format!("{HEADER}1,VM.CREATE,2026-01-01 00:00:00,2,1,5,1,1\n"));
    cloudtally.ok(&["ingest", "events", "e.csv"]);
    let aggregate = ["aggregate", "--now", "2026-01-20T00:15:00Z"];
    let waits = ["`default`", "complete through 2026-01-01T00:00:00Z", "short by 1 d"];
    says(&cloudtally.ok(&aggregate), &waits);
    says(&cloudtally.ok(&aggregate), &waits);
    says(&cloudtally.ok(&["jobs"]), &waits);
    let told: serde_json::Value =
        serde_json::from_str(&cloudtally.ok(&["jobs", "--json"])).unwrap();
    assert_eq!(told["waits"]["sources"][0]["source"], "default", "{told}");
    assert_eq!(told["publisheduntil"], "2026-01-08T00:00:00Z", "{told}");
    says(&told["jobs"][0]["note"].to_string(), &waits[..1]);
    says(&cloudtally.ok(&["check"]), &["warning", waits[0], waits[1]]);
    assert_eq!(cloudtally.run(&["check", "--strict"]).status, Some(3));

    cloudtally.ok(&["ingest", "events", "--complete-through", "2026-01-12"]);
    says(&cloudtally.ok(&aggregate), &["published 11 periods", "short by 1 d"]);
    cloudtally.ok(&["ingest", "events", "e.csv", "--complete-through", "now"]);
    says(&cloudtally.ok(&aggregate), &["published 1 periods"]);
    cloudtally.ok(&["settings", "usage.source.patience.hours", "-1"]);
    let ran = cloudtally.run(&["settings", "usage.source.patience.hours", "-2"]);
    assert_ne!(ran.status, Some(0), "{ran:?}");
}

#[test]
fn without_a_data_folder_the_message_says_how_to_make_one() {
    let cloudtally = Cloudtally::new();
    for command in [
        &["usage"][..],
        &["aggregate"],
        &["check"],
        &["export", "--format", "csv", "--out", "-"],
        &["explain", "00000000-0000-8000-8000-000000000000"],
    ] {
        check(&cloudtally.fails(1, command), &["data", "cloudtally ingest"]);
    }
    assert!(!cloudtally.path("data").exists(), "asking does not make one");
}

#[test]
fn a_damaged_file_of_the_lake_is_named_by_check() {
    let (cloudtally, _) = Cloudtally::with_demo();
    let mut stack = vec![cloudtally.path("data/generations")];
    let victim = loop {
        let path = stack.pop().expect("there is a record file");
        if path.is_dir() {
            stack.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            break path;
        }
    };
    let mut bytes = fs::read(&victim).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&victim, bytes).unwrap();
    let ran = cloudtally.run(&["check"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    let name = victim.strip_prefix(cloudtally.path("data")).unwrap().display().to_string();
    assert!(ran.stdout.contains(&name), "{} is not in {}", name, ran.stdout);
}

#[test]
fn wrong_usage_exits_with_2() {
    let cloudtally = Cloudtally::new();
    for line in [
        &["frobnicate"][..],
        &["aggregate", "--from", "2026-01-01"],
        &["aggregate", "--from", "01/02/2026", "--to", "2026-01-02"],
        &["export", "--format", "xlsx", "--out", "x"],
        &["usage", "--type", "15"],
        &["explain", "42"],
        &["simulate", "--mess", "2", "--out", "x"],
    ] {
        let ran = cloudtally.run(line);
        assert_eq!(ran.status, Some(2), "{line:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    }
}
