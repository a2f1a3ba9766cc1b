//! The accounts of a project: joining, leaving, and the list of them.

use cloudtally_model::ApiError;

use super::{
    INVITE_REQUIRED, INVITE_TIMEOUT, REGULAR, ROLES, account_name, members, must_administer,
};
use crate::{
    col,
    engine::{Answer, Call, Done, Query, Resource, ResourceId, Tx, World, refusal, scope, secret},
    identity::governed::ADMIN,
    state::{InvitationState, ProjectState},
    table::Kind,
};

pub(super) fn join(tx: &mut Tx<'_>, project: ResourceId, account: ResourceId, role: &str) {
    let domain = tx.domain_of(account);
    tx.insert(Kind::ProjectAccount, |member| {
        member.owner = Some(account);
        member
            .set_ref(col::PROJECT_ID, project)
            .set_ref(col::ACCOUNT_ID, account)
            .set_ref(col::DOMAIN_ID, domain)
            .set_text(col::ROLE, role);
    });
}

pub(super) fn member_named<'w>(
    world: &'w World,
    project: ResourceId,
    name: &str,
) -> Option<&'w Resource> {
    members(world, project).find(|member| account_name(world, member).eq_ignore_ascii_case(name))
}

/// Whom addAccountToProject adds or invites.
pub(super) struct Plan {
    project: ResourceId,
    account: Option<ResourceId>,
    email: Option<String>,
    is_invited: bool,
}

pub(super) fn plan(call: &Call<'_, '_>) -> Result<Plan, ApiError> {
    // 1. A project that the caller may change, and that takes something new.
    let project = call.args.id_required("projectid");
    must_administer(call, project)?;
    let resource = call.tx.resource(project);
    if !resource.is(ProjectState::Active) {
        return Err(resource.refused(
            "projectid",
            format!(
                "is {}; activate it before accounts are added to it",
                resource.state().to_lowercase()
            ),
        ));
    }
    // 2. An account of the project's domain, or an address.
    let domain = call.tx.domain_of(scope::project_account(call.tx, project));
    let account = match call.args.text("account") {
        None => None,
        Some(name) => {
            let found = call.tx.account_named(domain, name);
            let found = found.filter(|account| call.tx.project_of(account.id).is_none());
            Some(found.map(|account| account.id).ok_or_else(|| {
                let path = call.tx.login_path(domain);
                call.invalid("account", name, &format!("there is no such account in {path}"))
            })?)
        }
    };
    let email = call.args.text("email").map(str::to_owned);
    let is_invited = call.tx.setting_flag(INVITE_REQUIRED);
    match (account, &email) {
        (None, None) => return Err(refusal::one_of(&["account", "email"])),
        (None, Some(email)) if !is_invited => {
            return Err(call.invalid(
                "email",
                email,
                "invitations are off here (`project.invite.required`); give `account`",
            ));
        }
        (Some(_), Some(email)) if !is_invited => {
            return Err(call.invalid(
                "email",
                email,
                "invitations are off here (`project.invite.required`); leave it out",
            ));
        }
        _ => {}
    }
    // 3. Nobody twice.
    let pending = call
        .tx
        .referring(project, Kind::ProjectInvitation, col::PROJECT_ID)
        .filter(|invitation| invitation.is(InvitationState::Pending));
    let is_same = |invitation: &Resource| match (&email, account) {
        (Some(email), _) if invitation.text(col::EMAIL).eq_ignore_ascii_case(email) => true,
        (_, Some(account)) => invitation.owner == Some(account),
        _ => false,
    };
    if is_invited && pending.into_iter().any(is_same) {
        return Err(refusal::parameter(
            "account",
            "or `email` has a pending invitation already; withdraw it with deleteProjectInvitation first",
        ));
    }
    Ok(Plan { project, account, email, is_invited })
}

pub(super) fn add_account(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let Plan { project, account, email, is_invited } = plan(call)?;
    let outsider = account.filter(|account| !call.tx.is_member(project, *account));
    if !is_invited {
        if let Some(account) = outsider {
            join(call.tx, project, account, REGULAR);
        }
        return Ok(Done::Success);
    }
    let due = call.tx.now + call.tx.setting_time(INVITE_TIMEOUT, 1000);
    let invite = |tx: &mut Tx<'_>, owner: ResourceId, email: Option<(&str, &str)>| {
        tx.insert(Kind::ProjectInvitation, |invitation| {
            invitation.owner = Some(owner);
            invitation.set_ref(col::PROJECT_ID, project).set_time(col::DUE, due);
            if let Some((address, token)) = email {
                invitation.set_text(col::EMAIL, address).set_text(col::TOKEN, token);
            }
        });
    };
    if let Some(account) = outsider {
        invite(call.tx, account, None);
    }
    if let Some(email) = email {
        let token = secret::password(call.tx.entropy)?;
        let owner = scope::project_account(call.tx, project);
        invite(call.tx, owner, Some((&email, &token)));
        call.detail = format!("the mail to {email} has the token {token}");
    }
    Ok(Done::Success)
}

/// The member that deleteAccountFromProject takes out.
pub(super) fn leaver(call: &Call<'_, '_>) -> Result<ResourceId, ApiError> {
    let project = call.args.id_required("projectid");
    must_administer(call, project)?;
    let name = call.args.text_required("account");
    let member = member_named(call.tx, project, name)
        .ok_or_else(|| call.invalid("account", name, "the account is not in the project"))?;
    if member.text(col::ROLE) == ADMIN {
        return Err(refusal::parameter(
            "account",
            format!(
                "is {name}, who administers the project; make another member its administrator first, with updateProject"
            ),
        ));
    }
    Ok(member.id)
}

pub(super) fn remove_account(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let member = leaver(call)?;
    call.tx.remove(member);
    Ok(Done::Success)
}

/// The members of a project, of an account's name or a role.
pub(super) fn list_members(query: &Query<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (query.args.id_required("projectid"), query.args.text("account"));
    let role = match query.args.text("role") {
        None => None,
        Some(given) => {
            let role = ROLES.into_iter().find(|role| role.eq_ignore_ascii_case(given));
            Some(role.ok_or_else(|| query.invalid("role", given, "expected `Admin` or `Regular`"))?)
        }
    };
    let keyword = query.args.text("keyword").map(str::to_lowercase);
    query.page(members(query.world, project).filter(|member| {
        let account = account_name(query.world, member);
        name.is_none_or(|name| account.eq_ignore_ascii_case(name))
            && role.is_none_or(|role| member.text(col::ROLE) == role)
            && keyword.as_ref().is_none_or(|word| account.to_lowercase().contains(word))
    }))
}
