//! Events of one resource, in order, become segments.
//!
//! The fold is a small state machine driven by the table of usage types: it
//! knows nothing of VMs or volumes, only of the effects an event has. It is
//! restartable: the open segments at the end of one period are all the state the
//! next one needs, because what is known of a resource in use is what its youngest
//! open segment says. (A VM with nothing open that is started by an event with
//! empty attributes needs its past; see [`Fold::known`].)
//!
//! Worked example, the guide's: CREATE at 12:00, START 12:00, STOP 18:00, START
//! 23:00. Type 2 has one segment from 12:00, still open; type 1 has 12:00-18:00
//! and one from 23:00, still open. Cut at midnight that is 12 h and 7 h.
//!
//! # Source
//! Usage rules 3.

use std::borrow::Borrow;

use cloudtally_model::{
    AccountId, Attributes, Effect, EventCode, EventId, Instant, Meter, NicId, Own, ResourceId,
    ResourceKind, Segment, SourceId, UsageEvent, UsageType, UsageTypeId, event_name, meters,
    usage_type,
};
use cloudtally_model::{Part, Text};

/// Something odd that was counted as the rules say and is worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// The instant at which it happened.
    pub at: Instant,
    /// The event that is odd, if one is.
    pub event: Option<EventId>,
    /// The usage type concerned.
    pub usage_type: UsageTypeId,
    /// The resource concerned.
    pub resource: ResourceId,
    /// The oddity, in words for people.
    pub text: String,
}

/// The history of one resource (of one kind and source) under way.
#[derive(Debug)]
pub struct Fold {
    source: SourceId,
    kind: ResourceKind,
    resource: ResourceId,
    open: Vec<Segment>,
    closed: Vec<Segment>,
    known: Attributes,
    oddities: Vec<Oddity>,
}

/// The outcome of a fold.
#[derive(Debug, Default)]
pub struct Folded {
    /// Segments that ended inside the window and those still open, in order of start.
    pub segments: Vec<Segment>,
    /// The anomalies, in order.
    pub oddities: Vec<Oddity>,
}

impl Fold {
    /// Continues a resource from the segments that were open before.
    pub fn resume(
        source: SourceId,
        kind: ResourceKind,
        resource: ResourceId,
        open: Vec<Segment>,
    ) -> Self {
        let known = Attributes::default();
        let mut fold =
            Self { source, kind, resource, open, closed: Vec::new(), known, oddities: Vec::new() };
        fold.know_what_is_open();
        fold
    }

    /// The attributes known of the resource at `end`: those of its youngest open segment,
    /// and where nothing is open what was known last.
    pub fn known_at(
        mut self,
        end: Instant,
        removed: &dyn Fn(AccountId) -> Option<Instant>,
    ) -> Attributes {
        self.end_removed_before(end, removed);
        self.known
    }

    /// Sets what is known of a resource that has nothing open, from its past.
    pub fn known(&mut self, known: Attributes) {
        if self.open.is_empty() {
            self.known = known;
        }
    }

    /// Applies the next event. `removed` tells when an account was removed.
    pub fn apply(
        &mut self,
        code: EventCode,
        event: &UsageEvent,
        removed: &dyn Fn(AccountId) -> Option<Instant>,
    ) {
        self.end_removed_before(event.created, removed);
        let own = attributes_of(event);
        let filled = fill(&own, &self.known);
        for Meter { usage_type, effect } in meters(code, self.kind) {
            match effect {
                Effect::Open => self.open(usage_type, event, own.clone(), removed),
                Effect::OpenKnown => self.open(usage_type, event, filled.clone(), removed),
                Effect::Close(own) => self.close(code, usage_type, event, *own, Scope::Part),
                Effect::CloseAll(own) => self.close(code, usage_type, event, *own, Scope::All),
                Effect::Split(own) => self.split(code, usage_type, event, &filled, *own, removed),
            }
        }
        match lesson(code, self.kind) {
            Some(Lesson::Anew) => self.known = own,
            Some(Lesson::FillsIn) => self.known = filled,
            None => {}
        }
        self.know_what_is_open();
    }

    /// Events of removed accounts are refused, and their segments end: what they
    /// said does not hold for what others still use. So a resource in use is what
    /// its youngest open segment says, which is also what a later run can see.
    fn know_what_is_open(&mut self) {
        let youngest = self.open.iter().max_by_key(|segment| (segment.start, segment.opened_by));
        if let Some(youngest) = youngest {
            self.known.clone_from(&youngest.attributes);
        }
    }

    /// Ends the fold at the end of its window: accounts removed before `end` stop
    /// paying, everything else stays open.
    pub fn finish(
        mut self,
        end: Instant,
        removed: &dyn Fn(AccountId) -> Option<Instant>,
    ) -> Folded {
        self.end_removed_before(end, removed);
        let mut segments = self.closed;
        segments.append(&mut self.open);
        segments.sort_by_key(|s| (s.usage_type, s.start, s.opened_by));
        Folded { segments, oddities: self.oddities }
    }

    fn open(
        &mut self,
        row: &'static UsageType,
        event: &UsageEvent,
        attributes: Attributes,
        removed: &dyn Fn(AccountId) -> Option<Instant>,
    ) {
        if self.refuses(row, event, removed) {
            return;
        }
        let nic = nic_of(row, event);
        if let Some(index) = self.position(row, nic, attributes.zone) {
            let current = &self.open[index];
            if current.account == event.account && current.attributes == attributes {
                let text = format!(
                    "{} although {} is already open since {}; counted once",
                    event.event_type, row.constant, current.start
                );
                return self.odd(row, Some(event), event.created, text);
            }
            self.end(index, event.created, Some(event.id));
        }
        self.begin(row, nic, event, attributes);
    }

    /// A removed account opens and splits nothing; what it opens in the very instant
    /// ends in it too, and is nothing odd.
    fn refuses(
        &mut self,
        row: &UsageType,
        event: &UsageEvent,
        removed: &dyn Fn(AccountId) -> Option<Instant>,
    ) -> bool {
        let is_removed = removed(event.account).is_some_and(|at| at < event.created);
        if is_removed {
            let text = format!("{} after its account was removed", event.event_type);
            self.odd(row, Some(event), event.created, text);
        }
        is_removed
    }

    fn close(
        &mut self,
        code: EventCode,
        row: &'static UsageType,
        event: &UsageEvent,
        own: Own,
        scope: Scope,
    ) {
        let nic = nic_of(row, event);
        let zone = event.zone;
        let hit = |segment: &Segment| {
            segment.usage_type == row.id
                && match (scope, row.part) {
                    (Scope::All, _) | (_, Part::Whole) => true,
                    (_, Part::Nic) => segment.nic == nic,
                    // A region-wide copy is closed by a delete of any zone, and a
                    // delete without a zone closes all.
                    (_, Part::Zone) => {
                        let here = segment.attributes.zone;
                        zone.is_none() || here.is_none() || here == zone
                    }
                }
        };
        let mut found = false;
        while let Some(index) = self.open.iter().position(hit) {
            self.end(index, event.created, Some(event.id));
            found = true;
        }
        if !found && own == Own::Yes {
            let text = format!("{} although no {} is open", event_name(code), row.constant);
            self.odd(row, Some(event), event.created, text);
        }
    }

    fn split(
        &mut self,
        code: EventCode,
        row: &'static UsageType,
        event: &UsageEvent,
        filled: &Attributes,
        own: Own,
        removed: &dyn Fn(AccountId) -> Option<Instant>,
    ) {
        let Some(index) = self.open.iter().position(|s| s.usage_type == row.id) else {
            if own == Own::Yes {
                let text = format!("{} although no {} is open", event_name(code), row.constant);
                self.odd(row, Some(event), event.created, text);
            }
            return;
        };
        let current = &self.open[index];
        let differs = current.attributes != *filled || current.account != event.account;
        if differs && !self.refuses(row, event, removed) {
            let nic = self.open[index].nic;
            self.end(index, event.created, Some(event.id));
            self.begin(row, nic, event, filled.clone());
        }
    }

    /// The open segment that an opening event of this part would continue.
    fn position(
        &self,
        row: &UsageType,
        nic: NicId,
        zone: cloudtally_model::ZoneId,
    ) -> Option<usize> {
        self.open.iter().position(|segment| {
            segment.usage_type == row.id
                && match row.part {
                    Part::Whole => true,
                    Part::Nic => segment.nic == nic,
                    Part::Zone => segment.attributes.zone == zone,
                }
        })
    }

    fn begin(
        &mut self,
        row: &'static UsageType,
        nic: NicId,
        event: &UsageEvent,
        attributes: Attributes,
    ) {
        self.open.push(Segment {
            source: self.source,
            usage_type: row.id,
            resource: self.resource,
            nic,
            start: event.created,
            end: None,
            account: event.account,
            attributes,
            opened_by: event.id,
            closed_by: None,
        });
    }

    fn end(&mut self, index: usize, at: Instant, by: Option<EventId>) {
        let mut segment = self.open.remove(index);
        assert!(segment.start <= at, "events are applied in order of time");
        // A stretch of no length is no use; it also leaves no trace in an explanation.
        if segment.start < at {
            segment.end = Some(at);
            segment.closed_by = by;
            self.closed.push(segment);
        }
    }

    fn end_removed_before(
        &mut self,
        limit: Instant,
        removed: &dyn Fn(AccountId) -> Option<Instant>,
    ) {
        let next = |open: &[Segment]| {
            let ends = open.iter().enumerate();
            let ends = ends.filter_map(|(index, segment)| Some((removed(segment.account)?, index)));
            ends.filter(|(at, _)| *at < limit).min()
        };
        while let Some((at, index)) = next(&self.open) {
            let (id, start) = (self.open[index].usage_type, self.open[index].start);
            let row = usage_type(id).expect("open segments have a type of the table");
            let text = format!(
                "{} was open when account {} was removed; it ends there",
                row.constant, self.open[index].account
            );
            // A removal that reached us late may lie before the stretch began.
            let at = at.max(start);
            self.odd(row, None, at, text);
            self.end(index, at, None);
            self.know_what_is_open();
        }
    }

    fn odd(&mut self, row: &UsageType, event: Option<&UsageEvent>, at: Instant, text: String) {
        self.oddities.push(Oddity {
            at,
            event: event.map(|event| event.id),
            usage_type: row.id,
            resource: self.resource,
            text,
        });
    }
}

/// Finds the one of the resource's open segments that a closing event means.
#[derive(Clone, Copy)]
enum Scope {
    /// Those of the event's NIC or zone.
    Part,
    /// All of them.
    All,
}

/// Adds to a resource's attributes what an event says of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lesson {
    /// The event says everything anew: a recovered VM is what its CREATE says.
    Anew,
    /// Attributes the event leaves empty keep their last known value.
    FillsIn,
}

fn lesson(code: EventCode, kind: ResourceKind) -> Option<Lesson> {
    let lessons = meters(code, kind).iter().filter_map(|meter| match meter.effect {
        Effect::Open => Some(Lesson::Anew),
        Effect::OpenKnown | Effect::Split(_) => Some(Lesson::FillsIn),
        Effect::Close(_) | Effect::CloseAll(_) => None,
    });
    lessons.reduce(|a, b| if a == Lesson::Anew { a } else { b })
}

/// Tells whether a resource with nothing open needs its past to go on: whether the
/// first of its events that teaches anything leaves something open. `events`
/// are those of one resource and kind, in order.
pub(crate) fn needs_past<E: Borrow<UsageEvent>>(
    kind: ResourceKind,
    events: impl Iterator<Item = (EventCode, E)>,
) -> bool {
    if kind != ResourceKind::Vm {
        return false; // nothing else opens with what is known from before
    }
    let mut lessons = events.filter_map(|(code, event)| Some((lesson(code, kind)?, event)));
    lessons.next().is_some_and(|(lesson, event)| {
        let known = attributes_of(event.borrow());
        let complete = !known.zone.is_none()
            && known.offering.is_some()
            && known.template.is_some()
            && known.name.is_some()
            && known.resource_type.is_some();
        lesson == Lesson::FillsIn && !complete
    })
}

fn attributes_of(event: &UsageEvent) -> Attributes {
    Attributes {
        zone: event.zone,
        offering: event.offering,
        template: event.template,
        size: event.size,
        virtual_size: event.virtual_size,
        name: event.resource_name.clone(),
        resource_type: event.resource_type.clone(),
    }
}

fn fill(own: &Attributes, known: &Attributes) -> Attributes {
    let text = |own: &Option<Text>, known: &Option<Text>| own.clone().or_else(|| known.clone());
    Attributes {
        zone: if own.zone.is_none() { known.zone } else { own.zone },
        offering: own.offering.or(known.offering),
        template: own.template.or(known.template),
        size: own.size.or(known.size),
        virtual_size: own.virtual_size.or(known.virtual_size),
        name: text(&own.name, &known.name),
        resource_type: text(&own.resource_type, &known.resource_type),
    }
}

/// The NIC of a network offering event: its resource name as a number, 0 where
/// it is none (as the 4.2 server reads it).
fn nic_of(row: &UsageType, event: &UsageEvent) -> NicId {
    if row.part != Part::Nic {
        return NicId(0);
    }
    let name = event.resource_name.as_deref().unwrap_or("");
    NicId(name.trim().parse().unwrap_or(0))
}
