//! Guests of a data centre in maintenance and in faults.

use cloudtally_platform::engine::{Node, Start};

use super::{cluster, first, host, pool, running_site, site};
use crate::support::{Lab, int, text, texts};

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
    assert!(why.iter().any(|why| why.contains("no host with room in the zone")), "{why:?}");
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
    assert_eq!((code, why.contains("has 192.168.2.2, which the system VM")), (536, true), "{why}");
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let keep = [("id", range.as_str()), ("account", "admin"), ("domainid", &root)];
    let (code, why) = lab.refused("dedicatePublicIpRange", &keep);
    assert_eq!(
        (code, why.contains("of the range; choose a range that nobody else uses")),
        (431, true),
        "{why}"
    );
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
