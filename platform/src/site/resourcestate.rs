//! Resource states of hosts: how much the operator lets a host do.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, ResourceId, Tx},
};

/// Everything.
pub(crate) const ENABLED: &str = "Enabled";
/// Nothing new.
pub(crate) const DISABLED: &str = "Disabled";
/// Nothing new, while its machines move away.
pub(crate) const PREPARING: &str = "PrepareForMaintenance";
/// Nothing at all.
pub(crate) const MAINTENANCE: &str = "Maintenance";
/// Nothing new: not all of its machines could be moved away.
pub(crate) const IN_ERROR: &str = "ErrorInMaintenance";

/// Refuses what only a host in one of some states allows.
pub(crate) fn must_be(call: &Call<'_, '_>, states: &[&str], hint: &str) -> Result<(), ApiError> {
    let host = call.tx.resource(call.args.id_required("id"));
    let state = host.text(col::RESOURCE_STATE);
    if states.contains(&state) {
        return Ok(());
    }
    Err(host.refused("id", format!("is in {state}; {hint}")))
}

/// Puts a host into a resource state.
pub(crate) fn set_resource_state(tx: &mut Tx<'_>, id: ResourceId, state: &str) {
    tx.edit(id, |host| {
        host.set_text(col::RESOURCE_STATE, state);
    });
}
