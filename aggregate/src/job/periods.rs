//! The state of each period, for people who ask what is final.

use cloudtally_model::{Calendar, Instant, Period};
use cloudtally_store::{Closing, Snapshot, Store, StoreError};

use super::plan::{over, stale, unpublished};

/// The state of a period that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodState {
    /// Published; late events may change it.
    Open,
    /// Published, and the next run publishes it again.
    Stale,
    /// Not published yet: a source is not complete, or the job has not run.
    Waiting,
    /// Published for good.
    Closed,
}

impl PeriodState {
    /// As people and programs read it.
    pub fn as_name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Stale => "stale",
            Self::Waiting => "waiting",
            Self::Closed => "closed",
        }
    }
}

/// A period, or periods in a row of one state without records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodRow {
    /// From the start of the first to the end of the last.
    pub extent: Period,
    /// The number of periods.
    pub periods: u64,
    /// Their state.
    pub state: PeriodState,
    /// The generation that is served; `None` if none is published.
    pub generation: Option<u32>,
    /// The generation that a closed one is restated as, if it differs.
    pub restated: Option<u32>,
    /// The records that are served.
    pub records: u64,
    /// True of a closed one if late events wait to become adjustments.
    pub waits: bool,
    /// The starts of the closed periods that it carries adjustments for.
    pub corrects: Vec<Instant>,
    /// The closing that closed it.
    pub closing: Option<Closing>,
}

/// Lists the periods that are over by `now` and lie in a window, in order; empty ones in a
/// row are one.
pub fn periods(store: &Store, now: Instant, window: Period) -> Result<Vec<PeriodRow>, StoreError> {
    let (snapshot, calendar) = (store.snapshot()?, store.calendar()?);
    let states = States { snapshot: &snapshot, calendar, stale: stale(&snapshot, calendar) };
    let mut rows: Vec<PeriodRow> = Vec::new();
    for known in &snapshot.periods {
        let of_it = snapshot.adjustments.iter().filter(|of| of.start == known.period.start);
        rows.push(PeriodRow {
            generation: Some(known.generation),
            restated: known.restated.as_ref().map(|restated| restated.generation),
            records: known.rows,
            corrects: of_it.map(|adjustment| adjustment.corrects).collect(),
            ..states.row(known.period, true)
        });
    }
    for empty in &snapshot.stretches {
        let parts = states.parts(empty.extent).into_iter();
        rows.extend(parts.map(|part| PeriodRow { generation: Some(1), ..states.row(part, true) }));
    }
    if let Some(earliest) = snapshot.earliest() {
        for gap in unpublished(&snapshot, over(calendar, earliest, now)) {
            rows.extend(states.parts(gap).into_iter().map(|part| states.row(part, false)));
        }
    }
    rows.retain(|row| row.extent.start < window.end && window.start < row.extent.end);
    rows.sort_unstable_by_key(|row| row.extent);
    Ok(rows)
}

/// The facts that the state of a period follows from.
struct States<'a> {
    snapshot: &'a Snapshot,
    calendar: Calendar,
    stale: Vec<Period>,
}

impl States<'_> {
    fn row(&self, extent: Period, is_published: bool) -> PeriodRow {
        let is_stale = self.stale.iter().any(|stale| stale.contains(extent.start));
        let is_closed = self.snapshot.is_closed(extent);
        PeriodRow {
            extent,
            periods: self.calendar.count(extent),
            state: match (is_closed, is_published, is_stale) {
                (true, ..) => PeriodState::Closed,
                (_, false, _) => PeriodState::Waiting,
                (_, _, true) => PeriodState::Stale,
                _ => PeriodState::Open,
            },
            generation: None,
            restated: None,
            records: 0,
            waits: is_closed && (is_stale || !is_published),
            corrects: Vec::new(),
            closing: self.snapshot.closing_of(extent).filter(|_| is_closed).cloned(),
        }
    }

    /// An extent in parts that have one state each.
    fn parts(&self, extent: Period) -> Vec<Period> {
        let closings = self.snapshot.closings.iter().map(|closing| closing.through);
        let stale = self.stale.iter().flat_map(|stale| [stale.start, stale.end]);
        let inside = |at: &Instant| extent.start < *at && *at < extent.end;
        let mut cuts: Vec<Instant> = closings.chain(stale).filter(inside).collect();
        cuts.extend([extent.start, extent.end]);
        cuts.sort_unstable();
        cuts.dedup();
        cuts.windows(2).map(|pair| Period { start: pair[0], end: pair[1] }).collect()
    }
}
