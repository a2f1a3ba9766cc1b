//! Static NAT: one public address for one VM, and the ports opened on it.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const IP_FORWARDING_RULE: Object = Object {
    name: "IpForwardingRule",
    fields: &[
        ID,
        f("protocol", W::Str),
        f("virtualmachineid", W::Id(Kind::Vm)),
        f("virtualmachinename", W::Str).join("virtualmachineid", "name"),
        f("virtualmachinedisplayname", W::Str).join("virtualmachineid", "displayname"),
        f("ipaddressid", W::Long),
        f("ipaddress", W::Str).join("ipaddressid", "ipaddress"),
        f("startport", W::Int),
        f("endport", W::Int),
        STATE,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createIpForwardingRule")
        .doc("Opens ports of a public IP address with static NAT")
        .roles(Roles::ALL)
        .params(&[
            p("ipaddressid", Id(Kind::IpAddress)).required(),
            p("startport", Int).required(),
            p("endport", Int),
            p("protocol", Str).required(),
            p("openfirewall", Bool).doc("false to leave the firewall closed; true unless given"),
            p("cidrlist", List),
        ])
        .create_job("NET.RULEADD")
        .object("ipforwardingrule", &IP_FORWARDING_RULE),
    later("deleteIpForwardingRule")
        .doc("Closes ports of a public IP address with static NAT")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::IpForwardingRule)).required()])
        .job("NET.RULEDELETE")
        .success(),
    later("disableStaticNat")
        .doc("Takes static NAT from a public IP address")
        .roles(Roles::ALL)
        .params(&[p("ipaddressid", Id(Kind::IpAddress)).required()])
        .job("STATICNAT.DISABLE")
        .success(),
    later("enableStaticNat")
        .doc("Gives a public IP address to one VM alone")
        .roles(Roles::ALL)
        .params(&[
            p("ipaddressid", Id(Kind::IpAddress)).required(),
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("networkid", Id(Kind::Network))
                .doc("the VM's network to use; needed if it has several"),
            p("vmguestip", Str).doc("the VM's address to use; its first one unless given"),
        ])
        .event("STATICNAT.ENABLE")
        .success(),
    later("listIpForwardingRules")
        .doc("Lists ports opened on public IP addresses with static NAT")
        .roles(Roles::ALL)
        .params(&[
            p("ipaddressid", Id(Kind::IpAddress)),
            p("id", Id(Kind::IpForwardingRule)),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only the rules of this VM"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("ipforwardingrule", &IP_FORWARDING_RULE),
];
