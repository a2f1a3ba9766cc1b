//! Killed at any moment and run again: the same bytes as undisturbed.
//!
//! Debug builds of the store abort at a named write step when told to
//! (`CLOUDTALLY_CRASH_AT=step:n`); each step is hit in turn, at passes chosen by
//! seed, and between them the process is killed at random moments. Every killed
//! command is run again until it comes through; then export and check must be as
//! if nothing had happened.

use std::{fs, process::Stdio, thread, time::Duration};

use crate::support::{Cloudtally, copy, ran};

/// Kills per round; a round is one life of a data folder.
const KILLS_PER_ROUND: usize = 12;
/// Rounds; together more than 200 kills.
const ROUNDS: usize = 20;
/// A command that does not come through after so many tries never will.
const TRIES_MOST: usize = 60;

/// Small files of one day that are there before, one short of so many that the
/// next ingest merges them.
const SMALL_FILES: usize = 15;

/// The commands of a life, in order.
const LIFE: [&[&str]; 6] = [
    &["ingest", "accounts", "../sim/accounts.csv"],
    &["ingest", "events", "rest.csv"],
    &["ingest", "samples", "../sim/network_samples.csv"],
    &["aggregate", "--from", "2026-01-01", "--to", "2026-01-03"],
    // Late rows: old periods are published again, new ones by schedule.
    &["ingest", "events", "../sim/usage_events_late.csv"],
    &["aggregate", "--now", "2026-01-07T00:15:00Z"],
];

/// Small numbers from a seed, the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// The disturbance of a run of a command.
enum Disturbance {
    /// Aborts itself at the n-th pass of a write step.
    At(&'static str, u64),
    /// Is killed after some microseconds.
    After(Duration),
}

/// Runs a command that may die; true if it came through.
fn disturbed(cloudtally: &Cloudtally, arguments: &[&str], how: &Disturbance) -> bool {
    let mut command = cloudtally.command(arguments);
    command.current_dir(cloudtally.path("work")).args(["--data", "../data"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    match how {
        Disturbance::At(step, pass) => {
            command.env("CLOUDTALLY_CRASH_AT", format!("{step}:{pass}"));
            command.status().unwrap().success()
        }
        Disturbance::After(delay) => {
            let mut child = command.spawn().unwrap();
            thread::sleep(*delay);
            drop(child.kill());
            child.wait().unwrap().success()
        }
    }
}

fn undisturbed(cloudtally: &Cloudtally, arguments: &[&str]) {
    let mut command = cloudtally.command(arguments);
    command.current_dir(cloudtally.path("work")).args(["--data", "../data"]);
    let ran = ran(&command.output().unwrap());
    assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
}

/// Inputs and a data folder with small files in it, made once and copied.
fn childhood() -> Cloudtally {
    let cloudtally = Cloudtally::new();
    fs::create_dir(cloudtally.path("work")).unwrap();
    cloudtally.ok(&[
        "simulate",
        "--days",
        "6",
        "--vms",
        "12",
        "--mess",
        "0.03",
        "--seed",
        "5",
        "--sample-minutes",
        "360",
        "--out",
        "sim",
    ]);
    let events = fs::read_to_string(cloudtally.path("sim/usage_events.csv")).unwrap();
    let mut lines = events.lines();
    let header = lines.next().unwrap();
    for row in lines.by_ref() {
        cloudtally.file("one.csv", format!("{header}\n{row}\n"));
        cloudtally.ok(&["ingest", "events", "one.csv"]);
        let day = cloudtally.path("data/events/2026-01-01");
        if fs::read_dir(day).is_ok_and(|files| files.count() == SMALL_FILES) {
            break;
        }
    }
    let rest: Vec<&str> = lines.collect();
    cloudtally.file("work/rest.csv", format!("{header}\n{}\n", rest.join("\n")));
    cloudtally
}

/// A life of its own, from where the childhood ended.
fn new_life(childhood: &Cloudtally) -> Cloudtally {
    let cloudtally = Cloudtally::new();
    copy(&childhood.path(""), &cloudtally.path(""));
    cloudtally
}

/// The first command on an empty folder makes the database; killed while it does,
/// the next one makes it.
fn birth(step: &'static str) -> u32 {
    let cloudtally = Cloudtally::new();
    fs::create_dir(cloudtally.path("work")).unwrap();
    let set = ["settings", "usage.aggregation.timezone", "Europe/Berlin"];
    let survived = disturbed(&cloudtally, &set, &Disturbance::At(step, 1));
    undisturbed(&cloudtally, &set);
    undisturbed(&cloudtally, &["check"]);
    u32::from(!survived)
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no crash points")]
fn two_hundred_kills_change_nothing() {
    let childhood = childhood();
    let calm = new_life(&childhood);
    for arguments in LIFE {
        undisturbed(&calm, arguments);
    }
    let expected = calm.export();
    assert!(expected.lines().count() > 200, "there is something to lose");

    // Those of the cloud are passed by `serve`, see `cloud.rs`, others by `upgrade`, `backup`
    // and `restore`.
    let elsewhere = ["cloud", "upgrade", "backup", "restore"];
    let steps = cloudtally_store::crash_points().iter().copied();
    let steps: Vec<&str> =
        steps.filter(|step| !elsewhere.iter().any(|name| step.starts_with(name))).collect();
    let mut next_step = 0;
    let (mut kills, mut step_kills) = (0, vec![0u32; steps.len()]);
    for round in 0..ROUNDS {
        let mut dice = Dice(round as u64);
        let cloudtally = new_life(&childhood);
        let mut left = KILLS_PER_ROUND;
        for arguments in LIFE {
            let mut tries = 0;
            // Two or three kills a command, then let it through.
            let mut here = (left / LIFE.len()).max(1) + 1;
            loop {
                tries += 1;
                assert!(tries < TRIES_MOST, "round {round}: {arguments:?} never comes through");
                if here == 0 || left == 0 {
                    undisturbed(&cloudtally, arguments);
                    break;
                }
                let how = if dice.below(3) < 2 {
                    next_step += 1;
                    Disturbance::At(steps[next_step % steps.len()], dice.below(3) + 1)
                } else {
                    Disturbance::After(Duration::from_micros(500 + dice.below(60_000)))
                };
                if disturbed(&cloudtally, arguments, &how) {
                    break;
                }
                if let Disturbance::At(step, _) = how {
                    let index = steps.iter().position(|known| *known == step).unwrap();
                    step_kills[index] += 1;
                }
                kills += 1;
                here -= 1;
                left -= 1;
            }
        }
        // Whatever was left over: every command again, and the bytes compared.
        for arguments in LIFE {
            undisturbed(&cloudtally, arguments);
        }
        assert_eq!(expected, cloudtally.export(), "round {round}");
        cloudtally.ok(&["check"]);
    }

    // Steps that no round happened to hit, and more until there are 200.
    let mut dice = Dice(1000);
    for index in (0..steps.len()).cycle().take(steps.len() * 40) {
        if kills >= 200 && step_kills.iter().all(|hits| *hits > 0) {
            break;
        }
        if kills >= 200 && step_kills[index] > 0 {
            continue;
        }
        if steps[index].starts_with("migration") {
            step_kills[index] += birth(steps[index]);
            continue;
        }
        let cloudtally = new_life(&childhood);
        for arguments in LIFE {
            // Orphans are removed only where an earlier death left one.
            let leaves_orphan = Disturbance::At("events.after_folder_sync", 1);
            if steps[index].starts_with("orphan") {
                disturbed(&cloudtally, arguments, &leaves_orphan);
            }
            let how = Disturbance::At(steps[index], dice.below(2) + 1);
            if !disturbed(&cloudtally, arguments, &how) {
                kills += 1;
                step_kills[index] += 1;
                undisturbed(&cloudtally, arguments);
            }
        }
        assert_eq!(expected, cloudtally.export(), "step {}", steps[index]);
        cloudtally.ok(&["check"]);
    }
    let missed: Vec<_> = steps
        .iter()
        .zip(&step_kills)
        .filter(|(_, hits)| **hits == 0)
        .map(|(step, _)| step)
        .collect();
    assert!(missed.is_empty(), "write steps that no kill hit: {missed:?}");
    assert!(kills >= 200, "only {kills} kills");
}
