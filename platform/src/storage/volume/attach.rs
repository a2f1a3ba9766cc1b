//! Disks that are attached to machines and detached from them.

use cloudtally_model::ApiError;

use super::{change::move_to, detach, place};
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, limit, refusal},
    offering::hypervisor,
    parse::units::gib,
    site::{capacity::is_in_image_store, placement},
    state::{MachineState, VolumeState},
    storage::image,
    table::{Kind, Limit},
};

pub(super) fn attach(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. A data volume that is free, a machine of the same owner and zone.
    let (id, vm) = (call.args.id_required("id"), call.args.id_required("virtualmachineid"));
    let (volume, machine) = (call.tx.resource(id).clone(), call.tx.resource(vm).clone());
    check_pair(call, &volume, &machine)?;
    // 2. A place on the machine.
    let device = free_device(call, &machine)?;
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

/// Refuses a volume that is not free, a machine of another owner or zone, and one that
/// cannot read the volume.
fn check_pair(call: &Call<'_, '_>, volume: &Resource, machine: &Resource) -> Result<(), ApiError> {
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
    let is_readable = is_in_image_store(volume)
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
    if is_in_image_store(volume) {
        if !volume.is(VolumeState::Uploaded) {
            return Err(volume.refused("id", "is not uploaded yet"));
        }
        let owner = volume.owner.expect("volumes have an owner");
        limit::check(call.tx, owner, Limit::PrimaryStorage, gib(volume.int(col::SIZE)))?;
    }
    Ok(())
}

/// The place on a machine that a volume is given: 0 is the root disk, 3 the CD drive.
fn free_device(call: &Call<'_, '_>, machine: &Resource) -> Result<i64, ApiError> {
    let taken: Vec<i64> = call
        .tx
        .referring(machine.id, Kind::Volume, col::VIRTUAL_MACHINE_ID)
        .map(|v| v.int(col::DEVICE_ID))
        .collect();
    let data = taken.iter().filter(|device| **device != 0).count();
    if let Some(most) = hypervisor::data_volumes_max(call.tx, machine)
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
    match call.args.int("deviceid") {
        Some(device) if (1..=DEVICES_MAX).contains(&device) && free(&device) => Ok(device),
        Some(device) => {
            let expected = "expected a free place from 1 to 15 but 3";
            Err(call.invalid("deviceid", &device.to_string(), expected))
        }
        None => (1..=DEVICES_MAX)
            .find(free)
            .ok_or_else(|| machine.refused("virtualmachineid", "has no place for another volume")),
    }
}

/// Places for disks on a machine.
const DEVICES_MAX: i64 = 15;

/// Finds the volume that is named by its id, by its place on a machine, or by both if they agree.
pub(super) fn named_to_detach(call: &mut Call<'_, '_>) -> Result<ResourceId, ApiError> {
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

pub(super) fn detach_named(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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
