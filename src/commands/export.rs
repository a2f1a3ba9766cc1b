//! `export`: records into a file.

use std::{path::Path, process::ExitCode};

use cloudtally_aggregate::{ExportTarget, export};
use serde_json::json;

use super::{Context, print_json, selection};
use crate::{
    cli::Export,
    console::{self, Unit, shown},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Export) -> Result<ExitCode, Failure> {
    let format = if arguments.spreadsheet_safe {
        let refusal = "`--spreadsheet-safe` is about CSV; leave it out, or say `--format csv`";
        arguments.format.spreadsheet_safe.ok_or_else(|| Failure::usage(refusal))?
    } else {
        arguments.format
    };
    let store = context.existing()?;
    let view = selection::view(&store, &arguments.as_of)?;
    let records = selection::records(&view, &arguments.selection)?;
    let target = if arguments.out == Path::new("-") {
        ExportTarget::Stdout
    } else {
        ExportTarget::File(arguments.out.clone())
    };
    let bar = console::bar("exporting records", Unit::Count);
    bar.set_length(records.count());
    let written =
        export(&records, view.accounts()?, store.calendar()?, format, &target, &mut |written| {
            bar.set_position(written)
        })?;
    bar.finish_and_clear();
    if let ExportTarget::File(path) = &target {
        if context.json() {
            print_json(&json!({ "records": written, "file": path.display().to_string() }))?;
        } else {
            println!("wrote {written} records to {}", shown(&path.display().to_string()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
