//! New guest networks: isolated ones of an account, shared ones of a zone, and those that
//! a deployment makes.

mod carrier;
mod choose;
mod shared;
pub(super) mod tier; // networks of VPCs

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Done, ResourceId, Tx, World, limit, refusal},
    network::guest::life,
    parse::{
        given::{self, Subnet},
        ip,
        iprange::IpRange,
    },
    state::SwitchState,
    table::{Kind, Limit},
};

pub(crate) use choose::{for_deployment, only_isolated, ready, refuse_hypervisor, refuse_tiers};
pub(crate) use tier::check_acl;

/// The addresses of isolated networks unless the zone says otherwise.
const GUEST_CIDR: &str = "10.1.1.0/24";

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
    tier::check_kind(call, offering)?;
    let id = if is_shared {
        shared::create_shared(call, zone, offering)?
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
    let vpc = args.id("vpcid");
    if let Some(vpc) = vpc {
        tier::check(call, vpc, zone, owner)?;
        tier::check_offering(call.tx, vpc, offering, None, args.has("aclid"))?;
    }
    let range = named_range(call)?;
    let physical = carrier::physical_network(call, zone, offering)?;
    carrier::refuse_unprovided(call, physical, offering)?;
    let vlan = carrier::named_vlan(call, physical, "Isolated")?;
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
    if let Some(vpc) = vpc {
        tier::put(call, id, vpc);
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
    let physical = carrier::carrier(tx, zone, offering)?;
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
