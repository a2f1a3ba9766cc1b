//! Changes that are larger than `usage.publish.max.change` allows.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use cloudtally_aggregate::{Plan, Rebuild, RunReport, RunRequest, Target, aggregate, explain};
use cloudtally_model::{Instant, Millis, calendar::day, settings::PUBLISH_MAX_CHANGE};
use proptest::{collection::vec, prelude::*};

use crate::{
    random::{SOURCES, end, histories, instant},
    support::{World, at, back_fill, events, samples, source, trimmed},
};

fn allow(world: &World, percent: &str) {
    world.writer.set_setting(PUBLISH_MAX_CHANGE, percent).unwrap();
}

fn accept(world: &World, plan: Plan, days: &[&str], now: &str) -> RunReport {
    let accepted = days.iter().map(|text| day(text).unwrap()).collect();
    let request = RunRequest { plan, accepted };
    aggregate(Target::Publish(&world.writer), request, at(now), &mut |_| {}).unwrap()
}

/// Two machines that run since 1 March, published through 3 March; the first one stopped on
/// 2 March at six in the evening, and nobody knew.
fn late_stop(percent: &str) -> World {
    let world = World::utc();
    let told = "2026-03-01 00:00:00 VM.START 4 o=1 t=5\n2026-03-01 00:00:00 VM.START 5 o=1 t=5";
    world.events("default", &events(told));
    world.job(at("2026-03-04 00:15:00"));
    allow(&world, percent);
    world.events("default", &events("2026-03-02 18:00:00 VM.STOP 4 id=3"));
    world
}

#[test]
fn a_day_that_moves_too_much_stays_as_it_is_until_it_is_accepted() {
    let world = late_stop("20");
    let (now, before) = ("2026-03-04 01:15:00", world.lines());
    let fingerprint = world.fingerprint();
    let told = aggregate(Target::DryRun(&world.writer), Plan::Scheduled, at(now), &mut |_| {});
    let report = world.job(at(now));
    assert_eq!(told.unwrap(), report, "a dry run tells the same");

    // 6 h of 48 h are 12.5 %, and 24 h of 48 h are 50 %.
    assert_eq!((report.republished, report.published), (1, 0));
    assert_eq!(
        world.lines(),
        before.replacen("2026-03-02 1 4 a2 z1 o1 t5 = 24h", "2026-03-02 1 4 a2 z1 o1 t5 = 18h", 1)
    );
    let held: Vec<String> = report.held.iter().map(ToString::to_string).collect();
    assert_eq!(
        held,
        ["2026-03-03T00:00:00Z..2026-03-04T00:00:00Z is held back, as `usage.publish.max.change` \
          allows 20 %: usage type 1 of source `default` would move 24 Hrs of 48 Hrs; look at the \
          movers, and accept 2026-03-03 if they are right"]
    );
    assert_eq!(report.accept_by.as_deref(), Some("cloudtally aggregate --accept 2026-03-03"));
    let movers: Vec<String> = report.held[0].movers.iter().map(ToString::to_string).collect();
    assert_eq!(movers, ["account 2 of source `default`, usage type 1: +0 Hrs, -24 Hrs"]);
    assert_ne!(world.fingerprint(), fingerprint, "the other day is published");

    // The next run holds it again, and changes nothing.
    let fingerprint = world.fingerprint();
    let again = world.job(at("2026-03-04 02:15:00"));
    assert_eq!(again.held, report.held);
    assert_eq!(world.fingerprint(), fingerprint);

    // Another day is not it.
    let other = accept(&world, Plan::Scheduled, &["2026-03-02"], "2026-03-04 03:15:00");
    assert_eq!(other.held, report.held);
    let accepted = accept(&world, Plan::Scheduled, &["2026-03-03"], "2026-03-04 03:15:00");
    assert_eq!((accepted.republished, accepted.held.len()), (1, 0));
    let free = late_stop("-1");
    free.job(at(now));
    assert_eq!(world.lines(), free.lines());
}

#[test]
fn what_a_limit_allows_is_published() {
    let world = late_stop("50");
    let report = world.job(at("2026-03-04 01:15:00"));
    assert_eq!((report.republished, report.held.len()), (2, 0));
    // Without use nothing has been published, so any use is too much.
    let world = late_stop("1000");
    let bucket = "2026-03-02 00:00:00 LB.CREATE 7 id=9";
    world.events("default", &events(bucket));
    let report = world.job(at("2026-03-04 01:15:00"));
    assert_eq!(report.held.len(), 2);
    assert_eq!(report.held[0].usages.len(), 1, "the machines may move");
    assert_eq!(
        report.held[0].usages[0].to_string(),
        "usage type 11 of source `default` would move 24 Hrs of 0 Hrs"
    );
}

#[test]
fn a_day_that_is_not_published_yet_moves_nothing() {
    let world = World::utc();
    allow(&world, "0");
    world.events("default", &events("2026-03-01 00:00:00 VM.START 4 o=1 t=5"));
    let report = world.job(at("2026-03-03 00:15:00"));
    assert_eq!((report.published, report.held.len()), (2, 0));
}

#[test]
fn adjustments_that_are_too_large_wait_and_their_period_does_not() {
    let world = World::utc();
    world.events("default", &events("2026-01-31 08:00:00 VM.START 4 o=1 t=5"));
    world.job(at("2026-02-01 00:15:00"));
    world.close_through("2026-01-31", "2026-02-01 10:00:00").unwrap();
    allow(&world, "10");
    world.events("default", &events("2026-01-31 18:00:00 VM.STOP 4 id=2"));
    let report = world.job(at("2026-02-02 00:15:00"));
    assert_eq!((report.restated, report.adjustments), (1, 0));
    let told = report.held[0].to_string();
    assert!(told.starts_with("2026-01-31T00:00:00Z.."), "{told}");
    assert!(told.contains("would move 6 Hrs of 16 Hrs"), "{told}");
    assert!(told.ends_with("accept 2026-01-31 if they are right"), "{told}");
    let before = "2026-01-31 1 4 a2 z1 o1 t5 = 16h\n";
    assert_eq!(world.lines(), before);
    // Published by now, it holds them back still; and its own late use as well.
    world.events("default", &events("2026-02-01 00:00:00 LB.CREATE 1 id=3"));
    let report = world.job(at("2026-02-02 00:30:00"));
    assert_eq!(report.held.len(), 2);
    // One alone would not do: they stand in one period.
    let all = "cloudtally aggregate --accept 2026-01-31 --accept 2026-02-01";
    assert_eq!(report.accept_by.as_deref(), Some(all));
    assert_eq!(world.lines(), before);
    let days = ["2026-01-31", "2026-02-01"];
    let report = accept(&world, Plan::Scheduled, &days, "2026-02-02 00:45:00");
    assert_eq!((report.held.len(), report.adjustments), (0, 1));
    let after = "2026-01-31 1 4 a2 z1 o1 t5 = 16h
                 2026-02-01 1 4 a2 z1 o1 t5 corrects 2026-01-31 = -6h
                 2026-02-01 11 1 a2 z1 = 24h";
    assert_eq!(world.lines(), trimmed(after));
    // What was accepted once does not move again.
    world.events("default", &events("2026-02-01 23:00:00 LB.DELETE 1 id=4"));
    let report = world.job(at("2026-02-02 01:15:00"));
    assert_eq!((report.held.len(), report.republished), (0, 1));
}

#[test]
fn a_rebuild_that_moves_bytes_between_days_is_held_as_a_whole() {
    let world = World::utc();
    let told =
        "2026-03-01 12:00:00 7 0 0\n2026-03-02 12:00:00 7 100 0\n2026-03-03 12:00:00 7 160 0";
    world.samples("default", &samples(told));
    for night in ["2026-03-02", "2026-03-03", "2026-03-04"] {
        world.job(at(&format!("{night} 00:15:00")));
    }
    allow(&world, "30");
    // 20 of the 100 bytes were the first day's: more than nothing, and a fifth of the second's.
    world.samples("default", &samples("2026-03-01 18:00:00 7 20 0"));
    let before = world.fingerprint();
    let days = back_fill("2026-03-01", "2026-03-03", Rebuild::All);
    let report = world.run(days, at("2026-03-04 01:15:00"));
    assert_eq!((report.held.len(), report.republished), (1, 0));
    let again =
        "cloudtally aggregate --rebuild --from 2026-03-01 --to 2026-03-03 --accept 2026-03-01";
    assert_eq!(report.accept_by.as_deref(), Some(again));
    assert_eq!(world.fingerprint(), before);
    let report = accept(&world, days, &["2026-03-01"], "2026-03-04 01:15:00");
    assert_eq!(report.held.len(), 0);
    let sent: i64 = world
        .records()
        .iter()
        .filter(|(.., r)| r.usage_type.0 == 4)
        .map(|(.., r)| r.quantity)
        .sum();
    assert_eq!(sent, 160);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Whatever is held back meanwhile: once all days are accepted, the records are those of a
    /// folder without a limit, and each of them is explained.
    #[test]
    fn what_is_held_back_is_published_in_the_end(
        histories in histories(50),
        parts in vec(0..3usize, 50),
        percent in 0..200u32,
        mut runs in vec(instant(), 2),
        back in 0..4i64,
    ) {
        runs.sort();
        runs.push(end());
        let build = |percent: &str| {
            let world = World::new("Europe/Paris", "1440");
            for name in SOURCES {
                world.writer.source(&source(name)).unwrap();
            }
            allow(&world, percent);
            for (batch, now) in runs.iter().enumerate() {
                for (name, history) in SOURCES.iter().zip(&histories) {
                    let of_batch = history.events.iter().enumerate();
                    let of_batch = of_batch.filter(|(index, _)| parts[*index] == batch);
                    world.events(name, &of_batch.map(|(_, e)| e.clone()).collect::<Vec<_>>());
                }
                world.job(*now);
                if batch == 0 {
                    // Refused where it would close what is not over or not published.
                    let closed = world.calendar().date_of(*now - Millis(back * Millis::DAY.0));
                    let _ = world.close_through(&closed.to_string(), &now.to_string());
                }
            }
            world
        };
        let (limited, free) = (build(&percent.to_string()), build("-1"));
        let mut days: BTreeSet<NaiveDate> = BTreeSet::new();
        let mut last = Instant::EPOCH;
        for number in 0..1000 {
            let now = end() + Millis(number);
            let accepted = days.iter().copied().collect();
            let request = RunRequest { plan: Plan::Scheduled, accepted };
            let target = Target::Publish(&limited.writer);
            let report = aggregate(target, request, now, &mut |_| {}).unwrap();
            if report.held.is_empty() {
                last = now;
                break;
            }
            days.extend(report.held.iter().map(|held| held.day));
        }
        prop_assert_ne!(last, Instant::EPOCH);
        prop_assert_eq!(limited.lines(), free.lines());
        let set = limited.set();
        for served in limited.served().iter().step_by(7) {
            let name = set.sources().name(served.record.source);
            let explained = explain(&limited.writer, served.record.id(name, served.period));
            prop_assert!(explained.unwrap().adds_up());
        }
        prop_assert_eq!(limited.writer.verify(&mut |_, _| {}).unwrap(), []);
    }
}
