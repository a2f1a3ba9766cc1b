//! The tables of a cloud: all that the engine is told of the product.

use std::{
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

use cloudtally_model::port::Use;

use super::{Command, Kind, KindSpec, Object, Shape};
use crate::{Resource, ResourceId, Start, Tx, World};

/// The commands, kinds and objects of a cloud, and the few functions by which the engine
/// asks it what only the product knows.
pub struct Tables {
    commands: &'static [(&'static str, &'static [Command])],
    kinds: &'static [&'static KindSpec],
    objects: &'static [&'static Object],
    hooks: Hooks,
    by_number: [Option<&'static KindSpec>; Kind::ALL.len()],
    by_name: OnceLock<HashMap<&'static str, &'static Command>>,
    names: OnceLock<HashSet<&'static str>>,
}

/// Functions by which the engine asks the product.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Makes what a new cloud has: the ROOT domain, then the system's and the root admin's
    /// users, and all else.
    pub begin: fn(&mut Tx<'_>, Start),
    /// Tells which uses a resource is as it stands, for the ledger.
    pub facts: fn(&World, &Resource) -> Vec<Use>,
    /// Names the resources whose facts depend on a resource that changes.
    pub concerned: fn(&World, &Resource) -> Vec<ResourceId>,
    /// Alerts the administrator that a user's logins are refused, after so many failures.
    pub logins_refused: fn(&mut Tx<'_>, user: ResourceId, failures: i64),
    /// Resolves that alert.
    pub logins_accepted: fn(&mut Tx<'_>, user: ResourceId),
}

impl Tables {
    /// Joins the rows of a cloud; commands stand by area.
    pub const fn new(
        commands: &'static [(&'static str, &'static [Command])],
        kinds: &'static [&'static KindSpec],
        objects: &'static [&'static Object],
        hooks: Hooks,
    ) -> Self {
        let mut by_number = [None; Kind::ALL.len()];
        let mut at = 0;
        while at < kinds.len() {
            let number = kinds[at].kind as usize;
            assert!(by_number[number].is_none(), "a kind with two rows");
            by_number[number] = Some(kinds[at]);
            at += 1;
        }
        Self {
            commands,
            kinds,
            objects,
            hooks,
            by_number,
            by_name: OnceLock::new(),
            names: OnceLock::new(),
        }
    }

    /// The row of a command, by its exact name.
    pub fn command(&'static self, name: &str) -> Option<&'static Command> {
        let by_name = || self.commands().map(|command| (command.name, command)).collect();
        self.by_name.get_or_init(by_name).get(name).copied()
    }

    /// All commands.
    pub fn commands(&'static self) -> impl Iterator<Item = &'static Command> {
        self.commands_by_area().map(|(_, command)| command)
    }

    /// All commands, each with the name of its area.
    pub fn commands_by_area(
        &'static self,
    ) -> impl Iterator<Item = (&'static str, &'static Command)> {
        self.commands.iter().flat_map(|(area, rows)| rows.iter().map(|row| (*area, row)))
    }

    /// All objects that answers show.
    pub fn objects(&'static self) -> impl Iterator<Item = &'static Object> {
        self.objects.iter().copied()
    }

    /// All kinds of which something is stored.
    pub fn kinds(&'static self) -> impl Iterator<Item = &'static KindSpec> {
        self.kinds.iter().copied()
    }

    /// The row of a kind; none of a kind that is named but not built yet.
    pub const fn spec_if_any(&'static self, kind: Kind) -> Option<&'static KindSpec> {
        self.by_number[kind as usize]
    }

    /// The row of a kind.
    ///
    /// # Panics
    /// If nothing is: a mistake in the tables.
    pub fn spec(&'static self, kind: Kind) -> &'static KindSpec {
        let spec = self.spec_if_any(kind);
        spec.unwrap_or_else(|| panic!("no row says what is stored of {kind:?}"))
    }

    /// The product's answers.
    pub(crate) const fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// The name of a field or an item, as the tables spell it.
    pub(crate) fn known(&'static self, name: &str) -> Option<&'static str> {
        let names = || {
            let fields = self.objects().flat_map(|object| object.fields.iter().map(|f| f.name));
            let items = self.commands().filter_map(|command| match command.shape {
                Shape::List { item, .. } | Shape::Object { item, .. } => Some(item),
                Shape::Success | Shape::Bare(_) => None,
            });
            fields.chain(items).collect()
        };
        self.names.get_or_init(names).get(name).copied()
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (commands, kinds) = (self.commands.len(), self.kinds.len());
        write!(f, "Tables of {commands} areas of commands and {kinds} kinds")
    }
}
