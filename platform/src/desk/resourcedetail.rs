//! Details: free keys and values on volumes and NICs. Guide 4.1.1.23.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{
        Answer, Args, Call, Done, Node, Query, Resource, Scope, Uuid, View, World, refusal, unknown,
    },
    table::{
        Command, Kind, KindSpec, MapForm, Object, ParamType::*, Roles, WireType as W, f, group,
        hidden, own, p,
    },
};

/// Owned by whom the volume or the NIC belongs to.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Detail, &RESOURCE_DETAIL)
    .hidden(&[hidden("resource", W::Str)])
    .owned()
    .keyword(&[col::KEY, col::VALUE]);

pub(crate) const RESOURCE_DETAIL: Object = Object {
    name: "ResourceDetail",
    fields: &[
        f("resourceid", W::Str).by(|view| {
            Node::text_if(
                resource_of(view.world, view.resource).map(|resource| resource.uuid.to_string()),
            )
        }),
        f("resourcetype", W::Str).by(resource_type),
        f("key", W::Str),
        f("value", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("addResourceDetail")
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
        .success()
        .check(|call| wanted(call).map(drop).and_then(|()| named(call.tx, &call.args).map(drop)))
        .act(add),
    own("listResourceDetails")
        .doc("Lists keys and values of a volume or a NIC")
        .roles(Roles::ROOT)
        .params(&[
            p("resourcetype", Str).doc("`Volume` or `Nic`"),
            p("resourceid", Str),
            p("key", Str).doc("shows only this key"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("volumedetail", &RESOURCE_DETAIL) // `nicdetail` for those of a NIC
        .read(list_details),
    own("removeResourceDetail")
        .doc("Removes a key, or all of them, from a volume or a NIC")
        .roles(Roles::ROOT)
        .params(&[
            p("key", Str).doc("the key; all unless given"),
            p("resourcetype", Str).required().doc("`Volume` or `Nic`"),
            p("resourceid", Str).required(),
        ])
        .job("DELETE_RESOURCE_DETAILS")
        .success()
        .check(|call| named(call.tx, &call.args).map(drop))
        .act(remove),
];

/// The kinds that can have details, and the words for them.
const TYPES: [(&str, Kind, &str); 2] =
    [("Volume", Kind::Volume, "volumedetail"), ("Nic", Kind::Nic, "nicdetail")];

fn resource_of<'w>(world: &'w World, detail: &Resource) -> Option<&'w Resource> {
    detail.id_of(col::RESOURCE).and_then(|id| world.any(id))
}

fn resource_type(view: &View<'_>) -> Node {
    let kind = resource_of(view.world, view.resource).map(|resource| resource.kind);
    Node::text_if(TYPES.iter().find(|row| Some(row.1) == kind).map(|row| row.0))
}

/// The row of a type, by the word a caller gives.
fn row_of(word: &str) -> Result<&'static (&'static str, Kind, &'static str), ApiError> {
    TYPES.iter().find(|row| row.0.eq_ignore_ascii_case(word)).ok_or_else(|| {
        refusal::parameter("resourcetype", format!("is {word}; expected `Volume` or `Nic`"))
    })
}

/// The volume or NIC that the parameters name.
fn named<'w>(world: &'w World, args: &Args) -> Result<&'w Resource, ApiError> {
    let (word, kind, _) = row_of(args.text_required("resourcetype"))?;
    let uuid = args.text_required("resourceid");
    let found = Uuid::parse(uuid).and_then(|uuid| world.by_uuid(uuid));
    found
        .filter(|resource| resource.kind == *kind && resource.removed.is_none())
        .ok_or_else(|| unknown("resourceid", uuid, word))
}

/// The keys and values to add.
fn wanted(call: &Call<'_, '_>) -> Result<Vec<(String, String)>, ApiError> {
    let entries = call.args.map("details").iter();
    let read = |entry: &crate::engine::Entry| match (entry.get("key"), entry.get("value")) {
        (Some(key), Some(value)) if !key.is_empty() => Ok((key.clone(), value.clone())),
        (key, _) => {
            let key = key.map_or("", String::as_str);
            Err(call.invalid("details", key, "a detail needs both its key and its value"))
        }
    };
    entries.map(read).collect()
}

fn add(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (resource, owner) = {
        let resource = named(call.tx, &call.args)?;
        (resource.id, resource.owner)
    };
    for (key, value) in wanted(call)? {
        let old = call.tx.referring(resource, Kind::Detail, col::RESOURCE);
        let old = old.filter(|detail| detail.text(col::KEY) == key).map(|detail| detail.id).next();
        match old {
            Some(detail) => call.tx.edit(detail, |detail| {
                detail.set_text(col::VALUE, &value);
            }),
            None => {
                call.tx.insert(Kind::Detail, |detail| {
                    detail.owner = owner;
                    detail
                        .set_ref(col::RESOURCE, resource)
                        .set_text(col::KEY, &key)
                        .set_text(col::VALUE, &value);
                });
            }
        }
    }
    Ok(Done::Success)
}

fn remove(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let resource = named(call.tx, &call.args)?.id;
    let key = call.args.text("key").map(str::to_owned);
    let details = call.tx.referring(resource, Kind::Detail, col::RESOURCE);
    let details: Vec<_> = details
        .filter(|detail| key.as_ref().is_none_or(|key| detail.text(col::KEY) == key))
        .map(|detail| detail.id)
        .collect();
    // One that is not there is gone, as in CloudStack 4.2.
    for detail in details {
        call.tx.erase(detail);
    }
    Ok(Done::Success)
}

/// The details of one resource wherever it belongs, else those in scope. The items are
/// named by the type, so there must be one.
fn list_details(query: &Query<'_>) -> Result<Answer, ApiError> {
    let uuid = query.args.text("resourceid").map(|text| (text, Uuid::parse(text)));
    let resource = uuid.and_then(|(_, uuid)| query.world.by_uuid(uuid?));
    if let Some((text, _)) = uuid
        && resource.is_none()
    {
        return Err(unknown("resourceid", text, "volume or NIC"));
    }
    let row = match (query.args.text("resourcetype"), resource) {
        (Some(word), _) => row_of(word)?,
        (None, Some(resource)) => {
            TYPES.iter().find(|row| row.1 == resource.kind).ok_or_else(|| {
                query.invalid(
                    "resourceid",
                    &resource.uuid.to_string(),
                    "this is neither a volume nor a NIC",
                )
            })?
        }
        (None, None) => {
            return Err(refusal::parameter(
                "resourcetype",
                "is needed, `Volume` or `Nic`, or else `resourceid`",
            ));
        }
    };
    let details: Vec<&Resource> = match uuid {
        Some(_) => resource
            .into_iter()
            .flat_map(|resource| query.world.referring(resource.id, Kind::Detail, col::RESOURCE))
            .collect(),
        None => {
            let scope = Scope::of(query.world, query.caller, query.args)?;
            scope.resources(query.world, query.caller, Kind::Detail).collect()
        }
    };
    let is_listed = |detail: &&Resource| {
        resource_of(query.world, detail)
            .is_some_and(|resource| resource.kind == row.1 && resource.removed.is_none())
            && query.passes(detail)
    };
    query.page_of(row.2, details.into_iter().filter(is_listed), |query, detail| {
        query.show(detail, &RESOURCE_DETAIL)
    })
}
