//! Gateways of both ends of connections.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, World},
    table::Kind,
};

/// The connections of a gateway of either end.
pub(super) fn connections(world: &World, gateway: ResourceId) -> impl Iterator<Item = &Resource> {
    let end = match world.resource(gateway).kind {
        Kind::CustomerGateway => col::S2S_CUSTOMER_GATEWAY_ID,
        _ => col::S2S_VPN_GATEWAY_ID,
    };
    world.referring(gateway, Kind::VpnConnection, end)
}

/// Refuses to delete a gateway, of either end, that connections have.
pub(super) fn refuse_connected(world: &World, id: ResourceId) -> Result<(), ApiError> {
    match connections(world, id).count() {
        0 => Ok(()),
        count => Err(world.resource(id).refused(
            "id",
            format!("has {count} VPN connections and cannot be deleted; delete them first"),
        )),
    }
}

pub(super) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_connected(call.tx, id)?;
    call.tx.remove_with_dependants(id);
    Ok(Done::Success)
}
