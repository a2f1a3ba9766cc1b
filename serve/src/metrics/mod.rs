//! Metrics for Prometheus, on a listener of their own.
//!
//! Figures of the folder are read from the catalogue at the scrape, so they survive
//! restarts and are the same for `cloudtally metrics`. What only the server knows is
//! counted here: a request costs a lock that nobody holds for longer than an addition.

mod folder; // what the catalogue says
mod http; // the listener
mod names; // all metrics as a table
mod process; // what the system says of the process
mod requests; // counted as they are answered
mod text; // the text format

pub use folder::folder_metrics;
pub(crate) use http::router;
pub use names::{METRICS, Metric, MetricKind, MetricOrigin};
pub(crate) use requests::Requests;
