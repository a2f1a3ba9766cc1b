//! Hazards of networks: commands of all kinds on any address, rule, NIC and router at
//! any time, while jobs overtake each other and accounts go. Most are refused. Whatever
//! happens, the bill is what was had, no rule hangs, and nothing points to what is gone.

use std::collections::{BTreeMap, BTreeSet};

use cloudtally_platform::{
    col,
    engine::{Column, Resource, ResourceId, Start, World},
    state::{MachineState, RuleState},
    table::Kind,
};

use crate::{
    chance::{Chance, FLAG, Of, Row},
    ledger::check,
    support::{Lab, text},
};

use Of::{Any, Maybe, Text};

const NAME: Of = Text(&["one", "two", "three"]);
const PROTOCOL: Of = Text(&["tcp", "tcp", "udp"]);
const PORT: Of = Text(&["22", "80", "500"]);

/// The deeds of tenants and operators; what stands twice is done twice as often.
const ROWS: &[Row] = &[
    (
        "deployVirtualMachine",
        &[
            ("zoneid", Any(Kind::Zone)),
            ("serviceofferingid", Any(Kind::ServiceOffering)),
            ("templateid", Any(Kind::Template)),
            ("networkids", Maybe(Kind::Network)),
            ("startvm", FLAG),
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
    ("destroyVirtualMachine", &[("id", Any(Kind::Vm))]),
    ("recoverVirtualMachine", &[("id", Any(Kind::Vm))]),
    (
        "createNetwork",
        &[
            ("name", NAME),
            ("displaytext", NAME),
            ("zoneid", Any(Kind::Zone)),
            ("networkofferingid", Any(Kind::NetworkOffering)),
        ],
    ),
    ("deleteNetwork", &[("id", Any(Kind::Network))]),
    ("restartNetwork", &[("id", Any(Kind::Network)), ("cleanup", FLAG)]),
    (
        "updateNetwork",
        &[
            ("id", Any(Kind::Network)),
            ("networkofferingid", Maybe(Kind::NetworkOffering)),
            ("guestvmcidr", Text(&["", "", "10.1.1.0/27", "10.1.1.0/24"])),
        ],
    ),
    (
        "addNicToVirtualMachine",
        &[("virtualmachineid", Any(Kind::Vm)), ("networkid", Any(Kind::Network))],
    ),
    (
        "removeNicFromVirtualMachine",
        &[("virtualmachineid", Any(Kind::Vm)), ("nicid", Any(Kind::Nic))],
    ),
    (
        "updateDefaultNicForVirtualMachine",
        &[("virtualmachineid", Any(Kind::Vm)), ("nicid", Any(Kind::Nic))],
    ),
    ("addIpToNic", &[("nicid", Any(Kind::Nic))]),
    ("removeIpFromNic", &[("id", Any(Kind::NicSecondaryIp))]),
    ("associateIpAddress", &[("networkid", Any(Kind::Network)), ("isportable", FLAG)]),
    ("associateIpAddress", &[("zoneid", Any(Kind::Zone)), ("isportable", FLAG)]),
    ("disassociateIpAddress", &[("id", Any(Kind::IpAddress))]),
    (
        "enableStaticNat",
        &[
            ("ipaddressid", Any(Kind::IpAddress)),
            ("virtualmachineid", Any(Kind::Vm)),
            ("networkid", Maybe(Kind::Network)),
        ],
    ),
    ("disableStaticNat", &[("ipaddressid", Any(Kind::IpAddress))]),
    (
        "createIpForwardingRule",
        &[("ipaddressid", Any(Kind::IpAddress)), ("protocol", PROTOCOL), ("startport", PORT)],
    ),
    ("deleteIpForwardingRule", &[("id", Any(Kind::IpForwardingRule))]),
    (
        "createPortForwardingRule",
        &[
            ("ipaddressid", Any(Kind::IpAddress)),
            ("virtualmachineid", Any(Kind::Vm)),
            ("networkid", Maybe(Kind::Network)),
            ("protocol", PROTOCOL),
            ("publicport", PORT),
            ("privateport", PORT),
            ("openfirewall", FLAG),
        ],
    ),
    (
        "updatePortForwardingRule",
        &[
            ("ipaddressid", Any(Kind::IpAddress)),
            ("protocol", PROTOCOL),
            ("publicport", PORT),
            ("privateport", PORT),
            ("virtualmachineid", Maybe(Kind::Vm)),
        ],
    ),
    ("deletePortForwardingRule", &[("id", Any(Kind::PortForwardingRule))]),
    (
        "createLoadBalancerRule",
        &[
            ("publicipid", Any(Kind::IpAddress)),
            ("networkid", Maybe(Kind::Network)),
            ("name", NAME),
            ("algorithm", Text(&["roundrobin"])),
            ("publicport", PORT),
            ("privateport", PORT),
            ("openfirewall", FLAG),
        ],
    ),
    ("deleteLoadBalancerRule", &[("id", Any(Kind::LoadBalancerRule))]),
    (
        "assignToLoadBalancerRule",
        &[("id", Any(Kind::LoadBalancerRule)), ("virtualmachineids", Any(Kind::Vm))],
    ),
    (
        "createLBStickinessPolicy",
        &[
            ("lbruleid", Any(Kind::LoadBalancerRule)),
            ("name", NAME),
            ("methodname", Text(&["LbCookie"])),
        ],
    ),
    (
        "createFirewallRule",
        &[("ipaddressid", Any(Kind::IpAddress)), ("protocol", PROTOCOL), ("startport", PORT)],
    ),
    ("deleteFirewallRule", &[("id", Any(Kind::FirewallRule))]),
    (
        "createEgressFirewallRule",
        &[("networkid", Any(Kind::Network)), ("protocol", PROTOCOL), ("startport", PORT)],
    ),
    ("createRemoteAccessVpn", &[("publicipid", Any(Kind::IpAddress))]),
    ("deleteRemoteAccessVpn", &[("publicipid", Any(Kind::IpAddress))]),
    ("addVpnUser", &[("username", NAME), ("password", NAME)]),
    ("removeVpnUser", &[("username", NAME)]),
    ("stopRouter", &[("id", Any(Kind::Router))]),
    ("startRouter", &[("id", Any(Kind::Router))]),
    ("rebootRouter", &[("id", Any(Kind::Router))]),
    ("destroyRouter", &[("id", Any(Kind::Router))]),
    ("suspendProject", &[("id", Any(Kind::Project))]),
    ("activateProject", &[("id", Any(Kind::Project))]),
    ("activateProject", &[("id", Any(Kind::Project))]),
    (
        "updateNetworkServiceProvider",
        &[("id", Any(Kind::Provider)), ("state", Text(&["Enabled", "Enabled", "Disabled"]))],
    ),
    (
        "configureSimulator",
        &[
            ("name", Text(&["StartCommand", "StopCommand"])),
            (
                "value",
                Text(&[
                    "enabled:true",
                    "enabled:false",
                    "wait:1500",
                    "wait:0",
                    "timeout:30",
                    "enabled:false|wait:1500",
                ]),
            ),
        ],
    ),
    ("deleteAccount", &[("id", Any(Kind::Account))]),
    ("deleteProject", &[("id", Any(Kind::Project))]),
];

/// Commands that take so much away that they are seldom drawn.
const RARE: [&str; 5] = [
    "deleteAccount",
    "deleteProject",
    "suspendProject",
    "deleteNetwork",
    "updateNetworkServiceProvider",
];

/// The callers beside the root admin.
const TENANTS: [&str; 2] = ["alice", "bob"];

struct Hazards {
    chance: Chance,
    done: BTreeSet<&'static str>,
}

impl Hazards {
    fn new(seed: u64) -> Self {
        let lab = Lab::new(Start::Ready);
        let zone = lab.zone("Advanced");
        for tenant in TENANTS {
            lab.account(tenant, "0", None);
            let offering = text(
                &lab.one(
                    "listNetworkOfferings",
                    &[("name", "DefaultIsolatedNetworkOfferingWithSourceNatService")],
                ),
                "id",
            );
            let network = [
                ("name", tenant),
                ("displaytext", tenant),
                ("zoneid", &zone),
                ("networkofferingid", &offering),
            ];
            lab.ok_as(tenant, "createNetwork", &network);
        }
        lab.ok_as("alice", "createProject", &[("name", "shared"), ("displaytext", "shared")]);
        let shared = text(
            &lab.one("listNetworkOfferings", &[("name", "DefaultSharedNetworkOffering")]),
            "id",
        );
        let shared = [
            ("name", "open"),
            ("displaytext", "open"),
            ("zoneid", zone.as_str()),
            ("networkofferingid", &shared),
            ("vlan", "2500"),
            ("gateway", "10.77.0.1"),
            ("netmask", "255.255.255.0"),
            ("startip", "10.77.0.10"),
            ("endip", "10.77.0.30"),
        ];
        lab.ok("createNetwork", &shared);
        // One that the others can change to and from, where an address serves one resource.
        let strict = [
            ("name", "strict"),
            ("displaytext", "strict"),
            ("traffictype", "Guest"),
            ("guestiptype", "Isolated"),
            ("supportedservices", "Dhcp,Dns,SourceNat,StaticNat,PortForwarding,Firewall,Lb,Vpn"),
            ("conservemode", "false"),
        ];
        let strict = text(&lab.ok("createNetworkOffering", &strict), "id");
        lab.ok("updateNetworkOffering", &[("id", &strict), ("state", "Enabled")]);
        Self { chance: Chance::new(lab, seed, &TENANTS), done: BTreeSet::new() }
    }

    /// Gives an address that may have it static NAT to a machine on its network, as
    /// commands drawn by chance hardly ever do.
    fn lead(&mut self) {
        let found = {
            let world = self.chance.lab.cloud.world();
            let machine = |address: &Resource| {
                let network = address.id_of(col::ASSOCIATED_NETWORK_ID)?;
                let mut nics = world.referring(network, Kind::Nic, col::NETWORK_ID);
                let vm = nics.find_map(|nic| nic.id_of(col::VIRTUAL_MACHINE_ID))?;
                Some(world.resource(vm).uuid.to_string())
            };
            world
                .all(Kind::IpAddress)
                .filter(|a| a.flag(col::FOR_VIRTUAL_NETWORK) && !a.flag(col::IS_SOURCE_NAT))
                .find_map(|address| Some((address.uuid.to_string(), machine(address)?)))
        };
        let Some((address, vm)) = found else { return };
        let nat = [("ipaddressid", address.as_str()), ("virtualmachineid", vm.as_str())];
        let rule = [("ipaddressid", address.as_str()), ("protocol", "tcp"), ("startport", "25")];
        for (name, params) in [("enableStaticNat", &nat[..]), ("createIpForwardingRule", &rule)] {
            // It may have rules, or the machine be gone.
            if self.chance.lab.call(self.chance.lab.root(), name, params).is_ok() {
                self.done.insert(name);
            }
        }
    }

    /// One command, whatever comes of it.
    fn act(&mut self) {
        if self.chance.below(25) == 0 {
            self.lead();
        }
        let row = self.chance.one_of(ROWS);
        if RARE.contains(&row.0) && self.chance.below(12) > 0 {
            return;
        }
        if self.chance.act(row) {
            self.done.insert(row.0);
        }
    }

    fn live(&mut self, steps: u32) {
        for _ in 0..steps {
            self.act();
            let seconds = self.chance.one_of(&[0, 0, 0, 0, 1, 1, 1, 60, 900]);
            if seconds > 0 {
                self.chance.lab.pass(seconds);
            }
        }
        // Hosts answer again, and all that was begun ends.
        for name in ["StartCommand", "StopCommand"] {
            self.chance.lab.ok("configureSimulator", &[("name", name), ("value", "enabled:true")]);
        }
        self.chance.lab.pass(3600);
    }

    fn check(&self, about: &str) {
        let about = format!("seed {}, {about}", self.chance.seed);
        let world = self.chance.lab.cloud.world();
        jobs(&world, &about);
        rules(&world, &about);
        addresses(&world, &about);
        networks(&world, &about);
        nics(&world, &about);
        drop(world);
        check(&self.chance.lab, &about);
    }
}

fn is_there(world: &World, resource: &Resource, column: Column<ResourceId>) -> bool {
    resource.id_of(column).is_none_or(|id| world.any(id).is_some_and(|of| of.removed.is_none()))
}

/// No job hangs or broke off, and nothing is of an account that is gone.
fn jobs(world: &World, about: &str) {
    for job in world.all(Kind::Job) {
        assert!(!job.text(col::ERROR_TEXT).contains("broke off"), "{about}: {job:?}");
        assert_ne!(job.int(col::JOB_STATUS), 0, "{about}: {} hangs: {job:?}", job.text(col::CMD));
    }
    for kind in [
        Kind::Network,
        Kind::Router,
        Kind::Nic,
        Kind::IpAddress,
        Kind::FirewallRule,
        Kind::VpnUser,
        Kind::SecurityGroup,
    ] {
        let orphan = world
            .all(kind)
            .find(|t| t.owner.is_some_and(|id| world.resource(id).removed.is_some()));
        assert!(orphan.is_none(), "{about}: {orphan:?}");
    }
}

/// Every rule works, on an address and to a machine that are there; none shares a port.
fn rules(world: &World, about: &str) {
    for (kind, address) in [
        (Kind::PortForwardingRule, col::IP_ADDRESS_ID),
        (Kind::LoadBalancerRule, col::PUBLIC_IP_ID),
        (Kind::IpForwardingRule, col::PUBLIC_ADDRESS),
        (Kind::FirewallRule, col::IP_ADDRESS_ID),
        (Kind::RemoteAccessVpn, col::PUBLIC_IP_ID),
    ] {
        for rule in world.all(kind) {
            assert!(matches!(rule.state(), "Active" | "Running"), "{about}: {rule:?}");
            assert!(is_there(world, rule, address), "{about}: {rule:?}");
            let of = world.resource(rule.id_of(address).unwrap());
            assert_eq!(rule.owner, of.owner, "{about}: {rule:?} on {of:?}");
        }
    }
    for rule in world.all(Kind::EgressRule) {
        assert!(
            rule.is(RuleState::Active) && is_there(world, rule, col::NETWORK_ID),
            "{about}: {rule:?}"
        );
    }
    for rule in world.all(Kind::FirewallRule) {
        assert!(is_there(world, rule, col::OPENED_FOR), "{about}: {rule:?}");
    }
    let forwarded = world.all(Kind::PortForwardingRule);
    for rule in forwarded.chain(world.all(Kind::LoadBalancerMember)) {
        let (vm, network) = (rule.id_of(col::VIRTUAL_MACHINE_ID), rule.id_of(col::NETWORK_ID));
        let mut nics = world.referring(vm.unwrap(), Kind::Nic, col::VIRTUAL_MACHINE_ID);
        assert!(nics.any(|nic| nic.id_of(col::NETWORK_ID) == network), "{about}: {rule:?}");
    }
    let mut ports: BTreeMap<(ResourceId, String, i64), &Resource> = BTreeMap::new();
    for (kind, address) in [
        (Kind::PortForwardingRule, col::IP_ADDRESS_ID),
        (Kind::LoadBalancerRule, col::PUBLIC_IP_ID),
        (Kind::IpForwardingRule, col::PUBLIC_ADDRESS),
    ] {
        for rule in world.all(kind) {
            let on = rule.id_of(address).unwrap();
            let key = (on, rule.text(col::PROTOCOL).to_owned(), rule.int(col::FIRST_PORT));
            let other = ports.insert(key, rule);
            assert!(other.is_none(), "{about}: {rule:?} and {other:?}");
        }
    }
}

/// Every address is of its network's owner and leads to a machine that is there.
fn addresses(world: &World, about: &str) {
    let mut nat: BTreeSet<ResourceId> = BTreeSet::new();
    let mut led_to: BTreeSet<ResourceId> = BTreeSet::new();
    for address in world.all(Kind::IpAddress) {
        assert!(is_there(world, address, col::ASSOCIATED_NETWORK_ID), "{about}: {address:?}");
        assert!(is_there(world, address, col::VIRTUAL_MACHINE_ID), "{about}: {address:?}");
        let network = address.id_of(col::ASSOCIATED_NETWORK_ID).map(|id| world.resource(id));
        if let Some(network) = network.filter(|_| address.flag(col::FOR_VIRTUAL_NETWORK)) {
            assert_eq!(network.owner, address.owner, "{about}: {address:?} in {network:?}");
            assert_eq!(
                network.id_of(col::ZONE_ID),
                address.id_of(col::ZONE_ID),
                "{about}: {address:?}"
            );
        }
        if address.flag(col::IS_SOURCE_NAT) {
            let holder = network.map(|network| network.id).or(address.id_of(col::VPC_ID));
            assert!(nat.insert(holder.unwrap()), "{about}: {address:?}");
        }
        if address.flag(col::IS_STATIC_NAT) {
            let vm = world.resource(address.id_of(col::VIRTUAL_MACHINE_ID).unwrap());
            assert!(led_to.insert(vm.id), "{about}: two static NAT addresses of {vm:?}");
            let mut nics = world.referring(vm.id, Kind::Nic, col::VIRTUAL_MACHINE_ID);
            let network = network.map(|network| network.id);
            assert!(nics.any(|nic| nic.id_of(col::NETWORK_ID) == network), "{about}: {address:?}");
        }
    }
}

/// Networks that are set up have a VLAN of their own and a router at most; others have no VLAN, and
/// its router does not run.
fn networks(world: &World, about: &str) {
    let mut vlans: BTreeMap<(ResourceId, &str), &Resource> = BTreeMap::new();
    for network in world.all(Kind::Network).filter(|network| network.text(col::TYPE) == "Isolated")
    {
        let of_it = || world.referring(network.id, Kind::Router, col::GUEST_NETWORK_ID);
        let (routers, running) =
            (of_it().count(), of_it().filter(|router| router.is(MachineState::Running)).count());
        match network.state() {
            "Implemented" => {
                let physical = network.id_of(col::PHYSICAL_NETWORK_ID).unwrap();
                let other = vlans.insert((physical, network.text(col::VLAN)), network);
                assert!(other.is_none(), "{about}: {network:?} and {other:?}");
                assert!(routers <= 1, "{about}: {network:?}");
            }
            state => {
                assert_eq!((state, running), ("Allocated", 0), "{about}: {network:?}");
                assert!(routers <= 1, "{about}: {network:?}");
                let nics = world.referring(network.id, Kind::Nic, col::NETWORK_ID);
                let mut vms = nics.filter_map(|nic| nic.id_of(col::VIRTUAL_MACHINE_ID));
                let runs = vms.any(|vm| world.resource(vm).is(MachineState::Running));
                assert!(!runs, "{about}: {network:?}");
            }
        }
    }
    for router in world.all(Kind::Router) {
        assert!(is_there(world, router, col::GUEST_NETWORK_ID), "{about}: {router:?}");
        assert_eq!(
            router.is(MachineState::Running),
            router.id_of(col::HOST_ID).is_some(),
            "{router:?}"
        );
    }
}

/// No address of a network is given twice, and one NIC of a machine is the default.
fn nics(world: &World, about: &str) {
    let mut given: BTreeMap<(ResourceId, &str), &Resource> = BTreeMap::new();
    for nic in world.all(Kind::Nic).chain(world.all(Kind::NicSecondaryIp)) {
        let vm = nic.id_of(col::VIRTUAL_MACHINE_ID);
        assert!(vm.is_some() && is_there(world, nic, col::VIRTUAL_MACHINE_ID), "{about}: {nic:?}");
        assert!(is_there(world, nic, col::NETWORK_ID), "{about}: {nic:?}");
        assert!(is_there(world, nic, col::DIRECT_ADDRESS), "{about}: {nic:?}");
        let address = nic.text(col::IP_ADDRESS);
        if !address.is_empty() {
            let other = given.insert((nic.id_of(col::NETWORK_ID).unwrap(), address), nic);
            assert!(other.is_none(), "{about}: {nic:?} and {other:?}");
        }
    }
    for vm in world.all(Kind::Vm).filter(|vm| !vm.is(MachineState::Error)) {
        let nics = world.referring(vm.id, Kind::Nic, col::VIRTUAL_MACHINE_ID);
        assert_eq!(nics.filter(|nic| nic.flag(col::IS_DEFAULT)).count(), 1, "{about}: {vm:?}");
    }
}

#[test]
fn whatever_is_done_to_networks_leaves_nothing_half_done() {
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
