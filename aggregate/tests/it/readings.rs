//! Readings that cannot be taken as they are: polls that failed, counters that are
//! known to have begun anew, and counters that cannot be right.

use std::collections::BTreeSet;

use cloudtally_aggregate::{OversizedSeries, Periods, Plan, Rebuild, explain, sanity_checks};
use cloudtally_model::{Instant, Millis, NetworkSample};
use cloudtally_store::Severity;
use proptest::{collection::vec, prelude::*};

use crate::support::{World, at, back_fill, events, samples, trimmed};

fn check(readings: &str, expected: &str) {
    let world = World::utc();
    world.samples("default", &samples(readings));
    world.job(at("2026-03-02 00:00:00"));
    world.job(at("2026-03-03 00:00:00"));
    let found = world.lines();
    assert_eq!(found, trimmed(expected));
    let set = world.set();
    for served in world.served() {
        let source = set.sources().name(served.record.source);
        let explanation = explain(&world.writer, served.record.id(source, served.period)).unwrap();
        assert!(explanation.adds_up(), "{explanation:?}");
    }
    world.run(Plan::RebuildAll, Instant::END_OF_TIME);
    assert_eq!(world.lines(), found, "rebuilt");
}

#[test]
fn a_reading_of_nothing_is_a_failed_poll() {
    // Not 100 and then all of 250 again.
    check(
        "2026-03-01 06:00:00 9 100 10
         2026-03-01 12:00:00 9 200 20
         2026-03-01 13:00:00 9 0 0
         2026-03-01 18:00:00 9 250 25",
        "2026-03-01 4 9 a2 z1 n204 = 150
         2026-03-01 5 9 a2 z1 n204 = 15",
    );
}

#[test]
fn the_next_reading_decides_whether_the_counter_restarted() {
    check(
        "2026-03-01 06:00:00 9 200 20
         2026-03-01 13:00:00 9 0 0
         2026-03-02 18:00:00 9 40 30",
        "2026-03-02 4 9 a2 z1 n204 = 40
         2026-03-02 5 9 a2 z1 n204 = 10",
    );
}

#[test]
fn the_first_reading_is_a_baseline_even_of_nothing() {
    check(
        "2026-03-01 06:00:00 9 0 0
         2026-03-01 13:00:00 9 0 0
         2026-03-01 18:00:00 9 40 30",
        "2026-03-01 4 9 a2 z1 n204 = 40
         2026-03-01 5 9 a2 z1 n204 = 30",
    );
}

#[test]
fn nothing_in_one_direction_alone_is_a_restart() {
    check(
        "2026-03-01 06:00:00 9 200 20
         2026-03-01 13:00:00 9 0 25
         2026-03-01 18:00:00 9 40 30",
        "2026-03-01 4 9 a2 z1 n204 = 40
         2026-03-01 5 9 a2 z1 n204 = 10",
    );
}

#[test]
fn a_device_that_says_that_it_restarted_is_believed_whatever_comes_next() {
    check(
        "2026-03-01 06:00:00 9 200 20
         2026-03-01 13:00:00 9 0 0 r=1
         2026-03-01 18:00:00 9 250 25
         2026-03-02 06:00:00 9 300 30 r=1",
        "2026-03-01 4 9 a2 z1 n204 = 250
         2026-03-01 5 9 a2 z1 n204 = 25
         2026-03-02 4 9 a2 z1 n204 = 300
         2026-03-02 5 9 a2 z1 n204 = 30",
    );
}

#[test]
fn a_late_failed_poll_folds_nothing() {
    let world = World::utc();
    world.samples("default", &samples("2026-03-01 06:00:00 9 5 5\n2026-03-01 12:00:00 9 9 9"));
    world.job(at("2026-03-02 00:00:00"));
    world.samples("default", &samples("2026-03-01 13:00:00 9 0 0\n2026-03-02 12:00:00 9 19 9"));
    let report = world.job(at("2026-03-03 00:00:00"));
    assert_eq!(report.folded_series, 0);
    assert!(world.lines().contains("2026-03-02 4 9 a2 z1 n204 = 10\n"), "{}", world.lines());
}

#[test]
fn a_baseline_that_turns_out_to_be_a_failed_poll_takes_nothing_back() {
    let world = World::utc();
    world.samples("default", &samples("2026-03-01 06:00:00 9 0 0\n2026-03-01 12:00:00 9 100 0"));
    world.job(at("2026-03-02 00:00:00"));
    // From 50 to 100 it is 50, of which 100 are billed: it waits until it is worth more.
    world.samples("default", &samples("2026-03-01 00:00:00 9 50 0\n2026-03-02 12:00:00 9 130 0"));
    world.job(at("2026-03-03 00:00:00"));
    assert_eq!(
        world.lines(),
        trimmed("2026-03-01 4 9 a2 z1 n204 = 100\n2026-03-01 5 9 a2 z1 n204 = 0")
    );
    world.samples("default", &samples("2026-03-03 12:00:00 9 160 0"));
    world.job(at("2026-03-04 00:00:00"));
    let billed: i64 = world.records().iter().map(|(_, _, record)| record.quantity).sum();
    assert_eq!(billed, 110, "{}", world.lines());
}

/// Device 9 counts like no device can, device 8 like any other.
const IMPOSSIBLE: &str = "2026-03-01 06:00:00 9 0 0 a=3
     2026-03-01 12:00:00 9 9223372036854775807 9223372036854775807 a=3
     2026-03-01 18:00:00 9 5 5 a=3
     2026-03-02 06:00:00 9 9 9 a=3
     2026-03-01 06:00:00 8 0 0
     2026-03-01 12:00:00 8 100 10
     2026-03-02 12:00:00 8 150 15";

const BILLED: &str = "2026-03-01 3 1 a2 z1 = 12h
     2026-03-01 4 8 a2 z1 n204 = 100
     2026-03-01 5 8 a2 z1 n204 = 10
     2026-03-02 3 1 a2 z1 = 24h
     2026-03-02 4 8 a2 z1 n204 = 50
     2026-03-02 5 8 a2 z1 n204 = 5";

fn assert_named(oversized: &[OversizedSeries]) {
    let [series] = oversized else { panic!("one series waits: {oversized:?}") };
    assert_eq!((series.series.device, series.series.account.0), (9, 3));
    let instants = (at("2026-03-01 06:00:00"), at("2026-03-01 12:00:00"));
    assert_eq!((series.from, series.to), instants, "the two readings");
    let text = series.to_string();
    for part in ["DomainRouter 9", "account 3", "`default`", "2026-03-01T12:00:00Z", "2^63 - 1"] {
        assert!(text.contains(part), "{text} names {part}");
    }
}

#[test]
fn an_impossible_counter_waits_is_named_and_holds_up_nobody() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 12:00:00 NET.IPASSIGN 1"));
    world.samples("default", &samples(IMPOSSIBLE));
    for day in 2..=3 {
        let report = world.job(at(&format!("2026-03-0{day} 00:00:00")));
        assert_eq!(report.published, 1);
        assert_named(&report.oversized);
    }
    assert_eq!(world.lines(), trimmed(BILLED));
    for plan in [Plan::RebuildAll, back_fill("2026-03-01", "2026-03-02", Rebuild::All)] {
        assert_named(&world.run(plan, at("2026-03-03 00:00:00")).oversized);
        assert_eq!(world.lines(), trimmed(BILLED));
    }
    let found =
        sanity_checks(&world.writer, Periods::All, at("2026-03-03 00:00:00"), &mut |_, _| {})
            .unwrap();
    let named = |text: &str| found.iter().filter(|f| f.problem.contains(text)).count();
    assert_eq!((found.len(), named("DomainRouter 9")), (1, 1), "{found:?}");
    assert_eq!(found[0].severity, Severity::Error);
}

#[test]
fn a_back_fill_of_an_impossible_counter_bills_everybody_else() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 12:00:00 NET.IPASSIGN 1"));
    world.samples("default", &samples(IMPOSSIBLE));
    let plan = back_fill("2026-03-01", "2026-03-02", Rebuild::Touched);
    assert_named(&world.run(plan, at("2026-03-03 00:00:00")).oversized);
    assert_eq!(world.lines(), trimmed(BILLED));
}

#[test]
fn a_record_says_at_most_2_to_the_63_less_one_over_all_addresses() {
    let world = World::utc();
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 7 0 0
             2026-03-01 12:00:00 7 9223372036854775807 1
             2026-03-01 06:00:00 8 0 0 ip=192.0.2.1
             2026-03-01 12:00:00 8 4611686018427387904 0 ip=192.0.2.1
             2026-03-01 06:00:00 8 0 0 ip=192.0.2.2
             2026-03-01 12:00:00 8 4611686018427387903 0 ip=192.0.2.2
             2026-03-01 06:00:00 9 0 0 ip=192.0.2.1
             2026-03-01 12:00:00 9 4611686018427387904 0 ip=192.0.2.1
             2026-03-01 06:00:00 9 0 0 ip=192.0.2.2
             2026-03-01 12:00:00 9 4611686018427387904 0 ip=192.0.2.2",
        ),
    );
    let report = world.job(at("2026-03-02 00:00:00"));
    let waiting: Vec<_> =
        report.oversized.iter().map(|s| (s.series.device, s.series.address.as_deref())).collect();
    assert_eq!(waiting, [(9, Some("192.0.2.1")), (9, Some("192.0.2.2"))]);
    assert_eq!(
        world.lines(),
        trimmed(
            "2026-03-01 4 7 a2 z1 n204 = 9223372036854775807
             2026-03-01 4 8 a2 z1 n204 = 9223372036854775807
             2026-03-01 5 7 a2 z1 n204 = 1
             2026-03-01 5 8 a2 z1 n204 = 0"
        )
    );
}

/// Readings that are samples, with the batch each arrives in, and failed polls with
/// theirs: an hour, a device, and whether something was received, too.
fn arriving() -> impl Strategy<Value = Vec<(usize, bool, NetworkSample)>> {
    vec((0..4usize, any::<bool>(), 0..96i64, 1..3u64, 1..300u64), 1..50).prop_map(|all| {
        let mut seen = BTreeSet::new();
        let readings = all.into_iter().map(|(batch, failed, hour, device, sent)| {
            let sent = if failed { 0 } else { sent };
            let text = format!("2026-03-27 00:00:00 {device} {sent} {sent}");
            let mut sample = samples(&text).remove(0);
            sample.sampled = at("2026-03-27 00:00:00") + Millis(hour * Millis::HOUR.0);
            (batch, failed, sample)
        });
        let mut all: Vec<_> =
            readings.filter(|(_, _, s)| seen.insert((s.series.clone(), s.sampled))).collect();
        let real: Vec<_> = all.iter().filter(|(_, failed, _)| !failed).cloned().collect();
        // The first reading of a series is none, whatever it says.
        let is_behind = |(batch, failed, poll): &(usize, bool, NetworkSample)| {
            let before = |(arrived, _, sample): &(usize, bool, NetworkSample)| {
                arrived <= batch && sample.series == poll.series && sample.sampled < poll.sampled
            };
            !failed || real.iter().any(before)
        };
        all.retain(is_behind);
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn failed_polls_change_no_record(arriving in arriving(), waits in vec(0..40i64, 4)) {
        let (with, without) = (World::utc(), World::utc());
        let mut now = at("2026-03-27 00:00:00");
        for (batch, hours) in waits.into_iter().enumerate() {
            let of_batch = arriving.iter().filter(|(arrived, _, _)| *arrived == batch);
            let all: Vec<_> = of_batch.clone().map(|(_, _, s)| s.clone()).collect();
            let real: Vec<_> =
                of_batch.filter(|(_, failed, _)| !failed).map(|(_, _, s)| s.clone()).collect();
            with.samples("default", &all);
            without.samples("default", &real);
            now = now + Millis(hours * Millis::HOUR.0);
            with.job(now);
            without.job(now);
            prop_assert_eq!(with.records(), without.records(), "at {}", now);
        }
        with.job(at("2026-04-02 00:00:00"));
        without.job(at("2026-04-02 00:00:00"));
        prop_assert_eq!(with.records(), without.records());
    }
}
