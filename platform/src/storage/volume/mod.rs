//! Volumes: the disks of VMs; billed from creation to removal, attached or not.

mod attach;
mod change;
mod create;

use cloudtally_model::ApiError;

use crate::{
    col,
    desk::metering,
    engine::{Call, Done, Node, Query, Resource, ResourceId, Tx, World, table},
    parse::units::GIB,
    site::{capacity::is_in_image_store, placement},
    state::{PoolState, VolumeState},
    storage::image::EXTRACTION,
    table::{
        Command, Kind, KindSpec, Limit, Object, OnDelete, ParamType::*, Roles, Turn, WireType as W,
        f, fields::*, group, hidden, list, own, p,
    },
};

pub(crate) use change::move_to;

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
        .act(attach::attach),
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
        .begin(create::begin_create)
        .act(create::finish_create)
        .on_failure(|call, _| create::give_up(call)),
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
        .begin(|call| attach::named_to_detach(call).map(Some))
        .act(attach::detach_named),
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
        .act(change::extract),
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
        .act(change::migrate),
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
        .act(change::resize),
    own("updateVolume")
        .doc("Changes the path of a volume on its storage pool")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Volume)).required(), p("path", Str).required().doc("the path")])
        .job("VOLUME.ATTACH")
        .object("volume", &VOLUME)
        .kind(Kind::Volume)
        .act(change::update),
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
        .begin(create::upload)
        .act(create::finish_upload)
        .on_failure(|call, _| create::give_up(call)),
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
