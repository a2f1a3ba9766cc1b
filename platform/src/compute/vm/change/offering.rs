//! Another service offering for a virtual machine, stopped or running.

use cloudtally_model::ApiError;

use crate::{
    col,
    compute::vm::deploy,
    desk::simulator,
    engine::{Call, Done, ResourceId, limit},
    parse::given,
    site::capacity,
    state::MachineState,
    storage::volume,
    table::Limit,
};

/// Refuses an offering that the machine cannot have.
fn check_offering(
    call: &Call<'_, '_>,
    vm: ResourceId,
    offering: ResourceId,
) -> Result<(), ApiError> {
    let (machine, new) = (call.tx.resource(vm), call.tx.resource(offering));
    if new.flag(col::IS_SYSTEM) {
        return Err(new.refused("serviceofferingid", "is for system VMs"));
    }
    if machine.id_of(col::SERVICE_OFFERING_ID) == Some(offering) {
        return Err(machine
            .refused("id", format!("has the service offering {} already", new.text(col::NAME))));
    }
    let old = machine.id_of(col::SERVICE_OFFERING_ID).map(|id| call.tx.resource(id));
    if old.is_some_and(|old| old.text(col::STORAGE_TYPE) != new.text(col::STORAGE_TYPE)) {
        return Err(new.refused(
            "serviceofferingid",
            "has another storage type than the old one; volumes would have to move",
        ));
    }
    if old.is_some_and(|old| !given::has_all_tags(old.text(col::TAGS), new.text(col::TAGS))) {
        return Err(new.refused(
            "serviceofferingid",
            format!(
                "has storage tags that {} has not; volumes would have to move",
                old.map_or("", |old| old.text(col::NAME))
            ),
        ));
    }
    let owner = machine.owner.expect("virtual machines have an owner");
    for (which, column) in [(Limit::Cpu, col::CPU_NUMBER), (Limit::Memory, col::MEMORY)] {
        let more = new.int(column) - old.map_or(0, |old| old.int(column));
        limit::check(call.tx, owner, which, more)?;
    }
    Ok(())
}

fn set_offering(call: &mut Call<'_, '_>, vm: ResourceId, offering: ResourceId) {
    let offers_ha = call.tx.resource(offering).flag(col::OFFER_HA);
    call.tx.edit(vm, |vm| {
        vm.set_ref(col::SERVICE_OFFERING_ID, offering).set_flag(col::HA_ENABLE, offers_ha);
    });
    if let Some(root) = volume::root_of(call.tx, vm) {
        call.tx.edit(root, |volume| {
            volume.set_ref(col::SERVICE_OFFERING_ID, offering);
        });
    }
}

/// Gives a stopped machine another offering.
pub(crate) fn change_offering(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (vm, offering) = (call.args.id_required("id"), call.args.id_required("serviceofferingid"));
    call.tx.resource(vm).must_be(&[MachineState::Stopped], "given another offering", "id")?;
    check_offering(call, vm, offering)?;
    set_offering(call, vm, offering);
    Ok(Done::Resource(vm))
}

/// Gives a machine a larger offering, while it runs if need be.
pub(crate) fn scale(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (vm, offering) = (call.args.id_required("id"), call.args.id_required("serviceofferingid"));
    // It may have been stopped or destroyed while its host was busy.
    call.tx.resource(vm).must_be(
        &[MachineState::Stopped, MachineState::Running],
        "scaled",
        "id",
    )?;
    check_offering(call, vm, offering)?;
    if call.tx.resource(vm).is(MachineState::Stopped) {
        set_offering(call, vm, offering);
        return Ok(Done::Resource(vm));
    }
    // Running machines only grow, where they, their zone and their image allow it.
    let machine = call.tx.resource(vm).clone();
    if !machine.flag(col::IS_DYNAMICALLY_SCALABLE) {
        return Err(machine.refused(
            "id",
            "does not scale while it runs: `isdynamicallyscalable` is \
             false; stop it, or change that with updateVirtualMachine",
        ));
    }
    let zone = machine.id_of(col::ZONE_ID).expect("virtual machines are in a zone");
    if call.tx.scoped_setting(zone, "enable.dynamic.scale.vm") != "true" {
        return Err(call.tx.resource(zone).refused(
            "zoneid",
            "does not scale running virtual machines: `enable.dynamic.scale.vm` is false",
        ));
    }
    let (old, new) = {
        let old =
            machine.id_of(col::SERVICE_OFFERING_ID).expect("virtual machines have an offering");
        (deploy::demand(call, old), deploy::demand(call, offering))
    };
    if new.cpu_mhz < old.cpu_mhz || new.memory_bytes < old.memory_bytes {
        return Err(call.tx.resource(offering).refused(
            "serviceofferingid",
            "is smaller than that of the virtual machine; running ones can only be scaled up",
        ));
    }
    let host = machine.id_of(col::HOST_ID).expect("running virtual machines are on a host");
    let (on, wanted) = (call.tx.resource(host), call.tx.resource(offering).text(col::HOST_TAGS));
    if !given::has_all_tags(on.text(col::HOST_TAGS), wanted) {
        return Err(machine.refused_as(
            ApiError::server_capacity,
            "id",
            format!("is on a host without the tags {wanted} of the new offering; stop it first"),
        ));
    }
    let free_cpu = capacity::host_free_cpu_mhz(call.tx, host);
    let free_memory = capacity::host_free_memory_bytes(call.tx, host);
    if free_cpu < new.cpu_mhz - old.cpu_mhz || free_memory < new.memory_bytes - old.memory_bytes {
        return Err(machine.refused_as(
            ApiError::server_capacity,
            "id",
            "is on a host that has no room for the larger offering; stop it first",
        ));
    }
    if call.step == 0
        && let Some(later) = simulator::ask(call.tx, Some(host), "ScaleVmCommand")?
    {
        return Ok(later);
    }
    set_offering(call, vm, offering);
    Ok(Done::Resource(vm))
}
