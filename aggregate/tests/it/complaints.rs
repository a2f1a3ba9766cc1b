//! Complaints of users of other usage servers, case by case: the history that went
//! wrong there, and the records it gives here. `docs/trust.md` lists them all.

use cloudtally_aggregate::{Periods, beside_inventory, sanity_checks};
use cloudtally_model::{LiveUse, UsageTypeId};
use cloudtally_store::Severity;

use crate::support::{World, at, events, samples, source, trimmed};

/// Runs the job of each night through that of `until`, then checks the records and that
/// `check` finds no error.
fn check(told: &str, until: &str, expected: &str) -> World {
    let world = World::utc();
    world.events("default", &events(told));
    for night in ["2026-03-02", "2026-03-03", "2026-03-04"] {
        if *night <= *until {
            world.job(at(&format!("{night} 00:15:00")));
        }
    }
    assert_eq!(world.lines(), trimmed(expected));
    assert_no_alarm(&world);
    world
}

fn assert_no_alarm(world: &World) {
    let now = at("2026-03-04 00:20:00");
    let findings = sanity_checks(&world.writer, Periods::All, now, &mut |_, _| {}).unwrap();
    let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn an_event_that_cannot_be_applied_stops_nothing_and_bills_nothing_twice() {
    let world = check(
        "2026-03-01 06:00:00 NETWORK.OFFERING.REMOVE 4 o=7 n=31
         2026-03-01 12:00:00 VM.START 4 o=1 t=5",
        "2026-03-04",
        "2026-03-01 1 4 a2 z1 o1 t5 = 12h
         2026-03-02 1 4 a2 z1 o1 t5 = 24h
         2026-03-03 1 4 a2 z1 o1 t5 = 24h
         ! 2026-03-01T06:00:00Z 13 4 #1",
    );
    // A hundred further runs make no copies, and no files.
    let before = world.fingerprint();
    for _ in 0..100 {
        let report = world.job(at("2026-03-04 00:30:00"));
        assert_eq!((report.published, report.republished), (0, 0));
    }
    assert_eq!(world.fingerprint(), before);
}

#[test]
fn two_starts_in_one_second_and_a_stop_dated_before_its_start_wedge_nothing() {
    // Two management servers whose clocks differ: their ids say the order 106, 107, 108.
    check(
        "2026-03-01 10:00:00 VM.CREATE 4 o=1 t=5 id=105
         2026-03-01 10:00:01 VM.START 4 o=1 t=5 id=106
         2026-03-01 10:00:00 VM.STOP 4 o=1 t=5 id=107
         2026-03-01 10:00:01 VM.START 4 o=1 t=5 id=108
         2026-03-01 12:00:01 VM.STOP 4 o=1 t=5 id=109
         2026-03-01 14:00:00 NET.IPASSIGN 9 id=110
         2026-03-01 14:00:00 NET.IPASSIGN 9 id=111
         2026-03-01 15:00:00 NET.IPRELEASE 9 id=112",
        "2026-03-02",
        "2026-03-01 1 4 a2 z1 o1 t5 = 2h
         2026-03-01 2 4 a2 z1 o1 t5 = 14h
         2026-03-01 3 9 a2 z1 = 1h
         ! 2026-03-01T10:00:00Z 1 4 #107
         ! 2026-03-01T10:00:01Z 1 4 #108
         ! 2026-03-01T14:00:00Z 3 9 #111",
    );
}

#[test]
fn volumes_end_with_their_deletion_however_often_they_were_resized() {
    check(
        "2026-03-01 00:00:00 VOLUME.CREATE 8 o=3 s=10
         2026-03-01 06:00:00 VOLUME.RESIZE 8 o=3 s=20
         2026-03-01 12:00:00 VOLUME.RESIZE 8 o=4 s=20
         2026-03-02 12:00:00 VOLUME.DELETE 8
         // Deleted before it was ever attached.
         2026-03-01 01:00:00 VOLUME.CREATE 9 o=3 s=5
         2026-03-01 02:00:00 VOLUME.DELETE 9",
        "2026-03-04",
        "2026-03-01 6 8 a2 z1 o3 s10 = 6h
         2026-03-01 6 8 a2 z1 o3 s20 = 6h
         2026-03-01 6 8 a2 z1 o4 s20 = 12h
         2026-03-01 6 9 a2 z1 o3 s5 = 1h
         2026-03-02 6 8 a2 z1 o4 s20 = 12h",
    );
}

#[test]
fn a_deleted_rule_and_a_deleted_volume_without_an_event_are_found_by_the_inventory() {
    let world = check(
        "2026-03-01 00:00:00 LB.CREATE 7
         2026-03-01 06:00:00 LB.CREATE 8
         2026-03-01 12:00:00 LB.DELETE 7",
        "2026-03-02",
        "2026-03-01 11 7 a2 z1 = 12h
         2026-03-01 11 8 a2 z1 = 18h",
    );
    // The cloud has neither rule 8 nor told of its end, and a rule 9 that no event told of.
    let live = LiveUse {
        usage_type: UsageTypeId::LOAD_BALANCER_RULE,
        resource: 9.into(),
        zone: None,
        nic: None,
        account: None,
        name: None,
    };
    let now = at("2026-03-02 00:00:00");
    let report = beside_inventory(&world.writer, &source("default"), &[live], now).unwrap();
    let ghosts: Vec<_> = report.ghosts.iter().map(|g| (g.resource.0, g.billed_ms)).collect();
    assert_eq!(ghosts, [(8, 18 * 3_600_000)]);
    let unbilled: Vec<_> = report.unbilled.iter().map(|u| (u.resource.0, u.since)).collect();
    assert_eq!(unbilled, [(9, None)]);
}

#[test]
fn what_nothing_meters_is_counted_and_in_nobodys_way() {
    // Snapshots of machines came with a later version of the cloud.
    let world = check(
        "2026-03-01 00:00:00 VMSNAPSHOT.CREATE 3 s=9
         2026-03-01 01:00:00 VMSNAPSHOT.DELETE 3
         2026-03-01 12:00:00 SNAPSHOT.CREATE 3 s=9
         2026-03-01 13:00:00 SNAPSHOT.DELETE 3",
        "2026-03-02",
        "2026-03-01 9 3 a2 z1 s9 = 1h",
    );
    let snapshot = world.writer.snapshot().unwrap();
    let sheet = world.writer.sheet(&snapshot.periods[0]).unwrap().unwrap();
    assert_eq!((sheet.events.accepted, sheet.events.without_meter), (4, 2));
}

#[test]
fn a_recovered_volume_is_billed_from_the_event_that_somebody_adds() {
    let world = check(
        "2026-03-01 00:00:00 VOLUME.CREATE 8 o=3 s=10
         2026-03-01 06:00:00 VOLUME.DELETE 8",
        "2026-03-03",
        "2026-03-01 6 8 a2 z1 o3 s10 = 6h",
    );
    world.events("default", &events("2026-03-01 08:00:00 VOLUME.CREATE 8 o=3 s=10 id=90"));
    world.job(at("2026-03-03 01:15:00"));
    assert_eq!(
        world.lines(),
        trimmed(
            "2026-03-01 6 8 a2 z1 o3 s10 = 22h
             2026-03-02 6 8 a2 z1 o3 s10 = 24h"
        )
    );
}

#[test]
fn an_account_that_goes_takes_all_its_use_along_and_two_deletions_are_one() {
    let world = World::utc();
    world.events(
        "default",
        &events(
            "2026-03-01 00:00:00 VOLUME.CREATE 8 o=3 s=10
             2026-03-01 00:00:00 VM.CREATE 4 o=1 t=5
             2026-03-01 00:00:00 VM.START 4 o=1 t=5
             2026-03-01 00:00:00 VOLUME.CREATE 9 o=3 s=10
             2026-03-01 03:00:00 VOLUME.DELETE 9
             2026-03-01 03:00:01 VOLUME.DELETE 9",
        ),
    );
    world.account("default", 2, Some(at("2026-03-01 12:00:00")));
    world.job(at("2026-03-04 00:15:00"));
    assert_eq!(
        world.lines(),
        trimmed(
            "2026-03-01 1 4 a2 z1 o1 t5 = 12h
             2026-03-01 2 4 a2 z1 o1 t5 = 12h
             2026-03-01 6 8 a2 z1 o3 s10 = 12h
             2026-03-01 6 9 a2 z1 o3 s10 = 3h
             ! 2026-03-01T03:00:01Z 6 9 #6
             ! 2026-03-01T12:00:00Z 1 4 -
             ! 2026-03-01T12:00:00Z 2 4 -
             ! 2026-03-01T12:00:00Z 6 8 -"
        )
    );
    assert_no_alarm(&world);
}

#[test]
fn two_networks_of_one_offering_are_two_records_and_no_alarm() {
    check(
        "2026-03-01 00:00:00 NETWORK.OFFERING.ASSIGN 4 o=7 n=31 s=1
         2026-03-01 00:00:00 NETWORK.OFFERING.ASSIGN 4 o=7 n=32 s=0",
        "2026-03-02",
        "2026-03-01 13 4/31 a2 z1 o7 = 24h
         2026-03-01 13 4/32 a2 z1 o7 = 24h",
    );
}

#[test]
fn a_network_created_twice_is_used_once_and_not_after_its_deletion() {
    check(
        "2026-03-01 00:00:00 NETWORK.OFFERING.CREATE 4 o=7 n=31
         2026-03-01 02:00:00 NETWORK.OFFERING.CREATE 4 o=7 n=31
         2026-03-01 12:00:00 NETWORK.OFFERING.DELETE 4 o=7 n=31",
        "2026-03-04",
        "2026-03-01 13 4/31 a2 z1 o7 = 12h
         ! 2026-03-01T02:00:00Z 13 4 #2",
    );
}

#[test]
fn traffic_is_kept_apart_by_device_network_and_address() {
    let world = World::utc();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0 n=204
             2026-03-01 06:00:00 9 0 0 n=205
             2026-03-01 06:00:00 9 0 0 n=205 ip=192.0.2.7
             2026-03-01 18:00:00 9 100 0 n=204
             2026-03-01 18:00:00 9 30 0 n=205
             2026-03-01 18:00:00 9 7 0 n=205 ip=192.0.2.7",
        ),
    );
    world.job(at("2026-03-02 00:15:00"));
    let sent: Vec<_> = world
        .records()
        .into_iter()
        .filter(|(.., record)| record.usage_type == UsageTypeId::NETWORK_BYTES_SENT)
        .map(|(.., record)| (record.network.0, record.quantity))
        .collect();
    // Two addresses of one network are one record, and none is lost.
    assert_eq!(sent, [(204, 100), (205, 37)]);
}

#[test]
fn the_size_and_the_offering_are_those_of_the_time_of_use() {
    check(
        "2026-03-01 00:00:00 VM.CREATE 4 o=1 t=5
         2026-03-01 00:00:00 VM.START 4 o=1 t=5
         2026-03-02 12:00:00 VM.DYNAMIC.SCALE 4 o=2 t=5
         2026-03-01 00:00:00 VOLUME.CREATE 8 o=3 s=10
         2026-03-02 06:00:00 VOLUME.RESIZE 8 s=20",
        "2026-03-03",
        "2026-03-01 1 4 a2 z1 o1 t5 = 24h
         2026-03-01 2 4 a2 z1 o1 t5 = 24h
         2026-03-01 6 8 a2 z1 o3 s10 = 24h
         2026-03-02 1 4 a2 z1 o1 t5 = 12h
         2026-03-02 1 4 a2 z1 o2 t5 = 12h
         2026-03-02 2 4 a2 z1 o1 t5 = 12h
         2026-03-02 2 4 a2 z1 o2 t5 = 12h
         2026-03-02 6 8 a2 z1 o3 s10 = 6h
         2026-03-02 6 8 a2 z1 o3 s20 = 18h",
    );
}
