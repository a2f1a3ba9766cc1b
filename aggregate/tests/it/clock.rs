//! The present of a run: the clock, and how far each source is known to be complete.

use std::time::{Duration, Instant as Wall};

use chrono::NaiveDate;
use cloudtally_aggregate::{AggregateError, Plan, Rebuild, Unfinished};
use cloudtally_model::{Millis, settings};

use crate::support::{World, at, back_fill, events, source};

/// A folder with the patience that a new one has.
fn patient(hours: &str) -> World {
    let world = World::utc();
    world.writer.set_setting(settings::SOURCE_PATIENCE, hours).unwrap();
    world
}

/// Hours of all records of a source and usage type.
fn hours(world: &World, name: &str, usage_type: u16) -> u64 {
    let of_type = |row: &&(_, String, cloudtally_model::UsageRecord)| {
        row.1 == name && row.2.usage_type.0 == usage_type
    };
    let ms: u64 =
        world.records().iter().filter(of_type).map(|(_, _, r)| r.quantity.unsigned_abs()).sum();
    assert_eq!(ms % 3_600_000, 0);
    ms / 3_600_000
}

fn published_until(world: &World) -> cloudtally_model::Instant {
    world.writer.snapshot().unwrap().published_end().unwrap()
}

#[test]
fn a_row_of_the_far_future_is_not_the_present() {
    let world = World::utc();
    world.events(
        "default",
        &events("2026-03-01 12:00:00 NET.IPASSIGN 4\n2062-01-01 00:00:00 VM.REBOOT 9"),
    );
    let now = at("2026-03-03 06:00:00");
    let day = |day: u32| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    let (rebuild, unfinished) = (Rebuild::Touched, Unfinished::Refuse);
    let refused = world
        .try_run(Plan::BackFill { from: day(1), to: day(20), rebuild, unfinished }, now)
        .unwrap_err();
    let AggregateError::PeriodNotOver { period, now: said } = refused else {
        panic!("{refused}");
    };
    assert_eq!((period.start, said), (at("2026-03-03 00:00:00"), now));
    assert_eq!(world.records(), []);
    world.run(back_fill("2026-03-01", "2026-03-20", Rebuild::Touched), now);
    assert_eq!(hours(&world, "default", 3), 36);
    world.job(now);
    assert_eq!(hours(&world, "default", 3), 36);
}

#[test]
fn a_back_fill_to_the_end_of_the_calendar_ends_at_once() {
    let world = World::new("UTC", "10");
    world.events("default", &events("2026-03-01 12:00:00 NET.IPASSIGN 4"));
    let (from, to) = (
        NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(),
        NaiveDate::from_ymd_opt(9999, 12, 31).unwrap(),
    );
    let now = at("2026-03-01 13:00:00");
    let plan = |unfinished| Plan::BackFill { from, to, rebuild: Rebuild::Touched, unfinished };
    let began = Wall::now();
    let refused = world.try_run(plan(Unfinished::Refuse), now).unwrap_err();
    assert!(matches!(refused, AggregateError::PeriodNotOver { .. }), "{refused}");
    world.run(plan(Unfinished::LeaveOut), now);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(hours(&world, "default", 3), 1);
}

#[test]
fn what_was_published_ahead_is_repaired_wherever_it_lies() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 12:00:00 VM.START 4 o=1 t=5 n=a h=KVM"));
    // A clock that was ahead, or a version that took a row of the future for the present.
    world.job(at("2026-03-11 00:00:00"));
    assert_eq!(hours(&world, "default", 1), 228);
    world.events("default", &events("2026-03-05 00:00:00 VM.STOP 4 id=2"));
    let report = world.job(at("2026-03-06 00:00:00"));
    assert_eq!((report.published, report.republished), (0, 6));
    assert_eq!(hours(&world, "default", 1), 84);
    assert_eq!(
        cloudtally_aggregate::stale_periods(&world.writer.snapshot().unwrap(), world.calendar()),
        0
    );
}

/// An address since 5 January, and the last event of the dump at 22:00 on the 31st.
const JANUARY: &str =
    "2026-01-05 00:00:00 NET.IPASSIGN 4 id=100\n2026-01-31 22:00:00 VM.REBOOT 9 id=101";

#[test]
fn a_dump_of_january_in_november_is_billed_for_january_and_a_week() {
    let world = patient("168");
    world.events("default", &events(JANUARY));
    let november = at("2026-11-20 00:15:00");
    let report = world.job(november);
    assert_eq!(published_until(&world), at("2026-02-07 00:00:00"));
    assert_eq!(hours(&world, "default", 3), 33 * 24);
    let waits = report.waits.unwrap();
    assert_eq!(waits.period.start, at("2026-02-07 00:00:00"));
    let [short] = &waits.sources[..] else { panic!("{waits:?}") };
    assert_eq!(short.source, source("default"));
    assert_eq!(short.complete_through, at("2026-01-31 22:00:00"));
    assert_eq!(short.short_by, Millis(2 * Millis::HOUR.0));
    let text = waits.to_string();
    for part in ["`default`", "2026-01-31T22:00:00Z", "short by 2 h", "--complete-through"] {
        assert!(text.contains(part), "{text} says {part}");
    }
    // Running again changes nothing and says the same.
    let before = world.fingerprint();
    assert_eq!(world.job(november).waits, Some(waits));
    assert_eq!(world.fingerprint(), before);
    // Somebody knows that nothing else has happened.
    world.writer.set_complete_through(&source("default"), at("2026-02-10 00:00:00")).unwrap();
    world.job(november);
    assert_eq!(published_until(&world), at("2026-02-17 00:00:00"));
    world.writer.set_complete_through(&source("default"), november).unwrap();
    let report = world.job(november);
    assert_eq!((published_until(&world), report.waits), (at("2026-11-20 00:00:00"), None));
}

#[test]
fn patience_is_a_setting() {
    for (hours, until) in [
        ("0", "2026-01-31 00:00:00"),
        ("2", "2026-02-01 00:00:00"),
        ("1", "2026-01-31 00:00:00"),
        ("-1", "2026-11-20 00:00:00"),
    ] {
        let world = patient(hours);
        world.events("default", &events(JANUARY));
        let report = world.job(at("2026-11-20 00:15:00"));
        assert_eq!(published_until(&world), at(until), "{hours}");
        assert_eq!(report.waits.is_none(), hours == "-1");
    }
}

#[test]
fn samples_make_nothing_complete() {
    let world = patient("0");
    world.events("default", &events(JANUARY));
    world.samples("default", &crate::support::samples("2026-03-01 00:00:00 9 1 1"));
    world.job(at("2026-11-20 00:15:00"));
    assert_eq!(published_until(&world), at("2026-01-31 00:00:00"));
}

#[test]
fn our_own_cloud_is_complete_through_its_clock_and_a_later_source_holds_up_no_earlier_day() {
    let world = patient("24");
    world.events("platform", &events("2026-03-01 00:00:00 NET.IPASSIGN 1"));
    world.job(at("2026-03-20 00:15:00"));
    assert_eq!(published_until(&world), at("2026-03-20 00:00:00"));
    world.events("default", &events("2026-03-25 12:00:00 NET.IPASSIGN 2"));
    let report = world.job(at("2026-03-30 00:15:00"));
    assert_eq!(published_until(&world), at("2026-03-26 00:00:00"));
    assert_eq!(report.waits.unwrap().sources.len(), 1);
    assert_eq!(hours(&world, "platform", 3), 25 * 24);
}

#[test]
fn a_back_fill_does_as_told_and_names_who_is_not_complete() {
    let world = patient("168");
    world.events("default", &events(JANUARY));
    let now = at("2026-11-20 00:15:00");
    let report = world.run(back_fill("2026-01-05", "2026-02-28", Rebuild::Touched), now);
    assert_eq!(published_until(&world), at("2026-03-01 00:00:00"));
    let [short] = &report.incomplete[..] else { panic!("{report:?}") };
    assert_eq!(short.source, source("default"));
    let report = world.run(back_fill("2026-01-05", "2026-01-31", Rebuild::All), now);
    assert_eq!(report.incomplete, []);
}

#[test]
fn a_dump_that_meets_what_is_published_is_billed_no_further_than_it_tells() {
    let world = patient("168");
    world.events("platform", &events("2026-01-01 00:00:00 NET.IPASSIGN 1"));
    let now = at("2026-03-01 00:15:00");
    world.job(now);
    assert_eq!(hours(&world, "platform", 3), 59 * 24);
    world.events("default", &events(JANUARY));
    for _ in 0..2 {
        let report = world.job(now);
        let waits = report.waits.unwrap();
        assert_eq!(waits.period.start, at("2026-02-07 00:00:00"));
        assert_eq!(hours(&world, "default", 3), 33 * 24);
        assert_eq!(hours(&world, "platform", 3), 59 * 24);
    }
    let before = world.fingerprint();
    world.job(now);
    assert_eq!(world.fingerprint(), before, "what waits is not written again");
    world.writer.set_complete_through(&source("default"), now).unwrap();
    let report = world.job(now);
    assert_eq!(report.waits, None);
    assert_eq!(hours(&world, "default", 3), 55 * 24);
    // What it bills by now is repaired, complete or not.
    world.events("default", &events("2026-01-20 00:00:00 NET.IPRELEASE 4 id=102"));
    world.writer.set_complete_through(&source("default"), at("2026-01-31 22:00:00")).unwrap();
    world.job(now);
    assert_eq!(hours(&world, "default", 3), 15 * 24);
}
