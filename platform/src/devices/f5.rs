//! F5 load balancers, and the older commands for external ones. Guide 4.1.3, 4.2.7.6.

use crate::{
    network::guest::NETWORK,
    table::{
        Command, Kind, Object, ParamType::*, Roles, Source, WireType as W, f, fields::*, group,
        later, p,
    },
};

pub(crate) const EXTERNAL_LOAD_BALANCER: Object = Object {
    name: "ExternalLoadBalancer",
    fields: &[
        ID,
        ZONE_ID,
        f("ipaddress", W::Str),
        f("username", W::Str),
        f("publicinterface", W::Str),
        f("privateinterface", W::Str),
        f("numretries", W::Str),
    ],
};

pub(crate) const F5_LOAD_BALANCER: Object = Object {
    name: "F5LoadBalancer",
    fields: &[
        f("lbdeviceid", W::Str).from(Source::Uuid),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("provider", W::Str),
        f("lbdevicename", W::Str),
        f("lbdevicestate", W::Str).from(Source::State),
        f("lbdevicecapacity", W::Long),
        f("lbdevicededicated", W::Bool),
        f("publicinterface", W::Str),
        f("privateinterface", W::Str),
        f("ipaddress", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addExternalLoadBalancer")
        .doc("Adds an F5 load balancer to a zone; deprecated for addF5LoadBalancer")
        .roles(Roles::ROOT)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("url", Str).required(),
            p("username", Str).required(),
            p("password", Secret).required(),
        ])
        .object("externalloadbalancer", &EXTERNAL_LOAD_BALANCER),
    later("addF5LoadBalancer")
        .doc("Adds an F5 load balancer to a physical network")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("url", Str)
                .required()
                .doc("its URL, with the interfaces: `https://10.1.1.9?publicinterface=1/1&..`"),
            p("username", Str).required(),
            p("password", Secret).required(),
            p("networkdevicetype", Str).required(),
        ])
        .job("PHYSICAL.LOADBALANCER.ADD")
        .object("f5loadbalancer", &F5_LOAD_BALANCER),
    later("configureF5LoadBalancer")
        .doc("Sets how many networks an F5 load balancer serves")
        .roles(Roles::ROOT)
        .params(&[
            p("lbdeviceid", Id(Kind::F5LoadBalancer)).required(),
            p("lbdevicecapacity", Long),
        ])
        .job("PHYSICAL.LOADBALANCER.CONFIGURE")
        .object("f5loadbalancer", &F5_LOAD_BALANCER),
    later("deleteExternalLoadBalancer")
        .doc("Removes an external load balancer; deprecated")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::ExternalLoadBalancer)).required()])
        .success(),
    later("deleteF5LoadBalancer")
        .doc("Removes an F5 load balancer that no network uses")
        .roles(Roles::ROOT)
        .params(&[p("lbdeviceid", Id(Kind::F5LoadBalancer)).required()])
        .job("LB.DELETE")
        .success(),
    later("listExternalLoadBalancers")
        .doc("Lists external load balancers; deprecated")
        .roles(Roles::ROOT)
        .params(&[p("zoneid", Id(Kind::Zone))])
        .groups(&[group::PAGED])
        .items("externalloadbalancer", &EXTERNAL_LOAD_BALANCER),
    later("listF5LoadBalancerNetworks")
        .doc("Lists the networks that use an F5 load balancer")
        .roles(Roles::ROOT)
        .params(&[p("lbdeviceid", Id(Kind::F5LoadBalancer)).required()])
        .groups(&[group::PAGED])
        .items("network", &NETWORK),
    later("listF5LoadBalancers")
        .doc("Lists F5 load balancers")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("lbdeviceid", Id(Kind::F5LoadBalancer)),
        ])
        .groups(&[group::PAGED])
        .items("f5loadbalancer", &F5_LOAD_BALANCER),
];
