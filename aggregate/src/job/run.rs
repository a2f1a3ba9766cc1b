//! Computing the periods of a run and publishing them, window by window.

use std::collections::BTreeSet;

use chrono::Datelike;
use cloudtally_model::{Instant, Period, RecordRow, SegmentColumns, SourceId, UsageRecord};
use cloudtally_store::{EmptyStretch, Inputs, PublishedPeriod, SheetFile};
use rayon::prelude::*;

use super::{
    change::ChangeKind,
    computed::{Computed, Work},
    corrections::{Causes, Compared},
    moves::Moves,
    plan::{NetworkMode, Planned, unpublished},
    publish::bills_with_period,
    report::AggregateProgress,
    stale::{is_stale, stale_from},
    state::Run,
};
use crate::{
    AggregateError,
    network::{NetworkBill, NetworkBiller, Published},
    period::PeriodRecords,
    sheet::{ByteSums, RecomputedPeriod, Sums, recompute},
    window::FoldedWindow,
};

/// Periods a window has at most, so that no transaction is endless.
const PERIODS_MAX: usize = 512;
/// Days from one file of open segments to the next within a run of many.
const KEPT_EVERY_DAYS: i32 = 4;

impl<'a> Run<'a> {
    fn bill(&self, planned: &Planned) -> Result<NetworkBill, AggregateError> {
        let biller =
            NetworkBiller { store: self.store(), snapshot: self.snapshot, calendar: self.calendar };
        match planned.network {
            NetworkMode::Scheduled => {
                // What lies among closed periods is billed by a later run, in an open one.
                let through = self.snapshot.closed_through();
                let open = planned.spans.iter().filter_map(|span| {
                    let start = span.start.max(through);
                    (start < span.end).then_some(Period { start, end: span.end })
                });
                let new = open.flat_map(|span| unpublished(self.snapshot, span));
                biller.scheduled(&new.collect::<Vec<_>>())
            }
            NetworkMode::BackFill(published) => biller.back_fill(&planned.spans, published),
        }
    }

    /// Computes the planned periods and publishes them, if there is where.
    pub(super) fn compute(
        mut self,
        planned: &Planned,
        progress: &mut dyn FnMut(AggregateProgress),
    ) -> Result<(), AggregateError> {
        let bill = &self.bill(planned)?;
        self.causes = Causes::of(self.store(), self.snapshot, &planned.spans)?;
        self.report.folded_series = bill.folded_series();
        self.report.oversized = bill.oversized(self.sources());
        let total: u64 = planned.spans.iter().map(|span| self.calendar.count(*span)).sum();
        let mut done = 0;
        let mut told = |done| progress(AggregateProgress { done, planned: total });
        told(done);
        let closed_through = self.snapshot.closed_through();
        for span in &planned.spans {
            let (mut open, state) = self.open_before(span.start)?;
            self.state = state;
            let mut at = span.start;
            while at < span.end {
                // Closed periods are published before the first open one is computed, which
                // carries what became of them.
                let end = if at < closed_through { span.end.min(closed_through) } else { span.end };
                if at == closed_through {
                    self.carried = self.carried()?;
                }
                let carries = at == closed_through && !self.carried.closed.is_empty();
                let quiet = match open.height() {
                    0 if !carries => self.quiet_until(at, end, bill),
                    _ => at,
                };
                let (to, window) = if quiet > at {
                    (quiet, Vec::new())
                } else {
                    let periods = self.calendar.complete_periods(at, end);
                    let mut periods: Vec<Period> = periods.take(PERIODS_MAX).collect();
                    periods.truncate(self.window_length(&periods, open.height()));
                    (periods[periods.len() - 1].end, periods)
                };
                // What a scheduled bill changes elsewhere is published together with
                // the period that its records stand in: one step, or none of it.
                let has_growth = bill.into().is_some_and(|into| at <= into.start && into.end <= to);
                let elsewhere =
                    if has_growth { self.billed_elsewhere(bill) } else { BTreeSet::new() };
                let work = Work { planned, bill, has_growth, elsewhere };
                if window.is_empty() {
                    let empty = Period { start: at, end: to };
                    done += self.calendar.count(empty);
                    self.pass_over(empty, planned, bill);
                    self.take(Vec::new(), &work)?;
                } else {
                    let before = std::mem::take(&mut open);
                    let (folded, moves) = self.folder.fold_with_moves(&before, (at, to))?;
                    done += window.len() as u64;
                    let again = recompute(&before, moves, self.folder.removals, &window);
                    drop(before);
                    let computed = self.finish_window(&folded, &window, &again, &work)?;
                    self.take(computed, &work)?;
                    open = folded.segments.open_after(to);
                }
                if !bill.is_whole() {
                    self.publish()?;
                }
                at = to;
                told(done);
            }
        }
        if bill.is_whole() {
            self.hold_together();
        }
        self.publish()
    }

    /// Until when nothing can have happened, if nothing is open at `from`: the start of
    /// the first period that an event, a sample or an earlier publication may be in.
    fn quiet_until(&self, from: Instant, end: Instant, bill: &NetworkBill) -> Instant {
        let event = self.folder.next_event(from);
        let sample = bill.next_busy(from).map(|period| period.start);
        let known = self.published.range(from..).next().map(|(start, _)| *start);
        match event.into_iter().chain(sample).chain(known).min() {
            Some(next) if next < end => self.calendar.period_at(next).start,
            _ => end,
        }
    }

    /// Counts the next periods that fit one window.
    ///
    /// A window keeps in memory its events and its segments: those open before
    /// and those its events open, about every other one; and of periods that were published
    /// before, the records of bytes, which are a part of their rows.
    fn window_length(&self, periods: &[Period], open: usize) -> usize {
        let from = periods[0].start;
        let fits = |length: usize| {
            let events = self.folder.events_at_most(from, periods[length - 1].end);
            let segments = (open as u64).saturating_add(events / 2);
            let end = periods[length - 1].end;
            let published: u64 = self.published.range(from..end).map(|(_, known)| known.rows).sum();
            events <= self.limits.events
                && segments <= self.limits.segments
                && published <= self.limits.segments.saturating_mul(4)
        };
        (2..=periods.len()).take_while(|&length| fits(length)).last().unwrap_or(1)
    }

    /// The segments open at `start` of a period: those of the latest published period
    /// before it that nothing late has touched, replayed up to it. With them the file that
    /// they were read from.
    fn open_before(
        &self,
        start: Instant,
    ) -> Result<(SegmentColumns, Option<SheetFile>), AggregateError> {
        let mut file = None;
        let state = self
            .published
            .values()
            .rev()
            .filter(|known| known.period.end <= start && known.segments.is_some())
            .find(|known| !is_stale(self.snapshot, known));
        let empty = self.empty_before(start);
        let (mut open, mut from) = match state {
            _ if empty > state.map(|known| known.period.end) => {
                (SegmentColumns::default(), empty.unwrap_or(start))
            }
            Some(known) => {
                file = known.segments.as_ref().map(|segments| SheetFile {
                    path: segments.path.clone(),
                    sha256: segments.sha256.clone(),
                });
                (self.store().open_columns(known, self.sources())?, known.period.end)
            }
            None => {
                let earliest = self.snapshot.earliest().unwrap_or(Instant::EPOCH);
                (SegmentColumns::default(), self.calendar.period_at(earliest).start)
            }
        };
        // Replayed a period or more at a time, to bound memory.
        while from < start {
            if open.height() == 0 {
                // Nothing happens until the next event.
                let next = self.folder.next_event(from).map_or(start, |at| at.min(start));
                from = self.calendar.period_at(next).start.max(from);
            }
            let mut to = self.calendar.period_at(from).end.min(start);
            if self.folder.events_at_most(from, start) <= self.limits.events {
                to = start;
            }
            while to < start {
                let further = self.calendar.period_at(to).end.min(start);
                if self.folder.events_at_most(from, further) > self.limits.events {
                    break;
                }
                to = further;
            }
            open = self.folder.fold(&open, (from, to))?.segments.open_after(to);
            from = to;
        }
        Ok((open, file))
    }

    /// The latest instant up to `start` at which nothing was open, by what is published
    /// as empty and not touched since.
    fn empty_before(&self, start: Instant) -> Option<Instant> {
        let until = |empty: &EmptyStretch| {
            let late = stale_from(self.snapshot, empty.extent, &empty.inputs);
            let late = late.map(|at| self.calendar.period_at(at).start);
            let until = late.map_or(empty.extent.end, |late| late.min(empty.extent.end)).min(start);
            (until > empty.extent.start).then_some(until)
        };
        self.snapshot.stretches.iter().rev().find_map(until)
    }

    /// Computes the periods of a window and encodes them to temporary files, side by side, and
    /// holds each against its second computation.
    fn finish_window(
        &self,
        folded: &FoldedWindow,
        window: &[Period],
        again: &[RecomputedPeriod],
        work: &Work<'_>,
    ) -> Result<Vec<Computed>, AggregateError> {
        let finished = window.par_iter().zip(again).map(|(period, again)| {
            let mut computed = self.finish_period(folded, *period, work)?;
            self.add_sheet(&mut computed, again)?;
            Ok(computed)
        });
        finished.collect()
    }

    fn finish_period(
        &self,
        folded: &FoldedWindow,
        period: Period,
        work: &Work<'_>,
    ) -> Result<Computed, AggregateError> {
        let Work { planned, bill, .. } = *work;
        let known = self.published.get(&period.start).copied();
        let is_closed = self.snapshot.is_closed(period);
        let is_first_open = period.start == self.snapshot.closed_through();
        let short = self.left_out(known, planned)?;
        let (bytes, counted) = self.byte_records(known, period, planned, bill)?;
        let is_left_out = |source| short.contains(&source);
        let mut records = PeriodRecords::new(&folded.segments, period, &is_left_out, bytes);
        let left_out = records.leaves_out();
        let mut sums = Sums::of(period, &records, &folded.segments, &short);
        sums.add_bytes(&counted);
        let empty = self.snapshot.stretch_at(period.start);
        let seen = known.map(|known| known.inputs).or(empty.map(|empty| empty.inputs));
        let samples_seq = match bill.samples_seq(period) {
            Some(seq) if bills_with_period(period, planned, bill) => seq,
            _ => seen.and_then(|seen| seen.samples_seq),
        };
        let mut inputs = Inputs { samples_seq, ..self.inputs() };
        if let Some(known) = known.filter(|_| left_out) {
            // It has not seen what it leaves out, and is looked at again by the next run.
            inputs.events_seq = known.inputs.events_seq;
            inputs.accounts_seq = known.inputs.accounts_seq;
        }
        let mut carries = is_first_open.then_some(&self.carried);
        let is_new = known.is_none() && empty.is_none();
        let mut held = Vec::new();
        if let Some(carried) = carries.filter(|_| is_new) {
            held = self.held(period, &Moves::of_adjustments(period, &carried.records), &sums)?;
            // The period itself moves nothing, and is published without them.
            carries = carries.filter(|_| held.is_empty());
        }
        if let Some(carried) = carries {
            // What was used in other periods is not of this one's sheet.
            records = records.with_adjustments(carried.records.clone());
        }
        let height = records.count();
        let Compared { change, moves, corrections } = match (known, empty) {
            (Some(known), _) => self.compare(known, &records)?,
            (None, Some(empty)) => self.compare_with_nothing(empty.inputs, period, &records)?,
            (None, None) => self.compare_unknown(period, height),
        };
        if !is_closed && !is_new {
            held = self.held(period, &moves, &sums)?;
        }
        let is_held = !is_new && !held.is_empty();
        if let Some(seen) = seen.filter(|_| is_held) {
            // It has not seen what would move it, and is looked at again by the next run.
            inputs.events_seq = seen.events_seq;
            inputs.accounts_seq = seen.accounts_seq;
        }
        let anomalies = self.anomalies(folded, period);
        // Whatever is open at its end was used in it, and has a record.
        let carries = carries.map(|carried| carried.closed.clone());
        let is_quiet = anomalies.is_empty() && bill.is_quiet(period);
        let carries_nothing = carries.as_ref().is_none_or(Vec::is_empty);
        let is_empty = known.is_none() && height == 0 && is_quiet && carries_nothing;
        let is_restated = is_closed && change.kind == ChangeKind::Replaced;
        let owed = is_restated.then(|| self.owed_by(period, known, &records)).transpose()?;
        let mut computed = Computed {
            period,
            staged: None,
            keeps_open: !is_empty && self.keeps_open(known, period, &planned.spans),
            anomalies,
            is_empty,
            height,
            inputs,
            change,
            corrections,
            left_out,
            sums,
            recounted: bill.recounted(period),
            short,
            is_closed,
            owed,
            carries,
            held,
            is_held,
        };
        computed.staged = self.stage(&computed, &records, &folded.segments, work)?;
        computed.corrections = None;
        Ok(computed)
    }

    /// Tells whether the segments open at the end of a period are kept: at the end of every
    /// [`KEPT_EVERY_DAYS`]th day, of what the run publishes last, and where they were
    /// before. Between those they are found again from the events of a few days, which is
    /// much less than as many rows as there are records, every day.
    fn keeps_open(
        &self,
        known: Option<&PublishedPeriod>,
        period: Period,
        spans: &[Period],
    ) -> bool {
        let date = self.calendar.date_of(period.start);
        let ends_a_day = date != self.calendar.date_of(period.end);
        let is_kept_day = date.num_days_from_ce() % KEPT_EVERY_DAYS == 0;
        let is_last = spans.iter().any(|span| span.end == period.end);
        let was_kept = known.is_some_and(|known| known.segments.is_some());
        ends_a_day && (is_kept_day || is_last || was_kept)
    }

    /// The records of bytes of a period, sorted, and what their sums must be by the counters
    /// they were made of.
    fn byte_records(
        &self,
        known: Option<&PublishedPeriod>,
        period: Period,
        planned: &Planned,
        bill: &NetworkBill,
    ) -> Result<(Vec<UsageRecord>, ByteSums), AggregateError> {
        let mut records = match known {
            Some(known) => self.store().read_byte_records(known, self.sources())?,
            None => Vec::new(),
        };
        let recomputes = match planned.network {
            _ if self.snapshot.is_closed(period) => false,
            NetworkMode::BackFill(Published::Recompute) => true,
            NetworkMode::BackFill(Published::Keep) | NetworkMode::Scheduled => known.is_none(),
        };
        if recomputes {
            // A folded record is a unit: a rebuild reproduces it.
            records.retain(|record| record.is_folded(period));
        }
        let mut counted = if recomputes { bill.bytes(period) } else { ByteSums::new() };
        for kept in &records {
            *counted.entry((kept.source, kept.usage_type)).or_default() +=
                u128::from(kept.quantity.unsigned_abs());
        }
        if recomputes {
            records.extend(bill.records(period));
            records.sort_unstable();
        }
        Ok((records, counted))
    }

    /// The sources that are short of a published period, unless it bills their use
    /// already: that is left out of it, as a dump that comes late must not be billed
    /// further than what it tells.
    fn left_out(
        &self,
        known: Option<&PublishedPeriod>,
        planned: &Planned,
    ) -> Result<BTreeSet<SourceId>, AggregateError> {
        let (Some(known), NetworkMode::Scheduled) = (known, &planned.network) else {
            return Ok(BTreeSet::new());
        };
        let short = self.completeness.short(known.period.end);
        let ids = short.iter().filter_map(|short| self.sources().id(short.source.as_str()));
        let mut short: BTreeSet<SourceId> = ids.collect();
        if !short.is_empty() {
            let records = known.restated_records();
            for columns in self.store().records_of_file(records, self.sources())? {
                let of_use =
                    |row: &RecordRow<'_>| !row.usage_type.is_bytes() && row.corrects.is_none();
                for row in columns?.rows().filter(of_use) {
                    short.remove(&row.source);
                }
            }
        }
        Ok(short)
    }
}
