//! `demo`: the main job in one go.

use std::{path::Path, process::ExitCode};

use cloudtally_aggregate::{ExportFormat, ExportTarget, GroupBy, export};
use cloudtally_model::{Calendar, Instant, Millis};
use cloudtally_platform::{engine::Start, tenants::Tenants};
use cloudtally_serve::{NewCloud, Pace, open_cloud, run_cloud, signed_query};
use cloudtally_store::{AdminKeys, RecordFilter, RecordWindow, Store};

use super::{Context, serve, serve::Ports, usage};
use crate::{
    cli::Demo,
    console::{self, Unit},
    failure::Failure,
    ledger,
};

/// Tenants of the demo's cloud.
const TENANTS: u32 = 8;
/// The demo is the same cloud every time.
const SEED: u64 = 42;
/// The first instant of the demo's cloud.
const START: &str = "2026-01-01T00:00:00Z";
const DAYS: i64 = 31;

pub(crate) fn run(context: &Context, arguments: &Demo) -> Result<ExitCode, Failure> {
    let dir = &context.data;
    println!(
        "Cloudtally demo: {TENANTS} tenants use a simulated cloud for a month, in {}\n",
        dir.display()
    );
    let store = context.open()?;
    let calendar = store.calendar()?;
    let start = Instant::parse(START).map_err(|error| Failure::usage(error.to_string()))?;
    let end = start + Millis(DAYS * Millis::DAY.0);

    println!(
        "1. live: tenants call the API's commands, a usage job each night bills the day before"
    );
    let (keys, _) = serve::keys(&store)?;
    let pace = Pace::Simulated { speed: 0, start };
    let opened = open_cloud(&store, new_cloud(), pace, &keys)?;
    let tenants = Tenants::new(SEED, TENANTS, opened.cloud.clock());
    let bar = console::bar("days", Unit::Count);
    bar.set_length(DAYS.unsigned_abs());
    // An hour more, for the job of the last night.
    run_cloud(&store, &opened, Some(tenants), end + Millis::HOUR, &mut |at| {
        bar.set_position((at.since(start).0 / Millis::DAY.0).unsigned_abs());
    })?;
    bar.finish_and_clear();
    drop(opened);

    println!("2. the bill beside what the tenants really had\n");
    match ledger::compare(&store)? {
        Some(comparison) => ledger::print(&comparison),
        None => println!("nothing was used"),
    }
    let days = (start, end - Millis(1));

    println!("\n3. the bill\n");
    let all = RecordFilter::default();
    let everything = RecordWindow { from: Instant::EPOCH, to: Instant::END_OF_TIME };
    let records = store.records(everything, &all)?;
    usage::print(&store.current(), &records, &[GroupBy::Type])?;

    println!("4. export");
    let folder = dir.join("export");
    std::fs::create_dir_all(&folder)?;
    for format in [ExportFormat::PARQUET, ExportFormat::CSV] {
        let file = folder.join(format!("records.{}", format.name));
        let target = ExportTarget::File(file.clone());
        let written = export(&records, store.accounts()?, calendar, format, &target, &mut |_| {})?;
        println!("   {written:>8} records  {}", file.display());
    }
    if arguments.no_serve {
        println!("\nask further:");
        print_next_steps(dir);
        return Ok(ExitCode::SUCCESS);
    }
    serve_it(&store, &keys, arguments, calendar, days)
}

/// Describes the demo's cloud at its beginning.
fn new_cloud() -> NewCloud {
    NewCloud { start: Start::Ready, seed: Some(SEED) }
}

fn print_next_steps(dir: &Path) {
    let data = dir.display();
    println!("   cloudtally --data {data} usage --group-by account,type");
    println!("   cloudtally --data {data} explain RECORDID      (an id from the export)");
    println!("   cloudtally --data {data} check");
    println!("   cloudtally --data {data} serve --clock sim --speed 0");
}

fn serve_it(
    store: &Store,
    keys: &AdminKeys,
    arguments: &Demo,
    calendar: Calendar,
    days: (Instant, Instant),
) -> Result<ExitCode, Failure> {
    let first = calendar.date_of(days.0).to_string();
    let last = calendar.date_of(days.1).to_string();
    let query = signed_query(
        &[
            ("command", "listUsageRecords"),
            ("startdate", &first),
            ("enddate", &last),
            ("page", "1"),
            ("pagesize", "2"),
            ("response", "json"),
        ],
        &keys.api_key,
        &keys.secret_key,
    );
    // The clock stands where the month ended.
    let pace = Pace::Simulated { speed: 0, start: days.0 };
    let ports = Ports::at(&arguments.listen);
    serve::until_stopped(store, keys, new_cloud(), pace, 0, ports, |bound, password| {
        let address = bound.api;
        println!("\n5. serving http://{address}/client/api until Ctrl-C");
        println!("   api key     {}", keys.api_key);
        println!("   secret key  {}", keys.secret_key);
        println!("   (the clock stands where the month ended; `advanceClock` moves it)");
        println!("   try: curl 'http://{address}/client/api?{query}'");
        serve::print_password(password);
    })?;
    Ok(ExitCode::SUCCESS)
}
