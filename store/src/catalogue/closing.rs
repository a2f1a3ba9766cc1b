//! Closed days, and what became of them after they were closed.
//!
//! A closed period is served as it was when it was closed, for good. What late events make
//! of it is kept as further generations, of which the last is its *restated* one. The first
//! open period carries the difference, as adjustments among its records; `adjustment` says
//! between which generations.

use cloudtally_model::{Calendar, Instant, Millis, Period};

use super::{LakeFile, PublishedPeriod, Snapshot};

/// A closing: the periods that end by an instant are never published again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// End of the last closed day.
    pub through: Instant,
    /// Wall time, milliseconds since 1970.
    pub closed_ms: i64,
    /// The name of who closed it.
    pub by: String,
    /// The reason given, if there was one.
    pub reason: Option<String>,
}

impl Closing {
    /// Tells for people which days are closed, by whom, when and why.
    pub fn told(&self, calendar: Calendar) -> String {
        let day = calendar.date_of(self.through - Millis::SECOND);
        let at = Instant::from_millis(self.closed_ms);
        let reason = self.reason.as_deref().map(|reason| format!(": {reason}"));
        format!(
            "the days through {day} were closed by {} at {at}{}",
            self.by,
            reason.unwrap_or_default()
        )
    }
}

/// The records of a closed period by what has become known since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restated {
    /// Their generation; never served.
    pub generation: u32,
    /// The records.
    pub records: LakeFile,
}

/// A period carries adjustments for a closed one: what the later generation of that has and
/// the earlier has not. They may add up to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// Start of the period that carries them.
    pub start: Instant,
    /// Start of the closed period.
    pub corrects: Instant,
    /// The earlier generation of the closed period.
    pub from: u32,
    /// The later one.
    pub to: u32,
}

impl PublishedPeriod {
    /// The generation by what is known now.
    pub fn restated_generation(&self) -> u32 {
        self.restated.as_ref().map_or(self.generation, |restated| restated.generation)
    }

    /// The records by what is known now.
    pub fn restated_records(&self) -> &LakeFile {
        self.restated.as_ref().map_or(&self.records, |restated| &restated.records)
    }
}

impl Snapshot {
    /// The last closing.
    pub fn closing(&self) -> Option<&Closing> {
        self.closings.last()
    }

    /// End of the last closed period; before all time if none is.
    pub fn closed_through(&self) -> Instant {
        self.closing().map_or(Instant::from_millis(i64::MIN), |closing| closing.through)
    }

    /// Tells whether a period is closed.
    pub fn is_closed(&self, period: Period) -> bool {
        period.end <= self.closed_through()
    }

    /// The closing that closed a period: the first that reaches its end.
    pub fn closing_of(&self, period: Period) -> Option<&Closing> {
        self.closings.iter().find(|closing| period.end <= closing.through)
    }

    /// The generation of a closed period up to which its differences stand in closed periods:
    /// those behind it belong into the first open one.
    pub fn settled_generation(&self, known: &PublishedPeriod) -> u32 {
        let through = self.closed_through();
        let of_it = |of: &&Adjustment| of.corrects == known.period.start && of.start < through;
        let last = self.adjustments.iter().rev().find(of_it);
        last.map_or(known.generation, |adjustment| adjustment.to)
    }

    /// The generation of a closed period up to which its differences stand anywhere.
    fn carried_generation(&self, known: &PublishedPeriod) -> u32 {
        let last = self.adjustments.iter().rev().find(|of| of.corrects == known.period.start);
        last.map_or(known.generation, |adjustment| adjustment.to)
    }

    /// Lists the closed periods whose difference the first open one does not carry yet.
    pub fn owed(&self) -> impl Iterator<Item = &PublishedPeriod> {
        let closed = self.periods.iter().take_while(|known| self.is_closed(known.period));
        closed.filter(|known| {
            known.restated.is_some()
                && known.restated_generation() != self.carried_generation(known)
        })
    }
}
