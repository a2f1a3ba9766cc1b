//! Network offerings: which services a network has and who provides them.

use cloudtally_model::Text;

mod change;
mod create;
mod list;

pub(crate) use list::can_follow;

use super::serviceoffering;
use crate::{
    col,
    engine::{Node, Resource, ResourceId, World, table},
    state::SwitchState,
    table::{
        Command, Kind, KindSpec, MapForm, Object, OnDelete, ParamType::*, Roles, WireType as W,
        delete, f, fields::*, group, hidden, own, p, update,
    },
};

/// A network offering can be used while it is enabled.
///
/// Names may stand twice, as on the 4.2.1 server. Hidden: `provider` says who provides a service, by service in the order they
/// are shown; `capability` is what was chosen of a service, as `Service.Capability`;
/// offerings that are `systemonly` are for the system's networks and never listed.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::NetworkOffering, &NETWORK_OFFERING)
    .hidden(&[
        hidden("provider", W::Map),
        hidden("capability", W::Map),
        hidden("rate", W::Int),
        hidden("systemonly", W::Bool),
        hidden("sortkey", W::Int),
        hidden("routeroffering", W::Id(Kind::ServiceOffering)),
    ])
    .states(table!(SwitchState: Disabled, Enabled; Disabled => Enabled; Enabled => Disabled;))
    .keyword(&[col::NAME, col::DISPLAY_TEXT])
    .referred(&[(Kind::Network, col::NETWORK_OFFERING_ID.reference(), OnDelete::Refuse)]);

/// The setting of the rate of networks whose offering names none.
const RATE: &str = "network.throttling.rate";

pub(crate) const NETWORK_OFFERING: Object = Object {
    name: "NetworkOffering",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        f("tags", W::Str),
        CREATED,
        f("traffictype", W::Str),
        f("isdefault", W::Bool),
        f("specifyvlan", W::Bool),
        f("conservemode", W::Bool),
        f("specifyipranges", W::Bool),
        f("availability", W::Str),
        f("networkrate", W::Int).by(|view| Node::Int(rate_mbit(view.world, view.resource))),
        STATE,
        f("guestiptype", W::Str),
        f("serviceofferingid", W::Id(Kind::ServiceOffering)).by(|view| {
            let offering = router_offering(view.world, view.resource);
            offering
                .and_then(|id| view.world.any(id))
                .map_or(Node::Null, |it| Node::text(it.uuid.to_string()))
        }),
        f("service", W::Objects("Service")).by(|view| services(view.resource)),
        f("forvpc", W::Bool),
        f("ispersistent", W::Bool),
        f("details", W::Map),
        f("egressdefaultpolicy", W::Bool),
        f("maxconnections", W::Int),
    ],
};

/// The rate of networks of an offering, in Mbit/s; -1 is no limit.
pub(crate) fn rate_mbit(world: &World, offering: &Resource) -> i64 {
    offering.int_if(col::RATE).unwrap_or_else(|| world.setting_number(RATE))
}

/// The service offering of routers of networks of an offering: the one it names, else
/// the one that is there for routers.
pub(crate) fn router_offering(world: &World, offering: &Resource) -> Option<ResourceId> {
    let named = offering.id_of(col::ROUTER_OFFERING);
    named.or_else(|| serviceoffering::default_for(world, serviceoffering::ROUTER))
}

/// Tells whether networks of an offering have two routers, of which one stands in for the other.
pub(crate) fn is_redundant(offering: &Resource) -> bool {
    let chosen = offering.map(col::CAPABILITY);
    chosen.iter().any(|(name, value)| {
        name.as_str() == "SourceNat.RedundantRouter" && value.as_str() == "true"
    })
}

/// Tells whether networks of an offering balance load between their machines and those of other
/// tiers alone, not what comes to public addresses.
pub(crate) fn balances_inside(offering: &Resource) -> bool {
    let is_internal = |(name, value): &(Text, Text)| {
        name.as_str() == "Lb.LbSchemes" && value.as_str() == "Internal"
    };
    offering.map(col::CAPABILITY).iter().any(is_internal)
}

/// The live offering of this name.
pub(crate) fn named<'w>(world: &'w World, name: &str) -> Option<&'w Resource> {
    world.all(Kind::NetworkOffering).find(|offering| offering.text(col::NAME) == name)
}

/// The provider of a service in networks of an offering; none if nobody is.
pub(crate) fn provider_of<'t>(offering: &'t Resource, service: &str) -> Option<&'t str> {
    let pairs = offering.map(col::PROVIDERS);
    pairs.iter().find(|(name, _)| name.as_str() == service).map(|(_, provider)| provider.as_str())
}

/// Tells whether networks of an offering have a service, such as `SourceNat`.
pub(crate) fn provides(offering: &Resource, service: &str) -> bool {
    provider_of(offering, service).is_some()
}

/// Tells whether a provider provides anything in networks of an offering.
pub(crate) fn uses_provider(offering: &Resource, provider: &str) -> bool {
    offering.map(col::PROVIDERS).iter().any(|(_, by)| by.as_str() == provider)
}

/// The services of an offering, each with its provider and what was chosen of it.
pub(crate) fn services(offering: &Resource) -> Node {
    let show = |(service, provider): &(Text, Text)| {
        let provider = Node::Object(vec![("name", Node::text(provider))]);
        let mut fields =
            vec![("name", Node::text(service)), ("provider", Node::List(vec![provider]))];
        let chosen = offering.map(col::CAPABILITY).iter().filter_map(|(key, value)| {
            let (of, capability) = key.split_once('.')?;
            (of == service.as_str()).then(|| {
                Node::Object(vec![
                    ("name", Node::text(capability)),
                    ("value", Node::text(value)),
                    ("canchooseservicecapability", Node::Bool(false)),
                ])
            })
        });
        let chosen: Vec<Node> = chosen.collect();
        if !chosen.is_empty() {
            fields.push(("capability", Node::List(chosen)));
        }
        Node::Object(fields)
    };
    Node::List(offering.map(col::PROVIDERS).iter().map(show).collect())
}

pub(crate) static COMMANDS: &[Command] = &[
    own("createNetworkOffering")
        .doc("Makes a network offering; disabled until it is updated")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required(),
            p("displaytext", Str).required(),
            p("traffictype", Str).required().doc("`Guest`"),
            p("tags", Str).length_max(4096).doc("tags of the physical network to use"),
            p("specifyvlan", Bool),
            p("availability", Str),
            p("networkrate", Int).doc("megabits a second; as the zone's setting unless given"),
            p("conservemode", Bool)
                .doc("whether one address may serve several rules; true unless given"),
            p("serviceofferingid", Id(Kind::ServiceOffering))
                .doc("the offering of its virtual routers"),
            p("guestiptype", Str).required(),
            p("supportedservices", List).required(),
            p("serviceproviderlist", Map(MapForm::Fields(&["service", "provider"]))),
            p(
                "servicecapabilitylist",
                Map(MapForm::Fields(&["service", "capabilitytype", "capabilityvalue"])),
            )
            .doc("`servicecapabilitylist[0].service`, `.capabilitytype`, `.capabilityvalue`"),
            p("specifyipranges", Bool),
            p("ispersistent", Bool),
            p("details", Map(MapForm::Free)).doc("details of its services: `details[0].key=value`"),
            p("egressdefaultpolicy", Bool)
                .doc("whether traffic may leave unless a rule forbids it; true unless given"),
            p("maxconnections", Int),
            p("startipv6", Str).doc("taken and not used: the guide means createNetwork"),
            p("endipv6", Str).doc("taken and not used: the guide means createNetwork"),
            p("ip6gateway", Str).doc("taken and not used: the guide means createNetwork"),
            p("ip6cidr", Str).doc("taken and not used: the guide means createNetwork"),
        ])
        .event("NETWORK.OFFERING.CREATE")
        .object("networkoffering", &NETWORK_OFFERING)
        .kind(Kind::NetworkOffering)
        .act(create::create),
    delete("deleteNetworkOffering", Kind::NetworkOffering)
        .doc("Removes a network offering that no network is of")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::NetworkOffering)).required()])
        .event("NETWORK.OFFERING.DELETE")
        .success()
        .check(change::check_delete),
    own("listNetworkOfferings")
        .doc("Lists network offerings")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::NetworkOffering)),
            p("name", Str),
            p("displaytext", Str),
            p("traffictype", Str),
            p("isdefault", Bool),
            p("specifyvlan", Bool),
            p("availability", Str),
            p("zoneid", Id(Kind::Zone)).doc("shows only those that work in this zone"),
            p("state", Str).doc("`Enabled` or `Disabled`"),
            p("networkid", Id(Kind::Network)).doc("shows only those this network can change to"),
            p("guestiptype", Str),
            p("supportedservices", List)
                .doc("shows only those with all these services, separated by commas"),
            p("sourcenatsupported", Bool).doc("true for those with source NAT"),
            p("specifyipranges", Bool).doc("true for those whose addresses are given by hand"),
            p("tags", Str).length_max(4096).doc("shows only those with this tag"),
            p("istagged", Bool).doc("true for those with tags"),
            p("forvpc", Bool),
            p("ispersistent", Bool).doc("true for persistent ones, false for the others"),
            p("ip6gateway", Str).doc("taken and not used: the guide means a field of networks"),
            p("ip6cidr", Str).doc("taken and not used: the guide means a field of networks"),
        ])
        .groups(&[group::PAGED])
        .items("networkoffering", &NETWORK_OFFERING)
        .kind(Kind::NetworkOffering)
        .read(list::list),
    update("updateNetworkOffering", Kind::NetworkOffering)
        .doc("Enables, disables or renames a network offering")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::NetworkOffering)).doc("the offering; must be given"),
            p("name", Str),
            p("displaytext", Str),
            p("availability", Str),
            p("sortkey", Int),
            p("state", Str).doc("`Enabled` or `Disabled`; only enabled ones can be used"),
            p("maxconnections", Int),
        ])
        .event("NETWORK.OFFERING.EDIT")
        .object("networkoffering", &NETWORK_OFFERING)
        .check(change::check_update)
        .act(change::update),
];
