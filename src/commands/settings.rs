//! `settings`: the global configuration.

use std::process::ExitCode;

use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli::Settings,
    console::{self, table},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Settings) -> Result<ExitCode, Failure> {
    match (&arguments.name, &arguments.value) {
        (Some(name), Some(value)) => {
            let store = context.open()?;
            console::writer(&store)?.set_setting(name, value)?;
            if context.json() {
                print_json(&json!({ "name": name, "value": value }))?;
            } else {
                println!("{name} = {value}");
            }
        }
        (Some(name), None) => {
            let value = context.existing()?.setting(name)?;
            if context.json() {
                print_json(&json!({ "name": name, "value": value }))?;
            } else {
                println!("{value}");
            }
        }
        (None, _) => {
            let settings = context.existing()?.settings()?;
            if context.json() {
                let rows: Vec<_> = settings
                    .iter()
                    .map(|(row, value)| {
                        json!({ "name": row.name, "value": value, "default": row.default,
                                "category": row.category.name(), "description": row.description })
                    })
                    .collect();
                print_json(&json!({ "settings": rows }))?;
            } else {
                let mut output = table(&["setting", "value", "what it does"], &[]);
                for (row, value) in &settings {
                    output.add_row([row.name, value.as_str(), row.description]);
                }
                println!("{output}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
