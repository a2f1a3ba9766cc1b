//! Elements: what of the server itself stands behind a provider of network services,
//! and must be enabled before the provider is.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, ResourceId},
    offering::networkservice::{self, Needs},
    table::Kind,
};

/// The elements that the provider named by `nspid` needs.
fn needs(call: &Call<'_, '_>, provider: ResourceId) -> Needs {
    let row = networkservice::provider_named(call.tx.resource(provider).text(col::NAME));
    row.expect("checked when the provider was added").needs
}

/// Refuses a second element of a provider.
fn check_first(call: &Call<'_, '_>, kind: Kind, provider: ResourceId) -> Result<(), ApiError> {
    match call.tx.referring(provider, kind, col::NSP_ID).next() {
        Some(element) => Err(ApiError::value(format!(
            "the provider {} has its {} already; configure that one",
            call.tx.resource(provider).text(col::NAME),
            kind.noun()
        ))
        .about(element.uuid.to_string(), "nspid")),
        None => Ok(()),
    }
}

/// Makes the element of virtual routers of a provider, disabled.
pub(crate) fn create_router(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let provider = call.args.id_required("nspid");
    // A type is named by a provider of it, as the 4.2.1 server declares the parameter.
    let of_type = call.args.id("providertype").unwrap_or(provider);
    let name = |id| call.tx.resource(id).text(col::NAME).to_owned();
    let (Needs::VirtualRouterElement(wanted), Needs::VirtualRouterElement(own)) =
        (needs(call, of_type), needs(call, provider))
    else {
        return Err(ApiError::value(format!(
            "the provider {} has no virtual routers; name VirtualRouter or VpcVirtualRouter",
            name(provider)
        ))
        .about(call.tx.resource(provider).uuid.to_string(), "nspid"));
    };
    if wanted != own {
        return Err(ApiError::value(format!(
            "the provider {} has routers of the type {own}, not {wanted}",
            name(provider)
        )));
    }
    check_first(call, Kind::VirtualRouterElement, provider)?;
    let id = call.tx.insert(Kind::VirtualRouterElement, |element| {
        element
            .set_ref(col::NSP_ID, provider)
            .set_flag(col::ENABLED, false)
            .set_text(col::TYPE, own);
    });
    Ok(Some(id))
}

/// Makes the element of internal load balancing of a provider, disabled.
pub(crate) fn create_internal_lb(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let provider = call.args.id_required("nspid");
    if needs(call, provider) != Needs::InternalLbElement {
        return Err(ApiError::value(format!(
            "the provider {} does not balance load inside VPCs; name InternalLbVm",
            call.tx.resource(provider).text(col::NAME)
        ))
        .about(call.tx.resource(provider).uuid.to_string(), "nspid"));
    }
    check_first(call, Kind::InternalLbElement, provider)?;
    let id = call.tx.insert(Kind::InternalLbElement, |element| {
        element.set_ref(col::NSP_ID, provider).set_flag(col::ENABLED, false);
    });
    Ok(Some(id))
}
