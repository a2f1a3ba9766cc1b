//! The list of network offerings: those of the system's own networks never, and
//! those that are not enabled to root admins alone.

use cloudtally_model::ApiError;

use super::{provides, uses_provider};
use crate::{
    col,
    engine::{Answer, Query, Resource, ResourceId, World},
    offering::networkservice,
    state::SwitchState,
    table::Kind,
};

pub(super) fn list(query: &Query<'_>) -> Result<Answer, ApiError> {
    let mut rows = query.resources(Kind::NetworkOffering)?;
    rows.retain(|row| is_listed(query, row));
    // Those of one sort key stay in the order they were made.
    rows.sort_by_key(|row| row.int(col::SORT_KEY));
    query.page(rows.into_iter())
}

fn is_listed(query: &Query<'_>, row: &Resource) -> bool {
    let args = query.args;
    let tags = || row.text(col::TAGS).split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let is_visible =
        !row.flag(col::SYSTEM_ONLY) && (query.caller.is_root() || row.is(SwitchState::Enabled));
    is_visible
        && args.list("supportedservices").iter().all(|name| {
            networkservice::service_named(name).is_some_and(|service| provides(row, service.name))
        })
        && args.flag("sourcenatsupported").is_none_or(|wanted| wanted == provides(row, "SourceNat"))
        && args.text("tags").is_none_or(|wanted| tags().any(|tag| tag.eq_ignore_ascii_case(wanted)))
        && args.flag("istagged").is_none_or(|wanted| wanted == tags().next().is_some())
        && args.id("zoneid").is_none_or(|zone| works_in(query, row, zone))
        && args.id("networkid").is_none_or(|network| can_follow(query.world, row, network))
}

/// Tells whether networks of an offering can be made in a zone: on one of its physical
/// networks, which has the offering's tags and all its providers enabled.
fn works_in(query: &Query<'_>, row: &Resource, zone: ResourceId) -> bool {
    let world = query.world;
    // The network of a basic zone comes with the zone.
    if world.resource(zone).text(col::NETWORK_TYPE) == "Basic" {
        return false;
    }
    let has = |have: &Resource, wanted: &str| {
        have.text(col::TAGS).split(',').any(|tag| tag.trim().eq_ignore_ascii_case(wanted))
    };
    world.referring(zone, Kind::PhysicalNetwork, col::ZONE_ID).any(|network| {
        let mut tags = row.text(col::TAGS).split(',').map(str::trim).filter(|tag| !tag.is_empty());
        network.is(SwitchState::Enabled)
            && tags.all(|tag| has(network, tag))
            && row
                .map(col::PROVIDERS)
                .iter()
                .all(|(_, by)| networkservice::enabled_provider(world, network.id, by).is_some())
    })
}

/// Tells whether a network can change to an offering.
pub(crate) fn can_follow(world: &World, row: &Resource, network: ResourceId) -> bool {
    let now = world.resource(network).id_of(col::NETWORK_OFFERING_ID).map(|id| world.resource(id));
    let Some(now) = now else { return false };
    let same_flag = |column| now.flag(column) == row.flag(column);
    row.id != now.id
        && row.is(SwitchState::Enabled)
        && now.text(col::GUEST_IP_TYPE) == "Isolated"
        && row.text(col::GUEST_IP_TYPE) == "Isolated"
        && row.text(col::TAGS) == now.text(col::TAGS)
        && [col::FOR_VPC, col::SPECIFY_VLAN, col::SPECIFY_IP_RANGES].into_iter().all(same_flag)
        // Addresses of the old network must still have what they are for.
        && (!provides(now, "SourceNat") || provides(row, "SourceNat"))
        && uses_provider(now, "VpcVirtualRouter") == uses_provider(row, "VpcVirtualRouter")
}
