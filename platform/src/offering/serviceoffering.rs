//! Service offerings: the CPU, memory and other terms of VMs, as the operator sells them.
//!
//! An offering is for everybody or for one domain and those below it. Offerings of
//! system VMs are shown to root admins alone, and only when asked for.

use cloudtally_model::ApiError;

use super::{diskoffering, serviceoffering};
use crate::{
    col,
    engine::{Answer, Call, Done, Node, Query, Resource, ResourceId, Tx, World, refusal},
    parse::given,
    table::{
        Command, Kind, KindSpec, MapForm, Object, ParamType::*, Roles, Sight, WireType as W,
        create, delete, f, fields::*, group, hidden, own, p, update,
    },
};

/// The purposes of system VMs.
pub(crate) const ROUTER: &str = "domainrouter";
pub(crate) const CONSOLE_PROXY: &str = "consoleproxy";
pub(crate) const STORAGE_VM: &str = "secondarystoragevm";
const SYSTEM_VM_TYPES: [&str; 3] = [ROUTER, CONSOLE_PROXY, STORAGE_VM];

/// The planners that may choose hosts.
pub(crate) const PLANNERS: [&str; 5] = [
    "FirstFitPlanner",
    "UserDispersingPlanner",
    "UserConcentratedPodPlanner",
    "ImplicitDedicationPlanner",
    "BareMetalPlanner",
];

/// The least memory of a VM, in MiB.
const MEMORY_MIN_MIB: i64 = 32;
const MIB: i64 = 1 << 20;

pub(crate) static KIND: KindSpec = KindSpec::new(Kind::ServiceOffering, &SERVICE_OFFERING)
    .seen_by(Sight::By(World::is_offered_to))
    .hidden(&[hidden("sortkey", W::Int)])
    .keyword(&[col::NAME, col::DISPLAY_TEXT]);

pub(crate) const SERVICE_OFFERING: Object = Object {
    name: "ServiceOffering",
    fields: &[
        ID,
        f("name", W::Str),
        f("displaytext", W::Str),
        f("cpunumber", W::Int),
        f("cpuspeed", W::Int),
        f("memory", W::Int),
        CREATED,
        f("storagetype", W::Str),
        f("offerha", W::Bool),
        f("limitcpuuse", W::Bool),
        f("isvolatile", W::Bool),
        f("tags", W::Str),
        f("domainid", W::Id(Kind::Domain)),
        f("domain", W::Str).join(col::DOMAIN_ID, "name"),
        f("hosttags", W::Str),
        f("issystem", W::Bool),
        f("defaultuse", W::Bool),
        f("systemvmtype", W::Str),
        f("networkrate", W::Int),
        f("diskBytesReadRate", W::Long),
        f("diskBytesWriteRate", W::Long),
        f("diskIopsReadRate", W::Long),
        f("diskIopsWriteRate", W::Long),
        f("deploymentplanner", W::Str),
        f("serviceofferingdetails", W::Map),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    create("createServiceOffering", Kind::ServiceOffering)
        .doc("Makes a service offering for VMs, or for system VMs")
        .roles(Roles::ROOT)
        .params(&[
            p("cpunumber", Long).required().doc("CPU cores"),
            p("cpuspeed", Long).required().doc("MHz of a core"),
            p("displaytext", Str).required(),
            p("memory", Long).required().doc("MiB"),
            p("name", Str).required(),
            p("offerha", Bool)
                .doc("whether VMs are started again after a failure; false unless given"),
            p("limitcpuuse", Bool)
                .doc("whether VMs stay within their share of CPU; false unless given"),
            p("isvolatile", Bool)
                .doc("true to give VMs a fresh root disk at each reboot; false unless given"),
            p("storagetype", Str),
            p("tags", Str).doc("storage tags; root volumes go to pools with all of them"),
            p("domainid", Id(Kind::Domain))
                .doc("the domain that may use it; everybody unless given"),
            p("hosttags", Str).doc("tags separated by commas; VMs run on hosts with all of them"),
            p("issystem", Bool).doc("true for an offering of system VMs"),
            p("systemvmtype", Str),
            p("networkrate", Int).doc("megabits a second of the VM's NICs"),
            p("deploymentplanner", Str).doc("who chooses hosts, from listDeploymentPlanners"),
            p("serviceofferingdetails", Map(MapForm::Free))
                .doc("details for the planner: `serviceofferingdetails[0].key=value`"),
            p("bytesreadrate", Long),
            p("byteswriterate", Long),
            p("iopsreadrate", Long),
            p("iopswriterate", Long),
        ])
        .event("SERVICE.OFFERING.CREATE")
        .object("serviceoffering", &SERVICE_OFFERING)
        .check(check_new)
        .act(settle),
    delete("deleteServiceOffering", Kind::ServiceOffering)
        .doc("Withdraws a service offering; VMs of it stay")
        .roles(Roles::ROOT)
        .params(&[p("id", Id(Kind::ServiceOffering)).required()])
        .event("SERVICE.OFFERING.DELETE")
        .success()
        .check(check_delete),
    own("listServiceOfferings")
        .doc("Lists service offerings the caller may use")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::ServiceOffering)),
            p("name", Str),
            p("virtualmachineid", Id(Kind::Vm)).doc("shows only those this VM can change to"),
            p("domainid", Id(Kind::Domain)).doc("shows only those of this domain"),
            p("issystem", Bool),
            p("systemvmtype", Str),
        ])
        .groups(&[group::PAGED])
        .items("serviceoffering", &SERVICE_OFFERING)
        .read(list_offerings),
    update("updateServiceOffering", Kind::ServiceOffering)
        .doc("Renames a service offering or changes its place in lists")
        .roles(Roles::ROOT)
        .params(&[
            p("id", Id(Kind::ServiceOffering)).required(),
            p("displaytext", Str),
            p("name", Str),
            p("sortkey", Int),
        ])
        .event("SERVICE.OFFERING.EDIT")
        .object("serviceoffering", &SERVICE_OFFERING),
    own("listDeploymentPlanners")
        .doc("Lists the planners that choose hosts for new VMs")
        .roles(Roles::ROOT)
        .groups(&[group::PAGED])
        .items("deploymentPlanner", &DEPLOYMENT_PLANNER)
        .read(list_planners),
];

/// The CPU in MHz that a VM of an offering is given.
pub(crate) fn cpu_mhz(offering: &Resource) -> i64 {
    offering.int(col::CPU_NUMBER).saturating_mul(offering.int(col::CPU_SPEED))
}

/// The memory in bytes that a VM of an offering is given.
pub(crate) fn memory_bytes(offering: &Resource) -> i64 {
    offering.int(col::MEMORY).saturating_mul(MIB)
}

fn check_new(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    // 1. Amounts that a machine can have.
    let most = i64::from(i32::MAX);
    for (name, least) in [("cpunumber", 1), ("cpuspeed", 1), ("memory", MEMORY_MIN_MIB)] {
        let number = call.args.int(name).unwrap_or_default();
        if !(least..=most).contains(&number) {
            let expected = format!("expected a number from {least} to {most}");
            return Err(call.invalid(name, &number.to_string(), &expected));
        }
    }
    diskoffering::check_rates(call, &["networkrate"])?;
    // 2. Words that are known.
    diskoffering::storage_type(call)?;
    given::word(call, "deploymentplanner", &PLANNERS)?;
    let system_vm_type = given::word(call, "systemvmtype", &SYSTEM_VM_TYPES)?;
    match (call.args.is_true("issystem"), system_vm_type) {
        (false, Some(_)) => Err(refusal::parameter(
            "systemvmtype",
            "is for offerings with `issystem=true`; leave it out",
        )),
        (true, None) => Err(refusal::parameter(
            "systemvmtype",
            format!("is needed for a system offering: {}", SYSTEM_VM_TYPES.join(", ")),
        )),
        _ => Ok(()),
    }
}

/// Completes a new offering.
fn settle(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    let storage_type = diskoffering::storage_type(call)?;
    let planner = given::word(call, "deploymentplanner", &PLANNERS)?;
    let system_vm_type = given::word(call, "systemvmtype", &SYSTEM_VM_TYPES)?;
    diskoffering::set_rates(call, id);
    call.tx.edit(id, |offering| {
        for name in [col::OFFER_HA, col::LIMIT_CPU_USE, col::IS_VOLATILE, col::IS_SYSTEM] {
            let flag = offering.flag(name);
            offering.set_flag(name, flag);
        }
        offering.set_flag(col::DEFAULT_USE, false).set_text(col::STORAGE_TYPE, storage_type);
        if let Some(planner) = planner {
            offering.set_text(col::DEPLOYMENT_PLANNER, planner);
        }
        if let Some(system_vm_type) = system_vm_type {
            offering.set_text(col::SYSTEM_VM_TYPE, system_vm_type);
        }
    });
    Ok(Done::Resource(id))
}

fn check_delete(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let offering = call.tx.resource(call.args.id_required("id"));
    if offering.flag(col::DEFAULT_USE) {
        return Err(
            offering.refused("id", "is what system VMs are made with and cannot be removed")
        );
    }
    Ok(())
}

/// The offering by which system VMs of a type are made.
pub(crate) fn default_for(world: &World, system_vm_type: &str) -> Option<ResourceId> {
    world
        .all(Kind::ServiceOffering)
        .find(|row| row.flag(col::DEFAULT_USE) && row.text(col::SYSTEM_VM_TYPE) == system_vm_type)
        .map(|row| row.id)
}

fn list_offerings(query: &Query<'_>) -> Result<Answer, ApiError> {
    let args = query.args;
    let wants_system = args.is_true("issystem");
    if !query.caller.is_root() && (wants_system || args.has("systemvmtype")) {
        return Err(refusal::reserved("listing the offerings of system VMs", "root admins"));
    }
    let vm = args.id("virtualmachineid").map(|id| query.world.resource(id));
    let current = vm.and_then(|vm| vm.id_of(col::SERVICE_OFFERING_ID));
    let current = current.map(|id| query.world.resource(id));
    let mut offerings = query.resources(Kind::ServiceOffering)?;
    offerings.retain(|row| {
        // By its id a root admin finds an offering of either use.
        let is_asked_for = args.has("id") && query.caller.is_root();
        (is_asked_for || row.flag(col::IS_SYSTEM) == wants_system)
            && args.id("domainid").is_none_or(|domain| row.id_of(col::DOMAIN_ID) == Some(domain))
            && current.is_none_or(|current| suits(query.world, vm, current, row))
    });
    offerings.sort_by_key(|row| row.int(col::SORT_KEY));
    query.page(offerings.into_iter())
}

/// Tells whether a VM of one offering can change to another: the same kind of storage,
/// of the same use, on pools that have all its tags.
fn suits(world: &World, vm: Option<&Resource>, current: &Resource, other: &Resource) -> bool {
    let domain = vm.and_then(|vm| world.domain_of_resource(vm));
    other.id != current.id
        && other.flag(col::IS_SYSTEM) == current.flag(col::IS_SYSTEM)
        && other.text(col::STORAGE_TYPE) == current.text(col::STORAGE_TYPE)
        && given::has_all_tags(current.text(col::TAGS), other.text(col::TAGS))
        && other
            .id_of(col::DOMAIN_ID)
            .is_none_or(|top| domain.is_some_and(|domain| world.is_within(domain, top)))
}

/// Offerings of a new cloud: name, text, cores, MHz, MiB.
const FOR_GUESTS: [(&str, &str, i64, i64, i64); 5] = [
    ("Small Instance", "Small Instance", 1, 500, 512),
    ("Medium Instance", "Medium Instance", 1, 1000, 1024),
    ("Large Instance", "Large Instance", 2, 2000, 4096),
    ("m1.small", "As EC2 names it: one core and 1.7 GiB", 1, 1000, 1740),
    ("Tiny Instance", "Tiny Instance", 1, 100, 128),
];

/// Offerings of system VMs: name, use, cores, MHz, MiB.
const FOR_SYSTEM: [(&str, &str, i64, i64, i64); 3] = [
    ("System Offering For Software Router", ROUTER, 1, 500, 128),
    ("System Offering For Console Proxy", CONSOLE_PROXY, 1, 500, 1024),
    ("System Offering For Secondary Storage VM", STORAGE_VM, 1, 500, 512),
];

/// Makes the rows of a new cloud.
pub(crate) fn seed(tx: &mut Tx<'_>) {
    let guests = FOR_GUESTS.map(|(name, text, cores, mhz, mib)| (name, text, "", cores, mhz, mib));
    let system = FOR_SYSTEM.map(|(name, of, cores, mhz, mib)| (name, name, of, cores, mhz, mib));
    for (name, text, system_vm_type, cores, mhz, mib) in guests.into_iter().chain(system) {
        tx.insert(Kind::ServiceOffering, |row| {
            row.set_text(col::NAME, name)
                .set_text(col::DISPLAY_TEXT, text)
                .set_int(col::CPU_NUMBER, cores)
                .set_int(col::CPU_SPEED, mhz)
                .set_int(col::MEMORY, mib)
                .set_text(col::STORAGE_TYPE, "shared")
                .set_flag(col::OFFER_HA, !system_vm_type.is_empty())
                .set_flag(col::LIMIT_CPU_USE, false)
                .set_flag(col::IS_VOLATILE, false)
                .set_flag(col::IS_SYSTEM, !system_vm_type.is_empty())
                .set_flag(col::DEFAULT_USE, !system_vm_type.is_empty());
            if !system_vm_type.is_empty() {
                row.set_text(col::SYSTEM_VM_TYPE, system_vm_type);
            }
        });
    }
}

fn list_planners(query: &Query<'_>) -> Result<Answer, ApiError> {
    let keyword = query.args.text("keyword").unwrap_or_default().to_lowercase();
    let planners = serviceoffering::PLANNERS.iter();
    let listed = planners.filter(|name| name.to_lowercase().contains(&keyword));
    query.page_of("deploymentPlanner", listed, |_, name| {
        Node::Object(vec![("name", Node::text(name))])
    })
}

pub(crate) const DEPLOYMENT_PLANNER: Object =
    Object { name: "DeploymentPlanners", fields: &[f("name", W::Str)] };
