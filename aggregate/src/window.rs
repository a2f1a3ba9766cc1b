//! A window of time, folded over all cores.
//!
//! Loads the events of a window as columns, sorts an index of them by resource and time,
//! groups it with the segments that were open before, folds the groups in parallel and
//! sorts the segments they give. All orders are fixed by the data, so the output does not
//! depend on how many threads took part.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use cloudtally_model::{
    AccountId, Attributes, EventCode, EventId, Instant, NicId, ResourceId, ResourceKind, Segment,
    SegmentColumns, SegmentRow, SourceId, Sources, UsageEvent, UsageTypeId, event_code, kinds_of,
    row_index, row_number, row_numbers, usage_type,
};
use cloudtally_store::{EventColumns, EventFile, Snapshot, Store, StoreError};
use rayon::prelude::*;

use crate::{
    fold::{Fold, Oddity, needs_past},
    packed::PackedEvents,
    segments::Segments,
    sheet::Moves,
};

/// Resources a thread takes at a time: enough to keep its output vectors long.
const GROUPS_PER_TASK: usize = 4096;

/// The instants at which accounts were removed.
pub(crate) type Removals = HashMap<(SourceId, AccountId), Instant>;

/// Folds windows over one consistent view of the lake.
pub(crate) struct WindowFolder<'a> {
    store: &'a Store,
    sources: &'a Sources,
    files: Vec<&'a EventFile>,
    pub(crate) removals: &'a Removals,
}

/// The outcome of a window.
#[derive(Debug, Default)]
pub(crate) struct FoldedWindow {
    /// Segments that were open at some time inside the window, ended or not.
    pub(crate) segments: Segments,
    /// The anomalies.
    pub(crate) oddities: Vec<(SourceId, Oddity)>,
}

/// The metered events of a window.
struct LoadedEvents(Vec<(SourceId, PackedEvents)>);

impl LoadedEvents {
    fn get(&self, key: &EventKey) -> UsageEvent {
        self.0[row_index(key.columns)].1.event(row_index(key.row))
    }

    /// One key per event and kind it matters to, in the order of the fold.
    fn keys(&self) -> Vec<EventKey> {
        let keys = self.0.par_iter().enumerate().flat_map_iter(|(at, (source, packed))| {
            packed.keys().enumerate().flat_map(move |(row, (code, resource, created, id))| {
                kinds_of(code).map(move |kind| EventKey {
                    group: (*source, kind, resource),
                    created,
                    id,
                    columns: row_number(at),
                    row: row_number(row),
                    code,
                })
            })
        });
        let mut keys: Vec<EventKey> = keys.collect();
        keys.par_sort_unstable();
        keys
    }
}

/// Sort key of one event for one kind of resource; `columns` and `row` find the event.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct EventKey {
    group: GroupKey,
    created: Instant,
    id: EventId,
    columns: u32,
    row: u32,
    code: EventCode,
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
    pub(crate) fn fold(
        &self,
        open: &SegmentColumns,
        (from, to): (Instant, Instant),
    ) -> Result<FoldedWindow, StoreError> {
        let load = |source, columns: EventColumns| vec![(source, PackedEvents::of(&columns))];
        let events = LoadedEvents(self.read(from, to, &load)?);
        self.fold_loaded(open, (from, to), events)
    }

    /// Like [`Self::fold`], and gives the moves of the same events for a day sheet.
    pub(crate) fn fold_with_moves(
        &self,
        open: &SegmentColumns,
        (from, to): (Instant, Instant),
    ) -> Result<(FoldedWindow, Moves), StoreError> {
        let load = |source, columns: EventColumns| {
            let moves = Moves::of(source, &columns, self.removals, to);
            vec![((source, PackedEvents::of(&columns)), moves)]
        };
        let (events, parts): (Vec<_>, Vec<_>) = self.read(from, to, &load)?.into_iter().unzip();
        let mut moves = Moves::default();
        parts.into_iter().for_each(|part| moves.append(part));
        let folded = self.fold_loaded(open, (from, to), LoadedEvents(events))?;
        Ok((folded, moves))
    }

    fn fold_loaded(
        &self,
        open: &SegmentColumns,
        (from, to): (Instant, Instant),
        events: LoadedEvents,
    ) -> Result<FoldedWindow, StoreError> {
        let keys = events.keys();
        let open_keys = open_keys(open);
        let groups = groups(&keys, &open_keys);
        let past = self.past(&groups, &keys, &events, from)?;
        let kept_of = |group: &Group| open_keys[group.open.clone()].iter().map(|key| key.row);
        let open_of = |group: &Group| kept_of(group).map(|row| open.row(row_index(row)));

        let chunks: Vec<Folded> = groups
            .par_chunks(GROUPS_PER_TASK)
            .map(|groups| {
                let mut out = Folded::default();
                // Rows of `open` to which nothing happens.
                let mut kept: Vec<u32> = Vec::new();
                for group in groups {
                    let (source, kind, resource) = group.key;
                    let removed = |account| self.removals.get(&(source, account)).copied();
                    let ends = |s: SegmentRow<'_>| removed(s.account()).is_some_and(|at| at < to);
                    if group.events.is_empty() && !open_of(group).any(ends) {
                        kept.extend(kept_of(group));
                        continue;
                    }
                    let known = open_of(group).map(SegmentRow::to_segment).collect();
                    let mut fold = Fold::resume(source, kind, resource, known);
                    if let Some(known) = past.get(&group.key) {
                        fold.known(known.clone());
                    }
                    for key in &keys[group.events.clone()] {
                        fold.apply(key.code, &events.get(key), &removed);
                    }
                    let folded = fold.finish(to, &removed);
                    folded.segments.iter().for_each(|segment| out.segments.push(segment));
                    out.oddities.extend(folded.oddities.into_iter().map(|odd| (source, odd)));
                }
                out.segments.gather(open, &kept);
                out
            })
            .collect();
        drop((events, keys, groups));
        Ok(join(chunks))
    }

    /// The history of one resource alone, for explanations.
    pub(crate) fn fold_resource(
        &self,
        open: Vec<Segment>,
        (from, to): (Instant, Instant),
        key: GroupKey,
    ) -> Result<(Vec<Segment>, Vec<Oddity>), StoreError> {
        let (source, kind, resource) = key;
        let events = self.load_of(from, to, &|group| *group == key)?;
        let removed = |account| self.removals.get(&(source, account)).copied();
        let has_nothing_open = open.is_empty();
        let mut fold = Fold::resume(source, kind, resource, open);
        let in_order = events.iter().map(|(_, code, event)| (*code, event));
        if has_nothing_open && needs_past(kind, in_order) {
            let past = self.history(&HashSet::from([key]), from)?;
            if let Some(known) = past.get(&key) {
                fold.known(known.clone());
            }
        }
        for (_, code, event) in &events {
            fold.apply(*code, event, &removed);
        }
        let folded = fold.finish(to, &removed);
        Ok((folded.segments, folded.oddities))
    }

    fn overlapping(&self, from: Instant, to: Instant) -> impl Iterator<Item = &'a EventFile> {
        let hit = move |file: &&EventFile| file.first_created < to && file.last_created >= from;
        self.files.iter().copied().filter(move |file| hit(file))
    }

    /// Metered events of `[from, to)` of the groups wanted, by group and in order.
    fn load_of(
        &self,
        from: Instant,
        to: Instant,
        wanted: &(dyn Fn(&GroupKey) -> bool + Sync),
    ) -> Result<Vec<(GroupKey, EventCode, UsageEvent)>, StoreError> {
        let mut events = self.read(from, to, &|source, columns| {
            let mut events = Vec::new();
            let codes = columns.by_type(event_code).enumerate();
            for (row, code) in codes.filter_map(|(row, code)| Some((row, code?))) {
                let groups = kinds_of(code).map(|kind| (source, kind, columns.resource(row)));
                for group in groups.filter(|group| wanted(group)) {
                    events.push((group, code, columns.event(row)));
                }
            }
            events
        })?;
        events.par_sort_unstable_by_key(|(group, _, event)| (*group, event.created, event.id));
        Ok(events)
    }

    /// Maps the events of `[from, to)` by `of`, read on all cores.
    fn read<T: Send>(
        &self,
        from: Instant,
        to: Instant,
        of: &(dyn Fn(SourceId, EventColumns) -> Vec<T> + Sync),
    ) -> Result<Vec<T>, StoreError> {
        let files: Vec<&EventFile> = self.overlapping(from, to).collect();
        let read: Vec<Vec<T>> = files
            .par_iter()
            .map(|file| {
                let mut all = Vec::new();
                let Some(source) = self.sources.id(file.source.as_str()) else { return Ok(all) };
                self.store.event_columns(file, from, to, &mut |columns| {
                    all.append(&mut of(source, columns));
                })?;
                Ok(all)
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(read.into_iter().flatten().collect())
    }

    /// The attributes known from before the window of resources that have nothing open
    /// and begin the window with a start that leaves attributes empty.
    ///
    /// This reads history, but only for events a real cloud hardly ever writes.
    fn past(
        &self,
        groups: &[Group],
        keys: &[EventKey],
        events: &LoadedEvents,
        before: Instant,
    ) -> Result<HashMap<GroupKey, Attributes>, StoreError> {
        let needing: HashSet<GroupKey> = groups
            .iter()
            .filter(|group| group.open.is_empty())
            .filter(|group| {
                let keys = keys[group.events.clone()].iter();
                let of_group = keys.map(|key| (key.code, events.get(key)));
                needs_past(group.key.1, of_group)
            })
            .map(|group| group.key)
            .collect();
        if needing.is_empty() { Ok(HashMap::new()) } else { self.history(&needing, before) }
    }

    /// All segments of some resources up to an instant, from their first event on.
    pub(crate) fn histories(
        &self,
        of: &HashSet<GroupKey>,
        to: Instant,
    ) -> Result<Vec<Segment>, StoreError> {
        let folds =
            self.fold_from_the_first(of, to, |_, fold, removed| fold.finish(to, removed).segments)?;
        Ok(folds.into_iter().flatten().collect())
    }

    fn history(
        &self,
        of: &HashSet<GroupKey>,
        before: Instant,
    ) -> Result<HashMap<GroupKey, Attributes>, StoreError> {
        let known = self.fold_from_the_first(of, before, |group, fold, removed| {
            (group, fold.known_at(before, removed))
        })?;
        Ok(known.into_iter().collect())
    }

    /// Folds all events of some resources up to an instant, one resource after the other, and
    /// lets `end` make something of each fold.
    fn fold_from_the_first<T>(
        &self,
        of: &HashSet<GroupKey>,
        to: Instant,
        end: impl Fn(GroupKey, Fold, &dyn Fn(AccountId) -> Option<Instant>) -> T,
    ) -> Result<Vec<T>, StoreError> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let events = self.load_of(Instant::EPOCH, to, &|group| of.contains(group))?;
        let of_groups = events.chunk_by(|(a, ..), (b, ..)| a == b);
        let folds = of_groups.map(|of_group| {
            let group @ (source, kind, resource) = of_group[0].0;
            let removed = |account| self.removals.get(&(source, account)).copied();
            let mut fold = Fold::resume(source, kind, resource, Vec::new());
            for (_, code, event) in of_group {
                fold.apply(*code, event, &removed);
            }
            end(group, fold, &removed)
        });
        Ok(folds.collect())
    }
}

/// The place of an open segment in the order of the fold; `row` finds it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct OpenKey {
    group: GroupKey,
    usage_type: UsageTypeId,
    start: Instant,
    opened_by: EventId,
    nic: NicId,
    row: u32,
}

/// One key per open segment, in the order of the fold.
fn open_keys(open: &SegmentColumns) -> Vec<OpenKey> {
    let keys = (0..open.height()).into_par_iter().map(|at| {
        let segment = open.row(at);
        let row = usage_type(segment.usage_type()).expect("segments come from the table");
        OpenKey {
            group: (segment.source(), row.kind, segment.resource()),
            usage_type: segment.usage_type(),
            start: segment.start(),
            opened_by: segment.opened_by(),
            nic: segment.nic(),
            row: row_number(at),
        }
    });
    let mut keys: Vec<OpenKey> = keys.collect();
    keys.par_sort_unstable();
    keys
}

/// Merges the sorted keys of events and of open segments into groups.
fn groups(keys: &[EventKey], open: &[OpenKey]) -> Vec<Group> {
    let mut groups = Vec::new();
    let (mut next_event, mut next_open) = (0, 0);
    loop {
        let by_event = keys.get(next_event).map(|key| key.group);
        let by_open = open.get(next_open).map(|key| key.group);
        let key = match (by_event, by_open) {
            (Some(a), Some(b)) => a.min(b),
            (Some(key), None) | (None, Some(key)) => key,
            (None, None) => return groups,
        };
        let (first_event, first_open) = (next_event, next_open);
        while keys.get(next_event).is_some_and(|event| event.group == key) {
            next_event += 1;
        }
        while open.get(next_open).is_some_and(|open| open.group == key) {
            next_open += 1;
        }
        groups.push(Group { key, events: first_event..next_event, open: first_open..next_open });
    }
}

/// The outcome of a task.
#[derive(Default)]
struct Folded {
    segments: SegmentColumns,
    oddities: Vec<(SourceId, Oddity)>,
}

fn join(chunks: Vec<Folded>) -> FoldedWindow {
    let mut segments = SegmentColumns::default();
    let mut oddities = Vec::new();
    for mut chunk in chunks {
        segments.gather(&chunk.segments, &row_numbers(chunk.segments.height()));
        oddities.append(&mut chunk.oddities);
    }
    FoldedWindow { segments: Segments::new(segments), oddities }
}
