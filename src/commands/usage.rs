//! `usage`: totals as a table.

use std::process::ExitCode;

use cloudtally_aggregate::{GroupBy, Total, Totals, totals};
use cloudtally_model::{Unit, usage_type};
use cloudtally_store::{RecordSet, View};
use serde::{Serialize, Serializer, ser::SerializeMap};

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
        print_json(&AsJson { totals: Lines(&grouped_totals(&view, &records, &groups)?) })?;
    } else if records.count() == 0 {
        println!("no usage records in this selection; `cloudtally aggregate` publishes them");
    } else {
        print(&view, &records, &groups)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn grouped_totals(view: &View, records: &RecordSet, groups: &[GroupBy]) -> Result<Totals, Failure> {
    Ok(totals(records, view.accounts()?.as_ref(), view.store().calendar()?, groups)?)
}

/// Prints totals grouped, then the totals of each type if there are several lines.
pub(crate) fn print(view: &View, records: &RecordSet, groups: &[GroupBy]) -> Result<(), Failure> {
    let totals = grouped_totals(view, records, groups)?;
    let shown: Vec<usize> =
        (0..groups.len()).filter(|&index| groups[index] != GroupBy::Type).collect();
    let mut header: Vec<&str> = shown.iter().map(|&index| groups[index].name()).collect();
    header.extend(["usage type", "usage", "unit", "records"]);
    let numbers = [header.len() - 3, header.len() - 1];
    let mut output = table(&header, &numbers);
    let mut previous: Option<Total<'_>> = None;
    for total in totals.lines() {
        let mut row: Vec<String> = Vec::new();
        for (place, &index) in shown.iter().enumerate() {
            // A value repeated from the line above is left out, as on any bill.
            let same = previous.is_some_and(|before| {
                shown[..=place].iter().all(|&i| before.label(i) == total.label(i))
            });
            row.push(if same {
                String::new()
            } else {
                shown_text(total.label(index)).into_owned()
            });
        }
        row.extend(amount(total));
        output.add_row(row);
        previous = Some(total);
    }
    println!("{output}");
    if !shown.is_empty() {
        let mut sums = table(&["total", "usage", "unit", "records"], &[1, 3]);
        for total in totals.by_type().lines() {
            sums.add_row(amount(total));
        }
        println!("{sums}");
    }
    Ok(())
}

/// Type, quantity, unit and number of records of a line.
fn amount(total: Total<'_>) -> [String; 4] {
    let row = usage_type(total.usage_type()).expect("totals are made of records");
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
        grouped(&total.records().to_string()),
    ]
}

/// `7` as `7.000000`, so that the points of a column stand below each other.
fn with_decimals(hours: &str) -> String {
    let (integer, fraction) = hours.split_once('.').unwrap_or((hours, ""));
    format!("{integer}.{fraction:0<6}")
}

/// The totals for programs, line by line.
#[derive(Serialize)]
struct AsJson<'a> {
    totals: Lines<'a>,
}

struct Lines<'a>(&'a Totals);

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.lines().map(|total| Line { groups: self.0.groups(), total }))
    }
}

struct Line<'a> {
    groups: &'a [GroupBy],
    total: Total<'a>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { groups, total } = *self;
        let row = usage_type(total.usage_type()).expect("totals are made of records");
        let mut object = to.serialize_map(None)?;
        for (at, group) in groups.iter().enumerate() {
            if *group != GroupBy::Type {
                object.serialize_entry(group.name(), total.label(at))?;
            }
        }
        for (at, group) in groups.iter().enumerate() {
            // The column shows a name; programs join by the id.
            match group {
                GroupBy::Account => object.serialize_entry("accountid", total.key(at))?,
                GroupBy::Domain => object.serialize_entry("domainid", total.key(at))?,
                _ => {}
            }
        }
        if let Some(source) = total.source()
            && !groups.contains(&GroupBy::Source)
        {
            object.serialize_entry(GroupBy::Source.name(), source.as_str())?;
        }
        object.serialize_entry("usagetype", &row.id.0)?;
        object.serialize_entry("usage", &total.usage())?;
        // As text: JSON readers lose digits of numbers beyond 2^53.
        object.serialize_entry("quantity", &total.quantity().to_string())?;
        object.serialize_entry("unit", row.unit.name())?;
        object.serialize_entry("records", &total.records())?;
        object.end()
    }
}
