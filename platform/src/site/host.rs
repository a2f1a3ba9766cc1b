//! Hosts: the machines VMs run on, their maintenance and their capacity.
//!
//! A host that is added is up at once: nothing stands behind its address but what
//! its URL and its hypervisor say. Its `state` is whether it answers; its
//! `resourcestate` is what the operator lets it do.

use cloudtally_model::ApiError;

use super::{
    capacity::{self, Amount},
    hostupdate,
    placement::is_spare,
    podaddress,
    resourcestate::{DISABLED, ENABLED, must_be},
    systemvm,
};
use crate::{
    col,
    desk::simulator,
    engine::{Call, Column, Done, Node, Resource, ResourceId, Tx, View, World, refusal, table},
    offering::hypervisor::{
        self, BARE_METAL, HYPERVISORS, KVM, LXC, OVM, SIMULATOR, VMWARE, XEN_SERVER,
    },
    parse::{
        given::{self, Url},
        units::GIB,
    },
    state::{HostState, MachineState},
    table::{
        Command, Kind, KindSpec, Object, OnDelete::*, ParamType::*, Roles, WireType as W, extended,
        f, fields::*, hidden, own, p,
    },
};

/// The version of all agents.
pub(crate) const VERSION: &str = "4.2.1";

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
        f("networkkbsread", W::Long).by(|view| traffic(view, simulator::RECEIVED_BYTES_PER_S)),
        f("networkkbswrite", W::Long).by(|view| traffic(view, simulator::SENT_BYTES_PER_S)),
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
            .by(|view| Node::Bool(local_pool(view.world, view.resource.id).is_some())),
        CREATED,
        REMOVED,
        f("events", W::Str).by(|view| Node::text(events(view.resource))),
        f("hosttags", W::Str),
        f("hasenoughcapacity", W::Bool).by(|_| Node::Null),
        f("suitableformigration", W::Bool).by(|_| Node::Null),
        f("resourcestate", W::Str),
        f("hypervisorversion", W::Str),
        f("hahost", W::Bool).by(|view| Node::Bool(is_spare(view.world, view.resource))),
    ],
};

/// A host as a place for a machine to move to.
pub(crate) const HOST_FOR_MIGRATION: Object = Object {
    name: "HostForMigration",
    fields: &extended::<{ HOST.fields.len() + 1 }>(
        &HOST,
        "suitableformigration",
        &[f("requiresStorageMotion", W::Bool).by(|_| Node::Null)],
    ),
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

fn percent(view: &View<'_>, of: fn(&World, ResourceId) -> Amount) -> Node {
    Node::text(format!("{}%", of(view.world, view.resource.id).percent()))
}

fn cpu_given_away(view: &View<'_>) -> Node {
    Node::text(capacity::host_cpu_mhz(view.world, view.resource.id).total.to_string())
}

fn memory_allocated(view: &View<'_>) -> Node {
    Node::Int(capacity::host_memory_bytes(view.world, view.resource.id).used)
}

/// A host that answers has just done so.
fn last_pinged(view: &View<'_>) -> Node {
    if view.resource.is(HostState::Up) {
        return Node::Date(view.now);
    }
    view.resource.time(col::DISCONNECTED).map_or(Node::Null, Node::Date)
}

/// The pool on the disks of a host, where zones let VMs use these.
pub(crate) fn local_pool(world: &World, host: ResourceId) -> Option<&Resource> {
    world.referring(host, Kind::StoragePool, col::HOST_ID).next()
}

fn local_disk(view: &View<'_>) -> Node {
    let pool = local_pool(view.world, view.resource.id);
    Node::Int(pool.map_or(0, |pool| capacity::pool_bytes(view.world, pool.id).used))
}

/// The events that can follow for a host.
fn events(host: &Resource) -> &'static str {
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
    let guests = capacity::machines_on(view.world, view.resource.id);
    let running = guests.filter(|guest| guest.kind == Kind::Vm && guest.is(MachineState::Running));
    let count = i64::try_from(running.count()).unwrap_or(i64::MAX);
    Node::Int(count.saturating_mul(bytes_per_s) / 1000)
}

/// The hardware of a host: cores, MHz of each, bytes of memory and of disks.
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

/// The hardware in the last part of a simulator's URL: `cpuspeed=..&memory=..`.
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
    given::check_place(call)?;
    let cluster = place(call, hypervisor)?;
    // 3. Nobody else's address.
    let given_url = call.args.text_required("url").to_owned();
    let is_same = |host: &&Resource| host.text(col::URL).eq_ignore_ascii_case(&given_url);
    if let Some(host) = call.tx.all(Kind::Host).find(is_same) {
        return Err(
            host.refused("id", format!("has the URL {given_url} already; give another `url`"))
        );
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
        name: name_of(call.tx, &url),
        url: given_url,
        username: call.args.text("username").unwrap_or_default().to_owned(),
        address: call.args.text_if_any("ipaddress").map(str::to_owned),
        tags: call.args.list("hosttags").join(","),
        resource_state: state,
        hardware,
    };
    let id = insert(call.tx, new);
    call.entity = Some(id);
    Ok(Done::Resource(id))
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
fn place(call: &mut Call<'_, '_>, hypervisor: &'static str) -> Result<ResourceId, ApiError> {
    let (zone, pod) = (call.args.id_required("zoneid"), call.args.id_required("podid"));
    let cluster = match (call.args.id("clusterid"), call.args.text("clustername")) {
        (Some(_), Some(_)) | (None, None) => {
            return Err(refusal::one_of(&["clusterid", "clustername"]));
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
            call.check_unique(call.tx.resource(cluster))?;
            cluster
        }
    };
    let resource = call.tx.resource(cluster);
    let uuid = resource.uuid.to_string();
    if resource.id_of(col::POD_ID) != Some(pod) {
        return Err(resource
            .refused(
                "clusterid",
                format!(
                    "is not in the pod {}; choose a cluster of that pod",
                    call.tx.resource(pod).text(col::NAME)
                ),
            )
            .about(uuid, "clusterid"));
    }
    if resource.text(col::HYPERVISOR_TYPE) != hypervisor {
        return Err(resource
            .refused(
                "clusterid",
                format!(
                    "is of {}; it takes no host of {hypervisor}",
                    resource.text(col::HYPERVISOR_TYPE)
                ),
            )
            .about(uuid, "clusterid"));
    }
    let most = hypervisor::hosts_max(call.tx, hypervisor);
    let hosts = call.tx.referring(cluster, Kind::Host, col::CLUSTER_ID).count();
    if most.is_some_and(|most| i64::try_from(hosts).is_ok_and(|hosts| hosts >= most)) {
        return Err(call.tx.resource(cluster).refused(
            "clusterid",
            format!("has {hosts} hosts, as many as {hypervisor} can have; choose another"),
        ));
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
    zone: ResourceId,
    pod: ResourceId,
    cluster: ResourceId,
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

fn insert(tx: &mut Tx<'_>, new: New) -> ResourceId {
    let address = new.address.clone().or_else(|| address_of(tx, &new));
    let has_local = tx.resource(new.zone).flag(col::LOCAL_STORAGE_ENABLED);
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
    pub(crate) cluster: ResourceId,
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
    let resource = tx.resource(cluster);
    let place = |column: Column<ResourceId>| {
        resource.id_of(column).expect("clusters are in a pod and a zone")
    };
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
    let pod = world.resource(new.pod);
    let (range, gateway) = (podaddress::range(pod), given::ipv4(pod.text(col::GATEWAY)));
    let taken: std::collections::BTreeSet<u32> = world
        .referring(new.pod, Kind::Host, col::POD_ID)
        .filter_map(|host| given::ipv4(host.text(col::IP_ADDRESS)))
        .collect();
    let is_free = |at: &u32| !range.contains(at) && Some(*at) != gateway && !taken.contains(at);
    podaddress::subnet_of(pod)?.usable().find(is_free).map(given::dotted)
}

fn check_reserved(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let host = call.tx.resource(call.args.id_required("id"));
    if host.text(col::RESERVATION).is_empty() {
        return Err(host.refused("id", "is not reserved by a planner"));
    }
    if let Some(guest) = call.tx.referring(host.id, Kind::Vm, col::HOST_ID).next() {
        return Err(host.refused_as(
            ApiError::in_use,
            "id",
            format!("is reserved and runs {}; stop that first", guest.text(col::NAME)),
        ));
    }
    Ok(())
}

fn release(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.edit(id, |host| {
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
    call.tx.edit(id, |host| {
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
    let zone = call.tx.resource(id).id_of(col::ZONE_ID).expect("hosts are in a zone");
    systemvm::bring_up(call.tx, zone);
    Ok(Done::Resource(id))
}

/// Nothing here connects to a real host, so the password itself is not kept.
fn set_password(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let hosts = match (call.args.id("hostid"), call.args.id("clusterid")) {
        (Some(host), None) => vec![host],
        (None, Some(cluster)) => call.tx.ids_referring(cluster, Kind::Host, col::CLUSTER_ID),
        _ => return Err(refusal::one_of(&["hostid", "clusterid"])),
    };
    let takes_none = |id: &&ResourceId| {
        !matches!(call.tx.resource(**id).text(col::HYPERVISOR), XEN_SERVER | KVM | SIMULATOR)
    };
    if let Some(host) = hosts.iter().find(takes_none).map(|id| call.tx.resource(*id)) {
        return Err(
            host.refused("hostid", "takes no password here; only hosts of XenServer and KVM do")
        );
    }
    let (username, now) = (call.args.text_required("username").to_owned(), call.tx.now);
    for host in hosts {
        call.tx.edit(host, |host| {
            host.set_text(col::USERNAME, &username).set_time(col::PASSWORD_SET, now);
        });
    }
    Ok(Done::Success)
}
