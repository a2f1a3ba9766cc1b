//! `explain`: what a record is made of; the way back stands in [`touched`].

use std::process::ExitCode;

use cloudtally_aggregate::{Explanation, KnownRemoval, Lines, Parts, explain_in};
use cloudtally_model::{Calendar, CorrectiveEvent, Instant, RecordId, Unit, hours};
use serde_json::json;

use cloudtally_store::{CorrectionNote, DroppedSample, Store};

use super::{
    Context,
    drop_samples::{dropped_as_json, dropped_told},
    mended, print_json, selection, touched,
};
use crate::{
    cli::Explain,
    console::{shown, table},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Explain) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    if let Some(source) = &arguments.source {
        selection::known_source(&store, source)?;
    }
    let view = selection::view(&store, &arguments.as_of)?;
    let Some(record) = arguments.record else {
        touched::run(context, &view, arguments)?;
        return Ok(ExitCode::SUCCESS);
    };
    let explanation = explain_in(&view, record)?;
    let source = explanation.sources.name(explanation.served.record.source).clone();
    if let Some(wanted) = arguments.source.as_ref().filter(|wanted| **wanted != source) {
        return Err(Failure::usage(format!(
            "the record `{record}` is of source `{source}`, not of `{wanted}`"
        )));
    }
    let calendar = store.calendar()?;
    let mut lines = Lines::new(calendar, explanation.sources.clone(), view.accounts()?);
    let line = lines.line(&explanation.served);
    let dropped = dropped(&store, &explanation)?;
    let added = added(&store, &explanation)?;
    let mends = mended::mends(&store, &source, &explanation.parts.events())?;
    if context.json() {
        let mut object = as_json(&explanation, record, &line.usage);
        if !dropped.is_empty() {
            object["dropped"] = dropped.iter().map(dropped_as_json).collect();
        }
        if !added.is_empty() {
            object["added"] = added.iter().map(added_as_json).collect();
        }
        if !mends.is_empty() {
            object["mended"] = mended::as_json(&mends);
        }
        print_json(&object)?;
    } else {
        println!("record   {}", line.record_id);
        println!("account  {} ({}, source {source})", shown(&line.account), line.account_id);
        println!("what     {}", shown(&line.description));
        println!("period   {} to {}", line.start.1, line.end.1);
        println!("usage    {} ({} {})", line.usage, line.quantity, line.unit);
        print_adjusted(&explanation, calendar);
        println!();
        print_parts(&explanation, calendar);
        for dropped in &dropped {
            println!("dropped  {}", dropped_told(dropped));
        }
        for note in &added {
            let CorrectionNote { event, author, reason, .. } = note;
            println!("added    event {event} by {}: {}", shown(author), shown(reason));
        }
        mended::print(&mends);
    }
    if explanation.adds_up() {
        Ok(ExitCode::SUCCESS)
    } else {
        let remedy = if explanation.waits {
            "events have arrived since; run `cloudtally aggregate`"
        } else {
            "run `cloudtally check`"
        };
        Err(Failure::Failed(anyhow::anyhow!(
            "the parts give {}, the record says {}; {remedy}",
            explanation.sum,
            explanation.served.record.quantity
        )))
    }
}

/// Notes on the events of a record that people added.
fn added(store: &Store, explanation: &Explanation) -> Result<Vec<CorrectionNote>, Failure> {
    let mut added = explanation.parts.events();
    added.retain(|event| event.0 >= CorrectiveEvent::FIRST_ID);
    if added.is_empty() {
        return Ok(Vec::new());
    }
    let source = explanation.sources.name(explanation.served.record.source);
    let mut notes = store.correction_notes(source)?;
    notes.retain(|note| added.contains(&note.event));
    Ok(notes)
}

fn added_as_json(note: &CorrectionNote) -> serde_json::Value {
    let entered = Instant::from_millis(note.entered_ms).to_string();
    json!({ "event": note.event.0, "author": note.author, "reason": note.reason, "entered": entered })
}

/// Samples of a record of bytes that do not count, since somebody dropped them: those of its
/// series between the first that is shown and the end of its period.
fn dropped(store: &Store, explanation: &Explanation) -> Result<Vec<DroppedSample>, Failure> {
    let Parts::Samples { differences, .. } = &explanation.parts else { return Ok(Vec::new()) };
    let (record, period) = (&explanation.served.record, explanation.served.period);
    let source = explanation.sources.name(record.source);
    let first = differences.iter().map(|part| part.from.map_or(part.to.0, |(at, _)| at)).min();
    let from = first.unwrap_or(period.start).min(period.start);
    let is_of = |dropped: &DroppedSample| {
        let series = &dropped.sample.series;
        dropped.source == *source
            && (series.account, series.device) == (record.account, record.resource.0)
            && series.network == record.network
            && (from..=period.end).contains(&dropped.sample.sampled)
    };
    let mut dropped = store.dropped_samples()?;
    dropped.retain(is_of);
    Ok(dropped)
}

/// Prints what a closed period says of the record's key.
fn print_adjusted(explanation: &Explanation, calendar: Calendar) {
    let Some(adjusted) = &explanation.adjusted else { return };
    let period = calendar.show(adjusted.period.start);
    let said = |what: &str, ms: i64| println!("  {what} {ms} ms = {} Hrs", hours(ms));
    if explanation.served.record.corrects.is_some() {
        println!("corrects the closed period of {period}:");
        said("as it is served, for good:", adjusted.served);
        said("with adjustments before:  ", adjusted.before);
        said("with this one:            ", adjusted.after);
    } else {
        println!("the period of {period} is closed, and late events have come since:");
        said("as it is served, for good:", adjusted.served);
    }
    said("by what is known now:     ", adjusted.restated);
    let events: Vec<String> = adjusted.events.iter().map(ToString::to_string).collect();
    println!("  the events of the resource there: {}", events.join(", "));
    if let Some(removal) = adjusted.removal {
        println!("  what was told of the account:     {removal}");
    }
    println!("what is known of the closed period:");
}

fn print_parts(explanation: &Explanation, calendar: Calendar) {
    match &explanation.parts {
        Parts::Segments(clipped) => {
            let mut output =
                table(&["from", "to", "ms", "hours", "opened by", "closed by"], &[2, 3]);
            for part in clipped {
                let opened = format!("event {}", part.segment.opened_by);
                let opened = if part.segment.start < part.start {
                    format!("{opened} at {}", part.segment.start)
                } else {
                    opened
                };
                let closed = match (part.segment.closed_by, part.segment.end) {
                    (Some(event), Some(end)) if end > part.end => format!("event {event} at {end}"),
                    (Some(event), _) => format!("event {event}"),
                    (None, Some(_)) => "the account's removal".to_owned(),
                    (None, None) => "open at the period's end".to_owned(),
                };
                let zero = part.used_ms == 0;
                output.add_row([
                    part.start.to_string(),
                    part.end.to_string(),
                    part.used_ms.to_string(),
                    if zero { "0 (no size)".to_owned() } else { hours(part.used_ms) },
                    opened,
                    closed,
                ]);
            }
            println!("{output}");
            println!("sum      {} ms = {} Hrs", explanation.sum, hours(explanation.sum));
        }
        Parts::Samples { differences, billed_before } => {
            let mut output = table(&["sampled", "counter", "before", "bytes", ""], &[1, 2, 3]);
            for part in differences {
                output.add_row([
                    calendar.show(part.to.0),
                    part.to.1.to_string(),
                    part.from.map_or_else(|| "-".to_owned(), |(_, before)| before.to_string()),
                    part.bytes.to_string(),
                    match (part.restarted, part.from) {
                        (true, _) => "counter restarted".to_owned(),
                        (false, None) => "first sample: baseline".to_owned(),
                        (false, Some(_)) => String::new(),
                    },
                ]);
            }
            println!("{output}");
            if *billed_before > 0 {
                println!("less     {billed_before} bytes in records of earlier runs");
            }
            println!("sum      {} bytes", explanation.sum);
        }
    }
    if explanation.adds_up() {
        let what = if explanation.adjusted.is_some() {
            "what is known now of the closed period"
        } else {
            "the record"
        };
        println!("         equals {what}");
    }
}

fn as_json(explanation: &Explanation, record_id: RecordId, usage: &str) -> serde_json::Value {
    let record = &explanation.served.record;
    let unit = match record.row().unit {
        Unit::Milliseconds => "ms",
        Unit::BytesSent | Unit::BytesReceived => "bytes",
    };
    let events: Vec<u64> = explanation.events().iter().map(|event| event.0).collect();
    let mut object = json!({
        "recordid": record_id.to_string(),
        "usage": usage,
        "quantity": record.quantity,
        "unit": unit,
        "sum": explanation.sum,
        "addsup": explanation.adds_up(),
        "events": events,
    });
    if let Some(adjusted) = &explanation.adjusted {
        object["adjusted"] = json!({
            "period": adjusted.period.start.to_string(),
            "served": adjusted.served,
            "before": adjusted.before,
            "after": adjusted.after,
            "restated": adjusted.restated,
        });
        if let Some(KnownRemoval { before, after }) = adjusted.removal {
            let instant = |at: Option<Instant>| at.map(|at| at.to_string());
            object["adjusted"]["accountremoval"] =
                json!({ "before": instant(before), "after": instant(after) });
        }
    }
    if let Some(corrects) = record.corrects {
        object["corrects"] = corrects.to_string().into();
    }
    let parts = match &explanation.parts {
        Parts::Segments(clipped) => {
            let rows: Vec<_> = clipped
                .iter()
                .map(|part| {
                    json!({
                        "start": part.start.to_string(),
                        "end": part.end.to_string(),
                        "ms": part.used_ms,
                        "segmentstart": part.segment.start.to_string(),
                        "segmentend": part.segment.end.map(|end| end.to_string()),
                        "openedby": part.segment.opened_by.0,
                        "closedby": part.segment.closed_by.map(|event| event.0),
                    })
                })
                .collect();
            ("segments", rows)
        }
        Parts::Samples { differences, billed_before } => {
            object["billedbefore"] = (*billed_before).into();
            let rows: Vec<_> = differences
                .iter()
                .map(|part| {
                    json!({
                        "sampled": part.to.0.to_string(),
                        "counter": part.to.1,
                        "before": part.from.map(|(_, before)| before),
                        "bytes": part.bytes,
                        "restarted": part.restarted,
                    })
                })
                .collect();
            ("samples", rows)
        }
    };
    object[parts.0] = parts.1.into();
    object
}
