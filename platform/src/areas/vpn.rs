//! VPNs: remote access for users, billed by user, and site to site between VPCs and customers.

use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const REMOTE_ACCESS_VPN: Object = Object {
    name: "RemoteAccessVpn",
    fields: &[
        f("publicipid", W::Id(Kind::IpAddress)),
        f("publicip", W::Str).join("publicipid", "ipaddress"),
        f("iprange", W::Str),
        f("presharedkey", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        STATE,
        ID,
    ],
};

pub(crate) const CUSTOMER_GATEWAY: Object = Object {
    name: "Site2SiteCustomerGateway",
    fields: &[
        ID,
        f("name", W::Str),
        f("gateway", W::Str),
        f("ipaddress", W::Str),
        f("cidrlist", W::Str),
        f("ipsecpsk", W::Str),
        f("ikepolicy", W::Str),
        f("esppolicy", W::Str),
        f("ikelifetime", W::Long),
        f("esplifetime", W::Long),
        f("dpd", W::Bool),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        REMOVED,
    ],
};

pub(crate) const VPN_CONNECTION: Object = Object {
    name: "Site2SiteVpnConnection",
    fields: &[
        ID,
        f("s2svpngatewayid", W::Id(Kind::VpnGateway)),
        f("publicip", W::Str).join("s2svpngatewayid", "publicip"),
        f("s2scustomergatewayid", W::Id(Kind::CustomerGateway)),
        f("gateway", W::Str).join("s2scustomergatewayid", "gateway"),
        f("cidrlist", W::Str).join("s2scustomergatewayid", "cidrlist"),
        f("ipsecpsk", W::Str).join("s2scustomergatewayid", "ipsecpsk"),
        f("ikepolicy", W::Str).join("s2scustomergatewayid", "ikepolicy"),
        f("esppolicy", W::Str).join("s2scustomergatewayid", "esppolicy"),
        f("ikelifetime", W::Long).join("s2scustomergatewayid", "ikelifetime"),
        f("esplifetime", W::Long).join("s2scustomergatewayid", "esplifetime"),
        f("dpd", W::Bool).join("s2scustomergatewayid", "dpd"),
        STATE,
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        CREATED,
        REMOVED,
    ],
};

pub(crate) const VPN_GATEWAY: Object = Object {
    name: "Site2SiteVpnGateway",
    fields: &[
        ID,
        f("publicip", W::Str),
        f("vpcid", W::Id(Kind::Vpc)),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        REMOVED,
    ],
};

pub(crate) const VPN_USER: Object = Object {
    name: "VpnUsers",
    fields: &[ID, f("username", W::Str), ACCOUNT, DOMAIN_ID, DOMAIN, PROJECT_ID, PROJECT, STATE],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addVpnUser")
        .doc("Lets a user in through the remote access VPNs of an account")
        .roles(Roles::ALL)
        .params(&[p("username", Str).required(), p("password", Secret).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .create_job("VPN.USER.ADD")
        .object("vpnuser", &VPN_USER),
    later("createRemoteAccessVpn")
        .doc("Opens a public IP address for remote access")
        .roles(Roles::ALL)
        .params(&[
            p("publicipid", Id(Kind::IpAddress)).required(),
            p("iprange", Str).doc("addresses for clients; those of the setting unless given"),
            p("openfirewall", Bool).doc("false to leave the firewall closed; true unless given"),
        ])
        .groups(&[group::OWNER])
        .create_job("VPN.REMOTE.ACCESS.CREATE")
        .object("remoteaccessvpn", &REMOTE_ACCESS_VPN),
    later("createVpnConnection")
        .doc("Connects a VPC to a customer's site")
        .roles(Roles::ALL)
        .params(&[
            p("s2svpngatewayid", Id(Kind::VpnGateway)).required().doc("the VPN gateway of the VPC"),
            p("s2scustomergatewayid", Id(Kind::CustomerGateway))
                .required()
                .doc("the gateway of the customer's site"),
        ])
        .create_job("VPN.S2S.CONNECTION.CREATE")
        .object("vpnconnection", &VPN_CONNECTION),
    later("createVpnCustomerGateway")
        .doc("Tells the system of the gateway of a customer's site")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str),
            p("gateway", Str).required().doc("the public address of the customer's gateway"),
            p("cidrlist", Str).required().doc("address ranges behind it, separated by commas"),
            p("ipsecpsk", Secret).required(),
            p("ikepolicy", Str).required(),
            p("esppolicy", Str).required(),
            p("ikelifetime", Long),
            p("esplifetime", Long),
            p("dpd", Bool),
        ])
        .groups(&[group::OWNER])
        .job("VPN.S2S.CUSTOMER.GATEWAY.CREATE")
        .object("vpncustomergateway", &CUSTOMER_GATEWAY),
    later("createVpnGateway")
        .doc("Gives a VPC a gateway for site to site VPNs")
        .roles(Roles::ALL)
        .params(&[p("vpcid", Id(Kind::Vpc)).required()])
        .job("VPN.S2S.VPN.GATEWAY.CREATE")
        .object("vpngateway", &VPN_GATEWAY),
    later("deleteRemoteAccessVpn")
        .doc("Closes the remote access of a public IP address")
        .roles(Roles::ALL)
        .params(&[p("publicipid", Id(Kind::IpAddress)).required()])
        .job("VPN.REMOTE.ACCESS.DESTROY")
        .success(),
    later("deleteVpnConnection")
        .doc("Ends the connection of a VPC to a customer's site")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnConnection)).required()])
        .job("VPN.S2S.CONNECTION.DELETE")
        .success(),
    later("deleteVpnCustomerGateway")
        .doc("Forgets the gateway of a customer's site")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::CustomerGateway)).required()])
        .job("VPN.S2S.CUSTOMER.GATEWAY.DELETE")
        .success(),
    later("deleteVpnGateway")
        .doc("Takes the gateway for site to site VPNs from a VPC")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnGateway)).required()])
        .job("VPN.S2S.VPN.GATEWAY.DELETE")
        .success(),
    later("listRemoteAccessVpns")
        .doc("Lists the remote access VPN of a public IP address")
        .roles(Roles::ALL)
        .params(&[p("publicipid", Id(Kind::IpAddress)).required()])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("remoteaccessvpn", &REMOTE_ACCESS_VPN),
    later("listVpnConnections")
        .doc("Lists connections of VPCs to customers' sites")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnConnection)), p("vpcid", Id(Kind::Vpc))])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("vpnconnection", &VPN_CONNECTION),
    later("listVpnCustomerGateways")
        .doc("Lists gateways of customers' sites")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::CustomerGateway))])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("vpncustomergateway", &CUSTOMER_GATEWAY),
    later("listVpnGateways")
        .doc("Lists gateways of VPCs for site to site VPNs")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnGateway)), p("vpcid", Id(Kind::Vpc))])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("vpngateway", &VPN_GATEWAY),
    later("listVpnUsers")
        .doc("Lists users of remote access VPNs")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnUser)), p("username", Str)])
        .groups(&[group::PAGED, group::SCOPED, group::PROJECT])
        .items("vpnuser", &VPN_USER),
    later("removeVpnUser")
        .doc("Shuts a user out of the remote access VPNs of an account")
        .roles(Roles::ALL)
        .params(&[p("username", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .job("VPN.USER.REMOVE")
        .success(),
    later("resetVpnConnection")
        .doc("Makes the connection to a customer's site anew")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnConnection)).required()])
        .groups(&[group::OWNER])
        .job("VPN.S2S.CONNECTION.RESET")
        .object("vpnconnection", &VPN_CONNECTION),
    later("updateVpnCustomerGateway")
        .doc("Changes the gateway of a customer's site")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::CustomerGateway)).required(),
            p("name", Str),
            p("gateway", Str).required().doc("the public address of the customer's gateway"),
            p("cidrlist", Str).required().doc("address ranges behind it, separated by commas"),
            p("ipsecpsk", Secret).required(),
            p("ikepolicy", Str).required(),
            p("esppolicy", Str).required(),
            p("ikelifetime", Long),
            p("esplifetime", Long),
            p("dpd", Bool),
            p("account", Str),
            p("domainid", Id(Kind::Domain)),
        ])
        .job("VPN.S2S.CUSTOMER.GATEWAY.UPDATE")
        .object("vpncustomergateway", &CUSTOMER_GATEWAY),
];
