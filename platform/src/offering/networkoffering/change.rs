//! Changes of network offerings, and their end.

use cloudtally_model::ApiError;

use super::provides;
use crate::{
    col,
    engine::{Call, Done, Resource, ResourceId, refusal, verbs},
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
        return Err(refusal::parameter(
            "availability",
            "can be Required only for offerings of the type Isolated with SourceNat",
        ));
    }
    let is_other = |row: &&Resource| {
        Some(row.id) != own
            && !row.flag(col::SYSTEM_ONLY)
            && row.text(col::AVAILABILITY) == "Required"
    };
    match call.tx.all(Kind::NetworkOffering).find(is_other) {
        Some(other) => Err(other.refused(
            "availability",
            "has the availability Required, which one offering can have; make that Optional first",
        )),
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
        return Err(refusal::parameter("id", "is needed"));
    };
    let offering = call.tx.resource(id);
    if offering.flag(col::SYSTEM_ONLY) {
        return Err(offering.refused("id", "is of the system and cannot be changed"));
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
        return Err(offering.refused("id", "is a default one and cannot be removed; disable it"));
    }
    let networks = call.tx.referring(offering.id, Kind::Network, col::NETWORK_OFFERING_ID).count();
    if networks > 0 {
        return Err(offering.refused(
            "id",
            format!("is used by {networks} networks and cannot be removed; disable it"),
        ));
    }
    Ok(())
}
