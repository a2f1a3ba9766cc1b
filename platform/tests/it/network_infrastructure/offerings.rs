//! Network offerings.

use cloudtally_platform::engine::{Node, Start};

use super::{count, ready, refused, zone, zone_with};
use crate::support::{Lab, int, text, texts};

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
pub(super) fn offering<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
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
    refused(&lab, "updateNetworkOffering", &[("state", "Enabled")], 431, "`id` is needed");
    refused(&lab, "updateNetworkOffering", &[by_id[0], ("state", "x")], 431, "Enabled or Disabled");
    let required = [by_id[0], ("availability", "Required")];
    refused(&lab, "updateNetworkOffering", &required, 431, "has the availability Required");
    lab.ok("deleteNetworkOffering", &by_id);
    assert_eq!(count(&lab.ok("listNetworkOfferings", &[("name", "gold")])), 0);
}

#[test]
fn offerings_that_cannot_be() {
    let lab = Lab::new(Start::Empty);
    for (more, part) in [
        (&[("traffictype", "Public")][..], "Guest"),
        (&[("guestiptype", "Virtual")], "Isolated or Shared"),
        (&[("supportedservices", "Dhcp,Tea")], "no service Tea"),
        (&[("guestiptype", "Shared")], "`specifyvlan` must be true"),
        (&[("guestiptype", "Shared"), ("specifyvlan", "true")], "`specifyipranges` must be true"),
        (&[("specifyipranges", "true")], "`specifyipranges` is for the type Shared"),
        (&[("availability", "Required")], "has the availability Required"),
        (&[("availability", "Required"), ("supportedservices", "Dhcp")], "Isolated with SourceNat"),
        (&[("availability", "Always")], "Optional or Required"),
        (&[("networkrate", "-5")], "0 or more"),
        (&[("maxconnections", "0")], "1 or more"),
        (
            &[
                ("serviceproviderlist[0].service", "Vpn"),
                ("serviceproviderlist[0].provider", "VirtualRouter"),
            ],
            "has the service Vpn, which is not enabled",
        ),
        (
            &[
                ("serviceproviderlist[0].service", "Dhcp"),
                ("serviceproviderlist[0].provider", "Netscaler"),
            ],
            "for Dhcp, which it does not provide",
        ),
        (
            &[
                ("serviceproviderlist[0].service", "Dhcp"),
                ("serviceproviderlist[0].provider", "Magic"),
            ],
            "no service provider",
        ),
        (
            &[
                ("serviceproviderlist[0].service", "Lb"),
                ("serviceproviderlist[0].provider", "Netscaler"),
                ("serviceproviderlist[1].service", "Lb"),
                ("serviceproviderlist[1].provider", "F5BigIp"),
            ],
            "can have one only",
        ),
        (
            &[
                ("serviceproviderlist[0].service", "SourceNat"),
                ("serviceproviderlist[0].provider", "VpcVirtualRouter"),
            ],
            "come from VpcVirtualRouter",
        ),
        (
            &[
                ("servicecapabilitylist[0].service", "Lb"),
                ("servicecapabilitylist[0].capabilitytype", "Speed"),
                ("servicecapabilitylist[0].capabilityvalue", "high"),
            ],
            "has the capability Speed, which",
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

/// The uuid of an offering by its name.
pub(super) fn offering_named(lab: &Lab, name: &str) -> String {
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
        "is used by the network net",
    );
    let Node::List(traffic) = lab.ok("listTrafficTypes", &[("physicalnetworkid", &physical)])
    else {
        panic!()
    };
    let guest = traffic.iter().find(|row| text(row, "traffictype") == "Guest").unwrap();
    refused(
        &lab,
        "deleteTrafficType",
        &[("id", &text(guest, "id"))],
        536,
        "is used by the network net",
    );
    refused(&lab, "deletePhysicalNetwork", &[("id", &physical)], 536, "in use");
    // It can change to offerings of the same sort.
    let next = texts(&lab.ok("listNetworkOfferings", &[("networkid", &network)]), "name");
    assert_eq!(next, ["DefaultIsolatedNetworkOfferingWithSourceNatService"]);
    // Without it the offering can go.
    lab.ok("deleteNetwork", &[("id", &network)]);
    lab.ok("deleteNetworkOffering", &[("id", &gold)]);
}
