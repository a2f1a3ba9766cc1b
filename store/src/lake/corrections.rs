//! Files of corrections: what replacing a generation of a period changed, in the order of
//! records. Finance tools read these directly, so columns are plain.
//!
//! They are encoded as they come, some thousand at a time: memory is that of the encoded
//! file, however many records a rebuild changes.

use std::{
    ops::ControlFlow,
    sync::{Arc, LazyLock},
};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray};
use cloudtally_model::{
    AccountId, EventId, Instant, NetworkId, NicId, OfferingId, Period, RecordId, ResourceId,
    Sources, TemplateId, Text, UsageRecord, UsageTypeId, usage_type,
};
use parquet::arrow::ArrowWriter;

use super::{
    arrays::{optional, texts, words},
    kind::{Access, Coding::*, Kind, Need::*, Type},
    numbers::{numbers, small_column_of},
    read::{Batches, Columns, LakeReader, instant, name, value, zone},
    samples::network_number,
    segments::nic_number,
    verified::NamedFile,
};
use crate::StoreError;

static KIND: LazyLock<Kind> = LazyLock::new(|| {
    Kind::new(
        "corrections",
        Access::RowGroups,
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
            ("quantity_before", Type::Signed, Optional, Repeating),
            ("quantity_after", Type::Signed, Optional, Repeating),
            ("unit", Type::Word, Always, Repeating),
            ("changes", Type::Name, Optional, Plain),
            ("cause", Type::Word, Always, Repeating),
            ("event_ids", Type::Name, Optional, Plain),
            ("record_id", Type::Name, Always, Plain),
            ("period_start", Type::Instant, Always, Repeating),
            ("period_end", Type::Instant, Always, Repeating),
            (CORRECTS, Type::Instant, Optional, Repeating),
        ],
    )
    .appended(1)
});

/// The column that says which closed period an adjustment corrects.
const CORRECTS: &str = "corrects";

/// Corrections that wait to be encoded.
const PENDING_MAX: usize = 8 * 1024;

/// The difference of a record between a generation and the one that it replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The record as the new generation has it, or as the old one had it if it is no more.
    pub record: UsageRecord,
    /// Its id, which both generations give it.
    pub id: RecordId,
    /// The quantity in the old generation; `None` if it had no such record.
    pub before: Option<i64>,
    /// The quantity in the new one likewise.
    pub after: Option<i64>,
    /// The other fields that differ, for people: `name: web-1 -> web-2`.
    pub changes: Option<Text>,
    /// The kind of the cause.
    pub cause: CorrectionCause,
    /// The events that caused it, in the order in which they happened.
    pub events: Vec<EventId>,
}

impl Correction {
    /// The quantity of the new generation less that of the old one.
    pub fn difference(&self) -> i128 {
        i128::from(self.after.unwrap_or(0)) - i128::from(self.before.unwrap_or(0))
    }
}

/// The kind of a correction's cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CorrectionCause {
    /// Events that came after their period was published.
    LateEvents,
    /// Late word that an account was removed, or was not.
    AccountRemoval,
    /// Samples that came after their period was published.
    LateSamples,
    /// Samples that were taken out.
    DroppedSamples,
    /// A rebuild: the same inputs give something else by now.
    Rebuild,
}

impl CorrectionCause {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::LateEvents,
        Self::AccountRemoval,
        Self::LateSamples,
        Self::DroppedSamples,
        Self::Rebuild,
    ];

    /// As people and programs read it.
    pub fn as_name(self) -> &'static str {
        match self {
            Self::LateEvents => "late events",
            Self::AccountRemoval => "account removal",
            Self::LateSamples => "late samples",
            Self::DroppedSamples => "dropped samples",
            Self::Rebuild => "rebuild",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_name() == name)
    }
}

/// Encodes the corrections of one period, which come in the order of records.
pub struct CorrectionEncoder<'a> {
    period: Period,
    sources: &'a Sources,
    writer: ArrowWriter<Vec<u8>>,
    pending: Vec<Correction>,
    rows: u64,
}

/// Corrections of a period as their file will hold them.
#[derive(Clone, Debug)]
pub struct EncodedCorrections {
    pub(crate) content: Vec<u8>,
    pub(crate) rows: u64,
}

impl EncodedCorrections {
    /// The number of corrections.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

impl<'a> CorrectionEncoder<'a> {
    /// Begins the file of a period.
    pub fn new(period: Period, sources: &'a Sources) -> Result<Self, StoreError> {
        Ok(Self { period, sources, writer: KIND.writer()?, pending: Vec::new(), rows: 0 })
    }

    /// Adds the next correction.
    pub fn push(&mut self, correction: Correction) -> Result<(), StoreError> {
        self.pending.push(correction);
        if self.pending.len() == PENDING_MAX { self.write_pending() } else { Ok(()) }
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<EncodedCorrections, StoreError> {
        if !self.pending.is_empty() {
            self.write_pending()?;
        }
        let content = self.writer.into_inner();
        let content = content.map_err(|cause| StoreError::Encode { file: KIND.name, cause })?;
        Ok(EncodedCorrections { content, rows: self.rows })
    }

    fn write_pending(&mut self) -> Result<(), StoreError> {
        let pending = std::mem::take(&mut self.pending);
        let batch = RecordBatch::try_new(KIND.dictionary_schema(), self.columns(&pending))
            .map_err(|cause| StoreError::Encode { file: KIND.name, cause: cause.into() })?;
        KIND.write(&mut self.writer, &batch)?;
        self.rows += pending.len() as u64;
        Ok(())
    }

    fn columns(&self, rows: &[Correction]) -> Vec<ArrayRef> {
        let height = rows.len();
        let record = |at: usize| &rows[at].record;
        let instants = |millis: Vec<i64>| -> ArrayRef {
            Arc::new(TimestampMillisecondArray::from(millis).with_timezone("UTC"))
        };
        let constant = |at: Instant| instants(vec![at.as_millis(); height]);
        let unit = |id: UsageTypeId| usage_type(id).map_or("", |row| row.unit.name());
        let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
        let signed = |rows: &[Correction], of: fn(&Correction) -> Option<i64>| {
            rows.iter().map(of).collect::<Int64Array>()
        };
        let corrects = rows.iter().map(|row| row.record.corrects.map(Instant::as_millis));
        let corrects: TimestampMillisecondArray = corrects.collect();
        let joined = |row: &Correction| {
            let ids: Vec<String> = row.events.iter().map(ToString::to_string).collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        };
        let events: Vec<Option<String>> = rows.iter().map(joined).collect();
        vec![
            Arc::new(words(
                height,
                |at| Some(record(at).source),
                |source| self.sources.name(source).as_str(),
            )),
            Arc::new(numbers(rows.iter().map(|row| row.record.account.0))),
            Arc::new(small_column_of(rows.iter().map(|row| row.record.usage_type.0).collect())),
            Arc::new(numbers(rows.iter().map(|row| row.record.resource.0))),
            Arc::new(optional(height, |at| record(at).zone.number())),
            Arc::new(optional(height, |at| nic_number(record(at).nic))),
            Arc::new(optional(height, |at| record(at).offering.map(|offering| offering.0))),
            Arc::new(optional(height, |at| record(at).template.map(|template| template.0))),
            Arc::new(optional(height, |at| record(at).size)),
            Arc::new(optional(height, |at| network_number(record(at).network))),
            Arc::new(words(height, |at| record(at).resource_type.as_deref(), |word| word)),
            instants(rows.iter().map(|row| row.record.start.as_millis()).collect()),
            Arc::new(optional(height, |at| record(at).virtual_size)),
            Arc::new(texts(height, |at| record(at).name.as_deref())),
            Arc::new(signed(rows, |row| row.before)),
            Arc::new(signed(rows, |row| row.after)),
            Arc::new(words(height, |at| Some(record(at).usage_type), unit)),
            Arc::new(texts(height, |at| rows[at].changes.as_deref())),
            Arc::new(words(height, |at| Some(rows[at].cause), CorrectionCause::as_name)),
            Arc::new(texts(height, |at| events[at].as_deref())),
            Arc::new(texts(height, |at| Some(ids[at].as_str()))),
            constant(self.period.start),
            constant(self.period.end),
            Arc::new(corrects.with_timezone("UTC")),
        ]
    }
}

/// Columns that say nothing the usage type and the catalogue do not.
const DERIVED: &[&str] = &["unit", "period_start", "period_end"];

/// Calls `each` with the corrections of a file, in order, until it breaks.
///
/// # Errors
/// `DamagedFile` if a value of the file is none that is ever written.
pub(crate) fn read(
    file: &NamedFile<'_>,
    sources: &Sources,
    each: &mut dyn FnMut(Correction) -> Result<ControlFlow<()>, StoreError>,
) -> Result<ControlFlow<()>, StoreError> {
    let (builder, path) = LakeReader::open(file, &KIND, None)?.builder(DERIVED);
    let damaged = |what: String| StoreError::DamagedFile { path: path.to_owned(), what };
    for batch in Batches::build(builder, path)? {
        let batch = batch?;
        let columns = Columns(&batch);
        let records = records(columns, sources)?;
        let (before, after) = (columns.i64("quantity_before"), columns.i64("quantity_after"));
        let (changes, causes) = (columns.names("changes"), columns.words("cause"));
        let (events, ids) = (columns.names("event_ids"), columns.names("record_id"));
        for (row, mut record) in records.into_iter().enumerate() {
            let (before, after) = (value(&before, row), value(&after, row));
            record.quantity = after.or(before).unwrap_or(0);
            let id = name(ids, row).unwrap_or_default();
            let cause = causes.get(row).unwrap_or_default();
            let ids = name(events, row).unwrap_or_default();
            let ids: Result<Vec<u64>, _> = ids.split_whitespace().map(str::parse).collect();
            let flow = each(Correction {
                record,
                id: id.parse().map_err(|_| damaged(format!("`{id}` is no record id")))?,
                before,
                after,
                changes: name(changes, row).map(Text::new),
                cause: CorrectionCause::from_name(cause)
                    .ok_or_else(|| damaged(format!("`{cause}` is no cause")))?,
                events: ids
                    .map_err(|_| damaged("an event id is no number".to_owned()))?
                    .into_iter()
                    .map(EventId)
                    .collect(),
            })?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The records of a batch, without their quantities.
fn records(columns: Columns<'_>, sources: &Sources) -> Result<Vec<UsageRecord>, StoreError> {
    let (source, account) = (columns.sources(sources)?, columns.u64("account_id"));
    let (types, resource) = (columns.u16("usage_type"), columns.u64("resource_id"));
    let (zones, nics) = (columns.u64("zone_id"), columns.u64("nic_id"));
    let (offering, template) = (columns.u64("offering_id"), columns.u64("template_id"));
    let (size, network) = (columns.u64("size"), columns.u64("network_id"));
    let (resource_type, start) = (columns.words("resource_type"), columns.instants("start"));
    let (virtual_size, names) = (columns.u64("virtual_size"), columns.names("name"));
    let corrects = columns.instants_if_any(CORRECTS);
    let record = |row: usize| UsageRecord {
        source: source.get(row),
        account: AccountId(account.value(row)),
        usage_type: UsageTypeId(types.value(row)),
        resource: ResourceId(resource.value(row)),
        zone: zone(&zones, row),
        nic: NicId(value(&nics, row).unwrap_or(0)),
        offering: value(&offering, row).map(OfferingId),
        template: value(&template, row).map(TemplateId),
        size: value(&size, row),
        network: NetworkId(value(&network, row).unwrap_or(0)),
        resource_type: resource_type.get(row).map(Text::new),
        start: instant(start, row),
        corrects: corrects.and_then(|corrects| value(corrects, row)).map(Instant::from_millis),
        virtual_size: value(&virtual_size, row),
        name: name(names, row).map(Text::new),
        is_source_nat: None,
        is_elastic: None,
        is_default: None,
        quantity: 0,
    };
    Ok((0..columns.0.num_rows()).map(record).collect())
}
