//! Networks that a new cloud has: offerings always, and in a cloud that is ready for
//! tenants the physical networks of its zones with their traffic, providers and
//! addresses.
//!
//! # Source
//! Names, services and providers of the offerings are those of the 4.2.1 server.

use cloudtally_model::Text;

use crate::{
    col,
    engine::{ResourceId, Tx},
    offering::networkservice,
    site::systemvm,
    state::SwitchState,
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

const VPC_INTERNAL: &[&str] = &["Dhcp", "Dns", "Gateway", "NetworkACL", "SourceNat", "UserData"];

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
        services: &[("VpcVirtualRouter", VPC_INTERNAL), ("InternalLbVm", &["Lb"])],
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
            offering.set_state(SwitchState::Enabled);
            offering
                .set_text(col::NAME, name)
                .set_text(col::DISPLAY_TEXT, name)
                .set_text(col::TRAFFIC_TYPE, traffic)
                .set_text(col::AVAILABILITY, "Required")
                .set_flag(col::IS_DEFAULT, true)
                .set_flag(col::SYSTEM_ONLY, true);
        });
    }
    for row in DEFAULTS {
        tx.insert(Kind::NetworkOffering, |offering| {
            offering.set_state(SwitchState::Enabled);
            offering
                .set_text(col::NAME, row.name)
                .set_text(col::DISPLAY_TEXT, row.text)
                .set_text(col::TRAFFIC_TYPE, "Guest")
                .set_text(col::GUEST_IP_TYPE, row.guest_type)
                .set_text(col::AVAILABILITY, row.availability)
                .set_flag(col::IS_DEFAULT, true)
                .set_flag(col::SYSTEM_ONLY, false);
            for flag in [
                col::SPECIFY_VLAN,
                col::SPECIFY_IP_RANGES,
                col::CONSERVE_MODE,
                col::FOR_VPC,
                col::IS_PERSISTENT,
            ] {
                offering.set_flag(flag, row.flags.contains(&flag.name()));
            }
            // Traffic leaves their networks only where a rule lets it.
            offering.set_flag(col::EGRESS_DEFAULT_POLICY, false);
            let mut provider: Vec<(Text, Text)> = row
                .services
                .iter()
                .flat_map(|(provider, services)| {
                    services.iter().map(|service| (Text::from(*service), Text::from(*provider)))
                })
                .collect();
            provider.sort();
            let chosen = networkservice::chosen_by_default(&provider);
            offering.set_map(col::PROVIDERS, provider).set_map(col::CAPABILITY, chosen);
        });
    }
}

/// Physical networks and addresses for the zones of a cloud that is ready for
/// tenants. The ranges of a basic zone's pods come to belong to its shared guest
/// network once that is made.
pub(crate) fn ready(tx: &mut Tx<'_>) {
    let zones: Vec<(ResourceId, bool)> =
        tx.all(Kind::Zone).map(|zone| (zone.id, zone.text(col::NETWORK_TYPE) == "Basic")).collect();
    for (zone, is_basic) in zones {
        if is_basic { basic(tx, zone) } else { advanced(tx, zone) }
    }
    tx.insert(Kind::PortableIpRange, |range| {
        range
            .set_int(col::REGION_ID, 1)
            .set_text(col::GATEWAY, "198.51.100.1")
            .set_text(col::NETMASK, "255.255.255.0")
            .set_text(col::VLAN, "60")
            .set_text(col::START_IP, "198.51.100.10")
            .set_text(col::END_IP, "198.51.100.250");
    });
}

fn advanced(tx: &mut Tx<'_>, zone: ResourceId) {
    let traffic = ["Guest", "Public", "Management"];
    let network = physical_network(tx, zone, "advanced-net", "ZONE", &traffic);
    tx.edit(network, |network| {
        network.set_text(col::VLAN, GUEST_VLANS);
    });
    tx.insert(Kind::VlanIpRange, |range| {
        range
            .set_ref(col::ZONE_ID, zone)
            .set_ref(col::PHYSICAL_NETWORK_ID, network)
            .set_flag(col::FOR_VIRTUAL_NETWORK, true)
            .set_text(col::VLAN, PUBLIC_VLAN)
            .set_text(col::GATEWAY, "203.0.0.1")
            .set_text(col::NETMASK, "255.255.240.0")
            .set_text(col::START_IP, "203.0.0.10")
            .set_text(col::END_IP, "203.0.15.250");
    });
    systemvm::take_addresses(tx, zone);
}

fn basic(tx: &mut Tx<'_>, zone: ResourceId) {
    let network = physical_network(tx, zone, "basic-net", "POD", &["Guest", "Management"]);
    // A network of its own for each pod: 10.64.0.0/22, 10.64.4.0/22, ...
    for (at, pod) in tx.ids_referring(zone, Kind::Pod, col::ZONE_ID).into_iter().enumerate() {
        let third = (at % 64) * 4;
        tx.insert(Kind::VlanIpRange, |range| {
            range
                .set_ref(col::ZONE_ID, zone)
                .set_ref(col::PHYSICAL_NETWORK_ID, network)
                .set_ref(col::POD_ID, pod)
                .set_flag(col::FOR_VIRTUAL_NETWORK, false)
                .set_text(col::VLAN, "untagged")
                .set_text(col::GATEWAY, &format!("10.64.{third}.1"))
                .set_text(col::NETMASK, "255.255.252.0")
                .set_text(col::START_IP, &format!("10.64.{third}.10"))
                .set_text(col::END_IP, &format!("10.64.{}.250", third + 3));
        });
    }
}

/// An enabled physical network with its traffic and the providers that the server
/// comes with, all of them enabled.
fn physical_network(
    tx: &mut Tx<'_>,
    zone: ResourceId,
    name: &str,
    broadcast: &str,
    traffic: &[&str],
) -> ResourceId {
    let id = tx.insert(Kind::PhysicalNetwork, |network| {
        network.set_state(SwitchState::Enabled);
        network
            .set_ref(col::ZONE_ID, zone)
            .set_text(col::NAME, name)
            .set_text(col::BROADCAST_DOMAIN_RANGE, broadcast)
            .set_text(col::ISOLATION_METHODS, "VLAN");
    });
    for traffic in traffic {
        tx.insert(Kind::TrafficType, |row| {
            row.set_ref(col::PHYSICAL_NETWORK_ID, id).set_text(col::TRAFFIC_TYPE, traffic);
        });
    }
    for provider in networkservice::BUILT_IN {
        let provider = networkservice::add_provider(tx, id, provider);
        networkservice::enable(tx, provider);
    }
    id
}
