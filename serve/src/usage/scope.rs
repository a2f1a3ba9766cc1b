//! `accountid`, `account`, `domainid`, `isrecursive`, `projectid`: whose records.

use std::collections::BTreeMap;

use cloudtally_model::{Account, AccountId, Instant, SourceName, Text};
use cloudtally_store::{Accounts, RecordFilter, RecordWindow, Store};

use crate::{command::Call, error::ApiError};

/// An account of a source. Ids of different sources never meet, so one number
/// may choose several.
type Chosen = (SourceName, AccountId);

/// The accounts a call names; `None` is everybody, which is what the root admin
/// sees without naming one.
///
/// `accountid` is the cloud's uuid or number and wins over the others; `account`
/// is a name, in a domain or in any; `domainid` alone is all accounts of the
/// domain, and with `isrecursive=true` of those below it.
pub(super) fn chosen_accounts(
    call: &Call<'_>,
    accounts: &Accounts,
) -> Result<Option<Vec<Chosen>>, ApiError> {
    let given = |name| call.params.given(name);
    let (account_id, project) = (given("accountid"), given("projectid"));
    if account_id.is_some() && project.is_some() {
        return Err(ApiError::value("Projectid and accountId can't be specified together"));
    }
    if let Some(project) = project {
        return Err(ApiError::value(format!("Unable to find project by id {project}")));
    }
    match (account_id, given("account"), given("domainid")) {
        (Some("-1"), _, _) | (None, None, None) => Ok(None),
        (Some(id), _, _) => by_id(call.store, accounts, id).map(Some),
        (None, Some(name), None) => by_name(call.store, accounts, name).map(Some),
        (None, name, Some(domain)) => by_domain(call, accounts, domain, name).map(Some),
    }
}

fn by_id(store: &Store, accounts: &Accounts, id: &str) -> Result<Vec<Chosen>, ApiError> {
    let is_it = |account: &Account| {
        account.id.to_string() == id
            || account.uuid.as_ref().is_some_and(|uuid| uuid.eq_ignore_ascii_case(id))
    };
    let mut chosen = pick(accounts, |_, account| is_it(account));
    chosen.extend(not_arrived(store, accounts, id)?);
    if chosen.is_empty() {
        return Err(ApiError::value(format!("Unable to find account by id {id}")));
    }
    Ok(chosen)
}

fn by_name(store: &Store, accounts: &Accounts, name: &str) -> Result<Vec<Chosen>, ApiError> {
    let mut chosen = pick(accounts, |_, account| account.name == name);
    if chosen.is_empty() {
        // Until an account arrives its number is shown as its name.
        chosen = not_arrived(store, accounts, name)?;
    }
    if chosen.is_empty() {
        return Err(ApiError::value(format!("Unable to find account {name}")));
    }
    Ok(chosen)
}

fn by_domain(
    call: &Call<'_>,
    accounts: &Accounts,
    domain: &str,
    name: Option<&str>,
) -> Result<Vec<Chosen>, ApiError> {
    let is_it = |account: &Account| account.domain.is_some_and(|id| id.to_string() == domain);
    // We know of domains what their accounts tell: in which sources there is one
    // of this id, and its path there.
    let mut paths: BTreeMap<&SourceName, Option<&Text>> = BTreeMap::new();
    for (source, account) in accounts.iter().filter(|(_, account)| is_it(account)) {
        let path = paths.entry(source).or_default();
        *path = path.or(account.domain_path.as_ref());
    }
    if paths.is_empty() {
        return Err(call.invalid("domainid", domain, "there is no account in such a domain"));
    }
    let recursive = call.params.is_true("isrecursive");
    let is_inside = |source: &SourceName, account: &Account| {
        let path = paths.get(source).copied().flatten().filter(|_| recursive);
        is_it(account) || path.is_some_and(|path| is_below(account, path))
    };
    let is_named = |account: &Account| name.is_none_or(|name| account.name == name);
    let chosen = pick(accounts, |source, account| is_named(account) && is_inside(source, account));
    match name {
        Some(name) if chosen.is_empty() => {
            Err(ApiError::value(format!("Unable to find account {name} in domain {domain}")))
        }
        _ => Ok(chosen),
    }
}

fn pick(
    accounts: &Accounts,
    wanted: impl Fn(&SourceName, &Account) -> bool,
) -> Vec<(SourceName, AccountId)> {
    let chosen = accounts.iter().filter(|(source, account)| wanted(source, account));
    chosen.map(|(source, account)| (source.clone(), account.id)).collect()
}

/// Whether an account's domain is `path` or lies below it; paths are such as
/// `/acme/dev/`, with or without the last slash.
fn is_below(account: &Account, path: &str) -> bool {
    let top = path.trim_end_matches('/');
    let below = account.domain_path.as_deref().and_then(|path| path.strip_prefix(top));
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Accounts of this number that have usage but have not arrived yet.
fn not_arrived(store: &Store, accounts: &Accounts, number: &str) -> Result<Vec<Chosen>, ApiError> {
    let Ok(number) = number.parse().map(AccountId) else { return Ok(Vec::new()) };
    let failed = |e| ApiError::internal("look for the account", &e);
    let sources = store.snapshot().map_err(failed)?.sources;
    let always = RecordWindow { from: Instant::EPOCH, to: Instant::END_OF_TIME };
    let mut chosen = Vec::new();
    for source in sources.names().iter().filter(|source| accounts.get(source, number).is_none()) {
        let account = (source.clone(), number);
        let filter = RecordFilter { accounts: Some(vec![account.clone()]), usage_type: None };
        if store.records(always, &filter).map_err(failed)?.count() > 0 {
            chosen.push(account);
        }
    }
    Ok(chosen)
}
