//! New VPCs.

use cloudtally_model::ApiError;

use super::life;
use crate::{
    col,
    engine::{Call, Done, ResourceId, World, limit},
    offering::{networkservice, vpcoffering},
    parse::ip,
    site::zone,
    state::SwitchState,
    table::{Kind, Limit},
};

pub(super) fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let args = call.args.clone();
    let (zone, offering) = (args.id_required("zoneid"), args.id_required("vpcofferingid"));
    // 1. One more for its owner, of an offering that can be used, in a zone that takes it.
    let owner = call.owner()?;
    limit::check(call.tx, owner, Limit::Vpc, 1)?;
    if !call.tx.resource(offering).is(SwitchState::Enabled) {
        let why = "is not Enabled; choose another or enable it with updateVPCOffering";
        return Err(call.tx.resource(offering).refused("vpcofferingid", why));
    }
    zone::refuse_disabled(call, zone)?;
    if call.tx.resource(zone).text(col::NETWORK_TYPE).eq_ignore_ascii_case("Basic") {
        let why = "is Basic; VPCs are in Advanced zones";
        return Err(call.tx.resource(zone).refused("zoneid", why));
    }
    // 2. A range of private addresses that all its tiers share.
    let cidr = args.text_required("cidr");
    let bounds = ip::bounds(cidr).ok_or_else(|| {
        call.invalid("cidr", cidr, "expected an address range such as `10.1.0.0/16`")
    })?;
    if !ip::is_private(bounds) {
        let expected = "expected a range within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, as RFC 1918 has them";
        return Err(call.invalid("cidr", cidr, expected));
    }
    // 3. Providers that can serve it.
    refuse_unprovided(call, zone, offering)?;
    let suffix = match args.text("networkdomain") {
        Some(suffix) => suffix.to_owned(),
        None => suffix(call.tx, owner, zone),
    };
    let id = call.tx.insert(Kind::Vpc, |vpc| {
        vpc.owner = Some(owner);
        vpc.set_text(col::NAME, args.text_required("name"))
            .set_text(col::DISPLAY_TEXT, args.text_required("displaytext"))
            .set_ref(col::ZONE_ID, zone)
            .set_ref(col::VPC_OFFERING_ID, offering)
            .set_text(col::CIDR, cidr)
            .set_text(col::NETWORK_DOMAIN, &suffix)
            .set_flag(col::RESTART_REQUIRED, false);
    });
    Ok(Some(id))
}

/// Refuses an offering one of whose services nobody can provide in the zone.
fn refuse_unprovided(
    call: &Call<'_, '_>,
    zone: ResourceId,
    offering: ResourceId,
) -> Result<(), ApiError> {
    let offering = call.tx.resource(offering);
    let is_enabled = |by: &str| {
        let mut networks = call.tx.referring(zone, Kind::PhysicalNetwork, col::ZONE_ID);
        networks.any(|network| networkservice::enabled_provider(call.tx, network.id, by).is_some())
    };
    let first = vpcoffering::first_providers(offering);
    match first.into_iter().find(|(_, by)| !is_enabled(by)) {
        None => Ok(()),
        Some((service, by)) => Err(offering.refused(
            "vpcofferingid",
            format!(
                "has {service} by {by}, which is enabled on no physical network of the zone {}; enable it with updateNetworkServiceProvider",
                call.tx.resource(zone).text(col::NAME)
            ),
        )),
    }
}

/// The DNS suffix of a VPC that names none: its owner's, that of a domain above, or one made
/// of the owner's number and the suffix of the zone.
fn suffix(world: &World, owner: ResourceId, zone: ResourceId) -> String {
    let own = world.resource(owner).text(col::NETWORK_DOMAIN);
    let of_domains = world
        .lineage(world.domain_of(owner))
        .map(|id| world.resource(id).text(col::NETWORK_DOMAIN));
    let given = std::iter::once(own).chain(of_domains).find(|suffix| !suffix.is_empty());
    match given {
        Some(suffix) => suffix.to_owned(),
        None => format!("cs{:x}{}", owner.0, world.scoped_setting(zone, "guest.domain.suffix")),
    }
}

/// Starts the new VPC.
pub(super) fn act(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    life::must_be_enabled(call.tx, id, "started", "id")?;
    life::start(call.tx, id).map_err(|error| {
        let text = format!("{} could not be started: {}", call.entity().called(), error.text);
        ApiError { text, ..error }
    })?;
    Ok(Done::Resource(id))
}

/// Takes a VPC away that could not be started.
pub(super) fn give_up(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::Vpc, *id).is_some()) {
        life::destroy(call.tx, id);
    }
}
