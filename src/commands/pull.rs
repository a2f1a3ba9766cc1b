//! `pull`: the database of a cloud, read where it stands.

use std::process::ExitCode;

use cloudtally_ingest::{
    IngestRequest, Input,
    pull::{Client, History, PullOrder, PullReport, look, pull},
};
use cloudtally_store::Stream;
use serde_json::json;

use super::{Context, ingest, print_json};
use crate::{
    cli::Pull,
    console::{self, Unit, shown},
    database_address::{Address, PASSWORD, options},
    failure::Failure,
};

/// The name that the database of a management server has unless somebody changed it.
const DATABASE: &str = "cloud";

pub(crate) fn run(context: &Context, arguments: &Pull) -> Result<ExitCode, Failure> {
    let mut address = Address::parse(&arguments.address).map_err(Failure::usage)?;
    let mut password = None;
    if let Some(path) = &arguments.option_file {
        let text = options(path).map_err(|error| {
            Failure::usage(format!("cannot read the option file `{}`: {error}", path.display()))
        })?;
        password = address.fill(&text);
    }
    let password = std::env::var(PASSWORD).ok().or(password).unwrap_or_default();
    let Some(user) = address.user.clone() else {
        return Err(Failure::usage("no user is named; name one, such as `mysql://tally@host/`"));
    };
    if !arguments.insecure && !address.is_private() {
        return Err(Failure::usage(format!(
            "what is read from `{}` would cross the network in clear; tunnel it (`ssh -N -L \
             3306:127.0.0.1:3306 HOST`, then pull from 127.0.0.1), use the server's socket, or add \
             `--insecure` where the network is your own",
            address.place()
        )));
    }
    let database = address.database.clone().unwrap_or_else(|| DATABASE.to_owned());
    let request = IngestRequest {
        stream: Stream::Events,
        source: arguments.source.clone(),
        inputs: vec![Input::Database(address.name(&database))],
        started_ms: console::wall_clock_ms(),
        now: arguments.now.unwrap_or_else(console::now),
    };
    let history = if arguments.new_history { History::New } else { History::Same };
    let order = PullOrder { database, is_sampled: arguments.samples, history };
    let store = context.open()?;
    if arguments.dry_run {
        let mut server = connect(&address, &user, &password)?;
        let report = look(&store, &mut server, &request.source, &order)
            .map_err(|fault| Failure::Failed(fault.into()))?;
        return shown_only(context, &report);
    }
    // One pull at a time: how far the last one came is read behind the lock.
    let writer = console::writer(&store)?;
    let mut server = connect(&address, &user, &password)?;
    let bar = console::bar("pulling", Unit::Count);
    let pulled = pull(&writer, &mut server, (&request, &order), &mut |progress| {
        bar.set_length(progress.rows);
        bar.set_position(progress.rows);
    });
    bar.finish_and_clear();
    let (summary, report) = match pulled {
        Ok(pulled) => pulled,
        Err(error) => {
            if error.summary.counts.read > 0 && !context.json() {
                ingest::print(&error.summary);
            }
            return Err(Failure::Failed(error.into()));
        }
    };
    if context.json() {
        let mut object = ingest::as_json(&summary, true);
        object["pull"] = as_json(&report);
        print_json(&object)?;
    } else {
        ingest::print(&summary);
        print(&report);
    }
    writer.compact()?;
    Ok(ExitCode::SUCCESS)
}

fn connect(address: &Address, user: &str, password: &str) -> Result<Client, Failure> {
    Client::connect(&address.place(), user, password)
        .map_err(|error| Failure::Failed(anyhow::Error::from(error)))
}

/// Tells what a pull would do.
fn shown_only(context: &Context, report: &PullReport) -> Result<ExitCode, Failure> {
    if context.json() {
        let mut object = as_json(report);
        object["waiting"] = report.waiting.into();
        print_json(&object)?;
    } else {
        println!("{} events wait behind event {}", report.waiting, report.seen);
        print(report);
        println!("nothing was stored");
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &PullReport) {
    for note in &report.notes {
        println!("  {}", shown(note));
    }
    if let Some(instant) = report.complete_through {
        println!("  complete through {instant}, by the clock of the database");
    }
    println!("  settled through event {}, seen through {}", report.floor, report.seen);
    if let Some(since) = report.missed_since {
        println!(
            "  {} numbers before are missed since {since}; they are asked for again for a day",
            report.missed
        );
    }
    if report.settled > 0 {
        println!("  {} numbers that were missed are no longer waited for", report.settled);
    }
}

fn as_json(report: &PullReport) -> serde_json::Value {
    json!({
        "floor": report.floor,
        "seen": report.seen,
        "history": report.epoch,
        "missed": report.missed,
        "missedsince": report.missed_since.map(|instant| instant.to_string()),
        "settled": report.settled,
        "completethrough": report.complete_through.map(|instant| instant.to_string()),
        "notes": report.notes,
    })
}
