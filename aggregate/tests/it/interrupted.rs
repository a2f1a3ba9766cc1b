//! Killed between windows and run again: the same rows, the same state.
//!
//! The test binary starts itself again as the process to be killed; the store's
//! crash points exist in debug builds only.

use std::{
    collections::BTreeSet,
    env,
    path::Path,
    process::{Command, Stdio},
};

use cloudtally_aggregate::{Plan, Target, WindowLimits, aggregate_within};
use cloudtally_model::Millis;
use cloudtally_store::{Writer, crash_points};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use crate::{
    random::{SOURCES, end, histories, remove, start},
    support::{World, events, open, samples, served},
};

const DIR: &str = "CLOUDTALLY_TEST_DIR";
const REBUILD: &str = "CLOUDTALLY_TEST_REBUILD";

/// Two days published, then late events, late samples and a removal.
fn prepared() -> World {
    let mut runner = TestRunner::deterministic();
    let histories = histories(120).new_tree(&mut runner).unwrap().current();
    let world = World::new("Europe/Paris", "720");
    for (name, history) in SOURCES.iter().zip(&histories) {
        let (first, second) = history.events.split_at(history.events.len() / 2);
        world.events(name, first);
        world.samples(
            name,
            &samples(
                "2026-03-28 06:00:00 9 0 0
                 2026-03-28 12:00:00 9 100 10
                 2026-03-29 12:00:00 8 7 7",
            ),
        );
        world.job(start() + Millis(2 * Millis::DAY.0));
        world.events(name, second);
        world.samples(
            name,
            &samples(
                "2026-03-28 13:00:00 9 150 15
                 2026-03-30 12:00:00 9 400 40
                 2026-03-30 12:00:00 8 17 17
                 2026-03-31 12:00:00 9 500 50",
            ),
        );
        remove(&world, name, &history.removed);
    }
    world
}

/// Two days published of which the first is closed, then late events for both.
fn closed() -> World {
    let world = World::utc();
    world.events(
        "default",
        &events(
            "2026-03-28 06:00:00 VM.START 4 o=1 t=5
             2026-03-28 07:00:00 VOLUME.CREATE 6 o=3 s=10
             2026-03-30 06:00:00 LB.CREATE 2",
        ),
    );
    world.job(start() + Millis(2 * Millis::DAY.0));
    world.close_through("2026-03-28", "2026-03-30 00:00:00").unwrap();
    let late = events(
        "2026-03-27 18:00:00 SNAPSHOT.CREATE 3 s=5 id=11
         2026-03-28 18:00:00 VM.STOP 4 id=12
         2026-03-28 19:00:00 VOLUME.RESIZE 6 o=3 s=20 id=13
         2026-03-29 12:00:00 LB.CREATE 1 id=14",
    );
    world.events("default", &late);
    world
}

/// Two days billed, then a late sample that moves half of the second's bytes to
/// the first.
fn to_be_rebuilt() -> World {
    let world = World::utc();
    // In use, so that the days do not fit one window.
    world.events(
        "default",
        &events("2026-03-28 06:00:00 LB.CREATE 1\n2026-03-28 07:00:00 LB.CREATE 2"),
    );
    world.samples("default", &samples("2026-03-28 06:00:00 9 0 0\n2026-03-29 12:00:00 9 300 0"));
    for day in 1..=2 {
        world.job(start() + Millis(day * Millis::DAY.0));
    }
    world.samples("default", &samples("2026-03-28 18:00:00 9 150 0"));
    world
}

fn finish(writer: &Writer, plan: Plan) {
    let limits = WindowLimits { events: 1, segments: 1 };
    let target = Target::Publish(writer);
    aggregate_within(target, plan, end(), limits, &mut |_| {}).unwrap();
}

/// Records with their generations, anomalies, and the state for the next run.
fn content(writer: &Writer) -> String {
    let snapshot = writer.snapshot().unwrap();
    let mut text = format!("{:?}\n{:?}\n", served(writer), writer.anomalies(usize::MAX).unwrap());
    for known in &snapshot.periods {
        let open = known.segments.as_ref().map(|_| writer.read_open(known, &snapshot.sources));
        let counters = writer.read_counters(known, &snapshot.sources).unwrap();
        text += &format!("{:?} {:?} {open:?} {counters:?}\n", known.period, known.inputs);
    }
    text
}

/// The process to be killed; not a test by itself.
#[test]
#[ignore = "run by the test below as a process of its own"]
fn child() {
    if let Some(dir) = env::var_os(DIR) {
        let rebuilds = env::var_os(REBUILD).is_some();
        finish(&open(Path::new(&dir)), if rebuilds { Plan::RebuildAll } else { Plan::Scheduled });
    }
}

/// Runs the plan in a process that is killed there, if it comes there that often.
fn kill_at(point: &str, passing: u32, dir: &Path, plan: Plan) {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "interrupted::child", "--ignored", "--test-threads", "1"]);
    if plan == Plan::RebuildAll {
        child.env(REBUILD, "");
    }
    let status = child
        .env(DIR, dir)
        .env("CLOUDTALLY_CRASH_AT", format!("{point}:{passing}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let whole = passing > 1 && plan == Plan::RebuildAll;
    assert!(status.code().is_none() || whole && status.success(), "killed at {point}:{passing}");
}

/// Records and anomalies, the bytes of every file of records, served or not, and what is
/// carried.
fn content_of_closed(writer: &Writer) -> String {
    let snapshot = writer.snapshot().unwrap();
    let mut text = format!("{:?}\n{:?}\n", served(writer), writer.anomalies(usize::MAX).unwrap());
    for known in &snapshot.periods {
        let restated = known.restated.as_ref();
        let restated = restated.map(|of| (of.generation, of.records.sha256.clone()));
        let (records, seen) = (&known.records.sha256, known.inputs.events_seq);
        text += &format!("{} {} {records} {seen} {restated:?}\n", known.period, known.generation);
    }
    text + &format!("{:?}", snapshot.adjustments)
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "there are no crash points in a release build")]
fn killed_with_closed_days_and_run_again_the_bytes_are_the_same() {
    let undisturbed = closed();
    let before = undisturbed.writer.snapshot().unwrap().periods[0].records.clone();
    finish(&undisturbed.writer, Plan::Scheduled);
    let expected = content_of_closed(&undisturbed.writer);
    let adjustments = |writer: &Writer| -> Vec<i64> {
        let all = served(writer).into_iter().map(|served| served.record);
        all.filter(|record| record.corrects.is_some()).map(|record| record.quantity).collect()
    };
    let hours = [-6, -5, 5, 6, 24].map(|hours| hours * Millis::HOUR.0);
    assert_eq!(adjustments(&undisturbed.writer), hours);
    for point in points_of_publishing() {
        for passing in [1, 2, 3, 5] {
            let dir = closed().close();
            kill_at(point, passing, dir.path(), Plan::Scheduled);
            let writer = open(dir.path());
            let closed = &writer.snapshot().unwrap().periods;
            let closed = closed.iter().find(|known| known.period.start == start()).unwrap();
            assert_eq!(closed.records, before, "killed at {point}:{passing}");
            finish(&writer, Plan::Scheduled);
            assert_eq!(content_of_closed(&writer), expected, "after {point}:{passing}");
        }
    }
}

fn points_of_publishing() -> impl Iterator<Item = &'static str> {
    crash_points().iter().copied().filter(|point| point.starts_with("periods."))
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "there are no crash points in a release build")]
fn killed_anywhere_and_run_again_the_bytes_are_the_same() {
    let undisturbed = prepared();
    finish(&undisturbed.writer, Plan::Scheduled);
    let expected = content(&undisturbed.writer);
    for point in points_of_publishing() {
        for passing in [1, 2, 4, 7] {
            let dir = prepared().close();
            kill_at(point, passing, dir.path(), Plan::Scheduled);
            let writer = open(dir.path());
            finish(&writer, Plan::Scheduled);
            assert_eq!(content(&writer), expected, "after {point}:{passing}");
        }
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "there are no crash points in a release build")]
fn a_killed_rebuild_that_moves_bytes_has_moved_all_or_nothing() {
    let bytes = |writer: &Writer| -> Vec<i64> {
        let all = served(writer).into_iter().map(|served| served.record);
        all.filter(|r| r.usage_type.is_bytes()).map(|r| r.quantity).collect()
    };
    let (before, after) = (vec![300, 0], vec![150, 0, 150, 0]);
    let mut found = BTreeSet::new();
    for point in points_of_publishing() {
        for passing in [1, 2] {
            let dir = to_be_rebuilt().close();
            kill_at(point, passing, dir.path(), Plan::RebuildAll);
            let writer = open(dir.path());
            let killed = bytes(&writer);
            assert!([&before, &after].contains(&&killed), "after {point}:{passing}: {killed:?}");
            finish(&writer, Plan::RebuildAll);
            assert_eq!(bytes(&writer), after, "after {point}:{passing}");

            // A scheduled run in between bills nothing either, and takes up the late
            // sample: what it has settled stays.
            let dir = to_be_rebuilt().close();
            kill_at(point, passing, dir.path(), Plan::RebuildAll);
            let writer = open(dir.path());
            finish(&writer, Plan::Scheduled);
            assert_eq!(bytes(&writer), killed, "after {point}:{passing}");
            finish(&writer, Plan::RebuildAll);
            assert_eq!(bytes(&writer), killed, "after {point}:{passing}");
            found.insert(killed);
        }
    }
    assert_eq!(found, BTreeSet::from([before, after]), "killed before and after the commit");
}
