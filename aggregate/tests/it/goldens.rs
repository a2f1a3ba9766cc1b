//! Days worked out by hand: events in, records and anomalies out.

use std::collections::BTreeMap;

use cloudtally_model::{AccountId, Instant, Millis, SourceId, UsageEvent};

use crate::{
    naive::{self, History},
    support::{World, at, events, trimmed},
};

/// A history, the cut of time, and what is expected of them.
struct Case<'a> {
    events: &'a str,
    zone: &'a str,
    minutes: &'a str,
    removed: &'a [(u64, &'a str)],
    until: &'a str,
    expected: &'a str,
}

const UTC: Case<'_> = Case {
    events: "",
    zone: "UTC",
    minutes: "1440",
    removed: &[],
    until: "2026-03-03 00:00:00",
    expected: "",
};

/// In one go, day by day, and by the slow twin.
fn run(case: &Case<'_>) {
    let events = events(case.events);
    let removed: BTreeMap<AccountId, Instant> =
        case.removed.iter().map(|(id, when)| (AccountId(*id), at(when))).collect();
    let until = at(case.until);

    let at_once = world(case, &events, &removed);
    at_once.job(until);
    assert_eq!(at_once.lines(), trimmed(case.expected), "in one go");

    let daily = world(case, &events, &removed);
    let mut now = events.iter().map(|event| event.created).min().unwrap();
    while now < until {
        now = now + Millis(7 * Millis::HOUR.0);
        daily.job(now.min(until));
    }
    assert_eq!(daily.lines(), trimmed(case.expected), "bit by bit");

    let twin = [History { events, removed }];
    let calendar = at_once.calendar();
    let expected = naive::records(&twin, calendar, until);
    let expected: Vec<_> = expected.into_iter().map(|(p, r, _)| (p.start, r)).collect();
    let found: Vec<_> = at_once.records().into_iter().map(|(p, _, r)| (p, r)).collect();
    assert_eq!(found, expected, "the slow twin");
    let odd: Vec<_> = at_once.writer.anomalies(usize::MAX).unwrap();
    let mut odd: Vec<_> = odd
        .into_iter()
        .map(|o| (SourceId(0), (o.at, o.event, o.usage_type.0, o.resource.0)))
        .collect();
    odd.sort();
    assert_eq!(odd, naive::oddities(&twin, calendar, until), "the slow twin's anomalies");
}

fn world(case: &Case<'_>, events: &[UsageEvent], removed: &BTreeMap<AccountId, Instant>) -> World {
    let world = World::new(case.zone, case.minutes);
    world.events("default", events);
    for (account, when) in removed {
        world.account("default", account.0, Some(*when));
    }
    world
}

fn check(events: &str, expected: &str) {
    run(&Case { events, expected, ..UTC });
}

fn check_zone(zone: &str, until: &str, events: &str, expected: &str) {
    run(&Case { events, expected, zone, until, ..UTC });
}

fn check_removed(removed: &[(u64, &str)], events: &str, expected: &str) {
    run(&Case { events, expected, removed, ..UTC });
}

#[test]
fn the_guides_example() {
    check(
        "2026-03-01 12:00:00 VM.CREATE 4 o=1 t=5
         2026-03-01 12:00:00 VM.START 4 o=1 t=5
         2026-03-01 18:00:00 VM.STOP 4
         2026-03-01 23:00:00 VM.START 4 o=1 t=5",
        "2026-03-01 1 4 a2 z1 o1 t5 = 7h
         2026-03-01 2 4 a2 z1 o1 t5 = 12h
         2026-03-02 1 4 a2 z1 o1 t5 = 24h
         2026-03-02 2 4 a2 z1 o1 t5 = 24h",
    );
}

#[test]
fn the_guides_example_when_clocks_change() {
    // 2026-03-08 has 23 hours in New York; noon is 16:00 UTC after the change.
    check_zone(
        "America/New_York",
        "2026-03-10 04:00:00",
        "2026-03-08 16:00:00 VM.CREATE 4 o=1 t=5
         2026-03-08 16:00:00 VM.START 4 o=1 t=5
         2026-03-08 22:00:00 VM.STOP 4
         2026-03-09 03:00:00 VM.START 4 o=1 t=5",
        "2026-03-08 1 4 a2 z1 o1 t5 = 7h
         2026-03-08 2 4 a2 z1 o1 t5 = 12h
         2026-03-09 1 4 a2 z1 o1 t5 = 24h
         2026-03-09 2 4 a2 z1 o1 t5 = 24h",
    );
    check_zone(
        "America/New_York",
        "2026-03-10 04:00:00",
        "2026-03-07 17:00:00 VM.CREATE 4 o=1 t=5
         2026-03-07 17:00:00 VM.START 4 o=1 t=5",
        "2026-03-07 1 4 a2 z1 o1 t5 = 12h
         2026-03-07 2 4 a2 z1 o1 t5 = 12h
         2026-03-08 1 4 a2 z1 o1 t5 = 23h
         2026-03-08 2 4 a2 z1 o1 t5 = 23h
         2026-03-09 1 4 a2 z1 o1 t5 = 24h
         2026-03-09 2 4 a2 z1 o1 t5 = 24h",
    );
    check_zone(
        "America/New_York",
        "2026-11-02 05:00:00",
        "2026-10-31 16:00:00 VM.CREATE 4 o=1 t=5
         2026-10-31 16:00:00 VM.START 4 o=1 t=5
         // 01:30 on the 1st, twice
         2026-11-01 05:30:00 VM.STOP 4
         2026-11-01 06:30:00 VM.START 4",
        "2026-10-31 1 4 a2 z1 o1 t5 = 12h
         2026-10-31 2 4 a2 z1 o1 t5 = 12h
         2026-11-01 1 4 a2 z1 o1 t5 = 24h
         2026-11-01 2 4 a2 z1 o1 t5 = 25h",
    );
    check_zone(
        "Australia/Lord_Howe",
        "2026-04-05 13:30:00",
        "2026-04-04 01:00:00 VM.CREATE 4 o=1 t=5
         2026-04-04 01:00:00 VM.START 4 o=1 t=5",
        "2026-04-04 1 4 a2 z1 o1 t5 = 12h
         2026-04-04 2 4 a2 z1 o1 t5 = 12h
         2026-04-05 1 4 a2 z1 o1 t5 = 24h30m
         2026-04-05 2 4 a2 z1 o1 t5 = 24h30m",
    );
    check_zone(
        "Australia/Lord_Howe",
        "2026-10-04 13:00:00",
        "2026-10-03 01:30:00 VM.CREATE 4 o=1 t=5",
        "2026-10-03 2 4 a2 z1 o1 t5 = 12h
         2026-10-04 2 4 a2 z1 o1 t5 = 23h30m",
    );
}

#[test]
fn ranges_shorter_than_a_day() {
    run(&Case {
        zone: "Australia/Lord_Howe",
        minutes: "720",
        // The 4th of October has 23.5 h: 12 h from midnight, then 11.5 h.
        until: "2026-10-04 13:00:00",
        events: "2026-10-03 01:30:00 LB.CREATE 9
                 2026-10-04 12:59:59.999 LB.DELETE 9 z=0",
        expected: "2026-10-03T12:00 11 9 a2 z1 = 12h
                   2026-10-04T00:00 11 9 a2 z1 = 12h
                   2026-10-04T12:30 11 9 a2 z1 = 11h29m59s999ms",
        ..UTC
    });
    run(&Case {
        minutes: "10",
        until: "2026-03-01 00:30:00",
        events: "2026-03-01 00:05:00.250 NET.RULEADD 3
                 2026-03-01 00:20:00 NET.RULEDELETE 3 z=0",
        expected: "2026-03-01T00:00 12 3 a2 z1 = 4m59s750ms
                   2026-03-01T00:10 12 3 a2 z1 = 10m",
        ..UTC
    });
}

#[test]
fn a_day_of_each_lifecycle_type() {
    check(
        "2026-03-01 06:00:00 VM.CREATE 4 o=1 t=5 n=i-2-4-VM h=XenServer
         2026-03-01 06:00:01 VM.START 4 o=1 t=5 n=i-2-4-VM h=XenServer
         2026-03-01 06:00:01 NETWORK.OFFERING.ASSIGN 4 o=7 n=31 s=1
         2026-03-01 06:00:00 NET.IPASSIGN 12 n=192.0.2.1 s=1 t=0 h=VirtualNetwork
         2026-03-01 06:00:00 VOLUME.CREATE 8 o=3 s=100
         2026-03-01 06:00:00 TEMPLATE.CREATE 20 s=500 v=900 n=centos
         2026-03-01 06:00:00 ISO.CREATE 21 s=600 n=disc
         2026-03-01 06:00:00 SNAPSHOT.CREATE 22 s=100 n=snap
         2026-03-01 06:00:00 LB.CREATE 23
         2026-03-01 06:00:00 NET.RULEADD 24
         2026-03-01 06:00:00 VPN.USER.ADD 25 z=0 n=ann
         2026-03-01 18:00:00 VM.STOP 4
         2026-03-01 18:00:00 NETWORK.OFFERING.REMOVE 4 o=7 n=31 s=0
         2026-03-01 20:00:00 VM.DESTROY 4 o=1 t=5
         2026-03-01 20:00:00 NET.IPRELEASE 12 z=0
         2026-03-01 20:00:00 VOLUME.DELETE 8
         2026-03-01 20:00:00 TEMPLATE.DELETE 20
         2026-03-01 20:00:00 ISO.DELETE 21
         2026-03-01 20:00:00 SNAPSHOT.DELETE 22 s=0
         2026-03-01 20:00:00 LB.DELETE 23 z=0
         2026-03-01 20:00:00 NET.RULEDELETE 24 z=0
         2026-03-01 20:00:00 VPN.USER.REMOVE 25 z=0",
        "2026-03-01 1 4 a2 z1 o1 t5 = 11h59m59s
         2026-03-01 2 4 a2 z1 o1 t5 = 14h
         2026-03-01 3 12 a2 z1 = 14h
         2026-03-01 6 8 a2 z1 o3 s100 = 14h
         2026-03-01 7 20 a2 z1 s500 = 14h
         2026-03-01 8 21 a2 z1 s600 = 14h
         2026-03-01 9 22 a2 z1 s100 = 14h
         2026-03-01 11 23 a2 z1 = 14h
         2026-03-01 12 24 a2 z1 = 14h
         2026-03-01 13 4/31 a2 z1 o7 = 11h59m59s
         2026-03-01 14 25 a2 z- = 14h",
    );
}

#[test]
fn upgrade_of_a_stopped_vm_splits_what_is_allocated() {
    check(
        "2026-03-01 00:00:00 VM.CREATE 4 o=1 t=5
         2026-03-01 00:00:00 VM.START 4 o=1 t=5
         2026-03-01 08:00:00 VM.STOP 4
         2026-03-01 10:00:00 VM.UPGRADE 4 o=2 t=5
         2026-03-01 11:00:00 VM.START 4 o=2 t=5
         2026-03-01 20:00:00 VM.DESTROY 4",
        "2026-03-01 1 4 a2 z1 o1 t5 = 8h
         2026-03-01 1 4 a2 z1 o2 t5 = 9h
         2026-03-01 2 4 a2 z1 o1 t5 = 10h
         2026-03-01 2 4 a2 z1 o2 t5 = 10h",
    );
}

#[test]
fn dynamic_scale_splits_both() {
    check(
        "2026-03-01 00:00:00 VM.CREATE 4 o=1 t=5
         2026-03-01 06:00:00 VM.START 4 o=1 t=5
         2026-03-01 12:00:00 VM.DYNAMIC.SCALE 4 o=2 t=5
         2026-03-01 18:00:00 VM.DYNAMIC.SCALE 4 o=1
         2026-03-02 00:00:00 VM.DESTROY 4",
        "2026-03-01 1 4 a2 z1 o1 t5 = 12h
         2026-03-01 1 4 a2 z1 o2 t5 = 6h
         2026-03-01 2 4 a2 z1 o1 t5 = 18h
         2026-03-01 2 4 a2 z1 o2 t5 = 6h",
    );
}

#[test]
fn start_with_another_offering_or_template() {
    check(
        "2026-03-01 00:00:00 VM.CREATE 4 o=1 t=5
         2026-03-01 06:00:00 VM.START 4 o=2 t=5
         2026-03-01 12:00:00 VM.START 4 o=2 t=6
         2026-03-01 18:00:00 VM.DESTROY 4",
        "2026-03-01 1 4 a2 z1 o2 t5 = 6h
         2026-03-01 1 4 a2 z1 o2 t6 = 6h
         2026-03-01 2 4 a2 z1 o1 t5 = 6h
         2026-03-01 2 4 a2 z1 o2 t5 = 6h
         2026-03-01 2 4 a2 z1 o2 t6 = 6h",
    );
}

#[test]
fn start_with_empty_attributes_knows_them_from_before() {
    check(
        "2026-03-01 12:00:00 VM.CREATE 4 o=1 t=5 n=web h=KVM
         2026-03-02 06:00:00 VM.START 4 z=0
         2026-03-02 08:00:00 VM.STOP 4",
        "2026-03-01 2 4 a2 z1 o1 t5 = 12h
         2026-03-02 1 4 a2 z1 o1 t5 = 2h
         2026-03-02 2 4 a2 z1 o1 t5 = 24h",
    );
    // Nothing is open on the 2nd: the past must be read.
    check(
        "2026-03-01 10:00:00 VM.CREATE 4 o=1 t=5 n=web h=KVM
         2026-03-01 11:00:00 VM.UPGRADE 4 o=2
         2026-03-01 12:00:00 VM.DESTROY 4
         2026-03-02 06:00:00 VM.START 4
         2026-03-02 08:00:00 VM.STOP 4",
        "2026-03-01 2 4 a2 z1 o1 t5 = 1h
         2026-03-01 2 4 a2 z1 o2 t5 = 1h
         2026-03-02 1 4 a2 z1 o2 t5 = 2h",
    );
}

#[test]
fn recovered_after_destroy() {
    check(
        "2026-03-01 00:00:00 VM.CREATE 4 o=1 t=5
         2026-03-01 06:00:00 VM.DESTROY 4
         2026-03-01 10:00:00 VM.CREATE 4 o=1 t=5
         2026-03-01 12:00:00 VM.START 4
         2026-03-01 13:00:00 VM.DESTROY 4",
        "2026-03-01 1 4 a2 z1 o1 t5 = 1h
         2026-03-01 2 4 a2 z1 o1 t5 = 9h",
    );
}

#[test]
fn a_volume_resized_and_one_uploaded() {
    check(
        "2026-03-01 00:00:00 VOLUME.CREATE 8 o=3 s=100
         2026-03-01 12:00:00 VOLUME.RESIZE 8 s=200
         2026-03-01 18:00:00 VOLUME.RESIZE 8 o=4 s=200
         2026-03-02 06:00:00 VOLUME.DELETE 8
         2026-03-01 06:00:00 VOLUME.UPLOAD 9 s=50
         2026-03-01 07:00:00 VOLUME.CREATE 9 o=3 s=70
         2026-03-01 08:00:00 VOLUME.DELETE 9
         2026-03-01 09:00:00 VOLUME.RESIZE 9 s=1",
        "2026-03-01 6 8 a2 z1 o3 s100 = 12h
         2026-03-01 6 8 a2 z1 o3 s200 = 6h
         2026-03-01 6 8 a2 z1 o4 s200 = 6h
         2026-03-01 6 9 a2 z1 s50 = 1h
         2026-03-01 6 9 a2 z1 o3 s70 = 1h
         2026-03-02 6 8 a2 z1 o4 s200 = 6h
         ! 2026-03-01T09:00:00Z 6 9 #8",
    );
}

#[test]
fn templates_live_per_zone() {
    check(
        "2026-03-01 00:00:00 TEMPLATE.CREATE 7 z=1 s=10
         2026-03-01 02:00:00 TEMPLATE.COPY 7 z=2 s=10
         2026-03-01 03:00:00 TEMPLATE.COPY 7 z=3 s=10
         2026-03-01 04:00:00 TEMPLATE.DELETE 7 z=2
         2026-03-01 10:00:00 TEMPLATE.DELETE 7 z=0
         2026-03-01 11:00:00 TEMPLATE.DELETE 7 z=1",
        "2026-03-01 7 7 a2 z1 s10 = 10h
         2026-03-01 7 7 a2 z2 s10 = 2h
         2026-03-01 7 7 a2 z3 s10 = 7h
         ! 2026-03-01T11:00:00Z 7 7 #6",
    );
    check(
        "2026-03-01 00:00:00 ISO.COPY 7 z=-1 s=10
         2026-03-01 06:00:00 ISO.CREATE 7 z=2 s=10
         2026-03-01 12:00:00 ISO.DELETE 7 z=5
         2026-03-01 18:00:00 ISO.DELETE 7 z=-1",
        "2026-03-01 8 7 a2 z- s10 = 12h
         2026-03-01 8 7 a2 z2 s10 = 12h",
    );
}

#[test]
fn storage_of_nothing_is_one_record_of_nothing() {
    check(
        "2026-03-01 06:00:00 TEMPLATE.CREATE 7 s=0
         2026-03-02 06:00:00 TEMPLATE.DELETE 7
         2026-03-01 06:00:00 ISO.CREATE 8 s=0
         2026-03-01 07:00:00 ISO.DELETE 8
         2026-03-01 08:00:00 ISO.CREATE 8 s=0
         2026-03-01 06:00:00 VOLUME.CREATE 9 s=0
         2026-03-01 07:00:00 VOLUME.DELETE 9",
        "2026-03-01 6 9 a2 z1 s0 = 1h
         2026-03-01 7 7 a2 z1 s0 = 0
         2026-03-01 8 8 a2 z1 s0 = 0
         2026-03-02 7 7 a2 z1 s0 = 0
         2026-03-02 8 8 a2 z1 s0 = 0",
    );
}

#[test]
fn network_offerings_per_nic() {
    check(
        "2026-03-01 00:00:00 NETWORK.OFFERING.ASSIGN 4 o=7 n=31 s=1
         2026-03-01 00:00:00 NETWORK.OFFERING.CREATE 4 o=7 n=32 s=0
         2026-03-01 06:00:00 NETWORK.OFFERING.REMOVE 4 o=7 n=31
         2026-03-01 08:00:00 NETWORK.OFFERING.ASSIGN 4 o=8 n=32
         2026-03-01 12:00:00 NETWORK.OFFERING.DELETE 4 n=32
         2026-03-01 13:00:00 VM.CREATE 4 o=1
         2026-03-01 14:00:00 VM.DESTROY 4",
        "2026-03-01 2 4 a2 z1 o1 = 1h
         2026-03-01 13 4/31 a2 z1 o7 = 6h
         2026-03-01 13 4/32 a2 z1 o7 = 8h
         2026-03-01 13 4/32 a2 z1 o8 = 4h",
    );
    // DESTROY alone ends running time and all NICs.
    check(
        "2026-03-01 00:00:00 VM.CREATE 4 o=1
         2026-03-01 01:00:00 VM.START 4 o=1
         2026-03-01 01:00:00 NETWORK.OFFERING.ASSIGN 4 o=7 n=31
         2026-03-01 02:00:00 NETWORK.OFFERING.ASSIGN 4 o=7 n=thirty-two
         2026-03-01 03:00:00 VM.DESTROY 4 z=0",
        "2026-03-01 1 4 a2 z1 o1 = 2h
         2026-03-01 2 4 a2 z1 o1 = 3h
         2026-03-01 13 4 a2 z1 o7 = 1h
         2026-03-01 13 4/31 a2 z1 o7 = 2h",
    );
}

#[test]
fn moved_to_another_account() {
    check(
        "2026-03-01 00:00:00 VM.CREATE 4 o=1 a=2
         2026-03-01 09:00:00 VM.DESTROY 4 o=1 a=2
         2026-03-01 09:00:00 VM.CREATE 4 o=1 a=3
         2026-03-01 00:00:00 VOLUME.CREATE 8 s=5 a=2
         2026-03-01 09:00:00 VOLUME.DELETE 8 a=2
         2026-03-01 09:00:00 VOLUME.CREATE 8 s=5 a=3
         // closed by neither
         2026-03-01 10:00:00 VOLUME.DELETE 8 a=9
         2026-03-01 10:00:00 VM.DESTROY 4 a=9",
        "2026-03-01 2 4 a2 z1 o1 = 9h
         2026-03-01 6 8 a2 z1 s5 = 9h
         2026-03-01 2 4 a3 z1 o1 = 1h
         2026-03-01 6 8 a3 z1 s5 = 1h",
    );
    // Without the pair: the account is an attribute, so the stretch is split.
    check(
        "2026-03-01 00:00:00 NET.IPASSIGN 8 a=2
         2026-03-01 09:00:00 NET.IPASSIGN 8 a=3
         2026-03-01 10:00:00 NET.IPRELEASE 8
         2026-03-01 00:00:00 VM.CREATE 4 o=1 a=2
         2026-03-01 01:00:00 VM.START 4 o=1 a=3
         2026-03-01 02:00:00 VM.DESTROY 4",
        "2026-03-01 2 4 a2 z1 o1 = 1h
         2026-03-01 3 8 a2 z1 = 9h
         2026-03-01 1 4 a3 z1 o1 = 1h
         2026-03-01 2 4 a3 z1 o1 = 1h
         2026-03-01 3 8 a3 z1 = 1h",
    );
}

#[test]
fn opened_twice_counts_once() {
    check(
        "2026-03-01 00:00:00 VM.CREATE 4 o=1
         2026-03-01 06:00:00 VM.CREATE 4 o=1
         2026-03-01 07:00:00 VM.START 4
         2026-03-01 08:00:00 VM.START 4 o=1
         2026-03-01 12:00:00 VM.DESTROY 4
         2026-03-01 00:00:00 LB.CREATE 1
         2026-03-01 00:00:00 LB.CREATE 1
         2026-03-02 00:00:00 LB.CREATE 1",
        "2026-03-01 1 4 a2 z1 o1 = 5h
         2026-03-01 2 4 a2 z1 o1 = 12h
         2026-03-01 11 1 a2 z1 = 24h
         2026-03-02 11 1 a2 z1 = 24h
         ! 2026-03-01T00:00:00Z 11 1 #7
         ! 2026-03-01T06:00:00Z 2 4 #2
         ! 2026-03-01T08:00:00Z 1 4 #4
         ! 2026-03-02T00:00:00Z 11 1 #8",
    );
}

#[test]
fn closed_while_closed_is_odd_for_the_own_type_only() {
    check(
        "2026-03-01 00:00:00 VM.STOP 4
         2026-03-01 01:00:00 VM.DESTROY 4
         2026-03-01 02:00:00 VM.UPGRADE 4 o=3
         2026-03-01 03:00:00 VOLUME.DELETE 8
         2026-03-01 04:00:00 NET.IPRELEASE 8
         2026-03-01 05:00:00 NETWORK.OFFERING.REMOVE 4 n=1
         2026-03-01 06:00:00 VM.CREATE 5 o=1
         2026-03-01 07:00:00 VM.UPGRADE 5 o=2
         2026-03-01 08:00:00 VM.DESTROY 5",
        "2026-03-01 2 5 a2 z1 o1 = 1h
         2026-03-01 2 5 a2 z1 o2 = 1h
         ! 2026-03-01T00:00:00Z 1 4 #1
         ! 2026-03-01T01:00:00Z 2 4 #2
         ! 2026-03-01T02:00:00Z 2 4 #3
         ! 2026-03-01T03:00:00Z 6 8 #4
         ! 2026-03-01T04:00:00Z 3 8 #5
         ! 2026-03-01T05:00:00Z 13 4 #6",
    );
}

#[test]
fn exactly_on_the_boundary() {
    check(
        "2026-03-01 00:00:00 LB.CREATE 1
         2026-03-02 00:00:00 LB.DELETE 1
         2026-03-02 00:00:00 LB.CREATE 2
         2026-03-02 23:59:59.999 LB.CREATE 3
         2026-03-01 23:59:59.999 LB.CREATE 4
         2026-03-02 00:00:00.001 LB.DELETE 4",
        "2026-03-01 11 1 a2 z1 = 24h
         2026-03-01 11 4 a2 z1 = 1ms
         2026-03-02 11 2 a2 z1 = 24h
         2026-03-02 11 3 a2 z1 = 1ms
         2026-03-02 11 4 a2 z1 = 1ms",
    );
}

#[test]
fn within_one_millisecond_ids_decide() {
    check(
        "2026-03-01 00:00:00 VM.START 4 o=1 id=10
         2026-03-01 06:00:00 VM.START 4 o=1 id=22
         2026-03-01 06:00:00 VM.STOP 4 id=21
         2026-03-01 12:00:00 VM.STOP 4 id=31
         2026-03-01 12:00:00 VM.START 4 o=1 id=30",
        "2026-03-01 1 4 a2 z1 o1 = 12h
         ! 2026-03-01T12:00:00Z 1 4 #30",
    );
}

#[test]
fn an_account_is_removed() {
    // Account 3 stays; what account 2 does after its removal is not billed.
    check_removed(
        &[(2, "2026-03-01 12:00:00")],
        "2026-03-01 00:00:00 VM.CREATE 4 o=1
         2026-03-01 01:00:00 VM.START 4 o=1
         2026-03-01 00:00:00 LB.CREATE 1 a=3
         2026-03-01 13:00:00 VM.STOP 4
         2026-03-01 14:00:00 VM.START 4 o=1
         2026-03-02 06:00:00 LB.CREATE 2",
        "2026-03-01 1 4 a2 z1 o1 = 11h
         2026-03-01 2 4 a2 z1 o1 = 12h
         2026-03-01 11 1 a3 z1 = 24h
         2026-03-02 11 1 a3 z1 = 24h
         ! 2026-03-01T12:00:00Z 1 4 -
         ! 2026-03-01T12:00:00Z 2 4 -
         ! 2026-03-01T13:00:00Z 1 4 #4
         ! 2026-03-01T14:00:00Z 1 4 #5
         ! 2026-03-02T06:00:00Z 11 2 #6",
    );
    // Removed exactly at a boundary: the day is whole, the next has nothing.
    check_removed(
        &[(2, "2026-03-02 00:00:00")],
        "2026-03-01 00:00:00 LB.CREATE 1",
        "2026-03-01 11 1 a2 z1 = 24h
         ! 2026-03-02T00:00:00Z 11 1 -",
    );
}

/// Deployed for an account that is deleted in the same instant: no use, and nothing odd.
#[test]
fn what_begins_and_ends_with_its_account_is_nothing() {
    check_removed(
        &[(2, "2026-03-01 12:00:00")],
        "2026-03-01 00:00:00 LB.CREATE 1
         2026-03-01 12:00:00 VM.CREATE 4 o=1
         2026-03-01 12:00:00 VM.START 4 o=1
         2026-03-01 12:00:00 VM.DESTROY 4
         2026-03-01 12:00:00 LB.DELETE 1",
        "2026-03-01 11 1 a2 z1 = 12h",
    );
    // Left open, it ends where it began.
    check_removed(
        &[(2, "2026-03-01 12:00:00")],
        "2026-03-01 12:00:00 VM.CREATE 4 o=1",
        "! 2026-03-01T12:00:00Z 2 4 -",
    );
}

#[test]
fn a_removed_account_does_not_disturb_what_others_use() {
    check_removed(
        &[(3, "2026-03-01 06:00:00")],
        "2026-03-01 00:00:00 VM.START 4 o=1 t=5 n=x h=KVM
         2026-03-01 02:00:00 VM.CREATE 4 o=9 t=5 a=3
         2026-03-01 08:00:00 VM.UPGRADE 4 o=8 a=3
         2026-03-02 12:00:00 VM.START 4",
        "2026-03-01 1 4 a2 z1 o1 t5 = 24h
         2026-03-01 2 4 a3 z1 o9 t5 = 4h
         2026-03-02 1 4 a2 z1 o1 t5 = 24h
         ! 2026-03-01T06:00:00Z 2 4 -
         ! 2026-03-01T08:00:00Z 1 4 #3
         ! 2026-03-01T08:00:00Z 2 4 #3
         ! 2026-03-02T12:00:00Z 1 4 #4",
    );
}

#[test]
fn a_removal_learnt_late_changes_what_is_published() {
    let world = World::utc();
    let text = "2026-03-01 00:00:00 VM.CREATE 4 o=1
                2026-03-02 12:00:00 VM.DESTROY 4";
    world.events("default", &events(text));
    world.job(at("2026-03-03 00:00:00"));
    assert_eq!(
        world.lines(),
        trimmed(
            "2026-03-01 2 4 a2 z1 o1 = 24h
             2026-03-02 2 4 a2 z1 o1 = 12h"
        )
    );
    world.account("default", 2, Some(at("2026-03-01 06:00:00")));
    let report = world.job(at("2026-03-03 00:00:00"));
    assert_eq!((report.published, report.republished), (0, 2));
    assert_eq!((report.added, report.changed, report.removed), (0, 1, 1));
    assert_eq!(
        world.lines(),
        trimmed(
            "2026-03-01 2 4 a2 z1 o1 = 6h
             ! 2026-03-01T06:00:00Z 2 4 -
             ! 2026-03-02T12:00:00Z 2 4 #2"
        )
    );
    // And taken back.
    world.account("default", 2, None);
    world.job(at("2026-03-03 00:00:00"));
    assert_eq!(
        world.lines(),
        trimmed(
            "2026-03-01 2 4 a2 z1 o1 = 24h
             2026-03-02 2 4 a2 z1 o1 = 12h"
        )
    );
}

#[test]
fn events_that_nothing_meters_are_left_alone() {
    check(
        "2026-03-01 00:00:00 VM.CREATE 4 o=1
         2026-03-01 01:00:00 VM.REBOOT 4 o=9
         2026-03-01 02:00:00 SG.ASSIGN 4 o=9
         2026-03-01 03:00:00 VMSNAPSHOT.CREATE 4 s=9
         2026-03-01 04:00:00 vm.start 4
         2026-03-01 05:00:00 VM.DESTROY 4",
        "2026-03-01 2 4 a2 z1 o1 = 5h",
    );
}

#[test]
fn sources_never_meet() {
    let world = World::utc();
    world.events("one", &events("2026-03-01 00:00:00 LB.CREATE 1"));
    world.events("two", &events("2026-03-01 06:00:00 LB.DELETE 1"));
    world.account("two", 2, Some(at("2026-03-01 03:00:00")));
    world.job(at("2026-03-02 00:00:00"));
    assert_eq!(
        world.lines(),
        trimmed(
            "2026-03-01 11 1 a2 z1 one = 24h
             ! 2026-03-01T06:00:00Z 11 1 #1"
        )
    );
}

#[test]
fn fields_outside_the_key_are_those_of_the_last_segment() {
    let world = World::utc();
    let text = "2026-03-01 00:00:00 VM.CREATE 4 o=1 n=old h=KVM
                2026-03-01 06:00:00 VM.UPGRADE 4 o=1 n=new
                2026-03-01 00:00:00 NET.IPASSIGN 9 n=192.0.2.1 s=0 t=1
                2026-03-01 06:00:00 NET.IPASSIGN 9 n=192.0.2.1 s=1 t=0";
    world.events("default", &events(text));
    world.job(at("2026-03-02 00:00:00"));
    let records = world.records();
    let [(_, _, vm), (_, _, address)] = &records[..] else { panic!("{records:?}") };
    assert_eq!((vm.name.as_deref(), vm.resource_type.as_deref()), (Some("new"), Some("KVM")));
    assert_eq!(vm.quantity, 24 * 3_600_000);
    assert_eq!((address.is_source_nat, address.is_elastic), (Some(true), Some(false)));
    assert_eq!(address.quantity, 24 * 3_600_000);
}
