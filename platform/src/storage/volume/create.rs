//! New volumes: of an offering, of a snapshot, and uploaded ones.

use cloudtally_model::ApiError;

use crate::{
    col,
    desk::simulator,
    engine::{Call, Done, ResourceId, World, limit, refusal},
    parse::units::gib,
    site::{zone, zonestore},
    state::{SnapshotState, VolumeState},
    storage::image,
    table::{Kind, Limit},
};

use super::{expunge, place, refuse_size, size_of, storage_type_of};

pub(super) fn begin_create(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    // 1. What it is made of: an offering, or a snapshot.
    let args = call.args.clone();
    let owner = call.owner()?;
    let (zone, size_bytes, offering, from) = match (
        args.id("snapshotid"),
        args.id("diskofferingid"),
    ) {
        (Some(snapshot), _) => {
            let snapshot = call.tx.resource(snapshot);
            if !snapshot.is(SnapshotState::BackedUp) {
                return Err(snapshot.refused("snapshotid", "is not backed up yet"));
            }
            let of = snapshot.id_of(col::VOLUME_ID).map(|id| call.tx.resource(id));
            let offering = of.and_then(|volume| volume.id_of(col::DISK_OFFERING_ID));
            let zone = snapshot.id_of(col::ZONE_ID).expect("snapshots are in a zone");
            if args.id("zoneid").is_some_and(|wanted| wanted != zone) {
                return Err(snapshot.refused(
                    "snapshotid",
                    format!(
                        "is in the zone {}; its volumes are made there",
                        call.tx.resource(zone).text(col::NAME)
                    ),
                ));
            }
            let size_bytes = snapshot.int(col::SIZE);
            let is_other_size = args.int("size").is_some_and(|size| size != gib(size_bytes));
            let wanted = args.id("diskofferingid");
            if is_other_size || wanted.is_some() && wanted != offering {
                return Err(snapshot.refused("snapshotid", "gives its volumes their size and offering; leave `size` and `diskofferingid` out"));
            }
            (zone, size_bytes, offering, Some(snapshot.id))
        }
        (None, Some(offering)) => {
            let zone = args
                .id("zoneid")
                .ok_or_else(|| refusal::parameter("zoneid", "is needed with `diskofferingid`"))?;
            refuse_size(call, offering)?;
            (zone, size_of(call, offering, args.int("size"))?, Some(offering), None)
        }
        (None, None) => return Err(refusal::one_of(&["diskofferingid", "snapshotid"])),
    };
    zone::refuse_disabled(call, zone)?;
    zone::refuse_local(call, zone, &[offering])?;
    check_iops(call, offering)?;
    // 2. Limits, then the volume.
    limit::check(call.tx, owner, Limit::Volume, 1)?;
    limit::check(call.tx, owner, Limit::PrimaryStorage, gib(size_bytes))?;
    let storage_type = storage_type_of(call.tx, offering);
    // What is made of a snapshot is of the hypervisor that the snapshot's volume was of.
    let hypervisor = from
        .and_then(|snapshot| call.tx.resource(snapshot).id_of(col::VOLUME_ID))
        .map(|volume| call.tx.resource(volume).text(col::HYPERVISOR).to_owned())
        .filter(|hypervisor| !hypervisor.is_empty());
    let id = call.tx.insert(Kind::Volume, |volume| {
        volume.owner = Some(owner);
        if let Some(hypervisor) = &hypervisor {
            volume.set_text(col::HYPERVISOR, hypervisor);
        }
        volume
            .set_text(col::NAME, args.text_required("name"))
            .set_text(col::TYPE, "DATADISK")
            .set_ref(col::ZONE_ID, zone)
            .set_int(col::SIZE, size_bytes)
            .set_ref(col::DISK_OFFERING_ID, offering)
            .set_ref(col::SNAPSHOT_ID, from)
            .set_text(col::STORAGE_TYPE, &storage_type)
            .set_flag(col::DESTROYED, false)
            .set_flag(col::IS_EXTRACTABLE, true)
            .set_flag(col::DISPLAY_VOLUME, args.flag("displayvolume").unwrap_or(true));
        for column in [col::MIN_IOPS, col::MAX_IOPS] {
            if let Some(number) = args.int(column.name()) {
                volume.set_int(column, number);
            }
        }
    });
    Ok(Some(id))
}

/// Refuses I/O operations where the offering does not leave them open.
fn check_iops(call: &Call<'_, '_>, offering: Option<ResourceId>) -> Result<(), ApiError> {
    let (least, most) = (call.args.int("miniops"), call.args.int("maxiops"));
    if least.is_none() && most.is_none() {
        return Ok(());
    }
    let offering = offering.map(|id| call.tx.resource(id));
    if !offering.is_some_and(|offering| offering.flag(col::IS_CUSTOMIZED_IOPS)) {
        return Err(refusal::parameter(
            "miniops",
            "and `maxiops` go with an offering that has `customizediops=true`; leave them out",
        ));
    }
    match (least, most) {
        (Some(least), Some(most)) if least > most => {
            Err(call.invalid("maxiops", &most.to_string(), "expected `miniops` or more"))
        }
        _ => Ok(()),
    }
}

pub(super) fn finish_create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    // One made of a snapshot holds its data at once; others get their place when
    // they are first attached.
    if call.entity().id_of(col::SNAPSHOT_ID).is_some() {
        place(call, id, None)?;
    }
    Ok(Done::Resource(id))
}

pub(super) fn give_up(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::Volume, *id).is_some()) {
        expunge(call.tx, id);
    }
}

pub(super) fn upload(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let args = call.args.clone();
    let owner = call.owner()?;
    let url = args.text_required("url");
    if !["http://", "https://", "ftp://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(call.invalid("url", url, "expected a link by http, https or ftp"));
    }
    let format = args.text_required("format").to_uppercase();
    let hypervisor = match format.as_str() {
        "VHD" => "XenServer",
        "QCOW2" => "KVM",
        "OVA" => "VMware",
        "RAW" => "Ovm",
        _ => return Err(call.invalid("format", &format, "expected VHD, QCOW2, OVA or RAW")),
    };
    let zone = args.id_required("zoneid");
    let hypervisor = reader_of(call.tx, zone, &format, hypervisor);
    zone::refuse_disabled(call, zone)?;
    zonestore::refuse_without(call.tx, zone)?;
    limit::check(call.tx, owner, Limit::Volume, 1)?;
    limit::check(call.tx, owner, Limit::SecondaryStorage, gib(UPLOADED_BYTES))?;
    let id = call.tx.insert(Kind::Volume, |volume| {
        volume.owner = Some(owner);
        volume
            .set_text(col::NAME, args.text_required("name"))
            .set_text(col::TYPE, "DATADISK")
            .set_ref(col::ZONE_ID, zone)
            .set_int(col::SIZE, UPLOADED_BYTES)
            .set_text(col::STORAGE_TYPE, "shared")
            .set_text(col::HYPERVISOR, &hypervisor)
            .set_text(col::FORMAT, &format)
            .set_text(col::URL, url)
            .set_flag(col::DESTROYED, false)
            .set_flag(col::IS_EXTRACTABLE, true)
            .set_flag(col::DISPLAY_VOLUME, true);
    });
    Ok(Some(id))
}

/// The hypervisor whose disks have a format, `usual` one unless the zone has another alone.
fn reader_of(world: &World, zone: ResourceId, format: &str, usual: &str) -> String {
    let of_zone: Vec<&str> = world
        .referring(zone, Kind::Cluster, col::ZONE_ID)
        .map(|cluster| cluster.text(col::HYPERVISOR_TYPE))
        .filter(|one| image::format_of(one) == format)
        .collect();
    let is_there = of_zone.iter().any(|one| one.eq_ignore_ascii_case(usual));
    let other = of_zone.first().filter(|_| !is_there);
    other.map_or(usual, |other| *other).to_owned()
}

/// Bytes of a file that is uploaded, for nothing is uploaded really.
const UPLOADED_BYTES: i64 = 1 << 30;

pub(super) fn finish_upload(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.step == 0 {
        let zone = call.entity().id_of(col::ZONE_ID);
        if let Some(later) = simulator::ask(call.tx, zone, "DownloadCommand")? {
            return Ok(later);
        }
    }
    call.tx.move_to(id, VolumeState::Uploaded);
    Ok(Done::Resource(id))
}
