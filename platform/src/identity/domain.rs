//! Domains: the tree in which accounts stand, with the administrators of its branches.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, Resource, ResourceId, World, verbs},
    table::{
        Command, Kind, KindSpec, Object, OnDelete, ParamType::*, Roles, Unique, WireType as W,
        Within, f, fields::*, group, hidden, own, p,
    },
};

/// The path of a domain is shown, not stored: `ROOT/acme/dev`.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Domain, &DOMAIN)
    .hidden(&[hidden("givenid", W::Str)])
    .unique(&[Unique { column: col::NAME, within: Within::Column(col::PARENT_DOMAIN_ID) }])
    .keyword(&[col::NAME])
    .referred(&[(Kind::ResourceLimit, col::OF.reference(), OnDelete::Remove)]);

pub(crate) const DOMAIN: Object = Object {
    name: "Domain",
    fields: &[
        ID,
        f("name", W::Str),
        f("level", W::Int).by(|view| Node::Int(level(view.world, view.resource.id))),
        f("parentdomainid", W::Id(Kind::Domain)),
        f("parentdomainname", W::Str).join(col::PARENT_DOMAIN_ID, "name"),
        f("haschild", W::Bool).by(|view| {
            let mut children =
                view.world.referring(view.resource.id, Kind::Domain, col::PARENT_DOMAIN_ID);
            Node::Bool(children.next().is_some())
        }),
        f("networkdomain", W::Str),
        f("path", W::Str).by(|view| Node::text(view.world.domain_path(view.resource.id))),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createDomain")
        .doc("Makes a domain below another")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required(),
            p("parentdomainid", Id(Kind::Domain)).doc("the domain above it; ROOT unless given"),
            p("networkdomain", NetworkDomain),
            p("domainid", Str)
                .doc("an id for the domain, any text, to make it the same in all regions"),
        ])
        .event("DOMAIN.CREATE")
        .object("domain", &DOMAIN)
        .act(create),
    own("deleteDomain")
        .doc("Removes an empty domain, or with `cleanup` all that is in it")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Domain)).required(),
            p("cleanup", Bool)
                .doc("true to remove its accounts and subdomains with it; false unless given"),
        ])
        .job("DOMAIN.DELETE")
        .success()
        .kind(Kind::Domain)
        .check(check_delete)
        .act(delete),
    own("listDomainChildren")
        .doc("Lists the domains directly below a domain, or all of them")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Domain))
                .doc("the domain whose children are shown; the caller's unless given"),
            p("name", Str),
            p("isrecursive", Bool).doc("true to show the whole tree below"),
            p("listall", Bool),
        ])
        .groups(&[group::PAGED])
        .items("domain", &DOMAIN)
        .read(list_children),
    own("listDomains")
        .doc("Lists domains the caller may see")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Domain)),
            p("level", Int).doc("shows only domains this many steps below ROOT"),
            p("name", Str),
            p("listall", Bool),
        ])
        .groups(&[group::PAGED])
        .items("domain", &DOMAIN)
        .read(list_domains),
    own("updateDomain")
        .doc("Renames a domain or changes its DNS suffix")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Domain)).required(),
            p("name", Str),
            p("networkdomain", NetworkDomain),
        ])
        .event("DOMAIN.UPDATE")
        .object("domain", &DOMAIN)
        .kind(Kind::Domain)
        .act(update),
];

/// The number of steps that a domain is below ROOT.
fn level(world: &World, domain: ResourceId) -> i64 {
    i64::try_from(world.lineage(domain).count()).unwrap_or(i64::MAX) - 1
}

fn check_name(call: &Call<'_, '_>) -> Result<(), ApiError> {
    match call.args.text("name") {
        Some(name) if name.contains('/') => {
            Err(call.invalid("name", name, "names of domains have no `/`"))
        }
        _ => Ok(()),
    }
}

fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_name(call)?;
    let given = super::user::given_id(call, "domainid", Kind::Domain)?;
    let parent = call.args.id("parentdomainid").unwrap_or_else(|| call.tx.root_domain());
    let args = call.args.clone();
    let id = call.tx.insert(Kind::Domain, |domain| {
        if let Some(id) = &given {
            domain.set_id(id);
        }
        domain
            .set_text(col::NAME, args.text_required("name"))
            .set_ref(col::PARENT_DOMAIN_ID, parent);
        if let Some(suffix) = args.text("networkdomain") {
            domain.set_text(col::NETWORK_DOMAIN, suffix);
        }
    });
    call.check_unique(call.tx.resource(id))?;
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_name(call)?;
    let id = call.entity_id();
    if id == call.tx.root_domain() && call.args.has("name") {
        return Err(call.tx.resource(id).refused("id", "is the root of all and keeps its name"));
    }
    let mut domain = call.entity().clone();
    verbs::assign(call, &mut domain);
    call.check_unique(&domain)?;
    call.tx.edit(id, |old| *old = domain);
    // The bill names accounts by the path of their domain.
    let accounts: Vec<ResourceId> = call
        .tx
        .all(Kind::Account)
        .filter(|account| call.tx.is_within(call.tx.domain_of(account.id), id))
        .map(|account| account.id)
        .collect();
    for account in accounts {
        super::account::bill(call.tx, account);
    }
    Ok(Done::Resource(id))
}

fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    if call.args.id("id") == Some(call.tx.root_domain()) {
        return Err(call
            .tx
            .resource(call.tx.root_domain())
            .refused("id", "is the root of all and cannot be removed"));
    }
    Ok(())
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.args.is_true("cleanup") {
        remove_tree(call, id)?;
        return Ok(Done::Success);
    }
    let children = call.tx.referring(id, Kind::Domain, col::PARENT_DOMAIN_ID).count();
    let accounts = call.tx.referring(id, Kind::Account, col::DOMAIN_ID).count();
    let networks = call.tx.referring(id, Kind::Network, col::SHARED_DOMAIN).count();
    if children + accounts + networks > 0 {
        return Err(call.tx.resource(id).refused_as(ApiError::in_use, "id", format!("has {accounts} accounts and {children} subdomains, and {networks} networks are for it; remove them first or give `cleanup=true`")));
    }
    call.tx.remove_with_dependants(id);
    Ok(Done::Success)
}

/// Removes a domain with all accounts and domains below it, the deepest first.
fn remove_tree(call: &mut Call<'_, '_>, domain: ResourceId) -> Result<(), ApiError> {
    for child in call.tx.ids_referring(domain, Kind::Domain, col::PARENT_DOMAIN_ID) {
        remove_tree(call, child)?;
    }
    // Projects go first: their members are accounts of the domain.
    let in_domain = |account: &ResourceId| call.tx.project_of(*account).map(|project| project.id);
    let accounts = call.tx.ids_referring(domain, Kind::Account, col::DOMAIN_ID);
    let projects: Vec<ResourceId> = accounts.iter().filter_map(in_domain).collect();
    for project in projects {
        super::project::remove(call, project)?;
    }
    for account in call.tx.ids_referring(domain, Kind::Account, col::DOMAIN_ID) {
        super::account::remove(call.tx, account);
    }
    // Whose machines could be on its networks is gone by now.
    for network in call.tx.ids_referring(domain, Kind::Network, col::SHARED_DOMAIN) {
        crate::network::guest::remove(call.tx, network);
    }
    call.tx.remove_with_dependants(domain);
    Ok(())
}

/// The domains the caller may see: its own, and those below it for admins.
fn seen<'q>(query: &'q Query<'_>) -> impl Iterator<Item = &'q Resource> {
    query.world.all(Kind::Domain).filter(|domain| query.world.may_touch(query.caller, domain))
}

fn is_wanted(query: &Query<'_>, domain: &Resource) -> bool {
    let same = |name: &str| domain.text(col::NAME).eq_ignore_ascii_case(name);
    let contains =
        |keyword: &str| domain.text(col::NAME).to_lowercase().contains(&keyword.to_lowercase());
    query.args.text("name").is_none_or(same) && query.args.text("keyword").is_none_or(contains)
}

fn list_domains(query: &Query<'_>) -> Result<Answer, ApiError> {
    let id = query.args.id("id");
    let wanted_level = query.args.int("level");
    query.page(seen(query).filter(|domain| {
        is_wanted(query, domain)
            && id.is_none_or(|id| domain.id == id)
            && wanted_level.is_none_or(|wanted| level(query.world, domain.id) == wanted)
    }))
}

fn list_children(query: &Query<'_>) -> Result<Answer, ApiError> {
    let top = query.args.id("id").unwrap_or(query.caller.domain);
    let is_recursive = query.args.is_true("isrecursive") || query.args.is_true("listall");
    query.page(seen(query).filter(|domain| {
        let is_child = domain.id_of(col::PARENT_DOMAIN_ID) == Some(top);
        let is_below = domain.id != top && query.world.is_within(domain.id, top);
        is_wanted(query, domain) && (is_child || is_recursive && is_below)
    }))
}
