//! Laws that hold for any history of events, however it is cut, ingested or run.

use std::collections::BTreeMap;

use cloudtally_aggregate::{Plan, Rebuild, RunReport, Target, WindowLimits, aggregate_within};
use cloudtally_model::{Instant, Millis, UsageRecord};
use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree};

use crate::{
    naive::{self, History},
    random::{SOURCES, end, histories, ingested, instant, oddities, remove, start},
    support::{World, source},
};

const ZONES: [&str; 4] = ["UTC", "Europe/Paris", "Australia/Lord_Howe", "America/New_York"];
const TINY: WindowLimits = WindowLimits { events: 1, segments: 1 };

type Rows = Vec<(Instant, String, UsageRecord)>;

fn expected(histories: &[History], world: &World) -> Rows {
    let rows = naive::records(histories, world.calendar(), end());
    let name = |record: &UsageRecord| SOURCES[usize::from(record.source.0)].to_owned();
    rows.into_iter().map(|(period, record, _)| (period.start, name(&record), record)).collect()
}

/// The records and anomalies of a folder are what the slow twin says.
fn assert_like_the_twin(world: &World, histories: &[History], how: &str) {
    assert_eq!(world.records(), expected(histories, world), "{how}");
    assert_eq!(oddities(world), naive::oddities(histories, world.calendar(), end()), "{how}");
}

fn run_within(world: &World, limits: WindowLimits, now: Instant) -> RunReport {
    let target = Target::Publish(&world.writer);
    aggregate_within(target, Plan::Scheduled, now, limits, &mut |_| {}).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_fast_way_is_the_slow_way(
        histories in histories(60),
        zone in select(&ZONES[..]),
        minutes in select(&["1440", "720", "240"][..]),
    ) {
        let world = ingested(zone, minutes, &histories);
        world.job(end());
        assert_like_the_twin(&world, &histories, "in one go");
    }

    #[test]
    fn however_it_is_run_the_rows_are_the_same(
        histories in histories(60),
        zone in select(&ZONES[..]),
        minutes in select(&["1440", "360"][..]),
        step_hours in 5..30i64,
    ) {
        let daily = ingested(zone, minutes, &histories);
        let mut now = start();
        while now < end() {
            now = (now + Millis(step_hours * Millis::HOUR.0)).min(end());
            daily.job(now);
        }
        assert_like_the_twin(&daily, &histories, "bit by bit");

        let windows = ingested(zone, minutes, &histories);
        run_within(&windows, TINY, end());
        assert_like_the_twin(&windows, &histories, "a period a window");

        let middling = ingested(zone, minutes, &histories);
        run_within(&middling, WindowLimits { events: 20, segments: 30 }, end());
        assert_like_the_twin(&middling, &histories, "windows of some periods");
    }

    #[test]
    fn running_again_changes_nothing(histories in histories(40), minutes in select(&["1440", "480"][..])) {
        let world = ingested("Europe/Paris", minutes, &histories);
        world.job(end());
        let before = world.fingerprint();
        let report = world.job(end());
        assert_eq!(world.fingerprint(), before, "the job");
        assert_eq!((report.published, report.republished, report.unchanged), (0, 0, 0));

        let rows = world.served();
        let report = world.run(Plan::RebuildAll, end());
        assert_eq!((report.published, report.republished), (0, 0), "a rebuild");
        assert_eq!(world.served(), rows, "a rebuild keeps rows and generations");
        assert_like_the_twin(&world, &histories, "after a rebuild");
    }

    #[test]
    fn whatever_comes_late_ends_the_same(
        histories in histories(50),
        parts in vec(0..4usize, 50),
        late_removals in any::<bool>(),
        minutes in select(&["1440", "480"][..]),
        runs in vec(instant(), 4),
    ) {
        // Four batches, the rows of each in the order they happen to have.
        let world = World::new("Europe/Paris", minutes);
        for name in SOURCES {
            world.writer.source(&source(name)).unwrap();
        }
        for (batch, now) in runs.iter().enumerate() {
            for (name, history) in SOURCES.iter().zip(&histories) {
                let events: Vec<_> = history
                    .events
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| parts[*index] == batch)
                    .map(|(_, event)| event.clone())
                    .collect();
                world.events(name, &events);
                if (batch == 3) == late_removals {
                    remove(&world, name, &history.removed);
                }
            }
            // A late removal takes effect with the next run, as late events do.
            world.job(*now);
        }
        world.job(end());
        // A period that was published for an event of a batch stays; without events
        // at its front there is nothing in it.
        assert_like_the_twin(&world, &histories, "late and in parts");
        let before = world.fingerprint();
        world.job(end());
        assert_eq!(world.fingerprint(), before);
    }

    #[test]
    fn a_dry_run_tells_and_writes_nothing(
        histories in histories(40),
        first in instant(),
        split in 0..40usize,
    ) {
        let world = World::new("Europe/Paris", "1440");
        for (name, history) in SOURCES.iter().zip(&histories) {
            world.writer.source(&source(name)).unwrap();
            world.events(name, &history.events[..split.min(history.events.len())]);
        }
        world.job(first);
        for (name, history) in SOURCES.iter().zip(&histories) {
            world.events(name, &history.events[split.min(history.events.len())..]);
            remove(&world, name, &history.removed);
        }
        for plan in [Plan::Scheduled, Plan::RebuildAll] {
            let before = world.fingerprint();
            let told = world.dry_run(plan, end());
            assert_eq!(world.fingerprint(), before);
            let done = world.run(plan, end());
            assert_eq!(RunReport { checkpoint: done.checkpoint, ..told }, done);
        }
    }

    #[test]
    fn hours_do_not_depend_on_how_time_is_cut(histories in histories(40), zone in select(&ZONES[..])) {
        // Until a midnight of both zones' periods there is no cut to wait for, so
        // what is compared is what was used until the last instant all have.
        let mut sums: Vec<BTreeMap<_, u64>> = Vec::new();
        let until = |world: &World| {
            let calendar = world.calendar();
            calendar.period_at(end()).start
        };
        let common = ["1440", "360", "90"].map(|minutes| {
            let world = ingested(zone, minutes, &histories);
            let last = until(&world);
            (world, last)
        });
        let day_end = common[0].1;
        for (world, _) in &common {
            world.job(day_end);
            let mut by_key = BTreeMap::new();
            for (_, name, record) in world.records() {
                let segment_sum = by_key.entry((name, naive::key(&record))).or_insert(0);
                *segment_sum += record.quantity.unsigned_abs();
            }
            sums.push(by_key);
        }
        assert_eq!(sums[0], sums[1]);
        assert_eq!(sums[0], sums[2]);
        // And it is the sum over the stretches, clipped to the whole.
        assert_eq!(sums[0].values().sum::<u64>(), clipped_sum(&histories, day_end));
    }

    #[test]
    fn back_fills_in_any_order_are_the_job(
        histories in histories(40),
        days in vec((0..4u32, 0..3u32, any::<bool>()), 1..5),
    ) {
        let world = ingested("UTC", "1440", &histories);
        for (from, more, all) in days {
            let day = |number: u32| format!("2026-03-{}", 28 + number.min(3));
            let rebuild = if all { Rebuild::All } else { Rebuild::Touched };
            let plan = crate::support::back_fill(&day(from), &day(from + more), rebuild);
            world.run(plan, end());
        }
        world.job(end());
        assert_like_the_twin(&world, &histories, "after back-fills");
    }
}

fn clipped_sum(histories: &[History], until: Instant) -> u64 {
    let stretches = histories.iter().flat_map(|history| naive::replay(history, until).0);
    stretches.map(|stretch| stretch.used_ms(until)).sum()
}

#[test]
fn one_thread_or_four() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..6 {
        let histories = histories(200).new_tree(&mut runner).unwrap().current();
        let run = |threads| {
            let world = ingested("Europe/Paris", "360", &histories);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| world.job(end()));
            (world.served(), world.anomaly_lines())
        };
        assert_eq!(run(1), run(4));
    }
}
