//! Segments: stretches of use with constant attributes.

use crate::{
    AccountId, EventId, Instant, NicId, OfferingId, Period, ResourceId, SourceId, TemplateId, Text,
    UsageTypeId, ZoneId,
};

/// The attributes of a resource in an event, besides its id and owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributes {
    /// The resource's zone.
    pub zone: ZoneId,
    /// Service, disk or network offering.
    pub offering: Option<OfferingId>,
    /// Template; 1 marks a system address.
    pub template: Option<TemplateId>,
    /// Bytes; a flag for addresses and network offerings.
    pub size: Option<u64>,
    /// Bytes the guest sees.
    pub virtual_size: Option<u64>,
    /// The resource's name.
    pub name: Option<Text>,
    /// Hypervisor, VLAN type, ...
    pub resource_type: Option<Text>,
}

/// A stretch of use with constant attributes: what an opening or splitting event
/// began and the next closing or splitting event ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// Whose ids these are.
    pub source: SourceId,
    /// The usage type it counts for.
    pub usage_type: UsageTypeId,
    /// The thing used.
    pub resource: ResourceId,
    /// The NIC, for network offerings; 0 elsewhere.
    pub nic: NicId,
    /// Its first instant.
    pub start: Instant,
    /// Its end; `None` while it is open.
    pub end: Option<Instant>,
    /// The account that pays.
    pub account: AccountId,
    /// The attributes of the whole stretch.
    pub attributes: Attributes,
    /// The event that opened or split it.
    pub opened_by: EventId,
    /// The event that closed or split it; `None` while open, and where the
    /// removal of its account ended it.
    pub closed_by: Option<EventId>,
}

impl Segment {
    /// The part of the segment inside `period`, if any.
    pub fn clip(&self, period: Period) -> Option<(Instant, Instant)> {
        let start = self.start.max(period.start);
        let end = self.end.unwrap_or(period.end).min(period.end);
        (start < end).then_some((start, end))
    }
}
