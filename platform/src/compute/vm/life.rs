//! The life of a virtual machine: its states, the moves between them, and the
//! usage events that hang on the moves, so that every path to a state is metered.
//!
//! A network interface is billed from the end of the deployment until it is
//! removed, destroyed machines excepted (guide 8.1); stopping changes nothing.

use cloudtally_model::{ApiError, Millis};

use super::VM;
use crate::{
    col,
    desk::{metering, simulator},
    engine::{
        Call, Column, Done, Level, Resource, ResourceId, State, Tx, World, begin_by_itself,
        happened, remove_all_on, table,
    },
    network::{guest, nic},
    site::placement::{self, Disks},
    state::{MachineState, PoolState},
    storage::volume,
    table::{Kind, KindSpec, Limit, Machine, OnDelete, Turn, WasRunning, WireType as W, hidden},
};

/// The number of tries to start a machine elsewhere whose host is gone.
const RESTARTS_MAX: i64 = 5;
/// The time between two tries.
const RESTART_INTERVAL: Millis = Millis(600_000);

/// Hidden: `due` is when a destroyed machine is expunged, or one whose host is gone is
/// tried to be started again, and `restarts` how often that was tried; `lasthostid`
/// where it ran last; `waitsfor` the pool whose maintenance has stopped it and starts it
/// again; `bootisoid` the ISO it was made from, whatever lies in its drive
/// now; `isplanned` stands until the call that deploys it has made all that belongs to it.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Vm, &VM)
    .counts(&[
        (Limit::Vm, |_, vm| i64::from(is_counted(vm))),
        (Limit::Cpu, |world, vm| offered(world, vm, col::CPU_NUMBER)),
        (Limit::Memory, |world, vm| offered(world, vm, col::MEMORY)),
    ])
    .stops_with_owner(stop_now)
    .goes_with_owner(Turn::Machines, remove_with_owner)
    .machine(Machine { halt: stop_now, start_elsewhere })
    .hidden(&[
        hidden("due", W::Date),
        hidden("restarts", W::Int),
        hidden("lasthostid", W::Id(Kind::Host)),
        hidden("userdata", W::Str),
        hidden("keyboard", W::Str),
        hidden("encryptedpassword", W::Str),
        hidden("securitygroups", W::List),
        hidden("wantedhost", W::Id(Kind::Host)),
        hidden("bootisoid", W::Id(Kind::Iso)),
        hidden("waitsfor", W::Id(Kind::StoragePool)),
        hidden("isplanned", W::Bool),
    ])
    .owned()
    .limit(Limit::Vm)
    .states(table!(MachineState:
        Stopped, Starting, Running, Stopping, Migrating, Destroyed, Expunging, Error;
        Stopped => Starting, Error, Destroyed;
        Starting => Running, Stopped, Error;
        Running => Stopping, Stopped, Migrating;
        Migrating => Running, Stopped;
        Stopping => Stopped, Running;
        Destroyed => Stopped, Expunging;
        Error => Expunging;
    ))
    .keyword(&[col::NAME, col::DISPLAY_NAME])
    .referred(&[(Kind::LoadBalancerMember, col::VIRTUAL_MACHINE_ID.reference(), OnDelete::Remove)])
    .tagged("UserVm")
    .job_instance("VirtualMachine")
    .on_due(look)
    .on_move(moved)
    .metered(metering::VM);

/// Tells whether a machine counts for limits: what is on its way out holds nothing any more.
fn is_counted(vm: &Resource) -> bool {
    !vm.is_any(&[MachineState::Destroyed, MachineState::Error, MachineState::Expunging])
}

/// The amount of something that its offering gives a machine that counts.
fn offered(world: &World, vm: &Resource, column: Column<i64>) -> i64 {
    let offering = vm.id_of(col::SERVICE_OFFERING_ID).and_then(|id| world.any(id));
    offering.filter(|_| is_counted(vm)).map_or(0, |offering| offering.int(column))
}

/// Removes a machine with its account: it cannot be recovered.
fn remove_with_owner(tx: &mut Tx<'_>, vm: ResourceId) {
    destroy(tx, vm);
    let is_destroyed = |vm: &Resource| vm.is(MachineState::Destroyed);
    if tx.get(Kind::Vm, vm).is_some_and(is_destroyed) {
        expunge(tx, vm);
    }
}

/// Does what every path between two states has in common.
fn moved(tx: &mut Tx<'_>, id: ResourceId, from: &'static str) {
    use MachineState::*;
    let states = MachineState::named(from).zip(tx.resource(id).state_as::<MachineState>());
    let Some((from, to)) = states else { return };
    match (from, to) {
        (Stopped, Starting) => tx.edit(id, |vm| {
            vm.set_ref(col::WAITS_FOR, None);
        }),
        (Starting, Running) => {
            for nic in nic::of_vm(tx, id) {
                nic::meter(tx, nic);
            }
            tx.edit(id, |vm| {
                vm.clear(col::RESTARTS).set_time(col::DUE, None);
            });
        }
        (Running | Stopping | Migrating, Stopped) => {
            let host = tx.resource(id).id_of(col::HOST_ID);
            tx.edit(id, |vm| {
                vm.set_ref(col::HOST_ID, None).set_ref(col::LAST_HOST_ID, host);
            });
        }
        (Starting, Stopped) => tx.edit(id, |vm| {
            vm.set_ref(col::HOST_ID, None);
        }),
        (Starting | Stopped, Error) | (Stopped, Destroyed) => {
            for nic in nic::of_vm(tx, id) {
                nic::unmeter(tx, nic);
            }
            tx.edit(id, |vm| {
                vm.set_ref(col::HOST_ID, None).clear(col::RESTARTS).set_time(col::DUE, None);
                vm.set_ref(col::WAITS_FOR, None);
            });
            tx.meter_now(id);
            if let Some(root) = volume::root_of(tx, id) {
                volume::destroy(tx, root);
            }
        }
        (Destroyed, Stopped) => {
            tx.meter_now(id);
            if let Some(root) = volume::root_of(tx, id) {
                volume::restore(tx, root);
            }
            for nic in nic::of_vm(tx, id) {
                nic::meter(tx, nic);
            }
        }
        _ => {}
    }
}

/// Starts a stopped machine: in step 0 it gets its place and begins to start, in
/// step 1, when the host has answered, it runs.
pub(crate) fn start(
    call: &mut Call<'_, '_>,
    vm: ResourceId,
    wanted_host: Option<ResourceId>,
) -> Result<Done, ApiError> {
    if call.step == 0 {
        // 1. A host with room, the networks set up, addresses, the volumes' places.
        call.tx.resource(vm).must_be(&[MachineState::Stopped], "started", "id")?;
        volume::refuse_unreachable(call, vm)?;
        let host = placement::host_for(call, vm, wanted_host, None, Disks::Stay)?;
        placement::reserve(call, vm, host);
        call.tx.move_to(vm, MachineState::Starting);
        call.tx.edit(vm, |vm| {
            vm.set_ref(col::HOST_ID, host);
        });
        for nic in nic::of_vm(call.tx, vm) {
            let on = call.tx.resource(nic).id_of(col::NETWORK_ID).expect("NICs are on a network");
            guest::implement(call.tx, on)?;
            nic::reserve(call.tx, nic)?;
            guest::serve(call.tx, on)?;
        }
        volume::place_all(call, vm, host)?;
        // 2. The host does its part, which may take a while.
        if let Some(later) = simulator::ask(call.tx, Some(host), "StartCommand")? {
            return Ok(later);
        }
    }
    call.tx.resource(vm).must_be(&[MachineState::Starting], "running", "id")?;
    call.tx.move_to(vm, MachineState::Running);
    Ok(Done::Resource(vm))
}

/// A start that failed: the machine is stopped as before.
pub(crate) fn start_failed(call: &mut Call<'_, '_>, vm: ResourceId) {
    if call.tx.get(Kind::Vm, vm).is_some_and(|vm| vm.is(MachineState::Starting)) {
        call.tx.move_to(vm, MachineState::Stopped);
    }
}

/// Stops a running machine, in two steps as it starts.
pub(crate) fn stop(call: &mut Call<'_, '_>, vm: ResourceId) -> Result<Done, ApiError> {
    if call.step == 0 {
        call.tx.resource(vm).must_be(&[MachineState::Running], "stopped", "id")?;
        let host = call.tx.resource(vm).id_of(col::HOST_ID);
        call.tx.move_to(vm, MachineState::Stopping);
        if let Some(later) = simulator::ask_to_stop(call, host)? {
            return Ok(later);
        }
    }
    // Its host may be gone meanwhile, and the machine stopped with it.
    if !call.tx.resource(vm).is(MachineState::Stopped) {
        call.tx.resource(vm).must_be(&[MachineState::Stopping], "stopped", "id")?;
        call.tx.move_to(vm, MachineState::Stopped);
    }
    Ok(Done::Resource(vm))
}

/// A stop that failed: the machine runs on.
pub(crate) fn stop_failed(call: &mut Call<'_, '_>, vm: ResourceId) {
    if call.tx.get(Kind::Vm, vm).is_some_and(|vm| vm.is(MachineState::Stopping)) {
        call.tx.move_to(vm, MachineState::Running);
    }
}

/// Stops a machine at once and without asking its host: with its account, or
/// because the host is gone. One that is stopped already is not started again either.
pub(crate) fn stop_now(tx: &mut Tx<'_>, vm: ResourceId) {
    use MachineState::*;
    match tx.resource(vm).state_as() {
        Some(Running | Migrating | Stopping | Starting) => tx.move_to(vm, Stopped),
        Some(Stopped) => tx.edit(vm, |vm| {
            vm.clear(col::RESTARTS).set_time(col::DUE, None);
        }),
        _ => {}
    }
}

/// Destroys a machine: stops it first if it runs; it can be recovered until it is
/// expunged.
pub(crate) fn destroy(tx: &mut Tx<'_>, vm: ResourceId) {
    stop_now(tx, vm);
    match tx.resource(vm).state_as() {
        Some(MachineState::Stopped) => {
            tx.move_to(vm, MachineState::Destroyed);
            let due = tx.now + Millis(tx.setting_number("expunge.delay").saturating_mul(1000));
            tx.edit(vm, |vm| {
                vm.set_time(col::DUE, due);
            });
        }
        Some(MachineState::Error) => expunge(tx, vm),
        _ => {}
    }
}

fn look(tx: &mut Tx<'_>, vm: ResourceId) {
    tx.edit(vm, |vm| {
        vm.set_time(col::DUE, None);
    });
    match tx.resource(vm).state_as() {
        Some(MachineState::Destroyed) => expunge(tx, vm),
        Some(MachineState::Stopped) => restart(tx, vm),
        // The last try is still under way, or somebody's own.
        Some(MachineState::Starting) => try_again_later(tx, vm),
        _ => {}
    }
}

/// Takes a destroyed machine away for good. Its data volumes stay, detached.
pub(crate) fn expunge(tx: &mut Tx<'_>, vm: ResourceId) {
    tx.move_to(vm, MachineState::Expunging);
    remove_all_on(tx, vm);
    for nic in nic::of_vm(tx, vm) {
        nic::remove(tx, nic);
    }
    for id in tx.ids_referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID) {
        if tx.resource(id).text(col::TYPE) == "ROOT" {
            volume::expunge(tx, id);
        } else {
            volume::detach(tx, id);
        }
    }
    tx.remove_with_dependants(vm);
}

/// Begins to start a machine again that stopped because its host is gone, if it is to
/// be highly available. Where that fails it is tried again later, until the machine
/// runs, is destroyed, or has been tried often enough.
fn start_elsewhere(tx: &mut Tx<'_>, vm: ResourceId, was_running: WasRunning) {
    if was_running == WasRunning::No {
        return;
    }
    tx.edit(vm, |vm| {
        vm.clear(col::RESTARTS);
    });
    restart(tx, vm);
}

/// One try.
fn restart(tx: &mut Tx<'_>, vm: ResourceId) {
    let machine = tx.resource(vm);
    if !machine.flag(col::HA_ENABLE) || !machine.is(MachineState::Stopped) {
        return;
    }
    let tried = machine.int(col::RESTARTS) + 1;
    let (name, uuid) = (machine.text(col::NAME).to_owned(), machine.uuid.to_string());
    tx.edit(vm, |vm| {
        vm.set_int(col::RESTARTS, tried);
    });
    if tried < RESTARTS_MAX {
        try_again_later(tx, vm);
    }
    let begun = begin_by_itself(tx, "startVirtualMachine", &[("id", &uuid)]);
    let (level, outcome) = match begun {
        Ok(_) => (Level::Info, "is started on another host".to_owned()),
        Err(error) => (Level::Error, format!("cannot be started on another host: {}", error.text)),
    };
    let text = format!(
        "The host of the virtual machine {name} is gone; it {outcome} (try {tried} of {RESTARTS_MAX})"
    );
    happened(tx, "VM.START", level, Some(vm), text);
}

fn try_again_later(tx: &mut Tx<'_>, vm: ResourceId) {
    let due = tx.now + RESTART_INTERVAL;
    tx.edit(vm, |vm| {
        vm.set_time(col::DUE, due);
    });
}

/// Begins to start the machines again that the maintenance of a pool has stopped; those
/// with a disk on another pool that is not up wait for that one.
pub(crate) fn start_waiting(tx: &mut Tx<'_>, pool: ResourceId) {
    for vm in tx.ids_referring(pool, Kind::Vm, col::WAITS_FOR) {
        let mut pools = tx
            .referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID)
            .filter_map(|volume| volume.id_of(col::POOL_ID));
        let other = pools.find(|pool| !tx.resource(*pool).is(PoolState::Up));
        drop(pools);
        tx.edit(vm, |vm| {
            vm.set_ref(col::WAITS_FOR, other);
        });
        let machine = tx.resource(vm);
        if other.is_some() || !machine.is(MachineState::Stopped) {
            continue;
        }
        let (name, uuid) = (machine.text(col::NAME).to_owned(), machine.uuid.to_string());
        if let Err(error) = begin_by_itself(tx, "startVirtualMachine", &[("id", &uuid)]) {
            let text = format!(
                "The maintenance of its storage pool is over, but the virtual machine {name} \
                 cannot be started again: {}",
                error.text
            );
            happened(tx, "VM.START", Level::Error, Some(vm), text);
        }
    }
}

/// The guest shut itself down: metered like any other stop, told as what it is.
pub(crate) fn guest_stopped(tx: &mut Tx<'_>, vm: ResourceId) {
    stop_now(tx, vm);
    let name = tx.resource(vm).text(col::NAME).to_owned();
    let text = format!("Virtual machine {name} was shut down by its guest");
    happened(tx, "VM.STOP", Level::Info, Some(vm), text);
}

/// Machines that lie on a host, whatever their state.
pub(crate) fn on_host(world: &World, host: ResourceId) -> Vec<&Resource> {
    world.referring(host, Kind::Vm, col::HOST_ID).collect()
}
