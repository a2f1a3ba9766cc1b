//! Operating systems of guests, as templates and VMs name them.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const OS_TYPE: Object = Object {
    name: "GuestOS",
    fields: &[ID, f("oscategoryid", W::Id(Kind::OsCategory)), f("description", W::Str)],
};

pub(crate) const OS_CATEGORY: Object =
    Object { name: "GuestOSCategory", fields: &[ID, f("name", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    later("listOsCategories")
        .doc("Lists categories of operating systems")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::OsCategory)), p("name", Str)])
        .groups(&[group::PAGED])
        .items("oscategory", &OS_CATEGORY),
    later("listOsTypes")
        .doc("Lists operating systems")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::OsType)),
            p("oscategoryid", Id(Kind::OsCategory)),
            p("description", Str).doc("shows only the one with this description"),
        ])
        .groups(&[group::PAGED])
        .items("ostype", &OS_TYPE),
];
