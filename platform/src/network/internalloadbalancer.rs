//! Internal load balancers: the provider's element and its VMs. Guide 4.1.1.29, 4.1.1.32.

use super::router::ROUTER;
use crate::table::{
    Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, create, f, fields::*,
    group, later, list, p, update,
};

/// The element that a provider of internal load balancing needs before it can be enabled.
pub(crate) static ELEMENT_KIND: KindSpec =
    KindSpec::new(Kind::InternalLbElement, &INTERNAL_LOAD_BALANCER_ELEMENT)
        .infrastructure()
        .job_instance("InternalLbElement");

pub(crate) const INTERNAL_LOAD_BALANCER_ELEMENT: Object = Object {
    name: "InternalLoadBalancerElement",
    fields: &[ID, f("nspid", W::Id(Kind::Provider)), f("enabled", W::Bool)],
};

pub(crate) static COMMANDS: &[Command] = &[
    update("configureInternalLoadBalancerElement", Kind::InternalLbElement)
        .doc("Enables or disables the element of internal load balancing")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::InternalLbElement)).required(), p("enabled", Bool).required()])
        .job("NETWORK.ELEMENT.CONFIGURE")
        .object("internalloadbalancerelement", &INTERNAL_LOAD_BALANCER_ELEMENT),
    create("createInternalLoadBalancerElement", Kind::InternalLbElement)
        .doc("Makes the element of internal load balancing for a provider")
        .roles(Roles::ADMINS)
        .params(&[p("nspid", Id(Kind::Provider)).required()])
        .create_job("SERVICE.PROVIDER.CREATE")
        .object("internalloadbalancerelement", &INTERNAL_LOAD_BALANCER_ELEMENT)
        .begin(super::routerelement::create_internal_lb),
    list("listInternalLoadBalancerElements", Kind::InternalLbElement)
        .doc("Lists elements of internal load balancing")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::InternalLbElement)),
            p("nspid", Id(Kind::Provider)),
            p("enabled", Bool),
        ])
        .groups(&[group::PAGED])
        .items("internalloadbalancerelement", &INTERNAL_LOAD_BALANCER_ELEMENT),
    later("listInternalLoadBalancerVMs")
        .doc("Lists the VMs that balance load inside VPCs")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)),
            p("id", Id(Kind::InternalLbVm)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("state", Str),
            p("zoneid", Id(Kind::Zone)),
            p("networkid", Id(Kind::Network)),
            p("vpcid", Id(Kind::Vpc)),
            p("forvpc", Bool),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("internalloadbalancervm", &ROUTER),
    later("startInternalLoadBalancerVM")
        .doc("Starts a stopped internal load balancer VM")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::InternalLbVm)).required()])
        .job("INTERNALLBVM.START")
        .object("internalloadbalancervm", &ROUTER),
    later("stopInternalLoadBalancerVM")
        .doc("Stops an internal load balancer VM")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::InternalLbVm)).required(),
            p("forced", Bool).doc("true to count it as stopped although its host does not answer"),
        ])
        .job("INTERNALLBVM.STOP")
        .object("internalloadbalancervm", &ROUTER),
];
