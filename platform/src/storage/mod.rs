//! Volumes, snapshots, templates and ISOs.

pub(crate) mod image; // what templates and ISOs have in common
pub(crate) mod iso;
pub(crate) mod snapshot;
pub(crate) mod template;
pub(crate) mod volume;
