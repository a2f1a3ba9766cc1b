//! Scopes: the owners whose resources a list shows, and that of a new resource: the rules of the
//! guide, for every command, in this one place.
//!
//! # Source
//! Guide 4.2.6.

use cloudtally_model::ApiError;

use super::{
    call::Call,
    caller::Caller,
    col,
    decode::{Arg, Args},
    ids::ResourceId,
    refusal,
    resource::Resource,
    state::{AccountState, ProjectState},
    world::World,
};
use crate::table::{Kind, Role};

/// The owners whose resources a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of one account.
    Account(ResourceId),
    /// Those of the accounts of a domain, projects left out.
    Domain(ResourceId),
    /// Those of the accounts of a domain and of the domains below it, projects
    /// left out.
    DomainTree(ResourceId),
    /// Those of all projects the caller is in or governs.
    Projects,
}

impl Scope {
    /// The scope that the parameters ask for, if the caller may look there.
    pub fn of(world: &World, caller: &Caller, args: &Args) -> Result<Self, ApiError> {
        let account = match args.if_any("account") {
            Some(Arg::Text(name)) => Some(name.as_str()),
            _ => None,
        };
        let domain = match args.if_any("domainid") {
            Some(Arg::Id(id)) => Some(*id),
            _ => None,
        };
        let is_true = |name: &str| matches!(args.if_any(name), Some(Arg::Bool(true)));
        match args.if_any("projectid") {
            Some(_) if account.is_some() => return Err(account_and_project()),
            Some(Arg::All) if domain.is_some() => {
                return Err(refusal::parameter(
                    "projectid",
                    "is -1, which lists what all projects have; leave `domainid` out",
                ));
            }
            Some(Arg::Id(project)) => refuse_other_domain(world, *project, domain)?,
            _ => {}
        }
        match (args.if_any("projectid"), account, domain) {
            (Some(Arg::All), _, _) => Ok(Self::Projects),
            (Some(Arg::Id(project)), _, _) => Ok(Self::Account(project_account(world, *project))),
            (_, Some(name), domain) => {
                let account = named_account(world, caller, name, domain)?;
                Ok(Self::Account(account))
            }
            (_, None, Some(domain)) => match caller.role {
                Role::User if domain == caller.domain => Ok(Self::Account(caller.account)),
                Role::User => Err(no_domain(world, domain)),
                Role::DomainAdmin | Role::RootAdmin if !world.may_govern(caller, domain) => {
                    Err(no_domain(world, domain))
                }
                Role::DomainAdmin | Role::RootAdmin if is_true("isrecursive") => {
                    Ok(Self::DomainTree(domain))
                }
                Role::DomainAdmin | Role::RootAdmin => Ok(Self::Domain(domain)),
            },
            // The caller's own, and with `listall` all it may see.
            (_, None, None) if is_true("listall") => Ok(match caller.role {
                Role::User => Self::Account(caller.account),
                Role::DomainAdmin | Role::RootAdmin => Self::DomainTree(caller.domain),
            }),
            (_, None, None) => Ok(Self::Account(caller.account)),
        }
    }

    /// Tells whether an account's resources are in it.
    pub fn covers(self, world: &World, caller: &Caller, account: ResourceId) -> bool {
        let is_project = || world.project_of(account).is_some();
        match self {
            Self::Account(id) => id == account,
            Self::Domain(domain) => world.domain_of(account) == domain && !is_project(),
            Self::DomainTree(domain) => {
                world.is_within(world.domain_of(account), domain) && !is_project()
            }
            Self::Projects => is_project() && world.may_act_for(caller, account),
        }
    }

    /// The live resources of a kind that are in it, the oldest first.
    pub fn resources<'w>(
        self,
        world: &'w World,
        caller: &'w Caller,
        kind: Kind,
    ) -> Box<dyn Iterator<Item = &'w Resource> + 'w> {
        match self {
            Self::Account(account) => Box::new(world.owned_by(account, kind)),
            _ => Box::new(world.all(kind).filter(move |resource| {
                resource.owner.is_some_and(|o| self.covers(world, caller, o))
            })),
        }
    }
}

/// The account that holds a project's resources.
///
/// # Panics
/// If the id is not a project's: parameters are decoded by kind.
pub fn project_account(world: &World, project: ResourceId) -> ResourceId {
    world.resource(project).owner.expect("projects are owned by their account")
}

/// The account of a name, in a domain or in the caller's, that the caller may
/// act for.
pub fn named_account(
    world: &World,
    caller: &Caller,
    name: &str,
    domain: Option<ResourceId>,
) -> Result<ResourceId, ApiError> {
    let domain = domain.unwrap_or(caller.domain);
    let found = world.account_named(domain, name).filter(|account| {
        world.project_of(account.id).is_none() && world.may_act_for(caller, account.id)
    });
    found.map(|account| account.id).ok_or_else(|| {
        world.resource(domain).refused_as(
            ApiError::permission,
            "domainid",
            format!("has no account {name} that the caller may act for"),
        )
    })
}

/// Makes the error of both ways to name an owner at once.
pub fn account_and_project() -> ApiError {
    refusal::exclusive(&["account", "projectid"])
}

/// Refuses a project that is not in the domain given with it.
pub fn refuse_other_domain(
    world: &World,
    project: ResourceId,
    domain: Option<ResourceId>,
) -> Result<(), ApiError> {
    let of = world.domain_of(project_account(world, project));
    match domain.filter(|domain| *domain != of) {
        None => Ok(()),
        Some(domain) => Err(world.resource(project).refused(
            "projectid",
            format!("is not in the domain {}; leave `domainid` out", world.login_path(domain)),
        )),
    }
}

/// Refuses an owner that is named where the owner of another resource decides.
pub fn refuse_other_owner(call: &Call<'_, '_>, of: ResourceId) -> Result<(), ApiError> {
    let is_named =
        ["account", "domainid", "projectid"].iter().any(|name| call.args.if_any(name).is_some());
    let resource = call.tx.resource(of);
    if !is_named || resource.owner == Some(owner(call)?) {
        return Ok(());
    }
    let holder = resource.owner.map_or("nobody", |id| call.tx.resource(id).text(col::NAME));
    Err(resource.refused(
        "id",
        format!("belongs to {holder}; leave `account`, `domainid` and `projectid` out"),
    ))
}

fn no_domain(world: &World, domain: ResourceId) -> ApiError {
    world.resource(domain).refused_as(
        ApiError::permission,
        "domainid",
        "is not one the caller may look into",
    )
}

/// The account that a new resource is for.
pub(super) fn owner(call: &Call<'_, '_>) -> Result<ResourceId, ApiError> {
    let text = |name: &str| match call.args.if_any(name) {
        Some(Arg::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let id = |name: &str| match call.args.if_any(name) {
        Some(Arg::Id(id)) => Some(*id),
        _ => None,
    };
    let owner = match (id("projectid"), text("account"), id("domainid")) {
        // An account wins over a project, as in CloudStack 4.2.
        (_, Some(name), domain) => named_account(call.tx, &call.caller, name, domain)?,
        (Some(project), None, domain) => {
            refuse_other_domain(call.tx, project, domain)?;
            project_account(call.tx, project)
        }
        (None, None, Some(_)) if call.command.param("account").is_some() => {
            return Err(refusal::parameter("account", "is needed together with `domainid`"));
        }
        (None, None, _) => call.caller.account,
    };
    refuse_shut(call.tx, Some(owner))?;
    Ok(owner)
}

/// Refuses to add to what an account has that is disabled or locked, or that of a
/// project that is suspended.
pub fn refuse_shut(world: &World, owner: Option<ResourceId>) -> Result<(), ApiError> {
    let Some(owner) = owner else { return Ok(()) };
    if let Some(project) = world.project_of(owner)
        && !project.is(ProjectState::Active)
    {
        return Err(project.refused(
            "projectid",
            format!(
                "is {}; activate it before anything is added to it",
                project.state().to_lowercase()
            ),
        ));
    }
    let account = world.resource(owner);
    if !account.is(AccountState::Enabled) {
        return Err(account.refused_as(
            ApiError::permission,
            "account",
            format!("is {}; enable it before anything is added to it", account.state()),
        ));
    }
    Ok(())
}
