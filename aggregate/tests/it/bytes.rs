//! Network bytes (usage rules 5 and 6): what a counter's samples are worth, in
//! which record, and that nothing is lost or billed twice whatever comes when.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_aggregate::{
    AggregateError, Explanation, Plan, Rebuild, Target, WindowLimits, aggregate_within, explain,
};
use cloudtally_model::{
    Instant, Millis, NetworkSample, Period, SeriesKey, UsageRecord, UsageTypeId,
};
use cloudtally_store::ServedRecord;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::support::{World, at, back_fill, events, samples, trimmed};

/// A folder whose first period is that of 2026-03-01.
fn world() -> World {
    World::utc()
}

fn check(world: &World, expected: &str) {
    let found = world.lines();
    assert_eq!(found, trimmed(expected));
    assert_explained(world);
    // A rebuild with nothing new reproduces everything, folded spans included.
    world.run(Plan::RebuildAll, Instant::END_OF_TIME);
    assert_eq!(world.lines(), found, "rebuilt");
    assert_explained(world);
}

fn assert_explained(world: &World) {
    for explanation in explanations(world) {
        assert!(explanation.adds_up(), "{:?}: {:?}", explanation.served, explanation.parts);
    }
}

fn explanations(world: &World) -> Vec<Explanation> {
    let set = world.set();
    let id = |served: &ServedRecord| {
        served.record.id(set.sources().name(served.record.source), served.period)
    };
    world.served().iter().map(|served| explain(&world.writer, id(served)).unwrap()).collect()
}

#[test]
fn differences_restarts_and_baselines() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 00:00:00 9 0 7
             2026-03-01 12:00:00 9 100 17
             2026-03-01 18:00:00 9 40 27
             2026-03-02 06:00:00 9 50 0
             2026-03-02 06:00:00 8 999 999",
        ),
    );
    world.job(at("2026-03-02 00:00:00"));
    check(
        &world,
        "2026-03-01 4 9 a2 z1 n204 = 140
         2026-03-01 5 9 a2 z1 n204 = 20",
    );
    world.job(at("2026-03-03 00:00:00"));
    // Both directions although nothing was received; device 8 has its baseline only.
    check(
        &world,
        "2026-03-01 4 9 a2 z1 n204 = 140
         2026-03-01 5 9 a2 z1 n204 = 20
         2026-03-02 4 9 a2 z1 n204 = 10
         2026-03-02 5 9 a2 z1 n204 = 0",
    );
}

#[test]
fn a_sample_on_the_boundary_belongs_to_the_day_that_ends() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0
             2026-03-02 00:00:00 9 10 1
             2026-03-02 00:00:00.001 9 30 3
             2026-03-03 00:00:00 9 60 6",
        ),
    );
    world.job(at("2026-03-02 00:00:00"));
    world.job(at("2026-03-03 00:00:00"));
    check(
        &world,
        "2026-03-01 4 9 a2 z1 n204 = 10
         2026-03-01 5 9 a2 z1 n204 = 1
         2026-03-02 4 9 a2 z1 n204 = 50
         2026-03-02 5 9 a2 z1 n204 = 5",
    );
}

#[test]
fn nothing_moved_gives_no_record() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 5 5
             2026-03-01 07:00:00 9 5 5
             2026-03-01 08:00:00 9 0 0",
        ),
    );
    let report = world.job(at("2026-03-02 00:00:00"));
    assert_eq!(report.published, 1);
    check(&world, "");
}

#[test]
fn addresses_of_a_device_make_one_record() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0 ip=192.0.2.1
             2026-03-01 06:00:00 9 1000 0 ip=192.0.2.2
             2026-03-01 12:00:00 9 10 1 ip=192.0.2.1
             2026-03-01 12:00:00 9 1020 2 ip=192.0.2.2
             2026-03-01 06:00:00 9 0 0 n=0
             2026-03-01 12:00:00 9 7 7 n=0
             2026-03-01 06:00:00 9 0 0 a=3
             2026-03-01 12:00:00 9 8 8 a=3",
        ),
    );
    world.job(at("2026-03-02 00:00:00"));
    check(
        &world,
        "2026-03-01 4 9 a2 z1 = 7
         2026-03-01 4 9 a2 z1 n204 = 30
         2026-03-01 5 9 a2 z1 = 7
         2026-03-01 5 9 a2 z1 n204 = 3
         2026-03-01 4 9 a3 z1 n204 = 8
         2026-03-01 5 9 a3 z1 n204 = 8",
    );
}

#[test]
fn late_samples_fold_their_series_alone() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 8 0 0
             2026-03-01 06:00:00 9 0 0
             2026-03-01 12:00:00 9 100 10",
        ),
    );
    world.job(at("2026-03-02 00:00:00"));
    world.samples(
        "default",
        &samples(
            "2026-03-01 20:00:00 9 150 15
             2026-03-02 12:00:00 9 300 30
             2026-03-02 12:00:00 8 5 5",
        ),
    );
    let report = world.job(at("2026-03-03 00:00:00"));
    assert_eq!(report.folded_series, 1);
    check(
        &world,
        "2026-03-01 4 9 a2 z1 n204 = 100
         2026-03-01 5 9 a2 z1 n204 = 10
         2026-03-02 4 8 a2 z1 n204 = 5
         2026-03-02 4 9 a2 z1 n204 from 2026-03-01T20:00:00Z = 200
         2026-03-02 5 8 a2 z1 n204 = 5
         2026-03-02 5 9 a2 z1 n204 from 2026-03-01T20:00:00Z = 20",
    );
    // The next day is an ordinary one again.
    world.samples("default", &samples("2026-03-03 12:00:00 9 301 31"));
    world.job(at("2026-03-04 00:00:00"));
    let last: Vec<String> = world.lines().lines().map(str::to_owned).rev().take(2).collect();
    assert_eq!(last, ["2026-03-03 5 9 a2 z1 n204 = 1", "2026-03-03 4 9 a2 z1 n204 = 1"]);
    assert_explained(&world);
}

#[test]
fn days_missed_are_folded_into_the_last_of_the_run() {
    let world = world();
    world.events("default", &events("2026-03-01 00:00:00 LB.CREATE 1"));
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0
             2026-03-02 12:00:00 9 100 10
             2026-03-03 12:00:00 9 300 30
             2026-03-03 11:00:00 8 1 1
             2026-03-03 12:00:00 8 2 2",
        ),
    );
    world.job(at("2026-03-04 00:00:00"));
    check(
        &world,
        "2026-03-01 11 1 a2 z1 = 24h
         2026-03-02 11 1 a2 z1 = 24h
         2026-03-03 4 8 a2 z1 n204 = 1
         2026-03-03 4 9 a2 z1 n204 from 2026-03-01T06:00:00Z = 300
         2026-03-03 5 8 a2 z1 n204 = 1
         2026-03-03 5 9 a2 z1 n204 from 2026-03-01T06:00:00Z = 30
         2026-03-03 11 1 a2 z1 = 24h",
    );
}

#[test]
fn a_late_sample_on_the_boundary_is_not_lost_by_a_rebuild() {
    // Stamped where the last day starts: the growth of both days is one record that
    // starts there, and looks like an ordinary one.
    let world = world();
    world.samples("default", &samples("2026-03-01 06:00:00 9 0 0"));
    world.job(at("2026-03-02 00:00:00"));
    world.samples(
        "default",
        &samples(
            "2026-03-02 00:00:00 9 100 10
             2026-03-02 12:00:00 9 300 30",
        ),
    );
    world.job(at("2026-03-03 00:00:00"));
    check(
        &world,
        "2026-03-02 4 9 a2 z1 n204 = 300
         2026-03-02 5 9 a2 z1 n204 = 30",
    );
    // Without any sample inside the last day.
    let world = self::world();
    world.samples("default", &samples("2026-03-01 06:00:00 9 0 0"));
    world.job(at("2026-03-02 00:00:00"));
    world.samples("default", &samples("2026-03-02 00:00:00 9 100 10"));
    world.job(at("2026-03-03 00:00:00"));
    check(
        &world,
        "2026-03-02 4 9 a2 z1 n204 = 100
         2026-03-02 5 9 a2 z1 n204 = 10",
    );
}

#[test]
fn a_late_sample_at_the_very_first_instant_counts() {
    let world = world();
    world.events("default", &events("2026-03-01 00:00:00 LB.CREATE 1"));
    world.samples("default", &samples("2026-03-01 06:00:00 9 100 10"));
    world.job(at("2026-03-02 00:00:00"));
    world.samples("default", &samples("2026-03-01 00:00:00 9 0 0\n2026-03-02 06:00:00 9 101 11"));
    world.job(at("2026-03-03 00:00:00"));
    let sent: u64 = world.records().iter().map(|(_, _, r)| sent(r)).sum();
    assert_eq!(sent, 101);
    assert_explained(&world);
}

#[test]
fn a_gap_before_what_is_published_ahead_takes_away_before_it_adds() {
    let world = world();
    world.samples("default", &samples("2026-03-01 06:00:00 9 0 0\n2026-03-04 01:00:00 9 12 0"));
    world.run(back_fill("2026-03-04", "2026-03-04", Rebuild::Touched), at("2026-03-05 00:00:00"));
    // It takes 1 from the 4th, which the run for the 1st cannot give to anybody yet.
    world.samples("default", &samples("2026-03-02 12:00:00 9 1 0"));
    world.job(at("2026-03-02 00:00:00"));
    world.job(at("2026-03-06 00:00:00"));
    check(
        &world,
        "2026-03-04 4 9 a2 z1 n204 = 12
         2026-03-04 5 9 a2 z1 n204 = 0",
    );
}

#[test]
fn back_fills_around_a_gap_bill_each_its_own() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0
             2026-03-01 12:00:00 9 100 10
             2026-03-02 12:00:00 9 300 30
             2026-03-03 12:00:00 9 600 60",
        ),
    );
    for day in ["2026-03-03", "2026-03-01", "2026-03-02"] {
        world.run(back_fill(day, day, Rebuild::Touched), at("2026-03-05 00:00:00"));
    }
    check(
        &world,
        "2026-03-01 4 9 a2 z1 n204 = 100
         2026-03-01 5 9 a2 z1 n204 = 10
         2026-03-02 4 9 a2 z1 n204 = 200
         2026-03-02 5 9 a2 z1 n204 = 20
         2026-03-03 4 9 a2 z1 n204 = 300
         2026-03-03 5 9 a2 z1 n204 = 30",
    );
}

#[test]
fn a_late_first_instant_that_a_back_fill_may_not_bill_waits_for_the_job() {
    let world = world();
    world.samples("default", &samples("2026-03-02 13:00:00 9 2 2"));
    world.job(at("2026-03-03 00:00:00"));
    world.samples("default", &samples("2026-03-01 00:00:00 9 0 0"));
    world.run(back_fill("2026-03-01", "2026-03-01", Rebuild::Touched), at("2026-03-03 00:00:00"));
    world.job(at("2026-03-04 00:00:00"));
    check(
        &world,
        "2026-03-03 4 9 a2 z1 n204 from 2026-03-01T00:00:00Z = 2
         2026-03-03 5 9 a2 z1 n204 from 2026-03-01T00:00:00Z = 2",
    );
}

#[test]
fn a_gap_that_takes_from_what_is_published_ahead_gives_it_back_when_it_is_filled() {
    // The sample of the 2nd turns 12 bytes of the 4th into 1 and 11.
    let world = world();
    world.samples("default", &samples("2026-03-01 06:00:00 9 0 0\n2026-03-04 01:00:00 9 12 0"));
    world.run(back_fill("2026-03-04", "2026-03-04", Rebuild::Touched), at("2026-03-05 00:00:00"));
    world.samples("default", &samples("2026-03-02 12:00:00 9 1 0"));
    // The 3rd is still a gap, and all 12 are billed already.
    world.job(at("2026-03-03 00:00:00"));
    world.job(at("2026-03-06 00:00:00"));
    check(
        &world,
        "2026-03-04 4 9 a2 z1 n204 = 12
         2026-03-04 5 9 a2 z1 n204 = 0",
    );
}

#[test]
fn a_gap_that_adds_before_what_is_published_ahead_is_billed_when_it_is_filled() {
    // The counter was at 20 and restarted before it was at 12: 20 and 12 bytes.
    let world = world();
    world.samples("default", &samples("2026-03-01 06:00:00 9 0 0\n2026-03-04 01:00:00 9 12 0"));
    world.run(back_fill("2026-03-04", "2026-03-04", Rebuild::Touched), at("2026-03-05 00:00:00"));
    world.job(at("2026-03-02 00:00:00"));
    world.samples("default", &samples("2026-03-02 12:00:00 9 20 0"));
    world.job(at("2026-03-03 00:00:00"));
    world.job(at("2026-03-06 00:00:00"));
    check(
        &world,
        "2026-03-02 4 9 a2 z1 n204 = 20
         2026-03-02 5 9 a2 z1 n204 = 0
         2026-03-04 4 9 a2 z1 n204 = 12
         2026-03-04 5 9 a2 z1 n204 = 0",
    );
}

#[test]
fn a_series_whose_bytes_stand_ahead_waits_and_others_do_not() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0
             2026-03-01 06:00:00 8 0 0
             2026-03-04 01:00:00 9 12 0",
        ),
    );
    world.job(at("2026-03-02 00:00:00"));
    world.run(back_fill("2026-03-04", "2026-03-04", Rebuild::Touched), at("2026-03-05 00:00:00"));
    // Of the 12, now 2 are of the 2nd, 3 of the 3rd and 7 of the 4th.
    world.samples(
        "default",
        &samples(
            "2026-03-02 12:00:00 9 2 0
             2026-03-03 12:00:00 9 5 0
             2026-03-02 12:00:00 8 40 0
             2026-03-03 12:00:00 8 50 0",
        ),
    );
    world.job(at("2026-03-03 00:00:00"));
    world.job(at("2026-03-04 00:00:00"));
    world.samples("default", &samples("2026-03-05 12:00:00 9 13 0"));
    world.job(at("2026-03-06 00:00:00"));
    check(
        &world,
        "2026-03-02 4 8 a2 z1 n204 = 40
         2026-03-02 5 8 a2 z1 n204 = 0
         2026-03-03 4 8 a2 z1 n204 = 10
         2026-03-03 5 8 a2 z1 n204 = 0
         2026-03-04 4 9 a2 z1 n204 = 12
         2026-03-04 5 9 a2 z1 n204 = 0
         2026-03-05 4 9 a2 z1 n204 = 1
         2026-03-05 5 9 a2 z1 n204 = 0",
    );
}

#[test]
fn a_late_restart_before_a_gap_counts_for_what_is_published_behind_it() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0
             2026-03-02 12:00:00 9 100 0
             2026-03-04 12:00:00 9 150 0",
        ),
    );
    world.job(at("2026-03-02 00:00:00"));
    world.job(at("2026-03-03 00:00:00"));
    world.run(back_fill("2026-03-04", "2026-03-04", Rebuild::Touched), at("2026-03-05 00:00:00"));
    // Nothing on its own day, but the 50 of the 4th are 150.
    world.samples("default", &samples("2026-03-02 18:00:00 9 0 0 r=1"));
    world.run(back_fill("2026-03-03", "2026-03-03", Rebuild::Touched), at("2026-03-05 00:00:00"));
    world.job(at("2026-03-06 00:00:00"));
    check(
        &world,
        "2026-03-02 4 9 a2 z1 n204 = 100
         2026-03-02 5 9 a2 z1 n204 = 0
         2026-03-04 4 9 a2 z1 n204 = 50
         2026-03-04 5 9 a2 z1 n204 = 0
         2026-03-05 4 9 a2 z1 n204 from 2026-03-02T18:00:00Z = 100
         2026-03-05 5 9 a2 z1 n204 from 2026-03-02T18:00:00Z = 0",
    );
}

#[test]
fn what_a_day_last_said_is_not_what_a_gap_behind_it_says_later() {
    // Published while the 2nd was a gap without samples, the 3rd knows the series
    // from the 1st; the 4th must not start there.
    let world = world();
    world.events("default", &events("2026-03-03 12:00:00 LB.CREATE 1"));
    world.samples("default", &samples("2026-03-01 06:00:00 9 0 0"));
    world.job(at("2026-03-02 00:00:00"));
    world.run(back_fill("2026-03-03", "2026-03-03", Rebuild::Touched), at("2026-03-04 00:00:00"));
    world.samples("default", &samples("2026-03-02 12:00:00 9 100 0"));
    world.run(back_fill("2026-03-02", "2026-03-02", Rebuild::Touched), at("2026-03-04 00:00:00"));
    world.samples("default", &samples("2026-03-04 12:00:00 9 130 0"));
    world.job(at("2026-03-05 00:00:00"));
    check(
        &world,
        "2026-03-02 4 9 a2 z1 n204 = 100
         2026-03-02 5 9 a2 z1 n204 = 0
         2026-03-03 11 1 a2 z1 = 12h
         2026-03-04 4 9 a2 z1 n204 = 30
         2026-03-04 5 9 a2 z1 n204 = 0
         2026-03-04 11 1 a2 z1 = 24h",
    );
}

#[test]
fn late_samples_ahead_of_a_run_of_the_past_wait_for_a_run_behind_them() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0\n2026-03-02 06:00:00 9 10 0\n2026-03-03 12:00:00 9 30 0",
        ),
    );
    world.job(at("2026-03-02 00:00:00"));
    world.run(back_fill("2026-03-03", "2026-03-03", Rebuild::Touched), at("2026-03-04 00:00:00"));
    world.run(back_fill("2026-03-02", "2026-03-02", Rebuild::Touched), at("2026-03-04 00:00:00"));
    world.run(back_fill("2026-03-05", "2026-03-05", Rebuild::Touched), at("2026-03-06 00:00:00"));
    // Late for the 5th; the run that publishes the 4th bills no byte of the 5th.
    world.samples("default", &samples("2026-03-05 12:00:00 9 37 0"));
    world.job(at("2026-03-06 00:00:00"));
    world.job(at("2026-03-07 00:00:00"));
    check(
        &world,
        "2026-03-02 4 9 a2 z1 n204 = 10
         2026-03-02 5 9 a2 z1 n204 = 0
         2026-03-03 4 9 a2 z1 n204 = 20
         2026-03-03 5 9 a2 z1 n204 = 0
         2026-03-06 4 9 a2 z1 n204 from 2026-03-05T12:00:00Z = 7
         2026-03-06 5 9 a2 z1 n204 from 2026-03-05T12:00:00Z = 0",
    );
}

#[test]
fn a_run_of_the_past_bills_no_byte_of_a_day_ahead() {
    let world = World::new("UTC", "720");
    let now = at("2026-03-07 00:00:00");
    world.samples("default", &samples("2026-03-01 00:00:00 9 2 0"));
    world.run(back_fill("2026-03-03", "2026-03-04", Rebuild::Touched), now);
    world.samples("default", &samples("2026-03-03 12:00:00.001 9 18 0"));
    // 16 bytes by now, all of them late for the 3rd.
    world.job(at("2026-03-01 12:00:00"));
    world.job(at("2026-03-03 00:00:00"));
    assert_eq!(world.lines(), "");
    // The counter restarted on the 1st: 1 and 17.
    world.samples("default", &samples("2026-03-01 11:00:00 9 1 0"));
    world.job(at("2026-03-05 12:00:00"));
    world.samples("default", &samples("2026-03-03 00:00:00.001 9 1 0"));
    world.job(at("2026-03-01 00:00:00"));
    world.job(now);
    check(
        &world,
        "2026-03-05T00:00 4 9 a2 z1 n204 from 2026-03-01T11:00:00Z = 18
         2026-03-05T00:00 5 9 a2 z1 n204 from 2026-03-01T11:00:00Z = 0",
    );
}

fn sent(record: &UsageRecord) -> u64 {
    if record.usage_type == UsageTypeId::NETWORK_BYTES_SENT {
        record.quantity.unsigned_abs()
    } else {
        0
    }
}

#[test]
fn a_back_fill_never_folds() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0
             2026-03-01 12:00:00 9 100 10
             2026-03-02 12:00:00 9 300 30
             2026-03-03 12:00:00 9 600 60",
        ),
    );
    let now = at("2026-03-05 00:00:00");
    world.run(back_fill("2026-03-02", "2026-03-02", Rebuild::Touched), now);
    world.run(back_fill("2026-03-01", "2026-03-03", Rebuild::Touched), now);
    check(
        &world,
        "2026-03-01 4 9 a2 z1 n204 = 100
         2026-03-01 5 9 a2 z1 n204 = 10
         2026-03-02 4 9 a2 z1 n204 = 200
         2026-03-02 5 9 a2 z1 n204 = 20
         2026-03-03 4 9 a2 z1 n204 = 300
         2026-03-03 5 9 a2 z1 n204 = 30",
    );
}

#[test]
fn a_rebuild_bills_late_samples_where_they_belong_if_nothing_is_folded() {
    let world = world();
    world.samples("default", &samples("2026-03-01 06:00:00 9 0 0\n2026-03-01 12:00:00 9 100 10"));
    world.job(at("2026-03-02 00:00:00"));
    world.samples("default", &samples("2026-03-01 18:00:00 9 150 15"));
    world.run(back_fill("2026-03-01", "2026-03-01", Rebuild::All), at("2026-03-02 00:00:00"));
    check(
        &world,
        "2026-03-01 4 9 a2 z1 n204 = 150
         2026-03-01 5 9 a2 z1 n204 = 15",
    );
}

#[test]
fn a_late_restart_that_a_rebuild_may_not_bill_waits_for_the_job() {
    // The late 0 changes nothing on its own day, but all of the next.
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0\n2026-03-01 12:00:00 9 100 0\n2026-03-02 12:00:00 9 300 0",
        ),
    );
    world.job(at("2026-03-02 00:00:00"));
    world.job(at("2026-03-03 00:00:00"));
    world.samples("default", &samples("2026-03-01 18:00:00 9 0 0 r=1"));
    world.run(back_fill("2026-03-01", "2026-03-01", Rebuild::All), at("2026-03-03 00:00:00"));
    world.job(at("2026-03-04 00:00:00"));
    check(
        &world,
        "2026-03-01 4 9 a2 z1 n204 = 100
         2026-03-01 5 9 a2 z1 n204 = 0
         2026-03-02 4 9 a2 z1 n204 = 200
         2026-03-02 5 9 a2 z1 n204 = 0
         2026-03-03 4 9 a2 z1 n204 from 2026-03-01T18:00:00Z = 100
         2026-03-03 5 9 a2 z1 n204 from 2026-03-01T18:00:00Z = 0",
    );
}

#[test]
fn a_run_of_the_past_bills_nothing_of_the_gap_behind_it() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0
             2026-03-02 12:00:00 9 200 20",
        ),
    );
    world.run(back_fill("2026-03-03", "2026-03-03", Rebuild::Touched), at("2026-03-04 00:00:00"));
    world.job(at("2026-03-02 00:00:00"));
    world.job(at("2026-03-04 00:00:00"));
    check(
        &world,
        "2026-03-02 4 9 a2 z1 n204 = 200
         2026-03-02 5 9 a2 z1 n204 = 20",
    );
}

#[test]
fn a_series_that_waits_does_not_make_others_fold() {
    let world = world();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 8 0 0
             2026-03-01 06:00:00 9 0 0",
        ),
    );
    world.job(at("2026-03-02 00:00:00"));
    // Device 9 is late for the 1st, which the back-fill of the 2nd may not touch.
    world.samples(
        "default",
        &samples(
            "2026-03-01 20:00:00 9 100 100
             2026-03-02 12:00:00 9 300 300
             2026-03-02 12:00:00 8 5 5",
        ),
    );
    world.run(back_fill("2026-03-02", "2026-03-02", Rebuild::Touched), at("2026-03-03 00:00:00"));
    world.samples("default", &samples("2026-03-03 12:00:00 8 8 8"));
    world.job(at("2026-03-04 00:00:00"));
    check(
        &world,
        "2026-03-02 4 8 a2 z1 n204 = 5
         2026-03-02 5 8 a2 z1 n204 = 5
         2026-03-03 4 8 a2 z1 n204 = 3
         2026-03-03 4 9 a2 z1 n204 from 2026-03-01T20:00:00Z = 300
         2026-03-03 5 8 a2 z1 n204 = 3
         2026-03-03 5 9 a2 z1 n204 from 2026-03-01T20:00:00Z = 300",
    );
}

#[test]
fn merging_small_files_does_not_make_samples_late() {
    // Hourly ingest; days of the bill and of the lake differ, so that a day of the
    // lake is merged after a part of it is billed.
    let world = World::new("America/New_York", "1440");
    world.events("default", &events("2026-03-01 05:00:00 LB.CREATE 1"));
    let hour = |hour: i64| at("2026-03-01 05:00:00") + Millis(hour * Millis::HOUR.0);
    for number in 0..48u64 {
        let mut batch = samples("2026-03-01 05:00:00 9 0 0");
        batch[0].sampled = hour(i64::try_from(number).unwrap());
        batch[0].bytes_sent = number;
        world.samples("default", &batch);
        world.writer.compact().unwrap();
        if number == 24 {
            // The sample on the boundary is there.
            world.job(hour(24));
        }
    }
    world.samples("default", &samples("2026-03-03 05:00:00 9 48 0"));
    world.writer.compact().unwrap();
    world.job(hour(48));
    let bytes: String = world
        .lines()
        .lines()
        .filter(|line| line.contains(" 4 9 "))
        .fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(
        bytes,
        trimmed(
            "2026-03-01 4 9 a2 z1 n204 = 24
             2026-03-02 4 9 a2 z1 n204 = 24"
        )
    );
}

// Laws

/// Differences of a series, restarts included.
fn total(series: &BTreeMap<Instant, (u64, u64)>) -> (u64, u64) {
    let values: Vec<_> = series.values().collect();
    let step = |before: u64, now: u64| if now < before { now } else { now - before };
    values.windows(2).fold((0, 0), |(sent, received), pair| {
        (sent + step(pair[0].0, pair[1].0), received + step(pair[0].1, pair[1].1))
    })
}

type BySeries = BTreeMap<SeriesKey, BTreeMap<Instant, (u64, u64)>>;

fn by_series<'a>(samples: impl Iterator<Item = &'a NetworkSample>) -> BySeries {
    let mut all = BySeries::new();
    for sample in samples {
        let values = (sample.bytes_sent, sample.bytes_received);
        all.entry(sample.series.clone()).or_default().insert(sample.sampled, values);
    }
    all
}

fn start() -> Instant {
    at("2026-03-27 00:00:00")
}

fn hours(hours: i64) -> Instant {
    start() + Millis(hours * Millis::HOUR.0)
}

/// Each with the number of the batch it arrives in. No two of a series at once.
fn arriving() -> impl Strategy<Value = Vec<(usize, NetworkSample)>> {
    let sample = (
        0..6usize,
        (0..=120i64, select(&[0i64, 0, 0, 1, -1, 1_800_000][..])),
        (1..3u64, select(&["", " ip=192.0.2.1"][..])),
        (0..300u64, 0..20u64),
    );
    vec(sample, 1..60).prop_map(|all| {
        let mut seen = BTreeSet::new();
        let samples =
            all.into_iter().map(|(batch, (hour, beside), (device, ip), (sent, received))| {
                let text = format!("2026-03-27 00:00:00 {device} {sent} {received}{ip}");
                let mut sample = samples(&text).remove(0);
                sample.sampled = hours(hour) + Millis(beside.max(-hour));
                // One that says nothing would be a poll that failed, and no sample.
                sample.restarted = sample.is_blank();
                (batch, sample)
            });
        samples.filter(|(_, s)| seen.insert((s.series.clone(), s.sampled))).collect()
    })
}

fn arrive(world: &World, arriving: &[(usize, NetworkSample)], batch: usize) {
    let of_batch = arriving.iter().filter(|(b, _)| *b == batch);
    world.samples("default", &of_batch.map(|(_, sample)| sample.clone()).collect::<Vec<_>>());
}

/// Bytes by device, sent and received.
fn billed(world: &World) -> BTreeMap<u64, (u64, u64)> {
    let mut billed: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for (_, _, record) in world.records() {
        let row = billed.entry(record.resource.0).or_default();
        if record.usage_type == UsageTypeId::NETWORK_BYTES_SENT {
            row.0 += record.quantity.unsigned_abs();
        } else {
            row.1 += record.quantity.unsigned_abs();
        }
    }
    billed.retain(|_, bytes| *bytes != (0, 0));
    billed
}

fn owed(samples: &[(usize, NetworkSample)]) -> BTreeMap<u64, (u64, u64)> {
    let mut owed: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for (key, series) in by_series(samples.iter().map(|(_, sample)| sample)) {
        let (row, sum) = (owed.entry(key.device).or_default(), total(&series));
        *row = (row.0 + sum.0, row.1 + sum.1);
    }
    owed.retain(|_, bytes| *bytes != (0, 0));
    owed
}

/// The rules for scheduled runs, sample by sample.
#[derive(Default)]
struct Twin {
    processed: BTreeSet<(SeriesKey, Instant)>,
    billed: BTreeMap<SeriesKey, (u64, u64)>,
    /// (end of the period, device, start) to bytes.
    records: BTreeMap<(Instant, u64, Instant), (u64, u64)>,
    published_until: Option<Instant>,
}

impl Twin {
    fn job(&mut self, accepted: &BySeries, periods: &[Period]) {
        let new = |p: &&Period| self.published_until.is_none_or(|until| p.start >= until);
        let Some(last) = periods.iter().rfind(new) else { return };
        self.published_until = Some(last.end);
        for (key, series) in accepted {
            let seen: BTreeMap<_, _> =
                series.range(..=last.end).map(|(when, values)| (*when, *values)).collect();
            let unseen = seen.keys().find(|when| !self.processed.contains(&(key.clone(), **when)));
            let Some(&earliest) = unseen else { continue };
            let (sum, billed) = (total(&seen), self.billed.entry(key.clone()).or_default());
            let growth = (sum.0 - billed.0, sum.1 - billed.1);
            *billed = sum;
            let start = if earliest <= last.start { earliest } else { last.start };
            let row = self.records.entry((last.end, key.device, start)).or_default();
            *row = (row.0 + growth.0, row.1 + growth.1);
            self.processed.extend(seen.keys().map(|when| (key.clone(), *when)));
        }
        self.records.retain(|_, bytes| *bytes != (0, 0));
    }
}

fn bytes_of(world: &World) -> BTreeMap<(Instant, u64, Instant), (u64, u64)> {
    let mut found: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for served in world.served() {
        let record = &served.record;
        let row = found.entry((served.period.end, record.resource.0, record.start)).or_default();
        match record.usage_type.0 {
            4 => row.0 = record.quantity.unsigned_abs(),
            5 => row.1 = record.quantity.unsigned_abs(),
            _ => {}
        }
    }
    found.retain(|_, bytes| *bytes != (0, 0));
    found
}

#[derive(Clone, Debug)]
enum Step {
    Job(i64),
    Fill { from: u32, days: u32, all: bool },
    RebuildAll,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..130i64).prop_map(Step::Job),
        2 => (27..31u32, 0..3u32, any::<bool>())
            .prop_map(|(from, days, all)| Step::Fill { from, days, all }),
        1 => Just(Step::RebuildAll),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 800, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_billed_twice(
        arriving in arriving(),
        steps in vec(step(), 6),
        minutes in select(&["1440", "720"][..]),
        limits in select(vec![WindowLimits::default(), WindowLimits { events: 1, segments: 1 }]),
    ) {
        let world = World::new("UTC", minutes);
        let run = |plan, now| {
            aggregate_within(Target::Publish(&world.writer), plan, now, limits, &mut |_| {})
        };
        for (batch, step) in steps.iter().enumerate() {
            arrive(&world, &arriving, batch);
            match step {
                Step::Job(hour) => drop(run(Plan::Scheduled, hours(*hour)).unwrap()),
                Step::Fill { from, days, all } => {
                    let day = |day: u32| format!("2026-03-{:02}", day.min(31));
                    let rebuild = if *all { Rebuild::All } else { Rebuild::Touched };
                    let plan = back_fill(&day(*from), &day(from + days), rebuild);
                    match run(plan, hours(24 * 6)) {
                        Ok(_) | Err(AggregateError::NothingIngested) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                Step::RebuildAll => drop(run(Plan::RebuildAll, hours(24 * 6)).unwrap()),
            }
            for explanation in explanations(&world) {
                let (served, parts) = (&explanation.served, &explanation.parts);
                prop_assert!(
                    explanation.adds_up() || explanation.waits, "{:?}: {:?}", served, parts
                );
            }
            let arrived: Vec<_> = arriving.iter().filter(|(b, _)| *b <= batch).cloned().collect();
            let owed = owed(&arrived);
            for (device, (sent, received)) in billed(&world) {
                let (owed_sent, owed_received) = owed.get(&device).copied().unwrap_or_default();
                prop_assert!(sent <= owed_sent && received <= owed_received, "{step:?} {device}");
            }
        }
        // Everything has a period that ends, and another run after it.
        world.job(hours(24 * 6));
        world.job(hours(24 * 7));
        prop_assert_eq!(billed(&world), owed(&arriving));
        assert_explained(&world);
        let rows = world.served();
        world.run(Plan::RebuildAll, hours(24 * 7));
        prop_assert_eq!(world.served(), rows, "a rebuild");
    }

    #[test]
    fn scheduled_runs_fold_what_is_late_and_nothing_else(
        arriving in arriving(),
        waits in vec(0..40i64, 6),
        rebuilds in vec(any::<bool>(), 6),
        minutes in select(&["1440", "720"][..]),
    ) {
        let world = World::new("UTC", minutes);
        world.events("default", &events("2026-03-27 00:00:00 VM.REBOOT 1"));
        let calendar = world.calendar();
        let mut twin = Twin::default();
        let mut now = start();
        for batch in 0..6 {
            arrive(&world, &arriving, batch);
            now = now + Millis(waits[batch] * Millis::HOUR.0);
            let report = world.job(now);
            let accepted = by_series(arriving.iter().filter(|(b, _)| *b <= batch).map(|(_, s)| s));
            let periods: Vec<Period> = calendar.complete_periods(start(), now).collect();
            twin.job(&accepted, &periods);
            prop_assert_eq!(bytes_of(&world), twin.records.clone(), "at {}", now);
            if rebuilds[batch] && report.published > 0 {
                let rows = world.served();
                world.run(Plan::RebuildAll, now);
                prop_assert_eq!(world.served(), rows, "a rebuild reproduces folded records");
            }
            assert_explained(&world);
        }
    }
}

/// The number of histories to try; `CASES` says another one for a longer look.
fn cases() -> u32 {
    std::env::var("CASES").map_or(40, |cases| cases.parse().unwrap())
}
