//! Changes that happen together or not at all.
//!
//! A [`Tx`] changes the world in place and remembers what was there before. A
//! command that fails is undone back to its savepoint; a batch that cannot be
//! kept is undone as a whole. What is left at the end is a [`ChangeSet`].

use std::{collections::BTreeSet, ops::Deref, sync::Arc};

use cloudtally_model::{
    Account, Instant, NetworkSample, UsageEvent,
    port::{ChangeSet, LedgerEntry, Value},
};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::{
    col,
    column::{Column, Reference},
    ids::{ResourceId, Uuid},
    resource::Resource,
    secret::Entropy,
    state::State,
    world::World,
};
use crate::{
    ledger::Forwarded,
    table::{Forwards, Kind, OnDelete},
};

/// A change to undo.
enum Undo {
    Resource(ResourceId, Option<Arc<Resource>>),
    Setting(String, Option<String>),
    Ledger(u64, Option<LedgerEntry>),
}

/// The state that a failing command goes back to.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint {
    undo: usize,
    usage: usize,
    samples: usize,
    accounts: usize,
    concerned: usize,
    forwarded: usize,
    held: usize,
    next_id: u64,
    next_event: u64,
}

/// Changes under way.
pub struct Tx<'w> {
    world: &'w mut World,
    /// The present of the cloud.
    pub now: Instant,
    /// The source of random bytes that nobody must guess.
    pub entropy: Entropy,
    seed: u64,
    next_id: u64,
    next_event: u64,
    undo: Vec<Undo>,
    usage: Vec<UsageEvent>,
    samples: Vec<NetworkSample>,
    accounts: Vec<Account>,
    /// Resources whose facts the ledger must look at before time goes on.
    concerned: Vec<ResourceId>,
    /// Bytes the ledger must write down before time goes on.
    forwarded: Vec<Forwarded>,
    /// Resources that move to another state just now, as the bill knows them.
    held: Vec<(ResourceId, Arc<Resource>)>,
}

impl Deref for Tx<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        self.world
    }
}

impl<'w> Tx<'w> {
    pub(super) fn new(
        world: &'w mut World,
        numbers: Numbers,
        entropy: Entropy,
        now: Instant,
    ) -> Self {
        Self {
            world,
            now,
            entropy,
            seed: numbers.seed,
            next_id: numbers.next_id,
            next_event: numbers.next_event,
            undo: Vec::new(),
            usage: Vec::new(),
            samples: Vec::new(),
            accounts: Vec::new(),
            concerned: Vec::new(),
            forwarded: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Lets time go on to a moment, if it is not there yet.
    pub(super) fn go_to(&mut self, at: Instant) {
        if at > self.now {
            self.settle();
            self.now = at;
        }
    }

    /// Writes down in the ledger what has become of the resources that have changed at
    /// this instant. What happens in between counts for nothing, so this is done
    /// when time goes on and at the end.
    pub(super) fn settle(&mut self) {
        for forwarded in std::mem::take(&mut self.forwarded) {
            let Some(router) = self.world.any(forwarded.router) else { continue };
            let Some(forwards) = router.spec().forwards else { continue };
            let what = (forwards.what)(router);
            let (number, entry) = self.world.ledger().counted(router, what, forwarded, self.now);
            self.put_entry(number, entry);
        }
        let concerned: BTreeSet<ResourceId> =
            std::mem::take(&mut self.concerned).into_iter().collect();
        for id in concerned {
            let facts = self.world.tables().hooks().facts;
            let uses =
                self.world.any(id).map(|resource| facts(self.world, resource)).unwrap_or_default();
            for (number, entry) in self.world.ledger().settled(id, &uses, self.now) {
                self.put_entry(number, entry);
            }
        }
    }

    /// Looks at the facts of all resources, as if they were new.
    pub(super) fn settle_all(&mut self) {
        self.concerned = self.world.ids();
        self.settle();
    }

    fn put_entry(&mut self, number: u64, entry: Option<LedgerEntry>) {
        let before = self.world.ledger_mut().put(number, entry);
        self.undo.push(Undo::Ledger(number, before));
    }

    /// Makes a resource; `fill` sets what it is.
    pub fn insert(&mut self, kind: Kind, fill: impl FnOnce(&mut Resource)) -> ResourceId {
        let id = ResourceId(self.next_id);
        self.next_id += 1;
        let mut resource = Resource::new(id, self.world.spec(kind), self.uuid_of(id), self.now);
        fill(&mut resource);
        self.put(id, Some(Arc::new(resource)));
        id
    }

    fn uuid_of(&self, id: ResourceId) -> Uuid {
        let hash = xxh3_128_with_seed(&id.0.to_le_bytes(), self.seed);
        Uuid(uuid::Builder::from_random_bytes(hash.to_be_bytes()).into_uuid().as_u128())
    }

    /// Changes a resource.
    pub fn edit(&mut self, id: ResourceId, change: impl FnOnce(&mut Resource)) {
        let mut resource = self.world.resource(id).clone();
        change(&mut resource);
        if *self.world.resource(id) != resource {
            self.put(id, Some(Arc::new(resource)));
        }
    }

    /// Moves a resource to a state.
    ///
    /// # Panics
    /// If the kind does not allow the move: callers check first.
    pub fn move_to(&mut self, id: ResourceId, state: impl State) {
        let (resource, to) = (self.world.resource(id), state.name());
        if resource.state() == to {
            return;
        }
        let row = resource.move_to(to).unwrap_or_else(|| {
            panic!("{:?} cannot go from {} to {to}", resource.kind, resource.state())
        });
        let look = resource.spec().on_move;
        // The bill is told when the row of the kind has done what goes with the move.
        self.meter_now(id);
        let is_held = self.hold(id);
        self.edit(id, |resource| resource.put_state(row.to));
        if let Some(look) = look {
            look(self, id, row.from);
        }
        self.meter_now(id);
        if is_held {
            self.held.retain(|(held, _)| *held != id);
        }
    }

    /// Keeps changes of a resource from the bill until [`Self::meter_now`]; false if that is so
    /// already, or if nobody meters it.
    fn hold(&mut self, id: ResourceId) -> bool {
        let is_held = self.held.iter().any(|(held, _)| *held == id);
        let Some(resource) = self.world.shared(id) else { return false };
        let holds = !is_held && !resource.spec().meters.is_empty();
        if holds {
            self.held.push((id, resource));
        }
        holds
    }

    /// Tells the bill what has become of a resource in the middle of a move: before that which
    /// is to be told after it. Does nothing at other times, when every change is told at once.
    pub fn meter_now(&mut self, id: ResourceId) {
        let now = self.world.shared(id);
        let Some(at) = self.held.iter().position(|(held, _)| *held == id) else { return };
        match now {
            Some(now) => {
                let then = std::mem::replace(&mut self.held[at].1, Arc::clone(&now));
                self.meter(Some(&then), Some(&now));
            }
            // It was taken away without a trace: the use ends with it.
            None => {
                let (_, then) = self.held.remove(at);
                self.meter(Some(&then), None);
            }
        }
    }

    fn meter(&mut self, before: Option<&Resource>, after: Option<&Resource>) {
        let meters = before.or(after).map_or(&[][..], |resource| resource.spec().meters);
        for meter in meters {
            meter.compare(self, before, after);
        }
    }

    /// Marks a resource as removed: its name and uuid still resolve.
    pub fn remove(&mut self, id: ResourceId) {
        let now = self.now;
        let holds_due = self.world.resource(id).stores(col::DUE);
        self.edit(id, |resource| {
            resource.removed = Some(now);
            if holds_due {
                resource.set_time(col::DUE, None);
            }
        });
    }

    /// Takes a resource away without a trace.
    pub fn erase(&mut self, id: ResourceId) {
        self.put(id, None);
    }

    /// Finds a resource that still uses another and keeps it from being removed.
    pub fn user_of(&self, id: ResourceId) -> Option<&Resource> {
        let refusing = self
            .world
            .resource(id)
            .spec()
            .referred
            .iter()
            .filter(|(_, _, what)| *what == OnDelete::Refuse);
        refusing.flat_map(|(kind, column, _)| self.world.referring(id, *kind, *column)).next()
    }

    /// Removes a resource and what goes with it; what forgets it does.
    pub fn remove_with_dependants(&mut self, id: ResourceId) {
        for (kind, column, what) in self.world.resource(id).spec().referred {
            let referrers: Vec<ResourceId> =
                self.world.referring(id, *kind, *column).map(|resource| resource.id).collect();
            for referrer in referrers {
                match what {
                    OnDelete::Refuse => {}
                    OnDelete::Remove => self.remove_with_dependants(referrer),
                    OnDelete::Forget => {
                        self.edit(referrer, |resource| forget(resource, *column, id))
                    }
                }
            }
        }
        let tags: Vec<ResourceId> =
            self.world.referring(id, Kind::Tag, col::RESOURCE).map(|t| t.id).collect();
        for tag in tags {
            self.erase(tag);
        }
        self.remove(id);
    }

    /// Sets a global setting; none goes back to the default.
    pub fn set_setting(&mut self, name: &str, value: Option<String>) {
        let before = self.world.set_setting(name, value);
        self.undo.push(Undo::Setting(name.to_owned(), before));
    }

    /// Sets a setting for one zone, cluster, storage pool or account; none goes back
    /// to the global value.
    pub fn set_scoped_setting(&mut self, of: ResourceId, name: &str, value: Option<&str>) {
        let row = self.own_setting_of(of, name).map(|row| row.id);
        match (row, value) {
            (Some(row), Some(value)) => self.edit(row, |row| {
                row.set_text(col::VALUE, value);
            }),
            (Some(row), None) => self.erase(row),
            (None, Some(value)) => {
                self.insert(Kind::Setting, |row| {
                    row.set_ref(col::OF, of).set_text(col::NAME, name).set_text(col::VALUE, value);
                });
            }
            (None, None) => {}
        }
    }

    /// Says that something happened that matters to a bill. The id is given here.
    pub fn usage(&mut self, event: impl FnOnce(cloudtally_model::EventId) -> UsageEvent) {
        let event = event(cloudtally_model::EventId(self.next_event));
        self.next_event += 1;
        self.usage.push(event);
    }

    /// Says what a traffic counter shows.
    pub fn sample(&mut self, sample: NetworkSample) {
        self.samples.push(sample);
    }

    /// Says that an account is new or has changed, as the bill names it.
    pub fn bill_account(&mut self, account: Account) {
        self.accounts.push(account);
    }

    fn put(&mut self, id: ResourceId, resource: Option<Arc<Resource>>) {
        let before = self.world.put(id, resource.clone());
        self.observe(id, before.as_deref());
        self.undo.push(Undo::Resource(id, before.clone()));
        if !self.held.iter().any(|(held, _)| *held == id) {
            self.meter(before.as_deref(), resource.as_deref());
        }
    }

    /// Shows the ledger what has become of a resource.
    fn observe(&mut self, id: ResourceId, before: Option<&Resource>) {
        let after = self.world.any(id);
        for resource in before.into_iter().chain(after) {
            self.concerned.extend((self.world.tables().hooks().concerned)(self.world, resource));
        }
        if let (Some(before), Some(after)) = (before, after)
            && let Some(Forwards { sent, received, .. }) = after.spec().forwards
        {
            // A counter that falls was set back and has counted nothing by that.
            let growth = |column: Column<i64>| {
                u64::try_from(after.int(column) - before.int(column)).unwrap_or_default()
            };
            let (sent, received) = (growth(sent), growth(received));
            if sent > 0 || received > 0 {
                self.forwarded.push(Forwarded { router: id, sent, received });
            }
        }
    }

    /// Marks the present state as one to go back to.
    pub fn savepoint(&self) -> Savepoint {
        Savepoint {
            undo: self.undo.len(),
            usage: self.usage.len(),
            samples: self.samples.len(),
            accounts: self.accounts.len(),
            concerned: self.concerned.len(),
            forwarded: self.forwarded.len(),
            held: self.held.len(),
            next_id: self.next_id,
            next_event: self.next_event,
        }
    }

    /// Undoes everything since a savepoint.
    pub fn roll_back(&mut self, to: Savepoint) {
        while self.undo.len() > to.undo {
            match self.undo.pop() {
                Some(Undo::Resource(id, resource)) => drop(self.world.put(id, resource)),
                Some(Undo::Setting(name, value)) => drop(self.world.set_setting(&name, value)),
                Some(Undo::Ledger(number, entry)) => {
                    self.world.ledger_mut().put(number, entry);
                }
                None => {}
            }
        }
        self.usage.truncate(to.usage);
        self.samples.truncate(to.samples);
        self.accounts.truncate(to.accounts);
        self.concerned.truncate(to.concerned);
        self.forwarded.truncate(to.forwarded);
        // A move that broke off in its middle holds nothing back any more.
        self.held.truncate(to.held);
        self.next_id = to.next_id;
        self.next_event = to.next_event;
    }

    /// Undoes everything.
    pub(super) fn abandon(mut self) {
        let start = Savepoint {
            undo: 0,
            usage: 0,
            samples: 0,
            accounts: 0,
            concerned: 0,
            forwarded: 0,
            held: 0,
            next_id: 0,
            next_event: 0,
        };
        self.roll_back(start);
    }

    /// The changes so far.
    pub(super) fn changes(&mut self) -> (ChangeSet, Numbers) {
        self.settle();
        let touched: BTreeSet<ResourceId> = self
            .undo
            .iter()
            .filter_map(|undo| if let Undo::Resource(id, _) = undo { Some(*id) } else { None })
            .collect();
        let mut changes = ChangeSet {
            usage: self.usage.clone(),
            samples: self.samples.clone(),
            accounts: self.accounts.clone(),
            ..ChangeSet::default()
        };
        for id in touched {
            match self.world.any(id) {
                Some(resource) => changes.rows.push(resource.to_row()),
                None => changes.erased.push(id.0),
            }
        }
        let names: BTreeSet<&str> = self
            .undo
            .iter()
            .filter_map(
                |undo| if let Undo::Setting(name, _) = undo { Some(name.as_str()) } else { None },
            )
            .collect();
        for name in names {
            changes.settings.push((name.to_owned(), self.world.own_setting(name)));
        }
        let entries: BTreeSet<u64> = self
            .undo
            .iter()
            .filter_map(
                |undo| if let Undo::Ledger(number, _) = undo { Some(*number) } else { None },
            )
            .collect();
        let ledger = self.world.ledger();
        changes.ledger =
            entries.into_iter().filter_map(|number| ledger.entry(number).cloned()).collect();
        let numbers =
            Numbers { seed: self.seed, next_id: self.next_id, next_event: self.next_event };
        (changes, numbers)
    }
}

fn forget(resource: &mut Resource, column: Reference, id: ResourceId) {
    let left = match resource.value(column.key()) {
        Some(Value::List(values)) => {
            let left = values.iter().filter(|value| **value != Value::Ref(id.0)).cloned();
            Some(Value::List(left.collect()))
        }
        _ => None,
    };
    resource.set_value(column.key(), left);
}

/// The numbers that are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    /// The seed of uuids, beside their ids.
    pub(super) seed: u64,
    /// The id of the next resource.
    pub(super) next_id: u64,
    /// The id of the next usage event.
    pub(super) next_event: u64,
}
