//! Throttling: how many calls an account has left. Guide 5.3.

use crate::{
    front::FrontCommand,
    table::{Command, Kind, Object, ParamType::*, Roles, WireType as W, f, own, p},
};

pub(crate) const API_LIMIT: Object = Object {
    name: "ApiLimit",
    fields: &[
        f("accountid", W::Str),
        f("account", W::Str),
        f("apiIssued", W::Int),
        f("apiAllowed", W::Int),
        f("expireAfter", W::Long),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("getApiLimit")
        .front(FrontCommand::GetApiLimit.number())
        .doc("Shows how many calls the caller's account has left, and for how long")
        .roles(Roles::ALL)
        .object("apilimit", &API_LIMIT),
    own("resetApiLimit")
        .front(FrontCommand::ResetApiLimit.number())
        .doc("Sets the count of calls back to zero")
        .roles(Roles::ROOT)
        .params(&[
            p("account", Id(Kind::Account))
                .doc("the account, by its uuid; all accounts unless given"),
            // The guide calls it so, the 4.2 server `account`.
            p("accountid", Id(Kind::Account)).doc("the same as `account`"),
        ])
        .success(),
];
