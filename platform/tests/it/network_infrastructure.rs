//! Physical networks with their traffic, providers and VLANs, address ranges of all
//! sorts, and network offerings.

use cloudtally_platform::engine::{Node, Start};

use crate::support::{Lab, int, text, texts};

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
fn a_data_centre_is_deployed_in_the_order_of_the_reference_layout() {
    let lab = Lab::new(Start::Empty);
    let zone = zone(&lab, "z", "Advanced");
    let network = text(
        &lab.ok("createPhysicalNetwork", &[("zoneid", &zone), ("name", "Sandbox-pnet")]),
        "id",
    );
    let of_network = ("physicalnetworkid", network.as_str());
    for traffic in ["Guest", "Management", "Public"] {
        lab.ok("addTrafficType", &[of_network, ("traffictype", traffic)]);
    }
    assert_eq!(
        texts(&lab.ok("listTrafficTypes", &[of_network]), "traffictype"),
        ["Guest", "Management", "Public"]
    );
    // Each provider is looked up, its element enabled, and then it.
    for (name, list, configure) in [
        ("VirtualRouter", "listVirtualRouterElements", "configureVirtualRouterElement"),
        ("VpcVirtualRouter", "listVirtualRouterElements", "configureVirtualRouterElement"),
        (
            "InternalLbVm",
            "listInternalLoadBalancerElements",
            "configureInternalLoadBalancerElement",
        ),
    ] {
        let provider = lab.one("listNetworkServiceProviders", &[of_network, ("name", name)]);
        assert_eq!(text(&provider, "state"), "Disabled");
        let id = text(&provider, "id");
        let enable = [("id", id.as_str()), ("state", "Enabled")];
        refused(&lab, "updateNetworkServiceProvider", &enable, 530, "not ready");
        let element = text(&lab.one(list, &[("nspid", &id)]), "id");
        let element = lab.ok(configure, &[("id", &element), ("enabled", "true")]);
        assert_eq!(element.field("enabled"), Some(&Node::Bool(true)));
        assert_eq!(count(&lab.ok(list, &[("nspid", &id), ("enabled", "false")])), 0);
        let provider = lab.ok("updateNetworkServiceProvider", &enable);
        assert_eq!(text(&provider, "state"), "Enabled");
    }
    lab.ok("updatePhysicalNetwork", &[("id", &network), ("state", "Enabled"), ("vlan", "100-200")]);
    let seen = lab.one("listPhysicalNetworks", &[("zoneid", &zone)]);
    assert_eq!((text(&seen, "state"), text(&seen, "vlan")), ("Enabled".into(), "100-200".into()));
    let pod = [
        ("zoneid", zone.as_str()),
        ("name", "POD0"),
        ("gateway", "172.16.15.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "172.16.15.2"),
        ("endip", "172.16.15.200"),
    ];
    lab.ok("createPod", &pod);
    let range = lab.ok("createVlanIpRange", &public_range(&zone, "192.168.2.2", "192.168.2.200"));
    assert_eq!(text(&range, "physicalnetworkid"), network);
    assert_eq!(text(&range, "account"), "system");
    assert_eq!(text(&range, "vlan"), "50");
    let zone = lab.ok("updateZone", &[("id", &zone), ("allocationstate", "Enabled")]);
    assert_eq!(text(&zone, "allocationstate"), "Enabled");
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
        ("vlan", "190-250", "belongs to the physical network pn"),
        ("vlan", "5000", "from 0 to 4095"),
        ("vlan", "20-10", "from 0 to 4095"),
        ("broadcastdomainrange", "POD", "ZONE only"),
        ("broadcastdomainrange", "RACK", "ZONE or POD"),
        ("isolationmethods", "TELEPATHY", "expected one of VLAN"),
        ("isolationmethods", "VLAN,GRE", "Only one isolationMethod"),
        ("tags", "a,b", "Only one tag"),
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
    refused(&lab, "updatePhysicalNetwork", &[id, ("removevlan", "7")], 431, "VLAN 7 is not");
    // VLANs of public addresses are not for guests, and the other way round.
    lab.ok("createVlanIpRange", &public_range(&zone, "192.168.2.2", "192.168.2.20"));
    refused(&lab, "updatePhysicalNetwork", &[id, ("vlan", "40-60")], 431, "public addresses");
    let mut on_guest_vlan = public_range(&zone, "192.168.2.30", "192.168.2.40");
    on_guest_vlan[2].1 = "110";
    refused(&lab, "createVlanIpRange", &on_guest_vlan, 431, "dynamic vlan allocation");
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
    refused(&lab, "createPhysicalNetwork", &with_vlan, 431, "Basic zone");
    let network = lab.ok("createPhysicalNetwork", &params);
    assert_eq!(text(&network, "broadcastdomainrange"), "POD");
    refused(&lab, "createPhysicalNetwork", &params, 530, "already");
    let id = text(&network, "id");
    refused(&lab, "updatePhysicalNetwork", &[("id", &id), ("vlan", "1-2")], 431, "Basic zone");
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
    assert!(code == 530 && why.contains("the zone already has one with it, pn"), "{code} {why}");
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
    refused(&lab, "deleteTrafficType", &[("id", &public)], 536, "not deletable");
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
        ("Carrier Pigeon", "", 431, "Invalid Network Service Provider"),
        ("VirtualRouter", "", 530, "already exists"),
        ("Netscaler", "Dhcp", 431, "does not provide Dhcp"),
        ("Netscaler", "Coffee", 431, "Invalid Network Service specified"),
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
        "not supported",
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

#[test]
fn public_ranges() {
    let lab = Lab::new(Start::Empty);
    let (zone, network) = zone_with(&lab, "z", "100-200", &["Guest", "Public"]);
    let good = public_range(&zone, "192.168.2.2", "192.168.2.100");
    let range = lab.ok("createVlanIpRange", &good);
    let changed = |name: &'static str, value: &'static str| {
        let mut params = public_range(&zone, "192.168.2.101", "192.168.2.110");
        params.iter_mut().find(|(n, _)| *n == name).unwrap().1 = value;
        lab.refused("createVlanIpRange", &params)
    };
    for (name, value, part) in [
        ("startip", "192.168.2.100", "overlaps"),
        ("startip", "192.168.2.111", "must not lie behind"),
        ("startip", "192.168.2", "IPv4 address"),
        ("endip", "192.168.3.7", "in the network of the gateway"),
        ("endip", "192.168.2.255", "in the network of the gateway"),
        ("gateway", "192.168.2.105", "must not lie in the range"),
        ("gateway", "10.0.0.1", "in the network of the gateway"),
        ("netmask", "255.0.255.0", "netmask"),
        ("vlan", "5000", "from 0 to 4095"),
        ("forvirtualnetwork", "false", "networkid"),
    ] {
        let (code, why) = changed(name, value);
        assert!(code == 431 && why.contains(part), "{name}={value}: {code} {why}");
    }
    refused(&lab, "createVlanIpRange", &[("zoneid", &zone)], 431, "Please specify");
    refused(&lab, "createVlanIpRange", &[("startip", "1.1.1.1")], 431, "zoneid");
    let no_gateway =
        [("zoneid", zone.as_str()), ("startip", "192.168.2.130"), ("netmask", "255.255.255.0")];
    refused(&lab, "createVlanIpRange", &no_gateway, 431, "Please specify gateway");
    let mut v6 = good.to_vec();
    v6.push(("startipv6", "2001:db8::2"));
    refused(&lab, "createVlanIpRange", &v6, 431, "Shared network");
    let other = zone_with(&lab, "other", "100-200", &["Guest"]).0;
    refused(
        &lab,
        "createVlanIpRange",
        &public_range(&other, "192.168.2.2", "192.168.2.3"),
        431,
        "Public traffic",
    );
    // Filters.
    let list = |name, value| count(&lab.ok("listVlanIpRanges", &[(name, value)]));
    assert_eq!(list("zoneid", &zone), 1);
    assert_eq!(list("zoneid", &other), 0);
    assert_eq!(list("vlan", "50"), 1);
    assert_eq!(list("vlan", "vlan://51"), 0);
    assert_eq!(list("forvirtualnetwork", "true"), 1);
    assert_eq!(list("forvirtualnetwork", "false"), 0);
    assert_eq!(list("physicalnetworkid", &network), 1);
    assert_eq!(list("account", "system"), 1);
    assert_eq!(list("account", "admin"), 0);
    let id = text(&range, "id");
    lab.ok("deleteVlanIpRange", &[("id", &id)]);
    assert_eq!(list("zoneid", &zone), 0);
    assert_eq!(lab.refused("deleteVlanIpRange", &[("id", &id)]).0, 431);
    let events = lab.ok("listEvents", &[("type", "VLAN.IP.RANGE.DELETE"), ("level", "INFO")]);
    assert_eq!(texts(&events, "state"), ["Completed"]);
}

/// Lets accounts and projects have as many public addresses as there are.
fn limit_no_addresses(lab: &Lab) {
    for name in ["max.account.public.ips", "max.project.public.ips"] {
        lab.ok("updateConfiguration", &[("name", name), ("value", "-1")]);
    }
}

#[test]
fn public_ranges_are_kept_for_accounts() {
    let lab = Lab::new(Start::Empty);
    limit_no_addresses(&lab);
    let (zone, _) = zone_with(&lab, "z", "100-200", &["Guest", "Public"]);
    let sales = text(&lab.ok("createDomain", &[("name", "sales")]), "id");
    lab.account("alice", "0", Some(&sales));
    let range = lab.ok("createVlanIpRange", &public_range(&zone, "192.168.2.2", "192.168.2.100"));
    let id = text(&range, "id");
    let keep = [("id", id.as_str()), ("account", "alice"), ("domainid", sales.as_str())];
    let unknown = [keep[0], ("account", "nobody"), keep[2]];
    refused(&lab, "dedicatePublicIpRange", &unknown, 531, "nobody");
    let kept = lab.ok("dedicatePublicIpRange", &keep);
    assert_eq!(text(&kept, "account"), "alice");
    assert_eq!((text(&kept, "domainid"), text(&kept, "domain")), (sales.clone(), "sales".into()));
    refused(&lab, "dedicatePublicIpRange", &keep, 431, "already been dedicated");
    let of_alice = [("account", "alice"), ("domainid", sales.as_str())];
    assert_eq!(text(&lab.one("listVlanIpRanges", &of_alice), "id"), id);
    lab.ok("releasePublicIpRange", &[("id", &id)]);
    assert_eq!(text(&lab.one("listVlanIpRanges", &[("id", &id)]), "account"), "system");
    refused(&lab, "releasePublicIpRange", &[("id", &id)], 431, "not dedicated");
    // A range can be kept from its start.
    let mut params = public_range(&zone, "192.168.2.101", "192.168.2.110").to_vec();
    params.extend(of_alice);
    assert_eq!(text(&lab.ok("createVlanIpRange", &params), "account"), "alice");
    let types = lab.ok("listEvents", &[("type", "VLAN.IP.RANGE.DEDICATE"), ("level", "INFO")]);
    assert_eq!(count(&types), 1);
}

#[test]
fn guest_vlans_are_kept_for_accounts() {
    let lab = Lab::new(Start::Empty);
    let (zone, network) = zone_with(&lab, "z", "100-200", &["Guest"]);
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    lab.account("alice", "0", None);
    let keep = |range: &str| {
        let params = [
            ("vlanrange", range),
            ("account", "alice"),
            ("domainid", root.as_str()),
            ("physicalnetworkid", network.as_str()),
        ];
        lab.run(lab.root(), "dedicateGuestVlanRange", &params)
    };
    let kept = keep("110-120").unwrap();
    assert_eq!(text(&kept, "guestvlanrange"), "110-120");
    assert_eq!(text(&kept, "account"), "alice");
    assert!(int(&kept, "physicalnetworkid") > 0 && int(&kept, "zoneid") > 0);
    for (range, part) in [
        ("115-130", "already dedicated"),
        ("190-210", "Unable to find guest vlans"),
        ("1,2", "one range"),
        ("x", "one range"),
    ] {
        let (code, why) = keep(range).unwrap_err();
        assert!(code == 431 && why.contains(part), "{code} {why}");
    }
    let list = |name, value| count(&lab.ok("listDedicatedGuestVlanRanges", &[(name, value)]));
    assert_eq!(list("account", "alice"), 1);
    assert_eq!(list("account", "admin"), 0);
    assert_eq!(list("guestvlanrange", "110-120"), 1);
    assert_eq!(list("physicalnetworkid", &network), 1);
    assert_eq!(list("zoneid", &zone), 1);
    // VLANs that are kept stay in their physical network.
    let shrink = [("id", network.as_str()), ("vlan", "100-115")];
    refused(&lab, "updatePhysicalNetwork", &shrink, 431, "kept for an account");
    lab.ok("releaseDedicatedGuestVlanRange", &[("id", &text(&kept, "id"))]);
    assert_eq!(list("zoneid", &zone), 0);
    assert_eq!(text(&lab.ok("updatePhysicalNetwork", &shrink), "vlan"), "100-115");
}

#[test]
fn portable_ranges() {
    let lab = Lab::new(Start::Empty);
    let (zone, _) = zone_with(&lab, "z", "100-200", &["Guest", "Public"]);
    let good = [
        ("regionid", "1"),
        ("gateway", "10.9.0.1"),
        ("netmask", "255.255.0.0"),
        ("startip", "10.9.0.10"),
        ("endip", "10.9.0.12"),
        ("vlan", "60"),
    ];
    let range = lab.ok("createPortableIpRange", &good);
    assert_eq!(int(&range, "regionid"), 1);
    let addresses = range.field("portableipaddress").unwrap();
    assert_eq!(texts(addresses, "ipaddress"), ["10.9.0.10", "10.9.0.11", "10.9.0.12"]);
    assert_eq!(texts(addresses, "state"), ["Free", "Free", "Free"]);
    let changed = |changes: &[(&'static str, &'static str)]| {
        let mut params = good;
        params[3].1 = "10.9.0.20";
        params[4].1 = "10.9.0.30";
        for (name, value) in changes {
            params.iter_mut().find(|(n, _)| n == name).unwrap().1 = value;
        }
        lab.refused("createPortableIpRange", &params)
    };
    for (changes, part) in [
        (
            &[("regionid", "7")][..],
            "Invalid parameter regionid value=7 due to incorrect long value format",
        ),
        (&[("startip", "10.9.0.12")], "overlaps"),
        (&[("vlan", "150")], "guest networks"),
        (&[("netmask", "255.0.0.0"), ("startip", "10.10.0.2"), ("endip", "10.12.0.2")], "at most"),
        (&[("endip", "10.8.0.1")], "must not lie behind"),
    ] {
        let (code, why) = changed(changes);
        assert!(code == 431 && why.contains(part), "{code} {why}");
    }
    // Public addresses of zones are none of them.
    let mut public = public_range(&zone, "10.9.1.2", "10.9.1.9");
    (public[3].1, public[4].1) = ("10.9.0.1", "255.255.0.0");
    lab.ok("createVlanIpRange", &public);
    let (code, why) = changed(&[("startip", "10.9.1.9"), ("endip", "10.9.1.20")]);
    assert!(code == 431 && why.contains("VLAN IP range"), "{why}");
    assert_eq!(count(&lab.ok("listPortableIpRanges", &[("regionid", "1")])), 1);
    assert_eq!(count(&lab.ok("listPortableIpRanges", &[("regionid", "2")])), 0);
    lab.ok("deletePortableIpRange", &[("id", &text(&range, "id"))]);
    assert_eq!(count(&lab.ok("listPortableIpRanges", &[])), 0);
}

#[test]
fn storage_network_ranges() {
    let lab = Lab::new(Start::Empty);
    let (zone, network) = zone_with(&lab, "z", "100-200", &["Guest"]);
    let pod = [
        ("zoneid", zone.as_str()),
        ("name", "POD0"),
        ("gateway", "172.16.15.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "172.16.15.2"),
        ("endip", "172.16.15.200"),
    ];
    let pod = text(&lab.ok("createPod", &pod), "id");
    let range = |start: &'static str, end: &'static str, vlan: &'static str| {
        [
            ("podid", pod.as_str()),
            ("gateway", "172.16.15.1"),
            ("netmask", "255.255.255.0"),
            ("startip", start),
            ("endip", end),
            ("vlan", vlan),
        ]
    };
    let good = range("172.16.15.201", "172.16.15.210", "70");
    refused(&lab, "createStorageNetworkIpRange", &good, 431, "Cannot find storage network");
    lab.ok("addTrafficType", &[("physicalnetworkid", &network), ("traffictype", "Storage")]);
    let row = lab.ok("createStorageNetworkIpRange", &good);
    assert_eq!((text(&row, "zoneid"), int(&row, "vlan")), (zone.clone(), 70));
    for (params, part) in [
        (range("172.16.15.210", "172.16.15.211", "70"), "storage network IP range"),
        (range("172.16.15.200", "172.16.15.200", "70"), "overlaps the pod"),
        (range("172.16.15.220", "172.16.15.221", "4096"), "from 0 to 4095"),
        (range("172.16.16.220", "172.16.16.221", "70"), "in the network of the gateway"),
    ] {
        refused(&lab, "createStorageNetworkIpRange", &params, 431, part);
    }
    let id = text(&row, "id");
    let changed = lab.ok(
        "updateStorageNetworkIpRange",
        &[("id", &id), ("endip", "172.16.15.220"), ("vlan", "71")],
    );
    assert_eq!((text(&changed, "endip"), int(&changed, "vlan")), ("172.16.15.220".into(), 71));
    let into_pod = [("id", id.as_str()), ("startip", "172.16.15.190")];
    refused(&lab, "updateStorageNetworkIpRange", &into_pod, 431, "overlaps the pod");
    assert_eq!(lab.one("listStorageNetworkIpRange", &[("podid", &pod)]), changed);
    lab.ok("deleteStorageNetworkIpRange", &[("id", &id)]);
    assert_eq!(count(&lab.ok("listStorageNetworkIpRange", &[("zoneid", &zone)])), 0);
}

#[test]
fn the_default_offerings_are_there() {
    let lab = Lab::new(Start::Empty);
    let required = lab.one("listNetworkOfferings", &[("availability", "Required")]);
    assert_eq!(text(&required, "name"), "DefaultIsolatedNetworkOfferingWithSourceNatService");
    assert_eq!(text(&required, "state"), "Enabled");
    assert_eq!(int(&required, "networkrate"), 200);
    for (field, value) in
        [("conservemode", true), ("isdefault", true), ("specifyvlan", false), ("forvpc", false)]
    {
        assert_eq!(required.field(field), Some(&Node::Bool(value)), "{field}");
    }
    let services = required.field("service").unwrap();
    assert_eq!(texts(services, "name").len(), 10);
    let Node::List(services) = services else { panic!() };
    let nat = services.iter().find(|service| text(service, "name") == "SourceNat").unwrap();
    assert_eq!(texts(nat.field("provider").unwrap(), "name"), ["VirtualRouter"]);
    assert_eq!(texts(nat.field("capability").unwrap(), "value"), ["peraccount"]);
    let names = texts(&lab.ok("listNetworkOfferings", &[]), "name");
    for name in [
        "DefaultSharedNetworkOffering",
        "DefaultSharedNetworkOfferingWithSGService",
        "DefaultIsolatedNetworkOffering",
        "DefaultIsolatedNetworkOfferingForVpcNetworks",
        "QuickCloudNoServices",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} {names:?}");
    }
    assert!(!names.iter().any(|name| name.starts_with("System-")), "{names:?}");
    let list = |name, value| count(&lab.ok("listNetworkOfferings", &[(name, value)]));
    assert_eq!(list("forvpc", "true"), 3);
    assert_eq!(list("sourcenatsupported", "true"), 4);
    assert_eq!(list("guestiptype", "Shared"), 4);
    assert_eq!(list("supportedservices", "Dhcp,SecurityGroup"), 2);
    assert_eq!(list("istagged", "true"), 0);
    assert_eq!(list("keyword", "quickcloud"), 1);
    refused(&lab, "deleteNetworkOffering", &[("id", &text(&required, "id"))], 431, "Default");
}

/// The parameters that createNetworkOffering needs, with some more or other values.
fn offering<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params = vec![
        ("name", "gold"),
        ("displaytext", "Gold"),
        ("traffictype", "Guest"),
        ("guestiptype", "Isolated"),
        ("supportedservices", "Dhcp,Dns,SourceNat,Lb"),
    ];
    for (name, value) in more {
        match params.iter_mut().find(|(n, _)| n == name) {
            Some(place) => place.1 = value,
            None => params.push((name, value)),
        }
    }
    params
}

#[test]
fn offerings_are_made_enabled_used_and_removed() {
    let lab = Lab::new(Start::Empty);
    lab.account("alice", "0", None);
    let more = [
        ("serviceproviderlist[0].service", "Lb"),
        ("serviceproviderlist[0].provider", "Netscaler"),
        ("servicecapabilitylist[0].service", "lb"),
        ("servicecapabilitylist[0].capabilitytype", "supportedlbisolation"),
        ("servicecapabilitylist[0].capabilityvalue", "shared"),
        ("servicecapabilitylist[1].service", "SourceNat"),
        ("servicecapabilitylist[1].capabilitytype", "RedundantRouter"),
        ("servicecapabilitylist[1].capabilityvalue", "true"),
        ("networkrate", "100"),
        ("tags", "fast"),
        ("details[0].internallbprovider", "internallbvm"),
    ];
    let made = lab.ok("createNetworkOffering", &offering(&more));
    assert_eq!(text(&made, "state"), "Disabled");
    assert_eq!(int(&made, "networkrate"), 100);
    assert_eq!(made.field("egressdefaultpolicy"), Some(&Node::Bool(true)));
    assert_eq!(made.field("conservemode"), Some(&Node::Bool(true)));
    let Some(Node::List(services)) = made.field("service") else { panic!("{made:?}") };
    let lb = services.iter().find(|service| text(service, "name") == "Lb").unwrap();
    assert_eq!(texts(lb.field("provider").unwrap(), "name"), ["Netscaler"]);
    let capabilities = lb.field("capability").unwrap();
    let at = texts(capabilities, "name").iter().position(|n| n == "SupportedLBIsolation").unwrap();
    assert_eq!(texts(capabilities, "value")[at], "shared");
    // Only root admins see what is not enabled.
    let id = text(&made, "id");
    let by_id = [("id", id.as_str())];
    assert_eq!(count(&lab.ok("listNetworkOfferings", &by_id)), 1);
    assert_eq!(count(&lab.ok_as("alice", "listNetworkOfferings", &by_id)), 0);
    let changed = lab.ok(
        "updateNetworkOffering",
        &[by_id[0], ("state", "Enabled"), ("displaytext", "Gold and fast"), ("sortkey", "-1")],
    );
    assert_eq!(text(&changed, "state"), "Enabled");
    assert_eq!(text(&changed, "displaytext"), "Gold and fast");
    assert_eq!(count(&lab.ok_as("alice", "listNetworkOfferings", &by_id)), 1);
    assert_eq!(texts(&lab.ok("listNetworkOfferings", &[]), "name")[0], "gold", "by its sort key");
    assert_eq!(text(&lab.one("listNetworkOfferings", &[("tags", "FAST")]), "id"), id);
    refused(&lab, "updateNetworkOffering", &[("state", "Enabled")], 431, "give its `id`");
    refused(&lab, "updateNetworkOffering", &[by_id[0], ("state", "x")], 431, "Enabled or Disabled");
    let required = [by_id[0], ("availability", "Required")];
    refused(&lab, "updateNetworkOffering", &required, 431, "System already has");
    lab.ok("deleteNetworkOffering", &by_id);
    assert_eq!(count(&lab.ok("listNetworkOfferings", &[("name", "gold")])), 0);
}

#[test]
fn offerings_that_cannot_be() {
    let lab = Lab::new(Start::Empty);
    for (more, part) in [
        (&[("traffictype", "Public")][..], "Guest"),
        (&[("guestiptype", "Virtual")], "Isolated or Shared"),
        (&[("supportedservices", "Dhcp,Tea")], "Invalid service name is specified: Tea"),
        (&[("guestiptype", "Shared")], "SpecifyVlan should be true"),
        (&[("guestiptype", "Shared"), ("specifyvlan", "true")], "SpecifyIpRanges should be true"),
        (&[("specifyipranges", "true")], "SpecifyIpRanges can only be true"),
        (&[("availability", "Required")], "System already has network offering"),
        (&[("availability", "Required"), ("supportedservices", "Dhcp")], "SourceNat enabled"),
        (&[("availability", "Always")], "Optional or Required"),
        (&[("networkrate", "-5")], "0 or more"),
        (&[("maxconnections", "0")], "1 or more"),
        (
            &[
                ("serviceproviderlist[0].service", "Vpn"),
                ("serviceproviderlist[0].provider", "VirtualRouter"),
            ],
            "Service Vpn is not enabled",
        ),
        (
            &[
                ("serviceproviderlist[0].service", "Dhcp"),
                ("serviceproviderlist[0].provider", "Netscaler"),
            ],
            "does not support service Dhcp",
        ),
        (
            &[
                ("serviceproviderlist[0].service", "Dhcp"),
                ("serviceproviderlist[0].provider", "Magic"),
            ],
            "Invalid service provider",
        ),
        (
            &[
                ("serviceproviderlist[0].service", "Lb"),
                ("serviceproviderlist[0].provider", "Netscaler"),
                ("serviceproviderlist[1].service", "Lb"),
                ("serviceproviderlist[1].provider", "F5BigIp"),
            ],
            "one provider only",
        ),
        (
            &[
                ("serviceproviderlist[0].service", "SourceNat"),
                ("serviceproviderlist[0].provider", "VpcVirtualRouter"),
            ],
            "VpcVirtualRouter, not VirtualRouter",
        ),
        (
            &[
                ("servicecapabilitylist[0].service", "Lb"),
                ("servicecapabilitylist[0].capabilitytype", "Speed"),
                ("servicecapabilitylist[0].capabilityvalue", "high"),
            ],
            "Capability Speed is not supported",
        ),
        (
            &[
                ("servicecapabilitylist[0].service", "Lb"),
                ("servicecapabilitylist[0].capabilitytype", "SupportedLBIsolation"),
                ("servicecapabilitylist[0].capabilityvalue", "lonely"),
            ],
            "expected dedicated or shared",
        ),
    ] {
        refused(&lab, "createNetworkOffering", &offering(more), 431, part);
    }
}

#[test]
fn offerings_of_a_zone_are_those_its_providers_can_serve() {
    let lab = Lab::new(Start::Empty);
    let (zone, network) = zone_with(&lab, "z", "100-200", &["Guest", "Public"]);
    let names = || texts(&lab.ok("listNetworkOfferings", &[("zoneid", &zone)]), "name");
    assert_eq!(names(), [""; 0], "nothing is enabled");
    lab.ok("updatePhysicalNetwork", &[("id", &network), ("state", "Enabled")]);
    assert_eq!(names(), ["QuickCloudNoServices"]);
    let router = lab.one("listNetworkServiceProviders", &[("name", "VirtualRouter")]);
    let router = text(&router, "id");
    let element = text(&lab.one("listVirtualRouterElements", &[("nspid", &router)]), "id");
    lab.ok("configureVirtualRouterElement", &[("id", &element), ("enabled", "true")]);
    lab.ok("updateNetworkServiceProvider", &[("id", &router), ("state", "Enabled")]);
    assert_eq!(
        names(),
        [
            "DefaultSharedNetworkOffering",
            "DefaultIsolatedNetworkOfferingWithSourceNatService",
            "DefaultIsolatedNetworkOffering",
            "QuickCloudNoServices"
        ]
    );
    let tagged = offering(&[("tags", "fast"), ("supportedservices", "Dhcp")]);
    lab.ok("createNetworkOffering", &tagged);
    assert_eq!(names().len(), 4, "no physical network has its tag");
    lab.ok("updatePhysicalNetwork", &[("id", &network), ("tags", "fast")]);
    assert!(names().contains(&"gold".to_owned()));
    let basic = self::zone(&lab, "basic", "Basic");
    assert_eq!(count(&lab.ok("listNetworkOfferings", &[("zoneid", &basic)])), 0);
}

#[test]
fn a_ready_cloud_has_networks_to_build_on() {
    let lab = Lab::new(Start::Ready);
    let Node::List(zones) = lab.ok("listZones", &[]) else { panic!() };
    assert!(!zones.is_empty(), "a ready cloud has zones");
    for zone in &zones {
        let id = text(zone, "id");
        let network = lab.one("listPhysicalNetworks", &[("zoneid", &id)]);
        assert_eq!(text(&network, "state"), "Enabled");
        let network = text(&network, "id");
        let of_network = ("physicalnetworkid", network.as_str());
        let providers = lab.ok("listNetworkServiceProviders", &[of_network, ("state", "Enabled")]);
        assert!(texts(&providers, "name").contains(&"VirtualRouter".to_owned()));
        let traffic = texts(&lab.ok("listTrafficTypes", &[of_network]), "traffictype");
        assert!(traffic.contains(&"Guest".to_owned()));
        let ranges = lab.ok("listVlanIpRanges", &[("zoneid", &id)]);
        assert!(count(&ranges) >= 1, "{zone:?}");
    }
    assert_eq!(count(&lab.ok("listPortableIpRanges", &[("regionid", "1")])), 1);
}

/// A cloud with a tenant.
fn ready() -> (Lab, String) {
    let lab = Lab::new(Start::Ready);
    lab.account("alice", "0", None);
    let zone = lab.zone("Advanced");
    (lab, zone)
}

/// The uuid of an offering by its name.
fn offering_named(lab: &Lab, name: &str) -> String {
    text(&lab.one("listNetworkOfferings", &[("name", name)]), "id")
}

#[test]
fn what_networks_use_stays() {
    let (lab, zone) = ready();
    let made =
        lab.ok("createNetworkOffering", &offering(&[("supportedservices", "Dhcp,SourceNat")]));
    let gold = text(&made, "id");
    lab.ok("updateNetworkOffering", &[("id", &gold), ("state", "Enabled")]);
    let params = [
        ("zoneid", zone.as_str()),
        ("name", "net"),
        ("displaytext", "net"),
        ("networkofferingid", gold.as_str()),
    ];
    let network = text(&lab.ok_as("alice", "createNetwork", &params), "id");
    refused(&lab, "deleteNetworkOffering", &[("id", &gold)], 431, "used by 1 networks");
    let physical = text(&lab.one("listPhysicalNetworks", &[("zoneid", &zone)]), "id");
    let router = [("physicalnetworkid", physical.as_str()), ("name", "VirtualRouter")];
    let router = text(&lab.one("listNetworkServiceProviders", &router), "id");
    refused(
        &lab,
        "deleteNetworkServiceProvider",
        &[("id", &router)],
        536,
        "the network net uses it",
    );
    let Node::List(traffic) = lab.ok("listTrafficTypes", &[("physicalnetworkid", &physical)])
    else {
        panic!()
    };
    let guest = traffic.iter().find(|row| text(row, "traffictype") == "Guest").unwrap();
    refused(&lab, "deleteTrafficType", &[("id", &text(guest, "id"))], 536, "network uses it");
    refused(&lab, "deletePhysicalNetwork", &[("id", &physical)], 536, "in use");
    // It can change to offerings of the same sort.
    let next = texts(&lab.ok("listNetworkOfferings", &[("networkid", &network)]), "name");
    assert_eq!(next, ["DefaultIsolatedNetworkOfferingWithSourceNatService"]);
    // Without it the offering can go.
    lab.ok("deleteNetwork", &[("id", &network)]);
    lab.ok("deleteNetworkOffering", &[("id", &gold)]);
}

#[test]
fn addresses_that_somebody_has_stay() {
    let (lab, zone) = ready();
    limit_no_addresses(&lab);
    lab.account("bob", "0", None);
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let network = [
        ("zoneid", zone.as_str()),
        ("name", "net"),
        ("displaytext", "net"),
        (
            "networkofferingid",
            &offering_named(&lab, "DefaultIsolatedNetworkOfferingWithSourceNatService"),
        ),
    ];
    let network = text(&lab.ok_as("alice", "createNetwork", &network), "id");
    let range = [
        ("zoneid", zone.as_str()),
        ("forvirtualnetwork", "true"),
        ("vlan", "51"),
        ("gateway", "198.18.0.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "198.18.0.10"),
        ("endip", "198.18.0.19"),
    ];
    let range = text(&lab.ok("createVlanIpRange", &range), "id");
    let keep =
        |account| [("id", range.as_str()), ("account", account), ("domainid", root.as_str())];
    // What she has taken from it stays hers when it is for everybody again.
    lab.ok("dedicatePublicIpRange", &keep("alice"));
    let nat = lab.ok_as("alice", "associateIpAddress", &[("networkid", &network)]);
    assert_eq!(nat.field("issourcenat"), Some(&Node::Bool(true)));
    let address = lab.ok_as("alice", "associateIpAddress", &[("networkid", &network)]);
    assert!(text(&address, "ipaddress").starts_with("198.18.0.1"), "{address:?}");
    lab.ok("releasePublicIpRange", &[("id", &range)]);
    refused(&lab, "deleteVlanIpRange", &[("id", &range)], 536, "in use");
    refused(&lab, "dedicatePublicIpRange", &keep("bob"), 431, "allocated to another account");
    assert_eq!(text(&lab.ok("dedicatePublicIpRange", &keep("alice")), "account"), "alice");
    lab.ok_as("alice", "disassociateIpAddress", &[("id", &text(&address, "id"))]);
    // Portable ones too.
    let portable = text(&lab.one("listPortableIpRanges", &[]), "id");
    let params = [("networkid", network.as_str()), ("isportable", "true"), ("regionid", "1")];
    let address = lab.ok_as("alice", "associateIpAddress", &params);
    let seen = lab.one("listPortableIpRanges", &[]);
    let states = texts(seen.field("portableipaddress").unwrap(), "state");
    assert_eq!(states.iter().filter(|state| *state == "Allocated").count(), 1);
    refused(&lab, "deletePortableIpRange", &[("id", &portable)], 536, "in use");
    lab.ok_as("alice", "disassociateIpAddress", &[("id", &text(&address, "id"))]);
    lab.ok("deletePortableIpRange", &[("id", &portable)]);
    lab.ok("deleteNetwork", &[("id", &network)]);
    lab.ok("deleteVlanIpRange", &[("id", &range)]);
}

#[test]
fn a_network_gets_vlans_that_are_kept_for_its_account_or_for_nobody() {
    let (lab, zone) = ready();
    lab.account("bob", "0", None);
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let physical = text(&lab.one("listPhysicalNetworks", &[("zoneid", &zone)]), "id");
    let keep = |range: &str, account: &str| {
        let params = [
            ("vlanrange", range),
            ("account", account),
            ("domainid", root.as_str()),
            ("physicalnetworkid", physical.as_str()),
        ];
        lab.run(lab.root(), "dedicateGuestVlanRange", &params)
    };
    keep("100-110", "alice").unwrap();
    keep("700-710", "bob").unwrap();
    let made = lab.ok(
        "createNetworkOffering",
        &offering(&[("supportedservices", "Dhcp,SourceNat"), ("ispersistent", "true")]),
    );
    let gold = text(&made, "id");
    lab.ok("updateNetworkOffering", &[("id", &gold), ("state", "Enabled")]);
    let vlan = |user: &str| {
        let params = [
            ("zoneid", zone.as_str()),
            ("name", "net"),
            ("displaytext", "net"),
            ("networkofferingid", gold.as_str()),
        ];
        // A persistent network is set up at once.
        let network = text(&lab.ok_as(user, "createNetwork", &params), "id");
        text(&lab.one("listNetworks", &[("id", &network)]), "vlan")
    };
    assert_eq!(vlan("bob"), "700");
    assert_eq!(vlan("alice"), "100");
    lab.account("carol", "0", None);
    assert_eq!(vlan("carol"), "111", "100 to 110 are not for her");
    // What is in use is neither taken away nor kept for somebody else.
    let update = [("id", physical.as_str()), ("removevlan", "111")];
    refused(&lab, "updatePhysicalNetwork", &update, 431, "VLAN 111 is in use by the network net");
    let (code, why) = keep("111-112", "alice").unwrap_err();
    assert!(code == 431 && why.contains("allocated to a different account"), "{code} {why}");
    keep("111-112", "carol").unwrap();
}

#[test]
fn shared_networks_get_more_addresses() {
    let (lab, zone) = ready();
    let network = [
        ("zoneid", zone.as_str()),
        ("name", "shared"),
        ("displaytext", "shared"),
        ("networkofferingid", &offering_named(&lab, "DefaultSharedNetworkOffering")),
        ("vlan", "2500"),
        ("gateway", "10.77.0.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "10.77.0.10"),
        ("endip", "10.77.0.20"),
    ];
    let network = text(&lab.ok("createNetwork", &network), "id");
    let of_network = ("networkid", network.as_str());
    let first = lab.one("listVlanIpRanges", &[of_network]);
    assert_eq!(text(&first, "endip"), "10.77.0.20");
    // The network's gateway serves unless the range has its own.
    let second = [of_network, ("startip", "10.77.0.21"), ("endip", "10.77.0.30")];
    let second = lab.ok("createVlanIpRange", &second);
    assert_eq!(
        (text(&second, "gateway"), text(&second, "vlan")),
        ("10.77.0.1".into(), "2500".into())
    );
    assert_eq!(second.field("forvirtualnetwork"), Some(&Node::Bool(false)));
    for (more, part) in [
        (&[("startip", "10.77.0.30")][..], "overlaps"),
        (&[("startip", "10.77.0.40"), ("vlan", "2501")], "is on VLAN 2500"),
        (&[("startip", "10.77.0.40"), ("forvirtualnetwork", "true")], "leave `networkid` out"),
        (&[("startip", "10.77.0.40"), ("account", "alice")], "only public addresses"),
        (&[("startipv6", "2001:db8::10")], "Please specify ip6gateway"),
        (
            &[
                ("startipv6", "2001:db8:1::10"),
                ("ip6gateway", "2001:db8::1"),
                ("ip6cidr", "2001:db8::/64"),
            ],
            "expected an address in 2001:db8::/64",
        ),
    ] {
        let mut params = vec![of_network];
        params.extend(more);
        refused(&lab, "createVlanIpRange", &params, 431, part);
    }
    let v6 = [
        of_network,
        ("startipv6", "2001:db8::10"),
        ("endipv6", "2001:db8::20"),
        ("ip6gateway", "2001:db8::1"),
        ("ip6cidr", "2001:db8::/64"),
    ];
    let v6 = lab.ok("createVlanIpRange", &v6);
    assert_eq!(text(&v6, "startipv6"), "2001:db8::10");
    assert_eq!(v6.field("startip"), None);
    let more = [
        of_network,
        ("startipv6", "2001:db8::20"),
        ("ip6gateway", "2001:db8::1"),
        ("ip6cidr", "2001:db8::/64"),
    ];
    refused(&lab, "createVlanIpRange", &more, 431, "overlap the range 2001:db8::10-2001:db8::20");
    assert_eq!(count(&lab.ok("listVlanIpRanges", &[of_network])), 3);
    lab.ok("deleteVlanIpRange", &[("id", &text(&second, "id"))]);
    assert_eq!(count(&lab.ok("listVlanIpRanges", &[of_network])), 2);
    // A guest network of one account has no such ranges.
    let isolated = [
        ("zoneid", zone.as_str()),
        ("name", "net"),
        ("displaytext", "net"),
        (
            "networkofferingid",
            &offering_named(&lab, "DefaultIsolatedNetworkOfferingWithSourceNatService"),
        ),
    ];
    let isolated = text(&lab.ok_as("alice", "createNetwork", &isolated), "id");
    let params = [("networkid", isolated.as_str()), ("startip", "10.1.1.40")];
    refused(&lab, "createVlanIpRange", &params, 431, "takes no address ranges");
}

#[test]
fn a_basic_zone_is_deployed_pod_by_pod() {
    let lab = Lab::new(Start::Empty);
    let zone = zone(&lab, "basic", "Basic");
    let network =
        text(&lab.ok("createPhysicalNetwork", &[("zoneid", &zone), ("name", "pn")]), "id");
    let of_network = ("physicalnetworkid", network.as_str());
    for traffic in ["Guest", "Management"] {
        lab.ok("addTrafficType", &[of_network, ("traffictype", traffic)]);
    }
    for name in ["VirtualRouter", "SecurityGroupProvider"] {
        let provider =
            text(&lab.one("listNetworkServiceProviders", &[of_network, ("name", name)]), "id");
        if let Node::List(elements) = lab.ok("listVirtualRouterElements", &[("nspid", &provider)])
            && let Some(element) = elements.first()
        {
            let element = text(element, "id");
            lab.ok("configureVirtualRouterElement", &[("id", &element), ("enabled", "true")]);
        }
        lab.ok("updateNetworkServiceProvider", &[("id", &provider), ("state", "Enabled")]);
    }
    lab.ok("updatePhysicalNetwork", &[("id", &network), ("state", "Enabled")]);
    let pod = |name: &str, third: &str| {
        let (gateway, start, end) = (
            format!("172.16.{third}.1"),
            format!("172.16.{third}.2"),
            format!("172.16.{third}.20"),
        );
        let params = [
            ("zoneid", zone.as_str()),
            ("name", name),
            ("gateway", &gateway),
            ("netmask", "255.255.255.0"),
            ("startip", &start),
            ("endip", &end),
        ];
        text(&lab.ok("createPod", &params), "id")
    };
    let range = |pod: &str, third: &str| {
        let (gateway, start, end) = (
            format!("172.17.{third}.1"),
            format!("172.17.{third}.2"),
            format!("172.17.{third}.99"),
        );
        let params = [
            ("zoneid", zone.as_str()),
            ("podid", pod),
            ("forvirtualnetwork", "false"),
            ("gateway", &gateway),
            ("netmask", "255.255.255.0"),
            ("startip", &start),
            ("endip", &end),
        ];
        lab.run(lab.root(), "createVlanIpRange", &params)
    };
    let first = pod("POD0", "15");
    let (code, why) = range(&first, "15").unwrap_err();
    assert!(code == 431 && why.contains("createNetwork"), "{code} {why}");
    // Its guest network is made without addresses: the pods bring them.
    let params = [
        ("zoneid", zone.as_str()),
        ("name", "guests"),
        ("displaytext", "guests"),
        ("networkofferingid", &offering_named(&lab, "DefaultSharedNetworkOfferingWithSGService")),
    ];
    let guests = text(&lab.ok("createNetwork", &params), "id");
    let row = range(&first, "15").unwrap();
    assert_eq!((text(&row, "networkid"), text(&row, "podname")), (guests, "POD0".into()));
    assert_eq!(text(&row, "vlan"), "untagged");
    let (code, why) = range(&first, "15").unwrap_err();
    assert!(code == 431 && why.contains("overlaps"), "{code} {why}");
    let second = pod("POD1", "16");
    range(&second, "16").unwrap();
    assert_eq!(count(&lab.ok("listVlanIpRanges", &[("podid", &second)])), 1);
    assert_eq!(count(&lab.ok("listVlanIpRanges", &[("zoneid", &zone)])), 2);
    // Direct addresses of pods are kept for nobody.
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let id = text(&row, "id");
    let keep = [("id", id.as_str()), ("account", "admin"), ("domainid", root.as_str())];
    refused(&lab, "dedicatePublicIpRange", &keep, 431, "Advanced");
}

#[test]
fn what_was_kept_for_an_account_that_goes_is_for_everybody() {
    let lab = Lab::new(Start::Empty);
    limit_no_addresses(&lab);
    let (zone, network) = zone_with(&lab, "z", "100-200", &["Guest", "Public"]);
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let alice = text(&lab.account("alice", "0", None), "id");
    let range = lab.ok("createVlanIpRange", &public_range(&zone, "192.168.2.2", "192.168.2.100"));
    let range = text(&range, "id");
    let of_alice = [("account", "alice"), ("domainid", root.as_str())];
    lab.ok("dedicatePublicIpRange", &[("id", &range), of_alice[0], of_alice[1]]);
    let vlans = [
        ("vlanrange", "110-120"),
        ("physicalnetworkid", network.as_str()),
        of_alice[0],
        of_alice[1],
    ];
    lab.ok("dedicateGuestVlanRange", &vlans);
    lab.ok("deleteAccount", &[("id", &alice)]);
    assert_eq!(text(&lab.one("listVlanIpRanges", &[("id", &range)]), "account"), "system");
    assert_eq!(count(&lab.ok("listDedicatedGuestVlanRanges", &[])), 0);
}

#[test]
fn ranges_are_kept_for_projects() {
    let lab = Lab::new(Start::Empty);
    limit_no_addresses(&lab);
    let (zone, network) = zone_with(&lab, "z", "100-200", &["Guest", "Public"]);
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let project = lab.ok("createProject", &[("name", "apollo"), ("displaytext", "Apollo")]);
    let project = text(&project, "id");
    let mut params = public_range(&zone, "192.168.2.2", "192.168.2.100").to_vec();
    params.push(("projectid", &project));
    let range = lab.ok("createVlanIpRange", &params);
    assert_eq!(
        (text(&range, "projectid"), text(&range, "project")),
        (project.clone(), "apollo".into())
    );
    assert_eq!(range.field("account"), None);
    assert_eq!(count(&lab.ok("listVlanIpRanges", &[("projectid", &project)])), 1);
    assert_eq!(count(&lab.ok("listVlanIpRanges", &[("projectid", "-1")])), 1);
    params.push(("account", "admin"));
    refused(&lab, "createVlanIpRange", &params, 431, "can't be specified together");
    // The commands that must name an account keep for the project where they name one.
    let vlans = [
        ("vlanrange", "110"),
        ("physicalnetworkid", network.as_str()),
        ("account", "admin"),
        ("domainid", root.as_str()),
        ("projectid", project.as_str()),
    ];
    let kept = lab.ok("dedicateGuestVlanRange", &vlans);
    assert_eq!(
        (text(&kept, "project"), text(&kept, "guestvlanrange")),
        ("apollo".into(), "110-110".into())
    );
    assert_eq!(count(&lab.ok("listDedicatedGuestVlanRanges", &[("projectid", &project)])), 1);
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
    refused(&lab, "createVirtualRouterElement", &wrong, 431, "VPCVirtualRouter, not VirtualRouter");
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
