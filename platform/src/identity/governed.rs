//! Accounts and users as those who govern them see them: their states, and who may.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, ResourceId, States, World, table},
    state::AccountState,
    table::{Kind, Role},
};

/// The states of accounts and users, and the moves between them.
/// The states of an account and of its users.
pub(crate) const STATES: States = table!(AccountState: Enabled, Disabled, Locked;
    Enabled => Disabled, Locked;
    Locked => Disabled, Enabled;
    Disabled => Enabled;
);

/// Refuses an account that the caller may not govern: one outside its domains, and
/// a root admin's for anybody but root admins.
pub(crate) fn refuse_ungoverned(call: &Call<'_, '_>, id: ResourceId) -> Result<(), ApiError> {
    let is_above = call.tx.role_of(id) == Some(Role::RootAdmin) && !call.caller.is_root();
    if is_above || !call.tx.may_govern(&call.caller, call.tx.domain_of(id)) {
        return Err(call.tx.resource(id).refused_as(
            ApiError::permission,
            "id",
            "is not one the caller may govern",
        ));
    }
    Ok(())
}

/// The role of the accounts that administer a project.
pub(crate) const ADMIN: &str = "Admin";

/// The projects that an account administers.
pub(crate) fn administered_by(
    world: &World,
    account: ResourceId,
) -> impl Iterator<Item = ResourceId> {
    world
        .owned_by(account, Kind::ProjectAccount)
        .filter(|member| member.text(col::ROLE) == ADMIN)
        .filter_map(|member| member.id_of(col::PROJECT_ID))
}
