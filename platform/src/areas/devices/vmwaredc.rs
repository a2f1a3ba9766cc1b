//! VMware data centres: what a zone finds in its vCenter.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const VMWARE_DATACENTER: Object = Object {
    name: "VmwareDatacenter",
    fields: &[ID, f("zoneid", W::Long), f("name", W::Str), f("vcenter", W::Str)],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addVmwareDc")
        .doc("Ties a VMware data centre to a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required().doc("the data centre's name in the vCenter"),
            p("vcenter", Str).required().doc("the name or address of the vCenter"),
            p("username", Str),
            p("password", Secret),
            p("zoneid", Id(Kind::Zone)).required(),
        ])
        .object("vmwaredc", &VMWARE_DATACENTER),
    later("listVmwareDcs")
        .doc("Lists the VMware data centre of a zone")
        .roles(Roles::ROOT)
        .params(&[p("zoneid", Id(Kind::Zone)).required()])
        .groups(&[group::PAGED])
        .items("VMwareDC", &VMWARE_DATACENTER),
    later("removeVmwareDc")
        .doc("Unties the VMware data centre from a zone")
        .roles(Roles::ROOT)
        .params(&[p("zoneid", Id(Kind::Zone)).required()])
        .success(),
];
