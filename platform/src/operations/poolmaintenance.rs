//! Maintenance of storage pools.

use cloudtally_model::ApiError;

use crate::{
    col,
    compute::vm,
    engine::{Call, Done, ResourceId, World},
    site::{machine, storagepool::STORAGE_POOL, systemvm},
    state::{MachineState, PoolState},
    table::{Command, Kind, ParamType::*, Roles, own, p},
};

pub(crate) static COMMANDS: &[Command] = &[
    own("cancelStorageMaintenance")
        .doc("Puts a storage pool in maintenance back to work and starts what that stopped")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::StoragePool)).required()])
        .job("MAINT.CANCEL.PS")
        .object("storagepool", &STORAGE_POOL)
        .kind(Kind::StoragePool)
        .check(check_cancel)
        .act(cancel_maintenance),
    own("enableStorageMaintenance")
        .doc("Stops the VMs that use a storage pool and takes nothing new on it")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::StoragePool)).required()])
        .job("MAINT.PREPARE.PS")
        .object("storagepool", &STORAGE_POOL)
        .kind(Kind::StoragePool)
        .check(check_enable)
        .act(enable_maintenance),
];

fn check_enable(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let pool = call.tx.resource(call.args.id_required("id"));
    pool.must_be(&[PoolState::Up], "put into maintenance", "id")
}

/// The machines that have a disk on a pool and run, or are on their way somewhere.
fn machines_of(world: &World, pool: ResourceId) -> Vec<ResourceId> {
    let guests = world
        .referring(pool, Kind::Volume, col::POOL_ID)
        .filter_map(|volume| volume.id_of(col::VIRTUAL_MACHINE_ID));
    let system = world.referring(pool, Kind::SystemVm, col::STORAGE_ID).map(|vm| vm.id);
    let mut machines: Vec<ResourceId> = guests.chain(system).collect();
    use MachineState::*;
    let works = [Running, Starting, Migrating, Stopping];
    machines.retain(|id| world.resource(*id).is_any(&works));
    machines.sort_unstable();
    machines.dedup();
    machines
}

/// Takes nothing new, stops what uses it, and then is in maintenance.
fn enable_maintenance(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_enable(call)?;
    let id = call.entity_id();
    call.tx.move_to(id, PoolState::PrepareForMaintenance);
    for machine in machines_of(call.tx, id) {
        // What its user stops already stays stopped.
        let is_wanted = !call.tx.resource(machine).is(MachineState::Stopping);
        machine::halt(call.tx, machine);
        call.tx.edit(machine, |machine| {
            machine.set_ref(col::WAITS_FOR, Some(id).filter(|_| is_wanted));
        });
    }
    call.tx.move_to(id, PoolState::Maintenance);
    Ok(Done::Resource(id))
}

fn check_cancel(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let pool = call.tx.resource(call.args.id_required("id"));
    pool.must_be(
        &[PoolState::PrepareForMaintenance, PoolState::Maintenance],
        "put back to work",
        "id",
    )
}

fn cancel_maintenance(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_cancel(call)?;
    let id = call.entity_id();
    call.tx.move_to(id, PoolState::Up);
    systemvm::start_waiting(call.tx, id);
    vm::start_waiting(call.tx, id);
    Ok(Done::Resource(id))
}
