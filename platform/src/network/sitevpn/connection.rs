//! Connections of VPCs to customers' sites. They work while the router of the VPC runs and the
//! other site answers, at which the router looks every `router.check.interval`.
//!
//! The router is told of a connection by `Site2SiteVpnCfgCommand`, and asked for the other site by
//! `CheckS2SVpnConnectionsCommand`: `configureSimulator` makes both fail.

use cloudtally_model::ApiError;

use super::ends::connections;
use crate::{
    col,
    desk::{
        alert::{self, Place},
        simulator,
    },
    engine::{Call, Done, Resource, ResourceId, Tx, World, scope, table},
    network::vpc::part,
    parse::ip,
    state::{ConnectionState, MachineState},
    table::{Kind, KindSpec, Object, WireType as W, f, fields::*, hidden},
};

/// The setting of the connections that a VPN gateway may have.
const CONNECTIONS_MAX: &str = "site2site.vpn.vpngateway.connection.limit";
/// The agent's command that makes a connection.
const CONFIGURE: &str = "Site2SiteVpnCfgCommand";
/// The agent's command that looks whether the other site answers.
const CHECK: &str = "CheckS2SVpnConnectionsCommand";

pub(crate) const VPN_CONNECTION: Object = Object {
    name: "Site2SiteVpnConnection",
    fields: &[
        ID,
        f("s2svpngatewayid", W::Id(Kind::VpnGateway)),
        f("publicip", W::Str).join(col::S2S_VPN_GATEWAY_ID, "publicip"),
        f("s2scustomergatewayid", W::Id(Kind::CustomerGateway)),
        f("gateway", W::Str).join(col::S2S_CUSTOMER_GATEWAY_ID, "gateway"),
        f("cidrlist", W::Str).join(col::S2S_CUSTOMER_GATEWAY_ID, "cidrlist"),
        f("ipsecpsk", W::Str).join(col::S2S_CUSTOMER_GATEWAY_ID, "ipsecpsk"),
        f("ikepolicy", W::Str).join(col::S2S_CUSTOMER_GATEWAY_ID, "ikepolicy"),
        f("esppolicy", W::Str).join(col::S2S_CUSTOMER_GATEWAY_ID, "esppolicy"),
        f("ikelifetime", W::Long).join(col::S2S_CUSTOMER_GATEWAY_ID, "ikelifetime"),
        f("esplifetime", W::Long).join(col::S2S_CUSTOMER_GATEWAY_ID, "esplifetime"),
        f("dpd", W::Bool).join(col::S2S_CUSTOMER_GATEWAY_ID, "dpd"),
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

/// A connection belongs to the owner of both its ends.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::VpnConnection, &VPN_CONNECTION)
    .newest_first()
    .owned()
    .hidden(&[hidden("due", W::Date)])
    .states(table!(ConnectionState: Pending, Connected, Disconnected, Error;
        Pending => Connected, Disconnected, Error;
        Connected => Disconnected, Error;
        Disconnected => Connected, Error;
        Error => Disconnected;
    ))
    .on_due(look)
    .job_instance("VpnConnection");

pub(super) fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let (own, other) =
        (call.args.id_required("s2svpngatewayid"), call.args.id_required("s2scustomergatewayid"));
    check_new(call, own, other)?;
    let owner = call.tx.resource(own).owner;
    let id = call.tx.insert(Kind::VpnConnection, |connection| {
        connection.owner = owner;
        connection
            .set_ref(col::S2S_VPN_GATEWAY_ID, own)
            .set_ref(col::S2S_CUSTOMER_GATEWAY_ID, other);
    });
    Ok(Some(id))
}

/// Refuses ends that do not go together.
fn check_new(call: &Call<'_, '_>, own: ResourceId, other: ResourceId) -> Result<(), ApiError> {
    let (ours, theirs) = (call.tx.resource(own), call.tx.resource(other));
    scope::refuse_shut(call.tx, ours.owner)?;
    if ours.owner != theirs.owner {
        let why = "belongs to another account than the VPN gateway; choose one of its owner's";
        return Err(theirs
            .refused("s2scustomergatewayid", why)
            .about(ours.uuid.to_string(), "s2svpngatewayid"));
    }
    if let Some(connection) = connections(call.tx, other).next() {
        let why = "is connected to a VPN gateway already; delete that connection first";
        return Err(theirs
            .refused("s2scustomergatewayid", why)
            .about(connection.uuid.to_string(), "s2scustomergatewayid"));
    }
    let vpc = ours.id_of(col::VPC_ID).expect("VPN gateways are of a VPC");
    let vpc = call.tx.resource(vpc);
    if let Some((one, two)) = common(theirs.text(col::CIDR_LIST), vpc.text(col::CIDR)) {
        let why = format!("has the range {one}, which overlaps {two} of the VPC");
        return Err(theirs
            .refused("s2scustomergatewayid", why)
            .about(vpc.uuid.to_string(), "s2svpngatewayid"));
    }
    let most = call.tx.setting_number(CONNECTIONS_MAX);
    let count = connections(call.tx, own).count();
    if i64::try_from(count).unwrap_or(i64::MAX) >= most {
        let why = format!("has {count} connections, as many as `{CONNECTIONS_MAX}` allows");
        return Err(ours.refused("s2svpngatewayid", why));
    }
    for connection in connections(call.tx, own) {
        let Some(site) = connection.id_of(col::S2S_CUSTOMER_GATEWAY_ID) else { continue };
        let site = call.tx.resource(site);
        let both = (theirs.text(col::CIDR_LIST), site.text(col::CIDR_LIST));
        if let Some((one, two)) = common(both.0, both.1) {
            let name = site.text(col::NAME);
            let why = format!("has the range {one}, which overlaps {two} of {name}");
            return Err(theirs
                .refused("s2scustomergatewayid", why)
                .about(site.uuid.to_string(), "s2scustomergatewayid"));
        }
    }
    Ok(())
}

/// The first two ranges of two lists that have an address in common.
fn common<'t>(one: &'t str, other: &'t str) -> Option<(&'t str, &'t str)> {
    let meets = |one: &str, other: &str| {
        ip::bounds(one).zip(ip::bounds(other)).is_some_and(|(one, other)| ip::overlap(one, other))
    };
    one.split(',').find_map(|one| {
        let met = other.split(',').find(|other| meets(one, other))?;
        Some((one, met))
    })
}

/// The router that carries a connection, while it runs.
fn running_router(world: &World, connection: &Resource) -> Option<ResourceId> {
    let gateway = world.resource(connection.id_of(col::S2S_VPN_GATEWAY_ID)?);
    let router = part::router(world, gateway.id_of(col::VPC_ID)?)?;
    world.resource(router).is(MachineState::Running).then_some(router)
}

/// Tells the router of a connection that works from now on; without one that runs it waits.
fn start(tx: &mut Tx<'_>, id: ResourceId) -> Result<(), ApiError> {
    let Some(router) = running_router(tx, tx.resource(id)) else {
        set_state(tx, id, ConnectionState::Disconnected);
        return Ok(());
    };
    let host = tx.resource(router).id_of(col::HOST_ID);
    if let Some(failure) = simulator::agent(tx, host, CONFIGURE).failure {
        return Err(failure);
    }
    set_state(tx, id, ConnectionState::Connected);
    Ok(())
}

/// Moves a connection to a state in which the router looks after it, or not any more.
fn set_state(tx: &mut Tx<'_>, id: ResourceId, state: ConnectionState) {
    tx.move_to(id, state);
    let is_looked_after = state != ConnectionState::Error;
    let due = is_looked_after.then(|| tx.now + tx.setting_time("router.check.interval", 1000));
    tx.edit(id, |connection| {
        connection.set_time(col::DUE, due);
    });
}

/// Milliseconds that the router takes to be told.
fn wait_ms(call: &Call<'_, '_>) -> i64 {
    let router = running_router(call.tx, call.entity());
    let host = router.and_then(|router| call.tx.resource(router).id_of(col::HOST_ID));
    simulator::agent(call.tx, host, CONFIGURE).after_ms
}

pub(super) fn connect(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.step == 0 && wait_ms(call) > 0 {
        return Ok(Done::Wait(wait_ms(call)));
    }
    start(call.tx, id)?;
    Ok(Done::Resource(id))
}

/// Refuses to reset a connection that is only being made.
pub(super) fn check_reset(call: &Call<'_, '_>) -> Result<(), ApiError> {
    use ConnectionState::{Connected, Disconnected, Error};
    let id = call.args.id_required("id");
    scope::refuse_other_owner(call, id)?;
    call.tx.resource(id).must_be(&[Connected, Disconnected, Error], "reset", "id")
}

pub(super) fn reset(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.step == 0 {
        check_reset(call)?;
        set_state(call.tx, id, ConnectionState::Disconnected);
        if wait_ms(call) > 0 {
            return Ok(Done::Wait(wait_ms(call)));
        }
    }
    start(call.tx, id)?;
    Ok(Done::Resource(id))
}

/// The router could not be told: the connection is in error until it is reset.
pub(super) fn failed(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::VpnConnection, *id).is_some())
        && !call.tx.resource(id).is(ConnectionState::Error)
    {
        set_state(call.tx, id, ConnectionState::Error);
    }
}

/// Lets the connections of a VPC follow its router: they are made anew when it starts, and
/// lost when it stops.
pub(crate) fn follow(tx: &mut Tx<'_>, router: ResourceId) {
    let Some(vpc) = tx.resource(router).id_of(col::VPC_ID) else { return };
    let gateways = tx.ids_referring(vpc, Kind::VpnGateway, col::VPC_ID);
    let connections: Vec<ResourceId> = gateways
        .into_iter()
        .flat_map(|id| tx.ids_referring(id, Kind::VpnConnection, col::S2S_VPN_GATEWAY_ID))
        .collect();
    let runs = tx.resource(router).is(MachineState::Running);
    for id in connections {
        let connection = tx.resource(id);
        if runs && connection.is(ConnectionState::Disconnected) {
            if start(tx, id).is_err() {
                set_state(tx, id, ConnectionState::Error);
            }
        } else if !runs && connection.is(ConnectionState::Connected) {
            set_state(tx, id, ConnectionState::Disconnected);
        }
    }
}

/// Looks whether the other site answers, and tells the administrator of a change.
fn look(tx: &mut Tx<'_>, id: ResourceId) {
    let connection = tx.resource(id).clone();
    let due = tx.now + tx.setting_time("router.check.interval", 1000);
    tx.edit(id, |connection| {
        connection.set_time(col::DUE, due);
    });
    let Some(router) = running_router(tx, &connection) else { return };
    let host = tx.resource(router).id_of(col::HOST_ID);
    let answers = simulator::agent(tx, host, CHECK).failure.is_none();
    let to = match connection.state_as() {
        Some(ConnectionState::Connected) if !answers => ConnectionState::Disconnected,
        Some(ConnectionState::Disconnected) if answers => ConnectionState::Connected,
        _ => return,
    };
    tx.move_to(id, to);
    let site = connection.id_of(col::S2S_CUSTOMER_GATEWAY_ID).map(|id| tx.resource(id));
    let name = site.map_or("", |site| site.text(col::NAME));
    let text = format!(
        "the VPN connection to {name} of {} went from {} to {}",
        tx.resource(router).called(),
        connection.state(),
        to.name()
    );
    let place = Place::of(tx, router);
    alert::raise(tx, alert::ROUTER, Some(router), place, &text);
}
