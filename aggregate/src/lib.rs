#![doc = include_str!("../README.md")]

mod adjusted; // what a closed period says of a record
mod checks; // sanity checks over what is published
mod destination; // the file that an export writes
mod error;
mod explain; // the segments, events and samples behind a record
mod export; // records into files, one file a format
pub mod fold; // one resource's events become segments
mod inventory; // the bill beside a list of what is there
mod job; // which periods to compute, and publishing them
mod labels; // what totals show, different for different things
mod line; // a record with names and dates resolved
mod network; // counters become bytes, each billed once
mod packed; // events as the fold takes them
mod period; // the records of a period, one after the other
mod records; // segments become records
mod segments; // those of a window, in the orders of files
mod sheet; // a period summed up three ways
mod totals; // records grouped for people
mod touched; // the records that an event or a resource touched
mod window; // a stretch of time folded over all cores

pub use adjusted::{Adjusted, KnownRemoval};
pub use checks::{Periods, SanityFinding, sanity_checks};
pub use error::AggregateError;
pub use explain::{
    ClippedSegment, Difference, Explanation, Parts, explain, explain_for, explain_in,
};
pub use export::{ExportFormat, ExportTarget, FORMATS, export, export_columns};
pub use inventory::{InventoryReport, Unmatched, beside_inventory, beside_ledger};
pub use job::{
    AggregateProgress, HeldPeriod, HeldUsage, Mover, PeriodRow, PeriodState, Plan, Rebuild,
    Retention, RunReport, RunRequest, ShortSource, Target, Unfinished, WaitingPeriod, WindowLimits,
    aggregate, aggregate_within, checkpoint, close, periods, prune_limits, retention, run_job,
    stale_periods, waiting_period,
};
pub use line::{Line, Lines};
pub use network::{Drop, OversizedSeries, drop_samples};
pub use period::add_resource;
pub use totals::{GroupBy, Total, Totals, totals};
pub use touched::{Touched, TouchedRecord, touched_by_event, touched_resource};
