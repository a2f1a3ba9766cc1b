//! Resource limits: how many of each resource an account, a project or a domain may have.
//!
//! The use of a limit is never kept: it is counted from the resources when it is asked for,
//! so a count cannot drift and updateResourceCount has nothing to mend. The rules
//! of limits themselves, and the counting, are the engine's: see [`crate::engine::limit`].

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{
        Answer, Args, Call, Done, Node, Query, Resource, ResourceId, Scope, View, World, limit,
        refusal, scope,
    },
    state::MachineState,
    table::{
        Command, Field, Kind, KindSpec, Limit, Object, Param, ParamType::*, Role, Roles,
        WireType as W, f, fields::*, group, hidden, own, p,
    },
};

/// `of` is the account or the domain it is for.
pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::ResourceLimit, &RESOURCE_LIMIT).hidden(&[hidden("of", W::Str)]);

pub(crate) const RESOURCE_COUNT: Object = Object {
    name: "ResourceCount",
    fields: &[
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("resourcetype", W::Str),
        f("resourcecount", W::Long),
    ],
};

pub(crate) const RESOURCE_LIMIT: Object = Object {
    name: "ResourceLimit",
    fields: &[
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        f("resourcetype", W::Str),
        f("max", W::Long),
        PROJECT_ID,
        PROJECT,
    ],
};

/// The resource by its number, as everywhere in this area.
const RESOURCE_TYPE: Param = p("resourcetype", Int).doc(
    "0 VMs, 1 public IPs, 2 volumes, 3 snapshots, 4 templates and ISOs, 5 projects, 6 networks, \
     7 VPCs, 8 CPU cores, 9 MiB of memory, 10 GiB of primary, 11 GiB of secondary storage",
);

/// The fields of an account or a project with its limits of machines and what they hold.
pub(crate) const OF_MACHINES: &[Field] = &[
    f("vmlimit", W::Str).by(|view| shown_limit(view, Limit::Vm)),
    f("vmtotal", W::Long).by(|view| shown_total(view, Limit::Vm)),
    f("vmavailable", W::Str).by(|view| shown_left(view, Limit::Vm)),
    f("iplimit", W::Str).by(|view| shown_limit(view, Limit::PublicIp)),
    f("iptotal", W::Long).by(|view| shown_total(view, Limit::PublicIp)),
    f("ipavailable", W::Str).by(|view| shown_left(view, Limit::PublicIp)),
    f("volumelimit", W::Str).by(|view| shown_limit(view, Limit::Volume)),
    f("volumetotal", W::Long).by(|view| shown_total(view, Limit::Volume)),
    f("volumeavailable", W::Str).by(|view| shown_left(view, Limit::Volume)),
    f("snapshotlimit", W::Str).by(|view| shown_limit(view, Limit::Snapshot)),
    f("snapshottotal", W::Long).by(|view| shown_total(view, Limit::Snapshot)),
    f("snapshotavailable", W::Str).by(|view| shown_left(view, Limit::Snapshot)),
    f("templatelimit", W::Str).by(|view| shown_limit(view, Limit::Template)),
    f("templatetotal", W::Long).by(|view| shown_total(view, Limit::Template)),
    f("templateavailable", W::Str).by(|view| shown_left(view, Limit::Template)),
    f("vmstopped", W::Int).by(|view| shown_vms(view, MachineState::Stopped)),
    f("vmrunning", W::Int).by(|view| shown_vms(view, MachineState::Running)),
];

/// The fields of an account or a project with its limits of networks, cores and storage.
pub(crate) const OF_NETWORKS: &[Field] = &[
    f("networklimit", W::Str).by(|view| shown_limit(view, Limit::Network)),
    f("networktotal", W::Long).by(|view| shown_total(view, Limit::Network)),
    f("networkavailable", W::Str).by(|view| shown_left(view, Limit::Network)),
    f("vpclimit", W::Str).by(|view| shown_limit(view, Limit::Vpc)),
    f("vpctotal", W::Long).by(|view| shown_total(view, Limit::Vpc)),
    f("vpcavailable", W::Str).by(|view| shown_left(view, Limit::Vpc)),
    f("cpulimit", W::Str).by(|view| shown_limit(view, Limit::Cpu)),
    f("cputotal", W::Long).by(|view| shown_total(view, Limit::Cpu)),
    f("cpuavailable", W::Str).by(|view| shown_left(view, Limit::Cpu)),
    f("memorylimit", W::Str).by(|view| shown_limit(view, Limit::Memory)),
    f("memorytotal", W::Long).by(|view| shown_total(view, Limit::Memory)),
    f("memoryavailable", W::Str).by(|view| shown_left(view, Limit::Memory)),
    f("primarystoragelimit", W::Str).by(|view| shown_limit(view, Limit::PrimaryStorage)),
    f("primarystoragetotal", W::Long).by(|view| shown_total(view, Limit::PrimaryStorage)),
    f("primarystorageavailable", W::Str).by(|view| shown_left(view, Limit::PrimaryStorage)),
    f("secondarystoragelimit", W::Str).by(|view| shown_limit(view, Limit::SecondaryStorage)),
    f("secondarystoragetotal", W::Long).by(|view| shown_total(view, Limit::SecondaryStorage)),
    f("secondarystorageavailable", W::Str).by(|view| shown_left(view, Limit::SecondaryStorage)),
];

pub(crate) static COMMANDS: &[Command] = &[
    own("listResourceLimits")
        .doc("Lists the limits of an account, a project or a domain")
        .roles(Roles::ALL)
        .params(&[p("id", Long).doc("the number of the limit"), RESOURCE_TYPE])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("resourcelimit", &RESOURCE_LIMIT)
        .read(list_limits),
    own("updateResourceCount")
        .doc("Counts anew what an account or a domain uses")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).doc("the account to count for; the whole domain unless given"),
            p("domainid", Id(Kind::Domain)).required(),
            RESOURCE_TYPE,
            p("projectid", Id(Kind::Project)).doc("the project to count for"),
        ])
        .items("resourcecount", &RESOURCE_COUNT)
        .act(count),
    own("updateResourceLimit")
        .doc("Sets how many of a resource an account, a project or a domain may have")
        .roles(Roles::ADMINS)
        .params(&[
            p("account", Str).doc("the account it is for; the whole domain unless given"),
            p("domainid", Id(Kind::Domain)),
            p("projectid", Id(Kind::Project)).doc("the project it is for"),
            p("max", Long).doc("the limit; -1 for none"),
            RESOURCE_TYPE.required(),
        ])
        .object("resourcelimit", &RESOURCE_LIMIT)
        .act(update),
];

/// The account that a view of an account or a project counts for.
fn counted(view: &View<'_>) -> ResourceId {
    view.resource.owner.expect("accounts and projects are owned by an account")
}

/// A limit as `vmlimit` and its like show it.
pub(crate) fn shown_limit(view: &View<'_>, of: Limit) -> Node {
    match limit::of_account(view.world, counted(view), of) {
        Some(most) => Node::text(most.to_string()),
        None => Node::text("Unlimited"),
    }
}

/// The use of it, as `vmtotal` and its like show it.
pub(crate) fn shown_total(view: &View<'_>, of: Limit) -> Node {
    Node::Int(limit::used_by_account(view.world, counted(view), of))
}

/// The rest of it, as `vmavailable` and its like show it.
pub(crate) fn shown_left(view: &View<'_>, of: Limit) -> Node {
    match limit::of_account(view.world, counted(view), of) {
        Some(most) => {
            let used = limit::used_by_account(view.world, counted(view), of);
            Node::text((most - used).max(0).to_string())
        }
        None => Node::text("Unlimited"),
    }
}

/// The number of virtual machines in a state.
pub(crate) fn shown_vms(view: &View<'_>, state: MachineState) -> Node {
    let vms = view.world.owned_by(counted(view), Kind::Vm).filter(|vm| vm.is(state));
    Node::Int(i64::try_from(vms.count()).unwrap_or(i64::MAX))
}

/// The kinds of resources that `resourcetype` leaves.
fn wanted(args: &Args) -> Result<Vec<Limit>, ApiError> {
    match args.int("resourcetype") {
        None => Ok(limit::LIMITS.to_vec()),
        Some(number) => Ok(vec![from_number(number)?]),
    }
}

fn from_number(number: i64) -> Result<Limit, ApiError> {
    Limit::from_number(number).ok_or_else(|| {
        refusal::parameter("resourcetype", format!("is {number}; expected a number from 0 to 11"))
    })
}

/// Whom a limit is for: an account, that of a project too, or a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Account(ResourceId),
    Domain(ResourceId),
}

impl Holder {
    const fn id(self) -> ResourceId {
        match self {
            Self::Account(id) | Self::Domain(id) => id,
        }
    }

    /// The fields that name it, in the order of `object`, and `more`.
    fn show(self, world: &World, object: &Object, more: Vec<(&'static str, Node)>) -> Node {
        let (account, project, domain) = match self {
            Self::Domain(domain) => (None, None, domain),
            Self::Account(id) => match world.project_of(id) {
                Some(project) => (None, Some(project), world.domain_of(id)),
                None => (Some(world.resource(id)), None, world.domain_of(id)),
            },
        };
        let domain = world.resource(domain);
        let name = |resource: Option<&Resource>| {
            Node::text_if(resource.map(|resource| resource.text(col::NAME)))
        };
        let mut fields = more;
        fields.push(("account", name(account)));
        fields.push(("domainid", Node::text(domain.uuid.to_string())));
        fields.push(("domain", name(Some(domain))));
        fields
            .push(("projectid", Node::text_if(project.map(|resource| resource.uuid.to_string()))));
        fields.push(("project", name(project)));
        fields.retain(|(_, node)| *node != Node::Null);
        fields.sort_by_key(|(field, _)| object.position(field));
        Node::Object(fields)
    }

    /// A limit of it; -1 is none.
    fn limit(self, world: &World, of: Limit) -> Node {
        let most = match self {
            Self::Account(account) => limit::of_account(world, account, of),
            Self::Domain(domain) => limit::of_domain(world, domain, of),
        };
        let fields = vec![
            ("resourcetype", Node::text(of.number().to_string())),
            ("max", Node::Int(most.unwrap_or(-1))),
        ];
        self.show(world, &RESOURCE_LIMIT, fields)
    }

    /// The use of a limit.
    fn count(self, world: &World, of: Limit) -> Node {
        let used = match self {
            Self::Account(account) => limit::used_by_account(world, account, of),
            Self::Domain(domain) => limit::used_by_domain(world, domain, of),
        };
        let fields = vec![
            ("resourcetype", Node::text(of.number().to_string())),
            ("resourcecount", Node::Int(used)),
        ];
        self.show(world, &RESOURCE_COUNT, fields)
    }

    /// The row in which a limit of it is kept.
    fn row(self, world: &World, of: Limit) -> Option<&Resource> {
        world
            .referring(self.id(), Kind::ResourceLimit, col::OF)
            .find(|row| row.int(col::RESOURCE_TYPE_NUMBER) == of.number())
    }
}

/// The limits of accounts, or with `domainid` alone those of domains.
fn list_limits(query: &Query<'_>) -> Result<Answer, ApiError> {
    let (world, args) = (query.world, query.args);
    let of = wanted(args)?;
    let scope = Scope::of(world, query.caller, args)?;
    let holders: Vec<Holder> = match (scope, args.has("domainid")) {
        (Scope::Account(account), _) => vec![Holder::Account(account)],
        (Scope::Domain(domain), true) => vec![Holder::Domain(domain)],
        (Scope::DomainTree(top), true) => {
            let below = world.all(Kind::Domain).filter(|domain| world.is_within(domain.id, top));
            below.map(|domain| Holder::Domain(domain.id)).collect()
        }
        (scope, _) => world
            .all(Kind::Account)
            .filter(|account| scope.covers(world, query.caller, account.id))
            .map(|account| Holder::Account(account.id))
            .collect(),
    };
    let number = args.int("id");
    let lines = holders.iter().flat_map(|holder| of.iter().map(|limit| (*holder, *limit)));
    let is_it = |(holder, of): &(Holder, Limit)| {
        let row = || holder.row(world, *of).and_then(|row| i64::try_from(row.id.0).ok());
        let name = world.resource(holder.id()).text(col::NAME);
        number.is_none_or(|number| row() == Some(number)) && query.is_named_in(&[name, of.noun()])
    };
    query.page_of("resourcelimit", lines.filter(is_it), |query, (holder, of)| {
        holder.limit(query.world, of)
    })
}

/// Whom the parameters name, if the caller may set limits for them.
fn holder(call: &Call<'_, '_>) -> Result<Holder, ApiError> {
    let args = &call.args;
    let holder = match (args.id("projectid"), args.text("account"), args.id("domainid")) {
        (Some(_), Some(_), _) => {
            return Err(refusal::exclusive(&["projectid", "account"]));
        }
        (Some(project), None, domain) => {
            scope::refuse_other_domain(call.tx, project, domain)?;
            Holder::Account(scope::project_account(call.tx, project))
        }
        (None, Some(name), domain) => {
            Holder::Account(scope::named_account(call.tx, &call.caller, name, domain)?)
        }
        (None, None, Some(domain)) => Holder::Domain(domain),
        (None, None, None) => {
            return Err(refusal::parameter(
                "domainid",
                "is needed alone or with `account`, or else `projectid`",
            ));
        }
    };
    let domain = match holder {
        Holder::Account(account) => call.tx.domain_of(account),
        Holder::Domain(domain) => domain,
    };
    if !call.tx.may_govern(&call.caller, domain) {
        return Err(call.tx.resource(domain).refused_as(
            ApiError::permission,
            "domainid",
            "is not one whose limits the caller may set",
        ));
    }
    Ok(holder)
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. What is to be limited, and to how much.
    let of = from_number(call.args.int("resourcetype").unwrap_or(-1))?;
    let most = call.args.int("max").unwrap_or(-1);
    if most < -1 {
        let expected = "expected -1 for no limit, or a number from 0";
        return Err(call.invalid("max", &most.to_string(), expected));
    }
    // 2. For whom: nobody raises their own account or domain, and no domain goes above the next.
    let holder = holder(call)?;
    match holder {
        Holder::Account(account) => {
            let is_project = call.tx.project_of(account).is_some();
            if !call.caller.is_root() && account == call.caller.account {
                return Err(call.tx.resource(account).refused_as(
                    ApiError::permission,
                    "account",
                    "is your own; its limits are set by others",
                ));
            }
            if call.tx.role_of(account) == Some(Role::RootAdmin) && !is_project {
                return Err(call
                    .tx
                    .resource(account)
                    .refused("account", "is that of a root admin and has no limits"));
            }
        }
        Holder::Domain(domain) => {
            if !call.caller.is_root() && domain == call.caller.domain {
                return Err(call.tx.resource(domain).refused_as(
                    ApiError::permission,
                    "domainid",
                    "is your own; its limits are set by others",
                ));
            }
            let above = call.tx.lineage(domain).skip(1);
            let above = above.filter_map(|id| Some((id, limit::of_domain(call.tx, id, of)?)));
            if let Some((id, cap)) = above.min_by_key(|(_, cap)| *cap)
                && (most == -1 || most > cap)
            {
                return Err(call.tx.resource(id).refused(
                    "max",
                    format!("may have {cap} {}; give a `max` of at most that", of.noun()),
                ));
            }
        }
    }
    // 3. Kept in one row each.
    let row = match holder.row(call.tx, of).map(|row| row.id) {
        Some(row) => row,
        None => call.tx.insert(Kind::ResourceLimit, |row| {
            row.set_ref(col::OF, holder.id()).set_int(col::RESOURCE_TYPE_NUMBER, of.number());
        }),
    };
    call.tx.edit(row, |row| {
        row.set_int(col::MAX, most);
    });
    Ok(Done::Node(holder.limit(call.tx, of)))
}

/// Shows what is counted; nothing is ever out of step with the resources.
fn count(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let of = wanted(&call.args)?;
    let holder = holder(call)?;
    let items: Vec<Node> = of.into_iter().map(|of| holder.count(call.tx, of)).collect();
    Ok(Done::Answer(Answer::List { count: items.len(), item: "resourcecount", items }))
}
