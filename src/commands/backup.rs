//! `backup`: a copy of the folder while everything goes on.

use std::process::ExitCode;

use cloudtally_model::Instant;
use cloudtally_store::{BackupReport, Prune};
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
    arguments: &cli_operations::Backup,
) -> Result<ExitCode, Failure> {
    let store = context.for_reading()?;
    let bar = console::bar("backing up", Unit::Bytes);
    let prune = if arguments.prune { Prune::Remove } else { Prune::Keep };
    let report = store.backup(&arguments.to, prune, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let BackupReport { at_ms, files, bytes, copied, linked, kept, pruned } = report?;
    let at = Instant::from_millis(at_ms);
    if context.json() {
        print_json(&json!({
            "at": at.to_string(), "files": files, "bytes": bytes, "copied": copied,
            "linked": linked, "kept": kept, "pruned": pruned,
        }))?;
    } else {
        println!(
            "the folder as of {at} is in {}: {} files, {}",
            arguments.to.display(),
            grouped(&files.to_string()),
            HumanBytes(bytes)
        );
        println!("  {copied} copied, {linked} linked, {kept} there already, {pruned} pruned");
        if linked > 0 {
            println!("  linked files are lost with the disk: keep a backup on another one, too");
        }
    }
    Ok(ExitCode::SUCCESS)
}
