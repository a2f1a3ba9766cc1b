//! Machines whose root volume is made anew, and those that come back.

use cloudtally_model::ApiError;

use crate::{
    col,
    compute::vm::life,
    desk::simulator,
    engine::{Call, Done, JobStatus, Resource, ResourceId, limit},
    parse::units::gib,
    site::{imagecopy, placement},
    state::MachineState,
    storage::volume,
    table::{Kind, Limit},
};

/// Reboots: no state changes, nothing is billed anew, but for a volatile machine.
pub(crate) fn reboot(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    let offering = call.entity().id_of(col::SERVICE_OFFERING_ID).map(|id| call.tx.resource(id));
    let is_volatile = offering.is_some_and(|offering| offering.flag(col::IS_VOLATILE));
    // What was made from an ISO has no other root volume to begin with, bare metal none.
    let is_metal = placement::is_bare_metal(call.entity().text(col::HYPERVISOR));
    if is_volatile && !is_metal && call.entity().id_of(col::TEMPLATE_ID).is_some() {
        if call.step == 0 {
            call.tx.resource(vm).must_be(&[MachineState::Running], "rebooted", "id")?;
        }
        let template = call.entity().id_of(col::TEMPLATE_ID);
        return renew(call, vm, template);
    }
    call.tx.resource(vm).must_be(&[MachineState::Running], "rebooted", "id")?;
    if call.step == 0 {
        let host = call.entity().id_of(col::HOST_ID);
        if let Some(later) = simulator::ask(call.tx, host, "RebootCommand")? {
            return Ok(later);
        }
    }
    Ok(Done::Resource(vm))
}

/// Refuses a machine that a job is at work on: what it does next builds on how it
/// found the machine.
pub(super) fn refuse_worked_on(call: &Call<'_, '_>, vm: ResourceId) -> Result<(), ApiError> {
    let is_pending = |job: &Resource| job.int(col::JOB_STATUS) == JobStatus::Pending as i64;
    if !call.tx.referring(vm, Kind::Job, col::ENTITY).any(is_pending) {
        return Ok(());
    }
    let vm = call.tx.resource(vm);
    Err(vm.refused("id", "has a job at work on it; wait for its end"))
}

pub(crate) fn recover(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    call.tx.resource(vm).must_be(&[MachineState::Destroyed], "recovered", "id")?;
    refuse_worked_on(call, vm)?;
    let owner = call.entity().owner.expect("virtual machines have an owner");
    let is_metal = placement::is_bare_metal(call.entity().text(col::HYPERVISOR));
    if volume::root_of(call.tx, vm).is_none() && !is_metal {
        return Err(call
            .entity()
            .refused("id", "has lost its root volume and cannot be recovered"));
    }
    // What it gave up when it was destroyed it takes again.
    let offering = call.entity().id_of(col::SERVICE_OFFERING_ID).map(|id| call.tx.resource(id));
    let (cores, memory) = offering
        .map_or((0, 0), |offering| (offering.int(col::CPU_NUMBER), offering.int(col::MEMORY)));
    let root = volume::root_of(call.tx, vm).map(|id| call.tx.resource(id).int(col::SIZE));
    let needs = [
        (Limit::Vm, 1),
        (Limit::Cpu, cores),
        (Limit::Memory, memory),
        (Limit::Volume, i64::from(root.is_some())),
        (Limit::PrimaryStorage, gib(root.unwrap_or_default())),
    ];
    for (which, more) in needs {
        limit::check(call.tx, owner, which, more)?;
    }
    call.tx.edit(vm, |vm| {
        vm.set_time(col::DUE, None);
    });
    call.tx.move_to(vm, MachineState::Stopped);
    Ok(Done::Resource(vm))
}

/// Makes the root volume anew from the template.
pub(crate) fn restore(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.args.id_required("virtualmachineid");
    let template = call.args.id("templateid").or(call.tx.resource(vm).id_of(col::TEMPLATE_ID));
    renew(call, vm, template)
}

/// The same, for a machine that is volatile as well: its root volume lasts until it
/// is rebooted.
fn renew(
    call: &mut Call<'_, '_>,
    vm: ResourceId,
    template: Option<ResourceId>,
) -> Result<Done, ApiError> {
    if call.step == 0 {
        call.tx.resource(vm).must_be(
            &[MachineState::Stopped, MachineState::Running],
            "restored",
            "id",
        )?;
        let machine = call.tx.resource(vm).clone();
        if placement::is_bare_metal(machine.text(col::HYPERVISOR)) {
            return Err(machine.refused("virtualmachineid", "is bare metal and has no root volume"));
        }
        let zone = machine.id_of(col::ZONE_ID).expect("virtual machines are in a zone");
        let template = template.ok_or_else(|| {
            machine.refused("virtualmachineid", "was made from an ISO; give `templateid`")
        })?;
        if imagecopy::ready_in(call.tx, template, zone).is_none() {
            return Err(call
                .tx
                .resource(template)
                .refused("templateid", "is not ready in the zone"));
        }
        if !call
            .tx
            .resource(template)
            .text(col::HYPERVISOR)
            .eq_ignore_ascii_case(machine.text(col::HYPERVISOR))
        {
            return Err(call
                .tx
                .resource(template)
                .refused("templateid", "is of another hypervisor than the virtual machine"));
        }
        let size_bytes = call.tx.resource(template).int(col::SIZE);
        let old_bytes =
            volume::root_of(call.tx, vm).map_or(0, |id| call.tx.resource(id).int(col::SIZE));
        let owner = machine.owner.expect("virtual machines have an owner");
        let more = gib(size_bytes) - gib(old_bytes);
        limit::check(call.tx, owner, Limit::PrimaryStorage, more)?;
        // A running machine is stopped for it and started again.
        let runs = machine.is(MachineState::Running);
        if runs {
            life::stop_now(call.tx, vm);
        }
        if let Some(root) = volume::root_of(call.tx, vm) {
            volume::expunge(call.tx, root);
        }
        let os_type = call.tx.resource(template).id_of(col::OS_TYPE_ID);
        call.tx.edit(vm, |vm| {
            vm.set_ref(col::TEMPLATE_ID, template)
                .set_ref(col::ISO_ID, None)
                .set_ref(col::BOOT_ISO_ID, None);
            if machine.id_of(col::TEMPLATE_ID) != Some(template) {
                vm.set_ref(col::GUEST_OS_ID, os_type);
            }
        });
        volume::insert_root(call.tx, vm, template, size_bytes);
        if !runs {
            return Ok(Done::Resource(vm));
        }
        let host = machine.id_of(col::HOST_ID);
        return life::start(call, vm, host);
    }
    life::start(call, vm, None)
}
