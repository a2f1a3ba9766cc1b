//! Guest networks: isolated ones of an account, shared ones of a zone, tiers of a VPC.

use std::collections::BTreeSet;

use cloudtally_model::ApiError;

use super::{
    address::{self, Purpose},
    given::{self, Subnet},
    ip,
    iprange::IpRange,
    metering, networkoffering, router_vm as router,
    vlanset::vlan_number,
};
use crate::{
    engine::{Answer, Arg, Call, Done, Query, Thing, ThingId, Tx, World, limit},
    table::{
        Command, Kind, KindSpec, Limit, Move, Object, OnDelete, ParamType::*, Roles, WireType as W,
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
        f("reservediprange", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("networkofferingid", W::Id(Kind::NetworkOffering)),
        f("networkofferingname", W::Str).join("networkofferingid", "name"),
        f("networkofferingdisplaytext", W::Str).join("networkofferingid", "displaytext"),
        f("networkofferingconservemode", W::Bool).join("networkofferingid", "conservemode"),
        f("networkofferingavailability", W::Str).join("networkofferingid", "availability"),
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
            .by(|view| networkoffering::services(offering_of(view.world, view.thing))),
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
            p("networkdomain", Str),
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
        .act(create),
    own("deleteNetwork")
        .doc("Deletes a network without VMs, with its rules and addresses")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Network)).required()])
        .job("NETWORK.DELETE")
        .success()
        .kind(Kind::Network)
        .check(check_delete)
        .act(delete),
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
        .act(restart),
    own("updateNetwork")
        .doc("Changes a network; a new offering means new routers")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Network)).required(),
            p("name", Str),
            p("displaytext", Str),
            p("networkdomain", Str),
            p("changecidr", Bool).doc("true to let a new offering change the address range"),
            p("networkofferingid", Id(Kind::NetworkOffering)),
            p("guestvmcidr", Str).doc("the part of the range that VMs get; the rest is reserved"),
            p("displaynetwork", Bool),
        ])
        .job("NETWORK.UPDATE")
        .object("network", &NETWORK)
        .kind(Kind::Network)
        .act(update),
];

/// An isolated network is set up when its first virtual machine starts; a shared
/// one from the beginning. Hidden: `shareddomain` is the domain that a shared
/// network is for, `startip` and `endip` what its addresses are given from.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Network, &NETWORK)
    .hidden(&[
        hidden("shareddomain", W::Id(Kind::Domain)),
        hidden("startip", W::Str),
        hidden("endip", W::Str),
        hidden("isolatedpvlan", W::Str),
    ])
    .owned()
    .states(
        &["Allocated", "Setup", "Implementing", "Implemented", "Shutdown"],
        &[
            Move { from: "Allocated", to: "Implemented" },
            Move { from: "Allocated", to: "Setup" },
            Move { from: "Implemented", to: "Shutdown" },
            Move { from: "Implemented", to: "Allocated" },
            Move { from: "Shutdown", to: "Allocated" },
        ],
    )
    .keyword(&["name", "displaytext"])
    .referred(&[
        (Kind::Nic, "networkid", OnDelete::Refuse),
        (Kind::EgressRule, "networkid", OnDelete::Remove),
    ])
    .tagged("Network")
    .job_instance("Network");

/// Where isolated networks have their addresses unless the zone says otherwise.
const GUEST_CIDR: &str = "10.1.1.0/24";

/// The offering of a network.
pub(crate) fn offering_of<'w>(world: &'w World, network: &Thing) -> &'w Thing {
    let id = network.id_of("networkofferingid").expect("networks have an offering");
    world.thing(id)
}

/// Whether a network offers a service, such as `Lb`.
pub(crate) fn provides(world: &World, network: &Thing, service: &str) -> bool {
    networkoffering::provides(offering_of(world, network), service)
}

/// Refuses a rule on a network that does not offer its service.
pub(crate) fn must_provide(world: &World, network: ThingId, service: &str) -> Result<(), ApiError> {
    let network = world.thing(network);
    if provides(world, network, service) {
        return Ok(());
    }
    Err(ApiError::value(format!(
        "the network {} does not offer {service}; its offering is {}",
        network.text("name"),
        offering_of(world, network).text("name")
    ))
    .about(network.uuid.to_string(), "networkid"))
}

/// The physical network of a zone that carries guest traffic.
fn guest_physical_network(world: &World, zone: ThingId) -> Option<&Thing> {
    world.referring(zone, Kind::PhysicalNetwork, "zoneid").find(|physical| {
        physical.state == "Enabled"
            && world
                .referring(physical.id, Kind::TrafficType, "physicalnetworkid")
                .any(|traffic| traffic.text("traffictype") == "Guest")
    })
}

fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. What kind of network the offering is for.
    let (zone, offering) =
        (call.args.id_required("zoneid"), call.args.id_required("networkofferingid"));
    let is_shared = call.thing(offering).text("guestiptype").eq_ignore_ascii_case("Shared");
    if call.thing(offering).state != "Enabled" {
        return Err(ApiError::value(format!(
            "the network offering {} is not enabled",
            call.thing(offering).text("name")
        )));
    }
    if call.thing(zone).text("allocationstate") != "Enabled" && !call.caller.is_root() {
        return Err(ApiError::permission(format!(
            "the zone {} is not enabled",
            call.thing(zone).text("name")
        )));
    }
    if call.args.has("vpcid") {
        return Err(ApiError::value("tiers of VPCs are not supported yet"));
    }
    let id = if is_shared {
        create_shared(call, zone, offering)?
    } else {
        create_isolated(call, zone, offering)?
    };
    call.entity = Some(id);
    Ok(Done::Thing(id))
}

fn create_isolated(
    call: &mut Call<'_, '_>,
    zone: ThingId,
    offering: ThingId,
) -> Result<ThingId, ApiError> {
    if call.thing(zone).text("networktype").eq_ignore_ascii_case("Basic") {
        return Err(ApiError::value("basic zones have one shared network and no isolated ones"));
    }
    let owner = call.owner()?;
    if call.args.has("vlan") && !call.thing(offering).flag("specifyvlan") {
        return Err(ApiError::value(
            "the offering does not let the VLAN be named; leave `vlan` out",
        ));
    }
    let args = call.args.clone();
    let range = named_range(call)?;
    let physical = physical_network(call, zone)?;
    let vlan = named_vlan(call, physical, "Isolated")?;
    let (name, text) = (args.text_required("name"), args.text_required("displaytext"));
    let id = isolated(call.tx, owner, zone, offering, name, text)?;
    call.edit(id, |network| {
        network.set_ref("physicalnetworkid", physical);
        if let Some(vlan) = &vlan {
            network.set_text("vlan", vlan);
        }
        for column in ["networkdomain", "displaynetwork"] {
            match args.if_any(column) {
                Some(Arg::Text(text)) => drop(network.set_text(column, text)),
                Some(Arg::Bool(flag)) => drop(network.set_flag(column, *flag)),
                _ => {}
            }
        }
    });
    if let Some((gateway, netmask, cidr)) = range {
        call.edit(id, |network| {
            network
                .set_text("gateway", &gateway)
                .set_text("netmask", &netmask)
                .set_text("cidr", &cidr);
        });
    }
    if call.thing(offering).flag("ispersistent") {
        implement(call.tx, id)?;
    }
    Ok(id)
}

/// The gateway, netmask and CIDR that are given for an isolated network: both or
/// neither, with room for machines beside the gateway.
fn named_range(call: &Call<'_, '_>) -> Result<Option<(String, String, String)>, ApiError> {
    let (gateway, netmask) = match (call.args.text("gateway"), call.args.text("netmask")) {
        (None, None) => return Ok(None),
        (Some(gateway), Some(netmask)) => (gateway, netmask),
        _ => return Err(ApiError::value("give `gateway` and `netmask` together")),
    };
    let at = given::address(call, "gateway")?;
    let subnet = Subnet::of(gateway, netmask).filter(|subnet| subnet.usable().len() > 1);
    let subnet = subnet.ok_or_else(|| {
        let expected = "expected a netmask with room for machines, such as `255.255.255.0`";
        call.invalid("netmask", netmask, expected)
    })?;
    if !at.is_some_and(|at| subnet.usable().contains(&at)) {
        let expected = format!("expected an address that machines of {netmask} can have");
        return Err(call.invalid("gateway", gateway, &expected));
    }
    let cidr = ip::cidr(gateway.trim(), netmask.trim()).expect("a subnet was made of them");
    Ok(Some((gateway.trim().to_owned(), netmask.trim().to_owned(), cidr)))
}

/// The physical network for a new guest network: the one named, which must carry
/// guests of the zone, or the first that does.
fn physical_network(call: &Call<'_, '_>, zone: ThingId) -> Result<ThingId, ApiError> {
    let carriers = super::physicalnetwork::carrying(call, zone, "Guest");
    match call.args.id("physicalnetworkid") {
        Some(named) if carriers.contains(&named) => Ok(named),
        Some(named) => Err(ApiError::value(format!(
            "the physical network {} carries no guest traffic of the zone {}",
            call.thing(named).text("name"),
            call.thing(zone).text("name")
        ))
        .about(call.thing(named).uuid.to_string(), "physicalnetworkid")),
        None => guest_physical_network(call, zone).map(|physical| physical.id).ok_or_else(|| {
            ApiError::value(format!(
                "the zone {} has no enabled physical network for guests",
                call.thing(zone).text("name")
            ))
        }),
    }
}

/// The VLAN named for a new network, as it is kept: none of those that the system
/// gives to networks itself. Isolated networks share theirs with no other.
fn named_vlan(
    call: &Call<'_, '_>,
    physical: ThingId,
    network_type: &str,
) -> Result<Option<String>, ApiError> {
    let Some(given) = call.args.text("vlan").map(str::trim) else { return Ok(None) };
    let text = given.strip_prefix("vlan://").unwrap_or(given);
    let is_shared = network_type == "Shared";
    if is_shared && text.eq_ignore_ascii_case("untagged") {
        return Ok(Some("untagged".to_owned()));
    }
    let number = vlan_number(text)
        .ok_or_else(|| call.invalid("vlan", given, "expected a number from 0 to 4094"))?;
    if super::physicalnetwork::vlan_set(call.thing(physical)).contains(number) {
        return Err(ApiError::value(format!(
            "The VLAN tag {number} is already being used for dynamic vlan allocation for the guest network in zone {}",
            call.thing(physical).id_of("zoneid").map_or("", |zone| call.thing(zone).text("name"))
        ))
        .about(call.thing(physical).uuid.to_string(), "vlan"));
    }
    let vlan = number.to_string();
    let mut others = call.referring(physical, Kind::Network, "physicalnetworkid");
    match others
        .find(|other| other.text("vlan") == vlan && !(is_shared && other.text("type") == "Shared"))
    {
        Some(other) => Err(ApiError::value(format!(
            "the network {} is on VLAN {vlan} already; choose another `vlan`",
            other.text("name")
        ))
        .about(other.uuid.to_string(), "vlan")),
        None => Ok(Some(vlan)),
    }
}

/// Makes an isolated network of an account.
fn isolated(
    tx: &mut Tx<'_>,
    owner: ThingId,
    zone: ThingId,
    offering: ThingId,
    name: &str,
    displaytext: &str,
) -> Result<ThingId, ApiError> {
    limit::check(tx, owner, Limit::Network, 1)?;
    let physical =
        guest_physical_network(tx, zone).map(|physical| physical.id).ok_or_else(|| {
            ApiError::value(format!(
                "the zone {} has no enabled physical network for guests",
                tx.thing(zone).text("name")
            ))
        })?;
    let cidr = match tx.thing(zone).text("guestcidraddress") {
        "" => GUEST_CIDR.to_owned(),
        cidr => cidr.to_owned(),
    };
    let (gateway, netmask) = ip::gateway_and_netmask(&cidr)
        .ok_or_else(|| ApiError::value(format!("the zone's guest CIDR {cidr} is no CIDR")))?;
    let (dns1, dns2) = {
        let zone = tx.thing(zone);
        (zone.text("dns1").to_owned(), zone.text("dns2").to_owned())
    };
    let suffix = tx.setting("guest.domain.suffix").to_owned();
    let id = tx.insert(Kind::Network, |network| {
        network.owner = Some(owner);
        network
            .set_text("name", name)
            .set_text("displaytext", displaytext)
            .set_text("broadcastdomaintype", "Vlan")
            .set_text("traffictype", "Guest")
            .set_text("gateway", &gateway)
            .set_text("netmask", &netmask)
            .set_text("cidr", &cidr)
            .set_ref("zoneid", zone)
            .set_ref("networkofferingid", offering)
            .set_flag("issystem", false)
            .set_text("dns1", &dns1)
            .set_text("type", "Isolated")
            .set_text("acltype", "Account")
            .set_flag("isdefault", false)
            .set_text("networkdomain", &suffix)
            .set_ref("physicalnetworkid", physical)
            .set_flag("restartrequired", false)
            .set_flag("specifyipranges", false)
            .set_flag("canusefordeploy", true);
        if !dns2.is_empty() {
            network.set_text("dns2", &dns2);
        }
    });
    let is_persistent = tx.thing(offering).flag("ispersistent");
    tx.edit(id, |network| {
        network.set_flag("ispersistent", is_persistent);
        let uuid = network.uuid.to_string();
        network.set_text("related", &uuid);
    });
    Ok(id)
}

fn create_shared(
    call: &mut Call<'_, '_>,
    zone: ThingId,
    offering: ThingId,
) -> Result<ThingId, ApiError> {
    // 1. Only root admins make them, and they say everything about them.
    if !call.caller.is_root() {
        return Err(ApiError::permission("Only root admins make shared networks"));
    }
    let args = call.args.clone();
    let text = |name: &str| {
        args.text(name).ok_or_else(|| ApiError::value(format!("a shared network needs `{name}`")))
    };
    let (dns1, is_basic) = {
        let zone = call.thing(zone);
        (zone.text("dns1").to_owned(), zone.text("networktype").eq_ignore_ascii_case("Basic"))
    };
    let physical = physical_network(call, zone)?;
    let vlan = named_vlan(call, physical, "Shared")?.unwrap_or_else(|| "untagged".to_owned());
    // The pods of a basic zone bring their own addresses, by createVlanIpRange.
    let range = if is_basic && !args.has("startip") {
        None
    } else {
        let (gateway, netmask, start) = (text("gateway")?, text("netmask")?, text("startip")?);
        let range = IpRange::checked(call, gateway, netmask, start, args.text("endip"))?;
        let others = call.referring(zone, Kind::VlanIpRange, "zoneid");
        range.check_apart(others.filter(|other| other.text("vlan") == vlan))?;
        Some(range)
    };
    let cidr = range.as_ref().and_then(|range| ip::cidr(&range.gateway, &range.netmask));
    let acl = args.text("acltype").unwrap_or("Domain").to_owned();
    let acl = match acl.to_lowercase().as_str() {
        "domain" => "Domain",
        "account" => "Account",
        _ => return Err(call.invalid("acltype", &acl, "expected `Domain` or `Account`")),
    };
    // 2. Those for domains belong to the system, those for an account to it.
    let (holder, domain) = match acl {
        "Domain" if args.has("account") || args.has("projectid") => {
            return Err(ApiError::value(
                "a network for a domain is no account's; give `acltype=Account` with the account",
            ));
        }
        "Domain" => {
            (call.thing(crate::engine::seed::system_user(call.tx)).owner, args.id("domainid"))
        }
        _ => (Some(call.owner()?), None),
    };
    let id = call.tx.insert(Kind::Network, |network| {
        network.owner = holder;
        network
            .set_text("name", args.text_required("name"))
            .set_text("displaytext", args.text_required("displaytext"))
            .set_text("broadcastdomaintype", if is_basic { "Native" } else { "Vlan" })
            .set_text("traffictype", "Guest")
            .set_ref("zoneid", zone)
            .set_ref("networkofferingid", offering)
            .set_flag("issystem", false)
            .set_text("dns1", &dns1)
            .set_text("type", "Shared")
            .set_text("vlan", &vlan)
            .set_text("broadcasturi", &format!("vlan://{vlan}"))
            .set_text("acltype", acl)
            .set_flag("subdomainaccess", args.flag("subdomainaccess").unwrap_or(true))
            .set_flag("isdefault", false)
            .set_ref("physicalnetworkid", physical)
            .set_flag("restartrequired", false)
            .set_flag("specifyipranges", true)
            .set_flag("canusefordeploy", true)
            .set_flag("ispersistent", false)
            .set_ref("shareddomain", domain);
        let uuid = network.uuid.to_string();
        network.set_text("related", &uuid);
        if let (Some(range), Some(cidr)) = (&range, &cidr) {
            network
                .set_text("gateway", &range.gateway)
                .set_text("netmask", &range.netmask)
                .set_text("cidr", cidr);
        }
    });
    call.tx.move_to(id, "Setup");
    if let Some(range) = range {
        call.tx.insert(Kind::VlanIpRange, |row| {
            row.set_flag("forvirtualnetwork", false)
                .set_ref("zoneid", zone)
                .set_text("vlan", &vlan)
                .set_ref("networkid", id)
                .set_ref("physicalnetworkid", physical);
            range.store(row);
        });
    }
    Ok(id)
}

/// The networks a virtual machine is deployed on: those named, else the one an
/// account has, else a new one of the offering that is there for that.
pub(crate) fn for_deployment(
    call: &mut Call<'_, '_>,
    owner: ThingId,
    zone: ThingId,
    named: &[ThingId],
) -> Result<Vec<ThingId>, ApiError> {
    let is_basic = call.thing(zone).text("networktype").eq_ignore_ascii_case("Basic");
    if is_basic && named.is_empty() {
        let shared = call
            .referring(zone, Kind::Network, "zoneid")
            .find(|network| network.text("type") == "Shared");
        return shared.map(|network| vec![network.id]).ok_or_else(|| {
            ApiError::value(format!(
                "the basic zone {} has no guest network yet",
                call.thing(zone).text("name")
            ))
        });
    }
    for (at, id) in named.iter().enumerate() {
        let network = call.thing(*id);
        if named[..at].contains(id) {
            return Err(ApiError::value(format!(
                "the network {} is named twice; a virtual machine has one NIC on each",
                network.text("name")
            ))
            .about(network.uuid.to_string(), "networkids"));
        }
        if network.id_of("zoneid") != Some(zone) {
            return Err(ApiError::value(format!(
                "the network {} is in another zone",
                network.text("name")
            ))
            .about(network.uuid.to_string(), "networkids"));
        }
        let is_own = network.owner == Some(owner);
        if !is_own && !call.is_shared_with(network, call.domain_of(owner)) {
            return Err(ApiError::permission(format!(
                "the network {} is not for this account",
                network.text("name")
            ))
            .about(network.uuid.to_string(), "networkids"));
        }
    }
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let own: Vec<ThingId> = call
        .owned_by(owner, Kind::Network)
        .filter(|network| {
            network.id_of("zoneid") == Some(zone)
                && network.text("type") == "Isolated"
                && provides(call.tx, network, "SourceNat")
        })
        .map(|network| network.id)
        .collect();
    match own.as_slice() {
        [one] => Ok(vec![*one]),
        [] => {
            let offering = call
                .all(Kind::NetworkOffering)
                .find(|offering| {
                    offering.state == "Enabled"
                        && offering.text("availability") == "Required"
                        && offering.text("guestiptype") == "Isolated"
                        && networkoffering::provides(offering, "SourceNat")
                })
                .map(|offering| offering.id)
                .ok_or_else(|| {
                    ApiError::value(
                        "name the networks in `networkids`; there is no offering to make one from",
                    )
                })?;
            let account = call.thing(owner).text("name").to_owned();
            let name = format!("{account}-network");
            Ok(vec![isolated(call.tx, owner, zone, offering, &name, &name)?])
        }
        several => Err(ApiError::value(format!(
            "the account has {} networks in this zone; name those to use in `networkids`",
            several.len()
        ))),
    }
}

/// Sets an isolated network up: a VLAN, its source NAT address, a router.
pub(crate) fn implement(tx: &mut Tx<'_>, id: ThingId) -> Result<(), ApiError> {
    let network = tx.thing(id).clone();
    if network.text("type") != "Isolated" {
        return Ok(());
    }
    if network.state != "Implemented" {
        let vlan = match network.text("vlan") {
            "" => free_vlan(tx, &network)?,
            vlan => vlan.to_owned(),
        };
        tx.edit(id, |network| {
            network.set_text("vlan", &vlan).set_text("broadcasturi", &format!("vlan://{vlan}"));
        });
        tx.move_to(id, "Implemented");
    }
    let (owner, zone) = (network.owner, network.id_of("zoneid"));
    let (Some(owner), Some(zone)) = (owner, zone) else { return Ok(()) };
    let has_nat = tx
        .referring(id, Kind::IpAddress, "associatednetworkid")
        .any(|address| address.flag("issourcenat"));
    if provides(tx, &network, "SourceNat") && !has_nat {
        address::acquire(tx, owner, zone, Some(id), Purpose::SourceNat)?;
    }
    router::ensure(tx, id)
}

fn free_vlan(tx: &Tx<'_>, network: &Thing) -> Result<String, ApiError> {
    let physical = network.id_of("physicalnetworkid").expect("isolated networks have one");
    let taken: BTreeSet<String> = tx
        .referring(physical, Kind::Network, "physicalnetworkid")
        .map(|network| network.text("vlan").to_owned())
        .collect();
    let owner = network.owner.expect("isolated networks have an owner");
    super::physicalnetwork::vlans_for(tx, physical, owner)
        .into_iter()
        .map(|vlan| vlan.to_string())
        .find(|vlan| !taken.contains(vlan))
        .ok_or_else(|| {
            ApiError::network_capacity(format!(
                "the physical network {} has no free VLAN; add some with updatePhysicalNetwork",
                tx.thing(physical).text("name")
            ))
        })
}

fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let id = call.args.id_required("id");
    refuse_used(call.tx, id)
}

fn refuse_used(tx: &Tx<'_>, id: ThingId) -> Result<(), ApiError> {
    let network = tx.thing(id);
    let used = tx.referring(id, Kind::Nic, "networkid").find_map(|nic| {
        nic.id_of("virtualmachineid").map(|vm| tx.thing(vm)).filter(|vm| vm.kind == Kind::Vm)
    });
    match used {
        Some(vm) => Err(ApiError::in_use(format!(
            "the network {} is in use by the virtual machine {}; destroy and expunge it, or take it off the network, first",
            network.text("name"),
            vm.text("name")
        ))
        .about(network.uuid.to_string(), "id")),
        None => Ok(()),
    }
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_used(call.tx, id)?;
    remove(call.tx, id);
    Ok(Done::Success)
}

/// Removes a network that no virtual machine is on, with its addresses, rules and
/// router.
pub(crate) fn remove(tx: &mut Tx<'_>, id: ThingId) {
    router::destroy_of(tx, id);
    for address in tx.ids_referring(id, Kind::IpAddress, "associatednetworkid") {
        address::release(tx, address);
    }
    for range in tx.ids_referring(id, Kind::VlanIpRange, "networkid") {
        tx.remove(range);
    }
    tx.remove_with_dependants(id);
}

fn restart(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let state = call.entity().state;
    if !matches!(state, "Implemented" | "Setup") {
        return Err(ApiError::value(format!(
            "the network {} is {state} and has nothing to restart",
            call.entity().text("name")
        )));
    }
    if call.args.flag("cleanup") != Some(false) {
        router::destroy_of(call.tx, id);
    }
    implement(call.tx, id)?;
    call.edit(id, |network| {
        network.set_flag("restartrequired", false);
    });
    Ok(Done::Success)
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let args = call.args.clone();
    let network = call.entity().clone();
    if network.text("acltype") == "Domain" && !call.caller.is_root() {
        return Err(ApiError::permission("Only root admins change shared networks"));
    }
    // 1. Another offering bills the NICs anew.
    if let Some(offering) = args.id("networkofferingid")
        && network.id_of("networkofferingid") != Some(offering)
    {
        let (old, new) = (offering_of(call.tx, &network), call.thing(offering));
        if old.text("guestiptype") != new.text("guestiptype") {
            return Err(ApiError::value(format!(
                "a network of type {} cannot have the offering {}",
                old.text("guestiptype"),
                new.text("name")
            )));
        }
        if new.state != "Enabled" {
            return Err(ApiError::value(format!(
                "the offering {} is not enabled",
                new.text("name")
            )));
        }
        let unserved = services_in_use(call.tx, id)
            .into_iter()
            .find(|(service, _)| !networkoffering::provides(new, service));
        if let Some((service, by)) = unserved {
            return Err(ApiError::in_use(format!(
                "the offering {} does not have {service}, which the {} of the network {} needs",
                new.text("name"),
                by.kind.noun(),
                network.text("name")
            ))
            .about(by.uuid.to_string(), "networkofferingid"));
        }
        let is_persistent = new.flag("ispersistent");
        let nics = metered_nics(call.tx, id);
        for nic in &nics {
            metering::nic(call.tx, "NETWORK.OFFERING.REMOVE", *nic);
        }
        call.edit(id, |network| {
            network.set_ref("networkofferingid", offering).set_flag("ispersistent", is_persistent);
        });
        for nic in nics {
            metering::nic(call.tx, "NETWORK.OFFERING.ASSIGN", nic);
        }
        if network.state == "Implemented" {
            router::destroy_of(call.tx, id);
            implement(call.tx, id)?;
        }
    }
    // 2. The rest is as given.
    call.edit(id, |network| {
        for column in ["name", "displaytext", "networkdomain"] {
            if let Some(text) = args.text(column) {
                network.set_text(column, text);
            }
        }
        if let Some(flag) = args.flag("displaynetwork") {
            network.set_flag("displaynetwork", flag);
        }
    });
    Ok(Done::Thing(id))
}

/// The services that what stands on a network needs, with what needs them.
fn services_in_use(world: &World, network: ThingId) -> Vec<(&'static str, &Thing)> {
    let addresses = || world.referring(network, Kind::IpAddress, "associatednetworkid");
    let of = |kind| world.referring(network, kind, "networkid");
    let nat = addresses().filter_map(|address| {
        let services = [("issourcenat", "SourceNat"), ("isstaticnat", "StaticNat")];
        let service = services.into_iter().find(|(flag, _)| address.flag(flag));
        service.map(|(_, service)| (service, address))
    });
    let vpns = addresses()
        .flat_map(|address| world.referring(address.id, Kind::RemoteAccessVpn, "publicipid"));
    nat.chain(vpns.map(|vpn| ("Vpn", vpn)))
        .chain(of(Kind::PortForwardingRule).map(|rule| ("PortForwarding", rule)))
        .chain(of(Kind::LoadBalancerRule).map(|rule| ("Lb", rule)))
        .chain(of(Kind::FirewallRule).map(|rule| ("Firewall", rule)))
        .chain(of(Kind::EgressRule).map(|rule| ("Firewall", rule)))
        .collect()
}

/// The NICs of a network whose virtual machine pays for them.
fn metered_nics(tx: &Tx<'_>, network: ThingId) -> Vec<ThingId> {
    tx.referring(network, Kind::Nic, "networkid")
        .filter(|nic| nic.flag("ismetered"))
        .map(|nic| nic.id)
        .collect()
}

/// Networks the caller may deploy on: those in scope and those shared with it.
fn list_networks(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let mut networks = query.things(Kind::Network)?;
    let names_owner = ["account", "domainid", "projectid"].iter().any(|name| args.has(name));
    if !names_owner && !args.has("id") {
        let domain = query.caller.domain;
        let shared = query.world.all(Kind::Network).filter(|network| {
            query.world.is_shared_with(network, domain)
                && query.passes(network)
                && !networks.iter().any(|known| known.id == network.id)
        });
        let shared: Vec<&Thing> = shared.collect();
        networks.extend(shared);
    }
    let services = args.list("supportedservices");
    let is_wanted = |network: &&Thing| {
        let is_system = args.flag("issystem").unwrap_or(false);
        network.flag("issystem") == is_system
            && args.flag("forvpc").is_none_or(|wanted| network.id_of("vpcid").is_some() == wanted)
            && services.iter().all(|service| provides(query.world, network, service))
    };
    query.page(networks.into_iter().filter(is_wanted))
}

/// Makes the guest network of a basic zone that is ready for tenants: all its
/// virtual machines share it, on the addresses of its pods.
pub(crate) fn ready(tx: &mut Tx<'_>, zone: ThingId) {
    let of = tx.thing(zone).clone();
    if !of.text("networktype").eq_ignore_ascii_case("Basic") {
        return;
    }
    let range = tx.referring(zone, Kind::VlanIpRange, "zoneid").next().cloned();
    let physical = guest_physical_network(tx, zone).map(|physical| physical.id);
    let offering = networkoffering::named(tx, "DefaultSharedNetworkOfferingWithSGService");
    let (Some(range), Some(offering)) = (range, offering.map(|offering| offering.id)) else {
        return;
    };
    let cidr = ip::cidr(range.text("gateway"), range.text("netmask")).unwrap_or_default();
    let system = tx.thing(crate::engine::seed::system_user(tx)).owner;
    let id = tx.insert(Kind::Network, |network| {
        network.owner = system;
        network
            .set_text("name", "guest")
            .set_text("displaytext", "The network of all virtual machines of the zone")
            .set_text("broadcastdomaintype", "Native")
            .set_text("traffictype", "Guest")
            .set_text("gateway", range.text("gateway"))
            .set_text("netmask", range.text("netmask"))
            .set_text("cidr", &cidr)
            .set_ref("zoneid", zone)
            .set_ref("networkofferingid", offering)
            .set_flag("issystem", false)
            .set_text("dns1", of.text("dns1"))
            .set_text("type", "Shared")
            .set_text("acltype", "Domain")
            .set_flag("subdomainaccess", true)
            .set_flag("isdefault", true)
            .set_ref("physicalnetworkid", physical)
            .set_flag("restartrequired", false)
            .set_flag("specifyipranges", true)
            .set_flag("canusefordeploy", true)
            .set_flag("ispersistent", false);
        let uuid = network.uuid.to_string();
        network.set_text("related", &uuid);
    });
    tx.move_to(id, "Setup");
    for range in tx.ids_referring(zone, Kind::VlanIpRange, "zoneid") {
        tx.edit(range, |range| {
            range.set_ref("networkid", id);
        });
    }
}
