//! Usage events as columns.

use std::ops::Range;

use cloudtally_model::{
    AccountId, EventId, Instant, Numbers, OfferingId, ResourceId, TemplateId, Text, Texts,
    UsageEvent, ZoneId, row_index,
};
use rayon::prelude::*;

use super::columns::Words;

/// Usage events, a column each attribute. All columns have the same length.
#[derive(Clone, Debug, Default)]
pub struct EventTable {
    /// Ids of the events.
    pub id: Vec<u64>,
    /// Their types; every row has one.
    pub event_type: Words,
    /// Milliseconds since 1970.
    pub created: Vec<i64>,
    /// Accounts that owned the resources.
    pub account: Vec<u64>,
    /// Zones; 0 is "no zone".
    pub zone: Vec<u64>,
    /// The resources they happened to.
    pub resource: Vec<u64>,
    /// Names of the resources.
    pub resource_name: Texts,
    /// Offerings.
    pub offering: Numbers,
    /// Templates.
    pub template: Numbers,
    /// Sizes in bytes.
    pub size: Numbers,
    /// Bytes the guests see.
    pub virtual_size: Numbers,
    /// Hypervisors, VLAN types, ...
    pub resource_type: Words,
}

impl EventTable {
    /// The number of rows.
    pub fn height(&self) -> usize {
        self.id.len()
    }

    /// Adds a row.
    pub fn push(&mut self, event: &UsageEvent) {
        self.id.push(event.id.0);
        self.event_type.push(Some(&event.event_type));
        self.created.push(event.created.as_millis());
        self.account.push(event.account.0);
        self.zone.push(event.zone.number().unwrap_or(0));
        self.resource.push(event.resource.0);
        self.resource_name.push(event.resource_name.as_deref());
        self.offering.push(event.offering.map(|id| id.0));
        self.template.push(event.template.map(|id| id.0));
        self.size.push(event.size);
        self.virtual_size.push(event.virtual_size);
        self.resource_type.push(event.resource_type.as_deref());
    }

    /// Adds rows of another table.
    pub fn append(&mut self, other: &Self, rows: Range<usize>) {
        self.id.extend_from_slice(&other.id[rows.clone()]);
        self.event_type.append(&other.event_type, rows.clone());
        self.created.extend_from_slice(&other.created[rows.clone()]);
        self.account.extend_from_slice(&other.account[rows.clone()]);
        self.zone.extend_from_slice(&other.zone[rows.clone()]);
        self.resource.extend_from_slice(&other.resource[rows.clone()]);
        self.resource_name.append(&other.resource_name, rows.clone());
        self.offering.append(&other.offering, rows.clone());
        self.template.append(&other.template, rows.clone());
        self.size.append(&other.size, rows.clone());
        self.virtual_size.append(&other.virtual_size, rows.clone());
        self.resource_type.append(&other.resource_type, rows);
    }

    /// The instant of a row's event.
    pub fn created(&self, row: usize) -> Instant {
        Instant::from_millis(self.created[row])
    }

    /// The event of a row.
    pub fn row(&self, row: usize) -> UsageEvent {
        UsageEvent {
            id: EventId(self.id[row]),
            event_type: self.event_type.get(row).map(Text::new).unwrap_or_default(),
            created: self.created(row),
            account: AccountId(self.account[row]),
            zone: zone(self.zone[row]),
            resource: ResourceId(self.resource[row]),
            resource_name: self.resource_name.get(row).map(Text::new),
            offering: self.offering.get(row).map(OfferingId),
            template: self.template.get(row).map(TemplateId),
            size: self.size.get(row),
            virtual_size: self.virtual_size.get(row),
            resource_type: self.resource_type.get(row).map(Text::new),
        }
    }

    /// Puts rows into the order of a file: by instant and id.
    pub(crate) fn sort(&self, rows: &mut [u32]) {
        let key = |row: u32| (self.created[row_index(row)], self.id[row_index(row)]);
        if rows.is_sorted_by_key(|row| key(*row)) {
            return;
        }
        let mut keyed: Vec<(i64, u64, u32)> = rows
            .iter()
            .map(|row| (self.created[row_index(*row)], self.id[row_index(*row)], *row))
            .collect();
        keyed.par_sort_unstable();
        rows.iter_mut().zip(keyed).for_each(|(row, (.., sorted))| *row = sorted);
    }
}

impl<'a> FromIterator<&'a UsageEvent> for EventTable {
    fn from_iter<I: IntoIterator<Item = &'a UsageEvent>>(events: I) -> Self {
        let mut table = Self::default();
        events.into_iter().for_each(|event| table.push(event));
        table
    }
}

/// The zone of a column's number.
pub(super) fn zone(number: u64) -> ZoneId {
    ZoneId::from_source(number.cast_signed())
}
