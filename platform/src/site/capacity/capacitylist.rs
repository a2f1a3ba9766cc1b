//! The list of capacities: lines of zones, pods and clusters.

use std::cmp::Reverse;

use super::{Amount, CapacityType, amount};
use crate::{
    col,
    engine::{Answer, Column, Fields, Node, Query, Resource, ResourceId, World},
    table::Kind,
};

use cloudtally_model::ApiError;

/// One line of the answer.
pub(super) struct Line {
    place: ResourceId,
    capacity_type: CapacityType,
    amount: Amount,
}

pub(super) fn lines(world: &World, place: &Resource) -> Vec<Line> {
    CapacityType::ALL
        .into_iter()
        .filter(|capacity_type| capacity_type.is_of(place.kind))
        .map(|capacity_type| Line {
            place: place.id,
            capacity_type,
            amount: amount(world, place, capacity_type),
        })
        .collect()
}

pub(super) fn show(world: &World, line: &Line) -> Node {
    let place = world.resource(line.place);
    let of = |kind: Kind, column: Column<ResourceId>| match place.kind {
        own if own == kind => Some(place),
        Kind::Zone => None,
        Kind::Pod if kind == Kind::Cluster => None,
        _ => place.id_of(column).map(|id| world.resource(id)),
    };
    let mut fields: Fields = vec![("type", Node::Int(line.capacity_type.number()))];
    for (kind, column, name_field) in [
        (Kind::Zone, col::ZONE_ID, "zonename"),
        (Kind::Pod, col::POD_ID, "podname"),
        (Kind::Cluster, col::CLUSTER_ID, "clustername"),
    ] {
        if let Some(resource) = of(kind, column) {
            fields.push((column.name(), Node::text(resource.uuid.to_string())));
            fields.push((name_field, Node::text(resource.text(col::NAME))));
        }
    }
    fields.push(("capacityused", Node::Int(line.amount.used)));
    fields.push(("capacitytotal", Node::Int(line.amount.total)));
    fields.push(("percentused", Node::text(line.amount.percent())));
    Node::Object(fields)
}

pub(super) fn list_capacity(query: &Query<'_>) -> Result<Answer, ApiError> {
    let (world, args) = (query.world, query.args);
    // 1. What is to be shown.
    let capacity_type = match args.int("type") {
        None => None,
        Some(number) => {
            let found = CapacityType::ALL
                .into_iter()
                .find(|capacity_type| capacity_type.number() == number);
            let expected = "expected a number from 0 to 9";
            Some(found.ok_or_else(|| query.invalid("type", &number.to_string(), expected))?)
        }
    };
    let is_sorted = match args.text("sortby") {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("usage") => true,
        Some(word) => return Err(query.invalid("sortby", word, "expected `usage`")),
    };
    // 2. The narrowest place that is named; else all zones.
    let named = args.id("clusterid").or(args.id("podid")).or(args.id("zoneid"));
    let places: Vec<&Resource> = match named {
        Some(id) => vec![world.resource(id)],
        None => world.all(Kind::Zone).collect(),
    };
    for column in [col::ZONE_ID, col::POD_ID] {
        let wanted = args.id(column.name());
        let is_elsewhere = |place: &&Resource| {
            wanted.is_some_and(|id| place.id != id && place.id_of(column) != Some(id))
        };
        if let Some(place) = places.iter().find(|place| is_elsewhere(place)) {
            let text = format!("the {} {} is not there", place.kind.noun(), place.text(col::NAME));
            return Err(query.invalid(column.name(), &place.uuid.to_string(), &text));
        }
    }
    // 3. Counted, and in order.
    let keyword = args.text("keyword").map(str::to_lowercase);
    let is_named = |place: &&&Resource| {
        keyword.as_ref().is_none_or(|word| place.text(col::NAME).to_lowercase().contains(word))
    };
    let mut lines: Vec<Line> =
        places.iter().filter(is_named).flat_map(|place| lines(world, place)).collect();
    lines.retain(|line| {
        capacity_type.is_none_or(|capacity_type| line.capacity_type == capacity_type)
    });
    if is_sorted {
        lines.sort_by_key(|line| Reverse(line.amount.share()));
    }
    query.page_of("capacity", lines.iter(), |query, line| show(query.world, line))
}
