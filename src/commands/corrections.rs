//! `corrections`: what changed when periods were published again.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, BufWriter, Write},
    process::ExitCode,
    sync::Arc,
};

use cloudtally_model::{
    Calendar, Instant, Millis, Text, Unit, UsageRecord, UsageTypeId, hour_millionths, usage_type,
    write_millionths,
};
use cloudtally_store::{Accounts, CorrectionSet, ServedCorrection};
use serde_json::{Value, json};

use super::{Context, selection};
use crate::{
    cli::{CorrectionFormat, Corrections},
    console::{grouped, shown, table},
    failure::Failure,
};

/// Event ids that a line of the table shows.
const EVENTS_SHOWN: usize = 3;

pub(crate) fn run(context: &Context, arguments: &Corrections) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    let view = store.current();
    let set = selection::corrections(&view, &arguments.selection)?;
    let shower = Shower { set: &set, accounts: view.accounts()?, calendar: store.calendar()? };
    match arguments.format {
        CorrectionFormat::Csv if context.json() => {
            return Err(Failure::usage(
                "`--json` and `--format csv` contradict one another; leave one of them out",
            ));
        }
        CorrectionFormat::Table if !context.json() => shower.print(arguments.rows)?,
        CorrectionFormat::Table | CorrectionFormat::Json => shower.write_json()?,
        CorrectionFormat::Csv => shower.write_csv()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The sum over the corrections of a type.
#[derive(Default)]
struct Sum {
    before: i128,
    after: i128,
    count: u64,
}

struct Shower<'a> {
    set: &'a CorrectionSet,
    accounts: Arc<Accounts>,
    calendar: Calendar,
}

impl Shower<'_> {
    /// Calls `each` with all corrections; returns their sums by type.
    fn for_each(
        &self,
        mut each: impl FnMut(ServedCorrection) -> io::Result<()>,
    ) -> Result<BTreeMap<UsageTypeId, Sum>, Failure> {
        let mut sums: BTreeMap<UsageTypeId, Sum> = BTreeMap::new();
        let mut failed = None;
        self.set.for_each(&mut |served| {
            let found = &served.correction;
            let sum = sums.entry(found.record.usage_type).or_default();
            sum.before += i128::from(found.before.unwrap_or(0));
            sum.after += i128::from(found.after.unwrap_or(0));
            sum.count += 1;
            // Whoever reads has gone: nothing more is written.
            if failed.is_none() {
                failed = each(served).err();
            }
            Ok(())
        })?;
        match failed {
            Some(cause) => Err(Failure::Failed(cause.into())),
            None => Ok(sums),
        }
    }

    fn account(&self, served: &ServedCorrection) -> Text {
        let record = &served.correction.record;
        self.accounts.shown_name(self.set.sources().name(record.source), record.account)
    }

    /// Prints the last corrections and the sums of all.
    fn print(&self, most: usize) -> Result<(), Failure> {
        let mut last = VecDeque::new();
        let sums = self.for_each(|served| {
            last.push_back(served);
            if last.len() > most {
                last.pop_front();
            }
            Ok(())
        })?;
        if sums.is_empty() {
            println!("no corrections in this selection: nothing of it was published again");
            return Ok(());
        }
        let header = ["period", "account", "what", "before", "after", "unit", "cause", "published"];
        let mut output = table(&header, &[3, 4]);
        for served in last.iter().rev() {
            let found = &served.correction;
            let unit = found.record.row().unit;
            let amount = |quantity: Option<i64>| {
                quantity.map_or_else(|| "-".to_owned(), |quantity| decimal(quantity.into(), unit))
            };
            output.add_row([
                self.calendar.show(served.period.start),
                shown(&self.account(served)).into_owned(),
                described(&found.record, self.calendar),
                amount(found.before),
                amount(found.after),
                unit_name(unit).to_owned(),
                cause(served),
                date(served.published).unwrap_or_else(|| "-".to_owned()),
            ]);
        }
        println!("{output}");
        let count: u64 = sums.values().map(|sum| sum.count).sum();
        if count > last.len() as u64 {
            println!("{} of {count} corrections; --rows shows more", last.len());
        }
        let mut totals = table(
            &["usage type", "before", "after", "difference", "unit", "corrections"],
            &[1, 2, 3, 5],
        );
        for (id, sum) in &sums {
            let row = usage_type(*id).expect("corrections are made of records");
            totals.add_row([
                format!("{:>2} {}", row.id.0, row.description),
                grouped(&decimal(sum.before, row.unit)),
                grouped(&decimal(sum.after, row.unit)),
                difference(sum, row.unit),
                unit_name(row.unit).to_owned(),
                grouped(&sum.count.to_string()),
            ]);
        }
        println!("{totals}");
        Ok(())
    }

    /// Writes all corrections as one object, a correction at a time.
    fn write_json(&self) -> Result<(), Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        let put = |out: &mut dyn Write, text: &str| out.write_all(text.as_bytes());
        put(&mut out, "{\"corrections\": [").map_err(anyhow::Error::from)?;
        let mut is_first = true;
        let sums = self.for_each(|served| {
            let comma = if is_first { "\n" } else { ",\n" };
            is_first = false;
            put(&mut out, comma)?;
            serde_json::to_writer(&mut out, &self.as_json(&served))?;
            Ok(())
        })?;
        let totals: Vec<Value> = sums.iter().map(|(id, sum)| sum_as_json(*id, sum)).collect();
        let end = format!("\n], \"totals\": {}}}\n", Value::from(totals));
        put(&mut out, &end).and_then(|()| out.flush()).map_err(anyhow::Error::from)?;
        Ok(())
    }

    fn as_json(&self, served: &ServedCorrection) -> Value {
        let found = &served.correction;
        let record = &found.record;
        let text = |quantity: Option<i64>| quantity.map(|quantity| quantity.to_string());
        json!({
            "recordid": found.id.to_string(),
            "startdate": self.calendar.show(served.period.start),
            "enddate": self.calendar.show(served.period.end - Millis::SECOND),
            "generation": served.generation,
            "published": date(served.published),
            "source": self.set.sources().name(record.source).as_str(),
            "account": self.account(served).as_str(),
            "accountid": record.account.0,
            "usagetype": record.usage_type.0,
            "description": record.description(),
            "resourceid": record.resource.0,
            // As text: JSON readers lose digits of numbers beyond 2^53.
            "before": text(found.before),
            "after": text(found.after),
            "difference": found.difference().to_string(),
            "unit": record.row().unit.name(),
            "changes": found.changes.as_deref(),
            "cause": found.cause.as_name(),
            "events": found.events.iter().map(|event| event.0).collect::<Vec<_>>(),
            // Of an adjustment: the closed period that it corrects.
            "corrects": record.corrects.map(|start| self.calendar.show(start)),
        })
    }

    fn write_csv(&self) -> Result<(), Failure> {
        let mut out = csv::Writer::from_writer(io::stdout().lock());
        let written = |result: csv::Result<()>| result.map_err(io::Error::from);
        written(out.write_record(CSV_COLUMNS)).map_err(anyhow::Error::from)?;
        self.for_each(|served| {
            let row = self.as_json(&served);
            let cells = CSV_COLUMNS.map(|name| match &row[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                Value::Array(items) => {
                    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                    items.join(" ")
                }
                other => other.to_string(),
            });
            written(out.write_record(cells))
        })?;
        out.flush().map_err(anyhow::Error::from)?;
        Ok(())
    }
}

const CSV_COLUMNS: [&str; 19] = [
    "recordid",
    "startdate",
    "enddate",
    "generation",
    "published",
    "source",
    "account",
    "accountid",
    "usagetype",
    "description",
    "resourceid",
    "before",
    "after",
    "difference",
    "unit",
    "changes",
    "cause",
    "events",
    "corrects",
];

fn date(instant: Option<Instant>) -> Option<String> {
    instant.map(|instant| instant.to_string())
}

/// The record in words; of an adjustment with the closed period that it corrects.
fn described(record: &UsageRecord, calendar: Calendar) -> String {
    let mut text = shown(&record.description()).into_owned();
    if let Some(corrects) = record.corrects {
        text.push_str(&format!(" (corrects {})", calendar.show(corrects)));
    }
    text
}

/// `late events 3, 7`, and other fields that changed.
fn cause(served: &ServedCorrection) -> String {
    let found = &served.correction;
    let mut text = found.cause.as_name().to_owned();
    let ids: Vec<String> =
        found.events.iter().take(EVENTS_SHOWN).map(ToString::to_string).collect();
    if !ids.is_empty() {
        let rest = if found.events.len() > EVENTS_SHOWN { ", ..." } else { "" };
        text.push_str(&format!(" {}{rest}", ids.join(", ")));
    }
    if let Some(changes) = &found.changes {
        text.push_str(&format!("; {}", shown(changes)));
    }
    text
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Milliseconds => "hours",
        Unit::BytesSent | Unit::BytesReceived => "bytes",
    }
}

/// Hours or bytes.
fn decimal(quantity: i128, unit: Unit) -> String {
    let millionths = match unit {
        Unit::Milliseconds => hour_millionths(quantity),
        Unit::BytesSent | Unit::BytesReceived => quantity * 1_000_000,
    };
    let mut text = String::new();
    write_millionths(millionths, &mut text);
    text
}

fn difference(sum: &Sum, unit: Unit) -> String {
    grouped(&decimal(sum.after - sum.before, unit))
}

fn sum_as_json(id: UsageTypeId, sum: &Sum) -> Value {
    let row = usage_type(id).expect("corrections are made of records");
    json!({
        "usagetype": id.0,
        "before": sum.before.to_string(),
        "after": sum.after.to_string(),
        "difference": (sum.after - sum.before).to_string(),
        "unit": row.unit.name(),
        "corrections": sum.count,
    })
}
