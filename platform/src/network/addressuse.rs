//! The network that a public address serves, and the services it is used for.

use cloudtally_model::ApiError;

use super::{address, guest};
use crate::{
    col,
    engine::{Call, Resource, ResourceId, World, scope},
    table::Kind,
};

/// The network that an address serves, which must offer a service. An address
/// acquired for a zone begins to serve the machine's network here.
pub(crate) fn network_of(
    call: &mut Call<'_, '_>,
    address: ResourceId,
    wanted: Option<ResourceId>,
    service: &str,
) -> Result<ResourceId, ApiError> {
    // 1. The one it serves, else the one that is named; one that is portable can change.
    let of = call.tx.resource(address);
    address::must_be_acquired(of)?;
    let associated = of.id_of(col::ASSOCIATED_NETWORK_ID);
    let network = match (associated, wanted) {
        (Some(network), Some(wanted)) if network != wanted => {
            if !of.flag(col::IS_PORTABLE) || is_used(call.tx, address) {
                return Err(of.refused(
                    "ipaddressid",
                    format!(
                        "is used in the network {} and not in {}",
                        call.tx.resource(network).text(col::NAME),
                        call.tx.resource(wanted).text(col::NAME)
                    ),
                ));
            }
            wanted
        }
        (Some(network), _) | (None, Some(network)) => network,
        (None, None) => {
            return Err(of.refused("ipaddressid", "is used in no network yet; give `networkid`"));
        }
    };
    // 2. One of its owner's, where it can be used, that lets it be used for this too.
    if associated != Some(network) {
        refuse_unfit(call.tx, of, network)?;
    }
    scope::refuse_shut(call.tx, of.owner)?;
    guest::must_provide(call.tx, network, service)?;
    refuse_unconserved(call.tx, address, network, service)?;
    // 3. From now on it serves this one.
    match associated {
        None if !call.tx.resource(address).flag(col::IS_PORTABLE) => {
            call.tx.edit(address, |address| {
                address.set_ref(col::ASSOCIATED_NETWORK_ID, network);
            })
        }
        _ if associated != Some(network) => address::transfer(call.tx, address, network),
        _ => {}
    }
    Ok(network)
}

/// Refuses to use an address in a network of somebody else, or out of its reach.
fn refuse_unfit(world: &World, address: &Resource, network: ResourceId) -> Result<(), ApiError> {
    let network = world.resource(network);
    let why = if network.owner != address.owner {
        "belongs to another account"
    } else if network.text(col::TYPE) != "Isolated" {
        "is shared"
    } else if network.id_of(col::ZONE_ID) != address.id_of(col::ZONE_ID)
        && !address.flag(col::IS_PORTABLE)
    {
        "is in another zone"
    } else {
        return Ok(());
    };
    Err(address
        .refused(
            "ipaddressid",
            format!("cannot be used in the network {}, which {why}", network.text(col::NAME)),
        )
        .about(network.uuid.to_string(), "networkid"))
}

/// The uses of an address: services with what uses them.
fn uses(world: &World, address: ResourceId) -> Vec<(&'static str, &Resource)> {
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
fn is_used(world: &World, address: ResourceId) -> bool {
    !uses(world, address).is_empty()
}

/// Refuses a second service on one address where the network's offering is not in
/// conserve mode. What the firewall lets in goes with any.
fn refuse_unconserved(
    world: &World,
    address: ResourceId,
    network: ResourceId,
    service: &str,
) -> Result<(), ApiError> {
    let offering = guest::offering_of(world, world.resource(network));
    if offering.flag(col::CONSERVE_MODE) || service == "Firewall" {
        return Ok(());
    }
    match uses(world, address).into_iter().find(|(use_, _)| ![service, "Firewall"].contains(use_)) {
        Some((other, by)) => Err(world.resource(address).refused_as(ApiError::rule_conflict, "ipaddressid", format!("is used for {other} and the offering {} is not in conserve mode; use another address for {service}", offering.text(col::NAME))).about(by.uuid.to_string(), "ipaddressid")),
        None => Ok(()),
    }
}
