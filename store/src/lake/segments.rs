//! Files of the segments that are open at the end of a period, so that the next
//! one needs no history.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, Int64Builder, RecordBatch, StringArray, StringBuilder,
    TimestampMillisecondArray,
};
use cloudtally_model::{
    AccountId, Attributes, EventId, Instant, NicId, OfferingId, ResourceId, Segment, SourceId,
    Sources, TemplateId, Text, UsageTypeId, ZoneId,
};
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowPredicateFn, RowFilter},
};

use super::{
    kind::{Access, Coding::*, Kind, Need::*, Type},
    numbers::{append, column_of, small_column_of},
    read::{Batches, Columns, LakeReader, instant, text, value, zone},
    verified::NamedFile,
};
use crate::StoreError;

static KIND: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "open segments",
        Access::RowGroups,
        &[
            ("source", Type::Word, Always, Repeating),
            ("usage_type", Type::I16, Always, Repeating),
            ("resource_id", Type::I64, Always, Growing),
            ("nic_id", Type::I64, Optional, Growing),
            ("start", Type::Instant, Always, Growing),
            ("end", Type::Instant, Optional, Repeating),
            ("account_id", Type::I64, Always, Repeating),
            ("zone_id", Type::I64, Optional, Repeating),
            ("offering_id", Type::I64, Optional, Repeating),
            ("template_id", Type::I64, Optional, Repeating),
            ("size", Type::I64, Optional, Repeating),
            ("virtual_size", Type::I64, Optional, Repeating),
            ("name", Type::Name, Optional, Plain),
            ("resource_type", Type::Word, Optional, Repeating),
            ("opened_by", Type::I64, Always, Growing),
            ("closed_by", Type::I64, Optional, Repeating),
        ],
    )
});

/// Encodes sorted segments as open ones: what ends them is another period's to say.
pub(crate) fn encode(segments: &[&Segment], sources: &Sources) -> Result<Vec<u8>, StoreError> {
    KIND.encode(segments, |rows| {
        // They lie scattered in memory, so each is visited once.
        let mut columns = Rows::default();
        rows.iter().for_each(|segment| columns.push(segment));
        RecordBatch::try_new(KIND.write_schema(), columns.finish(sources))
    })
}

/// Columns under way.
#[derive(Default)]
struct Rows {
    source: Vec<SourceId>,
    usage_type: Vec<u16>,
    resource: Vec<u64>,
    nic: Int64Builder,
    start: Vec<i64>,
    account: Vec<u64>,
    zone: Int64Builder,
    offering: Int64Builder,
    template: Int64Builder,
    size: Int64Builder,
    virtual_size: Int64Builder,
    name: StringBuilder,
    resource_type: StringBuilder,
    opened_by: Vec<u64>,
}

impl Rows {
    fn push(&mut self, segment: &Segment) {
        let attributes = &segment.attributes;
        self.source.push(segment.source);
        self.usage_type.push(segment.usage_type.0);
        self.resource.push(segment.resource.0);
        append(&mut self.nic, nic_number(segment.nic));
        self.start.push(segment.start.as_millis());
        self.account.push(segment.account.0);
        append(&mut self.zone, attributes.zone.number());
        append(&mut self.offering, attributes.offering.map(|offering| offering.0));
        append(&mut self.template, attributes.template.map(|template| template.0));
        append(&mut self.size, attributes.size);
        append(&mut self.virtual_size, attributes.virtual_size);
        self.name.append_option(attributes.name.as_deref());
        self.resource_type.append_option(attributes.resource_type.as_deref());
        self.opened_by.push(segment.opened_by.0);
    }

    fn finish(mut self, sources: &Sources) -> Vec<ArrayRef> {
        let height = self.start.len();
        let source_names = self.source.iter().map(|source| sources.name(*source).as_str());
        let start = TimestampMillisecondArray::from(self.start).with_timezone("UTC");
        vec![
            Arc::new(StringArray::from_iter_values(source_names)),
            Arc::new(small_column_of(self.usage_type)),
            Arc::new(column_of(self.resource)),
            Arc::new(self.nic.finish()),
            Arc::new(start),
            Arc::new(TimestampMillisecondArray::new_null(height).with_timezone("UTC")),
            Arc::new(column_of(self.account)),
            Arc::new(self.zone.finish()),
            Arc::new(self.offering.finish()),
            Arc::new(self.template.finish()),
            Arc::new(self.size.finish()),
            Arc::new(self.virtual_size.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.resource_type.finish()),
            Arc::new(column_of(self.opened_by)),
            Arc::new(Int64Array::new_null(height)),
        ]
    }
}

/// A NIC's number, absent for "no NIC".
pub(crate) fn nic_number(nic: NicId) -> Option<u64> {
    (nic.0 != 0).then_some(nic.0)
}

/// A thing of which one segment may be open at a time, but for its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenThing {
    /// The source of the ids.
    pub source: SourceId,
    /// The usage type.
    pub usage_type: UsageTypeId,
    /// The thing used.
    pub resource: ResourceId,
    /// The NIC, for network offerings; 0 elsewhere.
    pub nic: NicId,
    /// Its file.
    pub zone: ZoneId,
}

/// The resources of the segments that a file has open; nothing else of them is decoded.
pub(crate) fn read_things(
    file: &NamedFile<'_>,
    sources: &Sources,
) -> Result<Vec<OpenThing>, StoreError> {
    let wanted = ["source", "usage_type", "resource_id", "nic_id", "zone_id"];
    let skipped: Vec<&str> = KIND.names().filter(|name| !wanted.contains(name)).collect();
    let (builder, path) = LakeReader::open(file, &KIND, None)?.builder(&skipped);
    let mut things = Vec::new();
    for batch in Batches::build(builder, path)? {
        let batch = batch?;
        let columns = Columns(&batch);
        let (source, usage_type) = (columns.sources(sources)?, columns.u16("usage_type"));
        let (resource, nic) = (columns.u64("resource_id"), columns.u64("nic_id"));
        let zones = columns.u64("zone_id");
        things.extend((0..batch.num_rows()).map(|row| OpenThing {
            source: source.get(row),
            usage_type: UsageTypeId(usage_type.value(row)),
            resource: ResourceId(resource.value(row)),
            nic: NicId(value(&nic, row).unwrap_or(0)),
            zone: zone(&zones, row),
        }));
    }
    Ok(things)
}

/// Segments of a file, in order of `sources`' ranks: all, or those of one resource.
pub(crate) fn read(
    file: &NamedFile<'_>,
    sources: &Sources,
    resource: Option<ResourceId>,
) -> Result<Vec<Segment>, StoreError> {
    let (mut builder, path) = LakeReader::open(file, &KIND, None)?.builder(&[]);
    if let Some(ResourceId(wanted)) = resource {
        let column = ProjectionMask::columns(builder.parquet_schema(), ["resource_id"]);
        let is_of = ArrowPredicateFn::new(column, move |batch: RecordBatch| {
            let resources = Columns(&batch).u64("resource_id");
            Ok(resources.values().iter().map(|id| Some(*id == wanted)).collect::<BooleanArray>())
        });
        builder = builder.with_row_filter(RowFilter::new(vec![Box::new(is_of)]));
    }
    let mut segments = Vec::new();
    for batch in Batches::build(builder, path)? {
        let batch = batch?;
        let columns = Columns(&batch);
        let (source, usage_type) = (columns.sources(sources)?, columns.u16("usage_type"));
        let (resource, nic) = (columns.u64("resource_id"), columns.u64("nic_id"));
        let (start, end) = (columns.instants("start"), columns.instants("end"));
        let (account, zones) = (columns.u64("account_id"), columns.u64("zone_id"));
        let (offering, template) = (columns.u64("offering_id"), columns.u64("template_id"));
        let (size, virtual_size) = (columns.u64("size"), columns.u64("virtual_size"));
        let (name, resource_type) = (columns.names("name"), columns.words("resource_type"));
        let (opened_by, closed_by) = (columns.u64("opened_by"), columns.u64("closed_by"));
        segments.extend((0..batch.num_rows()).map(|row| Segment {
            source: source.get(row),
            usage_type: UsageTypeId(usage_type.value(row)),
            resource: ResourceId(resource.value(row)),
            nic: NicId(value(&nic, row).unwrap_or(0)),
            start: instant(start, row),
            end: value(end, row).map(Instant::from_millis),
            account: AccountId(account.value(row)),
            attributes: Attributes {
                zone: zone(&zones, row),
                offering: value(&offering, row).map(OfferingId),
                template: value(&template, row).map(TemplateId),
                size: value(&size, row),
                virtual_size: value(&virtual_size, row),
                name: text(name, row),
                resource_type: resource_type.get(row).map(Text::new),
            },
            opened_by: EventId(opened_by.value(row)),
            closed_by: value(&closed_by, row).map(EventId),
        }));
    }
    Ok(segments)
}
