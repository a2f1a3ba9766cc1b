//! The usage commands.
//!
//! # Source
//! Guide 8; the 4.2 server's parameters, texts and field order.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudtally_aggregate::{AggregateError, Line, Lines, Plan, Rebuild, Unfinished, run_job};
use cloudtally_model::{
    Account, AccountId, Instant, SourceName, UsageTypeId, settings, usage_types,
};
use cloudtally_store::{Accounts, LockWait, RecordFilter, RecordWindow, Store};

use crate::{
    answer::{Answer, Fields, Value},
    command::Call,
    error::ApiError,
};

/// How long `generateUsageRecords` waits for another writer.
const LOCK_WAIT: Duration = Duration::from_secs(60);

/// `listUsageTypes`: the guide's table 8.2.
pub(crate) fn list_types(_: &Call<'_>) -> Result<Answer, ApiError> {
    let items: Vec<Fields> = usage_types()
        .iter()
        .map(|row| {
            vec![
                ("usagetypeid", Value::Number(u64::from(row.id.0))),
                ("description", Value::Text(row.description.to_owned())),
            ]
        })
        .collect();
    Ok(Answer::List { count: items.len() as u64, item: "usagetype", items })
}

/// `generateUsageRecords`: a back-fill of the days named, done when it answers.
pub(crate) fn generate_records(call: &Call<'_>) -> Result<Answer, ApiError> {
    let window = window(call)?;
    let failed =
        |cause: &dyn std::fmt::Display| ApiError::internal("generate usage records", cause);
    let calendar = call.store.calendar().map_err(|e| failed(&e))?;
    let plan = Plan::BackFill {
        from: calendar.date_of(window.from),
        to: calendar.date_of(window.to),
        rebuild: Rebuild::Touched,
        unfinished: Unfinished::LeaveOut,
    };
    let wait = LockWait { limit: LOCK_WAIT, on_wait: &mut || {} };
    let writer = call.store.writer(wait).map_err(|e| failed(&e))?;
    match run_job(&writer, "generate", plan, call.now, &wall_clock_ms, &mut |_| {}) {
        Ok(_) | Err(AggregateError::NothingIngested) => Ok(Answer::Success),
        Err(AggregateError::Day(error)) => Err(ApiError::value(error.to_string())),
        Err(error) => Err(failed(&error)),
    }
}

/// `listUsageRecords`.
pub(crate) fn list_records(call: &Call<'_>) -> Result<Answer, ApiError> {
    // Which records.
    let window = window(call)?;
    let page = page(call)?;
    let failed = |cause: &dyn std::fmt::Display| ApiError::internal("list usage records", cause);
    let accounts = call.store.accounts().map_err(|e| failed(&e))?;
    let filter =
        RecordFilter { accounts: chosen_accounts(call, &accounts)?, usage_type: usage_type(call)? };
    // Count all, read only the page.
    let records = call.store.records(window, &filter).map_err(|e| failed(&e))?;
    let found = records.page(page.offset, page.limit).map_err(|e| failed(&e))?;
    let calendar = call.store.calendar().map_err(|e| failed(&e))?;
    let mut lines = Lines::new(calendar, records.sources().clone(), accounts);
    let items = found.iter().map(|served| fields(&lines.line(served))).collect();
    Ok(Answer::List { count: records.count(), item: "usagerecord", items })
}

/// The fields of a record, in the order the real server sends them; ours last.
fn fields(line: &Line) -> Fields {
    let mut fields: Fields = Vec::with_capacity(26);
    let mut put = |name, value: Option<Value>| {
        if let Some(value) = value {
            fields.push((name, value));
        }
    };
    // Ids are text, whether they are numbers or uuids: strict clients want one type.
    let id = |number: Option<u64>| number.map(|number| Value::Text(number.to_string()));
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    put("account", text(&line.account));
    put("accountid", id(Some(line.account_id)));
    put("domainid", id(line.domain_id));
    put("zoneid", id(line.zone_id));
    put("description", text(&line.description));
    put("usage", text(&line.usage));
    put("usagetype", Some(Value::Number(u64::from(line.usage_type.0))));
    put("rawusage", text(&line.raw_usage));
    put("virtualmachineid", id(line.virtual_machine_id));
    put("name", line.name.as_deref().and_then(text));
    put("offeringid", id(line.offering_id));
    put("templateid", id(line.template_id));
    put("usageid", id(line.usage_id));
    put("type", line.resource_type.as_deref().and_then(text));
    put("size", line.size.map(Value::Number));
    put("virtualsize", line.virtual_size.map(Value::Number));
    put("startdate", text(&line.start.1));
    put("enddate", text(&line.end.1));
    put("issourcenat", line.is_source_nat.map(Value::Flag));
    // The guide's name and the 4.2 server's for the same fact.
    put("iselastic", line.is_elastic.map(Value::Flag));
    put("issystem", line.is_elastic.map(Value::Flag));
    put("networkid", id(line.network_id));
    put("isdefault", line.is_default.map(Value::Flag));
    put("nicid", id(line.nic_id));
    put("recordid", text(&line.record_id.to_string()));
    fields
}

fn window(call: &Call<'_>) -> Result<RecordWindow, ApiError> {
    let calendar = call.store.calendar().map_err(|e| ApiError::internal("read the calendar", e))?;
    let bound = |name: &str| {
        let text = call.params.given(name).unwrap_or_default();
        calendar.query_bound(text).ok_or_else(|| {
            ApiError::parameter(format!(
                "Unable to parse date {text} for command {}, please pass dates in the format yyyy-MM-dd, \"yyyy-MM-dd HH:mm:ss\" or ISO 8601 with an offset",
                call.command.name.to_lowercase()
            ))
        })
    };
    let (from, to) = (bound("startdate")?.0, bound("enddate")?.1);
    if from > to {
        return Err(ApiError::value(format!(
            "Incorrect Date Range. Start date: {} is after end date:{}",
            calendar.show(from),
            calendar.show(to)
        )));
    }
    Ok(RecordWindow { from, to })
}

struct Page {
    offset: u64,
    limit: u64,
}

fn page(call: &Call<'_>) -> Result<Page, ApiError> {
    let largest = call
        .store
        .setting(settings::DEFAULT_PAGE_SIZE)
        .map_err(|e| ApiError::internal("read the settings", e))?
        .parse::<u64>()
        .map_err(|e| ApiError::internal("read the settings", e))?;
    match (call.integer("page")?, call.integer("pagesize")?) {
        (None, None) => Ok(Page { offset: 0, limit: largest }),
        (None, Some(-1)) => Ok(Page { offset: 0, limit: u64::MAX }),
        (Some(_), Some(-1)) => {
            Err(ApiError::value("Can't specify page parameter when pagesize is -1 (Unlimited)"))
        }
        (None, Some(_)) => {
            Err(ApiError::value("\"page\" parameter is required when \"pagesize\" is specified"))
        }
        (Some(_), None) => {
            Err(ApiError::value("\"pagesize\" parameter is required when \"page\" is specified"))
        }
        (Some(page), Some(size)) => {
            let positive = |name: &str, value: i64| {
                u64::try_from(value).ok().filter(|value| *value > 0).ok_or_else(|| {
                    ApiError::value(format!("{name} must be 1 or more, not {value}"))
                })
            };
            let (page, size) = (positive("page", page)?, positive("pagesize", size)?);
            if size > largest {
                return Err(ApiError::value(format!(
                    "Page size can't exceed max allowed page size value: {largest}"
                )));
            }
            Ok(Page { offset: (page - 1).saturating_mul(size), limit: size })
        }
    }
}

fn usage_type(call: &Call<'_>) -> Result<Option<UsageTypeId>, ApiError> {
    // A number that is no usage type of ours matches nothing.
    let id = call.integer("type")?;
    Ok(id.map(|id| UsageTypeId(u16::try_from(id).unwrap_or(u16::MAX))))
}

/// The accounts a call names; `None` is everybody, which is what the root admin
/// sees without naming one.
fn chosen_accounts(
    call: &Call<'_>,
    accounts: &Accounts,
) -> Result<Option<Vec<(SourceName, AccountId)>>, ApiError> {
    let params = call.params;
    let (account_id, project) = (params.given("accountid"), params.given("projectid"));
    if account_id.is_some() && project.is_some() {
        return Err(ApiError::value("Projectid and accountId can't be specified together"));
    }
    if let Some(project) = project {
        return Err(ApiError::value(format!("Unable to find project by id {project}")));
    }
    let pick = |matches: &dyn Fn(&Account) -> bool| -> Vec<(SourceName, AccountId)> {
        let chosen = accounts.iter().filter(|(_, account)| matches(account));
        chosen.map(|(source, account)| (source.clone(), account.id)).collect()
    };
    match account_id {
        Some("-1") => return Ok(None),
        Some(id) => {
            let mut chosen = pick(&|account| {
                account.id.to_string() == id || account.uuid.as_deref() == Some(id)
            });
            if chosen.is_empty() {
                chosen = unknown_account(call.store, id)?;
            }
            if chosen.is_empty() {
                return Err(ApiError::value(format!("Unable to find account by id {id}")));
            }
            return Ok(Some(chosen));
        }
        None => {}
    }
    let (name, domain) = (params.given("account"), params.given("domainid"));
    if name.is_none() && domain.is_none() {
        return Ok(None);
    }
    let subdomains = params.given("isrecursive").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let path = accounts
        .iter()
        .find(|(_, account)| account.domain.map(|d| d.to_string()).as_deref() == domain)
        .and_then(|(_, account)| account.domain_path.clone());
    let in_domain = |account: &Account| match domain {
        None => true,
        Some(domain) => {
            account.domain.is_some_and(|id| id.to_string() == domain)
                || (subdomains && is_below(account, path.as_deref()))
        }
    };
    let chosen =
        pick(&|account| in_domain(account) && name.is_none_or(|name| account.name == name));
    match name {
        Some(name) if chosen.is_empty() => Err(ApiError::value(match domain {
            Some(domain) => format!("Unable to find account {name} in domain {domain}"),
            None => format!("Unable to find account {name}"),
        })),
        _ => Ok(Some(chosen)),
    }
}

fn is_below(account: &Account, path: Option<&str>) -> bool {
    let Some(path) = path else { return false };
    let top = path.trim_end_matches('/');
    let below = account.domain_path.as_deref().and_then(|path| path.strip_prefix(top));
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An account that has usage but has not arrived yet can be asked for by number.
fn unknown_account(store: &Store, id: &str) -> Result<Vec<(SourceName, AccountId)>, ApiError> {
    let Ok(number) = id.parse::<u64>() else { return Ok(Vec::new()) };
    let failed = |e| ApiError::internal("look for the account", e);
    let sources = store.snapshot().map_err(failed)?.sources;
    let all = RecordWindow { from: Instant::EPOCH, to: Instant::END_OF_TIME };
    let mut chosen = Vec::new();
    for source in sources.names() {
        let account = (source.clone(), AccountId(number));
        let filter = RecordFilter { accounts: Some(vec![account.clone()]), usage_type: None };
        if store.records(all, &filter).map_err(failed)?.count() > 0 {
            chosen.push(account);
        }
    }
    Ok(chosen)
}

/// Milliseconds since 1970, by the machine's clock.
pub(crate) fn wall_clock_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
