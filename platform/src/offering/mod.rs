//! Offerings and what can be offered: services, hypervisors, operating systems.

pub(crate) mod diskoffering;
pub(crate) mod guestos; // operating systems of guests
pub(crate) mod hypervisor;
pub(crate) mod networkoffering;
pub(crate) mod networkservice; // services, and who can provide them
pub(crate) mod serviceoffering;
pub(crate) mod vpcoffering;
