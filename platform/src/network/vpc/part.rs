//! The parts of a VPC, by their references to it.

use crate::{
    col,
    engine::{Resource, ResourceId, World},
    table::Kind,
};

/// The tiers of a VPC, the oldest first.
pub(crate) fn tiers(world: &World, vpc: ResourceId) -> impl Iterator<Item = &Resource> {
    world.referring(vpc, Kind::Network, col::VPC_ID)
}

/// The router of a VPC, which there is from its start on.
pub(crate) fn router(world: &World, vpc: ResourceId) -> Option<ResourceId> {
    world.referring(vpc, Kind::Router, col::VPC_ID).next().map(|router| router.id)
}

/// The source NAT address of a VPC.
pub(crate) fn source_nat(world: &World, vpc: ResourceId) -> Option<&Resource> {
    addresses(world, vpc).find(|address| address.flag(col::IS_SOURCE_NAT))
}

/// The public addresses of a VPC, the oldest first.
pub(crate) fn addresses(world: &World, vpc: ResourceId) -> impl Iterator<Item = &Resource> {
    world.referring(vpc, Kind::IpAddress, col::VPC_ID)
}

/// The private gateways of a VPC, the oldest first.
pub(crate) fn gateways(world: &World, vpc: ResourceId) -> impl Iterator<Item = &Resource> {
    world.referring(vpc, Kind::PrivateGateway, col::VPC_ID)
}
