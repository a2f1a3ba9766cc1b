//! Tags: keys and values on a tenant's things. Guide 4.2.7.2.

use crate::table::{
    Command, Kind, KindSpec, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*,
    group, hidden, later, p,
};

/// Owned by whom the tagged thing belongs to.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Tag, &TAG)
    .hidden(&[hidden("resource", W::Str)])
    .owned()
    .keyword(&["key", "value"]);

pub(crate) const TAG: Object = Object {
    name: "ResourceTag",
    fields: &[
        f("key", W::Str),
        f("value", W::Str),
        f("resourcetype", W::Str),
        f("resourceid", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("customer", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("createTags")
        .doc("Puts tags on things of one type")
        .roles(Roles::ALL)
        .params(&[
            p("tags", Map(MapForm::Fields(&["key", "value"])))
                .required()
                .doc("`tags[0].key`, `tags[0].value`"),
            p("resourcetype", Str).required(),
            p("resourceids", List).required(),
            p("customer", Str),
        ])
        .job("CREATE_TAGS")
        .success(),
    later("deleteTags")
        .doc("Removes tags from things of one type")
        .roles(Roles::ALL)
        .params(&[
            p("tags", Map(MapForm::Fields(&["key", "value"])))
                .doc("`tags[0].key`, `.value` only if it must match; all unless given"),
            p("resourcetype", Str).required(),
            p("resourceids", List).required(),
        ])
        .job("DELETE_TAGS")
        .success(),
    later("listTags")
        .doc("Lists tags")
        .roles(Roles::ALL)
        .params(&[
            p("resourcetype", Str),
            p("resourceid", Str),
            p("key", Str).doc("shows only tags of this key"),
            p("value", Str).doc("shows only tags of this value"),
            p("customer", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("tag", &TAG),
];
