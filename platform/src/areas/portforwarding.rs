//! Port forwarding: ports of a public address that lead to a VM; billed while the rule stands.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const PORT_FORWARDING_RULE: Object = Object {
    name: "FirewallRule",
    fields: &[
        ID,
        f("privateport", W::Str),
        f("privateendport", W::Str),
        f("protocol", W::Str),
        f("publicport", W::Str),
        f("publicendport", W::Str),
        f("virtualmachineid", W::Id(Kind::Vm)),
        f("virtualmachinename", W::Str).join("virtualmachineid", "name"),
        f("virtualmachinedisplayname", W::Str).join("virtualmachineid", "displayname"),
        f("ipaddressid", W::Id(Kind::IpAddress)),
        f("ipaddress", W::Str).join("ipaddressid", "ipaddress"),
        STATE,
        f("cidrlist", W::Str),
        TAGS,
        f("vmguestip", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createPortForwardingRule")
        .doc("Leads ports of a public IP address to a VM")
        .roles(Roles::ALL)
        .params(&[
            p("ipaddressid", Id(Kind::IpAddress)).required(),
            p("privateport", Int).required(),
            p("protocol", Str).required(),
            p("privateendport", Int).doc("the last port on the VM; `privateport` unless given"),
            p("publicport", Int).required(),
            p("publicendport", Int)
                .doc("the last port on the public address; `publicport` unless given"),
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("cidrlist", List),
            p("openfirewall", Bool).doc("false to leave the firewall closed; true unless given"),
            p("networkid", Id(Kind::Network))
                .doc("the VM's network to use; needed if it has several"),
            p("vmguestip", Str),
        ])
        .create_job("NET.RULEADD")
        .object("portforwardingrule", &PORT_FORWARDING_RULE),
    later("deletePortForwardingRule")
        .doc("Removes a port forwarding rule")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::PortForwardingRule)).required()])
        .job("NET.RULEDELETE")
        .success(),
    later("listPortForwardingRules")
        .doc("Lists port forwarding rules")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::PortForwardingRule)), p("ipaddressid", Id(Kind::IpAddress))])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("portforwardingrule", &PORT_FORWARDING_RULE),
    later("updatePortForwardingRule")
        .doc("Leads a port forwarding rule to another port or VM")
        .roles(Roles::ALL)
        .params(&[
            p("privateip", Str).doc("the VM's address to forward to"),
            p("privateport", Str).required().doc("the port on the VM"),
            p("protocol", Str).required(),
            p("ipaddressid", Id(Kind::IpAddress))
                .required()
                .doc("the public IP address, by which the rule is found"),
            p("publicport", Str)
                .required()
                .doc("the port on the public address, by which the rule is found"),
            p("virtualmachineid", Id(Kind::Vm)).doc("the VM to forward to from now on"),
        ])
        .job("NET.RULEMODIFY")
        .object("portforwardingrule", &PORT_FORWARDING_RULE),
];
