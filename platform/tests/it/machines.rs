//! Virtual machines, their disks and networks, and what the bill is told of them.

use cloudtally_platform::{
    col,
    engine::{Answer, Node, ResourceId, Start},
};

use crate::support::{Lab, int, text, texts};

/// A tenant with what a deployment needs.
struct Tenant {
    lab: Lab,
    zone: String,
    offering: String,
    template: String,
}

impl Tenant {
    fn new() -> Self {
        let lab = Lab::new(Start::Ready);
        lab.account("alice", "0", None);
        let zone = lab.zone("Advanced");
        let offering = text(&lab.one("listServiceOfferings", &[("name", "m1.small")]), "id");
        let template = lab.template(&zone);
        Self { lab, zone, offering, template }
    }

    fn deploy(&self, more: &[(&str, &str)]) -> Result<Node, (u16, String)> {
        let mut params = vec![
            ("zoneid", self.zone.as_str()),
            ("serviceofferingid", self.offering.as_str()),
            ("templateid", self.template.as_str()),
        ];
        params.extend(more);
        self.lab.run(self.lab.user("alice"), "deployVirtualMachine", &params)
    }

    fn run(&self, name: &str, params: &[(&str, &str)]) -> Node {
        self.lab.ok_as("alice", name, params)
    }

    /// The usage events of alice's since the last look.
    fn events(&self, seen: &mut usize) -> Vec<String> {
        let all = self.lab.usage_types();
        let new = all[*seen..].to_vec();
        *seen = all.len();
        new
    }
}

#[test]
fn why_a_job_failed_for_want_of_room_is_told_in_full_to_root_alone() {
    let tenant = Tenant::new();
    let lab = &tenant.lab;
    // No host has room for it.
    let large = [
        ("name", "huge"),
        ("displaytext", "huge"),
        ("cpunumber", "1"),
        ("cpuspeed", "900000"),
        ("memory", "512"),
    ];
    let large = text(&lab.ok("createServiceOffering", &large), "id");
    let params = [
        ("zoneid", tenant.zone.as_str()),
        ("serviceofferingid", &large),
        ("templateid", &tenant.template),
    ];
    let begun = lab.call(lab.user("alice"), "deployVirtualMachine", &params).unwrap();
    let Answer::Job { job, .. } = begun else { panic!("{begun:?}") };
    let job = job.to_string();
    let (code, full) = lab.finish(&job).unwrap_err();
    assert_eq!(code, 533, "{full}");
    let told = |who| {
        let answer = lab.call(who, "queryAsyncJobResult", &[("jobid", &job)]).unwrap();
        let Answer::Bare(fields) = answer else { panic!("{answer:?}") };
        text(Node::Object(fields).field("jobresult").unwrap(), "errortext")
    };
    assert_eq!(told(lab.root()), full);
    let general = told(lab.user("alice"));
    assert!(general.contains("insufficient capacity") && general != full, "{general}");
}

#[test]
fn the_life_of_a_machine_as_the_bill_sees_it() {
    let tenant = Tenant::new();
    let mut seen = tenant.lab.usage_types().len();
    let vm = tenant.deploy(&[("name", "web")]).unwrap();
    assert_eq!((text(&vm, "state"), text(&vm, "name")), ("Running".into(), "web".into()));
    assert_eq!(
        tenant.events(&mut seen),
        ["VOLUME.CREATE", "VM.CREATE", "NET.IPASSIGN", "NETWORK.OFFERING.ASSIGN", "VM.START"]
    );
    let id = text(&vm, "id");
    let id = [("id", id.as_str())];
    assert_eq!(text(&tenant.run("stopVirtualMachine", &id), "state"), "Stopped");
    assert_eq!(tenant.events(&mut seen), ["VM.STOP"]);
    tenant.run("startVirtualMachine", &id);
    assert_eq!(tenant.events(&mut seen), ["VM.START"]);
    tenant.run("rebootVirtualMachine", &id);
    assert_eq!(tenant.events(&mut seen), [""; 0]);
    tenant.run("destroyVirtualMachine", &id);
    assert_eq!(
        tenant.events(&mut seen),
        ["VM.STOP", "NETWORK.OFFERING.REMOVE", "VM.DESTROY", "VOLUME.DELETE"]
    );
    tenant.lab.ok("recoverVirtualMachine", &id);
    assert_eq!(tenant.events(&mut seen), ["VM.CREATE", "VOLUME.CREATE", "NETWORK.OFFERING.ASSIGN"]);
    tenant.run("destroyVirtualMachine", &id);
    tenant.events(&mut seen);
    tenant.lab.pass(2 * 86_400);
    assert_eq!(tenant.events(&mut seen), [""; 0], "expunging is not billed");
    assert_eq!(tenant.run("listVirtualMachines", &[]), Node::List(Vec::new()));
}

#[test]
fn a_machine_that_finds_no_host_leaves_its_pairs_and_nothing_else() {
    let tenant = Tenant::new();
    let huge = tenant.lab.ok(
        "createServiceOffering",
        &[
            ("name", "huge"),
            ("displaytext", "huge"),
            ("cpunumber", "30"),
            ("cpuspeed", "1000000"),
            ("memory", "1024"),
        ],
    );
    let huge = text(&huge, "id");
    let mut seen = tenant.lab.usage_types().len();
    let refused = tenant.lab.run(
        tenant.lab.user("alice"),
        "deployVirtualMachine",
        &[
            ("zoneid", &tenant.zone),
            ("serviceofferingid", &huge),
            ("templateid", &tenant.template),
            ("name", "giant"),
        ],
    );
    let (code, why) = refused.unwrap_err();
    assert_eq!(code, 533);
    assert!(why.contains("giant"), "{why}");
    assert_eq!(
        tenant.events(&mut seen),
        ["VOLUME.CREATE", "VM.CREATE", "VM.DESTROY", "VOLUME.DELETE"]
    );
    let vms = tenant.run("listVirtualMachines", &[("name", "giant")]);
    assert_eq!(texts(&vms, "state"), ["Error"]);
    assert_eq!(tenant.run("listVolumes", &[("type", "DATADISK")]), Node::List(Vec::new()));
}

#[test]
fn data_volumes_are_billed_until_they_are_deleted() {
    let tenant = Tenant::new();
    let custom = text(&tenant.lab.one("listDiskOfferings", &[("name", "Custom")]), "id");
    let volume = tenant.run(
        "createVolume",
        &[("name", "data"), ("zoneid", &tenant.zone), ("diskofferingid", &custom), ("size", "5")],
    );
    assert_eq!(int(&volume, "size"), 5 << 30);
    let vm = tenant.deploy(&[]).unwrap();
    let (volume, vm) = (text(&volume, "id"), text(&vm, "id"));
    let mut seen = tenant.lab.usage_types().len();
    let attached = tenant.run("attachVolume", &[("id", &volume), ("virtualmachineid", &vm)]);
    assert_eq!(int(&attached, "deviceid"), 1);
    let user = tenant.lab.user("alice");
    let (code, why) = tenant.lab.run(user, "deleteVolume", &[("id", &volume)]).unwrap_err();
    assert_eq!(code, 431);
    assert!(why.contains("detach it first"), "{why}");
    let bigger = tenant.run("resizeVolume", &[("id", &volume), ("size", "7")]);
    assert_eq!(int(&bigger, "size"), 7 << 30);
    tenant.run("destroyVirtualMachine", &[("id", &vm)]);
    tenant.lab.pass(2 * 86_400);
    assert_eq!(
        tenant.events(&mut seen),
        ["VOLUME.RESIZE", "VM.STOP", "NETWORK.OFFERING.REMOVE", "VM.DESTROY", "VOLUME.DELETE"],
        "the root volume ends, not the data volume"
    );
    let left = tenant.lab.one("listVolumes", &[("id", &volume)]);
    assert_eq!(left.field("virtualmachineid"), None);
    tenant.run("deleteVolume", &[("id", &volume)]);
    assert_eq!(tenant.events(&mut seen), ["VOLUME.DELETE"]);
}

#[test]
fn a_slow_host_shows_the_machine_starting() {
    let tenant = Tenant::new();
    tenant.lab.ok("configureSimulator", &[("name", "StartCommand"), ("value", "wait:90000")]);
    let answer = tenant.lab.call(
        tenant.lab.user("alice"),
        "deployVirtualMachine",
        &[
            ("zoneid", &tenant.zone),
            ("serviceofferingid", &tenant.offering),
            ("templateid", &tenant.template),
        ],
    );
    let Ok(cloudtally_platform::engine::Answer::Job { job, .. }) = answer else {
        panic!("{answer:?}")
    };
    tenant.lab.pass(30);
    let vms = tenant.run("listVirtualMachines", &[]);
    assert_eq!(texts(&vms, "state"), ["Starting"]);
    let lab = tenant.lab.restart();
    lab.pass(59);
    assert_eq!(texts(&lab.ok_as("alice", "listVirtualMachines", &[]), "state"), ["Starting"]);
    lab.pass(1);
    assert_eq!(texts(&lab.ok_as("alice", "listVirtualMachines", &[]), "state"), ["Running"]);
    lab.finish(&job).unwrap();
    // And one that fails leaves the machine in error.
    lab.ok("configureSimulator", &[("name", "StopCommand"), ("value", "enabled:false")]);
    let vm = text(&lab.one("listVirtualMachines", &[("listall", "true")]), "id");
    let (code, _) = lab.run(lab.root(), "stopVirtualMachine", &[("id", &vm)]).unwrap_err();
    assert_eq!(code, 534);
    assert_eq!(texts(&lab.ok_as("alice", "listVirtualMachines", &[]), "state"), ["Running"]);
}

/// The sources of the bill's fields (guide 8.1.5): a template is as large as guests
/// see it, a snapshot is of a disk offering, where its volume is.
#[test]
fn images_and_snapshots_tell_their_sizes_and_offerings() {
    let tenant = Tenant::new();
    let disk = text(&tenant.lab.one("listDiskOfferings", &[("name", "Small")]), "id");
    let vm = tenant.deploy(&[("diskofferingid", &disk)]).unwrap();
    let vm = text(&vm, "id");
    for (kind, name) in [("DATADISK", "data"), ("ROOT", "root")] {
        let volumes = tenant.run("listVolumes", &[("virtualmachineid", &vm), ("type", kind)]);
        let volume = texts(&volumes, "id").remove(0);
        tenant.run("createSnapshot", &[("volumeid", &volume)]);
        let event = tenant.lab.memory.usage().pop().unwrap();
        assert_eq!(event.event_type, "SNAPSHOT.CREATE");
        let offering = event.offering.map(|offering| ResourceId(offering.0));
        let world = tenant.lab.cloud.world();
        let offering =
            offering.and_then(|id| world.any(id)).map(|row| row.text(col::NAME).to_owned());
        assert_eq!(offering.as_deref(), (kind == "DATADISK").then_some("Small"), "{name}");
    }
    let os_type =
        text(&tenant.lab.one("listOsTypes", &[("description", "CentOS 6.4 (64-bit)")]), "id");
    let url = ("url", "http://images.example.org/image");
    let common = [("name", "x"), ("displaytext", "x"), ("zoneid", tenant.zone.as_str()), url];
    let mut template = common.to_vec();
    template.extend([("hypervisor", "KVM"), ("format", "QCOW2"), ("ostypeid", &os_type)]);
    tenant.run("registerTemplate", &template);
    tenant.run("registerIso", &[common.as_slice(), &[("ostypeid", &os_type)]].concat());
    tenant.lab.pass(60);
    let events = tenant.lab.memory.usage();
    let images: Vec<_> =
        events.iter().filter(|event| event.event_type.ends_with(".CREATE")).rev().take(2).collect();
    for image in images {
        assert!(matches!(&*image.event_type, "TEMPLATE.CREATE" | "ISO.CREATE"), "{image:?}");
        assert_eq!((image.size, image.virtual_size), (Some(1 << 30), Some(1 << 30)), "{image:?}");
    }
}

/// The use of image stores by `listCapacity`: all that lies on them.
#[test]
fn snapshots_and_uploads_fill_the_image_store() {
    let tenant = Tenant::new();
    let used = || {
        let params = [("zoneid", tenant.zone.as_str()), ("type", "6")];
        int(&tenant.lab.one("listCapacity", &params), "capacityused")
    };
    tenant.deploy(&[]).unwrap();
    let root = tenant.run("listVolumes", &[("type", "ROOT")]);
    let id = texts(&root, "id").remove(0);
    let bytes = int(&tenant.lab.one("listVolumes", &[("id", &id)]), "size");
    let before = used();
    tenant.run("createSnapshot", &[("volumeid", &id)]);
    assert_eq!(used(), before + bytes);
    let url = "http://images.example.org/disk.qcow2";
    let upload = [("name", "up"), ("url", url), ("format", "QCOW2"), ("zoneid", &tenant.zone)];
    tenant.run("uploadVolume", &upload);
    assert_eq!(used(), before + bytes + (1 << 30));
}
