//! The data centres that a new cloud has: offerings, operating systems, what
//! hypervisors can do and its own region always; in a cloud that is ready for tenants
//! also an advanced zone and a basic one, with hosts of several hypervisors, storage
//! for them and image stores.

use super::{
    diskoffering, guestos,
    host::{self, Seeded},
    hypervisor::{self, BARE_METAL, KVM, SIMULATOR, XEN_SERVER},
    region, serviceoffering, systemvm,
};
use crate::{
    engine::{ThingId, Tx},
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
        zone.set_text("name", row.zone)
            .set_text("networktype", row.network_type)
            .set_text("allocationstate", "Enabled")
            .set_text("dhcpprovider", "VirtualRouter")
            .set_text("dns1", "192.0.2.53")
            .set_text("dns2", "192.0.2.54")
            .set_text("internaldns1", &format!("{network}.2"))
            .set_flag("securitygroupsenabled", row.network_type == "Basic")
            .set_flag("localstorageenabled", false);
        if let Some(cidr) = row.guest_cidr {
            zone.set_text("guestcidraddress", cidr);
        }
    });
    let pod = tx.insert(Kind::Pod, |pod| {
        pod.set_text("name", row.pod)
            .set_ref("zoneid", zone)
            .set_text("gateway", &format!("{network}.1"))
            .set_text("netmask", "255.255.255.0")
            .set_text("startip", &format!("{network}.10"))
            .set_text("endip", &format!("{network}.199"))
            .set_text("allocationstate", "Enabled");
    });
    let mut hosts = 0;
    let mut pools = 0;
    for cluster in row.clusters {
        let id = tx.insert(Kind::Cluster, |thing| {
            thing
                .set_text("name", cluster.name)
                .set_ref("zoneid", zone)
                .set_ref("podid", pod)
                .set_text("hypervisortype", cluster.hypervisor)
                .set_text("clustertype", "CloudManaged")
                .set_text("allocationstate", "Enabled")
                .set_text("managedstate", "Managed");
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
            .set_text("name", &format!("{}-images", row.zone))
            .set_text("url", &url)
            .set_text("protocol", "nfs")
            .set_text("providername", "NFS")
            .set_text("scope", "ZONE")
            .set_ref("zoneid", zone);
    });
    systemvm::bring_up(tx, zone);
}

fn pool(
    tx: &mut Tx<'_>,
    (zone, pod, cluster): (ThingId, ThingId, ThingId),
    hypervisor: &str,
    address: &str,
    number: usize,
) {
    let path = format!("/export/primary-{number}");
    let name = format!("{}-primary-{number}", tx.thing(zone).text("name"));
    tx.insert(Kind::StoragePool, |pool| {
        pool.set_text("name", &name)
            .set_ref("zoneid", zone)
            .set_ref("podid", pod)
            .set_ref("clusterid", cluster)
            .set_text("url", &format!("nfs://{address}{path}"))
            .set_text("ipaddress", address)
            .set_text("path", &path)
            .set_text("type", "NetworkFilesystem")
            .set_text("scope", "CLUSTER")
            .set_text("hypervisor", hypervisor)
            .set_text("provider", "DefaultPrimary")
            .set_int("disksizetotal", POOL_BYTES);
    });
}
