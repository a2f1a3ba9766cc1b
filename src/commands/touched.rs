//! `explain --event` and `explain --resource`: the records that they touched.

use std::collections::BTreeSet;

use cloudtally_aggregate::{Lines, Touched, TouchedRecord, touched_by_event, touched_resource};
use cloudtally_model::{EventId, ResourceId, SourceName};
use cloudtally_store::{MendedEvent, RecordFilter, View};
use serde_json::{Value, json};

use super::{Context, mended, print_json, selection};
use crate::{
    cli::Explain,
    console::{shown, table},
    failure::Failure,
};

/// Shows the records of the event or the resource that the arguments name.
pub(super) fn run(context: &Context, view: &View, arguments: &Explain) -> Result<(), Failure> {
    let touched = match (arguments.event, arguments.resource) {
        (Some(event), _) => touched_by_event(view, EventId(event), arguments.source.as_ref())?,
        (None, Some(resource)) => {
            let calendar = view.store().calendar()?;
            let window = selection::window(calendar, arguments.from, arguments.to)?;
            let filter = RecordFilter {
                source: arguments.source.clone(),
                accounts: None,
                usage_type: arguments.usage_type,
            };
            touched_resource(view, ResourceId(resource), window, &filter)?
        }
        (None, None) => {
            let text = "there is nothing to explain; name a RECORDID, `--event` or `--resource`";
            return Err(Failure::usage(text));
        }
    };
    print(context, view, &touched, arguments)
}

/// The mends of the event that is asked for, in the sources that may have it.
fn mends(view: &View, touched: &Touched, arguments: &Explain) -> Result<Vec<MendedEvent>, Failure> {
    let events: BTreeSet<EventId> = arguments.event.map(EventId).into_iter().collect();
    let is_asked = |source: &&SourceName| arguments.source.as_ref().is_none_or(|s| s == *source);
    let mut all = Vec::new();
    for source in touched.sources.names().iter().filter(is_asked) {
        all.extend(mended::mends(view.store(), source, &events)?);
    }
    Ok(all)
}

fn print(
    context: &Context,
    view: &View,
    touched: &Touched,
    arguments: &Explain,
) -> Result<(), Failure> {
    let by_event = arguments.event.is_some();
    let mends = mends(view, touched, arguments)?;
    let calendar = view.store().calendar()?;
    let mut lines = Lines::new(calendar, touched.sources.clone(), view.accounts()?);
    if !context.json() && touched.records.is_empty() {
        println!("no published record comes of it");
        mended::print(&mends);
        return Ok(());
    }
    let mut header = vec!["record", "from", "to", "account", "what", "usage"];
    if by_event {
        header.push("event");
    }
    let mut output = table(&header, &[]);
    let mut rows: Vec<Value> = Vec::new();
    for one in &touched.records {
        let line = lines.line(&one.served);
        if context.json() {
            let mut row = json!({
                "recordid": line.record_id.to_string(),
                "startdate": &*line.start.1,
                "enddate": &*line.end.1,
                "source": line.source.as_str(),
                "account": line.account.as_str(),
                "accountid": line.account_id,
                "usagetype": line.usage_type.0,
                "description": line.description,
                "usage": line.usage,
                "quantity": line.quantity.to_string(),
                "unit": line.unit,
                "generation": line.generation,
            });
            if by_event {
                row["begins"] = one.is_begun.into();
                row["ends"] = one.is_ended.into();
            }
            rows.push(row);
            continue;
        }
        let mut cells = vec![
            line.record_id.to_string(),
            line.start.1.to_string(),
            line.end.1.to_string(),
            shown(&line.account).into_owned(),
            shown(&line.description).into_owned(),
            line.usage.clone(),
        ];
        if by_event {
            cells.push(role(one).to_owned());
        }
        output.add_row(cells);
    }
    if context.json() {
        let mut object = json!({ "records": rows });
        if !mends.is_empty() {
            object["mended"] = mended::as_json(&mends);
        }
        return print_json(&object);
    }
    println!("{output}");
    mended::print(&mends);
    Ok(())
}

fn role(one: &TouchedRecord) -> &'static str {
    match (one.is_begun, one.is_ended) {
        (true, true) => "ends one stretch of it and begins another",
        (true, false) => "begins a stretch of it",
        (false, _) => "ends a stretch of it",
    }
}
