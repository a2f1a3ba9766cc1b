#![doc = include_str!("../README.md")]

pub mod col; // columns of what is stored
mod compute;
mod desk;
mod devices; // plug-ins: network devices, filers, bare metal, managers of other clouds
mod facts; // which uses a resource is
mod front; // the commands that the server answers itself
mod identity;
pub mod meanings; // what the fields of answers mean, said once
mod network;
mod offering;
mod operations;
mod parse;
mod seed; // what a new cloud has
mod site;
pub mod state; // states of what is stored
mod storage;
mod tables; // all commands, kinds and objects
pub mod tenants; // people with habits, who use the cloud
pub mod words; // what the common parameters mean, said once

/// Alerts to the administrator, raised and resolved by whoever finds their cause.
pub mod alerts {
    pub use crate::desk::alert::{
        AlertType, MANAGEMENT_NODE, Place, TYPES, USAGE_SANITY_RESULT, USAGE_SERVER,
        USAGE_SERVER_RESULT, raise, resolve,
    };
}

pub use cloudtally_engine::{self as engine, ledger, table};
pub use front::FrontCommand;
pub use tables::TABLES;
