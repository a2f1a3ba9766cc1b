//! `drop-samples`: readings that cannot be right, taken out of the lake.

use std::process::ExitCode;

use cloudtally_aggregate::{Drop, drop_samples};
use cloudtally_model::{AccountId, DeviceType, Instant, NetworkSample};
use cloudtally_store::{DroppedSample, SamplesAt};
use serde_json::json;

use super::{Context, print_json, selection};
use crate::{
    cli::DropSamples,
    console::{self, shown},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &DropSamples) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    selection::known_source(&store, &arguments.source)?;
    let wanted = SamplesAt {
        source: arguments.source.clone(),
        device: arguments.device,
        at: arguments.at,
        account: arguments.account.map(AccountId),
        address: arguments.address.as_deref().map(Into::into),
    };
    let how = if arguments.yes { Drop::Really } else { Drop::DryRun };
    let dropped = drop_samples(&console::writer(&store)?, &wanted, console::wall_clock_ms(), how)?;
    if context.json() {
        let samples: Vec<_> = dropped.iter().map(as_json).collect();
        print_json(&json!({ "done": arguments.yes, "samples": samples }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for sample in &dropped {
        println!("{}", told(sample));
    }
    if arguments.yes {
        let count = dropped.len();
        println!("{count} samples dropped; the next run that publishes a period bills what waited");
        println!("if there are corrected ones, ingest them before");
    } else {
        println!("{} samples would be dropped; add --yes to do it", dropped.len());
    }
    Ok(ExitCode::SUCCESS)
}

/// A sample for people: whose, when and what it said.
fn told(sample: &NetworkSample) -> String {
    let series = &sample.series;
    let name = match &series.device_type {
        DeviceType::Unknown => "device",
        known => known.as_name(),
    };
    let address = series.address.as_deref().map(|address| format!(", address {}", shown(address)));
    format!(
        "{name} {} (account {}, network {}{}) at {}: sent {}, received {}",
        series.device,
        series.account,
        series.network,
        address.unwrap_or_default(),
        sample.sampled,
        sample.bytes_sent,
        sample.bytes_received
    )
}

/// A sample that was dropped, for people.
pub(super) fn dropped_told(dropped: &DroppedSample) -> String {
    format!(
        "{} in source `{}`, by `drop-samples` on {}",
        told(&dropped.sample),
        dropped.source,
        Instant::from_millis(dropped.dropped_ms)
    )
}

/// A sample that was dropped, for programs.
pub(super) fn dropped_as_json(dropped: &DroppedSample) -> serde_json::Value {
    let mut object = as_json(&dropped.sample);
    object["source"] = dropped.source.as_str().into();
    object["dropped"] = Instant::from_millis(dropped.dropped_ms).to_string().into();
    object
}

fn as_json(sample: &NetworkSample) -> serde_json::Value {
    let series = &sample.series;
    json!({
        "account": series.account.0,
        "devicetype": series.device_type.as_name(),
        "device": series.device,
        "network": series.network.0,
        "address": series.address.as_deref(),
        "sampled": sample.sampled.to_string(),
        "sent": sample.bytes_sent,
        "received": sample.bytes_received,
    })
}
