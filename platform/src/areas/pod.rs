//! Pods: racks of a zone, with addresses for system VMs.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

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
        f("capacity", W::Objects("Capacity")),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createPod")
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
        .object("pod", &POD),
    later("deletePod")
        .doc("Removes a pod without clusters")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Pod)).required()])
        .success(),
    later("listPods")
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
        .items("pod", &POD),
    later("updatePod")
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
        .object("pod", &POD),
];
