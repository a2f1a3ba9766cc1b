//! The slow twin: the rules again in other words.
//!
//! For every period, every event since the beginning is replayed and every
//! stretch of use is cut; nothing is carried over and nothing is shared with the
//! crate but the words of the model. What the table of usage types says is said
//! here once more, by hand.
//!
//! # Source
//! Usage rules 3 and 4.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{
    AccountId, Calendar, EventId, Instant, NetworkId, NicId, Period, SourceId, Text, UsageEvent,
    UsageRecord, UsageTypeId, ZoneId,
};

/// All that a source has told.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) events: Vec<UsageEvent>,
    pub(crate) removed: BTreeMap<AccountId, Instant>,
}

/// The attributes in an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Facts {
    zone: ZoneId,
    offering: Option<u64>,
    template: Option<u64>,
    size: Option<u64>,
    virtual_size: Option<u64>,
    name: Option<Text>,
    resource_type: Option<Text>,
}

impl Facts {
    fn of(event: &UsageEvent) -> Self {
        Self {
            zone: event.zone,
            offering: event.offering.map(|o| o.0),
            template: event.template.map(|t| t.0),
            size: event.size,
            virtual_size: event.virtual_size,
            name: event.resource_name.clone(),
            resource_type: event.resource_type.clone(),
        }
    }

    /// The values given, and for those that are not the known ones.
    fn or(mut self, known: &Facts) -> Self {
        if self.zone.is_none() {
            self.zone = known.zone;
        }
        self.offering = self.offering.or(known.offering);
        self.template = self.template.or(known.template);
        self.size = self.size.or(known.size);
        self.virtual_size = self.virtual_size.or(known.virtual_size);
        self.name = self.name.or_else(|| known.name.clone());
        self.resource_type = self.resource_type.or_else(|| known.resource_type.clone());
        self
    }
}

/// One stretch of use.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    usage_type: u16,
    resource: u64,
    nic: u64,
    account: AccountId,
    facts: Facts,
    start: Instant,
    end: Option<Instant>,
    opened_by: EventId,
    closed_by: Option<EventId>,
}

impl Stretch {
    /// The time it lasted until then; storage of nothing uses nothing.
    pub(crate) fn used_ms(&self, until: Instant) -> u64 {
        let end = self.end.unwrap_or(until).min(until);
        let nothing = matches!(self.usage_type, 7 | 8) && self.facts.size == Some(0);
        if nothing { 0 } else { u64::try_from(end.since(self.start).0).unwrap() }
    }
}

/// The instant, the event, its type and its resource.
pub(crate) type Odd = (Instant, Option<EventId>, u16, u64);

/// Everything used before `until`, and what was odd.
pub(crate) fn replay(history: &History, until: Instant) -> (Vec<Stretch>, Vec<Odd>) {
    let mut events: Vec<&UsageEvent> =
        history.events.iter().filter(|event| event.created < until).collect();
    events.sort_by_key(|event| (event.created, event.id));
    let mut twin = Twin::new(&history.removed);
    for event in events {
        twin.remove_accounts(event.created);
        twin.event(event);
    }
    twin.remove_accounts(until);
    (twin.stretches, twin.odd)
}

struct Twin<'a> {
    removed: &'a BTreeMap<AccountId, Instant>,
    stretches: Vec<Stretch>,
    odd: Vec<Odd>,
    vms: BTreeMap<u64, Facts>,
    volumes: BTreeMap<u64, Facts>,
}

impl<'a> Twin<'a> {
    fn new(removed: &'a BTreeMap<AccountId, Instant>) -> Self {
        Self {
            removed,
            stretches: Vec::new(),
            odd: Vec::new(),
            vms: BTreeMap::new(),
            volumes: BTreeMap::new(),
        }
    }

    fn event(&mut self, event: &UsageEvent) {
        let vm = event.resource.0;
        let said = Facts::of(event);
        let known =
            |of: &BTreeMap<u64, Facts>| said.clone().or(&of.get(&vm).cloned().unwrap_or_default());
        let nic = event.resource_name.as_deref().and_then(|n| n.trim().parse().ok()).unwrap_or(0);
        let anywhere = |_: &Stretch| true;
        let here = |stretch: &Stretch| {
            event.zone.is_none() || stretch.facts.zone.is_none() || stretch.facts.zone == event.zone
        };
        match event.event_type.as_str() {
            "VM.CREATE" => {
                self.open(2, event, 0, said.clone());
                self.vms.insert(vm, said);
            }
            "VM.START" => {
                let facts = known(&self.vms);
                self.open(1, event, 0, facts.clone());
                self.change(2, event, &facts);
                self.vms.insert(vm, facts);
            }
            "VM.UPGRADE" | "VM.DYNAMIC.SCALE" => {
                let facts = known(&self.vms);
                self.change(1, event, &facts);
                if !self.change(2, event, &facts) {
                    self.odd(event, 2);
                }
                self.vms.insert(vm, facts);
            }
            "VM.STOP" => self.close_own(1, event, &anywhere),
            "VM.DESTROY" => {
                self.close(1, event, &anywhere);
                self.close(13, event, &anywhere);
                if !self.close(2, event, &anywhere) {
                    self.odd(event, 2);
                }
            }
            "NET.IPASSIGN" | "PORTABLE.IPASSIGN" => self.open(3, event, 0, said),
            "NET.IPRELEASE" | "PORTABLE.IPRELEASE" => self.close_own(3, event, &anywhere),
            "VOLUME.CREATE" | "VOLUME.UPLOAD" => {
                self.open(6, event, 0, said.clone());
                self.volumes.insert(vm, said);
            }
            "VOLUME.RESIZE" => {
                let facts = known(&self.volumes);
                if !self.change(6, event, &facts) {
                    self.odd(event, 6);
                }
                self.volumes.insert(vm, facts);
            }
            "VOLUME.DELETE" => self.close_own(6, event, &anywhere),
            "TEMPLATE.CREATE" | "TEMPLATE.COPY" => self.open(7, event, 0, said),
            "TEMPLATE.DELETE" => self.close_own(7, event, &here),
            "ISO.CREATE" | "ISO.COPY" => self.open(8, event, 0, said),
            "ISO.DELETE" => self.close_own(8, event, &here),
            "SNAPSHOT.CREATE" => self.open(9, event, 0, said),
            "SNAPSHOT.DELETE" => self.close_own(9, event, &anywhere),
            "LB.CREATE" => self.open(11, event, 0, said),
            "LB.DELETE" => self.close_own(11, event, &anywhere),
            "NET.RULEADD" => self.open(12, event, 0, said),
            "NET.RULEDELETE" => self.close_own(12, event, &anywhere),
            "NETWORK.OFFERING.ASSIGN" | "NETWORK.OFFERING.CREATE" => {
                self.open(13, event, nic, said);
            }
            "NETWORK.OFFERING.REMOVE" | "NETWORK.OFFERING.DELETE" => {
                self.close_own(13, event, &|stretch| stretch.nic == nic);
            }
            "VPN.USER.ADD" => self.open(14, event, 0, said),
            "VPN.USER.REMOVE" => self.close_own(14, event, &anywhere),
            _ => {}
        }
        self.what_is_in_use_is_known();
    }

    /// The attributes known of a VM or volume that is in use are those of its youngest open
    /// stretch says; only of one that is not in use is it what events said last.
    fn what_is_in_use_is_known(&mut self) {
        for usage_types in [&[1, 2][..], &[6]] {
            let mut youngest: BTreeMap<u64, &Stretch> = BTreeMap::new();
            for stretch in &self.stretches {
                if stretch.end.is_none() && usage_types.contains(&stretch.usage_type) {
                    let best = youngest.entry(stretch.resource).or_insert(stretch);
                    if (best.start, best.opened_by) <= (stretch.start, stretch.opened_by) {
                        *best = stretch;
                    }
                }
            }
            let known = if usage_types.len() == 2 { &mut self.vms } else { &mut self.volumes };
            for (resource, stretch) in youngest {
                known.insert(resource, stretch.facts.clone());
            }
        }
    }

    fn is_removed(&self, event: &UsageEvent) -> bool {
        self.removed.get(&event.account).is_some_and(|removed| *removed < event.created)
    }

    fn open(&mut self, usage_type: u16, event: &UsageEvent, nic: u64, facts: Facts) {
        if self.is_removed(event) {
            return self.odd(event, usage_type);
        }
        let per_zone = usage_type == 7 || usage_type == 8;
        let same_thing = |s: &Stretch| {
            s.end.is_none()
                && s.usage_type == usage_type
                && s.resource == event.resource.0
                && s.nic == nic
                && (!per_zone || s.facts.zone == facts.zone)
        };
        if let Some(at) = self.stretches.iter().position(same_thing) {
            if self.stretches[at].account == event.account && self.stretches[at].facts == facts {
                return self.odd(event, usage_type);
            }
            self.end(at, event.created, Some(event.id));
        }
        self.stretches.push(Stretch {
            usage_type,
            resource: event.resource.0,
            nic,
            account: event.account,
            facts,
            start: event.created,
            end: None,
            opened_by: event.id,
            closed_by: None,
        });
    }

    /// Tells whether there was something to change.
    fn change(&mut self, usage_type: u16, event: &UsageEvent, facts: &Facts) -> bool {
        let open = |s: &Stretch| {
            s.end.is_none() && s.usage_type == usage_type && s.resource == event.resource.0
        };
        let Some(at) = self.stretches.iter().position(open) else { return false };
        let stretch = &self.stretches[at];
        if stretch.facts != *facts || stretch.account != event.account {
            self.open(usage_type, event, 0, facts.clone());
        }
        true
    }

    fn close(
        &mut self,
        usage_type: u16,
        event: &UsageEvent,
        which: &dyn Fn(&Stretch) -> bool,
    ) -> bool {
        let hits: Vec<usize> = (0..self.stretches.len())
            .filter(|at| {
                let s = &self.stretches[*at];
                s.end.is_none()
                    && s.usage_type == usage_type
                    && s.resource == event.resource.0
                    && which(s)
            })
            .collect();
        for at in &hits {
            self.end(*at, event.created, Some(event.id));
        }
        !hits.is_empty()
    }

    fn close_own(&mut self, usage_type: u16, event: &UsageEvent, which: &dyn Fn(&Stretch) -> bool) {
        if !self.close(usage_type, event, which) {
            self.odd(event, usage_type);
        }
    }

    fn remove_accounts(&mut self, before: Instant) {
        let mut removals: Vec<(Instant, AccountId)> =
            self.removed.iter().map(|(account, when)| (*when, *account)).collect();
        removals.sort();
        for (when, account) in removals.into_iter().filter(|(when, _)| *when < before) {
            for at in 0..self.stretches.len() {
                let stretch = &self.stretches[at];
                if stretch.end.is_none() && stretch.account == account {
                    self.odd.push((when, None, stretch.usage_type, stretch.resource));
                    self.end(at, when, None);
                }
            }
            self.what_is_in_use_is_known();
        }
    }

    fn end(&mut self, at: usize, when: Instant, by: Option<EventId>) {
        self.stretches[at].end = Some(when);
        self.stretches[at].closed_by = by;
    }

    fn odd(&mut self, event: &UsageEvent, usage_type: u16) {
        self.odd.push((event.created, Some(event.id), usage_type, event.resource.0));
    }
}

/// The records of one period, each with the events behind it.
pub(crate) fn period_records(
    source: SourceId,
    history: &History,
    period: Period,
) -> BTreeMap<UsageRecord, BTreeSet<EventId>> {
    let (mut stretches, _) = replay(history, period.end);
    stretches.sort_by_key(|s| (s.start, s.opened_by));
    let mut rows: Vec<(UsageRecord, BTreeSet<EventId>)> = Vec::new();
    for stretch in &stretches {
        let start = stretch.start.max(period.start);
        let end = stretch.end.unwrap_or(period.end).min(period.end);
        if start >= end {
            continue;
        }
        let mut record = shown(source, stretch, period);
        let ms = end.since(start).0;
        let nothing = matches!(stretch.usage_type, 7 | 8) && stretch.facts.size == Some(0);
        record.quantity = if nothing { 0 } else { ms };
        let mut ids: BTreeSet<EventId> = [stretch.opened_by].into();
        ids.extend(stretch.closed_by);
        match rows.iter_mut().find(|(known, _)| key(known) == key(&record)) {
            Some((known, events)) => {
                record.quantity += known.quantity;
                *known = record;
                events.extend(ids);
            }
            None => rows.push((record, ids)),
        }
    }
    rows.into_iter().collect()
}

type Key = (u16, u64, u64, Option<u64>, u64, Option<u64>, Option<u64>, Option<u64>);

/// The key that tells records of one source and period apart.
pub(crate) fn key(record: &UsageRecord) -> Key {
    let (offering, template) = (record.offering.map(|o| o.0), record.template.map(|t| t.0));
    let (offering, template, size) = match record.usage_type.0 {
        1 | 2 => (offering, template, None),
        6 => (offering, None, record.size),
        7..=9 => (None, None, record.size),
        13 => (offering, None, None),
        _ => (None, None, None),
    };
    let zone = record.zone.number();
    let id = (record.usage_type.0, record.account.0, record.resource.0);
    (id.0, id.1, id.2, zone, record.nic.0, offering, template, size)
}

fn shown(source: SourceId, stretch: &Stretch, period: Period) -> UsageRecord {
    let facts = &stretch.facts;
    let kind = stretch.usage_type;
    let only = |types: &[u16], value: Option<u64>| value.filter(|_| types.contains(&kind));
    let flag =
        |types: &[u16], value: Option<u64>| types.contains(&kind).then_some(value == Some(1));
    let virtual_size =
        if kind == 8 { facts.virtual_size.or(facts.size) } else { facts.virtual_size };
    UsageRecord {
        source,
        account: stretch.account,
        usage_type: UsageTypeId(kind),
        resource: stretch.resource.into(),
        zone: facts.zone,
        nic: NicId(stretch.nic),
        offering: only(&[1, 2, 6, 9, 13], facts.offering).map(Into::into),
        template: only(&[1, 2, 6, 7], facts.template).map(Into::into),
        size: only(&[6, 7, 8, 9], facts.size),
        network: NetworkId(0),
        resource_type: facts.resource_type.clone().filter(|_| matches!(kind, 1 | 2 | 6)),
        start: period.start,
        corrects: None,
        virtual_size: only(&[7, 8], virtual_size),
        name: facts.name.clone().filter(|_| kind != 13),
        is_source_nat: flag(&[3], facts.size),
        is_elastic: flag(&[3], facts.template),
        is_default: flag(&[13], facts.size),
        quantity: 0,
    }
}

/// The records of several sources (in order of their names) for all complete
/// periods, in the order in which they are served.
pub(crate) fn records(
    histories: &[History],
    calendar: Calendar,
    until: Instant,
) -> Vec<(Period, UsageRecord, BTreeSet<EventId>)> {
    let Some(first) = histories.iter().flat_map(|h| &h.events).map(|e| e.created).min() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for period in calendar.complete_periods(first, until) {
        let mut of_period = Vec::new();
        for (source, history) in (0..).map(SourceId).zip(histories) {
            of_period.extend(period_records(source, history, period));
        }
        of_period.sort();
        all.extend(of_period.into_iter().map(|(record, ids)| (period, record, ids)));
    }
    all
}

/// The anomalies of the complete periods, sorted, by rank of source.
pub(crate) fn oddities(
    histories: &[History],
    calendar: Calendar,
    until: Instant,
) -> Vec<(SourceId, Odd)> {
    let Some(first) = histories.iter().flat_map(|h| &h.events).map(|e| e.created).min() else {
        return Vec::new();
    };
    let Some(last) = calendar.complete_periods(first, until).last() else { return Vec::new() };
    let mut all = Vec::new();
    for (source, history) in (0..).map(SourceId).zip(histories) {
        all.extend(replay(history, last.end).1.into_iter().map(|odd| (source, odd)));
    }
    all.sort();
    all
}
