//! Rebuilds of settled days, and the files they read.

use std::fs;

use cloudtally_aggregate::{Plan, Rebuild};

use crate::support::{World, at, back_fill, events, samples};

#[test]
fn a_rebuild_of_a_settled_day_reads_the_samples_of_that_day_alone() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 00:00:00 LB.CREATE 1"));
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0
             2026-03-01 12:00:00 9 100 10
             2026-03-02 12:00:00 9 150 15
             2026-03-03 12:00:00 9 190 19",
        ),
    );
    let now = at("2026-03-04 00:15:00");
    for run in ["2026-03-02 00:15:00", "2026-03-03 00:15:00"] {
        world.job(at(run));
    }
    world.job(now);
    let before = world.lines();

    let snapshot = world.writer.snapshot().unwrap();
    let wanted = at("2026-03-02 12:00:00").utc_day();
    let others = snapshot.sample_files.iter().filter(|file| file.utc_day != wanted);
    let removed = others.map(|file| fs::remove_file(world.dir().join(&file.path)).unwrap());
    assert_eq!(removed.count(), 2, "a file a day");

    let report = world.run(back_fill("2026-03-02", "2026-03-02", Rebuild::All), now);
    assert_eq!((report.unchanged, report.records), (1, 3), "bytes sent, received, and a rule");
    assert_eq!(world.lines(), before);
    assert!(world.try_run(Plan::RebuildAll, now).is_err(), "the others are gone for sure");
}
