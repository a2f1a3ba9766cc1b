//! Usage events: one row of the cloud's `usage_event` table each.

use crate::{AccountId, EventId, Instant, OfferingId, ResourceId, TemplateId, Text, ZoneId};

/// Something that happened to a resource and matters to its bill.
///
/// Two events with equal content are the same event (a duplicate); the column
/// `processed` of a real dump is not content and is not kept.
///
/// # Source
/// Usage rules 1, "Usage events".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageEvent {
    /// Unique per source; order of insertion.
    pub id: EventId,
    /// `VM.START`, ... Types that nothing meters are kept as they come.
    pub event_type: Text,
    /// The instant it happened. Order of events is (created, id).
    pub created: Instant,
    /// The account that owned the resource.
    pub account: AccountId,
    /// The zone; the source's 0 and -1 are "no zone".
    pub zone: ZoneId,
    /// The resource it happened to.
    pub resource: ResourceId,
    /// Name of the resource; the NIC id for network offering events.
    pub resource_name: Option<Text>,
    /// Service, disk or network offering.
    pub offering: Option<OfferingId>,
    /// Template; 1 marks a system address in address events.
    pub template: Option<TemplateId>,
    /// Bytes; a flag in address and network offering events.
    pub size: Option<u64>,
    /// Bytes the guest sees.
    pub virtual_size: Option<u64>,
    /// Hypervisor, VLAN type, ...
    pub resource_type: Option<Text>,
}
