//! Users: who logs in or signs calls, for an account.

use cloudtally_model::{ApiError, Text};

use super::governed::{self, STATES};
use crate::{
    col,
    engine::{
        Answer, Call, Column, Done, Node, Query, Resource, ResourceId, Scope, Tx, Uuid, View,
        login, refusal, scope, secret,
    },
    state::AccountState,
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Role, Roles, WireType as W, f, fields::*,
        group, hidden, own, p,
    },
};

/// `isprotected` marks users that are part of the cloud; `failures` counts wrong
/// passwords since the last right one, and until `refuseduntil` logins are refused for
/// them. `sessionsended` counts how often all sessions were ended.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::User, &USER)
    .called_by(col::USERNAME)
    .hidden(&[
        hidden("passwordhash", W::Str),
        hidden("usersecretkey", W::Str),
        hidden("failures", W::Int),
        hidden("givenid", W::Str),
        hidden("refuseduntil", W::Date),
        hidden("sessionsended", W::Int),
    ])
    .owned()
    .states(STATES)
    .keyword(&[col::USERNAME, col::FIRST_NAME, col::LAST_NAME, col::EMAIL])
    .on_move(moved);

/// Whoever is shut out is logged out, also when let in again later.
fn moved(tx: &mut Tx<'_>, user: ResourceId, _from: &'static str) {
    if !tx.resource(user).is(AccountState::Enabled) {
        login::end_sessions(tx, user);
    }
}

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
        f("accounttype", W::Int).by(|view| {
            let account = view.resource.owner.map(|owner| view.world.resource(owner));
            account.map_or(Node::Null, |account| Node::Int(account.int(col::ACCOUNT_TYPE)))
        }),
        DOMAIN_ID,
        DOMAIN,
        f("timezone", W::Str),
        f("apikey", W::Str),
        f("secretkey", W::Str).by(secret_key),
        ACCOUNT_ID,
        f("iscallerchilddomain", W::Bool),
        f("isdefault", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createUser")
        .doc("Adds a user to an account")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).required().doc("the account it belongs to"),
            p("domainid", Id(Kind::Domain)).doc("the domain of the account"),
            p("email", Str).required(),
            p("firstname", Str).required(),
            p("lastname", Str).required(),
            p("password", Password)
                .required()
                .doc("at least 6 characters, or their MD5 digest"),
            p("timezone", Str),
            p("username", Str).required(),
            p("userid", Str)
                .doc("an id for the user, any text, to make it the same in all regions; only root admins choose it"),
        ])
        .event("USER.CREATE")
        .object("user", &USER)
        .act(create),
    own("deleteUser")
        .doc("Removes a user; the account stays")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::User)).required()])
        .event("USER.DELETE")
        .success()
        .begin(governed)
        .act(delete),
    own("disableUser")
        .doc("Keeps a user from logging in and from signing calls")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::User)).required()])
        .job("USER.DISABLE")
        .object("user", &USER)
        .begin(governed)
        .act(disable),
    own("enableUser")
        .doc("Lets a user in again that is disabled or locked, or refused for wrong passwords")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::User)).required()])
        .event("USER.ENABLE")
        .object("user", &USER)
        .begin(governed)
        .act(enable),
    own("getUser")
        .doc("Shows the user of an API key")
        .roles(Roles::ROOT)
        .params(&[p("userapikey", Str).required().doc("the API key")])
        .object("user", &USER)
        .read(get),
    own("listUsers")
        .doc("Lists users")
        .roles(Roles::ADMINS)
        .params(&[
            p("accounttype", Long),
            p("id", Id(Kind::User)),
            p("state", Str).doc("`enabled`, `disabled` or `locked`"),
            p("username", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED])
        .items("user", &USER)
        .kind(Kind::User)
        .read(list_users),
    own("lockUser")
        .doc("Keeps a user from logging in until enableUser")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::User)).required()])
        .event("USER.LOCK")
        .object("user", &USER)
        .begin(governed)
        .act(lock),
    own("registerUserKeys")
        .doc("Makes a new API key and secret key for a user; the old ones end")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::User)).required()])
        .event("REGISTER.USER.KEY")
        .object("userkeys", &USER_KEYS)
        .begin(own_or_governed)
        .act(register_keys),
    own("updateUser")
        .doc("Changes a user's name, password, e-mail, time zone or keys")
        .roles(Roles::ALL)
        .params(&[
            p("userapikey", Str).doc("an API key of at least 16 characters, with `usersecretkey`"),
            p("email", Str),
            p("firstname", Str),
            p("id", Id(Kind::User)).required(),
            p("lastname", Str),
            p("password", Password)
                .doc("at least 6 characters, or their MD5 digest; ends all sessions of the user"),
            p("usersecretkey", Secret)
                .doc("the secret key that goes with `userapikey`, of at least 16 characters"),
            p("timezone", Str),
            p("username", Str),
        ])
        .event("USER.UPDATE")
        .object("user", &USER)
        .begin(own_or_governed)
        .act(update),
];

/// The secret key is shown to the user itself and to those who govern it, as the real
/// server does, but that of a root admin to root admins alone.
fn secret_key(view: &View<'_>) -> Node {
    let key = view.resource.text(col::USER_SECRET_KEY);
    let role = view.resource.owner.and_then(|account| view.world.role_of(account));
    let is_above = role == Some(Role::RootAdmin) && !view.caller.is_root();
    let is_other = view.caller.role == Role::User && view.resource.id != view.caller.user;
    if key.is_empty() || is_above || is_other { Node::Null } else { Node::text(key) }
}

/// Refuses a name that another user of the domain has.
pub(crate) fn refuse_taken(
    call: &Call<'_, '_>,
    domain: ResourceId,
    username: &str,
) -> Result<(), ApiError> {
    match call.tx.user_named(domain, username) {
        Some(_) => Err(refusal::taken(
            Kind::User,
            format!("{username} in {}", call.tx.login_path(domain)),
            "username",
        )),
        None => Ok(()),
    }
}

/// An id that the caller wants a resource to have, to be the same in all regions: any text that
/// is no id of another resource.
pub(crate) fn given_id(
    call: &Call<'_, '_>,
    name: &'static str,
    kind: Kind,
) -> Result<Option<String>, ApiError> {
    let Some(text) = call.args.text(name).map(str::trim) else { return Ok(None) };
    // A refusal of what is taken would tell anybody else what there is.
    if !call.caller.is_root() {
        return Err(refusal::reserved(format!("choosing an id by `{name}`"), "root admins"));
    }
    // Uuids are of one resource alone, other texts of one of a kind.
    let kinds = if Uuid::parse(text).is_some() { &[][..] } else { &[kind][..] };
    match call.tx.by_id(text, kinds) {
        Some(_) => Err(call.invalid(name, text, "something has this id already")),
        None => Ok(Some(text.to_owned())),
    }
}

/// Makes a user of an account from the parameters.
pub(crate) fn insert(call: &mut Call<'_, '_>, account: ResourceId) -> Result<ResourceId, ApiError> {
    let given = given_id(call, "userid", Kind::User)?;
    let args = call.args.clone();
    let text = |column: Column<Text>| args.text_required(column.name()).to_owned();
    let id = call.tx.insert(Kind::User, |user| {
        user.owner = Some(account);
        if let Some(id) = &given {
            user.set_id(id);
        }
        for column in [col::USERNAME, col::FIRST_NAME, col::LAST_NAME, col::EMAIL] {
            user.set_text(column, &text(column));
        }
        if let Some(zone) = args.text("timezone") {
            user.set_text(col::TIMEZONE, zone);
        }
        user.set_text(col::PASSWORD_HASH, args.text_required("password"))
            .set_flag(col::IS_DEFAULT, false);
    });
    Ok(id)
}

fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let name = call.args.text_required("account").to_owned();
    let domain = call.args.id("domainid").unwrap_or(call.caller.domain);
    let account = scope::named_account(call.tx, &call.caller, &name, Some(domain))?;
    governed::refuse_ungoverned(call, account)?;
    let username = call.args.text_required("username").to_owned();
    refuse_taken(call, domain, &username)?;
    let id = insert(call, account)?;
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

/// The user that `id` names, if the caller may govern it.
fn governed(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let id = call.args.id_required("id");
    let account = call.tx.resource(id).owner.expect("users have accounts");
    governed::refuse_ungoverned(call, account)?;
    Ok(Some(id))
}

fn refuse_protected(call: &Call<'_, '_>, id: ResourceId, doing: &str) -> Result<(), ApiError> {
    let user = call.tx.resource(id);
    if user.flag(col::IS_DEFAULT) {
        return Err(user.refused("id", format!("is part of the cloud and cannot be {doing}")));
    }
    if id == call.caller.user {
        return Err(user.refused("id", format!("is you and cannot be {doing} by itself")));
    }
    Ok(())
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_protected(call, id, "removed")?;
    call.tx.remove(id);
    Ok(Done::Success)
}

fn disable(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_protected(call, id, AccountState::Disabled.name())?;
    call.tx.move_to(id, AccountState::Disabled);
    Ok(Done::Resource(id))
}

fn lock(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_protected(call, id, AccountState::Locked.name())?;
    if call.entity().is(AccountState::Disabled) {
        return Err(call.entity().refused("id", "is disabled, which is more than locked"));
    }
    call.tx.move_to(id, AccountState::Locked);
    Ok(Done::Resource(id))
}

fn enable(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.move_to(id, AccountState::Enabled);
    login::forgive(call.tx, id);
    Ok(Done::Resource(id))
}

/// Users change themselves, and admins the users they govern; nobody below the
/// root admin changes a root admin.
fn own_or_governed(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let id = call.args.id_required("id");
    if id == call.caller.user {
        return Ok(Some(id));
    }
    governed(call)
}

fn register_keys(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let (api_key, secret_key) = (secret::key(call.tx.entropy)?, secret::key(call.tx.entropy)?);
    set_keys(call, id, &api_key, &secret_key);
    Ok(Done::Node(Node::Object(vec![
        ("apikey", Node::text(&api_key)),
        ("secretkey", Node::text(&secret_key)),
    ])))
}

fn set_keys(call: &mut Call<'_, '_>, id: ResourceId, api_key: &str, secret_key: &str) {
    call.tx.edit(id, |user| {
        user.set_text(col::API_KEY, api_key).set_text(col::USER_SECRET_KEY, secret_key);
    });
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    // 1. Keys only together, and only keys nobody else has.
    match (call.args.text("userapikey"), call.args.text("usersecretkey")) {
        (None, None) => {}
        (Some(api_key), Some(secret_key)) => {
            let (api_key, secret_key) = (api_key.to_owned(), secret_key.to_owned());
            for (name, key) in [("userapikey", &api_key), ("usersecretkey", &secret_key)] {
                secret::check_key(name, key).map_err(|why| call.invalid(name, "***", &why))?;
            }
            if call.tx.user_of_key(&api_key).is_some_and(|other| other.id != id) {
                return Err(call.invalid("userapikey", &api_key, "another user has this key"));
            }
            set_keys(call, id, &api_key, &secret_key);
        }
        _ => return Err(refusal::together(&["userapikey", "usersecretkey"])),
    }
    // 2. A name nobody has yet.
    if let Some(name) = call.args.text("username") {
        let account = call.entity().owner.expect("users have accounts");
        let taken = call.tx.user_named(call.tx.domain_of(account), name);
        if taken.is_some_and(|other| other.id != id) {
            return Err(call.invalid("username", name, "another user of the domain has this name"));
        }
    }
    // 3. The rest is as given.
    let args = call.args.clone();
    call.tx.edit(id, |user| {
        for column in [col::USERNAME, col::FIRST_NAME, col::LAST_NAME, col::EMAIL, col::TIMEZONE] {
            if let Some(text) = args.text(column.name()) {
                user.set_text(column, text);
            }
        }
    });
    // 4. A new password: who logged in with the old one is logged out.
    if let Some(hash) = args.text("password") {
        call.tx.edit(id, |user| {
            user.set_text(col::PASSWORD_HASH, hash);
        });
        login::forgive(call.tx, id);
        login::end_sessions(call.tx, id);
    }
    Ok(Done::Resource(id))
}

fn get(query: &Query<'_>) -> Result<Answer, ApiError> {
    let api_key = query.args.text_required("userapikey");
    let user = query
        .world
        .user_of_key(api_key)
        .ok_or_else(|| query.invalid("userapikey", api_key, "no user has this key"))?;
    Ok(Answer::Object { item: "user", object: query.show(user, &USER) })
}

/// Users of the account or the domain that is named; else those that the caller may see: of
/// its domain and all below it. `accounttype` is the account's.
fn list_users(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let users = if ["id", "account", "domainid"].iter().any(|name| args.has(name)) {
        query.resources(Kind::User)?
    } else {
        let tree = Scope::DomainTree(query.caller.domain);
        tree.resources(query.world, query.caller, Kind::User)
            .filter(|user| query.passes(user))
            .collect()
    };
    let is_of_type = |user: &&Resource| {
        let account = query.world.resource(user.owner.expect("users have accounts"));
        args.int("accounttype").is_none_or(|wanted| account.int(col::ACCOUNT_TYPE) == wanted)
    };
    query.page(users.into_iter().filter(is_of_type))
}
