//! Sessions: how people log in by browser; programs sign their calls instead.

use super::alert::{self, LOGINS_REFUSED, Place};
use crate::{
    col,
    engine::{ResourceId, Tx},
    front::FrontCommand,
    table::{Command, Kind, Object, ParamType::*, Roles, WireType as W, f, own, p},
};

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
        .front(FrontCommand::Login.number())
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
    own("logout")
        .front(FrontCommand::Logout.number())
        .doc("Closes the session")
        .roles(Roles::ALL)
        .bare(&LOGOUT),
];

/// Tells the root admin, once until the user is let in again.
pub(crate) fn logins_refused(tx: &mut Tx<'_>, user: ResourceId, failures: i64) {
    if alert::stands(tx, LOGINS_REFUSED, user) {
        return;
    }
    let resource = tx.resource(user);
    let account = resource.owner.expect("users have accounts");
    let (name, path) = (resource.text(col::USERNAME), tx.login_path(tx.domain_of(account)));
    let text = format!(
        "{failures} wrong passwords in a row for the user {name} of {path}; listEvents type=USER.LOGIN tells when"
    );
    alert::raise(tx, LOGINS_REFUSED, Some(user), Place::default(), &text);
}

/// Resolves the alert: the user is let in again.
pub(crate) fn logins_accepted(tx: &mut Tx<'_>, user: ResourceId) {
    alert::resolve(tx, LOGINS_REFUSED, Some(user), Place::default());
}
