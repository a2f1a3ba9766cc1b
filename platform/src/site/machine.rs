//! Machines on hosts of whatever kind: guests, routers, system VMs.

use crate::{
    col,
    engine::{ResourceId, Tx, World},
    state::MachineState,
    table::Machine,
};

/// Stops a machine where it is, as its kind does; it is on no host then.
pub(crate) fn halt(tx: &mut Tx<'_>, machine: ResourceId) {
    (machine_row(tx, machine).halt)(tx, machine);
}

/// The row of the kind of a machine.
pub(crate) fn machine_row(world: &World, machine: ResourceId) -> Machine {
    world.resource(machine).spec().machine.expect("what runs on hosts is a machine")
}

/// Stops a router or a system VM by the states of its kind.
pub(crate) fn halt_by_states(tx: &mut Tx<'_>, machine: ResourceId) {
    for state in [MachineState::Stopping, MachineState::Stopped] {
        if tx.resource(machine).may_move_to(state) {
            tx.move_to(machine, state);
        }
    }
    tx.edit(machine, |machine| {
        machine.set_ref(col::HOST_ID, None);
    });
}
