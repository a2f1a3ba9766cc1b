//! Meters: the uses that resources of a kind are, as rows.
//!
//! A meter says in which states a resource is a use. The engine compares a resource before
//! and after each change ([`Tx`]) and calls the row where a use begins, changes or ends, so
//! that no path can forget to tell the bill.

use cloudtally_model::UsageTypeId;

use crate::{ColumnKey, Resource, Tx, World};

/// A use that resources of a kind are.
#[derive(Clone, Copy)]
pub struct Meter {
    /// The usage type that its events are of.
    pub usage_type: UsageTypeId,
    /// The states in which a resource is in use; all if there is none.
    pub states: &'static [&'static str],
    /// Tells what the state alone does not: whether a resource in such a state is in use.
    pub only: Option<fn(&World, &Resource) -> bool>,
    /// Columns that are part of what is used: where one changes, one use ends and another
    /// begins. So it is where the owner changes.
    pub identity: &'static [ColumnKey],
    /// Columns whose change is told while the use goes on.
    pub facts: &'static [ColumnKey],
    /// Writes the usage event.
    pub tell: fn(&mut Tx<'_>, Told<'_>),
}

/// The change of a use that an event tells.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The change.
    pub change: Change,
    /// The resource as it is after the change; as it was before where the use ends.
    pub resource: &'a Resource,
    /// Tells that the resource was made by this very change.
    pub is_new: bool,
}

/// The change of a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It begins.
    Begins,
    /// It goes on with other facts.
    Changes,
    /// It ends.
    Ends,
}

impl Meter {
    /// A use of a type, in all states, told by a function.
    pub const fn new(usage_type: UsageTypeId, tell: fn(&mut Tx<'_>, Told<'_>)) -> Self {
        Self { usage_type, states: &[], only: None, identity: &[], facts: &[], tell }
    }

    /// In use while in these states.
    pub const fn in_states(mut self, states: &'static [&'static str]) -> Self {
        self.states = states;
        self
    }

    /// In use only where a function says so, too.
    pub const fn only(mut self, only: fn(&World, &Resource) -> bool) -> Self {
        self.only = Some(only);
        self
    }

    /// A change of one of these columns ends one use and begins another.
    pub const fn identity(mut self, columns: &'static [ColumnKey]) -> Self {
        self.identity = columns;
        self
    }

    /// A change of one of these columns is told.
    pub const fn facts(mut self, columns: &'static [ColumnKey]) -> Self {
        self.facts = columns;
        self
    }

    /// Tells whether a resource is in use as it stands. What nobody owns is nobody's use.
    fn runs(&self, world: &World, resource: &Resource) -> bool {
        resource.owner.is_some()
            && resource.removed.is_none()
            && (self.states.is_empty() || self.states.contains(&resource.state()))
            && self.only.is_none_or(|only| only(world, resource))
    }

    /// Tells the bill the difference between a resource before and after a change.
    pub(crate) fn compare(
        &self,
        tx: &mut Tx<'_>,
        before: Option<&Resource>,
        after: Option<&Resource>,
    ) {
        let used = before.filter(|resource| self.runs(tx, resource));
        let using = after.filter(|resource| self.runs(tx, resource));
        let is_new = before.is_none();
        let differ = |columns: &[ColumnKey], one: &Resource, other: &Resource| {
            columns.iter().any(|column| one.value(*column) != other.value(*column))
        };
        let mut tell = |change, resource| (self.tell)(tx, Told { change, resource, is_new });
        match (used, using) {
            (None, None) => {}
            (None, Some(now)) => tell(Change::Begins, now),
            (Some(then), None) => tell(Change::Ends, then),
            (Some(then), Some(now))
                if then.owner != now.owner || differ(self.identity, then, now) =>
            {
                tell(Change::Ends, then);
                tell(Change::Begins, now);
            }
            (Some(then), Some(now)) if differ(self.facts, then, now) => tell(Change::Changes, now),
            (Some(_), Some(_)) => {}
        }
    }
}
