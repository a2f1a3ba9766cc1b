//! Copies of templates and ISOs in zones: what is downloaded, billed and deleted.
//!
//! # Source
//! Guide chapter 3; usage rules 3, types 7 and 8.

use std::collections::BTreeSet;

use cloudtally_model::Millis;

use super::placement;
use crate::{
    col,
    desk::{
        alert, metering,
        simulator::{self, Reply},
    },
    engine::{Column, Resource, ResourceId, Tx, World, limit, table},
    parse::units::gib,
    state::CopyState,
    table::{Kind, KindSpec, Limit, Object, WireType as W, hidden},
};

const COPY: Object = Object { name: "ImageCopy", fields: &[] };

/// Bytes of an image that is downloaded, for nothing is downloaded really.
pub(crate) const DOWNLOADED_BYTES: i64 = 1 << 30;

/// The copy of a template or an ISO in a zone.
pub(crate) static COPY_KIND: KindSpec = KindSpec::new(Kind::ImageCopy, &COPY)
    .hidden(&[
        hidden("image", W::Str),
        hidden("zoneid", W::Id(Kind::Zone)),
        hidden("due", W::Date),
        hidden("begun", W::Bool),
        hidden("since", W::Date),
    ])
    .states(table!(CopyState: Downloading, Ready, Failed; Downloading => Ready, Failed;))
    .on_due(download)
    .metered(metering::IMAGE_COPY);

/// The image and the zone of a copy.
fn parts(world: &World, copy: ResourceId) -> (ResourceId, ResourceId) {
    let copy = world.resource(copy);
    let part =
        |column: Column<ResourceId>| copy.id_of(column).expect("copies have an image and a zone");
    (part(col::IMAGE), part(col::ZONE_ID))
}

/// The copies of an image, the oldest first.
pub(crate) fn copies(world: &World, image: ResourceId) -> impl Iterator<Item = &Resource> {
    world.referring(image, Kind::ImageCopy, col::IMAGE)
}

/// The ready copy of an image in a zone, which virtual machines can be made from.
pub(crate) fn ready_in(world: &World, image: ResourceId, zone: ResourceId) -> Option<&Resource> {
    copies(world, image)
        .find(|copy| copy.id_of(col::ZONE_ID) == Some(zone) && copy.is(CopyState::Ready))
}

/// Downloads what is due: in the first step its zone says how long that takes.
fn download(tx: &mut Tx<'_>, copy: ResourceId) {
    let (_, zone) = parts(tx, copy);
    if tx.resource(copy).flag(col::BEGUN) {
        return finish_download(tx, copy);
    }
    match simulator::agent(tx, Some(zone), "DownloadCommand") {
        Reply { after_ms: 0, failure: None } => finish_download(tx, copy),
        Reply { after_ms, failure: None } => {
            let now = tx.now;
            tx.edit(copy, |copy| {
                copy.set_flag(col::BEGUN, true)
                    .set_time(col::SINCE, now)
                    .set_time(col::DUE, now + Millis(after_ms));
            });
        }
        Reply { failure: Some(_), .. } => {
            tx.edit(copy, |copy| {
                copy.set_time(col::DUE, None);
            });
            tx.move_to(copy, CopyState::Failed);
        }
    }
}

fn finish_download(tx: &mut Tx<'_>, copy: ResourceId) {
    let (image, zone) = parts(tx, copy);
    tx.edit(copy, |copy| {
        copy.set_time(col::DUE, None);
    });
    if tx.resource(image).int_if(col::SIZE).is_none() {
        let is_metal = placement::is_bare_metal(tx.resource(image).text(col::HYPERVISOR));
        let bytes = if is_metal { 0 } else { DOWNLOADED_BYTES };
        tell_if_too_much(tx, image, zone, bytes);
        tx.edit(image, |image| {
            image.set_int(col::SIZE, bytes);
        });
    }
    tx.move_to(copy, CopyState::Ready);
}

/// Tells the administrator of a download that takes its owner over the limit: how big
/// it is shows at its end, when others that were begun with it may have filled the rest.
fn tell_if_too_much(tx: &mut Tx<'_>, image: ResourceId, zone: ResourceId, bytes: i64) {
    let Some(owner) = tx.resource(image).owner else { return };
    let more = gib(bytes);
    if let Err(error) = limit::check(tx, owner, Limit::SecondaryStorage, more) {
        let text = format!(
            "the {} {} is there although {}",
            tx.resource(image).kind.noun(),
            tx.resource(image).text(col::NAME),
            error.text
        );
        let place = alert::Place::of(tx, zone);
        alert::raise(tx, alert::LIMIT, Some(owner), place, &text);
    }
}

/// Puts an image into a zone; it is downloaded when that is due.
pub(crate) fn put_into(tx: &mut Tx<'_>, image: ResourceId, zone: ResourceId) -> ResourceId {
    let (owner, now) = (tx.resource(image).owner, tx.now);
    tx.insert(Kind::ImageCopy, |copy| {
        copy.owner = owner;
        copy.set_ref(col::IMAGE, image).set_ref(col::ZONE_ID, zone).set_time(col::DUE, now);
    })
}

/// Puts an image into a zone as ready: made there, or copied from another.
pub(crate) fn put_ready(tx: &mut Tx<'_>, image: ResourceId, zone: ResourceId) {
    let copy = put_into(tx, image, zone);
    finish_download(tx, copy);
}

/// Puts the built-in templates that a zone lacks into it, ready, for the hypervisors it has.
pub(crate) fn put_built_in(tx: &mut Tx<'_>, zone: ResourceId) {
    let hypervisors: BTreeSet<String> = tx
        .referring(zone, Kind::Cluster, col::ZONE_ID)
        .map(|cluster| cluster.text(col::HYPERVISOR_TYPE).to_owned())
        .collect();
    let lacking: Vec<ResourceId> = tx
        .all(Kind::Template)
        .filter(|image| image.text(col::TEMPLATE_TYPE) == "BUILTIN" && image.flag(col::CROSS_ZONES))
        .filter(|image| hypervisors.contains(image.text(col::HYPERVISOR)))
        .filter(|image| copies(tx, image.id).all(|copy| copy.id_of(col::ZONE_ID) != Some(zone)))
        .map(|image| image.id)
        .collect();
    for image in lacking {
        put_ready(tx, image, zone);
    }
}

/// Takes a copy out of its zone.
pub(crate) fn delete_copy(tx: &mut Tx<'_>, copy: ResourceId) {
    tx.remove(copy);
}
