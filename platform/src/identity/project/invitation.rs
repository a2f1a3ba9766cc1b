//! Invitations to projects: answered, withdrawn, expired, listed.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{
        Answer, Arg, Call, Caller, Done, Query, Resource, ResourceId, Scope, Tx, World, refusal,
        scope, unknown,
    },
    state::InvitationState,
    table::Kind,
};

use super::{INVITATION_KIND, REGULAR, account_name, administers, members::join, must_administer};

pub(super) fn check_withdrawn(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let invitation = call.tx.resource(call.args.id_required("id"));
    let project = invitation.id_of(col::PROJECT_ID).expect("invitations are to a project");
    must_administer(call, project)
}

pub(super) fn withdraw(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    call.tx.remove(call.entity_id());
    Ok(Done::Success)
}

/// The time of an invitation is up.
pub(super) fn expire(tx: &mut Tx<'_>, invitation: ResourceId) {
    tx.edit(invitation, |invitation| {
        invitation.set_time(col::DUE, None);
    });
    if tx.resource(invitation).is(InvitationState::Pending) {
        tx.move_to(invitation, InvitationState::Expired);
    }
}

/// Refuses somebody who is neither invited nor has the token of a mail, in the words for
/// a project that does not exist: who guesses must not learn that it does.
fn refuse_stranger(
    world: &World,
    caller: &Caller,
    project: ResourceId,
    token: Option<&str>,
) -> Result<(), ApiError> {
    let resource = world.resource(project);
    let mut pending = world
        .referring(project, Kind::ProjectInvitation, col::PROJECT_ID)
        .filter(|invitation| invitation.is(InvitationState::Pending));
    let is_for_caller = |invitation: &Resource| match invitation.text(col::TOKEN) {
        "" => invitation.owner.is_some_and(|owner| world.may_act_for(caller, owner)),
        mailed => token == Some(mailed),
    };
    if world.may_touch(caller, resource) || pending.any(is_for_caller) {
        return Ok(());
    }
    Err(unknown("projectid", &resource.uuid.to_string(), Kind::Project.noun()))
}

/// The pending invitation, and the account that answers it.
pub(super) fn answered(call: &Call<'_, '_>) -> Result<(ResourceId, ResourceId), ApiError> {
    // 1. Who answers: the account named, which the caller must act for, or its own.
    let project = call.args.id_required("projectid");
    refuse_stranger(call.tx, &call.caller, project, call.args.text_if_any("token"))?;
    let account = match call.args.text("account") {
        None => call.caller.account,
        Some(name) => {
            let domain = call.tx.domain_of(scope::project_account(call.tx, project));
            scope::named_account(call.tx, &call.caller, name, Some(domain))?
        }
    };
    // 2. Which one: by its token, or of the account.
    let token = call.args.text("token");
    let invitation = call
        .tx
        .referring(project, Kind::ProjectInvitation, col::PROJECT_ID)
        .filter(|invitation| invitation.is(InvitationState::Pending))
        .find(|invitation| match token {
            Some(token) => invitation.text(col::TOKEN) == token,
            None => invitation.owner == Some(account),
        });
    let invitation = invitation.ok_or_else(|| match token {
        Some(_) => refusal::parameter("token", "is of no pending invitation to this project"),
        None => call
            .tx
            .resource(account)
            .refused("projectid", "has no pending invitation to this project"),
    })?;
    Ok((invitation.id, account))
}

pub(super) fn answer(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (invitation, account) = answered(call)?;
    let project = call.args.id_required("projectid");
    let is_accepted = call.args.flag("accept") != Some(false);
    call.tx.move_to(
        invitation,
        if is_accepted { InvitationState::Completed } else { InvitationState::Declined },
    );
    call.tx.edit(invitation, |invitation| {
        invitation.owner = Some(account);
        invitation.set_time(col::DUE, None).clear(col::TOKEN);
    });
    if is_accepted && !call.tx.is_member(project, account) {
        join(call.tx, project, account, REGULAR);
    }
    Ok(Done::Success)
}

/// An invited account may name the project and its own invitation.
/// Tells whether a project waits for the answer of somebody the caller may act for,
/// or of whoever has the token of a mail.
pub(crate) fn is_invited(world: &World, caller: &Caller, project: ResourceId) -> bool {
    world.referring(project, Kind::ProjectInvitation, col::PROJECT_ID).any(|invitation| {
        invitation.is(InvitationState::Pending)
            && (!invitation.text(col::TOKEN).is_empty()
                || invitation.owner.is_some_and(|owner| world.may_act_for(caller, owner)))
    })
}

/// Tells whether the caller may see an invitation because it may change the project.
pub(crate) fn invites(world: &World, caller: &Caller, invitation: &Resource) -> bool {
    let project = invitation.id_of(col::PROJECT_ID).and_then(|id| world.get(Kind::Project, id));
    project.is_some_and(|project| administers(world, caller, project))
}

/// Those of a project, to who may change it; else those of the accounts in scope.
pub(super) fn list_invitations(query: &Query<'_>) -> Result<Answer, ApiError> {
    let (world, caller) = (query.world, query.caller);
    let state = match query.args.text("state") {
        None => None,
        Some(given) => {
            let state = INVITATION_KIND.states.names.iter().find(|s| s.eq_ignore_ascii_case(given));
            let expected = "expected `Pending`, `Completed`, `Expired` or `Declined`";
            Some(*state.ok_or_else(|| query.invalid("state", given, expected))?)
        }
    };
    let project = match query.args.get("projectid") {
        Some(Arg::Id(project)) => Some(*project),
        _ => None,
    };
    if let Some(project) = project {
        refuse_stranger(world, caller, project, None)?;
    }
    let all_projects = matches!(query.args.get("projectid"), Some(Arg::All));
    let id = query.args.id("id");
    let scope = if project.is_none() { Some(Scope::of(world, caller, query.args)?) } else { None };
    let is_seen = |invitation: &Resource| {
        let is_of =
            |account| world.may_act_for(caller, account) && world.project_of(account).is_none();
        match (id, project, scope) {
            (Some(id), ..) => invitation.id == id,
            (None, Some(project), _) => {
                invitation.id_of(col::PROJECT_ID) == Some(project)
                    && (invites(world, caller, invitation) || invitation.owner.is_some_and(is_of))
            }
            (None, None, _) if all_projects => invites(world, caller, invitation),
            (None, None, Some(scope)) => {
                invitation.owner.is_some_and(|owner| scope.covers(world, caller, owner))
            }
            (None, None, None) => false,
        }
    };
    let is_active = query.args.is_true("activeonly");
    query.page(world.all(Kind::ProjectInvitation).filter(|invitation| {
        is_seen(invitation)
            && state.is_none_or(|state| invitation.state() == state)
            && (!is_active || invitation.is(InvitationState::Pending))
            && query.is_named_in(&[
                account_name(world, invitation),
                invitation.text(col::EMAIL),
                invitation
                    .id_of(col::PROJECT_ID)
                    .map_or("", |id| world.resource(id).text(col::NAME)),
            ])
    }))
}
