//! Guest networks and all that stands on them: addresses, routers, rules, VPNs.

pub(crate) mod acl; // network ACLs of VPCs
pub(crate) mod address; // public IP addresses
pub(crate) mod addressuse;
pub(crate) mod egressfirewall;
pub(crate) mod firewall;
pub(crate) mod globalloadbalancer;
pub(crate) mod guest; // guest networks
pub(crate) mod guestaddress;
pub(crate) mod internalloadbalancer;
pub(crate) mod loadbalancer;
pub(crate) mod nat; // static NAT
pub(crate) mod nic;
pub(crate) mod portableip;
pub(crate) mod portforwarding;
pub(crate) mod router;
pub(crate) mod router_vm; // the life of virtual routers and what they count
pub(crate) mod routerelement; // elements of providers
pub(crate) mod rules; // what rules on public addresses have in common
pub(crate) mod securitygroup;
pub(crate) mod sitevpn; // VPNs from site to site
pub(crate) mod vlan; // address ranges of public and shared networks
pub(crate) mod vpc;
pub(crate) mod vpn;
