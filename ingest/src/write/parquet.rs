//! Parquet: typed columns, gathered into row groups.
//!
//! Numbers are `int64`, which every reader of Parquet has, instants timestamps of
//! milliseconds in UTC. Nothing of the clock, the host or the version of a
//! library gets into the file: the same rows make the same bytes.

use std::{fs::File, io, path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, RecordBatch, builder::BooleanBuilder, builder::Int64Builder, builder::StringBuilder,
    builder::TimestampMillisecondBuilder,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use crate::table::{Cell, Kind, Need, Row};

/// Rows of a row group.
const GROUP_ROWS: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct ParquetRows {
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    builders: Vec<Builder>,
    gathered: usize,
}

#[derive(Debug)]
enum Builder {
    Number(Int64Builder),
    Text(StringBuilder),
    Flag(BooleanBuilder),
    Instant(TimestampMillisecondBuilder),
}

impl ParquetRows {
    pub(super) fn create<T: Row>(path: &Path) -> io::Result<Self> {
        let fields = T::columns().iter().map(|column| {
            Field::new(column.name, data_type(column.kind), column.need != Need::Required)
        });
        let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_created_by("cloudtally".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(File::create(path)?, schema.clone(), Some(properties))?;
        let builders = T::columns().iter().map(|column| Builder::new(column.kind)).collect();
        Ok(Self { writer, schema, builders, gathered: 0 })
    }

    pub(super) fn write<T: Row>(&mut self, row: &T) -> io::Result<()> {
        for (column, builder) in T::columns().iter().zip(&mut self.builders) {
            builder.append((column.cell)(row))?;
        }
        self.gathered += 1;
        if self.gathered == GROUP_ROWS { self.write_group() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.write_group()?;
        self.writer.close()?;
        Ok(())
    }

    fn write_group(&mut self) -> io::Result<()> {
        let columns: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), columns)
            .expect("the builders were made from the schema");
        self.gathered = 0;
        self.writer.write(&batch)?;
        Ok(())
    }
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Unsigned | Kind::Signed => DataType::Int64,
        Kind::Text => DataType::Utf8,
        Kind::Flag => DataType::Boolean,
        Kind::Instant => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
    }
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Unsigned | Kind::Signed => Self::Number(Int64Builder::new()),
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Flag => Self::Flag(BooleanBuilder::new()),
            Kind::Instant => Self::Instant(TimestampMillisecondBuilder::new().with_timezone("UTC")),
        }
    }

    fn append(&mut self, cell: Cell<'_>) -> io::Result<()> {
        match (self, cell) {
            (Self::Number(builder), Cell::Unsigned(number)) => {
                builder.append_value(i64::try_from(number).map_err(io::Error::other)?);
            }
            (Self::Number(builder), Cell::Signed(number)) => builder.append_value(number),
            (Self::Number(builder), _) => builder.append_null(),
            (Self::Text(builder), Cell::Text(text)) => builder.append_value(text),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Flag(builder), Cell::Set) => builder.append_value(true),
            (Self::Flag(builder), _) => builder.append_null(),
            (Self::Instant(builder), Cell::Instant(at)) => builder.append_value(at.as_millis()),
            (Self::Instant(builder), _) => builder.append_null(),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Flag(builder) => Arc::new(builder.finish()),
            Self::Instant(builder) => Arc::new(builder.finish()),
        }
    }
}
