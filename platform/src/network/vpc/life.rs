//! The life of a VPC: started with a source NAT address and a router, restarted, deleted.

use cloudtally_model::ApiError;

use super::{gateway, part, router};
use crate::{
    col,
    engine::{Call, Done, ResourceId, Tx},
    network::{
        address::{self, Holder, Purpose},
        sitevpn,
    },
    state::VpcState,
    table::Kind,
};

/// Starts a VPC: the address that its tiers share, and the router.
pub(super) fn start(tx: &mut Tx<'_>, id: ResourceId) -> Result<(), ApiError> {
    let vpc = tx.resource(id);
    let (owner, zone) = (vpc.owner, vpc.id_of(col::ZONE_ID));
    let (owner, zone) = (owner.expect("VPCs have an owner"), zone.expect("VPCs are in a zone"));
    if part::source_nat(tx, id).is_none() {
        address::acquire(tx, owner, zone, Holder::Vpc(id), Purpose::SourceNat)?;
    }
    router::ensure(tx, id)?;
    Ok(())
}

/// Refuses what needs a VPC that is not on its way to its end.
pub(crate) fn must_be_enabled(
    tx: &Tx<'_>,
    vpc: ResourceId,
    done: &str,
    parameter: &'static str,
) -> Result<(), ApiError> {
    tx.resource(vpc).must_be(&[VpcState::Enabled], done, parameter)
}

/// Replaces the router of a VPC by a new one, with the same source NAT address.
pub(super) fn restart(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    must_be_enabled(call.tx, id, "restarted", "id")?;
    router::destroy(call.tx, id);
    start(call.tx, id)?;
    require_restart(call.tx, id, false);
    Ok(Done::Success)
}

/// Says of a VPC whether it has to be restarted.
pub(super) fn require_restart(tx: &mut Tx<'_>, id: ResourceId, is_required: bool) {
    tx.edit(id, |vpc| {
        vpc.set_flag(col::RESTART_REQUIRED, is_required);
    });
}

/// The restart failed: what was there is there still, and another has to be tried.
pub(super) fn restart_failed(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::Vpc, *id).is_some()) {
        require_restart(call.tx, id, true);
    }
}

/// Refuses to delete a VPC with tiers.
fn refuse_tiers(tx: &Tx<'_>, id: ResourceId) -> Result<(), ApiError> {
    match part::tiers(tx, id).count() {
        0 => Ok(()),
        count => Err(tx
            .resource(id)
            .refused("id", format!("has {count} tiers and cannot be deleted; delete them first"))),
    }
}

/// Begins to delete a VPC: from now on nothing is added to it.
pub(super) fn begin_delete(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let id = call.args.id_required("id");
    refuse_tiers(call.tx, id)?;
    call.tx.move_to(id, VpcState::Inactive);
    Ok(Some(id))
}

pub(super) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_tiers(call.tx, id)?;
    destroy(call.tx, id);
    Ok(Done::Success)
}

/// Takes a VPC without tiers away with all that belongs to it. A portable address of it
/// stays its owner's.
pub(crate) fn destroy(tx: &mut Tx<'_>, id: ResourceId) {
    if tx.resource(id).is(VpcState::Enabled) {
        tx.move_to(id, VpcState::Inactive);
    }
    router::destroy(tx, id);
    sitevpn::remove_all(tx, id);
    gateway::remove_all(tx, id);
    let addresses: Vec<ResourceId> = part::addresses(tx, id).map(|address| address.id).collect();
    for address in addresses {
        address::leave_vpc(tx, address);
    }
    tx.remove_with_dependants(id);
}

/// Ends the VPCs whose deletion began and was not finished, every `vpc.cleanup.interval`.
pub(crate) fn clean_up(tx: &mut Tx<'_>) {
    let inactive = tx.all(Kind::Vpc).filter(|vpc| vpc.is(VpcState::Inactive));
    let inactive: Vec<ResourceId> = inactive.map(|vpc| vpc.id).collect();
    for id in inactive {
        destroy(tx, id);
    }
}
