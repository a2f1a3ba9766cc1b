//! Providers of network services on physical networks.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, ResourceId, refusal},
    offering::{
        networkoffering,
        networkservice::{self, Choice, Needs},
        vpcoffering,
    },
    parse::given,
    state::SwitchState,
    table::Kind,
};

pub(super) fn add(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let name = call.args.text_required("name").to_owned();
    let Some(row) = networkservice::provider_named(&name) else {
        let known: Vec<&str> = networkservice::PROVIDERS.iter().map(|row| row.name).collect();
        return Err(refusal::parameter(
            "name",
            format!("is no network service provider: {name}; known are {}", known.join(", ")),
        ));
    };
    let network = call.args.id_required("physicalnetworkid");
    let is_there = call
        .tx
        .referring(network, Kind::Provider, col::PHYSICAL_NETWORK_ID)
        .any(|provider| provider.text(col::NAME) == row.name);
    if is_there {
        return Err(call.tx.resource(network).refused_as(
            ApiError::runtime,
            "physicalnetworkid",
            format!("has the provider {} already", row.name),
        ));
    }
    let services = services(call, row)?;
    let bridge = call.args.id("destinationphysicalnetworkid");
    // Its element is made on its own, by createVirtualRouterElement and the like.
    let id = networkservice::insert_provider(call.tx, network, row);
    call.tx.edit(id, |provider| {
        provider.set_ref(col::DESTINATION_PHYSICAL_NETWORK_ID, bridge);
        if let Some(services) = services {
            networkservice::set_services(provider, &services);
        }
    });
    Ok(Some(id))
}

/// The services of `servicelist`, where it is given.
fn services(
    call: &Call<'_, '_>,
    row: &'static networkservice::Provider,
) -> Result<Option<Vec<&'static str>>, ApiError> {
    let mut wanted = Vec::new();
    for name in call.args.list("servicelist") {
        let Some(service) = networkservice::service_named(name) else {
            return Err(refusal::parameter(
                "servicelist",
                format!("has no service {name}; listSupportedNetworkServices shows them"),
            ));
        };
        if !row.services.contains(&service.name) {
            return Err(refusal::parameter(
                "servicelist",
                format!(
                    "has {}, which the provider {} does not provide; it provides {}",
                    service.name,
                    row.name,
                    row.services.join(", ")
                ),
            ));
        }
        wanted.push(service.name);
    }
    if wanted.is_empty() {
        return Ok(None);
    }
    if row.choice == Choice::AllOrNothing && wanted.len() < row.services.len() {
        return Err(refusal::parameter(
            "servicelist",
            format!("cannot choose among the services of the provider {}; leave it out", row.name),
        ));
    }
    Ok(Some(wanted))
}

/// Refuses to enable a provider that lacks what it needs.
fn check_ready(call: &Call<'_, '_>, id: ResourceId) -> Result<(), ApiError> {
    let provider = call.tx.resource(id);
    let row = networkservice::provider_named(provider.text(col::NAME)).expect("checked when added");
    let is_enabled =
        |kind| call.tx.referring(id, kind, col::NSP_ID).any(|element| element.flag(col::ENABLED));
    let missing = match row.needs {
        Needs::Nothing => None,
        Needs::VirtualRouterElement(_) if is_enabled(Kind::VirtualRouterElement) => None,
        Needs::InternalLbElement if is_enabled(Kind::InternalLbElement) => None,
        Needs::VirtualRouterElement(_) => {
            Some("enable its element first with configureVirtualRouterElement")
        }
        Needs::InternalLbElement => {
            Some("enable its element first with configureInternalLoadBalancerElement")
        }
        Needs::Device(kind) => {
            let network =
                provider.id_of(col::PHYSICAL_NETWORK_ID).expect("providers are on a network");
            let there = networkservice::has_device(call.tx, network, kind);
            (!there).then_some("add a device of it to the physical network first")
        }
    };
    match missing {
        None => Ok(()),
        Some(hint) => Err(provider.refused_as(
            ApiError::runtime,
            "id",
            format!("is not ready and cannot be enabled; {hint}"),
        )),
    }
}

pub(super) fn check_update(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let id = call.args.id_required("id");
    match given::word(call, "state", &["Enabled", "Disabled", "Shutdown"])? {
        Some("Enabled") => check_ready(call, id)?,
        Some("Shutdown") => {
            return Err(refusal::parameter(
                "state",
                "cannot be Shutdown; remove the provider with deleteNetworkServiceProvider",
            ));
        }
        _ => {}
    }
    let row = networkservice::provider_named(call.tx.resource(id).text(col::NAME));
    services(call, row.expect("checked when added"))?;
    Ok(())
}

pub(super) fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    check_update(call)?;
    let row = networkservice::provider_named(call.entity().text(col::NAME));
    if let Some(services) = services(call, row.expect("checked when added"))? {
        call.tx.edit(id, |provider| networkservice::set_services(provider, &services));
    }
    if let Some(state) = given::switch(call)? {
        call.tx.move_to(id, state);
    }
    Ok(Done::Resource(id))
}

pub(super) fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let provider = call.tx.resource(call.args.id_required("id"));
    let network = provider.id_of(col::PHYSICAL_NETWORK_ID).expect("providers are on a network");
    let name = provider.text(col::NAME);
    let user = call.tx.referring(network, Kind::Network, col::PHYSICAL_NETWORK_ID).find(|guest| {
        guest
            .id_of(col::NETWORK_OFFERING_ID)
            .is_some_and(|id| networkoffering::uses_provider(call.tx.resource(id), name))
    });
    let zone = call.tx.resource(network).id_of(col::ZONE_ID).expect("they are in a zone");
    let vpc = call.tx.referring(zone, Kind::Vpc, col::ZONE_ID).find(|vpc| {
        let offering = vpc.id_of(col::VPC_OFFERING_ID).map(|id| call.tx.resource(id));
        let first = offering.map(vpcoffering::first_providers).unwrap_or_default();
        first.iter().any(|(_, by)| *by == name)
    });
    if let Some(vpc) = vpc {
        let why = format!("is used by the VPC {}; delete that first", vpc.text(col::NAME));
        return Err(provider
            .refused_as(ApiError::in_use, "id", why)
            .about(vpc.uuid.to_string(), "id"));
    }
    match user {
        Some(user) => Err(provider
            .refused_as(
                ApiError::in_use,
                "id",
                format!(
                    "is used by the network {}; give that another offering first",
                    user.text(col::NAME)
                ),
            )
            .about(user.uuid.to_string(), "id")),
        None => Ok(()),
    }
}

pub(super) fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_delete(call)?;
    let id = call.entity_id();
    call.tx.move_to(id, SwitchState::Shutdown);
    call.tx.remove_with_dependants(id);
    Ok(Done::Success)
}

pub(super) fn list_services(query: &Query<'_>) -> Result<Answer, ApiError> {
    let provider = match query.args.text("provider") {
        Some(name) => Some(networkservice::provider_named(name).ok_or_else(|| {
            query.invalid("provider", name, "there is no network service provider of this name")
        })?),
        None => None,
    };
    let service = match query.args.text("service") {
        Some(name) => Some(networkservice::service_named(name).ok_or_else(|| {
            query.invalid("service", name, "there is no network service of this name")
        })?),
        None => None,
    };
    let keyword = query.args.text("keyword").map(str::to_lowercase);
    let rows = networkservice::SERVICES.iter().filter(|row| {
        service.is_none_or(|wanted| wanted.name == row.name)
            && provider.is_none_or(|by| by.services.contains(&row.name))
            && keyword.as_ref().is_none_or(|part| row.name.to_lowercase().contains(part))
    });
    query.page_of("networkservice", rows, |_, row| show_service(row))
}

fn show_service(row: &networkservice::Service) -> Node {
    let providers = networkservice::PROVIDERS.iter().filter(|by| by.services.contains(&row.name));
    let providers = providers.map(|by| {
        Node::Object(vec![
            ("name", Node::text(by.name)),
            ("servicelist", Node::List(by.services.iter().map(Node::text).collect())),
            ("canenableindividualservice", Node::Bool(by.choice == Choice::EachService)),
        ])
    });
    let capabilities = row.capabilities.iter().map(|capability| {
        Node::Object(vec![
            ("name", Node::text(capability.name)),
            ("canchooseservicecapability", Node::Bool(!capability.choices.is_empty())),
        ])
    });
    let mut fields =
        vec![("name", Node::text(row.name)), ("provider", Node::List(providers.collect()))];
    let capabilities: Vec<Node> = capabilities.collect();
    if !capabilities.is_empty() {
        fields.push(("capability", Node::List(capabilities)));
    }
    Node::Object(fields)
}
