//! The lists of hosts.

use cloudtally_model::ApiError;

use super::{
    capacity,
    host::{HOST, HOST_FOR_MIGRATION, VERSION},
    migration::{Target, targets},
    placement::is_spare,
    resourcestate::ENABLED,
};
use crate::{
    col,
    engine::{Answer, Column, Fields, Node, Query, Resource, ResourceId},
    offering::serviceoffering::{CONSOLE_PROXY, STORAGE_VM},
    state::MachineState,
    table::{Command, Kind, ParamType::*, Roles, group, own, p},
};

pub(crate) static COMMANDS: &[Command] = &[
    own("findHostsForMigration")
        .doc("Lists the hosts a VM can move to, best first")
        .roles(Roles::ROOT)
        .params(&[p("virtualmachineid", Id(Kind::Vm)).required()])
        .groups(&[group::PAGED])
        .items("host", &HOST_FOR_MIGRATION)
        .read(find_for_migration),
    own("listHosts")
        .doc("Lists hosts and other agents")
        .roles(Roles::ROOT)
        .params(&[
            p("clusterid", Id(Kind::Cluster)),
            p("id", Id(Kind::Host)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("state", Str).doc("`Up`, `Down`, `Alert`, `Disconnected`, ..."),
            p("type", Str).doc("`Routing` for hosts of VMs, `SecondaryStorageVM`, `ConsoleProxy`"),
            p("zoneid", Id(Kind::Zone)),
            p("virtualmachineid", Id(Kind::Vm))
                .doc("shows only hosts this VM can move to without its volumes"),
            p("resourcestate", Str)
                .doc("`Enabled`, `Disabled`, `PrepareForMaintenance`, `Maintenance` or `Error`"),
            p("details", List).doc("what to show: `all`, `min`, `capacity`, `events`, `stats`"),
            p("hahost", Bool).doc("true for hosts kept free for restarts after a failure"),
        ])
        .groups(&[group::PAGED])
        .items("host", &HOST)
        .read(list_hosts),
];

/// The fields that `details` asks for; `all` unless given.
const DETAILS: [(&str, &[&str]); 3] = [
    (
        "capacity",
        &[
            "cpuallocated",
            "cpuwithoverprovisioning",
            "memoryallocated",
            "memorytotal",
            "disksizeallocated",
            "disksizetotal",
            "hasenoughcapacity",
        ],
    ),
    ("events", &["events"]),
    ("stats", &["cpuused", "averageload", "networkkbsread", "networkkbswrite", "memoryused"]),
];

/// Agents that are not hosts of VMs, and the system VMs that they run in.
const AGENTS: [(&str, &str); 2] =
    [("ConsoleProxy", CONSOLE_PROXY), ("SecondaryStorageVM", STORAGE_VM)];

/// The agents in system VMs of a type, shown as hosts: up as long as the VM runs.
fn list_agents(query: &Query<'_>, system_vm_type: &str) -> Result<Answer, ApiError> {
    let (world, args) = (query.world, query.args);
    let state = |vm: &Resource| if vm.is(MachineState::Running) { "Up" } else { "Disconnected" };
    let is_in = |vm: &Resource, column: Column<ResourceId>| {
        args.id(column.name()).is_none_or(|id| vm.id_of(column) == Some(id))
    };
    let is = |text: &str, name: &str| {
        args.text(name).is_none_or(|wanted| text.eq_ignore_ascii_case(wanted))
    };
    let keyword = args.text("keyword").map(str::to_lowercase);
    let vms = world.all(Kind::SystemVm).filter(|vm| {
        vm.text(col::SYSTEM_VM_TYPE) == system_vm_type
            && !args.has("id")
            && !args.has("clusterid")
            && !args.has("virtualmachineid")
            && args.flag("hahost") != Some(true)
            && is_in(vm, col::ZONE_ID)
            && is_in(vm, col::POD_ID)
            && is(vm.text(col::NAME), "name")
            && is(state(vm), "state")
            && is(ENABLED, "resourcestate")
            && keyword.as_ref().is_none_or(|word| vm.text(col::NAME).to_lowercase().contains(word))
    });
    let kind = AGENTS.iter().find(|(_, of)| *of == system_vm_type).map_or("", |(name, _)| name);
    query.page_of("host", vms, |query, vm| {
        let place =
            |column: Column<ResourceId>| vm.id_of(column).map(|id| query.world.resource(id));
        let mut fields: Fields = vec![
            ("id", Node::text(vm.uuid.to_string())),
            ("name", Node::text(vm.text(col::NAME))),
            ("state", Node::text(state(vm))),
            ("type", Node::text(kind)),
            ("ipaddress", Node::text(vm.text(col::PRIVATE_IP))),
        ];
        for (column, name) in [(col::ZONE_ID, "zonename"), (col::POD_ID, "podname")] {
            if let Some(resource) = place(column) {
                fields.push((column.name(), Node::text(resource.uuid.to_string())));
                fields.push((name, Node::text(resource.text(col::NAME))));
            }
        }
        fields.push(("version", Node::text(VERSION)));
        fields.push(("managementserverid", Node::Int(1)));
        fields.push(("created", Node::Date(vm.created)));
        fields.push(("resourcestate", Node::text(ENABLED)));
        Node::Object(fields)
    })
}

fn list_hosts(query: &Query<'_>) -> Result<Answer, ApiError> {
    let (world, args) = (query.world, query.args);
    // 1. What is to be shown of each.
    let details = args.list("details");
    let known = |word: &str| {
        matches!(word, "all" | "min") || DETAILS.iter().any(|(detail, _)| *detail == word)
    };
    if let Some(word) = details.iter().find(|word| !known(word)) {
        let expected = "expected `all`, `min`, `capacity`, `events` or `stats`";
        return Err(query.invalid("details", word, expected));
    }
    let has = |word: &str| details.is_empty() || details.iter().any(|d| d == "all" || d == word);
    if let Some(wanted) = args.text("type")
        && let Some((_, system_vm_type)) =
            AGENTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))
    {
        return list_agents(query, system_vm_type);
    }
    // 2. Which hosts.
    let is_spare_wanted = args.flag("hahost");
    let vm = args.id("virtualmachineid");
    // Where the machine can go with its volumes staying: migrateVirtualMachine moves none.
    let targets = vm.map(|vm| {
        let all = targets(world, vm).into_iter();
        all.filter(|target| !target.moves_storage).collect::<Vec<Target>>()
    });
    let room = |host: &Resource| {
        targets.as_ref().map(|all| all.iter().find(|target| target.host == host.id))
    };
    let hosts = query.resources(Kind::Host)?.into_iter().filter(|host| {
        is_spare_wanted.is_none_or(|wanted| is_spare(world, host) == wanted)
            && room(host).is_none_or(|target| target.is_some())
    });
    query.page_of("host", hosts, |query, host| {
        let mut node = query.show(host, &HOST);
        if let Some(Some(target)) = room(host) {
            capacity::put(&mut node, &HOST, "hasenoughcapacity", Node::Bool(target.has_room));
        }
        if let Node::Object(fields) = &mut node {
            for (detail, names) in DETAILS {
                if !has(detail) {
                    fields.retain(|(name, _)| !names.contains(name));
                }
            }
        }
        node
    })
}

fn find_for_migration(query: &Query<'_>) -> Result<Answer, ApiError> {
    let vm = query.world.resource(query.args.id_required("virtualmachineid"));
    if !vm.is(MachineState::Running) {
        return Err(vm.refused(
            "virtualmachineid",
            format!("is {}; only running ones move to another host", vm.state()),
        ));
    }
    let keyword = query.args.text("keyword").map(str::to_lowercase);
    let found = targets(query.world, vm.id).into_iter().filter(|target| {
        let name = query.world.resource(target.host).text(col::NAME).to_lowercase();
        keyword.as_ref().is_none_or(|keyword| name.contains(keyword))
    });
    query.page_of("host", found, |query, target| {
        let object = &HOST_FOR_MIGRATION;
        let mut node = query.show(query.world.resource(target.host), object);
        for (name, flag) in [
            ("hasenoughcapacity", target.has_room),
            ("suitableformigration", target.has_room),
            ("requiresStorageMotion", target.moves_storage),
        ] {
            capacity::put(&mut node, object, name, Node::Bool(flag));
        }
        node
    })
}
