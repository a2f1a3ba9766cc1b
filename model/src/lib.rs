#![doc = include_str!("../README.md")]

mod account;
mod api_error; // what callers are told when something is wrong
pub mod calendar; // periods: how time is cut, DST included
mod causes; // errors and what caused them, on one line
mod columns; // columns of optional numbers and texts, and their rows
mod event;
#[cfg(test)]
mod fuzzed; // dates that nobody wrote
mod ids;
mod instant;
mod inventory; // what a cloud lists, and events that people add
pub mod port; // traits that join crates which do not know each other
mod quantity; // hours and bytes as people read them
mod record;
mod sample;
mod segment;
pub mod settings; // the global configuration as a table
mod source;
mod usage_type; // the 13 usage types as a table: the one place to add another

pub use account::{Account, AccountType};
pub use api_error::{ApiError, CS_ERRORS, CsError, ErrorCode};
pub use calendar::{AggregationRange, Calendar, Period};
pub use causes::with_causes;
pub use columns::{Numbers, Texts, row_index, row_number, row_numbers};
pub use event::UsageEvent;
pub use ids::*;
pub use instant::{Instant, InstantError, Millis, utc_day_name};
pub use inventory::{CorrectiveEvent, LiveUse};
pub use quantity::{hour_millionths, hours, write_millionths};
pub use record::{RecordId, RecordIdError, RecordRow, UsageRecord};
pub use sample::{DeviceType, NetworkSample, SeriesKey};
pub use segment::{Attributes, Segment, SegmentColumns, SegmentRow};
pub use source::{SourceId, SourceName, SourceNameError, Sources};
pub use usage_type::{
    Effect, EventCode, Fields, KeyParts, Meter, Own, Part, ResourceKind, Unit, UsageType,
    UsageTypeId, event_code, event_name, kinds_of, meters, names_a_nic, usage_type, usage_type_of,
    usage_types,
};

/// Text short enough to live without an allocation: names and types in events.
pub type Text = compact_str::CompactString;
