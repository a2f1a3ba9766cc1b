//! Portable addresses: public addresses of a region that can move between its zones.
//! Guide 4.1.1.31.

use crate::table::{
    Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, fields::*, group,
    later, p,
};

/// A range of portable addresses; an address of it that somebody has is an
/// IP address with `isportable`.
pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::PortableIpRange, &PORTABLE_IP_RANGE).job_instance("PortableIpRange");

pub(crate) const PORTABLE_IP: Object = Object {
    name: "PortableIp",
    fields: &[
        f("regionid", W::Int),
        f("ipaddress", W::Str),
        ZONE_ID,
        f("networkid", W::Id(Kind::Network)),
        f("vpcid", W::Id(Kind::Vpc)),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("accountid", W::Id(Kind::Account)),
        f("domainid", W::Id(Kind::Domain)),
        f("allocated", W::Date),
        f("state", W::Str),
    ],
};

pub(crate) const PORTABLE_IP_RANGE: Object = Object {
    name: "PortableIpRange",
    fields: &[
        ID,
        f("regionid", W::Int),
        f("gateway", W::Str),
        f("netmask", W::Str),
        f("vlan", W::Str),
        f("startip", W::Str),
        f("endip", W::Str),
        f("portableipaddress", W::Objects("PortableIp")),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createPortableIpRange")
        .doc("Adds portable public addresses to a region")
        .roles(Roles::ROOT)
        .params(&[
            p("regionid", Region).required(),
            p("startip", Str).required(),
            p("endip", Str).required().doc("the last address of the range"),
            p("gateway", Str).required(),
            p("netmask", Str).required(),
            p("vlan", Str).doc("the VLAN they are on; untagged unless given"),
        ])
        .create_job("PORTABLE.IP.RANGE.CREATE")
        .object("portableiprange", &PORTABLE_IP_RANGE),
    later("deletePortableIpRange")
        .doc("Removes portable public addresses that nobody uses")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::PortableIpRange)).required()])
        .job("PORTABLE.IP.RANGE.DELETE")
        .success(),
    later("listPortableIpRanges")
        .doc("Lists ranges of portable public addresses")
        .roles(Roles::ROOT)
        .params(&[p("regionid", Region), p("id", Id(Kind::PortableIpRange))])
        .groups(&[group::PAGED])
        .items("portableiprange", &PORTABLE_IP_RANGE),
];
