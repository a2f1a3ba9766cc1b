//! Volumes: the disks of VMs; billed from creation to removal, attached or not.

use cloudtally_model::ApiError;

use super::image::{self, EXTRACTION};
use crate::{
    col,
    desk::{metering, simulator},
    engine::{Call, Done, Node, Query, Resource, ResourceId, Tx, World, limit, refusal, table},
    offering::hypervisor,
    parse::units::{GIB, gib},
    site::{
        capacity::{self, is_in_image_store},
        placement, zone, zonestore,
    },
    state::{MachineState, PoolState, SnapshotState, VolumeState},
    table::{
        Command, Kind, KindSpec, Limit, Object, OnDelete, ParamType::*, Roles, Turn, WireType as W,
        f, fields::*, group, hidden, list, own, p,
    },
};

pub(crate) const VOLUME: Object = Object {
    name: "Volume",
    fields: &[
        ID,
        f("name", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("type", W::Str),
        f("deviceid", W::Long),
        f("virtualmachineid", W::Id(Kind::Vm)),
        f("vmname", W::Str).join(col::VIRTUAL_MACHINE_ID, "name"),
        f("vmdisplayname", W::Str).join(col::VIRTUAL_MACHINE_ID, "displayname"),
        f("vmstate", W::Str).join(col::VIRTUAL_MACHINE_ID, "state"),
        f("size", W::Long),
        f("miniops", W::Long),
        f("maxiops", W::Long),
        CREATED,
        STATE,
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("storagetype", W::Str),
        f("diskBytesReadRate", W::Long).join(col::DISK_OFFERING_ID, "diskBytesReadRate"),
        f("diskBytesWriteRate", W::Long).join(col::DISK_OFFERING_ID, "diskBytesWriteRate"),
        f("diskIopsReadRate", W::Long).join(col::DISK_OFFERING_ID, "diskIopsReadRate"),
        f("diskIopsWriteRate", W::Long).join(col::DISK_OFFERING_ID, "diskIopsWriteRate"),
        f("hypervisor", W::Str),
        f("diskofferingid", W::Id(Kind::DiskOffering)),
        f("diskofferingname", W::Str).join(col::DISK_OFFERING_ID, "name"),
        f("diskofferingdisplaytext", W::Str).join(col::DISK_OFFERING_ID, "displaytext"),
        f("storage", W::Str).for_root(),
        f("snapshotid", W::Id(Kind::Snapshot)),
        f("attached", W::Date),
        f("destroyed", W::Bool),
        f("serviceofferingid", W::Id(Kind::ServiceOffering)),
        f("serviceofferingname", W::Str).join(col::SERVICE_OFFERING_ID, "name"),
        f("serviceofferingdisplaytext", W::Str).join(col::SERVICE_OFFERING_ID, "displaytext"),
        f("isextractable", W::Bool),
        f("status", W::Str).by(|view| match view.resource.state_as() {
            _ if view.resource.text(col::URL).is_empty() => Node::Null,
            Some(VolumeState::Allocated) => Node::text("Uploading"),
            _ => Node::text("Upload Complete"),
        }),
        TAGS,
        f("displayvolume", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("attachVolume")
        .doc("Attaches a data volume to a VM")
        .roles(Roles::ALL)
        .params(&[
            p("deviceid", Long)
                .doc("its place on the VM, from 1, but not 3; the next free one unless given"),
            p("id", Id(Kind::Volume)).required(),
            p("virtualmachineid", Id(Kind::Vm)).required(),
        ])
        .job("VOLUME.ATTACH")
        .object("volume", &VOLUME)
        .kind(Kind::Volume)
        .act(attach),
    own("createVolume")
        .doc("Makes a data volume from a disk offering or a snapshot")
        .roles(Roles::ALL)
        .params(&[
            p("diskofferingid", Id(Kind::DiskOffering))
                .doc("the disk offering; this or `snapshotid`"),
            p("name", Str).required(),
            p("size", Long),
            p("miniops", Long),
            p("maxiops", Long),
            p("snapshotid", Id(Kind::Snapshot))
                .doc("the snapshot to make it from; this or `diskofferingid`"),
            p("zoneid", Id(Kind::Zone)).doc("the zone; needed without `snapshotid`"),
            p("displayvolume", Bool).doc("whether end users see it"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .create_job("VOLUME.CREATE")
        .object("volume", &VOLUME)
        .kind(Kind::Volume)
        .begin(begin_create)
        .act(finish_create)
        .on_failure(|call, _| give_up(call)),
    own("deleteVolume")
        .doc("Deletes a data volume that is not attached")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Volume)).required()])
        .event("VOLUME.DELETE")
        .success()
        .kind(Kind::Volume)
        .act(delete),
    own("detachVolume")
        .doc("Detaches a data volume from its VM")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Volume)).doc("the volume; or give `virtualmachineid` and `deviceid`"),
            p("deviceid", Long).doc("its place on the VM; with `virtualmachineid`"),
            p("virtualmachineid", Id(Kind::Vm)),
        ])
        .job("VOLUME.DETACH")
        .object("volume", &VOLUME)
        .kind(Kind::Volume)
        .begin(|call| named_to_detach(call).map(Some))
        .act(detach_named),
    own("extractVolume")
        .doc("Gives a link to download a volume, or uploads it somewhere")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Volume))
                .required()
                .doc("a volume that is detached or whose VM is stopped"),
            p("url", Str).doc("where to upload it to; only with `FTP_UPLOAD`"),
            p("zoneid", Id(Kind::Zone)).required(),
            p("mode", Str).required(),
        ])
        .job("VOLUME.EXTRACT")
        .object("volume", &EXTRACTION)
        .kind(Kind::Volume)
        .act(extract),
    list("listVolumes", Kind::Volume)
        .doc("Lists volumes")
        .roles(Roles::ALL)
        .params(&[
            p("hostid", Id(Kind::Host)),
            p("id", Id(Kind::Volume)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("type", Str).doc("`ROOT` or `DATADISK`"),
            p("virtualmachineid", Id(Kind::Vm)),
            p("zoneid", Id(Kind::Zone)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("volume", &VOLUME)
        .filter(is_listed, &["hostid", "podid"]),
    own("migrateVolume")
        .doc("Moves a volume to another storage pool")
        .roles(Roles::ALL)
        .params(&[
            p("volumeid", Id(Kind::Volume)).required(),
            p("storageid", Id(Kind::StoragePool)).required().doc("the storage pool to move to"),
            p("livemigrate", Bool).doc("true to move it while its VM runs; false unless given"),
        ])
        .job("VOLUME.MIGRATE")
        .object("volume", &VOLUME)
        .act(migrate),
    own("resizeVolume")
        .doc("Changes the size of a volume, by its size or by another disk offering")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Volume)),
            p("size", Long).doc(
                "the new size in GiB; only with an offering of custom size: with another it is \
                 refused, where CloudStack 4.2 ignores it",
            ),
            p("shrinkok", Bool)
                .doc("true to allow it to become smaller; what does not fit is lost"),
            p("diskofferingid", Id(Kind::DiskOffering)).doc("the new disk offering"),
        ])
        .job("VOLUME.RESIZE")
        .object("volume", &VOLUME)
        .kind(Kind::Volume)
        .act(resize),
    own("updateVolume")
        .doc("Changes the path of a volume on its storage pool")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Volume)).required(), p("path", Str).required().doc("the path")])
        .job("VOLUME.ATTACH")
        .object("volume", &VOLUME)
        .kind(Kind::Volume)
        .act(update),
    own("uploadVolume")
        .doc("Makes a data volume of a file; the system downloads it from its URL")
        .roles(Roles::ALL)
        .params(&[
            p("format", Str).required(),
            p("name", Str).required(),
            p("url", Str).required().doc("where to download it from"),
            p("zoneid", Id(Kind::Zone)).required(),
            p("checksum", Str),
            p("imagestoreuuid", Str),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .job("VOLUME.UPLOAD")
        .object("volume", &VOLUME)
        .kind(Kind::Volume)
        .begin(upload)
        .act(finish_upload)
        .on_failure(|call, _| give_up(call)),
];

/// `poolid` is the pool it lies in; `roottemplate` the image a root volume was made
/// from; `ismetered` says that it is billed.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Volume, &VOLUME)
    .counts(&[
        (Limit::Volume, |_, volume| i64::from(!volume.is(VolumeState::Destroy))),
        // A file that was uploaded is no disk until it is attached.
        (Limit::PrimaryStorage, |_, volume| stored_bytes(volume, false)),
        (Limit::SecondaryStorage, |_, volume| stored_bytes(volume, true)),
    ])
    .goes_with_owner(Turn::Volumes, expunge)
    .newest_first()
    .hidden(&[
        hidden("poolid", W::Id(Kind::StoragePool)),
        hidden("roottemplate", W::Str),
        hidden("path", W::Str),
        hidden("url", W::Str),
        hidden("format", W::Str),
    ])
    .owned()
    .limit(Limit::Volume)
    .states(table!(VolumeState: Allocated, Ready, Destroy, Uploaded, UploadError;
        Allocated => Ready, Uploaded, Destroy;
        Uploaded => Ready, Destroy;
        Ready => Destroy;
        Destroy => Ready, Allocated;
    ))
    .keyword(&[col::NAME])
    .referred(&[
        (Kind::SnapshotPolicy, col::VOLUME_ID.reference(), OnDelete::Remove),
        (Kind::Detail, col::RESOURCE.reference(), OnDelete::Remove),
    ])
    .tagged("Volume")
    .metered(metering::VOLUME)
    .job_instance("Volume");

/// Bytes of a GiB.
/// The size of a new disk of an offering, in bytes: the offering's, or the one
/// asked for where the offering leaves it open.
pub(crate) fn size_of(
    call: &Call<'_, '_>,
    offering: ResourceId,
    size_gib: Option<i64>,
) -> Result<i64, ApiError> {
    let offering = call.tx.resource(offering);
    if !offering.flag(col::IS_CUSTOMIZED) {
        return Ok(offering.int(col::DISK_SIZE).saturating_mul(GIB));
    }
    let (least, most) = (
        call.tx.setting_number("custom.diskoffering.size.min"),
        call.tx.setting_number("custom.diskoffering.size.max"),
    );
    match size_gib {
        Some(size) if (least..=most).contains(&size) => Ok(size.saturating_mul(GIB)),
        Some(size) => {
            Err(call.invalid("size", &size.to_string(), &format!("expected {least} to {most} GiB")))
        }
        None => Err(offering.refused("diskofferingid", "has no size of its own; give `size`")),
    }
}

/// Refuses a size where the offering has one.
pub(crate) fn refuse_size(call: &Call<'_, '_>, offering: ResourceId) -> Result<(), ApiError> {
    let offering = call.tx.resource(offering);
    if offering.flag(col::IS_CUSTOMIZED) || !call.args.has("size") {
        return Ok(());
    }
    Err(offering.refused("diskofferingid", "has a fixed size; leave `size` out"))
}

/// The size of a volume that is there, if it lies in the image store or not, as asked.
fn stored_bytes(volume: &Resource, in_image_store: bool) -> i64 {
    let is_meant = is_in_image_store(volume) == in_image_store;
    if is_meant && !volume.is(VolumeState::Destroy) { volume.int(col::SIZE) } else { 0 }
}

/// Makes the root volume of a machine.
pub(crate) fn insert_root(tx: &mut Tx<'_>, vm: ResourceId, image: ResourceId, size_bytes: i64) {
    let machine = tx.resource(vm).clone();
    let offering = machine.id_of(col::SERVICE_OFFERING_ID);
    let storage_type = storage_type_of(tx, offering);
    let _id = tx.insert(Kind::Volume, |volume| {
        volume.owner = machine.owner;
        volume
            .set_text(col::NAME, &format!("ROOT-{vm}"))
            .set_text(col::TYPE, "ROOT")
            .set_int(col::DEVICE_ID, 0)
            .set_ref(col::SERVICE_OFFERING_ID, offering)
            .set_ref(col::ROOT_TEMPLATE, image);
        fill(volume, &machine, size_bytes, &storage_type);
    });
}

/// Makes the data volume that a machine is deployed with.
pub(crate) fn insert_data(tx: &mut Tx<'_>, vm: ResourceId, offering: ResourceId, size_bytes: i64) {
    let machine = tx.resource(vm).clone();
    let storage_type = storage_type_of(tx, Some(offering));
    let _id = tx.insert(Kind::Volume, |volume| {
        volume.owner = machine.owner;
        volume
            .set_text(col::NAME, &format!("DATA-{vm}"))
            .set_text(col::TYPE, "DATADISK")
            .set_int(col::DEVICE_ID, 1)
            .set_ref(col::DISK_OFFERING_ID, offering);
        fill(volume, &machine, size_bytes, &storage_type);
    });
}

/// `shared` or `local`, as the offering of a volume says.
fn storage_type_of(world: &World, offering: Option<ResourceId>) -> String {
    offering.map_or("shared", |id| world.resource(id).text(col::STORAGE_TYPE)).to_owned()
}

fn fill(volume: &mut Resource, machine: &Resource, size_bytes: i64, storage_type: &str) {
    volume
        .set_ref(col::ZONE_ID, machine.id_of(col::ZONE_ID))
        .set_ref(col::VIRTUAL_MACHINE_ID, machine.id)
        .set_int(col::SIZE, size_bytes)
        .set_time(col::ATTACHED, machine.created)
        .set_text(col::HYPERVISOR, machine.text(col::HYPERVISOR))
        .set_text(col::STORAGE_TYPE, storage_type)
        .set_flag(col::DESTROYED, false)
        .set_flag(col::IS_EXTRACTABLE, true)
        .set_flag(col::DISPLAY_VOLUME, true);
}

/// The root volume of a machine.
pub(crate) fn root_of(world: &World, vm: ResourceId) -> Option<ResourceId> {
    let volumes = world.referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID);
    volumes.filter(|volume| volume.text(col::TYPE) == "ROOT").map(|volume| volume.id).next()
}

/// Gives the volumes of a machine that starts on a host their places.
pub(crate) fn place_all(
    call: &mut Call<'_, '_>,
    vm: ResourceId,
    host: ResourceId,
) -> Result<(), ApiError> {
    for id in call.tx.ids_referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID) {
        place(call, id, Some(host))?;
    }
    Ok(())
}

/// Refuses to start a machine that has a volume in a pool that is not up.
pub(crate) fn refuse_unreachable(call: &Call<'_, '_>, vm: ResourceId) -> Result<(), ApiError> {
    for volume in call.tx.referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID) {
        let pool = volume.id_of(col::POOL_ID).map(|id| call.tx.resource(id));
        if let Some(pool) = pool.filter(|pool| !pool.is(PoolState::Up)) {
            return Err(volume.refused_as(
                ApiError::unavailable,
                "id",
                format!(
                    "lies in the storage pool {}, which is in {}",
                    pool.text(col::NAME),
                    pool.state()
                ),
            ));
        }
    }
    Ok(())
}

/// Gives a volume its place in a pool, unless it has one.
pub(crate) fn place(
    call: &mut Call<'_, '_>,
    id: ResourceId,
    host: Option<ResourceId>,
) -> Result<(), ApiError> {
    let volume = call.tx.resource(id).clone();
    if !volume.is_any(&[VolumeState::Allocated, VolumeState::Uploaded]) {
        return Ok(());
    }
    let pool = placement::pool_for(call, &volume, host)?;
    let name = call.tx.resource(pool).text(col::NAME).to_owned();
    call.tx.move_to(id, VolumeState::Ready);
    call.tx.edit(id, |volume| {
        volume.set_ref(col::POOL_ID, pool).set_text(col::STORAGE, &name);
    });
    Ok(())
}

/// A volume that is not billed any more; its machine can still be recovered.
pub(crate) fn destroy(tx: &mut Tx<'_>, id: ResourceId) {
    tx.move_to(id, VolumeState::Destroy);
    tx.edit(id, |volume| {
        volume.set_flag(col::DESTROYED, true);
    });
}

/// The root volume of a machine that is recovered.
pub(crate) fn restore(tx: &mut Tx<'_>, id: ResourceId) {
    let is_placed = tx.resource(id).id_of(col::POOL_ID).is_some();
    tx.move_to(id, if is_placed { VolumeState::Ready } else { VolumeState::Allocated });
    tx.edit(id, |volume| {
        volume.set_flag(col::DESTROYED, false);
    });
}

/// Takes a volume away for good.
pub(crate) fn expunge(tx: &mut Tx<'_>, id: ResourceId) {
    tx.remove_with_dependants(id);
}

/// Takes a volume off its machine.
pub(crate) fn detach(tx: &mut Tx<'_>, id: ResourceId) {
    tx.edit(id, |volume| {
        volume
            .set_ref(col::VIRTUAL_MACHINE_ID, None)
            .clear(col::DEVICE_ID)
            .set_time(col::ATTACHED, None);
    });
}

fn begin_create(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
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

fn finish_create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    // One made of a snapshot holds its data at once; others get their place when
    // they are first attached.
    if call.entity().id_of(col::SNAPSHOT_ID).is_some() {
        place(call, id, None)?;
    }
    Ok(Done::Resource(id))
}

fn give_up(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::Volume, *id).is_some()) {
        expunge(call.tx, id);
    }
}

fn attach(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. A data volume that is free, a machine of the same owner and zone.
    let (id, vm) = (call.args.id_required("id"), call.args.id_required("virtualmachineid"));
    let (volume, machine) = (call.tx.resource(id).clone(), call.tx.resource(vm).clone());
    if volume.text(col::TYPE) == "ROOT" {
        return Err(volume.refused("id", "is a root volume; only data volumes are attached"));
    }
    if let Some(other) = volume.id_of(col::VIRTUAL_MACHINE_ID) {
        return Err(volume.refused(
            "id",
            format!(
                "is attached to {} already; detach it first",
                call.tx.resource(other).text(col::NAME)
            ),
        ));
    }
    if volume.owner != machine.owner {
        return Err(volume.refused(
            "id",
            format!("and the virtual machine {} have different owners", machine.text(col::NAME)),
        ));
    }
    if volume.id_of(col::ZONE_ID) != machine.id_of(col::ZONE_ID) {
        return Err(volume.refused(
            "id",
            format!("and the virtual machine {} are in different zones", machine.text(col::NAME)),
        ));
    }
    if !machine.is_any(&[MachineState::Running, MachineState::Stopped]) {
        return Err(machine.refused(
            "virtualmachineid",
            format!("is {}; it must be running or stopped", machine.state()),
        ));
    }
    if placement::is_bare_metal(machine.text(col::HYPERVISOR)) {
        return Err(machine.refused("virtualmachineid", "is bare metal, which takes no volumes"));
    }
    let of_volume = volume.text(col::HYPERVISOR);
    // What is uploaded is of no hypervisor before one reads it: the format alone counts.
    let is_readable = is_in_image_store(&volume)
        && volume.text(col::FORMAT) == image::format_of(machine.text(col::HYPERVISOR));
    if !is_readable
        && !of_volume.is_empty()
        && !of_volume.eq_ignore_ascii_case(machine.text(col::HYPERVISOR))
    {
        return Err(volume.refused(
            "id",
            format!("is of {of_volume}, the virtual machine of {}", machine.text(col::HYPERVISOR)),
        ));
    }
    if is_in_image_store(&volume) {
        if !volume.is(VolumeState::Uploaded) {
            return Err(volume.refused("id", "is not uploaded yet"));
        }
        let owner = volume.owner.expect("volumes have an owner");
        limit::check(call.tx, owner, Limit::PrimaryStorage, gib(volume.int(col::SIZE)))?;
    }
    // 2. A place on the machine: 0 is the root disk, 3 the CD drive.
    let taken: Vec<i64> = call
        .tx
        .referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID)
        .map(|v| v.int(col::DEVICE_ID))
        .collect();
    let data = taken.iter().filter(|device| **device != 0).count();
    if let Some(most) = hypervisor::data_volumes_max(call.tx, &machine)
        && i64::try_from(data).is_ok_and(|data| data >= most)
    {
        return Err(machine.refused(
            "virtualmachineid",
            format!(
                "has {data} data volumes, as many as {} can have",
                machine.text(col::HYPERVISOR)
            ),
        ));
    }
    let free = |device: &i64| *device != 0 && *device != 3 && !taken.contains(device);
    let device = match call.args.int("deviceid") {
        Some(device) if (1..=DEVICES_MAX).contains(&device) && free(&device) => device,
        Some(device) => {
            let expected = "expected a free place from 1 to 15 but 3";
            return Err(call.invalid("deviceid", &device.to_string(), expected));
        }
        None => (1..=DEVICES_MAX).find(free).ok_or_else(|| {
            machine.refused("virtualmachineid", "has no place for another volume")
        })?,
    };
    // 3. It lies where the machine reaches it; for one that has never run its host
    //    decides that.
    if let Some(host) = placement::home_of(call.tx, &machine) {
        place(call, id, Some(host))?;
        let pool = call.tx.resource(id).id_of(col::POOL_ID);
        if pool
            .is_some_and(|pool| !placement::reaches(call.tx.resource(host), call.tx.resource(pool)))
        {
            let pool = placement::pool_for(call, call.tx.resource(id), Some(host))?;
            move_to(call, id, pool)?;
        }
    }
    let now = call.tx.now;
    call.tx.edit(id, |volume| {
        volume
            .set_ref(col::VIRTUAL_MACHINE_ID, vm)
            .set_int(col::DEVICE_ID, device)
            .set_time(col::ATTACHED, now)
            .set_text(col::HYPERVISOR, machine.text(col::HYPERVISOR));
    });
    Ok(Done::Resource(id))
}

/// Places for disks on a machine.
const DEVICES_MAX: i64 = 15;

/// Finds the volume that is named by its id, by its place on a machine, or by both if they agree.
fn named_to_detach(call: &mut Call<'_, '_>) -> Result<ResourceId, ApiError> {
    let args = &call.args;
    Ok(match (args.id("id"), args.id("virtualmachineid"), args.int("deviceid")) {
        (Some(id), vm, device) => {
            let volume = call.tx.resource(id);
            let name = volume.text(col::NAME);
            if let Some(vm) = vm.filter(|vm| volume.id_of(col::VIRTUAL_MACHINE_ID) != Some(*vm)) {
                let expected = format!("the volume {name} is not attached to it");
                let vm = call.tx.resource(vm).uuid.to_string();
                return Err(call.invalid("virtualmachineid", &vm, &expected));
            }
            if let Some(device) = device.filter(|at| volume.int_if(col::DEVICE_ID) != Some(*at)) {
                let expected = format!("the volume {name} is not at this place");
                return Err(call.invalid("deviceid", &device.to_string(), &expected));
            }
            id
        }
        (None, Some(vm), Some(device)) => call
            .tx
            .referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID)
            .find(|volume| volume.int_if(col::DEVICE_ID) == Some(device))
            .map(|volume| volume.id)
            .ok_or_else(|| {
                call.invalid("deviceid", &device.to_string(), "no volume is at this place")
            })?,
        _ => {
            return Err(refusal::parameter(
                "id",
                "is needed, or `virtualmachineid` together with `deviceid`",
            ));
        }
    })
}

fn detach_named(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let volume = call.tx.resource(id);
    if volume.text(col::TYPE) == "ROOT" {
        return Err(volume.refused("id", "is a root volume and stays with its virtual machine"));
    }
    let vm = volume
        .id_of(col::VIRTUAL_MACHINE_ID)
        .map(|id| call.tx.resource(id))
        .ok_or_else(|| volume.refused("id", "is not attached"))?;
    if !vm.is_any(&[MachineState::Running, MachineState::Stopped, MachineState::Destroyed]) {
        return Err(vm.refused(
            "virtualmachineid",
            format!("is {}; it must be running or stopped", vm.state()),
        ));
    }
    detach(call.tx, id);
    Ok(Done::Resource(id))
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let volume = call.entity();
    if let Some(vm) = volume.id_of(col::VIRTUAL_MACHINE_ID) {
        return Err(volume.refused(
            "id",
            format!("is attached to {}; detach it first", call.tx.resource(vm).text(col::NAME)),
        ));
    }
    expunge(call.tx, id);
    Ok(Done::Success)
}

fn resize(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. The new offering and size.
    let args = call.args.clone();
    let id = args.id("id").ok_or_else(|| refusal::parameter("id", "is needed"))?;
    let volume = call.tx.resource(id).clone();
    let name = volume.text(col::NAME);
    if volume.text(col::TYPE) == "ROOT" {
        return Err(volume.refused("id", "is a root volume and keeps its size"));
    }
    if !volume.is_any(&[VolumeState::Allocated, VolumeState::Ready]) {
        return Err(volume.refused(
            "id",
            format!("is {} and cannot be resized; it must be Allocated or Ready", volume.state()),
        ));
    }
    let offering = args.id("diskofferingid").or(volume.id_of(col::DISK_OFFERING_ID));
    let offering = offering.ok_or_else(|| {
        refusal::parameter("diskofferingid", "is needed: the volume has no offering of its own")
    })?;
    if args.id("diskofferingid").is_none() && args.int("size").is_none() {
        return Err(refusal::one_of(&["size", "diskofferingid"]));
    }
    let (old, new) = (volume.int(col::SIZE), size_of(call, offering, args.int("size"))?);
    refuse_size(call, offering)?;
    if new < old && !args.is_true("shrinkok") {
        return Err(volume.refused(
            "size",
            "would become smaller, and what does not fit is lost; give `shrinkok=true` to do it",
        ));
    }
    if let Some(old) = volume.id_of(col::DISK_OFFERING_ID).map(|id| call.tx.resource(id)) {
        let new = call.tx.resource(offering);
        if [col::STORAGE_TYPE, col::TAGS]
            .into_iter()
            .any(|column| old.text(column) != new.text(column))
        {
            return Err(new.refused(
                "diskofferingid",
                format!(
                    "is of other storage than {}; the volume {name} would have to move",
                    old.text(col::NAME)
                ),
            ));
        }
    }
    let owner = volume.owner.expect("volumes have an owner");
    limit::check(call.tx, owner, Limit::PrimaryStorage, gib(new) - gib(old))?;
    if let Some(pool) = volume.id_of(col::POOL_ID)
        && capacity::pool_free_bytes(call.tx, pool) < new - old
    {
        return Err(call.tx.resource(pool).refused_as(
            ApiError::storage_capacity,
            "storageid",
            format!("has no room for {} more bytes", new - old),
        ));
    }
    // 2. The bill follows.
    call.tx.edit(id, |volume| {
        volume.set_int(col::SIZE, new).set_ref(col::DISK_OFFERING_ID, offering);
    });
    Ok(Done::Resource(id))
}

fn upload(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
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

fn finish_upload(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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

fn migrate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (id, pool) = (call.args.id_required("volumeid"), call.args.id_required("storageid"));
    let runs = call
        .tx
        .resource(id)
        .id_of(col::VIRTUAL_MACHINE_ID)
        .is_some_and(|vm| call.tx.resource(vm).is(MachineState::Running));
    if runs && !call.args.is_true("livemigrate") {
        return Err(call.tx.resource(id).refused(
            "volumeid",
            "is of a virtual machine that runs; give `livemigrate=true`, or stop it",
        ));
    }
    move_to(call, id, pool)?;
    Ok(Done::Resource(id))
}

/// Moves a volume from the pool it lies in to another of its zone and hypervisor.
pub(crate) fn move_to(
    call: &mut Call<'_, '_>,
    id: ResourceId,
    pool: ResourceId,
) -> Result<(), ApiError> {
    let volume = call.tx.resource(id).clone();
    let to = call.tx.resource(pool).clone();
    if !volume.is(VolumeState::Ready) {
        return Err(
            volume.refused("volumeid", format!("is {} and lies in no pool yet", volume.state()))
        );
    }
    if volume.id_of(col::POOL_ID) == Some(pool) {
        return Err(volume.refused("volumeid", format!("lies in {} already", to.text(col::NAME))));
    }
    if !to.is(PoolState::Up) || to.id_of(col::ZONE_ID) != volume.id_of(col::ZONE_ID) {
        return Err(to.refused("storageid", "is not up, or in another zone"));
    }
    let from = volume.id_of(col::POOL_ID).map(|id| call.tx.resource(id).text(col::HYPERVISOR));
    if from.is_some_and(|from| from != to.text(col::HYPERVISOR)) {
        return Err(to.refused(
            "storageid",
            format!("is for {}, the volume is not", to.text(col::HYPERVISOR)),
        ));
    }
    // What runs goes on reaching it.
    let host = volume
        .id_of(col::VIRTUAL_MACHINE_ID)
        .and_then(|vm| call.tx.resource(vm).id_of(col::HOST_ID));
    if let Some(host) =
        host.map(|id| call.tx.resource(id)).filter(|host| !placement::reaches(host, &to))
    {
        return Err(host
            .refused(
                "storageid",
                format!(
                    "of its virtual machine does not reach the storage pool {}",
                    to.text(col::NAME)
                ),
            )
            .about(to.uuid.to_string(), "storageid"));
    }
    if capacity::pool_free_bytes(call.tx, pool) < volume.int(col::SIZE) {
        return Err(to.refused_as(
            ApiError::storage_capacity,
            "storageid",
            "has no room for the volume",
        ));
    }
    call.tx.edit(id, |volume| {
        volume.set_ref(col::POOL_ID, pool).set_text(col::STORAGE, to.text(col::NAME));
    });
    Ok(())
}

fn extract(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let volume = call.entity();
    let vm = volume.id_of(col::VIRTUAL_MACHINE_ID).map(|id| call.tx.resource(id));
    if let Some(vm) = vm.filter(|vm| !vm.is(MachineState::Stopped)) {
        return Err(
            vm.refused("id", format!("is {}; stop it or detach the volume first", vm.state()))
        );
    }
    if !volume.is_any(&[VolumeState::Ready, VolumeState::Uploaded]) {
        return Err(volume.refused("id", format!("is {} and holds nothing yet", volume.state())));
    }
    let zone = call.args.id_required("zoneid");
    if volume.id_of(col::ZONE_ID) != Some(zone) {
        return Err(volume.refused(
            "id",
            format!("is not in the zone {}", call.tx.resource(zone).text(col::NAME)),
        ));
    }
    let size = volume.int(col::SIZE);
    image::extraction(call, size)
}

fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let path = call.args.text_required("path").to_owned();
    call.tx.edit(id, |volume| {
        volume.set_text(col::PATH, &path);
    });
    Ok(Done::Resource(id))
}

/// `hostid` and `podid` are those of the machine it is attached to. What is not to be
/// displayed only root admins are shown.
fn is_listed(query: &Query<'_>, volume: &Resource) -> bool {
    if !volume.flag(col::DISPLAY_VOLUME) && !query.caller.is_root() {
        return false;
    }
    let host = volume
        .id_of(col::VIRTUAL_MACHINE_ID)
        .and_then(|vm| query.world.resource(vm).id_of(col::HOST_ID));
    let pod = host.and_then(|host| query.world.resource(host).id_of(col::POD_ID));
    query.args.id("hostid").is_none_or(|wanted| host == Some(wanted))
        && query.args.id("podid").is_none_or(|wanted| pod == Some(wanted))
}
