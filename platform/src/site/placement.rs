//! Placement: the host that a virtual machine starts on, and the pool that a volume lies in.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use cloudtally_model::ApiError;

use super::{capacity, resourcestate::ENABLED};
use crate::{
    col,
    engine::{Call, Column, Resource, ResourceId, World},
    offering::hypervisor::{self, BARE_METAL},
    parse::given,
    state::{HostState, PoolState},
    table::Kind,
};

/// The demand of a virtual machine on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Cores times their speed.
    pub(crate) cpu_mhz: i64,
    /// Memory.
    pub(crate) memory_bytes: i64,
}

impl Demand {
    /// The demand by a service offering.
    pub(crate) fn of(offering: &Resource) -> Self {
        Self {
            cpu_mhz: offering.int(col::CPU_NUMBER).saturating_mul(offering.int(col::CPU_SPEED)),
            memory_bytes: offering.int(col::MEMORY).saturating_mul(1 << 20),
        }
    }
}

/// Tells whether a host carries all the tags that are asked for.
fn has_tags(have: &str, wanted: &str) -> bool {
    let have: Vec<&str> = have.split(',').map(str::trim).collect();
    wanted.split(',').map(str::trim).filter(|tag| !tag.is_empty()).all(|tag| have.contains(&tag))
}

/// The planner that reserves a host for one account: machines of others are not placed there.
const IMPLICIT_DEDICATION: &str = "ImplicitDedicationPlanner";

/// Tells whether the planner of an offering and the reservation of a host go together. A
/// machine that wants to be among its account's own needs a host reserved for the
/// account or without others; a reserved host takes such machines only.
fn keeps_company(world: &World, host: &Resource, vm: &Resource, offering: &Resource) -> bool {
    let wants_to_be_alone = offering.text(col::DEPLOYMENT_PLANNER) == IMPLICIT_DEDICATION;
    match (host.text(col::RESERVATION), wants_to_be_alone) {
        ("", false) => true,
        ("", true) => {
            world.referring(host.id, Kind::Vm, col::HOST_ID).all(|other| other.owner == vm.owner)
        }
        (reserved_for, true) => vm.owner.is_some_and(|owner| owner.to_string() == reserved_for),
        (_, false) => false,
    }
}

/// Reserves the host of a machine that wants to be among its account's own. The
/// reservation stays until releaseHostReservation ends it.
pub(crate) fn reserve(call: &mut Call<'_, '_>, vm: ResourceId, host: ResourceId) {
    let machine = call.tx.resource(vm);
    let offering = machine.id_of(col::SERVICE_OFFERING_ID).map(|id| call.tx.resource(id));
    let wants_to_be_alone = offering
        .is_some_and(|offering| offering.text(col::DEPLOYMENT_PLANNER) == IMPLICIT_DEDICATION);
    if let Some(owner) = machine.owner.filter(|_| wants_to_be_alone) {
        call.tx.edit(host, |host| {
            host.set_text(col::RESERVATION, &owner.to_string());
        });
    }
}

/// True if the volumes of a machine stay in their pools or move along with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disks {
    Stay,
    Move,
}

/// Tells whether a host can take a virtual machine at all.
fn takes(world: &World, host: &Resource, vm: &Resource, offering: &Resource) -> bool {
    let cluster = host.id_of(col::CLUSTER_ID).map(|id| world.resource(id));
    let pod = host.id_of(col::POD_ID).map(|id| world.resource(id));
    host.is(HostState::Up)
        && host.text(col::TYPE) == "Routing"
        && host.text(col::RESOURCE_STATE) == "Enabled"
        && cluster.is_some_and(|cluster| cluster.text(col::ALLOCATION_STATE) == "Enabled")
        && pod.is_some_and(|pod| pod.text(col::ALLOCATION_STATE) == "Enabled")
        && host.text(col::HYPERVISOR).eq_ignore_ascii_case(vm.text(col::HYPERVISOR))
        && has_tags(host.text(col::HOST_TAGS), offering.text(col::HOST_TAGS))
        && has_place(world, host)
        && keeps_company(world, host, vm, offering)
}

/// Tells whether a host may have one more guest.
pub(crate) fn has_place(world: &World, host: &Resource) -> bool {
    let guests =
        capacity::machines_on(world, host.id).filter(|machine| machine.kind == Kind::Vm).count();
    let most = hypervisor::guests_max(world, host);
    most.is_none_or(|most| i64::try_from(guests).is_ok_and(|guests| guests < most))
}

/// Tells whether there is room on a host.
fn has_room(world: &World, host: &Resource, demand: Demand) -> bool {
    capacity::host_free_cpu_mhz(world, host.id) >= demand.cpu_mhz
        && capacity::host_free_memory_bytes(world, host.id) >= demand.memory_bytes
}

/// The host to start a virtual machine on: the one wanted, else the one of its
/// zone with the most memory free, in a cluster that may still be filled, whose
/// pools have room for the disks that have no place yet. Hosts kept for restarts
/// after failures are for these alone.
pub(crate) fn host_for(
    call: &Call<'_, '_>,
    vm: ResourceId,
    wanted: Option<ResourceId>,
    besides: Option<ResourceId>,
    disks: Disks,
) -> Result<ResourceId, ApiError> {
    let vm = call.tx.resource(vm);
    let offering = vm.id_of(col::SERVICE_OFFERING_ID).expect("virtual machines have an offering");
    let offering = call.tx.resource(offering);
    let zone = vm.id_of(col::ZONE_ID).expect("virtual machines are in a zone");
    if let Some(wanted) = wanted {
        refuse_elsewhere(call.tx, vm, call.tx.resource(wanted))?;
    }
    let demand = Demand::of(offering);
    let volumes: Vec<&Resource> =
        call.tx.referring(vm.id, Kind::Volume, col::VIRTUAL_MACHINE_ID).collect();
    let (placed, unplaced): (Vec<&Resource>, Vec<&Resource>) =
        volumes.into_iter().partition(|volume| volume.id_of(col::POOL_ID).is_some());
    let pools: Vec<&Resource> = placed
        .iter()
        .filter_map(|volume| volume.id_of(col::POOL_ID))
        .map(|id| call.tx.resource(id))
        .collect();
    let is_restart = vm.int(col::RESTARTS) > 0;
    let full = match wanted {
        Some(_) => BTreeSet::new(),
        None => too_full(call.tx, zone, vm, demand),
    };
    let may_fill = |host: &Resource| {
        wanted.is_some()
            || (is_restart || !is_spare(call.tx, host))
                && host.id_of(col::CLUSTER_ID).is_none_or(|cluster| !full.contains(&cluster))
    };
    let mut hosts: Vec<&Resource> = call
        .tx
        .referring(zone, Kind::Host, col::ZONE_ID)
        .filter(|host| disks == Disks::Move || pools.iter().all(|pool| reaches(host, pool)))
        .filter(|host| wanted.is_none_or(|id| id == host.id) && besides != Some(host.id))
        .filter(|host| takes(call.tx, host, vm, offering) && may_fill(host))
        .filter(|host| has_room(call.tx, host, demand))
        .collect();
    hosts.sort_by_cached_key(|host| {
        (Reverse(capacity::host_free_memory_bytes(call.tx, host.id)), host.id)
    });
    // Where no pools have room, those of the best host are told.
    let best = hosts.iter().find(|host| have_room(call, &unplaced, host.id)).or(hosts.first());
    match best {
        Some(host) => Ok(host.id),
        None => Err(vm.refused_as(
            ApiError::server_capacity,
            "id",
            format!(
                "finds no host with room in the zone {} ({} MHz, {} MiB on {})",
                call.tx.resource(zone).text(col::NAME),
                demand.cpu_mhz,
                demand.memory_bytes >> 20,
                vm.text(col::HYPERVISOR)
            ),
        )),
    }
}

/// Refuses a host that no machine of this zone and hypervisor can be on, however empty.
fn refuse_elsewhere(world: &World, vm: &Resource, host: &Resource) -> Result<(), ApiError> {
    let of = host.text(col::HYPERVISOR);
    let why = if host.id_of(col::ZONE_ID) != vm.id_of(col::ZONE_ID) {
        let zone = |resource: &Resource| {
            resource.id_of(col::ZONE_ID).map_or("", |id| world.resource(id).text(col::NAME))
        };
        format!("in the zone {}, the virtual machine in {}", zone(host), zone(vm))
    } else if !of.eq_ignore_ascii_case(vm.text(col::HYPERVISOR)) {
        format!("of {of}, the virtual machine of {}", vm.text(col::HYPERVISOR))
    } else {
        return Ok(());
    };
    Err(host.refused("hostid", format!("is {why}; choose another `hostid`")))
}

/// Refuses a host that a machine cannot move to however empty it is, and says why.
pub(crate) fn refuse_unfit(
    world: &World,
    vm: ResourceId,
    host: ResourceId,
    disks: Disks,
) -> Result<(), ApiError> {
    let (machine, on) = (world.resource(vm), world.resource(host));
    refuse_elsewhere(world, machine, on)?;
    let offering = machine.id_of(col::SERVICE_OFFERING_ID).map(|id| world.resource(id));
    let offering = offering.expect("virtual machines have an offering");
    let out_of_reach = world
        .referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID)
        .filter(|_| disks == Disks::Stay)
        .filter_map(|volume| Some((volume, world.resource(volume.id_of(col::POOL_ID)?))))
        .find(|(_, pool)| !reaches(on, pool));
    let why = if !on.is(HostState::Up) {
        format!("it is {}", on.state())
    } else if !takes_new(world, on) {
        "it, its cluster or its pod is disabled or in maintenance".to_owned()
    } else if !has_tags(on.text(col::HOST_TAGS), offering.text(col::HOST_TAGS)) {
        format!("its offering asks for the host tags {}", offering.text(col::HOST_TAGS))
    } else if !keeps_company(world, on, machine, offering) {
        "the host is kept for other machines, or the machine for a host of its own".to_owned()
    } else if let Some((volume, pool)) = out_of_reach {
        format!(
            "the host does not reach the storage pool {} of the volume {}; use migrateVirtualMachineWithVolume",
            pool.text(col::NAME),
            volume.text(col::NAME)
        )
    } else {
        return Ok(());
    };
    Err(machine
        .refused(
            "virtualmachineid",
            format!("cannot move to the host {}: {why}", on.text(col::NAME)),
        )
        .about(on.uuid.to_string(), "hostid"))
}

/// The clusters of a zone that a new machine would fill more than their settings allow.
/// One that moves within its cluster is not new to it.
fn too_full(
    world: &World,
    zone: ResourceId,
    vm: &Resource,
    demand: Demand,
) -> BTreeSet<ResourceId> {
    let from = vm.id_of(col::HOST_ID).and_then(|id| world.resource(id).id_of(col::CLUSTER_ID));
    let more = (demand.cpu_mhz, demand.memory_bytes);
    world
        .referring(zone, Kind::Cluster, col::ZONE_ID)
        .map(|cluster| cluster.id)
        .filter(|cluster| {
            from != Some(*cluster) && capacity::is_cluster_too_full(world, *cluster, more)
        })
        .collect()
}

/// Tells whether a host reaches a pool: one of its own disks, of its cluster or of its zone.
pub(crate) fn reaches(host: &Resource, pool: &Resource) -> bool {
    match pool.text(col::SCOPE) {
        "HOST" => pool.id_of(col::HOST_ID) == Some(host.id),
        "CLUSTER" => pool.id_of(col::CLUSTER_ID) == host.id_of(col::CLUSTER_ID),
        _ => {
            pool.id_of(col::ZONE_ID) == host.id_of(col::ZONE_ID)
                && pool.text(col::HYPERVISOR).eq_ignore_ascii_case(host.text(col::HYPERVISOR))
        }
    }
}

/// Tells whether the pools that a host reaches have room for all of some volumes.
fn have_room(call: &Call<'_, '_>, volumes: &[&Resource], host: ResourceId) -> bool {
    let mut planned = BTreeMap::new();
    volumes.iter().all(|volume| match best_pool(call.tx, volume, Some(host), &planned) {
        Some(pool) => {
            *planned.entry(pool).or_insert(0) += volume.int(col::SIZE);
            true
        }
        None => false,
    })
}

/// The host whose reach says where further volumes of a machine lie: the one it is on,
/// else one that reaches all it has, the last it was on before others. None where
/// nothing is decided yet.
pub(crate) fn home_of(world: &World, vm: &Resource) -> Option<ResourceId> {
    if let Some(on) = vm.id_of(col::HOST_ID) {
        return Some(on);
    }
    let pools: Vec<&Resource> = world
        .referring(vm.id, Kind::Volume, col::VIRTUAL_MACHINE_ID)
        .filter_map(|volume| volume.id_of(col::POOL_ID))
        .map(|id| world.resource(id))
        .collect();
    let last = vm.id_of(col::LAST_HOST_ID);
    let reaches_all = |id: &ResourceId| pools.iter().all(|pool| reaches(world.resource(*id), pool));
    if pools.is_empty() {
        return last;
    }
    let zone = vm.id_of(col::ZONE_ID).expect("virtual machines are in a zone");
    let hosts = world.referring(zone, Kind::Host, col::ZONE_ID).map(|host| host.id);
    last.into_iter().chain(hosts).find(reaches_all)
}

/// Bare metal has its own disks: it has no volumes.
pub(crate) fn is_bare_metal(hypervisor: &str) -> bool {
    hypervisor.eq_ignore_ascii_case(BARE_METAL)
}

/// The offering that says where a volume may lie.
fn offering_of<'w>(world: &'w World, volume: &Resource) -> Option<&'w Resource> {
    let offering = volume.id_of(col::DISK_OFFERING_ID).or(volume.id_of(col::SERVICE_OFFERING_ID));
    offering.map(|id| world.resource(id))
}

fn is_local(offering: Option<&Resource>) -> bool {
    offering.is_some_and(|offering| offering.text(col::STORAGE_TYPE) == "local")
}

/// The pool for a volume that the host reaches, if there is a host yet: up, with the
/// tags of the offering, on the disks of a host where the offering wants that and on
/// shared ones else; the one with the most room, `planned` bytes apart, that may still
/// be filled.
fn best_pool(
    world: &World,
    volume: &Resource,
    host: Option<ResourceId>,
    planned: &BTreeMap<ResourceId, i64>,
) -> Option<ResourceId> {
    let zone = volume.id_of(col::ZONE_ID).expect("volumes are in a zone");
    let host = host.map(|host| world.resource(host));
    let offering = offering_of(world, volume);
    let tags = offering.map_or("", |offering| offering.text(col::TAGS));
    let (size_bytes, hypervisor) = (volume.int(col::SIZE), volume.text(col::HYPERVISOR));
    world
        .referring(zone, Kind::StoragePool, col::ZONE_ID)
        .filter(|pool| pool.is(PoolState::Up) && has_tags(pool.text(col::TAGS), tags))
        .filter(|pool| (pool.text(col::SCOPE) == "HOST") == is_local(offering))
        .filter(|pool| match host {
            Some(host) => reaches(host, pool),
            None => {
                hypervisor.is_empty() || pool.text(col::HYPERVISOR).eq_ignore_ascii_case(hypervisor)
            }
        })
        .filter_map(|pool| {
            let planned = planned.get(&pool.id).copied().unwrap_or(0);
            let free = capacity::pool_room(world, pool.id, planned + size_bytes)? - planned;
            Some((free, Reverse(pool.id)))
        })
        .max()
        .map(|(_, Reverse(id))| id)
}

/// The same, or why there is none.
pub(crate) fn pool_for(
    call: &Call<'_, '_>,
    volume: &Resource,
    host: Option<ResourceId>,
) -> Result<ResourceId, ApiError> {
    best_pool(call.tx, volume, host, &BTreeMap::new()).ok_or_else(|| {
        let zone = volume.id_of(col::ZONE_ID).expect("volumes are in a zone");
        volume.refused_as(
            ApiError::storage_capacity,
            "id",
            format!(
                "finds no {} storage pool with room for {} bytes in the zone {}",
                if is_local(offering_of(call.tx, volume)) { "local" } else { "shared" },
                volume.int(col::SIZE),
                call.tx.resource(zone).text(col::NAME)
            ),
        )
    })
}

/// Tells whether new machines may come to a host: it works, and it, its cluster and its
/// pod are enabled.
pub(crate) fn takes_new(world: &World, host: &Resource) -> bool {
    let is_enabled = |column: Column<ResourceId>| {
        host.id_of(column)
            .is_some_and(|id| world.resource(id).text(col::ALLOCATION_STATE) == given::ENABLED)
    };
    host.is(HostState::Up)
        && host.text(col::TYPE) == "Routing"
        && host.text(col::RESOURCE_STATE) == ENABLED
        && is_enabled(col::CLUSTER_ID)
        && is_enabled(col::POD_ID)
}

/// Tells whether a host is kept free for restarts after failures.
pub(crate) fn is_spare(world: &World, host: &Resource) -> bool {
    let tag = world.setting(SPARE_TAG);
    !tag.is_empty() && given::has_all_tags(host.text(col::HOST_TAGS), tag)
}

/// The setting with the tag of hosts that are kept for restarts.
const SPARE_TAG: &str = "ha.tag";
