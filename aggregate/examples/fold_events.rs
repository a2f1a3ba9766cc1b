//! Folds five usage events of a virtual machine into segments, and the segments into
//! the usage records of two days.
//!
//! Run it with `cargo run --package cloudtally-aggregate --example fold_events`.

use std::error::Error;

use cloudtally_aggregate::{add_resource, fold::Fold};
use cloudtally_model::{
    Calendar, EventId, Instant, ResourceId, ResourceKind, SourceId, UsageEvent, UsageTypeId,
    ZoneId, event_code, hours,
};

/// An event of virtual machine 77, which belongs to account 3.
fn event(id: u64, event_type: &str, created: &str) -> Result<UsageEvent, Box<dyn Error>> {
    Ok(UsageEvent {
        id: EventId(id),
        event_type: event_type.into(),
        created: Instant::parse(created)?,
        account: 3.into(),
        zone: ZoneId::from_source(1),
        resource: 77.into(),
        resource_name: Some("web-1".into()),
        offering: Some(12.into()),
        template: Some(5.into()),
        size: None,
        virtual_size: None,
        resource_type: Some("XenServer".into()),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    // 1. The events of one resource, in the order of their instants.
    let events = [
        event(1, "VM.CREATE", "2026-01-05T12:00:00Z")?,
        event(2, "VM.START", "2026-01-05T12:00:00Z")?,
        event(3, "VM.STOP", "2026-01-05T18:00:00Z")?,
        event(4, "VM.START", "2026-01-05T23:00:00Z")?,
        event(5, "VM.DESTROY", "2026-01-06T02:30:00Z")?,
    ];
    let end = Instant::parse("2026-01-07T00:00:00Z")?;
    let removed = |_account| None; // no account was removed

    // 2. The fold: the table of usage types says what each event opens and closes.
    let mut fold = Fold::resume(SourceId(0), ResourceKind::Vm, ResourceId(77), Vec::new());
    for event in &events {
        let code = event_code(&event.event_type).ok_or("nothing meters such an event")?;
        fold.apply(code, event, &removed);
    }
    let folded = fold.finish(end, &removed);
    assert!(folded.oddities.is_empty(), "{:?}", folded.oddities);
    for segment in &folded.segments {
        let end = segment.end.map_or("open".to_owned(), |end| end.to_string());
        println!("usage type {}: {} to {end}", segment.usage_type, segment.start);
    }

    // 3. The records: segments are cut at midnight, and summed by key in milliseconds.
    let days: Vec<_> = Calendar::utc_days().complete_periods(events[0].created, end).collect();
    let mut records = vec![Vec::new(); days.len()];
    add_resource(&folded.segments, &days, &mut records);
    let mut lines = Vec::new();
    for (day, records) in days.iter().zip(&records) {
        for record in records {
            let hours = hours(record.quantity);
            println!("{} {hours} h: {}", day.start, record.description());
            lines.push((day.start, record.usage_type, record.quantity.unsigned_abs() / 60_000));
        }
    }
    let (monday, tuesday) = (days[0].start, days[1].start);
    let (running, allocated) = (UsageTypeId::RUNNING_VM, UsageTypeId::ALLOCATED_VM);
    let minutes = |hours: u64| hours * 60;
    assert_eq!(
        lines,
        [
            (monday, running, minutes(7)),
            (monday, allocated, minutes(12)),
            (tuesday, running, minutes(2) + 30),
            (tuesday, allocated, minutes(2) + 30),
        ]
    );
    Ok(())
}

#[test]
fn the_example_does_what_it_says() {
    main().expect("it runs");
}
