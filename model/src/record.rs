//! Usage records: one line of the bill each.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    AccountId, Instant, Millis, NetworkId, NicId, OfferingId, Period, ResourceId, SourceId,
    SourceName, TemplateId, Text, Unit, UsageType, UsageTypeId, ZoneId, hour_millionths,
    usage_type, write_millionths,
};

/// The use of one resource under one key inside one period.
///
/// The order of the fields up to `corrects` is the order in which records are
/// stored and served: (source, account, usage type, resource, rest of the key).
///
/// An *adjustment* is a record that says what became of a closed period after it was
/// closed: its `corrects` is the start of that period, and its quantity may be negative.
///
/// # Source
/// Guide 8.1; usage rules 3 and 4.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageRecord {
    /// The source of the ids.
    pub source: SourceId,
    /// The account that pays.
    pub account: AccountId,
    /// The usage type.
    pub usage_type: UsageTypeId,
    /// The thing used; the device for bytes.
    pub resource: ResourceId,
    /// The zone; none for VPN users and region-wide templates.
    pub zone: ZoneId,
    /// The NIC, for network offerings; 0 elsewhere.
    pub nic: NicId,
    /// Service, disk or network offering.
    pub offering: Option<OfferingId>,
    /// Template of a VM or root volume, source template of a template.
    pub template: Option<TemplateId>,
    /// Bytes of storage.
    pub size: Option<u64>,
    /// Guest network, for bytes.
    pub network: NetworkId,
    /// Hypervisor or device type.
    pub resource_type: Option<Text>,
    /// Start of the period, or the earliest sample of a folded record
    /// (usage rules 6, the guide's network exception).
    pub start: Instant,
    /// Start of the closed period that an adjustment corrects; `None` for ordinary records.
    pub corrects: Option<Instant>,
    /// Bytes the guest sees.
    pub virtual_size: Option<u64>,
    /// Name of the resource.
    pub name: Option<Text>,
    /// True if the address was the source NAT address, for addresses.
    pub is_source_nat: Option<bool>,
    /// True if the address was elastic (a system address), for addresses.
    pub is_elastic: Option<bool>,
    /// True if the NIC was the default one, for network offerings.
    pub is_default: Option<bool>,
    /// The exact quantity, in milliseconds or bytes as the type says. Negative only where
    /// an adjustment takes away.
    pub quantity: i64,
}

/// A record whose texts are borrowed: what one is between columns that are read and
/// columns that are written. It has the fields of [`UsageRecord`] and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordRow<'a> {
    /// The source of the ids.
    pub source: SourceId,
    /// The account that pays.
    pub account: AccountId,
    /// The usage type.
    pub usage_type: UsageTypeId,
    /// The thing used; the device for bytes.
    pub resource: ResourceId,
    /// The zone.
    pub zone: ZoneId,
    /// The NIC, for network offerings; 0 elsewhere.
    pub nic: NicId,
    /// Service, disk or network offering.
    pub offering: Option<OfferingId>,
    /// Template.
    pub template: Option<TemplateId>,
    /// Bytes of storage.
    pub size: Option<u64>,
    /// Guest network, for bytes.
    pub network: NetworkId,
    /// Hypervisor or device type.
    pub resource_type: Option<&'a str>,
    /// Start of the period, or the earliest sample of a folded record.
    pub start: Instant,
    /// Start of the closed period that an adjustment corrects.
    pub corrects: Option<Instant>,
    /// Bytes the guest sees.
    pub virtual_size: Option<u64>,
    /// Name of the resource.
    pub name: Option<&'a str>,
    /// True if the address was the source NAT address, for addresses.
    pub is_source_nat: Option<bool>,
    /// True if the address was elastic, for addresses.
    pub is_elastic: Option<bool>,
    /// True if the NIC was the default one, for network offerings.
    pub is_default: Option<bool>,
    /// The exact quantity, in milliseconds or bytes as the type says. Negative only where
    /// an adjustment takes away.
    pub quantity: i64,
}

impl UsageRecord {
    /// The record with its texts borrowed.
    pub fn as_row(&self) -> RecordRow<'_> {
        RecordRow {
            source: self.source,
            account: self.account,
            usage_type: self.usage_type,
            resource: self.resource,
            zone: self.zone,
            nic: self.nic,
            offering: self.offering,
            template: self.template,
            size: self.size,
            network: self.network,
            resource_type: self.resource_type.as_deref(),
            start: self.start,
            corrects: self.corrects,
            virtual_size: self.virtual_size,
            name: self.name.as_deref(),
            is_source_nat: self.is_source_nat,
            is_elastic: self.is_elastic,
            is_default: self.is_default,
            quantity: self.quantity,
        }
    }

    /// The row of this record's usage type.
    pub fn row(&self) -> &'static UsageType {
        self.as_row().row()
    }

    /// The text of `description`.
    pub fn description(&self) -> String {
        self.as_row().description()
    }

    /// The text of `rawusage`: hours or bytes, a bare number.
    pub fn raw_usage(&self) -> String {
        self.as_row().raw_usage()
    }

    /// The text of `usage`: `7 Hrs`, `1048576 bytes sent`.
    pub fn usage(&self) -> String {
        format!("{} {}", self.raw_usage(), self.as_row().unit_shown())
    }

    /// The field `usageid`: the resource, or the offering for network offerings.
    /// Absent for traffic of no device.
    pub fn usage_id(&self) -> Option<u64> {
        self.as_row().usage_id()
    }

    /// Tells whether this record holds more than its own period (the guide's network
    /// exception).
    pub fn is_folded(&self, period: Period) -> bool {
        self.start != period.start
    }

    /// The stable id of this record: the same key in the same period of the same
    /// source has the same id, whatever generation it belongs to.
    pub fn id(&self, source: &SourceName, period: Period) -> RecordId {
        self.as_row().id(source, period, &mut Vec::with_capacity(160))
    }
}

impl RecordRow<'_> {
    /// The record with texts of its own.
    pub fn to_record(&self) -> UsageRecord {
        UsageRecord {
            source: self.source,
            account: self.account,
            usage_type: self.usage_type,
            resource: self.resource,
            zone: self.zone,
            nic: self.nic,
            offering: self.offering,
            template: self.template,
            size: self.size,
            network: self.network,
            resource_type: self.resource_type.map(Text::new),
            start: self.start,
            corrects: self.corrects,
            virtual_size: self.virtual_size,
            name: self.name.map(Text::new),
            is_source_nat: self.is_source_nat,
            is_elastic: self.is_elastic,
            is_default: self.is_default,
            quantity: self.quantity,
        }
    }

    /// The row of this record's usage type.
    pub fn row(&self) -> &'static UsageType {
        usage_type(self.usage_type).expect("records are made from the table of usage types")
    }

    /// The text of `description`.
    pub fn description(&self) -> String {
        let mut text = String::new();
        self.describe(&mut text);
        text
    }

    /// Writes the text of `description` behind what `text` holds.
    pub fn describe(&self, text: &mut String) {
        (self.row().describe)(self, text).expect("strings take any text");
    }

    /// Writes the name of the resource, else its id.
    pub(crate) fn label(&self, out: &mut String) -> fmt::Result {
        match self.name {
            Some(name) => out.write_str(name),
            None => write!(out, "{}", self.resource),
        }
    }

    /// The text of `rawusage`: hours or bytes, a bare number.
    pub fn raw_usage(&self) -> String {
        let mut text = String::new();
        write_millionths(self.millionths(), &mut text);
        text
    }

    /// The number of `rawusage` in millionths: hours or bytes.
    pub fn millionths(&self) -> i128 {
        match self.row().unit {
            Unit::Milliseconds => hour_millionths(self.quantity),
            Unit::BytesSent | Unit::BytesReceived => i128::from(self.quantity) * 1_000_000,
        }
    }

    /// The unit as `usage` shows it behind the number.
    pub fn unit_shown(&self) -> &'static str {
        match self.row().unit {
            Unit::Milliseconds => "Hrs",
            Unit::BytesSent => "bytes sent",
            Unit::BytesReceived => "bytes received",
        }
    }

    /// The field `usageid`: the resource, or the offering for network offerings.
    /// Absent for traffic of no device.
    pub fn usage_id(&self) -> Option<u64> {
        let row = self.row();
        if row.fields.usage_id_is_offering {
            return self.offering.map(|offering| offering.0);
        }
        let no_device = row.unit != Unit::Milliseconds && self.resource.0 == 0;
        (!no_device).then_some(self.resource.0)
    }

    /// The field `virtualmachineid`: the resource, where it is a VM.
    pub fn virtual_machine_id(&self) -> Option<u64> {
        self.row().fields.virtual_machine.then_some(self.resource.0)
    }

    /// The field `name`, where the type has one.
    pub fn shown_name(&self) -> Option<&str> {
        self.name.filter(|_| self.row().fields.name)
    }

    /// The field `networkid`, where the type has one.
    pub fn network_id(&self) -> Option<u64> {
        (self.row().fields.network && self.network.0 != 0).then_some(self.network.0)
    }

    /// The field `nicid`, where the type has one.
    pub fn nic_id(&self) -> Option<u64> {
        self.row().fields.nic.then_some(self.nic.0)
    }

    /// The stable id of this record; `key` is only a place to work in.
    pub fn id(&self, source: &SourceName, period: Period, key: &mut Vec<u8>) -> RecordId {
        let row = self.row();
        key.clear();
        let mut put = |number: u64| key.extend_from_slice(&number.to_le_bytes());
        put(self.account.0);
        put(u64::from(self.usage_type.0));
        put(self.zone.number().unwrap_or(0));
        put(self.resource.0);
        put(self.nic.0);
        put(self.network.0);
        put(self.start.since(period.start).0.unsigned_abs());
        let mut put_optional = |number: Option<u64>| {
            put(u64::from(number.is_some()));
            put(number.unwrap_or(0));
        };
        put_optional(self.offering.filter(|_| row.key.offering).map(|o| o.0));
        put_optional(self.template.filter(|_| row.key.template).map(|t| t.0));
        put_optional(self.size.filter(|_| row.key.size));
        if row.unit != Unit::Milliseconds {
            key.extend_from_slice(self.resource_type.unwrap_or("").as_bytes());
        }
        key.push(0);
        key.extend_from_slice(source.as_str().as_bytes());
        // Ids of ordinary records are what they were before there were adjustments. No name
        // of a source has a zero in it.
        if let Some(corrects) = self.corrects {
            key.push(0);
            key.extend_from_slice(&corrects.as_millis().to_le_bytes());
        }
        RecordId::new(period, xxh3_128(key))
    }
}

/// A record's public id, written as a UUID (version 8).
///
/// The first 48 bits are the start of its period in seconds since 1970, so that
/// a record can be found from its id alone; the rest is a hash of its source
/// and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(u128);

/// Why a text is not a record id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a record id; copy one from the `recordid` column of an export or of listUsageRecords"
)]
pub struct RecordIdError(String);

impl RecordId {
    const VERSION: u128 = 0x8 << 76;
    const VARIANT: u128 = 0b10 << 62;
    /// Bits of the hash that are kept: all but time, version and variant.
    const HASH_MASK: u128 = (0xfff << 64) | ((1 << 62) - 1);

    fn new(period: Period, hash: u128) -> Self {
        let seconds = u128::from((period.start.as_millis() / Millis::SECOND.0).unsigned_abs());
        Self((seconds << 80) | Self::VERSION | Self::VARIANT | (hash & Self::HASH_MASK))
    }

    /// Start of the period the record belongs to.
    pub fn period_start(self) -> Instant {
        let seconds = i64::try_from(self.0 >> 80).expect("48 bits fit");
        Instant::from_millis(seconds * Millis::SECOND.0)
    }
}

impl RecordId {
    /// Writes the id behind what `text` holds.
    pub fn write(self, text: &mut String) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for (at, byte) in self.0.to_be_bytes().into_iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(36);
        self.write(&mut text);
        f.write_str(&text)
    }
}

impl FromStr for RecordId {
    type Err = RecordIdError;
    fn from_str(text: &str) -> Result<Self, RecordIdError> {
        let error = || RecordIdError(text.to_owned());
        let shaped = text.len() == 36
            && text.bytes().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_hexdigit(),
            });
        if !shaped {
            return Err(error());
        }
        let bits = u128::from_str_radix(&text.replace('-', ""), 16).map_err(|_| error())?;
        let marks = (0xf << 76) | (0b11 << 62);
        if bits & marks != Self::VERSION | Self::VARIANT {
            return Err(error());
        }
        Ok(Self(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Calendar;

    /// The id of [`running`] 4 with offering 1 in the first period of all.
    const ID_BEFORE_ADJUSTMENTS: &str = "00000000-0000-81de-a153-04b9f030d49a";

    fn running(vm: u64, offering: u64) -> UsageRecord {
        UsageRecord {
            source: SourceId(0),
            account: AccountId(5),
            usage_type: UsageTypeId::RUNNING_VM,
            resource: ResourceId(vm),
            zone: ZoneId::from_source(1),
            nic: NicId(0),
            offering: Some(OfferingId(offering)),
            template: Some(TemplateId(3)),
            size: None,
            network: NetworkId(0),
            resource_type: Some("XenServer".into()),
            start: Instant::EPOCH,
            corrects: None,
            virtual_size: None,
            name: Some("i-3-4-WC".into()),
            is_source_nat: None,
            is_elastic: None,
            is_default: None,
            quantity: 10_630_368,
        }
    }

    #[test]
    fn reads_as_in_the_guide() {
        let record = running(4, 1);
        assert_eq!(
            record.description(),
            "i-3-4-WC running time (ServiceOffering: 1) (Template: 3)"
        );
        assert_eq!(record.usage(), "2.95288 Hrs");
        assert_eq!(record.raw_usage(), "2.95288");
    }

    #[test]
    fn ids_are_stable_and_tell_keys_and_periods_apart() {
        let source = SourceName::new("default").unwrap();
        let period = Calendar::utc_days().period_at(Instant::EPOCH);
        let next = Calendar::utc_days().next(period);
        let id = running(4, 1).id(&source, period);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.period_start(), period.start);
        let renamed = UsageRecord { name: None, quantity: 1, ..running(4, 1) };
        assert_eq!(renamed.id(&source, period), id, "name and quantity are not the key");
        assert_ne!(running(4, 2).id(&source, period), id);
        let mut later = running(4, 1);
        later.start = next.start;
        assert_ne!(later.id(&source, next), id);
        assert_ne!(running(4, 1).id(&SourceName::new("other").unwrap(), period), id);
        let adjustment = UsageRecord { corrects: Some(Instant::EPOCH), ..running(4, 1) };
        assert_ne!(adjustment.id(&source, period), id, "an adjustment is a record of its own");
        let of_another = UsageRecord { corrects: Some(next.start), ..running(4, 1) };
        assert_ne!(of_another.id(&source, period), adjustment.id(&source, period));
        // The id that this record had before there were adjustments.
        assert_eq!(id.to_string(), ID_BEFORE_ADJUSTMENTS);
    }

    #[test]
    fn what_is_taken_away_reads_with_a_sign() {
        let record = UsageRecord { quantity: -12_600_000, ..running(4, 1) };
        assert_eq!(record.usage(), "-3.5 Hrs");
        assert_eq!(record.raw_usage(), "-3.5");
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "42",
            "00000000-0000-4000-8000-000000000000",
            "zzzzzzzz-0000-8000-8000-000000000000",
        ] {
            assert!(text.parse::<RecordId>().is_err(), "{text}");
        }
    }
}
