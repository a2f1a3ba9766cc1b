//! The port between crates that do not know each other: the simulated cloud names its
//! changes, the store keeps them.

use std::{error::Error, fmt};

use crate::{
    Account, AccountId, Instant, KeyParts, NetworkId, NetworkSample, NicId, OfferingId, ResourceId,
    TemplateId, Text, UsageEvent, UsageRecord, UsageTypeId, ZoneId, usage_type,
};

/// The number that keeps how far the cloud has lived, in milliseconds since 1970.
pub const CLOCK_MS: &str = "clock_ms";
/// The number that keeps whether the cloud lives by a simulated clock, 0 or 1.
pub const IS_SIMULATED: &str = "simulated";

/// A stored attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(Text),
    /// Another stored thing, by its id.
    Ref(u64),
    /// A moment.
    Time(Instant),
    /// Several.
    List(Vec<Value>),
    /// Keys and values, in order.
    Map(Vec<(Text, Text)>),
}

/// One stored thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Unique over all kinds; never used again.
    pub id: u64,
    /// Name of its kind.
    pub kind: Text,
    /// Its id in the API.
    pub uuid: u128,
    /// The account it belongs to.
    pub owner: Option<u64>,
    /// Its state, empty if it has none.
    pub state: Text,
    /// The instant it was made.
    pub created: Instant,
    /// The instant it was removed.
    pub removed: Option<Instant>,
    /// Its attributes by name, in a fixed order; absent ones are left out.
    pub values: Vec<(Text, Value)>,
}

/// A use: the resource and its payer, as the bill tells them apart.
///
/// Columns that a usage type does not tell things apart by are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The kind of use.
    pub usage_type: UsageTypeId,
    /// The account that pays.
    pub account: AccountId,
    /// The zone.
    pub zone: ZoneId,
    /// The thing used; the device for bytes.
    pub resource: ResourceId,
    /// The NIC, for network offerings; 0 elsewhere.
    pub nic: NicId,
    /// Service, disk or network offering.
    pub offering: Option<OfferingId>,
    /// The template or ISO that a virtual machine was made from.
    pub template: Option<TemplateId>,
    /// Bytes of storage.
    pub size: Option<u64>,
    /// The guest network, for bytes; 0 elsewhere.
    pub network: NetworkId,
}

/// The use that a usage record bills: what its type tells records apart by. Fields that
/// merely describe the use are left out.
impl From<&UsageRecord> for Use {
    fn from(record: &UsageRecord) -> Self {
        let key = usage_type(record.usage_type).map_or(KeyParts::NONE, |row| row.key);
        Self {
            usage_type: record.usage_type,
            account: record.account,
            zone: record.zone,
            resource: record.resource,
            nic: record.nic,
            offering: record.offering.filter(|_| key.offering),
            template: record.template.filter(|_| key.template),
            size: record.size.filter(|_| key.size),
            network: record.network,
        }
    }
}

/// One stretch of use, as the ledger of the simulated cloud has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Unique; grows.
    pub number: u64,
    /// The stored thing whose being so is the use.
    pub thing: u64,
    /// The use.
    pub what: Use,
    /// Its beginning; for bytes, the instant the first of them were counted.
    pub start: Instant,
    /// Its end; none while it lasts. For bytes, the instant the last were counted.
    pub end: Option<Instant>,
    /// Bytes sent and received, for traffic.
    pub bytes: Option<(u64, u64)>,
}

/// Changes that become true at once, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// Things as they are now.
    pub rows: Vec<Row>,
    /// Ids of things that are gone without a trace.
    pub erased: Vec<u64>,
    /// Usage events, in order.
    pub usage: Vec<UsageEvent>,
    /// Samples of traffic counters, in order.
    pub samples: Vec<NetworkSample>,
    /// Accounts that are new or changed, as the bill names them.
    pub accounts: Vec<Account>,
    /// Settings by name; none goes back to the default.
    pub settings: Vec<(String, Option<String>)>,
    /// Numbers of the cloud itself by name: the clock, the next id.
    pub numbers: Vec<(&'static str, i64)>,
    /// Entries of the ledger as they are now.
    pub ledger: Vec<LedgerEntry>,
}

impl ChangeSet {
    /// Returns true if nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The state that is kept when everything starts.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// All things, in order of their ids.
    pub rows: Vec<Row>,
    /// Settings that differ from their default.
    pub settings: Vec<(String, String)>,
    /// Numbers of the cloud itself.
    pub numbers: Vec<(String, i64)>,
    /// The whole ledger, in order of its numbers.
    pub ledger: Vec<LedgerEntry>,
}

/// Keeps what the cloud is.
pub trait Journal: Send {
    /// Everything kept.
    fn load(&mut self) -> Result<Kept, JournalError>;
    /// Keeps a change set, whole and durably, before it returns. An error that is an
    /// [`UnknownFate`] leaves open whether it did.
    fn commit(&mut self, changes: &ChangeSet) -> Result<(), JournalError>;
}

/// The cause for which nothing was kept, or with [`UnknownFate`] inside, for which
/// nobody knows.
pub type JournalError = Box<dyn Error + Send + Sync>;

/// A change set may or may not have been kept: the disk failed while it was made
/// durable. Only opening the journal anew tells which.
#[derive(Debug)]
pub struct UnknownFate(pub Box<dyn Error + Send + Sync>);

impl fmt::Display for UnknownFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for UnknownFate {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_has_what_its_type_tells_records_apart_by() {
        let text = |usage_type: u16| {
            let record = UsageRecord {
                source: crate::SourceId(0),
                account: 3.into(),
                usage_type: UsageTypeId(usage_type),
                resource: 4.into(),
                zone: ZoneId::from_source(1),
                nic: NicId(0),
                offering: Some(7.into()),
                template: Some(8.into()),
                size: Some(9),
                network: NetworkId(0),
                resource_type: None,
                start: Instant::EPOCH,
                corrects: None,
                virtual_size: None,
                name: None,
                is_source_nat: None,
                is_elastic: None,
                is_default: None,
                quantity: 1,
            };
            let what = Use::from(&record);
            let part = |is_there: bool, name: &'static str| if is_there { name } else { "" };
            [
                part(what.offering.is_some(), "offering "),
                part(what.template.is_some(), "template "),
                part(what.size.is_some(), "size"),
            ]
            .concat()
        };
        for (usage_types, parts) in [
            (&[1, 2][..], "offering template "),
            (&[6], "offering size"),
            (&[7, 8, 9], "size"),
            (&[13], "offering "),
            (&[3, 4, 5, 11, 12, 14], ""),
        ] {
            for usage_type in usage_types {
                assert_eq!(text(*usage_type), parts, "{usage_type}");
            }
        }
    }
}
