//! Load balancer rules with their VMs, stickiness and health checks; and the internal ones of VPCs.

use crate::areas::vm::VM;
use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
};

pub(crate) const INTERNAL_LOAD_BALANCER: Object = Object {
    name: "ApplicationLoadBalancer",
    fields: &[
        ID,
        f("name", W::Str),
        f("description", W::Str),
        f("algorithm", W::Str),
        f("networkid", W::Id(Kind::Network)),
        f("sourceipaddress", W::Str),
        f("sourceipaddressnetworkid", W::Id(Kind::Network)),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("loadbalancerrule", W::Objects("ApplicationLoadBalancerRule")),
        f("loadbalancerinstance", W::Objects("ApplicationLoadBalancerInstance")),
        TAGS,
    ],
};

pub(crate) const INTERNAL_LOAD_BALANCER_INSTANCE: Object = Object {
    name: "ApplicationLoadBalancerInstance",
    fields: &[ID, f("name", W::Str), f("state", W::Str), f("ipaddress", W::Str)],
};

pub(crate) const INTERNAL_LOAD_BALANCER_RULE: Object = Object {
    name: "ApplicationLoadBalancerRule",
    fields: &[f("sourceport", W::Int), f("instanceport", W::Int), f("state", W::Str)],
};

pub(crate) const LB_HEALTH_CHECK: Object = Object {
    name: "LBHealthCheck",
    fields: &[
        f("lbruleid", W::Id(Kind::LoadBalancerRule)),
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        ZONE_ID,
        f("healthcheckpolicy", W::Objects("LBHealthCheckPolicy")),
    ],
};

pub(crate) const LB_HEALTH_CHECK_POLICY: Object = Object {
    name: "LBHealthCheckPolicy",
    fields: &[
        ID,
        f("pingpath", W::Str),
        f("description", W::Str),
        f("state", W::Str),
        f("responsetime", W::Int),
        f("healthcheckinterval", W::Int),
        f("healthcheckthresshold", W::Int),
        f("unhealthcheckthresshold", W::Int),
    ],
};

pub(crate) const LB_STICKINESS: Object = Object {
    name: "LBStickiness",
    fields: &[
        f("lbruleid", W::Id(Kind::LoadBalancerRule)),
        f("name", W::Str),
        f("description", W::Str),
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        f("state", W::Str),
        ZONE_ID,
        f("stickinesspolicy", W::Objects("LBStickinessPolicy")),
    ],
};

pub(crate) const LB_STICKINESS_POLICY: Object = Object {
    name: "LBStickinessPolicy",
    fields: &[
        ID,
        f("name", W::Str),
        f("methodname", W::Str),
        f("description", W::Str),
        f("state", W::Str),
        f("params", W::Map),
    ],
};

pub(crate) const LOAD_BALANCER_RULE: Object = Object {
    name: "LoadBalancer",
    fields: &[
        ID,
        f("name", W::Str),
        f("description", W::Str),
        f("publicipid", W::Id(Kind::IpAddress)),
        f("publicip", W::Str).join("publicipid", "ipaddress"),
        f("publicport", W::Str),
        f("privateport", W::Str),
        f("algorithm", W::Str),
        f("networkid", W::Id(Kind::Network)),
        f("cidrlist", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        STATE,
        ZONE_ID,
        TAGS,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("assignToLoadBalancerRule")
        .doc("Puts VMs behind a load balancer rule")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::LoadBalancerRule)).required(),
            p("virtualmachineids", IdList(Kind::Vm)).required(),
        ])
        .job("LB.ASSIGN.TO.RULE")
        .success(),
    later("createLBHealthCheckPolicy")
        .doc("Makes a health check: VMs that fail it get no traffic")
        .roles(Roles::ALL)
        .params(&[
            p("lbruleid", Id(Kind::LoadBalancerRule)).required(),
            p("description", Str),
            p("pingpath", Str).doc("the path to ask for; `/` unless given"),
            p("responsetimeout", Int).doc("seconds to wait for an answer, 2 to 60; 5 unless given"),
            p("intervaltime", Int).doc("seconds between checks; 5 unless given"),
            p("healthythreshold", Int)
                .doc("good answers after which a VM counts as healthy; 2 unless given"),
            p("unhealthythreshold", Int)
                .doc("bad answers after which a VM counts as unhealthy; 1 unless given"),
        ])
        .create_job("LB.HEALTHCHECKPOLICY.CREATE")
        .object("healthcheckpolicies", &LB_HEALTH_CHECK),
    later("createLBStickinessPolicy")
        .doc("Makes a policy that keeps a client with the same VM")
        .roles(Roles::ALL)
        .params(&[
            p("lbruleid", Id(Kind::LoadBalancerRule)).required(),
            p("description", Str),
            p("name", Str).required(),
            p("methodname", Str).required().doc("`LbCookie`, `AppCookie` or `SourceBased`"),
            p("param", Map(MapForm::Fields(&["name", "value"])))
                .doc("parameters of the method: `param[0].name`, `.value`"),
        ])
        .create_job("LB.STICKINESSPOLICY.CREATE")
        .object("stickinesspolicies", &LB_STICKINESS),
    later("createLoadBalancer")
        .doc("Makes a load balancer inside a VPC, without a public address")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("description", Str).length_max(4096),
            p("networkid", Id(Kind::Network)).required().doc("the network of its VMs"),
            p("sourceport", Int).required().doc("the port it listens on"),
            p("algorithm", Str).required(),
            p("instanceport", Int).required().doc("the port on the VMs"),
            p("sourceipaddress", Str).doc("the address it listens on; a free one unless given"),
            p("sourceipaddressnetworkid", Id(Kind::Network)).required(),
            p("scheme", Str).required(),
        ])
        .create_job("LB.CREATE")
        .object("loadbalancer", &INTERNAL_LOAD_BALANCER),
    later("createLoadBalancerRule")
        .doc("Spreads what comes to a port of a public IP address over VMs")
        .roles(Roles::ALL)
        .params(&[
            p("algorithm", Str).required(),
            p("description", Str).length_max(4096),
            p("name", Str).required(),
            p("privateport", Int).required().doc("the port on the VMs"),
            p("publicipid", Id(Kind::IpAddress))
                .doc("the public IP address; an elastic one unless given"),
            p("zoneid", Id(Kind::Zone)).doc("the zone; needed without `publicipid`"),
            p("publicport", Int).required().doc("the port on the public address"),
            p("openfirewall", Bool).doc("false to leave the firewall closed; true unless given"),
            p("cidrlist", List),
            p("networkid", Id(Kind::Network))
                .doc("the network of the VMs; needed without `publicipid`"),
        ])
        .groups(&[group::OWNER])
        .create_job("LB.CREATE")
        .object("loadbalancer", &LOAD_BALANCER_RULE),
    later("deleteLBHealthCheckPolicy")
        .doc("Removes a health check")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::HealthCheckPolicy)).required()])
        .job("LB.HEALTHCHECKPOLICY.DELETE")
        .success(),
    later("deleteLBStickinessPolicy")
        .doc("Removes a stickiness policy")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::StickinessPolicy)).required()])
        .job("LB.STICKINESSPOLICY.DELETE")
        .success(),
    later("deleteLoadBalancer")
        .doc("Removes an internal load balancer")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InternalLoadBalancer)).required()])
        .job("LB.DELETE")
        .success(),
    later("deleteLoadBalancerRule")
        .doc("Removes a load balancer rule; its VMs stay")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::LoadBalancerRule)).required()])
        .job("LB.DELETE")
        .success(),
    later("listLBHealthCheckPolicies")
        .doc("Lists the health checks of a load balancer rule")
        .roles(Roles::ALL)
        .params(&[p("lbruleid", Id(Kind::LoadBalancerRule)).required()])
        .groups(&[group::PAGED])
        .items("healthcheckpolicies", &LB_HEALTH_CHECK),
    later("listLBStickinessPolicies")
        .doc("Lists the stickiness policies of a load balancer rule")
        .roles(Roles::ALL)
        .params(&[p("lbruleid", Id(Kind::LoadBalancerRule)).required()])
        .groups(&[group::PAGED])
        .items("stickinesspolicies", &LB_STICKINESS),
    later("listLoadBalancerRuleInstances")
        .doc("Lists VMs that are behind a load balancer rule, or could be")
        .roles(Roles::ALL)
        .params(&[
            p("applied", Bool).doc("false for VMs that could be put behind it; true unless given"),
            p("id", Id(Kind::LoadBalancerRule)).required().doc("the rule"),
        ])
        .groups(&[group::PAGED])
        .items("loadbalancerruleinstance", &VM),
    later("listLoadBalancerRules")
        .doc("Lists load balancer rules")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::LoadBalancerRule)),
            p("name", Str),
            p("publicipid", Id(Kind::IpAddress)),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only the rules this VM is behind"),
            p("zoneid", Id(Kind::Zone)),
            p("networkid", Id(Kind::Network)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("loadbalancerrule", &LOAD_BALANCER_RULE),
    later("listLoadBalancers")
        .doc("Lists internal load balancers")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::InternalLoadBalancer)),
            p("name", Str),
            p("sourceipaddress", Str),
            p("sourceipaddressnetworkid", Id(Kind::Network)),
            p("scheme", Str),
            p("networkid", Id(Kind::Network)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("loadbalancer", &INTERNAL_LOAD_BALANCER),
    later("removeFromLoadBalancerRule")
        .doc("Takes VMs from behind a load balancer rule")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::LoadBalancerRule)).required(),
            p("virtualmachineids", IdList(Kind::Vm)).required(),
        ])
        .job("LB.REMOVE.FROM.RULE")
        .success(),
    later("updateLoadBalancerRule")
        .doc("Changes the name, description or algorithm of a load balancer rule")
        .roles(Roles::ALL)
        .params(&[
            p("algorithm", Str),
            p("description", Str).length_max(4096),
            p("id", Id(Kind::LoadBalancerRule)).required(),
            p("name", Str),
        ])
        .job("LB.UPDATE")
        .object("loadbalancer", &LOAD_BALANCER_RULE),
];
