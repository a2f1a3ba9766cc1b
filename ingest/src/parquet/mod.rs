//! Parquet, as pandas, DuckDB and Spark write it.
//!
//! Only the columns of the stream are decoded. The schema that Arrow writers put
//! beside Parquet's own is left alone: it only says how the writer held the
//! values in memory (dictionaries, large strings), and Parquet's own types say
//! all that matters. Which types a column takes is told by [`taken`]; a column
//! of another type is refused as a whole, because all its rows would be.

mod fields; // columns of a stream out of those of a file
mod typed; // the types of columns

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow_schema::{DataType, Schema};
use cloudtally_store::guarded;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    basic::Compression,
    file::metadata::ParquetMetaData,
};

pub(crate) use self::fields::ColumnFields;
use self::typed::{Columns, RowValues};
use crate::{
    batch::{Batcher, Stop, raw_text},
    block::Block,
    chunks::Chunks,
    decode::Decode,
    error::Fault,
    names,
    plausible::Plausible,
    rows::Rows,
    table::{Kind, Need, Row},
    value::{RawValue, Shown, Values},
};

/// Rows decoded at a time.
const CHUNK_ROWS: usize = 8 * 1024;
/// Bytes of one column in one row group, decompressed: so much memory a few
/// compressed bytes can ask for.
const COLUMN_BYTES_MAX: i64 = 1024 * 1024 * 1024;
/// Bytes of a row besides its texts, to bound a batch.
const ROW_BYTES: usize = 100;

/// The names of a file's columns.
pub(crate) fn column_names(input: &str, file: &File) -> Result<Vec<String>, Fault> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = guarded(|| ArrowReaderMetadata::load(file, options.clone()))
        .map_err(|cause| Fault::Damaged { input: input.to_owned(), rows: 0, cause })?;
    Ok(metadata.schema().fields().iter().map(|field| field.name().clone()).collect())
}

/// Reads all rows. Adds the file's bytes to `bytes_read` as rows come.
pub(crate) fn read<T: Decode>(
    input: &str,
    file: File,
    bytes_read: &AtomicU64,
    chunks: Chunks,
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
        let columns =
            guarded(|| Ok::<_, arrow_schema::ArrowError>(Columns::new(&chunk, &positions)))
                .map_err(|cause| damaged(batcher.rows(), cause))?;
        let block = decode_block(&columns, chunk.num_rows(), chunks, batcher.plausible);
        batcher.take_block(block)?;
        let done = u128::from(size_bytes) * u128::from(batcher.rows());
        let done_bytes = u64::try_from(done / u128::from(rows_total.max(1))).unwrap_or(size_bytes);
        let done_bytes = done_bytes.clamp(told_bytes, size_bytes);
        bytes_read.fetch_add(done_bytes - told_bytes, Ordering::Relaxed);
        told_bytes = done_bytes;
    }
    bytes_read.fetch_add(size_bytes - told_bytes, Ordering::Relaxed);
    Ok(())
}

/// Decodes some rows a column at a time, and those in doubt one at a time: that is
/// where reasons are worded.
fn decode_block<T: Decode>(
    columns: &Columns,
    height: usize,
    chunks: Chunks,
    plausible: Plausible,
) -> Block<T> {
    let mut bytes = vec![ROW_BYTES; height];
    columns.add_text_bytes(&mut bytes);
    let mut next = ColumnFields::new::<T>(columns, height, plausible);
    let table = T::decode_columns(&mut next);
    if chunks.count == 0 {
        next.doubt_all();
    }
    let doubtful = next.doubtful();
    if !doubtful.contains(&true) {
        let text_ends = vec![0; height];
        return Block { rows: table, bytes, bad: Vec::new(), text: Vec::new(), text_ends };
    }
    let mut block = Block::<T>::new();
    let mut row = 0;
    for same in doubtful.chunk_by(|a, b| a == b) {
        let rows = row..row + same.len();
        row = rows.end;
        if !same[0] {
            block.rows.append(&table, rows.clone());
            block.bytes.extend_from_slice(&bytes[rows]);
            block.text_ends.resize(block.rows.height(), 0);
            continue;
        }
        for row in rows {
            let values = RowValues { columns, row };
            block.take_typed(T::decode(&values), bytes[row], || spell::<T>(&values), plausible);
        }
    }
    block
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

/// A row that could not be kept, as the quarantine shows it: Parquet has no text.
fn spell<T: Decode>(values: &RowValues<'_>) -> String {
    let cells = T::columns().iter().enumerate().filter_map(|(at, column)| match values.value(at) {
        RawValue::Absent => None,
        value => Some(format!("{}={}", column.name, Shown(value))),
    });
    raw_text(cells.collect::<Vec<_>>().join(", ").as_bytes())
}
