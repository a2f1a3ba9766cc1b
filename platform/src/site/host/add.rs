//! New hosts: what their URL says they are, and the cluster they stand in.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Column, Done, Resource, ResourceId, Tx, World, refusal},
    offering::hypervisor::{
        self, BARE_METAL, HYPERVISORS, KVM, LXC, OVM, SIMULATOR, VMWARE, XEN_SERVER,
    },
    parse::{
        given::{self, Url},
        units::GIB,
    },
    site::{hostupdate, podaddress, resourcestate::ENABLED, systemvm},
    table::Kind,
};

use super::VERSION;

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

pub(super) fn add(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
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
        crate::site::storagepool::insert_local(tx, id);
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
