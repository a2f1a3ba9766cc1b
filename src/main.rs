//! The `cloudtally` binary: parses the command line, wires the crates together
//! and prints. What it does is done by the libraries; nothing is computed here.

use std::process::ExitCode;

use clap::Parser;

mod cli; // the command line as types, with its help
mod cli_operations; // the part of it for operators
mod commands; // one file a subcommand
mod console; // progress bars, tables, waiting, numbers for people
mod database_address; // where a cloud has its database
mod failure; // errors and exit statuses
mod ledger; // the bill of our own cloud beside what its tenants had
mod logs; // where log lines go
mod service_manager; // what systemd is told

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    // Who reads what we print may have had enough: that ends us as it ends other tools,
    // but not a server.
    if !arguments.serves() {
        sigpipe::reset();
    }
    // The demo says what there is to say itself.
    let level = if arguments.is_demo() { "warn" } else { "warn,cloudtally=info" };
    logs::init(arguments.global.log_format, level);
    match commands::run(arguments) {
        Ok(status) => status,
        Err(failure) => failure.report(),
    }
}
