//! Instance groups: names under which an account collects VMs.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const INSTANCE_GROUP: Object = Object {
    name: "InstanceGroup",
    fields: &[ID, f("name", W::Str), CREATED, ACCOUNT, PROJECT_ID, PROJECT, DOMAIN_ID, DOMAIN],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createInstanceGroup")
        .doc("Makes an instance group")
        .roles(Roles::ALL)
        .params(&[p("name", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .object("instancegroup", &INSTANCE_GROUP),
    later("deleteInstanceGroup")
        .doc("Deletes an instance group; its VMs stay")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)).required()])
        .success(),
    later("listInstanceGroups")
        .doc("Lists instance groups")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)), p("name", Str)])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("instancegroup", &INSTANCE_GROUP),
    later("updateInstanceGroup")
        .doc("Renames an instance group")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)).required(), p("name", Str)])
        .object("instancegroup", &INSTANCE_GROUP),
];
