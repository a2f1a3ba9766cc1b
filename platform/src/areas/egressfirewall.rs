//! Egress firewall rules: what may leave a guest network. Guide 4.1.1.21.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const FIREWALL_RULE: Object = Object {
    name: "Firewall",
    fields: &[
        ID,
        f("protocol", W::Str),
        f("startport", W::Str),
        f("endport", W::Str),
        f("ipaddressid", W::Id(Kind::IpAddress)),
        f("networkid", W::Id(Kind::Network)),
        f("ipaddress", W::Str).join("ipaddressid", "ipaddress"),
        STATE,
        f("cidrlist", W::Str),
        f("icmptype", W::Int),
        f("icmpcode", W::Int),
        TAGS,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createEgressFirewallRule")
        .doc("Lets traffic out of a guest network, or keeps it in by its offering's default")
        .roles(Roles::ALL)
        .params(&[
            p("networkid", Id(Kind::Network)).required(),
            p("protocol", Str).required().doc("`tcp`, `udp`, `icmp` or `all`"),
            p("startport", Int),
            p("endport", Int),
            p("cidrlist", List).doc("sources separated by commas; the whole network unless given"),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("type", Str).doc("`user`, or `system` for rules of the system itself"),
        ])
        .create_job("FIREWALL.OPEN")
        .object("firewallrule", &FIREWALL_RULE),
    later("deleteEgressFirewallRule")
        .doc("Removes an egress firewall rule")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::EgressRule)).required()])
        .job("FIREWALL.CLOSE")
        .success(),
    later("listEgressFirewallRules")
        .doc("Lists egress firewall rules")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::EgressRule)),
            p("networkid", Id(Kind::Network)),
            p("ipaddressid", Id(Kind::IpAddress))
                .doc("shows only those of the network of this address"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("firewallrule", &FIREWALL_RULE),
];
