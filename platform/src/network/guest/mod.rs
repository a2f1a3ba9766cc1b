//! Guest networks: isolated ones of an account, shared ones of a zone, tiers of a VPC.

mod change;
mod create;
mod life;

pub(crate) use create::{
    check_acl, for_deployment, only_isolated, ready, refuse_hypervisor, refuse_tiers,
};
pub(crate) use life::{implement, lacks_source_nat, remove, serve, shut_down_idle, source_nat};

use std::cmp::Reverse;

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Node, Query, Resource, ResourceId, Scope, Tx, View, World, own_users, table},
    offering::networkoffering,
    parse::ip,
    state::NetworkState,
    table::{
        Command, Kind, KindSpec, Limit, Object, OnDelete, ParamType::*, Roles, Turn, WireType as W,
        f, fields::*, group, hidden, own, p,
    },
};

pub(crate) const NETWORK: Object = Object {
    name: "Network",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        f("broadcastdomaintype", W::Str),
        f("traffictype", W::Str),
        f("gateway", W::Str),
        f("netmask", W::Str),
        f("cidr", W::Str),
        f("networkcidr", W::Str),
        f("reservediprange", W::Str).by(reserved),
        ZONE_ID,
        ZONE_NAME,
        f("networkofferingid", W::Id(Kind::NetworkOffering)),
        f("networkofferingname", W::Str).join(col::NETWORK_OFFERING_ID, "name"),
        f("networkofferingdisplaytext", W::Str).join(col::NETWORK_OFFERING_ID, "displaytext"),
        f("networkofferingconservemode", W::Bool).join(col::NETWORK_OFFERING_ID, "conservemode"),
        f("networkofferingavailability", W::Str).join(col::NETWORK_OFFERING_ID, "availability"),
        f("issystem", W::Bool),
        STATE,
        f("related", W::Str),
        f("broadcasturi", W::Str).for_root(),
        f("dns1", W::Str),
        f("dns2", W::Str),
        f("type", W::Str),
        f("vlan", W::Str).for_root(),
        f("acltype", W::Str),
        f("subdomainaccess", W::Bool),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("isdefault", W::Bool),
        f("service", W::Objects("Service"))
            .by(|view| networkoffering::services(offering_of(view.world, view.resource))),
        f("networkdomain", W::Str),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("restartrequired", W::Bool),
        f("specifyipranges", W::Bool),
        f("vpcid", W::Id(Kind::Vpc)),
        f("canusefordeploy", W::Bool),
        f("ispersistent", W::Bool),
        TAGS,
        f("ip6gateway", W::Str),
        f("ip6cidr", W::Str),
        f("displaynetwork", W::Bool),
        f("aclid", W::Id(Kind::NetworkAcl)),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createNetwork")
        .doc("Makes a guest network")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("displaytext", Str).required(),
            p("networkofferingid", Id(Kind::NetworkOffering)).required(),
            p("zoneid", Id(Kind::Zone)).required(),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork))
                .doc("the physical network; needed if the zone has several for guests"),
            p("gateway", Str).doc("the gateway; needed for shared networks and tiers of a VPC"),
            p("netmask", Str).doc("the netmask; needed with `gateway`"),
            p("startip", Str).doc("the first address to give to VMs"),
            p("endip", Str).doc("the last address to give to VMs; `startip` unless given"),
            p("vlan", Str).doc("the VLAN; only if the offering lets it be named"),
            p("isolatedpvlan", Str)
                .doc("the isolated private VLAN, so that VMs do not see each other"),
            p("networkdomain", NetworkDomain),
            p("acltype", Str),
            p("subdomainaccess", Bool)
                .doc("whether subdomains may use it; only with `acltype` `Domain`"),
            p("vpcid", Id(Kind::Vpc)).doc("the VPC to make it a tier of"),
            p("startipv6", Str),
            p("endipv6", Str),
            p("ip6gateway", Str),
            p("ip6cidr", Str),
            p("displaynetwork", Bool),
            p("aclid", Id(Kind::NetworkAcl)).doc("the network ACL list of the tier"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .event("NETWORK.CREATE")
        .object("network", &NETWORK)
        .act(create::create),
    own("deleteNetwork")
        .doc("Deletes a network without VMs, with its rules and addresses")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Network)).required()])
        .job("NETWORK.DELETE")
        .success()
        .kind(Kind::Network)
        .check(life::check_delete)
        .act(life::delete),
    own("listNetworks")
        .doc("Lists networks")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Network)).usable(),
            p("zoneid", Id(Kind::Zone)),
            p("type", Str).doc("`Isolated` or `Shared`"),
            p("issystem", Bool).doc("true for those of the system's own use; false unless given"),
            p("acltype", Str),
            p("traffictype", Str),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("supportedservices", List)
                .doc("shows only those with all these services, separated by commas"),
            p("restartrequired", Bool),
            p("specifyipranges", Bool).doc("true for those whose addresses are given by hand"),
            p("vpcid", Id(Kind::Vpc)),
            p("canusefordeploy", Bool).doc("true for those VMs can be deployed on"),
            p("forvpc", Bool),
            p("ispersistent", Bool).doc("true for persistent ones, false for the others"),
            p("ip6gateway", Str).doc("shows only those with this IPv6 gateway"),
            p("ip6cidr", Str).doc("shows only those with this IPv6 range"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("network", &NETWORK)
        .kind(Kind::Network)
        .read(list_networks),
    own("restartNetwork")
        .doc("Applies all rules of a network again, on a new router with `cleanup`")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Network)).required(),
            p("cleanup", Bool).doc("true to replace the router by a new one; true unless given"),
        ])
        .job("NETWORK.RESTART")
        .success()
        .kind(Kind::Network)
        .act(life::restart),
    own("updateNetwork")
        .doc("Changes a network; a new offering means new routers")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Network)).required(),
            p("name", Str),
            p("displaytext", Str),
            p("networkdomain", NetworkDomain),
            p("changecidr", Bool).doc("true to let a new offering change the address range"),
            p("networkofferingid", Id(Kind::NetworkOffering)),
            p("guestvmcidr", Str).doc("the part of the range that VMs get; the rest is reserved"),
            p("displaynetwork", Bool),
        ])
        .job("NETWORK.UPDATE")
        .object("network", &NETWORK)
        .kind(Kind::Network)
        .act(change::update),
];

/// An isolated network is set up when its first virtual machine starts, and shut down
/// when none has been running on it for a while; a shared one is set up from the
/// beginning. Hidden: `shareddomain` is the domain that a shared network is for,
/// `startip` and `endip` what its addresses are given from, `idlesince` when it was
/// first seen without running virtual machines.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Network, &NETWORK)
    .usable_by(|world, caller, network| is_shared_with(world, network, caller.domain))
    // Those that root admins make for an account are not counted.
    .counts(&[(Limit::Network, |_, network| i64::from(network.text(col::TYPE) == "Isolated"))])
    .goes_with_owner(Turn::Networks, remove_with_owner)
    .newest_first()
    .hidden(&[
        hidden("shareddomain", W::Id(Kind::Domain)),
        hidden("startip", W::Str),
        hidden("endip", W::Str),
        hidden("isolatedpvlan", W::Str),
        hidden("idlesince", W::Date),
    ])
    .owned()
    .states(table!(NetworkState: Allocated, Setup, Implementing, Implemented, Shutdown;
        Allocated => Implemented, Setup;
        Implemented => Allocated;
    ))
    .keyword(&[col::NAME, col::DISPLAY_TEXT])
    .referred(&[
        (Kind::Nic, col::NETWORK_ID.reference(), OnDelete::Refuse),
        (Kind::EgressRule, col::NETWORK_ID.reference(), OnDelete::Remove),
    ])
    .tagged("Network")
    .job_instance("Network");

/// The offering of a network.
pub(crate) fn offering_of<'w>(world: &'w World, network: &Resource) -> &'w Resource {
    let id = network.id_of(col::NETWORK_OFFERING_ID).expect("networks have an offering");
    world.resource(id)
}

/// All addresses of a network as a CIDR, those that are kept from its machines too.
pub(crate) fn whole_cidr(network: &Resource) -> &str {
    match network.text(col::NETWORK_CIDR) {
        "" => network.text(col::CIDR),
        whole => whole,
    }
}

/// The addresses that machines of a network do not get, as ranges.
fn reserved(view: &View<'_>) -> Node {
    let whole = ip::bounds(view.resource.text(col::NETWORK_CIDR));
    let Some(((first, last), (own_first, own_last))) =
        whole.zip(ip::bounds(view.resource.text(col::CIDR)))
    else {
        return Node::Null;
    };
    // Neither the first nor the last of a network is a machine's in any case.
    let ranges = [(first + 1, own_first), (own_last, last.saturating_sub(1))];
    let shown: Vec<String> = ranges
        .into_iter()
        .filter(|(from, to)| from <= to)
        .map(|(from, to)| format!("{}-{}", ip::format(from), ip::format(to)))
        .collect();
    Node::text(shown.join(" "))
}

/// Tells whether a network offers a service, such as `Lb`.
pub(crate) fn provides(world: &World, network: &Resource, service: &str) -> bool {
    networkoffering::provides(offering_of(world, network), service)
}

/// Refuses a rule on a network that does not offer its service.
pub(crate) fn must_provide(
    world: &World,
    network: ResourceId,
    service: &str,
) -> Result<(), ApiError> {
    let network = world.resource(network);
    if provides(world, network, service) {
        return Ok(());
    }
    Err(network.refused(
        "networkid",
        format!(
            "does not offer {service}; its offering is {}",
            offering_of(world, network).text(col::NAME)
        ),
    ))
}

/// Networks that can be deployed on: those in scope and those shared with its domain.
fn list_networks(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let mut networks = query.resources(Kind::Network)?;
    let of_domain = match Scope::of(query.world, query.caller, args)? {
        Scope::Account(account) => Some(query.world.domain_of(account)),
        Scope::Domain(domain) | Scope::DomainTree(domain) => Some(domain),
        Scope::Projects => None,
    };
    if let Some(domain) = of_domain.filter(|_| !args.has("id")) {
        let shared = query.world.all(Kind::Network).filter(|network| {
            is_shared_with(query.world, network, domain)
                && query.passes(network)
                && !networks.iter().any(|known| known.id == network.id)
        });
        let shared: Vec<&Resource> = shared.collect();
        networks.extend(shared);
        networks.sort_by_key(|network| Reverse(network.id));
    }
    let services = args.list("supportedservices");
    let is_wanted = |network: &&Resource| {
        let is_system = args.flag("issystem").unwrap_or(false);
        network.flag(col::IS_SYSTEM) == is_system
            && args
                .flag("forvpc")
                .is_none_or(|wanted| network.id_of(col::VPC_ID).is_some() == wanted)
            && services.iter().all(|service| provides(query.world, network, service))
    };
    query.page(networks.into_iter().filter(is_wanted))
}

/// Tells whether a network is shared with a domain.
pub(crate) fn is_shared_with(world: &World, network: &Resource, domain: ResourceId) -> bool {
    if network.text(col::ACL_TYPE) != "Domain" {
        return false;
    }
    match network.id_of(col::SHARED_DOMAIN) {
        None => true,
        Some(top) if network.flag(col::SUBDOMAIN_ACCESS) => world.is_within(domain, top),
        Some(top) => top == domain,
    }
}

/// Removes a network with its account; the system gets one that is for a domain, for
/// machines of others may be on it.
fn remove_with_owner(tx: &mut Tx<'_>, network: ResourceId) {
    if tx.resource(network).text(col::ACL_TYPE) == "Domain" {
        let system = tx.resource(own_users::system_user(tx)).owner;
        tx.edit(network, |network| network.owner = system);
    } else {
        remove(tx, network);
    }
}
