//! Machines that move to another host or pool.

use std::collections::BTreeMap;

use cloudtally_model::ApiError;

use crate::{
    col,
    compute::vm::life,
    desk::simulator,
    engine::{Call, Done, Level, Resource, ResourceId, Uuid, refusal, unknown},
    site::placement::{self, Disks},
    state::MachineState,
    storage::volume,
    table::Kind,
};

/// Moves a running machine to another host, or a stopped one's volumes to another
/// pool.
pub(crate) fn migrate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.args.id_required("virtualmachineid");
    let host = call.args.id("hostid");
    let pool = call.args.id_if_any("storageid");
    match (host, pool) {
        (Some(_), Some(_)) | (None, None) => Err(refusal::one_of(&["hostid", "storageid"])),
        (Some(host), None) => migrate_to(call, vm, host, Disks::Stay),
        (None, Some(pool)) => {
            call.tx.resource(vm).must_be(
                &[MachineState::Stopped],
                "moved to another storage pool",
                "id",
            )?;
            // All of them, so that one host goes on reaching them.
            let lies_there =
                |id: &ResourceId| call.tx.resource(*id).id_of(col::POOL_ID) == Some(pool);
            let mut volumes = call.tx.ids_referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID);
            volumes.retain(|id| !lies_there(id));
            if volumes.is_empty() {
                return Err(call.tx.resource(vm).refused(
                    "virtualmachineid",
                    format!("has no volumes outside of {}", call.tx.resource(pool).text(col::NAME)),
                ));
            }
            for id in volumes {
                volume::move_to(call, id, pool)?;
            }
            Ok(Done::Resource(vm))
        }
    }
}

/// Moves a running machine to another host, of another cluster if need be: volumes
/// that the host does not reach go to the pools named, or to one that it reaches.
pub(crate) fn migrate_with_volumes(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (vm, host) = (call.args.id_required("virtualmachineid"), call.args.id_required("hostid"));
    let volumes = call.tx.ids_referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID);
    // 1. Where each volume that is named is to go.
    let mut wanted: BTreeMap<ResourceId, ResourceId> = BTreeMap::new();
    for entry in call.args.map("migrateto").to_vec() {
        let volume = named(call, entry.get("volume"), Kind::Volume)?;
        let pool = named(call, entry.get("pool"), Kind::StoragePool)?;
        if !volumes.contains(&volume) {
            return Err(call
                .tx
                .resource(volume)
                .refused("migrateto", "is not on this virtual machine"));
        }
        if !placement::reaches(call.tx.resource(host), call.tx.resource(pool)) {
            return Err(call.tx.resource(host).refused(
                "hostid",
                format!(
                    "does not reach the storage pool {}",
                    call.tx.resource(pool).text(col::NAME)
                ),
            ));
        }
        wanted.insert(volume, pool);
    }
    // 2. The machine, then its volumes.
    let done = migrate_to(call, vm, host, Disks::Move)?;
    if done.is_under_way() {
        return Ok(done);
    }
    for id in volumes {
        let volume = call.tx.resource(id).clone();
        let Some(from) = volume.id_of(col::POOL_ID) else { continue };
        let to = match wanted.get(&id) {
            Some(pool) => *pool,
            None if placement::reaches(call.tx.resource(host), call.tx.resource(from)) => from,
            None => placement::pool_for(call, &volume, Some(host))?,
        };
        if to != from {
            volume::move_to(call, id, to)?;
        }
    }
    Ok(done)
}

/// The live resource that an entry of a map names by its id.
pub(super) fn named(
    call: &Call<'_, '_>,
    id: Option<&String>,
    kind: Kind,
) -> Result<ResourceId, ApiError> {
    let id = id.ok_or_else(|| {
        refusal::parameter("migrateto", "has an entry without `volume` or `pool`; each needs both")
    })?;
    let found = Uuid::parse(id).and_then(|uuid| call.tx.by_uuid(uuid));
    let is_it = |resource: &&Resource| resource.kind == kind && resource.removed.is_none();
    found
        .filter(is_it)
        .map(|resource| resource.id)
        .ok_or_else(|| unknown("migrateto", id, kind.noun()))
}

fn migrate_to(
    call: &mut Call<'_, '_>,
    vm: ResourceId,
    host: ResourceId,
    disks: Disks,
) -> Result<Done, ApiError> {
    if call.step == 0 {
        call.tx.resource(vm).must_be(&[MachineState::Running], "migrated", "id")?;
        let from = call.tx.resource(vm).id_of(col::HOST_ID);
        if from == Some(host) {
            return Err(call
                .tx
                .resource(vm)
                .refused("virtualmachineid", "is on this host already"));
        }
        placement::refuse_unfit(call.tx, vm, host, disks)?;
        placement::host_for(call, vm, Some(host), None, disks)?;
        call.tx.move_to(vm, MachineState::Migrating);
        if let Some(later) = simulator::ask(call.tx, Some(host), "MigrateCommand")? {
            return Ok(later);
        }
    }
    call.tx.resource(vm).must_be(&[MachineState::Migrating], "migrated", "id")?;
    if call.step > 0 {
        // The host may be gone meanwhile, or full.
        placement::refuse_unfit(call.tx, vm, host, disks)?;
        placement::host_for(call, vm, Some(host), None, disks)?;
    }
    call.tx.move_to(vm, MachineState::Running);
    call.tx.edit(vm, |vm| {
        vm.set_ref(col::HOST_ID, host);
    });
    Ok(Done::Resource(vm))
}

/// A migration that failed: the machine runs on where it was.
pub(crate) fn migration_failed(call: &mut Call<'_, '_>) {
    let Some(vm) = call.args.id("virtualmachineid") else { return };
    if call.tx.get(Kind::Vm, vm).is_some_and(|vm| vm.is(MachineState::Migrating)) {
        call.tx.move_to(vm, MachineState::Running);
    }
}

/// Moves everything off a host: to others, or stops what has no room elsewhere.
pub(crate) fn evacuate(call: &mut Call<'_, '_>, host: ResourceId) -> Result<(), ApiError> {
    let vms: Vec<ResourceId> = life::on_host(call.tx, host).iter().map(|vm| vm.id).collect();
    for vm in vms {
        match placement::host_for(call, vm, None, Some(host), Disks::Stay) {
            Ok(other) if call.tx.resource(vm).is(MachineState::Running) => {
                call.tx.edit(vm, |vm| {
                    vm.set_ref(col::HOST_ID, other);
                });
            }
            _ => {
                life::stop_now(call.tx, vm);
                let name = call.tx.resource(vm).text(col::NAME).to_owned();
                let text = format!("Virtual machine {name} was stopped: no other host has room");
                call.happened("VM.STOP", Level::Error, Some(vm), text);
            }
        }
    }
    Ok(())
}
