//! The rows of the stream while they are being made.
//!
//! Rows are gathered resource by resource and put in order of time at the end, so
//! they are kept small: names are numbers until a row is read, ids have 32 bits.

use cloudtally_model::{
    AccountId, EventId, Instant, OfferingId, ResourceId, TemplateId, Text, UsageEvent, UsageTypeId,
    ZoneId,
};

use crate::{
    emit::EventRow,
    timeline::{Meaning, Timeline},
};

macro_rules! happenings {
    ($($name:ident $text:literal $close:ident),* $(,)?) => {
        /// The event types the simulated cloud writes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Happening { $($name),* }

        impl Happening {
            /// The type as the stream spells it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Tells if the event closes something; its loss then leaves that open.
            pub(crate) fn closing(self) -> Closing {
                match self { $(Self::$name => Closing::$close),* }
            }

            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

/// A mark on events that close something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    Yes,
    No,
}

happenings! {
    VmCreate "VM.CREATE" No,
    VmStart "VM.START" No,
    VmStop "VM.STOP" Yes,
    VmDestroy "VM.DESTROY" Yes,
    VmUpgrade "VM.UPGRADE" No,
    VmDynamicScale "VM.DYNAMIC.SCALE" No,
    VmReboot "VM.REBOOT" No,
    VmMigrate "VM.MIGRATE" No,
    VmSnapshotCreate "VMSNAPSHOT.CREATE" No,
    VmSnapshotDelete "VMSNAPSHOT.DELETE" No,
    SecurityGroupAssign "SG.ASSIGN" No,
    SecurityGroupRemove "SG.REMOVE" No,
    NetworkOfferingAssign "NETWORK.OFFERING.ASSIGN" No,
    NetworkOfferingCreate "NETWORK.OFFERING.CREATE" No,
    NetworkOfferingRemove "NETWORK.OFFERING.REMOVE" Yes,
    NetworkOfferingDelete "NETWORK.OFFERING.DELETE" Yes,
    VolumeCreate "VOLUME.CREATE" No,
    VolumeUpload "VOLUME.UPLOAD" No,
    VolumeResize "VOLUME.RESIZE" No,
    VolumeDelete "VOLUME.DELETE" Yes,
    SnapshotCreate "SNAPSHOT.CREATE" No,
    SnapshotDelete "SNAPSHOT.DELETE" Yes,
    TemplateCreate "TEMPLATE.CREATE" No,
    TemplateCopy "TEMPLATE.COPY" No,
    TemplateDelete "TEMPLATE.DELETE" Yes,
    IsoCreate "ISO.CREATE" No,
    IsoCopy "ISO.COPY" No,
    IsoDelete "ISO.DELETE" Yes,
    AddressAssign "NET.IPASSIGN" No,
    AddressRelease "NET.IPRELEASE" Yes,
    PortableAssign "PORTABLE.IPASSIGN" No,
    PortableRelease "PORTABLE.IPRELEASE" Yes,
    LoadBalancerCreate "LB.CREATE" No,
    LoadBalancerDelete "LB.DELETE" Yes,
    RuleAdd "NET.RULEADD" No,
    RuleDelete "NET.RULEDELETE" Yes,
    VpnUserAdd "VPN.USER.ADD" No,
    VpnUserRemove "VPN.USER.REMOVE" Yes,
}

/// A resource's name, spelled only when a row is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    None,
    Vm(u32),
    RootVolume(u32),
    DataVolume(u32),
    UploadedVolume(u32),
    Snapshot(u32),
    VmSnapshot(u32),
    Template(u32),
    Iso(u32),
    Address(u32),
    Nic(u32),
    VpnUser(u32),
}

impl Name {
    fn text(self) -> Option<Text> {
        const ROLES: [&str; 6] = ["web", "db", "app", "ci", "mail", "cache"];
        let text = match self {
            Self::None => return None,
            Self::Vm(id) => {
                let role = usize::try_from(id % 6).expect("below 6");
                format!("{}-{id}", ROLES[role])
            }
            Self::RootVolume(vm) => format!("ROOT-{vm}"),
            Self::DataVolume(id) => format!("DATA-{id}"),
            Self::UploadedVolume(id) => format!("import-{id}"),
            Self::Snapshot(id) => format!("snap-{id}"),
            Self::VmSnapshot(id) => format!("vmsnap-{id}"),
            Self::Template(id) => format!("image-{id}"),
            Self::Iso(id) => format!("installer-{id}"),
            // 198.18.0.0/15, the addresses reserved for benchmarks.
            Self::Address(id) => {
                format!("198.{}.{}.{}", 18 + (id >> 16) % 2, (id >> 8) % 256, id % 256)
            }
            Self::Nic(id) => id.to_string(),
            Self::VpnUser(id) => format!("roadwarrior{id}"),
        };
        Some(text.into())
    }
}

/// The column `resource_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    None,
    Of(&'static str),
}

/// One row, small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) happening: Happening,
    pub(crate) created: Instant,
    pub(crate) account: u32,
    /// As the stream writes it: 0 and -1 occur.
    pub(crate) zone: i16,
    pub(crate) resource: u32,
    pub(crate) name: Name,
    pub(crate) offering: Option<u32>,
    pub(crate) template: Option<u32>,
    pub(crate) size: Option<u64>,
    pub(crate) virtual_size: Option<u64>,
    pub(crate) label: Label,
}

impl Row {
    pub(crate) fn new(
        happening: Happening,
        created: Instant,
        account: u32,
        zone: i16,
        resource: u32,
    ) -> Self {
        Self {
            happening,
            created,
            account,
            zone,
            resource,
            name: Name::None,
            offering: None,
            template: None,
            size: None,
            virtual_size: None,
            label: Label::None,
        }
    }

    /// The row as it stands in the stream under an id.
    pub(crate) fn emitted(&self, id: EventId) -> EventRow {
        let event = UsageEvent {
            id,
            event_type: Text::const_new(self.happening.name()),
            created: self.created,
            account: AccountId(self.account.into()),
            zone: ZoneId::from_source(self.zone.into()),
            resource: ResourceId(self.resource.into()),
            resource_name: self.name.text(),
            offering: self.offering.map(|id| OfferingId(id.into())),
            template: self.template.map(|id| TemplateId(id.into())),
            size: self.size,
            virtual_size: self.virtual_size,
            resource_type: match self.label {
                Label::None => None,
                Label::Of(text) => Some(Text::const_new(text)),
            },
        };
        EventRow { event, zone_number: self.zone.into() }
    }
}

/// The handle of a timeline in [`Rows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineId(usize);

/// All rows and timelines of a history.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// In the order in which they were written; a row's number is its place.
    pub(crate) all: Vec<Row>,
    pub(crate) timelines: Vec<Timeline>,
}

impl Rows {
    /// Begins the timeline of a part of a resource.
    pub(crate) fn line(&mut self, usage_type: UsageTypeId, resource: u32, nic: u32) -> LineId {
        self.timelines.push(Timeline::new(usage_type, resource, nic));
        LineId(self.timelines.len() - 1)
    }

    /// Writes a row and what it means for some timelines.
    pub(crate) fn write(&mut self, row: Row, meanings: &[(LineId, Meaning)]) {
        let number = u32::try_from(self.all.len()).expect("fewer than 2^32 events");
        self.all.push(row);
        for (line, meaning) in meanings {
            self.timelines[line.0].mark(row.created, number, *meaning);
        }
    }

    /// Returns true if a timeline has an open stretch now.
    pub(crate) fn is_open(&self, line: LineId) -> bool {
        self.timelines[line.0].is_open()
    }

    /// The numbers of the rows in the order of the stream. Rows of one instant stay
    /// in the order in which they were written, which is the order of their causes.
    pub(crate) fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..).take(self.all.len()).collect();
        let created =
            |number: &u32| self.all[usize::try_from(*number).expect("an index of rows")].created;
        order.sort_by_key(created);
        order
    }
}
