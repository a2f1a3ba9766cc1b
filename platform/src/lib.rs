#![doc = include_str!("../README.md")]

mod areas; // the API, one file an area: rows and their functions
pub mod col; // columns of what is stored
pub mod engine; // reads the rows and does what they say
pub mod ledger; // what each tenant really had, seen from below the events
mod seed; // what a new cloud has
pub mod state; // states of what is stored
pub mod table; // what rows look like
pub mod tenants; // people with habits, who use the cloud

/// What the administrator is told of, raised and resolved by who finds out.
pub mod alerts {
    pub use crate::areas::alert::{
        AlertType, MANAGEMENT_NODE, Place, TYPES, USAGE_SANITY_RESULT, USAGE_SERVER,
        USAGE_SERVER_RESULT, raise, resolve,
    };
}

pub use areas::TABLES;
