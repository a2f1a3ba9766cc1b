//! Hazards of VPCs: commands of all kinds on any VPC, tier, list, gateway, route and VPN at any
//! time, while routers stop, hosts fail and accounts go. Most are refused. Whatever happens, the
//! bill is what was had, nothing hangs, and nothing points to what is gone.

use std::collections::BTreeSet;

use cloudtally_platform::{
    col,
    engine::{Column, Resource, ResourceId, Start, World},
    state::{ConnectionState, MachineState, NetworkState},
    table::Kind,
};

use crate::{
    chance::{Chance, FLAG, Of, Row},
    ledger::check,
    support::{Lab, text},
};

use Of::{Any, Maybe, Name, Text};

const NAMES: Of = Text(&["one", "two", "three"]);
const PORT: Of = Text(&["22", "80", "443"]);
const TIER: Of = Text(&["10.1.1.1", "10.1.2.1", "10.1.3.1", "10.1.4.1"]);
const MASK: Of = Text(&["255.255.255.0"]);
const VLAN: Of = Text(&["3001", "3002"]);
const SITE: Of = Text(&["198.51.100.1", "198.51.100.2", "198.51.100.3"]);
const RANGE: Of = Text(&["192.168.1.0/24", "192.168.2.0/24", "10.7.0.0/16"]);

/// The deeds of tenants and operators; what stands twice is done twice as often.
const ROWS: &[Row] = &[
    (
        "createVPC",
        &[
            ("zoneid", Any(Kind::Zone)),
            ("name", NAMES),
            ("displaytext", NAMES),
            ("cidr", Text(&["10.1.0.0/16"])),
            ("vpcofferingid", Any(Kind::VpcOffering)),
        ],
    ),
    ("updateVPC", &[("id", Any(Kind::Vpc)), ("name", NAMES)]),
    ("restartVPC", &[("id", Any(Kind::Vpc))]),
    ("deleteVPC", &[("id", Any(Kind::Vpc))]),
    (
        "createVPCOffering",
        &[("name", Name), ("displaytext", NAMES), ("supportedservices", Text(&["SourceNat,Dhcp"]))],
    ),
    (
        "updateVPCOffering",
        &[("id", Any(Kind::VpcOffering)), ("state", Text(&["Enabled", "Enabled", "Disabled"]))],
    ),
    ("deleteVPCOffering", &[("id", Any(Kind::VpcOffering))]),
    (
        "createNetwork",
        &[
            ("name", NAMES),
            ("displaytext", NAMES),
            ("zoneid", Any(Kind::Zone)),
            ("networkofferingid", Any(Kind::NetworkOffering)),
            ("vpcid", Any(Kind::Vpc)),
            ("gateway", TIER),
            ("netmask", MASK),
            ("aclid", Maybe(Kind::NetworkAcl)),
        ],
    ),
    (
        "createNetwork",
        &[
            ("name", NAMES),
            ("displaytext", NAMES),
            ("zoneid", Any(Kind::Zone)),
            ("networkofferingid", Any(Kind::NetworkOffering)),
            ("vpcid", Any(Kind::Vpc)),
            ("gateway", TIER),
            ("netmask", MASK),
        ],
    ),
    (
        "updateNetwork",
        &[("id", Any(Kind::Network)), ("networkofferingid", Any(Kind::NetworkOffering))],
    ),
    ("restartNetwork", &[("id", Any(Kind::Network)), ("cleanup", FLAG)]),
    ("deleteNetwork", &[("id", Any(Kind::Network))]),
    (
        "deployVirtualMachine",
        &[
            ("zoneid", Any(Kind::Zone)),
            ("serviceofferingid", Any(Kind::ServiceOffering)),
            ("templateid", Any(Kind::Template)),
            ("networkids", Any(Kind::Network)),
        ],
    ),
    (
        "deployVirtualMachine",
        &[
            ("zoneid", Any(Kind::Zone)),
            ("serviceofferingid", Any(Kind::ServiceOffering)),
            ("templateid", Any(Kind::Template)),
            ("networkids", Any(Kind::Network)),
        ],
    ),
    ("startVirtualMachine", &[("id", Any(Kind::Vm))]),
    ("stopVirtualMachine", &[("id", Any(Kind::Vm))]),
    ("destroyVirtualMachine", &[("id", Any(Kind::Vm)), ("expunge", FLAG)]),
    ("associateIpAddress", &[("vpcid", Any(Kind::Vpc)), ("isportable", FLAG)]),
    ("disassociateIpAddress", &[("id", Any(Kind::IpAddress))]),
    (
        "createPortForwardingRule",
        &[
            ("ipaddressid", Any(Kind::IpAddress)),
            ("virtualmachineid", Any(Kind::Vm)),
            ("networkid", Any(Kind::Network)),
            ("protocol", Text(&["tcp"])),
            ("publicport", PORT),
            ("privateport", PORT),
        ],
    ),
    ("deletePortForwardingRule", &[("id", Any(Kind::PortForwardingRule))]),
    (
        "createLoadBalancerRule",
        &[
            ("publicipid", Any(Kind::IpAddress)),
            ("networkid", Any(Kind::Network)),
            ("name", NAMES),
            ("algorithm", Text(&["roundrobin"])),
            ("publicport", PORT),
            ("privateport", PORT),
        ],
    ),
    ("deleteLoadBalancerRule", &[("id", Any(Kind::LoadBalancerRule))]),
    (
        "enableStaticNat",
        &[
            ("ipaddressid", Any(Kind::IpAddress)),
            ("virtualmachineid", Any(Kind::Vm)),
            ("networkid", Any(Kind::Network)),
        ],
    ),
    ("disableStaticNat", &[("ipaddressid", Any(Kind::IpAddress))]),
    ("createNetworkACLList", &[("name", NAMES), ("vpcid", Any(Kind::Vpc))]),
    ("deleteNetworkACLList", &[("id", Any(Kind::NetworkAcl))]),
    (
        "createNetworkACL",
        &[
            ("aclid", Any(Kind::NetworkAcl)),
            ("protocol", Text(&["tcp", "all"])),
            ("number", Text(&["", "", "1", "2"])),
        ],
    ),
    (
        "createNetworkACL",
        &[("networkid", Any(Kind::Network)), ("protocol", Text(&["tcp"])), ("startport", PORT)],
    ),
    (
        "updateNetworkACLItem",
        &[("id", Any(Kind::NetworkAclItem)), ("action", Text(&["Allow", "Deny"]))],
    ),
    ("deleteNetworkACL", &[("id", Any(Kind::NetworkAclItem))]),
    (
        "replaceNetworkACLList",
        &[("aclid", Any(Kind::NetworkAcl)), ("networkid", Any(Kind::Network))],
    ),
    (
        "replaceNetworkACLList",
        &[("aclid", Any(Kind::NetworkAcl)), ("gatewayid", Any(Kind::PrivateGateway))],
    ),
    (
        "createPrivateGateway",
        &[
            ("vpcid", Any(Kind::Vpc)),
            ("vlan", VLAN),
            ("gateway", Text(&["172.20.0.1"])),
            ("netmask", MASK),
            ("ipaddress", Text(&["172.20.0.5", "172.20.0.6", "172.20.0.7"])),
        ],
    ),
    ("deletePrivateGateway", &[("id", Any(Kind::PrivateGateway))]),
    ("createStaticRoute", &[("gatewayid", Any(Kind::PrivateGateway)), ("cidr", RANGE)]),
    ("deleteStaticRoute", &[("id", Any(Kind::StaticRoute))]),
    (
        "createVpnCustomerGateway",
        &[
            ("gateway", SITE),
            ("cidrlist", RANGE),
            ("ipsecpsk", NAMES),
            ("ikepolicy", Text(&["3des-md5"])),
            ("esppolicy", Text(&["aes128-sha1;modp1024"])),
        ],
    ),
    (
        "updateVpnCustomerGateway",
        &[
            ("id", Any(Kind::CustomerGateway)),
            ("gateway", SITE),
            ("cidrlist", RANGE),
            ("ipsecpsk", NAMES),
            ("ikepolicy", Text(&["aes256-md5"])),
            ("esppolicy", Text(&["3des-md5"])),
        ],
    ),
    ("deleteVpnCustomerGateway", &[("id", Any(Kind::CustomerGateway))]),
    ("createVpnGateway", &[("vpcid", Any(Kind::Vpc))]),
    ("createVpnGateway", &[("vpcid", Any(Kind::Vpc))]),
    ("deleteVpnGateway", &[("id", Any(Kind::VpnGateway))]),
    (
        "createVpnConnection",
        &[
            ("s2svpngatewayid", Any(Kind::VpnGateway)),
            ("s2scustomergatewayid", Any(Kind::CustomerGateway)),
        ],
    ),
    (
        "createVpnConnection",
        &[
            ("s2svpngatewayid", Any(Kind::VpnGateway)),
            ("s2scustomergatewayid", Any(Kind::CustomerGateway)),
        ],
    ),
    ("resetVpnConnection", &[("id", Any(Kind::VpnConnection))]),
    ("deleteVpnConnection", &[("id", Any(Kind::VpnConnection))]),
    ("stopRouter", &[("id", Any(Kind::Router))]),
    ("startRouter", &[("id", Any(Kind::Router))]),
    ("rebootRouter", &[("id", Any(Kind::Router))]),
    ("destroyRouter", &[("id", Any(Kind::Router))]),
    ("reconnectHost", &[("id", Any(Kind::Host))]),
    (
        "configureSimulator",
        &[
            (
                "name",
                Text(&[
                    "StartCommand",
                    "PingCommand",
                    "Site2SiteVpnCfgCommand",
                    "CheckS2SVpnConnectionsCommand",
                ]),
            ),
            ("value", Text(&["enabled:true", "enabled:true", "enabled:false", "wait:1500"])),
        ],
    ),
    ("deleteAccount", &[("id", Any(Kind::Account))]),
];

/// Commands that take so much away that they are seldom drawn.
const RARE: [&str; 5] =
    ["deleteAccount", "deleteVPC", "deleteNetwork", "updateVPCOffering", "destroyVirtualMachine"];

/// The callers beside the root admin.
const TENANTS: [&str; 2] = ["alice", "bob"];

/// Names of the agents' commands that a life makes fail.
const FAILING: [&str; 4] =
    ["StartCommand", "PingCommand", "Site2SiteVpnCfgCommand", "CheckS2SVpnConnectionsCommand"];

struct Hazards {
    chance: Chance,
    done: BTreeSet<&'static str>,
}

impl Hazards {
    fn new(seed: u64) -> Self {
        let lab = Lab::new(Start::Ready);
        let zone = lab.zone("Advanced");
        let offering = text(&lab.one("listVPCOfferings", &[("isdefault", "true")]), "id");
        let tier = ("name", "DefaultIsolatedNetworkOfferingForVpcNetworks");
        let tier = text(&lab.one("listNetworkOfferings", &[tier]), "id");
        for tenant in TENANTS {
            lab.account(tenant, "0", None);
            let vpc = [
                ("zoneid", zone.as_str()),
                ("name", tenant),
                ("displaytext", tenant),
                ("cidr", "10.1.0.0/16"),
                ("vpcofferingid", &offering),
            ];
            let vpc = text(&lab.ok_as(tenant, "createVPC", &vpc), "id");
            let network = [
                ("name", tenant),
                ("displaytext", tenant),
                ("zoneid", &zone),
                ("networkofferingid", &tier),
                ("vpcid", &vpc),
                ("gateway", "10.1.9.1"),
                ("netmask", "255.255.255.0"),
            ];
            lab.ok_as(tenant, "createNetwork", &network);
        }
        Self { chance: Chance::new(lab, seed, &TENANTS), done: BTreeSet::new() }
    }

    /// Leads an address of a VPC to a machine of one of its tiers, as commands drawn by chance
    /// hardly ever do.
    fn lead(&mut self) {
        let found = {
            let world = self.chance.lab.cloud.world();
            let machine = |address: &Resource| {
                let vpc = address.id_of(col::VPC_ID)?;
                let tiers = world.referring(vpc, Kind::Network, col::VPC_ID);
                let mut nics =
                    tiers.flat_map(|tier| world.referring(tier.id, Kind::Nic, col::NETWORK_ID));
                let nic = nics.next()?;
                let (vm, tier) = (nic.id_of(col::VIRTUAL_MACHINE_ID)?, nic.id_of(col::NETWORK_ID)?);
                Some([address.id, vm, tier].map(|id| world.resource(id).uuid.to_string()))
            };
            let addresses = world.all(Kind::IpAddress).filter(|a| !a.flag(col::IS_SOURCE_NAT));
            let found: Vec<[String; 3]> = addresses.filter_map(machine).collect();
            found
        };
        if found.is_empty() {
            return;
        }
        let at = self.chance.below(found.len());
        let [address, vm, tier] = &found[at];
        let ends = [("ipaddressid", address), ("virtualmachineid", vm), ("networkid", tier)];
        let mut params: Vec<(&str, &str)> =
            ends.iter().map(|(name, id)| (*name, id.as_str())).collect();
        let name = if self.chance.below(2) == 0 {
            params.extend([("protocol", "tcp"), ("publicport", "22"), ("privateport", "22")]);
            "createPortForwardingRule"
        } else {
            "enableStaticNat"
        };
        // It may serve another purpose, or the machine be gone.
        if self.chance.lab.call(self.chance.lab.root(), name, &params).is_ok() {
            self.done.insert(name);
        }
    }

    fn live(&mut self, steps: u32) {
        for _ in 0..steps {
            if self.chance.below(20) == 0 {
                self.lead();
            }
            let row = self.chance.one_of(ROWS);
            if RARE.contains(&row.0) && self.chance.below(10) > 0 {
                continue;
            }
            if self.chance.act(row) {
                self.done.insert(row.0);
            }
            let seconds = self.chance.one_of(&[0, 0, 0, 0, 1, 1, 1, 60, 900]);
            if seconds > 0 {
                self.chance.lab.pass(seconds);
            }
        }
        // Hosts answer again, and all that was begun ends.
        for name in FAILING {
            self.chance.lab.ok("configureSimulator", &[("name", name), ("value", "enabled:true")]);
        }
        self.chance.lab.pass(7200);
    }

    fn check(&self, about: &str) {
        let about = format!("seed {}, {about}", self.chance.seed);
        let world = self.chance.lab.cloud.world();
        for job in world.all(Kind::Job) {
            let error = job.text(col::ERROR_TEXT);
            assert!(!error.contains("broke off"), "{about}: {job:?}");
            assert_ne!(job.int(col::JOB_STATUS), 0, "{about}: {} hangs", job.text(col::CMD));
        }
        references(&world, &about);
        parts(&world, &about);
        drop(world);
        check(&self.chance.lab, &about);
    }
}

fn is_there(world: &World, resource: &Resource, column: Column<ResourceId>) -> bool {
    resource.id_of(column).is_none_or(|id| world.any(id).is_some_and(|of| of.removed.is_none()))
}

/// Nothing points to what is gone, or is of an account that is.
fn references(world: &World, about: &str) {
    for (kind, column) in [
        (Kind::Network, col::VPC_ID),
        (Kind::Network, col::ACL_ID),
        (Kind::IpAddress, col::VPC_ID),
        (Kind::IpAddress, col::ASSOCIATED_NETWORK_ID),
        (Kind::Router, col::VPC_ID),
        (Kind::NetworkAcl, col::VPC_ID),
        (Kind::NetworkAclItem, col::ACL_ID),
        (Kind::PrivateGateway, col::VPC_ID),
        (Kind::PrivateGateway, col::ACL_ID),
        (Kind::PrivateGateway, col::NETWORK),
        (Kind::StaticRoute, col::GATEWAY_ID),
        (Kind::VpnGateway, col::VPC_ID),
        (Kind::VpnGateway, col::PUBLIC_ADDRESS),
        (Kind::VpnConnection, col::S2S_VPN_GATEWAY_ID),
        (Kind::VpnConnection, col::S2S_CUSTOMER_GATEWAY_ID),
    ] {
        for resource in world.all(kind) {
            assert!(is_there(world, resource, column), "{about}: {column:?} of {resource:?}");
            let owner = resource.owner.map(|id| world.resource(id));
            assert!(owner.is_none_or(|of| of.removed.is_none()), "{about}: {resource:?}");
        }
    }
}

/// Each VPC has one source NAT address and a router at most, which serves those of its tiers that
/// are set up, and all its parts are of its owner.
fn parts(world: &World, about: &str) {
    for vpc in world.all(Kind::Vpc) {
        assert_eq!(vpc.state(), "Enabled", "{about}: {vpc:?}");
        let addresses: Vec<_> = world.referring(vpc.id, Kind::IpAddress, col::VPC_ID).collect();
        let nat = addresses.iter().filter(|address| address.flag(col::IS_SOURCE_NAT)).count();
        assert_eq!(nat, 1, "{about}: {vpc:?}");
        for address in addresses {
            assert_eq!(address.owner, vpc.owner, "{about}: {address:?}");
            let tier = address.id_of(col::ASSOCIATED_NETWORK_ID).map(|id| world.resource(id));
            assert!(
                tier.is_none_or(|tier| tier.id_of(col::VPC_ID) == Some(vpc.id)),
                "{about}: {address:?} in {tier:?}"
            );
        }
        let routers: Vec<_> = world.referring(vpc.id, Kind::Router, col::VPC_ID).collect();
        assert!(routers.len() <= 1, "{about}: {vpc:?}");
        for tier in world.referring(vpc.id, Kind::Network, col::VPC_ID) {
            assert_eq!(tier.owner, vpc.owner, "{about}: {tier:?}");
            let is_served =
                routers.iter().any(|router| router.ids_of(col::MORE_NETWORKS).contains(&tier.id));
            let is_set_up = tier.is(NetworkState::Implemented);
            assert!(is_served <= is_set_up, "{about}: {tier:?}");
            assert!(routers.is_empty() || is_served == is_set_up, "{about}: {tier:?}");
        }
        let runs = routers.iter().any(|router| router.is(MachineState::Running));
        for gateway in world.referring(vpc.id, Kind::VpnGateway, col::VPC_ID) {
            for connection in
                world.referring(gateway.id, Kind::VpnConnection, col::S2S_VPN_GATEWAY_ID)
            {
                let works = connection.is(ConnectionState::Connected);
                let failed = connection.is(ConnectionState::Error);
                assert!(failed || works == runs, "{about}: {connection:?} of {routers:?}");
            }
        }
    }
    for router in world.all(Kind::Router) {
        let is_on_host = router.id_of(col::HOST_ID).is_some();
        assert_eq!(router.is(MachineState::Running), is_on_host, "{about}: {router:?}");
    }
}

#[test]
fn whatever_is_done_to_vpcs_leaves_nothing_half_done() {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for seed in 1..=SEEDS {
        let mut hazards = Hazards::new(seed);
        for part in 1..=3 {
            hazards.live(300);
            hazards.check(&format!("part {part}"));
        }
        done.extend(&hazards.done);
    }
    // Tenants that are refused everything would prove nothing.
    let never: Vec<&str> =
        ROWS.iter().map(|row| row.0).filter(|name| !done.contains(name)).collect();
    assert_eq!(never, Vec::<&str>::new(), "commands that were always refused");
}

/// Lives that are tried.
const SEEDS: u64 = 12;
