//! The labels of totals for accounts, domains, zones, offerings and resources.
//!
//! Ids are unique in a source only, and names not even there, so what is shown grows
//! until no two things show the same: `admin`; `admin (/acme/)` where several accounts
//! are called so; `admin (west, 9)` where that does not tell them apart.

use std::collections::{BTreeMap, HashMap};

use cloudtally_model::{Account, AccountId, SourceId, Sources};
use cloudtally_store::Accounts;

use crate::totals::GroupBy;

/// The identity behind a label: the source and the key in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Thing {
    /// 0 for what is of no source.
    pub(crate) source: SourceId,
    /// The id, or the text of what has none.
    pub(crate) key: String,
}

/// The identity of an account's domain within its source: the number, or the path
/// where a source has no numbers; empty if neither is known.
pub(crate) fn domain_key(account: &Account) -> String {
    match (account.domain, &account.domain_path) {
        (Some(domain), _) => domain.to_string(),
        (None, Some(path)) => path.to_string(),
        (None, None) => String::new(),
    }
}

/// A label for each of the things of a column, all different. Things differ as well.
pub(crate) fn labels(
    group: GroupBy,
    things: &[&Thing],
    sources: &Sources,
    accounts: &Accounts,
) -> Vec<String> {
    if !group.is_of_a_source() {
        return things.iter().map(|thing| thing.key.clone()).collect();
    }
    let speller = Speller {
        group,
        sources,
        accounts,
        paths: match group {
            GroupBy::Domain => domain_paths(sources, accounts),
            _ => BTreeMap::new(),
        },
    };
    let mut labels: Vec<String> =
        things.iter().map(|thing| speller.spell(thing, Length::Short)).collect();
    for longer in [Length::Longer, Length::Whole] {
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for label in &labels {
            *uses.entry(label).or_default() += 1;
        }
        let shared: Vec<usize> =
            (0..labels.len()).filter(|at| uses[labels[*at].as_str()] > 1).collect();
        for at in shared {
            labels[at] = speller.spell(things[at], longer);
        }
    }
    labels
}

/// The path of each domain, by its source and key.
fn domain_paths<'a>(
    sources: &Sources,
    accounts: &'a Accounts,
) -> BTreeMap<(SourceId, String), &'a str> {
    let paths = accounts.iter().filter_map(|(source, account)| {
        let source = sources.id(source.as_str())?;
        Some(((source, domain_key(account)), account.domain_path.as_deref()?))
    });
    paths.collect()
}

/// The length of a label.
#[derive(Clone, Copy, Debug)]
enum Length {
    Short,
    /// With what tells most apart.
    Longer,
    /// The whole identity.
    Whole,
}

/// Spells the things of a column.
struct Speller<'a> {
    group: GroupBy,
    sources: &'a Sources,
    accounts: &'a Accounts,
    paths: BTreeMap<(SourceId, String), &'a str>,
}

impl Speller<'_> {
    fn spell(&self, thing: &Thing, length: Length) -> String {
        let source = self.sources.name(thing.source);
        let key = thing.key.as_str();
        let whole = |label: &str| format!("{label} ({source}, {key})");
        let of_source = |label: &str| match label {
            "" => format!("none ({source})"),
            label => format!("{label} ({source})"),
        };
        if self.group == GroupBy::Account {
            let id = key.parse().ok().map(AccountId);
            let account = id.and_then(|id| self.accounts.get(source, id));
            let name = account.map_or(key, |account| account.name.as_str());
            let path = account.and_then(|account| account.domain_path.as_deref());
            return match (length, path) {
                (Length::Short, _) => name.to_owned(),
                (Length::Longer, Some(path)) => format!("{name} ({path})"),
                _ => whole(name),
            };
        }
        let label = match self.group {
            GroupBy::Domain => {
                self.paths.get(&(thing.source, thing.key.clone())).copied().unwrap_or(key)
            }
            _ => key,
        };
        match length {
            Length::Short => label.to_owned(),
            Length::Longer => of_source(label),
            Length::Whole => whole(label),
        }
    }
}
