//! Image stores: where templates, ISOs and snapshots are kept, and the staging stores before them.
//! Guide 4.1.1.1.

use crate::table::{
    Command, Kind, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later,
    p,
};

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
        f("details", W::Objects("ImageStoreDetail")),
    ],
};

pub(crate) const IMAGE_STORE_DETAIL: Object =
    Object { name: "ImageStoreDetail", fields: &[f("name", W::Str), f("value", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    later("addImageStore")
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
        .object("imagestore", &IMAGE_STORE),
    later("addS3")
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
        .object("secondarystorage", &IMAGE_STORE),
    later("addSecondaryStorage")
        .doc("Adds an NFS share as image store; addImageStore does the same")
        .roles(Roles::ROOT)
        .params(&[
            p("url", Str).required().doc("the share, such as `nfs://10.1.1.1/export/secondary`"),
            p("zoneid", Id(Kind::Zone)).doc("the zone it serves"),
        ])
        .object("secondarystorage", &IMAGE_STORE),
    later("addSwift")
        .doc("Adds a Swift service as image store; addImageStore does the same")
        .roles(Roles::ROOT)
        .params(&[
            p("url", Str).required(),
            p("account", Str).doc("the Swift account"),
            p("username", Str).doc("the Swift user"),
            p("key", Secret).doc("the key of the user"),
        ])
        .object("secondarystorage", &IMAGE_STORE),
    later("createSecondaryStagingStore")
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
        .object("secondarystorage", &IMAGE_STORE),
    later("deleteImageStore")
        .doc("Removes an image store that nothing is kept on")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::ImageStore)).required()])
        .success(),
    later("deleteSecondaryStagingStore")
        .doc("Removes a staging store")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::StagingStore)).required()])
        .success(),
    later("listImageStores")
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
        .items("imagestore", &IMAGE_STORE),
    later("listS3s")
        .doc("Lists image stores of S3; listImageStores does the same")
        .roles(Roles::ROOT)
        .groups(&[group::PAGED])
        .items("imagestore", &IMAGE_STORE),
    later("listSecondaryStagingStores")
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
        .items("imagestore", &IMAGE_STORE),
    later("listSwifts")
        .doc("Lists image stores of Swift; listImageStores does the same")
        .roles(Roles::ROOT)
        .params(&[p("id", Long).doc("the number of the store")])
        .groups(&[group::PAGED])
        .items("imagestore", &IMAGE_STORE),
];
