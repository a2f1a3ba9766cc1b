//! Gateways of VPCs for VPNs from site to site, one a VPC.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Done, ResourceId, Tx, scope},
    network::vpc::{self, part},
    table::{Kind, KindSpec, Object, OnDelete, WireType as W, f, fields::*, hidden},
};

pub(crate) const VPN_GATEWAY: Object = Object {
    name: "Site2SiteVpnGateway",
    fields: &[
        ID,
        f("publicip", W::Str).join(col::PUBLIC_ADDRESS, "ipaddress"),
        f("vpcid", W::Id(Kind::Vpc)),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        REMOVED,
    ],
};

/// A gateway belongs to the owner of its VPC. Hidden: the source NAT address that it is at.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::VpnGateway, &VPN_GATEWAY)
    .newest_first()
    .owned()
    .hidden(&[hidden("publicaddress", W::Id(Kind::IpAddress))])
    .referred(&[(Kind::VpnConnection, col::S2S_VPN_GATEWAY_ID.reference(), OnDelete::Remove)])
    .job_instance("VpnGateway");

/// The VPC that is to have a gateway, and the address that it will be at.
pub(super) fn check_new(call: &mut Call<'_, '_>) -> Result<(ResourceId, ResourceId), ApiError> {
    let id = call.args.id_required("vpcid");
    vpc::must_be_enabled(call.tx, id, "given a VPN gateway", "vpcid")?;
    let of = call.tx.resource(id);
    scope::refuse_shut(call.tx, of.owner)?;
    if let Some(other) = call.tx.referring(id, Kind::VpnGateway, col::VPC_ID).next() {
        let why = "has a VPN gateway already; use that one";
        return Err(of.refused("vpcid", why).about(other.uuid.to_string(), "vpcid"));
    }
    match part::source_nat(call.tx, id) {
        Some(address) => Ok((id, address.id)),
        None => Err(of.refused_as(
            ApiError::runtime,
            "vpcid",
            "has no source NAT address yet; wait until it is started",
        )),
    }
}

pub(super) fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (vpc, address) = check_new(call)?;
    let owner = call.tx.resource(vpc).owner;
    let id = call.tx.insert(Kind::VpnGateway, |gateway| {
        gateway.owner = owner;
        gateway.set_ref(col::VPC_ID, vpc).set_ref(col::PUBLIC_ADDRESS, address);
    });
    Ok(Done::Resource(id))
}

/// Takes the gateway of a VPC away with its connections.
pub(crate) fn remove_all(tx: &mut Tx<'_>, vpc: ResourceId) {
    for id in tx.ids_referring(vpc, Kind::VpnGateway, col::VPC_ID) {
        tx.remove_with_dependants(id);
    }
}
