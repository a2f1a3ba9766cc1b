//! Usage events: what the bill is made of. One function a family of events, so
//! that their columns are filled in the same way wherever they happen.
//!
//! # Source
//! Usage rules 1 and 3; columns as the 4.2 server fills them, but that volumes
//! carry their hypervisor and root template, so that every field of the guide's
//! records can be shown.

use cloudtally_model::{AccountId, OfferingId, ResourceId, TemplateId, Text, UsageEvent, ZoneId};

use crate::{
    col,
    engine::{Column, Thing, ThingId, Tx},
};

/// What an event says besides its type, time and owner.
#[derive(Clone, Debug, Default)]
struct Columns {
    zone: Option<ThingId>,
    resource: u64,
    name: Option<Text>,
    offering: Option<ThingId>,
    template: Option<u64>,
    size: Option<u64>,
    virtual_size: Option<u64>,
    resource_type: Option<Text>,
}

fn emit(tx: &mut Tx<'_>, event_type: &str, owner: Option<ThingId>, columns: Columns) {
    // What nobody pays for is nobody's use.
    let Some(owner) = owner else { return };
    let created = tx.now;
    let zone = columns.zone.map_or(0, |zone| zone.0);
    tx.usage(|id| UsageEvent {
        id,
        event_type: event_type.into(),
        created,
        account: AccountId(owner.0),
        zone: ZoneId::from_source(i64::try_from(zone).unwrap_or_default()),
        resource: ResourceId(columns.resource),
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

fn bytes(thing: &Thing, column: Column<i64>) -> Option<u64> {
    thing.int_if(column).and_then(|size| u64::try_from(size).ok())
}

/// `VM.CREATE`, `VM.START`, `VM.UPGRADE`, ...
pub(crate) fn vm(tx: &mut Tx<'_>, event_type: &str, id: ThingId) {
    let vm = tx.thing(id).clone();
    let template = vm.id_of(col::TEMPLATE_ID).or(vm.id_of(col::BOOT_ISO_ID));
    let columns = Columns {
        zone: vm.id_of(col::ZONE_ID),
        resource: id.0,
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

/// `NETWORK.OFFERING.ASSIGN`, `NETWORK.OFFERING.REMOVE` of a NIC.
pub(crate) fn nic(tx: &mut Tx<'_>, event_type: &str, id: ThingId) {
    let nic = tx.thing(id).clone();
    let Some(vm) = nic.id_of(col::VIRTUAL_MACHINE_ID).map(|id| tx.thing(id).clone()) else {
        return;
    };
    let offering =
        nic.id_of(col::NETWORK_ID).and_then(|id| tx.thing(id).id_of(col::NETWORK_OFFERING_ID));
    let is_default = nic.flag(col::IS_DEFAULT) && event_type == "NETWORK.OFFERING.ASSIGN";
    let columns = Columns {
        zone: vm.id_of(col::ZONE_ID),
        resource: vm.id.0,
        name: Some(id.to_string().into()),
        offering,
        size: Some(u64::from(is_default)),
        ..Columns::default()
    };
    emit(tx, event_type, vm.owner, columns);
}

/// `VOLUME.CREATE`, `VOLUME.RESIZE`, `VOLUME.UPLOAD`, `VOLUME.DELETE`.
pub(crate) fn volume(tx: &mut Tx<'_>, event_type: &str, id: ThingId) {
    let volume = tx.thing(id).clone();
    let named = Columns {
        zone: volume.id_of(col::ZONE_ID),
        resource: id.0,
        name: text_if(volume.text(col::NAME)),
        ..Columns::default()
    };
    let columns = match event_type {
        "VOLUME.DELETE" => named,
        _ => Columns {
            offering: volume.id_of(col::DISK_OFFERING_ID),
            template: volume.id_of(col::ROOT_TEMPLATE).map(|id| id.0),
            size: bytes(&volume, col::SIZE),
            resource_type: text_if(volume.text(col::HYPERVISOR)),
            ..named
        },
    };
    emit(tx, event_type, volume.owner, columns);
}

/// `NET.IPASSIGN` and `NET.IPRELEASE`, `PORTABLE.` for portable addresses.
pub(crate) fn address(tx: &mut Tx<'_>, is_assigned: bool, id: ThingId) {
    let address = tx.thing(id).clone();
    let event_type = match (address.flag(col::IS_PORTABLE), is_assigned) {
        (false, true) => "NET.IPASSIGN",
        (false, false) => "NET.IPRELEASE",
        (true, true) => "PORTABLE.IPASSIGN",
        (true, false) => "PORTABLE.IPRELEASE",
    };
    let kind =
        if address.flag(col::FOR_VIRTUAL_NETWORK) { "VirtualNetwork" } else { "DirectAttached" };
    let columns = Columns {
        zone: address.id_of(col::ZONE_ID),
        resource: id.0,
        name: text_if(address.text(col::IP_ADDRESS)),
        template: Some(u64::from(address.flag(col::IS_SYSTEM))),
        size: Some(u64::from(address.flag(col::IS_SOURCE_NAT))),
        resource_type: Some(kind.into()),
        ..Columns::default()
    };
    emit(tx, event_type, address.owner, columns);
}

/// `TEMPLATE.CREATE`, `ISO.COPY`, ...: the copy of a template or ISO in a zone.
pub(crate) fn image(tx: &mut Tx<'_>, event_type: &str, image: ThingId, zone: ThingId) {
    let image = tx.thing(image).clone();
    let named = Columns { zone: Some(zone), resource: image.id.0, ..Columns::default() };
    let columns = if event_type.ends_with(".DELETE") {
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
    emit(tx, event_type, image.owner, columns);
}

/// `SNAPSHOT.CREATE`, with the disk offering of its volume (guide 8.1.5), and
/// `SNAPSHOT.DELETE`.
pub(crate) fn snapshot(tx: &mut Tx<'_>, event_type: &str, id: ThingId) {
    let snapshot = tx.thing(id).clone();
    let named = Columns {
        zone: snapshot.id_of(col::ZONE_ID),
        resource: id.0,
        name: text_if(snapshot.text(col::NAME)),
        ..Columns::default()
    };
    let columns = match event_type {
        "SNAPSHOT.CREATE" => {
            let volume = snapshot.id_of(col::VOLUME_ID).and_then(|id| tx.any(id));
            Columns {
                offering: volume.and_then(|volume| volume.id_of(col::DISK_OFFERING_ID)),
                size: bytes(&snapshot, col::SIZE),
                ..named
            }
        }
        _ => named,
    };
    emit(tx, event_type, snapshot.owner, columns);
}

/// `LB.CREATE`, `NET.RULEADD` and their ends: of a rule in a zone.
pub(crate) fn rule(tx: &mut Tx<'_>, event_type: &str, id: ThingId, zone: Option<ThingId>) {
    let owner = tx.thing(id).owner;
    let columns = Columns { zone, resource: id.0, ..Columns::default() };
    emit(tx, event_type, owner, columns);
}

/// `VPN.USER.ADD`, `VPN.USER.REMOVE`.
pub(crate) fn vpn_user(tx: &mut Tx<'_>, event_type: &str, id: ThingId) {
    let user = tx.thing(id).clone();
    let name = text_if(user.text(col::USERNAME));
    emit(tx, event_type, user.owner, Columns { resource: id.0, name, ..Columns::default() });
}
