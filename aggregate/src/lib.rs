#![doc = include_str!("../README.md")]

mod error;
mod explain; // the segments, events and samples behind a record
pub mod fold; // one resource's events become segments
mod job; // which periods to compute, and publishing them
mod network; // counters become bytes, each billed once
mod records; // segments become records
mod totals; // records grouped for people
mod window; // a stretch of time folded over all cores

pub use error::AggregateError;
pub use explain::{ClippedSegment, Difference, Explanation, Parts, explain};
pub use job::{
    AggregateProgress, Plan, Rebuild, RunReport, Target, aggregate, checkpoint, run_job,
};
pub use records::add_resource;
pub use totals::{GroupBy, Total, totals};
