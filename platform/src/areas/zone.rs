//! Zones: data centres, basic or advanced, public or of one domain. Guide 3.3.2.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
};

pub(crate) const ZONE: Object = Object {
    name: "Zone",
    fields: &[
        ID,
        f("name", W::Str),
        f("description", W::Str),
        f("dns1", W::Str),
        f("dns2", W::Str),
        f("ip6dns1", W::Str),
        f("ip6dns2", W::Str),
        f("internaldns1", W::Str),
        f("internaldns2", W::Str),
        f("vlan", W::Str),
        f("guestcidraddress", W::Str),
        f("status", W::Str),
        f("displaytext", W::Str),
        f("domain", W::Str).join("domainid", "name"),
        f("domainid", W::Id(Kind::Domain)),
        f("domainname", W::Str).join("domainid", "name"),
        f("networktype", W::Str),
        f("securitygroupsenabled", W::Bool),
        f("allocationstate", W::Str),
        f("zonetoken", W::Str),
        f("dhcpprovider", W::Str),
        f("capacity", W::Objects("Capacity")),
        f("localstorageenabled", W::Bool),
        f("affinitygroupid", W::Id(Kind::AffinityGroup)),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createZone")
        .doc("Makes a zone; disabled unless said otherwise")
        .roles(Roles::ROOT)
        .params(&[
            p("dns1", Str).required(),
            p("dns2", Str),
            p("ip6dns1", Str),
            p("ip6dns2", Str),
            p("guestcidraddress", Str),
            p("internaldns1", Str).required(),
            p("internaldns2", Str),
            p("name", Str).required(),
            p("domain", Str),
            p("domainid", Id(Kind::Domain))
                .doc("the domain that alone may use it; public unless given"),
            p("networktype", Str).required(),
            p("allocationstate", Str),
            p("securitygroupenabled", Bool).doc("whether VMs are kept apart by security groups"),
            p("localstorageenabled", Bool),
        ])
        .event("ZONE.CREATE")
        .object("zone", &ZONE),
    later("deleteZone")
        .doc("Removes a zone without pods, physical networks and networks")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Zone)).required()])
        .event("ZONE.DELETE")
        .success(),
    later("listZones")
        .doc("Lists zones")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Zone)),
            p("available", Bool).doc("true for zones where VMs can be made, false to show all"),
            p("domainid", Id(Kind::Domain)).doc("shows only zones that this domain may use"),
            p("name", Str),
            p("networktype", Str),
            p("showcapacities", Bool),
            p("securitygroupenabled", Bool)
                .doc("true for zones with security groups, false for the others"),
        ])
        .groups(&[group::PAGED])
        .items("zone", &ZONE),
    later("updateZone")
        .doc("Changes a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("dns1", Str),
            p("dns2", Str),
            p("ip6dns1", Str),
            p("ip6dns2", Str),
            p("guestcidraddress", Str),
            p("id", Id(Kind::Zone)).required(),
            p("internaldns1", Str),
            p("internaldns2", Str),
            p("name", Str),
            p("ispublic", Bool).doc("true to open a dedicated zone to everybody"),
            p("allocationstate", Str),
            p("details", Map(MapForm::Fields(&["key", "value"])))
                .doc("details: `details[0].key`, `details[0].value`"),
            p("dhcpprovider", Str).doc("who gives guests their addresses"),
            p("domain", Str),
            p("dnssearchorder", List).doc("DNS suffixes to search, separated by commas"),
            p("localstorageenabled", Bool),
        ])
        .event("ZONE.EDIT")
        .object("zone", &ZONE),
];
