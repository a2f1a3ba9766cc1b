//! `check`: the lake against its checksums, and the records against each other.

use std::process::ExitCode;

use cloudtally_aggregate::{Periods, sanity_checks};
use cloudtally_store::Severity;
use serde_json::json;

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

pub(crate) fn run(context: &Context, arguments: &Check) -> Result<ExitCode, Failure> {
    let store = context.for_reading()?;
    let bar = console::bar("verifying files", Unit::Bytes);
    let damaged = store.verify(&mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let mut findings: Vec<(Severity, String)> = damaged
        .into_iter()
        .map(|finding| (finding.severity, format!("{}: {}", finding.path.display(), finding.text)))
        .collect();
    // Rows that are what was written, and yet no cloud could be opened with.
    if findings.iter().all(|(severity, _)| *severity != Severity::Error) {
        let faults =
            cloudtally_platform::engine::faults(&cloudtally_platform::TABLES, &store.kept()?);
        findings.extend(faults.into_iter().map(|fault| {
            (Severity::Error, format!("{fault}: restore the whole data folder from a backup"))
        }));
    }
    // Lines of the bill of our own cloud.
    let mut compared: Option<usize> = None;
    // Records of damaged files cannot be read, let alone checked.
    if findings.iter().all(|(severity, _)| *severity != Severity::Error) {
        let bar = console::bar("checking periods", Unit::Count);
        let concerns =
            sanity_checks(&store, Periods::All, console::present(&store)?, &mut |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            })?;
        bar.finish_and_clear();
        findings.extend(concerns.into_iter().map(|concern| {
            (
                concern.severity,
                format!("{}: {}; {}", concern.subject, concern.problem, concern.remedy),
            )
        }));
        if let Some(comparison) = ledger::compare(&store)? {
            compared = Some(comparison.lines);
            findings.extend(told(comparison.differences));
        }
    }
    let quarantined = store.quarantine_count()?;
    let anomalies = store.anomaly_count()?;
    let unmetered = store.unmetered_events()?;
    let dropped = store.dropped_samples()?;
    let worst = findings.iter().map(|(severity, _)| *severity).max();
    if context.json() {
        let rows: Vec<_> = findings
            .iter()
            .map(|(severity, text)| json!({ "severity": name(*severity), "text": text }))
            .collect();
        let quarantine: Vec<_> = store
            .quarantined(None, 1000)?
            .iter()
            .map(|row| {
                json!({ "source": row.source.as_str(), "input": row.input, "row": row.row, "reason": row.reason })
            })
            .collect();
        let odd: Vec<_> = store
            .anomalies(1000)?
            .iter()
            .map(|a| {
                json!({ "source": a.source.as_str(), "event": a.event.map(|e| e.0), "usagetype": a.usage_type.0,
                        "resource": a.resource.0, "at": a.at.to_string(), "text": a.text })
            })
            .collect();
        let without_meter: Vec<_> = unmetered
            .iter()
            .map(|events| {
                json!({ "source": events.source.as_str(), "type": events.event_type, "events": events.rows })
            })
            .collect();
        print_json(&json!({
            "findings": rows,
            "ledgerlines": compared,
            "quarantined": quarantined,
            "anomalies": anomalies,
            "quarantine": quarantine,
            "withoutmeter": without_meter,
            "dropped": dropped.iter().map(dropped_as_json).collect::<Vec<_>>(),
            "anomalylist": odd,
        }))?;
    } else {
        for (severity, text) in &findings {
            println!("{}: {}", name(*severity), shown(text));
        }
        if findings.is_empty() {
            println!("every file matches its checksum and every sum adds up");
            if let Some(lines) = compared {
                println!("the bill of the simulated cloud is what its tenants had: {lines} lines");
            }
        }
        if quarantined > 0 {
            println!("{quarantined} rows in quarantine, the latest:");
            for row in store.quarantined(None, SHOWN)? {
                let (input, reason) = (shown(&row.input), shown(&row.reason));
                println!("  {input} row {} ({}): {reason}", row.row, row.source);
            }
            println!("  correct them at their source and ingest the file again");
            println!("  `cloudtally quarantine` shows them by reason");
        }
        for events in &unmetered {
            println!(
                "{} events of the type {} ({}) are kept and not billed: nothing meters this type",
                events.rows,
                shown(&events.event_type),
                events.source
            );
        }
        if !dropped.is_empty() {
            println!("{} samples were dropped by hand, the latest:", dropped.len());
            for dropped in dropped.iter().rev().take(SHOWN) {
                println!("  {}", dropped_told(dropped));
            }
        }
        if anomalies > 0 {
            println!("{anomalies} anomalies in the history of resources, the latest:");
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
    }
    Ok(match worst {
        Some(Severity::Error) => ExitCode::FAILURE,
        _ if arguments.strict && (worst.is_some() || quarantined + anomalies > 0) => {
            found_something()
        }
        _ => ExitCode::SUCCESS,
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
