//! Moves: the plus and minus of each usage type, one row for each event that it may matter to.
//!
//! The second way of summing up a day knows no segments. It counts how many uses are open
//! and adds up that number over time, so all it needs of an event is whether it may begin
//! or end a use, of what, and when.

use cloudtally_model::{
    Effect, Instant, Part, Period, SegmentColumns, SourceId, UsageType, UsageTypeId, ZoneId,
    event_code, kinds_of, meters, row_number, usage_type,
};
use cloudtally_store::EventColumns;
use polars::prelude::{Column, DataFrame, NamedFrom, PolarsError, Series};

use crate::window::Removals;

/// The kinds of moves, as the column `kind` has them.
pub(super) mod kind {
    /// A use begins.
    pub(crate) const OPEN: i32 = 1;
    /// A use changes, if there is one: it may have another owner from now on.
    pub(crate) const SPLIT: i32 = 2;
    /// The use of this part of a resource ends.
    pub(crate) const CLOSE: i32 = 3;
    /// The use of a resource in a zone ends, in all zones if there is none; what is in use
    /// without a zone ends in any.
    pub(crate) const CLOSE_ZONE: i32 = 4;
    /// All uses of the resource end.
    pub(crate) const CLOSE_ALL: i32 = 5;
    /// The account was removed: what it has in use ends.
    pub(crate) const REMOVED: i32 = 6;
}

/// The rank of moves at one instant: uses from before the window come first, the removal of
/// an account last, which ends what was begun in that very instant.
pub(super) mod rank {
    pub(crate) const BEFORE: i32 = 0;
    pub(crate) const EVENT: i32 = 1;
    pub(crate) const REMOVED: i32 = 2;
}

/// The part of a resource that has no zone, or whose close has none.
pub(super) const NO_ZONE: i64 = -1;

/// Moves, as columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moves {
    /// Source and usage type, as one number.
    usage: Vec<u32>,
    resource: Vec<u64>,
    /// The zone or the NIC; 0 where a resource is one.
    part: Vec<i64>,
    /// Milliseconds since 1970.
    at: Vec<i64>,
    rank: Vec<i32>,
    id: Vec<u64>,
    kind: Vec<i32>,
    account: Vec<u64>,
    /// 0 for open storage of nothing, else 1.
    weight: Vec<i64>,
    /// Events that nothing meters.
    unmetered: Vec<i64>,
    /// Events that something meters.
    metered: Vec<i64>,
}

/// One move.
struct Move {
    usage: u32,
    resource: u64,
    part: i64,
    at: Instant,
    rank: i32,
    id: u64,
    kind: i32,
    account: u64,
    weight: i64,
}

/// A source and a usage type as one number.
fn usage_key(source: SourceId, usage_type: UsageTypeId) -> u32 {
    u32::from(source.0) << 16 | u32::from(usage_type.0)
}

/// The source and the usage type of a [`usage_key`].
pub(super) fn usage_of(key: u32) -> (SourceId, UsageTypeId) {
    let half = |bits: u32| u16::try_from(bits & 0xffff).expect("16 bits");
    (SourceId(half(key >> 16)), UsageTypeId(half(key)))
}

impl Moves {
    /// The moves of some events. `to` is the end of the window.
    pub(crate) fn of_events(
        source: SourceId,
        events: &EventColumns,
        removals: &Removals,
        to: Instant,
    ) -> Self {
        let mut moves = Self::default();
        for (row, code) in events.by_type(event_code).enumerate() {
            let at = events.created(row);
            let Some(code) = code else {
                moves.unmetered.push(at.as_millis());
                continue;
            };
            moves.metered.push(at.as_millis());
            for meter in kinds_of(code).flat_map(|kind| meters(code, kind)) {
                let of = meter.usage_type;
                let part = match of.part {
                    Part::Whole => 0,
                    Part::Zone => zone_part(events.zone(row)),
                    Part::Nic => events.name(row).map_or(0, nic_part),
                };
                let kind = match meter.effect {
                    Effect::Open | Effect::OpenKnown => kind::OPEN,
                    Effect::Split(_) => kind::SPLIT,
                    Effect::Close(_) if of.part == Part::Zone => kind::CLOSE_ZONE,
                    Effect::Close(_) => kind::CLOSE,
                    Effect::CloseAll(_) => kind::CLOSE_ALL,
                };
                let event = Move {
                    usage: usage_key(source, of.id),
                    resource: events.resource(row).0,
                    part,
                    at,
                    rank: rank::EVENT,
                    id: events.id(row).0,
                    kind,
                    account: events.account(row).0,
                    weight: weight(of, events.size(row)),
                };
                moves.push(event, removals.get(&(source, events.account(row))).copied(), to);
            }
        }
        moves
    }

    /// The uses that are open when a window begins.
    pub(crate) fn of_open(
        open: &SegmentColumns,
        removals: &Removals,
        (from, to): (Instant, Instant),
    ) -> Self {
        let mut moves = Self::default();
        for segment in open.rows() {
            let of = usage_type(segment.usage_type()).expect("segments come from the table");
            let part = match of.part {
                Part::Whole => 0,
                Part::Zone => zone_part(segment.zone()),
                Part::Nic => segment.nic().0.cast_signed(),
            };
            let before = Move {
                usage: usage_key(segment.source(), of.id),
                resource: segment.resource().0,
                part,
                at: from,
                rank: rank::BEFORE,
                id: 0,
                kind: kind::OPEN,
                account: segment.account().0,
                weight: weight(of, segment.size()),
            };
            let removed = removals.get(&(segment.source(), segment.account())).copied();
            // Told late: it ends as soon as it may.
            moves.push(before, removed.map(|at| at.max(from)), to);
        }
        moves
    }

    /// Takes a move, unless its account was removed before, and the removal beside it.
    fn push(&mut self, next: Move, removed: Option<Instant>, to: Instant) {
        let begins = matches!(next.kind, kind::OPEN | kind::SPLIT);
        let removed = removed.filter(|_| begins);
        if removed.is_some_and(|removed| removed < next.at) {
            return;
        }
        if let Some(removed) = removed.filter(|removed| *removed < to) {
            self.put(&Move { at: removed, rank: rank::REMOVED, kind: kind::REMOVED, ..next });
        }
        self.put(&next);
    }

    fn put(&mut self, next: &Move) {
        self.usage.push(next.usage);
        self.resource.push(next.resource);
        self.part.push(next.part);
        self.at.push(next.at.as_millis());
        self.rank.push(next.rank);
        self.id.push(next.id);
        self.kind.push(next.kind);
        self.account.push(next.account);
        self.weight.push(next.weight);
    }

    /// Adds others.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.usage.append(&mut other.usage);
        self.resource.append(&mut other.resource);
        self.part.append(&mut other.part);
        self.at.append(&mut other.at);
        self.rank.append(&mut other.rank);
        self.id.append(&mut other.id);
        self.kind.append(&mut other.kind);
        self.account.append(&mut other.account);
        self.weight.append(&mut other.weight);
        self.unmetered.append(&mut other.unmetered);
        self.metered.append(&mut other.metered);
    }

    /// Instants of the events that nothing meters, and of those that something does.
    pub(super) fn take_events(&mut self) -> [Vec<i64>; 2] {
        [std::mem::take(&mut self.unmetered), std::mem::take(&mut self.metered)]
    }

    /// As a table of polars, with the number of the period of each and the milliseconds that
    /// are left of it.
    pub(super) fn into_frame(self, periods: &[Period]) -> Result<DataFrame, PolarsError> {
        let height = self.usage.len();
        let period = |at: &i64| periods.partition_point(|p| p.end.as_millis() <= *at);
        let index: Vec<usize> = self.at.iter().map(period).collect();
        let left = index.iter().zip(&self.at).map(|(at, now)| periods[*at].end.as_millis() - now);
        let left: Vec<i64> = left.collect();
        let index: Vec<u32> = index.into_iter().map(row_number).collect();
        let columns: Vec<Column> = vec![
            Series::new("usage".into(), self.usage).into(),
            Series::new("resource".into(), self.resource).into(),
            Series::new("part".into(), self.part).into(),
            Series::new("at".into(), self.at).into(),
            Series::new("rank".into(), self.rank).into(),
            Series::new("id".into(), self.id).into(),
            Series::new("kind".into(), self.kind).into(),
            Series::new("account".into(), self.account).into(),
            Series::new("weight".into(), self.weight).into(),
            Series::new("period".into(), index).into(),
            Series::new("left".into(), left).into(),
        ];
        DataFrame::new(height, columns)
    }
}

fn zone_part(zone: ZoneId) -> i64 {
    zone.number().map_or(NO_ZONE, u64::cast_signed)
}

/// The number of a NIC, which stands where other events have a name; 0 if it is none.
fn nic_part(name: &str) -> i64 {
    name.trim().parse::<u64>().map_or(0, u64::cast_signed)
}

fn weight(of: &UsageType, size: Option<u64>) -> i64 {
    i64::from(!(of.zero_size_is_nothing && size == Some(0)))
}
