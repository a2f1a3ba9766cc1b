//! The image stores that serve a zone.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{ResourceId, World},
    table::Kind,
};

/// Tells whether a zone can reach an image store: one of its own or one for all zones.
pub(crate) fn serves(world: &World, zone: ResourceId) -> bool {
    world.all(Kind::ImageStore).any(|store| store.id_of(col::ZONE_ID).is_none_or(|of| of == zone))
}

/// Refuses what needs an image store where a zone has none.
pub(crate) fn refuse_without(world: &World, zone: ResourceId) -> Result<(), ApiError> {
    if serves(world, zone) {
        return Ok(());
    }
    let zone = world.resource(zone);
    Err(zone.refused_as(ApiError::unavailable, "zoneid", "has no image store; add one first"))
}
