//! Storage pools and image stores.

use cloudtally_platform::engine::{Node, Start};

use super::{cluster, count, host, pool, site};
use crate::support::{Lab, int, text, texts};

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
    assert!(refused("rbd://10.1.1.2/pool", &[]).contains("the storage pool wide is the storage"));
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
