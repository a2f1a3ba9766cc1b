//! Moves: what an event may do to the number of open uses, one for each usage type that it
//! matters to.
//!
//! The second way of summing up a day knows no segments. It counts how many uses are open
//! and adds up that number over time, so all it needs of an event is whether it may begin
//! or end a use, of what, and when.

use cloudtally_model::{
    AccountId, Effect, EventId, Instant, Part, ResourceId, SegmentRow, SourceId, UsageType,
    UsageTypeId, ZoneId, event_code, kinds_of, meters, usage_type,
};
use cloudtally_store::EventColumns;

use crate::window::Removals;

/// The moves of a window, and its events by whether anything meters them.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// In no order.
    pub(super) moves: Vec<Move>,
    /// Instants of the events that something meters.
    pub(super) metered: Vec<Instant>,
    /// Instants of the events that nothing meters.
    pub(super) unmetered: Vec<Instant>,
}

/// One event, as far as one usage type goes. Moves are taken in their order: by what is
/// used, then by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Move {
    pub(super) used: Used,
    pub(super) at: Instant,
    /// An account that is removed ends what was begun in that very instant.
    is_last: bool,
    id: EventId,
    pub(super) part: PartOf,
    pub(super) kind: Kind,
    pub(super) account: AccountId,
    /// False for open storage of nothing.
    pub(super) counts: bool,
}

/// A resource under a usage type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Used {
    pub(super) source: SourceId,
    pub(super) usage_type: UsageTypeId,
    pub(super) resource: ResourceId,
}

/// The part of a resource that is used by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PartOf {
    /// The resource as a whole.
    Whole,
    /// Its presence in one zone; or in no zone that is known.
    Zone(ZoneId),
    /// One of its NICs.
    Nic(u64),
}

/// The kinds of moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A use begins.
    Open,
    /// A use that is open changes, and has this owner from now on.
    Split,
    /// The use of this part ends.
    Close,
    /// All uses of the resource end.
    CloseAll,
    /// All that this account has in use ends.
    Removed,
}

impl Used {
    /// The resource of a segment.
    pub(super) fn of(segment: SegmentRow<'_>) -> Self {
        let (source, usage_type) = (segment.source(), segment.usage_type());
        Self { source, usage_type, resource: segment.resource() }
    }
}

impl PartOf {
    /// The part that a segment is of.
    pub(super) fn of(segment: SegmentRow<'_>) -> Self {
        match row(segment.usage_type()).part {
            Part::Whole => Self::Whole,
            Part::Zone => Self::Zone(segment.zone()),
            Part::Nic => Self::Nic(segment.nic().0),
        }
    }

    /// Tells whether an end of this part is one of `open`: what has no zone is ended in any,
    /// and an end without a zone is one in all.
    pub(super) fn ends(self, open: Self) -> bool {
        match (self, open) {
            (Self::Zone(zone), Self::Zone(open)) => {
                zone == open || zone.is_none() || open.is_none()
            }
            _ => self == open,
        }
    }
}

impl Moves {
    /// The moves of some events. `to` is the end of the window.
    pub(crate) fn of(
        source: SourceId,
        events: &EventColumns,
        removals: &Removals,
        to: Instant,
    ) -> Self {
        let mut all = Self::default();
        for (at, code) in events.by_type(event_code).enumerate() {
            let created = events.created(at);
            let Some(code) = code else {
                all.unmetered.push(created);
                continue;
            };
            all.metered.push(created);
            let account = events.account(at);
            let removed = removals.get(&(source, account)).copied();
            for meter in kinds_of(code).flat_map(|kind| meters(code, kind)) {
                let of = meter.usage_type;
                let next = Move {
                    used: Used { source, usage_type: of.id, resource: events.resource(at) },
                    at: created,
                    is_last: false,
                    id: events.id(at),
                    part: match of.part {
                        Part::Whole => PartOf::Whole,
                        Part::Zone => PartOf::Zone(events.zone(at)),
                        Part::Nic => PartOf::Nic(events.name(at).map_or(0, nic)),
                    },
                    kind: match meter.effect {
                        Effect::Open | Effect::OpenKnown => Kind::Open,
                        Effect::Split(_) => Kind::Split,
                        Effect::Close(_) => Kind::Close,
                        Effect::CloseAll(_) => Kind::CloseAll,
                    },
                    account,
                    counts: counts(of.id, events.size(at)),
                };
                all.push(next, removed, to);
            }
        }
        all
    }

    /// Takes a move, and beside one that gives something to an account the removal of that
    /// account. A removed account is given nothing.
    fn push(&mut self, next: Move, removed: Option<Instant>, to: Instant) {
        let gives = matches!(next.kind, Kind::Open | Kind::Split);
        match removed.filter(|_| gives) {
            Some(removed) if removed < next.at => {}
            Some(removed) if removed < to => {
                self.moves.push(next);
                self.moves.push(next.removed(removed));
            }
            _ => self.moves.push(next),
        }
    }

    /// Adds the removals of accounts that have something in use when the window begins.
    pub(super) fn end_of(&mut self, open: SegmentRow<'_>, removed: Instant) {
        let next = Move {
            used: Used::of(open),
            at: removed,
            is_last: true,
            id: EventId(0),
            part: PartOf::of(open),
            kind: Kind::Removed,
            account: open.account(),
            counts: true,
        };
        self.moves.push(next);
    }

    /// Adds others.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.moves.append(&mut other.moves);
        self.metered.append(&mut other.metered);
        self.unmetered.append(&mut other.unmetered);
    }
}

impl Move {
    fn removed(self, at: Instant) -> Self {
        Self { at, is_last: true, kind: Kind::Removed, ..self }
    }
}

/// Tells whether use of a resource with this size counts: storage of nothing does not.
pub(super) fn counts(usage_type: UsageTypeId, size: Option<u64>) -> bool {
    !(row(usage_type).zero_size_is_nothing && size == Some(0))
}

fn row(id: UsageTypeId) -> &'static UsageType {
    usage_type(id).expect("what is in use has a type of the table")
}

/// The number of a NIC, which stands where other events have a name; 0 if it is none.
fn nic(name: &str) -> u64 {
    name.trim().parse().unwrap_or(0)
}
