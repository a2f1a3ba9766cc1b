//! Through which instant sources are complete, and which periods are ready by that.
//!
//! Time that no source has told of yet must not be billed as if nothing had happened: a
//! dump of January that meets a server running in November would bill what it leaves
//! open until November. So the scheduled job publishes a period only if every source
//! with an event before its end is complete through that end, less a patience.
//! Worked example: the last event of a dump is of 31 January 22:00 and the patience is
//! a week; the day that ends on 7 February 00:00 is the last that is ready.
//!
//! Samples do not count: late ones fold into a later record.
//!
//! # Source
//! Usage rules 6, "Completeness".

use std::{collections::BTreeMap, fmt};

use cloudtally_model::{Calendar, Instant, Millis, Period, SourceName, settings};
use cloudtally_store::{Snapshot, Store, StoreError};

use super::plan::{over, stale, unpublished};

/// A source that is not complete through the end of a period, less the patience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortSource {
    /// The source.
    pub source: SourceName,
    /// Through which instant it is complete.
    pub complete_through: Instant,
    /// The time that is missing, with the patience counted in.
    pub short_by: Millis,
}

/// A period that the scheduled job does not publish yet, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingPeriod {
    /// The first that waits.
    pub period: Period,
    /// The sources it waits for, by name; at least one.
    pub sources: Vec<ShortSource>,
}

/// `source `a` is complete through 2026-01-31T22:10:00Z, short by 3 d 2 h`
impl fmt::Display for ShortSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, complete_through, short_by } = self;
        let by = span(*short_by);
        write!(f, "source `{source}` is complete through {complete_through}, short by {by}")
    }
}

impl fmt::Display for WaitingPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources: Vec<String> = self.sources.iter().map(ToString::to_string).collect();
        write!(
            f,
            "period {} waits: {}; ingest what is missing, or say that there is nothing with `cloudtally ingest events --source {} --complete-through now`",
            self.period,
            sources.join(", "),
            self.sources.first().map_or(SourceName::DEFAULT, |short| short.source.as_str())
        )
    }
}

/// A duration for people, to the minute and rounded up: `3 d 2 h 10 min`.
fn span(length: Millis) -> String {
    let minutes = length.0.div_euclid(Millis::MINUTE.0)
        + i64::from(length.0.rem_euclid(Millis::MINUTE.0) > 0);
    let parts = [(minutes / 1440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "min")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let texts: Vec<String> = parts.map(|(count, unit)| format!("{count} {unit}")).collect();
    if texts.is_empty() { "0 min".to_owned() } else { texts.join(" ") }
}

/// Through which instant each source with events is complete.
pub(crate) struct Completeness {
    sources: Vec<Known>,
    /// `None` never waits.
    patience: Option<Millis>,
}

/// The state of one source.
struct Known {
    name: SourceName,
    first_event: Instant,
    through: Instant,
}

impl Completeness {
    /// As a folder has it at `now`, which is the clock of its own cloud.
    pub(crate) fn of(store: &Store, snapshot: &Snapshot, now: Instant) -> Result<Self, StoreError> {
        let mut known: BTreeMap<&SourceName, (Instant, Instant)> = BTreeMap::new();
        for file in &snapshot.event_files {
            let (first, last) = (file.first_created, file.last_created);
            let entry = known.entry(&file.source).or_insert((first, last));
            *entry = (entry.0.min(first), entry.1.max(last));
        }
        let said = |name: &SourceName| {
            let of = snapshot.complete_through.iter().find(|(source, _)| source == name);
            // Our own cloud tells everything as it happens.
            let own = (name.as_str() == SourceName::PLATFORM).then_some(now);
            of.map(|(_, through)| *through).max(own)
        };
        let sources = known.into_iter().map(|(name, (first_event, last))| {
            let through = said(name).map_or(last, |said| said.max(last));
            Known { name: name.clone(), first_event, through }
        });
        let hours: i64 = store.setting(settings::SOURCE_PATIENCE)?.parse().unwrap_or(0);
        let patience = (hours >= 0).then(|| Millis(hours.saturating_mul(Millis::HOUR.0)));
        Ok(Self { sources: sources.collect(), patience })
    }

    /// The sources that a period which ends at `end` waits for.
    pub(crate) fn short(&self, end: Instant) -> Vec<ShortSource> {
        let Some(patience) = self.patience else { return Vec::new() };
        let short = |known: &Known| {
            let short_by = Millis(end.since(known.through).0 - patience.0);
            (known.first_event < end && short_by > Millis(0)).then(|| ShortSource {
                source: known.name.clone(),
                complete_through: known.through,
                short_by,
            })
        };
        self.sources.iter().filter_map(short).collect()
    }

    /// The end of what is ready: a period is if it ends by then.
    pub(super) fn ready_until(&self) -> Instant {
        let Some(patience) = self.patience else { return Instant::END_OF_TIME };
        let until = self.sources.iter().map(|known| known.through + patience);
        until.min().unwrap_or(Instant::END_OF_TIME)
    }

    /// The first period that is over by `now` and waits for a source.
    pub(super) fn waiting(
        &self,
        snapshot: &Snapshot,
        calendar: Calendar,
        now: Instant,
    ) -> Option<WaitingPeriod> {
        let ready_until = self.ready_until();
        if ready_until >= now {
            return None;
        }
        // Nothing is billed before the first event.
        let from = ready_until.max(snapshot.earliest()?);
        let over = over(calendar, from, now);
        let waiting = unpublished(snapshot, over).into_iter().chain(stale(snapshot, calendar));
        let start = waiting.filter(|span| span.end > ready_until).map(|span| span.start).min()?;
        let period = calendar.period_at(start.max(over.start));
        if period.end > now {
            return None;
        }
        Some(WaitingPeriod { period, sources: self.short(period.end) })
    }
}

/// The first period that is over by `now` and that the scheduled job does not publish
/// because a source is not complete.
pub fn waiting_period(
    store: &Store,
    snapshot: &Snapshot,
    now: Instant,
) -> Result<Option<WaitingPeriod>, StoreError> {
    let completeness = Completeness::of(store, snapshot, now)?;
    Ok(completeness.waiting(snapshot, store.calendar()?, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_rounded_up_to_the_minute() {
        for (millis, expected) in [
            (1, "1 min"),
            (60_000, "1 min"),
            (3_600_000, "1 h"),
            (266_400_000, "3 d 2 h"),
            (266_401_000, "3 d 2 h 1 min"),
        ] {
            assert_eq!(span(Millis(millis)), expected);
        }
    }
}
