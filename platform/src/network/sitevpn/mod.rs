//! VPNs from site to site: between a VPC and the network of a customer.
//!
//! A customer gateway tells of the other site, a VPN gateway is the VPC's own end at its source
//! NAT address, and a connection joins the two while the router of the VPC runs and the other site
//! answers.

mod connection;
mod customer;
mod ends;
mod gateway;

use crate::{
    col,
    engine::{Done, Query, Resource},
    table::{Command, Kind, ParamType::*, Roles, group, list, own, p},
};

pub(crate) use connection::{KIND as CONNECTION_KIND, VPN_CONNECTION, follow};
pub(crate) use customer::{CUSTOMER_GATEWAY, KIND as CUSTOMER_KIND};
pub(crate) use gateway::{KIND as GATEWAY_KIND, VPN_GATEWAY, remove_all};

pub(crate) static COMMANDS: &[Command] = &[
    own("createVpnConnection")
        .doc("Connects a VPC to a customer's site")
        .roles(Roles::ALL)
        .params(&[
            p("s2svpngatewayid", Id(Kind::VpnGateway)).required().doc("the VPN gateway of the VPC"),
            p("s2scustomergatewayid", Id(Kind::CustomerGateway))
                .required()
                .doc("the gateway of the customer's site"),
        ])
        .create_job("VPN.S2S.CONNECTION.CREATE")
        .object("vpnconnection", &VPN_CONNECTION)
        .kind(Kind::VpnConnection)
        .begin(connection::begin)
        .act(connection::connect)
        .on_failure(|call, _| connection::failed(call)),
    own("createVpnCustomerGateway")
        .doc("Tells the system of the gateway of a customer's site")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).doc("`VPN-` and the address unless given"),
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
        .object("vpncustomergateway", &CUSTOMER_GATEWAY)
        .check(customer::check_new)
        .act(customer::create),
    own("createVpnGateway")
        .doc("Gives a VPC a gateway for site to site VPNs")
        .roles(Roles::ALL)
        .params(&[p("vpcid", Id(Kind::Vpc)).required()])
        .job("VPN.S2S.VPN.GATEWAY.CREATE")
        .object("vpngateway", &VPN_GATEWAY)
        .check(|call| gateway::check_new(call).map(drop))
        .act(gateway::create),
    own("deleteVpnConnection")
        .doc("Ends the connection of a VPC to a customer's site")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnConnection)).required()])
        .job("VPN.S2S.CONNECTION.DELETE")
        .success()
        .kind(Kind::VpnConnection)
        .act(|call| {
            let id = call.entity_id();
            call.tx.remove_with_dependants(id);
            Ok(Done::Success)
        }),
    own("deleteVpnCustomerGateway")
        .doc("Forgets the gateway of a customer's site")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::CustomerGateway)).required()])
        .job("VPN.S2S.CUSTOMER.GATEWAY.DELETE")
        .success()
        .kind(Kind::CustomerGateway)
        .check(|call| ends::refuse_connected(call.tx, call.args.id_required("id")))
        .act(ends::delete),
    own("deleteVpnGateway")
        .doc("Takes the gateway for site to site VPNs from a VPC")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnGateway)).required()])
        .job("VPN.S2S.VPN.GATEWAY.DELETE")
        .success()
        .kind(Kind::VpnGateway)
        .check(|call| ends::refuse_connected(call.tx, call.args.id_required("id")))
        .act(ends::delete),
    list("listVpnConnections", Kind::VpnConnection)
        .doc("Lists connections of VPCs to customers' sites")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnConnection)), p("vpcid", Id(Kind::Vpc))])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("vpnconnection", &VPN_CONNECTION)
        .filter(is_of_vpc, &["vpcid"]),
    list("listVpnCustomerGateways", Kind::CustomerGateway)
        .doc("Lists gateways of customers' sites")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::CustomerGateway))])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("vpncustomergateway", &CUSTOMER_GATEWAY),
    list("listVpnGateways", Kind::VpnGateway)
        .doc("Lists gateways of VPCs for site to site VPNs")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnGateway)), p("vpcid", Id(Kind::Vpc))])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("vpngateway", &VPN_GATEWAY),
    own("resetVpnConnection")
        .doc("Makes the connection to a customer's site anew")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnConnection)).required()])
        .groups(&[group::OWNER])
        .job("VPN.S2S.CONNECTION.RESET")
        .object("vpnconnection", &VPN_CONNECTION)
        .kind(Kind::VpnConnection)
        .check(|call| connection::check_reset(call))
        .act(connection::reset)
        .on_failure(|call, _| connection::failed(call)),
    own("updateVpnCustomerGateway")
        .doc("Changes the gateway of a customer's site; what is left out has its default again")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::CustomerGateway)).required(),
            p("name", Str).doc("`VPN-` and the address unless given"),
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
        .object("vpncustomergateway", &CUSTOMER_GATEWAY)
        .kind(Kind::CustomerGateway)
        .check(customer::check_update)
        .act(customer::update),
];

fn is_of_vpc(query: &Query<'_>, connection: &Resource) -> bool {
    let Some(vpc) = query.args.id("vpcid") else { return true };
    let gateway = connection.id_of(col::S2S_VPN_GATEWAY_ID).map(|id| query.world.resource(id));
    gateway.is_some_and(|gateway| gateway.id_of(col::VPC_ID) == Some(vpc))
}
