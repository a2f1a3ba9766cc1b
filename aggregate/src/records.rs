//! A segment as the record of a period shows it.
//!
//! # Source
//! Usage rules 3 and 4; fields per type: guide 8.1.

use cloudtally_model::{
    AccountId, NetworkId, NicId, Part, RecordRow, ResourceId, SegmentRow, SourceId, UsageType,
    UsageTypeId, ZoneId, usage_type,
};
use cloudtally_store::RecordRows;

/// A segment as the fields of a record.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    segment: SegmentRow<'a>,
    fields: ShownFields,
}

/// The fields that the usage type of a segment shows, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShownFields(u16);

impl ShownFields {
    const OFFERING: u16 = 1 << 0;
    const TEMPLATE: u16 = 1 << 1;
    const SIZE: u16 = 1 << 2;
    const VIRTUAL_SIZE: u16 = 1 << 3;
    const RESOURCE_TYPE: u16 = 1 << 4;
    const NAME: u16 = 1 << 5;
    const ADDRESS: u16 = 1 << 6;
    const NIC: u16 = 1 << 7;
    /// The virtual size is the size where none is known.
    const LOOKS_ITS_SIZE: u16 = 1 << 8;
    const KEY_OFFERING: u16 = 1 << 9;
    const KEY_TEMPLATE: u16 = 1 << 10;
    const KEY_SIZE: u16 = 1 << 11;
    /// Size 0 is no use.
    const ZERO_IS_NOTHING: u16 = 1 << 12;

    /// The fields of a type.
    pub(crate) fn of(id: UsageTypeId) -> Self {
        let row = usage_type(id).expect("segments come from the table");
        let UsageType { fields, key, .. } = row;
        let bits = [
            (Self::OFFERING, fields.offering),
            (Self::TEMPLATE, fields.template),
            (Self::SIZE, fields.size),
            (Self::VIRTUAL_SIZE, fields.virtual_size),
            (Self::RESOURCE_TYPE, fields.resource_type),
            // A NIC's number stands where other events have a name.
            (Self::NAME, row.part != Part::Nic),
            (Self::ADDRESS, fields.address_flags),
            (Self::NIC, fields.nic),
            // An ISO is as large as it looks; a template says so itself.
            (Self::LOOKS_ITS_SIZE, row.id == UsageTypeId::ISO),
            (Self::KEY_OFFERING, key.offering),
            (Self::KEY_TEMPLATE, key.template),
            (Self::KEY_SIZE, key.size),
            (Self::ZERO_IS_NOTHING, row.zero_size_is_nothing),
        ];
        let set = bits.iter().filter(|(_, is_set)| *is_set).map(|(bit, _)| bit);
        Self(set.fold(0, |all, bit| all | bit))
    }

    #[inline]
    fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

macro_rules! of_segment {
    ($($name:ident: $type:ty),* $(,)?) => { $(
        #[inline]
        pub(crate) fn $name(self) -> $type {
            self.segment.$name()
        }
    )* };
}

impl<'a> Shown<'a> {
    #[inline]
    pub(crate) fn new(segment: SegmentRow<'a>, fields: ShownFields) -> Self {
        Self { segment, fields }
    }

    of_segment! {
        source: SourceId,
        account: AccountId,
        usage_type: UsageTypeId,
        resource: ResourceId,
        zone: ZoneId,
        nic: NicId,
    }

    /// Bytes alone are of a network.
    #[inline]
    pub(crate) fn network(self) -> NetworkId {
        NetworkId(0)
    }

    #[inline]
    pub(crate) fn offering(self) -> Option<u64> {
        if self.fields.has(ShownFields::OFFERING) { self.segment.offering() } else { None }
    }

    #[inline]
    pub(crate) fn template(self) -> Option<u64> {
        if self.fields.has(ShownFields::TEMPLATE) { self.segment.template() } else { None }
    }

    #[inline]
    pub(crate) fn size(self) -> Option<u64> {
        if self.fields.has(ShownFields::SIZE) { self.segment.size() } else { None }
    }

    #[inline]
    pub(crate) fn resource_type(self) -> Option<&'a str> {
        let is_shown = self.fields.has(ShownFields::RESOURCE_TYPE);
        if is_shown { self.segment.resource_type() } else { None }
    }

    #[inline]
    pub(crate) fn virtual_size(self) -> Option<u64> {
        let is_shown = self.fields.has(ShownFields::VIRTUAL_SIZE);
        let stored = if is_shown { self.segment.virtual_size() } else { None };
        if self.fields.has(ShownFields::LOOKS_ITS_SIZE) {
            stored.or(self.segment.size())
        } else {
            stored
        }
    }

    #[inline]
    pub(crate) fn name(self) -> Option<&'a str> {
        if self.fields.has(ShownFields::NAME) { self.segment.name() } else { None }
    }

    #[inline]
    pub(crate) fn is_source_nat(self) -> Option<bool> {
        self.fields.has(ShownFields::ADDRESS).then(|| self.segment.size() == Some(1))
    }

    #[inline]
    pub(crate) fn is_elastic(self) -> Option<bool> {
        self.fields.has(ShownFields::ADDRESS).then(|| self.segment.template() == Some(1))
    }

    #[inline]
    pub(crate) fn is_default(self) -> Option<bool> {
        self.fields.has(ShownFields::NIC).then(|| self.segment.size() == Some(1))
    }

    /// Tells whether its use counts as none: open storage of nothing.
    #[inline]
    pub(crate) fn is_nothing(self) -> bool {
        self.fields.has(ShownFields::ZERO_IS_NOTHING) && self.segment.size() == Some(0)
    }

    /// Tells whether two segments of one resource, account and type are one record.
    pub(crate) fn shares_record(self, other: Self) -> bool {
        let is_of_key = |bit: u16| self.fields.has(bit);
        self.zone() == other.zone()
            && self.nic() == other.nic()
            && (!is_of_key(ShownFields::KEY_OFFERING) || self.offering() == other.offering())
            && (!is_of_key(ShownFields::KEY_TEMPLATE) || self.template() == other.template())
            && (!is_of_key(ShownFields::KEY_SIZE) || self.size() == other.size())
    }
}

/// The rows of records, one by one.
pub(crate) trait Rows: RecordRows {
    /// All of them, in order.
    fn rows(&self) -> impl Iterator<Item = RecordRow<'_>> {
        (0..self.height()).map(|row| self.row(row))
    }
}

impl<R: RecordRows> Rows for R {}
