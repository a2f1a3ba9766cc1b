//! Operations that reach across all the rest: maintenance, failures,
//! housekeeping.

pub(crate) mod failure;
pub(crate) mod housekeeping; // what the cloud does for itself by the clock
pub(crate) mod maintenance;
pub(crate) mod poolmaintenance;
