//! Facts: the uses that a resource is, as it stands in the world, and the resources whose
//! facts may change with which resource.
//!
//! # Source
//! Keys of usage rules 3. What counts as use is told from states and places alone,
//! never from what was written to the bill.

use cloudtally_model::{NetworkId, NicId, UsageTypeId, ZoneId, port::Use};

use crate::{
    col,
    engine::{Column, JobStatus, Resource, ResourceId, World},
    state::{CopyState, MachineState, RuleState, SnapshotState, VolumeState},
    table::Kind,
};

/// The part of a key that every use has: the resource's owner, itself and a zone.
fn of(resource: &Resource, usage_type: UsageTypeId, zone: Option<ResourceId>) -> Use {
    Use {
        usage_type,
        account: resource.owner.map_or(0, |id| id.0).into(),
        zone: ZoneId::from_source(zone.and_then(|id| i64::try_from(id.0).ok()).unwrap_or(0)),
        resource: resource.id,
        nic: NicId(0),
        offering: None,
        template: None,
        size: None,
        network: NetworkId(0),
    }
}

/// The use that the bytes are which a router forwards: of its owner, on its guest network.
pub(crate) fn forwarded(router: &Resource) -> Use {
    let network = router.id_of(col::GUEST_NETWORK_ID).map_or(0, |id| id.0);
    Use {
        network: NetworkId(network),
        ..of(router, UsageTypeId::NETWORK_BYTES_SENT, router.id_of(col::ZONE_ID))
    }
}

/// The resources whose facts may change when a resource does, itself first: a NIC's
/// change with its machine, with its network and with the deployment of its
/// machine, those of the copies of an image with the image.
pub(crate) fn concerned(world: &World, resource: &Resource) -> Vec<ResourceId> {
    let mut ids = vec![resource.id];
    match resource.kind {
        Kind::Vm => {
            ids.extend(world.ids_referring(resource.id, Kind::Nic, col::VIRTUAL_MACHINE_ID))
        }
        Kind::Network => ids.extend(world.ids_referring(resource.id, Kind::Nic, col::NETWORK_ID)),
        Kind::Job => {
            if let Some(vm) = resource.id_of(col::ENTITY) {
                ids.extend(world.ids_referring(vm, Kind::Nic, col::VIRTUAL_MACHINE_ID));
            }
        }
        Kind::Template | Kind::Iso => {
            ids.extend(world.ids_referring(resource.id, Kind::ImageCopy, col::IMAGE));
        }
        _ => {}
    }
    ids
}

/// The uses that a resource is now.
pub(crate) fn facts(world: &World, resource: &Resource) -> Vec<Use> {
    if resource.removed.is_some() {
        return Vec::new();
    }
    let zone = || resource.id_of(col::ZONE_ID);
    let bytes =
        |resource: &Resource| resource.int_if(col::SIZE).and_then(|size| u64::try_from(size).ok());
    let one = |is_used: bool, what: &dyn Fn() -> Use| {
        if is_used { vec![what()] } else { Vec::new() }
    };
    match resource.kind {
        Kind::Vm => machine(resource),
        Kind::Nic => interface(world, resource),
        Kind::Volume => {
            // A file that is still to be uploaded is not there yet.
            let is_there = if resource.is(VolumeState::Allocated) {
                resource.text(col::URL).is_empty()
            } else {
                resource.is_any(&[VolumeState::Ready, VolumeState::Uploaded])
            };
            one(is_there, &|| Use {
                offering: resource.id_of(col::DISK_OFFERING_ID).map(|id| id.0.into()),
                size: bytes(resource),
                ..of(resource, UsageTypeId::VOLUME, zone())
            })
        }
        Kind::Snapshot => one(resource.is(SnapshotState::BackedUp), &|| Use {
            size: bytes(resource),
            ..of(resource, UsageTypeId::SNAPSHOT, zone())
        }),
        Kind::ImageCopy => copy(world, resource),
        Kind::IpAddress => {
            one(resource.owner.is_some(), &|| of(resource, UsageTypeId::IP_ADDRESS, zone()))
        }
        Kind::LoadBalancerRule => {
            rule(world, resource, UsageTypeId::LOAD_BALANCER_RULE, col::PUBLIC_IP_ID)
        }
        Kind::PortForwardingRule => {
            rule(world, resource, UsageTypeId::PORT_FORWARDING_RULE, col::IP_ADDRESS_ID)
        }
        Kind::IpForwardingRule => {
            rule(world, resource, UsageTypeId::PORT_FORWARDING_RULE, col::PUBLIC_ADDRESS)
        }
        Kind::VpnUser => {
            one(resource.is(RuleState::Active), &|| of(resource, UsageTypeId::VPN_USER, None))
        }
        _ => Vec::new(),
    }
}

/// A machine is allocated until it is destroyed, and runs as long as its host has it.
fn machine(vm: &Resource) -> Vec<Use> {
    let made_from = vm.id_of(col::TEMPLATE_ID).or_else(|| vm.id_of(col::BOOT_ISO_ID));
    let with = |usage_type: UsageTypeId| Use {
        offering: vm.id_of(col::SERVICE_OFFERING_ID).map(|id| id.0.into()),
        template: made_from.map(|id| id.0.into()),
        ..of(vm, usage_type, vm.id_of(col::ZONE_ID))
    };
    match vm.state_as() {
        Some(MachineState::Running | MachineState::Migrating | MachineState::Stopping) => {
            vec![with(UsageTypeId::RUNNING_VM), with(UsageTypeId::ALLOCATED_VM)]
        }
        Some(MachineState::Stopped | MachineState::Starting) => {
            vec![with(UsageTypeId::ALLOCATED_VM)]
        }
        _ => Vec::new(),
    }
}

/// A NIC is its machine's owner's use from the end of the deployment until it is
/// removed or the machine destroyed; stops and starts change nothing.
fn interface(world: &World, nic: &Resource) -> Vec<Use> {
    let part = |column: Column<ResourceId>| nic.id_of(column).map(|id| world.resource(id));
    let (Some(vm), Some(network)) = (part(col::VIRTUAL_MACHINE_ID), part(col::NETWORK_ID)) else {
        return Vec::new();
    };
    let is_alive = !machine(vm).is_empty() && vm.removed.is_none();
    if !is_alive || is_deploying(world, vm) {
        return Vec::new();
    }
    vec![Use {
        nic: NicId(nic.id.0),
        offering: network.id_of(col::NETWORK_OFFERING_ID).map(|id| id.0.into()),
        ..of(vm, UsageTypeId::NETWORK_OFFERING, vm.id_of(col::ZONE_ID))
    }]
}

/// Tells whether a machine has not run yet, but soon may.
fn is_deploying(world: &World, vm: &Resource) -> bool {
    let has_run = !vm.is_any(&[MachineState::Stopped, MachineState::Starting])
        || vm.id_of(col::LAST_HOST_ID).is_some();
    !has_run
        && world.referring(vm.id, Kind::Job, col::ENTITY).any(|job| {
            job.text(col::CMD) == "deployVirtualMachine"
                && job.int(col::JOB_STATUS) == JobStatus::Pending as i64
        })
}

/// The copy of an image in a zone is its owner's use once it is ready; the cloud's
/// own images are nobody's.
fn copy(world: &World, copy: &Resource) -> Vec<Use> {
    let Some(image) = copy.id_of(col::IMAGE).map(|id| world.resource(id)) else {
        return Vec::new();
    };
    let is_own = matches!(image.text(col::TEMPLATE_TYPE), "BUILTIN" | "SYSTEM");
    if !copy.is(CopyState::Ready) || is_own {
        return Vec::new();
    }
    let usage_type = if image.kind == Kind::Iso { UsageTypeId::ISO } else { UsageTypeId::TEMPLATE };
    let size = image.int_if(col::SIZE).and_then(|size| u64::try_from(size).ok());
    vec![Use { size, ..of(image, usage_type, copy.id_of(col::ZONE_ID)) }]
}

/// A rule is use while it works, in the zone of its address.
fn rule(
    world: &World,
    rule: &Resource,
    usage_type: UsageTypeId,
    address: Column<ResourceId>,
) -> Vec<Use> {
    if !rule.is(RuleState::Active) {
        return Vec::new();
    }
    let zone = rule.id_of(address).and_then(|id| world.resource(id).id_of(col::ZONE_ID));
    vec![of(rule, usage_type, zone)]
}

#[cfg(test)]
mod tests {
    #[test]
    fn facts_know_nothing_of_what_is_told_to_the_bill() {
        let file = include_str!("facts.rs");
        for word in [["mete", "ring"], ["Usage", "Event"], ["isme", "tered"], [".usa", "ge("]] {
            let word = word.concat();
            assert!(!file.contains(&word), "{word}");
        }
    }
}
