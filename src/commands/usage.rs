//! `usage`: totals as a table.

use std::process::ExitCode;

use cloudtally_aggregate::{GroupBy, Total, totals};
use cloudtally_model::{Unit, usage_type};
use cloudtally_store::{RecordSet, View};
use serde_json::json;

use super::{Context, print_json, selection};
use crate::{
    cli::Usage,
    console::{grouped, shown as shown_text, table},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Usage) -> Result<ExitCode, Failure> {
    let groups = arguments
        .group_by
        .iter()
        .map(|name| GroupBy::from_name(name.trim()))
        .collect::<Result<Vec<_>, _>>()?;
    let store = context.existing()?;
    let view = selection::view(&store, &arguments.as_of)?;
    let records = selection::records(&view, &arguments.selection)?;
    if context.json() {
        let totals = grouped_totals(&view, &records, &groups)?;
        let rows: Vec<_> = totals.iter().map(|total| as_json(total, &groups)).collect();
        print_json(&json!({ "totals": rows }))?;
    } else if records.count() == 0 {
        println!("no usage records in this selection; `cloudtally aggregate` publishes them");
    } else {
        print(&view, &records, &groups)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn grouped_totals(
    view: &View,
    records: &RecordSet,
    groups: &[GroupBy],
) -> Result<Vec<Total>, Failure> {
    Ok(totals(records, view.accounts()?.as_ref(), view.store().calendar()?, groups)?)
}

/// Prints totals grouped, then the totals of each type if there are several lines.
pub(crate) fn print(view: &View, records: &RecordSet, groups: &[GroupBy]) -> Result<(), Failure> {
    let lines = grouped_totals(view, records, groups)?;
    let shown: Vec<usize> =
        (0..groups.len()).filter(|&index| groups[index] != GroupBy::Type).collect();
    let mut header: Vec<&str> = shown.iter().map(|&index| groups[index].name()).collect();
    header.extend(["usage type", "usage", "unit", "records"]);
    let numbers = [header.len() - 3, header.len() - 1];
    let mut output = table(&header, &numbers);
    let mut previous: Option<&Total> = None;
    for total in &lines {
        let mut row: Vec<String> = Vec::new();
        for (place, &index) in shown.iter().enumerate() {
            // A value repeated from the line above is left out, as on any bill.
            let same = previous.is_some_and(|before| {
                shown[..=place].iter().all(|&i| before.group[i] == total.group[i])
            });
            row.push(if same {
                String::new()
            } else {
                shown_text(&total.group[index]).into_owned()
            });
        }
        row.extend(amount(total));
        output.add_row(row);
        previous = Some(total);
    }
    println!("{output}");
    if !shown.is_empty() {
        let mut sums = table(&["total", "usage", "unit", "records"], &[1, 3]);
        for total in grouped_totals(view, records, &[GroupBy::Type])? {
            sums.add_row(amount(&total));
        }
        println!("{sums}");
    }
    Ok(())
}

/// Type, quantity, unit and number of records of a line.
fn amount(total: &Total) -> [String; 4] {
    let row = usage_type(total.usage_type).expect("totals are made of records");
    let usage = total.usage();
    let number = usage.split(' ').next().unwrap_or("");
    let (number, unit) = match row.unit {
        Unit::Milliseconds => (with_decimals(number), "hours"),
        Unit::BytesSent | Unit::BytesReceived => (number.to_owned(), "bytes"),
    };
    [
        format!("{:>2} {}", row.id.0, row.description),
        grouped(&number),
        unit.to_owned(),
        grouped(&total.records.to_string()),
    ]
}

/// `7` as `7.000000`, so that the points of a column stand below each other.
fn with_decimals(hours: &str) -> String {
    let (integer, fraction) = hours.split_once('.').unwrap_or((hours, ""));
    format!("{integer}.{fraction:0<6}")
}

fn as_json(total: &Total, groups: &[GroupBy]) -> serde_json::Value {
    let row = usage_type(total.usage_type).expect("totals are made of records");
    let mut object = serde_json::Map::new();
    for (group, value) in groups.iter().zip(&total.group) {
        if *group != GroupBy::Type {
            object.insert(group.name().to_owned(), value.as_str().into());
        }
    }
    for (group, key) in groups.iter().zip(&total.keys) {
        // The column shows a name; programs join by the id.
        if matches!(group, GroupBy::Account | GroupBy::Domain) {
            object.insert(format!("{}id", group.name()), key.as_str().into());
        }
    }
    if let Some(source) = &total.source {
        object.insert(GroupBy::Source.name().to_owned(), source.as_str().into());
    }
    object.insert("usagetype".into(), row.id.0.into());
    object.insert("usage".into(), total.usage().into());
    // As text: JSON readers lose digits of numbers beyond 2^53.
    object.insert("quantity".into(), total.quantity.to_string().into());
    object.insert("unit".into(), row.unit.name().into());
    object.insert("records".into(), total.records.into());
    object.into()
}
