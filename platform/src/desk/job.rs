//! Jobs: what became of an asynchronous command. Guide chapter 7.

use cloudtally_model::{ApiError, ErrorCode, Instant};

use crate::{
    col,
    engine::{Answer, JobStatus, Node, Query, View, job_answer},
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, Source, WireType as W, f, fields::*,
        group, hidden, own, p,
    },
};

/// `due` is when it goes on; `step` how often it has waited; `about` the resource that its
/// lists show it with, also where the job has no `entity` of its own.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Job, &JOB)
    .hidden(&[
        hidden("due", W::Date),
        hidden("step", W::Int),
        hidden("params", W::Map),
        hidden("entity", W::Str),
        hidden("about", W::Str),
        hidden("startevent", W::Id(Kind::Event)),
        hidden("result", W::List),
        hidden("errorcode", W::Int),
        hidden("errortext", W::Str),
    ])
    .keyword(&[col::CMD])
    .owned();

pub(crate) const JOB: Object = Object {
    name: "AsyncJob",
    fields: &[
        ACCOUNT_ID,
        f("userid", W::Id(Kind::User)),
        f("cmd", W::Str),
        f("jobstatus", W::Int),
        f("jobprocstatus", W::Int),
        f("jobresultcode", W::Int),
        f("jobresulttype", W::Str),
        f("jobresult", W::Str).by(result),
        f("jobinstancetype", W::Str),
        f("jobinstanceid", W::Str).by(instance),
        CREATED,
        f("jobid", W::Str).from(Source::Uuid),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("listAsyncJobs")
        .doc("Lists jobs, those that are done until they expire")
        .roles(Roles::ALL)
        .params(&[p("startdate", Moment).doc("shows only jobs begun at this moment or later")])
        .groups(&[group::PAGED, group::SCOPED])
        .items("asyncjobs", &JOB)
        .read(list_jobs),
    own("queryAsyncJobResult")
        .doc("Shows how far a job is, and its result")
        .roles(Roles::ALL)
        .params(&[p("jobid", Id(Kind::Job))
            .required()
            .doc("the uuid that the asynchronous command answered")])
        .bare(&JOB)
        .read(query),
];

/// The outcome of a finished job; nothing while it is pending.
fn result(view: &View<'_>) -> Node {
    let job = view.resource;
    if job.int(col::JOB_STATUS) == JobStatus::Pending as i64 {
        return Node::Null;
    }
    if job.int(col::JOB_STATUS) == JobStatus::Failed as i64 {
        // Who owns the job is told no more of the cloud than in the call itself.
        let code = u16::try_from(job.int(col::ERROR_CODE)).ok().and_then(ErrorCode::from_status);
        let general = code.and_then(ErrorCode::in_general_words).filter(|_| !view.caller.is_root());
        return Node::Object(vec![
            ("errorcode", Node::Int(job.int(col::ERROR_CODE))),
            ("errortext", Node::text(general.unwrap_or(job.text(col::ERROR_TEXT)))),
        ]);
    }
    match job_answer(view.world, job) {
        Some(Answer::Object { item, object }) => Node::Object(vec![(item, object)]),
        Some(Answer::List { item, items, .. }) => Node::Object(vec![(item, Node::List(items))]),
        Some(Answer::Bare(fields)) => Node::Object(fields),
        Some(Answer::Success | Answer::Job { .. }) | None => {
            Node::Object(vec![("success", Node::Bool(true))])
        }
    }
}

/// The resource it works on, where the API has a word for its kind.
fn instance(view: &View<'_>) -> Node {
    let has_word = !view.resource.text(col::JOB_INSTANCE_TYPE).is_empty();
    let entity = view.resource.id_of(col::ENTITY).filter(|_| has_word);
    Node::text_if(
        entity.and_then(|id| view.world.any(id)).map(|resource| resource.uuid.to_string()),
    )
}

fn query(query: &Query<'_>) -> Result<Answer, ApiError> {
    let job = query.world.resource(query.args.id_required("jobid"));
    let Node::Object(fields) = query.show(job, &JOB) else { panic!("objects are shown as such") };
    Ok(Answer::Bare(fields))
}

fn list_jobs(query: &Query<'_>) -> Result<Answer, ApiError> {
    let since = query.args.moment("startdate").unwrap_or(Instant::EPOCH);
    let jobs = query.resources(Kind::Job)?.into_iter();
    query.page(jobs.filter(|job| job.created >= since))
}
