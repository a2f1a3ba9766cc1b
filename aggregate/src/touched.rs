//! The way back: from an event or a resource to the records that it touched.
//!
//! An event touches the records of the stretches of use that it began or ended, which is what
//! [`explain_in`](crate::explain_in) tells of each of them.

use std::collections::{BTreeMap, HashSet};

use cloudtally_model::{
    EventCode, EventId, Instant, Period, RecordId, ResourceId, Segment, SourceId, SourceName,
    Sources, UsageRecord, event_code, kinds_of,
};
use cloudtally_store::{
    EventFile, RecordField, RecordFilter, RecordWindow, ServedRecord, Snapshot, StoreError, View,
};

use crate::{AggregateError, job::removals, period::add_resource, window::WindowFolder};

/// Records that something touched.
#[derive(Clone, Debug)]
pub struct Touched {
    /// The sources whose ranks the records carry.
    pub sources: Sources,
    /// The records, by period and record order.
    pub records: Vec<TouchedRecord>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchedRecord {
    /// The record.
    pub served: ServedRecord,
    /// True if the event began a stretch of use of it.
    pub is_begun: bool,
    /// True if the event ended one.
    pub is_ended: bool,
}

/// An event as far as the way back needs it.
struct Found {
    source: SourceId,
    code: Option<EventCode>,
    resource: ResourceId,
}

/// The records of use that an event began or ended.
///
/// # Errors
/// `NoSuchEvent`; `EventOfSeveral` if several sources have one of this number.
pub fn touched_by_event(
    view: &View,
    id: EventId,
    source: Option<&SourceName>,
) -> Result<Touched, AggregateError> {
    let snapshot = view.snapshot()?;
    let seen = match view.as_of() {
        None => u64::MAX,
        Some(_) => snapshot.periods.iter().map(|p| p.inputs.events_seq).max().unwrap_or(0),
    };
    let event = find(view, &snapshot, seen, id, source)?;
    let removals = removals(&snapshot, view.store())?;
    let folder = WindowFolder::new(view.store(), &snapshot, &removals, seen);
    let all = (Instant::EPOCH, snapshot.published_end().unwrap_or(Instant::EPOCH));
    let mut records = Vec::new();
    for kind in event.code.into_iter().flat_map(kinds_of) {
        let key = (event.source, kind, event.resource);
        let (segments, _) = folder.fold_resource(Vec::new(), all, key)?;
        for segment in segments {
            let (begins, ends) = (segment.opened_by == id, segment.closed_by == Some(id));
            if begins || ends {
                records.extend(records_of(view, &snapshot, &segment, (begins, ends))?);
            }
        }
    }
    Ok(Touched { sources: snapshot.sources, records: joined(records) })
}

/// The records of one type of a resource, of a device where the type counts bytes.
pub fn touched_resource(
    view: &View,
    resource: ResourceId,
    window: RecordWindow,
    filter: &RecordFilter,
) -> Result<Touched, AggregateError> {
    let set = view.records(window, filter)?;
    let mut found = Vec::new();
    let mut number = 0;
    for period in 0..set.periods() {
        set.scan(period, &[RecordField::Resource], &mut |_, scan| {
            for value in scan.values(RecordField::Resource)? {
                if value == Some(resource.0) {
                    found.push(number);
                }
                number += 1;
            }
            Ok(())
        })?;
    }
    let mut records = Vec::with_capacity(found.len());
    for number in found {
        let page = set.page(number, 1)?.into_iter();
        records.extend(page.map(|served| TouchedRecord {
            served,
            is_begun: false,
            is_ended: false,
        }));
    }
    Ok(Touched { sources: set.sources().clone(), records })
}

/// Looks for the event of a number in the files that may hold it.
fn find(
    view: &View,
    snapshot: &Snapshot,
    seen: u64,
    id: EventId,
    source: Option<&SourceName>,
) -> Result<Found, AggregateError> {
    let mut found: Vec<Found> = Vec::new();
    let may_hold = |file: &&EventFile| {
        file.seq <= seen
            && (file.min_id..=file.max_id).contains(&id.0)
            && source.is_none_or(|source| file.source == *source)
    };
    for file in snapshot.event_files.iter().filter(may_hold) {
        let Some(of) = snapshot.sources.id(file.source.as_str()) else { continue };
        view.store().event_columns(file, Instant::EPOCH, Instant::END_OF_TIME, &mut |columns| {
            for (row, code) in columns.by_type(event_code).enumerate() {
                if columns.event(row).id == id {
                    found.push(Found { source: of, code, resource: columns.resource(row) });
                }
            }
        })?;
    }
    if found.len() > 1 {
        let names = found.iter().map(|event| snapshot.sources.name(event.source).to_string());
        return Err(AggregateError::EventOfSeveral { id, sources: names.collect() });
    }
    found.pop().ok_or(AggregateError::NoSuchEvent { id })
}

/// The published records that a stretch of use is part of.
fn records_of(
    view: &View,
    snapshot: &Snapshot,
    segment: &Segment,
    (is_begun, is_ended): (bool, bool),
) -> Result<Vec<TouchedRecord>, StoreError> {
    let end = segment.end.unwrap_or(Instant::END_OF_TIME);
    let periods: Vec<Period> = snapshot
        .periods
        .iter()
        .map(|known| known.period)
        .filter(|period| period.start < end && segment.start < period.end)
        .collect();
    let (Some(first), Some(last)) = (periods.first(), periods.last()) else {
        return Ok(Vec::new());
    };
    // A segment belongs to the records that it alone would make.
    let mut alone = vec![Vec::new(); periods.len()];
    add_resource(std::slice::from_ref(segment), &periods, &mut alone);
    let source = snapshot.sources.name(segment.source);
    let ids = periods
        .iter()
        .zip(&alone)
        .flat_map(|(period, records)| records.iter().map(|record| record.id(source, *period)));
    let ids: HashSet<RecordId> = ids.collect();
    let account = (source.clone(), segment.account);
    let filter = RecordFilter {
        source: None,
        accounts: Some(vec![account]),
        usage_type: Some(segment.usage_type),
    };
    let window = RecordWindow { from: first.start, to: last.end };
    let mut records = Vec::new();
    view.records(window, &filter)?.for_each(&mut |served| {
        if served.record.resource == segment.resource
            && ids.contains(&served.record.id(source, served.period))
        {
            records.push(TouchedRecord { served, is_begun, is_ended });
        }
        Ok(())
    })?;
    Ok(records)
}

/// Each record once, in order.
fn joined(touched: Vec<TouchedRecord>) -> Vec<TouchedRecord> {
    type Place = (Instant, UsageRecord);
    let mut by_place: BTreeMap<Place, TouchedRecord> = BTreeMap::new();
    for one in touched {
        let place = (one.served.period.start, one.served.record.clone());
        let known = by_place.entry(place).or_insert_with(|| one.clone());
        known.is_begun |= one.is_begun;
        known.is_ended |= one.is_ended;
    }
    by_place.into_values().collect()
}
