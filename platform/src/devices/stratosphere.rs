//! Stratosphere SSP controllers of guest networks; not exposed by the 4.2.1 server.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, Source, WireType as W, f, fields::*, later, p,
};

pub(crate) const SSP: Object = Object {
    name: "Ssp",
    fields: &[f("hostid", W::Str).from(Source::Uuid), ZONE_ID, f("url", W::Str), f("name", W::Str)],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addStratosphereSsp")
        .doc("Adds an SSP controller to a zone")
        .roles(Roles::NOBODY)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("url", Str).required(),
            p("username", Str),
            p("password", Secret),
            p("name", Str).required(),
            p("tenantuuid", Str).doc("the uuid of the tenant on the controller"),
        ])
        .object("ssphost", &SSP),
    later("deleteStratosphereSsp")
        .doc("Removes an SSP controller")
        .roles(Roles::NOBODY)
        .params(&[p("hostid", Id(Kind::SspHost)).required().doc("the controller")])
        .success(),
];
