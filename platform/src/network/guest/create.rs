//! New guest networks: isolated ones of an account, shared ones of a zone, and those that
//! a deployment makes.

use cloudtally_model::ApiError;

use super::{life, provides};
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, Tx, World, limit, own_users, refusal},
    network::vlan,
    offering::networkoffering,
    parse::{
        given::{self, Subnet},
        ip,
        iprange::IpRange,
        vlanset::vlan_number,
    },
    site::physicalnetwork,
    state::{NetworkState, SwitchState},
    table::{Kind, Limit},
};

/// The addresses of isolated networks unless the zone says otherwise.
const GUEST_CIDR: &str = "10.1.1.0/24";

/// The physical networks of a zone that carry guest traffic.
fn guest_physical_networks(world: &World, zone: ResourceId) -> impl Iterator<Item = &Resource> {
    world.referring(zone, Kind::PhysicalNetwork, col::ZONE_ID).filter(|physical| {
        physical.is(SwitchState::Enabled)
            && world
                .referring(physical.id, Kind::TrafficType, col::PHYSICAL_NETWORK_ID)
                .any(|traffic| traffic.text(col::TRAFFIC_TYPE) == "Guest")
    })
}

pub(super) fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. What kind of network the offering is for.
    let (zone, offering) =
        (call.args.id_required("zoneid"), call.args.id_required("networkofferingid"));
    let is_shared =
        call.tx.resource(offering).text(col::GUEST_IP_TYPE).eq_ignore_ascii_case("Shared");
    if !call.tx.resource(offering).is(SwitchState::Enabled) {
        return Err(call.tx.resource(offering).refused("networkofferingid", "is not enabled"));
    }
    if call.tx.resource(zone).text(col::ALLOCATION_STATE) != "Enabled" && !call.caller.is_root() {
        return Err(call.tx.resource(zone).refused_as(
            ApiError::permission,
            "zoneid",
            "is not enabled",
        ));
    }
    if call.args.has("vpcid")
        || call.args.has("aclid")
        || call.tx.resource(offering).flag(col::FOR_VPC)
    {
        return Err(ApiError::value("tiers of VPCs are not supported yet"));
    }
    let id = if is_shared {
        create_shared(call, zone, offering)?
    } else {
        create_isolated(call, zone, offering)?
    };
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

fn create_isolated(
    call: &mut Call<'_, '_>,
    zone: ResourceId,
    offering: ResourceId,
) -> Result<ResourceId, ApiError> {
    if call.tx.resource(zone).text(col::NETWORK_TYPE).eq_ignore_ascii_case("Basic") {
        return Err(call
            .tx
            .resource(zone)
            .refused("zoneid", "is Basic; it has one shared network and no isolated ones"));
    }
    let owner = call.owner()?;
    if call.args.has("vlan") && !call.tx.resource(offering).flag(col::SPECIFY_VLAN) {
        return Err(call
            .tx
            .resource(offering)
            .refused("networkofferingid", "does not let the VLAN be named; leave `vlan` out"));
    }
    let args = call.args.clone();
    for name in ["isolatedpvlan", "startipv6", "endipv6", "ip6gateway", "ip6cidr"] {
        if let Some(given) = args.text(name) {
            return Err(call.invalid(name, given, "only shared networks can have that"));
        }
    }
    if let Some(acl) = args.text("acltype").filter(|acl| !acl.eq_ignore_ascii_case("Account")) {
        return Err(call.invalid("acltype", acl, "isolated networks are for one `Account`"));
    }
    if args.has("subdomainaccess") {
        return Err(refusal::parameter("subdomainaccess", "goes with `acltype` `Domain`"));
    }
    let range = named_range(call)?;
    let physical = physical_network(call, zone, offering)?;
    refuse_unprovided(call, physical, offering)?;
    let vlan = named_vlan(call, physical, "Isolated")?;
    let (name, text) = (args.text_required("name"), args.text_required("displaytext"));
    let id = isolated(call.tx, owner, zone, offering, name, text)?;
    call.tx.edit(id, |network| {
        network.set_ref(col::PHYSICAL_NETWORK_ID, physical);
        if let Some(vlan) = &vlan {
            network.set_text(col::VLAN, vlan);
        }
        if let Some(domain) = args.text_if_any("networkdomain") {
            network.set_text(col::NETWORK_DOMAIN, domain);
        }
        if let Some(is_shown) = args.flag_if_any("displaynetwork") {
            network.set_flag(col::DISPLAY_NETWORK, is_shown);
        }
    });
    if let Some((gateway, netmask, cidr)) = range {
        call.tx.edit(id, |network| {
            network
                .set_text(col::GATEWAY, &gateway)
                .set_text(col::NETMASK, &netmask)
                .set_text(col::CIDR, &cidr);
        });
    }
    give_from(call, id)?;
    if call.tx.resource(offering).flag(col::IS_PERSISTENT) {
        life::implement(call.tx, id)?;
    }
    Ok(id)
}

/// The gateway, netmask and CIDR that are given for an isolated network: both or
/// neither, with room for machines beside the gateway.
fn named_range(call: &Call<'_, '_>) -> Result<Option<(String, String, String)>, ApiError> {
    let (gateway, netmask) = match (call.args.text("gateway"), call.args.text("netmask")) {
        (None, None) => return Ok(None),
        (Some(gateway), Some(netmask)) => (gateway, netmask),
        _ => return Err(refusal::together(&["gateway", "netmask"])),
    };
    let at = given::address(call, "gateway")?;
    let subnet = Subnet::of(gateway, netmask).filter(|subnet| subnet.usable().len() > 1);
    let subnet = subnet.ok_or_else(|| {
        let expected = "expected a netmask with room for machines, such as `255.255.255.0`";
        call.invalid("netmask", netmask, expected)
    })?;
    if !at.is_some_and(|at| subnet.usable().contains(&at)) {
        let expected = format!("expected an address that machines of {netmask} can have");
        return Err(call.invalid("gateway", gateway, &expected));
    }
    let cidr = ip::cidr(gateway.trim(), netmask.trim()).expect("a subnet was made of them");
    Ok(Some((gateway.trim().to_owned(), netmask.trim().to_owned(), cidr)))
}

/// Keeps the addresses that an isolated network gives to machines, where they are named.
fn give_from(call: &mut Call<'_, '_>, id: ResourceId) -> Result<(), ApiError> {
    let args = call.args.clone();
    let (start, end) = (args.text("startip"), args.text("endip"));
    let Some(start) = start else {
        return match end {
            Some(end) => Err(call.invalid("endip", end, "give `startip` with it")),
            None => Ok(()),
        };
    };
    let network = call.tx.resource(id);
    let (gateway, netmask) = (network.text(col::GATEWAY), network.text(col::NETMASK));
    let range = IpRange::checked(call, gateway, netmask, start, end)?;
    call.tx.edit(id, |network| {
        network
            .set_text(col::START_IP, &ip::format(range.first))
            .set_text(col::END_IP, &ip::format(range.last));
    });
    Ok(())
}

/// The DNS suffix of a new network of an account: its own, that of its domain or of one
/// above, of the zone, or the one of the cloud.
fn suffix(world: &World, owner: ResourceId, zone: ResourceId) -> String {
    let account = world.resource(owner).text(col::NETWORK_DOMAIN);
    let of_domains = world
        .lineage(world.domain_of(owner))
        .map(|id| world.resource(id).text(col::NETWORK_DOMAIN));
    let of_zone = world.resource(zone).text(col::DNS_DOMAIN);
    std::iter::once(account)
        .chain(of_domains)
        .chain([of_zone])
        .find(|suffix| !suffix.is_empty())
        .unwrap_or_else(|| world.scoped_setting(zone, "guest.domain.suffix"))
        .to_owned()
}

/// Tells whether a physical network has all tags of an offering.
fn has_tags(world: &World, physical: ResourceId, offering: ResourceId) -> bool {
    let (have, wanted) =
        (world.resource(physical).text(col::TAGS), world.resource(offering).text(col::TAGS));
    given::has_all_tags(have, wanted)
}

/// The physical network for a new guest network: the one named, which must carry
/// guests of the zone, or the first that does and has the tags of the offering.
fn physical_network(
    call: &Call<'_, '_>,
    zone: ResourceId,
    offering: ResourceId,
) -> Result<ResourceId, ApiError> {
    let carriers = physicalnetwork::carrying(call.tx, zone, "Guest");
    let tags = call.tx.resource(offering).text(col::TAGS);
    match call.args.id("physicalnetworkid") {
        Some(named)
            if carriers.contains(&named) && !call.tx.resource(named).is(SwitchState::Enabled) =>
        {
            Err(call.tx.resource(named).refused("physicalnetworkid", "is not enabled"))
        }
        Some(named) if carriers.contains(&named) && has_tags(call.tx, named, offering) => Ok(named),
        Some(named) if carriers.contains(&named) => Err(call.tx.resource(named).refused(
            "physicalnetworkid",
            format!("does not have the tags {tags} of the network offering"),
        )),
        Some(named) => Err(call.tx.resource(named).refused(
            "physicalnetworkid",
            format!(
                "carries no guest traffic of the zone {}",
                call.tx.resource(zone).text(col::NAME)
            ),
        )),
        None => carrier(call.tx, zone, offering),
    }
}

/// Refuses an offering with a provider that the physical network does not have, so that the
/// network could never be set up.
fn refuse_unprovided(
    call: &Call<'_, '_>,
    physical: ResourceId,
    offering: ResourceId,
) -> Result<(), ApiError> {
    let offering = call.tx.resource(offering);
    let has = |name: &str| {
        call.tx
            .referring(physical, Kind::Provider, col::PHYSICAL_NETWORK_ID)
            .any(|provider| provider.text(col::NAME) == name)
    };
    match offering.map(col::PROVIDERS).iter().map(|(_, by)| by.as_str()).find(|by| !has(by)) {
        Some(provider) => Err(offering.refused("networkofferingid", format!("needs the provider {provider}, which the physical network {} does not have; add it with addNetworkServiceProvider", call.tx.resource(physical).text(col::NAME)))),
        None => Ok(()),
    }
}

/// The first enabled physical network that carries guests of a zone and has the tags of
/// an offering.
fn carrier(world: &World, zone: ResourceId, offering: ResourceId) -> Result<ResourceId, ApiError> {
    let found = guest_physical_networks(world, zone)
        .map(|physical| physical.id)
        .find(|id| has_tags(world, *id, offering));
    found.ok_or_else(|| {
        let tags = world.resource(offering).text(col::TAGS);
        let with = if tags.is_empty() { String::new() } else { format!(" with the tags {tags}") };
        world
            .resource(zone)
            .refused("zoneid", format!("has no enabled physical network for guests{with}"))
    })
}

/// The VLAN named for a new network, as it is kept: none of those that the system
/// gives to networks itself. Isolated networks share theirs with no other.
fn named_vlan(
    call: &Call<'_, '_>,
    physical: ResourceId,
    network_type: &str,
) -> Result<Option<String>, ApiError> {
    let Some(given) = call.args.text("vlan").map(str::trim) else { return Ok(None) };
    let text = given.strip_prefix("vlan://").unwrap_or(given);
    let is_shared = network_type == "Shared";
    if is_shared && text.eq_ignore_ascii_case("untagged") {
        return Ok(Some("untagged".to_owned()));
    }
    let number = vlan_number(text)
        .ok_or_else(|| call.invalid("vlan", given, "expected a number from 0 to 4095"))?;
    if physicalnetwork::vlan_set(call.tx.resource(physical)).contains(number) {
        return Err(call.tx.resource(physical).refused("vlan", format!("has VLAN {number} for networks without a `vlan` of their own; choose another `vlan`")));
    }
    let vlan = number.to_string();
    let mut others = call.tx.referring(physical, Kind::Network, col::PHYSICAL_NETWORK_ID);
    match others.find(|other| {
        other.text(col::VLAN) == vlan && !(is_shared && other.text(col::TYPE) == "Shared")
    }) {
        Some(other) => {
            Err(other.refused("vlan", format!("is on VLAN {vlan} already; choose another `vlan`")))
        }
        None => Ok(Some(vlan)),
    }
}

/// The isolated private VLAN named for a shared network, as it is kept: one beside the
/// VLAN it is part of.
fn private_vlan(call: &Call<'_, '_>, vlan: &str) -> Result<Option<String>, ApiError> {
    let Some(given) = call.args.text("isolatedpvlan") else { return Ok(None) };
    let expected = "expected a number from 0 to 4095 beside a numbered `vlan`";
    let number = vlan_number(given.trim()).map(|number| number.to_string());
    match number {
        Some(number) if number != vlan && vlan_number(vlan).is_some() => Ok(Some(number)),
        _ => Err(call.invalid("isolatedpvlan", given, expected)),
    }
}

/// Makes an isolated network of an account.
fn isolated(
    tx: &mut Tx<'_>,
    owner: ResourceId,
    zone: ResourceId,
    offering: ResourceId,
    name: &str,
    displaytext: &str,
) -> Result<ResourceId, ApiError> {
    limit::check(tx, owner, Limit::Network, 1)?;
    let physical = carrier(tx, zone, offering)?;
    let cidr = match tx.resource(zone).text(col::GUEST_CIDR_ADDRESS) {
        "" => GUEST_CIDR.to_owned(),
        cidr => cidr.to_owned(),
    };
    let (gateway, netmask) = ip::gateway_and_netmask(&cidr).ok_or_else(|| {
        tx.resource(zone).refused("zoneid", format!("has the guest CIDR {cidr}, which is none"))
    })?;
    let (dns1, dns2) = {
        let zone = tx.resource(zone);
        (zone.text(col::DNS1).to_owned(), zone.text(col::DNS2).to_owned())
    };
    let suffix = suffix(tx, owner, zone);
    let id = tx.insert(Kind::Network, |network| {
        network.owner = Some(owner);
        network
            .set_text(col::NAME, name)
            .set_text(col::DISPLAY_TEXT, displaytext)
            .set_text(col::BROADCAST_DOMAIN_TYPE, "Vlan")
            .set_text(col::TRAFFIC_TYPE, "Guest")
            .set_text(col::GATEWAY, &gateway)
            .set_text(col::NETMASK, &netmask)
            .set_text(col::CIDR, &cidr)
            .set_ref(col::ZONE_ID, zone)
            .set_ref(col::NETWORK_OFFERING_ID, offering)
            .set_flag(col::IS_SYSTEM, false)
            .set_text(col::DNS1, &dns1)
            .set_text(col::TYPE, "Isolated")
            .set_text(col::ACL_TYPE, "Account")
            .set_flag(col::IS_DEFAULT, false)
            .set_text(col::NETWORK_DOMAIN, &suffix)
            .set_ref(col::PHYSICAL_NETWORK_ID, physical)
            .set_flag(col::RESTART_REQUIRED, false)
            .set_flag(col::SPECIFY_IP_RANGES, false)
            .set_flag(col::CAN_USE_FOR_DEPLOY, true);
        if !dns2.is_empty() {
            network.set_text(col::DNS2, &dns2);
        }
    });
    let is_persistent = tx.resource(offering).flag(col::IS_PERSISTENT);
    tx.edit(id, |network| {
        network.set_flag(col::IS_PERSISTENT, is_persistent);
        let uuid = network.uuid.to_string();
        network.set_text(col::RELATED, &uuid);
    });
    Ok(id)
}

fn create_shared(
    call: &mut Call<'_, '_>,
    zone: ResourceId,
    offering: ResourceId,
) -> Result<ResourceId, ApiError> {
    // 1. Only root admins make them, and they say everything about them.
    if !call.caller.is_root() {
        return Err(refusal::reserved("making shared networks", "root admins"));
    }
    let args = call.args.clone();
    let text = |name: &str| {
        args.text(name).ok_or_else(|| refusal::parameter(name, "is needed for a shared network"))
    };
    let (dns1, is_basic) = {
        let zone = call.tx.resource(zone);
        (
            zone.text(col::DNS1).to_owned(),
            zone.text(col::NETWORK_TYPE).eq_ignore_ascii_case("Basic"),
        )
    };
    let physical = physical_network(call, zone, offering)?;
    refuse_unprovided(call, physical, offering)?;
    let vlan = named_vlan(call, physical, "Shared")?.unwrap_or_else(|| "untagged".to_owned());
    let pvlan = private_vlan(call, &vlan)?;
    // The pods of a basic zone bring their own addresses, by createVlanIpRange.
    let range = if is_basic && !args.has("startip") {
        None
    } else {
        let (gateway, netmask, start) = (text("gateway")?, text("netmask")?, text("startip")?);
        let range = IpRange::checked(call, gateway, netmask, start, args.text("endip"))?;
        let others = call.tx.referring(zone, Kind::VlanIpRange, col::ZONE_ID);
        range.check_apart(others.filter(|other| other.text(col::VLAN) == vlan))?;
        Some(range)
    };
    let range_v6 = vlan::ipv6_range(call)?;
    let cidr = range.as_ref().and_then(|range| ip::cidr(&range.gateway, &range.netmask));
    let suffix = match args.text("networkdomain") {
        Some(suffix) => suffix,
        None => call.tx.resource(zone).text(col::DNS_DOMAIN),
    };
    let suffix = suffix.to_owned();
    let acl = args.text("acltype").unwrap_or("Domain").to_owned();
    let acl = match acl.to_lowercase().as_str() {
        "domain" => "Domain",
        "account" => "Account",
        _ => return Err(call.invalid("acltype", &acl, "expected `Domain` or `Account`")),
    };
    // 2. Those for domains belong to the account that is named, else to the system; those
    //    for an account to it.
    let (holder, domain) = match acl {
        "Domain" if args.has("account") || args.has("projectid") => {
            (Some(call.owner()?), args.id("domainid"))
        }
        "Account" if args.has("subdomainaccess") => {
            return Err(refusal::parameter("subdomainaccess", "goes with `acltype` `Domain`"));
        }
        "Domain" => (call.tx.resource(own_users::system_user(call.tx)).owner, args.id("domainid")),
        _ => (Some(call.owner()?), None),
    };
    let id = call.tx.insert(Kind::Network, |network| {
        network.owner = holder;
        network
            .set_text(col::NAME, args.text_required("name"))
            .set_text(col::DISPLAY_TEXT, args.text_required("displaytext"))
            .set_text(col::BROADCAST_DOMAIN_TYPE, if is_basic { "Native" } else { "Vlan" })
            .set_text(col::TRAFFIC_TYPE, "Guest")
            .set_ref(col::ZONE_ID, zone)
            .set_ref(col::NETWORK_OFFERING_ID, offering)
            .set_flag(col::IS_SYSTEM, false)
            .set_text(col::DNS1, &dns1)
            .set_text(col::TYPE, "Shared")
            .set_text(col::VLAN, &vlan)
            .set_text(col::BROADCAST_URI, &format!("vlan://{vlan}"))
            .set_text(col::ACL_TYPE, acl)
            .set_flag(col::SUBDOMAIN_ACCESS, args.flag("subdomainaccess").unwrap_or(true))
            .set_flag(col::IS_DEFAULT, false)
            .set_ref(col::PHYSICAL_NETWORK_ID, physical)
            .set_flag(col::RESTART_REQUIRED, false)
            .set_flag(col::SPECIFY_IP_RANGES, true)
            .set_flag(col::CAN_USE_FOR_DEPLOY, true)
            .set_flag(col::IS_PERSISTENT, false)
            .set_ref(col::SHARED_DOMAIN, domain);
        let uuid = network.uuid.to_string();
        network.set_text(col::RELATED, &uuid);
        if !suffix.is_empty() {
            network.set_text(col::NETWORK_DOMAIN, &suffix);
        }
        if let Some(pvlan) = &pvlan {
            network.set_text(col::ISOLATED_PVLAN, pvlan);
        }
        if let Some(flag) = args.flag("displaynetwork") {
            network.set_flag(col::DISPLAY_NETWORK, flag);
        }
        if let (Some(range), Some(cidr)) = (&range, &cidr) {
            network
                .set_text(col::GATEWAY, &range.gateway)
                .set_text(col::NETMASK, &range.netmask)
                .set_text(col::CIDR, cidr);
        }
        for (column, text) in range_v6.iter().flatten() {
            if ["ip6gateway", "ip6cidr"].contains(&column.name()) {
                network.set_text(*column, text);
            }
        }
    });
    call.tx.move_to(id, NetworkState::Setup);
    if let Some(range) = range {
        call.tx.insert(Kind::VlanIpRange, |row| {
            row.set_flag(col::FOR_VIRTUAL_NETWORK, false)
                .set_ref(col::ZONE_ID, zone)
                .set_text(col::VLAN, &vlan)
                .set_ref(col::NETWORK_ID, id)
                .set_ref(col::PHYSICAL_NETWORK_ID, physical);
            range.store(row);
            for (column, text) in range_v6.into_iter().flatten() {
                row.set_text(column, &text);
            }
        });
    }
    Ok(id)
}

/// The networks a virtual machine is deployed on: those named, else the one an
/// account has, else a new one of the offering that is there for that.
pub(crate) fn for_deployment(
    call: &mut Call<'_, '_>,
    owner: ResourceId,
    zone: ResourceId,
    named: &[ResourceId],
) -> Result<Vec<ResourceId>, ApiError> {
    let is_basic = call.tx.resource(zone).text(col::NETWORK_TYPE).eq_ignore_ascii_case("Basic");
    if is_basic && named.is_empty() {
        let shared = call
            .tx
            .referring(zone, Kind::Network, col::ZONE_ID)
            .find(|network| network.text(col::TYPE) == "Shared");
        return shared.map(|network| vec![network.id]).ok_or_else(|| {
            call.tx.resource(zone).refused("zoneid", "is Basic and has no guest network yet")
        });
    }
    if named.is_empty() && call.tx.resource(zone).flag(col::SECURITY_GROUPS_ENABLED) {
        return shared_with_groups(call.tx, owner, zone).map(|network| vec![network]);
    }
    for (at, id) in named.iter().enumerate() {
        let network = call.tx.resource(*id);
        if named[..at].contains(id) {
            return Err(network
                .refused("networkids", "is named twice; a virtual machine has one NIC on each"));
        }
        if network.id_of(col::ZONE_ID) != Some(zone) {
            return Err(network.refused("networkids", "is in another zone"));
        }
        let is_own = network.owner == Some(owner);
        if !is_own && !super::is_shared_with(call.tx, network, call.tx.domain_of(owner)) {
            return Err(network.refused_as(
                ApiError::permission,
                "networkids",
                "is not for this account",
            ));
        }
    }
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let own: Vec<ResourceId> = call
        .tx
        .owned_by(owner, Kind::Network)
        .filter(|network| {
            network.id_of(col::ZONE_ID) == Some(zone)
                && network.text(col::TYPE) == "Isolated"
                && provides(call.tx, network, "SourceNat")
        })
        .map(|network| network.id)
        .collect();
    match own.as_slice() {
        [one] => Ok(vec![*one]),
        [] => {
            let offering = call
                .tx
                .all(Kind::NetworkOffering)
                .find(|offering| {
                    offering.is(SwitchState::Enabled)
                        && offering.text(col::AVAILABILITY) == "Required"
                        && offering.text(col::GUEST_IP_TYPE) == "Isolated"
                        && networkoffering::provides(offering, "SourceNat")
                })
                .map(|offering| offering.id)
                .ok_or_else(|| {
                    refusal::parameter(
                        "networkids",
                        "is needed: there is no offering to make a network from",
                    )
                })?;
            let account = call.tx.resource(owner).text(col::NAME).to_owned();
            let name = format!("{account}-network");
            Ok(vec![isolated(call.tx, owner, zone, offering, &name, &name)?])
        }
        several => Err(refusal::parameter(
            "networkids",
            format!("is needed: the account has {} networks in this zone", several.len()),
        )),
    }
}

/// The first shared network of an advanced zone that has security groups and is open to an
/// account: what machines are on that name none.
fn shared_with_groups(
    world: &World,
    owner: ResourceId,
    zone: ResourceId,
) -> Result<ResourceId, ApiError> {
    let is_open = |network: &&Resource| {
        network.owner == Some(owner)
            || super::is_shared_with(world, network, world.domain_of(owner))
    };
    let found = world
        .referring(zone, Kind::Network, col::ZONE_ID)
        .filter(|network| network.text(col::TYPE) == "Shared")
        .filter(|network| provides(world, network, "SecurityGroup"))
        .find(is_open);
    found.map(|network| network.id).ok_or_else(|| {
        world.resource(zone).refused("zoneid", "has no shared network with security groups for this account; make one with createNetwork")
    })
}

/// The only isolated network of an account in a zone: the one meant where none is named.
pub(crate) fn only_isolated(
    world: &World,
    owner: ResourceId,
    zone: ResourceId,
) -> Result<ResourceId, ApiError> {
    let own: Vec<&Resource> = world
        .owned_by(owner, Kind::Network)
        .filter(|network| network.id_of(col::ZONE_ID) == Some(zone))
        .filter(|network| network.text(col::TYPE) == "Isolated" && !network.flag(col::IS_SYSTEM))
        .collect();
    let zone = world.resource(zone).text(col::NAME);
    match own.as_slice() {
        [one] => Ok(one.id),
        [] => Err(world.resource(owner).refused(
            "networkid",
            format!("has no isolated network in the zone {zone}; make one with createNetwork"),
        )),
        several => Err(world.resource(owner).refused(
            "networkid",
            format!(
                "has {} isolated networks in the zone {zone}; name one in `networkid`",
                several.len()
            ),
        )),
    }
}

/// Makes the guest network of a basic zone that is ready for tenants: all its
/// virtual machines share it, on the addresses of its pods.
pub(crate) fn ready(tx: &mut Tx<'_>, zone: ResourceId) {
    let of = tx.resource(zone).clone();
    if !of.text(col::NETWORK_TYPE).eq_ignore_ascii_case("Basic") {
        return;
    }
    let range = tx.referring(zone, Kind::VlanIpRange, col::ZONE_ID).next().cloned();
    let physical = guest_physical_networks(tx, zone).next().map(|physical| physical.id);
    let offering = networkoffering::named(tx, "DefaultSharedNetworkOfferingWithSGService");
    let (Some(range), Some(offering)) = (range, offering.map(|offering| offering.id)) else {
        return;
    };
    let cidr = ip::cidr(range.text(col::GATEWAY), range.text(col::NETMASK)).unwrap_or_default();
    let system = tx.resource(own_users::system_user(tx)).owner;
    let id = tx.insert(Kind::Network, |network| {
        network.owner = system;
        network
            .set_text(col::NAME, "guest")
            .set_text(col::DISPLAY_TEXT, "The network of all virtual machines of the zone")
            .set_text(col::BROADCAST_DOMAIN_TYPE, "Native")
            .set_text(col::TRAFFIC_TYPE, "Guest")
            .set_text(col::GATEWAY, range.text(col::GATEWAY))
            .set_text(col::NETMASK, range.text(col::NETMASK))
            .set_text(col::CIDR, &cidr)
            .set_ref(col::ZONE_ID, zone)
            .set_ref(col::NETWORK_OFFERING_ID, offering)
            .set_flag(col::IS_SYSTEM, false)
            .set_text(col::DNS1, of.text(col::DNS1))
            .set_text(col::TYPE, "Shared")
            .set_text(col::ACL_TYPE, "Domain")
            .set_flag(col::SUBDOMAIN_ACCESS, true)
            .set_flag(col::IS_DEFAULT, true)
            .set_ref(col::PHYSICAL_NETWORK_ID, physical)
            .set_flag(col::RESTART_REQUIRED, false)
            .set_flag(col::SPECIFY_IP_RANGES, true)
            .set_flag(col::CAN_USE_FOR_DEPLOY, true)
            .set_flag(col::IS_PERSISTENT, false);
        let uuid = network.uuid.to_string();
        network.set_text(col::RELATED, &uuid);
    });
    tx.move_to(id, NetworkState::Setup);
    for range in tx.ids_referring(zone, Kind::VlanIpRange, col::ZONE_ID) {
        tx.edit(range, |range| {
            range.set_ref(col::NETWORK_ID, id);
        });
    }
}
