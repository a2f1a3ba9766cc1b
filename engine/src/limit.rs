//! Resource limits: how much of a kind an account, a project or a domain may have.
//!
//! A limit that is set for the account counts for it; else the default of the
//! settings does. A domain's limit is for all accounts in it and below it, and
//! only counts where it is set. -1 is no limit. Admins of ROOT have no limits.
//!
//! # Source
//! Guide 4.2, updateResourceLimit; defaults as in the 4.2.1 settings.

use cloudtally_model::ApiError;

use super::{col, ids::ResourceId, world::World};
use crate::table::{Kind, Limit, Role};

/// Bytes of a GiB.
const GIB: i64 = 1 << 30;

/// All limits, by number.
pub const LIMITS: [Limit; 12] = [
    Limit::Vm,
    Limit::PublicIp,
    Limit::Volume,
    Limit::Snapshot,
    Limit::Template,
    Limit::Project,
    Limit::Network,
    Limit::Vpc,
    Limit::Cpu,
    Limit::Memory,
    Limit::PrimaryStorage,
    Limit::SecondaryStorage,
];

impl Limit {
    /// The number `resourcetype` shows.
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// The limit of a number.
    pub fn from_number(number: i64) -> Option<Self> {
        LIMITS.into_iter().find(|limit| limit.number() == number)
    }

    /// The words for it, with its unit.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Vm => "virtual machines",
            Self::PublicIp => "public IP addresses",
            Self::Volume => "volumes",
            Self::Snapshot => "snapshots",
            Self::Template => "templates",
            Self::Project => "projects",
            Self::Network => "networks",
            Self::Vpc => "VPCs",
            Self::Cpu => "CPU cores",
            Self::Memory => "MiB of memory",
            Self::PrimaryStorage => "GiB of primary storage",
            Self::SecondaryStorage => "GiB of secondary storage",
        }
    }

    /// The end of the name of the setting with the default.
    const fn setting(self) -> &'static str {
        match self {
            Self::Vm => "user.vms",
            Self::PublicIp => "public.ips",
            Self::Volume => "volumes",
            Self::Snapshot => "snapshots",
            Self::Template => "templates",
            Self::Project => "projects",
            Self::Network => "networks",
            Self::Vpc => "vpcs",
            Self::Cpu => "cpus",
            Self::Memory => "memory",
            Self::PrimaryStorage => "primary.storage",
            Self::SecondaryStorage => "secondary.storage",
        }
    }
}

/// The most an account may have of it; none if there is no limit.
pub fn of_account(world: &World, account: ResourceId, limit: Limit) -> Option<i64> {
    if world.role_of(account) == Some(Role::RootAdmin) && world.project_of(account).is_none() {
        return None;
    }
    let most = set_for(world, account, limit).unwrap_or_else(|| {
        let whose = if world.project_of(account).is_some() { "project" } else { "account" };
        match (limit, whose) {
            (Limit::Project, _) => -1,
            _ => world.setting_number(&format!("max.{whose}.{}", limit.setting())),
        }
    });
    (most >= 0).then_some(most)
}

/// The most that the accounts of a domain and below may have together.
pub fn of_domain(world: &World, domain: ResourceId, limit: Limit) -> Option<i64> {
    set_for(world, domain, limit).filter(|most| *most >= 0)
}

fn set_for(world: &World, of: ResourceId, limit: Limit) -> Option<i64> {
    world
        .referring(of, Kind::ResourceLimit, col::OF)
        .find(|row| row.int(col::RESOURCE_TYPE_NUMBER) == limit.number())
        .map(|row| row.int(col::MAX))
}

/// Counts how much of it an account has.
pub fn used_by_account(world: &World, account: ResourceId, limit: Limit) -> i64 {
    let amounts = world.tables().kinds().flat_map(|spec| {
        let amounts = spec.counts.iter().filter(|(of, _)| *of == limit);
        amounts.map(|(_, amount)| (spec.kind, amount))
    });
    let total = amounts
        .flat_map(|(kind, amount)| {
            world.owned_by(account, kind).map(|resource| amount(world, resource))
        })
        .fold(0, i64::saturating_add);
    match limit {
        // Counted in bytes; a part of a GiB is as good as a whole one.
        Limit::PrimaryStorage | Limit::SecondaryStorage => total / GIB + i64::from(total % GIB > 0),
        _ => total,
    }
}

/// Counts how much of it the accounts of a domain and below have.
pub fn used_by_domain(world: &World, domain: ResourceId, limit: Limit) -> i64 {
    world
        .all(Kind::Account)
        .filter(|account| world.is_within(world.domain_of(account.id), domain))
        .map(|account| used_by_account(world, account.id, limit))
        .sum()
}

/// Refuses `more` where that would be over a limit of the account or of a domain
/// above it.
pub fn check(world: &World, account: ResourceId, limit: Limit, more: i64) -> Result<(), ApiError> {
    if more <= 0 {
        return Ok(());
    }
    if let Some(most) = of_account(world, account, limit) {
        let used = used_by_account(world, account, limit);
        if used + more > most {
            let why = format!(
                "may have {most} {}, has {used} and asks for {more} more; remove some or raise its limit",
                limit.noun()
            );
            let account = world.resource(account);
            return Err(account.refused_as(ApiError::allocation, "account", why));
        }
    }
    for domain in world.lineage(world.domain_of(account)) {
        let Some(most) = of_domain(world, domain, limit) else { continue };
        let used = used_by_domain(world, domain, limit);
        if used + more > most {
            let why = format!(
                "may have {most} {}, has {used} and {more} more are asked for; remove some or raise its limit",
                limit.noun()
            );
            let domain = world.resource(domain);
            return Err(domain.refused_as(ApiError::allocation, "domainid", why));
        }
    }
    Ok(())
}
