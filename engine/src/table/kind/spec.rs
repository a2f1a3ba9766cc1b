//! The rows of kinds: all that the engine knows of a kind.

use cloudtally_model::Text;

use super::{
    Amount, Forwards, GoesWith, Kind, Limit, Machine, OnDelete, Owner, Sight, Turn, Unique,
    WithOwner, Within,
};
use crate::{
    Caller, Column, ColumnKey, Reference, Resource, ResourceId, States, Tx, World,
    table::{Hidden, Meter, Object, Source, WireType, same},
};

/// The row of a kind.
pub struct KindSpec {
    /// The kind.
    pub kind: Kind,
    /// The object that answers show of it; its stored fields are its columns.
    pub object: &'static Object,
    /// Columns that no answer shows.
    pub hidden: &'static [Hidden],
    /// The owner of resources of this kind.
    pub owner: Owner,
    /// Names that must not stand twice.
    pub unique: &'static [Unique],
    /// The column that names it in texts; `name` if there is none.
    pub label: Option<Column<Text>>,
    /// The count that grows with each.
    pub limit: Option<Limit>,
    /// Its states and the moves between them; none if it has no states.
    pub states: States,
    /// Columns in which `keyword` looks.
    pub keyword: &'static [Column<Text>],
    /// True if lists show the newest first; the oldest comes first otherwise.
    pub newest_first: bool,
    /// The references to it, and the fate of those that hold them.
    pub referred: &'static [(Kind, Reference, OnDelete)],
    /// The resource type of its tags, where it can have tags.
    pub tag_type: Option<&'static str>,
    /// The word `jobinstancetype` shows.
    pub job_instance: Option<&'static str>,
    /// Set where nothing is left of a removed resource, so that its id is unknown even to lists.
    pub leaves_nothing: bool,
    /// Called when the moment in the column `due` has come; must move it on.
    pub on_due: Option<fn(&mut Tx<'_>, ResourceId)>,
    /// Called after each move, with the state it came from: what every path to a
    /// state has in common, such as the usage events.
    pub on_move: Option<fn(&mut Tx<'_>, ResourceId, &'static str)>,
    /// The callers that may know of those which no account owns.
    pub sight: Sight,
    /// Lets others than the owner name a resource to use it.
    pub usable_by: Option<fn(&World, &Caller, &Resource) -> bool>,
    /// The limits of its owner that each resource counts for, and how much of them.
    pub counts: &'static [(Limit, Amount)],
    /// The fate of a resource whose account is removed.
    pub with_owner: Option<WithOwner>,
    /// The fate of a resource when another that it stands on is given up.
    pub goes_with: &'static [GoesWith],
    /// Stops a resource when its account is shut.
    pub stop: Option<fn(&mut Tx<'_>, ResourceId)>,
    /// The behaviour of a machine when its host is gone.
    pub machine: Option<Machine>,
    /// The uses that it is, for the bill.
    pub meters: &'static [Meter],
    /// The counters of bytes sent and received, where resources of this kind forward traffic.
    pub forwards: Option<Forwards>,
}

impl KindSpec {
    /// A kind of the cloud's own resources, with no more than its fields.
    pub const fn new(kind: Kind, object: &'static Object) -> Self {
        Self {
            kind,
            object,
            hidden: &[],
            owner: Owner::Cloud,
            unique: &[],
            label: None,
            limit: None,
            states: States::NONE,
            keyword: &[],
            newest_first: false,
            referred: &[],
            tag_type: None,
            job_instance: None,
            leaves_nothing: false,
            on_due: None,
            on_move: None,
            sight: Sight::Everybody,
            usable_by: None,
            counts: &[],
            with_owner: None,
            goes_with: &[],
            stop: None,
            machine: None,
            meters: &[],
            forwards: None,
        }
    }

    /// Columns that no answer shows.
    pub const fn hidden(mut self, hidden: &'static [Hidden]) -> Self {
        let mut at = 0;
        while at < hidden.len() {
            assert!(
                self.object.position(hidden[at].name).is_none(),
                "a hidden column that is shown"
            );
            at += 1;
        }
        self.hidden = hidden;
        self
    }

    /// Resources of this kind belong to accounts.
    pub const fn owned(mut self) -> Self {
        self.owner = Owner::Account;
        self
    }

    /// A name must not stand twice.
    pub const fn unique(mut self, unique: &'static [Unique]) -> Self {
        let mut at = 0;
        while at < unique.len() {
            self.must_store(unique[at].column.key());
            if let Within::Column(column) = unique[at].within {
                self.must_store(column.key());
            }
            at += 1;
        }
        self.unique = unique;
        self
    }

    /// Texts name it by this column instead of `name`.
    pub const fn called_by(mut self, column: Column<Text>) -> Self {
        self.must_store(column.key());
        self.label = Some(column);
        self
    }

    /// Each counts for a limit of its owner.
    pub const fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Its states, the first one first, and the moves between them.
    pub const fn states(mut self, states: States) -> Self {
        let mut at = 0;
        while at < states.moves.len() {
            assert!(
                contains(states.names, states.moves[at].from)
                    && contains(states.names, states.moves[at].to),
                "a move between states that are not there"
            );
            at += 1;
        }
        self.states = states;
        self
    }

    /// Columns in which `keyword` looks.
    pub const fn keyword(mut self, columns: &'static [Column<Text>]) -> Self {
        let mut at = 0;
        while at < columns.len() {
            self.must_store(columns[at].key());
            at += 1;
        }
        self.keyword = columns;
        self
    }

    /// Lists show the newest first, as CloudStack 4.2 does for this kind.
    pub const fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Names the references to it.
    pub const fn referred(mut self, by: &'static [(Kind, Reference, OnDelete)]) -> Self {
        self.referred = by;
        self
    }

    /// It can have tags, under this resource type.
    pub const fn tagged(mut self, resource_type: &'static str) -> Self {
        self.tag_type = Some(resource_type);
        self
    }

    /// The word `jobinstancetype` shows.
    pub const fn job_instance(mut self, word: &'static str) -> Self {
        self.job_instance = Some(word);
        self
    }

    /// Leaves nothing behind once it is removed: its id is unknown to lists, too.
    ///
    /// # Source
    /// The table `firewall_rules` of 4.2 has no column `removed`; rows are deleted.
    pub const fn leaves_nothing(mut self) -> Self {
        self.leaves_nothing = true;
        self
    }

    /// Called when the moment in the column `due` has come; must move it on.
    pub const fn on_due(mut self, look: fn(&mut Tx<'_>, ResourceId)) -> Self {
        self.must_store(ColumnKey::of("due"));
        self.on_due = Some(look);
        self
    }

    /// Called after each move, with the state it came from.
    pub const fn on_move(mut self, look: fn(&mut Tx<'_>, ResourceId, &'static str)) -> Self {
        self.on_move = Some(look);
        self
    }

    /// Is part of how the cloud is built: only root admins know of it.
    pub const fn infrastructure(self) -> Self {
        self.seen_by(Sight::RootAdmins)
    }

    /// Those that no account owns are known to whom `sight` says.
    pub const fn seen_by(mut self, sight: Sight) -> Self {
        self.sight = sight;
        self
    }

    /// Others than the owner may name a resource to use it, where `may` says so.
    pub const fn usable_by(mut self, may: fn(&World, &Caller, &Resource) -> bool) -> Self {
        self.usable_by = Some(may);
        self
    }

    /// Each resource counts for these limits of its owner.
    pub const fn counts(mut self, counts: &'static [(Limit, Amount)]) -> Self {
        self.counts = counts;
        self
    }

    /// Resources go when their account is removed, at their turn.
    pub const fn goes_with_owner(
        mut self,
        turn: Turn,
        remove: fn(&mut Tx<'_>, ResourceId),
    ) -> Self {
        self.with_owner = Some(WithOwner { turn, by: None, remove });
        self
    }

    /// Resources that refer to an account by a column do what `remove` does when it is removed.
    pub const fn follows_account(
        mut self,
        turn: Turn,
        by: Column<ResourceId>,
        remove: fn(&mut Tx<'_>, ResourceId),
    ) -> Self {
        self.must_store(by.key());
        self.with_owner = Some(WithOwner { turn, by: Some(by), remove });
        self
    }

    /// Resources go when another that they stand on is given up: a rule with its address or
    /// the machine that it leads to.
    pub const fn goes_with(mut self, others: &'static [GoesWith]) -> Self {
        let mut at = 0;
        while at < others.len() {
            self.must_store(others[at].by.key());
            at += 1;
        }
        self.goes_with = others;
        self
    }

    /// Resources stop when their account is shut.
    pub const fn stops_with_owner(mut self, stop: fn(&mut Tx<'_>, ResourceId)) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Resources are machines on hosts.
    pub const fn machine(mut self, machine: Machine) -> Self {
        self.machine = Some(machine);
        self
    }

    /// Is metered: the engine tells the bill by these rows what the difference between a
    /// resource before and after a change is.
    pub const fn metered(mut self, meters: &'static [Meter]) -> Self {
        let mut at = 0;
        while at < meters.len() {
            let meter = &meters[at];
            let mut column = 0;
            while column < meter.identity.len() {
                self.must_store(meter.identity[column]);
                column += 1;
            }
            column = 0;
            while column < meter.facts.len() {
                self.must_store(meter.facts[column]);
                column += 1;
            }
            let mut state = 0;
            while state < meter.states.len() {
                assert!(
                    contains(self.states.names, meter.states[state]),
                    "a meter in a state that the kind does not have"
                );
                state += 1;
            }
            at += 1;
        }
        self.meters = meters;
        self
    }

    /// Forwards traffic: the ledger sees by how much these counters of bytes grow.
    pub const fn forwards(mut self, forwards: Forwards) -> Self {
        self.must_store(forwards.sent.key());
        self.must_store(forwards.received.key());
        self.forwards = Some(forwards);
        self
    }

    /// The position of a stored column: fields first, then hidden ones.
    pub const fn position_of(&self, key: ColumnKey) -> Option<usize> {
        let fields = self.object.fields;
        let mut at = 0;
        while at < fields.len() {
            if fields[at].key.is(key) {
                return match fields[at].source {
                    Source::Stored => Some(at),
                    _ => None,
                };
            }
            at += 1;
        }
        at = 0;
        while at < self.hidden.len() {
            if self.hidden[at].key.is(key) {
                return Some(fields.len() + at);
            }
            at += 1;
        }
        None
    }

    /// Tells whether resources of the kind store a column.
    pub const fn stores(&self, key: ColumnKey) -> bool {
        self.position_of(key).is_some()
    }

    /// The name and type of a column.
    pub fn column_at(&self, at: usize) -> (&'static str, WireType) {
        match self.object.fields.get(at) {
            Some(field) => (field.name, field.ty),
            None => {
                let hidden = &self.hidden[at - self.object.fields.len()];
                (hidden.name, hidden.ty)
            }
        }
    }

    const fn must_store(&self, key: ColumnKey) {
        assert!(self.stores(key), "a column that the kind does not store");
    }
}

const fn contains(texts: &[&str], text: &str) -> bool {
    let mut at = 0;
    while at < texts.len() {
        if same(texts[at], text) {
            return true;
        }
        at += 1;
    }
    false
}
