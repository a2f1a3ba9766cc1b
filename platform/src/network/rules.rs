//! The common part of rules on public addresses: ports that must not collide, the
//! firewall that opens with them, and their end with the address, the machine or
//! the network.

use cloudtally_model::ApiError;

use super::guest;
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, States, Tx, World, table},
    parse::ip,
    state::{MachineState, RuleState},
    table::Kind,
};

/// The states of rules: they are active once their job has applied them.
pub(crate) const STATES: States = table!(RuleState: Add, Active; Add => Active;);

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
    pub(crate) fn of_rule(rule: &Resource) -> Self {
        let protocol = if rule.text(col::PROTOCOL) == "udp" { "udp" } else { "tcp" };
        Self { protocol, first: rule.int(col::FIRST_PORT), last: rule.int(col::LAST_PORT) }
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
fn leading(world: &World, address: ResourceId) -> impl Iterator<Item = &Resource> {
    world
        .referring(address, Kind::PortForwardingRule, col::IP_ADDRESS_ID)
        .chain(world.referring(address, Kind::LoadBalancerRule, col::PUBLIC_IP_ID))
        .chain(world.referring(address, Kind::IpForwardingRule, col::PUBLIC_ADDRESS))
}

/// Refuses ports that another rule of the address has, or its remote access VPN.
pub(crate) fn check_free(
    world: &World,
    address: ResourceId,
    ports: &Ports,
    except: Option<ResourceId>,
) -> Result<(), ApiError> {
    let of_rules = leading(world, address)
        .filter(|rule| Some(rule.id) != except)
        .map(|rule| (rule, Ports::of_rule(rule)));
    let of_vpns = world
        .referring(address, Kind::RemoteAccessVpn, col::PUBLIC_IP_ID)
        .flat_map(|vpn| VPN_PORTS.map(|ports| (vpn, ports)));
    match of_rules.chain(of_vpns).find(|(_, taken)| taken.overlap(ports)) {
        Some((rule, taken)) => Err(rule.refused_as(
            ApiError::rule_conflict,
            "ipaddressid",
            format!(
                "on {} has {} {}-{} already",
                world.resource(address).text(col::IP_ADDRESS),
                taken.protocol,
                taken.first,
                taken.last
            ),
        )),
        None => Ok(()),
    }
}

/// The uses of an address: services with what uses them.
pub(crate) fn uses(world: &World, address: ResourceId) -> Vec<(&'static str, &Resource)> {
    let of = world.resource(address);
    let nat = [(col::IS_SOURCE_NAT, "SourceNat"), (col::IS_STATIC_NAT, "StaticNat")]
        .into_iter()
        .filter(|(flag, _)| of.flag(*flag))
        .map(|(_, service)| (service, of));
    let rules = [
        (Kind::PortForwardingRule, col::IP_ADDRESS_ID, "PortForwarding"),
        (Kind::LoadBalancerRule, col::PUBLIC_IP_ID, "Lb"),
        (Kind::RemoteAccessVpn, col::PUBLIC_IP_ID, "Vpn"),
        (Kind::FirewallRule, col::IP_ADDRESS_ID, "Firewall"),
    ];
    let rules = rules.into_iter().flat_map(|(kind, column, service)| {
        world.referring(address, kind, column).map(move |rule| (service, rule))
    });
    nat.chain(rules).collect()
}

/// Tells whether an address is used for anything.
pub(crate) fn is_used(world: &World, address: ResourceId) -> bool {
    !uses(world, address).is_empty()
}

/// Refuses rules on an address that static NAT has.
pub(crate) fn check_no_static_nat(world: &World, address: ResourceId) -> Result<(), ApiError> {
    refuse_static_nat(world, address, ApiError::rule_conflict)
}

/// The same, with the error code that `raise` gives.
pub(crate) fn refuse_static_nat(
    world: &World,
    address: ResourceId,
    raise: fn(String) -> ApiError,
) -> Result<(), ApiError> {
    let address = world.resource(address);
    if address.flag(col::IS_STATIC_NAT) {
        return Err(address.refused_as(
            raise,
            "ipaddressid",
            "has static NAT, which leads everything to one virtual machine; disable it first",
        ));
    }
    Ok(())
}

/// The NIC of a machine on a network, which a rule leads to.
pub(crate) fn nic_of(
    call: &Call<'_, '_>,
    vm: ResourceId,
    network: ResourceId,
) -> Result<ResourceId, ApiError> {
    let machine = call.tx.resource(vm);
    if machine.is_any(&[MachineState::Destroyed, MachineState::Expunging, MachineState::Error]) {
        return Err(machine.refused("virtualmachineid", format!("is {}", machine.state())));
    }
    let nic = call
        .tx
        .referring(vm, Kind::Nic, col::VIRTUAL_MACHINE_ID)
        .find(|nic| nic.id_of(col::NETWORK_ID) == Some(network));
    nic.map(|nic| nic.id).ok_or_else(|| {
        machine.refused(
            "virtualmachineid",
            format!("is not on the network {}", call.tx.resource(network).text(col::NAME)),
        )
    })
}

/// Lets traffic in to the ports of a rule, unless the call leaves that to the caller.
pub(crate) fn open_firewall(
    call: &mut Call<'_, '_>,
    rule: ResourceId,
    address: ResourceId,
    ports: &Ports,
    cidrs: &str,
) -> Result<(), ApiError> {
    let network = call.tx.resource(address).id_of(col::ASSOCIATED_NETWORK_ID);
    let has_firewall =
        network.is_some_and(|id| guest::provides(call.tx, call.tx.resource(id), "Firewall"));
    if call.args.flag_if_any("openfirewall") == Some(false) || !has_firewall {
        return Ok(());
    }
    // What lets the same in already stays its maker's, and is not made twice.
    let is_same = |firewall: &Resource| {
        let own = (firewall.int(col::FIRST_PORT), firewall.int(col::LAST_PORT));
        firewall.text(col::PROTOCOL) == ports.protocol
            && own == (ports.first, ports.last)
            && firewall.text(col::CIDR_LIST) == cidrs
    };
    if call.tx.referring(address, Kind::FirewallRule, col::IP_ADDRESS_ID).any(is_same) {
        return Ok(());
    }
    let owner = call.tx.resource(rule).owner;
    let opened = call.tx.insert(Kind::FirewallRule, |firewall| {
        firewall.owner = owner;
        firewall.set_state(RuleState::Active);
        firewall
            .set_text(col::PROTOCOL, ports.protocol)
            .set_text(col::START_PORT_TEXT, &ports.first.to_string())
            .set_text(col::END_PORT_TEXT, &ports.last.to_string())
            .set_int(col::FIRST_PORT, ports.first)
            .set_int(col::LAST_PORT, ports.last)
            .set_ref(col::IP_ADDRESS_ID, address)
            .set_text(col::CIDR_LIST, cidrs)
            .set_ref(col::OPENED_FOR, rule);
    });
    call.tx.edit(opened, |firewall| {
        firewall.set_ref(col::NETWORK_ID, network);
    });
    Ok(())
}

/// Closes the firewall that was opened with a rule.
pub(crate) fn close_firewall(tx: &mut Tx<'_>, rule: ResourceId) {
    for id in tx.ids_referring(rule, Kind::FirewallRule, col::OPENED_FOR) {
        tx.remove_with_dependants(id);
    }
}

/// Takes a rule away, with the firewall that was opened for it.
pub(crate) fn remove(tx: &mut Tx<'_>, rule: ResourceId) {
    let address = address_of(tx.resource(rule));
    close_firewall(tx, rule);
    tx.remove_with_dependants(rule);
    if let Some(address) = address {
        untie(tx, address);
    }
}

/// The address that a rule stands on.
fn address_of(rule: &Resource) -> Option<ResourceId> {
    let column = match rule.kind {
        Kind::PortForwardingRule | Kind::FirewallRule => col::IP_ADDRESS_ID,
        Kind::LoadBalancerRule | Kind::RemoteAccessVpn => col::PUBLIC_IP_ID,
        Kind::IpForwardingRule => col::PUBLIC_ADDRESS,
        _ => return None,
    };
    rule.id_of(column)
}

/// Frees an address of a VPC from the tier that it served, once nothing stands on it any more.
fn untie(tx: &mut Tx<'_>, address: ResourceId) {
    if tx.resource(address).id_of(col::VPC_ID).is_some() && !is_used(tx, address) {
        tx.edit(address, |address| {
            address.set_ref(col::ASSOCIATED_NETWORK_ID, None);
        });
    }
}

/// Refuses to open the firewall of an address of a VPC, which has none.
pub(crate) fn refuse_firewall(call: &Call<'_, '_>, address: ResourceId) -> Result<(), ApiError> {
    let address = call.tx.resource(address);
    if address.id_of(col::VPC_ID).is_none() || call.args.flag_if_any("openfirewall") != Some(true) {
        return Ok(());
    }
    let why = "is of a VPC, which has no firewall; leave `openfirewall` out and use network ACLs";
    Err(address.refused("openfirewall", why))
}

/// Removes a rule that its job could not finish: nothing was billed of it.
pub(crate) fn give_up(call: &mut Call<'_, '_>) {
    let is_there =
        |id: &ResourceId| call.tx.any(*id).is_some_and(|resource| resource.removed.is_none());
    if let Some(id) = call.entity.filter(is_there) {
        remove(call.tx, id);
    }
}

/// Ends the job that applies a rule.
pub(crate) fn activate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.move_to(id, RuleState::Active);
    Ok(Done::Resource(id))
}

/// Ends the job that takes a rule away.
pub(crate) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    remove(call.tx, id);
    Ok(Done::Success)
}

/// The address of a NIC that traffic goes to: the one wanted, which must be its.
pub(crate) fn guest_ip(
    call: &Call<'_, '_>,
    nic: ResourceId,
    name: &'static str,
) -> Result<String, ApiError> {
    let first = call.tx.resource(nic).text(col::IP_ADDRESS);
    let Some(wanted) = call.args.text(name) else { return Ok(first.to_owned()) };
    let is_its = wanted == first
        || call
            .tx
            .referring(nic, Kind::NicSecondaryIp, col::NIC_ID)
            .any(|secondary| secondary.text(col::IP_ADDRESS) == wanted);
    if is_its {
        return Ok(wanted.to_owned());
    }
    Err(call.invalid(name, wanted, "the virtual machine does not have this address"))
}

/// The addresses of a NIC that rules lead to.
pub(crate) fn led_to(world: &World, nic: ResourceId) -> Vec<&str> {
    let on = world.resource(nic);
    let network = on.id_of(col::NETWORK_ID);
    let Some(vm) = on.id_of(col::VIRTUAL_MACHINE_ID) else { return Vec::new() };
    let forwarded = world
        .referring(vm, Kind::PortForwardingRule, col::VIRTUAL_MACHINE_ID)
        .filter(|rule| rule.id_of(col::NETWORK_ID) == network)
        .map(|rule| rule.text(col::VM_GUEST_IP));
    let balanced = world
        .referring(vm, Kind::LoadBalancerMember, col::VIRTUAL_MACHINE_ID)
        .filter(|member| member.id_of(col::NETWORK_ID) == network)
        .map(|_| on.text(col::IP_ADDRESS));
    let of_its_own = world
        .referring(vm, Kind::IpAddress, col::VIRTUAL_MACHINE_ID)
        .filter(|a| a.flag(col::IS_STATIC_NAT) && a.id_of(col::ASSOCIATED_NETWORK_ID) == network)
        .map(|address| address.text(col::VM_IP_ADDRESS));
    forwarded.chain(balanced).chain(of_its_own).collect()
}

/// Tells whether rules lead to a NIC.
pub(crate) fn lead_to(world: &World, nic: ResourceId) -> bool {
    !led_to(world, nic).is_empty()
}

/// Ports of IPsec and L2TP, which a VPN takes on its address.
pub(crate) const VPN_PORTS: [Ports; 3] = [udp(500), udp(1701), udp(4500)];

const fn udp(port: i64) -> Ports {
    Ports { protocol: "udp", first: port, last: port }
}

/// Takes static NAT from an address, with the ports that were opened on it.
pub(crate) fn disable_static_nat(tx: &mut Tx<'_>, address: ResourceId) {
    for id in tx.ids_referring(address, Kind::IpForwardingRule, col::PUBLIC_ADDRESS) {
        remove(tx, id);
    }
    tx.edit(address, |address| {
        address
            .set_flag(col::IS_STATIC_NAT, false)
            .set_ref(col::VIRTUAL_MACHINE_ID, None)
            .clear(col::VM_IP_ADDRESS);
    });
    untie(tx, address);
}
