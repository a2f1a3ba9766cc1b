//! Clusters: hosts of one hypervisor that share storage and between which VMs move.
//!
//! The factors by which more CPU and memory is given away than there is are settings of the
//! cluster, so that they can be changed with the other settings as well.

use cloudtally_model::{ApiError, settings::setting};

use super::capacity::{self, CPU_FACTOR, MEMORY_FACTOR};
use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, ResourceId, View, refusal, verbs},
    offering::hypervisor::{self, HYPERVISORS},
    parse::given::{self, ENABLED},
    state::HostState,
    table::{
        Command, Kind, KindSpec, Object, OnDelete::*, ParamType::*, Roles, Unique, WireType as W,
        Within, create, delete, f, fields::*, group, hidden, own, p, update,
    },
};

const TYPES: [&str; 2] = ["CloudManaged", "ExternalManaged"];
/// The switches that VMware clusters can have.
const SWITCHES: [&str; 3] = ["vmwaresvs", "vmwaredvs", "nexusdvs"];
/// A cluster whose hosts are ours to use.
const MANAGED: &str = "Managed";
/// One whose hosts are left alone.
const UNMANAGED: &str = "Unmanaged";

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Cluster, &CLUSTER)
    .infrastructure()
    .hidden(&[
        hidden("url", W::Str),
        hidden("username", W::Str),
        hidden("vsmusername", W::Str),
        hidden("vsmipaddress", W::Str),
        hidden("guestvswitchtype", W::Str),
        hidden("publicvswitchtype", W::Str),
        hidden("guestvswitchname", W::Str),
        hidden("publicvswitchname", W::Str),
    ])
    .unique(&[Unique { column: col::NAME, within: Within::Column(col::POD_ID) }])
    .keyword(&[col::NAME, col::HYPERVISOR_TYPE])
    .referred(&[
        (Kind::Host, col::CLUSTER_ID.reference(), Refuse),
        (Kind::StoragePool, col::CLUSTER_ID.reference(), Refuse),
        (Kind::Setting, col::OF.reference(), Remove),
    ]);

pub(crate) const CLUSTER: Object = Object {
    name: "Cluster",
    fields: &[
        ID,
        f("name", W::Str),
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join(col::POD_ID, "name"),
        ZONE_ID,
        ZONE_NAME,
        f("hypervisortype", W::Str),
        f("clustertype", W::Str),
        f("allocationstate", W::Str),
        f("managedstate", W::Str),
        f("capacity", W::Objects("Capacity")).by(|_| Node::Null),
        f("cpuovercommitratio", W::Str).by(|view| factor(view, CPU_FACTOR)),
        f("memoryovercommitratio", W::Str).by(|view| factor(view, MEMORY_FACTOR)),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    create("addCluster", Kind::Cluster)
        .doc("Adds a cluster to a pod")
        .roles(Roles::ROOT)
        .params(&[
            p("clustername", Str).required(),
            p("password", Secret).doc("the password for the host behind `url`"),
            p("podid", Id(Kind::Pod)).required(),
            p("url", Str).doc("the URL of the vCenter cluster; only for VMware"),
            p("username", Str).doc("the user for the host behind `url`"),
            p("zoneid", Id(Kind::Zone)).required(),
            p("hypervisor", Str).required(),
            p("clustertype", Str).required(),
            p("allocationstate", Str),
            p("vsmusername", Str).doc("the user for the Nexus 1000v; only with one"),
            p("vsmpassword", Secret).doc("the password for the Nexus 1000v"),
            p("vsmipaddress", Str).doc("the address of the Nexus 1000v"),
            p("guestvswitchtype", Str)
                .doc("the switch of guest traffic: `vmwaresvs`, `vmwaredvs` or `nexusdvs`"),
            p("publicvswitchtype", Str)
                .doc("the switch of public traffic: `vmwaresvs`, `vmwaredvs` or `nexusdvs`"),
            p("guestvswitchname", Str).doc("the name of the switch of guest traffic"),
            p("publicvswitchname", Str).doc("the name of the switch of public traffic"),
            p("cpuovercommitratio", Str),
            p("memoryovercommitratio", Str),
        ])
        .items("cluster", &CLUSTER)
        .check(check_new)
        .act(settle),
    delete("deleteCluster", Kind::Cluster)
        .doc("Removes a cluster without hosts and storage pools")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Cluster)).required()])
        .success(),
    own("listClusters")
        .doc("Lists clusters")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Cluster)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("zoneid", Id(Kind::Zone)),
            p("hypervisor", Str),
            p("clustertype", Str),
            p("allocationstate", Str),
            p("managedstate", Str),
            p("showcapacities", Bool),
        ])
        .groups(&[group::PAGED])
        .items("cluster", &CLUSTER)
        .read(list_clusters),
    update("updateCluster", Kind::Cluster)
        .doc("Changes a cluster; `Disabled` keeps new VMs off its hosts")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::Cluster)).required(),
            p("clustername", Str),
            p("hypervisor", Str),
            p("clustertype", Str),
            p("allocationstate", Str),
            p("managedstate", Str),
            p("cpuovercommitratio", Str),
            p("memoryovercommitratio", Str),
        ])
        .object("cluster", &CLUSTER)
        .check(check)
        .act(change),
];

fn factor(view: &View<'_>, name: &str) -> Node {
    Node::text(view.world.scoped_setting(view.resource.id, name))
}

/// Refuses words and numbers that cannot be.
fn check(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    given::allocation_state(call)?;
    given::word(call, "clustertype", &TYPES)?;
    given::word(call, "managedstate", &[MANAGED, UNMANAGED])?;
    given::word(call, "hypervisor", &HYPERVISORS)?;
    for (name, factor) in FACTORS {
        let row = setting(factor).expect("a row of the settings");
        if let Some(value) = call.args.text(name)
            && let Err(why) = row.check(value)
        {
            return Err(call.invalid(name, value, &why));
        }
    }
    Ok(())
}

/// Parameters that are settings of the cluster.
const FACTORS: [(&str, &str); 2] =
    [("cpuovercommitratio", CPU_FACTOR), ("memoryovercommitratio", MEMORY_FACTOR)];

fn check_new(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    check(call)?;
    for name in ["guestvswitchtype", "publicvswitchtype"] {
        given::word(call, name, &SWITCHES)?;
    }
    given::check_place(call)?;
    let hypervisor = given::word(call, "hypervisor", &HYPERVISORS)?.unwrap_or_default();
    let zone = call.tx.resource(call.args.id_required("zoneid"));
    let is_vmware = hypervisor == hypervisor::VMWARE;
    if is_vmware && zone.flag(col::SECURITY_GROUPS_ENABLED) {
        return Err(zone.refused(
            "zoneid",
            "has security groups, which VMware has not; choose another `hypervisor` or zone",
        ));
    }
    if is_vmware && !call.args.has("url") {
        return Err(refusal::parameter(
            "url",
            "is needed: that of the vCenter cluster, `http://vcenter/dc/cluster`",
        ));
    }
    if !is_vmware && given::word(call, "clustertype", &TYPES)? == Some("ExternalManaged") {
        return Err(refusal::parameter(
            "clustertype",
            format!(
                "is `CloudManaged` for {hypervisor}; only clusters of VMware are `ExternalManaged`"
            ),
        ));
    }
    Ok(())
}

/// Completes a new cluster.
fn settle(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let name = call.args.text_required("clustername").to_owned();
    let hypervisor = given::word(call, "hypervisor", &HYPERVISORS)?.unwrap_or_default();
    let cluster_type = given::word(call, "clustertype", &TYPES)?.unwrap_or(TYPES[0]);
    let state = given::allocation_state(call)?.unwrap_or(ENABLED);
    call.tx.edit(id, |cluster| {
        cluster
            .set_text(col::NAME, &name)
            .set_text(col::HYPERVISOR_TYPE, hypervisor)
            .set_text(col::CLUSTER_TYPE, cluster_type)
            .set_text(col::ALLOCATION_STATE, state)
            .set_text(col::MANAGED_STATE, MANAGED);
    });
    call.check_unique(call.tx.resource(id))?;
    set_factors(call, id);
    Ok(Done::Resource(id))
}

fn set_factors(call: &mut Call<'_, '_>, id: ResourceId) {
    for (name, factor) in FACTORS {
        if let Some(value) = call.args.text(name).map(str::to_owned) {
            call.tx.set_scoped_setting(id, factor, Some(&value));
        }
    }
}

fn change(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let mut cluster = call.entity().clone();
    verbs::assign(call, &mut cluster);
    if let Some(name) = call.args.text("clustername") {
        cluster.set_text(col::NAME, name);
    }
    call.check_unique(&cluster)?;
    // 1. Another hypervisor only while there are no hosts.
    let hypervisor = given::word(call, "hypervisor", &HYPERVISORS)?;
    if let Some(hypervisor) = hypervisor.filter(|h| *h != cluster.text(col::HYPERVISOR_TYPE)) {
        if let Some(host) = call.tx.referring(id, Kind::Host, col::CLUSTER_ID).next() {
            return Err(cluster.refused_as(
                ApiError::in_use,
                "id",
                format!(
                    "has the host {} and stays a cluster of {}; remove its hosts first",
                    host.text(col::NAME),
                    cluster.text(col::HYPERVISOR_TYPE)
                ),
            ));
        }
        cluster.set_text(col::HYPERVISOR_TYPE, hypervisor);
    }
    if let Some(cluster_type) = given::word(call, "clustertype", &TYPES)? {
        cluster.set_text(col::CLUSTER_TYPE, cluster_type);
    }
    if let Some(state) = given::allocation_state(call)? {
        cluster.set_text(col::ALLOCATION_STATE, state);
    }
    // 2. Hosts of an unmanaged cluster are let go, and taken back later.
    let managed = given::word(call, "managedstate", &[MANAGED, UNMANAGED])?;
    if let Some(state) = managed {
        cluster.set_text(col::MANAGED_STATE, state);
    }
    call.tx.edit(id, |old| *old = cluster);
    if let Some(state) = managed {
        let now = call.tx.now;
        for host in call.tx.ids_referring(id, Kind::Host, col::CLUSTER_ID) {
            let to = if state == MANAGED { HostState::Up } else { HostState::Disconnected };
            if !call.tx.resource(host).is(to) {
                call.tx.move_to(host, to);
            }
            if state == UNMANAGED {
                call.tx.edit(host, |host| {
                    host.set_time(col::DISCONNECTED, now);
                });
            }
        }
    }
    set_factors(call, id);
    Ok(Done::Resource(id))
}

fn list_clusters(query: &Query<'_>) -> Result<Answer, ApiError> {
    let hypervisor = query.args.text("hypervisor");
    let clusters = query.resources(Kind::Cluster)?.into_iter().filter(|cluster| {
        hypervisor
            .is_none_or(|wanted| cluster.text(col::HYPERVISOR_TYPE).eq_ignore_ascii_case(wanted))
    });
    capacity::page(query, clusters)
}
