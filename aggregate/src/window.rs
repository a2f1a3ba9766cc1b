//! A window of time, folded over all cores.
//!
//! Loads the events of a window, groups them with the segments that were open
//! before by resource, folds the groups in parallel and puts the results
//! together in the order of the groups. That order is fixed by the data, so the
//! output does not depend on how many threads took part.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use cloudtally_model::{
    AccountId, Attributes, EventCode, EventId, Instant, Period, ResourceId, ResourceKind, Segment,
    SourceId, Sources, UsageEvent, UsageRecord, event_code, kinds_of, usage_type,
};
use cloudtally_store::{EventFile, Snapshot, Store, StoreError};
use rayon::prelude::*;

use crate::{
    fold::{Fold, Oddity, needs_past},
    records::add_resource,
};

/// Resources a thread takes at a time: enough to keep its output vectors long.
const GROUPS_PER_TASK: usize = 4096;

/// When accounts were removed.
pub(crate) type Removals = HashMap<(SourceId, AccountId), Instant>;

/// Folds windows over one consistent view of the lake.
pub(crate) struct WindowFolder<'a> {
    store: &'a Store,
    sources: &'a Sources,
    files: Vec<&'a EventFile>,
    removals: &'a Removals,
}

/// What a window gives.
#[derive(Debug, Default)]
pub(crate) struct FoldedWindow {
    /// The records of each period, in their order.
    pub(crate) records: Vec<Vec<UsageRecord>>,
    /// Segments that were open at some time inside the window, ended or not.
    pub(crate) segments: Vec<Segment>,
    /// What was odd.
    pub(crate) oddities: Vec<(SourceId, Oddity)>,
}

impl FoldedWindow {
    /// The segments open at `end` (a boundary inside the window or its end), as a
    /// later run should find them: not yet ended. A segment that ends exactly
    /// at the boundary is still open there; its end belongs to the next period.
    pub(crate) fn open_at(&self, end: Instant) -> Vec<Segment> {
        let open = |s: &&Segment| s.start < end && s.end.is_none_or(|ended| ended >= end);
        let mut segments: Vec<Segment> = self
            .segments
            .iter()
            .filter(open)
            .map(|s| Segment { end: None, closed_by: None, ..s.clone() })
            .collect();
        segments.par_sort_unstable();
        segments
    }
}

struct LoadedEvent {
    source: SourceId,
    code: EventCode,
    event: UsageEvent,
}

/// Sort key of one event for one kind of resource; `index` finds the event.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct EventKey {
    group: GroupKey,
    created: Instant,
    id: EventId,
    index: usize,
}

type GroupKey = (SourceId, ResourceKind, ResourceId);

struct Group {
    key: GroupKey,
    events: Range<usize>,
    open: Range<usize>,
}

impl<'a> WindowFolder<'a> {
    /// Reads only event files up to `events_seq`.
    pub(crate) fn new(
        store: &'a Store,
        snapshot: &'a Snapshot,
        removals: &'a Removals,
        events_seq: u64,
    ) -> Self {
        let files = snapshot.event_files.iter().filter(|file| file.seq <= events_seq).collect();
        Self { store, sources: &snapshot.sources, files, removals }
    }

    /// An upper bound of the events with `created` in `[from, to)`.
    pub(crate) fn events_at_most(&self, from: Instant, to: Instant) -> u64 {
        self.overlapping(from, to).map(|file| file.rows).sum()
    }

    /// The first instant from `from` on at which an event may have happened.
    pub(crate) fn next_event(&self, from: Instant) -> Option<Instant> {
        let ahead = self.files.iter().filter(|file| file.last_created >= from);
        ahead.map(|file| file.first_created.max(from)).min()
    }

    /// Folds the events of `[from, to)` onto the segments open at `from`.
    ///
    /// `periods` are contiguous, in order and inside the window; without any, the
    /// window is only replayed for the state it leaves.
    pub(crate) fn fold(
        &self,
        open: Vec<Segment>,
        (from, to): (Instant, Instant),
        periods: &[Period],
    ) -> Result<FoldedWindow, StoreError> {
        let events = self.load(from, to, &|_, _, _| true)?;
        let keys = event_keys(&events);
        let open = sorted_by_group(open);
        let groups = groups(&keys, &open);
        let past = self.past(&groups, &keys, &events, from)?;

        let chunks: Vec<FoldedWindow> = groups
            .par_chunks(GROUPS_PER_TASK)
            .map(|groups| {
                let mut out = FoldedWindow {
                    records: periods.iter().map(|_| Vec::new()).collect(),
                    ..FoldedWindow::default()
                };
                for group in groups {
                    let (source, kind, resource) = group.key;
                    let removed = |account| self.removals.get(&(source, account)).copied();
                    let open = open[group.open.clone()].to_vec();
                    let mut fold = Fold::resume(source, kind, resource, open);
                    if let Some(known) = past.get(&group.key) {
                        fold.known(known.clone());
                    }
                    for key in &keys[group.events.clone()] {
                        let loaded = &events[key.index];
                        fold.apply(loaded.code, &loaded.event, &removed);
                    }
                    let mut folded = fold.finish(to, &removed);
                    add_resource(&folded.segments, periods, &mut out.records);
                    out.segments.append(&mut folded.segments);
                    out.oddities.extend(folded.oddities.into_iter().map(|odd| (source, odd)));
                }
                out
            })
            .collect();
        Ok(join(chunks, periods.len()))
    }

    /// The history of one resource alone, for explanations.
    pub(crate) fn fold_resource(
        &self,
        open: Vec<Segment>,
        (from, to): (Instant, Instant),
        (source, kind, resource): (SourceId, ResourceKind, ResourceId),
    ) -> Result<(Vec<Segment>, Vec<Oddity>), StoreError> {
        let events =
            self.load(from, to, &|of, _, event| (of, event.resource) == (source, resource))?;
        let keys = event_keys(&events);
        let removed = |account| self.removals.get(&(source, account)).copied();
        let key = (source, kind, resource);
        let group = Group { key, events: 0..0, open: 0..open.len() };
        let mut fold = Fold::resume(source, kind, resource, open);
        let of_kind: Vec<&EventKey> = keys.iter().filter(|k| k.group == group.key).collect();
        let in_order = of_kind.iter().map(|k| (events[k.index].code, &events[k.index].event));
        if group.open.is_empty() && needs_past(kind, in_order) {
            let past = self.history(&HashSet::from([key]), from)?;
            if let Some(known) = past.get(&key) {
                fold.known(known.clone());
            }
        }
        for key in of_kind {
            fold.apply(events[key.index].code, &events[key.index].event, &removed);
        }
        let folded = fold.finish(to, &removed);
        Ok((folded.segments, folded.oddities))
    }

    fn overlapping(&self, from: Instant, to: Instant) -> impl Iterator<Item = &'a EventFile> {
        let hit = move |file: &&EventFile| file.first_created < to && file.last_created >= from;
        self.files.iter().copied().filter(move |file| hit(file))
    }

    /// Metered events of `[from, to)`, in no particular order.
    fn load(
        &self,
        from: Instant,
        to: Instant,
        wanted: &(dyn Fn(SourceId, EventCode, &UsageEvent) -> bool + Sync),
    ) -> Result<Vec<LoadedEvent>, StoreError> {
        let files: Vec<&EventFile> = self.overlapping(from, to).collect();
        let loaded: Vec<Vec<LoadedEvent>> = files
            .par_iter()
            .map(|file| {
                let Some(source) = self.sources.id(file.source.as_str()) else {
                    return Ok(Vec::new());
                };
                let mut events = Vec::new();
                self.store.read_events(file, from, to, &mut |event| {
                    if let Some(code) = event_code(&event.event_type)
                        && wanted(source, code, &event)
                    {
                        events.push(LoadedEvent { source, code, event });
                    }
                })?;
                Ok(events)
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(loaded.into_iter().flatten().collect())
    }

    /// What is known from before the window of resources that have nothing open
    /// and begin the window with a start that leaves attributes empty.
    ///
    /// This reads history, but only for events a real cloud hardly ever writes.
    fn past(
        &self,
        groups: &[Group],
        keys: &[EventKey],
        events: &[LoadedEvent],
        before: Instant,
    ) -> Result<HashMap<GroupKey, Attributes>, StoreError> {
        let needing: HashSet<GroupKey> = groups
            .iter()
            .filter(|group| group.open.is_empty())
            .filter(|group| {
                let keys = keys[group.events.clone()].iter();
                let of_group = keys.map(|key| (events[key.index].code, &events[key.index].event));
                needs_past(group.key.1, of_group)
            })
            .map(|group| group.key)
            .collect();
        if needing.is_empty() { Ok(HashMap::new()) } else { self.history(&needing, before) }
    }

    fn history(
        &self,
        of: &HashSet<GroupKey>,
        before: Instant,
    ) -> Result<HashMap<GroupKey, Attributes>, StoreError> {
        let events = self.load(Instant::EPOCH, before, &|source, code, event| {
            kinds_of(code).any(|kind| of.contains(&(source, kind, event.resource)))
        })?;
        let mut known: HashMap<GroupKey, Attributes> = HashMap::new();
        let keys = event_keys(&events);
        for keys in keys.chunk_by(|a, b| a.group == b.group) {
            let group @ (source, kind, resource) = keys[0].group;
            if of.contains(&group) {
                let removed = |account| self.removals.get(&(source, account)).copied();
                let mut fold = Fold::resume(source, kind, resource, Vec::new());
                for key in keys {
                    fold.apply(events[key.index].code, &events[key.index].event, &removed);
                }
                known.insert(group, fold.known_at(before, &removed));
            }
        }
        Ok(known)
    }
}

/// One key per event and kind it matters to, in the order of the fold.
fn event_keys(events: &[LoadedEvent]) -> Vec<EventKey> {
    let mut keys = Vec::with_capacity(events.len());
    for (index, loaded) in events.iter().enumerate() {
        for kind in kinds_of(loaded.code) {
            keys.push(EventKey {
                group: (loaded.source, kind, loaded.event.resource),
                created: loaded.event.created,
                id: loaded.event.id,
                index,
            });
        }
    }
    keys.par_sort_unstable();
    keys
}

fn group_of(segment: &Segment) -> GroupKey {
    let row = usage_type(segment.usage_type).expect("segments come from the table");
    (segment.source, row.kind, segment.resource)
}

fn sorted_by_group(mut open: Vec<Segment>) -> Vec<Segment> {
    open.par_sort_unstable_by(|a, b| {
        (group_of(a), a.usage_type, a.start, a.opened_by, a.nic).cmp(&(
            group_of(b),
            b.usage_type,
            b.start,
            b.opened_by,
            b.nic,
        ))
    });
    open
}

/// Merges the sorted keys and the sorted open segments into groups.
fn groups(keys: &[EventKey], open: &[Segment]) -> Vec<Group> {
    let mut groups = Vec::new();
    let (mut next_event, mut next_open) = (0, 0);
    loop {
        let by_event = keys.get(next_event).map(|key| key.group);
        let by_open = open.get(next_open).map(group_of);
        let key = match (by_event, by_open) {
            (Some(a), Some(b)) => a.min(b),
            (Some(key), None) | (None, Some(key)) => key,
            (None, None) => return groups,
        };
        let (first_event, first_open) = (next_event, next_open);
        while keys.get(next_event).is_some_and(|event| event.group == key) {
            next_event += 1;
        }
        while open.get(next_open).is_some_and(|segment| group_of(segment) == key) {
            next_open += 1;
        }
        groups.push(Group { key, events: first_event..next_event, open: first_open..next_open });
    }
}

fn join(chunks: Vec<FoldedWindow>, periods: usize) -> FoldedWindow {
    let mut joined = FoldedWindow { records: vec![Vec::new(); periods], ..Default::default() };
    for mut chunk in chunks {
        for (all, part) in joined.records.iter_mut().zip(&mut chunk.records) {
            all.append(part);
        }
        joined.segments.append(&mut chunk.segments);
        joined.oddities.append(&mut chunk.oddities);
    }
    joined.records.par_iter_mut().for_each(|records| records.sort_unstable());
    joined
}
