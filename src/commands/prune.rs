//! `prune`: what closed days need no more.

use std::process::ExitCode;

use cloudtally_aggregate::prune_limits;
use cloudtally_ingest::take_outbox;
use cloudtally_model::Instant;
use cloudtally_store::{Prunable, PruneLimits};
use indicatif::HumanBytes;
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli::Prune,
    console::{self, grouped},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Prune) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    let (limits, gone) = if arguments.dry_run {
        let limits = prune_limits(&store, arguments.before)?;
        (limits, store.prunable(limits)?)
    } else {
        let writer = console::writer(&store)?;
        // What our own cloud has told may belong to these days.
        take_outbox(&writer, console::wall_clock_ms())?;
        let limits = prune_limits(&writer, arguments.before)?;
        (limits, writer.prune(limits)?)
    };
    if context.json() {
        print_json(&as_json(limits, &gone, arguments.dry_run))?;
    } else {
        print(limits, &gone, arguments);
    }
    Ok(ExitCode::SUCCESS)
}

fn rows(gone: &Prunable) -> (u64, u64) {
    (
        gone.events.iter().map(|file| file.rows).sum(),
        gone.samples.iter().map(|file| file.rows).sum(),
    )
}

fn print(limits: PruneLimits, gone: &Prunable, arguments: &Prune) {
    let would = if arguments.dry_run { "would prune" } else { "pruned" };
    if gone.is_empty() {
        println!("{would} nothing: no whole file lies before {}", arguments.before);
        return;
    }
    let (events, samples) = rows(gone);
    let [events, samples] = [events, samples].map(|count| grouped(&count.to_string()));
    println!(
        "{would} {events} events in {} files, {samples} samples in {} files and {} replaced generations: {}",
        gone.events.len(),
        gone.samples.len(),
        gone.generations.len(),
        HumanBytes(gone.bytes())
    );
    if let Some(before) = limits.rows_before {
        println!("  what arrives for days before {before} is refused from then on");
    }
    if let Some(from) = limits.replaced_by {
        println!("  `--asof` reaches back to {from}");
    }
}

fn as_json(limits: PruneLimits, gone: &Prunable, dry_run: bool) -> serde_json::Value {
    let (events, samples) = rows(gone);
    let instant = |at: Option<Instant>| at.map(|at| at.to_string());
    json!({
        "dryrun": dry_run,
        "rowsbefore": instant(limits.rows_before),
        "asoffrom": instant(limits.replaced_by),
        "events": events,
        "eventfiles": gone.events.len(),
        "samples": samples,
        "samplefiles": gone.samples.len(),
        "generations": gone.generations.len(),
        "bytes": gone.bytes(),
    })
}
