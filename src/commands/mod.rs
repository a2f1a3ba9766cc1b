//! One file a subcommand.

use std::{io::Write, path::PathBuf, process::ExitCode};

use cloudtally_store::{Store, StoreError};

use crate::{
    cli::{Arguments, Command, Global},
    failure::Failure,
};

mod aggregate;
mod backup;
mod check;
mod close;
mod completions;
mod corrections;
mod demo;
mod drop_samples;
mod explain;
mod export;
mod healthcheck;
mod ingest;
mod jobs;
mod keys;
mod manpages;
mod mended;
mod metrics;
mod periods;
mod prune;
mod pull;
mod quarantine;
mod repair_clock;
mod restore;
mod selection; // the window and filters that usage and export share
mod serve;
mod settings;
mod sheet;
mod simulate;
mod touched; // the records behind an event or a resource
mod upgrade;
mod usage;

/// Folder of state if none is named.
const DEFAULT_DATA: &str = "cloudtally-data";

/// The form of a command's output: for people or for programs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Text,
    Json,
}

/// The context of every command.
pub(crate) struct Context {
    pub(crate) data: PathBuf,
    pub(crate) answer: Answer,
}

impl Context {
    /// The folder, which must be there.
    pub(crate) fn existing(&self) -> Result<Store, Failure> {
        Ok(Store::open_existing(&self.data)?)
    }

    /// The folder, which must be there and may be one that cannot be written to.
    pub(crate) fn for_reading(&self) -> Result<Store, Failure> {
        match Store::open_existing(&self.data) {
            Err(StoreError::Permission { .. }) => Ok(Store::open_read_only(&self.data)?),
            opened => Ok(opened?),
        }
    }

    /// The folder, made if it is not there.
    pub(crate) fn open(&self) -> Result<Store, Failure> {
        Ok(Store::open(&self.data)?)
    }

    pub(crate) fn json(&self) -> bool {
        self.answer == Answer::Json
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { global: Global { data, json, .. }, command } = arguments;
    let default = match &command {
        Command::Demo(_) => "cloudtally-demo",
        _ => DEFAULT_DATA,
    };
    let context = Context {
        data: data.unwrap_or_else(|| default.into()),
        answer: if json { Answer::Json } else { Answer::Text },
    };
    match command {
        Command::Demo(arguments) => demo::run(&context, &arguments),
        Command::Simulate(arguments) => simulate::run(&context, &arguments),
        Command::Ingest(arguments) => ingest::run(&context, &arguments),
        Command::Pull(arguments) => pull::run(&context, &arguments),
        Command::Quarantine(arguments) => quarantine::run(&context, &arguments),
        Command::DropSamples(arguments) => drop_samples::run(&context, &arguments),
        Command::Aggregate(arguments) => aggregate::run(&context, &arguments),
        Command::Usage(arguments) => usage::run(&context, &arguments),
        Command::Export(arguments) => export::run(&context, &arguments),
        Command::Explain(arguments) => explain::run(&context, &arguments),
        Command::Corrections(arguments) => corrections::run(&context, &arguments),
        Command::Check(arguments) => check::run(&context, &arguments),
        Command::Sheet(arguments) => sheet::run(&context, &arguments),
        Command::Jobs(arguments) => jobs::run(&context, &arguments),
        Command::Close(arguments) => close::run(&context, &arguments),
        Command::Prune(arguments) => prune::run(&context, &arguments),
        Command::Periods(arguments) => periods::run(&context, &arguments),
        Command::Settings(arguments) => settings::run(&context, &arguments),
        Command::Keys(arguments) => keys::run(&context, &arguments),
        Command::Serve(arguments) => serve::run(&context, &arguments),
        Command::Metrics(arguments) => metrics::run(&context, &arguments),
        Command::Healthcheck(arguments) => healthcheck::run(&arguments),
        Command::Backup(arguments) => backup::run(&context, &arguments),
        Command::Restore(arguments) => restore::run(&context, &arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Manpages(arguments) => manpages::run(&arguments),
        Command::RepairClock(arguments) => repair_clock::run(&context, &arguments),
        Command::Upgrade(arguments) => upgrade::run(&context, &arguments),
    }
}

/// Prints a value as JSON, for programs.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    serde_json::to_writer_pretty(&mut output, value)?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}
