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
        Some(element) => Err(call
            .tx
            .resource(provider)
            .refused("nspid", format!("has its {} already; configure that one", kind.noun()))
            .about(element.uuid.to_string(), "nspid")),
        None => Ok(()),
    }
}

/// Makes the element of virtual routers of a provider, disabled.
pub(crate) fn create_router(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let provider = call.args.id_required("nspid");
    // A type is named by a provider of it, as the 4.2.1 server declares the parameter.
    let of_type = call.args.id("providertype").unwrap_or(provider);
    let (Needs::VirtualRouterElement(wanted), Needs::VirtualRouterElement(own)) =
        (needs(call, of_type), needs(call, provider))
    else {
        return Err(call
            .tx
            .resource(provider)
            .refused("nspid", "has no virtual routers; name VirtualRouter or VpcVirtualRouter"));
    };
    if wanted != own {
        return Err(call
            .tx
            .resource(provider)
            .refused("nspid", format!("has routers of the type {own}, not {wanted}")));
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
        return Err(call
            .tx
            .resource(provider)
            .refused("nspid", "does not balance load inside VPCs; name InternalLbVm"));
    }
    check_first(call, Kind::InternalLbElement, provider)?;
    let id = call.tx.insert(Kind::InternalLbElement, |element| {
        element.set_ref(col::NSP_ID, provider).set_flag(col::ENABLED, false);
    });
    Ok(Some(id))
}
