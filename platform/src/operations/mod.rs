//! What the operator and the cloud do across all the rest: maintenance, failures,
//! housekeeping.

pub(crate) mod housekeeping; // what the cloud does for itself by the clock
