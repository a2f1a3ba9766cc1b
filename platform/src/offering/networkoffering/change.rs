//! Changes of network offerings, and their end.

use cloudtally_model::ApiError;

use super::provides;
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, verbs},
    parse::given,
    table::Kind,
};

/// One offering at most is what a zone's networks are made of without choice.
pub(super) fn check_availability(
    call: &Call<'_, '_>,
    own: Option<ResourceId>,
    availability: &str,
    can_be_required: bool,
) -> Result<(), ApiError> {
    if availability != "Required" {
        return Ok(());
    }
    if !can_be_required {
        return Err(ApiError::value(
            "Availability can be Required only for networkOfferings of type Isolated and with SourceNat enabled",
        ));
    }
    let is_other = |row: &&Resource| {
        Some(row.id) != own
            && !row.flag(col::SYSTEM_ONLY)
            && row.text(col::AVAILABILITY) == "Required"
    };
    match call.tx.all(Kind::NetworkOffering).find(is_other) {
        Some(other) => Err(ApiError::value(format!(
            "System already has network offering {} with availability Required; make that Optional first",
            other.text(col::NAME)
        ))
        .about(other.uuid.to_string(), "availability")),
        None => Ok(()),
    }
}

pub(super) fn check_connections(call: &Call<'_, '_>) -> Result<(), ApiError> {
    match call.args.int("maxconnections") {
        Some(most) if most < 1 => {
            Err(call.invalid("maxconnections", &most.to_string(), "expected 1 or more"))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_update(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let Some(id) = call.args.id("id") else {
        return Err(ApiError::value("unable to find network offering: give its `id`"));
    };
    let offering = call.tx.resource(id);
    if offering.flag(col::SYSTEM_ONLY) {
        return Err(ApiError::value("Can't update system network offerings"));
    }
    given::word(call, "state", &["Enabled", "Disabled"])?;
    check_connections(call)?;
    if let Some(availability) = given::word(call, "availability", &["Optional", "Required"])? {
        let can_be =
            offering.text(col::GUEST_IP_TYPE) == "Isolated" && provides(offering, "SourceNat");
        check_availability(call, Some(id), availability, can_be)?;
    }
    Ok(())
}

pub(super) fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let availability = given::word(call, "availability", &["Optional", "Required"])?;
    let mut offering = call.entity().clone();
    verbs::assign(call, &mut offering);
    if let Some(availability) = availability {
        offering.set_text(col::AVAILABILITY, availability);
    }
    call.tx.edit(id, |old| *old = offering);
    if let Some(state) = given::switch(call)? {
        call.tx.move_to(id, state);
    }
    Ok(Done::Resource(id))
}

pub(super) fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let offering = call.tx.resource(call.args.id_required("id"));
    if offering.flag(col::IS_DEFAULT) {
        return Err(ApiError::value("Default network offering can't be deleted; disable it")
            .about(offering.uuid.to_string(), "id"));
    }
    let networks = call.tx.referring(offering.id, Kind::Network, col::NETWORK_OFFERING_ID).count();
    if networks > 0 {
        return Err(ApiError::value(format!(
            "Can't delete network offering {} as it's used by {networks} networks. To make the network offering unavailable, disable it",
            offering.text(col::NAME)
        ))
        .about(offering.uuid.to_string(), "id"));
    }
    Ok(())
}
