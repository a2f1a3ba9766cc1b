//! Files of usage records: one period and generation each, in the order in which
//! they are served. Finance tools read these directly, so columns are plain.
//!
//! Records go by as columns: [`RecordColumns`] are decoded rows, [`RecordEncoder`] takes
//! them one by one and keeps no more than a row group of them.

use std::{
    ops::{ControlFlow, Range},
    sync::{Arc, LazyLock},
};

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBuilder, Int64Builder, RecordBatch, StringArray, StringBuilder,
    TimestampMillisecondArray, UInt16Array, UInt64Array,
};
use cloudtally_model::{
    AccountId, Instant, NetworkId, NicId, OfferingId, Period, RecordRow, ResourceId, SourceId,
    Sources, TemplateId, UsageRecord, UsageTypeId, usage_type,
};
use parquet::arrow::{
    ArrowWriter, ProjectionMask,
    arrow_reader::{ArrowPredicateFn, RowFilter},
};

use super::{
    kind::{Access, Coding::*, Kind, Need::*, ROW_GROUP_ROWS, Type},
    numbers::{append, column_of, small_column_of},
    read::{
        Batches, Columns, Footers, LakeReader, SourceRanks, WordArray, flag, instant, name, value,
        zone,
    },
    samples::network_number,
    segments::nic_number,
    verified::NamedFile,
};
use crate::{StoreError, query::key_index::KeyIndex};

static KIND: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "records",
        Access::Pages,
        &[
            ("source", Type::Word, Always, Repeating),
            ("account_id", Type::I64, Always, Growing),
            ("usage_type", Type::I16, Always, Repeating),
            ("resource_id", Type::I64, Always, Growing),
            ("zone_id", Type::I64, Optional, Repeating),
            ("nic_id", Type::I64, Optional, Growing),
            ("offering_id", Type::I64, Optional, Repeating),
            ("template_id", Type::I64, Optional, Repeating),
            ("size", Type::I64, Optional, Repeating),
            ("network_id", Type::I64, Optional, Repeating),
            ("resource_type", Type::Word, Optional, Repeating),
            ("start", Type::Instant, Always, Repeating),
            ("virtual_size", Type::I64, Optional, Repeating),
            ("name", Type::Name, Optional, Plain),
            ("is_source_nat", Type::Flag, Optional, Plain),
            ("is_elastic", Type::Flag, Optional, Plain),
            ("is_default", Type::Flag, Optional, Plain),
            ("quantity", Type::I64, Always, Repeating),
            ("unit", Type::Word, Always, Repeating),
            ("period_start", Type::Instant, Always, Repeating),
            ("period_end", Type::Instant, Always, Repeating),
        ],
    )
});

/// Columns that say nothing we do not know from the catalogue or the usage type.
const DERIVED: &[&str] = &["unit", "period_start", "period_end"];

/// Encodes sorted records of one period, row by row.
pub struct RecordEncoder<'a> {
    period: Period,
    sources: &'a Sources,
    writer: ArrowWriter<Vec<u8>>,
    rows: Rows,
    index: KeyIndex,
}

/// Records of a period as their file will hold them, and the index of their keys.
pub(crate) struct EncodedRecords {
    pub(crate) content: Vec<u8>,
    pub(crate) index: KeyIndex,
}

impl<'a> RecordEncoder<'a> {
    /// Begins the file of a period.
    pub(crate) fn new(period: Period, sources: &'a Sources) -> Result<Self, StoreError> {
        let writer = KIND.writer()?;
        Ok(Self { period, sources, writer, rows: Rows::default(), index: KeyIndex::default() })
    }

    /// Adds the next record.
    ///
    /// # Errors
    /// `NotSorted` if its account, type or source belongs before that of the last one.
    pub fn push(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError> {
        if !self.index.push((row.source, row.account, row.usage_type), self.sources) {
            let row = usize::try_from(self.index.rows()).unwrap_or(usize::MAX);
            return Err(StoreError::NotSorted { what: "records", period: self.period, row });
        }
        self.rows.push(row);
        if self.rows.account.len() == ROW_GROUP_ROWS { self.write_rows() } else { Ok(()) }
    }

    fn write_rows(&mut self) -> Result<(), StoreError> {
        let columns = std::mem::take(&mut self.rows).finish(self.period, self.sources);
        let batch = RecordBatch::try_new(KIND.write_schema(), columns)
            .map_err(|cause| StoreError::Encode { file: KIND.name, cause: cause.into() })?;
        KIND.write(&mut self.writer, &batch)
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<EncodedRecords, StoreError> {
        if !self.rows.account.is_empty() {
            self.write_rows()?;
        }
        let content = self.writer.into_inner();
        let content = content.map_err(|cause| StoreError::Encode { file: KIND.name, cause })?;
        Ok(EncodedRecords { content, index: self.index })
    }
}

/// Columns under way.
#[derive(Default)]
struct Rows {
    source: Vec<SourceId>,
    account: Vec<u64>,
    usage_type: Vec<u16>,
    resource: Vec<u64>,
    zone: Int64Builder,
    nic: Int64Builder,
    offering: Int64Builder,
    template: Int64Builder,
    size: Int64Builder,
    network: Int64Builder,
    resource_type: StringBuilder,
    start: Vec<i64>,
    virtual_size: Int64Builder,
    name: StringBuilder,
    is_source_nat: BooleanBuilder,
    is_elastic: BooleanBuilder,
    is_default: BooleanBuilder,
    quantity: Vec<u64>,
}

impl Rows {
    fn push(&mut self, row: &RecordRow<'_>) {
        self.source.push(row.source);
        self.account.push(row.account.0);
        self.usage_type.push(row.usage_type.0);
        self.resource.push(row.resource.0);
        append(&mut self.zone, row.zone.number());
        append(&mut self.nic, nic_number(row.nic));
        append(&mut self.offering, row.offering.map(|offering| offering.0));
        append(&mut self.template, row.template.map(|template| template.0));
        append(&mut self.size, row.size);
        append(&mut self.network, network_number(row.network));
        self.resource_type.append_option(row.resource_type);
        self.start.push(row.start.as_millis());
        append(&mut self.virtual_size, row.virtual_size);
        self.name.append_option(row.name);
        self.is_source_nat.append_option(row.is_source_nat);
        self.is_elastic.append_option(row.is_elastic);
        self.is_default.append_option(row.is_default);
        self.quantity.push(row.quantity);
    }

    fn finish(mut self, period: Period, sources: &Sources) -> Vec<ArrayRef> {
        let source_names = self.source.iter().map(|source| sources.name(*source).as_str());
        let unit = |id: &u16| usage_type(UsageTypeId(*id)).map_or("", |row| row.unit.name());
        let units = StringArray::from_iter_values(self.usage_type.iter().map(unit));
        let height = self.account.len();
        let instants =
            |millis: Vec<i64>| TimestampMillisecondArray::from(millis).with_timezone("UTC");
        vec![
            Arc::new(StringArray::from_iter_values(source_names)),
            Arc::new(column_of(self.account)),
            Arc::new(small_column_of(self.usage_type)),
            Arc::new(column_of(self.resource)),
            Arc::new(self.zone.finish()),
            Arc::new(self.nic.finish()),
            Arc::new(self.offering.finish()),
            Arc::new(self.template.finish()),
            Arc::new(self.size.finish()),
            Arc::new(self.network.finish()),
            Arc::new(self.resource_type.finish()),
            Arc::new(instants(self.start)),
            Arc::new(self.virtual_size.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.is_source_nat.finish()),
            Arc::new(self.is_elastic.finish()),
            Arc::new(self.is_default.finish()),
            Arc::new(column_of(self.quantity)),
            Arc::new(units),
            Arc::new(instants(vec![period.start.as_millis(); height])),
            Arc::new(instants(vec![period.end.as_millis(); height])),
        ]
    }
}

/// Some decoded rows of a record file, as columns.
#[derive(Debug)]
pub struct RecordColumns {
    source: SourceRanks,
    account: UInt64Array,
    usage_type: UInt16Array,
    resource: UInt64Array,
    zone: UInt64Array,
    nic: UInt64Array,
    offering: UInt64Array,
    template: UInt64Array,
    size: UInt64Array,
    network: UInt64Array,
    resource_type: WordArray,
    start: TimestampMillisecondArray,
    virtual_size: UInt64Array,
    name: StringArray,
    is_source_nat: BooleanArray,
    is_elastic: BooleanArray,
    is_default: BooleanArray,
    quantity: UInt64Array,
}

impl RecordColumns {
    fn of(batch: &RecordBatch, sources: &Sources) -> Result<Self, StoreError> {
        let columns = Columns(batch);
        Ok(Self {
            source: columns.sources(sources)?,
            account: columns.u64("account_id"),
            usage_type: columns.u16("usage_type"),
            resource: columns.u64("resource_id"),
            zone: columns.u64("zone_id"),
            nic: columns.u64("nic_id"),
            offering: columns.u64("offering_id"),
            template: columns.u64("template_id"),
            size: columns.u64("size"),
            network: columns.u64("network_id"),
            resource_type: columns.words("resource_type").to_owned(),
            start: columns.instants("start").clone(),
            virtual_size: columns.u64("virtual_size"),
            name: columns.names("name").clone(),
            is_source_nat: columns.flags("is_source_nat").clone(),
            is_elastic: columns.flags("is_elastic").clone(),
            is_default: columns.flags("is_default").clone(),
            quantity: columns.u64("quantity"),
        })
    }

    /// The number of rows.
    pub fn height(&self) -> usize {
        self.account.values().len()
    }

    /// The record of a row.
    pub fn row(&self, row: usize) -> RecordRow<'_> {
        RecordRow {
            source: self.source.get(row),
            account: AccountId(self.account.value(row)),
            usage_type: UsageTypeId(self.usage_type.value(row)),
            resource: ResourceId(self.resource.value(row)),
            zone: zone(&self.zone, row),
            nic: NicId(value(&self.nic, row).unwrap_or(0)),
            offering: value(&self.offering, row).map(OfferingId),
            template: value(&self.template, row).map(TemplateId),
            size: value(&self.size, row),
            network: NetworkId(value(&self.network, row).unwrap_or(0)),
            resource_type: self.resource_type.get(row),
            start: instant(&self.start, row),
            virtual_size: value(&self.virtual_size, row),
            name: name(&self.name, row),
            is_source_nat: flag(&self.is_source_nat, row),
            is_elastic: flag(&self.is_elastic, row),
            is_default: flag(&self.is_default, row),
            quantity: self.quantity.value(row),
        }
    }

    /// The records of all rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = RecordRow<'_>> {
        (0..self.height()).map(|row| self.row(row))
    }
}

/// The rows of a record file, some thousand at a time.
pub struct RecordReader<'a> {
    batches: Option<Batches>,
    sources: &'a Sources,
}

impl Iterator for RecordReader<'_> {
    type Item = Result<RecordColumns, StoreError>;
    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.as_mut()?.next()?;
        Some(batch.and_then(|batch| RecordColumns::of(&batch, self.sources)))
    }
}

/// The rows in `ranges` (in order, not touching). Only the pages that hold them are read.
pub(crate) fn columns<'a>(
    file: &NamedFile<'_>,
    footers: &Footers,
    ranges: &[Range<u64>],
    sources: &'a Sources,
) -> Result<RecordReader<'a>, StoreError> {
    let batches = if ranges.is_empty() {
        None
    } else {
        Some(LakeReader::open(file, &KIND, Some(footers))?.select(ranges, DERIVED)?)
    };
    Ok(RecordReader { batches, sources })
}

/// The end of the period that the records of a file are of; `None` if it has none.
pub(crate) fn period_end(file: &NamedFile<'_>) -> Result<Option<Instant>, StoreError> {
    let others: Vec<&str> = KIND.names().filter(|name| *name != "period_end").collect();
    let (builder, path) = LakeReader::open(file, &KIND, None)?.builder(&others);
    let batch = Batches::build(builder.with_limit(1), path)?.next().transpose()?;
    let batch = batch.filter(|batch| batch.num_rows() > 0);
    Ok(batch.map(|batch| instant(Columns(&batch).instants("period_end"), 0)))
}

/// A column of records that holds numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordField {
    /// The rank of the source.
    Source,
    /// The account.
    Account,
    /// The usage type.
    UsageType,
    /// The resource.
    Resource,
    /// The zone.
    Zone,
    /// The offering.
    Offering,
    /// The quantity.
    Quantity,
}

impl RecordField {
    fn column(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Account => "account_id",
            Self::UsageType => "usage_type",
            Self::Resource => "resource_id",
            Self::Zone => "zone_id",
            Self::Offering => "offering_id",
            Self::Quantity => "quantity",
        }
    }
}

/// Some decoded rows of a record file, of the columns that were asked for.
#[derive(Debug)]
pub struct RecordScan<'a> {
    batch: RecordBatch,
    sources: &'a Sources,
}

impl RecordScan<'_> {
    /// The values of a column that was asked for, row by row.
    ///
    /// # Errors
    /// `UnknownSource` if the file has one that the set does not know.
    pub fn values(&self, field: RecordField) -> Result<Vec<Option<u64>>, StoreError> {
        let columns = Columns(&self.batch);
        Ok(match field {
            RecordField::Source => {
                let ranks = columns.sources(self.sources)?;
                (0..self.batch.num_rows()).map(|row| Some(ranks.get(row).0.into())).collect()
            }
            RecordField::UsageType => {
                columns.u16(field.column()).values().iter().map(|id| Some((*id).into())).collect()
            }
            _ => columns.u64(field.column()).iter().collect(),
        })
    }
}

/// Calls `each` with the wanted columns of the rows in `ranges` (in order, not touching).
pub(crate) fn scan(
    file: &NamedFile<'_>,
    footers: &Footers,
    ranges: &[Range<u64>],
    sources: &Sources,
    wanted: &[RecordField],
    each: &mut dyn FnMut(RecordScan<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if ranges.is_empty() {
        return Ok(());
    }
    let is_wanted = |name: &&str| wanted.iter().any(|field| field.column() == *name);
    let skipped: Vec<&str> = KIND.names().filter(|name| !is_wanted(name)).collect();
    let reader = LakeReader::open(file, &KIND, Some(footers))?;
    for batch in reader.select(ranges, &skipped)? {
        each(RecordScan { batch: batch?, sources })?;
    }
    Ok(())
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

/// Calls `each` with the rows in `ranges` (in order, not touching), until it
/// breaks. Only the pages that hold them are read.
pub(crate) fn read(
    file: &NamedFile<'_>,
    footers: &Footers,
    ranges: &[Range<u64>],
    sources: &Sources,
    each: &mut dyn FnMut(UsageRecord) -> Result<ControlFlow<()>, StoreError>,
) -> Result<ControlFlow<()>, StoreError> {
    for columns in columns(file, footers, ranges, sources)? {
        for row in columns?.rows() {
            let flow = each(row.to_record())?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The records of bytes of a file, in order; nothing else of it is decoded.
pub(crate) fn read_bytes(
    file: &NamedFile<'_>,
    sources: &Sources,
) -> Result<Vec<UsageRecord>, StoreError> {
    let (builder, path) = LakeReader::open(file, &KIND, None)?.builder(DERIVED);
    let column = ProjectionMask::columns(builder.parquet_schema(), ["usage_type"]);
    let of_bytes = ArrowPredicateFn::new(column, |batch: RecordBatch| {
        let types = Columns(&batch).u16("usage_type");
        Ok(types
            .values()
            .iter()
            .map(|id| Some(UsageTypeId(*id).is_bytes()))
            .collect::<BooleanArray>())
    });
    let builder = builder.with_row_filter(RowFilter::new(vec![Box::new(of_bytes)]));
    let mut records = Vec::new();
    let batches = Some(Batches::build(builder, path)?);
    for columns in (RecordReader { batches, sources }) {
        records.extend(columns?.rows().map(|row| row.to_record()));
    }
    Ok(records)
}
