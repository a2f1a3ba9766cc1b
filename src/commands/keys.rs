//! `keys`: the root admin's API keys.

use std::process::ExitCode;

use cloudtally_serve::{ensure_admin_keys, new_admin_keys};
use serde_json::json;

use super::{Context, print_json};
use crate::{cli::Keys, console, failure::Failure};

pub(crate) fn run(context: &Context, arguments: &Keys) -> Result<ExitCode, Failure> {
    let store = context.open()?;
    let keys = match store.admin_keys()? {
        // Looking at keys needs no lock; making them does.
        Some(keys) if !arguments.new => keys,
        _ => {
            let writer = console::writer(&store)?;
            if arguments.new { new_admin_keys(&writer)? } else { ensure_admin_keys(&writer)?.0 }
        }
    };
    if context.json() {
        print_json(&json!({ "apikey": keys.api_key, "secretkey": keys.secret_key }))?;
    } else {
        println!("api key     {}", keys.api_key);
        println!("secret key  {}", keys.secret_key);
    }
    Ok(ExitCode::SUCCESS)
}
