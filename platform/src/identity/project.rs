//! Projects: resources owned together, with members and invitations. Guide 4.2.7.6.
//!
//! All that is in a project belongs to an account of its own, of type 5 and without
//! users, so that limits, lists and the bill treat it as one owner. Who is in the
//! project is a row a member; one of them is its administrator. An invitation is a
//! row as well: to an account, or to an e-mail address with a token that whoever
//! shows it accepts with.
//!
//! The simulated cloud sends no mail: what would be mailed stands in the event of
//! the command, which only the inviting account sees.

use cloudtally_model::ApiError;

use super::{account, governed::ADMIN, limit};
use crate::{
    col,
    engine::{
        Answer, Arg, Call, Caller, Done, Node, Query, Resource, ResourceId, Scope, Tx, View, World,
        limit as limits, refusal, scope, secret, stop_all_of, table, unknown,
    },
    network::securitygroup,
    state::{InvitationState, ProjectState},
    table::{
        Command, Kind, KindSpec, Limit, Object, OnDelete, ParamType::*, Role, Roles, Unique,
        WireType as W, Within, extended, f, fields::*, group, hidden, own, p,
    },
};

/// The type of the accounts behind projects.
const ACCOUNT_TYPE: i64 = 5;
/// Any other member.
const REGULAR: &str = "Regular";
const ROLES: [&str; 2] = [ADMIN, REGULAR];

/// True if members must accept an invitation first.
const INVITE_REQUIRED: &str = "project.invite.required";
/// Seconds that an invitation can be accepted.
const INVITE_TIMEOUT: &str = "project.invite.timeout";
/// True if users may make projects.
const USERS_CREATE: &str = "allow.user.create.projects";

/// A project is owned by an account of its own, which owns what is in it.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Project, &PROJECT)
    .usable_by(|world, caller, project| is_invited(world, caller, project.id))
    .owned()
    .unique(&[Unique { column: col::NAME, within: Within::Domain }])
    .states(table!(ProjectState: Active, Disabled, Suspended;
        Active => Suspended, Disabled;
        Suspended => Active, Disabled;
    ))
    .keyword(&[col::NAME, col::DISPLAY_TEXT])
    .referred(&[
        (Kind::ProjectAccount, col::PROJECT_ID.reference(), OnDelete::Remove),
        (Kind::ProjectInvitation, col::PROJECT_ID.reference(), OnDelete::Remove),
    ])
    .tagged("Project");

/// The member is the owner.
pub(crate) static MEMBER_KIND: KindSpec = KindSpec::new(Kind::ProjectAccount, &PROJECT_ACCOUNT)
    .counts(&[(Limit::Project, |_, member| i64::from(member.text(col::ROLE) == ADMIN))])
    .owned();

/// The invited account is the owner; of one to an e-mail address it is the project's
/// account, until somebody accepts it.
pub(crate) static INVITATION_KIND: KindSpec =
    KindSpec::new(Kind::ProjectInvitation, &PROJECT_INVITATION)
        .usable_by(invites)
        .hidden(&[hidden("due", W::Date), hidden("token", W::Str)])
        .owned()
        .states(table!(InvitationState: Pending, Completed, Expired, Declined;
            Pending => Completed, Expired, Declined;
        ))
        .on_due(expire);

pub(crate) const PROJECT: Object = Object {
    name: "Project",
    fields: &extended::<{ WITH_NETWORKS.fields.len() + limit::OF_MACHINES.len() }>(
        &WITH_NETWORKS,
        "secondarystorageavailable",
        limit::OF_MACHINES,
    ),
};

/// A project without the limits of machines and what they hold.
const WITH_NETWORKS: Object = Object {
    name: "Project",
    fields: &extended::<{ WITHOUT_LIMITS.fields.len() + limit::OF_NETWORKS.len() }>(
        &WITHOUT_LIMITS,
        "tags",
        limit::OF_NETWORKS,
    ),
};

/// A project without limits.
const WITHOUT_LIMITS: Object = Object {
    name: "Project",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        DOMAIN_ID,
        DOMAIN,
        f("account", W::Str).by(administrators),
        STATE,
        TAGS,
    ],
};

pub(crate) const PROJECT_ACCOUNT: Object = Object {
    name: "ProjectAccount",
    fields: &[
        f("projectid", W::Id(Kind::Project)),
        f("project", W::Str).join(col::PROJECT_ID, "name"),
        f("accountid", W::Id(Kind::Account)),
        f("account", W::Str).join(col::ACCOUNT_ID, "name"),
        f("accounttype", W::Int).join(col::ACCOUNT_ID, "accounttype"),
        f("role", W::Str),
        f("domainid", W::Id(Kind::Domain)),
        f("domain", W::Str).join(col::DOMAIN_ID, "name"),
        f("user", W::Objects("User")).by(|view| {
            let account = view.resource.id_of(col::ACCOUNT_ID);
            account.map_or(Node::Null, |account| view.of(account).owned(Kind::User))
        }),
    ],
};

pub(crate) const PROJECT_INVITATION: Object = Object {
    name: "ProjectInvitation",
    fields: &[
        ID,
        f("projectid", W::Id(Kind::Project)),
        f("project", W::Str).join(col::PROJECT_ID, "name"),
        DOMAIN_ID,
        DOMAIN,
        ACCOUNT,
        f("email", W::Str),
        STATE,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("activateProject")
        .doc("Opens a suspended project again")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Project)).required()])
        .job("PROJECT.ACTIVATE")
        .object("project", &PROJECT)
        .kind(Kind::Project)
        .check(check_administered)
        .act(activate),
    own("addAccountToProject")
        .doc("Adds an account to a project, or invites it where invitations are required")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project)).required(),
            p("account", Str).doc("the account; this or `email`"),
            p("email", Str).doc("the address to send an invitation to; this or `account`"),
        ])
        .job("PROJECT.ACCOUNT.ADD")
        .success()
        .check(|call| plan(call).map(drop))
        .act(add_account),
    own("createProject")
        .doc("Makes a project")
        .roles(Roles::ALL)
        .params(&[
            p("account", Str).doc("the account that administers it; the caller's unless given"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
            p("name", Str).required(),
            p("displaytext", Str).required(),
        ])
        .create_job("PROJECT.CREATE")
        .object("project", &PROJECT)
        .kind(Kind::Project)
        .begin(create)
        .act(|call| Ok(Done::Resource(call.entity_id()))),
    own("deleteAccountFromProject")
        .doc("Takes an account out of a project")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project)).required(),
            p("account", Str).required().doc("the account"),
        ])
        .job("PROJECT.ACCOUNT.REMOVE")
        .success()
        .check(|call| leaver(call).map(drop))
        .act(remove_account),
    own("deleteProject")
        .doc("Removes a project with everything in it")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Project)).required()])
        .job("PROJECT.DELETE")
        .success()
        .kind(Kind::Project)
        .check(check_administered)
        .act(delete),
    own("deleteProjectInvitation")
        .doc("Withdraws an invitation to a project")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::ProjectInvitation)).required().usable()])
        .job("PROJECT.INVITATION.REMOVE")
        .success()
        .kind(Kind::ProjectInvitation)
        .check(check_withdrawn)
        .act(withdraw),
    own("listProjectAccounts")
        .doc("Lists the members of a project")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project)).required(),
            p("account", Str).doc("shows only this member"),
            p("role", Str).doc("`Admin` or `Regular`"),
        ])
        .groups(&[group::PAGED])
        .items("projectaccount", &PROJECT_ACCOUNT)
        .read(list_members),
    own("listProjectInvitations")
        .doc("Lists invitations to projects")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project))
                .usable()
                .or_all()
                .doc("shows only invitations to this project, or with -1 to any"),
            p("activeonly", Bool).doc("true for those that are pending and not expired"),
            p("state", Str).doc("`Pending`, `Completed`, `Expired` or `Declined`"),
            p("id", Id(Kind::ProjectInvitation)).usable(),
        ])
        .groups(&[group::PAGED, group::SCOPED])
        .items("projectinvitation", &PROJECT_INVITATION)
        .read(list_invitations),
    own("listProjects")
        .doc("Lists projects the caller is a member of or administers")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Project)),
            p("name", Str),
            p("displaytext", Str),
            p("state", Str).doc("`Active`, `Disabled` or `Suspended`"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::TAGGED])
        .items("project", &PROJECT)
        .read(list_projects),
    own("suspendProject")
        .doc("Stops the VMs of a project and takes no changes until it is activated")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Project)).required()])
        .job("PROJECT.SUSPEND")
        .object("project", &PROJECT)
        .kind(Kind::Project)
        .check(check_administered)
        .act(suspend),
    own("updateProject")
        .doc("Changes the description of a project or makes another member its administrator")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Project)).required(),
            p("account", Str).doc("the member who administers it from now on"),
            p("displaytext", Str),
        ])
        .job("PROJECT.UPDATE")
        .object("project", &PROJECT)
        .kind(Kind::Project)
        .check(check_update)
        .act(update),
    own("updateProjectInvitation")
        .doc("Accepts or declines an invitation to a project")
        .roles(Roles::ALL)
        .params(&[
            p("projectid", Id(Kind::Project)).required().usable(),
            p("account", Str).doc("the invited account; this or `token`"),
            p("token", Str).doc("the token from the invitation's e-mail; this or `account`"),
            p("accept", Bool).doc("false to decline; true unless given"),
        ])
        .job("PROJECT.INVITATION.UPDATE")
        .success()
        .check(|call| answered(call).map(drop))
        .act(answer),
];

/// The names of the members that administer a project, separated by commas.
fn administrators(view: &View<'_>) -> Node {
    let admins =
        members(view.world, view.resource.id).filter(|member| member.text(col::ROLE) == ADMIN);
    let names: Vec<&str> = admins.map(|member| account_name(view.world, member)).collect();
    if names.is_empty() { Node::Null } else { Node::text(names.join(",")) }
}

fn members(world: &World, project: ResourceId) -> impl Iterator<Item = &Resource> {
    world.referring(project, Kind::ProjectAccount, col::PROJECT_ID)
}

fn account_name<'w>(world: &'w World, member: &Resource) -> &'w str {
    member.owner.map_or("", |account| world.resource(account).text(col::NAME))
}

/// Tells whether the caller may change a project: its administrator, the admins of its
/// domain and of those above, and the root admin.
fn administers(world: &World, caller: &Caller, project: &Resource) -> bool {
    let domain = world.domain_of(scope::project_account(world, project.id));
    world.may_govern(caller, domain)
        || world
            .membership(project.id, caller.account)
            .is_some_and(|member| member.text(col::ROLE) == ADMIN)
}

/// Refuses who may not change a project.
fn must_administer(call: &Call<'_, '_>, project: ResourceId) -> Result<(), ApiError> {
    let project = call.tx.resource(project);
    if administers(call.tx, &call.caller, project) {
        return Ok(());
    }
    Err(project.refused_as(
        ApiError::permission,
        "projectid",
        "is changed by its administrator only",
    ))
}

fn check_administered(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    must_administer(call, call.args.id_required("id"))
}

fn create(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    // 1. Who administers it, and whether that is allowed.
    if call.caller.role == Role::User && !call.tx.setting_flag(USERS_CREATE) {
        return Err(refusal::reserved("making projects", "admins"));
    }
    let admin = call.owner()?;
    limits::check(call.tx, admin, Limit::Project, 1)?;
    // 2. The account that owns what will be in it.
    let domain = call.tx.domain_of(admin);
    let name = call.args.text_required("name").to_owned();
    let account_name = format!("PrjAcct-{name}-{domain}");
    let owner = account::insert(call.tx, domain, &account_name, ACCOUNT_TYPE);
    // 3. The project, with its first member.
    let text = call.args.text_required("displaytext").to_owned();
    let project = call.tx.insert(Kind::Project, |project| {
        project.owner = Some(owner);
        project.set_text(col::NAME, &name).set_text(col::DISPLAY_TEXT, &text);
    });
    call.check_unique(call.tx.resource(project))?;
    call.tx.edit(owner, |account| {
        account.set_ref(col::PROJECT, project);
    });
    join(call.tx, project, admin, ADMIN);
    securitygroup::ensure_default(call.tx, owner);
    account::bill(call.tx, owner);
    Ok(Some(project))
}

fn join(tx: &mut Tx<'_>, project: ResourceId, account: ResourceId, role: &str) {
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

fn activate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.move_to(id, ProjectState::Active);
    Ok(Done::Resource(id))
}

fn suspend(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.move_to(id, ProjectState::Suspended);
    let owner = scope::project_account(call.tx, id);
    stop_all_of(call.tx, owner);
    Ok(Done::Resource(id))
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    remove(call, call.entity_id())?;
    Ok(Done::Success)
}

/// Removes a project with everything in it, its members and invitations.
pub(crate) fn remove(call: &mut Call<'_, '_>, project: ResourceId) -> Result<(), ApiError> {
    let owner = scope::project_account(call.tx, project);
    call.tx.move_to(project, ProjectState::Disabled);
    account::remove(call.tx, owner);
    call.tx.remove_with_dependants(project);
    Ok(())
}

fn check_update(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    check_administered(call)?;
    heir(call).map(drop)
}

/// The member that is to administer the project from now on.
fn heir(call: &Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let Some(name) = call.args.text("account") else { return Ok(None) };
    let project = call.args.id_required("id");
    let member = member_named(call.tx, project, name).ok_or_else(|| {
        let expected = "only a member can administer the project; add the account first";
        call.invalid("account", name, expected)
    })?;
    if member.text(col::ROLE) == ADMIN {
        return Ok(None);
    }
    let account = member.owner.expect("members are accounts");
    limits::check(call.tx, account, Limit::Project, 1)?;
    Ok(Some(member.id))
}

fn member_named<'w>(world: &'w World, project: ResourceId, name: &str) -> Option<&'w Resource> {
    members(world, project).find(|member| account_name(world, member).eq_ignore_ascii_case(name))
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if let Some(heir) = heir(call)? {
        let admins: Vec<ResourceId> = members(call.tx, id)
            .filter(|member| member.text(col::ROLE) == ADMIN)
            .map(|member| member.id)
            .collect();
        for (member, role) in
            admins.into_iter().map(|admin| (admin, REGULAR)).chain([(heir, ADMIN)])
        {
            call.tx.edit(member, |member| {
                member.set_text(col::ROLE, role);
            });
        }
    }
    if let Some(text) = call.args.text("displaytext").map(str::to_owned) {
        call.tx.edit(id, |project| {
            project.set_text(col::DISPLAY_TEXT, &text);
        });
    }
    Ok(Done::Resource(id))
}

/// Whom addAccountToProject adds or invites.
struct Plan {
    project: ResourceId,
    account: Option<ResourceId>,
    email: Option<String>,
    is_invited: bool,
}

fn plan(call: &Call<'_, '_>) -> Result<Plan, ApiError> {
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

fn add_account(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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
fn leaver(call: &Call<'_, '_>) -> Result<ResourceId, ApiError> {
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

fn remove_account(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let member = leaver(call)?;
    call.tx.remove(member);
    Ok(Done::Success)
}

fn check_withdrawn(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let invitation = call.tx.resource(call.args.id_required("id"));
    let project = invitation.id_of(col::PROJECT_ID).expect("invitations are to a project");
    must_administer(call, project)
}

fn withdraw(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    call.tx.remove(call.entity_id());
    Ok(Done::Success)
}

/// The time of an invitation is up.
fn expire(tx: &mut Tx<'_>, invitation: ResourceId) {
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
fn answered(call: &Call<'_, '_>) -> Result<(ResourceId, ResourceId), ApiError> {
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

fn answer(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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

/// The members of a project, of an account's name or a role.
fn list_members(query: &Query<'_>) -> Result<Answer, ApiError> {
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

/// Those of a project, to who may change it; else those of the accounts in scope.
fn list_invitations(query: &Query<'_>) -> Result<Answer, ApiError> {
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

/// Those the caller is in; with `listall` or `domainid` those of domains, for their
/// admins; with `account` those that account is in.
fn list_projects(query: &Query<'_>) -> Result<Answer, ApiError> {
    let (world, caller) = (query.world, query.caller);
    let scope = Scope::of(world, caller, query.args)?;
    let id = query.args.id("id");
    let is_seen = |project: &Resource| {
        let domain = world.domain_of(scope::project_account(world, project.id));
        match (id, scope) {
            (Some(id), _) => project.id == id,
            (None, Scope::Account(account)) => world.is_member(project.id, account),
            (None, Scope::Domain(of)) => domain == of,
            (None, Scope::DomainTree(top)) => {
                world.is_within(domain, top)
                    || !query.args.has("domainid") && world.is_member(project.id, caller.account)
            }
            (None, Scope::Projects) => false,
        }
    };
    query.page(world.all(Kind::Project).filter(|project| is_seen(project) && query.passes(project)))
}
