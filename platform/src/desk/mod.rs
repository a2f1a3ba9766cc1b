//! The administrator's desk: events, alerts, jobs, settings, tags, sessions and metering,
//! which everything else tells what happened.

pub(crate) mod alert;
pub(crate) mod chores; // when chores of the cloud are due
pub(crate) mod clock; // steps of a simulated clock
pub(crate) mod config;
pub(crate) mod discovery; // the API about itself
pub(crate) mod event;
pub(crate) mod job;
pub(crate) mod ldap;
pub(crate) mod metering; // usage events
pub(crate) mod ratelimit; // throttling
pub(crate) mod resourcedetail; // keys and values on volumes and NICs
pub(crate) mod session; // login and logout
pub(crate) mod simulator;
pub(crate) mod tag; // of tenants' resources
pub(crate) mod usage;
