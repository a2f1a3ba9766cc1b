//! Which records `usage` and `export` mean: days in the aggregation zone, both
//! inclusive, an account, a domain, a usage type.

use cloudtally_model::{Calendar, Instant, Millis};
use cloudtally_store::{Accounts, RecordFilter, RecordSet, RecordWindow, Store};

use crate::{cli::Selection, failure::Failure};

/// The records selected; an unknown account or domain is an error that says so.
pub(crate) fn records(store: &Store, selection: &Selection) -> Result<RecordSet, Failure> {
    let calendar = store.calendar()?;
    let window = window(calendar, selection)?;
    let accounts = store.accounts()?;
    let filter = RecordFilter {
        accounts: chosen_accounts(&accounts, store, selection)?,
        usage_type: selection.usage_type,
    };
    Ok(store.records(window, &filter)?)
}

fn window(calendar: Calendar, selection: &Selection) -> Result<RecordWindow, Failure> {
    if let (Some(from), Some(to)) = (selection.from, selection.to)
        && from > to
    {
        return Err(Failure::usage(format!(
            "the window ends before it starts: `--from {from}` lies after `--to {to}`; swap them"
        )));
    }
    let bounds = |day| calendar.day_bounds(day).map_err(|error| Failure::usage(error.to_string()));
    let from = selection.from.map(bounds).transpose()?.map_or(Instant::EPOCH, |day| day.0);
    let to = selection.to.map(bounds).transpose()?.map_or(Instant::END_OF_TIME, |day| day.1);
    Ok(RecordWindow { from, to: to - Millis::SECOND })
}

fn chosen_accounts(
    accounts: &Accounts,
    store: &Store,
    selection: &Selection,
) -> Result<Option<Vec<(cloudtally_model::SourceName, cloudtally_model::AccountId)>>, Failure> {
    let Selection { account, domain, .. } = selection;
    if account.is_none() && domain.is_none() {
        return Ok(None);
    }
    let is_account = |candidate: &cloudtally_model::Account| {
        account.as_ref().is_none_or(|wanted| {
            candidate.name == wanted.as_str() || candidate.id.to_string() == *wanted
        })
    };
    let is_domain = |candidate: &cloudtally_model::Account| {
        domain.as_ref().is_none_or(|wanted| {
            let path = |path: &str| path.trim_matches('/') == wanted.trim_matches('/');
            candidate.domain_path.as_deref().is_some_and(path)
                || candidate.domain.is_some_and(|id| id.to_string() == *wanted)
        })
    };
    let mut chosen: Vec<_> = accounts
        .iter()
        .filter(|(_, candidate)| is_account(candidate) && is_domain(candidate))
        .map(|(source, candidate)| (source.clone(), candidate.id))
        .collect();
    // An account that has not arrived yet can be asked for by its number.
    if chosen.is_empty()
        && domain.is_none()
        && let Some(id) = account.as_ref().and_then(|wanted| wanted.parse::<u64>().ok())
    {
        let sources = store.snapshot()?.sources;
        chosen.extend(sources.names().iter().map(|source| (source.clone(), id.into())));
    }
    if chosen.is_empty() {
        let what = match (account, domain) {
            (Some(account), Some(domain)) => format!("account `{account}` in domain `{domain}`"),
            (Some(account), None) => format!("account `{account}`"),
            (_, domain) => format!("account in domain `{}`", domain.as_deref().unwrap_or("")),
        };
        return Err(Failure::Failed(anyhow::anyhow!(
            "there is no {what}; `cloudtally usage --group-by domain,account` lists those with usage"
        )));
    }
    Ok(Some(chosen))
}
