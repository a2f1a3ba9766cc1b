//! Network ACLs: lists of rules for the tiers and gateways of VPCs. Guide 4.1.1.22.
//!
//! A list belongs to the owner of its VPC. Two lists are everybody's: `default_deny` and
//! `default_allow`, of no VPC and of no owner, which nobody changes. Rules are looked at by
//! their number and the first that fits decides; what no rule of a list fits is kept out, and let out
//! unless the list has a rule for what leaves.

mod item;

use cloudtally_model::ApiError;

use super::{
    guest::{self, check_acl},
    vpc,
};
use crate::{
    col,
    engine::{Answer, Call, Done, Query, Resource, ResourceId, Tx, World, refusal, scope},
    state::{GatewayState, RuleState},
    table::{
        Command, Kind, KindSpec, Object, OnDelete, ParamType::*, Roles, WireType as W, f,
        fields::*, group, own, p,
    },
};

pub(crate) use item::{ITEM_KIND, NETWORK_ACL_ITEM};

pub(crate) const NETWORK_ACL: Object = Object {
    name: "NetworkACL",
    fields: &[ID, f("name", W::Str), f("description", W::Str), f("vpcid", W::Id(Kind::Vpc))],
};

/// The list that keeps everything out and in; of gateways that name none.
pub(crate) const DENY: &str = "default_deny";
/// The list that lets everything through.
const ALLOW: &str = "default_allow";

pub(crate) static COMMANDS: &[Command] = &[
    own("createNetworkACL")
        .doc("Adds a rule to a network ACL list")
        .roles(Roles::ALL)
        .params(&[
            p("protocol", Str).required().doc("`tcp`, `udp`, `icmp`, `all` or a protocol number"),
            p("startport", Int),
            p("endport", Int),
            p("cidrlist", List),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("networkid", Id(Kind::Network))
                .doc("the tier whose list the rule is for; or give `aclid`"),
            p("aclid", Id(Kind::NetworkAcl)).doc("the list the rule is for; or give `networkid`"),
            p("traffictype", Str).doc("`Ingress` or `Egress`; `Ingress` unless given"),
            p("number", Int).doc("its place in the list; after the last one unless given"),
            p("action", Str).doc("`Allow` or `Deny`; `Allow` unless given"),
        ])
        .create_job("NETWORK.ACL.ITEM.CREATE")
        .object("networkacl", &NETWORK_ACL_ITEM)
        .kind(Kind::NetworkAclItem)
        .begin(item::begin)
        .act(item::activate)
        .on_failure(|call, _| item::give_up(call)),
    own("createNetworkACLList")
        .doc("Makes an empty network ACL list for a VPC")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("description", Str),
            p("vpcid", Id(Kind::Vpc)).required(),
        ])
        .create_job("NETWORK.ACL.CREATE")
        .object("networkacllist", &NETWORK_ACL)
        .kind(Kind::NetworkAcl)
        .begin(begin)
        .act(|call| Ok(Done::Resource(call.entity_id()))),
    own("deleteNetworkACL")
        .doc("Removes a rule from a network ACL list")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::NetworkAclItem)).required()])
        .job("NETWORK.ACL.ITEM.DELETE")
        .success()
        .kind(Kind::NetworkAclItem)
        .check(|call| item::refuse_default(call.tx, call.args.id_required("id")))
        .act(item::delete),
    own("deleteNetworkACLList")
        .doc("Removes a network ACL list that no tier or gateway uses")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::NetworkAcl)).required()])
        .job("NETWORK.ACL.DELETE")
        .success()
        .kind(Kind::NetworkAcl)
        .check(|call| refuse_used(call.tx, call.args.id_required("id")))
        .act(delete),
    own("listNetworkACLLists")
        .doc("Lists network ACL lists, with the two of the system")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::NetworkAcl)),
            p("networkid", Id(Kind::Network)).doc("shows only the list of this tier"),
            p("vpcid", Id(Kind::Vpc)).doc("shows only those of this VPC and the two of the system"),
            p("name", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("networkacllist", &NETWORK_ACL)
        .kind(Kind::NetworkAcl)
        .read(list),
    own("listNetworkACLs")
        .doc("Lists the rules of network ACL lists")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::NetworkAclItem)),
            p("networkid", Id(Kind::Network)).doc("shows only the rules for this tier"),
            p("traffictype", Str).doc("`Ingress` or `Egress`"),
            p("aclid", Id(Kind::NetworkAcl)),
            p("protocol", Str),
            p("action", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("networkacl", &NETWORK_ACL_ITEM)
        .kind(Kind::NetworkAclItem)
        .read(item::list),
    own("replaceNetworkACLList")
        .doc("Gives a tier or a private gateway another network ACL list")
        .roles(Roles::ALL)
        .params(&[
            p("aclid", Id(Kind::NetworkAcl)).required().doc("the new list"),
            p("networkid", Id(Kind::Network)).doc("the tier; this or `gatewayid`"),
            p("gatewayid", Id(Kind::PrivateGateway))
                .doc("the private gateway; this or `networkid`"),
        ])
        .job("NETWORK.ACL.REPLACE")
        .success()
        .begin(begin_replace)
        .act(replace),
    own("updateNetworkACLItem")
        .doc("Changes a rule of a network ACL list")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::NetworkAclItem)).required(),
            p("protocol", Str).doc("`tcp`, `udp`, `icmp`, `all` or a protocol number"),
            p("startport", Int),
            p("endport", Int),
            p("cidrlist", List),
            p("icmptype", Int),
            p("icmpcode", Int),
            p("traffictype", Str).doc("`Ingress` or `Egress`"),
            p("number", Int),
            p("action", Str).doc("`Allow` or `Deny`"),
        ])
        .job("NETWORK.ACL.ITEM.UPDATE")
        .object("networkacl", &NETWORK_ACL_ITEM)
        .kind(Kind::NetworkAclItem)
        .check(|call| item::check_update(call).map(drop))
        .act(item::update),
];

/// A list of a VPC belongs to the VPC's owner and goes with the VPC.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::NetworkAcl, &NETWORK_ACL)
    .newest_first()
    .owned()
    .keyword(&[col::NAME, col::DESCRIPTION])
    .referred(&[(Kind::NetworkAclItem, col::ACL_ID.reference(), OnDelete::Remove)])
    .job_instance("NetworkAcl");

/// Makes the two lists that every cloud has, in one that lacks them.
///
/// # Source
/// Names and rules are those of the 4.2.1 server.
pub(crate) fn seed(tx: &mut Tx<'_>) {
    if default_list(tx, DENY).is_some() {
        return;
    }
    for (name, text, action) in [
        (DENY, "Default Network ACL Deny All", "Deny"),
        (ALLOW, "Default Network ACL Allow All", "Allow"),
    ] {
        let list = tx.insert(Kind::NetworkAcl, |list| {
            list.set_text(col::NAME, name).set_text(col::DESCRIPTION, text);
        });
        for (number, traffic) in [(1, "Ingress"), (2, "Egress")] {
            tx.insert(Kind::NetworkAclItem, |item| {
                item.set_state(RuleState::Active);
                item.set_ref(col::ACL_ID, list)
                    .set_text(col::PROTOCOL, "all")
                    .set_text(col::CIDR_LIST, "0.0.0.0/0")
                    .set_text(col::TRAFFIC_TYPE, traffic)
                    .set_text(col::ACTION, action)
                    .set_int(col::NUMBER, number);
            });
        }
    }
}

/// One of the two lists that every cloud has.
pub(crate) fn default_list(world: &World, name: &str) -> Option<ResourceId> {
    let is_it = |list: &&Resource| is_default(list) && list.text(col::NAME) == name;
    world.all(Kind::NetworkAcl).find(is_it).map(|list| list.id)
}

/// Tells whether a list is one that nobody changes.
fn is_default(list: &Resource) -> bool {
    list.id_of(col::VPC_ID).is_none()
}

/// Refuses to change a list that is everybody's.
fn refuse_default_list(
    world: &World,
    list: ResourceId,
    parameter: &'static str,
) -> Result<(), ApiError> {
    let list = world.resource(list);
    if !is_default(list) {
        return Ok(());
    }
    let why = "is everybody's and cannot be modified; make a list with createNetworkACLList";
    Err(list.refused(parameter, why))
}

fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let args = call.args.clone();
    let vpc = args.id_required("vpcid");
    vpc::must_be_enabled(call.tx, vpc, "given a list", "vpcid")?;
    let owner = call.tx.resource(vpc).owner;
    scope::refuse_shut(call.tx, owner)?;
    Ok(Some(insert(
        call.tx,
        vpc,
        args.text_required("name"),
        args.text("description").unwrap_or_default(),
    )))
}

/// Makes an empty list for a VPC.
fn insert(tx: &mut Tx<'_>, vpc: ResourceId, name: &str, description: &str) -> ResourceId {
    let owner = tx.resource(vpc).owner;
    tx.insert(Kind::NetworkAcl, |list| {
        list.owner = owner;
        list.set_ref(col::VPC_ID, vpc)
            .set_text(col::NAME, name)
            .set_text_if(col::DESCRIPTION, Some(description).filter(|text| !text.is_empty()));
    })
}

/// Refuses to remove a list that has rules, or that tiers or gateways use.
fn refuse_used(world: &World, id: ResourceId) -> Result<(), ApiError> {
    refuse_default_list(world, id, "id")?;
    let uses = [
        (world.referring(id, Kind::NetworkAclItem, col::ACL_ID).count(), "has", "rules"),
        (world.referring(id, Kind::Network, col::ACL_ID).count(), "is used by", "tiers"),
        (world.referring(id, Kind::PrivateGateway, col::ACL_ID).count(), "is used by", "gateways"),
    ];
    match uses.into_iter().find(|(count, _, _)| *count > 0) {
        None => Ok(()),
        Some((count, verb, what)) => {
            let remedy = if verb == "has" { "delete them" } else { "give them another list" };
            let why = format!("{verb} {count} {what} and cannot be deleted; {remedy} first");
            Err(world.resource(id).refused_as(ApiError::in_use, "id", why))
        }
    }
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_used(call.tx, id)?;
    call.tx.remove_with_dependants(id);
    Ok(Done::Success)
}

/// The tier or the gateway that is to have another list, which must be one it can have.
fn receiver(call: &Call<'_, '_>) -> Result<ResourceId, ApiError> {
    let acl = call.args.id_required("aclid");
    let both = ["networkid", "gatewayid"];
    match (call.args.id("networkid"), call.args.id("gatewayid")) {
        (Some(_), Some(_)) => Err(refusal::exclusive(&both)),
        (None, None) => Err(refusal::one_of(&both)),
        (Some(tier), None) => {
            let vpc = must_be_tier(call.tx, tier)?;
            check_acl(call.tx, acl, vpc, "aclid")?;
            guest::must_provide(call.tx, tier, "NetworkACL")?;
            Ok(tier)
        }
        (None, Some(id)) => {
            let gateway = call.tx.resource(id);
            gateway.must_be(&[GatewayState::Ready], "given another list", "gatewayid")?;
            let vpc = gateway.id_of(col::VPC_ID).expect("gateways are of a VPC");
            check_acl(call.tx, acl, vpc, "aclid")?;
            Ok(id)
        }
    }
}

/// The VPC of a network that must be a tier of one.
fn must_be_tier(world: &World, network: ResourceId) -> Result<ResourceId, ApiError> {
    let network = world.resource(network);
    let why = "is no tier of a VPC; network ACLs are for these";
    network.id_of(col::VPC_ID).ok_or_else(|| network.refused("networkid", why))
}

fn begin_replace(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    receiver(call).map(Some)
}

fn replace(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let receiver = receiver(call)?;
    let acl = call.args.id_required("aclid");
    call.tx.edit(receiver, |of| {
        of.set_ref(col::ACL_ID, acl);
    });
    Ok(Done::Success)
}

/// The lists in scope, and with them the two that are everybody's.
fn list(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let own = query.resources(Kind::NetworkAcl)?;
    let of_tier = args.id("networkid").map(|id| query.world.resource(id).id_of(col::ACL_ID));
    let is_named = |list: &Resource| {
        let name = list.text(col::NAME);
        args.text("name").is_none_or(|wanted| name.eq_ignore_ascii_case(wanted))
            && query.is_named_in(&[name, list.text(col::DESCRIPTION)])
    };
    let everybodys = query.world.all(Kind::NetworkAcl).rev().filter(|list| is_default(list));
    let everybodys = everybodys.filter(|list| !args.has("id") && is_named(list));
    let all = own.into_iter().chain(everybodys);
    query.page(all.filter(|list| of_tier.is_none_or(|wanted| wanted == Some(list.id))))
}
