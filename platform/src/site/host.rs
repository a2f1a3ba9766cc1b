//! Hosts: the machines VMs run on, their maintenance and their capacity.
//!
//! A host that is added is up at once: nothing stands behind its address but what
//! its URL and its hypervisor say. Its `state` is whether it answers; its
//! `resourcestate` is what the operator lets it do.

use cloudtally_model::ApiError;

use super::{
    capacity::{self, Amount},
    cluster, hostupdate, placement, pod, systemvm,
};
use crate::{
    col,
    compute::vm,
    desk::{alert, simulator},
    engine::{
        Answer, Call, Column, Done, Fields, Node, Query, Thing, ThingId, Tx, View, World, table,
    },
    network::router_vm,
    offering::{
        hypervisor::{self, BARE_METAL, HYPERVISORS, KVM, LXC, OVM, SIMULATOR, VMWARE, XEN_SERVER},
        serviceoffering::{CONSOLE_PROXY, STORAGE_VM},
    },
    parse::given::{self, Url},
    state::{HostState, MachineState},
    storage::volume,
    table::{
        Command, Kind, KindSpec, Machine, Object, OnDelete::*, ParamType::*, Roles, WasRunning,
        WireType as W, f, fields::*, group, hidden, own, p,
    },
};

/// What the operator lets a host do: everything, nothing new, nothing.
const ENABLED: &str = "Enabled";
const DISABLED: &str = "Disabled";
const PREPARING: &str = "PrepareForMaintenance";
const MAINTENANCE: &str = "Maintenance";
const IN_ERROR: &str = "ErrorInMaintenance";

/// The setting with the tag of hosts that are kept for restarts.
const SPARE_TAG: &str = "ha.tag";
/// How long after one look at machines on their way the next is.
const PASSING_MS: i64 = 10_000;
const GIB: i64 = 1 << 30;
/// The version of all agents.
const VERSION: &str = "4.2.1";

/// `reservation` is the planner that keeps the host for one use, if any.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Host, &HOST)
    .infrastructure()
    .hidden(&[
        hidden("url", W::Str),
        hidden("username", W::Str),
        hidden("passwordset", W::Date),
        hidden("reservation", W::Str),
    ])
    .states(table!(HostState: Up, Connecting, Disconnected, Down, Alert;
        Up => Disconnected, Down, Alert;
        Disconnected => Down, Up, Connecting;
        Alert => Disconnected;
        Down => Disconnected;
        Connecting => Up, Down;
    ))
    .keyword(&[col::NAME, col::RESOURCE_STATE, col::IP_ADDRESS])
    .job_instance("Host")
    .referred(&[
        (Kind::HostUpdate, col::HOST_ID.reference(), Remove),
        (Kind::StoragePool, col::HOST_ID.reference(), Remove),
        (Kind::Vm, col::HOST_ID.reference(), Forget),
        (Kind::Router, col::HOST_ID.reference(), Forget),
        (Kind::SystemVm, col::HOST_ID.reference(), Forget),
    ]);

pub(crate) const HOST: Object = Object {
    name: "Host",
    fields: &[
        ID,
        f("name", W::Str),
        STATE,
        f("disconnected", W::Date),
        f("type", W::Str),
        f("oscategoryid", W::Id(Kind::OsCategory)),
        f("oscategoryname", W::Str).join(col::OS_CATEGORY_ID, "name"),
        f("ipaddress", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join(col::POD_ID, "name"),
        f("version", W::Str),
        f("hypervisor", W::Str),
        f("cpunumber", W::Int),
        f("cpuspeed", W::Long),
        f("cpuallocated", W::Str).by(|view| percent(view, capacity::host_cpu_mhz)),
        f("cpuused", W::Str).by(|view| percent(view, capacity::host_cpu_mhz)),
        f("cpuwithoverprovisioning", W::Str).by(cpu_given_away),
        f("averageload", W::Long).by(|_| Node::Int(0)),
        f("networkkbsread", W::Long).by(|view| traffic(view, router_vm::RECEIVED_BYTES_PER_S)),
        f("networkkbswrite", W::Long).by(|view| traffic(view, router_vm::SENT_BYTES_PER_S)),
        f("memorytotal", W::Long),
        f("memoryallocated", W::Long).by(memory_allocated),
        f("memoryused", W::Long).by(memory_allocated),
        f("disksizetotal", W::Long),
        f("disksizeallocated", W::Long).by(local_disk),
        f("capabilities", W::Str),
        f("lastpinged", W::Date).by(last_pinged),
        f("managementserverid", W::Long).by(|_| Node::Int(1)),
        f("clusterid", W::Id(Kind::Cluster)),
        f("clustername", W::Str).join(col::CLUSTER_ID, "name"),
        f("clustertype", W::Str).join(col::CLUSTER_ID, "clustertype"),
        f("islocalstorageactive", W::Bool)
            .by(|view| Node::Bool(local_pool(view.world, view.thing.id).is_some())),
        CREATED,
        REMOVED,
        f("events", W::Str).by(|view| Node::text(events(view.thing))),
        f("hosttags", W::Str),
        f("hasenoughcapacity", W::Bool).by(|_| Node::Null),
        f("suitableformigration", W::Bool).by(|_| Node::Null),
        f("resourcestate", W::Str),
        f("hypervisorversion", W::Str),
        f("hahost", W::Bool).by(|view| Node::Bool(is_spare(view.world, view.thing))),
    ],
};

pub(crate) const HOST_FOR_MIGRATION: Object = Object {
    name: "HostForMigration",
    fields: &[
        ID,
        f("name", W::Str),
        STATE,
        f("disconnected", W::Date),
        f("type", W::Str),
        f("oscategoryid", W::Id(Kind::OsCategory)),
        f("oscategoryname", W::Str).join(col::OS_CATEGORY_ID, "name"),
        f("ipaddress", W::Str),
        ZONE_ID,
        ZONE_NAME,
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join(col::POD_ID, "name"),
        f("version", W::Str),
        f("hypervisor", W::Str),
        f("cpunumber", W::Int),
        f("cpuspeed", W::Long),
        f("cpuallocated", W::Str).by(|view| percent(view, capacity::host_cpu_mhz)),
        f("cpuused", W::Str).by(|view| percent(view, capacity::host_cpu_mhz)),
        f("cpuwithoverprovisioning", W::Str).by(cpu_given_away),
        f("averageload", W::Long).by(|_| Node::Int(0)),
        f("networkkbsread", W::Long).by(|view| traffic(view, router_vm::RECEIVED_BYTES_PER_S)),
        f("networkkbswrite", W::Long).by(|view| traffic(view, router_vm::SENT_BYTES_PER_S)),
        f("memorytotal", W::Long),
        f("memoryallocated", W::Long).by(memory_allocated),
        f("memoryused", W::Long).by(memory_allocated),
        f("disksizetotal", W::Long),
        f("disksizeallocated", W::Long).by(local_disk),
        f("capabilities", W::Str),
        f("lastpinged", W::Date).by(last_pinged),
        f("managementserverid", W::Long).by(|_| Node::Int(1)),
        f("clusterid", W::Id(Kind::Cluster)),
        f("clustername", W::Str).join(col::CLUSTER_ID, "name"),
        f("clustertype", W::Str).join(col::CLUSTER_ID, "clustertype"),
        f("islocalstorageactive", W::Bool)
            .by(|view| Node::Bool(local_pool(view.world, view.thing.id).is_some())),
        CREATED,
        REMOVED,
        f("events", W::Str).by(|view| Node::text(events(view.thing))),
        f("hosttags", W::Str),
        f("hasenoughcapacity", W::Bool).by(|_| Node::Null),
        f("suitableformigration", W::Bool).by(|_| Node::Null),
        f("requiresStorageMotion", W::Bool).by(|_| Node::Null),
        f("resourcestate", W::Str),
        f("hypervisorversion", W::Str),
        f("hahost", W::Bool).by(|view| Node::Bool(is_spare(view.world, view.thing))),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("addHost")
        .doc("Adds a host to a cluster; clusters of the simulator take `http://sim` URLs")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)),
            p("clustername", Str).doc("the name of a cluster to make for it; or give `clusterid`"),
            p("password", Secret).required(),
            p("podid", Id(Kind::Pod)).required(),
            p("url", Str)
                .required()
                .doc("the host, such as `http://10.1.1.5` or `http://sim/c0/h1`"),
            p("username", Str).required(),
            p("zoneid", Id(Kind::Zone)).required(),
            p("hypervisor", Str).required(),
            p("allocationstate", Str),
            p("hosttags", List),
        ])
        .items("host", &HOST)
        .act(add),
    own("cancelHostMaintenance")
        .doc("Puts a host in maintenance back to work")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("MAINT.CANCEL")
        .object("host", &HOST)
        .kind(Kind::Host)
        .check(check_cancel)
        .act(cancel_maintenance),
    own("deleteHost")
        .doc("Removes a host, in maintenance unless forced")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Host)).required(),
            p("forced", Bool).doc("true to remove it with VMs on it; they are started elsewhere"),
            p("forcedestroylocalstorage", Bool)
                .doc("true to destroy VMs that have their disks on it"),
        ])
        .success()
        .kind(Kind::Host)
        .act(remove),
    own("findHostsForMigration")
        .doc("Lists the hosts a VM can move to, best first")
        .roles(Roles::ROOT)
        .params(&[p("virtualmachineid", Id(Kind::Vm)).required()])
        .groups(&[group::PAGED])
        .items("host", &HOST_FOR_MIGRATION)
        .read(find_for_migration),
    own("listHosts")
        .doc("Lists hosts and other agents")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)),
            p("id", Id(Kind::Host)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("state", Str).doc("`Up`, `Down`, `Alert`, `Disconnected`, ..."),
            p("type", Str).doc("`Routing` for hosts of VMs, `SecondaryStorageVM`, `ConsoleProxy`"),
            p("zoneid", Id(Kind::Zone)),
            p("virtualmachineid", Id(Kind::Vm))
                .doc("shows only hosts this VM can move to without its volumes"),
            p("resourcestate", Str)
                .doc("`Enabled`, `Disabled`, `PrepareForMaintenance`, `Maintenance` or `Error`"),
            p("details", List).doc("what to show: `all`, `min`, `capacity`, `events`, `stats`"),
            p("hahost", Bool).doc("true for hosts kept free for restarts after a failure"),
        ])
        .groups(&[group::PAGED])
        .items("host", &HOST)
        .read(list_hosts),
    own("prepareHostForMaintenance")
        .doc("Moves the VMs off a host and takes nothing new on it")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("MAINT.PREPARE")
        .object("host", &HOST)
        .kind(Kind::Host)
        .check(check_prepare)
        .act(prepare_maintenance)
        .on_failure(maintenance_failed),
    own("reconnectHost")
        .doc("Drops the connection to a host and makes it again")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("HOST.RECONNECT")
        .object("host", &HOST)
        .kind(Kind::Host)
        .check(check_reconnect)
        .act(reconnect)
        .on_failure(reconnect_failed),
    own("releaseHostReservation")
        .doc("Ends a planner's reservation of a host, so that any VM may use it")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Host)).required()])
        .job("HOST.RESERVATION.RELEASE")
        .success()
        .kind(Kind::Host)
        .check(check_reserved)
        .act(release),
    own("updateHost")
        .doc("Changes tags, OS preference or allocation of a host")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Host)).required(),
            p("oscategoryid", Id(Kind::OsCategory)).doc("the OS category this host prefers"),
            p("allocationstate", Str)
                .doc("`Enable` or `Disable`; what is disabled takes nothing new"),
            p("hosttags", List),
            p("url", Str),
        ])
        .object("host", &HOST)
        .kind(Kind::Host)
        .act(change),
    own("updateHostPassword")
        .doc("Sets the password by which the system reaches a host or all of a cluster")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)).doc("the host; this or `clusterid`"),
            p("clusterid", Id(Kind::Cluster)).doc("the cluster; this or `hostid`"),
            p("username", Str).required(),
            p("password", Secret).required(),
        ])
        .success()
        .act(set_password),
];

fn percent(view: &View<'_>, of: fn(&World, ThingId) -> Amount) -> Node {
    Node::text(format!("{}%", of(view.world, view.thing.id).percent()))
}

fn cpu_given_away(view: &View<'_>) -> Node {
    Node::text(capacity::host_cpu_mhz(view.world, view.thing.id).total.to_string())
}

fn memory_allocated(view: &View<'_>) -> Node {
    Node::Int(capacity::host_memory_bytes(view.world, view.thing.id).used)
}

/// A host that answers has just done so.
fn last_pinged(view: &View<'_>) -> Node {
    if view.thing.is(HostState::Up) {
        return Node::Date(view.now);
    }
    view.thing.time(col::DISCONNECTED).map_or(Node::Null, Node::Date)
}

/// The pool on the disks of a host, where zones let VMs use these.
fn local_pool(world: &World, host: ThingId) -> Option<&Thing> {
    world.referring(host, Kind::StoragePool, col::HOST_ID).next()
}

fn local_disk(view: &View<'_>) -> Node {
    let pool = local_pool(view.world, view.thing.id);
    Node::Int(pool.map_or(0, |pool| capacity::pool_bytes(view.world, pool.id).used))
}

/// What can happen next to a host.
fn events(host: &Thing) -> &'static str {
    match host.state_as() {
        Some(HostState::Up) => {
            "Ping; PingTimeout; AgentDisconnected; HostDown; ShutdownRequested; Remove"
        }
        Some(HostState::Connecting) => "Ready; AgentDisconnected; HostDown; ShutdownRequested",
        _ => "AgentConnected; ManagementServerDown; Remove; Ping",
    }
}

/// Kilobytes a second of all guests that run on a host.
fn traffic(view: &View<'_>, bytes_per_s: i64) -> Node {
    let guests = capacity::machines_on(view.world, view.thing.id);
    let running = guests.filter(|guest| guest.kind == Kind::Vm && guest.is(MachineState::Running));
    let count = i64::try_from(running.count()).unwrap_or(i64::MAX);
    Node::Int(count.saturating_mul(bytes_per_s) / 1000)
}

/// Whether a host is kept free for restarts after failures.
pub(crate) fn is_spare(world: &World, host: &Thing) -> bool {
    let tag = world.setting(SPARE_TAG);
    !tag.is_empty() && given::has_all_tags(host.text(col::HOST_TAGS), tag)
}

/// What a machine is made of: cores, MHz of each, bytes of memory and of disks.
#[derive(Clone, Copy)]
struct Hardware {
    cores: i64,
    mhz: i64,
    memory_bytes: i64,
    disk_bytes: i64,
}

/// The hardware and version of hosts whose URL does not say.
fn typical(hypervisor: &str) -> (Hardware, &'static str) {
    let of = |cores, mhz, memory_gib, disk_gib| Hardware {
        cores,
        mhz,
        memory_bytes: memory_gib * GIB,
        disk_bytes: disk_gib * GIB,
    };
    match hypervisor {
        XEN_SERVER => (of(16, 2400, 128, 1024), "6.2.0"),
        KVM => (of(32, 2600, 256, 2048), "default"),
        VMWARE => (of(32, 2800, 256, 1024), "5.1"),
        OVM => (of(16, 2200, 64, 512), "2.3"),
        LXC => (of(16, 2600, 64, 512), "default"),
        BARE_METAL => (of(8, 2400, 32, 512), "default"),
        _ => (of(4, 8000, 8, 1024), "default"),
    }
}

/// What the last part of a simulator's URL says: `cpuspeed=..&memory=..`.
fn simulated(call: &Call<'_, '_>, url: &Url) -> Result<Hardware, ApiError> {
    let (mut hardware, _) = typical(SIMULATOR);
    let last = url.path.rsplit('/').next().unwrap_or_default();
    for pair in last.split('&').filter(|pair| pair.contains('=')) {
        let (name, value) = pair.split_once('=').unwrap_or_default();
        let expected = format!("{pair}: expected a number from 1");
        let number: Option<i64> = value.parse().ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| call.invalid("url", value, &expected))?;
        match name {
            "cpucore" => hardware.cores = number,
            "cpuspeed" => hardware.mhz = number,
            "memory" => hardware.memory_bytes = number,
            "localstorage" => hardware.disk_bytes = number,
            _ => {
                let expected = "expected `cpucore`, `cpuspeed`, `memory` and `localstorage`";
                return Err(call.invalid("url", name, expected));
            }
        }
    }
    Ok(hardware)
}

fn add(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. A hypervisor we know and an address of it.
    let hypervisor = given::word(call, "hypervisor", &HYPERVISORS)?.unwrap_or_default();
    let url = given::url(call, "url", &["http", "https"])?;
    let is_simulated = hypervisor == SIMULATOR;
    if url.host.is_empty() || is_simulated && !url.host.to_lowercase().starts_with("sim") {
        let expected = match is_simulated {
            true => "hosts of the simulator have URLs such as `http://sim/c0/h1`",
            false => "expected the address of the host, such as `http://10.1.1.5`",
        };
        return Err(call.invalid("url", call.args.text_required("url"), expected));
    }
    let (mut hardware, version) = typical(hypervisor);
    if is_simulated {
        hardware = simulated(call, &url)?;
    }
    // 2. A place for it.
    cluster::check_place(call)?;
    let cluster = place(call, hypervisor)?;
    // 3. Nobody else's address.
    let given_url = call.args.text_required("url").to_owned();
    let is_same = |host: &&Thing| host.text(col::URL).eq_ignore_ascii_case(&given_url);
    if let Some(host) = call.all(Kind::Host).find(is_same) {
        return Err(ApiError::value(format!(
            "the host {} has the URL {given_url} already; give another `url`",
            host.text(col::NAME)
        ))
        .about(host.uuid.to_string(), "id"));
    }
    // 4. The host itself, ready at once.
    let state = given::allocation_state(call)?.unwrap_or(ENABLED);
    let (zone, pod) = (call.args.id_required("zoneid"), call.args.id_required("podid"));
    let new = New {
        zone,
        pod,
        cluster,
        hypervisor,
        version,
        name: name_of(call, &url),
        url: given_url,
        username: call.args.text("username").unwrap_or_default().to_owned(),
        address: call.args.text_if_any("ipaddress").map(str::to_owned),
        tags: call.args.list("hosttags").join(","),
        resource_state: state,
        hardware,
    };
    let id = insert(call.tx, new);
    call.entity = Some(id);
    Ok(Done::Thing(id))
}

/// The same, for a host that is given to a tenant whole.
pub(crate) fn add_bare_metal(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    given::check_addresses(call, &["ipaddress"])?;
    let hypervisor = call.args.text_required("hypervisor");
    if !hypervisor.eq_ignore_ascii_case(BARE_METAL) {
        return Err(call.invalid("hypervisor", hypervisor, "expected `BareMetal`"));
    }
    add(call)
}

/// The cluster that is named, or a new one of that name.
fn place(call: &mut Call<'_, '_>, hypervisor: &'static str) -> Result<ThingId, ApiError> {
    let (zone, pod) = (call.args.id_required("zoneid"), call.args.id_required("podid"));
    let cluster = match (call.args.id("clusterid"), call.args.text("clustername")) {
        (Some(_), Some(_)) | (None, None) => {
            return Err(ApiError::value("give either `clusterid` or `clustername`"));
        }
        (Some(cluster), None) => cluster,
        (None, Some(name)) => {
            let name = name.to_owned();
            let cluster = call.tx.insert(Kind::Cluster, |cluster| {
                cluster
                    .set_text(col::NAME, &name)
                    .set_ref(col::ZONE_ID, zone)
                    .set_ref(col::POD_ID, pod)
                    .set_text(col::HYPERVISOR_TYPE, hypervisor)
                    .set_text(col::CLUSTER_TYPE, "CloudManaged")
                    .set_text(col::ALLOCATION_STATE, ENABLED)
                    .set_text(col::MANAGED_STATE, "Managed");
            });
            call.check_unique(call.thing(cluster))?;
            cluster
        }
    };
    let thing = call.thing(cluster);
    let uuid = thing.uuid.to_string();
    if thing.id_of(col::POD_ID) != Some(pod) {
        return Err(ApiError::value(format!(
            "the cluster {} is not in the pod {}; choose a cluster of that pod",
            thing.text(col::NAME),
            call.thing(pod).text(col::NAME)
        ))
        .about(uuid, "clusterid"));
    }
    if thing.text(col::HYPERVISOR_TYPE) != hypervisor {
        return Err(ApiError::value(format!(
            "the cluster {} is of {}; it takes no host of {hypervisor}",
            thing.text(col::NAME),
            thing.text(col::HYPERVISOR_TYPE)
        ))
        .about(uuid, "clusterid"));
    }
    let most = hypervisor::hosts_max(call, hypervisor);
    let hosts = call.referring(cluster, Kind::Host, col::CLUSTER_ID).count();
    if most.is_some_and(|most| i64::try_from(hosts).is_ok_and(|hosts| hosts >= most)) {
        return Err(ApiError::value(format!(
            "the cluster {} has {hosts} hosts, as many as {hypervisor} can have; choose another",
            call.thing(cluster).text(col::NAME)
        )));
    }
    Ok(cluster)
}

/// A name for a host, after its URL.
fn name_of(world: &World, url: &Url) -> String {
    let path = url.path.split('/').filter(|part| !part.is_empty() && !part.contains('='));
    let is_address = given::ipv4(&url.host).is_some();
    let mut name = url.host.clone();
    if !is_address {
        for part in path {
            name = format!("{name}-{part}");
        }
    }
    let is_taken = |name: &str| world.all(Kind::Host).any(|host| host.text(col::NAME) == name);
    match (1..).map(|number| format!("{name}-{number}")).find(|name| !is_taken(name)) {
        Some(numbered) if is_taken(&name) => numbered,
        _ => name,
    }
}

/// A host that is about to be added.
struct New {
    zone: ThingId,
    pod: ThingId,
    cluster: ThingId,
    hypervisor: &'static str,
    version: &'static str,
    name: String,
    url: String,
    username: String,
    address: Option<String>,
    tags: String,
    resource_state: &'static str,
    hardware: Hardware,
}

fn insert(tx: &mut Tx<'_>, new: New) -> ThingId {
    let address = new.address.clone().or_else(|| address_of(tx, &new));
    let has_local = tx.thing(new.zone).flag(col::LOCAL_STORAGE_ENABLED);
    let id = tx.insert(Kind::Host, |host| {
        host.set_text(col::NAME, &new.name)
            .set_text(col::TYPE, "Routing")
            .set_ref(col::ZONE_ID, new.zone)
            .set_ref(col::POD_ID, new.pod)
            .set_ref(col::CLUSTER_ID, new.cluster)
            .set_text(col::VERSION, VERSION)
            .set_text(col::HYPERVISOR, new.hypervisor)
            .set_text(col::HYPERVISOR_VERSION, new.version)
            .set_int(col::CPU_NUMBER, new.hardware.cores)
            .set_int(col::CPU_SPEED, new.hardware.mhz)
            .set_int(col::MEMORY_TOTAL, new.hardware.memory_bytes)
            .set_int(col::DISK_SIZE_TOTAL, new.hardware.disk_bytes)
            .set_text(col::CAPABILITIES, "hvm,snapshot")
            .set_text(col::RESOURCE_STATE, new.resource_state)
            .set_text(col::URL, &new.url)
            .set_text(col::USERNAME, &new.username);
        if let Some(address) = &address {
            host.set_text(col::IP_ADDRESS, address);
        }
        if !new.tags.is_empty() {
            host.set_text(col::HOST_TAGS, &new.tags);
        }
    });
    hostupdate::found(tx, id);
    if has_local && new.hypervisor != BARE_METAL {
        super::storagepool::insert_local(tx, id);
    }
    systemvm::bring_up(tx, new.zone);
    id
}

/// A host that a new cloud has.
pub(crate) struct Seeded {
    pub(crate) cluster: ThingId,
    pub(crate) hypervisor: &'static str,
    pub(crate) name: String,
    pub(crate) address: String,
}

/// Makes a host of a new cloud: with room for many tenants, but for bare metal,
/// which has what such machines have.
pub(crate) fn seed(tx: &mut Tx<'_>, seeded: Seeded) {
    let Seeded { cluster, hypervisor, name, address } = seeded;
    let (mut hardware, version) = typical(hypervisor);
    if hypervisor != BARE_METAL {
        hardware = Hardware { cores: 256, mhz: 2600, memory_bytes: 4096 * GIB, ..hardware };
    }
    let thing = tx.thing(cluster);
    let place =
        |column: Column<ThingId>| thing.id_of(column).expect("clusters are in a pod and a zone");
    let new = New {
        zone: place(col::ZONE_ID),
        pod: place(col::POD_ID),
        cluster,
        hypervisor,
        version,
        url: match hypervisor {
            SIMULATOR => format!("http://sim/{name}"),
            _ => format!("http://{address}"),
        },
        name,
        username: "root".to_owned(),
        address: Some(address),
        tags: String::new(),
        resource_state: ENABLED,
        hardware,
    };
    insert(tx, new);
}

/// The address of a host: what its URL says, else the first of the pod's network
/// that is outside of the range for system VMs and that no other host has.
fn address_of(world: &World, new: &New) -> Option<String> {
    let url = Url::parse(&new.url)?;
    if given::ipv4(&url.host).is_some() {
        return Some(url.host);
    }
    let pod = world.thing(new.pod);
    let (range, gateway) = (pod::range(pod), given::ipv4(pod.text(col::GATEWAY)));
    let taken: std::collections::BTreeSet<u32> = world
        .referring(new.pod, Kind::Host, col::POD_ID)
        .filter_map(|host| given::ipv4(host.text(col::IP_ADDRESS)))
        .collect();
    let is_free = |at: &u32| !range.contains(at) && Some(*at) != gateway && !taken.contains(at);
    pod::subnet_of(pod)?.usable().find(is_free).map(given::dotted)
}

/// Refuses what only a host in one of some states allows.
fn must_be(call: &Call<'_, '_>, states: &[&str], hint: &str) -> Result<(), ApiError> {
    let host = call.thing(call.args.id_required("id"));
    let state = host.text(col::RESOURCE_STATE);
    if states.contains(&state) {
        return Ok(());
    }
    Err(ApiError::value(format!("the host {} is in {state}; {hint}", host.text(col::NAME)))
        .about(host.uuid.to_string(), "id"))
}

fn set_resource_state(tx: &mut Tx<'_>, id: ThingId, state: &str) {
    tx.edit(id, |host| {
        host.set_text(col::RESOURCE_STATE, state);
    });
}

fn check_prepare(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    must_be(call, &[ENABLED, DISABLED, IN_ERROR], "it goes there already")
}

/// Takes nothing new, moves the machines away, and then is in maintenance.
fn prepare_maintenance(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.step == 0 {
        must_be(call, &[ENABLED, DISABLED, IN_ERROR], "it goes there already")?;
        set_resource_state(call.tx, id, PREPARING);
    } else {
        must_be(call, &[PREPARING], "its preparation was cancelled")?;
    }
    // What is on its way somewhere gets there first.
    let is_passing = |vm: &Thing| {
        vm.kind == Kind::Vm
            && vm.is_any(&[MachineState::Starting, MachineState::Stopping, MachineState::Migrating])
    };
    if capacity::machines_on(call, id).any(is_passing) {
        return Ok(Done::Wait(PASSING_MS));
    }
    evacuate(call, id)?;
    set_resource_state(call.tx, id, MAINTENANCE);
    Ok(Done::Thing(id))
}

fn maintenance_failed(call: &mut Call<'_, '_>, _: &ApiError) {
    let host = call.entity.and_then(|id| call.get(Kind::Host, id));
    // One that was cancelled meanwhile works again.
    if let Some(id) = host.filter(|host| host.text(col::RESOURCE_STATE) == PREPARING).map(|h| h.id)
    {
        set_resource_state(call.tx, id, IN_ERROR);
    }
}

fn check_cancel(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    must_be(call, &[PREPARING, MAINTENANCE, IN_ERROR], "there is no maintenance to cancel")
}

fn cancel_maintenance(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_cancel(call)?;
    let id = call.entity_id();
    set_resource_state(call.tx, id, ENABLED);
    let zone = call.thing(id).id_of(col::ZONE_ID).expect("hosts are in a zone");
    systemvm::bring_up(call.tx, zone);
    Ok(Done::Thing(id))
}

/// Moves every machine off a host: to another of the cluster that has room, and
/// stops those for which there is none. Guests go by the rules of their own area;
/// what a stop means for the bill hangs on the states of the machine's kind.
pub(crate) fn evacuate(call: &mut Call<'_, '_>, host: ThingId) -> Result<(), ApiError> {
    vm::evacuate(call, host)?;
    let machines: Vec<ThingId> =
        capacity::machines_on(call, host).map(|machine| machine.id).collect();
    for machine in machines {
        let target = targets(call, machine).into_iter().find(|t| t.has_room && !t.moves_storage);
        match target {
            Some(target) if call.thing(machine).is(MachineState::Running) => {
                call.edit(machine, |machine| {
                    machine.set_ref(col::HOST_ID, target.host);
                });
            }
            _ => halt(call.tx, machine),
        }
    }
    Ok(())
}

/// Stops a machine where it is, as its kind does; it is on no host then.
pub(crate) fn halt(tx: &mut Tx<'_>, machine: ThingId) {
    (machine_row(tx, machine).halt)(tx, machine);
}

fn machine_row(world: &World, machine: ThingId) -> Machine {
    world.thing(machine).spec().machine.expect("what runs on hosts is a machine")
}

/// Stops a router or a system VM by the states of its kind.
pub(crate) fn halt_by_states(tx: &mut Tx<'_>, machine: ThingId) {
    for state in [MachineState::Stopping, MachineState::Stopped] {
        if tx.thing(machine).may_move_to(state) {
            tx.move_to(machine, state);
        }
    }
    tx.edit(machine, |machine| {
        machine.set_ref(col::HOST_ID, None);
    });
}

/// A host that a machine could move to.
pub(crate) struct Target {
    /// Which.
    pub(crate) host: ThingId,
    /// Whether it has enough CPU and memory left.
    pub(crate) has_room: bool,
    /// Whether its disks must move too: the host does not reach them.
    pub(crate) moves_storage: bool,
}

/// The hosts that a machine could move to, those of its cluster and the emptiest
/// first: up, enabled, of the same hypervisor, with the tags that its offering asks
/// for; those that do not reach its disks only where the hypervisor can move them as well.
pub(crate) fn targets(world: &World, machine: ThingId) -> Vec<Target> {
    let machine = world.thing(machine);
    let Some(from) = machine.id_of(col::HOST_ID).map(|id| world.thing(id)) else {
        return Vec::new();
    };
    let zone = from.id_of(col::ZONE_ID).expect("hosts are in a zone");
    let tags = machine
        .id_of(col::SERVICE_OFFERING_ID)
        .map_or("", |id| world.thing(id).text(col::HOST_TAGS));
    let demand = capacity::demand_of(world, machine);
    let can_move_storage = hypervisor::can_move_storage(world, from);
    let disks: Vec<&Thing> = world
        .referring(machine.id, Kind::Volume, col::VIRTUAL_MACHINE_ID)
        .filter_map(|volume| volume.id_of(col::POOL_ID))
        .map(|pool| world.thing(pool))
        .collect();
    let moves_storage = |host: &Thing| match disks.as_slice() {
        [] => host.id_of(col::CLUSTER_ID) != from.id_of(col::CLUSTER_ID),
        disks => !disks.iter().all(|pool| placement::reaches(host, pool)),
    };
    let mut targets: Vec<(bool, i64, Target)> = world
        .referring(zone, Kind::Host, col::ZONE_ID)
        .filter(|host| {
            host.id != from.id
                && takes_new(world, host)
                && host.text(col::HYPERVISOR) == from.text(col::HYPERVISOR)
                && host.text(col::HYPERVISOR) != BARE_METAL
                && given::has_all_tags(host.text(col::HOST_TAGS), tags)
                && (can_move_storage || !moves_storage(host))
        })
        .map(|host| {
            let moves_storage = moves_storage(host);
            let has_room = capacity::host_has_room(world, host.id, demand)
                && (machine.kind != Kind::Vm || placement::has_place(world, host));
            let free = capacity::host_free_memory_bytes(world, host.id);
            (moves_storage, -free, Target { host: host.id, has_room, moves_storage })
        })
        .collect();
    targets.sort_by_key(|(moves_storage, used, _)| (*moves_storage, *used));
    targets.into_iter().map(|(_, _, target)| target).collect()
}

/// Whether new machines may come to a host: it works, and it, its cluster and its
/// pod are enabled.
pub(crate) fn takes_new(world: &World, host: &Thing) -> bool {
    let is_enabled = |column: Column<ThingId>| {
        host.id_of(column)
            .is_some_and(|id| world.thing(id).text(col::ALLOCATION_STATE) == given::ENABLED)
    };
    host.is(HostState::Up)
        && host.text(col::TYPE) == "Routing"
        && host.text(col::RESOURCE_STATE) == ENABLED
        && is_enabled(col::CLUSTER_ID)
        && is_enabled(col::POD_ID)
}

fn remove(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let (host, is_forced) = (call.entity().clone(), call.args.is_true("forced"));
    // 1. Nothing that still works is taken away by accident.
    if !is_forced && host.text(col::RESOURCE_STATE) != MAINTENANCE {
        return Err(ApiError::value(format!(
            "the host {} is not in maintenance; call prepareHostForMaintenance first or give `forced=true`",
            host.text(col::NAME)
        ))
        .about(host.uuid.to_string(), "id"));
    }
    // 2. Volumes on its own disks go with it only if that is said.
    let local = local_pool(call, id).map(|pool| pool.id);
    if let Some(pool) = local
        && let Some(volume) = call.referring(pool, Kind::Volume, col::POOL_ID).next()
        && !call.args.is_true("forcedestroylocalstorage")
    {
        return Err(ApiError::in_use(format!(
            "the disks of the host {} hold the volume {}; give `forcedestroylocalstorage=true` to lose it",
            host.text(col::NAME),
            volume.text(col::NAME)
        ))
        .about(host.uuid.to_string(), "id"));
    }
    // 3. Its machines go on elsewhere, but for those whose disks go with it.
    set_resource_state(call.tx, id, MAINTENANCE);
    evacuate(call, id)?;
    for volume in
        local.map(|pool| call.ids_referring(pool, Kind::Volume, col::POOL_ID)).into_iter().flatten()
    {
        volume::lose(call.tx, volume);
    }
    call.remove_with_dependants(id);
    Ok(Done::Success)
}

fn check_reconnect(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    must_be(call, &[ENABLED, DISABLED], "cancel its maintenance first")
}

/// Drops the connection and makes it again: a host that was thought dead is up. A
/// host that does not answer its first ping is down.
fn reconnect(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (id, now) = (call.entity_id(), call.now);
    if call.step == 0 {
        check_reconnect(call)?;
        if !call.entity().is(HostState::Connecting) {
            call.move_to(id, HostState::Disconnected);
            call.move_to(id, HostState::Connecting);
        }
        call.edit(id, |host| {
            host.set_time(col::DISCONNECTED, now);
        });
        if let Some(later) = simulator::ask(call, Some(id), "PingCommand")? {
            return Ok(later);
        }
    }
    // Another job may have found meanwhile that it does not answer.
    if !call.entity().is_any(&[HostState::Connecting, HostState::Up]) {
        let host = call.entity();
        return Err(ApiError::unavailable(format!(
            "the host {} is {} and does not answer",
            host.text(col::NAME),
            host.state()
        ))
        .about(host.uuid.to_string(), "id"));
    }
    call.move_to(id, HostState::Up);
    let place = alert::Place::of(call.tx, id);
    alert::resolve(call.tx, alert::HOST, Some(id), place);
    Ok(Done::Thing(id))
}

fn reconnect_failed(call: &mut Call<'_, '_>, _: &ApiError) {
    if let Some(id) = call.entity.filter(|id| call.get(Kind::Host, *id).is_some()) {
        went_down(call.tx, id);
    }
}

/// Says that a host is gone: what ran on it has stopped at this moment, for the
/// bill as well. System VMs and routers are started elsewhere, and so are guests with
/// `haenable`.
pub(crate) fn went_down(tx: &mut Tx<'_>, host: ThingId) {
    let now = tx.now;
    if tx.thing(host).is(HostState::Alert) {
        tx.move_to(host, HostState::Disconnected);
    }
    tx.move_to(host, HostState::Down);
    tx.edit(host, |host| {
        host.set_time(col::DISCONNECTED, now);
    });
    let place = alert::Place::of(tx, host);
    let text = format!("the host {} does not answer", tx.thing(host).text(col::NAME));
    alert::raise(tx, alert::HOST, Some(host), place, &text);
    let machines: Vec<ThingId> =
        capacity::machines_on(tx, host).map(|machine| machine.id).collect();
    for machine in machines {
        alert::machine_down(tx, machine, "its host does not answer");
        let thing = tx.thing(machine);
        let was_running = match thing.is_any(&[MachineState::Running, MachineState::Migrating]) {
            true => WasRunning::Yes,
            false => WasRunning::No,
        };
        halt(tx, machine);
        (machine_row(tx, machine).start_elsewhere)(tx, machine, was_running);
    }
}

fn check_reserved(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let host = call.thing(call.args.id_required("id"));
    if host.text(col::RESERVATION).is_empty() {
        return Err(ApiError::value(format!(
            "the host {} is not reserved by a planner",
            host.text(col::NAME)
        ))
        .about(host.uuid.to_string(), "id"));
    }
    if let Some(guest) = call.referring(host.id, Kind::Vm, col::HOST_ID).next() {
        return Err(ApiError::in_use(format!(
            "the host {} is reserved and runs {}; stop that first",
            host.text(col::NAME),
            guest.text(col::NAME)
        ))
        .about(host.uuid.to_string(), "id"));
    }
    Ok(())
}

fn release(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.edit(id, |host| {
        host.clear(col::RESERVATION);
    });
    Ok(Done::Success)
}

fn change(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let states = &["Enable", "Disable", "Enabled", "Disabled"];
    let state = given::word(call, "allocationstate", states)?;
    if state.is_some() && !matches!(call.entity().text(col::RESOURCE_STATE), ENABLED | DISABLED) {
        must_be(call, &[ENABLED, DISABLED], "cancel its maintenance first")?;
    }
    if call.args.has("url") {
        given::url(call, "url", &["http", "https"])?;
    }
    let tags = call.args.has("hosttags").then(|| call.args.list("hosttags").join(","));
    let (url, category) = (call.args.text("url").map(str::to_owned), call.args.id("oscategoryid"));
    call.edit(id, |host| {
        match state {
            Some("Enable" | "Enabled") => drop(host.set_text(col::RESOURCE_STATE, ENABLED)),
            Some(_) => drop(host.set_text(col::RESOURCE_STATE, DISABLED)),
            None => {}
        }
        if let Some(tags) = tags {
            host.set_text_if(col::HOST_TAGS, Some(tags.as_str()).filter(|tags| !tags.is_empty()));
        }
        if let Some(url) = url {
            host.set_text(col::URL, &url);
        }
        if let Some(category) = category {
            host.set_ref(col::OS_CATEGORY_ID, category);
        }
    });
    let zone = call.thing(id).id_of(col::ZONE_ID).expect("hosts are in a zone");
    systemvm::bring_up(call.tx, zone);
    Ok(Done::Thing(id))
}

/// Nothing here connects to a real host, so the password itself is not kept.
fn set_password(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let hosts = match (call.args.id("hostid"), call.args.id("clusterid")) {
        (Some(host), None) => vec![host],
        (None, Some(cluster)) => call.ids_referring(cluster, Kind::Host, col::CLUSTER_ID),
        _ => return Err(ApiError::value("give either `hostid` or `clusterid`")),
    };
    let takes_none = |id: &&ThingId| {
        !matches!(call.thing(**id).text(col::HYPERVISOR), XEN_SERVER | KVM | SIMULATOR)
    };
    if let Some(host) = hosts.iter().find(takes_none).map(|id| call.thing(*id)) {
        return Err(ApiError::value(format!(
            "the password of the host {} cannot be set here; only those of XenServer and KVM can",
            host.text(col::NAME)
        ))
        .about(host.uuid.to_string(), "hostid"));
    }
    let (username, now) = (call.args.text_required("username").to_owned(), call.now);
    for host in hosts {
        call.edit(host, |host| {
            host.set_text(col::USERNAME, &username).set_time(col::PASSWORD_SET, now);
        });
    }
    Ok(Done::Success)
}

/// Which fields `details` asks for; `all` unless given.
const DETAILS: [(&str, &[&str]); 3] = [
    (
        "capacity",
        &[
            "cpuallocated",
            "cpuwithoverprovisioning",
            "memoryallocated",
            "memorytotal",
            "disksizeallocated",
            "disksizetotal",
            "hasenoughcapacity",
        ],
    ),
    ("events", &["events"]),
    ("stats", &["cpuused", "averageload", "networkkbsread", "networkkbswrite", "memoryused"]),
];

/// Agents that are not hosts of VMs, and the system VMs that they run in.
const AGENTS: [(&str, &str); 2] =
    [("ConsoleProxy", CONSOLE_PROXY), ("SecondaryStorageVM", STORAGE_VM)];

/// The agents in system VMs of a type, shown as hosts: up as long as the VM runs.
fn list_agents(query: &Query<'_>, system_vm_type: &str) -> Result<Answer, ApiError> {
    let (world, args) = (query.world, query.args);
    let state = |vm: &Thing| if vm.is(MachineState::Running) { "Up" } else { "Disconnected" };
    let is_in = |vm: &Thing, column: Column<ThingId>| {
        args.id(column.name()).is_none_or(|id| vm.id_of(column) == Some(id))
    };
    let is = |text: &str, name: &str| {
        args.text(name).is_none_or(|wanted| text.eq_ignore_ascii_case(wanted))
    };
    let keyword = args.text("keyword").map(str::to_lowercase);
    let vms = world.all(Kind::SystemVm).filter(|vm| {
        vm.text(col::SYSTEM_VM_TYPE) == system_vm_type
            && !args.has("id")
            && !args.has("clusterid")
            && !args.has("virtualmachineid")
            && args.flag("hahost") != Some(true)
            && is_in(vm, col::ZONE_ID)
            && is_in(vm, col::POD_ID)
            && is(vm.text(col::NAME), "name")
            && is(state(vm), "state")
            && is(ENABLED, "resourcestate")
            && keyword.as_ref().is_none_or(|word| vm.text(col::NAME).to_lowercase().contains(word))
    });
    let kind = AGENTS.iter().find(|(_, of)| *of == system_vm_type).map_or("", |(name, _)| name);
    query.page_of("host", vms, |query, vm| {
        let place = |column: Column<ThingId>| vm.id_of(column).map(|id| query.world.thing(id));
        let mut fields: Fields = vec![
            ("id", Node::text(vm.uuid.to_string())),
            ("name", Node::text(vm.text(col::NAME))),
            ("state", Node::text(state(vm))),
            ("type", Node::text(kind)),
            ("ipaddress", Node::text(vm.text(col::PRIVATE_IP))),
        ];
        for (column, name) in [(col::ZONE_ID, "zonename"), (col::POD_ID, "podname")] {
            if let Some(thing) = place(column) {
                fields.push((column.name(), Node::text(thing.uuid.to_string())));
                fields.push((name, Node::text(thing.text(col::NAME))));
            }
        }
        fields.push(("version", Node::text(VERSION)));
        fields.push(("managementserverid", Node::Int(1)));
        fields.push(("created", Node::Date(vm.created)));
        fields.push(("resourcestate", Node::text(ENABLED)));
        Node::Object(fields)
    })
}

fn list_hosts(query: &Query<'_>) -> Result<Answer, ApiError> {
    let (world, args) = (query.world, query.args);
    // 1. What is to be shown of each.
    let details = args.list("details");
    let known = |word: &str| {
        matches!(word, "all" | "min") || DETAILS.iter().any(|(detail, _)| *detail == word)
    };
    if let Some(word) = details.iter().find(|word| !known(word)) {
        let expected = "expected `all`, `min`, `capacity`, `events` or `stats`";
        return Err(query.invalid("details", word, expected));
    }
    let has = |word: &str| details.is_empty() || details.iter().any(|d| d == "all" || d == word);
    if let Some(wanted) = args.text("type")
        && let Some((_, system_vm_type)) =
            AGENTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))
    {
        return list_agents(query, system_vm_type);
    }
    // 2. Which hosts.
    let is_spare_wanted = args.flag("hahost");
    let vm = args.id("virtualmachineid");
    // Where the machine can go with its volumes staying: migrateVirtualMachine moves none.
    let targets = vm.map(|vm| {
        let all = targets(world, vm).into_iter();
        all.filter(|target| !target.moves_storage).collect::<Vec<Target>>()
    });
    let room =
        |host: &Thing| targets.as_ref().map(|all| all.iter().find(|target| target.host == host.id));
    let hosts = query.things(Kind::Host)?.into_iter().filter(|host| {
        is_spare_wanted.is_none_or(|wanted| is_spare(world, host) == wanted)
            && room(host).is_none_or(|target| target.is_some())
    });
    query.page_of("host", hosts, |query, host| {
        let mut node = query.show(host, &HOST);
        if let Some(Some(target)) = room(host) {
            capacity::put(&mut node, &HOST, "hasenoughcapacity", Node::Bool(target.has_room));
        }
        if let Node::Object(fields) = &mut node {
            for (detail, names) in DETAILS {
                if !has(detail) {
                    fields.retain(|(name, _)| !names.contains(name));
                }
            }
        }
        node
    })
}

fn find_for_migration(query: &Query<'_>) -> Result<Answer, ApiError> {
    let vm = query.world.thing(query.args.id_required("virtualmachineid"));
    if !vm.is(MachineState::Running) {
        return Err(ApiError::value(format!(
            "the virtual machine {} is {}; only running ones move to another host",
            vm.text(col::NAME),
            vm.state()
        ))
        .about(vm.uuid.to_string(), "virtualmachineid"));
    }
    let keyword = query.args.text("keyword").map(str::to_lowercase);
    let found = targets(query.world, vm.id).into_iter().filter(|target| {
        let name = query.world.thing(target.host).text(col::NAME).to_lowercase();
        keyword.as_ref().is_none_or(|keyword| name.contains(keyword))
    });
    query.page_of("host", found, |query, target| {
        let object = &HOST_FOR_MIGRATION;
        let mut node = query.show(query.world.thing(target.host), object);
        for (name, flag) in [
            ("hasenoughcapacity", target.has_room),
            ("suitableformigration", target.has_room),
            ("requiresStorageMotion", target.moves_storage),
        ] {
            capacity::put(&mut node, object, name, Node::Bool(flag));
        }
        node
    })
}
