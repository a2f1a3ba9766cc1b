//! Records beside records: what only one of two generations has, and the adjustments that
//! come of it.

use std::{cmp::Ordering, collections::BTreeMap};

use cloudtally_model::{Instant, Period, RecordId, RecordRow, Sources, UsageRecord};
use cloudtally_store::{LakeFile, RecordColumns, RecordReader, Store, StoreError};

/// The records of a file that are held against others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// All but adjustments: those of a closed period are never restated.
    Ordinary,
}

impl Which {
    fn has(self, row: &RecordRow<'_>) -> bool {
        self == Self::All || row.corrects.is_none()
    }
}

/// Takes what only one of two runs of records has, in their order.
pub(crate) trait TakeDifference {
    /// Takes a record that is published and not computed.
    fn take_gone(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError>;

    /// Takes a record that is computed and not published.
    fn take_new(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError>;
}

/// Differences gathered in memory.
#[derive(Default)]
pub(crate) struct Gathered {
    /// The records that are published alone.
    gone: Vec<UsageRecord>,
    /// The records that are computed alone.
    new: Vec<UsageRecord>,
}

impl TakeDifference for Gathered {
    fn take_gone(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError> {
        self.gone.push(row.to_record());
        Ok(())
    }

    fn take_new(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError> {
        self.new.push(row.to_record());
        Ok(())
    }
}

/// Two runs of records in order, walked side by side: what only one of them has goes on to
/// `taker`.
pub(crate) struct Difference<'a, T> {
    reader: Option<RecordReader<'a>>,
    which: Which,
    columns: Option<RecordColumns>,
    row: usize,
    taker: T,
}

impl<'a, T: TakeDifference> Difference<'a, T> {
    /// Begins with what is published, if anything is.
    pub(crate) fn new(reader: Option<RecordReader<'a>>, which: Which, taker: T) -> Self {
        Self { reader, which, columns: None, row: 0, taker }
    }

    /// Reads on to the next record of what is published, if need be; returns false at its end.
    fn read(&mut self) -> Result<bool, StoreError> {
        loop {
            match &self.columns {
                Some(columns) if self.row < columns.height() => {
                    if self.which.has(&columns.row(self.row)) {
                        return Ok(true);
                    }
                    self.row += 1;
                }
                _ => {
                    let next = self.reader.as_mut().and_then(Iterator::next);
                    let Some(columns) = next else { return Ok(false) };
                    (self.columns, self.row) = (Some(columns?), 0);
                }
            }
        }
    }

    /// Takes the next computed record.
    pub(crate) fn push(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError> {
        loop {
            let order = match self.read()? {
                true => self.columns.as_ref().map(|columns| columns.row(self.row).cmp(row)),
                false => None,
            };
            match order {
                Some(Ordering::Equal) => {
                    self.row += 1;
                    return Ok(());
                }
                Some(Ordering::Less) => self.pass_on_gone()?,
                Some(Ordering::Greater) | None => return self.taker.take_new(row),
            }
        }
    }

    fn pass_on_gone(&mut self) -> Result<(), StoreError> {
        if let Some(columns) = &self.columns {
            self.taker.take_gone(&columns.row(self.row))?;
            self.row += 1;
        }
        Ok(())
    }

    /// Passes on what is left of what is published, and gives back who took all of it.
    pub(crate) fn finish(mut self) -> Result<T, StoreError> {
        while self.read()? {
            self.pass_on_gone()?;
        }
        Ok(self.taker)
    }
}

/// The adjustments that a period which begins at `into` carries for a closed one, where an
/// earlier generation of that has what is gone and the later has what is new in its place. A record that
/// only shows other fields is none.
pub(crate) fn adjustments(
    Gathered { gone, new }: Gathered,
    closed: Period,
    into: Instant,
    sources: &Sources,
) -> Vec<UsageRecord> {
    let id = |record: &UsageRecord| record.id(sources.name(record.source), closed);
    let mut sums: BTreeMap<RecordId, UsageRecord> = BTreeMap::new();
    for mut record in gone {
        record.quantity = -record.quantity;
        sums.insert(id(&record), record);
    }
    for mut record in new {
        let id = id(&record);
        // The later fields are shown.
        record.quantity += sums.get(&id).map_or(0, |known| known.quantity);
        sums.insert(id, record);
    }
    let adjustment =
        |record: UsageRecord| UsageRecord { start: into, corrects: Some(closed.start), ..record };
    let differing = sums.into_values().filter(|record| record.quantity != 0);
    differing.map(adjustment).collect()
}

/// The adjustments between two files of records of a closed period.
pub(crate) fn adjustments_between(
    store: &Store,
    (before, after): (&LakeFile, &LakeFile),
    closed: Period,
    into: Instant,
    sources: &Sources,
) -> Result<Vec<UsageRecord>, StoreError> {
    let before = store.records_of_file(before, sources)?;
    let mut different = Difference::new(Some(before), Which::Ordinary, Gathered::default());
    for columns in store.records_of_file(after, sources)? {
        let columns = columns?;
        let ordinary = columns.rows().filter(|row| Which::Ordinary.has(row));
        for row in ordinary {
            different.push(&row)?;
        }
    }
    Ok(adjustments(different.finish()?, closed, into, sources))
}
