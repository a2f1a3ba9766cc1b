//! The network that a public address serves, and the services it is used for.

use cloudtally_model::ApiError;

use super::{
    address, guest,
    rules::{is_used, uses},
};
use crate::{
    col,
    engine::{Call, Resource, ResourceId, World, scope},
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
        (None, None) if service == "Firewall" && of.id_of(col::VPC_ID).is_some() => {
            let why = "is of a VPC, which has no firewall; use network ACLs";
            return Err(of.refused("ipaddressid", why));
        }
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
    let of = call.tx.resource(address);
    let is_at_home = of.id_of(col::VPC_ID) == call.tx.resource(network).id_of(col::VPC_ID);
    match associated {
        None if !of.flag(col::IS_PORTABLE) || of.id_of(col::VPC_ID).is_some() && is_at_home => {
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
    } else if address.id_of(col::VPC_ID).is_some()
        && network.id_of(col::VPC_ID) != address.id_of(col::VPC_ID)
        && !address.flag(col::IS_PORTABLE)
    {
        "is no tier of its VPC"
    } else if address.id_of(col::VPC_ID).is_none()
        && network.id_of(col::VPC_ID).is_some()
        && !address.flag(col::IS_PORTABLE)
    {
        "is a tier of a VPC; acquire one with `vpcid`"
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
    let is_other = |(use_, _): &(&str, &Resource)| ![service, "Firewall"].contains(use_);
    let Some((other, by)) = uses(world, address).into_iter().find(is_other) else {
        return Ok(());
    };
    let of = world.resource(address);
    // In a VPC only what static NAT is on one side of is a conflict.
    let is_value = of.id_of(col::VPC_ID).is_some()
        && (other == "SourceNat" || ![service, other].contains(&"StaticNat"));
    let raise = if is_value { ApiError::value } else { ApiError::rule_conflict };
    let why = format!(
        "is used for {other} and the offering {} is not in conserve mode; use another address for {service}",
        offering.text(col::NAME)
    );
    Err(of.refused_as(raise, "ipaddressid", why).about(by.uuid.to_string(), "ipaddressid"))
}
