//! Addresses that an account acquires and gives up by command.

use std::collections::BTreeSet;

use crate::{
    col,
    engine::{Call, Done, ResourceId, limit, refusal, scope, unknown_because},
    network::{
        guest, portableip,
        vpc::{self, part},
    },
    parse::ip,
    table::{Kind, Limit},
};

use cloudtally_model::ApiError;

use super::{Holder, Purpose, acquire, must_be_acquired, release};

/// Takes an address for the network or the VPC that is named, or for the only network of the
/// account in the zone, for rules cannot stand on an address of neither.
pub(super) fn begin_associate(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    // 1. For a network or a VPC it belongs to its owner.
    let (network, vpc) = (call.args.id("networkid"), call.args.id("vpcid"));
    if network.is_some() && vpc.is_some() {
        return Err(refusal::exclusive(&["networkid", "vpcid"]));
    }
    let (owner, zone) = match (network.or(vpc), call.args.id("zoneid")) {
        (Some(of), _) => owner_and_zone(call, of)?,
        (None, Some(zone)) => (call.owner()?, zone),
        (None, None) => return Err(refusal::one_of(&["networkid", "vpcid", "zoneid"])),
    };
    if call.args.id("zoneid").is_some_and(|wanted| wanted != zone) {
        let of = if vpc.is_some() { "VPC" } else { "network" };
        let why = format!("is not the zone of the {of}; leave it out");
        return Err(refusal::parameter("zoneid", why));
    }
    if call.args.has("regionid") && !call.args.is_true("isportable") {
        return Err(refusal::parameter(
            "regionid",
            "says where a portable address comes from; give `isportable=true` with it",
        ));
    }
    // 2. A zone that has addresses to use, and the network there.
    if call.tx.resource(zone).text(col::NETWORK_TYPE).eq_ignore_ascii_case("Basic") {
        return Err(call.tx.resource(zone).refused("zoneid", "is Basic and has no public addresses to acquire; its virtual machines have them directly"));
    }
    crate::site::zone::refuse_disabled(call, zone)?;
    let holder = match (network, vpc) {
        (_, Some(vpc)) => Holder::Vpc(vpc),
        (Some(network), None) => Holder::Network(network),
        (None, None) => Holder::Network(guest::only_isolated(call.tx, owner, zone)?),
    };
    // 3. Portable addresses come from the region, others from the zone.
    if call.args.is_true("isportable") {
        return acquire_portable(call, owner, zone, holder).map(Some);
    }
    // 4. The first that a network or a VPC gets is its source NAT address.
    let is_first = match holder {
        Holder::Network(network) => guest::lacks_source_nat(call.tx, network),
        Holder::Vpc(vpc) => part::source_nat(call.tx, vpc).is_none(),
    };
    let purpose = if is_first { Purpose::SourceNat } else { Purpose::Rules };
    acquire(call.tx, owner, zone, holder, purpose).map(Some)
}

/// The owner and the zone of the network or VPC that an address is to be for.
fn owner_and_zone(
    call: &Call<'_, '_>,
    of: ResourceId,
) -> Result<(ResourceId, ResourceId), ApiError> {
    let resource = call.tx.resource(of);
    let is_vpc = resource.kind == Kind::Vpc;
    if is_vpc {
        vpc::must_be_enabled(call.tx, of, "given an address", "vpcid")?;
    } else if resource.text(col::TYPE) != "Isolated" {
        let why = "is shared; its virtual machines have addresses of their own";
        return Err(resource.refused("networkid", why));
    } else if resource.id_of(col::VPC_ID).is_some() {
        let why = "is a tier of a VPC; acquire the address by `vpcid`, a rule on it names the tier";
        return Err(resource.refused("networkid", why));
    }
    scope::refuse_shut(call.tx, resource.owner)?;
    scope::refuse_other_owner(call, of)?;
    let zone = resource.id_of(col::ZONE_ID).expect("networks and VPCs are in a zone");
    Ok((resource.owner.expect("networks and VPCs have an owner"), zone))
}

fn acquire_portable(
    call: &mut Call<'_, '_>,
    owner: ResourceId,
    zone: ResourceId,
    holder: Holder,
) -> Result<ResourceId, ApiError> {
    limit::check(call.tx, owner, Limit::PublicIp, 1)?;
    let region = call.args.int("regionid").unwrap_or(1);
    if !portableip::is_region(call.tx, region) {
        let expected = "there is no such region; listRegions shows those there are";
        return Err(unknown_because("regionid", &region.to_string(), expected));
    }
    let taken: BTreeSet<String> = call
        .tx
        .all(Kind::IpAddress)
        .filter(|address| address.flag(col::IS_PORTABLE))
        .map(|address| address.text(col::IP_ADDRESS).to_owned())
        .collect();
    let found = call
        .tx.all(Kind::PortableIpRange)
        .filter(|range| range.int(col::REGION_ID) == region)
        .flat_map(|range| ip::range(range.text(col::START_IP), range.text(col::END_IP)))
        .map(ip::format)
        .find(|address| !taken.contains(address))
        .ok_or_else(|| {
            ApiError::address_capacity(format!(
                "the region {region} has no free portable address; add a range with createPortableIpRange"
            ))
        })?;
    let (column, of) = holder.place();
    let physical = match holder {
        Holder::Network(network) => call.tx.resource(network).id_of(col::PHYSICAL_NETWORK_ID),
        Holder::Vpc(_) => None,
    };
    let now = call.tx.now;
    let id = call.tx.insert(Kind::IpAddress, |resource| {
        resource.owner = Some(owner);
        resource
            .set_text(col::IP_ADDRESS, &found)
            .set_ref(col::ZONE_ID, zone)
            .set_ref(column, of)
            .set_ref(col::PHYSICAL_NETWORK_ID, physical)
            .set_time(col::ALLOCATED, now)
            .set_flag(col::FOR_VIRTUAL_NETWORK, true)
            .set_flag(col::IS_SOURCE_NAT, false)
            .set_flag(col::IS_STATIC_NAT, false)
            .set_flag(col::IS_SYSTEM, false)
            .set_flag(col::IS_PORTABLE, true);
    });
    Ok(id)
}

/// Acquiring failed after the address was taken: it goes back.
pub(super) fn give_up(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::IpAddress, *id).is_some()) {
        release(call.tx, id);
    }
}

pub(super) fn associate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if let Some(network) = call.entity().id_of(col::ASSOCIATED_NETWORK_ID) {
        guest::implement(call.tx, network)?;
    }
    Ok(Done::Resource(id))
}

pub(super) fn check_release(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let address = call.tx.resource(call.args.id_required("id"));
    must_be_acquired(address)?;
    if address.flag(col::IS_SOURCE_NAT) {
        let of = if address.id_of(col::VPC_ID).is_some() { "VPC" } else { "network" };
        let why = format!("is the source NAT address of its {of} and goes with the {of}");
        return Err(address.refused("id", why));
    }
    if !address.flag(col::FOR_VIRTUAL_NETWORK) {
        return Err(address.refused(
            "id",
            "belongs to a virtual machine on a shared network and goes with its NIC",
        ));
    }
    Ok(())
}

pub(super) fn disassociate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    release(call.tx, id);
    Ok(Done::Success)
}
