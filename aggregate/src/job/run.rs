//! Computing the periods of a run and publishing them, window by window.

use std::collections::BTreeSet;

use cloudtally_model::{Instant, Period, Segment, SourceId, UsageRecord};
use cloudtally_store::{EmptyStretch, Inputs, PublishedPeriod};
use rayon::prelude::*;

use super::{
    computed::{Change, ChangeKind, Computed},
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
    window::FoldedWindow,
};

/// Periods a window has at most, so that no transaction is endless.
const PERIODS_MAX: usize = 512;

impl<'a> Run<'a> {
    fn bill(&self, planned: &Planned) -> Result<NetworkBill, AggregateError> {
        let biller =
            NetworkBiller { store: self.store(), snapshot: self.snapshot, calendar: self.calendar };
        match planned.network {
            NetworkMode::Scheduled => {
                let new = planned.spans.iter().flat_map(|span| unpublished(self.snapshot, *span));
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
        self.report.folded_series = bill.folded_series();
        self.report.oversized = bill.oversized(self.sources());
        let total: u64 = planned.spans.iter().map(|span| self.calendar.count(*span)).sum();
        let mut done = 0;
        let mut told = |done| progress(AggregateProgress { done, planned: total });
        told(done);
        for span in &planned.spans {
            let mut open = self.open_before(span.start)?;
            let mut at = span.start;
            while at < span.end {
                let mut folded = None;
                let quiet = if open.is_empty() { self.quiet_until(at, span.end, bill) } else { at };
                let (to, computed) = if quiet > at {
                    let empty = Period { start: at, end: quiet };
                    done += self.calendar.count(empty);
                    self.pass_over(empty, planned, bill);
                    (quiet, Vec::new())
                } else {
                    let periods = self.calendar.complete_periods(at, span.end);
                    let periods: Vec<Period> = periods.take(PERIODS_MAX).collect();
                    let window = &periods[..self.window_length(&periods, open.len())];
                    let bounds = (at, window[window.len() - 1].end);
                    let folded =
                        folded.insert(self.folder.fold(std::mem::take(&mut open), bounds)?);
                    done += window.len() as u64;
                    (bounds.1, self.finish_window(folded, window, planned, bill)?)
                };
                // What a scheduled bill changes elsewhere is published together with
                // the period that its records stand in: one step, or none of it.
                let bills = bill.into().is_some_and(|into| at <= into.start && into.end <= to);
                self.stage(&computed, bills, planned, bill)?;
                self.count(&computed);
                if !bill.is_whole() {
                    self.publish()?;
                }
                if let Some(folded) = folded {
                    open = folded.segments.open_after(to);
                }
                at = to;
                told(done);
            }
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
    /// before it that nothing late has touched, replayed up to it.
    fn open_before(&self, start: Instant) -> Result<Vec<Segment>, AggregateError> {
        let state = self
            .published
            .values()
            .rev()
            .filter(|known| known.period.end <= start && known.segments.is_some())
            .find(|known| !is_stale(self.snapshot, known));
        let empty = self.empty_before(start);
        let (mut open, mut from) = match state {
            _ if empty > state.map(|known| known.period.end) => {
                (Vec::new(), empty.unwrap_or(start))
            }
            Some(known) => (self.store().read_open(known, self.sources())?, known.period.end),
            None => {
                let earliest = self.snapshot.earliest().unwrap_or(Instant::EPOCH);
                (Vec::new(), self.calendar.period_at(earliest).start)
            }
        };
        // Replayed a period or more at a time, to bound memory.
        while from < start {
            if open.is_empty() {
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
            open = self.folder.fold(open, (from, to))?.segments.open_after(to);
            from = to;
        }
        Ok(open)
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

    fn finish_window<'f>(
        &self,
        folded: &'f FoldedWindow,
        window: &[Period],
        planned: &Planned,
        bill: &NetworkBill,
    ) -> Result<Vec<Computed<'f>>, AggregateError> {
        let finish = |period: &Period| self.finish_period(folded, *period, planned, bill);
        window.par_iter().map(finish).collect()
    }

    fn finish_period<'f>(
        &self,
        folded: &'f FoldedWindow,
        period: Period,
        planned: &Planned,
        bill: &NetworkBill,
    ) -> Result<Computed<'f>, AggregateError> {
        let known = self.published.get(&period.start).copied();
        let records = PeriodRecords {
            period,
            segments: &folded.segments,
            left_out: self.left_out(known, planned)?,
            bytes: self.byte_records(known, period, planned, bill)?,
        };
        let left_out = records.leaves_out();
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
        let ends_a_day = self.calendar.date_of(period.start) != self.calendar.date_of(period.end);
        let (change, height) = match known {
            Some(known) => self.compare(known, &records)?,
            None => {
                let added = records.count();
                let kind = match (empty, added) {
                    (None, _) => ChangeKind::New,
                    (Some(_), 0) => ChangeKind::Unchanged,
                    (Some(_), _) => ChangeKind::Replaced,
                };
                (Change { kind, added, ..Change::default() }, added)
            }
        };
        let anomalies = self.anomalies(folded, period);
        // Whatever is open at its end was used in it, and has a record.
        let is_empty =
            known.is_none() && height == 0 && anomalies.is_empty() && bill.is_quiet(period);
        Ok(Computed {
            keeps_open: ends_a_day && !is_empty,
            anomalies,
            is_empty,
            records,
            height,
            inputs,
            change,
            left_out,
        })
    }

    /// The records of bytes of a period, sorted.
    fn byte_records(
        &self,
        known: Option<&PublishedPeriod>,
        period: Period,
        planned: &Planned,
        bill: &NetworkBill,
    ) -> Result<Vec<UsageRecord>, AggregateError> {
        let mut records = match known {
            Some(known) => self.store().read_byte_records(known, self.sources())?,
            None => Vec::new(),
        };
        let recomputes = match planned.network {
            NetworkMode::BackFill(Published::Recompute) => true,
            NetworkMode::BackFill(Published::Keep) | NetworkMode::Scheduled => known.is_none(),
        };
        if recomputes {
            // A folded record is a unit: a rebuild reproduces it.
            records.retain(|record| record.is_folded(period));
            records.extend(bill.records(period));
            records.sort_unstable();
        }
        Ok(records)
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
            for columns in self.store().record_columns(known, self.sources())? {
                for row in columns?.rows().filter(|row| !row.usage_type.is_bytes()) {
                    short.remove(&row.source);
                }
            }
        }
        Ok(short)
    }
}
