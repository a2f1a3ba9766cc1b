//! Files of usage records: one period and generation each, in the order in which
//! they are served. Finance tools read these directly, so columns are plain.

use std::{
    ops::{ControlFlow, Range},
    sync::{Arc, LazyLock},
};

use arrow::array::{
    BooleanArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt16Array, UInt64Array,
};
use cloudtally_model::{
    AccountId, Instant, NetworkId, NicId, OfferingId, Period, ResourceId, SourceId, Sources,
    TemplateId, Text, UsageRecord, UsageTypeId, usage_type,
};

use super::{
    kind::{Access, Coding::*, Kind, Need::*, Type},
    read::{Batches, Columns, Footers, LakeReader, flag, instant, text, value, zone},
    samples::network_number,
    segments::nic_number,
    verified::NamedFile,
};
use crate::StoreError;

static KIND: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "records",
        Access::Pages,
        &[
            ("source", Type::Word, Always, Repeating),
            ("account_id", Type::U64, Always, Growing),
            ("usage_type", Type::U16, Always, Repeating),
            ("resource_id", Type::U64, Always, Growing),
            ("zone_id", Type::U64, Optional, Repeating),
            ("nic_id", Type::U64, Optional, Growing),
            ("offering_id", Type::U64, Optional, Repeating),
            ("template_id", Type::U64, Optional, Repeating),
            ("size", Type::U64, Optional, Repeating),
            ("network_id", Type::U64, Optional, Repeating),
            ("resource_type", Type::Word, Optional, Repeating),
            ("start", Type::Instant, Always, Repeating),
            ("virtual_size", Type::U64, Optional, Repeating),
            ("name", Type::Name, Optional, Plain),
            ("is_source_nat", Type::Flag, Optional, Plain),
            ("is_elastic", Type::Flag, Optional, Plain),
            ("is_default", Type::Flag, Optional, Plain),
            ("quantity", Type::U64, Always, Repeating),
            ("unit", Type::Word, Always, Repeating),
            ("period_start", Type::Instant, Always, Repeating),
            ("period_end", Type::Instant, Always, Repeating),
        ],
    )
});

/// Columns that say nothing we do not know from the catalogue or the usage type.
const DERIVED: &[&str] = &["unit", "period_start", "period_end"];

/// Encodes sorted records of one period.
pub(crate) fn encode(
    records: &[UsageRecord],
    period: Period,
    sources: &Sources,
) -> Result<Vec<u8>, StoreError> {
    KIND.encode(records, |rows| {
        let numbers =
            |of: fn(&UsageRecord) -> u64| UInt64Array::from_iter_values(rows.iter().map(of));
        let optional =
            |of: fn(&UsageRecord) -> Option<u64>| -> UInt64Array { rows.iter().map(of).collect() };
        let flags = |of: fn(&UsageRecord) -> Option<bool>| -> BooleanArray {
            rows.iter().map(of).collect()
        };
        let texts =
            |of: fn(&UsageRecord) -> Option<&str>| -> StringArray { rows.iter().map(of).collect() };
        let instants = |of: &dyn Fn(&UsageRecord) -> Instant| {
            let millis = rows.iter().map(|record| of(record).as_millis());
            TimestampMillisecondArray::from_iter_values(millis).with_timezone("UTC")
        };
        let source_names = rows.iter().map(|r| sources.name(r.source).as_str());
        let units = rows.iter().map(|r| usage_type(r.usage_type).map_or("", |row| row.unit.name()));
        RecordBatch::try_new(
            KIND.write_schema(),
            vec![
                Arc::new(StringArray::from_iter_values(source_names)),
                Arc::new(numbers(|r| r.account.0)),
                Arc::new(UInt16Array::from_iter_values(rows.iter().map(|r| r.usage_type.0))),
                Arc::new(numbers(|r| r.resource.0)),
                Arc::new(optional(|r| r.zone.number())),
                Arc::new(optional(|r| nic_number(r.nic))),
                Arc::new(optional(|r| r.offering.map(|o| o.0))),
                Arc::new(optional(|r| r.template.map(|t| t.0))),
                Arc::new(optional(|r| r.size)),
                Arc::new(optional(|r| network_number(r.network))),
                Arc::new(texts(|r| r.resource_type.as_deref())),
                Arc::new(instants(&|r| r.start)),
                Arc::new(optional(|r| r.virtual_size)),
                Arc::new(texts(|r| r.name.as_deref())),
                Arc::new(flags(|r| r.is_source_nat)),
                Arc::new(flags(|r| r.is_elastic)),
                Arc::new(flags(|r| r.is_default)),
                Arc::new(numbers(|r| r.quantity)),
                Arc::new(StringArray::from_iter_values(units)),
                Arc::new(instants(&|_| period.start)),
                Arc::new(instants(&|_| period.end)),
            ],
        )
    })
}

/// Calls `each` with the rows in `ranges` (in order, not touching), until it
/// breaks. Only the pages that hold them are read.
pub(crate) fn read(
    file: &NamedFile<'_>,
    footers: &Footers,
    ranges: &[Range<u64>],
    sources: &Sources,
    each: &mut dyn FnMut(UsageRecord) -> Result<ControlFlow<()>, StoreError>,
) -> Result<ControlFlow<()>, StoreError> {
    if ranges.is_empty() {
        return Ok(ControlFlow::Continue(()));
    }
    let reader = LakeReader::open(file, &KIND, Some(footers))?;
    for batch in reader.select(ranges, DERIVED)? {
        if decode(&batch?, sources, each)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The account of a record, in its source, and the usage type.
pub(crate) type Key = (SourceId, AccountId, UsageTypeId);

/// Calls `each` with the keys of all rows, in order; nothing else of them is read.
pub(crate) fn read_keys(
    file: &NamedFile<'_>,
    sources: &Sources,
    each: &mut dyn FnMut(Key),
) -> Result<(), StoreError> {
    let is_of_key = |name: &&str| matches!(*name, "source" | "account_id" | "usage_type");
    let others: Vec<&str> = KIND.names().filter(|name| !is_of_key(name)).collect();
    let (builder, path) = LakeReader::open(file, &KIND, None)?.builder(&others);
    for batch in Batches::build(builder, path)? {
        let batch = batch?;
        let columns = Columns(&batch);
        let (source, account) = (columns.sources(sources)?, columns.u64("account_id"));
        let usage_type = columns.u16("usage_type");
        for row in 0..batch.num_rows() {
            let (account, usage_type) = (account.value(row), usage_type.value(row));
            each((source.get(row), AccountId(account), UsageTypeId(usage_type)));
        }
    }
    Ok(())
}

fn decode(
    batch: &RecordBatch,
    sources: &Sources,
    each: &mut dyn FnMut(UsageRecord) -> Result<ControlFlow<()>, StoreError>,
) -> Result<ControlFlow<()>, StoreError> {
    let columns = Columns(batch);
    let (source, account) = (columns.sources(sources)?, columns.u64("account_id"));
    let (usage_type, resource) = (columns.u16("usage_type"), columns.u64("resource_id"));
    let (zones, nic) = (columns.u64("zone_id"), columns.u64("nic_id"));
    let (offering, template) = (columns.u64("offering_id"), columns.u64("template_id"));
    let (size, network) = (columns.u64("size"), columns.u64("network_id"));
    let (resource_type, start) = (columns.words("resource_type"), columns.instants("start"));
    let (virtual_size, name) = (columns.u64("virtual_size"), columns.names("name"));
    let (source_nat, elastic) = (columns.flags("is_source_nat"), columns.flags("is_elastic"));
    let (default, quantity) = (columns.flags("is_default"), columns.u64("quantity"));
    for row in 0..batch.num_rows() {
        let flow = each(UsageRecord {
            source: source.get(row),
            account: AccountId(account.value(row)),
            usage_type: UsageTypeId(usage_type.value(row)),
            resource: ResourceId(resource.value(row)),
            zone: zone(zones, row),
            nic: NicId(value(nic, row).unwrap_or(0)),
            offering: value(offering, row).map(OfferingId),
            template: value(template, row).map(TemplateId),
            size: value(size, row),
            network: NetworkId(value(network, row).unwrap_or(0)),
            resource_type: resource_type.get(row).map(Text::new),
            start: instant(start, row),
            virtual_size: value(virtual_size, row),
            name: text(name, row),
            is_source_nat: flag(source_nat, row),
            is_elastic: flag(elastic, row),
            is_default: flag(default, row),
            quantity: quantity.value(row),
        })?;
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}
