//! Public IP addresses: acquired by a tenant for a network or a VPC, billed while held.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const IP_ADDRESS: Object = Object {
    name: "IPAddress",
    fields: &[
        ID,
        f("ipaddress", W::Str),
        f("allocated", W::Date),
        ZONE_ID,
        ZONE_NAME,
        f("issourcenat", W::Bool),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("forvirtualnetwork", W::Bool),
        f("vlanid", W::Id(Kind::VlanIpRange)),
        f("vlanname", W::Str).join("vlanid", "vlan"),
        f("isstaticnat", W::Bool),
        f("issystem", W::Bool),
        f("virtualmachineid", W::Id(Kind::Vm)),
        f("vmipaddress", W::Str),
        f("virtualmachinename", W::Str).join("virtualmachineid", "name"),
        f("virtualmachinedisplayname", W::Str).join("virtualmachineid", "displayname"),
        f("associatednetworkid", W::Id(Kind::Network)),
        f("associatednetworkname", W::Str).join("associatednetworkid", "name"),
        f("networkid", W::Id(Kind::Network)),
        STATE,
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("purpose", W::Str),
        f("vpcid", W::Id(Kind::Vpc)),
        TAGS,
        f("isportable", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("associateIpAddress")
        .doc("Acquires a public IP address for a network, a VPC or, if portable, a region")
        .roles(Roles::ALL)
        .params(&[
            p("zoneid", Id(Kind::Zone)).doc("the zone to take it from"),
            p("networkid", Id(Kind::Network))
                .doc("the network to use it in; this, `vpcid` or `zoneid`"),
            p("vpcid", Id(Kind::Vpc)).doc("the VPC to use it in"),
            p("isportable", Bool)
                .doc("true for an address that can move between zones; false unless given"),
            p("regionid", Region).doc("the region to take a portable address from"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .create_job("NET.IPASSIGN") // `PORTABLE.IPASSIGN` for a portable address
        .object("ipaddress", &IP_ADDRESS),
    later("disassociateIpAddress")
        .doc("Gives up a public IP address together with its rules")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::IpAddress)).required().doc("the address")])
        .job("NET.IPRELEASE") // `PORTABLE.IPRELEASE` for a portable address
        .success(),
    later("listPublicIpAddresses")
        .doc("Lists public IP addresses")
        .roles(Roles::ALL)
        .params(&[
            p("allocatedonly", Bool).doc("false to show free ones as well; true unless given"),
            p("forvirtualnetwork", Bool)
                .doc("true for public ones, false for those directly on VMs"),
            p("id", Id(Kind::IpAddress)),
            p("ipaddress", Str).doc("shows only this address"),
            p("vlanid", Id(Kind::VlanIpRange)).doc("shows only those of this VLAN IP range"),
            p("zoneid", Id(Kind::Zone)),
            p("forloadbalancing", Bool).doc("true for those that load balancer rules can use"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("associatednetworkid", Id(Kind::Network))
                .doc("shows only those used by this network"),
            p("issourcenat", Bool).doc("true for source NAT addresses"),
            p("isstaticnat", Bool).doc("true for those with static NAT"),
            p("vpcid", Id(Kind::Vpc)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("publicipaddress", &IP_ADDRESS),
];
