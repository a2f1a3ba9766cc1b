//! Users: who logs in or signs calls, for an account.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const USER_KEYS: Object =
    Object { name: "Register", fields: &[f("apikey", W::Str), f("secretkey", W::Str)] };

pub(crate) const USER: Object = Object {
    name: "User",
    fields: &[
        ID,
        f("username", W::Str),
        f("firstname", W::Str),
        f("lastname", W::Str),
        f("email", W::Str),
        CREATED,
        STATE,
        ACCOUNT,
        f("accounttype", W::Int),
        DOMAIN_ID,
        DOMAIN,
        f("timezone", W::Str),
        f("apikey", W::Str),
        f("secretkey", W::Str),
        ACCOUNT_ID,
        f("iscallerchilddomain", W::Bool),
        f("isdefault", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createUser")
        .doc("Adds a user to an account")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).required().doc("the account it belongs to"),
            p("domainid", Id(Kind::Domain)).doc("the domain of the account"),
            p("email", Str).required(),
            p("firstname", Str).required(),
            p("lastname", Str).required(),
            p("password", Secret).required(),
            p("timezone", Str),
            p("username", Str).required(),
            p("userid", Str),
        ])
        .event("USER.CREATE")
        .object("user", &USER),
    later("deleteUser")
        .doc("Removes a user; the account stays")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::User)).required()])
        .event("USER.DELETE")
        .success(),
    later("disableUser")
        .doc("Keeps a user from logging in and from signing calls")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::User)).required()])
        .job("USER.DISABLE")
        .object("user", &USER),
    later("enableUser")
        .doc("Lets a disabled or locked user in again")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::User)).required()])
        .event("USER.ENABLE")
        .object("user", &USER),
    later("getUser")
        .doc("Shows the user of an API key")
        .roles(Roles::ROOT)
        .params(&[p("userapikey", Str).required().doc("the API key")])
        .object("user", &USER),
    later("listUsers")
        .doc("Lists users")
        .roles(Roles::ADMINS)
        .params(&[
            p("accounttype", Long),
            p("id", Id(Kind::User)),
            p("state", Str).doc("`enabled`, `disabled` or `locked`"),
            p("username", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED])
        .items("user", &USER),
    later("lockUser")
        .doc("Keeps a user from logging in until enableUser")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::User)).required()])
        .event("USER.LOCK")
        .object("user", &USER),
    later("registerUserKeys")
        .doc("Makes a new API key and secret key for a user; the old ones end")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::User)).required()])
        .event("REGISTER.USER.KEY")
        .object("userkeys", &USER_KEYS),
    later("updateUser")
        .doc("Changes a user's name, password, e-mail, time zone or keys")
        .roles(Roles::ALL)
        .params(&[
            p("userapikey", Str),
            p("email", Str),
            p("firstname", Str),
            p("id", Id(Kind::User)).required(),
            p("lastname", Str),
            p("password", Secret),
            p("usersecretkey", Secret).doc("the secret key that goes with `userapikey`"),
            p("timezone", Str),
            p("username", Str),
        ])
        .event("USER.UPDATE")
        .object("user", &USER),
];
