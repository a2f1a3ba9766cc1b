//! Images and volumes that are downloaded or uploaded elsewhere.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Done, Node, refusal},
    site::imagecopy::{copies, ready_in},
    state::CopyState,
    table::{Object, WireType as W, f, fields::*},
};

/// A link to download an image from: one that may leave and lies there.
pub(crate) fn extract(call: &Call<'_, '_>) -> Result<Done, ApiError> {
    let image = call.entity();
    if !image.flag(col::IS_EXTRACTABLE) && !call.caller.is_root() {
        return Err(image.refused_as(ApiError::permission, "id", "is not extractable"));
    }
    let is_there = match call.args.id("zoneid") {
        Some(zone) => ready_in(call.tx, image.id, zone).is_some(),
        None => copies(call.tx, image.id).any(|copy| copy.is(CopyState::Ready)),
    };
    if !is_there {
        return Err(image.refused("id", "is not ready in the zone"));
    }
    extraction(call, image.int(col::SIZE))
}

/// A link to download an image or a volume from, as extractions answer it.
pub(crate) fn extraction(call: &Call<'_, '_>, size_bytes: i64) -> Result<Done, ApiError> {
    let mode = call.args.text_required("mode");
    let resource = call.entity();
    let upload_to = match (mode, call.args.text("url")) {
        ("HTTP_DOWNLOAD", None) => None,
        ("HTTP_DOWNLOAD", Some(_)) => {
            return Err(refusal::parameter(
                "url",
                "says where `FTP_UPLOAD` uploads to; leave it out with `HTTP_DOWNLOAD`",
            ));
        }
        ("FTP_UPLOAD", Some(url)) if url.starts_with("ftp://") => Some(url.to_owned()),
        ("FTP_UPLOAD", _) => {
            return Err(refusal::parameter(
                "url",
                "must be an ftp URL with `FTP_UPLOAD`: the place to upload to",
            ));
        }
        _ => return Err(call.invalid("mode", mode, "expected `HTTP_DOWNLOAD` or `FTP_UPLOAD`")),
    };
    let zone = call.args.id("zoneid").map(|id| call.tx.resource(id));
    let owner = resource.owner.map(|id| call.tx.resource(id).uuid.to_string());
    let (state, url) = match upload_to {
        None => {
            ("DOWNLOAD_URL_CREATED", format!("http://ssvm.internal/userdata/{}", resource.uuid))
        }
        Some(url) => ("UPLOADED", url),
    };
    let fields = vec![
        ("id", Node::text(resource.uuid.to_string())),
        ("name", Node::text(resource.text(col::NAME))),
        ("extractId", Node::text(resource.uuid.to_string())),
        ("uploadpercentage", Node::Int(i64::from(state == "UPLOADED") * 100)),
        ("status", Node::text(format!("{size_bytes} bytes"))),
        ("accountid", Node::text_if(owner)),
        ("created", Node::Date(call.tx.now)),
        ("state", Node::text(state)),
        ("zoneid", Node::text_if(zone.map(|zone| zone.uuid.to_string()))),
        ("zonename", Node::text_if(zone.map(|zone| zone.text(col::NAME)))),
        ("extractMode", Node::text(mode)),
        ("url", Node::text(url)),
    ];
    let fields = fields.into_iter().filter(|(_, node)| *node != Node::Null).collect();
    Ok(Done::Node(Node::Object(fields)))
}

pub(crate) const EXTRACTION: Object = Object {
    name: "Extract",
    fields: &[
        ID,
        f("name", W::Str),
        f("extractId", W::Str),
        f("uploadpercentage", W::Int),
        f("status", W::Str),
        ACCOUNT_ID,
        f("resultstring", W::Str),
        CREATED,
        f("state", W::Str),
        f("storagetype", W::Str),
        f("storage", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("extractMode", W::Str),
        f("url", W::Str),
    ],
};
