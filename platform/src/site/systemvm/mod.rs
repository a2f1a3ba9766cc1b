//! System VMs: console proxies and secondary storage VMs.
//!
//! An enabled zone has one of each as soon as it has a host to run them and an image
//! store to serve. They are nobody's and are billed to nobody. One that is destroyed
//! is replaced; one that is stopped is started again by the cloud after a while.

mod operate;

use cloudtally_model::{ApiError, Millis};

use crate::{
    col,
    engine::{Level, Node, Resource, ResourceId, Tx, View, World, happened, table},
    offering::{
        hypervisor::BARE_METAL,
        serviceoffering::{self, CONSOLE_PROXY, STORAGE_VM},
    },
    parse::given::{self, dotted},
    site::{addressrange, capacity, imagecopy, machine, placement, podaddress, zonestore},
    state::{MachineState, PoolState},
    table::{
        Command, Kind, KindSpec, Machine, Object, ParamType::*, Roles, WireType as W, f, fields::*,
        group, hidden, list, own, p,
    },
};

/// `storageid` is the pool of its disk, where there is one; `waitsfor` a pool whose
/// maintenance has stopped it; `publicrange` what its public address is of; `due` when the
/// cloud starts it again.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::SystemVm, &SYSTEM_VM)
    .infrastructure()
    .machine(Machine {
        halt: machine::halt_by_states,
        start_elsewhere: |tx, vm, _| start_elsewhere(tx, vm),
    })
    .hidden(&[
        hidden("serviceofferingid", W::Id(Kind::ServiceOffering)),
        hidden("storageid", W::Id(Kind::StoragePool)),
        hidden("waitsfor", W::Id(Kind::StoragePool)),
        hidden("publicrange", W::Id(Kind::VlanIpRange)),
        hidden("due", W::Date),
    ])
    .states(table!(MachineState: Stopped, Starting, Running, Stopping, Migrating;
        Stopped => Starting;
        Starting => Running, Stopped;
        Running => Stopping, Migrating;
        Migrating => Running;
        Stopping => Stopped, Running;
    ))
    .keyword(&[col::NAME])
    .job_instance("SystemVm")
    .on_due(start_by_itself)
    .on_move(moved);

pub(crate) const SYSTEM_VM: Object = Object {
    name: "SystemVm",
    fields: &[
        ID,
        f("systemvmtype", W::Str),
        JOB_ID,
        JOB_STATUS,
        ZONE_ID,
        ZONE_NAME,
        f("dns1", W::Str).join(col::ZONE_ID, "dns1"),
        f("dns2", W::Str).join(col::ZONE_ID, "dns2"),
        f("networkdomain", W::Str).join(col::ZONE_ID, "dnsdomain"),
        f("gateway", W::Str).by(gateway),
        f("name", W::Str),
        f("podid", W::Id(Kind::Pod)),
        f("hostid", W::Id(Kind::Host)),
        f("hostname", W::Str).join(col::HOST_ID, "name"),
        f("privateip", W::Str),
        f("privatemacaddress", W::Str).by(|view| Node::text(mac(view.resource, 0x06))),
        f("privatenetmask", W::Str).join(col::POD_ID, "netmask"),
        f("linklocalip", W::Str).by(link_local),
        f("linklocalmacaddress", W::Str).by(|view| Node::text(mac(view.resource, 0x0e))),
        f("linklocalnetmask", W::Str).by(|_| Node::text(LINK_LOCAL_NETMASK)),
        f("publicip", W::Str),
        f("publicmacaddress", W::Str).by(public_mac),
        f("publicnetmask", W::Str).join(col::PUBLIC_RANGE, "netmask"),
        f("templateid", W::Id(Kind::Template)),
        CREATED,
        STATE,
        f("activeviewersessions", W::Int).by(sessions),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("changeServiceForSystemVm")
        .doc("Gives a stopped system VM another service offering")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::SystemVm)).required(),
            p("serviceofferingid", Id(Kind::ServiceOffering)).required(),
        ])
        .event("VM.UPGRADE")
        .object("systemvm", &SYSTEM_VM)
        .kind(Kind::SystemVm)
        .check(operate::check_change)
        .act(operate::change_service),
    own("destroySystemVm")
        .doc("Destroys a system VM; a new one takes its place")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::SystemVm)).required()])
        .job("PROXY.DESTROY") // `SSVM.DESTROY` for a secondary storage VM
        .object("systemvm", &SYSTEM_VM)
        .kind(Kind::SystemVm)
        .event_by(|_, vm| event(vm, "PROXY.DESTROY", "SSVM.DESTROY"))
        .act(operate::destroy),
    list("listSystemVms", Kind::SystemVm)
        .doc("Lists console proxies and secondary storage VMs")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)),
            p("id", Id(Kind::SystemVm)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("state", Str),
            p("systemvmtype", Str).doc("`consoleproxy` or `secondarystoragevm`"),
            p("zoneid", Id(Kind::Zone)),
            p("storageid", Id(Kind::StoragePool)),
        ])
        .groups(&[group::PAGED])
        .items("systemvm", &SYSTEM_VM),
    own("migrateSystemVm")
        .doc("Moves a running system VM to another host")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)).required().doc("the host to move to"),
            p("virtualmachineid", Id(Kind::SystemVm)).required().doc("the system VM"),
        ])
        .job("VM.MIGRATE")
        .object("systemvminstance", &SYSTEM_VM)
        .kind(Kind::SystemVm)
        .begin(|call| Ok(call.args.id("virtualmachineid")))
        .check(operate::check_migrate)
        .act(operate::migrate)
        .on_failure(operate::runs_on),
    own("rebootSystemVm")
        .doc("Reboots a running system VM")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::SystemVm)).required()])
        .job("PROXY.REBOOT") // `SSVM.REBOOT` for a secondary storage VM
        .object("systemvm", &SYSTEM_VM)
        .kind(Kind::SystemVm)
        .event_by(|_, vm| event(vm, "PROXY.REBOOT", "SSVM.REBOOT"))
        .act(operate::reboot),
    own("scaleSystemVm")
        .doc("Gives a system VM another service offering while it runs")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::SystemVm)).required(),
            p("serviceofferingid", Id(Kind::ServiceOffering)).required(),
        ])
        .job("VM.UPGRADE")
        .object("systemvm", &SYSTEM_VM)
        .kind(Kind::SystemVm)
        .check(operate::check_scale)
        .act(operate::change_service),
    own("startSystemVm")
        .doc("Starts a stopped system VM")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::SystemVm)).required()])
        .job("PROXY.START") // `SSVM.START` for a secondary storage VM
        .object("systemvm", &SYSTEM_VM)
        .kind(Kind::SystemVm)
        .event_by(|_, vm| event(vm, "PROXY.START", "SSVM.START"))
        .act(operate::start_again)
        .on_failure(operate::start_failed),
    own("stopSystemVm")
        .doc("Stops a running system VM")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::SystemVm)).required(),
            p("forced", Bool).doc("true to count it as stopped although its host does not answer"),
        ])
        .job("PROXY.STOP") // `SSVM.STOP` for a secondary storage VM
        .object("systemvm", &SYSTEM_VM)
        .kind(Kind::SystemVm)
        .event_by(|_, vm| event(vm, "PROXY.STOP", "SSVM.STOP"))
        .act(operate::stop)
        .on_failure(operate::runs_on),
];

/// The type of an event, by what the VM is there for.
fn event(vm: &Resource, proxy: &'static str, storage: &'static str) -> &'static str {
    if vm.text(col::SYSTEM_VM_TYPE) == CONSOLE_PROXY { proxy } else { storage }
}

/// The netmask of the addresses by which hosts speak to the system's VMs.
pub(crate) const LINK_LOCAL_NETMASK: &str = "255.255.0.0";

/// A hardware address that no other VM has: by the number of the resource.
pub(crate) fn mac(vm: &Resource, first: u8) -> String {
    let [.., a, b, c, d] = vm.id.0.to_be_bytes();
    format!("{first:02x}:01:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

fn public_mac(view: &View<'_>) -> Node {
    match view.resource.id_of(col::PUBLIC_RANGE) {
        Some(_) => Node::text(mac(view.resource, 0x0a)),
        None => Node::Null,
    }
}

/// The way out: of the public network, where it has an address there, else of its pod.
fn gateway(view: &View<'_>) -> Node {
    let of = view.resource.id_of(col::PUBLIC_RANGE).or_else(|| view.resource.id_of(col::POD_ID));
    Node::text_if(of.map(|id| view.world.resource(id).text(col::GATEWAY)))
}

/// The address by which the host speaks to it, where it runs.
pub(crate) fn link_local(view: &View<'_>) -> Node {
    if view.resource.id_of(col::HOST_ID).is_none() {
        return Node::Null;
    }
    let [.., a, b] = view.resource.id.0.to_be_bytes();
    Node::text(format!("169.254.{a}.{b}"))
}

/// Nobody watches a console of a simulated guest.
fn sessions(view: &View<'_>) -> Node {
    match view.resource.text(col::SYSTEM_VM_TYPE) {
        CONSOLE_PROXY => Node::Int(0),
        _ => Node::Null,
    }
}

/// Makes and starts the system VMs that an enabled zone lacks, once it has a host
/// that takes them and an image store. Does nothing as long as it cannot.
pub(crate) fn bring_up(tx: &mut Tx<'_>, zone: ResourceId) {
    let resource = tx.resource(zone);
    if resource.text(col::ALLOCATION_STATE) != given::ENABLED || !zonestore::serves(tx, zone) {
        return;
    }
    imagecopy::put_built_in(tx, zone);
    for (system_vm_type, prefix) in [(CONSOLE_PROXY, "v"), (STORAGE_VM, "s")] {
        let exists = tx
            .referring(zone, Kind::SystemVm, col::ZONE_ID)
            .any(|vm| vm.text(col::SYSTEM_VM_TYPE) == system_vm_type);
        let offering = serviceoffering::default_for(tx, system_vm_type);
        let (false, Some(offering)) = (exists, offering) else { continue };
        let Some(host) = host_for(tx, zone, offering) else { continue };
        let pod = tx.resource(host).id_of(col::POD_ID).expect("hosts are in a pod");
        let Some(address) = podaddress::free_address(tx, pod) else { continue };
        let id = tx.insert(Kind::SystemVm, |vm| {
            let name = format!("{prefix}-{}-VM", vm.id);
            vm.set_text(col::NAME, &name)
                .set_text(col::SYSTEM_VM_TYPE, system_vm_type)
                .set_ref(col::ZONE_ID, zone)
                .set_ref(col::POD_ID, pod)
                .set_ref(col::SERVICE_OFFERING_ID, offering)
                .set_text(col::PRIVATE_IP, &dotted(address));
        });
        tell(tx, id, "PROXY.CREATE", "SSVM.CREATE", "created");
        start_on(tx, id, host);
        tx.move_to(id, MachineState::Running);
        tell(tx, id, "PROXY.START", "SSVM.START", "started");
    }
}

fn tell(tx: &mut Tx<'_>, id: ResourceId, proxy: &'static str, storage: &'static str, what: &str) {
    let vm = tx.resource(id);
    let kind = event(vm, proxy, storage);
    let text = format!("The system VM {} was {what}", vm.text(col::NAME));
    happened(tx, kind, Level::Info, Some(id), text);
}

/// The host of a zone with most room for a VM of the system, by its offering.
fn host_for(world: &World, zone: ResourceId, offering: ResourceId) -> Option<ResourceId> {
    host_in(world, zone, None, None, offering)
}

/// The same in a pod, if one is named, and on another host than the one that is avoided.
pub(crate) fn host_in(
    world: &World,
    zone: ResourceId,
    pod: Option<ResourceId>,
    avoided: Option<ResourceId>,
    offering: ResourceId,
) -> Option<ResourceId> {
    let offering = world.resource(offering);
    let demand = (serviceoffering::cpu_mhz(offering), serviceoffering::memory_bytes(offering));
    let fits = |host: &&Resource| {
        placement::takes_new(world, host)
            && avoided != Some(host.id)
            && pod.is_none_or(|pod| host.id_of(col::POD_ID) == Some(pod))
            && host.text(col::HYPERVISOR) != BARE_METAL
            && given::has_all_tags(host.text(col::HOST_TAGS), offering.text(col::HOST_TAGS))
            && capacity::host_has_room(world, host.id, demand)
    };
    let hosts = world.referring(zone, Kind::Host, col::ZONE_ID).filter(fits);
    // The oldest of those with as much room.
    hosts
        .rev()
        .max_by_key(|host| capacity::host_free_memory_bytes(world, host.id))
        .map(|host| host.id)
}

/// Gives a system VM a public address, if it has none and the zone has any to give; it
/// keeps the address until it is destroyed, and nobody pays for it.
fn take_address(tx: &mut Tx<'_>, id: ResourceId) {
    let vm = tx.resource(id);
    let zone = vm.id_of(col::ZONE_ID).expect("system VMs are in a zone");
    if vm.id_of(col::PUBLIC_RANGE).is_none()
        && let Some((range, address)) = addressrange::free_for_system(tx, zone)
    {
        tx.edit(id, |vm| {
            vm.set_ref(col::PUBLIC_RANGE, range).set_text(col::PUBLIC_IP, &address);
        });
    }
}

/// Gives the system VMs of a seeded zone, which came before its networks, public addresses.
pub(crate) fn take_addresses(tx: &mut Tx<'_>, zone: ResourceId) {
    for id in tx.ids_referring(zone, Kind::SystemVm, col::ZONE_ID) {
        take_address(tx, id);
    }
}

/// Begins to start a stopped system VM on a host, with its disk on a pool there.
fn start_on(tx: &mut Tx<'_>, id: ResourceId, host: ResourceId) {
    tx.move_to(id, MachineState::Starting);
    take_address(tx, id);
    let machine = tx.resource(host);
    let (cluster, zone) = (machine.id_of(col::CLUSTER_ID), machine.id_of(col::ZONE_ID));
    let pool = tx
        .all(Kind::StoragePool)
        .filter(|pool| pool.is(PoolState::Up) && pool.text(col::SCOPE) != "HOST")
        .find(|pool| match pool.id_of(col::CLUSTER_ID) {
            Some(of) => Some(of) == cluster,
            None => pool.id_of(col::ZONE_ID) == zone,
        })
        .map(|pool| pool.id);
    tx.edit(id, |vm| {
        vm.set_ref(col::HOST_ID, host).set_ref(col::STORAGE_ID, pool).set_ref(col::WAITS_FOR, None);
    });
}

/// Begins to start a stopped system VM where there is room, with an address of the
/// pod; returns the host.
fn start(tx: &mut Tx<'_>, id: ResourceId) -> Result<ResourceId, ApiError> {
    let vm = tx.resource(id).clone();
    let zone = vm.id_of(col::ZONE_ID).expect("system VMs are in a zone");
    let offering = vm.id_of(col::SERVICE_OFFERING_ID).expect("system VMs have an offering");
    let host = host_for(tx, zone, offering).ok_or_else(|| {
        vm.refused_as(
            ApiError::server_capacity,
            "id",
            format!(
                "finds no host with room in the zone {}; add a host or enable one",
                tx.resource(zone).text(col::NAME)
            ),
        )
    })?;
    let pod = tx.resource(host).id_of(col::POD_ID).expect("hosts are in a pod");
    if vm.id_of(col::POD_ID) != Some(pod) {
        let address = podaddress::free_address(tx, pod).ok_or_else(|| {
            tx.resource(pod).refused_as(
                ApiError::address_capacity,
                "podid",
                "has no free address for system VMs; widen its range",
            )
        })?;
        tx.edit(id, |vm| {
            vm.set_ref(col::POD_ID, pod).set_text(col::PRIVATE_IP, &dotted(address));
        });
    }
    start_on(tx, id, host);
    Ok(host)
}

/// Starts a system VM again that stopped because its host is gone; it stays stopped
/// where no other host has room.
pub(crate) fn start_elsewhere(tx: &mut Tx<'_>, id: ResourceId) {
    if start(tx, id).is_ok() {
        tx.move_to(id, MachineState::Running);
        tell(tx, id, "PROXY.HA", "SSVM.HA", "started again after the failure of its host");
    }
}

/// The time after its stop until the cloud starts a system VM again, and after a try that
/// found no room it tries again.
const STOPPED_MAX: Millis = Millis(300_000);

/// One that stops is looked at again, one that does anything else is not.
fn moved(tx: &mut Tx<'_>, id: ResourceId, _from: &'static str) {
    let due = (tx.resource(id).is(MachineState::Stopped)).then(|| tx.now + STOPPED_MAX);
    tx.edit(id, |vm| {
        vm.set_time(col::DUE, due);
    });
}

/// Starts a stopped system VM where its zone is enabled and has room; one that waits for the
/// end of a pool's maintenance goes on waiting.
fn start_by_itself(tx: &mut Tx<'_>, id: ResourceId) {
    let vm = tx.resource(id);
    let zone = vm.id_of(col::ZONE_ID).expect("system VMs are in a zone");
    let may_start = vm.is(MachineState::Stopped)
        && vm.id_of(col::WAITS_FOR).is_none()
        && tx.resource(zone).text(col::ALLOCATION_STATE) == given::ENABLED;
    if may_start && start(tx, id).is_ok() {
        tx.move_to(id, MachineState::Running);
        return tell(tx, id, "PROXY.START", "SSVM.START", "started again by the cloud");
    }
    let due = (tx.resource(id).is(MachineState::Stopped)).then(|| tx.now + STOPPED_MAX);
    tx.edit(id, |vm| {
        vm.set_time(col::DUE, due);
    });
}

/// Starts the system VMs again that waited for the end of a pool's maintenance; those
/// that find no room stay stopped.
pub(crate) fn start_waiting(tx: &mut Tx<'_>, pool: ResourceId) {
    for id in tx.ids_referring(pool, Kind::SystemVm, col::WAITS_FOR) {
        if tx.resource(id).is(MachineState::Stopped) && start(tx, id).is_ok() {
            tx.move_to(id, MachineState::Running);
            tell(tx, id, "PROXY.START", "SSVM.START", "started after the maintenance of its pool");
        }
    }
}

/// Restarts every system VM that runs, so that it reads what has changed.
pub(crate) fn restart_all(tx: &mut Tx<'_>) {
    let running = tx.all(Kind::SystemVm).filter(|vm| vm.is(MachineState::Running));
    let running: Vec<ResourceId> = running.map(|vm| vm.id).collect();
    for id in running {
        restart(tx, id);
        tell(tx, id, "PROXY.REBOOT", "SSVM.REBOOT", "rebooted");
    }
}

/// Down and up again on its host.
fn restart(tx: &mut Tx<'_>, id: ResourceId) {
    let host = tx.resource(id).id_of(col::HOST_ID).expect("what runs is on a host");
    tx.move_to(id, MachineState::Stopping);
    tx.move_to(id, MachineState::Stopped);
    start_on(tx, id, host);
    tx.move_to(id, MachineState::Running);
}
