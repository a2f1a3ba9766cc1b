//! Affinity groups: which VMs must not share a host. Guide 4.1.1.30.

use super::vm::VM;
use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const AFFINITY_GROUP: Object = Object {
    name: "AffinityGroup",
    fields: &[
        ID,
        f("name", W::Str),
        f("description", W::Str),
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        f("type", W::Str),
        f("virtualmachineIds", W::List),
    ],
};

pub(crate) const AFFINITY_GROUP_TYPE: Object =
    Object { name: "AffinityGroupType", fields: &[f("type", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    later("createAffinityGroup")
        .doc("Makes an affinity group")
        .roles(Roles::ALL)
        .params(&[
            p("description", Str),
            p("name", Str).required(),
            p("type", Str)
                .required()
                .doc("one of listAffinityGroupTypes, such as `host anti-affinity`"),
        ])
        .groups(&[group::OWNER])
        .create_job("AG.CREATE")
        .object("affinitygroup", &AFFINITY_GROUP),
    later("deleteAffinityGroup")
        .doc("Removes an affinity group; its VMs keep running where they are")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::AffinityGroup)).doc("the group; this or `name`"),
            p("name", Str).doc("the group's name; this or `id`"),
        ])
        .groups(&[group::OWNER])
        .job("AG.DELETE")
        .success(),
    later("listAffinityGroups")
        .doc("Lists affinity groups")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only the groups of this VM"),
            p("id", Id(Kind::AffinityGroup)),
            p("type", Str).doc("shows only groups of this type"),
        ])
        .groups(&[group::PAGED, group::SCOPED])
        .items("affinitygroup", &AFFINITY_GROUP),
    later("listAffinityGroupTypes")
        .doc("Lists the types an affinity group can have")
        .roles(Roles::ALL)
        .groups(&[group::PAGED])
        .items("affinityGroupType", &AFFINITY_GROUP_TYPE),
    later("updateVMAffinityGroup")
        .doc("Puts a stopped VM into these affinity groups instead of its present ones")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Vm)).required().doc("the VM; must be stopped"),
            p("affinitygroupids", IdList(Kind::AffinityGroup)),
            p("affinitygroupnames", List),
        ])
        .job("VM.AG.UPDATE")
        .object("virtualmachine", &VM),
];
