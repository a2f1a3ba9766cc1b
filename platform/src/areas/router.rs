//! Virtual routers: the system's VMs that serve guest networks, and their provider's element.

use super::{router_vm, routerelement};
use crate::{
    engine::{Query, Thing},
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, create, f, fields::*,
        group, hidden, list, own, p, update,
    },
};

/// What a provider's virtual routers need before the provider can be enabled; `type`
/// is `VirtualRouter` or `VPCVirtualRouter`.
pub(crate) static ELEMENT_KIND: KindSpec =
    KindSpec::new(Kind::VirtualRouterElement, &VIRTUAL_ROUTER_ELEMENT)
        .hidden(&[hidden("type", W::Str)])
        .job_instance("VirtualRouterProvider");

pub(crate) const ROUTER: Object = Object {
    name: "DomainRouter",
    fields: &[
        ID,
        ZONE_ID,
        ZONE_NAME,
        f("dns1", W::Str),
        f("dns2", W::Str),
        f("ip6dns1", W::Str),
        f("ip6dns2", W::Str),
        f("networkdomain", W::Str),
        f("gateway", W::Str),
        f("name", W::Str),
        f("podid", W::Id(Kind::Pod)),
        f("hostid", W::Id(Kind::Host)),
        f("hostname", W::Str).join("hostid", "name"),
        f("linklocalip", W::Str),
        f("linklocalmacaddress", W::Str),
        f("linklocalnetmask", W::Str),
        f("linklocalnetworkid", W::Id(Kind::Network)),
        f("publicip", W::Str),
        f("publicmacaddress", W::Str),
        f("publicnetmask", W::Str),
        f("publicnetworkid", W::Id(Kind::Network)),
        f("guestipaddress", W::Str),
        f("guestmacaddress", W::Str),
        f("guestnetmask", W::Str),
        f("guestnetworkid", W::Id(Kind::Network)),
        f("templateid", W::Id(Kind::Template)),
        CREATED,
        STATE,
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("serviceofferingid", W::Id(Kind::ServiceOffering)),
        f("serviceofferingname", W::Str).join("serviceofferingid", "name"),
        f("isredundantrouter", W::Bool),
        f("redundantstate", W::Str),
        f("templateversion", W::Str),
        f("scriptsversion", W::Str),
        f("vpcid", W::Id(Kind::Vpc)),
        f("role", W::Str),
        f("nic", W::Objects("Nic")),
        // The guide alone names it, for changeServiceForRouter; never set.
        f("scope", W::Str),
    ],
};

pub(crate) const VIRTUAL_ROUTER_ELEMENT: Object = Object {
    name: "VirtualRouterProvider",
    fields: &[
        ID,
        f("nspid", W::Id(Kind::Provider)),
        f("enabled", W::Bool),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("changeServiceForRouter")
        .doc("Gives a stopped router another service offering")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Router)).required(),
            p("serviceofferingid", Id(Kind::ServiceOffering)).required(),
            p("aclid", Id(Kind::NetworkAcl)).doc("taken and not used: a slip of the guide"),
            p("action", Str).doc("taken and not used: a slip of the guide"),
            p("protocol", Str).doc("taken and not used: a slip of the guide"),
        ])
        .object("router", &ROUTER)
        .kind(Kind::Router)
        .act(router_vm::change_offering),
    update("configureVirtualRouterElement", Kind::VirtualRouterElement)
        .doc("Enables or disables the element of virtual routers")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::VirtualRouterElement)).required(),
            p("enabled", Bool).required(),
        ])
        .job("NETWORK.ELEMENT.CONFIGURE")
        .object("virtualrouterelement", &VIRTUAL_ROUTER_ELEMENT),
    create("createVirtualRouterElement", Kind::VirtualRouterElement)
        .doc("Makes the element of virtual routers for a provider")
        .roles(Roles::ADMINS)
        .params(&[
            p("nspid", Id(Kind::Provider)).required(),
            p("providertype", Id(Kind::Provider))
                .doc("the kind of router: `VirtualRouter` or `VPCVirtualRouter`"),
        ])
        .create_job("SERVICE.PROVIDER.CREATE")
        .object("virtualrouterelement", &VIRTUAL_ROUTER_ELEMENT)
        .begin(routerelement::create_router),
    own("destroyRouter")
        .doc("Destroys a router; the network gets a new one when it needs it")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::Router)).required()])
        .job("ROUTER.DESTROY")
        .object("router", &ROUTER)
        .kind(Kind::Router)
        .act(router_vm::destroy),
    list("listRouters", Kind::Router)
        .doc("Lists virtual routers")
        .roles(Roles::ADMINS)
        .params(&[
            p("hostid", Id(Kind::Host)),
            p("id", Id(Kind::Router)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("state", Str),
            p("zoneid", Id(Kind::Zone)),
            p("networkid", Id(Kind::Network)),
            p("vpcid", Id(Kind::Vpc)),
            p("forvpc", Bool),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("router", &ROUTER)
        .filter(is_listed, &["podid", "networkid", "forvpc"]),
    list("listVirtualRouterElements", Kind::VirtualRouterElement)
        .doc("Lists elements of virtual routers")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::VirtualRouterElement)),
            p("nspid", Id(Kind::Provider)),
            p("enabled", Bool),
        ])
        .groups(&[group::PAGED])
        .items("virtualrouterelement", &VIRTUAL_ROUTER_ELEMENT),
    own("rebootRouter")
        .doc("Reboots a running router")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::Router)).required()])
        .job("ROUTER.REBOOT")
        .object("router", &ROUTER)
        .kind(Kind::Router)
        .act(router_vm::reboot),
    own("startRouter")
        .doc("Starts a stopped router")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::Router)).required()])
        .job("ROUTER.START")
        .object("router", &ROUTER)
        .kind(Kind::Router)
        .act(router_vm::start),
    own("stopRouter")
        .doc("Stops a running router")
        .roles(Roles::ADMINS)
        .params(&[
            p("id", Id(Kind::Router)).required(),
            p("forced", Bool).doc("true to count it as stopped although its host does not answer"),
        ])
        .job("ROUTER.STOP")
        .object("router", &ROUTER)
        .kind(Kind::Router)
        .act(router_vm::stop),
];

fn is_listed(query: &Query<'_>, router: &Thing) -> bool {
    let args = query.args;
    let host = router.id_of("hostid").map(|id| query.world.thing(id));
    let pod = host.and_then(|host| host.id_of("podid"));
    args.id("podid").is_none_or(|wanted| pod == Some(wanted))
        && args.id("networkid").is_none_or(|wanted| router.id_of("guestnetworkid") == Some(wanted))
        && args.flag("forvpc").is_none_or(|wanted| router.id_of("vpcid").is_some() == wanted)
}
