//! Shared networks, which root admins make for a zone.

use cloudtally_model::{ApiError, Text};

use super::carrier::{named_vlan, physical_network, private_vlan, refuse_unprovided};
use crate::{
    col,
    engine::{Call, Column, ResourceId, own_users, refusal},
    network::vlan,
    parse::{ip, iprange::IpRange},
    state::NetworkState,
    table::Kind,
};

pub(super) fn create_shared(
    call: &mut Call<'_, '_>,
    zone: ResourceId,
    offering: ResourceId,
) -> Result<ResourceId, ApiError> {
    // 1. Only root admins make them, and they say everything about them.
    if !call.caller.is_root() {
        return Err(refusal::reserved("making shared networks", "root admins"));
    }
    let args = call.args.clone();
    let (dns1, is_basic) = {
        let zone = call.tx.resource(zone);
        (
            zone.text(col::DNS1).to_owned(),
            zone.text(col::NETWORK_TYPE).eq_ignore_ascii_case("Basic"),
        )
    };
    let physical = physical_network(call, zone, offering)?;
    refuse_unprovided(call, physical, offering)?;
    let vlan = named_vlan(call, physical, "Shared")?.unwrap_or_else(|| "untagged".to_owned());
    let pvlan = private_vlan(call, &vlan)?;
    let range = range(call, zone, is_basic, &vlan)?;
    let range_v6 = vlan::ipv6_range(call)?;
    let cidr = range.as_ref().and_then(|range| ip::cidr(&range.gateway, &range.netmask));
    let suffix = match args.text("networkdomain") {
        Some(suffix) => suffix,
        None => call.tx.resource(zone).text(col::DNS_DOMAIN),
    };
    let suffix = suffix.to_owned();
    // 2. The network, for a domain or an account.
    let (acl, holder, domain) = audience(call)?;
    let id = call.tx.insert(Kind::Network, |network| {
        network.owner = holder;
        network
            .set_text(col::NAME, args.text_required("name"))
            .set_text(col::DISPLAY_TEXT, args.text_required("displaytext"))
            .set_text(col::BROADCAST_DOMAIN_TYPE, if is_basic { "Native" } else { "Vlan" })
            .set_text(col::TRAFFIC_TYPE, "Guest")
            .set_ref(col::ZONE_ID, zone)
            .set_ref(col::NETWORK_OFFERING_ID, offering)
            .set_flag(col::IS_SYSTEM, false)
            .set_text(col::DNS1, &dns1)
            .set_text(col::TYPE, "Shared")
            .set_text(col::VLAN, &vlan)
            .set_text(col::BROADCAST_URI, &format!("vlan://{vlan}"))
            .set_text(col::ACL_TYPE, acl)
            .set_flag(col::SUBDOMAIN_ACCESS, args.flag("subdomainaccess").unwrap_or(true))
            .set_flag(col::IS_DEFAULT, false)
            .set_ref(col::PHYSICAL_NETWORK_ID, physical)
            .set_flag(col::RESTART_REQUIRED, false)
            .set_flag(col::SPECIFY_IP_RANGES, true)
            .set_flag(col::CAN_USE_FOR_DEPLOY, true)
            .set_flag(col::IS_PERSISTENT, false)
            .set_ref(col::SHARED_DOMAIN, domain);
        let uuid = network.uuid.to_string();
        network.set_text(col::RELATED, &uuid);
        if !suffix.is_empty() {
            network.set_text(col::NETWORK_DOMAIN, &suffix);
        }
        if let Some(pvlan) = &pvlan {
            network.set_text(col::ISOLATED_PVLAN, pvlan);
        }
        if let Some(flag) = args.flag("displaynetwork") {
            network.set_flag(col::DISPLAY_NETWORK, flag);
        }
        if let (Some(range), Some(cidr)) = (&range, &cidr) {
            network
                .set_text(col::GATEWAY, &range.gateway)
                .set_text(col::NETMASK, &range.netmask)
                .set_text(col::CIDR, cidr);
        }
        for (column, text) in range_v6.iter().flatten() {
            if ["ip6gateway", "ip6cidr"].contains(&column.name()) {
                network.set_text(*column, text);
            }
        }
    });
    call.tx.move_to(id, NetworkState::Setup);
    if let Some(range) = range {
        keep_range(call, id, &range, range_v6.as_deref().unwrap_or_default());
    }
    Ok(id)
}

/// The addresses of the network, apart from those of others on its VLAN. None yet in a basic
/// zone: its pods bring their own by createVlanIpRange.
fn range(
    call: &Call<'_, '_>,
    zone: ResourceId,
    is_basic: bool,
    vlan: &str,
) -> Result<Option<IpRange>, ApiError> {
    let args = &call.args;
    let text = |name: &str| {
        args.text(name).ok_or_else(|| refusal::parameter(name, "is needed for a shared network"))
    };
    if is_basic && !args.has("startip") {
        return Ok(None);
    }
    let (gateway, netmask, start) = (text("gateway")?, text("netmask")?, text("startip")?);
    let range = IpRange::checked(call, gateway, netmask, start, args.text("endip"))?;
    let others = call.tx.referring(zone, Kind::VlanIpRange, col::ZONE_ID);
    range.check_apart(others.filter(|other| other.text(col::VLAN) == vlan))?;
    Ok(Some(range))
}

/// The parties that a network is for, by `acltype`: the account it belongs to and the domain it is
/// shared with.
type Audience = (&'static str, Option<ResourceId>, Option<ResourceId>);

/// Decides whom the network is for.
fn audience(call: &Call<'_, '_>) -> Result<Audience, ApiError> {
    let args = &call.args;
    let given = args.text("acltype").unwrap_or("Domain");
    let acl = match given.to_lowercase().as_str() {
        "domain" => "Domain",
        "account" => "Account",
        _ => return Err(call.invalid("acltype", given, "expected `Domain` or `Account`")),
    };
    // Those for domains belong to the account that is named, else to the system; those
    // for an account to it.
    let (holder, domain) = match acl {
        "Domain" if args.has("account") || args.has("projectid") => {
            (Some(call.owner()?), args.id("domainid"))
        }
        "Account" if args.has("subdomainaccess") => {
            return Err(refusal::parameter("subdomainaccess", "goes with `acltype` `Domain`"));
        }
        "Domain" => (call.tx.resource(own_users::system_user(call.tx)).owner, args.id("domainid")),
        _ => (Some(call.owner()?), None),
    };
    Ok((acl, holder, domain))
}

/// Keeps the addresses of the new network as a range of its own.
fn keep_range(
    call: &mut Call<'_, '_>,
    network: ResourceId,
    range: &IpRange,
    range_v6: &[(Column<Text>, String)],
) {
    let of = call.tx.resource(network).clone();
    call.tx.insert(Kind::VlanIpRange, |row| {
        row.set_flag(col::FOR_VIRTUAL_NETWORK, false)
            .set_ref(col::ZONE_ID, of.id_of(col::ZONE_ID))
            .set_text(col::VLAN, of.text(col::VLAN))
            .set_ref(col::NETWORK_ID, network)
            .set_ref(col::PHYSICAL_NETWORK_ID, of.id_of(col::PHYSICAL_NETWORK_ID));
        range.store(row);
        for (column, text) in range_v6 {
            row.set_text(*column, text);
        }
    });
}
