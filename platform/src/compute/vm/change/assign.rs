//! Machines that are given to another account.

use cloudtally_model::ApiError;

use crate::{
    col,
    compute::vm::deploy,
    engine::{Call, Done, Resource, ResourceId, scope},
    network::{guest, nic, securitygroup},
    state::{AccountState, MachineState},
    storage::image,
    table::Kind,
};

use super::restore::refuse_worked_on;

/// Moves a stopped machine with its volumes to another account. The bill sees its
/// end there and its beginning here.
pub(crate) fn assign(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. A stopped machine without rules, an account that may have it.
    let vm = call.args.id_required("virtualmachineid");
    call.tx.resource(vm).must_be(&[MachineState::Stopped], "moved to another account", "id")?;
    refuse_worked_on(call, vm)?;
    let name = call.args.text_required("account").to_owned();
    let domain = call.args.id_required("domainid");
    let to = scope::named_account(call.tx, &call.caller, &name, Some(domain))?;
    let machine = call.tx.resource(vm).clone();
    check_receiver(call, &machine, to)?;
    let volumes = call.tx.ids_referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID);
    let size: i64 = volumes.iter().map(|id| call.tx.resource(*id).int(col::SIZE)).sum();
    let offering =
        machine.id_of(col::SERVICE_OFFERING_ID).expect("virtual machines have an offering");
    let count = i64::try_from(volumes.len()).unwrap_or(i64::MAX);
    deploy::check_limits(call, to, offering, count, size)?;
    let zone = machine.id_of(col::ZONE_ID).expect("virtual machines are in a zone");
    let named: Vec<ResourceId> = call.args.ids("networkids").to_vec();
    let networks = guest::for_deployment(call, to, zone, &named)?;
    let groups = securitygroup::for_deployment(call, to, zone)?;
    // 2. It ends for the one who had it.
    for nic in nic::of_vm(call.tx, vm) {
        nic::remove(call.tx, nic);
    }
    for id in [vm].iter().chain(&volumes) {
        call.tx.edit(*id, |resource| resource.owner = None);
    }
    // 3. It begins for the one who gets it.
    for id in &volumes {
        give(call, *id, to);
    }
    give(call, vm, to);
    call.tx.edit(vm, |vm| {
        vm.set_ref(col::GROUP_ID, None).clear(col::KEYPAIR).set_refs(col::SECURITY_GROUPS, groups);
    });
    for on in networks {
        let nic = nic::plan(call.tx, vm, on, None);
        nic::meter(call.tx, nic);
    }
    call.entity = Some(vm);
    Ok(Done::Resource(vm))
}

/// Refuses an account that cannot have the machine: it has it already, is shut, may not use
/// the template, or has a machine of that name; and a machine with network rules.
fn check_receiver(call: &Call<'_, '_>, machine: &Resource, to: ResourceId) -> Result<(), ApiError> {
    let name = call.tx.resource(to).text(col::NAME);
    if machine.owner == Some(to) {
        return Err(machine.refused("virtualmachineid", format!("belongs to {name} already")));
    }
    if !call.tx.resource(to).is(AccountState::Enabled) {
        return Err(call.tx.resource(to).refused_as(
            ApiError::permission,
            "account",
            format!(
                "is {}; enable it before anything is given to it",
                call.tx.resource(to).state()
            ),
        ));
    }
    // What it was made from, its new owner must be able to restore it from.
    if let Some(template) = machine.id_of(col::TEMPLATE_ID).map(|id| call.tx.resource(id))
        && !image::is_open_to(template, to)
    {
        return Err(template.refused_as(
            ApiError::permission,
            "virtualmachineid",
            format!(
                "of the virtual machine {} is not for the account {name}; share it first",
                machine.text(col::NAME)
            ),
        ));
    }
    if nic::of_vm(call.tx, machine.id)
        .into_iter()
        .any(|nic| crate::network::rules::lead_to(call.tx, nic))
    {
        return Err(machine.refused_as(
            ApiError::in_use,
            "virtualmachineid",
            "has network rules; remove them first",
        ));
    }
    if let Some(other) = call
        .tx
        .owned_by(to, Kind::Vm)
        .find(|other| other.text(col::NAME).eq_ignore_ascii_case(machine.text(col::NAME)))
    {
        return Err(other.refused(
            "virtualmachineid",
            format!("of {name} has the same name already; rename one of them first"),
        ));
    }
    Ok(())
}

/// Gives a resource to another account, with the tags and the snapshot policies on it.
pub(super) fn give(call: &mut Call<'_, '_>, id: ResourceId, to: ResourceId) {
    let tags = call.tx.ids_referring(id, Kind::Tag, col::RESOURCE);
    let policies = call.tx.ids_referring(id, Kind::SnapshotPolicy, col::VOLUME_ID);
    for id in [id].into_iter().chain(tags).chain(policies) {
        call.tx.edit(id, |resource| resource.owner = Some(to));
    }
}
