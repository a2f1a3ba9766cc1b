//! Capacity: how much of the cloud is there and how much is used.
//!
//! Nothing is kept of it: each number is counted from the resources themselves when it
//! is asked for, so it can never be stale. What is there is what hosts and pools
//! have, times the factor by which the operator gives more away than there is;
//! what is used is what is given away, whether a guest is busy with it or not.
//!
//! Placement asks the same functions: see [`World::host_free_cpu_mhz`] and below.

use std::cmp::Reverse;

use cloudtally_model::ApiError;

use super::podaddress;
use crate::{
    col,
    engine::{Answer, Column, Fields, Node, Query, Resource, ResourceId, World},
    offering::serviceoffering,
    parse::given,
    state::{AddressState, HostState, MachineState, SnapshotState, VolumeState},
    table::{
        Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, own, p,
    },
};

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
    .read(list_capacity)];

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

/// The total of something and the part of it that is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    /// MHz, bytes or a count.
    pub(crate) total: i64,
    /// In the same unit.
    pub(crate) used: i64,
}

impl Amount {
    /// The rest; never below 0.
    pub(crate) fn free(self) -> i64 {
        self.total.saturating_sub(self.used).max(0)
    }

    /// Tells whether more than a share of it would be used with so much more.
    fn is_above(self, share: Ratio, more: i64) -> bool {
        let used = i128::from(self.used) + i128::from(more);
        used * i128::from(share.under) > i128::from(self.total) * i128::from(share.over)
    }

    /// The share that is used, in hundredths of a percent, rounded.
    pub(crate) fn share(self) -> i64 {
        if self.total <= 0 {
            return 0;
        }
        let (used, total) = (i128::from(self.used), i128::from(self.total));
        i64::try_from((used * 20_000 + total) / (total * 2)).unwrap_or(i64::MAX)
    }

    /// The share as people read it: `0`, `12.5`, `33.33`.
    pub(crate) fn percent(self) -> String {
        let share = self.share();
        let text = format!("{}.{:02}", share / 100, share % 100);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    fn plus(self, other: Self) -> Self {
        Self {
            total: self.total.saturating_add(other.total),
            used: self.used.saturating_add(other.used),
        }
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Self::plus)
    }
}

/// A factor that settings write as a decimal, kept exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ratio {
    over: u64,
    under: u64,
}

impl Ratio {
    /// Digits after the point that count; the rest is below a millionth.
    const DIGITS_MAX: usize = 6;

    /// The ratio that a text such as `2`, `1.5` or `.75` is.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || whole.is_empty() && part.is_empty() {
            return None;
        }
        let part = &part[..part.len().min(Self::DIGITS_MAX)];
        let under = 10_u64.pow(u32::try_from(part.len()).ok()?);
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part: u64 = if part.is_empty() { 0 } else { part.parse().ok()? };
        Some(Self { over: whole.checked_mul(under)?.checked_add(part)?, under })
    }

    /// So much of an amount, rounded down.
    pub(crate) fn of(self, amount: i64) -> i64 {
        let product = i128::from(amount) * i128::from(self.over) / i128::from(self.under);
        i64::try_from(product).unwrap_or(i64::MAX)
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

/// One line of the answer.
struct Line {
    place: ResourceId,
    capacity_type: CapacityType,
    amount: Amount,
}

fn lines(world: &World, place: &Resource) -> Vec<Line> {
    CapacityType::ALL
        .into_iter()
        .filter(|capacity_type| capacity_type.is_of(place.kind))
        .map(|capacity_type| Line {
            place: place.id,
            capacity_type,
            amount: amount(world, place, capacity_type),
        })
        .collect()
}

fn show(world: &World, line: &Line) -> Node {
    let place = world.resource(line.place);
    let of = |kind: Kind, column: Column<ResourceId>| match place.kind {
        own if own == kind => Some(place),
        Kind::Zone => None,
        Kind::Pod if kind == Kind::Cluster => None,
        _ => place.id_of(column).map(|id| world.resource(id)),
    };
    let mut fields: Fields = vec![("type", Node::Int(line.capacity_type.number()))];
    for (kind, column, name_field) in [
        (Kind::Zone, col::ZONE_ID, "zonename"),
        (Kind::Pod, col::POD_ID, "podname"),
        (Kind::Cluster, col::CLUSTER_ID, "clustername"),
    ] {
        if let Some(resource) = of(kind, column) {
            fields.push((column.name(), Node::text(resource.uuid.to_string())));
            fields.push((name_field, Node::text(resource.text(col::NAME))));
        }
    }
    fields.push(("capacityused", Node::Int(line.amount.used)));
    fields.push(("capacitytotal", Node::Int(line.amount.total)));
    fields.push(("percentused", Node::text(line.amount.percent())));
    Node::Object(fields)
}

fn list_capacity(query: &Query<'_>) -> Result<Answer, ApiError> {
    let (world, args) = (query.world, query.args);
    // 1. What is to be shown.
    let capacity_type = match args.int("type") {
        None => None,
        Some(number) => {
            let found = CapacityType::ALL
                .into_iter()
                .find(|capacity_type| capacity_type.number() == number);
            let expected = "expected a number from 0 to 9";
            Some(found.ok_or_else(|| query.invalid("type", &number.to_string(), expected))?)
        }
    };
    let is_sorted = match args.text("sortby") {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("usage") => true,
        Some(word) => return Err(query.invalid("sortby", word, "expected `usage`")),
    };
    // 2. The narrowest place that is named; else all zones.
    let named = args.id("clusterid").or(args.id("podid")).or(args.id("zoneid"));
    let places: Vec<&Resource> = match named {
        Some(id) => vec![world.resource(id)],
        None => world.all(Kind::Zone).collect(),
    };
    for column in [col::ZONE_ID, col::POD_ID] {
        let wanted = args.id(column.name());
        let is_elsewhere = |place: &&Resource| {
            wanted.is_some_and(|id| place.id != id && place.id_of(column) != Some(id))
        };
        if let Some(place) = places.iter().find(|place| is_elsewhere(place)) {
            let text = format!("the {} {} is not there", place.kind.noun(), place.text(col::NAME));
            return Err(query.invalid(column.name(), &place.uuid.to_string(), &text));
        }
    }
    // 3. Counted, and in order.
    let keyword = args.text("keyword").map(str::to_lowercase);
    let is_named = |place: &&&Resource| {
        keyword.as_ref().is_none_or(|word| place.text(col::NAME).to_lowercase().contains(word))
    };
    let mut lines: Vec<Line> =
        places.iter().filter(is_named).flat_map(|place| lines(world, place)).collect();
    lines.retain(|line| {
        capacity_type.is_none_or(|capacity_type| line.capacity_type == capacity_type)
    });
    if is_sorted {
        lines.sort_by_key(|line| Reverse(line.amount.share()));
    }
    query.page_of("capacity", lines.iter(), |query, line| show(query.world, line))
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
            let lines = lines(query.world, resource);
            let items = lines.iter().map(|line| show(query.world, line)).collect();
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
