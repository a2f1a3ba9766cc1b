//! Static routes: what a VPC sends to a private gateway.

use cloudtally_model::ApiError;

use super::life;
use crate::{
    col,
    engine::{Call, Done, ResourceId, scope},
    network::rules,
    parse::ip,
    state::GatewayState,
    table::{Kind, KindSpec, Object, WireType as W, f, fields::*},
};

/// The setting of ranges of a zone that no new route leads to.
const BLACKLIST: &str = "blacklisted.routes";
/// The addresses of links, which no router sends on.
const LINK_LOCAL: &str = "169.254.0.0/16";

pub(crate) const STATIC_ROUTE: Object = Object {
    name: "StaticRoute",
    fields: &[
        ID,
        STATE,
        f("vpcid", W::Id(Kind::Vpc)),
        f("gatewayid", W::Id(Kind::PrivateGateway)),
        f("cidr", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        TAGS,
    ],
};

/// A route belongs to the owner of its VPC.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::StaticRoute, &STATIC_ROUTE)
    .called_by(col::CIDR)
    .newest_first()
    .owned()
    .states(rules::STATES)
    .keyword(&[col::CIDR])
    .tagged("StaticRoute")
    .job_instance("StaticRoute");

pub(super) fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    // 1. A gateway that works, of a VPC that takes the route.
    let gateway = call.args.id_required("gatewayid");
    let of = call.tx.resource(gateway);
    of.must_be(&[GatewayState::Ready], "given a route", "gatewayid")?;
    let vpc = of.id_of(col::VPC_ID).expect("gateways are of a VPC");
    life::must_be_enabled(call.tx, vpc, "given a route", "gatewayid")?;
    let owner = call.tx.resource(vpc).owner;
    scope::refuse_shut(call.tx, owner)?;
    // 2. A range that leads out, and that no other route has.
    let cidr = call.args.text_required("cidr").trim().to_owned();
    check_range(call, vpc, &cidr)?;
    let id = call.tx.insert(Kind::StaticRoute, |route| {
        route.owner = owner;
        route
            .set_ref(col::VPC_ID, vpc)
            .set_ref(col::GATEWAY_ID, gateway)
            .set_text(col::CIDR, &cidr);
    });
    Ok(Some(id))
}

fn check_range(call: &Call<'_, '_>, vpc: ResourceId, cidr: &str) -> Result<(), ApiError> {
    let bounds = ip::bounds(cidr).ok_or_else(|| {
        call.invalid("cidr", cidr, "expected an address range such as `192.168.0.0/16`")
    })?;
    let overlaps = |other: &str| ip::bounds(other).is_some_and(|other| ip::overlap(bounds, other));
    let of = call.tx.resource(vpc);
    if overlaps(of.text(col::CIDR)) {
        let why = format!("has the range {}, which {cidr} overlaps", of.text(col::CIDR));
        return Err(of.refused("cidr", why));
    }
    if overlaps(LINK_LOCAL) {
        let expected = format!("it overlaps {LINK_LOCAL}, the addresses of links");
        return Err(call.invalid("cidr", cidr, &expected));
    }
    let zone = of.id_of(col::ZONE_ID).expect("VPCs are in a zone");
    let listed = call.tx.scoped_setting(zone, BLACKLIST).split(',').map(str::trim);
    if let Some(black) = listed.filter(|text| !text.is_empty()).find(|text| overlaps(text)) {
        let expected = format!("it overlaps {black}, which `{BLACKLIST}` of the zone forbids");
        return Err(call.invalid("cidr", cidr, &expected));
    }
    let mut routes = call.tx.referring(vpc, Kind::StaticRoute, col::VPC_ID);
    match routes.find(|route| overlaps(route.text(col::CIDR))) {
        None => Ok(()),
        Some(other) => Err(other.refused_as(
            ApiError::rule_conflict,
            "cidr",
            format!("of the VPC overlaps {cidr}; delete it first"),
        )),
    }
}

/// Takes a route away that its job could not finish.
pub(super) fn give_up(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::StaticRoute, *id).is_some()) {
        call.tx.remove_with_dependants(id);
    }
}

pub(super) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.remove_with_dependants(id);
    Ok(Done::Success)
}
