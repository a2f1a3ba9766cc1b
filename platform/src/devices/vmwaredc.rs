//! VMware data centres: what a zone finds in its vCenter. A zone has one at most,
//! and a data centre belongs to one zone.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Done, Node, Query, Resource, ResourceId, View, World, verbs},
    offering::hypervisor::VMWARE,
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, create, f, fields::*,
        group, hidden, list, own, p,
    },
};

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::VmwareDatacenter, &VMWARE_DATACENTER)
    .hidden(&[hidden("zone", W::Id(Kind::Zone)), hidden("username", W::Str)])
    .keyword(&[col::NAME, col::VCENTER]);

pub(crate) const VMWARE_DATACENTER: Object = Object {
    name: "VmwareDatacenter",
    fields: &[ID, f("zoneid", W::Long).by(zone_number), f("name", W::Str), f("vcenter", W::Str)],
};

pub(crate) static COMMANDS: &[Command] = &[
    create("addVmwareDc", Kind::VmwareDatacenter)
        .doc("Ties a VMware data centre to a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("name", Str).required().doc("the data centre's name in the vCenter"),
            p("vcenter", Str).required().doc("the name or address of the vCenter"),
            p("username", Str),
            p("password", Secret),
            p("zoneid", Id(Kind::Zone)).required(),
        ])
        .object("vmwaredc", &VMWARE_DATACENTER)
        .begin(tie),
    list("listVmwareDcs", Kind::VmwareDatacenter)
        .doc("Lists the VMware data centre of a zone")
        .roles(Roles::ROOT)
        .params(&[p("zoneid", Id(Kind::Zone)).required()])
        .groups(&[group::PAGED])
        .items("VMwareDC", &VMWARE_DATACENTER)
        .filter(is_of_zone, &["zoneid"]),
    own("removeVmwareDc")
        .doc("Unties the VMware data centre from a zone without VMware clusters")
        .roles(Roles::ROOT)
        .params(&[p("zoneid", Id(Kind::Zone)).required()])
        .success()
        .act(untie),
];

fn zone_number(view: &View<'_>) -> Node {
    view.resource
        .id_of(col::ZONE)
        .and_then(|zone| i64::try_from(zone.0).ok())
        .map_or(Node::Null, Node::Int)
}

fn is_of_zone(query: &Query<'_>, data_centre: &Resource) -> bool {
    data_centre.id_of(col::ZONE) == query.args.id("zoneid")
}

fn of_zone(world: &World, zone: ResourceId) -> Option<&Resource> {
    world.referring(zone, Kind::VmwareDatacenter, col::ZONE).next()
}

/// Ties it, unless either side is tied already.
fn tie(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let zone = call.args.id_required("zoneid");
    let (name, vcenter) = (call.args.text_required("name"), call.args.text_required("vcenter"));
    if let Some(tied) = of_zone(call.tx, zone) {
        return Err(call.tx.resource(zone).refused(
            "zoneid",
            format!(
                "has the VMware data centre {} of {} already",
                tied.text(col::NAME),
                tied.text(col::VCENTER)
            ),
        ));
    }
    let same = |other: &&Resource| {
        other.text(col::NAME).eq_ignore_ascii_case(name)
            && other.text(col::VCENTER).eq_ignore_ascii_case(vcenter)
    };
    if call.tx.all(Kind::VmwareDatacenter).any(|other| same(&other)) {
        return Err(ApiError::value(format!(
            "the VMware data centre {name} of {vcenter} belongs to another zone already"
        )));
    }
    let id = verbs::create(call, Kind::VmwareDatacenter)?;
    call.tx.edit(id, |data_centre| {
        data_centre.set_ref(col::ZONE, zone);
    });
    Ok(Some(id))
}

/// Unties it, unless hosts of the zone are run by it.
fn untie(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let zone = call.args.id_required("zoneid");
    let zone_name = call.tx.resource(zone).text(col::NAME).to_owned();
    let Some(id) = of_zone(call.tx, zone).map(|tied| tied.id) else {
        return Err(call.tx.resource(zone).refused("zoneid", "has no VMware data centre"));
    };
    let user = call
        .tx
        .referring(zone, Kind::Cluster, col::ZONE_ID)
        .find(|cluster| cluster.text(col::HYPERVISOR_TYPE).eq_ignore_ascii_case(VMWARE));
    if let Some(cluster) = user {
        return Err(cluster.refused_as(
            ApiError::in_use,
            "clusterid",
            format!("of the zone {zone_name} is of VMware; remove it first"),
        ));
    }
    verbs::delete(call, id)?;
    Ok(Done::Success)
}
