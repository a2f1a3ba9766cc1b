//! Cases that a life by chance seldom meets.

use std::collections::BTreeSet;

use cloudtally_model::Millis;
use cloudtally_platform::{
    engine::{Answer, Node, Start},
    table::Kind,
};

use super::check;
use crate::support::{Lab, int, text, texts};

/// A tenant with what a deployment needs.
fn deployer() -> (Lab, Vec<(&'static str, String)>) {
    let lab = Lab::new(Start::Ready);
    lab.account("alice", "0", None);
    let zone = lab.zone("Advanced");
    let offering = text(&lab.one("listServiceOfferings", &[("name", "m1.small")]), "id");
    let template = lab.template(&zone);
    (lab, vec![("zoneid", zone), ("serviceofferingid", offering), ("templateid", template)])
}

fn run(lab: &Lab, name: &str, params: &[(&str, String)]) -> cloudtally_platform::engine::Node {
    let params: Vec<(&str, &str)> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
    lab.ok_as("alice", name, &params)
}

#[test]
fn a_machine_made_from_an_iso_stays_so_whatever_lies_in_its_drive() {
    let (lab, mut params) = deployer();
    let params_of_list = [("isofilter", "featured"), ("zoneid", params[0].1.as_str())];
    let iso = text(&lab.one("listIsos", &params_of_list), "id");
    let disk = text(&lab.one("listDiskOfferings", &[("name", "Small")]), "id");
    params[2].1.clone_from(&iso);
    params.extend([("diskofferingid", disk), ("hypervisor", "Simulator".to_owned())]);
    let vm = text(&run(&lab, "deployVirtualMachine", &params), "id");
    lab.pass(3_600);
    run(&lab, "detachIso", &[("virtualmachineid", vm.clone())]);
    run(&lab, "stopVirtualMachine", &[("id", vm.clone())]);
    lab.pass(3_600);
    run(&lab, "startVirtualMachine", &[("id", vm.clone())]);
    lab.pass(3_600);
    let made_from: BTreeSet<_> = check(&lab, "iso")
        .keys()
        .filter(|(_, what)| what.usage_type.0 < 3)
        .map(|(_, what)| what.template)
        .collect();
    assert_eq!(made_from, [Some(lab.id(&iso).0.into())].into());
}

#[test]
fn a_stopped_machine_restored_from_another_template_is_another_use() {
    let (lab, params) = deployer();
    let vm = text(&run(&lab, "deployVirtualMachine", &params), "id");
    let root = run(&lab, "listVolumes", &[("type", "ROOT".to_owned())]);
    let root = texts(&root, "id").remove(0);
    run(&lab, "stopVirtualMachine", &[("id", vm.clone())]);
    let os_type = texts(&lab.ok("listOsTypes", &[]), "id").remove(0);
    let own = run(
        &lab,
        "createTemplate",
        &[
            ("name", "own".to_owned()),
            ("displaytext", "own".to_owned()),
            ("ostypeid", os_type),
            ("volumeid", root),
        ],
    );
    lab.pass(3_600);
    let params = [("virtualmachineid", vm), ("templateid", text(&own, "id"))];
    run(&lab, "restoreVirtualMachine", &params);
    lab.pass(2 * 3_600);
    let bill = check(&lab, "restored");
    let allocated: Vec<i64> =
        bill.iter().filter(|((_, what), _)| what.usage_type.0 == 2).map(|(_, ms)| *ms).collect();
    assert_eq!(allocated, [3_600_000, 2 * 3_600_000]);
}

#[test]
fn what_is_not_kept_is_not_in_the_ledger_either() {
    let (lab, params) = deployer();
    let vm = text(&run(&lab, "deployVirtualMachine", &params), "id");
    let number_of_entries = lab.cloud.world().ledger().len();
    lab.pass(60);
    lab.memory.fail_next();
    let volume = [
        ("name", "data"),
        ("zoneid", params[0].1.as_str()),
        ("diskofferingid", &text(&lab.one("listDiskOfferings", &[("name", "Small")]), "id")),
    ];
    assert!(lab.call(lab.user("alice"), "createVolume", &volume).is_err());
    // One that is refused on the way changes nothing either.
    let refused = [("id", vm.as_str()), ("serviceofferingid", params[1].1.as_str())];
    assert!(lab.run(lab.user("alice"), "changeServiceForVirtualMachine", &refused).is_err());
    assert_eq!(lab.cloud.world().ledger().len(), number_of_entries);
    check(&lab, "after a failure");
    let made = lab.ok_as("alice", "createVolume", &volume);
    assert_eq!(int(&made, "size"), 5 << 30);
    lab.pass(60);
    check(&lab, "after success");
}

#[test]
fn time_never_goes_back_and_is_kept() {
    let lab = Lab::new(Start::Empty);
    let later = lab.now() + Millis::HOUR;
    lab.cloud.keep_clock(later).unwrap();
    lab.account("alice", "0", None);
    let world = lab.cloud.world();
    assert_eq!(world.all(Kind::Account).last().unwrap().created, later);
    drop(world);
    let lab = lab.restart();
    assert_eq!(lab.cloud.clock(), later);
    let changed = lab.cloud.change(lab.now(), move |tx| {
        assert_eq!(tx.now, later);
        Ok(Answer::Success)
    });
    assert_eq!(changed, Ok(Answer::Success));
}

/// Goes through what tenants seldom do with networks and addresses; lets an hour pass
/// after each step, so that a stretch that is told wrongly shows.
#[test]
fn rare_paths_of_networks_are_billed_as_they_were_had() {
    let (lab, deploy) = deployer();
    let zone = deploy[0].1.clone();
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let with = |more: &[(&'static str, &str)]| {
        let mut params = deploy.clone();
        params.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        params
    };
    let own = |name: &str, params: &[(&str, &str)]| {
        let node = lab.ok_as("alice", name, params);
        lab.pass(3_600);
        node
    };
    let admin = |name: &str, params: &[(&str, &str)]| {
        let node = lab.ok(name, params);
        lab.pass(3_600);
        node
    };
    let offering = |name: &str| text(&lab.one("listNetworkOfferings", &[("name", name)]), "id");
    // 1. Networks: an isolated one, a shared one; a machine on both.
    let isolated = offering("DefaultIsolatedNetworkOfferingWithSourceNatService");
    let network = [("name", "n"), ("displaytext", "n"), ("zoneid", zone.as_str())];
    let mut first = network.to_vec();
    first.push(("networkofferingid", &isolated));
    let net = text(&own("createNetwork", &first), "id");
    let shared_offering = offering("DefaultSharedNetworkOffering");
    let mut second = network.to_vec();
    second.extend([
        ("networkofferingid", shared_offering.as_str()),
        ("vlan", "2500"),
        ("gateway", "10.77.0.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "10.77.0.10"),
        ("endip", "10.77.0.20"),
    ]);
    let shared = text(&admin("createNetwork", &second), "id");
    let both = format!("{net},{shared}");
    let vm = text(&run(&lab, "deployVirtualMachine", &with(&[("networkids", &both)])), "id");
    check(&lab, "a machine on an isolated and a shared network");
    // 2. The default NIC switched, a stopped machine's too, and one taken away.
    let nic = |is_default: &str| {
        let Node::List(nics) = lab.ok("listNics", &[("virtualmachineid", &vm)]) else { panic!() };
        let wanted = Node::Bool(is_default == "true");
        let found = nics.iter().find(|nic| nic.field("isdefault") == Some(&wanted));
        text(found.unwrap(), "id")
    };
    let of_vm = |nic: &str| [("virtualmachineid", vm.clone()), ("nicid", nic.to_owned())];
    run(&lab, "updateDefaultNicForVirtualMachine", &of_vm(&nic("false")));
    lab.pass(3_600);
    own("stopVirtualMachine", &[("id", &vm)]);
    run(&lab, "updateDefaultNicForVirtualMachine", &of_vm(&nic("false")));
    lab.pass(3_600);
    run(&lab, "removeNicFromVirtualMachine", &of_vm(&nic("false")));
    own("startVirtualMachine", &[("id", &vm)]);
    own("addNicToVirtualMachine", &[("virtualmachineid", &vm), ("networkid", &shared)]);
    check(&lab, "NICs switched, removed and added");
    // 3. Addresses of a range that is kept for her, before and after she has some.
    let range = [
        ("zoneid", zone.as_str()),
        ("forvirtualnetwork", "true"),
        ("vlan", "51"),
        ("gateway", "198.18.0.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "198.18.0.10"),
        ("endip", "198.18.0.12"),
    ];
    let range = text(&admin("createVlanIpRange", &range), "id");
    let keep = [("id", range.as_str()), ("account", "alice"), ("domainid", root.as_str())];
    admin("dedicatePublicIpRange", &keep);
    let address = |portable: &str| {
        text(&own("associateIpAddress", &[("networkid", &net), ("isportable", portable)]), "id")
    };
    let (ip, other) = (address("false"), address("false"));
    own("disassociateIpAddress", &[("id", &other)]);
    admin("releasePublicIpRange", &[("id", &range)]);
    admin("dedicatePublicIpRange", &keep);
    check(&lab, "a range kept, opened and kept again");
    // 4. Portable addresses, rules, static NAT with open ports, VPN users.
    let portable = address("true");
    let nat = [("ipaddressid", portable.as_str()), ("virtualmachineid", &vm), ("networkid", &net)];
    own("enableStaticNat", &nat);
    let ports = [("ipaddressid", portable.as_str()), ("protocol", "tcp"), ("startport", "22")];
    own("createIpForwardingRule", &ports);
    let forward = [
        ("ipaddressid", ip.as_str()),
        ("protocol", "tcp"),
        ("publicport", "80"),
        ("privateport", "80"),
        ("virtualmachineid", &vm),
    ];
    own("createPortForwardingRule", &forward);
    let balance = [
        ("publicipid", ip.as_str()),
        ("name", "lb"),
        ("algorithm", "source"),
        ("publicport", "443"),
        ("privateport", "443"),
    ];
    own("createLoadBalancerRule", &balance);
    own("createRemoteAccessVpn", &[("publicipid", &ip)]);
    own("addVpnUser", &[("username", "zoe"), ("password", "secret")]);
    own("deleteRemoteAccessVpn", &[("publicipid", &ip)]);
    check(&lab, "rules of all kinds");
    // 5. Another offering under a running machine; the router rebooted and replaced.
    let same = [
        ("name", "same"),
        ("displaytext", "same"),
        ("traffictype", "Guest"),
        ("guestiptype", "Isolated"),
        (
            "supportedservices",
            "Dhcp,Dns,UserData,SourceNat,StaticNat,PortForwarding,Firewall,Lb,Vpn,Gateway",
        ),
    ];
    let same = text(&admin("createNetworkOffering", &same), "id");
    admin("updateNetworkOffering", &[("id", &same), ("state", "Enabled")]);
    own("updateNetwork", &[("id", &net), ("networkofferingid", &same)]);
    let router =
        || text(&lab.one("listRouters", &[("networkid", &net), ("listall", "true")]), "id");
    admin("rebootRouter", &[("id", &router())]);
    admin("stopRouter", &[("id", &router())]);
    admin("startRouter", &[("id", &router())]);
    admin("destroyRouter", &[("id", &router())]);
    own("restartNetwork", &[("id", &net), ("cleanup", "false")]);
    own("restartNetwork", &[("id", &net)]);
    own("disassociateIpAddress", &[("id", &portable)]);
    let had = check(&lab, "offerings and routers");
    let types: BTreeSet<u16> = had.keys().map(|(_, what)| what.usage_type.0).collect();
    for usage_type in [1, 2, 3, 4, 5, 11, 12, 13, 14] {
        assert!(types.contains(&usage_type), "usage of type {usage_type}");
    }
    // 6. Everything at once with the account; nothing is used any more.
    let account = text(&lab.one("listAccounts", &[("name", "alice"), ("listall", "true")]), "id");
    admin("deleteAccount", &[("id", &account)]);
    let at_end = check(&lab, "the account is gone");
    lab.pass(86_400);
    assert_eq!(check(&lab, "a day later"), at_end, "nothing is billed after its account");
}

#[test]
fn a_router_goes_on_elsewhere_when_its_host_dies_and_counts_each_byte_once() {
    let (lab, deploy) = deployer();
    run(&lab, "deployVirtualMachine", &deploy);
    let router = || lab.one("listRouters", &[("listall", "true")]);
    let memory = |host: &str| int(&lab.one("listHosts", &[("id", host)]), "memoryallocated");
    let first = text(&router(), "hostid");
    let used = memory(&first);
    lab.pass(1_000);
    // It is stopped, and its place is free.
    let id = text(&router(), "id");
    lab.ok("stopRouter", &[("id", &id)]);
    assert_eq!(router().field("hostid"), None);
    assert_eq!(used - memory(&first), 128 << 20, "what its offering says");
    lab.pass(1_000);
    lab.ok("startRouter", &[("id", &id)]);
    lab.pass(1_000);
    lab.ok("rebootRouter", &[("id", &id)]);
    let before = text(&router(), "hostid");
    lab.pass(1_000);
    // Its host does not answer any more.
    let number = lab.id(&before).to_string();
    let rule = [("name", "PingCommand"), ("value", "enabled:false"), ("hostid", number.as_str())];
    lab.ok("configureSimulator", &rule);
    lab.run(lab.root(), "reconnectHost", &[("id", &before)]).unwrap_err();
    let after = router();
    assert_eq!((text(&after, "id"), text(&after, "state")), (id, "Running".to_owned()));
    assert_ne!(text(&after, "hostid"), before);
    lab.one("listAlerts", &[("type", "9")]);
    lab.one("listEvents", &[("type", "ROUTER.HA"), ("listall", "true")]);
    lab.pass(10_000);
    let had = check(&lab, "after the failure");
    let bytes = had.iter().filter(|((_, what), _)| what.usage_type.0 == 4).map(|(_, sent)| sent);
    assert!(bytes.sum::<i64>() > 0, "a machine that runs sends");
}

#[test]
fn a_pair_of_routers_counts_each_byte_once_whichever_leads() {
    let (lab, mut params) = deployer();
    let offering = [
        ("name", "pair"),
        ("displaytext", "p"),
        ("traffictype", "Guest"),
        ("guestiptype", "Isolated"),
        ("supportedservices", "Dhcp,Dns,UserData,SourceNat,Firewall"),
        ("servicecapabilitylist[0].service", "SourceNat"),
        ("servicecapabilitylist[0].capabilitytype", "RedundantRouter"),
        ("servicecapabilitylist[0].capabilityvalue", "true"),
    ];
    let offering = text(&lab.ok("createNetworkOffering", &offering), "id");
    lab.ok("updateNetworkOffering", &[("id", &offering), ("state", "Enabled")]);
    let network = [
        ("name", "pair".to_owned()),
        ("displaytext", "p".to_owned()),
        ("networkofferingid", offering),
        ("zoneid", params[0].1.clone()),
    ];
    let network = text(&run(&lab, "createNetwork", &network), "id");
    params.push(("networkids", network.clone()));
    run(&lab, "deployVirtualMachine", &params);
    lab.pass(1_000);
    let leader = |lab: &Lab| {
        let routers = lab.ok("listRouters", &[("networkid", &network), ("listall", "true")]);
        let Node::List(routers) = routers else { panic!() };
        assert_eq!(routers.len(), 2);
        let leads = |router: &&Node| text(router, "redundantstate") == "MASTER";
        text(routers.iter().find(leads).expect("one of them leads"), "id")
    };
    // Each takes over from the other, by a stop, a reboot and the end of one.
    let first = leader(&lab);
    lab.ok("stopRouter", &[("id", &first)]);
    lab.pass(1_000);
    assert_ne!(leader(&lab), first);
    lab.ok("startRouter", &[("id", &first)]);
    lab.pass(700);
    lab.ok("rebootRouter", &[("id", &leader(&lab))]);
    assert_eq!(leader(&lab), first);
    lab.pass(900);
    let had = check(&lab, "pair");
    let sent = |usage_type: u16| -> i64 {
        had.iter().filter(|((_, what), _)| what.usage_type.0 == usage_type).map(|(_, n)| n).sum()
    };
    // One machine sends 1000 bytes a second, through one router at a time; the last poll is
    // 1500 s after the second start of the first.
    let seconds = 1_000 + 1_000 + 1_500;
    assert_eq!(sent(4), seconds * 1_000);
    assert_eq!(sent(5), seconds * 1_500);
}
