//! Records of closed periods beside what they are restated as: what an adjustment says.

use std::collections::BTreeMap;

use cloudtally_model::{EventId, Period, RecordId, Sources, UsageRecord};
use cloudtally_store::{
    Adjustment, LakeFile, PublishedPeriod, ServedRecord, Snapshot, Store, StoreError,
};

use crate::AggregateError;

/// The quantities that a closed period says of the key of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// The closed period.
    pub period: Period,
    /// The quantity that is served of it, for good.
    pub served: i64,
    /// The quantity once what other closed periods carry is added.
    pub before: i64,
    /// The quantity once the adjustment is added, too; of a record of the closed period
    /// itself, once all are.
    pub after: i64,
    /// The quantity by what is known now.
    pub restated: i64,
    /// The ids of all events behind the resource's use in the closed period.
    pub events: Vec<EventId>,
}

/// A record of a closed period that is restated, or an adjustment of one: the record that the
/// closed period has, or would have, and what is said of it.
pub(crate) fn adjusted<'a>(
    store: &Store,
    snapshot: &'a Snapshot,
    known: &'a PublishedPeriod,
    served: &ServedRecord,
) -> Result<Option<(&'a PublishedPeriod, ServedRecord, Adjusted)>, AggregateError> {
    let (closed, row) = match served.record.corrects {
        Some(corrects) => {
            let id = || id_of(&served.record, known.period, &snapshot.sources);
            let closed = snapshot.periods.iter().find(|known| known.period.start == corrects);
            let row = snapshot.adjustments.iter();
            let row =
                row.copied().find(|of| (of.start, of.corrects) == (known.period.start, corrects));
            match (closed, row) {
                (Some(closed), Some(row)) => (closed, row),
                _ => return Err(AggregateError::AdjustsNothing { id: id() }),
            }
        }
        None if known.restated.is_some() && !served.record.usage_type.is_bytes() => {
            let (start, to) = (known.period.start, known.restated_generation());
            (known, Adjustment { start, corrects: start, from: known.generation, to })
        }
        None => return Ok(None),
    };
    let ordinary =
        UsageRecord { start: closed.period.start, corrects: None, ..served.record.clone() };
    let id = id_of(&ordinary, closed.period, &snapshot.sources);
    // Often they are two generations, and each is a whole file to look through.
    let mut looked_at: BTreeMap<u32, i64> = BTreeMap::new();
    let mut quantity = |generation: u32| -> Result<i64, AggregateError> {
        if let Some(known) = looked_at.get(&generation) {
            return Ok(*known);
        }
        let file = store.generation(closed, generation)?;
        let found = quantity_of(store, &file, closed.period, id, &snapshot.sources)?;
        looked_at.insert(generation, found);
        Ok(found)
    };
    let told = Adjusted {
        period: closed.period,
        served: quantity(closed.generation)?,
        before: quantity(row.from)?,
        after: quantity(row.to)?,
        restated: quantity(closed.restated_generation())?,
        events: Vec::new(),
    };
    let ordinary =
        ServedRecord { period: closed.period, generation: closed.generation, record: ordinary };
    Ok(Some((closed, ordinary, told)))
}

fn id_of(record: &UsageRecord, period: Period, sources: &Sources) -> RecordId {
    record.id(sources.name(record.source), period)
}

/// The quantity of a record in a file; 0 if it is not there.
fn quantity_of(
    store: &Store,
    file: &LakeFile,
    period: Period,
    id: RecordId,
    sources: &Sources,
) -> Result<i64, StoreError> {
    let mut key = Vec::new();
    for columns in store.records_of_file(file, sources)? {
        let columns = columns?;
        let found =
            columns.rows().find(|row| row.id(sources.name(row.source), period, &mut key) == id);
        if let Some(row) = found {
            return Ok(row.quantity);
        }
    }
    Ok(0)
}
