//! Accounts: who owns resources, and whose use is billed. Guide 2.1, 4.1.1.11.

use cloudtally_model::{AccountId, AccountType, ApiError, DomainId};

use super::{
    governed::{STATES, administered_by, refuse_ungoverned},
    limit, user,
};
use crate::{
    col,
    engine::{
        Call, Done, Query, Resource, ResourceId, Tx, login, refusal, remove_all_of, scope,
        stop_all_of, verbs,
    },
    network::securitygroup,
    state::AccountState,
    table::{
        Command, Kind, KindSpec, Limit, MapForm, Object, OnDelete, ParamType::*, Role, Roles,
        WireType as W, extended, f, fields::*, group, hidden, list, own, p,
    },
};

/// Accounts own themselves, so that the rules of lists hold for them too.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Account, &ACCOUNT)
    .hidden(&[hidden("project", W::Id(Kind::Project)), hidden("givenid", W::Str)])
    .owned()
    .states(STATES)
    .keyword(&[col::NAME])
    .on_move(moved)
    .referred(&[
        (Kind::ResourceLimit, col::OF.reference(), OnDelete::Remove),
        (Kind::Setting, col::OF.reference(), OnDelete::Remove),
    ]);

/// Whoever's account is shut is logged out, also when it is opened again later.
fn moved(tx: &mut Tx<'_>, account: ResourceId, _from: &'static str) {
    if !tx.resource(account).is(AccountState::Enabled) {
        let users: Vec<ResourceId> = tx.owned_by(account, Kind::User).map(|user| user.id).collect();
        for user in users {
            login::end_sessions(tx, user);
        }
    }
}

pub(crate) const ACCOUNT: Object = Object {
    name: "Account",
    fields: &extended::<{ WITH_MACHINES.fields.len() + limit::OF_NETWORKS.len() }>(
        &WITH_MACHINES,
        "projectavailable",
        limit::OF_NETWORKS,
    ),
};

/// An account without the limits of networks and storage.
const WITH_MACHINES: Object = Object {
    name: "Account",
    fields: &extended::<{ WITHOUT_LIMITS.fields.len() + limit::OF_MACHINES.len() }>(
        &WITHOUT_LIMITS,
        "sentbytes",
        limit::OF_MACHINES,
    ),
};

/// An account without limits that projects have, too.
const WITHOUT_LIMITS: Object = Object {
    name: "Account",
    fields: &[
        ID,
        f("name", W::Str),
        f("accounttype", W::Int),
        f("domainid", W::Id(Kind::Domain)),
        f("domain", W::Str).join(col::DOMAIN_ID, "name"),
        f("defaultzoneid", W::Id(Kind::Zone)),
        f("receivedbytes", W::Long),
        f("sentbytes", W::Long),
        f("projectlimit", W::Str).by(|view| limit::shown_limit(view, Limit::Project)),
        f("projecttotal", W::Long).by(|view| limit::shown_total(view, Limit::Project)),
        f("projectavailable", W::Str).by(|view| limit::shown_left(view, Limit::Project)),
        STATE,
        f("iscleanuprequired", W::Bool),
        f("user", W::Objects("User")).by(|view| view.owned(Kind::User)),
        f("networkdomain", W::Str),
        f("accountdetails", W::Map),
        f("isdefault", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createAccount")
        .doc("Makes an account together with its first user")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).doc("the account's name; `username` unless given"),
            p("accounttype", Short).required(),
            p("domainid", Id(Kind::Domain)).doc("the domain it belongs to; ROOT unless given"),
            p("email", Str).required(),
            p("firstname", Str).required(),
            p("lastname", Str).required(),
            p("password", Password)
                .required()
                .doc("at least 6 characters, or their MD5 digest"),
            p("timezone", Str),
            p("username", Str).required(),
            p("networkdomain", NetworkDomain),
            p("accountdetails", Map(MapForm::Free)),
            p("accountid", Str)
                .doc("an id for the account, any text, to make it the same in all regions; only root admins choose it"),
            p("userid", Str)
                .doc("an id for the user, any text, to make it the same in all regions; only root admins choose it"),
        ])
        .event("ACCOUNT.CREATE")
        .object("account", &ACCOUNT)
        .act(create),
    own("deleteAccount")
        .doc("Removes an account with its users and everything it owns")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::Account)).required()])
        .job("ACCOUNT.DELETE")
        .success()
        .kind(Kind::Account)
        .check(check_delete)
        .act(delete),
    own("disableAccount")
        .doc("Shuts an account: nobody logs in and its VMs are stopped")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Account)),
            p("account", Str).doc("the account's name, with `domainid`; or give `id`"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
            p("lock", Bool)
                .required()
                .doc("true to lock: nobody logs in, but the VMs keep running"),
        ])
        .job("ACCOUNT.DISABLE")
        .object("account", &ACCOUNT)
        .begin(governed)
        .act(disable),
    own("enableAccount")
        .doc("Opens a disabled or locked account again")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Account)),
            p("account", Str).doc("the account's name, with `domainid`; or give `id`"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
        ])
        .event("ACCOUNT.ENABLE")
        .object("account", &ACCOUNT)
        .begin(governed)
        .act(enable),
    list("listAccounts", Kind::Account)
        .doc("Lists accounts with their limits and what they use of them")
        .roles(Roles::ALL)
        .params(&[
            p("accounttype", Long),
            p("id", Id(Kind::Account)),
            p("iscleanuprequired", Bool).doc("true for those whose removal is not yet complete"),
            p("name", Str),
            p("state", Str).doc("`enabled`, `disabled` or `locked`"),
            p("listall", Bool),
            p("domainid", Id(Kind::Domain)).doc("shows only accounts of this domain"),
            p("isrecursive", Bool),
        ])
        .groups(&[group::PAGED])
        .items("account", &ACCOUNT)
        .filter(is_listed, &[]),
    own("lockAccount")
        .doc("Keeps the users of an account from logging in; its VMs run on")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).required().doc("the account's name"),
            p("domainid", Id(Kind::Domain)).required().doc("the account's domain"),
        ])
        .object("account", &ACCOUNT)
        .begin(governed)
        .act(lock),
    own("markDefaultZoneForAccount")
        .doc("Sets the zone an account uses unless told otherwise")
        .roles(Roles::ROOT)
        .params(&[
            p("account", Str).required().doc("the account's name"),
            p("domainid", Id(Kind::Domain)).required().doc("the account's domain"),
            p("zoneid", Id(Kind::Zone)).required(),
        ])
        .job("ACCOUNT.MARK.DEFAULT.ZONE")
        .object("account", &ACCOUNT)
        .begin(governed)
        .act(mark_default_zone),
    own("updateAccount")
        .doc("Renames an account or changes its details")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Account)),
            p("account", Str).doc("the account's name until now, with `domainid`; or give `id`"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
            p("newname", Str).required().doc("the new name"),
            p("networkdomain", NetworkDomain),
            p("accountdetails", Map(MapForm::Free)),
        ])
        .event("ACCOUNT.UPDATE")
        .object("account", &ACCOUNT)
        .begin(governed)
        .act(update),
];

/// The account that `id`, or `account` in `domainid`, names.
fn named(call: &Call<'_, '_>) -> Result<ResourceId, ApiError> {
    let id = match (call.args.id_if_any("id"), call.args.text_if_any("account")) {
        (Some(id), name) => {
            let account = call.tx.resource(id);
            let is_other = name
                .is_some_and(|name| !account.text(col::NAME).eq_ignore_ascii_case(name))
                || call.args.id_if_any("domainid").is_some_and(|of| of != call.tx.domain_of(id));
            if is_other {
                return Err(account
                    .refused("id", "is not that of `account` and `domainid`; leave them out"));
            }
            id
        }
        (None, Some(name)) => {
            let domain = call.args.id_if_any("domainid");
            scope::named_account(call.tx, &call.caller, name, domain)?
        }
        (None, None) => {
            return Err(refusal::parameter(
                "id",
                "is needed, or `account` together with `domainid`",
            ));
        }
    };
    if call.tx.project_of(id).is_some() {
        return Err(call
            .tx
            .resource(id)
            .refused("id", "is that of a project and changes only with the project"));
    }
    Ok(id)
}

/// The account named, if the caller may govern it: an admin of its domain or of
/// one above, and never for an account that is part of the cloud.
fn governed(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let id = named(call)?;
    refuse_ungoverned(call, id)?;
    Ok(Some(id))
}

fn is_protected(account: &Resource) -> bool {
    account.flag(col::IS_DEFAULT)
}

/// Refuses to shut or remove what the cloud cannot be without, or oneself.
fn refuse_protected(call: &Call<'_, '_>, id: ResourceId, doing: &str) -> Result<(), ApiError> {
    let account = call.tx.resource(id);
    if is_protected(account) {
        return Err(account.refused("id", format!("is part of the cloud and cannot be {doing}")));
    }
    if id == call.caller.account {
        return Err(account.refused("id", format!("is your own and cannot be {doing}")));
    }
    Ok(())
}

fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. Where it belongs, and whether the caller may put it there.
    let domain = call.args.id("domainid").unwrap_or(call.caller.domain);
    let domain = if call.args.has("domainid") || !call.caller.is_root() {
        domain
    } else {
        call.tx.root_domain()
    };
    if !call.tx.may_govern(&call.caller, domain) {
        return Err(call.tx.resource(domain).refused_as(
            ApiError::permission,
            "domainid",
            "is not one the caller may make accounts in",
        ));
    }
    let number = call.args.int("accounttype").unwrap_or_default();
    let role = Role::from_number(number).ok_or_else(|| {
        let expected = "expected 0 (user), 1 (root admin) or 2 (domain admin)";
        call.invalid("accounttype", &number.to_string(), expected)
    })?;
    if role == Role::RootAdmin && domain != call.tx.root_domain() {
        return Err(refusal::parameter("domainid", "must be the ROOT domain for root admins"));
    }
    if role == Role::RootAdmin && !call.caller.is_root() {
        return Err(refusal::reserved("making root admins", "root admins"));
    }
    // 2. Names nobody has yet.
    let username = call.args.text_required("username").to_owned();
    let name = call.args.text("account").unwrap_or(&username).to_owned();
    if call.tx.account_named(domain, &name).is_some() {
        return Err(refusal::taken(
            Kind::Account,
            format!("{name} in {}", call.tx.login_path(domain)),
            "account",
        ));
    }
    user::refuse_taken(call, domain, &username)?;
    // 3. The account and its first user.
    let details: Vec<_> = call
        .args
        .merged_map("accountdetails")
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    let network_domain = call.args.text("networkdomain").map(str::to_owned);
    let given = user::given_id(call, "accountid", Kind::Account)?;
    let id = insert(call.tx, domain, &name, role.number());
    call.tx.edit(id, |account| {
        if let Some(id) = &given {
            account.set_id(id);
        }
        account.set_text_if(col::NETWORK_DOMAIN, network_domain.as_deref());
        account.set_map(col::ACCOUNT_DETAILS, (!details.is_empty()).then_some(details));
    });
    user::insert(call, id)?;
    securitygroup::ensure_default(call.tx, id);
    bill(call.tx, id);
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

/// Makes an account; it owns itself.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    domain: ResourceId,
    name: &str,
    account_type: i64,
) -> ResourceId {
    tx.insert(Kind::Account, |account| {
        account.owner = Some(account.id);
        account
            .set_text(col::NAME, name)
            .set_int(col::ACCOUNT_TYPE, account_type)
            .set_ref(col::DOMAIN_ID, domain)
            .set_flag(col::IS_CLEANUP_REQUIRED, false)
            .set_flag(col::IS_DEFAULT, false);
    })
}

/// Tells the bill what an account is called and where it belongs.
pub(crate) fn bill(tx: &mut Tx<'_>, id: ResourceId) {
    let account = tx.resource(id);
    let domain = tx.domain_of(id);
    let account_type = AccountType::from_number(account.int(col::ACCOUNT_TYPE).unsigned_abs());
    let account = cloudtally_model::Account {
        id: AccountId(id.0),
        name: account.text(col::NAME).into(),
        uuid: Some(account.shown_id().into()),
        account_type: Some(account_type),
        domain: Some(DomainId(domain.0)),
        domain_path: Some(tx.login_path(domain).into()),
        state: Some(account.state().into()),
        created: Some(account.created),
        removed: account.removed,
    };
    tx.bill_account(account);
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let name = call.args.text_required("newname").to_owned();
    let domain = call.tx.domain_of(id);
    if call.tx.account_named(domain, &name).is_some_and(|other| other.id != id) {
        return Err(refusal::taken(
            Kind::Account,
            format!("{name} in {}", call.tx.login_path(domain)),
            "newname",
        ));
    }
    let mut account = call.entity().clone();
    verbs::assign(call, &mut account);
    account.set_text(col::NAME, &name);
    call.tx.edit(id, |old| *old = account);
    bill(call.tx, id);
    Ok(Done::Resource(id))
}

/// Shuts an account, or only locks it.
fn shut(call: &mut Call<'_, '_>, state: AccountState) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_protected(call, id, state.name())?;
    if call.entity().is(AccountState::Disabled) && state == AccountState::Locked {
        return Err(call.entity().refused("id", "is disabled, which is more than locked"));
    }
    call.tx.move_to(id, state);
    if state == AccountState::Disabled {
        stop_all_of(call.tx, id);
    }
    bill(call.tx, id);
    Ok(Done::Resource(id))
}

fn disable(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let state =
        if call.args.is_true("lock") { AccountState::Locked } else { AccountState::Disabled };
    shut(call, state)
}

fn lock(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    shut(call, AccountState::Locked)
}

fn enable(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.move_to(id, AccountState::Enabled);
    bill(call.tx, id);
    Ok(Done::Resource(id))
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_protected(call, id, "removed")?;
    refuse_administrator(call, id)?;
    remove(call.tx, id);
    Ok(Done::Success)
}

fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let id = call.args.id_required("id");
    if call.tx.project_of(id).is_some() {
        return Err(call
            .tx
            .resource(id)
            .refused("id", "is that of a project and goes with the project"));
    }
    refuse_ungoverned(call, id)?;
    refuse_protected(call, id, "removed")?;
    refuse_administrator(call, id)
}

/// Refuses to remove an account that projects would be left without administrator by.
fn refuse_administrator(call: &Call<'_, '_>, id: ResourceId) -> Result<(), ApiError> {
    let projects: Vec<&str> =
        administered_by(call.tx, id).map(|id| call.tx.resource(id).text(col::NAME)).collect();
    if projects.is_empty() {
        return Ok(());
    }
    Err(call.tx.resource(id).refused("id", format!("administers the projects {}; remove them or make another member their administrator first", projects.join(", "))))
}

/// Removes an account with its users and everything it owns.
pub(crate) fn remove(tx: &mut Tx<'_>, id: ResourceId) {
    remove_owned(tx, id);
    tx.remove_with_dependants(id);
    bill(tx, id);
}

fn remove_owned(tx: &mut Tx<'_>, id: ResourceId) {
    remove_all_of(tx, id);
    for kind in [
        Kind::SshKeyPair,
        Kind::InstanceGroup,
        Kind::ProjectInvitation,
        Kind::ProjectAccount,
        Kind::User,
    ] {
        let resources: Vec<ResourceId> =
            tx.owned_by(id, kind).map(|resource| resource.id).collect();
        for resource in resources {
            tx.remove_with_dependants(resource);
        }
    }
}

/// Clears up after accounts, every `account.cleanup.interval`: what is still there of those
/// that were removed goes, and what still runs of those that are disabled stops.
pub(crate) fn clean_up(tx: &mut Tx<'_>) {
    let ids = |accounts: Vec<&Resource>| accounts.into_iter().map(|account| account.id).collect();
    let removed = tx.removed_too(Kind::Account).filter(|account| account.removed.is_some());
    let removed: Vec<ResourceId> = ids(removed.collect());
    for id in removed {
        remove_owned(tx, id);
    }
    let disabled = tx.all(Kind::Account).filter(|account| account.is(AccountState::Disabled));
    let disabled: Vec<ResourceId> = ids(disabled.collect());
    for id in disabled {
        stop_all_of(tx, id);
    }
}

fn mark_default_zone(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (id, zone) = (call.entity_id(), call.args.id_required("zoneid"));
    call.tx.edit(id, |account| {
        account.set_ref(col::DEFAULT_ZONE_ID, zone);
    });
    Ok(Done::Resource(id))
}

/// Accounts of projects are shown with their projects.
fn is_listed(query: &Query<'_>, account: &Resource) -> bool {
    query.world.project_of(account.id).is_none()
}
