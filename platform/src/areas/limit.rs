//! Resource limits: how many of each resource an account, a project or a domain may have.

use crate::table::{
    Command, Kind, Object, Param, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

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
