//! Events: what happened, who did it, and how it ended. Guide appendix A.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const EVENT: Object = Object {
    name: "Event",
    fields: &[
        ID,
        f("username", W::Str),
        f("type", W::Str),
        f("level", W::Str),
        f("description", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        CREATED,
        STATE,
        f("parentid", W::Id(Kind::Event)),
    ],
};

pub(crate) const EVENT_TYPE: Object = Object { name: "EventType", fields: &[f("name", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    later("archiveEvents")
        .doc("Hides events from lists; they stay stored")
        .roles(Roles::ALL)
        .params(&[
            p("ids", IdList(Kind::Event)),
            p("enddate", Date),
            p("startdate", Date).doc("the first day or moment; only with `enddate`"),
            p("type", Str).doc("the type; at least one of `ids`, `type` and `enddate`"),
        ])
        .success(),
    later("deleteEvents")
        .doc("Deletes events")
        .roles(Roles::ALL)
        .params(&[
            p("ids", IdList(Kind::Event)),
            p("enddate", Date),
            p("startdate", Date).doc("the first day or moment; only with `enddate`"),
            p("type", Str).doc("the type; at least one of `ids`, `type` and `enddate`"),
        ])
        .success(),
    later("listEvents")
        .doc("Lists events, newest first")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Event)),
            p("duration", Int)
                .doc("with `entrytime`: shows what took longer than this many seconds"),
            p("enddate", Date),
            p("entrytime", Int)
                .doc("seconds: shows what was begun that long ago and is not completed"),
            p("level", Str).doc("`INFO`, `WARN` or `ERROR`"),
            p("startdate", Date),
            p("type", Str).doc("shows only events of this type, such as `VM.CREATE`"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("event", &EVENT),
    later("listEventTypes")
        .doc("Lists the types an event can have")
        .roles(Roles::ALL)
        .items("eventtype", &EVENT_TYPE),
];
