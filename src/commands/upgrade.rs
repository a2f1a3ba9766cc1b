//! `upgrade`: a folder of an earlier version, rewritten in the format of this one.

use std::process::ExitCode;

use cloudtally_store::{Store, Upgrade};
use indicatif::HumanBytes;
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli,
    console::{self, Unit, grouped},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &cli::Upgrade) -> Result<ExitCode, Failure> {
    let upgrade = match arguments.yes {
        true => apply(context)?,
        false => Store::upgrade_ahead(&context.data)?,
    };
    if context.json() {
        print_json(&as_json(upgrade, arguments.yes))?;
    } else {
        print(upgrade, arguments.yes);
    }
    Ok(ExitCode::SUCCESS)
}

fn apply(context: &Context) -> Result<Option<Upgrade>, Failure> {
    let bar = console::bar("rewriting the lake", Unit::Bytes);
    let upgrade = Store::upgrade(&context.data, &|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(upgrade?)
}

fn as_json(upgrade: Option<Upgrade>, is_done: bool) -> serde_json::Value {
    let Some(Upgrade { from, to, files, bytes }) = upgrade else {
        return json!({ "done": false, "files": 0 });
    };
    json!({ "done": is_done, "from": from, "to": to, "files": files, "bytes": bytes })
}

fn print(upgrade: Option<Upgrade>, is_done: bool) {
    let Some(Upgrade { from, to, files, bytes }) = upgrade else {
        println!("the folder is of this version's format; there is nothing to do");
        return;
    };
    let (files, bytes) = (grouped(&files.to_string()), HumanBytes(bytes));
    let would = if is_done { "were" } else { "would be" };
    println!("{files} files of format {from} ({bytes}) {would} rewritten in format {to}");
    if is_done {
        println!("`cloudtally check` says that all is well");
    } else {
        println!("nothing is changed yet; copy the folder, then add --yes to do it");
    }
}
