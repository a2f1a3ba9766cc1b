//! The data centres that a new cloud has: offerings, operating systems, what
//! hypervisors can do and its own region always; in a cloud that is ready for tenants
//! also an advanced zone and a basic one, with hosts of several hypervisors, storage
//! for them and image stores.

use crate::{
    col,
    engine::{ResourceId, Tx},
    offering::{
        diskoffering, guestos,
        hypervisor::{self, BARE_METAL, KVM, SIMULATOR, XEN_SERVER},
        serviceoffering,
    },
    site::{
        host::{self, Seeded},
        region, systemvm,
    },
    table::Kind,
};

/// Makes what no cloud can be without.
pub(crate) fn always(tx: &mut Tx<'_>) {
    region::seed(tx);
    guestos::seed(tx);
    hypervisor::seed(tx);
    serviceoffering::seed(tx);
    diskoffering::seed(tx);
}

/// A cluster of a data centre.
struct Cluster {
    name: &'static str,
    hypervisor: &'static str,
    hosts: usize,
    pools: usize,
}

/// A zone with one pod.
struct DataCentre {
    zone: &'static str,
    network_type: &'static str,
    guest_cidr: Option<&'static str>,
    pod: &'static str,
    /// The first three numbers of the pod's addresses.
    network: &'static str,
    clusters: &'static [Cluster],
}

const DATA_CENTRES: [DataCentre; 2] = [
    DataCentre {
        zone: "zone-1",
        network_type: "Advanced",
        guest_cidr: Some("10.1.1.0/24"),
        pod: "pod-1",
        network: "172.16.1",
        clusters: &[
            Cluster { name: "cluster-1-sim", hypervisor: SIMULATOR, hosts: 4, pools: 2 },
            Cluster { name: "cluster-1-kvm", hypervisor: KVM, hosts: 2, pools: 2 },
            Cluster { name: "cluster-1-xen", hypervisor: XEN_SERVER, hosts: 2, pools: 2 },
            Cluster { name: "cluster-1-metal", hypervisor: BARE_METAL, hosts: 2, pools: 0 },
        ],
    },
    DataCentre {
        zone: "zone-2",
        network_type: "Basic",
        guest_cidr: None,
        pod: "pod-2",
        network: "172.16.2",
        clusters: &[
            Cluster { name: "cluster-2-sim", hypervisor: SIMULATOR, hosts: 2, pools: 2 },
            Cluster { name: "cluster-2-kvm", hypervisor: KVM, hosts: 2, pools: 2 },
        ],
    },
];

/// Bytes of each pool: enough for many tenants.
const POOL_BYTES: i64 = 100 << 40;

/// Makes the data centres; system VMs come up with them.
pub(crate) fn ready(tx: &mut Tx<'_>) {
    for row in &DATA_CENTRES {
        data_centre(tx, row);
    }
}

fn data_centre(tx: &mut Tx<'_>, row: &DataCentre) {
    let network = row.network;
    let zone = tx.insert(Kind::Zone, |zone| {
        zone.set_text(col::NAME, row.zone)
            .set_text(col::NETWORK_TYPE, row.network_type)
            .set_text(col::ALLOCATION_STATE, "Enabled")
            .set_text(col::DHCP_PROVIDER, "VirtualRouter")
            .set_text(col::DNS1, "192.0.2.53")
            .set_text(col::DNS2, "192.0.2.54")
            .set_text(col::INTERNAL_DNS1, &format!("{network}.2"))
            .set_flag(col::SECURITY_GROUPS_ENABLED, row.network_type == "Basic")
            .set_flag(col::LOCAL_STORAGE_ENABLED, false);
        if let Some(cidr) = row.guest_cidr {
            zone.set_text(col::GUEST_CIDR_ADDRESS, cidr);
        }
    });
    let pod = tx.insert(Kind::Pod, |pod| {
        pod.set_text(col::NAME, row.pod)
            .set_ref(col::ZONE_ID, zone)
            .set_text(col::GATEWAY, &format!("{network}.1"))
            .set_text(col::NETMASK, "255.255.255.0")
            .set_text(col::START_IP, &format!("{network}.10"))
            .set_text(col::END_IP, &format!("{network}.199"))
            .set_text(col::ALLOCATION_STATE, "Enabled");
    });
    let mut hosts = 0;
    let mut pools = 0;
    for cluster in row.clusters {
        let id = tx.insert(Kind::Cluster, |resource| {
            resource
                .set_text(col::NAME, cluster.name)
                .set_ref(col::ZONE_ID, zone)
                .set_ref(col::POD_ID, pod)
                .set_text(col::HYPERVISOR_TYPE, cluster.hypervisor)
                .set_text(col::CLUSTER_TYPE, "CloudManaged")
                .set_text(col::ALLOCATION_STATE, "Enabled")
                .set_text(col::MANAGED_STATE, "Managed");
        });
        for at in 1..=cluster.hosts {
            hosts += 1;
            host::seed(
                tx,
                Seeded {
                    cluster: id,
                    hypervisor: cluster.hypervisor,
                    name: format!("{}-host-{at}", cluster.name.replacen("cluster-", "", 1)),
                    address: format!("{network}.{}", 199 + hosts),
                },
            );
        }
        for _ in 0..cluster.pools {
            pools += 1;
            pool(tx, (zone, pod, id), cluster.hypervisor, &format!("{network}.3"), pools);
        }
    }
    tx.insert(Kind::ImageStore, |store| {
        let url = format!("nfs://{network}.3/export/secondary");
        store
            .set_text(col::NAME, &format!("{}-images", row.zone))
            .set_text(col::URL, &url)
            .set_text(col::PROTOCOL, "nfs")
            .set_text(col::PROVIDER_NAME, "NFS")
            .set_text(col::SCOPE, "ZONE")
            .set_ref(col::ZONE_ID, zone);
    });
    systemvm::bring_up(tx, zone);
}

fn pool(
    tx: &mut Tx<'_>,
    (zone, pod, cluster): (ResourceId, ResourceId, ResourceId),
    hypervisor: &str,
    address: &str,
    number: usize,
) {
    let path = format!("/export/primary-{number}");
    let name = format!("{}-primary-{number}", tx.resource(zone).text(col::NAME));
    tx.insert(Kind::StoragePool, |pool| {
        pool.set_text(col::NAME, &name)
            .set_ref(col::ZONE_ID, zone)
            .set_ref(col::POD_ID, pod)
            .set_ref(col::CLUSTER_ID, cluster)
            .set_text(col::URL, &format!("nfs://{address}{path}"))
            .set_text(col::IP_ADDRESS, address)
            .set_text(col::PATH, &path)
            .set_text(col::TYPE, "NetworkFilesystem")
            .set_text(col::SCOPE, "CLUSTER")
            .set_text(col::HYPERVISOR, hypervisor)
            .set_text(col::PROVIDER, "DefaultPrimary")
            .set_int(col::DISK_SIZE_TOTAL, POOL_BYTES);
    });
}
