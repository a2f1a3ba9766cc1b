//! The usage commands.
//!
//! # Source
//! Guide 8; the 4.2 server's parameters, texts and field order.

mod corrections; // what changed when days were published again
mod explanation; // what a record is made of
mod jobs; // runs of the usage job
mod periods; // what is final
mod scope; // whose records
mod view; // as of which instant
mod window; // which days

use std::{cmp::min, sync::Arc, time::Duration};

use cloudtally_aggregate::{
    AggregateError, Line, Lines, Plan, Rebuild, RunReport, Unfinished, run_job,
};
use cloudtally_ingest::take_outbox;
use cloudtally_model::{ApiError, UsageTypeId, usage_types};
use cloudtally_platform::{
    col,
    engine::{Answer as Tree, Cloud, ResourceId, Uuid, World},
};
use cloudtally_store::{
    LockWait, PublishedPeriod, RecordFilter, RecordSet, RecordWindow, StoreError,
};

pub(crate) use self::{
    corrections::list_corrections,
    explanation::explain_record,
    jobs::{job_status, list_jobs},
    periods::list_periods,
};
use self::{scope::chosen_accounts, view::view, window::window};
use crate::{
    answer::{Answer, Fields, Items, List, Taker, Value},
    clock,
    command::FrontCall,
    error::internal,
    job::{Reach, UsageJobTimer},
};

/// Time that `generateUsageRecords` waits for another writer.
const LOCK_WAIT: Duration = Duration::from_secs(60);
/// The source whose records are of our own cloud.
const OUR_SOURCE: &str = cloudtally_model::SourceName::PLATFORM;
/// Records in memory at a time.
const RECORDS_AT_ONCE: u64 = 2_000;

/// `listUsageTypes`: the guide's table 8.2.
pub(crate) fn list_types(call: &FrontCall<'_>) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let rows = usage_types();
    let (first, most) = (min(page.skip, rows.len()), page.size);
    let items: Items = Box::new(move |take| {
        rows[first..].iter().take(most).try_for_each(|row| {
            take(&vec![
                ("usagetypeid", Value::Number(u64::from(row.id.0))),
                ("description", Value::Text(row.description)),
            ])
        })
    });
    Ok(Answer::List(List { count: rows.len() as u64, item: "usagetype", items }))
}

/// `generateUsageRecords`: a back-fill of the days named, done when it answers.
///
/// Both dates stand for their whole day: periods are published whole. Days that
/// are not over, and days before the first event, have nothing to generate.
pub(crate) fn generate_records(
    call: &FrontCall<'_>,
    timer: &UsageJobTimer,
) -> Result<Answer, ApiError> {
    let window = window(call)?;
    refuse_one_domain(call)?;
    refuse_closed(call, window)?;
    match generate(call, window) {
        Ok(Some(Generated { before, report })) => {
            timer.ran(call.now, before, &report, Reach::SomeDays);
            refuse_held(&report)?;
        }
        Ok(None) => {}
        Err(error) => {
            // That somebody else is writing is nobody's failure.
            if !matches!(
                error,
                AggregateError::Store(StoreError::Locked { .. } | StoreError::Leased { .. })
            ) {
                timer.failed(call.now, &error);
            }
            return Err(internal("generate usage records", &error));
        }
    }
    Ok(Answer::Tree(Tree::Success))
}

/// Fails where days keep the numbers they had, since 4.2 says success only of what is done.
fn refuse_held(report: &RunReport) -> Result<(), ApiError> {
    let (Some(first), Some(command)) = (report.held.first(), &report.accept_by) else {
        return Ok(());
    };
    let more = match report.held.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Err(ApiError::runtime(format!(
        "failed to generate usage records: {first}{more}; all else is published, and `{command}` publishes it"
    )))
}

/// Refuses any domain but ROOT, which is all: periods are published whole.
fn refuse_one_domain(call: &FrontCall<'_>) -> Result<(), ApiError> {
    let Some(id) = call.args.id("domainid") else { return Ok(()) };
    let world = call.cloud.world();
    let domain = world.resource(id);
    if domain.id_of(col::PARENT_DOMAIN_ID).is_none() {
        return Ok(());
    }
    Err(ApiError::value(format!(
        "the `domainid` {} is the domain {} alone, and a run makes the records of all domains; leave it out, or give that of ROOT",
        domain.shown_id(),
        world.login_path(domain.id)
    )))
}

/// Refuses days that are closed: what is served of them stays.
fn refuse_closed(call: &FrontCall<'_>, window: RecordWindow) -> Result<(), ApiError> {
    let failed = |cause: StoreError| internal("generate usage records", &cause);
    let closing = call.store.closings().map_err(failed)?.pop();
    let Some(closing) = closing.filter(|closing| window.from < closing.through) else {
        return Ok(());
    };
    let calendar = call.store.calendar().map_err(failed)?;
    Err(ApiError::value(format!(
        "{}, and nothing opens them again; give a `startdate` from {} on",
        closing.told(calendar),
        calendar.date_of(closing.through)
    )))
}

/// The periods published before a run, and what it did.
struct Generated {
    before: Vec<PublishedPeriod>,
    report: RunReport,
}

/// Publishes the days of a window; returns nothing if there was nothing to do.
fn generate(
    call: &FrontCall<'_>,
    window: RecordWindow,
) -> Result<Option<Generated>, AggregateError> {
    let wait = LockWait { limit: LOCK_WAIT, on_wait: &mut || {} };
    let writer = call.store.writer(wait)?;
    let clock = &clock::wall_clock_ms;
    take_outbox(&writer, clock())?;
    let (snapshot, calendar) = (writer.snapshot()?, writer.calendar()?);
    let from = calendar.date_of(window.from);
    // Asking for "everything" must not list the periods of 8000 years.
    let to = min(calendar.date_of(window.to), calendar.date_of(call.now));
    if from > to || snapshot.earliest().is_none() {
        return Ok(None);
    }
    let (rebuild, unfinished) = (Rebuild::Touched, Unfinished::LeaveOut);
    let plan = Plan::BackFill { from, to, rebuild, unfinished };
    let report = run_job(&writer, "generate", plan, call.now, clock, &mut |_| {})?;
    Ok(Some(Generated { before: snapshot.periods, report }))
}

/// `listUsageRecords`.
pub(crate) fn list_records(call: &FrontCall<'_>) -> Result<Answer, ApiError> {
    // Which records, and which of them.
    let failed = |cause: StoreError| internal("list usage records", &cause);
    let window = window(call)?;
    let page = call.page()?;
    let view = view(call)?;
    let accounts = view.accounts().map_err(failed)?;
    let filter = RecordFilter {
        source: None,
        accounts: chosen_accounts(call, &accounts)?,
        usage_type: usage_type(call)?,
    };
    // Count all, read only the page.
    let records = view.records(window, &filter).map_err(failed)?;
    let calendar = call.store.calendar().map_err(failed)?;
    let lines = Lines::new(calendar, records.sources().clone(), accounts);
    let count = records.count();
    let [skip, size] = [page.skip, page.size].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
    let wanted = skip..skip.saturating_add(size).min(count);
    let cloud = Arc::clone(call.cloud);
    let items: Items = Box::new(move |take| hand_out(&cloud, &records, lines, wanted, take));
    Ok(Answer::List(List { count, item: "usagerecord", items }))
}

/// Hands out the records number `wanted`, a few thousand at a time.
fn hand_out(
    cloud: &Cloud,
    records: &RecordSet,
    mut lines: Lines,
    wanted: std::ops::Range<u64>,
    take: &mut Taker<'_>,
) -> Result<(), crate::answer::Stop> {
    let mut next = wanted.start;
    while next < wanted.end {
        let some = min(RECORDS_AT_ONCE, wanted.end - next);
        let found =
            records.page(next, some).map_err(|cause| internal("list usage records", &cause))?;
        for served in &found {
            let line = lines.line(served);
            let record_id = line.record_id.to_string();
            let is_ours = records.sources().name(served.record.source).as_str() == OUR_SOURCE;
            // Let go of before the reader is waited for.
            let world = is_ours.then(|| cloud.world());
            let project = world.as_deref().and_then(|world| project_of(world, line.account_id));
            let given = world.as_deref().map(|world| given_ids(world, &line)).unwrap_or_default();
            let fields = fields(&line, &record_id, project.as_ref(), &given, world.as_deref());
            drop(world);
            take(&fields)?;
        }
        next += some;
    }
    Ok(())
}

/// A project of our own cloud.
struct Project {
    uuid: Uuid,
    name: String,
}

/// The project that an account is there for, gone or not.
fn project_of(world: &World, account: u64) -> Option<Project> {
    let project = world.any(ResourceId(account))?.id_of(col::PROJECT)?;
    let project = world.any(project)?;
    Some(Project { uuid: project.uuid, name: project.text(col::NAME).to_owned() })
}

/// Ids that are no uuids and were given to the account and the domain of a record.
#[derive(Default)]
struct Given {
    account: Option<String>,
    domain: Option<String>,
}

fn given_ids(world: &World, line: &Line) -> Given {
    let given = |number: u64| world.any(ResourceId(number))?.given_id().map(str::to_owned);
    Given { account: given(line.account_id), domain: line.domain_id.and_then(given) }
}

/// The fields of a record, in the order the real server sends them; ours last.
/// Resources of our own cloud are told by uuid, those of others by their numbers.
fn fields<'a>(
    line: &'a Line,
    record_id: &'a str,
    project: Option<&'a Project>,
    given: &'a Given,
    ours: Option<&World>,
) -> Fields<'a> {
    let uuid = |number: u64| ours.and_then(|world| world.any(ResourceId(number))).map(|t| t.uuid);
    let id = |number: Option<u64>| {
        number.map(|number| uuid(number).map_or(Value::Id(number), Value::Uuid))
    };
    let flag = |flag: Option<bool>| flag.map(Value::Flag);
    let text = |text: &'a str| Some(Value::Text(text));
    let fields = [
        ("account", text(&line.account)),
        ("accountid", given.account.as_deref().and_then(text).or(id(Some(line.account_id)))),
        ("projectid", project.map(|project| Value::Uuid(project.uuid))),
        ("project", project.and_then(|project| text(&project.name))),
        ("domainid", given.domain.as_deref().and_then(text).or(id(line.domain_id))),
        ("zoneid", id(line.zone_id)),
        ("description", text(&line.description)),
        ("usage", text(&line.usage)),
        ("usagetype", Some(Value::Number(u64::from(line.usage_type.0)))),
        ("rawusage", text(&line.raw_usage)),
        ("virtualmachineid", id(line.virtual_machine_id)),
        ("name", line.name.as_deref().and_then(text)),
        ("offeringid", id(line.offering_id)),
        ("templateid", id(line.template_id)),
        ("usageid", id(line.usage_id)),
        ("type", line.resource_type.as_deref().and_then(text)),
        ("size", line.size.map(Value::Number)),
        ("virtualsize", line.virtual_size.map(Value::Number)),
        ("startdate", text(&line.start.1)),
        ("enddate", text(&line.end.1)),
        ("issourcenat", flag(line.is_source_nat)),
        // The guide's name and the 4.2 server's for the same fact.
        ("iselastic", flag(line.is_elastic)),
        ("issystem", flag(line.is_elastic)),
        ("networkid", id(line.network_id)),
        ("isdefault", flag(line.is_default)),
        ("nicid", id(line.nic_id)),
        ("recordid", text(record_id)),
        ("source", text(line.source.as_str())),
        ("corrects", line.corrects.as_ref().and_then(|(_, shown)| text(shown))),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn usage_type(call: &FrontCall<'_>) -> Result<Option<UsageTypeId>, ApiError> {
    // A number that is no usage type of ours matches nothing.
    let id = call.args.int("type");
    Ok(id.map(|id| UsageTypeId(u16::try_from(id).unwrap_or(u16::MAX))))
}
