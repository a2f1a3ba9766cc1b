//! Firewall rules: what may come in through a public IP address.

use crate::areas::egressfirewall::FIREWALL_RULE;
use crate::table::{Command, Kind, ParamType::*, Roles, group, later, p};

pub(crate) static COMMANDS: &[Command] = &[
    later("createFirewallRule")
        .doc("Lets traffic in through a public IP address")
        .roles(Roles::ALL)
        .params(&[
            p("ipaddressid", Id(Kind::IpAddress)).required(),
            p("protocol", Str).required(),
            p("startport", Int),
            p("endport", Int).doc("the last port; `startport` unless given"),
            p("cidrlist", List),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("type", Str).doc("`user`, or `system` for rules of the system itself"),
            p("traffictype", Str).doc("taken and not used; the guide both adds and removes it"),
        ])
        .create_job("FIREWALL.OPEN")
        .object("firewallrule", &FIREWALL_RULE),
    later("deleteFirewallRule")
        .doc("Removes a firewall rule")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::FirewallRule)).required()])
        .job("FIREWALL.CLOSE")
        .success(),
    later("listFirewallRules")
        .doc("Lists firewall rules of public IP addresses")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::FirewallRule)),
            p("ipaddressid", Id(Kind::IpAddress)),
            p("traffictype", Str).doc("taken and not used; the guide both adds and removes it"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT, group::TAGGED])
        .items("firewallrule", &FIREWALL_RULE),
];
