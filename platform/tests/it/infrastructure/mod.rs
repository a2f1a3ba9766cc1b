//! Data centres: zones, pods, clusters, hosts, storage, system VMs and offerings.

mod catalogue;
mod guests;
mod hosts;
mod storage;

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
    assert!(refused(&[("name", "EAST")]).contains("the zone EAST exists already"));
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
    assert!(refused(&[("name", "P0")]).contains("the pod P0 exists already"));
    let why = refused(&[
        ("gateway", "172.16.15.1"),
        ("startip", "172.16.15.210"),
        ("endip", "172.16.15.220"),
    ]);
    assert!(why.contains("overlaps the pod p0"), "{why}");
    let why = refused(&[("gateway", "10.1.1.1"), ("startip", "10.1.1.10"), ("endip", "10.1.1.20")]);
    assert!(why.contains("overlaps the guest networks of the zone, 10.1.1.0/24"), "{why}");

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
