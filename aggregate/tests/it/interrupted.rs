//! Killed between windows and run again: the same rows, the same state.
//!
//! The test binary starts itself again as the process to be killed; the store's
//! crash points exist in debug builds only.

use std::{
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
    support::{World, open, samples, served},
};

const DIR: &str = "CLOUDTALLY_TEST_DIR";

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

fn finish(writer: &Writer) {
    let limits = WindowLimits { events: 1, records: 1 };
    let target = Target::Publish(writer);
    aggregate_within(target, Plan::Scheduled, end(), limits, &mut |_| {}).unwrap();
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
        finish(&open(Path::new(&dir)));
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "there are no crash points in a release build")]
fn killed_anywhere_and_run_again_the_bytes_are_the_same() {
    let undisturbed = prepared();
    finish(&undisturbed.writer);
    let expected = content(&undisturbed.writer);
    for point in crash_points().iter().filter(|point| point.starts_with("periods.")) {
        for passing in [1, 2, 4, 7] {
            let dir = prepared().close();
            let status = Command::new(env::current_exe().unwrap())
                .args(["--exact", "interrupted::child", "--ignored", "--test-threads", "1"])
                .env(DIR, dir.path())
                .env("CLOUDTALLY_CRASH_AT", format!("{point}:{passing}"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert_eq!(status.code(), None, "killed at {point}:{passing}");
            let writer = open(dir.path());
            finish(&writer);
            assert_eq!(content(&writer), expected, "after {point}:{passing}");
        }
    }
}
