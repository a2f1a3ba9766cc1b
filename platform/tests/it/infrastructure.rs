//! Data centres: zones, pods, clusters, hosts, storage, system VMs and offerings.

use cloudtally_platform::engine::{Node, Start};

use crate::support::{Lab, int, text, texts};

/// A zone with a pod, made through the API; disabled yet.
struct Site {
    zone: String,
    pod: String,
}

fn site(lab: &Lab) -> Site {
    let zone = lab.ok(
        "createZone",
        &[
            ("name", "east"),
            ("networktype", "Advanced"),
            ("dns1", "8.8.8.8"),
            ("internaldns1", "10.147.28.6"),
            ("guestcidraddress", "10.1.1.0/24"),
        ],
    );
    let zone = text(&zone, "id");
    let pod = pod(lab, &zone, "p0", "172.16.15");
    Site { zone, pod: text(&pod, "id") }
}

fn pod(lab: &Lab, zone: &str, name: &str, network: &str) -> Node {
    lab.ok(
        "createPod",
        &[
            ("name", name),
            ("zoneid", zone),
            ("gateway", &format!("{network}.1")),
            ("netmask", "255.255.255.0"),
            ("startip", &format!("{network}.2")),
            ("endip", &format!("{network}.200")),
        ],
    )
}

fn cluster(lab: &Lab, site: &Site, name: &str, hypervisor: &str) -> String {
    let clusters = lab.ok(
        "addCluster",
        &[
            ("clustername", name),
            ("zoneid", &site.zone),
            ("podid", &site.pod),
            ("hypervisor", hypervisor),
            ("clustertype", "CloudManaged"),
        ],
    );
    first(&clusters, "id")
}

fn first(list: &Node, field: &str) -> String {
    texts(list, field).remove(0)
}

fn host(lab: &Lab, site: &Site, cluster: &str, hypervisor: &str, url: &str) -> Node {
    let params = host_params(site, cluster, hypervisor, url);
    let Node::List(mut hosts) = lab.ok("addHost", &params) else { panic!() };
    hosts.remove(0)
}

fn host_params<'a>(
    site: &'a Site,
    cluster: &'a str,
    hypervisor: &'a str,
    url: &'a str,
) -> [(&'a str, &'a str); 7] {
    [
        ("zoneid", &site.zone),
        ("podid", &site.pod),
        ("clusterid", cluster),
        ("hypervisor", hypervisor),
        ("url", url),
        ("username", "root"),
        ("password", "secret"),
    ]
}

fn pool(lab: &Lab, site: &Site, cluster: &str, name: &str) -> Node {
    lab.ok(
        "createStoragePool",
        &[
            ("name", name),
            ("zoneid", &site.zone),
            ("podid", &site.pod),
            ("clusterid", cluster),
            ("url", &format!("nfs://10.147.28.6/export/{name}")),
        ],
    )
}

fn count(lab: &Lab, name: &str, params: &[(&str, &str)]) -> usize {
    let Node::List(items) = lab.ok(name, params) else { panic!("{name} is no list") };
    items.len()
}

/// Everything up to an enabled zone: two hosts, a pool, an image store.
fn running_site(lab: &Lab) -> (Site, String, [String; 2]) {
    let site = site(lab);
    let cluster = cluster(lab, &site, "c0", "Simulator");
    let hosts = ["http://sim/c0/h0", "http://sim/c0/h1"]
        .map(|url| text(&host(lab, &site, &cluster, "Simulator", url), "id"));
    pool(lab, &site, &cluster, "ps0");
    lab.ok(
        "addImageStore",
        &[
            ("provider", "NFS"),
            ("zoneid", &site.zone),
            ("url", "nfs://10.147.28.6/export/secondary"),
        ],
    );
    lab.ok("updateZone", &[("id", &site.zone), ("allocationstate", "Enabled")]);
    (site, cluster, hosts)
}

#[test]
fn datacentre() {
    let lab = Lab::new(Start::Empty);
    // Up, in the order of the reference layout.
    let site = site(&lab);
    assert_eq!(text(&lab.one("listZones", &[]), "allocationstate"), "Disabled");
    let c0 = cluster(&lab, &site, "C0", "Simulator");
    let c1 = cluster(&lab, &site, "C1", "Simulator");
    let mut hosts = Vec::new();
    for (cluster, url) in
        [(&c0, "http://sim/c0/h0"), (&c0, "http://sim/c0/h1"), (&c1, "http://sim/c1/h0")]
    {
        let host = host(&lab, &site, cluster, "Simulator", url);
        assert_eq!((text(&host, "state"), text(&host, "type")), ("Up".into(), "Routing".into()));
        assert_eq!((int(&host, "cpunumber"), int(&host, "cpuspeed")), (4, 8000));
        assert_eq!(int(&host, "memorytotal"), 8 << 30);
        hosts.push(text(&host, "id"));
    }
    let mut pools = Vec::new();
    for (cluster, name) in [(&c0, "PS0"), (&c0, "PS1"), (&c1, "PS2")] {
        let pool = pool(&lab, &site, cluster, name);
        assert_eq!(text(&pool, "type"), "NetworkFilesystem");
        assert_eq!(text(&pool, "ipaddress"), "10.147.28.6");
        assert_eq!(text(&pool, "state"), "Up");
        pools.push(text(&pool, "id"));
    }
    let store = lab.ok(
        "addImageStore",
        &[
            ("provider", "NFS"),
            ("zoneid", &site.zone),
            ("url", "nfs://10.147.28.6/export/home/sandbox/secondary"),
        ],
    );
    assert_eq!(count(&lab, "listSystemVms", &[]), 0, "the zone is disabled yet");
    lab.ok("updateZone", &[("id", &site.zone), ("allocationstate", "Enabled")]);
    let vms = lab.ok("listSystemVms", &[("zoneid", &site.zone)]);
    assert_eq!(texts(&vms, "systemvmtype"), ["consoleproxy", "secondarystoragevm"]);
    assert_eq!(texts(&vms, "state"), ["Running", "Running"]);
    assert_eq!(texts(&vms, "privateip"), ["172.16.15.2", "172.16.15.3"]);
    // It is all there after a restart.
    let lab = lab.restart();
    assert_eq!(lab.ok("listSystemVms", &[]), vms);

    // Down, in reverse; what is in use stays.
    let (code, why) = lab.refused("deleteZone", &[("id", &site.zone)]);
    assert_eq!(code, 536);
    assert!(why.contains("pod p0"), "{why}");
    assert_eq!(lab.refused("deletePod", &[("id", &site.pod)]).0, 536);
    assert_eq!(lab.refused("deleteCluster", &[("id", &c0)]).0, 536);
    lab.ok("updateZone", &[("id", &site.zone), ("allocationstate", "Disabled")]);
    for vm in texts(&vms, "id") {
        lab.ok("destroySystemVm", &[("id", &vm)]);
    }
    assert_eq!(count(&lab, "listSystemVms", &[]), 0);
    lab.ok("deleteImageStore", &[("id", &text(&store, "id"))]);
    for pool in &pools {
        let (code, why) = lab.refused("deleteStoragePool", &[("id", pool)]);
        assert_eq!(code, 431);
        assert!(why.contains("enableStorageMaintenance"), "{why}");
        lab.ok("enableStorageMaintenance", &[("id", pool)]);
        lab.ok("deleteStoragePool", &[("id", pool)]);
    }
    for host in &hosts {
        let (code, why) = lab.refused("deleteHost", &[("id", host)]);
        assert_eq!(code, 431);
        assert!(why.contains("prepareHostForMaintenance"), "{why}");
        lab.ok("prepareHostForMaintenance", &[("id", host)]);
        lab.ok("deleteHost", &[("id", host)]);
    }
    lab.ok("deleteCluster", &[("id", &c0)]);
    lab.ok("deleteCluster", &[("id", &c1)]);
    lab.ok("deletePod", &[("id", &site.pod)]);
    lab.ok("deleteZone", &[("id", &site.zone)]);
    for list in ["listZones", "listPods", "listClusters", "listHosts", "listStoragePools"] {
        assert_eq!(count(&lab, list, &[]), 0, "{list}");
    }
}

#[test]
fn zones_say_what_is_wrong_with_them() {
    let lab = Lab::new(Start::Empty);
    let refused = |changes: &[(&str, &str)]| {
        let mut params = vec![
            ("name", "z"),
            ("networktype", "Advanced"),
            ("dns1", "8.8.8.8"),
            ("internaldns1", "8.8.4.4"),
        ];
        params.retain(|(name, _)| changes.iter().all(|(other, _)| other != name));
        params.extend(changes);
        let (code, why) = lab.refused("createZone", &params);
        assert_eq!(code, 431, "{why}");
        why
    };
    assert!(refused(&[("networktype", "Simple")]).contains("Basic or Advanced"));
    assert!(refused(&[("dns1", "8.8.8")]).contains("parameter dns1 value=8.8.8:"));
    assert!(refused(&[("ip6dns1", "8.8.8.8")]).contains("IPv6"));
    assert!(refused(&[("guestcidraddress", "10.0.0.0")]).contains("10.1.1.0/24"));
    assert!(refused(&[("allocationstate", "on")]).contains("Enabled or Disabled"));
    let why = refused(&[("networktype", "basic"), ("guestcidraddress", "10.0.0.0/8")]);
    assert!(why.contains("basic zone"), "{why}");
    // Nothing is left of any of them.
    assert_eq!(count(&lab, "listZones", &[]), 0);
    site(&lab);
    assert!(refused(&[("name", "EAST")]).contains("zone named EAST already"));
}

#[test]
fn zones_are_changed_and_found() {
    let lab = Lab::new(Start::Empty);
    let zone = site(&lab).zone;
    let changed = lab.ok(
        "updateZone",
        &[
            ("id", &zone),
            ("name", "west"),
            ("dns2", "8.8.4.4"),
            ("domain", "guests.example.org"),
            ("details[0].key", "storage.overprovisioning.factor"),
            ("details[0].value", "3.5"),
            ("localstorageenabled", "true"),
        ],
    );
    assert_eq!((text(&changed, "name"), text(&changed, "dns2")), ("west".into(), "8.8.4.4".into()));
    assert_eq!(changed.field("localstorageenabled"), Some(&Node::Bool(true)));
    assert_eq!(changed.field("securitygroupsenabled"), Some(&Node::Bool(false)));
    assert_eq!(text(&changed, "zonetoken").len(), 32);
    {
        let world = lab.cloud.world();
        let id = lab.id(&zone);
        assert_eq!(world.scoped_setting(id, "storage.overprovisioning.factor"), "3.5");
        assert_eq!(world.setting("storage.overprovisioning.factor"), "2", "elsewhere as before");
    }
    let wrong = [
        ("id", zone.as_str()),
        ("details[0].key", "storage.overprovisioning.factor"),
        ("details[0].value", "0.5"),
    ];
    let (code, why) = lab.refused("updateZone", &wrong);
    assert_eq!(code, 431);
    assert!(why.contains("at least 1"), "{why}");
    assert_eq!(count(&lab, "listZones", &[("name", "WEST")]), 1);
    assert_eq!(count(&lab, "listZones", &[("networktype", "basic")]), 0);
    assert_eq!(count(&lab, "listZones", &[("securitygroupenabled", "true")]), 0);
    assert_eq!(count(&lab, "listZones", &[("available", "true")]), 0, "disabled");
    assert_eq!(count(&lab, "listZones", &[("available", "false")]), 1);
    let (code, why) = lab.refused("updateZone", &[("id", &zone), ("ispublic", "false")]);
    assert_eq!(code, 431);
    assert!(why.contains("domainid"), "{why}");
}

#[test]
fn a_zone_of_a_domain_is_for_that_domain_and_those_below() {
    let lab = Lab::new(Start::Empty);
    let sales = text(&lab.ok("createDomain", &[("name", "sales")]), "id");
    let north = text(&lab.ok("createDomain", &[("name", "n"), ("parentdomainid", &sales)]), "id");
    lab.account("above", "2", None);
    lab.account("chief", "2", Some(&sales));
    lab.account("clerk", "0", Some(&north));
    lab.account("other", "0", None);
    let mut zones = Vec::new();
    for (name, domain) in [("open", None), ("kept", Some(sales.as_str()))] {
        let mut params = vec![
            ("name", name),
            ("networktype", "Advanced"),
            ("dns1", "8.8.8.8"),
            ("internaldns1", "8.8.4.4"),
            ("allocationstate", "Enabled"),
        ];
        params.extend(domain.map(|id| ("domainid", id)));
        zones.push(text(&lab.ok("createZone", &params), "id"));
    }
    let seen = |user: &str| texts(&lab.ok_as(user, "listZones", &[("available", "true")]), "name");
    assert_eq!(seen("clerk"), ["open", "kept"]);
    assert_eq!(seen("chief"), ["open", "kept"]);
    assert_eq!(seen("other"), ["open"]);
    assert_eq!(seen("above"), ["open", "kept"], "it governs all domains");
    // To others it is as if it were not there.
    let (code, why) = lab.run(lab.user("other"), "listZones", &[("id", &zones[1])]).unwrap_err();
    assert_eq!(code, 431);
    assert!(why.contains("there is no zone with this id, or it is not yours"), "{why}");
    // Users are not shown how the inside is wired.
    let zone = lab.ok_as("clerk", "listZones", &[("id", &zones[1])]);
    let Node::List(items) = zone else { panic!() };
    assert_eq!(text(&items[0], "domainname"), "sales");
    assert_eq!((items[0].field("internaldns1"), items[0].field("zonetoken")), (None, None));
    let for_domain = lab.ok("listZones", &[("domainid", &north)]);
    assert_eq!(texts(&for_domain, "name"), ["open", "kept"]);
    // Opened to all, and closed to all while disabled.
    lab.ok("updateZone", &[("id", &zones[1]), ("ispublic", "true")]);
    assert_eq!(seen("other"), ["open", "kept"]);
    lab.ok("updateZone", &[("id", &zones[1]), ("allocationstate", "disabled")]);
    assert_eq!(seen("other"), ["open"]);
}

#[test]
fn pods_keep_their_addresses_apart() {
    let lab = Lab::new(Start::Empty);
    let site = site(&lab);
    let refused = |changes: &[(&str, &str)]| {
        let mut params = vec![
            ("name", "p1"),
            ("zoneid", site.zone.as_str()),
            ("gateway", "172.16.16.1"),
            ("netmask", "255.255.255.0"),
            ("startip", "172.16.16.10"),
            ("endip", "172.16.16.20"),
        ];
        params.retain(|(name, _)| changes.iter().all(|(other, _)| other != name));
        params.extend(changes);
        let (code, why) = lab.refused("createPod", &params);
        assert_eq!(code, 431, "{why}");
        why
    };
    assert!(refused(&[("startip", "172.16.16")]).contains("parameter startip"));
    assert!(refused(&[("netmask", "255.0.255.0")]).contains("parameter netmask"));
    assert!(refused(&[("endip", "172.16.17.20")]).contains("parameter endip"));
    assert!(refused(&[("endip", "172.16.16.9")]).contains("after `startip`"));
    assert!(refused(&[("startip", "172.16.16.1")]).contains("outside of the range"));
    assert!(refused(&[("name", "P0")]).contains("pod named P0 already"));
    let why = refused(&[
        ("gateway", "172.16.15.1"),
        ("startip", "172.16.15.210"),
        ("endip", "172.16.15.220"),
    ]);
    assert!(why.contains("overlaps that of the pod p0"), "{why}");
    let why = refused(&[("gateway", "10.1.1.1"), ("startip", "10.1.1.10"), ("endip", "10.1.1.20")]);
    assert!(why.contains("guest networks, 10.1.1.0/24"), "{why}");

    let changed =
        lab.ok("updatePod", &[("id", &site.pod), ("name", "rack"), ("endip", "172.16.15.50")]);
    assert_eq!(text(&changed, "endip"), "172.16.15.50");
    assert_eq!(text(&lab.one("listPods", &[("name", "rack")]), "zonename"), "east");
    let capacity = lab.one("listCapacity", &[("podid", &site.pod), ("type", "5")]);
    assert_eq!((int(&capacity, "capacitytotal"), int(&capacity, "capacityused")), (49, 0));
}

#[test]
fn system_vms_hold_the_addresses_of_their_pod() {
    let lab = Lab::new(Start::Empty);
    let (site, ..) = running_site(&lab);
    let capacity = lab.one("listCapacity", &[("zoneid", &site.zone), ("type", "5")]);
    assert_eq!((int(&capacity, "capacitytotal"), int(&capacity, "capacityused")), (199, 2));
    assert_eq!(text(&capacity, "percentused"), "1.01");
    let (code, why) = lab.refused("updatePod", &[("id", &site.pod), ("startip", "172.16.15.3")]);
    assert_eq!(code, 536);
    assert!(why.contains("172.16.15.2"), "{why}");
}

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
    assert!(why.contains("cluster named v already"), "{why}");
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
    assert!(why.contains("no host of the zone east has room"), "{why}");
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
fn pools_of_clusters_and_zones() {
    let lab = Lab::new(Start::Empty);
    let site = site(&lab);
    let id = cluster(&lab, &site, "c0", "Simulator");
    let params = |url: &'static str| {
        [
            ("name", "ps".to_owned()),
            ("zoneid", site.zone.clone()),
            ("podid", site.pod.clone()),
            ("clusterid", id.clone()),
            ("url", url.to_owned()),
        ]
    };
    let refused = |url: &'static str, changes: &[(&str, &str)]| {
        let params = params(url);
        let mut params: Vec<(&str, &str)> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
        params.retain(|(name, _)| changes.iter().all(|(other, _)| other != name));
        params.extend(changes);
        let (code, why) = lab.refused("createStoragePool", &params);
        assert_eq!(code, 431, "{why}");
        why
    };
    const URL: &str = "nfs://10.1.1.1/export/a";
    assert!(refused(URL, &[]).contains("no host that is up"));
    host(&lab, &site, &id, "Simulator", "http://sim/c0/h0");
    assert!(refused("ftp://10.1.1.1/a", &[]).contains("nfs://host/path"));
    assert!(refused("nfs://10.1.1.1", &[]).contains("parameter url"));
    assert!(refused(URL, &[("capacitybytes", "0")]).contains("capacitybytes"));
    assert!(refused(URL, &[("podid", "")]).contains("scope=ZONE"));
    assert!(refused(URL, &[("scope", "GLOBAL")]).contains("CLUSTER or ZONE"));
    let zone_wide = [("scope", "zone"), ("podid", ""), ("clusterid", "")];
    assert!(refused(URL, &zone_wide).contains("`hypervisor`"));
    let xen = [zone_wide.as_slice(), &[("hypervisor", "XenServer")]].concat();
    assert!(refused(URL, &xen).contains("only KVM, VMware, Simulator"));
    let wide = lab.ok(
        "createStoragePool",
        &[
            ("name", "wide"),
            ("zoneid", &site.zone),
            ("scope", "ZONE"),
            ("hypervisor", "kvm"),
            ("url", "rbd://10.1.1.2/pool"),
            ("capacitybytes", "1000"),
            ("tags", "ssd"),
        ],
    );
    assert_eq!((text(&wide, "scope"), text(&wide, "type")), ("ZONE".into(), "RBD".into()));
    assert_eq!((int(&wide, "disksizetotal"), int(&wide, "disksizeused")), (1000, 0));
    assert!(refused("rbd://10.1.1.2/pool", &[]).contains("pool wide already"));
    let tight = pool(&lab, &site, &id, "ps0");
    let changed = lab.ok(
        "updateStoragePool",
        &[("id", &text(&tight, "id")), ("tags", "slow,old"), ("capacitybytes", "5000")],
    );
    assert_eq!((text(&changed, "tags"), int(&changed, "disksizetotal")), ("slow,old".into(), 5000));
    for (name, value, wanted) in [
        ("scope", "zone", "wide"),
        ("ipaddress", "10.1.1.2", "wide"),
        ("path", "/export/ps0", "ps0"),
        ("clusterid", id.as_str(), "ps0"),
        ("name", "PS0", "ps0"),
    ] {
        assert_eq!(text(&lab.one("listStoragePools", &[(name, value)]), "name"), wanted, "{name}");
    }
    // Factors: the zone's setting is 2 unless said otherwise.
    let stored = |kind: &str| {
        int(&lab.one("listCapacity", &[("zoneid", &site.zone), ("type", kind)]), "capacitytotal")
    };
    assert_eq!((stored("2"), stored("3")), (6000, 12_000));
    let down = lab.ok("enableStorageMaintenance", &[("id", &text(&wide, "id"))]);
    assert_eq!(text(&down, "state"), "Maintenance");
    assert_eq!(lab.refused("enableStorageMaintenance", &[("id", &text(&wide, "id"))]).0, 431);
    let up = lab.ok("cancelStorageMaintenance", &[("id", &text(&wide, "id"))]);
    assert_eq!(text(&up, "state"), "Up");
    assert_eq!(lab.refused("cancelStorageMaintenance", &[("id", &text(&wide, "id"))]).0, 431);
    assert_eq!(
        texts(&lab.ok("listStorageProviders", &[("type", "image")]), "name"),
        ["NFS", "S3", "Swift"]
    );
    assert_eq!(lab.refused("listStorageProviders", &[("type", "tape")]).0, 431);
}

#[test]
fn disks_of_hosts_are_pools_where_the_zone_says_so() {
    let lab = Lab::new(Start::Empty);
    let site = site(&lab);
    lab.ok("updateZone", &[("id", &site.zone), ("localstorageenabled", "true")]);
    let id = cluster(&lab, &site, "c0", "Simulator");
    let host = host(&lab, &site, &id, "Simulator", "http://sim/c0/localstorage=500");
    assert_eq!(host.field("islocalstorageactive"), Some(&Node::Bool(true)));
    let pool = lab.one("listStoragePools", &[("scope", "HOST")]);
    assert_eq!(int(&pool, "disksizetotal"), 500);
    let local = lab.one("listCapacity", &[("clusterid", &id), ("type", "9")]);
    assert_eq!(int(&local, "capacitytotal"), 500, "given away once");
    lab.ok("deleteHost", &[("id", &text(&host, "id")), ("forced", "true")]);
    assert_eq!(count(&lab, "listStoragePools", &[]), 0);
}

#[test]
fn image_stores_are_of_one_provider() {
    let lab = Lab::new(Start::Empty);
    let site = site(&lab);
    let s3 = lab.ok(
        "addS3",
        &[
            ("accesskey", "AK"),
            ("secretkey", "very secret"),
            ("bucket", "images"),
            ("endpoint", "s3.example.org"),
            ("usehttps", "false"),
        ],
    );
    assert_eq!(text(&s3, "url"), "http://s3.example.org/images");
    assert_eq!((text(&s3, "providername"), text(&s3, "scope")), ("S3".into(), "REGION".into()));
    assert!(!format!("{:?}", lab.one("listS3s", &[])).contains("very secret"));
    let Some(Node::List(details)) = s3.field("details") else { panic!("{s3:?}") };
    assert!(details.iter().any(|d| text(d, "name") == "bucket" && text(d, "value") == "images"));
    let nfs = [("url", "nfs://10.1.1.1/export"), ("zoneid", site.zone.as_str())];
    let (code, why) = lab.refused("addSecondaryStorage", &nfs);
    assert_eq!(code, 431);
    assert!(why.contains("one provider"), "{why}");
    // S3 is read through a staging store.
    let (code, why) = lab.refused("createSecondaryStagingStore", &nfs[..1]);
    assert_eq!(code, 431);
    assert!(why.contains("zoneid"), "{why}");
    let staging = lab.ok("createSecondaryStagingStore", &nfs);
    assert_eq!(text(&staging, "protocol"), "nfs");
    let seen = lab.one("listSecondaryStagingStores", &[("zoneid", &site.zone)]);
    assert_eq!(seen, staging);
    lab.ok("deleteSecondaryStagingStore", &[("id", &text(&staging, "id"))]);
    assert_eq!(count(&lab, "listSecondaryStagingStores", &[]), 0);
    lab.ok("deleteImageStore", &[("id", &text(&s3, "id"))]);
    // Swift.
    let swift = [("url", "http://swift.example.org"), ("account", "a"), ("username", "u")];
    let (code, why) = lab.refused("addSwift", &swift);
    assert_eq!(code, 431);
    assert!(why.contains("`key`"), "{why}");
    let swift = lab.ok("addSwift", &[swift.as_slice(), &[("key", "k")]].concat());
    assert_eq!(lab.one("listSwifts", &[]), swift);
    assert_eq!(count(&lab, "listS3s", &[]), 0);
    lab.ok("deleteImageStore", &[("id", &text(&swift, "id"))]);
    // NFS, for a zone.
    let store = lab.ok("addSecondaryStorage", &nfs);
    assert_eq!(text(&store, "zonename"), "east");
    let (code, why) = lab.refused("addSecondaryStorage", &nfs);
    assert_eq!(code, 431);
    assert!(why.contains("already"), "{why}");
    assert_eq!(lab.one("listImageStores", &[("provider", "nfs"), ("protocol", "NFS")]), store);
    let bytes = lab.one("listCapacity", &[("zoneid", &site.zone), ("type", "6")]);
    assert_eq!(int(&bytes, "capacitytotal"), 10 << 40);
}

#[test]
fn regions_have_numbers() {
    let lab = Lab::new(Start::Empty);
    let own = lab.one("listRegions", &[]);
    assert_eq!((int(&own, "id"), text(&own, "name")), (1, "Local".into()));
    let endpoint = ("endpoint", "http://eu.example.org:8080/client/api");
    lab.ok("addRegion", &[("id", "2"), ("name", "eu"), endpoint]);
    let (code, why) = lab.refused("addRegion", &[("id", "2"), ("name", "asia"), endpoint]);
    assert_eq!(code, 431);
    assert!(why.contains("eu has the number 2"), "{why}");
    let (code, why) = lab.refused("addRegion", &[("id", "3"), ("name", "EU"), endpoint]);
    assert_eq!(code, 431);
    assert!(why.contains("region named EU already"), "{why}");
    assert_eq!(lab.refused("addRegion", &[("id", "3"), ("name", "x"), ("endpoint", "x")]).0, 431);
    lab.ok("updateRegion", &[("id", "2"), ("name", "europe")]);
    assert_eq!(text(&lab.one("listRegions", &[("id", "2")]), "name"), "europe");
    assert_eq!(int(&lab.one("listRegions", &[("name", "EUROPE")]), "id"), 2);
    lab.ok("removeRegion", &[("id", "2")]);
    assert_eq!(lab.refused("removeRegion", &[("id", "2")]).0, 431, "it is gone");
    let (code, why) = lab.refused("removeRegion", &[("id", "1")]);
    assert_eq!(code, 431);
    assert!(why.contains("this cloud itself"), "{why}");
}

#[test]
fn what_guests_run_and_hypervisors_can() {
    let lab = Lab::new(Start::Empty);
    assert!(count(&lab, "listOsTypes", &[]) >= 40);
    assert_eq!(count(&lab, "listOsCategories", &[]), 10);
    let ubuntu = lab.one("listOsTypes", &[("description", "Ubuntu 12.04 (64-bit)")]);
    let category = text(&ubuntu, "oscategoryid");
    assert_eq!(text(&lab.one("listOsCategories", &[("id", &category)]), "name"), "Ubuntu");
    assert_eq!(count(&lab, "listOsTypes", &[("oscategoryid", &category)]), 5);
    let xen = lab.ok("listHypervisorCapabilities", &[("hypervisor", "xenserver")]);
    assert!(texts(&xen, "hypervisorversion").contains(&"6.2.0".to_owned()));
    let kvm = lab.one("listHypervisorCapabilities", &[("hypervisor", "KVM")]);
    let id = text(&kvm, "id");
    let update = [("id", id.as_str()), ("maxguestslimit", "70"), ("securitygroupenabled", "false")];
    lab.ok("updateHypervisorCapabilities", &update);
    let kvm = lab.one("listHypervisorCapabilities", &[("id", &id)]);
    assert_eq!(int(&kvm, "maxguestslimit"), 70);
    assert_eq!(kvm.field("securitygroupenabled"), Some(&Node::Bool(false)));
    assert_eq!(lab.refused("updateHypervisorCapabilities", &[("maxguestslimit", "1")]).0, 431);
    assert_eq!(
        lab.refused("updateHypervisorCapabilities", &[update[0], ("maxguestslimit", "0")]).0,
        431
    );
    assert_eq!(first(&lab.ok("listHypervisors", &[]), "name"), "XenServer");
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

#[test]
fn service_offerings_are_for_everybody_or_a_domain() {
    let lab = Lab::new(Start::Empty);
    let sales = text(&lab.ok("createDomain", &[("name", "sales")]), "id");
    lab.account("clerk", "0", Some(&sales));
    lab.account("other", "0", None);
    let base = [("cpunumber", "2"), ("cpuspeed", "1500"), ("memory", "2048")];
    let create = |more: &[(&str, &str)]| {
        let params = [base.as_slice(), more].concat();
        lab.run(lab.root(), "createServiceOffering", &params)
    };
    let kept = create(&[
        ("name", "kept"),
        ("displaytext", "for sales"),
        ("domainid", &sales),
        ("offerha", "true"),
        ("tags", "ssd"),
        ("hosttags", "fast"),
        ("networkrate", "200"),
        ("bytesreadrate", "1000"),
        ("deploymentplanner", "firstfitplanner"),
        ("serviceofferingdetails[0].key", "a"),
        ("serviceofferingdetails[0].value", "b"),
    ])
    .unwrap();
    assert_eq!((int(&kept, "networkrate"), int(&kept, "diskBytesReadRate")), (200, 1000));
    assert_eq!(text(&kept, "deploymentplanner"), "FirstFitPlanner");
    assert_eq!(text(&kept, "storagetype"), "shared");
    assert_eq!(kept.field("offerha"), Some(&Node::Bool(true)));
    assert_eq!(kept.field("issystem"), Some(&Node::Bool(false)));
    let names = |user: &str| texts(&lab.ok_as(user, "listServiceOfferings", &[]), "name");
    assert!(names("clerk").contains(&"kept".to_owned()));
    assert!(!names("other").contains(&"kept".to_owned()));
    assert!(names("other").contains(&"m1.small".to_owned()));
    assert!(!names("other").iter().any(|name| name.starts_with("System")));
    let asked = lab.run(lab.user("other"), "listServiceOfferings", &[("issystem", "true")]);
    assert_eq!(asked.unwrap_err().0, 531);
    let system = lab.ok("listServiceOfferings", &[("issystem", "true")]);
    assert_eq!(
        texts(&system, "systemvmtype"),
        ["domainrouter", "consoleproxy", "secondarystoragevm"]
    );
    let (code, why) = lab.refused("deleteServiceOffering", &[("id", &first(&system, "id"))]);
    assert_eq!(code, 431);
    assert!(why.contains("cannot be removed"), "{why}");
    for (changes, wanted) in [
        ([("cpunumber", "0")], "cpunumber"),
        ([("memory", "16")], "from 32"),
        ([("storagetype", "tape")], "shared or local"),
        ([("systemvmtype", "consoleproxy")], "issystem"),
        ([("issystem", "true")], "systemvmtype"),
        ([("networkrate", "-1")], "networkrate"),
        ([("deploymentplanner", "Me")], "FirstFitPlanner"),
    ] {
        let mut params = vec![("name", "x"), ("displaytext", "x")];
        params.extend(base.iter().filter(|(name, _)| *name != changes[0].0));
        params.extend(changes);
        let (code, why) = lab.refused("createServiceOffering", &params);
        assert_eq!(code, 431, "{why}");
        assert!(why.contains(wanted), "{why}");
    }
    // Its name and its place in lists; and gone, though it still tells.
    let id = text(&kept, "id");
    let first_name = || first(&lab.ok("listServiceOfferings", &[]), "name");
    assert_ne!(first_name(), "kept");
    lab.ok("updateServiceOffering", &[("id", &id), ("sortkey", "-1"), ("name", "top")]);
    assert_eq!(first_name(), "top");
    lab.ok("deleteServiceOffering", &[("id", &id)]);
    assert_eq!(count(&lab, "listServiceOfferings", &[("name", "top")]), 0);
    assert_eq!(count(&lab, "listServiceOfferings", &[("id", &id)]), 0);
}

#[test]
fn disk_offerings_have_a_size_or_let_users_choose() {
    let lab = Lab::new(Start::Empty);
    let sales = text(&lab.ok("createDomain", &[("name", "sales")]), "id");
    lab.account("clerk", "0", Some(&sales));
    lab.account("other", "0", None);
    let seeded = lab.ok("listDiskOfferings", &[]);
    assert_eq!(texts(&seeded, "name"), ["Small", "Medium", "Large", "Custom"]);
    let create = |more: &[(&str, &str)]| {
        let params = [[("name", "d"), ("displaytext", "d")].as_slice(), more].concat();
        lab.run(lab.root(), "createDiskOffering", &params)
    };
    for (params, wanted) in [
        (vec![], "disksize"),
        (vec![("disksize", "5"), ("customized", "true")], "not both"),
        (vec![("disksize", "0")], "from 1 to 2000"),
        (vec![("disksize", "5"), ("miniops", "10")], "together"),
        (vec![("disksize", "5"), ("miniops", "10"), ("maxiops", "5")], "must not be over"),
        (vec![("disksize", "5"), ("customizediops", "true"), ("maxiops", "5")], "leave them out"),
        (vec![("disksize", "5"), ("storagetype", "tape")], "shared or local"),
    ] {
        let (code, why) = create(&params).unwrap_err();
        assert_eq!(code, 431, "{why}");
        assert!(why.contains(wanted), "{why}");
    }
    let kept = create(&[("disksize", "7"), ("domainid", &sales), ("iopsreadrate", "50")]).unwrap();
    assert_eq!((int(&kept, "disksize"), int(&kept, "diskIopsReadRate")), (7, 50));
    assert_eq!(kept.field("iscustomized"), Some(&Node::Bool(false)));
    let names = |user: &str| texts(&lab.ok_as(user, "listDiskOfferings", &[]), "name");
    assert_eq!((names("clerk").len(), names("other").len()), (5, 4));
    create(&[("customized", "true"), ("displayoffering", "false")]).unwrap();
    assert_eq!((names("clerk").len(), count(&lab, "listDiskOfferings", &[])), (5, 6));
    let id = text(&kept, "id");
    lab.ok("updateDiskOffering", &[("id", &id), ("displaytext", "seven"), ("sortkey", "-5")]);
    assert_eq!(first(&lab.ok("listDiskOfferings", &[]), "displaytext"), "seven");
    lab.ok("deleteDiskOffering", &[("id", &id)]);
    assert_eq!(names("clerk").len(), 4);
}

#[test]
fn capacity_is_counted_by_zone_pod_and_cluster() {
    let lab = Lab::new(Start::Empty);
    let (site, cluster, hosts) = running_site(&lab);
    let of = |place: (&str, &str), kind: &str| {
        let line = lab.one("listCapacity", &[place, ("type", kind)]);
        (int(&line, "capacityused"), int(&line, "capacitytotal"), text(&line, "percentused"))
    };
    // Two hosts of 4 x 8000 MHz and 8 GiB; two system VMs of 500 MHz, 1024 and 512 MiB.
    for place in [("zoneid", &*site.zone), ("podid", &*site.pod), ("clusterid", &*cluster)] {
        assert_eq!(of(place, "1"), (1000, 64_000, "1.56".into()));
        assert_eq!(of(place, "0"), (1536 << 20, 16 << 30, "9.38".into()));
    }
    lab.ok("updateCluster", &[("id", &cluster), ("memoryovercommitratio", "1.5")]);
    assert_eq!(of(("zoneid", &site.zone), "0").1, 24 << 30);
    // A host in maintenance gives nothing.
    lab.ok("prepareHostForMaintenance", &[("id", &hosts[0])]);
    assert_eq!(of(("zoneid", &site.zone), "1"), (1000, 32_000, "3.13".into()));
    // All at once, the fullest first.
    let Node::List(lines) = lab.ok("listCapacity", &[("sortby", "usage")]) else { panic!() };
    assert_eq!(lines.len(), 10);
    assert_eq!(int(&lines[0], "type"), 0);
    let pods = lab.one("listPods", &[("showcapacities", "true")]);
    let Some(Node::List(lines)) = pods.field("capacity") else { panic!("{pods:?}") };
    assert_eq!(lines.len(), 6);
    let zone = lab.one("listZones", &[("showcapacities", "true")]);
    assert!(matches!(zone.field("capacity"), Some(Node::List(lines)) if lines.len() == 10));
    assert_eq!(lab.one("listClusters", &[]).field("capacity"), None);
    assert_eq!(lab.refused("listCapacity", &[("type", "10")]).0, 431);
    assert_eq!(lab.refused("listCapacity", &[("sortby", "name")]).0, 431);
}

#[test]
fn a_cloud_that_is_ready_has_two_zones() {
    let lab = Lab::new(Start::Ready);
    let zones = lab.ok("listZones", &[("available", "true")]);
    assert_eq!(texts(&zones, "name"), ["zone-1", "zone-2"]);
    assert_eq!(texts(&zones, "networktype"), ["Advanced", "Basic"]);
    assert_eq!(count(&lab, "listZones", &[("securitygroupenabled", "true")]), 1);
    for zone in texts(&zones, "id") {
        let vms = lab.ok("listSystemVms", &[("zoneid", &zone)]);
        assert_eq!(texts(&vms, "state"), ["Running", "Running"]);
        assert_eq!(count(&lab, "listImageStores", &[("zoneid", &zone)]), 1);
        assert!(count(&lab, "listStoragePools", &[("zoneid", &zone)]) >= 2);
    }
    let hosts = lab.ok("listHosts", &[("type", "Routing"), ("state", "Up")]);
    let hypervisors = texts(&hosts, "hypervisor");
    for hypervisor in ["Simulator", "KVM", "XenServer", "BareMetal"] {
        assert!(hypervisors.iter().any(|name| name == hypervisor), "{hypervisor}");
    }
    let offering = lab.one("listServiceOfferings", &[("name", "m1.small")]);
    assert_eq!(int(&offering, "memory"), 1740);
    let custom = lab.one("listDiskOfferings", &[("name", "Custom")]);
    assert_eq!(custom.field("iscustomized"), Some(&Node::Bool(true)));
    // The same seed makes the same cloud.
    assert_eq!(Lab::new(Start::Ready).ok("listHosts", &[]), lab.ok("listHosts", &[]));
}

#[test]
fn only_root_admins_build() {
    let lab = Lab::new(Start::Ready);
    lab.account("clerk", "0", None);
    lab.account("chief", "2", None);
    for user in ["clerk", "chief"] {
        for command in ["createZone", "listHosts", "listCapacity", "listSystemVms", "addHost"] {
            assert_eq!(lab.run(lab.user(user), command, &[]).unwrap_err().0, 401, "{command}");
        }
    }
}

/// A running VM of a user in the advanced zone of a cloud that is ready.
fn running_vm(lab: &Lab) -> Node {
    lab.account("alice", "0", None);
    let zone = lab.zone("Advanced");
    let offering = text(&lab.one("listServiceOfferings", &[("name", "m1.small")]), "id");
    let template = lab.template(&zone);
    let params =
        [("zoneid", &*zone), ("serviceofferingid", &*offering), ("templateid", &*template)];
    lab.ok_as("alice", "deployVirtualMachine", &params);
    lab.one("listVirtualMachines", &[("listall", "true")])
}

#[test]
fn guests_move_off_a_host_in_maintenance() {
    let lab = Lab::new(Start::Ready);
    let vm = running_vm(&lab);
    let (id, on) = (text(&vm, "id"), text(&vm, "hostid"));
    let host = lab.one("listHosts", &[("id", &on)]);
    // 1 core of 1000 MHz and 1740 MiB, beside what the system has there.
    assert!(int(&host, "memoryallocated") >= 1740 << 20, "{host:?}");
    let found = lab.ok("findHostsForMigration", &[("virtualmachineid", &id)]);
    assert!(!texts(&found, "id").contains(&on), "not where it is");
    let Node::List(items) = &found else { panic!() };
    let best = &items[0];
    assert_eq!(text(best, "clusterid"), text(&host, "clusterid"), "its own cluster first");
    assert_eq!(best.field("suitableformigration"), Some(&Node::Bool(true)));
    assert_eq!(best.field("requiresStorageMotion"), Some(&Node::Bool(false)));
    let listed = lab.ok("listHosts", &[("virtualmachineid", &id)]);
    assert_eq!(texts(&listed, "id").len(), items.len());
    // Prepared for maintenance, the host is left; the guest runs on.
    lab.ok("prepareHostForMaintenance", &[("id", &on)]);
    let moved = lab.one("listVirtualMachines", &[("id", &id)]);
    assert_eq!(text(&moved, "state"), "Running");
    assert_ne!(text(&moved, "hostid"), on);
    let left = lab.one("listHosts", &[("id", &on)]);
    assert_eq!(int(&left, "memoryallocated"), 0);
    // With all others of the cluster disabled it has nowhere to go and stops.
    let on = text(&moved, "hostid");
    let cluster = text(&host, "clusterid");
    for other in texts(&lab.ok("listHosts", &[("resourcestate", "Enabled")]), "id") {
        if other != on {
            lab.ok("updateHost", &[("id", &other), ("allocationstate", "Disable")]);
        }
    }
    assert_eq!(
        lab.ok("findHostsForMigration", &[("virtualmachineid", &id)]),
        Node::List(Vec::new())
    );
    let seen = lab.usage_types().len();
    lab.ok("prepareHostForMaintenance", &[("id", &on)]);
    assert_eq!(text(&lab.one("listVirtualMachines", &[("id", &id)]), "state"), "Stopped");
    assert_eq!(lab.usage_types()[seen..], ["VM.STOP"], "the bill knows");
    let (code, why) = lab.refused("findHostsForMigration", &[("virtualmachineid", &id)]);
    assert_eq!(code, 431);
    assert!(why.contains("only running ones"), "{why}");
    let used = lab.one("listCapacity", &[("clusterid", &cluster), ("type", "1")]);
    assert_eq!(int(&used, "capacityused"), 0);
}

#[test]
fn pools_in_maintenance_stop_their_guests() {
    let lab = Lab::new(Start::Ready);
    let vm = running_vm(&lab);
    let volume = lab.one("listVolumes", &[("listall", "true"), ("type", "ROOT")]);
    let pool = lab.one("listStoragePools", &[("name", &text(&volume, "storage"))]);
    assert_eq!(int(&pool, "disksizeallocated"), int(&volume, "size"));
    let others = lab.ok("findStoragePoolsForMigration", &[("id", &text(&volume, "id"))]);
    assert!(!texts(&others, "name").is_empty());
    assert!(!texts(&others, "id").contains(&text(&pool, "id")));
    assert!(texts(&others, "hypervisor").iter().all(|name| *name == text(&pool, "hypervisor")));
    let zone = text(&vm, "zoneid");
    let allocated = lab.one("listCapacity", &[("zoneid", &zone), ("type", "3")]);
    assert_eq!(int(&allocated, "capacityused"), int(&volume, "size"));
    let id = text(&pool, "id");
    lab.ok("enableStorageMaintenance", &[("id", &id)]);
    let stopped = lab.one("listVirtualMachines", &[("id", &text(&vm, "id"))]);
    assert_eq!(text(&stopped, "state"), "Stopped");
    let (code, why) = lab.refused("deleteStoragePool", &[("id", &id)]);
    assert_eq!(code, 536);
    assert!(why.contains("in use by the volume"), "{why}");
    assert_eq!(lab.refused("deleteStoragePool", &[("id", &id), ("forced", "true")]).0, 536);
}

const ALL: (&str, &str) = ("listall", "true");

#[test]
fn a_host_that_does_not_answer_is_down_and_its_machines_with_it() {
    let lab = Lab::new(Start::Ready);
    let vm = running_vm(&lab);
    let on = text(&vm, "hostid");
    let seen = lab.usage_types().len();
    let silent = [("name", "PingCommand"), ("value", "enabled:false"), ("hostid", on.as_str())];
    lab.ok("configureSimulator", &silent);
    let (code, why) = lab.refused("reconnectHost", &[("id", &on)]);
    assert_eq!(code, 534);
    assert!(why.contains("PingCommand"), "{why}");
    assert_eq!(text(&lab.one("listHosts", &[("state", "Down")]), "id"), on);
    assert_eq!(lab.usage_types()[seen], "VM.STOP", "use ends when the platform learns of it");
    let vms = lab.ok("listSystemVms", &[]);
    assert!(texts(&vms, "state").iter().all(|state| state == "Running"));
    assert!(!texts(&vms, "hostid").contains(&on));
    lab.pass(60);
    assert_eq!(text(&lab.one("listVirtualMachines", &[ALL]), "state"), "Stopped", "no HA wanted");
    // The number that the catalogue knows does as well.
    let number = lab.id(&on).0.to_string();
    let again = [silent[0], ("value", "enabled:true"), ("hostid", number.as_str())];
    lab.ok("configureSimulator", &again);
    assert_eq!(text(&lab.ok("reconnectHost", &[("id", &on)]), "state"), "Up");
    for (wrong, part) in [("999999", "no host with this number"), ("x", "hostid")] {
        let params = [silent[0], silent[1], ("hostid", wrong)];
        let (code, why) = lab.refused("configureSimulator", &params);
        assert!(code == 431 && why.contains(part), "{code} {why}");
    }
}

#[test]
fn a_highly_available_machine_comes_up_elsewhere_when_its_host_dies() {
    let lab = Lab::new(Start::Ready);
    let vm = running_vm(&lab);
    let (id, on) = (text(&vm, "id"), text(&vm, "hostid"));
    lab.ok("updateVirtualMachine", &[("id", &id), ("haenable", "true")]);
    let die = |host: &str| {
        let silent = [("name", "PingCommand"), ("value", "enabled:false"), ("hostid", host)];
        lab.ok("configureSimulator", &silent);
        lab.refused("reconnectHost", &[("id", host)]);
        lab.pass(60);
        lab.one("listVirtualMachines", &[("id", &id)])
    };
    let seen = lab.usage_types().len();
    let vm = die(&on);
    assert_eq!(text(&vm, "state"), "Running");
    assert_ne!(text(&vm, "hostid"), on);
    assert_eq!(lab.usage_types()[seen..], ["VM.STOP", "VM.START"]);
    let told = lab.one("listEvents", &[ALL, ("type", "VM.START"), ("keyword", "is gone")]);
    assert_eq!(text(&told, "level"), "INFO");
    // The last host of the zone that could take it.
    let mut vm = vm;
    for _ in 0..10 {
        if text(&vm, "state") != "Running" {
            break;
        }
        vm = die(&text(&vm, "hostid"));
    }
    assert_eq!(text(&vm, "state"), "Stopped");
    assert_eq!(lab.usage_types().last().unwrap(), "VM.STOP");
    let failed = lab.ok("listEvents", &[ALL, ("type", "VM.START"), ("level", "ERROR")]);
    let why = texts(&failed, "description");
    assert!(why.iter().any(|why| why.contains("no host of the zone")), "{why:?}");
}

#[test]
fn slow_and_failing_hosts_hold_system_vms_up() {
    let lab = Lab::new(Start::Empty);
    running_site(&lab);
    let vm = first(&lab.ok("listSystemVms", &[]), "id");
    let state = || text(&lab.one("listSystemVms", &[("id", &vm)]), "state");
    let rule = |name: &str, value: &str| {
        lab.ok("configureSimulator", &[("name", name), ("value", value)]);
    };
    rule("StopCommand", "enabled:false");
    assert_eq!(lab.refused("stopSystemVm", &[("id", &vm)]).0, 534);
    assert_eq!(state(), "Running");
    lab.ok("stopSystemVm", &[("id", &vm), ("forced", "true")]);
    assert_eq!(state(), "Stopped");
    rule("StartCommand", "wait:30000");
    lab.call(lab.root(), "startSystemVm", &[("id", &vm)]).unwrap();
    lab.pass(1);
    assert_eq!(state(), "Starting");
    lab.pass(30);
    assert_eq!(state(), "Running");
    rule("RebootCommand", "timeout:5");
    let (code, why) = lab.refused("rebootSystemVm", &[("id", &vm)]);
    assert_eq!(code, 534);
    assert!(why.contains("within 5 s"), "{why}");
    assert_eq!(state(), "Running");
}

#[test]
fn a_guest_runs_in_a_data_centre_made_through_the_api() {
    let lab = Lab::new(Start::Empty);
    // 1. The zone and its network, in the order of the reference layout.
    let site = site(&lab);
    let network =
        lab.ok("createPhysicalNetwork", &[("zoneid", &site.zone), ("name", "physical-1")]);
    let network = text(&network, "id");
    let of_network = ("physicalnetworkid", network.as_str());
    for traffic in ["Guest", "Management", "Public"] {
        lab.ok("addTrafficType", &[of_network, ("traffictype", traffic)]);
    }
    let provider = lab.one("listNetworkServiceProviders", &[of_network, ("name", "VirtualRouter")]);
    let provider = text(&provider, "id");
    let element = text(&lab.one("listVirtualRouterElements", &[("nspid", &provider)]), "id");
    lab.ok("configureVirtualRouterElement", &[("id", &element), ("enabled", "true")]);
    lab.ok("updateNetworkServiceProvider", &[("id", &provider), ("state", "Enabled")]);
    lab.ok("updatePhysicalNetwork", &[("id", &network), ("state", "Enabled"), ("vlan", "100-200")]);
    lab.ok(
        "createVlanIpRange",
        &[
            ("zoneid", &site.zone),
            ("forvirtualnetwork", "true"),
            ("vlan", "50"),
            ("gateway", "192.168.2.1"),
            ("netmask", "255.255.255.0"),
            ("startip", "192.168.2.2"),
            ("endip", "192.168.2.200"),
        ],
    );
    // 2. Hosts and storage.
    let c0 = cluster(&lab, &site, "C0", "Simulator");
    host(&lab, &site, &c0, "Simulator", "http://sim/c0/h0");
    pool(&lab, &site, &c0, "PS0");
    let url = ("url", "nfs://10.147.28.6/export/secondary");
    lab.ok("addImageStore", &[("provider", "NFS"), ("zoneid", &site.zone), url]);
    lab.ok("updateZone", &[("id", &site.zone), ("allocationstate", "Enabled")]);
    let left = |kind: &str| {
        let line = lab.one("listCapacity", &[("zoneid", &site.zone), ("type", kind)]);
        (int(&line, "capacityused"), int(&line, "capacitytotal"))
    };
    // The system VMs, which nobody pays for, have an address each.
    assert_eq!((left("4"), left("7")), ((2, 199), (0, 101)));
    let system = lab.ok("listSystemVms", &[("zoneid", &site.zone)]);
    assert_eq!(texts(&system, "publicip"), ["192.168.2.2", "192.168.2.3"]);
    assert_eq!(texts(&system, "publicnetmask"), ["255.255.255.0", "255.255.255.0"]);
    assert_eq!(lab.memory.usage(), []);
    let range = text(&lab.one("listVlanIpRanges", &[("zoneid", &site.zone)]), "id");
    let (code, why) = lab.refused("deleteVlanIpRange", &[("id", &range)]);
    assert_eq!(
        (code, why.contains("192.168.2.2 is in use by the system VM")),
        (536, true),
        "{why}"
    );
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let keep = [("id", range.as_str()), ("account", "admin"), ("domainid", &root)];
    let (code, why) = lab.refused("dedicatePublicIpRange", &keep);
    assert_eq!((code, why.contains("allocated to the system VM")), (431, true), "{why}");
    // One that is destroyed gives its back, and the next one takes it.
    let proxy = [("zoneid", site.zone.as_str()), ("systemvmtype", "consoleproxy")];
    let id = text(&lab.one("listSystemVms", &proxy), "id");
    lab.ok("destroySystemVm", &[("id", &id)]);
    assert_eq!(text(&lab.one("listSystemVms", &proxy), "publicip"), "192.168.2.2");
    // 3. A template, a tenant, and its first machine.
    let os = text(&lab.one("listOsTypes", &[("description", "Ubuntu 12.04 (64-bit)")]), "id");
    let template = lab.ok(
        "registerTemplate",
        &[
            ("name", "ubuntu"),
            ("displaytext", "ubuntu"),
            ("url", "http://images.example.org/ubuntu.vhd"),
            ("zoneid", &site.zone),
            ("hypervisor", "Simulator"),
            ("format", "VHD"),
            ("ostypeid", &os),
            ("ispublic", "true"),
        ],
    );
    let template = first(&template, "id");
    lab.pass(3600);
    lab.account("alice", "0", None);
    let offering = text(&lab.one("listServiceOfferings", &[("name", "m1.small")]), "id");
    let vm = lab.ok_as(
        "alice",
        "deployVirtualMachine",
        &[("zoneid", &site.zone), ("serviceofferingid", &offering), ("templateid", &template)],
    );
    assert_eq!(text(&vm, "state"), "Running");
    let vm = lab.one("listVirtualMachines", &[("id", &text(&vm, "id"))]);
    assert_eq!(text(&vm, "hostname"), "sim-c0-h0");
    // Its network has a VLAN and a source NAT address of the zone.
    assert_eq!((left("4").0, left("7").0), (3, 1));
    assert_eq!(left("6").0, (1 << 30) + (2 << 30), "the template, and the built-in one");
    let (code, why) =
        lab.refused("deleteImageStore", &[("id", &text(&lab.one("listImageStores", &[]), "id"))]);
    assert_eq!(code, 536);
    assert!(why.contains("template ubuntu"), "{why}");
}

#[test]
fn system_vms_wait_for_the_end_of_their_pools_maintenance() {
    let lab = Lab::new(Start::Ready);
    let zone = lab.zone("Advanced");
    let Node::List(pools) = lab.ok("listStoragePools", &[("zoneid", &zone)]) else { panic!() };
    let on = |pool: &str| lab.ok("listSystemVms", &[("storageid", pool)]);
    let pool = pools.iter().map(|pool| text(pool, "id")).find(|pool| {
        let Node::List(vms) = on(pool) else { panic!() };
        vms.len() == 2
    });
    let pool = pool.expect("both have their disks in one pool");
    let names = texts(&on(&pool), "name");
    let states = || {
        let vms = lab.ok("listSystemVms", &[("zoneid", &zone)]);
        texts(&vms, "name").into_iter().zip(texts(&vms, "state")).collect::<Vec<_>>()
    };
    let all = |proxy: &str, storage: &str| {
        vec![(names[0].clone(), proxy.to_owned()), (names[1].clone(), storage.to_owned())]
    };
    lab.ok("enableStorageMaintenance", &[("id", &pool)]);
    assert_eq!(states(), all("Stopped", "Stopped"));
    lab.ok("cancelStorageMaintenance", &[("id", &pool)]);
    assert_eq!(states(), all("Running", "Running"));
    // One that was stopped by hand stays so.
    let vm = text(&lab.one("listSystemVms", &[("name", &names[0])]), "id");
    lab.ok("stopSystemVm", &[("id", &vm)]);
    lab.ok("enableStorageMaintenance", &[("id", &pool)]);
    lab.ok("cancelStorageMaintenance", &[("id", &pool)]);
    assert_eq!(states(), all("Stopped", "Running"));
}
