//! `periods`: what is final, and what is not.

use std::{io, process::ExitCode};

use cloudtally_aggregate::{PeriodRow, PeriodState, periods};
use cloudtally_model::{Calendar, Instant, Millis, Period};
use cloudtally_store::{Closing, RecordWindow};
use serde_json::json;

use super::{Context, print_json, selection};
use crate::{
    cli::{ListFormat, Periods},
    console::{self, grouped, shown, table},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Periods) -> Result<ExitCode, Failure> {
    if context.json() && arguments.format == ListFormat::Csv {
        return Err(Failure::usage("`--json` and `--format csv` exclude each other; give one"));
    }
    let store = context.for_reading()?;
    let calendar = store.calendar()?;
    let RecordWindow { from, to } = selection::window(calendar, arguments.from, arguments.to)?;
    let window = Period { start: from, end: to + Millis::SECOND };
    let rows = periods(&store, console::present(&store)?, window)?;
    match arguments.format {
        ListFormat::Csv => print_csv(&rows, calendar)?,
        ListFormat::Table if !context.json() => print_table(&rows, calendar),
        ListFormat::Table | ListFormat::Json => {
            let closing = store.closings()?.pop();
            let rows: Vec<_> = rows.iter().map(|row| as_json(row, calendar)).collect();
            let through = closing.map(|closing| closing_as_json(&closing, calendar));
            print_json(&json!({ "periods": rows, "closing": through }))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The columns of a row, as texts; empty where there is nothing to say.
fn cells(row: &PeriodRow, calendar: Calendar) -> [String; 11] {
    let number = |number: Option<u32>| number.map_or_else(String::new, |n| n.to_string());
    let corrects: Vec<String> = row.corrects.iter().map(|at| calendar.show(*at)).collect();
    let closing = row.closing.as_ref();
    [
        calendar.show(row.extent.start),
        calendar.show(row.extent.end),
        row.periods.to_string(),
        state(row).to_owned(),
        number(row.generation),
        number(row.restated),
        row.records.to_string(),
        corrects.join(" "),
        closing.map_or_else(String::new, |closing| closing.by.clone()),
        closing.map_or_else(String::new, |c| Instant::from_millis(c.closed_ms).to_string()),
        closing.and_then(|closing| closing.reason.clone()).unwrap_or_default(),
    ]
}

const COLUMNS: [&str; 11] = [
    "start",
    "end",
    "periods",
    "state",
    "generation",
    "restated",
    "records",
    "corrects",
    "closedby",
    "closed",
    "reason",
];

fn state(row: &PeriodRow) -> &'static str {
    match row.state {
        PeriodState::Closed if row.waits => "closed, late events wait",
        state => state.as_name(),
    }
}

fn print_table(rows: &[PeriodRow], calendar: Calendar) {
    if rows.is_empty() {
        println!("no period is over there");
        return;
    }
    let mut output = table(&COLUMNS, &[2, 4, 5, 6]);
    for row in rows {
        let mut cells = cells(row, calendar).map(|cell| shown(&cell).into_owned());
        cells[2] = grouped(&cells[2]);
        cells[6] = grouped(&cells[6]);
        output.add_row(cells);
    }
    println!("{output}");
}

fn print_csv(rows: &[PeriodRow], calendar: Calendar) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(io::stdout().lock());
    let failed = |error: csv::Error| Failure::Failed(error.into());
    writer.write_record(COLUMNS).map_err(failed)?;
    for row in rows {
        writer.write_record(cells(row, calendar)).map_err(failed)?;
    }
    writer.flush().map_err(|error| Failure::Failed(error.into()))
}

fn as_json(row: &PeriodRow, calendar: Calendar) -> serde_json::Value {
    let corrects: Vec<String> = row.corrects.iter().map(|at| calendar.show(*at)).collect();
    json!({
        "start": calendar.show(row.extent.start),
        "end": calendar.show(row.extent.end),
        "periods": row.periods,
        "state": row.state.as_name(),
        "generation": row.generation,
        "restated": row.restated,
        "records": row.records,
        "waits": row.waits,
        "corrects": corrects,
        "closing": row.closing.as_ref().map(|closing| closing_as_json(closing, calendar)),
    })
}

/// A closing, for programs.
pub(super) fn closing_as_json(closing: &Closing, calendar: Calendar) -> serde_json::Value {
    json!({
        "through": calendar.date_of(closing.through - Millis::SECOND).to_string(),
        "closed": Instant::from_millis(closing.closed_ms).to_string(),
        "by": closing.by,
        "reason": closing.reason,
    })
}
