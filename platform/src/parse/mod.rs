//! Readers of values that many commands take alike: addresses, ranges, VLANs, units.

pub(crate) mod given; // parameters that many areas read alike
pub(crate) mod ip; // IPv4 addresses and ranges
pub(crate) mod iprange; // ranges of addresses as commands give them
pub(crate) mod units; // sizes
pub(crate) mod vlanset; // sets of VLANs
