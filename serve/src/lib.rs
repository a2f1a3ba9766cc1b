#![doc = include_str!("../README.md")]

mod answer; // items one by one, and their XML and JSON
mod clock; // the present
mod command; // the commands that are served, one row each
mod error; // API errors: code, cserrorcode, text
mod http; // axum: routes, bodies, headers
mod job; // the usage job on its schedule
mod keys; // the root admin's API keys
mod params; // query string and form as one set
mod request; // from parameters to an answer: format, command, credentials
mod schedule; // when the usage job runs
mod server; // start, serve, stop
mod signature; // what clients sign
mod usage; // listUsageRecords, listUsageTypes, generateUsageRecords

pub use keys::{KeyError, KeyOrigin, ensure_admin_keys, new_admin_keys};
pub use schedule::{Schedule, ScheduleError};
pub use server::{ServeError, ServeOptions, Stopped, serve};
pub use signature::signed_query;
