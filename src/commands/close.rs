//! `close`: days whose bill stays what it is.

use std::{env, process::ExitCode};

use cloudtally_aggregate::close;
use cloudtally_ingest::take_outbox;
use serde_json::json;

use super::{Context, periods::closing_as_json, print_json};
use crate::{
    cli::Close,
    console::{self, shown},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Close) -> Result<ExitCode, Failure> {
    let store = context.existing()?;
    let by = match &arguments.by {
        Some(by) => by.clone(),
        None => user()?,
    };
    let now = console::present(&store)?;
    let writer = console::writer(&store)?;
    // What our own cloud has told may belong to these days.
    take_outbox(&writer, console::wall_clock_ms())?;
    let reason = arguments.reason.as_deref();
    let wall_clock_ms = console::wall_clock_ms();
    let closing = close(&writer, arguments.through, (&by, reason), now, wall_clock_ms)?;
    let calendar = store.calendar()?;
    if context.json() {
        print_json(&json!({ "closing": closing_as_json(&closing, calendar) }))?;
    } else {
        println!("{}", shown(&closing.told(calendar)));
        println!(
            "  what arrives late for them becomes adjustments in the period that begins at {}",
            calendar.show(closing.through)
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The user of the system, by name.
fn user() -> Result<String, Failure> {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|name| env::var(name).ok());
    let mut named = named.filter(|name| !name.trim().is_empty());
    named.next().ok_or_else(|| {
        Failure::usage("the system does not tell the user's name; say who closes with `--by NAME`")
    })
}
