//! Networks that a new cloud has: offerings always, and in a cloud that is ready for
//! tenants the physical networks of its zones with their traffic, providers and
//! addresses.
//!
//! # Source
//! Names, services and providers of the offerings are those of the 4.2.1 server.

use cloudtally_model::{Text, port::Value};

use super::{networkservice, systemvm};
use crate::{
    engine::{ThingId, Tx},
    table::Kind,
};

/// VLANs of the advanced zone's guest networks.
const GUEST_VLANS: &str = "100-1999";
/// The VLAN of its public addresses.
const PUBLIC_VLAN: &str = "50";

const DHCP: &[&str] = &["Dhcp", "Dns", "UserData"];
const SOURCE_NAT: &[&str] = &[
    "Dhcp",
    "Dns",
    "Firewall",
    "Gateway",
    "Lb",
    "PortForwarding",
    "SourceNat",
    "StaticNat",
    "UserData",
    "Vpn",
];
const VPC: &[&str] = &[
    "Dhcp",
    "Dns",
    "Gateway",
    "Lb",
    "NetworkACL",
    "PortForwarding",
    "SourceNat",
    "StaticNat",
    "UserData",
    "Vpn",
];
const VPC_NO_LB: &[&str] = &[
    "Dhcp",
    "Dns",
    "Gateway",
    "NetworkACL",
    "PortForwarding",
    "SourceNat",
    "StaticNat",
    "UserData",
    "Vpn",
];

/// One offering that every cloud has.
struct Default {
    name: &'static str,
    text: &'static str,
    guest_type: &'static str,
    availability: &'static str,
    /// Flags that are true.
    flags: &'static [&'static str],
    services: &'static [(&'static str, &'static [&'static str])],
}

/// The offerings of guest networks.
const DEFAULTS: &[Default] = &[
    Default {
        name: "DefaultSharedNetworkOfferingWithSGService",
        text: "Offering for Shared Security group enabled networks",
        guest_type: "Shared",
        availability: "Optional",
        flags: &["specifyvlan", "specifyipranges", "conservemode"],
        services: &[("VirtualRouter", DHCP), ("SecurityGroupProvider", &["SecurityGroup"])],
    },
    Default {
        name: "DefaultSharedNetworkOffering",
        text: "Offering for Shared networks",
        guest_type: "Shared",
        availability: "Optional",
        flags: &["specifyvlan", "specifyipranges", "conservemode"],
        services: &[("VirtualRouter", DHCP)],
    },
    Default {
        name: "DefaultIsolatedNetworkOfferingWithSourceNatService",
        text: "Offering for Isolated networks with Source Nat service enabled",
        guest_type: "Isolated",
        availability: "Required",
        flags: &["conservemode"],
        services: &[("VirtualRouter", SOURCE_NAT)],
    },
    Default {
        name: "DefaultIsolatedNetworkOffering",
        text: "Offering for Isolated networks with no Source Nat service",
        guest_type: "Isolated",
        availability: "Optional",
        flags: &["specifyvlan", "specifyipranges", "conservemode"],
        services: &[("VirtualRouter", DHCP)],
    },
    Default {
        name: "DefaultSharedNetscalerEIPandELBNetworkOffering",
        text: "Offering for Shared networks with Elastic IP and Elastic LB capabilities",
        guest_type: "Shared",
        availability: "Optional",
        flags: &["specifyvlan", "specifyipranges", "conservemode"],
        services: &[
            ("VirtualRouter", DHCP),
            ("SecurityGroupProvider", &["SecurityGroup"]),
            ("Netscaler", &["Lb", "StaticNat"]),
        ],
    },
    Default {
        name: "DefaultIsolatedNetworkOfferingForVpcNetworks",
        text: "Offering for Isolated Vpc networks with Source Nat service enabled",
        guest_type: "Isolated",
        availability: "Optional",
        flags: &["forvpc"],
        services: &[("VpcVirtualRouter", VPC)],
    },
    Default {
        name: "DefaultIsolatedNetworkOfferingForVpcNetworksNoLB",
        text: "Offering for Isolated Vpc networks with Source Nat service enabled and LB service disabled",
        guest_type: "Isolated",
        availability: "Optional",
        flags: &["forvpc"],
        services: &[("VpcVirtualRouter", VPC_NO_LB)],
    },
    Default {
        name: "DefaultIsolatedNetworkOfferingForVpcNetworksWithInternalLB",
        text: "Offering for Isolated Vpc networks with Internal Lb support",
        guest_type: "Isolated",
        availability: "Optional",
        flags: &["forvpc"],
        services: &[("VpcVirtualRouter", VPC_NO_LB), ("InternalLbVm", &["Lb"])],
    },
    Default {
        name: "QuickCloudNoServices",
        text: "Offering for QuickCloud with no services",
        guest_type: "Shared",
        availability: "Optional",
        flags: &["specifyvlan", "specifyipranges", "conservemode"],
        services: &[],
    },
];

/// The offerings of the system's own networks, with their traffic.
const SYSTEM: &[(&str, &str)] = &[
    ("System-Public-Network", "Public"),
    ("System-Management-Network", "Management"),
    ("System-Control-Network", "Control"),
    ("System-Storage-Network", "Storage"),
    ("System-Private-Gateway-Network", "Guest"),
];

/// The network offerings of every new cloud.
pub(crate) fn offerings(tx: &mut Tx<'_>) {
    for (name, traffic) in SYSTEM {
        tx.insert(Kind::NetworkOffering, |offering| {
            offering.state = "Enabled";
            offering
                .set_text("name", name)
                .set_text("displaytext", name)
                .set_text("traffictype", traffic)
                .set_text("availability", "Required")
                .set_flag("isdefault", true)
                .set_flag("systemonly", true);
        });
    }
    for row in DEFAULTS {
        tx.insert(Kind::NetworkOffering, |offering| {
            offering.state = "Enabled";
            offering
                .set_text("name", row.name)
                .set_text("displaytext", row.text)
                .set_text("traffictype", "Guest")
                .set_text("guestiptype", row.guest_type)
                .set_text("availability", row.availability)
                .set_flag("isdefault", true)
                .set_flag("systemonly", false);
            for flag in ["specifyvlan", "specifyipranges", "conservemode", "forvpc", "ispersistent"]
            {
                offering.set_flag(flag, row.flags.contains(&flag));
            }
            // Traffic leaves their networks only where a rule lets it.
            offering.set_flag("egressdefaultpolicy", false);
            let mut provider: Vec<(Text, Text)> = row
                .services
                .iter()
                .flat_map(|(provider, services)| {
                    services.iter().map(|service| (Text::from(*service), Text::from(*provider)))
                })
                .collect();
            provider.sort();
            let chosen = networkservice::chosen_by_default(&provider);
            offering.set("provider", Value::Map(provider)).set("capability", Value::Map(chosen));
        });
    }
}

/// Physical networks and addresses for the zones of a cloud that is ready for
/// tenants. The ranges of a basic zone's pods come to belong to its shared guest
/// network once that is made.
pub(crate) fn ready(tx: &mut Tx<'_>) {
    let zones: Vec<(ThingId, bool)> =
        tx.all(Kind::Zone).map(|zone| (zone.id, zone.text("networktype") == "Basic")).collect();
    for (zone, is_basic) in zones {
        if is_basic { basic(tx, zone) } else { advanced(tx, zone) }
    }
    tx.insert(Kind::PortableIpRange, |range| {
        range
            .set_int("regionid", 1)
            .set_text("gateway", "198.51.100.1")
            .set_text("netmask", "255.255.255.0")
            .set_text("vlan", "60")
            .set_text("startip", "198.51.100.10")
            .set_text("endip", "198.51.100.250");
    });
}

fn advanced(tx: &mut Tx<'_>, zone: ThingId) {
    let traffic = ["Guest", "Public", "Management"];
    let network = physical_network(tx, zone, "advanced-net", "ZONE", &traffic);
    tx.edit(network, |network| {
        network.set_text("vlan", GUEST_VLANS);
    });
    tx.insert(Kind::VlanIpRange, |range| {
        range
            .set_ref("zoneid", zone)
            .set_ref("physicalnetworkid", network)
            .set_flag("forvirtualnetwork", true)
            .set_text("vlan", PUBLIC_VLAN)
            .set_text("gateway", "203.0.0.1")
            .set_text("netmask", "255.255.240.0")
            .set_text("startip", "203.0.0.10")
            .set_text("endip", "203.0.15.250");
    });
    systemvm::take_addresses(tx, zone);
}

fn basic(tx: &mut Tx<'_>, zone: ThingId) {
    let network = physical_network(tx, zone, "basic-net", "POD", &["Guest", "Management"]);
    // A network of its own for each pod: 10.64.0.0/22, 10.64.4.0/22, ...
    for (at, pod) in tx.ids_referring(zone, Kind::Pod, "zoneid").into_iter().enumerate() {
        let third = (at % 64) * 4;
        tx.insert(Kind::VlanIpRange, |range| {
            range
                .set_ref("zoneid", zone)
                .set_ref("physicalnetworkid", network)
                .set_ref("podid", pod)
                .set_flag("forvirtualnetwork", false)
                .set_text("vlan", "untagged")
                .set_text("gateway", &format!("10.64.{third}.1"))
                .set_text("netmask", "255.255.252.0")
                .set_text("startip", &format!("10.64.{third}.10"))
                .set_text("endip", &format!("10.64.{}.250", third + 3));
        });
    }
}

/// An enabled physical network with its traffic and the providers that the server
/// comes with, all of them enabled.
fn physical_network(
    tx: &mut Tx<'_>,
    zone: ThingId,
    name: &str,
    broadcast: &str,
    traffic: &[&str],
) -> ThingId {
    let id = tx.insert(Kind::PhysicalNetwork, |network| {
        network.state = "Enabled";
        network
            .set_ref("zoneid", zone)
            .set_text("name", name)
            .set_text("broadcastdomainrange", broadcast)
            .set_text("isolationmethods", "VLAN");
    });
    for traffic in traffic {
        tx.insert(Kind::TrafficType, |row| {
            row.set_ref("physicalnetworkid", id).set_text("traffictype", traffic);
        });
    }
    for provider in networkservice::BUILT_IN {
        let provider = networkservice::add_provider(tx, id, provider);
        networkservice::enable(tx, provider);
    }
    id
}
