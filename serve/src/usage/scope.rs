//! `accountid`, `account`, `domainid`, `isrecursive`, `projectid`: whose records.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{Account, AccountId, ApiError, Instant, SourceName, Text};
use cloudtally_platform::{
    col,
    engine::{Resource, ResourceId, Uuid, World, unknown, unknown_because},
    table::{Kind, Role},
};
use cloudtally_store::{Accounts, RecordFilter, RecordWindow, Store};

use super::OUR_SOURCE;
use crate::{command::FrontCall, error::internal};

/// An account of a source. Ids of different sources never meet, so one number
/// may choose several.
type Chosen = (SourceName, AccountId);

/// The accounts a call names; `None` is everybody, which is what the root admin
/// sees without naming one.
///
/// `accountid` is the cloud's uuid or number; an `account` beside it must be its name, and
/// a `domainid` its domain, or with `isrecursive=true` one above; -1 is every account, and
/// says nothing more than leaving it out.
/// `account` alone is a name, in a domain or, of an imported cloud, in any; `domainid` alone is
/// all accounts of the domain, and with `isrecursive=true` of those below it.
/// `projectid=-1` is all projects that the caller is in or governs, gone or not.
/// Only the root admin sees imported clouds.
pub(super) fn chosen_accounts(
    call: &FrontCall<'_>,
    accounts: &Accounts,
) -> Result<Option<Vec<Chosen>>, ApiError> {
    let given = |name| call.args.text(name);
    if let (Some("-1"), Some(name)) = (given("accountid"), given("account")) {
        return Err(ApiError::value(format!(
            "the `accountid` -1 is every account, and the `account` {name} is one; give one of them"
        )));
    }
    let Some(mut chosen) = choose(call, accounts)? else { return Ok(None) };
    let account = given("accountid").filter(|id| *id != "-1");
    if let (Some(id), Some(name)) = (account, given("account")) {
        chosen = named_so(call, accounts, chosen, id, name)?;
    }
    let account = account.map(|id| ("account", "accountid", id));
    let named = account.or(given("projectid").map(|id| ("project", "projectid", id)));
    if let (Some(named), Some(domain)) = (named, given("domainid")) {
        chosen = of_domain(call, accounts, chosen, named, domain)?;
    }
    Ok(Some(chosen))
}

/// Those of the accounts of an id that are in a domain, or below it with
/// `isrecursive=true`. Refuses a domain that none of them is in; of all projects there may
/// be none.
fn of_domain(
    call: &FrontCall<'_>,
    accounts: &Accounts,
    chosen: Vec<Chosen>,
    (noun, parameter, id): (&str, &str, &str),
    domain: &str,
) -> Result<Vec<Chosen>, ApiError> {
    let recursive = call.args.is_true("isrecursive");
    let world = call.cloud.world();
    let own = |(source, id): &Chosen| {
        let account = world.any(ResourceId(id.0)).filter(|_| source.as_str() == OUR_SOURCE)?;
        (account.kind == Kind::Account).then(|| world.domain_of(account.id))
    };
    let (is_inside, others): (Vec<bool>, Vec<String>) = if is_of_our_own(&world, domain) {
        let top = resource(call, &world, Kind::Domain, domain)
            .ok_or_else(|| unknown("domainid", domain, Kind::Domain.noun()))?
            .id;
        let is_inside = |account: &Chosen| {
            own(account).is_some_and(|of| of == top || recursive && world.is_within(of, top))
        };
        let of = |account: &Chosen| match own(account) {
            Some(of) => world.login_path(of),
            None => domain_told(accounts, account),
        };
        (chosen.iter().map(is_inside).collect(), chosen.iter().map(of).collect())
    } else {
        let paths = paths_of(call, accounts, domain)?;
        let is_inside = |(source, id): &Chosen| {
            let account = accounts.get(source, *id);
            account.is_some_and(|account| is_in(&paths, source, account, domain, recursive))
        };
        let of = |account: &Chosen| domain_told(accounts, account);
        (chosen.iter().map(is_inside).collect(), chosen.iter().map(of).collect())
    };
    let inside = chosen.into_iter().zip(&is_inside).filter(|(_, is_inside)| **is_inside);
    let inside: Vec<Chosen> = inside.map(|(account, _)| account).collect();
    if inside.is_empty() && id != "-1" {
        let below = if recursive { " or below it" } else { "" };
        return Err(ApiError::value(format!(
            "the {noun} {id} is in {}, not in the domain {domain}{below}; give one of `{parameter}` and `domainid`",
            others.join(" and ")
        )));
    }
    Ok(inside)
}

/// The domain of an account by what its source has told.
fn domain_told(accounts: &Accounts, (source, id): &Chosen) -> String {
    match accounts.get(source, *id) {
        Some(Account { domain: Some(id), domain_path: Some(path), .. }) => {
            format!("the domain {id} ({path})")
        }
        Some(Account { domain: Some(id), .. }) => format!("the domain {id}"),
        _ => "no domain that is known yet".to_owned(),
    }
}

/// Those of the accounts of an id that have a name; one number may be accounts of several
/// sources. Refuses a name that none of them has.
fn named_so(
    call: &FrontCall<'_>,
    accounts: &Accounts,
    chosen: Vec<Chosen>,
    id: &str,
    name: &str,
) -> Result<Vec<Chosen>, ApiError> {
    let world = call.cloud.world();
    let name_of = |(source, id): &Chosen| -> Option<String> {
        accounts.get(source, *id).map(|account| account.name.to_string()).or_else(|| {
            let own = world.any(ResourceId(id.0)).filter(|_| source.as_str() == OUR_SOURCE);
            own.map(|account| account.text(col::NAME).to_owned())
        })
    };
    let (mut named, mut names) = (Vec::new(), Vec::new());
    for account in chosen {
        match name_of(&account) {
            Some(own) if !own.eq_ignore_ascii_case(name) => names.push(own),
            _ => named.push(account),
        }
    }
    if named.is_empty() {
        return Err(ApiError::value(format!(
            "the account {id} is {}, not {name}; give one of `accountid` and `account`",
            names.join(" and ")
        )));
    }
    Ok(named)
}

fn choose(call: &FrontCall<'_>, accounts: &Accounts) -> Result<Option<Vec<Chosen>>, ApiError> {
    let given = |name| call.args.text(name);
    let (account_id, project) = (given("accountid"), given("projectid"));
    if account_id.is_some() && project.is_some() {
        return Err(ApiError::value("Projectid and accountId can't be specified together"));
    }
    if project.is_some() && given("account").is_some() {
        return Err(ApiError::value("Account and projectId can't be specified together"));
    }
    if let Some(project) = project {
        return by_project(call, project).map(Some);
    }
    if !call.caller.is_root() {
        return of_our_own(call, accounts).map(Some);
    }
    let account_id = account_id.filter(|id| *id != "-1");
    match (account_id, given("account"), given("domainid")) {
        (None, None, None) => Ok(None),
        (Some(id), _, _) => by_id(call, accounts, id).map(Some),
        (None, Some(name), None) => by_name(call, accounts, name).map(Some),
        (None, _, Some(domain)) if is_of_our_own(&call.cloud.world(), domain) => {
            of_our_own(call, accounts).map(Some)
        }
        (None, name, Some(domain)) => by_domain(call, accounts, domain, name).map(Some),
    }
}

/// Returns true if a text is a domain's id as our own cloud writes them, there or not.
fn is_of_our_own(world: &World, domain: &str) -> bool {
    Uuid::parse(domain).is_some() || world.by_id(domain, &[Kind::Domain]).is_some()
}

/// An account of our own cloud.
fn ours(id: ResourceId) -> Chosen {
    (SourceName::new(OUR_SOURCE).expect("a name of our own"), AccountId(id.0))
}

/// A resource of our own cloud that the caller may touch, gone or not.
fn resource<'w>(
    call: &FrontCall<'_>,
    world: &'w World,
    kind: Kind,
    uuid: &str,
) -> Option<&'w Resource> {
    let resource = world.by_id(uuid, &[kind]);
    resource.filter(|resource| world.may_touch(&call.caller, resource))
}

fn by_project(call: &FrontCall<'_>, project: &str) -> Result<Vec<Chosen>, ApiError> {
    let world = call.cloud.world();
    if project == "-1" {
        let accounts = world.removed_too(Kind::Project).filter_map(|project| project.owner);
        let accounts = accounts.filter(|account| world.may_act_for(&call.caller, *account));
        return Ok(accounts.map(ours).collect());
    }
    let account = resource(call, &world, Kind::Project, project).and_then(|project| project.owner);
    account
        .map(|account| vec![ours(account)])
        .ok_or_else(|| unknown("projectid", project, Kind::Project.noun()))
}

/// Accounts of our own cloud, by the rules of lists: a user's own; a domain
/// admin's domain, and with `isrecursive` those below it.
fn of_our_own(call: &FrontCall<'_>, accounts: &Accounts) -> Result<Vec<Chosen>, ApiError> {
    let (world, caller) = (call.cloud.world(), &call.caller);
    let given = |name| call.args.text(name);
    if let Some(id) = given("accountid").filter(|id| *id != "-1") {
        let account = resource(call, &world, Kind::Account, id);
        return account
            .map(|account| vec![ours(account.id)])
            .ok_or_else(|| unknown("accountid", id, Kind::Account.noun()));
    }
    // 1. Which domain.
    let domain = match given("domainid") {
        None => caller.domain,
        Some(id) => resource(call, &world, Kind::Domain, id)
            .map(|domain| domain.id)
            .ok_or_else(|| unknown("domainid", id, Kind::Domain.noun()))?,
    };
    let is_within = |account: ResourceId| match call.args.is_true("isrecursive") {
        true => world.is_within(world.domain_of(account), domain),
        false => world.domain_of(account) == domain,
    };
    // 2. Which accounts: those there are, and those there were.
    let told = accounts.iter().filter(|(source, _)| source.as_str() == OUR_SOURCE);
    let told = told.map(|(_, account)| ResourceId(account.id.0));
    let known: BTreeSet<ResourceId> =
        told.chain(world.all(Kind::Account).map(|account| account.id)).collect();
    let name = given("account");
    let is_chosen = |account: &&Resource| {
        account.kind == Kind::Account
            && is_within(account.id)
            && name.is_none_or(|name| account.text(col::NAME).eq_ignore_ascii_case(name))
            && match caller.role {
                Role::User => account.id == caller.account,
                Role::DomainAdmin | Role::RootAdmin => true,
            }
    };
    let chosen = known.into_iter().filter_map(|id| world.any(id)).filter(is_chosen);
    let chosen: Vec<Chosen> = chosen.map(|account| ours(account.id)).collect();
    match name {
        Some(name) if chosen.is_empty() => Err(ApiError::value(format!(
            "Unable to find account {name} in domain {}",
            world.login_path(domain)
        ))),
        _ => Ok(chosen),
    }
}

fn by_id(call: &FrontCall<'_>, accounts: &Accounts, id: &str) -> Result<Vec<Chosen>, ApiError> {
    let is_it = |account: &Account| {
        account.id.to_string() == id
            || account.uuid.as_ref().is_some_and(|uuid| uuid.eq_ignore_ascii_case(id))
    };
    let mut chosen = pick(accounts, |_, account| is_it(account));
    chosen.extend(not_arrived(call.store, accounts, id)?);
    let own =
        resource(call, &call.cloud.world(), Kind::Account, id).map(|account| ours(account.id));
    if let Some(own) = own.filter(|own| !chosen.contains(own)) {
        chosen.push(own);
    }
    if chosen.is_empty() {
        return Err(unknown("accountid", id, Kind::Account.noun()));
    }
    Ok(chosen)
}

fn by_name(call: &FrontCall<'_>, accounts: &Accounts, name: &str) -> Result<Vec<Chosen>, ApiError> {
    // Of our own cloud, only in the caller's domain; of others we know no caller.
    let mut chosen =
        pick(accounts, |source, account| account.name == name && source.as_str() != OUR_SOURCE);
    chosen.extend(of_our_own(call, accounts).unwrap_or_default());
    if chosen.is_empty() {
        // Until an account arrives its number is shown as its name.
        chosen = not_arrived(call.store, accounts, name)?;
    }
    if chosen.is_empty() {
        return Err(ApiError::value(format!("Unable to find account {name}")));
    }
    Ok(chosen)
}

fn by_domain(
    call: &FrontCall<'_>,
    accounts: &Accounts,
    domain: &str,
    name: Option<&str>,
) -> Result<Vec<Chosen>, ApiError> {
    let paths = paths_of(call, accounts, domain)?;
    let recursive = call.args.is_true("isrecursive");
    let is_named = |account: &Account| name.is_none_or(|name| account.name == name);
    let chosen = pick(accounts, |source, account| {
        is_named(account) && is_in(&paths, source, account, domain, recursive)
    });
    match name {
        Some(name) if chosen.is_empty() => {
            Err(ApiError::value(format!("Unable to find account {name} in domain {domain}")))
        }
        _ => Ok(chosen),
    }
}

/// The path of a domain in each source that has one of its id.
type Paths<'a> = BTreeMap<&'a SourceName, Option<&'a Text>>;

/// We know of imported domains what their accounts tell: in which sources there is one of
/// this id, and its path there. Only the root admin sees them.
fn paths_of<'a>(
    call: &FrontCall<'_>,
    accounts: &'a Accounts,
    domain: &str,
) -> Result<Paths<'a>, ApiError> {
    let mut paths = Paths::new();
    for (source, account) in accounts.iter().filter(|(_, account)| is_of(account, domain)) {
        let path = paths.entry(source).or_default();
        *path = path.or(account.domain_path.as_ref());
    }
    if paths.is_empty() || !call.caller.is_root() {
        let why = "there is no account in such a domain";
        return Err(unknown_because("domainid", domain, why));
    }
    Ok(paths)
}

fn is_of(account: &Account, domain: &str) -> bool {
    account.domain.is_some_and(|id| id.to_string() == domain)
}

/// Returns true if an account is in an imported domain, or with `recursive` below it.
fn is_in(
    paths: &Paths<'_>,
    source: &SourceName,
    account: &Account,
    domain: &str,
    recursive: bool,
) -> bool {
    let path = paths.get(source).copied().flatten().filter(|_| recursive);
    is_of(account, domain) && paths.contains_key(source)
        || path.is_some_and(|path| is_below(account, path))
}

fn pick(
    accounts: &Accounts,
    wanted: impl Fn(&SourceName, &Account) -> bool,
) -> Vec<(SourceName, AccountId)> {
    let chosen = accounts.iter().filter(|(source, account)| wanted(source, account));
    chosen.map(|(source, account)| (source.clone(), account.id)).collect()
}

/// Returns true if an account's domain is `path` or lies below it; paths are such as
/// `/acme/dev/`, with or without the last slash.
fn is_below(account: &Account, path: &str) -> bool {
    let top = path.trim_end_matches('/');
    let below = account.domain_path.as_deref().and_then(|path| path.strip_prefix(top));
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Accounts of this number that have usage but have not arrived yet.
fn not_arrived(store: &Store, accounts: &Accounts, number: &str) -> Result<Vec<Chosen>, ApiError> {
    let Ok(number) = number.parse().map(AccountId) else { return Ok(Vec::new()) };
    let failed = |e| internal("look for the account", &e);
    let sources = store.snapshot().map_err(failed)?.sources;
    let always = RecordWindow { from: Instant::EPOCH, to: Instant::END_OF_TIME };
    let mut chosen = Vec::new();
    for source in sources.names().iter().filter(|source| accounts.get(source, number).is_none()) {
        let account = (source.clone(), number);
        let filter =
            RecordFilter { accounts: Some(vec![account.clone()]), ..RecordFilter::default() };
        if store.records(always, &filter).map_err(failed)?.count() > 0 {
            chosen.push(account);
        }
    }
    Ok(chosen)
}
