//! Files of accepted usage events: one source, one UTC day, sorted by (created, id).

use std::sync::{Arc, LazyLock};

use arrow_array::{BooleanArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array};
use cloudtally_model::{
    AccountId, EventId, Instant, OfferingId, ResourceId, SourceName, TemplateId, Text, UsageEvent,
    ZoneId,
};
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowPredicateFn, RowFilter},
};
use roaring::RoaringTreemap;

use super::{
    encode,
    kind::{Access, Coding::*, Kind, Need::*, Type},
    read::{Batches, Columns, LakeReader, WordArray, instant, name, value, zone},
    verified::NamedFile,
};
use crate::{
    StoreError,
    table::{self, EventTable},
};

static KIND: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "events",
        Access::RowGroups,
        &[
            ("source", Type::Word, Always, Repeating),
            ("id", Type::I64, Always, Growing),
            ("type", Type::Word, Always, Repeating),
            ("created", Type::Instant, Always, Growing),
            ("account_id", Type::I64, Always, Repeating),
            ("zone_id", Type::I64, Optional, Repeating),
            ("resource_id", Type::I64, Always, Growing),
            ("resource_name", Type::Name, Optional, Plain),
            ("offering_id", Type::I64, Optional, Repeating),
            ("template_id", Type::I64, Optional, Repeating),
            ("size", Type::I64, Optional, Repeating),
            ("virtual_size", Type::I64, Optional, Repeating),
            ("resource_type", Type::Word, Optional, Repeating),
        ],
    )
});

/// Encodes `rows` of a table, events of one source in the order of the file.
pub(crate) fn encode(
    source: &SourceName,
    events: &EventTable,
    rows: &[u32],
) -> Result<Vec<u8>, StoreError> {
    let types = events.event_type.dictionary();
    let resource_types = events.resource_type.dictionary();
    let schema = KIND.dictionary_schema();
    encode::encode(&KIND, rows, |rows| {
        RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                table::repeated(source.as_str(), rows.len()),
                table::numbers(&events.id, rows),
                events.event_type.array(&types, rows),
                table::instants(&events.created, rows),
                table::numbers(&events.account, rows),
                table::numbers_but_zero(&events.zone, rows),
                table::numbers(&events.resource, rows),
                table::texts(&events.resource_name, rows),
                table::numbers_if_any(&events.offering, rows),
                table::numbers_if_any(&events.template, rows),
                table::numbers_if_any(&events.size, rows),
                table::numbers_if_any(&events.virtual_size, rows),
                events.resource_type.array(&resource_types, rows),
            ],
        )
    })
}

/// Some decoded events of a file, as columns.
#[derive(Debug)]
pub struct EventColumns {
    id: UInt64Array,
    types: WordArray,
    created: TimestampMillisecondArray,
    account: UInt64Array,
    zone: UInt64Array,
    resource: UInt64Array,
    name: StringArray,
    offering: UInt64Array,
    template: UInt64Array,
    size: UInt64Array,
    virtual_size: UInt64Array,
    resource_type: WordArray,
}

impl EventColumns {
    fn of(batch: &RecordBatch) -> Self {
        let columns = Columns(batch);
        Self {
            id: columns.u64("id"),
            types: columns.words("type").to_owned(),
            created: columns.instants("created").clone(),
            account: columns.u64("account_id"),
            zone: columns.u64("zone_id"),
            resource: columns.u64("resource_id"),
            name: columns.names("resource_name").clone(),
            offering: columns.u64("offering_id"),
            template: columns.u64("template_id"),
            size: columns.u64("size"),
            virtual_size: columns.u64("virtual_size"),
            resource_type: columns.words("resource_type").to_owned(),
        }
    }

    /// The number of rows.
    pub fn height(&self) -> usize {
        self.id.values().len()
    }

    /// The id of a row's event.
    pub fn id(&self, row: usize) -> EventId {
        EventId(self.id.value(row))
    }

    /// The instant of a row's event.
    pub fn created(&self, row: usize) -> Instant {
        instant(&self.created, row)
    }

    /// The resource of a row's event.
    pub fn resource(&self, row: usize) -> ResourceId {
        ResourceId(self.resource.value(row))
    }

    /// The account that owned the resource of a row's event.
    pub fn account(&self, row: usize) -> AccountId {
        AccountId(self.account.value(row))
    }

    /// The zone of a row's event.
    pub fn zone(&self, row: usize) -> ZoneId {
        zone(&self.zone, row)
    }

    /// The name of the resource of a row's event.
    pub fn name(&self, row: usize) -> Option<&str> {
        name(&self.name, row)
    }

    /// The offering of a row's event.
    pub fn offering(&self, row: usize) -> Option<u64> {
        value(&self.offering, row)
    }

    /// The template of a row's event.
    pub fn template(&self, row: usize) -> Option<u64> {
        value(&self.template, row)
    }

    /// The size of a row's event.
    pub fn size(&self, row: usize) -> Option<u64> {
        value(&self.size, row)
    }

    /// The virtual size of a row's event.
    pub fn virtual_size(&self, row: usize) -> Option<u64> {
        value(&self.virtual_size, row)
    }

    /// The resource type of a row's event.
    pub fn resource_type(&self, row: usize) -> Option<&str> {
        self.resource_type.get(row)
    }

    /// Maps each row's event type by `of`, which is called once for each type there is.
    pub fn by_type<T: Copy>(&self, of: impl Fn(&str) -> T) -> impl Iterator<Item = T> {
        self.types.map(of)
    }

    /// The event of a row.
    pub fn event(&self, row: usize) -> UsageEvent {
        UsageEvent {
            id: self.id(row),
            event_type: self.types.get(row).map(Text::new).unwrap_or_default(),
            created: self.created(row),
            account: self.account(row),
            zone: self.zone(row),
            resource: self.resource(row),
            resource_name: self.name(row).map(Text::new),
            offering: self.offering(row).map(OfferingId),
            template: self.template(row).map(TemplateId),
            size: self.size(row),
            virtual_size: self.virtual_size(row),
            resource_type: self.resource_type(row).map(Text::new),
        }
    }
}

/// Calls `each` with the events whose `created` lies in `[from, to)`, in order, some
/// thousand at a time.
pub(crate) fn columns(
    file: &NamedFile<'_>,
    from: Instant,
    to: Instant,
    each: &mut dyn FnMut(EventColumns),
) -> Result<(), StoreError> {
    let (from, to) = (from.as_millis(), to.as_millis());
    if from >= to {
        return Ok(());
    }
    let reader = LakeReader::open(file, &KIND, None)?;
    let groups = reader.row_groups("created", |first, last| first < to && last >= from);
    let (builder, path) = reader.builder(&["source"]);
    for batch in Batches::build(builder.with_row_groups(groups), path)? {
        let batch = batch?;
        // Rows are in order of `created`, so those wanted stand together.
        let created = Columns(&batch).instants("created").values();
        let first = created.partition_point(|&at| at < from);
        let end = created.partition_point(|&at| at < to);
        if first < end {
            each(EventColumns::of(&batch.slice(first, end - first)));
        }
    }
    Ok(())
}

/// Calls `each` with the events whose `created` lies in `[from, to)`, in order.
pub(crate) fn read(
    file: &NamedFile<'_>,
    from: Instant,
    to: Instant,
    each: &mut dyn FnMut(UsageEvent),
) -> Result<(), StoreError> {
    columns(file, from, to, &mut |columns| decode(&columns, each))
}

/// The ids of a file's events, and the first and last `created`.
pub(crate) type Extent = (RoaringTreemap, Option<(Instant, Instant)>);

/// Reads which events a file holds, and nothing else of them.
pub(crate) fn extent(file: &NamedFile<'_>) -> Result<Extent, StoreError> {
    let others: Vec<&str> =
        KIND.names().filter(|name| !matches!(*name, "id" | "created")).collect();
    let (builder, path) = LakeReader::open(file, &KIND, None)?.builder(&others);
    let (mut ids, mut created) = (RoaringTreemap::new(), None);
    for batch in Batches::build(builder, path)? {
        let batch = batch?;
        ids.extend(Columns(&batch).u64("id").values().iter().copied());
        for at in Columns(&batch).instants("created").values() {
            let at = Instant::from_millis(*at);
            let (first, last) = created.unwrap_or((at, at));
            created = Some((at.min(first), at.max(last)));
        }
    }
    Ok((ids, created))
}

/// Calls `each` with the events of the given ids.
pub(crate) fn read_ids(
    file: &NamedFile<'_>,
    ids: &RoaringTreemap,
    each: &mut dyn FnMut(UsageEvent),
) -> Result<(), StoreError> {
    let (Some(least), Some(most)) = (ids.min(), ids.max()) else { return Ok(()) };
    let reader = LakeReader::open(file, &KIND, None)?;
    let groups = reader
        .row_groups("id", |min, max| min.cast_unsigned() <= most && max.cast_unsigned() >= least);
    let (builder, path) = reader.builder(&["source"]);
    let column = ProjectionMask::columns(builder.parquet_schema(), ["id"]);
    let ids = ids.clone();
    let wanted = ArrowPredicateFn::new(column, move |batch: RecordBatch| {
        let stored = Columns(&batch).u64("id");
        Ok(BooleanArray::from_iter(stored.values().iter().map(|id| Some(ids.contains(*id)))))
    });
    let builder =
        builder.with_row_groups(groups).with_row_filter(RowFilter::new(vec![Box::new(wanted)]));
    for batch in Batches::build(builder, path)? {
        decode(&EventColumns::of(&batch?), each);
    }
    Ok(())
}

fn decode(columns: &EventColumns, each: &mut dyn FnMut(UsageEvent)) {
    (0..columns.height()).for_each(|row| each(columns.event(row)));
}
