//! Settings: the global configuration and its overrides by zone, cluster, storage pool
//! and account; and what of it this cloud tells its users.
//!
//! The rows of settings stand in the model: see [`SETTINGS`]. A global value is kept
//! where it is not the default; an override is a row of its own that names its place.
//!
//! # Source
//! Guide 5.3; filters and checks as the 4.2.1 server has them.

use base64::{Engine, prelude::BASE64_STANDARD};
use cloudtally_model::{
    ApiError,
    settings::{Category, Effective, SETTINGS, Scope, Setting, setting},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::chores;
use crate::{
    col,
    engine::{Answer, Args, Call, Done, Fields, Node, Query, Resource, ResourceId, World, refusal},
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Role, Roles, WireType as W, f, gone, group,
        hidden, own, p,
    },
};

/// The version of the API that clients are told.
const VERSION: &str = "4.2.1";

/// A setting's value for one zone, cluster, storage pool or account.
pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::Setting, &SETTING).hidden(&[hidden("of", W::Str)]);

pub(crate) const CAPABILITIES: Object = Object {
    name: "Capabilities",
    fields: &[
        f("securitygroupsenabled", W::Bool),
        f("cloudstackversion", W::Str),
        f("userpublictemplateenabled", W::Bool),
        f("supportELB", W::Str),
        f("projectinviterequired", W::Bool),
        f("allowusercreateprojects", W::Bool),
        f("customdiskofferingmaxsize", W::Long),
        f("KVMsnapshotenabled", W::Bool),
        f("regionsecondaryenabled", W::Bool),
        f("apilimitinterval", W::Int),
        f("apilimitmax", W::Int),
    ],
};

pub(crate) const CLOUD_IDENTIFIER: Object = Object {
    name: "CloudIdentifier",
    fields: &[f("userid", W::Id(Kind::User)), f("cloudidentifier", W::Str), f("signature", W::Str)],
};

pub(crate) const SETTING: Object = Object {
    name: "Configuration",
    fields: &[
        f("category", W::Str),
        f("name", W::Str),
        f("value", W::Str),
        f("scope", W::Str),
        f("id", W::Long),
        f("description", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    gone("createConfiguration")
        .doc("Adds a setting; dropped in 3.0, so the server does not know it")
        .roles(Roles::ROOT)
        .params(&[
            p("category", Str).required().doc("the category to list it under"),
            p("component", Str).required().doc("the part of the server that reads it"),
            p("description", Str).doc("what the setting does"),
            p("instance", Str).required().doc("the server it is for"),
            p("name", Str).required(),
            p("value", Str).doc("its value"),
        ])
        .object("configuration", &SETTING),
    own("getCloudIdentifier")
        .doc("Shows the identifier of the cloud, signed with the user's secret key")
        .roles(Roles::ALL)
        .params(&[p("userid", Id(Kind::User)).required()])
        .object("cloudidentifier", &CLOUD_IDENTIFIER)
        .read(identifier),
    own("listCapabilities")
        .doc("Shows what this cloud lets its users do")
        .roles(Roles::ALL)
        .object("capability", &CAPABILITIES)
        .read(capabilities),
    own("listConfigurations")
        .doc("Lists settings, or with one scope id the settings of that scope")
        .roles(Roles::ROOT)
        .params(&[
            p("category", Str),
            p("name", Str),
            p("zoneid", Id(Kind::Zone)).doc("shows the values for this zone"),
            p("clusterid", Id(Kind::Cluster)).doc("shows the values for this cluster"),
            p("storageid", Id(Kind::StoragePool)).doc("shows the values for this storage pool"),
            p("accountid", Id(Kind::Account)).doc("shows the values for this account"),
        ])
        .groups(&[group::PAGED])
        .items("configuration", &SETTING)
        .read(list_settings),
    own("updateConfiguration")
        .doc("Sets a setting, everywhere or in one scope")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required(),
            p("value", Str).length_max(4095).doc("the new value; empty clears it, none shows it"),
            p("zoneid", Id(Kind::Zone)).doc("sets it for this zone only"),
            p("clusterid", Id(Kind::Cluster)).doc("sets it for this cluster only"),
            p("storageid", Id(Kind::StoragePool)).doc("sets it for this storage pool only"),
            p("accountid", Id(Kind::Account)).doc("sets it for this account only"),
        ])
        .event("CONFIGURATION.VALUE.EDIT")
        .object("configuration", &SETTING)
        .act(update),
];

/// The parameters that name a place, and the scope each is for.
const PLACES: [(&str, Scope); 4] = [
    ("zoneid", Scope::Zone),
    ("clusterid", Scope::Cluster),
    ("storageid", Scope::StoragePool),
    ("accountid", Scope::Account),
];

/// The place that the parameters name; at most one.
fn place(args: &Args) -> Result<Option<(Scope, ResourceId)>, ApiError> {
    let mut named = PLACES.iter().filter_map(|(name, scope)| Some((*scope, args.id(name)?)));
    match (named.next(), named.next()) {
        (place, None) => Ok(place),
        (_, Some(_)) => Err(refusal::exclusive(&["zoneid", "clusterid", "storageid", "accountid"])),
    }
}

/// A setting as answers show it.
fn show(world: &World, row: &Setting, place: Option<(Scope, ResourceId)>) -> Node {
    let value = match place {
        Some((_, of)) => world.scoped_setting(of, row.name),
        None => world.setting(row.name),
    };
    let mut fields: Fields =
        vec![("category", Node::text(row.category.name())), ("name", Node::text(row.name))];
    if row.category != Category::Hidden {
        fields.push(("value", Node::text(value)));
    }
    if let Some((scope, of)) = place {
        fields.push(("scope", Node::text(scope.name())));
        fields.push(("id", Node::Int(i64::try_from(of.0).unwrap_or(i64::MAX))));
    }
    let hint = match row.effect {
        Effective::AtOnce => "",
        Effective::AfterRestart => " (a new value counts after a restart)",
    };
    fields.push(("description", Node::text(format!("{}{hint}", row.description))));
    Node::Object(fields)
}

/// With a place, the settings of its scope; else all that the filters leave.
fn list_settings(query: &Query<'_>) -> Result<Answer, ApiError> {
    let (args, world) = (query.args, query.world);
    let place = place(args)?;
    let lower = |name: &str| args.text(name).map(str::to_lowercase);
    let (category, name, keyword) = (lower("category"), lower("name"), lower("keyword"));
    let is_listed = |row: &&Setting| {
        let has = |text: &str, part: &String| text.to_lowercase().contains(part);
        row.category != Category::Hidden
            && place.is_none_or(|(scope, _)| row.scope == scope)
            && category.as_ref().is_none_or(|word| row.category.name().eq_ignore_ascii_case(word))
            && name.as_ref().is_none_or(|part| has(row.name, part))
            && keyword.as_ref().is_none_or(|part| {
                [row.name, row.description, row.category.name(), world.setting(row.name)]
                    .iter()
                    .any(|text| has(text, part))
            })
    };
    query.page_of("configuration", SETTINGS.iter().filter(is_listed), |query, row| {
        show(query.world, row, place)
    })
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. A setting that there is, in a scope it has.
    let name = call.args.text_required("name");
    let Some(row) = setting(name) else {
        return Err(call.invalid("name", name, "there is no such setting; see listConfigurations"));
    };
    let place = place(&call.args)?;
    if let Some((scope, _)) = place.filter(|(scope, _)| row.scope != *scope) {
        let text = match row.scope {
            Scope::Global => "it can only be set globally".to_owned(),
            own => format!("it can be set globally and for a {}", own.name()),
        };
        return Err(refusal::parameter(
            "name",
            format!("is {}, which cannot be set for a {}; {text}", row.name, scope.name()),
        ));
    }
    // 2. Without a value it is only shown; an empty one goes back to the default.
    let value = match call.args.text("value") {
        Some("null") => None,
        Some(value) => Some(value.trim().to_owned()),
        None if call.args.is_emptied("value") => None,
        None => {
            call.detail = format!("{} is not changed", row.name);
            return Ok(Done::Node(show(call.tx, row, place)));
        }
    };
    if let Some(value) = &value {
        row.check(value)
            .map_err(|why| refusal::parameter("value", format!("of {}: {why}", row.name)))?;
    }
    // 3. Kept, and told without secrets.
    let is_secret = row.category == Category::Hidden || row.name.contains("password");
    call.detail = match &value {
        None => format!("{} is the default again", row.name),
        Some(_) if is_secret => format!("{} is now ****", row.name),
        Some(value) => format!("{} is now {value}", row.name),
    };
    match place {
        Some((_, of)) => call.tx.set_scoped_setting(of, row.name, value.as_deref()),
        None => call.tx.set_setting(row.name, value),
    }
    chores::hasten(call.tx);
    Ok(Done::Node(show(call.tx, row, place)))
}

fn capabilities(query: &Query<'_>) -> Result<Answer, ApiError> {
    let world = query.world;
    let flag = |name: &str| Node::Bool(world.setting_flag(name));
    let has_groups = world.all(Kind::Zone).any(|zone| zone.flag(col::SECURITY_GROUPS_ENABLED));
    let is_regional = |store: &Resource| store.text(col::SCOPE) == "REGION";
    let own_templates =
        world.scoped_setting(query.caller.account, "allow.public.user.templates") == "true";
    let mut fields: Fields = vec![
        ("securitygroupsenabled", Node::Bool(has_groups)),
        ("cloudstackversion", Node::text(VERSION)),
        ("userpublictemplateenabled", Node::Bool(own_templates)),
        // A text, for the type of network would stand here where there is one.
        ("supportELB", Node::text("false")),
        ("projectinviterequired", flag("project.invite.required")),
        ("allowusercreateprojects", flag("allow.user.create.projects")),
        (
            "customdiskofferingmaxsize",
            Node::Int(world.setting_number("custom.diskoffering.size.max")),
        ),
        ("KVMsnapshotenabled", flag("kvm.snapshot.enabled")),
        ("regionsecondaryenabled", Node::Bool(world.all(Kind::ImageStore).any(is_regional))),
    ];
    if world.setting_flag("api.throttling.enabled") {
        let number = |name: &str| Node::Int(world.setting_number(name));
        fields.push(("apilimitinterval", number("api.throttling.interval")));
        fields.push(("apilimitmax", number("api.throttling.max")));
    }
    Ok(Answer::Object { item: "capability", object: Node::Object(fields) })
}

/// The cloud is told from others by the uuid of its ROOT domain, which never changes.
fn identifier(query: &Query<'_>) -> Result<Answer, ApiError> {
    let world = query.world;
    let user = world.resource(query.args.id_required("userid"));
    let account = user.owner.expect("users have accounts");
    let is_own = user.id == query.caller.user;
    let is_above =
        world.role_of(account) == Some(Role::RootAdmin) && query.caller.role != Role::RootAdmin;
    if !is_own && (is_above || !world.may_govern(query.caller, world.domain_of(account))) {
        return Err(user.refused_as(
            ApiError::permission,
            "userid",
            "is not one whose identifier the caller may ask for",
        ));
    }
    let secret_key = user.text(col::USER_SECRET_KEY);
    if secret_key.is_empty() {
        return Err(
            user.refused("userid", "has no keys to sign with; make them with registerUserKeys")
        );
    }
    let identifier = world.resource(world.root_domain()).uuid.to_string();
    let mut mac =
        Hmac::<Sha1>::new_from_slice(secret_key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(identifier.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let object = Node::Object(vec![
        ("userid", Node::text(user.uuid.to_string())),
        ("cloudidentifier", Node::text(identifier)),
        ("signature", Node::text(signature)),
    ]);
    Ok(Answer::Object { item: "cloudidentifier", object })
}
