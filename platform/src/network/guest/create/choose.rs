//! The networks of a deployment: named, found or made.

use cloudtally_model::ApiError;

use super::{carrier::guest_physical_networks, isolated};
use crate::{
    col,
    engine::{Call, Resource, ResourceId, Tx, World, own_users, refusal},
    network::guest::provides,
    offering::{
        hypervisor::{KVM, SIMULATOR, VMWARE, XEN_SERVER},
        networkoffering,
    },
    parse::ip,
    state::{NetworkState, SwitchState},
    table::Kind,
};

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
        if !is_own
            && !crate::network::guest::is_shared_with(call.tx, network, call.tx.domain_of(owner))
        {
            return Err(network.refused_as(
                ApiError::permission,
                "networkids",
                "is not for this account",
            ));
        }
    }
    refuse_tiers(call.tx, named)?;
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let own: Vec<ResourceId> = call
        .tx
        .owned_by(owner, Kind::Network)
        .filter(|network| {
            network.id_of(col::ZONE_ID) == Some(zone)
                && network.text(col::TYPE) == "Isolated"
                && network.id_of(col::VPC_ID).is_none()
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

/// Refuses networks of which more than one is a tier of a VPC: a machine is in one at most.
pub(crate) fn refuse_tiers(world: &World, networks: &[ResourceId]) -> Result<(), ApiError> {
    let tiers = networks.iter().map(|id| world.resource(*id));
    let mut tiers = tiers.filter(|network| network.id_of(col::VPC_ID).is_some());
    match (tiers.next(), tiers.next()) {
        (Some(one), Some(other)) => Err(other.refused(
            "networkids",
            format!(
                "and {} are tiers of VPCs; a virtual machine is in one tier at most",
                one.text(col::NAME)
            ),
        )),
        _ => Ok(()),
    }
}

/// The hypervisors that the machines of a tier can run on.
const OF_TIERS: [&str; 4] = [XEN_SERVER, VMWARE, KVM, SIMULATOR];

/// Refuses a tier of a VPC for a machine of a hypervisor that its router does not serve.
pub(crate) fn refuse_hypervisor(
    world: &World,
    networks: &[ResourceId],
    hypervisor: &str,
) -> Result<(), ApiError> {
    let mut networks = networks.iter().map(|id| world.resource(*id));
    match networks.find(|network| network.id_of(col::VPC_ID).is_some()) {
        Some(tier) if !OF_TIERS.contains(&hypervisor) => Err(tier.refused(
            "networkids",
            format!(
                "is a tier of a VPC, whose virtual machines run on {}, not on {hypervisor}",
                OF_TIERS.join(", ")
            ),
        )),
        _ => Ok(()),
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
            || crate::network::guest::is_shared_with(world, network, world.domain_of(owner))
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
        .filter(|network| network.id_of(col::VPC_ID).is_none())
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
