//! The hosts that a machine can move to.

use super::{
    capacity,
    placement::{self, takes_new},
};
use crate::{
    col,
    engine::{Resource, ResourceId, World},
    offering::hypervisor::{self, BARE_METAL},
    parse::given,
    table::Kind,
};

/// A host that a machine could move to.
pub(crate) struct Target {
    /// The host.
    pub(crate) host: ResourceId,
    /// True if it has enough CPU and memory left.
    pub(crate) has_room: bool,
    /// True if its disks must move too: the host does not reach them.
    pub(crate) moves_storage: bool,
}

/// The hosts that a machine could move to, those of its cluster and the emptiest
/// first: up, enabled, of the same hypervisor, with the tags that its offering asks
/// for; those that do not reach its disks only where the hypervisor can move them as well.
pub(crate) fn targets(world: &World, machine: ResourceId) -> Vec<Target> {
    let machine = world.resource(machine);
    let Some(from) = machine.id_of(col::HOST_ID).map(|id| world.resource(id)) else {
        return Vec::new();
    };
    let zone = from.id_of(col::ZONE_ID).expect("hosts are in a zone");
    let tags = machine
        .id_of(col::SERVICE_OFFERING_ID)
        .map_or("", |id| world.resource(id).text(col::HOST_TAGS));
    let demand = capacity::demand_of(world, machine);
    let can_move_storage = hypervisor::can_move_storage(world, from);
    let disks: Vec<&Resource> = world
        .referring(machine.id, Kind::Volume, col::VIRTUAL_MACHINE_ID)
        .filter_map(|volume| volume.id_of(col::POOL_ID))
        .map(|pool| world.resource(pool))
        .collect();
    let moves_storage = |host: &Resource| match disks.as_slice() {
        [] => host.id_of(col::CLUSTER_ID) != from.id_of(col::CLUSTER_ID),
        disks => !disks.iter().all(|pool| placement::reaches(host, pool)),
    };
    let mut targets: Vec<(bool, i64, Target)> = world
        .referring(zone, Kind::Host, col::ZONE_ID)
        .filter(|host| {
            host.id != from.id
                && takes_new(world, host)
                && host.text(col::HYPERVISOR) == from.text(col::HYPERVISOR)
                && host.text(col::HYPERVISOR) != BARE_METAL
                && given::has_all_tags(host.text(col::HOST_TAGS), tags)
                && (can_move_storage || !moves_storage(host))
        })
        .map(|host| {
            let moves_storage = moves_storage(host);
            let has_room = capacity::host_has_room(world, host.id, demand)
                && (machine.kind != Kind::Vm || placement::has_place(world, host));
            let free = capacity::host_free_memory_bytes(world, host.id);
            (moves_storage, -free, Target { host: host.id, has_room, moves_storage })
        })
        .collect();
    targets.sort_by_key(|(moves_storage, used, _)| (*moves_storage, *used));
    targets.into_iter().map(|(_, _, target)| target).collect()
}
