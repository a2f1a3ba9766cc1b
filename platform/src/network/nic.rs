//! NICs of VMs and their secondary addresses. Guide 4.1.1.7.

use std::{collections::BTreeSet, net::Ipv6Addr};

use cloudtally_model::{ApiError, Text};

use super::{address, guest, guestaddress};
use crate::{
    col,
    desk::metering,
    engine::{Answer, Call, Column, Done, Query, Resource, ResourceId, Tx, World, scope},
    parse::{given, ip, iprange},
    state::MachineState,
    table::{
        Command, Kind, KindSpec, Object, OnDelete, ParamType::*, Roles, WireType as W, f,
        fields::*, group, hidden, own, p,
    },
};

pub(crate) const NIC: Object = Object {
    name: "Nic",
    fields: &[
        ID,
        f("networkid", W::Id(Kind::Network)),
        f("networkname", W::Str).join(col::NETWORK_ID, "name"),
        f("netmask", W::Str),
        f("gateway", W::Str),
        f("ipaddress", W::Str),
        f("isolationuri", W::Str),
        f("broadcasturi", W::Str),
        f("traffictype", W::Str),
        f("type", W::Str),
        f("isdefault", W::Bool),
        f("macaddress", W::Str),
        f("ip6gateway", W::Str),
        f("ip6cidr", W::Str),
        f("ip6address", W::Str),
        f("secondaryip", W::Objects("NicSecondaryIp")).children(Kind::NicSecondaryIp, col::NIC_ID),
    ],
};

pub(crate) const NIC_SECONDARY_IP: Object = Object {
    name: "NicSecondaryIp",
    fields: &[
        ID,
        f("ipaddress", W::Str),
        f("nicid", W::Id(Kind::Nic)),
        f("networkid", W::Id(Kind::Network)),
        f("virtualmachineid", W::Id(Kind::Vm)),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("addIpToNic")
        .doc("Gives a NIC a secondary IP address")
        .roles(Roles::ALL)
        .params(&[
            p("nicid", Id(Kind::Nic)).required(),
            p("ipaddress", Str).doc("the address; a free one of the network unless given"),
        ])
        .job("NET.IPASSIGN")
        .object("nicsecondaryip", &NIC_SECONDARY_IP)
        .act(add_ip),
    own("addNicToVirtualMachine")
        .doc("Puts a VM onto one more network")
        .roles(Roles::ALL)
        .params(&[
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("networkid", Id(Kind::Network)).required().usable(),
            p("ipaddress", Str).doc("the address; a free one of the network unless given"),
        ])
        .job("NIC.CREATE")
        .object_of("virtualmachine", Kind::Vm)
        .act(add),
    own("listNics")
        .doc("Lists the NICs of a VM")
        .roles(Roles::ALL)
        .params(&[
            p("nicid", Id(Kind::Nic)).doc("shows only this NIC"),
            p("virtualmachineid", Id(Kind::Vm)).required(),
        ])
        .groups(&[group::PAGED])
        .items("nic", &NIC)
        .read(list_nics),
    own("removeIpFromNic")
        .doc("Takes a secondary IP address from a NIC")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::NicSecondaryIp)).required()])
        .job("NET.IPASSIGN")
        .success()
        .kind(Kind::NicSecondaryIp)
        .act(remove_ip),
    own("removeNicFromVirtualMachine")
        .doc("Takes a VM off a network; not off its default one")
        .roles(Roles::ALL)
        .params(&[
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("nicid", Id(Kind::Nic)).required(),
        ])
        .job("NIC.DELETE")
        .object_of("virtualmachine", Kind::Vm)
        .act(remove_nic),
    own("updateDefaultNicForVirtualMachine")
        .doc("Makes another NIC the default one of a VM")
        .roles(Roles::ALL)
        .params(&[
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("nicid", Id(Kind::Nic)).required(),
        ])
        .job("NIC.UPDATE")
        .object_of("virtualmachine", Kind::Vm)
        .act(make_default),
];

/// `ismetered`: its network offering is billed to its virtual machine's owner;
/// `directaddress` is the address it has from a shared network.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Nic, &NIC)
    .hidden(&[
        hidden("virtualmachineid", W::Id(Kind::Vm)),
        hidden("ismetered", W::Bool),
        hidden("directaddress", W::Id(Kind::IpAddress)),
        hidden("wantedip", W::Str),
    ])
    .owned()
    .referred(&[(Kind::NicSecondaryIp, col::NIC_ID.reference(), OnDelete::Remove)])
    .tagged("Nic")
    .metered(metering::NIC);

/// Hidden: the address of a shared network that it is.
pub(crate) static SECONDARY_KIND: KindSpec = KindSpec::new(Kind::NicSecondaryIp, &NIC_SECONDARY_IP)
    .called_by(col::IP_ADDRESS)
    .hidden(&[hidden("directaddress", W::Id(Kind::IpAddress))])
    .owned();

/// The NICs of a virtual machine, the default one first.
pub(crate) fn of_vm(world: &World, vm: ResourceId) -> Vec<ResourceId> {
    let mut nics: Vec<&Resource> =
        world.referring(vm, Kind::Nic, col::VIRTUAL_MACHINE_ID).collect();
    nics.sort_by_key(|nic| (!nic.flag(col::IS_DEFAULT), nic.id));
    nics.into_iter().map(|nic| nic.id).collect()
}

/// Puts a NIC of a network on a virtual machine; it has no address yet.
pub(crate) fn plan(
    tx: &mut Tx<'_>,
    vm: ResourceId,
    network: ResourceId,
    wanted_ip: Option<&str>,
) -> ResourceId {
    let owner = tx.resource(vm).owner;
    let is_default = tx.referring(vm, Kind::Nic, col::VIRTUAL_MACHINE_ID).next().is_none();
    let network_type = tx.resource(network).text(col::TYPE).to_owned();
    tx.insert(Kind::Nic, |nic| {
        nic.owner = owner;
        let mac = ip::mac(nic.id.0);
        nic.set_ref(col::VIRTUAL_MACHINE_ID, vm)
            .set_ref(col::NETWORK_ID, network)
            .set_text(col::TRAFFIC_TYPE, "Guest")
            .set_text(col::TYPE, &network_type)
            .set_flag(col::IS_DEFAULT, is_default)
            .set_text(col::MAC_ADDRESS, &mac)
            .set_flag(col::IS_METERED, false);
        if let Some(wanted) = wanted_ip {
            nic.set_text(col::WANTED_IP, wanted);
        }
    })
}

/// Gives a NIC its address, unless it has one.
pub(crate) fn reserve(tx: &mut Tx<'_>, id: ResourceId) -> Result<(), ApiError> {
    let nic = tx.resource(id).clone();
    if !nic.text(col::IP_ADDRESS).is_empty() {
        return Ok(());
    }
    let network = nic.id_of(col::NETWORK_ID).expect("NICs are on a network");
    let vm = nic.id_of(col::VIRTUAL_MACHINE_ID).expect("NICs are on a virtual machine");
    let owner = nic.owner.expect("NICs have an owner");
    let wanted = Some(nic.text(col::WANTED_IP)).filter(|wanted| !wanted.is_empty());
    // Each range of a shared network may have a gateway of its own.
    let (address, direct, of) = if tx.resource(network).text(col::TYPE) == "Shared" {
        let (direct, range) = address::acquire_direct(tx, owner, network, wanted)?;
        tx.edit(direct, |address| {
            address.set_ref(col::VIRTUAL_MACHINE_ID, vm);
        });
        (tx.resource(direct).text(col::IP_ADDRESS).to_owned(), Some(direct), range)
    } else {
        (guestaddress::free_in(tx, network, wanted)?, None, network)
    };
    let v6 = free_v6(tx, network)?;
    let (on, of) = (tx.resource(network).clone(), tx.resource(of).clone());
    tx.edit(id, |nic| {
        nic.set_text(col::IP_ADDRESS, &address)
            .set_text(col::NETMASK, of.text(col::NETMASK))
            .set_text(col::GATEWAY, of.text(col::GATEWAY))
            .set_ref(col::DIRECT_ADDRESS, direct);
        for (column, text) in v6.into_iter().flatten() {
            nic.set_text(column, &text);
        }
        for (column, from) in
            [(col::ISOLATION_URI, col::BROADCAST_URI), (col::BROADCAST_URI, col::BROADCAST_URI)]
        {
            if !on.text(from).is_empty() {
                nic.set_text(column, on.text(from));
            }
        }
    });
    Ok(())
}

/// Columns of a NIC with what they are to hold.
type Ipv6Columns = [(Column<Text>, String); 3];

/// The columns with a free IPv6 address, where a network has ranges of them.
fn free_v6(world: &World, network: ResourceId) -> Result<Option<Ipv6Columns>, ApiError> {
    let taken: BTreeSet<u128> = world
        .referring(network, Kind::Nic, col::NETWORK_ID)
        .filter_map(|nic| given::ipv6(nic.text(col::IP6_ADDRESS)))
        .collect();
    let mut has_range = false;
    for range in world.referring(network, Kind::VlanIpRange, col::NETWORK_ID) {
        let Some((first, last)) = iprange::bounds_v6(range) else { continue };
        let gateway = given::ipv6(range.text(col::IP6_GATEWAY));
        has_range = true;
        let is_free = |at: &u128| !taken.contains(at) && Some(*at) != gateway;
        if let Some(at) = (first..=last).find(is_free) {
            return Ok(Some([
                (col::IP6_ADDRESS, Ipv6Addr::from(at).to_string()),
                (col::IP6_GATEWAY, range.text(col::IP6_GATEWAY).to_owned()),
                (col::IP6_CIDR, range.text(col::IP6_CIDR).to_owned()),
            ]));
        }
    }
    if has_range {
        return Err(world.resource(network).refused_as(
            ApiError::address_capacity,
            "networkid",
            "has no free IPv6 address; add a range with createVlanIpRange",
        ));
    }
    Ok(None)
}

/// Begins to bill a NIC's offering to its virtual machine's owner.
pub(crate) fn meter(tx: &mut Tx<'_>, id: ResourceId) {
    if !tx.resource(id).flag(col::IS_METERED) {
        tx.edit(id, |nic| {
            nic.set_flag(col::IS_METERED, true);
        });
    }
}

/// Ends that.
pub(crate) fn unmeter(tx: &mut Tx<'_>, id: ResourceId) {
    if tx.resource(id).flag(col::IS_METERED) {
        tx.edit(id, |nic| {
            nic.set_flag(col::IS_METERED, false);
        });
    }
}

/// Takes a NIC away with its addresses.
pub(crate) fn remove(tx: &mut Tx<'_>, id: ResourceId) {
    unmeter(tx, id);
    if let Some(direct) = tx.resource(id).id_of(col::DIRECT_ADDRESS) {
        address::release(tx, direct);
    }
    for secondary in tx.ids_referring(id, Kind::NicSecondaryIp, col::NIC_ID) {
        remove_secondary(tx, secondary);
    }
    tx.remove_with_dependants(id);
}

/// Takes a secondary address away, and off the bill if it is of a shared network.
fn remove_secondary(tx: &mut Tx<'_>, id: ResourceId) {
    if let Some(direct) = tx.resource(id).id_of(col::DIRECT_ADDRESS) {
        address::release(tx, direct);
    }
    tx.remove(id);
}

fn check_vm(call: &Call<'_, '_>, vm: ResourceId) -> Result<(), ApiError> {
    let vm = call.tx.resource(vm);
    if vm.is_any(&[MachineState::Running, MachineState::Stopped]) {
        return Ok(());
    }
    Err(vm.refused("virtualmachineid", format!("is {}; it must be running or stopped", vm.state())))
}

fn add(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. A network of the same zone that the owner may use and is not on yet.
    let (vm, network) =
        (call.args.id_required("virtualmachineid"), call.args.id_required("networkid"));
    check_vm(call, vm)?;
    let owner = call.tx.resource(vm).owner.expect("virtual machines have an owner");
    let zone = call.tx.resource(vm).id_of(col::ZONE_ID).expect("virtual machines are in a zone");
    if call.tx.resource(zone).text(col::NETWORK_TYPE).eq_ignore_ascii_case("Basic") {
        return Err(call
            .tx
            .resource(vm)
            .refused("virtualmachineid", "is in a basic zone, where each has one NIC"));
    }
    guest::for_deployment(call, owner, zone, &[network])?;
    let is_on_it = call
        .tx
        .referring(vm, Kind::Nic, col::VIRTUAL_MACHINE_ID)
        .any(|nic| nic.id_of(col::NETWORK_ID) == Some(network));
    if is_on_it {
        return Err(call.tx.resource(vm).refused(
            "virtualmachineid",
            format!("has a NIC on {} already", call.tx.resource(network).text(col::NAME)),
        ));
    }
    let on = call.tx.referring(vm, Kind::Nic, col::VIRTUAL_MACHINE_ID);
    let mut all: Vec<ResourceId> = on.filter_map(|nic| nic.id_of(col::NETWORK_ID)).collect();
    all.push(network);
    guest::refuse_tiers(call.tx, &all)?;
    guest::refuse_hypervisor(call.tx, &[network], call.tx.resource(vm).text(col::HYPERVISOR))?;
    // 2. The NIC with its address; a running machine needs the network set up.
    let wanted = call.args.text("ipaddress").map(str::to_owned);
    guest::implement(call.tx, network)?;
    let nic = plan(call.tx, vm, network, wanted.as_deref());
    reserve(call.tx, nic)?;
    guest::serve(call.tx, network)?;
    meter(call.tx, nic);
    Ok(Done::Resource(vm))
}

/// The NIC named, which must be the virtual machine's.
fn named(call: &Call<'_, '_>, vm: ResourceId) -> Result<ResourceId, ApiError> {
    let nic = call.args.id_required("nicid");
    if call.tx.resource(nic).id_of(col::VIRTUAL_MACHINE_ID) == Some(vm) {
        return Ok(nic);
    }
    Err(call.tx.resource(nic).refused("nicid", "is not on this virtual machine"))
}

fn remove_nic(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.args.id_required("virtualmachineid");
    check_vm(call, vm)?;
    let nic = named(call, vm)?;
    if call.tx.resource(nic).flag(col::IS_DEFAULT) {
        return Err(call.tx.resource(nic).refused(
            "nicid",
            "is the default one and cannot be removed; make another one the default first",
        ));
    }
    if super::rules::lead_to(call.tx, nic) {
        return Err(call.tx.resource(nic).refused_as(
            ApiError::in_use,
            "nicid",
            "is used by port forwarding, static NAT or load balancer rules; remove them first",
        ));
    }
    remove(call.tx, nic);
    Ok(Done::Resource(vm))
}

fn make_default(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.args.id_required("virtualmachineid");
    check_vm(call, vm)?;
    let nic = named(call, vm)?;
    if call.tx.resource(nic).flag(col::IS_DEFAULT) {
        return Err(call.tx.resource(nic).refused("nicid", "is the default one already"));
    }
    // The bill shows which NIC is the default, so both are billed anew.
    let old = of_vm(call.tx, vm).into_iter().find(|id| call.tx.resource(*id).flag(col::IS_DEFAULT));
    let both: Vec<ResourceId> = old.into_iter().chain([nic]).collect();
    let metered: Vec<ResourceId> =
        both.iter().copied().filter(|id| call.tx.resource(*id).flag(col::IS_METERED)).collect();
    for id in &metered {
        unmeter(call.tx, *id);
    }
    for id in both {
        call.tx.edit(id, |resource| {
            resource.set_flag(col::IS_DEFAULT, resource.id == nic);
        });
    }
    for id in metered {
        meter(call.tx, id);
    }
    Ok(Done::Resource(vm))
}

fn list_nics(query: &Query<'_>) -> Result<Answer, ApiError> {
    let vm = query.args.id_required("virtualmachineid");
    let wanted = query.args.id("nicid");
    let nics = of_vm(query.world, vm).into_iter();
    let nics = nics.filter(|id| wanted.is_none_or(|wanted| wanted == *id));
    let nics = nics.map(|id| query.world.resource(id));
    query.page(nics.filter(|nic| {
        let network = nic.id_of(col::NETWORK_ID).map(|id| query.world.resource(id));
        let name = network.map_or("", |network| network.text(col::NAME));
        query.is_named_in(&[name, nic.text(col::IP_ADDRESS), nic.text(col::MAC_ADDRESS)])
    }))
}

fn add_ip(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let nic = call.args.id_required("nicid");
    let network = call.tx.resource(nic).id_of(col::NETWORK_ID).expect("NICs are on a network");
    let vm = call.tx.resource(nic).id_of(col::VIRTUAL_MACHINE_ID);
    let owner = call.tx.resource(nic).owner;
    let wanted = call.args.text("ipaddress").map(str::to_owned);
    scope::refuse_shut(call.tx, owner)?;
    // Those of shared networks are billed, as the first address is.
    let (address, direct) = if call.tx.resource(network).text(col::TYPE) == "Shared" {
        let owner = owner.expect("NICs have an owner");
        let (direct, _) = address::acquire_direct(call.tx, owner, network, wanted.as_deref())?;
        call.tx.edit(direct, |address| {
            address.set_ref(col::VIRTUAL_MACHINE_ID, vm);
        });
        (call.tx.resource(direct).text(col::IP_ADDRESS).to_owned(), Some(direct))
    } else {
        (guestaddress::free_in(call.tx, network, wanted.as_deref())?, None)
    };
    let id = call.tx.insert(Kind::NicSecondaryIp, |ip| {
        ip.owner = owner;
        ip.set_text(col::IP_ADDRESS, &address)
            .set_ref(col::NIC_ID, nic)
            .set_ref(col::NETWORK_ID, network)
            .set_ref(col::VIRTUAL_MACHINE_ID, vm)
            .set_ref(col::DIRECT_ADDRESS, direct);
    });
    Ok(Done::Resource(id))
}

fn remove_ip(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let secondary = call.entity();
    let (nic, address) = (secondary.id_of(col::NIC_ID), secondary.text(col::IP_ADDRESS));
    if nic.is_some_and(|nic| super::rules::led_to(call.tx, nic).contains(&address)) {
        return Err(secondary.refused_as(
            ApiError::in_use,
            "id",
            "is where port forwarding or static NAT leads to; remove that first",
        ));
    }
    remove_secondary(call.tx, id);
    Ok(Done::Success)
}
