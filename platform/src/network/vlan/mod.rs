//! Address ranges on VLANs: public ones and those of shared networks, also kept for one account.
//! Guide 4.1.1.14.

mod create;
mod dedicate;

pub(crate) use create::ipv6_range;

use cloudtally_model::ApiError;

use super::address;
use crate::{
    col,
    engine::{Arg, Call, Done, Node, Query, Resource, ResourceId, World, own_users, verbs},
    parse::iprange,
    state::AddressState,
    table::{
        Command, Kind, KindSpec, Object, OnDelete, ParamType::*, Roles, Sight, Turn, WireType as W,
        delete, f, fields::*, group, hidden, list, own, p,
    },
};

/// A range of addresses: public ones of a zone (`forvirtualnetwork`), or those that
/// VMs of a shared network or of a pod get directly. `accountid` is the account it
/// is kept for, if any; `vlan` is `untagged` or a number.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::VlanIpRange, &VLAN_IP_RANGE)
    // A range of addresses that is kept for an account is its own to name.
    .seen_by(Sight::By(|_, caller, range| {
        caller.is_root() || range.id_of(col::ACCOUNT_ID) == Some(caller.account)
    }))
    .hidden(&[hidden("accountid", W::Id(Kind::Account))])
    .keyword(&[col::VLAN])
    .referred(&[
        (Kind::IpAddress, col::VLAN_ID.reference(), OnDelete::Refuse),
        (Kind::Router, col::GUEST_RANGE.reference(), OnDelete::Forget),
    ])
    .follows_account(Turn::AddressRanges, col::ACCOUNT_ID, address::keep_no_more);

/// Guest VLANs of a physical network that are kept for the owner.
pub(crate) static GUEST_KIND: KindSpec = KindSpec::new(Kind::GuestVlanRange, &GUEST_VLAN_RANGE)
    .infrastructure()
    .goes_with_owner(Turn::GuestVlans, |tx, range| tx.remove_with_dependants(range))
    .hidden(&[hidden("network", W::Id(Kind::PhysicalNetwork))])
    .owned()
    .keyword(&[col::GUEST_VLAN_RANGE]);

pub(crate) const GUEST_VLAN_RANGE: Object = Object {
    name: "GuestVlanRange",
    fields: &[
        ID,
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        f("guestvlanrange", W::Str),
        PROJECT_ID,
        PROJECT,
        // Numbers, as the 4.2.1 server has them: our own numbers of the resources.
        f("physicalnetworkid", W::Long).by(|view| number(view.resource.id_of(col::NETWORK))),
        f("zoneid", W::Long).by(|view| {
            let network = view.resource.id_of(col::NETWORK).map(|id| view.world.resource(id));
            number(network.and_then(|network| network.id_of(col::ZONE_ID)))
        }),
    ],
};

pub(crate) const VLAN_IP_RANGE: Object = Object {
    name: "VlanIpRange",
    fields: &[
        ID,
        f("forvirtualnetwork", W::Bool),
        ZONE_ID,
        f("vlan", W::Str),
        f("account", W::Str).by(|view| {
            let holder = holder(view.world, view.resource);
            let is_project = view.world.project_of(holder.id).is_some();
            Node::text_if((!is_project).then(|| holder.text(col::NAME)))
        }),
        f("domainid", W::Id(Kind::Domain)).by(|view| {
            let domain = view.world.domain_of(holder(view.world, view.resource).id);
            Node::text(view.world.resource(domain).uuid.to_string())
        }),
        f("domain", W::Str).by(|view| {
            let domain = view.world.domain_of(holder(view.world, view.resource).id);
            Node::text(view.world.resource(domain).text(col::NAME))
        }),
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join(col::POD_ID, "name"),
        f("gateway", W::Str),
        f("netmask", W::Str),
        f("description", W::Str),
        f("startip", W::Str),
        f("endip", W::Str),
        f("networkid", W::Id(Kind::Network)),
        f("projectid", W::Id(Kind::Project)).by(|view| {
            let project = view.world.project_of(holder(view.world, view.resource).id);
            Node::text_if(project.map(|project| project.uuid.to_string()))
        }),
        f("project", W::Str).by(|view| {
            let project = view.world.project_of(holder(view.world, view.resource).id);
            Node::text_if(project.map(|project| project.text(col::NAME)))
        }),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("startipv6", W::Str),
        f("endipv6", W::Str),
        f("ip6gateway", W::Str),
        f("ip6cidr", W::Str),
    ],
};

fn number(id: Option<ResourceId>) -> Node {
    id.and_then(|id| i64::try_from(id.0).ok()).map_or(Node::Null, Node::Int)
}

/// The account a range is kept for; the system's, if it is for everybody.
fn holder<'w>(world: &'w World, range: &Resource) -> &'w Resource {
    let system =
        || world.resource(own_users::system_user(world)).owner.expect("users have accounts");
    world.resource(range.id_of(col::ACCOUNT_ID).unwrap_or_else(system))
}

pub(crate) static COMMANDS: &[Command] = &[
    own("createVlanIpRange")
        .doc("Adds addresses to the public network or to a shared network")
        .roles(Roles::ROOT)
        .params(&[
            p("account", Str).doc("the account to keep the range for, with `domainid`"),
            p("projectid", Id(Kind::Project)).doc("the project to keep the range for"),
            p("domainid", Id(Kind::Domain)).doc("the domain of `account`"),
            p("endip", Str),
            p("forvirtualnetwork", Bool)
                .doc("true for public addresses, false for those of a shared network"),
            p("gateway", Str),
            p("netmask", Str),
            p("podid", Id(Kind::Pod)).doc("the pod; needed in a basic zone"),
            p("startip", Str),
            p("vlan", Str).doc("the VLAN; `untagged` unless given"),
            p("zoneid", Id(Kind::Zone)),
            p("networkid", Id(Kind::Network)).doc("the shared network the addresses are for"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("startipv6", Str),
            p("endipv6", Str),
            p("ip6gateway", Str),
            p("ip6cidr", Str),
        ])
        .event("VLAN.IP.RANGE.CREATE")
        .object("vlan", &VLAN_IP_RANGE)
        .act(create::create),
    own("dedicateGuestVlanRange")
        .doc("Keeps guest VLANs of a physical network for one account")
        .roles(Roles::ROOT)
        .params(&[
            p("vlanrange", Str).required().doc("the VLANs, such as `300-310`"),
            p("account", Str).required().doc("the account to keep them for"),
            p("projectid", Id(Kind::Project))
                .doc("the project to keep them for, in place of `account`"),
            p("domainid", Id(Kind::Domain)).required().doc("the domain of the account"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
        ])
        .event("GUESTVLANRANGE.DEDICATE")
        .object("dedicatedguestvlanrange", &GUEST_VLAN_RANGE)
        .act(dedicate::guest_vlans),
    own("dedicatePublicIpRange")
        .doc("Keeps a range of public addresses for one account")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::VlanIpRange)).required().doc("the range"),
            p("account", Str).required().doc("the account to keep it for"),
            p("projectid", Id(Kind::Project))
                .doc("the project to keep it for, in place of `account`"),
            p("domainid", Id(Kind::Domain)).required().doc("the domain of the account"),
        ])
        .event("VLAN.IP.RANGE.DEDICATE")
        .object("vlan", &VLAN_IP_RANGE)
        .kind(Kind::VlanIpRange)
        .act(dedicate::public_range),
    delete("deleteVlanIpRange", Kind::VlanIpRange)
        .doc("Removes a range of addresses that nobody uses")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::VlanIpRange)).required()])
        .event("VLAN.IP.RANGE.DELETE")
        .success()
        .check(check_delete)
        .act(remove),
    list("listDedicatedGuestVlanRanges", Kind::GuestVlanRange)
        .doc("Lists guest VLANs kept for accounts")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::GuestVlanRange)),
            p("account", Str).doc("shows only those kept for this account"),
            p("projectid", Id(Kind::Project))
                .or_all()
                .doc("shows only those kept for this project, or with -1 for any"),
            p("domainid", Id(Kind::Domain)),
            p("guestvlanrange", Str).doc("shows only this range"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("zoneid", Id(Kind::Zone)),
        ])
        .groups(&[group::PAGED])
        .items("dedicatedguestvlanrange", &GUEST_VLAN_RANGE)
        .filter(is_where_wanted, &["physicalnetworkid", "zoneid"]),
    list("listVlanIpRanges", Kind::VlanIpRange)
        .doc("Lists address ranges of public and shared networks")
        .roles(Roles::ROOT)
        .params(&[
            p("account", Str).doc("shows only those kept for this account"),
            p("projectid", Id(Kind::Project))
                .or_all()
                .doc("shows only those kept for this project, or with -1 for any"),
            p("domainid", Id(Kind::Domain)),
            p("id", Id(Kind::VlanIpRange)),
            p("podid", Id(Kind::Pod)),
            p("vlan", Str),
            p("zoneid", Id(Kind::Zone)),
            p("networkid", Id(Kind::Network)),
            p("forvirtualnetwork", Bool),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
        ])
        .groups(&[group::PAGED])
        .items("vlaniprange", &VLAN_IP_RANGE)
        .filter(is_kept_as_wanted, &["vlan"]),
    delete("releaseDedicatedGuestVlanRange", Kind::GuestVlanRange)
        .doc("Opens dedicated guest VLANs to everybody")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::GuestVlanRange)).required()])
        .job("GUESTVLANRANGE.RELEASE")
        .success(),
    own("releasePublicIpRange")
        .doc("Opens a dedicated range of public addresses to everybody")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::VlanIpRange)).required()])
        .event("VLAN.IP.RANGE.RELEASE")
        .success()
        .kind(Kind::VlanIpRange)
        .act(dedicate::release_public_range),
];

/// Refuses to remove addresses that somebody has.
fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let range = call.tx.resource(call.args.id_required("id"));
    let in_use = |address: &str, by: &Resource| {
        let why = format!("has {address}, which {} uses; give it up first", by.called());
        Err(range.refused_as(ApiError::in_use, "id", why).about(by.uuid.to_string(), "id"))
    };
    let mut addresses = call.tx.referring(range.id, Kind::IpAddress, col::VLAN_ID);
    if let Some(address) = addresses.find(|address| address.is(AddressState::Allocated)) {
        return in_use(address.text(col::IP_ADDRESS), address);
    }
    if let Some(vm) = call.tx.referring(range.id, Kind::SystemVm, col::PUBLIC_RANGE).next() {
        return in_use(vm.text(col::PUBLIC_IP), vm);
    }
    let Some(network) = range.id_of(col::NETWORK_ID) else { return Ok(()) };
    let mut nics = call.tx.referring(network, Kind::Nic, col::NETWORK_ID);
    match nics.find(|nic| iprange::holds(range, nic.text(col::IP_ADDRESS))) {
        Some(nic) => return in_use(nic.text(col::IP_ADDRESS), nic),
        None => drop(nics),
    }
    let mut nics = call.tx.referring(network, Kind::Nic, col::NETWORK_ID);
    match nics.find(|nic| iprange::holds_v6(range, nic.text(col::IP6_ADDRESS))) {
        Some(nic) => in_use(nic.text(col::IP6_ADDRESS), nic),
        None => Ok(()),
    }
}

fn remove(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    address::keep_no_more(call.tx, id);
    // A router that serves a shared network from it goes on without an address of its own.
    for router in call.tx.ids_referring(id, Kind::Router, col::GUEST_RANGE) {
        call.tx.edit(router, |router| {
            router.clear(col::GUEST_IP_ADDRESS);
        });
    }
    verbs::delete(call, id)?;
    Ok(Done::Success)
}

/// Tells whether dedicated guest VLANs are on the physical network and in the zone asked for.
fn is_where_wanted(query: &Query<'_>, kept: &Resource) -> bool {
    let network = kept.id_of(col::NETWORK).map(|id| query.world.resource(id));
    let is =
        |wanted: Option<ResourceId>, found: Option<ResourceId>| wanted.is_none() || wanted == found;
    is(query.args.id("physicalnetworkid"), network.map(|network| network.id))
        && is(query.args.id("zoneid"), network.and_then(|network| network.id_of(col::ZONE_ID)))
}

/// Tells whether a range is on the VLAN asked for, and kept for whom is asked for.
fn is_kept_as_wanted(query: &Query<'_>, range: &Resource) -> bool {
    let (args, world) = (query.args, query.world);
    let vlan = args.text("vlan").map(|text| text.strip_prefix("vlan://").unwrap_or(text));
    if vlan.is_some_and(|vlan| !range.text(col::VLAN).eq_ignore_ascii_case(vlan)) {
        return false;
    }
    let kept_for = range.id_of(col::ACCOUNT_ID);
    let is_project = match args.get("projectid") {
        Some(Arg::Id(project)) => kept_for == world.resource(*project).owner,
        Some(Arg::All) => kept_for.is_some_and(|account| world.project_of(account).is_some()),
        _ => true,
    };
    let holder = holder(world, range);
    is_project
        && args.text("account").is_none_or(|name| holder.text(col::NAME).eq_ignore_ascii_case(name))
        && args.id("domainid").is_none_or(|domain| world.domain_of(holder.id) == domain)
}
