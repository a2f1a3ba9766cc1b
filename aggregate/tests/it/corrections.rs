//! Corrections of generations that were replaced, and the records shown before.

use std::{collections::BTreeMap, fmt::Write};

use cloudtally_aggregate::{Plan, Rebuild, explain_in};
use cloudtally_model::{Instant, Millis, RecordId};
use cloudtally_store::{RecordFilter, ServedCorrection, ServedRecord};
use proptest::{collection::vec, option, prelude::*};

use crate::{
    random::{SOURCES, end, histories, instant, remove},
    support::{ALL, World, at, back_fill, duration, events, samples, source, trimmed},
};

fn corrections(world: &World) -> Vec<ServedCorrection> {
    let mut all = Vec::new();
    let set = world.writer.corrections(ALL, &RecordFilter::default()).unwrap();
    set.for_each(&mut |served| {
        all.push(served);
        Ok(())
    })
    .unwrap();
    let everything = set.page(0..u64::MAX).unwrap();
    assert_eq!(everything, (all.clone(), all.len() as u64));
    if let Some(last) = all.len().checked_sub(1) {
        let page = set.page(last as u64..last as u64 + 9).unwrap();
        assert_eq!(page, (all[last..].to_vec(), all.len() as u64));
    }
    all
}

/// A line `2026-03-02 #2 1 4 24h -> 18h late events: 2` each.
fn lines(world: &World) -> String {
    let mut text = String::new();
    for served in corrections(world) {
        let (found, calendar) = (&served.correction, world.calendar());
        let record = &found.record;
        let shown = |quantity: Option<i64>| match quantity {
            None => "-".to_owned(),
            Some(bytes) if record.usage_type.is_bytes() => bytes.to_string(),
            Some(ms) => duration(ms.unsigned_abs()),
        };
        let date = calendar.date_of(served.period.start);
        write!(text, "{date} #{} {} {}", served.generation, record.usage_type, record.resource)
            .unwrap();
        write!(
            text,
            " {} -> {} {}",
            shown(found.before),
            shown(found.after),
            found.cause.as_name()
        )
        .unwrap();
        let ids: Vec<String> = found.events.iter().map(ToString::to_string).collect();
        if !ids.is_empty() {
            write!(text, ": {}", ids.join(" ")).unwrap();
        }
        if let Some(changes) = &found.changes {
            write!(text, " ({changes})").unwrap();
        }
        writeln!(text, " at {}", served.published.unwrap()).unwrap();
    }
    text
}

/// The records shown at an instant.
fn shown_at(world: &World, instant: Instant) -> Vec<ServedRecord> {
    let view = world.writer.view(Some(instant), Instant::END_OF_TIME).unwrap();
    let mut all = Vec::new();
    view.records(ALL, &RecordFilter::default())
        .unwrap()
        .for_each(&mut |served| {
            all.push(served);
            Ok(())
        })
        .unwrap();
    all
}

#[test]
fn a_stop_that_arrives_three_days_late() {
    let world = World::utc();
    // Two VMs of an account; nobody has heard that the first one stopped.
    let told = events(
        "2026-03-01 06:00:00 VM.START 4 o=1 t=5
         2026-03-01 00:00:00 VM.START 5 o=1 t=5",
    );
    world.events("default", &told);
    world.job(at("2026-03-05 00:15:00"));
    let before = world.served();
    assert_eq!(lines(&world), "", "nothing is replaced");

    // It did, on the second day at six in the evening: 6 h of that day and both days
    // behind it were billed and not used.
    world.events("default", &events("2026-03-02 18:00:00 VM.STOP 4 o=1 t=5 id=3"));
    let report = world.job(at("2026-03-05 12:00:00"));
    assert_eq!((report.republished, report.changed, report.removed), (3, 1, 2));
    assert_eq!(
        lines(&world),
        trimmed(
            "2026-03-02 #2 1 4 24h -> 18h late events: 3 at 2026-03-05T12:00:00Z
             2026-03-03 #2 1 4 24h -> - late events: 3 at 2026-03-05T12:00:00Z
             2026-03-04 #2 1 4 24h -> - late events: 3 at 2026-03-05T12:00:00Z"
        )
    );
    let sum: i128 = corrections(&world).iter().map(|c| c.correction.difference()).sum();
    assert_eq!(sum, -54 * 3_600_000);

    // What was shown until then is shown of then.
    for instant in ["2026-03-05 00:15:00", "2026-03-05 11:59:59"] {
        assert_eq!(shown_at(&world, at(instant)), before, "{instant}");
    }
    assert_eq!(shown_at(&world, at("2026-03-05 12:00:00")), world.served());
    assert_eq!(shown_at(&world, at("2026-03-05 00:14:59")), [], "nothing was published yet");
    assert_eq!(world.writer.verify(&mut |_, _| {}).unwrap(), []);
}

#[test]
fn fields_that_change_are_told_with_both_values() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 06:00:00 VM.START 4 o=1 t=5 n=web-1"));
    world.job(at("2026-03-02 00:15:00"));
    let late = events(
        "2026-03-01 10:00:00 VM.STOP 4 o=1 t=5 n=web-1 id=2
         2026-03-01 12:00:00 VM.START 4 o=1 t=5 n=web-2 id=3",
    );
    world.events("default", &late);
    world.job(at("2026-03-02 01:15:00"));
    assert_eq!(
        lines(&world),
        "2026-03-01 #2 1 4 18h -> 16h late events: 2 3 (name: web-1 -> web-2) at 2026-03-02T01:15:00Z\n"
    );
}

#[test]
fn a_removal_and_late_samples_are_causes_of_their_own() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 00:00:00 VM.START 4 o=1 t=5"));
    world.samples(
        "default",
        &samples(
            "2026-03-01 06:00:00 9 0 0
             2026-03-01 18:00:00 9 100 10",
        ),
    );
    world.account("default", 2, None);
    // Each day bills its own bytes.
    let both = back_fill("2026-03-01", "2026-03-02", Rebuild::Touched);
    world.run(both, at("2026-03-03 00:15:00"));
    world.account("default", 2, Some(at("2026-03-02 12:00:00")));
    world.job(at("2026-03-03 01:15:00"));
    assert_eq!(
        lines(&world),
        "2026-03-02 #2 1 4 24h -> 12h account removal at 2026-03-03T01:15:00Z\n"
    );
    world.samples("default", &samples("2026-03-01 20:00:00 9 150 10"));
    let day = back_fill("2026-03-01", "2026-03-01", Rebuild::All);
    world.run(day, at("2026-03-03 02:15:00"));
    assert_eq!(
        lines(&world),
        trimmed(
            "2026-03-01 #2 4 9 100 -> 150 late samples at 2026-03-03T02:15:00Z
             2026-03-02 #2 1 4 24h -> 12h account removal at 2026-03-03T01:15:00Z"
        )
    );
}

#[test]
fn use_found_in_empty_days_is_a_correction_of_nothing() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 00:00:00 LB.CREATE 1 id=1"));
    world.events("default", &events("2026-03-01 01:00:00 LB.DELETE 1 id=2"));
    world.job(at("2026-03-05 00:15:00"));
    let late = events(
        "2026-03-03 00:00:00 VM.START 4 o=1 t=5 id=3
         2026-03-03 07:00:00 VM.STOP 4 o=1 t=5 id=4",
    );
    world.events("default", &late);
    world.job(at("2026-03-05 01:15:00"));
    assert_eq!(
        lines(&world),
        "2026-03-03 #2 1 4 - -> 7h late events: 3 4 at 2026-03-05T01:15:00Z\n"
    );
    assert_eq!(shown_at(&world, at("2026-03-05 00:15:00")).len(), 1);
}

#[test]
fn files_that_are_merged_keep_apart_what_was_late() {
    let world = World::utc();
    let minute = |number: i64| at("2026-03-01 00:00:00") + Millis(number * Millis::MINUTE.0);
    let start = |number: u64| {
        let mut started = events("2026-03-01 00:00:00 VM.START 4 o=1 t=5");
        started[0].id = number.into();
        started[0].resource = number.into();
        started[0].created = minute(i64::try_from(number).unwrap());
        started
    };
    for number in 1..20 {
        world.events("default", &start(number));
    }
    world.job(at("2026-03-02 00:15:00"));
    let before = world.served();
    for number in 20..40 {
        world.events("default", &start(number));
    }
    // One of the first, too.
    world.events("default", &events("2026-03-01 12:00:00 VM.STOP 4 o=1 t=5 id=40"));
    world.writer.compact().unwrap();
    assert_eq!(world.writer.snapshot().unwrap().event_files.len(), 2);
    world.job(at("2026-03-02 01:15:00"));
    let found = corrections(&world);
    assert_eq!(found.len(), 21);
    let of_four = found.iter().find(|c| c.correction.record.resource == 4.into()).unwrap();
    assert_eq!(of_four.correction.events, [40.into()], "its start was known");
    assert_eq!(shown_at(&world, at("2026-03-02 00:15:00")), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Whatever comes late, and whatever is closed meanwhile: the corrections of a period are
    /// the difference of its generations, and what was shown after each run is shown of its
    /// instant, and explained by what was known then.
    #[test]
    fn corrections_are_the_difference_of_generations(
        histories in histories(50),
        parts in vec(0..4usize, 50),
        minutes in prop::sample::select(&["1440", "480"][..]),
        mut runs in vec(instant(), 3),
        rebuild in any::<bool>(),
        closings in vec(option::of(0..4i64), 4),
    ) {
        let world = World::new("Europe/Paris", minutes);
        for name in SOURCES {
            world.writer.source(&source(name)).unwrap();
        }
        runs.sort();
        runs.push(end());
        let mut shown: Vec<(Instant, Vec<ServedRecord>)> = Vec::new();
        for (batch, now) in (0..).zip(&runs) {
            for (name, history) in SOURCES.iter().zip(&histories) {
                let of_batch = |(index, _): &(usize, _)| parts[*index] == batch;
                let events = history.events.iter().enumerate().filter(of_batch);
                world.events(name, &events.map(|(_, event)| event.clone()).collect::<Vec<_>>());
                if batch == 2 {
                    remove(&world, name, &history.removed);
                }
            }
            let now = *now + Millis(i64::try_from(batch).unwrap());
            world.job(now);
            shown.push((now, world.served()));
            if let Some(back) = closings[batch] {
                // Of days that cannot be closed yet, or are, it is refused.
                let day = world.calendar().date_of(now - Millis(back * Millis::DAY.0));
                let _ = world.close_through(&day.to_string(), &now.to_string());
            }
        }
        let is_closed = world.writer.snapshot().unwrap().closing().is_some();
        if rebuild && !is_closed {
            world.run(Plan::RebuildAll, end() + Millis(9));
        }

        type Key = (Instant, RecordId);
        let set = world.set();
        let key = |served: &ServedRecord| -> Key {
            let name = set.sources().name(served.record.source);
            (served.period.start, served.record.id(name, served.period))
        };
        let corrections = corrections(&world);
        let mut first: BTreeMap<Instant, BTreeMap<Key, i128>> = BTreeMap::new();
        for (at, records) in &shown {
            prop_assert_eq!(&shown_at(&world, *at), records);
            let view = world.writer.view(Some(*at), Instant::END_OF_TIME).unwrap();
            for served in records.iter().step_by(records.len() / 4 + 1) {
                let explained = explain_in(&view, key(served).1).unwrap();
                prop_assert!(explained.adds_up(), "{:?} of {}", explained, at);
            }
            let mut periods: BTreeMap<Instant, (u32, BTreeMap<Key, i128>)> = BTreeMap::new();
            for served in records {
                let of = periods.entry(served.period.start).or_default();
                of.0 = served.generation;
                of.1.insert(key(served), i128::from(served.record.quantity));
            }
            for (start, (generation, quantities)) in periods {
                // A period that is first seen in a later generation was empty before.
                let is_first = generation == 1;
                let begin = first.entry(start).or_insert_with(|| match is_first {
                    true => quantities.clone(),
                    false => BTreeMap::new(),
                });
                let mut sums = begin.clone();
                for served in &corrections {
                    if served.period.start == start && served.generation <= generation {
                        let key = (start, served.correction.id);
                        *sums.entry(key).or_insert(0) += served.correction.difference();
                    }
                }
                sums.retain(|key, sum| *sum != 0 || quantities.contains_key(key));
                prop_assert_eq!(sums, quantities);
            }
        }
        // What is gone for good is corrected to nothing.
        let mut sums: BTreeMap<Key, i128> =
            first.into_values().flatten().collect();
        for served in &corrections {
            let key = (served.period.start, served.correction.id);
            *sums.entry(key).or_insert(0) += served.correction.difference();
        }
        let last = world.served();
        let last: BTreeMap<Key, i128> =
            last.iter().map(|s| (key(s), i128::from(s.record.quantity))).collect();
        sums.retain(|key, sum| *sum != 0 || last.contains_key(key));
        prop_assert_eq!(sums, last);
        prop_assert_eq!(world.writer.verify(&mut |_, _| {}).unwrap(), []);
    }
}
