//! `check`: the lake against its checksums, and the records against each other.

use std::{path::Path, process::ExitCode};

use cloudtally_aggregate::{
    InventoryReport, Periods, Unmatched, beside_inventory, beside_ledger, sanity_checks,
};
use cloudtally_ingest::{Input, read_inventory};
use cloudtally_model::{SourceName, hours, usage_type};
use cloudtally_store::{DroppedSample, Severity, Store, UnmeteredEvents};
use serde_json::{Value, json};

use super::{
    Context,
    drop_samples::{dropped_as_json, dropped_told},
    print_json,
};
use crate::{
    cli::Check,
    console::{self, Unit, shown},
    failure::{Failure, found_something},
    ledger,
};

/// Rows of the quarantine and anomalies shown.
const SHOWN: usize = 5;
/// Rows of them listed as JSON.
const LISTED: usize = 1000;

pub(crate) fn run(context: &Context, arguments: &Check) -> Result<ExitCode, Failure> {
    let store = context.for_reading()?;
    let mut findings = damage(&store)?;
    // Records of damaged files cannot be read, let alone checked.
    if findings.worst() != Some(Severity::Error) {
        numbers(&store, arguments, &mut findings)?;
    }
    let kept = Kept::read(&store)?;
    if context.json() {
        print_json(&as_json(&store, &findings, &kept)?)?;
    } else {
        findings.print();
        kept.print(&store)?;
    }
    let worst = findings.worst();
    Ok(match worst {
        Some(Severity::Error) => ExitCode::FAILURE,
        _ if arguments.strict && (worst.is_some() || kept.quarantined + kept.anomalies > 0) => {
            found_something()
        }
        _ => ExitCode::SUCCESS,
    })
}

/// Everything that does not add up, and what was compared to find it.
#[derive(Default)]
struct Findings {
    lines: Vec<(Severity, String)>,
    /// Lines of the bill of our own cloud that were held against its ledger.
    ledger_lines: Option<usize>,
    inventory: Option<InventoryReport>,
}

impl Findings {
    fn worst(&self) -> Option<Severity> {
        self.lines.iter().map(|(severity, _)| *severity).max()
    }

    fn print(&self) {
        for (severity, text) in &self.lines {
            println!("{}: {}", name(*severity), shown(text));
        }
        if self.lines.is_empty() {
            println!("every file matches its checksum and every sum adds up");
            if let Some(lines) = self.ledger_lines {
                println!("the bill of the simulated cloud is what its tenants had: {lines} lines");
            }
        }
        if let Some(report) = &self.inventory {
            print_inventory(report);
        }
    }
}

/// Holds files and catalogue against their checksums.
fn damage(store: &Store) -> Result<Findings, Failure> {
    let bar = console::bar("verifying files", Unit::Bytes);
    let damaged = store.verify(&mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let lines = damaged
        .into_iter()
        .map(|finding| (finding.severity, format!("{}: {}", finding.path.display(), finding.text)))
        .collect();
    let mut findings = Findings { lines, ..Findings::default() };
    // Rows that are what was written, and yet no cloud could be opened with.
    if findings.worst() != Some(Severity::Error) {
        let faults =
            cloudtally_platform::engine::faults(&cloudtally_platform::TABLES, &store.kept()?);
        findings.lines.extend(faults.into_iter().map(|fault| {
            (Severity::Error, format!("{fault}: restore the whole data folder from a backup"))
        }));
    }
    Ok(findings)
}

/// Holds records against each other, the ledger of the own cloud and an inventory.
fn numbers(store: &Store, arguments: &Check, findings: &mut Findings) -> Result<(), Failure> {
    let bar = console::bar("checking periods", Unit::Count);
    let concerns =
        sanity_checks(store, Periods::All, console::present(store)?, &mut |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        })?;
    bar.finish_and_clear();
    findings.lines.extend(concerns.into_iter().map(|concern| {
        (concern.severity, format!("{}: {}; {}", concern.subject, concern.problem, concern.remedy))
    }));
    if let Some(comparison) = ledger::compare(store)? {
        findings.ledger_lines = Some(comparison.lines);
        findings.lines.extend(told(comparison.differences));
        let own = ledger::own_cloud()?;
        let report = beside_ledger(store, &own, &store.ledger()?)?;
        findings.lines.extend(unmatched(&report, "the simulated cloud", Severity::Error));
    }
    if let Some(file) = &arguments.inventory {
        let (told, report) = inventory(store, file, &arguments.source)?;
        findings.lines.extend(told);
        findings.inventory = Some(report);
    }
    Ok(())
}

/// Rows that the folder keeps and does not bill, or bills with a note.
struct Kept {
    quarantined: u64,
    anomalies: u64,
    unmetered: Vec<UnmeteredEvents>,
    dropped: Vec<DroppedSample>,
}

impl Kept {
    fn read(store: &Store) -> Result<Self, Failure> {
        Ok(Self {
            quarantined: store.quarantine_count()?,
            anomalies: store.anomaly_count()?,
            unmetered: store.unmetered_events()?,
            dropped: store.dropped_samples()?,
        })
    }

    fn print(&self, store: &Store) -> Result<(), Failure> {
        if self.quarantined > 0 {
            println!("{} rows in quarantine, the latest:", self.quarantined);
            for row in store.quarantined(None, SHOWN)? {
                let (input, reason) = (shown(&row.input), shown(&row.reason));
                println!("  {input} row {} ({}): {reason}", row.row, row.source);
            }
            println!("  correct them at their source and ingest the file again");
            println!("  `cloudtally quarantine` shows them by reason");
        }
        for events in &self.unmetered {
            println!(
                "{} events of the type {} ({}) are kept and not billed: nothing meters this type",
                events.rows,
                shown(&events.event_type),
                events.source
            );
        }
        if !self.dropped.is_empty() {
            println!("{} samples were dropped by hand, the latest:", self.dropped.len());
            for dropped in self.dropped.iter().rev().take(SHOWN) {
                println!("  {}", dropped_told(dropped));
            }
        }
        if self.anomalies > 0 {
            println!("{} anomalies in the history of resources, the latest:", self.anomalies);
            for anomaly in store.anomalies(SHOWN)? {
                let event = anomaly.event.map(|id| format!("event {id} ")).unwrap_or_default();
                println!(
                    "  {} {event}({}, resource {}): {}",
                    anomaly.at,
                    anomaly.source,
                    anomaly.resource,
                    shown(&anomaly.text)
                );
            }
        }
        Ok(())
    }
}

fn as_json(store: &Store, findings: &Findings, kept: &Kept) -> Result<Value, Failure> {
    let rows: Vec<_> = findings
        .lines
        .iter()
        .map(|(severity, text)| json!({ "severity": name(*severity), "text": text }))
        .collect();
    let quarantine: Vec<_> = store
        .quarantined(None, LISTED)?
        .iter()
        .map(|row| {
            json!({ "source": row.source.as_str(), "input": row.input, "row": row.row, "reason": row.reason })
        })
        .collect();
    let odd: Vec<_> = store
        .anomalies(LISTED)?
        .iter()
        .map(|a| {
            json!({ "source": a.source.as_str(), "event": a.event.map(|e| e.0), "usagetype": a.usage_type.0,
                    "resource": a.resource.0, "at": a.at.to_string(), "text": a.text })
        })
        .collect();
    let without_meter: Vec<_> = kept
        .unmetered
        .iter()
        .map(|events| {
            json!({ "source": events.source.as_str(), "type": events.event_type, "events": events.rows })
        })
        .collect();
    Ok(json!({
        "findings": rows,
        "ledgerlines": findings.ledger_lines,
        "inventory": findings.inventory.as_ref().map(inventory_as_json),
        "quarantined": kept.quarantined,
        "anomalies": kept.anomalies,
        "quarantine": quarantine,
        "withoutmeter": without_meter,
        "dropped": kept.dropped.iter().map(dropped_as_json).collect::<Vec<_>>(),
        "anomalylist": odd,
    }))
}

/// Holds what is billed of a source against a list of what it has in use now.
fn inventory(
    store: &Store,
    file: &Path,
    source: &SourceName,
) -> Result<(Vec<(Severity, String)>, InventoryReport), Failure> {
    let list = read_inventory(&Input::from_argument(file.to_path_buf()))
        .map_err(|fault| Failure::Failed(fault.into()))?;
    let name = file.display();
    let bad = list.bad.iter().map(|(row, reason)| {
        (Severity::Error, format!("{name} row {row} is not compared: {reason}"))
    });
    let mut told: Vec<_> = bad.collect();
    let report = beside_inventory(store, source, &list.uses, console::present(store)?)?;
    told.extend(unmatched(&report, &name.to_string(), Severity::Warning));
    Ok((told, report))
}

/// One line for each use that the bill or `list` alone has.
fn unmatched(report: &InventoryReport, list: &str, severity: Severity) -> Vec<(Severity, String)> {
    let billed = |of: &Unmatched| hours(of.billed_ms.unsigned_abs());
    let ghosts = report.ghosts.iter().map(|ghost| {
        let since = ghost.since.map_or_else(String::new, |since| format!(" since {since}"));
        format!(
            "{ghost} is open{since} and billed for {} h, and is not in {list}; if it is gone, tell of its end with `cloudtally ingest corrections`",
            billed(ghost)
        )
    });
    let unbilled = report.unbilled.iter().map(|live| {
        let since = match live.since {
            Some(since) => format!("its use ended at {since}, {} h were billed", billed(live)),
            None => "no event tells of its use".to_owned(),
        };
        format!(
            "{live} is in {list} and is not billed: {since}; if it is in use, tell of that with `cloudtally ingest corrections`"
        )
    });
    ghosts.chain(unbilled).map(|text| (severity, text)).collect()
}

fn print_inventory(report: &InventoryReport) {
    println!(
        "{} uses are both billed and in the inventory; {} are billed alone, {} listed alone",
        report.matched,
        report.ghosts.len(),
        report.unbilled.len()
    );
    if !report.not_compared.is_empty() {
        let names = report.not_compared.iter().filter_map(|id| usage_type(*id));
        let names: Vec<&str> = names.map(|row| row.constant).collect();
        println!("  not compared, as the inventory does not name them: {}", names.join(", "));
    }
}

fn inventory_as_json(report: &InventoryReport) -> Value {
    let row = |of: &Unmatched| {
        json!({ "usagetype": of.usage_type.0, "resource": of.resource.0, "zoneid": of.zone.number(),
                "nicid": (of.nic.0 != 0).then_some(of.nic.0), "accountid": of.account.map(|id| id.0),
                "name": of.name, "since": of.since.map(|at| at.to_string()), "billedms": of.billed_ms })
    };
    json!({
        "matched": report.matched,
        "ghosts": report.ghosts.iter().map(row).collect::<Vec<_>>(),
        "unbilled": report.unbilled.iter().map(row).collect::<Vec<_>>(),
        "notcompared": report.not_compared.iter().map(|id| id.0).collect::<Vec<_>>(),
    })
}

/// The first lines in which the bill is not what was had, and how many there are.
fn told(mut differences: Vec<String>) -> Vec<(Severity, String)> {
    let count = differences.len();
    differences.truncate(SHOWN);
    for line in &mut differences {
        line.insert_str(0, "the bill of the simulated cloud is not what was had: ");
    }
    if count > SHOWN {
        differences.push(format!("{count} lines of the bill are not what was had"));
    }
    differences.into_iter().map(|line| (Severity::Error, line)).collect()
}

fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
