#![doc = include_str!("../README.md")]

mod areas; // the API, one file an area: rows and their functions
pub mod bulk; // whole histories written straight to files, with their answer key
pub mod engine; // reads the rows and does what they say
pub mod ledger; // what each tenant really had, seen from below the events
pub mod table; // what rows look like
pub mod tenants; // people with habits, who use the cloud

/// What the administrator is told of, raised and resolved by who finds out.
pub mod alerts {
    pub use crate::areas::alert::{
        AlertType, MANAGEMENT_NODE, Place, TYPES, USAGE_SANITY_RESULT, USAGE_SERVER,
        USAGE_SERVER_RESULT, raise, resolve,
    };
}

use table::{Command, KindSpec, Object};

/// All commands.
pub fn commands() -> impl Iterator<Item = &'static Command> {
    areas::commands()
}

/// All commands, each with the name of its area.
pub fn commands_by_area() -> impl Iterator<Item = (&'static str, &'static Command)> {
    areas::commands_by_area()
}

/// The row of a command, by its exact name.
pub fn command(name: &str) -> Option<&'static Command> {
    areas::command(name)
}

/// All objects that answers show.
pub fn objects() -> impl Iterator<Item = &'static Object> {
    areas::objects()
}

/// All kinds of things that are stored.
pub fn kinds() -> impl Iterator<Item = &'static KindSpec> {
    areas::KINDS.iter().copied()
}
