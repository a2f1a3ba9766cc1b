//! Regions, systems of guests, offerings and capacity.

use cloudtally_platform::engine::{Node, Start};

use super::{count, first, running_site};
use crate::support::{Lab, int, text, texts};

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
    assert!(why.contains("the region EU exists already"), "{why}");
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
        (vec![("disksize", "5"), ("customized", "true")], "exclude each other"),
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
