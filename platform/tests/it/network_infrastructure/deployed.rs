//! Networks as a data centre is deployed: step by step, pod by pod.

use cloudtally_platform::engine::{Node, Start};

use super::{count, offerings::offering_named, public_range, ready, refused, zone};
use crate::support::{Lab, text, texts};

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
        (
            &[("startip", "10.77.0.40"), ("forvirtualnetwork", "true")],
            "`networkid` does not go with public addresses",
        ),
        (&[("startip", "10.77.0.40"), ("account", "alice")], "`account` is for public addresses"),
        (&[("startipv6", "2001:db8::10")], "`ip6gateway` is needed"),
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
    refused(&lab, "createVlanIpRange", &more, 431, "has 2001:db8::10-2001:db8::20");
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
