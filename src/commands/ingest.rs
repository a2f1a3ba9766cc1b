//! `ingest`: rows into the lake.

use std::{path::PathBuf, process::ExitCode};

use cloudtally_ingest::{
    Counts, IngestError, IngestRequest, IngestSummary, Input, Progress, Reading, Streams,
    ingest_as, ingest_corrections,
};
use cloudtally_model::Instant;
use cloudtally_store::{Store, Stream};
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli::{CompleteThrough, Ingest, StreamArgument, StreamOrFile},
    console::{self, Unit, shown},
    failure::{Failure, found_something},
};

/// Types without a meter that a summary names.
const SHOWN_TYPES_MAX: usize = 8;

pub(crate) fn run(context: &Context, arguments: &Ingest) -> Result<ExitCode, Failure> {
    let order = Order::of(arguments)?;
    let request = IngestRequest {
        stream: order.stream,
        source: arguments.source.clone(),
        inputs: order.files.iter().map(Input::from_argument).collect(),
        started_ms: console::wall_clock_ms(),
        now: arguments.now.unwrap_or_else(console::now),
    };
    let store = context.open()?;
    let complete_through = complete_through(&store, arguments)?;
    let writer = console::writer(&store)?;
    let result = match order.is_by_hand {
        true => with_bar(|progress| ingest_corrections(&writer, &request, progress)),
        false => with_bar(|progress| ingest_as(&writer, &request, &order.reading, progress)),
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

/// The files to read, and as what.
struct Order {
    stream: Stream,
    /// True of corrections, which people write.
    is_by_hand: bool,
    files: Vec<PathBuf>,
    reading: Reading,
}

impl Order {
    fn of(arguments: &Ingest) -> Result<Self, Failure> {
        let mut files = arguments.files.clone();
        let argument = match &arguments.first {
            Some(StreamOrFile::Stream(argument)) => Some(*argument),
            Some(StreamOrFile::File(file)) => {
                files.insert(0, file.clone());
                None
            }
            None => None,
        };
        if files.is_empty() && arguments.complete_through.is_none() {
            return Err(Failure::usage("no file is named; name the files to read, or `-`"));
        }
        let is_by_hand = argument == Some(StreamArgument::Corrections);
        if is_by_hand && !arguments.columns.is_empty() {
            return Err(Failure::usage("corrections have a header row; leave `--columns` out"));
        }
        let is_sampled = matches!(argument, None | Some(StreamArgument::Samples));
        if arguments.sampled.is_some() && !is_sampled {
            return Err(Failure::usage(
                "`--sampled` is about counters; leave it out, or take samples, too",
            ));
        }
        let stream = match argument {
            None | Some(StreamArgument::Events | StreamArgument::Corrections) => Stream::Events,
            Some(StreamArgument::Samples) => Stream::Samples,
            Some(StreamArgument::Accounts) => Stream::Accounts,
        };
        let reading = Reading {
            streams: if argument.is_none() { Streams::All } else { Streams::Requested },
            columns: (!arguments.columns.is_empty()).then(|| arguments.columns.clone()),
            sampled: arguments.sampled,
        };
        Ok(Self { stream, is_by_hand, files, reading })
    }
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

pub(super) fn print(summary: &IngestSummary) {
    if summary.inputs.len() > 1 {
        for input in &summary.inputs {
            println!("{}: {}", shown(&input.name), counts(input.counts));
        }
    }
    if summary.streams.len() > 1 {
        for (stream, of_stream) in &summary.streams {
            println!("{}: {}", stream.as_name(), counts(*of_stream));
        }
    }
    println!("{}", counts(summary.counts));
    if summary.mended > 0 {
        println!(
            "  {} accepted events were mended, since the cloud writes them wrongly; `explain` \
             shows how",
            summary.mended
        );
    }
    if summary.renamed > 0 {
        println!(
            "  {} duplicates have another name than the rows that are here; the first names stay",
            summary.renamed
        );
    }
    for note in &summary.notes {
        println!("  {}", shown(note));
    }
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

pub(super) fn as_json(summary: &IngestSummary, complete: bool) -> serde_json::Value {
    let numbers = |c: Counts| {
        json!({ "read": c.read, "accepted": c.accepted, "duplicate": c.duplicate,
                "quarantined": c.quarantined })
    };
    let mut object = numbers(summary.counts);
    object["complete"] = complete.into();
    object["mended"] = summary.mended.into();
    object["renamed"] = summary.renamed.into();
    object["notes"] = json!(summary.notes);
    object["streams"] = summary
        .streams
        .iter()
        .map(|(stream, of_stream)| {
            let mut row = numbers(*of_stream);
            row["stream"] = stream.as_name().into();
            row
        })
        .collect();
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
