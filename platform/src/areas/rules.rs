//! What rules on public addresses have in common: ports that must not collide, the
//! firewall that opens with them, and their end with the address, the machine or
//! the network.

use cloudtally_model::ApiError;

use super::{ip, loadbalancer, metering, nat, network, portforwarding, vpn};
use crate::{
    engine::{Call, Thing, ThingId, Tx, World, scope},
    table::{Kind, Move},
};

/// The states of rules: they are active once their job has applied them.
pub(crate) const STATES: &[&str] = &["Add", "Active"];
pub(crate) const MOVES: &[Move] = &[Move { from: "Add", to: "Active" }];

/// The last port there is.
pub(crate) const PORT_MAX: i64 = 65_535;

/// A protocol and the ports of it that a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) protocol: &'static str,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl Ports {
    /// Reads the protocol and two parameters for the ports; the last is the first
    /// unless given.
    pub(crate) fn of(
        call: &Call<'_, '_>,
        first: &'static str,
        last: &'static str,
    ) -> Result<Self, ApiError> {
        let protocol = call.args.text_if_any("protocol").unwrap_or("tcp");
        let protocol = match protocol.to_lowercase().as_str() {
            "tcp" => "tcp",
            "udp" => "udp",
            _ => return Err(call.invalid("protocol", protocol, "expected `tcp` or `udp`")),
        };
        let port = |name: &'static str| match call.args.int(name) {
            Some(port) if (1..=PORT_MAX).contains(&port) => Ok(Some(port)),
            Some(port) => {
                Err(call.invalid(name, &port.to_string(), "expected a port from 1 to 65535"))
            }
            None => Ok(None),
        };
        let start = port(first)?.unwrap_or(1);
        let end = port(last)?.unwrap_or(start);
        if end < start {
            let expected = format!("expected a port not before `{first}`");
            return Err(call.invalid(last, &end.to_string(), &expected));
        }
        Ok(Self { protocol, first: start, last: end })
    }

    /// The ports a rule is stored with.
    pub(crate) fn of_rule(rule: &Thing) -> Self {
        let protocol = if rule.text("protocol") == "udp" { "udp" } else { "tcp" };
        Self { protocol, first: rule.int("firstport"), last: rule.int("lastport") }
    }

    fn overlap(&self, other: &Self) -> bool {
        self.protocol == other.protocol && self.first <= other.last && other.first <= self.last
    }
}

/// Refuses a list of sources that are no CIDRs.
pub(crate) fn cidrs(call: &Call<'_, '_>) -> Result<String, ApiError> {
    let given = call.args.list("cidrlist");
    match given.iter().find(|cidr| ip::parse_cidr(cidr).is_none()) {
        Some(wrong) => Err(call.invalid("cidrlist", wrong, "expected CIDRs, such as 10.0.0.0/8")),
        None if given.is_empty() => Ok("0.0.0.0/0".to_owned()),
        None => Ok(given.join(",")),
    }
}

/// All rules that lead somewhere from an address.
fn leading(world: &World, address: ThingId) -> impl Iterator<Item = &Thing> {
    world
        .referring(address, Kind::PortForwardingRule, "ipaddressid")
        .chain(world.referring(address, Kind::LoadBalancerRule, "publicipid"))
        .chain(world.referring(address, Kind::IpForwardingRule, "publicaddress"))
}

/// Refuses ports that another rule of the address has, or its remote access VPN.
pub(crate) fn check_free(
    world: &World,
    address: ThingId,
    ports: &Ports,
    except: Option<ThingId>,
) -> Result<(), ApiError> {
    let of_rules = leading(world, address)
        .filter(|rule| Some(rule.id) != except)
        .map(|rule| (rule, Ports::of_rule(rule)));
    let of_vpns = world
        .referring(address, Kind::RemoteAccessVpn, "publicipid")
        .flat_map(|vpn| vpn::PORTS.map(|ports| (vpn, ports)));
    match of_rules.chain(of_vpns).find(|(_, taken)| taken.overlap(ports)) {
        Some((rule, taken)) => Err(ApiError::rule_conflict(format!(
            "the {} on {} has {} {}-{} already",
            rule.kind.noun(),
            world.thing(address).text("ipaddress"),
            taken.protocol,
            taken.first,
            taken.last
        ))
        .about(rule.uuid.to_string(), "ipaddressid")),
        None => Ok(()),
    }
}

/// Refuses rules on an address that static NAT has.
pub(crate) fn check_no_static_nat(world: &World, address: ThingId) -> Result<(), ApiError> {
    let address = world.thing(address);
    if address.flag("isstaticnat") {
        return Err(ApiError::rule_conflict(format!(
            "{} has static NAT, which leads everything to one virtual machine; disable it first",
            address.text("ipaddress")
        ))
        .about(address.uuid.to_string(), "ipaddressid"));
    }
    Ok(())
}

/// The network that an address serves, which must offer a service. An address
/// acquired for a zone begins to serve the machine's network here.
pub(crate) fn network_of(
    call: &mut Call<'_, '_>,
    address: ThingId,
    wanted: Option<ThingId>,
    service: &str,
) -> Result<ThingId, ApiError> {
    // 1. The one it serves, else the one that is named; one that is portable can change.
    let of = call.thing(address);
    super::address::must_be_acquired(of)?;
    let associated = of.id_of("associatednetworkid");
    let network = match (associated, wanted) {
        (Some(network), Some(wanted)) if network != wanted => {
            if !of.flag("isportable") || is_used(call, address) {
                return Err(ApiError::value(format!(
                    "{} is used in the network {} and not in {}",
                    of.text("ipaddress"),
                    call.thing(network).text("name"),
                    call.thing(wanted).text("name")
                )));
            }
            wanted
        }
        (Some(network), _) | (None, Some(network)) => network,
        (None, None) => {
            return Err(ApiError::value(format!(
                "{} is used in no network yet; give `networkid`",
                of.text("ipaddress")
            )));
        }
    };
    // 2. One of its owner's, where it can be used, that lets it be used for this too.
    if associated != Some(network) {
        refuse_unfit(call, of, network)?;
    }
    scope::refuse_shut(call, of.owner)?;
    network::must_provide(call.tx, network, service)?;
    refuse_unconserved(call, address, network, service)?;
    // 3. From now on it serves this one.
    match associated {
        None if !call.thing(address).flag("isportable") => call.edit(address, |address| {
            address.set_ref("associatednetworkid", network);
        }),
        _ if associated != Some(network) => super::address::transfer(call.tx, address, network),
        _ => {}
    }
    Ok(network)
}

/// Refuses to use an address in a network of somebody else, or out of its reach.
fn refuse_unfit(world: &World, address: &Thing, network: ThingId) -> Result<(), ApiError> {
    let network = world.thing(network);
    let why = if network.owner != address.owner {
        "belongs to another account"
    } else if network.text("type") != "Isolated" {
        "is shared"
    } else if network.id_of("zoneid") != address.id_of("zoneid") && !address.flag("isportable") {
        "is in another zone"
    } else {
        return Ok(());
    };
    Err(ApiError::value(format!(
        "{} cannot be used in the network {}, which {why}",
        address.text("ipaddress"),
        network.text("name")
    ))
    .about(network.uuid.to_string(), "networkid"))
}

/// What an address is used for: services with what uses them.
fn uses(world: &World, address: ThingId) -> Vec<(&'static str, &Thing)> {
    let of = world.thing(address);
    let nat = [("issourcenat", "SourceNat"), ("isstaticnat", "StaticNat")]
        .into_iter()
        .filter(|(flag, _)| of.flag(flag))
        .map(|(_, service)| (service, of));
    let rules = [
        (Kind::PortForwardingRule, "ipaddressid", "PortForwarding"),
        (Kind::LoadBalancerRule, "publicipid", "Lb"),
        (Kind::RemoteAccessVpn, "publicipid", "Vpn"),
        (Kind::FirewallRule, "ipaddressid", "Firewall"),
    ];
    let rules = rules.into_iter().flat_map(|(kind, column, service)| {
        world.referring(address, kind, column).map(move |rule| (service, rule))
    });
    nat.chain(rules).collect()
}

/// Whether an address is used for anything.
fn is_used(world: &World, address: ThingId) -> bool {
    !uses(world, address).is_empty()
}

/// Refuses a second service on one address where the network's offering is not in
/// conserve mode. What the firewall lets in goes with any.
fn refuse_unconserved(
    world: &World,
    address: ThingId,
    network: ThingId,
    service: &str,
) -> Result<(), ApiError> {
    let offering = network::offering_of(world, world.thing(network));
    if offering.flag("conservemode") || service == "Firewall" {
        return Ok(());
    }
    match uses(world, address).into_iter().find(|(use_, _)| ![service, "Firewall"].contains(use_)) {
        Some((other, by)) => Err(ApiError::rule_conflict(format!(
            "{} is used for {other} and the offering {} is not in conserve mode; use another address for {service}",
            world.thing(address).text("ipaddress"),
            offering.text("name")
        ))
        .about(by.uuid.to_string(), "ipaddressid")),
        None => Ok(()),
    }
}

/// The NIC of a machine on a network, which a rule leads to.
pub(crate) fn nic_of(
    call: &Call<'_, '_>,
    vm: ThingId,
    network: ThingId,
) -> Result<ThingId, ApiError> {
    let machine = call.thing(vm);
    if matches!(machine.state, "Destroyed" | "Expunging" | "Error") {
        return Err(ApiError::value(format!(
            "the virtual machine {} is {}",
            machine.text("name"),
            machine.state
        )));
    }
    let nic = call
        .referring(vm, Kind::Nic, "virtualmachineid")
        .find(|nic| nic.id_of("networkid") == Some(network));
    nic.map(|nic| nic.id).ok_or_else(|| {
        ApiError::value(format!(
            "the virtual machine {} is not on the network {}",
            machine.text("name"),
            call.thing(network).text("name")
        ))
        .about(machine.uuid.to_string(), "virtualmachineid")
    })
}

/// Lets traffic in to the ports of a rule, unless the call leaves that to the caller.
pub(crate) fn open_firewall(
    call: &mut Call<'_, '_>,
    rule: ThingId,
    address: ThingId,
    ports: &Ports,
    cidrs: &str,
) -> Result<(), ApiError> {
    let network = call.thing(address).id_of("associatednetworkid");
    let has_firewall =
        network.is_some_and(|id| network::provides(call.tx, call.thing(id), "Firewall"));
    if call.args.flag_if_any("openfirewall") == Some(false) || !has_firewall {
        return Ok(());
    }
    // What lets the same in already stays its maker's, and is not made twice.
    let is_same = |firewall: &Thing| {
        let own = (firewall.int("firstport"), firewall.int("lastport"));
        firewall.text("protocol") == ports.protocol
            && own == (ports.first, ports.last)
            && firewall.text("cidrlist") == cidrs
    };
    if call.referring(address, Kind::FirewallRule, "ipaddressid").any(is_same) {
        return Ok(());
    }
    let owner = call.thing(rule).owner;
    let opened = call.tx.insert(Kind::FirewallRule, |firewall| {
        firewall.owner = owner;
        firewall.state = "Active";
        firewall
            .set_text("protocol", ports.protocol)
            .set_text("startport", &ports.first.to_string())
            .set_text("endport", &ports.last.to_string())
            .set_int("firstport", ports.first)
            .set_int("lastport", ports.last)
            .set_ref("ipaddressid", address)
            .set_text("cidrlist", cidrs)
            .set_ref("openedfor", rule);
    });
    call.edit(opened, |firewall| {
        firewall.set_ref("networkid", network);
    });
    Ok(())
}

/// Closes the firewall that was opened with a rule.
pub(crate) fn close_firewall(tx: &mut Tx<'_>, rule: ThingId) {
    for id in tx.ids_referring(rule, Kind::FirewallRule, "openedfor") {
        tx.remove_with_dependants(id);
    }
}

/// Says to the bill that a rule works from now on.
pub(crate) fn apply(tx: &mut Tx<'_>, rule: ThingId, event_type: &str, network: Option<ThingId>) {
    tx.move_to(rule, "Active");
    let zone = network.and_then(|network| tx.thing(network).id_of("zoneid"));
    metering::rule(tx, event_type, rule, zone);
}

/// Takes a rule away, with the firewall that was opened for it.
pub(crate) fn remove(tx: &mut Tx<'_>, rule: ThingId, event_type: &str) {
    close_firewall(tx, rule);
    // One that never worked was never billed.
    if tx.thing(rule).state == "Active" {
        metering::rule(tx, event_type, rule, None);
    }
    tx.remove_with_dependants(rule);
}

/// What a job was to finish is not finished: it goes, and nothing was billed of it.
pub(crate) fn give_up(call: &mut Call<'_, '_>) {
    let is_there = |id: &ThingId| call.any(*id).is_some_and(|thing| thing.removed.is_none());
    if let Some(id) = call.entity.filter(is_there) {
        close_firewall(call.tx, id);
        call.tx.remove_with_dependants(id);
    }
}

/// Removes everything that stands on an address.
pub(crate) fn remove_of_address(tx: &mut Tx<'_>, address: ThingId) {
    for id in tx.ids_referring(address, Kind::PortForwardingRule, "ipaddressid") {
        portforwarding::remove(tx, id);
    }
    for id in tx.ids_referring(address, Kind::LoadBalancerRule, "publicipid") {
        loadbalancer::remove(tx, id);
    }
    if tx.thing(address).flag("isstaticnat") {
        nat::disable(tx, address);
    }
    for id in tx.ids_referring(address, Kind::FirewallRule, "ipaddressid") {
        tx.remove_with_dependants(id);
    }
    for id in tx.ids_referring(address, Kind::RemoteAccessVpn, "publicipid") {
        vpn::remove(tx, id);
    }
}

/// Removes the rules that lead to a machine.
pub(crate) fn remove_of_vm(tx: &mut Tx<'_>, vm: ThingId) {
    for id in tx.ids_referring(vm, Kind::PortForwardingRule, "virtualmachineid") {
        portforwarding::remove(tx, id);
    }
    for id in tx.ids_referring(vm, Kind::LoadBalancerMember, "virtualmachineid") {
        tx.remove_with_dependants(id);
    }
    for id in tx.ids_referring(vm, Kind::IpAddress, "virtualmachineid") {
        if tx.thing(id).flag("isstaticnat") {
            nat::disable(tx, id);
        }
    }
}

/// The address of a NIC that traffic goes to: the one wanted, which must be its.
pub(crate) fn guest_ip(
    call: &Call<'_, '_>,
    nic: ThingId,
    name: &'static str,
) -> Result<String, ApiError> {
    let first = call.thing(nic).text("ipaddress");
    let Some(wanted) = call.args.text(name) else { return Ok(first.to_owned()) };
    let is_its = wanted == first
        || call
            .referring(nic, Kind::NicSecondaryIp, "nicid")
            .any(|secondary| secondary.text("ipaddress") == wanted);
    if is_its {
        return Ok(wanted.to_owned());
    }
    Err(call.invalid(name, wanted, "the virtual machine does not have this address"))
}

/// The addresses of a NIC that rules lead to.
pub(crate) fn led_to(world: &World, nic: ThingId) -> Vec<&str> {
    let on = world.thing(nic);
    let network = on.id_of("networkid");
    let Some(vm) = on.id_of("virtualmachineid") else { return Vec::new() };
    let forwarded = world
        .referring(vm, Kind::PortForwardingRule, "virtualmachineid")
        .filter(|rule| rule.id_of("networkid") == network)
        .map(|rule| rule.text("vmguestip"));
    let balanced = world
        .referring(vm, Kind::LoadBalancerMember, "virtualmachineid")
        .filter(|member| member.id_of("networkid") == network)
        .map(|_| on.text("ipaddress"));
    let of_its_own = world
        .referring(vm, Kind::IpAddress, "virtualmachineid")
        .filter(|a| a.flag("isstaticnat") && a.id_of("associatednetworkid") == network)
        .map(|address| address.text("vmipaddress"));
    forwarded.chain(balanced).chain(of_its_own).collect()
}

/// Whether rules lead to a NIC.
pub(crate) fn lead_to(world: &World, nic: ThingId) -> bool {
    !led_to(world, nic).is_empty()
}
