//! Free addresses of isolated networks.

use std::collections::BTreeSet;

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{ResourceId, World},
    parse::{ip, iprange},
    site::served,
    table::Kind,
};

/// A free address of an isolated network: the one wanted, or the first.
pub(crate) fn free_in(
    world: &World,
    network: ResourceId,
    wanted: Option<&str>,
) -> Result<String, ApiError> {
    let on = world.resource(network);
    let mut taken: BTreeSet<&str> = world
        .referring(network, Kind::Nic, col::NETWORK_ID)
        .map(|nic| nic.text(col::IP_ADDRESS))
        .collect();
    taken.extend(
        world
            .referring(network, Kind::NicSecondaryIp, col::NETWORK_ID)
            .map(|ip| ip.text(col::IP_ADDRESS)),
    );
    taken.extend(served::addresses_in(world, network));
    taken.insert(on.text(col::GATEWAY));
    let cidr = on.text(col::CIDR);
    // Those the network was made for, or all.
    let bounds = iprange::bounds(on);
    let is_given =
        |address: u32| bounds.is_none_or(|(first, last)| (first..=last).contains(&address));
    if let Some(wanted) = wanted {
        if !ip::is_host(wanted, cidr) {
            return Err(on.refused(
                "networkid",
                format!("has the range {cidr}; {wanted} is no address for machines in it"),
            ));
        }
        if !ip::parse(wanted).is_some_and(is_given) {
            return Err(on.refused(
                "networkid",
                format!(
                    "gives its machines addresses from {} to {}, not {wanted}",
                    on.text(col::START_IP),
                    on.text(col::END_IP)
                ),
            ));
        }
        if taken.contains(wanted) {
            return Err(on.refused(
                "networkid",
                format!("has the address {wanted} taken already; choose another"),
            ));
        }
        return Ok(wanted.to_owned());
    }
    let mut free = ip::hosts(cidr).filter(|address| is_given(*address)).map(ip::format);
    free.find(|address| !taken.contains(address.as_str())).ok_or_else(|| {
        on.refused_as(
            ApiError::address_capacity,
            "networkid",
            format!("has no free address in {cidr}"),
        )
    })
}
