//! Zones: data centres, basic or advanced, public or of one domain. Guide 3.3.2.
//!
//! A zone that is disabled takes nothing new and is shown to root admins alone. Once
//! it is enabled and has what they need, its system VMs come up.

use cloudtally_model::{
    ApiError, Text,
    settings::{Scope, setting},
};

use super::{capacity, systemvm};
use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, Resource, ResourceId, World, refusal, verbs},
    parse::given::{self, DISABLED, ENABLED, Subnet},
    table::{
        Command, Kind, KindSpec, MapForm, Object, OnDelete::*, ParamType::*, Roles, Sight, Unique,
        WireType as W, Within, create, delete, f, fields::*, group, hidden, own, p, update,
    },
};

/// The types of networks a zone has.
const BASIC: &str = "Basic";
const ADVANCED: &str = "Advanced";
/// The addresses of guest networks in an advanced zone unless told otherwise.
const GUEST_CIDR: &str = "10.1.1.0/24";

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Zone, &ZONE)
    .seen_by(Sight::By(World::is_offered_to))
    .hidden(&[
        hidden("dnsdomain", W::Str),
        hidden("dnssearchorder", W::Str),
        hidden("details", W::Map),
    ])
    .unique(&[Unique { column: col::NAME, within: Within::Cloud }])
    .keyword(&[col::NAME, col::DESCRIPTION])
    .referred(&[
        (Kind::Pod, col::ZONE_ID.reference(), Refuse),
        (Kind::Host, col::ZONE_ID.reference(), Refuse),
        (Kind::Vm, col::ZONE_ID.reference(), Refuse),
        (Kind::Volume, col::ZONE_ID.reference(), Refuse),
        (Kind::StoragePool, col::ZONE_ID.reference(), Refuse),
        (Kind::PhysicalNetwork, col::ZONE_ID.reference(), Refuse),
        (Kind::Network, col::ZONE_ID.reference(), Refuse),
        (Kind::Vpc, col::ZONE_ID.reference(), Refuse),
        (Kind::ImageStore, col::ZONE_ID.reference(), Refuse),
        (Kind::StagingStore, col::ZONE_ID.reference(), Refuse),
        (Kind::SystemVm, col::ZONE_ID.reference(), Remove),
        (Kind::Account, col::DEFAULT_ZONE_ID.reference(), Forget),
        (Kind::VmwareDatacenter, col::ZONE.reference(), Remove),
        (Kind::Setting, col::OF.reference(), Remove),
    ]);

pub(crate) const ZONE: Object = Object {
    name: "Zone",
    fields: &[
        ID,
        f("name", W::Str),
        f("description", W::Str),
        f("dns1", W::Str).for_root(),
        f("dns2", W::Str).for_root(),
        f("ip6dns1", W::Str).for_root(),
        f("ip6dns2", W::Str).for_root(),
        f("internaldns1", W::Str).for_root(),
        f("internaldns2", W::Str).for_root(),
        f("vlan", W::Str).for_root(),
        f("guestcidraddress", W::Str).for_root(),
        f("status", W::Str),
        f("displaytext", W::Str).for_root(),
        f("domain", W::Str).join(col::DOMAIN_ID, "name"),
        f("domainid", W::Id(Kind::Domain)),
        f("domainname", W::Str).join(col::DOMAIN_ID, "name"),
        f("networktype", W::Str),
        f("securitygroupsenabled", W::Bool),
        f("allocationstate", W::Str),
        f("zonetoken", W::Str).by(|view| Node::text(token(view.resource))).for_root(),
        f("dhcpprovider", W::Str),
        f("capacity", W::Objects("Capacity")).by(|_| Node::Null),
        f("localstorageenabled", W::Bool),
        f("affinitygroupid", W::Id(Kind::AffinityGroup)),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    create("createZone", Kind::Zone)
        .doc("Makes a zone; disabled unless said otherwise")
        .roles(Roles::ROOT)
        .params(&[
            p("dns1", Str).required(),
            p("dns2", Str),
            p("ip6dns1", Str),
            p("ip6dns2", Str),
            p("guestcidraddress", Str),
            p("internaldns1", Str).required(),
            p("internaldns2", Str),
            p("name", Str).required(),
            p("domain", NetworkDomain),
            p("domainid", Id(Kind::Domain))
                .doc("the domain that alone may use it; public unless given"),
            p("networktype", Str).required(),
            p("allocationstate", Str),
            p("securitygroupenabled", Bool).doc("whether VMs are kept apart by security groups"),
            p("localstorageenabled", Bool),
        ])
        .event("ZONE.CREATE")
        .object("zone", &ZONE)
        .check(check_new)
        .act(settle),
    delete("deleteZone", Kind::Zone)
        .doc("Removes a zone without pods, physical networks and networks")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Zone)).required()])
        .event("ZONE.DELETE")
        .success(),
    own("listZones")
        .doc("Lists zones")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Zone)),
            p("available", Bool).doc("true for zones where VMs can be made, false to show all"),
            p("domainid", Id(Kind::Domain)).doc("shows only zones that this domain may use"),
            p("name", Str),
            p("networktype", Str),
            p("showcapacities", Bool),
            p("securitygroupenabled", Bool)
                .doc("true for zones with security groups, false for the others"),
        ])
        .groups(&[group::PAGED])
        .items("zone", &ZONE)
        .read(list_zones),
    update("updateZone", Kind::Zone)
        .doc("Changes a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("dns1", Str),
            p("dns2", Str),
            p("ip6dns1", Str),
            p("ip6dns2", Str),
            p("guestcidraddress", Str),
            p("id", Id(Kind::Zone)).required(),
            p("internaldns1", Str),
            p("internaldns2", Str),
            p("name", Str),
            p("ispublic", Bool).doc("true to open a dedicated zone to everybody"),
            p("allocationstate", Str),
            p("details", Map(MapForm::Fields(&["key", "value"])))
                .doc("details: `details[0].key`, `details[0].value`"),
            p("dhcpprovider", Str).doc("who gives guests their addresses"),
            p("domain", NetworkDomain),
            p("dnssearchorder", List).doc("DNS suffixes to search, separated by commas"),
            p("localstorageenabled", Bool),
        ])
        .event("ZONE.EDIT")
        .object("zone", &ZONE)
        .check(check)
        .act(change),
];

/// The token by which the storage VM of the zone is let in.
fn token(zone: &Resource) -> String {
    zone.uuid.to_string().replace('-', "")
}

/// Refuses addresses and words that are none.
fn check(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    given::check_addresses(call, &["dns1", "dns2", "internaldns1", "internaldns2"])?;
    for name in ["ip6dns1", "ip6dns2"] {
        if let Some(text) = call.args.text(name)
            && text.parse::<std::net::Ipv6Addr>().is_err()
        {
            return Err(call.invalid(name, text, "expected an IPv6 address such as `2001:db8::1`"));
        }
    }
    if let Some(cidr) = call.args.text("guestcidraddress")
        && Subnet::of_cidr(cidr).is_none()
    {
        let expected = "expected an address range such as `10.1.1.0/24`";
        return Err(call.invalid("guestcidraddress", cidr, expected));
    }
    given::allocation_state(call).map(drop)
}

fn check_new(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    check(call)?;
    let network_type = given::word(call, "networktype", &[BASIC, ADVANCED])?;
    if network_type == Some(BASIC) && call.args.has("guestcidraddress") {
        return Err(refusal::parameter(
            "guestcidraddress",
            "is not for a basic zone, whose guests are in the networks of its pods; leave it out",
        ));
    }
    Ok(())
}

/// Gives a new zone what is not given.
fn settle(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let network_type = given::word(call, "networktype", &[BASIC, ADVANCED])?.unwrap_or(ADVANCED);
    let state = given::allocation_state(call)?.unwrap_or(DISABLED);
    let has_groups = call.args.is_true("securitygroupenabled");
    let has_local = call.args.is_true("localstorageenabled");
    let suffix = call.args.text("domain").map(str::to_owned);
    call.tx.edit(id, |zone| {
        zone.set_text(col::NETWORK_TYPE, network_type)
            .set_text(col::ALLOCATION_STATE, state)
            .set_text(col::DHCP_PROVIDER, "VirtualRouter")
            .set_flag(col::SECURITY_GROUPS_ENABLED, has_groups)
            .set_flag(col::LOCAL_STORAGE_ENABLED, has_local)
            .set_text_if(col::DNS_DOMAIN, suffix.as_deref());
        let is_routed = network_type == ADVANCED && !has_groups;
        if is_routed && zone.text(col::GUEST_CIDR_ADDRESS).is_empty() {
            zone.set_text(col::GUEST_CIDR_ADDRESS, GUEST_CIDR);
        }
    });
    Ok(Done::Resource(id))
}

fn change(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. What is given under the name of a column.
    let id = call.entity_id();
    let mut zone = call.entity().clone();
    verbs::assign(call, &mut zone);
    call.check_unique(&zone)?;
    // 2. What has another name or another spelling.
    if let Some(state) = given::allocation_state(call)? {
        zone.set_text(col::ALLOCATION_STATE, state);
    }
    if let Some(suffix) = call.args.text("domain") {
        zone.set_text(col::DNS_DOMAIN, suffix);
    }
    if zone.text(col::NETWORK_TYPE) == BASIC && call.args.has("guestcidraddress") {
        return Err(refusal::parameter(
            "guestcidraddress",
            "is not for a basic zone; leave it out",
        ));
    }
    match call.args.flag("ispublic") {
        Some(true) => drop(zone.set_ref(col::DOMAIN_ID, None)),
        Some(false) if zone.id_of(col::DOMAIN_ID).is_none() => {
            return Err(zone.refused(
                "ispublic",
                "is public and cannot be closed; make a zone with `domainid` instead",
            ));
        }
        Some(false) | None => {}
    }
    // 3. Details that are settings of zones are set as such; the others are kept.
    let given: Vec<(String, String)> = call
        .args
        .map("details")
        .iter()
        .filter_map(|pair| Some((pair.get("key")?.clone(), pair.get("value")?.clone())))
        .collect();
    let is_setting = |name: &str| setting(name).is_some_and(|row| row.scope == Scope::Zone);
    for (name, value) in given.iter().filter(|(name, _)| is_setting(name)) {
        let row = setting(name).expect("looked up above");
        row.check(value).map_err(|why| call.invalid("details", name, &why))?;
        call.tx.set_scoped_setting(id, name, Some(value));
    }
    if call.args.has("details") {
        let mut kept: Vec<(Text, Text)> = call.entity().map(col::DETAILS).to_vec();
        for (name, value) in given.iter().filter(|(name, _)| !is_setting(name)) {
            kept.retain(|(old, _)| old != name);
            kept.push((name.as_str().into(), value.as_str().into()));
        }
        zone.set_map(col::DETAILS, (!kept.is_empty()).then_some(kept));
    }
    call.tx.edit(id, |old| *old = zone);
    // 4. What an enabled zone needs to serve guests.
    systemvm::bring_up(call.tx, id);
    Ok(Done::Resource(id))
}

/// Refuses offerings of disks of hosts in a zone that uses none.
pub(crate) fn refuse_local(
    call: &Call<'_, '_>,
    zone: ResourceId,
    offerings: &[Option<ResourceId>],
) -> Result<(), ApiError> {
    let zone = call.tx.resource(zone);
    let is_local = |offering: &&Resource| offering.text(col::STORAGE_TYPE) == "local";
    let local = offerings.iter().flatten().map(|id| call.tx.resource(*id)).find(is_local);
    match local.filter(|_| !zone.flag(col::LOCAL_STORAGE_ENABLED)) {
        None => Ok(()),
        Some(offering) => Err(zone
            .refused(
                "id",
                format!(
                    "uses no disks of hosts; the {} {} is for these",
                    offering.kind.noun(),
                    offering.text(col::NAME)
                ),
            )
            .about(offering.uuid.to_string(), "id")),
    }
}

/// Refuses to put something new into a zone that is disabled; root admins may, to try it.
pub(crate) fn refuse_disabled(call: &Call<'_, '_>, zone: ResourceId) -> Result<(), ApiError> {
    let zone = call.tx.resource(zone);
    if zone.text(col::ALLOCATION_STATE) == ENABLED || call.caller.is_root() {
        return Ok(());
    }
    Err(zone.refused_as(ApiError::permission, "zoneid", "is not enabled"))
}

fn list_zones(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let has_groups = args.flag("securitygroupenabled");
    let only_available = args.is_true("available") || !query.caller.is_root();
    let domain = args.id("domainid");
    let zones = query.resources(Kind::Zone)?.into_iter().filter(|zone| {
        has_groups.is_none_or(|wanted| zone.flag(col::SECURITY_GROUPS_ENABLED) == wanted)
            && (!only_available || zone.text(col::ALLOCATION_STATE) == ENABLED)
            && domain.is_none_or(|domain| {
                zone.id_of(col::DOMAIN_ID).is_none_or(|top| query.world.is_within(domain, top))
            })
    });
    capacity::page(query, zones)
}
