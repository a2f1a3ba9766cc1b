//! Files whose columns are encoded side by side: what an ingest appends.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use parquet::{
    arrow::arrow_writer::{ArrowColumnChunk, compute_leaves},
    errors::ParquetError,
};
use rayon::prelude::*;

use super::{
    kind::{Kind, ROW_GROUP_ROWS},
    numbers,
};
use crate::StoreError;

/// Encodes rows as a file, all columns of all row groups side by side. The bytes are
/// those that [`Kind::encode`] makes. `batch` gathers the columns of a row group.
pub(crate) fn encode(
    kind: &Kind,
    rows: &[u32],
    batch: impl Fn(&[u32]) -> Result<RecordBatch, ArrowError> + Sync,
) -> Result<Vec<u8>, StoreError> {
    let schema = kind.write_schema();
    let failed = |cause| StoreError::Encode { file: kind.name, cause };
    let (mut file, factory) = kind.writer()?.into_serialized_writer().map_err(failed)?;
    let encode_group = |(number, rows): (usize, &[u32])| {
        let batch = batch(rows).map_err(|cause| failed(cause.into()))?;
        numbers::check(kind, &batch)?;
        let writers = factory.create_column_writers(number).map_err(failed)?;
        let columns = writers.into_par_iter().zip(batch.columns()).zip(schema.fields().as_ref());
        let encode_column = columns.map(|((mut writer, column), field)| {
            for leaf in compute_leaves(field, column)? {
                writer.write(&leaf)?;
            }
            writer.close()
        });
        encode_column.collect::<Result<Vec<ArrowColumnChunk>, ParquetError>>().map_err(failed)
    };
    let groups = rows.par_chunks(ROW_GROUP_ROWS).enumerate().map(encode_group);
    let groups = groups.collect::<Result<Vec<_>, StoreError>>()?;
    let put = || {
        for group in groups {
            let mut writer = file.next_row_group()?;
            for chunk in group {
                chunk.append_to_row_group(&mut writer)?;
            }
            writer.close()?;
        }
        Ok(())
    };
    put().map_err(failed)?;
    file.into_inner().map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};

    use super::*;
    use crate::lake::kind::{Access, Coding::*, Need::*, Type};

    #[test]
    fn columns_side_by_side_make_the_bytes_of_one_after_the_other() {
        let columns =
            [("word", Type::Word, Always, Repeating), ("name", Type::Name, Optional, Plain)];
        let kind = Kind::new("tests", Access::RowGroups, &columns);
        let batch = |rows: &[u32]| {
            let words = rows.iter().map(|row| if row % 3 == 0 { "three" } else { "other" });
            let names = rows.iter().map(|row| (row % 7 != 0).then(|| row.to_string()));
            let words: ArrayRef = Arc::new(words.map(Some).collect::<StringArray>());
            let names: ArrayRef = Arc::new(names.collect::<StringArray>());
            RecordBatch::try_new(kind.write_schema(), vec![words, names])
        };
        let rows: Vec<u32> = (0..150_000).collect();
        assert!(rows.len() > 2 * ROW_GROUP_ROWS);
        for rows in [&rows[..], &rows[..10], &[]] {
            let side_by_side = encode(&kind, rows, batch).unwrap();
            assert!(side_by_side == kind.encode(rows, batch).unwrap(), "{} rows", rows.len());
        }
    }
}
