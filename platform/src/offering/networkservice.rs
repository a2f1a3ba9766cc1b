//! The network services, the providers of each, and what of them an
//! offering can choose: one table for offerings, providers and the list of both.
//!
//! # Source
//! Names of services, capabilities and providers are those of the 4.2.1 server.

use cloudtally_model::Text;

use crate::{
    col,
    engine::{Resource, ResourceId, Tx, World},
    state::SwitchState,
    table::Kind,
};

/// A service that a network can have.
#[derive(Debug)]
pub(crate) struct Service {
    /// As on the wire.
    pub(crate) name: &'static str,
    /// The capabilities in which its providers differ.
    pub(crate) capabilities: &'static [Capability],
}

/// A property of a service.
#[derive(Debug)]
pub(crate) struct Capability {
    /// As on the wire.
    pub(crate) name: &'static str,
    /// The values that an offering can choose, the first unless it says otherwise;
    /// none where the provider alone decides.
    pub(crate) choices: &'static [&'static str],
}

/// A provider of services on a physical network.
#[derive(Debug)]
pub(crate) struct Provider {
    /// As on the wire.
    pub(crate) name: &'static str,
    /// The services it can provide.
    pub(crate) services: &'static [&'static str],
    /// True if some of its services can be left out.
    pub(crate) choice: Choice,
    /// The elements that must be enabled before it.
    pub(crate) needs: Needs,
}

/// True if some of a provider's services can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Each can.
    EachService,
    /// All or nothing.
    AllOrNothing,
}

/// The elements that must be there before a provider can be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// An enabled element of virtual routers of this type.
    VirtualRouterElement(&'static str),
    /// An enabled element of internal load balancing.
    InternalLbElement,
    /// A device of this kind on the physical network.
    Device(Kind),
}

const fn fixed(name: &'static str) -> Capability {
    Capability { name, choices: &[] }
}

const fn chosen(name: &'static str, choices: &'static [&'static str]) -> Capability {
    Capability { name, choices }
}

const fn service(name: &'static str, capabilities: &'static [Capability]) -> Service {
    Service { name, capabilities }
}

/// All services.
pub(crate) const SERVICES: &[Service] = &[
    service("Vpn", &[fixed("SupportedVpnTypes"), fixed("VpnTypes")]),
    service("Dhcp", &[fixed("DhcpAccrossMultipleSubnets")]),
    service("Dns", &[fixed("AllowDnsSuffixModification")]),
    service("Gateway", &[]),
    service(
        "Firewall",
        &[
            fixed("SupportedProtocols"),
            fixed("MultipleIps"),
            fixed("TrafficStatistics"),
            fixed("SupportedTrafficDirection"),
            fixed("SupportedEgressProtocols"),
        ],
    ),
    service(
        "Lb",
        &[
            fixed("SupportedLbAlgorithms"),
            chosen("SupportedLBIsolation", &["dedicated", "shared"]),
            fixed("SupportedProtocols"),
            fixed("TrafficStatistics"),
            fixed("LoadBalancingSupportedIps"),
            fixed("SupportedStickinessMethods"),
            chosen("ElasticLb", &["false", "true"]),
            chosen("InlineMode", &["false", "true"]),
            chosen("LbSchemes", &["Public", "Internal"]),
        ],
    ),
    service("UserData", &[]),
    service(
        "SourceNat",
        &[
            chosen("SupportedSourceNatTypes", &["peraccount", "perzone"]),
            chosen("RedundantRouter", &["false", "true"]),
        ],
    ),
    service(
        "StaticNat",
        &[chosen("ElasticIp", &["false", "true"]), chosen("AssociatePublicIP", &["false", "true"])],
    ),
    service("PortForwarding", &[]),
    service("SecurityGroup", &[]),
    service("NetworkACL", &[fixed("SupportedProtocols")]),
    service("Connectivity", &[]),
];

/// All providers.
pub(crate) const PROVIDERS: &[Provider] = &[
    Provider {
        name: "VirtualRouter",
        services: &[
            "Vpn",
            "Dhcp",
            "Dns",
            "Gateway",
            "Firewall",
            "Lb",
            "UserData",
            "SourceNat",
            "StaticNat",
            "PortForwarding",
        ],
        choice: Choice::EachService,
        needs: Needs::VirtualRouterElement("VirtualRouter"),
    },
    Provider {
        name: "JuniperSRX",
        services: &["Vpn", "Gateway", "Firewall", "SourceNat", "StaticNat", "PortForwarding"],
        choice: Choice::EachService,
        needs: Needs::Device(Kind::SrxFirewall),
    },
    Provider {
        name: "F5BigIp",
        services: &["Lb"],
        choice: Choice::AllOrNothing,
        needs: Needs::Device(Kind::F5LoadBalancer),
    },
    Provider {
        name: "Netscaler",
        services: &["Lb", "StaticNat"],
        choice: Choice::EachService,
        needs: Needs::Device(Kind::NetscalerLoadBalancer),
    },
    Provider {
        name: "SecurityGroupProvider",
        services: &["SecurityGroup"],
        choice: Choice::AllOrNothing,
        needs: Needs::Nothing,
    },
    Provider {
        name: "VpcVirtualRouter",
        services: &[
            "Vpn",
            "Dhcp",
            "Dns",
            "Gateway",
            "Lb",
            "UserData",
            "SourceNat",
            "StaticNat",
            "PortForwarding",
            "NetworkACL",
        ],
        choice: Choice::EachService,
        needs: Needs::VirtualRouterElement("VPCVirtualRouter"),
    },
    Provider {
        name: "NiciraNvp",
        services: &["SourceNat", "StaticNat", "PortForwarding", "Connectivity"],
        choice: Choice::EachService,
        needs: Needs::Device(Kind::NiciraNvpDevice),
    },
    Provider {
        name: "InternalLbVm",
        services: &["Lb"],
        choice: Choice::EachService,
        needs: Needs::InternalLbElement,
    },
    Provider {
        name: "CiscoVnmc",
        services: &["Gateway", "Firewall", "SourceNat", "StaticNat", "PortForwarding"],
        choice: Choice::EachService,
        needs: Needs::Device(Kind::CiscoVnmc),
    },
    Provider {
        name: "BaremetalDhcpProvider",
        services: &["Dhcp"],
        choice: Choice::AllOrNothing,
        needs: Needs::Nothing,
    },
    Provider {
        name: "BaremetalPxeProvider",
        services: &[],
        choice: Choice::AllOrNothing,
        needs: Needs::Nothing,
    },
    Provider {
        name: "BaremetalUserdataProvider",
        services: &["UserData"],
        choice: Choice::AllOrNothing,
        needs: Needs::Nothing,
    },
    Provider {
        name: "BigSwitchVns",
        services: &["Connectivity"],
        choice: Choice::AllOrNothing,
        needs: Needs::Device(Kind::BigSwitchVnsDevice),
    },
    Provider {
        name: "StratosphereSsp",
        services: &["Connectivity"],
        choice: Choice::AllOrNothing,
        needs: Needs::Device(Kind::SspHost),
    },
];

/// Providers that a physical network has from its start.
pub(crate) const BUILT_IN: &[&str] =
    &["VirtualRouter", "SecurityGroupProvider", "VpcVirtualRouter", "InternalLbVm"];

/// The service of a name, in any case.
pub(crate) fn service_named(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name.eq_ignore_ascii_case(name))
}

/// The provider of a name, in any case.
pub(crate) fn provider_named(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name.eq_ignore_ascii_case(name))
}

impl Service {
    /// The capability of a name, in any case.
    pub(crate) fn capability(&self, name: &str) -> Option<&'static Capability> {
        self.capabilities.iter().find(|one| one.name.eq_ignore_ascii_case(name))
    }
}

/// The services and providers of offerings that choose none: pairs of
/// `Service.Capability` and value.
pub(crate) fn chosen_by_default(provider: &[(Text, Text)]) -> Vec<(Text, Text)> {
    let mut chosen = Vec::new();
    for (service, provider) in provider {
        let Some(service) = service_named(service) else { continue };
        for capability in service.capabilities.iter().filter(|one| !one.choices.is_empty()) {
            let value = match (capability.name, provider.as_str()) {
                ("LbSchemes", "InternalLbVm") => "Internal",
                ("ElasticIp" | "AssociatePublicIP" | "ElasticLb", "Netscaler") => "true",
                ("SupportedLBIsolation" | "LbSchemes" | "SupportedSourceNatTypes", _) => {
                    capability.choices[0]
                }
                // The others are told only where they are chosen.
                _ => continue,
            };
            chosen.push((
                Text::from(format!("{}.{}", service.name, capability.name)),
                Text::from(value),
            ));
        }
    }
    chosen
}

/// Adds a provider with all its services to a physical network, disabled, with the
/// element it needs.
///
/// # Panics
/// If there is no such provider: a mistake in our code.
pub(crate) fn add_provider(tx: &mut Tx<'_>, network: ResourceId, name: &str) -> ResourceId {
    let row = provider_named(name).unwrap_or_else(|| panic!("there is no provider {name}"));
    let provider = insert_provider(tx, network, row);
    match row.needs {
        Needs::VirtualRouterElement(of_type) => {
            tx.insert(Kind::VirtualRouterElement, |element| {
                element
                    .set_ref(col::NSP_ID, provider)
                    .set_flag(col::ENABLED, false)
                    .set_text(col::TYPE, of_type);
            });
        }
        Needs::InternalLbElement => {
            tx.insert(Kind::InternalLbElement, |element| {
                element.set_ref(col::NSP_ID, provider).set_flag(col::ENABLED, false);
            });
        }
        Needs::Nothing | Needs::Device(_) => {}
    }
    provider
}

/// Adds a provider with all its services to a physical network, disabled.
pub(crate) fn insert_provider(tx: &mut Tx<'_>, network: ResourceId, row: &Provider) -> ResourceId {
    tx.insert(Kind::Provider, |provider| {
        provider
            .set_text(col::NAME, row.name)
            .set_ref(col::PHYSICAL_NETWORK_ID, network)
            .set_flag(col::CAN_ENABLE_INDIVIDUAL_SERVICE, row.choice == Choice::EachService);
        set_services(provider, row.services);
    })
}

/// Tells whether a device of a kind is on a physical network.
pub(crate) fn has_device(world: &World, network: ResourceId, kind: Kind) -> bool {
    // Devices of kinds that nothing is stored of are not there.
    world.all(kind).any(|device| device.id_of(col::PHYSICAL_NETWORK_ID) == Some(network))
}

/// Sets the services of a provider.
pub(crate) fn set_services(provider: &mut Resource, services: &[&str]) {
    let services = services.iter().map(|service| Text::from(*service)).collect();
    provider.set_texts(col::SERVICE_LIST, services);
}

/// Enables a provider and its elements.
pub(crate) fn enable(tx: &mut Tx<'_>, provider: ResourceId) {
    for kind in [Kind::VirtualRouterElement, Kind::InternalLbElement] {
        for element in tx.ids_referring(provider, kind, col::NSP_ID) {
            tx.edit(element, |element| {
                element.set_flag(col::ENABLED, true);
            });
        }
    }
    tx.move_to(provider, SwitchState::Enabled);
}

/// The enabled provider of a name on a physical network.
pub(crate) fn enabled_provider<'t>(
    world: &'t World,
    network: ResourceId,
    name: &str,
) -> Option<&'t Resource> {
    world
        .referring(network, Kind::Provider, col::PHYSICAL_NETWORK_ID)
        .find(|provider| provider.is(SwitchState::Enabled) && provider.text(col::NAME) == name)
}

#[cfg(test)]
mod tests {
    use super::{PROVIDERS, SERVICES, service_named};

    #[test]
    fn providers_provide_services_that_there_are() {
        for provider in PROVIDERS {
            for service in provider.services {
                assert!(service_named(service).is_some(), "{} {service}", provider.name);
            }
        }
        for service in SERVICES {
            let provided = PROVIDERS.iter().any(|one| one.services.contains(&service.name));
            assert!(provided, "nobody provides {}", service.name);
        }
    }
}
