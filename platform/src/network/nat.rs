//! Static NAT: one public address for one VM, and the ports opened on it.

use cloudtally_model::ApiError;

use super::{
    addressuse,
    rules::{self, Ports},
};
use crate::{
    col,
    desk::metering,
    engine::{Call, Done, Node, Query, Resource, ResourceId},
    table::{
        Command, GoesWith, Kind, KindSpec, Object, ParamType::*, Roles, Turn, WireType as W, f,
        fields::*, group, hidden, list, own, p,
    },
};

pub(crate) const IP_FORWARDING_RULE: Object = Object {
    name: "IpForwardingRule",
    fields: &[
        ID,
        f("protocol", W::Str),
        f("virtualmachineid", W::Id(Kind::Vm)),
        f("virtualmachinename", W::Str).join(col::VIRTUAL_MACHINE_ID, "name"),
        f("virtualmachinedisplayname", W::Str).join(col::VIRTUAL_MACHINE_ID, "displayname"),
        // A number, as the 4.2.1 server has it.
        f("ipaddressid", W::Long).by(|view| match view.resource.id_of(col::PUBLIC_ADDRESS) {
            Some(id) => Node::Int(i64::try_from(id.0).unwrap_or(i64::MAX)),
            None => Node::Null,
        }),
        f("ipaddress", W::Str).join(col::PUBLIC_ADDRESS, "ipaddress"),
        f("startport", W::Int),
        f("endport", W::Int),
        STATE,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createIpForwardingRule")
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
        .object("ipforwardingrule", &IP_FORWARDING_RULE)
        .kind(Kind::IpForwardingRule)
        .begin(begin)
        .act(rules::activate)
        .on_failure(|call, _| rules::give_up(call)),
    own("deleteIpForwardingRule")
        .doc("Closes ports of a public IP address with static NAT")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::IpForwardingRule)).required()])
        .job("NET.RULEDELETE")
        .success()
        .kind(Kind::IpForwardingRule)
        .act(rules::delete),
    own("disableStaticNat")
        .doc("Takes static NAT from a public IP address")
        .roles(Roles::ALL)
        .params(&[p("ipaddressid", Id(Kind::IpAddress)).required()])
        .job("STATICNAT.DISABLE")
        .success()
        .act(disable_named),
    own("enableStaticNat")
        .doc("Gives a public IP address to one VM alone")
        .roles(Roles::ALL)
        .params(&[
            p("ipaddressid", Id(Kind::IpAddress)).required(),
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("networkid", Id(Kind::Network)).doc(
                "the VM's network to use; needed if it has several, or for an address of a VPC",
            ),
            p("vmguestip", Str).doc("the VM's address to use; its first one unless given"),
        ])
        .event("STATICNAT.ENABLE")
        .success()
        .act(enable),
    list("listIpForwardingRules", Kind::IpForwardingRule)
        .doc("Lists ports opened on public IP addresses with static NAT")
        .roles(Roles::ALL)
        .params(&[
            p("ipaddressid", Id(Kind::IpAddress)),
            p("id", Id(Kind::IpForwardingRule)),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only the rules of this VM"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("ipforwardingrule", &IP_FORWARDING_RULE)
        .filter(is_listed, &["ipaddressid"]),
];

/// Hidden: the address it is on, and the ports as numbers.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::IpForwardingRule, &IP_FORWARDING_RULE)
    .leaves_nothing()
    .newest_first()
    .hidden(&[
        hidden("publicaddress", W::Id(Kind::IpAddress)),
        hidden("firstport", W::Int),
        hidden("lastport", W::Int),
    ])
    .keyword(&[col::PROTOCOL])
    .owned()
    .states(rules::STATES)
    .metered(metering::STATIC_NAT_PORT)
    .goes_with(&[GoesWith {
        other: Kind::IpAddress,
        by: col::PUBLIC_ADDRESS,
        turn: Turn::StaticNat,
        remove: rules::remove,
    }])
    .job_instance("FirewallRule");

fn enable(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. An address that nothing stands on.
    let args = call.args.clone();
    let (address, vm) = (args.id_required("ipaddressid"), args.id_required("virtualmachineid"));
    let of = call.tx.resource(address);
    if of.flag(col::IS_SOURCE_NAT) {
        let holder = if of.id_of(col::VPC_ID).is_some() { "VPC" } else { "network" };
        let why = format!("is the source NAT address of its {holder}");
        return Err(of.refused("ipaddressid", why));
    }
    let is_in_vpc = of.id_of(col::VPC_ID).is_some();
    let taken = if is_in_vpc { ApiError::rule_conflict } else { ApiError::in_use };
    if of.flag(col::IS_STATIC_NAT) && of.id_of(col::VIRTUAL_MACHINE_ID) != Some(vm) {
        return Err(of.refused_as(
            taken,
            "ipaddressid",
            "has static NAT to another virtual machine; disable it first",
        ));
    }
    let has_rules = call
        .tx
        .referring(address, Kind::PortForwardingRule, col::IP_ADDRESS_ID)
        .next()
        .is_some()
        || call.tx.referring(address, Kind::LoadBalancerRule, col::PUBLIC_IP_ID).next().is_some();
    if has_rules {
        return Err(call.tx.resource(address).refused_as(
            ApiError::rule_conflict,
            "ipaddressid",
            "has port forwarding or load balancer rules; remove them first",
        ));
    }
    if call.tx.referring(address, Kind::RemoteAccessVpn, col::PUBLIC_IP_ID).next().is_some() {
        return Err(call.tx.resource(address).refused_as(
            ApiError::rule_conflict,
            "ipaddressid",
            "has a remote access VPN; remove it first",
        ));
    }
    // 2. A machine on the network that has none yet.
    let network = addressuse::network_of(call, address, args.id("networkid"), "StaticNat")?;
    let nic = rules::nic_of(call, vm, network)?;
    let other = call.tx.referring(vm, Kind::IpAddress, col::VIRTUAL_MACHINE_ID).find(|other| {
        other.flag(col::IS_STATIC_NAT)
            && other.id != address
            && other.id_of(col::ASSOCIATED_NETWORK_ID) == Some(network)
    });
    if let Some(other) = other {
        return Err(call.tx.resource(vm).refused_as(
            taken,
            "virtualmachineid",
            format!("has static NAT by {} already", other.text(col::IP_ADDRESS)),
        ));
    }
    let guest_ip = rules::guest_ip(call, nic, "vmguestip")?;
    call.tx.edit(address, |address| {
        address
            .set_flag(col::IS_STATIC_NAT, true)
            .set_ref(col::VIRTUAL_MACHINE_ID, vm)
            .set_text(col::VM_IP_ADDRESS, &guest_ip);
    });
    call.entity = Some(address);
    Ok(Done::Success)
}

fn disable_named(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let address = call.args.id_required("ipaddressid");
    must_have_nat(call, address)?;
    rules::disable_static_nat(call.tx, address);
    Ok(Done::Success)
}

fn must_have_nat(call: &Call<'_, '_>, address: ResourceId) -> Result<(), ApiError> {
    let address = call.tx.resource(address);
    if address.flag(col::IS_STATIC_NAT) {
        return Ok(());
    }
    Err(address.refused("ipaddressid", "has no static NAT"))
}

fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let address = call.args.id_required("ipaddressid");
    must_have_nat(call, address)?;
    let ports = Ports::of(call, "startport", "endport")?;
    let cidrs = rules::cidrs(call)?;
    rules::check_free(call.tx, address, &ports, None)?;
    let of = call.tx.resource(address).clone();
    let id = call.tx.insert(Kind::IpForwardingRule, |rule| {
        rule.owner = of.owner;
        rule.set_text(col::PROTOCOL, ports.protocol)
            .set_ref(col::VIRTUAL_MACHINE_ID, of.id_of(col::VIRTUAL_MACHINE_ID))
            .set_ref(col::PUBLIC_ADDRESS, address)
            .set_int(col::START_PORT, ports.first)
            .set_int(col::END_PORT, ports.last)
            .set_int(col::FIRST_PORT, ports.first)
            .set_int(col::LAST_PORT, ports.last);
    });
    rules::open_firewall(call, id, address, &ports, &cidrs)?;
    Ok(Some(id))
}

fn is_listed(query: &Query<'_>, rule: &Resource) -> bool {
    let wanted = query.args.id("ipaddressid");
    wanted.is_none_or(|wanted| rule.id_of(col::PUBLIC_ADDRESS) == Some(wanted))
}
