//! Commands on system VMs: started, stopped, migrated, made larger.

use cloudtally_model::ApiError;

use crate::{
    col,
    desk::simulator,
    engine::{Call, Done},
    site::{capacity, machine, migration},
    state::MachineState,
};

use super::{bring_up, restart, start};

pub(super) fn start_again(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.step == 0 {
        if call.entity().is(MachineState::Running) {
            return Ok(Done::Resource(id));
        }
        call.tx.resource(id).must_be(&[MachineState::Stopped], "started", "id")?;
        let host = start(call.tx, id)?;
        if let Some(later) = simulator::ask(call.tx, Some(host), "StartCommand")? {
            return Ok(later);
        }
    }
    call.tx.resource(id).must_be(&[MachineState::Starting], "started", "id")?;
    call.tx.move_to(id, MachineState::Running);
    Ok(Done::Resource(id))
}

/// A start that failed after a while: it stands as before.
pub(super) fn start_failed(call: &mut Call<'_, '_>, _: &ApiError) {
    let id = call.entity_id();
    if call.entity().is(MachineState::Starting) {
        machine::halt(call.tx, id);
    }
}

pub(super) fn stop(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.step == 0 {
        if call.entity().is(MachineState::Stopped) {
            return Ok(Done::Resource(id));
        }
        call.tx.resource(id).must_be(&[MachineState::Running], "stopped", "id")?;
        let host = call.entity().id_of(col::HOST_ID);
        call.tx.move_to(id, MachineState::Stopping);
        if let Some(later) = simulator::ask_to_stop(call, host)? {
            return Ok(later);
        }
    }
    machine::halt(call.tx, id);
    Ok(Done::Resource(id))
}

/// A stop or a move that failed: it runs on where it was.
pub(super) fn runs_on(call: &mut Call<'_, '_>, _: &ApiError) {
    let id = call.entity_id();
    if call.entity().is_any(&[MachineState::Stopping, MachineState::Migrating]) {
        call.tx.move_to(id, MachineState::Running);
    }
}

pub(super) fn reboot(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.resource(id).must_be(&[MachineState::Running], "rebooted", "id")?;
    if call.step == 0 {
        let host = call.entity().id_of(col::HOST_ID);
        if let Some(later) = simulator::ask(call.tx, host, "RebootCommand")? {
            return Ok(later);
        }
    }
    restart(call.tx, id);
    Ok(Done::Resource(id))
}

/// Takes it away; another comes up in its place if the zone can.
pub(super) fn destroy(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let zone = call.entity().id_of(col::ZONE_ID).expect("system VMs are in a zone");
    machine::halt(call.tx, id);
    call.tx.remove_with_dependants(id);
    bring_up(call.tx, zone);
    Ok(Done::Resource(id))
}

pub(super) fn check_migrate(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let (id, to) = (call.args.id_required("virtualmachineid"), call.args.id_required("hostid"));
    call.tx.resource(id).must_be(&[MachineState::Running], "migrated", "virtualmachineid")?;
    let (vm, target) = (call.tx.resource(id), call.tx.resource(to));
    if vm.id_of(col::HOST_ID) == Some(to) {
        let why = format!("is on the host {} already", target.text(col::NAME));
        return Err(vm.refused("virtualmachineid", why).about(target.uuid.to_string(), "hostid"));
    }
    match migration::targets(call.tx, id).into_iter().find(|target| target.host == to) {
        Some(target) if target.has_room => Ok(()),
        Some(_) => Err(target.refused_as(
            ApiError::server_capacity,
            "hostid",
            format!("has no room for the system VM {}", vm.text(col::NAME)),
        )),
        None => Err(target.refused(
            "hostid",
            format!(
                "cannot take the system VM {}; choose one that is up, enabled and of the same zone and hypervisor",
                vm.text(col::NAME)
            ),
        )
        .about(vm.uuid.to_string(), "virtualmachineid")),
    }
}

pub(super) fn migrate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (id, to) = (call.entity_id(), call.args.id_required("hostid"));
    if call.step == 0 {
        check_migrate(call)?;
        let from = call.entity().id_of(col::HOST_ID);
        call.tx.move_to(id, MachineState::Migrating);
        if let Some(later) = simulator::ask(call.tx, from, "MigrateCommand")? {
            return Ok(later);
        }
    }
    call.tx.resource(id).must_be(&[MachineState::Migrating], "migrated", "id")?;
    call.tx.edit(id, |vm| {
        vm.set_ref(col::HOST_ID, to);
    });
    call.tx.move_to(id, MachineState::Running);
    Ok(Done::Resource(id))
}

pub(super) fn check_change(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    call.tx.resource(call.args.id_required("id")).must_be(
        &[MachineState::Stopped],
        "given another offering",
        "id",
    )?;
    check_scale(call)
}

/// Refuses an offering of another use.
pub(super) fn check_scale(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let vm = call.tx.resource(call.args.id_required("id"));
    let offering = call.tx.resource(call.args.id_required("serviceofferingid"));
    if !offering.flag(col::IS_SYSTEM)
        || offering.text(col::SYSTEM_VM_TYPE) != vm.text(col::SYSTEM_VM_TYPE)
    {
        return Err(offering.refused(
            "serviceofferingid",
            format!(
                "is not for a {}; choose one from listServiceOfferings with `issystem=true`",
                vm.text(col::SYSTEM_VM_TYPE)
            ),
        ));
    }
    Ok(())
}

/// Gives it another offering; one that runs must find the room on its host.
pub(super) fn change_service(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (id, offering) = (call.entity_id(), call.args.id_required("serviceofferingid"));
    call.tx.edit(id, |vm| {
        vm.set_ref(col::SERVICE_OFFERING_ID, offering);
    });
    if let Some(on) = call.entity().id_of(col::HOST_ID) {
        let (cpu, memory) =
            (capacity::host_cpu_mhz(call.tx, on), capacity::host_memory_bytes(call.tx, on));
        if cpu.used > cpu.total || memory.used > memory.total {
            return Err(call.tx.resource(on).refused_as(
                ApiError::server_capacity,
                "hostid",
                format!(
                    "has no room for the system VM {} with this offering",
                    call.entity().text(col::NAME)
                ),
            ));
        }
    }
    Ok(Done::Resource(id))
}
