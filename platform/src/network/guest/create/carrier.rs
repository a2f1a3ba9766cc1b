//! The physical network and the VLAN that a guest network is on.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Resource, ResourceId, World},
    parse::{given, vlanset::vlan_number},
    site::physicalnetwork,
    state::SwitchState,
    table::Kind,
};

/// The physical networks of a zone that carry guest traffic.
pub(super) fn guest_physical_networks(
    world: &World,
    zone: ResourceId,
) -> impl Iterator<Item = &Resource> {
    world.referring(zone, Kind::PhysicalNetwork, col::ZONE_ID).filter(|physical| {
        physical.is(SwitchState::Enabled)
            && world
                .referring(physical.id, Kind::TrafficType, col::PHYSICAL_NETWORK_ID)
                .any(|traffic| traffic.text(col::TRAFFIC_TYPE) == "Guest")
    })
}

/// Tells whether a physical network has all tags of an offering.
fn has_tags(world: &World, physical: ResourceId, offering: ResourceId) -> bool {
    let (have, wanted) =
        (world.resource(physical).text(col::TAGS), world.resource(offering).text(col::TAGS));
    given::has_all_tags(have, wanted)
}

/// The physical network for a new guest network: the one named, which must carry
/// guests of the zone, or the first that does and has the tags of the offering.
pub(super) fn physical_network(
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
pub(super) fn refuse_unprovided(
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
pub(super) fn carrier(
    world: &World,
    zone: ResourceId,
    offering: ResourceId,
) -> Result<ResourceId, ApiError> {
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
pub(super) fn named_vlan(
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
pub(super) fn private_vlan(call: &Call<'_, '_>, vlan: &str) -> Result<Option<String>, ApiError> {
    let Some(given) = call.args.text("isolatedpvlan") else { return Ok(None) };
    let expected = "expected a number from 0 to 4095 beside a numbered `vlan`";
    let number = vlan_number(given.trim()).map(|number| number.to_string());
    match number {
        Some(number) if number != vlan && vlan_number(vlan).is_some() => Ok(Some(number)),
        _ => Err(call.invalid("isolatedpvlan", given, expected)),
    }
}
