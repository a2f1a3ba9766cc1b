//! Opening a file of the lake, skipping what is not needed, and the columns of a
//! decoded batch.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray, UInt16Array, UInt64Array, cast::AsArray,
};
use arrow_array::{types::Int32Type, types::TimestampMillisecondType};
use cloudtally_model::{Instant, SourceId, Sources, ZoneId};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder, RowSelection,
        },
    },
    file::{
        metadata::{PageIndexPolicy, ParquetStatisticsPolicy},
        statistics::Statistics,
    },
};
use std::sync::Arc;

use super::{
    blocks::{Reach, VerifiedFile},
    kind::{Access, Kind},
    numbers,
    verified::NamedFile,
};
use crate::{StoreError, cache::Cache, guard::guarded};

/// Rows decoded at once.
const BATCH_ROWS: usize = 8 * 1024;

/// Footers of files that are read again and again.
pub(crate) type Footers = Cache<ArrowReaderMetadata>;

/// An open file of the lake.
pub(crate) struct LakeReader<'a> {
    file: VerifiedFile,
    metadata: ArrowReaderMetadata,
    path: &'a Path,
}

impl<'a> LakeReader<'a> {
    /// Opens a file that must hold rows of `kind`, as many as the catalogue says.
    pub(crate) fn open(
        named: &NamedFile<'a>,
        kind: &Kind,
        footers: Option<&Footers>,
    ) -> Result<Self, StoreError> {
        let NamedFile { path, rows, .. } = *named;
        let file = named.open()?;
        let cached = footers.and_then(|footers| footers.get(path));
        let metadata = match cached {
            Some(metadata) => metadata,
            None => {
                let policy = match kind.access {
                    Access::Pages => PageIndexPolicy::Required,
                    Access::RowGroups => PageIndexPolicy::Skip,
                };
                // Only where the pages are: values in pages are never asked for.
                let mut options = ArrowReaderOptions::new().with_offset_index_policy(policy);
                if kind.access == Access::Pages {
                    // Its row groups are found by row numbers, and its footers stay in memory.
                    options = options
                        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
                        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
                        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
                }
                let load = || {
                    let found = ArrowReaderMetadata::load(&file, options.clone())?;
                    let options = options.clone().with_schema(kind.read_schema(found.schema()));
                    ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), options)
                };
                let metadata = guarded(load).map_err(|cause| StoreError::decode(path, cause))?;
                if let Some(footers) = footers {
                    footers.put(path, metadata.clone(), metadata.metadata().memory_size());
                }
                metadata
            }
        };
        let found = metadata.metadata().file_metadata().num_rows();
        if u64::try_from(found) != Ok(rows) {
            let what = format!("it holds {found} rows and the catalogue says {rows}");
            return Err(StoreError::DamagedFile { path: path.to_owned(), what });
        }
        Ok(Self { file, metadata, path })
    }

    /// A note in the footer, by its name.
    pub(crate) fn note(&self, name: &str) -> Option<&str> {
        let notes = self.metadata.metadata().file_metadata().key_value_metadata()?;
        notes.iter().find(|note| note.key == name)?.value.as_deref()
    }

    /// Tells whether there is a note of a name in the footer.
    pub(crate) fn has_note(&self, name: &str) -> bool {
        let notes = self.metadata.metadata().file_metadata().key_value_metadata();
        notes.is_some_and(|notes| notes.iter().any(|note| note.key == name))
    }

    /// The row groups whose `column` may hold a value that `wanted` says is inside
    /// (given smallest and largest, as stored bits).
    pub(crate) fn row_groups(&self, column: &str, wanted: impl Fn(i64, i64) -> bool) -> Vec<usize> {
        let metadata = self.metadata.metadata();
        let columns = metadata.file_metadata().schema_descr();
        let index = columns.columns().iter().position(|c| c.name() == column);
        let statistics =
            |group: usize| match metadata.row_group(group).column(index?).statistics()? {
                Statistics::Int64(values) => Some((*values.min_opt()?, *values.max_opt()?)),
                _ => None,
            };
        (0..metadata.num_row_groups())
            .filter(|group| statistics(*group).is_none_or(|(min, max)| wanted(min, max)))
            .collect()
    }

    /// A reader of whole row groups, to be narrowed and built; the columns in `skipped` are
    /// left out.
    pub(crate) fn builder(
        self,
        skipped: &[&str],
    ) -> (ParquetRecordBatchReaderBuilder<VerifiedFile>, &'a Path) {
        self.builder_reaching(Reach::Stretch, skipped)
    }

    fn builder_reaching(
        self,
        reach: Reach,
        skipped: &[&str],
    ) -> (ParquetRecordBatchReaderBuilder<VerifiedFile>, &'a Path) {
        let file = self.file.reaching(reach);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata)
            .with_batch_size(BATCH_ROWS);
        if skipped.is_empty() {
            return (builder, self.path);
        }
        let columns = builder.parquet_schema();
        let kept =
            (0..columns.num_columns()).filter(|i| !skipped.contains(&columns.column(*i).name()));
        let mask = ProjectionMask::leaves(columns, kept.collect::<Vec<_>>());
        (builder.with_projection(mask), self.path)
    }

    /// A reader of just these rows: `ranges` of row numbers in order, not empty,
    /// not touching each other. Only the pages that hold them are read.
    pub(crate) fn select(
        self,
        ranges: &[Range<u64>],
        skipped: &[&str],
    ) -> Result<Batches, StoreError> {
        // The row groups that hold rows of `ranges`, and the ranges as seen inside them.
        let mut groups = Vec::new();
        let mut selected: Vec<Range<usize>> = Vec::new();
        let (mut group_start, mut rows_before) = (0u64, 0usize);
        let mut next = 0;
        let metadata = Arc::clone(self.metadata.metadata());
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            let group_end = group_start + rows;
            let first = next;
            while next < ranges.len() && ranges[next].start < group_end {
                let start = ranges[next].start.max(group_start);
                let end = ranges[next].end.min(group_end);
                let within = |row: u64| rows_before + as_index(row - group_start);
                selected.push(within(start)..within(end));
                if ranges[next].end > group_end {
                    break;
                }
                next += 1;
            }
            let continued = next < ranges.len() && ranges[next].start < group_end;
            if next > first || continued {
                groups.push(number);
                rows_before += as_index(rows);
            }
            group_start = group_end;
        }
        let rows: usize = selected.iter().map(|range| range.len()).sum();
        // Most pages of some row groups, or a few of them.
        let reach = if rows * 2 > rows_before { Reach::Stretch } else { Reach::Block };
        let selection = RowSelection::from_consecutive_ranges(selected.into_iter(), rows_before);
        let (builder, path) = self.builder_reaching(reach, skipped);
        let builder = builder.with_row_groups(groups).with_row_selection(selection);
        Batches::build(builder, path)
    }
}

fn as_index(row: u64) -> usize {
    usize::try_from(row).expect("rows of one file fit in memory addresses")
}

/// Decoded batches with our errors.
pub(crate) struct Batches {
    reader: ParquetRecordBatchReader,
    path: PathBuf,
}

impl Batches {
    /// Starts reading.
    pub(crate) fn build(
        builder: ParquetRecordBatchReaderBuilder<VerifiedFile>,
        path: &Path,
    ) -> Result<Self, StoreError> {
        let reader =
            guarded(|| builder.build()).map_err(|cause| StoreError::decode(path, cause))?;
        Ok(Self { reader, path: path.to_owned() })
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, StoreError>;
    fn next(&mut self) -> Option<Self::Item> {
        let batch = guarded(|| self.reader.next().transpose());
        batch.map_err(|cause| StoreError::decode(&self.path, cause)).transpose()
    }
}

/// The columns of a batch by name. The reader was given the schema, so a column
/// of another name or type cannot occur.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a>(pub(crate) &'a RecordBatch);

impl<'a> Columns<'a> {
    fn column(self, name: &str) -> &'a ArrayRef {
        self.0.column_by_name(name).expect("the reader was given the schema")
    }

    pub(crate) fn u64(self, name: &str) -> UInt64Array {
        numbers::as_u64(self.column(name))
    }

    pub(crate) fn i64(self, name: &str) -> Int64Array {
        numbers::as_i64(self.column(name))
    }

    pub(crate) fn u16(self, name: &str) -> UInt16Array {
        numbers::as_u16(self.column(name))
    }

    pub(crate) fn instants(self, name: &str) -> &'a TimestampMillisecondArray {
        self.column(name).as_primitive::<TimestampMillisecondType>()
    }

    /// The instants of a column that the reader left out, or that files of earlier versions
    /// lack.
    pub(crate) fn instants_if_any(self, name: &str) -> Option<&'a TimestampMillisecondArray> {
        self.0.column_by_name(name).map(|column| column.as_primitive())
    }

    pub(crate) fn names(self, name: &str) -> &'a StringArray {
        self.column(name).as_string()
    }

    pub(crate) fn flags(self, name: &str) -> &'a BooleanArray {
        self.column(name).as_boolean()
    }

    /// The flags of a column that files of earlier versions lack.
    pub(crate) fn flags_if_any(self, name: &str) -> Option<&'a BooleanArray> {
        self.0.column_by_name(name).map(|column| column.as_boolean())
    }

    pub(crate) fn words(self, name: &str) -> Words<'a> {
        let words = self.column(name).as_dictionary::<Int32Type>();
        Words { keys: words.keys(), values: words.values().as_string() }
    }

    /// The ranks of the column `source`, row by row.
    pub(crate) fn sources(self, sources: &Sources) -> Result<SourceRanks, StoreError> {
        let words = self.words("source");
        let ranks = words.values.iter().map(|name| {
            let name = name.unwrap_or_default();
            sources.id(name).ok_or_else(|| unknown_source(name, sources))
        });
        Ok(SourceRanks { keys: words.keys.clone(), ranks: ranks.collect::<Result<_, _>>()? })
    }
}

/// The error for a source that is not among `sources`.
pub(crate) fn unknown_source(name: &str, sources: &Sources) -> StoreError {
    let known: Vec<String> = sources.names().iter().map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    StoreError::UnknownSource { source_name: name.to_owned(), known }
}

/// A dictionary column of text.
pub(crate) struct Words<'a> {
    keys: &'a Int32Array,
    values: &'a StringArray,
}

impl<'a> Words<'a> {
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        let key = value(self.keys, row)?;
        Some(self.values.value(usize::try_from(key).unwrap_or_default()))
    }

    pub(crate) fn to_owned(&self) -> WordArray {
        WordArray { keys: self.keys.clone(), values: self.values.clone() }
    }
}

/// A dictionary column of text that outlives its batch.
#[derive(Debug)]
pub(crate) struct WordArray {
    keys: Int32Array,
    values: StringArray,
}

impl WordArray {
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        Words { keys: &self.keys, values: &self.values }.get(row)
    }

    /// Maps the text of each row by `of`, null being the empty text.
    pub(crate) fn map<T: Copy>(&self, of: impl Fn(&str) -> T) -> impl Iterator<Item = T> {
        let empty = of("");
        let known: Vec<T> = self.values.iter().map(|text| of(text.unwrap_or_default())).collect();
        self.keys.iter().map(move |key| {
            let at = key.and_then(|key| usize::try_from(key).ok());
            at.and_then(|at| known.get(at).copied()).unwrap_or(empty)
        })
    }
}

/// A source column as ranks.
#[derive(Debug)]
pub(crate) struct SourceRanks {
    keys: Int32Array,
    ranks: Vec<SourceId>,
}

impl SourceRanks {
    pub(crate) fn get(&self, row: usize) -> SourceId {
        let key = usize::try_from(self.keys.value(row)).unwrap_or_default();
        self.ranks.get(key).copied().unwrap_or_default()
    }
}

/// The value of a row, `None` where it is null.
pub(crate) fn value<T: arrow_array::types::ArrowPrimitiveType>(
    array: &arrow_array::PrimitiveArray<T>,
    row: usize,
) -> Option<T::Native> {
    array.is_valid(row).then(|| array.value(row))
}

/// The text of a row, `None` where it is null.
pub(crate) fn name(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

/// The flag of a row, `None` where it is null.
pub(crate) fn flag(array: &BooleanArray, row: usize) -> Option<bool> {
    array.is_valid(row).then(|| array.value(row))
}

/// The instant of a row.
pub(crate) fn instant(array: &TimestampMillisecondArray, row: usize) -> Instant {
    Instant::from_millis(array.value(row))
}

/// The zone of a row; null is "no zone".
pub(crate) fn zone(array: &UInt64Array, row: usize) -> ZoneId {
    value(array, row).map_or(ZoneId::NONE, zone_from_number)
}

/// A zone number as we wrote it. Numbers above `i64::MAX` cannot have come from a source.
fn zone_from_number(number: u64) -> ZoneId {
    ZoneId::from_source(i64::try_from(number).unwrap_or(0))
}
