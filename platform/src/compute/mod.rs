//! Virtual machines and what groups them.

pub(crate) mod affinitygroup;
pub(crate) mod autoscale;
pub(crate) mod vm;
pub(crate) mod vmgroup;
pub(crate) mod vmsnapshot;
