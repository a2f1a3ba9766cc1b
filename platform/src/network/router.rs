//! Virtual routers: the system's VMs that serve guest networks, and their provider's element.

use cloudtally_model::Text;

use super::{guest, nic::NIC, router_vm, routerelement, sitevpn, vpc::part};
use crate::{
    col,
    engine::{Column, Node, Query, Resource, ResourceId, Tx, View, table},
    facts,
    site::{machine, served, systemvm},
    state::MachineState,
    table::{
        Command, Forwards, Kind, KindSpec, Machine, Object, ParamType::*, Roles, WireType as W,
        create, f, fields::*, group, hidden, list, own, p, update,
    },
};

/// The element that a provider's virtual routers need before the provider can be enabled; `type`
/// is `VirtualRouter` or `VPCVirtualRouter`.
pub(crate) static ELEMENT_KIND: KindSpec =
    KindSpec::new(Kind::VirtualRouterElement, &VIRTUAL_ROUTER_ELEMENT)
        .infrastructure()
        .hidden(&[hidden("type", W::Str)])
        .job_instance("VirtualRouterProvider");

pub(crate) const ROUTER: Object = Object {
    name: "DomainRouter",
    fields: &[
        ID,
        ZONE_ID,
        ZONE_NAME,
        f("dns1", W::Str),
        f("dns2", W::Str).join(col::ZONE_ID, "dns2"),
        f("ip6dns1", W::Str).join(col::ZONE_ID, "ip6dns1"),
        f("ip6dns2", W::Str).join(col::ZONE_ID, "ip6dns2"),
        f("networkdomain", W::Str).by(network_domain),
        f("gateway", W::Str).by(gateway),
        f("name", W::Str),
        f("podid", W::Id(Kind::Pod)),
        f("hostid", W::Id(Kind::Host)),
        f("hostname", W::Str).join(col::HOST_ID, "name"),
        f("linklocalip", W::Str).by(systemvm::link_local),
        f("linklocalmacaddress", W::Str).by(|view| Node::text(systemvm::mac(view.resource, 0x0e))),
        f("linklocalnetmask", W::Str).by(|_| Node::text(systemvm::LINK_LOCAL_NETMASK)),
        f("linklocalnetworkid", W::Id(Kind::Network)),
        f("publicip", W::Str).by(|view| {
            Node::text_if(source_nat(view).map(|address| address.text(col::IP_ADDRESS)))
        }),
        f("publicmacaddress", W::Str).by(|view| match source_nat(view) {
            Some(_) => Node::text(systemvm::mac(view.resource, 0x0a)),
            None => Node::Null,
        }),
        f("publicnetmask", W::Str).by(|view| of_public_range(view, col::NETMASK)),
        f("publicnetworkid", W::Id(Kind::Network)),
        f("guestipaddress", W::Str),
        f("guestmacaddress", W::Str).by(|view| Node::text(systemvm::mac(view.resource, 0x06))),
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
        f("serviceofferingname", W::Str).join(col::SERVICE_OFFERING_ID, "name"),
        f("isredundantrouter", W::Bool),
        f("redundantstate", W::Str),
        f("templateversion", W::Str),
        f("scriptsversion", W::Str),
        f("vpcid", W::Id(Kind::Vpc)),
        f("role", W::Str),
        f("nic", W::Objects("Nic")).by(nics),
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

/// The source NAT address of a router's network, or of its VPC.
fn source_nat<'w>(view: &View<'w>) -> Option<&'w Resource> {
    match view.resource.id_of(col::VPC_ID) {
        Some(vpc) => part::source_nat(view.world, vpc),
        None => guest::source_nat(view.world, view.resource.id_of(col::GUEST_NETWORK_ID)?),
    }
}

/// The DNS suffix of its network, or of its VPC.
fn network_domain(view: &View<'_>) -> Node {
    let of = view.resource.id_of(col::GUEST_NETWORK_ID).or(view.resource.id_of(col::VPC_ID));
    Node::text_if(of.map(|id| view.world.resource(id).text(col::NETWORK_DOMAIN)))
}

/// The public addresses by which a router is in a VLAN of its own: the source NAT address, and
/// the first of each other VLAN that addresses of its VPC are in.
fn public_addresses<'w>(view: &View<'w>) -> Vec<&'w Resource> {
    let world = view.world;
    let mut public: Vec<&Resource> = source_nat(view).into_iter().collect();
    let Some(vpc) = view.resource.id_of(col::VPC_ID) else { return public };
    let vlan = |address: &Resource| {
        address.id_of(col::VLAN_ID).map(|range| world.resource(range).text(col::VLAN))
    };
    for address in part::addresses(world, vpc) {
        if vlan(address).is_some() && !public.iter().any(|known| vlan(known) == vlan(address)) {
            public.push(address);
        }
    }
    public
}

/// The way out: of the public network, where it has an address there, else of its guests'.
fn gateway(view: &View<'_>) -> Node {
    if source_nat(view).is_some() {
        return of_public_range(view, col::GATEWAY);
    }
    let guests = view
        .resource
        .id_of(col::GUEST_RANGE)
        .or_else(|| view.resource.id_of(col::GUEST_NETWORK_ID));
    Node::text_if(guests.map(|id| view.world.resource(id).text(col::GATEWAY)))
}

/// A column of the range that its public address is of.
fn of_public_range(view: &View<'_>, column: Column<Text>) -> Node {
    let range = source_nat(view).and_then(|address| address.id_of(col::VLAN_ID));
    Node::text_if(range.map(|range| view.world.resource(range).text(column)))
}

/// Its NICs: to the guests, to networks behind private gateways, to the host, and to the outside
/// where it translates addresses.
fn nics(view: &View<'_>) -> Node {
    let router = view.resource;
    let is_public = source_nat(view).is_some();
    let guests = served::networks_of(router).into_iter().enumerate();
    let mut nics: Vec<Node> = guests
        .map(|(at, network)| guest_nic(view, at, view.world.resource(network), !is_public))
        .collect();
    let gateways = router.id_of(col::VPC_ID).into_iter();
    let gateways = gateways.flat_map(|vpc| part::gateways(view.world, vpc));
    nics.extend(gateways.map(|gateway| gateway_nic(view, gateway)));
    nics.push(nic(
        "Control",
        false,
        vec![
            ("netmask", Node::text(systemvm::LINK_LOCAL_NETMASK)),
            ("ipaddress", systemvm::link_local(view)),
            ("macaddress", Node::text(systemvm::mac(router, 0x0e))),
        ],
    ));
    let public = public_addresses(view).into_iter().enumerate();
    nics.extend(public.map(|(at, address)| public_nic(view, address, at == 0)));
    Node::List(nics)
}

/// A NIC with what is known of it, in the order of its fields.
fn nic(traffic: &str, is_default: bool, mut fields: Vec<(&'static str, Node)>) -> Node {
    fields.extend([("traffictype", Node::text(traffic)), ("isdefault", Node::Bool(is_default))]);
    fields.retain(|(_, node)| !matches!(node, Node::Null));
    fields.sort_by_key(|(name, _)| NIC.position(name));
    Node::Object(fields)
}

fn text(of: &Resource, column: Column<Text>) -> Node {
    Node::text_if(Some(of.text(column)))
}

/// The NIC in one of the networks that it serves.
fn guest_nic(view: &View<'_>, at: usize, network: &Resource, is_default: bool) -> Node {
    let router = view.resource;
    // In all networks but the first it is the gateway, and in the tiers of a VPC.
    let is_first = at == 0 && router.id_of(col::VPC_ID).is_none();
    let (holder, netmask, address) = if is_first {
        (router, col::GUEST_NETMASK, col::GUEST_IP_ADDRESS)
    } else {
        (network, col::NETMASK, col::GATEWAY)
    };
    let fields = vec![
        ("networkid", Node::text(network.uuid.to_string())),
        ("networkname", text(network, col::NAME)),
        ("netmask", text(holder, netmask)),
        ("ipaddress", text(holder, address)),
        ("broadcasturi", text(network, col::BROADCAST_URI)),
        ("isolationuri", text(network, col::BROADCAST_URI)),
        ("macaddress", Node::text(systemvm::mac(router, 0x06))),
    ];
    nic("Guest", is_default, fields)
}

/// The NIC in the network behind a private gateway.
fn gateway_nic(view: &View<'_>, gateway: &Resource) -> Node {
    let network = gateway.id_of(col::NETWORK).map(|id| view.world.resource(id));
    let of_network = |column| network.map_or(Node::Null, |network| text(network, column));
    let fields = vec![
        ("networkid", Node::text_if(network.map(|network| network.uuid.to_string()))),
        ("networkname", of_network(col::NAME)),
        ("netmask", text(gateway, col::NETMASK)),
        ("gateway", text(gateway, col::GATEWAY)),
        ("ipaddress", text(gateway, col::IP_ADDRESS)),
        ("broadcasturi", of_network(col::BROADCAST_URI)),
        ("isolationuri", of_network(col::BROADCAST_URI)),
        ("macaddress", Node::text(systemvm::mac(view.resource, 0x06))),
    ];
    nic("Guest", false, fields)
}

/// The NIC in the VLAN of a public address.
fn public_nic(view: &View<'_>, address: &Resource, is_default: bool) -> Node {
    let range = address.id_of(col::VLAN_ID).map(|id| view.world.resource(id));
    let of_range = |column| range.map_or(Node::Null, |range| text(range, column));
    let fields = vec![
        ("netmask", of_range(col::NETMASK)),
        ("gateway", of_range(col::GATEWAY)),
        ("ipaddress", text(address, col::IP_ADDRESS)),
        ("macaddress", Node::text(systemvm::mac(view.resource, 0x0a))),
    ];
    nic("Public", is_default, fields)
}

fn is_listed(query: &Query<'_>, router: &Resource) -> bool {
    let args = query.args;
    let host = router.id_of(col::HOST_ID).map(|id| query.world.resource(id));
    let pod = host.and_then(|host| host.id_of(col::POD_ID));
    args.id("podid").is_none_or(|wanted| pod == Some(wanted))
        && args.id("networkid").is_none_or(|wanted| served::networks_of(router).contains(&wanted))
        && args.flag("forvpc").is_none_or(|wanted| router.id_of(col::VPC_ID).is_some() == wanted)
}

/// Hidden: the counters in bytes since the start, when they were last brought up
/// to date, when they were last told, and when they are polled next; `morenetworks` are those
/// it serves besides the first; `guestrange` is what
/// its address on a shared network is of.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Router, &ROUTER)
    .machine(Machine {
        halt: machine::halt_by_states,
        start_elsewhere: |tx, router, _| router_vm::start_elsewhere(tx, router),
    })
    .hidden(&[
        hidden("due", W::Date),
        hidden("sentbytes", W::Int),
        hidden("receivedbytes", W::Int),
        hidden("counted", W::Date),
        hidden("restarted", W::Bool),
        hidden("sampled", W::Date),
        hidden("guestrange", W::Id(Kind::VlanIpRange)),
        hidden("morenetworks", W::List),
    ])
    .forwards(Forwards {
        sent: col::SENT_BYTES,
        received: col::RECEIVED_BYTES,
        what: facts::forwarded,
    })
    .owned()
    .states(table!(MachineState: Stopped, Running; Stopped => Running; Running => Stopped;))
    .keyword(&[col::NAME])
    .job_instance("DomainRouter")
    .on_due(router_vm::poll)
    .on_move(moved);

/// Counts what the router forwards, and lets the VPN connections of its VPC follow it.
fn moved(tx: &mut Tx<'_>, id: ResourceId, from: &'static str) {
    router_vm::moved(tx, id, from);
    sitevpn::follow(tx, id);
}
