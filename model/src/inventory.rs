//! Inventories: what a cloud says is in use, beside what its events say.

use crate::{AccountId, NicId, ResourceId, Text, UsageTypeId, ZoneId};

/// A use that a cloud's own list of its resources names: a machine that runs, a volume that
/// is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveUse {
    /// The usage type that it is metered as.
    pub usage_type: UsageTypeId,
    /// The resource.
    pub resource: ResourceId,
    /// The zone, of templates and ISOs that are in several; none stands for any.
    pub zone: Option<ZoneId>,
    /// The NIC, of network offerings; none stands for any.
    pub nic: Option<NicId>,
    /// The owner, for people.
    pub account: Option<AccountId>,
    /// The name, for people.
    pub name: Option<Text>,
}

/// An event that people add because the cloud never told it, such as the deletion of a volume
/// that a database lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectiveEvent {
    /// The event; its id is the number of the correction and [`Self::FIRST_ID`].
    pub event: crate::UsageEvent,
    /// The person who answers for it.
    pub author: Text,
    /// The reason for it.
    pub reason: Text,
}

impl CorrectiveEvent {
    /// The id of correction 0. Corrections are numbered by whoever writes them, and no cloud
    /// comes to this number of events by itself.
    pub const FIRST_ID: u64 = 1 << 62;
}
