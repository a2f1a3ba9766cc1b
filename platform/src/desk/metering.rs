//! Metering: the uses that resources are, as rows of their kinds, and the usage events that
//! tell the bill of them. One function a family of events, so that their columns are filled
//! in the same way wherever they happen.
//!
//! The engine compares each resource before and after each change and calls the row where a
//! use begins, changes or ends.
//!
//! # Source
//! Usage rules 1 and 3; columns as the 4.2 server fills them, but that volumes
//! carry their hypervisor and root template, so that every field of the guide's
//! records can be shown.

use cloudtally_model::{
    AccountId, OfferingId, ResourceId, TemplateId, Text, UsageEvent, UsageTypeId, ZoneId,
};

use crate::{
    col,
    engine::{Column, Resource, Tx, World},
    state::{CopyState, MachineState, RuleState, SnapshotState, VolumeState},
    table::{Change, Kind, Meter, Told},
};

/// The columns of an event besides its type, time and owner.
#[derive(Clone, Debug, Default)]
struct Columns {
    zone: Option<ResourceId>,
    resource: ResourceId,
    name: Option<Text>,
    offering: Option<ResourceId>,
    template: Option<u64>,
    size: Option<u64>,
    virtual_size: Option<u64>,
    resource_type: Option<Text>,
}

fn emit(tx: &mut Tx<'_>, event_type: &str, owner: Option<ResourceId>, columns: Columns) {
    // Nobody pays for what nobody owns.
    let Some(owner) = owner else { return };
    let created = tx.now;
    let zone = columns.zone.map_or(0, |zone| zone.0);
    tx.usage(|id| UsageEvent {
        id,
        event_type: event_type.into(),
        created,
        account: AccountId(owner.0),
        zone: ZoneId::from_source(i64::try_from(zone).unwrap_or_default()),
        resource: columns.resource,
        resource_name: columns.name,
        offering: columns.offering.map(|id| OfferingId(id.0)),
        template: columns.template.map(TemplateId),
        size: columns.size,
        virtual_size: columns.virtual_size,
        resource_type: columns.resource_type,
    });
}

fn text_if(text: &str) -> Option<Text> {
    (!text.is_empty()).then(|| text.into())
}

fn bytes(resource: &Resource, column: Column<i64>) -> Option<u64> {
    resource.int_if(column).and_then(|size| u64::try_from(size).ok())
}

/// A VM: allocated until it is destroyed, running while its host has it.
pub(crate) static VM: &[Meter] = &[
    Meter::new(UsageTypeId::ALLOCATED_VM, |tx, told| {
        let runs = told.resource.is_any(&[MachineState::Running, MachineState::Migrating]);
        let event_type = match told.change {
            Change::Begins => "VM.CREATE",
            Change::Changes if runs => "VM.DYNAMIC.SCALE",
            Change::Changes => "VM.UPGRADE",
            Change::Ends => "VM.DESTROY",
        };
        vm(tx, event_type, told.resource);
    })
    .in_states(&[
        MachineState::Stopped.name(),
        MachineState::Starting.name(),
        MachineState::Running.name(),
        MachineState::Migrating.name(),
        MachineState::Stopping.name(),
    ])
    .only(|_, vm| !vm.flag(col::IS_PLANNED))
    .facts(&[col::SERVICE_OFFERING_ID.key(), col::TEMPLATE_ID.key(), col::BOOT_ISO_ID.key()]),
    Meter::new(UsageTypeId::RUNNING_VM, |tx, told| {
        vm(tx, if told.change == Change::Ends { "VM.STOP" } else { "VM.START" }, told.resource);
    })
    .in_states(&[
        MachineState::Running.name(),
        MachineState::Migrating.name(),
        MachineState::Stopping.name(),
    ]),
];

/// `VM.CREATE`, `VM.START`, `VM.UPGRADE`, ...
fn vm(tx: &mut Tx<'_>, event_type: &str, vm: &Resource) {
    let template = vm.id_of(col::TEMPLATE_ID).or(vm.id_of(col::BOOT_ISO_ID));
    let columns = Columns {
        zone: vm.id_of(col::ZONE_ID),
        resource: vm.id,
        name: text_if(vm.text(col::NAME)),
        offering: vm.id_of(col::SERVICE_OFFERING_ID),
        template: template.map(|id| id.0),
        resource_type: text_if(vm.text(col::HYPERVISOR)),
        ..Columns::default()
    };
    let stopped =
        Columns { offering: None, template: None, resource_type: None, ..columns.clone() };
    emit(tx, event_type, vm.owner, if event_type == "VM.STOP" { stopped } else { columns });
}

/// A NIC: the offering of its network, for its VM's owner, from the end of the deployment on.
pub(crate) static NIC: &[Meter] =
    &[Meter::new(UsageTypeId::NETWORK_OFFERING, nic).only(|_, nic| nic.flag(col::IS_METERED))];

/// `NETWORK.OFFERING.ASSIGN`, `NETWORK.OFFERING.REMOVE` of a NIC.
fn nic(tx: &mut Tx<'_>, told: Told<'_>) {
    let nic = told.resource;
    let Some(vm) = nic.id_of(col::VIRTUAL_MACHINE_ID).map(|id| tx.resource(id).clone()) else {
        return;
    };
    let offering =
        nic.id_of(col::NETWORK_ID).and_then(|id| tx.resource(id).id_of(col::NETWORK_OFFERING_ID));
    let (event_type, is_default) = match told.change {
        Change::Ends => ("NETWORK.OFFERING.REMOVE", false),
        _ => ("NETWORK.OFFERING.ASSIGN", nic.flag(col::IS_DEFAULT)),
    };
    let columns = Columns {
        zone: vm.id_of(col::ZONE_ID),
        resource: vm.id,
        name: Some(nic.id.to_string().into()),
        offering,
        size: Some(u64::from(is_default)),
        ..Columns::default()
    };
    emit(tx, event_type, vm.owner, columns);
}

/// A volume, from when it is allocated; an uploaded one from when its file is there.
pub(crate) static VOLUME: &[Meter] = &[Meter::new(UsageTypeId::VOLUME, volume)
    .in_states(&[
        VolumeState::Allocated.name(),
        VolumeState::Ready.name(),
        VolumeState::Uploaded.name(),
    ])
    .only(|_, volume| !volume.is(VolumeState::Allocated) || volume.text(col::URL).is_empty())
    .facts(&[col::SIZE.key(), col::DISK_OFFERING_ID.key()])];

/// `VOLUME.CREATE`, `VOLUME.RESIZE`, `VOLUME.UPLOAD`, `VOLUME.DELETE`.
fn volume(tx: &mut Tx<'_>, told: Told<'_>) {
    let volume = told.resource;
    let event_type = match told.change {
        Change::Begins if volume.is(VolumeState::Uploaded) => "VOLUME.UPLOAD",
        Change::Begins => "VOLUME.CREATE",
        Change::Changes => "VOLUME.RESIZE",
        Change::Ends => "VOLUME.DELETE",
    };
    let named = Columns {
        zone: volume.id_of(col::ZONE_ID),
        resource: volume.id,
        name: text_if(volume.text(col::NAME)),
        ..Columns::default()
    };
    let columns = match told.change {
        Change::Ends => named,
        _ => Columns {
            offering: volume.id_of(col::DISK_OFFERING_ID),
            template: volume.id_of(col::ROOT_TEMPLATE).map(|id| id.0),
            size: bytes(volume, col::SIZE),
            resource_type: text_if(volume.text(col::HYPERVISOR)),
            ..named
        },
    };
    emit(tx, event_type, volume.owner, columns);
}

/// A public address, whatever its state, while an account has it.
pub(crate) static ADDRESS: &[Meter] =
    &[Meter::new(UsageTypeId::IP_ADDRESS, address).identity(&[col::ZONE_ID.key()])];

/// `NET.IPASSIGN` and `NET.IPRELEASE`, `PORTABLE.` for portable addresses.
fn address(tx: &mut Tx<'_>, told: Told<'_>) {
    let address = told.resource;
    let event_type = match (address.flag(col::IS_PORTABLE), told.change) {
        (false, Change::Ends) => "NET.IPRELEASE",
        (false, _) => "NET.IPASSIGN",
        (true, Change::Ends) => "PORTABLE.IPRELEASE",
        (true, _) => "PORTABLE.IPASSIGN",
    };
    let kind =
        if address.flag(col::FOR_VIRTUAL_NETWORK) { "VirtualNetwork" } else { "DirectAttached" };
    let columns = Columns {
        zone: address.id_of(col::ZONE_ID),
        resource: address.id,
        name: text_if(address.text(col::IP_ADDRESS)),
        template: Some(u64::from(address.flag(col::IS_SYSTEM))),
        size: Some(u64::from(address.flag(col::IS_SOURCE_NAT))),
        resource_type: Some(kind.into()),
        ..Columns::default()
    };
    emit(tx, event_type, address.owner, columns);
}

/// The copy of a template or an ISO in a zone, once it is ready there. The cloud's own
/// images are nobody's use.
pub(crate) static IMAGE_COPY: &[Meter] = &[
    Meter::new(UsageTypeId::TEMPLATE, |tx, told| image(tx, "TEMPLATE", told))
        .in_states(&[CopyState::Ready.name()])
        .only(|world, copy| is_tenants(world, copy, Kind::Template)),
    Meter::new(UsageTypeId::ISO, |tx, told| image(tx, "ISO", told))
        .in_states(&[CopyState::Ready.name()])
        .only(|world, copy| is_tenants(world, copy, Kind::Iso)),
];

/// Tells whether a copy is of an image of a kind that a tenant has made.
fn is_tenants(world: &World, copy: &Resource, kind: Kind) -> bool {
    let image = copy.id_of(col::IMAGE).map(|id| world.resource(id));
    image.is_some_and(|image| {
        image.kind == kind && !matches!(image.text(col::TEMPLATE_TYPE), "BUILTIN" | "SYSTEM")
    })
}

/// `TEMPLATE.CREATE`, `ISO.COPY`, ...: the copy of a template or ISO in a zone.
fn image(tx: &mut Tx<'_>, prefix: &str, told: Told<'_>) {
    let copy = told.resource;
    let Some(image) = copy.id_of(col::IMAGE).map(|id| tx.resource(id).clone()) else { return };
    let what = match told.change {
        Change::Ends => "DELETE",
        // One that is there at once is copied from another zone.
        _ if told.is_new => "COPY",
        _ => "CREATE",
    };
    let named =
        Columns { zone: copy.id_of(col::ZONE_ID), resource: image.id, ..Columns::default() };
    let columns = if told.change == Change::Ends {
        named
    } else {
        // Simulated images are stored as they are: as large as guests see them.
        let size = bytes(&image, col::SIZE);
        Columns {
            name: text_if(image.text(col::NAME)),
            template: image.id_of(col::SOURCE_TEMPLATE_ID).map(|id| id.0),
            size,
            virtual_size: size,
            ..named
        }
    };
    emit(tx, &format!("{prefix}.{what}"), image.owner, columns);
}

/// A snapshot, once it is backed up.
pub(crate) static SNAPSHOT: &[Meter] =
    &[Meter::new(UsageTypeId::SNAPSHOT, snapshot).in_states(&[SnapshotState::BackedUp.name()])];

/// `SNAPSHOT.CREATE`, with the disk offering of its volume (guide 8.1.5), and
/// `SNAPSHOT.DELETE`.
fn snapshot(tx: &mut Tx<'_>, told: Told<'_>) {
    let snapshot = told.resource;
    let named = Columns {
        zone: snapshot.id_of(col::ZONE_ID),
        resource: snapshot.id,
        name: text_if(snapshot.text(col::NAME)),
        ..Columns::default()
    };
    if told.change == Change::Ends {
        return emit(tx, "SNAPSHOT.DELETE", snapshot.owner, named);
    }
    let volume = snapshot.id_of(col::VOLUME_ID).and_then(|id| tx.any(id));
    let columns = Columns {
        offering: volume.and_then(|volume| volume.id_of(col::DISK_OFFERING_ID)),
        size: bytes(snapshot, col::SIZE),
        ..named
    };
    emit(tx, "SNAPSHOT.CREATE", snapshot.owner, columns);
}

/// A rule that balances load, once it works.
pub(crate) static LOAD_BALANCER: &[Meter] =
    &[Meter::new(UsageTypeId::LOAD_BALANCER_RULE, |tx, told| {
        rule(tx, ["LB.CREATE", "LB.DELETE"], told, col::PUBLIC_IP_ID);
    })
    .in_states(&[RuleState::Active.name()])];

/// A rule that forwards ports, once it works.
pub(crate) static PORT_FORWARDING: &[Meter] =
    &[Meter::new(UsageTypeId::PORT_FORWARDING_RULE, |tx, told| {
        rule(tx, ["NET.RULEADD", "NET.RULEDELETE"], told, col::IP_ADDRESS_ID);
    })
    .in_states(&[RuleState::Active.name()])];

/// A port that is opened for static NAT, which is billed as a rule that forwards ports.
pub(crate) static STATIC_NAT_PORT: &[Meter] =
    &[Meter::new(UsageTypeId::PORT_FORWARDING_RULE, |tx, told| {
        rule(tx, ["NET.RULEADD", "NET.RULEDELETE"], told, col::PUBLIC_ADDRESS);
    })
    .in_states(&[RuleState::Active.name()])];

/// The beginning of a rule, in the zone of its address, or its end.
fn rule(tx: &mut Tx<'_>, [begins, ends]: [&str; 2], told: Told<'_>, address: Column<ResourceId>) {
    let zone = || told.resource.id_of(address).and_then(|id| tx.resource(id).id_of(col::ZONE_ID));
    let (event_type, zone) = match told.change {
        Change::Ends => (ends, None),
        _ => (begins, zone()),
    };
    let columns = Columns { zone, resource: told.resource.id, ..Columns::default() };
    emit(tx, event_type, told.resource.owner, columns);
}

/// A VPN user, once the VPNs know of it.
pub(crate) static VPN_USER: &[Meter] =
    &[Meter::new(UsageTypeId::VPN_USER, vpn_user).in_states(&[RuleState::Active.name()])];

/// `VPN.USER.ADD`, `VPN.USER.REMOVE`.
fn vpn_user(tx: &mut Tx<'_>, told: Told<'_>) {
    let user = told.resource;
    let event_type = if told.change == Change::Ends { "VPN.USER.REMOVE" } else { "VPN.USER.ADD" };
    let name = text_if(user.text(col::USERNAME));
    emit(tx, event_type, user.owner, Columns { resource: user.id, name, ..Columns::default() });
}
