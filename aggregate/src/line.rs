//! Records as they leave the house: one resolved line each, the same for the
//! export and the API.
//!
//! Names come from the account dimension, dates from the calendar; a value that
//! the source does not have is absent, never guessed.
//!
//! # Source
//! Guide 8.1; `usage-4.2` field order for the API, export columns for files.

use std::sync::Arc;

use cloudtally_model::{
    Calendar, Instant, Millis, RecordId, SourceName, Sources, Text, UsageTypeId,
};
use cloudtally_store::{Accounts, ServedRecord};

/// One line of the bill with everything resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The stable id.
    pub record_id: RecordId,
    /// First instant of the record, and as shown.
    pub start: (Instant, Arc<str>),
    /// Last second of the record, and as shown.
    pub end: (Instant, Arc<str>),
    /// The usage type.
    pub usage_type: UsageTypeId,
    /// The account's name, its id where the account is unknown.
    pub account: Text,
    /// The source's account number.
    pub account_id: u64,
    /// The account's domain.
    pub domain_id: Option<u64>,
    /// The zone.
    pub zone_id: Option<u64>,
    /// The resource that the record is about.
    pub description: String,
    /// `7 Hrs`, `42 bytes sent`.
    pub usage: String,
    /// The bare number of `usage`.
    pub raw_usage: String,
    /// The exact quantity in `unit`; negative where an adjustment takes away.
    pub quantity: i64,
    /// `ms` or `bytes`.
    pub unit: &'static str,
    /// The usage type.
    pub usage_id: Option<u64>,
    /// The VM.
    pub virtual_machine_id: Option<u64>,
    /// The VM's name.
    pub name: Option<Text>,
    /// Service, disk or network offering.
    pub offering_id: Option<u64>,
    /// Template.
    pub template_id: Option<u64>,
    /// Hypervisor or device type.
    pub resource_type: Option<Text>,
    /// Bytes of storage.
    pub size: Option<u64>,
    /// Bytes the guest sees.
    pub virtual_size: Option<u64>,
    /// Guest network.
    pub network_id: Option<u64>,
    /// The NIC.
    pub nic_id: Option<u64>,
    /// True if the address was the source NAT address.
    pub is_source_nat: Option<bool>,
    /// True if the address was elastic.
    pub is_elastic: Option<bool>,
    /// True if the NIC was the default one.
    pub is_default: Option<bool>,
    /// The number of times the period's records have been published.
    pub generation: u32,
    /// The cloud whose ids these are.
    pub source: SourceName,
    /// Start of the closed period that an adjustment corrects, and as shown.
    pub corrects: Option<(Instant, Arc<str>)>,
}

/// Resolves records to lines.
#[derive(Clone)]
pub struct Lines {
    calendar: Calendar,
    sources: Sources,
    accounts: Arc<Accounts>,
    // Whole days of records share their dates, and showing one costs a look into
    // the time zone's history.
    shown: [(Instant, Arc<str>); 2],
}

impl Lines {
    /// A resolver for records whose sources are ranked by `sources`.
    pub fn new(calendar: Calendar, sources: Sources, accounts: Arc<Accounts>) -> Self {
        let epoch = (Instant::EPOCH, Arc::from(calendar.show(Instant::EPOCH)));
        Self { calendar, sources, accounts, shown: [epoch.clone(), epoch] }
    }

    /// The line of a record.
    pub fn line(&mut self, served: &ServedRecord) -> Line {
        let record = &served.record;
        let row = record.as_row();
        let source = self.sources.name(record.source).clone();
        let start = self.show(0, record.start);
        let end = self.show(1, served.period.end - Millis::SECOND);
        let account = self.accounts.get(&source, record.account);
        Line {
            record_id: record.id(&source, served.period),
            start,
            end,
            usage_type: record.usage_type,
            account: self.accounts.shown_name(&source, record.account),
            account_id: record.account.0,
            domain_id: account.and_then(|account| account.domain).map(|domain| domain.0),
            zone_id: record.zone.number(),
            description: record.description(),
            usage: record.usage(),
            raw_usage: record.raw_usage(),
            quantity: record.quantity,
            unit: row.row().unit.name(),
            usage_id: record.usage_id(),
            virtual_machine_id: row.virtual_machine_id(),
            name: row.shown_name().map(Text::new),
            offering_id: record.offering.map(|offering| offering.0),
            template_id: record.template.map(|template| template.0),
            resource_type: record.resource_type.clone(),
            size: record.size,
            virtual_size: record.virtual_size,
            network_id: row.network_id(),
            nic_id: row.nic_id(),
            is_source_nat: record.is_source_nat,
            is_elastic: record.is_elastic,
            is_default: record.is_default,
            generation: served.generation,
            source,
            corrects: record.corrects.map(|at| (at, Arc::from(self.calendar.show(at)))),
        }
    }

    fn show(&mut self, slot: usize, instant: Instant) -> (Instant, Arc<str>) {
        if self.shown[slot].0 != instant {
            self.shown[slot] = (instant, Arc::from(self.calendar.show(instant)));
        }
        self.shown[slot].clone()
    }
}
