//! Types of traffic, and which physical network carries them.

use cloudtally_model::ApiError;

use super::network;
use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, ResourceId, verbs},
    parse::given,
    table::Kind,
};

/// All types, each with what implements it.
const TYPES: [(&str, &str); 5] = [
    ("Guest", "ExternalGuestNetworkGuru"),
    ("Public", "PublicNetworkGuru"),
    ("Management", "PodBasedNetworkGuru"),
    ("Storage", "StorageNetworkGuru"),
    ("Control", "ControlNetworkGuru"),
];
const NAMES: [&str; 5] = ["Guest", "Public", "Management", "Storage", "Control"];

pub(super) fn add(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let traffic = given::word(call, "traffictype", &NAMES)?.unwrap_or_default();
    let id = call.args.id_required("physicalnetworkid");
    let zone = call.tx.resource(id).id_of(col::ZONE_ID).expect("physical networks are in a zone");
    // Guest traffic can be on several physical networks of a zone, the others on one.
    for carrier in network::carrying(call.tx, zone, traffic) {
        if carrier == id {
            return Err(call.tx.resource(id).refused_as(
                ApiError::runtime,
                "physicalnetworkid",
                format!("carries {traffic} traffic already"),
            ));
        }
        if traffic != "Guest" {
            return Err(call.tx.resource(carrier).refused_as(
                ApiError::runtime,
                "physicalnetworkid",
                format!("carries the {traffic} traffic of the zone already; only one network can"),
            ));
        }
    }
    let row = verbs::create(call, Kind::TrafficType)?;
    call.tx.edit(row, |row| {
        row.set_text(col::TRAFFIC_TYPE, traffic);
    });
    Ok(Some(row))
}

pub(super) fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let row = call.tx.resource(call.args.id_required("id"));
    let carrier = row.id_of(col::PHYSICAL_NETWORK_ID).expect("traffic is on a physical network");
    let zone =
        call.tx.resource(carrier).id_of(col::ZONE_ID).expect("physical networks are in a zone");
    let user = match row.text(col::TRAFFIC_TYPE) {
        "Guest" => call.tx.referring(carrier, Kind::Network, col::PHYSICAL_NETWORK_ID).next(),
        "Public" => call
            .tx
            .referring(carrier, Kind::VlanIpRange, col::PHYSICAL_NETWORK_ID)
            .find(|range| range.flag(col::FOR_VIRTUAL_NETWORK)),
        "Storage" => call.tx.referring(zone, Kind::StorageNetworkIpRange, col::ZONE_ID).next(),
        _ => None,
    };
    match user {
        Some(user) => Err(row
            .refused_as(
                ApiError::in_use,
                "id",
                format!("is used by {}; remove that first", user.called()),
            )
            .about(user.uuid.to_string(), "id")),
        None => Ok(()),
    }
}

pub(super) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_delete(call)?;
    verbs::delete(call, call.entity_id())?;
    Ok(Done::Success)
}

pub(super) fn list_implementors(query: &Query<'_>) -> Result<Answer, ApiError> {
    let wanted = query.args.text("traffictype");
    if let Some(wanted) = wanted
        && !NAMES.iter().any(|name| name.eq_ignore_ascii_case(wanted))
    {
        return Err(query.invalid(
            "traffictype",
            wanted,
            &format!("expected {}", NAMES.join(" or ")),
        ));
    }
    let rows = TYPES.iter().filter(|(name, guru)| {
        wanted.is_none_or(|wanted| name.eq_ignore_ascii_case(wanted))
            && query.is_named_in(&[*name, *guru])
    });
    query.page_of("traffictypeimplementorresponse", rows, |_, (traffic, guru)| {
        Node::Object(vec![
            ("traffictype", Node::text(traffic)),
            ("traffictypeimplementor", Node::text(guru)),
        ])
    })
}
