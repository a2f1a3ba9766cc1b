//! Global load balancing: one DNS name over load balancer rules of several zones. Guide 4.1.1.28.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
};

pub(crate) const GLOBAL_LOAD_BALANCER: Object = Object {
    name: "GlobalLoadBalancer",
    fields: &[
        ID,
        f("name", W::Str),
        f("description", W::Str),
        f("gslbdomainname", W::Str),
        f("gslblbmethod", W::Str),
        f("gslbstickysessionmethodname", W::Str),
        f("gslbservicetype", W::Str),
        f("regionid", W::Int),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("loadbalancerrule", W::Objects("LoadBalancer")),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("assignToGlobalLoadBalancerRule")
        .doc("Puts load balancer rules of different zones behind a global one")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::GlobalLoadBalancer)).required(),
            p("loadbalancerrulelist", IdList(Kind::LoadBalancerRule)).required(),
            p("gslblbruleweightsmap", Map(MapForm::Fields(&["loadbalancerid", "weight"])))
                .doc("weights: `gslblbruleweightsmap[0].loadbalancerid`, `.weight` (1 to 100)"),
        ])
        .job("GLOBAL.LB.ASSIGN")
        .success(),
    later("createGlobalLoadBalancerRule")
        .doc("Makes a global load balancer rule with a DNS name")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("description", Str).length_max(4096),
            p("regionid", Region).required(),
            p("gslblbmethod", Str),
            p("gslbstickysessionmethodname", Str),
            p("gslbdomainname", Str).required().doc("the DNS name it answers for"),
            p("gslbservicetype", Str).required().doc("`tcp`, `udp` or `http`"),
        ])
        .groups(&[group::OWNER])
        .create_job("GLOBAL.LB.CREATE")
        .object("globalloadbalancer", &GLOBAL_LOAD_BALANCER),
    later("deleteGlobalLoadBalancerRule")
        .doc("Removes a global load balancer rule; the rules behind it stay")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::GlobalLoadBalancer)).required()])
        .job("GLOBAL.LB.DELETE")
        .success(),
    later("listGlobalLoadBalancerRules")
        .doc("Lists global load balancer rules")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::GlobalLoadBalancer)), p("regionid", Region)])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("globalloadbalancerrule", &GLOBAL_LOAD_BALANCER),
    later("removeFromGlobalLoadBalancerRule")
        .doc("Takes load balancer rules from behind a global one")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::GlobalLoadBalancer)).required(),
            p("loadbalancerrulelist", IdList(Kind::LoadBalancerRule)).required(),
        ])
        .job("GLOBAL.LB.REMOVE")
        .success(),
    later("updateGlobalLoadBalancerRule")
        .doc("Changes the method or description of a global load balancer rule")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::GlobalLoadBalancer)).required(),
            p("description", Str).length_max(4096),
            p("gslblbmethod", Str),
            p("gslbstickysessionmethodname", Str),
        ])
        .job("GLOBAL.LB.UPDATE")
        .object("globalloadbalancer", &GLOBAL_LOAD_BALANCER),
];
