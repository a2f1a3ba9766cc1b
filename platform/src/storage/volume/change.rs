//! Changes of volumes: their size, their pool, their place in the image store.

use cloudtally_model::ApiError;

use super::{refuse_size, size_of};
use crate::{
    col,
    engine::{Call, Done, ResourceId, limit, refusal},
    parse::units::gib,
    site::{capacity, placement},
    state::{MachineState, PoolState, VolumeState},
    storage::image,
    table::Limit,
};

pub(super) fn resize(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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

pub(super) fn migrate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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
                "hostid",
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

pub(super) fn extract(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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

pub(super) fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let path = call.args.text_required("path").to_owned();
    call.tx.edit(id, |volume| {
        volume.set_text(col::PATH, &path);
    });
    Ok(Done::Resource(id))
}
