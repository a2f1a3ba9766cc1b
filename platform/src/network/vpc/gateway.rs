//! Private gateways: the ways of a VPC to networks outside of the cloud, each over a VLAN.
//!
//! The network behind a gateway is of the system, and one for all VPCs that name its VLAN and
//! range.

use cloudtally_model::ApiError;

use super::{life, part};
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, Tx, World, own_users, refusal, scope, table},
    network::{acl, guest},
    offering::networkoffering,
    parse::{
        given::{self, Subnet},
        ip,
        vlanset::vlan_number,
    },
    site::physicalnetwork,
    state::{GatewayState, NetworkState},
    table::{Kind, KindSpec, Object, WireType as W, f, fields::*, hidden},
};

pub(crate) const PRIVATE_GATEWAY: Object = Object {
    name: "PrivateGateway",
    fields: &[
        ID,
        f("gateway", W::Str),
        f("netmask", W::Str),
        f("ipaddress", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("vlan", W::Str),
        f("vpcid", W::Id(Kind::Vpc)),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        STATE,
        f("sourcenatsupported", W::Bool),
        f("aclid", W::Id(Kind::NetworkAcl)),
    ],
};

/// A gateway belongs to the owner of its VPC. Hidden: `network` is the one behind it.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::PrivateGateway, &PRIVATE_GATEWAY)
    .called_by(col::IP_ADDRESS)
    .newest_first()
    .owned()
    .hidden(&[hidden("network", W::Id(Kind::Network))])
    .states(table!(GatewayState: Creating, Ready, Deleting;
        Creating => Ready, Deleting;
        Ready => Deleting;
    ))
    .keyword(&[col::IP_ADDRESS, col::VLAN])
    .job_instance("PrivateGateway");

/// The offering of the networks behind gateways.
const OFFERING: &str = "System-Private-Gateway-Network";

/// The place of a new gateway: the network behind it, as far as it is there.
struct Place {
    zone: ResourceId,
    physical: ResourceId,
    vlan: String,
    cidr: String,
    network: Option<ResourceId>,
}

pub(super) fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    // 1. A VPC that takes it, and where it leads to.
    let args = call.args.clone();
    let vpc = args.id_required("vpcid");
    life::must_be_enabled(call.tx, vpc, "given a gateway", "vpcid")?;
    let owner = call.tx.resource(vpc).owner;
    scope::refuse_shut(call.tx, owner)?;
    let place = place(call, vpc)?;
    // 2. An address there that no other gateway has.
    let address = args.text_required("ipaddress").trim();
    if let Some(network) = place.network {
        refuse_second(call.tx, vpc, network, &place)?;
        let mut others = call.tx.referring(network, Kind::PrivateGateway, col::NETWORK);
        if let Some(other) = others.find(|other| other.text(col::IP_ADDRESS) == address) {
            let why = format!("on VLAN {} has the address already; choose another", place.vlan);
            return Err(other.refused("ipaddress", why));
        }
    }
    // 3. A list: everything is kept out and in unless one is named.
    let acl = match args.id("aclid") {
        Some(acl) => {
            guest::check_acl(call.tx, acl, vpc, "aclid")?;
            Some(acl)
        }
        None => acl::default_list(call.tx, acl::DENY),
    };
    let network = match place.network {
        Some(network) => network,
        None => insert_network(call, vpc, &place)?,
    };
    let id = call.tx.insert(Kind::PrivateGateway, |gateway| {
        gateway.owner = owner;
        gateway
            .set_ref(col::VPC_ID, vpc)
            .set_ref(col::ZONE_ID, place.zone)
            .set_ref(col::PHYSICAL_NETWORK_ID, place.physical)
            .set_ref(col::NETWORK, network)
            .set_text(col::VLAN, &place.vlan)
            .set_text(col::GATEWAY, args.text_required("gateway").trim())
            .set_text(col::NETMASK, args.text_required("netmask").trim())
            .set_text(col::IP_ADDRESS, address)
            .set_flag(col::SOURCE_NAT_SUPPORTED, args.is_true("sourcenatsupported"))
            .set_ref(col::ACL_ID, acl);
    });
    Ok(Some(id))
}

/// Reads where a gateway is to lead to, and finds the network that is there already.
fn place(call: &Call<'_, '_>, vpc: ResourceId) -> Result<Place, ApiError> {
    let args = &call.args;
    let zone = call.tx.resource(vpc).id_of(col::ZONE_ID).expect("VPCs are in a zone");
    let physical = physical(call, zone)?;
    let (gateway, netmask) = (args.text_required("gateway"), args.text_required("netmask"));
    let (way, own) = (given::address(call, "gateway")?, given::address(call, "ipaddress")?);
    let subnet = Subnet::of(gateway, netmask).ok_or_else(|| {
        call.invalid("netmask", netmask, "expected a netmask such as `255.255.255.0`")
    })?;
    if own == way || !own.is_some_and(|own| subnet.usable().contains(&own)) {
        let expected =
            format!("expected an address beside the gateway {gateway} in its network {netmask}");
        return Err(call.invalid("ipaddress", args.text_required("ipaddress"), &expected));
    }
    let cidr = ip::cidr(gateway.trim(), netmask.trim()).expect("a subnet was made of them");
    let given = args.text_required("vlan");
    let number = vlan_number(given)
        .ok_or_else(|| call.invalid("vlan", given, "expected a number from 0 to 4095"))?;
    let vlan = number.to_string();
    let on_vlan = |network: &&Resource| network.text(col::VLAN) == vlan;
    let mut networks = call.tx.referring(zone, Kind::Network, col::ZONE_ID).filter(on_vlan);
    let network = networks.next();
    if let Some(network) = network {
        if is_private(call.tx, network) && network.text(col::CIDR) == cidr {
            return Ok(Place { zone, physical, vlan, cidr, network: Some(network.id) });
        }
        let why = format!(
            "is on VLAN {vlan} with the range {}; choose another `vlan`",
            network.text(col::CIDR)
        );
        return Err(network.refused("vlan", why));
    }
    let carrier = call.tx.resource(physical);
    if physicalnetwork::vlan_set(carrier).contains(number) {
        let why = format!("has VLAN {vlan} for guest networks; choose another `vlan`");
        return Err(carrier.refused("vlan", why));
    }
    let mut ranges = call.tx.referring(zone, Kind::VlanIpRange, col::ZONE_ID);
    if ranges.any(|range| vlan_number(range.text(col::VLAN)) == Some(number)) {
        let why = format!("has addresses on VLAN {vlan}; choose another `vlan`");
        return Err(call.tx.resource(zone).refused("vlan", why));
    }
    Ok(Place { zone, physical, vlan, cidr, network: None })
}

/// The physical network that is named, or the only one that carries guests of the zone.
fn physical(call: &Call<'_, '_>, zone: ResourceId) -> Result<ResourceId, ApiError> {
    let carriers = physicalnetwork::carrying(call.tx, zone, "Guest");
    match (call.args.id("physicalnetworkid"), carriers.as_slice()) {
        (Some(named), _) if carriers.contains(&named) => Ok(named),
        (Some(named), _) => {
            let zone = call.tx.resource(zone).text(col::NAME);
            let why = format!("carries no guest traffic of the zone {zone}");
            Err(call.tx.resource(named).refused("physicalnetworkid", why))
        }
        (None, [one]) => Ok(*one),
        (None, several) => Err(refusal::parameter(
            "physicalnetworkid",
            format!("is needed: {} physical networks of the zone carry guests", several.len()),
        )),
    }
}

/// Tells whether a network is one behind gateways.
fn is_private(world: &World, network: &Resource) -> bool {
    let offering = network.id_of(col::NETWORK_OFFERING_ID).map(|id| world.resource(id));
    offering.is_some_and(|offering| offering.text(col::NAME) == OFFERING)
}

/// Refuses a second gateway of a VPC to one network.
fn refuse_second(
    world: &World,
    vpc: ResourceId,
    network: ResourceId,
    place: &Place,
) -> Result<(), ApiError> {
    let mut gateways = world.referring(network, Kind::PrivateGateway, col::NETWORK);
    match gateways.find(|gateway| gateway.id_of(col::VPC_ID) == Some(vpc)) {
        None => Ok(()),
        Some(other) => {
            let why = format!(
                "leads from the VPC to VLAN {} with the range {} already",
                place.vlan, place.cidr
            );
            Err(other.refused("vlan", why))
        }
    }
}

/// Makes the network behind the first gateway on its VLAN.
fn insert_network(
    call: &mut Call<'_, '_>,
    vpc: ResourceId,
    place: &Place,
) -> Result<ResourceId, ApiError> {
    let system = call.tx.resource(own_users::system_user(call.tx)).owner;
    let offering = networkoffering::named(call.tx, OFFERING).map(|offering| offering.id);
    let name = format!("vpc-{}-privateNetwork", call.tx.resource(vpc).text(col::NAME));
    let args = call.args.clone();
    let id = call.tx.insert(Kind::Network, |network| {
        network.owner = system;
        network
            .set_text(col::NAME, &name)
            .set_text(col::DISPLAY_TEXT, &name)
            .set_text(col::BROADCAST_DOMAIN_TYPE, "Vlan")
            .set_text(col::BROADCAST_URI, &format!("vlan://{}", place.vlan))
            .set_text(col::TRAFFIC_TYPE, "Guest")
            .set_text(col::GATEWAY, args.text_required("gateway").trim())
            .set_text(col::NETMASK, args.text_required("netmask").trim())
            .set_text(col::CIDR, &place.cidr)
            .set_text(col::VLAN, &place.vlan)
            .set_ref(col::ZONE_ID, place.zone)
            .set_ref(col::PHYSICAL_NETWORK_ID, place.physical)
            .set_ref(col::NETWORK_OFFERING_ID, offering)
            .set_text(col::TYPE, "Isolated")
            .set_text(col::ACL_TYPE, "Account")
            .set_flag(col::IS_SYSTEM, true)
            .set_flag(col::IS_DEFAULT, false)
            .set_flag(col::RESTART_REQUIRED, false)
            .set_flag(col::SPECIFY_IP_RANGES, false)
            .set_flag(col::CAN_USE_FOR_DEPLOY, false)
            .set_flag(col::IS_PERSISTENT, false);
        let uuid = network.uuid.to_string();
        network.set_text(col::RELATED, &uuid);
    });
    call.tx.move_to(id, NetworkState::Setup);
    Ok(id)
}

pub(super) fn act(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.move_to(id, GatewayState::Ready);
    Ok(Done::Resource(id))
}

/// Takes a gateway away that its job could not finish.
pub(super) fn give_up(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::PrivateGateway, *id).is_some()) {
        remove(call.tx, id);
    }
}

/// Refuses to remove a gateway that routes lead to.
pub(super) fn refuse_routes(world: &World, id: ResourceId) -> Result<(), ApiError> {
    match world.referring(id, Kind::StaticRoute, col::GATEWAY_ID).count() {
        0 => Ok(()),
        count => Err(world.resource(id).refused_as(
            ApiError::in_use,
            "id",
            format!("has {count} static routes and cannot be deleted; delete them first"),
        )),
    }
}

pub(super) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    refuse_routes(call.tx, id)?;
    remove(call.tx, id);
    Ok(Done::Success)
}

/// Takes a gateway away, with its routes, and the network behind it with the last one.
fn remove(tx: &mut Tx<'_>, id: ResourceId) {
    for route in tx.ids_referring(id, Kind::StaticRoute, col::GATEWAY_ID) {
        tx.remove_with_dependants(route);
    }
    let network = tx.resource(id).id_of(col::NETWORK);
    tx.move_to(id, GatewayState::Deleting);
    tx.remove_with_dependants(id);
    if let Some(network) = network
        && tx.referring(network, Kind::PrivateGateway, col::NETWORK).next().is_none()
    {
        tx.remove_with_dependants(network);
    }
}

/// Takes all gateways of a VPC away, with their routes.
pub(super) fn remove_all(tx: &mut Tx<'_>, vpc: ResourceId) {
    let gateways: Vec<ResourceId> = part::gateways(tx, vpc).map(|gateway| gateway.id).collect();
    for id in gateways {
        remove(tx, id);
    }
}
