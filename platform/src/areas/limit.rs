//! Resource limits: how many of each resource an account, a project or a domain may have.

use crate::{
    engine::{Node, ThingId, View, World, limit},
    table::{
        Command, Kind, KindSpec, Limit, Object, Param, ParamType::*, Roles, WireType as W, f,
        fields::*, group, hidden, later, p,
    },
};

/// `of` is the account or the domain it is for.
pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::ResourceLimit, &RESOURCE_LIMIT).hidden(&[hidden("of", W::Str)]);

pub(crate) const RESOURCE_COUNT: Object = Object {
    name: "ResourceCount",
    fields: &[
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("resourcetype", W::Str),
        f("resourcecount", W::Long),
    ],
};

pub(crate) const RESOURCE_LIMIT: Object = Object {
    name: "ResourceLimit",
    fields: &[
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        f("resourcetype", W::Str),
        f("max", W::Long),
        PROJECT_ID,
        PROJECT,
    ],
};

/// The resource by its number, as everywhere in this area.
const RESOURCE_TYPE: Param = p("resourcetype", Int).doc(
    "0 VMs, 1 public IPs, 2 volumes, 3 snapshots, 4 templates and ISOs, 5 projects, 6 networks, \
     7 VPCs, 8 CPU cores, 9 MiB of memory, 10 GiB of primary, 11 GiB of secondary storage",
);

pub(crate) static COMMANDS: &[Command] = &[
    later("listResourceLimits")
        .doc("Lists the limits of an account, a project or a domain")
        .roles(Roles::ALL)
        .params(&[p("id", Long).doc("the number of the limit"), RESOURCE_TYPE])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("resourcelimit", &RESOURCE_LIMIT),
    later("updateResourceCount")
        .doc("Counts anew what an account or a domain uses")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).doc("the account to count for; the whole domain unless given"),
            p("domainid", Id(Kind::Domain)).required(),
            RESOURCE_TYPE,
            p("projectid", Id(Kind::Project)).doc("the project to count for"),
        ])
        .items("resourcecount", &RESOURCE_COUNT),
    later("updateResourceLimit")
        .doc("Sets how many of a resource an account, a project or a domain may have")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).doc("the account it is for; the whole domain unless given"),
            p("domainid", Id(Kind::Domain)),
            p("projectid", Id(Kind::Project)).doc("the project it is for"),
            p("max", Long).doc("the limit; -1 for none"),
            RESOURCE_TYPE.required(),
        ])
        .object("resourcelimit", &RESOURCE_LIMIT),
];

/// How much of a resource an account has.
pub(crate) fn used(world: &World, account: ThingId, limit: Limit) -> i64 {
    let count = |kind| i64::try_from(world.owned_by(account, kind).count()).unwrap_or(i64::MAX);
    match limit {
        Limit::Project => count(Kind::Project),
        Limit::Network => count(Kind::Network),
        Limit::Vpc => count(Kind::Vpc),
        Limit::Volume => count(Kind::Volume),
        Limit::Snapshot => count(Kind::Snapshot),
        Limit::Template => count(Kind::Template) + count(Kind::Iso),
        Limit::PublicIp => count(Kind::IpAddress),
        Limit::Vm => count(Kind::Vm),
        Limit::Cpu | Limit::Memory | Limit::PrimaryStorage | Limit::SecondaryStorage => 0,
    }
}

/// The account that a view of an account or a project counts for.
fn counted(view: &View<'_>) -> ThingId {
    view.thing.owner.expect("accounts and projects are owned by an account")
}

/// A limit as `vmlimit` and its like show it.
pub(super) fn shown_limit(view: &View<'_>, of: Limit) -> Node {
    match limit::of_account(view.world, counted(view), of) {
        Some(most) => Node::text(most.to_string()),
        None => Node::text("Unlimited"),
    }
}

/// What is used of it, as `vmtotal` and its like show it.
pub(super) fn shown_total(view: &View<'_>, of: Limit) -> Node {
    Node::Int(limit::used_by_account(view.world, counted(view), of))
}

/// What is left of it, as `vmavailable` and its like show it.
pub(super) fn shown_left(view: &View<'_>, of: Limit) -> Node {
    match limit::of_account(view.world, counted(view), of) {
        Some(most) => {
            let used = limit::used_by_account(view.world, counted(view), of);
            Node::text((most - used).max(0).to_string())
        }
        None => Node::text("Unlimited"),
    }
}

/// How many virtual machines are in a state.
pub(super) fn shown_vms(view: &View<'_>, state: &str) -> Node {
    let vms = view.world.owned_by(counted(view), Kind::Vm).filter(|vm| vm.state == state);
    Node::Int(i64::try_from(vms.count()).unwrap_or(i64::MAX))
}
