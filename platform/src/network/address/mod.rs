//! Public IP addresses: acquired by a tenant for a network or a VPC, billed while held.

mod associate;
mod list;

use cloudtally_model::ApiError;

use crate::{
    col,
    desk::metering,
    engine::{
        Column, Level, Resource, ResourceId, Tx, World, happened, limit, remove_all_on, table,
    },
    network::{router_vm, rules},
    parse::ip,
    site::addressrange::{first_free, free_in},
    state::AddressState,
    table::{
        Command, GoesWith, Kind, KindSpec, Limit, Object, ParamType::*, Roles, Turn, WireType as W,
        f, fields::*, group, own, p,
    },
};

pub(crate) const IP_ADDRESS: Object = Object {
    name: "IPAddress",
    fields: &[
        ID,
        f("ipaddress", W::Str),
        f("allocated", W::Date),
        ZONE_ID,
        ZONE_NAME,
        f("issourcenat", W::Bool),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        f("forvirtualnetwork", W::Bool),
        f("vlanid", W::Id(Kind::VlanIpRange)),
        f("vlanname", W::Str).join(col::VLAN_ID, "vlan"),
        f("isstaticnat", W::Bool),
        f("issystem", W::Bool),
        f("virtualmachineid", W::Id(Kind::Vm)),
        f("vmipaddress", W::Str),
        f("virtualmachinename", W::Str).join(col::VIRTUAL_MACHINE_ID, "name"),
        f("virtualmachinedisplayname", W::Str).join(col::VIRTUAL_MACHINE_ID, "displayname"),
        f("associatednetworkid", W::Id(Kind::Network)),
        f("associatednetworkname", W::Str).join(col::ASSOCIATED_NETWORK_ID, "name"),
        f("networkid", W::Id(Kind::Network)),
        STATE,
        f("physicalnetworkid", W::Id(Kind::PhysicalNetwork)),
        f("purpose", W::Str),
        f("vpcid", W::Id(Kind::Vpc)),
        TAGS,
        f("isportable", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("associateIpAddress")
        .doc("Acquires a public IP address for a network, a VPC or, if portable, a region")
        .roles(Roles::ALL)
        .params(&[
            p("zoneid", Id(Kind::Zone))
                .doc("the zone to take it from; this, `networkid` or `vpcid`"),
            p("networkid", Id(Kind::Network))
                .doc("the network to use it in; the account's only isolated one unless given"),
            p("vpcid", Id(Kind::Vpc)).doc("the VPC to use it in; not with `networkid`"),
            p("isportable", Bool)
                .doc("true for an address that can move between zones; false unless given"),
            p("regionid", Region).doc("the region to take a portable address from"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .create_job("NET.IPASSIGN") // `PORTABLE.IPASSIGN` for a portable address
        .object("ipaddress", &IP_ADDRESS)
        .kind(Kind::IpAddress)
        .event_by(|_, address| event(address, "NET.IPASSIGN", "PORTABLE.IPASSIGN"))
        .begin(associate::begin_associate)
        .act(associate::associate)
        .on_failure(|call, _| associate::give_up(call)),
    own("disassociateIpAddress")
        .doc("Gives up a public IP address together with its rules")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::IpAddress)).required().doc("the address")])
        .job("NET.IPRELEASE") // `PORTABLE.IPRELEASE` for a portable address
        .success()
        .kind(Kind::IpAddress)
        .event_by(|_, address| event(address, "NET.IPRELEASE", "PORTABLE.IPRELEASE"))
        .check(associate::check_release)
        .act(associate::disassociate),
    own("listPublicIpAddresses")
        .doc("Lists public IP addresses")
        .roles(Roles::ALL)
        .params(&[
            p("allocatedonly", Bool).doc("false to show free ones as well; true unless given"),
            p("forvirtualnetwork", Bool)
                .doc("true for public ones, false for those directly on VMs"),
            p("id", Id(Kind::IpAddress)),
            p("ipaddress", Str).doc("shows only this address"),
            p("vlanid", Id(Kind::VlanIpRange)).doc("shows only those of this VLAN IP range"),
            p("zoneid", Id(Kind::Zone)),
            p("forloadbalancing", Bool).doc("true for those that load balancer rules can use"),
            p("physicalnetworkid", Id(Kind::PhysicalNetwork)),
            p("associatednetworkid", Id(Kind::Network))
                .doc("shows only those used by this network"),
            p("issourcenat", Bool).doc("true for source NAT addresses"),
            p("isstaticnat", Bool).doc("true for those with static NAT"),
            p("vpcid", Id(Kind::Vpc)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("publicipaddress", &IP_ADDRESS)
        .kind(Kind::IpAddress)
        .read(list::list_addresses),
];

/// The rules on them are given up by `release`. Those of a
/// range that is kept for an account are its own, billed and counted, also while free.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::IpAddress, &IP_ADDRESS)
    .called_by(col::IP_ADDRESS)
    // Addresses that shared networks give to machines are not counted.
    .counts(&[(Limit::PublicIp, |_, address| i64::from(address.flag(col::FOR_VIRTUAL_NETWORK)))])
    .goes_with_owner(Turn::Addresses, release)
    .goes_with(&[GoesWith {
        other: Kind::Vm,
        by: col::VIRTUAL_MACHINE_ID,
        turn: Turn::StaticNat,
        remove: lead_nowhere,
    }])
    .newest_first()
    .owned()
    .states(table!(AddressState: Allocated, Free; Allocated => Free; Free => Allocated;))
    .limit(Limit::PublicIp)
    .keyword(&[col::IP_ADDRESS])
    .tagged("PublicIpAddress")
    .metered(metering::ADDRESS)
    .job_instance("IpAddress");

/// The type of an event, by what sort of address it is about.
fn event(address: &Resource, plain: &'static str, portable: &'static str) -> &'static str {
    if address.flag(col::IS_PORTABLE) { portable } else { plain }
}

/// The public ranges of a zone that an account may take from: first those kept
/// for it, then, if it may, those of everybody.
fn public_ranges(world: &World, zone: ResourceId, owner: ResourceId) -> Vec<&Resource> {
    let public = || {
        world
            .referring(zone, Kind::VlanIpRange, col::ZONE_ID)
            .filter(|range| range.flag(col::FOR_VIRTUAL_NETWORK))
    };
    let mut ranges: Vec<&Resource> =
        public().filter(|range| range.id_of(col::ACCOUNT_ID) == Some(owner)).collect();
    if ranges.is_empty() || world.scoped_setting(owner, "use.system.public.ips") == "true" {
        ranges.extend(public().filter(|range| range.id_of(col::ACCOUNT_ID).is_none()));
    }
    ranges
}

/// The purpose of a new address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The source NAT address of a network.
    SourceNat,
    /// Rules of the tenant.
    Rules,
}

/// The holder of a new address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// An isolated network.
    Network(ResourceId),
    /// A VPC; the address serves one of its tiers once a rule leads there.
    Vpc(ResourceId),
}

impl Holder {
    /// The column that names it in its addresses, and its id.
    fn place(self) -> (Column<ResourceId>, ResourceId) {
        match self {
            Self::Network(id) => (col::ASSOCIATED_NETWORK_ID, id),
            Self::Vpc(id) => (col::VPC_ID, id),
        }
    }
}

/// Takes a public address of a zone for a network or a VPC of an account.
pub(crate) fn acquire(
    tx: &mut Tx<'_>,
    owner: ResourceId,
    zone: ResourceId,
    holder: Holder,
    purpose: Purpose,
) -> Result<ResourceId, ApiError> {
    let (column, of) = holder.place();
    let now = tx.now;
    let is_source_nat = purpose == Purpose::SourceNat;
    // 1. One that is kept for the account; it is counted and billed already.
    let kept = tx
        .owned_by(owner, Kind::IpAddress)
        .find(|held| held.is(AddressState::Free) && held.id_of(col::ZONE_ID) == Some(zone))
        .map(|held| held.id);
    if let Some(id) = kept {
        tx.edit(id, |address| {
            address
                .set_ref(column, of)
                .set_flag(col::IS_SOURCE_NAT, is_source_nat)
                .set_time(col::ALLOCATED, now);
        });
        tx.move_to(id, AddressState::Allocated);
        return Ok(id);
    }
    // 2. One of everybody's.
    limit::check(tx, owner, Limit::PublicIp, 1)?;
    let found = public_ranges(tx, zone, owner)
        .into_iter()
        .find_map(|range| Some((range.id, first_free(tx, range)?)));
    let (range, address) = found.ok_or_else(|| {
        tx.resource(zone).refused_as(
            ApiError::address_capacity,
            "zoneid",
            "has no free public address; add a range with createVlanIpRange",
        )
    })?;
    let id = insert_public(tx, owner, range, &address, |address| {
        address
            .set_ref(column, of)
            .set_flag(col::IS_SOURCE_NAT, is_source_nat)
            .set_time(col::ALLOCATED, now);
    });
    Ok(id)
}

fn insert_public(
    tx: &mut Tx<'_>,
    owner: ResourceId,
    range: ResourceId,
    address: &str,
    fill: impl FnOnce(&mut Resource),
) -> ResourceId {
    let of = tx.resource(range);
    let zone = of.id_of(col::ZONE_ID).expect("ranges are in a zone");
    let physical = of.id_of(col::PHYSICAL_NETWORK_ID);
    insert(tx, owner, zone, address, |resource| {
        resource
            .set_ref(col::VLAN_ID, range)
            .set_ref(col::PHYSICAL_NETWORK_ID, physical)
            .set_flag(col::FOR_VIRTUAL_NETWORK, true)
            .set_flag(col::IS_SOURCE_NAT, false);
        fill(resource);
    })
}

/// Keeps the addresses of a range for an account: they are its own from now on, also
/// those that it has not acquired.
///
/// # Source
/// `usage-4.2-behaviour.md` 1.3; guide 8.2: the address is owned by the account.
pub(crate) fn keep(tx: &mut Tx<'_>, range: ResourceId, owner: ResourceId) -> Result<(), ApiError> {
    let free: Vec<String> = free_in(tx, tx.resource(range)).collect();
    let more = i64::try_from(free.len()).unwrap_or(i64::MAX);
    limit::check(tx, owner, Limit::PublicIp, more)?;
    for address in free {
        insert_public(tx, owner, range, &address, |address| address.set_state(AddressState::Free));
    }
    Ok(())
}

/// Keeps the addresses of a range for nobody any more: what is not acquired is free for
/// all, what is stays with its owner.
pub(crate) fn keep_no_more(tx: &mut Tx<'_>, range: ResourceId) {
    tx.edit(range, |range| {
        range.set_ref(col::ACCOUNT_ID, None);
    });
    for id in tx.ids_referring(range, Kind::IpAddress, col::VLAN_ID) {
        if tx.resource(id).is(AddressState::Free) {
            tx.remove_with_dependants(id);
        }
    }
}

/// Takes an address that a virtual machine on a shared network gets directly.
pub(crate) fn acquire_direct(
    tx: &mut Tx<'_>,
    owner: ResourceId,
    network: ResourceId,
    wanted: Option<&str>,
) -> Result<(ResourceId, ResourceId), ApiError> {
    let shared = tx.resource(network).clone();
    let zone = shared.id_of(col::ZONE_ID).expect("networks are in a zone");
    let ranges: Vec<&Resource> =
        tx.referring(network, Kind::VlanIpRange, col::NETWORK_ID).collect();
    let found = match wanted {
        None => ranges.into_iter().find_map(|range| Some((range.id, first_free(tx, range)?))),
        Some(address) => {
            let holds = |range: &&Resource| {
                ip::range(range.text(col::START_IP), range.text(col::END_IP))
                    .any(|candidate| ip::format(candidate) == address)
            };
            let range = ranges.into_iter().find(holds).ok_or_else(|| {
                shared.refused("networkids", format!("has no range with the address {address}"))
            })?;
            if !free_in(tx, range).any(|free| free == address) {
                return Err(shared.refused(
                    "networkids",
                    format!("has the address {address} taken already; choose another"),
                ));
            }
            Some((range.id, address.to_owned()))
        }
    };
    let (range, address) = found.ok_or_else(|| {
        shared.refused_as(
            ApiError::address_capacity,
            "networkid",
            "has no free address; add a range with createVlanIpRange",
        )
    })?;
    let now = tx.now;
    let id = insert(tx, owner, zone, &address, |resource| {
        resource
            .set_time(col::ALLOCATED, now)
            .set_ref(col::VLAN_ID, range)
            .set_ref(col::NETWORK_ID, network)
            .set_ref(col::ASSOCIATED_NETWORK_ID, network)
            .set_flag(col::FOR_VIRTUAL_NETWORK, false)
            .set_flag(col::IS_SOURCE_NAT, false);
    });
    router_vm::give_way(tx, network, &address);
    Ok((id, range))
}

fn insert(
    tx: &mut Tx<'_>,
    owner: ResourceId,
    zone: ResourceId,
    address: &str,
    fill: impl FnOnce(&mut Resource),
) -> ResourceId {
    tx.insert(Kind::IpAddress, |resource| {
        resource.owner = Some(owner);
        resource
            .set_text(col::IP_ADDRESS, address)
            .set_ref(col::ZONE_ID, zone)
            .set_flag(col::IS_STATIC_NAT, false)
            .set_flag(col::IS_SYSTEM, false)
            .set_flag(col::IS_PORTABLE, false);
        fill(resource);
    })
}

/// Takes a portable address that nothing stands on to another network, of another zone
/// perhaps: there it is billed from now on.
pub(crate) fn transfer(tx: &mut Tx<'_>, id: ResourceId, network: ResourceId) {
    let (to, address) = (tx.resource(network).clone(), tx.resource(id).clone());
    let zone = to.id_of(col::ZONE_ID).expect("networks are in a zone");
    tx.edit(id, |address| {
        address
            .set_ref(col::ASSOCIATED_NETWORK_ID, network)
            .set_ref(col::VPC_ID, to.id_of(col::VPC_ID))
            .set_ref(col::PHYSICAL_NETWORK_ID, to.id_of(col::PHYSICAL_NETWORK_ID))
            .set_ref(col::ZONE_ID, zone);
    });
    if address.id_of(col::ASSOCIATED_NETWORK_ID).is_some() {
        let text = format!(
            "The portable address {} was transferred to the network {}",
            address.text(col::IP_ADDRESS),
            to.text(col::NAME)
        );
        happened(tx, "PORTABLE.IP.TRANSFER", Level::Info, Some(id), text);
    }
}

/// Ends static NAT of an address whose machine goes.
fn lead_nowhere(tx: &mut Tx<'_>, id: ResourceId) {
    if tx.resource(id).flag(col::IS_STATIC_NAT) {
        rules::disable_static_nat(tx, id);
    }
}

/// Removes everything that stands on an address.
fn give_up_rules(tx: &mut Tx<'_>, id: ResourceId) {
    remove_all_on(tx, id);
    lead_nowhere(tx, id);
}

/// Takes an address from a network that goes. One of a VPC stays the VPC's, and a portable one
/// its owner's, to be used in another.
pub(crate) fn leave_network(tx: &mut Tx<'_>, id: ResourceId) {
    let address = tx.resource(id);
    if !address.flag(col::IS_PORTABLE) && address.id_of(col::VPC_ID).is_none() {
        return release(tx, id);
    }
    give_up_rules(tx, id);
    tx.edit(id, |address| {
        address.set_ref(col::ASSOCIATED_NETWORK_ID, None);
    });
}

/// Takes an address from a VPC that goes. A portable one stays its owner's.
pub(crate) fn leave_vpc(tx: &mut Tx<'_>, id: ResourceId) {
    if !tx.resource(id).flag(col::IS_PORTABLE) {
        return release(tx, id);
    }
    give_up_rules(tx, id);
    tx.edit(id, |address| {
        address.set_ref(col::ASSOCIATED_NETWORK_ID, None).set_ref(col::VPC_ID, None);
    });
}

/// Gives an address up, with everything that stands on it. One of a range that is kept
/// for its owner stays the owner's, free.
pub(crate) fn release(tx: &mut Tx<'_>, id: ResourceId) {
    give_up_rules(tx, id);
    let address = tx.resource(id);
    let keeper =
        address.id_of(col::VLAN_ID).and_then(|range| tx.resource(range).id_of(col::ACCOUNT_ID));
    if keeper.is_some() && keeper == address.owner {
        for tag in tx.ids_referring(id, Kind::Tag, col::RESOURCE) {
            tx.erase(tag);
        }
        tx.edit(id, |address| {
            address
                .set_ref(col::ASSOCIATED_NETWORK_ID, None)
                .set_ref(col::VPC_ID, None)
                .set_ref(col::VIRTUAL_MACHINE_ID, None)
                .clear(col::VM_IP_ADDRESS)
                .set_flag(col::IS_STATIC_NAT, false)
                .set_flag(col::IS_SOURCE_NAT, false)
                .set_time(col::ALLOCATED, None);
        });
        if !tx.resource(id).is(AddressState::Free) {
            tx.move_to(id, AddressState::Free);
        }
        return;
    }
    tx.remove_with_dependants(id);
}

/// Refuses what needs an address that has been acquired.
pub(crate) fn must_be_acquired(address: &Resource) -> Result<(), ApiError> {
    if !address.is(AddressState::Free) {
        return Ok(());
    }
    Err(address.refused("ipaddressid", "is not acquired; do that with associateIpAddress"))
}
