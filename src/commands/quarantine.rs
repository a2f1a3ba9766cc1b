//! `quarantine`: rows that ingest set aside, by reason, and how to be rid of them.

use std::process::ExitCode;

use cloudtally_store::{QuarantineKind, QuarantinedRow};
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli::Quarantine,
    console::{self, shown},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Quarantine) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    let source = arguments.source.as_ref();
    if arguments.empty {
        let removed = console::writer(&store)?.empty_quarantine(source)?;
        match context.json() {
            true => print_json(&json!({ "removed": removed }))?,
            false => println!("{removed} rows removed from the quarantine"),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let kinds = store.quarantine_kinds(source)?;
    let rows = store.quarantined(source, arguments.rows)?;
    match context.json() {
        true => print_json(&as_json(&kinds, &rows))?,
        false => print(&kinds, &rows),
    }
    Ok(ExitCode::SUCCESS)
}

fn print(kinds: &[QuarantineKind], rows: &[QuarantinedRow]) {
    if kinds.is_empty() {
        println!("the quarantine is empty");
        return;
    }
    let mut table = console::table(&["source", "stream", "rows", "reason of the first"], &[2]);
    for kind in kinds {
        table.add_row([
            kind.source.to_string(),
            kind.stream.as_name().to_owned(),
            console::grouped(&(kind.kept + kind.not_kept).to_string()),
            shown(&kind.example).into_owned(),
        ]);
    }
    println!("{table}");
    if kinds.iter().any(|kind| kind.not_kept > 0) {
        println!("of each reason the first rows are kept, the others only counted");
    }
    for row in rows {
        println!("{} row {} ({}): {}", shown(&row.input), row.row, row.source, shown(&row.reason));
        println!("  {}", shown(&row.raw));
    }
    println!("correct them at their source and ingest the file again, then `quarantine --empty`");
}

fn as_json(kinds: &[QuarantineKind], rows: &[QuarantinedRow]) -> serde_json::Value {
    let kinds: Vec<_> = kinds
        .iter()
        .map(|kind| {
            json!({ "source": kind.source.as_str(), "stream": kind.stream.as_name(),
                    "rows": kind.kept + kind.not_kept, "kept": kind.kept, "example": kind.example })
        })
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({ "source": row.source.as_str(), "stream": row.stream.as_name(), "input": row.input,
                    "row": row.row, "reason": row.reason, "raw": row.raw })
        })
        .collect();
    json!({ "reasons": kinds, "rows": rows })
}
