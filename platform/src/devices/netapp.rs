//! NetApp filers: pools, volumes and LUNs on them.

use crate::table::{Command, Object, ParamType::*, Roles, WireType as W, f, fields::*, later, p};

pub(crate) const ASSOCIATED_LUN: Object =
    Object { name: "AssociateLun", fields: &[ID, f("ipaddress", W::Str), f("targetiqn", W::Str)] };

pub(crate) const CREATED_LUN: Object = Object {
    name: "CreateLun",
    fields: &[f("path", W::Str), f("iqn", W::Str), f("ipaddress", W::Str)],
};

pub(crate) const CREATED_VOLUME: Object = Object { name: "CreateVolumeOnFiler", fields: &[] };

pub(crate) const CREATED_POOL: Object = Object { name: "CreateVolumePool", fields: &[] };

pub(crate) const DELETED_LUN: Object = Object { name: "DeleteLUN", fields: &[] };

pub(crate) const DELETED_VOLUME: Object = Object { name: "DeleteVolumeOnFiler", fields: &[] };

pub(crate) const DELETED_POOL: Object = Object { name: "DeleteVolumePool", fields: &[] };

pub(crate) const DISSOCIATED_LUN: Object = Object { name: "DissociateLun", fields: &[] };

pub(crate) const LUN: Object = Object {
    name: "ListLuns",
    fields: &[f("id", W::Long), f("iqn", W::Str), f("name", W::Str), f("volumeid", W::Long)],
};

pub(crate) const POOL: Object = Object {
    name: "ListVolumePools",
    fields: &[f("id", W::Long), f("name", W::Str), f("algorithm", W::Str)],
};

pub(crate) const VOLUME: Object = Object {
    name: "ListVolumesOnFiler",
    fields: &[
        f("id", W::Long),
        f("poolname", W::Str),
        f("ipaddress", W::Str),
        f("aggregatename", W::Str),
        f("volumename", W::Str),
        f("snapshotpolicy", W::Str),
        f("snapshotreservation", W::Int),
        f("size", W::Str),
    ],
};

pub(crate) const MODIFIED_POOL: Object = Object { name: "ModifyVolumePool", fields: &[] };

pub(crate) static COMMANDS: &[Command] = &[
    later("associateLun")
        .doc("Lets an iSCSI initiator use a LUN")
        .roles(Roles::ALL)
        .params(&[p("name", Str).required().doc("the LUN"), p("iqn", Str).required()])
        .object("lun", &ASSOCIATED_LUN),
    later("createLunOnFiler")
        .doc("Makes a LUN in a pool")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required().doc("the pool"),
            p("size", Long).required().doc("the size in GiB"),
        ])
        .object("lun", &CREATED_LUN),
    later("createPool")
        .doc("Makes a pool of filer volumes")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("algorithm", Str)
                .required()
                .doc("how volumes are chosen: `roundrobin` or `leastfull`"),
        ])
        .bare(&CREATED_POOL),
    later("createVolumeOnFiler")
        .doc("Makes a volume on a filer and puts it into a pool")
        .roles(Roles::ALL)
        .params(&[
            p("ipaddress", Str).required().doc("the address of the filer"),
            p("aggregatename", Str).required(),
            p("poolname", Str).required(),
            p("volumename", Str).required(),
            p("size", Int).required().doc("the size in GiB"),
            p("snapshotpolicy", Str).doc("how often the filer takes snapshots of it"),
            p("snapshotreservation", Int).doc("percent of it kept for snapshots"),
            p("username", Str).required().doc("the user for the filer"),
            p("password", Secret).required().doc("the password for the filer"),
        ])
        .bare(&CREATED_VOLUME),
    later("deletePool")
        .doc("Removes a pool without volumes")
        .roles(Roles::ALL)
        .params(&[p("poolname", Str).required()])
        .bare(&DELETED_POOL),
    later("destroyLunOnFiler")
        .doc("Destroys a LUN")
        .roles(Roles::ALL)
        .params(&[p("path", Str).required().doc("the path of the LUN")])
        .bare(&DELETED_LUN),
    later("destroyVolumeOnFiler")
        .doc("Destroys a volume on a filer")
        .roles(Roles::ALL)
        .params(&[
            p("aggregatename", Str).required(),
            p("ipaddress", Str).required().doc("the address of the filer"),
            p("volumename", Str).required(),
        ])
        .bare(&DELETED_VOLUME),
    later("dissociateLun")
        .doc("Takes a LUN from an iSCSI initiator")
        .roles(Roles::ALL)
        .params(&[p("path", Str).required().doc("the path of the LUN"), p("iqn", Str).required()])
        .bare(&DISSOCIATED_LUN),
    later("listLunsOnFiler")
        .doc("Lists the LUNs of a pool")
        .roles(Roles::ALL)
        .params(&[p("poolname", Str).required()])
        .items("lun", &LUN),
    later("listPools").doc("Lists pools of filer volumes").roles(Roles::ALL).items("pool", &POOL),
    later("listVolumesOnFiler")
        .doc("Lists the volumes of a pool")
        .roles(Roles::ALL)
        .params(&[p("poolname", Str).required()])
        .items("volume", &VOLUME),
    later("modifyPool")
        .doc("Changes how a pool chooses its volumes")
        .roles(Roles::ALL)
        .params(&[
            p("poolname", Str).required(),
            p("algorithm", Str)
                .required()
                .doc("how volumes are chosen: `roundrobin` or `leastfull`"),
        ])
        .bare(&MODIFIED_POOL),
];
