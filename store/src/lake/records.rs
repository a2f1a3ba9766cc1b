//! Files of usage records: one period and generation each, in the order in which
//! they are served. Finance tools read these directly, so columns are plain.
//!
//! Records go by as columns: [`RecordColumns`] are decoded rows, and [`RecordEncoder`] asks
//! for a row group at a time, column by column ([`RecordRows`]).

use std::{
    ops::{ControlFlow, Range},
    sync::{Arc, LazyLock},
};

use arrow_array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
    UInt16Array, UInt64Array,
};
use cloudtally_model::{
    AccountId, Instant, NetworkId, NicId, OfferingId, Period, RecordRow, ResourceId, Sources,
    TemplateId, UsageRecord, UsageTypeId, usage_type,
};
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{ArrowPredicateFn, RowFilter},
    },
    file::metadata::KeyValue,
};

use super::{
    arrays::{flags, optional, texts, words},
    key_index::{self, IndexPlace, Key, KeyIndex, KeyIndexBuilder, NodeFile},
    kind::{Access, Coding::*, Kind, Need::*, ROW_GROUP_ROWS, Type},
    numbers::{numbers, small_column_of},
    read::{
        Batches, Columns, Footers, LakeReader, SourceRanks, WordArray, flag, instant, name, value,
        zone,
    },
    record_rows::RecordRows,
    samples::network_number,
    segments::nic_number,
    verified::NamedFile,
};
use crate::StoreError;

pub(super) static KIND: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "records",
        Access::Pages,
        &[
            ("source", Type::Word, Always, Few),
            ("account_id", Type::I64, Always, Growing),
            ("usage_type", Type::I16, Always, Repeating),
            ("resource_id", Type::I64, Always, Growing),
            ("zone_id", Type::I64, Optional, Few),
            ("nic_id", Type::I64, Optional, Growing),
            ("offering_id", Type::I64, Optional, Few),
            ("template_id", Type::I64, Optional, Few),
            ("size", Type::I64, Optional, Few),
            ("network_id", Type::I64, Optional, Repeating),
            ("resource_type", Type::Word, Optional, Few),
            ("start", Type::Instant, Always, Few),
            ("virtual_size", Type::I64, Optional, Few),
            ("name", Type::Name, Optional, Plain),
            ("is_source_nat", Type::Flag, Optional, Few),
            ("is_elastic", Type::Flag, Optional, Few),
            ("is_default", Type::Flag, Optional, Few),
            ("quantity", Type::Signed, Always, Repeating),
            ("unit", Type::Word, Always, Few),
            ("period_start", Type::Instant, Always, Few),
            ("period_end", Type::Instant, Always, Few),
            ("corrects", Type::Instant, Optional, Few),
        ],
    )
    .appended(1)
});

/// The column that says which closed period an adjustment corrects. It is always there, so
/// that all files have one schema for programs that read several at once.
const CORRECTS: &str = "corrects";
/// The note in the footer of a file that holds adjustments. Where it is missing, the column is
/// not read.
const ADJUSTMENTS: &str = "cloudtally.adjustments";

/// Columns that say nothing we do not know from the catalogue or the usage type.
const DERIVED: &[&str] = &["unit", "period_start", "period_end"];
/// The same of a file without adjustments.
const DERIVED_OR_EMPTY: &[&str] = &["unit", "period_start", "period_end", CORRECTS];

/// The columns of a file that need not be read.
fn needless(reader: &LakeReader<'_>) -> &'static [&'static str] {
    if reader.has_note(ADJUSTMENTS) { DERIVED } else { DERIVED_OR_EMPTY }
}

/// Encodes sorted records of one period.
pub struct RecordEncoder<'a> {
    period: Period,
    sources: &'a Sources,
    writer: ArrowWriter<Vec<u8>>,
    /// Records that came one by one and do not fill a row group yet.
    pending: Vec<UsageRecord>,
    index: KeyIndexBuilder,
    /// True if some of the records are adjustments.
    has_adjustments: bool,
}

/// Records of a period as their file will hold them.
pub(crate) struct EncodedRecords {
    pub(crate) content: Vec<u8>,
    pub(crate) rows: u64,
}

impl<'a> RecordEncoder<'a> {
    /// Begins the file of a period.
    pub(crate) fn new(period: Period, sources: &'a Sources) -> Result<Self, StoreError> {
        let writer = KIND.writer()?;
        let index = KeyIndexBuilder::default();
        Ok(Self { period, sources, writer, pending: Vec::new(), index, has_adjustments: false })
    }

    /// Adds the next record.
    ///
    /// # Errors
    /// `NotSorted` if its account, type or source belongs before that of the last one.
    pub fn push(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError> {
        self.pending.push(row.to_record());
        if self.pending.len() == ROW_GROUP_ROWS { self.write_pending() } else { Ok(()) }
    }

    fn write_pending(&mut self) -> Result<(), StoreError> {
        let pending = std::mem::take(&mut self.pending);
        self.write(&pending[..])
    }

    /// Adds the next records: all of the file, or as many as fill its row groups.
    ///
    /// # Errors
    /// `NotSorted` as in [`Self::push`].
    pub fn write<R: RecordRows + ?Sized>(&mut self, records: &R) -> Result<(), StoreError> {
        let height = records.height();
        let has_adjustments = records.has_adjustments();
        self.has_adjustments |= has_adjustments;
        for start in (0..height).step_by(ROW_GROUP_ROWS) {
            let rows = start..height.min(start + ROW_GROUP_ROWS);
            for row in rows.clone() {
                let key = (records.source(row), records.account(row), records.usage_type(row));
                if !self.index.push(key, self.sources) {
                    let row = usize::try_from(self.index.rows()).unwrap_or(usize::MAX);
                    return Err(StoreError::NotSorted {
                        what: "records",
                        period: self.period,
                        row,
                    });
                }
            }
            let columns = self.columns(records, rows, has_adjustments);
            let batch = RecordBatch::try_new(KIND.dictionary_schema(), columns)
                .map_err(|cause| StoreError::Encode { file: KIND.name, cause: cause.into() })?;
            KIND.write(&mut self.writer, &batch)?;
        }
        Ok(())
    }

    /// The columns of some rows.
    fn columns<R: RecordRows + ?Sized>(
        &self,
        all: &R,
        rows: Range<usize>,
        has_adjustments: bool,
    ) -> Vec<ArrayRef> {
        let (first, height) = (rows.start, rows.len());
        let instants = |millis: Vec<i64>| -> ArrayRef {
            Arc::new(TimestampMillisecondArray::from(millis).with_timezone("UTC"))
        };
        let constant = |at: Instant| instants(vec![at.as_millis(); height]);
        let unit = |id: UsageTypeId| usage_type(id).map_or("", |row| row.unit.name());
        let types = rows.clone().map(|row| all.usage_type(row).0).collect();
        let corrects = match has_adjustments {
            true => rows.clone().map(|row| all.corrects(row).map(Instant::as_millis)).collect(),
            false => TimestampMillisecondArray::new_null(height),
        };
        vec![
            Arc::new(words(
                height,
                |at| Some(all.source(first + at)),
                |source| self.sources.name(source).as_str(),
            )),
            Arc::new(numbers(rows.clone().map(|row| all.account(row).0))),
            Arc::new(small_column_of(types)),
            Arc::new(numbers(rows.clone().map(|row| all.resource(row).0))),
            Arc::new(optional(height, |at| all.zone(first + at).number())),
            Arc::new(optional(height, |at| nic_number(all.nic(first + at)))),
            Arc::new(optional(height, |at| all.offering(first + at))),
            Arc::new(optional(height, |at| all.template(first + at))),
            Arc::new(optional(height, |at| all.size(first + at))),
            Arc::new(optional(height, |at| network_number(all.network(first + at)))),
            Arc::new(words(height, |at| all.resource_type(first + at), |word| word)),
            instants(rows.clone().map(|row| all.start(row).as_millis()).collect()),
            Arc::new(optional(height, |at| all.virtual_size(first + at))),
            Arc::new(texts(height, |at| all.name(first + at))),
            Arc::new(flags(height, |at| all.is_source_nat(first + at))),
            Arc::new(flags(height, |at| all.is_elastic(first + at))),
            Arc::new(flags(height, |at| all.is_default(first + at))),
            Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| all.quantity(row)))),
            Arc::new(words(height, |at| Some(all.usage_type(first + at)), unit)),
            constant(self.period.start),
            constant(self.period.end),
            Arc::new(corrects.with_timezone("UTC")),
        ]
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<EncodedRecords, StoreError> {
        if !self.pending.is_empty() {
            self.write_pending()?;
        }
        let index = self.index.finish();
        let mut writer = self.writer;
        let end = || {
            // Behind the last column; readers of Parquet pass over what no footer points to.
            writer.flush()?;
            let place = index.place(writer.bytes_written() as u64);
            writer.write_all(&index.bytes)?;
            let note = KeyValue::new(key_index::NOTE.to_owned(), place.note());
            writer.append_key_value_metadata(note);
            if self.has_adjustments {
                writer.append_key_value_metadata(KeyValue::new(ADJUSTMENTS.to_owned(), None));
            }
            writer.into_inner()
        };
        let content = end().map_err(|cause| StoreError::Encode { file: KIND.name, cause })?;
        Ok(EncodedRecords { content, rows: index.rows })
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
    quantity: Int64Array,
    /// `None` where the file has no adjustments.
    corrects: Option<TimestampMillisecondArray>,
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
            quantity: columns.i64("quantity"),
            corrects: columns.instants_if_any(CORRECTS).cloned(),
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
            corrects: self
                .corrects
                .as_ref()
                .and_then(|corrects| value(corrects, row))
                .map(Instant::from_millis),
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
        let reader = LakeReader::open(file, &KIND, Some(footers))?;
        let needless = needless(&reader);
        Some(reader.select(ranges, needless)?)
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

/// The head of a file's key index.
///
/// # Errors
/// `DamagedFile` if the file has none of its rows.
pub(crate) fn key_index(file: &NamedFile<'_>) -> Result<KeyIndex, StoreError> {
    let reader = LakeReader::open(file, &KIND, None)?;
    let place = reader.note(key_index::NOTE).and_then(IndexPlace::from_note);
    let damaged = || {
        let what = "it has no key index of its rows".to_owned();
        StoreError::DamagedFile { path: file.path.to_owned(), what }
    };
    let place = place.ok_or_else(damaged)?;
    let nodes = NodeFile::open(file.path, place)?;
    let index = KeyIndex::open(place, &nodes).map_err(|cause| nodes.error(cause))?;
    if index.rows() == file.rows { Ok(index) } else { Err(damaged()) }
}

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
    let reader = LakeReader::open(file, &KIND, None)?;
    let needless = needless(&reader);
    let (builder, path) = reader.builder(needless);
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
