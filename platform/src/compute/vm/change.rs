//! Changes of a virtual machine besides its life: offerings, owners, keys.

use std::collections::BTreeMap;

use cloudtally_model::ApiError;

use super::{deploy, life, show};
use crate::{
    col,
    desk::simulator,
    engine::{
        Answer, Call, Done, JobStatus, Level, Node, Query, Resource, ResourceId, Uuid, limit,
        refusal, scope, unknown,
    },
    network::{guest, nic, securitygroup},
    parse::{given, units::gib},
    site::{
        capacity, imagecopy,
        placement::{self, Disks},
    },
    state::{AccountState, MachineState},
    storage::{image, volume},
    table::{Kind, Limit},
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
pub(super) fn change_offering(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (vm, offering) = (call.args.id_required("id"), call.args.id_required("serviceofferingid"));
    call.tx.resource(vm).must_be(&[MachineState::Stopped], "given another offering", "id")?;
    check_offering(call, vm, offering)?;
    set_offering(call, vm, offering);
    Ok(Done::Resource(vm))
}

/// Gives a machine a larger offering, while it runs if need be.
pub(super) fn scale(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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

/// Reboots: no state changes, nothing is billed anew, but for a volatile machine.
pub(super) fn reboot(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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
fn refuse_worked_on(call: &Call<'_, '_>, vm: ResourceId) -> Result<(), ApiError> {
    let is_pending = |job: &Resource| job.int(col::JOB_STATUS) == JobStatus::Pending as i64;
    if !call.tx.referring(vm, Kind::Job, col::ENTITY).any(is_pending) {
        return Ok(());
    }
    let vm = call.tx.resource(vm);
    Err(vm.refused("id", "has a job at work on it; wait for its end"))
}

pub(super) fn recover(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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
pub(super) fn restore(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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

pub(super) fn reset_password(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    call.tx.resource(vm).must_be(&[MachineState::Stopped], "given a new password", "id")?;
    let takes_password = call
        .entity()
        .id_of(col::TEMPLATE_ID)
        .is_some_and(|id| call.tx.resource(id).flag(col::PASSWORD_ENABLED));
    if !takes_password {
        return Err(call.entity().refused("id", "has a template that takes no passwords"));
    }
    deploy::with_password(call, vm)
}

pub(super) fn reset_key(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    call.tx.resource(vm).must_be(&[MachineState::Stopped], "given another key", "id")?;
    scope::refuse_other_owner(call, vm)?;
    let name = call.args.text_required("keypair").to_owned();
    let owner = call.entity().owner.expect("virtual machines have an owner");
    let is_known =
        call.tx.owned_by(owner, Kind::SshKeyPair).any(|pair| pair.text(col::NAME) == name);
    if !is_known {
        return Err(call.invalid("keypair", &name, "the owner has no key pair of this name"));
    }
    call.tx.edit(vm, |vm| {
        vm.set_text(col::KEYPAIR, &name);
    });
    deploy::with_password(call, vm)
}

pub(super) fn password(query: &Query<'_>) -> Result<Answer, ApiError> {
    let vm = query.world.resource(query.args.id_required("id"));
    match vm.text(col::ENCRYPTED_PASSWORD) {
        "" => Err(vm.refused("id", "has no password that was made for it")),
        password => Ok(Answer::Object {
            item: "password",
            object: Node::Object(vec![("encryptedpassword", Node::text(password))]),
        }),
    }
}

pub(super) fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    let args = call.args.clone();
    let owner = call.entity().owner.expect("virtual machines have an owner");
    if let Some(data) = args.text("userdata") {
        deploy::check_user_data(call, data)?;
    }
    let group = deploy::group_named(call, owner)?;
    call.tx.edit(vm, |vm| {
        for column in [col::DISPLAY_NAME, col::USER_DATA] {
            if let Some(text) = args.text(column.name()) {
                vm.set_text(column, text);
            }
        }
        for column in [col::HA_ENABLE, col::DISPLAY_VM, col::IS_DYNAMICALLY_SCALABLE] {
            if let Some(flag) = args.flag(column.name()) {
                vm.set_flag(column, flag);
            }
        }
        if let Some(os_type) = args.id("ostypeid") {
            vm.set_ref(col::GUEST_OS_ID, os_type);
        }
        if group.is_some() {
            vm.set_ref(col::GROUP_ID, group);
        }
    });
    Ok(Done::Resource(vm))
}

/// Moves a stopped machine with its volumes to another account. The bill sees its
/// end there and its beginning here.
pub(super) fn assign(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. A stopped machine without rules, an account that may have it.
    let vm = call.args.id_required("virtualmachineid");
    call.tx.resource(vm).must_be(&[MachineState::Stopped], "moved to another account", "id")?;
    refuse_worked_on(call, vm)?;
    let name = call.args.text_required("account").to_owned();
    let domain = call.args.id_required("domainid");
    let to = scope::named_account(call.tx, &call.caller, &name, Some(domain))?;
    let machine = call.tx.resource(vm).clone();
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
    if nic::of_vm(call.tx, vm).into_iter().any(|nic| crate::network::rules::lead_to(call.tx, nic)) {
        return Err(machine.refused_as(
            ApiError::in_use,
            "virtualmachineid",
            "has network rules; remove them first",
        ));
    }
    let volumes = call.tx.ids_referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID);
    let size: i64 = volumes.iter().map(|id| call.tx.resource(*id).int(col::SIZE)).sum();
    let offering =
        machine.id_of(col::SERVICE_OFFERING_ID).expect("virtual machines have an offering");
    let needs = [
        (Limit::Vm, 1),
        (Limit::Volume, i64::try_from(volumes.len()).unwrap_or(i64::MAX)),
        (Limit::Cpu, call.tx.resource(offering).int(col::CPU_NUMBER)),
        (Limit::Memory, call.tx.resource(offering).int(col::MEMORY)),
        (Limit::PrimaryStorage, gib(size)),
    ];
    for (which, more) in needs {
        limit::check(call.tx, to, which, more)?;
    }
    let zone = machine.id_of(col::ZONE_ID).expect("virtual machines are in a zone");
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

/// Gives a resource to another account, with the tags and the snapshot policies on it.
fn give(call: &mut Call<'_, '_>, id: ResourceId, to: ResourceId) {
    let tags = call.tx.ids_referring(id, Kind::Tag, col::RESOURCE);
    let policies = call.tx.ids_referring(id, Kind::SnapshotPolicy, col::VOLUME_ID);
    for id in [id].into_iter().chain(tags).chain(policies) {
        call.tx.edit(id, |resource| resource.owner = Some(to));
    }
}

/// Moves a running machine to another host, or a stopped one's volumes to another
/// pool.
pub(super) fn migrate(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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
pub(super) fn migrate_with_volumes(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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
fn named(call: &Call<'_, '_>, id: Option<&String>, kind: Kind) -> Result<ResourceId, ApiError> {
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
pub(super) fn migration_failed(call: &mut Call<'_, '_>) {
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

/// Filters lists of machines by more than equal columns.
pub(super) fn is_listed(query: &Query<'_>, vm: &Resource) -> bool {
    let (world, args) = (query.world, query.args);
    let host = vm.id_of(col::HOST_ID);
    let pod = host.and_then(|host| world.resource(host).id_of(col::POD_ID));
    let on_network = |network: ResourceId| {
        world
            .referring(vm.id, Kind::Nic, col::VIRTUAL_MACHINE_ID)
            .any(|nic| nic.id_of(col::NETWORK_ID) == Some(network))
    };
    let in_pool = |pool: ResourceId| {
        world
            .referring(vm.id, Kind::Volume, col::VIRTUAL_MACHINE_ID)
            .any(|volume| volume.id_of(col::POOL_ID) == Some(pool))
    };
    // Destroyed machines are for those who may recover them.
    let is_shown = !vm.is(MachineState::Destroyed) && !vm.is(MachineState::Expunging)
        || query.caller.role != crate::table::Role::User;
    // What is not to be displayed only root admins are shown.
    is_shown
        && (vm.flag(col::DISPLAY_VM) || query.caller.is_root())
        && args
            .flag("forvirtualnetwork")
            .is_none_or(|wanted| show::is_on_guest_network(world, vm) == wanted)
        && args.id("podid").is_none_or(|wanted| pod == Some(wanted))
        && args.id("networkid").is_none_or(on_network)
        && args.id("storageid").is_none_or(in_pool)
        && args.text("name").is_none_or(|wanted| {
            let wanted = wanted.to_lowercase();
            [col::NAME, col::DISPLAY_NAME]
                .into_iter()
                .any(|c| vm.text(c).to_lowercase().contains(&wanted))
        })
}
