//! `generateUsageRecords` honours its dates.

use std::{
    io::{ErrorKind, Read, Write},
    time::Duration,
};

use crate::support::{Folder, Reply, Server, signed};

fn folder() -> Folder {
    let folder = Folder::new("America/New_York", "1440");
    folder.events("1,VOLUME.CREATE,2,2026-01-01 05:00:00,1,501,DATA,1,,1073741824,,\n");
    folder
}

fn generate(server: &Server, start: &str, end: &str) {
    let root = root_domain(server);
    let pairs = [
        ("command", "generateUsageRecords"),
        ("startdate", start),
        ("enddate", end),
        ("domainid", &root),
        ("response", "json"),
    ];
    let reply = server.ask(&pairs);
    assert_eq!(reply.text(), "{\"generateusagerecordsresponse\":{\"success\":\"true\"}}");
    assert_eq!(reply.status, 200);
}

/// The uuid of ROOT.
fn root_domain(server: &Server) -> String {
    let world = server.cloud.as_ref().unwrap().world();
    let first = world.all(cloudtally_platform::table::Kind::Domain).next();
    first.expect("a cloud has domains").uuid.to_string()
}

/// Days of January 2026 that have records.
fn days(server: &Server) -> Vec<String> {
    let listed = server.list(&[("startdate", "2026-01-01"), ("enddate", "2026-12-31")]);
    listed.all("startdate").iter().map(|date| date[5..10].to_owned()).collect()
}

#[test]
fn just_the_days_named_are_generated() {
    let folder = folder();
    let server = folder.serve();
    generate(&server, "2026-01-03", "2026-01-04");
    assert_eq!(days(&server), ["01-03", "01-04"]);
    // Again: nothing changes, not even a generation.
    let before = folder.store.snapshot().unwrap().periods;
    generate(&server, "2026-01-03", "2026-01-04");
    assert_eq!(folder.store.snapshot().unwrap().periods, before);
    // Times stand for their days, in the aggregation zone: 03:00 UTC is the evening before.
    generate(&server, "2026-01-06T03:00:00Z", "2026-01-06 12:00:00");
    assert_eq!(days(&server), ["01-03", "01-04", "01-05", "01-06"]);
    let runs = folder.store.jobs(0, 10).unwrap();
    assert_eq!(runs.iter().filter(|run| run.kind == "generate").count(), 3);
}

#[test]
fn days_before_the_first_event_and_in_the_future_have_nothing() {
    let folder = folder();
    let server = folder.serve();
    generate(&server, "2025-01-01", "2026-01-02");
    assert_eq!(days(&server), ["01-01", "01-02"]);
    generate(&server, "9990-01-01", "9998-12-31");
    assert_eq!(days(&server), ["01-01", "01-02"]);
}

/// Periods are published whole: what names a part of them is refused, and not dropped.
#[test]
fn one_domain_alone_is_refused() {
    let folder = folder();
    let server = folder.serve();
    let acme = server.domain("acme", None);
    let call = |domain: &str| {
        let dates = [("startdate", "2026-01-01"), ("enddate", "2026-01-02")];
        let command = [("command", "generateUsageRecords"), ("domainid", domain)];
        let reply = server.ask(&[&command[..], &dates].concat());
        (reply.status, reply.text().to_owned())
    };
    let (status, text) = call(&acme);
    assert_eq!(status, 431, "{text}");
    assert!(text.contains(&acme) && text.contains("the records of all domains"), "{text}");
    for gone in ["1", "00000000-0000-4000-8000-000000000000"] {
        let (status, text) = call(gone);
        assert_eq!(status, 431, "{text}");
        assert!(
            text.contains(&format!("Invalid parameter domainid value={gone} due to")),
            "{text}"
        );
    }
    assert_eq!(days(&server), [""; 0], "nothing was generated");
    assert_eq!(call(&root_domain(&server)).0, 200);
    assert_eq!(days(&server), ["01-01", "01-02"]);
}

#[test]
fn late_events_change_what_was_generated() {
    let folder = folder();
    let server = folder.serve();
    generate(&server, "2026-01-01", "2026-01-03");
    folder.events("2,VOLUME.DELETE,2,2026-01-02 17:00:00,1,501,DATA,1,,1073741824,,\n");
    generate(&server, "2026-01-01", "2026-01-03");
    let listed = server.list(&[("startdate", "2026-01-01"), ("enddate", "2026-01-03")]);
    assert_eq!(listed.all("usage"), ["24 Hrs", "12 Hrs"]);
}

#[test]
fn a_folder_without_events_has_nothing_to_generate() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    generate(&server, "2026-01-01", "2026-01-31");
    assert_eq!(days(&server), [""; 0]);
    let runs = folder.store.jobs(0, 10).unwrap();
    assert_eq!(runs, [], "nothing has failed, for nothing was run");
}

#[test]
fn a_failure_is_told_to_the_administrator_until_it_works() {
    let folder = folder();
    let server = folder.serve();
    let stands = || {
        let pairs = [("command", "listAlerts"), ("type", "20"), ("response", "json")];
        let count = server.ask(&pairs).text().matches("the usage job failed").count();
        let world = server.cloud.as_ref().unwrap().world();
        let alerts = world.all(cloudtally_platform::table::Kind::Alert);
        let open =
            alerts.filter(|alert| alert.time(cloudtally_platform::col::RESOLVED).is_none()).count();
        (count, open)
    };
    let records = folder.store.dir().join("records");
    std::fs::remove_dir_all(&records).ok();
    std::fs::write(&records, "in the way").unwrap();
    let pairs = [
        ("command", "generateUsageRecords"),
        ("startdate", "2026-01-01"),
        ("enddate", "2026-01-02"),
        ("response", "json"),
    ];
    for _ in 0..2 {
        assert_eq!(server.ask(&pairs).status, 530);
        assert_eq!(stands(), (1, 1));
    }
    std::fs::remove_file(&records).unwrap();
    generate(&server, "2026-01-01", "2026-01-02");
    assert_eq!(stands(), (1, 0));
}

/// Days that are held back are no success, and another day that is published does not make
/// the administrator forget them.
#[test]
fn days_that_are_held_back_are_told_until_they_are_published() {
    let folder = folder();
    let server = folder.serve();
    let stands = || {
        let world = server.cloud.as_ref().unwrap().world();
        let alerts = world.all(cloudtally_platform::table::Kind::Alert);
        alerts.filter(|alert| alert.time(cloudtally_platform::col::RESOLVED).is_none()).count()
    };
    generate(&server, "2026-01-01", "2026-01-03");
    folder.writer().set_setting("usage.publish.max.change", "20").unwrap();
    folder.events("2,VOLUME.DELETE,2,2026-01-02 17:00:00,1,501,DATA,1,,1073741824,,\n");
    let pairs = [
        ("command", "generateUsageRecords"),
        ("startdate", "2026-01-01"),
        ("enddate", "2026-01-03"),
        ("response", "json"),
    ];
    for _ in 0..2 {
        let reply = server.ask(&pairs);
        let text = reply.text();
        assert_eq!(reply.status, 530, "{text}");
        for part in [
            "failed to generate usage records: 2026-01-02T05:00:00Z..2026-01-03T05:00:00Z is held back",
            "(and 1 more); all else is published",
            "`cloudtally aggregate --from 2026-01-01 --to 2026-01-03 --accept 2026-01-02 --accept 2026-01-03` publishes it",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(stands(), 1);
    }
    generate(&server, "2026-01-01", "2026-01-01");
    assert_eq!(stands(), 1, "a run of another day clears nothing");
    folder.writer().set_setting("usage.publish.max.change", "-1").unwrap();
    generate(&server, "2026-01-01", "2026-01-03");
    assert_eq!(stands(), 0);
}

#[test]
fn its_errors_are_those_of_dates() {
    let folder = folder();
    let server = folder.serve();
    let status = |start: &str, end: &str| {
        server
            .ask(&[("command", "generateUsageRecords"), ("startdate", start), ("enddate", end)])
            .status
    };
    assert_eq!(status("2026-01-02", "2026-01-01"), 431);
    assert_eq!(status("", "2026-01-01"), 431);
    assert_eq!(status("today", "2026-01-01"), 431);
}

#[test]
fn generating_waits_for_another_writer() {
    let folder = folder();
    let server = folder.serve();
    let writer = folder.writer();
    let query = signed(&[
        ("command", "generateUsageRecords"),
        ("startdate", "2026-01-01"),
        ("enddate", "2026-01-01"),
    ]);
    let mut stream = server.begin(query.len());
    stream.write_all(query.as_bytes()).unwrap();
    assert_eq!(days(&server), [""; 0], "reading waits for nobody");
    // No answer while the folder is not free; a slow machine only waits for less.
    let patience = stream.read_timeout().unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    stream.set_read_timeout(patience).unwrap();
    drop(writer);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(Reply::parse(&answer).status, 200);
    assert_eq!(days(&server), ["01-01"]);
}
