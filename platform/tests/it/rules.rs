//! Public addresses and the rules on them, snapshots, VPN users: what the bill is
//! told of them, and what collides.

use cloudtally_platform::engine::{Node, Start};

use crate::support::{Lab, text, texts};

struct Tenant {
    lab: Lab,
    vm: String,
    network: String,
    address: String,
    seen: usize,
}

impl Tenant {
    fn new() -> Self {
        let lab = Lab::new(Start::Ready);
        lab.account("alice", "0", None);
        let zone = lab.zone("Advanced");
        let offering = text(&lab.one("listServiceOfferings", &[("name", "m1.small")]), "id");
        let template = lab.template(&zone);
        let vm = lab.ok_as(
            "alice",
            "deployVirtualMachine",
            &[("zoneid", &zone), ("serviceofferingid", &offering), ("templateid", &template)],
        );
        let vm = text(&vm, "id");
        let networks = lab.ok_as("alice", "listNetworks", &[("type", "Isolated")]);
        let network = texts(&networks, "id").remove(0);
        let address = lab.ok_as("alice", "associateIpAddress", &[("networkid", &network)]);
        let address = text(&address, "id");
        let seen = lab.usage_types().len();
        Self { lab, vm, network, address, seen }
    }

    fn run(&self, name: &str, params: &[(&str, &str)]) -> Node {
        self.lab.ok_as("alice", name, params)
    }

    fn refused(&self, name: &str, params: &[(&str, &str)]) -> (u16, String) {
        self.lab.run(self.lab.user("alice"), name, params).expect_err(name)
    }

    fn events(&mut self) -> Vec<String> {
        let all = self.lab.usage_types();
        let new = all[self.seen..].to_vec();
        self.seen = all.len();
        new
    }

    fn forward(&self, port: &str) -> Vec<(&'static str, String)> {
        vec![
            ("ipaddressid", self.address.clone()),
            ("protocol", "tcp".into()),
            ("publicport", port.into()),
            ("privateport", "22".into()),
            ("virtualmachineid", self.vm.clone()),
        ]
    }
}

fn borrowed<'a>(params: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    params.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[test]
fn port_forwarding_is_billed_while_it_stands() {
    let mut tenant = Tenant::new();
    let rule = tenant.run("createPortForwardingRule", &borrowed(&tenant.forward("2222")));
    assert_eq!(tenant.events(), ["NET.RULEADD"]);
    assert_eq!(text(&rule, "state"), "Active");
    let opened = tenant.run("listFirewallRules", &[("ipaddressid", &tenant.address)]);
    assert_eq!(texts(&opened, "startport"), ["2222"]);
    let (code, why) =
        tenant.refused("createPortForwardingRule", &borrowed(&tenant.forward("2222")));
    assert_eq!(code, 537);
    assert!(why.contains("tcp 2222-2222"), "{why}");
    assert_eq!(tenant.events(), [""; 0]);
    tenant.run("deletePortForwardingRule", &[("id", &text(&rule, "id"))]);
    assert_eq!(tenant.events(), ["NET.RULEDELETE"]);
    let opened = tenant.run("listFirewallRules", &[("ipaddressid", &tenant.address)]);
    assert_eq!(opened, Node::List(Vec::new()));
}

#[test]
fn an_address_takes_its_rules_with_it() {
    let mut tenant = Tenant::new();
    tenant.run("createPortForwardingRule", &borrowed(&tenant.forward("80")));
    let balancer = tenant.run(
        "createLoadBalancerRule",
        &[
            ("publicipid", &tenant.address),
            ("name", "web"),
            ("algorithm", "roundrobin"),
            ("publicport", "443"),
            ("privateport", "8443"),
        ],
    );
    assert_eq!(tenant.events(), ["NET.RULEADD", "LB.CREATE"]);
    let balancer = text(&balancer, "id");
    tenant.run("assignToLoadBalancerRule", &[("id", &balancer), ("virtualmachineids", &tenant.vm)]);
    let behind = tenant.run("listLoadBalancerRuleInstances", &[("id", &balancer)]);
    assert_eq!(texts(&behind, "id"), [tenant.vm.clone()]);
    let (code, _) = tenant.refused(
        "enableStaticNat",
        &[("ipaddressid", &tenant.address), ("virtualmachineid", &tenant.vm)],
    );
    assert_eq!(code, 537);
    tenant.run("disassociateIpAddress", &[("id", &tenant.address)]);
    assert_eq!(tenant.events(), ["NET.RULEDELETE", "LB.DELETE", "NET.IPRELEASE"]);
}

#[test]
fn static_nat_takes_the_whole_address() {
    let mut tenant = Tenant::new();
    let nat = [("ipaddressid", tenant.address.as_str()), ("virtualmachineid", &tenant.vm)];
    tenant.run("enableStaticNat", &nat);
    let address = tenant.run("listPublicIpAddresses", &[("id", &tenant.address)]);
    let Node::List(addresses) = address else { panic!() };
    assert_eq!(addresses[0].field("isstaticnat"), Some(&Node::Bool(true)));
    assert_eq!(tenant.refused("createPortForwardingRule", &borrowed(&tenant.forward("80"))).0, 537);
    let rule = [("ipaddressid", tenant.address.as_str()), ("protocol", "tcp"), ("startport", "22")];
    let rule = tenant.run("createIpForwardingRule", &rule);
    assert_eq!(text(&rule, "virtualmachineid"), tenant.vm);
    assert_eq!(tenant.events(), ["NET.RULEADD"]);
    let address = tenant.address.clone();
    tenant.run("disableStaticNat", &[("ipaddressid", &address)]);
    assert_eq!(tenant.events(), ["NET.RULEDELETE"]);
}

#[test]
fn snapshots_are_billed_by_the_size_of_their_volume() {
    let mut tenant = Tenant::new();
    let Node::List(volumes) = tenant.run("listVolumes", &[("type", "ROOT")]) else { panic!() };
    let volume = text(&volumes[0], "id");
    let snapshot = tenant.run("createSnapshot", &[("volumeid", &volume)]);
    assert_eq!(text(&snapshot, "state"), "BackedUp");
    assert_eq!(tenant.events(), ["SNAPSHOT.CREATE"]);
    let event = tenant.lab.memory.usage().pop().unwrap();
    let size = cloudtally_platform::engine::Node::Int(i64::try_from(event.size.unwrap()).unwrap());
    assert_eq!(volumes[0].field("size"), Some(&size));
    // One an hour, and two are kept.
    tenant.run(
        "createSnapshotPolicy",
        &[
            ("volumeid", &volume),
            ("intervaltype", "hourly"),
            ("maxsnaps", "2"),
            ("schedule", "30"),
            ("timezone", "UTC"),
        ],
    );
    tenant.lab.pass(3 * 3600);
    assert_eq!(
        tenant.events(),
        ["SNAPSHOT.CREATE", "SNAPSHOT.CREATE", "SNAPSHOT.CREATE", "SNAPSHOT.DELETE"]
    );
    let recurring = tenant.run("listSnapshots", &[("snapshottype", "RECURRING")]);
    assert_eq!(texts(&recurring, "intervaltype"), ["HOURLY", "HOURLY"]);
    tenant.run("deleteSnapshot", &[("id", &text(&snapshot, "id"))]);
    assert_eq!(tenant.events(), ["SNAPSHOT.DELETE"]);
}

#[test]
fn vpn_users_are_billed_from_add_to_remove() {
    let mut tenant = Tenant::new();
    let vpn = tenant.run("createRemoteAccessVpn", &[("publicipid", &tenant.address)]);
    assert_eq!(text(&vpn, "state"), "Running");
    assert_eq!(text(&vpn, "presharedkey").len(), 24);
    tenant.run("addVpnUser", &[("username", "bob"), ("password", "x")]);
    assert_eq!(tenant.events(), ["VPN.USER.ADD"]);
    assert_eq!(tenant.refused("addVpnUser", &[("username", "bob"), ("password", "x")]).0, 431);
    tenant.run("removeVpnUser", &[("username", "bob")]);
    assert_eq!(tenant.events(), ["VPN.USER.REMOVE"]);
    tenant.run("deleteRemoteAccessVpn", &[("publicipid", &tenant.address)]);
    let (code, _) = tenant.refused("deleteRemoteAccessVpn", &[("publicipid", &tenant.address)]);
    assert_eq!(code, 431);
}

#[test]
fn an_account_that_is_deleted_ends_all_its_use() {
    let mut tenant = Tenant::new();
    tenant.run("createPortForwardingRule", &borrowed(&tenant.forward("80")));
    tenant.run("addVpnUser", &[("username", "bob"), ("password", "x")]);
    tenant.events();
    let account =
        text(&tenant.lab.one("listAccounts", &[("name", "alice"), ("listall", "true")]), "id");
    tenant.lab.ok("deleteAccount", &[("id", &account)]);
    let mut ends = tenant.events();
    ends.sort();
    assert_eq!(
        ends,
        [
            "NET.IPRELEASE",
            "NET.IPRELEASE",
            "NET.RULEDELETE",
            "NETWORK.OFFERING.REMOVE",
            "VM.DESTROY",
            "VM.STOP",
            "VOLUME.DELETE",
            "VPN.USER.REMOVE",
        ]
    );
    assert!(!tenant.network.is_empty());
}

#[test]
fn egress_rules_and_security_groups_change_what_lists_show() {
    let tenant = Tenant::new();
    let rule = tenant
        .run("createEgressFirewallRule", &[("networkid", &tenant.network), ("protocol", "all")]);
    let listed = tenant.run("listEgressFirewallRules", &[("ipaddressid", &tenant.address)]);
    assert_eq!(texts(&listed, "id"), [text(&rule, "id")]);
    // Rules without ports collide with none.
    let again = [("networkid", tenant.network.as_str()), ("protocol", "all")];
    let again = tenant.run("createEgressFirewallRule", &again);
    tenant.run("deleteEgressFirewallRule", &[("id", &text(&again, "id"))]);
    tenant.run("deleteEgressFirewallRule", &[("id", &text(&rule, "id"))]);
    let group = tenant.run("createSecurityGroup", &[("name", "web")]);
    let group = text(&group, "id");
    let opened = tenant.run(
        "authorizeSecurityGroupIngress",
        &[
            ("securitygroupid", &group),
            ("protocol", "tcp"),
            ("startport", "80"),
            ("endport", "80"),
            ("cidrlist", "0.0.0.0/0"),
        ],
    );
    let Some(Node::List(rules)) = opened.field("ingressrule") else { panic!("{opened:?}") };
    let rule = text(&rules[0], "ruleid");
    tenant.run("revokeSecurityGroupIngress", &[("id", &rule)]);
    let Node::List(groups) = tenant.run("listSecurityGroups", &[("id", &group)]) else { panic!() };
    assert_eq!(groups[0].field("ingressrule"), None);
    tenant.run("deleteSecurityGroup", &[("name", "web")]);
    assert_eq!(tenant.refused("deleteSecurityGroup", &[("name", "web")]).0, 431);
}
