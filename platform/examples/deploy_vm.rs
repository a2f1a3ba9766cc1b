//! Opens a cloud in memory, deploys a virtual machine, and reads its usage events.
//!
//! Run it with `cargo run --package cloudtally-platform --example deploy_vm`.

use std::sync::{Arc, Mutex, PoisonError};

use cloudtally_model::{
    ApiError, Instant, Millis, UsageEvent,
    port::{ChangeSet, Journal, JournalError, Kept},
};
use cloudtally_platform::{
    TABLES,
    engine::{Answer, Caller, Cloud, CloudOptions, Node, Request, Start, own_users},
};

/// A journal that begins with nothing and keeps the usage events alone. The real one
/// (`store::SqliteJournal`) keeps each change set in one transaction.
#[derive(Clone, Default)]
struct UsageLog(Arc<Mutex<Vec<UsageEvent>>>);

impl Journal for UsageLog {
    fn load(&mut self) -> Result<Kept, JournalError> {
        Ok(Kept::default())
    }

    fn commit(&mut self, changes: &ChangeSet) -> Result<(), JournalError> {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.extend(changes.usage.iter().cloned());
        Ok(())
    }
}

/// Fills in "random" bytes. A cloud that anybody else can reach needs unguessable ones.
fn no_secrets(bytes: &mut [u8]) -> Result<(), ApiError> {
    bytes.fill(7);
    Ok(())
}

fn main() -> Result<(), JournalError> {
    // 1. A cloud with zones, hosts, networks, offerings and templates. It lives by a
    //    simulated clock: nothing happens between the instants that it is told.
    let log = UsageLog::default();
    let midnight = Instant::parse("2026-01-05T00:00:00Z")?;
    let options =
        CloudOptions { seed: 1, start: Start::Ready, is_simulated: true, entropy: no_secrets };
    let cloud = Cloud::open(&TABLES, Box::new(log.clone()), options, midnight)?;

    // 2. Commands, asked for by the root admin as they would be over HTTP.
    let ask = |name: &str, params: &[(&str, &str)], now: Instant| {
        let command = TABLES.command(name).ok_or(format!("no command {name}"))?;
        let caller = {
            let world = cloud.world();
            Caller::of_user(&world, own_users::admin_user(&world)).ok_or("root may not call")?
        };
        let params = params.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Ok::<Answer, JournalError>(cloud.call(Request { command, caller, params }, now)?)
    };
    let first_id = |name: &str, params: &[(&str, &str)]| {
        let Answer::List { items, .. } = ask(name, params, midnight)? else {
            return Err(format!("{name} is no list").into());
        };
        match items.first().and_then(|item| item.field("id")) {
            Some(Node::Text(id)) => Ok(id.clone()),
            _ => Err(JournalError::from(format!("{name} shows nothing"))),
        }
    };
    let zone = first_id("listZones", &[("networktype", "Advanced")])?;
    let offering = first_id("listServiceOfferings", &[("name", "m1.small")])?;
    let template = [("templatefilter", "featured"), ("hypervisor", "XenServer"), ("zoneid", &zone)];
    let template = first_id("listTemplates", &template)?;

    // 3. A deployment is a job. What is due by an instant is done by `run_due`.
    let vm = [("zoneid", &*zone), ("serviceofferingid", &offering), ("templateid", &template)];
    let Answer::Job { id: Some(vm), .. } = ask("deployVirtualMachine", &vm, midnight)? else {
        return Err("a deployment is a job".into());
    };
    let noon = midnight + Millis(12 * Millis::HOUR.0);
    cloud.run_due(noon)?;
    ask("stopVirtualMachine", &[("id", &vm)], noon)?;
    cloud.run_due(noon + Millis::MINUTE)?;

    // 4. The events, kept in the transactions of the changes themselves.
    let events = log.0.lock().unwrap_or_else(PoisonError::into_inner);
    for event in events.iter() {
        println!("{} {:<24} of {}", event.created, event.event_type, event.resource);
    }
    let types: Vec<&str> = events.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(types.first(), Some(&"VOLUME.CREATE"));
    assert_eq!(types[types.len() - 2..], ["VM.START", "VM.STOP"]);
    assert_eq!(events[types.len() - 1].created, noon);
    Ok(())
}

#[test]
fn the_example_does_what_it_says() {
    main().expect("it runs");
}
