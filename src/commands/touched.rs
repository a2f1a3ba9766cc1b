//! `explain --event` and `explain --resource`: the records that they touched.

use cloudtally_aggregate::{Lines, Touched, TouchedRecord, touched_by_event, touched_resource};
use cloudtally_model::{EventId, ResourceId};
use cloudtally_store::{RecordFilter, View};
use serde_json::{Value, json};

use super::{Context, print_json, selection};
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
    print(context, view, &touched, arguments.event.is_some())
}

fn print(context: &Context, view: &View, touched: &Touched, by_event: bool) -> Result<(), Failure> {
    let calendar = view.store().calendar()?;
    let mut lines = Lines::new(calendar, touched.sources.clone(), view.accounts()?);
    if !context.json() && touched.records.is_empty() {
        println!("no published record comes of it");
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
        return print_json(&json!({ "records": rows }));
    }
    println!("{output}");
    Ok(())
}

fn role(one: &TouchedRecord) -> &'static str {
    match (one.is_begun, one.is_ended) {
        (true, true) => "ends one stretch of it and begins another",
        (true, false) => "begins a stretch of it",
        (false, _) => "ends a stretch of it",
    }
}
