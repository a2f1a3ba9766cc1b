//! Kinds: what is stored.

mod spec;

use cloudtally_model::{Text, port::Use};

use crate::{Caller, Column, Resource, ResourceId, Tx, World};

pub use spec::KindSpec;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $noun:literal),* $(,)?) => {
        /// The kind of a stored resource.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $(
            #[doc = $noun]
            $name
        ),* }

        impl Kind {
            /// All kinds, in order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name it is stored under; never changed.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// The word for it in texts.
            pub const fn noun(self) -> &'static str {
                match self { $(Self::$name => $noun),* }
            }

            /// The kind of a stored name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }
    };
}

kinds! {
    // Identity.
    Domain "domain", Account "account", User "user", Project "project",
    ProjectAccount "project member", ProjectInvitation "project invitation",
    ResourceLimit "resource limit", SshKeyPair "SSH key pair",
    // The engine's own.
    Job "job", Event "event", Alert "alert", Setting "setting", Tag "tag", Detail "detail",
    SimulatorRule "simulator rule", Certificate "certificate", Housekeeping "housekeeping",
    // Infrastructure.
    Region "region", Zone "zone", Pod "pod", Cluster "cluster", Host "host",
    StoragePool "storage pool", ImageStore "image store", StagingStore "staging store",
    SystemVm "system VM", PhysicalNetwork "physical network", TrafficType "traffic type",
    Provider "network service provider", VirtualRouterElement "virtual router element",
    InternalLbElement "internal load balancer element", VlanIpRange "VLAN IP range",
    PortableIpRange "portable IP range", StorageNetworkIpRange "storage network IP range",
    GuestVlanRange "dedicated guest VLAN range", Dedication "dedication",
    OsCategory "OS category", OsType "OS type", HypervisorCapabilities "hypervisor capabilities",
    ServiceOffering "service offering", DiskOffering "disk offering",
    NetworkOffering "network offering", VpcOffering "VPC offering",
    HostUpdate "host update",
    // What tenants use.
    Vm "virtual machine", Nic "NIC", NicSecondaryIp "secondary IP address", Volume "volume",
    Snapshot "snapshot", SnapshotPolicy "snapshot policy", Template "template", Iso "ISO", ImageCopy "copy of an image",
    InstanceGroup "instance group", AffinityGroup "affinity group", VmSnapshot "VM snapshot",
    Network "network", IpAddress "IP address", Router "router", FirewallRule "firewall rule",
    EgressRule "egress firewall rule", PortForwardingRule "port forwarding rule",
    IpForwardingRule "IP forwarding rule", LoadBalancerRule "load balancer rule",
    LoadBalancerMember "load balancer member", StickinessPolicy "stickiness policy",
    HealthCheckPolicy "health check policy", RemoteAccessVpn "remote access VPN",
    VpnUser "VPN user", SecurityGroup "security group", SecurityGroupRule "security group rule",
    // VPCs.
    Vpc "VPC", NetworkAcl "network ACL", NetworkAclItem "network ACL item",
    PrivateGateway "private gateway", StaticRoute "static route",
    CustomerGateway "VPN customer gateway", VpnConnection "VPN connection",
    VpnGateway "VPN gateway",
    // Built later.
    InternalLoadBalancer "internal load balancer",
    GlobalLoadBalancer "global load balancer", Counter "counter", Condition "condition",
    AutoScalePolicy "AutoScale policy", AutoScaleVmProfile "AutoScale VM profile",
    AutoScaleVmGroup "AutoScale VM group", InternalLbVm "internal load balancer VM",
    // Devices of plug-ins.
    BaremetalDhcp "bare metal DHCP server", BaremetalPxe "bare metal PXE server",
    F5LoadBalancer "F5 load balancer", NetscalerLoadBalancer "NetScaler load balancer",
    SrxFirewall "SRX firewall", NiciraNvpDevice "Nicira NVP device",
    BigSwitchVnsDevice "BigSwitch VNS device", CiscoNexusVsm "Cisco Nexus VSM",
    CiscoAsa1000v "Cisco ASA 1000v", CiscoVnmc "Cisco VNMC",
    ExternalFirewall "external firewall", ExternalLoadBalancer "external load balancer",
    NetworkDevice "network device", TrafficMonitor "traffic monitor",
    UcsManager "UCS manager", UcsBlade "UCS blade", VmwareDatacenter "VMware data centre",
    StoragePoolOnFiler "filer pool", VolumeOnFiler "filer volume", Lun "LUN", SspHost "SSP host",
}

/// The owner of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody: part of the cloud; who may see it is the command's matter.
    Cloud,
    /// An account, and through it a domain.
    Account,
}

/// The resources that a limit counts.
///
/// # Source
/// `resourcetype` of guide 4.2, updateResourceLimit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Limit {
    /// Virtual machines.
    Vm = 0,
    /// Public addresses.
    PublicIp = 1,
    /// Volumes.
    Volume = 2,
    /// Snapshots.
    Snapshot = 3,
    /// Templates and ISOs.
    Template = 4,
    /// Projects.
    Project = 5,
    /// Networks.
    Network = 6,
    /// Virtual private clouds.
    Vpc = 7,
    /// CPU cores.
    Cpu = 8,
    /// Memory, in MiB.
    Memory = 9,
    /// Primary storage, in GiB.
    PrimaryStorage = 10,
    /// Secondary storage, in GiB.
    SecondaryStorage = 11,
}

/// A name that must not stand twice.
#[derive(Clone, Copy, Debug)]
pub struct Unique {
    /// The column of the name.
    pub column: Column<Text>,
    /// Among which resources.
    pub within: Within,
}

/// Among which resources a name must not stand twice.
#[derive(Clone, Copy, Debug)]
pub enum Within {
    /// All of the kind.
    Cloud,
    /// Those of the same account.
    Account,
    /// Those of the same domain.
    Domain,
    /// Those with the same value of a column.
    Column(Column<ResourceId>),
}

/// The fate of resources that refer to one that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// The resource is in use and stays.
    Refuse,
    /// It goes too.
    Remove,
    /// It forgets the resource.
    Forget,
}

/// The callers that may know of resources of a kind which no account owns.
#[derive(Clone, Copy)]
pub enum Sight {
    /// Everybody: what the cloud offers.
    Everybody,
    /// Root admins: how the cloud is built. To anybody else its uuid reads like one that
    /// nothing has.
    RootAdmins,
    /// Whoever a function says.
    By(fn(&World, &Caller, &Resource) -> bool),
}

/// The turn in which resources go when what they belong to is removed: nothing is in use any
/// more when its turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Instances, which hold nearly everything else.
    Machines,
    /// Volumes, which are attached to none any more.
    Volumes,
    /// Snapshots.
    Snapshots,
    /// Ranges of addresses that are kept for the account.
    AddressRanges,
    /// Networks, with their routers and rules.
    Networks,
    /// VPCs, whose tiers are gone by then.
    Vpcs,
    /// Public addresses.
    Addresses,
    /// Gateways of customers' sites, which no VPC is connected to any more.
    CustomerGateways,
    /// VPN users.
    VpnUsers,
    /// Templates.
    Templates,
    /// ISOs.
    Isos,
    /// Ranges of guest VLANs that are kept for the account.
    GuestVlans,
    /// Security groups.
    SecurityGroups,
    /// Rules that forward ports.
    PortForwarding,
    /// Rules that balance load, and their members.
    LoadBalancing,
    /// Static NAT and the ports opened for it.
    StaticNat,
    /// Rules of the firewall.
    Firewall,
    /// Remote access VPNs.
    RemoteAccess,
}

/// The fate of resources whose account is removed.
#[derive(Clone, Copy)]
pub struct WithOwner {
    /// Their turn.
    pub turn: Turn,
    /// The column by which they belong to the account, where they are not owned by it.
    pub by: Option<Column<ResourceId>>,
    /// Removes one of them, or does what else becomes of it.
    pub remove: fn(&mut Tx<'_>, ResourceId),
}

/// The fate of resources when another that they stand on is given up.
#[derive(Clone, Copy)]
pub struct GoesWith {
    /// The kind of the other.
    pub other: Kind,
    /// The column by which they refer to it.
    pub by: Column<ResourceId>,
    /// Their turn.
    pub turn: Turn,
    /// Removes one of them, or does what else becomes of it.
    pub remove: fn(&mut Tx<'_>, ResourceId),
}

/// The amount of a limit that a resource takes: pieces, MiB of memory, or bytes of storage.
pub type Amount = fn(&World, &Resource) -> i64;

/// The behaviour of a kind of machine when its host is gone.
#[derive(Clone, Copy)]
pub struct Machine {
    /// Stops it where it was; it is on no host then.
    pub halt: fn(&mut Tx<'_>, ResourceId),
    /// Starts it on another host, if it was wanted there.
    pub start_elsewhere: fn(&mut Tx<'_>, ResourceId, WasRunning),
}

/// The counters of resources that forward traffic.
#[derive(Clone, Copy)]
pub struct Forwards {
    /// The counter of bytes sent.
    pub sent: Column<i64>,
    /// The counter of bytes received.
    pub received: Column<i64>,
    /// The use that the bytes are, for the ledger.
    pub what: fn(&Resource) -> Use,
}

/// Tells whether a machine ran, or was about to, when its host went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WasRunning {
    /// It did.
    Yes,
    /// It did not.
    No,
}
