//! `sheet`: what a published day adds up to, three ways, and what it was made from.

use std::process::ExitCode;

use cloudtally_aggregate::AggregateError;
use cloudtally_model::{Period, Unit, usage_type};
use cloudtally_store::{DaySheet, PublishedPeriod, SheetLine};
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli::Sheet,
    console::{grouped, table},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Sheet) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    let (start, end) = store.calendar()?.day_bounds(arguments.day).map_err(AggregateError::from)?;
    let snapshot = store.snapshot()?;
    let of_day = |known: &&PublishedPeriod| start <= known.period.start && known.period.end <= end;
    let mut sheets = Vec::new();
    for known in snapshot.periods.iter().filter(of_day) {
        sheets.push((known, store.sheet(known)?));
    }
    if context.json() {
        let rows: Vec<_> = sheets.iter().map(|(known, sheet)| as_json(known, sheet)).collect();
        print_json(&json!({ "sheets": rows }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if sheets.is_empty() {
        let is_empty =
            snapshot.stretches.iter().any(|e| e.extent.start <= start && end <= e.extent.end);
        let why = if is_empty { "nothing was used on" } else { "nothing is published of" };
        println!("{why} {}, so there is no sheet of it", arguments.day);
    }
    for (known, sheet) in &sheets {
        let Period { start, end } = known.period;
        println!("{start} to {end}, generation {}", known.generation);
        match sheet {
            Some(sheet) => print(sheet),
            None => println!(
                "published by an earlier version, without a sheet; `cloudtally aggregate --rebuild` makes one"
            ),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(sheet: &DaySheet) {
    let header = [
        "source",
        "type",
        "usage type",
        "unit",
        "in records",
        "in segments",
        "recomputed",
        "began",
        "ended",
        "open at the end",
    ];
    let mut output = table(&header, &[1, 4, 5, 6, 7, 8, 9]);
    for line in &sheet.usage {
        output.add_row(cells(line));
    }
    println!("{output}");
    let events = sheet.events;
    println!(
        "{} events: {} used, {} of types that nothing meters, {} odd",
        grouped(&events.accepted.to_string()),
        grouped(&events.used.to_string()),
        grouped(&events.without_meter.to_string()),
        grouped(&events.anomalies.to_string())
    );
    for (files, title) in [(&sheet.inputs, "made from"), (&sheet.outputs, "written")] {
        println!("{title}:");
        for file in files {
            println!("  {}  {}", file.sha256, file.path.display());
        }
    }
}

fn cells(line: &SheetLine) -> [String; 10] {
    let row = usage_type(line.usage_type());
    let unit = row.map_or(Unit::Milliseconds, |row| row.unit);
    let number = |number: i128| grouped(&number.to_string());
    let count = |count: i64| match unit {
        Unit::Milliseconds => number(count.into()),
        Unit::BytesSent | Unit::BytesReceived => String::new(),
    };
    [
        line.source.clone(),
        line.usage_type.to_string(),
        row.map_or_else(String::new, |row| row.constant.to_owned()),
        unit.name().to_owned(),
        number(line.records),
        number(line.segments),
        line.recomputed.map_or_else(String::new, |ms| number(ms.into())),
        count(line.opened),
        count(line.closed),
        count(line.open_at_end),
    ]
}

fn as_json(known: &PublishedPeriod, sheet: &Option<DaySheet>) -> serde_json::Value {
    json!({
        "startdate": known.period.start.to_string(),
        "enddate": known.period.end.to_string(),
        "generation": known.generation,
        "sheet": sheet,
    })
}
