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

pub(crate) const USAGE_CORRECTION: Object = Object {
    name: "UsageCorrection",
    fields: &[
        f("recordid", W::Str),
        f("startdate", W::Str),
        f("enddate", W::Str),
        f("generation", W::Int),
        f("published", W::Date),
        f("account", W::Str),
        f("accountid", W::Str),
        f("description", W::Str),
        f("usagetype", W::Int),
        f("resourceid", W::Str),
        f("before", W::Str),
        f("after", W::Str),
        f("difference", W::Str),
        f("unit", W::Str),
        f("changes", W::Str),
        f("cause", W::Str),
        f("eventids", W::List),
        f("source", W::Str),
        f("corrects", W::Str),
    ],
};

pub(crate) const USAGE_SEGMENT: Object = Object {
    name: "UsageSegment",
    fields: &[
        f("start", W::Str),
        f("end", W::Str),
        f("ms", W::Str),
        f("segmentstart", W::Str),
        f("segmentend", W::Str),
        f("openedby", W::Str),
        f("closedby", W::Str),
    ],
};

pub(crate) const USAGE_SAMPLE: Object = Object {
    name: "UsageSample",
    fields: &[
        f("sampled", W::Str),
        f("counter", W::Str),
        f("before", W::Str),
        f("bytes", W::Str),
        f("restarted", W::Bool),
    ],
};

pub(crate) const USAGE_EXPLANATION: Object = Object {
    name: "UsageExplanation",
    fields: &[
        f("recordid", W::Str),
        f("startdate", W::Str),
        f("enddate", W::Str),
        f("generation", W::Int),
        f("account", W::Str),
        f("accountid", W::Str),
        f("description", W::Str),
        f("usagetype", W::Int),
        f("usage", W::Str),
        f("quantity", W::Str),
        f("unit", W::Str),
        f("sum", W::Str),
        f("addsup", W::Bool),
        f("waits", W::Bool),
        f("eventids", W::List),
        f("segments", W::Objects("UsageSegment")),
        f("samples", W::Objects("UsageSample")),
        f("billedbefore", W::Str),
        f("source", W::Str),
        f("corrects", W::Str),
        f("closedquantity", W::Str),
        f("quantitybefore", W::Str),
        f("quantityafter", W::Str),
        f("restatedquantity", W::Str),
    ],
};

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

pub(crate) const USAGE_PERIOD: Object = Object {
    name: "UsagePeriod",
    fields: &[
        f("startdate", W::Str),
        f("enddate", W::Str),
        f("periods", W::Long),
        f("state", W::Str),
        f("generation", W::Long),
        f("restated", W::Long),
        f("records", W::Long),
        f("waits", W::Bool),
        f("corrects", W::Str),
        f("closedby", W::Str),
        f("closed", W::Date),
        f("reason", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("explainUsageRecord")
        .front(FrontCommand::ExplainUsageRecord.number())
        .doc("Shows the stretches of use and their events, or the samples, that make up a usage record, and that they add up to it")
        .roles(Roles::ALL)
        .params(&[
            p("id", Str).required().doc("the `recordid` that `listUsageRecords` shows"),
            p("asof", UsageDate)
                .doc("the instant at which the record was shown so, as in `listUsageRecords`"),
        ])
        .object("usageexplanation", &USAGE_EXPLANATION)
        .extension(),
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
    own("listUsageCorrections")
        .front(FrontCommand::ListUsageCorrections.number())
        .doc("Lists what changed when days were published again, and the events or other reasons that it changed for")
        .roles(Roles::ALL)
        .params(&[
            p("account", Str),
            p("domainid", BilledId(Kind::Domain)),
            p("startdate", UsageDate)
                .required()
                .doc("the first day, `yyyy-MM-dd`, in the usage time zone"),
            p("enddate", UsageDate).required().doc("the last day, `yyyy-MM-dd`, inclusive"),
            p("accountid", BilledId(Kind::Account)),
            p("type", Long).doc("shows only corrections of this usage type, by its number"),
            p("projectid", BilledId(Kind::Project)),
            p("isrecursive", Bool).doc("true for those of domains below `domainid`, too"),
        ])
        .groups(&[group::PAGED])
        .items("usagecorrection", &USAGE_CORRECTION)
        .extension(),
    own("listUsageJobs")
        .front(FrontCommand::ListUsageJobs.number())
        .doc("Lists the runs of the usage job, the latest first: when, by which present, what they published, how they ended, what they waited for")
        .roles(Roles::ROOT)
        .params(&[p("page", Int), p("pagesize", Int)])
        .items("usagejob", &USAGE_JOB)
        .extension(),
    own("listUsagePeriods")
        .front(FrontCommand::ListUsagePeriods.number())
        .doc("Lists the periods that are over with their state: open, stale (late events wait), waiting (not published yet) or closed, by whom, when and why; empty ones in a row are one")
        .roles(Roles::ROOT)
        .params(&[
            p("startdate", UsageDate).doc("the first day, `yyyy-MM-dd`, in the usage time zone"),
            p("enddate", UsageDate).doc("the last day, `yyyy-MM-dd`, inclusive"),
            p("page", Int),
            p("pagesize", Int),
        ])
        .items("usageperiod", &USAGE_PERIOD)
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
            p("asof", UsageDate)
                .doc("shows what was shown at this instant, whatever was published later; a date is its first instant in the usage time zone"),
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
