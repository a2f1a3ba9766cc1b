//! Alerts: raised once while they last, listed, archived and removed.

use cloudtally_platform::engine::{Node, Start};

use crate::support::{Lab, int, text, texts};

fn listed(lab: &Lab, params: &[(&str, &str)]) -> Vec<(i64, String)> {
    let Node::List(items) = lab.ok("listAlerts", params) else { panic!() };
    items.iter().map(|item| (int(item, "type"), text(item, "description"))).collect()
}

fn generate(lab: &Lab, number: &str, description: &str) {
    let params = [("type", number), ("name", "n"), ("description", description)];
    lab.ok("generateAlert", &params);
}

#[test]
fn an_alert_is_told_once_while_it_lasts_but_each_machine_is_told() {
    let lab = Lab::new(Start::Empty);
    generate(&lab, "13", "usage server down");
    generate(&lab, "13", "usage server still down");
    generate(&lab, "7", "host a is down");
    generate(&lab, "7", "host b is down");
    generate(&lab, "900", "something of ours");
    let expected = [
        (900, "something of ours"),
        (7, "host b is down"),
        (7, "host a is down"),
        (13, "usage server down"),
    ];
    let expected: Vec<(i64, String)> =
        expected.iter().map(|(number, text)| (*number, (*text).to_owned())).collect();
    assert_eq!(listed(&lab, &[]), expected, "the newest first");
    assert_eq!(listed(&lab, &[("type", "7")]).len(), 2);
    assert_eq!(listed(&lab, &[("keyword", "HOST B")]).len(), 1);
    let events = lab.ok("listEvents", &[("type", "ALERT.GENERATE"), ("keyword", "completed")]);
    let told = texts(&events, "description");
    assert_eq!(told.len(), 5);
    assert!(told[3].ends_with("tells of it already"), "{told:?}");
    assert_eq!(lab.refused("listAlerts", &[("type", "host")]).0, 431);
}

#[test]
fn alerts_are_archived_and_deleted() {
    let lab = Lab::new(Start::Empty);
    for number in ["7", "8", "20"] {
        generate(&lab, number, "x");
    }
    let id = |number: &str| text(&lab.one("listAlerts", &[("type", number)]), "id");
    let (host, vm) = (id("7"), id("8"));
    assert_eq!(lab.refused("archiveAlerts", &[]).0, 431);
    assert_eq!(lab.refused("deleteAlerts", &[("startdate", "2026-01-01")]).0, 431);
    lab.ok("archiveAlerts", &[("ids", &host)]);
    assert_eq!(listed(&lab, &[]).len(), 2);
    // One that is archived already spoils the whole.
    let both = format!("{host},{vm}");
    assert_eq!(lab.refused("archiveAlerts", &[("ids", &both)]).0, 530);
    assert_eq!(listed(&lab, &[]).len(), 2);
    lab.ok("deleteAlerts", &[("type", "8")]);
    assert_eq!(listed(&lab, &[]), [(20, "x".to_owned())]);
    lab.ok("deleteAlerts", &[("enddate", "2026-12-31")]);
    assert_eq!(listed(&lab, &[]), []);
    assert!(lab.cloud.world().any(lab.id(&host)).is_some(), "what is archived stays");
}

#[test]
fn capacity_that_runs_out_is_told_and_told_again_only_after_it_was_well() {
    let lab = Lab::new(Start::Ready);
    let period_s = 300;
    lab.pass(period_s);
    let quiet = listed(&lab, &[]);
    // A zone whose threshold is 0 has too little left of whatever is used.
    lab.account("ann", "0", None);
    let zone = lab.zone("Advanced");
    let template = lab.template(&zone);
    let offering = text(&lab.one("listServiceOfferings", &[("name", "m1.small")]), "id");
    lab.ok_as(
        "ann",
        "deployVirtualMachine",
        &[("zoneid", &zone), ("serviceofferingid", &offering), ("templateid", &template)],
    );
    let threshold = |value: &str| {
        let name = "cluster.memory.allocated.capacity.notificationthreshold";
        lab.ok("updateConfiguration", &[("name", name), ("value", value)]);
        lab.pass(period_s);
    };
    let memory = || listed(&lab, &[("type", "0")]);
    assert_eq!(memory(), []);
    threshold("0");
    let told = memory();
    assert!(!told.is_empty(), "{quiet:?}");
    assert!(told[0].1.starts_with("memory of the cluster "), "{told:?}");
    threshold("0.0");
    assert_eq!(memory(), told, "it is still the same");
    threshold("1");
    assert_eq!(memory(), told, "resolved, but not forgotten");
    threshold("0");
    assert_eq!(memory().len(), told.len() * 2);
}

#[test]
fn old_alerts_go_where_that_is_wanted() {
    let lab = Lab::new(Start::Empty);
    generate(&lab, "7", "old");
    lab.pass(3 * 86_400);
    assert_eq!(listed(&lab, &[]).len(), 1, "0 days keep all");
    lab.ok("updateConfiguration", &[("name", "alert.purge.delay"), ("value", "2")]);
    generate(&lab, "7", "new");
    lab.pass(86_400);
    assert_eq!(listed(&lab, &[]), [(7, "new".to_owned())]);
}

#[test]
fn a_host_that_dies_is_told_with_what_ran_on_it() {
    let lab = Lab::new(Start::Ready);
    lab.account("ann", "0", None);
    let zone = lab.zone("Advanced");
    let template = lab.template(&zone);
    let offering = text(&lab.one("listServiceOfferings", &[("name", "m1.small")]), "id");
    let vm = [
        ("name", "web"),
        ("zoneid", zone.as_str()),
        ("serviceofferingid", &offering),
        ("templateid", &template),
    ];
    let vm = text(&lab.ok_as("ann", "deployVirtualMachine", &vm), "id");
    let host = text(&lab.one("listVirtualMachines", &[("id", &vm)]), "hostid");
    let number = lab.id(&host).to_string();
    let rule = [("name", "PingCommand"), ("value", "enabled:false"), ("hostid", number.as_str())];
    lab.ok("configureSimulator", &rule);
    assert_eq!(listed(&lab, &[("type", "7")]), []);
    lab.run(lab.root(), "reconnectHost", &[("id", &host)]).unwrap_err();
    let told = listed(&lab, &[("type", "7")]);
    assert_eq!(told.len(), 1);
    assert!(told[0].1.ends_with("does not answer"), "{told:?}");
    let told = listed(&lab, &[("type", "8")]);
    assert!(told[0].1.starts_with("the virtual machine web went down"), "{told:?}");
}

#[test]
fn downloads_that_take_an_account_over_its_limit_are_told() {
    let lab = Lab::new(Start::Ready);
    let domain = text(&lab.account("ann", "0", None), "domainid");
    let limit =
        [("account", "ann"), ("domainid", domain.as_str()), ("resourcetype", "11"), ("max", "1")];
    lab.ok("updateResourceLimit", &limit);
    let zone = lab.zone("Advanced");
    let os_type = text(&lab.one("listOsTypes", &[("description", "Other (64-bit)")]), "id");
    let register = |name: &str| {
        let template = [
            ("name", name),
            ("displaytext", name),
            ("url", "http://example.org/a.qcow2"),
            ("format", "QCOW2"),
            ("hypervisor", "KVM"),
            ("ostypeid", os_type.as_str()),
            ("zoneid", zone.as_str()),
        ];
        lab.call(lab.user("ann"), "registerTemplate", &template).map_err(|error| error.text)
    };
    // Both begin while there is room for one.
    register("one").unwrap();
    register("two").unwrap();
    assert_eq!(listed(&lab, &[("type", "26")]), []);
    lab.pass(1);
    let told = listed(&lab, &[("type", "26")]);
    assert_eq!(told.len(), 1, "the first fitted: {told:?}");
    let why = "the template two is there although the account ann may have 1 GiB of secondary";
    assert!(told[0].1.starts_with(why), "{told:?}");
    assert!(register("three").unwrap_err().contains("GiB of secondary storage"));
}
