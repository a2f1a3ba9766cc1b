//! Domains: the tree in which accounts stand, with the administrators of its branches.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const DOMAIN: Object = Object {
    name: "Domain",
    fields: &[
        ID,
        f("name", W::Str),
        f("level", W::Int),
        f("parentdomainid", W::Id(Kind::Domain)),
        f("parentdomainname", W::Str).join("parentdomainid", "name"),
        f("haschild", W::Bool),
        f("networkdomain", W::Str),
        f("path", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createDomain")
        .doc("Makes a domain below another")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required(),
            p("parentdomainid", Id(Kind::Domain)).doc("the domain above it; ROOT unless given"),
            p("networkdomain", Str),
            p("domainid", Str).doc("a uuid for the domain, to make it the same in all regions"),
        ])
        .event("DOMAIN.CREATE")
        .object("domain", &DOMAIN),
    later("deleteDomain")
        .doc("Removes an empty domain, or with `cleanup` all that is in it")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Domain)).required(),
            p("cleanup", Bool)
                .doc("true to remove its accounts and subdomains with it; false unless given"),
        ])
        .job("DOMAIN.DELETE")
        .success(),
    later("listDomainChildren")
        .doc("Lists the domains directly below a domain, or all of them")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Domain))
                .doc("the domain whose children are shown; the caller's unless given"),
            p("name", Str),
            p("isrecursive", Bool).doc("true to show the whole tree below"),
            p("listall", Bool),
        ])
        .groups(&[group::PAGED])
        .items("domain", &DOMAIN),
    later("listDomains")
        .doc("Lists domains the caller may see")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Domain)),
            p("level", Int).doc("shows only domains this many steps below ROOT"),
            p("name", Str),
            p("listall", Bool),
        ])
        .groups(&[group::PAGED])
        .items("domain", &DOMAIN),
    later("updateDomain")
        .doc("Renames a domain or changes its DNS suffix")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Domain)).required(), p("name", Str), p("networkdomain", Str)])
        .event("DOMAIN.UPDATE")
        .object("domain", &DOMAIN),
];
