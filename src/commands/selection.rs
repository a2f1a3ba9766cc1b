//! The records that `usage` and `export` mean, and what `corrections` means: days in the
//! aggregation zone, both inclusive, a source, an account, a domain, a usage type; now or as
//! of an instant.

use chrono::NaiveDate;
use cloudtally_model::{Account, AccountId, Calendar, Instant, Millis, SourceName};
use cloudtally_store::{
    Accounts, CorrectionSet, RecordFilter, RecordSet, RecordWindow, Store, StoreError, View,
};

use crate::{
    cli::{AsOf, Selection},
    console,
    failure::Failure,
};

/// The folder as it is, or as it was at the instant asked for.
pub(crate) fn view(store: &Store, as_of: &AsOf) -> Result<View, Failure> {
    store.view(as_of.instant, console::present(store)?).map_err(|error| match error {
        StoreError::AsOfAhead { .. }
        | StoreError::AsOfUnknown { .. }
        | StoreError::AsOfPruned { .. } => Failure::usage(format!("`--asof`: {error}")),
        error => error.into(),
    })
}

/// The records selected; an unknown account or domain is an error that says so.
pub(crate) fn records(view: &View, selection: &Selection) -> Result<RecordSet, Failure> {
    let (window, filter) = choice(view, selection)?;
    Ok(view.records(window, &filter)?)
}

/// The corrections selected.
pub(crate) fn corrections(view: &View, selection: &Selection) -> Result<CorrectionSet, Failure> {
    let (window, filter) = choice(view, selection)?;
    Ok(view.store().corrections(window, &filter)?)
}

fn choice(view: &View, selection: &Selection) -> Result<(RecordWindow, RecordFilter), Failure> {
    let calendar = view.store().calendar()?;
    let window = window(calendar, selection.from, selection.to)?;
    let accounts = view.accounts()?;
    if let Some(source) = &selection.source {
        known_source(view.store(), source)?;
    }
    let filter = RecordFilter {
        source: selection.source.clone(),
        accounts: chosen_accounts(&accounts, view, window, selection)?,
        usage_type: selection.usage_type,
    };
    Ok((window, filter))
}

/// Refuses a source that nothing came from.
pub(crate) fn known_source(store: &Store, source: &SourceName) -> Result<(), Failure> {
    let sources = store.snapshot()?.sources;
    if sources.names().contains(source) {
        return Ok(());
    }
    let known: Vec<&str> = sources.names().iter().map(|name| name.as_str()).collect();
    Err(Failure::usage(match known[..] {
        [] => format!("there is no source `{source}`; nothing has been ingested yet"),
        _ => format!("there is no source `{source}`; there are {}", known.join(", ")),
    }))
}

/// The window from one day to another, both inclusive.
pub(crate) fn window(
    calendar: Calendar,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<RecordWindow, Failure> {
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(Failure::usage(format!(
            "the window ends before it starts: `--from {from}` lies after `--to {to}`; swap them"
        )));
    }
    let bounds = |day| calendar.day_bounds(day).map_err(|error| Failure::usage(error.to_string()));
    let from = from.map(bounds).transpose()?.map_or(Instant::EPOCH, |day| day.0);
    let to = to.map(bounds).transpose()?.map_or(Instant::END_OF_TIME, |day| day.1);
    Ok(RecordWindow { from, to: to - Millis::SECOND })
}

/// The accounts that `--account` and `--domain` mean; `None` is all.
///
/// A number is an id, anything else a name. What means several accounts, or accounts of
/// several clouds, is refused: their sums would be nobody's bill.
fn chosen_accounts(
    accounts: &Accounts,
    view: &View,
    window: RecordWindow,
    selection: &Selection,
) -> Result<Option<Vec<(SourceName, AccountId)>>, Failure> {
    let Selection { account, domain, source, .. } = selection;
    if account.is_none() && domain.is_none() {
        return Ok(None);
    }
    let id = account.as_ref().and_then(|wanted| wanted.parse::<u64>().ok()).map(AccountId);
    let is_account = |candidate: &Account| match (account, id) {
        (None, _) => true,
        (Some(_), Some(id)) => candidate.id == id,
        (Some(name), None) => candidate.name == name.as_str(),
    };
    let is_domain = |candidate: &Account| {
        domain.as_ref().is_none_or(|wanted| {
            let path = |path: &str| path.trim_matches('/') == wanted.trim_matches('/');
            candidate.domain_path.as_deref().is_some_and(path)
                || candidate.domain.is_some_and(|id| id.to_string() == *wanted)
        })
    };
    let is_source = |name: &SourceName| source.as_ref().is_none_or(|wanted| wanted == name);
    let mut chosen: Vec<(SourceName, AccountId)> = accounts
        .iter()
        .filter(|(source, candidate)| {
            is_source(source) && is_account(candidate) && is_domain(candidate)
        })
        .map(|(source, candidate)| (source.clone(), candidate.id))
        .collect();
    // Accounts that have not arrived yet have usage all the same.
    if let (Some(id), None) = (id, domain) {
        for source in view.store().snapshot()?.sources.names().iter().filter(|name| is_source(name))
        {
            let account = (source.clone(), id);
            let filter =
                RecordFilter { accounts: Some(vec![account.clone()]), ..RecordFilter::default() };
            if !chosen.contains(&account) && view.records(window, &filter)?.count() > 0 {
                chosen.push(account);
            }
        }
    }
    refuse_several(&chosen, accounts, selection)?;
    if chosen.is_empty() {
        return Err(Failure::Failed(anyhow::anyhow!(
            "there is no {}; `cloudtally usage --group-by domain,account` lists those with usage",
            asked(selection)
        )));
    }
    Ok(Some(chosen))
}

/// Accounts that an error lists.
const LISTED_MAX: usize = 10;

/// Refuses accounts of several clouds, and several accounts of one name.
fn refuse_several(
    chosen: &[(SourceName, AccountId)],
    accounts: &Accounts,
    selection: &Selection,
) -> Result<(), Failure> {
    let mut sources: Vec<&SourceName> = chosen.iter().map(|(source, _)| source).collect();
    sources.sort();
    sources.dedup();
    if sources.len() > 1 {
        let names: Vec<&str> = sources.iter().map(|name| name.as_str()).collect();
        return Err(Failure::usage(format!(
            "the {} is in {} sources: {}; choose one with `--source`",
            asked(selection),
            names.len(),
            names.join(", ")
        )));
    }
    if selection.account.is_some() && chosen.len() > 1 {
        let place = |(source, id): &(SourceName, AccountId)| {
            let account = accounts.get(source, *id);
            let path = account.and_then(|account| account.domain_path.as_deref());
            format!("{id} ({})", path.unwrap_or("domain unknown"))
        };
        let mut listed: Vec<String> = chosen.iter().take(LISTED_MAX).map(place).collect();
        if chosen.len() > LISTED_MAX {
            listed.push("...".to_owned());
        }
        return Err(Failure::usage(format!(
            "the {} is {} accounts: {}; choose one by its id, or with `--domain`",
            asked(selection),
            chosen.len(),
            listed.join(", ")
        )));
    }
    Ok(())
}

/// Describes the selection in words.
fn asked(selection: &Selection) -> String {
    let Selection { account, domain, source, .. } = selection;
    let mut text = match (account, domain) {
        (Some(account), Some(domain)) => format!("account `{account}` in domain `{domain}`"),
        (Some(account), None) => format!("account `{account}`"),
        (_, domain) => format!("domain `{}`", domain.as_deref().unwrap_or("")),
    };
    if let Some(source) = source {
        text.push_str(&format!(" of source `{source}`"));
    }
    text
}
