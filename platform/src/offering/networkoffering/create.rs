//! New network offerings: which services, by whom, with which choices.

use cloudtally_model::{ApiError, Text};

use super::change;
use crate::{
    col,
    engine::{Call, Done, refusal},
    offering::networkservice,
    parse::given,
    table::Kind,
};

/// The provider of a service unless the call names one.
fn default_provider(service: &str) -> &'static str {
    match service {
        "SecurityGroup" => "SecurityGroupProvider",
        "NetworkACL" => "VpcVirtualRouter",
        "Connectivity" => "NiciraNvp",
        _ => "VirtualRouter",
    }
}

pub(super) fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let args = call.args.clone();
    // 1. Words.
    let traffic = args.text_required("traffictype");
    if !traffic.eq_ignore_ascii_case("Guest") {
        return Err(call.invalid(
            "traffictype",
            traffic,
            "only offerings of `Guest` traffic can be made",
        ));
    }
    let guest_type = given::word(call, "guestiptype", &["Isolated", "Shared"])?.unwrap_or_default();
    let is_shared = guest_type == "Shared";
    if let Some(rate) = args.int("networkrate").filter(|rate| *rate < 0) {
        return Err(call.invalid("networkrate", &rate.to_string(), "expected 0 or more"));
    }
    change::check_connections(call)?;
    check_service_offering(call)?;
    // 2. Services.
    let provider = providers(call)?;
    let capability = capabilities(call, &provider)?;
    let provides = |service: &str| provider.iter().any(|(name, _)| name.as_str() == service);
    let has_source_nat = provides("SourceNat");
    // 3. What goes with what.
    let specify_vlan = args.is_true("specifyvlan");
    let specify_ip_ranges = args.is_true("specifyipranges");
    let for_vpc = provider.iter().any(|(_, by)| by.as_str() == "VpcVirtualRouter");
    check_combination(call, is_shared, &provider)?;
    if for_vpc {
        check_tier(call, &provider, &capability)?;
    }
    let availability = given::word(call, "availability", &["Optional", "Required"])?;
    let availability = availability.unwrap_or("Optional");
    change::check_availability(call, None, availability, !is_shared && has_source_nat)?;
    // 4. The offering; nobody can use it before it is enabled.
    let details: Vec<(Text, Text)> = args
        .merged_map("details")
        .iter()
        .map(|(key, value)| (Text::from(key.as_str()), Text::from(value.as_str())))
        .collect();
    let id = call.tx.insert(Kind::NetworkOffering, |offering| {
        offering
            .set_text(col::NAME, args.text_required("name"))
            .set_text(col::DISPLAY_TEXT, args.text_required("displaytext"))
            .set_text(col::TRAFFIC_TYPE, "Guest")
            .set_text(col::GUEST_IP_TYPE, guest_type)
            .set_text(col::AVAILABILITY, availability)
            .set_flag(col::IS_DEFAULT, false)
            .set_flag(col::SYSTEM_ONLY, false)
            .set_flag(col::SPECIFY_VLAN, specify_vlan)
            .set_flag(col::SPECIFY_IP_RANGES, specify_ip_ranges)
            .set_flag(col::CONSERVE_MODE, args.flag("conservemode").unwrap_or(true))
            .set_flag(col::IS_PERSISTENT, args.is_true("ispersistent"))
            .set_flag(col::EGRESS_DEFAULT_POLICY, args.flag("egressdefaultpolicy").unwrap_or(true))
            .set_flag(col::FOR_VPC, for_vpc)
            .set_ref(col::ROUTER_OFFERING, args.id("serviceofferingid"))
            .set_int_if(col::RATE, args.int("networkrate"))
            .set_int_if(col::MAX_CONNECTIONS, args.int("maxconnections"))
            .set_text_if(col::TAGS, args.text("tags"))
            .set_map(col::PROVIDERS, provider)
            .set_map(col::CAPABILITY, capability);
        if !details.is_empty() {
            offering.set_map(col::DETAILS, details);
        }
    });
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

/// Refuses services, providers and flags that do not go together.
fn check_combination(
    call: &Call<'_, '_>,
    is_shared: bool,
    provider: &[(Text, Text)],
) -> Result<(), ApiError> {
    let args = &call.args;
    let has_source_nat = provider.iter().any(|(name, _)| name.as_str() == "SourceNat");
    let specify_vlan = args.is_true("specifyvlan");
    let specify_ip_ranges = args.is_true("specifyipranges");
    if is_shared && !specify_vlan {
        return Err(refusal::parameter("specifyvlan", "must be true for the type Shared"));
    }
    if is_shared && !specify_ip_ranges {
        return Err(refusal::parameter("specifyipranges", "must be true for the type Shared"));
    }
    if !is_shared && specify_ip_ranges && has_source_nat {
        return Err(refusal::parameter(
            "specifyipranges",
            "is for the type Shared, and for Isolated without SourceNat",
        ));
    }
    if is_shared && has_source_nat {
        return Err(refusal::parameter(
            "supportedservices",
            "has SourceNat, which the type Shared has not; leave the service out",
        ));
    }
    if is_shared && args.is_true("ispersistent") {
        return Err(refusal::parameter("ispersistent", "is for the type Isolated only"));
    }
    Ok(())
}

/// The providers of services in tiers of VPCs.
const OF_TIERS: [&str; 4] = ["VpcVirtualRouter", "NiciraNvp", "InternalLbVm", "Netscaler"];

/// Refuses what networks of an offering with VpcVirtualRouter, which are tiers of VPCs, cannot be.
fn check_tier(
    call: &Call<'_, '_>,
    provider: &[(Text, Text)],
    capability: &[(Text, Text)],
) -> Result<(), ApiError> {
    let is_chosen = |name: &str, value: &str| {
        capability.iter().any(|(key, chosen)| key.as_str() == name && chosen.as_str() == value)
    };
    if given::word(call, "guestiptype", &["Isolated", "Shared"])? == Some("Shared") {
        return Err(refusal::parameter(
            "guestiptype",
            "must be Isolated with VpcVirtualRouter, which serves networks of VPCs",
        ));
    }
    if let Some((service, by)) = provider.iter().find(|(_, by)| !OF_TIERS.contains(&by.as_str())) {
        return Err(refusal::parameter(
            "serviceproviderlist",
            format!(
                "has {by} for {service}; the services of networks of VPCs come from VpcVirtualRouter, or from {}",
                OF_TIERS[1..].join(", ")
            ),
        ));
    }
    if !provider.iter().any(|(service, _)| service.as_str() == "SourceNat") {
        return Err(refusal::parameter(
            "supportedservices",
            "lacks SourceNat, which networks of VPCs need; add the service",
        ));
    }
    if is_chosen("SourceNat.RedundantRouter", "true") {
        return Err(refusal::parameter(
            "servicecapabilitylist",
            "has RedundantRouter true; a VPC has one router, leave it out",
        ));
    }
    if call.args.flag("conservemode") != Some(false) {
        return Err(refusal::parameter(
            "conservemode",
            "must be false with VpcVirtualRouter: an address of a VPC serves one purpose",
        ));
    }
    let by_netscaler = ("Lb", "Netscaler");
    if provider.iter().any(|(service, by)| (service.as_str(), by.as_str()) == by_netscaler)
        && !is_chosen("Lb.SupportedLBIsolation", "dedicated")
    {
        return Err(refusal::parameter(
            "servicecapabilitylist",
            "must have SupportedLBIsolation dedicated where Netscaler balances load in a VPC",
        ));
    }
    Ok(())
}

/// Routers are VMs of the system: their offering must be one for them.
fn check_service_offering(call: &Call<'_, '_>) -> Result<(), ApiError> {
    let Some(id) = call.args.id("serviceofferingid") else { return Ok(()) };
    let offering = call.tx.resource(id);
    let of_type = offering.text(col::SYSTEM_VM_TYPE);
    if offering.flag(col::IS_SYSTEM) && matches!(of_type, "" | "domainrouter") {
        return Ok(());
    }
    Err(offering.refused(
        "serviceofferingid",
        "is not for virtual routers; choose one with the `systemvmtype` domainrouter",
    ))
}

/// The provider of each supported service, sorted by service.
fn providers(call: &Call<'_, '_>) -> Result<Vec<(Text, Text)>, ApiError> {
    let mut chosen: Vec<(&'static str, Option<&'static str>)> = Vec::new();
    for name in call.args.list("supportedservices") {
        let service = networkservice::service_named(name).ok_or_else(|| {
            refusal::parameter(
                "supportedservices",
                format!("has no service {name}; listSupportedNetworkServices shows them"),
            )
        })?;
        if !chosen.iter().any(|(known, _)| *known == service.name) {
            chosen.push((service.name, None));
        }
    }
    for entry in call.args.map("serviceproviderlist") {
        let field = |name: &str| entry.get(name).map_or("", String::as_str);
        let (service, provider) = (field("service"), field("provider"));
        let unknown = |what: &str, name: &str| {
            refusal::parameter(
                "serviceproviderlist",
                format!("has no {what} {name}; listSupportedNetworkServices shows them"),
            )
        };
        let row =
            networkservice::service_named(service).ok_or_else(|| unknown("service", service))?;
        let by = networkservice::provider_named(provider)
            .ok_or_else(|| unknown("service provider", provider))?;
        let Some((_, place)) = chosen.iter_mut().find(|(name, _)| *name == row.name) else {
            return Err(refusal::parameter(
                "serviceproviderlist",
                format!(
                    "has the service {}, which is not enabled; name it in `supportedservices`",
                    row.name
                ),
            ));
        };
        if !by.services.contains(&row.name) {
            return Err(refusal::parameter(
                "serviceproviderlist",
                format!(
                    "has {} for {}, which it does not provide; listSupportedNetworkServices shows who does",
                    by.name, row.name
                ),
            ));
        }
        if place.is_some_and(|other| other != by.name) {
            return Err(refusal::parameter(
                "serviceproviderlist",
                format!("has several providers for {}, which can have one only", row.name),
            ));
        }
        *place = Some(by.name);
    }
    let mut providers: Vec<(Text, Text)> = chosen
        .into_iter()
        .map(|(service, by)| {
            (Text::from(service), Text::from(by.unwrap_or_else(|| default_provider(service))))
        })
        .collect();
    providers.sort();
    Ok(providers)
}

/// The choices of services: the defaults, and over them those of the call.
fn capabilities(
    call: &Call<'_, '_>,
    provider: &[(Text, Text)],
) -> Result<Vec<(Text, Text)>, ApiError> {
    let mut chosen = networkservice::chosen_by_default(provider);
    for entry in call.args.map("servicecapabilitylist") {
        let field = |name: &str| entry.get(name).map_or("", String::as_str);
        let (service, name, value) =
            (field("service"), field("capabilitytype"), field("capabilityvalue"));
        let Some(row) = networkservice::service_named(service)
            .filter(|row| provider.iter().any(|(name, _)| name.as_str() == row.name))
        else {
            return Err(refusal::parameter(
                "servicecapabilitylist",
                format!(
                    "has the service {service}, which is not enabled; name it in `supportedservices`"
                ),
            ));
        };
        let Some(capability) = row.capability(name).filter(|row| !row.choices.is_empty()) else {
            let can: Vec<&str> = row
                .capabilities
                .iter()
                .filter(|one| !one.choices.is_empty())
                .map(|one| one.name)
                .collect();
            return Err(refusal::parameter(
                "servicecapabilitylist",
                format!(
                    "has the capability {name}, which the service {} has not; it can choose {}",
                    row.name,
                    if can.is_empty() { "nothing".to_owned() } else { can.join(", ") }
                ),
            ));
        };
        let Some(value) = capability.choices.iter().find(|one| one.eq_ignore_ascii_case(value))
        else {
            return Err(refusal::parameter(
                "servicecapabilitylist",
                format!(
                    "has {value} for {}; expected {}",
                    capability.name,
                    capability.choices.join(" or ")
                ),
            ));
        };
        let key = format!("{}.{}", row.name, capability.name);
        chosen.retain(|(old, _)| old.as_str() != key);
        chosen.push((Text::from(key), Text::from(*value)));
    }
    chosen.sort();
    Ok(chosen)
}
