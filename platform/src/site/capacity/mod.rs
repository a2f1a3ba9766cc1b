//! Capacity: how much of the cloud is there and how much is used.
//!
//! Nothing is kept of it: each number is counted from the resources themselves when it
//! is asked for, so it can never be stale. What is there is what hosts and pools
//! have, times the factor by which the operator gives more away than there is;
//! what is used is what is given away, whether a guest is busy with it or not.
//!
//! Placement asks the same functions: see [`host_free_cpu_mhz`] and below.

mod amount;
mod capacitylist;

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Column, Node, Query, Resource, ResourceId, World},
    offering::serviceoffering,
    parse::given,
    site::podaddress,
    state::{AddressState, HostState, MachineState, SnapshotState, VolumeState},
    table::{
        Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, own, p,
    },
};

pub(crate) use amount::{Amount, Ratio};

/// The setting of the factor by which the CPU of a cluster's hosts is given away.
pub(crate) const CPU_FACTOR: &str = "cpu.overprovisioning.factor";

/// The setting of the factor of their memory.
pub(crate) const MEMORY_FACTOR: &str = "mem.overprovisioning.factor";

/// The setting of the factor of the storage of a zone's shared pools.
const STORAGE_FACTOR: &str = "storage.overprovisioning.factor";

/// The share of a cluster's CPU above which it takes no new machines.
const CPU_SHARE: &str = "cluster.cpu.allocated.capacity.disablethreshold";

/// The share of its memory.
const MEMORY_SHARE: &str = "cluster.memory.allocated.capacity.disablethreshold";

/// The share of a pool given away above which it takes no new volumes.
const POOL_SHARE: &str = "pool.storage.allocated.capacity.disablethreshold";

/// The share of it that is filled.
const POOL_FILLED_SHARE: &str = "pool.storage.capacity.disablethreshold";

/// Bytes that an image store has; the simulated ones are alike.
const IMAGE_STORE_BYTES: i64 = 10 << 40;

pub(crate) const CAPACITY: Object = Object {
    name: "Capacity",
    fields: &[
        f("type", W::Int),
        ZONE_ID,
        ZONE_NAME,
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join(col::POD_ID, "name"),
        f("clusterid", W::Id(Kind::Cluster)),
        f("clustername", W::Str).join(col::CLUSTER_ID, "name"),
        f("capacityused", W::Long),
        f("capacitytotal", W::Long),
        f("percentused", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[own("listCapacity")
    .doc("Lists how much of each capacity there is and is used, by zone, pod or cluster")
    .roles(Roles::ROOT)
    .params(&[
        p("zoneid", Id(Kind::Zone)),
        p("podid", Id(Kind::Pod)),
        p("clusterid", Id(Kind::Cluster)),
        p("fetchlatest", Bool).doc("true to count anew instead of showing the last count"),
        p("type", Int)
            .doc("0 memory, 1 CPU, 3 allocated primary storage, 4 public IPs, 6 image stores"),
        p("sortby", Str).doc("`usage`: the fullest first"),
    ])
    .groups(&[group::PAGED])
    .items("capacity", &CAPACITY)
    .read(capacitylist::list_capacity)];

/// The types of capacity that can run out.
///
/// # Source
/// The numbers of `type` of listCapacity, as those of the alerts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CapacityType {
    /// Bytes of hosts.
    Memory = 0,
    /// MHz of hosts.
    Cpu = 1,
    /// Bytes of pools that are filled.
    Storage = 2,
    /// Bytes of pools that volumes may fill.
    StorageAllocated = 3,
    /// Public addresses.
    PublicIp = 4,
    /// Addresses of pods for system VMs.
    PrivateIp = 5,
    /// Bytes of image stores.
    SecondaryStorage = 6,
    /// VLANs for guest networks.
    Vlan = 7,
    /// Addresses of shared networks.
    DirectIp = 8,
    /// Bytes of the disks of hosts.
    LocalStorage = 9,
}

impl CapacityType {
    const ALL: [Self; 10] = [
        Self::Memory,
        Self::Cpu,
        Self::Storage,
        Self::StorageAllocated,
        Self::PublicIp,
        Self::PrivateIp,
        Self::SecondaryStorage,
        Self::Vlan,
        Self::DirectIp,
        Self::LocalStorage,
    ];

    const fn number(self) -> i64 {
        self as i64
    }

    /// Tells whether this place has it: a cluster has no addresses, a pod no VLANs.
    const fn is_of(self, place: Kind) -> bool {
        match self {
            Self::Memory
            | Self::Cpu
            | Self::Storage
            | Self::StorageAllocated
            | Self::LocalStorage => true,
            Self::PrivateIp => matches!(place, Kind::Zone | Kind::Pod),
            Self::PublicIp | Self::SecondaryStorage | Self::Vlan | Self::DirectIp => {
                matches!(place, Kind::Zone)
            }
        }
    }
}

/// Kinds of machines that run on hosts, by their `hostid`.
pub(crate) const MACHINES: [Kind; 3] = [Kind::Vm, Kind::Router, Kind::SystemVm];

/// The factor that a setting of a resource says.
fn factor(world: &World, of: ResourceId, name: &str) -> Ratio {
    Ratio::parse(world.scoped_setting(of, name)).unwrap_or(Ratio { over: 1, under: 1 })
}

/// The machines that a host runs.
pub(crate) fn machines_on(world: &World, host: ResourceId) -> impl Iterator<Item = &Resource> {
    MACHINES.into_iter().flat_map(move |kind| world.referring(host, kind, col::HOST_ID)).filter(
        |machine| {
            !machine.is_any(&[
                MachineState::Stopped,
                MachineState::Destroyed,
                MachineState::Expunging,
                MachineState::Error,
            ])
        },
    )
}

/// The demand of a machine by its offering: MHz and bytes of memory.
pub(crate) fn demand_of(world: &World, machine: &Resource) -> (i64, i64) {
    let offering = machine.id_of(col::SERVICE_OFFERING_ID).and_then(|id| world.any(id));
    offering.map_or((0, 0), |offering| {
        (serviceoffering::cpu_mhz(offering), serviceoffering::memory_bytes(offering))
    })
}

/// The CPU of a host in MHz, with what is given away more than once.
pub(crate) fn host_cpu_mhz(world: &World, host: ResourceId) -> Amount {
    let resource = world.resource(host);
    let real = resource.int(col::CPU_NUMBER).saturating_mul(resource.int(col::CPU_SPEED));
    let cluster = resource.id_of(col::CLUSTER_ID).unwrap_or(host);
    Amount {
        total: factor(world, cluster, CPU_FACTOR).of(real),
        used: machines_on(world, host).map(|machine| demand_of(world, machine).0).sum(),
    }
}

/// The memory of a host in bytes, with what is given away more than once.
pub(crate) fn host_memory_bytes(world: &World, host: ResourceId) -> Amount {
    let resource = world.resource(host);
    let cluster = resource.id_of(col::CLUSTER_ID).unwrap_or(host);
    Amount {
        total: factor(world, cluster, MEMORY_FACTOR).of(resource.int(col::MEMORY_TOTAL)),
        used: machines_on(world, host).map(|machine| demand_of(world, machine).1).sum(),
    }
}

/// The CPU in MHz that a host can still give.
pub(crate) fn host_free_cpu_mhz(world: &World, host: ResourceId) -> i64 {
    host_cpu_mhz(world, host).free()
}

/// The memory in bytes that a host can still give.
pub(crate) fn host_free_memory_bytes(world: &World, host: ResourceId) -> i64 {
    host_memory_bytes(world, host).free()
}

/// Tells whether a host has room for so much more.
pub(crate) fn host_has_room(world: &World, host: ResourceId, (mhz, bytes): (i64, i64)) -> bool {
    host_free_cpu_mhz(world, host) >= mhz && host_free_memory_bytes(world, host) >= bytes
}

/// The bytes that volumes of a pool may have, and have. The disks of a host
/// are not given away more than once.
pub(crate) fn pool_bytes(world: &World, pool: ResourceId) -> Amount {
    let resource = world.resource(pool);
    let real = resource.int(col::DISK_SIZE_TOTAL);
    let total = match (resource.text(col::SCOPE), resource.id_of(col::ZONE_ID)) {
        ("HOST", _) | (_, None) => real,
        (_, Some(zone)) => factor(world, zone, STORAGE_FACTOR).of(real),
    };
    let volumes = world.referring(pool, Kind::Volume, col::POOL_ID);
    Amount { total, used: volumes.map(|volume| volume.int(col::SIZE)).sum() }
}

/// The bytes that new volumes can still have on a pool.
pub(crate) fn pool_free_bytes(world: &World, pool: ResourceId) -> i64 {
    pool_bytes(world, pool).free()
}

/// Tells whether a cluster with so many MHz and bytes more would be above the shares at
/// which it takes no new machines.
pub(crate) fn is_cluster_too_full(
    world: &World,
    cluster: ResourceId,
    (mhz, bytes): (i64, i64),
) -> bool {
    let place = world.resource(cluster);
    let is_above = |capacity_type, more, share| {
        amount(world, place, capacity_type).is_above(factor(world, cluster, share), more)
    };
    is_above(CapacityType::Cpu, mhz, CPU_SHARE)
        || is_above(CapacityType::Memory, bytes, MEMORY_SHARE)
}

/// The bytes that a pool has left for volumes of so many; none where it has no room
/// for them, would be above the share at which it takes no new ones, or is above it
/// with what is filled.
pub(crate) fn pool_room(world: &World, pool: ResourceId, bytes: i64) -> Option<i64> {
    let given = pool_bytes(world, pool);
    let is_too_full = world.resource(pool).id_of(col::ZONE_ID).is_some_and(|zone| {
        given.is_above(factor(world, zone, POOL_SHARE), bytes)
            || filled(world, pool, given).is_above(factor(world, zone, POOL_FILLED_SHARE), 0)
    });
    (given.free() >= bytes && !is_too_full).then_some(given.free())
}

/// The bytes of a pool that are filled. Volumes are thin: half of what they
/// may hold is taken to be written.
pub(crate) fn pool_filled_bytes(world: &World, pool: ResourceId) -> Amount {
    filled(world, pool, pool_bytes(world, pool))
}

/// The same, where what is given away is counted already.
fn filled(world: &World, pool: ResourceId, given: Amount) -> Amount {
    let total = world.resource(pool).int(col::DISK_SIZE_TOTAL);
    Amount { total, used: (given.used / 2).min(total) }
}

/// The hosts of a place that count: those that work.
fn hosts<'w>(world: &'w World, place: &'w Resource) -> impl Iterator<Item = ResourceId> + 'w {
    let works = |host: &&Resource| {
        host.is(HostState::Up) && matches!(host.text(col::RESOURCE_STATE), "Enabled" | "Disabled")
    };
    world.referring(place.id, Kind::Host, column(place.kind)).filter(works).map(|host| host.id)
}

/// The pools of a place: shared ones, or those on the disks of hosts.
fn pools<'w>(
    world: &'w World,
    place: &'w Resource,
    wanted: Disks,
) -> impl Iterator<Item = ResourceId> + 'w {
    world
        .referring(place.id, Kind::StoragePool, column(place.kind))
        .filter(move |pool| (pool.text(col::SCOPE) == "HOST") == (wanted == Disks::Local))
        .map(|pool| pool.id)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Disks {
    Shared,
    Local,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Range {
    Public,
    Direct,
}

/// The column by which hosts and pools say that they are in a place.
fn column(place: Kind) -> Column<ResourceId> {
    match place {
        Kind::Zone => col::ZONE_ID,
        Kind::Pod => col::POD_ID,
        _ => col::CLUSTER_ID,
    }
}

/// The amount of something that a zone, a pod or a cluster has.
fn amount(world: &World, place: &Resource, capacity_type: CapacityType) -> Amount {
    match capacity_type {
        CapacityType::Memory => hosts(world, place).map(|id| host_memory_bytes(world, id)).sum(),
        CapacityType::Cpu => hosts(world, place).map(|id| host_cpu_mhz(world, id)).sum(),
        CapacityType::Storage => {
            pools(world, place, Disks::Shared).map(|id| pool_filled_bytes(world, id)).sum()
        }
        CapacityType::StorageAllocated => {
            pools(world, place, Disks::Shared).map(|id| pool_bytes(world, id)).sum()
        }
        CapacityType::LocalStorage => {
            pools(world, place, Disks::Local).map(|id| pool_bytes(world, id)).sum()
        }
        CapacityType::PublicIp => addresses(world, place, Range::Public),
        CapacityType::DirectIp => addresses(world, place, Range::Direct),
        CapacityType::PrivateIp if place.kind == Kind::Pod => private_addresses(world, place),
        CapacityType::PrivateIp => world
            .referring(place.id, Kind::Pod, col::ZONE_ID)
            .map(|p| private_addresses(world, p))
            .sum(),
        CapacityType::SecondaryStorage => secondary(world, place),
        CapacityType::Vlan => world
            .referring(place.id, Kind::PhysicalNetwork, col::ZONE_ID)
            .map(|network| vlans(world, network))
            .sum(),
    }
}

/// The amount that a zone, a pod or a cluster has of what a `type` of listCapacity numbers;
/// none where such a place has no such resource.
pub(crate) fn amount_of(world: &World, place: &Resource, number: i64) -> Option<Amount> {
    let capacity_type =
        CapacityType::ALL.into_iter().find(|capacity_type| capacity_type.number() == number)?;
    capacity_type.is_of(place.kind).then(|| amount(world, place, capacity_type))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn private_addresses(world: &World, pod: &Resource) -> Amount {
    let range = podaddress::range(pod);
    let total = i64::from(*range.end()) - i64::from(*range.start()) + 1;
    Amount { total: total.max(0), used: count(podaddress::taken(world, pod.id).count()) }
}

/// The addresses of a zone's ranges, public ones or those of shared networks.
fn addresses(world: &World, zone: &Resource, wanted: Range) -> Amount {
    let ranges = world
        .referring(zone.id, Kind::VlanIpRange, col::ZONE_ID)
        .filter(|range| range.flag(col::FOR_VIRTUAL_NETWORK) == (wanted == Range::Public));
    let of = |range: &Resource| {
        let ends = (given::ipv4(range.text(col::START_IP)), given::ipv4(range.text(col::END_IP)));
        let total = match ends {
            (Some(start), Some(end)) => i64::from(end) - i64::from(start) + 1,
            _ => 0,
        };
        let taken = world.referring(range.id, Kind::IpAddress, col::VLAN_ID);
        let by_accounts = taken.filter(|address| !address.is(AddressState::Free)).count();
        let by_system_vms = world.referring(range.id, Kind::SystemVm, col::PUBLIC_RANGE).count();
        Amount { total, used: count(by_accounts + by_system_vms) }
    };
    ranges.map(of).sum()
}

/// The VLANs of a physical network that guest networks may have.
fn vlans(world: &World, network: &Resource) -> Amount {
    let bounds = |range: &str| -> Option<(i64, i64)> {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
    };
    let ranges: Vec<(i64, i64)> = given::tags(network.text(col::VLAN)).filter_map(bounds).collect();
    let total = ranges.iter().map(|(first, last)| last - first + 1).sum();
    let guests = world.referring(network.id, Kind::Network, col::PHYSICAL_NETWORK_ID);
    let used = guests.filter_map(|guest| guest.text(col::VLAN).parse::<i64>().ok());
    let is_ours = |vlan: &i64| ranges.iter().any(|(first, last)| (first..=last).contains(&vlan));
    Amount { total, used: count(used.filter(is_ours).count()) }
}

/// The image stores of a zone, and the images, snapshots and uploads on them.
fn secondary(world: &World, zone: &Resource) -> Amount {
    let stores = count(world.referring(zone.id, Kind::ImageStore, col::ZONE_ID).count());
    let image =
        |copy: &Resource| copy.id_of(col::IMAGE).map_or(0, |id| world.resource(id).int(col::SIZE));
    let images: i64 = world.referring(zone.id, Kind::ImageCopy, col::ZONE_ID).map(image).sum();
    let sum = |kind: Kind, is_kept: fn(&Resource) -> bool| -> i64 {
        let resources =
            world.referring(zone.id, kind, col::ZONE_ID).filter(|resource| is_kept(resource));
        resources.map(|resource| resource.int(col::SIZE)).sum()
    };
    let snapshots = sum(Kind::Snapshot, |snapshot| snapshot.is(SnapshotState::BackedUp));
    let uploads = sum(Kind::Volume, is_in_image_store);
    let used = images + snapshots + uploads;
    Amount { total: stores.saturating_mul(IMAGE_STORE_BYTES), used }
}

/// A page of zones, pods or clusters, with their capacity if that is asked for.
pub(crate) fn page<'t>(
    query: &Query<'_>,
    resources: impl Iterator<Item = &'t Resource>,
) -> Result<Answer, ApiError> {
    let (item, object) = query.item();
    let is_shown = query.args.is_true("showcapacities");
    query.page_of(item, resources, |query, resource| {
        let mut node = query.show(resource, object);
        if is_shown {
            let lines = capacitylist::lines(query.world, resource);
            let items = lines.iter().map(|line| capacitylist::show(query.world, line)).collect();
            put(&mut node, object, "capacity", Node::List(items));
        }
        node
    })
}

/// Sets a field of an object that is shown, in its place in the order.
pub(crate) fn put(node: &mut Node, object: &Object, name: &'static str, value: Node) {
    let Node::Object(fields) = node else { panic!("only objects have fields") };
    fields.retain(|(field, _)| *field != name);
    let at = object.position(name);
    let place = fields.iter().position(|(field, _)| object.position(field) > at);
    fields.insert(place.unwrap_or(fields.len()), (name, value));
}

/// Tells whether a volume is a file that was uploaded and lies in no pool yet.
pub(crate) fn is_in_image_store(volume: &Resource) -> bool {
    !volume.text(col::URL).is_empty()
        && volume.is_any(&[VolumeState::Allocated, VolumeState::Uploaded])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_exact() {
        for (text, of_hundred) in [("2", 200), ("1.5", 150), ("1.0", 100), (".75", 75), ("1.", 100)]
        {
            assert_eq!(Ratio::parse(text).unwrap().of(100), of_hundred, "{text}");
        }
        // A third and a bit: rounded down, and no digit more than a millionth.
        assert_eq!(Ratio::parse("1.3333333333").unwrap().of(3_000_000), 3_999_999);
        assert_eq!(Ratio::parse("4").unwrap().of(i64::MAX), i64::MAX);
        for text in ["", ".", "-1", "1,5", "1e3", "NaN"] {
            assert_eq!(Ratio::parse(text), None, "{text}");
        }
    }

    #[test]
    fn shares_are_rounded_to_hundredths() {
        let percent = |used, total| Amount { total, used }.percent();
        assert_eq!(percent(0, 0), "0");
        assert_eq!(percent(1, 8), "12.5");
        assert_eq!(percent(1, 3), "33.33");
        assert_eq!(percent(2, 3), "66.67");
        assert_eq!(percent(10, 10), "100");
        assert_eq!(percent(i64::MAX, i64::MAX), "100");
        assert_eq!(Amount { total: 3, used: 5 }.free(), 0);
    }
}
