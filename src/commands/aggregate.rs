//! `aggregate`: the usage job by hand.

use std::process::ExitCode;

use cloudtally_aggregate::{
    HeldPeriod, Plan, Rebuild, RunReport, RunRequest, ShortSource, Target, Unfinished,
    WaitingPeriod, aggregate, run_job,
};
use cloudtally_ingest::take_outbox;
use cloudtally_model::{Instant, settings};
use cloudtally_store::Store;
use serde_json::json;
use tracing::{field::Empty, info_span};

use super::{Context, print_json};
use crate::{
    cli::Aggregate,
    console::{self, Unit},
    failure::{Failure, found_something},
};

pub(crate) fn run(context: &Context, arguments: &Aggregate) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    let plan = match (arguments.from, arguments.to) {
        (Some(from), Some(to)) => {
            let rebuild = if arguments.rebuild { Rebuild::All } else { Rebuild::Touched };
            Plan::BackFill { from, to, rebuild, unfinished: Unfinished::Refuse }
        }
        _ if arguments.rebuild => Plan::RebuildAll,
        _ => Plan::Scheduled,
    };
    let now = now(&store, arguments)?;
    if !arguments.accept.is_empty() && store.setting(settings::PUBLISH_MAX_CHANGE)? == "-1" {
        return Err(Failure::usage(format!(
            "`--accept` publishes what `{}` holds back, and that is -1, which holds back nothing; leave it out",
            settings::PUBLISH_MAX_CHANGE
        )));
    }
    let request = RunRequest { plan, accepted: arguments.accept.clone() };
    let bar = console::bar("aggregating periods", Unit::Count);
    let mut progress = |p: cloudtally_aggregate::AggregateProgress| {
        bar.set_length(p.planned);
        bar.set_position(p.done);
    };
    let span = info_span!("usage_job", job = Empty);
    let inside = span.enter();
    let report = if arguments.dry_run {
        aggregate(Target::DryRun(&store), request, now, &mut progress)?
    } else {
        let writer = console::writer(&store)?;
        // What our own cloud has told belongs to the bill first.
        take_outbox(&writer, console::wall_clock_ms())?;
        run_job(&writer, kind(plan), request, now, &console::wall_clock_ms, &mut progress)?
    };
    drop(inside);
    bar.finish_and_clear();
    if context.json() {
        print_json(&as_json(&report, arguments.dry_run))?;
    } else {
        print(&report, arguments.dry_run);
    }
    // Whoever runs it by cron learns that somebody has to look.
    Ok(if report.held.is_empty() { ExitCode::SUCCESS } else { found_something() })
}

/// The present to go by: the clock of the folder's cloud, or an earlier instant.
fn now(store: &Store, arguments: &Aggregate) -> Result<Instant, Failure> {
    let clock = console::present(store)?;
    match arguments.now {
        Some(now) if now > clock && !arguments.force_now => Err(Failure::usage(format!(
            "`--now {now}` lies ahead of the clock, which says {clock}: what lies ahead is not use; name an earlier instant, or add `--force-now`"
        ))),
        now => Ok(now.unwrap_or(clock)),
    }
}

/// The kind of a run in the job history.
fn kind(plan: Plan) -> &'static str {
    match plan {
        Plan::Scheduled => "scheduled",
        Plan::BackFill { .. } => "back-fill",
        Plan::RebuildAll => "rebuild",
    }
}

fn as_json(report: &RunReport, dry_run: bool) -> serde_json::Value {
    json!({
        "dryrun": dry_run,
        "published": report.published,
        "republished": report.republished,
        "restated": report.restated,
        "adjustments": report.adjustments,
        "unchanged": report.unchanged,
        "records": report.records,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "anomalies": report.anomalies,
        "foldedseries": report.folded_series,
        "oversizedseries": report.oversized.iter().map(|series| json!({
            "source": series.source.as_str(),
            "account": series.series.account.0,
            "devicetype": series.series.device_type.as_name(),
            "device": series.series.device,
            "network": series.series.network.0,
            "address": series.series.address.as_deref(),
            "from": series.from.to_string(),
            "to": series.to.to_string(),
        })).collect::<Vec<_>>(),
        "held": report.held.iter().map(held_as_json).collect::<Vec<_>>(),
        "acceptby": report.accept_by,
        "waits": report.waits.as_ref().map(waiting_as_json),
        "incomplete": report.incomplete.iter().map(short_as_json).collect::<Vec<_>>(),
        "checkpoint": report.checkpoint.map(|at| at.to_string()),
    })
}

/// A period that is held back, for programs.
fn held_as_json(held: &HeldPeriod) -> serde_json::Value {
    json!({
        "period": held.period.to_string(),
        "day": held.day.to_string(),
        "allowedpercent": held.allowed_percent,
        // As text: JSON readers lose digits of numbers beyond 2^53.
        "usages": held.usages.iter().map(|usage| json!({
            "source": usage.source.as_str(),
            "usagetype": usage.usage_type.0,
            "published": usage.published.to_string(),
            "moved": usage.moved.to_string(),
        })).collect::<Vec<_>>(),
        "movers": held.movers.iter().map(|mover| json!({
            "source": mover.source.as_str(),
            "account": mover.account.0,
            "usagetype": mover.usage_type.0,
            "up": mover.up.to_string(),
            "down": mover.down.to_string(),
        })).collect::<Vec<_>>(),
        "moremovers": held.more_movers,
    })
}

/// A period that waits, for programs.
pub(super) fn waiting_as_json(waits: &WaitingPeriod) -> serde_json::Value {
    json!({
        "period": waits.period.to_string(),
        "sources": waits.sources.iter().map(short_as_json).collect::<Vec<_>>(),
    })
}

fn short_as_json(short: &ShortSource) -> serde_json::Value {
    json!({
        "source": short.source.as_str(),
        "completethrough": short.complete_through.to_string(),
        "shortbyms": short.short_by.0,
    })
}

/// Prints what a run did, or would do.
pub(crate) fn print(report: &RunReport, dry_run: bool) {
    let would = if dry_run { "would have " } else { "" };
    let touched = report.published + report.republished + report.restated + report.unchanged;
    if touched == 0 && !report.held.is_empty() {
        println!("{would}published nothing: what there is to do is held back");
    } else if touched == 0 && report.waits.is_some() {
        println!("nothing to do: every period that is ready is published");
    } else if touched == 0 && report.checkpoint.is_none() {
        println!("nothing to do: nothing has been ingested whose period is over");
    } else if touched == 0 {
        println!("nothing to do: every complete period is published");
    } else {
        println!(
            "{would}published {} periods, republished {}, left {} unchanged: {} records",
            report.published, report.republished, report.unchanged, report.records
        );
        println!(
            "  records added {}, changed {}, removed {}; anomalies {}",
            report.added, report.changed, report.removed, report.anomalies
        );
    }
    if report.restated > 0 {
        println!(
            "  late events touched {} closed periods, which stay as they are; {} adjustments stand in the first open one",
            report.restated, report.adjustments
        );
    }
    if report.folded_series > 0 {
        println!(
            "  {} series had more than one period of unbilled traffic; it stands in folded records",
            report.folded_series
        );
    }
    if let Some(checkpoint) = report.checkpoint {
        println!("  published without a gap up to {checkpoint}");
    }
    for held in &report.held {
        println!("  {held}");
        for mover in &held.movers {
            println!("    {mover}");
        }
        if held.more_movers > 0 {
            println!("    and {} more", held.more_movers);
        }
    }
    if let Some(command) = &report.accept_by {
        println!("  to publish all of it: {command}");
    }
    for series in &report.oversized {
        println!("  {series}");
    }
    if let Some(waits) = &report.waits {
        println!("  {waits}");
    }
    for short in &report.incomplete {
        println!("  billed as told, although {short}");
    }
}
