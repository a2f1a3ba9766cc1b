//! Commands drawn by chance, on anything and by anybody: what lives of hazards are
//! made of. The same seed draws the same life.

use cloudtally_platform::{
    TABLES, col,
    engine::{Caller, Request, ResourceId},
    table::{Kind, Role},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use crate::support::{Lab, text};

/// A command and what its parameters are drawn from.
pub(crate) type Row = (&'static str, &'static [(&'static str, Of)]);

/// The pool that a parameter is drawn from.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// The uuid of some resource of a kind.
    Any(Kind),
    /// The same, or the parameter is left out.
    Maybe(Kind),
    /// The same, or this text.
    Else(Kind, &'static str),
    /// One of some texts; empty is left out.
    Text(&'static [&'static str]),
    /// A name that nobody has.
    Name,
    /// The account and the domain of a tenant.
    Account,
}

/// Left out, true or false.
pub(crate) const FLAG: Of = Of::Text(&["", "true", "false"]);

/// A cloud in which commands are drawn.
pub(crate) struct Chance {
    pub(crate) lab: Lab,
    pub(crate) seed: u64,
    random: ChaCha8Rng,
    /// The callers beside the root admin.
    tenants: &'static [&'static str],
}

impl Chance {
    pub(crate) fn new(lab: Lab, seed: u64, tenants: &'static [&'static str]) -> Self {
        Self { lab, seed, random: ChaCha8Rng::seed_from_u64(seed), tenants }
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.random.next_u64() % u64::try_from(most).unwrap()).unwrap()
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let at = self.below(all.len());
        all[at]
    }

    /// The uuid of some resource of a kind: mostly a young one, now and then one that is
    /// gone.
    fn any(&mut self, kind: Kind) -> Option<String> {
        let wants_gone = self.below(40) == 0;
        let ids: Vec<ResourceId> = {
            let world = self.lab.cloud.world();
            if wants_gone {
                world.removed_too(kind).map(|resource| resource.id).collect()
            } else {
                world.all(kind).map(|resource| resource.id).collect()
            }
        };
        if ids.is_empty() {
            return None;
        }
        let young = ids.len().saturating_sub(6);
        let at = match self.below(3) {
            0 => self.below(ids.len()),
            _ => young + self.below(ids.len() - young),
        };
        Some(self.lab.cloud.world().any(ids[at]).unwrap().uuid.to_string())
    }

    /// One command, whatever comes of it: whether it was taken.
    pub(crate) fn act(&mut self, (name, params): Row) -> bool {
        let command = TABLES.command(name).unwrap();
        let mut given: Vec<(String, String)> = Vec::new();
        for (param, of) in params {
            let value = match *of {
                Of::Any(kind) => self.any(kind),
                Of::Maybe(kind) if self.below(3) == 0 => self.any(kind),
                Of::Maybe(_) => None,
                Of::Else(kind, _) if self.below(3) == 0 => self.any(kind),
                Of::Else(_, text) => Some(text.to_owned()),
                Of::Text(texts) => {
                    Some(self.one_of(texts).to_owned()).filter(|text| !text.is_empty())
                }
                Of::Name => Some(format!("n{}", self.random.next_u32())),
                Of::Account => {
                    let domain = text(&self.lab.one("listDomains", &[("level", "0")]), "id");
                    given.push(("domainid".to_owned(), domain));
                    Some(self.one_of(self.tenants).to_owned())
                }
            };
            given.extend(value.map(|value| ((*param).to_owned(), value)));
        }
        let is_for_users = command.roles.contains(Role::User) && self.below(4) > 0;
        let caller = if is_for_users { self.tenant() } else { None };
        let caller = caller.unwrap_or_else(|| self.lab.root());
        if command.param("projectid").is_some()
            && self.below(5) == 0
            && let Some(project) = self.any(Kind::Project)
        {
            given.push(("projectid".to_owned(), project));
        }
        let told = format!("seed {}: {name} {given:?}", self.seed);
        let request = Request { command, caller, params: given };
        match self.lab.cloud.call(request, self.lab.now()) {
            Ok(_) => true,
            Err(error) => {
                assert!(!error.text.contains("broke off"), "{told}: {error}");
                false
            }
        }
    }

    /// A tenant that is still there and enabled.
    fn tenant(&mut self) -> Option<Caller> {
        let name = self.one_of(self.tenants);
        let world = self.lab.cloud.world();
        let user = world.all(Kind::User).find(|user| user.text(col::USERNAME) == name)?.id;
        Caller::of_user(&world, user)
    }
}
