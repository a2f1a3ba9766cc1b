//! Details: free keys and values on volumes and NICs. Guide 4.1.1.23.

use crate::table::{
    Command, MapForm, Object, ParamType::*, Roles, WireType as W, f, group, later, p,
};

pub(crate) const RESOURCE_DETAIL: Object = Object {
    name: "ResourceDetail",
    fields: &[
        f("resourceid", W::Str),
        f("resourcetype", W::Str),
        f("key", W::Str),
        f("value", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addResourceDetail")
        .doc("Adds keys and values to a volume or a NIC")
        .roles(Roles::ROOT)
        .params(&[
            p("details", Map(MapForm::Fields(&["key", "value"])))
                .required()
                .doc("`details[0].key`, `details[0].value`"),
            p("resourcetype", Str).required().doc("`Volume` or `Nic`"),
            p("resourceid", Str).required(),
        ])
        .job("CREATE_RESOURCE_DETAILS")
        .success(),
    later("listResourceDetails")
        .doc("Lists keys and values of a volume or a NIC")
        .roles(Roles::ROOT)
        .params(&[
            p("resourcetype", Str).doc("`Volume` or `Nic`"),
            p("resourceid", Str),
            p("key", Str).doc("shows only this key"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("volumedetail", &RESOURCE_DETAIL), // `nicdetail` for those of a NIC
    later("removeResourceDetail")
        .doc("Removes a key, or all of them, from a volume or a NIC")
        .roles(Roles::ROOT)
        .params(&[
            p("key", Str).doc("the key; all unless given"),
            p("resourcetype", Str).required().doc("`Volume` or `Nic`"),
            p("resourceid", Str).required(),
        ])
        .job("DELETE_RESOURCE_DETAILS")
        .success(),
];
