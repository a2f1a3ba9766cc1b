//! Storage pools: primary storage, where volumes are.
//!
//! A pool serves a cluster or a whole zone; a pool on the disks of a host comes and
//! goes with it. Volumes say by `poolid` which pool they are on.

use cloudtally_model::ApiError;

use super::{capacity, placement};
use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, Resource, ResourceId, Tx, refusal, table, verbs},
    offering::hypervisor::{HYPERVISORS, KVM, SIMULATOR, VMWARE},
    parse::given,
    state::{HostState, PoolState, VolumeState},
    table::{
        Command, Kind, KindSpec, MapForm, Object, OnDelete::*, ParamType::*, Roles, Unique,
        WireType as W, Within, f, fields::*, group, hidden, list, own, p,
    },
};

/// Bytes of a pool that says nothing of it.
const POOL_BYTES: i64 = 2 << 40;

/// Schemes of URLs, and the type of pool behind each.
const TYPES: [(&str, &str); 9] = [
    ("nfs", "NetworkFilesystem"),
    ("sharedmountpoint", "SharedMountPoint"),
    ("presetup", "PreSetup"),
    ("iscsi", "IscsiLUN"),
    ("clvm", "CLVM"),
    ("rbd", "RBD"),
    ("vmfs", "VMFS"),
    ("ocfs2", "OCFS2"),
    ("file", "Filesystem"),
];

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::StoragePool, &STORAGE_POOL)
    .infrastructure()
    .hidden(&[
        hidden("url", W::Str),
        hidden("provider", W::Str),
        hidden("managed", W::Bool),
        hidden("details", W::Map),
        hidden("hostid", W::Id(Kind::Host)),
    ])
    .states(table!(PoolState: Up, PrepareForMaintenance, Maintenance;
        Up => PrepareForMaintenance;
        PrepareForMaintenance => Maintenance, Up;
        Maintenance => Up;
    ))
    .unique(&[Unique { column: col::NAME, within: Within::Column(col::ZONE_ID) }])
    .keyword(&[col::NAME, col::TYPE])
    .job_instance("StoragePool")
    .referred(&[
        (Kind::Volume, col::POOL_ID.reference(), Refuse),
        (Kind::SystemVm, col::STORAGE_ID.reference(), Forget),
        (Kind::SystemVm, col::WAITS_FOR.reference(), Forget),
        (Kind::Vm, col::WAITS_FOR.reference(), Forget),
        (Kind::Setting, col::OF.reference(), Remove),
    ]);

pub(crate) const STORAGE_POOL: Object = Object {
    name: "StoragePool",
    fields: &[
        ID,
        ZONE_ID,
        ZONE_NAME,
        f("podid", W::Id(Kind::Pod)),
        f("podname", W::Str).join(col::POD_ID, "name"),
        f("name", W::Str),
        f("ipaddress", W::Str),
        f("path", W::Str),
        CREATED,
        f("type", W::Str),
        f("clusterid", W::Id(Kind::Cluster)),
        f("clustername", W::Str).join(col::CLUSTER_ID, "name"),
        f("disksizetotal", W::Long),
        f("disksizeallocated", W::Long)
            .by(|view| Node::Int(capacity::pool_bytes(view.world, view.resource.id).used)),
        f("disksizeused", W::Long)
            .by(|view| Node::Int(capacity::pool_filled_bytes(view.world, view.resource.id).used)),
        f("capacityiops", W::Long),
        f("tags", W::Str),
        STATE,
        f("scope", W::Str),
        f("hypervisor", W::Str),
        f("suitableformigration", W::Bool).by(|_| Node::Null),
    ],
};

pub(crate) const STORAGE_PROVIDER: Object =
    Object { name: "StorageProvider", fields: &[f("name", W::Str), f("type", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    own("createStoragePool")
        .doc("Adds a storage pool to a cluster or a zone")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)).doc("the cluster; needed with scope `CLUSTER`"),
            p("details", Map(MapForm::Free)).doc("what the provider needs: `details[0].key=value`"),
            p("name", Str).required(),
            p("podid", Id(Kind::Pod)).doc("the pod; needed with scope `CLUSTER`"),
            p("tags", Str).doc("tags separated by commas; disk offerings choose by them"),
            p("url", Str).required().doc("the storage, such as `nfs://10.1.1.1/export/primary`"),
            p("zoneid", Id(Kind::Zone)).required(),
            p("provider", Str),
            p("scope", Str).doc("`CLUSTER` or `ZONE`; `CLUSTER` unless given"),
            p("managed", Bool).doc("whether the provider makes a volume of its own for each"),
            p("capacityiops", Long),
            p("capacitybytes", Long),
            p("hypervisor", Str),
        ])
        .object("storagepool", &STORAGE_POOL)
        .kind(Kind::StoragePool)
        .act(create_pool),
    own("deleteStoragePool")
        .doc("Removes a storage pool in maintenance")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::StoragePool)).required(),
            p("forced", Bool).doc("true to remove it with volumes that are destroyed already"),
        ])
        .success()
        .kind(Kind::StoragePool)
        .act(remove),
    own("findStoragePoolsForMigration")
        .doc("Lists the storage pools a volume can move to")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::Volume)).required().doc("the volume")])
        .groups(&[group::PAGED])
        .items("storagepool", &STORAGE_POOL)
        .read(find_for_migration),
    list("listStoragePools", Kind::StoragePool)
        .doc("Lists storage pools")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)),
            p("ipaddress", Str).doc("shows only those at this address"),
            p("name", Str),
            p("path", Str).doc("shows only the one with this path"),
            p("podid", Id(Kind::Pod)),
            p("zoneid", Id(Kind::Zone)),
            p("id", Id(Kind::StoragePool)),
            p("scope", Str),
        ])
        .groups(&[group::PAGED])
        .items("storagepool", &STORAGE_POOL),
    own("listStorageProviders")
        .doc("Lists what can provide a kind of storage")
        .roles(Roles::ROOT)
        .params(&[p("type", Str).required().doc("`primary`, `image` or `imageCache`")])
        .groups(&[group::PAGED])
        .items("dataStoreProvider", &STORAGE_PROVIDER)
        .read(list_providers),
    own("updateStoragePool")
        .doc("Changes tags or capacity of a storage pool")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::StoragePool)).required(),
            p("tags", List).doc("tags separated by commas; disk offerings choose by them"),
            p("capacityiops", Long),
            p("capacitybytes", Long),
        ])
        .object("storagepool", &STORAGE_POOL)
        .kind(Kind::StoragePool)
        .act(change),
];

/// The place that a pool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Cluster { pod: ResourceId, cluster: ResourceId },
    Zone { hypervisor: &'static str },
}

/// Decides the place of a new pool, or refuses it.
fn place(call: &Call<'_, '_>) -> Result<Place, ApiError> {
    let scope = given::word(call, "scope", &["CLUSTER", "ZONE"])?.unwrap_or("CLUSTER");
    let (pod, cluster) = (call.args.id("podid"), call.args.id("clusterid"));
    if scope == "ZONE" {
        if pod.is_some() || cluster.is_some() {
            return Err(refusal::parameter("scope", "is ZONE; leave `podid` and `clusterid` out"));
        }
        let wide = [KVM, VMWARE, SIMULATOR];
        return match given::word(call, "hypervisor", &HYPERVISORS)? {
            Some(hypervisor) if wide.contains(&hypervisor) => Ok(Place::Zone { hypervisor }),
            Some(other) => Err(refusal::parameter(
                "hypervisor",
                format!(
                    "is {other}, which has no pools of a whole zone; only {} have",
                    wide.join(", ")
                ),
            )),
            None => Err(refusal::parameter("hypervisor", "is needed for a pool of a zone")),
        };
    }
    let (Some(pod), Some(cluster)) = (pod, cluster) else {
        return Err(refusal::parameter("clusterid", "and `podid` are needed, or `scope=ZONE`"));
    };
    given::check_place(call)?;
    let resource = call.tx.resource(cluster);
    if resource.id_of(col::POD_ID) != Some(pod) {
        return Err(resource.refused(
            "clusterid",
            format!(
                "is not in the pod {}; choose a cluster of that pod",
                call.tx.resource(pod).text(col::NAME)
            ),
        ));
    }
    let of_cluster = resource.text(col::HYPERVISOR_TYPE);
    if let Some(wanted) = given::word(call, "hypervisor", &HYPERVISORS)?
        && !wanted.eq_ignore_ascii_case(of_cluster)
    {
        let expected = format!("the cluster {} is of {of_cluster}", resource.text(col::NAME));
        return Err(call.invalid("hypervisor", wanted, &expected));
    }
    if !call.tx.referring(cluster, Kind::Host, col::CLUSTER_ID).any(|host| host.is(HostState::Up)) {
        return Err(resource.refused(
            "clusterid",
            "has no host that is up to reach the storage; add a host first",
        ));
    }
    Ok(Place::Cluster { pod, cluster })
}

fn create_pool(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. Storage that we know how to reach and that is not there yet.
    let schemes = TYPES.map(|(scheme, _)| scheme);
    let url = given::url(call, "url", &schemes)?;
    let expected = "expected the place and the path of the storage";
    let shown = call.args.text_required("url").to_owned();
    if url.path.len() < 2 || url.host.is_empty() && matches!(url.scheme.as_str(), "nfs" | "iscsi") {
        return Err(call.invalid("url", &shown, expected));
    }
    let zone = call.args.id_required("zoneid");
    let place = place(call)?;
    let is_same = |pool: &&Resource| {
        pool.text(col::IP_ADDRESS) == url.host
            && pool.text(col::PATH) == url.path
            && (pool.id_of(col::CLUSTER_ID).is_none()
                || place_cluster(place).is_none_or(|c| pool.id_of(col::CLUSTER_ID) == Some(c)))
    };
    if let Some(pool) = call.tx.referring(zone, Kind::StoragePool, col::ZONE_ID).find(is_same) {
        return Err(
            pool.refused("id", format!("is the storage {shown} already; give another `url`"))
        );
    }
    check_capacity(call)?;
    let provider = given::word(call, "provider", &PRIMARY)?.unwrap_or(PRIMARY[0]);
    // 2. The pool.
    let pool_type = TYPES.iter().find(|(scheme, _)| *scheme == url.scheme).map(|(_, ty)| *ty);
    let id = verbs::create(call, Kind::StoragePool)?;
    let bytes = call.args.int("capacitybytes").unwrap_or(POOL_BYTES);
    let hypervisor = match place {
        Place::Cluster { cluster, .. } => {
            call.tx.resource(cluster).text(col::HYPERVISOR_TYPE).to_owned()
        }
        Place::Zone { hypervisor } => hypervisor.to_owned(),
    };
    call.tx.edit(id, |pool| {
        pool.set_text(col::IP_ADDRESS, &url.host)
            .set_text(col::PATH, &url.path)
            .set_text(col::TYPE, pool_type.unwrap_or_default())
            .set_text(col::HYPERVISOR, &hypervisor)
            .set_text(col::PROVIDER, provider)
            .set_int(col::DISK_SIZE_TOTAL, bytes);
        match place {
            Place::Cluster { pod, cluster } => pool
                .set_text(col::SCOPE, "CLUSTER")
                .set_ref(col::POD_ID, pod)
                .set_ref(col::CLUSTER_ID, cluster),
            Place::Zone { .. } => pool.set_text(col::SCOPE, "ZONE"),
        };
    });
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

fn place_cluster(place: Place) -> Option<ResourceId> {
    match place {
        Place::Cluster { cluster, .. } => Some(cluster),
        Place::Zone { .. } => None,
    }
}

fn check_capacity(call: &Call<'_, '_>) -> Result<(), ApiError> {
    for name in ["capacitybytes", "capacityiops"] {
        if let Some(number) = call.args.int(name).filter(|number| *number < 1) {
            return Err(call.invalid(name, &number.to_string(), "expected a number from 1"));
        }
    }
    Ok(())
}

/// Makes the pool on the disks of a host.
pub(crate) fn insert_local(tx: &mut Tx<'_>, host: ResourceId) {
    let resource = tx.resource(host).clone();
    tx.insert(Kind::StoragePool, |pool| {
        pool.set_text(col::NAME, &format!("{} Local Storage", resource.text(col::NAME)))
            .set_ref(col::ZONE_ID, resource.id_of(col::ZONE_ID))
            .set_ref(col::POD_ID, resource.id_of(col::POD_ID))
            .set_ref(col::CLUSTER_ID, resource.id_of(col::CLUSTER_ID))
            .set_ref(col::HOST_ID, host)
            .set_text(col::IP_ADDRESS, resource.text(col::IP_ADDRESS))
            .set_text(col::PATH, "/var/lib/images")
            .set_text(col::TYPE, "Filesystem")
            .set_text(col::SCOPE, "HOST")
            .set_text(col::HYPERVISOR, resource.text(col::HYPERVISOR))
            .set_text(col::PROVIDER, PRIMARY[0])
            .set_int(col::DISK_SIZE_TOTAL, resource.int(col::DISK_SIZE_TOTAL));
    });
}

fn remove(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let pool = call.entity();
    if !pool.is(PoolState::Maintenance) {
        let why = format!(
            "is {} and cannot be removed; call enableStorageMaintenance first",
            pool.state()
        );
        return Err(pool.refused("id", why));
    }
    let id = call.entity_id();
    if call.args.is_true("forced") {
        for volume in call.tx.ids_referring(id, Kind::Volume, col::POOL_ID) {
            if call.tx.resource(volume).is(VolumeState::Destroy) {
                call.tx.remove_with_dependants(volume);
            }
        }
    }
    verbs::delete(call, id)?;
    Ok(Done::Success)
}

fn change(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    check_capacity(call)?;
    let id = call.entity_id();
    let tags = call.args.has("tags").then(|| call.args.list("tags").join(","));
    let (bytes, iops) = (call.args.int("capacitybytes"), call.args.int("capacityiops"));
    let used = capacity::pool_filled_bytes(call.tx, id).used;
    if let Some(bytes) = bytes.filter(|bytes| *bytes < used) {
        let expected = format!("{used} bytes are in use already");
        return Err(call.invalid("capacitybytes", &bytes.to_string(), &expected));
    }
    call.tx.edit(id, |pool| {
        if let Some(tags) = tags {
            pool.set_text_if(col::TAGS, (!tags.is_empty()).then_some(tags.as_str()));
        }
        if let Some(bytes) = bytes {
            pool.set_int(col::DISK_SIZE_TOTAL, bytes);
        }
        if let Some(iops) = iops {
            pool.set_int(col::CAPACITY_IOPS, iops);
        }
    });
    Ok(Done::Resource(id))
}

/// Tells whether new volumes may come to a pool.
pub(crate) fn takes_new(pool: &Resource) -> bool {
    pool.is(PoolState::Up)
}

/// The pools that a volume could move to: of its zone, for the same hypervisor, and
/// where they are of a cluster, of its own.
fn find_for_migration(query: &Query<'_>) -> Result<Answer, ApiError> {
    let world = query.world;
    let volume = world.resource(query.args.id_required("id"));
    let from = volume.id_of(col::POOL_ID).map(|id| world.resource(id));
    let offering = volume.id_of(col::DISK_OFFERING_ID).or(volume.id_of(col::SERVICE_OFFERING_ID));
    let tags = offering.map_or("", |id| world.resource(id).text(col::TAGS));
    let size = volume.int(col::SIZE);
    // What runs goes on reaching it.
    let host =
        volume.id_of(col::VIRTUAL_MACHINE_ID).and_then(|vm| world.resource(vm).id_of(col::HOST_ID));
    let host = host.map(|id| world.resource(id));
    let keyword = query.args.text("keyword").map(str::to_lowercase);
    let pools = world.all(Kind::StoragePool).filter(|pool| {
        from.is_some_and(|from| {
            pool.id != from.id
                && pool.id_of(col::ZONE_ID) == from.id_of(col::ZONE_ID)
                && pool.text(col::HYPERVISOR) == from.text(col::HYPERVISOR)
                && pool.text(col::SCOPE) != "HOST"
                && takes_new(pool)
        }) && keyword
            .as_ref()
            .is_none_or(|keyword| pool.text(col::NAME).to_lowercase().contains(keyword))
    });
    query.page_of("storagepool", pools, |query, pool| {
        let mut node = query.show(pool, &STORAGE_POOL);
        let fits = given::has_all_tags(pool.text(col::TAGS), tags)
            && host.is_none_or(|host| placement::reaches(host, pool))
            && capacity::pool_free_bytes(query.world, pool.id) >= size;
        capacity::put(&mut node, &STORAGE_POOL, "suitableformigration", Node::Bool(fits));
        node
    })
}

/// The providers of primary storage; the first unless told otherwise.
const PRIMARY: [&str; 2] = ["DefaultPrimary", "SimulatorPrimary"];
/// The providers of image stores.
pub(crate) const IMAGE: [&str; 3] = ["NFS", "S3", "Swift"];
/// The providers of staging stores.
pub(crate) const STAGING: [&str; 1] = ["NFS"];

fn list_providers(query: &Query<'_>) -> Result<Answer, ApiError> {
    let wanted = query.args.text_required("type");
    let (names, shown): (&[&str], &str) = match wanted.to_lowercase().as_str() {
        "primary" => (&PRIMARY, "PRIMARY"),
        "image" => (&IMAGE, "IMAGE"),
        "imagecache" => (&STAGING, "ImageCache"),
        _ => {
            return Err(query.invalid(
                "type",
                wanted,
                "expected `primary`, `image` or `imageCache`",
            ));
        }
    };
    let keyword = query.args.text("keyword").map(str::to_lowercase);
    let names = names.iter().filter(|name| {
        keyword.as_ref().is_none_or(|keyword| name.to_lowercase().contains(keyword))
    });
    query.page_of("dataStoreProvider", names, |_, name| {
        Node::Object(vec![("name", Node::text(name)), ("type", Node::text(shown))])
    })
}
