//! New ranges of addresses: where they belong, and whether they fit there.

use std::net::Ipv6Addr;

use cloudtally_model::{ApiError, Text};

use crate::{
    col,
    engine::{Call, Column, Done, Resource, ResourceId, refusal, scope},
    network::address,
    parse::{
        given,
        iprange::{self, IpRange},
        vlanset::vlan_number,
    },
    site::physicalnetwork,
    table::Kind,
};

/// The word for no VLAN.
const UNTAGGED: &str = "untagged";

/// The place of a range.
struct Place {
    zone: ResourceId,
    physical_network: ResourceId,
    /// Public, or those of a shared network or a pod.
    addresses: Addresses,
    pod: Option<ResourceId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Addresses {
    Public,
    Direct { network: ResourceId },
}

pub(super) fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. Where it belongs and whom it is for.
    let place = place(call)?;
    let holder = holder(call, &place)?;
    let vlan = vlan(call, &place)?;
    // 2. Which addresses.
    let range = ipv4(call, &place)?;
    let range_v6 = ipv6(call, &place)?;
    if range.is_none() && range_v6.is_none() {
        return Err(refusal::parameter(
            "startip",
            "with `gateway` and `netmask`, or `startipv6` with `ip6gateway` and `ip6cidr`, is needed",
        ));
    }
    if let Some(range) = &range {
        let others = call.tx.referring(place.zone, Kind::VlanIpRange, col::ZONE_ID);
        range.check_apart(others.filter(|other| meets(other, &place, &vlan)))?;
        if place.addresses == Addresses::Public {
            range.check_apart(call.tx.all(Kind::PortableIpRange))?;
        }
    }
    if let Some(columns) = &range_v6 {
        refuse_overlap_v6(call, &place, columns)?;
    }
    // 3. The range.
    let Place { zone, physical_network, addresses, pod } = place;
    let id = call.tx.insert(Kind::VlanIpRange, |row| {
        row.set_ref(col::ZONE_ID, zone)
            .set_ref(col::PHYSICAL_NETWORK_ID, physical_network)
            .set_ref(col::POD_ID, pod)
            .set_flag(col::FOR_VIRTUAL_NETWORK, addresses == Addresses::Public)
            .set_text(col::VLAN, &vlan)
            .set_ref(col::ACCOUNT_ID, holder);
        if let Addresses::Direct { network } = addresses {
            row.set_ref(col::NETWORK_ID, network);
        }
        if let Some(range) = range {
            range.store(row);
        }
        for (column, text) in range_v6.into_iter().flatten() {
            row.set_text(column, &text);
        }
    });
    if let Some(holder) = holder {
        address::keep(call.tx, id, holder)?;
    }
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

/// Tells whether addresses of two ranges can meet: both public, or on one VLAN, or of one network.
fn meets(other: &Resource, place: &Place, vlan: &str) -> bool {
    match place.addresses {
        Addresses::Public if other.flag(col::FOR_VIRTUAL_NETWORK) => true,
        Addresses::Direct { network } if other.id_of(col::NETWORK_ID) == Some(network) => true,
        _ => other.text(col::VLAN) == vlan,
    }
}

fn place(call: &Call<'_, '_>) -> Result<Place, ApiError> {
    let args = &call.args;
    let (network, pod) = (args.id("networkid"), args.id("podid"));
    let zone_of =
        |id: Option<ResourceId>| id.and_then(|id| call.tx.resource(id).id_of(col::ZONE_ID));
    let named = args.id("physicalnetworkid");
    let Some(zone) = args
        .id("zoneid")
        .or_else(|| zone_of(network))
        .or_else(|| zone_of(pod))
        .or_else(|| zone_of(named))
    else {
        return Err(refusal::parameter(
            "zoneid",
            "is needed, or a network or pod that is in the zone",
        ));
    };
    for (id, name) in [(network, "networkid"), (pod, "podid"), (named, "physicalnetworkid")] {
        if let Some(id) = id
            && zone_of(Some(id)) != Some(zone)
        {
            let resource = call.tx.resource(id);
            return Err(resource.refused(
                name,
                format!("is not in the zone {}", call.tx.resource(zone).text(col::NAME)),
            ));
        }
    }
    let is_basic = call.tx.resource(zone).text(col::NETWORK_TYPE) == "Basic";
    let is_public = args.flag("forvirtualnetwork").unwrap_or(network.is_none() && pod.is_none());
    if is_public {
        if network.is_some() {
            return Err(refusal::parameter(
                "networkid",
                "does not go with public addresses; leave it out or give `forvirtualnetwork=false`",
            ));
        }
        let physical_network = carrier(call, zone, named, "Public")?;
        return Ok(Place { zone, physical_network, addresses: Addresses::Public, pod });
    }
    if is_basic && pod.is_none() {
        return Err(refusal::parameter(
            "podid",
            "is needed: in a basic zone a range is of one pod",
        ));
    }
    let network = match network {
        Some(network) => network,
        None if is_basic => {
            let mut guests = call.tx.referring(zone, Kind::Network, col::ZONE_ID);
            let guest = guests.find(|network| network.text(col::TRAFFIC_TYPE) == "Guest");
            guest.map(|network| network.id).ok_or_else(|| {
                call.tx.resource(zone).refused(
                    "zoneid",
                    "has no guest network; make its shared network first with createNetwork",
                )
            })?
        }
        None => {
            return Err(refusal::parameter(
                "networkid",
                "is needed: the shared network of the addresses; for public ones give `forvirtualnetwork=true`",
            ));
        }
    };
    let guest = call.tx.resource(network);
    let offering = guest.id_of(col::NETWORK_OFFERING_ID).map(|id| call.tx.resource(id));
    if guest.text(col::TYPE) != "Shared"
        || !offering.is_some_and(|row| row.flag(col::SPECIFY_IP_RANGES))
    {
        return Err(guest.refused(
            "networkid",
            "takes no address ranges; only shared networks whose offering has specifyipranges do",
        ));
    }
    let physical_network = match guest.id_of(col::PHYSICAL_NETWORK_ID) {
        Some(id) if named.is_some_and(|named| named != id) => {
            return Err(guest.refused(
                "networkid",
                "is on another physical network; leave `physicalnetworkid` out",
            ));
        }
        Some(id) => id,
        None => carrier(call, zone, named, "Guest")?,
    };
    Ok(Place { zone, physical_network, addresses: Addresses::Direct { network }, pod })
}

/// The physical network that carries a type of traffic: the one named, or the only one.
fn carrier(
    call: &Call<'_, '_>,
    zone: ResourceId,
    named: Option<ResourceId>,
    traffic: &str,
) -> Result<ResourceId, ApiError> {
    let carriers = physicalnetwork::carrying(call.tx, zone, traffic);
    let name = call.tx.resource(zone).text(col::NAME);
    match (named, carriers.as_slice()) {
        (Some(id), carriers) if carriers.contains(&id) => Ok(id),
        (Some(id), _) => Err(call.tx.resource(id).refused(
            "physicalnetworkid",
            format!("does not carry {traffic} traffic; add it with addTrafficType"),
        )),
        (None, [one]) => Ok(*one),
        (None, []) => Err(call.tx.resource(zone).refused(
            "zoneid",
            format!(
                "has no physical network that carries {traffic} traffic; add it with addTrafficType"
            ),
        )),
        (None, _) => Err(refusal::parameter(
            "physicalnetworkid",
            format!(
                "is needed: several physical networks of the zone {name} carry {traffic} traffic"
            ),
        )),
    }
}

/// The account that a range is kept for.
fn holder(call: &Call<'_, '_>, place: &Place) -> Result<Option<ResourceId>, ApiError> {
    let args = &call.args;
    let holder = match (args.id("projectid"), args.text("account")) {
        (Some(_), Some(_)) => {
            return Err(refusal::exclusive(&["projectid", "account"]));
        }
        (Some(project), None) => {
            scope::refuse_other_domain(call.tx, project, args.id("domainid"))?;
            scope::project_account(call.tx, project)
        }
        (None, Some(name)) => {
            scope::named_account(call.tx, &call.caller, name, args.id("domainid"))?
        }
        (None, None) if args.has("domainid") => {
            return Err(refusal::parameter("account", "is needed together with `domainid`"));
        }
        (None, None) => return Ok(None),
    };
    super::dedicate::check_can_be_kept(call, place.zone, place.addresses == Addresses::Public)?;
    Ok(Some(holder))
}

/// The VLAN of a range, as it is kept: `untagged` or a number.
fn vlan(call: &Call<'_, '_>, place: &Place) -> Result<String, ApiError> {
    let given = call.args.text("vlan").map(str::trim);
    let given = given.map(|text| text.strip_prefix("vlan://").unwrap_or(text));
    let vlan = match given {
        None => None,
        Some(text) if text.eq_ignore_ascii_case(UNTAGGED) => Some(UNTAGGED.to_owned()),
        Some(text) => Some(vlan_number(text).map(|vlan| vlan.to_string()).ok_or_else(|| {
            call.invalid("vlan", text, "expected `untagged` or a number from 0 to 4095")
        })?),
    };
    match place.addresses {
        Addresses::Direct { network } => {
            let network = call.tx.resource(network);
            let own =
                vlan_number(network.text(col::VLAN)).map_or(UNTAGGED.to_owned(), |v| v.to_string());
            match vlan {
                Some(vlan) if vlan != own => Err(call.invalid(
                    "vlan",
                    &vlan,
                    &format!("the network {} is on VLAN {own}", network.text(col::NAME)),
                )),
                _ => Ok(own),
            }
        }
        Addresses::Public => {
            let vlan = vlan.unwrap_or_else(|| UNTAGGED.to_owned());
            let number = vlan_number(&vlan);
            let zone = call.tx.resource(place.zone);
            let mut networks = call.tx.referring(zone.id, Kind::PhysicalNetwork, col::ZONE_ID);
            match networks.find(|network| {
                number.is_some_and(|number| physicalnetwork::vlan_set(network).contains(number))
            }) {
                Some(network) => Err(network.refused(
                    "vlan",
                    format!(
                        "has VLAN {vlan} for guest networks of the zone {}; choose another `vlan`",
                        zone.text(col::NAME)
                    ),
                )),
                None => Ok(vlan),
            }
        }
    }
}

fn ipv4(call: &Call<'_, '_>, place: &Place) -> Result<Option<IpRange>, ApiError> {
    let args = &call.args;
    let names = ["startip", "endip", "gateway", "netmask"];
    if !names.iter().any(|name| args.has(name)) {
        return Ok(None);
    }
    // Addresses of a network share its gateway unless they say otherwise.
    let of_network = |column: Column<Text>| match place.addresses {
        Addresses::Direct { network } => Some(call.tx.resource(network).text(column)),
        Addresses::Public => None,
    };
    let part = |column: Column<Text>| {
        let (name, own) = (column.name(), of_network(column));
        let own = own.filter(|text| !text.is_empty() && place.pod.is_none());
        args.text(name).or(own).ok_or_else(|| {
            refusal::parameter(name, "is needed: a range has `startip`, `gateway` and `netmask`")
        })
    };
    let start = args.text("startip").ok_or_else(|| {
        refusal::parameter("startip", "is needed: a range has `startip`, `gateway` and `netmask`")
    })?;
    let (gateway, netmask) = (part(col::GATEWAY)?, part(col::NETMASK)?);
    IpRange::checked(call, gateway, netmask, start, args.text("endip")).map(Some)
}

/// The parameters of a range of IPv6 addresses.
const IPV6: [&str; 4] = ["startipv6", "endipv6", "ip6gateway", "ip6cidr"];

type Ipv6Columns = Vec<(Column<Text>, String)>;

fn ipv6(call: &Call<'_, '_>, place: &Place) -> Result<Option<Ipv6Columns>, ApiError> {
    let is_given = IPV6.iter().any(|name| call.args.has(name));
    if is_given && place.addresses == Addresses::Public {
        return Err(refusal::parameter(
            "startipv6",
            "is for shared networks only; give `networkid`",
        ));
    }
    ipv6_range(call)
}

/// Refuses IPv6 addresses that another range of the network has.
fn refuse_overlap_v6(
    call: &Call<'_, '_>,
    place: &Place,
    columns: &Ipv6Columns,
) -> Result<(), ApiError> {
    let Addresses::Direct { network } = place.addresses else { return Ok(()) };
    let given = |column: Column<Text>| columns.iter().find(|(own, _)| own.key() == column.key());
    let bound = |column| given(column).and_then(|(_, text)| given::ipv6(text));
    let Some((first, last)) = bound(col::START_IPV6).zip(bound(col::END_IPV6)) else {
        return Ok(());
    };
    let overlaps = |range: &&Resource| {
        iprange::bounds_v6(range)
            .is_some_and(|(other_first, other_last)| first <= other_last && other_first <= last)
    };
    match call.tx.referring(network, Kind::VlanIpRange, col::NETWORK_ID).find(overlaps) {
        Some(other) => Err(other.refused(
            "startipv6",
            format!(
                "has {}-{}, which these IPv6 addresses overlap; choose others",
                other.text(col::START_IPV6),
                other.text(col::END_IPV6)
            ),
        )),
        None => Ok(()),
    }
}

/// The IPv6 addresses that a call names, by columns of a range.
pub(crate) fn ipv6_range(call: &Call<'_, '_>) -> Result<Option<Ipv6Columns>, ApiError> {
    let args = &call.args;
    if !IPV6.iter().any(|name| args.has(name)) {
        return Ok(None);
    }
    let part = |name: &'static str| {
        args.text(name).ok_or_else(|| {
            refusal::parameter(
                name,
                "is needed: an IPv6 range has `startipv6`, `ip6gateway` and `ip6cidr`",
            )
        })
    };
    let (start, gateway, cidr) = (part("startipv6")?, part("ip6gateway")?, part("ip6cidr")?);
    let end = args.text("endipv6").unwrap_or(start);
    let address = |name: &str, text: &str| {
        let address = text.parse::<Ipv6Addr>().ok().map(u128::from);
        address.ok_or_else(|| call.invalid(name, text, "expected an IPv6 address"))
    };
    let prefix = cidr.split_once('/').and_then(|(network, bits)| {
        let network = u128::from(network.parse::<Ipv6Addr>().ok()?);
        let bits: u32 = bits.parse().ok().filter(|bits| (1..=128).contains(bits))?;
        Some((network, u128::MAX << (128 - bits)))
    });
    let (network, mask) = prefix
        .ok_or_else(|| call.invalid("ip6cidr", cidr, "expected a range such as `2001:db8::/64`"))?;
    for (name, text) in [("startipv6", start), ("endipv6", end), ("ip6gateway", gateway)] {
        if address(name, text)? & mask != network & mask {
            return Err(call.invalid(name, text, &format!("expected an address in {cidr}")));
        }
    }
    if address("startipv6", start)? > address("endipv6", end)? {
        return Err(call.invalid("startipv6", start, &format!("it lies behind the last, {end}")));
    }
    let columns = [
        (col::START_IPV6, start),
        (col::END_IPV6, end),
        (col::IP6_GATEWAY, gateway),
        (col::IP6_CIDR, cidr),
    ];
    Ok(Some(columns.map(|(column, text)| (column, text.to_owned())).into()))
}
