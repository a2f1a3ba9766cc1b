//! `prune`: what closed days need no more.

use std::process::ExitCode;

use cloudtally_aggregate::{PrunePlan, prune};
use cloudtally_ingest::take_outbox;
use cloudtally_model::Instant;
use cloudtally_store::Prunable;
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
    let (plan, gone) = if arguments.dry_run {
        let plan = PrunePlan::before(&store, arguments.before)?;
        (plan, store.prunable(plan.limits)?)
    } else {
        let writer = console::writer(&store)?;
        // What our own cloud has told may belong to these days.
        take_outbox(&writer, console::wall_clock_ms())?;
        let plan = PrunePlan::before(&writer, arguments.before)?;
        (plan, prune(&writer, plan)?)
    };
    if context.json() {
        print_json(&as_json(&plan, &gone, arguments.dry_run))?;
    } else {
        print(&plan, &gone, arguments);
    }
    Ok(ExitCode::SUCCESS)
}

fn rows(gone: &Prunable) -> (u64, u64) {
    (
        gone.events.iter().map(|file| file.rows).sum(),
        gone.samples.iter().map(|file| file.rows).sum(),
    )
}

fn print(plan: &PrunePlan, gone: &Prunable, arguments: &Prune) {
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
    if let Some(before) = plan.limits.rows_before {
        println!("  what arrives for days before {before} is refused from then on");
    }
    if let Some(from) = plan.limits.replaced_by {
        println!("  `--asof` reaches back to {from}");
    }
}

fn as_json(plan: &PrunePlan, gone: &Prunable, dry_run: bool) -> serde_json::Value {
    let (events, samples) = rows(gone);
    let instant = |at: Option<Instant>| at.map(|at| at.to_string());
    json!({
        "dryrun": dry_run,
        "rowsbefore": instant(plan.limits.rows_before),
        "asoffrom": instant(plan.limits.replaced_by),
        "events": events,
        "eventfiles": gone.events.len(),
        "samples": samples,
        "samplefiles": gone.samples.len(),
        "generations": gone.generations.len(),
        "bytes": gone.bytes(),
    })
}
