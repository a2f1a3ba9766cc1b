//! The usage types, one row each: what opens, closes and splits their segments,
//! what tells one record from another, and how a record reads.
//!
//! Everything that differs between usage types stands in these rows; the
//! aggregation, the export, the API and `listUsageTypes` read it from here.
//! To meter something else, add a row to [`TYPES`] and, if it is about a new
//! kind of thing, a [`ResourceKind`].
//!
//! # Source
//! Usage rules 3; guide 8.1 and 8.2. Texts of descriptions are the real server's.

mod codes;

use std::{
    fmt::{self, Write},
    sync::LazyLock,
};

use Effect::{Close, CloseAll, Open, OpenKnown, Split};

use crate::RecordRow;

pub use codes::{EventCode, Meter, event_code, event_name, kinds_of, meters, names_a_nic};

/// The number of a usage type, as in the guide's table 8.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageTypeId(pub u16);

impl UsageTypeId {
    /// Running VM hours.
    pub const RUNNING_VM: Self = Self(1);
    /// Allocated VM hours.
    pub const ALLOCATED_VM: Self = Self(2);
    /// Public address hours.
    pub const IP_ADDRESS: Self = Self(3);
    /// Bytes sent.
    pub const NETWORK_BYTES_SENT: Self = Self(4);
    /// Bytes received.
    pub const NETWORK_BYTES_RECEIVED: Self = Self(5);
    /// Volume hours.
    pub const VOLUME: Self = Self(6);
    /// Template hours.
    pub const TEMPLATE: Self = Self(7);
    /// ISO hours.
    pub const ISO: Self = Self(8);
    /// Snapshot hours.
    pub const SNAPSHOT: Self = Self(9);
    /// Load balancer rule hours.
    pub const LOAD_BALANCER_RULE: Self = Self(11);
    /// Port forwarding and static NAT rule hours.
    pub const PORT_FORWARDING_RULE: Self = Self(12);
    /// Network offering hours of a NIC.
    pub const NETWORK_OFFERING: Self = Self(13);
    /// VPN user hours.
    pub const VPN_USER: Self = Self(14);

    /// Returns true if its records count bytes; all others count time.
    pub const fn is_bytes(self) -> bool {
        matches!(self, Self::NETWORK_BYTES_SENT | Self::NETWORK_BYTES_RECEIVED)
    }
}

impl fmt::Display for UsageTypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The unit of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Milliseconds, shown as hours.
    Milliseconds,
    /// Bytes sent.
    BytesSent,
    /// Bytes received.
    BytesReceived,
}

impl Unit {
    /// The unit's name in exports: `ms` or `bytes`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::BytesSent | Self::BytesReceived => "bytes",
        }
    }
}

/// A kind of metered resource: events of one kind about one resource id form one
/// history and share the resource's last known attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ResourceKind {
    /// A virtual machine, running and allocated.
    Vm,
    /// The NICs of a virtual machine.
    VmNics,
    /// A public or portable address.
    Address,
    /// A volume.
    Volume,
    /// A template, per zone.
    Template,
    /// An ISO, per zone.
    Iso,
    /// A snapshot.
    Snapshot,
    /// A load balancer rule.
    LoadBalancerRule,
    /// A port forwarding rule.
    PortForwardingRule,
    /// A VPN user.
    VpnUser,
    /// A byte counter; fed by samples, not by events.
    Counter,
}

/// A mark on events of the type's own: if one finds nothing to do, that is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Own {
    /// Nothing open is an anomaly.
    Yes,
    /// Nothing open is normal.
    No,
}

/// The effect of an event on the segments of a usage type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Begins a stretch with the event's attributes, all of them.
    Open,
    /// Begins a stretch; attributes the event leaves empty keep their last known value.
    OpenKnown,
    /// Ends the stretch.
    Close(Own),
    /// Ends every stretch of the resource, whatever NIC it belongs to.
    CloseAll(Own),
    /// Ends the stretch and begins another if an attribute changes; attributes
    /// the event leaves empty keep their last known value.
    Split(Own),
}

/// The part of one resource that has a stretch of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The resource as a whole.
    Whole,
    /// Each zone it is present in.
    Zone,
    /// Each NIC, by the number in the event's resource name.
    Nic,
}

/// The attributes that tell records of one resource apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyParts {
    /// The offering is part of the key.
    pub offering: bool,
    /// The template is part of the key.
    pub template: bool,
    /// The size is part of the key.
    pub size: bool,
}

/// The optional fields that are shown for a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fields {
    /// `virtualmachineid` is the resource.
    pub virtual_machine: bool,
    /// `name` is the resource's name.
    pub name: bool,
    /// `offeringid`.
    pub offering: bool,
    /// `templateid`.
    pub template: bool,
    /// `usageid` is the offering rather than the resource (guide 8.1.7).
    pub usage_id_is_offering: bool,
    /// `type` is the hypervisor or the device type.
    pub resource_type: bool,
    /// `size`.
    pub size: bool,
    /// `virtualsize`.
    pub virtual_size: bool,
    /// `issourcenat`, `iselastic` and `issystem`.
    pub address_flags: bool,
    /// `isdefault` and `nicid`.
    pub nic: bool,
    /// `networkid`.
    pub network: bool,
}

/// One usage type.
#[derive(Debug)]
pub struct UsageType {
    /// The guide's number.
    pub id: UsageTypeId,
    /// The guide's name.
    pub constant: &'static str,
    /// The text of `listUsageTypes`.
    pub description: &'static str,
    /// The unit of its quantities.
    pub unit: Unit,
    /// The kind of resource whose history it is computed from.
    pub kind: ResourceKind,
    /// The effect of each event; empty for types fed by samples.
    pub events: &'static [(&'static str, Effect)],
    /// The part of a resource that has a stretch of its own.
    pub part: Part,
    /// The attributes that tell records of a resource apart.
    pub key: KeyParts,
    /// Size 0 is open storage of nothing: one record of zero a period (the
    /// guide's bare metal rule).
    pub zero_size_is_nothing: bool,
    /// The optional fields that are shown.
    pub fields: Fields,
    /// Writes the `description` of a record.
    pub describe: fn(&RecordRow<'_>, &mut String) -> fmt::Result,
}

impl KeyParts {
    /// Nothing but the resource, its owner, its zone and its NIC.
    pub const NONE: Self = Self { offering: false, template: false, size: false };
}

const NO_KEY: KeyParts = KeyParts::NONE;

const SIZE_KEY: KeyParts = KeyParts { size: true, ..NO_KEY };

const VM_KEY: KeyParts = KeyParts { offering: true, template: true, size: false };

const NO_FIELDS: Fields = Fields {
    virtual_machine: false,
    name: false,
    offering: false,
    template: false,
    usage_id_is_offering: false,
    resource_type: false,
    size: false,
    virtual_size: false,
    address_flags: false,
    nic: false,
    network: false,
};

const VM_FIELDS: Fields = Fields {
    virtual_machine: true,
    name: true,
    offering: true,
    template: true,
    resource_type: true,
    ..NO_FIELDS
};

const BYTES_FIELDS: Fields = Fields { resource_type: true, network: true, ..NO_FIELDS };

static TYPES: &[UsageType] = &[
    UsageType {
        id: UsageTypeId::RUNNING_VM,
        constant: "RUNNING_VM",
        description: "Running Vm Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::Vm,
        events: &[
            ("VM.START", OpenKnown),
            ("VM.STOP", Close(Own::Yes)),
            ("VM.DESTROY", Close(Own::No)),
            ("VM.UPGRADE", Split(Own::No)),
            ("VM.DYNAMIC.SCALE", Split(Own::No)),
        ],
        part: Part::Whole,
        key: VM_KEY,
        zero_size_is_nothing: false,
        fields: VM_FIELDS,
        describe: |r, out| {
            r.label(out)?;
            out.write_str(" running time")?;
            vm_suffix(r, out)
        },
    },
    UsageType {
        id: UsageTypeId::ALLOCATED_VM,
        constant: "ALLOCATED_VM",
        description: "Allocated Vm Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::Vm,
        events: &[
            ("VM.CREATE", Open),
            ("VM.DESTROY", Close(Own::Yes)),
            ("VM.UPGRADE", Split(Own::Yes)),
            ("VM.DYNAMIC.SCALE", Split(Own::Yes)),
            ("VM.START", Split(Own::No)),
        ],
        part: Part::Whole,
        key: VM_KEY,
        zero_size_is_nothing: false,
        fields: VM_FIELDS,
        describe: |r, out| {
            r.label(out)?;
            out.write_str(" allocated")?;
            vm_suffix(r, out)
        },
    },
    UsageType {
        id: UsageTypeId::IP_ADDRESS,
        constant: "IP_ADDRESS",
        description: "IP Address Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::Address,
        events: &[
            ("NET.IPASSIGN", Open),
            ("PORTABLE.IPASSIGN", Open),
            ("NET.IPRELEASE", Close(Own::Yes)),
            ("PORTABLE.IPRELEASE", Close(Own::Yes)),
        ],
        part: Part::Whole,
        key: NO_KEY,
        zero_size_is_nothing: false,
        fields: Fields { address_flags: true, ..NO_FIELDS },
        describe: |r, out| {
            out.write_str("IPAddress: ")?;
            r.label(out)
        },
    },
    UsageType {
        id: UsageTypeId::NETWORK_BYTES_SENT,
        constant: "NETWORK_BYTES_SENT",
        description: "Network Usage (Bytes Sent)",
        unit: Unit::BytesSent,
        kind: ResourceKind::Counter,
        events: &[],
        part: Part::Whole,
        key: NO_KEY,
        zero_size_is_nothing: false,
        fields: BYTES_FIELDS,
        describe: |r, out| {
            out.write_str("network bytes sent")?;
            host_suffix(r, out)
        },
    },
    UsageType {
        id: UsageTypeId::NETWORK_BYTES_RECEIVED,
        constant: "NETWORK_BYTES_RECEIVED",
        description: "Network Usage (Bytes Received)",
        unit: Unit::BytesReceived,
        kind: ResourceKind::Counter,
        events: &[],
        part: Part::Whole,
        key: NO_KEY,
        zero_size_is_nothing: false,
        fields: BYTES_FIELDS,
        describe: |r, out| {
            out.write_str("network bytes received")?;
            host_suffix(r, out)
        },
    },
    UsageType {
        id: UsageTypeId::VOLUME,
        constant: "VOLUME",
        description: "Volume Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::Volume,
        events: &[
            ("VOLUME.CREATE", Open),
            ("VOLUME.UPLOAD", Open),
            ("VOLUME.DELETE", Close(Own::Yes)),
            ("VOLUME.RESIZE", Split(Own::Yes)),
        ],
        part: Part::Whole,
        key: KeyParts { offering: true, template: false, size: true },
        zero_size_is_nothing: false,
        fields: Fields {
            offering: true,
            template: true,
            resource_type: true,
            size: true,
            ..NO_FIELDS
        },
        describe: |r, out| {
            write!(out, "Volume Id: {} usage time", r.resource)?;
            match (r.template, r.offering) {
                (Some(template), _) => write!(out, " (Template: {template})"),
                (None, Some(offering)) => write!(out, " (DiskOffering: {offering})"),
                (None, None) => Ok(()),
            }
        },
    },
    UsageType {
        id: UsageTypeId::TEMPLATE,
        constant: "TEMPLATE",
        description: "Template Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::Template,
        events: &[
            ("TEMPLATE.CREATE", Open),
            ("TEMPLATE.COPY", Open),
            ("TEMPLATE.DELETE", Close(Own::Yes)),
        ],
        part: Part::Zone,
        key: SIZE_KEY,
        zero_size_is_nothing: true,
        fields: Fields { template: true, size: true, virtual_size: true, ..NO_FIELDS },
        describe: |r, out| stored("Template", r, r.virtual_size, out),
    },
    UsageType {
        id: UsageTypeId::ISO,
        constant: "ISO",
        description: "ISO Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::Iso,
        events: &[("ISO.CREATE", Open), ("ISO.COPY", Open), ("ISO.DELETE", Close(Own::Yes))],
        part: Part::Zone,
        key: SIZE_KEY,
        zero_size_is_nothing: true,
        fields: Fields { size: true, virtual_size: true, ..NO_FIELDS },
        describe: |r, out| stored("ISO", r, r.virtual_size, out),
    },
    UsageType {
        id: UsageTypeId::SNAPSHOT,
        constant: "SNAPSHOT",
        description: "Snapshot Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::Snapshot,
        events: &[("SNAPSHOT.CREATE", Open), ("SNAPSHOT.DELETE", Close(Own::Yes))],
        part: Part::Whole,
        key: SIZE_KEY,
        zero_size_is_nothing: false,
        fields: Fields { offering: true, size: true, ..NO_FIELDS },
        describe: |r, out| stored("Snapshot", r, None, out),
    },
    UsageType {
        id: UsageTypeId::LOAD_BALANCER_RULE,
        constant: "LOAD_BALANCER_POLICY",
        description: "Load Balancer Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::LoadBalancerRule,
        events: &[("LB.CREATE", Open), ("LB.DELETE", Close(Own::Yes))],
        part: Part::Whole,
        key: NO_KEY,
        zero_size_is_nothing: false,
        fields: NO_FIELDS,
        describe: |r, out| write!(out, "Load Balancing Policy: {} usage time", r.resource),
    },
    UsageType {
        id: UsageTypeId::PORT_FORWARDING_RULE,
        constant: "PORT_FORWARDING_RULE",
        description: "Port Forwarding Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::PortForwardingRule,
        events: &[("NET.RULEADD", Open), ("NET.RULEDELETE", Close(Own::Yes))],
        part: Part::Whole,
        key: NO_KEY,
        zero_size_is_nothing: false,
        fields: NO_FIELDS,
        describe: |r, out| write!(out, "Port Forwarding Rule: {} usage time", r.resource),
    },
    UsageType {
        id: UsageTypeId::NETWORK_OFFERING,
        constant: "NETWORK_OFFERING",
        description: "Network Offering Usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::VmNics,
        events: &[
            ("NETWORK.OFFERING.ASSIGN", Open),
            ("NETWORK.OFFERING.CREATE", Open),
            ("NETWORK.OFFERING.REMOVE", Close(Own::Yes)),
            ("NETWORK.OFFERING.DELETE", Close(Own::Yes)),
            ("VM.DESTROY", CloseAll(Own::No)),
        ],
        part: Part::Nic,
        key: KeyParts { offering: true, template: false, size: false },
        zero_size_is_nothing: false,
        fields: Fields {
            virtual_machine: true,
            offering: true,
            usage_id_is_offering: true,
            nic: true,
            ..NO_FIELDS
        },
        describe: |r, out| {
            let offering = r.offering.unwrap_or_default();
            write!(out, "Network offering:{offering} for Vm : {} usage time", r.resource)
        },
    },
    UsageType {
        id: UsageTypeId::VPN_USER,
        constant: "VPN_USERS",
        description: "VPN users usage",
        unit: Unit::Milliseconds,
        kind: ResourceKind::VpnUser,
        events: &[("VPN.USER.ADD", Open), ("VPN.USER.REMOVE", Close(Own::Yes))],
        part: Part::Whole,
        key: NO_KEY,
        zero_size_is_nothing: false,
        fields: NO_FIELDS,
        describe: |r, out| {
            write!(out, "VPN User: {}, Id: {} usage time", r.name.unwrap_or(""), r.resource)
        },
    },
];

fn vm_suffix(record: &RecordRow<'_>, out: &mut String) -> fmt::Result {
    if let Some(offering) = record.offering {
        write!(out, " (ServiceOffering: {offering})")?;
    }
    if let Some(template) = record.template {
        write!(out, " (Template: {template})")?;
    }
    Ok(())
}

fn host_suffix(record: &RecordRow<'_>, out: &mut String) -> fmt::Result {
    match record.resource.0 {
        0 => Ok(()),
        device => write!(out, " for Host: {device}"),
    }
}

fn stored(
    what: &str,
    record: &RecordRow<'_>,
    virtual_size: Option<u64>,
    out: &mut String,
) -> fmt::Result {
    write!(
        out,
        "{what} Id:{} Size:{}VirtualSize:{}",
        record.resource,
        record.size.unwrap_or(0),
        virtual_size.unwrap_or(0)
    )
}

/// All usage types, by number.
pub fn usage_types() -> &'static [UsageType] {
    TYPES
}

/// The row of a usage type.
pub fn usage_type(id: UsageTypeId) -> Option<&'static UsageType> {
    // It is asked of every record, so it is a look into a table.
    BY_NUMBER.get(usize::from(id.0)).copied().flatten()
}

/// Reads a usage type by its number or its name in the guide, in any case.
///
/// # Errors
/// The types there are.
pub fn usage_type_of(text: &str) -> Result<UsageTypeId, String> {
    let number = text.parse::<u16>().ok();
    let known = TYPES
        .iter()
        .find(|row| number == Some(row.id.0) || row.constant.eq_ignore_ascii_case(text));
    known.map(|row| row.id).ok_or_else(|| {
        let all: Vec<String> =
            TYPES.iter().map(|row| format!("{} {}", row.id, row.constant)).collect();
        format!("`{text}` is not a usage type; there are {}", all.join(", "))
    })
}

static BY_NUMBER: LazyLock<Vec<Option<&'static UsageType>>> = LazyLock::new(|| {
    let most = TYPES.iter().map(|row| usize::from(row.id.0)).max().unwrap_or(0);
    let mut table = vec![None; most + 1];
    for row in TYPES {
        table[usize::from(row.id.0)] = Some(row);
    }
    table
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_thirteen_types_in_order() {
        let ids: Vec<u16> = usage_types().iter().map(|row| row.id.0).collect();
        assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14]);
    }

    #[test]
    fn destroying_a_vm_touches_the_vm_and_its_nics() {
        let destroy = event_code("VM.DESTROY").unwrap();
        assert_eq!(kinds_of(destroy).collect::<Vec<_>>(), [ResourceKind::Vm, ResourceKind::VmNics]);
        assert_eq!(meters(destroy, ResourceKind::Vm).len(), 2);
        assert_eq!(event_code("VM.REBOOT"), None);
    }

    #[test]
    fn names_count_in_events_of_nics_alone() {
        assert!(names_a_nic("NETWORK.OFFERING.ASSIGN") && names_a_nic("NETWORK.OFFERING.DELETE"));
        assert!(!names_a_nic("VM.DESTROY") && !names_a_nic("VM.START"));
    }

    #[test]
    fn each_event_has_one_effect_on_a_type() {
        for row in usage_types() {
            for (i, (name, _)) in row.events.iter().enumerate() {
                assert!(row.events[..i].iter().all(|(other, _)| other != name), "{name}");
            }
        }
    }
}
