//! Every record leads back to the events behind it, and they add up.

use std::collections::BTreeSet;

use cloudtally_aggregate::{Parts, explain};
use cloudtally_model::Millis;
use proptest::prelude::*;

use crate::{
    naive,
    random::{SOURCES, end, histories, ingested, start},
    support::{World, at, events},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn records_are_made_of_their_events(histories in histories(40), late in any::<bool>()) {
        let world = if late {
            // Half of it after two days are published.
            let world = World::new("Europe/Paris", "720");
            for name in SOURCES {
                world.writer.source(&crate::support::source(name)).unwrap();
            }
            for half in 0..2 {
                for (name, history) in SOURCES.iter().zip(&histories) {
                    let (first, second) = history.events.split_at(history.events.len() / 2);
                    world.events(name, if half == 0 { first } else { second });
                    crate::random::remove(&world, name, &history.removed);
                }
                world.job(start() + Millis(2 * Millis::DAY.0));
            }
            world
        } else {
            ingested("Europe/Paris", "720", &histories)
        };
        world.job(end());
        let rows = naive::records(&histories, world.calendar(), end());
        let served = world.served();
        prop_assert_eq!(served.len(), rows.len());
        for (served, (period, record, ids)) in served.into_iter().zip(rows) {
            prop_assert_eq!((&served.record, served.period), (&record, period));
            let name = crate::support::source(SOURCES[usize::from(record.source.0)]);
            let explanation = explain(&world.writer, record.id(&name, period)).unwrap();
            prop_assert!(explanation.adds_up() && !explanation.waits, "{:?}", explanation);
            let found: BTreeSet<_> = explanation.events().into_iter().collect();
            prop_assert_eq!(found, ids, "{:?}", record);
            let Parts::Segments(parts) = explanation.parts else { panic!("{record:?}") };
            for part in parts {
                prop_assert!(period.start <= part.start && part.end <= period.end);
                prop_assert!(part.segment.start <= part.start);
            }
        }
    }
}

#[test]
fn late_events_that_wait_are_not_told_yet() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 00:00:00 LB.CREATE 1"));
    world.job(at("2026-03-02 00:00:00"));
    world.events("default", &events("2026-03-01 06:00:00 LB.DELETE 1 id=2"));
    let served = world.served().remove(0);
    let id = served.record.id(&crate::support::source("default"), served.period);
    let explanation = explain(&world.writer, id).unwrap();
    assert!(explanation.waits && explanation.adds_up(), "{explanation:?}");
    assert_eq!(explanation.events(), [1.into()]);
    world.job(at("2026-03-02 00:00:00"));
    let explanation = explain(&world.writer, id).unwrap();
    assert!(!explanation.waits && explanation.adds_up(), "{explanation:?}");
    assert_eq!(explanation.events(), [1.into(), 2.into()]);
}

#[test]
fn an_id_that_names_nothing_is_refused() {
    let world = World::utc();
    world.events("default", &events("2026-03-01 00:00:00 LB.CREATE 1"));
    world.job(at("2026-03-02 00:00:00"));
    let served = world.served().remove(0);
    let other = crate::support::source("other");
    let error = explain(&world.writer, served.record.id(&other, served.period)).unwrap_err();
    assert!(error.to_string().starts_with("there is no record `"), "{error}");
}
