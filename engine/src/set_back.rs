//! A cloud that lived ahead of time, set back.
//!
//! The machine's clock was wrong, and the cloud took it for right: resources were made, used
//! and removed at moments that have not come. What is dated after the instant to go back to
//! gets that instant. What is due keeps the time it has left to wait. Ids stay given.

use cloudtally_model::{
    Instant, Millis,
    port::{ChangeSet, Kept, LedgerEntry, Row, Value},
};

use crate::{cloud::CLOCK_MS, col};

/// The changes that set a cloud back, and how much they change.
#[derive(Clone, Debug)]
pub struct SetBack {
    /// Changes for the journal to keep.
    pub changes: ChangeSet,
    /// Resources with dates that change, those included that are only due later.
    pub resources: usize,
    /// Entries of the ledger with instants that change.
    pub entries: usize,
}

/// Sets back what a journal has kept to an instant. Its clock shows `clock` afterwards,
/// which is `to` or little more: the bytes that were counted ahead have the instants behind
/// `to`, as their samples have.
///
/// # Panics
/// If nothing says how far the cloud has lived: a mistake of whoever calls.
pub fn set_back(kept: &Kept, to: Instant, clock: Instant) -> SetBack {
    let lived = kept.numbers.iter().find(|(name, _)| name == CLOCK_MS);
    let (_, lived) = lived.expect("a cloud that lived has a clock");
    let ahead = Instant::from_millis(*lived).since(to);
    let mut changes = ChangeSet::default();
    for row in &kept.rows {
        let back = resource(row, to, ahead);
        if back != *row {
            changes.rows.push(back);
        }
    }
    for entry in &kept.ledger {
        let back = ledger_entry(entry, to);
        if back != *entry {
            changes.ledger.push(back);
        }
    }
    changes.numbers.push((CLOCK_MS, clock.as_millis()));
    SetBack { resources: changes.rows.len(), entries: changes.ledger.len(), changes }
}

fn resource(row: &Row, to: Instant, ahead: Millis) -> Row {
    let mut back = row.clone();
    back.created = row.created.min(to);
    back.removed = row.removed.map(|removed| removed.min(to));
    for (name, value) in &mut back.values {
        match value {
            // It waits as long as it would have waited.
            Value::Time(due) if name == col::DUE.name() && *due > to => {
                *due = to.max(*due - ahead);
            }
            value => date(value, to),
        }
    }
    back
}

fn date(value: &mut Value, to: Instant) {
    match value {
        Value::Time(at) => *at = to.min(*at),
        Value::List(values) => values.iter_mut().for_each(|value| date(value, to)),
        _ => {}
    }
}

fn ledger_entry(entry: &LedgerEntry, to: Instant) -> LedgerEntry {
    let mut back = entry.clone();
    if entry.bytes.is_some() && entry.start > to {
        // Bytes of an instant belong to the day that ends with it: these do not.
        let behind = to + Millis(1);
        (back.start, back.end) = (behind, Some(behind));
        return back;
    }
    back.start = entry.start.min(to);
    back.end = entry.end.map(|end| end.min(to));
    back
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn dates_after_the_instant_get_it_and_what_is_due_waits_as_long() {
        let row = Row {
            id: 1,
            kind: "Snapshot".into(),
            uuid: 1,
            owner: None,
            state: "".into(),
            created: at(50),
            removed: Some(at(2_000)),
            values: vec![
                ("due".into(), Value::Time(at(2_500))),
                ("since".into(), Value::Time(at(1_500))),
                ("sent".into(), Value::Time(at(60))),
            ],
        };
        let numbers = vec![(CLOCK_MS.to_owned(), 2_000)];
        let kept = Kept { rows: vec![row], numbers, ..Kept::default() };
        let SetBack { changes, resources, .. } = set_back(&kept, at(1_000), at(1_002));
        let back = &changes.rows[0];
        assert_eq!((resources, back.created, back.removed), (1, at(50), Some(at(1_000))));
        let times: Vec<_> = back.values.iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(times, [at(1_500), at(1_000), at(60)].map(Value::Time));
        assert_eq!(changes.numbers, [(CLOCK_MS, 1_002)]);
    }
}
