//! Segments become records: cut at a period, summed per key.
//!
//! A resource has few segments, so the records of a period are found by looking
//! back over those the same resource has just made; there is no hash table and
//! no second pass. Everything is integer milliseconds. A record is a row of borrowed
//! values ([`RecordRow`]) until a column takes it.
//!
//! # Source
//! Usage rules 3 and 4; fields per type: guide 8.1.

use cloudtally_model::{
    NetworkId, Part, Period, RecordRow, Segment, UsageRecord, UsageType, UsageTypeId, usage_type,
};

/// Adds the use of one resource's segments to the records of each period.
///
/// `records[i]` belongs to `periods[i]`. The segments are those of one resource, in
/// order of start, so that fields outside the key end up as the last segment of the
/// period has them.
///
/// Example: 12:00-18:00 and 23:00-open give 7 h on that day and 24 h on the next.
pub fn add_resource(segments: &[Segment], periods: &[Period], records: &mut [Vec<UsageRecord>]) {
    let mut rows = Vec::new();
    for (period, records) in periods.iter().zip(records) {
        segments.iter().for_each(|segment| add_segment(segment, *period, &mut rows));
        records.extend(rows.drain(..).map(|row| row.to_record()));
    }
}

/// Adds the use of a segment inside a period to the records of its resource.
pub(crate) fn add_segment<'s>(
    segment: &'s Segment,
    period: Period,
    of_resource: &mut Vec<RecordRow<'s>>,
) {
    let Some((start, end)) = segment.clip(period) else { return };
    let row = usage_type(segment.usage_type).expect("segments come from the table");
    let nothing = row.zero_size_is_nothing && segment.attributes.size == Some(0);
    let mut record = record_of(row, segment, period);
    record.quantity = if nothing { 0 } else { end.since(start).0.unsigned_abs() };
    match of_resource.iter_mut().find(|known| same_key(row, known, &record)) {
        Some(known) => {
            record.quantity += known.quantity;
            *known = record;
        }
        None => of_resource.push(record),
    }
}

/// Tells whether two records of one resource and period are one.
fn same_key(row: &UsageType, a: &RecordRow<'_>, b: &RecordRow<'_>) -> bool {
    a.usage_type == b.usage_type
        && a.account == b.account
        && a.zone == b.zone
        && a.nic == b.nic
        && (!row.key.offering || a.offering == b.offering)
        && (!row.key.template || a.template == b.template)
        && (!row.key.size || a.size == b.size)
}

/// The record of a segment, without its quantity.
fn record_of<'s>(row: &UsageType, segment: &'s Segment, period: Period) -> RecordRow<'s> {
    let attributes = &segment.attributes;
    let fields = &row.fields;
    let flag = |value: Option<u64>| Some(value == Some(1));
    RecordRow {
        source: segment.source,
        account: segment.account,
        usage_type: row.id,
        resource: segment.resource,
        zone: attributes.zone,
        nic: segment.nic,
        offering: attributes.offering.filter(|_| fields.offering),
        template: attributes.template.filter(|_| fields.template),
        size: attributes.size.filter(|_| fields.size),
        network: NetworkId(0),
        resource_type: attributes.resource_type.as_deref().filter(|_| fields.resource_type),
        start: period.start,
        virtual_size: virtual_size(row, segment),
        // A NIC's number stands where other events have a name.
        name: attributes.name.as_deref().filter(|_| row.part != Part::Nic),
        is_source_nat: if fields.address_flags { flag(attributes.size) } else { None },
        is_elastic: if fields.address_flags {
            flag(attributes.template.map(|template| template.0))
        } else {
            None
        },
        is_default: if fields.nic { flag(attributes.size) } else { None },
        quantity: 0,
    }
}

/// An ISO is as large as it looks; a template says so itself.
fn virtual_size(row: &UsageType, segment: &Segment) -> Option<u64> {
    let attributes = &segment.attributes;
    let stored = attributes.virtual_size.filter(|_| row.fields.virtual_size);
    if row.id == UsageTypeId::ISO { stored.or(attributes.size) } else { stored }
}
