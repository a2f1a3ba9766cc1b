//! A counter that cannot be right: told, and taken out by hand.

use crate::support::{Cloudtally, csv_rows};

const HEADER: &str =
    "sampled,account_id,zone_id,device_id,device_type,network_id,bytes_sent,bytes_received\n";

fn row(hour: u32, account: u64, device: u64, sent: i64) -> String {
    format!("2026-03-01 {hour:02}:00:00,{account},1,{device},DomainRouter,204,{sent},0\n")
}

/// Bytes sent by device.
fn billed(cloudtally: &Cloudtally) -> Vec<(String, String)> {
    let rows = csv_rows(&cloudtally.export()).into_iter();
    let sent = rows.filter(|row| row["usagetype"] == "4");
    sent.map(|row| (row["usageid"].clone(), row["quantity"].clone())).collect()
}

#[test]
fn a_sum_that_fits_no_record_is_told_and_freed_by_dropping_the_wrong_sample() {
    let cloudtally = Cloudtally::new();
    let most = i64::MAX;
    let device_9 = [row(6, 3, 9, 0), row(10, 3, 9, most), row(12, 3, 9, 5), row(18, 3, 9, most)];
    let device_8 = [row(6, 2, 8, 0), row(18, 2, 8, 100)];
    cloudtally.file("s.csv", format!("{HEADER}{}{}", device_9.concat(), device_8.concat()));
    let through = "2026-03-09T00:00:00Z";
    cloudtally.ok(&["ingest", "samples", "s.csv", "--complete-through", through]);

    // 1. Everybody else is billed; the run ends well and names the series.
    let aggregate = |day: u32| {
        let now = format!("2026-03-0{day}T00:15:00Z");
        cloudtally.ok(&["aggregate", "--now", &now])
    };
    let out = aggregate(2);
    let named = "DomainRouter 9 (account 3, network 204) of source `default`: its bytes from \
                 2026-03-01T06:00:00Z to 2026-03-01T10:00:00Z do not fit a record";
    assert!(out.contains(named), "{out}");
    assert_eq!(billed(&cloudtally), [("8".to_owned(), "100".to_owned())]);
    let checked = cloudtally.run(&["check"]);
    assert_eq!(checked.status, Some(1), "{checked:?}");
    assert!(checked.stdout.contains(named), "{checked:?}");
    assert!(checked.stdout.contains("drop-samples --source default --device 9"), "{checked:?}");
    assert!(cloudtally.ok(&["jobs"]).contains(named));

    // 2. Told first, and done only when asked for; what is billed or not there is refused.
    let drop = |device: &str, at: &str, more: &[&str]| {
        let call = ["drop-samples", "--device", device, "--at", at];
        cloudtally.run(&[&call[..], more].concat())
    };
    let at_ten = "2026-03-01T10:00:00Z";
    let told = drop("9", at_ten, &[]);
    assert_eq!(told.status, Some(0), "{told:?}");
    assert!(told.stdout.contains(&format!("at {at_ten}: sent {most}, received 0")), "{told:?}");
    assert!(told.stdout.contains("1 samples would be dropped; add --yes"), "{told:?}");
    for (device, at, more, why) in [
        ("9", "2026-03-01T11:00:00Z", &["--yes"][..], "there is no sample of device 9 at"),
        ("9", at_ten, &["--account", "2"], "there is no sample of device 9 at"),
        ("9", at_ten, &["--address", "192.0.2.1"], "there is no sample of device 9 at"),
        ("8", "2026-03-01T18:00:00Z", &["--yes"], "bytes that it counted are billed"),
    ] {
        let refused = drop(device, at, more);
        assert_eq!(refused.status, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(why), "{refused:?}");
    }
    assert_eq!(cloudtally.run(&["check"]).status, Some(1), "nothing was dropped");
    let done = drop("9", at_ten, &["--yes"]);
    assert!(done.stdout.contains("1 samples dropped"), "{done:?}");

    // 3. The series is billed by the next run, and what was dropped stays known.
    aggregate(3);
    let all = [("8", "100".to_owned()), ("9", most.to_string())];
    let all = all.map(|(device, bytes)| (device.to_owned(), bytes));
    let mut found = billed(&cloudtally);
    found.sort();
    assert_eq!(found, all);
    let dropped = format!("account 3, network 204) at {at_ten}: sent {most}, received 0 in source");
    let checked = cloudtally.ok(&["check"]);
    assert!(checked.contains("1 samples were dropped by hand, the latest:"), "{checked}");
    assert!(checked.contains(&dropped), "{checked}");
    let records = csv_rows(&cloudtally.export());
    let is_it = |row: &&crate::support::Row| row["usagetype"] == "4" && row["usageid"] == "9";
    let id = &records.iter().find(is_it).unwrap()["recordid"];
    let explained = cloudtally.ok(&["explain", id]);
    assert!(explained.contains("equals the record") && explained.contains(&dropped), "{explained}");

    // 4. The same rows come again as duplicates; a corrected one is taken; what is billed stays.
    let out = cloudtally.ok(&["ingest", "samples", "s.csv"]);
    assert!(out.contains("accepted 0, duplicate 6, quarantined 0"), "{out}");
    cloudtally.file("right.csv", format!("{HEADER}{}", row(10, 3, 9, 3)));
    let out = cloudtally.ok(&["ingest", "samples", "right.csv"]);
    assert!(out.contains("accepted 1, duplicate 0, quarantined 0"), "{out}");
    aggregate(4);
    let mut found = billed(&cloudtally);
    found.sort();
    assert_eq!(found, all);
    let refused = drop("9", "2026-03-01T18:00:00Z", &["--yes"]);
    assert!(refused.stderr.contains("bytes that it counted are billed"), "{refused:?}");
    cloudtally.ok(&["check"]);
}

#[test]
fn the_sample_that_a_first_day_is_counted_from_is_billed() {
    let cloudtally = Cloudtally::new();
    let day = |date: u32, sent: i64| {
        format!("2026-03-0{date} 00:00:00,3,1,9,DomainRouter,204,{sent},0\n")
    };
    let rows = [day(1, 7), row(1, 3, 9, 107), day(2, 200), day(3, 300), day(4, 400)];
    cloudtally.file("s.csv", format!("{HEADER}{}", rows.concat()));
    let through = "2026-03-09T00:00:00Z";
    cloudtally.ok(&["ingest", "samples", "s.csv", "--complete-through", through]);
    for now in ["2026-03-02T00:15:00Z", "2026-03-03T00:15:00Z", "2026-03-04T00:15:00Z"] {
        cloudtally.ok(&["aggregate", "--now", now]);
    }
    let before = billed(&cloudtally);
    assert_eq!(before.len(), 3, "{before:?}");
    // Nothing ends at the beginning of the first day; the day itself has counted from there.
    let first = ["drop-samples", "--device", "9", "--at", "2026-03-01T00:00:00Z", "--yes"];
    let refused = cloudtally.run(&first);
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("bytes that it counted are billed"), "{refused:?}");
    let again = ["aggregate", "--from", "2026-03-01", "--to", "2026-03-01", "--rebuild"];
    cloudtally.ok(&again);
    assert_eq!(billed(&cloudtally), before);
}
