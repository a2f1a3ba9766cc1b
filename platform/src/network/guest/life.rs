//! The life of a guest network: set up when machines need it, shut down when none does,
//! restarted and deleted.

use std::collections::BTreeSet;

use cloudtally_model::ApiError;

use super::{offering_of, provides};
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, Tx, World},
    network::{
        address::{self, Holder, Purpose},
        router_vm, vpc,
    },
    offering::networkservice,
    site::physicalnetwork,
    state::{MachineState, NetworkState},
    table::Kind,
};

/// Sets an isolated network up: a VLAN, its source NAT address, a router.
pub(crate) fn implement(tx: &mut Tx<'_>, id: ResourceId) -> Result<(), ApiError> {
    let network = tx.resource(id).clone();
    if network.text(col::TYPE) != "Isolated" {
        return Ok(());
    }
    if !network.is(NetworkState::Implemented) {
        refuse_unprovided(tx, &network)?;
        let vlan = match network.text(col::VLAN) {
            "" => free_vlan(tx, &network)?,
            vlan => vlan.to_owned(),
        };
        let uri = format!("vlan://{vlan}");
        tx.edit(id, |network| {
            network.set_text(col::VLAN, &vlan).set_text(col::BROADCAST_URI, &uri);
        });
        // Those that are on it since before it was shut down.
        for nic in tx.ids_referring(id, Kind::Nic, col::NETWORK_ID) {
            if !tx.resource(nic).text(col::IP_ADDRESS).is_empty() {
                tx.edit(nic, |nic| {
                    nic.set_text(col::BROADCAST_URI, &uri).set_text(col::ISOLATION_URI, &uri);
                });
            }
        }
        tx.move_to(id, NetworkState::Implemented);
    }
    if let Some(vpc) = network.id_of(col::VPC_ID) {
        return vpc::router::plug(tx, vpc, id);
    }
    let (owner, zone) = (network.owner, network.id_of(col::ZONE_ID));
    let (Some(owner), Some(zone)) = (owner, zone) else { return Ok(()) };
    if lacks_source_nat(tx, id) {
        address::acquire(tx, owner, zone, Holder::Network(id), Purpose::SourceNat)?;
    }
    router_vm::ensure(tx, id)
}

/// Takes the routers of a network away; the one of a VPC leaves its tier and runs on.
pub(super) fn destroy_routers(tx: &mut Tx<'_>, id: ResourceId) {
    match tx.resource(id).id_of(col::VPC_ID) {
        Some(vpc) => vpc::router::unplug(tx, vpc, id),
        None => router_vm::destroy_of(tx, id),
    }
}

/// Makes sure that a shared network has routers where machines of it are, once these have
/// their addresses.
pub(crate) fn serve(tx: &mut Tx<'_>, id: ResourceId) -> Result<(), ApiError> {
    if tx.resource(id).text(col::TYPE) == "Shared" { router_vm::ensure(tx, id) } else { Ok(()) }
}

/// Refuses to set a network up whose services nobody provides as resources stand.
fn refuse_unprovided(world: &World, network: &Resource) -> Result<(), ApiError> {
    let physical = network.id_of(col::PHYSICAL_NETWORK_ID).expect("isolated networks have one");
    let offering = offering_of(world, network);
    let is_off = |by: &&str| networkservice::enabled_provider(world, physical, by).is_none();
    match offering.map(col::PROVIDERS).iter().map(|(_, by)| by.as_str()).find(is_off) {
        Some(provider) => Err(network.refused_as(
            ApiError::unavailable,
            "networkid",
            format!(
                "needs the provider {provider}, which is not enabled on the physical network {}",
                world.resource(physical).text(col::NAME)
            ),
        )),
        None => Ok(()),
    }
}

/// Shuts down the networks that have had no running virtual machine for as long as
/// `network.gc.wait` says: each gives its VLAN back and stops its router, and keeps its
/// addresses with their rules for when it is set up again.
pub(crate) fn shut_down_idle(tx: &mut Tx<'_>) {
    let wait = tx.setting_time("network.gc.wait", 1000);
    let set_up: Vec<ResourceId> = tx
        .all(Kind::Network)
        .filter(|network| {
            network.is(NetworkState::Implemented) && !network.flag(col::IS_PERSISTENT)
        })
        .map(|network| network.id)
        .collect();
    for id in set_up {
        let now = tx.now;
        let network = tx.resource(id);
        let since = network.time(col::IDLE_SINCE);
        let is_named = offering_of(tx, network).flag(col::SPECIFY_VLAN);
        match since {
            _ if is_busy(tx, id) => tx.edit(id, |network| {
                network.set_time(col::IDLE_SINCE, None);
            }),
            None => tx.edit(id, |network| {
                network.set_time(col::IDLE_SINCE, now);
            }),
            Some(since) if since + wait > now => {}
            Some(_) => {
                match network.id_of(col::VPC_ID) {
                    Some(vpc) => vpc::router::unplug(tx, vpc, id),
                    None => router_vm::stop_of(tx, id),
                }
                tx.edit(id, |network| {
                    network.set_time(col::IDLE_SINCE, None);
                    if !is_named {
                        network.clear(col::VLAN).clear(col::BROADCAST_URI);
                    }
                });
                tx.move_to(id, NetworkState::Allocated);
            }
        }
    }
}

/// Tells whether a virtual machine on a network runs, or is on its way to or from that.
fn is_busy(world: &World, network: ResourceId) -> bool {
    world
        .referring(network, Kind::Nic, col::NETWORK_ID)
        .filter_map(|nic| nic.id_of(col::VIRTUAL_MACHINE_ID))
        .any(|vm| {
            !world.resource(vm).is_any(&[
                MachineState::Stopped,
                MachineState::Destroyed,
                MachineState::Expunging,
                MachineState::Error,
            ])
        })
}

/// The source NAT address of a network.
pub(crate) fn source_nat(world: &World, id: ResourceId) -> Option<&Resource> {
    world
        .referring(id, Kind::IpAddress, col::ASSOCIATED_NETWORK_ID)
        .find(|address| address.flag(col::IS_SOURCE_NAT))
}

/// Tells whether a network needs a source NAT address of its own and has none yet. The tiers of a
/// VPC share that of the VPC.
pub(crate) fn lacks_source_nat(world: &World, id: ResourceId) -> bool {
    let network = world.resource(id);
    network.id_of(col::VPC_ID).is_none()
        && provides(world, network, "SourceNat")
        && source_nat(world, id).is_none()
}

fn free_vlan(tx: &Tx<'_>, network: &Resource) -> Result<String, ApiError> {
    let physical = network.id_of(col::PHYSICAL_NETWORK_ID).expect("isolated networks have one");
    let taken: BTreeSet<String> = tx
        .referring(physical, Kind::Network, col::PHYSICAL_NETWORK_ID)
        .map(|network| network.text(col::VLAN).to_owned())
        .collect();
    let owner = network.owner.expect("isolated networks have an owner");
    physicalnetwork::vlans_for(tx, physical, owner)
        .into_iter()
        .map(|vlan| vlan.to_string())
        .find(|vlan| !taken.contains(vlan))
        .ok_or_else(|| {
            tx.resource(physical).refused_as(
                ApiError::network_capacity,
                "physicalnetworkid",
                "has no free VLAN; add some with updatePhysicalNetwork",
            )
        })
}

pub(super) fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let id = call.args.id_required("id");
    refuse_used(call.tx, id)
}

fn refuse_used(tx: &Tx<'_>, id: ResourceId) -> Result<(), ApiError> {
    let network = tx.resource(id);
    refuse_system(network)?;
    let used = tx.referring(id, Kind::Nic, col::NETWORK_ID).find_map(|nic| {
        nic.id_of(col::VIRTUAL_MACHINE_ID)
            .map(|vm| tx.resource(vm))
            .filter(|vm| vm.kind == Kind::Vm)
    });
    match used {
        Some(vm) => Err(network.refused_as(ApiError::in_use, "id", format!("is in use by the virtual machine {}; destroy and expunge it, or take it off the network, first", vm.text(col::NAME)))),
        None => Ok(()),
    }
}

/// Refuses to touch a network of the system, such as one behind private gateways.
pub(super) fn refuse_system(network: &Resource) -> Result<(), ApiError> {
    if !network.flag(col::IS_SYSTEM) {
        return Ok(());
    }
    let why = "is of the system and goes with the private gateways that lead to it";
    Err(network.refused("id", why))
}

pub(super) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_used(call.tx, id)?;
    remove(call.tx, id);
    Ok(Done::Success)
}

/// Removes a network that no virtual machine is on, with its addresses, rules and
/// router.
pub(crate) fn remove(tx: &mut Tx<'_>, id: ResourceId) {
    destroy_routers(tx, id);
    for address in tx.ids_referring(id, Kind::IpAddress, col::ASSOCIATED_NETWORK_ID) {
        address::leave_network(tx, address);
    }
    for range in tx.ids_referring(id, Kind::VlanIpRange, col::NETWORK_ID) {
        tx.remove(range);
    }
    tx.remove_with_dependants(id);
}

pub(super) fn restart(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let network = call.entity();
    refuse_system(network)?;
    if !network.is_any(&[NetworkState::Implemented, NetworkState::Setup]) {
        return Err(
            network.refused("id", format!("is {} and has nothing to restart", network.state()))
        );
    }
    if call.args.flag("cleanup") != Some(false) {
        destroy_routers(call.tx, id);
    }
    implement(call.tx, id)?;
    serve(call.tx, id)?;
    call.tx.edit(id, |network| {
        network.set_flag(col::RESTART_REQUIRED, false);
    });
    Ok(Done::Success)
}
