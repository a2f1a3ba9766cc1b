//! Records found by a window: layouts, zones, days of 23 and 25 hours, folded records.

use cloudtally_aggregate::Plan;

use crate::support::{Folder, Server};

/// Start dates of the records found, or nothing.
fn found(server: &Server, start: &str, end: &str) -> Vec<String> {
    let listed = server.list(&[("startdate", start), ("enddate", end), ("pagesize", "-1")]);
    assert_eq!(listed.count.unwrap_or(0), listed.items.len() as u64);
    listed.all("startdate")
}

/// A volume of all of 1-10 March 2026 (or of another ten days) in a zone.
fn folder(zone: &str, range: &str, from: &str, to: &str, created: &str) -> Folder {
    let folder = Folder::new(zone, range);
    folder.events(&format!("1,VOLUME.CREATE,2,{created},1,501,DATA-501,1,,1073741824,,\n"));
    folder.aggregate(from, to);
    folder
}

fn new_york() -> Folder {
    folder("America/New_York", "1440", "2026-03-01", "2026-03-10", "2026-03-01 05:00:00")
}

#[test]
fn a_window_holds_whole_periods_and_its_end_is_inclusive() {
    let folder = new_york();
    let server = folder.serve();
    let check = |start: &str, end: &str, days: &[&str]| {
        let found: Vec<String> =
            found(&server, start, end).iter().map(|date| date[8..10].to_owned()).collect();
        assert_eq!(found, days, "{start} to {end}");
    };
    // Bare days are days of the aggregation zone, both inclusive.
    check("2026-03-03", "2026-03-03", &["03"]);
    check("2026-03-03", "2026-03-05", &["03", "04", "05"]);
    check(
        "2000-01-01",
        "2026-11-24",
        &["01", "02", "03", "04", "05", "06", "07", "08", "09", "10"],
    );
    // Times of day count, to the second at both ends.
    check("2026-03-03 00:00:00", "2026-03-03 23:59:59", &["03"]);
    check("2026-03-03 00:00:01", "2026-03-05", &["04", "05"]);
    check("2026-03-03", "2026-03-05 23:59:58", &["03", "04"]);
    check("2026-03-03", "2026-03-05 00:00:00", &["03", "04"]);
    check("2026-03-03 12:00:00", "2026-03-03 13:00:00", &[]);
    check("2026-03-03T00:00:00", "2026-03-03T23:59:59", &["03"]);
    // Offsets, in all spellings.
    check("2026-03-03T05:00:00Z", "2026-03-04T04:59:59Z", &["03"]);
    check("2026-03-03T00:00:00-0500", "2026-03-03T23:59:59-05:00", &["03"]);
    check("2026-03-03T10:30:00+0530", "2026-03-04T10:29:59+05:30", &["03"]);
    check("2026-03-03T10:30:01+0530", "2026-03-04T10:29:59+05:30", &[]);
    check("2026-03-03", "2026-03-04T04:59:58Z", &[]);
}

#[test]
fn days_of_23_and_25_hours_are_found_by_their_dates() {
    for (from, day, to, hours) in [
        ("2026-03-07", "2026-03-08", "2026-03-09", "23 Hrs"),
        ("2026-10-31", "2026-11-01", "2026-11-02", "25 Hrs"),
    ] {
        let folder = folder("America/New_York", "1440", from, to, &format!("{from} 00:00:00"));
        let server = folder.serve();
        let listed = server.list(&[("startdate", day), ("enddate", day)]);
        assert_eq!(listed.all("usage"), [hours]);
        let own = (&listed.all("startdate")[0], &listed.all("enddate")[0]);
        assert_eq!(found(&server, own.0, own.1), std::slice::from_ref(own.0), "its own dates");
        assert_eq!(found(&server, from, to).len(), 3);
    }
}

#[test]
fn hours_that_come_twice_or_never() {
    // 01:00 to 02:00 comes twice on 2026-11-01, 02:00 to 03:00 never on 2026-03-08.
    let autumn =
        folder("America/New_York", "60", "2026-11-01", "2026-11-01", "2026-10-31 00:00:00");
    let server = autumn.serve();
    let day = found(&server, "2026-11-01", "2026-11-01");
    assert_eq!(day.len(), 25);
    assert_eq!(day[1..3], ["2026-11-01T01:00:00-0400", "2026-11-01T01:00:00-0500"]);
    let listed = server.list(&[("startdate", "2026-11-01"), ("enddate", "2026-11-01")]);
    for (start, end) in listed.all("startdate").iter().zip(listed.all("enddate")) {
        assert_eq!(found(&server, start, &end), std::slice::from_ref(start), "its own dates");
    }
    let spring =
        folder("America/New_York", "60", "2026-03-08", "2026-03-08", "2026-03-07 00:00:00");
    let server = spring.serve();
    assert_eq!(found(&server, "2026-03-08", "2026-03-08").len(), 23);
    let around = found(&server, "2026-03-08 01:00:00", "2026-03-08 02:59:59");
    assert_eq!(around, ["2026-03-08T01:00:00-0500"]);
    let after = found(&server, "2026-03-08 02:30:00", "2026-03-08 03:59:59");
    assert_eq!(after, ["2026-03-08T03:00:00-0400"]);
}

#[test]
fn a_day_that_the_clocks_skipped_is_empty_not_wrong() {
    let folder = folder("Pacific/Apia", "1440", "2011-12-28", "2011-12-31", "2011-12-20 00:00:00");
    let server = folder.serve();
    assert_eq!(found(&server, "2011-12-28", "2011-12-31").len(), 3);
    assert_eq!(found(&server, "2011-12-30", "2011-12-30").len(), 0);
    assert_eq!(found(&server, "2011-12-29", "2011-12-30").len(), 1);
    assert_eq!(found(&server, "2011-12-30", "2011-12-31").len(), 1);
}

#[test]
fn folded_records_are_found_with_their_last_day() {
    let folder = Folder::new("UTC", "1440");
    folder.samples(
        "2026-01-01 03:00:00,2,1,5001,DomainRouter,204,0,0\n\
         2026-01-01 09:00:00,2,1,5001,DomainRouter,204,10,100\n\
         2026-01-03 10:00:00,2,1,5001,DomainRouter,204,35,350\n",
    );
    let report = folder.run(Plan::Scheduled, "2026-01-04 00:15:00");
    assert_eq!(report.folded_series, 1);
    let server = folder.serve();
    let last = server.list(&[("startdate", "2026-01-03"), ("enddate", "2026-01-03")]);
    assert_eq!(last.all("usage"), ["35 bytes sent", "350 bytes received"]);
    assert_eq!(last.all("startdate"), ["2026-01-01T03:00:00+0000"; 2]);
    assert_eq!(last.all("enddate"), ["2026-01-03T23:59:59+0000"; 2]);
    assert_eq!(found(&server, "2026-01-01T03:00:00+0000", "2026-01-03T23:59:59+0000").len(), 2);
    assert_eq!(found(&server, "2026-01-01", "2026-01-02").len(), 0);
    assert_eq!(found(&server, "2026-01-01", "2026-01-31").len(), 2, "once, not once a day");
}
