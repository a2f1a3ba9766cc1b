//! Closed periods: what is served of them stays, and what comes late is billed once, in the
//! first open period.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_aggregate::{
    AggregateError, KnownRemoval, PeriodState, Periods, Plan, Rebuild, Target, aggregate, explain,
    periods, sanity_checks,
};
use cloudtally_model::{Instant, Millis, Period, SourceId};
use cloudtally_store::{Severity, StoreError};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    naive::{self, History},
    random::{SOURCES, end, histories, instant, remove},
    support::{World, at, back_fill, events, samples, source, trimmed},
};

/// Ids of late events continue behind those of the events before.
fn late(text: &str, first: u64) -> Vec<cloudtally_model::UsageEvent> {
    let mut events = events(text);
    for (number, event) in (first..).zip(&mut events) {
        event.id = number.into();
    }
    events
}

/// A folder whose days through 31 January are closed on 2 February.
fn closed(before: &str) -> World {
    let world = World::utc();
    world.events("default", &events(before));
    world.job(at("2026-02-02 00:15:00"));
    world.close_through("2026-01-31", "2026-02-02 10:00:00").unwrap();
    world
}

/// Checks the records that a late history gives, and that `check` finds nothing.
fn check(world: &World, expected: &str) {
    assert_eq!(world.lines(), trimmed(expected));
    assert_sane(world);
    // A run that has nothing to do changes nothing.
    let before = world.fingerprint();
    world.job(at("2026-02-02 00:30:00"));
    assert_eq!(world.fingerprint(), before);
}

fn assert_sane(world: &World) {
    let now = at("2026-02-02 00:15:00");
    let findings = sanity_checks(&world.writer, Periods::All, now, &mut |_, _| {}).unwrap();
    let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// Runs the job of each night through that of 2 February: several days at once would fold
/// their bytes.
fn nightly(world: &World) {
    for night in ["2026-01-31", "2026-02-01", "2026-02-02"] {
        world.job(at(&format!("{night} 00:15:00")));
    }
}

#[test]
fn a_late_stop_takes_away() {
    let world = closed("2026-01-31 08:00:00 VM.START 4 o=1 t=5");
    let before = world.linked();
    world.events("default", &late("2026-01-31 18:00:00 VM.STOP 4", 2));
    let report = world.job(at("2026-02-02 00:20:00"));
    assert_eq!((report.restated, report.adjustments, report.republished), (1, 1, 1));
    check(
        &world,
        "2026-01-31 1 4 a2 z1 o1 t5 = 16h
         2026-02-01 1 4 a2 z1 o1 t5 corrects 2026-01-31 = -6h",
    );
    let (day, after) = ("20260131T000000Z.parquet", world.linked());
    assert_eq!((&before[day], before.len()), (&after[day], after.len()));
}

#[test]
fn a_late_resize_takes_from_one_key_and_gives_to_another() {
    let world = closed("2026-01-31 00:00:00 VOLUME.CREATE 9 o=3 s=10");
    world.events("default", &late("2026-01-31 12:00:00 VOLUME.RESIZE 9 o=3 s=20", 2));
    world.job(at("2026-02-02 00:20:00"));
    check(
        &world,
        "2026-01-31 6 9 a2 z1 o3 s10 = 24h
         2026-02-01 6 9 a2 z1 o3 s10 corrects 2026-01-31 = -12h
         2026-02-01 6 9 a2 z1 o3 s20 = 24h
         2026-02-01 6 9 a2 z1 o3 s20 corrects 2026-01-31 = 12h",
    );
}

#[test]
fn a_late_move_takes_from_one_account_and_gives_to_another() {
    let world = closed("2026-01-31 00:00:00 NET.IPASSIGN 5");
    let moved = "2026-01-31 12:00:00 NET.IPRELEASE 5\n2026-01-31 12:00:00 NET.IPASSIGN 5 a=3";
    world.events("default", &late(moved, 2));
    world.job(at("2026-02-02 00:20:00"));
    check(
        &world,
        "2026-01-31 3 5 a2 z1 = 24h
         2026-02-01 3 5 a2 z1 corrects 2026-01-31 = -12h
         2026-02-01 3 5 a3 z1 = 24h
         2026-02-01 3 5 a3 z1 corrects 2026-01-31 = 12h",
    );
}

#[test]
fn what_is_closed_meanwhile_is_carried_already() {
    let world = closed("2026-01-31 08:00:00 VM.START 4 o=1 t=5");
    world.events("default", &late("2026-01-31 18:00:00 VM.STOP 4", 2));
    world.job(at("2026-02-03 00:15:00"));
    world.close_through("2026-02-01", "2026-02-03 10:00:00").unwrap();
    let before = world.linked();
    world.events("default", &late("2026-01-31 20:00:00 VM.START 4 o=1 t=5", 3));
    world.job(at("2026-02-03 00:20:00"));
    check(
        &world,
        "2026-01-31 1 4 a2 z1 o1 t5 = 16h
         2026-02-01 1 4 a2 z1 o1 t5 corrects 2026-01-31 = -6h
         2026-02-02 1 4 a2 z1 o1 t5 = 24h
         2026-02-02 1 4 a2 z1 o1 t5 corrects 2026-01-31 = 4h
         2026-02-02 1 4 a2 z1 o1 t5 corrects 2026-02-01 = 24h",
    );
    let after = world.linked();
    for day in ["20260131T000000Z.parquet", "20260201T000000Z.parquet"] {
        assert_eq!(before[day], after[day]);
    }
    let corrects = |text: &str| {
        let set = world.set();
        let found = world.served().into_iter().find(|served| {
            let record = &served.record;
            record.corrects == Some(at(text)) && served.period.start == at("2026-02-02 00:00:00")
        });
        let found = found.unwrap();
        let id = found.record.id(set.sources().name(found.record.source), found.period);
        explain(&world.writer, id).unwrap()
    };
    let explained = corrects("2026-01-31 00:00:00");
    let told = explained.adjusted.clone().unwrap();
    let hours = [told.served, told.before, told.after, told.restated].map(|ms| ms / 3_600_000);
    assert_eq!(hours, [16, 10, 14, 14]);
    assert!(explained.adds_up());
    assert_eq!(explained.events(), [1, 2, 3].map(Into::into));
}

#[test]
fn what_was_closed_with_nothing_in_it_is_adjusted_like_the_rest() {
    let world = World::utc();
    world.events("default", &events("2026-01-30 06:00:00 LB.CREATE 7"));
    world.job(at("2026-02-02 00:15:00"));
    world.close_through("2026-01-31", "2026-02-02 10:00:00").unwrap();
    world.events("default", &late("2026-01-28 12:00:00 SNAPSHOT.CREATE 3 s=5", 2));
    let report = world.job(at("2026-02-02 00:20:00"));
    assert_eq!((report.restated, report.adjustments), (4, 4));
    check(
        &world,
        "2026-01-30 11 7 a2 z1 = 18h
         2026-01-31 11 7 a2 z1 = 24h
         2026-02-01 9 3 a2 z1 s5 = 24h
         2026-02-01 9 3 a2 z1 s5 corrects 2026-01-28 = 12h
         2026-02-01 9 3 a2 z1 s5 corrects 2026-01-29 = 24h
         2026-02-01 9 3 a2 z1 s5 corrects 2026-01-30 = 24h
         2026-02-01 9 3 a2 z1 s5 corrects 2026-01-31 = 24h
         2026-02-01 11 7 a2 z1 = 24h",
    );
}

#[test]
fn a_run_whose_clock_is_behind_leaves_what_was_closed_with_nothing_to_the_next() {
    let world = World::utc();
    world.events("default", &events("2026-01-30 06:00:00 LB.CREATE 7"));
    world.job(at("2026-02-02 00:15:00"));
    world.close_through("2026-01-31", "2026-02-02 10:00:00").unwrap();
    world.events("default", &late("2026-01-31 12:00:00 SNAPSHOT.CREATE 3 s=5", 2));
    world.events("default", &late("2026-01-29 12:00:00 SNAPSHOT.CREATE 4 s=5", 3));
    // The 29th is not over for it, so it is not published.
    world.job(at("2026-01-29 13:00:00"));
    world.job(at("2026-02-02 00:20:00"));
    check(
        &world,
        "2026-01-30 11 7 a2 z1 = 18h
         2026-01-31 11 7 a2 z1 = 24h
         2026-02-01 9 3 a2 z1 s5 = 24h
         2026-02-01 9 3 a2 z1 s5 corrects 2026-01-31 = 12h
         2026-02-01 9 4 a2 z1 s5 = 24h
         2026-02-01 9 4 a2 z1 s5 corrects 2026-01-29 = 12h
         2026-02-01 9 4 a2 z1 s5 corrects 2026-01-30 = 24h
         2026-02-01 9 4 a2 z1 s5 corrects 2026-01-31 = 24h
         2026-02-01 11 7 a2 z1 = 24h",
    );
}

#[test]
fn a_closed_day_in_the_middle_of_empty_ones_stays_empty() {
    let world = World::utc();
    let before = "2026-01-10 06:00:00 LB.CREATE 7\n2026-01-10 07:00:00 LB.DELETE 7";
    world.events("default", &events(before));
    world.job(at("2026-02-02 00:15:00"));
    world.close_through("2026-01-31", "2026-02-02 10:00:00").unwrap();
    let stop = "2026-01-20 12:00:00 SNAPSHOT.CREATE 3 s=5\n2026-01-20 18:00:00 SNAPSHOT.DELETE 3";
    world.events("default", &late(stop, 3));
    world.job(at("2026-02-02 00:20:00"));
    check(
        &world,
        "2026-01-10 11 7 a2 z1 = 1h
         2026-02-01 9 3 a2 z1 s5 corrects 2026-01-20 = 6h",
    );
    let all = Period { start: Instant::EPOCH, end: Instant::END_OF_TIME };
    let rows = periods(&world.writer, at("2026-02-02 00:15:00"), all).unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.periods, row.state, row.generation, row.restated, row.corrects.len()))
        .collect();
    let closed = PeriodState::Closed;
    assert_eq!(
        told,
        [
            (1, closed, Some(1), None, 0),
            (9, closed, Some(1), None, 0),
            (1, closed, Some(1), Some(2), 0),
            (11, closed, Some(1), None, 0),
            (1, PeriodState::Open, Some(2), None, 1),
        ]
    );
}

#[test]
fn a_late_removal_of_an_account_is_a_late_stop() {
    let world = closed("2026-01-31 00:00:00 NET.IPASSIGN 5");
    world.account("default", 2, Some(at("2026-01-31 12:00:00")));
    world.job(at("2026-02-02 00:20:00"));
    check(
        &world,
        "2026-01-31 3 5 a2 z1 = 24h
         2026-02-01 3 5 a2 z1 corrects 2026-01-31 = -12h
         ! 2026-01-31T12:00:00Z 3 5 -",
    );
    // No event is behind it: the explanation names what is.
    let set = world.set();
    let adjustment = world.served().into_iter().find(|served| served.record.corrects.is_some());
    let adjustment = adjustment.unwrap();
    let name = set.sources().name(adjustment.record.source);
    let id = adjustment.record.id(name, adjustment.period);
    let explained = explain(&world.writer, id).unwrap();
    assert!(explained.adds_up());
    let removal = explained.adjusted.unwrap().removal.unwrap();
    let known = KnownRemoval { before: None, after: Some(at("2026-01-31 12:00:00")) };
    assert_eq!(removal, known);
    assert_eq!(removal.to_string(), "the account was removed at 2026-01-31T12:00:00Z");
}

#[test]
fn another_name_is_no_adjustment() {
    let world = closed("2026-01-31 00:00:00 VOLUME.CREATE 9 o=3 s=10 n=a");
    world.events("default", &late("2026-01-31 12:00:00 VOLUME.RESIZE 9 o=3 s=10 n=b", 2));
    let report = world.job(at("2026-02-02 00:20:00"));
    assert_eq!(report.adjustments, 0);
    check(&world, "2026-01-31 6 9 a2 z1 o3 s10 = 24h\n2026-02-01 6 9 a2 z1 o3 s10 = 24h");
}

#[test]
fn late_bytes_fold_into_the_next_record_and_adjust_nothing() {
    let world = World::utc();
    world.samples(
        "default",
        &samples(
            "2026-01-30 12:00:00 7 0 0
             2026-01-31 12:00:00 7 100 0
             2026-02-01 12:00:00 7 160 0",
        ),
    );
    nightly(&world);
    world.close_through("2026-01-31", "2026-02-02 10:00:00").unwrap();
    let before = world.linked();
    world.samples("default", &samples("2026-01-31 18:00:00 7 40 0"));
    world.job(at("2026-02-03 00:15:00"));
    check(
        &world,
        "2026-01-31 4 7 a2 z1 n204 = 100
         2026-01-31 5 7 a2 z1 n204 = 0
         2026-02-01 4 7 a2 z1 n204 = 60
         2026-02-01 5 7 a2 z1 n204 = 0
         2026-02-02 4 7 a2 z1 n204 from 2026-01-31T18:00:00Z = 100
         2026-02-02 5 7 a2 z1 n204 from 2026-01-31T18:00:00Z = 0",
    );
    let after = world.linked();
    let mut unchanged = before.iter().filter(|(day, hash)| after.get(*day) == Some(hash));
    assert_eq!(unchanged.by_ref().count(), before.len());
}

#[test]
fn bytes_before_the_first_closed_day_are_billed_in_an_open_one() {
    let world = World::utc();
    world.events("default", &events("2026-01-30 06:00:00 LB.CREATE 7"));
    world.samples("default", &samples("2026-01-30 12:00:00 7 50 0\n2026-01-31 12:00:00 7 100 0"));
    nightly(&world);
    world.close_through("2026-01-31", "2026-02-02 10:00:00").unwrap();
    world.samples("default", &samples("2026-01-20 12:00:00 7 0 0\n2026-01-21 12:00:00 7 20 0"));
    for day in 3..6 {
        world.job(at(&format!("2026-02-0{day} 00:15:00")));
    }
    let lines = world.lines();
    let sent: Vec<&str> = lines.lines().filter(|line| line.contains(" 4 7 ")).collect();
    assert_eq!(sent[0], "2026-01-31 4 7 a2 z1 n204 = 50");
    assert!(sent[1..].iter().all(|line| line.starts_with("2026-02-0")), "{sent:?}");
    let records = world.records();
    let sent = records.iter().filter(|(.., r)| r.usage_type.0 == 4);
    assert_eq!(sent.map(|(.., r)| r.quantity).sum::<i64>(), 100);
    assert!(records.iter().all(|(.., r)| r.corrects.is_none()));
}

#[test]
fn what_cannot_be_closed_is_refused_with_the_remedy() {
    let world = World::utc();
    let told = |result: Result<_, AggregateError>| result.err().unwrap().to_string();
    let now = "2026-02-02 10:00:00";
    assert!(told(world.close_through("2026-01-31", now)).contains("ingest events"));
    world.events("default", &events("2026-01-30 06:00:00 LB.CREATE 7"));
    let unpublished = told(world.close_through("2026-01-31", now));
    assert!(unpublished.contains("2026-01-30"), "{unpublished}");
    assert!(unpublished.contains("run `cloudtally aggregate` first"), "{unpublished}");
    world.job(at("2026-02-02 00:15:00"));
    assert!(told(world.close_through("2026-02-02", now)).contains("is not over"));
    world.events("default", &late("2026-01-31 06:00:00 LB.DELETE 7", 2));
    let stale = told(world.close_through("2026-01-31", now));
    assert!(stale.contains("late events") && stale.contains("cloudtally aggregate"), "{stale}");
    world.close_through("2026-01-30", now).unwrap();
    for day in ["2026-01-30", "2026-01-29"] {
        let again = told(world.close_through(day, now));
        let closed = "the days through 2026-01-30 were closed by finance at 2026-02-02T10:00:00Z: \
                      the invoices are out";
        assert!(again.contains(closed) && again.contains("2026-01-31"), "{again}");
    }
}

#[test]
fn what_would_publish_closed_days_again_is_refused() {
    let world = closed("2026-01-30 06:00:00 LB.CREATE 7");
    let before = world.fingerprint();
    let now = at("2026-02-02 10:00:00");
    let plans = [
        Plan::RebuildAll,
        back_fill("2026-01-31", "2026-02-01", Rebuild::All),
        back_fill("2026-01-20", "2026-02-01", Rebuild::Touched),
    ];
    for plan in plans {
        let refused = world.try_run(plan, now).unwrap_err().to_string();
        assert!(refused.contains("closed by finance at 2026-02-02T10:00:00Z"), "{refused}");
        assert!(refused.contains("give days from 2026-02-01 on"), "{refused}");
    }
    let own = source("platform");
    for at in ["2026-01-31 12:00:00", "2026-01-02 00:00:00"].map(at) {
        let refused = world.writer.set_back(&own, at, now).unwrap_err();
        assert!(matches!(refused, StoreError::WithdrawsClosed { .. }), "{refused}");
        assert!(world.writer.lived_ahead(&own, at).is_err());
    }
    assert_eq!(world.fingerprint(), before);
    world.run(back_fill("2026-02-01", "2026-02-01", Rebuild::All), now);
    world.writer.set_back(&own, at("2026-02-01 12:00:00"), now).unwrap();
}

#[test]
fn how_time_is_cut_stays_once_a_day_is_closed_with_nothing_in_it() {
    let world = World::utc();
    world.events("default", &events("2026-02-01 00:30:00 VM.START 4 o=1 t=5"));
    world.close_through("2026-01-31", "2026-02-01 10:00:00").unwrap();
    for (name, value) in [
        ("usage.aggregation.timezone", "Europe/Berlin"),
        ("usage.stats.job.aggregation.range", "60"),
    ] {
        let refused = world.writer.set_setting(name, value).unwrap_err();
        assert!(matches!(refused, StoreError::SettingFixed { .. }), "{refused}");
    }
    world.job(at("2026-02-02 00:15:00"));
    world.events("default", &late("2026-01-31 10:30:00 LB.CREATE 7", 2));
    world.job(at("2026-02-02 01:15:00"));
    assert!(world.lines().contains("corrects 2026-01-31 = 13h30m"), "{}", world.lines());
}

#[test]
fn an_open_period_that_is_rebuilt_keeps_its_adjustments() {
    let world = closed("2026-01-31 08:00:00 VM.START 4 o=1 t=5");
    world.events("default", &late("2026-01-31 18:00:00 VM.STOP 4", 2));
    world.job(at("2026-02-02 00:20:00"));
    let before = world.lines();
    world.run(back_fill("2026-02-01", "2026-02-01", Rebuild::All), at("2026-02-02 00:30:00"));
    assert_eq!(world.lines(), before);
    world.events("default", &late("2026-02-01 12:00:00 LB.CREATE 1", 3));
    world.job(at("2026-02-02 00:40:00"));
    let added = "2026-02-01 11 1 a2 z1 = 12h\n";
    assert_eq!(world.lines(), before + added);
}

#[test]
fn a_dry_run_tells_of_adjustments() {
    let world = closed("2026-01-31 08:00:00 VM.START 4 o=1 t=5");
    world.events("default", &late("2026-01-31 18:00:00 VM.STOP 4", 2));
    let (now, before) = (at("2026-02-02 00:20:00"), world.fingerprint());
    let told = aggregate(Target::DryRun(&world.writer), Plan::Scheduled, now, &mut |_| {}).unwrap();
    assert_eq!(world.fingerprint(), before);
    let done = world.job(now);
    assert_eq!((told.restated, told.adjustments), (1, 1));
    assert_eq!((done.restated, done.adjustments), (1, 1));
    assert_eq!((told.added, told.removed), (done.added, done.removed));
}

/// Sums by the period that was used, corrected or not, by source and key.
type Sums = BTreeMap<(Instant, String, String), i64>;

fn sums(world: &World) -> Sums {
    let mut sums = Sums::new();
    for (period, name, record) in world.records() {
        let used = record.corrects.unwrap_or(period);
        let key = format!("{:?}", naive::key(&record));
        *sums.entry((used, name, key)).or_default() += record.quantity;
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

fn expected(world: &World, histories: &[History]) -> Sums {
    let mut sums = Sums::new();
    for (period, record, _) in naive::records(histories, world.calendar(), end()) {
        let SourceId(source) = record.source;
        let key = format!("{:?}", naive::key(&record));
        let name = SOURCES[usize::from(source)].to_owned();
        *sums.entry((period.start, name, key)).or_default() += record.quantity;
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn closings_change_no_sum(
        histories in histories(60),
        parts in vec(0..5usize, 60),
        late_removals in any::<bool>(),
        minutes in select(&["1440", "480"][..]),
        runs in vec((instant(), 0..3i64), 5),
    ) {
        let world = World::new("Europe/Paris", minutes);
        for name in SOURCES {
            world.writer.source(&source(name)).unwrap();
        }
        let mut kept: BTreeMap<String, String> = BTreeMap::new();
        let mut closed: BTreeSet<Instant> = BTreeSet::new();
        for (batch, (now, back)) in runs.iter().enumerate() {
            for (name, history) in SOURCES.iter().zip(&histories) {
                let of_batch = history.events.iter().enumerate();
                let of_batch = of_batch.filter(|(index, _)| parts[*index] == batch);
                world.events(name, &of_batch.map(|(_, event)| event.clone()).collect::<Vec<_>>());
                if (batch == 4) == late_removals {
                    remove(&world, name, &history.removed);
                }
            }
            world.job(*now);
            let day = world.calendar().date_of(*now - Millis(back * Millis::DAY.0));
            match world.close_through(&day.to_string(), &now.to_string()) {
                Ok(closing) => {
                    closed.insert(closing.through);
                }
                Err(
                    AggregateError::NothingIngested
                    | AggregateError::ClosesUnfinished { .. }
                    | AggregateError::ClosedAlready { .. }
                    | AggregateError::ClosesUnpublished { .. }
                    | AggregateError::ClosesStale { .. },
                ) => {}
                Err(other) => panic!("{other}"),
            }
            let linked = world.linked();
            for (name, hash) in &kept {
                prop_assert_eq!(linked.get(name), Some(hash), "a closed file has changed");
            }
            let snapshot = world.writer.snapshot().unwrap();
            let is_closed = snapshot.periods.iter().filter(|p| snapshot.is_closed(p.period));
            let names = is_closed.map(|p| p.period.start.as_millis());
            let starts: BTreeSet<i64> = names.collect();
            kept = linked.into_iter().filter(|(name, _)| starts.contains(&start_of(name))).collect();
        }
        world.job(end());
        prop_assert_eq!(sums(&world), expected(&world, &histories));
        let linked = world.linked();
        for (name, hash) in &kept {
            prop_assert_eq!(linked.get(name), Some(hash), "a closed file has changed");
        }
        let findings = sanity_checks(&world.writer, Periods::All, end(), &mut |_, _| {}).unwrap();
        let mut of_sums = findings.iter().filter(|finding| {
            finding.subject.contains("adjustments") || finding.problem.contains("its events say")
        });
        prop_assert_eq!(of_sums.next(), None);
        let before = world.fingerprint();
        world.job(end());
        prop_assert_eq!(world.fingerprint(), before, "running again changes nothing");
    }
}

/// The start of the period that a file of records is named after.
fn start_of(name: &str) -> i64 {
    let digits = name.trim_end_matches(".parquet");
    let text = format!(
        "{}-{}-{} {}:{}:{}",
        &digits[..4],
        &digits[4..6],
        &digits[6..8],
        &digits[9..11],
        &digits[11..13],
        &digits[13..15]
    );
    at(&text).as_millis()
}
