//! Addresses of the storage network, for secondary storage VMs.

use crate::table::{
    Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, fields::*, group,
    later, p,
};

/// A range of addresses by which the system's VMs of a pod reach secondary storage.
pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::StorageNetworkIpRange, &STORAGE_NETWORK_IP_RANGE);

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
    later("createStorageNetworkIpRange")
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
        .object("storagenetworkiprange", &STORAGE_NETWORK_IP_RANGE),
    later("deleteStorageNetworkIpRange")
        .doc("Removes addresses of the storage network that nobody uses")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::StorageNetworkIpRange)).required()])
        .job("STORAGE.IP.RANGE.DELETE")
        .success(),
    later("listStorageNetworkIpRange")
        .doc("Lists addresses of the storage network")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::StorageNetworkIpRange)),
            p("podid", Id(Kind::Pod)),
            p("zoneid", Id(Kind::Zone)),
        ])
        .groups(&[group::PAGED])
        .items("storagenetworkiprange", &STORAGE_NETWORK_IP_RANGE),
    later("updateStorageNetworkIpRange")
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
        .object("storagenetworkiprange", &STORAGE_NETWORK_IP_RANGE),
];
