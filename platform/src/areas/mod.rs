//! The areas of the API, one file each: the rows of commands and what they answer.
//!
//! The lists below are explicit: an area counts once it stands in them. Commands
//! are sorted by name within their area; an object stands in the area it belongs
//! to most, and other areas import it from there.

pub(crate) mod account;
mod address; // public IP addresses
mod affinitygroup;
pub(crate) mod alert;
mod autoscale;
mod capacity;
mod certificate;
mod clock; // steps of a simulated clock
mod cluster;
mod config;
mod dedicatedresource;
mod devices; // plug-ins: network devices, filers, bare metal, managers of other clouds
mod discovery; // the API about itself
pub(crate) mod diskoffering;
mod domain;
mod egressfirewall;
mod event;
mod firewall;
mod given; // parameters that many areas read alike
mod globalloadbalancer;
pub(crate) mod guestos; // operating systems of guests
pub(crate) mod host;
mod hostupdate; // hotfixes; declared by the guide alone
pub(crate) mod housekeeping; // what the cloud does for itself by the clock
pub(crate) mod hypervisor;
pub(crate) mod image; // what templates and ISOs have in common
mod imagestore;
mod internalloadbalancer;
mod ip; // IPv4 addresses and ranges
mod iprange; // ranges of addresses as commands give them
mod iso;
mod job;
mod kinds; // what is stored
mod ldap;
pub(crate) mod limit; // resource limits
mod loadbalancer;
mod metering; // usage events
mod nat; // static NAT
pub(crate) mod network;
mod networkacl;
mod networkoffering;
pub(crate) mod networkservice; // services, and who can provide them
mod nic;
mod physicalnetwork;
mod pod;
mod portableip;
mod portforwarding;
mod project;
mod ratelimit; // throttling
pub(crate) mod region;
mod resourcedetail; // keys and values on volumes and NICs
mod router;
mod router_vm; // the life of virtual routers and what they count
mod routerelement; // elements of providers
mod rules; // what rules on public addresses have in common
pub(crate) mod securitygroup;
pub(crate) mod serviceoffering;
mod session; // login and logout
mod simulator;
mod snapshot;
mod sshkeypair;
mod storagenetwork;
mod storagepool;
pub(crate) mod systemvm;
mod tag; // of tenants' things
mod template;
mod usage;
mod user;
mod vlan; // address ranges of public and shared networks
mod vlanset; // sets of VLANs
pub(crate) mod vm;
mod vmgroup;
mod vmsnapshot;
mod volume;
mod vpc;
mod vpcoffering;
mod vpn;
mod zone;

use crate::{
    engine::{Hooks, Tables},
    facts, seed,
    table::{Command, Object, WireType as W, f},
};

/// All commands by area.
static COMMANDS: &[(&str, &[Command])] = &[
    ("account", account::COMMANDS),
    ("address", address::COMMANDS),
    ("affinitygroup", affinitygroup::COMMANDS),
    ("alert", alert::COMMANDS),
    ("autoscale", autoscale::COMMANDS),
    ("capacity", capacity::COMMANDS),
    ("certificate", certificate::COMMANDS),
    ("clock", clock::COMMANDS),
    ("cluster", cluster::COMMANDS),
    ("config", config::COMMANDS),
    ("dedicatedresource", dedicatedresource::COMMANDS),
    ("discovery", discovery::COMMANDS),
    ("diskoffering", diskoffering::COMMANDS),
    ("domain", domain::COMMANDS),
    ("egressfirewall", egressfirewall::COMMANDS),
    ("event", event::COMMANDS),
    ("firewall", firewall::COMMANDS),
    ("globalloadbalancer", globalloadbalancer::COMMANDS),
    ("guestos", guestos::COMMANDS),
    ("host", host::COMMANDS),
    ("hostupdate", hostupdate::COMMANDS),
    ("hypervisor", hypervisor::COMMANDS),
    ("imagestore", imagestore::COMMANDS),
    ("internalloadbalancer", internalloadbalancer::COMMANDS),
    ("iso", iso::COMMANDS),
    ("job", job::COMMANDS),
    ("ldap", ldap::COMMANDS),
    ("limit", limit::COMMANDS),
    ("loadbalancer", loadbalancer::COMMANDS),
    ("nat", nat::COMMANDS),
    ("network", network::COMMANDS),
    ("networkacl", networkacl::COMMANDS),
    ("networkoffering", networkoffering::COMMANDS),
    ("nic", nic::COMMANDS),
    ("physicalnetwork", physicalnetwork::COMMANDS),
    ("pod", pod::COMMANDS),
    ("portableip", portableip::COMMANDS),
    ("portforwarding", portforwarding::COMMANDS),
    ("project", project::COMMANDS),
    ("ratelimit", ratelimit::COMMANDS),
    ("region", region::COMMANDS),
    ("resourcedetail", resourcedetail::COMMANDS),
    ("router", router::COMMANDS),
    ("securitygroup", securitygroup::COMMANDS),
    ("serviceoffering", serviceoffering::COMMANDS),
    ("session", session::COMMANDS),
    ("simulator", simulator::COMMANDS),
    ("snapshot", snapshot::COMMANDS),
    ("sshkeypair", sshkeypair::COMMANDS),
    ("storagenetwork", storagenetwork::COMMANDS),
    ("storagepool", storagepool::COMMANDS),
    ("systemvm", systemvm::COMMANDS),
    ("tag", tag::COMMANDS),
    ("template", template::COMMANDS),
    ("usage", usage::COMMANDS),
    ("user", user::COMMANDS),
    ("vlan", vlan::COMMANDS),
    ("vm", vm::COMMANDS),
    ("vmgroup", vmgroup::COMMANDS),
    ("vmsnapshot", vmsnapshot::COMMANDS),
    ("volume", volume::COMMANDS),
    ("vpc", vpc::COMMANDS),
    ("vpcoffering", vpcoffering::COMMANDS),
    ("vpn", vpn::COMMANDS),
    ("zone", zone::COMMANDS),
    ("baremetal", devices::baremetal::COMMANDS),
    ("bigswitch", devices::bigswitch::COMMANDS),
    ("cisconexus", devices::cisconexus::COMMANDS),
    ("ciscovnmc", devices::ciscovnmc::COMMANDS),
    ("f5", devices::f5::COMMANDS),
    ("netapp", devices::netapp::COMMANDS),
    ("netscaler", devices::netscaler::COMMANDS),
    ("networkdevice", devices::networkdevice::COMMANDS),
    ("nicira", devices::nicira::COMMANDS),
    ("srx", devices::srx::COMMANDS),
    ("stratosphere", devices::stratosphere::COMMANDS),
    ("trafficmonitor", devices::trafficmonitor::COMMANDS),
    ("ucs", devices::ucs::COMMANDS),
    ("vmwaredc", devices::vmwaredc::COMMANDS),
];

/// All objects.
static OBJECTS: &[&Object] = &[
    &SUCCESS,
    &account::ACCOUNT,
    &address::IP_ADDRESS,
    &affinitygroup::AFFINITY_GROUP,
    &affinitygroup::AFFINITY_GROUP_TYPE,
    &alert::ALERT,
    &autoscale::AUTO_SCALE_POLICY,
    &autoscale::AUTO_SCALE_VM_GROUP,
    &autoscale::AUTO_SCALE_VM_PROFILE,
    &autoscale::CONDITION,
    &autoscale::COUNTER,
    &capacity::CAPACITY,
    &certificate::CUSTOM_CERTIFICATE,
    &clock::CLOCK,
    &cluster::CLUSTER,
    &config::CAPABILITIES,
    &config::CLOUD_IDENTIFIER,
    &config::SETTING,
    &config::DEPLOYMENT_PLANNER,
    &dedicatedresource::DEDICATED_CLUSTER,
    &dedicatedresource::DEDICATED_HOST,
    &dedicatedresource::DEDICATED_POD,
    &dedicatedresource::DEDICATED_ZONE,
    &discovery::API,
    &discovery::API_PARAMETER,
    &discovery::API_RESPONSE,
    &diskoffering::DISK_OFFERING,
    &domain::DOMAIN,
    &egressfirewall::FIREWALL_RULE,
    &event::EVENT,
    &event::EVENT_TYPE,
    &globalloadbalancer::GLOBAL_LOAD_BALANCER,
    &guestos::OS_TYPE,
    &guestos::OS_CATEGORY,
    &host::HOST,
    &host::HOST_FOR_MIGRATION,
    &hostupdate::HOST_UPDATE,
    &hostupdate::HOST_WITH_PENDING_UPDATES,
    &hypervisor::HYPERVISOR,
    &hypervisor::HYPERVISOR_CAPABILITIES,
    &imagestore::IMAGE_STORE,
    &imagestore::IMAGE_STORE_DETAIL,
    &internalloadbalancer::INTERNAL_LOAD_BALANCER_ELEMENT,
    &job::JOB,
    &ldap::LDAP_CONFIG,
    &ldap::LDAP_REMOVE,
    &limit::RESOURCE_COUNT,
    &limit::RESOURCE_LIMIT,
    &loadbalancer::INTERNAL_LOAD_BALANCER,
    &loadbalancer::INTERNAL_LOAD_BALANCER_INSTANCE,
    &loadbalancer::INTERNAL_LOAD_BALANCER_RULE,
    &loadbalancer::LB_HEALTH_CHECK,
    &loadbalancer::LB_HEALTH_CHECK_POLICY,
    &loadbalancer::LB_STICKINESS,
    &loadbalancer::LB_STICKINESS_POLICY,
    &loadbalancer::LOAD_BALANCER_RULE,
    &nat::IP_FORWARDING_RULE,
    &network::NETWORK,
    &networkacl::NETWORK_ACL,
    &networkacl::NETWORK_ACL_ITEM,
    &networkoffering::NETWORK_OFFERING,
    &nic::NIC,
    &nic::NIC_SECONDARY_IP,
    &physicalnetwork::CAPABILITY,
    &physicalnetwork::ISOLATION_METHOD,
    &physicalnetwork::PHYSICAL_NETWORK,
    &physicalnetwork::PROVIDER,
    &physicalnetwork::SERVICE,
    &physicalnetwork::TRAFFIC_TYPE,
    &physicalnetwork::TRAFFIC_TYPE_IMPLEMENTOR,
    &pod::POD,
    &portableip::PORTABLE_IP,
    &portableip::PORTABLE_IP_RANGE,
    &portforwarding::PORT_FORWARDING_RULE,
    &project::PROJECT,
    &project::PROJECT_ACCOUNT,
    &project::PROJECT_INVITATION,
    &ratelimit::API_LIMIT,
    &region::REGION,
    &resourcedetail::RESOURCE_DETAIL,
    &router::ROUTER,
    &router::VIRTUAL_ROUTER_ELEMENT,
    &securitygroup::SECURITY_GROUP,
    &securitygroup::SECURITY_GROUP_RULE,
    &serviceoffering::SERVICE_OFFERING,
    &session::LOGIN,
    &session::LOGOUT,
    &snapshot::SNAPSHOT,
    &snapshot::SNAPSHOT_POLICY,
    &sshkeypair::CREATED_SSH_KEY_PAIR,
    &sshkeypair::SSH_KEY_PAIR,
    &storagenetwork::STORAGE_NETWORK_IP_RANGE,
    &storagepool::STORAGE_POOL,
    &storagepool::STORAGE_PROVIDER,
    &systemvm::SYSTEM_VM,
    &tag::TAG,
    &template::EXTRACTION,
    &template::TEMPLATE,
    &template::TEMPLATE_PERMISSIONS,
    &usage::USAGE_RECORD,
    &usage::USAGE_TYPE,
    &user::USER_KEYS,
    &user::USER,
    &vlan::GUEST_VLAN_RANGE,
    &vlan::VLAN_IP_RANGE,
    &vm::VM_PASSWORD,
    &vm::VM,
    &vmgroup::INSTANCE_GROUP,
    &vmsnapshot::VM_SNAPSHOT,
    &volume::VOLUME,
    &vpc::PRIVATE_GATEWAY,
    &vpc::STATIC_ROUTE,
    &vpc::VPC,
    &vpcoffering::VPC_OFFERING,
    &vpn::REMOTE_ACCESS_VPN,
    &vpn::CUSTOMER_GATEWAY,
    &vpn::VPN_CONNECTION,
    &vpn::VPN_GATEWAY,
    &vpn::VPN_USER,
    &zone::ZONE,
    &devices::baremetal::BAREMETAL_DHCP,
    &devices::baremetal::BAREMETAL_PXE,
    &devices::baremetal::BAREMETAL_PXE_KICK_START,
    &devices::baremetal::BAREMETAL_PXE_PING,
    &devices::bigswitch::BIG_SWITCH_VNS_DEVICE,
    &devices::cisconexus::CISCO_NEXUS_VSM,
    &devices::ciscovnmc::CISCO_ASA_1000V,
    &devices::ciscovnmc::CISCO_VNMC,
    &devices::f5::EXTERNAL_LOAD_BALANCER,
    &devices::f5::F5_LOAD_BALANCER,
    &devices::netapp::ASSOCIATED_LUN,
    &devices::netapp::CREATED_LUN,
    &devices::netapp::CREATED_VOLUME,
    &devices::netapp::CREATED_POOL,
    &devices::netapp::DELETED_LUN,
    &devices::netapp::DELETED_VOLUME,
    &devices::netapp::DELETED_POOL,
    &devices::netapp::DISSOCIATED_LUN,
    &devices::netapp::LUN,
    &devices::netapp::POOL,
    &devices::netapp::VOLUME,
    &devices::netapp::MODIFIED_POOL,
    &devices::netscaler::NETSCALER_LOAD_BALANCER,
    &devices::networkdevice::NETWORK_DEVICE,
    &devices::nicira::NICIRA_NVP_DEVICE,
    &devices::srx::EXTERNAL_FIREWALL,
    &devices::srx::SRX_FIREWALL,
    &devices::stratosphere::SSP,
    &devices::trafficmonitor::TRAFFIC_MONITOR,
    &devices::ucs::UCS_BLADE,
    &devices::ucs::UCS_MANAGER,
    &devices::ucs::UCS_PROFILE,
    &devices::ucs::UCS_TEMPLATE,
    &devices::vmwaredc::VMWARE_DATACENTER,
];

/// What a command answers that has nothing to show.
pub(crate) const SUCCESS: Object =
    Object { name: "Success", fields: &[f("success", W::Bool), f("displaytext", W::Str)] };

/// The whole API and all that is stored, as the engine is handed it.
pub static TABLES: Tables = Tables::new(
    COMMANDS,
    kinds::KINDS,
    OBJECTS,
    Hooks {
        begin: seed::begin,
        facts: facts::facts,
        concerned: facts::concerned,
        logins_refused: session::logins_refused,
        logins_accepted: session::logins_accepted,
    },
);
