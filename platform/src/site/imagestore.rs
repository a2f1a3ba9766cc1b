//! Image stores: where templates, ISOs and snapshots are kept, and the staging stores before them.
//! Guide 4.1.1.1.
//!
//! An NFS share serves one zone; S3 and Swift serve all of them, each through a
//! staging store. A cloud has image stores of one provider. Keys and passwords are
//! looked at and not kept: nothing is fetched from a simulated store.

use cloudtally_model::{ApiError, Text};

use super::{
    storagepool::{IMAGE, STAGING},
    systemvm,
};
use crate::{
    col,
    engine::{
        Answer, Call, Done, Entry, Fields, Node, Query, Resource, ResourceId, View, refusal, verbs,
    },
    parse::given::{self, Url},
    table::{
        Command, Kind, KindSpec, MapForm, Object, ParamType::*, Roles, WireType as W, delete, f,
        fields::*, group, hidden, own, p,
    },
};

const NFS: &str = "NFS";
const S3: &str = "S3";
const SWIFT: &str = "Swift";
/// Details that are never kept.
const SECRETS: [&str; 4] = ["accesskey", "secretkey", "key", "password"];

const HIDDEN: &[crate::table::Hidden] = &[hidden("settings", W::Map)];

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::ImageStore, &IMAGE_STORE)
    .infrastructure()
    .hidden(HIDDEN)
    .keyword(&[col::NAME, col::PROVIDER_NAME]);
pub(crate) static STAGING_KIND: KindSpec = KindSpec::new(Kind::StagingStore, &IMAGE_STORE)
    .infrastructure()
    .hidden(HIDDEN)
    .keyword(&[col::NAME, col::PROVIDER_NAME]);

pub(crate) const IMAGE_STORE: Object = Object {
    name: "ImageStore",
    fields: &[
        ID,
        ZONE_ID,
        ZONE_NAME,
        f("name", W::Str),
        f("url", W::Str),
        f("protocol", W::Str),
        f("providername", W::Str),
        f("scope", W::Str),
        f("details", W::Objects("ImageStoreDetail")).by(details),
    ],
};

pub(crate) const IMAGE_STORE_DETAIL: Object =
    Object { name: "ImageStoreDetail", fields: &[f("name", W::Str), f("value", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    own("addImageStore")
        .doc("Adds an image store")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str),
            p("url", Str).doc("the URL of the share; only for `NFS`"),
            p("zoneid", Id(Kind::Zone)).doc("the zone it serves; only for `NFS`"),
            p("provider", Str).required().doc("`NFS`, `S3` or `Swift`"),
            p("details", Map(MapForm::Fields(&["key", "value"])))
                .doc("what the provider needs: `details[0].key`, `.value`"),
        ])
        .object("imagestore", &IMAGE_STORE)
        .act(add),
    own("addS3")
        .doc("Adds an S3 bucket as image store; addImageStore does the same")
        .roles(Roles::ROOT)
        .params(&[
            p("accesskey", Str).required().doc("the access key"),
            p("secretkey", Secret).required().doc("the secret key"),
            p("endpoint", Str).doc("the host of the service; Amazon's unless given"),
            p("bucket", Str).required().doc("the bucket"),
            p("usehttps", Bool).doc("false for plain HTTP; true unless given"),
            p("connectiontimeout", Int).doc("milliseconds to wait for a connection"),
            p("maxerrorretry", Int).doc("how often to try again after an error"),
            p("sockettimeout", Int).doc("milliseconds to wait for data"),
        ])
        .object("secondarystorage", &IMAGE_STORE)
        .act(add_s3),
    own("addSecondaryStorage")
        .doc("Adds an NFS share as image store; addImageStore does the same")
        .roles(Roles::ROOT)
        .params(&[
            p("url", Str).required().doc("the share, such as `nfs://10.1.1.1/export/secondary`"),
            p("zoneid", Id(Kind::Zone)).doc("the zone it serves"),
        ])
        .object("secondarystorage", &IMAGE_STORE)
        .act(add_nfs),
    own("addSwift")
        .doc("Adds a Swift service as image store; addImageStore does the same")
        .roles(Roles::ROOT)
        .params(&[
            p("url", Str).required(),
            p("account", Str).doc("the Swift account"),
            p("username", Str).doc("the Swift user"),
            p("key", Secret).doc("the key of the user"),
        ])
        .object("secondarystorage", &IMAGE_STORE)
        .act(add_swift),
    own("createSecondaryStagingStore")
        .doc("Adds the NFS share through which a zone reads a region-wide image store")
        .roles(Roles::ROOT)
        .params(&[
            p("url", Str).required().doc("the share, such as `nfs://10.1.1.1/export/staging`"),
            p("zoneid", Id(Kind::Zone)),
            p("details", Map(MapForm::Fields(&["key", "value"])))
                .doc("what the provider needs: `details[0].key`, `.value`"),
            p("scope", Str).doc("`ZONE`; others are not supported"),
            p("provider", Str),
        ])
        .object("secondarystorage", &IMAGE_STORE)
        .act(add_staging),
    own("deleteImageStore")
        .doc("Removes an image store that nothing is kept on")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::ImageStore)).required()])
        .success()
        .kind(Kind::ImageStore)
        .act(remove),
    delete("deleteSecondaryStagingStore", Kind::StagingStore)
        .doc("Removes a staging store")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::StagingStore)).required()])
        .success(),
    own("listImageStores")
        .doc("Lists image stores")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str),
            p("protocol", Str).doc("shows only those of this protocol, such as `nfs` or `s3`"),
            p("provider", Str),
            p("zoneid", Id(Kind::Zone)),
            p("id", Id(Kind::ImageStore)),
        ])
        .groups(&[group::PAGED])
        .items("imagestore", &IMAGE_STORE)
        .read(list_stores),
    own("listS3s")
        .doc("Lists image stores of S3; listImageStores does the same")
        .roles(Roles::ROOT)
        .groups(&[group::PAGED])
        .items("imagestore", &IMAGE_STORE)
        .read(list_s3s),
    own("listSecondaryStagingStores")
        .doc("Lists staging stores")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str),
            p("protocol", Str).doc("shows only those of this protocol, such as `nfs`"),
            p("provider", Str),
            p("zoneid", Id(Kind::Zone)),
            p("id", Id(Kind::StagingStore)),
        ])
        .groups(&[group::PAGED])
        .items("imagestore", &IMAGE_STORE)
        .read(list_staging),
    own("listSwifts")
        .doc("Lists image stores of Swift; listImageStores does the same")
        .roles(Roles::ROOT)
        .params(&[p("id", Long).doc("the number of the store")])
        .groups(&[group::PAGED])
        .items("imagestore", &IMAGE_STORE)
        .read(list_swifts),
];

fn details(view: &View<'_>) -> Node {
    let show = |(name, value): &(Text, Text)| {
        let fields: Fields = vec![("name", Node::text(name)), ("value", Node::text(value))];
        Node::Object(fields)
    };
    match view.resource.map(col::SETTINGS) {
        [] => Node::Null,
        pairs => Node::List(pairs.iter().map(show).collect()),
    }
}

/// A store that is about to be added.
struct New {
    kind: Kind,
    provider: &'static str,
    name: Option<String>,
    url: Option<Url>,
    shown_url: String,
    zone: Option<ResourceId>,
    details: Entry,
}

/// The details that a map parameter gives by `key` and `value`.
fn details_given(call: &Call<'_, '_>) -> Entry {
    let pairs = call.args.map("details").iter();
    pairs.filter_map(|pair| Some((pair.get("key")?.clone(), pair.get("value")?.clone()))).collect()
}

fn add(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let provider = given::word(call, "provider", &IMAGE)?.unwrap_or(NFS);
    let details = details_given(call);
    let name = call.args.text("name").map(str::to_owned);
    match provider {
        NFS => {
            let zone = call.args.id("zoneid").ok_or_else(|| {
                refusal::parameter("zoneid", "is needed: the zone that an NFS image store serves")
            })?;
            insert_nfs(call, Kind::ImageStore, name, Some(zone), details)
        }
        S3 => insert_s3(call, name, details),
        _ => insert_swift(call, name, details),
    }
}

fn add_nfs(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let zone = call.args.id("zoneid");
    insert_nfs(call, Kind::ImageStore, None, zone, Entry::new())
}

fn add_s3(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let mut details = Entry::new();
    for name in ["accesskey", "secretkey", "endpoint", "bucket"] {
        details.extend(call.args.text(name).map(|value| (name.to_owned(), value.to_owned())));
    }
    for name in ["connectiontimeout", "maxerrorretry", "sockettimeout"] {
        if let Some(number) = call.args.int(name) {
            if number < 0 {
                return Err(call.invalid(name, &number.to_string(), "expected a number from 0"));
            }
            details.insert(name.to_owned(), number.to_string());
        }
    }
    let is_https = call.args.flag("usehttps").unwrap_or(true);
    details.insert("usehttps".to_owned(), is_https.to_string());
    insert_s3(call, None, details)
}

fn add_swift(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let mut details = Entry::new();
    for name in ["account", "username", "key"] {
        details.extend(call.args.text(name).map(|value| (name.to_owned(), value.to_owned())));
    }
    insert_swift(call, None, details)
}

fn add_staging(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    given::word(call, "provider", &STAGING)?;
    given::word(call, "scope", &["ZONE"])?;
    let zone = call.args.id("zoneid").ok_or_else(|| {
        refusal::parameter("zoneid", "is needed: the zone that the staging store serves")
    })?;
    let details = details_given(call);
    insert_nfs(call, Kind::StagingStore, None, Some(zone), details)
}

fn insert_nfs(
    call: &mut Call<'_, '_>,
    kind: Kind,
    name: Option<String>,
    zone: Option<ResourceId>,
    details: Entry,
) -> Result<Done, ApiError> {
    let url = given::url(call, "url", &["nfs", "cifs"])?;
    let shown_url = call.args.text("url").unwrap_or_default().to_owned();
    if url.host.is_empty() || url.path.len() < 2 {
        let expected = "expected a share such as `nfs://10.1.1.1/export/secondary`";
        return Err(call.invalid("url", &shown_url, expected));
    }
    insert(call, New { kind, provider: NFS, name, url: Some(url), shown_url, zone, details })
}

fn insert_s3(
    call: &mut Call<'_, '_>,
    name: Option<String>,
    details: Entry,
) -> Result<Done, ApiError> {
    for needed in ["accesskey", "secretkey", "bucket"] {
        must_have(&details, needed)?;
    }
    let host = details.get("endpoint").map_or("s3.amazonaws.com", String::as_str);
    let scheme =
        if details.get("usehttps").is_some_and(|v| v == "false") { "http" } else { "https" };
    let shown_url = format!("{scheme}://{host}/{}", details["bucket"]);
    let kind = Kind::ImageStore;
    insert(call, New { kind, provider: S3, name, url: None, shown_url, zone: None, details })
}

fn insert_swift(
    call: &mut Call<'_, '_>,
    name: Option<String>,
    details: Entry,
) -> Result<Done, ApiError> {
    for needed in ["account", "username", "key"] {
        must_have(&details, needed)?;
    }
    let url = given::url(call, "url", &["http", "https"])?;
    let shown_url = call.args.text("url").unwrap_or_default().to_owned();
    let kind = Kind::ImageStore;
    insert(
        call,
        New { kind, provider: SWIFT, name, url: Some(url), shown_url, zone: None, details },
    )
}

fn must_have(details: &Entry, name: &str) -> Result<(), ApiError> {
    match details.get(name) {
        Some(value) if !value.is_empty() => Ok(()),
        _ => {
            Err(refusal::parameter("details", format!("has no `{name}`, which the provider needs")))
        }
    }
}

fn insert(call: &mut Call<'_, '_>, new: New) -> Result<Done, ApiError> {
    // 1. One provider for all, and no store twice.
    let others: Vec<&Resource> = call.tx.all(new.kind).collect();
    if let Some(other) = others.iter().find(|other| other.text(col::PROVIDER_NAME) != new.provider)
    {
        return Err(other.refused(
            "id",
            format!(
                "is of {}; a cloud has image stores of one provider",
                other.text(col::PROVIDER_NAME)
            ),
        ));
    }
    let same_url = |other: &&&Resource| other.text(col::URL).eq_ignore_ascii_case(&new.shown_url);
    let same_name = |other: &&&Resource| {
        new.name.as_ref().is_some_and(|name| other.text(col::NAME).eq_ignore_ascii_case(name))
    };
    if let Some(other) = others.iter().find(|o| same_url(o) || same_name(o)) {
        return Err(other.refused(
            "id",
            format!("is at {} already; choose another `name` and `url`", other.text(col::URL)),
        ));
    }
    // 2. The store.
    let kept = new.details.into_iter().filter(|(name, _)| !SECRETS.contains(&name.as_str()));
    let settings: Vec<(Text, Text)> =
        kept.map(|(name, value)| (name.into(), value.into())).collect();
    let protocol = match new.provider {
        S3 => "s3".to_owned(),
        SWIFT => "swift".to_owned(),
        _ => new.url.map(|url| url.scheme).unwrap_or_default(),
    };
    let id = call.tx.insert(new.kind, |store| {
        let name = new.name.unwrap_or_else(|| new.shown_url.clone());
        store
            .set_text(col::NAME, &name)
            .set_text(col::URL, &new.shown_url)
            .set_text(col::PROTOCOL, &protocol)
            .set_text(col::PROVIDER_NAME, new.provider)
            .set_text(col::SCOPE, if new.zone.is_some() { "ZONE" } else { "REGION" })
            .set_ref(col::ZONE_ID, new.zone);
        store.set_map(col::SETTINGS, (!settings.is_empty()).then_some(settings));
    });
    call.entity = Some(id);
    // 3. Zones may have waited for it.
    let zones: Vec<ResourceId> = call.tx.all(Kind::Zone).map(|zone| zone.id).collect();
    for zone in zones.into_iter().filter(|zone| new.zone.is_none_or(|of| of == *zone)) {
        systemvm::bring_up(call.tx, zone);
    }
    Ok(Done::Resource(id))
}

/// The last store of a zone stays as long as images lie in the zone.
fn remove(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (id, zone) = (call.entity_id(), call.entity().id_of(col::ZONE_ID));
    let serves = |of: Option<ResourceId>, to: ResourceId| of.is_none_or(|of| of == to);
    let is_last = |to: ResourceId| {
        let mut others = call.tx.all(Kind::ImageStore).filter(|store| store.id != id);
        !others.any(|other| serves(other.id_of(col::ZONE_ID), to))
    };
    let held: Vec<(ResourceId, &Resource)> = call
        .tx
        .all(Kind::ImageCopy)
        .filter(|copy| copy.id_of(col::ZONE_ID).is_some_and(|of| serves(zone, of) && is_last(of)))
        .filter_map(|copy| Some((copy.id, call.tx.resource(copy.id_of(col::IMAGE)?))))
        .collect();
    // What the cloud has brought there goes, and comes back with the next store.
    let is_built_in = |image: &Resource| image.text(col::TEMPLATE_TYPE) == "BUILTIN";
    let kept = held.iter().find(|(_, image)| !is_built_in(image)).map(|(_, image)| image);
    if let Some(image) = kept {
        return Err(call.entity().refused_as(
            ApiError::in_use,
            "id",
            format!(
                "keeps the {} {}; delete that or add another store first",
                image.kind.noun(),
                image.text(col::NAME)
            ),
        ));
    }
    let built_in: Vec<ResourceId> = held.into_iter().map(|(copy, _)| copy).collect();
    verbs::delete(call, id)?;
    for copy in built_in {
        call.tx.remove(copy);
    }
    Ok(Done::Success)
}

fn stores(query: &Query<'_>, kind: Kind, provider: Option<&str>) -> Result<Answer, ApiError> {
    let mut stores = query.resources(kind)?;
    stores.retain(|store| {
        provider
            .is_none_or(|provider| store.text(col::PROVIDER_NAME).eq_ignore_ascii_case(provider))
    });
    query.page(stores.into_iter())
}

fn list_stores(query: &Query<'_>) -> Result<Answer, ApiError> {
    stores(query, Kind::ImageStore, query.args.text("provider"))
}

fn list_staging(query: &Query<'_>) -> Result<Answer, ApiError> {
    stores(query, Kind::StagingStore, query.args.text("provider"))
}

fn list_s3s(query: &Query<'_>) -> Result<Answer, ApiError> {
    stores(query, Kind::ImageStore, Some(S3))
}

/// `id` is the number that the 4.2.1 server has: our own number of the store.
fn list_swifts(query: &Query<'_>) -> Result<Answer, ApiError> {
    let number = query.args.int("id");
    let mut stores = query.resources(Kind::ImageStore)?;
    stores.retain(|store| {
        store.text(col::PROVIDER_NAME) == SWIFT
            && number.is_none_or(|number| i64::try_from(store.id.0) == Ok(number))
    });
    query.page(stores.into_iter())
}
