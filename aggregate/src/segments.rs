//! The segments of a window, each kept once, in the two orders that files have.
//!
//! They lie in *record order*: source, account, usage type, resource, start. A period's
//! records are then read off from front to back, and nobody sorts a period. The order of
//! the files of open segments is an index beside them.

use cloudtally_model::{
    AccountId, EventId, Instant, NicId, Period, ResourceId, Segment, SourceId, UsageTypeId,
};
use rayon::prelude::*;

/// The value in `bounds` of an end that has not come.
const OPEN: Instant = Instant::END_OF_TIME;

/// Segments in record order.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    segments: Vec<Segment>,
    /// Start and end of each, beside each other: whoever looks for those of a period
    /// walks over these alone.
    bounds: Vec<(Instant, Instant)>,
    /// Positions in the order of [`Segment`].
    by_thing: Vec<u32>,
}

/// The place of a segment in record order. Of one resource and type the earlier comes
/// first, as the fields of the latest are shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RecordKey {
    run: RunKey,
    start: Instant,
    opened_by: EventId,
    at: u32,
}

/// The key of segments that may share records.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunKey {
    source: SourceId,
    account: AccountId,
    usage_type: UsageTypeId,
    resource: ResourceId,
}

/// The place of a segment in the order of [`Segment`], but for ties.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ThingKey {
    source: SourceId,
    usage_type: UsageTypeId,
    resource: ResourceId,
    nic: NicId,
    start: Instant,
}

impl RunKey {
    pub(crate) fn of(segment: &Segment) -> Self {
        Self {
            source: segment.source,
            account: segment.account,
            usage_type: segment.usage_type,
            resource: segment.resource,
        }
    }
}

impl Segments {
    /// Sorts them.
    pub(crate) fn new(segments: Vec<Segment>) -> Self {
        let keys = segments.par_iter().enumerate().map(|(at, segment)| RecordKey {
            run: RunKey::of(segment),
            start: segment.start,
            opened_by: segment.opened_by,
            at: position(at),
        });
        let mut keys: Vec<RecordKey> = keys.collect();
        keys.par_sort_unstable();
        let sorted: Vec<Segment> =
            keys.par_iter().map(|key| segments[index(key.at)].clone()).collect();
        drop((keys, segments));
        let bounds = sorted.par_iter().map(|s| (s.start, s.end.unwrap_or(OPEN))).collect();
        let by_thing = by_thing(&sorted);
        Self { segments: sorted, bounds, by_thing }
    }

    /// Those that have a part inside a period, in record order.
    pub(crate) fn inside(&self, period: Period) -> impl Iterator<Item = &Segment> {
        let hit = move |(start, end): (Instant, Instant)| start < period.end && end > period.start;
        let hits = self.bounds.iter().enumerate().filter(move |(_, bounds)| hit(**bounds));
        hits.map(|(at, _)| &self.segments[at])
    }

    /// Those open at `end` (a boundary inside the window or its end) in their own order. A
    /// segment that ends exactly at the boundary is still open there; its end belongs to
    /// the next period.
    pub(crate) fn open_at(&self, end: Instant) -> Vec<&Segment> {
        let is_open = |(start, ended): (Instant, Instant)| start < end && ended >= end;
        let positions = self.by_thing.iter().map(|at| index(*at));
        positions.filter(|at| is_open(self.bounds[*at])).map(|at| &self.segments[at]).collect()
    }

    /// Like [`Self::open_at`], as a later window should find them: not yet ended.
    pub(crate) fn open_after(&self, end: Instant) -> Vec<Segment> {
        let unended = |s: &&Segment| Segment { end: None, closed_by: None, ..(*s).clone() };
        self.open_at(end).par_iter().map(unended).collect()
    }
}

fn by_thing<'s>(segments: &'s [Segment]) -> Vec<u32> {
    let keys = segments.par_iter().enumerate().map(|(at, segment)| {
        let key = ThingKey {
            source: segment.source,
            usage_type: segment.usage_type,
            resource: segment.resource,
            nic: segment.nic,
            start: segment.start,
        };
        (key, position(at))
    });
    let mut keys: Vec<(ThingKey, u32)> = keys.collect();
    keys.par_sort_unstable_by(|(a, a_at), (b, b_at)| {
        a.cmp(b).then_with(|| {
            // What is open has no end, so the rest of the order decides.
            let (a, b) = (&segments[index(*a_at)], &segments[index(*b_at)]);
            let rest = |s: &'s Segment| (s.account, &s.attributes, s.opened_by);
            rest(a).cmp(&rest(b))
        })
    });
    keys.into_iter().map(|(_, at)| at).collect()
}

fn position(at: usize) -> u32 {
    u32::try_from(at).expect("a window is bounded far below that")
}

fn index(at: u32) -> usize {
    usize::try_from(at).expect("positions fit in memory")
}
