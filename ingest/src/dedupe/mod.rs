//! Verdicts on the rows of a batch: new, there already, or in
//! contradiction to an earlier row.
//!
//! Every stream has an identity. A row whose identity is unknown is new; one
//! whose identity and content are known is a duplicate and counted; one with a
//! known identity and other content is set aside, because nobody can tell which
//! of the two is right, and the first that came stays. Rows of one batch are
//! compared with each other as if they had come in different ones. A sample that
//! was dropped is known, too, but another of its series and instant is new. Accounts are
//! different: the later one is the truth.

mod accounts;
mod events;
mod falls;
mod samples;

use cloudtally_model::Instant;
use cloudtally_store::{IngestRun, QuarantinedRow, StoreError};

pub(crate) use self::{
    accounts::AccountKeeper, events::EventKeeper, falls::falls, samples::SampleKeeper,
};
use crate::{
    decode::Decode,
    table::{Cell, Column, Row},
    value::{RawValue, Reason, Shown},
};

/// The verdict on a row that is not new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Duplicate,
    /// A duplicate under another name: the first name stays.
    Renamed,
    Conflict(Reason),
}

/// The verdicts on rows: each is new or known.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// The numbers of the new rows, in any order.
    pub(crate) new: Vec<u32>,
    /// The others, by their numbers.
    pub(crate) known: Vec<(u32, Known)>,
}

/// Knows what the lake holds of one stream of one source, and adds to it.
pub(crate) trait Keeper<T: Decode> {
    /// A verdict on each row. New rows must be appended before the next call.
    fn judge(&mut self, rows: &T::Table) -> Result<Verdicts, StoreError>;

    /// Stores the new rows of a table, the quarantine and the run's numbers in one step.
    fn append(
        &mut self,
        rows: (&T::Table, Vec<u32>),
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError>;

    /// Stores the run's numbers.
    fn note(&mut self, run: &mut IngestRun) -> Result<(), StoreError> {
        self.append((&T::Table::default(), Vec::new()), &[], run)
    }
}

/// The verdict on a row of days whose rows are pruned: nothing could say what it changes.
fn too_old(before: Instant) -> Known {
    Known::Conflict(format!(
        "events before {before} are pruned and their days are closed; what is open then can be sent with that instant"
    ))
}

/// The verdict on an event whose id one has that is pruned, of another day.
fn another_pruned(before: Instant) -> Known {
    Known::Conflict(format!("an event of this id before {before} was there, and is pruned"))
}

/// The first column in which two rows differ:
/// ``another `size`: `1` was stored, `2` comes now``; `None` if they are one row.
fn difference<T: Row>(first: &T, now: &T) -> Option<String> {
    if first == now {
        return None;
    }
    let differs = |column: &&Column<T>| (column.cell)(first) != (column.cell)(now);
    let mut different = T::columns().iter().filter(differs).peekable();
    if different.peek().is_none() {
        return Some("other content".to_owned());
    }
    let column = different.find(|column| now.counts(column))?;
    Some(format!(
        "another `{}`: {} was stored, {} comes now",
        column.name,
        show((column.cell)(first)),
        show((column.cell)(now))
    ))
}

fn show(cell: Cell<'_>) -> String {
    match cell {
        Cell::Absent => "nothing".to_owned(),
        cell => Shown(RawValue::Text(cell.to_string().as_bytes())).to_string(),
    }
}
