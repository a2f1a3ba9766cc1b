//! Juniper SRX firewalls, and the older commands for external ones. Guide 4.2.7.6.

use crate::{
    network::guest::NETWORK,
    table::{
        Command, Kind, Object, ParamType::*, Roles, Source, WireType as W, f, fields::*, group,
        later, p,
    },
};

pub(crate) const EXTERNAL_FIREWALL: Object = Object {
    name: "ExternalFirewall",
    fields: &[
        ID,
        ZONE_ID,
        f("ipaddress", W::Str),
        f("username", W::Str),
        f("publicinterface", W::Str),
        f("usageinterface", W::Str),
        f("privateinterface", W::Str),
        f("publiczone", W::Str),
        f("privatezone", W::Str),
        f("numretries", W::Str),
        f("timeout", W::Str),
    ],
};

pub(crate) const SRX_FIREWALL: Object = Object {
    name: "SrxFirewall",
    fields: &[
        f("fwdeviceid", W::Str).from(Source::Uuid),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("provider", W::Str),
        f("fwdevicename", W::Str),
        f("fwdevicestate", W::Str).from(Source::State),
        f("fwdevicecapacity", W::Long),
        ZONE_ID,
        f("ipaddress", W::Str),
        f("username", W::Str),
        f("publicinterface", W::Str),
        f("usageinterface", W::Str),
        f("privateinterface", W::Str),
        f("publiczone", W::Str),
        f("privatezone", W::Str),
        f("numretries", W::Str),
        f("timeout", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addExternalFirewall")
        .doc("Adds an SRX firewall to a zone; addSrxFirewall is the newer way")
        .roles(Roles::ROOT)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("url", Str).required(),
            p("username", Str).required(),
            p("password", Secret).required(),
        ])
        .object("externalfirewall", &EXTERNAL_FIREWALL),
    later("addSrxFirewall")
        .doc("Adds an SRX firewall to a physical network")
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
        .job("PHYSICAL.FIREWALL.ADD")
        .object("srxfirewall", &SRX_FIREWALL),
    later("configureSrxFirewall")
        .doc("Sets how many networks an SRX firewall serves")
        .roles(Roles::ROOT)
        .params(&[
            p("fwdeviceid", Id(Kind::SrxFirewall)).required(),
            p("fwdevicecapacity", Long).doc("how many networks it may serve"),
        ])
        .job("PHYSICAL.FIREWALL.CONFIGURE")
        .object("srxfirewall", &SRX_FIREWALL),
    later("deleteExternalFirewall")
        .doc("Removes an external firewall")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::ExternalFirewall)).required()])
        .success(),
    later("deleteSrxFirewall")
        .doc("Removes an SRX firewall that no network uses")
        .roles(Roles::ROOT)
        .params(&[p("fwdeviceid", Id(Kind::SrxFirewall)).required()])
        .job("PHYSICAL.FIREWALL.DELETE")
        .success(),
    later("listExternalFirewalls")
        .doc("Lists external firewalls")
        .roles(Roles::ROOT)
        .params(&[p("zoneid", Id(Kind::Zone)).required()])
        .groups(&[group::PAGED])
        .items("externalfirewall", &EXTERNAL_FIREWALL),
    later("listSrxFirewallNetworks")
        .doc("Lists the networks that use an SRX firewall")
        .roles(Roles::ROOT)
        .params(&[p("lbdeviceid", Id(Kind::SrxFirewall))
            .required()
            .doc("the firewall, for all its parameter's name")])
        .groups(&[group::PAGED])
        .items("network", &NETWORK),
    later("listSrxFirewalls")
        .doc("Lists SRX firewalls")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("fwdeviceid", Id(Kind::SrxFirewall)),
        ])
        .groups(&[group::PAGED])
        .items("srxfirewall", &SRX_FIREWALL),
];
