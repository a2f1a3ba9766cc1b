//! Virtual routers, on hosts that have room for them: one for each isolated network that
//! needs it, or two where its offering is redundant; one for all tiers of a VPC
//! (`vpc/router.rs`); for a shared network whose offering
//! names them one in each pod that has machines on it, of the system's own account. Those of
//! isolated networks count the bytes that are billed, from 0 each time they start; of a
//! pair only the master does. Those of shared networks forward nothing.
//!
//! # Source
//! Guide 8.1.4; usage rules 5; polling as `router.stats.interval` says.

use std::collections::BTreeSet;

use cloudtally_model::{
    AccountId, ApiError, DeviceType, Millis, NetworkId, NetworkSample, SeriesKey, Text, ZoneId,
};

use super::{guest, guestaddress, vpc::part};
use crate::{
    col,
    desk::simulator::{RECEIVED_BYTES_PER_S, SENT_BYTES_PER_S},
    engine::{Call, Column, Done, Level, Resource, ResourceId, Tx, World, happened, own_users},
    offering::{networkoffering, networkservice, serviceoffering},
    site::{
        addressrange,
        served::{self, networks_of, routers_of},
        systemvm,
    },
    state::{MachineState, NetworkState},
    table::Kind,
};

/// Makes sure that a network that needs routers has them, and that they run.
pub(crate) fn ensure(tx: &mut Tx<'_>, network: ResourceId) -> Result<(), ApiError> {
    let on = tx.resource(network).clone();
    if on.text(col::TYPE) == "Shared" {
        return ensure_in_pods(tx, &on);
    }
    let is_needed = ["Dhcp", "Dns", "SourceNat", "Firewall", "Lb"]
        .iter()
        .any(|service| guest::provides(tx, &on, service));
    if !is_needed {
        return Ok(());
    }
    let wanted = if networkoffering::is_redundant(guest::offering_of(tx, &on)) { 2 } else { 1 };
    let mut routers = routers_of(tx, network);
    while routers.len() < wanted {
        routers.push(insert(tx, &on, None)?);
    }
    for id in routers {
        run_if_stopped(tx, id)?;
    }
    Ok(())
}

/// The same for a shared network: a router in each pod in which machines of it are.
fn ensure_in_pods(tx: &mut Tx<'_>, on: &Resource) -> Result<(), ApiError> {
    let by = "VirtualRouter";
    let is_named = guest::offering_of(tx, on).map(col::PROVIDERS).iter().any(|(_, who)| who == by);
    let physical = on.id_of(col::PHYSICAL_NETWORK_ID);
    let is_enabled =
        physical.is_some_and(|id| networkservice::enabled_provider(tx, id, by).is_some());
    if !is_named || !is_enabled {
        return Ok(());
    }
    let pods: BTreeSet<ResourceId> = tx
        .referring(on.id, Kind::Nic, col::NETWORK_ID)
        .filter_map(|nic| tx.resource(nic.id_of(col::VIRTUAL_MACHINE_ID)?).id_of(col::HOST_ID))
        .filter_map(|host| tx.resource(host).id_of(col::POD_ID))
        .collect();
    for pod in pods {
        let mut routers = routers_of(tx, on.id).into_iter();
        let id = match routers.find(|id| tx.resource(*id).id_of(col::POD_ID) == Some(pod)) {
            Some(id) => id,
            None => insert(tx, on, Some(pod))?,
        };
        run_if_stopped(tx, id)?;
    }
    Ok(())
}

/// Starts a router that is stopped.
pub(crate) fn run_if_stopped(tx: &mut Tx<'_>, id: ResourceId) -> Result<(), ApiError> {
    if tx.resource(id).is(MachineState::Stopped) { run(tx, id) } else { Ok(()) }
}

/// Starts a stopped router on the host of its zone that has the most room: in its pod, where
/// it is for one, and not beside its peer, if there is another.
fn run(tx: &mut Tx<'_>, id: ResourceId) -> Result<(), ApiError> {
    let router = tx.resource(id);
    let zone = router.id_of(col::ZONE_ID).expect("routers are in a zone");
    let of_network = || {
        let network = tx.resource(router.id_of(col::GUEST_NETWORK_ID)?);
        networkoffering::router_offering(tx, tx.resource(network.id_of(col::NETWORK_OFFERING_ID)?))
    };
    let default = || serviceoffering::default_for(tx, serviceoffering::ROUTER);
    let offering = router.id_of(col::SERVICE_OFFERING_ID).or_else(of_network).or_else(default);
    let pod = router.id_of(col::POD_ID).filter(|_| is_of_shared(tx, router));
    let beside = peer(tx, id).and_then(|peer| tx.resource(peer).id_of(col::HOST_ID));
    let host = offering.and_then(|offering| {
        let apart = systemvm::host_in(tx, zone, pod, beside, offering);
        apart.or_else(|| systemvm::host_in(tx, zone, pod, None, offering))
    });
    let host = host.ok_or_else(|| {
        router.refused_as(
            ApiError::server_capacity,
            "id",
            format!(
                "finds no host with room in the zone {}; add a host or enable one",
                tx.resource(zone).text(col::NAME)
            ),
        )
    })?;
    let pod = tx.resource(host).id_of(col::POD_ID);
    tx.edit(id, |router| {
        router
            .set_ref(col::SERVICE_OFFERING_ID, offering)
            .set_ref(col::HOST_ID, host)
            .set_ref(col::POD_ID, pod);
    });
    tx.move_to(id, MachineState::Running);
    Ok(())
}

/// Starts a router again that stopped because its host is gone; it stays stopped where
/// no other host has room.
pub(crate) fn start_elsewhere(tx: &mut Tx<'_>, id: ResourceId) {
    let (level, outcome) = match run(tx, id) {
        Ok(()) => (Level::Info, "was started again on another host".to_owned()),
        Err(error) => (Level::Error, format!("cannot be started again: {}", error.text)),
    };
    let text =
        format!("The host of the router {} is gone; it {outcome}", tx.resource(id).text(col::NAME));
    happened(tx, "ROUTER.HA", level, Some(id), text);
}

/// Makes a stopped router of a network, in a pod of a shared one.
fn insert(tx: &mut Tx<'_>, on: &Resource, pod: Option<ResourceId>) -> Result<ResourceId, ApiError> {
    let is_redundant = pod.is_none() && networkoffering::is_redundant(guest::offering_of(tx, on));
    // 1. Its address: the gateway, or one beside it where that is not the router's own. The
    //    last one of a shared network is left to it, if any is left.
    let direct = pod.and_then(|_| addressrange::last_free(tx, on.id));
    let (range, guest_address) = match (pod, direct) {
        (Some(_), Some((range, address))) => (Some(range), address),
        (Some(_), None) => (None, String::new()),
        (None, _) if is_redundant => (None, guestaddress::free_in(tx, on.id, None)?),
        (None, _) => (None, on.text(col::GATEWAY).to_owned()),
    };
    let netmask =
        range.map_or(on.text(col::NETMASK), |range| tx.resource(range).text(col::NETMASK));
    let netmask = netmask.to_owned();
    // 2. Those of shared networks are the system's.
    let owner = match pod {
        Some(_) => tx.resource(own_users::system_user(tx)).owner,
        None => on.owner,
    };
    let id = tx.insert(Kind::Router, |router| {
        router.owner = owner;
        router
            .set_ref(col::ZONE_ID, on.id_of(col::ZONE_ID))
            .set_ref(col::POD_ID, pod)
            .set_text(col::DNS1, on.text(col::DNS1))
            .set_text(col::GUEST_NETMASK, &netmask)
            .set_ref(col::GUEST_NETWORK_ID, on.id)
            .set_ref(col::GUEST_RANGE, range)
            .set_flag(col::IS_REDUNDANT_ROUTER, is_redundant)
            .set_text(col::REDUNDANT_STATE, "UNKNOWN")
            .set_text(col::ROLE, "VIRTUAL_ROUTER");
        if !guest_address.is_empty() {
            router.set_text(col::GUEST_IP_ADDRESS, &guest_address);
        }
    });
    tx.edit(id, |router| {
        router.set_text(col::NAME, &format!("r-{id}-VM"));
    });
    Ok(id)
}

/// A router of a shared network gives its address to a machine that gets it, and takes
/// another, if any is left: the addresses are there for machines.
pub(crate) fn give_way(tx: &mut Tx<'_>, network: ResourceId, address: &str) {
    let in_the_way = routers_of(tx, network)
        .into_iter()
        .find(|id| tx.resource(*id).text(col::GUEST_IP_ADDRESS) == address);
    let Some(id) = in_the_way else { return };
    let other = addressrange::last_free(tx, network);
    tx.edit(id, |router| {
        router.set_ref(col::GUEST_RANGE, other.as_ref().map(|(range, _)| *range));
        match &other {
            Some((_, address)) => router.set_text(col::GUEST_IP_ADDRESS, address),
            None => router.clear(col::GUEST_IP_ADDRESS),
        };
    });
}

fn is_of_shared(world: &World, router: &Resource) -> bool {
    networks_of(router).iter().any(|network| world.resource(*network).text(col::TYPE) == "Shared")
}

/// The other router of a redundant pair.
fn peer(world: &World, id: ResourceId) -> Option<ResourceId> {
    let router = world.resource(id);
    let network =
        router.id_of(col::GUEST_NETWORK_ID).filter(|_| router.flag(col::IS_REDUNDANT_ROUTER))?;
    routers_of(world, network).into_iter().find(|other| *other != id)
}

const MASTER: &str = "MASTER";

fn set_role(tx: &mut Tx<'_>, id: ResourceId, role: &str) {
    tx.edit(id, |router| {
        router.set_text(col::REDUNDANT_STATE, role);
    });
}

/// The first of a pair to run leads, the other waits behind it.
fn take_role(tx: &mut Tx<'_>, id: ResourceId) {
    if !tx.resource(id).flag(col::IS_REDUNDANT_ROUTER) {
        return;
    }
    let is_led = peer(tx, id).is_some_and(|peer| {
        let peer = tx.resource(peer);
        peer.is(MachineState::Running) && peer.text(col::REDUNDANT_STATE) == MASTER
    });
    set_role(tx, id, if is_led { "BACKUP" } else { MASTER });
}

/// The other of a pair leads from now on: what went by until now, the first has counted.
fn hand_over(tx: &mut Tx<'_>, id: ResourceId) {
    let Some(peer) = peer(tx, id) else { return };
    let has_led = tx.resource(id).text(col::REDUNDANT_STATE) == MASTER;
    set_role(tx, id, "UNKNOWN");
    if has_led && tx.resource(peer).is(MachineState::Running) {
        count(tx, peer);
        set_role(tx, peer, MASTER);
    }
}

/// A router counts from 0 when it starts, and for the last time when it stops.
pub(crate) fn moved(tx: &mut Tx<'_>, id: ResourceId, _from: &'static str) {
    let now = tx.now;
    let counts = !is_of_shared(tx, tx.resource(id));
    if tx.resource(id).is(MachineState::Running) {
        take_role(tx, id);
        if !counts {
            return;
        }
        tx.edit(id, |router| {
            router
                .set_int(col::SENT_BYTES, 0)
                .set_int(col::RECEIVED_BYTES, 0)
                .set_time(col::COUNTED, now)
                .set_flag(col::RESTARTED, true);
        });
        let due = now + if sample(tx, id) { interval(tx) } else { Millis(1) };
        tx.edit(id, |router| {
            router.set_time(col::DUE, due);
        });
    } else {
        if counts {
            count(tx, id);
            sample(tx, id);
        }
        hand_over(tx, id);
        tx.edit(id, |router| {
            router.set_time(col::DUE, None).set_ref(col::HOST_ID, None);
        });
    }
}

fn interval(world: &World) -> Millis {
    Millis(world.setting_number("router.stats.interval").saturating_mul(1000))
}

pub(crate) fn poll(tx: &mut Tx<'_>, id: ResourceId) {
    let due = tx.now + interval(tx);
    count(tx, id);
    sample(tx, id);
    tx.edit(id, |router| {
        router.set_time(col::DUE, due);
    });
}

/// Brings the counters up to date: what the running guests have sent and received
/// since they were looked at last.
pub(crate) fn count(tx: &mut Tx<'_>, id: ResourceId) {
    let router = tx.resource(id);
    let Some(since) = router.time(col::COUNTED) else { return };
    let guests: BTreeSet<ResourceId> = networks_of(router)
        .into_iter()
        .flat_map(|network| tx.referring(network, Kind::Nic, col::NETWORK_ID))
        .filter_map(|nic| nic.id_of(col::VIRTUAL_MACHINE_ID))
        .filter(|vm| tx.resource(*vm).is(MachineState::Running))
        .collect();
    let running = guests.len();
    let forwards =
        !router.flag(col::IS_REDUNDANT_ROUTER) || router.text(col::REDUNDANT_STATE) == MASTER;
    let guests = if forwards { i64::try_from(running).unwrap_or(i64::MAX) } else { 0 };
    let now = tx.now;
    let elapsed_s = (now.as_millis() - since.as_millis()).max(0) / 1000;
    let seconds = guests.saturating_mul(elapsed_s);
    let sent = seconds.saturating_mul(SENT_BYTES_PER_S);
    let received = seconds.saturating_mul(RECEIVED_BYTES_PER_S);
    let add = |resource: &mut Resource| {
        let total = |column: Column<i64>, more: i64| resource.int(column).saturating_add(more);
        let (sent, received) = (total(col::SENT_BYTES, sent), total(col::RECEIVED_BYTES, received));
        resource.set_int(col::SENT_BYTES, sent).set_int(col::RECEIVED_BYTES, received);
    };
    let owner = router.owner;
    tx.edit(id, |router| {
        add(router);
        router.set_time(col::COUNTED, now);
    });
    // The account shows what it ever sent and received.
    if let Some(owner) = owner.filter(|_| sent > 0) {
        tx.edit(owner, add);
    }
}

/// Tells the counters, once at one instant: a router that is rebooted has told its last
/// count at the instant at which it starts from 0, and two counts of one instant would
/// contradict each other; the next one says that it restarted. Says whether it told them.
fn sample(tx: &mut Tx<'_>, id: ResourceId) -> bool {
    let now = tx.now;
    let router = tx.resource(id);
    let Some(owner) = router.owner else { return true };
    if router.time(col::SAMPLED) == Some(now) {
        return false;
    }
    let number = |resource: Option<ResourceId>| resource.map_or(0, |resource| resource.0);
    let bytes = |column: Column<i64>| u64::try_from(router.int(column)).unwrap_or_default();
    let zone = i64::try_from(number(router.id_of(col::ZONE_ID))).unwrap_or_default();
    // That of a VPC counts what goes by at its public address, of whichever tier.
    let public = router.id_of(col::VPC_ID).and_then(|vpc| part::source_nat(tx, vpc));
    let address = public.map(|address| Text::from(address.text(col::IP_ADDRESS)));
    let sample = NetworkSample {
        series: SeriesKey {
            account: AccountId(owner.0),
            zone: ZoneId::from_source(zone),
            device_type: DeviceType::DomainRouter,
            device: id.0,
            network: NetworkId(number(router.id_of(col::GUEST_NETWORK_ID))),
            address,
        },
        sampled: tx.now,
        bytes_sent: bytes(col::SENT_BYTES),
        bytes_received: bytes(col::RECEIVED_BYTES),
        restarted: router.flag(col::RESTARTED),
    };
    tx.sample(sample);
    tx.edit(id, |router| {
        router.set_time(col::SAMPLED, now).set_flag(col::RESTARTED, false);
    });
    true
}

/// Stops the routers of a network that is shut down, but for those that another network
/// needs; they stay for when it is set up again.
pub(crate) fn stop_of(tx: &mut Tx<'_>, network: ResourceId) {
    for id in routers_of(tx, network) {
        let is_needed = networks_of(tx.resource(id))
            .into_iter()
            .any(|other| other != network && tx.resource(other).is(NetworkState::Implemented));
        if !is_needed && tx.resource(id).is(MachineState::Running) {
            tx.move_to(id, MachineState::Stopped);
        }
    }
}

/// Takes the routers of a network away, but for those that serve others.
pub(crate) fn destroy_of(tx: &mut Tx<'_>, network: ResourceId) {
    stop_of(tx, network);
    for id in routers_of(tx, network) {
        let was_first = tx.resource(id).id_of(col::GUEST_NETWORK_ID) == Some(network);
        // Its bytes are told under its first network: those so far, and from where the next begin.
        if was_first && networks_of(tx.resource(id)).len() > 1 {
            count(tx, id);
            sample(tx, id);
        }
        if !served::leave(tx, id, network) {
            tx.remove_with_dependants(id);
        } else if was_first {
            tx.edit(id, |router| {
                router.set_time(col::SAMPLED, None);
            });
            sample(tx, id);
        }
    }
}

/// Starts a router by hand, unless its network is shut down: then it starts with the network.
pub(crate) fn start(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    call.entity().must_be(&[MachineState::Stopped], "started", "id")?;
    let id = call.entity_id();
    let networks: Vec<&Resource> =
        networks_of(call.entity()).into_iter().map(|id| call.tx.resource(id)).collect();
    if let Some(network) = networks.first()
        && networks.iter().all(|network| network.is(NetworkState::Allocated))
    {
        let why = format!(
            "of the router {} is not set up; the router starts with the first virtual machine there",
            call.entity().text(col::NAME)
        );
        return Err(network.refused("id", why));
    }
    run(call.tx, id)?;
    Ok(Done::Resource(id))
}

pub(crate) fn stop(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    call.entity().must_be(&[MachineState::Running], "stopped", "id")?;
    let id = call.entity_id();
    call.tx.move_to(id, MachineState::Stopped);
    Ok(Done::Resource(id))
}

pub(crate) fn reboot(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    call.entity().must_be(&[MachineState::Running], "rebooted", "id")?;
    let id = call.entity_id();
    let host = call.entity().id_of(col::HOST_ID);
    call.tx.move_to(id, MachineState::Stopped);
    call.tx.edit(id, |router| {
        router.set_ref(col::HOST_ID, host);
    });
    call.tx.move_to(id, MachineState::Running);
    Ok(Done::Resource(id))
}

pub(crate) fn destroy(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let served = networks_of(call.entity()).into_iter().chain(call.entity().id_of(col::VPC_ID));
    let served: Vec<ResourceId> = served.collect();
    if call.entity().is(MachineState::Running) {
        call.tx.move_to(id, MachineState::Stopped);
    }
    call.tx.remove_with_dependants(id);
    for of in served {
        call.tx.edit(of, |of| {
            of.set_flag(col::RESTART_REQUIRED, true);
        });
    }
    Ok(Done::Resource(id))
}

pub(crate) fn change_offering(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    call.entity().must_be(&[MachineState::Stopped], "given another offering", "id")?;
    let (id, offering) = (call.entity_id(), call.args.id_required("serviceofferingid"));
    if !call.tx.resource(offering).flag(col::IS_SYSTEM) {
        return Err(call
            .tx
            .resource(offering)
            .refused("serviceofferingid", "is not for system VMs"));
    }
    call.tx.edit(id, |router| {
        router.set_ref(col::SERVICE_OFFERING_ID, offering);
    });
    Ok(Done::Resource(id))
}

#[cfg(test)]
mod tests {
    use cloudtally_model::{
        Instant,
        port::{ChangeSet, Journal, JournalError, Kept},
    };

    use super::*;
    use crate::{
        TABLES,
        engine::{Answer, Cloud, CloudOptions, Start},
    };

    /// Keeps nothing.
    struct Nowhere;

    impl Journal for Nowhere {
        fn load(&mut self) -> Result<Kept, JournalError> {
            Ok(Kept::default())
        }

        fn commit(&mut self, _: &ChangeSet) -> Result<(), JournalError> {
            Ok(())
        }
    }

    /// Does something in a new cloud.
    fn in_cloud(what: impl FnOnce(&mut Tx<'_>) + Send + 'static) {
        let options = CloudOptions {
            seed: 1,
            start: Start::Ready,
            is_simulated: true,
            entropy: |bytes| {
                bytes.fill(7);
                Ok(())
            },
        };
        let now = Instant::parse("2026-01-05T00:00:00Z").expect("an instant");
        let cloud = Cloud::open(&TABLES, Box::new(Nowhere), options, now).expect("a new cloud");
        let done = cloud.change(now, |tx| {
            what(tx);
            Ok(Answer::Success)
        });
        assert!(done.is_ok(), "{done:?}");
    }

    /// An isolated network of the admin in the first zone, set up.
    fn network(tx: &mut Tx<'_>, gateway: &str) -> ResourceId {
        let zone = tx.all(Kind::Zone).next().map(|zone| zone.id);
        let owner = tx.resource(own_users::admin_user(tx)).owner;
        let id = tx.insert(Kind::Network, |network| {
            network.owner = owner;
            network
                .set_ref(col::ZONE_ID, zone)
                .set_text(col::TYPE, "Isolated")
                .set_text(col::GATEWAY, gateway)
                .set_text(col::NETMASK, "255.255.255.0");
        });
        tx.move_to(id, NetworkState::Implemented);
        id
    }

    #[test]
    fn a_router_of_two_networks_stays_until_both_are_gone() {
        in_cloud(|tx| {
            let (one, two) = (network(tx, "10.1.1.1"), network(tx, "10.1.2.1"));
            let on = tx.resource(one).clone();
            let offering = serviceoffering::default_for(tx, "domainrouter");
            let router = tx.insert(Kind::Router, |router| {
                router.owner = on.owner;
                router
                    .set_ref(col::ZONE_ID, on.id_of(col::ZONE_ID))
                    .set_ref(col::SERVICE_OFFERING_ID, offering)
                    .set_ref(col::GUEST_NETWORK_ID, one)
                    .set_text(col::GUEST_IP_ADDRESS, "10.1.1.1");
            });
            served::serve(tx, router, two);
            served::serve(tx, router, two);
            assert_eq!(networks_of(tx.resource(router)), [one, two]);
            assert_eq!(routers_of(tx, two), [router]);
            run(tx, router).expect("a host has room");
            stop_of(tx, one);
            assert!(tx.resource(router).is(MachineState::Running), "the other network needs it");
            destroy_of(tx, one);
            assert_eq!(networks_of(tx.resource(router)), [two]);
            assert_eq!(tx.resource(router).text(col::GUEST_IP_ADDRESS), "10.1.2.1");
            assert!(tx.resource(router).is(MachineState::Running));
            destroy_of(tx, two);
            assert!(tx.get(Kind::Router, router).is_none(), "it serves nobody any more");
        });
    }
}
