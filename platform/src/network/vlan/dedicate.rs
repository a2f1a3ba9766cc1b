//! Dedication to one account: of ranges of public addresses, and of guest VLANs.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Done, ResourceId, refusal, scope},
    network::address,
    parse::vlanset::VlanSet,
    site::physicalnetwork,
    table::Kind,
};

/// The account that `projectid`, else `account` and `domainid` name.
fn holder(call: &Call<'_, '_>) -> Result<ResourceId, ApiError> {
    let args = &call.args;
    match args.id("projectid") {
        Some(project) => Ok(scope::project_account(call.tx, project)),
        None => scope::named_account(
            call.tx,
            &call.caller,
            args.text_required("account"),
            args.id("domainid"),
        ),
    }
}

/// Refuses to keep what is not public addresses of an advanced zone.
pub(super) fn check_can_be_kept(
    call: &Call<'_, '_>,
    zone: ResourceId,
    is_public: bool,
) -> Result<(), ApiError> {
    if call.tx.resource(zone).text(col::NETWORK_TYPE) != "Advanced" {
        return Err(call.tx.resource(zone).refused(
            "zoneid",
            "is not Advanced; only advanced zones keep public addresses for an account",
        ));
    }
    if !is_public {
        return Err(refusal::parameter(
            "account",
            "is for public addresses; those of a shared network are for all who use it",
        ));
    }
    Ok(())
}

pub(super) fn public_range(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let holder = holder(call)?;
    let id = call.entity_id();
    let range = call.entity();
    let zone = range.id_of(col::ZONE_ID).expect("ranges are in a zone");
    check_can_be_kept(call, zone, range.flag(col::FOR_VIRTUAL_NETWORK))?;
    if range.id_of(col::ACCOUNT_ID).is_some() {
        return Err(range.refused(
            "id",
            "is kept for an account already; release it first with releasePublicIpRange",
        ));
    }
    // Addresses that others have already cannot be kept from them.
    let mut taken = call.tx.referring(id, Kind::IpAddress, col::VLAN_ID);
    if let Some(address) = taken.find(|address| address.owner.is_some_and(|own| own != holder)) {
        return Err(address.refused(
            "id",
            "of the range is allocated to another account; choose a range that nobody else uses",
        ));
    }
    drop(taken);
    if let Some(vm) = call.tx.referring(id, Kind::SystemVm, col::PUBLIC_RANGE).next() {
        return Err(vm.refused(
            "id",
            format!(
                "has the address {} of the range; choose a range that nobody else uses",
                vm.text(col::PUBLIC_IP)
            ),
        ));
    }
    call.tx.edit(id, |range| {
        range.set_ref(col::ACCOUNT_ID, holder);
    });
    address::keep(call.tx, id, holder)?;
    Ok(Done::Resource(id))
}

pub(super) fn release_public_range(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.entity().id_of(col::ACCOUNT_ID).is_none() {
        return Err(call.entity().refused("id", "is not kept for any account"));
    }
    address::keep_no_more(call.tx, id);
    Ok(Done::Success)
}

pub(super) fn guest_vlans(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let holder = holder(call)?;
    let network = call.tx.resource(call.args.id_required("physicalnetworkid"));
    let id = network.id;
    // 1. VLANs of a network that keeps guests apart by VLANs.
    let text = call.args.text_required("vlanrange");
    let is_one = !text.contains(',');
    let vlans = VlanSet::parse(text).filter(|vlans| is_one && !vlans.is_empty());
    let vlans = vlans.ok_or_else(|| {
        call.invalid("vlanrange", text, "expected one range of VLANs, such as `300-310`")
    })?;
    if network.text(col::ISOLATION_METHODS) != "VLAN" {
        return Err(network.refused(
            "physicalnetworkid",
            "does not isolate its networks by VLAN; choose another",
        ));
    }
    let all = physicalnetwork::vlan_set(network);
    if !all.contains_all(&vlans) {
        return Err(network.refused("vlanrange", format!("has the VLANs {all}, not all of {text}")));
    }
    // 2. Nobody else has them.
    for kept in call.tx.referring(id, Kind::GuestVlanRange, col::NETWORK) {
        if let Some(vlan) = VlanSet::stored(kept.text(col::GUEST_VLAN_RANGE)).common(&vlans) {
            return Err(kept.refused(
                "vlanrange",
                format!(
                    "of {} is kept already and has VLAN {vlan}; choose other VLANs",
                    kept.text(col::GUEST_VLAN_RANGE)
                ),
            ));
        }
    }
    for (guest, vlan) in physicalnetwork::networks_on(call.tx, id) {
        if vlan.is_some_and(|vlan| vlans.contains(vlan)) && guest.owner != Some(holder) {
            return Err(guest.refused(
                "vlanrange",
                format!(
                    "of another account is on a VLAN of {text}; choose VLANs that nobody else uses"
                ),
            ));
        }
    }
    // 3. The range.
    let id = call.tx.insert(Kind::GuestVlanRange, |kept| {
        kept.owner = Some(holder);
        kept.set_text(col::GUEST_VLAN_RANGE, &vlans.to_string()).set_ref(col::NETWORK, id);
    });
    call.entity = Some(id);
    Ok(Done::Resource(id))
}
