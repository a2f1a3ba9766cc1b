//! Numeric ids as the source cloud writes them, one type each so that they
//! cannot be confused. Ids of different sources never meet: a pair of
//! [`SourceId`](crate::SourceId) and id is what names a thing.

use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(id: u64) -> Self {
                Self(id)
            }
        }
    )* };
}

ids! {
    /// Row id of a usage event, unique per source, in order of insertion.
    EventId,
    /// The account that owns a resource.
    AccountId,
    /// A domain of accounts.
    DomainId,
    /// The thing metered: a VM, a volume, an address, a rule, ...
    ResourceId,
    /// Service, disk or network offering.
    OfferingId,
    /// Template or ISO.
    TemplateId,
    /// A guest network.
    NetworkId,
    /// A network interface of a VM.
    NicId,
}

/// A zone, or none: sources write 0 or -1 where an event has no zone
/// (region-wide templates, VPN users), and both mean the same here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(u64);

impl ZoneId {
    /// "No zone": region-wide, or unknown to the event.
    pub const NONE: Self = Self(0);

    /// Reads the source's number; zero and negative numbers are "no zone".
    pub fn from_source(number: i64) -> Self {
        Self(u64::try_from(number).unwrap_or(0))
    }

    /// The zone's number, absent for "no zone".
    pub fn number(self) -> Option<u64> {
        (self.0 != 0).then_some(self.0)
    }

    /// Returns true if this is "no zone".
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}
