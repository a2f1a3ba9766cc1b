//! The caller, and all that it may see and touch. The one place that decides it.
//!
//! # Source
//! Guide 4.1 and 4.2.6.

use super::{col, ids::ResourceId, resource::Resource, state::AccountState, world::World};
use crate::table::{Kind, Role, Sight};

/// A user who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: ResourceId,
    /// The user's account.
    pub account: ResourceId,
    /// The account's domain.
    pub domain: ResourceId,
    /// The role of the account.
    pub role: Role,
}

impl Caller {
    /// The caller that a user is; none if it or its account is not enabled.
    pub fn of_user(world: &World, user: ResourceId) -> Option<Self> {
        let enabled =
            |kind, id| world.get(kind, id).filter(|resource| resource.is(AccountState::Enabled));
        let user = enabled(Kind::User, user)?;
        let account = enabled(Kind::Account, user.owner?)?;
        let role = world.role_of(account.id)?;
        Some(Self { user: user.id, account: account.id, domain: world.domain_of(account.id), role })
    }

    /// Tells whether this is the administrator of everything.
    pub fn is_root(&self) -> bool {
        self.role == Role::RootAdmin
    }
}

impl World {
    /// Tells whether the caller may act for an account: its own, those in the domains
    /// a domain admin has, every one for root, and those of projects it is in.
    pub fn may_act_for(&self, caller: &Caller, account: ResourceId) -> bool {
        match caller.role {
            _ if account == caller.account => true,
            Role::RootAdmin => true,
            Role::DomainAdmin if self.is_within(self.domain_of(account), caller.domain) => true,
            Role::DomainAdmin | Role::User => self
                .project_of(account)
                .is_some_and(|project| self.is_member(project.id, caller.account)),
        }
    }

    /// Tells whether an account is in a project.
    pub fn is_member(&self, project: ResourceId, account: ResourceId) -> bool {
        self.membership(project, account).is_some()
    }

    /// The membership of an account in a project.
    pub fn membership(&self, project: ResourceId, account: ResourceId) -> Option<&Resource> {
        self.referring(project, Kind::ProjectAccount, col::PROJECT_ID)
            .find(|member| member.owner == Some(account))
    }

    /// Tells whether the caller may see and change a domain: its own, for a domain
    /// admin those below, for root all.
    pub fn may_govern(&self, caller: &Caller, domain: ResourceId) -> bool {
        match caller.role {
            Role::RootAdmin => true,
            Role::DomainAdmin => self.is_within(domain, caller.domain),
            Role::User => false,
        }
    }

    /// Tells whether the caller may change a resource, or even know of it by its uuid.
    pub fn may_touch(&self, caller: &Caller, resource: &Resource) -> bool {
        match (resource.kind, resource.owner) {
            (Kind::Domain, _) => {
                resource.id == caller.domain || self.may_govern(caller, resource.id)
            }
            (_, Some(owner)) => self.may_act_for(caller, owner),
            (_, None) => match resource.spec().sight {
                Sight::Everybody => true,
                Sight::RootAdmins => caller.is_root(),
                Sight::By(sees) => sees(self, caller, resource),
            },
        }
    }

    /// Tells whether a zone or an offering is for everybody, or kept for a domain that
    /// the caller is in, is below or, as its admin, above.
    pub fn is_offered_to(&self, caller: &Caller, resource: &Resource) -> bool {
        resource.id_of(col::DOMAIN_ID).is_none_or(|domain| {
            self.is_within(caller.domain, domain) || self.may_govern(caller, domain)
        })
    }

    /// Tells whether the caller may name a resource to use it: what it may touch, and
    /// what its owner lets others use.
    pub fn may_use(&self, caller: &Caller, resource: &Resource) -> bool {
        self.may_touch(caller, resource)
            || resource.spec().usable_by.is_some_and(|may| may(self, caller, resource))
    }
}
