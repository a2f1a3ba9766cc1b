//! Instance groups: names under which an account collects VMs.

use crate::{
    col,
    table::{
        Command, Kind, KindSpec, Object, OnDelete, ParamType::*, Roles, Unique, WireType as W,
        Within, create, delete, f, fields::*, group, list, p, update,
    },
};

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::InstanceGroup, &INSTANCE_GROUP)
    .owned()
    .unique(&[Unique { column: col::NAME, within: Within::Account }])
    .keyword(&[col::NAME])
    .referred(&[(Kind::Vm, col::GROUP_ID.reference(), OnDelete::Forget)]);

pub(crate) const INSTANCE_GROUP: Object = Object {
    name: "InstanceGroup",
    fields: &[ID, f("name", W::Str), CREATED, ACCOUNT, PROJECT_ID, PROJECT, DOMAIN_ID, DOMAIN],
};

pub(crate) static COMMANDS: &[Command] = &[
    create("createInstanceGroup", Kind::InstanceGroup)
        .doc("Makes an instance group")
        .roles(Roles::ALL)
        .params(&[p("name", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .object("instancegroup", &INSTANCE_GROUP),
    delete("deleteInstanceGroup", Kind::InstanceGroup)
        .doc("Deletes an instance group; its VMs stay")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)).required()])
        .success(),
    list("listInstanceGroups", Kind::InstanceGroup)
        .doc("Lists instance groups")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)), p("name", Str)])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("instancegroup", &INSTANCE_GROUP),
    update("updateInstanceGroup", Kind::InstanceGroup)
        .doc("Renames an instance group")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::InstanceGroup)).required(), p("name", Str)])
        .object("instancegroup", &INSTANCE_GROUP),
];
