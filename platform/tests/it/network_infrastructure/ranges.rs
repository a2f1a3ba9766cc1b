//! Ranges of public, portable, storage and guest addresses and VLANs.

use cloudtally_platform::engine::{Node, Start};

use super::{
    count,
    offerings::{offering, offering_named},
    public_range, ready, refused, zone_with,
};
use crate::support::{Lab, int, text, texts};

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
    refused(&lab, "createVlanIpRange", &[("zoneid", &zone)], 431, "is needed");
    refused(&lab, "createVlanIpRange", &[("startip", "1.1.1.1")], 431, "zoneid");
    let no_gateway =
        [("zoneid", zone.as_str()), ("startip", "192.168.2.130"), ("netmask", "255.255.255.0")];
    refused(&lab, "createVlanIpRange", &no_gateway, 431, "`gateway` is needed");
    let mut v6 = good.to_vec();
    v6.push(("startipv6", "2001:db8::2"));
    refused(&lab, "createVlanIpRange", &v6, 431, "is for shared networks only");
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
    refused(&lab, "dedicatePublicIpRange", &keep, 431, "kept for an account already");
    let of_alice = [("account", "alice"), ("domainid", sales.as_str())];
    assert_eq!(text(&lab.one("listVlanIpRanges", &of_alice), "id"), id);
    lab.ok("releasePublicIpRange", &[("id", &id)]);
    assert_eq!(text(&lab.one("listVlanIpRanges", &[("id", &id)]), "account"), "system");
    refused(&lab, "releasePublicIpRange", &[("id", &id)], 431, "not kept for any account");
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
        ("115-130", "is kept already"),
        ("190-210", "not all of"),
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
    refused(&lab, "updatePhysicalNetwork", &shrink, 431, "release them first");
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
    refused(&lab, "createStorageNetworkIpRange", &good, 431, "has no network for storage");
    lab.ok("addTrafficType", &[("physicalnetworkid", &network), ("traffictype", "Storage")]);
    let row = lab.ok("createStorageNetworkIpRange", &good);
    assert_eq!((text(&row, "zoneid"), int(&row, "vlan")), (zone.clone(), 70));
    for (params, part) in [
        (range("172.16.15.210", "172.16.15.211", "70"), "storage network IP range"),
        (range("172.16.15.200", "172.16.15.200", "70"), "the pod POD0 has"),
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
    refused(&lab, "updateStorageNetworkIpRange", &into_pod, 431, "the pod POD0 has");
    assert_eq!(lab.one("listStorageNetworkIpRange", &[("podid", &pod)]), changed);
    lab.ok("deleteStorageNetworkIpRange", &[("id", &id)]);
    assert_eq!(count(&lab.ok("listStorageNetworkIpRange", &[("zoneid", &zone)])), 0);
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
    refused(&lab, "deleteVlanIpRange", &[("id", &range)], 536, "give it up first");
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
    refused(&lab, "updatePhysicalNetwork", &update, 431, "the network net is on VLAN 111");
    let (code, why) = keep("111-112", "alice").unwrap_err();
    assert!(code == 431 && why.contains("of another account"), "{code} {why}");
    keep("111-112", "carol").unwrap();
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
    refused(&lab, "createVlanIpRange", &params, 431, "exclude each other");
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
