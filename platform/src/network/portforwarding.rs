//! Port forwarding: ports of a public address that lead to a VM; billed while the rule stands.

use cloudtally_model::ApiError;

use super::{
    addressuse,
    rules::{self, PORT_MAX, Ports},
};
use crate::{
    col,
    desk::metering,
    engine::{Call, Done, ResourceId, refusal},
    table::{
        Command, GoesWith, Kind, KindSpec, Object, ParamType::*, Roles, Turn, WireType as W, f,
        fields::*, group, hidden, list, own, p,
    },
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
        f("virtualmachinename", W::Str).join(col::VIRTUAL_MACHINE_ID, "name"),
        f("virtualmachinedisplayname", W::Str).join(col::VIRTUAL_MACHINE_ID, "displayname"),
        f("ipaddressid", W::Id(Kind::IpAddress)),
        f("ipaddress", W::Str).join(col::IP_ADDRESS_ID, "ipaddress"),
        STATE,
        f("cidrlist", W::Str),
        TAGS,
        f("vmguestip", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createPortForwardingRule")
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
            p("openfirewall", Bool).doc(
                "false to leave the firewall closed; true unless given, but for addresses of VPCs",
            ),
            p("networkid", Id(Kind::Network)).doc(
                "the VM's network to use; needed if it has several, or for the first rule on \
                     an address of a VPC",
            ),
            p("vmguestip", Str),
        ])
        .create_job("NET.RULEADD")
        .object("portforwardingrule", &PORT_FORWARDING_RULE)
        .kind(Kind::PortForwardingRule)
        .begin(begin)
        .act(rules::activate)
        .on_failure(|call, _| rules::give_up(call)),
    own("deletePortForwardingRule")
        .doc("Removes a port forwarding rule")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::PortForwardingRule)).required()])
        .job("NET.RULEDELETE")
        .success()
        .kind(Kind::PortForwardingRule)
        .act(rules::delete),
    list("listPortForwardingRules", Kind::PortForwardingRule)
        .doc("Lists port forwarding rules")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::PortForwardingRule)), p("ipaddressid", Id(Kind::IpAddress))])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("portforwardingrule", &PORT_FORWARDING_RULE),
    own("updatePortForwardingRule")
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
        .object("portforwardingrule", &PORT_FORWARDING_RULE)
        .act(update),
];

/// Hidden: the public ports as numbers and the network the machine is reached on.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::PortForwardingRule, &PORT_FORWARDING_RULE)
    .leaves_nothing()
    .newest_first()
    .hidden(&[
        hidden("firstport", W::Int),
        hidden("lastport", W::Int),
        hidden("networkid", W::Id(Kind::Network)),
    ])
    .keyword(&[col::PROTOCOL, col::PUBLIC_PORT, col::PRIVATE_PORT, col::VM_GUEST_IP])
    .owned()
    .states(rules::STATES)
    .tagged("PortForwardingRule")
    .metered(metering::PORT_FORWARDING)
    .goes_with(&[
        GoesWith {
            other: Kind::IpAddress,
            by: col::IP_ADDRESS_ID,
            turn: Turn::PortForwarding,
            remove: rules::remove,
        },
        GoesWith {
            other: Kind::Vm,
            by: col::VIRTUAL_MACHINE_ID,
            turn: Turn::PortForwarding,
            remove: rules::remove,
        },
    ])
    .job_instance("FirewallRule");

fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    // 1. Where it leads from and to.
    let args = call.args.clone();
    let (address, vm) = (args.id_required("ipaddressid"), args.id_required("virtualmachineid"));
    rules::refuse_firewall(call, address)?;
    let is_in_vpc = call.tx.resource(address).id_of(col::VPC_ID).is_some();
    let raise = if is_in_vpc { ApiError::value } else { ApiError::rule_conflict };
    rules::refuse_static_nat(call.tx, address, raise)?;
    let network = addressuse::network_of(call, address, args.id("networkid"), "PortForwarding")?;
    let nic = rules::nic_of(call, vm, network)?;
    let ports = Ports::of(call, "publicport", "publicendport")?;
    let private = Ports::of(call, "privateport", "privateendport")?;
    if private.last - private.first != ports.last - ports.first {
        return Err(refusal::parameter(
            "privateport",
            "and `privateendport` must be as many ports as the public ones are",
        ));
    }
    let guest_ip = rules::guest_ip(call, nic, "vmguestip")?;
    let cidrs = rules::cidrs(call)?;
    // 2. Ports that no other rule has.
    rules::check_free(call.tx, address, &ports, None)?;
    let owner = call.tx.resource(address).owner;
    let id = call.tx.insert(Kind::PortForwardingRule, |rule| {
        rule.owner = owner;
        rule.set_text(col::PRIVATE_PORT, &private.first.to_string())
            .set_text(col::PRIVATE_END_PORT, &private.last.to_string())
            .set_text(col::PROTOCOL, ports.protocol)
            .set_text(col::PUBLIC_PORT, &ports.first.to_string())
            .set_text(col::PUBLIC_END_PORT, &ports.last.to_string())
            .set_int(col::FIRST_PORT, ports.first)
            .set_int(col::LAST_PORT, ports.last)
            .set_ref(col::VIRTUAL_MACHINE_ID, vm)
            .set_ref(col::IP_ADDRESS_ID, address)
            .set_ref(col::NETWORK_ID, network)
            .set_text(col::VM_GUEST_IP, &guest_ip);
        if args.has("cidrlist") {
            rule.set_text(col::CIDR_LIST, &cidrs);
        }
    });
    rules::open_firewall(call, id, address, &ports, &cidrs)?;
    Ok(Some(id))
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let args = call.args.clone();
    let address = args.id_required("ipaddressid");
    let (port, protocol) = (args.text_required("publicport"), args.text_required("protocol"));
    let id = call
        .tx
        .referring(address, Kind::PortForwardingRule, col::IP_ADDRESS_ID)
        .find(|rule| {
            rule.text(col::PUBLIC_PORT) == port
                && rule.text(col::PROTOCOL).eq_ignore_ascii_case(protocol)
        })
        .map(|rule| rule.id)
        .ok_or_else(|| call.invalid("publicport", port, "no rule of the address has this port"))?;
    let network = call.tx.resource(id).id_of(col::NETWORK_ID).expect("rules lead into a network");
    let rule = call.tx.resource(id).clone();
    // 1. To another machine at its first address, to the same one at the same.
    let old = rule.id_of(col::VIRTUAL_MACHINE_ID).expect("rules lead to a virtual machine");
    let vm = args.id("virtualmachineid").unwrap_or(old);
    let nic = rules::nic_of(call, vm, network)?;
    let guest_ip = match args.text("privateip") {
        None if vm == old => rule.text(col::VM_GUEST_IP).to_owned(),
        _ => rules::guest_ip(call, nic, "privateip")?,
    };
    // 2. To as many ports as before.
    let first = args.text_required("privateport");
    let more = rule.int(col::LAST_PORT) - rule.int(col::FIRST_PORT);
    let last =
        first.parse::<u16>().ok().filter(|port| *port > 0).map(|port| i64::from(port) + more);
    let last = last.filter(|last| *last <= PORT_MAX).ok_or_else(|| {
        let expected = format!("expected a port from 1 to {}", PORT_MAX - more);
        call.invalid("privateport", first, &expected)
    })?;
    call.tx.edit(id, |rule| {
        rule.set_text(col::PRIVATE_PORT, first)
            .set_text(col::PRIVATE_END_PORT, &last.to_string())
            .set_ref(col::VIRTUAL_MACHINE_ID, vm)
            .set_text(col::VM_GUEST_IP, &guest_ip);
    });
    call.entity = Some(id);
    Ok(Done::Resource(id))
}
