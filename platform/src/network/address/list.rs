//! The list of addresses, with the free ones if asked for.

use std::collections::BTreeSet;

use crate::{
    col,
    engine::{Answer, Node, Query, Resource},
    parse::ip,
    state::AddressState,
    table::Kind,
};

use cloudtally_model::ApiError;

use super::IP_ADDRESS;

/// The addresses that somebody has and, if asked for, the free ones of the
/// public ranges, which have no id yet.
pub(super) fn list_addresses(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let taken = query.resources(Kind::IpAddress)?;
    let for_rules = args.is_true("forloadbalancing");
    let wants_free = args.flag("allocatedonly") == Some(false);
    let shows_all_free = wants_free && query.caller.is_root();
    let is_wanted = |address: &&Resource| {
        (!address.is(AddressState::Free) || wants_free && !shows_all_free)
            && (args.has("forvirtualnetwork") || address.flag(col::FOR_VIRTUAL_NETWORK))
            && (!for_rules || !address.flag(col::IS_STATIC_NAT))
    };
    let mut items: Vec<Node> = taken
        .into_iter()
        .filter(is_wanted)
        .map(|address| query.show(address, &IP_ADDRESS))
        .collect();
    // Those that are free are of no network and no VPC.
    let is_held = ["associatednetworkid", "vpcid"].iter().any(|name| args.has(name));
    if shows_all_free && !is_held {
        items.extend(free_addresses(query));
    }
    query.page_of("publicipaddress", items.into_iter(), |_, node| node)
}

fn free_addresses(query: &Query<'_>) -> Vec<Node> {
    let world = query.world;
    let (zone, range) = (query.args.id("zoneid"), query.args.id("vlanid"));
    let mut items = Vec::new();
    for found in world.all(Kind::VlanIpRange).filter(|range| range.flag(col::FOR_VIRTUAL_NETWORK)) {
        let is_other = range.is_some_and(|id| id != found.id)
            || zone.is_some_and(|id| found.id_of(col::ZONE_ID) != Some(id));
        if is_other {
            continue;
        }
        let taken: BTreeSet<&str> = world
            .referring(found.id, Kind::IpAddress, col::VLAN_ID)
            .filter(|address| !address.is(AddressState::Free))
            .map(|address| address.text(col::IP_ADDRESS))
            .chain(
                world
                    .referring(found.id, Kind::SystemVm, col::PUBLIC_RANGE)
                    .map(|vm| vm.text(col::PUBLIC_IP)),
            )
            .collect();
        let of_zone = found.id_of(col::ZONE_ID).map(|id| world.resource(id));
        for address in ip::range(found.text(col::START_IP), found.text(col::END_IP)).map(ip::format)
        {
            let is_wanted = query.args.text("ipaddress").is_none_or(|wanted| wanted == address);
            let is_wanted = is_wanted && query.is_named_in(&[&address]);
            if taken.contains(address.as_str()) || !is_wanted {
                continue;
            }
            let fields = vec![
                ("ipaddress", Node::text(&address)),
                ("zoneid", Node::text_if(of_zone.map(|zone| zone.uuid.to_string()))),
                ("zonename", Node::text_if(of_zone.map(|zone| zone.text(col::NAME)))),
                ("issourcenat", Node::Bool(false)),
                ("forvirtualnetwork", Node::Bool(true)),
                ("vlanid", Node::text(found.uuid.to_string())),
                ("vlanname", Node::text(found.text(col::VLAN))),
                ("isstaticnat", Node::Bool(false)),
                ("state", Node::text(AddressState::Free.name())),
            ];
            items.push(Node::Object(fields));
        }
    }
    items
}
