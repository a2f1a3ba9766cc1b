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

mod invitation;
mod members;

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{
        Answer, Call, Caller, Done, Node, Query, Resource, ResourceId, Scope, View, World,
        limit as limits, refusal, scope, stop_all_of, table,
    },
    identity::{account, governed::ADMIN, limit},
    network::securitygroup,
    state::{InvitationState, ProjectState},
    table::{
        Command, Kind, KindSpec, Limit, Object, OnDelete, ParamType::*, Role, Roles, Unique,
        WireType as W, Within, extended, f, fields::*, group, hidden, own, p,
    },
};

pub(crate) use invitation::{invites, is_invited};

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
        .on_due(invitation::expire);

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
        .check(|call| members::plan(call).map(drop))
        .act(members::add_account),
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
        .check(|call| members::leaver(call).map(drop))
        .act(members::remove_account),
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
        .check(invitation::check_withdrawn)
        .act(invitation::withdraw),
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
        .read(members::list_members),
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
        .read(invitation::list_invitations),
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
        .check(|call| invitation::answered(call).map(drop))
        .act(invitation::answer),
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
    members::join(call.tx, project, admin, ADMIN);
    securitygroup::ensure_default(call.tx, owner);
    account::bill(call.tx, owner);
    Ok(Some(project))
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
    let member = members::member_named(call.tx, project, name).ok_or_else(|| {
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
