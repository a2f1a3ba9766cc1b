//! The labels of totals for accounts, domains, zones, offerings and resources.
//!
//! Ids are unique in a source only, and names not even there, so what is shown grows
//! until no two things show the same: `admin`; `admin (/acme/)` where several accounts
//! are called so; `admin (west, 9)` where that does not tell them apart.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_model::{Account, AccountId, SourceName};
use cloudtally_store::Accounts;

use crate::totals::{GroupBy, Total};

/// A thing: the source and the key of its column.
type Identity = (Option<SourceName>, String);

/// The identity of an account's domain within its source: the number, or the path
/// where a source has no numbers; empty if neither is known.
pub(crate) fn domain_key(account: &Account) -> String {
    match (account.domain, &account.domain_path) {
        (Some(domain), _) => domain.to_string(),
        (None, Some(path)) => path.to_string(),
        (None, None) => String::new(),
    }
}

/// Fills in what the columns of all totals show.
pub(crate) fn label(totals: &mut [Total], groups: &[GroupBy], accounts: &Accounts) {
    for (at, group) in groups.iter().enumerate() {
        let labels = group.is_of_a_source().then(|| {
            let things = totals.iter().map(|total| (total.source.clone(), total.keys[at].clone()));
            labels(*group, things.collect(), accounts)
        });
        for total in &mut *totals {
            let key = &total.keys[at];
            let label = match &labels {
                Some(labels) => labels[&(total.source.clone(), key.clone())].clone(),
                None => key.clone(),
            };
            total.group.push(label);
        }
    }
}

/// A different label for each thing.
fn labels(
    group: GroupBy,
    things: BTreeSet<Identity>,
    accounts: &Accounts,
) -> BTreeMap<Identity, String> {
    let paths = match group {
        GroupBy::Domain => domain_paths(accounts),
        _ => BTreeMap::new(),
    };
    let spellings = |thing: &Identity| spellings(group, thing, accounts, &paths);
    let mut labels: BTreeMap<Identity, String> =
        things.iter().map(|thing| (thing.clone(), spellings(thing)[0].clone())).collect();
    for longer in 1..=2 {
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        for label in labels.values() {
            *uses.entry(label).or_default() += 1;
        }
        let shared: Vec<Identity> = labels
            .iter()
            .filter(|(_, label)| uses[label.as_str()] > 1)
            .map(|(thing, _)| thing.clone())
            .collect();
        for thing in shared {
            let label = spellings(&thing)[longer].clone();
            labels.insert(thing, label);
        }
    }
    labels
}

/// The path of each domain.
fn domain_paths(accounts: &Accounts) -> BTreeMap<Identity, &str> {
    let of =
        |(source, account): (&SourceName, &Account)| (Some(source.clone()), domain_key(account));
    let paths = accounts.iter().filter_map(|(source, account)| {
        Some((of((source, account)), account.domain_path.as_deref()?))
    });
    paths.collect()
}

/// Ways to show a thing, the shortest first; the last one is its whole identity.
fn spellings(
    group: GroupBy,
    thing: &Identity,
    accounts: &Accounts,
    paths: &BTreeMap<Identity, &str>,
) -> [String; 3] {
    let (source, key) = thing;
    let source = source.as_ref().map_or("", |source| source.as_str());
    let of_source = |label: &str| match label {
        "" => format!("none ({source})"),
        label => format!("{label} ({source})"),
    };
    let whole = |label: &str| format!("{label} ({source}, {key})");
    match group {
        GroupBy::Account => {
            let id = key.parse().ok().map(AccountId);
            let account = thing.0.as_ref().and_then(|source| accounts.get(source, id?));
            let name = account.map_or(key.as_str(), |account| account.name.as_str());
            let path = account.and_then(|account| account.domain_path.as_deref());
            let longer = path.map_or_else(|| whole(name), |path| format!("{name} ({path})"));
            [name.to_owned(), longer, whole(name)]
        }
        GroupBy::Domain => {
            let path = paths.get(thing).copied().unwrap_or(key);
            [path.to_owned(), of_source(path), whole(path)]
        }
        _ => [key.clone(), of_source(key), whole(key)],
    }
}
