//! `export`: records into a file.

use std::{path::Path, process::ExitCode};

use cloudtally_aggregate::{CsvText, ExportFormat, ExportTarget, export};
use serde_json::json;

use super::{Context, print_json, selection};
use crate::{
    cli::{Export, FileFormat},
    console::{self, Unit, shown},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Export) -> Result<ExitCode, Failure> {
    if arguments.spreadsheet_safe && arguments.format != FileFormat::Csv {
        return Err(Failure::usage(
            "`--spreadsheet-safe` is about CSV; leave it out, or say `--format csv`",
        ));
    }
    let store = context.existing()?;
    let records = selection::records(&store, &arguments.selection)?;
    let target = if arguments.out == Path::new("-") {
        ExportTarget::Stdout
    } else {
        ExportTarget::File(arguments.out.clone())
    };
    let format = match arguments.format {
        FileFormat::Csv if arguments.spreadsheet_safe => {
            ExportFormat::Csv(CsvText::SpreadsheetSafe)
        }
        FileFormat::Csv => ExportFormat::Csv(CsvText::AsIs),
        FileFormat::Jsonl => ExportFormat::JsonLines,
        FileFormat::Parquet => ExportFormat::Parquet,
    };
    let bar = console::bar("exporting records", Unit::Count);
    bar.set_length(records.count());
    let written =
        export(&records, store.accounts()?, store.calendar()?, format, &target, &mut |written| {
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
