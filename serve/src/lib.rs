#![doc = include_str!("../README.md")]

mod answer; // ordered trees, and their XML and JSON
mod command; // the commands that are served, one row each
mod error; // API errors: code, cserrorcode, text
mod http; // axum: routes, bodies, headers
mod keys; // the root admin's API keys
mod params; // query string and form as one set
mod schedule; // when the usage job runs
mod server; // start, serve, stop
mod signature; // what clients sign
mod usage; // listUsageRecords, listUsageTypes, generateUsageRecords

pub use keys::{KeyError, KeyOrigin, ensure_admin_keys, new_admin_keys};
pub use schedule::{Schedule, ScheduleError};
pub use server::{ServeError, ServeOptions, serve};
pub use signature::signed_query;
