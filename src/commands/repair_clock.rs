//! `repair-clock`: a folder that lived ahead of time, set back.

use std::{process::ExitCode, time::Duration};

use cloudtally_ingest::take_outbox;
use cloudtally_model::{
    Instant, Millis, SourceName,
    port::{ChangeSet, Journal},
};
use cloudtally_platform::engine::{CLOCK_MS, IS_SIMULATED, SetBack, set_back};
use cloudtally_store::{LivedAhead, LockWait, SqliteJournal, Store};
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli::RepairClock,
    console::{self, grouped},
    failure::Failure,
};

/// The number that keeps to which instant a repair is under way, in milliseconds since
/// 1970; -1 if none is.
const UNDER_WAY: &str = "set_back_to_ms";

/// A clock to set back.
struct Repair {
    lived: Instant,
    to: Instant,
    lake: LivedAhead,
    cloud: SetBack,
}

pub(crate) fn run(context: &Context, arguments: &RepairClock) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    let own =
        SourceName::new(SourceName::PLATFORM).map_err(|error| Failure::usage(error.to_string()))?;
    let to = whole_second(arguments.to);
    let lived = lived_until(&store, to)?;
    // Nobody else may have the cloud in memory meanwhile.
    let mut journal = store.journal(LockWait { limit: Duration::ZERO, on_wait: &mut || {} })?;
    refuse_half_done(&store, to)?;
    let lake = store.lived_ahead(&own, to)?;
    let kept = journal.load().map_err(failed)?;
    let repair = Repair { lived, to, lake, cloud: set_back(&kept, to, to) };
    if arguments.yes {
        apply(&store, &mut journal, &own, to)?;
    }
    match context.json() {
        true => print_json(&as_json(&repair, arguments.yes))?,
        false => print(&repair, arguments.yes),
    }
    Ok(ExitCode::SUCCESS)
}

/// Until when the cloud has lived, if that can be set back to `to`.
fn lived_until(store: &Store, to: Instant) -> Result<Instant, Failure> {
    let Some(lived) = store.cloud_number(CLOCK_MS)?.map(Instant::from_millis) else {
        return Err(Failure::usage("the folder has no cloud; there is no clock to repair"));
    };
    if store.cloud_number(IS_SIMULATED)? == Some(1) {
        return Err(Failure::usage(
            "the cloud of the folder lives by a simulated clock, which no machine puts wrong; begin another one (`--data DIR`)",
        ));
    }
    let now = console::now();
    if to > now {
        return Err(Failure::usage(format!(
            "`--to {to}` lies ahead of the machine's clock, which says {now}; name an earlier instant, or put the clock right"
        )));
    }
    // What was set back to it has instants up to some milliseconds behind it.
    if to >= whole_second(lived) {
        return Err(Failure::usage(format!(
            "the cloud of the folder has lived until {lived}, which is not after `--to {to}`; nothing is to be repaired"
        )));
    }
    Ok(lived)
}

/// Refuses a later instant than that of a repair that a crash left half done: the lake
/// stands at that one already, and the cloud would be set back to another.
fn refuse_half_done(store: &Store, to: Instant) -> Result<(), Failure> {
    let under_way = store.cloud_number(UNDER_WAY)?.filter(|at| *at >= 0).map(Instant::from_millis);
    match under_way {
        Some(at) if to > at => Err(Failure::usage(format!(
            "a repair to {at} is half done, which is before `--to {to}`; end it first, with `--to {at} --yes`"
        ))),
        _ => Ok(()),
    }
}

/// The lake goes first: until the cloud's clock is set back, too, it cannot be served, and
/// the same command ends what a crash left half done.
fn apply(
    store: &Store,
    journal: &mut SqliteJournal,
    own: &SourceName,
    to: Instant,
) -> Result<(), Failure> {
    let writer = console::writer(store)?;
    take_outbox(&writer, console::wall_clock_ms())?;
    let numbers = vec![(UNDER_WAY, to.as_millis())];
    journal.commit(&ChangeSet { numbers, ..ChangeSet::default() }).map_err(failed)?;
    let last = writer.set_back(own, to, console::now())?;
    let kept = journal.load().map_err(failed)?;
    let clock = last.max(to + Millis(1));
    let mut changes = set_back(&kept, to, clock).changes;
    changes.numbers.push((UNDER_WAY, -1));
    journal.commit(&changes).map_err(failed)
}

fn failed(cause: cloudtally_model::port::JournalError) -> Failure {
    Failure::Failed(anyhow::Error::from_boxed(cause))
}

/// An instant without its milliseconds: the ones behind it are for samples.
fn whole_second(at: Instant) -> Instant {
    Instant::from_millis(at.as_millis().div_euclid(Millis::SECOND.0) * Millis::SECOND.0)
}

fn as_json(repair: &Repair, is_done: bool) -> serde_json::Value {
    json!({
        "done": is_done,
        "livedUntil": repair.lived.to_string(),
        "to": repair.to.to_string(),
        "things": repair.cloud.resources,
        "ledgerEntries": repair.cloud.entries,
        "events": repair.lake.events,
        "samples": repair.lake.samples,
        "periods": repair.lake.periods,
    })
}

fn print(repair: &Repair, is_done: bool) {
    let Repair { lived, to, lake, cloud } = repair;
    let number = |number: u64| grouped(&number.to_string());
    let (is, are, would) =
        if is_done { ("is", "are", "") } else { ("would be", "would be", "would ") };
    println!("the cloud has lived until {lived}; its clock {is} set back to {to}");
    let count = |count: usize| number(count as u64);
    println!("  {} things {would}have earlier dates", count(cloud.resources));
    println!("  {} entries of the ledger {would}begin or end earlier", count(cloud.entries));
    println!("  {} usage events {would}happen at that instant", number(lake.events));
    println!("  {} samples {would}count for its day", number(lake.samples));
    println!(
        "  {} published periods {are} withdrawn, and published anew when they are over",
        number(lake.periods)
    );
    if is_done {
        println!("serve the folder again; `cloudtally check` says that all is well");
    } else {
        println!("nothing is changed yet; copy the folder, then add --yes to do it");
    }
}
