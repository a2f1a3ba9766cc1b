//! VPC offerings: which services a VPC has and who provides them. Guide 4.2.7.2.

use cloudtally_model::{ApiError, Text};

use super::networkservice;
use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, Resource, ResourceId, Tx, refusal, table},
    parse::given,
    state::SwitchState,
    table::{
        Command, Kind, KindSpec, MapForm, Object, ParamType::*, Roles, WireType as W, f, fields::*,
        group, hidden, own, p, update,
    },
};

/// Longest name of an offering.
const NAME_CHARS_MAX: usize = 64;
/// The provider of a service unless an offering names another.
const ROUTER: &str = "VpcVirtualRouter";
/// Services that every VPC has, named or not.
const ALWAYS: [&str; 2] = ["NetworkACL", "Gateway"];
/// Services that no VPC can have.
const NEVER: [&str; 2] = ["SecurityGroup", "Firewall"];

/// A VPC offering can be used while it is enabled. Hidden: `provider` says who provides a
/// service, by service in the order they are shown, the first choice of several first;
/// `uniquename` is the name it was made with, which stays its own when it is renamed.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::VpcOffering, &VPC_OFFERING)
    .newest_first()
    .hidden(&[hidden("provider", W::Map), hidden("uniquename", W::Str)])
    .states(table!(SwitchState: Disabled, Enabled; Disabled => Enabled; Enabled => Disabled;))
    .keyword(&[col::NAME, col::DISPLAY_TEXT])
    .job_instance("VpcOffering");

pub(crate) const VPC_OFFERING: Object = Object {
    name: "VpcOffering",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        CREATED,
        f("isdefault", W::Bool),
        STATE,
        f("service", W::Objects("Service")).by(|view| services(view.resource)),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createVPCOffering")
        .doc("Makes a VPC offering; disabled until it is updated")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required(),
            p("displaytext", Str).required(),
            p("supportedservices", List).required(),
            p("serviceproviderlist", Map(MapForm::Fields(&["service", "provider"]))),
        ])
        .create_job("VPC.OFFERING.CREATE")
        .object("vpcoffering", &VPC_OFFERING)
        .kind(Kind::VpcOffering)
        .begin(begin)
        .act(|call| Ok(Done::Resource(call.entity_id()))),
    own("deleteVPCOffering")
        .doc("Withdraws a VPC offering that no VPC is of")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::VpcOffering)).required()])
        .job("VPC.OFFERING.DELETE")
        .success()
        .kind(Kind::VpcOffering)
        .check(check_delete)
        .act(delete),
    own("listVPCOfferings")
        .doc("Lists VPC offerings")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::VpcOffering)),
            p("name", Str).doc("shows only what has this text in its name"),
            p("displaytext", Str).doc("shows only what has this text in its description"),
            p("isdefault", Bool),
            p("supportedservices", List)
                .doc("shows only those with all these services, separated by commas"),
            p("state", Str).doc("`Enabled` or `Disabled`"),
        ])
        .groups(&[group::PAGED])
        .items("vpcoffering", &VPC_OFFERING)
        .kind(Kind::VpcOffering)
        .read(list),
    update("updateVPCOffering", Kind::VpcOffering)
        .doc("Enables, disables or renames a VPC offering")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::VpcOffering)).required(),
            p("name", Str),
            p("displaytext", Str),
            p("state", Str).doc("`Enabled` or `Disabled`; only enabled ones can be used"),
        ])
        .job("VPC.OFFERING.UPDATE")
        .object("vpcoffering", &VPC_OFFERING)
        .check(|call| given::switch(call).map(drop))
        .act(change),
];

/// One VPC offering that every cloud has.
struct Default {
    name: &'static str,
    is_default: bool,
    /// The providers of load balancing, the first choice first.
    balancers: [&'static str; 2],
}

const DEFAULTS: [Default; 2] = [
    Default {
        name: "Default VPC offering",
        is_default: true,
        balancers: ["VpcVirtualRouter", "InternalLbVm"],
    },
    Default {
        name: "Default VPC  offering with Netscaler",
        is_default: false,
        balancers: ["Netscaler", "InternalLbVm"],
    },
];

/// Services of the offerings that every cloud has, besides load balancing.
const DEFAULT_SERVICES: [&str; 9] = [
    "Dhcp",
    "Dns",
    "Gateway",
    "NetworkACL",
    "PortForwarding",
    "SourceNat",
    "StaticNat",
    "UserData",
    "Vpn",
];

/// Makes the offerings that every cloud has, in one that lacks them.
///
/// # Source
/// Names, services and providers are those of the 4.2.1 server.
pub(crate) fn seed(tx: &mut Tx<'_>) {
    // The first cannot be deleted: a cloud without it was made by an older version.
    if tx.all(Kind::VpcOffering).any(|offering| offering.flag(col::IS_DEFAULT)) {
        return;
    }
    for row in &DEFAULTS {
        let mut providers: Vec<(Text, Text)> =
            DEFAULT_SERVICES.iter().map(|name| (Text::from(*name), Text::from(ROUTER))).collect();
        providers.extend(row.balancers.map(|by| (Text::from("Lb"), Text::from(by))));
        // Stable: those of one service stay in their order.
        providers.sort_by(|(one, _), (other, _)| one.cmp(other));
        tx.insert(Kind::VpcOffering, |offering| {
            offering.set_state(SwitchState::Enabled);
            offering
                .set_text(col::NAME, row.name)
                .set_text(col::UNIQUE_NAME, row.name)
                .set_text(col::DISPLAY_TEXT, row.name)
                .set_flag(col::IS_DEFAULT, row.is_default)
                .set_map(col::PROVIDERS, providers);
        });
    }
}

/// Tells whether a provider provides a service in VPCs of an offering.
pub(crate) fn offers(offering: &Resource, service: &str, provider: &str) -> bool {
    let is_it = |(of, by): &(Text, Text)| of.as_str() == service && by.as_str() == provider;
    offering.map(col::PROVIDERS).iter().any(is_it)
}

/// Tells whether VPCs of an offering have a service, such as `SourceNat`.
pub(crate) fn provides(offering: &Resource, service: &str) -> bool {
    offering.map(col::PROVIDERS).iter().any(|(of, _)| of.as_str() == service)
}

/// The services of an offering, each with its first provider.
pub(crate) fn first_providers(offering: &Resource) -> Vec<(&str, &str)> {
    let mut first: Vec<(&str, &str)> = Vec::new();
    for (service, provider) in offering.map(col::PROVIDERS) {
        if !first.iter().any(|(known, _)| *known == service.as_str()) {
            first.push((service, provider));
        }
    }
    first
}

/// The services as answers show them, each with its providers; not the gateway, which no
/// tenant chooses.
pub(crate) fn services(offering: &Resource) -> Node {
    let show = |service: &str| {
        let providers = offering.map(col::PROVIDERS).iter();
        let providers = providers
            .filter(|(of, _)| of.as_str() == service)
            .map(|(_, by)| Node::Object(vec![("name", Node::text(by))]));
        Node::Object(vec![
            ("name", Node::text(service)),
            ("provider", Node::List(providers.collect())),
        ])
    };
    let shown = first_providers(offering).into_iter().filter(|(service, _)| *service != "Gateway");
    Node::List(shown.map(|(service, _)| show(service)).collect())
}

fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let args = call.args.clone();
    let providers = providers(call)?;
    let name = args.text_required("name");
    if name.chars().count() > NAME_CHARS_MAX {
        let expected = format!("expected at most {NAME_CHARS_MAX} characters");
        return Err(call.invalid("name", name, &expected));
    }
    let is_taken = call.tx.all(Kind::VpcOffering).any(|other| other.text(col::UNIQUE_NAME) == name);
    if is_taken {
        return Err(refusal::taken(Kind::VpcOffering, name, "name"));
    }
    let id = call.tx.insert(Kind::VpcOffering, |offering| {
        offering
            .set_text(col::NAME, name)
            .set_text(col::UNIQUE_NAME, name)
            .set_text(col::DISPLAY_TEXT, args.text_required("displaytext"))
            .set_flag(col::IS_DEFAULT, false)
            .set_map(col::PROVIDERS, providers);
    });
    Ok(Some(id))
}

/// The provider of each service that is asked for, sorted by service.
fn providers(call: &Call<'_, '_>) -> Result<Vec<(Text, Text)>, ApiError> {
    // 1. Services that a VPC can have.
    let mut chosen: Vec<(&'static str, Option<&'static str>)> = Vec::new();
    for name in call.args.list("supportedservices") {
        let service = known_service(name, "supportedservices")?;
        if NEVER.contains(&service) {
            return Err(refusal::parameter(
                "supportedservices",
                format!("has {service}, which VPCs do not have; leave the service out"),
            ));
        }
        if !chosen.iter().any(|(known, _)| *known == service) {
            chosen.push((service, None));
        }
    }
    if !chosen.iter().any(|(service, _)| *service == "SourceNat") {
        return Err(refusal::parameter(
            "supportedservices",
            "lacks SourceNat, which every VPC needs; add the service",
        ));
    }
    for service in ALWAYS {
        if !chosen.iter().any(|(known, _)| *known == service) {
            chosen.push((service, None));
        }
    }
    // 2. Providers, one a service.
    for entry in call.args.map("serviceproviderlist") {
        let field = |name: &str| entry.get(name).map_or("", String::as_str);
        let service = known_service(field("service"), "serviceproviderlist")?;
        let wrong = |why: String| refusal::parameter("serviceproviderlist", why);
        let provider = networkservice::provider_named(field("provider")).ok_or_else(|| {
            let name = field("provider");
            wrong(format!(
                "has no service provider {name}; listSupportedNetworkServices shows them"
            ))
        })?;
        let Some((_, place)) = chosen.iter_mut().find(|(known, _)| *known == service) else {
            return Err(wrong(format!(
                "has the service {service}, which is not supported; name it in `supportedservices`"
            )));
        };
        if !provider.services.contains(&service) {
            return Err(wrong(format!(
                "has {} for {service}, which it does not provide; listSupportedNetworkServices shows who does",
                provider.name
            )));
        }
        if place.is_some_and(|other| other != provider.name) {
            return Err(wrong(format!(
                "has several providers for {service}, which can have one only"
            )));
        }
        *place = Some(provider.name);
    }
    chosen.sort_unstable();
    let pair = |(service, by): (&str, Option<&str>)| {
        (Text::from(service), Text::from(by.unwrap_or(ROUTER)))
    };
    Ok(chosen.into_iter().map(pair).collect())
}

/// The name of a service as it is written, which must be known.
fn known_service(name: &str, parameter: &str) -> Result<&'static str, ApiError> {
    networkservice::service_named(name).map(|service| service.name).ok_or_else(|| {
        refusal::parameter(
            parameter,
            format!("has no service {name}; listSupportedNetworkServices shows them"),
        )
    })
}

fn change(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let args = call.args.clone();
    call.tx.edit(id, |offering| {
        for column in [col::NAME, col::DISPLAY_TEXT] {
            if let Some(text) = args.text(column.name()) {
                offering.set_text(column, text);
            }
        }
    });
    if let Some(state) = given::switch(call)? {
        call.tx.move_to(id, state);
    }
    Ok(Done::Resource(id))
}

fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let offering = call.tx.resource(call.args.id_required("id"));
    if offering.flag(col::IS_DEFAULT) {
        return Err(offering.refused("id", "is the default one and cannot be deleted; disable it"));
    }
    let vpcs = call.tx.referring(offering.id, Kind::Vpc, col::VPC_OFFERING_ID).count();
    if vpcs > 0 {
        return Err(offering
            .refused("id", format!("is used by {vpcs} VPCs and cannot be deleted; disable it")));
    }
    Ok(())
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // A VPC may have been made of it since the call.
    check_delete(call)?;
    let id = call.entity_id();
    call.tx.remove_with_dependants(id);
    Ok(Done::Success)
}

fn list(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let services: Vec<&str> = args
        .list("supportedservices")
        .iter()
        .map(|name| known_service(name, "supportedservices"))
        .collect::<Result<_, _>>()?;
    let has = |offering: &Resource, name: &str, column| {
        let wanted = args.text(name).map(str::to_lowercase);
        wanted.is_none_or(|wanted| offering.text(column).to_lowercase().contains(&wanted))
    };
    let is_listed = |offering: &&Resource| {
        args.id("id").is_none_or(|id| offering.id == id)
            && has(offering, "name", col::NAME)
            && has(offering, "displaytext", col::DISPLAY_TEXT)
            && args.flag("isdefault").is_none_or(|flag| offering.flag(col::IS_DEFAULT) == flag)
            && args.text("state").is_none_or(|state| offering.state().eq_ignore_ascii_case(state))
            && services.iter().all(|service| provides(offering, service))
            && query.is_named_in(&[offering.text(col::NAME), offering.text(col::DISPLAY_TEXT)])
    };
    query.page(query.world.all(Kind::VpcOffering).rev().filter(is_listed))
}
