//! Hotfixes of XenServer hosts. Guide 4.2.3; declared there, in no 4.2 server.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const HOST_UPDATE: Object = Object {
    name: "HostUpdates",
    fields: &[
        ID,
        f("xenupdatelabel", W::Str),
        f("description", W::Str),
        f("afterapplyguidance", W::Str),
        f("applied", W::Bool),
        f("url", W::Str),
        f("timestamp", W::Str),
    ],
};

pub(crate) const HOST_WITH_PENDING_UPDATES: Object =
    Object { name: "HostsWithPendingUpdates", fields: &[ID, f("uuid", W::Str), f("name", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    later("listHostsWithPendingUpdates")
        .doc("Lists hosts that lack a hotfix")
        .roles(Roles::ROOT)
        .groups(&[group::PAGED])
        .items("host", &HOST_WITH_PENDING_UPDATES),
    later("listHostUpdates")
        .doc("Lists hotfixes of a host and whether they are applied")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::HostUpdate)),
            p("hostid", Id(Kind::Host)).required(),
            p("applied", Bool),
        ])
        .groups(&[group::PAGED])
        .items("update", &HOST_UPDATE),
];
