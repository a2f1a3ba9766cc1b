//! The API about itself. Guide 4.1.1.27.

use crate::table::{Command, Object, ParamType::*, Roles, WireType as W, f, later, p};

pub(crate) const API: Object = Object {
    name: "ApiDiscovery",
    fields: &[
        f("name", W::Str),
        f("description", W::Str),
        f("since", W::Str),
        f("isasync", W::Bool),
        f("related", W::Str),
        f("params", W::Objects("ApiParameter")),
        f("response", W::Objects("ApiResponse")),
        f("type", W::Str),
    ],
};

pub(crate) const API_PARAMETER: Object = Object {
    name: "ApiParameter",
    fields: &[
        f("name", W::Str),
        f("description", W::Str),
        f("type", W::Str),
        f("length", W::Int),
        f("required", W::Bool),
        f("since", W::Str),
        f("related", W::Str),
    ],
};

pub(crate) const API_RESPONSE: Object = Object {
    name: "ApiResponse",
    fields: &[
        f("name", W::Str),
        f("description", W::Str),
        f("type", W::Str),
        f("response", W::Objects("ApiResponse")),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[later("listApis")
    .doc("Lists the commands the caller may use, with their parameters and answers")
    .roles(Roles::ALL)
    .params(&[p("name", Str).doc("shows only the command with exactly this name")])
    .items("api", &API)];
