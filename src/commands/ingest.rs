//! `ingest`: rows into the lake.

use std::process::ExitCode;

use cloudtally_ingest::{
    Counts, IngestError, IngestRequest, IngestSummary, Input, Progress, ingest, ingest_corrections,
};
use cloudtally_model::Instant;
use cloudtally_store::{Store, Stream, Writer};
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli::{CompleteThrough, Ingest, StreamArgument},
    console::{self, Unit, shown},
    failure::{Failure, found_something},
};

/// Types without a meter that a summary names.
const SHOWN_TYPES_MAX: usize = 8;

pub(crate) fn run(context: &Context, arguments: &Ingest) -> Result<ExitCode, Failure> {
    let stream = match arguments.stream {
        StreamArgument::Events | StreamArgument::Corrections => Stream::Events,
        StreamArgument::Samples => Stream::Samples,
        StreamArgument::Accounts => Stream::Accounts,
    };
    let request = IngestRequest {
        stream,
        source: arguments.source.clone(),
        inputs: arguments.files.iter().map(Input::from_argument).collect(),
        started_ms: console::wall_clock_ms(),
        now: arguments.now.unwrap_or_else(console::now),
    };
    let store = context.open()?;
    let complete_through = complete_through(&store, arguments)?;
    let writer = console::writer(&store)?;
    let result = match arguments.stream {
        StreamArgument::Corrections => {
            with_bar(|progress| ingest_corrections(&writer, &request, progress))
        }
        _ => run_with_bar(&writer, &request),
    };
    let summary = match &result {
        Ok(summary) => summary,
        Err(error) => error.summary.as_ref(),
    };
    if context.json() {
        print_json(&as_json(summary, result.is_ok()))?;
    } else if result.is_ok() || summary.counts.read > 0 {
        print(summary);
    }
    let summary = result.map_err(|error| Failure::Failed(error.into()))?;
    if let Some(instant) = complete_through {
        writer.set_complete_through(&arguments.source, instant)?;
    }
    // Many small ingests must not leave many small files.
    writer.compact()?;
    if arguments.strict && summary.counts.quarantined > 0 {
        return Ok(found_something());
    }
    Ok(ExitCode::SUCCESS)
}

/// Through which instant the source is said to be complete; none can speak of what is
/// to come.
fn complete_through(store: &Store, arguments: &Ingest) -> Result<Option<Instant>, Failure> {
    let clock = console::present(store)?;
    match arguments.complete_through {
        None => Ok(None),
        Some(CompleteThrough::Now) => Ok(Some(clock)),
        Some(CompleteThrough::At(instant)) if instant > clock => Err(Failure::usage(format!(
            "`--complete-through {instant}` lies ahead of the clock, which says {clock}; name an instant that has passed, or `now`"
        ))),
        Some(CompleteThrough::At(instant)) => Ok(Some(instant)),
    }
}

/// Ingests with a progress bar.
pub(crate) fn run_with_bar(
    writer: &Writer,
    request: &IngestRequest,
) -> Result<IngestSummary, IngestError> {
    with_bar(|progress| ingest(writer, request, progress))
}

fn with_bar(
    mut ingest: impl FnMut(&mut dyn FnMut(Progress)) -> Result<IngestSummary, IngestError>,
) -> Result<IngestSummary, IngestError> {
    let bar = console::bar("ingesting", Unit::Bytes);
    let result = ingest(&mut |progress| {
        bar.set_length(progress.bytes_total.unwrap_or(progress.bytes_read));
        bar.set_position(progress.bytes_read);
    });
    bar.finish_and_clear();
    result
}

fn print(summary: &IngestSummary) {
    if summary.inputs.len() > 1 {
        for input in &summary.inputs {
            println!("{}: {}", shown(&input.name), counts(input.counts));
        }
    }
    println!("{}", counts(summary.counts));
    for row in &summary.first_quarantined {
        println!("  quarantined {} row {}: {}", shown(&row.input), row.row, shown(&row.reason));
    }
    let more = summary.counts.quarantined.saturating_sub(summary.first_quarantined.len() as u64);
    if more > 0 {
        println!("  and {more} more; `cloudtally quarantine` shows them by reason");
    }
    let without_meter: u64 = summary.without_meter.values().sum();
    if without_meter > 0 {
        println!(
            "  {without_meter} of the accepted events are of types that nothing meters: {}",
            by_type(summary)
        );
    }
}

/// `VM.REBOOT 12, VOLUME.ATTACH 3`, the most frequent first.
fn by_type(summary: &IngestSummary) -> String {
    let mut types: Vec<(&String, &u64)> = summary.without_meter.iter().collect();
    types.sort_by_key(|(name, rows)| (std::cmp::Reverse(**rows), *name));
    let names = types.iter().take(SHOWN_TYPES_MAX).map(|(name, rows)| format!("{name} {rows}"));
    let mut text = names.collect::<Vec<_>>().join(", ");
    if let Some(more) = types.len().checked_sub(SHOWN_TYPES_MAX).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more types"));
    }
    shown(&text).into_owned()
}

fn counts(counts: Counts) -> String {
    format!(
        "read {}, accepted {}, duplicate {}, quarantined {}",
        counts.read, counts.accepted, counts.duplicate, counts.quarantined
    )
}

fn as_json(summary: &IngestSummary, complete: bool) -> serde_json::Value {
    let numbers = |c: Counts| {
        json!({ "read": c.read, "accepted": c.accepted, "duplicate": c.duplicate,
                "quarantined": c.quarantined })
    };
    let mut object = numbers(summary.counts);
    object["complete"] = complete.into();
    object["withoutmeter"] = json!(summary.without_meter);
    object["inputs"] = summary
        .inputs
        .iter()
        .map(|input| {
            let mut row = numbers(input.counts);
            row["name"] = input.name.as_str().into();
            row
        })
        .collect();
    object["quarantine"] = summary
        .first_quarantined
        .iter()
        .map(|row| json!({ "input": row.input, "row": row.row, "reason": row.reason }))
        .collect();
    object
}
