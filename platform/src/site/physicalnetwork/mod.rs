//! Physical networks, the traffic they carry and the providers of services on them. Guide 4.2.7.6.

mod network;
mod provider;
mod traffic;

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Node, Query, table},
    state::SwitchState,
    table::{
        Command, Kind, KindSpec, Object, OnDelete, ParamType::*, Roles, WireType as W, create,
        delete, f, fields::*, group, hidden, list, own, p, update,
    },
};

/// A physical network is disabled until it is set up; `vlan` holds its VLANs as
/// merged ranges, `100-200,300-310`.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::PhysicalNetwork, &PHYSICAL_NETWORK)
    .infrastructure()
    .states(table!(SwitchState: Disabled, Enabled; Disabled => Enabled; Enabled => Disabled;))
    .keyword(&[col::NAME])
    .job_instance("PhysicalNetwork")
    .referred(&[
        (Kind::Network, col::PHYSICAL_NETWORK_ID.reference(), OnDelete::Refuse),
        (Kind::VlanIpRange, col::PHYSICAL_NETWORK_ID.reference(), OnDelete::Refuse),
        (Kind::GuestVlanRange, col::NETWORK.reference(), OnDelete::Refuse),
        (Kind::Provider, col::PHYSICAL_NETWORK_ID.reference(), OnDelete::Remove),
        (Kind::TrafficType, col::PHYSICAL_NETWORK_ID.reference(), OnDelete::Remove),
    ]);

/// `vlan` is the VLAN of the traffic on VMware.
pub(crate) static TRAFFIC_TYPE_KIND: KindSpec = KindSpec::new(Kind::TrafficType, &TRAFFIC_TYPE)
    .infrastructure()
    .hidden(&[hidden("vlan", W::Str)])
    .keyword(&[col::TRAFFIC_TYPE])
    .job_instance("TrafficType");

/// A provider works once it is enabled, which its element must be first.
pub(crate) static PROVIDER_KIND: KindSpec = KindSpec::new(Kind::Provider, &PROVIDER)
    .infrastructure()
    .states(table!(SwitchState: Disabled, Enabled, Shutdown;
        Disabled => Enabled, Shutdown;
        Enabled => Disabled, Shutdown;
        Shutdown => Enabled, Disabled;
    ))
    .keyword(&[col::NAME])
    .job_instance("PhysicalNetworkServiceProvider")
    .referred(&[
        (Kind::VirtualRouterElement, col::NSP_ID.reference(), OnDelete::Remove),
        (Kind::InternalLbElement, col::NSP_ID.reference(), OnDelete::Remove),
    ]);

pub(crate) use network::{carrying, networks_on, vlan_set, vlans_for};

pub(crate) const CAPABILITY: Object = Object {
    name: "Capability",
    fields: &[f("name", W::Str), f("value", W::Str), f("canchooseservicecapability", W::Bool)],
};

pub(crate) const ISOLATION_METHOD: Object =
    Object { name: "IsolationMethod", fields: &[f("name", W::Str)] };

pub(crate) const PHYSICAL_NETWORK: Object = Object {
    name: "PhysicalNetwork",
    fields: &[
        ID,
        f("name", W::Str),
        f("broadcastdomainrange", W::Str),
        ZONE_ID,
        STATE,
        f("vlan", W::Str),
        f("domainid", W::Id(Kind::Domain)),
        f("tags", W::Str),
        f("isolationmethods", W::Str),
        f("networkspeed", W::Str),
    ],
};

pub(crate) const PROVIDER: Object = Object {
    name: "Provider",
    fields: &[
        f("name", W::Str),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("destinationphysicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        STATE,
        ID,
        f("servicelist", W::List),
        f("canenableindividualservice", W::Bool),
    ],
};

pub(crate) const SERVICE: Object = Object {
    name: "Service",
    fields: &[
        f("name", W::Str),
        f("provider", W::Objects("Provider")),
        f("capability", W::Objects("Capability")),
    ],
};

pub(crate) const TRAFFIC_TYPE: Object = Object {
    name: "TrafficType",
    fields: &[
        ID,
        f("traffictype", W::Str),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("xennetworklabel", W::Str),
        f("kvmnetworklabel", W::Str),
        f("vmwarenetworklabel", W::Str),
    ],
};

pub(crate) const TRAFFIC_TYPE_IMPLEMENTOR: Object = Object {
    name: "TrafficTypeImplementor",
    fields: &[f("traffictype", W::Str), f("traffictypeimplementor", W::Str)],
};

pub(crate) static COMMANDS: &[Command] = &[
    create("addNetworkServiceProvider", Kind::Provider)
        .doc("Adds a provider to a physical network; disabled until it is updated")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("destinationphysicalnetworkid", Id(Kind::PhysicalNetwork))
                .doc("the physical network the provider bridges to"),
            p("name", Str).required().doc("the provider, such as `VirtualRouter`"),
            p("servicelist", List)
                .doc("services it provides, separated by commas; all unless given"),
        ])
        .create_job("SERVICE.PROVIDER.CREATE")
        .object("networkserviceprovider", &PROVIDER)
        .begin(provider::add),
    create("addTrafficType", Kind::TrafficType)
        .doc("Lets a physical network carry a type of traffic")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required(),
            p("traffictype", Str).required(),
            p("xennetworklabel", Str),
            p("kvmnetworklabel", Str),
            p("vmwarenetworklabel", Str),
            p("vlan", Str).doc("the VLAN of the traffic; only for VMware"),
        ])
        .create_job("TRAFFIC.TYPE.CREATE")
        .object("traffictype", &TRAFFIC_TYPE)
        .begin(traffic::add),
    create("createPhysicalNetwork", Kind::PhysicalNetwork)
        .doc("Makes a physical network in a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("vlan", Str).doc("VLANs for guest networks, such as `100-200`"),
            p("networkspeed", Str),
            p("domainid", Id(Kind::Domain)).doc("the domain that owns it in a dedicated zone"),
            p("broadcastdomainrange", Str).doc("`ZONE` or `POD`; `ZONE` in an advanced zone"),
            p("tags", List).doc("tags separated by commas; network offerings choose by them"),
            p("isolationmethods", List)
                .doc("how guest networks are kept apart, such as `VLAN` or `GRE`"),
            p("name", Str).required(),
        ])
        .create_job("PHYSICAL.NETWORK.CREATE")
        .object("physicalnetwork", &PHYSICAL_NETWORK)
        .begin(network::create),
    delete("deleteNetworkServiceProvider", Kind::Provider)
        .doc("Removes a provider from a physical network")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Provider)).required()])
        .job("SERVICE.PROVIDER.DELETE")
        .success()
        .check(provider::check_delete)
        .act(provider::delete),
    delete("deletePhysicalNetwork", Kind::PhysicalNetwork)
        .doc("Removes a physical network without guest networks")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::PhysicalNetwork)).required()])
        .job("PHYSICAL.NETWORK.DELETE")
        .success(),
    delete("deleteTrafficType", Kind::TrafficType)
        .doc("Takes a type of traffic from a physical network")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::TrafficType)).required()])
        .job("TRAFFIC.TYPE.DELETE")
        .success()
        .check(traffic::check_delete)
        .act(traffic::delete),
    own("listNetworkIsolationMethods")
        .doc("Lists the ways in which guest networks can be kept apart")
        .roles(Roles::ROOT)
        .groups(&[group::PAGED])
        .items("isolationmethod", &ISOLATION_METHOD)
        .read(list_isolation_methods),
    list("listNetworkServiceProviders", Kind::Provider)
        .doc("Lists providers of physical networks")
        .roles(Roles::ROOT)
        .params(&[
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("name", Str),
            p("state", Str).doc("`Enabled`, `Disabled` or `Shutdown`"),
        ])
        .groups(&[group::PAGED])
        .items("networkserviceprovider", &PROVIDER),
    list("listPhysicalNetworks", Kind::PhysicalNetwork)
        .doc("Lists physical networks")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::PhysicalNetwork)), p("zoneid", Id(Kind::Zone)), p("name", Str)])
        .groups(&[group::PAGED])
        .items("physicalnetwork", &PHYSICAL_NETWORK),
    own("listSupportedNetworkServices")
        .doc("Lists network services, who can provide them and what they can do")
        .roles(Roles::ROOT)
        .params(&[
            p("provider", Str).doc("shows only services of this provider"),
            p("service", Str).doc("shows only this service, such as `Dhcp`"),
        ])
        .groups(&[group::PAGED])
        .items("networkservice", &SERVICE)
        .read(provider::list_services),
    own("listTrafficTypeImplementors")
        .doc("Lists what implements each type of traffic")
        .roles(Roles::ROOT)
        .params(&[p("traffictype", Str)])
        .groups(&[group::PAGED])
        .items("traffictypeimplementorresponse", &TRAFFIC_TYPE_IMPLEMENTOR)
        .read(traffic::list_implementors),
    list("listTrafficTypes", Kind::TrafficType)
        .doc("Lists the types of traffic a physical network carries")
        .roles(Roles::ROOT)
        .params(&[p("physicalnetworkid", Id(Kind::PhysicalNetwork)).required()])
        .groups(&[group::PAGED])
        .items("traffictype", &TRAFFIC_TYPE),
    update("updateNetworkServiceProvider", Kind::Provider)
        .doc("Enables or disables a provider, or changes its services")
        .roles(Roles::ROOT)
        .params(&[
            p("state", Str)
                .doc("`Enabled` or `Disabled`; only what has an enabled element can be enabled"),
            p("id", Id(Kind::Provider)).required(),
            p("servicelist", List).doc("services it provides, separated by commas"),
        ])
        .job("SERVICE.PROVIDER.UPDATE")
        .object("networkserviceprovider", &PROVIDER)
        .check(provider::check_update)
        .act(provider::update),
    update("updatePhysicalNetwork", Kind::PhysicalNetwork)
        .doc("Enables or disables a physical network, or changes its VLANs")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::PhysicalNetwork)).required(),
            p("networkspeed", Str),
            p("tags", List).doc("tags separated by commas; network offerings choose by them"),
            p("state", Str).doc("`Enabled` or `Disabled`"),
            p("vlan", Str).doc("all the VLAN ranges it shall have, such as `100-200,300-310`"),
            p("removevlan", Str).doc("VLANs to take away; 4.2.1 does this by `vlan` alone"),
        ])
        .job("PHYSICAL.NETWORK.UPDATE")
        .object("physicalnetwork", &PHYSICAL_NETWORK)
        .check(network::check_update)
        .act(network::update),
    update("updateTrafficType", Kind::TrafficType)
        .doc("Changes the labels by which hosts find the network of a traffic type")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::TrafficType)).required(),
            p("xennetworklabel", Str),
            p("kvmnetworklabel", Str),
            p("vmwarenetworklabel", Str),
        ])
        .job("TRAFFIC.TYPE.UPDATE")
        .object("traffictype", &TRAFFIC_TYPE),
];

fn list_isolation_methods(query: &Query<'_>) -> Result<Answer, ApiError> {
    let methods = network::ISOLATION_METHODS.into_iter();
    let methods = methods.filter(|method| query.is_named_in(&[*method]));
    query.page_of("isolationmethod", methods, |_, method| {
        Node::Object(vec![("name", Node::text(method))])
    })
}
