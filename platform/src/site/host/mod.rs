//! Hosts: the machines VMs run on, their maintenance and their capacity.
//!
//! A host that is added is up at once: nothing stands behind its address but what
//! its URL and its hypervisor say. Its `state` is whether it answers; its
//! `resourcestate` is what the operator lets it do.

mod add;

use cloudtally_model::ApiError;

use crate::{
    col,
    desk::simulator,
    engine::{Call, Done, Node, Resource, ResourceId, View, World, refusal, table},
    offering::hypervisor::{KVM, SIMULATOR, XEN_SERVER},
    parse::given,
    site::{
        capacity::{self, Amount},
        placement::is_spare,
        resourcestate::{DISABLED, ENABLED, must_be},
        systemvm,
    },
    state::{HostState, MachineState},
    table::{
        Command, Kind, KindSpec, Object, OnDelete::*, ParamType::*, Roles, WireType as W, extended,
        f, fields::*, hidden, own, p,
    },
};

pub(crate) use add::{Seeded, add_bare_metal, seed};

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
        .act(add::add),
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
