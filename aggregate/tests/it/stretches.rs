//! Years in which nothing was used: one row of the catalogue, no files, and whatever is
//! found in them later is billed like anything else.

use std::time::{Duration, Instant as Wall};

use cloudtally_aggregate::{Periods, Plan, Rebuild, checkpoint, sanity_checks};
use cloudtally_model::{Instant, Millis, UsageEvent, UsageRecord};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::support::{World, at, back_fill, events, samples, trimmed};

/// Longer than any of this takes, and much shorter than walking all periods with files.
const AT_ONCE: Duration = Duration::from_secs(60);

fn files(world: &World) -> usize {
    world.fingerprint().lines().filter(|line| line.contains(".parquet ")).count()
}

fn assert_sane(world: &World, now: Instant) {
    let found = sanity_checks(&world.writer, Periods::All, now, &mut |_, _| {}).unwrap();
    assert_eq!(found, []);
}

/// A day of use in 2001, and an address since March 2026.
const FAR_APART: &str = "2001-02-03 06:00:00 NET.IPASSIGN 1
     2001-02-03 18:00:00 NET.IPRELEASE 1
     2026-03-01 12:00:00 NET.IPASSIGN 2";

#[test]
fn one_early_row_opens_no_thousands_of_files() {
    let world = World::new("Europe/Paris", "60");
    world.events("default", &events(FAR_APART));
    let now = at("2026-03-01 14:00:00");
    let began = Wall::now();
    let report = world.job(now);
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    assert_eq!(report.published, 219_776, "periods are what they were");
    let snapshot = world.writer.snapshot().unwrap();
    assert!(snapshot.stretches.len() <= 4, "{:?}", snapshot.stretches);
    assert!(files(&world) < 60, "{} files", files(&world));
    assert_eq!(report.checkpoint, Some(now));
    assert_eq!(checkpoint(&snapshot, world.calendar()), Some(now));
    let hours = world.records().len();
    assert_eq!(hours, 12 + 2, "an hour a record");
    assert_sane(&world, now);
    let before = world.fingerprint();
    assert_eq!(world.job(now).published, 0);
    assert_eq!(world.fingerprint(), before);
    let rows = world.served();
    let report = world.run(Plan::RebuildAll, now);
    assert_eq!((report.published, report.republished), (0, 0));
    assert_eq!(world.served(), rows, "a rebuild changes nothing");
    assert_eq!(world.writer.snapshot().unwrap().stretches, snapshot.stretches);
}

#[test]
fn late_events_in_a_stretch_take_their_periods_out_of_it() {
    let world = World::utc();
    world.events("default", &events(FAR_APART));
    let now = at("2026-03-03 00:00:00");
    world.job(now);
    world.events(
        "default",
        &events(
            "2010-05-05 06:00:00 NET.IPASSIGN 3 id=10
             2010-05-06 18:00:00 NET.IPRELEASE 3 id=11",
        ),
    );
    assert!(
        cloudtally_aggregate::stale_periods(&world.writer.snapshot().unwrap(), world.calendar())
            > 5_000
    );
    let report = world.job(now);
    assert_eq!((report.published, report.republished, report.added), (0, 2, 2));
    assert_eq!(
        world.lines(),
        trimmed(
            "2001-02-03 3 1 a2 z1 = 12h
             2010-05-05 3 3 a2 z1 = 18h
             2010-05-06 3 3 a2 z1 = 18h
             2026-03-01 3 2 a2 z1 = 12h
             2026-03-02 3 2 a2 z1 = 24h"
        )
    );
    let generations: Vec<u32> = world.served().iter().map(|served| served.generation).collect();
    assert_eq!(generations, [1, 2, 2, 1, 1]);
    assert!(files(&world) < 60, "{} files", files(&world));
    assert_sane(&world, now);
    let before = world.fingerprint();
    let again = world.job(now);
    assert_eq!((again.published, again.republished, again.unchanged), (0, 0, 0));
    assert_eq!(world.fingerprint(), before);
    // A dry run and a back-fill of days in a stretch see nothing to do.
    assert_eq!(world.dry_run(Plan::RebuildAll, now).republished, 0);
    let report = world.run(back_fill("2008-01-01", "2008-12-31", Rebuild::Touched), now);
    assert_eq!((report.published, report.unchanged), (0, 0));
    let report = world.run(back_fill("2008-01-01", "2008-12-31", Rebuild::All), now);
    assert_eq!((report.published, report.unchanged), (0, 366));
    assert_eq!(world.fingerprint(), before);
}

#[test]
fn late_samples_in_a_stretch_are_billed_once() {
    let world = World::utc();
    world.events("default", &events(FAR_APART));
    world.samples("default", &samples("2001-02-03 06:00:00 9 0 0\n2001-02-03 12:00:00 9 10 1"));
    world.job(at("2001-02-04 00:00:00"));
    world.job(at("2026-03-02 00:00:00"));
    assert!(files(&world) < 60, "{} files", files(&world));
    world.samples(
        "default",
        &samples(
            "2010-05-05 12:00:00 9 40 4\n2015-05-05 12:00:00 9 60 6\n2026-03-02 12:00:00 9 100 10",
        ),
    );
    world.job(at("2026-03-03 00:00:00"));
    let bytes: Vec<String> =
        world.lines().lines().filter(|line| line.contains(" 4 9 ")).map(str::to_owned).collect();
    assert_eq!(
        bytes,
        [
            "2001-02-03 4 9 a2 z1 n204 = 10",
            "2026-03-02 4 9 a2 z1 n204 from 2010-05-05T12:00:00Z = 90"
        ]
    );
    let found = world.records();
    world.run(Plan::RebuildAll, at("2026-03-03 00:00:00"));
    assert_eq!(world.records(), found);
    world.job(at("2026-03-04 00:00:00"));
    let later = world.records();
    let bytes = |rows: &[(Instant, String, UsageRecord)]| -> i64 {
        rows.iter().filter(|(_, _, r)| r.usage_type.is_bytes()).map(|(_, _, r)| r.quantity).sum()
    };
    assert_eq!(bytes(&later), 110);
}

#[test]
fn days_that_late_events_take_out_of_a_stretch_do_not_forget_a_series() {
    let world = World::utc();
    world.samples("default", &samples("2026-03-01 01:00:00 9 20 1"));
    world.job(at("2026-03-15 00:00:00"));
    // An address in use since then gives every day files, before the late sample is billed.
    world.events("default", &events("2026-03-01 01:00:00 NET.IPASSIGN 1"));
    world.job(at("2026-03-15 00:00:00"));
    world.samples("default", &samples("2026-03-05 01:00:00 9 25 1"));
    world.job(at("2026-03-16 00:00:00"));
    let bytes: Vec<String> =
        world.lines().lines().filter(|line| line.contains(" 4 9 ")).map(str::to_owned).collect();
    assert_eq!(bytes, ["2026-03-15 4 9 a2 z1 n204 from 2026-03-05T01:00:00Z = 5"]);
}

#[test]
fn an_account_whose_removal_is_taken_back_pays_for_the_stretch() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 00:00:00 NET.IPASSIGN 1"));
    world.account("default", 2, Some(at("2026-03-02 00:00:00")));
    world.job(at("2026-03-08 00:00:00"));
    assert_eq!(world.records().len(), 1);
    world.account("default", 2, Some(at("2026-03-05 12:00:00")));
    world.job(at("2026-03-08 00:00:00"));
    let ms: i64 = world.records().iter().map(|(_, _, record)| record.quantity).sum();
    assert_eq!(ms, 4 * 86_400_000 + 43_200_000);
}

#[test]
fn what_happens_on_thousands_of_days_is_published_in_bounded_steps() {
    let world = World::utc();
    // A few minutes of use each day of ten years.
    let mut all: Vec<UsageEvent> = Vec::new();
    for day in 0..1_200i64 {
        let mut pair =
            events("2001-01-01 06:00:00 NET.IPASSIGN 1\n2001-01-01 06:10:00 NET.IPRELEASE 1");
        for (which, event) in (0..).zip(&mut pair) {
            event.id = (u64::try_from(day).unwrap() * 2 + which + 1).into();
            event.created = event.created + Millis(day * Millis::DAY.0);
        }
        all.append(&mut pair);
    }
    world.events("default", &all);
    let mut steps = Vec::new();
    cloudtally_aggregate::aggregate(
        cloudtally_aggregate::Target::Publish(&world.writer),
        Plan::Scheduled,
        at("2005-01-01 00:00:00"),
        &mut |progress| steps.push(progress.done),
    )
    .unwrap();
    let largest = steps.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(steps.len() >= 4 && largest <= 512, "{steps:?}");
    assert_eq!(world.records().len(), 1_200);
}

/// An event of one address on one of the days, at an hour, in a batch.
fn happenings() -> impl Strategy<Value = Vec<(usize, i64, i64, u64, bool)>> {
    let days = select(&[0i64, 1, 2, 30, 31, 60, 61, 62, 90, 91][..]);
    vec((0..4usize, days, 0..24i64, 1..4u64, any::<bool>()), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_found_in_stretches_later_ends_the_same(
        happenings in happenings(),
        nows in vec(0..95i64, 4),
        readings in vec((0..4usize, 0..95i64, 0..24i64, 1..200u64), 0..12),
        minutes in select(&["1440", "720"][..]),
    ) {
        let start = at("2026-03-27 00:00:00");
        let instant = |day: i64, hour: i64| {
            start + Millis(day * Millis::DAY.0 + hour * Millis::HOUR.0)
        };
        let event = |number: usize, (_, day, hour, address, opens): (usize, i64, i64, u64, bool)| {
            let what = if opens { "NET.IPASSIGN" } else { "NET.IPRELEASE" };
            let mut event = events(&format!("2026-03-27 00:00:00 {what} {address}")).remove(0);
            (event.id, event.created) = ((number as u64 + 1).into(), instant(day, hour));
            event
        };
        let mut seen = std::collections::BTreeSet::new();
        let readings: Vec<_> = readings
            .into_iter()
            .filter(|(_, day, hour, _)| seen.insert((*day, *hour)))
            .map(|(batch, day, hour, sent)| {
                let mut sample = samples(&format!("2026-03-27 00:00:00 9 {sent} 1")).remove(0);
                sample.sampled = instant(day, hour);
                (batch, sample)
            })
            .collect();
        let (late, once) = (World::new("Europe/Paris", minutes), World::new("Europe/Paris", minutes));
        for (batch, now) in nows.into_iter().enumerate() {
            let of_batch = happenings.iter().enumerate().filter(|(_, h)| h.0 == batch);
            let all: Vec<UsageEvent> = of_batch.map(|(number, h)| event(number, *h)).collect();
            late.events("default", &all);
            once.events("default", &all);
            let arrived = readings.iter().filter(|(b, _)| *b == batch);
            let arrived: Vec<_> = arrived.map(|(_, sample)| sample.clone()).collect();
            late.samples("default", &arrived);
            once.samples("default", &arrived);
            late.job(instant(now, 0));
        }
        let end = instant(100, 0);
        late.job(end);
        once.job(end);
        let times = |world: &World| -> Vec<_> {
            world.records().into_iter().filter(|(_, _, r)| !r.usage_type.is_bytes()).collect()
        };
        let bytes = |world: &World| -> i64 {
            let all = world.records().into_iter().filter(|(_, _, r)| r.usage_type.is_bytes());
            all.map(|(_, _, record)| record.quantity).sum()
        };
        prop_assert_eq!(times(&late), times(&once));
        prop_assert_eq!(bytes(&late), bytes(&once));
        prop_assert_eq!(late.anomaly_lines(), once.anomaly_lines());
        let empty = |world: &World| world.writer.snapshot().unwrap().published().into_iter()
            .map(|(extent, _)| world.calendar().count(extent)).sum::<u64>();
        prop_assert_eq!(empty(&late), empty(&once));
        let before = late.fingerprint();
        late.job(end);
        prop_assert_eq!(late.fingerprint(), before.clone());
        let report = late.run(Plan::RebuildAll, end);
        prop_assert_eq!((report.published, report.republished), (0, 0));
        assert_sane(&late, end);
    }
}
