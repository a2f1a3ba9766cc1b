//! `listUsageJobs` and `getUsageJobStatus`: extensions that tell what the usage job
//! has done and when it runs again.

use cloudtally_model::{ApiError, Instant};
use cloudtally_platform::engine::{Answer as Tree, Node};
use cloudtally_store::JobRun;

use crate::{answer::Answer, command::FrontCall, error::internal, job::UsageJobTimer};

/// Runs of the usage job, the latest first.
pub(crate) fn list_jobs(call: &FrontCall<'_>) -> Result<Answer, ApiError> {
    let failed = |cause| internal("list the runs of the usage job", &cause);
    let page = call.page()?;
    let count = usize::try_from(call.store.job_count().map_err(failed)?).unwrap_or(usize::MAX);
    let jobs = call.store.jobs(page.skip, page.size).map_err(failed)?;
    let items = jobs.iter().map(shown).collect();
    Ok(Answer::Tree(Tree::List { count, item: "usagejob", items }))
}

fn shown(job: &JobRun) -> Node {
    let date = |at: Option<Instant>| at.map_or(Node::Null, Node::Date);
    let wall = |ms: i64| Node::Date(Instant::from_millis(ms));
    let text = |text: &str| if text.is_empty() { Node::Null } else { Node::text(text) };
    let took = job.finished_ms.map(|finished| Node::Int(finished - job.started_ms));
    Node::Object(vec![
        ("id", number(job.id)),
        ("type", text(&job.kind)),
        ("state", text(job.state.as_name())),
        ("asof", date(job.as_of)),
        ("startdate", date(job.from)),
        ("enddate", date(job.to)),
        ("periods", number(job.periods)),
        ("records", number(job.records)),
        ("started", wall(job.started_ms)),
        ("finished", job.finished_ms.map_or(Node::Null, wall)),
        ("exectime", took.unwrap_or(Node::Null)),
        ("errortext", text(&job.message)),
        ("note", text(&job.note)),
    ])
}

/// Answers `getUsageJobStatus`.
pub(crate) fn job_status(call: &FrontCall<'_>, timer: &UsageJobTimer) -> Result<Answer, ApiError> {
    let failed = |cause: &dyn std::error::Error| internal("tell how the usage job stands", cause);
    let status = timer.status(call.now).map_err(|cause| failed(&cause))?;
    let last = call.store.jobs(0, 1).map_err(|cause| failed(&cause))?;
    let object = Node::Object(vec![
        ("enabled", Node::Bool(status.enabled)),
        ("state", last.first().map_or(Node::Null, |job| Node::text(job.state.as_name()))),
        ("nextrun", if status.enabled { Node::Date(status.next) } else { Node::Null }),
        ("publisheduntil", status.published_until.map_or(Node::Null, Node::Date)),
        ("staleperiods", number(status.stale_periods)),
        ("waits", status.waits.map_or(Node::Null, |waits| Node::text(waits.to_string()))),
    ]);
    Ok(Answer::Tree(Tree::Object { item: "usagejobstatus", object }))
}

fn number(number: u64) -> Node {
    Node::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
