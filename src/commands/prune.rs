//! `prune`: what closed days need no more.

use std::{process::ExitCode, time::Duration};

use chrono::NaiveDate;
use cloudtally_aggregate::{AggregateError, Retention, prune_limits, retention};
use cloudtally_ingest::take_outbox;
use cloudtally_model::Instant;
use cloudtally_store::{LockWait, Prunable, PruneLimits, Store, StoreError};
use indicatif::HumanBytes;
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli::Prune,
    console::{self, grouped},
    failure::Failure,
};

/// All that goes, or would go.
struct Gone {
    limits: PruneLimits,
    lake: Prunable,
    /// Archived events of the simulated cloud.
    archived: u64,
    /// True if they stay because `serve` has the cloud.
    is_served: bool,
    /// The input that keeps rows which the settings would let go.
    blocked: Option<AggregateError>,
}

pub(crate) fn run(context: &Context, arguments: &Prune) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    let gone = match arguments.before {
        Some(day) if arguments.dry_run => by_day(&store, day)?,
        Some(day) => prune(&store, day)?,
        None => by_settings(&store)?,
    };
    if context.json() {
        print_json(&as_json(&gone, arguments))?;
    } else {
        print(&gone, arguments);
    }
    Ok(ExitCode::SUCCESS)
}

fn prune(store: &Store, day: NaiveDate) -> Result<Gone, Failure> {
    let writer = console::writer(store)?;
    // What our own cloud has told may belong to these days.
    take_outbox(&writer, console::wall_clock_ms())?;
    let limits = prune_limits(&writer, day)?;
    let until = writer.calendar()?.day_bounds(day).map_err(AggregateError::from)?.0;
    let lake = writer.prune(limits)?;
    let wait = LockWait { limit: Duration::ZERO, on_wait: &mut || {} };
    let (archived, is_served) = match writer.remove_archived_events(until, wait) {
        Ok(removed) => (removed, false),
        Err(StoreError::Served { .. }) => (writer.archived_events(until)?.len() as u64, true),
        Err(error) => return Err(error.into()),
    };
    Ok(Gone { limits, lake, archived, is_served, blocked: None })
}

fn by_day(store: &Store, day: NaiveDate) -> Result<Gone, Failure> {
    let limits = prune_limits(store, day)?;
    let until = store.calendar()?.day_bounds(day).map_err(AggregateError::from)?.0;
    let (lake, archived) = (store.prunable(limits)?, store.archived_events(until)?);
    let (archived, is_served) = (archived.len() as u64, store.cloud_is_held());
    Ok(Gone { limits, lake, archived, is_served, blocked: None })
}

/// Lists what the settings of retention would take by the clock of what is billed.
fn by_settings(store: &Store) -> Result<Gone, Failure> {
    let Retention { limits, archived_before, blocked } =
        retention(store, console::present(store)?)?;
    let limits = limits.unwrap_or_default();
    let archived = archived_before.map(|before| store.archived_events(before)).transpose()?;
    let archived = archived.unwrap_or_default().len() as u64;
    // The server itself removes these.
    Ok(Gone { limits, lake: store.prunable(limits)?, archived, is_served: false, blocked })
}

fn rows(gone: &Prunable) -> (u64, u64) {
    (
        gone.events.iter().map(|file| file.rows).sum(),
        gone.samples.iter().map(|file| file.rows).sum(),
    )
}

fn print(gone: &Gone, arguments: &Prune) {
    let would = match (arguments.dry_run, arguments.before) {
        (false, _) => "pruned",
        (true, Some(_)) => "would prune",
        (true, None) => "the settings of retention would prune",
    };
    let Gone { limits, lake, archived, is_served, blocked } = gone;
    match (lake.is_empty(), arguments.before) {
        (true, Some(before)) => println!("{would} nothing: no whole file lies before {before}"),
        (true, None) => println!("{would} nothing of the lake"),
        (false, _) => {
            let (events, samples) = rows(lake);
            let [events, samples] = [events, samples].map(|count| grouped(&count.to_string()));
            println!(
                "{would} {events} events in {} files, {samples} samples in {} files and {} replaced generations: {}",
                lake.events.len(),
                lake.samples.len(),
                lake.generations.len(),
                HumanBytes(lake.bytes())
            );
            if let Some(before) = limits.rows_before {
                println!("  what arrives for days before {before} is refused from then on");
            }
            if let Some(from) = limits.replaced_by {
                println!("  `--asof` reaches back to {from}");
            }
        }
    }
    match (archived, is_served) {
        (0, _) => {}
        (count, true) => println!(
            "  {count} archived events of the simulated cloud stay, as `cloudtally serve` has it: stop it and prune again, or set `event.archive.purge.delay`"
        ),
        (count, false) => println!("{would} {count} archived events of the simulated cloud"),
    }
    if let Some(cause) = blocked {
        println!("  rows stay that the settings would let go: {cause}");
    }
}

fn as_json(gone: &Gone, arguments: &Prune) -> serde_json::Value {
    let Gone { limits, lake, archived, is_served, blocked } = gone;
    let (events, samples) = rows(lake);
    let instant = |at: Option<Instant>| at.map(|at| at.to_string());
    json!({
        "dryrun": arguments.dry_run,
        "rowsbefore": instant(limits.rows_before),
        "asoffrom": instant(limits.replaced_by),
        "events": events,
        "eventfiles": lake.events.len(),
        "samples": samples,
        "samplefiles": lake.samples.len(),
        "generations": lake.generations.len(),
        "bytes": lake.bytes(),
        "archivedevents": archived,
        "archivedeventsstay": is_served,
        "blocked": blocked.as_ref().map(ToString::to_string),
    })
}
