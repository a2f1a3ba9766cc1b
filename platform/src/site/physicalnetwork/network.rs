//! Physical networks themselves: their VLANs, and what may be on them.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, World, refusal, verbs},
    offering::networkservice,
    parse::{
        given,
        vlanset::{VlanSet, vlan_number},
    },
    table::Kind,
};

/// The methods by which guest networks can be kept apart.
pub(super) const ISOLATION_METHODS: [&str; 8] =
    ["VLAN", "L3", "GRE", "STT", "VNS", "MIDO", "SSP", "VXLAN"];

/// The VLANs that a physical network has for guest networks.
pub(crate) fn vlan_set(network: &Resource) -> VlanSet {
    VlanSet::stored(network.text(col::VLAN))
}

/// The VLANs that guest networks of an account may have: first those kept for it,
/// then, if it may, those kept for nobody.
pub(crate) fn vlans_for(world: &World, network: ResourceId, account: ResourceId) -> Vec<u16> {
    let mut own = Vec::new();
    let mut open = vlan_set(world.resource(network));
    for kept in world.referring(network, Kind::GuestVlanRange, col::NETWORK) {
        let vlans = VlanSet::stored(kept.text(col::GUEST_VLAN_RANGE));
        open = open.without(&vlans);
        if kept.owner == Some(account) {
            own.extend(vlans.iter());
        }
    }
    if own.is_empty() || world.scoped_setting(account, "use.system.guest.vlans") == "true" {
        own.extend(open.iter());
    }
    own
}

/// The physical networks of a zone that carry a type of traffic, the oldest first.
pub(crate) fn carrying(world: &World, zone: ResourceId, traffic: &str) -> Vec<ResourceId> {
    world
        .referring(zone, Kind::PhysicalNetwork, col::ZONE_ID)
        .filter(|network| {
            world
                .referring(network.id, Kind::TrafficType, col::PHYSICAL_NETWORK_ID)
                .any(|row| row.text(col::TRAFFIC_TYPE) == traffic)
        })
        .map(|network| network.id)
        .collect()
}

/// The guest networks on a physical network, each with its VLAN, if it has one.
pub(crate) fn networks_on(
    world: &World,
    network: ResourceId,
) -> impl Iterator<Item = (&Resource, Option<u16>)> {
    world
        .referring(network, Kind::Network, col::PHYSICAL_NETWORK_ID)
        .map(|guest| (guest, vlan_number(guest.text(col::VLAN))))
}

pub(super) fn create(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let zone = call.tx.resource(call.args.id_required("zoneid"));
    let (zone, is_basic) = (zone.id, zone.text(col::NETWORK_TYPE) == "Basic");
    // 1. A basic zone has one physical network.
    if is_basic && call.tx.referring(zone, Kind::PhysicalNetwork, col::ZONE_ID).next().is_some() {
        return Err(call.tx.resource(zone).refused_as(
            ApiError::runtime,
            "zoneid",
            "is Basic and has its one physical network already",
        ));
    }
    // 2. Words.
    check_tags(call)?;
    let methods = call.args.list("isolationmethods").to_vec();
    let method = match methods.as_slice() {
        [] => "VLAN",
        [one] => ISOLATION_METHODS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(one))
            .ok_or_else(|| {
                let expected = format!("expected one of {}", ISOLATION_METHODS.join(", "));
                call.invalid("isolationmethods", one, &expected)
            })?,
        _ => {
            return Err(refusal::parameter(
                "isolationmethods",
                "has several methods; a physical network has one",
            ));
        }
    };
    let range = given::word(call, "broadcastdomainrange", &["ZONE", "POD"])?;
    let fitting = if is_basic { "POD" } else { "ZONE" };
    if range.is_some_and(|range| range != fitting) {
        let zones = if is_basic { "Basic" } else { "Advanced" };
        return Err(refusal::parameter(
            "broadcastdomainrange",
            format!("must be {fitting} in a zone of the type {zones}"),
        ));
    }
    // 3. A zone of one domain has networks of that domain.
    if let (Some(of), Some(wanted)) =
        (call.tx.resource(zone).id_of(col::DOMAIN_ID), call.args.id("domainid"))
        && !call.tx.is_within(wanted, of)
    {
        return Err(call
            .tx
            .resource(zone)
            .refused_as(
                ApiError::permission,
                "domainid",
                format!(
                    "is kept for the domain {}; the physical network must be of it or below",
                    call.tx.domain_path(of)
                ),
            )
            .about(call.tx.resource(wanted).uuid.to_string(), "domainid"));
    }
    // 4. VLANs.
    let vlans = call.args.text("vlan").map(str::to_owned);
    let vlans = vlans.map(|text| wanted_vlans(call, zone, None, "vlan", &text)).transpose()?;
    // 5. The network, with the providers the server comes with.
    let id = verbs::create(call, Kind::PhysicalNetwork)?;
    call.tx.edit(id, |network| {
        network
            .set_text(col::ISOLATION_METHODS, method)
            .set_text(col::BROADCAST_DOMAIN_RANGE, fitting);
        if let Some(vlans) = vlans {
            network.set_text(col::VLAN, &vlans.to_string());
        }
    });
    for provider in networkservice::BUILT_IN {
        networkservice::add_provider(call.tx, id, provider);
    }
    Ok(Some(id))
}

fn check_tags(call: &Call<'_, '_>) -> Result<(), ApiError> {
    if call.args.list("tags").len() > 1 {
        return Err(refusal::parameter(
            "tags",
            "has several tags; a physical network has at most one",
        ));
    }
    Ok(())
}

/// The VLANs that a parameter wants for a physical network, if it can have them.
fn wanted_vlans(
    call: &Call<'_, '_>,
    zone: ResourceId,
    network: Option<ResourceId>,
    name: &'static str,
    text: &str,
) -> Result<VlanSet, ApiError> {
    let zone = call.tx.resource(zone);
    if zone.text(col::NETWORK_TYPE) == "Basic" {
        return Err(zone.refused("vlan", "is Basic; its physical network has no VLANs for guests"));
    }
    let vlans = VlanSet::parse(text).filter(|vlans| !vlans.is_empty()).ok_or_else(|| {
        call.invalid(
            name,
            text,
            "expected VLAN ranges from 0 to 4095 separated by commas, such as `500-500,600-601`",
        )
    })?;
    for other in call.tx.referring(zone.id, Kind::PhysicalNetwork, col::ZONE_ID) {
        if Some(other.id) == network {
            continue;
        }
        if let Some(vlan) = vlan_set(other).common(&vlans) {
            return Err(
                other.refused("id", format!("has VLAN {vlan} of the zone; choose other VLANs"))
            );
        }
    }
    for range in call.tx.referring(zone.id, Kind::VlanIpRange, col::ZONE_ID) {
        if range.flag(col::FOR_VIRTUAL_NETWORK)
            && let Some(vlan) = vlan_number(range.text(col::VLAN))
            && vlans.contains(vlan)
        {
            return Err(refusal::parameter(name, format!("has VLAN {vlan}, which carries public addresses of the zone; choose other VLANs"))
            .about(range.uuid.to_string(), name));
        }
    }
    Ok(vlans)
}

/// The VLANs that an update leaves a network; none if it does not touch them.
fn updated_vlans(call: &Call<'_, '_>, network: &Resource) -> Result<Option<VlanSet>, ApiError> {
    let zone = network.id_of(col::ZONE_ID).expect("physical networks are in a zone");
    let before = vlan_set(network);
    let mut after = match call.args.text("vlan") {
        Some(text) => wanted_vlans(call, zone, Some(network.id), "vlan", text)?,
        None => before.clone(),
    };
    if let Some(text) = call.args.text("removevlan") {
        let gone = VlanSet::parse(text).ok_or_else(|| {
            call.invalid("removevlan", text, "expected VLAN ranges such as `500-500,600-601`")
        })?;
        if let Some(vlan) = gone.iter().find(|vlan| !after.contains(*vlan)) {
            return Err(network
                .refused("removevlan", format!("has not VLAN {vlan}; its VLANs are {after}")));
        }
        after = after.without(&gone);
    }
    if after == before {
        return Ok(None);
    }
    // What is in use stays.
    for (guest, vlan) in networks_on(call.tx, network.id) {
        if let Some(vlan) = vlan.filter(|vlan| before.contains(*vlan) && !after.contains(*vlan)) {
            return Err(guest.refused("id", format!("is on VLAN {vlan}; leave that in")));
        }
    }
    for kept in call.tx.referring(network.id, Kind::GuestVlanRange, col::NETWORK) {
        if !after.contains_all(&VlanSet::stored(kept.text(col::GUEST_VLAN_RANGE))) {
            return Err(kept.refused(
                "id",
                format!(
                    "has the VLANs {}; release them first with releaseDedicatedGuestVlanRange",
                    kept.text(col::GUEST_VLAN_RANGE)
                ),
            ));
        }
    }
    Ok(Some(after))
}

pub(super) fn check_update(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    check_tags(call)?;
    given::word(call, "state", &["Enabled", "Disabled"])?;
    let network = call.tx.resource(call.args.id_required("id"));
    updated_vlans(call, network)?;
    Ok(())
}

pub(super) fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    // Another job may have been faster: look again.
    let vlans = updated_vlans(call, call.entity())?;
    let tags = call.args.list("tags").join(",");
    let speed = call.args.text("networkspeed").map(str::to_owned);
    call.tx.edit(id, |network| {
        if let Some(vlans) = vlans {
            network.set_text(col::VLAN, &vlans.to_string());
        }
        if !tags.is_empty() {
            network.set_text(col::TAGS, &tags);
        }
        if let Some(speed) = speed {
            network.set_text(col::NETWORK_SPEED, &speed);
        }
    });
    if let Some(state) = given::switch(call)? {
        call.tx.move_to(id, state);
    }
    Ok(Done::Resource(id))
}
