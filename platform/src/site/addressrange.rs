//! The free addresses of ranges: of public ranges, and of those of shared networks.

use std::collections::BTreeSet;

use super::served;
use crate::{
    col,
    engine::{Resource, ResourceId, World},
    parse::ip,
    table::Kind,
};

/// The addresses of a range that are nobody's: neither an account's nor a system VM's.
pub(crate) fn free_in<'w>(
    world: &'w World,
    range: &'w Resource,
) -> impl Iterator<Item = String> + use<'w> {
    let of_accounts = world.referring(range.id, Kind::IpAddress, col::VLAN_ID);
    let of_system_vms = world.referring(range.id, Kind::SystemVm, col::PUBLIC_RANGE);
    let taken: BTreeSet<&str> = of_accounts
        .map(|address| address.text(col::IP_ADDRESS))
        .chain(of_system_vms.map(|vm| vm.text(col::PUBLIC_IP)))
        .collect();
    ip::range(range.text(col::START_IP), range.text(col::END_IP))
        .map(ip::format)
        .filter(move |address| !taken.contains(address.as_str()))
}

/// The first of them.
pub(crate) fn first_free(world: &World, range: &Resource) -> Option<String> {
    free_in(world, range).next()
}

/// The last free address of a shared network that no router of it has, with its range:
/// machines get the first ones, its routers the last.
pub(crate) fn last_free(world: &World, network: ResourceId) -> Option<(ResourceId, String)> {
    let of_routers: Vec<&str> = served::addresses_in(world, network).collect();
    let mut ranges: Vec<&Resource> =
        world.referring(network, Kind::VlanIpRange, col::NETWORK_ID).collect();
    ranges.reverse();
    ranges.into_iter().find_map(|range| {
        let free = free_in(world, range).filter(|free| !of_routers.contains(&free.as_str()));
        Some((range.id, free.last()?))
    })
}

/// The first public address of a zone that is free for everybody, with its range: what
/// a system VM takes, for nobody's account.
pub(crate) fn free_for_system(world: &World, zone: ResourceId) -> Option<(ResourceId, String)> {
    world
        .referring(zone, Kind::VlanIpRange, col::ZONE_ID)
        .filter(|range| {
            range.flag(col::FOR_VIRTUAL_NETWORK) && range.id_of(col::ACCOUNT_ID).is_none()
        })
        .find_map(|range| Some((range.id, first_free(world, range)?)))
}
