//! `demo`: the main job in one go.

use std::{path::Path, process::ExitCode};

use cloudtally_aggregate::{
    ExportFormat, ExportTarget, GroupBy, Plan, Rebuild, Unfinished, export, run_job,
};
use cloudtally_ingest::{IngestRequest, Input, write::Format};
use cloudtally_model::{Calendar, Instant, Millis, SourceName, settings};
use cloudtally_platform::{bulk::Options, engine::Start};
use cloudtally_serve::{NewCloud, Pace, signed_query};
use cloudtally_store::{RecordFilter, RecordWindow, Store, Stream};

use super::{Context, aggregate, ingest, serve, serve::Doors, simulate, usage};
use crate::{
    cli::Demo,
    console::{self, Unit},
    failure::Failure,
};

/// Virtual machines of the demo's cloud.
const VMS: u32 = 60;
/// The demo is the same cloud every time.
const SEED: u64 = 42;

pub(crate) fn run(context: &Context, arguments: &Demo) -> Result<ExitCode, Failure> {
    let dir = &context.data;
    println!("Cloudtally demo: a simulated month of a small cloud, in {}\n", dir.display());
    let store = context.open()?;
    let calendar = store.calendar()?;

    println!("1. simulate {VMS} virtual machines and what belongs to them for 31 days");
    let options = Options::new(VMS, SEED);
    let written = simulate::write_history(&options, Format::Csv, &dir.join("input"))?;
    for (path, rows) in &written.files {
        println!("   {rows:>8} rows  {}", path.display());
    }

    println!("2. ingest");
    take_in(&store, Stream::Accounts, std::slice::from_ref(&written.accounts))?;
    take_in(&store, Stream::Events, &written.events)?;
    take_in(&store, Stream::Samples, &written.samples)?;

    println!("3. aggregate");
    let window = options.window();
    let days = (window.start, window.end - Millis(1));
    let plan = Plan::BackFill {
        from: calendar.date_of(days.0),
        to: calendar.date_of(days.1),
        rebuild: Rebuild::Touched,
        unfinished: Unfinished::LeaveOut,
    };
    let bar = console::bar("aggregating periods", Unit::Count);
    let report = {
        let writer = console::writer(&store)?;
        let clock = &console::wall_clock_ms;
        run_job(&writer, "back-fill", plan, console::now(), clock, &mut |progress| {
            bar.set_length(progress.planned as u64);
            bar.set_position(progress.done as u64);
        })?
    };
    bar.finish_and_clear();
    aggregate::print(&report, false);

    println!("4. the bill\n");
    let all = RecordFilter { accounts: None, usage_type: None };
    let everything = RecordWindow { from: Instant::EPOCH, to: Instant::END_OF_TIME };
    let records = store.records(everything, &all)?;
    usage::print(&store, &records, &[GroupBy::Account, GroupBy::Type])?;

    println!("5. export");
    let folder = dir.join("export");
    std::fs::create_dir_all(&folder)?;
    for (format, name) in
        [(ExportFormat::Parquet, "records.parquet"), (ExportFormat::Csv, "records.csv")]
    {
        let target = ExportTarget::File(folder.join(name));
        let written = export(&records, store.accounts()?, calendar, format, &target, &mut |_| {})?;
        println!("   {written:>8} records  {}", folder.join(name).display());
    }
    if arguments.no_serve {
        println!("\nask further:");
        print_next_steps(dir);
        return Ok(ExitCode::SUCCESS);
    }
    serve_it(&store, arguments, calendar, days)
}

fn take_in(store: &Store, stream: Stream, files: &[std::path::PathBuf]) -> Result<(), Failure> {
    let request = IngestRequest {
        stream,
        source: SourceName::new(SourceName::DEFAULT)
            .map_err(|error| Failure::usage(error.to_string()))?,
        inputs: files.iter().map(Input::from_argument).collect(),
        started_ms: console::wall_clock_ms(),
    };
    let writer = console::writer(store)?;
    let summary =
        ingest::run_with_bar(&writer, &request).map_err(|error| Failure::Failed(error.into()))?;
    let counts = summary.counts;
    let what = match stream {
        Stream::Events => "usage events",
        Stream::Samples => "network samples",
        Stream::Accounts => "accounts",
    };
    println!(
        "   {what}: read {}, accepted {}, duplicate {}, quarantined {}",
        counts.read, counts.accepted, counts.duplicate, counts.quarantined
    );
    Ok(())
}

fn print_next_steps(dir: &Path) {
    let data = dir.display();
    println!("   cloudtally --data {data} usage --group-by day,type");
    println!("   cloudtally --data {data} explain RECORDID      (an id from the export)");
    println!("   cloudtally --data {data} check");
    println!("   cloudtally --data {data} serve");
}

fn serve_it(
    store: &Store,
    arguments: &Demo,
    calendar: Calendar,
    days: (Instant, Instant),
) -> Result<ExitCode, Failure> {
    // The simulated month is over: nothing of it goes on until today.
    console::writer(store)?.set_setting(settings::ENABLE_USAGE, "false")?;
    let (keys, _) = serve::keys(store)?;
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
    let new = NewCloud { start: Start::Ready, seed: Some(SEED) };
    let (pace, doors) = (Pace::Real, Doors::at(&arguments.listen));
    serve::until_stopped(store, &keys, new, pace, 0, doors, |address, password| {
        println!("\n6. serving http://{address}/client/api until Ctrl-C");
        println!("   api key     {}", keys.api_key);
        println!("   secret key  {}", keys.secret_key);
        println!("   (the nightly job is off here: the simulated month is over)");
        println!("   try: curl 'http://{address}/client/api?{query}'");
        serve::print_password(password);
    })?;
    Ok(ExitCode::SUCCESS)
}
