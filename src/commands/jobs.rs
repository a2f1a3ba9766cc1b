//! `jobs`: the runs of the usage job, and how it stands.

use std::process::ExitCode;

use cloudtally_model::{Instant, settings};
use cloudtally_serve::UsageJobStatus;
use cloudtally_store::{JobRun, Store};
use serde_json::json;

use super::{Context, aggregate::waiting_as_json, print_json};
use crate::{
    cli::Jobs,
    console::{self, grouped, table},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Jobs) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    let jobs = store.jobs(0, arguments.last)?;
    let count = store.job_count()?;
    let now = console::present(&store)?;
    let status = UsageJobStatus::of(&store, now)?;
    if context.json() {
        let rows: Vec<_> = jobs.iter().map(as_json).collect();
        print_json(&json!({
            "jobs": rows,
            "count": count,
            "enabled": status.enabled,
            "nextrun": status.next.to_string(),
            "publisheduntil": status.published_until.map(|at| at.to_string()),
            "staleperiods": status.stale_periods,
            "waits": status.waits.as_ref().map(waiting_as_json),
        }))?;
    } else {
        print(&jobs, count);
        print_status(&store, &status, now)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(job: &JobRun) -> serde_json::Value {
    let instant = |at: Option<Instant>| at.map(|at| at.to_string());
    json!({
        "id": job.id,
        "type": job.kind,
        "state": job.state.as_name(),
        "asof": instant(job.as_of),
        "startdate": instant(job.from),
        "enddate": instant(job.to),
        "periods": job.periods,
        "records": job.records,
        "started": Instant::from_millis(job.started_ms).to_string(),
        "finished": instant(job.finished_ms.map(Instant::from_millis)),
        "exectime": job.finished_ms.map(|finished| finished - job.started_ms),
        "errortext": (!job.message.is_empty()).then_some(&job.message),
        "note": (!job.note.is_empty()).then_some(&job.note),
    })
}

fn print(jobs: &[JobRun], count: u64) {
    if jobs.is_empty() {
        println!("the usage job has not run yet");
        return;
    }
    let header =
        ["run", "type", "state", "as of", "took", "periods", "published from", "to", "records"];
    let mut output = table(&header, &[0, 4, 5, 8]);
    for job in jobs {
        let at = |at: Option<Instant>| at.map_or_else(String::new, |at| at.to_string());
        let took = job.finished_ms.map_or_else(String::new, |finished| {
            let ms = finished - job.started_ms;
            format!("{}.{:03} s", ms / 1000, ms % 1000)
        });
        output.add_row([
            job.id.to_string(),
            job.kind.clone(),
            job.state.as_name().to_owned(),
            at(job.as_of),
            took,
            grouped(&job.periods.to_string()),
            at(job.from),
            at(job.to),
            grouped(&job.records.to_string()),
        ]);
    }
    println!("{output}");
    for job in jobs.iter().filter(|job| !job.message.is_empty()) {
        println!("run {} failed: {}", job.id, job.message);
    }
    for job in jobs {
        job.note.lines().for_each(|line| println!("run {}: {line}", job.id));
    }
    if count > jobs.len() as u64 {
        println!("the latest {} of {count} runs; `--last N` shows more", jobs.len());
    }
}

fn print_status(store: &Store, status: &UsageJobStatus, now: Instant) -> Result<(), Failure> {
    match status.published_until {
        Some(until) => println!("published without a gap up to {until}"),
        None => println!("nothing is published yet"),
    }
    if let Some(waits) = &status.waits {
        println!("{waits}");
    }
    if status.stale_periods > 0 {
        println!(
            "{} published periods wait for the next run: late events have touched them",
            status.stale_periods
        );
    }
    if status.enabled && status.next <= now {
        println!("a run has been due since {}", status.next);
    } else if status.enabled {
        let (name, zone) = (settings::EXEC_TIME, store.setting(settings::EXECUTION_TIMEZONE)?);
        println!("next run at {}: `{name}` is {}, {zone}", status.next, store.setting(name)?);
    } else {
        println!("no next run: `{}` is false", settings::ENABLE_USAGE);
    }
    println!(
        "  `serve` runs it on time, and once for what it missed; `cloudtally aggregate` runs it now"
    );
    Ok(())
}
