#![doc = include_str!("../README.md")]

mod answer; // items and trees, and their XML and JSON
mod bodies; // bodies of requests on their way in
mod clock; // the present
mod clock_driver; // advances the cloud's clock
mod command; // what a command of the front is given
mod connections; // how many, and who has to go
mod error; // our own failures, and who is told what
mod front; // what requests share, and what the front answers itself
#[cfg(test)]
mod fuzzed; // requests and signatures that nobody wrote
mod guard; // admits or refuses a request by its head
mod guesses; // wrong passwords by address
mod health; // the server as others see it
mod health_http; // who is told
mod http; // axum: routes, bodies, headers
mod http_outbox; // the way of an answer to its reader
mod http_request; // a request as HTTP brought it
mod job; // the usage job on its schedule
mod keys; // the root admin's API keys
mod large; // places for large answers
mod login; // login and logout
mod metrics; // figures for whoever watches
mod open; // the cloud of a folder
mod params; // query string and form as one set
mod patience; // streams whose readers take too long
mod request; // from parameters to an answer: format, command, caller
mod response; // HTTP responses of answers and errors
mod schedule; // when the usage job runs
mod server; // start, serve, stop
mod session; // who has logged in
mod signature; // what clients sign
mod status; // how the usage job stands
mod stopped; // the two ends of serving
mod throttle; // how many calls an account may make
mod usage; // records, their types, generating them, the runs of the job

pub use clock::wall_clock_ms;
pub use clock_driver::{RunError, run_cloud};
pub use keys::{KeyError, KeyOrigin, ensure_admin_keys, new_admin_keys};
pub use metrics::{METRICS, Metric, MetricKind, MetricOrigin, folder_metrics};
pub use open::{AdminPassword, CloudError, NewCloud, OpenedCloud, Pace, open_cloud};
pub use schedule::{Schedule, ScheduleError};
pub use server::{Bound, ServeError, ServeOptions, serve};
pub use signature::signed_query;
pub use status::UsageJobStatus;
pub use stopped::Stopped;
