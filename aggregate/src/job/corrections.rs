//! The differences that replacing a generation makes, record by record, and their causes.
//!
//! Differences come in the order of records, one resource at a time, and go on to their file
//! a chunk at a time: however many records a rebuild changes, a chunk is in memory, and the
//! file as it is encoded. The events behind them are found in an index of those that are
//! late, or, where there are more of these than an index may hold, by reading their files
//! once for each chunk.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
    sync::OnceLock,
};

use cloudtally_model::{
    AccountId, EventId, Instant, Period, RecordRow, ResourceId, ResourceKind, SourceId, Sources,
    Text, UsageRecord, event_code, kinds_of,
};
use cloudtally_store::{
    Correction, CorrectionCause, CorrectionEncoder, EncodedCorrections, EventFile, Inputs,
    Snapshot, Store, StoreError,
};
use rayon::prelude::*;

use super::{
    change::{Change, ChangeKind},
    difference::TakeDifference,
    moves::Moves,
};

/// Corrections that wait for their events.
const CHUNK: usize = 16 * 1024;
/// Late events that are kept in an index.
const INDEXED_MAX: u64 = 4_000_000;

/// One resource's history, as the fold takes it.
type Group = (SourceId, ResourceKind, ResourceId);

/// An event that came after a period before whose end it lies was published.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LateEvent {
    group: Group,
    created: Instant,
    id: EventId,
    /// Number of its file.
    seq: u64,
}

/// The reasons for which published periods change in a run.
pub(super) struct Causes<'a> {
    store: &'a Store,
    snapshot: &'a Snapshot,
    /// Files that some published period of the run has not seen.
    files: Vec<&'a EventFile>,
    /// Their events, sorted; `None` if there are too many.
    indexed: Option<Vec<LateEvent>>,
    /// Series of which a sample was dropped.
    dropped: OnceLock<HashSet<(SourceId, AccountId, ResourceId)>>,
}

impl<'a> Causes<'a> {
    /// Looks for what is late in the published periods of some spans; reads nothing where
    /// nothing is.
    pub(super) fn of(
        store: &'a Store,
        snapshot: &'a Snapshot,
        spans: &[Period],
    ) -> Result<Self, StoreError> {
        let is_of_run =
            |extent: &Period| spans.iter().any(|s| s.start < extent.end && extent.start < s.end);
        let mut known = snapshot.published();
        known.retain(|(extent, _)| is_of_run(extent));
        // Of each period and those behind it, the least that one of them has seen.
        let mut least = u64::MAX;
        let seen = known.iter().rev().map(|(extent, inputs)| {
            least = least.min(inputs.events_seq);
            (extent.end, least)
        });
        let mut seen: Vec<(Instant, u64)> = seen.collect();
        seen.reverse();
        let is_late = |file: &&EventFile| {
            let behind = seen.partition_point(|(end, _)| *end <= file.first_created);
            seen.get(behind).is_some_and(|(_, least)| file.seq > *least)
        };
        let files: Vec<&EventFile> = snapshot.event_files.iter().filter(is_late).collect();
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let mut causes = Self { files, ..Self::none(store, snapshot) };
        causes.indexed = match rows {
            0..=INDEXED_MAX => Some(causes.read(&|_| true)?),
            _ => None,
        };
        Ok(causes)
    }

    /// Those of a run that changes nothing.
    pub(super) fn none(store: &'a Store, snapshot: &'a Snapshot) -> Self {
        let (files, indexed) = (Vec::new(), Some(Vec::new()));
        Self { store, snapshot, files, indexed, dropped: OnceLock::new() }
    }

    /// The late events of some resources, sorted.
    fn read(&self, wanted: &(dyn Fn(&Group) -> bool + Sync)) -> Result<Vec<LateEvent>, StoreError> {
        let sources = &self.snapshot.sources;
        let of_file = |file: &&EventFile| {
            let mut late = Vec::new();
            let Some(source) = sources.id(file.source.as_str()) else { return Ok(late) };
            self.store.event_columns(
                file,
                Instant::EPOCH,
                Instant::END_OF_TIME,
                &mut |columns| {
                    let codes = columns.by_type(event_code).enumerate();
                    for (row, code) in codes.filter_map(|(row, code)| Some((row, code?))) {
                        let groups =
                            kinds_of(code).map(|kind| (source, kind, columns.resource(row)));
                        late.extend(groups.filter(|group| wanted(group)).map(|group| {
                            let event = columns.event(row);
                            LateEvent { group, created: event.created, id: event.id, seq: file.seq }
                        }));
                    }
                },
            )?;
            Ok(late)
        };
        let read: Result<Vec<_>, StoreError> = self.files.par_iter().map(of_file).collect();
        let mut late: Vec<LateEvent> = read?.into_iter().flatten().collect();
        late.par_sort_unstable();
        Ok(late)
    }

    /// Adds to corrections of a period, which was published from `seen` before, why they
    /// are there.
    fn settle(
        &self,
        corrections: &mut [Correction],
        seen: &Inputs,
        period: Period,
    ) -> Result<(), StoreError> {
        let group = |record: &UsageRecord| (record.source, record.row().kind, record.resource);
        let of_chunk;
        let late = match &self.indexed {
            Some(late) => late,
            None => {
                let groups: HashSet<Group> = corrections.iter().map(|c| group(&c.record)).collect();
                of_chunk = self.read(&|group| groups.contains(group))?;
                &of_chunk
            }
        };
        for correction in corrections {
            let record = &correction.record;
            if record.usage_type.is_bytes() {
                correction.cause = self.cause_of_bytes(record, seen)?;
                continue;
            }
            let group = group(record);
            let first = late.partition_point(|event| event.group < group);
            let of_group = late[first..].iter().take_while(|event| event.group == group);
            let unseen = of_group.filter(|e| e.seq > seen.events_seq && e.created < period.end);
            correction.events = unseen.map(|event| event.id).collect();
            correction.cause = if !correction.events.is_empty() {
                CorrectionCause::LateEvents
            } else if self.is_removal(record, seen, period) {
                CorrectionCause::AccountRemoval
            } else {
                CorrectionCause::Rebuild
            };
        }
        Ok(())
    }

    fn is_removal(&self, record: &UsageRecord, seen: &Inputs, period: Period) -> bool {
        let source = self.snapshot.sources.name(record.source);
        self.snapshot.account_removals.iter().any(|removal| {
            let mut instants = removal.before.into_iter().chain(removal.after);
            removal.seq > seen.accounts_seq
                && (removal.account, &removal.source) == (record.account, source)
                && instants.any(|at| at < period.end)
        })
    }

    fn cause_of_bytes(
        &self,
        record: &UsageRecord,
        seen: &Inputs,
    ) -> Result<CorrectionCause, StoreError> {
        let dropped = match self.dropped.get() {
            Some(dropped) => dropped,
            None => {
                let all = self.store.dropped_samples()?;
                let series = all.iter().filter_map(|dropped| {
                    let source = self.snapshot.sources.id(dropped.source.as_str())?;
                    let series = &dropped.sample.series;
                    Some((source, series.account, ResourceId(series.device)))
                });
                self.dropped.get_or_init(|| series.collect())
            }
        };
        Ok(if dropped.contains(&(record.source, record.account, record.resource)) {
            CorrectionCause::DroppedSamples
        } else if seen.samples_seq.is_none_or(|seq| seq < self.snapshot.samples_seq()) {
            CorrectionCause::LateSamples
        } else {
            CorrectionCause::Rebuild
        })
    }
}

/// A computed period held against what is published.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) change: Change,
    /// The sums that move.
    pub(super) moves: Moves,
    pub(super) corrections: Option<EncodedCorrections>,
}

/// The differences of one period, gathered a resource at a time.
pub(super) struct Corrections<'a> {
    causes: &'a Causes<'a>,
    sources: &'a Sources,
    period: Period,
    /// The inputs of what is replaced.
    seen: Inputs,
    /// True if they are to be kept; a dry run only counts them.
    is_kept: bool,
    change: Change,
    moves: Moves,
    /// Records of a resource that are published alone, and those that are computed alone.
    gone: Vec<UsageRecord>,
    new: Vec<UsageRecord>,
    waiting: Vec<Correction>,
    encoder: Option<CorrectionEncoder<'a>>,
}

impl<'a> Corrections<'a> {
    pub(super) fn new(causes: &'a Causes<'a>, period: Period, seen: Inputs, is_kept: bool) -> Self {
        Self {
            causes,
            sources: &causes.snapshot.sources,
            period,
            seen,
            is_kept,
            change: Change { kind: ChangeKind::Unchanged, ..Change::default() },
            moves: Moves::default(),
            gone: Vec::new(),
            new: Vec::new(),
            waiting: Vec::new(),
            encoder: None,
        }
    }

    /// Ends the resource before, if the record is of another one.
    fn begin(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError> {
        let is_same = |last: &UsageRecord| {
            (last.source, last.account, last.usage_type, last.resource)
                == (row.source, row.account, row.usage_type, row.resource)
        };
        let last = self.new.last().or(self.gone.last());
        if last.is_some_and(|last| !is_same(last)) { self.end_resource() } else { Ok(()) }
    }

    fn end_resource(&mut self) -> Result<(), StoreError> {
        let id = |record: &UsageRecord| record.id(self.sources.name(record.source), self.period);
        let gone = std::mem::take(&mut self.gone);
        let mut before: HashMap<_, _> = gone.iter().map(|record| (id(record), record)).collect();
        let mut corrections = Vec::with_capacity(self.new.len() + gone.len());
        for record in std::mem::take(&mut self.new) {
            let before = before.remove(&id(&record));
            match before {
                Some(_) => self.change.changed += 1,
                None => self.change.added += 1,
            }
            let changes = before.and_then(|before| changes(before, &record));
            let (before, after) = (before.map(|before| before.quantity), Some(record.quantity));
            corrections.push((id(&record), record, before, after, changes));
        }
        for record in &gone {
            let id = id(record);
            if before.contains_key(&id) {
                self.change.removed += 1;
                corrections.push((id, record.clone(), Some(record.quantity), None, None));
            }
        }
        if !corrections.is_empty() {
            self.change.kind = ChangeKind::Replaced;
        }
        for (_, record, before, after, _) in &corrections {
            let [before, after] = [before, after].map(|quantity| i128::from(quantity.unwrap_or(0)));
            self.moves.add(self.period, record, after - before);
        }
        if self.is_kept {
            let kept = corrections.into_iter().map(|(id, record, before, after, changes)| {
                let (cause, events) = (CorrectionCause::Rebuild, Vec::new());
                Correction { record, id, before, after, changes, cause, events }
            });
            self.waiting.extend(kept);
            if self.waiting.len() >= CHUNK {
                self.write()?;
            }
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.causes.settle(&mut waiting, &self.seen, self.period)?;
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            None => self.encoder.insert(CorrectionEncoder::new(self.period, self.sources)?),
        };
        waiting.into_iter().try_for_each(|correction| encoder.push(correction))
    }

    /// The changes; with the corrections, if there are any and they are kept.
    pub(super) fn finish(mut self) -> Result<Compared, StoreError> {
        self.end_resource()?;
        if !self.waiting.is_empty() {
            self.write()?;
        }
        let encoded = self.encoder.map(CorrectionEncoder::finish).transpose()?;
        Ok(Compared { change: self.change, moves: self.moves, corrections: encoded })
    }
}

/// The records of one resource come together.
impl TakeDifference for Corrections<'_> {
    fn take_gone(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError> {
        self.begin(row)?;
        self.gone.push(row.to_record());
        Ok(())
    }

    fn take_new(&mut self, row: &RecordRow<'_>) -> Result<(), StoreError> {
        self.begin(row)?;
        self.new.push(row.to_record());
        Ok(())
    }
}

/// The fields besides the quantity that two records of one id have different, by the names
/// of the export's columns.
fn changes(before: &UsageRecord, after: &UsageRecord) -> Option<Text> {
    let mut changes: Vec<String> = Vec::new();
    let mut compare = |name: &str, before: Option<&dyn Display>, after: Option<&dyn Display>| {
        let shown = |value: Option<&dyn Display>| {
            value.map_or_else(|| "nothing".to_owned(), |value| value.to_string())
        };
        let (before, after) = (shown(before), shown(after));
        if before != after {
            changes.push(format!("{name}: {before} -> {after}"));
        }
    };
    macro_rules! fields {
        ($($name:literal: $field:ident),* $(,)?) => { $(
            compare(
                $name,
                before.$field.as_ref().map(|value| value as &dyn Display),
                after.$field.as_ref().map(|value| value as &dyn Display),
            );
        )* };
    }
    fields! {
        "name": name,
        "offeringid": offering,
        "templateid": template,
        "type": resource_type,
        "size": size,
        "virtualsize": virtual_size,
        "issourcenat": is_source_nat,
        "iselastic": is_elastic,
        "isdefault": is_default,
    }
    (!changes.is_empty()).then(|| Text::new(changes.join("; ")))
}
