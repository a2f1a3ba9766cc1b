//! Faults on the way from a cloud to a file, at a known rate, with a note
//! of each case.
//!
//! | kind | what is done | what it must change in the bill |
//! |---|---|---|
//! | duplicate | the same row again, up to 200 rows later | nothing |
//! | late | the row stands at the end of the file, or in a second file | nothing |
//! | reordered | the row changes places with the next | nothing |
//! | lost | a closing event is left out | `billable` instead of `truth` |
//! | malformed | a line of garbage that stands for nothing | nothing |
//! | conflict | later, other content under an id already used | nothing |
//!
//! Each kind hits about the given share of all rows; a row suffers one kind at most.
//! Lost closes are drawn among the closing events alone, at a rate that comes to the
//! given share of all rows, as far as there are enough of them. A conflict always
//! stands after the row it contradicts, which is never late.

use std::collections::BTreeMap;

use crate::{dice::Dice, options::Rate};

/// A kind of mess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessKind {
    /// The same row again.
    Duplicate,
    /// Moved to the end of the file, or to a second file.
    Late,
    /// Out of order by one.
    Reordered,
    /// A closing event left out.
    Lost,
    /// An extra line that stands for nothing.
    Malformed,
    /// An extra row with other content under an id already used.
    Conflict,
}

impl MessKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Duplicate, Self::Late, Self::Reordered, Self::Lost, Self::Malformed, Self::Conflict];

    /// The kind as `mess.csv` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Reordered => "reordered",
            Self::Lost => "lost",
            Self::Malformed => "malformed",
            Self::Conflict => "conflict",
        }
    }
}

/// One thing that was done to a row or beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incident {
    pub(crate) kind: MessKind,
    /// The place of the row in the true order of the stream, from 0.
    pub(crate) ordinal: u32,
    pub(crate) detail: Detail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// At least so many rows later.
    RowsLater(usize),
    /// Stands at the end of the file.
    EndOfFile,
    /// Stands in the second file.
    SecondFile,
    /// Stands behind the row of this ordinal.
    Behind(u32),
    /// The number of the line of garbage.
    Garbage(u32),
    None,
}

/// The content of a line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The row of this ordinal.
    Row(u32),
    /// Other content under the identity of this row.
    Conflict(u32),
    /// The garbage of this number, made up after the likeness of a row.
    Garbage { number: u32, like: u32 },
}

/// The lines of a file and of the file of late rows beside it.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) main: Vec<Slot>,
    pub(crate) second: Vec<Slot>,
    pub(crate) incidents: Vec<Incident>,
}

/// Extra rows stand at most this many rows after the row they repeat.
const ROWS_LATER_MOST: u64 = 200;

/// Lays out `rows` rows, of which `is_lost` are left out.
pub(crate) fn lay_out(
    rows: u32,
    rate: Rate,
    dice: &mut Dice,
    is_lost: impl Fn(u32) -> bool,
) -> Layout {
    if rate == Rate::NONE {
        return Layout { main: (0..rows).map(Slot::Row).collect(), ..Layout::default() };
    }
    let mut layout = Layout::default();
    let mut note = |kind, ordinal, detail| {
        layout.incidents.push(Incident { kind, ordinal, detail });
    };

    // 1. The rows that stay in the body, neighbours swapped; what comes extra.
    let mut body: Vec<u32> = Vec::new();
    let mut extras: BTreeMap<usize, Vec<Slot>> = BTreeMap::new();
    let mut end = Vec::new();
    let mut swap_with: Option<u32> = None;
    let mut garbage = 0;
    for ordinal in 0..rows {
        if is_lost(ordinal) {
            note(MessKind::Lost, ordinal, Detail::None);
            continue;
        }
        let fate = dice.below(1_000_000) / u64::from(rate.millionths());
        // Behind the row's own place, the swap with its neighbour included.
        let rows_later = dice.between(2, ROWS_LATER_MOST);
        let later = usize::try_from(rows_later).expect("a small number");
        let due = body.len() + later;
        match fate {
            0 => {
                extras.entry(due).or_default().push(Slot::Row(ordinal));
                note(MessKind::Duplicate, ordinal, Detail::RowsLater(later));
            }
            1 if dice.one_in(2) => {
                end.push(Slot::Row(ordinal));
                note(MessKind::Late, ordinal, Detail::EndOfFile);
                continue;
            }
            1 => {
                layout.second.push(Slot::Row(ordinal));
                note(MessKind::Late, ordinal, Detail::SecondFile);
                continue;
            }
            2 => {
                extras.entry(due).or_default().push(Slot::Conflict(ordinal));
                note(MessKind::Conflict, ordinal, Detail::RowsLater(later));
            }
            3 => {
                let slot = Slot::Garbage { number: garbage, like: ordinal };
                extras.entry(due).or_default().push(slot);
                note(MessKind::Malformed, ordinal, Detail::Garbage(garbage));
                garbage += 1;
            }
            _ => {}
        }
        body.push(ordinal);
        if let Some(earlier) = swap_with.take() {
            let last = body.len() - 1;
            body.swap(last - 1, last);
            note(MessKind::Reordered, earlier, Detail::Behind(ordinal));
        } else if fate == 4 {
            swap_with = Some(ordinal);
        }
    }

    // 2. The body with its extras, then the late rows.
    layout.main.reserve(body.len() + end.len());
    for (index, ordinal) in body.into_iter().enumerate() {
        layout.main.push(Slot::Row(ordinal));
        layout.main.extend(extras.remove(&index).into_iter().flatten());
    }
    layout.main.extend(extras.into_values().flatten());
    layout.main.extend(end);
    layout
}

/// The closing events that are lost: `None` if none is.
pub(crate) struct Losses {
    lost: Vec<bool>,
}

impl Losses {
    /// Draws among rows, given in a fixed order with whether each closes something.
    pub(crate) fn draw(closing: impl Iterator<Item = bool>, rate: Rate, dice: &mut Dice) -> Self {
        if rate == Rate::NONE {
            return Self { lost: Vec::new() };
        }
        let mut lost: Vec<bool> = closing.collect();
        let count = |n: usize| u64::try_from(n).expect("a length fits in 64 bits");
        let rows = count(lost.len());
        let closes = count(lost.iter().filter(|closing| **closing).count()).max(1);
        let chance = u64::from(rate.millionths()) * rows / closes;
        for lost in lost.iter_mut().filter(|closing| **closing) {
            *lost = dice.below(1_000_000) < chance;
        }
        Self { lost }
    }

    pub(crate) fn contains(&self, row: u32) -> bool {
        let index = usize::try_from(row).expect("an index of rows");
        self.lost.get(index).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Subject;

    fn layout(rows: u32, millionths: u32) -> Layout {
        let rate = Rate::from_millionths(millionths).unwrap();
        let mut dice = Dice::new(7, Subject::EventMess, 0);
        lay_out(rows, rate, &mut dice, |row| row % 97 == 5)
    }

    #[test]
    fn every_row_that_is_not_lost_is_somewhere() {
        let layout = layout(10_000, 20_000);
        let rows = layout.main.iter().chain(&layout.second).filter_map(|slot| match slot {
            Slot::Row(row) => Some(*row),
            _ => None,
        });
        let mut times = vec![0; 10_000];
        rows.for_each(|row| times[usize::try_from(row).unwrap()] += 1);
        for (row, times) in (0..).zip(times) {
            let twice =
                layout.incidents.iter().any(|i| i.kind == MessKind::Duplicate && i.ordinal == row);
            let expected = if row % 97 == 5 { 0 } else { 1 + i32::from(twice) };
            assert_eq!(times, expected, "row {row}");
        }
    }

    #[test]
    fn a_conflict_stands_behind_what_it_contradicts() {
        let layout = layout(10_000, 100_000);
        let place = |wanted: Slot| layout.main.iter().position(|slot| *slot == wanted);
        let mut seen = 0;
        for incident in layout.incidents.iter().filter(|i| i.kind == MessKind::Conflict) {
            let row = place(Slot::Row(incident.ordinal));
            let conflict = place(Slot::Conflict(incident.ordinal));
            assert!(row.unwrap() < conflict.unwrap(), "{incident:?}");
            seen += 1;
        }
        assert!(seen > 500);
    }

    #[test]
    fn without_mess_the_file_is_the_stream() {
        let layout = lay_out(5, Rate::NONE, &mut Dice::new(1, Subject::EventMess, 0), |_| false);
        assert_eq!(layout.main, (0..5).map(Slot::Row).collect::<Vec<_>>());
        assert!(layout.second.is_empty() && layout.incidents.is_empty());
    }
}
