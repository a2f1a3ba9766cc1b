//! Regions: clouds that know each other. Guide 4.1.1.8.

use crate::table::{Command, Object, ParamType::*, Roles, WireType as W, f, group, later, p};

pub(crate) const REGION: Object = Object {
    name: "Region",
    fields: &[
        f("id", W::Int),
        f("name", W::Str),
        f("endpoint", W::Str),
        f("gslbserviceenabled", W::Bool),
        f("portableipserviceenabled", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addRegion")
        .doc("Tells this region of another one")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Int).required().doc("the number of the region"),
            p("name", Str).required(),
            p("endpoint", Str).required(),
        ])
        .object("region", &REGION),
    later("removeRegion")
        .doc("Forgets another region")
        .roles(Roles::ROOT)
        .params(&[p("id", Region).required().doc("the number of the region")])
        .success(),
    later("listRegions")
        .doc("Lists the regions this one knows, itself included")
        .roles(Roles::ALL)
        .params(&[p("id", Region).doc("shows only the region of this number"), p("name", Str)])
        .groups(&[group::PAGED])
        .items("region", &REGION),
    later("updateRegion")
        .doc("Changes the name or endpoint of a region")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Region).required().doc("the number of the region"),
            p("name", Str),
            p("endpoint", Str),
        ])
        .object("region", &REGION),
];
