//! Some columns of the records of a file, for sums over all of them.

use std::ops::Range;

use arrow_array::RecordBatch;
use cloudtally_model::Sources;

use super::{
    read::{Columns, Footers, LakeReader},
    records::KIND,
    verified::NamedFile,
};
use crate::StoreError;

/// The column that every scan reads.
const QUANTITY: &str = "quantity";

/// A column of records that holds numbers, besides the quantity.
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
    /// The quantities, row by row.
    pub fn quantities(&self) -> Vec<i64> {
        Columns(&self.batch).i64(QUANTITY).values().to_vec()
    }

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

/// Calls `each` with the quantity and the wanted columns of the rows in `ranges` (in order,
/// not touching).
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
    let is_wanted =
        |name: &&str| *name == QUANTITY || wanted.iter().any(|field| field.column() == *name);
    let skipped: Vec<&str> = KIND.names().filter(|name| !is_wanted(name)).collect();
    let reader = LakeReader::open(file, &KIND, Some(footers))?;
    for batch in reader.select(ranges, &skipped)? {
        each(RecordScan { batch: batch?, sources })?;
    }
    Ok(())
}
