//! Hypervisors and what each version of them can do.

use std::collections::BTreeSet;

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Call, Node, Query, Resource, Tx, World, refusal},
    parse::given,
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, f, fields::*, group,
        list, own, p, update,
    },
};

pub(crate) const XEN_SERVER: &str = "XenServer";
pub(crate) const KVM: &str = "KVM";
pub(crate) const VMWARE: &str = "VMware";
pub(crate) const OVM: &str = "Ovm";
pub(crate) const LXC: &str = "LXC";
pub(crate) const BARE_METAL: &str = "BareMetal";
pub(crate) const SIMULATOR: &str = "Simulator";

/// All of them.
pub(crate) const HYPERVISORS: [&str; 7] =
    [XEN_SERVER, KVM, VMWARE, OVM, LXC, BARE_METAL, SIMULATOR];

/// The version that stands for all that are not known.
const DEFAULT: &str = "default";

pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::HypervisorCapabilities, &HYPERVISOR_CAPABILITIES)
        .keyword(&[col::HYPERVISOR, col::HYPERVISOR_VERSION]);

pub(crate) const HYPERVISOR: Object = Object { name: "Hypervisor", fields: &[f("name", W::Str)] };

pub(crate) const HYPERVISOR_CAPABILITIES: Object = Object {
    name: "HypervisorCapabilities",
    fields: &[
        ID,
        f("hypervisorversion", W::Str),
        f("hypervisor", W::Str),
        f("maxguestslimit", W::Long),
        f("securitygroupenabled", W::Bool),
        f("maxdatavolumeslimit", W::Int),
        f("maxhostspercluster", W::Int),
        f("storagemotionenabled", W::Bool),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    list("listHypervisorCapabilities", Kind::HypervisorCapabilities)
        .doc("Lists what each version of a hypervisor can do")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::HypervisorCapabilities)), p("hypervisor", Str)])
        .groups(&[group::PAGED])
        .items("hypervisorCapabilities", &HYPERVISOR_CAPABILITIES),
    own("listHypervisors")
        .doc("Lists the hypervisors of a zone, or of the cloud")
        .roles(Roles::ALL)
        .params(&[p("zoneid", Id(Kind::Zone))])
        .items("hypervisor", &HYPERVISOR)
        .read(list_hypervisors),
    update("updateHypervisorCapabilities", Kind::HypervisorCapabilities)
        .doc("Changes the limits for a version of a hypervisor")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::HypervisorCapabilities)),
            p("securitygroupenabled", Bool).doc("whether it can do security groups"),
            p("maxguestslimit", Long).doc("most VMs on a host of it"),
        ])
        .object("hypervisorCapabilities", &HYPERVISOR_CAPABILITIES)
        .check(check_update),
];

fn check_update(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    if !call.args.has("id") {
        return Err(refusal::parameter(
            "id",
            "of the version is needed, from listHypervisorCapabilities",
        ));
    }
    match call.args.int("maxguestslimit") {
        Some(number) if number < 1 => {
            Err(call.invalid("maxguestslimit", &number.to_string(), "expected at least 1"))
        }
        _ => Ok(()),
    }
}

/// Those of a zone's clusters, or those that zones may have.
fn list_hypervisors(query: &Query<'_>) -> Result<Answer, ApiError> {
    let names: Vec<&str> = match query.args.id("zoneid") {
        Some(zone) => {
            let clusters = query.world.referring(zone, Kind::Cluster, col::ZONE_ID);
            let names: BTreeSet<&str> = clusters.map(|c| c.text(col::HYPERVISOR_TYPE)).collect();
            names.into_iter().collect()
        }
        None => given::tags(query.world.setting("hypervisor.list")).collect(),
    };
    query.page_of("hypervisor", names.into_iter(), |_, name| {
        Node::Object(vec![("name", Node::text(name))])
    })
}

/// Tells whether machines of a host can move to other storage while they run.
pub(crate) fn can_move_storage(world: &World, host: &Resource) -> bool {
    world.all(Kind::HypervisorCapabilities).any(|row| {
        row.text(col::HYPERVISOR) == host.text(col::HYPERVISOR)
            && row.text(col::HYPERVISOR_VERSION) == host.text(col::HYPERVISOR_VERSION)
            && row.flag(col::STORAGE_MOTION_ENABLED)
    })
}

/// The most hosts that a cluster of a hypervisor can have.
pub(crate) fn hosts_max(world: &World, hypervisor: &str) -> Option<i64> {
    let rows = world.all(Kind::HypervisorCapabilities);
    rows.filter(|row| row.text(col::HYPERVISOR) == hypervisor)
        .find_map(|row| row.int_if(col::MAX_HOSTS_PER_CLUSTER))
}

/// The capabilities of a version of a hypervisor; those of its default where the version
/// is not known.
fn row_of<'w>(world: &'w World, hypervisor: &str, version: &str) -> Option<&'w Resource> {
    let rows = || {
        let all = world.all(Kind::HypervisorCapabilities);
        all.filter(|row| row.text(col::HYPERVISOR).eq_ignore_ascii_case(hypervisor))
    };
    let of = |version: &str| rows().find(|row| row.text(col::HYPERVISOR_VERSION) == version);
    of(version).or_else(|| of(DEFAULT))
}

/// The most guests that a host can have.
pub(crate) fn guests_max(world: &World, host: &Resource) -> Option<i64> {
    let row = row_of(world, host.text(col::HYPERVISOR), host.text(col::HYPERVISOR_VERSION))?;
    row.int_if(col::MAX_GUESTS_LIMIT)
}

/// The most data volumes that a machine can have, by the host it is on or was on last.
pub(crate) fn data_volumes_max(world: &World, vm: &Resource) -> Option<i64> {
    let host = vm.id_of(col::HOST_ID).or(vm.id_of(col::LAST_HOST_ID)).and_then(|id| world.any(id));
    let version = host.map_or(DEFAULT, |host| host.text(col::HYPERVISOR_VERSION));
    row_of(world, vm.text(col::HYPERVISOR), version)?.int_if(col::MAX_DATA_VOLUMES_LIMIT)
}

/// A version: the most guests on a host, data volumes on a VM and hosts in a
/// cluster, and what it can do.
struct Version {
    hypervisor: &'static str,
    version: &'static str,
    guests_max: i64,
    data_volumes_max: i64,
    hosts_max: Option<i64>,
    can: &'static [Can],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Can {
    SecurityGroups,
    StorageMotion,
}

const fn version(hypervisor: &'static str, version: &'static str, guests_max: i64) -> Version {
    Version { hypervisor, version, guests_max, data_volumes_max: 6, hosts_max: None, can: &[] }
}

impl Version {
    const fn data_volumes(mut self, most: i64) -> Self {
        self.data_volumes_max = most;
        self
    }

    const fn hosts(mut self, most: i64) -> Self {
        self.hosts_max = Some(most);
        self
    }

    const fn can(mut self, can: &'static [Can]) -> Self {
        self.can = can;
        self
    }
}

use Can::{SecurityGroups, StorageMotion};

/// The hypervisors that a new cloud knows.
const VERSIONS: &[Version] = &[
    version(XEN_SERVER, DEFAULT, 50).can(&[SecurityGroups]),
    version(XEN_SERVER, "5.6", 50).can(&[SecurityGroups]),
    version(XEN_SERVER, "5.6 FP1", 50).can(&[SecurityGroups]),
    version(XEN_SERVER, "5.6 SP2", 50).can(&[SecurityGroups]),
    version(XEN_SERVER, "6.0", 50).can(&[SecurityGroups]),
    version(XEN_SERVER, "6.0.2", 50).can(&[SecurityGroups]),
    version(XEN_SERVER, "6.1.0", 75).data_volumes(13).can(&[SecurityGroups, StorageMotion]),
    version(XEN_SERVER, "6.2.0", 500).data_volumes(13).can(&[SecurityGroups, StorageMotion]),
    version(KVM, DEFAULT, 50).can(&[SecurityGroups]),
    version(VMWARE, DEFAULT, 128).data_volumes(13).hosts(32),
    version(VMWARE, "4.0", 128).data_volumes(13).hosts(32),
    version(VMWARE, "4.1", 128).data_volumes(13).hosts(32),
    version(VMWARE, "5.0", 128).data_volumes(13).hosts(32),
    version(VMWARE, "5.1", 128).data_volumes(13).hosts(32).can(&[StorageMotion]),
    version(OVM, DEFAULT, 25),
    version(OVM, "2.3", 25),
    version(LXC, DEFAULT, 50).can(&[SecurityGroups]),
    version(BARE_METAL, DEFAULT, 1),
    // Simulated hosts are there to be filled.
    version(SIMULATOR, DEFAULT, 10_000).can(&[SecurityGroups, StorageMotion]),
];

/// Makes the rows of a new cloud.
pub(crate) fn seed(tx: &mut Tx<'_>) {
    for row in VERSIONS {
        tx.insert(Kind::HypervisorCapabilities, |resource| {
            resource
                .set_text(col::HYPERVISOR, row.hypervisor)
                .set_text(col::HYPERVISOR_VERSION, row.version)
                .set_int(col::MAX_GUESTS_LIMIT, row.guests_max)
                .set_int(col::MAX_DATA_VOLUMES_LIMIT, row.data_volumes_max)
                .set_flag(col::SECURITY_GROUP_ENABLED, row.can.contains(&SecurityGroups))
                .set_flag(col::STORAGE_MOTION_ENABLED, row.can.contains(&StorageMotion));
            if let Some(most) = row.hosts_max {
                resource.set_int(col::MAX_HOSTS_PER_CLUSTER, most);
            }
        });
    }
}
