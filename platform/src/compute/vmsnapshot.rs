//! VM snapshots: the disks of a VM, with its memory if wanted, at one moment. Guide 4.1.1.2.

use super::vm::VM;
use crate::{
    col,
    table::{
        Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
    },
};

pub(crate) const VM_SNAPSHOT: Object = Object {
    name: "VMSnapshot",
    fields: &[
        ID,
        f("name", W::Str),
        STATE,
        f("description", W::Str),
        f("displayname", W::Str),
        ZONE_ID,
        f("virtualmachineid", W::Id(Kind::Vm)),
        f("parent", W::Id(Kind::VmSnapshot)),
        f("parentName", W::Str).join(col::PARENT, "name"),
        f("current", W::Bool),
        f("type", W::Str),
        CREATED,
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createVMSnapshot")
        .doc("Takes a snapshot of a VM with all its disks")
        .roles(Roles::ALL)
        .params(&[
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("description", Str),
            p("name", Str).doc("the name people see"),
            p("snapshotmemory", Bool).doc("true to keep the memory of a running VM as well"),
        ])
        .create_job("VMSNAPSHOT.CREATE")
        .object("vmsnapshot", &VM_SNAPSHOT),
    later("deleteVMSnapshot")
        .doc("Deletes a VM snapshot")
        .roles(Roles::ALL)
        .params(&[p("vmsnapshotid", Id(Kind::VmSnapshot)).required()])
        .job("VMSNAPSHOT.DELETE")
        .success(),
    later("listVMSnapshot")
        .doc("Lists VM snapshots")
        .roles(Roles::ALL)
        .params(&[
            p("vmsnapshotid", Id(Kind::VmSnapshot)).doc("shows only this one"),
            p("state", Str).doc("`Ready`, `Creating`, `Reverting`, `Expunging` or `Error`"),
            p("virtualmachineid", Id(Kind::Vm)),
            p("name", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("vmSnapshot", &VM_SNAPSHOT),
    later("revertToVMSnapshot")
        .doc("Brings a VM back to a snapshot of it")
        .roles(Roles::ALL)
        .params(&[p("vmsnapshotid", Id(Kind::VmSnapshot)).required()])
        .job("VMSNAPSHOT.REVERTTO")
        .object("virtualmachine", &VM),
];
