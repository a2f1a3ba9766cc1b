//! Records of closed periods beside what they are restated as: what an adjustment says.

use std::{collections::BTreeMap, fmt};

use cloudtally_model::{EventId, Instant, Period, RecordId, Sources, UsageRecord};
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
    /// The last word of the account's removal, if that changes anything in the closed period.
    pub removal: Option<KnownRemoval>,
}

/// The last word of an account's removal, beside the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRemoval {
    /// The instant that was known before, if there was one.
    pub before: Option<Instant>,
    /// The instant that is known since; none if the account is not removed after all.
    pub after: Option<Instant>,
}

impl fmt::Display for KnownRemoval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.before, self.after) {
            (None, Some(after)) => write!(f, "the account was removed at {after}"),
            (Some(before), Some(after)) => {
                write!(f, "the account was removed at {after}, not at {before}")
            }
            (Some(before), None) => write!(f, "the account was not removed at {before}"),
            (None, None) => write!(f, "the account is not removed"),
        }
    }
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
        removal: removal(snapshot, closed, &served.record),
    };
    let ordinary =
        ServedRecord { period: closed.period, generation: closed.generation, record: ordinary };
    Ok(Some((closed, ordinary, told)))
}

/// The last word of the account's removal that the closed period is restated with, if it
/// changes anything there.
fn removal(
    snapshot: &Snapshot,
    closed: &PublishedPeriod,
    record: &UsageRecord,
) -> Option<KnownRemoval> {
    let source = snapshot.sources.name(record.source);
    let known = snapshot.account_removals.iter().rfind(|removal| {
        (&removal.source, removal.account) == (source, record.account)
            && removal.seq <= closed.inputs.accounts_seq
            && removal.before.into_iter().chain(removal.after).any(|at| at < closed.period.end)
    });
    known.map(|removal| KnownRemoval { before: removal.before, after: removal.after })
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
