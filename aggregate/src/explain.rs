//! Why a record says what it says: its segments and event ids, or its samples.
//!
//! The explanation is computed again from the accepted events the period was
//! published from, by the same fold but for one resource alone, and its sum is
//! set beside the record's. The two must be equal; a difference is a finding.
//!
//! # Source
//! Usage rules 6, last point.

use cloudtally_model::{
    EventId, Instant, NetworkSample, Period, RecordId, ResourceKind, Segment, SeriesKey, Sources,
    Unit, UsageRecord,
};
use cloudtally_store::{
    PublishedPeriod, RecordFilter, RecordWindow, SampleFile, ServedRecord, Snapshot, Store,
};

use crate::{AggregateError, job::{is_stale, removals}, records::add_resource, window::WindowFolder};

/// A record with everything it was made from.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The record.
    pub served: ServedRecord,
    /// The sources its rank belongs to.
    pub sources: Sources,
    /// What it was made from.
    pub parts: Parts,
    /// The sum of the parts, in the record's unit.
    pub sum: u64,
    /// Whether late events wait to be aggregated into the record's period: then
    /// the parts may tell more than the record does.
    pub waits: bool,
}

/// What a record was made from.
#[derive(Clone, Debug)]
pub enum Parts {
    /// Stretches of use, clipped to the period.
    Segments(Vec<ClippedSegment>),
    /// Differences of counters.
    Samples {
        /// What each pair of samples gave.
        differences: Vec<Difference>,
        /// Bytes of the same samples that stand in ordinary records of earlier
        /// runs; only folded records have any.
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
    /// What it adds, in milliseconds; 0 for storage of nothing.
    pub used_ms: u64,
}

/// What two consecutive samples of a series gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which counter.
    pub series: SeriesKey,
    /// The earlier sample; `None` for the first of a series, its baseline.
    pub from: Option<(Instant, u64)>,
    /// The later sample.
    pub to: (Instant, u64),
    /// The bytes between them.
    pub bytes: u64,
    /// Whether the counter restarted in between.
    pub restarted: bool,
}

impl Explanation {
    /// Whether the parts add up to the record.
    pub fn adds_up(&self) -> bool {
        self.sum == self.served.record.quantity
    }

    /// The ids of all events behind the record, in order.
    pub fn events(&self) -> Vec<EventId> {
        let Parts::Segments(clipped) = &self.parts else { return Vec::new() };
        let both = clipped.iter().flat_map(|c| [Some(c.segment.opened_by), c.segment.closed_by]);
        let mut ids: Vec<EventId> = both.flatten().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Explains one record.
pub fn explain(store: &Store, id: RecordId) -> Result<Explanation, AggregateError> {
    let snapshot = store.snapshot()?;
    let known = snapshot.periods.iter().find(|known| known.period.start == id.period_start());
    let known = known.ok_or(AggregateError::NoSuchRecord { id })?;
    let window = RecordWindow { from: known.period.start, to: known.period.end };
    let all = RecordFilter { accounts: None, usage_type: None };
    let set = store.records(window, &all)?;
    let served = set.find(id)?.ok_or(AggregateError::NoSuchRecord { id })?;
    let sources = set.sources().clone();
    let (parts, sum) = match served.record.row().unit {
        Unit::Milliseconds => segments_behind(store, &snapshot, known, &served)?,
        Unit::BytesSent | Unit::BytesReceived => {
            samples_behind(store, &snapshot, known, &served, &sources)?
        }
    };
    let waits = is_stale(&snapshot, known);
    Ok(Explanation { served, sources, parts, sum, waits })
}

fn segments_behind(
    store: &Store,
    snapshot: &Snapshot,
    known: &PublishedPeriod,
    served: &ServedRecord,
) -> Result<(Parts, u64), AggregateError> {
    let record = &served.record;
    let row = record.row();
    let key = (record.source, row.kind, record.resource);
    // A period that nothing late has touched has seen every event before its end,
    // and so has the latest such period before it. One that waits to be
    // republished is explained from what it had seen.
    let waits = is_stale(snapshot, known);
    let state = snapshot.periods.iter().rev().find(|before| {
        let same = before.inputs.events_seq == known.inputs.events_seq
            && before.inputs.accounts_seq == known.inputs.accounts_seq;
        before.period.end <= known.period.start
            && before.segments.is_some()
            && if waits { same } else { !is_stale(snapshot, before) }
    });
    let seen = if waits { known.inputs.events_seq } else { u64::MAX };
    let (open, from) = match state {
        Some(state) => {
            let of_resource = |s: &Segment| is_of(s, record, row.kind);
            let open = store.read_open(state, &snapshot.sources)?;
            (open.into_iter().filter(of_resource).collect(), state.period.end)
        }
        None => (Vec::new(), snapshot.earliest().unwrap_or(Instant::EPOCH)),
    };
    let removals = removals(snapshot, store)?;
    let folder = WindowFolder::new(store, snapshot, &removals, seen);
    let (segments, _) = folder.fold_resource(open, (from, known.period.end), key)?;
    let mut clipped = Vec::new();
    let mut sum = 0;
    for segment in segments {
        // A segment belongs to the record that it alone would make.
        let mut alone = [Vec::new()];
        add_resource(std::slice::from_ref(&segment), &[known.period], &mut alone);
        let ours = alone[0].first().filter(|r| same_record(r, served, known.period, snapshot));
        if let (Some(ours), Some((start, end))) = (ours, segment.clip(known.period)) {
            sum += ours.quantity;
            clipped.push(ClippedSegment { segment, start, end, used_ms: ours.quantity });
        }
    }
    Ok((Parts::Segments(clipped), sum))
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

fn samples_behind(
    store: &Store,
    snapshot: &Snapshot,
    known: &PublishedPeriod,
    served: &ServedRecord,
    sources: &Sources,
) -> Result<(Parts, u64), AggregateError> {
    let record = &served.record;
    let folded = record.is_folded(known.period);
    let samples = samples_of(store, snapshot, known, record)?;
    let value = |sample: &NetworkSample| match record.row().unit {
        Unit::BytesSent => sample.bytes_sent,
        _ => sample.bytes_received,
    };
    // A folded record begins with its earliest unbilled sample, that included.
    let begins =
        if folded { record.start } else { Instant::from_millis(record.start.as_millis() + 1) };
    let mut differences = Vec::new();
    let mut total = 0u64;
    for series in samples.chunk_by(|a, b| a.series == b.series) {
        let mut previous: Option<(Instant, u64)> = None;
        for sample in series {
            let now = value(sample);
            if sample.sampled >= begins {
                let restarted = previous.is_some_and(|(_, before)| now < before);
                let bytes = match previous {
                    None => 0,
                    Some(_) if restarted => now,
                    Some((_, before)) => now - before,
                };
                total = total.saturating_add(bytes);
                let to = (sample.sampled, now);
                let series = sample.series.clone();
                differences.push(Difference { series, from: previous, to, bytes, restarted });
            }
            previous = Some((sample.sampled, now));
        }
    }
    let billed_before = if folded { billed_before(store, known, served, sources)? } else { 0 };
    Ok((Parts::Samples { differences, billed_before }, total.saturating_sub(billed_before)))
}

/// Accepted samples of the record's series up to the end of its period, by
/// series and time, as far as the period has seen them.
fn samples_of(
    store: &Store,
    snapshot: &Snapshot,
    known: &PublishedPeriod,
    record: &UsageRecord,
) -> Result<Vec<NetworkSample>, AggregateError> {
    let seen = known.inputs.samples_seq.unwrap_or(0);
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
    let files = snapshot.sample_files.iter().filter(|file: &&SampleFile| {
        file.seq <= seen && file.source == *source && file.first_sampled <= known.period.end
    });
    let mut samples = Vec::new();
    for file in files {
        store.read_samples(file, Instant::from_millis(-1), known.period.end, &mut |sample| {
            if of_record(&sample) {
                samples.push(sample);
            }
        })?;
    }
    samples.sort_by(|a, b| (&a.series, a.sampled).cmp(&(&b.series, b.sampled)));
    Ok(samples)
}

/// What other published records have billed of the span of a folded record.
fn billed_before(
    store: &Store,
    known: &PublishedPeriod,
    served: &ServedRecord,
    sources: &Sources,
) -> Result<u64, AggregateError> {
    let record = &served.record;
    let window = RecordWindow { from: Instant::EPOCH, to: known.period.end };
    let filter = RecordFilter {
        accounts: Some(vec![(sources.name(record.source).clone(), record.account)]),
        usage_type: Some(record.usage_type),
    };
    let mut billed = 0u64;
    store.records(window, &filter)?.for_each(&mut |other| {
        let it = &other.record;
        let same_row = it.resource == record.resource
            && it.network == record.network
            && it.zone == record.zone
            && it.resource_type == record.resource_type;
        let is_itself = other.period == served.period && it.start == record.start;
        if same_row && !is_itself && other.period.end > record.start {
            billed = billed.saturating_add(it.quantity);
        }
        Ok(())
    })?;
    Ok(billed)
}
