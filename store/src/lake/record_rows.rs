//! Records on their way into a file, as the encoder asks for them.

use cloudtally_model::{
    AccountId, Instant, NetworkId, NicId, OfferingId, RecordRow, ResourceId, SourceId, TemplateId,
    UsageRecord, UsageTypeId, ZoneId,
};

/// Records of a period in order, asked for column by column: whoever makes them need not
/// have them as rows.
pub trait RecordRows {
    /// The number of rows.
    fn height(&self) -> usize;
    /// The source of a row's ids.
    fn source(&self, row: usize) -> SourceId;
    /// The account that pays.
    fn account(&self, row: usize) -> AccountId;
    /// The usage type.
    fn usage_type(&self, row: usize) -> UsageTypeId;
    /// The thing used.
    fn resource(&self, row: usize) -> ResourceId;
    /// The zone.
    fn zone(&self, row: usize) -> ZoneId;
    /// The NIC, or 0.
    fn nic(&self, row: usize) -> NicId;
    /// Service, disk or network offering.
    fn offering(&self, row: usize) -> Option<u64>;
    /// Template.
    fn template(&self, row: usize) -> Option<u64>;
    /// Bytes of storage.
    fn size(&self, row: usize) -> Option<u64>;
    /// Guest network, or 0.
    fn network(&self, row: usize) -> NetworkId;
    /// Hypervisor or device type.
    fn resource_type(&self, row: usize) -> Option<&str>;
    /// Start of the period, or the earliest sample of a folded record.
    fn start(&self, row: usize) -> Instant;
    /// Start of the closed period that an adjustment corrects.
    fn corrects(&self, row: usize) -> Option<Instant>;
    /// Bytes the guest sees.
    fn virtual_size(&self, row: usize) -> Option<u64>;
    /// Name of the resource.
    fn name(&self, row: usize) -> Option<&str>;
    /// True if the address was the source NAT address.
    fn is_source_nat(&self, row: usize) -> Option<bool>;
    /// True if the address was elastic.
    fn is_elastic(&self, row: usize) -> Option<bool>;
    /// True if the NIC was the default one.
    fn is_default(&self, row: usize) -> Option<bool>;
    /// Milliseconds or bytes; what an adjustment takes away is negative.
    fn quantity(&self, row: usize) -> i64;

    /// Tells whether any of them is an adjustment.
    fn has_adjustments(&self) -> bool {
        (0..self.height()).any(|row| self.corrects(row).is_some())
    }

    /// The record of a row.
    fn row(&self, row: usize) -> RecordRow<'_> {
        RecordRow {
            source: self.source(row),
            account: self.account(row),
            usage_type: self.usage_type(row),
            resource: self.resource(row),
            zone: self.zone(row),
            nic: self.nic(row),
            offering: self.offering(row).map(OfferingId),
            template: self.template(row).map(TemplateId),
            size: self.size(row),
            network: self.network(row),
            resource_type: self.resource_type(row),
            start: self.start(row),
            corrects: self.corrects(row),
            virtual_size: self.virtual_size(row),
            name: self.name(row),
            is_source_nat: self.is_source_nat(row),
            is_elastic: self.is_elastic(row),
            is_default: self.is_default(row),
            quantity: self.quantity(row),
        }
    }
}

impl RecordRows for [UsageRecord] {
    fn height(&self) -> usize {
        self.len()
    }
    fn source(&self, row: usize) -> SourceId {
        self[row].source
    }
    fn account(&self, row: usize) -> AccountId {
        self[row].account
    }
    fn usage_type(&self, row: usize) -> UsageTypeId {
        self[row].usage_type
    }
    fn resource(&self, row: usize) -> ResourceId {
        self[row].resource
    }
    fn zone(&self, row: usize) -> ZoneId {
        self[row].zone
    }
    fn nic(&self, row: usize) -> NicId {
        self[row].nic
    }
    fn offering(&self, row: usize) -> Option<u64> {
        self[row].offering.map(|offering| offering.0)
    }
    fn template(&self, row: usize) -> Option<u64> {
        self[row].template.map(|template| template.0)
    }
    fn size(&self, row: usize) -> Option<u64> {
        self[row].size
    }
    fn network(&self, row: usize) -> NetworkId {
        self[row].network
    }
    fn resource_type(&self, row: usize) -> Option<&str> {
        self[row].resource_type.as_deref()
    }
    fn start(&self, row: usize) -> Instant {
        self[row].start
    }
    fn corrects(&self, row: usize) -> Option<Instant> {
        self[row].corrects
    }
    fn virtual_size(&self, row: usize) -> Option<u64> {
        self[row].virtual_size
    }
    fn name(&self, row: usize) -> Option<&str> {
        self[row].name.as_deref()
    }
    fn is_source_nat(&self, row: usize) -> Option<bool> {
        self[row].is_source_nat
    }
    fn is_elastic(&self, row: usize) -> Option<bool> {
        self[row].is_elastic
    }
    fn is_default(&self, row: usize) -> Option<bool> {
        self[row].is_default
    }
    fn quantity(&self, row: usize) -> i64 {
        self[row].quantity
    }
}
