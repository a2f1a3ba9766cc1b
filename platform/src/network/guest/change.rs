//! Changes of guest networks: names, another offering, and the addresses machines get.

use cloudtally_model::ApiError;

use super::{
    create::tier,
    life::{destroy_routers, implement, refuse_system},
    offering_of, whole_cidr,
};
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, Tx, World, refusal},
    network::nic,
    offering::networkoffering,
    parse::ip,
    state::{NetworkState, SwitchState},
    table::Kind,
};

pub(super) fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let args = call.args.clone();
    let network = call.entity().clone();
    refuse_system(&network)?;
    if network.text(col::ACL_TYPE) == "Domain" && !call.caller.is_root() {
        return Err(refusal::reserved("changing shared networks", "root admins"));
    }
    if args.has("guestvmcidr") && args.has("networkofferingid") {
        return Err(refusal::exclusive(&["guestvmcidr", "networkofferingid"]));
    }
    if let Some(vpc) = network.id_of(col::VPC_ID) {
        tier::check_domain(call, call.tx.resource(vpc))?;
    }
    // 1. Another offering bills the NICs anew.
    if let Some(offering) = args.id("networkofferingid")
        && network.id_of(col::NETWORK_OFFERING_ID) != Some(offering)
    {
        check_offering(call, &network, offering)?;
        change_offering(call, id, offering)?;
    }
    // 2. Some of its addresses are kept from machines.
    if let Some(cidr) = args.text("guestvmcidr") {
        reserve(call, id, cidr)?;
    }
    // 3. The rest is as given.
    call.tx.edit(id, |network| {
        for column in [col::NAME, col::DISPLAY_TEXT, col::NETWORK_DOMAIN] {
            if let Some(text) = args.text(column.name()) {
                network.set_text(column, text);
            }
        }
        if let Some(flag) = args.flag("displaynetwork") {
            network.set_flag(col::DISPLAY_NETWORK, flag);
        }
    });
    Ok(Done::Resource(id))
}

/// Refuses an offering that a network cannot change to.
fn check_offering(
    call: &Call<'_, '_>,
    network: &Resource,
    offering: ResourceId,
) -> Result<(), ApiError> {
    let (old, new) = (offering_of(call.tx, network), call.tx.resource(offering));
    if old.text(col::GUEST_IP_TYPE) != new.text(col::GUEST_IP_TYPE) {
        return Err(new.refused(
            "networkofferingid",
            format!(
                "is for networks of the type {}, not {}",
                new.text(col::GUEST_IP_TYPE),
                old.text(col::GUEST_IP_TYPE)
            ),
        ));
    }
    if !new.is(SwitchState::Enabled) {
        return Err(new.refused("networkofferingid", "is not enabled"));
    }
    if let Some(vpc) = network.id_of(col::VPC_ID) {
        let has_acl = network.id_of(col::ACL_ID).is_some();
        tier::check_offering(call.tx, vpc, offering, Some(network.id), has_acl)?;
    }
    let unserved = services_in_use(call.tx, network.id)
        .into_iter()
        .find(|(service, _)| !networkoffering::provides(new, service));
    if let Some((service, by)) = unserved {
        return Err(new
            .refused_as(
                ApiError::in_use,
                "networkofferingid",
                format!(
                    "does not have {service}, which the {} of the network {} needs",
                    by.kind.noun(),
                    network.text(col::NAME)
                ),
            )
            .about(by.uuid.to_string(), "networkofferingid"));
    }
    let is_listed = networkoffering::can_follow(call.tx, new, network.id);
    if !is_listed {
        return Err(network.refused("id", format!("cannot change to the offering {}; listNetworkOfferings with its `networkid` shows those it can", new.text(col::NAME))).about(new.uuid.to_string(), "networkofferingid"));
    }
    Ok(())
}

/// Changes the offering of a network; the routers of one that is set up are made anew.
fn change_offering(
    call: &mut Call<'_, '_>,
    id: ResourceId,
    offering: ResourceId,
) -> Result<(), ApiError> {
    let is_persistent = call.tx.resource(offering).flag(col::IS_PERSISTENT);
    let nics = metered_nics(call.tx, id);
    for nic in &nics {
        nic::unmeter(call.tx, *nic);
    }
    call.tx.edit(id, |network| {
        network
            .set_ref(col::NETWORK_OFFERING_ID, offering)
            .set_flag(col::IS_PERSISTENT, is_persistent);
    });
    for nic in nics {
        nic::meter(call.tx, nic);
    }
    if call.tx.resource(id).is(NetworkState::Implemented) {
        destroy_routers(call.tx, id);
        implement(call.tx, id)?;
    }
    Ok(())
}

/// Leaves a part of an isolated network's addresses to its machines; the rest is reserved
/// for what the tenant puts there otherwise. The whole range ends the reservation.
fn reserve(call: &mut Call<'_, '_>, id: ResourceId, given: &str) -> Result<(), ApiError> {
    let network = call.tx.resource(id).clone();
    if network.text(col::TYPE) != "Isolated" || !network.is(NetworkState::Implemented) {
        return Err(network.refused(
            "guestvmcidr",
            format!(
                "is {} and {}; addresses are reserved in isolated networks that are implemented",
                network.text(col::TYPE).to_lowercase(),
                network.state()
            ),
        ));
    }
    // 1. A part of the network that has room for all who are there.
    let whole = whole_cidr(&network);
    let bounds = ip::parse_cidr(given).filter(|(_, bits)| *bits <= 30).and(ip::bounds(given));
    let within = bounds
        .zip(ip::bounds(whole))
        .filter(|((first, last), (own_first, own_last))| own_first <= first && last <= own_last);
    let Some(((first, last), (own_first, own_last))) = within else {
        let expected = format!("expected a range within {whole}, such as {whole} itself");
        return Err(call.invalid("guestvmcidr", given, &expected));
    };
    let secondary = call.tx.referring(id, Kind::NicSecondaryIp, col::NETWORK_ID);
    let taken = call.tx.referring(id, Kind::Nic, col::NETWORK_ID).chain(secondary);
    let cidr = ip::cidr_of(first, last);
    let outside = taken
        .map(|holder| holder.text(col::IP_ADDRESS))
        .find(|address| !address.is_empty() && !ip::is_host(address, &cidr));
    if let Some(address) = outside {
        return Err(call.invalid(
            "guestvmcidr",
            given,
            &format!("a virtual machine has {address}, which is outside of it"),
        ));
    }
    // 2. From now on.
    let whole = whole.to_owned();
    let is_all = (first, last) == (own_first, own_last);
    call.tx.edit(id, |network| {
        network
            .set_text(col::CIDR, &cidr)
            .set_text_if(col::NETWORK_CIDR, (!is_all).then_some(whole.as_str()));
    });
    Ok(())
}

/// The services that what stands on a network needs, with what needs them.
fn services_in_use(world: &World, network: ResourceId) -> Vec<(&'static str, &Resource)> {
    let addresses = || world.referring(network, Kind::IpAddress, col::ASSOCIATED_NETWORK_ID);
    let of = |kind| world.referring(network, kind, col::NETWORK_ID);
    let nat = addresses().filter_map(|address| {
        let services = [(col::IS_SOURCE_NAT, "SourceNat"), (col::IS_STATIC_NAT, "StaticNat")];
        let service = services.into_iter().find(|(flag, _)| address.flag(*flag));
        service.map(|(_, service)| (service, address))
    });
    let vpns = addresses()
        .flat_map(|address| world.referring(address.id, Kind::RemoteAccessVpn, col::PUBLIC_IP_ID));
    nat.chain(vpns.map(|vpn| ("Vpn", vpn)))
        .chain(of(Kind::PortForwardingRule).map(|rule| ("PortForwarding", rule)))
        .chain(of(Kind::LoadBalancerRule).map(|rule| ("Lb", rule)))
        .chain(of(Kind::FirewallRule).map(|rule| ("Firewall", rule)))
        .chain(of(Kind::EgressRule).map(|rule| ("Firewall", rule)))
        .chain(
            world.resource(network).id_of(col::ACL_ID).map(|id| ("NetworkACL", world.resource(id))),
        )
        .collect()
}

/// The NICs of a network whose virtual machine pays for them.
fn metered_nics(tx: &Tx<'_>, network: ResourceId) -> Vec<ResourceId> {
    tx.referring(network, Kind::Nic, col::NETWORK_ID)
        .filter(|nic| nic.flag(col::IS_METERED))
        .map(|nic| nic.id)
        .collect()
}
