//! The addresses of pods for system VMs and hosts.

use crate::{
    col,
    engine::{Resource, ResourceId, World},
    parse::given::{Subnet, ipv4},
    table::Kind,
};

/// The network a pod is in.
pub(crate) fn subnet_of(pod: &Resource) -> Option<Subnet> {
    Subnet::of(pod.text(col::GATEWAY), pod.text(col::NETMASK))
}

/// The addresses that system VMs of a pod may have.
pub(crate) fn range(pod: &Resource) -> std::ops::RangeInclusive<u32> {
    match (ipv4(pod.text(col::START_IP)), ipv4(pod.text(col::END_IP))) {
        (Some(start), Some(end)) => start..=end,
        _ => std::ops::RangeInclusive::new(1, 0),
    }
}

/// The private addresses of a pod that are in use.
pub(crate) fn taken(world: &World, pod: ResourceId) -> impl Iterator<Item = u32> + '_ {
    world
        .referring(pod, Kind::SystemVm, col::POD_ID)
        .filter_map(|vm| ipv4(vm.text(col::PRIVATE_IP)))
}

/// The first free private address of a pod.
pub(crate) fn free_address(world: &World, pod: ResourceId) -> Option<u32> {
    let taken: std::collections::BTreeSet<u32> = taken(world, pod).collect();
    range(world.resource(pod)).find(|address| !taken.contains(address))
}
