//! Clusters, hosts and system VMs: what they are, how they are governed, and what maintenance and faults do.

use cloudtally_platform::engine::{Node, Start};

use super::{cluster, count, first, host, host_params, running_site, site};
use crate::support::{Lab, int, text, texts};

#[test]
fn clusters_are_of_one_hypervisor() {
    let lab = Lab::new(Start::Empty);
    let site = site(&lab);
    for hypervisor in ["XenServer", "KVM", "Ovm", "BareMetal", "simulator"] {
        cluster(&lab, &site, hypervisor, hypervisor);
    }
    let vmware = [
        ("clustername", "v"),
        ("zoneid", site.zone.as_str()),
        ("podid", site.pod.as_str()),
        ("hypervisor", "VMware"),
        ("clustertype", "ExternalManaged"),
    ];
    let (code, why) = lab.refused("addCluster", &vmware);
    assert_eq!(code, 431);
    assert!(why.contains("vCenter"), "{why}");
    let mut with_url = vmware.to_vec();
    with_url.push(("url", "http://vcenter/dc/cluster"));
    with_url.push(("cpuovercommitratio", "1.5"));
    lab.ok("addCluster", &with_url);
    let seen = lab.one("listClusters", &[("hypervisor", "vmware")]);
    assert_eq!(text(&seen, "clustertype"), "ExternalManaged");
    assert_eq!(text(&seen, "cpuovercommitratio"), "1.5");
    assert_eq!(text(&seen, "memoryovercommitratio"), "1");
    let names = lab.ok("listHypervisors", &[("zoneid", &site.zone)]);
    assert_eq!(
        texts(&names, "name"),
        ["BareMetal", "KVM", "Ovm", "Simulator", "VMware", "XenServer"]
    );
    // A name stands once in a pod, and the words are known.
    let (code, why) = lab.refused("addCluster", &with_url);
    assert_eq!(code, 431);
    assert!(why.contains("the cluster v exists already"), "{why}");
    let id = text(&seen, "id");
    let (_, why) = lab.refused("updateCluster", &[("id", &id), ("cpuovercommitratio", "0.5")]);
    assert!(why.contains("at least 1"), "{why}");
    let (_, why) = lab.refused("updateCluster", &[("id", &id), ("hypervisor", "HyperV")]);
    assert!(why.contains("XenServer or KVM"), "{why}");
}

#[test]
fn a_cluster_that_is_let_go_loses_its_hosts() {
    let lab = Lab::new(Start::Empty);
    let site = site(&lab);
    let id = cluster(&lab, &site, "c0", "KVM");
    let kvm = host(&lab, &site, &id, "KVM", "http://172.16.15.201");
    assert_eq!(text(&kvm, "ipaddress"), "172.16.15.201");
    assert_eq!((text(&kvm, "name"), int(&kvm, "cpunumber")), ("172.16.15.201".into(), 32));
    let (code, why) = lab.refused("updateCluster", &[("id", &id), ("hypervisor", "XenServer")]);
    assert_eq!(code, 536);
    assert!(why.contains("host 172.16.15.201"), "{why}");
    lab.ok("updateCluster", &[("id", &id), ("managedstate", "Unmanaged")]);
    assert_eq!(text(&lab.one("listHosts", &[]), "state"), "Disconnected");
    assert_eq!(count(&lab, "listHosts", &[("state", "Up")]), 0);
    lab.ok("updateCluster", &[("id", &id), ("managedstate", "Managed")]);
    assert_eq!(text(&lab.one("listHosts", &[("state", "up")]), "state"), "Up");
    let renamed = lab.ok("updateCluster", &[("id", &id), ("clustername", "kvms")]);
    assert_eq!(text(&renamed, "name"), "kvms");
    assert_eq!(text(&lab.one("listHosts", &[]), "clustername"), "kvms");
}

#[test]
fn hosts_are_what_their_url_says() {
    let lab = Lab::new(Start::Empty);
    let site = site(&lab);
    let sim = cluster(&lab, &site, "c0", "Simulator");
    let url = "http://sim/c0/cpucore=2&cpuspeed=1000&memory=1073741824";
    let small = host(&lab, &site, &sim, "Simulator", url);
    assert_eq!((int(&small, "cpunumber"), int(&small, "cpuspeed")), (2, 1000));
    assert_eq!(int(&small, "memorytotal"), 1 << 30);
    assert_eq!(text(&small, "cpuwithoverprovisioning"), "2000");
    assert_eq!(text(&small, "cpuallocated"), "0%");
    assert_eq!(text(&small, "name"), "sim-c0");
    assert_eq!(text(&small, "ipaddress"), "172.16.15.201", "outside of the pod's range");
    lab.ok("updateCluster", &[("id", &sim), ("cpuovercommitratio", "1.25")]);
    let seen = lab.one("listHosts", &[("id", &text(&small, "id"))]);
    assert_eq!(text(&seen, "cpuwithoverprovisioning"), "2500");

    let refused = |changes: &[(&str, &str)]| {
        let mut params = host_params(&site, &sim, "Simulator", "http://sim/c0/h9").to_vec();
        params.retain(|(name, _)| changes.iter().all(|(other, _)| other != name));
        params.extend(changes);
        let (code, why) = lab.refused("addHost", &params);
        assert_eq!(code, 431, "{why}");
        why
    };
    assert!(refused(&[("url", url)]).contains("host sim-c0 has the URL"));
    assert!(refused(&[("url", "http://10.1.1.1")]).contains("http://sim/c0/h1"));
    assert!(refused(&[("url", "10.1.1.1")]).contains("parameter url"));
    assert!(refused(&[("url", "http://sim/cpucore=0")]).contains("number from 1"));
    assert!(refused(&[("url", "http://sim/disks=2")]).contains("localstorage"));
    assert!(refused(&[("hypervisor", "KVM"), ("url", "http://h1")]).contains("of Simulator"));
    assert!(refused(&[("clusterid", "")]).contains("clustername"));
    // A cluster can be made on the way.
    let params = [("clustername", "c9"), ("url", "http://sim/c9/h0")];
    let mut all = host_params(&site, &sim, "Simulator", "").to_vec();
    all.retain(|(name, _)| *name != "clusterid" && *name != "url");
    all.extend(params);
    all.push(("hosttags", "fast,ssd"));
    let hosts = lab.ok("addHost", &all);
    assert_eq!(first(&hosts, "clustername"), "c9");
    assert_eq!(first(&hosts, "hosttags"), "fast,ssd");
}

#[test]
fn hosts_are_listed_by_all_that_is_known_of_them() {
    let lab = Lab::new(Start::Empty);
    let (site, cluster, hosts) = running_site(&lab);
    for params in [
        [("clusterid", cluster.as_str())],
        [("podid", site.pod.as_str())],
        [("zoneid", site.zone.as_str())],
        [("type", "routing")],
        [("resourcestate", "Enabled")],
        [("hahost", "false")],
        [("keyword", "SIM-C0")],
    ] {
        assert_eq!(count(&lab, "listHosts", &params), 2, "{params:?}");
    }
    let lean = lab.one("listHosts", &[("name", "sim-c0-h0"), ("details", "min")]);
    assert_eq!((lean.field("events"), lean.field("cpuused")), (None, None));
    let full = lab.one("listHosts", &[("name", "sim-c0-h0"), ("details", "events,capacity")]);
    assert!(text(&full, "events").contains("Ping"));
    assert!(full.field("memoryallocated").is_some() && full.field("averageload").is_none());
    let (code, why) = lab.refused("listHosts", &[("details", "most")]);
    assert_eq!(code, 431);
    assert!(why.contains("`min`"), "{why}");
    // The agents in system VMs are hosts of other types.
    let agent = lab.one("listHosts", &[("type", "SecondaryStorageVM"), ("zoneid", &site.zone)]);
    let storage_vm = lab.one("listSystemVms", &[("systemvmtype", "secondarystoragevm")]);
    assert_eq!(text(&agent, "name"), text(&storage_vm, "name"));
    assert_eq!((text(&agent, "state"), text(&agent, "podname")), ("Up".into(), "p0".into()));
    lab.ok("stopSystemVm", &[("id", &text(&storage_vm, "id"))]);
    let gone = [("type", "SecondaryStorageVM"), ("state", "Up")];
    assert_eq!(count(&lab, "listHosts", &gone), 0);
    // Category, tags, and whether anything new may come.
    let category = text(&lab.one("listOsCategories", &[("name", "Ubuntu")]), "id");
    let changed = lab.ok(
        "updateHost",
        &[
            ("id", &hosts[0]),
            ("oscategoryid", &category),
            ("hosttags", "gpu"),
            ("allocationstate", "Disable"),
        ],
    );
    assert_eq!(text(&changed, "oscategoryname"), "Ubuntu");
    assert_eq!(text(&changed, "hosttags"), "gpu");
    assert_eq!(text(&lab.one("listHosts", &[("resourcestate", "Disabled")]), "id"), hosts[0]);
}

#[test]
fn maintenance_moves_system_vms_away() {
    let lab = Lab::new(Start::Empty);
    let (_, _, hosts) = running_site(&lab);
    // The second goes where more is free.
    let on = |lab: &Lab| texts(&lab.ok("listSystemVms", &[]), "hostname");
    assert_eq!(on(&lab), ["sim-c0-h0", "sim-c0-h1"]);
    let host = lab.ok("prepareHostForMaintenance", &[("id", &hosts[0])]);
    assert_eq!(text(&host, "resourcestate"), "Maintenance");
    assert_eq!(on(&lab), ["sim-c0-h1", "sim-c0-h1"]);
    let (code, why) = lab.refused("prepareHostForMaintenance", &[("id", &hosts[0])]);
    assert_eq!(code, 431);
    assert!(why.contains("sim-c0-h0 is in Maintenance"), "{why}");
    assert_eq!(lab.refused("reconnectHost", &[("id", &hosts[0])]).0, 431);
    // With nowhere to go they stop.
    lab.ok("prepareHostForMaintenance", &[("id", &hosts[1])]);
    let vms = lab.ok("listSystemVms", &[]);
    assert_eq!(texts(&vms, "state"), ["Stopped", "Stopped"]);
    let vm = first(&vms, "id");
    let (code, why) = lab.refused("startSystemVm", &[("id", &vm)]);
    assert_eq!(code, 533);
    assert!(why.contains("finds no host with room in the zone east"), "{why}");
    assert_eq!(text(&lab.one("listSystemVms", &[("id", &vm)]), "state"), "Stopped");
    let host = lab.ok("cancelHostMaintenance", &[("id", &hosts[1])]);
    assert_eq!(text(&host, "resourcestate"), "Enabled");
    assert_eq!(lab.refused("cancelHostMaintenance", &[("id", &hosts[1])]).0, 431);
    assert_eq!(text(&lab.ok("startSystemVm", &[("id", &vm)]), "hostname"), "sim-c0-h1");
    let again = lab.ok("reconnectHost", &[("id", &hosts[1])]);
    assert_eq!(text(&again, "state"), "Up");
    assert_eq!(again.field("disconnected"), Some(&Node::Date(lab.now())));
    lab.ok(
        "updateHostPassword",
        &[("hostid", &hosts[1]), ("username", "root"), ("password", "other")],
    );
    let neither = lab.refused("updateHostPassword", &[("username", "r"), ("password", "p")]);
    assert_eq!(neither.0, 431);
    let (code, why) = lab.refused("releaseHostReservation", &[("id", &hosts[1])]);
    assert_eq!(code, 431);
    assert!(why.contains("not reserved"), "{why}");
    // Forced, a host goes with what it runs.
    lab.ok("deleteHost", &[("id", &hosts[1]), ("forced", "true")]);
    assert_eq!(text(&lab.one("listSystemVms", &[("id", &vm)]), "state"), "Stopped");
    let types = lab.ok("listEvents", &[("listall", "true"), ("type", "MAINT.PREPARE")]);
    assert_eq!(texts(&types, "state").len(), 6, "two jobs of three events");
}

#[test]
fn system_vms_are_governed_one_by_one() {
    let lab = Lab::new(Start::Empty);
    let (_, _, hosts) = running_site(&lab);
    let of = |kind: &str| lab.one("listSystemVms", &[("systemvmtype", kind)]);
    let proxy = text(&of("consoleproxy"), "id");
    let storage = text(&of("secondarystoragevm"), "id");
    let events = |kind: &str| {
        texts(&lab.ok("listEvents", &[("listall", "true"), ("type", kind)]), "state").len()
    };
    assert_eq!((events("PROXY.CREATE"), events("SSVM.START")), (1, 1), "when they came up");
    lab.ok("stopSystemVm", &[("id", &proxy)]);
    assert_eq!(text(&of("consoleproxy"), "state"), "Stopped");
    assert_eq!(of("consoleproxy").field("hostid"), None);
    lab.ok("rebootSystemVm", &[("id", &storage)]);
    assert_eq!((events("PROXY.STOP"), events("SSVM.REBOOT"), events("PROXY.REBOOT")), (3, 3, 0));
    let (code, why) = lab.refused("rebootSystemVm", &[("id", &proxy)]);
    assert_eq!(code, 431);
    assert!(why.contains("is Stopped"), "{why}");
    // Another offering while it stands, or while it runs.
    let bigger = |kind: &str| {
        let params = [
            ("name", "big"),
            ("displaytext", "big"),
            ("cpunumber", "1"),
            ("cpuspeed", "1000"),
            ("memory", "2048"),
            ("issystem", "true"),
            ("systemvmtype", kind),
        ];
        text(&lab.ok("createServiceOffering", &params), "id")
    };
    let for_proxy = bigger("consoleproxy");
    let memory = |host: &str| int(&lab.one("listHosts", &[("id", host)]), "memoryallocated") >> 20;
    lab.ok("changeServiceForSystemVm", &[("id", &proxy), ("serviceofferingid", &for_proxy)]);
    let started = lab.ok("startSystemVm", &[("id", &proxy)]);
    assert_eq!(text(&started, "hostid"), hosts[0]);
    assert_eq!(memory(&hosts[0]), 2048);
    let wrong = [("id", storage.as_str()), ("serviceofferingid", for_proxy.as_str())];
    let (code, why) = lab.refused("scaleSystemVm", &wrong);
    assert_eq!(code, 431);
    assert!(why.contains("big is not for a secondarystoragevm"), "{why}");
    let (code, _) = lab.refused("changeServiceForSystemVm", &[("id", &proxy), wrong[1]]);
    assert_eq!(code, 431, "it runs");
    let scaled = bigger("secondarystoragevm");
    lab.ok("scaleSystemVm", &[("id", &storage), ("serviceofferingid", &scaled)]);
    assert_eq!(memory(&hosts[1]), 2048);
    // To another host and not to its own.
    let to = |host: &str| {
        lab.run(lab.root(), "migrateSystemVm", &[("virtualmachineid", &storage), ("hostid", host)])
    };
    assert_eq!(text(&to(&hosts[0]).unwrap(), "hostname"), "sim-c0-h0");
    assert_eq!((memory(&hosts[0]), memory(&hosts[1])), (4096, 0));
    let (code, why) = to(&hosts[0]).unwrap_err();
    assert_eq!(code, 431);
    assert!(why.contains("already"), "{why}");
    // Destroyed, it is replaced.
    lab.ok("destroySystemVm", &[("id", &proxy)]);
    let other = of("consoleproxy");
    assert_ne!(text(&other, "id"), proxy);
    assert_eq!(text(&other, "state"), "Running");
    assert_eq!(events("PROXY.DESTROY"), 3);
}

#[test]
fn a_certificate_restarts_what_shows_it() {
    let lab = Lab::new(Start::Empty);
    running_site(&lab);
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    let key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----";
    let base = [("certificate", certificate), ("domainsuffix", "example.org")];
    let upload = |more: &[(&str, &str)]| {
        let mut params = base.to_vec();
        params.extend(more);
        lab.run(lab.root(), "uploadCustomCertificate", &params)
    };
    let (code, why) = upload(&[]).unwrap_err();
    assert_eq!(code, 431);
    assert!(why.contains("privatekey"), "{why}");
    assert!(upload(&[("privatekey", "x")]).unwrap_err().1.contains("PKCS#8"));
    assert!(upload(&[("id", "1")]).unwrap_err().1.contains("`name`"));
    let reboots = || {
        texts(&lab.ok("listEvents", &[("listall", "true"), ("keyword", "rebooted")]), "type").len()
    };
    upload(&[("id", "1"), ("name", "root")]).unwrap();
    assert_eq!(reboots(), 0, "the chain is not complete");
    let done = upload(&[("privatekey", key)]).unwrap();
    assert!(text(&done, "message").contains("updated"));
    assert_eq!(reboots(), 2);
}

#[test]
fn hotfixes_of_xen_hosts() {
    let lab = Lab::new(Start::Empty);
    let site = site(&lab);
    let id = cluster(&lab, &site, "c0", "XenServer");
    assert_eq!(count(&lab, "listHostsWithPendingUpdates", &[]), 0);
    let xen = host(&lab, &site, &id, "XenServer", "http://xen1.example.org");
    let pending = lab.one("listHostsWithPendingUpdates", &[]);
    assert_eq!(text(&pending, "uuid"), text(&xen, "id"));
    let params = [("hostid", text(&xen, "id"))];
    let updates = lab.ok("listHostUpdates", &[("hostid", &params[0].1), ("applied", "false")]);
    assert_eq!(texts(&updates, "xenupdatelabel"), ["XS62E005"]);
    assert_eq!(count(&lab, "listHostUpdates", &[("hostid", &params[0].1)]), 3);
    assert_eq!(lab.refused("listHostUpdates", &[]).0, 431);
}

#[test]
fn bare_metal_hosts() {
    let lab = Lab::new(Start::Empty);
    let site = site(&lab);
    let id = cluster(&lab, &site, "metal", "BareMetal");
    let mut params = host_params(&site, &id, "BareMetal", "http://10.10.1.1").to_vec();
    params.push(("ipaddress", "172.16.15.240"));
    let metal = lab.ok("addBaremetalHost", &params);
    assert_eq!(text(&metal, "ipaddress"), "172.16.15.240");
    assert_eq!(text(&metal, "hypervisor"), "BareMetal");
    let (code, why) =
        lab.refused("addBaremetalHost", &host_params(&site, &id, "KVM", "http://10.10.1.2"));
    assert_eq!(code, 431);
    assert!(why.contains("expected `BareMetal`"), "{why}");
}
