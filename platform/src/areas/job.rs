//! Jobs: what became of an asynchronous command. Guide chapter 7.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, Source, WireType as W, f, fields::*, group, later,
    p,
};

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
        f("jobresult", W::Str),
        f("jobinstancetype", W::Str),
        f("jobinstanceid", W::Str),
        CREATED,
        f("jobid", W::Str).from(Source::Uuid),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("listAsyncJobs")
        .doc("Lists jobs that are not done")
        .roles(Roles::ALL)
        .params(&[p("startdate", Moment).doc("shows only jobs begun at this moment or later")])
        .groups(&[group::PAGED, group::SCOPED])
        .items("asyncjobs", &JOB),
    later("queryAsyncJobResult")
        .doc("Shows how far a job is, and its result")
        .roles(Roles::ALL)
        .params(&[p("jobid", Id(Kind::Job))
            .required()
            .doc("the uuid that the asynchronous command answered")])
        .bare(&JOB),
];
