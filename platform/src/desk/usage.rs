//! Usage: the records of what was used, made once a day, and their types.
//! Guide chapter 8.

use crate::{
    front::FrontCommand,
    table::{Command, Kind, Object, ParamType::*, Roles, WireType as W, f, group, own, p},
};

pub(crate) const USAGE_RECORD: Object = Object {
    name: "UsageRecord",
    fields: &[
        f("account", W::Str),
        f("accountid", W::Str),
        f("projectid", W::Str),
        f("project", W::Str),
        f("domainid", W::Str),
        f("domain", W::Str),
        f("zoneid", W::Str),
        f("description", W::Str),
        f("usage", W::Str),
        f("usagetype", W::Int),
        f("rawusage", W::Str),
        f("virtualmachineid", W::Str),
        f("name", W::Str),
        f("offeringid", W::Str),
        f("templateid", W::Str),
        f("usageid", W::Str),
        f("type", W::Str),
        f("size", W::Long),
        f("virtualsize", W::Long),
        f("startdate", W::Str),
        f("enddate", W::Str),
        f("issourcenat", W::Bool),
        f("issystem", W::Bool),
        // The guide alone names it; the 4.2.1 server has `issystem`.
        f("iselastic", W::Bool),
        f("networkid", W::Str),
        f("isdefault", W::Bool),
    ],
};

pub(crate) const USAGE_TYPE: Object =
    Object { name: "UsageType", fields: &[f("usagetypeid", W::Int), f("description", W::Str)] };

pub(crate) const USAGE_JOB: Object = Object {
    name: "UsageJob",
    fields: &[
        f("id", W::Long),
        f("type", W::Str),
        f("state", W::Str),
        f("asof", W::Date),
        f("startdate", W::Date),
        f("enddate", W::Date),
        f("periods", W::Long),
        f("records", W::Long),
        f("started", W::Date),
        f("finished", W::Date),
        f("exectime", W::Long),
        f("errortext", W::Str),
        f("note", W::Str),
    ],
};

pub(crate) const USAGE_JOB_STATUS: Object = Object {
    name: "UsageJobStatus",
    fields: &[
        f("enabled", W::Bool),
        f("state", W::Str),
        f("nextrun", W::Date),
        f("publisheduntil", W::Date),
        f("staleperiods", W::Long),
        f("waits", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("generateUsageRecords")
        .front(FrontCommand::GenerateUsageRecords.number())
        .doc("Makes the records of some days, instead of waiting for the nightly job")
        .roles(Roles::ROOT)
        .params(&[
            p("domainid", Id(Kind::Domain))
                .doc("that of ROOT, as a run makes the records of all domains; another is refused"),
            p("startdate", UsageDate).required().doc("the first day, `yyyy-MM-dd`"),
            p("enddate", UsageDate).required().doc("the last day, `yyyy-MM-dd`, inclusive"),
        ])
        .success(),
    own("getUsageJobStatus")
        .front(FrontCommand::GetUsageJobStatus.number())
        .doc("Shows when the usage job runs next, how its last run went, up to when usage is published and which source it waits for")
        .roles(Roles::ROOT)
        .object("usagejobstatus", &USAGE_JOB_STATUS)
        .extension(),
    own("listUsageJobs")
        .front(FrontCommand::ListUsageJobs.number())
        .doc("Lists the runs of the usage job, the latest first: when, by which present, what they published, how they ended, what they waited for")
        .roles(Roles::ROOT)
        .params(&[p("page", Int), p("pagesize", Int)])
        .items("usagejob", &USAGE_JOB)
        .extension(),
    own("listUsageRecords")
        .front(FrontCommand::ListUsageRecords.number())
        .doc("Lists usage records of some days")
        // The 4.2.1 server keeps it from users; the guide gives them their own.
        .roles(Roles::ALL)
        .params(&[
            p("account", Str),
            p("domainid", BilledId(Kind::Domain)),
            p("startdate", UsageDate)
                .required()
                .doc("the first day, `yyyy-MM-dd`, in the usage time zone"),
            p("enddate", UsageDate).required().doc("the last day, `yyyy-MM-dd`, inclusive"),
            p("accountid", BilledId(Kind::Account)),
            p("type", Long).doc("shows only records of this usage type, by its number"),
            p("projectid", BilledId(Kind::Project)),
            p("isrecursive", Bool).doc("true for those of domains below `domainid`, too"),
        ])
        .groups(&[group::PAGED])
        .items("usagerecord", &USAGE_RECORD),
    own("listUsageTypes")
        .front(FrontCommand::ListUsageTypes.number())
        .doc("Lists the usage types by number")
        .roles(Roles::ROOT)
        .params(&[p("page", Int), p("pagesize", Int)])
        .items("usagetype", &USAGE_TYPE),
];
