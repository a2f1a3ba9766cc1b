//! Parquet, as pandas, DuckDB and Spark write it.
//!
//! Only the columns of the stream are decoded. The schema that Arrow writers put
//! beside Parquet's own is left alone: it only says how the writer held the
//! values in memory (dictionaries, large strings), and Parquet's own types say
//! all that matters. Which types a column takes is told by [`taken`]; a column
//! of another type is refused as a whole, because all its rows would be.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{
    array::{
        Array, AsArray, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray,
        Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt64Array,
    },
    compute::cast,
    datatypes::{
        DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, Schema, TimeUnit, UInt64Type,
    },
};
use cloudtally_store::guarded;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    basic::Compression,
    file::metadata::ParquetMetaData,
};

use crate::{
    batch::{Batcher, Stop, raw_text},
    decode::Decode,
    error::Fault,
    names,
    table::{Kind, Need, Row},
    value::{RawValue, Shown, Tick, Values},
};

/// Rows decoded at a time.
const CHUNK_ROWS: usize = 8 * 1024;
/// Bytes of one column in one row group, decompressed: so much memory a few
/// compressed bytes can ask for.
const COLUMN_BYTES_MAX: i64 = 1024 * 1024 * 1024;
/// Bytes of a row besides its texts, to bound a batch.
const ROW_BYTES: usize = 100;

/// Reads all rows. Adds the file's bytes to `bytes_read` as rows come.
pub(crate) fn read<T: Decode>(
    input: &str,
    file: File,
    bytes_read: &AtomicU64,
    batcher: &mut Batcher<T>,
) -> Result<(), Stop> {
    let damaged = |rows, cause| Fault::Damaged { input: input.to_owned(), rows, cause };
    let size_bytes = file.metadata().map_or(0, |metadata| metadata.len());

    // The columns of the stream, and no others.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = guarded(|| ArrowReaderMetadata::load(&file, options.clone()))
        .map_err(|cause| damaged(0, cause))?;
    // Texts stay behind their dictionaries: a few bytes may name a long one a million times.
    let schema = Arc::new(with_dictionaries(plain.schema()));
    let metadata = guarded(|| {
        ArrowReaderMetadata::try_new(plain.metadata().clone(), options.with_schema(schema))
    })
    .map_err(|cause| damaged(0, cause))?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    let fields = plain.schema().fields().clone();
    let found: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
    let mut positions = names::positions::<T>(input, &found, "")?;
    for (column, position) in T::columns().iter().zip(&mut positions) {
        if column.need == Need::Ignored {
            *position = None;
        }
        let Some(field) = position.map(|position| &fields[position]) else { continue };
        taken(column.kind, field.data_type()).map_err(|expected| Fault::ColumnType {
            input: input.to_owned(),
            column: column.name,
            found: field.data_type().to_string(),
            expected,
        })?;
    }
    check_columns::<T>(input, builder.metadata(), &positions)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), positions.iter().flatten().copied());
    let rows_total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let builder = builder.with_projection(mask).with_batch_size(CHUNK_ROWS);
    let mut reader = guarded(|| builder.build()).map_err(|cause| damaged(0, cause))?;

    // What is left of the columns keeps the order they have in the file.
    let mut kept: Vec<usize> = positions.iter().flatten().copied().collect();
    kept.sort_unstable();
    let positions: Vec<Option<usize>> = positions
        .iter()
        .map(|position| position.and_then(|position| kept.binary_search(&position).ok()))
        .collect();

    let mut told_bytes = 0;
    loop {
        let chunk = guarded(|| reader.next().transpose());
        let chunk = chunk.map_err(|cause| damaged(batcher.rows(), cause))?;
        let Some(chunk) = chunk else { break };
        let columns = guarded(|| Columns::new(&chunk, &positions))
            .map_err(|cause| damaged(batcher.rows(), cause))?;
        for row in 0..chunk.num_rows() {
            let values = RowValues { columns: &columns, row };
            let row_bytes = ROW_BYTES + columns.text_bytes(row);
            batcher.take_typed(T::decode(&values), row_bytes, || spell::<T>(&values))?;
        }
        let done = u128::from(size_bytes) * u128::from(batcher.rows());
        let done_bytes = u64::try_from(done / u128::from(rows_total.max(1))).unwrap_or(size_bytes);
        let done_bytes = done_bytes.clamp(told_bytes, size_bytes);
        bytes_read.fetch_add(done_bytes - told_bytes, Ordering::Relaxed);
        told_bytes = done_bytes;
    }
    bytes_read.fetch_add(size_bytes - told_bytes, Ordering::Relaxed);
    Ok(())
}

/// The schema with dictionaries for its texts.
fn with_dictionaries(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        text @ (DataType::Utf8 | DataType::Binary) => {
            let dictionary =
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(text.clone()));
            Arc::new(field.as_ref().clone().with_data_type(dictionary))
        }
        _ => field.clone(),
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// Refuses columns that cannot be decompressed, or only into more memory than a column
/// of any real table takes.
fn check_columns<T: Row>(
    input: &str,
    metadata: &ParquetMetaData,
    positions: &[Option<usize>],
) -> Result<(), Fault> {
    for (column, position) in T::columns().iter().zip(positions) {
        let Some(position) = position else { continue };
        for group in metadata.row_groups() {
            let schema = group.schema_descr();
            let leaf = (0..schema.num_columns())
                .find(|leaf| schema.get_column_root_idx(*leaf) == *position);
            let Some(chunk) = leaf.map(|leaf| group.column(leaf)) else { continue };
            let (input, column) = (input.to_owned(), column.name);
            if matches!(chunk.compression(), Compression::BROTLI(_) | Compression::LZO) {
                // `BROTLI(BrotliLevel(1))`: the level is nobody's concern.
                let codec = chunk.compression().to_string();
                let codec = codec.split('(').next().unwrap_or_default().to_owned();
                return Err(Fault::Codec { input, column, codec });
            }
            if chunk.uncompressed_size() > COLUMN_BYTES_MAX {
                let bytes = chunk.uncompressed_size();
                return Err(Fault::RowGroup { input, column, bytes, bytes_max: COLUMN_BYTES_MAX });
            }
        }
    }
    Ok(())
}

/// Checks that a column of this kind takes this type; fails with the types it takes.
fn taken(kind: Kind, found: &DataType) -> Result<(), &'static str> {
    let number = found.is_integer()
        || matches!(found, DataType::Float32 | DataType::Float64 | DataType::Decimal128(_, 0..));
    let text = matches!(found, DataType::Utf8 | DataType::Binary);
    let (fits, expected) = match kind {
        Kind::Unsigned | Kind::Signed => {
            (number || text, "whole numbers, a decimal, a float that holds whole numbers, or text")
        }
        Kind::Text => (
            found.is_integer() || text || *found == DataType::FixedSizeBinary(16),
            "text, whole numbers or a UUID",
        ),
        Kind::Flag => (
            text || found.is_integer() || *found == DataType::Boolean,
            "booleans, whole numbers or text",
        ),
        Kind::Instant => (text || matches!(found, DataType::Timestamp(..)), "a timestamp or text"),
    };
    // A column of nothing but nulls has no type.
    if fits || *found == DataType::Null { Ok(()) } else { Err(expected) }
}

/// The columns of one chunk, in the order of the table.
struct Columns(Vec<Typed>);

/// A column in the few types that the many of Parquet come down to.
enum Typed {
    Missing,
    Unsigned(UInt64Array),
    Signed(Int64Array),
    Float(Float64Array),
    Flag(BooleanArray),
    /// With the power of ten that a whole number is a multiple of.
    Decimal(Decimal128Array, i128),
    /// With the row's place among the texts.
    Text(StringArray, Int32Array),
    Binary(BinaryArray, Int32Array),
    Uuid(FixedSizeBinaryArray, Vec<String>),
    Ticks(Int64Array, Tick),
}

impl Columns {
    fn new(
        chunk: &RecordBatch,
        positions: &[Option<usize>],
    ) -> Result<Self, arrow::error::ArrowError> {
        let typed = |position: &Option<usize>| match position {
            Some(position) => Typed::new(chunk.column(*position)),
            None => Ok(Typed::Missing),
        };
        positions.iter().map(typed).collect::<Result<_, _>>().map(Self)
    }

    /// Bytes of all texts of a row.
    fn text_bytes(&self, row: usize) -> usize {
        let bytes = self.0.iter().map(|column| match column.value(row) {
            RawValue::Text(text) => text.len(),
            _ => 0,
        });
        bytes.sum()
    }
}

impl Typed {
    fn new(array: &dyn Array) -> Result<Self, arrow::error::ArrowError> {
        let to = |target| cast(array, &target);
        Ok(match array.data_type() {
            found if found.is_unsigned_integer() => {
                Self::Unsigned(to(DataType::UInt64)?.as_primitive::<UInt64Type>().clone())
            }
            found if found.is_signed_integer() => {
                Self::Signed(to(DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::Float32 | DataType::Float64 => {
                Self::Float(to(DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            DataType::Boolean => Self::Flag(array.as_boolean().clone()),
            DataType::Decimal128(_, scale) => {
                // At most 38 digits, so the power fits.
                let power = 10i128.pow(u32::try_from(*scale).unwrap_or(0));
                Self::Decimal(array.as_primitive::<Decimal128Type>().clone(), power)
            }
            DataType::Dictionary(_, of) => {
                let texts = array.as_dictionary::<Int32Type>();
                let (values, keys) = (texts.values(), texts.keys().clone());
                match **of {
                    DataType::Utf8 => Self::Text(values.as_string::<i32>().clone(), keys),
                    _ => Self::Binary(values.as_binary::<i32>().clone(), keys),
                }
            }
            DataType::FixedSizeBinary(16) => {
                let uuids = array.as_fixed_size_binary().clone();
                let texts = (0..uuids.len()).map(|row| uuid_text(uuids.value(row))).collect();
                Self::Uuid(uuids, texts)
            }
            DataType::Timestamp(unit, _) => {
                let tick = match unit {
                    TimeUnit::Second => Tick::Second,
                    TimeUnit::Millisecond => Tick::Millisecond,
                    TimeUnit::Microsecond => Tick::Microsecond,
                    TimeUnit::Nanosecond => Tick::Nanosecond,
                };
                Self::Ticks(to(DataType::Int64)?.as_primitive::<Int64Type>().clone(), tick)
            }
            // Nulls only: `taken` let nothing else through.
            _ => Self::Missing,
        })
    }

    fn value(&self, row: usize) -> RawValue<'_> {
        let is_null = match self {
            Self::Missing => true,
            Self::Unsigned(array) => array.is_null(row),
            Self::Signed(array) | Self::Ticks(array, _) => array.is_null(row),
            Self::Float(array) => array.is_null(row),
            Self::Flag(array) => array.is_null(row),
            Self::Decimal(array, _) => array.is_null(row),
            Self::Text(texts, keys) => is_null_text(texts, keys, row),
            Self::Binary(texts, keys) => is_null_text(texts, keys, row),
            Self::Uuid(array, _) => array.is_null(row),
        };
        if is_null {
            return RawValue::Absent;
        }
        match self {
            Self::Missing => RawValue::Absent,
            Self::Unsigned(array) => RawValue::Unsigned(array.value(row)),
            Self::Signed(array) => RawValue::Signed(array.value(row)),
            Self::Float(array) => RawValue::Float(array.value(row)),
            Self::Flag(array) => RawValue::Flag(array.value(row)),
            Self::Decimal(array, power) => match array.value(row) {
                number if number % power == 0 => RawValue::Wide(number / power),
                _ => RawValue::Other("a decimal with a fraction"),
            },
            Self::Text(texts, keys) => RawValue::Text(texts.value(place(keys, row)).as_bytes()),
            Self::Binary(texts, keys) => RawValue::Text(texts.value(place(keys, row))),
            Self::Uuid(_, texts) => RawValue::Text(texts[row].as_bytes()),
            Self::Ticks(array, tick) => RawValue::Ticks(array.value(row), *tick),
        }
    }
}

/// The row's place among the texts of its dictionary; the decoder has checked it.
fn place(keys: &Int32Array, row: usize) -> usize {
    usize::try_from(keys.value(row)).expect("keys of a dictionary are not negative")
}

fn is_null_text(texts: &dyn Array, keys: &Int32Array, row: usize) -> bool {
    keys.is_null(row) || texts.is_null(place(keys, row))
}

struct RowValues<'a> {
    columns: &'a Columns,
    row: usize,
}

impl Values for RowValues<'_> {
    fn value(&self, column: usize) -> RawValue<'_> {
        self.columns.0[column].value(self.row)
    }
}

/// `00112233-4455-6677-8899-aabbccddeeff`
fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A row that could not be kept, as the quarantine shows it: Parquet has no text.
fn spell<T: Decode>(values: &RowValues<'_>) -> String {
    let cells = T::columns().iter().enumerate().filter_map(|(at, column)| match values.value(at) {
        RawValue::Absent => None,
        value => Some(format!("{}={}", column.name, Shown(value))),
    });
    raw_text(cells.collect::<Vec<_>>().join(", ").as_bytes())
}
