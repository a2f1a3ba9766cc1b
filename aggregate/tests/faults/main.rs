//! Seeded lives of a folder under faults of its disk.
//!
//! A life is a small history of commands: events, samples and accounts come in, a cloud keeps changes and hands its
//! outbox over, the job publishes, days are closed, files are merged, old rows go, backups are made and restored. It is led once undisturbed, and
//! then again and again with faults: each seed decides which strike where, whether the process goes on or is
//! started again, and when the power goes though nothing is wrong. Commands that failed are repeated; those
//! that said they were done are not. In the end the faults stop, and files and rows must be those of the undisturbed life, byte
//! for byte, with every period published and every day sheet adding up.
//!
//! | variable | meaning |
//! |---|---|
//! | `CLOUDTALLY_FAULT_RUNS` | So many seeds instead of 1000; `just faults 100000`. |
//! | `CLOUDTALLY_FAULT_SEED` | Begins with this seed instead of 0; with one run, a failure again. |

#![cfg(debug_assertions)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod flips;
mod history;
mod life;

use std::{
    collections::BTreeMap,
    env, panic,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use cloudtally_fuzz::Dice;
use cloudtally_store::faults::Fault;

use crate::{
    history::History,
    life::{Calm, Disturbed, Life},
};

/// Lives that differ in what happens in them.
const HISTORIES: u64 = 8;

/// Seeds that have found something: they are led first.
const FOUND: [u64; 3] = [374, 793, 963];

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// The numbers of all runs.
#[derive(Default)]
struct Counts {
    struck: BTreeMap<Fault, u64>,
    crashes_between: u64,
    steps: u64,
    retries: u64,
}

/// Leads the life of one seed, whatever strikes.
fn run(seed: u64, histories: &[(History, Calm)], counts: &Mutex<Counts>) {
    let (history, calm) = &histories[usize::try_from(seed % HISTORIES).unwrap()];
    let mut disturbed = Disturbed::new(history, calm, Dice::new(seed));
    let ended = panic::catch_unwind(panic::AssertUnwindSafe(|| disturbed.run()));
    if let Err(panic) = ended {
        eprintln!(
            "seed {seed} of the faults fails, history {}; again with CLOUDTALLY_FAULT_SEED={seed} \
             CLOUDTALLY_FAULT_RUNS=1\n{}",
            seed % HISTORIES,
            disturbed.trace()
        );
        panic::resume_unwind(panic);
    }
    let mut counts = counts.lock().unwrap();
    for fault in disturbed.struck() {
        *counts.struck.entry(*fault).or_default() += 1;
    }
    counts.crashes_between += disturbed.crashes_between;
    counts.steps += disturbed.steps;
    counts.retries += disturbed.retries;
}

#[test]
fn whatever_strikes_the_bytes_are_those_of_the_undisturbed_life() {
    let (first, runs) = (number("CLOUDTALLY_FAULT_SEED", 0), number("CLOUDTALLY_FAULT_RUNS", 1000));
    let histories: Vec<(History, Calm)> = thread::scope(|scope| {
        let calm = (0..HISTORIES).map(|number| {
            scope.spawn(move || {
                let history = History::new(number);
                let calm = alone(|| Life::undisturbed(&history));
                (history, calm)
            })
        });
        let calm: Vec<_> = calm.collect();
        calm.into_iter().map(|calm| calm.join().unwrap()).collect()
    });
    let seeds: Vec<u64> = FOUND.into_iter().chain(first..first + runs).collect();
    let (next, counts, began) = (AtomicUsize::new(0), Mutex::default(), Instant::now());
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get().min(8));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                alone(|| {
                    while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                        run(*seed, &histories, &counts);
                    }
                });
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    let struck: u64 = counts.struck.values().sum();
    println!(
        "{} lives of {HISTORIES} histories, {} commands, {} of them repeated, under {struck} faults and {} losses of \
         power between commands, all survived, in {} s: {:?}",
        seeds.len(),
        counts.steps,
        counts.retries,
        counts.crashes_between,
        began.elapsed().as_secs(),
        counts.struck
    );
    if runs >= 1000 {
        for fault in Fault::ALL {
            assert!(counts.struck.contains_key(&fault), "{fault:?} has struck nowhere");
        }
    }
}

/// Runs something whose parallel parts have this one thread, so that a seed does the same each time.
fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(work)
}

#[test]
fn a_seed_does_the_same_each_time() {
    alone(|| {
        let history = History::new(1);
        let calm = Life::undisturbed(&history);
        let trace = || {
            let mut disturbed = Disturbed::new(&history, &calm, Dice::new(17));
            disturbed.run();
            disturbed.trace()
        };
        assert_eq!(trace(), trace());
    });
}
