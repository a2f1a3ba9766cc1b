//! Tags: keys and values on a tenant's resources. Guide 4.2.7.2.
//!
//! Kinds that can have tags say so in their rows: see [`KindSpec::tagged`]. A key stands once
//! on a resource. Tags go with their resource, and belong to whom it belongs to.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{
        Arg, Call, Done, Entry, Node, Query, Resource, ResourceId, Tables, Uuid, World, refusal,
        unknown,
    },
    table::{
        Command, Kind, KindSpec, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*,
        group, hidden, list, own, p,
    },
};

/// Owned by whom the tagged resource belongs to.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Tag, &TAG)
    .hidden(&[hidden("resource", W::Str)])
    .owned()
    .keyword(&[col::KEY, col::VALUE]);

pub(crate) const TAG: Object = Object {
    name: "ResourceTag",
    fields: &[
        f("key", W::Str),
        f("value", W::Str),
        f("resourcetype", W::Str),
        f("resourceid", W::Str).by(|view| {
            let resource = view.resource.id_of(col::RESOURCE).and_then(|id| view.world.any(id));
            Node::text_if(resource.map(|resource| resource.uuid.to_string()))
        }),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("customer", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createTags")
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
        .success()
        .check(check_create)
        .act(create),
    own("deleteTags")
        .doc("Removes tags from things of one type")
        .roles(Roles::ALL)
        .params(&[
            p("tags", Map(MapForm::Fields(&["key", "value"])))
                .doc("`tags[0].key`, `.value` only if it must match; all unless given"),
            p("resourcetype", Str).required(),
            p("resourceids", List).required(),
        ])
        .job("DELETE_TAGS")
        .success()
        .check(|call| unwanted(call).map(drop))
        .act(delete),
    list("listTags", Kind::Tag)
        .doc("Lists tags")
        .roles(Roles::ALL)
        .params(&[
            p("resourcetype", Str),
            p("resourceid", Str),
            p("key", Str).doc("shows only tags of this key"),
            p("value", Str).doc("shows only tags of this value"),
            p("customer", Str),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("tag", &TAG)
        .filter(is_listed, &["resourceid"]),
];

/// A tag that is asked for.
struct Wanted {
    key: String,
    value: Option<String>,
}

/// The tags in the parameters.
fn wanted(call: &Call<'_, '_>) -> Result<Vec<Wanted>, ApiError> {
    let read = |entry: &Entry| {
        let value = entry.get("value").filter(|value| !value.is_empty()).cloned();
        let Some(key) = entry.get("key").filter(|key| !key.is_empty()).cloned() else {
            let value = value.unwrap_or_default();
            return Err(call.invalid("tags", &value, "a tag needs a key: `tags[0].key`"));
        };
        for text in [Some(&key), value.as_ref()].into_iter().flatten() {
            if text.chars().count() > 255 {
                return Err(call.invalid("tags", &key, "expected at most 255 characters"));
            }
        }
        Ok(Wanted { key, value })
    };
    call.args.map("tags").iter().map(read).collect()
}

/// The kinds whose tags have this type, and the word as it is written.
fn kinds_of(tables: &'static Tables, resource_type: &str) -> Option<(&'static str, Vec<Kind>)> {
    let of_type = |spec: &&KindSpec| {
        spec.tag_type.is_some_and(|word| word.eq_ignore_ascii_case(resource_type))
    };
    let kinds: Vec<Kind> = tables.kinds().filter(of_type).map(|spec| spec.kind).collect();
    let word = tables.kinds().find(of_type)?.tag_type?;
    Some((word, kinds))
}

/// All types that tags can have, sorted.
fn types(tables: &'static Tables) -> Vec<&'static str> {
    let mut types: Vec<_> = tables.kinds().filter_map(|spec| spec.tag_type).collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// The word of the type, and the resources, that the parameters name.
fn resources(call: &Call<'_, '_>) -> Result<(&'static str, Vec<ResourceId>), ApiError> {
    let given = call.args.text_required("resourcetype");
    let (word, kinds) = kinds_of(call.tx.tables(), given).ok_or_else(|| {
        let expected = format!("expected one of {}", types(call.tx.tables()).join(", "));
        call.invalid("resourcetype", given, &expected)
    })?;
    let find = |uuid: &String| {
        let resource = call.tx.by_id(uuid, &kinds).filter(|resource| {
            kinds.contains(&resource.kind)
                && resource.removed.is_none()
                && call.tx.may_touch(&call.caller, resource)
        });
        resource.map(|resource| resource.id).ok_or_else(|| unknown("resourceids", uuid, word))
    };
    let mut resources: Vec<ResourceId> =
        call.args.list("resourceids").iter().map(find).collect::<Result<_, _>>()?;
    resources.sort_unstable();
    resources.dedup();
    Ok((word, resources))
}

/// Tells whether two keys are the same: their case does not count.
fn is_key(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn tag_of<'w>(world: &'w World, resource: ResourceId, key: &str) -> Option<&'w Resource> {
    world.referring(resource, Kind::Tag, col::RESOURCE).find(|tag| is_key(tag.text(col::KEY), key))
}

/// Refuses keys that are there already, or twice.
fn check_create(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let (_, resources) = resources(call)?;
    let wanted = wanted(call)?;
    for (at, tag) in wanted.iter().enumerate() {
        if tag.value.is_none() {
            return Err(call.invalid("tags", &tag.key, "a tag needs a value: `tags[0].value`"));
        }
        if wanted[..at].iter().any(|earlier| is_key(&earlier.key, &tag.key)) {
            return Err(call.invalid("tags", &tag.key, "the key stands twice"));
        }
        let taken = resources.iter().find(|id| tag_of(call.tx, **id, &tag.key).is_some());
        if let Some(id) = taken {
            let resource = call.tx.resource(*id);
            let why = format!("has a tag {} already; delete that first to change it", tag.key);
            return Err(resource.refused("resourceids", why));
        }
    }
    Ok(())
}

fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // Another job may have been faster.
    check_create(call)?;
    let (word, resources) = resources(call)?;
    let (wanted, customer) = (wanted(call)?, call.args.text("customer").map(str::to_owned));
    for resource in resources {
        let owner = call.tx.resource(resource).owner.unwrap_or(call.caller.account);
        for tag in &wanted {
            call.tx.insert(Kind::Tag, |row| {
                row.owner = Some(owner);
                row.set_ref(col::RESOURCE, resource)
                    .set_text(col::RESOURCE_TYPE, word)
                    .set_text(col::KEY, &tag.key)
                    .set_text(col::VALUE, tag.value.as_deref().unwrap_or_default());
                if let Some(customer) = &customer {
                    row.set_text(col::CUSTOMER, customer);
                }
            });
        }
    }
    Ok(Done::Success)
}

/// The tags to remove; at least one.
fn unwanted(call: &Call<'_, '_>) -> Result<Vec<ResourceId>, ApiError> {
    let (word, resources) = resources(call)?;
    let wanted = wanted(call)?;
    let is_meant = |tag: &Resource| {
        wanted.is_empty()
            || wanted.iter().any(|wanted| {
                is_key(tag.text(col::KEY), &wanted.key)
                    && wanted.value.as_ref().is_none_or(|value| tag.text(col::VALUE) == value)
            })
    };
    let tags: Vec<ResourceId> = resources
        .iter()
        .flat_map(|id| call.tx.referring(*id, Kind::Tag, col::RESOURCE))
        .filter(|tag| is_meant(tag))
        .map(|tag| tag.id)
        .collect();
    if tags.is_empty() {
        let keys: Vec<&str> = wanted.iter().map(|tag| tag.key.as_str()).collect();
        return Err(refusal::parameter(
            "tags",
            format!("has `{}`, which the {word}s named have not; see listTags", keys.join("`, `")),
        ));
    }
    Ok(tags)
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    for tag in unwanted(call)? {
        call.tx.erase(tag);
    }
    Ok(Done::Success)
}

/// `resourceid` is a uuid; tags of what is gone are not shown.
fn is_listed(query: &Query<'_>, tag: &Resource) -> bool {
    let resource = tag.id_of(col::RESOURCE).and_then(|id| query.world.any(id));
    resource.is_some_and(|resource| {
        resource.removed.is_none()
            && match query.args.get("resourceid") {
                Some(Arg::Text(uuid)) => Uuid::parse(uuid) == Some(resource.uuid),
                _ => true,
            }
    })
}
