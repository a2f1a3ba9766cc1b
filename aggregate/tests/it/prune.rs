//! Rows that closed days need no more go, and nothing else changes.

use cloudtally_aggregate::{
    AggregateError, Drop, Periods, Plan, drop_samples, explain, prune_limits, run_job,
    sanity_checks, touched_by_event,
};
use cloudtally_model::{Instant, Millis, ZoneId, calendar::day, settings};
use cloudtally_store::{PruneLimits, SamplesAt, Severity, StoreError};
use proptest::prelude::*;

use crate::{
    random::{SOURCES, end, histories, start},
    support::{World, at, events, samples, source},
};

fn prune_before(world: &World, text: &str) -> Result<u64, AggregateError> {
    let limits = prune_limits(&world.writer, day(text).unwrap())?;
    let told = world.writer.prunable(limits)?;
    let gone = world.writer.prune(limits)?;
    assert_eq!(told, gone, "what is told is what goes");
    Ok((gone.events.len() + gone.samples.len() + gone.generations.len()) as u64)
}

fn assert_sane(world: &World, now: Instant) {
    let findings = sanity_checks(&world.writer, Periods::All, now, &mut |_, _| {}).unwrap();
    let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(world.writer.verify(&mut |_, _| {}).unwrap(), []);
}

/// A machine and a router from 1 January on, some use of each day besides, closed through
/// 20 January.
fn january() -> World {
    let world = World::utc();
    world.events("default", &events("2026-01-01 06:00:00 VM.START 4 o=1 t=5"));
    for date in 1..=31u64 {
        let used = format!(
            "2026-01-{date:02} 08:00:00 LB.CREATE {date}\n2026-01-{date:02} 09:00:00 LB.DELETE {date}"
        );
        let mut used = events(&used);
        used[0].id = (2 * date).into();
        used[1].id = (2 * date + 1).into();
        world.events("default", &used);
        let sample = format!("2026-01-{date:02} 12:00:00 7 {} 0", 100 * date);
        world.samples("default", &samples(&sample));
        let night = at(&format!("2026-01-{date:02} 00:15:00")) + Millis::DAY;
        world.job(night);
    }
    world.close_through("2026-01-20", "2026-02-01 10:00:00").unwrap();
    world
}

#[test]
fn records_stay_and_what_made_them_goes() {
    let world = january();
    let (before, linked) = (world.lines(), world.linked());
    let open = prune_before(&world, "2026-01-22").unwrap_err();
    let told = "the days before 2026-01-22 are not all closed, and open ones need their events; run \
                `cloudtally close --through 2026-01-21` first, or name an earlier day";
    assert_eq!(open.to_string(), told);
    let ids: Vec<_> = {
        let set = world.set();
        let id = |served: &cloudtally_store::ServedRecord| {
            served.record.id(set.sources().name(served.record.source), served.period)
        };
        world.served().iter().map(id).collect()
    };
    let explained = explain(&world.writer, ids[0]).unwrap();
    assert!(explained.adds_up());
    assert!(prune_before(&world, "2026-01-20").unwrap() > 30);
    assert_eq!((world.lines(), world.linked()), (before.clone(), linked));
    let kept = world.writer.snapshot().unwrap().pruned.rows_before.unwrap();
    assert!(at("2026-01-16 00:00:00") <= kept && kept <= at("2026-01-20 00:00:00"), "{kept}");
    let told = explain(&world.writer, ids[0]).unwrap_err().to_string();
    assert!(told.contains(&format!("are pruned, like all before {kept}")), "{told}");
    assert!(explain(&world.writer, *ids.last().unwrap()).unwrap().adds_up());
    let gone = touched_by_event(&world.writer.current(), 2.into(), None).unwrap_err();
    assert!(gone.to_string().contains("or its day is pruned"), "{gone}");
    let touched = touched_by_event(&world.writer.current(), 62.into(), None).unwrap();
    assert_eq!(touched.records.len(), 1);
    assert_sane(&world, at("2026-02-01 12:00:00"));

    // Use and counters go on as if nothing had gone.
    world.samples("default", &samples("2026-02-01 12:00:00 7 3200 0"));
    world.job(at("2026-02-02 00:15:00"));
    let added = world.lines().strip_prefix(&before).unwrap().to_owned();
    assert_eq!(
        added,
        "2026-02-01 1 4 a2 z1 o1 t5 = 24h\n2026-02-01 4 7 a2 z1 n204 = 100\n2026-02-01 5 7 a2 z1 n204 = 0\n"
    );
    assert_eq!(prune_before(&world, "2026-01-20").unwrap(), 0, "nothing goes twice");
    // Late bytes behind what is pruned are held against what the counters had said there.
    world.samples("default", &samples("2026-01-21 06:00:00 7 2050 0"));
    world.job(at("2026-02-03 00:15:00"));
    assert_sane(&world, at("2026-02-03 12:00:00"));
    // The store itself lets nothing go that an open period needs.
    let limits = PruneLimits { rows_before: Some(at("2026-01-25 00:00:00")), replaced_by: None };
    assert!(matches!(world.writer.prune(limits), Err(StoreError::PrunesOpen { .. })));
}

#[test]
fn late_input_keeps_its_days_from_being_pruned() {
    let world = january();
    let late = "2026-01-10 10:00:00 LB.CREATE 99 id=9";
    let mut late = events(late);
    late[0].id = 900.into();
    world.events("default", &late);
    let told = prune_before(&world, "2026-01-20").unwrap_err().to_string();
    assert!(told.contains("run `cloudtally aggregate` first"), "{told}");
    world.job(at("2026-02-01 12:00:00"));
    assert!(world.lines().contains("corrects 2026-01-10"));
    let before = world.lines();
    assert!(prune_before(&world, "2026-01-20").unwrap() > 30);
    assert_eq!(world.lines(), before);
    // What adjustments stand between is kept.
    assert_sane(&world, at("2026-02-01 12:00:00"));
}

/// A series that no run bills as it is keeps its days; the refusal names it and the way out, and so
/// does the run whose settings would prune.
#[test]
fn a_series_that_waits_is_named_with_the_way_out() {
    let world = World::utc();
    world.events("default", &events("2026-01-01 06:00:00 VM.START 4 o=1 t=5"));
    world.samples(
        "default",
        &samples(
            "2026-01-01 06:00:00 7 0 0
             2026-01-01 12:00:00 7 100 0
             2026-01-01 06:00:00 8 0 0
             2026-01-01 12:00:00 8 5 0",
        ),
    );
    for date in 2..=6 {
        world.job(at(&format!("2026-01-{date:02} 00:15:00")));
    }
    // The first reading, of nothing, is a failed poll by now: 50 bytes less.
    world.samples("default", &samples("2026-01-01 03:00:00 7 50 0"));
    world.job(at("2026-01-07 00:15:00"));
    world.close_through("2026-01-05", "2026-01-07 10:00:00").unwrap();
    let before = world.lines();
    let way_out = "DomainRouter 7 (account 2, network 204) of source `default`: with its late sample of \
                   2026-01-01T03:00:00Z it is worth less than is billed, so its traffic waits until it \
                   has counted more; `cloudtally drop-samples --source default --device 7 --at \
                   2026-01-01T03:00:00Z` takes the sample out";
    let told = prune_before(&world, "2026-01-05").unwrap_err().to_string();
    assert_eq!(
        told,
        format!(
            "samples of days before 2026-01-05 wait, and no run bills them as they are: {way_out}"
        )
    );
    world.writer.set_setting(settings::RETENTION_ROWS, "2").unwrap();
    let night = |date: u64| {
        let now = at(&format!("2026-01-{date:02} 00:15:00"));
        run_job(&world.writer, "scheduled", Plan::Scheduled, now, &|| 1, &mut |_| {}).unwrap();
        world.writer.jobs(0, 1).unwrap()[0].note.clone()
    };
    let note = night(8);
    assert!(
        note.contains("`usage.retention.rows.days` keeps rows:") && note.contains(way_out),
        "{note}"
    );
    assert_eq!(world.writer.snapshot().unwrap().pruned.rows_before, None);

    let device = 7;
    let wanted = SamplesAt {
        source: source("default"),
        device,
        at: at("2026-01-01 03:00:00"),
        account: None,
        address: None,
    };
    drop_samples(&world.writer, &wanted, 1, Drop::Really).unwrap();
    // The last file of samples stays, as it says how many there have been.
    world.samples("default", &samples("2026-01-08 12:00:00 8 9 0"));
    assert_eq!(night(9), "");
    assert!(world.writer.snapshot().unwrap().pruned.rows_before.is_some(), "all is well");
    assert!(world.lines().starts_with(&before), "nothing that was billed changes");
    assert_sane(&world, at("2026-01-09 12:00:00"));
}

#[test]
fn replaced_generations_go_and_as_of_reads_are_told() {
    let world = World::utc();
    world.events("default", &events("2026-01-01 06:00:00 VM.START 4 o=1 t=5"));
    world.job(at("2026-01-05 00:15:00"));
    world.events("default", &events("2026-01-03 06:00:00 VM.STOP 4 id=2"));
    world.job(at("2026-01-06 00:15:00"));
    world.events("default", &events("2026-01-04 06:00:00 VM.START 4 o=1 t=5 id=3"));
    world.job(at("2026-01-07 00:15:00"));
    world.close_through("2026-01-05", "2026-01-07 10:00:00").unwrap();
    let shown = |text: &str| world.writer.view(Some(at(text)), Instant::END_OF_TIME);
    shown("2026-01-05 12:00:00").unwrap();
    let kept: Vec<_> = world.served();
    prune_before(&world, "2026-01-06").unwrap();
    assert_eq!(world.served(), kept);
    let gone = shown("2026-01-05 12:00:00").unwrap_err().to_string();
    assert!(gone.contains("took what was replaced before 2026-01-06T00:00:00Z"), "{gone}");
    // What was shown on the day itself and later is still there.
    let set = cloudtally_store::RecordFilter::default();
    for text in ["2026-01-06 00:00:00", "2026-01-06 12:00:00"] {
        let records = shown(text).unwrap().records(crate::support::ALL, &set).unwrap();
        assert!(records.page(0, 100).unwrap().len() > 2, "{text}");
    }
    assert_sane(&world, at("2026-01-07 12:00:00"));
}

#[test]
fn settings_prune_after_each_scheduled_run() {
    let world = january();
    world.writer.set_setting(settings::RETENTION_ROWS, "5").unwrap();
    world.writer.set_setting(settings::RETENTION_GENERATIONS, "5").unwrap();
    let now = at("2026-02-01 12:00:00");
    run_job(&world.writer, "scheduled", Plan::Scheduled, now, &|| 1, &mut |_| {}).unwrap();
    // Five days would reach to 27 January; the days through the 20th are closed.
    let pruned = world.writer.snapshot().unwrap().pruned;
    let before = pruned.rows_before.unwrap();
    assert!(at("2026-01-17 00:00:00") <= before && before <= at("2026-01-21 00:00:00"), "{before}");
    assert_eq!(pruned.as_of_from, Some(at("2026-01-27 12:00:00")));
    assert_sane(&world, at("2026-02-01 12:00:00"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Whatever happened: a folder that lets go of what its closed days need no more bills
    /// what one bills that keeps everything.
    #[test]
    fn pruning_changes_no_record(histories in histories(60), cut in 1..4i64, back in 0..2i64) {
        let now = start() + Millis(cut * Millis::DAY.0);
        let build = |prunes: bool| {
            let world = World::new("Europe/Paris", "1440");
            for name in SOURCES {
                world.writer.source(&source(name)).unwrap();
            }
            let send = |is_early: bool| {
                for (name, history) in SOURCES.iter().zip(&histories) {
                    let of_part = history.events.iter().filter(|e| (e.created < now) == is_early);
                    // An event that says nothing of its machine would ask for its past.
                    let told = of_part.cloned().map(|mut event| {
                        event.offering.get_or_insert(1.into());
                        event.template.get_or_insert(5.into());
                        event.resource_type.get_or_insert("KVM".into());
                        event.size.get_or_insert(7);
                        if event.zone.number().is_none() {
                            event.zone = ZoneId::from_source(1);
                        }
                        event
                    });
                    world.events(name, &told.collect::<Vec<_>>());
                }
            };
            send(true);
            world.job(now);
            let last = world.calendar().date_of(now - Millis((1 + back) * Millis::DAY.0));
            let is_closed = world.close_through(&last.to_string(), &now.to_string()).is_ok();
            if prunes && is_closed {
                let day = last.succ_opt().unwrap();
                let limits = prune_limits(&world.writer, day).unwrap();
                world.writer.prune(limits).unwrap();
            }
            send(false);
            world.job(end());
            world
        };
        let (pruned, whole) = (build(true), build(false));
        prop_assert_eq!(pruned.lines(), whole.lines());
        assert_sane(&pruned, end());
    }
}
