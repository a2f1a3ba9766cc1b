//! `restore`: a data folder from a backup.

use std::process::ExitCode;

use cloudtally_store::{RestoreReport, Store};
use indicatif::HumanBytes;
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli_operations,
    console::{self, Unit, grouped},
    failure::Failure,
};

pub(crate) fn run(
    context: &Context,
    arguments: &cli_operations::Restore,
) -> Result<ExitCode, Failure> {
    let bar = console::bar("restoring", Unit::Bytes);
    let report = Store::restore(&arguments.from, &arguments.to, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let RestoreReport { files, bytes } = report?;
    if context.json() {
        print_json(&json!({ "files": files, "bytes": bytes }))?;
    } else {
        let (to, files) = (arguments.to.display(), grouped(&files.to_string()));
        println!("{to} holds the backup: {files} files, {}, all verified", HumanBytes(bytes));
        println!("`cloudtally check --data {to}` looks at it once more");
    }
    Ok(ExitCode::SUCCESS)
}
