//! Virtual routers: one for each isolated network that needs it, on a host that has room
//! for it. They count the bytes that are billed, from 0 each time they start.
//!
//! # Source
//! Guide 8.1.4; usage rules 5; polling as `router.stats.interval` says.

use cloudtally_model::{
    AccountId, ApiError, DeviceType, Millis, NetworkId, NetworkSample, SeriesKey, ZoneId,
};

use super::{network, networkoffering, router::ROUTER, systemvm};
use crate::{
    engine::{Call, Done, Level, Thing, ThingId, Tx, World, happened},
    table::{Kind, KindSpec, Move, WireType as W, hidden},
};

/// Hidden: the counters in bytes since the start, when they were last brought up
/// to date, when they were last told, and when they are polled next.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Router, &ROUTER)
    .hidden(&[
        hidden("due", W::Date),
        hidden("sentbytes", W::Int),
        hidden("receivedbytes", W::Int),
        hidden("counted", W::Date),
        hidden("restarted", W::Bool),
        hidden("sampled", W::Date),
    ])
    .owned()
    .states(
        &["Stopped", "Running"],
        &[Move { from: "Stopped", to: "Running" }, Move { from: "Running", to: "Stopped" }],
    )
    .keyword(&["name"])
    .job_instance("DomainRouter")
    .on_due(poll)
    .on_move(moved);

/// The router of a network.
pub(crate) fn of_network(world: &World, network: ThingId) -> Option<ThingId> {
    world.referring(network, Kind::Router, "guestnetworkid").next().map(|router| router.id)
}

/// Makes sure that a network that needs a router has a running one.
pub(crate) fn ensure(tx: &mut Tx<'_>, network: ThingId) -> Result<(), ApiError> {
    let on = tx.thing(network).clone();
    let is_needed = ["Dhcp", "Dns", "SourceNat", "Firewall", "Lb"]
        .iter()
        .any(|service| network::provides(tx, &on, service));
    if !is_needed {
        return Ok(());
    }
    let id = match of_network(tx, network) {
        Some(id) => id,
        None => insert(tx, network),
    };
    if tx.thing(id).state == "Stopped" {
        run(tx, id)?;
    }
    Ok(())
}

/// Starts a stopped router on the host of its zone that has the most room.
fn run(tx: &mut Tx<'_>, id: ThingId) -> Result<(), ApiError> {
    let router = tx.thing(id);
    let zone = router.id_of("zoneid").expect("routers are in a zone");
    let offering = router.id_of("serviceofferingid").or_else(|| {
        let network = tx.thing(router.id_of("guestnetworkid")?);
        networkoffering::router_offering(tx, tx.thing(network.id_of("networkofferingid")?))
    });
    let host = offering.and_then(|offering| systemvm::host_for(tx, zone, offering));
    let host = host.ok_or_else(|| {
        ApiError::server_capacity(format!(
            "no host of the zone {} has room for the router {}; add a host or enable one",
            tx.thing(zone).text("name"),
            router.text("name")
        ))
        .about(router.uuid.to_string(), "id")
    })?;
    let pod = tx.thing(host).id_of("podid");
    tx.edit(id, |router| {
        router.set_ref("serviceofferingid", offering).set_ref("hostid", host).set_ref("podid", pod);
    });
    tx.move_to(id, "Running");
    Ok(())
}

/// Starts a router again that stopped because its host is gone; it stays stopped where
/// no other host has room.
pub(super) fn start_elsewhere(tx: &mut Tx<'_>, id: ThingId) {
    let (level, outcome) = match run(tx, id) {
        Ok(()) => (Level::Info, "was started again on another host".to_owned()),
        Err(error) => (Level::Error, format!("cannot be started again: {}", error.text)),
    };
    let text =
        format!("The host of the router {} is gone; it {outcome}", tx.thing(id).text("name"));
    happened(tx, "ROUTER.HA", level, Some(id), text);
}

fn insert(tx: &mut Tx<'_>, network: ThingId) -> ThingId {
    let on = tx.thing(network).clone();
    let id = tx.insert(Kind::Router, |router| {
        router.owner = on.owner;
        router
            .set_ref("zoneid", on.id_of("zoneid"))
            .set_text("dns1", on.text("dns1"))
            .set_text("gateway", on.text("gateway"))
            .set_text("guestipaddress", on.text("gateway"))
            .set_text("guestnetmask", on.text("netmask"))
            .set_ref("guestnetworkid", network)
            .set_flag("isredundantrouter", false)
            .set_text("redundantstate", "UNKNOWN")
            .set_text("role", "VIRTUAL_ROUTER");
    });
    tx.edit(id, |router| {
        router.set_text("name", &format!("r-{id}-VM"));
    });
    id
}

/// A router counts from 0 when it starts, and for the last time when it stops.
fn moved(tx: &mut Tx<'_>, id: ThingId, _from: &'static str) {
    let now = tx.now;
    if tx.thing(id).state == "Running" {
        tx.edit(id, |router| {
            router
                .set_int("sentbytes", 0)
                .set_int("receivedbytes", 0)
                .set_time("counted", now)
                .set_flag("restarted", true);
        });
        let due = now + if sample(tx, id) { interval(tx) } else { Millis(1) };
        tx.edit(id, |router| {
            router.set_time("due", due);
        });
    } else {
        count(tx, id);
        sample(tx, id);
        tx.edit(id, |router| {
            router.set_time("due", None).set_ref("hostid", None);
        });
    }
}

fn interval(world: &World) -> Millis {
    Millis(world.setting_number("router.stats.interval").saturating_mul(1000))
}

fn poll(tx: &mut Tx<'_>, id: ThingId) {
    let due = tx.now + interval(tx);
    count(tx, id);
    sample(tx, id);
    tx.edit(id, |router| {
        router.set_time("due", due);
    });
}

/// Bytes a second that a running guest sends.
pub(super) const SENT_BYTES_PER_S: i64 = 1_000;
/// And receives.
pub(super) const RECEIVED_BYTES_PER_S: i64 = 1_500;

/// Brings the counters up to date: what the running guests have sent and received
/// since they were looked at last.
fn count(tx: &mut Tx<'_>, id: ThingId) {
    let router = tx.thing(id);
    let Some(since) = router.time("counted") else { return };
    let network = router.id_of("guestnetworkid").expect("routers have a network");
    let running = tx
        .referring(network, Kind::Nic, "networkid")
        .filter_map(|nic| nic.id_of("virtualmachineid"))
        .filter(|vm| tx.thing(*vm).state == "Running")
        .count();
    let guests = i64::try_from(running).unwrap_or(i64::MAX);
    let now = tx.now;
    let elapsed_s = (now.as_millis() - since.as_millis()).max(0) / 1000;
    let seconds = guests.saturating_mul(elapsed_s);
    let sent = seconds.saturating_mul(SENT_BYTES_PER_S);
    let received = seconds.saturating_mul(RECEIVED_BYTES_PER_S);
    let add = |thing: &mut Thing| {
        let total = |column: &str, more: i64| thing.int(column).saturating_add(more);
        let (sent, received) = (total("sentbytes", sent), total("receivedbytes", received));
        thing.set_int("sentbytes", sent).set_int("receivedbytes", received);
    };
    let owner = router.owner;
    tx.edit(id, |router| {
        add(router);
        router.set_time("counted", now);
    });
    // The account shows what it ever sent and received.
    if let Some(owner) = owner.filter(|_| sent > 0) {
        tx.edit(owner, add);
    }
}

/// Tells the counters, once at one instant: a router that is rebooted has told its last
/// count at the instant at which it starts from 0, and two counts of one instant would
/// contradict each other; the next one says that it restarted. Says whether it told them.
fn sample(tx: &mut Tx<'_>, id: ThingId) -> bool {
    let now = tx.now;
    let router = tx.thing(id);
    let Some(owner) = router.owner else { return true };
    if router.time("sampled") == Some(now) {
        return false;
    }
    let number = |thing: Option<ThingId>| thing.map_or(0, |thing| thing.0);
    let bytes = |column: &str| u64::try_from(router.int(column)).unwrap_or_default();
    let zone = i64::try_from(number(router.id_of("zoneid"))).unwrap_or_default();
    let sample = NetworkSample {
        series: SeriesKey {
            account: AccountId(owner.0),
            zone: ZoneId::from_source(zone),
            device_type: DeviceType::DomainRouter,
            device: id.0,
            network: NetworkId(number(router.id_of("guestnetworkid"))),
            address: None,
        },
        sampled: tx.now,
        bytes_sent: bytes("sentbytes"),
        bytes_received: bytes("receivedbytes"),
        restarted: router.flag("restarted"),
    };
    tx.sample(sample);
    tx.edit(id, |router| {
        router.set_time("sampled", now).set_flag("restarted", false);
    });
    true
}

/// Takes the router of a network away.
pub(crate) fn destroy_of(tx: &mut Tx<'_>, network: ThingId) {
    if let Some(id) = of_network(tx, network) {
        if tx.thing(id).state == "Running" {
            tx.move_to(id, "Stopped");
        }
        tx.remove_with_dependants(id);
    }
}

fn must_be(call: &Call<'_, '_>, state: &str, doing: &str) -> Result<(), ApiError> {
    let router = call.entity();
    if router.state == state {
        return Ok(());
    }
    Err(ApiError::value(format!(
        "the router {} is {} and cannot be {doing}",
        router.text("name"),
        router.state
    )))
}

pub(super) fn start(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    must_be(call, "Stopped", "started")?;
    let id = call.entity_id();
    run(call.tx, id)?;
    Ok(Done::Thing(id))
}

pub(super) fn stop(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    must_be(call, "Running", "stopped")?;
    let id = call.entity_id();
    call.move_to(id, "Stopped");
    Ok(Done::Thing(id))
}

pub(super) fn reboot(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    must_be(call, "Running", "rebooted")?;
    let id = call.entity_id();
    let host = call.entity().id_of("hostid");
    call.move_to(id, "Stopped");
    call.edit(id, |router| {
        router.set_ref("hostid", host);
    });
    call.move_to(id, "Running");
    Ok(Done::Thing(id))
}

pub(super) fn destroy(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let network = call.entity().id_of("guestnetworkid").expect("routers have a network");
    destroy_of(call.tx, network);
    call.edit(network, |network| {
        network.set_flag("restartrequired", true);
    });
    Ok(Done::Thing(id))
}

pub(super) fn change_offering(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    must_be(call, "Stopped", "given another offering")?;
    let (id, offering) = (call.entity_id(), call.args.id_required("serviceofferingid"));
    if !call.thing(offering).flag("issystem") {
        return Err(ApiError::value(format!(
            "the service offering {} is not for system VMs",
            call.thing(offering).text("name")
        )));
    }
    call.edit(id, |router| {
        router.set_ref("serviceofferingid", offering);
    });
    Ok(Done::Thing(id))
}
