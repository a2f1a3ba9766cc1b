//! Storage pools: primary storage, where volumes are.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
};

pub(crate) const STORAGE_POOL: Object = Object {
    name: "StoragePool",
    fields: &[
        ID,
        ZONE_ID,
        ZONE_NAME,
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join("podid", "name"),
        f("name", W::Str),
        f("ipaddress", W::Str),
        f("path", W::Str),
        CREATED,
        f("type", W::Str),
        f("clusterid", W::Id(Kind::Cluster)),
        f("clustername", W::Str).join("clusterid", "name"),
        f("disksizetotal", W::Long),
        f("disksizeallocated", W::Long),
        f("disksizeused", W::Long),
        f("capacityiops", W::Long),
        f("tags", W::Str),
        STATE,
        f("scope", W::Str),
        f("hypervisor", W::Str),
        f("suitableformigration", W::Bool),
    ],
};

pub(crate) const STORAGE_PROVIDER: Object =
    Object { name: "StorageProvider", fields: &[f("name", W::Str), f("type", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    later("cancelStorageMaintenance")
        .doc("Puts a storage pool in maintenance back to work")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::StoragePool)).required()])
        .job("MAINT.CANCEL.PS")
        .object("storagepool", &STORAGE_POOL),
    later("createStoragePool")
        .doc("Adds a storage pool to a cluster or a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)).doc("the cluster; needed with scope `CLUSTER`"),
            p("details", Map(MapForm::Free)).doc("what the provider needs: `details[0].key=value`"),
            p("name", Str).required(),
            p("podid", Id(Kind::Pod)).doc("the pod; needed with scope `CLUSTER`"),
            p("tags", Str).doc("tags separated by commas; disk offerings choose by them"),
            p("url", Str).required().doc("the storage, such as `nfs://10.1.1.1/export/primary`"),
            p("zoneid", Id(Kind::Zone)).required(),
            p("provider", Str),
            p("scope", Str).doc("`CLUSTER` or `ZONE`; `CLUSTER` unless given"),
            p("managed", Bool).doc("whether the provider makes a volume of its own for each"),
            p("capacityiops", Long),
            p("capacitybytes", Long),
            p("hypervisor", Str),
        ])
        .object("storagepool", &STORAGE_POOL),
    later("deleteStoragePool")
        .doc("Removes a storage pool in maintenance")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::StoragePool)).required(),
            p("forced", Bool).doc("true to remove it with its volumes"),
        ])
        .success(),
    later("enableStorageMaintenance")
        .doc("Stops the VMs that use a storage pool and takes nothing new on it")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::StoragePool)).required()])
        .job("MAINT.PREPARE.PS")
        .object("storagepool", &STORAGE_POOL),
    later("findStoragePoolsForMigration")
        .doc("Lists the storage pools a volume can move to")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Volume)).required().doc("the volume")])
        .groups(&[group::PAGED])
        .items("storagepool", &STORAGE_POOL),
    later("listStoragePools")
        .doc("Lists storage pools")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)),
            p("ipaddress", Str).doc("shows only those at this address"),
            p("name", Str),
            p("path", Str).doc("shows only the one with this path"),
            p("podid", Id(Kind::Pod)),
            p("zoneid", Id(Kind::Zone)),
            p("id", Id(Kind::StoragePool)),
            p("scope", Str),
        ])
        .groups(&[group::PAGED])
        .items("storagepool", &STORAGE_POOL),
    later("listStorageProviders")
        .doc("Lists what can provide a kind of storage")
        .roles(Roles::ROOT)
        .params(&[p("type", Str).required().doc("`primary`, `image` or `imageCache`")])
        .groups(&[group::PAGED])
        .items("dataStoreProvider", &STORAGE_PROVIDER),
    later("updateStoragePool")
        .doc("Changes tags or capacity of a storage pool")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::StoragePool)).required(),
            p("tags", List).doc("tags separated by commas; disk offerings choose by them"),
            p("capacityiops", Long),
            p("capacitybytes", Long),
        ])
        .object("storagepool", &STORAGE_POOL),
];
