//! Maintenance of hosts, and their removal.

use cloudtally_model::ApiError;

use crate::{
    col,
    compute::vm,
    engine::{Call, Done, Resource, ResourceId, Tx},
    site::{
        capacity,
        host::{HOST, local_pool},
        machine::halt,
        migration::targets,
        resourcestate::{
            DISABLED, ENABLED, IN_ERROR, MAINTENANCE, PREPARING, must_be, set_resource_state,
        },
        systemvm,
    },
    state::MachineState,
    storage::volume,
    table::{Command, Kind, ParamType::*, Roles, own, p},
};

pub(crate) static COMMANDS: &[Command] = &[
    own("cancelHostMaintenance")
        .doc("Puts a host in maintenance back to work")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("MAINT.CANCEL")
        .object("host", &HOST)
        .kind(Kind::Host)
        .check(check_cancel)
        .act(cancel_maintenance),
    own("deleteHost")
        .doc("Removes a host, in maintenance unless forced")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Host)).required(),
            p("forced", Bool).doc("true to remove it with VMs on it; they are started elsewhere"),
            p("forcedestroylocalstorage", Bool)
                .doc("true to destroy VMs that have their disks on it"),
        ])
        .success()
        .kind(Kind::Host)
        .act(remove),
    own("prepareHostForMaintenance")
        .doc("Moves the VMs off a host and takes nothing new on it")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("MAINT.PREPARE")
        .object("host", &HOST)
        .kind(Kind::Host)
        .check(check_prepare)
        .act(prepare_maintenance)
        .on_failure(maintenance_failed),
];

/// The time between two looks at machines on their way.
const PASSING_MS: i64 = 10_000;

fn check_prepare(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    must_be(call, &[ENABLED, DISABLED, IN_ERROR], "it goes there already")
}

/// Takes nothing new, moves the machines away, and then is in maintenance.
fn prepare_maintenance(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.step == 0 {
        must_be(call, &[ENABLED, DISABLED, IN_ERROR], "it goes there already")?;
        set_resource_state(call.tx, id, PREPARING);
    } else {
        must_be(call, &[PREPARING], "its preparation was cancelled")?;
    }
    // What is on its way somewhere gets there first.
    let is_passing = |vm: &Resource| {
        vm.kind == Kind::Vm
            && vm.is_any(&[MachineState::Starting, MachineState::Stopping, MachineState::Migrating])
    };
    if capacity::machines_on(call.tx, id).any(is_passing) {
        return Ok(Done::Wait(PASSING_MS));
    }
    evacuate(call, id)?;
    set_resource_state(call.tx, id, MAINTENANCE);
    Ok(Done::Resource(id))
}

fn maintenance_failed(call: &mut Call<'_, '_>, _: &ApiError) {
    let host = call.entity.and_then(|id| call.tx.get(Kind::Host, id));
    // One that was cancelled meanwhile works again.
    if let Some(id) = host.filter(|host| host.text(col::RESOURCE_STATE) == PREPARING).map(|h| h.id)
    {
        set_resource_state(call.tx, id, IN_ERROR);
    }
}

fn check_cancel(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    must_be(call, &[PREPARING, MAINTENANCE, IN_ERROR], "there is no maintenance to cancel")
}

fn cancel_maintenance(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_cancel(call)?;
    let id = call.entity_id();
    set_resource_state(call.tx, id, ENABLED);
    let zone = call.tx.resource(id).id_of(col::ZONE_ID).expect("hosts are in a zone");
    systemvm::bring_up(call.tx, zone);
    Ok(Done::Resource(id))
}

/// Moves every machine off a host: to another of the cluster that has room, and
/// stops those for which there is none. Guests go by the rules of their own area;
/// what a stop means for the bill hangs on the states of the machine's kind.
pub(crate) fn evacuate(call: &mut Call<'_, '_>, host: ResourceId) -> Result<(), ApiError> {
    vm::evacuate(call, host)?;
    let machines: Vec<ResourceId> =
        capacity::machines_on(call.tx, host).map(|machine| machine.id).collect();
    for machine in machines {
        let target = targets(call.tx, machine).into_iter().find(|t| t.has_room && !t.moves_storage);
        match target {
            Some(target) if call.tx.resource(machine).is(MachineState::Running) => {
                call.tx.edit(machine, |machine| {
                    machine.set_ref(col::HOST_ID, target.host);
                });
            }
            _ => halt(call.tx, machine),
        }
    }
    Ok(())
}

fn remove(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let (host, is_forced) = (call.entity().clone(), call.args.is_true("forced"));
    // 1. Nothing that still works is taken away by accident.
    if !is_forced && host.text(col::RESOURCE_STATE) != MAINTENANCE {
        return Err(host.refused(
            "id",
            "is not in maintenance; call prepareHostForMaintenance first or give `forced=true`",
        ));
    }
    // 2. Volumes on its own disks go with it only if that is said.
    let local = local_pool(call.tx, id).map(|pool| pool.id);
    if let Some(pool) = local
        && let Some(volume) = call.tx.referring(pool, Kind::Volume, col::POOL_ID).next()
        && !call.args.is_true("forcedestroylocalstorage")
    {
        return Err(host.refused_as(ApiError::in_use, "id", format!("has the volume {} on its own disks; give `forcedestroylocalstorage=true` to lose it", volume.text(col::NAME))));
    }
    // 3. Its machines go on elsewhere, but for those whose disks go with it.
    set_resource_state(call.tx, id, MAINTENANCE);
    evacuate(call, id)?;
    for volume in local
        .map(|pool| call.tx.ids_referring(pool, Kind::Volume, col::POOL_ID))
        .into_iter()
        .flatten()
    {
        lose(call.tx, volume);
    }
    call.tx.remove_with_dependants(id);
    Ok(Done::Success)
}

/// A volume whose disks are gone, and with its root volume a machine.
pub(crate) fn lose(tx: &mut Tx<'_>, id: ResourceId) {
    let vm = tx.resource(id).id_of(col::VIRTUAL_MACHINE_ID);
    match vm.filter(|_| tx.resource(id).text(col::TYPE) == "ROOT") {
        Some(vm) => {
            vm::destroy_now(tx, vm);
            vm::expunge(tx, vm);
        }
        None => volume::expunge(tx, id),
    }
}
