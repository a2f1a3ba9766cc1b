//! Sessions: how people log in by browser; programs sign their calls instead.

use crate::table::{Command, Kind, Object, ParamType::*, Roles, WireType as W, f, own, p};

pub(crate) const LOGIN: Object = Object {
    name: "Login",
    fields: &[
        f("timeout", W::Str),
        f("userid", W::Str),
        f("username", W::Str),
        f("firstname", W::Str),
        f("lastname", W::Str),
        f("account", W::Str),
        f("domainid", W::Str),
        f("type", W::Str),
        f("registered", W::Str),
        f("registrationtoken", W::Str),
        f("timezone", W::Str),
        f("timezoneoffset", W::Str),
        f("sessionkey", W::Str),
    ],
};

pub(crate) const LOGOUT: Object = Object { name: "Logout", fields: &[f("description", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    own("login")
        .front()
        .doc("Opens a session by user name and password")
        .roles(Roles::ALL)
        .params(&[
            p("username", Str).required(),
            p("password", Secret).required(),
            p("domain", Str)
                .doc("the user's domain by its path, such as `/sales/`; ROOT unless given"),
            p("domainid", Id(Kind::Domain))
                .doc("the user's domain by its uuid; wins over `domain`"),
        ])
        .bare(&LOGIN),
    own("logout").front().doc("Closes the session").roles(Roles::ALL).bare(&LOGOUT),
];
