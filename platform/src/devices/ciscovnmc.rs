//! Cisco VNMC controllers and the ASA 1000v firewalls they manage.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, Source, WireType as W, f, group, later, p,
};

pub(crate) const CISCO_ASA_1000V: Object = Object {
    name: "CiscoAsa1000vResource",
    fields: &[
        f("resourceid", W::Str).from(Source::Uuid),
        f("physicalnetworkid", W::Long),
        f("hostname", W::Str),
        f("insideportprofile", W::Str),
        f("networkid", W::Long),
    ],
};

pub(crate) const CISCO_VNMC: Object = Object {
    name: "CiscoVnmcResource",
    fields: &[
        f("resourceid", W::Str).from(Source::Uuid),
        f("physicalnetworkid", W::Long),
        f("provider", W::Str),
        f("resourcename", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addCiscoAsa1000vResource")
        .doc("Adds an ASA 1000v firewall to a physical network")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("hostname", Str).required(),
            p("insideportprofile", Str)
                .required()
                .doc("the Nexus port profile of its inside interface"),
            p("clusterid", Id(Kind::Cluster)).required(),
        ])
        .object("CiscoAsa1000vResource", &CISCO_ASA_1000V),
    later("addCiscoVnmcResource")
        .doc("Adds a VNMC controller to a physical network")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("hostname", Str).required(),
            p("username", Str).required(),
            p("password", Secret).required(),
        ])
        .object("CiscoVnmcResource", &CISCO_VNMC),
    later("deleteCiscoAsa1000vResource")
        .doc("Removes an ASA 1000v firewall")
        .roles(Roles::ROOT)
        .params(&[p("resourceid", Id(Kind::CiscoAsa1000v)).required().doc("the firewall")])
        .success(),
    later("deleteCiscoVnmcResource")
        .doc("Removes a VNMC controller")
        .roles(Roles::ROOT)
        .params(&[p("resourceid", Id(Kind::CiscoVnmc)).required().doc("the controller")])
        .success(),
    later("listCiscoAsa1000vResources")
        .doc("Lists ASA 1000v firewalls")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("resourceid", Id(Kind::CiscoAsa1000v)).doc("shows only this firewall"),
            p("hostname", Str),
        ])
        .groups(&[group::PAGED])
        .items("CiscoAsa1000vResource", &CISCO_ASA_1000V),
    later("listCiscoVnmcResources")
        .doc("Lists VNMC controllers")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("resourceid", Id(Kind::CiscoVnmc)).doc("shows only this controller"),
        ])
        .groups(&[group::PAGED])
        .items("CiscoVnmcResource", &CISCO_VNMC),
];
