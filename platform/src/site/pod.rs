//! Pods: racks of a zone, with addresses for system VMs.
//!
//! Hosts stand in the pod's network outside of the range; system VMs take their
//! private addresses from the range.

use cloudtally_model::ApiError;

use super::{
    capacity,
    podaddress::{range, subnet_of, taken},
};
use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, Resource, refusal, verbs},
    parse::given::{self, ENABLED, Subnet, ipv4},
    table::{
        Command, Kind, KindSpec, Object, OnDelete::*, ParamType::*, Roles, Unique, WireType as W,
        Within, create, delete, f, fields::*, group, own, p, update,
    },
};

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Pod, &POD)
    .infrastructure()
    .unique(&[Unique { column: col::NAME, within: Within::Column(col::ZONE_ID) }])
    .keyword(&[col::NAME])
    .referred(&[
        (Kind::Cluster, col::POD_ID.reference(), Refuse),
        (Kind::Host, col::POD_ID.reference(), Refuse),
        (Kind::StoragePool, col::POD_ID.reference(), Refuse),
        (Kind::VlanIpRange, col::POD_ID.reference(), Refuse),
        (Kind::SystemVm, col::POD_ID.reference(), Remove),
    ]);

pub(crate) const POD: Object = Object {
    name: "Pod",
    fields: &[
        ID,
        f("name", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("gateway", W::Str),
        f("netmask", W::Str),
        f("startip", W::Str),
        f("endip", W::Str),
        f("allocationstate", W::Str),
        f("capacity", W::Objects("Capacity")).by(|_| Node::Null),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    create("createPod", Kind::Pod)
        .doc("Makes a pod in a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required(),
            p("zoneid", Id(Kind::Zone)).required(),
            p("startip", Str).required().doc("the first address for system VMs"),
            p("endip", Str).doc("the last address for system VMs"),
            p("netmask", Str).required(),
            p("gateway", Str).required().doc("the gateway of the pod"),
            p("allocationstate", Str),
        ])
        .object("pod", &POD)
        .act(settle),
    delete("deletePod", Kind::Pod)
        .doc("Removes a pod without clusters")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Pod)).required()])
        .success(),
    own("listPods")
        .doc("Lists pods")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Pod)),
            p("name", Str),
            p("zoneid", Id(Kind::Zone)),
            p("allocationstate", Str),
            p("showcapacities", Bool),
        ])
        .groups(&[group::PAGED])
        .items("pod", &POD)
        .read(list_pods),
    update("updatePod", Kind::Pod)
        .doc("Changes a pod")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Pod)).required(),
            p("name", Str),
            p("startip", Str).doc("the first address for system VMs"),
            p("endip", Str).doc("the last address for system VMs"),
            p("netmask", Str),
            p("gateway", Str),
            p("allocationstate", Str),
        ])
        .object("pod", &POD)
        .act(change),
];

/// Completes a new pod and refuses addresses that cannot be.
fn settle(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let state = given::allocation_state(call)?.unwrap_or(ENABLED);
    call.tx.edit(id, |pod| {
        pod.set_text(col::ALLOCATION_STATE, state);
        if pod.text(col::END_IP).is_empty() {
            let start = pod.text(col::START_IP).to_owned();
            pod.set_text(col::END_IP, &start);
        }
    });
    check_addresses(call, call.entity())?;
    Ok(Done::Resource(id))
}

fn change(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let mut pod = call.entity().clone();
    verbs::assign(call, &mut pod);
    call.check_unique(&pod)?;
    if let Some(state) = given::allocation_state(call)? {
        pod.set_text(col::ALLOCATION_STATE, state);
    }
    check_addresses(call, &pod)?;
    // What is taken already must stay inside.
    let range = range(&pod);
    let outside = taken(call.tx, id).find(|address| !range.contains(address));
    if let Some(address) = outside {
        return Err(pod.refused_as(
            ApiError::in_use,
            "id",
            format!(
                "has the address {} in use; keep it between `startip` and `endip`",
                given::dotted(address)
            ),
        ));
    }
    call.tx.edit(id, |old| *old = pod);
    Ok(Done::Resource(id))
}

/// Refuses addresses that are none, that are not all in one network, or that
/// another pod or the guests of the zone have.
fn check_addresses(call: &Call<'_, '_>, pod: &Resource) -> Result<(), ApiError> {
    // 1. Addresses, and all in the network of the gateway.
    let (gateway, netmask) = (pod.text(col::GATEWAY), pod.text(col::NETMASK));
    let mut numbers = [0; 3];
    for (number, column) in numbers.iter_mut().zip([col::GATEWAY, col::START_IP, col::END_IP]) {
        let text = pod.text(column);
        let expected = "expected an IPv4 address such as `10.1.1.1`";
        *number = ipv4(text).ok_or_else(|| call.invalid(column.name(), text, expected))?;
    }
    let expected = "expected a netmask such as `255.255.255.0`";
    let subnet =
        Subnet::of(gateway, netmask).ok_or_else(|| call.invalid("netmask", netmask, expected))?;
    let [gateway_at, start, end] = numbers;
    for (column, at) in [(col::START_IP, start), (col::END_IP, end)] {
        if !subnet.contains(at) {
            let expected = format!("expected an address in the network of {gateway}/{netmask}");
            return Err(call.invalid(column.name(), pod.text(column), &expected));
        }
    }
    if start > end {
        return Err(call.invalid("endip", pod.text(col::END_IP), "expected one after `startip`"));
    }
    if (start..=end).contains(&gateway_at) {
        let expected = format!("the gateway {gateway} must stand outside of the range");
        return Err(call.invalid("startip", pod.text(col::START_IP), &expected));
    }
    // 2. Nobody else's.
    let zone = pod.id_of(col::ZONE_ID).expect("pods are in a zone");
    let other = call
        .tx
        .referring(zone, Kind::Pod, col::ZONE_ID)
        .filter(|other| other.id != pod.id && call.tx.setting_flag("check.pod.cidrs"))
        .find(|other| subnet_of(other).is_some_and(|theirs| theirs.overlaps(subnet)));
    if let Some(other) = other {
        return Err(refusal::parameter(
            "gateway",
            format!(
                "with `netmask` is {gateway}/{netmask}, which overlaps the pod {}; choose another",
                other.text(col::NAME)
            ),
        )
        .about(other.uuid.to_string(), "id"));
    }
    let guests = call.tx.resource(zone).text(col::GUEST_CIDR_ADDRESS);
    if Subnet::of_cidr(guests).is_some_and(|guests| guests.overlaps(subnet)) {
        return Err(refusal::parameter(
            "gateway",
            format!(
                "with `netmask` is {gateway}/{netmask}, which overlaps the guest networks of the zone, {guests}; choose another"
            ),
        ));
    }
    Ok(())
}

fn list_pods(query: &Query<'_>) -> Result<Answer, ApiError> {
    capacity::page(query, query.resources(Kind::Pod)?.into_iter())
}
