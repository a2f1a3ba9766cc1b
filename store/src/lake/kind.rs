//! Layout of a kind of file: its columns, one row each, with the encoding
//! that pays for it.
//!
//! Encodings: values that repeat go through a dictionary, uncompressed where they
//! are few; ids and instants that grow are stored as packed differences. A
//! dictionary that grows past [`DICTIONARY_BYTES_MAX`], or
//! [`PAGED_DICTIONARY_BYTES_MAX`], falls back to the column's own encoding, because
//! reading one page costs reading the whole dictionary first.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, Encoding, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
    schema::types::ColumnPath,
};

use super::numbers;
use crate::StoreError;

/// Rows in a row group: what a reader skips or decodes as one.
pub(crate) const ROW_GROUP_ROWS: usize = 64 * 1024;
/// Rows in a page of a file that is read by pages.
const PAGE_ROWS: usize = 2 * 1024;
const DICTIONARY_BYTES_MAX: usize = 128 * 1024;
/// The same of a file that is read by pages, where a few rows cost a whole dictionary.
const PAGED_DICTIONARY_BYTES_MAX: usize = 16 * 1024;
/// Stands in the footer instead of the library's version.
const CREATED_BY: &str = "cloudtally";

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// A number from 0 to 2^63 - 1.
    I64,
    /// A number that may be negative.
    Signed,
    /// A number from 0 to 2^15 - 1.
    I16,
    /// Milliseconds since 1970 in UTC.
    Instant,
    /// Text of which there are few different ones.
    Word,
    /// Text of which there are many.
    Name,
    /// Yes or no.
    Flag,
}

/// The relation between the values of a column, which decides their encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// They repeat.
    Repeating,
    /// They are so few that their packed codes are left as they are: compressing these saves
    /// next to nothing, and a reader of some rows pays for it in each column.
    Few,
    /// They grow, or at least stay near each other.
    Growing,
    /// Neither.
    Plain,
}

/// A rule for empty values in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Always a value.
    Always,
    /// Null where there is none.
    Optional,
}

/// One column: name, type, need, coding.
pub(crate) type Column = (&'static str, Type, Need, Coding);

/// The access path of readers to their rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whole row groups.
    RowGroups,
    /// Single pages, through the page index.
    Pages,
}

/// A kind of file.
#[derive(Debug)]
pub(crate) struct Kind {
    /// For messages: `events`.
    pub(crate) name: &'static str,
    /// The access path of readers to their rows.
    pub(crate) access: Access,
    write_schema: SchemaRef,
    /// As written, with words as dictionaries.
    read_schema: SchemaRef,
    /// Number of the last columns that files of earlier versions lack.
    appended: usize,
    /// The columns whose numbers may be negative.
    signed: Vec<&'static str>,
    properties: WriterProperties,
}

impl Kind {
    /// A kind with these columns.
    pub(crate) fn new(name: &'static str, access: Access, columns: &[Column]) -> Self {
        let schema = |words: &DataType| {
            let fields = columns.iter().map(|(name, column, need, _)| {
                let data_type = match column {
                    Type::I64 | Type::Signed => DataType::Int64,
                    Type::I16 => DataType::Int16,
                    Type::Instant => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
                    Type::Word => words.clone(),
                    Type::Name => DataType::Utf8,
                    Type::Flag => DataType::Boolean,
                };
                Field::new(*name, data_type, *need == Need::Optional)
            });
            Arc::new(Schema::new(fields.collect::<Vec<_>>()))
        };
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        Self {
            name,
            access,
            write_schema: schema(&DataType::Utf8),
            read_schema: schema(&dictionary),
            appended: 0,
            signed: columns
                .iter()
                .filter(|(_, column, ..)| *column == Type::Signed)
                .map(|(name, ..)| *name)
                .collect(),
            properties: properties(access, columns),
        }
    }

    /// The same kind, whose last `count` columns files of earlier versions lack.
    pub(crate) fn appended(self, count: usize) -> Self {
        Self { appended: count, ..self }
    }

    /// Tells whether the numbers of a column may be negative.
    pub(crate) fn is_signed(&self, column: &str) -> bool {
        self.signed.contains(&column)
    }

    /// The names of its columns, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.read_schema.fields().iter().map(|field| field.name().as_str())
    }

    /// The schema by which a file is read whose own is `found`: one of an earlier version may
    /// lack columns, and its numbers are unsigned.
    pub(crate) fn read_schema(&self, found: &Schema) -> SchemaRef {
        let fields = self.read_schema.fields();
        let lacks_appended = fields.len() - self.appended == found.fields().len();
        let is_unsigned = |field: &Field| {
            found.field_with_name(field.name()).is_ok_and(|f| f.data_type().is_unsigned_integer())
        };
        if !lacks_appended && !fields.iter().any(|field| is_unsigned(field)) {
            return Arc::clone(&self.read_schema);
        }
        let kept = if lacks_appended { found.fields().len() } else { fields.len() };
        let fields = fields[..kept].iter().map(|field| match field.data_type() {
            DataType::Int64 if is_unsigned(field) => as_type(field, DataType::UInt64),
            DataType::Int16 if is_unsigned(field) => as_type(field, DataType::UInt16),
            _ => Arc::clone(field),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The schema a batch to be written must have.
    pub(crate) fn write_schema(&self) -> SchemaRef {
        Arc::clone(&self.write_schema)
    }

    /// The schema of a batch whose words are dictionaries; the file is the same.
    pub(crate) fn dictionary_schema(&self) -> SchemaRef {
        Arc::clone(&self.read_schema)
    }

    /// Encodes rows as a file, a row group at a time.
    pub(crate) fn encode<R>(
        &self,
        rows: &[R],
        batch: impl Fn(&[R]) -> Result<RecordBatch, arrow_schema::ArrowError>,
    ) -> Result<Vec<u8>, StoreError> {
        let failed = |cause| StoreError::Encode { file: self.name, cause };
        let mut writer = self.writer()?;
        for chunk in rows.chunks(ROW_GROUP_ROWS) {
            self.write(&mut writer, &batch(chunk).map_err(|cause| failed(cause.into()))?)?;
        }
        writer.into_inner().map_err(failed)
    }

    /// Adds a batch to a file under way.
    ///
    /// # Errors
    /// `NumberTooLarge` if it has a number that the file cannot hold.
    pub(crate) fn write(
        &self,
        writer: &mut ArrowWriter<Vec<u8>>,
        batch: &RecordBatch,
    ) -> Result<(), StoreError> {
        numbers::check(self, batch)?;
        writer.write(batch).map_err(|cause| StoreError::Encode { file: self.name, cause })
    }

    /// A file under way. Batches of [`ROW_GROUP_ROWS`] are to be written to it, and a
    /// last one with the rest: bytes depend on where they are parted.
    pub(crate) fn writer(&self) -> Result<ArrowWriter<Vec<u8>>, StoreError> {
        let options = ArrowWriterOptions::new()
            .with_properties(self.properties.clone())
            .with_skip_arrow_metadata(true);
        ArrowWriter::try_new_with_options(Vec::new(), self.write_schema(), options)
            .map_err(|cause| StoreError::Encode { file: self.name, cause })
    }
}

fn as_type(field: &FieldRef, data_type: DataType) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

fn properties(access: Access, columns: &[Column]) -> WriterProperties {
    // Level 1: level 3 saves a few percent of the bytes and costs half the speed.
    let level = ZstdLevel::try_new(1).expect("1 is a level");
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX);
    properties = match access {
        Access::Pages => properties
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_dictionary_page_size_limit(PAGED_DICTIONARY_BYTES_MAX)
            .set_statistics_enabled(EnabledStatistics::Page),
        Access::RowGroups => properties
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true),
    };
    for (name, column, _, coding) in columns {
        let path = ColumnPath::from(*name);
        let is_number = matches!(column, Type::I64 | Type::Signed | Type::I16 | Type::Instant);
        if *coding == Coding::Few {
            properties = properties.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
        }
        if is_number && *coding != Coding::Plain {
            properties =
                properties.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if !matches!(coding, Coding::Repeating | Coding::Few) || *column == Type::Flag {
            properties = properties.set_column_dictionary_enabled(path, false);
        }
    }
    properties.build()
}
