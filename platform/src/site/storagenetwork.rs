//! Addresses of the storage network, for secondary storage VMs.

use cloudtally_model::{ApiError, Text};

use super::physicalnetwork;
use crate::{
    col,
    engine::{Call, Column, Done, Resource, ResourceId},
    parse::{ip, iprange::IpRange, vlanset::VLAN_MAX},
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, delete, f, fields::*,
        group, list, own, p, update,
    },
};

/// A range of addresses by which the system's VMs of a pod reach secondary storage.
pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::StorageNetworkIpRange, &STORAGE_NETWORK_IP_RANGE)
        .infrastructure()
        .keyword(&[col::START_IP, col::END_IP, col::GATEWAY]);

pub(crate) const STORAGE_NETWORK_IP_RANGE: Object = Object {
    name: "StorageNetworkIpRange",
    fields: &[
        ID,
        f("vlan", W::Int),
        f("podid", W::Id(Kind::Pod)),
        f("startip", W::Str),
        f("endip", W::Str),
        f("gateway", W::Str),
        f("networkid", W::Id(Kind::Network)),
        ZONE_ID,
        f("netmask", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createStorageNetworkIpRange")
        .doc("Adds addresses of the storage network to a pod")
        .roles(Roles::ROOT)
        .params(&[
            p("podid", Id(Kind::Pod)).required(),
            p("startip", Str).required(),
            p("endip", Str),
            p("vlan", Int),
            p("netmask", Str).required(),
            p("gateway", Str).required(),
        ])
        .job("STORAGE.IP.RANGE.CREATE")
        .object("storagenetworkiprange", &STORAGE_NETWORK_IP_RANGE)
        .check(check_create)
        .act(create),
    delete("deleteStorageNetworkIpRange", Kind::StorageNetworkIpRange)
        .doc("Removes addresses of the storage network that nobody uses")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::StorageNetworkIpRange)).required()])
        .job("STORAGE.IP.RANGE.DELETE")
        .success(),
    list("listStorageNetworkIpRange", Kind::StorageNetworkIpRange)
        .doc("Lists addresses of the storage network")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::StorageNetworkIpRange)),
            p("podid", Id(Kind::Pod)),
            p("zoneid", Id(Kind::Zone)),
        ])
        .groups(&[group::PAGED])
        .items("storagenetworkiprange", &STORAGE_NETWORK_IP_RANGE),
    update("updateStorageNetworkIpRange", Kind::StorageNetworkIpRange)
        .doc("Changes addresses of the storage network while nobody uses them")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::StorageNetworkIpRange)).required(),
            p("startip", Str),
            p("endip", Str),
            p("vlan", Int),
            p("netmask", Str),
        ])
        .job("STORAGE.IP.RANGE.UPDATE")
        .object("storagenetworkiprange", &STORAGE_NETWORK_IP_RANGE)
        .check(check_update)
        .act(change),
];

fn check_vlan(call: &Call<'_, '_>) -> Result<(), ApiError> {
    match call.args.int("vlan") {
        Some(vlan) if !(0..=i64::from(VLAN_MAX)).contains(&vlan) => {
            Err(call.invalid("vlan", &vlan.to_string(), "expected a number from 0 to 4095"))
        }
        _ => Ok(()),
    }
}

/// The range a new row has, if its zone has storage traffic and nobody has the addresses.
fn new_range(call: &Call<'_, '_>) -> Result<(ResourceId, IpRange), ApiError> {
    check_vlan(call)?;
    let args = &call.args;
    let zone = call
        .tx
        .resource(args.id_required("podid"))
        .id_of(col::ZONE_ID)
        .expect("pods are in a zone");
    if physicalnetwork::carrying(call.tx, zone, "Storage").is_empty() {
        return Err(call.tx.resource(zone).refused(
            "zoneid",
            "has no network for storage; add the traffic type Storage to a physical network first",
        ));
    }
    let range = IpRange::checked(
        call,
        args.text_required("gateway"),
        args.text_required("netmask"),
        args.text_required("startip"),
        args.text("endip"),
    )?;
    check_free(call, zone, None, &range)?;
    Ok((zone, range))
}

/// Refuses addresses of other storage ranges and of the zone's pods.
fn check_free(
    call: &Call<'_, '_>,
    zone: ResourceId,
    row: Option<ResourceId>,
    range: &IpRange,
) -> Result<(), ApiError> {
    let others = call.tx.referring(zone, Kind::StorageNetworkIpRange, col::ZONE_ID);
    range.check_apart(others.filter(|other| Some(other.id) != row))?;
    range.check_apart(call.tx.referring(zone, Kind::Pod, col::ZONE_ID))
}

fn check_create(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    new_range(call).map(drop)
}

fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (zone, range) = new_range(call)?;
    let (pod, vlan) = (call.args.id_required("podid"), call.args.int("vlan"));
    let id = call.tx.insert(Kind::StorageNetworkIpRange, |row| {
        row.set_ref(col::POD_ID, pod).set_ref(col::ZONE_ID, zone);
        if let Some(vlan) = vlan {
            row.set_int(col::VLAN_NUMBER, vlan);
        }
        range.store(row);
    });
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

/// The range a row has after an update.
fn changed_range(call: &Call<'_, '_>, row: &Resource) -> Result<IpRange, ApiError> {
    check_vlan(call)?;
    let part = |column: Column<Text>| call.args.text(column.name()).unwrap_or(row.text(column));
    // A new first address alone makes a range of one, unless the last is behind it.
    let end = match (call.args.text("startip"), call.args.text("endip")) {
        (Some(start), None) if ip::parse(start) > ip::parse(row.text(col::END_IP)) => start,
        _ => part(col::END_IP),
    };
    let range = IpRange::checked(
        call,
        row.text(col::GATEWAY),
        part(col::NETMASK),
        part(col::START_IP),
        Some(end),
    )?;
    let zone = row.id_of(col::ZONE_ID).expect("storage ranges are in a zone");
    check_free(call, zone, Some(row.id), &range)?;
    Ok(range)
}

fn check_update(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let row = call.tx.resource(call.args.id_required("id"));
    changed_range(call, row).map(drop)
}

fn change(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let range = changed_range(call, call.entity())?;
    let vlan = call.args.int("vlan");
    call.tx.edit(id, |row| {
        range.store(row);
        if let Some(vlan) = vlan {
            row.set_int(col::VLAN_NUMBER, vlan);
        }
    });
    Ok(Done::Resource(id))
}
