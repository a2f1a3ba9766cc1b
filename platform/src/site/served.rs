//! The networks that a router serves: one, or several, such as the tiers of a VPC.
//!
//! The first is `guestnetworkid`, with an address of the router's own in it. In every
//! further one the router is the gateway.

use crate::{
    col,
    engine::{Resource, ResourceId, Tx, World},
    table::Kind,
};

/// The networks of a router, the first one first.
pub(crate) fn networks_of(router: &Resource) -> Vec<ResourceId> {
    router
        .id_of(col::GUEST_NETWORK_ID)
        .into_iter()
        .chain(router.ids_of(col::MORE_NETWORKS))
        .collect()
}

/// The routers of a network, the oldest first.
pub(crate) fn routers_of(world: &World, network: ResourceId) -> Vec<ResourceId> {
    let mut routers = world.ids_referring(network, Kind::Router, col::GUEST_NETWORK_ID);
    routers.extend(world.ids_referring(network, Kind::Router, col::MORE_NETWORKS));
    routers.sort_unstable();
    routers
}

/// The addresses that routers have in a network, beside that of its gateway.
pub(crate) fn addresses_in(world: &World, network: ResourceId) -> impl Iterator<Item = &str> {
    world
        .referring(network, Kind::Router, col::GUEST_NETWORK_ID)
        .map(|router| router.text(col::GUEST_IP_ADDRESS))
}

/// Lets a router serve one more network, as its gateway.
pub(crate) fn serve(tx: &mut Tx<'_>, router: ResourceId, network: ResourceId) {
    let mut networks = tx.resource(router).ids_of(col::MORE_NETWORKS);
    if networks_of(tx.resource(router)).contains(&network) {
        return;
    }
    networks.push(network);
    tx.edit(router, |router| {
        router.set_refs(col::MORE_NETWORKS, networks);
    });
}

/// Takes a network from a router; false if it was the only one. Where it was the first, the
/// next takes its place.
pub(crate) fn leave(tx: &mut Tx<'_>, router: ResourceId, network: ResourceId) -> bool {
    let mut networks = networks_of(tx.resource(router));
    networks.retain(|other| *other != network);
    let Some((first, more)) = networks.split_first() else { return false };
    let (first, more) = (tx.resource(*first).clone(), more.to_vec());
    tx.edit(router, |router| {
        if router.id_of(col::GUEST_NETWORK_ID) == Some(network) {
            router
                .set_ref(col::GUEST_NETWORK_ID, first.id)
                .set_text(col::GUEST_IP_ADDRESS, first.text(col::GATEWAY))
                .set_text(col::GUEST_NETMASK, first.text(col::NETMASK))
                .set_ref(col::GUEST_RANGE, None);
        }
        router.set_refs(col::MORE_NETWORKS, more);
    });
    true
}
