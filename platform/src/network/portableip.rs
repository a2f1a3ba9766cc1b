//! Portable addresses: public addresses of a region that can move between its zones.
//! Guide 4.1.1.31.

use std::collections::BTreeMap;

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Done, Node, Resource, ResourceId, View, World, unknown_because, verbs},
    parse::{
        ip,
        iprange::{self, IpRange},
        vlanset::vlan_number,
    },
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, create, delete, f,
        fields::*, group, list, p,
    },
};

/// The most addresses that a range has: each of them is shown.
const ADDRESSES_MAX: u32 = 1 << 16;

/// A range of portable addresses; an address of it that somebody has is an
/// IP address with `isportable`.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::PortableIpRange, &PORTABLE_IP_RANGE)
    .infrastructure()
    .keyword(&[col::START_IP, col::END_IP, col::GATEWAY])
    .job_instance("PortableIpRange");

pub(crate) const PORTABLE_IP: Object = Object {
    name: "PortableIp",
    fields: &[
        f("regionid", W::Int),
        f("ipaddress", W::Str),
        ZONE_ID,
        f("networkid", W::Id(Kind::Network)),
        f("vpcid", W::Id(Kind::Vpc)),
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("accountid", W::Id(Kind::Account)),
        f("domainid", W::Id(Kind::Domain)),
        f("allocated", W::Date),
        f("state", W::Str),
    ],
};

pub(crate) const PORTABLE_IP_RANGE: Object = Object {
    name: "PortableIpRange",
    fields: &[
        ID,
        f("regionid", W::Int),
        f("gateway", W::Str),
        f("netmask", W::Str),
        f("vlan", W::Str),
        f("startip", W::Str),
        f("endip", W::Str),
        f("portableipaddress", W::Objects("PortableIp")).by(addresses),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    create("createPortableIpRange", Kind::PortableIpRange)
        .doc("Adds portable public addresses to a region")
        .roles(Roles::ROOT)
        .params(&[
            p("regionid", Region).required(),
            p("startip", Str).required(),
            p("endip", Str).required().doc("the last address of the range"),
            p("gateway", Str).required(),
            p("netmask", Str).required(),
            p("vlan", Str).doc("the VLAN they are on; untagged unless given"),
        ])
        .create_job("PORTABLE.IP.RANGE.CREATE")
        .object("portableiprange", &PORTABLE_IP_RANGE)
        .begin(begin),
    delete("deletePortableIpRange", Kind::PortableIpRange)
        .doc("Removes portable public addresses that nobody uses")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::PortableIpRange)).required()])
        .job("PORTABLE.IP.RANGE.DELETE")
        .success()
        .check(check_delete)
        .act(remove),
    list("listPortableIpRanges", Kind::PortableIpRange)
        .doc("Lists ranges of portable public addresses")
        .roles(Roles::ROOT)
        .params(&[p("regionid", Region), p("id", Id(Kind::PortableIpRange))])
        .groups(&[group::PAGED])
        .items("portableiprange", &PORTABLE_IP_RANGE),
];

/// Tells whether this cloud knows a region of this number.
pub(crate) fn is_region(world: &World, number: i64) -> bool {
    world.all(Kind::Region).any(|region| region.int(col::ID_NUMBER) == number)
}

fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let args = call.args.clone();
    // 1. A region that is known.
    let region = args.int("regionid").unwrap_or_default();
    if !is_region(call.tx, region) {
        let why = "there is no such region; listRegions shows those there are";
        return Err(unknown_because("regionid", &region.to_string(), why));
    }
    // 2. Addresses that nobody has yet.
    let text = |name: &str| args.text_required(name);
    let end = Some(text("endip"));
    let range = IpRange::checked(call, text("gateway"), text("netmask"), text("startip"), end)?;
    if range.last - range.first >= ADDRESSES_MAX {
        return Err(call.invalid(
            "endip",
            text("endip"),
            &format!("expected a range of at most {ADDRESSES_MAX} addresses"),
        ));
    }
    range.check_apart(call.tx.all(Kind::PortableIpRange))?;
    range.check_apart(
        call.tx.all(Kind::VlanIpRange).filter(|other| other.flag(col::FOR_VIRTUAL_NETWORK)),
    )?;
    // 3. A VLAN that no guest network gets.
    let vlan = match args.text("vlan") {
        None => None,
        Some(vlan) if vlan.eq_ignore_ascii_case("untagged") => None,
        Some(vlan) => Some(vlan_number(vlan).ok_or_else(|| {
            call.invalid("vlan", vlan, "expected `untagged` or a number from 0 to 4095")
        })?),
    };
    if let Some(vlan) = vlan
        && let Some(network) = call
            .tx
            .all(Kind::PhysicalNetwork)
            .find(|network| crate::site::physicalnetwork::vlan_set(network).contains(vlan))
    {
        return Err(
            network.refused("vlan", format!("has VLAN {vlan} for guest networks; choose another"))
        );
    }
    let id = verbs::create(call, Kind::PortableIpRange)?;
    let vlan = vlan.map_or_else(|| "untagged".to_owned(), |vlan| vlan.to_string());
    call.tx.edit(id, |row| {
        range.store(row);
        row.set_text(col::VLAN, &vlan);
    });
    Ok(Some(id))
}

/// The addresses of a range that somebody has.
fn taken<'w>(world: &'w World, range: &'w Resource) -> impl Iterator<Item = &'w Resource> {
    world.all(Kind::IpAddress).filter(|address| {
        address.flag(col::IS_PORTABLE) && iprange::holds(range, address.text(col::IP_ADDRESS))
    })
}

fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let range = call.tx.resource(call.args.id_required("id"));
    match taken(call.tx, range).next() {
        Some(address) => Err(range
            .refused_as(
                ApiError::in_use,
                "id",
                format!("has {} in use; give it up first", address.text(col::IP_ADDRESS)),
            )
            .about(address.uuid.to_string(), "id")),
        None => Ok(()),
    }
}

fn remove(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // Somebody may have taken an address since the call.
    check_delete(call)?;
    verbs::delete(call, call.entity_id())?;
    Ok(Done::Success)
}

/// All addresses of a range, those that nobody has too.
fn addresses(view: &View<'_>) -> Node {
    let (world, range) = (view.world, view.resource);
    let uuid =
        |id: Option<ResourceId>| Node::text_if(id.map(|id| world.resource(id).uuid.to_string()));
    let taken: BTreeMap<&str, &Resource> =
        taken(world, range).map(|held| (held.text(col::IP_ADDRESS), held)).collect();
    let show = |at: u32| {
        let address = ip::format(at);
        let held = taken.get(address.as_str());
        let mut fields = vec![
            ("regionid", Node::Int(range.int(col::REGION_ID))),
            ("ipaddress", Node::text(&address)),
        ];
        if let Some(held) = held {
            fields.extend([
                ("zoneid", uuid(held.id_of(col::ZONE_ID))),
                ("networkid", uuid(held.id_of(col::ASSOCIATED_NETWORK_ID))),
                ("vpcid", uuid(held.id_of(col::VPC_ID))),
                ("physicalnetworkid", uuid(held.id_of(col::PHYSICAL_NETWORK_ID))),
                ("accountid", uuid(held.owner)),
                ("domainid", uuid(world.domain_of_resource(held))),
                ("allocated", Node::Date(held.time(col::ALLOCATED).unwrap_or(held.created))),
            ]);
            fields.retain(|(_, node)| *node != Node::Null);
        }
        let state = if held.is_some() { "Allocated" } else { "Free" };
        fields.push(("state", Node::text(state)));
        Node::Object(fields)
    };
    let Some((first, last)) = iprange::bounds(range) else { return Node::Null };
    Node::List((first..=last).map(show).collect())
}
