//! Events: identity is the id.

use std::collections::HashMap;

use cloudtally_model::{EventId, SourceName, UsageEvent, row_index, row_numbers};
use cloudtally_store::{EventTable, IngestRun, KnownEvents, QuarantinedRow, StoreError, Writer};

use super::{Keeper, Known, Verdicts, difference, too_old};

/// Keeps the events of one source.
pub(crate) struct EventKeeper<'a> {
    writer: &'a Writer,
    known: KnownEvents,
}

impl<'a> EventKeeper<'a> {
    pub(crate) fn new(writer: &'a Writer, source: &SourceName) -> Result<Self, StoreError> {
        Ok(Self { writer, known: writer.known_events(source)? })
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
            if pruned.binary_search(&id(same[0])).is_ok() {
                verdicts.known.extend(same.iter().map(|row| (*row, Known::Duplicate)));
                continue;
            }
            let is_gone = |row: &u32| Some(events.created(row_index(*row))) < pruned_before;
            if pruned_before.is_some() && same.iter().any(is_gone) {
                let gone = same.iter().map(|row| (*row, too_old(pruned_before)));
                verdicts.known.extend(gone);
                continue;
            }
            judge_same(events, same, &stored, &mut verdicts);
        }
        verdicts.known.sort_unstable_by_key(|(row, _)| *row);
        Ok(verdicts)
    }

    fn append(
        &mut self,
        rows: (&EventTable, Vec<u32>),
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        self.writer.append_event_table(&mut self.known, rows, quarantined, run)
    }
}

/// Judges rows of one id: the first of them is new if its id is.
fn judge_same(
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
        let known = match difference(first, &events.row(row_index(*row))) {
            None => Known::Duplicate,
            Some(other) => Known::Conflict(format!("event {id} is already there with {other}")),
        };
        verdicts.known.push((*row, known));
    }
}
