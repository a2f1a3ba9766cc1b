//! Day sheets: three sums of each period that are one, kept with what they are of.

use cloudtally_aggregate::{Periods, Rebuild, sanity_checks};
use cloudtally_model::Instant;
use cloudtally_store::{DaySheet, SheetEvents, SheetLine};

use crate::support::{World, at, back_fill, events, samples};

const HOUR: i128 = 3_600_000;

fn sheet_of(world: &World, day: &str) -> DaySheet {
    let snapshot = world.writer.snapshot().unwrap();
    let start = at(&format!("{day} 00:00:00"));
    let known = snapshot.periods.iter().find(|known| known.period.start == start).unwrap();
    world.writer.sheet(known).unwrap().unwrap()
}

/// `type: records, began, ended, open at the end`, in hours or bytes.
fn shown(sheet: &DaySheet) -> Vec<String> {
    let line = |line: &SheetLine| {
        assert!(line.adds_up(), "{line:?}");
        assert!(line.recomputed.is_some(), "a second computation of {line:?}");
        let sum = match line.usage_type().is_bytes() {
            false => format!("{} h", line.records / HOUR),
            true => format!("{} bytes", line.records),
        };
        let SheetLine { usage_type, opened, closed, open_at_end, .. } = line;
        format!("{usage_type}: {sum}, {opened} began, {closed} ended, {open_at_end} open")
    };
    sheet.usage.iter().map(line).collect()
}

#[test]
fn a_sheet_says_what_began_and_ended_and_what_it_comes_to() {
    let world = World::utc();
    // One machine runs from midnight to 18:00, another from 06:00 on.
    world.events(
        "default",
        &events(
            "2026-03-01 00:00:00 VM.CREATE 4 o=1 t=5
             2026-03-01 00:00:00 VM.START 4 o=1 t=5
             2026-03-01 06:00:00 VM.CREATE 5 o=1 t=5
             2026-03-01 06:00:00 VM.START 5 o=1 t=5
             2026-03-01 12:00:00 VM.REBOOT 5
             2026-03-01 18:00:00 VM.STOP 4
             2026-03-01 19:00:00 VM.STOP 4
             2026-03-02 12:00:00 VM.DESTROY 5",
        ),
    );
    world.samples(
        "default",
        &samples(
            "2026-03-01 01:00:00 9 0 0
             2026-03-01 12:00:00 9 100 30
             2026-03-02 12:00:00 9 150 30",
        ),
    );
    let days = back_fill("2026-03-01", "2026-03-02", Rebuild::Touched);
    world.run(days, at("2026-03-03 00:15:00"));
    let first = sheet_of(&world, "2026-03-01");
    assert_eq!(
        shown(&first),
        [
            "1: 36 h, 2 began, 1 ended, 1 open",
            "2: 42 h, 2 began, 0 ended, 2 open",
            "4: 100 bytes, 0 began, 0 ended, 0 open",
            "5: 30 bytes, 0 began, 0 ended, 0 open",
        ]
    );
    let of_day = SheetEvents { accepted: 7, used: 5, without_meter: 1, anomalies: 1 };
    assert_eq!(first.events, of_day);
    let second = sheet_of(&world, "2026-03-02");
    assert_eq!(
        shown(&second),
        [
            "1: 12 h, 0 began, 1 ended, 0 open",
            "2: 36 h, 0 began, 1 ended, 1 open",
            "4: 50 bytes, 0 began, 0 ended, 0 open",
            "5: 0 bytes, 0 began, 0 ended, 0 open",
        ]
    );
    // Inputs and outputs are the files that the catalogue names.
    let snapshot = world.writer.snapshot().unwrap();
    let of_first = &snapshot.periods[0];
    let written = first.outputs.iter().find(|file| file.path == of_first.records.path).unwrap();
    assert_eq!(written.sha256, of_first.records.sha256);
    let read: Vec<_> = first.inputs.iter().map(|file| &file.sha256).collect();
    let of_day = |first: Instant, last: Instant| {
        first < of_first.period.end && last >= of_first.period.start
    };
    for file in snapshot.event_files.iter().filter(|f| of_day(f.first_created, f.last_created)) {
        assert!(read.contains(&&file.sha256), "{}", file.path.display());
    }
    for file in snapshot.sample_files.iter().filter(|f| of_day(f.first_sampled, f.last_sampled)) {
        assert!(read.contains(&&file.sha256), "{}", file.path.display());
    }
}

#[test]
fn uses_end_with_their_account_and_storage_of_nothing_counts_for_none() {
    let world = World::utc();
    world.events(
        "default",
        &events(
            "2026-03-01 00:00:00 VOLUME.CREATE 7 a=3 s=10
             2026-03-01 06:00:00 VOLUME.CREATE 8 a=2 s=10
             2026-03-01 07:00:00 VOLUME.CREATE 8 a=3 s=10
             2026-03-01 00:00:00 TEMPLATE.CREATE 20 s=0
             2026-03-01 00:00:00 TEMPLATE.CREATE 21 s=5
             2026-03-01 06:00:00 TEMPLATE.COPY 21 z=2 s=5
             2026-03-01 12:00:00 TEMPLATE.DELETE 21 z=0
             2026-03-01 13:00:00 VOLUME.CREATE 9 a=3 s=10
             2026-03-01 00:00:00 NETWORK.OFFERING.ASSIGN 4 n=100 o=6
             2026-03-01 00:00:00 NETWORK.OFFERING.ASSIGN 4 n=101 o=6
             2026-03-01 06:00:00 NETWORK.OFFERING.REMOVE 4 n=101 o=6
             2026-03-01 18:00:00 VM.DESTROY 4",
        ),
    );
    world.account("default", 3, Some(at("2026-03-01 12:00:00")));
    world.job(at("2026-03-03 00:15:00"));
    // Volume 7: 12 h; 8: 1 h of account 2 and 5 h of 3; 9 is refused. Template 21: 12 h and
    // 6 h in two zones. NICs: 18 h and 6 h.
    assert_eq!(
        shown(&sheet_of(&world, "2026-03-01")),
        [
            "6: 18 h, 2 began, 2 ended, 0 open",
            "7: 18 h, 3 began, 2 ended, 1 open",
            "13: 24 h, 2 began, 2 ended, 0 open",
        ]
    );
    assert_eq!(shown(&sheet_of(&world, "2026-03-02")), ["7: 0 h, 0 began, 0 ended, 1 open"]);
}

#[test]
fn each_generation_has_a_sheet_and_check_holds_it_against_the_records() {
    let world = World::utc();
    let now = at("2026-03-03 00:15:00");
    world.events("default", &events("2026-03-01 00:00:00 VOLUME.CREATE 7 s=10"));
    world.job(now);
    let first = world.writer.snapshot().unwrap().periods[1].clone();
    world.events("default", &events("2026-03-02 06:00:00 VOLUME.DELETE 7 id=2"));
    world.job(now);
    let second = world.writer.snapshot().unwrap().periods[1].clone();
    assert_eq!((first.generation, second.generation), (1, 2));
    let before = world.writer.sheet(&first).unwrap().unwrap();
    assert_eq!(shown(&before), ["6: 24 h, 0 began, 0 ended, 1 open"]);
    let after = world.writer.sheet(&second).unwrap().unwrap();
    assert_eq!(shown(&after), ["6: 6 h, 0 began, 1 ended, 0 open"]);
    let findings = || sanity_checks(&world.writer, Periods::All, now, &mut |_, _| {}).unwrap();
    assert_eq!(findings(), []);
}

#[test]
fn a_rebuild_to_the_same_records_keeps_the_sheet_of_its_generation() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 00:00:00 VOLUME.CREATE 7 s=10"));
    world.job(at("2026-03-03 00:15:00"));
    let before = sheet_of(&world, "2026-03-02");
    world.run(back_fill("2026-03-01", "2026-03-02", Rebuild::All), at("2026-03-03 00:15:00"));
    assert_eq!(sheet_of(&world, "2026-03-02").usage, before.usage);
}
