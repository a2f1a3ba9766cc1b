//! Address ranges on VLANs: public ones and those of shared networks, also kept for one account.
//! Guide 4.1.1.14.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const GUEST_VLAN_RANGE: Object = Object {
    name: "GuestVlanRange",
    fields: &[
        ID,
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        f("guestvlanrange", W::Str),
        PROJECT_ID,
        PROJECT,
        f("physicalnetworkid", W::Long),
        f("zoneid", W::Long),
    ],
};

pub(crate) const VLAN_IP_RANGE: Object = Object {
    name: "VlanIpRange",
    fields: &[
        ID,
        f("forvirtualnetwork", W::Bool),
        ZONE_ID,
        f("vlan", W::Str),
        f("account", W::Str).join("accountid", "name"),
        f("domainid", W::Id(Kind::Domain)),
        f("domain", W::Str).join("domainid", "name"),
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join("podid", "name"),
        f("gateway", W::Str),
        f("netmask", W::Str),
        f("description", W::Str),
        f("startip", W::Str),
        f("endip", W::Str),
        f("networkid", W::Id(Kind::Network)),
        f("projectid", W::Id(Kind::Project)),
        f("project", W::Str).join("projectid", "name"),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("startipv6", W::Str),
        f("endipv6", W::Str),
        f("ip6gateway", W::Str),
        f("ip6cidr", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createVlanIpRange")
        .doc("Adds addresses to the public network or to a shared network")
        .roles(Roles::ROOT)
        .params(&[
            p("account", Str).doc("the account to keep the range for, with `domainid`"),
            p("projectid", Id(Kind::Project)).doc("the project to keep the range for"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
            p("endip", Str),
            p("forvirtualnetwork", Bool)
                .doc("true for public addresses, false for those of a shared network"),
            p("gateway", Str),
            p("netmask", Str),
            p("podid", Id(Kind::Pod)).doc("the pod; needed in a basic zone"),
            p("startip", Str),
            p("vlan", Str).doc("the VLAN; `untagged` unless given"),
            p("zoneid", Id(Kind::Zone)),
            p("networkid", Id(Kind::Network)).doc("the shared network the addresses are for"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("startipv6", Str),
            p("endipv6", Str),
            p("ip6gateway", Str),
            p("ip6cidr", Str),
        ])
        .event("VLAN.IP.RANGE.CREATE")
        .object("vlan", &VLAN_IP_RANGE),
    later("dedicateGuestVlanRange")
        .doc("Keeps guest VLANs of a physical network for one account")
        .roles(Roles::ROOT)
        .params(&[
            p("vlanrange", Str).required().doc("the VLANs, such as `300-310`"),
            p("account", Str).required().doc("the account to keep them for"),
            p("projectid", Id(Kind::Project)).doc("the project to keep them for"),
            p("domainid", Id(Kind::Domain)).required().doc("the domain of the account"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
        ])
        .event("GUESTVLANRANGE.DEDICATE")
        .object("dedicatedguestvlanrange", &GUEST_VLAN_RANGE),
    later("dedicatePublicIpRange")
        .doc("Keeps a range of public addresses for one account")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::VlanIpRange)).required().doc("the range"),
            p("account", Str).required().doc("the account to keep it for"),
            p("projectid", Id(Kind::Project)).doc("the project to keep it for"),
            p("domainid", Id(Kind::Domain)).required().doc("the domain of the account"),
        ])
        .event("VLAN.IP.RANGE.DEDICATE")
        .object("vlan", &VLAN_IP_RANGE),
    later("deleteVlanIpRange")
        .doc("Removes a range of addresses that nobody uses")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::VlanIpRange)).required()])
        .event("VLAN.IP.RANGE.DELETE")
        .success(),
    later("listDedicatedGuestVlanRanges")
        .doc("Lists guest VLANs kept for accounts")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::GuestVlanRange)),
            p("account", Str).doc("shows only those kept for this account"),
            p("projectid", Id(Kind::Project)).doc("shows only those kept for this project"),
            p("domainid", Id(Kind::Domain)),
            p("guestvlanrange", Str).doc("shows only this range"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("zoneid", Id(Kind::Zone)),
        ])
        .groups(&[group::PAGED])
        .items("dedicatedguestvlanrange", &GUEST_VLAN_RANGE),
    later("listVlanIpRanges")
        .doc("Lists address ranges of public and shared networks")
        .roles(Roles::ROOT)
        .params(&[
            p("account", Str).doc("shows only those kept for this account"),
            p("projectid", Id(Kind::Project)).doc("shows only those kept for this project"),
            p("domainid", Id(Kind::Domain)),
            p("id", Id(Kind::VlanIpRange)),
            p("podid", Id(Kind::Pod)),
            p("vlan", Str),
            p("zoneid", Id(Kind::Zone)),
            p("networkid", Id(Kind::Network)),
            p("forvirtualnetwork", Bool),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
        ])
        .groups(&[group::PAGED])
        .items("vlaniprange", &VLAN_IP_RANGE),
    later("releaseDedicatedGuestVlanRange")
        .doc("Opens dedicated guest VLANs to everybody")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::GuestVlanRange)).required()])
        .job("GUESTVLANRANGE.RELEASE")
        .success(),
    later("releasePublicIpRange")
        .doc("Opens a dedicated range of public addresses to everybody")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::VlanIpRange)).required()])
        .event("VLAN.IP.RANGE.RELEASE")
        .success(),
];
