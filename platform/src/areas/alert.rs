//! Alerts: what the administrator should know, by the numbers of guide appendix B.

use crate::table::{
    Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, fields::*, group,
    hidden, later, p,
};

/// `about` is what it is about: an alert stays until that is well again.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Alert, &ALERT)
    .hidden(&[hidden("archived", W::Bool), hidden("about", W::Str), hidden("resolved", W::Date)])
    .keyword(&["description"]);

pub(crate) const ALERT: Object = Object {
    name: "Alert",
    fields: &[ID, f("type", W::Int), f("description", W::Str), f("sent", W::Date)],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("archiveAlerts")
        .doc("Hides alerts from lists; they stay stored")
        .roles(Roles::ROOT)
        .params(&[
            p("ids", IdList(Kind::Alert)),
            p("enddate", Date),
            p("startdate", Date).doc("the first day; only with `enddate`"),
            p("type", Str)
                .doc("the number of the type; at least one of `ids`, `type` and `enddate`"),
        ])
        .success(),
    later("deleteAlerts")
        .doc("Deletes alerts")
        .roles(Roles::ROOT)
        .params(&[
            p("ids", IdList(Kind::Alert)),
            p("enddate", Date),
            p("startdate", Date).doc("the first day; only with `enddate`"),
            p("type", Str)
                .doc("the number of the type; at least one of `ids`, `type` and `enddate`"),
        ])
        .success(),
    later("listAlerts")
        .doc("Lists alerts, newest first")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Alert)),
            p("type", Str).doc("shows only alerts of the type with this number"),
        ])
        .groups(&[group::PAGED])
        .items("alert", &ALERT),
];
