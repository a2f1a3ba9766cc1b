//! Closed periods: what became of them goes into the first open one.
//!
//! A closed period is computed like any other when late events have touched it, and what it
//! is *restated* as is kept as a generation that is never served. The first open period then
//! holds, for each key of each closed period, the restated quantity less the served one, less
//! what periods that have been closed meanwhile carry of it already. The store says by
//! generations which part that is, so it is a function of the catalogue: the next run comes to
//! the same bytes.

use cloudtally_model::{Instant, Period, UsageRecord};
use cloudtally_store::{PublishedPeriod, StoreError};

use super::{
    difference::{Difference, Gathered, Which, adjustments, adjustments_between},
    state::Run,
};
use crate::{period::PeriodRecords, records::Rows};

/// The adjustments of the first open period.
#[derive(Clone, Default)]
pub(super) struct Carried {
    /// In the order of records.
    pub(super) records: Vec<UsageRecord>,
    /// The starts of the closed periods that were looked at.
    pub(super) closed: Vec<Instant>,
}

impl Run<'_> {
    /// The difference of a closed period, computed to `after`, that no closed period carries.
    pub(super) fn owed_by(
        &self,
        period: Period,
        known: Option<&PublishedPeriod>,
        after: &PeriodRecords<'_>,
    ) -> Result<Vec<UsageRecord>, StoreError> {
        let (store, sources) = (self.store(), self.sources());
        let before = match known {
            Some(known) => {
                let settled = self.snapshot.settled_generation(known);
                Some(store.records_of_file(&store.generation(known, settled)?, sources)?)
            }
            None => None,
        };
        let mut different = Difference::new(before, Which::Ordinary, Gathered::default());
        after.rows().try_for_each(|row| different.push(&row))?;
        let gathered = different.finish()?;
        Ok(adjustments(gathered, period, self.snapshot.closed_through(), sources))
    }

    /// Gathers what the first open period carries: from the periods that this run has
    /// restated, and from those that an earlier one has.
    pub(super) fn carried(&self) -> Result<Carried, StoreError> {
        let mut carried = Carried::default();
        for (start, records) in &self.owed {
            carried.closed.push(*start);
            carried.records.extend(records.iter().cloned());
        }
        let (store, sources, into) = (self.store(), self.sources(), self.snapshot.closed_through());
        let closed = self.snapshot.periods.iter();
        let closed = closed.take_while(|known| self.snapshot.is_closed(known.period));
        let restated = closed.filter(|known| known.restated.is_some());
        for known in restated.filter(|known| !self.owed.contains_key(&known.period.start)) {
            let settled = self.snapshot.settled_generation(known);
            if settled == known.restated_generation() {
                continue;
            }
            carried.closed.push(known.period.start);
            let files = (&store.generation(known, settled)?, known.restated_records());
            let of_it = adjustments_between(store, files, known.period, into, sources)?;
            carried.records.extend(of_it);
        }
        carried.records.sort_unstable();
        Ok(carried)
    }
}
