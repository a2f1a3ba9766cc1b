//! Why a record says what it says: its segments and event ids, or its samples.
//!
//! The explanation is computed again from the accepted events the period was
//! published from, by the same fold but for one resource alone, and its sum is
//! set beside the record's. The two must be equal; a difference is a finding.
//!
//! # Source
//! Usage rules 6, last point.

use std::collections::BTreeSet;

use cloudtally_model::{
    AccountId, EventId, Instant, Millis, NetworkSample, Period, RecordId, ResourceKind, Segment,
    SeriesKey, SourceId, SourceName, Sources, Unit, UsageRecord,
};
use cloudtally_store::{
    Inputs, PublishedPeriod, RecordFilter, RecordWindow, SampleFile, ServedRecord, Snapshot, Store,
    View,
};

use crate::{
    AggregateError,
    adjusted::{Adjusted, adjusted},
    job::{is_stale, removals},
    network::NetworkBiller,
    period::add_resource,
    window::{Removals, WindowFolder},
};

/// A record with everything it was made from.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The record.
    pub served: ServedRecord,
    /// The sources its rank belongs to.
    pub sources: Sources,
    /// The parts it was made from.
    pub parts: Parts,
    /// The sum of the parts, in the record's unit.
    pub sum: i64,
    /// The closed period that an adjustment corrects, or that a record stands in which is
    /// restated since: the parts are what is known of it now.
    pub adjusted: Option<Adjusted>,
    /// True if late events wait to be aggregated into the record's period, or late
    /// samples into any: then the parts may tell more than the record does.
    pub waits: bool,
}

/// The parts that a record was made from.
#[derive(Clone, Debug)]
pub enum Parts {
    /// Stretches of use, clipped to the period.
    Segments(Vec<ClippedSegment>),
    /// Differences of counters.
    Samples {
        /// The bytes of each pair of samples.
        differences: Vec<Difference>,
        /// Bytes of the same samples that stand in other records. Where samples
        /// came late, one record holds what others could not; the samples shown
        /// are then those of all periods that settle with each other.
        billed_before: u64,
    },
}

/// A segment and the part of it inside the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClippedSegment {
    /// The whole stretch.
    pub segment: Segment,
    /// Start of the part that counts.
    pub start: Instant,
    /// End of the part that counts.
    pub end: Instant,
    /// The milliseconds that it adds; 0 for storage of nothing.
    pub used_ms: u64,
}

/// The bytes between two consecutive samples of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The counter.
    pub series: SeriesKey,
    /// The earlier sample; `None` for the first of a series, its baseline.
    pub from: Option<(Instant, u64)>,
    /// The later sample.
    pub to: (Instant, u64),
    /// The bytes between them.
    pub bytes: u64,
    /// True if the counter restarted in between.
    pub restarted: bool,
}

impl Explanation {
    /// Tells whether the parts add up to the record: of a closed period, to what the record
    /// and its adjustments say together.
    pub fn adds_up(&self) -> bool {
        let record = &self.served.record;
        match &self.adjusted {
            None => self.sum == record.quantity,
            Some(of) if record.corrects.is_some() => {
                of.after - of.before == record.quantity && self.sum == of.restated
            }
            Some(of) => of.served == record.quantity && self.sum == of.restated,
        }
    }

    /// The ids of all events behind the record, in order.
    pub fn events(&self) -> Vec<EventId> {
        if let Some(adjusted) = &self.adjusted {
            return adjusted.events.clone();
        }
        self.parts.events().into_iter().collect()
    }
}

impl Parts {
    /// The ids of the events that its segments begin and end with.
    pub fn events(&self) -> BTreeSet<EventId> {
        let Self::Segments(clipped) = self else { return BTreeSet::new() };
        let segments = clipped.iter().map(|part| &part.segment);
        segments.flat_map(|s| [Some(s.opened_by), s.closed_by]).flatten().collect()
    }
}

/// Explains one record.
pub fn explain(store: &Store, id: RecordId) -> Result<Explanation, AggregateError> {
    explain_in(&store.current(), id)
}

/// Explains one record as it was at an instant, from what was known then.
pub fn explain_in(view: &View, id: RecordId) -> Result<Explanation, AggregateError> {
    explain_for(view, id, &|_, _| true)
}

/// Does the same for somebody who may see the records of some accounts: one of another
/// account is no record to him.
pub fn explain_for(
    view: &View,
    id: RecordId,
    may_see: &dyn Fn(&SourceName, AccountId) -> bool,
) -> Result<Explanation, AggregateError> {
    let snapshot = view.snapshot()?;
    let window = RecordWindow { from: id.period_start(), to: Instant::END_OF_TIME };
    let set = view.records(window, &RecordFilter::default())?;
    let is_seen = |served: &ServedRecord| {
        may_see(set.sources().name(served.record.source), served.record.account)
    };
    let served = set.find(id)?.filter(is_seen).ok_or(AggregateError::NoSuchRecord { id })?;
    let known = snapshot.periods.iter().find(|known| known.period == served.period);
    let known = known.ok_or(AggregateError::InputsNotKept { id })?;
    explain_served(view, &snapshot, known, served)
}

/// Explains a record of a period that is published in a view.
pub(crate) fn explain_served(
    view: &View,
    snapshot: &Snapshot,
    known: &PublishedPeriod,
    served: ServedRecord,
) -> Result<Explanation, AggregateError> {
    let (store, sources) = (view.store(), snapshot.sources.clone());
    // A folded record begins with its earliest sample.
    refuse_pruned(snapshot, &served, served.record.corrects.unwrap_or(served.record.start))?;
    if let Some((closed, ordinary, mut adjusted)) = adjusted(store, snapshot, known, &served)? {
        let (parts, sum, events) = segments_behind(view, snapshot, closed, &ordinary)?;
        adjusted.events = events;
        let waits = view.as_of().is_none() && is_stale(snapshot, closed);
        return Ok(Explanation { served, sources, parts, sum, adjusted: Some(adjusted), waits });
    }
    let (parts, sum) = match served.record.row().unit {
        Unit::Milliseconds => {
            let (parts, sum, _) = segments_behind(view, snapshot, known, &served)?;
            (parts, sum)
        }
        Unit::BytesSent | Unit::BytesReceived => {
            samples_behind(view, snapshot, known, &served, &sources)?
        }
    };
    let waits = match served.record.row().unit {
        // What was published once has seen what it had to see.
        _ if view.as_of().is_some() => false,
        Unit::Milliseconds => is_stale(snapshot, known),
        Unit::BytesSent | Unit::BytesReceived => {
            let calendar = store.calendar()?;
            NetworkBiller { store, snapshot, calendar }.is_unsettled()
        }
    };
    Ok(Explanation { served, sources, parts, sum, adjusted: None, waits })
}

/// Refuses what was made from rows that are pruned.
fn refuse_pruned(
    snapshot: &Snapshot,
    served: &ServedRecord,
    from: Instant,
) -> Result<(), AggregateError> {
    let Some(before) = snapshot.pruned.rows_before.filter(|before| from < *before) else {
        return Ok(());
    };
    let source = snapshot.sources.name(served.record.source);
    Err(AggregateError::Pruned { id: served.record.id(source, served.period), before })
}

/// The segments behind a record, their sum, and the events behind all use of its resource and
/// type in the period, whatever its key.
fn segments_behind(
    view: &View,
    snapshot: &Snapshot,
    known: &PublishedPeriod,
    served: &ServedRecord,
) -> Result<(Parts, i64, Vec<EventId>), AggregateError> {
    let store = view.store();
    let record = &served.record;
    let row = record.row();
    let key = (record.source, row.kind, record.resource);
    // What lies open at the end of an earlier period is a beginning if all that the record's
    // generation had seen, and nothing else, is in it. Files of today say what that is, also
    // of an instant of the past.
    let today = view.as_of().map(|_| store.snapshot()).transpose()?;
    let today = today.as_ref().unwrap_or(snapshot);
    let state = today.periods.iter().rev().find(|before| {
        before.period.end <= known.period.start
            && before.segments.is_some()
            && know_the_same(today, before.period.end, [&before.inputs, &known.inputs])
    });
    let (open, from) = match state {
        Some(state) => {
            let of_resource = |s: &Segment| is_of(s, record, row.kind);
            let open = store.read_open_of(state, &snapshot.sources, record.resource)?;
            (open.into_iter().filter(of_resource).collect(), state.period.end)
        }
        None => (Vec::new(), snapshot.earliest().unwrap_or(Instant::EPOCH)),
    };
    let removals = removals_seen(snapshot, store, known.inputs.accounts_seq)?;
    let folder = WindowFolder::new(store, snapshot, &removals, known.inputs.events_seq);
    let (segments, _) = folder.fold_resource(open, (from, known.period.end), key)?;
    let (mut clipped, mut events) = (Vec::new(), Vec::new());
    let mut sum = 0;
    for segment in segments {
        if segment.usage_type == record.usage_type && segment.clip(known.period).is_some() {
            events.extend([Some(segment.opened_by), segment.closed_by].into_iter().flatten());
        }
        // A segment belongs to the record that it alone would make.
        let mut alone = [Vec::new()];
        add_resource(std::slice::from_ref(&segment), &[known.period], &mut alone);
        let ours = alone[0].first().filter(|r| same_record(r, served, known.period, snapshot));
        if let (Some(ours), Some((start, end))) = (ours, segment.clip(known.period)) {
            sum += ours.quantity;
            let used_ms = ours.quantity.unsigned_abs();
            clipped.push(ClippedSegment { segment, start, end, used_ms });
        }
    }
    events.sort_unstable();
    events.dedup();
    Ok((Parts::Segments(clipped), sum, events))
}

/// Tells whether two inputs hold the same events and removals before an instant.
fn know_the_same(snapshot: &Snapshot, before: Instant, [a, b]: [&Inputs; 2]) -> bool {
    let between = |seq: u64, a: u64, b: u64| a.min(b) < seq && seq <= a.max(b);
    let events = snapshot
        .event_files
        .iter()
        .any(|file| between(file.seq, a.events_seq, b.events_seq) && file.first_created < before);
    let removals = snapshot.account_removals.iter().any(|removal| {
        let mut instants = removal.before.into_iter().chain(removal.after);
        between(removal.seq, a.accounts_seq, b.accounts_seq) && instants.any(|at| at < before)
    });
    !events && !removals
}

/// The removals of accounts that were known with the change number `seq`.
fn removals_seen(snapshot: &Snapshot, store: &Store, seq: u64) -> Result<Removals, AggregateError> {
    let mut removals = removals(snapshot, store)?;
    for later in snapshot.account_removals.iter().rev().take_while(|removal| removal.seq > seq) {
        let Some(source) = snapshot.sources.id(later.source.as_str()) else { continue };
        match later.before {
            Some(before) => removals.insert((source, later.account), before),
            None => removals.remove(&(source, later.account)),
        };
    }
    Ok(removals)
}

fn is_of(segment: &Segment, record: &UsageRecord, kind: ResourceKind) -> bool {
    segment.source == record.source
        && segment.resource == record.resource
        && cloudtally_model::usage_type(segment.usage_type).is_some_and(|row| row.kind == kind)
}

fn same_record(
    record: &UsageRecord,
    served: &ServedRecord,
    period: Period,
    snapshot: &Snapshot,
) -> bool {
    let source = snapshot.sources.name(record.source);
    record.id(source, period) == served.record.id(source, period)
}

/// The number of times that a span is widened by a single period.
const NEAR_WIDENINGS: u32 = 8;

/// Differences of counters that settle with the record.
///
/// An ordinary record is the sum of its period's differences. Late samples break
/// that: their bytes stand in a later record, which starts at the earliest of
/// them. So the span is widened until the differences of its samples equal the
/// records of its periods; the record is what the other records leave of them.
fn samples_behind(
    view: &View,
    snapshot: &Snapshot,
    known: &PublishedPeriod,
    served: &ServedRecord,
    sources: &Sources,
) -> Result<(Parts, i64), AggregateError> {
    let record = &served.record;
    let periods = &snapshot.periods;
    let here = periods.partition_point(|p| p.period.start < known.period.start);
    // A folded record begins with the period of its earliest sample.
    let begin =
        |start: Instant, at: usize| periods.partition_point(|p| p.period.end < start).min(at);
    let begin_of = |record: &UsageRecord, at: usize| {
        if record.is_folded(periods[at].period) { begin(record.start, at) } else { at }
    };
    let (mut first, mut last) = (begin_of(record, here), here);
    let mut samples = samples_of(view, snapshot, &periods[last], record)?;
    let mut widenings = 0u32;
    loop {
        refuse_pruned(snapshot, served, periods[first].period.start)?;
        let rows = records_like(view, record, sources, &periods[first], &periods[last])?;
        let reaches = |other: &ServedRecord| {
            let at = periods.partition_point(|p| p.period.start < other.period.start);
            begin_of(&other.record, at)
        };
        if let Some(earlier) = rows.iter().map(reaches).min().filter(|at| *at < first) {
            first = earlier;
            continue;
        }
        let differences = differences(&samples, record.row().unit, &periods[first..=last]);
        let total: u128 = differences.iter().map(|d| u128::from(d.bytes)).sum();
        let billed: u128 =
            rows.iter().map(|other| u128::from(other.record.quantity.unsigned_abs())).sum();
        let settled = total == billed;
        // By one at first, then faster: a record that nothing settles must not cost a
        // look at every span there is.
        let step = 1usize << widenings.saturating_sub(NEAR_WIDENINGS).min(16);
        widenings += 1;
        // Too much is billed where a late sample took over from one in the span.
        let before = samples.iter().map(|sample| begin(sample.sampled, first));
        let earlier = before.filter(|at| *at < first).max();
        if let (false, true, Some(earlier)) = (settled, billed > total, earlier) {
            first = earlier.min(first.saturating_sub(step));
        } else if !settled && last + 1 < periods.len() {
            last = (last + step).min(periods.len() - 1);
            samples = samples_of(view, snapshot, &periods[last], record)?;
        } else if !settled && first > 0 {
            // A run of the past has billed what was late for a period ahead of it.
            first = first.saturating_sub(step);
        } else {
            let elsewhere = billed.saturating_sub(record.quantity.unsigned_abs().into());
            let sum = i64::try_from(total.saturating_sub(elsewhere)).unwrap_or(i64::MAX);
            let billed_before = u64::try_from(elsewhere).unwrap_or(u64::MAX);
            return Ok((Parts::Samples { differences, billed_before }, sum));
        }
    }
}

/// The bytes of the samples of `periods`, each beside the sample before it.
fn differences(
    samples: &[NetworkSample],
    unit: Unit,
    periods: &[PublishedPeriod],
) -> Vec<Difference> {
    let value = |sample: &NetworkSample| match unit {
        Unit::BytesSent => sample.bytes_sent,
        _ => sample.bytes_received,
    };
    // A sample on a boundary belongs to the period that ends there.
    let is_inside = |at: Instant| {
        let index = periods.partition_point(|p| p.period.end < at);
        periods.get(index).is_some_and(|p| p.period.start < at)
    };
    let mut differences = Vec::new();
    for series in samples.chunk_by(|a, b| a.series == b.series) {
        let mut previous: Option<(Instant, u64)> = None;
        for sample in series {
            let now = value(sample);
            if is_inside(sample.sampled) {
                let restarted =
                    previous.is_some_and(|(_, before)| now < before || sample.restarted);
                let bytes = match previous {
                    None => 0,
                    Some(_) if restarted => now,
                    Some((_, before)) => now - before,
                };
                let (series, to) = (sample.series.clone(), (sample.sampled, now));
                differences.push(Difference { series, from: previous, to, bytes, restarted });
            }
            previous = Some((sample.sampled, now));
        }
    }
    differences
}

/// The readings that the counters kept of some series where rows are pruned: of those that
/// are left, the ones before them are gone.
fn said_before(
    view: &View,
    snapshot: &Snapshot,
    is_wanted: &dyn Fn(&NetworkSample) -> bool,
    source: SourceId,
) -> Result<Vec<NetworkSample>, AggregateError> {
    let Some(before) = snapshot.pruned.rows_before else { return Ok(Vec::new()) };
    let (store, calendar) = (view.store(), view.store().calendar()?);
    let (_, said) = NetworkBiller { store, snapshot, calendar }.said_before(before)?;
    let said = said.into_iter().filter(|counter| counter.source == source);
    let said = said.map(|counter| NetworkSample {
        sampled: counter.last_sampled,
        series: counter.series,
        bytes_sent: counter.last_sent,
        bytes_received: counter.last_received,
        restarted: false,
    });
    Ok(said.filter(is_wanted).collect())
}

/// Accepted samples of the record's series up to the end of a period, by series
/// and time, as far as the periods they belong to have seen them.
fn samples_of(
    view: &View,
    snapshot: &Snapshot,
    last: &PublishedPeriod,
    record: &UsageRecord,
) -> Result<Vec<NetworkSample>, AggregateError> {
    let source = snapshot.sources.name(record.source);
    let device_type = record.resource_type.as_deref().unwrap_or("");
    let of_record = |sample: &NetworkSample| {
        let series = &sample.series;
        series.account == record.account
            && series.zone == record.zone
            && series.device == record.resource.0
            && series.network == record.network
            && series.device_type.as_name() == device_type
    };
    // Of a period whose bytes are billed in part, what is there is meant, or was there.
    let there = match view.as_of() {
        None => u64::MAX,
        Some(_) => snapshot.periods.iter().filter_map(|p| p.inputs.samples_seq).max().unwrap_or(0),
    };
    let is_seen = |sample: &NetworkSample, seq: u64| {
        let at = snapshot.periods.partition_point(|p| p.period.end < sample.sampled);
        let seen = snapshot.periods.get(at).and_then(|p| p.inputs.samples_seq);
        seq <= seen.unwrap_or(there)
    };
    let files = snapshot.sample_files.iter().filter(|file: &&SampleFile| {
        file.source == *source && file.first_sampled <= last.period.end
    });
    let mut samples = Vec::new();
    for file in files {
        let from = snapshot.pruned.rows_before.unwrap_or(Instant::from_millis(-1));
        let bounds = (from, last.period.end);
        view.store().sample_columns(file, bounds, Some(record.resource.0), &mut |columns| {
            let all = (0..columns.height()).map(|row| columns.sample(row));
            samples.extend(all.filter(|s| of_record(s) && is_seen(s, file.seq)));
        })?;
    }
    samples.extend(said_before(view, snapshot, &of_record, record.source)?);
    samples.sort_by(|a, b| (&a.series, a.sampled).cmp(&(&b.series, b.sampled)));
    // A blank reading behind the first of its series is a poll that failed.
    let mut series = None;
    samples.retain(|sample| {
        let is_first = series.as_ref() != Some(&sample.series);
        if is_first {
            series = Some(sample.series.clone());
        }
        is_first || !sample.is_blank()
    });
    Ok(samples)
}

/// The records of the same counter and direction from one period to another.
fn records_like(
    view: &View,
    record: &UsageRecord,
    sources: &Sources,
    first: &PublishedPeriod,
    last: &PublishedPeriod,
) -> Result<Vec<ServedRecord>, AggregateError> {
    let window = RecordWindow { from: first.period.start, to: last.period.end - Millis::SECOND };
    let filter = RecordFilter {
        source: None,
        accounts: Some(vec![(sources.name(record.source).clone(), record.account)]),
        usage_type: Some(record.usage_type),
    };
    let mut alike = Vec::new();
    view.records(window, &filter)?.for_each(&mut |other| {
        let it = &other.record;
        if it.resource == record.resource
            && it.network == record.network
            && it.zone == record.zone
            && it.resource_type == record.resource_type
        {
            alike.push(other);
        }
        Ok(())
    })?;
    Ok(alike)
}
