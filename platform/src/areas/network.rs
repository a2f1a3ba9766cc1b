//! Guest networks: isolated ones of an account, shared ones of a zone, tiers of a VPC.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const NETWORK: Object = Object {
    name: "Network",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        f("broadcastdomaintype", W::Str),
        f("traffictype", W::Str),
        f("gateway", W::Str),
        f("netmask", W::Str),
        f("cidr", W::Str),
        f("networkcidr", W::Str),
        f("reservediprange", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("networkofferingid", W::Id(Kind::NetworkOffering)),
        f("networkofferingname", W::Str).join("networkofferingid", "name"),
        f("networkofferingdisplaytext", W::Str).join("networkofferingid", "displaytext"),
        f("networkofferingconservemode", W::Bool).join("networkofferingid", "conservemode"),
        f("networkofferingavailability", W::Str).join("networkofferingid", "availability"),
        f("issystem", W::Bool),
        STATE,
        f("related", W::Str),
        f("broadcasturi", W::Str),
        f("dns1", W::Str),
        f("dns2", W::Str),
        f("type", W::Str),
        f("vlan", W::Str),
        f("acltype", W::Str),
        f("subdomainaccess", W::Bool),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("isdefault", W::Bool),
        f("service", W::Objects("Service")),
        f("networkdomain", W::Str),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("restartrequired", W::Bool),
        f("specifyipranges", W::Bool),
        f("vpcid", W::Id(Kind::Vpc)),
        f("canusefordeploy", W::Bool),
        f("ispersistent", W::Bool),
        TAGS,
        f("ip6gateway", W::Str),
        f("ip6cidr", W::Str),
        f("displaynetwork", W::Bool),
        f("aclid", W::Id(Kind::NetworkAcl)),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createNetwork")
        .doc("Makes a guest network")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("displaytext", Str).required(),
            p("networkofferingid", Id(Kind::NetworkOffering)).required(),
            p("zoneid", Id(Kind::Zone)).required(),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork))
                .doc("the physical network; needed if the zone has several for guests"),
            p("gateway", Str).doc("the gateway; needed for shared networks and tiers of a VPC"),
            p("netmask", Str).doc("the netmask; needed with `gateway`"),
            p("startip", Str).doc("the first address to give to VMs"),
            p("endip", Str).doc("the last address to give to VMs; `startip` unless given"),
            p("vlan", Str).doc("the VLAN; only if the offering lets it be named"),
            p("isolatedpvlan", Str)
                .doc("the isolated private VLAN, so that VMs do not see each other"),
            p("networkdomain", Str),
            p("acltype", Str),
            p("subdomainaccess", Bool)
                .doc("whether subdomains may use it; only with `acltype` `Domain`"),
            p("vpcid", Id(Kind::Vpc)).doc("the VPC to make it a tier of"),
            p("startipv6", Str),
            p("endipv6", Str),
            p("ip6gateway", Str),
            p("ip6cidr", Str),
            p("displaynetwork", Bool),
            p("aclid", Id(Kind::NetworkAcl)).doc("the network ACL list of the tier"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .event("NETWORK.CREATE")
        .object("network", &NETWORK),
    later("deleteNetwork")
        .doc("Deletes a network without VMs, with its rules and addresses")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Network)).required()])
        .job("NETWORK.DELETE")
        .success(),
    later("listNetworks")
        .doc("Lists networks")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Network)),
            p("zoneid", Id(Kind::Zone)),
            p("type", Str).doc("`Isolated` or `Shared`"),
            p("issystem", Bool).doc("true for those of the system's own use; false unless given"),
            p("acltype", Str),
            p("traffictype", Str),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("supportedservices", List)
                .doc("shows only those with all these services, separated by commas"),
            p("restartrequired", Bool),
            p("specifyipranges", Bool).doc("true for those whose addresses are given by hand"),
            p("vpcid", Id(Kind::Vpc)),
            p("canusefordeploy", Bool).doc("true for those VMs can be deployed on"),
            p("forvpc", Bool),
            p("ispersistent", Bool).doc("true for persistent ones, false for the others"),
            p("ip6gateway", Str).doc("shows only those with this IPv6 gateway"),
            p("ip6cidr", Str).doc("shows only those with this IPv6 range"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("network", &NETWORK),
    later("restartNetwork")
        .doc("Applies all rules of a network again, on a new router with `cleanup`")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Network)).required(),
            p("cleanup", Bool).doc("true to replace the router by a new one; true unless given"),
        ])
        .job("NETWORK.RESTART")
        .success(),
    later("updateNetwork")
        .doc("Changes a network; a new offering means new routers")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Network)).required(),
            p("name", Str),
            p("displaytext", Str),
            p("networkdomain", Str),
            p("changecidr", Bool).doc("true to let a new offering change the address range"),
            p("networkofferingid", Id(Kind::NetworkOffering)),
            p("guestvmcidr", Str).doc("the part of the range that VMs get; the rest is reserved"),
            p("displaynetwork", Bool),
        ])
        .job("NETWORK.UPDATE")
        .object("network", &NETWORK),
];
