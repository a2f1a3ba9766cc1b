//! The bill beside what a cloud says is in use.
//!
//! Clouds lose events: a volume that is gone goes on being billed, another that is there is
//! not. An inventory, a list of what is in use at an instant, shows both: *ghosts* are open
//! in the bill and not in the list, *unbilled* uses are in the list and not open.
//!
//! # Source
//! Usage rules 7; the complaints 3, 5, 7 and 8 of the real server's users.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use cloudtally_model::{
    AccountId, Instant, LiveUse, Millis, NicId, Part, Period, ResourceId, Segment, SegmentColumns,
    SourceName, Text, UsageTypeId, ZoneId, port::LedgerEntry, usage_type, usage_types,
};
use cloudtally_store::{PublishedPeriod, Snapshot, Store};

use crate::{
    AggregateError, WindowLimits,
    job::{is_stale, removals},
    window::WindowFolder,
};

/// A use that one side knows and the other does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The usage type.
    pub usage_type: UsageTypeId,
    /// The resource.
    pub resource: ResourceId,
    /// The zone, of templates and ISOs.
    pub zone: ZoneId,
    /// The NIC, of network offerings; 0 elsewhere.
    pub nic: NicId,
    /// The owner, where it is known.
    pub account: Option<AccountId>,
    /// The name, where it is known.
    pub name: Option<Text>,
    /// Of a ghost the instant since which it is open, of an unbilled use the one at which its
    /// last use ended by the events; none if no event ever told of it.
    pub since: Option<Instant>,
    /// Milliseconds of it in published periods: of a ghost since then, of an unbilled use all
    /// there are.
    pub billed_ms: i64,
}

/// Two lists of what is in use beside each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InventoryReport {
    /// Uses that are the same on both sides.
    pub matched: u64,
    /// Open in the bill, and not in the inventory.
    pub ghosts: Vec<Unmatched>,
    /// In the inventory, and not open in the bill.
    pub unbilled: Vec<Unmatched>,
    /// Usage types that are open in the bill and that the inventory says nothing of.
    pub not_compared: Vec<UsageTypeId>,
}

/// A resource under a usage type.
type Used = (UsageTypeId, ResourceId);
/// The zone or NIC that a use is of; none stands for any.
type PartOf = Option<u64>;

/// Holds what is in use by the events of a source, at an instant, against a list of it.
/// Usage types that the list does not name are left out.
pub fn beside_inventory(
    store: &Store,
    source: &SourceName,
    uses: &[LiveUse],
    at: Instant,
) -> Result<InventoryReport, AggregateError> {
    let types = uses.iter().map(|live| live.usage_type).collect();
    compare(store, source, uses, &types, at)
}

/// Holds what is in use by the events of our own cloud against its ledger, which knows of no
/// events, at the end of what is published.
pub fn beside_ledger(
    store: &Store,
    source: &SourceName,
    entries: &[LedgerEntry],
) -> Result<InventoryReport, AggregateError> {
    let Some(end) = store.snapshot()?.published_end() else {
        return Ok(InventoryReport::default());
    };
    let lasts = |entry: &&LedgerEntry| {
        entry.start < end
            && entry.end.is_none_or(|ended| ended >= end)
            && !entry.what.usage_type.is_bytes()
    };
    let live = entries.iter().filter(lasts).map(|entry| LiveUse {
        usage_type: entry.what.usage_type,
        resource: entry.what.resource,
        zone: Some(entry.what.zone),
        nic: Some(entry.what.nic),
        account: Some(entry.what.account),
        name: None,
    });
    let types = usage_types().iter().map(|row| row.id).collect();
    compare(store, source, &live.collect::<Vec<_>>(), &types, end)
}

fn compare(
    store: &Store,
    source: &SourceName,
    uses: &[LiveUse],
    types: &BTreeSet<UsageTypeId>,
    at: Instant,
) -> Result<InventoryReport, AggregateError> {
    let snapshot = store.snapshot()?;
    let mut report = InventoryReport::default();
    let Some(source) = snapshot.sources.id(source.as_str()) else {
        report.unbilled = uses.iter().map(|live| unbilled(live, None, 0)).collect();
        return Ok(report);
    };
    let removals = removals(&snapshot, store)?;
    let folder = WindowFolder::new(store, &snapshot, &removals, u64::MAX);
    let published = Published::of(&snapshot);
    let mut listed: HashMap<Used, Vec<PartOf>> = HashMap::new();
    for live in uses {
        let part = part_of(live.usage_type, live.zone, live.nic);
        listed.entry((live.usage_type, live.resource)).or_default().push(part);
    }
    // 1. What is open, beside the list.
    let (mut open, mut not_compared) = (HashMap::<Used, Vec<PartOf>>::new(), BTreeSet::new());
    let rows = open_at(&folder, store, &snapshot, at)?;
    for segment in rows.rows().filter(|segment| segment.source() == source) {
        let used = (segment.usage_type(), segment.resource());
        if !types.contains(&used.0) {
            not_compared.insert(used.0);
            continue;
        }
        let part = part_of(used.0, Some(segment.zone()), Some(segment.nic()));
        open.entry(used).or_default().push(part);
        if listed.get(&used).is_some_and(|listed| has(listed, part)) {
            report.matched += 1;
            continue;
        }
        report.ghosts.push(Unmatched {
            usage_type: used.0,
            resource: used.1,
            zone: segment.zone(),
            nic: segment.nic(),
            account: Some(segment.account()),
            name: segment.name().map(Text::new),
            since: Some(segment.start()),
            billed_ms: published.within(segment.start(), at),
        });
    }
    report.not_compared = not_compared.into_iter().collect();
    // 2. What is listed and not open, and what became of it.
    let is_open = |live: &&LiveUse| {
        let part = part_of(live.usage_type, live.zone, live.nic);
        open.get(&(live.usage_type, live.resource)).is_some_and(|open| has(open, part))
    };
    let missing: Vec<&LiveUse> = uses.iter().filter(|live| !is_open(live)).collect();
    let groups = missing
        .iter()
        .filter_map(|live| Some((source, usage_type(live.usage_type)?.kind, live.resource)));
    let past = folder.histories(&groups.collect(), at)?;
    report.unbilled = missing
        .into_iter()
        .map(|live| {
            let part = part_of(live.usage_type, live.zone, live.nic);
            let is_of = |s: &&Segment| {
                let of = part_of(s.usage_type, Some(s.attributes.zone), Some(s.nic));
                (s.usage_type, s.resource) == (live.usage_type, live.resource) && has(&[of], part)
            };
            let of_it = past.iter().filter(is_of);
            let last = of_it.clone().filter_map(|segment| segment.end).max();
            let billed = of_it.map(|s| published.within(s.start, s.end.unwrap_or(at))).sum();
            unbilled(live, last, billed)
        })
        .collect();
    Ok(report)
}

fn unbilled(live: &LiveUse, since: Option<Instant>, billed_ms: i64) -> Unmatched {
    Unmatched {
        usage_type: live.usage_type,
        resource: live.resource,
        zone: live.zone.unwrap_or(ZoneId::NONE),
        nic: live.nic.unwrap_or(NicId(0)),
        account: live.account,
        name: live.name.clone(),
        since,
        billed_ms,
    }
}

/// The zone or NIC of a use, where its type has a use of its own for each.
fn part_of(id: UsageTypeId, zone: Option<ZoneId>, nic: Option<NicId>) -> PartOf {
    match usage_type(id)?.part {
        Part::Whole => None,
        Part::Zone => zone?.number(),
        Part::Nic => Some(nic?.0),
    }
}

fn has(parts: &[PartOf], part: PartOf) -> bool {
    parts.iter().any(|other| part.is_none() || other.is_none() || *other == part)
}

/// The uses that are open at an instant by all events up to it.
fn open_at(
    folder: &WindowFolder<'_>,
    store: &Store,
    snapshot: &Snapshot,
    at: Instant,
) -> Result<SegmentColumns, AggregateError> {
    let is_state = |known: &&PublishedPeriod| {
        known.segments.is_some() && known.period.end <= at && !is_stale(snapshot, known)
    };
    let state = snapshot.periods.iter().rev().find(is_state);
    let (mut open, mut from) = match state {
        Some(known) => (store.open_columns(known, &snapshot.sources)?, known.period.end),
        None => (SegmentColumns::default(), snapshot.earliest().unwrap_or(at)),
    };
    while from < at {
        // Halves until it fits memory.
        let mut length = at.since(from).0;
        let most = WindowLimits::default().events;
        while length > Millis::HOUR.0 && folder.events_at_most(from, from + Millis(length)) > most {
            length /= 2;
        }
        let to = from + Millis(length);
        open = folder.fold(&open, (from, to))?.segments.open_after(to);
        from = to;
    }
    Ok(open)
}

/// The time that is published.
struct Published(Vec<Period>);

impl Published {
    fn of(snapshot: &Snapshot) -> Self {
        Self(snapshot.published().into_iter().map(|(extent, _)| extent).collect())
    }

    /// Milliseconds of published time between two instants.
    fn within(&self, from: Instant, to: Instant) -> i64 {
        let first = self.0.partition_point(|extent| extent.end <= from);
        let overlap = |extent: &Period| to.min(extent.end).since(from.max(extent.start)).0.max(0);
        self.0[first..].iter().take_while(|extent| extent.start < to).map(overlap).sum()
    }
}

/// `VOLUME 17 (`data-1`) of account 3`
impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = usage_type(self.usage_type);
        write!(f, "{} {}", row.map_or("", |row| row.constant), self.resource)?;
        match (row.map(|row| row.part), self.zone.number()) {
            (Some(Part::Nic), _) => write!(f, ", NIC {}", self.nic)?,
            (Some(Part::Zone), Some(zone)) => write!(f, " in zone {zone}")?,
            _ => {}
        }
        if let Some(name) = &self.name {
            write!(f, " (`{name}`)")?;
        }
        match self.account {
            Some(account) => write!(f, " of account {account}"),
            None => Ok(()),
        }
    }
}
