//! Files of the segments that are open at the end of a period, so that the next
//! one needs no history.

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, TimestampMillisecondArray};
use cloudtally_model::{
    AccountId, EventId, Instant, NicId, Numbers, ResourceId, SegmentColumns, SourceId, Sources,
    UsageTypeId, ZoneId, row_index,
};
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowPredicateFn, RowFilter},
};

use super::{
    arrays::{optional, texts, words},
    kind::{Access, Coding::*, Kind, Need::*, Type},
    numbers::{numbers, small_column_of},
    read::{Batches, Columns, LakeReader, value, zone},
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

/// Encodes rows of segments, sorted, as open ones: what ends them is another period's to
/// say.
pub(crate) fn encode(
    segments: &SegmentColumns,
    rows: &[u32],
    sources: &Sources,
) -> Result<Vec<u8>, StoreError> {
    KIND.encode(rows, |rows| {
        RecordBatch::try_new(KIND.dictionary_schema(), columns(segments, rows, sources))
    })
}

/// The columns of some rows.
fn columns(segments: &SegmentColumns, rows: &[u32], sources: &Sources) -> Vec<ArrayRef> {
    let height = rows.len();
    let row = |at: usize| segments.row(row_index(rows[at]));
    let all = || (0..height).map(row);
    let start = TimestampMillisecondArray::from_iter_values(all().map(|s| s.start().as_millis()));
    let never = TimestampMillisecondArray::new_null(height);
    vec![
        Arc::new(words(height, |at| Some(row(at).source()), |id| sources.name(id).as_str())),
        Arc::new(small_column_of(all().map(|s| s.usage_type().0).collect())),
        Arc::new(numbers(all().map(|s| s.resource().0))),
        Arc::new(optional(height, |at| nic_number(row(at).nic()))),
        Arc::new(start.with_timezone("UTC")),
        Arc::new(never.with_timezone("UTC")),
        Arc::new(numbers(all().map(|s| s.account().0))),
        Arc::new(optional(height, |at| row(at).zone().number())),
        Arc::new(optional(height, |at| row(at).offering())),
        Arc::new(optional(height, |at| row(at).template())),
        Arc::new(optional(height, |at| row(at).size())),
        Arc::new(optional(height, |at| row(at).virtual_size())),
        Arc::new(texts(height, |at| row(at).name())),
        Arc::new(words(height, |at| row(at).resource_type(), |word| word)),
        Arc::new(numbers(all().map(|s| s.opened_by().0))),
        Arc::new(Int64Array::new_null(height)),
    ]
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
) -> Result<SegmentColumns, StoreError> {
    let (mut builder, path) = LakeReader::open(file, &KIND, None)?.builder(&[]);
    if let Some(ResourceId(wanted)) = resource {
        let column = ProjectionMask::columns(builder.parquet_schema(), ["resource_id"]);
        let is_of = ArrowPredicateFn::new(column, move |batch: RecordBatch| {
            let resources = Columns(&batch).u64("resource_id");
            Ok(resources.values().iter().map(|id| Some(*id == wanted)).collect::<BooleanArray>())
        });
        builder = builder.with_row_filter(RowFilter::new(vec![Box::new(is_of)]));
    }
    let mut segments = SegmentColumns::default();
    for batch in Batches::build(builder, path)? {
        let batch = batch?;
        let columns = Columns(&batch);
        let (source, resource_type) = (columns.sources(sources)?, columns.words("resource_type"));
        let rows = 0..batch.num_rows();
        let extend = |into: &mut Numbers, name: &str| into.extend(&columns.u64(name));
        segments.source.extend(rows.clone().map(|row| source.get(row)));
        segments
            .usage_type
            .extend(columns.u16("usage_type").values().iter().map(|id| UsageTypeId(*id)));
        segments
            .resource
            .extend(columns.u64("resource_id").values().iter().map(|id| ResourceId(*id)));
        segments.nic.extend(columns.u64("nic_id").iter().map(|nic| NicId(nic.unwrap_or(0))));
        let starts = columns.instants("start").values().iter();
        segments.start.extend(starts.map(|at| Instant::from_millis(*at)));
        let ends = columns.instants("end").iter();
        segments.end.extend(ends.map(|at| at.map_or(Instant::END_OF_TIME, Instant::from_millis)));
        segments.account.extend(columns.u64("account_id").values().iter().map(|id| AccountId(*id)));
        let zones = columns.u64("zone_id");
        segments.zone.extend(rows.clone().map(|row| zone(&zones, row)));
        extend(&mut segments.offering, "offering_id");
        extend(&mut segments.template, "template_id");
        extend(&mut segments.size, "size");
        extend(&mut segments.virtual_size, "virtual_size");
        segments.name.extend(columns.names("name").iter());
        segments.resource_type.extend(rows.map(|row| resource_type.get(row)));
        segments.opened_by.extend(columns.u64("opened_by").values().iter().map(|id| EventId(*id)));
        extend(&mut segments.closed_by, "closed_by");
    }
    Ok(segments)
}
