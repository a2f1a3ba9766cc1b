//! Physical networks with their traffic, providers and VLANs, address ranges of all
//! sorts, and network offerings.

mod deployed;
mod offerings;
mod ranges;

use cloudtally_platform::engine::{Node, Start};

use crate::support::{Lab, text, texts};

/// A zone without anything in it.
fn zone(lab: &Lab, name: &str, network_type: &str) -> String {
    let params = [
        ("name", name),
        ("dns1", "8.8.8.8"),
        ("internaldns1", "8.8.4.4"),
        ("networktype", network_type),
    ];
    text(&lab.ok("createZone", &params), "id")
}

/// A zone with a physical network of these VLANs and types of traffic.
fn zone_with(lab: &Lab, name: &str, vlan: &str, traffic: &[&str]) -> (String, String) {
    let zone = zone(lab, name, "Advanced");
    let params = [("zoneid", zone.as_str()), ("name", "pn"), ("vlan", vlan)];
    let network = text(&lab.ok("createPhysicalNetwork", &params), "id");
    for traffic in traffic {
        lab.ok("addTrafficType", &[("physicalnetworkid", &network), ("traffictype", traffic)]);
    }
    (zone, network)
}

fn public_range<'a>(zone: &'a str, start: &'a str, end: &'a str) -> [(&'static str, &'a str); 7] {
    [
        ("zoneid", zone),
        ("forvirtualnetwork", "true"),
        ("vlan", "50"),
        ("gateway", "192.168.2.1"),
        ("netmask", "255.255.255.0"),
        ("startip", start),
        ("endip", end),
    ]
}

#[track_caller]
fn refused(lab: &Lab, command: &str, params: &[(&str, &str)], code: u16, part: &str) {
    let (status, why) = lab.refused(command, params);
    assert!(status == code && why.contains(part), "{status} {why}");
}

fn count(node: &Node) -> usize {
    let Node::List(items) = node else { panic!("no list: {node:?}") };
    items.len()
}

#[test]
fn vlans_of_physical_networks() {
    let lab = Lab::new(Start::Empty);
    let (zone, network) = zone_with(&lab, "z", "300-310,100-200", &["Guest", "Public"]);
    let seen = lab.one("listPhysicalNetworks", &[("id", &network)]);
    assert_eq!(text(&seen, "vlan"), "100-200,300-310");
    assert_eq!(text(&seen, "broadcastdomainrange"), "ZONE");
    assert_eq!(text(&seen, "isolationmethods"), "VLAN");
    let create = |name, value| {
        lab.refused("createPhysicalNetwork", &[("zoneid", &zone), ("name", "b"), (name, value)])
    };
    for (name, value, part) in [
        ("vlan", "190-250", "physical network pn has VLAN"),
        ("vlan", "5000", "from 0 to 4095"),
        ("vlan", "20-10", "from 0 to 4095"),
        ("broadcastdomainrange", "POD", "must be ZONE"),
        ("broadcastdomainrange", "RACK", "ZONE or POD"),
        ("isolationmethods", "TELEPATHY", "expected one of VLAN"),
        ("isolationmethods", "VLAN,GRE", "`isolationmethods` has several"),
        ("tags", "a,b", "`tags` has several"),
    ] {
        let (code, why) = create(name, value);
        assert!(code == 431 && why.contains(part), "{code} {why}");
    }
    let update = |name, value| lab.ok("updatePhysicalNetwork", &[("id", &network), (name, value)]);
    assert_eq!(text(&update("removevlan", "150-160"), "vlan"), "100-149,161-200,300-310");
    assert_eq!(text(&update("vlan", "100-120"), "vlan"), "100-120");
    assert_eq!(text(&update("networkspeed", "10G"), "networkspeed"), "10G");
    assert_eq!(text(&update("tags", "fast"), "tags"), "fast");
    assert_eq!(text(&update("state", "Enabled"), "state"), "Enabled");
    assert_eq!(text(&update("state", "disabled"), "state"), "Disabled");
    let id = ("id", network.as_str());
    refused(&lab, "updatePhysicalNetwork", &[id, ("state", "Up")], 431, "Enabled or Disabled");
    refused(&lab, "updatePhysicalNetwork", &[id, ("removevlan", "7")], 431, "has not VLAN 7");
    // VLANs of public addresses are not for guests, and the other way round.
    lab.ok("createVlanIpRange", &public_range(&zone, "192.168.2.2", "192.168.2.20"));
    refused(&lab, "updatePhysicalNetwork", &[id, ("vlan", "40-60")], 431, "public addresses");
    let mut on_guest_vlan = public_range(&zone, "192.168.2.30", "192.168.2.40");
    on_guest_vlan[2].1 = "110";
    refused(&lab, "createVlanIpRange", &on_guest_vlan, 431, "has VLAN 110 for guest networks");
    // What is used stays.
    refused(&lab, "deletePhysicalNetwork", &[id], 536, "in use by the VLAN IP range");
    let events =
        lab.ok("listEvents", &[("type", "PHYSICAL.NETWORK.CREATE"), ("state", "Completed")]);
    assert!(count(&events) >= 1);
}

#[test]
fn a_basic_zone_has_one_physical_network() {
    let lab = Lab::new(Start::Empty);
    let zone = zone(&lab, "z", "Basic");
    let params = [("zoneid", zone.as_str()), ("name", "pn")];
    let with_vlan = [params[0], params[1], ("vlan", "100-200")];
    refused(&lab, "createPhysicalNetwork", &with_vlan, 431, "is Basic");
    let network = lab.ok("createPhysicalNetwork", &params);
    assert_eq!(text(&network, "broadcastdomainrange"), "POD");
    refused(&lab, "createPhysicalNetwork", &params, 530, "already");
    let id = text(&network, "id");
    refused(&lab, "updatePhysicalNetwork", &[("id", &id), ("vlan", "1-2")], 431, "is Basic");
    refused(&lab, "deleteZone", &[("id", &zone)], 536, "physical network");
    lab.ok("deletePhysicalNetwork", &[("id", &id)]);
    assert_eq!(count(&lab.ok("listNetworkServiceProviders", &[])), 0, "they went with it");
    lab.ok("deleteZone", &[("id", &zone)]);
}

#[test]
fn traffic_is_carried_by_one_physical_network() {
    let lab = Lab::new(Start::Empty);
    let (zone, one) = zone_with(&lab, "z", "100-200", &["Guest", "Public", "Storage"]);
    let two = text(&lab.ok("createPhysicalNetwork", &[("zoneid", &zone), ("name", "b")]), "id");
    let add = |network: &str, traffic: &str| {
        let params = [("physicalnetworkid", network), ("traffictype", traffic)];
        lab.run(lab.root(), "addTrafficType", &params)
    };
    assert_eq!(add(&one, "Guest").unwrap_err().0, 530);
    let (code, why) = add(&two, "Public").unwrap_err();
    assert!(code == 530 && why.contains("pn carries the Public traffic"), "{code} {why}");
    assert_eq!(add(&two, "Vpn").unwrap_err().0, 431);
    let row = add(&two, "guest").unwrap();
    assert_eq!(text(&row, "traffictype"), "Guest");
    let id = text(&row, "id");
    let labels =
        [("id", id.as_str()), ("xennetworklabel", "cloud-guest"), ("kvmnetworklabel", "cloudbr1")];
    lab.ok("updateTrafficType", &labels);
    let seen = lab.one("listTrafficTypes", &[("physicalnetworkid", &two)]);
    assert_eq!(text(&seen, "xennetworklabel"), "cloud-guest");
    assert_eq!(text(&seen, "kvmnetworklabel"), "cloudbr1");
    // What is in use stays.
    lab.ok("createVlanIpRange", &public_range(&zone, "192.168.2.2", "192.168.2.20"));
    let Node::List(rows) = lab.ok("listTrafficTypes", &[("physicalnetworkid", &one)]) else {
        panic!()
    };
    let public = rows.iter().find(|row| text(row, "traffictype") == "Public").unwrap();
    let public = text(public, "id");
    refused(&lab, "deleteTrafficType", &[("id", &public)], 536, "is used by");
    lab.ok("deleteTrafficType", &[("id", &id)]);
    assert_eq!(count(&lab.ok("listTrafficTypes", &[("physicalnetworkid", &two)])), 0);
    let guru = lab.one("listTrafficTypeImplementors", &[("traffictype", "Public")]);
    assert_eq!(text(&guru, "traffictypeimplementor"), "PublicNetworkGuru");
    assert_eq!(count(&lab.ok("listTrafficTypeImplementors", &[])), 5);
    refused(&lab, "listTrafficTypeImplementors", &[("traffictype", "x")], 431, "traffictype");
    let methods = texts(&lab.ok("listNetworkIsolationMethods", &[]), "name");
    assert!(methods.contains(&"VLAN".to_owned()), "{methods:?}");
}

#[test]
fn providers_and_their_elements() {
    let lab = Lab::new(Start::Empty);
    let (_, network) = zone_with(&lab, "z", "100-200", &["Guest"]);
    let of_network = ("physicalnetworkid", network.as_str());
    let names = texts(&lab.ok("listNetworkServiceProviders", &[of_network]), "name");
    assert_eq!(
        names,
        ["VirtualRouter", "SecurityGroupProvider", "VpcVirtualRouter", "InternalLbVm"]
    );
    let add = |name: &str, list: &str| {
        let params = [of_network, ("name", name), ("servicelist", list)];
        lab.run(lab.root(), "addNetworkServiceProvider", &params)
    };
    for (name, list, code, part) in [
        ("Carrier Pigeon", "", 431, "no network service provider"),
        ("VirtualRouter", "", 530, "has the provider VirtualRouter already"),
        ("Netscaler", "Dhcp", 431, "has Dhcp, which the provider Netscaler does not provide"),
        ("Netscaler", "Coffee", 431, "`servicelist` has no service"),
    ] {
        let (status, why) = add(name, list).unwrap_err();
        assert!(status == code && why.contains(part), "{status} {why}");
    }
    let netscaler = add("netscaler", "lb").unwrap();
    assert_eq!(text(&netscaler, "name"), "Netscaler");
    assert_eq!(netscaler.field("servicelist"), Some(&Node::List(vec![Node::text("Lb")])));
    assert_eq!(netscaler.field("canenableindividualservice"), Some(&Node::Bool(true)));
    let id = text(&netscaler, "id");
    let update = |name, value| [("id", id.as_str()), (name, value)];
    refused(&lab, "updateNetworkServiceProvider", &update("state", "Enabled"), 530, "add a device");
    refused(
        &lab,
        "updateNetworkServiceProvider",
        &update("state", "Shutdown"),
        431,
        "cannot be Shutdown",
    );
    refused(
        &lab,
        "updateNetworkServiceProvider",
        &update("state", "On"),
        431,
        "Enabled or Disabled",
    );
    let changed = lab.ok("updateNetworkServiceProvider", &update("servicelist", "Lb,StaticNat"));
    let both = Node::List(vec![Node::text("Lb"), Node::text("StaticNat")]);
    assert_eq!(changed.field("servicelist"), Some(&both));
    lab.ok("deleteNetworkServiceProvider", &[("id", &id)]);
    let by_name = [of_network, ("name", "Netscaler")];
    assert_eq!(count(&lab.ok("listNetworkServiceProviders", &by_name)), 0);
    // A provider that is added again needs an element that is made again.
    let router = lab.one("listNetworkServiceProviders", &[of_network, ("name", "VirtualRouter")]);
    lab.ok("deleteNetworkServiceProvider", &[("id", &text(&router, "id"))]);
    assert_eq!(count(&lab.ok("listVirtualRouterElements", &[])), 1, "that of VPCs is left");
    let router = text(&add("VirtualRouter", "").unwrap(), "id");
    let element = lab.ok("createVirtualRouterElement", &[("nspid", &router)]);
    assert_eq!(element.field("enabled"), Some(&Node::Bool(false)));
    assert_eq!(text(&element, "nspid"), router);
    refused(&lab, "createVirtualRouterElement", &[("nspid", &router)], 431, "already");
    let groups = lab.one("listNetworkServiceProviders", &[("name", "SecurityGroupProvider")]);
    let groups = text(&groups, "id");
    refused(&lab, "createVirtualRouterElement", &[("nspid", &groups)], 431, "no virtual routers");
    refused(&lab, "createInternalLoadBalancerElement", &[("nspid", &groups)], 431, "InternalLbVm");
    let enabled = lab.ok("updateNetworkServiceProvider", &[("id", &groups), ("state", "Enabled")]);
    assert_eq!(text(&enabled, "state"), "Enabled", "it needs nothing");
    let lb = lab.one("listNetworkServiceProviders", &[("name", "InternalLbVm")]);
    lab.ok("deleteNetworkServiceProvider", &[("id", &text(&lb, "id"))]);
    let lb = text(&add("InternalLbVm", "").unwrap(), "id");
    let element = lab.ok("createInternalLoadBalancerElement", &[("nspid", &lb)]);
    let seen = lab.one("listInternalLoadBalancerElements", &[("nspid", &lb)]);
    assert_eq!(seen, element);
}

#[test]
fn services_are_listed_with_who_provides_them() {
    let lab = Lab::new(Start::Empty);
    let all = texts(&lab.ok("listSupportedNetworkServices", &[]), "name");
    assert_eq!(all.len(), 13, "{all:?}");
    let lb = lab.one("listSupportedNetworkServices", &[("service", "lb")]);
    let by = texts(lb.field("provider").unwrap(), "name");
    assert_eq!(by, ["VirtualRouter", "F5BigIp", "Netscaler", "VpcVirtualRouter", "InternalLbVm"]);
    let capabilities = texts(lb.field("capability").unwrap(), "name");
    assert!(capabilities.contains(&"SupportedLBIsolation".to_owned()), "{capabilities:?}");
    let groups = [("provider", "SecurityGroupProvider")];
    assert_eq!(text(&lab.one("listSupportedNetworkServices", &groups), "name"), "SecurityGroup");
    refused(&lab, "listSupportedNetworkServices", &[("service", "Tea")], 431, "service");
    refused(&lab, "listSupportedNetworkServices", &[("provider", "x")], 431, "provider");
}

/// A cloud with a tenant.
fn ready() -> (Lab, String) {
    let lab = Lab::new(Start::Ready);
    lab.account("alice", "0", None);
    let zone = lab.zone("Advanced");
    (lab, zone)
}

#[test]
fn an_element_is_of_its_providers_type() {
    let lab = Lab::new(Start::Empty);
    let (_, network) = zone_with(&lab, "z", "100-200", &["Guest"]);
    let of_network = ("physicalnetworkid", network.as_str());
    let provider =
        |name| text(&lab.one("listNetworkServiceProviders", &[of_network, ("name", name)]), "id");
    let vpc = provider("VpcVirtualRouter");
    lab.ok("deleteNetworkServiceProvider", &[("id", &vpc)]);
    let vpc = lab.ok("addNetworkServiceProvider", &[of_network, ("name", "VpcVirtualRouter")]);
    let vpc = text(&vpc, "id");
    let router = provider("VirtualRouter");
    let wrong = [("nspid", vpc.as_str()), ("providertype", router.as_str())];
    refused(
        &lab,
        "createVirtualRouterElement",
        &wrong,
        431,
        "of the type VPCVirtualRouter, not VirtualRouter",
    );
    let right = [("nspid", vpc.as_str()), ("providertype", vpc.as_str())];
    lab.ok("createVirtualRouterElement", &right);
    assert_eq!(count(&lab.ok("listVirtualRouterElements", &[("nspid", &vpc)])), 1);
    // Elements are of the cloud: users have nothing to do with them.
    lab.account("alice", "0", None);
    let Err((code, _)) = lab.run(lab.user("alice"), "listVirtualRouterElements", &[]) else {
        panic!()
    };
    assert_eq!(code, 401);
}

#[test]
fn a_job_of_the_network_infrastructure_tells_its_chain() {
    let lab = Lab::new(Start::Empty);
    let (_, network) = zone_with(&lab, "z", "100-200", &["Guest"]);
    let chain = |event_type| {
        let mut states = texts(
            &lab.ok("listEvents", &[("type", event_type), ("pagesize", "4"), ("page", "1")]),
            "state",
        );
        states.reverse();
        states
    };
    assert_eq!(chain("PHYSICAL.NETWORK.CREATE"), ["Scheduled", "Created", "Started", "Completed"]);
    assert_eq!(chain("TRAFFIC.TYPE.CREATE"), ["Scheduled", "Created", "Started", "Completed"]);
    lab.ok("updatePhysicalNetwork", &[("id", &network), ("state", "Enabled")]);
    assert_eq!(chain("PHYSICAL.NETWORK.UPDATE"), ["Scheduled", "Started", "Completed"]);
    // It is all there after a restart.
    let before = lab.ok("listPhysicalNetworks", &[]);
    let providers = lab.ok("listNetworkServiceProviders", &[]);
    let lab = lab.restart();
    assert_eq!(lab.ok("listPhysicalNetworks", &[]), before);
    assert_eq!(lab.ok("listNetworkServiceProviders", &[]), providers);
}
