//! Parquet: typed columns, compressed side by side on all cores.

use std::{io, sync::Arc};

use ::parquet::{
    arrow::{
        ArrowWriter,
        arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves},
    },
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
};
use arrow_array::{
    ArrayRef, builder::BooleanBuilder, builder::Decimal128Builder, builder::Int64Builder,
    builder::StringBuilder, builder::TimestampMillisecondBuilder,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use cloudtally_store::ServedColumns;
use rayon::prelude::*;

use super::{
    ExportFormat, Out, Sink,
    columns::{COLUMNS, Cell, ColumnType, ExportColumn},
    row::{Names, for_each},
    write,
};

/// A row group ends with the chunk that reaches so many rows.
const GROUP_ROWS: usize = 1 << 20;
/// Decimal places of `rawusage`.
const RAW_USAGE_SCALE: i8 = 6;

impl ExportFormat {
    /// Apache Parquet.
    pub const PARQUET: &'static Self = &Self {
        name: "parquet",
        help: "Apache Parquet",
        spreadsheet_safe: None,
        write: |records, names, out, progress| {
            write::<ParquetSink<'_>>(records, names, out, progress)
        },
    };
}

/// Writes row groups whose columns are encoded side by side.
struct ParquetSink<'a> {
    schema: SchemaRef,
    file: SerializedFileWriter<Out<'a>>,
    groups: ArrowRowGroupWriterFactory,
    /// The row group under way, column by column.
    columns: Vec<ArrowColumnWriter>,
    /// Rows in it.
    rows: usize,
}

impl<'a> Sink<'a> for ParquetSink<'a> {
    /// An array for each column.
    type Chunk = Vec<ArrayRef>;

    fn encode(records: &[ServedColumns], names: Names<'_>) -> io::Result<Self::Chunk> {
        let (mut builders, mut buffer) = (builders(), String::new());
        for_each(records, names, &mut |row| {
            for (column, builder) in COLUMNS.iter().zip(&mut builders) {
                builder.append((column.value)(row, &mut buffer))?;
            }
            Ok::<(), io::Error>(())
        })?;
        Ok(builders.into_iter().map(Builder::finish).collect())
    }

    fn begin(out: Out<'a>) -> io::Result<Self> {
        Self::new(out).map_err(io::Error::from)
    }

    fn write(&mut self, chunks: Vec<Self::Chunk>) -> io::Result<()> {
        self.write_groups(&chunks).map_err(io::Error::from)
    }

    fn finish(self) -> io::Result<()> {
        self.end().map_err(io::Error::from)?.flush()
    }
}

enum Builder {
    Text(StringBuilder),
    Number(Int64Builder),
    Flag(BooleanBuilder),
    Date(TimestampMillisecondBuilder),
    Decimal(Decimal128Builder),
}

const RAW_USAGE: DataType = DataType::Decimal128(26, RAW_USAGE_SCALE);

impl<'a> ParquetSink<'a> {
    fn new(out: Out<'a>) -> Result<Self, ParquetError> {
        let fields = COLUMNS.iter().map(|column| {
            let data_type = match column.column_type {
                ColumnType::Text | ColumnType::Id => DataType::Utf8,
                ColumnType::Number => DataType::Int64,
                ColumnType::Flag => DataType::Boolean,
                ColumnType::Date => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
                ColumnType::Decimal => RAW_USAGE,
            };
            Field::new(column.name, data_type, true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut properties = WriterProperties::builder()
            .set_created_by("cloudtally".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()));
        for column in COLUMNS.iter().filter(|column| column.column_type == ColumnType::Id) {
            // A dictionary of what never repeats costs time and saves nothing.
            properties = properties.set_column_dictionary_enabled(column.name.into(), false);
        }
        let properties = properties.build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
        let (file, groups) = writer.into_serialized_writer()?;
        let columns = groups.create_column_writers(0)?;
        Ok(Self { schema, file, groups, columns, rows: 0 })
    }

    fn write_groups(&mut self, mut chunks: &[Vec<ArrayRef>]) -> Result<(), ParquetError> {
        while !chunks.is_empty() {
            let height = |chunk: &Vec<ArrayRef>| chunk.first().map_or(0, |column| column.len());
            let (mut rows, mut count) = (self.rows, 0);
            while count < chunks.len() && rows < GROUP_ROWS {
                rows += height(&chunks[count]);
                count += 1;
            }
            let (now, later) = chunks.split_at(count);
            let schema = &self.schema;
            self.columns.par_iter_mut().enumerate().try_for_each(|(index, column)| {
                for chunk in now {
                    for leaf in compute_leaves(schema.field(index), &chunk[index])? {
                        column.write(&leaf)?;
                    }
                }
                Ok::<(), ParquetError>(())
            })?;
            self.rows = rows;
            if self.rows >= GROUP_ROWS {
                self.end_group()?;
                self.columns =
                    self.groups.create_column_writers(self.file.flushed_row_groups().len())?;
            }
            chunks = later;
        }
        Ok(())
    }

    /// Writes the row group under way, if there is anything in it.
    fn end_group(&mut self) -> Result<(), ParquetError> {
        let columns = std::mem::take(&mut self.columns);
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(());
        }
        let encoded: Vec<_> =
            columns.into_par_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
        let mut group = self.file.next_row_group()?;
        for column in encoded {
            column.append_to_row_group(&mut group)?;
        }
        group.close().map(drop)
    }

    fn end(mut self) -> Result<Out<'a>, ParquetError> {
        self.end_group()?;
        self.file.into_inner()
    }
}

fn builders() -> Vec<Builder> {
    let builder = |column: &ExportColumn| match column.column_type {
        ColumnType::Text | ColumnType::Id => Builder::Text(StringBuilder::new()),
        ColumnType::Number => Builder::Number(Int64Builder::new()),
        ColumnType::Flag => Builder::Flag(BooleanBuilder::new()),
        ColumnType::Date => Builder::Date(TimestampMillisecondBuilder::new().with_timezone("UTC")),
        ColumnType::Decimal => Builder::Decimal(Decimal128Builder::new().with_data_type(RAW_USAGE)),
    };
    COLUMNS.iter().map(builder).collect()
}

impl Builder {
    fn append(&mut self, value: Cell<'_>) -> io::Result<()> {
        match (self, value) {
            (Self::Text(builder), Cell::Text(text)) => builder.append_value(text),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Number(builder), Cell::Number(number)) => {
                builder.append_value(i64::try_from(number).map_err(io::Error::other)?);
            }
            (Self::Number(builder), Cell::Signed(number)) => builder.append_value(number),
            (Self::Number(builder), _) => builder.append_null(),
            (Self::Flag(builder), Cell::Flag(flag)) => builder.append_value(flag),
            (Self::Flag(builder), _) => builder.append_null(),
            (Self::Date(builder), Cell::Date((at, _))) => builder.append_value(at.as_millis()),
            (Self::Date(builder), _) => builder.append_null(),
            (Self::Decimal(builder), Cell::Decimal(millionths)) => {
                builder.append_value(millionths);
            }
            (Self::Decimal(builder), _) => builder.append_null(),
        }
        Ok(())
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Number(mut builder) => Arc::new(builder.finish()),
            Self::Flag(mut builder) => Arc::new(builder.finish()),
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Decimal(mut builder) => Arc::new(builder.finish()),
        }
    }
}
