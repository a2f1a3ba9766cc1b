//! Public IP addresses: acquired by a tenant for a network or a VPC, billed while held.

use std::collections::BTreeSet;

use cloudtally_model::ApiError;

use super::{ip, metering};
use crate::{
    engine::{Answer, Call, Done, Node, Query, Thing, ThingId, Tx, World, limit},
    table::{
        Command, Kind, KindSpec, Limit, Object, ParamType::*, Roles, WireType as W, f, fields::*,
        group, own, p,
    },
};

pub(crate) const IP_ADDRESS: Object = Object {
    name: "IPAddress",
    fields: &[
        ID,
        f("ipaddress", W::Str),
        f("allocated", W::Date),
        ZONE_ID,
        ZONE_NAME,
        f("issourcenat", W::Bool),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("forvirtualnetwork", W::Bool),
        f("vlanid", W::Id(Kind::VlanIpRange)),
        f("vlanname", W::Str).join("vlanid", "vlan"),
        f("isstaticnat", W::Bool),
        f("issystem", W::Bool),
        f("virtualmachineid", W::Id(Kind::Vm)),
        f("vmipaddress", W::Str),
        f("virtualmachinename", W::Str).join("virtualmachineid", "name"),
        f("virtualmachinedisplayname", W::Str).join("virtualmachineid", "displayname"),
        f("associatednetworkid", W::Id(Kind::Network)),
        f("associatednetworkname", W::Str).join("associatednetworkid", "name"),
        f("networkid", W::Id(Kind::Network)),
        STATE,
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("purpose", W::Str),
        f("vpcid", W::Id(Kind::Vpc)),
        TAGS,
        f("isportable", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("associateIpAddress")
        .doc("Acquires a public IP address for a network, a VPC or, if portable, a region")
        .roles(Roles::ALL)
        .params(&[
            p("zoneid", Id(Kind::Zone)).doc("the zone to take it from"),
            p("networkid", Id(Kind::Network))
                .doc("the network to use it in; this, `vpcid` or `zoneid`"),
            p("vpcid", Id(Kind::Vpc)).doc("the VPC to use it in"),
            p("isportable", Bool)
                .doc("true for an address that can move between zones; false unless given"),
            p("regionid", Region).doc("the region to take a portable address from"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .create_job("NET.IPASSIGN") // `PORTABLE.IPASSIGN` for a portable address
        .object("ipaddress", &IP_ADDRESS)
        .kind(Kind::IpAddress)
        .begin(begin_associate)
        .act(associate)
        .on_failure(|call, _| give_up(call)),
    own("disassociateIpAddress")
        .doc("Gives up a public IP address together with its rules")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::IpAddress)).required().doc("the address")])
        .job("NET.IPRELEASE") // `PORTABLE.IPRELEASE` for a portable address
        .success()
        .kind(Kind::IpAddress)
        .check(check_release)
        .act(disassociate),
    own("listPublicIpAddresses")
        .doc("Lists public IP addresses")
        .roles(Roles::ALL)
        .params(&[
            p("allocatedonly", Bool).doc("false to show free ones as well; true unless given"),
            p("forvirtualnetwork", Bool)
                .doc("true for public ones, false for those directly on VMs"),
            p("id", Id(Kind::IpAddress)),
            p("ipaddress", Str).doc("shows only this address"),
            p("vlanid", Id(Kind::VlanIpRange)).doc("shows only those of this VLAN IP range"),
            p("zoneid", Id(Kind::Zone)),
            p("forloadbalancing", Bool).doc("true for those that load balancer rules can use"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("associatednetworkid", Id(Kind::Network))
                .doc("shows only those used by this network"),
            p("issourcenat", Bool).doc("true for source NAT addresses"),
            p("isstaticnat", Bool).doc("true for those with static NAT"),
            p("vpcid", Id(Kind::Vpc)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("publicipaddress", &IP_ADDRESS)
        .kind(Kind::IpAddress)
        .read(list_addresses),
];

/// Who may hold how many, and what is on them, is looked at by `release`.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::IpAddress, &IP_ADDRESS)
    .owned()
    .states(&["Allocated"], &[])
    .limit(Limit::PublicIp)
    .keyword(&["ipaddress"])
    .tagged("PublicIpAddress")
    .job_instance("IpAddress");

/// The first address of a range that nobody has.
fn first_free(world: &World, range: &Thing) -> Option<String> {
    let taken: BTreeSet<String> = world
        .referring(range.id, Kind::IpAddress, "vlanid")
        .map(|address| address.text("ipaddress").to_owned())
        .collect();
    ip::range(range.text("startip"), range.text("endip"))
        .map(ip::format)
        .find(|address| !taken.contains(address))
}

/// The public ranges of a zone that an account may take from: first those kept
/// for it, then, if it may, those of everybody.
fn public_ranges(world: &World, zone: ThingId, owner: ThingId) -> Vec<&Thing> {
    let public = || {
        world
            .referring(zone, Kind::VlanIpRange, "zoneid")
            .filter(|range| range.flag("forvirtualnetwork"))
    };
    let mut ranges: Vec<&Thing> =
        public().filter(|range| range.id_of("accountid") == Some(owner)).collect();
    if ranges.is_empty() || world.scoped_setting(owner, "use.system.public.ips") == "true" {
        ranges.extend(public().filter(|range| range.id_of("accountid").is_none()));
    }
    ranges
}

/// What a new address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The source NAT address of a network.
    SourceNat,
    /// Rules of the tenant.
    Rules,
}

/// Takes a public address of a zone for an account.
pub(crate) fn acquire(
    tx: &mut Tx<'_>,
    owner: ThingId,
    zone: ThingId,
    network: Option<ThingId>,
    purpose: Purpose,
) -> Result<ThingId, ApiError> {
    limit::check(tx, owner, Limit::PublicIp, 1)?;
    let found = public_ranges(tx, zone, owner)
        .into_iter()
        .find_map(|range| Some((range.id, first_free(tx, range)?)));
    let (range, address) = found.ok_or_else(|| {
        ApiError::address_capacity(format!(
            "the zone {} has no free public address; add a range with createVlanIpRange",
            tx.thing(zone).text("name")
        ))
        .about(tx.thing(zone).uuid.to_string(), "zoneid")
    })?;
    let physical = tx.thing(range).id_of("physicalnetworkid");
    let id = insert(tx, owner, zone, &address, |thing| {
        thing
            .set_ref("vlanid", range)
            .set_ref("physicalnetworkid", physical)
            .set_ref("associatednetworkid", network)
            .set_flag("forvirtualnetwork", true)
            .set_flag("issourcenat", purpose == Purpose::SourceNat);
    });
    Ok(id)
}

/// Takes an address that a virtual machine on a shared network gets directly.
pub(crate) fn acquire_direct(
    tx: &mut Tx<'_>,
    owner: ThingId,
    network: ThingId,
    wanted: Option<&str>,
) -> Result<(ThingId, ThingId), ApiError> {
    let shared = tx.thing(network).clone();
    let zone = shared.id_of("zoneid").expect("networks are in a zone");
    let ranges: Vec<&Thing> = tx.referring(network, Kind::VlanIpRange, "networkid").collect();
    let found = match wanted {
        None => ranges.into_iter().find_map(|range| Some((range.id, first_free(tx, range)?))),
        Some(address) => {
            let holds = |range: &&Thing| {
                ip::range(range.text("startip"), range.text("endip"))
                    .any(|candidate| ip::format(candidate) == address)
            };
            let range = ranges.into_iter().find(holds).ok_or_else(|| {
                ApiError::value(format!(
                    "{address} is in no range of the network {}",
                    shared.text("name")
                ))
            })?;
            let is_taken = tx
                .referring(range.id, Kind::IpAddress, "vlanid")
                .any(|taken| taken.text("ipaddress") == address);
            if is_taken {
                return Err(ApiError::value(format!("{address} is taken already")));
            }
            Some((range.id, address.to_owned()))
        }
    };
    let (range, address) = found.ok_or_else(|| {
        ApiError::address_capacity(format!(
            "the network {} has no free address; add a range with createVlanIpRange",
            shared.text("name")
        ))
    })?;
    let id = insert(tx, owner, zone, &address, |thing| {
        thing
            .set_ref("vlanid", range)
            .set_ref("networkid", network)
            .set_ref("associatednetworkid", network)
            .set_flag("forvirtualnetwork", false)
            .set_flag("issourcenat", false);
    });
    Ok((id, range))
}

fn insert(
    tx: &mut Tx<'_>,
    owner: ThingId,
    zone: ThingId,
    address: &str,
    fill: impl FnOnce(&mut Thing),
) -> ThingId {
    let now = tx.now;
    let id = tx.insert(Kind::IpAddress, |thing| {
        thing.owner = Some(owner);
        thing
            .set_text("ipaddress", address)
            .set_ref("zoneid", zone)
            .set_time("allocated", now)
            .set_flag("isstaticnat", false)
            .set_flag("issystem", false)
            .set_flag("isportable", false);
        fill(thing);
    });
    metering::address(tx, true, id);
    id
}

/// Gives an address up, with everything that stands on it.
pub(crate) fn release(tx: &mut Tx<'_>, id: ThingId) {
    super::rules::remove_of_address(tx, id);
    metering::address(tx, false, id);
    tx.remove_with_dependants(id);
}

fn begin_associate(call: &mut Call<'_, '_>) -> Result<Option<ThingId>, ApiError> {
    // 1. For a network it belongs to the network's owner.
    let network = call.args.id("networkid");
    let is_portable = call.args.is_true("isportable");
    let owner = match network {
        Some(network) => {
            let network = call.thing(network);
            if network.text("type") != "Isolated" {
                return Err(ApiError::value(format!(
                    "the network {} is shared; its virtual machines have addresses of their own",
                    network.text("name")
                )));
            }
            network.owner.expect("networks have an owner")
        }
        None => call.owner()?,
    };
    let zone = match (network, call.args.id("zoneid")) {
        (Some(network), _) => call.thing(network).id_of("zoneid"),
        (None, zone) => zone,
    };
    // 2. Portable addresses come from the region, others from the zone.
    if is_portable {
        return acquire_portable(call, owner, zone, network).map(Some);
    }
    let zone = zone.ok_or_else(|| ApiError::value("give `networkid` or `zoneid`"))?;
    if call.thing(zone).text("networktype").eq_ignore_ascii_case("Basic") {
        return Err(ApiError::value(
            "basic zones have no public addresses to acquire; their virtual machines have them directly",
        ));
    }
    acquire(call.tx, owner, zone, network, Purpose::Rules).map(Some)
}

fn acquire_portable(
    call: &mut Call<'_, '_>,
    owner: ThingId,
    zone: Option<ThingId>,
    network: Option<ThingId>,
) -> Result<ThingId, ApiError> {
    limit::check(call.tx, owner, Limit::PublicIp, 1)?;
    let region = call.args.int("regionid").unwrap_or(1);
    let taken: BTreeSet<String> = call
        .all(Kind::IpAddress)
        .filter(|address| address.flag("isportable"))
        .map(|address| address.text("ipaddress").to_owned())
        .collect();
    let found = call
        .all(Kind::PortableIpRange)
        .filter(|range| range.int("regionid") == region)
        .flat_map(|range| ip::range(range.text("startip"), range.text("endip")))
        .map(ip::format)
        .find(|address| !taken.contains(address))
        .ok_or_else(|| {
            ApiError::address_capacity(format!(
                "the region {region} has no free portable address; add a range with createPortableIpRange"
            ))
        })?;
    let zone = zone
        .or_else(|| call.all(Kind::Zone).next().map(|zone| zone.id))
        .ok_or_else(|| ApiError::value("there is no zone to use the address in"))?;
    let now = call.now;
    let id = call.tx.insert(Kind::IpAddress, |thing| {
        thing.owner = Some(owner);
        thing
            .set_text("ipaddress", &found)
            .set_ref("zoneid", zone)
            .set_ref("associatednetworkid", network)
            .set_time("allocated", now)
            .set_flag("forvirtualnetwork", true)
            .set_flag("issourcenat", false)
            .set_flag("isstaticnat", false)
            .set_flag("issystem", false)
            .set_flag("isportable", true);
    });
    metering::address(call.tx, true, id);
    Ok(id)
}

/// Acquiring failed after the address was taken: it goes back.
fn give_up(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.get(Kind::IpAddress, *id).is_some()) {
        release(call.tx, id);
    }
}

fn associate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if let Some(network) = call.entity().id_of("associatednetworkid") {
        super::network::implement(call.tx, network)?;
    }
    Ok(Done::Thing(id))
}

fn check_release(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let address = call.thing(call.args.id_required("id"));
    if address.flag("issourcenat") {
        return Err(ApiError::value(format!(
            "{} is the source NAT address of its network and goes with the network",
            address.text("ipaddress")
        )));
    }
    if !address.flag("forvirtualnetwork") {
        return Err(ApiError::value(format!(
            "{} belongs to a virtual machine on a shared network and goes with its NIC",
            address.text("ipaddress")
        )));
    }
    Ok(())
}

fn disassociate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    release(call.tx, id);
    Ok(Done::Success)
}

/// The addresses that somebody has and, if asked for, the free ones of the
/// public ranges, which have no id yet.
fn list_addresses(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let taken = query.things(Kind::IpAddress)?;
    let for_rules = args.is_true("forloadbalancing");
    let is_wanted = |address: &&Thing| {
        (args.has("forvirtualnetwork") || address.flag("forvirtualnetwork"))
            && (!for_rules || !address.flag("isstaticnat"))
    };
    let mut items: Vec<Node> = taken
        .into_iter()
        .filter(is_wanted)
        .map(|address| query.show(address, &IP_ADDRESS))
        .collect();
    if args.flag("allocatedonly") == Some(false) && query.caller.is_root() {
        items.extend(free_addresses(query));
    }
    query.page_of("publicipaddress", items.into_iter(), |_, node| node)
}

fn free_addresses(query: &Query<'_>) -> Vec<Node> {
    let world = query.world;
    let (zone, range) = (query.args.id("zoneid"), query.args.id("vlanid"));
    let mut items = Vec::new();
    for found in world.all(Kind::VlanIpRange).filter(|range| range.flag("forvirtualnetwork")) {
        let is_other = range.is_some_and(|id| id != found.id)
            || zone.is_some_and(|id| found.id_of("zoneid") != Some(id));
        if is_other {
            continue;
        }
        let taken: BTreeSet<String> = world
            .referring(found.id, Kind::IpAddress, "vlanid")
            .map(|address| address.text("ipaddress").to_owned())
            .collect();
        let of_zone = found.id_of("zoneid").map(|id| world.thing(id));
        for address in ip::range(found.text("startip"), found.text("endip")).map(ip::format) {
            let is_wanted = query.args.text("ipaddress").is_none_or(|wanted| wanted == address);
            if taken.contains(&address) || !is_wanted {
                continue;
            }
            let fields = vec![
                ("ipaddress", Node::text(&address)),
                ("zoneid", Node::text_if(of_zone.map(|zone| zone.uuid.to_string()))),
                ("zonename", Node::text_if(of_zone.map(|zone| zone.text("name")))),
                ("issourcenat", Node::Bool(false)),
                ("forvirtualnetwork", Node::Bool(true)),
                ("vlanid", Node::text(found.uuid.to_string())),
                ("vlanname", Node::text(found.text("vlan"))),
                ("isstaticnat", Node::Bool(false)),
                ("state", Node::text("Free")),
            ];
            items.push(Node::Object(fields));
        }
    }
    items
}
