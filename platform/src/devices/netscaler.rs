//! NetScaler load balancers. Guide 4.2.7.6.

use crate::{
    network::guest::NETWORK,
    table::{
        Command, Kind, Object, ParamType::*, Roles, Source, WireType as W, f, group, later, p,
    },
};

pub(crate) const NETSCALER_LOAD_BALANCER: Object = Object {
    name: "NetscalerLoadBalancer",
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
        f("gslbprovider", W::Bool),
        f("gslbproviderpublicip", W::Str),
        f("gslbproviderprivateip", W::Str),
        f("podids", W::List),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addNetscalerLoadBalancer")
        .doc("Adds a NetScaler load balancer to a physical network")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("url", Str)
                .required()
                .doc("its URL, with the interfaces: `https://10.1.1.9?publicinterface=1/1&..`"),
            p("username", Str).required(),
            p("password", Secret).required(),
            p("networkdevicetype", Str)
                .required()
                .doc("`NetscalerMPXLoadBalancer`, `NetscalerVPXLoadBalancer` or the SDX one"),
            p("gslbprovider", Bool).doc("true if it does global load balancing"),
            p("gslbproviderpublicip", Str).doc("the public address of global load balancing"),
            p("gslbproviderprivateip", Str).doc("the private address of global load balancing"),
        ])
        .job("PHYSICAL.LOADBALANCER.ADD")
        .object("netscalerloadbalancer", &NETSCALER_LOAD_BALANCER),
    later("configureNetscalerLoadBalancer")
        .doc("Sets capacity, dedication and pods of a NetScaler load balancer")
        .roles(Roles::ROOT)
        .params(&[
            p("lbdeviceid", Id(Kind::NetscalerLoadBalancer)).required(),
            p("lbdevicecapacity", Long),
            p("lbdevicededicated", Bool).doc("true to give it to one account alone"),
            p("inline", Bool).doc("true if it stands in line with the firewall"),
            p("podids", IdList(Kind::Pod))
                .doc("pods that it serves in a basic zone, separated by commas"),
        ])
        .job("PHYSICAL.LOADBALANCER.CONFIGURE")
        .object("netscalerloadbalancer", &NETSCALER_LOAD_BALANCER),
    later("deleteNetscalerLoadBalancer")
        .doc("Removes a NetScaler load balancer that no network uses")
        .roles(Roles::ROOT)
        .params(&[p("lbdeviceid", Id(Kind::NetscalerLoadBalancer)).required()])
        .job("LB.DELETE")
        .success(),
    later("listNetscalerLoadBalancerNetworks")
        .doc("Lists the networks that use a NetScaler load balancer")
        .roles(Roles::ROOT)
        .params(&[p("lbdeviceid", Id(Kind::NetscalerLoadBalancer)).required()])
        .groups(&[group::PAGED])
        .items("network", &NETWORK),
    later("listNetscalerLoadBalancers")
        .doc("Lists NetScaler load balancers")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("lbdeviceid", Id(Kind::NetscalerLoadBalancer)),
        ])
        .groups(&[group::PAGED])
        .items("netscalerloadbalancer", &NETSCALER_LOAD_BALANCER),
];
