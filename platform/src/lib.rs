#![doc = include_str!("../README.md")]

mod areas; // the API, one file an area: rows and their functions
pub mod col; // columns of what is stored
mod facts; // which uses a resource is
pub mod meanings; // what the fields of answers mean, said once
mod seed; // what a new cloud has
pub mod state; // states of what is stored
pub mod tenants; // people with habits, who use the cloud
pub mod words; // what the common parameters mean, said once

/// What the administrator is told of, raised and resolved by who finds out.
pub mod alerts {
    pub use crate::areas::alert::{
        AlertType, MANAGEMENT_NODE, Place, TYPES, USAGE_SANITY_RESULT, USAGE_SERVER,
        USAGE_SERVER_RESULT, raise, resolve,
    };
}

pub use areas::TABLES;
pub use cloudtally_engine::{self as engine, ledger, table};
