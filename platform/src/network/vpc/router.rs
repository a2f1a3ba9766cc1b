//! The router of a VPC: one for all its tiers, from the start of the VPC to its end.
//!
//! It is the gateway of each tier that is set up, and has no first network as other routers
//! have: `guestnetworkid` is empty, and all its tiers stand in `morenetworks`.

use cloudtally_model::ApiError;

use super::part;
use crate::{
    col,
    engine::{ResourceId, Tx},
    network::router_vm,
    site::served,
    state::{MachineState, NetworkState},
    table::Kind,
};

/// Makes sure that a VPC has its router, and that it runs.
pub(crate) fn ensure(tx: &mut Tx<'_>, vpc: ResourceId) -> Result<ResourceId, ApiError> {
    let id = match part::router(tx, vpc) {
        Some(id) => id,
        None => insert(tx, vpc),
    };
    router_vm::run_if_stopped(tx, id)?;
    Ok(id)
}

/// Makes the stopped router of a VPC, as gateway of the tiers that are set up.
fn insert(tx: &mut Tx<'_>, vpc: ResourceId) -> ResourceId {
    let of = tx.resource(vpc).clone();
    let zone = of.id_of(col::ZONE_ID).expect("VPCs are in a zone");
    let dns1 = tx.resource(zone).text(col::DNS1).to_owned();
    let tiers = part::tiers(tx, vpc).filter(|tier| tier.is(NetworkState::Implemented));
    let tiers: Vec<ResourceId> = tiers.map(|tier| tier.id).collect();
    let id = tx.insert(Kind::Router, |router| {
        router.owner = of.owner;
        router
            .set_ref(col::ZONE_ID, zone)
            .set_ref(col::VPC_ID, vpc)
            .set_text(col::DNS1, &dns1)
            .set_flag(col::IS_REDUNDANT_ROUTER, false)
            .set_text(col::REDUNDANT_STATE, "UNKNOWN")
            .set_text(col::ROLE, "VIRTUAL_ROUTER")
            .set_refs(col::MORE_NETWORKS, tiers);
    });
    tx.edit(id, |router| {
        router.set_text(col::NAME, &format!("r-{id}-VM"));
    });
    id
}

/// Gives the router of a VPC its place in a tier that is set up.
pub(crate) fn plug(tx: &mut Tx<'_>, vpc: ResourceId, tier: ResourceId) -> Result<(), ApiError> {
    let id = ensure(tx, vpc)?;
    // What went by until now was none of the tier's machines.
    router_vm::count(tx, id);
    served::serve(tx, id, tier);
    Ok(())
}

/// Takes that place away, where it has one; the router runs on.
pub(crate) fn unplug(tx: &mut Tx<'_>, vpc: ResourceId, tier: ResourceId) {
    let Some(id) = part::router(tx, vpc) else { return };
    router_vm::count(tx, id);
    let mut tiers = tx.resource(id).ids_of(col::MORE_NETWORKS);
    tiers.retain(|other| *other != tier);
    tx.edit(id, |router| {
        router.set_refs(col::MORE_NETWORKS, tiers);
    });
}

/// Takes the router of a VPC away.
pub(crate) fn destroy(tx: &mut Tx<'_>, vpc: ResourceId) {
    let Some(id) = part::router(tx, vpc) else { return };
    if tx.resource(id).is(MachineState::Running) {
        tx.move_to(id, MachineState::Stopped);
    }
    tx.remove_with_dependants(id);
}
