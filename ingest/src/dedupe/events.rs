//! Events: identity is the id.
//!
//! An event that was mended is the same row whether it comes as the cloud wrote it or
//! mended again.

use std::collections::{HashMap, HashSet};

use cloudtally_model::{EventId, SourceName, UsageEvent, row_index, row_numbers};
use cloudtally_store::{
    EventTable, IngestRun, KnownEvents, MendedEvent, QuarantinedRow, StoreError, Writer,
};

use super::{Keeper, Known, Verdicts, another_pruned, difference, too_old};
use crate::border::{Mend, MendedColumn};

/// Keeps the events of one source.
pub(crate) struct EventKeeper<'a> {
    writer: &'a Writer,
    known: KnownEvents,
    /// The columns of stored events that were mended, with what the cloud wrote.
    mended: Mended,
    /// The mends of the rows that are judged next.
    mends: Vec<Mend>,
    /// Events that were stored mended.
    mended_count: u64,
}

/// The values that the cloud wrote in the columns of events that were mended.
type Mended = HashMap<EventId, Vec<(MendedColumn, u64)>>;

impl<'a> EventKeeper<'a> {
    pub(crate) fn new(writer: &'a Writer, source: &SourceName) -> Result<Self, StoreError> {
        let mut mended = Mended::new();
        for mend in writer.mended_events(source)? {
            if let Some(column) = MendedColumn::from_name(&mend.column) {
                mended.entry(mend.event).or_default().push((column, mend.original));
            }
        }
        Ok(Self {
            writer,
            known: writer.known_events(source)?,
            mended,
            mends: Vec::new(),
            mended_count: 0,
        })
    }

    /// Counts the events that were stored mended.
    pub(crate) fn mended_count(&self) -> u64 {
        self.mended_count
    }

    /// Tells of the mends of the rows that are judged next.
    pub(crate) fn expect(&mut self, mends: Vec<Mend>) {
        self.mends = mends;
        self.mends.sort_unstable_by_key(|mend| (mend.row, mend.column));
    }

    /// The ids that are known, for whoever appends in another way.
    pub(crate) fn known(&mut self) -> &mut KnownEvents {
        &mut self.known
    }
}

impl Keeper<UsageEvent> for EventKeeper<'_> {
    fn judge(&mut self, events: &EventTable) -> Result<Verdicts, StoreError> {
        // Rows of one id side by side, in the order in which they came.
        let mut order = row_numbers(events.height());
        let id = |row: u32| events.id[row_index(row)];
        if !events.id.is_sorted() {
            order.sort_unstable_by_key(|row| (id(*row), *row));
        }
        let mut ids: Vec<u64> = order.iter().map(|row| id(*row)).collect();
        ids.dedup();
        let known = self.known.among(self.writer, &ids)?;
        let (pruned_before, mut pruned) = (self.known.pruned_before(), Vec::new());
        if pruned_before.is_some() {
            pruned = self.known.pruned_among(self.writer, &ids)?;
        } else if known.is_empty() && ids.len() == order.len() {
            return Ok(Verdicts { new: order, known: Vec::new() });
        }
        let stored = match known.is_empty() {
            true => HashMap::new(),
            false => {
                let known: Vec<EventId> = known.into_iter().map(EventId).collect();
                self.known.contents(self.writer, &known)?
            }
        };
        let mut verdicts = Verdicts::default();
        for same in order.chunk_by(|a, b| id(*a) == id(*b)) {
            let is_stored = stored.contains_key(&EventId(id(same[0])));
            if let Some(before) = pruned_before.filter(|_| !is_stored) {
                let is_pruned = pruned.binary_search(&id(same[0])).is_ok();
                let is_gone = |row: &u32| events.created(row_index(*row)) < before;
                if is_pruned || same.iter().any(is_gone) {
                    let judged = same.iter().map(|row| match (is_pruned, is_gone(row)) {
                        (true, true) => (*row, Known::Duplicate),
                        (true, false) => (*row, another_pruned(before)),
                        (false, _) => (*row, too_old(before)),
                    });
                    verdicts.known.extend(judged);
                    continue;
                }
            }
            self.judge_same(events, same, &stored, &mut verdicts);
        }
        verdicts.known.sort_unstable_by_key(|(row, _)| *row);
        Ok(verdicts)
    }

    fn append(
        &mut self,
        (events, new): (&EventTable, Vec<u32>),
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        let mut mends = std::mem::take(&mut self.mends);
        if mends.is_empty() {
            let rows = (events, new);
            return self.writer.append_event_table(&mut self.known, rows, quarantined, run);
        }
        let is_new: HashSet<u32> = new.iter().copied().collect();
        mends.retain(|mend| is_new.contains(&mend.row));
        let mut notes = Vec::with_capacity(mends.len());
        for Mend { row, column, original, reason } in mends {
            let event = EventId(events.id[row_index(row)]);
            self.mended.entry(event).or_default().push((column, original));
            let (column, entered_ms) = (column.as_name().to_owned(), run.started_ms);
            notes.push(MendedEvent { event, column, original, reason, entered_ms });
        }
        let rows = (events, new);
        self.writer.append_mended(&mut self.known, rows, &notes, quarantined, run)?;
        self.mended_count += notes.len() as u64;
        Ok(())
    }
}

impl EventKeeper<'_> {
    /// Judges rows of one id: the first of them is new if its id is.
    fn judge_same(
        &self,
        events: &EventTable,
        same: &[u32],
        stored: &HashMap<EventId, UsageEvent>,
        verdicts: &mut Verdicts,
    ) {
        let id = EventId(events.id[row_index(same[0])]);
        let (first, others) = match stored.get(&id) {
            Some(stored) => (stored, same),
            None => {
                verdicts.new.push(same[0]);
                if same.len() == 1 {
                    return;
                }
                (&events.row(row_index(same[0])), &same[1..])
            }
        };
        for row in others {
            let event = events.row(row_index(*row));
            let known = match self.difference(first, &event, *row) {
                None if first.resource_name != event.resource_name => Known::Renamed,
                None => Known::Duplicate,
                Some(other) => Known::Conflict(format!("event {id} is already there with {other}")),
            };
            verdicts.known.push((*row, known));
        }
    }

    /// The difference of two events of one id, besides columns that were mended: those may
    /// be as the cloud wrote them in either.
    fn difference(&self, first: &UsageEvent, now: &UsageEvent, row: u32) -> Option<String> {
        let told = difference(first, now)?;
        let from = self.mends.partition_point(|mend| mend.row < row);
        let mends = self.mends[from..].iter().take_while(|mend| mend.row == row);
        let mut written = now.clone();
        mends.for_each(|mend| mend.column.set(&mut written, mend.original));
        difference(first, &written)?;
        for (column, original) in self.mended.get(&first.id).into_iter().flatten() {
            if column.of(&written) == *original {
                column.set(&mut written, column.of(first));
            }
        }
        difference(first, &written).map(|_| told)
    }
}
