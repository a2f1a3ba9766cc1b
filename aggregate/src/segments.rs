//! The segments of a window, each kept once, as columns, and in the two orders that files
//! have.
//!
//! They lie in *record order*: source, account, usage type, resource, start. A period's
//! records are then read off from front to back, and nobody sorts a period. The order of
//! the files of open segments is an index beside them.

use cloudtally_model::{
    AccountId, EventId, Instant, NicId, Period, ResourceId, SegmentColumns, SegmentRow, SourceId,
    UsageTypeId, row_index, row_number,
};
use rayon::prelude::*;

use crate::records::{Shown, ShownFields};

/// Segments in record order.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    columns: SegmentColumns,
    /// The fields that records of each show.
    fields: Vec<ShownFields>,
    /// Number of the run of each: those of one resource, account and type have the same.
    runs: Vec<u32>,
    /// Rows in the order of the files of open segments.
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
struct RunKey {
    source: SourceId,
    account: AccountId,
    usage_type: UsageTypeId,
    resource: ResourceId,
}

/// The place of a segment in the order of [`cloudtally_model::Segment`], but for ties.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ThingKey {
    source: SourceId,
    usage_type: UsageTypeId,
    resource: ResourceId,
    nic: NicId,
    start: Instant,
}

impl RunKey {
    fn of(segment: SegmentRow<'_>) -> Self {
        Self {
            source: segment.source(),
            account: segment.account(),
            usage_type: segment.usage_type(),
            resource: segment.resource(),
        }
    }
}

impl Segments {
    /// Sorts them.
    pub(crate) fn new(segments: SegmentColumns) -> Self {
        let keys = (0..segments.height()).into_par_iter().map(|at| {
            let segment = segments.row(at);
            RecordKey {
                run: RunKey::of(segment),
                start: segment.start(),
                opened_by: segment.opened_by(),
                at: row_number(at),
            }
        });
        let mut keys: Vec<RecordKey> = keys.collect();
        keys.par_sort_unstable();
        let order: Vec<u32> = keys.iter().map(|key| key.at).collect();
        let mut run = 0;
        let runs = (0..keys.len()).map(|at| {
            run += u32::from(at > 0 && keys[at - 1].run != keys[at].run);
            run
        });
        let runs = runs.collect();
        drop(keys);
        let mut columns = SegmentColumns::default();
        columns.gather(&segments, &order);
        drop((order, segments));
        let by_thing = by_thing(&columns);
        let fields = columns.usage_type.iter().map(|id| ShownFields::of(*id)).collect();
        Self { columns, fields, runs, by_thing }
    }

    /// The segments, in record order.
    pub(crate) fn columns(&self) -> &SegmentColumns {
        &self.columns
    }

    /// A segment as the fields of a record.
    #[inline]
    pub(crate) fn shown(&self, row: usize) -> Shown<'_> {
        Shown::new(self.columns.row(row), self.fields[row])
    }

    /// Rows that have a part inside a period, in record order, with the number of their run
    /// and the length of that part in milliseconds.
    pub(crate) fn inside(&self, period: Period) -> impl Iterator<Item = Inside> {
        let bounds = self.columns.start.iter().zip(&self.columns.end).zip(&self.runs);
        bounds.enumerate().filter_map(move |(row, ((start, end), run))| {
            let millis = (*end).min(period.end).since((*start).max(period.start)).0;
            (millis > 0).then(|| Inside { row, run: *run, millis: millis.cast_unsigned() })
        })
    }

    /// Rows open at `end` (a boundary inside the window or its end) in the order of files. A
    /// segment that ends exactly at the boundary is still open there; its end belongs to
    /// the next period.
    pub(crate) fn open_at(&self, end: Instant) -> Vec<u32> {
        let is_open = |row: &u32| {
            let row = row_index(*row);
            self.columns.start[row] < end && self.columns.end[row] >= end
        };
        self.by_thing.iter().copied().filter(is_open).collect()
    }

    /// Like [`Self::open_at`], as a later window should find them: not yet ended.
    pub(crate) fn open_after(&self, end: Instant) -> SegmentColumns {
        let mut open = SegmentColumns::default();
        open.gather(&self.columns, &self.open_at(end));
        open.unended()
    }
}

/// The part of a segment inside a period.
#[derive(Clone, Copy)]
pub(crate) struct Inside {
    pub(crate) row: usize,
    pub(crate) run: u32,
    pub(crate) millis: u64,
}

fn by_thing(segments: &SegmentColumns) -> Vec<u32> {
    let keys = (0..segments.height()).into_par_iter().map(|at| {
        let segment = segments.row(at);
        let key = ThingKey {
            source: segment.source(),
            usage_type: segment.usage_type(),
            resource: segment.resource(),
            nic: segment.nic(),
            start: segment.start(),
        };
        (key, row_number(at))
    });
    let mut keys: Vec<(ThingKey, u32)> = keys.collect();
    keys.par_sort_unstable_by(|(a, a_at), (b, b_at)| {
        a.cmp(b).then_with(|| {
            // What is open has no end, so the rest of the order decides.
            let rest = |at: u32| {
                let segment = segments.row(row_index(at)).to_segment();
                (segment.account, segment.attributes, segment.opened_by)
            };
            rest(*a_at).cmp(&rest(*b_at))
        })
    });
    keys.into_iter().map(|(_, at)| at).collect()
}
