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

use std::collections::HashMap;

use cloudtally_model::{
    Account, AccountId, EventId, Instant, NetworkSample, SeriesKey, SourceName, UsageEvent,
};
use cloudtally_store::{IngestRun, KnownEvents, QuarantinedRow, StoreError, Writer};

use crate::{
    table::{Cell, Column, Row},
    value::{RawValue, Reason, Shown},
};

/// Samples kept in memory beyond the days of the current batch, about 150 MB.
const KNOWN_SAMPLES_MAX: usize = 1_000_000;

/// The verdict on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    New,
    Duplicate,
    Conflict(Reason),
}

/// Knows what the lake holds of one stream of one source, and adds to it.
pub(crate) trait Keeper<T> {
    /// A verdict for each row. New rows must be appended before the next call.
    fn judge(&mut self, rows: &[T]) -> Result<Vec<Verdict>, StoreError>;

    /// Stores the new rows, the quarantine and the run's numbers in one step.
    fn append(
        &mut self,
        rows: Vec<T>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError>;
}

/// Events: identity is the id.
pub(crate) struct EventKeeper<'a> {
    writer: &'a Writer,
    known: KnownEvents,
}

impl<'a> EventKeeper<'a> {
    pub(crate) fn new(writer: &'a Writer, source: &SourceName) -> Result<Self, StoreError> {
        Ok(Self { writer, known: writer.known_events(source)? })
    }
}

impl Keeper<UsageEvent> for EventKeeper<'_> {
    fn judge(&mut self, rows: &[UsageEvent]) -> Result<Vec<Verdict>, StoreError> {
        let ids: Vec<EventId> =
            rows.iter().map(|event| event.id).filter(|id| self.known.contains(*id)).collect();
        let stored = match ids.is_empty() {
            true => HashMap::new(),
            false => self.known.contents(self.writer, &distinct(ids))?,
        };
        Ok(judge_events(rows, &stored))
    }

    fn append(
        &mut self,
        rows: Vec<UsageEvent>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        self.writer.append_events(&mut self.known, rows, quarantined, run)
    }
}

fn distinct(mut ids: Vec<EventId>) -> Vec<EventId> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn judge_events(rows: &[UsageEvent], stored: &HashMap<EventId, UsageEvent>) -> Vec<Verdict> {
    let verdict = |first: &UsageEvent, event: &UsageEvent| match difference(first, event) {
        None => Verdict::Duplicate,
        Some(other) => {
            Verdict::Conflict(format!("event {} is already there with {other}", event.id))
        }
    };
    let against_stored = |event: &UsageEvent| match stored.get(&event.id) {
        Some(first) => verdict(first, event),
        None => Verdict::New,
    };
    let mut verdicts: Vec<Verdict> = rows.iter().map(against_stored).collect();
    if rows.is_sorted_by(|a, b| a.id < b.id) {
        return verdicts;
    }
    // Rows of one id side by side, in the order in which they came.
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|index| rows[*index].id);
    for same in order.chunk_by(|a, b| rows[*a].id == rows[*b].id) {
        let (first, others) = same.split_first().expect("chunks are not empty");
        if verdicts[*first] == Verdict::New {
            for other in others {
                verdicts[*other] = verdict(&rows[*first], &rows[*other]);
            }
        }
    }
    verdicts
}

/// Samples: identity is series and instant. What the lake holds is loaded by
/// UTC day, as days of the input come up.
pub(crate) struct SampleKeeper<'a> {
    writer: &'a Writer,
    source: SourceName,
    days: HashMap<i64, Day>,
    /// Samples that an operator took out: they are not taken in again.
    dropped: Vec<NetworkSample>,
    /// Number of the batch, to tell which days were used last.
    batch: u64,
}

type Counters = HashMap<(SeriesKey, Instant), (u64, u64)>;

struct Day {
    known: Counters,
    used: u64,
}

impl<'a> SampleKeeper<'a> {
    pub(crate) fn new(writer: &'a Writer, source: &SourceName) -> Result<Self, StoreError> {
        let dropped = writer.dropped_samples()?.into_iter();
        let dropped = dropped.filter(|dropped| dropped.source == *source);
        let dropped = dropped.map(|dropped| dropped.sample).collect();
        Ok(Self { writer, source: source.clone(), days: HashMap::new(), dropped, batch: 0 })
    }

    fn day(&mut self, utc_day: i64) -> Result<&mut Counters, StoreError> {
        if !self.days.contains_key(&utc_day) {
            let known = self.writer.known_samples(&self.source, utc_day)?;
            self.days.insert(utc_day, Day { known, used: 0 });
        }
        let day = self.days.get_mut(&utc_day).expect("it was loaded if it was not there");
        day.used = self.batch;
        Ok(&mut day.known)
    }

    /// Forgets the days that were not used for longest.
    fn forget(&mut self) {
        let mut samples: usize = self.days.values().map(|day| day.known.len()).sum();
        let mut by_use: Vec<(u64, i64)> =
            self.days.iter().map(|(utc_day, day)| (day.used, *utc_day)).collect();
        by_use.sort_unstable();
        // The day used last stays: the next batch most likely goes on with it.
        by_use.pop();
        for (_, utc_day) in by_use {
            if samples <= KNOWN_SAMPLES_MAX {
                break;
            }
            samples -= self.days.remove(&utc_day).map_or(0, |day| day.known.len());
        }
    }
}

impl Keeper<NetworkSample> for SampleKeeper<'_> {
    fn judge(&mut self, rows: &[NetworkSample]) -> Result<Vec<Verdict>, StoreError> {
        self.batch += 1;
        let mut verdicts = Vec::with_capacity(rows.len());
        for sample in rows {
            if self.dropped.contains(sample) {
                verdicts.push(Verdict::Duplicate);
                continue;
            }
            let known = self.day(sample.sampled.utc_day())?;
            verdicts.push(judge_sample(sample, known));
        }
        Ok(verdicts)
    }

    fn append(
        &mut self,
        rows: Vec<NetworkSample>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        self.writer.append_samples(&self.source, rows, quarantined, run)?;
        self.forget();
        Ok(())
    }
}

/// Judges one sample; if it is new it is known from now on.
fn judge_sample(sample: &NetworkSample, known: &mut Counters) -> Verdict {
    use std::collections::hash_map::Entry;
    match known.entry((sample.series.clone(), sample.sampled)) {
        Entry::Vacant(entry) => {
            entry.insert((sample.bytes_sent, sample.bytes_received));
            Verdict::New
        }
        Entry::Occupied(entry) => {
            let (bytes_sent, bytes_received) = *entry.get();
            let first = NetworkSample { bytes_sent, bytes_received, ..sample.clone() };
            match difference(&first, sample) {
                None => Verdict::Duplicate,
                Some(other) => Verdict::Conflict(format!(
                    "a sample of this series at {} is already there with {other}",
                    sample.sampled
                )),
            }
        }
    }
}

/// Accounts: identity is the id, and a different account replaces the one before.
pub(crate) struct AccountKeeper<'a> {
    writer: &'a Writer,
    source: SourceName,
    known: HashMap<AccountId, Account>,
}

impl<'a> AccountKeeper<'a> {
    pub(crate) fn new(writer: &'a Writer, source: &SourceName) -> Result<Self, StoreError> {
        let accounts = writer.accounts()?;
        let of_source = accounts.iter().filter(|(of, _)| *of == source);
        let known = of_source.map(|(_, account)| (account.id, account.clone())).collect();
        Ok(Self { writer, source: source.clone(), known })
    }
}

impl Keeper<Account> for AccountKeeper<'_> {
    fn judge(&mut self, rows: &[Account]) -> Result<Vec<Verdict>, StoreError> {
        let mut judge = |account: &Account| match self.known.get_mut(&account.id) {
            Some(known) if known == account => Verdict::Duplicate,
            Some(known) => {
                known.clone_from(account);
                Verdict::New
            }
            None => {
                self.known.insert(account.id, account.clone());
                Verdict::New
            }
        };
        Ok(rows.iter().map(&mut judge).collect())
    }

    fn append(
        &mut self,
        rows: Vec<Account>,
        quarantined: &[QuarantinedRow],
        run: &mut IngestRun,
    ) -> Result<(), StoreError> {
        self.writer.upsert_accounts(&self.source, &rows, quarantined, run)?;
        Ok(())
    }
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
