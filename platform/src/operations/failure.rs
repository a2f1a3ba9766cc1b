//! Hosts that do not answer.

use cloudtally_model::ApiError;

use crate::{
    col,
    desk::{alert, simulator},
    engine::{Call, Done, ResourceId, Tx},
    site::{
        capacity,
        host::HOST,
        machine::{halt, machine_row},
        resourcestate::{DISABLED, ENABLED, must_be},
    },
    state::{HostState, MachineState},
    table::{Command, Kind, ParamType::*, Roles, WasRunning, own, p},
};

pub(crate) static COMMANDS: &[Command] = &[own("reconnectHost")
    .doc("Drops the connection to a host and makes it again")
    .roles(Roles::ROOT)
    .params(&[p("id", Id(Kind::Host)).required()])
    .job("HOST.RECONNECT")
    .object("host", &HOST)
    .kind(Kind::Host)
    .check(check_reconnect)
    .act(reconnect)
    .on_failure(reconnect_failed)];

fn check_reconnect(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    must_be(call, &[ENABLED, DISABLED], "cancel its maintenance first")
}

/// Drops the connection and makes it again: a host that was thought dead is up. A
/// host that does not answer its first ping is down.
fn reconnect(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (id, now) = (call.entity_id(), call.tx.now);
    if call.step == 0 {
        check_reconnect(call)?;
        if !call.entity().is(HostState::Connecting) {
            call.tx.move_to(id, HostState::Disconnected);
            call.tx.move_to(id, HostState::Connecting);
        }
        call.tx.edit(id, |host| {
            host.set_time(col::DISCONNECTED, now);
        });
        if let Some(later) = simulator::ask(call.tx, Some(id), "PingCommand")? {
            return Ok(later);
        }
    }
    // Another job may have found meanwhile that it does not answer.
    if !call.entity().is_any(&[HostState::Connecting, HostState::Up]) {
        let host = call.entity();
        return Err(host.refused_as(
            ApiError::unavailable,
            "id",
            format!("is {} and does not answer", host.state()),
        ));
    }
    call.tx.move_to(id, HostState::Up);
    let place = alert::Place::of(call.tx, id);
    alert::resolve(call.tx, alert::HOST, Some(id), place);
    Ok(Done::Resource(id))
}

fn reconnect_failed(call: &mut Call<'_, '_>, _: &ApiError) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::Host, *id).is_some()) {
        went_down(call.tx, id);
    }
}

/// Says that a host is gone: what ran on it has stopped at this moment, for the
/// bill as well. System VMs and routers are started elsewhere, and so are guests with
/// `haenable`.
pub(crate) fn went_down(tx: &mut Tx<'_>, host: ResourceId) {
    let now = tx.now;
    if tx.resource(host).is(HostState::Alert) {
        tx.move_to(host, HostState::Disconnected);
    }
    tx.move_to(host, HostState::Down);
    tx.edit(host, |host| {
        host.set_time(col::DISCONNECTED, now);
    });
    let place = alert::Place::of(tx, host);
    let text = format!("the host {} does not answer", tx.resource(host).text(col::NAME));
    alert::raise(tx, alert::HOST, Some(host), place, &text);
    let machines: Vec<ResourceId> =
        capacity::machines_on(tx, host).map(|machine| machine.id).collect();
    for machine in machines {
        alert::machine_down(tx, machine, "its host does not answer");
        let resource = tx.resource(machine);
        let was_running = match resource.is_any(&[MachineState::Running, MachineState::Migrating]) {
            true => WasRunning::Yes,
            false => WasRunning::No,
        };
        halt(tx, machine);
        (machine_row(tx, machine).start_elsewhere)(tx, machine, was_running);
    }
}
