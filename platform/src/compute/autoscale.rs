//! AutoScale: counters, conditions and policies that make and destroy VMs behind a
//! load balancer rule. Guide 4.2.7.2.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
};

pub(crate) const AUTO_SCALE_POLICY: Object = Object {
    name: "AutoScalePolicy",
    fields: &[
        ID,
        f("action", W::Str),
        f("duration", W::Int),
        f("quiettime", W::Int),
        f("conditions", W::Objects("Condition")),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
    ],
};

pub(crate) const AUTO_SCALE_VM_GROUP: Object = Object {
    name: "AutoScaleVmGroup",
    fields: &[
        ID,
        f("lbruleid", W::Id(Kind::LoadBalancerRule)),
        f("vmprofileid", W::Id(Kind::AutoScaleVmProfile)),
        f("minmembers", W::Int),
        f("maxmembers", W::Int),
        f("interval", W::Int),
        STATE,
        f("scaleuppolicies", W::Objects("AutoScalePolicy")),
        f("scaledownpolicies", W::Objects("AutoScalePolicy")),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
    ],
};

pub(crate) const AUTO_SCALE_VM_PROFILE: Object = Object {
    name: "AutoScaleVmProfile",
    fields: &[
        ID,
        ZONE_ID,
        f("serviceofferingid", W::Id(Kind::ServiceOffering)),
        f("templateid", W::Id(Kind::Template)),
        f("otherdeployparams", W::Str),
        f("destroyvmgraceperiod", W::Int),
        f("counterparam", W::Map),
        f("autoscaleuserid", W::Id(Kind::User)),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
    ],
};

pub(crate) const CONDITION: Object = Object {
    name: "Condition",
    fields: &[
        ID,
        f("threshold", W::Long),
        f("relationaloperator", W::Str),
        f("counter", W::Objects("Counter")),
        DOMAIN_ID,
        DOMAIN,
        ZONE_ID,
        PROJECT_ID,
        PROJECT,
        ACCOUNT,
    ],
};

pub(crate) const COUNTER: Object = Object {
    name: "Counter",
    fields: &[ID, f("name", W::Str), f("source", W::Str), f("value", W::Str), ZONE_ID],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createAutoScalePolicy")
        .doc("Makes a policy: what to do when all its conditions hold for a while")
        .roles(Roles::ALL)
        .params(&[
            p("action", Str).required().doc("`scaleup` or `scaledown`"),
            p("duration", Int).required().doc("seconds for which the conditions must hold"),
            p("quiettime", Int),
            p("conditionids", IdList(Kind::Condition)).required(),
        ])
        .create_job("AUTOSCALEPOLICY.CREATE")
        .object("autoscalepolicy", &AUTO_SCALE_POLICY),
    later("createAutoScaleVmGroup")
        .doc("Makes a group that adds and removes VMs of a load balancer rule")
        .roles(Roles::ALL)
        .params(&[
            p("lbruleid", Id(Kind::LoadBalancerRule)).required(),
            p("minmembers", Int).required(),
            p("maxmembers", Int).required(),
            p("interval", Int),
            p("scaleuppolicyids", IdList(Kind::AutoScalePolicy)).required(),
            p("scaledownpolicyids", IdList(Kind::AutoScalePolicy)).required(),
            p("vmprofileid", Id(Kind::AutoScaleVmProfile)).required(),
        ])
        .create_job("AUTOSCALEVMGROUP.CREATE")
        .object("autoscalevmgroup", &AUTO_SCALE_VM_GROUP),
    later("createAutoScaleVmProfile")
        .doc("Makes a profile: how the VMs of AutoScale groups are deployed")
        .roles(Roles::ALL)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("serviceofferingid", Id(Kind::ServiceOffering)).required(),
            p("templateid", Id(Kind::Template)).required(),
            p("otherdeployparams", Str),
            p("destroyvmgraceperiod", Int),
            p("counterparam", Map(MapForm::Fields(&["name", "value"]))),
            p("autoscaleuserid", Id(Kind::User)),
        ])
        .create_job("AUTOSCALEVMPROFILE.CREATE")
        .object("autoscalevmprofile", &AUTO_SCALE_VM_PROFILE),
    later("createCondition")
        .doc("Makes a condition: a counter compared with a threshold")
        .roles(Roles::ALL)
        .params(&[
            p("counterid", Id(Kind::Counter)).required(),
            p("relationaloperator", Str).required().doc("`EQ`, `GT`, `LT`, `GE` or `LE`"),
            p("threshold", Long).required().doc("what the counter is compared with"),
        ])
        .groups(&[group::OWNER])
        .create_job("CONDITION.CREATE")
        .object("condition", &CONDITION),
    later("createCounter")
        .doc("Makes a counter: a figure that conditions can watch")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required(),
            p("source", Str).required().doc("`snmp`, `cpu` or `memory`"),
            p("value", Str).required().doc("what to read at the source, such as an SNMP object id"),
        ])
        .create_job("COUNTER.CREATE")
        .object("counter", &COUNTER),
    later("deleteAutoScalePolicy")
        .doc("Removes a policy that no group uses")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::AutoScalePolicy)).required()])
        .job("AUTOSCALEPOLICY.DELETE")
        .success(),
    later("deleteAutoScaleVmGroup")
        .doc("Removes an AutoScale group; its VMs are destroyed")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::AutoScaleVmGroup)).required()])
        .job("AUTOSCALEVMGROUP.DELETE")
        .success(),
    later("deleteAutoScaleVmProfile")
        .doc("Removes a profile that no group uses")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::AutoScaleVmProfile)).required()])
        .job("AUTOSCALEVMPROFILE.DELETE")
        .success(),
    later("deleteCondition")
        .doc("Removes a condition that no policy uses")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Condition)).required()])
        .job("CONDITION.DELETE")
        .success(),
    later("deleteCounter")
        .doc("Removes a counter that no condition uses")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Counter)).required()])
        .job("COUNTER.DELETE")
        .success(),
    later("disableAutoScaleVmGroup")
        .doc("Stops a group from adding and removing VMs; those it has stay")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::AutoScaleVmGroup)).required()])
        .job("AUTOSCALEVMGROUP.DISABLE")
        .object("autoscalevmgroup", &AUTO_SCALE_VM_GROUP),
    later("enableAutoScaleVmGroup")
        .doc("Lets a disabled group add and remove VMs again")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::AutoScaleVmGroup)).required()])
        .job("AUTOSCALEVMGROUP.ENABLE")
        .object("autoscalevmgroup", &AUTO_SCALE_VM_GROUP),
    later("listAutoScalePolicies")
        .doc("Lists AutoScale policies")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::AutoScalePolicy)),
            p("conditionid", Id(Kind::Condition)).doc("shows only policies with this condition"),
            p("action", Str).doc("`scaleup` or `scaledown`"),
            p("vmgroupid", Id(Kind::AutoScaleVmGroup)).doc("shows only the policies of this group"),
        ])
        .groups(&[group::PAGED, group::SCOPED])
        .items("autoscalepolicy", &AUTO_SCALE_POLICY),
    later("listAutoScaleVmGroups")
        .doc("Lists AutoScale groups")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::AutoScaleVmGroup)),
            p("lbruleid", Id(Kind::LoadBalancerRule)),
            p("vmprofileid", Id(Kind::AutoScaleVmProfile)),
            p("policyid", Id(Kind::AutoScalePolicy)).doc("shows only groups with this policy"),
            p("zoneid", Id(Kind::Zone)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("autoscalevmgroup", &AUTO_SCALE_VM_GROUP),
    later("listAutoScaleVmProfiles")
        .doc("Lists AutoScale profiles")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::AutoScaleVmProfile)),
            p("templateid", Id(Kind::Template)),
            p("otherdeployparams", Str).doc("shows only profiles with these deploy parameters"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("autoscalevmprofile", &AUTO_SCALE_VM_PROFILE),
    later("listConditions")
        .doc("Lists conditions")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Condition)),
            p("counterid", Id(Kind::Counter)),
            p("policyid", Id(Kind::AutoScalePolicy))
                .doc("shows only the conditions of this policy"),
        ])
        .groups(&[group::PAGED, group::SCOPED])
        .items("condition", &CONDITION),
    later("listCounters")
        .doc("Lists counters")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Counter)), p("name", Str), p("source", Str)])
        .groups(&[group::PAGED])
        .items("counter", &COUNTER),
    later("updateAutoScalePolicy")
        .doc("Changes the times or conditions of a policy whose groups are disabled")
        .roles(Roles::ALL)
        .params(&[
            p("duration", Int).doc("seconds for which the conditions must hold"),
            p("quiettime", Int),
            p("conditionids", IdList(Kind::Condition)),
            p("id", Id(Kind::AutoScalePolicy)).required(),
        ])
        .job("AUTOSCALEPOLICY.UPDATE")
        .object("autoscalepolicy", &AUTO_SCALE_POLICY),
    later("updateAutoScaleVmGroup")
        .doc("Changes the bounds or policies of a disabled group")
        .roles(Roles::ALL)
        .params(&[
            p("minmembers", Int),
            p("maxmembers", Int),
            p("interval", Int),
            p("scaleuppolicyids", IdList(Kind::AutoScalePolicy)),
            p("scaledownpolicyids", IdList(Kind::AutoScalePolicy)),
            p("id", Id(Kind::AutoScaleVmGroup)).required(),
        ])
        .job("AUTOSCALEVMGROUP.UPDATE")
        .object("autoscalevmgroup", &AUTO_SCALE_VM_GROUP),
    later("updateAutoScaleVmProfile")
        .doc("Changes how VMs of a profile are deployed from now on")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::AutoScaleVmProfile)).required(),
            p("templateid", Id(Kind::Template)),
            p("destroyvmgraceperiod", Int),
            p("counterparam", Map(MapForm::Fields(&["name", "value"]))),
            p("autoscaleuserid", Id(Kind::User)),
        ])
        .job("AUTOSCALEVMPROFILE.UPDATE")
        .object("autoscalevmprofile", &AUTO_SCALE_VM_PROFILE),
];
